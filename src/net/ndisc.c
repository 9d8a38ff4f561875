/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 neighbour discovery. A worker answers solicitations for our addresses at once and tells the main
 * lcore what it saw (neigh_input()); the main lcore sends solicitations and announcements. We are neither
 * a host that configures itself nor a router that advertises: router messages and redirects are ignored.
 */
#include "net/ndisc.h"

#include <errno.h>
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
#include "net/ifaddr.h"
#include "net/l4.h"
#include "net/mbuf.h"
#include "net/neigh_priv.h"
#include "net/netif.h"
#include "net/node.h"
#include "net/route.h"

/** Hop limit of all these packets: so nobody behind a router can send them. */
#define NDISC_HOPS 255

/** Options (RFC 4861 4.6), and the flags of an advertisement (4.4). */
enum {
	OPTION_SOURCE_LL = 1,
	OPTION_TARGET_LL = 2,
};
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE 0x20000000u

/** struct ndisc_msg: solicitation and advertisement, with the one option that we send. */
struct ndisc_msg {
	struct icmp_hdr icmp; /**< info: flags of an advertisement */
	uint8_t target[16];
	uint8_t option;
	uint8_t option_len; /**< in units of 8 bytes */
	uint8_t mac[6];
} __rte_packed;

#define NDISC_FIXED offsetof(struct ndisc_msg, option)

enum {
	NDISC_INPUT_NEXT_DROP,
	NDISC_INPUT_NEXT_OUTPUT,
	NDISC_INPUT_NEXT_ROUTE_OUT,
	NDISC_INPUT_NEXT_COUNT,
};

enum {
	STAT_BAD_HOPS,
	STAT_BAD_FORMAT,
	STAT_FRAGMENTED,
	STAT_BAD_SOURCE,
	STAT_SOLICITS,
	STAT_ADVERTS,
	STAT_ANSWERED,
	STAT_OTHERS,
	STAT_ROUTER,
	STAT_CONFLICT,
};

static struct stats_block stats;

/** ndisc_write: an IPv6 packet with @msg type @type into @ip; all but the target is given. */
static void
ndisc_write(struct rte_ipv6_hdr *ip, uint8_t type, uint32_t flags, const union ip_addr *src,
	    const union ip_addr *dst, const union ip_addr *target, const struct rte_ether_addr *mac)
{
	struct ndisc_msg *msg = (struct ndisc_msg *)(ip + 1);

	ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
	ip->payload_len = rte_cpu_to_be_16(sizeof(*msg));
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = NDISC_HOPS;
	memcpy(&ip->src_addr, src, sizeof(*src));
	memcpy(&ip->dst_addr, dst, sizeof(*dst));
	msg->icmp = (struct icmp_hdr){ .type = type, .info = rte_cpu_to_be_32(flags) };
	memcpy(msg->target, target, sizeof(msg->target));
	msg->option = type == ICMP6_NEIGH_SOLICIT ? OPTION_SOURCE_LL : OPTION_TARGET_LL;
	msg->option_len = 1;
	memcpy(msg->mac, mac, sizeof(msg->mac));
	msg->icmp.csum = rte_ipv6_udptcp_cksum(ip, msg);
}

static void
ndisc_write_ether(struct rte_ether_hdr *eth, const struct rte_ether_addr *dst, const struct rte_ether_addr *src)
{
	eth->dst_addr = *dst;
	eth->src_addr = *src;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
}

/** ndisc_group_mac: the MAC address of a multicast group (RFC 2464 7). */
static struct rte_ether_addr
ndisc_group_mac(const union ip_addr *group)
{
	struct rte_ether_addr mac = { { 0x33, 0x33 } };

	memcpy(&mac.addr_bytes[2], &group->ip6[12], 4);
	return mac;
}

/* --- packet path --- */

static uint16_t
ndisc_input_drop(unsigned int stat)
{
	stats_inc(&stats, stat);
	return NDISC_INPUT_NEXT_DROP;
}

/** ndisc_options: finds the link-layer address option of type @want; false: an option is malformed. */
static bool
ndisc_options(const uint8_t *opt, uint32_t len, uint8_t want, const uint8_t **ret_mac)
{
	const uint8_t *mac = NULL;

	while (len > 0) {
		uint32_t size;

		if (len < 8 || opt[1] == 0)
			return false;
		size = opt[1] * 8u;
		if (size > len)
			return false;
		if (opt[0] == want && size == 8 &&
		    rte_is_valid_assigned_ether_addr((const struct rte_ether_addr *)&opt[2]))
			mac = &opt[2];
		opt += size;
		len -= size;
	}
	*ret_mac = mac;
	return true;
}

/** ndisc_on_link: can @addr be a neighbour on @port at all? */
static bool
ndisc_on_link(uint16_t port, const union ip_addr *addr)
{
	struct route_result rr;

	return route_lookup_on(port, AF_INET6, addr, &rr) && rr.type == DPVS_ROUTE_UNICAST && rr.port == port &&
	       addr_equal(&rr.nexthop, addr);
}

/** ndisc_answer: turns the solicitation @m into the advertisement. @mac: where to; NULL: resolve it. */
static uint16_t
ndisc_answer(struct rte_mbuf *m, const struct netif *nif, const union ip_addr *asker,
	     const union ip_addr *target, const uint8_t *mac)
{
	static const union ip_addr all_nodes = { .ip6 = { 0xff, 0x02, [15] = 1 } };
	union ip_addr dst = *asker;
	uint32_t flags = FLAG_SOLICITED | FLAG_OVERRIDE;
	struct rte_ether_addr to = { { 0 } };
	struct pkt_meta *meta = pkt_meta(m);
	struct rte_ether_hdr *eth;
	struct rte_ipv6_hdr *ip;
	uint32_t len = sizeof(*ip) + sizeof(struct ndisc_msg);

	if (mac != NULL)
		memcpy(&to, mac, sizeof(to));
	if (addr_is_zero(asker)) {
		/* Somebody wants the address for itself: all shall hear that it is ours (RFC 4861 7.2.4). */
		dst = all_nodes;
		flags = FLAG_OVERRIDE;
		to = ndisc_group_mac(&all_nodes);
		mac = to.addr_bytes;
	}

	if (m->data_len > len)
		mbuf_cut(m, len);
	else if (rte_pktmbuf_append(m, (uint16_t)(len - m->data_len)) == NULL)
		return ndisc_input_drop(STAT_BAD_FORMAT);
	ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	ndisc_write(ip, ICMP6_NEIGH_ADVERT, flags, target, &dst, target, &nif->mac);
	m->l3_len = sizeof(*ip);
	m->ol_flags = 0;
	meta->neigh = NEIGH_NONE;
	meta->out_port = meta->in_port;
	meta->flags = 0;
	stats_inc(&stats, STAT_ANSWERED);
	if (mac == NULL)
		return NDISC_INPUT_NEXT_ROUTE_OUT;

	meta->flags = PKT_F_FRAME;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));
	ndisc_write_ether(eth, &to, &nif->mac);
	return NDISC_INPUT_NEXT_OUTPUT;
}

static uint16_t
ndisc_solicited(struct rte_mbuf *m, const struct netif *nif, const union ip_addr *src,
		const union ip_addr *dst, const union ip_addr *target, const uint8_t *mac)
{
	struct pkt_meta *meta = pkt_meta(m);
	bool ours = ifaddr_is_local(meta->in_port, AF_INET6, target);

	stats_inc(&stats, STAT_SOLICITS);
	if (addr_is_zero(src)) {
		union ip_addr group = addr_solicited_node(target);

		if (!addr_equal(dst, &group) || mac != NULL)
			return ndisc_input_drop(STAT_BAD_SOURCE);
	} else if (ifaddr_is_local(meta->in_port, AF_INET6, src)) {
		stats_inc(&stats, STAT_CONFLICT);
		rte_pktmbuf_free(m);
		return NODE_KEPT;
	} else if (mac != NULL && ndisc_on_link(meta->in_port, src)) {
		neigh_input(meta->in_port, AF_INET6, src, mac, ours ? NEIGH_INPUT_CLAIM : NEIGH_INPUT_GRATUITOUS);
	}

	if (ours) {
		union ip_addr to = *target;
		union ip_addr asker = *src;
		uint8_t copy[6];

		if (mac != NULL)
			memcpy(copy, mac, sizeof(copy));
		return ndisc_answer(m, nif, &asker, &to, mac != NULL ? copy : NULL);
	}
	stats_inc(&stats, STAT_OTHERS);
	rte_pktmbuf_free(m);
	return NODE_KEPT;
}

static uint16_t
ndisc_advertised(struct rte_mbuf *m, const union ip_addr *dst, const union ip_addr *target, uint32_t flags,
		 const uint8_t *mac)
{
	struct pkt_meta *meta = pkt_meta(m);
	uint8_t kind = NEIGH_INPUT_GRATUITOUS;

	stats_inc(&stats, STAT_ADVERTS);
	if (addr_is_multicast(AF_INET6, dst) && (flags & FLAG_SOLICITED))
		return ndisc_input_drop(STAT_BAD_FORMAT);
	if (ifaddr_is_local(meta->in_port, AF_INET6, target)) {
		stats_inc(&stats, STAT_CONFLICT);
	} else if (ndisc_on_link(meta->in_port, target)) {
		if (flags & FLAG_SOLICITED)
			kind = flags & FLAG_OVERRIDE ? NEIGH_INPUT_ANSWER : NEIGH_INPUT_NO_OVERRIDE;
		if ((flags & FLAG_SOLICITED) || ((flags & FLAG_OVERRIDE) && mac != NULL))
			neigh_input(meta->in_port, AF_INET6, target, mac, kind);
	}
	rte_pktmbuf_free(m);
	return NODE_KEPT;
}

static uint16_t
ndisc_input_one(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	const struct icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, const struct icmp_hdr *, m->l3_len);
	const struct pkt_meta *meta = pkt_meta(m);
	const struct netif *nif = netif_get(meta->in_port);
	const uint8_t *mac;
	union ip_addr target;
	union ip_addr src;
	union ip_addr dst;
	uint32_t len = m->pkt_len - m->l3_len;
	bool solicit = icmp->type == ICMP6_NEIGH_SOLICIT;

	if (ip->hop_limits != NDISC_HOPS)
		return ndisc_input_drop(STAT_BAD_HOPS);
	if (meta->frag_size != 0) /* RFC 6980 */
		return ndisc_input_drop(STAT_FRAGMENTED);
	if (!solicit && icmp->type != ICMP6_NEIGH_ADVERT) {
		stats_inc(&stats, STAT_ROUTER);
		rte_pktmbuf_free(m);
		return NODE_KEPT;
	}
	if (m->nb_segs != 1 || len < NDISC_FIXED || icmp->code != 0 || nif == NULL ||
	    rte_pktmbuf_headroom(m) < sizeof(struct rte_ether_hdr))
		return ndisc_input_drop(STAT_BAD_FORMAT);
	src = addr_from6(&ip->src_addr);
	dst = addr_from6(&ip->dst_addr);
	target = addr_from6((const uint8_t *)icmp + offsetof(struct ndisc_msg, target));
	if (!addr_is_host(AF_INET6, &target) ||
	    !ndisc_options((const uint8_t *)icmp + NDISC_FIXED, len - NDISC_FIXED,
			   solicit ? OPTION_SOURCE_LL : OPTION_TARGET_LL, &mac))
		return ndisc_input_drop(STAT_BAD_FORMAT);

	if (solicit)
		return ndisc_solicited(m, nif, &src, &dst, &target, mac);
	if (addr_is_zero(&src))
		return ndisc_input_drop(STAT_BAD_SOURCE);
	return ndisc_advertised(m, &dst, &target, rte_be_to_cpu_32(icmp->info), mac);
}

static uint16_t
ndisc_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ndisc_input_one, NDISC_INPUT_NEXT_OUTPUT);
}

/* --- main lcore --- */

static int
ndisc_send(uint16_t port, uint8_t type, uint32_t flags, const union ip_addr *src, const union ip_addr *dst,
	   const union ip_addr *target, const struct rte_ether_addr *to)
{
	const struct netif *nif = netif_get(port);
	struct rte_ether_hdr *eth;
	struct rte_ipv6_hdr *ip;
	struct rte_mbuf *m;

	if (nif == NULL)
		return -ENODEV;
	m = rte_pktmbuf_alloc(graph_pool());
	if (m == NULL)
		return -ENOBUFS;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, sizeof(*eth) + sizeof(*ip) + sizeof(struct ndisc_msg));
	ip = (struct rte_ipv6_hdr *)(eth + 1);
	ndisc_write_ether(eth, to, &nif->mac);
	ndisc_write(ip, type, flags, src, dst, target, &nif->mac);
	return netif_xmit(port, m);
}

int
ndisc_solicit(uint16_t port, const union ip_addr *target, const uint8_t *mac)
{
	union ip_addr dst = addr_solicited_node(target);
	struct rte_ether_addr to = ndisc_group_mac(&dst);
	union ip_addr src;

	/* The answer comes to the source, so it must be on this port; the link-local one always is. */
	ifaddr_source(NULL, AF_INET6, port, target, &src);
	if (addr_is_linklocal(AF_INET6, target) || addr_is_zero(&src) ||
	    ifaddr_port_of(NULL, AF_INET6, &src) != port) {
		if (!ifaddr_linklocal(port, &src))
			return -EADDRNOTAVAIL;
	}
	if (mac != NULL) {
		dst = *target;
		memcpy(&to, mac, sizeof(to));
	}
	return ndisc_send(port, ICMP6_NEIGH_SOLICIT, 0, &src, &dst, target, &to);
}

int
ndisc_announce(uint16_t port, const union ip_addr *addr)
{
	static const union ip_addr all_nodes = { .ip6 = { 0xff, 0x02, [15] = 1 } };
	struct rte_ether_addr to = ndisc_group_mac(&all_nodes);

	return ndisc_send(port, ICMP6_NEIGH_ADVERT, FLAG_OVERRIDE, addr, &all_nodes, addr, &to);
}

static const char *const ndisc_after[] = { "netif", "ifaddr", "neigh", "icmp6", NULL };

static const struct module_stat ndisc_stats[] = {
	[STAT_BAD_HOPS] = { "bad-hop-limit", DPVS_STAT_DROP, "The hop limit is not 255: from behind a router." },
	[STAT_BAD_FORMAT] = { "bad-format", DPVS_STAT_DROP,
			      "A code, target, flag or option that RFC 4861 does not allow." },
	[STAT_FRAGMENTED] = { "fragmented", DPVS_STAT_DROP, "Came in fragments (RFC 6980)." },
	[STAT_BAD_SOURCE] = { "bad-source", DPVS_STAT_DROP, "A source that RFC 4861 does not allow." },
	[STAT_SOLICITS] = { "solicitations", DPVS_STAT_EVENT, "Neighbour solicitations received." },
	[STAT_ADVERTS] = { "advertisements", DPVS_STAT_EVENT, "Neighbour advertisements received." },
	[STAT_ANSWERED] = { "answered", DPVS_STAT_EVENT, "Solicitations for our addresses, answered." },
	[STAT_OTHERS] = { "others", DPVS_STAT_EVENT, "Solicitations for addresses of others." },
	[STAT_ROUTER] = { "router", DPVS_STAT_EVENT, "Router messages and redirects, ignored." },
	[STAT_CONFLICT] = { "conflict", DPVS_STAT_EVENT,
			    "Messages in which another station uses one of our addresses." },
	{ 0 },
};

static struct rte_node_register ndisc_input_node = {
	.name = "ndisc_input",
	.process = ndisc_input_process,
	.nb_edges = NDISC_INPUT_NEXT_COUNT,
	.next_nodes = {
		[NDISC_INPUT_NEXT_DROP] = "drop",
		[NDISC_INPUT_NEXT_OUTPUT] = "neigh_output",
		[NDISC_INPUT_NEXT_ROUTE_OUT] = "ip6_route_out",
	},
};

static struct rte_node_register *const ndisc_nodes[] = { &ndisc_input_node, NULL };

const struct module ndisc_module = {
	.name = "ndisc",
	.after = ndisc_after,
	.stats = ndisc_stats,
	.stats_block = &stats,
	.nodes = ndisc_nodes,
};
