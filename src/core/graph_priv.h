/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The making of the graphs: what start-up, the lcore loop and src/net/port.c need of core/graph.c; other
 * modules need graph.h only.
 *
 * Thread-safety: main lcore only, but for graph_of_worker(): any lcore while workers run, and graph_walk(): the
 * worker that owns the graph.
 */
#ifndef GRAPH_PRIV_H
#define GRAPH_PRIV_H

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "core/graph.h"

struct dpvs_mem_info;
struct module;
extern const struct module graph_module; /* pool, node drop */

/** graph_register: registers the nodes of all @modules (NULL-ended) and fills their ids. */
int graph_register(const struct module *const *modules);

/** graph_source: a node that has no other way into the graph of worker @index: its port_rx clones. */
int graph_source(unsigned int index, const char *name);

/** graph_tx_ports: the clones of port_tx, in the order of ports: appended to the edges of neigh_output. */
int graph_tx_ports(const char *const *names, unsigned int count);

/** graph_build: makes the graph of each worker. graph_destroy: also forgets sources. */
int graph_build(void);
void graph_destroy(void);

struct rte_graph *graph_of_worker(unsigned int index);

/**
 * graph_walk: calls the source nodes of @graph, then all nodes that packets reach; @now: the TSC. It is
 * rte_graph_walk() with one reading of the TSC for each node where that has two: the end of a node is the
 * beginning of the next. A reading takes longer than a packet in some nodes.
 */
static inline void
graph_walk(struct rte_graph *graph, uint64_t now)
{
	const rte_graph_off_t *cir_start = graph->cir_start;
	const uint32_t mask = graph->cir_mask;
	uint32_t head = graph->head;

	/* Source nodes lie in front of cir_start, so head is negative at first. */
	while (likely(head != graph->tail)) {
		struct rte_node *node =
			(struct rte_node *)RTE_PTR_ADD(graph, cir_start[(int32_t)head++]);
		void **objs = node->objs;
		uint16_t done;

		rte_prefetch0(objs);
		done = node->process(graph, node, objs, node->idx);
		if (rte_graph_has_stats_feature()) {
			uint64_t end = rte_rdtsc();

			node->total_cycles += end - now;
			node->total_calls++;
			node->total_objs += done;
			now = end;
		}
		node->idx = 0;
		head = likely((int32_t)head > 0) ? head & mask : head;
	}
	graph->tail = 0;
}

#endif
