/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages under stress: wake-ups that come while the receiver goes to sleep, and everything at once.
 * "make check-tsan" runs the same under ThreadSanitizer.
 *
 * DPVS_ONESHOTS: messages in each direction that have to wake somebody (200,000).
 * DPVS_STRESS_ROUNDS: rounds of the mixed stress (2,000).
 */
#include "eal.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include <dpvsctrl/msg.h>

enum {
	NLCORES = 4,
	NWORKERS = NLCORES - 1,
	/* Nothing but a doorbell ends a sleep sooner. A sleep that lasted so long had lost one. */
	SLEEP_S = 15,
	WAIT_S = 100,

	T_SHOT = 100,  /* main to worker, no answer */
	T_BACK = 101,  /* worker to main, no answer */
	T_ADD = 102,   /* any to any: adds one */
	T_MULTI = 103, /* main to all */
	T_COMMIT = 104,
	T_TALK = 105,  /* worker: asks another worker and main */
	T_PAUSE = 106, /* worker: looks at nothing for some time */
	T_COMES = 107, /* registered and unregistered all the time */
};

static _Atomic bool stop;
static _Atomic unsigned int running;
static _Atomic unsigned int lost;
static _Atomic uint64_t sleeps;
static unsigned int seed;

static uint32_t
number_from(const char *name, uint32_t value)
{
	const char *text = g_getenv(name);

	return text != NULL ? (uint32_t)g_ascii_strtoull(text, NULL, 10) : value;
}

static void
spin(uint64_t cycles)
{
	uint64_t start = rte_rdtsc();

	while (rte_rdtsc() - start < cycles)
		rte_pause();
}

/*
 * Main on the first CPU, workers on the others: on one that they share, the one who is to be woken answers
 * before the other can go to sleep.
 */
static void
pin(bool is_main)
{
	cpu_set_t all, own;
	int cpu, n = 0;

	CPU_ZERO(&own);
	if (sched_getaffinity(0, sizeof(all), &all) < 0 || CPU_COUNT(&all) < 2)
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &all) && (n++ == 0) == is_main)
			CPU_SET(cpu, &own);
	}
	rte_thread_set_affinity(&own);
}

/* Switches that the calling thread made because it went to sleep. */
static uint64_t
voluntary(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_nvcsw : 0;
}

/* ---- workers */

static __thread uint64_t paused_until;
static __thread unsigned int own_seed;

static int
worker(void *arg)
{
	uint64_t before = voluntary();
	rte_cpuset_t floating;
	gint64 start;

	rte_thread_get_affinity(&floating);
	if (arg != NULL)
		pin(false);
	own_seed = seed + rte_lcore_id();
	while (!atomic_load(&stop)) {
		if (rte_rdtsc() < paused_until) {
			sched_yield();
			continue;
		}
		if (dpvs_msg_process() > 0)
			continue;
		start = g_get_monotonic_time();
		dpvs_msg_sleep(SLEEP_S * G_USEC_PER_SEC);
		if (g_get_monotonic_time() - start >= SLEEP_S * G_USEC_PER_SEC && !atomic_load(&stop))
			atomic_fetch_add(&lost, 1);
	}
	rte_thread_set_affinity(&floating);
	atomic_fetch_add(&sleeps, voluntary() - before);
	atomic_fetch_sub(&running, 1);
	return 0;
}

static void
start_workers(bool pinned)
{
	atomic_store(&stop, false);
	atomic_store(&lost, 0);
	atomic_store(&sleeps, 0);
	atomic_store(&running, NWORKERS);
	g_assert_cmpint(rte_eal_mp_remote_launch(worker, pinned ? &stop : NULL, SKIP_MAIN), ==, 0);
}

static void
stop_workers(void)
{
	unsigned int lcore;

	atomic_store(&stop, true);
	RTE_LCORE_FOREACH_WORKER(lcore)
		dpvs_msg_ring_doorbell(lcore);
	rte_eal_mp_wait_lcore();
	/* EAL waits too, but ThreadSanitizer cannot see how. */
	g_assert_cmpuint(atomic_load(&running), ==, 0);
}

/* ---- a message that nothing else follows */

static uint32_t backs; /* T_BACK that main has got */
static uint32_t backs_seen;

static void
on_back(struct dpvs_msg *msg)
{
	backs++;
}

static void
on_shot(struct dpvs_msg *msg)
{
	struct dpvs_msg *back = dpvs_msg_new(T_BACK, 0);

	g_assert_nonnull(back);
	g_assert_cmpint(dpvs_msg_send(back, rte_get_main_lcore()), ==, 0);
}

static const struct dpvs_msg_type shot_types[] = {
	{ .type = T_SHOT, .name = "shot", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_shot },
	{ .type = T_BACK, .name = "back", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_back },
};

/* Main has not been woken for as long as a worker's longest sleep. */
static gboolean
on_watch(gpointer arg)
{
	if (backs == backs_seen)
		atomic_fetch_add(&lost, 1);
	backs_seen = backs;
	return G_SOURCE_CONTINUE;
}

static void
shoot(unsigned int lcore)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_SHOT, 0);

	g_assert_nonnull(msg);
	g_assert_cmpint(dpvs_msg_send(msg, lcore), ==, 0);
}

/*
 * Every other time one message goes to a worker that sleeps, and one comes back to main, which sleeps. The
 * other times a second one follows after a moment of any length, when the first has been handled and who
 * handled it is about to sleep again: nothing else would wake it.
 */
static void
test_one_shots(void)
{
	uint32_t want = number_from("DPVS_ONESHOTS", 200000), sent = 0, shots;
	uint64_t us = rte_get_tsc_hz() / 1000000, before = voluntary();
	unsigned int lcore = 0;
	rte_cpuset_t before_pin;
	bool many_cpus;
	guint watch;

	g_assert_cmpint(dpvs_msg_init(NULL), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(shot_types); i++)
		g_assert_cmpint(dpvs_msg_type_register(&shot_types[i]), ==, 0);
	many_cpus = test_eal_cpus() > 1;
	start_workers(true);
	rte_thread_get_affinity(&before_pin);
	pin(true);
	backs = 0;
	backs_seen = UINT32_MAX;
	watch = g_timeout_add_seconds(SLEEP_S, on_watch, NULL);
	for (unsigned int round = 0; sent < want; round++) {
		lcore = rte_get_next_lcore(lcore, 1, 1);
		shots = 1 + round % 2;
		shoot(lcore);
		if (shots == 2) {
			spin((uint64_t)rand_r(&seed) % (25 * us));
			shoot(lcore);
		}
		sent += shots;
		while (backs < sent && atomic_load(&lost) == 0)
			g_main_context_iteration(NULL, TRUE);
		if (atomic_load(&lost) > 0)
			break;
	}
	g_source_remove(watch);
	stop_workers();
	g_test_message("%u messages to sleeping workers, %u to sleeping main; sleeps: workers %" PRIu64
		       ", main %" PRIu64,
		       sent, backs, atomic_load(&sleeps), voluntary() - before);
	g_assert_cmpuint(atomic_load(&lost), ==, 0);
	g_assert_cmpuint(backs, ==, sent);
	/* They did sleep: not each time, as some of the second messages come before. */
	if (many_cpus) {
		g_assert_cmpuint(atomic_load(&sleeps), >, sent / 8);
		g_assert_cmpuint(voluntary() - before, >, sent / 8);
	}
	rte_thread_set_affinity(&before_pin);
	dpvs_msg_fini();
}

/* ---- everything at once */

static _Atomic uint64_t asked[RTE_MAX_LCORE];    /* requests that this lcore got away */
static _Atomic uint64_t answered[RTE_MAX_LCORE]; /* done() calls */
static _Atomic uint64_t timed_out[RTE_MAX_LCORE];
static _Atomic uint64_t applied[RTE_MAX_LCORE];

static void
on_add(struct dpvs_msg *msg)
{
	uint64_t *v = dpvs_msg_data(msg);

	v[0]++;
}

static void
on_done(struct dpvs_msg *msg, int status, void *arg)
{
	unsigned int me = rte_lcore_id();
	const uint64_t *v;

	atomic_fetch_add(&answered[me], 1);
	if (status == -ETIMEDOUT) {
		atomic_fetch_add(&timed_out[me], 1);
		return;
	}
	v = dpvs_msg_data(msg);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(v[0], ==, GPOINTER_TO_SIZE(arg) + 1);
}

/* False when there is no room now, which is a right answer too. */
static bool
ask(uint32_t lcore, uint32_t timeout_ms, uint64_t value)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_ADD, 16);

	if (msg == NULL)
		return false;
	*(uint64_t *)dpvs_msg_data(msg) = value;
	if (dpvs_msg_request(msg, lcore, timeout_ms, on_done, GSIZE_TO_POINTER(value)) < 0) {
		dpvs_msg_free(msg);
		return false;
	}
	atomic_fetch_add(&asked[rte_lcore_id()], 1);
	return true;
}

static void
on_talk(struct dpvs_msg *msg)
{
	uint32_t other = rte_get_next_lcore(rte_lcore_id(), 1, 1);

	ask(other, 1 + (uint32_t)rand_r(&own_seed) % 20, 7);
	ask(rte_get_main_lcore(), 1000, 8);
}

static void
on_pause(struct dpvs_msg *msg)
{
	const uint32_t *us = dpvs_msg_data(msg);

	paused_until = rte_rdtsc() + *us * (rte_get_tsc_hz() / 1000000);
}

static void
on_multi(struct dpvs_msg *msg)
{
	const uint64_t *v = dpvs_msg_data(msg);

	dpvs_msg_set_reply_u64(msg, v[0] + rte_lcore_id());
}

static void
multi_done(struct dpvs_msg *msg, int status, void *arg)
{
	unsigned int lcore;

	atomic_fetch_add(&answered[0], 1);
	if (msg == NULL)
		return;
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpuint(dpvs_msg_reply_u64(msg, lcore), ==, GPOINTER_TO_SIZE(arg) + lcore);
}

static __thread uint64_t last_commit;

/* In order, each once, in one or two loops. */
static void
on_commit(struct dpvs_msg *msg)
{
	const uint64_t *v = dpvs_msg_data(msg);
	static __thread bool half;

	if (v[0] % 3 == 0 && !half) {
		half = true;
		dpvs_msg_defer(msg);
		return;
	}
	half = false;
	g_assert_cmpuint(v[0], ==, last_commit + 1);
	last_commit = v[0];
	atomic_fetch_add(&applied[rte_lcore_id()], 1);
}

static void
commit_done(struct dpvs_msg *msg, int status, void *arg)
{
	atomic_fetch_add(&answered[0], 1);
}

static void
commit_late(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_cmpint(status, ==, -ETIMEDOUT);
}

static const struct dpvs_msg_type comes = {
	.type = T_COMES, .name = "comes", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_add,
};

static const struct dpvs_msg_type stress_types[] = {
	{ .type = T_ADD, .name = "add", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_add, .on_worker = on_add },
	{ .type = T_MULTI, .name = "multi", .prio = DPVS_MSG_PRIO_HIGH, .on_worker = on_multi },
	{ .type = T_COMMIT, .name = "commit", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_commit },
	{ .type = T_TALK, .name = "talk", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_talk },
	{ .type = T_PAUSE, .name = "pause", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_pause },
};

static void
send_new(uint32_t type, uint64_t value, uint32_t lcore)
{
	struct dpvs_msg *msg = dpvs_msg_new(type, 16);

	if (msg == NULL)
		return;
	memset(dpvs_msg_data(msg), 0, 16);
	memcpy(dpvs_msg_data(msg), &value, sizeof(value));
	if (dpvs_msg_send(msg, lcore) < 0)
		dpvs_msg_free(msg);
}

/* One thing of many; @commits counts those under way. */
static void
one_thing(uint64_t *commits)
{
	uint32_t lcore = 1 + (uint32_t)rand_r(&seed) % NWORKERS;
	uint64_t value = (uint64_t)rand_r(&seed) % 1000;
	struct dpvs_msg_counters counters;
	struct dpvs_msg_handler_times times;
	struct dpvs_msg *msg;

	switch (rand_r(&seed) % 10) {
	case 0:
	case 1:
		ask(lcore, 1000 * WAIT_S, value);
		break;
	case 2: /* with a deadline that passes when the worker pauses */
		ask(lcore, 1, value);
		break;
	case 3:
		msg = dpvs_msg_new(T_MULTI, 16);
		if (msg == NULL)
			break;
		*(uint64_t *)dpvs_msg_data(msg) = value;
		if (dpvs_msg_multicast(msg, 1 + (uint32_t)value % 5, multi_done, GSIZE_TO_POINTER(value)) < 0)
			dpvs_msg_free(msg);
		else
			atomic_fetch_add(&asked[0], 1);
		break;
	case 4:
	case 5:
		if (dpvs_msg_commit_reserve() < 0)
			break;
		msg = dpvs_msg_new(T_COMMIT, 16);
		if (msg == NULL) {
			dpvs_msg_commit_release();
			break;
		}
		*(uint64_t *)dpvs_msg_data(msg) = ++*commits;
		dpvs_msg_commit(msg, 2, commit_done, commit_late, NULL);
		atomic_fetch_add(&asked[0], 1);
		break;
	case 6:
		send_new(T_TALK, 0, lcore);
		break;
	case 7:
		if (value % 8 == 0)
			send_new(T_PAUSE, value * 3, lcore);
		else
			dpvs_msg_ring_doorbell(lcore);
		break;
	case 8:
		if (dpvs_msg_type_unconfirmed(T_COMES) > 0)
			break;
		if (dpvs_msg_type_lookup(T_COMES) == NULL)
			dpvs_msg_type_register(&comes);
		else
			dpvs_msg_type_unregister(T_COMES);
		break;
	case 9:
		send_new(T_COMES, 0, lcore);
		if (value % 16 == 0)
			dpvs_msg_zero_counters();
		g_assert_cmpint(dpvs_msg_get_counters(T_ADD, lcore, &counters), ==, 0);
		g_assert_cmpint(dpvs_msg_get_handler_times(lcore, &times), ==, 0);
		break;
	}
}

static uint64_t
total(const _Atomic uint64_t *counts)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < NLCORES; i++)
		sum += atomic_load(&counts[i]);
	return sum;
}

static void
test_mixed(void)
{
	uint32_t rounds = number_from("DPVS_STRESS_ROUNDS", 2000), round;
	gint64 end = g_get_monotonic_time() + WAIT_S * G_USEC_PER_SEC;
	struct dpvs_msg_params params = { .pool_size = 511 };
	struct dpvs_msg_pool_info info;
	uint64_t commits = 0;

	g_assert_cmpint(dpvs_msg_init(&params), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(stress_types); i++)
		g_assert_cmpint(dpvs_msg_type_register(&stress_types[i]), ==, 0);
	memset(asked, 0, sizeof(asked));
	memset(answered, 0, sizeof(answered));
	start_workers(false);
	for (round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < 20; i++)
			one_thing(&commits);
		/* Most of the time the pool and the rings have room, now and then they have none. */
		do {
			g_main_context_iteration(NULL, FALSE);
			sched_yield();
			g_assert_cmpint(g_get_monotonic_time(), <, end);
		} while (total(asked) - total(answered) > (round % 16 == 0 ? 400 : 100));
	}
	/* All that was asked is answered once, however late the worker was, and everything comes home. */
	do {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_main_context_iteration(NULL, FALSE);
		sched_yield();
		dpvs_msg_pool_get(&info);
	} while (total(answered) < total(asked) || info.in_use > 0);
	g_assert_cmpuint(total(answered), ==, total(asked));
	stop_workers();
	g_assert_cmpuint(atomic_load(&lost), ==, 0);
	for (unsigned int i = 1; i < NLCORES; i++)
		g_assert_cmpuint(atomic_load(&applied[i]), ==, commits);
	g_test_message("%" PRIu64 " asked, %" PRIu64 " timed out, %" PRIu64 " commits; pool empty %" PRIu64 " times",
		       total(asked), total(timed_out), commits, info.failures);
	g_assert_cmpuint(total(timed_out), >, 0);
	dpvs_msg_fini();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	seed = number_from("DPVS_SEED", 1);
	test_eal_init(NLCORES);
	g_test_add_func("/msg-stress/one-shots", test_one_shots);
	g_test_add_func("/msg-stress/mixed", test_mixed);
	rc = g_test_run();
	test_eal_fini();
	return rc;
}
