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

/** SCHED_MORE: the table is not complete: build() is to be called again; as CHANGE_MORE. */
#define SCHED_MORE 1

/** Servers, or slots, that one call of build() deals with: some tens of microseconds. */
#define SCHED_STEP 1024u

/** struct sched_build: a table on its way. All of it zero at first, but @svc. */
struct sched_build {
	const struct service *svc; /**< its dests and flags are set, and stay as they are */
	void *table;    /**< what pick() needs, once build() has returned 0; may be NULL, else it is freed with free() */
	void *state;    /**< the scheduler's own until then; freed with free() */
	uint32_t phase; /**< its own, too, and the next two */
	uint32_t next;
	uint32_t count;
};

/** sched_build_free: gives up a table that is, or is not, complete. */
void sched_build_free(struct sched_build *b);

/**
 * struct sched_ops: a scheduler. Services are built on the main lcore and never change after, but for a
 * part of a table that belongs to one worker alone (sched/least.c).
 */
struct sched_ops {
	const char *name;
	/** Allowed DPVS_SCHED_* flags. */
	uint32_t flags;
	/**
	 * Goes on building what pick() needs, SCHED_STEP servers or slots. Main lcore. Returns 0: complete; SCHED_MORE;
	 * -ENOMEM, -ENOSPC (too many servers for the table).
	 */
	int (*build)(struct sched_build *b);
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
