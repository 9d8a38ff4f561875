/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wheel that ends idle connections; see conn_table.h. Slot of a tick holds what ends in that tick, at
 * the earliest; it is looked at when the tick is over, so nothing ends early and nothing more than two ticks
 * late while the budget suffices.
 */
#include "lb/conn_table.h"

#include <rte_prefetch.h>

/* Connections that end together: as many cache misses as a core has under way. */
#define BATCH 16

static uint32_t *
list_of(const struct conn_table *t, uint32_t slot, uint32_t index)
{
	return &t->wheel[slot * CONN_WHEEL_LANES + index % CONN_WHEEL_LANES];
}

void
conn_timer_del(struct conn_table *t, struct conn *c)
{
	uint32_t index = conn_index(t, c), *list;

	if (c->timer_slot == CONN_TIMER_OFF)
		return;
	list = list_of(t, c->timer_slot, index);
	if (*list == index)
		*list = c->timer_next;
	else
		t->conns[c->timer_prev].timer_next = c->timer_next;
	if (c->timer_next != CONN_NONE)
		t->conns[c->timer_next].timer_prev = c->timer_prev;
	c->timer_slot = CONN_TIMER_OFF;
}

/* How many ticks from now on the slot is in which @c would end, if it was not used any more. */
static uint32_t
ticks_ahead(const struct conn_table *t, const struct conn *c)
{
	uint32_t tick = (c->last_ms + c->timeout_ms) >> CONN_TICK_SHIFT;
	/* Ticks have fewer bits than uint32_t: sign-extend their difference. */
	int32_t ahead = (int32_t)((tick - t->tick) << CONN_TICK_SHIFT) >> CONN_TICK_SHIFT;

	if (ahead < 0)
		return 0;
	return RTE_MIN((uint32_t)ahead, CONN_WHEEL_SLOTS - 1u);
}

static void
wheel_put(struct conn_table *t, struct conn *c)
{
	uint32_t index = conn_index(t, c), *list, first;

	c->timer_slot = (uint16_t)((t->tick + ticks_ahead(t, c)) % CONN_WHEEL_SLOTS);
	list = list_of(t, c->timer_slot, index);
	first = *list;
	c->timer_next = first;
	if (first != CONN_NONE)
		t->conns[first].timer_prev = index;
	*list = index;
}

void
conn_timer_set(struct conn_table *t, struct conn *c)
{
	conn_timer_del(t, c);
	wheel_put(t, c);
}

void
conn_timer_sooner(struct conn_table *t, struct conn *c)
{
	if (c->timer_slot == CONN_TIMER_OFF ||
	    (c->timer_slot - t->tick) % CONN_WHEEL_SLOTS > ticks_ahead(t, c))
		conn_timer_set(t, c);
}

/* Ends @n connections; their buckets are on the way while the first ones end. */
static void
batch_end(struct conn_table *t, struct conn **batch, unsigned int n,
	  void (*end)(struct conn_table *t, struct conn *c))
{
	for (unsigned int i = 0; i < n; i++)
		conn_prefetch(t, batch[i]);
	for (unsigned int i = 0; i < n; i++)
		end(t, batch[i]);
}

unsigned int
conn_timer_run(struct conn_table *t, uint32_t now_ms, unsigned int budget,
	       void (*end)(struct conn_table *t, struct conn *c))
{
	uint32_t now_tick = now_ms >> CONN_TICK_SHIFT;
	unsigned int ended = 0, n = 0;
	struct conn *batch[BATCH];

	while (t->tick != now_tick && budget > 0) {
		uint32_t *lists = list_of(t, t->tick % CONN_WHEEL_SLOTS, 0);
		bool empty = true;

		/* One of each list in turn: what comes after it is on the way until its list has its turn again. */
		for (unsigned int i = 0; i < CONN_WHEEL_LANES && budget > 0; i++) {
			uint32_t index = lists[i];
			struct conn *c = &t->conns[index], *next;

			if (index == CONN_NONE)
				continue;
			empty = false;
			budget--;
			next = &t->conns[c->timer_next];
			rte_prefetch0(next);
			rte_prefetch0((const char *)next + RTE_CACHE_LINE_SIZE);
			lists[i] = c->timer_next;
			c->timer_slot = CONN_TIMER_OFF;
			if ((int32_t)(c->last_ms + c->timeout_ms - now_ms) > 0) {
				wheel_put(t, c);
				continue;
			}
			batch[n++] = c;
			ended++;
			if (n == BATCH) {
				batch_end(t, batch, n, end);
				n = 0;
			}
		}
		if (empty && budget > 0) {
			t->tick = (t->tick + 1) & (UINT32_MAX >> CONN_TICK_SHIFT);
			budget--;
		}
	}
	batch_end(t, batch, n, end);
	return ended;
}
