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

#include "lb/sched.h"
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

/* How many servers are usable. */
static bool
count_some(struct sched_build *b, uint32_t *left)
{
	for (; b->next < b->svc->num_dests; b->next++, --*left) {
		if (*left == 0)
			return false;
		b->count += b->svc->dests[b->next].weight > 0;
	}
	return true;
}

static int
table_new(struct sched_build *b)
{
	const unsigned int workers = lcore_worker_count();
	struct least_table *table;
	size_t bytes, tree_bytes = 0;
	uint32_t leaves = 0;

	if ((uint64_t)b->count * workers > LEAST_EXACT) {
		leaves = rte_align32pow2(b->count);
		tree_bytes = sizeof(struct least_tree) + b->count * sizeof(uint64_t) + leaves * sizeof(uint32_t);
		tree_bytes = RTE_ALIGN_CEIL(tree_bytes, (size_t)RTE_CACHE_LINE_SIZE);
	}
	bytes = RTE_ALIGN_CEIL(sizeof(*table) + b->count * sizeof(table->servers[0]), RTE_CACHE_LINE_SIZE);
	table = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes + workers * tree_bytes);
	if (table == NULL)
		return -ENOMEM;
	*table = (struct least_table){
		.leaves = leaves,
		.tree_bytes = tree_bytes,
		.trees = (char *)table + bytes,
	};
	b->table = table;
	return 0;
}

static bool
servers_some(struct sched_build *b, struct least_table *table, bool weighted, uint32_t *left)
{
	for (; b->next < b->svc->num_dests; b->next++, --*left) {
		const struct dest *dest = &b->svc->dests[b->next];

		if (*left == 0)
			return false;
		if (dest->weight > 0)
			table->servers[table->count++] = (struct least_server){
				.place = b->next,
				.index = dest->index,
				.weight = weighted ? dest->weight : 1,
			};
	}
	return true;
}

/* Loads, into the first worker's tree; a look at a server on many workers is as much as several servers. */
static bool
loads_some(struct sched_build *b, const struct least_table *table, uint32_t *left)
{
	const unsigned int workers = lcore_worker_count();
	struct least_tree *first = tree_of(table, 0);

	first->next = 0;
	for (; b->next < table->count; b->next++) {
		if (*left < workers && *left < SCHED_STEP)
			return false;
		first->load[b->next] = sched_load(table->servers[b->next].index, workers);
		*left -= RTE_MIN(*left, workers);
	}
	return true;
}

static bool
places_some(struct sched_build *b, const struct least_table *table, uint32_t *left)
{
	for (; b->next + 1 < table->leaves; b->next++, --*left) {
		if (*left == 0)
			return false;
		place_set(table, tree_of(table, 0), table->leaves - 1 - b->next);
	}
	return true;
}

/* The tree for the other workers; in pieces, as it may have megabytes. */
static bool
copies_some(struct sched_build *b, const struct least_table *table, uint32_t *left)
{
	const size_t piece = 64 * RTE_CACHE_LINE_SIZE;
	const uint32_t pieces = (uint32_t)((table->tree_bytes + piece - 1) / piece);

	for (; b->next < pieces * (lcore_worker_count() - 1); b->next++) {
		size_t from = b->next % pieces * piece;

		if (*left < 64 && *left < SCHED_STEP)
			return false;
		memcpy((char *)tree_of(table, 1 + b->next / pieces) + from, (char *)tree_of(table, 0) + from,
		       RTE_MIN(piece, table->tree_bytes - from));
		*left -= RTE_MIN(*left, 64u);
	}
	return true;
}

/** Values of struct sched_build.phase. */
enum {
	LEAST_COUNTS,
	LEAST_SERVERS,
	LEAST_LOADS,
	LEAST_PLACES,
	LEAST_COPIES,
};

/* The loads are of about this moment: workers correct what was different when they got them. */
int
least_build(struct sched_build *b, bool weighted)
{
	uint32_t left = SCHED_STEP;
	bool over = true;
	int err;

	while (over) {
		switch (b->phase) {
		case LEAST_COUNTS:
			over = count_some(b, &left);
			err = over ? table_new(b) : 0;
			if (err != 0)
				return err;
			break;
		case LEAST_SERVERS:
			over = servers_some(b, b->table, weighted, &left);
			if (over && ((struct least_table *)b->table)->leaves == 0)
				return 0;
			break;
		case LEAST_LOADS:
			over = loads_some(b, b->table, &left);
			break;
		case LEAST_PLACES:
			over = places_some(b, b->table, &left);
			break;
		default:
			return copies_some(b, b->table, &left) ? 0 : SCHED_MORE;
		}
		if (over) {
			b->phase++;
			b->next = 0;
		}
	}
	return SCHED_MORE;
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
