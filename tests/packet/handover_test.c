/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets between workers: they arrive once, on the worker that was named; what cannot be is dropped under
 * its own name. A message makes a worker put packets into its node "handover" itself.
 */
#include <glib.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <dpvsctrl/msg.h>

#include "core/graph.h"
#include "core/lcore.h"
#include "core/pkt.h"
#include "harness.h"

#define WORKERS 3
#define TYPE    121 /* no module has them */
#define TYPE_HOLD 122

/* What a worker shall hand over; a message carries it. */
struct order {
	struct rte_mbuf *m;
	uint16_t worker;
	uint8_t target;
	uint8_t flags;
};

static void
on_order(struct dpvs_msg *msg)
{
	const struct order *o = dpvs_msg_data(msg);
	struct pkt_meta *meta = pkt_meta(o->m);

	memset(meta, 0, sizeof(*meta));
	meta->worker = o->worker;
	meta->target = o->target;
	meta->flags = o->flags;
	graph_inject(rte_node_from_name("handover"), o->m);
}

static const struct dpvs_msg_type type = { .type = TYPE, .name = "order", .on_worker = on_order };

static void
order(unsigned int from, unsigned int to, uint8_t target, uint8_t flags)
{
	/* Version 4, a header that ends early: lb4_input and its like drop it. */
	static const uint8_t bytes[20] = { 0x45 };
	struct order o = { harness_frame(bytes, sizeof(bytes)), (uint16_t)to, target, flags };
	struct dpvs_msg *msg;

	while ((msg = dpvs_msg_new(TYPE, sizeof(o))) == NULL)
		harness_pump(1);
	memcpy(dpvs_msg_data(msg), &o, sizeof(o));
	while (dpvs_msg_send(msg, lcore_of_worker(from)) < 0)
		harness_pump(1);
}

/* Waits until counter handover.@name is @value, at most some seconds. */
static void
expect(const char *name, uint64_t value)
{
	gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

	while (harness_stat("handover", name) < value && g_get_monotonic_time() < end)
		harness_pump(1);
	g_assert_cmpuint(harness_stat("handover", name), ==, value);
}

static void
setup(const char *conf)
{
	harness_start(1, conf);
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	while (dpvs_msg_type_unconfirmed(TYPE) > 0)
		harness_pump(1);
}

static void
teardown(void)
{
	harness_settle();
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	g_assert_cmpint(dpvs_msg_type_unregister(TYPE), ==, 0);
	harness_stop();
}

static void
test_arrive(void)
{
	unsigned int i, n = 600;

	setup(NULL);
	for (i = 0; i < n; i++)
		order(i % WORKERS, (i + 1 + i / WORKERS % 2) % WORKERS, i % HANDOVER_COUNT, 0);
	expect("out", n);
	expect("in", n);
	g_assert_cmpuint(harness_stat("handover", "full"), ==, 0);
	teardown();
}

static void
test_refused(void)
{
	setup(NULL);
	order(0, 1, HANDOVER_LB4, PKT_F_HANDED);
	expect("again", 1);
	order(0, WORKERS, HANDOVER_LB4, 0);
	expect("no-worker", 1);
	order(0, 1, HANDOVER_COUNT, 0);
	order(0, 1, UINT8_MAX, 0);
	expect("no-target", 2);
	expect("out", 2);
	expect("in", 2);
	g_assert_cmpuint(harness_drops(), ==, 4);
	teardown();
}

/* Every packet is taken by the other worker or counted as dropped; none is lost, none is there twice. */
static void
test_flood(void)
{
	unsigned int i, n = 20000;
	uint64_t out, full;

	setup("[handover]\nring-size = 255\n");
	for (i = 0; i < n; i++)
		order(i % 2, 2, HANDOVER_LB4, 0);
	harness_settle();
	do {
		harness_pump(5);
		out = harness_stat("handover", "out");
		full = harness_stat("handover", "full") + harness_stat("handover", "away");
	} while (out + full < n);
	expect("in", out);
	g_test_message("%" G_GUINT64_FORMAT " handed over, %" G_GUINT64_FORMAT " did not fit", out, full);
	g_assert_cmpuint(out + full, ==, n);
	teardown();
}

static _Atomic bool hold, held;

/* A worker that stands still. */
static void
on_hold(struct dpvs_msg *msg)
{
	atomic_store(&held, true);
	while (atomic_load(&hold))
		sched_yield();
	atomic_store(&held, false);
}

static const struct dpvs_msg_type hold_type = { .type = TYPE_HOLD, .name = "hold", .on_worker = on_hold };

static uint64_t
asked_by(unsigned int worker)
{
	struct dpvs_msg_counters c;

	g_assert_cmpint(dpvs_msg_get_counters(DPVS_MSG_GET_ALL_SLAVE_ID, lcore_of_worker(worker), &c), ==, 0);
	return c.sent;
}

/* Hands packets over from worker 0 to 1 until counter handover.@name counts one. */
static void
until_counted(const char *name)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	uint64_t before = harness_stat("handover", name);

	while (harness_stat("handover", name) == before) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		for (unsigned int i = 0; i < 64; i++)
			order(0, 1, HANDOVER_LB4, 0);
		harness_pump(10);
	}
}

/* What a worker loses because another one stands still has a counter of its own, from when main knows. */
static void
test_away(void)
{
	struct dpvs_msg *msg;
	uint64_t in;

	setup("[handover]\nring-size = 255\n");
	g_assert_cmpint(dpvs_msg_type_register(&hold_type), ==, 0);
	while (dpvs_msg_type_unconfirmed(TYPE_HOLD) > 0)
		harness_pump(1);
	g_assert_cmpuint(asked_by(0), ==, 0);
	atomic_store(&hold, true);
	msg = dpvs_msg_new(TYPE_HOLD, 0);
	g_assert_cmpint(dpvs_msg_send(msg, lcore_of_worker(1)), ==, 0);
	while (!atomic_load(&held))
		harness_pump(1);
	until_counted("full");
	until_counted("away");
	g_assert_cmpuint(asked_by(0), >, 0);
	g_assert_cmpuint(asked_by(2), ==, 0);
	atomic_store(&hold, false);
	while (atomic_load(&held))
		harness_pump(1);
	/* It is back: they arrive. */
	in = harness_stat("handover", "in");
	order(0, 1, HANDOVER_LB4, 0);
	while (harness_stat("handover", "in") <= in)
		harness_pump(1);
	g_assert_cmpint(dpvs_msg_type_unregister(TYPE_HOLD), ==, 0);
	teardown();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/handover/arrive", test_arrive);
	g_test_add_func("/packet/handover/refused", test_refused);
	g_test_add_func("/packet/handover/flood", test_flood);
	g_test_add_func("/packet/handover/away", test_away);
	rc = g_test_run();
	harness_fini();
	return rc;
}
