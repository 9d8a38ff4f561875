/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rare parts of sending a packet on; see xmit.h.
 */
#include "lb/xmit/xmit.h"

#include <dpvsctrl/proto/route.h>

/* ICMP types and codes that DPDK's headers do not name. */
enum {
	ICMP4_UNREACH = 3,
	ICMP4_UNREACH_NET = 0,
	ICMP4_UNREACH_FRAG_NEEDED = 4,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP6_UNREACH = 1,
	ICMP6_UNREACH_NO_ROUTE = 0,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
};

/* What TCP and IP headers without options take of an MTU. */
#define MSS_HEADERS4 40
#define MSS_HEADERS6 60

/* Ways of each direction that a worker remembers; a power of two. */
#define WAYS 256

/* struct way: what the look-up of a route and of a neighbour said; one cache line. Owner: its worker. */
struct way {
	union ip_addr dst;
	union ip_addr nexthop;
	uint32_t gen;   /* net_generation() that it belongs to */
	uint32_t neigh;
	uint16_t port;
	uint16_t mtu;
	uint8_t af;     /* 0: never used */
} __rte_cache_aligned;

/* By direction: many clients do not push out the servers. */
static struct way ways[WORKERS_MAX][2][WAYS];

void
xmit_forget(unsigned int worker)
{
	memset(ways[worker], 0, sizeof(ways[worker]));
}

/* A route look-up walks a tree and a neighbour's hashes a key of 20 bytes; connections share servers and clients. */
static bool
way_find(struct way *way, uint8_t af, const union ip_addr *dst)
{
	struct route_result route;

	if (way->gen == net_generation() && way->af == af &&
	    ((way->dst.u64[0] ^ dst->u64[0]) | (way->dst.u64[1] ^ dst->u64[1])) == 0)
		return true;
	way->af = 0;
	if (!route_lookup(af, dst, &route) || route.type != DPVS_ROUTE_UNICAST)
		return false;
	way->dst = *dst;
	way->nexthop = route.nexthop;
	way->port = route.port;
	way->mtu = route.mtu;
	way->neigh = neigh_find(route.port, af, &route.nexthop);
	way->gen = net_generation();
	/* A neighbour that is not known yet is asked for with each packet. */
	if (way->neigh != NEIGH_NONE)
		way->af = af;
	return true;
}

/* Written in words of 8 bytes, because it is read so at once: words of 4 would have to reach the cache first. */
static union ip_addr
whole_addr4(rte_be32_t ip4)
{
	uint64_t first = RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? ip4 : (uint64_t)ip4 << 32;

	return (union ip_addr){ .u64 = { first, 0 } };
}

bool
xmit_resolve(const struct conn_table *t, struct conn *c, unsigned int dir, struct pkt_meta *meta)
{
	union ip_addr dst;
	struct way *way;

	/* Who sends packets of the other direction is who gets those of this one. */
	if (c->af == AF_INET)
		dst = whole_addr4(c->tuple[!dir].src);
	else
		dst = conn_addrs6(t, c)->dir[!dir].src;
	way = &ways[lcore_me()->worker][dir]
		   [conn_mix(dst.u64[0] ^ t->seed[0], dst.u64[1] ^ t->seed[1]) % WAYS];
	if (!way_find(way, c->af, &dst))
		return false;
	c->out_port[dir] = (uint8_t)way->port;
	c->mtu[dir] = way->mtu;
	c->neigh[dir] = way->neigh;
	meta->nexthop = way->nexthop;
	meta->mtu = way->mtu;
	return true;
}

static unsigned int
refuse(struct pkt_meta *meta, enum conn_stat stat, uint8_t type, uint8_t code)
{
	stats_inc(&conn_stats, stat);
	meta->flags |= PKT_F_FORWARD;
	meta->icmp_type = type;
	meta->icmp_code = code;
	meta->icmp_info = 0;
	return XMIT_NEXT_ERROR;
}

unsigned int
xmit_no_route(struct pkt_meta *meta, uint8_t af)
{
	if (af == AF_INET)
		return refuse(meta, CONN_STAT_NO_ROUTE, ICMP4_UNREACH, ICMP4_UNREACH_NET);
	return refuse(meta, CONN_STAT_NO_ROUTE, ICMP6_UNREACH, ICMP6_UNREACH_NO_ROUTE);
}

unsigned int
xmit_ttl_ended(struct pkt_meta *meta, uint8_t af)
{
	return refuse(meta, CONN_STAT_TTL, af == AF_INET ? ICMP4_TIME_EXCEEDED : ICMP6_TIME_EXCEEDED, 0);
}

/*
 * A packet that came in one piece is fragmented only if IPv4 may; one that was put together here goes in
 * pieces again, unless a piece of its sender's size would not pass and may not be cut.
 */
unsigned int
xmit_too_big(struct rte_mbuf *m, struct pkt_meta *meta, uint16_t mtu, uint8_t af)
{
	uint32_t size = meta->frag_size != 0 ? meta->frag_size : m->pkt_len;

	meta->mtu = mtu;
	if (size <= mtu)
		return XMIT_NEXT_OUTPUT;
	if (af == AF_INET6) {
		refuse(meta, CONN_STAT_TOO_BIG, ICMP6_TOO_BIG, 0);
	} else {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);

		if ((ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG)) == 0)
			return XMIT_NEXT_OUTPUT;
		refuse(meta, CONN_STAT_TOO_BIG, ICMP4_UNREACH, ICMP4_UNREACH_FRAG_NEEDED);
	}
	meta->icmp_info = mtu;
	return XMIT_NEXT_ERROR;
}

/*
 * A SYN promises what its sender can take; no more than fits on the ways on both sides may pass. Sequence
 * numbers of the client are shifted towards the server and back towards the client.
 */
void
xmit_tcp_special(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_tcp_hdr *tcp)
{
	if ((tcp->tcp_flags & RTE_TCP_SYN_FLAG) != 0) {
		uint16_t headers = c->af == AF_INET ? MSS_HEADERS4 : MSS_HEADERS6;
		uint16_t mtu = c->mtu[dir];
		struct pkt_meta unused;

		if (c->neigh[!dir] != NEIGH_NONE || xmit_resolve(t, c, !dir, &unused))
			mtu = RTE_MIN(mtu, c->mtu[!dir]);
		tcp_syn_options(tcp, mtu > headers ? (uint16_t)(mtu - headers) : 1,
				dir == CONN_IN && (c->flags & CONN_F_NO_TS) != 0);
	}
	if ((c->flags & CONN_F_SEQ) != 0) {
		if (dir == CONN_IN)
			tcp_shift_seq(tcp, c->seq_delta);
		else
			tcp_shift_ack(tcp, c->seq_delta);
	}
}
