/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler table of the usable servers of a service: those with a weight above 0, in the order of adding.
 * Picking from it never passes over drained ones.
 *
 * Thread-safety: built on the main lcore, constant after.
 */
#ifndef READY_H
#define READY_H

#include <stdint.h>

struct sched_build;

/** struct sched_ready: places in the service's dests. */
struct sched_ready {
	uint32_t count;
	uint32_t dest[];
};

/** sched_build_ready: a .build of struct sched_ops. Returns 0, SCHED_MORE or -ENOMEM. */
int sched_build_ready(struct sched_build *b);

#endif
