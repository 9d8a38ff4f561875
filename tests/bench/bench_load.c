/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long packets wait for messages: the time that a worker of the real daemon spends in message handlers per
 * loop, while two clients change 100,000 records a second in requests of 100 each (services, servers, weights), a
 * third lists 200,000 connections and all services over and over, and a fourth asks for statistics. Main and the
 * clients share the first CPU, the worker has the second.
 *
 * The figure is what the worker's gauge says of all loops of the run. It is time by the clock, so what the kernel or
 * the host took the CPU away for counts as the handlers'; beside it is what tells the two apart: the same of the
 * time that the thread had the CPU (CLOCK_THREAD_CPUTIME_ID), of the loops in which the kernel did not switch,
 * how often it did, and how much of the CPU the host and interrupts took meanwhile. For these the call from
 * the worker's loop is wrapped (the linker's --wrap); the gauge reads its clock inside of that.
 *
 * BENCH_REALTIME=1 in the environment gives the worker SCHED_FIFO (root): on a machine that others use too it then has
 * its CPU to itself, as a worker should.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>
#include <rte_cycles.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include <dpvsctrl/proto/service.h>

#include "conns.h"
#include "core/lcore.h"
#include "harness.h"
#include "lb_records.h"

enum {
	CONNS = 200000,
	RUN_MS = 5000,
	WARM_MS = 500,
	LISTS_MS = 100, /* between two lists of everything */
	LOOPS_MAX = 1 << 20,
	BATCH = 100,
	WRITERS = 2,
	RECORDS_PER_S = 100000,
	EDITS = 7, /* requests that change weights between one that adds and one that removes */
	TARGET_US = 50,
};

/** struct loop: one loop of the worker that had messages. */
struct loop {
	uint32_t wall_ns;
	uint32_t cpu_ns;
	bool switched; /* the kernel took the CPU away */
};

static gint stop;
static gint records; /* changed so far */
static gint listed;  /* connections */
static gint ended;   /* clients */

static struct loop loops[LOOPS_MAX]; /* worker: rw; main: when it has ended */
static uint32_t loop_count;
static _Atomic bool recording;

unsigned int __real_dpvs_msg_process_at(uint64_t now);
unsigned int __wrap_dpvs_msg_process_at(uint64_t now);

static uint64_t
thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What the worker's loop calls. */
unsigned int
__wrap_dpvs_msg_process_at(uint64_t now)
{
	struct rusage before, after;
	uint64_t cpu, tsc;
	unsigned int n;

	if (!atomic_load_explicit(&recording, memory_order_relaxed) || loop_count == LOOPS_MAX)
		return __real_dpvs_msg_process_at(now);
	getrusage(RUSAGE_THREAD, &before);
	cpu = thread_cpu_ns();
	tsc = rte_rdtsc();
	n = __real_dpvs_msg_process_at(tsc);
	tsc = rte_rdtsc() - tsc;
	if (n == 0)
		return 0;
	cpu = thread_cpu_ns() - cpu;
	getrusage(RUSAGE_THREAD, &after);
	loops[loop_count++] = (struct loop){
		.wall_ns = (uint32_t)MIN((double)tsc * 1e9 / (double)rte_get_tsc_hz(), (double)UINT32_MAX),
		.cpu_ns = (uint32_t)MIN(cpu, UINT32_MAX),
		.switched = after.ru_nivcsw != before.ru_nivcsw,
	};
	return n;
}

static uint64_t
now_us(void)
{
	return (uint64_t)g_get_monotonic_time();
}

/* The @nth CPU of those that the process may use at its start; -1: there is none. */
static int
cpu_number(unsigned int nth)
{
	static cpu_set_t all;
	static bool known;
	unsigned int n = 0;

	if (!known)
		sched_getaffinity(0, sizeof(all), &all);
	known = true;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && n++ == nth)
			return cpu;
	return -1;
}

static void
pin(pid_t tid, int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(tid, sizeof(one), &one) < 0)
		g_error("cannot use CPU %d", cpu);
}

/* The worker alone on the second CPU, all other threads of the process on the first; those to come follow main. */
static void
pin_all(pid_t worker)
{
	GDir *dir = g_dir_open("/proc/self/task", 0, NULL);
	const char *name;

	if (cpu_number(1) < 0) {
		printf("# one CPU: the worker shares it\n");
	} else {
		while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
			pid_t tid = (pid_t)g_ascii_strtoll(name, NULL, 10);

			pin(tid, cpu_number(tid == worker));
		}
	}
	g_clear_pointer(&dir, g_dir_close);
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
	g_atomic_int_inc(&ended);
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

static void
list_conns(struct dpvs_client *c)
{
	struct dpvs_conn_filter all = { .vip_port = CONNS_VIP_PORT };
	struct dpvs_conn_info info;
	struct dpvs_stream *s;
	int n = 0, rc = dpvs_stream_open(c, DPVS_GET_CONNS, &all, sizeof(all), &s);

	while (rc >= 0 && (rc = dpvs_stream_next(s, &info, sizeof(info))) > 0)
		n++;
	if (rc < 0 || n != CONNS)
		g_error("list: %d of %d connections: %s", n, CONNS, dpvs_client_error(c));
	dpvs_stream_close(s);
	g_atomic_int_add(&listed, n);
}

static gpointer
dump_thread(gpointer arg)
{
	struct dpvs_client *c = client();

	while (!g_atomic_int_get(&stop)) {
		list_conns(c);
		get(c, DPVS_GET_SERVICES, NULL, 0);
		g_usleep(LISTS_MS * 1000);
	}
	dpvs_client_close(c);
	g_atomic_int_inc(&ended);
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
	g_atomic_int_inc(&ended);
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

/** struct taken: what others had of the worker's CPU, in the kernel's ticks. */
struct taken {
	uint64_t irq; /* interrupts, soft ones too; the kernel counts this as the thread's */
	uint64_t steal; /* the host */
};

static struct taken
taken(void)
{
	g_autofree char *name = g_strdup_printf("\ncpu%d ", cpu_number(1)), *text = NULL;
	const char *line = NULL;
	struct taken t = { 0 };
	uint64_t f[8] = { 0 };

	if (g_file_get_contents("/proc/stat", &text, NULL, NULL))
		line = strstr(text, name);
	if (line == NULL)
		return t;
	line += strlen(name);
	for (unsigned int i = 0; i < G_N_ELEMENTS(f); i++)
		f[i] = g_ascii_strtoull(line, (char **)&line, 10);
	t.irq = f[5] + f[6];
	t.steal = f[7];
	return t;
}

/** struct figures: of some loops, us. */
struct figures {
	unsigned int count;
	double p999, worst;
};

static struct figures
loops_figures(bool cpu, bool with_switched)
{
	g_autofree uint64_t *ns = g_new(uint64_t, loop_count + 1);
	struct figures f = { 0 };

	for (uint32_t i = 0; i < loop_count; i++)
		if (with_switched || !loops[i].switched)
			ns[f.count++] = cpu ? loops[i].cpu_ns : loops[i].wall_ns;
	if (f.count == 0)
		return f;
	qsort(ns, f.count, sizeof(*ns), bench_compare);
	f.p999 = (double)ns[(uint64_t)(f.count - 1) * 999 / 1000] / 1000;
	f.worst = (double)ns[f.count - 1] / 1000;
	return f;
}

static void
report(const struct dpvs_msg_handler_times *t, uint64_t nivcsw, struct taken took, double seconds)
{
	const double tick_ms = 1000.0 / (double)sysconf(_SC_CLK_TCK);
	struct figures cpu = loops_figures(true, true), calm = loops_figures(false, false);
	double value = (double)t->ns_p999 / 1000;

	printf("{\"bench\":\"worker-handler-p999\",\"value\":%.2f,\"unit\":\"us\",\"floor\":%d,\"ratio\":%.2f,"
	       "\"p50\":%.2f,\"worst\":%.2f,\"loops\":%" PRIu64 ",\"nivcsw\":%" PRIu64 ",\"loops_switched\":%u,"
	       "\"steal_ms\":%.0f,\"irq_ms\":%.0f,\"cpu_p999\":%.2f,\"cpu_worst\":%.2f,"
	       "\"unswitched_p999\":%.2f,\"unswitched_worst\":%.2f,\"records_per_s\":%.0f,\"conns_per_s\":%.0f}\n",
	       value, TARGET_US, value / TARGET_US, (double)t->ns_p50 / 1000, (double)t->ns_max / 1000, t->loops,
	       nivcsw, loop_count - calm.count, (double)took.steal * tick_ms, (double)took.irq * tick_ms,
	       cpu.p999, cpu.worst, calm.p999, calm.worst, (double)g_atomic_int_get(&records) / seconds,
	       (double)g_atomic_int_get(&listed) / seconds);
}

int
main(int argc, char **argv)
{
	const struct sched_param priority = { .sched_priority = 1 };
	bool realtime = g_getenv("BENCH_REALTIME") != NULL;
	struct dpvs_msg_handler_times t;
	struct lcore_counters counters;
	GThread *threads[WRITERS + 2];
	uint64_t started, before;
	struct taken from, to;
	double seconds;
	unsigned int i;

	g_test_init(&argc, &argv, NULL);
	cpu_number(0);
	harness_init(1);
	harness_start(1, "[control]\nget-deadline = 10000\n");
	conns_fill(CONNS);
	lcore_counters(0, &counters);
	pin_all((pid_t)counters.tid);
	if (realtime && sched_setscheduler((pid_t)counters.tid, SCHED_FIFO, &priority) < 0)
		g_error("SCHED_FIFO: %s", g_strerror(errno));
	for (i = 0; i < WRITERS; i++)
		threads[i] = g_thread_new("writer", writer_thread, GUINT_TO_POINTER(i));
	threads[i++] = g_thread_new("dump", dump_thread, NULL);
	threads[i++] = g_thread_new("stats", stats_thread, NULL);
	harness_pump(WARM_MS);

	g_atomic_int_set(&records, 0);
	g_atomic_int_set(&listed, 0);
	dpvs_msg_zero_counters();
	before = switches((pid_t)counters.tid);
	from = taken();
	started = now_us();
	atomic_store(&recording, true);
	harness_pump(RUN_MS);
	atomic_store(&recording, false);
	seconds = (double)(now_us() - started) / 1e6;
	dpvs_msg_get_handler_times(lcore_of_worker(0), &t);
	to = taken();
	before = switches((pid_t)counters.tid) - before;

	g_atomic_int_set(&stop, 1);
	/* They may wait for answers. */
	while (g_atomic_int_get(&ended) < (gint)G_N_ELEMENTS(threads))
		harness_pump(1);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
	harness_stop();
	report(&t, before, (struct taken){ .irq = to.irq - from.irq, .steal = to.steal - from.steal }, seconds);
	harness_fini();
	return 0;
}
