/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's routes, shared by route.c (IPv4) and route6.c (IPv6): what an operator may ask for is
 * the same in both families.
 *
 * Thread-safety: main lcore only, but for route_table_on_commit().
 */
#ifndef NET_ROUTE_TABLE_H
#define NET_ROUTE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

struct change;
struct digest;
struct dpvs_req;
struct dpvs_route_conf;

/** route_table_init: ribs of all workers, @max routes of each family. 0 or -ENOMEM. */
int route_table_init(uint32_t max);
void route_table_fini(void);

/** What SET 300 to 303 and 6300, 6301 do; 0 or negative errno with the text in @c. */
int route_table_add(struct change *c, uint8_t af, const struct dpvs_route_conf *conf, int replace);
int route_table_del(struct change *c, uint8_t af, const struct dpvs_route_conf *conf);
int route_table_flush(struct change *c, uint8_t af, const struct dpvs_route_conf *filter);

/** route_table_list: answers GET 304 and 6300. route_table_get: answers 8310. */
int route_table_list(struct dpvs_req *req, uint8_t af, const struct dpvs_route_conf *filter);
int route_table_get(struct dpvs_req *req, const struct dpvs_route_conf *query);

/** route_digest4_copy and its kind: routes for dpip verify, see core/digest.h. */
bool route_digest4_copy(struct digest *d);
bool route_digest4_truth(struct digest *d);
bool route_digest6_copy(struct digest *d);
bool route_digest6_truth(struct digest *d);

/** route_table_on_commit: ROUTE_ADD, ROUTE_DEL and ROUTE6 on a worker. */
void route_table_on_commit(const void *data, uint32_t len);

/** What became of an address. */
enum route_addr {
	ROUTE_ADDR_CAME,
	ROUTE_ADDR_CHANGED, /**< it may be a better or worse source now */
	ROUTE_ADDR_GONE,
	ROUTE_ADDR_LAST,    /**< it is gone, and was the last IPv4 address of the port: it has no static routes then */
};

/**
 * route_addr_changed: @addr of @port: static routes choose their source again if that may matter. Those whose
 * given source is gone end (IPv4) or choose one (IPv6), as with Linux. Done by change_then(), after the handler that calls
 * this. Returns 0 or -ENOMEM.
 */
int route_addr_changed(struct change *c, uint8_t af, uint16_t port, const union ip_addr *addr, enum route_addr what);

/**
 * route_flush_port: removes the static routes of @port. Returns 0, CHANGE_MORE or negative errno.
 */
int route_flush_port(struct change *c, uint8_t af, uint16_t port);

#endif
