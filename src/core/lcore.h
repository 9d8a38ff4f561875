/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lcores: one main, the rest workers. Workers have a compact index, 0 to lcore_worker_count() - 1, for
 * arrays of per-worker state.
 *
 * A worker's loop: walk its graph, handle a bounded number of messages, run jobs; when nothing came for a
 * while, back off to short sleeps that a doorbell ends (key lcore.idle).
 *
 * Thread-safety: each function says.
 */
#ifndef LCORE_H
#define LCORE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_per_lcore.h>

/** Most workers; of per-worker arrays. */
#define WORKERS_MAX 128

/** lcore_worker_count: any lcore; constant while workers run. */
unsigned int lcore_worker_count(void);

/** lcore_of_worker: lcore id of worker @index. Any lcore. */
unsigned int lcore_of_worker(unsigned int index);

/** struct lcore_self: the calling lcore's own state. */
struct lcore_self {
	uint32_t worker;  /**< own worker index; on the main lcore UINT32_MAX */
	uint32_t pkts;    /**< packets received in this loop; rx nodes add, the loop reads to tell busy from idle */
	uint64_t now_tsc; /**< TSC at the start of this loop */
	uint64_t now_ms;  /**< milliseconds since the daemon started, monotonic, at the start of this loop */
};

RTE_DECLARE_PER_LCORE(struct lcore_self, lcore_self);

static inline struct lcore_self *
lcore_me(void)
{
	return &RTE_PER_LCORE(lcore_self);
}

#endif
