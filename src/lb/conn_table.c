/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and hash table of a worker's connections; see conn_table.h.
 */
#include "lb/conn_table.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <rte_prefetch.h>
#include <rte_random.h>

#include "lb/conn_find.h"

#define HUGE_PAGE ((size_t)2 << 20)

/*
 * Zero pages that the kernel gives when they are touched, huge ones if it has them. Not from DPDK's heap:
 * that is pinned and would hold the memory of a table that never fills.
 */
static void *
table_map(size_t *bytes)
{
	char *p, *aligned;
	size_t head;

	*bytes = RTE_ALIGN_CEIL(*bytes, HUGE_PAGE);
	p = mmap(NULL, *bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	aligned = RTE_PTR_ALIGN_CEIL(p, HUGE_PAGE);
	head = (size_t)(aligned - p);
	if (head > 0)
		munmap(p, head);
	munmap(aligned + *bytes, HUGE_PAGE - head);
	/* Without huge pages it is only slower. */
	(void)madvise(aligned, *bytes, MADV_HUGEPAGE);
	return aligned;
}

int
conn_table_init(struct conn_table *t, uint32_t max)
{
	uint64_t buckets = 64;

	memset(t, 0, sizeof(*t));
	if (getrandom(t->seed, sizeof(t->seed), 0) != (ssize_t)sizeof(t->seed)) {
		for (unsigned int i = 0; i < RTE_DIM(t->seed); i++)
			t->seed[i] = rte_rand();
	}

	/* Two keys a connection, at most four to a bucket on average: 2 % of the buckets overflow. */
	while (buckets * CONN_BUCKET_ENTRIES / 2 < (uint64_t)max * 2)
		buckets *= 2;
	t->mask = buckets - 1;
	t->max = max;
	t->fresh = 1;
	t->over_fresh = (uint32_t)buckets;
	t->over_end = (uint32_t)(buckets + buckets / 8);

	t->conns_bytes = ((size_t)max + 1) * sizeof(*t->conns);
	t->addrs6_bytes = ((size_t)max + 1) * sizeof(*t->addrs6);
	t->buckets_bytes = (size_t)t->over_end * sizeof(*t->buckets);
	t->conns = table_map(&t->conns_bytes);
	t->addrs6 = table_map(&t->addrs6_bytes);
	t->buckets = table_map(&t->buckets_bytes);
	t->wheel = calloc(CONN_WHEEL_SLOTS * CONN_WHEEL_LANES, sizeof(*t->wheel));
	if (t->conns == NULL || t->addrs6 == NULL || t->buckets == NULL || t->wheel == NULL) {
		conn_table_fini(t);
		return -ENOMEM;
	}
	return 0;
}

void
conn_table_fini(struct conn_table *t)
{
	if (t->conns != NULL)
		munmap(t->conns, t->conns_bytes);
	if (t->addrs6 != NULL)
		munmap(t->addrs6, t->addrs6_bytes);
	if (t->buckets != NULL)
		munmap(t->buckets, t->buckets_bytes);
	free(t->wheel);
	memset(t, 0, sizeof(*t));
}

double
conn_table_bytes(const struct conn_table *t)
{
	double shared = (double)t->over_end * sizeof(*t->buckets) +
			CONN_WHEEL_SLOTS * CONN_WHEEL_LANES * sizeof(*t->wheel);

	return sizeof(*t->conns) + sizeof(*t->addrs6) + shared / t->max;
}

struct conn *
conn_alloc(struct conn_table *t)
{
	struct conn *c;

	if (t->free != CONN_NONE) {
		c = &t->conns[t->free];
		t->free = c->timer_next;
		/* The one for the next call: it has not been used for a while. */
		rte_prefetch0(&t->conns[t->free]);
		rte_prefetch0((const char *)&t->conns[t->free] + RTE_CACHE_LINE_SIZE);
		memset(c, 0, sizeof(*c));
	} else if (t->fresh <= t->max) {
		c = &t->conns[t->fresh++];
	} else if (t->leaving != CONN_NONE) {
		/* A table without any other room. */
		conn_table_settle(t);
		return conn_alloc(t);
	} else {
		return NULL;
	}
	c->timer_slot = CONN_TIMER_OFF;
	t->count++;
	return c;
}

void
conn_free(struct conn_table *t, struct conn *c)
{
	c->flags |= CONN_F_LEFT;
	if (t->leaving == CONN_NONE)
		t->leaving_last = conn_index(t, c);
	c->timer_next = t->leaving;
	t->leaving = conn_index(t, c);
	t->count--;
}

void
conn_table_settle(struct conn_table *t)
{
	if (t->leaving == CONN_NONE)
		return;
	t->conns[t->leaving_last].timer_next = t->free;
	t->free = t->leaving;
	t->leaving = CONN_NONE;
}

static struct conn_key4
key4_of(const struct conn *c, unsigned int dir)
{
	return conn_tuple_key4(&c->tuple[dir], c->tuple[dir].dport, c->proto);
}

static struct conn_key6
key6_of(const struct conn_table *t, const struct conn *c, unsigned int dir)
{
	return conn_key6(&conn_addrs6(t, c)->dir[dir].src, &c->tuple[dir].sport, c->proto);
}

static uint64_t
hash_of(const struct conn_table *t, const struct conn *c, unsigned int dir)
{
	if (c->af == AF_INET) {
		struct conn_key4 key = key4_of(c, dir);

		return conn_hash4(t->seed, &key);
	} else {
		struct conn_key6 key = key6_of(t, c, dir);

		return conn_hash6(t->seed, &key);
	}
}

uint32_t
conn_chain4(const struct conn_table *t, uint64_t hash, const struct conn_key4 *key)
{
	uint64_t i = hash & t->mask;

	do {
		const struct conn_bucket *b = &t->buckets[i];
		uint32_t match = conn_bucket_match(b, conn_sig(hash));

		while (match != 0) {
			unsigned int e = (unsigned int)__builtin_ctz(match) / 2;
			uint32_t ref = b->ref[e];

			if (conn_equals4(&t->conns[ref >> 1], ref & 1, key))
				return ref;
			match &= ~(3u << 2 * e);
		}
		i = b->next;
	} while (i != 0);
	return CONN_NONE;
}

uint32_t
conn_chain6(const struct conn_table *t, uint64_t hash, const struct conn_key6 *key)
{
	uint64_t i = hash & t->mask;

	do {
		const struct conn_bucket *b = &t->buckets[i];
		uint32_t match = conn_bucket_match(b, conn_sig(hash));

		while (match != 0) {
			unsigned int e = (unsigned int)__builtin_ctz(match) / 2;
			uint32_t ref = b->ref[e];

			if (conn_equals6(t, &t->conns[ref >> 1], ref & 1, key))
				return ref;
			match &= ~(3u << 2 * e);
		}
		i = b->next;
	} while (i != 0);
	return CONN_NONE;
}

uint32_t
conn_find4(const struct conn_table *t, const struct conn_key4 *key)
{
	return conn_chain4(t, conn_hash4(t->seed, key), key);
}

uint32_t
conn_find6(const struct conn_table *t, const struct conn_key6 *key)
{
	return conn_chain6(t, conn_hash6(t->seed, key), key);
}

/*
 * Three passes, so that a pass finds in the cache what the one before asked for; see conn_find.h.
 */
void
conn_find4_bulk(const struct conn_table *t, const struct conn_key4 *keys, unsigned int n,
		uint32_t *ret_refs)
{
	uint64_t hash[CONN_BULK];

	for (unsigned int i = 0; i < n; i++)
		hash[i] = conn_want4(t, &keys[i]);
	for (unsigned int i = 0; i < n; i++)
		ret_refs[i] = conn_candidate4(t, hash[i]);
	for (unsigned int i = 0; i < n; i++)
		ret_refs[i] = conn_found4(t, ret_refs[i], hash[i], &keys[i]);
}

void
conn_find6_bulk(const struct conn_table *t, const struct conn_key6 *keys, unsigned int n,
		uint32_t *ret_refs)
{
	uint64_t hash[CONN_BULK];

	for (unsigned int i = 0; i < n; i++)
		hash[i] = conn_want6(t, &keys[i]);
	for (unsigned int i = 0; i < n; i++)
		ret_refs[i] = conn_candidate6(t, hash[i]);
	for (unsigned int i = 0; i < n; i++)
		ret_refs[i] = conn_found6(t, ret_refs[i], hash[i], &keys[i]);
}

static uint32_t
overflow_alloc(struct conn_table *t)
{
	uint32_t i = t->over_free;

	if (i != 0) {
		t->over_free = t->buckets[i].next;
		memset(&t->buckets[i], 0, sizeof(t->buckets[i]));
		return i;
	}
	return t->over_fresh < t->over_end ? t->over_fresh++ : 0;
}

int
conn_link(struct conn_table *t, struct conn *c, unsigned int dir)
{
	uint64_t hash = hash_of(t, c, dir);
	struct conn_bucket *b = &t->buckets[hash & t->mask];

	t->changes++;
	for (;;) {
		uint32_t empty = conn_bucket_refs(b, CONN_NONE);

		if (empty != 0) {
			unsigned int e = (unsigned int)__builtin_ctz(empty);

			b->sig[e] = conn_sig(hash);
			b->ref[e] = conn_index(t, c) << 1 | dir;
			return 0;
		}
		if (b->next == 0) {
			b->next = overflow_alloc(t);
			if (b->next == 0)
				return -ENOSPC;
		}
		b = &t->buckets[b->next];
	}
}

void
conn_prefetch(const struct conn_table *t, const struct conn *c)
{
	rte_prefetch0(&t->buckets[hash_of(t, c, CONN_IN) & t->mask]);
	if ((c->flags & CONN_F_OUT_KEY) != 0)
		rte_prefetch0(&t->buckets[hash_of(t, c, CONN_OUT) & t->mask]);
}

/* The last entry of the chain fills the hole, so that chains have no holes and end early. */
void
conn_unlink(struct conn_table *t, struct conn *c, unsigned int dir)
{
	uint64_t hash = hash_of(t, c, dir);
	uint32_t ref = conn_index(t, c) << 1 | dir;
	struct conn_bucket *b = &t->buckets[hash & t->mask], *hole_b = NULL, *before = NULL;
	unsigned int hole = 0, last;
	uint32_t match;

	t->changes++;
	t->moves++;
	for (;;) {
		match = conn_bucket_refs(b, ref);
		if (match != 0) {
			hole_b = b;
			hole = (unsigned int)__builtin_ctz(match);
		}
		if (b->next == 0)
			break;
		before = b;
		b = &t->buckets[b->next];
	}
	if (hole_b == NULL)
		return;
	match = conn_bucket_refs(b, CONN_NONE);
	last = (match != 0 ? (unsigned int)__builtin_ctz(match) : CONN_BUCKET_ENTRIES) - 1;
	hole_b->sig[hole] = b->sig[last];
	hole_b->ref[hole] = b->ref[last];
	b->sig[last] = 0;
	b->ref[last] = CONN_NONE;
	if (last == 0 && before != NULL) {
		uint32_t index = before->next;

		before->next = 0;
		b->next = t->over_free;
		t->over_free = index;
	}
}
