/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-up in the connection table in three steps, so that callers do each for a whole vector of packets and
 * have work of their own between them, while memory is on its way: conn_want*() asks for the bucket of a
 * key, conn_candidate*() for the connection that the bucket names, conn_found*() compares the key.
 *
 * Thread-safety: the worker that owns the table.
 */
#ifndef CONN_FIND_H
#define CONN_FIND_H

#include <sys/socket.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_vect.h>

#include "lb/conn_table.h"

static inline uint16_t
conn_sig(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

/** conn_bucket_match: bits 2i and 2i + 1 are set when entry i has signature @sig; it may be a free entry. */
static inline uint32_t
conn_bucket_match(const struct conn_bucket *b, uint16_t sig)
{
#ifdef __SSE2__
	__m128i sigs = _mm_load_si128((const __m128i *)b->sig);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(sigs, _mm_set1_epi16((short)sig)));
#else
	uint32_t match = 0;

	for (unsigned int i = 0; i < CONN_BUCKET_ENTRIES; i++)
		match |= (b->sig[i] == sig ? 3u : 0u) << 2 * i;
	return match;
#endif
}

/** conn_bucket_refs: bit i is set when entry i has reference @ref; CONN_NONE: when it is free. */
static inline uint32_t
conn_bucket_refs(const struct conn_bucket *b, uint32_t ref)
{
#ifdef __SSE2__
	const __m128i *refs = (const __m128i *)b->ref;
	__m128i want = _mm_set1_epi32((int)ref);
	__m128i low = _mm_cmpeq_epi32(_mm_load_si128(&refs[0]), want);
	__m128i high = _mm_cmpeq_epi32(_mm_load_si128(&refs[1]), want);

	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(low)) |
	       (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
#else
	uint32_t match = 0;

	for (unsigned int i = 0; i < CONN_BUCKET_ENTRIES; i++)
		match |= (b->ref[i] == ref ? 1u : 0u) << i;
	return match;
#endif
}

static inline bool
conn_equals4(const struct conn *c, unsigned int dir, const struct conn_key4 *key)
{
	struct conn_key4 own = conn_key4(&c->tuple[dir].src, &c->tuple[dir].sport, c->proto);

	return ((own.addrs ^ key->addrs) | (own.rest ^ key->rest)) == 0 && c->af == AF_INET;
}

static inline bool
conn_equals6(const struct conn_table *t, const struct conn *c, unsigned int dir, const struct conn_key6 *key)
{
	const struct conn_addrs6 *a = conn_addrs6(t, c);
	uint32_t ports;

	memcpy(&ports, &c->tuple[dir].sport, sizeof(ports));
	return ((a->dir[dir].src.u64[0] ^ key->src.u64[0]) |
		(a->dir[dir].src.u64[1] ^ key->src.u64[1]) |
		(a->dir[dir].dst.u64[0] ^ key->dst.u64[0]) |
		(a->dir[dir].dst.u64[1] ^ key->dst.u64[1]) |
		((ports | (uint64_t)c->proto << 32) ^ key->rest)) == 0 &&
	       c->af == AF_INET6;
}

/** conn_chain4, conn_chain6: the whole look-up of a key with hash @hash. */
uint32_t conn_chain4(const struct conn_table *t, uint64_t hash, const struct conn_key4 *key);
uint32_t conn_chain6(const struct conn_table *t, uint64_t hash, const struct conn_key6 *key);

/** conn_want4, conn_want6: return the hash. */
static __rte_always_inline uint64_t
conn_want4(const struct conn_table *t, const struct conn_key4 *key)
{
	uint64_t hash = conn_hash4(t->seed, key);

	rte_prefetch0(&t->buckets[hash & t->mask]);
	return hash;
}

static __rte_always_inline uint64_t
conn_want6(const struct conn_table *t, const struct conn_key6 *key)
{
	uint64_t hash = conn_hash6(t->seed, key);

	rte_prefetch0(&t->buckets[hash & t->mask]);
	return hash;
}

/**
 * conn_candidate4, conn_candidate6: the first entry with the right signature; CONN_NONE: there is none in
 * the home bucket. Other matches and overflow buckets are rare enough to be left to conn_found*().
 */
static __rte_always_inline uint32_t
conn_candidate4(const struct conn_table *t, uint64_t hash)
{
	const struct conn_bucket *b = &t->buckets[hash & t->mask];
	uint32_t match = conn_bucket_match(b, conn_sig(hash));
	uint32_t ref = match != 0 ? b->ref[__builtin_ctz(match) / 2] : CONN_NONE;
	const struct conn *c = &t->conns[ref >> 1];

	rte_prefetch0(c);
	rte_prefetch0((const char *)c + RTE_CACHE_LINE_SIZE);
	return ref;
}

static __rte_always_inline uint32_t
conn_candidate6(const struct conn_table *t, uint64_t hash)
{
	uint32_t ref = conn_candidate4(t, hash);

	rte_prefetch0(&t->addrs6[ref >> 1]);
	return ref;
}

/**
 * conn_found4, conn_found6: reference (index << 1 | direction) for @key, CONN_NONE: not there. @candidate: from
 * conn_candidate*(), no conn_unlink() since.
 */
static __rte_always_inline uint32_t
conn_found4(const struct conn_table *t, uint32_t candidate, uint64_t hash, const struct conn_key4 *key)
{
	if (likely(conn_equals4(&t->conns[candidate >> 1], candidate & 1, key)))
		return candidate;
	return conn_chain4(t, hash, key);
}

static __rte_always_inline uint32_t
conn_found6(const struct conn_table *t, uint32_t candidate, uint64_t hash, const struct conn_key6 *key)
{
	if (likely(conn_equals6(t, &t->conns[candidate >> 1], candidate & 1, key)))
		return candidate;
	return conn_chain6(t, hash, key);
}

#endif
