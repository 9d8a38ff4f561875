/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler lc: the usable server with the least load, in LVS's measure: an established connection counts
 * as much as 256 others. The first one wins a tie. Connections are summed over all workers.
 */
#include "lb/sched.h"
#include "lb/sched/load.h"
#include "lb/sched/ready.h"
#include "lb/service.h"

static const struct dest *
lc_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	const struct sched_ready *ready = svc->sched_table;
	const unsigned int workers = lcore_worker_count();
	const struct dest *least = NULL;
	uint64_t least_load = UINT64_MAX;

	(void)state;
	(void)flow;
	for (uint32_t i = 0; i < ready->count; i++) {
		const struct dest *dest = &svc->dests[ready->dest[i]];
		uint64_t load = sched_load(dest->index, workers);

		if (load < least_load) {
			least = dest;
			least_load = load;
		}
	}
	return least;
}

const struct sched_ops sched_lc = {
	.name = "lc",
	.build = sched_build_ready,
	.pick = lc_pick,
};
