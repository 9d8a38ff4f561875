/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How node functions hand packets on: runs of packets with the same next node are enqueued at once, and a
 * whole vector that stays together moves by swapping two pointers.
 *
 * Thread-safety: node functions, on the worker that owns the graph.
 */
#ifndef NET_NODE_H
#define NET_NODE_H

#include <stdint.h>

#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_mbuf.h>

/** What the function of a node returns for a packet that it kept. */
#define NODE_KEPT UINT16_MAX

/**
 * node_each_with: calls @one for each packet; it returns the edge that the packet takes, or NODE_KEPT. Always
 * inlined, so that @one is too. @with: for @one. @likely_next: the edge that most packets take.
 */
static __rte_always_inline uint16_t
node_each_with(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count, void *with,
	       uint16_t (*one)(void *with, struct rte_mbuf *m), uint16_t likely_next)
{
	uint16_t next = likely_next;
	uint16_t from = 0;

	for (uint16_t i = 0; i < count; i++) {
		uint16_t edge = one(with, objs[i]);

		if (likely(edge == next))
			continue;
		if (i > from && next != NODE_KEPT)
			rte_node_enqueue(graph, node, next, &objs[from], i - from);
		from = i;
		next = edge;
	}

	if (next == NODE_KEPT)
		return count;
	if (from == 0)
		rte_node_next_stream_move(graph, node, next);
	else
		rte_node_enqueue(graph, node, next, &objs[from], count - from);

	return count;
}

static __rte_always_inline uint16_t
node_each_without(void *with, struct rte_mbuf *m)
{
	return (*(uint16_t (**)(struct rte_mbuf *))with)(m);
}

/** node_each: the same for a function of the packet alone. */
static __rte_always_inline uint16_t
node_each(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count,
	  uint16_t (*one)(struct rte_mbuf *m), uint16_t likely_next)
{
	return node_each_with(graph, node, objs, count, &one, node_each_without, likely_next);
}

#endif
