/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over IPv6 extension headers: see ip6.h.
 */
#include "net/ip6.h"

#include <netinet/in.h>

/** ip6_options: hop-by-hop options, @len bytes at offset @at of @hdr (RFC 8200 4.2). */
static enum ip6_verdict
ip6_options(const uint8_t *hdr, uint16_t at, uint16_t len, struct ip6_chain *chain)
{
	uint16_t end = at + len;

	while (at < end) {
		uint8_t type = hdr[at];

		if (type == 0) { /* Pad1 */
			at++;
			continue;
		}
		if (at + 2 > end || at + 2 + hdr[at + 1] > end)
			return IP6_TRUNCATED;
		if (type >> 6 != 0) {
			/* None of those that a node must know are ours; it says what to do then. */
			chain->option = type >> 6;
			chain->error = at;
			return IP6_OPTION;
		}
		at += 2 + hdr[at + 1];
	}
	return IP6_OK;
}

enum ip6_verdict
ip6_walk_from(const uint8_t *hdr, uint32_t len, uint8_t proto, uint16_t at, uint16_t nh_field,
	      struct ip6_chain *ret_chain)
{
	enum ip6_verdict verdict;

	for (unsigned int i = 0;; i++) {
		uint32_t size;

		ret_chain->proto = proto;
		ret_chain->len = at;
		ret_chain->nh_field = nh_field;
		if (proto == IPPROTO_FRAGMENT)
			return (uint32_t)at + 8 <= len ? IP6_FRAGMENT : IP6_TRUNCATED;
		if (proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING && proto != IPPROTO_DSTOPTS)
			return IP6_OK;
		if (i == IP6_EXT_MAX)
			return IP6_TOO_MANY;
		if ((uint32_t)at + 8 > len)
			return IP6_TRUNCATED;
		size = 8u * (hdr[at + 1] + 1u);
		if (at + size > len)
			return IP6_TRUNCATED;
		if (at + size > IP6_HDRS_MAX)
			return IP6_TOO_MANY;

		if (proto == IPPROTO_HOPOPTS) {
			if (at != sizeof(struct rte_ipv6_hdr)) {
				ret_chain->error = nh_field;
				return IP6_MISPLACED;
			}
			verdict = ip6_options(hdr, at + 2, (uint16_t)(size - 2), ret_chain);
			if (verdict != IP6_OK)
				return verdict;
		} else if (proto == IPPROTO_ROUTING && hdr[at + 3] != 0) {
			/* Type 0 is forbidden (RFC 5095), others are not ours to follow. */
			ret_chain->error = at + 2;
			return IP6_ROUTING;
		}
		nh_field = at;
		proto = hdr[at];
		at += (uint16_t)size;
	}
}

enum ip6_verdict
ip6_walk(const uint8_t *hdr, uint32_t len, struct ip6_chain *ret_chain)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)hdr;

	return ip6_walk_from(hdr, len, ip->proto, sizeof(*ip), offsetof(struct rte_ipv6_hdr, proto),
			     ret_chain);
}
