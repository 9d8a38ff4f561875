/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP and ICMPv6: echo (icmp4_input, icmp6_input) and errors (icmp4_error, icmp6_error). A node that wants
 * an error sent sets icmp_type, icmp_code and icmp_info of the packet's pkt_meta and sends the packet that
 * caused it to icmp4_error or icmp6_error, which turns it into the error or drops it.
 *
 * Thread-safety: worker lcore.
 */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_graph.h>
#include <rte_mbuf.h>

#include "core/pkt.h"

struct module;
extern const struct module icmp_module;
extern const struct module icmp6_module;
extern struct rte_node_register icmp4_error_node;
extern struct rte_node_register icmp6_error_node;

/** Types and codes on the wire (RFC 792, 1812, 4443). */
enum {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP4_TIMESTAMP = 13,

	ICMP4_UNREACHABLE_NET = 0,
	ICMP4_UNREACHABLE_HOST = 1,
	ICMP4_UNREACHABLE_PROTOCOL = 2,
	ICMP4_UNREACHABLE_PORT = 3,
	ICMP4_UNREACHABLE_FRAG_NEEDED = 4,

	ICMP6_UNREACHABLE = 1,
	ICMP6_PACKET_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_ROUTER_SOLICIT = 133,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_NEIGH_SOLICIT = 135,
	ICMP6_NEIGH_ADVERT = 136,
	ICMP6_REDIRECT = 137,

	ICMP6_UNREACHABLE_ROUTE = 0,
	ICMP6_UNREACHABLE_ADDRESS = 3,
	ICMP6_UNREACHABLE_PORT = 4,

	ICMP6_PARAMETER_HEADER = 0,
	ICMP6_PARAMETER_NEXT_HEADER = 1,
	ICMP6_PARAMETER_OPTION = 2,

	ICMP_TIME_EXCEEDED_HOPS = 0,
	ICMP_TIME_EXCEEDED_REASSEMBLY = 1,
};

/** struct icmp_hdr: the first eight bytes of both ICMPs. */
struct icmp_hdr {
	uint8_t type;
	uint8_t code;
	rte_be16_t csum;
	union {
		rte_be32_t info; /**< MTU, pointer, or zero */
		struct {
			rte_be16_t ident;
			rte_be16_t seq;
		};
	};
};

/** What cannot be reached; icmp_unreachable() knows the code of each in both families. */
enum icmp_unreachable {
	ICMP_UNREACHABLE_NET,
	ICMP_UNREACHABLE_HOST,
	ICMP_UNREACHABLE_PORT,
};

static inline void
icmp_error(struct rte_mbuf *m, uint8_t type, uint8_t code, uint32_t info)
{
	struct pkt_meta *meta = pkt_meta(m);

	meta->icmp_type = type;
	meta->icmp_code = code;
	meta->icmp_info = info;
}

/** icmp_unreachable: notes it in @m; returns the id of the error node of the packet's family. */
rte_node_t icmp_unreachable(struct rte_mbuf *m, enum icmp_unreachable what);

/**
 * icmp_allowed: takes a token for an answer that a packet provokes (errors, TCP resets): keys icmp.rate
 * and icmp.burst, per worker, both families.
 */
bool icmp_allowed(void);

/** icmp_quote: makes of @m one segment with the first @max bytes of the packet at most. */
void icmp_quote(struct rte_mbuf *m, uint32_t max);

#endif
