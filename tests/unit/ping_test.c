/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET 8205 on the whole daemon: who answers, who is shown as stuck, what is refused; the times that lcores
 * spend on messages, and that they can be zeroed.
 */
#include <errno.h>
#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/service.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "core/lcore.h"
#include "harness.h"

enum {
	WORKERS = 2,
	T_STUCK = 120, /* no module has it */
	T_BUSY = 121,
	BUSY_MS = 3,
};

static _Atomic bool hold;
static _Atomic unsigned int held;

/* A worker that does not come back from a handler. */
static void
on_stuck(struct dpvs_msg *msg)
{
	atomic_fetch_add(&held, 1);
	while (atomic_load(&hold))
		rte_pause();
}

static void
on_busy(struct dpvs_msg *msg)
{
	uint64_t end = rte_rdtsc() + BUSY_MS * (rte_get_tsc_hz() / 1000);

	while (rte_rdtsc() < end)
		rte_pause();
}

static const struct dpvs_msg_type types[] = {
	{ .type = T_STUCK, .name = "stuck", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_stuck },
	{ .type = T_BUSY, .name = "busy", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_busy },
};

static void
setup(void)
{
	harness_start(1, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		g_assert_cmpint(dpvs_msg_type_register(&types[i]), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		while (dpvs_msg_type_unconfirmed(types[i].type) > 0)
			harness_pump(1);
}

static unsigned int
ping(const struct dpvs_ping *want, struct dpvs_ping *answers)
{
	struct dpvs_reply *reply;
	unsigned int i, n;

	g_assert_cmpint(harness_get(DPVS_GET_PING, want, want != NULL ? sizeof(*want) : 0, &reply), ==, 0);
	n = dpvs_reply_count(reply);
	g_assert_cmpuint(n, <=, WORKERS + 1);
	for (i = 0; i < n; i++)
		dpvs_reply_record(reply, i, &answers[i], sizeof(answers[i]));
	dpvs_reply_free(reply);
	return n;
}

static void
test_all(void)
{
	struct dpvs_ping want = { .text = "good morning", .timeout_ms = 10000 };
	struct dpvs_ping answers[WORKERS + 1];
	unsigned int i;

	setup();
	g_assert_cmpuint(ping(&want, answers), ==, WORKERS + 1);
	for (i = 0; i <= WORKERS; i++) {
		g_autofree char *text = g_strdup_printf("lcore %u heard: good morning", i);

		g_assert_cmpuint(answers[i].lcore, ==, i);
		g_assert_cmpuint(answers[i].role, ==, i == 0 ? DPVS_LCORE_MAIN : DPVS_LCORE_WORKER);
		g_assert_cmpuint(answers[i].state, ==, DPVS_PING_ANSWERED);
		g_assert_cmpuint(answers[i].timeout_ms, ==, 10000);
		g_assert_cmpuint(answers[i].rtt_ns, >, 0);
		g_assert_cmpstr(answers[i].text, ==, text);
	}
	want.flags = DPVS_PING_ONE;
	want.lcore = 2;
	g_assert_cmpuint(ping(&want, answers), ==, 1);
	g_assert_cmpuint(answers[0].lcore, ==, 2);
	/* Without a record: all, and the usual time. */
	g_assert_cmpuint(ping(NULL, answers), ==, WORKERS + 1);
	g_assert_cmpuint(answers[0].timeout_ms, ==, 50);
	harness_stop();
}

static void
test_stuck(void)
{
	struct dpvs_ping want = { .timeout_ms = 300 };
	struct dpvs_ping answers[WORKERS + 1];
	struct dpvs_msg *msg;

	setup();
	atomic_store(&held, 0);
	atomic_store(&hold, true);
	msg = dpvs_msg_new(T_STUCK, 0);
	g_assert_cmpint(dpvs_msg_send(msg, lcore_of_worker(1)), ==, 0);
	while (atomic_load(&held) == 0)
		harness_pump(1);
	g_assert_cmpuint(ping(&want, answers), ==, WORKERS + 1);
	g_assert_cmpuint(answers[0].state, ==, DPVS_PING_ANSWERED);
	g_assert_cmpuint(answers[1].state, ==, DPVS_PING_ANSWERED);
	g_assert_cmpuint(answers[2].state, ==, DPVS_PING_TIMEOUT);
	g_assert_cmpuint(answers[2].rtt_ns, ==, 0);
	g_assert_cmpstr(answers[2].text, ==, "");
	/* The late answer harms nobody. */
	atomic_store(&hold, false);
	want.timeout_ms = 10000;
	g_assert_cmpuint(ping(&want, answers), ==, WORKERS + 1);
	g_assert_cmpuint(answers[2].state, ==, DPVS_PING_ANSWERED);
	harness_stop();
}

static void
test_refused(void)
{
	struct dpvs_ping want = { .flags = DPVS_PING_ONE, .lcore = 77 };
	struct dpvs_reply *reply;

	setup();
	g_assert_cmpint(harness_get(DPVS_GET_PING, &want, sizeof(want), &reply), ==, -ENODEV);
	g_assert_cmpstr(harness_error(), ==, "there is no lcore 77");
	want = (struct dpvs_ping){ .flags = 2 };
	g_assert_cmpint(harness_get(DPVS_GET_PING, &want, sizeof(want), &reply), ==, -EINVAL);
	want = (struct dpvs_ping){ .timeout_ms = 10001 };
	g_assert_cmpint(harness_get(DPVS_GET_PING, &want, sizeof(want), &reply), ==, -EINVAL);
	harness_stop();
}

static void
worker_info(unsigned int worker, struct dpvs_lcore_info *ret_info)
{
	struct dpvs_reply *reply;
	unsigned int i;

	g_assert_cmpint(harness_get(DPVS_GET_LCORE_STATS, NULL, 0, &reply), ==, 0);
	for (i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, ret_info, sizeof(*ret_info));
		if (ret_info->id == lcore_of_worker(worker))
			break;
	}
	dpvs_reply_free(reply);
}

static unsigned int busy_done;

static void
on_busy_done(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_cmpint(status, ==, 0);
	busy_done++;
}

static void
test_handler_times(void)
{
	struct dpvs_lcore_info info;
	struct dpvs_msg *msg;
	uint64_t loops;

	setup();
	busy_done = 0;
	msg = dpvs_msg_new(T_BUSY, 0);
	g_assert_cmpint(dpvs_msg_request(msg, lcore_of_worker(0), 60000, on_busy_done, NULL), ==, 0);
	while (busy_done == 0)
		harness_pump(1);
	/* Some more, which HELLOs of the watchdog do not make up for. */
	for (unsigned int i = 0; i < 200; i++) {
		struct dpvs_ping want = { .flags = DPVS_PING_ONE, .lcore = lcore_of_worker(0), .timeout_ms = 10000 };
		struct dpvs_ping answer[WORKERS + 1];

		g_assert_cmpuint(ping(&want, answer), ==, 1);
	}
	/* The handler's time is counted after its answer. */
	do
		worker_info(0, &info);
	while (info.handler_ns_max < BUSY_MS * 1000000);
	loops = info.handler_loops;
	g_assert_cmpuint(loops, >=, 200);
	g_assert_cmpuint(info.handler_ns_p50, <=, info.handler_ns_p999);
	g_assert_cmpuint(info.handler_ns_p999, <=, info.handler_ns_max);

	g_assert_cmpint(harness_set(DPVS_SET_MSG_ZERO, NULL, 0, 0), ==, 0);
	worker_info(0, &info);
	/* HELLOs of the watchdog may have come since. */
	g_assert_cmpuint(info.handler_loops, <, loops);
	harness_stop();
}

static void
busy_counters(uint32_t lcore, struct dpvs_msg_type_info *ret_info)
{
	struct dpvs_reply *reply;
	unsigned int i;
	bool found = false;

	g_assert_cmpint(harness_get(DPVS_GET_MSG_TYPES, NULL, 0, &reply), ==, 0);
	for (i = 0; i < dpvs_reply_count(reply) && !found; i++) {
		dpvs_reply_record(reply, i, ret_info, sizeof(*ret_info));
		found = ret_info->type == T_BUSY && ret_info->lcore == lcore;
	}
	g_assert_true(found);
	dpvs_reply_free(reply);
}

/* What 8200 tells of requests whose handler takes a known time. */
static void
test_counters(void)
{
	enum { REQUESTS = 20 };
	struct dpvs_msg_type_info info;
	struct dpvs_msg *msg;
	gint64 start;
	uint64_t wall;

	setup();
	busy_done = 0;
	start = g_get_monotonic_time();
	for (unsigned int i = 1; i <= REQUESTS; i++) {
		msg = dpvs_msg_new(T_BUSY, 0);
		g_assert_cmpint(dpvs_msg_request(msg, lcore_of_worker(1), 60000, on_busy_done, NULL), ==, 0);
		while (busy_done < i)
			harness_pump(1);
	}
	wall = (uint64_t)(g_get_monotonic_time() - start) * 1000;
	busy_counters(0, &info);
	g_assert_cmpuint(info.sent, ==, REQUESTS);
	g_assert_cmpuint(info.received, ==, 0);
	g_assert_cmpuint(info.timed_out, ==, 0);
	g_assert_cmpuint(info.rtt_ns_total, >=, REQUESTS * BUSY_MS * 1000000ull);
	g_assert_cmpuint(info.rtt_ns_total, <=, wall);
	g_assert_cmpuint(info.rtt_ns_max, >=, info.rtt_ns_total / REQUESTS);
	g_assert_cmpuint(info.rtt_ns_p99, >=, BUSY_MS * 1000000);
	g_assert_cmpuint(info.rtt_ns_p99, <=, info.rtt_ns_max);
	busy_counters(lcore_of_worker(1), &info);
	g_assert_cmpuint(info.sent, ==, 0);
	g_assert_cmpuint(info.received, ==, REQUESTS);
	g_assert_cmpuint(info.replied, ==, REQUESTS);
	busy_counters(lcore_of_worker(0), &info);
	g_assert_cmpuint(info.received, ==, 0);

	g_assert_cmpint(harness_set(DPVS_SET_MSG_ZERO, NULL, 0, 0), ==, 0);
	busy_counters(0, &info);
	g_assert_cmpuint(info.sent + info.rtt_ns_total + info.rtt_ns_max + info.rtt_ns_p99, ==, 0);
	busy_counters(lcore_of_worker(1), &info);
	g_assert_cmpuint(info.received + info.replied, ==, 0);
	harness_stop();
}

/* The counter of a module as lcore @lcore has taken it itself (8207). */
static uint64_t
taken(const char *module, const char *name, uint32_t lcore)
{
	struct dpvs_stat_lcore_info info;
	struct dpvs_reply *reply;
	bool found = false;

	g_assert_cmpint(harness_get(DPVS_GET_STATS_SNAPSHOT, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply) && !found; i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		found = info.lcore == lcore && strcmp(info.module, module) == 0 && strcmp(info.name, name) == 0;
	}
	g_assert_true(found);
	dpvs_reply_free(reply);
	return info.value;
}

/* The counters of all lcores begin at zero, main's, too. */
static void
test_main_zero(void)
{
	enum { REFUSED = 7 };
	struct dpvs_service_conf none = { .key.vip.family = 2, .key.vip.bytes = { 192, 0, 2, 1 }, .key.port = 80,
					  .key.proto = 6 };

	harness_start(1, "[control]\nget-deadline = 60000\n");
	for (unsigned int i = 0; i < REFUSED; i++)
		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_DEL, &none, sizeof(none), 1), ==, -ESRCH);
	g_assert_cmpuint(taken("change", "undone", 0), ==, REFUSED);
	g_assert_cmpint(harness_set(DPVS_SET_STATS_ZERO, NULL, 0, 0), ==, 0);
	g_assert_cmpuint(taken("change", "undone", 0), ==, 0);
	g_assert_cmpuint(harness_stat("change", "undone"), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_DEL, &none, sizeof(none), 1), ==, -ESRCH);
	g_assert_cmpuint(taken("change", "undone", 0), ==, 1);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/ping/all", test_all);
	g_test_add_func("/ping/stuck", test_stuck);
	g_test_add_func("/ping/refused", test_refused);
	g_test_add_func("/ping/handler-times", test_handler_times);
	g_test_add_func("/ping/counters", test_counters);
	g_test_add_func("/ping/counters of main", test_main_zero);
	rc = g_test_run();
	harness_fini();
	return rc;
}
