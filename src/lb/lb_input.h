/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes lb4_input and lb6_input: every valid IP packet passes here. It belongs to a connection (then on
 * to the xmit node of its forwarding mode), begins one, belongs to another worker (handover), or is none of
 * the load balancer's business (ip4_route, ip6_route: untouched).
 *
 * What the two share is here and in lb_input.c; they differ in how the key is read.
 *
 * Thread-safety: worker lcore.
 */
#ifndef LB_INPUT_H
#define LB_INPUT_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include <rte_branch_prediction.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "core/graph.h"
#include "core/pkt.h"
#include "lb/conn.h"
#include "lb/proto/tcp.h"

/** Edges of lb4_input; those of lb6_input are the same with 6. */
enum {
	LB_NEXT_FNAT,
	LB_NEXT_NAT,
	LB_NEXT_DR,
	LB_NEXT_ROUTE,    /**< ip4_route */
	LB_NEXT_HANDOVER,
	LB_NEXT_ERROR,    /**< icmp4_error */
	LB_NEXT_NEIGH,    /**< neigh_output: translated ICMP errors */
	LB_NEXT_OUTPUT,   /**< ip4_output: the same, too long for the way */
	LB_NEXT_DROP,
	LB_NEXT_COUNT,
};

extern struct rte_node_register lb4_input_node;
extern struct rte_node_register lb6_input_node;

/** Edge for each forwarding mode. */
extern const uint8_t lb_next_of[8];

/**
 * lb_steer: which worker a packet of @flow (source as client) belongs to; -1: none, not the load
 * balancer's. *@ret_svc: the service, when it goes to one.
 */
int lb_steer(const struct flow *flow, const struct service **ret_svc);

/** lb_handover: for worker @owner, or LB_NEXT_ROUTE when the packet was handed over already. */
unsigned int lb_handover(struct pkt_meta *meta, unsigned int owner, uint8_t af);

/** lb_drop: counts @stat. Returns LB_NEXT_DROP. */
unsigned int lb_drop(enum conn_stat stat);

/**
 * lb_miss: a packet without a connection. Returns an edge, or LB_NEXT_COUNT: *@ret_ref is its new
 * connection.
 */
unsigned int lb_miss(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta,
		     const struct flow *flow, const void *l4, uint32_t *ret_ref);

/**
 * lb_tcp: state and sequence numbers follow a TCP packet that is more than data of an established
 * connection. Returns false: the connection had ended and this SYN begins another.
 */
bool lb_tcp(struct conn_worker *w, struct conn *c, unsigned int dir, const struct rte_tcp_hdr *tcp,
	    uint32_t len);

/** lb_check_l4: is the header whole, @room bytes of it in the first segment? 0 or the counter. */
static __rte_always_inline int
lb_check_l4(uint8_t proto, const void *l4, uint32_t room, uint32_t len)
{
	if (proto == IPPROTO_UDP) {
		const struct rte_udp_hdr *udp = l4;
		uint32_t dgram_len;

		if (unlikely(room < sizeof(*udp)))
			return CONN_STAT_SHORT_L4;
		dgram_len = rte_be_to_cpu_16(udp->dgram_len);
		if (unlikely(dgram_len < sizeof(*udp) || dgram_len > len))
			return CONN_STAT_BAD_L4;
	} else {
		if (unlikely(room < sizeof(struct rte_tcp_hdr)))
			return CONN_STAT_SHORT_L4;
		if (unlikely(!tcp_check(l4, room)))
			return CONN_STAT_BAD_L4;
	}
	return 0;
}

/**
 * lb_hit: a packet of connection @ref. Returns an edge, or LB_NEXT_COUNT: the connection has ended, the
 * packet has none.
 */
static __rte_always_inline unsigned int
lb_hit(struct conn_worker *w, uint32_t ref, struct rte_mbuf *m, struct pkt_meta *meta, const void *l4)
{
	struct conn *c = &w->table.conns[ref >> 1];
	struct dest_lcore *dl = &dest_lcores[w->index][c->dest];
	uint32_t len = m->pkt_len - m->l3_len, room = m->data_len - m->l3_len;
	unsigned int dir = ref & 1;
	int bad = lb_check_l4(c->proto, l4, room, len);

	if (unlikely(bad != 0))
		return lb_drop((enum conn_stat)bad);
	if (c->proto == IPPROTO_TCP) {
		const struct rte_tcp_hdr *tcp = l4;

		if (unlikely(c->state != DPVS_CONN_ESTABLISHED || !tcp_is_plain(tcp->tcp_flags))) {
			if (!lb_tcp(w, c, dir, tcp, len))
				return LB_NEXT_COUNT;
		}
	}
	if (unlikely(dl->generation != c->dest_gen))
		return lb_drop(CONN_STAT_DEST_GONE);
	conn_count(w, c, dl, dir, m->pkt_len);
	meta->lb[0] = ref;
	return lb_next_of[c->fwd & 7];
}

/** struct lb_vector: how far the packets of a node call went the same way. */
struct lb_vector {
	uint16_t seen;
	uint8_t edge; /**< of the first ones */
	bool split;   /**< they did not all go the same way */
};

/** lb_enqueue: sends object @v->seen on; nothing is moved while all go the same way. */
static __rte_always_inline void
lb_enqueue(struct rte_graph *graph, struct rte_node *node, void **objs, struct lb_vector *v,
	   unsigned int edge)
{
	uint16_t i = v->seen++;

	if (unlikely(i == 0))
		v->edge = (uint8_t)edge;
	if (likely(!v->split)) {
		if (likely(edge == v->edge))
			return;
		v->split = true;
		rte_node_enqueue(graph, node, v->edge, objs, i);
	}
	rte_node_enqueue_x1(graph, node, (rte_edge_t)edge, objs[i]);
}

/** lb_vector_end: after the last object of the call. */
static inline void
lb_vector_end(struct rte_graph *graph, struct rte_node *node, struct lb_vector *v)
{
	if (!v->split && v->seen > 0)
		rte_node_next_stream_move(graph, node, v->edge);
}

#endif
