/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes ip4_frag and ip6_frag: a packet that is longer than the path takes leaves in fragments. They
 * are copies in one segment each, so that any port can send them, and so that no fragment shares memory
 * with another. (rte_ip_frag makes indirect buffers, gives IPv6 fragments the identification 0 and does not
 * know extension headers.)
 */
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_random.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "core/graph.h"
#include "core/lcore.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "net/frag.h"
#include "net/ipv4.h"
#include "net/l4.h"
#include "net/node.h"

/** Fragments of a packet: 65,535 bytes for an MTU of 296, the smallest that anybody still has. */
#define FRAG_OUT_MAX 256

enum {
	FRAG_OUT_NEXT_DROP,
	FRAG_OUT_NEXT_NEIGH,
	FRAG_OUT_NEXT_COUNT,
};

/** struct frag_plan: what all fragments of a packet have in common. */
struct frag_plan {
	struct rte_mbuf *out[FRAG_OUT_MAX];
	uint32_t hdr_len;  /**< of the packet: what is not cut into fragments */
	uint32_t unit;     /**< payload of each fragment but the last, a multiple of 8 */
	uint32_t payload;
	uint32_t count;
};

static uint32_t ident6[WORKERS_MAX]; /**< of each worker; its own after frag_out_init() */

void
frag_out_init(void)
{
	for (unsigned int w = 0; w < WORKERS_MAX; w++)
		ident6[w] = (uint32_t)rte_rand();
}

/** frag_limit: longest fragment: what the path takes, and not more than the datagram came in. */
static uint32_t
frag_limit(const struct pkt_meta *meta)
{
	uint32_t room = rte_pktmbuf_data_room_size(graph_pool()) - RTE_PKTMBUF_HEADROOM;
	uint32_t limit = meta->mtu;

	if (meta->frag_size != 0 && meta->frag_size < limit)
		limit = meta->frag_size;
	return limit < room ? limit : room;
}

/** frag_settle_checksum: no port can compute the checksum of a whole from fragments. */
static void
frag_settle_checksum(struct rte_mbuf *m, uint8_t af)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	struct rte_tcp_hdr *tcp;
	struct rte_udp_hdr *udp;

	m->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4 |
			 RTE_MBUF_F_TX_IPV6);
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM) {
		tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, m->l3_len);
		tcp->cksum = 0;
		tcp->cksum = (rte_be16_t)~l4_sum(m, af, IPPROTO_TCP);
	} else if (l4 == RTE_MBUF_F_TX_UDP_CKSUM) {
		udp = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, m->l3_len);
		udp->dgram_cksum = 0;
		udp->dgram_cksum = (rte_be16_t)~l4_sum(m, af, IPPROTO_UDP);
		if (udp->dgram_cksum == 0) /* which would mean: none */
			udp->dgram_cksum = UINT16_MAX;
	}
}

/** frag_plan: how many fragments; takes their buffers. Returns false, counted, when it cannot be. */
static bool
frag_plan(const struct rte_mbuf *m, uint32_t hdr_len, uint32_t overhead, uint32_t limit,
	  struct frag_plan *plan)
{
	plan->hdr_len = hdr_len;
	plan->payload = m->pkt_len - hdr_len;
	plan->unit = limit > hdr_len + overhead ? (limit - hdr_len - overhead) & ~7u : 0;
	plan->count = plan->unit > 0 ? (plan->payload + plan->unit - 1) / plan->unit : FRAG_OUT_MAX + 1;
	if (plan->count > FRAG_OUT_MAX) {
		stats_inc(&frag_stats_block, FRAG_STAT_OUT_TOO_MANY);
		return false;
	}
	if (rte_pktmbuf_alloc_bulk(graph_pool(), plan->out, plan->count) != 0) {
		stats_inc(&frag_stats_block, FRAG_STAT_OUT_NO_MBUF);
		return false;
	}
	return true;
}

/** frag_fill: makes fragment @i: room for a header of @hdr_len bytes, then its part of the payload. */
static uint8_t *
frag_fill(struct frag_plan *plan, uint32_t i, struct rte_mbuf *m, uint32_t hdr_len)
{
	struct rte_mbuf *out = plan->out[i];
	uint32_t at = i * plan->unit;
	uint32_t len = plan->payload - at < plan->unit ? plan->payload - at : plan->unit;
	uint8_t *hdr = (uint8_t *)rte_pktmbuf_append(out, (uint16_t)(hdr_len + len));
	const void *data = rte_pktmbuf_read(m, plan->hdr_len + at, len, hdr + hdr_len);

	if (data != hdr + hdr_len)
		memcpy(hdr + hdr_len, data, len);
	*pkt_meta(out) = *pkt_meta(m);
	out->port = m->port;
	out->l2_len = sizeof(struct rte_ether_hdr);
	out->l3_len = hdr_len;
	return hdr;
}

static void
frag_send(struct rte_graph *graph, struct rte_node *node, struct frag_plan *plan, struct rte_mbuf *m)
{
	for (uint32_t i = 0; i < plan->count; i++)
		rte_node_enqueue_x1(graph, node, FRAG_OUT_NEXT_NEIGH, plan->out[i]);
	stats_inc(&frag_stats_block, FRAG_STAT_FRAGMENTED);
	stats_add(&frag_stats_block, FRAG_STAT_SENT, plan->count);
	rte_pktmbuf_free(m);
}

/** ip4_frag_options: the header of all fragments but the first: only options with the copy bit. */
static uint32_t
ip4_frag_header(const struct rte_ipv4_hdr *ip, uint8_t *hdr)
{
	const uint8_t *opt = (const uint8_t *)(ip + 1);
	const uint8_t *end = (const uint8_t *)ip + ip4_header_len(ip);
	uint32_t len = sizeof(*ip);

	memcpy(hdr, ip, sizeof(*ip));
	while (opt < end && *opt != 0) { /* ip4_input has checked them */
		uint32_t size = *opt == 1 ? 1 : opt[1];

		if (*opt & 0x80) {
			memcpy(hdr + len, opt, size);
			len += size;
		}
		opt += size;
	}
	while (len % 4 != 0)
		hdr[len++] = 0;
	hdr[0] = (uint8_t)(0x40 | len / 4);
	return len;
}

static uint16_t
ip4_frag_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	struct frag_plan plan;

	for (uint16_t p = 0; p < count; p++) {
		struct rte_mbuf *m = objs[p];
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
		uint16_t flags = rte_be_to_cpu_16(ip->fragment_offset) & RTE_IPV4_HDR_DF_FLAG;
		uint8_t later[60];
		uint32_t later_len = ip4_frag_header(ip, later);
		uint32_t first_len = ip4_header_len(ip);

		frag_settle_checksum(m, AF_INET);
		if (!frag_plan(m, first_len, 0, frag_limit(pkt_meta(m)), &plan)) {
			rte_node_enqueue_x1(graph, node, FRAG_OUT_NEXT_DROP, m);
			continue;
		}
		for (uint32_t i = 0; i < plan.count; i++) {
			uint32_t hdr_len = i == 0 ? first_len : later_len;
			uint8_t *hdr = frag_fill(&plan, i, m, hdr_len);
			struct rte_ipv4_hdr *out = (struct rte_ipv4_hdr *)hdr;
			uint16_t more = i + 1 < plan.count ? RTE_IPV4_HDR_MF_FLAG : 0;

			memcpy(hdr, i == 0 ? (const uint8_t *)ip : later, hdr_len);
			out->total_length = rte_cpu_to_be_16((uint16_t)plan.out[i]->pkt_len);
			out->fragment_offset =
				rte_cpu_to_be_16((uint16_t)(flags | more | i * plan.unit / 8));
			ip4_set_checksum(out);
		}
		frag_send(graph, node, &plan, m);
	}
	return count;
}

/** ip6_frag_unfragmentable: headers that each fragment repeats: to the routing or hop-by-hop header. */
static uint32_t
ip6_frag_unfragmentable(const struct rte_mbuf *m, uint32_t *ret_nh_field)
{
	const uint8_t *hdr = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t at = sizeof(struct rte_ipv6_hdr);
	uint8_t proto = hdr[offsetof(struct rte_ipv6_hdr, proto)];
	uint32_t len = at;

	*ret_nh_field = offsetof(struct rte_ipv6_hdr, proto);
	/* ip6_input has checked them up to l3_len. */
	while (at < m->l3_len &&
	       (proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS)) {
		uint32_t size = 8u * (hdr[at + 1] + 1u);

		if (proto != IPPROTO_DSTOPTS) {
			len = at + size;
			*ret_nh_field = at;
		}
		proto = hdr[at];
		at += size;
	}
	return len;
}

static uint16_t
ip6_frag_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	unsigned int worker = lcore_me()->worker;
	struct frag_plan plan;

	for (uint16_t p = 0; p < count; p++) {
		struct rte_mbuf *m = objs[p];
		const uint8_t *in = rte_pktmbuf_mtod(m, const uint8_t *);
		uint32_t nh_field;
		uint32_t hdr_len = ip6_frag_unfragmentable(m, &nh_field);
		rte_be32_t id;

		frag_settle_checksum(m, AF_INET6);
		if (!frag_plan(m, hdr_len, 8, frag_limit(pkt_meta(m)), &plan)) {
			rte_node_enqueue_x1(graph, node, FRAG_OUT_NEXT_DROP, m);
			continue;
		}
		/* No two workers use the same number. */
		id = rte_cpu_to_be_32(ident6[worker]++ * lcore_worker_count() + worker);
		for (uint32_t i = 0; i < plan.count; i++) {
			uint8_t *hdr = frag_fill(&plan, i, m, hdr_len + 8);
			struct rte_ipv6_hdr *out = (struct rte_ipv6_hdr *)hdr;
			rte_be16_t offset =
				rte_cpu_to_be_16((uint16_t)(i * plan.unit | (i + 1 < plan.count ? 1 : 0)));

			memcpy(hdr, in, hdr_len);
			hdr[hdr_len] = hdr[nh_field];
			hdr[nh_field] = IPPROTO_FRAGMENT;
			hdr[hdr_len + 1] = 0;
			memcpy(&hdr[hdr_len + 2], &offset, sizeof(offset));
			memcpy(&hdr[hdr_len + 4], &id, sizeof(id));
			out->payload_len = rte_cpu_to_be_16((uint16_t)(plan.out[i]->pkt_len - sizeof(*out)));
		}
		frag_send(graph, node, &plan, m);
	}
	return count;
}

struct rte_node_register ip4_frag_node = {
	.name = "ip4_frag",
	.process = ip4_frag_process,
	.nb_edges = FRAG_OUT_NEXT_COUNT,
	.next_nodes = {
		[FRAG_OUT_NEXT_DROP] = "drop",
		[FRAG_OUT_NEXT_NEIGH] = "neigh_output",
	},
};

struct rte_node_register ip6_frag_node = {
	.name = "ip6_frag",
	.process = ip6_frag_process,
	.nb_edges = FRAG_OUT_NEXT_COUNT,
	.next_nodes = {
		[FRAG_OUT_NEXT_DROP] = "drop",
		[FRAG_OUT_NEXT_NEIGH] = "neigh_output",
	},
};
