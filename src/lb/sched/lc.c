/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler lc: the usable server with the least load, in LVS's measure: an established connection counts
 * as much as 256 others. The first one wins a tie. Connections are summed over all workers.
 */
#include "lb/sched.h"
#include "lb/sched/least.h"
#include "lb/service.h"

static int
lc_build(struct sched_build *b)
{
	return least_build(b, false);
}

static const struct dest *
lc_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	(void)state;
	(void)flow;
	return least_pick(svc);
}

const struct sched_ops sched_lc = {
	.name = "lc",
	.build = lc_build,
	.pick = lc_pick,
};
