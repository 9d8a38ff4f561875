/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 behind the load balancer: where a packet goes that is none of its (ip4_route), what is for us
 * (ip4_local), forwarding (ip4_forward), the way of our own packets (ip4_route_out), and the last step
 * before the neighbour, which all outgoing packets take (ip4_output).
 */
#include "net/ipv4.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_udp.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "core/conf.h"
#include "core/graph.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/icmp.h"
#include "net/l4.h"
#include "net/node.h"
#include "net/route.h"
#include "net/tcp_reset.h"

enum {
	IP4_ROUTE_NEXT_DROP,
	IP4_ROUTE_NEXT_LOCAL,
	IP4_ROUTE_NEXT_FORWARD,
	IP4_ROUTE_NEXT_ERROR,
	IP4_ROUTE_NEXT_COUNT,
};

enum {
	IP4_LOCAL_NEXT_DROP,
	IP4_LOCAL_NEXT_ICMP,
	IP4_LOCAL_NEXT_ERROR,
	IP4_LOCAL_NEXT_ROUTE_OUT,
	IP4_LOCAL_NEXT_COUNT,
};

enum {
	IP4_FORWARD_NEXT_DROP,
	IP4_FORWARD_NEXT_OUTPUT,
	IP4_FORWARD_NEXT_ERROR,
	IP4_FORWARD_NEXT_COUNT,
};

enum {
	IP4_ROUTE_OUT_NEXT_DROP,
	IP4_ROUTE_OUT_NEXT_OUTPUT,
	IP4_ROUTE_OUT_NEXT_COUNT,
};

enum {
	IP4_OUTPUT_NEXT_NEIGH,
	IP4_OUTPUT_NEXT_FRAG,
	IP4_OUTPUT_NEXT_ERROR,
	IP4_OUTPUT_NEXT_COUNT,
};

struct stats_block ip4_stats_block;

/* Main: rw at init; workers: ro. */
static bool forwarding;

static void
ip4_count(unsigned int stat)
{
	stats_inc(&ip4_stats_block, stat);
}

static void
ip4_take_route(struct pkt_meta *meta, const struct route_result *rr)
{
	meta->out_port = rr->port;
	meta->mtu = rr->mtu;
	meta->nexthop = rr->nexthop;
	meta->neigh = NEIGH_NONE;
}

/* --- ip4_route --- */

static uint16_t
ip4_route_one(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	union ip_addr dst = addr_from4(ip->dst_addr);
	struct route_result rr;

	/* Broadcast on the link, unicast in IP: neither for us nor to be forwarded (RFC 1812 5.3.4). */
	if (meta->flags & PKT_F_MULTICAST) {
		ip4_count(IP4_STAT_BROADCAST);
		return IP4_ROUTE_NEXT_DROP;
	}
	if (!route_lookup(AF_INET, &dst, &rr)) {
		ip4_count(IP4_STAT_NO_ROUTE);
		icmp_error(m, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_NET, 0);
		return IP4_ROUTE_NEXT_ERROR;
	}
	switch (rr.type) {
	case DPVS_ROUTE_LOCAL:
		return IP4_ROUTE_NEXT_LOCAL;
	case DPVS_ROUTE_BROADCAST:
		ip4_count(IP4_STAT_BROADCAST);
		return IP4_ROUTE_NEXT_DROP;
	default:
		ip4_take_route(meta, &rr);
		return IP4_ROUTE_NEXT_FORWARD;
	}
}

static uint16_t
ip4_route_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_route_one, IP4_ROUTE_NEXT_FORWARD);
}

/* --- ip4_local --- */

static uint16_t
ip4_local_tcp(struct rte_mbuf *m)
{
	if (!icmp_allowed()) {
		ip4_count(IP4_STAT_RESET_LIMITED);
		return IP4_LOCAL_NEXT_DROP;
	}
	switch (tcp_reset(m)) {
	case TCP_RESET_MADE:
		ip4_count(IP4_STAT_RESET);
		return IP4_LOCAL_NEXT_ROUTE_OUT;
	case TCP_RESET_NONE:
		ip4_count(IP4_STAT_NO_LISTENER);
		return IP4_LOCAL_NEXT_DROP;
	default:
		ip4_count(IP4_STAT_BAD_L4);
		return IP4_LOCAL_NEXT_DROP;
	}
}

static uint16_t
ip4_local_one(struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);

	switch (meta->proto) {
	case IPPROTO_ICMP:
		return IP4_LOCAL_NEXT_ICMP;
	case IPPROTO_TCP:
		return ip4_local_tcp(m);
	case IPPROTO_UDP:
		if (m->data_len < m->l3_len + sizeof(struct rte_udp_hdr) ||
		    !l4_sum_ok(m, AF_INET, IPPROTO_UDP)) {
			ip4_count(IP4_STAT_BAD_L4);
			return IP4_LOCAL_NEXT_DROP;
		}
		ip4_count(IP4_STAT_PORT_UNREACHABLE);
		icmp_error(m, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PORT, 0);
		return IP4_LOCAL_NEXT_ERROR;
	default:
		ip4_count(IP4_STAT_PROTOCOL_UNREACHABLE);
		icmp_error(m, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_PROTOCOL, 0);
		return IP4_LOCAL_NEXT_ERROR;
	}
}

static uint16_t
ip4_local_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_local_one, IP4_LOCAL_NEXT_ICMP);
}

/* --- ip4_forward --- */

/** ip4_is_link_only: 169.254/16 stays on its link (RFC 3927 2.7). */
static bool
ip4_is_link_only(rte_be32_t addr)
{
	return (addr & rte_cpu_to_be_32(0xffff0000)) == rte_cpu_to_be_32(0xa9fe0000);
}

static uint16_t
ip4_forward_one(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);

	if (!forwarding || ip4_is_link_only(ip->src_addr) || ip4_is_link_only(ip->dst_addr)) {
		ip4_count(IP4_STAT_NO_FORWARD);
		return IP4_FORWARD_NEXT_DROP;
	}
	if (ip->time_to_live <= 1) {
		ip4_count(IP4_STAT_TTL_EXCEEDED);
		icmp_error(m, ICMP4_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_HOPS, 0);
		return IP4_FORWARD_NEXT_ERROR;
	}
	ip4_ttl_decrease(ip);
	pkt_meta(m)->flags |= PKT_F_FORWARD;
	ip4_count(IP4_STAT_FORWARDED);
	return IP4_FORWARD_NEXT_OUTPUT;
}

static uint16_t
ip4_forward_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_forward_one, IP4_FORWARD_NEXT_OUTPUT);
}

/* --- ip4_route_out --- */

static uint16_t
ip4_route_out_one(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	union ip_addr dst = addr_from4(ip->dst_addr);
	struct pkt_meta *meta = pkt_meta(m);
	struct route_result rr;

	if (!addr_is_host(AF_INET, &dst) || !route_lookup(AF_INET, &dst, &rr)) {
		ip4_count(IP4_STAT_OUT_NO_ROUTE);
		return IP4_ROUTE_OUT_NEXT_DROP;
	}
	if (rr.type != DPVS_ROUTE_UNICAST) {
		ip4_count(IP4_STAT_OUT_LOCAL);
		return IP4_ROUTE_OUT_NEXT_DROP;
	}
	if (ip->src_addr == 0) {
		if (rr.src.ip4 == 0) {
			ip4_count(IP4_STAT_OUT_NO_SOURCE);
			return IP4_ROUTE_OUT_NEXT_DROP;
		}
		ip->src_addr = rr.src.ip4;
		ip4_set_checksum(ip);
	}
	ip4_take_route(meta, &rr);
	meta->flags &= (uint8_t)~PKT_F_FORWARD;
	return IP4_ROUTE_OUT_NEXT_OUTPUT;
}

static uint16_t
ip4_route_out_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_route_out_one, IP4_ROUTE_OUT_NEXT_OUTPUT);
}

/* --- ip4_output --- */

/** ip4_output_big: the packet is longer than the path takes. */
static __rte_noinline uint16_t
ip4_output_big(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct pkt_meta *meta = pkt_meta(m);

	if (!(ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)))
		return IP4_OUTPUT_NEXT_FRAG;
	/* It came in fragments, and it can go on in such. */
	if (meta->frag_size != 0 && meta->frag_size <= meta->mtu)
		return IP4_OUTPUT_NEXT_FRAG;
	ip4_count(IP4_STAT_TOO_BIG);
	icmp_error(m, ICMP4_UNREACHABLE, ICMP4_UNREACHABLE_FRAG_NEEDED, meta->mtu);
	return IP4_OUTPUT_NEXT_ERROR;
}

static __rte_always_inline uint16_t
ip4_output_one(struct rte_mbuf *m)
{
	if (unlikely(m->pkt_len > pkt_meta(m)->mtu))
		return ip4_output_big(m);
	return IP4_OUTPUT_NEXT_NEIGH;
}

static uint16_t
ip4_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_output_one, IP4_OUTPUT_NEXT_NEIGH);
}

static int
ip4_init(const struct conf *conf)
{
	forwarding = conf_bool(conf, "ipv4", "forwarding");
	return 0;
}

static const char *const ip4_after[] = { "netif", "route", "neigh", "icmp", "frag", NULL };

static const struct conf_key ip4_conf[] = {
	{
		.name = "forwarding",
		.type = CONF_BOOL,
		.when = CONF_START,
		.def = 1,
		.help = "Forward packets that are neither for a service nor for us; NAT servers need it.",
	},
	{ 0 },
};

static const struct module_stat ip4_stats[] = {
	[IP4_STAT_SHORT] = { "short", DPVS_STAT_DROP, "Shorter than an IPv4 header." },
	[IP4_STAT_BAD_VERSION] = { "bad-version", DPVS_STAT_DROP, "The version is not 4." },
	[IP4_STAT_BAD_HEADER_LENGTH] = { "bad-header-length", DPVS_STAT_DROP,
					 "The header length is less than 20 or more than the packet." },
	[IP4_STAT_BAD_LENGTH] = { "bad-length", DPVS_STAT_DROP,
				  "The total length does not fit header or frame." },
	[IP4_STAT_BAD_CHECKSUM] = { "bad-checksum", DPVS_STAT_DROP, "The header checksum is wrong." },
	[IP4_STAT_MARTIAN_SOURCE] = { "martian-source", DPVS_STAT_DROP, "The source is not a unicast address." },
	[IP4_STAT_MARTIAN_DESTINATION] = { "martian-destination", DPVS_STAT_DROP,
					   "The destination belongs on no wire." },
	[IP4_STAT_MULTICAST] = { "multicast", DPVS_STAT_DROP, "Multicast, of which we are in no group." },
	[IP4_STAT_BROADCAST] = { "broadcast", DPVS_STAT_DROP, "Broadcast, by address or on the link." },
	[IP4_STAT_BAD_OPTION] = { "bad-option", DPVS_STAT_DROP, "An option is malformed." },
	[IP4_STAT_SOURCE_ROUTE] = { "source-route", DPVS_STAT_DROP, "Source-routed, which is refused." },
	[IP4_STAT_NO_FORWARD] = { "no-forward", DPVS_STAT_DROP,
				  "Forwarding is off (key ipv4.forwarding), or a link-local address." },
	[IP4_STAT_NO_LISTENER] = { "no-listener", DPVS_STAT_DROP, "TCP resets to us without a connection." },
	[IP4_STAT_BAD_L4] = { "bad-l4", DPVS_STAT_DROP,
			      "For us, with a TCP or UDP header that is short or has a wrong checksum." },
	[IP4_STAT_RESET_LIMITED] = { "reset-limited", DPVS_STAT_DROP,
				     "TCP to a closed port, not answered (key icmp.rate)." },
	[IP4_STAT_OUT_NO_ROUTE] = { "out-no-route", DPVS_STAT_DROP, "Packets of our own without a route." },
	[IP4_STAT_OUT_LOCAL] = { "out-local", DPVS_STAT_DROP, "Packets of our own to ourselves or to all." },
	[IP4_STAT_OUT_NO_SOURCE] = { "out-no-source", DPVS_STAT_DROP,
				     "Packets of our own for which no port has an address." },
	[IP4_STAT_FORWARDED] = { "forwarded", DPVS_STAT_EVENT, "Packets forwarded." },
	[IP4_STAT_NO_ROUTE] = { "no-route", DPVS_STAT_EVENT, "Packets without a route, answered by ICMP." },
	[IP4_STAT_TTL_EXCEEDED] = { "ttl-exceeded", DPVS_STAT_EVENT,
				    "Packets whose TTL ended, answered by ICMP." },
	[IP4_STAT_TOO_BIG] = { "too-big", DPVS_STAT_EVENT,
			       "Packets longer than the path takes with don't-fragment, answered by ICMP." },
	[IP4_STAT_PORT_UNREACHABLE] = { "port-unreachable", DPVS_STAT_EVENT,
					"UDP to a closed port, answered by ICMP." },
	[IP4_STAT_PROTOCOL_UNREACHABLE] = { "protocol-unreachable", DPVS_STAT_EVENT,
					    "For us, of an unknown protocol, answered by ICMP." },
	[IP4_STAT_RESET] = { "reset", DPVS_STAT_EVENT, "TCP to a closed port, answered by a reset." },
	{ 0 },
};

static struct rte_node_register ip4_route_node = {
	.name = "ip4_route",
	.process = ip4_route_process,
	.nb_edges = IP4_ROUTE_NEXT_COUNT,
	.next_nodes = {
		[IP4_ROUTE_NEXT_DROP] = "drop",
		[IP4_ROUTE_NEXT_LOCAL] = "ip4_local",
		[IP4_ROUTE_NEXT_FORWARD] = "ip4_forward",
		[IP4_ROUTE_NEXT_ERROR] = "icmp4_error",
	},
};

static struct rte_node_register ip4_local_node = {
	.name = "ip4_local",
	.process = ip4_local_process,
	.nb_edges = IP4_LOCAL_NEXT_COUNT,
	.next_nodes = {
		[IP4_LOCAL_NEXT_DROP] = "drop",
		[IP4_LOCAL_NEXT_ICMP] = "icmp4_input",
		[IP4_LOCAL_NEXT_ERROR] = "icmp4_error",
		[IP4_LOCAL_NEXT_ROUTE_OUT] = "ip4_route_out",
	},
};

static struct rte_node_register ip4_forward_node = {
	.name = "ip4_forward",
	.process = ip4_forward_process,
	.nb_edges = IP4_FORWARD_NEXT_COUNT,
	.next_nodes = {
		[IP4_FORWARD_NEXT_DROP] = "drop",
		[IP4_FORWARD_NEXT_OUTPUT] = "ip4_output",
		[IP4_FORWARD_NEXT_ERROR] = "icmp4_error",
	},
};

static struct rte_node_register ip4_route_out_node = {
	.name = "ip4_route_out",
	.process = ip4_route_out_process,
	.nb_edges = IP4_ROUTE_OUT_NEXT_COUNT,
	.next_nodes = {
		[IP4_ROUTE_OUT_NEXT_DROP] = "drop",
		[IP4_ROUTE_OUT_NEXT_OUTPUT] = "ip4_output",
	},
};

static struct rte_node_register ip4_output_node = {
	.name = "ip4_output",
	.process = ip4_output_process,
	.nb_edges = IP4_OUTPUT_NEXT_COUNT,
	.next_nodes = {
		[IP4_OUTPUT_NEXT_NEIGH] = "neigh_output",
		[IP4_OUTPUT_NEXT_FRAG] = "ip4_frag",
		[IP4_OUTPUT_NEXT_ERROR] = "icmp4_error",
	},
};

static struct rte_node_register *const ip4_nodes[] = {
	&ip4_input_node,   &ip4_route_node,     &ip4_local_node,
	&ip4_forward_node, &ip4_route_out_node, &ip4_output_node,
	NULL,
};

const struct module ipv4_module = {
	.name = "ipv4",
	.after = ip4_after,
	.conf = ip4_conf,
	.stats = ip4_stats,
	.stats_block = &ip4_stats_block,
	.nodes = ip4_nodes,
	.init = ip4_init,
};
