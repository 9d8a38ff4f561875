/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The feed of the data-path benches: a callback on the receive queue of a net_null port, which hands out
 * empty packet buffers without end, writes the headers of the next packet into each. So packets cost the
 * same in the graph and in the loop that only exchanges MAC addresses, which is the floor.
 *
 * Thread-safety: feed_start() and feed_stop(): main; what they set is read by the lcore that polls the port.
 */
#ifndef FEED_H
#define FEED_H

#include <stdatomic.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define FEED_WINDOWS 4096

struct rte_eth_rxtx_callback;
struct feed;

/** Writes a packet; @data has room for 64 bytes. Returns its length, 0: no packet now. */
typedef uint16_t (*feed_fn)(struct feed *f, char *data);

/** struct feed: of one port. */
struct feed {
	feed_fn fn;
	_Atomic int running;    /* main: rw, worker: ro */
	_Atomic uint64_t given; /* packets; worker: rw */
	uint64_t random;
	uint32_t flows;
	uint32_t next;
	/* Cycles per packet over windows of many vectors: from poll to poll, so that all is in that the lcore does. */
	uint64_t window_start;
	uint32_t pkts;
	uint32_t window_pkts; /* main: rw, while it does not run */
	uint32_t num_windows;
	float windows[FEED_WINDOWS];
	uint8_t template[64];
	uint64_t l3_sum;
	uint64_t l4_sum;
	const struct rte_eth_rxtx_callback *callback;
};

/** feed_attach: puts @f into the receive path of queue 0 of @port; feed_detach: takes it out again. */
void feed_attach(struct feed *f, uint16_t port);
void feed_detach(struct feed *f, uint16_t port);

/** feed_template: a 60-byte UDP or TCP frame for @mac from @src to @dst; sums without source and ports. */
void feed_template(struct feed *f, const uint8_t *mac, uint8_t proto, uint32_t dst, uint16_t dport);

/** feed_udp_random, feed_udp_all: packets of random flows below f->flows; of each flow once, then none. */
uint16_t feed_udp_random(struct feed *f, char *data);
uint16_t feed_udp_all(struct feed *f, char *data);

/** feed_cpu_cycles: TSC cycles that this thread has had the CPU: what others did meanwhile does not count. */
uint64_t feed_cpu_cycles(void);

/**
 * feed_run: lets the feed run until it has given @pkts packets. Returns cycles per packet: the lowest decile
 * of the windows, because other programs on the machine only ever add.
 */
double feed_run(struct feed *f, feed_fn fn, uint64_t pkts);

#endif
