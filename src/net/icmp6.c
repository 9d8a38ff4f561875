/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6: echo (icmp6_input) and errors (icmp6_error), RFC 4443. Neighbour discovery goes on to
 * ndisc_input.
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "core/graph.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/icmp.h"
#include "net/ip6.h"
#include "net/l4.h"
#include "net/mbuf.h"
#include "net/node.h"
#include "net/route.h"

/** Bytes of an error in all: the smallest MTU of IPv6 (RFC 4443 2.4 c). */
#define ICMP6_ERROR_MAX 1280

#define ICMP6_HOPS 64

enum {
	ICMP6_INPUT_NEXT_DROP,
	ICMP6_INPUT_NEXT_NDISC,
	ICMP6_INPUT_NEXT_ROUTE_OUT,
	ICMP6_INPUT_NEXT_COUNT,
};

enum {
	ICMP6_ERROR_NEXT_DROP,
	ICMP6_ERROR_NEXT_ROUTE_OUT,
	ICMP6_ERROR_NEXT_COUNT,
};

enum {
	STAT_SHORT,
	STAT_BAD_CHECKSUM,
	STAT_IGNORED,
	STAT_UNCLAIMED,
	STAT_SUPPRESSED,
	STAT_LIMITED,
	STAT_NO_ROOM,
	STAT_NO_SOURCE,
	STAT_ECHO,
	STAT_ERRORS,
};

static struct stats_block stats;

/** icmp6_source: the source of an answer to @peer about a packet that was sent to @asked. */
static bool
icmp6_source(uint16_t in_port, const union ip_addr *asked, const union ip_addr *peer, union ip_addr *ret_src)
{
	struct route_result rr;

	if (addr_is_host(AF_INET6, asked) && route_lookup_on(in_port, AF_INET6, asked, &rr) &&
	    rr.type == DPVS_ROUTE_LOCAL) {
		*ret_src = *asked;
		return true;
	}
	if (!route_lookup_on(in_port, AF_INET6, peer, &rr) || addr_is_zero(&rr.src))
		return false;
	*ret_src = rr.src;
	return true;
}

/** icmp6_finish: fills the IPv6 header of an ICMPv6 packet that is otherwise complete. */
static void
icmp6_finish(struct rte_mbuf *m, const union ip_addr *src, const union ip_addr *dst, rte_be32_t vtc_flow)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	struct icmp_hdr *icmp = (struct icmp_hdr *)(ip + 1);
	struct pkt_meta *meta = pkt_meta(m);

	ip->vtc_flow = vtc_flow;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(m->pkt_len - sizeof(*ip)));
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = ICMP6_HOPS;
	memcpy(&ip->src_addr, src, sizeof(*src));
	memcpy(&ip->dst_addr, dst, sizeof(*dst));
	m->l3_len = sizeof(*ip);
	m->ol_flags = 0;
	icmp->csum = 0;
	icmp->csum = (rte_be16_t)~l4_sum(m, AF_INET6, IPPROTO_ICMPV6);
	meta->proto = IPPROTO_ICMPV6;
	meta->flags &= (uint8_t)~PKT_F_FORWARD;
}

/* --- icmp6_input --- */

static uint16_t
icmp6_input_drop(unsigned int stat)
{
	stats_inc(&stats, stat);
	return ICMP6_INPUT_NEXT_DROP;
}

/** icmp6_echo: turns the request into the reply, without the extension headers that it may have had. */
static uint16_t
icmp6_echo(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	union ip_addr asker = addr_from6(&ip->src_addr);
	union ip_addr asked = addr_from6(&ip->dst_addr);
	rte_be32_t vtc_flow = ip->vtc_flow & rte_cpu_to_be_32(0xfff00000);
	struct pkt_meta *meta = pkt_meta(m);
	struct icmp_hdr *icmp;
	union ip_addr src;

	if (!icmp6_source(meta->in_port, &asked, &asker, &src))
		return icmp6_input_drop(STAT_NO_SOURCE);
	rte_pktmbuf_adj(m, (uint16_t)(m->l3_len - sizeof(*ip)));
	icmp = rte_pktmbuf_mtod_offset(m, struct icmp_hdr *, sizeof(*ip));
	icmp->type = ICMP6_ECHO_REPLY;
	icmp6_finish(m, &src, &asker, vtc_flow);
	stats_inc(&stats, STAT_ECHO);
	return ICMP6_INPUT_NEXT_ROUTE_OUT;
}

static uint16_t
icmp6_input_one(struct rte_mbuf *m)
{
	const struct icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, const struct icmp_hdr *, m->l3_len);

	if (m->data_len < m->l3_len + sizeof(*icmp))
		return icmp6_input_drop(STAT_SHORT);
	if (!l4_sum_ok(m, AF_INET6, IPPROTO_ICMPV6))
		return icmp6_input_drop(STAT_BAD_CHECKSUM);

	switch (icmp->type) {
	case ICMP6_ECHO:
		return icmp6_echo(m);
	case ICMP6_ROUTER_SOLICIT:
	case ICMP6_ROUTER_ADVERT:
	case ICMP6_NEIGH_SOLICIT:
	case ICMP6_NEIGH_ADVERT:
	case ICMP6_REDIRECT:
		return ICMP6_INPUT_NEXT_NDISC;
	case ICMP6_UNREACHABLE:
	case ICMP6_PACKET_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER:
		/* About a connection that the load balancer does not have. */
		return icmp6_input_drop(STAT_UNCLAIMED);
	default:
		return icmp6_input_drop(STAT_IGNORED);
	}
}

static uint16_t
icmp6_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, icmp6_input_one, ICMP6_INPUT_NEXT_ROUTE_OUT);
}

/* --- icmp6_error --- */

/** icmp6_error_due: may this packet cause an error at all (RFC 4443 2.4 e)? */
static bool
icmp6_error_due(const struct rte_mbuf *m, const struct rte_ipv6_hdr *ip)
{
	const struct pkt_meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
	union ip_addr src = addr_from6(&ip->src_addr);
	union ip_addr dst = addr_from6(&ip->dst_addr);
	bool to_all = (meta->flags & PKT_F_MULTICAST) || !addr_is_host(AF_INET6, &dst);
	const uint8_t *hdr = (const uint8_t *)ip;
	struct ip6_chain chain;

	if (!addr_is_host(AF_INET6, &src))
		return false;
	if (to_all && meta->icmp_type != ICMP6_PACKET_TOO_BIG &&
	    !(meta->icmp_type == ICMP6_PARAMETER && meta->icmp_code == ICMP6_PARAMETER_OPTION))
		return false;

	/* Never about an error or a redirect, nor about what might be one. A bad option hides nothing. */
	switch (ip6_walk(hdr, m->data_len, &chain)) {
	case IP6_OK:
		break;
	case IP6_FRAGMENT:
		/* Only first fragments come here; see what they carry. */
		if (ip6_walk_from(hdr, m->data_len, hdr[chain.len], chain.len + 8, chain.len, &chain) != IP6_OK)
			return true;
		break;
	default:
		return true;
	}
	if (chain.proto != IPPROTO_ICMPV6)
		return true;
	return chain.len < m->data_len && hdr[chain.len] >= ICMP6_ECHO && hdr[chain.len] != ICMP6_REDIRECT;
}

static uint16_t
icmp6_error_one(struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t info = meta->icmp_info;
	struct ip6_chain chain;
	struct icmp_hdr *icmp;
	union ip_addr asked;
	union ip_addr peer;
	union ip_addr src;

	if (!icmp6_error_due(m, ip)) {
		stats_inc(&stats, STAT_SUPPRESSED);
		return ICMP6_ERROR_NEXT_DROP;
	}
	if (!icmp_allowed()) {
		stats_inc(&stats, STAT_LIMITED);
		return ICMP6_ERROR_NEXT_DROP;
	}
	if (rte_pktmbuf_headroom(m) < sizeof(*ip) + sizeof(*icmp) + sizeof(struct rte_ether_hdr)) {
		stats_inc(&stats, STAT_NO_ROOM);
		return ICMP6_ERROR_NEXT_DROP;
	}
	asked = addr_from6(&ip->dst_addr);
	peer = addr_from6(&ip->src_addr);
	if (!icmp6_source(meta->in_port, &asked, &peer, &src)) {
		stats_inc(&stats, STAT_NO_SOURCE);
		return ICMP6_ERROR_NEXT_DROP;
	}
	if (meta->icmp_type == ICMP6_PARAMETER && meta->icmp_code == ICMP6_PARAMETER_NEXT_HEADER && info == 0 &&
	    ip6_walk((const uint8_t *)ip, m->data_len, &chain) == IP6_OK)
		info = chain.nh_field;

	icmp_quote(m, ICMP6_ERROR_MAX - sizeof(*ip) - sizeof(*icmp));
	ip = (struct rte_ipv6_hdr *)rte_pktmbuf_prepend(m, sizeof(*ip) + sizeof(*icmp));
	icmp = (struct icmp_hdr *)(ip + 1);
	*icmp = (struct icmp_hdr){
		.type = meta->icmp_type,
		.code = meta->icmp_code,
		.info = rte_cpu_to_be_32(info),
	};
	icmp6_finish(m, &src, &peer, rte_cpu_to_be_32(6u << 28));
	meta->frag_size = 0;
	stats_inc(&stats, STAT_ERRORS);
	return ICMP6_ERROR_NEXT_ROUTE_OUT;
}

static uint16_t
icmp6_error_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, icmp6_error_one, ICMP6_ERROR_NEXT_ROUTE_OUT);
}

static const char *const icmp6_after[] = { "icmp", "route6", NULL };

static const struct module_stat icmp6_stats[] = {
	[STAT_SHORT] = { "short", DPVS_STAT_DROP, "Shorter than an ICMPv6 header." },
	[STAT_BAD_CHECKSUM] = { "bad-checksum", DPVS_STAT_DROP, "The ICMPv6 checksum is wrong." },
	[STAT_IGNORED] = { "ignored", DPVS_STAT_DROP, "ICMPv6 of a type that we do not serve." },
	[STAT_UNCLAIMED] = { "unclaimed", DPVS_STAT_DROP,
			     "ICMPv6 errors about a connection that is not there." },
	[STAT_SUPPRESSED] = { "suppressed", DPVS_STAT_DROP,
			      "Packets that must not be answered by an error: errors, multicast." },
	[STAT_LIMITED] = { "limited", DPVS_STAT_DROP, "Packets not answered by an error (key icmp.rate)." },
	[STAT_NO_ROOM] = { "no-room", DPVS_STAT_DROP, "No room for an ICMPv6 header." },
	[STAT_NO_SOURCE] = { "no-source", DPVS_STAT_DROP, "We have no address to answer from." },
	[STAT_ECHO] = { "echo", DPVS_STAT_EVENT, "Echo requests answered." },
	[STAT_ERRORS] = { "errors", DPVS_STAT_EVENT, "ICMPv6 errors made." },
	{ 0 },
};

static struct rte_node_register icmp6_input_node = {
	.name = "icmp6_input",
	.process = icmp6_input_process,
	.nb_edges = ICMP6_INPUT_NEXT_COUNT,
	.next_nodes = {
		[ICMP6_INPUT_NEXT_DROP] = "drop",
		[ICMP6_INPUT_NEXT_NDISC] = "ndisc_input",
		[ICMP6_INPUT_NEXT_ROUTE_OUT] = "ip6_route_out",
	},
};

struct rte_node_register icmp6_error_node = {
	.name = "icmp6_error",
	.process = icmp6_error_process,
	.nb_edges = ICMP6_ERROR_NEXT_COUNT,
	.next_nodes = {
		[ICMP6_ERROR_NEXT_DROP] = "drop",
		[ICMP6_ERROR_NEXT_ROUTE_OUT] = "ip6_route_out",
	},
};

static struct rte_node_register *const icmp6_nodes[] = { &icmp6_input_node, &icmp6_error_node, NULL };

const struct module icmp6_module = {
	.name = "icmp6",
	.after = icmp6_after,
	.stats = icmp6_stats,
	.stats_block = &stats,
	.nodes = icmp6_nodes,
};
