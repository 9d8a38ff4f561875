/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table that conn.h describes: memory, the keyed hash, bulk look-up, and the wheel that ends
 * connections. It knows nothing of packets, services or workers, so that tests and the benchmark drive it
 * alone; lb/conn.c makes connections of it.
 *
 * A connection is 128 bytes, two cache lines that are fetched as a pair; the first has all that an IPv4
 * packet needs in both directions. IPv6 addresses lie in an array beside it that IPv4 never touches.
 * Both keys of a connection are in one hash table of 64-byte buckets: eight 16-bit signatures and eight
 * references, (index << 1 | direction). A full bucket goes on in an overflow bucket. The hash is keyed with
 * random numbers and multiplies (no CRC: that is linear, so that collisions can be made without the key).
 *
 * The wheel is lazy: a packet only writes conn.last_ms. A slot that comes due looks at each of its
 * connections and puts those that were used meanwhile into a later slot: O(1) a connection and time-out. A
 * slot has several lists, so that the next connections of all of them can be fetched at once.
 *
 * Thread-safety: the worker that owns the table. conn_table_init(), conn_table_fini(): main lcore while
 * the worker does not run.
 */
#ifndef CONN_TABLE_H
#define CONN_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>

#include "core/pkt.h"

/** Directions; the first is the client's. */
enum {
	CONN_IN,
	CONN_OUT,
};

/** No connection; index 0 exists but matches nothing. */
#define CONN_NONE 0u

/** Bits of struct conn.flags. */
enum {
	CONN_F_OUT_KEY = 1u << 0, /**< the server's key is in the table: NAT, full-NAT */
	CONN_F_LPORT = 1u << 1,   /**< owns a port of a local address */
	CONN_F_ACTIVE = 1u << 2,  /**< counted in dest_lcore.active, else in .inactive */
	CONN_F_SEQ = 1u << 3,     /**< sequence numbers of the client are shifted by .seq_delta */
	CONN_F_NO_TS = 1u << 4,   /**< the client's SYN goes without its timestamp option */
	CONN_F_IN_KEY = 1u << 5,  /**< the client's key is in the table; see conn_succeed() */
	CONN_F_LEFT = 1u << 6,    /**< given back; packets of this vector may still go out by it */
};

/** struct conn_tuple: addresses (IPv4 only) and ports as a packet of that direction carries them on arrival. */
struct conn_tuple {
	rte_be32_t src;
	rte_be32_t dst;
	rte_be16_t sport;
	rte_be16_t dport;
};

/** struct conn: one connection. Times are in ms, 32 bits, and wrap. */
struct conn {
	struct conn_tuple tuple[2]; /**< CONN_IN: client, VIP. CONN_OUT: server, and where it sends its answers */
	uint8_t af;                 /**< AF_INET, AF_INET6; 0: never used */
	uint8_t proto;
	uint8_t state;              /**< DPVS_CONN_* */
	uint8_t fwd;                /**< DPVS_FWD_* */
	uint16_t flags;             /**< CONN_F_* */
	uint8_t out_port[2];        /**< the way on, of packets of each direction; see net_gen */
	uint32_t neigh[2];          /**< index, or NEIGH_NONE */
	uint16_t mtu[2];            /**< of the way on; 0: route not looked up yet */
	uint32_t net_gen;           /**< net_generation() that out_port, neigh, mtu belong to */
	uint32_t dest;              /**< struct dest.index */
	uint32_t dest_gen;          /**< struct dest.generation */
	uint32_t last_ms;           /**< of the last packet */
	uint16_t l3_delta;          /**< what packets from the client add to the IPv4 header's checksum */
	uint16_t l4_delta;          /**< and to the TCP or UDP checksum; replies add the complement */

	uint64_t pkts[2] __rte_aligned(RTE_CACHE_LINE_SIZE);
	uint64_t bytes[2];
	uint32_t timeout_ms; /**< idle time after which it ends */
	uint32_t timer_next; /**< index; also links the free list */
	uint32_t timer_prev; /**< index; says nothing in the first of its list */
	uint16_t timer_slot; /**< of the wheel, or CONN_TIMER_OFF */
	uint16_t pad;
	uint32_t seq_delta;  /**< CONN_F_SEQ: added to the client's sequence numbers */
	uint32_t seq_end;    /**< end of the client's data as the server saw it, for reuse of the port */
	uint32_t own_ms;     /**< idle time-out that the service asks for, in place of ESTABLISHED's or UDP's; 0: none */
	uint32_t laddr;      /**< slot of the local address, with CONN_F_LPORT */
} __rte_aligned(2 * RTE_CACHE_LINE_SIZE);

static_assert(sizeof(struct conn) == 128, "two cache lines");

/** struct conn_addrs6: IPv6 addresses, as packets of each direction carry them on arrival. */
struct conn_addrs6 {
	struct {
		union ip_addr src;
		union ip_addr dst;
	} dir[2];
};

/** struct conn_key4: what an IPv4 packet is looked up by; made by conn_key4(). */
struct conn_key4 {
	uint64_t addrs; /**< source and destination as they lie in the header */
	uint64_t rest;  /**< ports as they lie in the header, protocol in bits 32 to 39 */
};

/** struct conn_key6: the same for IPv6. */
struct conn_key6 {
	union ip_addr src;
	union ip_addr dst;
	uint64_t rest;
};

#define CONN_BUCKET_ENTRIES 8

/** struct conn_bucket: signatures and references; 0 or 1 as reference: free. */
struct conn_bucket {
	uint16_t sig[CONN_BUCKET_ENTRIES];
	uint32_t ref[CONN_BUCKET_ENTRIES]; /**< index << 1 | direction */
	uint32_t next;                     /**< overflow bucket, 0: none */
	uint32_t pad[3];
} __rte_aligned(RTE_CACHE_LINE_SIZE);

static_assert(sizeof(struct conn_bucket) == 64, "one cache line");

/* 128 ms: finer than any time-out needs. 8192 slots: 17 minutes, longer than the default of 900 s, so that
 * an idle connection is looked at once; longer time-outs go round again. */
#define CONN_TICK_SHIFT 7
#define CONN_WHEEL_SLOTS 8192
/* Lists of a slot; which one a connection is in follows from its index. */
#define CONN_WHEEL_LANES 8
#define CONN_TIMER_OFF UINT16_MAX

/** Longest time-out, ms: half of what 32 bits hold. */
#define CONN_TIMEOUT_MAX_MS (INT32_MAX / 2)

/** struct conn_table: of one worker. */
struct conn_table {
	struct conn *conns; /**< [max + 1]; 0 is never used */
	struct conn_addrs6 *addrs6;
	struct conn_bucket *buckets; /**< mask + 1 home buckets, then overflow buckets */
	uint64_t mask;
	uint64_t seed[6];
	uint32_t max;
	uint32_t count;      /**< in use; main reads it */
	uint32_t fresh;      /**< connections from here on were never used */
	uint32_t free;       /**< list of used and freed ones, by timer_next */
	uint32_t leaving;    /**< list of those freed since conn_table_settle() */
	uint32_t leaving_last;
	uint32_t over_fresh; /**< the same for overflow buckets */
	uint32_t over_free;
	uint32_t over_end;
	uint32_t changes;    /**< moves with each conn_link() and conn_unlink() */
	uint32_t moves;      /**< moves with each conn_unlink(): references may be stale then */
	uint32_t tick;       /**< next tick that the wheel looks at */
	uint32_t *wheel;     /**< [CONN_WHEEL_SLOTS][CONN_WHEEL_LANES] first of each list */
	size_t conns_bytes;
	size_t addrs6_bytes;
	size_t buckets_bytes;
};

static inline struct conn_key4
conn_key4(const void *addrs, const void *ports, uint8_t proto)
{
	struct conn_key4 key;
	uint32_t p;

	memcpy(&key.addrs, addrs, sizeof(key.addrs));
	memcpy(&p, ports, sizeof(p));
	key.rest = p | (uint64_t)proto << 32;
	return key;
}

/**
 * conn_tuple_key4: the key of @tuple with @dport in place of its own; as conn_key4() makes it, but read member by
 * member: where these have just been written, a load that spans two of them waits for both to reach the cache.
 */
static inline struct conn_key4
conn_tuple_key4(const struct conn_tuple *tuple, rte_be16_t dport, uint8_t proto)
{
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	return (struct conn_key4){
		.addrs = tuple->src | (uint64_t)tuple->dst << 32,
		.rest = tuple->sport | (uint32_t)dport << 16 | (uint64_t)proto << 32,
	};
#else
	return (struct conn_key4){
		.addrs = (uint64_t)tuple->src << 32 | tuple->dst,
		.rest = (uint32_t)tuple->sport << 16 | dport | (uint64_t)proto << 32,
	};
#endif
}

static inline struct conn_key6
conn_key6(const void *addrs, const void *ports, uint8_t proto)
{
	struct conn_key6 key;
	uint32_t p;

	memcpy(&key.src, addrs, 2 * sizeof(key.src));
	memcpy(&p, ports, sizeof(p));
	key.rest = p | (uint64_t)proto << 32;
	return key;
}

static inline uint64_t
conn_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t
conn_hash4(const uint64_t seed[6], const struct conn_key4 *key)
{
	return conn_mix(conn_mix(key->addrs ^ seed[0], key->rest ^ seed[1]) ^ seed[2], seed[3]);
}

static inline uint64_t
conn_hash6(const uint64_t seed[6], const struct conn_key6 *key)
{
	uint64_t h = conn_mix(key->src.u64[0] ^ seed[0], key->src.u64[1] ^ seed[1]);

	h = conn_mix(h ^ key->dst.u64[0], key->dst.u64[1] ^ seed[2]);
	h = conn_mix(h ^ key->rest, seed[5]);
	return conn_mix(h ^ seed[3], seed[4]);
}

static inline uint32_t
conn_index(const struct conn_table *t, const struct conn *c)
{
	return (uint32_t)(c - t->conns);
}

static inline struct conn_addrs6 *
conn_addrs6(const struct conn_table *t, const struct conn *c)
{
	return &t->addrs6[c - t->conns];
}

/** conn_table_init: room for @max connections, touched when used. Returns 0 or -ENOMEM. */
int conn_table_init(struct conn_table *t, uint32_t max);
void conn_table_fini(struct conn_table *t);

/** conn_table_bytes: memory of one connection in all, its share of the hash table included. */
double conn_table_bytes(const struct conn_table *t);

/** conn_alloc: an unused connection, zeroed; NULL: table full. conn_free: gives it back. */
struct conn *conn_alloc(struct conn_table *t);
void conn_free(struct conn_table *t, struct conn *c);

/**
 * conn_table_settle: what was freed may be used again; for a moment when no packet is on its way through the
 * graph. A packet knows its connection by index: were it used again within a vector, the last packet of the
 * old connection would go to the new one's server, or to another client's.
 */
void conn_table_settle(struct conn_table *t);

/**
 * conn_link: puts the key of direction @dir into the hash table; addresses, ports, af and proto are set.
 * Returns 0 or -ENOSPC (overflow buckets are used up). conn_unlink: takes it out again.
 */
int conn_link(struct conn_table *t, struct conn *c, unsigned int dir);
void conn_unlink(struct conn_table *t, struct conn *c, unsigned int dir);

/** conn_prefetch: the buckets that conn_unlink() of @c will need. */
void conn_prefetch(const struct conn_table *t, const struct conn *c);

/**
 * conn_find4, conn_find6: reference (index << 1 | direction) for a key; CONN_NONE: not there.
 * conn_find4_bulk, conn_find6_bulk: the same for @n keys, with prefetches between the steps.
 */
uint32_t conn_find4(const struct conn_table *t, const struct conn_key4 *key);
uint32_t conn_find6(const struct conn_table *t, const struct conn_key6 *key);
void conn_find4_bulk(const struct conn_table *t, const struct conn_key4 *keys, unsigned int n,
		     uint32_t *ret_refs);
void conn_find6_bulk(const struct conn_table *t, const struct conn_key6 *keys, unsigned int n,
		     uint32_t *ret_refs);

/** Most keys of one bulk look-up. */
#define CONN_BULK 64

/**
 * conn_timer_set: the connection ends timeout_ms after last_ms. conn_timer_sooner: the same after that became
 * earlier; mostly the wheel looks at it before that anyway. (What became later the wheel finds out by itself.)
 */
void conn_timer_set(struct conn_table *t, struct conn *c);
void conn_timer_sooner(struct conn_table *t, struct conn *c);
void conn_timer_del(struct conn_table *t, struct conn *c);

/**
 * conn_timer_run: calls @end for connections that were idle too long; it must conn_free() them. Looks at no
 * more than @budget connections and slots. Returns how many ended.
 */
unsigned int conn_timer_run(struct conn_table *t, uint32_t now_ms, unsigned int budget,
			    void (*end)(struct conn_table *t, struct conn *c));

#endif
