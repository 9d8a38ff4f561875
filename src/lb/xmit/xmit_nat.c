/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT: the destination is translated; the server sees the client, and its answers pass here because its route
 * leads through us. Both directions; what differs from the other kind of NAT is the second key of the
 * connection, so the work is xmit_translate4() and xmit_translate6() of xmit.h.
 */
#include "lb/xmit/xmit.h"

static uint16_t
xmit_nat4(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, xmit_translate4);
}

static uint16_t
xmit_nat6(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, xmit_translate6);
}

struct rte_node_register xmit_nat4_node = {
	.name = "xmit_nat4",
	.process = xmit_nat4,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip4_output",
		[XMIT_NEXT_ERROR] = "icmp4_error",
	},
};

struct rte_node_register xmit_nat6_node = {
	.name = "xmit_nat6",
	.process = xmit_nat6,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip6_output",
		[XMIT_NEXT_ERROR] = "icmp6_error",
	},
};
