/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler wlc: the usable server with the least load for its weight, load as in lc. The first one wins a
 * tie. Compared as products: no division, no rounding.
 */
#include "lb/sched.h"
#include "lb/sched/load.h"
#include "lb/sched/ready.h"
#include "lb/service.h"

static const struct dest *
wlc_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	const struct sched_ready *ready = svc->sched_table;
	const unsigned int workers = lcore_worker_count();
	const struct dest *least = NULL;
	uint64_t least_load = 0;

	(void)state;
	(void)flow;
	for (uint32_t i = 0; i < ready->count; i++) {
		const struct dest *dest = &svc->dests[ready->dest[i]];
		uint64_t load = sched_load(dest->index, workers);

		/* Loads are below 2^48, weights below 2^16. */
		if (least == NULL || load * least->weight < least_load * dest->weight) {
			least = dest;
			least_load = load;
		}
	}
	return least;
}

const struct sched_ops sched_wlc = {
	.name = "wlc",
	.build = sched_build_ready,
	.pick = wlc_pick,
};
