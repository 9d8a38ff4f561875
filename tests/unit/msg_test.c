/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between real lcores: how they come, are answered, and come back; what happens to those that are late, too many
 * or of no type.
 */
#include "eal.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <glib.h>
#include <rte_lcore.h>

#include <dpvsctrl/msg.h>

#include "msg_rig.h"

static void
test_unicast(void)
{
	struct dpvs_msg_counters c;
	unsigned int lcore, n = 0;

	rig_setup();
	rig_start_workers();
	RTE_LCORE_FOREACH_WORKER(lcore) {
		g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, lcore), lcore, 0, rig_done, &rig.done_calls),
				==, 0);
		rig_wait_for(&rig.done_calls, ++n);
		g_assert_cmpint(rig.done_status, ==, 0);
		g_assert_cmpuint(rig.done_value, ==, 2 * lcore);
		g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, lcore, &c), ==, 0);
		g_assert_cmpuint(c.received, ==, 1);
		g_assert_cmpuint(c.replied, ==, 1);
		/* one way */
		g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_COUNT, 0), lcore), ==, 0);
		rig_wait_counted(&rig.counted[lcore], 1);
	}
	/* The handler's status, an unknown type, a lcore that is not there. */
	dpvs_msg_request(rig_new_u64(T_DOUBLE, 13), 1, 0, rig_done, &rig.done_calls);
	rig_wait_for(&rig.done_calls, ++n);
	g_assert_cmpint(rig.done_status, ==, -ERANGE);
	dpvs_msg_request(rig_new_u64(T_MUTE, 13), 1, 0, rig_done, &rig.done_calls);
	rig_wait_for(&rig.done_calls, ++n);
	g_assert_cmpint(rig.done_status, ==, -EOPNOTSUPP);
	g_assert_cmpuint(rig.done_flags & DPVS_MSG_F_UNKNOWN, !=, 0);
	struct dpvs_msg *msg = rig_new_u64(T_COUNT, 0);
	g_assert_cmpint(dpvs_msg_send(msg, RIG_LCORES), ==, -ENODEV);
	g_assert_cmpint(dpvs_msg_request(msg, RTE_MAX_LCORE + 5, 0, rig_done, &rig.done_calls), ==, -ENODEV);
	dpvs_msg_free(msg);

	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.sent, ==, RIG_WORKERS + 1);
	g_assert_cmpuint(c.rtts, >, 0);
	g_assert_cmpuint(c.rtt_ns_total, >, 0);
	g_assert_cmpuint(c.rtt_ns_total / c.rtts, <=, c.rtt_ns_max);
	g_assert_cmpuint(c.rtt_ns_p99, <=, c.rtt_ns_max);
	g_assert_cmpuint(c.rtt_ns_p99, >, 0);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.send_failed, ==, 2);
	rig_wait_pool_empty();
	rig_teardown();
}

static void
multi_done(struct dpvs_msg *msg, int status, void *arg)
{
	unsigned int lcore;

	rig.done_calls++;
	rig.done_status = status;
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

	rig_setup();
	rig_start_workers();
	for (unsigned int i = 1; i <= 500; i++) {
		g_assert_cmpint(dpvs_msg_multicast(rig_new_u64(T_COUNT, 0), 0, multi_done, NULL), ==, 0);
		rig_wait_for(&rig.done_calls, i);
		g_assert_cmpint(rig.done_status, ==, 0);
	}
	dpvs_msg_multicast(rig_new_u32(T_COUNT, 0), 0, multi_done, NULL);
	rig_wait_for(&rig.done_calls, 501);
	g_assert_cmpint(rig.done_status, ==, -EDOM);
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpuint(rig.counted[lcore], ==, 501);
	rig_wait_pool_empty();
	rig_teardown();
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

	rig_setup();
	rig_start_workers();
	commit_late = 0;
	/* Takes three loops of each worker. */
	g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
	dpvs_msg_commit(rig_new_u32(T_COMMIT, 3), 0, rig_done, late, &rig.done_calls);
	rig_wait_for(&rig.done_calls, 1);
	g_assert_cmpint(rig.done_status, ==, 0);
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpuint(rig.counted[lcore], ==, 1);
	g_assert_cmpuint(rig.loops_deferred, ==, 2 * RIG_WORKERS);

	/* Past the deadline late() says so once, and done() comes when the last worker has it. */
	rig_set_hold(2, true);
	g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
	dpvs_msg_commit(rig_new_u32(T_COMMIT, 1), 30, rig_done, late, &rig.done_calls);
	rig_wait_for(&commit_late, 1);
	g_assert_cmpuint(rig.done_calls, ==, 1);
	rig_set_hold(2, false);
	dpvs_msg_ring_doorbell(2);
	rig_wait_for(&rig.done_calls, 2);
	g_assert_cmpuint(commit_late, ==, 1);

	/* Reservations are bounded, and a stuck worker's unanswered commits count. */
	while (dpvs_msg_commit_reserve() == 0)
		reserved++;
	g_assert_cmpuint(reserved, >=, 64);
	for (unsigned int i = 0; i < reserved; i++)
		dpvs_msg_commit_release();
	rig_set_hold(1, true);
	for (unsigned int i = 0; i < reserved && i < RIG_POOL - 1; i++) {
		g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
		dpvs_msg_commit(rig_new_u32(T_COMMIT, 1), RIG_WAIT_MS, rig_done, late, &rig.done_calls);
	}
	rig_set_hold(1, false);
	rig_wait_for(&rig.done_calls, 2 + MIN(reserved, RIG_POOL - 1));
	rig_wait_pool_empty();
	rig_teardown();
}

static void
test_deadline(void)
{
	struct dpvs_msg_counters c;
	gint64 start;

	rig_setup();
	rig_start_workers();
	rig_set_hold(1, true);
	start = g_get_monotonic_time();
	g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, 1), 1, 50, rig_done, &rig.done_calls), ==, 0);
	g_assert_cmpint(dpvs_msg_multicast(rig_new_u64(T_COUNT, 1), 20, rig_done, &rig.done_calls), ==, 0);
	rig_wait_for(&rig.done_calls, 1);
	g_assert_cmpint(rig.done_status, ==, -ETIMEDOUT);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 20 * 1000 - 1000);
	rig_wait_for(&rig.done_calls, 2);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, 50 * 1000 - 1000);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * 1000 * 1000);
	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.timed_out, ==, 1);
	g_assert_cmpuint(c.late, ==, 0);
	/* The receiver still has them. */
	g_assert_cmpuint(rig_in_use(), ==, 2);

	/* A later request is not confused by the late answers. */
	g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, 21), 1, 0, rig_done, &rig.done_calls), ==, 0);
	rig_set_hold(1, false);
	rig_wait_for(&rig.done_calls, 3);
	g_assert_cmpint(rig.done_status, ==, 0);
	g_assert_cmpuint(rig.done_value, ==, 42);
	rig_wait_pool_empty();
	g_assert_cmpuint(rig.done_calls, ==, 3);
	g_assert_cmpint(dpvs_msg_get_counters(T_DOUBLE, 0, &c), ==, 0);
	g_assert_cmpuint(c.late, ==, 1);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.late, ==, 1);
	g_assert_cmpuint(c.timed_out, ==, 1);
	rig_teardown();
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

	rig_setup();
	rig_start_workers();
	slots = reservable();
	commit_late = 0;
	rig_set_hold(1, true);
	for (unsigned int i = 0; i < AGAIN; i++) {
		g_assert_cmpint(dpvs_msg_commit_reserve(), ==, 0);
		dpvs_msg_commit(rig_new_u32(T_COMMIT, 1), 1, rig_done, late, &rig.done_calls);
	}
	rig_wait_for(&commit_late, AGAIN);
	g_assert_cmpuint(rig.done_calls, ==, 0);
	g_assert_cmpuint(reservable(), ==, slots - AGAIN);
	rig_set_hold(1, false);
	rig_wait_for(&rig.done_calls, n += AGAIN);
	rig_wait_pool_empty();
	g_assert_cmpuint(reservable(), ==, slots);

	/* More in all than may be unanswered at once. */
	for (unsigned int round = 0; round < 2; round++) {
		rig_set_hold(1, true);
		for (unsigned int i = 0; i < BURST; i++)
			g_assert_cmpint(dpvs_msg_multicast(rig_new_u64(T_COUNT, 0), 1, rig_done, &rig.done_calls), ==, 0);
		rig_wait_for(&rig.done_calls, n += BURST);
		g_assert_cmpint(rig.done_status, ==, -ETIMEDOUT);
		rig_set_hold(1, false);
		rig_wait_pool_empty();
	}
	g_assert_cmpuint(rig.done_calls, ==, n);
	for (unsigned int i = 0; i < AGAIN; i++)
		g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, i), 2, RIG_WAIT_MS, rig_done, &rig.done_calls), ==, 0);
	rig_wait_for(&rig.done_calls, n += AGAIN);
	g_assert_cmpint(rig.done_status, ==, 0);
	rig_wait_pool_empty();
	rig_teardown();
}

static void
test_full(void)
{
	struct dpvs_msg *msgs[RIG_POOL] = { NULL };
	struct dpvs_msg_pool_info info;
	struct dpvs_msg_counters c;
	struct dpvs_msg *msg;
	unsigned int n = 0;

	rig_setup();
	rig_start_workers();
	rig_set_hold(1, true);
	/* A full ring leaves the message with the sender and does not touch other lcores. */
	for (;;) {
		msg = rig_new_u64(T_COUNT, n);
		if (dpvs_msg_send(msg, 1) != 0)
			break;
		n++;
	}
	g_assert_cmpuint(n, >=, 16);
	g_assert_cmpuint(n, <, RIG_POOL / 2);
	g_assert_cmpint(dpvs_msg_send(msg, 1), ==, -ENOBUFS);
	g_assert_cmpint(dpvs_msg_request(msg, 1, 0, rig_done, &rig.done_calls), ==, -ENOBUFS);
	g_assert_cmpuint(dpvs_msg_flags(msg), ==, 0);
	g_assert_cmpint(dpvs_msg_get_counters(T_COUNT, 0, &c), ==, 0);
	g_assert_cmpuint(c.send_failed, ==, 3);
	g_assert_cmpint(dpvs_msg_send(msg, 2), ==, 0);
	rig_wait_counted(&rig.counted[2], 1);
	/* Multicasts have room of their own: all workers have it or none. */
	g_assert_cmpint(dpvs_msg_multicast(rig_new_u64(T_COUNT, 0), RIG_WAIT_MS, multi_done, NULL), ==, 0);

	/* The pool is finite. */
	for (n = 0; n < RIG_POOL && (msg = dpvs_msg_new(T_COUNT, 8)) != NULL; n++)
		msgs[n] = msg;
	g_assert_cmpuint(n, <, RIG_POOL);
	dpvs_msg_pool_get(&info);
	g_assert_cmpuint(info.size, ==, RIG_POOL);
	g_assert_cmpuint(info.failures, ==, 1);
	g_assert_null(dpvs_msg_new(T_COUNT, 1 << 20));
	for (n = 0; n < RIG_POOL; n++)
		dpvs_msg_free(msgs[n]);
	rig_set_hold(1, false);
	rig_wait_for(&rig.done_calls, 1);
	rig_wait_pool_empty();
	rig_teardown();
}

static void
test_reg(void)
{
	gint64 end;

	rig_setup();
	rig_start_workers();
	for (unsigned int i = 0; i < 200; i++) {
		g_assert_cmpint(dpvs_msg_type_register(&rig_late_type), ==, 0);
		g_assert_cmpint(dpvs_msg_type_register(&rig_late_type), ==, -EEXIST);
		/* Of the same priority: it comes after the registration. */
		g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_LATE, 0), 3, 0, rig_done, &rig.done_calls), ==, 0);
		rig_wait_for(&rig.done_calls, 2 * i + 1);
		g_assert_cmpint(rig.done_status, ==, 0);
		g_assert_cmpint(dpvs_msg_type_unregister(T_LATE), ==, 0);
		g_assert_cmpint(dpvs_msg_type_unregister(T_LATE), ==, -ENOENT);
		g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_LATE, 0), 3, 0, rig_done, &rig.done_calls), ==, 0);
		rig_wait_for(&rig.done_calls, 2 * i + 2);
		g_assert_cmpint(rig.done_status, ==, -EOPNOTSUPP);
		/* The other workers' rings are finite, and they may have no CPU just now. */
		end = g_get_monotonic_time() + RIG_WAIT_MS * 1000;
		while (dpvs_msg_type_unconfirmed(T_LATE) > (i % 10 == 9 ? 0 : 20)) {
			g_assert_cmpint(g_get_monotonic_time(), <, end);
			g_main_context_iteration(NULL, FALSE);
		}
	}
	g_assert_cmpuint(dpvs_msg_type_unconfirmed(T_LATE), ==, 0);

	/* A worker registers. */
	atomic_store(&rig.reg_answers, 0);
	dpvs_msg_send(rig_new_u32(T_REG, DPVS_MSG_REG), 2);
	rig_wait_counted(&rig.reg_answers, 1);
	g_assert_cmpint(rig.reg_status, ==, 0);
	g_assert_nonnull(dpvs_msg_type_lookup(T_LATE));
	dpvs_msg_send(rig_new_u32(T_REG, DPVS_MSG_REG), 2);
	rig_wait_counted(&rig.reg_answers, 2);
	g_assert_cmpint(rig.reg_status, ==, -EEXIST);
	dpvs_msg_request(rig_new_u64(T_LATE, 0), 1, 0, rig_done, &rig.done_calls);
	rig_wait_for(&rig.done_calls, 401);
	g_assert_cmpint(rig.done_status, ==, 0);
	dpvs_msg_send(rig_new_u32(T_REG, DPVS_MSG_UNREG), 2);
	rig_wait_counted(&rig.reg_answers, 3);
	g_assert_cmpint(rig.reg_status, ==, 0);
	g_assert_null(dpvs_msg_type_lookup(T_LATE));
	rig_wait_pool_empty();
	rig_teardown();
}

static char hello_text[64];
static uint32_t hello_lcore;

static void
hello_done(struct dpvs_msg *msg, int status, void *arg)
{
	const struct dpvs_msg_hello *h = dpvs_msg_data(msg);

	rig.done_calls++;
	rig.done_status = status;
	memcpy(hello_text, h->text, sizeof(hello_text));
	hello_lcore = h->lcore;
	g_assert_cmpuint(h->role, ==, h->lcore == 0 ? DPVS_MSG_ROLE_MAIN : DPVS_MSG_ROLE_WORKER);
	g_assert_cmpuint(h->state, ==, DPVS_MSG_STATE_RUNNING);
}

static struct dpvs_msg_workers *workers_answer;

static void
workers_done(struct dpvs_msg *msg, int status, void *arg)
{
	rig.done_calls++;
	g_assert_cmpint(status, ==, 0);
	workers_answer = g_memdup2(dpvs_msg_data(msg), dpvs_msg_len(msg));
}

static void
test_built_in(void)
{
	struct dpvs_msg *msg;

	rig_setup();
	rig_start_workers();
	for (uint32_t lcore = 0; lcore < RIG_LCORES; lcore++) {
		struct dpvs_msg_hello *h;
		g_autofree char *want = g_strdup_printf("lcore %u heard: who is there?", lcore);

		msg = dpvs_msg_new(DPVS_MSG_HELLO, sizeof(*h));
		h = dpvs_msg_data(msg);
		memset(h, 0, sizeof(*h));
		strcpy(h->text, "who is there?");
		g_assert_cmpint(dpvs_msg_request(msg, lcore, 0, hello_done, NULL), ==, 0);
		rig_wait_for(&rig.done_calls, lcore + 1);
		g_assert_cmpint(rig.done_status, ==, 0);
		g_assert_cmpuint(hello_lcore, ==, lcore);
		g_assert_cmpstr(hello_text, ==, want);
	}
	msg = dpvs_msg_new(DPVS_MSG_GET_ALL_SLAVE_ID, 0);
	g_assert_cmpint(dpvs_msg_request(msg, 0, 0, workers_done, NULL), ==, 0);
	rig_wait_for(&rig.done_calls, RIG_LCORES + 1);
	g_assert_cmpuint(workers_answer->count, ==, RIG_WORKERS);
	g_assert_cmpuint(workers_answer->workers[2].lcore, ==, 3);
	g_assert_cmpuint(workers_answer->workers[2].state, ==, DPVS_MSG_STATE_RUNNING);
	g_free(workers_answer);
	rig_teardown();
}

/* What is under way at the end is given back, and who waits is told. */
static void
test_end(void)
{
	rig_setup();
	/* no worker runs */
	g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_DROP, 0), 1), ==, 0);
	g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_DROP, 0), 2), ==, 0);
	g_assert_cmpint(dpvs_msg_request(rig_new_u64(T_DOUBLE, 1), 1, 0, rig_done, &rig.done_calls), ==, 0);
	g_assert_cmpint(dpvs_msg_multicast(rig_new_u64(T_COUNT, 1), 0, rig_done, &rig.done_calls), ==, 0);
	dpvs_msg_fini();
	g_assert_cmpuint(rig.dropped, ==, 2);
	g_assert_cmpuint(rig.done_calls, ==, 2);
	g_assert_cmpint(rig.done_status, ==, -ECANCELED);
	dpvs_msg_fini();

	rig_setup();
	g_assert_cmpint(dpvs_msg_init(NULL), ==, -EEXIST);
	/* A message that finds no handler is dropped by its type's hook. */
	rig_start_workers();
	g_assert_cmpint(dpvs_msg_send(rig_new_u64(T_DROP, 0), 1), ==, 0);
	rig_wait_counted(&rig.dropped, 1);
	rig_teardown();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	test_eal_init(RIG_LCORES);
	g_test_add_func("/msg/unicast", test_unicast);
	g_test_add_func("/msg/multicast", test_multicast);
	g_test_add_func("/msg/commit", test_commit);
	g_test_add_func("/msg/deadline", test_deadline);
	g_test_add_func("/msg/late", test_late);
	g_test_add_func("/msg/full", test_full);
	g_test_add_func("/msg/reg", test_reg);
	g_test_add_func("/msg/built-in", test_built_in);
	g_test_add_func("/msg/end", test_end);
	rc = g_test_run();
	test_eal_fini();
	return rc;
}
