/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See harness.h. Each port is a net_ring device with a receive and a transmit ring per worker.
 */
#include "harness.h"

#include <glib.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <string.h>
#include <unistd.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/wire.h>

#include "core/graph.h"
#include "core/lcore.h"
#include "core/log.h"
#include "daemon.h"
#include "eal.h"
#include "net/port.h"

/* 2047 packets: more than a test has on its way at once, small enough to be cheap. */
#define RING_SIZE 2048

/* Turns of the main loop between two looks at the clock: more than ever have something to do. */
#define PUMP_TURNS 1000

/* Memory for EAL: packet buffers, graphs, tables of the modules. It is taken as it is used. */
#define MEMORY_MB 1024

struct ring_port {
	struct rte_ring *rx[WORKERS_MAX];
	struct rte_ring *tx[WORKERS_MAX];
};

/* A request for the client thread. */
struct request {
	uint32_t type;
	uint32_t id;
	const void *records;
	uint32_t record_size;
	uint32_t count;
	struct dpvs_reply *reply;
	int result;
	gint done;
};

static struct ring_port ring_ports[HARNESS_PORTS];
static unsigned int worker_count, port_count;
static char *socket_path;
static char error_text[512];
static uint32_t error_index;

unsigned int
harness_workers(void)
{
	return worker_count;
}

const char *
harness_socket(void)
{
	return socket_path;
}

void
harness_init(unsigned int workers)
{
	worker_count = workers;
	test_eal_init_args(workers + 1, MEMORY_MB, NULL);
}

void
harness_fini(void)
{
	test_eal_fini();
	g_clear_pointer(&socket_path, g_free);
}

/* ---- ports ---- */

static struct rte_ring *
harness_ring(const char *kind, unsigned int port, unsigned int worker)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	g_snprintf(name, sizeof(name), "harness-%s-%u-%u", kind, port, worker);
	ring = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, 0);
	g_assert_nonnull(ring);
	return ring;
}

static void
harness_make_port(unsigned int port)
{
	struct ring_port *p = &ring_ports[port];
	char name[32];
	unsigned int w;
	int id;

	for (w = 0; w < worker_count; w++) {
		p->rx[w] = harness_ring("rx", port, w);
		p->tx[w] = harness_ring("tx", port, w);
	}
	g_snprintf(name, sizeof(name), "harness%u", port);
	id = rte_eth_from_rings(name, p->rx, worker_count, p->tx, worker_count, 0);
	g_assert_cmpint(id, ==, port);
}

/* Empties all rings. Without @pool, packets are only forgotten: theirs is gone. */
static void
harness_drain(bool pool)
{
	struct rte_mbuf *m;
	unsigned int p, w;

	for (p = 0; p < port_count; p++) {
		for (w = 0; w < worker_count; w++) {
			while (rte_ring_dequeue(ring_ports[p].rx[w], (void **)&m) == 0 ||
			       rte_ring_dequeue(ring_ports[p].tx[w], (void **)&m) == 0) {
				if (pool)
					rte_pktmbuf_free(m);
			}
		}
	}
}

/* ---- start and stop ---- */

/* A worker that has to share its CPU may take longer than 50 ms to answer: no test but those of deadlines wants to know. */
static char *
harness_patient(const char *conf)
{
	static const char section[] = "[control]\n", key[] = "get-deadline";
	const char *at = strstr(conf, section);

	if (strstr(conf, key) != NULL)
		return g_strdup(conf);
	if (at == NULL)
		return g_strdup_printf("%s\n%s%s = 10000\n", conf, section, key);
	at += strlen(section);
	return g_strdup_printf("%.*s%s = 10000\n%s", (int)(at - conf), conf, key, at);
}

void
harness_start(unsigned int ports, const char *conf)
{
	g_autofree char *text = harness_patient(conf != NULL ? conf : "");
	struct daemon_params params = { .eal_running = true };

	g_assert_cmpuint(ports, <=, HARNESS_PORTS);
	g_assert_cmpuint(ports, >=, port_count);
	for (; port_count < ports; port_count++)
		harness_make_port(port_count);
	if (socket_path == NULL)
		socket_path = g_strdup_printf("%s/harness-%d", g_getenv("RUNTIME_DIRECTORY"), (int)getpid());
	log_set_level(g_getenv("HARNESS_VERBOSE") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	params.socket = socket_path;
	params.conf_text = text;
	g_assert_cmpint(daemon_start(&params), ==, DAEMON_OK);
}

void
harness_stop(void)
{
	guint64 used;
	gint64 end = g_get_monotonic_time() + 2 * G_USEC_PER_SEC;

	harness_settle();
	harness_drain(true);
	/* Modules may hold a packet for a while (fragments, unresolved neighbours), but not for ever. */
	while ((used = harness_mbufs()) > 0 && g_get_monotonic_time() < end) {
		harness_pump(10);
		harness_drain(true);
	}
	if (used > 0)
		g_test_message("%" G_GUINT64_FORMAT " packet buffers are still held when the daemon stops", used);
	daemon_stop();
	/* What it said in its last moment must not meet the next one. */
	harness_drain(false);
}

/* ---- packets ---- */

struct rte_mbuf *
harness_frame(const void *bytes, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(graph_pool());
	char *room;

	g_assert_nonnull(m);
	room = rte_pktmbuf_append(m, (uint16_t)len);
	g_assert_nonnull(room);
	memcpy(room, bytes, len);
	return m;
}

bool
harness_offer(uint16_t port, unsigned int worker, struct rte_mbuf *m)
{
	unsigned int q;

	g_assert_cmpuint(port, <, port_count);
	g_assert_cmpuint(worker, <, worker_count);
	for (q = 0; port_rx_worker(port, (uint16_t)q) != worker; q++)
		;
	return rte_ring_enqueue(ring_ports[port].rx[q], m) == 0;
}

void
harness_inject(uint16_t port, unsigned int worker, struct rte_mbuf *m)
{
	while (!harness_offer(port, worker, m))
		harness_pump(1);
}

unsigned int
harness_collect(uint16_t port, struct rte_mbuf **pkts, unsigned int max, unsigned int want,
		unsigned int timeout_ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	unsigned int n = 0, w;

	g_assert_cmpuint(port, <, port_count);
	for (;;) {
		for (w = 0; w < worker_count; w++)
			n += rte_ring_dequeue_burst(ring_ports[port].tx[w], (void **)&pkts[n], max - n, NULL);
		if (n >= want || n == max || g_get_monotonic_time() >= end)
			return n;
		harness_pump(0);
		g_usleep(20);
	}
}

void
harness_free(struct rte_mbuf **pkts, unsigned int count)
{
	rte_pktmbuf_free_bulk(pkts, count);
}

void
harness_pump(unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;

	do {
		/* The loop always has something to do while a test holds a change half-prepared. */
		for (unsigned int turns = 0; turns < PUMP_TURNS && g_main_context_iteration(NULL, FALSE); turns++)
			;
		if (ms > 0)
			g_usleep(50);
	} while (g_get_monotonic_time() < end);
}

void
harness_settle(void)
{
	struct lcore_counters before[WORKERS_MAX], now;
	gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
	unsigned int p, w, round;

	for (p = 0; p < port_count; p++)
		for (w = 0; w < worker_count; w++)
			while (!rte_ring_empty(ring_ports[p].rx[w]) && g_get_monotonic_time() < end)
				harness_pump(1);
	/* Twice: the second round sees what was handed over in the first. */
	for (round = 0; round < 2; round++) {
		for (w = 0; w < worker_count; w++)
			lcore_counters(w, &before[w]);
		for (w = 0; w < worker_count; w++) {
			do {
				harness_pump(0);
				g_usleep(20);
				lcore_counters(w, &now);
			} while (now.loops < before[w].loops + 2 && g_get_monotonic_time() < end);
		}
	}
}

/* ---- requests ---- */

static gpointer
harness_client(gpointer arg)
{
	struct request *r = arg;
	struct dpvs_client *client = NULL;

	r->result = dpvs_client_open(socket_path, 10000, &client);
	if (r->result == 0 && r->type == DPVS_SOCKOPT_GET)
		r->result = dpvs_client_get(client, r->id, r->records, r->record_size, &r->reply);
	else if (r->result == 0)
		r->result = dpvs_client_set(client, r->id, r->records, r->record_size, r->count);
	if (r->result < 0 && client != NULL) {
		g_strlcpy(error_text, dpvs_client_error(client), sizeof(error_text));
		error_index = dpvs_client_error_index(client);
	}
	dpvs_client_close(client);
	g_atomic_int_set(&r->done, 1);
	return NULL;
}

static int
harness_request(struct request *r)
{
	GThread *thread;

	error_text[0] = '\0';
	error_index = UINT32_MAX;
	thread = g_thread_new("client", harness_client, r);
	while (!g_atomic_int_get(&r->done)) {
		harness_pump(0);
		g_usleep(20);
	}
	g_thread_join(thread);
	return r->result;
}

int
harness_set(uint32_t id, const void *records, uint32_t record_size, uint32_t count)
{
	struct request r = { DPVS_SOCKOPT_SET, id, records, record_size, count, NULL, 0, 0 };

	return harness_request(&r);
}

int
harness_get(uint32_t id, const void *record, uint32_t record_size, struct dpvs_reply **ret_reply)
{
	struct request r = { DPVS_SOCKOPT_GET, id, record, record_size, record != NULL, NULL, 0, 0 };
	int err = harness_request(&r);

	if (err == 0)
		*ret_reply = r.reply;
	return err;
}

const char *
harness_error(void)
{
	return error_text;
}

uint32_t
harness_error_index(void)
{
	return error_index;
}

/* ---- counters ---- */

/* The sum of the counters that fit; @name NULL: all drops. */
static uint64_t
harness_sum(const char *module, const char *name)
{
	struct dpvs_reply *reply = NULL;
	struct dpvs_stat_info info;
	bool found = name == NULL;
	uint64_t sum = 0;
	uint32_t i;

	g_assert_cmpint(harness_get(DPVS_GET_STATS, NULL, 0, &reply), ==, 0);
	for (i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		if (name == NULL ? info.kind != DPVS_STAT_DROP :
				   strcmp(info.module, module) != 0 || strcmp(info.name, name) != 0)
			continue;
		found = true;
		sum += info.value;
	}
	dpvs_reply_free(reply);
	if (!found)
		g_error("there is no counter %s.%s", module, name);
	return sum;
}

uint64_t
harness_stat(const char *module, const char *name)
{
	return harness_sum(module, name);
}

uint64_t
harness_drops(void)
{
	return harness_sum(NULL, NULL);
}

uint64_t
harness_mbufs(void)
{
	struct dpvs_reply *reply = NULL;
	struct dpvs_mem_info info;
	uint64_t used = UINT64_MAX;
	uint32_t i;

	g_assert_cmpint(harness_get(DPVS_GET_MEM, NULL, 0, &reply), ==, 0);
	for (i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (strcmp(info.name, "mbuf") == 0)
			used = info.in_use;
	}
	dpvs_reply_free(reply);
	return used;
}
