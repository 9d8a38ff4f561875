/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault points of the library and the daemon, private to this tree. Where memory can run out, a pool be
 * empty, a ring be full, the code asks
 *
 *   if (FAULT_POINT("change.op") || (p = g_try_malloc(size)) == NULL)
 *           return -ENOMEM;
 *
 * A build without -DDPVS_FAULT_INJECTION has the constant false there, and no code. A build with it
 * (./configure --enable-fault-injection, and what tests/fault links) also has each call of malloc() and its
 * kind as such a point, by fault_alloc.h, and lets workers be slow, or stand still.
 *
 * Thread-safety: FAULT_POINT(), FAULT_HELD(): any thread. The rest: see each function.
 */
#ifndef FAULT_POINT_H
#define FAULT_POINT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef DPVS_FAULT_INJECTION

#define FAULT_POINT(name) fault_point(name, __FILE__, __LINE__)
#define FAULT_HELD(worker) fault_held(worker)

/** How worker messages are held up; see fault_hold(). */
enum {
	FAULT_HOLD_NONE,
	FAULT_HOLD_MSGS, /**< the worker goes on, but does not look at its messages */
	FAULT_HOLD_LOOP, /**< the worker's loop stands still */
};

/** struct fault_site: a fault point that was passed. */
struct fault_site {
	const char *name;
	const char *file;
	int line;
	uint64_t passed;
	uint64_t failed;
};

/** Most fault points that are told from each other. */
#define FAULT_SITES 512

bool fault_point(const char *name, const char *file, int line);
bool fault_held(unsigned int worker);

/** fault_nth: the @n-th point that the calling thread passes from now on fails, the only one; 0: none does. */
void fault_nth(uint64_t n);

/** fault_random: each point that the calling thread passes fails with @rate of 1,000,000. */
void fault_random(uint64_t seed, uint32_t rate);

/** fault_off: the points of the calling thread do not fail, and are not counted. */
void fault_off(void);

/** fault_passed, fault_failed: points that the calling thread passed, and that failed, since the last call above. */
uint64_t fault_passed(void);
uint64_t fault_failed(void);

/** fault_last: the last point of the calling thread that failed since then, or NULL. */
const struct fault_site *fault_last(void);

/** fault_workers: each point that any EAL thread without a setting of its own passes fails so often. Any thread. */
void fault_workers(uint64_t seed, uint32_t rate);

/** fault_hold: worker @worker is held up, @how says FAULT_HOLD_*, until it is told NONE. Any thread. */
void fault_hold(unsigned int worker, unsigned int how);

/** fault_sites: all points passed while they could fail; returns how many. Any thread. */
unsigned int fault_sites(struct fault_site ret_sites[FAULT_SITES]);

#else

#define FAULT_POINT(name) false
#define FAULT_HELD(worker) false

#endif
#endif
