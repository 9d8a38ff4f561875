/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See eth.h. The packet's way starts here: struct pkt_meta gets its first values, the Ethernet header
 * goes, and frames that are none of ours are dropped with a name.
 */
#include "net/eth.h"

#include <dpvsctrl/proto/daemon.h>
#include <rte_ether.h>
#include <rte_prefetch.h>

#include "core/graph.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "module.h"
#include "net/netif.h"

/* How far ahead the next packets' lines are asked for: about the time that memory takes. */
#define PREFETCH 4

enum {
	STAT_SHORT,
	STAT_PORT_DOWN,
	STAT_OTHER_MAC,
	STAT_VLAN,
	STAT_ETHERTYPE,
};

enum {
	NEXT_DROP,
	NEXT_IP4,
	NEXT_IP6,
	NEXT_ARP,
};

static struct stats_block stats;

static inline void
eth_prefetch(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, void *));
	rte_prefetch0(pkt_meta(m));
}

static rte_edge_t
eth_drop(unsigned int stat)
{
	stats_inc(&stats, stat);
	return NEXT_DROP;
}

static __rte_always_inline rte_edge_t
eth_classify(const struct netif *netif, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	const struct rte_ether_hdr *eth;
	rte_be16_t type;

	if (unlikely(m->data_len < sizeof(*eth)))
		return eth_drop(STAT_SHORT);
	if (unlikely(!netif->up))
		return eth_drop(STAT_PORT_DOWN);
	eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	meta->in_port = m->port;
	meta->neigh = NEIGH_NONE;
	meta->frag_size = 0;
	meta->flags = 0;
	if (rte_is_multicast_ether_addr(&eth->dst_addr))
		meta->flags = PKT_F_MULTICAST;
	else if (unlikely(!rte_is_same_ether_addr(&eth->dst_addr, &netif->mac)))
		return eth_drop(STAT_OTHER_MAC);
	type = eth->ether_type;
	rte_pktmbuf_adj(m, sizeof(*eth));
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return NEXT_IP4;
	if (type == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		return NEXT_IP6;
	if (type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		return NEXT_ARP;
	if (type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ))
		return eth_drop(STAT_VLAN);
	return eth_drop(STAT_ETHERTYPE);
}

static uint16_t
eth_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	const struct netif *netif = NULL;
	rte_edge_t first, next;
	uint16_t i, start = 0;

	for (i = 0; i < RTE_MIN(count, PREFETCH); i++)
		eth_prefetch(objs[i]);
	first = NEXT_DROP;
	for (i = 0; i < count; i++) {
		if (i + PREFETCH < count)
			eth_prefetch(objs[i + PREFETCH]);
		/* Vectors come from one port each. */
		if (unlikely(netif == NULL || netif->port != ((struct rte_mbuf *)objs[i])->port))
			netif = netif_get(((struct rte_mbuf *)objs[i])->port);
		next = eth_classify(netif, objs[i]);
		if (i == 0)
			first = next;
		if (next == first)
			continue;
		/* A run of packets with one next node ends. */
		rte_node_enqueue(graph, node, first, &objs[start], (uint16_t)(i - start));
		start = i;
		first = next;
	}
	if (start == 0)
		rte_node_next_stream_move(graph, node, first);
	else
		rte_node_enqueue(graph, node, first, &objs[start], (uint16_t)(count - start));
	return count;
}

static struct rte_node_register eth_input_node = {
	.name = "eth_input",
	.process = eth_input_process,
	.nb_edges = 4,
	.next_nodes = {
		[NEXT_DROP] = "drop",
		[NEXT_IP4] = "ip4_input",
		[NEXT_IP6] = "ip6_input",
		[NEXT_ARP] = "arp_input",
	},
};

static const struct module_stat eth_stats[] = {
	[STAT_SHORT] = { "short", DPVS_STAT_DROP, "Frames shorter than an Ethernet header." },
	[STAT_PORT_DOWN] = { "port-down", DPVS_STAT_DROP, "Frames that came in on a port that is down." },
	[STAT_OTHER_MAC] = { "other-mac", DPVS_STAT_DROP, "Frames for another station." },
	[STAT_VLAN] = { "vlan", DPVS_STAT_DROP, "Frames with a VLAN tag." },
	[STAT_ETHERTYPE] = { "ethertype", DPVS_STAT_DROP, "Frames that are neither IP nor ARP." },
	{},
};

static struct rte_node_register *const eth_nodes[] = { &eth_input_node, NULL };
static const char *const eth_after[] = { "netif", NULL };

const struct module eth_module = {
	.name = "eth",
	.after = eth_after,
	.stats = eth_stats,
	.stats_block = &stats,
	.nodes = eth_nodes,
};
