/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table from (address, port, protocol) to a pointer, for one address family: open addressing, linear
 * probing, at most half full, removal by moving back (no tombstones, so a look-up never gets slower with
 * age). Each worker has a table of its own in each use (lb/replica.h); IPv4 entries are 16 bytes, four to a
 * cache line.
 *
 * Thread-safety: one owner; no lock. new, free and insert of a table nobody owns yet: main lcore.
 */
#ifndef ADDR_TABLE_H
#define ADDR_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/pkt.h"

/** struct addr_key: port in network order; port and protocol 0 where they mean nothing. */
struct addr_key {
	union ip_addr addr;
	rte_be16_t port;
	uint8_t proto;
	uint8_t af;
};

/** struct addr_slot4: @key is 0 in an empty one, else see addr_table_rest(). */
struct addr_slot4 {
	uint64_t key; /**< address, and the rest shifted by 32 */
	const void *value;
};

/** struct addr_slot6: @rest is 0 in an empty one. */
struct addr_slot6 {
	uint64_t addr[2];
	uint64_t rest;
	const void *value;
};

/** struct addr_table: see each member. */
struct addr_table {
	uint32_t mask;  /**< number of slots less 1; a power of two less 1 */
	uint32_t shift; /**< 64 less the number of bits of @mask */
	uint32_t used;
	uint32_t af;
	union {
		struct addr_slot4 *slot4;
		struct addr_slot6 *slot6;
	};
};

/** addr_table_rest: port, protocol, and a bit that tells a key from an empty slot. */
static inline uint32_t
addr_table_rest(uint8_t proto, rte_be16_t port)
{
	return 1u << 31 | (uint32_t)proto << 16 | port;
}

static inline uint64_t
addr_table_hash4(uint64_t key)
{
	/* Fibonacci hashing: the top bits of a product with 2^64 / golden ratio depend on all of the key. */
	return (key ^ key >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t
addr_table_hash6(const uint64_t addr[2], uint64_t rest)
{
	uint64_t h = (addr[0] ^ rest) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ addr[1]) * UINT64_C(0x9e3779b97f4a7c15);
	return (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

/** addr_table_find4: the value of an IPv4 key, or NULL. */
static inline const void *
addr_table_find4(const struct addr_table *t, rte_be32_t addr, uint8_t proto, rte_be16_t port)
{
	uint64_t key = (uint64_t)addr_table_rest(proto, port) << 32 | addr;
	uint64_t i = addr_table_hash4(key) >> t->shift;

	for (;; i++) {
		const struct addr_slot4 *slot = &t->slot4[i & t->mask];

		if (slot->key == key)
			return slot->value;
		if (slot->key == 0)
			return NULL;
	}
}

/** addr_table_find6: the value of an IPv6 key, or NULL. */
static inline const void *
addr_table_find6(const struct addr_table *t, const union ip_addr *addr, uint8_t proto, rte_be16_t port)
{
	uint64_t rest = addr_table_rest(proto, port);
	uint64_t i = addr_table_hash6(addr->u64, rest) >> t->shift;

	for (;; i++) {
		const struct addr_slot6 *slot = &t->slot6[i & t->mask];

		if (slot->addr[0] == addr->u64[0] && slot->addr[1] == addr->u64[1] && slot->rest == rest)
			return slot->value;
		if (slot->rest == 0)
			return NULL;
	}
}

/** addr_table_find: of either family. @key->af must be the table's. */
static inline const void *
addr_table_find(const struct addr_table *t, const struct addr_key *key)
{
	return t->af == AF_INET ? addr_table_find4(t, key->addr.ip4, key->proto, key->port)
				: addr_table_find6(t, &key->addr, key->proto, key->port);
}

/** addr_table_new: room for @capacity keys; NULL: out of memory. */
struct addr_table *addr_table_new(uint8_t af, uint32_t capacity);
void addr_table_free(struct addr_table *t);

/** addr_table_capacity: keys that fit. */
uint32_t addr_table_capacity(const struct addr_table *t);

/** addr_table_set: adds @key or replaces its value; the caller has seen to the room. @value is not NULL. */
void addr_table_set(struct addr_table *t, const struct addr_key *key, const void *value);

/** addr_table_remove: Returns false when @key was not there. */
bool addr_table_remove(struct addr_table *t, const struct addr_key *key);

/**
 * addr_table_copy: adds what is in @count slots of @from, from slot @first on, to @to, which has the room;
 * slots past the last one are none.
 */
void addr_table_copy(struct addr_table *to, const struct addr_table *from, uint32_t first, uint32_t count);

/** addr_table_at: key and value in slot @i, which is at most t->mask; NULL: it is empty. */
const void *addr_table_at(const struct addr_table *t, uint64_t i, struct addr_key *ret_key);

/** addr_table_each: calls @fn for each key, in no order. */
void addr_table_each(const struct addr_table *t,
		     void (*fn)(const struct addr_key *key, const void *value, void *arg), void *arg);

#endif
