/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of random requests under random faults; after each all is taken away, and nothing is left.
 */
#include <stdlib.h>

#include "attempt.h"
#include "check.h"
#include "client.h"
#include "core/change_priv.h"
#include "fault_point.h"
#include "harness.h"
#include "parts.h"

static void
hold_and_try(void)
{
	unsigned int worker = attempt_below(WORKERS), n = 1 + attempt_below(2);
	unsigned int how = attempt_below(2) ? FAULT_HOLD_MSGS : FAULT_HOLD_LOOP;
	struct attempt a;

	fault_hold(worker, how);
	for (unsigned int i = 0; i < n; i++) {
		attempt_random(&a, 30);
		fault_off();
		attempt_try(&a, false);
	}
	fault_hold(worker, FAULT_HOLD_NONE);
	check_settle();
	check_listing(attempt_model(), "when the worker goes on");
	check_workers("when the worker goes on");
}

/* One client goes away in the middle of a transaction: nothing of it is ever seen. */
static void
leave_and_look(void)
{
	struct attempt a;

	attempt_random(&a, 100);
	client_leave(a.ops, a.count);
	harness_pump(1);
	check_listing(attempt_model(), "after a client left its transaction");
}

static void
round_of(unsigned int steps)
{
	static const uint32_t rates[] = { 0, 0, 3000, 10000, 30000, 100000 };
	struct attempt a;

	for (unsigned int i = 0; i < steps; i++) {
		unsigned int kind = attempt_below(100);

		change_set_slice(attempt_below(2) ? 1000 : 0);
		fault_workers(g_rand_int(attempt_rand()), attempt_below(2) ? 200000 : 0);
		if (kind < 2) {
			hold_and_try();
		} else if (kind < 5) {
			leave_and_look();
		} else {
			attempt_random(&a, 30);
			fault_random(g_rand_int(attempt_rand()), rates[attempt_below(G_N_ELEMENTS(rates))]);
			attempt_try(&a, true);
		}
		if (i % 50 == 0)
			check_take_packets();
	}
	fault_workers(0, 0);
	change_set_slice(1000);
}

void
test_random(void)
{
	const char *env = getenv("FAULT_RUNS");
	unsigned int runs = env != NULL ? (unsigned int)strtoul(env, NULL, 0) : 5000;
	unsigned int rounds = MAX(runs / 250, 4u);
	const struct attempt_counts *counts = attempt_counts(), before = *counts;
	struct held first = { 0 }, now = { 0 };

	for (unsigned int r = 0; r < rounds; r++) {
		round_of(runs / rounds);
		check_clean_up(attempt_model(), attempt_rand());
		check_measure(&now);
		g_assert_cmpuint(now.msgs, ==, 0);
		g_assert_cmpuint(now.mbufs, ==, 0);
		/* After two rounds whatever is kept for later has been made. */
		if (r == 1)
			first = now;
		if (r < 2)
			continue;
		g_assert_cmpuint(now.rte_bytes, ==, first.rte_bytes);
		g_assert_cmpuint(now.heap, <, first.heap + 96 * 1024);
	}
	g_test_message("%" G_GUINT64_FORMAT " requests: %" G_GUINT64_FORMAT " in force, %" G_GUINT64_FORMAT
		       " of them unconfirmed at first, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT
		       " with a lost answer; heap %" G_GINT64_FORMAT " bytes in %u rounds",
		       counts->all, counts->in_force, counts->unconfirmed, counts->refused, counts->lost, (gint64)(now.heap - first.heap), rounds - 2);
	g_assert_cmpuint(counts->in_force - before.in_force, >, (counts->all - before.all) / 10);
	g_assert_cmpuint(counts->unconfirmed, >, 0);
}
