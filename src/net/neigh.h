/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours (ARP and ND): the main lcore owns the table, makes entries, probes and ages them; each worker
 * has a replica, changed by commit. A worker that needs an unknown next hop holds a few packets and asks
 * main (DPVS_MSG_NEIGH_RESOLVE); what ARP and ND packets say goes to main (DPVS_MSG_NEIGH_INPUT).
 *
 * Thread-safety: neigh_find(), neigh_port_changed(): worker lcore. The rest: main lcore.
 */
#ifndef NEIGH_H
#define NEIGH_H

#include <stdint.h>

#include "core/pkt.h"

struct module;
extern const struct module neigh_module;

/**
 * neigh_find: index of a usable entry in this worker's replica, or NEIGH_NONE (send the packet with
 * meta->neigh = NEIGH_NONE and meta->nexthop, meta->out_port, meta->af set: neigh_output resolves it).
 * An index stays valid until net_generation() of this worker moves.
 */
uint32_t neigh_find(uint16_t port, uint8_t af, const union ip_addr *addr);

/**
 * neigh_port_changed: the commit handler of netif calls it on each worker when the MAC address of @port
 * has changed: writes it into the headers of the replica.
 */
void neigh_port_changed(uint16_t port);

#endif
