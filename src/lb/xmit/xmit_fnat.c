/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Full-NAT: source and destination are translated, so that the server sees a local address and answers to
 * it. Both directions; what differs from the other kind of NAT is the second key of the
 * connection, so the work is xmit_translate4() and xmit_translate6() of xmit.h.
 */
#include "lb/xmit/xmit.h"

static uint16_t
xmit_fnat4(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, xmit_translate4);
}

static uint16_t
xmit_fnat6(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, xmit_translate6);
}

struct rte_node_register xmit_fnat4_node = {
	.name = "xmit_fnat4",
	.process = xmit_fnat4,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip4_output",
		[XMIT_NEXT_ERROR] = "icmp4_error",
	},
};

struct rte_node_register xmit_fnat6_node = {
	.name = "xmit_fnat6",
	.process = xmit_fnat6,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip6_output",
		[XMIT_NEXT_ERROR] = "icmp6_error",
	},
};
