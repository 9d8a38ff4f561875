/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler wlc: the usable server with the least load for its weight, load as in lc. The first one wins a
 * tie.
 */
#include "lb/sched.h"
#include "lb/sched/least.h"
#include "lb/service.h"

static int
wlc_build(struct sched_build *b)
{
	return least_build(b, true);
}

static const struct dest *
wlc_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	(void)state;
	(void)flow;
	return least_pick(svc);
}

const struct sched_ops sched_wlc = {
	.name = "wlc",
	.build = wlc_build,
	.pick = wlc_pick,
};
