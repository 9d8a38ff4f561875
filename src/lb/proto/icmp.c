/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translates ICMP errors (RFC 792, 1812, 4443; RFC 5508 for what a translator does with them).
 *
 * An error quotes a packet as we sent it. Read backwards, the quoted addresses and ports are those of a
 * packet that the receiver could have sent us, so the same key finds the connection, and its direction is
 * the one in which the error has to go on. The quoted packet becomes what its sender had sent; checksums
 * in it follow by difference, the error's own is checked before and made anew.
 */
#include "lb/proto/icmp.h"

#include <netinet/in.h>

#include <rte_ip.h>

#include "lb/lb_input.h"
#include "lb/xmit/xmit.h"

/* Of a header of either ICMP, and what an error quotes of TCP or UDP at least. */
#define ICMP_HEADER 8
#define QUOTED_L4 8

enum {
	ICMP4_UNREACH = 3,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP6_UNREACH = 1,
	ICMP6_PARAMETER = 4,
};

/* Extension headers that a quoted packet may have before TCP or UDP. */
#define QUOTED_HEADERS 8

static uint8_t
lb_next_of_xmit(unsigned int next)
{
	switch (next) {
	case XMIT_NEXT_NEIGH:
		return LB_NEXT_NEIGH;
	case XMIT_NEXT_OUTPUT:
		return LB_NEXT_OUTPUT;
	default:
		return LB_NEXT_ERROR;
	}
}

/* The quoted header @l4, of which @room bytes are there, as the end sent it that the error goes to. */
static void
quoted_l4(const struct conn *c, unsigned int dir, char *l4, uint32_t room)
{
	uint16_t delta = dir == CONN_IN ? c->l4_delta : (uint16_t)~c->l4_delta;

	memcpy(l4, &c->tuple[!dir].sport, 4);
	if (c->proto == IPPROTO_UDP) {
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

		if (udp->dgram_cksum != 0) {
			udp->dgram_cksum = csum_apply(udp->dgram_cksum, delta);
			if (udp->dgram_cksum == 0)
				udp->dgram_cksum = UINT16_MAX;
		}
	} else {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;
		bool has_csum = room >= offsetof(struct rte_tcp_hdr, tcp_urp);
		rte_be32_t seq = tcp->sent_seq;

		if ((c->flags & CONN_F_SEQ) != 0 && dir == CONN_OUT)
			tcp->sent_seq = rte_cpu_to_be_32(rte_be_to_cpu_32(seq) - c->seq_delta);
		if (has_csum)
			tcp->cksum = csum_change32(csum_apply(tcp->cksum, delta), seq, tcp->sent_seq);
	}
}

static void
count(struct conn_worker *w, struct conn *c, unsigned int dir, uint32_t len)
{
	struct dest_lcore *dl = &dest_lcores[w->index][c->dest];

	c->pkts[dir]++;
	c->bytes[dir] += len;
	if (dir == CONN_IN) {
		dl->in_pkts++;
		dl->in_bytes += len;
	} else {
		dl->out_pkts++;
		dl->out_bytes += len;
	}
	stats_inc(&conn_stats, CONN_STAT_ICMP_ERROR);
}

/* An error about a packet of no connection here: whose is it? */
static unsigned int
icmp_miss(struct conn_worker *w, struct pkt_meta *meta, const struct flow *flow)
{
	const struct service *svc;
	int owner = lb_steer(flow, &svc);

	if (owner < 0 || (uint32_t)owner == w->index)
		return LB_NEXT_ROUTE;
	return lb_handover(meta, (unsigned int)owner, flow->af);
}

unsigned int
lb_icmp4(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *), *quoted;
	char *icmp = (char *)ip + m->l3_len, *l4;
	uint32_t room, hlen, ref, len = m->pkt_len - m->l3_len;
	struct flow flow = { .af = AF_INET };
	uint64_t before, ends;
	struct conn_key4 key;
	unsigned int dir, next;
	struct conn *c;
	uint16_t sum;

	if (ip->next_proto_id != IPPROTO_ICMP ||
	    m->data_len < m->l3_len + ICMP_HEADER + sizeof(*quoted) + QUOTED_L4)
		return LB_NEXT_ROUTE;
	if (icmp[0] != ICMP4_UNREACH && icmp[0] != ICMP4_TIME_EXCEEDED && icmp[0] != ICMP4_PARAMETER)
		return LB_NEXT_ROUTE;
	quoted = (struct rte_ipv4_hdr *)(icmp + ICMP_HEADER);
	hlen = rte_ipv4_hdr_len(quoted);
	room = m->data_len - m->l3_len - ICMP_HEADER;
	if (quoted->version_ihl >> 4 != 4 || hlen < sizeof(*quoted) || hlen + QUOTED_L4 > room ||
	    (quoted->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0 ||
	    (quoted->next_proto_id != IPPROTO_TCP && quoted->next_proto_id != IPPROTO_UDP))
		return LB_NEXT_ROUTE;
	l4 = (char *)quoted + hlen;

	flow.proto = quoted->next_proto_id;
	flow.client.ip4 = quoted->dst_addr;
	flow.vip.ip4 = quoted->src_addr;
	memcpy(&flow.client_port, l4 + 2, 2);
	memcpy(&flow.vip_port, l4, 2);
	key.addrs = flow.client.ip4 | (uint64_t)flow.vip.ip4 << 32;
	key.rest = flow.client_port | (uint32_t)flow.vip_port << 16 | (uint64_t)flow.proto << 32;
	ref = conn_find4(&w->table, &key);
	if (ref == CONN_NONE)
		return icmp_miss(w, meta, &flow);

	c = &w->table.conns[ref >> 1];
	dir = ref & 1;
	if (!dest_is_there(c->dest, c->dest_gen))
		return lb_drop(CONN_STAT_DEST_GONE);
	if (rte_raw_cksum_mbuf(m, m->l3_len, len, &sum) != 0 || sum != UINT16_MAX)
		return lb_drop(CONN_STAT_BAD_ICMP);
	if (ip->time_to_live <= 1)
		return lb_next_of_xmit(xmit_ttl_ended(meta, AF_INET));
	next = xmit_way(&w->table, c, dir, m, meta, AF_INET);
	if (next == XMIT_NEXT_ERROR)
		return LB_NEXT_ERROR;

	count(w, c, dir, m->pkt_len);
	if (c->fwd == DPVS_FWD_DR) {
		xmit_hop4(ip, 0);
		return lb_next_of_xmit(next);
	}
	memcpy(&quoted->src_addr, &c->tuple[!dir].src, 8);
	quoted->hdr_checksum = csum_apply(quoted->hdr_checksum,
					  dir == CONN_IN ? c->l3_delta : (uint16_t)~c->l3_delta);
	quoted_l4(c, dir, l4, room - hlen);

	/* Who answers behind us is not shown to clients; to the server it comes from where it knows. */
	memcpy(&before, &ip->src_addr, sizeof(before));
	ip->dst_addr = c->tuple[!dir].src;
	if (dir == CONN_OUT || c->fwd == DPVS_FWD_FULLNAT)
		ip->src_addr = c->tuple[!dir].dst;
	memcpy(&ends, &ip->src_addr, sizeof(ends));
	xmit_hop4(ip, csum_delta(csum_words(&before, 8), csum_words(&ends, 8)));

	memset(icmp + 2, 0, 2);
	(void)rte_raw_cksum_mbuf(m, m->l3_len, len, &sum);
	sum = (uint16_t)~sum;
	memcpy(icmp + 2, &sum, 2);
	return lb_next_of_xmit(next);
}

/* The offset of TCP or UDP in the quoted packet, 0: there is none. */
static uint32_t
quoted6_l4(const struct rte_ipv6_hdr *quoted, uint32_t room, uint8_t *ret_proto)
{
	uint32_t at = sizeof(*quoted);
	uint8_t proto = quoted->proto;

	for (unsigned int i = 0; i < QUOTED_HEADERS && at + QUOTED_L4 <= room; i++) {
		const uint8_t *p = (const uint8_t *)quoted + at;
		uint16_t frag;

		switch (proto) {
		case IPPROTO_TCP:
		case IPPROTO_UDP:
			*ret_proto = proto;
			return at;
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			proto = p[0];
			at += ((uint32_t)p[1] + 1) * 8;
			break;
		case IPPROTO_FRAGMENT:
			memcpy(&frag, p + 2, sizeof(frag));
			if ((frag & rte_cpu_to_be_16(0xfff8)) != 0)
				return 0;
			proto = p[0];
			at += 8;
			break;
		default:
			return 0;
		}
	}
	return 0;
}

/* Sum of the pseudo header of an ICMPv6 packet of @len bytes. */
static uint64_t
pseudo6(const struct rte_ipv6_hdr *ip, uint32_t len)
{
	const char *addrs = (const char *)ip + offsetof(struct rte_ipv6_hdr, src_addr);

	return csum_words(addrs, 32) + rte_cpu_to_be_32(len) +
	       rte_cpu_to_be_32((uint32_t)IPPROTO_ICMPV6);
}

unsigned int
lb_icmp6(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta)
{
	struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *), *quoted;
	char *icmp = (char *)ip + m->l3_len, *l4;
	uint32_t room, at, ref, len = m->pkt_len - m->l3_len;
	const struct conn_addrs6 *a;
	struct flow flow = { .af = AF_INET6 };
	struct conn_key6 key;
	unsigned int dir, next;
	struct conn *c;
	uint16_t sum;

	if (meta->proto != IPPROTO_ICMPV6 ||
	    m->data_len < m->l3_len + ICMP_HEADER + sizeof(*quoted) + QUOTED_L4)
		return LB_NEXT_ROUTE;
	if (icmp[0] < ICMP6_UNREACH || icmp[0] > ICMP6_PARAMETER)
		return LB_NEXT_ROUTE;
	quoted = (struct rte_ipv6_hdr *)(icmp + ICMP_HEADER);
	room = m->data_len - m->l3_len - ICMP_HEADER;
	at = quoted6_l4(quoted, room, &flow.proto);
	if (at == 0)
		return LB_NEXT_ROUTE;
	l4 = (char *)quoted + at;

	memcpy(&flow.client, &quoted->dst_addr, sizeof(flow.client));
	memcpy(&flow.vip, &quoted->src_addr, sizeof(flow.vip));
	memcpy(&flow.client_port, l4 + 2, 2);
	memcpy(&flow.vip_port, l4, 2);
	key.src = flow.client;
	key.dst = flow.vip;
	key.rest = flow.client_port | (uint32_t)flow.vip_port << 16 | (uint64_t)flow.proto << 32;
	ref = conn_find6(&w->table, &key);
	if (ref == CONN_NONE)
		return icmp_miss(w, meta, &flow);

	c = &w->table.conns[ref >> 1];
	dir = ref & 1;
	if (!dest_is_there(c->dest, c->dest_gen))
		return lb_drop(CONN_STAT_DEST_GONE);
	if (rte_raw_cksum_mbuf(m, m->l3_len, len, &sum) != 0 ||
	    csum_fold(sum + pseudo6(ip, len)) != UINT16_MAX)
		return lb_drop(CONN_STAT_BAD_ICMP);
	if (ip->hop_limits <= 1)
		return lb_next_of_xmit(xmit_ttl_ended(meta, AF_INET6));
	next = xmit_way(&w->table, c, dir, m, meta, AF_INET6);
	if (next == XMIT_NEXT_ERROR)
		return LB_NEXT_ERROR;

	count(w, c, dir, m->pkt_len);
	ip->hop_limits--;
	if (c->fwd == DPVS_FWD_DR)
		return lb_next_of_xmit(next);
	a = conn_addrs6(&w->table, c);
	memcpy((char *)quoted + offsetof(struct rte_ipv6_hdr, src_addr), &a->dir[!dir], 32);
	quoted_l4(c, dir, l4, room - at);

	memcpy(&ip->dst_addr, &a->dir[!dir].src, sizeof(ip->dst_addr));
	if (dir == CONN_OUT || c->fwd == DPVS_FWD_FULLNAT)
		memcpy(&ip->src_addr, &a->dir[!dir].dst, sizeof(ip->src_addr));

	memset(icmp + 2, 0, 2);
	(void)rte_raw_cksum_mbuf(m, m->l3_len, len, &sum);
	sum = (uint16_t)~csum_fold(sum + pseudo6(ip, len));
	memcpy(icmp + 2, &sum, 2);
	return lb_next_of_xmit(next);
}
