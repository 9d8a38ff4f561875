/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node ip6_input: every IPv6 packet from a wire is checked here, once, so that nobody behind has to
 * (RFC 8200 3 and 4, RFC 4291 2.5 to 2.7).
 */
#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "core/graph.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "net/addr.h"
#include "net/icmp.h"
#include "net/ip6.h"
#include "net/ipv6.h"
#include "net/mbuf.h"
#include "net/node.h"

enum {
	IP6_INPUT_NEXT_DROP,
	IP6_INPUT_NEXT_LB,
	IP6_INPUT_NEXT_REASS,
	IP6_INPUT_NEXT_LOCAL,
	IP6_INPUT_NEXT_ERROR,
	IP6_INPUT_NEXT_COUNT,
};

static uint16_t
ip6_input_drop(unsigned int stat)
{
	stats_inc(&ip6_stats_block, stat);
	return IP6_INPUT_NEXT_DROP;
}

/** ip6_input_parameter: drops the packet with a parameter problem. */
static uint16_t
ip6_input_parameter(struct rte_mbuf *m, uint8_t code, uint16_t at)
{
	stats_inc(&ip6_stats_block, IP6_STAT_PARAMETER);
	icmp_error(m, ICMP6_PARAMETER, code, at);
	return IP6_INPUT_NEXT_ERROR;
}

/** ip6_input_walk: a packet with extension headers. */
static uint16_t
ip6_input_walk(struct rte_mbuf *m, const struct rte_ipv6_hdr *ip, uint16_t likely_next)
{
	struct pkt_meta *meta = pkt_meta(m);
	struct ip6_chain chain;
	enum ip6_verdict verdict;

	verdict = ip6_walk((const uint8_t *)ip, m->data_len, &chain);
	m->tx_offload = rte_mbuf_tx_offload(sizeof(struct rte_ether_hdr), chain.len, 0, 0, 0, 0, 0);
	meta->proto = chain.proto;
	switch (verdict) {
	case IP6_OK:
		return likely_next;
	case IP6_FRAGMENT:
		return IP6_INPUT_NEXT_REASS;
	case IP6_TRUNCATED:
		return ip6_input_drop(IP6_STAT_TRUNCATED);
	case IP6_MISPLACED:
		return ip6_input_parameter(m, ICMP6_PARAMETER_NEXT_HEADER, chain.error);
	case IP6_ROUTING:
		return ip6_input_parameter(m, ICMP6_PARAMETER_HEADER, chain.error);
	case IP6_OPTION:
		/* 01: drop. 10: drop and tell. 11: tell unless it was multicast (RFC 8200 4.2). */
		if (chain.option == 2 || (chain.option == 3 && likely_next != IP6_INPUT_NEXT_LOCAL))
			return ip6_input_parameter(m, ICMP6_PARAMETER_OPTION, chain.error);
		return ip6_input_drop(IP6_STAT_UNKNOWN_OPTION);
	default:
		return ip6_input_drop(IP6_STAT_TOO_MANY_HEADERS);
	}
}

static __rte_always_inline uint16_t
ip6_input_one(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	uint16_t next = IP6_INPUT_NEXT_LB;
	union ip_addr src;
	union ip_addr dst;
	uint32_t len;

	if (unlikely(m->data_len < sizeof(*ip)))
		return ip6_input_drop(IP6_STAT_SHORT);
	if (unlikely((*(const uint8_t *)ip & 0xf0) != 0x60))
		return ip6_input_drop(IP6_STAT_BAD_VERSION);
	len = sizeof(*ip) + rte_be_to_cpu_16(ip->payload_len);
	if (unlikely(len > m->pkt_len))
		return ip6_input_drop(IP6_STAT_BAD_LENGTH);
	if (m->pkt_len > len)
		mbuf_cut(m, len);

	src = addr_from6(&ip->src_addr);
	dst = addr_from6(&ip->dst_addr);
	meta->af = AF_INET6;
	meta->proto = ip->proto;
	meta->frag_size = 0;
	m->tx_offload = rte_mbuf_tx_offload(sizeof(struct rte_ether_hdr), sizeof(*ip), 0, 0, 0, 0, 0);

	if (unlikely(!addr_is_host(AF_INET6, &dst))) {
		/* The groups that we are in carry neighbour discovery, so ff02 and no more. */
		if (dst.ip6[0] != 0xff)
			return ip6_input_drop(IP6_STAT_MARTIAN_DESTINATION);
		if (dst.ip6[1] != 0x02)
			return ip6_input_drop(IP6_STAT_MULTICAST);
		next = IP6_INPUT_NEXT_LOCAL;
	}
	if (unlikely(!addr_is_host(AF_INET6, &src))) {
		/* Who has no address yet asks whether one is free (RFC 4862 5.4.2). */
		if (!addr_is_zero(&src) || next != IP6_INPUT_NEXT_LOCAL || ip->proto != IPPROTO_ICMPV6)
			return ip6_input_drop(IP6_STAT_MARTIAN_SOURCE);
	}

	if (likely(ip->proto == IPPROTO_TCP || ip->proto == IPPROTO_UDP || ip->proto == IPPROTO_ICMPV6))
		return next;
	return ip6_input_walk(m, ip, next);
}

static uint16_t
ip6_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_input_one, IP6_INPUT_NEXT_LB);
}

struct rte_node_register ip6_input_node = {
	.name = "ip6_input",
	.process = ip6_input_process,
	.nb_edges = IP6_INPUT_NEXT_COUNT,
	.next_nodes = {
		[IP6_INPUT_NEXT_DROP] = "drop",
		[IP6_INPUT_NEXT_LB] = "lb6_input",
		[IP6_INPUT_NEXT_REASS] = "ip6_reass",
		[IP6_INPUT_NEXT_LOCAL] = "ip6_local",
		[IP6_INPUT_NEXT_ERROR] = "icmp6_error",
	},
};
