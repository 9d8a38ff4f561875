/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual services and their real servers.
 *
 * The main lcore owns the truth (GLib hash tables in service.c, dest.c). Workers see struct service and
 * struct dest: immutable objects, published by pointer in a commit, replaced as a whole by an edit, freed
 * when all workers have acknowledged the successor. What changes with packets is per worker and indexed
 * by dest->index: struct dest_lcore. Connections keep index and generation of their dest, no pointer.
 *
 * A server that was removed (weight 0 is not that) keeps its slot until the last of its connections has
 * gone: the commit changes dest_lcore.generation on each worker, dest_is_there() turns false, and packets
 * of these connections are dropped until they expire. Adding the same server to the same virtual address
 * again while they last revives the slot: they go on.
 *
 * Thread-safety
 *   worker lcore: service_lookup(), service_by_reply(), service_schedule(), dest_lcore(), dest_is_there(),
 *     dest_hold(), dest_put(), dest_count()
 *   any lcore: dest_active_total(), dest_inactive_total()
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lcore.h"
#include "core/pkt.h"

struct module;
struct sched_ops;
extern const struct module service_module;

/** struct dest: a real server of one service, for workers read-only. */
struct dest {
	uint32_t index;      /**< slot in the per-worker arrays; reused after the last connection ended */
	uint32_t generation; /**< of the slot: changes when it is reused */
	union ip_addr addr;
	rte_be16_t port;
	uint8_t af;
	uint8_t fwd; /**< DPVS_FWD_* */
	uint32_t weight;      /**< 0: takes no new connections */
	uint32_t last_weight; /**< the last one above 0: a Maglev table does not move when a server drains */
};

/** struct service_laddr: a local address of a full-NAT service. */
struct service_laddr {
	union ip_addr addr;
	uint32_t index; /**< slot of the address, see lb/laddr.h: one per address, shared by services */
	uint32_t order; /**< main: place in the service's list */
	uint16_t port;  /**< main: the netif that has it */
};

/** struct service: a virtual service, for workers read-only. */
struct service {
	uint32_t index; /**< slot in per-worker arrays */
	uint32_t flags;
	union ip_addr vip;
	rte_be16_t port;
	uint8_t af;
	uint8_t proto;
	uint32_t conn_timeout_s; /**< 0: the protocol's */
	uint32_t sched_flags;    /**< DPVS_SCHED_* */
	const struct sched_ops *sched;
	const void *sched_table; /**< what the scheduler built on the main lcore (Maglev table, wrr sequence) */
	uint32_t num_dests;
	uint32_t num_laddrs;
	const struct dest *dests; /**< in the order of adding */
	const struct service_laddr *laddrs;
};

/** struct flow: the client's side of a packet, network order. */
struct flow {
	union ip_addr client;
	union ip_addr vip;
	rte_be16_t client_port;
	rte_be16_t vip_port;
	uint8_t af;
	uint8_t proto;
};

/**
 * struct dest_lcore: a slot as one worker counts it; one cache line, written with each packet. Written by
 * that worker alone (plain stores of aligned words), read by main.
 */
struct dest_lcore {
	uint32_t generation; /**< equals struct dest's while the server is there; set by commit */
	uint32_t holds;      /**< dest_hold() less dest_put() */
	uint64_t conns;      /**< connections made; these five never go back, main keeps offsets for zeroing */
	uint64_t in_pkts;
	uint64_t out_pkts;
	uint64_t in_bytes;
	uint64_t out_bytes;
} __attribute__((aligned(64)));

/** Base of each worker's array of struct dest_lcore; [worker index][dest index]. */
extern struct dest_lcore *dest_lcores[WORKERS_MAX];

static inline struct dest_lcore *
dest_lcore(uint32_t dest_index)
{
	return &dest_lcores[lcore_me()->worker][dest_index];
}

/**
 * struct dest_conns: connections of a slot on one worker. Apart from struct dest_lcore and dense, because
 * the schedulers of other workers read it: they do not take away the lines that packets are counted on.
 */
struct dest_conns {
	uint32_t active;   /**< in state established */
	uint32_t inactive; /**< in any other state */
};

/** Base of each worker's array of struct dest_conns; [worker index][dest index]. */
extern struct dest_conns *dest_conns[WORKERS_MAX];

/** dest_count: adds to the calling worker's connections of a slot; 1, 0 or -1 each. */
static inline void
dest_count(uint32_t dest_index, int active, int inactive)
{
	struct dest_conns *dc = &dest_conns[lcore_me()->worker][dest_index];

	__atomic_store_n(&dc->active, dc->active + (uint32_t)active, __ATOMIC_RELAXED);
	__atomic_store_n(&dc->inactive, dc->inactive + (uint32_t)inactive, __ATOMIC_RELAXED);
}

/** dest_is_there: false when the server of a connection was removed: its packets are dropped. */
static inline bool
dest_is_there(uint32_t dest_index, uint32_t generation)
{
	return dest_lcore(dest_index)->generation == generation;
}

/**
 * dest_hold, dest_put: a connection of this worker starts and stops using slot @dest_index. Main reuses a
 * slot only when no worker holds it. Relaxed stores: main reads the counter after the workers have
 * acknowledged the removal, and from then on it only falls.
 */
static inline void
dest_hold(uint32_t dest_index)
{
	struct dest_lcore *dl = dest_lcore(dest_index);

	__atomic_store_n(&dl->holds, dl->holds + 1, __ATOMIC_RELAXED);
}

static inline void
dest_put(uint32_t dest_index)
{
	struct dest_lcore *dl = dest_lcore(dest_index);

	__atomic_store_n(&dl->holds, dl->holds - 1, __ATOMIC_RELAXED);
}

/** service_lookup: the service for a packet to @vip:@port, or NULL. */
const struct service *service_lookup(uint8_t af, uint8_t proto, const union ip_addr *vip,
				     rte_be16_t port);

/**
 * service_by_reply: for replies of NAT servers that arrive on a worker without the connection: is
 * @addr:@port a NAT server of any service? Then the packet is handed to the worker that flow_owner()
 * names for the client; otherwise it is none of the load balancer's business.
 */
bool service_by_reply(uint8_t af, uint8_t proto, const union ip_addr *addr, rte_be16_t port);

/** service_schedule: picks a dest (weight above 0) for a new connection, or NULL. */
const struct dest *service_schedule(const struct service *svc, const struct flow *flow);

/** dest_active_total, dest_inactive_total: summed over the workers (plain reads; exact enough to balance). */
uint32_t dest_active_total(uint32_t dest_index);
uint32_t dest_inactive_total(uint32_t dest_index);

#endif
