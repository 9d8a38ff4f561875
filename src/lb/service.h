/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual services and their real servers.
 *
 * The main lcore owns the truth (GLib hash tables in service.c, dest.c). Workers see struct service and
 * struct dest: immutable objects, published by pointer in a commit, replaced as a whole by an edit, freed
 * when all workers have acknowledged the successor. What changes with packets is per worker and indexed
 * by dest->index: struct dest_lcore. Connections keep index and generation of their dest, no pointer.
 *
 * Thread-safety: service_lookup(), service_schedule(), dest_lcore(), dest_by_index(): worker lcore.
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
	uint32_t weight;
	uint32_t uthresh;
	uint32_t lthresh;
};

/** struct service_laddr: a local address of a full-NAT service. */
struct service_laddr {
	union ip_addr addr;
	uint32_t index; /**< slot of the address in lb/laddr_port.h's tables: one per address, shared by services */
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
	const struct dest *const *dests;
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

/** struct dest_lcore: a dest as one worker counts it; one cache line. Owner: that worker; main reads. */
struct dest_lcore {
	uint32_t generation; /**< equals struct dest's while it is there; differs: server was removed */
	uint32_t active;     /**< connections in state established */
	uint32_t inactive;   /**< in any other state */
	uint32_t pad;
	uint64_t conns;
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

/**
 * dest_hold, dest_put: a connection of this worker starts and stops using slot @dest_index. Main reuses a
 * slot only when no worker holds it.
 */
void dest_hold(uint32_t dest_index);
void dest_put(uint32_t dest_index);

#endif
