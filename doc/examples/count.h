/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the example daemon (daemon.c) and its client (count.c) say to each other. Records follow the rules of
 * dpvsctrl/types.h: fixed widths, padding that is zero and named, no pointers.
 *
 * Thread-safety: plain data.
 */
#ifndef COUNT_H
#define COUNT_H

#include <assert.h>
#include <stdint.h>

/* GET and SET ids are two number spaces; these are ours, the daemon is not dpvsd. */
enum {
	COUNT_GET = 1,
	COUNT_SET_ADD = 1,
};

/** COUNT_ADD_MAX: most that one COUNT_SET_ADD adds. */
#define COUNT_ADD_MAX 1000

/** struct count_add: record of COUNT_SET_ADD. */
struct count_add {
	uint32_t add; /**< 1 to COUNT_ADD_MAX; each worker adds it to its sum */
	uint32_t pad;
};

static_assert(sizeof(struct count_add) == 8, "wire format");

/** struct count_info: a worker's sum, in the answer of COUNT_GET. */
struct count_info {
	uint32_t lcore;
	uint32_t pad;
	uint64_t sum;
};

static_assert(sizeof(struct count_info) == 16, "wire format");

#endif
