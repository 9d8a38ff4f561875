/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does anybody wait for anybody? One client has the largest request of each kind carried out by the daemon, another
 * asks small questions meanwhile. For each kind the longest turn of the main loop, between two polls, by the CPU time of
 * main's thread, so that other programs count little; and the 50th and 99th percentile and the worst of the small
 * questions' times, by the clock. The floor is the same, with nobody else at work. Main has the first CPU, the clients and the
 * worker share the second.
 *
 * On a virtual machine the host may take the CPU away in the middle of a turn, often for 100 ms, and the thread's
 * CPU time has it in it: the kernel hears of it too late. Such turns are told by the CPU's steal time (/proc/stat),
 * which has moved: it is taken off, and they are counted ("stolen", and the longest one with what was stolen).
 *
 *   tests/bench/bench_turns [KIND...]        beginnings of the names; what prepares goes with all
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/event.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/wire.h>

#include "core/lcore.h"
#include "harness.h"
#include "lb_records.h"

enum {
	BATCH = 4096,          /* records in a request of a transaction */
	SERVICES = 20000,
	SERVERS = 200000,
	ONE_SERVICE = 65000,
	LADDRS = 65536,
	ROUTES = 100000,
	TINY = 1000000,
	ASK_US = 200,          /* between two small questions */
	SAMPLES = 1 << 20,
	TURNS = 1 << 22,
	LONG_NS = 1500000,     /* a turn is long */
	TICK_NS = 10000000,    /* of /proc/stat */
	STEAL_NS = 5000000,    /* how old a look at the steal time may be when a turn begins */
};

/** struct kind: a large request. */
struct kind {
	const char *name;
	void (*fn)(struct dpvs_client *c);
	bool quiet; /* not measured: it prepares, or clears away */
};

static GMainLoop *loop;
static uint64_t turn_ns[TURNS];
static uint64_t asked_ns[SAMPLES];
static unsigned int turns; /* so many are in turn_ns */
static unsigned int asked; /* and in asked_ns */
static unsigned int stolen;      /* turns in which the host took the CPU away */
static uint64_t stolen_worst_ns; /* the longest of them */
static GMutex lock;        /* of these six */
static gint stop;
static int argc_kinds;
static char **argv_kinds;

static uint64_t
now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Steal time of the CPU that the caller runs on, in ticks of 10 ms; 0: the kernel does not say. */
static uint64_t
steal_ticks(void)
{
	static int fd = -1;
	unsigned long long ticks = 0;
	char text[8192], cpu[16];
	const char *line;
	ssize_t len;

	if (fd < 0)
		fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	g_snprintf(cpu, sizeof(cpu), "\ncpu%d ", sched_getcpu());
	line = strstr(text, cpu);
	if (line != NULL && sscanf(line, " %*s %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
		ticks = 0;
	return ticks;
}

/* Main's turns: from the end of a poll to the beginning of the next. */
static gint
poll_counted(GPollFD *fds, guint count, gint timeout)
{
	static uint64_t began, steal, steal_at;
	uint64_t took = now_ns(CLOCK_THREAD_CPUTIME_ID) - began;
	uint64_t now = steal;
	gint rc;

	if (began != 0 && took > LONG_NS)
		now = steal_ticks();
	/* The kernel counts it with a tick, which may be yet to come. */
	if (began != 0 && took > TICK_NS && now == steal) {
		g_usleep(TICK_NS / 1000 * 2);
		now = steal_ticks();
	}
	g_mutex_lock(&lock);
	if (now != steal) {
		stolen++;
		stolen_worst_ns = MAX(stolen_worst_ns, took);
		/* One tick more: the count of both ends is rounded down. */
		took -= MIN(took, (now - steal + 1) * TICK_NS);
	}
	if (began != 0 && turns < TURNS)
		turn_ns[turns++] = took;
	g_mutex_unlock(&lock);
	rc = g_poll(fds, count, timeout);
	if (now != steal || now_ns(CLOCK_MONOTONIC) - steal_at > STEAL_NS) {
		steal = steal_ticks();
		steal_at = now_ns(CLOCK_MONOTONIC);
	}
	began = now_ns(CLOCK_THREAD_CPUTIME_ID);
	return rc;
}

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

	if (dpvs_client_open(harness_socket(), 60000, &c) < 0 || dpvs_client_deadlines(c, 60000, 60000) < 0)
		g_error("open");
	return c;
}

static void
get(struct dpvs_client *c, uint32_t id, const void *record, uint32_t size)
{
	struct dpvs_stream *stream;
	uint8_t data[DPVS_RECORD_MAX];
	int rc = dpvs_stream_open(c, id, record, size, &stream);

	while (rc >= 0 && (rc = dpvs_stream_next(stream, data, sizeof(data))) > 0)
		;
	if (rc < 0)
		g_error("get %u: %s", id, dpvs_client_error(c));
	dpvs_stream_close(stream);
}

/* ---- who asks small questions ---- */

static gpointer
ask_thread(gpointer arg)
{
	struct dpvs_client *c = client();
	struct dpvs_reply *reply;

	(void)arg;
	pin(0, 1);
	while (!g_atomic_int_get(&stop)) {
		uint64_t took, began = now_ns(CLOCK_MONOTONIC);

		if (dpvs_client_get(c, DPVS_GET_HELLO, NULL, 0, &reply) < 0)
			g_error("hello: %s", dpvs_client_error(c));
		took = now_ns(CLOCK_MONOTONIC) - began;
		g_mutex_lock(&lock);
		if (asked < SAMPLES)
			asked_ns[asked++] = took;
		g_mutex_unlock(&lock);
		dpvs_reply_free(reply);
		g_usleep(ASK_US);
	}
	dpvs_client_close(c);
	return NULL;
}

/* ---- large requests ---- */

static struct dpvs_service_key
service_key(uint32_t n)
{
	struct dpvs_service_key key = { .port = 80, .proto = IPPROTO_TCP, .vip.family = AF_INET };
	uint32_t ip = htonl(0x0b000001 + n);

	memcpy(key.vip.bytes, &ip, sizeof(ip));
	return key;
}

static void
put_services(struct dpvs_txn *txn, uint32_t count, const char *sched)
{
	g_autofree struct dpvs_service_conf *conf = g_new0(struct dpvs_service_conf, BATCH);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		conf[n] = (struct dpvs_service_conf){ .key = service_key(i) };
		g_strlcpy(conf[n++].sched, sched, sizeof(conf->sched));
		if (n == BATCH || i == count - 1) {
			dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, conf, sizeof(conf[0]), n);
			n = 0;
		}
	}
}

/* Server @i is of service @i % @services. */
static void
put_dests(struct dpvs_txn *txn, uint32_t count, uint32_t services, uint8_t fwd, uint32_t weight)
{
	g_autofree struct dpvs_dest_conf *conf = g_new0(struct dpvs_dest_conf, BATCH);
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t ip = htonl(0x14000001 + i);

		conf[n] = (struct dpvs_dest_conf){
			.svc = service_key(i % services), .port = 80, .fwd = fwd, .weight = weight,
			.addr.family = AF_INET,
		};
		memcpy(conf[n++].addr.bytes, &ip, sizeof(ip));
		if (n == BATCH || i == count - 1) {
			dpvs_txn_set(txn, DPVS_SET_DEST_ADD, conf, sizeof(conf[0]), n);
			n = 0;
		}
	}
}

static struct dpvs_txn *
begin(struct dpvs_client *c, uint32_t flags)
{
	struct dpvs_txn *txn;

	if (dpvs_txn_begin(c, flags, 0, &txn) < 0)
		g_error("begin: %s", dpvs_client_error(c));
	return txn;
}

static void
commit(struct dpvs_client *c, struct dpvs_txn *txn, int want)
{
	int rc = dpvs_txn_commit(txn, NULL);

	if (rc != want)
		g_error("commit: %d: %s", rc, dpvs_client_error(c));
}

static void
restore(struct dpvs_client *c, uint32_t services, uint32_t servers, const char *sched, uint8_t fwd, uint32_t weight)
{
	struct dpvs_txn *txn = begin(c, DPVS_TXN_SYNC);

	put_services(txn, services, sched);
	put_dests(txn, servers, services, fwd, weight);
	commit(c, txn, 0);
}

static void
flush(struct dpvs_client *c)
{
	if (dpvs_client_set(c, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0) < 0)
		g_error("flush: %s", dpvs_client_error(c));
}

static void
idle(struct dpvs_client *c)
{
	(void)c;
	g_usleep(500000);
}

/* As many records as fit, each so short that most of it is zero; @size: as sent. */
static void
refused(struct dpvs_client *c, uint32_t id, uint32_t size, uint32_t count)
{
	void *records = g_malloc0((gsize)size * count);

	for (unsigned int i = 0; i < 5; i++)
		if (dpvs_client_set(c, id, records, size, count) >= 0)
			g_error("%u short records are accepted", count);
	g_free(records);
}

static void
tiny(struct dpvs_client *c)
{
	refused(c, DPVS_SET_LADDR_FLUSH, 8, TINY);
}

static void
full(struct dpvs_client *c)
{
	refused(c, DPVS_SET_LADDR_FLUSH, sizeof(struct dpvs_service_key), DPVS_BODY_MAX / sizeof(struct dpvs_service_key) - 1);
}

/* All of its records count. */
static void
plain(struct dpvs_client *c)
{
	const uint32_t count = DPVS_BODY_MAX / sizeof(struct dpvs_dest_conf) - 1;
	g_autofree struct dpvs_dest_conf *conf = g_new0(struct dpvs_dest_conf, count);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t ip = htonl(0x14000001 + i);

		conf[i] = (struct dpvs_dest_conf){
			.svc = service_key(i % SERVICES), .port = 80, .fwd = DPVS_FWD_DR, .weight = 1,
			.addr.family = AF_INET,
		};
		memcpy(conf[i].addr.bytes, &ip, sizeof(ip));
	}
	if (dpvs_client_set(c, DPVS_SET_DEST_ADD, conf, sizeof(conf[0]), count) < 0)
		g_error("plain: %s", dpvs_client_error(c));
}

static void
services(struct dpvs_client *c)
{
	restore(c, SERVICES, 0, "wrr", DPVS_FWD_DR, 1);
}

static void
one_wrr(struct dpvs_client *c)
{
	restore(c, 1, ONE_SERVICE, "wrr", DPVS_FWD_DR, 1);
}

static void
one_again(struct dpvs_client *c)
{
	restore(c, 1, ONE_SERVICE, "wrr", DPVS_FWD_DR, 2);
}

static void
one_lc(struct dpvs_client *c)
{
	restore(c, 1, ONE_SERVICE, "lc", DPVS_FWD_DR, 1);
}

static void
one_mh(struct dpvs_client *c)
{
	restore(c, 1, ONE_SERVICE, "mh", DPVS_FWD_DR, 1);
}

static void
zero(struct dpvs_client *c)
{
	struct dpvs_service_key key = service_key(0);

	if (dpvs_client_set(c, DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1) < 0)
		g_error("zero: %s", dpvs_client_error(c));
}

static void
zero_many(struct dpvs_client *c)
{
	struct dpvs_service_key key[1024];

	for (unsigned int i = 0; i < G_N_ELEMENTS(key); i++)
		key[i] = service_key(0);
	if (dpvs_client_set(c, DPVS_SET_SERVICE_ZERO, key, sizeof(key[0]), 8) < 0)
		g_error("zero: %s", dpvs_client_error(c));
}

static void
zero_all(struct dpvs_client *c)
{
	if (dpvs_client_set(c, DPVS_SET_SERVICE_ZERO, NULL, 0, 0) < 0)
		g_error("zero: %s", dpvs_client_error(c));
}

static void
list_services(struct dpvs_client *c)
{
	get(c, DPVS_GET_SERVICES, NULL, 0);
}

static void
list_dests(struct dpvs_client *c)
{
	get(c, DPVS_GET_DESTS, NULL, 0);
}

static void
verify(struct dpvs_client *c)
{
	get(c, DPVS_GET_VERIFY, NULL, 0);
}

static void
dr(struct dpvs_client *c)
{
	restore(c, SERVICES, SERVERS, "wrr", DPVS_FWD_DR, 1);
}

static void
nat(struct dpvs_client *c)
{
	restore(c, SERVICES, SERVERS, "wrr", DPVS_FWD_NAT, 1);
}

static void
sync_none(struct dpvs_client *c)
{
	restore(c, 1, 1, "wrr", DPVS_FWD_DR, 1);
}

/* 200,000 servers, and then one record that is wrong. */
static void
undone(struct dpvs_client *c)
{
	struct dpvs_txn *txn = begin(c, DPVS_TXN_SYNC);

	put_services(txn, SERVICES, "wrr");
	put_dests(txn, SERVERS, SERVICES, DPVS_FWD_NAT, 1);
	put_services(txn, 1, "none");
	commit(c, txn, -ENOENT);
}

static void
aborted(struct dpvs_client *c)
{
	struct dpvs_txn *txn = begin(c, DPVS_TXN_SYNC);

	put_services(txn, SERVICES, "wrr");
	put_dests(txn, SERVERS * 2, SERVICES, DPVS_FWD_NAT, 1);
	dpvs_txn_abort(txn);
}

/* As many requests as fit, each of one record or none. */
static void
requests(struct dpvs_client *c)
{
	struct dpvs_txn *txn = begin(c, 0);

	for (uint32_t i = 0; i < 700000; i++)
		dpvs_txn_set(txn, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	commit(c, txn, 0);
}

static struct dpvs_client *subscriber;

static void
subscribe(struct dpvs_client *c)
{
	struct dpvs_event e;
	int rc;

	(void)c;
	subscriber = client();
	if (dpvs_client_subscribe(subscriber, 0) < 0)
		g_error("subscribe");
	do {
		rc = dpvs_client_next_event(subscriber, &e, 60000);
		if (rc < 0)
			g_error("event: %s", dpvs_client_error(subscriber));
	} while (e.kind != DPVS_EVENT_CONTROL || e.op != DPVS_EVENT_OP_SYNCED);
	dpvs_client_close(subscriber);
}

static void
with_subscriber(struct dpvs_client *c, void (*fn)(struct dpvs_client *c))
{
	struct dpvs_event e;

	subscriber = client();
	if (dpvs_client_subscribe(subscriber, 0) < 0)
		g_error("subscribe");
	fn(c);
	while (dpvs_client_next_event(subscriber, &e, 300) == 0)
		;
	dpvs_client_close(subscriber);
}

static void
dr_events(struct dpvs_client *c)
{
	with_subscriber(c, dr);
}

static void
flush_events(struct dpvs_client *c)
{
	with_subscriber(c, flush);
}

static void
put_laddrs(struct dpvs_client *c, uint32_t id)
{
	g_autofree struct dpvs_laddr_conf *conf = g_new0(struct dpvs_laddr_conf, LADDRS);

	for (uint32_t i = 0; i < LADDRS; i++) {
		uint32_t ip = htonl(0x1e000001 + i);

		conf[i] = (struct dpvs_laddr_conf){ .svc = service_key(0), .addr.family = AF_INET };
		memcpy(conf[i].addr.bytes, &ip, sizeof(ip));
		g_strlcpy(conf[i].dev, "dpdk0", sizeof(conf->dev));
	}
	if (dpvs_client_set(c, id, conf, sizeof(conf[0]), LADDRS) < 0)
		g_error("laddrs: %s", dpvs_client_error(c));
}

static void
laddrs(struct dpvs_client *c)
{
	put_laddrs(c, DPVS_SET_LADDR_ADD);
}

static void
laddr_flush(struct dpvs_client *c)
{
	struct dpvs_service_key key = service_key(0);

	if (dpvs_client_set(c, DPVS_SET_LADDR_FLUSH, &key, sizeof(key), 1) < 0)
		g_error("laddr flush: %s", dpvs_client_error(c));
	g_usleep(2000000);
}

static void
laddr_list(struct dpvs_client *c)
{
	get(c, DPVS_GET_LADDRS, NULL, 0);
}

static void
laddr_pools(struct dpvs_client *c)
{
	get(c, DPVS_GET_LADDR_POOLS, NULL, 0);
}

static void
routes(struct dpvs_client *c)
{
	struct dpvs_txn *txn = begin(c, 0);
	g_autofree struct dpvs_route_conf *conf = g_new0(struct dpvs_route_conf, BATCH);
	uint32_t n = 0;

	for (uint32_t i = 0; i < ROUTES; i++) {
		uint32_t ip = htonl(0x28000000 + (i << 8));

		conf[n] = (struct dpvs_route_conf){ .dst.family = AF_INET, .plen = 24 };
		memcpy(conf[n].dst.bytes, &ip, sizeof(ip));
		g_strlcpy(conf[n++].dev, "dpdk0", sizeof(conf->dev));
		if (n == BATCH || i == ROUTES - 1) {
			dpvs_txn_set(txn, DPVS_SET_ROUTE_ADD, conf, sizeof(conf[0]), n);
			n = 0;
		}
	}
	commit(c, txn, 0);
}

static void
route_list(struct dpvs_client *c)
{
	get(c, DPVS_GET_ROUTES, NULL, 0);
}

static void
route_flush(struct dpvs_client *c)
{
	if (dpvs_client_set(c, DPVS_SET_ROUTE_FLUSH, NULL, 0, 0) < 0)
		g_error("route flush: %s", dpvs_client_error(c));
}

/* ---- addresses of the port that all these routes are on ---- */

static void
one_addr(struct dpvs_client *c, uint32_t id, const char *ip, uint8_t plen)
{
	struct dpvs_addr_conf conf = { .plen = plen, .addr.family = AF_INET };

	inet_pton(AF_INET, ip, conf.addr.bytes);
	g_strlcpy(conf.dev, "dpdk0", sizeof(conf.dev));
	if (dpvs_client_set(c, id, &conf, sizeof(conf), 1) < 0)
		g_error("address: %s", dpvs_client_error(c));
}

/* All routes have none before. */
static void
addr_first(struct dpvs_client *c)
{
	one_addr(c, DPVS_SET_ADDR_ADD, "192.0.2.1", 24);
}

static void
addr_second(struct dpvs_client *c)
{
	one_addr(c, DPVS_SET_ADDR_ADD, "192.0.2.2", 24);
}

/* All of them choose the second. */
static void
addr_set(struct dpvs_client *c)
{
	one_addr(c, DPVS_SET_ADDR_SET, "192.0.2.1", 32);
}

/* And the first again. */
static void
addr_del(struct dpvs_client *c)
{
	one_addr(c, DPVS_SET_ADDR_DEL, "192.0.2.2", 24);
}

/* Without an address the port has no routes. */
static void
addr_last(struct dpvs_client *c)
{
	one_addr(c, DPVS_SET_ADDR_DEL, "192.0.2.1", 32);
}

static void
settle(struct dpvs_client *c)
{
	(void)c;
	g_usleep(1500000);
}

static void
clear(struct dpvs_client *c)
{
	flush(c);
	settle(c);
}

static const struct kind kinds[] = {
	{ "nothing", idle },
	{ "set-tiny", tiny },
	{ "set-16m", full },
	{ "services", services, true },
	{ "set-plain", plain },
	{ "flush", flush },
	{ "trash", settle },
	{ "one-wrr", one_wrr },
	{ "one-again", one_again },
	{ "one-zero", zero },
	{ "one-zero-8", zero_many },
	{ "one-list", list_services },
	{ "one-list-dests", list_dests },
	{ "one-flush", flush },
	{ "", settle, true },
	{ "one-lc", one_lc },
	{ "", clear, true },
	{ "one-mh", one_mh },
	{ "", clear, true },
	{ "dr", dr },
	{ "dr-again", dr },
	{ "dr-list-services", list_services },
	{ "dr-list-dests", list_dests },
	{ "dr-zero", zero_all },
	{ "dr-verify", verify },
	{ "dr-subscribe", subscribe },
	{ "dr-to-nat", nat },
	{ "nat-sync", sync_none },
	{ "", clear, true },
	{ "nat", nat },
	{ "nat-flush", flush },
	{ "", settle, true },
	{ "nat-undone", undone },
	{ "nat-aborted", aborted },
	{ "requests", requests },
	{ "dr-events", dr_events },
	{ "flush-events", flush_events },
	{ "", settle, true },
	{ "services", services, true },
	{ "laddrs", laddrs },
	{ "laddr-list", laddr_list },
	{ "laddr-pools", laddr_pools },
	{ "laddr-flush", laddr_flush },
	{ "", clear, true },
	{ "routes", routes },
	{ "route-list", route_list },
	{ "route-flush", route_flush },
	{ "", settle, true },
	{ "addr-routes", routes, true },
	{ "addr-first", addr_first },
	{ "addr-second", addr_second },
	{ "addr-set", addr_set },
	{ "addr-del", addr_del },
	{ "addr-last", addr_last },
};

/* What prepares, or clears away, goes with all groups. */
static bool
is_wanted(const struct kind *kind)
{
	for (int i = 1; i < argc_kinds; i++)
		if (g_str_has_prefix(kind->name, argv_kinds[i]))
			return true;
	return argc_kinds == 1 || kind->quiet;
}

static void
report(const char *name, double *floor)
{
	unsigned int n, m, over = 0;
	double worst_turn, p50, p99, worst, stolen_worst;
	unsigned int stolen_turns;

	g_mutex_lock(&lock);
	n = turns;
	m = asked;
	for (unsigned int i = 0; i < n; i++)
		over += turn_ns[i] > LONG_NS;
	stolen_turns = stolen;
	stolen_worst = (double)stolen_worst_ns / 1000;
	worst_turn = (double)bench_quantile(turn_ns, n, 100) / 1000;
	p50 = (double)bench_quantile(asked_ns, m, 50) / 1000;
	p99 = (double)bench_quantile(asked_ns, m, 99) / 1000;
	worst = (double)bench_quantile(asked_ns, m, 100) / 1000;
	g_mutex_unlock(&lock);
	if (*floor == 0)
		*floor = worst_turn;
	printf("{\"bench\":\"turn-%s\",\"value\":%.0f,\"unit\":\"us\",\"floor\":%.0f,\"ratio\":%.2f,\"over-1.5ms\":%u,"
	       "\"turns\":%u,\"stolen\":%u,\"stolen-worst\":%.0f,\"questions\":%u,\"p50\":%.0f,\"p99\":%.0f,\"worst\":%.0f}\n",
	       name, worst_turn, *floor, worst_turn / *floor, over, n, stolen_turns, stolen_worst, m, p50, p99, worst);
	fflush(stdout);
}

static gpointer
large_thread(gpointer arg)
{
	struct dpvs_client *c = client();
	double floor = 0;

	(void)arg;
	pin(0, 1);
	for (unsigned int i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (!is_wanted(&kinds[i]))
			continue;
		g_mutex_lock(&lock);
		turns = 0;
		stolen = 0;
		stolen_worst_ns = 0;
		asked = 0;
		g_mutex_unlock(&lock);
		kinds[i].fn(c);
		/* What is to be freed afterwards counts, too. */
		g_usleep(300000);
		if (!kinds[i].quiet)
			report(kinds[i].name, &floor);
	}
	dpvs_client_close(c);
	g_atomic_int_set(&stop, 1);
	return NULL;
}

static gboolean
look(gpointer arg)
{
	if (g_atomic_int_get(&stop))
		g_main_loop_quit(loop);
	(void)arg;
	return G_SOURCE_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char *none[] = { (char *)(uintptr_t)"bench_turns", NULL };
	char **own = none;
	int own_argc = 1;
	struct lcore_counters counters;
	GThread *asks, *large;

	argc_kinds = argc;
	argv_kinds = argv;
	g_test_init(&own_argc, &own, NULL);
	harness_init(1);
	harness_start(1, "[control]\nget-deadline = 60000\ntransaction-bytes = 268435456\n"
			 "[laddr]\nmax = 65536\n[service]\nmh-table-size = 131071\nmax-dests = 1000000\n"
			 "[route]\nmax-routes = 200000\n[ifaddr]\nmax-addrs = 70000\n");
	lcore_counters(0, &counters);
	while (counters.tid == 0) {
		harness_pump(10);
		lcore_counters(0, &counters);
	}
	pin((pid_t)counters.tid, 1);
	pin(0, 0);
	loop = g_main_loop_new(NULL, FALSE);
	g_main_context_set_poll_func(NULL, poll_counted);
	g_timeout_add(100, look, NULL);
	asks = g_thread_new("asks", ask_thread, NULL);
	large = g_thread_new("large", large_thread, NULL);
	g_main_loop_run(loop);
	/* Clients may still wait for an answer. */
	harness_pump(500);
	g_thread_join(asks);
	g_thread_join(large);
	g_main_context_set_poll_func(NULL, g_poll);
	harness_stop();
	harness_fini();
	g_main_loop_unref(loop);
	return 0;
}
