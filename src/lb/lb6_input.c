/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Node lb6_input: finds the connection of IPv6 packets, a vector at a time; see lb_input.h.
 */
#include <rte_ip.h>

#include "lb/conn_find.h"
#include "lb/lb_input.h"
#include "lb/proto/icmp.h"

/* Ports are all that the look-up needs; headers are checked when the packet turns out to be ours. */
#define PORTS_SIZE 4

static __rte_noinline unsigned int
lb6_miss(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta, const struct conn_key6 *key,
	 uint64_t hash)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	const char *l4 = (const char *)ip + m->l3_len;
	struct flow flow = {
		.af = AF_INET6,
		.proto = meta->proto,
	};
	uint32_t ref;
	unsigned int next;

	memcpy(&flow.client, &ip->src_addr, sizeof(flow.client));
	memcpy(&flow.vip, &ip->dst_addr, sizeof(flow.vip));
	memcpy(&flow.client_port, l4, sizeof(flow.client_port));
	memcpy(&flow.vip_port, l4 + 2, sizeof(flow.vip_port));
	/* At most twice: a SYN may end an old connection and then has none. */
	for (int i = 0; i < 2; i++) {
		ref = conn_chain6(&w->table, hash, key);
		if (ref == CONN_NONE) {
			next = lb_miss(w, m, meta, &flow, l4, &ref);
			if (next != LB_NEXT_COUNT)
				return next;
		}
		next = lb_hit(w, ref, m, meta, l4);
		if (next != LB_NEXT_COUNT)
			return next;
	}
	return lb_drop(CONN_STAT_BAD_L4);
}

static uint16_t
lb6_input(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct conn_worker *w = conn_self();
	struct lb_vector vector = { 0 };

	for (uint16_t start = 0; start < n; start += CONN_BULK) {
		unsigned int count = RTE_MIN((unsigned int)(n - start), (unsigned int)CONN_BULK);
		struct rte_mbuf **pkts = (struct rte_mbuf **)&objs[start];
		struct conn_key6 keys[CONN_BULK];
		uint64_t hash[CONN_BULK];
		uint32_t refs[CONN_BULK];
		uint32_t moves;

		for (unsigned int i = 0; i < count; i++) {
			struct rte_mbuf *m = pkts[i];
			const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
			uint8_t proto = pkt_meta(m)->proto;

			if (unlikely((proto != IPPROTO_TCP && proto != IPPROTO_UDP) ||
				     m->data_len < m->l3_len + PORTS_SIZE))
				keys[i] = (struct conn_key6){ 0 };
			else
				keys[i] = conn_key6(&ip->src_addr, (const char *)ip + m->l3_len, proto);
			hash[i] = conn_want6(&w->table, &keys[i]);
		}
		for (unsigned int i = 0; i < count; i++)
			refs[i] = conn_candidate6(&w->table, hash[i]);
		moves = w->table.moves;

		for (unsigned int i = 0; i < count; i++) {
			struct rte_mbuf *m = pkts[i];
			struct pkt_meta *meta = pkt_meta(m);
			const char *l4 = rte_pktmbuf_mtod(m, const char *) + m->l3_len;
			unsigned int next;
			uint32_t ref;

			if (unlikely(keys[i].rest == 0)) {
				next = lb_icmp6(w, m, meta);
				lb_enqueue(graph, node, objs, &vector, next);
				continue;
			}
			/* A candidate is stale when an entry has left since. */
			ref = CONN_NONE;
			if (likely(refs[i] != CONN_NONE && moves == w->table.moves))
				ref = conn_found6(&w->table, refs[i], hash[i], &keys[i]);
			if (unlikely(ref == CONN_NONE)) {
				next = lb6_miss(w, m, meta, &keys[i], hash[i]);
			} else {
				next = lb_hit(w, ref, m, meta, l4);
				if (unlikely(next == LB_NEXT_COUNT))
					next = lb6_miss(w, m, meta, &keys[i], hash[i]);
			}
			lb_enqueue(graph, node, objs, &vector, next);
		}
	}
	lb_vector_end(graph, node, &vector);
	return n;
}

struct rte_node_register lb6_input_node = {
	.name = "lb6_input",
	.process = lb6_input,
	.nb_edges = LB_NEXT_COUNT,
	.next_nodes = {
		[LB_NEXT_FNAT] = "xmit_fnat6",
		[LB_NEXT_NAT] = "xmit_nat6",
		[LB_NEXT_DR] = "xmit_dr6",
		[LB_NEXT_ROUTE] = "ip6_route",
		[LB_NEXT_HANDOVER] = "handover",
		[LB_NEXT_ERROR] = "icmp6_error",
		[LB_NEXT_NEIGH] = "neigh_output",
		[LB_NEXT_OUTPUT] = "ip6_output",
		[LB_NEXT_DROP] = "drop",
	},
};
