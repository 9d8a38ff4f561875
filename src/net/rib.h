/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One lcore's routes, IPv4 and IPv6: prefix to struct route_info, on rte_rib and rte_rib6. Slots of
 * struct route_info are given out by the main lcore, so that a change cannot fail here: both trees have
 * two nodes for each slot, which is the most that rte_rib needs for a prefix.
 *
 * IPv6 link-local addresses mean something on one port only. They are kept with the port's index in
 * the bytes 2 and 3, which are zero on the wire (rib_scoped()).
 *
 * Thread-safety: the lcore that owns the rib.
 */
#ifndef NET_RIB_H
#define NET_RIB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

/** struct route_info: where a prefix leads. */
struct route_info {
	union ip_addr via; /**< gateway, when has_via */
	union ip_addr src; /**< preferred source; zero: none */
	uint16_t port;
	uint16_t mtu;      /**< 0: the port's */
	uint8_t type;      /**< DPVS_ROUTE_* */
	uint8_t has_via;
	uint16_t pad;
};

struct rib;

/** rib_new: room for @max prefixes of each family. Returns NULL: out of memory. rib_free takes NULL. */
struct rib *rib_new(const char *name, int socket, uint32_t max);
void rib_free(struct rib *rib);

/** rib_set: @dst/@plen leads to @info, kept in @slot. rib_del: takes the prefix out. */
void rib_set(struct rib *rib, uint8_t af, const union ip_addr *dst, uint8_t plen, uint32_t slot,
	     const struct route_info *info);
void rib_del(struct rib *rib, uint8_t af, const union ip_addr *dst, uint8_t plen);

/** rib_lookup: longest match, or NULL. @dst is scoped already. */
const struct route_info *rib_lookup(const struct rib *rib, uint8_t af, const union ip_addr *dst);

/**
 * rib_next: the next prefix of a family, in some order. @state and @last: 0 and NULL at first, the function's
 * own after that; the rib does not change meanwhile. Returns NULL: that was all.
 */
const struct route_info *rib_next(const struct rib *rib, uint8_t af, uint64_t *state, const void **last,
				  union ip_addr *ret_dst, uint8_t *ret_plen, uint32_t *ret_slot);

/** rib_scoped: @dst as the rib has it: a link-local address with @port in it, any other as it is. */
union ip_addr rib_scoped(uint8_t af, const union ip_addr *dst, uint16_t port);

#endif
