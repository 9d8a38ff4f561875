/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedulers: one file each in sched/, one constant struct sched_ops each, listed in sched.c.
 *
 * Thread-safety: build: main lcore. start, pick: worker lcore. sched_by_name(): any.
 */
#ifndef SCHED_H
#define SCHED_H

#include <stddef.h>
#include <stdint.h>

struct dest;
struct flow;
struct service;

/** struct sched_lcore: where a scheduler stands with one service on one worker. Owner: that worker. */
struct sched_lcore {
	uint32_t pos;   /**< rr, wrr: next place in the table */
	uint32_t level; /**< wrr: steps down from the highest weight */
	uint32_t group; /**< wrr: group of equal weights reached */
	uint32_t pad;
};

/** struct sched_ops: a scheduler. Services are built on the main lcore and never change after. */
struct sched_ops {
	const char *name;
	/** Allowed DPVS_SCHED_* flags. */
	uint32_t flags;
	/**
	 * Builds what pick() needs for @svc (dests and flags are set); *ret_table may stay NULL, else it is
	 * freed with free(). Main lcore. Returns 0, -ENOMEM, -ENOSPC (too many servers for the table).
	 */
	int (*build)(const struct service *svc, void **ret_table);
	/** Sets the first position on worker @worker of @workers, so that they do not start alike. NULL: none. */
	void (*start)(const struct service *svc, struct sched_lcore *state, unsigned int worker,
		      unsigned int workers);
	/**
	 * Picks a dest with weight above 0, or NULL: there is none. Worker lcore. @state may come from an
	 * earlier object of the service, with other servers.
	 */
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
