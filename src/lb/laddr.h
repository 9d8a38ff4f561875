/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local (source) addresses of full-NAT services: which there are, and who uses them. An address has one
 * slot, shared by the services that name it (struct service_laddr.index); which of a service's addresses a
 * connection gets, and its port, is the business of lb/laddr_port.h.
 *
 * An address that was taken from its last service stays on its port (ARP and ND go on) and keeps its slot
 * until the last connection that uses it has gone; new connections do not get it.
 *
 * Thread-safety
 *   worker lcore: laddr_find(), laddr_hold(), laddr_put(), laddr_miss()
 *   any lcore: laddr_max()
 */
#ifndef LADDR_H
#define LADDR_H

#include <stdint.h>

#include "core/lcore.h"
#include "core/pkt.h"

struct module;
extern const struct module laddr_module;

/** No such address. */
#define LADDR_NONE UINT32_MAX

/** laddr_max: slots are below this (key laddr.max); fixed from init() on. */
uint32_t laddr_max(void);

/** laddr_find: the slot of local address @addr, also of one kept only for old connections, or LADDR_NONE. */
uint32_t laddr_find(uint8_t af, const union ip_addr *addr);

/** struct laddr_lcore: a local address as one worker counts it. Written by that worker alone; main reads. */
struct laddr_lcore {
	uint32_t conns; /**< connections that use it now */
	uint32_t pad;
	uint64_t port_misses; /**< connections refused because no port was free */
};

/** Base of each worker's array; [worker index][slot]. */
extern struct laddr_lcore *laddr_lcores[WORKERS_MAX];

/** laddr_hold, laddr_put: a connection of this worker starts and stops using the address of slot @index. */
static inline void
laddr_hold(uint32_t index)
{
	struct laddr_lcore *ll = &laddr_lcores[lcore_me()->worker][index];

	__atomic_store_n(&ll->conns, ll->conns + 1, __ATOMIC_RELAXED);
}

static inline void
laddr_put(uint32_t index)
{
	struct laddr_lcore *ll = &laddr_lcores[lcore_me()->worker][index];

	__atomic_store_n(&ll->conns, ll->conns - 1, __ATOMIC_RELAXED);
}

/** laddr_miss: no port of it was free. */
static inline void
laddr_miss(uint32_t index)
{
	laddr_lcores[lcore_me()->worker][index].port_misses++;
}

#endif
