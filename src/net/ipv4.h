/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4: the nodes ip4_input, ip4_route, ip4_local, ip4_forward, ip4_route_out, ip4_output.
 *
 * Thread-safety: worker lcore.
 */
#ifndef NET_IPV4_H
#define NET_IPV4_H

#include <stdint.h>

#include <rte_graph.h>
#include <rte_ip.h>

struct module;
extern const struct module ipv4_module;
extern struct rte_node_register ip4_input_node;
extern struct stats_block ip4_stats_block;

/** Counters of the module, in the order of its table. */
enum {
	IP4_STAT_SHORT,
	IP4_STAT_BAD_VERSION,
	IP4_STAT_BAD_HEADER_LENGTH,
	IP4_STAT_BAD_LENGTH,
	IP4_STAT_BAD_CHECKSUM,
	IP4_STAT_MARTIAN_SOURCE,
	IP4_STAT_MARTIAN_DESTINATION,
	IP4_STAT_MULTICAST,
	IP4_STAT_BROADCAST,
	IP4_STAT_BAD_OPTION,
	IP4_STAT_SOURCE_ROUTE,
	IP4_STAT_NO_FORWARD,
	IP4_STAT_NO_LISTENER,
	IP4_STAT_BAD_L4,
	IP4_STAT_RESET_LIMITED,
	IP4_STAT_OUT_NO_ROUTE,
	IP4_STAT_OUT_LOCAL,
	IP4_STAT_OUT_NO_SOURCE,
	IP4_STAT_FORWARDED,
	IP4_STAT_NO_ROUTE,
	IP4_STAT_TTL_EXCEEDED,
	IP4_STAT_TOO_BIG,
	IP4_STAT_PORT_UNREACHABLE,
	IP4_STAT_PROTOCOL_UNREACHABLE,
	IP4_STAT_RESET,
};

/** ip4_header_len: of a header that ip4_input has checked. */
static inline uint16_t
ip4_header_len(const struct rte_ipv4_hdr *ip)
{
	return (uint16_t)((ip->version_ihl & 0x0f) * 4);
}

/** ip4_ttl_decrease: one hop less; the checksum follows (RFC 1624). */
static inline void
ip4_ttl_decrease(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = (uint32_t)ip->hdr_checksum + rte_cpu_to_be_16(0x0100);

	ip->hdr_checksum = (rte_be16_t)(sum + (sum >= 0xffff));
	ip->time_to_live--;
}

/** ip4_set_checksum: computes it in software, for a header of any length. */
static inline void
ip4_set_checksum(struct rte_ipv4_hdr *ip)
{
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (rte_be16_t)~rte_raw_cksum(ip, ip4_header_len(ip));
}

#endif
