/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorts by merging, some items at a time, so that others can have their turns in between. Stable: equal keys stay in
 * their order.
 *
 * Thread-safety: pure functions on the caller's memory.
 */
#ifndef SORT_H
#define SORT_H

#include <stdbool.h>
#include <stdint.h>

/** struct sort_item: what is sorted, by rising key. */
struct sort_item {
	uint64_t key;
	uint64_t value;
};

/** struct sort: where it stands. */
struct sort {
	struct sort_item *from; /**< runs of @width sorted items; when all is sorted, the result */
	struct sort_item *to;   /**< as much memory again */
	uint32_t count;
	uint32_t width;
	uint32_t at;    /**< items of @to that are there */
	uint32_t left;  /**< next item of the two runs that are being merged */
	uint32_t right;
};

static inline struct sort
sort_of(struct sort_item *items, struct sort_item *spare, uint32_t count)
{
	return (struct sort){ .from = items, .to = spare, .count = count, .width = 1 };
}

/** sort_step: goes on, moving at most *@left items, which it takes off. Returns true when all is sorted. */
static inline bool
sort_step(struct sort *s, uint32_t *left)
{
	while (s->width < s->count) {
		for (; s->at < s->count; s->at++, --*left) {
			uint32_t low = s->at & ~(2 * s->width - 1);
			uint32_t middle = low + s->width < s->count ? low + s->width : s->count;
			uint32_t high = middle + s->width < s->count ? middle + s->width : s->count;
			bool first;

			if (*left == 0)
				return false;
			if (s->at == low) {
				s->left = low;
				s->right = middle;
			}
			first = s->left < middle &&
				(s->right >= high || s->from[s->left].key <= s->from[s->right].key);
			s->to[s->at] = s->from[first ? s->left++ : s->right++];
		}
		struct sort_item *swap = s->from;

		s->from = s->to;
		s->to = swap;
		s->width *= 2;
		s->at = 0;
	}
	return true;
}

#endif
