/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See stats.h. The arrays come from the heap, cache-aligned and padded, so that no two lcores share a line.
 */
#include "core/stats.h"

#include <errno.h>
#include <rte_common.h>
#include <stdlib.h>
#include <string.h>

#include "module.h"

uint64_t
stats_lcore(const struct stats_block *block, unsigned int id, unsigned int lcore)
{
	const uint64_t *counters = lcore < RTE_MAX_LCORE ? block->lcore[lcore] : NULL;

	return counters != NULL ? __atomic_load_n(&counters[id], __ATOMIC_RELAXED) : 0;
}

uint64_t
stats_sum(const struct stats_block *block, unsigned int id)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < RTE_MAX_LCORE; i++)
		sum += stats_lcore(block, id, i);
	return sum;
}

/* Where they were zeroed first: the counters are not behind that then. */
static uint64_t
stats_since(const struct stats_block *block, unsigned int id, unsigned int lcore)
{
	uint64_t base;

	if (block->lcore[lcore] == NULL)
		return 0;
	base = __atomic_load_n(&block->lcore[lcore][block->stride + id], __ATOMIC_ACQUIRE);
	return stats_lcore(block, id, lcore) - base;
}

uint64_t
stats_shown(const struct stats_block *block, unsigned int id)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < RTE_MAX_LCORE; i++)
		sum += stats_since(block, id, i);
	return sum;
}

void
stats_take(struct stats_block *block, int zero)
{
	uint64_t *counters = block->lcore[rte_lcore_id()];
	unsigned int i;

	for (i = 0; i < block->count; i++) {
		if (zero)
			/* Pairs with the load in stats_since(): what is read after it is no less. */
			__atomic_store_n(&counters[block->stride + i], counters[i], __ATOMIC_RELEASE);
		else
			counters[2 * block->stride + i] = counters[i] - counters[block->stride + i];
	}
}

uint64_t
stats_taken(const struct stats_block *block, unsigned int id, unsigned int lcore)
{
	return block->lcore[lcore] != NULL ? block->lcore[lcore][2 * block->stride + id] : 0;
}

int
stats_module_init(const struct module *module)
{
	struct stats_block *block = module->stats_block;
	size_t count = 0, bytes;
	unsigned int lcore;

	if (module->stats == NULL)
		return 0;
	while (module->stats[count].name != NULL)
		count++;
	bytes = RTE_ALIGN(count * sizeof(uint64_t), RTE_CACHE_LINE_SIZE);
	block->count = (unsigned int)count;
	block->stride = (unsigned int)(bytes / sizeof(uint64_t));
	bytes *= 3;
	RTE_LCORE_FOREACH(lcore) {
		block->lcore[lcore] = aligned_alloc(RTE_CACHE_LINE_SIZE, bytes);
		if (block->lcore[lcore] == NULL) {
			stats_module_fini(module);
			return -ENOMEM;
		}
		memset(block->lcore[lcore], 0, bytes);
	}
	return 0;
}

void
stats_module_fini(const struct module *module)
{
	unsigned int lcore;

	if (module->stats_block == NULL)
		return;
	for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
		free(module->stats_block->lcore[lcore]);
		module->stats_block->lcore[lcore] = NULL;
	}
}
