/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the families `route` and `route6`.
 *
 *   SET 300 add  301 del  302 set (add or replace)  303 flush (dev is a filter)     GET 304 IPv4
 *   SET 6300 add, del, set by .op                   6301 flush                      GET 6300 IPv6
 *   GET 8310 look-up: what a packet to .dst would take (dst with the full prefix length; both families)
 *
 * Errors: -EEXIST; -ESRCH no such route; -ENODEV; -ENETUNREACH gateway is not on a connected net;
 * -EINVAL; -ENOSPC table full.
 */
#ifndef DPVSCTRL_PROTO_ROUTE_H
#define DPVSCTRL_PROTO_ROUTE_H

#include <dpvsctrl/proto/addr.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_ROUTE_ADD = 300,
	DPVS_SET_ROUTE_DEL = 301,
	DPVS_SET_ROUTE_SET = 302,
	DPVS_SET_ROUTE_FLUSH = 303,
	DPVS_GET_ROUTES = 304,
	DPVS_SET_ROUTE6 = 6300,
	DPVS_SET_ROUTE6_FLUSH = 6301,
	DPVS_GET_ROUTES6 = 6300,
	DPVS_GET_ROUTE_LOOKUP = 8310,
};

/** Values of struct dpvs_route_conf.op (only 6300 reads it). */
enum {
	DPVS_ROUTE_OP_ADD = 0,
	DPVS_ROUTE_OP_DEL = 1,
	DPVS_ROUTE_OP_SET = 2,
};

/** Who made a route; values of rtnetlink. */
enum {
	DPVS_ROUTE_PROTO_KERNEL = 2, /**< the daemon, from an address */
	DPVS_ROUTE_PROTO_STATIC = 4, /**< an operator */
};

/** Kinds of routes. */
enum {
	DPVS_ROUTE_UNICAST = 1,
	DPVS_ROUTE_LOCAL = 2,
	DPVS_ROUTE_BROADCAST = 3,
};

/**
 * struct dpvs_route_conf: a route; also what 304, 6300 and 8310 list.
 * @dst: destination; family 2 or 10 also for the default route
 * @via: gateway; family 0: on link
 * @src: preferred source; family 0: chosen
 * @dev: port
 * @plen: prefix length of @dst
 * @scope: DPVS_SCOPE_*
 * @type: DPVS_ROUTE_UNICAST ...; 0 in a SET means unicast
 * @proto: DPVS_ROUTE_PROTO_*; only reported
 * @op: DPVS_ROUTE_OP_*
 * @mtu: 0: the port's
 * @metric: 0; routes that differ only by it are kept apart, the lowest is used
 */
struct dpvs_route_conf {
	struct dpvs_addr dst;
	struct dpvs_addr via;
	struct dpvs_addr src;
	char dev[DPVS_IFNAME_SIZE];
	uint8_t plen;
	uint8_t scope;
	uint8_t type;
	uint8_t proto;
	uint8_t op;
	uint8_t pad[3];
	uint32_t mtu;
	uint32_t metric;
};

static_assert(sizeof(struct dpvs_route_conf) == 108, "wire format");

#ifdef __cplusplus
}
#endif

#endif
