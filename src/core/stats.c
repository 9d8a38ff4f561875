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
