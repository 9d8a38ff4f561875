/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP reset: see tcp_reset.h. It is made in place, without options and extension headers.
 */
#include "net/tcp_reset.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "core/pkt.h"
#include "net/addr.h"
#include "net/ipv4.h"
#include "net/l4.h"
#include "net/mbuf.h"

/** TTL and hop limit of what we originate (RFC 1700's 64). */
#define HOPS 64

enum tcp_reset_verdict
tcp_reset(struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	uint8_t *l3 = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t l3_len = m->l3_len;
	uint32_t hdr_len = meta->af == AF_INET ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	struct rte_tcp_hdr in;
	struct rte_tcp_hdr *out;
	uint32_t payload;

	if (m->data_len < l3_len + sizeof(in))
		return TCP_RESET_BAD;
	memcpy(&in, l3 + l3_len, sizeof(in));
	if ((in.data_off >> 4) * 4u < sizeof(in) || l3_len + (in.data_off >> 4) * 4u > m->pkt_len ||
	    !l4_sum_ok(m, meta->af, IPPROTO_TCP))
		return TCP_RESET_BAD;
	if (in.tcp_flags & RTE_TCP_RST_FLAG)
		return TCP_RESET_NONE;
	payload = m->pkt_len - l3_len - (in.data_off >> 4) * 4u;

	mbuf_cut(m, hdr_len + sizeof(*out));
	out = (struct rte_tcp_hdr *)(l3 + hdr_len);
	*out = (struct rte_tcp_hdr){
		.src_port = in.dst_port,
		.dst_port = in.src_port,
		.data_off = (sizeof(*out) / 4) << 4,
		.tcp_flags = RTE_TCP_RST_FLAG,
	};
	if (in.tcp_flags & RTE_TCP_ACK_FLAG) {
		out->sent_seq = in.recv_ack;
	} else {
		uint32_t seq = rte_be_to_cpu_32(in.sent_seq) + payload;

		seq += !!(in.tcp_flags & RTE_TCP_SYN_FLAG) + !!(in.tcp_flags & RTE_TCP_FIN_FLAG);
		out->recv_ack = rte_cpu_to_be_32(seq);
		out->tcp_flags |= RTE_TCP_ACK_FLAG;
	}

	if (meta->af == AF_INET) {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)l3;
		rte_be32_t src = ip->src_addr;

		ip->version_ihl = 0x45;
		ip->type_of_service = 0;
		ip->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
		ip->packet_id = 0;
		ip->fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
		ip->time_to_live = HOPS;
		ip->src_addr = ip->dst_addr;
		ip->dst_addr = src;
		ip4_set_checksum(ip);
		out->cksum = rte_ipv4_udptcp_cksum(ip, out);
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)l3;
		union ip_addr src = addr_from6(&ip->src_addr);

		ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
		ip->payload_len = rte_cpu_to_be_16(sizeof(*out));
		ip->proto = IPPROTO_TCP;
		ip->hop_limits = HOPS;
		memcpy(&ip->src_addr, &ip->dst_addr, sizeof(src));
		memcpy(&ip->dst_addr, &src, sizeof(src));
		out->cksum = rte_ipv6_udptcp_cksum(ip, out);
	}
	m->l3_len = hdr_len;
	m->ol_flags = 0;
	meta->flags &= (uint8_t)~PKT_F_FORWARD;
	meta->frag_size = 0;
	return TCP_RESET_MADE;
}
