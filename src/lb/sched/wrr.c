/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler wrr: in one cycle a server is picked weight / gcd times, interleaved as in LVS: a level goes
 * down from the highest weight in steps of the greatest common divisor, and at each level all servers whose
 * weight reaches it get one connection. With the servers sorted by weight (equal ones in the order of
 * adding) those are always the first ones of the table, and as every weight is a multiple of the divisor a
 * step down adds at most one group of equal weights: a pick costs the same whatever the weights are.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lb/sched.h"
#include "lb/sched/sort.h"
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

/** struct wrr_state: while the table is built. */
struct wrr_state {
	struct sort sort;
	uint32_t divisor;
	bool sorted; /**< as they were added: nothing to be done */
	struct sort_item item[]; /**< twice as many as the service has servers */
};

/** Values of struct sched_build.phase. */
enum {
	WRR_BEGINS,
	WRR_ITEMS,
	WRR_SORTS,
	WRR_GROUPS,
};

static int
wrr_begin(struct sched_build *b)
{
	uint32_t n = b->svc->num_dests;
	struct wrr_table *t = malloc(sizeof(*t) + n * (sizeof(t->group[0]) + sizeof(t->dest[0])));
	struct wrr_state *st = malloc(sizeof(*st) + 2 * (size_t)n * sizeof(st->item[0]));

	b->table = t;
	b->state = st;
	if (t == NULL || st == NULL)
		return -ENOMEM;
	t->group = (struct wrr_group *)(t + 1);
	t->dest = (uint32_t *)(t->group + n);
	t->groups = 0;
	st->divisor = 0;
	st->sorted = true;
	st->sort = sort_of(st->item, st->item + n, 0);
	return 0;
}

/* The usable servers, with keys that rise as weights fall. */
static bool
wrr_items(struct sched_build *b, struct wrr_state *st, uint32_t *left)
{
	for (; b->next < b->svc->num_dests; b->next++, --*left) {
		uint32_t weight = b->svc->dests[b->next].weight;
		struct sort_item *item = &st->item[st->sort.count];

		if (*left == 0)
			return false;
		if (weight == 0)
			continue;
		st->divisor = gcd(weight, st->divisor);
		*item = (struct sort_item){ .key = UINT32_MAX - weight, .value = b->next };
		if (st->sort.count > 0 && item[-1].key > item->key)
			st->sorted = false;
		st->sort.count++;
	}
	return true;
}

static bool
wrr_groups(struct sched_build *b, const struct wrr_state *st, uint32_t *left)
{
	const struct sort_item *item = st->sort.from;
	struct wrr_table *t = b->table;

	t->levels = st->sort.count > 0 ? (UINT32_MAX - (uint32_t)item[0].key) / st->divisor : 0;
	for (; b->next < st->sort.count; b->next++, --*left) {
		uint32_t i = b->next;

		if (*left == 0)
			return false;
		if (i == 0 || item[i].key != item[i - 1].key)
			t->group[t->groups++].level = (uint32_t)(item[i].key - item[0].key) / st->divisor;
		t->group[t->groups - 1].end = i + 1;
		t->dest[i] = (uint32_t)item[i].value;
	}
	return true;
}

static int
wrr_build(struct sched_build *b)
{
	struct wrr_state *st = b->state;
	uint32_t left = SCHED_STEP;
	bool over = true;
	int err;

	while (over) {
		switch (b->phase) {
		case WRR_BEGINS:
			err = wrr_begin(b);
			if (err != 0)
				return err;
			st = b->state;
			break;
		case WRR_ITEMS:
			over = wrr_items(b, st, &left);
			break;
		case WRR_SORTS:
			over = st->sorted || sort_step(&st->sort, &left);
			break;
		default:
			if (!wrr_groups(b, st, &left))
				return SCHED_MORE;
			free(st);
			b->state = NULL;
			return 0;
		}
		if (over) {
			b->phase++;
			b->next = 0;
		}
	}
	return SCHED_MORE;
}

/* The last group that takes part at @level. */
static uint32_t
group_at(const struct wrr_table *t, uint32_t level)
{
	uint32_t low = 0;
	uint32_t high = t->groups;

	/* Halving: a worker does this when servers have changed, and there may be as many groups as servers. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (t->group[middle].level <= level)
			low = middle;
		else
			high = middle;
	}
	return low;
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
