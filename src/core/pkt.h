/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet carries from node to node: struct pkt_meta in the mbuf's private area, and the mbuf's own
 * l2_len and l3_len (IPv6: with extension headers). Between eth_input and neigh_output the mbuf's data
 * starts at the IP header.
 *
 * Thread-safety: the worker that has the packet.
 */
#ifndef PKT_H
#define PKT_H

#include <stdint.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

/** An IPv4 or IPv6 address as the data path keeps it; IPv4 leaves the rest zero. */
union ip_addr {
	rte_be32_t ip4;
	uint8_t ip6[16];
	uint32_t u32[4];
	uint64_t u64[2];
};

/** No neighbour known: neigh_output resolves pkt_meta.nexthop on pkt_meta.out_port. */
#define NEIGH_NONE UINT32_MAX

/** struct pkt_meta: each member is valid from the node that writes it on. */
struct pkt_meta {
	uint16_t in_port;   /**< port it came from (mbuf->port may be rewritten); eth_input */
	uint16_t out_port;  /**< route look-up or connection */
	uint32_t neigh;     /**< index for neigh_output, or NEIGH_NONE */
	union ip_addr nexthop; /**< gateway or destination on @out_port; valid when neigh is NEIGH_NONE */
	uint16_t mtu;       /**< of the way out; route look-up or connection */
	uint8_t af;         /**< AF_INET, AF_INET6; ip4_input, ip6_input */
	uint8_t proto;      /**< IPPROTO_* after extension headers; ip4_input, ip6_input */
	uint8_t flags;      /**< PKT_F_* */
	uint8_t icmp_type;  /**< for the nodes icmp4_error, icmp6_error: what to send back */
	uint8_t icmp_code;
	uint8_t target;     /**< HANDOVER_*: where another worker goes on */
	uint32_t icmp_info; /**< MTU of packet too big, host order */
	uint16_t worker;    /**< hand-over: to which worker */
	uint16_t frag_size; /**< largest fragment that a reassembled packet came in, L3 bytes; 0: not reassembled */
	uint32_t lb[2];     /**< private to src/lb between its nodes */
};

enum {
	PKT_F_HANDED = 1u << 0,    /**< came over a hand-over ring: must not be handed over again */
	PKT_F_FORWARD = 1u << 1,   /**< forwarded, not ours: TTL is to be lowered, ICMP errors are due */
	PKT_F_MULTICAST = 1u << 2, /**< link-layer broadcast or multicast: no ICMP errors (RFC 1122 3.2.2) */
	PKT_F_FRAME = 1u << 3,     /**< to neigh_output, with NEIGH_NONE: the Ethernet header is there already */
};

/** Private area of each mbuf of our pools, bytes. */
#define PKT_PRIV_SIZE RTE_ALIGN(sizeof(struct pkt_meta), RTE_CACHE_LINE_SIZE)

static inline struct pkt_meta *
pkt_meta(struct rte_mbuf *m)
{
	return (struct pkt_meta *)rte_mbuf_to_priv(m);
}

/** Nodes that a handed-over packet can go on at; values of pkt_meta.target. */
enum {
	HANDOVER_LB4,  /**< lb4_input */
	HANDOVER_LB6,  /**< lb6_input */
	HANDOVER_FRAG, /**< ip4_reass */
	HANDOVER_FRAG6,/**< ip6_reass */
	HANDOVER_COUNT,
};

#endif
