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
	uint64_t id;     /**< hash of address and port: orders the servers alike everywhere */
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

static int
by_id(const void *va, const void *vb)
{
	const struct mh_claim *a = va;
	const struct mh_claim *b = vb;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* The servers that take part, in an order that does not depend on the order of adding. */
static uint32_t
make_claims(const struct service *svc, struct mh_claim *claims, uint32_t slots)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < svc->num_dests; i++) {
		const struct dest *dest = &svc->dests[i];
		uint64_t id = hash_addr(&dest->addr, dest->port, 1);

		if (dest->last_weight == 0)
			continue;
		claims[count++] = (struct mh_claim){
			.id = id,
			.dest = i,
			.weight = dest->last_weight,
			.next = (uint32_t)(id % slots),
			.skip = (uint32_t)(mix(id) % (slots - 1)) + 1,
		};
	}
	qsort(claims, count, sizeof(*claims), by_id);
	return count;
}

/* @taken has a bit for each slot: ten slots are looked at for each that is claimed, and 2 KiB stay in the cache. */
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

/*
 * Claim number n of a server is due in round n * highest weight / its weight, rounded up. So the work
 * is in proportion to the slots, whatever the weights are.
 */
static void
fill(struct mh_table *t, uint64_t *taken, struct mh_claim *claims, uint32_t count, struct mh_round *rounds)
{
	uint64_t highest = 0;
	uint32_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		highest = claims[i].weight > highest ? claims[i].weight : highest;
		schedule_claim(rounds, t->slots, &claims[i], 0);
	}
	for (uint32_t round = 0; used < t->slots; round++) {
		struct mh_claim *claim = rounds[round].first;

		while (claim != NULL && used < t->slots) {
			struct mh_claim *after = claim->after;

			claim_slot(t, taken, claim);
			used++;
			claim->made++;
			schedule_claim(rounds, t->slots, claim,
				       (claim->made * highest + claim->weight - 1) / claim->weight);
			claim = after;
		}
	}
}

static int
mh_build(const struct service *svc, void **ret_table)
{
	uint32_t slots = mh_slots;
	struct mh_claim *claims = NULL;
	struct mh_round *rounds = NULL;
	uint64_t *taken = NULL;
	struct mh_table *t = NULL;
	uint32_t count;

	if (svc->num_dests > slots)
		return -ENOSPC;
	claims = malloc((svc->num_dests + 1) * sizeof(*claims));
	rounds = calloc(slots, sizeof(*rounds));
	taken = calloc(slots / 64 + 1, sizeof(*taken));
	t = malloc(sizeof(*t) + slots * sizeof(t->slot[0]));
	if (claims == NULL || rounds == NULL || taken == NULL || t == NULL) {
		free(claims);
		free(rounds);
		free(taken);
		free(t);
		return -ENOMEM;
	}
	t->slots = slots;
	memset(t->slot, 0xff, slots * sizeof(t->slot[0]));
	count = make_claims(svc, claims, slots);
	if (count > 0)
		fill(t, taken, claims, count, rounds);
	free(claims);
	free(rounds);
	free(taken);
	*ret_table = t;
	return 0;
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
