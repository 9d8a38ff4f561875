/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An array that grows at its end and is never moved: pieces of SEGS_BYTES, and a table of them. GLib's arrays
 * double: with a million elements each doubling copies tens of megabytes to pages that the kernel has to clear first,
 * in one go. This one costs the same for each element, and is given back piece by piece, so both fit into a slice.
 *
 *   struct segs s = segs_of(sizeof(struct thing));
 *   *(struct thing *)segs_push(&s) = thing;          cannot fail: as g_malloc()
 *   t = segs_at(&s, i);
 *   while (segs_drop(&s)) others have their turn;
 *
 * Thread-safety: one owner; when it does not grow any more, any lcore may look.
 */
#ifndef SEGS_H
#define SEGS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** Bytes of a piece; the first one is smaller, as most have few elements. */
#define SEGS_BYTES (64u << 10)
#define SEGS_FIRST 16u

/** struct segs: see each member. */
struct segs {
	uint32_t len;  /**< elements */
	uint32_t size; /**< of an element, bytes */
	uint32_t per;  /**< elements in a piece */
	uint32_t pieces;
	uint32_t room; /**< in @piece */
	void **piece;
};

/** segs_in: elements of @size bytes, in pieces of @bytes, as many as fit. segs_of: in pieces of the usual size. */
static inline struct segs
segs_in(uint32_t size, uint32_t bytes)
{
	return (struct segs){ .size = size, .per = bytes / size };
}

static inline struct segs
segs_of(uint32_t size)
{
	return segs_in(size, SEGS_BYTES);
}

/* Elements of the first piece, until it is full. */
static inline uint32_t
segs_first(const struct segs *s)
{
	return MIN(SEGS_FIRST, s->per);
}

/** segs_bytes: what the elements take, pieces that are not full included. */
static inline size_t
segs_bytes(const struct segs *s)
{
	if (s->pieces == 1 && s->len <= segs_first(s))
		return (size_t)segs_first(s) * s->size;
	return (size_t)s->pieces * s->per * s->size;
}

/** segs_at: element @i, which is there. */
static inline void *
segs_at(const struct segs *s, uint32_t i)
{
	return (char *)s->piece[i / s->per] + (size_t)(i % s->per) * s->size;
}

/** segs_push: a new last element, whose bytes are anything. */
static inline void *
segs_push(struct segs *s)
{
	if (s->len == segs_first(s) && s->pieces == 1)
		s->piece[0] = g_realloc(s->piece[0], (size_t)s->per * s->size);
	if (s->len == s->pieces * s->per) {
		if (s->pieces == s->room) {
			s->room = s->room == 0 ? 1 : s->room * 2;
			s->piece = g_renew(void *, s->piece, s->room);
		}
		s->piece[s->pieces] = g_malloc((size_t)(s->pieces == 0 ? segs_first(s) : s->per) * s->size);
		s->pieces++;
	}
	return segs_at(s, s->len++);
}

/** segs_pop: the last element goes. */
static inline void
segs_pop(struct segs *s)
{
	s->len--;
	/* One piece more than needed stays, or who comes and goes at its edge would ask for it again and again. */
	if (s->pieces > 1 && s->len + s->per <= (s->pieces - 1) * s->per)
		g_free(s->piece[--s->pieces]);
}

/** segs_drop: the last piece goes, with what is in it. Returns false: there is none. */
static inline bool
segs_drop(struct segs *s)
{
	if (s->pieces == 0) {
		g_clear_pointer(&s->piece, g_free);
		s->room = 0;
		return false;
	}
	g_free(s->piece[--s->pieces]);
	if (s->len > s->pieces * s->per)
		s->len = s->pieces * s->per;
	return true;
}

#endif
