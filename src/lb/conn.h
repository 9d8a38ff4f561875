/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection table of a worker: two keys (client's side, server's side), one owner, no lock, no atomic.
 * Memory is reserved at start (key conn.max, per worker). Look-ups come in bulk with prefetch.
 *
 * Which worker owns a connection is a function of the client: flow_owner(). A worker that misses hands the
 * packet to the owner: packets from clients and ICMP errors about them by client address and port, NAT
 * replies likewise (a NAT server sees the client), full-NAT replies by the local port (lb/laddr_port.h).
 *
 * Thread-safety: worker lcore, own table, but for what conn.c says of dumps.
 */
#ifndef CONN_H
#define CONN_H

#include <stdint.h>

#include "core/pkt.h"

struct module;
extern const struct module conn_module;

/** flow_owner: worker index that owns the connections of @client:@port. Any lcore. */
uint16_t flow_owner(uint8_t af, const union ip_addr *client, rte_be16_t port);

/** conn_capacity: connections that fit in the tables of all workers together. Main lcore, after init(). */
uint32_t conn_capacity(void);

#endif
