/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See least.h. The table of a service has the usable servers and, when they are many, a tree for each
 * worker: leaves are loads as that worker saw them last, an inner place has the number of the lesser of the
 * two below. Loads are compared as products with the other's weight: no division, no rounding.
 */
#include "lb/sched/least.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "lb/sched/load.h"
#include "lb/service.h"

/** No server: where the tree has more leaves than there are servers. */
#define LEAST_NONE UINT32_MAX

/** struct least_server: a usable server; those of a table are in the order of adding. */
struct least_server {
	uint32_t place;  /**< in the service's dests */
	uint32_t index;  /**< struct dest.index: where its connections are counted */
	uint32_t weight; /**< 1 for all when they do not count */
};

/** struct least_tree: of one worker, which alone writes it. Behind it lie the inner places, inner_of(). */
struct least_tree {
	uint32_t next;   /**< server to be read anew next */
	uint64_t load[]; /**< [count] the leaves */
};

struct least_table {
	uint32_t count;    /**< servers */
	uint32_t leaves;   /**< a power of two; 0: there are no trees */
	size_t tree_bytes; /**< from one worker's tree to the next, whole cache lines */
	char *trees;
	struct least_server servers[];
};

/* Is server @a, with @a_load, less loaded than @b? Loads are below 2^48, weights below 2^16. */
static inline bool
is_less(const struct least_server *a, uint64_t a_load, const struct least_server *b, uint64_t b_load)
{
	return a_load * b->weight < b_load * a->weight;
}

static struct least_tree *
tree_of(const struct least_table *table, unsigned int worker)
{
	return (struct least_tree *)(void *)(table->trees + worker * table->tree_bytes);
}

/* [leaves]; [1] is the top, below [i] are [2i] and [2i + 1]. */
static inline uint32_t *
inner_of(const struct least_table *table, const struct least_tree *tree)
{
	return (uint32_t *)(uintptr_t)&tree->load[table->count];
}

/* The lesser of two servers of the tree; of a tie the first, which is @left. */
static inline uint32_t
lesser(const struct least_table *table, const struct least_tree *tree, uint32_t left, uint32_t right)
{
	if (right == LEAST_NONE || left == LEAST_NONE)
		return left != LEAST_NONE ? left : right;
	return is_less(&table->servers[right], tree->load[right], &table->servers[left], tree->load[left]) ?
		       right : left;
}

/* What is at place @at, an inner one or a leaf. */
static inline uint32_t
at_place(const struct least_table *table, const struct least_tree *tree, uint32_t at)
{
	if (at < table->leaves)
		return inner_of(table, tree)[at];
	at -= table->leaves;
	return at < table->count ? at : LEAST_NONE;
}

static inline void
place_set(const struct least_table *table, struct least_tree *tree, uint32_t at)
{
	inner_of(table, tree)[at] =
		lesser(table, tree, at_place(table, tree, 2 * at), at_place(table, tree, 2 * at + 1));
}

static void
load_set(const struct least_table *table, struct least_tree *tree, uint32_t server, uint64_t load)
{
	const uint32_t *inner = inner_of(table, tree);

	tree->load[server] = load;
	for (uint32_t at = (table->leaves + server) / 2; at > 0; at /= 2) {
		uint32_t before = inner[at];

		place_set(table, tree, at);
		/* Another one was there and stays: nothing above changes. */
		if (inner[at] == before && before != server)
			break;
	}
}

/* The loads of this moment, for all workers. */
static void
trees_build(const struct least_table *table, unsigned int workers)
{
	struct least_tree *first = tree_of(table, 0);

	first->next = 0;
	for (uint32_t i = 0; i < table->count; i++)
		first->load[i] = sched_load(table->servers[i].index, workers);
	for (uint32_t at = table->leaves - 1; at > 0; at--)
		place_set(table, first, at);
	for (unsigned int w = 1; w < workers; w++)
		memcpy(tree_of(table, w), first, table->tree_bytes);
}

int
least_build(const struct service *svc, bool weighted, void **ret_table)
{
	const unsigned int workers = lcore_worker_count();
	struct least_table *table;
	size_t bytes, tree_bytes = 0;
	uint32_t count = 0, leaves = 0;

	for (uint32_t i = 0; i < svc->num_dests; i++)
		count += svc->dests[i].weight > 0;
	if ((uint64_t)count * workers > LEAST_EXACT) {
		leaves = rte_align32pow2(count);
		tree_bytes = sizeof(struct least_tree) + count * sizeof(uint64_t) + leaves * sizeof(uint32_t);
		tree_bytes = RTE_ALIGN_CEIL(tree_bytes, (size_t)RTE_CACHE_LINE_SIZE);
	}
	bytes = RTE_ALIGN_CEIL(sizeof(*table) + count * sizeof(table->servers[0]), RTE_CACHE_LINE_SIZE);
	table = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes + workers * tree_bytes);
	if (table == NULL)
		return -ENOMEM;
	*table = (struct least_table){
		.leaves = leaves,
		.tree_bytes = tree_bytes,
		.trees = (char *)table + bytes,
	};
	for (uint32_t i = 0; i < svc->num_dests; i++) {
		const struct dest *dest = &svc->dests[i];

		if (dest->weight > 0)
			table->servers[table->count++] = (struct least_server){
				.place = i,
				.index = dest->index,
				.weight = weighted ? dest->weight : 1,
			};
	}
	if (leaves > 0)
		trees_build(table, workers);
	*ret_table = table;
	return 0;
}

/* All servers looked at. */
static uint32_t
least_of_all(const struct least_table *table, unsigned int workers)
{
	uint32_t least = 0;
	uint64_t least_load = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		uint64_t load = sched_load(table->servers[i].index, workers);

		if (i == 0 || is_less(&table->servers[i], load, &table->servers[least], least_load)) {
			least = i;
			least_load = load;
		}
	}
	return least;
}

static void
refresh(const struct least_table *table, struct least_tree *tree, unsigned int workers)
{
	for (unsigned int i = 0; i < LEAST_REFRESH; i++) {
		uint32_t server = tree->next;
		uint64_t load = sched_load(table->servers[server].index, workers);

		tree->next = server + 1 < table->count ? server + 1 : 0;
		if (load != tree->load[server])
			load_set(table, tree, server, load);
	}
}

static uint32_t
least_of_tree(const struct least_table *table, struct least_tree *tree, unsigned int workers)
{
	uint32_t least = LEAST_NONE;

	refresh(table, tree, workers);
	for (unsigned int i = 0; i < LEAST_CHECKS; i++) {
		uint32_t server = inner_of(table, tree)[1];
		uint64_t load = sched_load(table->servers[server].index, workers);

		if (load <= tree->load[server]) {
			least = server;
			tree->load[server] = load;
			break;
		}
		load_set(table, tree, server, load);
		if (least == LEAST_NONE ||
		    is_less(&table->servers[server], load, &table->servers[least], tree->load[least]))
			least = server;
	}
	/* The connection that it gets. */
	load_set(table, tree, least, tree->load[least] + 1);
	return least;
}

const struct dest *
least_pick(const struct service *svc)
{
	const struct least_table *table = svc->sched_table;
	const unsigned int workers = lcore_worker_count();
	uint32_t server;

	if (unlikely(table->count == 0))
		return NULL;
	if (table->leaves == 0)
		server = least_of_all(table, workers);
	else
		server = least_of_tree(table, tree_of(table, lcore_me()->worker), workers);
	return &svc->dests[table->servers[server].place];
}
