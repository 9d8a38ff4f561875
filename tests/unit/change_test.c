/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes on real workers: all or none, order, what runs when, generations.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include "core/change_priv.h"
#include "core/lcore.h"
#include "harness.h"

#define WORKERS  2
#define TYPE     120 /* no module has it */
#define OPS_MANY 1000

/* What each worker was told, in order. Written by the worker, read by main after the acknowledgement. */
static uint32_t applied[WORKERS][OPS_MANY];
static uint32_t applied_count[WORKERS];
static _Atomic bool hold; /* workers wait in a commit while it is set */

static GString *trace;

static void
on_commit(const void *data, uint32_t len)
{
	unsigned int w = lcore_me()->worker;

	while (atomic_load(&hold))
		;
	g_assert_cmpuint(len, ==, sizeof(uint32_t));
	applied[w][applied_count[w]++ % OPS_MANY] = *(const uint32_t *)data;
}

static const struct dpvs_msg_type type = { .type = TYPE, .name = "test", .on_commit = on_commit };

static void
note(void *arg)
{
	g_string_append(trace, arg);
}

static void
add_op(struct change *c, uint32_t value)
{
	uint32_t *op = change_op(c, TYPE, sizeof(*op));

	g_assert_nonnull(op);
	g_assert_cmpuint((uintptr_t)op % 8, ==, 0);
	*op = value;
}

static void
wait_flight(void)
{
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	while (change_in_flight() > 0 && g_get_monotonic_time() < end)
		harness_pump(1);
	g_assert_cmpuint(change_in_flight(), ==, 0);
}

static void
setup(void)
{
	harness_start(1, NULL);
	wait_flight(); /* modules may change things at start */
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	memset(applied, 0, sizeof(applied));
	memset(applied_count, 0, sizeof(applied_count));
	g_string_truncate(trace, 0);
}

static void
teardown(void)
{
	g_assert_cmpint(dpvs_msg_type_unregister(TYPE), ==, 0);
	harness_stop();
}

static void
test_abandon(void)
{
	struct change *c;
	uint64_t generation;

	setup();
	generation = change_generation();
	c = change_begin();
	change_undo(c, note, (void *)"a");
	add_op(c, 1);
	change_undo(c, note, (void *)"b");
	change_done(c, note, (void *)"x");
	g_assert_cmpint(change_error(c, -EEXIST, "%s", "why"), ==, -EEXIST);
	g_assert_cmpstr(change_error_text(c), ==, "why");
	change_undo(c, note, (void *)"c");
	change_abandon(c);
	harness_settle();
	g_assert_cmpstr(trace->str, ==, "cba");
	g_assert_cmpuint(applied_count[0], ==, 0);
	g_assert_cmpuint(applied_count[1], ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation);
	teardown();
}

/* What nobody did: workers apply it, the generation stays. */
static void
test_quiet(void)
{
	struct change *c;
	uint64_t generation, sequence;

	setup();
	generation = change_generation();
	sequence = change_sequence();
	c = change_begin();
	change_quiet(c);
	add_op(c, 1);
	g_assert_cmpint(change_commit(c), ==, 0);
	wait_flight();
	for (uint32_t w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(applied_count[w], ==, 1);
		g_assert_cmpuint(change_sequence_of(lcore_of_worker(w)), ==, sequence + 1);
		g_assert_cmpuint(change_unconfirmed(lcore_of_worker(w)), ==, 0);
	}
	g_assert_cmpuint(change_generation(), ==, generation);
	g_assert_cmpuint(change_sequence(), ==, sequence + 1);
	teardown();
}

/* What is counted of TYPE on @lcore; @ret_rtts: commits that all workers confirmed. */
static void
get_counters(uint32_t lcore, uint64_t *ret_sent, uint64_t *ret_received, uint64_t *ret_rtts)
{
	struct dpvs_msg_counters c;

	g_assert_cmpint(dpvs_msg_get_counters(TYPE, lcore, &c), ==, 0);
	g_assert_cmpuint(c.replied, ==, c.received);
	g_assert_cmpint(c.rtts > 0, ==, c.rtt_ns_max > 0);
	*ret_sent = c.sent;
	*ret_received = c.received;
	*ret_rtts = c.rtts;
}

/* Operations are counted by their type: by main when they are committed, by each worker when they are applied. */
static void
test_counted(void)
{
	uint64_t before[WORKERS + 1][3], after[WORKERS + 1][3];
	uint32_t w;
	struct change *c;

	setup();
	get_counters(rte_get_main_lcore(), &before[WORKERS][0], &before[WORKERS][1], &before[WORKERS][2]);
	for (w = 0; w < WORKERS; w++)
		get_counters(lcore_of_worker(w), &before[w][0], &before[w][1], &before[w][2]);
	c = change_begin();
	for (uint32_t i = 0; i < OPS_MANY; i++)
		add_op(c, i);
	g_assert_cmpint(change_commit(c), ==, 0);
	wait_flight();
	c = change_begin();
	add_op(c, 1);
	change_abandon(c);
	get_counters(rte_get_main_lcore(), &after[WORKERS][0], &after[WORKERS][1], &after[WORKERS][2]);
	g_assert_cmpuint(after[WORKERS][0] - before[WORKERS][0], ==, OPS_MANY);
	g_assert_cmpuint(after[WORKERS][1], ==, before[WORKERS][1]);
	g_assert_cmpuint(after[WORKERS][2] - before[WORKERS][2], ==, 1);
	for (w = 0; w < WORKERS; w++) {
		get_counters(lcore_of_worker(w), &after[w][0], &after[w][1], &after[w][2]);
		g_assert_cmpuint(after[w][0], ==, before[w][0]);
		g_assert_cmpuint(after[w][1] - before[w][1], ==, OPS_MANY);
		g_assert_cmpuint(after[w][2], ==, before[w][2]);
	}
	teardown();
}

static void
test_commit(void)
{
	struct change *c;
	uint64_t generation;
	uint32_t i, w;

	setup();
	generation = change_generation();
	c = change_begin();
	change_undo(c, note, (void *)"u");
	for (i = 0; i < OPS_MANY; i++)
		add_op(c, i * 7);
	change_done(c, note, (void *)"x");
	change_done(c, note, (void *)"y");
	g_assert_cmpint(change_commit(c), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_cmpstr(trace->str, ==, "");
	wait_flight();
	g_assert_cmpstr(trace->str, ==, "xy");
	for (w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(applied_count[w], ==, OPS_MANY);
		for (i = 0; i < OPS_MANY; i++)
			g_assert_cmpuint(applied[w][i], ==, i * 7);
		g_assert_cmpuint(change_generation_of(lcore_of_worker(w)), ==, generation + 1);
		g_assert_cmpuint(change_unconfirmed(lcore_of_worker(w)), ==, 0);
	}
	/* The next one begins at its beginning. */
	c = change_begin();
	add_op(c, 5);
	add_op(c, 6);
	g_assert_cmpint(change_commit(c), ==, 0);
	wait_flight();
	for (w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(applied_count[w], ==, OPS_MANY + 2);
		g_assert_cmpuint(applied[w][0], ==, 5);
		g_assert_cmpuint(applied[w][1], ==, 6);
	}
	teardown();
}

/* Done notes wait for the slowest worker, also those of a later change that has nothing to apply. */
static void
test_done_waits(void)
{
	struct change *c;

	setup();
	atomic_store(&hold, true);
	c = change_begin();
	add_op(c, 1);
	change_done(c, note, (void *)"1");
	g_assert_cmpint(change_commit(c), ==, 0);
	c = change_begin();
	change_done(c, note, (void *)"2");
	g_assert_cmpint(change_commit(c), ==, 0);
	c = change_begin();
	add_op(c, 2);
	change_done(c, note, (void *)"3");
	g_assert_cmpint(change_commit(c), ==, 0);
	harness_pump(20);
	g_assert_cmpstr(trace->str, ==, "");
	g_assert_cmpuint(change_unconfirmed(lcore_of_worker(0)), ==, 2);
	atomic_store(&hold, false);
	wait_flight();
	g_assert_cmpstr(trace->str, ==, "123");
	g_assert_cmpuint(applied[0][0], ==, 1);
	g_assert_cmpuint(applied[1][1], ==, 2);
	teardown();
}

static void
test_empty(void)
{
	struct change *c;
	uint64_t generation;

	setup();
	generation = change_generation();
	c = change_begin();
	change_undo(c, note, (void *)"u");
	change_done(c, note, (void *)"x");
	g_assert_cmpint(change_commit(c), ==, 0);
	g_assert_cmpstr(trace->str, ==, "x");
	g_assert_cmpuint(change_generation(), ==, generation);
	teardown();
}

static int
late_step(struct change *c, void *arg)
{
	add_op(c, 5);
	change_done(c, note, (void *)"x");
	return 0;
}

static void
late_end(struct change *c, int status, void *arg)
{
	g_string_append_printf(trace, "[%d]", status == -EINPROGRESS ? change_late_worker(c) : 9);
}

/* Past the deadline: told once, memory kept, done when the worker comes back. */
static void
test_late(void)
{
	const struct change_job job = { .step = late_step, .end = late_end, .deadline_ms = 50 };
	gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;

	setup();
	atomic_store(&hold, true);
	change_submit(&job);
	while (trace->len == 0 && g_get_monotonic_time() < end)
		harness_pump(5);
	g_assert_cmpstr(trace->str, ==, "[0]");
	g_assert_cmpuint(change_in_flight(), ==, 1);
	/* It is committed; no worker says so before it has applied it. */
	for (unsigned int i = 0; i < WORKERS; i++)
		g_assert_cmpuint(change_generation_of(lcore_of_worker(i)), <, change_generation());
	atomic_store(&hold, false);
	wait_flight();
	g_assert_cmpstr(trace->str, ==, "[0]x");
	teardown();
}

/* More changes than the commit rings hold: the last is refused, undone, and nothing is lost. */
static void
test_overflow(void)
{
	struct change *c;
	unsigned int n = 0;
	int err;

	setup();
	atomic_store(&hold, true);
	do {
		c = change_begin();
		change_undo(c, note, (void *)"u");
		add_op(c, n);
		err = change_commit(c);
		n += err == 0;
	} while (err == 0 && n < 100000);
	g_assert_cmpint(err, ==, -ENOBUFS);
	g_assert_cmpstr(trace->str, ==, "u");
	g_assert_cmpuint(change_in_flight(), ==, n);
	atomic_store(&hold, false);
	wait_flight();
	g_assert_cmpuint(applied_count[0], ==, n);
	g_assert_cmpuint(applied_count[1], ==, n);
	teardown();
}

/* The socket's way: many records are one change; the error names the record, nothing stays. */
static void
test_records(void)
{
	struct dpvs_port_conf records[3] = {
		{ .name = "dpdk0", .set = DPVS_PORT_SET_MTU, .mtu = 1400 },
		{ .name = "dpdk0", .set = DPVS_PORT_SET_MTU, .mtu = 1300 },
		{ .name = "none", .set = DPVS_PORT_SET_MTU, .mtu = 1400 },
	};
	struct dpvs_port_info info;
	struct dpvs_reply *reply;
	uint64_t generation;

	harness_start(1, NULL);
	wait_flight();
	generation = change_generation();
	g_assert_cmpint(harness_set(DPVS_SET_NETIF_PORT, records, sizeof(records[0]), 3), ==, -ENODEV);
	g_assert_cmpuint(harness_error_index(), ==, 2);
	g_assert_cmpint(harness_get(DPVS_GET_PORT_LIST, NULL, 0, &reply), ==, 0);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &info, sizeof(info)), ==, 0);
	g_assert_cmpuint(info.mtu, ==, 1500);
	dpvs_reply_free(reply);

	g_assert_cmpint(harness_set(DPVS_SET_NETIF_PORT, records, sizeof(records[0]), 2), ==, 0);
	g_assert_cmpint(harness_get(DPVS_GET_PORT_LIST, NULL, 0, &reply), ==, 0);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &info, sizeof(info)), ==, 0);
	g_assert_cmpuint(info.mtu, ==, 1300);
	g_assert_cmpuint(dpvs_reply_generation(reply), ==, generation + 1);
	dpvs_reply_free(reply);

	g_assert_cmpint(harness_set(DPVS_SET_NETIF_PORT, NULL, 0, 0), <, 0);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	trace = g_string_new(NULL);
	harness_init(WORKERS);
	g_test_add_func("/change/records", test_records);
	g_test_add_func("/change/abandon", test_abandon);
	g_test_add_func("/change/quiet", test_quiet);
	g_test_add_func("/change/commit", test_commit);
	g_test_add_func("/change/counted", test_counted);
	g_test_add_func("/change/done waits", test_done_waits);
	g_test_add_func("/change/empty", test_empty);
	g_test_add_func("/change/late", test_late);
	g_test_add_func("/change/overflow", test_overflow);
	rc = g_test_run();
	harness_fini();
	g_string_free(trace, TRUE);
	return rc;
}
