/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over IPv6 extension headers (RFC 8200 4), for packets whose headers are in the first segment.
 *
 * Thread-safety: pure functions.
 */
#ifndef NET_IP6_H
#define NET_IP6_H

#include <stdint.h>

#include <rte_ip.h>
#include <rte_mbuf.h>

/** Extension headers that a packet may have; more are nobody's honest packet. */
#define IP6_EXT_MAX 8

/** Longest chain of headers, with the fixed one: what the mbuf's l3_len can hold. */
#define IP6_HDRS_MAX 511

/** Verdicts of ip6_walk(). */
enum ip6_verdict {
	IP6_OK,
	IP6_FRAGMENT,  /**< stopped at a fragment header */
	IP6_TRUNCATED, /**< a header is longer than the packet */
	IP6_TOO_MANY,
	IP6_MISPLACED, /**< hop-by-hop options are not the first header */
	IP6_ROUTING,   /**< a routing header that still has segments left; *ret_error is at its type */
	IP6_OPTION,    /**< a hop-by-hop option that must be known and is not; *ret_error is at it */
};

/** struct ip6_chain: what ip6_walk() found. Offsets are from the IPv6 header. */
struct ip6_chain {
	uint16_t len;      /**< offset of the first header that is not walked over */
	uint16_t nh_field; /**< offset of the byte that names it */
	uint8_t proto;     /**< its number */
	uint8_t option;    /**< IP6_OPTION: the two highest bits of its type */
	uint16_t error;    /**< offset of what is wrong */
};

/** ip6_walk: over the headers in the @len bytes at @hdr, from the IPv6 header on. */
enum ip6_verdict ip6_walk(const uint8_t *hdr, uint32_t len, struct ip6_chain *ret_chain);

/** ip6_walk_from: the same from a header of type @proto at offset @at on, named at offset @nh_field. */
enum ip6_verdict ip6_walk_from(const uint8_t *hdr, uint32_t len, uint8_t proto, uint16_t at,
			       uint16_t nh_field, struct ip6_chain *ret_chain);

#endif
