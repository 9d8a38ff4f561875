/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedulers: one file each in sched/, one constant struct sched_ops each, listed in sched.c.
 *
 * Thread-safety: build, free_table: main lcore. pick: worker lcore.
 */
#ifndef SCHED_H
#define SCHED_H

#include <stddef.h>
#include <stdint.h>

struct dest;
struct flow;
struct service;

/** Scheduler state of one service on one worker (rr and wrr positions); zero at start, offset by worker. */
struct sched_lcore {
	uint32_t pos;
	uint32_t round;
};

struct sched_ops {
	const char *name;
	/** Allowed DPVS_SCHED_* flags. */
	uint32_t flags;
	/** Builds the table for @svc (dests and flags are set); *ret_table may stay NULL. 0 or negative errno. */
	int (*build)(const struct service *svc, void **ret_table);
	void (*free_table)(void *table);
	/** Picks a dest with weight above 0, or NULL. */
	const struct dest *(*pick)(const struct service *svc, struct sched_lcore *state,
				   const struct flow *flow);
};

extern const struct sched_ops sched_rr;
extern const struct sched_ops sched_wrr;
extern const struct sched_ops sched_lc;
extern const struct sched_ops sched_wlc;
extern const struct sched_ops sched_mh;

/** sched_by_name: NULL when there is none of that name. */
const struct sched_ops *sched_by_name(const char *name);

#endif
