/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table whose nodes are members of the objects: no allocation for an object that comes, and no moment
 * at which everything is moved: each addition to a table as full as it should be splits one bucket in two
 * (linear hashing; Litwin, "Linear Hashing: a New Tool for File and Table Addressing", VLDB 1980). Address
 * space for the buckets is reserved once. GLib's tables move all entries when they double: milliseconds with
 * 100,000 of them, in which main serves nobody.
 *
 *   for (n = htable_first(&t, hash); n != NULL; n = n->next)       n->hash == hash does not mean: equal
 *
 * Thread-safety: one owner, main lcore.
 */
#ifndef HTABLE_H
#define HTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/reserve.h"

/** struct htable_node: a member of the objects. */
struct htable_node {
	struct htable_node *next; /**< in the same bucket */
	uint32_t hash;
};

/** struct htable: see each member; zero before htable_init(). */
struct htable {
	struct htable_node **bucket;
	uint32_t max;     /**< buckets that there is address space for; a power of two */
	uint32_t low;     /**< a power of two: buckets at the last doubling */
	uint32_t buckets; /**< in use; from @low to less than twice that */
	uint32_t used;    /**< nodes */
};

/** htable_init: fast up to about @max nodes, right with any number. Returns 0 or -ENOMEM. */
static inline int
htable_init(struct htable *t, uint32_t max)
{
	int err;

	*t = (struct htable){ .max = 64, .low = 64, .buckets = 64 };
	while (t->max < max && t->max < 1u << 31)
		t->max *= 2;
	err = reserve_new(t->max * sizeof(t->bucket[0]), (void **)&t->bucket);
	if (err == 0)
		reserve_roots(t->bucket, t->max * sizeof(t->bucket[0]));
	return err;
}

/** htable_fini: forgets all nodes; harmless without htable_init(). */
static inline void
htable_fini(struct htable *t)
{
	if (t->bucket != NULL)
		reserve_no_roots(t->bucket, t->max * sizeof(t->bucket[0]));
	reserve_free(t->bucket, t->max * sizeof(t->bucket[0]));
	*t = (struct htable){ 0 };
}

static inline struct htable_node **
htable_bucket(const struct htable *t, uint32_t hash)
{
	uint32_t i = hash & (t->low * 2 - 1);

	return &t->bucket[i < t->buckets ? i : i & (t->low - 1)];
}

/** htable_first: the nodes that may have @hash: this one and its @next ones. NULL: none. */
static inline struct htable_node *
htable_first(const struct htable *t, uint32_t hash)
{
	return *htable_bucket(t, hash);
}

/* One bucket more: takes its nodes from the bucket that they were in so far. */
static inline void
htable_split(struct htable *t)
{
	struct htable_node **from = &t->bucket[t->buckets - t->low];
	struct htable_node **to = &t->bucket[t->buckets];
	uint32_t bit = t->low;

	while (*from != NULL) {
		struct htable_node *n = *from;

		if ((n->hash & bit) == 0) {
			from = &n->next;
			continue;
		}
		*from = n->next;
		n->next = *to;
		*to = n;
	}
	if (++t->buckets == t->low * 2)
		t->low = t->buckets;
}

/** htable_add: @node has nothing set yet. */
static inline void
htable_add(struct htable *t, struct htable_node *node, uint32_t hash)
{
	struct htable_node **bucket;

	if (++t->used > t->buckets && t->buckets < t->max)
		htable_split(t);
	bucket = htable_bucket(t, hash);
	node->hash = hash;
	node->next = *bucket;
	*bucket = node;
}

/** htable_remove: @node is in @t. */
static inline void
htable_remove(struct htable *t, struct htable_node *node)
{
	struct htable_node **at = htable_bucket(t, node->hash);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->used--;
}

/** htable_object: the struct of @type whose member @member is @node. */
#define htable_object(node, type, member) \
	((type *)(uintptr_t)((uintptr_t)(node) - offsetof(type, member)))

/** struct htable_iter: on the way through all nodes of a table, zero before its first. */
struct htable_iter {
	uint32_t bucket;
	struct htable_node *next;
};

/**
 * htable_next: the next node, in no order; NULL: that was all. The one that was returned may be removed, and freed, before the
 * next call; else @t must not change meanwhile.
 */
static inline struct htable_node *
htable_next(const struct htable *t, struct htable_iter *it)
{
	struct htable_node *n = it->next;

	while (n == NULL && it->bucket < t->buckets)
		n = t->bucket[it->bucket++];
	it->next = n != NULL ? n->next : NULL;
	return n;
}

#endif
