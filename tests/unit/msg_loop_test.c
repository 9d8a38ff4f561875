/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages and the loops of workers: what a worker takes in one loop, in which order and for how long, when it sleeps and
 * what wakes it.
 */
#include "eal.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include <dpvsctrl/msg.h>

#include "msg_rig.h"

static void
test_priority(void)
{
	rig_setup_slice(1000 * RIG_WAIT_MS); /* the budget alone decides */
	rig_start_workers();
	rig_set_hold(1, true);
	for (uint32_t i = 0; i < 4; i++) {
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_LOW, 200 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_NORM, 100 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_HIGH, i), 1), ==, 0);
	}
	rig_set_hold(1, false);
	rig_wait_counted(&rig.order_len, 12);
	/* Eight in one loop, high first; the ring that is out of budget still has one served. */
	for (uint32_t i = 0; i < 4; i++) {
		g_assert_cmpuint(rig.order[i], ==, i);
		g_assert_cmpuint(rig.order[4 + i], ==, 100 + i);
		g_assert_cmpuint(rig.order[8 + i], ==, 200 + i);
	}
	rig_wait_pool_empty();
	rig_teardown();
}

/* When each message takes all the time of a loop, no priority keeps another one waiting for good. */
static void
test_slice(void)
{
	enum { EACH = 16 };
	unsigned int seen[3] = { 0 };

	rig_setup_slice(1);
	atomic_store(&rig.slow, true);
	rig_start_workers();
	rig_set_hold(1, true);
	for (uint32_t i = 0; i < EACH; i++) {
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_LOW, 200 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_NORM, 100 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_HIGH, i), 1), ==, 0);
	}
	rig_set_hold(1, false);
	rig_wait_counted(&rig.order_len, 3 * EACH);
	/* In turn, in the order of each ring. */
	for (uint32_t i = 0; i < 3 * EACH; i++) {
		uint32_t prio = rig.order[i] / 100;

		g_assert_cmpuint(rig.order[i] % 100, ==, seen[prio]);
		seen[prio]++;
		g_assert_cmpuint(seen[prio], <=, i / 3 + 1);
	}
	atomic_store(&rig.slow, false);
	rig_wait_pool_empty();
	rig_teardown();
}

/* A handler is told when the time that its loop has for all messages is over, and goes on in the next. */
static void
test_slice_over(void)
{
	enum { SLICE_US = 2000, LOOPS = 20 };

	rig_setup_slice(SLICE_US);
	atomic_store(&rig.slice_seen, 0);
	g_assert_cmpint(dpvs_msg_slice_over(), ==, 0); /* main has all the time there is */
	rig_start_workers();
	g_assert_cmpint(dpvs_msg_request(rig_new_u32(T_PIECES, LOOPS), 1, RIG_WAIT_MS, rig_done, &rig.done_calls), ==, 0);
	rig_wait_for(&rig.done_calls, 1);
	g_assert_cmpint(rig.done_status, ==, 0);
	g_assert_cmpuint(atomic_load(&rig.counted[1]), ==, 1);
	g_assert_cmpuint(atomic_load(&rig.loops_deferred), ==, LOOPS - 1);
	/* Not at once, unless the CPU was away each time; never later, what other handlers took included. */
	g_assert_cmpuint(atomic_load(&rig.slice_seen), >, 0);
	atomic_store(&rig.slow, true);
	for (unsigned int i = 1; i <= LOOPS; i++) {
		rig_set_hold(1, true);
		g_assert_cmpint(dpvs_msg_send(rig_new_u32(T_HIGH, 0), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_request(rig_new_u32(T_PIECES, 1), 1, RIG_WAIT_MS, rig_done, &rig.done_calls), ==, 0);
		rig_set_hold(1, false);
		rig_wait_for(&rig.done_calls, 1 + i);
	}
	atomic_store(&rig.slow, false);
	g_assert_cmpuint(atomic_load(&rig.slice_seen), <=, SLICE_US * (rte_get_tsc_hz() / 1000000));
	rig_wait_pool_empty();
	rig_teardown();
}

/* Both sides asleep again and again: no ring of a bell may be lost. */
static void
test_doorbell(void)
{
	enum { ROUNDS = 20000 };
	unsigned int n = 0;

	rig_setup();
	rig_start_workers();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int lcore = 1 + i % RIG_WORKERS;

		g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, 21), lcore, RIG_WAIT_MS, rig_done, &rig.done_calls),
				==, 0);
		rig_wait_for(&rig.done_calls, ++n);
		g_assert_cmpint(rig.done_status, ==, 0);
	}
	rig_wait_pool_empty();
	rig_teardown();
}

/* Workers ask main on their own: main sleeps in its loop, workers in theirs. */
static void
test_worker_asks(void)
{
	enum { ROUNDS = 3000 };

	rig_setup();
	rig_start_workers();
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		for (unsigned int lcore = 1; lcore <= RIG_WORKERS; lcore++)
			g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_ASK, 0), lcore), ==, 0);
		rig_wait_counted(&rig.answers[1], i);
		rig_wait_counted(&rig.answers[2], i);
		rig_wait_counted(&rig.answers[3], i);
	}
	g_assert_cmpuint(rig.ask_failed, ==, 0);
	rig_wait_pool_empty();
	rig_teardown();
}

/* One that was woken sleeps again: what woke it is taken from its bell. */
static void
test_sleeps(void)
{
	uint64_t before;

	rig_setup();
	rig_start_workers();
	g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_COUNT, 0), 1), ==, 0);
	rig_wait_counted(&rig.counted[1], 1);
	before = atomic_load(&rig.loop_no[1]);
	g_usleep(100000);
	/* Some for what rang meanwhile; one that does not sleep makes thousands. */
	g_assert_cmpuint(atomic_load(&rig.loop_no[1]) - before, <, 20);
	rig_teardown();
}

/* A loop that takes nothing but answers counts as well: it is time that packets wait. */
static void
test_answer_loops(void)
{
	enum { ASKS = 20 };
	struct dpvs_msg_handler_times times;

	rig_setup();
	rig_start_workers();
	for (unsigned int i = 1; i <= ASKS; i++) {
		g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_ASK, 0), 1), ==, 0);
		rig_wait_counted(&rig.answers[1], i);
		/* The loop is over and counted; the next request has one of its own. */
		rig_set_hold(1, true);
		rig_set_hold(1, false);
	}
	/* The question is asked in one loop, and the answer comes in another. */
	g_assert_cmpint(dpvs_msg_get_handler_times(1, &times), ==, 0);
	g_assert_cmpuint(times.loops, ==, 2 * ASKS);
	g_assert_cmpuint(times.ns_total, >, 0);
	rig_wait_pool_empty();
	rig_teardown();
}

/* What is counted begins at zero on each lcore, and goes on from there. */
static void
test_zero(void)
{
	enum { BEFORE = 20, AFTER = 1 };
	struct dpvs_msg_handler_times times;
	struct dpvs_msg_counters c;
	unsigned int lcore, n = 0;

	rig_setup();
	rig_start_workers();
	for (unsigned int part = 0; part < 2; part++) {
		unsigned int each = part == 0 ? BEFORE : AFTER, workers = 0;

		RTE_LCORE_FOREACH_WORKER(lcore) {
			workers++;
			for (unsigned int i = 0; i < each; i++) {
				g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, 1), lcore, RIG_WAIT_MS, rig_done,
								 &rig.done_calls), ==, 0);
				rig_wait_for(&rig.done_calls, ++n);
			}
			/* A loop is counted at its end; one takes a few messages when they come that soon. */
			rig_set_hold(lcore, true);
			rig_set_hold(lcore, false);
			g_assert_cmpint(dpvs_msg_get_handler_times(lcore, &times), ==, 0);
			g_assert_cmpuint(times.loops, >, 0);
			g_assert_cmpuint(times.loops, <=, each);
			g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, lcore, &c), ==, 0);
			g_assert_cmpuint(c.received, ==, each);
			g_assert_cmpuint(c.replied, ==, each);
		}
		g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
		g_assert_cmpuint(c.sent, ==, workers * each);
		g_assert_cmpuint(c.rtts, ==, workers * each);
		dpvs_msg_zero_counters();
		for (lcore = 0; lcore <= workers; lcore++) {
			g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, lcore, &c), ==, 0);
			g_assert_cmpuint(c.sent + c.received + c.replied + c.rtts + c.rtt_ns_max, ==, 0);
			g_assert_cmpint(dpvs_msg_get_handler_times(lcore, &times), ==, 0);
			g_assert_cmpuint(times.loops + times.ns_max, ==, 0);
		}
	}
	rig_wait_pool_empty();
	rig_teardown();
}

/* Worker to worker, many at once, nobody sleeps or everybody does. */
static void
flood(bool with_sleep)
{
	enum { TOTAL = 30000 };
	unsigned int sent = 0;

	rig_setup();
	atomic_store(&rig.sleepy, with_sleep);
	rig_start_workers();
	while (sent < TOTAL) {
		struct dpvs_msg *msg = dpvs_msg_new(T_DOUBLE, sizeof(uint64_t));

		if (msg != NULL) {
			*(uint64_t *)dpvs_msg_data(msg) = sent;
			if (dpvs_msg_request(msg, 1 + sent % RIG_WORKERS, RIG_WAIT_MS, rig_done, &rig.done_calls) == 0) {
				sent++;
				continue;
			}
			dpvs_msg_free(msg);
		}
		g_main_context_iteration(NULL, FALSE);
		sched_yield();
	}
	rig_wait_for(&rig.done_calls, TOTAL);
	rig_wait_pool_empty();
	rig_teardown();
}

static void
test_flood(void)
{
	flood(true);
	flood(false);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	test_eal_init(RIG_LCORES);
	g_test_add_func("/msg/priority", test_priority);
	g_test_add_func("/msg/slice", test_slice);
	g_test_add_func("/msg/slice over", test_slice_over);
	g_test_add_func("/msg/doorbell", test_doorbell);
	g_test_add_func("/msg/worker asks", test_worker_asks);
	g_test_add_func("/msg/sleeps", test_sleeps);
	g_test_add_func("/msg/answers count", test_answer_loops);
	g_test_add_func("/msg/zero", test_zero);
	g_test_add_func("/msg/flood", test_flood);
	rc = g_test_run();
	test_eal_fini();
	return rc;
}
