/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's routes as route_table.c has them and route_ctl.c, the requests, changes them.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NET_ROUTE_PRIV_H
#define NET_ROUTE_PRIV_H

#include <glib.h>
#include <stdint.h>

#include "core/event.h"
#include "net/rib.h"

struct change;
struct digest;

/** struct prefix: key of the hash tables, and the routes that share it. Addresses are scoped (rib.h). */
struct prefix {
	union ip_addr dst;
	uint8_t af;
	uint8_t plen;
	uint16_t in_rib;        /**< info is what ribs have or get with the change under way */
	uint32_t slot;
	struct route_info info;
	GPtrArray *routes;      /**< struct route, best first */
};

/** struct route: one route. */
struct route {
	struct prefix *prefix;  /**< NULL while out of the table */
	union ip_addr dst;
	union ip_addr via;
	union ip_addr src;      /**< zero: none */
	uint64_t seq;           /**< order of arrival */
	struct event_node event;
	uint32_t metric;
	uint16_t port;
	uint16_t mtu;           /**< 0: the port's */
	uint8_t af;
	uint8_t plen;
	uint8_t type;
	uint8_t proto;
	uint8_t scope;
	uint8_t has_via;
	uint8_t src_given;      /**< by the operator */
	uint8_t hidden;         /**< not listed, not told of: of an address that lingers (ifaddr.h) */
};

/** prefix_find: NULL: it has no route. @dst is scoped. */
struct prefix *prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen);

/** route_insert: @r, from the heap, into the table; it is the table's from here on. */
int route_insert(struct change *c, struct route *r);

/** route_remove: takes @r out. */
int route_remove(struct change *c, struct route *r);

/** route_replace: @new, from the heap, takes the place of @old, which has the same destination and metric. */
int route_replace(struct change *c, struct route *old, struct route *new);

struct dpvs_route_conf;

/** route_to_wire: @r as listed. */
void route_to_wire(const struct route *r, struct dpvs_route_conf *ret_conf);

/** route_compare: the better first; of pointers to pointers. */
gint route_compare(gconstpointer a, gconstpointer b);

/** route_prefixes: the set of all struct prefix. route_statics: routes of operators. */
GHashTable *route_prefixes(uint8_t af);
const GPtrArray *route_statics(uint8_t af);

/** route_rib: the calling worker's rib; on main, main's own. */
const struct rib *route_rib(void);

/** route_lookup_main: in main's own rib. @dst is scoped. */
const struct route_info *route_lookup_main(uint8_t af, const union ip_addr *dst);

extern const struct module_event route_events[];

#endif
