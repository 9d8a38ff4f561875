/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of a worker: made, followed, ended; on top of the table (lb/conn_table.h).
 *
 * Which worker owns a connection is a function of the client: flow_owner(). A worker that misses hands the
 * packet to the owner: packets from clients and ICMP errors about them by client address and port, NAT
 * replies likewise (a NAT server sees the client), full-NAT replies by the local port (lb/laddr_port.h).
 * So nobody keeps a directory of connections that workers share.
 *
 * Thread-safety
 *   main lcore: conn_capacity()
 *   any lcore: flow_owner()
 *   worker lcore, own state only: the rest
 */
#ifndef CONN_H
#define CONN_H

#include <stdint.h>

#include <dpvsctrl/proto/conn.h>

#include "core/lcore.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "lb/conn_table.h"
#include "lb/service.h"

struct module;
extern const struct module conn_module;

/** flow_owner: worker index that owns the connections of @client:@port. Any lcore. */
uint16_t flow_owner(uint8_t af, const union ip_addr *client, rte_be16_t port);

/** conn_capacity: connections that fit in the tables of all workers together. Main lcore, after init(). */
uint32_t conn_capacity(void);

/** Counters of the load balancer's data path; conn_stats_table in conn.c names them. */
enum conn_stat {
	CONN_STAT_NEW,
	CONN_STAT_EXPIRED,
	CONN_STAT_PORT_REUSED,
	CONN_STAT_HANDED,
	CONN_STAT_NO_SERVER,
	CONN_STAT_NOT_SYN,
	CONN_STAT_ICMP_ERROR,
	CONN_STAT_TOO_BIG,
	CONN_STAT_TTL,
	CONN_STAT_NO_ROUTE,
	CONN_STAT_TABLE_FULL,
	CONN_STAT_NO_LADDR,
	CONN_STAT_NO_PORT,
	CONN_STAT_REPLY_CLASH,
	CONN_STAT_DEST_GONE,
	CONN_STAT_SHORT_L4,
	CONN_STAT_BAD_L4,
	CONN_STAT_BAD_ICMP,
	CONN_STAT_COUNT,
};

extern struct stats_block conn_stats;

/** struct conn_worker: what a worker knows of connections. */
struct conn_worker {
	struct conn_table table;
	uint32_t index;      /**< of the worker */
	uint32_t laddr_turn; /**< local addresses of a service take turns */
	uint32_t now_ms;     /**< of this walk; written by conn_self() */
	uint32_t timeout_ms[DPVS_CONN_STATE_COUNT];
} __rte_cache_aligned;

extern struct conn_worker conn_workers[WORKERS_MAX];

/** conn_self: the calling worker's, with time and time-outs brought up to date. Once a node call. */
struct conn_worker *conn_self(void);

/**
 * conn_open: a connection for @flow to @dest of @svc. @isn: the client's sequence number, TCP only. The
 * first packet is not counted yet. Returns NULL with a counter of the reason in @ret_stat.
 */
struct conn *conn_open(struct conn_worker *w, const struct service *svc, const struct dest *dest,
		       const struct flow *flow, uint32_t isn, enum conn_stat *ret_stat);

/** conn_close: ends @c at once. */
void conn_close(struct conn_table *t, struct conn *c);

/**
 * conn_succeed: @c is over and its client begins anew from the same port. Where the server may still have it
 * in TIME_WAIT, it stays to keep its local port, known only by the server's key; else it is closed.
 */
void conn_succeed(struct conn_table *t, struct conn *c);

/** conn_set_state: and what follows from it: counters of the server, time-out. */
void conn_set_state(struct conn_worker *w, struct conn *c, uint8_t state);

/** conn_timeout: idle time-out of @c now, ms. */
static inline uint32_t
conn_timeout(const struct conn_worker *w, const struct conn *c)
{
	if (c->own_ms != 0 && (c->state == DPVS_CONN_ESTABLISHED || c->state == DPVS_CONN_UDP))
		return c->own_ms;
	return w->timeout_ms[c->state];
}

/**
 * conn_count: a packet of direction @dir passes: counters, time of last use. @len is of the IP packet.
 * After conn_set_state().
 */
static inline void
conn_count(struct conn_worker *w, struct conn *c, struct dest_lcore *dl, unsigned int dir, uint32_t len)
{
	uint32_t timeout = conn_timeout(w, c);

	c->last_ms = w->now_ms;
	c->pkts[dir]++;
	c->bytes[dir] += len;
	if (dir == CONN_IN) {
		dl->in_pkts++;
		dl->in_bytes += len;
	} else {
		dl->out_pkts++;
		dl->out_bytes += len;
	}
	if (timeout != c->timeout_ms) {
		uint32_t before = c->timeout_ms;

		/* The wheel finds out by itself when it got longer. */
		c->timeout_ms = timeout;
		if (timeout < before)
			conn_timer_sooner(&w->table, c);
	}
}

#endif
