/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the routes share:
 *
 *   route_table.c   the main lcore's routes
 *   route_static.c  those of operators, by port and by source
 *   route_rib.c     what workers have of them
 *   route_ctl.c     requests; the two modules with their tables are in route.c and route6.c
 *
 * Thread-safety: main lcore only, but for route_rib(): worker lcore.
 */
#ifndef NET_ROUTE_PRIV_H
#define NET_ROUTE_PRIV_H

#include <glib.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/event.h"
#include "core/htable.h"
#include "net/rib.h"

struct change;
struct dpvs_route_conf;

TAILQ_HEAD(route_list, route);

/**
 * struct prefix: key of the hash tables, and the routes that share it. Addresses are scoped (rib.h). It is there as
 * long as it has a route in one of its lists.
 */
struct prefix {
	struct htable_node node;
	union ip_addr dst;
	uint8_t af;
	uint8_t plen;
	uint16_t in_rib;           /**< info is what ribs have or get with the change under way */
	uint32_t slot;             /**< in the ribs, while it has .routes */
	struct route_info info;
	struct route_list routes;  /**< best first */
	struct route_list leaving; /**< taken, not confirmed by all workers: for readers until the commit */
};

/** struct route: one route. Immutable once in the table, but for its places in lists. */
struct route {
	struct prefix *prefix;
	TAILQ_ENTRY(route) link;      /**< in one of the prefix's lists */
	TAILQ_ENTRY(route) port_link; /**< static: with those of its port */
	TAILQ_ENTRY(route) src_link;  /**< static: with those that have its source */
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

/* route_table.c */
/** prefix_find: NULL: it has no route. @dst is scoped. */
struct prefix *prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen);

/** route_insert: @r, from the heap, into the table; it is the table's from here on. */
int route_insert(struct change *c, struct route *r);

/** route_remove: takes @r out. */
int route_remove(struct change *c, struct route *r);

/** route_replace: @new, from the heap, takes the place of @old, which has the same destination and metric. */
int route_replace(struct change *c, struct route *old, struct route *new);

/** route_swap: the same, in the order of arrival of @old; subscribers are told if the two differ. */
int route_swap(struct change *c, struct route *old, struct route *new);

/** route_prefixes: all struct prefix, also those that have no routes any more. */
const struct htable *route_prefixes(uint8_t af);

/** route_info_of: what ribs have of @r. */
struct route_info route_info_of(const struct route *r);

/** route_find: longest match for @dst, scoped, as @c has it; NULL: as of the last commit. NULL: there is none. */
const struct route *route_find(const struct change *c, uint8_t af, const union ip_addr *dst);

extern const struct module_event route_events[];

/* route_static.c */
int route_statics_init(uint32_t max);
void route_statics_fini(void);

/** route_static_attach, route_static_detach: a route of an operator gets into the table, and out of it. */
void route_static_attach(struct route *r);
void route_static_detach(struct route *r);

/** route_list_of_port: the static routes of @port. route_list_of_source: those that have it (zero: none); NULL: no route has. */
const struct route_list *route_list_of_port(uint8_t af, uint16_t port);
const struct route_list *route_list_of_source(uint8_t af, const union ip_addr *addr);

/* route_rib.c */
/** route_ribs_init: ribs of all workers, @max routes of each family. 0 or -ENOMEM. */
int route_ribs_init(uint32_t max);
void route_ribs_fini(void);

/** route_publish: workers get what @p has in .in_rib and .info. 0 or -ENOMEM. */
int route_publish(struct change *c, const struct prefix *p);

/** route_rib: the calling worker's rib. */
const struct rib *route_rib(void);

/* route_ctl.c */
/** route_to_wire: @r as listed. */
void route_to_wire(const struct route *r, struct dpvs_route_conf *ret_conf);

#endif
