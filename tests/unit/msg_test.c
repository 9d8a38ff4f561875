/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between real lcores: three workers that float over whatever CPUs there are, so that main and
 * workers often share one. A worker sleeps for up to ten seconds when it has nothing to do: a doorbell
 * that is lost makes a test fail, not slow.
 */
#include "eal.h"

#include <errno.h>
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
	NLCORES = 4,
	NWORKERS = NLCORES - 1,
	POOL = 255,
	SLEEP_US = 10 * 1000 * 1000,
	WAIT_MS = 20000,

	T_DOUBLE = 100,  /* worker: doubles a u64 */
	T_COUNT = 101,   /* any: counts */
	T_COMMIT = 102,  /* worker: takes payload's number of loops */
	T_ASK = 103,     /* worker: asks main (T_DOUBLE there), counts the answer */
	T_HIGH = 104,
	T_NORM = 105,
	T_LOW = 106,
	T_LATE = 107,    /* registered while workers run */
	T_DROP = 108,    /* on_drop counts */
	T_MUTE = 109,    /* nobody handles it */
	T_REG = 110,     /* worker: registers T_LATE through main */
	T_PIECES = 111,  /* worker: goes on until its time is over, in payload's number of loops */
};

static _Atomic bool stop;
static _Atomic unsigned int running;
static _Atomic bool hold[RTE_MAX_LCORE];    /* workers that do not look at their messages */
static _Atomic bool held[RTE_MAX_LCORE];    /* and know it */
static _Atomic bool sleepy;
static _Atomic unsigned int counted[RTE_MAX_LCORE];
static _Atomic unsigned int answers[RTE_MAX_LCORE];
static _Atomic unsigned int ask_failed;
static _Atomic unsigned int order_len;
static uint32_t order[64];
static _Atomic uint64_t loop_no[RTE_MAX_LCORE];
static _Atomic uint64_t order_tsc, order_loop; /* when, and in which loop, the last of T_HIGH and its like began */
static _Atomic bool slow; /* T_HIGH and its like take 10 us */
static _Atomic unsigned int dropped;
static _Atomic unsigned int loops_deferred;

static int
worker(void *arg)
{
	unsigned int me = rte_lcore_id();

	(void)arg;
	while (!atomic_load(&stop)) {
		unsigned int n = 0;

		if (!atomic_load(&hold[me])) {
			atomic_store(&held[me], false);
			atomic_fetch_add(&loop_no[me], 1);
			n = dpvs_msg_process();
		} else {
			atomic_store(&held[me], true);
		}
		if (n == 0 && atomic_load(&sleepy) && !atomic_load(&hold[me]))
			dpvs_msg_sleep(SLEEP_US);
		else if (n == 0)
			sched_yield();
	}
	atomic_fetch_sub(&running, 1);
	return 0;
}

static void
start_workers(void)
{
	atomic_store(&stop, false);
	atomic_store(&running, NWORKERS);
	g_assert_cmpint(rte_eal_mp_remote_launch(worker, NULL, SKIP_MAIN), ==, 0);
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

/* Holds a worker, or lets it go, and waits until it knows. */
static void
set_hold(unsigned int lcore, bool on)
{
	atomic_store(&hold[lcore], on);
	dpvs_msg_ring_doorbell(lcore);
	while (atomic_load(&held[lcore]) != on) {
		dpvs_msg_ring_doorbell(lcore);
		sched_yield();
	}
}

static gboolean
on_timeout(gpointer arg)
{
	g_error("nothing happened for %d ms", WAIT_MS);
	return G_SOURCE_REMOVE;
}

/* Runs the main loop until *@flag is @value. */
static void
wait_for(const unsigned int *flag, unsigned int value)
{
	guint id = g_timeout_add(WAIT_MS, on_timeout, NULL);

	while (*flag < value)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(id);
}

/* Says what every type has counted on every lcore. */
static void
show(void)
{
	struct dpvs_msg_counters c;
	struct dpvs_msg_pool_info info;

	for (uint32_t type = 0; type < DPVS_MSG_TYPE_COUNT; type++) {
		for (uint32_t lcore = 0; lcore < NLCORES; lcore++) {
			if (dpvs_msg_get_counters(type, lcore, &c) < 0 || c.sent + c.received + c.send_failed == 0)
				continue;
			fprintf(stderr, "type %u lcore %u: sent %lu received %lu replied %lu failed %lu timed out %lu late %lu\n",
				type, lcore, c.sent, c.received, c.replied, c.send_failed, c.timed_out, c.late);
		}
	}
	dpvs_msg_pool_get(&info);
	fprintf(stderr, "pool: %lu of %lu in use, empty %lu times; answers %u %u %u, failed %u\n", info.in_use, info.size,
		info.failures, answers[1], answers[2], answers[3], ask_failed);
}

/* Runs the main loop without sleeping until an atomic of the workers is @value. */
static void
wait_counted(const _Atomic unsigned int *counter, unsigned int value)
{
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	while (atomic_load(counter) < value) {
		if (g_get_monotonic_time() >= end)
			show();
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		if (!g_main_context_iteration(NULL, FALSE))
			sched_yield();
	}
}

static uint64_t
in_use(void)
{
	struct dpvs_msg_pool_info info;

	dpvs_msg_pool_get(&info);
	return info.in_use;
}

/* Everything has come home. */
static void
wait_pool_empty(void)
{
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	while (in_use() > 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_main_context_iteration(NULL, FALSE);
		sched_yield();
	}
}

/* ---- handlers */

static void
on_double(struct dpvs_msg *msg)
{
	uint64_t *v = dpvs_msg_data(msg);

	g_assert_cmpuint(dpvs_msg_len(msg), ==, sizeof(*v));
	g_assert_cmpuint(dpvs_msg_flags(msg) & DPVS_MSG_F_REPLY, !=, 0);
	*v *= 2;
	if (*v == 26)
		dpvs_msg_set_status(msg, -ERANGE);
}

static void
on_count(struct dpvs_msg *msg)
{
	atomic_fetch_add(&counted[rte_lcore_id()], 1);
	if (dpvs_msg_flags(msg) & DPVS_MSG_F_MULTICAST) {
		dpvs_msg_set_reply_u64(msg, 1000 + rte_lcore_id());
		if (dpvs_msg_len(msg) == 4 && rte_lcore_id() == 2)
			dpvs_msg_set_status(msg, -EDOM);
	}
}

static __thread unsigned int slices; /* of the commit under way */

static void
on_commit(struct dpvs_msg *msg)
{
	const uint32_t *want = dpvs_msg_data(msg);

	if (++slices < *want) {
		atomic_fetch_add(&loops_deferred, 1);
		dpvs_msg_defer(msg);
		return;
	}
	slices = 0;
	atomic_fetch_add(&counted[rte_lcore_id()], 1);
}

static _Atomic uint64_t slice_seen; /* cycles of its loop's time that had passed when there still was some left, at most */

static void
on_pieces(struct dpvs_msg *msg)
{
	uint64_t start = rte_rdtsc(), now = start;

	if (atomic_load(&order_loop) == atomic_load(&loop_no[rte_lcore_id()]))
		start = atomic_load(&order_tsc); /* what came before in this loop counts */
	for (; !dpvs_msg_slice_over(); now = rte_rdtsc())
		atomic_store(&slice_seen, MAX(atomic_load(&slice_seen), now - start));
	on_commit(msg);
}

static void
ask_done(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_cmpuint(rte_lcore_id(), ==, GPOINTER_TO_UINT(arg));
	if (status != 0 || *(uint64_t *)dpvs_msg_data(msg) != 42)
		atomic_fetch_add(&ask_failed, 1);
	atomic_fetch_add(&answers[rte_lcore_id()], 1);
}

static void
on_ask(struct dpvs_msg *msg)
{
	struct dpvs_msg *q = dpvs_msg_new(T_DOUBLE, sizeof(uint64_t));

	if (q == NULL) {
		atomic_fetch_add(&ask_failed, 1);
		return;
	}
	*(uint64_t *)dpvs_msg_data(q) = 21;
	if (dpvs_msg_request(q, rte_get_main_lcore(), WAIT_MS, ask_done,
			     GUINT_TO_POINTER(rte_lcore_id())) < 0) {
		atomic_fetch_add(&ask_failed, 1);
		dpvs_msg_free(q);
	}
}

static void
on_order(struct dpvs_msg *msg)
{
	uint64_t start = rte_rdtsc();

	atomic_store(&order_tsc, start);
	atomic_store(&order_loop, atomic_load(&loop_no[rte_lcore_id()]));
	while (atomic_load(&slow) && rte_rdtsc() - start < 10 * (rte_get_tsc_hz() / 1000000))
		;
	/* One worker alone; who sees the new length sees what is there. */
	order[atomic_load(&order_len)] = *(uint32_t *)dpvs_msg_data(msg);
	atomic_fetch_add(&order_len, 1);
}

static void
on_drop(struct dpvs_msg *msg)
{
	atomic_fetch_add(&dropped, 1);
}

static const struct dpvs_msg_type late_type = {
	.type = T_LATE,
	.name = "late",
	.prio = DPVS_MSG_PRIO_NORM,
	.on_worker = on_count,
	.on_main = on_count,
};

static _Atomic unsigned int reg_answers;
static _Atomic int reg_status;

static void
reg_done(struct dpvs_msg *msg, int status, void *arg)
{
	atomic_store(&reg_status, status);
	atomic_fetch_add(&reg_answers, 1);
}

static void
on_reg(struct dpvs_msg *msg)
{
	const uint32_t *how = dpvs_msg_data(msg);

	if (dpvs_msg_reg_send(*how, &late_type, reg_done, NULL) < 0)
		atomic_store(&reg_status, -1);
}

static const struct dpvs_msg_type types[] = {
	{ .type = T_DOUBLE, .name = "double", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_double, .on_worker = on_double },
	{ .type = T_COUNT, .name = "count", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_count, .on_worker = on_count },
	{ .type = T_COMMIT, .name = "commit", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_commit },
	{ .type = T_ASK, .name = "ask", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_ask },
	{ .type = T_HIGH, .name = "high", .prio = DPVS_MSG_PRIO_HIGH, .on_worker = on_order },
	{ .type = T_NORM, .name = "norm", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_order },
	{ .type = T_LOW, .name = "low", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_order },
	{ .type = T_DROP, .name = "drop", .prio = DPVS_MSG_PRIO_NORM, .on_drop = on_drop },
	{ .type = T_MUTE, .name = "mute", .prio = DPVS_MSG_PRIO_NORM },
	{ .type = T_PIECES, .name = "pieces", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_pieces },
	{ .type = T_REG, .name = "reg-through-main", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_reg },
};

/* ---- answers on main */

static unsigned int done_calls;
static int done_status;
static uint64_t done_value;
static uint32_t done_flags;

static void
done(struct dpvs_msg *msg, int status, void *arg)
{
	done_calls++;
	done_status = status;
	done_flags = msg != NULL ? dpvs_msg_flags(msg) : DPVS_MSG_F_TIMEOUT;
	done_value = msg != NULL && dpvs_msg_len(msg) == 8 ? *(uint64_t *)dpvs_msg_data(msg) : 0;
	g_assert_true(arg == &done_calls);
}

static struct dpvs_msg *
new_u64(uint32_t type, uint64_t v)
{
	struct dpvs_msg *msg = dpvs_msg_new(type, sizeof(v));

	g_assert_nonnull(msg);
	memcpy(dpvs_msg_data(msg), &v, sizeof(v));
	return msg;
}

static struct dpvs_msg *
new_u32(uint32_t type, uint32_t v)
{
	struct dpvs_msg *msg = dpvs_msg_new(type, sizeof(v));

	g_assert_nonnull(msg);
	memcpy(dpvs_msg_data(msg), &v, sizeof(v));
	return msg;
}

static void
setup_slice(uint32_t slice_us)
{
	struct dpvs_msg_params params = { .pool_size = POOL, .slice_us = slice_us };

	g_assert_cmpint(dpvs_msg_init(&params), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		g_assert_cmpint(dpvs_msg_type_register(&types[i]), ==, 0);
	memset(counted, 0, sizeof(counted));
	memset(answers, 0, sizeof(answers));
	atomic_store(&order_len, 0);
	atomic_store(&dropped, 0);
	atomic_store(&loops_deferred, 0);
	atomic_store(&ask_failed, 0);
	atomic_store(&sleepy, true);
	done_calls = 0;
}

static void
setup(void)
{
	setup_slice(0);
}

static void
teardown(void)
{
	stop_workers();
	dpvs_msg_fini();
}

static void
test_unicast(void)
{
	struct dpvs_msg_counters c;
	unsigned int lcore, n = 0;

	setup();
	start_workers();
	RTE_LCORE_FOREACH_WORKER(lcore) {
		g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, lcore), lcore, 0, done, &done_calls),
				==, 0);
		wait_for(&done_calls, ++n);
		g_assert_cmpint(done_status, ==, 0);
		g_assert_cmpuint(done_value, ==, 2 * lcore);
		g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, lcore, &c), ==, 0);
		g_assert_cmpuint(c.received, ==, 1);
		g_assert_cmpuint(c.replied, ==, 1);
		/* one way */
		g_assert_cmpint(dpvs_msg_send(new_u64(T_COUNT, 0), lcore), ==, 0);
		wait_counted(&counted[lcore], 1);
	}
	/* The handler's status, an unknown type, a lcore that is not there. */
	dpvs_msg_request(new_u64(T_DOUBLE, 13), 1, 0, done, &done_calls);
	wait_for(&done_calls, ++n);
	g_assert_cmpint(done_status, ==, -ERANGE);
	dpvs_msg_request(new_u64(T_MUTE, 13), 1, 0, done, &done_calls);
	wait_for(&done_calls, ++n);
	g_assert_cmpint(done_status, ==, -EOPNOTSUPP);
	g_assert_cmpuint(done_flags & DPVS_MSG_F_UNKNOWN, !=, 0);
	struct dpvs_msg *msg = new_u64(T_COUNT, 0);
	g_assert_cmpint(dpvs_msg_send(msg, NLCORES), ==, -ENODEV);
	g_assert_cmpint(dpvs_msg_request(msg, RTE_MAX_LCORE + 5, 0, done, &done_calls), ==, -ENODEV);
	dpvs_msg_free(msg);

	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.sent, ==, NWORKERS + 1);
	g_assert_cmpuint(c.rtts, >, 0);
	g_assert_cmpuint(c.rtt_ns_total, >, 0);
	g_assert_cmpuint(c.rtt_ns_total / c.rtts, <=, c.rtt_ns_max);
	g_assert_cmpuint(c.rtt_ns_p99, <=, c.rtt_ns_max);
	g_assert_cmpuint(c.rtt_ns_p99, >, 0);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.send_failed, ==, 2);
	wait_pool_empty();
	teardown();
}

static void
multi_done(struct dpvs_msg *msg, int status, void *arg)
{
	unsigned int lcore;

	done_calls++;
	done_status = status;
	if (msg == NULL)
		return;
	RTE_LCORE_FOREACH_WORKER(lcore) {
		g_assert_true(dpvs_msg_answered(msg, lcore));
		g_assert_cmpuint(dpvs_msg_reply_u64(msg, lcore), ==, 1000 + lcore);
		g_assert_cmpint(dpvs_msg_reply_status(msg, lcore), ==, lcore == 2 ? status : 0);
	}
	g_assert_false(dpvs_msg_answered(msg, 0));
	g_assert_cmpint(dpvs_msg_reply_status(msg, 0), ==, -ENODEV);
}

static void
test_multicast(void)
{
	unsigned int lcore;

	setup();
	start_workers();
	for (unsigned int i = 1; i <= 500; i++) {
		g_assert_cmpint(dpvs_msg_multicast(new_u64(T_COUNT, 0), 0, multi_done, NULL), ==, 0);
		wait_for(&done_calls, i);
		g_assert_cmpint(done_status, ==, 0);
	}
	dpvs_msg_multicast(new_u32(T_COUNT, 0), 0, multi_done, NULL);
	wait_for(&done_calls, 501);
	g_assert_cmpint(done_status, ==, -EDOM);
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpuint(counted[lcore], ==, 501);
	wait_pool_empty();
	teardown();
}

static unsigned int commit_late;

static void
late(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_null(msg);
	g_assert_cmpint(status, ==, -ETIMEDOUT);
	commit_late++;
}

static void
test_commit(void)
{
	unsigned int lcore, reserved = 0;

	setup();
	start_workers();
	commit_late = 0;
	/* Takes three loops of each worker. */
	g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
	dpvs_msg_commit(new_u32(T_COMMIT, 3), 0, done, late, &done_calls);
	wait_for(&done_calls, 1);
	g_assert_cmpint(done_status, ==, 0);
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpuint(counted[lcore], ==, 1);
	g_assert_cmpuint(loops_deferred, ==, 2 * NWORKERS);

	/* Past the deadline late() says so once, and done() comes when the last worker has it. */
	set_hold(2, true);
	g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
	dpvs_msg_commit(new_u32(T_COMMIT, 1), 30, done, late, &done_calls);
	wait_for(&commit_late, 1);
	g_assert_cmpuint(done_calls, ==, 1);
	set_hold(2, false);
	dpvs_msg_ring_doorbell(2);
	wait_for(&done_calls, 2);
	g_assert_cmpuint(commit_late, ==, 1);

	/* Reservations are bounded, and a stuck worker's unanswered commits count. */
	while (dpvs_msg_commit_reserve() == 0)
		reserved++;
	g_assert_cmpuint(reserved, >=, 64);
	for (unsigned int i = 0; i < reserved; i++)
		dpvs_msg_commit_release();
	set_hold(1, true);
	for (unsigned int i = 0; i < reserved && i < POOL - 1; i++) {
		g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
		dpvs_msg_commit(new_u32(T_COMMIT, 1), WAIT_MS, done, late, &done_calls);
	}
	set_hold(1, false);
	wait_for(&done_calls, 2 + MIN(reserved, POOL - 1));
	wait_pool_empty();
	teardown();
}

static void
test_deadline(void)
{
	struct dpvs_msg_counters c;
	gint64 start;

	setup();
	start_workers();
	set_hold(1, true);
	start = g_get_monotonic_time();
	g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, 1), 1, 50, done, &done_calls), ==, 0);
	g_assert_cmpint(dpvs_msg_multicast(new_u64(T_COUNT, 1), 20, done, &done_calls), ==, 0);
	wait_for(&done_calls, 1);
	g_assert_cmpint(done_status, ==, -ETIMEDOUT);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 20 * 1000 - 1000);
	wait_for(&done_calls, 2);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 50 * 1000 - 1000);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * 1000 * 1000);
	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.timed_out, ==, 1);
	g_assert_cmpuint(c.late, ==, 0);
	/* The receiver still has them. */
	g_assert_cmpuint(in_use(), ==, 2);

	/* A later request is not confused by the late answers. */
	g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, 21), 1, 0, done, &done_calls), ==, 0);
	set_hold(1, false);
	wait_for(&done_calls, 3);
	g_assert_cmpint(done_status, ==, 0);
	g_assert_cmpuint(done_value, ==, 42);
	wait_pool_empty();
	g_assert_cmpuint(done_calls, ==, 3);
	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.late, ==, 1);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.late, ==, 1);
	g_assert_cmpuint(c.timed_out, ==, 1);
	teardown();
}

static unsigned int
reservable(void)
{
	unsigned int n = 0;

	while (dpvs_msg_commit_reserve() == 0)
		n++;
	for (unsigned int i = 0; i < n; i++)
		dpvs_msg_commit_release();
	return n;
}

/* What comes back late leaves nothing behind: its slot is free again, and its object as good as any. */
static void
test_late(void)
{
	enum { BURST = 200, AGAIN = 32 };
	unsigned int slots, n = 0;

	setup();
	start_workers();
	slots = reservable();
	commit_late = 0;
	set_hold(1, true);
	for (unsigned int i = 0; i < AGAIN; i++) {
		g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
		dpvs_msg_commit(new_u32(T_COMMIT, 1), 1, done, late, &done_calls);
	}
	wait_for(&commit_late, AGAIN);
	g_assert_cmpuint(done_calls, ==, 0);
	g_assert_cmpuint(reservable(), ==, slots - AGAIN);
	set_hold(1, false);
	wait_for(&done_calls, n += AGAIN);
	wait_pool_empty();
	g_assert_cmpuint(reservable(), ==, slots);

	/* More in all than may be unanswered at once. */
	for (unsigned int round = 0; round < 2; round++) {
		set_hold(1, true);
		for (unsigned int i = 0; i < BURST; i++)
			g_assert_cmpint(dpvs_msg_multicast(new_u64(T_COUNT, 0), 1, done, &done_calls), ==, 0);
		wait_for(&done_calls, n += BURST);
		g_assert_cmpint(done_status, ==, -ETIMEDOUT);
		set_hold(1, false);
		wait_pool_empty();
	}
	g_assert_cmpuint(done_calls, ==, n);
	for (unsigned int i = 0; i < AGAIN; i++)
		g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, i), 2, WAIT_MS, done, &done_calls), ==, 0);
	wait_for(&done_calls, n += AGAIN);
	g_assert_cmpint(done_status, ==, 0);
	wait_pool_empty();
	teardown();
}

static void
test_full(void)
{
	struct dpvs_msg *msgs[POOL] = { NULL };
	struct dpvs_msg_pool_info info;
	struct dpvs_msg_counters c;
	struct dpvs_msg *msg;
	unsigned int n = 0;

	setup();
	start_workers();
	set_hold(1, true);
	/* A full ring leaves the message with the sender and does not touch other lcores. */
	for (;;) {
		msg = new_u64(T_COUNT, n);
		if (dpvs_msg_send(msg, 1) != 0)
			break;
		n++;
	}
	g_assert_cmpuint(n, >=, 16);
	g_assert_cmpuint(n, <, POOL / 2);
	g_assert_cmpint(dpvs_msg_send(msg, 1), ==, -ENOBUFS);
	g_assert_cmpint(dpvs_msg_request(msg, 1, 0, done, &done_calls), ==, -ENOBUFS);
	g_assert_cmpuint(dpvs_msg_flags(msg), ==, 0);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.send_failed, ==, 3);
	g_assert_cmpint(dpvs_msg_send(msg, 2), ==, 0);
	wait_counted(&counted[2], 1);
	/* Multicasts have room of their own: all workers have it or none. */
	g_assert_cmpint(dpvs_msg_multicast(new_u64(T_COUNT, 0), WAIT_MS, multi_done, NULL), ==, 0);

	/* The pool is finite. */
	for (n = 0; n < POOL && (msg = dpvs_msg_new(T_COUNT, 8)) != NULL; n++)
		msgs[n] = msg;
	g_assert_cmpuint(n, <, POOL);
	dpvs_msg_pool_get(&info);
	g_assert_cmpuint(info.size, ==, POOL);
	g_assert_cmpuint(info.failures, ==, 1);
	g_assert_null(dpvs_msg_new(T_COUNT, 1 << 20));
	for (n = 0; n < POOL; n++)
		dpvs_msg_free(msgs[n]);
	set_hold(1, false);
	wait_for(&done_calls, 1);
	wait_pool_empty();
	teardown();
}

static void
test_priority(void)
{
	setup_slice(1000 * WAIT_MS); /* the budget alone decides */
	start_workers();
	set_hold(1, true);
	for (uint32_t i = 0; i < 4; i++) {
		g_assert_cmpint(dpvs_msg_send(new_u32(T_LOW, 200 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(new_u32(T_NORM, 100 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(new_u32(T_HIGH, i), 1), ==, 0);
	}
	set_hold(1, false);
	wait_counted(&order_len, 12);
	/* Eight in one loop, high first; the ring that is out of budget still has one served. */
	for (uint32_t i = 0; i < 4; i++) {
		g_assert_cmpuint(order[i], ==, i);
		g_assert_cmpuint(order[4 + i], ==, 100 + i);
		g_assert_cmpuint(order[8 + i], ==, 200 + i);
	}
	wait_pool_empty();
	teardown();
}

/* When each message takes all the time of a loop, no priority keeps another one waiting for good. */
static void
test_slice(void)
{
	enum { EACH = 16 };
	unsigned int seen[3] = { 0 };

	setup_slice(1);
	atomic_store(&slow, true);
	start_workers();
	set_hold(1, true);
	for (uint32_t i = 0; i < EACH; i++) {
		g_assert_cmpint(dpvs_msg_send(new_u32(T_LOW, 200 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(new_u32(T_NORM, 100 + i), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_send(new_u32(T_HIGH, i), 1), ==, 0);
	}
	set_hold(1, false);
	wait_counted(&order_len, 3 * EACH);
	/* In turn, in the order of each ring. */
	for (uint32_t i = 0; i < 3 * EACH; i++) {
		uint32_t prio = order[i] / 100;

		g_assert_cmpuint(order[i] % 100, ==, seen[prio]);
		seen[prio]++;
		g_assert_cmpuint(seen[prio], <=, i / 3 + 1);
	}
	atomic_store(&slow, false);
	wait_pool_empty();
	teardown();
}

/* A handler is told when the time that its loop has for all messages is over, and goes on in the next. */
static void
test_slice_over(void)
{
	enum { SLICE_US = 2000, LOOPS = 20 };

	setup_slice(SLICE_US);
	atomic_store(&slice_seen, 0);
	g_assert_cmpint(dpvs_msg_slice_over(), ==, 0); /* main has all the time there is */
	start_workers();
	g_assert_cmpint(dpvs_msg_request(new_u32(T_PIECES, LOOPS), 1, WAIT_MS, done, &done_calls), ==, 0);
	wait_for(&done_calls, 1);
	g_assert_cmpint(done_status, ==, 0);
	g_assert_cmpuint(atomic_load(&counted[1]), ==, 1);
	g_assert_cmpuint(atomic_load(&loops_deferred), ==, LOOPS - 1);
	/* Not at once, unless the CPU was away each time; never later, what other handlers took included. */
	g_assert_cmpuint(atomic_load(&slice_seen), >, 0);
	atomic_store(&slow, true);
	for (unsigned int i = 1; i <= LOOPS; i++) {
		set_hold(1, true);
		g_assert_cmpint(dpvs_msg_send(new_u32(T_HIGH, 0), 1), ==, 0);
		g_assert_cmpint(dpvs_msg_request(new_u32(T_PIECES, 1), 1, WAIT_MS, done, &done_calls), ==, 0);
		set_hold(1, false);
		wait_for(&done_calls, 1 + i);
	}
	atomic_store(&slow, false);
	g_assert_cmpuint(atomic_load(&slice_seen), <=, SLICE_US * (rte_get_tsc_hz() / 1000000));
	wait_pool_empty();
	teardown();
}

/* Both sides asleep again and again: no ring of a bell may be lost. */
static void
test_doorbell(void)
{
	enum { ROUNDS = 20000 };
	unsigned int n = 0;

	setup();
	start_workers();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int lcore = 1 + i % NWORKERS;

		g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, 21), lcore, WAIT_MS, done, &done_calls),
				==, 0);
		wait_for(&done_calls, ++n);
		g_assert_cmpint(done_status, ==, 0);
	}
	wait_pool_empty();
	teardown();
}

/* Workers ask main on their own: main sleeps in its loop, workers in theirs. */
static void
test_worker_asks(void)
{
	enum { ROUNDS = 3000 };

	setup();
	start_workers();
	for (unsigned int i = 1; i <= ROUNDS; i++) {
		for (unsigned int lcore = 1; lcore <= NWORKERS; lcore++)
			g_assert_cmpint(dpvs_msg_send(new_u64(T_ASK, 0), lcore), ==, 0);
		wait_counted(&answers[1], i);
		wait_counted(&answers[2], i);
		wait_counted(&answers[3], i);
	}
	g_assert_cmpuint(ask_failed, ==, 0);
	wait_pool_empty();
	teardown();
}

/* One that was woken sleeps again: what woke it is taken from its bell. */
static void
test_sleeps(void)
{
	uint64_t before;

	setup();
	start_workers();
	g_assert_cmpint(dpvs_msg_send(new_u64(T_COUNT, 0), 1), ==, 0);
	wait_counted(&counted[1], 1);
	before = atomic_load(&loop_no[1]);
	g_usleep(100000);
	/* Some for what rang meanwhile; one that does not sleep makes thousands. */
	g_assert_cmpuint(atomic_load(&loop_no[1]) - before, <, 20);
	teardown();
}

/* A loop that takes nothing but answers counts as well: it is time that packets wait. */
static void
test_answer_loops(void)
{
	enum { ASKS = 20 };
	struct dpvs_msg_handler_times times;
	gint64 end = g_get_monotonic_time() + WAIT_MS * 1000;

	setup();
	start_workers();
	for (unsigned int i = 1; i <= ASKS; i++) {
		g_assert_cmpint(dpvs_msg_send(new_u64(T_ASK, 0), 1), ==, 0);
		wait_counted(&answers[1], i);
	}
	/* The question is asked in one loop, and the answer comes in another. The last one is counted at its end. */
	do {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_assert_cmpint(dpvs_msg_get_handler_times(1, &times), ==, 0);
	} while (times.loops < 2 * ASKS);
	g_assert_cmpuint(times.ns_total, >, 0);
	wait_pool_empty();
	teardown();
}

/* Worker to worker, many at once, nobody sleeps or everybody does. */
static void
flood(bool with_sleep)
{
	enum { TOTAL = 30000 };
	unsigned int sent = 0;

	setup();
	atomic_store(&sleepy, with_sleep);
	start_workers();
	while (sent < TOTAL) {
		struct dpvs_msg *msg = dpvs_msg_new(T_DOUBLE, sizeof(uint64_t));

		if (msg != NULL) {
			*(uint64_t *)dpvs_msg_data(msg) = sent;
			if (dpvs_msg_request(msg, 1 + sent % NWORKERS, WAIT_MS, done, &done_calls) == 0) {
				sent++;
				continue;
			}
			dpvs_msg_free(msg);
		}
		g_main_context_iteration(NULL, FALSE);
		sched_yield();
	}
	wait_for(&done_calls, TOTAL);
	wait_pool_empty();
	teardown();
}

static void
test_flood(void)
{
	flood(true);
	flood(false);
}

static void
test_reg(void)
{
	gint64 end;

	setup();
	start_workers();
	for (unsigned int i = 0; i < 200; i++) {
		g_assert_cmpint(dpvs_msg_type_register(&late_type), ==, 0);
		g_assert_cmpint(dpvs_msg_type_register(&late_type), ==, -EEXIST);
		/* Of the same priority: it comes after the registration. */
		g_assert_cmpint(dpvs_msg_request(new_u64(T_LATE, 0), 3, 0, done, &done_calls), ==, 0);
		wait_for(&done_calls, 2 * i + 1);
		g_assert_cmpint(done_status, ==, 0);
		g_assert_cmpint(dpvs_msg_type_unregister(T_LATE), ==, 0);
		g_assert_cmpint(dpvs_msg_type_unregister(T_LATE), ==, -ENOENT);
		g_assert_cmpint(dpvs_msg_request(new_u64(T_LATE, 0), 3, 0, done, &done_calls), ==, 0);
		wait_for(&done_calls, 2 * i + 2);
		g_assert_cmpint(done_status, ==, -EOPNOTSUPP);
		/* The other workers' rings are finite, and they may have no CPU just now. */
		end = g_get_monotonic_time() + WAIT_MS * 1000;
		while (dpvs_msg_type_unconfirmed(T_LATE) > (i % 10 == 9 ? 0 : 20)) {
			g_assert_cmpint(g_get_monotonic_time(), <, end);
			g_main_context_iteration(NULL, FALSE);
		}
	}
	g_assert_cmpuint(dpvs_msg_type_unconfirmed(T_LATE), ==, 0);

	/* A worker registers. */
	atomic_store(&reg_answers, 0);
	dpvs_msg_send(new_u32(T_REG, DPVS_MSG_REG), 2);
	wait_counted(&reg_answers, 1);
	g_assert_cmpint(reg_status, ==, 0);
	g_assert_nonnull(dpvs_msg_type_lookup(T_LATE));
	dpvs_msg_send(new_u32(T_REG, DPVS_MSG_REG), 2);
	wait_counted(&reg_answers, 2);
	g_assert_cmpint(reg_status, ==, -EEXIST);
	dpvs_msg_request(new_u64(T_LATE, 0), 1, 0, done, &done_calls);
	wait_for(&done_calls, 401);
	g_assert_cmpint(done_status, ==, 0);
	dpvs_msg_send(new_u32(T_REG, DPVS_MSG_UNREG), 2);
	wait_counted(&reg_answers, 3);
	g_assert_cmpint(reg_status, ==, 0);
	g_assert_null(dpvs_msg_type_lookup(T_LATE));
	wait_pool_empty();
	teardown();
}

static char hello_text[64];
static uint32_t hello_lcore;

static void
hello_done(struct dpvs_msg *msg, int status, void *arg)
{
	const struct dpvs_msg_hello *h = dpvs_msg_data(msg);

	done_calls++;
	done_status = status;
	memcpy(hello_text, h->text, sizeof(hello_text));
	hello_lcore = h->lcore;
	g_assert_cmpuint(h->role, ==, h->lcore == 0 ? DPVS_MSG_ROLE_MAIN : DPVS_MSG_ROLE_WORKER);
	g_assert_cmpuint(h->state, ==, DPVS_MSG_STATE_RUNNING);
}

static struct dpvs_msg_workers *workers_answer;

static void
workers_done(struct dpvs_msg *msg, int status, void *arg)
{
	done_calls++;
	g_assert_cmpint(status, ==, 0);
	workers_answer = g_memdup2(dpvs_msg_data(msg), dpvs_msg_len(msg));
}

static void
test_built_in(void)
{
	struct dpvs_msg *msg;

	setup();
	start_workers();
	for (uint32_t lcore = 0; lcore < NLCORES; lcore++) {
		struct dpvs_msg_hello *h;
		g_autofree char *want = g_strdup_printf("lcore %u heard: who is there?", lcore);

		msg = dpvs_msg_new(DPVS_MSG_HELLO, sizeof(*h));
		h = dpvs_msg_data(msg);
		memset(h, 0, sizeof(*h));
		strcpy(h->text, "who is there?");
		g_assert_cmpint(dpvs_msg_request(msg, lcore, 0, hello_done, NULL), ==, 0);
		wait_for(&done_calls, lcore + 1);
		g_assert_cmpint(done_status, ==, 0);
		g_assert_cmpuint(hello_lcore, ==, lcore);
		g_assert_cmpstr(hello_text, ==, want);
	}
	msg = dpvs_msg_new(DPVS_MSG_GET_ALL_SLAVE_ID, 0);
	g_assert_cmpint(dpvs_msg_request(msg, 0, 0, workers_done, NULL), ==, 0);
	wait_for(&done_calls, NLCORES + 1);
	g_assert_cmpuint(workers_answer->count, ==, NWORKERS);
	g_assert_cmpuint(workers_answer->workers[2].lcore, ==, 3);
	g_assert_cmpuint(workers_answer->workers[2].state, ==, DPVS_MSG_STATE_RUNNING);
	g_free(workers_answer);
	teardown();
}

/* What is under way at the end is given back, and who waits is told. */
static void
test_end(void)
{
	setup();
	/* no worker runs */
	g_assert_cmpint(dpvs_msg_send(new_u64(T_DROP, 0), 1), ==, 0);
	g_assert_cmpint(dpvs_msg_send(new_u64(T_DROP, 0), 2), ==, 0);
	g_assert_cmpint(dpvs_msg_request(new_u64(T_DOUBLE, 1), 1, 0, done, &done_calls), ==, 0);
	g_assert_cmpint(dpvs_msg_multicast(new_u64(T_COUNT, 1), 0, done, &done_calls), ==, 0);
	dpvs_msg_fini();
	g_assert_cmpuint(dropped, ==, 2);
	g_assert_cmpuint(done_calls, ==, 2);
	g_assert_cmpint(done_status, ==, -ECANCELED);
	dpvs_msg_fini();

	setup();
	g_assert_cmpint(dpvs_msg_init(NULL), ==, -EEXIST);
	/* A message that finds no handler is dropped by its type's hook. */
	start_workers();
	g_assert_cmpint(dpvs_msg_send(new_u64(T_DROP, 0), 1), ==, 0);
	wait_counted(&dropped, 1);
	teardown();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	test_eal_init(NLCORES);
	g_test_add_func("/msg/unicast", test_unicast);
	g_test_add_func("/msg/multicast", test_multicast);
	g_test_add_func("/msg/commit", test_commit);
	g_test_add_func("/msg/deadline", test_deadline);
	g_test_add_func("/msg/late", test_late);
	g_test_add_func("/msg/full", test_full);
	g_test_add_func("/msg/priority", test_priority);
	g_test_add_func("/msg/slice", test_slice);
	g_test_add_func("/msg/slice over", test_slice_over);
	g_test_add_func("/msg/doorbell", test_doorbell);
	g_test_add_func("/msg/worker asks", test_worker_asks);
	g_test_add_func("/msg/sleeps", test_sleeps);
	g_test_add_func("/msg/answers count", test_answer_loops);
	g_test_add_func("/msg/flood", test_flood);
	g_test_add_func("/msg/reg", test_reg);
	g_test_add_func("/msg/built-in", test_built_in);
	g_test_add_func("/msg/end", test_end);
	rc = g_test_run();
	test_eal_fini();
	return rc;
}
