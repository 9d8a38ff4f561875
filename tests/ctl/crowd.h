/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients of all kinds at once, in a thread of their own, against the socket of a daemon in the same process: one that
 * says half a header and no more, one that sends a byte a second, one that asks and never reads, idle ones, busy
 * ones with a request under way each, and one whose SETs need every worker. What the busy ones wait is measured.
 *
 * Thread-safety: crowd_start(), crowd_stop() by the main thread; the rest by any.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CROWD_BUSY = 64,
	CROWD_IDLE = 2000,
};

/** struct crowd_result: of the busy clients; times in microseconds. */
struct crowd_result {
	uint64_t requests;
	uint64_t measured; /* of them, between crowd_measure(true) and (false) */
	uint64_t p99_us;   /* of these */
	uint64_t max_us;
	uint64_t over_50ms;
	unsigned int idle; /* clients: fewer than CROWD_IDLE where descriptors are few */
	uint64_t unread_asked; /* requests of the one that does not read */
	unsigned int dripped;  /* bytes of the one that sends one a second */
	int set_result;        /* of crowd_set() */
	uint64_t set_us;
};

/** crowd_start: connects all of them to @path. The caller's main loop has to serve meanwhile. */
void crowd_start(const char *path);

/** crowd_ready: are all connected, and has each busy one had some answers? */
bool crowd_ready(void);

/** crowd_measure: requests that begin from here on count, or do not. */
void crowd_measure(bool on);

/** crowd_set: a request that all workers have to confirm: the dest-edit @record. */
void crowd_set(const void *record, uint32_t size);

/** crowd_set_done: has it been answered? */
bool crowd_set_done(void);

/** crowd_stop: hangs up on all sides; runs the main loop until that is done. */
void crowd_stop(struct crowd_result *ret);

#endif
