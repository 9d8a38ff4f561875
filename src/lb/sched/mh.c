/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduler mh: Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", NSDI 2016, section 3.4). A client always reaches the same server, on every worker and on
 * every director with the same servers in any order, and few clients move when a server comes or goes.
 *
 * Each server has a permutation of the table's slots (offset and skip from a hash of its address and port)
 * and the servers take turns to claim their next free slot, in proportion to their weights: the heaviest
 * claims in each round, a server with a third of its weight in each third; all of them in the first. The size of the
 * table is the same for all services and does not follow the number of servers, or a server more would
 * move everybody.
 *
 * A server with weight 0 keeps its slots (of its last weight above 0), so draining moves nobody else: its
 * new clients are refused, or with mh-fallback hashed again until a usable server is met. As in LVS the
 * client's address is hashed, with mh-port its port too.
 */
#include "lb/sched/mh.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/service.h>

#include "lb/sched.h"
#include "lb/sched/sort.h"
#include "lb/service.h"

/* 8: with half of the servers drained, one client in 256 falls through to the walk over all of them. */
#define REHASH_MAX 8

/** struct mh_table: @slot has @slots places in the service's dests; DEST_NONE when there is no server. */
struct mh_table {
	uint32_t slots;
	uint32_t slot[];
};

#define DEST_NONE UINT32_MAX

/** struct mh_claim: a server while the table is built. */
struct mh_claim {
	uint32_t dest;   /**< place in the service's dests */
	uint32_t weight;
	uint32_t next;   /**< slot that it claims next */
	uint32_t skip;
	uint64_t made;          /**< claims so far */
	struct mh_claim *after; /**< next one of the same round */
};

/** struct mh_round: who claims in a round, in order. */
struct mh_round {
	struct mh_claim *first;
	struct mh_claim *last;
};

/** Values of struct sched_build.phase. */
enum {
	MH_BEGINS,
	MH_IDS,
	MH_SORTS,
	MH_CLAIMS,
	MH_FILLS,
};

/** struct mh_state: while the table is built; all arrays are behind it, in the same piece of memory. */
struct mh_state {
	struct sort sort; /**< of identity and place in the service's dests */
	struct mh_claim *claims;
	struct mh_round *rounds; /**< as many as slots */
	uint64_t *taken;  /**< a bit for each slot: ten slots are looked at for each that is claimed, 2 KiB stay in the cache */
	uint64_t highest; /**< weight */
	uint32_t used;    /**< slots */
	uint32_t round;   /**< the one under way, */
	struct mh_claim *claim; /**< and whose turn it is in it; NULL: over */
};

static uint32_t mh_slots = MH_SLOTS_DEFAULT;

static bool
is_prime(uint32_t n)
{
	for (uint32_t i = 2; i * i <= n; i++) {
		if (n % i == 0)
			return false;
	}
	return n > 1;
}

void
mh_set_slots(uint32_t slots)
{
	while (!is_prime(slots))
		slots++;
	mh_slots = slots;
}

uint32_t
mh_get_slots(void)
{
	return mh_slots;
}

/* A bijective mixer: multiply and shift, constants of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint64_t
hash_addr(const union ip_addr *addr, rte_be16_t port, uint64_t seed)
{
	return mix(mix(mix(seed ^ addr->u64[0]) ^ addr->u64[1]) ^ port);
}

static void
claim_slot(struct mh_table *t, uint64_t *taken, struct mh_claim *claim)
{
	uint32_t next = claim->next;

	/* Ends: slots is prime, so the steps reach every slot, and one is free. */
	while ((taken[next / 64] >> next % 64 & 1) != 0) {
		next += claim->skip;
		if (next >= t->slots)
			next -= t->slots;
	}
	taken[next / 64] |= UINT64_C(1) << next % 64;
	t->slot[next] = claim->dest;
	claim->next = next;
}

/* Adds @claim to those of a round. Rounds from @slots on are never reached: one server claims in each. */
static void
schedule_claim(struct mh_round *rounds, uint32_t slots, struct mh_claim *claim, uint64_t round)
{
	if (round >= slots)
		return;
	claim->after = NULL;
	if (rounds[round].first == NULL)
		rounds[round].first = claim;
	else
		rounds[round].last->after = claim;
	rounds[round].last = claim;
}

static int
mh_begin(struct sched_build *b)
{
	size_t n = b->svc->num_dests;
	size_t slots = mh_slots;
	struct sort_item *items;
	struct mh_state *st;
	struct mh_table *t;

	if (n > slots)
		return -ENOSPC;
	st = calloc(1, sizeof(*st) + n * (2 * sizeof(*items) + sizeof(st->claims[0])) + slots * sizeof(st->rounds[0]) +
		       (slots / 64 + 1) * sizeof(st->taken[0]));
	t = malloc(sizeof(*t) + slots * sizeof(t->slot[0]));
	b->state = st;
	b->table = t;
	if (st == NULL || t == NULL)
		return -ENOMEM;
	items = (struct sort_item *)(st + 1);
	st->sort = sort_of(items, items + n, 0);
	st->claims = (struct mh_claim *)(items + 2 * n);
	st->rounds = (struct mh_round *)(st->claims + n);
	st->taken = (uint64_t *)(st->rounds + slots);
	t->slots = (uint32_t)slots;
	return 0;
}

/* The servers that take part. */
static bool
mh_ids(struct sched_build *b, struct mh_state *st, uint32_t *left)
{
	for (; b->next < b->svc->num_dests; b->next++, --*left) {
		const struct dest *dest = &b->svc->dests[b->next];

		if (*left == 0)
			return false;
		if (dest->last_weight != 0)
			st->sort.from[st->sort.count++] = (struct sort_item){
				.key = hash_addr(&dest->addr, dest->port, 1), .value = b->next,
			};
	}
	return true;
}

/* The same in an order that does not depend on the order of adding. */
static bool
mh_claims(struct sched_build *b, struct mh_state *st, uint32_t *left)
{
	struct mh_table *t = b->table;

	for (; b->next < st->sort.count; b->next++, --*left) {
		const struct sort_item *item = &st->sort.from[b->next];
		struct mh_claim *claim = &st->claims[b->next];

		if (*left == 0)
			return false;
		*claim = (struct mh_claim){
			.dest = (uint32_t)item->value,
			.weight = b->svc->dests[item->value].last_weight,
			.next = (uint32_t)(item->key % t->slots),
			.skip = (uint32_t)(mix(item->key) % (t->slots - 1)) + 1,
		};
		st->highest = claim->weight > st->highest ? claim->weight : st->highest;
		schedule_claim(st->rounds, t->slots, claim, 0);
	}
	if (st->sort.count == 0)
		memset(t->slot, 0xff, t->slots * sizeof(t->slot[0])); /* DEST_NONE */
	else
		st->claim = st->rounds[0].first;
	return true;
}

/*
 * Claim number n of a server is due in round n * highest weight / its weight, rounded up. So the work
 * is in proportion to the slots, whatever the weights are.
 */
static bool
mh_fill(struct mh_table *t, struct mh_state *st, uint32_t *left)
{
	if (st->sort.count == 0)
		return true;
	for (; st->used < t->slots; --*left) {
		struct mh_claim *claim = st->claim;

		if (*left == 0)
			return false;
		if (claim == NULL) {
			st->claim = st->rounds[++st->round].first;
			continue;
		}
		st->claim = claim->after;
		claim_slot(t, st->taken, claim);
		st->used++;
		claim->made++;
		schedule_claim(st->rounds, t->slots, claim,
			       (claim->made * st->highest + claim->weight - 1) / claim->weight);
	}
	return true;
}

static int
mh_build(struct sched_build *b)
{
	struct mh_state *st = b->state;
	uint32_t left = SCHED_STEP;
	bool over = true;
	int err;

	while (over) {
		switch (b->phase) {
		case MH_BEGINS:
			err = mh_begin(b);
			if (err != 0)
				return err;
			st = b->state;
			break;
		case MH_IDS:
			over = mh_ids(b, st, &left);
			break;
		case MH_SORTS:
			over = sort_step(&st->sort, &left);
			break;
		case MH_CLAIMS:
			over = mh_claims(b, st, &left);
			break;
		default:
			if (!mh_fill(b->table, st, &left))
				return SCHED_MORE;
			free(st);
			b->state = NULL;
			return 0;
		}
		if (over) {
			b->phase++;
			b->next = 0;
		}
	}
	return SCHED_MORE;
}

/* The usable server in the slot of @hash, or NULL. */
static const struct dest *
usable(const struct service *svc, const struct mh_table *t, uint64_t hash)
{
	uint32_t place = t->slot[hash % t->slots];

	if (place == DEST_NONE || svc->dests[place].weight == 0)
		return NULL;
	return &svc->dests[place];
}

static const struct dest *
mh_pick(const struct service *svc, struct sched_lcore *state, const struct flow *flow)
{
	const struct mh_table *t = svc->sched_table;
	rte_be16_t port = svc->sched_flags & DPVS_SCHED_MH_PORT ? flow->client_port : 0;
	uint64_t hash = hash_addr(&flow->client, port, 2);
	const struct dest *dest = usable(svc, t, hash);

	(void)state;
	if (dest != NULL || !(svc->sched_flags & DPVS_SCHED_MH_FALLBACK))
		return dest;
	for (unsigned int i = 0; i < REHASH_MAX && dest == NULL; i++) {
		hash = mix(hash);
		dest = usable(svc, t, hash);
	}
	for (uint32_t i = 0; i < svc->num_dests && dest == NULL; i++) {
		const struct dest *next = &svc->dests[(hash + i) % svc->num_dests];

		dest = next->weight > 0 ? next : NULL;
	}
	return dest;
}

const struct sched_ops sched_mh = {
	.name = "mh",
	.flags = DPVS_SCHED_MH_FALLBACK | DPVS_SCHED_MH_PORT,
	.build = mh_build,
	.pick = mh_pick,
};
