/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpvs_msg_process_at() with a time that is wrong, by a minute or as far as it can be: messages go through, and no
 * figure gets worse than the error.
 */
#include "eal.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <dpvsctrl/msg.h>

enum {
	WORKER = 1,
	ROUNDS = 50,
	WAIT_MS = 20000,
	OFF_S = 60,
	T_ECHO = 100,
	T_SLOW = 101,
};

static _Atomic bool stop;
static _Atomic bool hold; /* the worker does not look at its messages */
static _Atomic unsigned int echoes;
static _Atomic int off_s; /* of the worker's clock */
static unsigned int done_calls;
static int done_status;

/* A TSC that is @s seconds off; INT_MIN, INT_MAX: as far as it can be. */
static uint64_t
tsc_off(int s)
{
	if (s == INT_MIN || s == INT_MAX)
		return s == INT_MIN ? 0 : UINT64_MAX;
	return rte_rdtsc() + (uint64_t)(int64_t)s * rte_get_tsc_hz();
}

static int
worker(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		if (atomic_load(&hold) || dpvs_msg_process_at(tsc_off(atomic_load(&off_s))) == 0)
			sched_yield();
	}
	return 0;
}

static void
echo(struct dpvs_msg *msg)
{
	(void)msg;
	atomic_fetch_add(&echoes, 1);
}

static void
done(struct dpvs_msg *msg, int status, void *arg)
{
	(void)msg;
	(void)arg;
	done_calls++;
	done_status = status;
}

static void
start(int s, bool held)
{
	static const struct dpvs_msg_type type = { .type = T_ECHO, .name = "echo", .on_worker = echo };

	g_assert_cmpint(dpvs_msg_init(NULL), ==, 0);
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	atomic_store(&stop, false);
	atomic_store(&hold, held);
	atomic_store(&off_s, s);
	atomic_store(&echoes, 0);
	done_calls = 0;
	g_assert_cmpint(rte_eal_mp_remote_launch(worker, NULL, SKIP_MAIN), ==, 0);
}

static void
end_worker(void)
{
	atomic_store(&stop, true);
	rte_eal_mp_wait_lcore();
}

static void
request(void)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_ECHO, 8);

	g_assert_nonnull(msg);
	memset(dpvs_msg_data(msg), 0, 8);
	g_assert_cmpint(dpvs_msg_request(msg, WORKER, WAIT_MS, done, NULL), ==, 0);
}

/* Looks for the answer with a clock that is @s off, until it is there. */
static void
wait_done(unsigned int calls, int s)
{
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	while (done_calls < calls) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		if (dpvs_msg_process_at(tsc_off(s)) == 0)
			sched_yield();
	}
}

static void
test_figures(void)
{
	static const int off[] = { INT_MIN, -OFF_S, OFF_S, INT_MAX };
	struct dpvs_msg_handler_times t;
	struct dpvs_msg_counters c;
	uint64_t took_ns;
	gint64 began;

	for (size_t k = 0; k < G_N_ELEMENTS(off); k++) {
		start(off[k], false);
		began = g_get_monotonic_time();
		for (unsigned int i = 1; i <= ROUNDS; i++) {
			request();
			/* With a clock of the future main would wait no longer. */
			wait_done(i, MIN(off[k], 0));
			g_assert_cmpint(done_status, ==, 0);
		}
		end_worker();
		took_ns = (uint64_t)(g_get_monotonic_time() - began + 1) * 1000;
		g_assert_cmpint(dpvs_msg_get_counters(T_ECHO, 0, &c), ==, 0);
		g_assert_cmpuint(c.rtts, ==, ROUNDS);
		g_assert_cmpuint(c.rtt_ns_max, <=, took_ns);
		g_assert_cmpint(dpvs_msg_get_handler_times(WORKER, &t), ==, 0);
		g_assert_cmpuint(t.loops, >, 0);
		if (off[k] > 0)
			g_assert_cmpuint(t.ns_max, <=, took_ns);
		else if (off[k] > INT_MIN)
			g_assert_cmpuint(t.ns_max, <=, took_ns + (OFF_S + 1) * UINT64_C(1000000000));
		dpvs_msg_fini();
	}
}

/* A deadline is over when the time that is handed over says so. */
static void
test_deadline(void)
{
	start(0, true);
	request();
	g_assert_cmpuint(dpvs_msg_process_at(0), ==, 0);
	g_assert_cmpuint(dpvs_msg_process_at(tsc_off(-OFF_S)), ==, 0);
	g_assert_cmpuint(done_calls, ==, 0);
	dpvs_msg_process_at(tsc_off(OFF_S));
	g_assert_cmpuint(done_calls, ==, 1);
	g_assert_cmpint(done_status, ==, -ETIMEDOUT);
	/* The answer is late, and matched to nothing; the next one is not. */
	atomic_store(&hold, false);
	request();
	wait_done(2, 0);
	g_assert_cmpint(done_status, ==, 0);
	end_worker();
	dpvs_msg_fini();
}

/* Answers that came before main looked count, however many they are and whatever the time is by then. */
static void
test_many_answers(void)
{
	enum { MANY = 500 };
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;
	struct dpvs_msg_counters c;

	start(0, false);
	for (unsigned int i = 0; i < MANY; i++)
		request();
	while (atomic_load(&echoes) < MANY) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		sched_yield();
	}
	end_worker();
	for (unsigned int i = 1; i <= MANY && done_calls < MANY; i++) {
		g_assert_cmpuint(dpvs_msg_process_at(tsc_off(OFF_S)), >, 0);
		g_assert_cmpint(done_status, ==, 0);
	}
	g_assert_cmpuint(done_calls, ==, MANY);
	g_assert_cmpint(dpvs_msg_get_counters(T_ECHO, 0, &c), ==, 0);
	g_assert_cmpuint(c.timed_out, ==, 0);
	g_assert_cmpuint(c.late, ==, 0);
	dpvs_msg_fini();
}

/* A worker that is slow to learn of a type has learned of it in the end, and main hears so. */
static void
test_slow_registration(void)
{
	static const struct dpvs_msg_type type = { .type = T_SLOW, .name = "slow", .on_worker = echo };
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	start(0, true);
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	dpvs_msg_process_at(tsc_off(OFF_S)); /* far beyond the deadline of other requests */
	g_assert_cmpuint(dpvs_msg_type_unconfirmed(T_SLOW), ==, 1);
	atomic_store(&hold, false);
	while (dpvs_msg_type_unconfirmed(T_SLOW) > 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		if (dpvs_msg_process_at(rte_rdtsc()) == 0)
			sched_yield();
	}
	end_worker();
	dpvs_msg_fini();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	test_eal_init(WORKER + 1);
	g_test_add_func("/msg clock/figures", test_figures);
	g_test_add_func("/msg clock/deadline", test_deadline);
	g_test_add_func("/msg clock/many answers", test_many_answers);
	g_test_add_func("/msg clock/slow registration", test_slow_registration);
	return g_test_run();
}
