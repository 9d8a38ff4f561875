/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named counters. Each lcore counts on its own cache lines; the reader sums. Every packet that is
 * dropped goes to the graph node "drop" (core/graph_nodes.c) after its node has counted the reason here
 * with a counter of kind DPVS_STAT_DROP: the sum of all DROP counters equals the packets of "drop".
 *
 * Thread-safety: stats_inc(), stats_add(): any lcore, own counters. The rest: main lcore.
 */
#ifndef STATS_H
#define STATS_H

#include <stdint.h>

#include <rte_lcore.h>

struct module;

/**
 * struct stats_block: a module's counters; lcore: cache-aligned arrays, allocated before init(). Behind the counters
 * of an lcore are, each beginning a cache line, what they were when they were zeroed, and what it took last.
 */
struct stats_block {
	uint64_t *lcore[RTE_MAX_LCORE];
	unsigned int count;  /**< counters of each lcore */
	unsigned int stride; /**< from the counters to where they were zeroed, and from there to what was taken */
};

static inline void
stats_add(struct stats_block *block, unsigned int id, uint64_t n)
{
	uint64_t *counter = &block->lcore[rte_lcore_id()][id];

	/* One writer; the relaxed store is for the reader on another lcore. */
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void
stats_inc(struct stats_block *block, unsigned int id)
{
	stats_add(block, id, 1);
}

uint64_t stats_sum(const struct stats_block *block, unsigned int id);

/** stats_lcore: the count of one lcore; 0 for an lcore without counters. */
uint64_t stats_lcore(const struct stats_block *block, unsigned int id, unsigned int lcore);

/** stats_shown: as stats_sum(), since the counters were zeroed. */
uint64_t stats_shown(const struct stats_block *block, unsigned int id);

/** stats_take: the calling lcore notes its counters: as those to count from (@zero), or for stats_taken(). Any lcore. */
void stats_take(struct stats_block *block, int zero);

/** stats_taken: what @lcore took last, since it was zeroed; after @lcore has answered. */
uint64_t stats_taken(const struct stats_block *block, unsigned int id, unsigned int lcore);

/** stats_module_init: makes the counters of @module for all enabled lcores. Returns 0 or -ENOMEM. */
int stats_module_init(const struct module *module);
void stats_module_fini(const struct module *module);

#endif
