/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `ifaddr`: IPv4 and IPv6 addresses on ports.
 *
 *   SET 400 add  401 del  402 set (add or change)  403 flush (addr.family and dev are a filter)
 *   GET 404 (addr.family and dev are a filter; zero: all)
 *
 * Errors: -EEXIST; -ENOENT (shown as EADDRNOTAVAIL's text); -ENODEV; -EINVAL; -ENOSPC.
 */
#ifndef DPVSCTRL_PROTO_ADDR_H
#define DPVSCTRL_PROTO_ADDR_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_ADDR_ADD = 400,
	DPVS_SET_ADDR_DEL = 401,
	DPVS_SET_ADDR_SET = 402,
	DPVS_SET_ADDR_FLUSH = 403,
	DPVS_GET_ADDRS = 404,
};

/** Scopes of addresses and routes; values of rtnetlink. */
enum {
	DPVS_SCOPE_GLOBAL = 0,
	DPVS_SCOPE_SITE = 200,
	DPVS_SCOPE_LINK = 253,
	DPVS_SCOPE_HOST = 254,
};

/** Bits of struct dpvs_addr_conf.flags; only reported. */
enum {
	DPVS_ADDR_LADDR = 1u << 0,     /**< brought by a local address of a service */
	DPVS_ADDR_LINKLOCAL = 1u << 1, /**< made by the daemon from the port's MAC address */
};

#define DPVS_LFT_FOREVER 0xffffffffu

/**
 * struct dpvs_addr_conf: an address on a port; also what 404 lists.
 * @addr: the address
 * @broadcast: broadcast address, IPv4 only; family 0: the one of the prefix
 * @dev: port
 * @plen: prefix length
 * @scope: DPVS_SCOPE_*
 * @flags: DPVS_ADDR_*
 * @valid_lft_s: seconds until it goes; 0 in a SET and DPVS_LFT_FOREVER: never
 * @preferred_lft_s: seconds until it is deprecated as a source
 */
struct dpvs_addr_conf {
	struct dpvs_addr addr;
	struct dpvs_addr broadcast;
	char dev[DPVS_IFNAME_SIZE];
	uint8_t plen;
	uint8_t scope;
	uint16_t flags;
	uint32_t valid_lft_s;
	uint32_t preferred_lft_s;
	uint32_t pad;
};

static_assert(sizeof(struct dpvs_addr_conf) == 88, "wire format");

#ifdef __cplusplus
}
#endif

#endif
