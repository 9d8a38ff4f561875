/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node ip4_input: every IPv4 packet from a wire is checked here, once, so that nobody behind has to
 * (RFC 791, 1122 3.2.1, 1812 5.2.2, 5.3.7).
 */
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "core/graph.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "net/addr.h"
#include "net/ipv4.h"
#include "net/mbuf.h"
#include "net/node.h"

enum {
	IP4_INPUT_NEXT_DROP,
	IP4_INPUT_NEXT_LB,
	IP4_INPUT_NEXT_REASS,
	IP4_INPUT_NEXT_COUNT,
};

/** Options (RFC 791 3.1). */
enum {
	IP4_OPTION_END = 0,
	IP4_OPTION_NOP = 1,
	IP4_OPTION_LSRR = 131,
	IP4_OPTION_SSRR = 137,
};

static uint16_t
ip4_input_drop(unsigned int stat)
{
	stats_inc(&ip4_stats_block, stat);
	return IP4_INPUT_NEXT_DROP;
}

/** ip4_input_options: walks the options; source-routed packets are refused (RFC 7126 4.3, 4.4). */
static int
ip4_input_options(const uint8_t *opt, const uint8_t *end)
{
	while (opt < end) {
		if (*opt == IP4_OPTION_END)
			return -1;
		if (*opt == IP4_OPTION_NOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			return IP4_STAT_BAD_OPTION;
		if (*opt == IP4_OPTION_LSRR || *opt == IP4_OPTION_SSRR)
			return IP4_STAT_SOURCE_ROUTE;
		opt += opt[1];
	}
	return -1;
}

/** ip4_input_odd: what the fast path did not like; most of it is dropped. */
static __rte_noinline uint16_t
ip4_input_odd(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	uint64_t csum = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	union ip_addr src;
	union ip_addr dst;
	uint16_t total;
	uint16_t hlen;
	int stat;

	if (m->data_len < sizeof(*ip))
		return ip4_input_drop(IP4_STAT_SHORT);
	if (ip->version_ihl >> 4 != 4)
		return ip4_input_drop(IP4_STAT_BAD_VERSION);
	hlen = ip4_header_len(ip);
	if (hlen < sizeof(*ip) || hlen > m->data_len)
		return ip4_input_drop(IP4_STAT_BAD_HEADER_LENGTH);
	total = rte_be_to_cpu_16(ip->total_length);
	if (total < hlen || total > m->pkt_len)
		return ip4_input_drop(IP4_STAT_BAD_LENGTH);
	if (csum == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
	    (csum != RTE_MBUF_F_RX_IP_CKSUM_GOOD && rte_raw_cksum(ip, hlen) != 0xffff))
		return ip4_input_drop(IP4_STAT_BAD_CHECKSUM);

	src = addr_from4(ip->src_addr);
	dst = addr_from4(ip->dst_addr);
	if (!addr_is_host(AF_INET, &src))
		return ip4_input_drop(IP4_STAT_MARTIAN_SOURCE);
	if (addr_is_multicast(AF_INET, &dst))
		return ip4_input_drop(IP4_STAT_MULTICAST);
	if (dst.ip4 == UINT32_MAX)
		return ip4_input_drop(IP4_STAT_BROADCAST);
	if (!addr_is_host(AF_INET, &dst))
		return ip4_input_drop(IP4_STAT_MARTIAN_DESTINATION);

	if (hlen > sizeof(*ip)) {
		stat = ip4_input_options((const uint8_t *)(ip + 1), (const uint8_t *)ip + hlen);
		if (stat >= 0)
			return ip4_input_drop((unsigned int)stat);
	}

	if (m->pkt_len > total)
		mbuf_cut(m, total);
	m->tx_offload = rte_mbuf_tx_offload(sizeof(struct rte_ether_hdr), hlen, 0, 0, 0, 0, 0);
	meta->af = AF_INET;
	meta->proto = ip->next_proto_id;
	meta->frag_size = 0;
	if (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return IP4_INPUT_NEXT_REASS;
	return IP4_INPUT_NEXT_LB;
}

/** ip4_sum: the sum of a header of 20 bytes, 0xffff when it is right. */
static __rte_always_inline uint16_t
ip4_sum(const struct rte_ipv4_hdr *ip)
{
	uint64_t sum = 0;
	uint32_t word[5];

	memcpy(word, ip, sizeof(word));
	for (unsigned int i = 0; i < RTE_DIM(word); i++)
		sum += word[i];
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/** ip4_first_host: can an address with this first byte be a host's? 1 to 126 and 128 to 223. */
static __rte_always_inline bool
ip4_first_host(rte_be32_t addr)
{
	uint8_t first = *(const uint8_t *)&addr;

	return (uint8_t)(first - 1) < 223 && first != 127;
}

/** ip4_input_one: lets ordinary packets pass; whatever is not ordinary is looked at again from the start. */
static __rte_always_inline uint16_t
ip4_input_one(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t len = m->data_len;
	uint16_t total;
	bool fine;

	if (unlikely(len < sizeof(*ip)))
		return ip4_input_odd(m);
	total = rte_be_to_cpu_16(ip->total_length);
	fine = (ip->version_ihl == 0x45) & (total >= sizeof(*ip)) & (total <= len) & (m->nb_segs == 1) &
	       ((ip->fragment_offset & rte_cpu_to_be_16((uint16_t)~RTE_IPV4_HDR_DF_FLAG)) == 0) &
	       (int)ip4_first_host(ip->src_addr) & (int)ip4_first_host(ip->dst_addr) &
	       ((m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) != RTE_MBUF_F_RX_IP_CKSUM_BAD) &
	       (int)(ip4_sum(ip) == 0xffff);
	if (unlikely(!fine))
		return ip4_input_odd(m);

	m->data_len = total;
	m->pkt_len = total;
	m->tx_offload = rte_mbuf_tx_offload(sizeof(struct rte_ether_hdr), sizeof(*ip), 0, 0, 0, 0, 0);
	meta->af = AF_INET;
	meta->proto = ip->next_proto_id;
	meta->frag_size = 0;
	return IP4_INPUT_NEXT_LB;
}

static uint16_t
ip4_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, ip4_input_one, IP4_INPUT_NEXT_LB);
}

struct rte_node_register ip4_input_node = {
	.name = "ip4_input",
	.process = ip4_input_process,
	.nb_edges = IP4_INPUT_NEXT_COUNT,
	.next_nodes = {
		[IP4_INPUT_NEXT_DROP] = "drop",
		[IP4_INPUT_NEXT_LB] = "lb4_input",
		[IP4_INPUT_NEXT_REASS] = "ip4_reass",
	},
};
