/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers from 0 up to a limit, given out and taken back: slots in per-worker arrays. One that was given
 * back longest ago goes out first.
 *
 * Thread-safety: main lcore only.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <errno.h>
#include <stdint.h>

#include <glib.h>

/** struct slots: see each member. */
struct slots {
	uint32_t max;
	uint32_t used; /**< from here on none was ever given out */
	GQueue free;
};

static inline void
slots_init(struct slots *s, uint32_t max)
{
	s->max = max;
	s->used = 0;
	g_queue_init(&s->free);
}

static inline void
slots_fini(struct slots *s)
{
	g_queue_clear(&s->free);
}

/** slots_get: Returns 0, or -ENOSPC: all are out. */
static inline int
slots_get(struct slots *s, uint32_t *ret_slot)
{
	if (!g_queue_is_empty(&s->free))
		*ret_slot = GPOINTER_TO_UINT(g_queue_pop_head(&s->free));
	else if (s->used < s->max)
		*ret_slot = s->used++;
	else
		return -ENOSPC;
	return 0;
}

static inline void
slots_put(struct slots *s, uint32_t slot)
{
	g_queue_push_tail(&s->free, GUINT_TO_POINTER(slot));
}

#endif
