/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedulers: who gets how many connections, in what order, with which weights; that drained servers get
 * none; that Maglev's tables are the same everywhere and move few clients. No EAL.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include <rte_cycles.h>

#include <dpvsctrl/proto/service.h>

#include "fake_core.h"
#include "lb/sched.h"
#include "lb/sched/least.h"
#include "lb/sched/mh.h"
#include "lb/service.h"

#define DESTS_MAX 1024

/** struct bench: a service made by hand. */
struct bench {
	struct service svc;
	struct dest dests[DESTS_MAX];
	struct sched_lcore state;
	uint32_t hits[DESTS_MAX];
};

static struct dest_conns lcores[4][DESTS_MAX];

/* Builds the table of @b in as many calls as it takes. Returns what the last one did. */
static int
build(struct bench *b, unsigned int *ret_calls)
{
	struct sched_build sb = { .svc = &b->svc };
	unsigned int calls = 0;
	int rc;

	do {
		rc = b->svc.sched->build(&sb);
		calls++;
	} while (rc == SCHED_MORE);
	if (rc == 0) {
		g_assert_null(sb.state);
		b->svc.sched_table = g_steal_pointer(&sb.table);
	}
	sched_build_free(&sb);
	if (ret_calls != NULL)
		*ret_calls = calls;
	return rc;
}

/* @weights ends with -1. */
static void
setup(struct bench *b, const struct sched_ops *sched, const int *weights)
{
	memset(b, 0, sizeof(*b));
	b->svc.sched = sched;
	b->svc.dests = b->dests;
	b->svc.af = AF_INET;
	for (uint32_t i = 0; weights[i] >= 0; i++) {
		b->dests[i] = (struct dest){
			.index = i,
			.generation = 1,
			.addr = { .ip4 = RTE_BE32(0xc6336400u + i + 1) },
			.port = RTE_BE16(80),
			.af = AF_INET,
			.weight = (uint32_t)weights[i],
			.last_weight = (uint32_t)weights[i],
		};
		b->svc.num_dests = i + 1;
	}
	g_assert_cmpint(build(b, NULL), ==, 0);
}

static void
teardown(struct bench *b)
{
	free((void *)(uintptr_t)b->svc.sched_table);
}

/* The dest that client number @client gets, or -1. */
static int
pick(struct bench *b, uint32_t client)
{
	struct flow flow = {
		.client = { .ip4 = RTE_BE32(0x0a000000u + client) },
		.client_port = rte_cpu_to_be_16((uint16_t)(1024 + client % 60000)),
		.af = AF_INET,
	};
	const struct dest *dest = b->svc.sched->pick(&b->svc, &b->state, &flow);

	return dest == NULL ? -1 : (int)(dest - b->dests);
}

static void
run(struct bench *b, uint32_t count)
{
	memset(b->hits, 0, sizeof(b->hits));
	for (uint32_t i = 0; i < count; i++) {
		int d = pick(b, i);

		g_assert_cmpint(d, >=, 0);
		b->hits[d]++;
	}
}

static void
test_by_name(void)
{
	g_assert_true(sched_by_name("rr") == &sched_rr);
	g_assert_true(sched_by_name("wrr") == &sched_wrr);
	g_assert_true(sched_by_name("lc") == &sched_lc);
	g_assert_true(sched_by_name("wlc") == &sched_wlc);
	g_assert_true(sched_by_name("mh") == &sched_mh);
	g_assert_null(sched_by_name("sh"));
	g_assert_null(sched_by_name(""));
}

/* Every scheduler: no servers, only drained ones. */
static void
test_none(void)
{
	const struct sched_ops *all[] = { &sched_rr, &sched_wrr, &sched_lc, &sched_wlc, &sched_mh };
	struct bench b;

	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		setup(&b, all[i], (const int[]){ -1 });
		if (all[i]->start != NULL)
			all[i]->start(&b.svc, &b.state, 1, 2);
		g_assert_cmpint(pick(&b, 0), ==, -1);
		teardown(&b);
		setup(&b, all[i], (const int[]){ 0, 0, -1 });
		b.svc.sched_flags = all[i]->flags;
		if (all[i]->start != NULL)
			all[i]->start(&b.svc, &b.state, 1, 2);
		for (uint32_t j = 0; j < 5; j++)
			g_assert_cmpint(pick(&b, j), ==, -1);
		teardown(&b);
	}
}

/* Every scheduler: a drained server among others gets nothing. */
static void
test_drained(void)
{
	const struct sched_ops *all[] = { &sched_rr, &sched_wrr, &sched_lc, &sched_wlc, &sched_mh };
	struct bench b;

	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		setup(&b, all[i], (const int[]){ 0, 3, 0, 1, -1 });
		b.svc.sched_flags = all[i]->flags;
		run(&b, 1000);
		g_assert_cmpuint(b.hits[0] + b.hits[2], ==, 0);
		teardown(&b);
	}
}

static void
test_rr(void)
{
	struct bench b;

	setup(&b, &sched_rr, (const int[]){ 1, 5, 0, 9, -1 });
	for (uint32_t i = 0; i < 3; i++) {
		g_assert_cmpint(pick(&b, i), ==, 0);
		g_assert_cmpint(pick(&b, i), ==, 1);
		g_assert_cmpint(pick(&b, i), ==, 3);
	}
	/* A state from a longer list. */
	b.state.pos = 4000000000u;
	g_assert_cmpint(pick(&b, 0), >=, 0);
	teardown(&b);
}

/* Workers start at different servers: one connection on each of three workers reaches three servers. */
static void
test_start(void)
{
	const struct sched_ops *all[] = { &sched_rr, &sched_wrr };
	struct bench b;

	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		setup(&b, all[i], (const int[]){ 1, 1, 1, -1 });
		for (unsigned int w = 0; w < 3; w++) {
			all[i]->start(&b.svc, &b.state, w, 3);
			b.hits[pick(&b, w)]++;
		}
		for (unsigned int d = 0; d < 3; d++)
			g_assert_cmpuint(b.hits[d], ==, 1);
		teardown(&b);
	}
}

/* The order of LVS: by levels 4 3 2 1. */
static void
test_wrr_order(void)
{
	static const int wanted[] = { 0, 0, 1, 0, 1, 2, 0, 1, 2, 3 };
	struct bench b;

	setup(&b, &sched_wrr, (const int[]){ 4, 3, 2, 1, -1 });
	for (unsigned int i = 0; i < 3 * G_N_ELEMENTS(wanted); i++)
		g_assert_cmpint(pick(&b, i), ==, wanted[i % G_N_ELEMENTS(wanted)]);
	teardown(&b);
}

static void
test_wrr_weights(void)
{
	static const int weights[] = { 65535, 1, 7, 100, 0, 100, 21845, -1 };
	struct bench b;

	setup(&b, &sched_wrr, weights);
	for (unsigned int start = 0; start < 4; start++) {
		uint32_t sum = 0;

		sched_wrr.start(&b.svc, &b.state, start, 4);
		for (unsigned int i = 0; weights[i] >= 0; i++)
			sum += (uint32_t)weights[i];
		run(&b, sum); /* one cycle, wherever it starts */
		for (unsigned int i = 0; weights[i] >= 0; i++)
			g_assert_cmpuint(b.hits[i], ==, (uint32_t)weights[i]);
	}
	teardown(&b);

	/* Common divisor: one cycle is 2 + 3 picks. */
	setup(&b, &sched_wrr, (const int[]){ 200, 300, -1 });
	run(&b, 5);
	g_assert_cmpuint(b.hits[0], ==, 2);
	g_assert_cmpuint(b.hits[1], ==, 3);
	teardown(&b);
}

/* A state left by a service object with other servers never leads out of the table. */
static void
test_wrr_stale(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	struct bench b;

	for (unsigned int i = 0; i < 200; i++) {
		int weights[9];
		uint32_t n = (uint32_t)g_rand_int_range(rand, 1, 9);

		for (uint32_t j = 0; j < n; j++)
			weights[j] = g_rand_int_range(rand, 0, 6);
		weights[0] = 3;
		weights[n] = -1;
		setup(&b, &sched_wrr, weights);
		b.state.pos = g_rand_int_range(rand, 0, 20);
		b.state.level = g_rand_int_range(rand, 0, 20);
		b.state.group = g_rand_int_range(rand, 0, 20);
		for (uint32_t j = 0; j < 50; j++) {
			int d = pick(&b, j);

			g_assert_cmpint(d, >=, 0);
			g_assert_cmpint(weights[d], >, 0);
		}
		teardown(&b);
	}
}

static void
set_load(uint32_t worker, uint32_t dest, uint32_t active, uint32_t inactive)
{
	lcores[worker][dest].active = active;
	lcores[worker][dest].inactive = inactive;
}

static void
test_lc(void)
{
	struct bench b;

	memset(lcores, 0, sizeof(lcores));
	setup(&b, &sched_lc, (const int[]){ 1, 100, 1, 0, -1 });
	g_assert_cmpint(pick(&b, 0), ==, 0); /* all idle: the first */
	set_load(0, 0, 1, 0);
	set_load(1, 1, 0, 255);
	set_load(2, 2, 0, 256);
	g_assert_cmpint(pick(&b, 0), ==, 1); /* 255 others count less than one established */
	set_load(0, 1, 0, 2);
	g_assert_cmpint(pick(&b, 0), ==, 0); /* summed over workers: 257 against 256; the first of a tie */
	set_load(3, 0, 0, 1);
	g_assert_cmpint(pick(&b, 0), ==, 2);
	teardown(&b);
}

static void
test_wlc(void)
{
	struct bench b;

	memset(lcores, 0, sizeof(lcores));
	setup(&b, &sched_wlc, (const int[]){ 1, 3, 0, -1 });
	for (uint32_t i = 0; i < 400; i++) {
		int d = pick(&b, i);

		lcores[i % 4][d].active++;
		b.hits[d]++;
	}
	g_assert_cmpuint(b.hits[0], ==, 100);
	g_assert_cmpuint(b.hits[1], ==, 300);
	teardown(&b);

	/* Products beyond 32 bits. */
	memset(lcores, 0, sizeof(lcores));
	setup(&b, &sched_wlc, (const int[]){ 65535, 65534, -1 });
	set_load(0, 0, 4000000, 0);
	set_load(0, 1, 4000000, 0);
	g_assert_cmpint(pick(&b, 0), ==, 0);
	set_load(0, 0, 4000100, 0);
	g_assert_cmpint(pick(&b, 0), ==, 1);
	teardown(&b);
}

/* Many servers: lc and wlc have a tree for each worker (sched/least.c). */

#define LEAST_SERVERS 1000

static void
setup_many(struct bench *b, const struct sched_ops *sched, bool weights)
{
	int list[LEAST_SERVERS + 1];

	for (int i = 0; i < LEAST_SERVERS; i++)
		list[i] = weights ? i % 5 : 1; /* 0: drained */
	list[LEAST_SERVERS] = -1;
	memset(lcores, 0, sizeof(lcores));
	lcore_me()->worker = 0;
	setup(b, sched, list);
}

static uint64_t
load_of(unsigned int d)
{
	uint64_t load = 0;

	for (unsigned int w = 0; w < G_N_ELEMENTS(lcores); w++)
		load += lcores[w][d].active * UINT64_C(256) + lcores[w][d].inactive;
	return load;
}

/* LVS's choice: all servers looked at. */
static int
pick_exact(const struct bench *b)
{
	int least = -1;

	for (unsigned int d = 0; d < b->svc.num_dests; d++) {
		if (b->dests[d].weight > 0 &&
		    (least < 0 || load_of(d) * b->dests[least].weight <
					  load_of((unsigned int)least) * b->dests[d].weight))
			least = (int)d;
	}
	return least;
}

/* Nothing ends: the same choice as by looking at all, each time. */
static void
test_least_opening(void)
{
	static struct bench b;

	setup_many(&b, &sched_wlc, true);
	for (uint32_t i = 0; i < 5000; i++) {
		int d = pick(&b, i);

		g_assert_cmpint(d, ==, pick_exact(&b));
		lcores[0][d].inactive++;
	}
	teardown(&b);
}

/* What other workers have opened counts, however lately; a tree made before knows nothing of it. */
static void
test_least_checked(void)
{
	static struct bench b;

	setup_many(&b, &sched_lc, false);
	for (unsigned int d = 0; d < 4; d++)
		set_load(1 + d % 3, d, 1 + d, 0);
	g_assert_cmpint(pick(&b, 0), ==, 4);
	/* Each one chosen gets a connection from another worker, too, and so does the next: never a busy one. */
	for (uint32_t i = 0; i < LEAST_SERVERS / 3; i++) {
		unsigned int d = (unsigned int)pick(&b, i);

		g_assert_cmpuint(load_of(d), ==, 0);
		set_load(1, d, 1, 0);
		set_load(2, (d + 1) % LEAST_SERVERS, 1, 0);
	}
	teardown(&b);
}

/* A server that lost its connections is noticed within a turn through all servers. */
static void
test_least_refresh(void)
{
	static struct bench b;
	bool seen = false;

	setup_many(&b, &sched_lc, false);
	teardown(&b);
	for (unsigned int d = 0; d < LEAST_SERVERS; d++)
		set_load(1, d, 100, 0);
	g_assert_cmpint(build(&b, NULL), ==, 0); /* the trees know of 100 each */
	set_load(1, 777, 1, 0);
	for (uint32_t i = 0; i <= LEAST_SERVERS / LEAST_REFRESH && !seen; i++) {
		int d = pick(&b, i);

		seen = d == 777;
		lcores[0][d].inactive++;
	}
	g_assert_true(seen);
	teardown(&b);
}

/** struct spread: how evenly connections lie: of established ones per weight, times 100. */
struct spread {
	double deviation; /* from the mean, in the mean */
	int64_t width;    /* from the least to the most */
	uint32_t cycles;  /* of a choice, median */
};

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * 40,000 connections over 4 workers; with each that begins one of the others ends, at random; it is established
 * when 50 others have begun.
 */
static struct spread
churn(struct bench *b, const struct sched_ops *sched, bool weights, bool exact)
{
	enum { LIVE = 40000, STEPS = 100000, HANDSHAKE = 50 };
	g_autofree struct { uint16_t dest; uint8_t worker; } *conns = g_malloc0(LIVE * sizeof(*conns));
	g_autofree uint32_t *young = g_new0(uint32_t, HANDSHAKE);
	g_autofree uint32_t *cycles = g_new0(uint32_t, LIVE + STEPS);
	g_autoptr(GRand) rand = g_rand_new_with_seed(42);
	int64_t least = INT64_MAX, most = 0;
	int64_t loads[LEAST_SERVERS];
	double sum = 0;
	struct spread s = { 0 };
	uint64_t start;
	unsigned int n = 0;

	setup_many(b, sched, weights);
	for (uint32_t i = 0; i < LIVE + STEPS; i++) {
		uint32_t worker = (uint32_t)g_rand_int_range(rand, 0, 4), slot = i;
		int d;

		if (i >= HANDSHAKE) {
			uint32_t c = young[i % HANDSHAKE];

			lcores[conns[c].worker][conns[c].dest].inactive--;
			lcores[conns[c].worker][conns[c].dest].active++;
		}
		while (i >= LIVE) {
			bool is_young = false;

			slot = (uint32_t)g_rand_int_range(rand, 0, LIVE);
			for (unsigned int y = 0; y < HANDSHAKE; y++)
				is_young |= y != i % HANDSHAKE && young[y] == slot;
			if (is_young)
				continue;
			lcores[conns[slot].worker][conns[slot].dest].active--;
			break;
		}
		lcore_me()->worker = worker;
		start = rte_rdtsc();
		d = exact ? pick_exact(b) : pick(b, i);
		cycles[i] = (uint32_t)(rte_rdtsc() - start);
		g_assert_cmpuint(b->dests[d].weight, >, 0);
		conns[slot].dest = (uint16_t)d;
		conns[slot].worker = (uint8_t)worker;
		lcores[worker][d].inactive++;
		young[i % HANDSHAKE] = slot;
	}
	for (unsigned int d = 0; d < LEAST_SERVERS; d++) {
		int64_t load;

		if (b->dests[d].weight == 0)
			continue;
		load = (int64_t)(load_of(d) * 100 / 256 / b->dests[d].weight);
		least = MIN(least, load);
		most = MAX(most, load);
		sum += (double)load;
		loads[n++] = load;
	}
	for (unsigned int i = 0; i < n; i++)
		s.deviation += ABS((double)loads[i] - sum / n) / n;
	s.width = most - least;
	qsort(cycles, LIVE + STEPS, sizeof(*cycles), compare_u32);
	s.cycles = cycles[(LIVE + STEPS) / 2];
	lcore_me()->worker = 0;
	teardown(b);
	return s;
}

/* As even as LVS's choice, within a connection or two. */
static void
test_least_even(void)
{
	static struct bench b;

	for (unsigned int weighted = 0; weighted < 2; weighted++) {
		const struct sched_ops *sched = weighted ? &sched_wlc : &sched_lc;
		struct spread exact = churn(&b, sched, weighted, true);
		struct spread ours = churn(&b, sched, weighted, false);

		g_test_message("%s, %u servers, 40 connections each: deviation %.2f, from least to most %.2f, %u "
			       "cycles a choice; by looking at all: %.2f, %.2f, %u",
			       sched->name, LEAST_SERVERS, ours.deviation / 100, (double)ours.width / 100,
			       ours.cycles, exact.deviation / 100, (double)exact.width / 100,
			       exact.cycles);
		g_assert_cmpfloat(ours.deviation, <, exact.deviation + 50);
		g_assert_cmpint(ours.width, <=, exact.width + 300);
	}
}

static void
test_mh_even(void)
{
	struct bench b;
	int weights[101];

	for (unsigned int i = 0; i < 100; i++)
		weights[i] = 10;
	weights[100] = -1;
	setup(&b, &sched_mh, weights);
	run(&b, 200000);
	for (unsigned int i = 0; i < 100; i++) {
		/* Slots differ by one in 164; the rest is chance: 2000 clients, 5 sigma. */
		g_assert_cmpuint(b.hits[i], >, 1700);
		g_assert_cmpuint(b.hits[i], <, 2300);
	}
	teardown(&b);
}

static void
test_mh_weights(void)
{
	struct bench b;

	setup(&b, &sched_mh, (const int[]){ 1, 2, 5, 0, -1 });
	run(&b, 80000);
	g_assert_cmpfloat_with_epsilon(b.hits[0] / 10000.0, 1, 0.06);
	g_assert_cmpfloat_with_epsilon(b.hits[1] / 10000.0, 2, 0.08);
	g_assert_cmpfloat_with_epsilon(b.hits[2] / 10000.0, 5, 0.08);
	teardown(&b);
	/* The lightest server is not lost beside the heaviest. */
	setup(&b, &sched_mh, (const int[]){ 65535, 1, -1 });
	run(&b, 200000);
	g_assert_cmpuint(b.hits[1], >, 0);
	teardown(&b);
}

/* The same servers in another order, and another worker's state: the same choice for each client. */
static void
test_mh_deterministic(void)
{
	struct bench a;
	struct bench b;
	int weights[51];

	for (unsigned int i = 0; i < 50; i++)
		weights[i] = (int)(1 + i % 7);
	weights[50] = -1;
	setup(&a, &sched_mh, weights);
	setup(&b, &sched_mh, weights);
	for (unsigned int i = 0; i < 25; i++) {
		struct dest swap = b.dests[i];

		b.dests[i] = b.dests[49 - i];
		b.dests[49 - i] = swap;
	}
	teardown(&b);
	g_assert_cmpint(build(&b, NULL), ==, 0);
	b.state.pos = 77;
	for (uint32_t i = 0; i < 20000; i++)
		g_assert_cmpuint(a.dests[pick(&a, i)].index, ==, b.dests[pick(&b, i)].index);
	teardown(&a);
	teardown(&b);
}

/* When one of 50 servers goes, its clients move and few others do. */
static void
test_mh_disruption(void)
{
	struct bench a;
	struct bench b;
	int weights[51];
	uint32_t lost = 0;
	uint32_t moved = 0;

	for (unsigned int i = 0; i < 50; i++)
		weights[i] = 1;
	weights[50] = -1;
	setup(&a, &sched_mh, weights);
	setup(&b, &sched_mh, weights);
	teardown(&b);
	memmove(&b.dests[20], &b.dests[21], 29 * sizeof(b.dests[0]));
	b.svc.num_dests = 49;
	g_assert_cmpint(build(&b, NULL), ==, 0);
	for (uint32_t i = 0; i < 50000; i++) {
		uint32_t before = a.dests[pick(&a, i)].index;
		uint32_t after = b.dests[pick(&b, i)].index;

		if (before == 20)
			lost++;
		else
			moved += before != after;
	}
	g_test_message("%u clients of the lost server, %u others moved of 50000", lost, moved);
	g_assert_cmpuint(lost, >, 700);
	g_assert_cmpuint(moved, <, 2000); /* 4 % */
	teardown(&a);
	teardown(&b);
}

/* A server drains: nobody else's clients move; its own are refused, or with mh-fallback go elsewhere. */
static void
test_mh_drain(void)
{
	struct bench a;
	struct bench b;
	uint32_t refused = 0;

	setup(&a, &sched_mh, (const int[]){ 1, 1, 1, 1, -1 });
	setup(&b, &sched_mh, (const int[]){ 1, 1, 1, 1, -1 });
	teardown(&b);
	b.dests[2].weight = 0;
	g_assert_cmpint(build(&b, NULL), ==, 0);
	for (unsigned int fallback = 0; fallback < 2; fallback++) {
		b.svc.sched_flags = fallback ? DPVS_SCHED_MH_FALLBACK : 0;
		for (uint32_t i = 0; i < 10000; i++) {
			int before = pick(&a, i);
			int after = pick(&b, i);

			if (before != 2) {
				g_assert_cmpint(after, ==, before);
			} else if (fallback) {
				g_assert_cmpint(after, >=, 0);
				g_assert_cmpint(after, !=, 2);
				b.hits[after]++;
			} else {
				g_assert_cmpint(after, ==, -1);
				refused++;
			}
		}
	}
	g_assert_cmpuint(refused, >, 2000);
	/* Those of the drained one are spread, not all on one other. */
	g_assert_cmpuint(MAX(MAX(b.hits[0], b.hits[1]), b.hits[3]), <, refused / 2);
	teardown(&a);
	teardown(&b);
}

/* mh: one client always the same server; mh-port: its connections are spread. */
static void
test_mh_port(void)
{
	struct bench b;
	uint32_t seen;

	setup(&b, &sched_mh, (const int[]){ 1, 1, 1, 1, -1 });
	for (unsigned int port = 0; port < 2; port++) {
		b.svc.sched_flags = port ? DPVS_SCHED_MH_PORT : 0;
		seen = 0;
		for (uint32_t i = 0; i < 100; i++) {
			struct flow flow = {
				.client = { .ip4 = RTE_BE32(0x0a000001u) },
				.client_port = rte_cpu_to_be_16((uint16_t)(2000 + i)),
				.af = AF_INET,
			};

			seen |= 1u << (b.svc.sched->pick(&b.svc, &b.state, &flow) - b.dests);
		}
		g_assert_cmpint(__builtin_popcount(seen), ==, port ? 4 : 1);
	}
	teardown(&b);
}

static void
test_mh_size(void)
{
	struct bench b;
	int weights[301];
	gint64 start;

	mh_set_slots(250);
	g_assert_cmpuint(mh_get_slots(), ==, 251);
	for (unsigned int i = 0; i < 300; i++)
		weights[i] = 1;
	weights[251] = -1;
	setup(&b, &sched_mh, weights); /* a slot each */
	run(&b, 20000);
	teardown(&b);
	b.svc.num_dests = 252;
	g_assert_cmpint(build(&b, NULL), ==, -ENOSPC);

	/* The time of the largest table does not depend on the weights. */
	mh_set_slots(MH_SLOTS_MAX);
	g_assert_cmpuint(mh_get_slots(), ==, MH_SLOTS_MAX);
	weights[250] = 65535;
	start = g_get_monotonic_time();
	setup(&b, &sched_mh, weights);
	g_test_message("%u slots, 251 servers: %" G_GINT64_FORMAT " us", mh_get_slots(),
		       g_get_monotonic_time() - start);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 10000000);
	teardown(&b);
	mh_set_slots(MH_SLOTS_DEFAULT);
	g_assert_cmpuint(mh_get_slots(), ==, MH_SLOTS_DEFAULT);
	weights[250] = 1;
	start = g_get_monotonic_time();
	setup(&b, &sched_mh, weights);
	g_test_message("%u slots, 251 servers: %" G_GINT64_FORMAT " us", mh_get_slots(),
		       g_get_monotonic_time() - start);
	teardown(&b);
}

/* Cycles per choice with 4 workers; printed, not judged. */
static void
test_cost(void)
{
	static const unsigned int sizes[] = { 10, 100, 1000 };
	const struct sched_ops *all[] = { &sched_rr, &sched_wrr, &sched_lc, &sched_wlc, &sched_mh };
	static struct bench b;
	int weights[1001];

	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		for (unsigned int j = 0; j < G_N_ELEMENTS(sizes); j++) {
			uint64_t start;

			for (unsigned int k = 0; k < sizes[j]; k++)
				weights[k] = (int)(1 + k % 5);
			weights[sizes[j]] = -1;
			setup(&b, all[i], weights);
			run(&b, 1000);
			start = rte_rdtsc();
			run(&b, 1000);
			g_test_message("%s, %u servers: %u cycles", all[i]->name, sizes[j],
				       (unsigned int)((rte_rdtsc() - start) / 1000));
			teardown(&b);
		}
	}
}

/*
 * Many servers are dealt with a bounded number at a time, whatever the scheduler does with them, and a table that is given up
 * half built leaves nothing.
 */
static void
test_steps(void)
{
	static const struct sched_ops *const all[] = { &sched_rr, &sched_wrr, &sched_lc, &sched_wlc, &sched_mh };
	const uint32_t n = 20000;
	g_autofree struct dest *dests = g_new0(struct dest, n);
	struct bench b = { .svc.dests = dests, .svc.num_dests = n, .svc.af = AF_INET };
	unsigned int calls, sort = 0;

	for (uint32_t i = 0; i < n; i++) {
		dests[i] = (struct dest){ .index = i % DESTS_MAX, .addr.ip4 = RTE_BE32(0x0a000000u + i), .port = RTE_BE16(80),
					   .af = AF_INET };
		dests[i].weight = dests[i].last_weight = 1 + i * 7919 % 997;
	}
	while (1u << sort < n)
		sort++;
	mh_set_slots(32768);
	for (unsigned int i = 0; i < G_N_ELEMENTS(all); i++) {
		struct sched_build half = { .svc = &b.svc };
		uint32_t least = n / SCHED_STEP;

		if (all[i] == &sched_wrr)
			least = n * (2 + sort) / SCHED_STEP;
		else if (all[i] == &sched_lc || all[i] == &sched_wlc)
			least = n * (2 + lcore_worker_count()) / SCHED_STEP;
		else if (all[i] == &sched_mh)
			least = (n * (2 + sort) + mh_get_slots()) / SCHED_STEP;
		b.svc.sched = all[i];
		g_assert_cmpint(build(&b, &calls), ==, 0);
		g_assert_cmpuint(calls, >=, least);
		g_assert_cmpuint(calls, <=, 2 * least + 2);
		free((void *)(uintptr_t)b.svc.sched_table);
		b.svc.sched_table = NULL;
		for (unsigned int stop = 0; stop < calls; stop += calls / 8 + 1) {
			for (unsigned int k = 0; k < stop; k++)
				g_assert_cmpint(all[i]->build(&half), ==, SCHED_MORE);
			sched_build_free(&half);
			half.svc = &b.svc;
		}
	}
	mh_set_slots(MH_SLOTS_DEFAULT);
}

/* In one cycle of wrr, each server is picked as often as its weight says, and heavier ones are never behind lighter ones. */
static void
test_wrr_many(void)
{
	const uint32_t n = 3000;
	g_autofree struct dest *dests = g_new0(struct dest, n);
	g_autofree uint32_t *hits = g_new0(uint32_t, n);
	struct bench b = { .svc.dests = dests, .svc.num_dests = n, .svc.af = AF_INET, .svc.sched = &sched_wrr };
	uint32_t total = 0, last = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		dests[i].weight = dests[i].last_weight = i * 7919 % 101;
		total += dests[i].weight;
	}
	g_assert_cmpint(build(&b, NULL), ==, 0);
	sched_wrr.start(&b.svc, &b.state, 0, 1);
	for (uint32_t i = 0; i < total; i++) {
		const struct dest *dest = sched_wrr.pick(&b.svc, &b.state, NULL);

		/* The first level has the heaviest, in the order of adding. */
		if (i < n / 101) {
			g_assert_cmpuint(dest->weight, ==, 100);
			g_assert_true(last == UINT32_MAX || last < dest - dests);
			last = (uint32_t)(dest - dests);
		}
		hits[dest - dests]++;
	}
	for (uint32_t i = 0; i < n; i++)
		g_assert_cmpuint(hits[i], ==, dests[i].weight);
	free((void *)(uintptr_t)b.svc.sched_table);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	fake_workers(4);
	lcore_me()->worker = 0;
	for (unsigned int w = 0; w < 4; w++)
		dest_conns[w] = lcores[w];
	g_test_add_func("/sched/by name", test_by_name);
	g_test_add_func("/sched/no server", test_none);
	g_test_add_func("/sched/drained server", test_drained);
	g_test_add_func("/sched/start by worker", test_start);
	g_test_add_func("/sched/rr/in turn", test_rr);
	g_test_add_func("/sched/wrr/order of LVS", test_wrr_order);
	g_test_add_func("/sched/wrr/weights", test_wrr_weights);
	g_test_add_func("/sched/wrr/state of other servers", test_wrr_stale);
	g_test_add_func("/sched/lc/least load", test_lc);
	g_test_add_func("/sched/wlc/least load for weight", test_wlc);
	g_test_add_func("/sched/least/as looking at all", test_least_opening);
	g_test_add_func("/sched/least/checked", test_least_checked);
	g_test_add_func("/sched/least/fewer connections", test_least_refresh);
	g_test_add_func("/sched/least/even", test_least_even);
	g_test_add_func("/sched/mh/even", test_mh_even);
	g_test_add_func("/sched/mh/weights", test_mh_weights);
	g_test_add_func("/sched/mh/same everywhere", test_mh_deterministic);
	g_test_add_func("/sched/mh/a server goes", test_mh_disruption);
	g_test_add_func("/sched/mh/a server drains", test_mh_drain);
	g_test_add_func("/sched/mh/port", test_mh_port);
	g_test_add_func("/sched/mh/table size", test_mh_size);
	g_test_add_func("/sched/cost", test_cost);
	g_test_add_func("/sched/steps", test_steps);
	g_test_add_func("/sched/wrr many", test_wrr_many);
	return g_test_run();
}
