/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that arrive in pieces: one table for each family on each worker. It knows offsets and lengths,
 * not headers.
 *
 * Why not rte_ip_frag's table: it takes at most 8 fragments of a datagram (a constant of DPDK's build, so
 * 11 KB with 1,500-byte frames), does not see overlaps, and forgets what ICMP needs when time is over.
 *
 * Thread-safety: the worker that owns the table.
 */
#ifndef NET_FRAG_TABLE_H
#define NET_FRAG_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

/** Fragments of a datagram; 65,535 bytes in fragments of 576 are 119. */
#define FRAG_PARTS_MAX 128

/** struct frag_key: which datagram; without padding that is not zero. */
struct frag_key {
	union ip_addr src;
	union ip_addr dst;
	uint32_t id;
	uint8_t proto; /**< IPv6: 0 */
	uint8_t pad[3];
};

/** struct frag_part: a fragment: bytes @first to @end - 1 of the datagram. */
struct frag_part {
	struct rte_mbuf *m;
	uint32_t first;
	uint32_t end;
};

/** struct frag_queue: a datagram in the making. */
struct frag_queue {
	struct frag_key key;
	uint64_t since_ms;
	uint32_t hash;
	uint32_t chain; /**< next in the bucket */
	uint32_t older; /**< neighbours by age */
	uint32_t newer;
	uint32_t total; /**< length of the datagram; UINT32_MAX: the last fragment is not there yet */
	uint32_t have;  /**< bytes that are there */
	uint16_t largest;
	uint16_t num_parts;
	bool poisoned;  /**< had an overlap: whatever comes is dropped until time is over (RFC 5722 4) */
	struct frag_part parts[FRAG_PARTS_MAX]; /**< sorted, without gaps in the array */
};

/** Why a fragment is given up. */
enum frag_drop {
	FRAG_DROP_OVERLAP,
	FRAG_DROP_DUPLICATE,
	FRAG_DROP_TOO_MANY,
	FRAG_DROP_EVICTED,
	FRAG_DROP_TIMEOUT,
	FRAG_DROP_COUNT,
};

struct frag_table;

/**
 * struct frag_table_params: @max_datagrams under way, @max_fragments held in all, @timeout_ms; @drop takes
 * each packet that is given up; @expired the first fragment of a datagram whose time is over.
 */
struct frag_table_params {
	uint32_t max_datagrams;
	uint32_t max_fragments;
	uint32_t timeout_ms;
	uint32_t seed; /**< of the hash, so that nobody can aim at a bucket */
	void (*drop)(struct rte_mbuf *m, enum frag_drop why);
	void (*expired)(struct rte_mbuf *m);
};

/** frag_table_new: NULL: out of memory. frag_table_free: frees what it holds; takes NULL. */
struct frag_table *frag_table_new(const struct frag_table_params *params);
void frag_table_free(struct frag_table *table);

/**
 * frag_table_add: takes the fragment @m with bytes @first to @end - 1 (at least one); @more: it is not the last.
 * @l3_size: of the fragment as it was on the wire.
 * Returns: the datagram when it is complete: the caller takes its packets and calls frag_table_done();
 * NULL: @m was kept or dropped.
 */
struct frag_queue *frag_table_add(struct frag_table *table, const struct frag_key *key, struct rte_mbuf *m,
				  uint32_t first, uint32_t end, bool more, uint16_t l3_size,
				  uint64_t now_ms);

/** frag_table_done: forgets @q, whose packets the caller took. */
void frag_table_done(struct frag_table *table, struct frag_queue *q);

/** frag_table_expire: gives up what is too old. Returns the number of datagrams. */
unsigned int frag_table_expire(struct frag_table *table, uint64_t now_ms);

/** frag_table_held: fragments that it holds. frag_table_count: datagrams. */
uint32_t frag_table_held(const struct frag_table *table);
uint32_t frag_table_count(const struct frag_table *table);

#endif
