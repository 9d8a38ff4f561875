/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler rr: the usable servers in turn. Each worker goes round by itself and starts at another server,
 * so that few connections over many workers do not all reach the first one.
 */
#include "lb/sched.h"
#include "lb/sched/ready.h"
#include "lb/service.h"

static void
rr_start(const struct service *svc, struct sched_lcore *state, unsigned int worker, unsigned int workers)
{
	(void)svc;
	(void)workers;
	*state = (struct sched_lcore){ .pos = worker };
}

static const struct dest *
rr_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	const struct sched_ready *ready = svc->sched_table;
	uint32_t pos = state->pos;

	(void)flow;
	if (ready->count == 0)
		return NULL;
	if (pos >= ready->count)
		pos %= ready->count;
	state->pos = pos + 1;
	return &svc->dests[ready->dest[pos]];
}

const struct sched_ops sched_rr = {
	.name = "rr",
	.build = sched_build_ready,
	.start = rr_start,
	.pick = rr_pick,
};
