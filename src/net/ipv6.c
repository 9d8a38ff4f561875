/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 behind the load balancer, as ipv4.c is for IPv4: ip6_route, ip6_local, ip6_forward, ip6_route_out,
 * ip6_output.
 */
#include "net/ipv6.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
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
	IP6_ROUTE_NEXT_DROP,
	IP6_ROUTE_NEXT_LOCAL,
	IP6_ROUTE_NEXT_FORWARD,
	IP6_ROUTE_NEXT_ERROR,
	IP6_ROUTE_NEXT_COUNT,
};

enum {
	IP6_LOCAL_NEXT_DROP,
	IP6_LOCAL_NEXT_ICMP,
	IP6_LOCAL_NEXT_ERROR,
	IP6_LOCAL_NEXT_ROUTE_OUT,
	IP6_LOCAL_NEXT_COUNT,
};

enum {
	IP6_FORWARD_NEXT_DROP,
	IP6_FORWARD_NEXT_OUTPUT,
	IP6_FORWARD_NEXT_ERROR,
	IP6_FORWARD_NEXT_COUNT,
};

enum {
	IP6_ROUTE_OUT_NEXT_DROP,
	IP6_ROUTE_OUT_NEXT_OUTPUT,
	IP6_ROUTE_OUT_NEXT_COUNT,
};

enum {
	IP6_OUTPUT_NEXT_NEIGH,
	IP6_OUTPUT_NEXT_FRAG,
	IP6_OUTPUT_NEXT_ERROR,
	IP6_OUTPUT_NEXT_COUNT,
};

struct stats_block ip6_stats_block;

/* Main: rw at init; workers: ro. */
static bool forwarding;

static void
ip6_count(unsigned int stat)
{
	stats_inc(&ip6_stats_block, stat);
}

static void
ip6_take_route(struct pkt_meta *meta, const struct route_result *rr)
{
	meta->out_port = rr->port;
	meta->mtu = rr->mtu;
	meta->nexthop = rr->nexthop;
	meta->neigh = NEIGH_NONE;
}

/* --- ip6_route --- */

static uint16_t
ip6_route_one(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	union ip_addr src = addr_from6(&ip->src_addr);
	union ip_addr dst = addr_from6(&ip->dst_addr);
	struct route_result rr;

	/* Multicast on the link, unicast in IP. Neighbour discovery may do so (RFC 2464 7). */
	if ((meta->flags & PKT_F_MULTICAST) && meta->proto != IPPROTO_ICMPV6) {
		ip6_count(IP6_STAT_MULTICAST);
		return IP6_ROUTE_NEXT_DROP;
	}
	if (!route_lookup_on(meta->in_port, AF_INET6, &dst, &rr)) {
		ip6_count(IP6_STAT_NO_ROUTE);
		icmp_error(m, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_ROUTE, 0);
		return IP6_ROUTE_NEXT_ERROR;
	}
	if (rr.type == DPVS_ROUTE_LOCAL)
		return IP6_ROUTE_NEXT_LOCAL;
	/* Link-local packets stay on their link (RFC 4291 2.5.6). */
	if (addr_is_linklocal(AF_INET6, &src) || addr_is_linklocal(AF_INET6, &dst)) {
		ip6_count(IP6_STAT_LINK_LOCAL);
		return IP6_ROUTE_NEXT_DROP;
	}
	ip6_take_route(meta, &rr);
	return IP6_ROUTE_NEXT_FORWARD;
}

static uint16_t
ip6_route_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_route_one, IP6_ROUTE_NEXT_FORWARD);
}

/* --- ip6_local --- */

static uint16_t
ip6_local_tcp(struct rte_mbuf *m)
{
	if (!icmp_allowed()) {
		ip6_count(IP6_STAT_RESET_LIMITED);
		return IP6_LOCAL_NEXT_DROP;
	}
	switch (tcp_reset(m)) {
	case TCP_RESET_MADE:
		ip6_count(IP6_STAT_RESET);
		return IP6_LOCAL_NEXT_ROUTE_OUT;
	case TCP_RESET_NONE:
		ip6_count(IP6_STAT_NO_LISTENER);
		return IP6_LOCAL_NEXT_DROP;
	default:
		ip6_count(IP6_STAT_BAD_L4);
		return IP6_LOCAL_NEXT_DROP;
	}
}

static uint16_t
ip6_local_one(struct rte_mbuf *m)
{
	const uint8_t *dst = rte_pktmbuf_mtod_offset(m, const uint8_t *, offsetof(struct rte_ipv6_hdr, dst_addr));
	struct pkt_meta *meta = pkt_meta(m);

	if (meta->proto == IPPROTO_ICMPV6)
		return IP6_LOCAL_NEXT_ICMP;
	if (dst[0] == 0xff) {
		ip6_count(IP6_STAT_MULTICAST);
		return IP6_LOCAL_NEXT_DROP;
	}

	switch (meta->proto) {
	case IPPROTO_TCP:
		return ip6_local_tcp(m);
	case IPPROTO_UDP:
		if (m->data_len < m->l3_len + sizeof(struct rte_udp_hdr) ||
		    !l4_sum_ok(m, AF_INET6, IPPROTO_UDP)) {
			ip6_count(IP6_STAT_BAD_L4);
			return IP6_LOCAL_NEXT_DROP;
		}
		ip6_count(IP6_STAT_PORT_UNREACHABLE);
		icmp_error(m, ICMP6_UNREACHABLE, ICMP6_UNREACHABLE_PORT, 0);
		return IP6_LOCAL_NEXT_ERROR;
	case IPPROTO_NONE:
		ip6_count(IP6_STAT_NO_NEXT_HEADER);
		return IP6_LOCAL_NEXT_DROP;
	default:
		/* RFC 8200 4: the pointer is at the byte that names the unknown header. */
		ip6_count(IP6_STAT_PROTOCOL_UNREACHABLE);
		icmp_error(m, ICMP6_PARAMETER, ICMP6_PARAMETER_NEXT_HEADER, 0);
		return IP6_LOCAL_NEXT_ERROR;
	}
}

static uint16_t
ip6_local_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_local_one, IP6_LOCAL_NEXT_ICMP);
}

/* --- ip6_forward --- */

static uint16_t
ip6_forward_one(struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);

	if (!forwarding) {
		ip6_count(IP6_STAT_NO_FORWARD);
		return IP6_FORWARD_NEXT_DROP;
	}
	if (ip->hop_limits <= 1) {
		ip6_count(IP6_STAT_HOPS_EXCEEDED);
		icmp_error(m, ICMP6_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_HOPS, 0);
		return IP6_FORWARD_NEXT_ERROR;
	}
	ip->hop_limits--;
	pkt_meta(m)->flags |= PKT_F_FORWARD;
	ip6_count(IP6_STAT_FORWARDED);
	return IP6_FORWARD_NEXT_OUTPUT;
}

static uint16_t
ip6_forward_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_forward_one, IP6_FORWARD_NEXT_OUTPUT);
}

/* --- ip6_route_out --- */

static uint16_t
ip6_route_out_one(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	union ip_addr dst = addr_from6(&ip->dst_addr);
	struct pkt_meta *meta = pkt_meta(m);
	struct route_result rr;

	/* To a link-local address: back to where the packet came from that we answer. */
	if (!addr_is_host(AF_INET6, &dst) || !route_lookup_on(meta->in_port, AF_INET6, &dst, &rr)) {
		ip6_count(IP6_STAT_OUT_NO_ROUTE);
		return IP6_ROUTE_OUT_NEXT_DROP;
	}
	if (rr.type != DPVS_ROUTE_UNICAST) {
		ip6_count(IP6_STAT_OUT_LOCAL);
		return IP6_ROUTE_OUT_NEXT_DROP;
	}
	ip6_take_route(meta, &rr);
	meta->flags &= (uint8_t)~PKT_F_FORWARD;
	return IP6_ROUTE_OUT_NEXT_OUTPUT;
}

static uint16_t
ip6_route_out_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_route_out_one, IP6_ROUTE_OUT_NEXT_OUTPUT);
}

/* --- ip6_output --- */

/** ip6_output_big: routers do not fragment, but what came in fragments goes on in such, and what is ours. */
static __rte_noinline uint16_t
ip6_output_big(struct rte_mbuf *m)
{
	const struct pkt_meta *meta = pkt_meta(m);

	if (!(meta->flags & PKT_F_FORWARD) || (meta->frag_size != 0 && meta->frag_size <= meta->mtu))
		return IP6_OUTPUT_NEXT_FRAG;
	ip6_count(IP6_STAT_TOO_BIG);
	icmp_error(m, ICMP6_PACKET_TOO_BIG, 0, meta->mtu);
	return IP6_OUTPUT_NEXT_ERROR;
}

static __rte_always_inline uint16_t
ip6_output_one(struct rte_mbuf *m)
{
	if (unlikely(m->pkt_len > pkt_meta(m)->mtu))
		return ip6_output_big(m);
	return IP6_OUTPUT_NEXT_NEIGH;
}

static uint16_t
ip6_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip6_output_one, IP6_OUTPUT_NEXT_NEIGH);
}

static int
ip6_init(const struct conf *conf)
{
	forwarding = conf_bool(conf, "ipv6", "forwarding");
	return 0;
}

static const char *const ip6_after[] = { "netif", "route6", "neigh", "icmp6", "frag", NULL };

static const struct conf_key ip6_conf[] = {
	{
		.name = "forwarding",
		.type = CONF_BOOL,
		.when = CONF_START,
		.def = 1,
		.help = "Forward packets that are neither for a service nor for us; NAT servers need it.",
	},
	{ 0 },
};

static const struct module_stat ip6_stats[] = {
	[IP6_STAT_SHORT] = { "short", DPVS_STAT_DROP, "Shorter than an IPv6 header." },
	[IP6_STAT_BAD_VERSION] = { "bad-version", DPVS_STAT_DROP, "The version is not 6." },
	[IP6_STAT_BAD_LENGTH] = { "bad-length", DPVS_STAT_DROP, "The payload length is more than the frame." },
	[IP6_STAT_MARTIAN_SOURCE] = { "martian-source", DPVS_STAT_DROP, "The source is not a unicast address." },
	[IP6_STAT_MARTIAN_DESTINATION] = { "martian-destination", DPVS_STAT_DROP,
					   "The destination belongs on no wire." },
	[IP6_STAT_TRUNCATED] = { "truncated", DPVS_STAT_DROP, "An extension header is longer than the packet." },
	[IP6_STAT_TOO_MANY_HEADERS] = { "too-many-headers", DPVS_STAT_DROP,
					"More than eight extension headers, or more than 511 bytes of them." },
	[IP6_STAT_UNKNOWN_OPTION] = { "unknown-option", DPVS_STAT_DROP,
				      "A hop-by-hop option that asks to drop the packet." },
	[IP6_STAT_NO_FORWARD] = { "no-forward", DPVS_STAT_DROP, "Forwarding is off (key ipv6.forwarding)." },
	[IP6_STAT_LINK_LOCAL] = { "link-local", DPVS_STAT_DROP, "Link-local, not to be forwarded." },
	[IP6_STAT_MULTICAST] = { "multicast", DPVS_STAT_DROP, "Multicast, of which we are in no group." },
	[IP6_STAT_NO_LISTENER] = { "no-listener", DPVS_STAT_DROP, "TCP resets to us without a connection." },
	[IP6_STAT_NO_NEXT_HEADER] = { "no-next-header", DPVS_STAT_DROP, "For us, without an upper layer." },
	[IP6_STAT_BAD_L4] = { "bad-l4", DPVS_STAT_DROP,
			      "For us, with a TCP or UDP header that is short or has a wrong checksum." },
	[IP6_STAT_RESET_LIMITED] = { "reset-limited", DPVS_STAT_DROP,
				     "TCP to a closed port, not answered (key icmp.rate)." },
	[IP6_STAT_OUT_NO_ROUTE] = { "out-no-route", DPVS_STAT_DROP, "Packets of our own without a route." },
	[IP6_STAT_OUT_LOCAL] = { "out-local", DPVS_STAT_DROP, "Packets of our own to ourselves." },
	[IP6_STAT_FORWARDED] = { "forwarded", DPVS_STAT_EVENT, "Packets forwarded." },
	[IP6_STAT_PARAMETER] = { "parameter", DPVS_STAT_EVENT,
				 "Extension headers that are refused, answered by ICMP." },
	[IP6_STAT_NO_ROUTE] = { "no-route", DPVS_STAT_EVENT, "Packets without a route, answered by ICMP." },
	[IP6_STAT_HOPS_EXCEEDED] = { "hops-exceeded", DPVS_STAT_EVENT,
				     "Packets whose hop limit ended, answered by ICMP." },
	[IP6_STAT_TOO_BIG] = { "too-big", DPVS_STAT_EVENT,
			       "Packets longer than the path takes, answered by ICMP." },
	[IP6_STAT_PORT_UNREACHABLE] = { "port-unreachable", DPVS_STAT_EVENT,
					"UDP to a closed port, answered by ICMP." },
	[IP6_STAT_PROTOCOL_UNREACHABLE] = { "protocol-unreachable", DPVS_STAT_EVENT,
					    "For us, of an unknown protocol, answered by ICMP." },
	[IP6_STAT_RESET] = { "reset", DPVS_STAT_EVENT, "TCP to a closed port, answered by a reset." },
	{ 0 },
};

static struct rte_node_register ip6_route_node = {
	.name = "ip6_route",
	.process = ip6_route_process,
	.nb_edges = IP6_ROUTE_NEXT_COUNT,
	.next_nodes = {
		[IP6_ROUTE_NEXT_DROP] = "drop",
		[IP6_ROUTE_NEXT_LOCAL] = "ip6_local",
		[IP6_ROUTE_NEXT_FORWARD] = "ip6_forward",
		[IP6_ROUTE_NEXT_ERROR] = "icmp6_error",
	},
};

static struct rte_node_register ip6_local_node = {
	.name = "ip6_local",
	.process = ip6_local_process,
	.nb_edges = IP6_LOCAL_NEXT_COUNT,
	.next_nodes = {
		[IP6_LOCAL_NEXT_DROP] = "drop",
		[IP6_LOCAL_NEXT_ICMP] = "icmp6_input",
		[IP6_LOCAL_NEXT_ERROR] = "icmp6_error",
		[IP6_LOCAL_NEXT_ROUTE_OUT] = "ip6_route_out",
	},
};

static struct rte_node_register ip6_forward_node = {
	.name = "ip6_forward",
	.process = ip6_forward_process,
	.nb_edges = IP6_FORWARD_NEXT_COUNT,
	.next_nodes = {
		[IP6_FORWARD_NEXT_DROP] = "drop",
		[IP6_FORWARD_NEXT_OUTPUT] = "ip6_output",
		[IP6_FORWARD_NEXT_ERROR] = "icmp6_error",
	},
};

static struct rte_node_register ip6_route_out_node = {
	.name = "ip6_route_out",
	.process = ip6_route_out_process,
	.nb_edges = IP6_ROUTE_OUT_NEXT_COUNT,
	.next_nodes = {
		[IP6_ROUTE_OUT_NEXT_DROP] = "drop",
		[IP6_ROUTE_OUT_NEXT_OUTPUT] = "ip6_output",
	},
};

static struct rte_node_register ip6_output_node = {
	.name = "ip6_output",
	.process = ip6_output_process,
	.nb_edges = IP6_OUTPUT_NEXT_COUNT,
	.next_nodes = {
		[IP6_OUTPUT_NEXT_NEIGH] = "neigh_output",
		[IP6_OUTPUT_NEXT_FRAG] = "ip6_frag",
		[IP6_OUTPUT_NEXT_ERROR] = "icmp6_error",
	},
};

static struct rte_node_register *const ip6_nodes[] = {
	&ip6_input_node,   &ip6_route_node,     &ip6_local_node,
	&ip6_forward_node, &ip6_route_out_node, &ip6_output_node,
	NULL,
};

const struct module ipv6_module = {
	.name = "ipv6",
	.after = ip6_after,
	.conf = ip6_conf,
	.stats = ip6_stats,
	.stats_block = &ip6_stats_block,
	.nodes = ip6_nodes,
	.init = ip6_init,
};
