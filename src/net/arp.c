/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP. A worker answers questions for our addresses at once and tells the main lcore what it saw
 * (neigh_input()); the main lcore sends questions and announcements.
 */
#include "net/arp.h"

#include <errno.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ether.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "core/graph.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/neigh_priv.h"
#include "net/netif.h"
#include "net/node.h"
#include "net/route.h"

enum {
	ARP_INPUT_NEXT_DROP,
	ARP_INPUT_NEXT_OUTPUT,
	ARP_INPUT_NEXT_COUNT,
};

enum {
	STAT_BAD_LENGTH,
	STAT_BAD_FORMAT,
	STAT_BAD_SENDER,
	STAT_REQUESTS,
	STAT_REPLIES,
	STAT_ANSWERED,
	STAT_OTHERS,
	STAT_CONFLICT,
};

static struct stats_block stats;

static void
arp_fill(struct rte_arp_hdr *arp, uint16_t opcode, const struct rte_ether_addr *sha, rte_be32_t sip,
	 const struct rte_ether_addr *tha, rte_be32_t tip)
{
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = sizeof(rte_be32_t);
	arp->arp_opcode = rte_cpu_to_be_16(opcode);
	arp->arp_data.arp_sha = *sha;
	arp->arp_data.arp_sip = sip;
	arp->arp_data.arp_tha = *tha;
	arp->arp_data.arp_tip = tip;
}

static void
arp_fill_ether(struct rte_ether_hdr *eth, const struct rte_ether_addr *dst,
	       const struct rte_ether_addr *src)
{
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP);
}

/* --- packet path --- */

static bool
arp_valid(const struct rte_arp_hdr *arp)
{
	return arp->arp_hardware == rte_cpu_to_be_16(RTE_ARP_HRD_ETHER) &&
	       arp->arp_protocol == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) &&
	       arp->arp_hlen == RTE_ETHER_ADDR_LEN && arp->arp_plen == sizeof(rte_be32_t) &&
	       (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST) ||
		arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY));
}

/** arp_learn: passes on what @arp says of its sender, when the sender can be a neighbour at all. */
static void
arp_learn(const struct rte_arp_hdr *arp, const struct pkt_meta *meta, const union ip_addr *sender, uint8_t kind)
{
	struct route_result rr;

	if (!route_lookup(AF_INET, sender, &rr) || rr.type != DPVS_ROUTE_UNICAST ||
	    rr.port != meta->in_port || !addr_equal(&rr.nexthop, sender))
		return;
	neigh_input(meta->in_port, AF_INET, sender, arp->arp_data.arp_sha.addr_bytes, kind);
}

/** arp_answer: turns the question @m into the answer. */
static uint16_t
arp_answer(struct rte_mbuf *m, const struct netif *nif)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod(m, struct rte_arp_hdr *);
	struct rte_ether_addr asker = arp->arp_data.arp_sha;
	rte_be32_t asker_ip = arp->arp_data.arp_sip;
	struct rte_ether_hdr *eth;

	arp_fill(arp, RTE_ARP_OP_REPLY, &nif->mac, arp->arp_data.arp_tip, &asker, asker_ip);
	rte_pktmbuf_trim(m, m->data_len - sizeof(*arp)); /* what padded the frame */
	eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));
	arp_fill_ether(eth, &asker, &nif->mac);
	meta->flags = PKT_F_FRAME;
	meta->neigh = NEIGH_NONE;
	meta->out_port = meta->in_port;
	stats_inc(&stats, STAT_ANSWERED);
	return ARP_INPUT_NEXT_OUTPUT;
}

static uint16_t
arp_input_one(struct rte_mbuf *m)
{
	const struct rte_arp_hdr *arp = rte_pktmbuf_mtod(m, const struct rte_arp_hdr *);
	const struct pkt_meta *meta = pkt_meta(m);
	const struct netif *nif = netif_get(meta->in_port);
	union ip_addr sender;
	union ip_addr target;
	bool ours;

	if (m->nb_segs != 1 || m->data_len < sizeof(*arp) || nif == NULL ||
	    rte_pktmbuf_headroom(m) < sizeof(struct rte_ether_hdr)) {
		stats_inc(&stats, STAT_BAD_LENGTH);
		return ARP_INPUT_NEXT_DROP;
	}
	if (!arp_valid(arp)) {
		stats_inc(&stats, STAT_BAD_FORMAT);
		return ARP_INPUT_NEXT_DROP;
	}
	sender = addr_from4(arp->arp_data.arp_sip);
	target = addr_from4(arp->arp_data.arp_tip);
	/* Sender 0 is a probe (RFC 5227 2.1.1). */
	if (!rte_is_valid_assigned_ether_addr(&arp->arp_data.arp_sha) ||
	    (sender.ip4 != 0 && !addr_is_host(AF_INET, &sender))) {
		stats_inc(&stats, STAT_BAD_SENDER);
		return ARP_INPUT_NEXT_DROP;
	}
	if (sender.ip4 != 0 && ifaddr_is_local(UINT16_MAX, AF_INET, &sender)) {
		/* Somebody else has our address, or our own packet came back: never an answer to us. */
		if (!rte_is_same_ether_addr(&arp->arp_data.arp_sha, &nif->mac))
			stats_inc(&stats, STAT_CONFLICT);
		goto done;
	}

	ours = ifaddr_is_local(meta->in_port, AF_INET, &target);
	if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY)) {
		bool answer = ours && !(meta->flags & PKT_F_MULTICAST);

		stats_inc(&stats, STAT_REPLIES);
		arp_learn(arp, meta, &sender, answer ? NEIGH_INPUT_ANSWER : NEIGH_INPUT_GRATUITOUS);
		goto done;
	}

	stats_inc(&stats, STAT_REQUESTS);
	if (sender.ip4 != 0)
		arp_learn(arp, meta, &sender, ours ? NEIGH_INPUT_CLAIM : NEIGH_INPUT_GRATUITOUS);
	if (ours)
		return arp_answer(m, nif);
	stats_inc(&stats, STAT_OTHERS);
done:
	rte_pktmbuf_free(m);
	return NODE_KEPT;
}

static uint16_t
arp_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, arp_input_one, ARP_INPUT_NEXT_OUTPUT);
}

/* --- main lcore --- */

static int
arp_send(uint16_t port, const union ip_addr *sip, const union ip_addr *tip, const uint8_t *mac)
{
	static const struct rte_ether_addr everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	static const struct rte_ether_addr unknown;
	const struct netif *nif = netif_get(port);
	struct rte_ether_addr dst = everybody;
	struct rte_ether_hdr *eth;
	struct rte_mbuf *m;

	if (nif == NULL)
		return -ENODEV;
	m = rte_pktmbuf_alloc(graph_pool());
	if (m == NULL)
		return -ENOBUFS;
	if (mac != NULL)
		memcpy(&dst, mac, sizeof(dst));
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, sizeof(*eth) + sizeof(struct rte_arp_hdr));
	arp_fill_ether(eth, &dst, &nif->mac);
	arp_fill((struct rte_arp_hdr *)(eth + 1), RTE_ARP_OP_REQUEST, &nif->mac, sip->ip4, &unknown, tip->ip4);
	return netif_xmit(port, m);
}

int
arp_request(uint16_t port, const union ip_addr *target, const uint8_t *mac)
{
	union ip_addr src;

	/* Without an address it is a probe, which is answered too. */
	ifaddr_source(NULL, AF_INET, port, target, &src);
	return arp_send(port, &src, target, mac);
}

int
arp_announce(uint16_t port, const union ip_addr *addr)
{
	return arp_send(port, addr, addr, NULL);
}

static const char *const arp_after[] = { "netif", "ifaddr", "neigh", NULL };

static const struct module_stat arp_stats[] = {
	[STAT_BAD_LENGTH] = { "bad-length", DPVS_STAT_DROP, "ARP packets that are too short." },
	[STAT_BAD_FORMAT] = { "bad-format", DPVS_STAT_DROP,
			      "ARP packets that are not requests or replies for IPv4 on Ethernet." },
	[STAT_BAD_SENDER] = { "bad-sender", DPVS_STAT_DROP,
			      "ARP packets whose sender addresses no station can have." },
	[STAT_REQUESTS] = { "requests", DPVS_STAT_EVENT, "ARP requests received." },
	[STAT_REPLIES] = { "replies", DPVS_STAT_EVENT, "ARP replies received." },
	[STAT_ANSWERED] = { "answered", DPVS_STAT_EVENT, "ARP requests for our addresses, answered." },
	[STAT_OTHERS] = { "others", DPVS_STAT_EVENT, "ARP requests for addresses of others." },
	[STAT_CONFLICT] = { "conflict", DPVS_STAT_EVENT,
			    "ARP packets in which another station uses one of our addresses." },
	{ 0 },
};

static struct rte_node_register arp_input_node = {
	.name = "arp_input",
	.process = arp_input_process,
	.nb_edges = ARP_INPUT_NEXT_COUNT,
	.next_nodes = {
		[ARP_INPUT_NEXT_DROP] = "drop",
		[ARP_INPUT_NEXT_OUTPUT] = "neigh_output",
	},
};

static struct rte_node_register *const arp_nodes[] = { &arp_input_node, NULL };

const struct module arp_module = {
	.name = "arp",
	.after = arp_after,
	.stats = arp_stats,
	.stats_block = &stats,
	.nodes = arp_nodes,
};
