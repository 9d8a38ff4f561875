/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler wrr: in one cycle a server is picked weight / gcd times, interleaved as in LVS: a level goes
 * down from the highest weight in steps of the greatest common divisor, and at each level all servers whose
 * weight reaches it get one connection. With the servers sorted by weight (equal ones in the order of
 * adding) those are always the first ones of the table, and as every weight is a multiple of the divisor a
 * step down adds at most one group of equal weights: a pick costs the same whatever the weights are.
 */
#include <errno.h>
#include <stdlib.h>

#include "lb/sched.h"
#include "lb/service.h"

/** struct wrr_group: servers of one weight. */
struct wrr_group {
	uint32_t level; /**< steps down from the highest weight at which they join */
	uint32_t end;   /**< servers of this and all higher weights */
};

/** struct wrr_table: @group has @groups entries, @dest as many as the service. */
struct wrr_table {
	uint32_t groups;
	uint32_t levels; /**< in one cycle: highest weight / gcd */
	struct wrr_group *group;
	uint32_t *dest; /**< places in the service's dests, by falling weight */
};

static uint32_t
gcd(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/** struct wrr_item: to sort with. */
struct wrr_item {
	uint32_t weight;
	uint32_t dest;
};

static int
by_weight(const void *va, const void *vb)
{
	const struct wrr_item *a = va;
	const struct wrr_item *b = vb;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->dest < b->dest ? -1 : 1;
}

static int
wrr_build(const struct service *svc, void **ret_table)
{
	struct wrr_item *items = malloc((svc->num_dests + 1) * sizeof(*items));
	struct wrr_table *t = malloc(sizeof(*t) + svc->num_dests * (sizeof(t->group[0]) + sizeof(t->dest[0])));
	uint32_t count = 0;
	uint32_t divisor = 0;

	if (items == NULL || t == NULL) {
		free(items);
		free(t);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < svc->num_dests; i++) {
		if (svc->dests[i].weight == 0)
			continue;
		divisor = gcd(svc->dests[i].weight, divisor);
		items[count++] = (struct wrr_item){ .weight = svc->dests[i].weight, .dest = i };
	}
	qsort(items, count, sizeof(*items), by_weight);

	t->group = (struct wrr_group *)(t + 1);
	t->dest = (uint32_t *)(t->group + svc->num_dests);
	t->groups = 0;
	t->levels = count > 0 ? items[0].weight / divisor : 0;
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || items[i].weight != items[i - 1].weight) {
			t->group[t->groups++].level = (items[0].weight - items[i].weight) / divisor;
		}
		t->group[t->groups - 1].end = i + 1;
		t->dest[i] = items[i].dest;
	}
	free(items);
	*ret_table = t;
	return 0;
}

/* The last group that takes part at @level. */
static uint32_t
group_at(const struct wrr_table *t, uint32_t level)
{
	uint32_t group = 0;

	while (group + 1 < t->groups && t->group[group + 1].level <= level)
		group++;
	return group;
}

static void
wrr_start(const struct service *svc, struct sched_lcore *state, unsigned int worker, unsigned int workers)
{
	const struct wrr_table *t = svc->sched_table;

	*state = (struct sched_lcore){ 0 };
	if (t->groups == 0)
		return;
	state->level = (uint32_t)((uint64_t)t->levels * worker / workers);
	state->group = group_at(t, state->level);
	state->pos = worker % t->group[state->group].end;
}

static const struct dest *
wrr_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	const struct wrr_table *t = svc->sched_table;

	(void)flow;
	if (t->groups == 0)
		return NULL;
	if (state->level >= t->levels || state->group >= t->groups ||
	    t->group[state->group].level > state->level ||
	    (state->group + 1 < t->groups && t->group[state->group + 1].level <= state->level)) {
		/* The servers have changed. */
		if (state->level >= t->levels)
			state->level = 0;
		state->group = group_at(t, state->level);
	}
	if (state->pos >= t->group[state->group].end) {
		state->pos = 0;
		if (++state->level >= t->levels) {
			state->level = 0;
			state->group = 0;
		} else if (state->group + 1 < t->groups &&
			   t->group[state->group + 1].level <= state->level) {
			state->group++;
		}
	}
	return &svc->dests[t->dest[state->pos++]];
}

const struct sched_ops sched_wrr = {
	.name = "wrr",
	.build = wrr_build,
	.start = wrr_start,
	.pick = wrr_pick,
};
