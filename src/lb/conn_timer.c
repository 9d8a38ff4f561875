/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wheel that ends idle connections; see conn_table.h. Slot of a tick holds what ends in that tick, at
 * the earliest; it is looked at when the tick is over, so nothing ends early and nothing more than two ticks
 * late while the budget suffices.
 */
#include "lb/conn_table.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

/* Connections that end together: as many cache misses as a core has under way. */
#define BATCH 16

void
conn_timer_del(struct conn_table *t, struct conn *c)
{
	if (c->timer_slot == CONN_TIMER_OFF)
		return;
	if (c->timer_prev != CONN_NONE)
		t->conns[c->timer_prev].timer_next = c->timer_next;
	else
		t->wheel[c->timer_slot] = c->timer_next;
	if (c->timer_next != CONN_NONE)
		t->conns[c->timer_next].timer_prev = c->timer_prev;
	c->timer_slot = CONN_TIMER_OFF;
}

static void
wheel_put(struct conn_table *t, struct conn *c)
{
	uint32_t tick = (c->last_ms + c->timeout_ms) >> CONN_TICK_SHIFT;
	/* Ticks have fewer bits than uint32_t: sign-extend their difference. */
	int32_t ahead = (int32_t)((tick - t->tick) << CONN_TICK_SHIFT) >> CONN_TICK_SHIFT;
	uint32_t index = conn_index(t, c), first;

	if (ahead < 0)
		tick = t->tick;
	else if (ahead >= CONN_WHEEL_SLOTS)
		tick = t->tick + CONN_WHEEL_SLOTS - 1;
	c->timer_slot = (uint16_t)(tick % CONN_WHEEL_SLOTS);
	first = t->wheel[c->timer_slot];
	c->timer_prev = CONN_NONE;
	c->timer_next = first;
	if (first != CONN_NONE)
		t->conns[first].timer_prev = index;
	t->wheel[c->timer_slot] = index;
}

void
conn_timer_set(struct conn_table *t, struct conn *c)
{
	conn_timer_del(t, c);
	wheel_put(t, c);
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

	while (t->tick != now_tick && budget-- > 0) {
		uint32_t *slot = &t->wheel[t->tick % CONN_WHEEL_SLOTS];
		uint32_t index = *slot;
		struct conn *c = &t->conns[index], *next;

		if (index == CONN_NONE) {
			t->tick = (t->tick + 1) & (UINT32_MAX >> CONN_TICK_SHIFT);
			continue;
		}
		next = &t->conns[c->timer_next];
		rte_prefetch0(next);
		rte_prefetch0((const char *)next + RTE_CACHE_LINE_SIZE);
		*slot = c->timer_next;
		next->timer_prev = CONN_NONE;
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
	batch_end(t, batch, n, end);
	return ended;
}
