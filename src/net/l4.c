/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Upper-layer checksums: see l4.h.
 */
#include "net/l4.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "net/mbuf.h"

uint16_t
l4_sum(const struct rte_mbuf *m, uint8_t af, uint8_t proto)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t len = m->pkt_len - m->l3_len;
	uint32_t sum;

	/* Both addresses, which stand side by side. */
	if (af == AF_INET)
		sum = rte_raw_cksum(ip + offsetof(struct rte_ipv4_hdr, src_addr), 8);
	else
		sum = rte_raw_cksum(ip + offsetof(struct rte_ipv6_hdr, src_addr), 32);
	sum += rte_cpu_to_be_16(proto);
	sum += rte_cpu_to_be_16((uint16_t)len);
	sum += rte_cpu_to_be_16((uint16_t)(len >> 16));
	return mbuf_sum(m, m->l3_len, len, sum);
}

bool
l4_sum_ok(const struct rte_mbuf *m, uint8_t af, uint8_t proto)
{
	uint64_t csum = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (proto == IPPROTO_UDP && af == AF_INET) {
		const struct rte_udp_hdr *udp =
			rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, m->l3_len);

		if (udp->dgram_cksum == 0)
			return true;
	}
	if (csum == RTE_MBUF_F_RX_L4_CKSUM_GOOD && proto != IPPROTO_ICMPV6)
		return true;
	return l4_sum(m, af, proto) == 0xffff;
}
