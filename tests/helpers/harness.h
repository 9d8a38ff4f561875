/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the whole daemon inside a test program, on ring ports: the test puts packets into a receive queue
 * of its choice (so it chooses the worker), and collects what the daemon sends. Nothing is faked: conf,
 * EAL, workers, graph, control socket are the daemon's.
 *
 *   harness_init(3);                          EAL, once per program: 3 workers
 *   harness_start(2, NULL);                   the daemon with ports dpdk0, dpdk1
 *   harness_set(DPVS_SET_..., &rec, sizeof(rec), 1);
 *   harness_inject(0, 1, harness_frame(bytes, len));     port 0, worker 1
 *   n = harness_collect(1, pkts, G_N_ELEMENTS(pkts), 1, 500);
 *   harness_free(pkts, n);
 *   harness_stop();                           start and stop as often as you like
 *   harness_fini();
 *
 * Port p's MAC address is 02:00:00:00:00:0p. EAL that cannot start ends the program as skipped.
 *
 * Thread-safety: the main thread only; these functions pump the main loop while they wait.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dpvsctrl/client.h>
#include <rte_mbuf.h>

/** Most ports of a harness. */
#define HARNESS_PORTS 4

/** harness_init: starts EAL with @workers workers; call it in main() before g_test_run(). */
void harness_init(unsigned int workers);
void harness_fini(void);

/**
 * harness_start: the daemon with @ports ring ports (never fewer than before) and configuration @conf
 * (nullable; without [port] sections). Ends the test when the daemon does not start.
 */
void harness_start(unsigned int ports, const char *conf);

/**
 * harness_stop: stops the daemon and drops what was not collected. Says when packet buffers are still held
 * after some seconds (fragments, packets that wait for a neighbour); harness_mbufs() before it is the test.
 */
void harness_stop(void);

unsigned int harness_workers(void);

/** harness_frame: a packet with these bytes, Ethernet header included. */
struct rte_mbuf *harness_frame(const void *bytes, size_t len);

/** harness_inject: @m arrives on @port, in the queue that worker @worker polls. Takes @m. */
void harness_inject(uint16_t port, unsigned int worker, struct rte_mbuf *m);

/**
 * harness_offer: the same without patience: takes @m and returns true, or false when the queue is full (a card
 * would lose the packet then, and count it). May be called from a source of the main loop.
 */
bool harness_offer(uint16_t port, unsigned int worker, struct rte_mbuf *m);

/**
 * harness_collect: takes what was sent on @port, at most @max packets; waits until there are @want, at
 * most @timeout_ms. Returns how many; in the order in which each worker sent them.
 */
unsigned int harness_collect(uint16_t port, struct rte_mbuf **pkts, unsigned int max, unsigned int want,
			     unsigned int timeout_ms);
void harness_free(struct rte_mbuf **pkts, unsigned int count);

/** harness_settle: waits until the workers have taken all injected packets and walked them through. */
void harness_settle(void);

/** harness_pump: runs the main loop for @ms milliseconds. */
void harness_pump(unsigned int ms);

/** harness_socket: the control socket, for a client or a tool of the test's own. */
const char *harness_socket(void);

/**
 * harness_set, harness_get: one request over the control socket, by a client of their own on another
 * thread. Return what dpvs_client_set() and _get() return; harness_error() is the text of the last
 * failure, harness_error_index() the record.
 */
int harness_set(uint32_t id, const void *records, uint32_t record_size, uint32_t count);
int harness_get(uint32_t id, const void *record, uint32_t record_size, struct dpvs_reply **ret_reply);
const char *harness_error(void);
uint32_t harness_error_index(void);

/** harness_stat: the counter "name" of module @module now (GET 8203); fails the test when there is none. */
uint64_t harness_stat(const char *module, const char *name);

/** harness_drops: the sum of all drop counters. */
uint64_t harness_drops(void);

/** harness_mbufs: packet buffers in use (GET 8202, pool mbuf). */
uint64_t harness_mbufs(void);

#endif
