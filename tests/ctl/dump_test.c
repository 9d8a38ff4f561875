/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of very many connections while workers forward: every connection once, filters and pages, clients that do
 * not read, many lists at once, a worker that does not answer.
 *
 * DUMP_CONNS: connections in all; 200,000 unless told. doc/testing.md has what ten million of them took.
 */
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>
#include <rte_mbuf.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/wire.h>

#include "conns.h"
#include "core/change_priv.h"
#include "harness.h"
#include "lb/conn.h"
#include "lb_records.h"
#include "net.h"
#include "net/neigh_table.h"

enum {
	WORKERS = 2,
	VIP_PORT = 80,
	AT_ONCE = 40,   /* lists */
	STOP_MS = 1500, /* longer than the deadline of a GET */
	MEMORY_MAX = 16 << 20,
};

static uint32_t per_worker;

/* ---- traffic meanwhile */

static uint64_t offered, lost, sent;
static uint16_t sport[WORKERS];
static bool new_clients;

static void
take_sent(void)
{
	struct rte_mbuf *pkts[64];
	unsigned int n;

	while ((n = harness_collect(1, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0) {
		for (unsigned int i = 0; i < n; i++)
			sent += rte_pktmbuf_pkt_len(pkts[i]) > L4_4 && pkts[i]->pkt_len != 42;
		harness_free(pkts, n);
	}
}

static gboolean
feed(gpointer arg)
{
	static struct frame f;
	static uint16_t fresh = 20000;

	for (unsigned int w = 0; w < WORKERS; w++) {
		struct rte_mbuf *m;

		frame_udp(&f, "192.0.2.10", "192.0.2.100", new_clients ? fresh++ : sport[w], VIP_PORT, 18);
		m = harness_frame(f.b, f.len);
		offered++;
		if (!harness_offer(0, w, m)) {
			lost++;
			rte_pktmbuf_free(m);
		}
	}
	take_sent();
	return G_SOURCE_CONTINUE;
}

/* ---- clients, in threads */

/** struct listing: a list, and what came of it. */
struct listing {
	struct dpvs_conn_filter filter;
	bool check;      /* that each synthetic connection comes once */
	int result;
	uint32_t flags;
	uint64_t records;
	uint64_t others; /* not synthetic */
	gint64 us;
	char error[256];
	gint done;
	uint8_t *seen;
	bool waits;      /* after the first record, until ... */
	gint waiting;
	gint go_on;
};

static void
note_seen(struct listing *l, const struct dpvs_conn_info *info)
{
	uint32_t ip = rte_be_to_cpu_32(*(const uint32_t *)(const void *)info->client.bytes);
	uint32_t worker, number;

	if (info->vip_port != CONNS_VIP_PORT) {
		l->others++;
		return;
	}
	worker = (uint32_t)(info->cursor >> 32);
	number = (ip - (10u << 24 | worker << 16)) << 8 | (uint32_t)(info->client_port - 1024);
	g_assert_cmpuint(worker, <, WORKERS);
	g_assert_cmpuint(number, <, per_worker);
	number += worker * per_worker;
	g_assert_cmpuint(l->seen[number / 8] & 1u << number % 8, ==, 0);
	l->seen[number / 8] |= (uint8_t)(1u << number % 8);
}

static gpointer
list_thread(gpointer arg)
{
	struct listing *l = arg;
	struct dpvs_client *c;
	struct dpvs_stream *s;
	struct dpvs_conn_info info;
	gint64 start;

	g_assert_cmpint(dpvs_client_open(harness_socket(), 60000, &c), ==, 0);
	start = g_get_monotonic_time();
	l->result = dpvs_stream_open(c, DPVS_GET_CONNS, &l->filter, sizeof(l->filter), &s);
	if (l->result == 0) {
		while ((l->result = dpvs_stream_next(s, &info, sizeof(info))) > 0) {
			l->records++;
			if (l->check)
				note_seen(l, &info);
			if (l->waits && l->records == 1) {
				g_atomic_int_set(&l->waiting, 1);
				g_main_context_wakeup(NULL);
				while (!g_atomic_int_get(&l->go_on))
					g_usleep(1000);
			}
		}
		l->flags = dpvs_stream_flags(s);
		if (l->result < 0)
			g_strlcpy(l->error, dpvs_client_error(c), sizeof(l->error));
		dpvs_stream_close(s);
	}
	l->us = g_get_monotonic_time() - start;
	dpvs_client_close(c);
	g_atomic_int_set(&l->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void
list_all(struct listing *lists, unsigned int count)
{
	GThread *threads[AT_ONCE];

	for (unsigned int i = 0; i < count; i++)
		threads[i] = g_thread_new("list", list_thread, &lists[i]);
	for (unsigned int i = 0; i < count; i++) {
		while (!g_atomic_int_get(&lists[i].done))
			g_main_context_iteration(NULL, TRUE);
		g_thread_join(threads[i]);
	}
}

static struct dpvs_lcore_info
worker_info(unsigned int worker)
{
	struct dpvs_lcore_info info = { 0 };
	struct dpvs_reply *reply;

	g_assert_cmpint(harness_get(DPVS_GET_LCORE_STATS, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		if (info.role == DPVS_LCORE_WORKER && worker-- == 0)
			break;
	}
	dpvs_reply_free(reply);
	return info;
}

/* ---- tests */

static void
up(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", VIP_PORT, IPPROTO_UDP, "rr");
	struct dpvs_dest_conf dest = rec_dest(&svc.key, "198.51.100.11", VIP_PORT, DPVS_FWD_DR, 1);
	g_autofree char *conf = g_strdup_printf("[graph]\nmbufs = 32767\n[conn]\nmax = %u\n"
						"[control]\nget-deadline = 1000\n[route]\nmax-routes = 40000\n[neigh]\nmax-entries = 40000\n", per_worker + 30000);
	union ip_addr client = rec_ip("192.0.2.10");

	net_up(conf);
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, &dest, sizeof(dest), 1), ==, 0);
	conns_fill(per_worker);
	/* Beyond the ports of the synthetic ones, so that a filter of one of those finds none of these. */
	for (unsigned int w = 0; w < WORKERS; w++)
		for (sport[w] = 2048; flow_owner(AF_INET, &client, g_htons(sport[w])) != w; sport[w]++)
			;
}

/* Everything, while packets of known connections pass: each once, and the table did not change. */
static void
test_all(void)
{
	struct listing warm = { 0 }, l = { .check = true };
	uint64_t all = (uint64_t)per_worker * WORKERS;
	guint timer;

	offered = lost = sent = 0;
	new_clients = false;
	timer = g_timeout_add(1, feed, NULL);
	harness_pump(20); /* their connections are made */
	l.seen = g_malloc0(all / 8 + 1);
	list_all(&l, 1);
	harness_pump(50);
	g_source_remove(timer);
	harness_settle();
	take_sent();
	g_test_message("%" G_GUINT64_FORMAT " connections in %.0f ms, %.0f MB/s; %" G_GUINT64_FORMAT " packets meanwhile, "
		       "%" G_GUINT64_FORMAT " lost", l.records, (double)l.us / 1000,
		       (double)l.records * sizeof(struct dpvs_conn_info) / (double)l.us, offered, offered - sent);
	for (unsigned int w = 0; w < WORKERS; w++) {
		struct dpvs_lcore_info info = worker_info(w);

		g_test_message("worker %u: time in message handlers of a loop: p50 %.1f us, p99.9 %.1f us, worst %.1f us, %"
			       G_GUINT64_FORMAT " involuntary switches", w, (double)info.handler_ns_p50 / 1000,
			       (double)info.handler_ns_p999 / 1000,
			       (double)info.handler_ns_max / 1000, info.nivcsw);
	}
	g_assert_cmpint(l.result, ==, 0);
	g_assert_cmpuint(l.others, ==, WORKERS);
	g_assert_cmpuint(l.records, ==, all + WORKERS);
	g_assert_cmpuint(l.flags & DPVS_REPLY_CHANGED, ==, 0);
	g_assert_cmpuint(offered, >, 0);
	g_assert_cmpuint(lost, ==, 0);
	g_assert_cmpuint(sent, ==, offered);
	g_free(l.seen);

	/* The same with new connections all the time: said, and those that stayed come once. */
	l = (struct listing){ .check = true, .seen = g_malloc0(all / 8 + 1) };
	new_clients = true;
	timer = g_timeout_add(1, feed, NULL);
	list_all(&l, 1);
	while (l.result == 0 && (l.flags & DPVS_REPLY_CHANGED) == 0 && warm.us++ < 50) {
		/* A short list on a busy machine: no packet came meanwhile. */
		g_free(l.seen);
		l = (struct listing){ .check = true, .seen = g_malloc0(all / 8 + 1) };
		list_all(&l, 1);
	}
	g_source_remove(timer);
	g_assert_cmpint(l.result, ==, 0);
	g_assert_cmpuint(l.records - l.others, ==, all);
	g_assert_cmpuint(l.flags & DPVS_REPLY_CHANGED, !=, 0);
	g_free(l.seen);
	harness_settle();
	take_sent();
}

/* A client that worker 0 has none of yet. */
static void
new_client(void)
{
	static uint16_t port;
	union ip_addr client = rec_ip("192.0.2.10");
	struct frame f;

	port = MAX(port, sport[0]);
	do {
		port++;
	} while (flow_owner(AF_INET, &client, g_htons(port)) != 0);
	frame_udp(&f, "192.0.2.10", "192.0.2.100", port, VIP_PORT, 18);
	harness_inject(0, 0, harness_frame(f.b, f.len));
	harness_settle();
	take_sent();
}

/* A list tells of a change between two parts of a worker, and not of what workers do not have in common. */
static void
test_changed(void)
{
	struct listing l = { .waits = true };
	GThread *thread = g_thread_new("list", list_thread, &l);
	unsigned int tries = 0;

	while (!g_atomic_int_get(&l.waiting))
		g_main_context_iteration(NULL, TRUE);
	harness_pump(50); /* the list has filled the socket, and waits for its reader in the middle of worker 0 */
	new_client();
	g_atomic_int_set(&l.go_on, 1);
	while (!g_atomic_int_get(&l.done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	g_assert_cmpint(l.result, ==, 0);
	g_assert_cmpuint(l.flags & DPVS_REPLY_CHANGED, !=, 0);
	/* Nothing changes now but what may expire. */
	do {
		l = (struct listing){ .result = 0 };
		list_all(&l, 1);
		g_assert_cmpint(l.result, ==, 0);
	} while ((l.flags & DPVS_REPLY_CHANGED) != 0 && tries++ < 5);
	g_assert_cmpuint(l.flags & DPVS_REPLY_CHANGED, ==, 0);
}

/* Has @info what @f asks for? */
static bool
has_asked(const struct dpvs_conn_filter *f, const struct dpvs_conn_info *info)
{
	return (f->client.family == 0 || memcmp(&f->client, &info->client, sizeof(f->client)) == 0) &&
	       (f->vip.family == 0 || memcmp(&f->vip, &info->vip, sizeof(f->vip)) == 0) &&
	       (f->dest.family == 0 || memcmp(&f->dest, &info->dest, sizeof(f->dest)) == 0) &&
	       (f->client_port == 0 || f->client_port == info->client_port) &&
	       (f->vip_port == 0 || f->vip_port == info->vip_port) &&
	       (f->dest_port == 0 || f->dest_port == info->dest_port) &&
	       (f->proto == 0 || f->proto == info->proto) &&
	       (f->state_plus_one == 0 || f->state_plus_one == info->state + 1);
}

/* Each member of a filter by itself, with what a connection has: there are some, and all have it. */
static void
test_members(void)
{
	struct dpvs_conn_filter one = { .limit = 1, .vip_port = CONNS_VIP_PORT }, f;
	struct dpvs_conn_info first, info;
	struct dpvs_reply *reply;

	g_assert_cmpint(harness_get(DPVS_GET_CONNS, &one, sizeof(one), &reply), ==, 0);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &first, sizeof(first)), ==, 0);
	dpvs_reply_free(reply);
	for (unsigned int i = 0; i < 9; i++) {
		f = (struct dpvs_conn_filter){ .limit = 500 };
		if (i == 0 || i == 8)
			f.client = first.client;
		if (i == 1 || i == 8)
			f.vip = first.vip;
		if (i == 2 || i == 8)
			f.dest = first.dest;
		if (i == 3 || i == 8)
			f.client_port = first.client_port;
		if (i == 4 || i == 8)
			f.vip_port = first.vip_port;
		if (i == 5 || i == 8)
			f.dest_port = first.dest_port;
		if (i == 6 || i == 8)
			f.proto = first.proto;
		if (i == 7 || i == 8)
			f.state_plus_one = first.state + 1;
		g_assert_cmpint(harness_get(DPVS_GET_CONNS, &f, sizeof(f), &reply), ==, 0);
		g_assert_cmpuint(dpvs_reply_count(reply), >, 0);
		if (i == 8)
			g_assert_cmpuint(dpvs_reply_count(reply), ==, 1);
		for (uint32_t k = 0; k < dpvs_reply_count(reply); k++) {
			g_assert_cmpint(dpvs_reply_record(reply, k, &info, sizeof(info)), ==, 0);
			g_assert_true(has_asked(&f, &info));
		}
		dpvs_reply_free(reply);
	}
}

static void
test_filters(void)
{
	struct listing l[6] = { { .result = 0 } };
	uint64_t pages = 0;

	l[0].filter.client_port = 1024 + 7;
	l[1].filter.client = rec_addr("10.0.0.5");
	l[2].filter.vip_port = CONNS_VIP_PORT;
	l[3].filter.proto = IPPROTO_TCP;
	l[4].filter.dest = rec_addr("198.51.100.12");
	l[5].filter.limit = 1000;
	list_all(l, 6);
	for (unsigned int i = 0; i < 6; i++)
		g_assert_cmpint(l[i].result, ==, 0);
	g_assert_cmpuint(l[0].records, ==, WORKERS * ((per_worker - 7 + 255) / 256));
	g_assert_cmpuint(l[1].records, ==, 256);
	g_assert_cmpuint(l[2].records, ==, (uint64_t)per_worker * WORKERS);
	g_assert_cmpuint(l[3].records, ==, 0);
	g_assert_cmpuint(l[4].records, ==, 0);
	g_assert_cmpuint(l[5].records, ==, 1000);

	/* Page by page, of one port: the cursor goes over workers. */
	for (struct dpvs_conn_filter f = { .client_port = 1024, .vip_port = CONNS_VIP_PORT, .limit = 100 };;) {
		struct dpvs_conn_info info;
		struct dpvs_reply *reply;
		uint32_t n;

		g_assert_cmpint(harness_get(DPVS_GET_CONNS, &f, sizeof(f), &reply), ==, 0);
		n = dpvs_reply_count(reply);
		g_assert_cmpuint(n, <=, 100);
		pages += n;
		if (n > 0)
			g_assert_cmpint(dpvs_reply_record(reply, n - 1, &info, sizeof(info)), ==, 0);
		dpvs_reply_free(reply);
		if (n == 0)
			break;
		f.cursor = info.cursor;
	}
	g_assert_cmpuint(pages, ==, WORKERS * ((per_worker + 255) / 256));
}

static size_t
memory_now(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static int unread_list = -1;

/* Asks, and does not read. */
static int
ask_unread(uint32_t id)
{
	struct dpvs_sock_msg ask = { DPVS_PROTO_VERSION, id, DPVS_SOCKOPT_GET, 1, 0 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(addr.sun_path, harness_socket(), sizeof(addr.sun_path));
	g_assert_cmpint(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(send(fd, &ask, sizeof(ask), 0), ==, sizeof(ask));
	harness_pump(100);
	return fd;
}

/* Lists that nobody reads cost a bounded amount, and nobody else; then all of them hang up. */
static void
test_unread(void)
{
	struct listing l = { .filter.limit = 1000 };
	size_t before = memory_now(), unread;
	int fds[8];

	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = ask_unread(DPVS_GET_CONNS);
	unread = memory_now();
	g_test_message("%zu lists that nobody reads: %zu bytes", G_N_ELEMENTS(fds), unread - MIN(before, unread));
	g_assert_cmpuint(unread, <, before + MEMORY_MAX);
	list_all(&l, 1);
	g_assert_cmpint(l.result, ==, 0);
	g_assert_cmpuint(l.records, ==, 1000);
	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	harness_pump(50);
	g_assert_cmpuint(memory_now(), <, before + MEMORY_MAX / 4);
}

static void
test_at_once(void)
{
	static struct listing l[AT_ONCE];

	memset(l, 0, sizeof(l));
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		l[i].filter.vip_port = CONNS_VIP_PORT;
		if (i % 4 != 0)
			l[i].filter.client_port = (uint16_t)(1024 + i);
	}
	list_all(l, AT_ONCE);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		g_assert_cmpint(l[i].result, ==, 0);
		g_assert_cmpuint(l[i].records, ==,
				 i % 4 == 0 ? (uint64_t)per_worker * WORKERS : WORKERS * ((per_worker - i + 255) / 256));
	}
}

static atomic_int stopped, stops_over;

static void
sleep_here(int sig)
{
	struct timespec left = { STOP_MS / 1000, STOP_MS % 1000 * 1000000L };

	atomic_store(&stopped, 1);
	while (nanosleep(&left, &left) != 0)
		;
	atomic_store(&stops_over, 1);
}

/* The lists that need a worker which stands still end with an error that names it, all at the deadline. */
static void
stop_worker(void)
{
	static struct listing l[AT_ONCE];
	struct listing again = { 0 };

	memset(l, 0, sizeof(l));
	stopped = stops_over = 0;
	signal(SIGUSR2, sleep_here);
	g_assert_cmpint(tgkill(getpid(), (pid_t)worker_info(1).pid, SIGUSR2), ==, 0);
	while (atomic_load(&stopped) == 0)
		g_main_context_iteration(NULL, FALSE);
	for (unsigned int i = 0; i < AT_ONCE; i++)
		l[i].filter.cursor = 1ull << 32; /* of this worker */
	list_all(l, AT_ONCE);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		g_assert_cmpint(l[i].result, ==, -ETIMEDOUT);
		g_assert_nonnull(strstr(l[i].error, "worker 1 (lcore 2) did not answer"));
	}
	while (atomic_load(&stops_over) == 0)
		harness_pump(10);
	list_all(&again, 1);
	g_assert_cmpint(again.result, ==, 0);
	g_assert_cmpuint(again.records, >=, (uint64_t)per_worker * WORKERS);
}

/* And again: what was on its way to the worker does not count any more. */
static void
test_stopped(void)
{
	size_t before = memory_now();

	for (unsigned int i = 0; i < 2; i++)
		stop_worker();
	/* The slices that it had are free again. */
	harness_pump(2500);
	g_assert_cmpuint(memory_now(), <, before + MEMORY_MAX / 8);
}

/* ---- another table: routes, which main lists in slices */

enum {
	ROUTES = 20000,
};

/** struct route_list: a list of routes by a client that takes its time. */
struct route_list {
	unsigned int pause_us; /* after each hundred */
	unsigned int leave_after; /* records; 0: stays to the end */
	unsigned int count;    /* of those of the test */
	unsigned int twice;
	uint32_t flags;
	int result;
	gint begun;
	gint done;
	uint8_t seen[ROUTES];
};

static struct dpvs_route_conf
route_of(uint32_t i)
{
	struct dpvs_route_conf conf = { .dst.family = AF_INET, .plen = 32, .dev = "dpdk1" };
	uint32_t ip = rte_cpu_to_be_32((11u << 24) + i);

	memcpy(conf.dst.bytes, &ip, sizeof(ip));
	return conf;
}

static gpointer
routes_thread(gpointer arg)
{
	struct route_list *l = arg;
	struct dpvs_route_conf conf;
	struct dpvs_client *c;
	struct dpvs_stream *s;
	unsigned int n = 0;

	g_assert_cmpint(dpvs_client_open(harness_socket(), 60000, &c), ==, 0);
	l->result = dpvs_stream_open(c, DPVS_GET_ROUTES, NULL, 0, &s);
	while (l->result >= 0 && (l->result = dpvs_stream_next(s, &conf, sizeof(conf))) > 0) {
		uint32_t ip;

		g_atomic_int_set(&l->begun, 1);
		memcpy(&ip, conf.dst.bytes, sizeof(ip));
		ip = rte_be_to_cpu_32(ip) - (11u << 24);
		if (ip < ROUTES) {
			l->twice += l->seen[ip]++ > 0;
			l->count++;
		}
		n++;
		if (l->leave_after != 0 && n >= l->leave_after)
			break;
		if (n % 100 == 0 && l->pause_us > 0)
			g_usleep(l->pause_us);
	}
	if (l->result >= 0)
		l->flags = dpvs_stream_flags(s);
	dpvs_stream_close(s);
	dpvs_client_close(c);
	g_atomic_int_set(&l->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void
test_routes(void)
{
	g_autofree struct dpvs_route_conf *all = g_new(struct dpvs_route_conf, ROUTES);
	g_autofree struct route_list *l = g_new0(struct route_list, 3);
	struct dpvs_route_conf extra = route_of(ROUTES), none = { 0 };
	GThread *threads[3];

	for (uint32_t i = 0; i < ROUTES; i++)
		all[i] = route_of(i);
	for (uint32_t i = 0; i < ROUTES; i += 1000)
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_ADD, all + i, sizeof(all[0]), 1000), ==, 0);

	/* Undisturbed. */
	threads[0] = g_thread_new("routes", routes_thread, &l[0]);
	while (!g_atomic_int_get(&l[0].done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(threads[0]);
	g_assert_cmpint(l[0].result, ==, 0);
	g_assert_cmpuint(l[0].count, ==, ROUTES);
	g_assert_cmpuint(l[0].twice, ==, 0);
	g_assert_cmpuint(l[0].flags & DPVS_REPLY_CHANGED, ==, 0);

	/* While routes come and go, two readers at once, and one that leaves. */
	memset(l, 0, 3 * sizeof(l[0]));
	l[1].pause_us = 500;
	l[2].leave_after = 3000;
	for (unsigned int i = 0; i < 3; i++)
		threads[i] = g_thread_new("routes", routes_thread, &l[i]);
	while (!g_atomic_int_get(&l[1].begun))
		g_main_context_iteration(NULL, TRUE);
	while (!g_atomic_int_get(&l[0].done) || !g_atomic_int_get(&l[1].done) || !g_atomic_int_get(&l[2].done)) {
		/* One of the test's is taken out and comes again, at the end of the list. */
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_DEL, &all[7], sizeof(all[7]), 1), ==, 0);
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_ADD, &extra, sizeof(extra), 1), ==, 0);
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_ADD, &all[7], sizeof(all[7]), 1), ==, 0);
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_DEL, &extra, sizeof(extra), 1), ==, 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		g_thread_join(threads[i]);
	for (unsigned int i = 0; i < 2; i++) {
		g_assert_cmpint(l[i].result, ==, 0);
		for (uint32_t r = 0; r < ROUTES; r++)
			if (r != 7)
				g_assert_cmpuint(l[i].seen[r], ==, 1);
	}
	g_assert_cmpuint(l[1].flags & DPVS_REPLY_CHANGED, !=, 0);

	/* One whose client neither reads nor leaves is there when the routes go, and when the daemon stops. */
	g_assert_cmpint(harness_set(DPVS_SET_ROUTE_FLUSH, &none, sizeof(none), 1), ==, 0);
	for (uint32_t i = 0; i < ROUTES; i += 1000)
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_ADD, all + i, sizeof(all[0]), 1000), ==, 0);
	unread_list = ask_unread(DPVS_GET_ROUTES);
	g_assert_cmpint(harness_set(DPVS_SET_ROUTE_FLUSH, &none, sizeof(none), 1), ==, 0);
	for (uint32_t i = 0; i < ROUTES; i += 1000)
		g_assert_cmpint(harness_set(DPVS_SET_ROUTE_ADD, all + i, sizeof(all[0]), 1000), ==, 0);
	close(unread_list);
	unread_list = ask_unread(DPVS_GET_ROUTES);
}

/** struct neigh_list: a list of neighbours by a client that stops after the first. */
struct neigh_list {
	uint32_t count;
	uint32_t flags;
	int result;
	gint waiting;
	gint go_on;
	gint done;
};

static gpointer
neighs_thread(gpointer arg)
{
	struct neigh_list *l = arg;
	struct dpvs_neigh_conf conf;
	struct dpvs_client *c;
	struct dpvs_stream *s;

	g_assert_cmpint(dpvs_client_open(harness_socket(), 60000, &c), ==, 0);
	l->result = dpvs_stream_open(c, DPVS_GET_NEIGHS, NULL, 0, &s);
	while (l->result >= 0 && (l->result = dpvs_stream_next(s, &conf, sizeof(conf))) > 0) {
		l->count++;
		g_atomic_int_set(&l->waiting, 1);
		g_main_context_wakeup(NULL);
		while (!g_atomic_int_get(&l->go_on))
			g_usleep(1000);
	}
	if (l->result >= 0)
		l->flags = dpvs_stream_flags(s);
	dpvs_stream_close(s);
	dpvs_client_close(c);
	g_atomic_int_set(&l->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

/* Neighbours come and go without a change; a list of them tells of that, too. */
static void
test_neighs(void)
{
	enum { MANY = 20000, PART = 1000 };
	g_autofree struct dpvs_neigh_conf *all = g_new0(struct dpvs_neigh_conf, MANY);
	struct neigh_key key = { .addr = rec_ip("198.51.100.77"), .port = 1, .af = AF_INET };

	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t ip = rte_cpu_to_be_32((13u << 24) + i + 1);

		all[i] = (struct dpvs_neigh_conf){ .addr.family = AF_INET, .mac = { 2, 0, 0, 0, 0, 1 }, .dev = "dpdk1" };
		memcpy(all[i].addr.bytes, &ip, sizeof(ip));
	}
	for (uint32_t i = 0; i < MANY; i += PART)
		g_assert_cmpint(harness_set(DPVS_SET_NEIGH_ADD, all + i, sizeof(all[0]), PART), ==, 0);
	for (unsigned int comes = 0; comes < 2; comes++) {
		struct neigh_list l = { .count = 0 };
		GThread *thread = g_thread_new("neighs", neighs_thread, &l);
		uint64_t moves, sequence;

		while (!g_atomic_int_get(&l.waiting))
			g_main_context_iteration(NULL, TRUE);
		harness_pump(50);
		moves = neigh_moves();
		sequence = change_sequence();
		if (comes)
			neigh_set_state(neigh_new(&key), DPVS_NEIGH_FAILED, 0);
		g_atomic_int_set(&l.go_on, 1);
		while (!g_atomic_int_get(&l.done))
			g_main_context_iteration(NULL, TRUE);
		g_thread_join(thread);
		g_assert_cmpint(l.result, ==, 0);
		g_assert_cmpuint(l.count, >=, MANY);
		/* Others may move meanwhile: what is learned grows old. */
		if (comes || (neigh_moves() == moves && change_sequence() == sequence))
			g_assert_cmpuint(l.flags & DPVS_REPLY_CHANGED, ==, comes ? DPVS_REPLY_CHANGED : 0);
	}
	for (uint32_t i = 0; i < MANY; i += PART)
		g_assert_cmpint(harness_set(DPVS_SET_NEIGH_DEL, all + i, sizeof(all[0]), PART), ==, 0);
}

/* Addresses: few in order, many in slices. */
static void
test_addrs(void)
{
	enum { MANY = 2000 };
	g_autofree struct dpvs_addr_conf *all = g_new0(struct dpvs_addr_conf, MANY);
	struct dpvs_addr_conf filter = { .dev = "dpdk1", .addr.family = AF_INET };
	g_autofree uint8_t *seen = g_malloc0(MANY);

	for (unsigned int few = 1; few < 2; few--) {
		uint32_t count = few ? 100 : MANY, n = 0;
		struct dpvs_reply *reply;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t ip = rte_cpu_to_be_32((12u << 24) + i + 1);

			all[i] = (struct dpvs_addr_conf){ .addr.family = AF_INET, .plen = 32, .dev = "dpdk1" };
			memcpy(all[i].addr.bytes, &ip, sizeof(ip));
		}
		g_assert_cmpint(harness_set(DPVS_SET_ADDR_ADD, all, sizeof(all[0]), count), ==, 0);
		g_assert_cmpint(harness_get(DPVS_GET_ADDRS, &filter, sizeof(filter), &reply), ==, 0);
		memset(seen, 0, MANY);
		for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
			struct dpvs_addr_conf info;
			uint32_t ip;

			g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
			g_assert_cmpstr(info.dev, ==, "dpdk1");
			g_assert_cmpuint(info.addr.family, ==, AF_INET);
			memcpy(&ip, info.addr.bytes, sizeof(ip));
			ip = rte_be_to_cpu_32(ip) - (12u << 24) - 1;
			if (ip >= count)
				continue;
			g_assert_cmpuint(seen[ip]++, ==, 0);
			if (few)
				g_assert_cmpuint(ip, ==, n);
			n++;
		}
		dpvs_reply_free(reply);
		g_assert_cmpuint(n, ==, count);
		g_assert_cmpint(harness_set(DPVS_SET_ADDR_DEL, all, sizeof(all[0]), count), ==, 0);
	}
}

int
main(int argc, char **argv)
{
	const char *conns = g_getenv("DUMP_CONNS");
	int rc;

	g_test_init(&argc, &argv, NULL);
	per_worker = (conns != NULL ? (uint32_t)strtoul(conns, NULL, 10) : 200000) / WORKERS;
	harness_init(WORKERS);
	up();
	g_test_add_func("/ctl/dump/all", test_all);
	g_test_add_func("/ctl/dump/changed", test_changed);
	g_test_add_func("/ctl/dump/members", test_members);
	g_test_add_func("/ctl/dump/filters", test_filters);
	g_test_add_func("/ctl/dump/unread", test_unread);
	g_test_add_func("/ctl/dump/at once", test_at_once);
	g_test_add_func("/ctl/dump/stopped", test_stopped);
	g_test_add_func("/ctl/dump/neighs", test_neighs);
	g_test_add_func("/ctl/dump/addrs", test_addrs);
	g_test_add_func("/ctl/dump/routes", test_routes);
	rc = g_test_run();
	net_down();
	if (unread_list >= 0)
		close(unread_list);
	harness_fini();
	return rc;
}
