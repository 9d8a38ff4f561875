/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the nodes xmit_fnat, xmit_nat and xmit_dr share. lb4_input and lb6_input leave them a packet with
 * meta->lb[0] = reference of the connection (index << 1 | direction); they change its headers and choose
 * the way out. The way on of each direction is kept in the connection until net_generation() moves.
 *
 * A packet that cannot go on is refused before it is changed, so that the ICMP error quotes what its
 * sender sent.
 *
 * Thread-safety: worker lcore, own packets and connections.
 */
#ifndef XMIT_H
#define XMIT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "core/graph.h"
#include "core/pkt.h"
#include "lb/conn.h"
#include "lb/csum.h"
#include "lb/proto/tcp.h"
#include "net/neigh.h"
#include "net/route.h"

/** Edges of all xmit nodes. */
enum {
	XMIT_NEXT_NEIGH,  /**< neigh_output */
	XMIT_NEXT_OUTPUT, /**< ip4_output, ip6_output: has to be fragmented */
	XMIT_NEXT_ERROR,  /**< icmp4_error, icmp6_error */
	XMIT_NEXT_COUNT,
};

extern struct rte_node_register xmit_fnat4_node;
extern struct rte_node_register xmit_fnat6_node;
extern struct rte_node_register xmit_nat4_node;
extern struct rte_node_register xmit_nat6_node;
extern struct rte_node_register xmit_dr4_node;
extern struct rte_node_register xmit_dr6_node;

/**
 * xmit_resolve: looks the way on of direction @dir up and keeps it in @c; fills meta->nexthop, which
 * matters when the neighbour is not known. Returns false: no route.
 */
bool xmit_resolve(const struct conn_table *t, struct conn *c, unsigned int dir, struct pkt_meta *meta);

/** xmit_forget: what xmit_resolve() of worker @worker remembers. Main, before the worker runs. */
void xmit_forget(unsigned int worker);

/* Asks for an ICMP error and counts why; return XMIT_NEXT_ERROR. */
unsigned int xmit_no_route(struct pkt_meta *meta, uint8_t af);
unsigned int xmit_ttl_ended(struct pkt_meta *meta, uint8_t af);

/** xmit_too_big: @m does not fit in @mtu. Returns XMIT_NEXT_OUTPUT (fragment it) or XMIT_NEXT_ERROR. */
unsigned int xmit_too_big(struct rte_mbuf *m, struct pkt_meta *meta, uint16_t mtu, uint8_t af);

/** xmit_tcp_special: what few TCP packets need: options of a SYN, shifted sequence numbers. */
void xmit_tcp_special(const struct conn_table *t, struct conn *c, unsigned int dir,
		      struct rte_tcp_hdr *tcp);

/** xmit_way: chooses the way out of direction @dir. Returns an edge; nothing of the packet is changed. */
static __rte_always_inline unsigned int
xmit_way(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_mbuf *m,
	 struct pkt_meta *meta, uint8_t af)
{
	uint32_t gen = net_generation();

	if (unlikely(c->net_gen != gen)) {
		c->net_gen = gen;
		c->neigh[CONN_IN] = NEIGH_NONE;
		c->neigh[CONN_OUT] = NEIGH_NONE;
	}
	if (unlikely(c->neigh[dir] == NEIGH_NONE) && !xmit_resolve(t, c, dir, meta))
		return xmit_no_route(meta, af);
	meta->out_port = c->out_port[dir];
	meta->neigh = c->neigh[dir];
	if (unlikely(m->pkt_len > c->mtu[dir] || meta->frag_size > c->mtu[dir]))
		return xmit_too_big(m, meta, c->mtu[dir], af);
	return XMIT_NEXT_NEIGH;
}

/** xmit_l4: the ports and the checksum of a TCP or UDP header that becomes one of direction !@dir's @other. */
static __rte_always_inline void
xmit_l4(const struct conn_table *t, struct conn *c, unsigned int dir, void *l4)
{
	uint16_t delta = dir == CONN_IN ? c->l4_delta : (uint16_t)~c->l4_delta;
	uint32_t ports;

	memcpy(&ports, &c->tuple[!dir].sport, sizeof(ports));
	ports = ports << 16 | ports >> 16;
	memcpy(l4, &ports, sizeof(ports));
	if (c->proto == IPPROTO_UDP) {
		struct rte_udp_hdr *udp = l4;

		/* 0: the sender made none. */
		if (udp->dgram_cksum != 0) {
			uint16_t csum = csum_apply(udp->dgram_cksum, delta);

			udp->dgram_cksum = csum != 0 ? csum : UINT16_MAX;
		}
	} else {
		struct rte_tcp_hdr *tcp = l4;

		tcp->cksum = csum_apply(tcp->cksum, delta);
		if (unlikely((tcp->tcp_flags & RTE_TCP_SYN_FLAG) != 0 || (c->flags & CONN_F_SEQ) != 0))
			xmit_tcp_special(t, c, dir, tcp);
	}
}

/** xmit_hop4: one hop less, @delta more in the header checksum. */
static __rte_always_inline void
xmit_hop4(struct rte_ipv4_hdr *ip, uint16_t delta)
{
	ip->time_to_live--;
	/* The word of TTL and protocol loses 1 in TTL's byte: its complement is added. */
	ip->hdr_checksum = csum_apply(ip->hdr_checksum,
				      (uint32_t)delta + (uint16_t)~rte_cpu_to_be_16(0x0100));
}

/** xmit_translate4: NAT and full-NAT of a packet of direction @dir. Returns an edge. */
static __rte_always_inline unsigned int
xmit_translate4(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_mbuf *m,
		struct pkt_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	unsigned int next;
	uint64_t addrs;

	if (unlikely(ip->time_to_live <= 1))
		return xmit_ttl_ended(meta, AF_INET);
	next = xmit_way(t, c, dir, m, meta, AF_INET);
	if (unlikely(next == XMIT_NEXT_ERROR))
		return next;

	/* The other direction's addresses and ports, the other way round. */
	memcpy(&addrs, &c->tuple[!dir].src, sizeof(addrs));
	addrs = addrs << 32 | addrs >> 32;
	memcpy(&ip->src_addr, &addrs, sizeof(addrs));
	xmit_hop4(ip, dir == CONN_IN ? c->l3_delta : (uint16_t)~c->l3_delta);
	xmit_l4(t, c, dir, (char *)ip + m->l3_len);
	return next;
}

/** xmit_translate6: the same for IPv6. */
static __rte_always_inline unsigned int
xmit_translate6(const struct conn_table *t, struct conn *c, unsigned int dir, struct rte_mbuf *m,
		struct pkt_meta *meta)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
	const struct conn_addrs6 *a = conn_addrs6(t, c);
	unsigned int next;

	if (unlikely(ip->hop_limits <= 1))
		return xmit_ttl_ended(meta, AF_INET6);
	next = xmit_way(t, c, dir, m, meta, AF_INET6);
	if (unlikely(next == XMIT_NEXT_ERROR))
		return next;

	memcpy(&ip->src_addr, &a->dir[!dir].dst, sizeof(a->dir[0].dst));
	memcpy(&ip->dst_addr, &a->dir[!dir].src, sizeof(a->dir[0].src));
	ip->hop_limits--;
	xmit_l4(t, c, dir, (char *)ip + m->l3_len);
	return next;
}

/**
 * xmit_node: the body of a node: @one(table, connection, direction, packet, meta) for each packet.
 */
static __rte_always_inline uint16_t
xmit_node(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n,
	  unsigned int (*one)(const struct conn_table *t, struct conn *c, unsigned int dir,
			      struct rte_mbuf *m, struct pkt_meta *meta))
{
	const struct conn_table *t = &conn_workers[lcore_me()->worker].table;
	uint16_t others = 0;

	/* Nearly all go to the neighbour; the vector is moved as it is if all do. */
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct pkt_meta *meta = pkt_meta(m);
		uint32_t ref = meta->lb[0];
		unsigned int next = one(t, &t->conns[ref >> 1], ref & 1, m, meta);

		if (unlikely(next != XMIT_NEXT_NEIGH)) {
			if (others == 0 && i > 0)
				rte_node_enqueue(graph, node, XMIT_NEXT_NEIGH, objs, i);
			rte_node_enqueue_x1(graph, node, (rte_edge_t)next, m);
			others++;
		} else if (unlikely(others > 0)) {
			rte_node_enqueue_x1(graph, node, XMIT_NEXT_NEIGH, m);
		}
	}
	if (likely(others == 0))
		rte_node_next_stream_move(graph, node, XMIT_NEXT_NEIGH);
	return n;
}

#endif
