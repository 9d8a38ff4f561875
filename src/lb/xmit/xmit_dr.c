/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct routing: the packet goes to the server's Ethernet address as it is, one hop less; the server has
 * the VIP itself and answers the client directly. Only packets from the client's side pass here.
 */
#include "lb/xmit/xmit.h"

static __rte_always_inline unsigned int
dr4(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_mbuf *m, struct pkt_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	unsigned int next;

	if (unlikely(ip->time_to_live <= 1))
		return xmit_ttl_ended(meta, AF_INET);
	next = xmit_way(t, c, dir, m, meta, AF_INET);
	if (likely(next != XMIT_NEXT_ERROR))
		xmit_hop4(ip, 0);
	return next;
}

static __rte_always_inline unsigned int
dr6(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_mbuf *m, struct pkt_meta *meta)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	unsigned int next;

	if (unlikely(ip->hop_limits <= 1))
		return xmit_ttl_ended(meta, AF_INET6);
	next = xmit_way(t, c, dir, m, meta, AF_INET6);
	if (likely(next != XMIT_NEXT_ERROR))
		ip->hop_limits--;
	return next;
}

static uint16_t
xmit_dr4(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, dr4);
}

static uint16_t
xmit_dr6(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return xmit_node(graph, node, objs, n, dr6);
}

struct rte_node_register xmit_dr4_node = {
	.name = "xmit_dr4",
	.process = xmit_dr4,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip4_output",
		[XMIT_NEXT_ERROR] = "icmp4_error",
	},
};

struct rte_node_register xmit_dr6_node = {
	.name = "xmit_dr6",
	.process = xmit_dr6,
	.nb_edges = XMIT_NEXT_COUNT,
	.next_nodes = {
		[XMIT_NEXT_NEIGH] = "neigh_output",
		[XMIT_NEXT_OUTPUT] = "ip6_output",
		[XMIT_NEXT_ERROR] = "icmp6_error",
	},
};
