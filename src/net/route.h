/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes, IPv4 (route.c) and IPv6 (route6.c): the main lcore owns them in GLib tables; each worker looks
 * up in an rte_rib / rte_rib6 of its own, changed by commit (ROUTE_ADD, ROUTE_DEL, ROUTE6). Addresses on
 * ports bring connected and local routes here.
 *
 * Thread-safety: route_lookup(), route_lookup_on(), net_generation(): worker lcore. route_add/del_kernel: main lcore.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_per_lcore.h>

#include "core/pkt.h"

struct change;
struct module;
extern const struct module route_module;
extern const struct module route6_module;

/** struct route_result: where a packet goes. */
struct route_result {
	uint8_t type;          /**< DPVS_ROUTE_UNICAST, _LOCAL, _BROADCAST */
	uint16_t port;         /**< way out; for local: the port that has the address */
	uint16_t mtu;          /**< of the route, else of the port */
	union ip_addr nexthop; /**< gateway, or the destination when on link */
	union ip_addr src;     /**< preferred source; zero when the port has none */
};

/** route_lookup: longest prefix match in the calling worker's replica. Returns false: no route. */
bool route_lookup(uint8_t af, const union ip_addr *dst, struct route_result *ret_result);

/**
 * route_lookup_on: the same for a packet from or to @port, which tells apart the link-local addresses
 * of IPv6 (fe80::/10).
 */
bool route_lookup_on(uint16_t port, uint8_t af, const union ip_addr *dst, struct route_result *ret_result);

/**
 * net_generation: moves in this worker whenever a route, an address, a port or a neighbour index that
 * somebody may have cached is changed. Who caches a route_result or a neighbour index (connections do)
 * compares, and looks up again when it moved.
 */
RTE_DECLARE_PER_LCORE(uint32_t, net_generation_count);

static inline uint32_t
net_generation(void)
{
	return RTE_PER_LCORE(net_generation_count);
}

/** net_generation_bump: by on_commit handlers of net/, on their worker. */
static inline void
net_generation_bump(void)
{
	RTE_PER_LCORE(net_generation_count)++;
}

struct route;

/*
 * Connected, local and broadcast routes, by ifaddr, inside its change. Return 0 or negative errno. @route is given
 * back as it was when a change that took it is undone. route_show_kernel: whether lists and events have it; it is
 * *@ret_route from then on.
 */
int route_add_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type,
		     uint16_t port, const union ip_addr *src, struct route **ret_route);
int route_del_kernel(struct change *c, struct route *route);
int route_show_kernel(struct change *c, struct route *route, bool shown, struct route **ret_route);

#endif
