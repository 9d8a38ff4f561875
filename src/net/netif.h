/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports: names, addresses, MTU, state, queues. Sections "[port NAME]" of the configuration, else every
 * device that EAL found, named dpdk0, dpdk1, ...
 *
 * Thread-safety
 *   main lcore only: netif_by_name(), netif_xmit()
 *   any lcore: netif_get() and the members that it shows (changed by commit, so a worker sees its own copy)
 */
#ifndef NETIF_H
#define NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>

#include "core/pkt.h"

#define NETIF_MAX 32

struct module;
extern const struct module netif_module;

/** struct netif: a port as the calling lcore sees it. */
struct netif {
	struct rte_ether_addr mac;
	uint16_t port; /**< index, equals the ethdev port id */
	uint16_t mtu;
	bool up;
};

/** netif_get: port @port of the calling worker's (or main's) copy; NULL when there is none. */
const struct netif *netif_get(uint16_t port);

/** netif_by_name: main's copy, or NULL. netif_name: the name of @port. netif_count: ports are 0 to count - 1. */
const struct netif *netif_by_name(const char *name);
const char *netif_name(uint16_t port);
uint16_t netif_count(void);

/**
 * netif_xmit: sends a frame, Ethernet header included, that the main lcore made (ARP, ND, gratuitous ARP),
 * through a worker (message MASTER_XMIT). Takes @m, also on failure. Returns 0 or negative errno.
 */
int netif_xmit(uint16_t port, struct rte_mbuf *m);

#endif
