/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small questions about IPv4 and IPv6 addresses and prefixes.
 *
 * Thread-safety: pure functions; addr_text() and the dpvs_addr conversions are meant for the main lcore.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_byteorder.h>

#include <dpvsctrl/types.h>

#include "core/pkt.h"

/** Longest prefix of a family, bits. */
static inline uint8_t
addr_bits(uint8_t af)
{
	return af == AF_INET ? 32 : 128;
}

static inline bool
addr_equal(const union ip_addr *a, const union ip_addr *b)
{
	return a->u64[0] == b->u64[0] && a->u64[1] == b->u64[1];
}

static inline bool
addr_is_zero(const union ip_addr *a)
{
	return (a->u64[0] | a->u64[1]) == 0;
}

/** addr_hash: @a into @h, for the main lcore's tables. */
static inline uint32_t
addr_hash(uint32_t h, const union ip_addr *a)
{
	for (unsigned int i = 0; i < 4; i++)
		h = (h ^ a->u32[i]) * 0x9e3779b1u; /* 2^32 / golden ratio */
	h = (h ^ h >> 15) * 0x85ebca6bu; /* as in MurmurHash3: the low bits count most */
	return h ^ h >> 13;
}

/** addr_from4, addr_from6: from a packet's header. */
static inline union ip_addr
addr_from4(rte_be32_t ip4)
{
	return (union ip_addr){ .u32 = { ip4 } };
}

static inline union ip_addr
addr_from6(const void *bytes)
{
	union ip_addr a;

	memcpy(&a, bytes, sizeof(a));
	return a;
}

static inline bool
addr_is_multicast(uint8_t af, const union ip_addr *a)
{
	return af == AF_INET ? (a->ip6[0] & 0xf0) == 0xe0 : a->ip6[0] == 0xff;
}

static inline bool
addr_is_loopback(uint8_t af, const union ip_addr *a)
{
	return af == AF_INET ? a->ip6[0] == 127 : a->u64[0] == 0 && a->u64[1] == rte_cpu_to_be_64(1);
}

/** addr_is_linklocal: fe80::/10. IPv4's 169.254/16 is an ordinary net for us. */
static inline bool
addr_is_linklocal(uint8_t af, const union ip_addr *a)
{
	return af == AF_INET6 && a->ip6[0] == 0xfe && (a->ip6[1] & 0xc0) == 0x80;
}

/** addr_is_host: an address that one host can have, as source or destination on a wire. */
static inline bool
addr_is_host(uint8_t af, const union ip_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (af == AF_INET)
		return a->ip6[0] != 0 && a->ip6[0] != 127 && a->ip6[0] < 224;
	if (a->ip6[0] == 0xff || memcmp(a->ip6, mapped, sizeof(mapped)) == 0)
		return false;
	return a->u64[0] != 0 || (a->u64[1] != 0 && a->u64[1] != rte_cpu_to_be_64(1));
}

/** addr_masked: @a with the bits behind @plen cleared. */
static inline union ip_addr
addr_masked(uint8_t af, const union ip_addr *a, uint8_t plen)
{
	union ip_addr r = *a;
	unsigned int size = addr_bits(af) / 8;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int bits = plen > 8 * i ? plen - 8 * i : 0;

		if (bits < 8)
			r.ip6[i] &= (uint8_t)(0xff00u >> bits);
	}
	return r;
}

static inline bool
addr_in_prefix(uint8_t af, const union ip_addr *a, const union ip_addr *prefix, uint8_t plen)
{
	union ip_addr masked = addr_masked(af, a, plen);

	return addr_equal(&masked, prefix);
}

/** addr_solicited_node: the multicast group ff02::1:ffXX:XXXX of @a (RFC 4291 2.7.1). */
static inline union ip_addr
addr_solicited_node(const union ip_addr *a)
{
	union ip_addr r = { .ip6 = { 0xff, 0x02, [11] = 0x01, [12] = 0xff } };

	memcpy(&r.ip6[13], &a->ip6[13], 3);
	return r;
}

/** addr_from_wire: false when @w is not a clean address of a family that we know. */
static inline bool
addr_from_wire(const struct dpvs_addr *w, union ip_addr *ret_addr)
{
	union ip_addr a;

	if (w->family != AF_INET && w->family != AF_INET6)
		return false;
	memcpy(&a, w->bytes, sizeof(a));
	if (w->family == AF_INET && (a.u32[1] | a.u32[2] | a.u32[3]) != 0)
		return false;
	*ret_addr = a;
	return true;
}

static inline struct dpvs_addr
addr_to_wire(uint8_t af, const union ip_addr *a)
{
	struct dpvs_addr w = { .family = af };

	memcpy(w.bytes, a, sizeof(w.bytes));
	return w;
}

/** addr_text: @a written into @buf, of at least INET6_ADDRSTRLEN bytes. Returns @buf. */
static inline const char *
addr_text(uint8_t af, const union ip_addr *a, char *buf)
{
	return inet_ntop(af, a, buf, INET6_ADDRSTRLEN);
}

#endif
