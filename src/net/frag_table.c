/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams that arrive in pieces: see frag_table.h. Queues are an array made at start: in a list of free
 * ones, or in a bucket and in a list by age (all have the same time-out, so the oldest ends first).
 */
#include "net/frag_table.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_jhash.h>

#define NONE UINT32_MAX

struct frag_table {
	struct frag_table_params params;
	struct frag_queue *queues;
	uint32_t *buckets;
	uint32_t mask;   /**< of the buckets */
	uint32_t free;   /**< first free queue; they are linked by .chain */
	uint32_t oldest;
	uint32_t newest;
	uint32_t count;
	uint32_t held;
};

struct frag_table *
frag_table_new(const struct frag_table_params *params)
{
	struct frag_table *t = calloc(1, sizeof(*t));
	uint32_t buckets = rte_align32pow2(2 * params->max_datagrams);

	if (t == NULL)
		return NULL;
	t->params = *params;
	/* calloc: pages that no datagram needs are never touched. */
	t->queues = calloc(params->max_datagrams, sizeof(*t->queues));
	t->buckets = malloc(buckets * sizeof(*t->buckets));
	if (t->queues == NULL || t->buckets == NULL) {
		frag_table_free(t);
		return NULL;
	}
	t->mask = buckets - 1;
	for (uint32_t i = 0; i < buckets; i++)
		t->buckets[i] = NONE;
	for (uint32_t i = 0; i < params->max_datagrams; i++)
		t->queues[i].chain = i + 1 < params->max_datagrams ? i + 1 : NONE;
	t->oldest = NONE;
	t->newest = NONE;
	return t;
}

static uint32_t
frag_index(const struct frag_table *t, const struct frag_queue *q)
{
	return (uint32_t)(q - t->queues);
}

void
frag_table_done(struct frag_table *t, struct frag_queue *q)
{
	uint32_t index = frag_index(t, q);
	uint32_t *link = &t->buckets[q->hash & t->mask];

	while (*link != index)
		link = &t->queues[*link].chain;
	*link = q->chain;
	if (q->older != NONE)
		t->queues[q->older].newer = q->newer;
	else
		t->oldest = q->newer;
	if (q->newer != NONE)
		t->queues[q->newer].older = q->older;
	else
		t->newest = q->older;
	t->held -= q->num_parts;
	t->count--;
	q->num_parts = 0;
	q->chain = t->free;
	t->free = index;
}

/** frag_drop_parts: gives up all fragments of @q. */
static void
frag_drop_parts(struct frag_table *t, struct frag_queue *q, enum frag_drop why)
{
	for (uint16_t i = 0; i < q->num_parts; i++)
		t->params.drop(q->parts[i].m, why);
	t->held -= q->num_parts;
	q->num_parts = 0;
}

static void
frag_evict_oldest(struct frag_table *t)
{
	struct frag_queue *q = &t->queues[t->oldest];

	frag_drop_parts(t, q, FRAG_DROP_EVICTED);
	frag_table_done(t, q);
}

static struct frag_queue *
frag_find(struct frag_table *t, const struct frag_key *key, uint32_t hash)
{
	for (uint32_t i = t->buckets[hash & t->mask]; i != NONE; i = t->queues[i].chain) {
		struct frag_queue *q = &t->queues[i];

		if (q->hash == hash && memcmp(&q->key, key, sizeof(*key)) == 0)
			return q;
	}
	return NULL;
}

static struct frag_queue *
frag_new(struct frag_table *t, const struct frag_key *key, uint32_t hash, uint64_t now_ms)
{
	struct frag_queue *q;
	uint32_t index;

	if (t->free == NONE)
		frag_evict_oldest(t);
	index = t->free;
	q = &t->queues[index];
	t->free = q->chain;
	t->count++;

	q->key = *key;
	q->since_ms = now_ms;
	q->hash = hash;
	q->total = UINT32_MAX;
	q->have = 0;
	q->largest = 0;
	q->num_parts = 0;
	q->poisoned = false;
	q->chain = t->buckets[hash & t->mask];
	t->buckets[hash & t->mask] = index;
	q->older = t->newest;
	q->newer = NONE;
	if (t->newest != NONE)
		t->queues[t->newest].newer = index;
	else
		t->oldest = index;
	t->newest = index;
	return q;
}

/** frag_place: where a fragment belongs in @q->parts; false: it says what others say too. */
static bool
frag_place(const struct frag_queue *q, uint32_t first, uint32_t end, uint16_t *ret_at, bool *ret_same)
{
	uint16_t at = q->num_parts;

	*ret_same = false;
	while (at > 0 && q->parts[at - 1].first >= first)
		at--;
	*ret_at = at;
	if (at < q->num_parts && q->parts[at].first < end) {
		*ret_same = q->parts[at].first == first && q->parts[at].end == end;
		return false;
	}
	return at == 0 || q->parts[at - 1].end <= first;
}

struct frag_queue *
frag_table_add(struct frag_table *t, const struct frag_key *key, struct rte_mbuf *m, uint32_t first,
	       uint32_t end, bool more, uint16_t l3_size, uint64_t now_ms)
{
	uint32_t hash = rte_jhash(key, sizeof(*key), t->params.seed);
	struct frag_queue *q = frag_find(t, key, hash);
	enum frag_drop why = FRAG_DROP_OVERLAP;
	uint16_t at;
	bool same;

	/* Time is over though the job has not seen it yet: this is another datagram with the same number. */
	if (q != NULL && now_ms - q->since_ms >= t->params.timeout_ms) {
		frag_drop_parts(t, q, FRAG_DROP_TIMEOUT);
		frag_table_done(t, q);
		q = NULL;
	}
	if (q == NULL)
		q = frag_new(t, key, hash, now_ms);
	if (q->poisoned)
		goto drop_one;

	/* Two ends, or something behind the end, is an overlap too: it makes two datagrams of one. */
	if (q->total != UINT32_MAX ? (end > q->total || (!more && end != q->total))
				   : (!more && q->num_parts > 0 && q->parts[q->num_parts - 1].end > end))
		goto poison;
	if (!frag_place(q, first, end, &at, &same)) {
		if (!same)
			goto poison;
		/* The network doubled it (RFC 8200 4.5 allows to keep the rest). */
		why = FRAG_DROP_DUPLICATE;
		goto drop_one;
	}
	if (q->num_parts == FRAG_PARTS_MAX) {
		why = FRAG_DROP_TOO_MANY;
		goto poison;
	}
	while (t->held >= t->params.max_fragments) {
		if (t->oldest == frag_index(t, q)) {
			why = FRAG_DROP_EVICTED;
			goto poison;
		}
		frag_evict_oldest(t);
	}

	memmove(&q->parts[at + 1], &q->parts[at], (q->num_parts - at) * sizeof(q->parts[0]));
	q->parts[at] = (struct frag_part){ .m = m, .first = first, .end = end };
	q->num_parts++;
	t->held++;
	q->have += end - first;
	if (!more)
		q->total = end;
	if (l3_size > q->largest)
		q->largest = l3_size;
	return q->have == q->total ? q : NULL;

poison:
	q->poisoned = true;
	frag_drop_parts(t, q, why);
drop_one:
	t->params.drop(m, why);
	return NULL;
}

unsigned int
frag_table_expire(struct frag_table *t, uint64_t now_ms)
{
	unsigned int count = 0;

	while (t->oldest != NONE) {
		struct frag_queue *q = &t->queues[t->oldest];

		if (now_ms - q->since_ms < t->params.timeout_ms)
			break;
		if (q->num_parts > 0 && q->parts[0].first == 0) {
			t->params.expired(q->parts[0].m);
			q->num_parts--;
			t->held--;
			memmove(&q->parts[0], &q->parts[1], q->num_parts * sizeof(q->parts[0]));
		}
		frag_drop_parts(t, q, FRAG_DROP_TIMEOUT);
		frag_table_done(t, q);
		count++;
	}
	return count;
}

uint32_t
frag_table_held(const struct frag_table *t)
{
	return t->held;
}

uint32_t
frag_table_count(const struct frag_table *t)
{
	return t->count;
}

void
frag_table_free(struct frag_table *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = t->oldest; t->count > 0 && i != NONE; i = t->queues[i].newer) {
		for (uint16_t p = 0; p < t->queues[i].num_parts; p++)
			rte_pktmbuf_free(t->queues[i].parts[p].m);
	}
	free(t->queues);
	free(t->buckets);
	free(t);
}
