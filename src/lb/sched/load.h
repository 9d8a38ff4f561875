/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The load of a server, for schedulers that compare the loads of all servers of a service: inline, because
 * it is read once for each server and worker when a connection is made.
 *
 * Thread-safety: any lcore; plain reads of what the workers count, exact enough to balance.
 */
#ifndef LOAD_H
#define LOAD_H

#include "lb/service.h"

/** sched_load: in LVS's measure: 256 for an established connection, 1 for any other; below 2^48. */
static inline uint64_t
sched_load(uint32_t dest_index, unsigned int workers)
{
	uint64_t load = 0;

	for (unsigned int i = 0; i < workers; i++) {
		const struct dest_conns *dc = &dest_conns[i][dest_index];

		load += ((uint64_t)__atomic_load_n(&dc->active, __ATOMIC_RELAXED) << 8) +
			__atomic_load_n(&dc->inactive, __ATOMIC_RELAXED);
	}
	return load;
}

#endif
