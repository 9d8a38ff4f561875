/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long packets wait for messages: the time that a worker of the real daemon spends in message handlers per
 * loop, while two clients change 100,000 records a second in requests of 100 each (services, servers, weights), a
 * third lists services and 200,000 connections over and over, and a fourth asks for statistics. Main and the
 * clients share the first CPU, the worker has the second.
 *
 * The figure is the lowest decile of the windows' 99.9th percentiles, as other programs only ever add; beside it
 * their median, the worst loop of all, the records a second that were reached, and how often the kernel took the CPU away
 * from the worker: what then passes counts as the handler's.
 */
#include "bench.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include "conns.h"
#include "core/lcore.h"
#include "harness.h"
#include "lb_records.h"

enum {
	CONNS = 200000,
	WINDOWS = 10,
	WINDOW_MS = 500,
	BATCH = 100,
	WRITERS = 2,
	RECORDS_PER_S = 100000,
	EDITS = 7, /* requests that change weights between one that adds and one that removes */
	TARGET_US = 50,
};

static gint stop;
static gint records; /* changed so far */

static uint64_t
now_us(void)
{
	return (uint64_t)g_get_monotonic_time();
}

/* The first CPU for main and the clients, the second for the worker; one CPU: nothing. */
static void
pin(pid_t tid, unsigned int nth)
{
	static cpu_set_t all;
	static bool known;
	cpu_set_t one;
	unsigned int n = 0;

	if (!known)
		sched_getaffinity(0, sizeof(all), &all);
	known = true;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && n++ == nth)
			CPU_SET(cpu, &one);
	if (CPU_COUNT(&one) > 0)
		sched_setaffinity(tid, sizeof(one), &one);
}

static struct dpvs_client *
client(void)
{
	struct dpvs_client *c;

	if (dpvs_client_open(harness_socket(), 60000, &c) < 0)
		g_error("open");
	return c;
}

static void
change(struct dpvs_client *c, uint32_t id, const void *recs, uint32_t size)
{
	if (dpvs_client_set(c, id, recs, size, BATCH) < 0)
		g_error("set %u: %s", id, dpvs_client_error(c));
	g_atomic_int_add(&records, BATCH);
}

/* One request each BATCH * WRITERS / RECORDS_PER_S, or as fast as it goes when it is behind. */
static gpointer
writer_thread(gpointer arg)
{
	const uint64_t every_us = 1000000ull * BATCH * WRITERS / RECORDS_PER_S;
	struct dpvs_service_conf services[BATCH];
	struct dpvs_dest_conf dests[BATCH];
	struct dpvs_service_key keys[BATCH];
	struct dpvs_client *c = client();
	uint64_t due = now_us();
	char vip[32];

	for (unsigned int i = 0; i < BATCH; i++) {
		snprintf(vip, sizeof(vip), "203.0.%u.%u", GPOINTER_TO_UINT(arg), i);
		services[i] = rec_service(vip, 80, IPPROTO_TCP, "wrr");
		keys[i] = services[i].key;
		dests[i] = rec_dest(&keys[i], "198.51.100.7", 80, DPVS_FWD_NAT, 1);
	}
	for (unsigned int n = 0; !g_atomic_int_get(&stop); n++) {
		unsigned int step = n % (EDITS + 3);

		if (step == 0) {
			change(c, DPVS_SET_SERVICE_ADD, services, sizeof(services[0]));
		} else if (step == 1) {
			change(c, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]));
		} else if (step < EDITS + 2) {
			for (unsigned int i = 0; i < BATCH; i++)
				dests[i].weight = 1 + step;
			change(c, DPVS_SET_DEST_EDIT, dests, sizeof(dests[0]));
		} else {
			change(c, DPVS_SET_SERVICE_DEL, keys, sizeof(keys[0]));
		}
		due += every_us;
		if (now_us() < due)
			g_usleep(due - now_us());
	}
	dpvs_client_close(c);
	return NULL;
}

static void
get(struct dpvs_client *c, uint32_t id, const void *record, uint32_t size)
{
	struct dpvs_reply *reply;

	if (dpvs_client_get(c, id, record, size, &reply) < 0)
		g_error("get %u: %s", id, dpvs_client_error(c));
	dpvs_reply_free(reply);
}

static gpointer
dump_thread(gpointer arg)
{
	struct dpvs_conn_filter all = { .limit = 20000 };
	struct dpvs_client *c = client();

	while (!g_atomic_int_get(&stop)) {
		get(c, DPVS_GET_CONNS, &all, sizeof(all));
		get(c, DPVS_GET_SERVICES, NULL, 0);
		g_usleep(20000);
	}
	dpvs_client_close(c);
	return NULL;
}

static gpointer
stats_thread(gpointer arg)
{
	struct dpvs_client *c = client();
	struct dpvs_ping ping = { .timeout_ms = 10000 };

	while (!g_atomic_int_get(&stop)) {
		get(c, DPVS_GET_LCORE_STATS, NULL, 0);
		get(c, DPVS_GET_STATS, NULL, 0);
		get(c, DPVS_GET_MSG_TYPES, NULL, 0);
		get(c, DPVS_GET_PING, &ping, sizeof(ping));
		g_usleep(10000);
	}
	dpvs_client_close(c);
	return NULL;
}

/* The worker tells its switches once a second; this is now. */
static uint64_t
switches(pid_t tid)
{
	g_autofree char *path = g_strdup_printf("/proc/self/task/%d/status", (int)tid), *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;
	line = strstr(text, "nonvoluntary_ctxt_switches:");
	return line != NULL ? g_ascii_strtoull(line + strlen("nonvoluntary_ctxt_switches:"), NULL, 10) : 0;
}

int
main(int argc, char **argv)
{
	uint64_t p50[WINDOWS], p999[WINDOWS], worst = 0, loops = 0, started, before;
	GThread *threads[WRITERS + 2];
	struct dpvs_msg_handler_times t;
	struct lcore_counters counters;
	double seconds, value;
	unsigned int w, i;

	g_test_init(&argc, &argv, NULL);
	harness_init(1);
	harness_start(1, "[control]\nget-deadline = 10000\n");
	conns_fill(CONNS);
	lcore_counters(0, &counters);
	pin((pid_t)counters.tid, 1);
	pin(0, 0);
	for (i = 0; i < WRITERS; i++)
		threads[i] = g_thread_new("writer", writer_thread, GUINT_TO_POINTER(i));
	threads[i++] = g_thread_new("dump", dump_thread, NULL);
	threads[i++] = g_thread_new("stats", stats_thread, NULL);
	harness_pump(WINDOW_MS);
	g_atomic_int_set(&records, 0);
	before = switches((pid_t)counters.tid);
	started = now_us();
	for (w = 0; w < WINDOWS; w++) {
		dpvs_msg_zero_counters();
		harness_pump(WINDOW_MS);
		dpvs_msg_get_handler_times(lcore_of_worker(0), &t);
		p50[w] = t.ns_p50;
		p999[w] = t.ns_p999;
		worst = MAX(worst, t.ns_max);
		loops += t.loops;
	}
	seconds = (double)(now_us() - started) / 1e6;
	value = (double)bench_quantile(p999, WINDOWS, 10) / 1000;
	printf("{\"bench\":\"worker-handler-p999\",\"value\":%.2f,\"unit\":\"us\",\"floor\":%d,\"ratio\":%.2f,"
	       "\"p50\":%.2f,\"median\":%.2f,\"worst\":%.2f,\"nivcsw\":%" PRIu64
	       ",\"records_per_s\":%.0f,\"loops\":%" PRIu64 "}\n",
	       value, TARGET_US, value / TARGET_US, (double)bench_quantile(p50, WINDOWS, 50) / 1000,
	       (double)bench_quantile(p999, WINDOWS, 50) / 1000, (double)worst / 1000, switches((pid_t)counters.tid) - before,
	       (double)g_atomic_int_get(&records) / seconds, loops);
	g_atomic_int_set(&stop, 1);
	for (i = 0; i < G_N_ELEMENTS(threads); i++) {
		/* It may wait for an answer. */
		harness_pump(100);
		g_thread_join(threads[i]);
	}
	harness_stop();
	harness_fini();
	return 0;
}
