/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC cycles that a worker of the daemon spends on a packet of a connection: direct routing, NAT and
 * full-NAT with 1 to 1,000,000 flows in random order; and on a whole TCP connection. Everything is the
 * daemon's own: its graph, its loop, its timers; only the packets come from a callback (feed.h).
 *
 * The floor is the same feed on the same kind of port and CPU, with a loop that exchanges MAC addresses, run
 * by a thread on the worker's CPU while the worker sleeps.
 *
 * A machine may run at several speeds that last for seconds, and other programs only ever add. So floor and
 * value take turns of some ten milliseconds, the whole sequence is gone through several times, and what is
 * reported at the end is the lowest of each; a turn's figure is the lowest decile of its windows of 16,384
 * packets. A connection's windows are longer: at least as many must end in one as begin.
 *
 * Arguments: names of benches, such as dp-dr-1k; none: all. Huge pages are used when the machine has them
 * or, as root, when it can be asked for some for the time of the run.
 */
#include <glib.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_tcp.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/daemon.h>

#include "core/pkt.h"
#include "feed.h"
#include "harness.h"
#include "lb/conn.h"
#include "lbtest.h"

/* Devices by their number in EAL: net_null1 gives no packets, so that polling it costs nothing. */
#define DEV_CLIENT 0
#define DEV_QUIET 1
#define DEV_FLOOR 2
#define DEV_SERVER 3
#define VIP_PORT 5000
#define SERVERS 32
#define LADDRS 4
#define CONN_MAX (1u << 20)
/* How often everything is measured. */
#define ROUNDS 3
/* In each of them, for each value: so many turns of floor and value, of so many packets. */
#define TURNS 2
#define TURN_PKTS 1000000

/* What two IPv6 keys of a connection take, for which there is no way around: the floor of conn-bytes. */
#define KEY_BYTES (2 * (2 * 16 + 2 * 2 + 1))

#define HUGE_PAGES "/proc/sys/vm/nr_hugepages"
/* Of 2 MB: 512 MB for DPDK, and some that it takes for itself. */
#define HUGE_NEEDED 320

struct mode {
	const char *name;
	uint8_t fwd;
};

static const struct mode modes[] = {
	{ "dr", DPVS_FWD_DR },
	{ "nat", DPVS_FWD_NAT },
	{ "fnat", DPVS_FWD_FULLNAT },
};

static const struct {
	const char *name;
	uint32_t flows;
} sizes[] = { { "1", 1 }, { "1k", 1000 }, { "16k", 16000 }, { "1m", 1000000 } };

/* Lowest so far; 0: not measured. */
static struct {
	double value;
	double floor;
} results[G_N_ELEMENTS(modes)][G_N_ELEMENTS(sizes)], new_conn;

static struct feed feeds[4];
static char **wanted;
static unsigned long huge_added;

/*
 * ---- set-up
 */

/* A number of /proc/meminfo. */
static unsigned long
meminfo(const char *name)
{
	g_autofree char *text = NULL;
	const char *at;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	at = strstr(text, name);
	return at != NULL ? strtoul(at + strlen(name), NULL, 10) : 0;
}

static void
huge_set(unsigned long pages)
{
	FILE *f = fopen(HUGE_PAGES, "w");

	if (f == NULL)
		return;
	fprintf(f, "%lu\n", pages);
	fclose(f);
}

/* Gives back what huge_get() asked for; others may have changed the number meanwhile. */
static void
huge_put(void)
{
	huge_set(meminfo("HugePages_Total:") - huge_added);
}

/* Are there enough free huge pages, perhaps because we asked for some? */
static bool
huge_get(void)
{
	unsigned long total = meminfo("HugePages_Total:"), free_pages = meminfo("HugePages_Free:");

	if (free_pages < HUGE_NEEDED) {
		huge_set(total + HUGE_NEEDED - free_pages);
		huge_added = meminfo("HugePages_Total:") - total;
		atexit(huge_put);
	}
	return meminfo("HugePages_Free:") >= HUGE_NEEDED;
}

static void
start_eal(void)
{
	char *huge[] = { "bench", "--in-memory", NULL }, *plain[] = { "bench", "--no-huge", "--no-shconf", NULL };
	char *common[] = { "-m", "512", "--no-pci", "--no-telemetry", "--iova-mode=va", "--log-level=lib.eal:error",
			   "--lcores", sysconf(_SC_NPROCESSORS_ONLN) > 1 ? "0@0,1@1" : "0@0,1@0",
			   "--vdev", "net_null0,size=60", "--vdev", "net_null1,size=60,no-rx=1",
			   "--vdev", "net_null2,size=60", "--vdev", "net_null3,size=60", NULL };
	GPtrArray *args = g_ptr_array_new();
	char **first;

	first = huge_get() ? huge : plain;
	for (; *first != NULL; first++)
		g_ptr_array_add(args, *first);
	for (char **a = common; *a != NULL; a++)
		g_ptr_array_add(args, *a);
	g_ptr_array_add(args, NULL);
	fprintf(stderr, "memory: %s\n", (const char *)args->pdata[1]);
	if (rte_eal_init((int)args->len - 1, (char **)args->pdata) < 0)
		g_error("EAL does not start");
	g_ptr_array_unref(args);
}

/* The floor's port, set up like the daemon's. */
static void
start_floor_port(void)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_mempool *pool = rte_pktmbuf_pool_create("floor", 16383, 256, PKT_PRIV_SIZE,
							   2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);

	g_assert_nonnull(pool);
	g_assert_cmpint(rte_eth_dev_configure(DEV_FLOOR, 1, 1, &conf), ==, 0);
	g_assert_cmpint(rte_eth_rx_queue_setup(DEV_FLOOR, 0, 1024, SOCKET_ID_ANY, NULL, pool), ==, 0);
	g_assert_cmpint(rte_eth_tx_queue_setup(DEV_FLOOR, 0, 1024, SOCKET_ID_ANY, NULL), ==, 0);
	g_assert_cmpint(rte_eth_dev_start(DEV_FLOOR), ==, 0);
}

/* The thread of the floor; waits for its turn, so that the worker has the CPU the rest of the time. */
static struct {
	pthread_t thread;
	sem_t start;
	sem_t ended;
	_Atomic bool stop; /* the turn is over */
	bool quit;
} floor_runner;

static void
floor_loop(void)
{
	struct rte_mbuf *pkts[64];

	while (!atomic_load_explicit(&floor_runner.stop, memory_order_relaxed)) {
		uint16_t n = rte_eth_rx_burst(DEV_FLOOR, 0, pkts, 64), sent;

		for (uint16_t i = 0; i < n; i++) {
			struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);
			struct rte_ether_addr mac = eth->dst_addr;

			eth->dst_addr = eth->src_addr;
			eth->src_addr = mac;
		}
		sent = rte_eth_tx_burst(DEV_FLOOR, 0, pkts, n);
		rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
	}
}

static void *
floor_main(void *arg)
{
	rte_cpuset_t cpus = rte_lcore_cpuset(1);

	(void)arg;
	g_assert_cmpint(pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus), ==, 0);
	/* An lcore id, so that the mempool has a cache for it as for the worker. */
	g_assert_cmpint(rte_thread_register(), ==, 0);
	for (;;) {
		while (sem_wait(&floor_runner.start) != 0)
			;
		if (floor_runner.quit)
			break;
		floor_loop();
		sem_post(&floor_runner.ended);
	}
	rte_thread_unregister();
	return NULL;
}

static double
measure_floor(uint32_t flows)
{
	struct feed *f = &feeds[DEV_FLOOR];
	double cycles;

	f->flows = flows;
	atomic_store(&floor_runner.stop, false);
	sem_post(&floor_runner.start);
	cycles = feed_run(f, feed_udp_random, TURN_PKTS);
	atomic_store(&floor_runner.stop, true);
	while (sem_wait(&floor_runner.ended) != 0)
		;
	return cycles;
}

static void
start_floor(void)
{
	union ip_addr vip = lb_addr(AF_INET, NET_CLIENT, HOST_VIP);
	struct rte_ether_addr mac;

	start_floor_port();
	feed_attach(&feeds[DEV_FLOOR], DEV_FLOOR);
	g_assert_cmpint(rte_eth_macaddr_get(DEV_FLOOR, &mac), ==, 0);
	feed_template(&feeds[DEV_FLOOR], mac.addr_bytes, IPPROTO_UDP, vip.ip4, VIP_PORT);
	sem_init(&floor_runner.start, 0, 0);
	sem_init(&floor_runner.ended, 0, 0);
	g_assert_cmpint(pthread_create(&floor_runner.thread, NULL, floor_main, NULL), ==, 0);
}

static void
stop_floor(void)
{
	floor_runner.quit = true;
	sem_post(&floor_runner.start);
	pthread_join(floor_runner.thread, NULL);
	feed_detach(&feeds[DEV_FLOOR], DEV_FLOOR);
	rte_eth_dev_stop(DEV_FLOOR);
}

static void
keep_lowest(double *lowest, double cycles)
{
	if (*lowest == 0 || cycles < *lowest)
		*lowest = cycles;
}

static void
report(const char *name, double value, const char *unit, double floor)
{
	printf("{\"bench\":\"%s\",\"value\":%.1f,\"unit\":\"%s\",\"floor\":%.1f,\"ratio\":%.2f}\n", name, value,
	       unit, floor, value / floor);
	fflush(stdout);
}

static bool
is_wanted(const char *name)
{
	if (wanted == NULL || *wanted == NULL)
		return true;
	for (char **w = wanted; *w != NULL; w++) {
		if (strcmp(*w, name) == 0 || (g_str_has_suffix(*w, "*") && strncmp(*w, name, strlen(*w) - 1) == 0))
			return true;
	}
	return false;
}

/* A number that is wrong must not look like a result. */
static void
fail(const char *name, uint64_t drops)
{
	struct dpvs_reply *reply = NULL;
	struct dpvs_stat_info info;

	g_assert_cmpint(harness_get(DPVS_GET_STATS, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++) {
		if (info.value != 0)
			fprintf(stderr, "%s.%s %" PRIu64 "\n", info.module, info.name, info.value);
	}
	huge_put();
	g_error("%s: %" PRIu64 " packets dropped, %" PRIu64 " connections", name, drops, lb_conn_count());
}

/* The worker sleeps in the turns of the floor; where it has packets it never does. */
static void
start_daemon(uint8_t proto, uint8_t fwd, unsigned int server)
{
	g_autofree char *conf = g_strdup_printf("[lcore]\nidle-sleep=10000\n"
						"[conn]\nmax=%u\n"
						"[port dpdk0]\ndevice=net_null0\n"
						"[port dpdk1]\ndevice=net_null%u\n",
						CONN_MAX, server);
	union ip_addr vip = lb_addr(AF_INET, NET_CLIENT, HOST_VIP);
	struct rte_ether_addr mac;

	harness_start(0, conf);
	feed_attach(&feeds[DEV_CLIENT], DEV_CLIENT);
	feed_attach(&feeds[server], (uint16_t)server);
	lb_setup();
	lb_service(AF_INET, proto, VIP_PORT, "rr");
	for (unsigned int n = 0; n < SERVERS; n++)
		lb_dest(AF_INET, proto, VIP_PORT, fwd, n, VIP_PORT);
	for (unsigned int n = 0; fwd == DPVS_FWD_FULLNAT && n < LADDRS; n++)
		lb_laddr(AF_INET, proto, VIP_PORT, n);
	g_assert_cmpint(rte_eth_macaddr_get(DEV_CLIENT, &mac), ==, 0);
	feed_template(&feeds[DEV_CLIENT], mac.addr_bytes, proto, vip.ip4, VIP_PORT);
}

static void
stop_daemon(unsigned int server)
{
	feed_detach(&feeds[DEV_CLIENT], DEV_CLIENT);
	feed_detach(&feeds[server], (uint16_t)server);
	harness_stop();
}

/*
 * ---- packets of connections
 */

static void
bench_mode(unsigned int mode)
{
	struct feed *f = &feeds[DEV_CLIENT];
	bool want[G_N_ELEMENTS(sizes)], any = false;

	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *name = g_strdup_printf("dp-%s-%s", modes[mode].name, sizes[i].name);

		want[i] = is_wanted(name);
		any |= want[i];
	}
	if (!any)
		return;
	start_daemon(IPPROTO_UDP, modes[mode].fwd, DEV_QUIET);
	f->next = 0;
	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
		uint64_t drops = harness_drops();

		if (!want[i])
			continue;
		/* Each flow once, so that its connection is there. */
		f->flows = sizes[i].flows;
		feed_run(f, feed_udp_all, f->flows - f->next);
		for (unsigned int turn = 0; turn < TURNS; turn++) {
			keep_lowest(&results[mode][i].floor, measure_floor(sizes[i].flows));
			keep_lowest(&results[mode][i].value, feed_run(f, feed_udp_random, TURN_PKTS));
		}
		if (harness_drops() != drops || lb_conn_count() != sizes[i].flows)
			fail(modes[mode].name, harness_drops() - drops);
	}
	stop_daemon(DEV_QUIET);
}

static void
report_modes(void)
{
	for (unsigned int mode = 0; mode < G_N_ELEMENTS(modes); mode++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
			g_autofree char *name = g_strdup_printf("dp-%s-%s", modes[mode].name, sizes[i].name);

			if (results[mode][i].value != 0)
				report(name, results[mode][i].value, "cycles/packet", results[mode][i].floor);
		}
	}
}

/*
 * ---- whole connections: SYN, SYN-ACK, ACK, FIN, FIN, ACK, and the time-out
 */

/* Connections that are in the same phase; many, so that none is still in a cache near the CPU. */
#define BATCH 16384

enum phase {
	PHASE_SYN,
	PHASE_SYN_ACK,
	PHASE_ACK,
	PHASE_FIN,
	PHASE_FIN_ACK,
	PHASE_LAST_ACK,
	PHASE_COUNT,
	PHASE_COUNT_CLIENT = 4, /* of them from the client */
};

static const struct {
	unsigned int dev;
	uint8_t flags;
} phases[PHASE_COUNT] = {
	[PHASE_SYN] = { DEV_CLIENT, RTE_TCP_SYN_FLAG },
	[PHASE_SYN_ACK] = { DEV_SERVER, RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG },
	[PHASE_ACK] = { DEV_CLIENT, RTE_TCP_ACK_FLAG },
	[PHASE_FIN] = { DEV_CLIENT, RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG },
	[PHASE_FIN_ACK] = { DEV_SERVER, RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG },
	[PHASE_LAST_ACK] = { DEV_CLIENT, RTE_TCP_ACK_FLAG },
};

/* Worker: rw. What the server saw of each connection of the batch. */
static struct {
	rte_be32_t addrs[2];
	rte_be16_t ports[2];
} seen[BATCH];

/* Batches of one round; in 600 ms, the time-out here, some 50 of them begin. */
#define BATCHES 128
/* Batches of a window: shorter than the time between two ticks of the wheel says little of what ending costs. */
#define WINDOW_BATCHES 8

/* Worker: rw; main reads them when the feed has stopped. State after each batch. */
static struct {
	uint64_t cycles; /* of the worker's thread */
	uint32_t conns;  /* in the table */
} marks[BATCHES + 1];

static uint32_t num_marks;

static enum phase phase;
static uint32_t phase_next;
static uint64_t conns_done;

static uint16_t
tx_note(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	(void)port;
	(void)queue;
	(void)arg;
	for (uint16_t i = 0; i < n; i++) {
		const char *data = rte_pktmbuf_mtod(pkts[i], const char *);
		const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)(data + 34);
		uint32_t at = rte_be_to_cpu_32(tcp->sent_seq) % BATCH;

		if (tcp->tcp_flags == RTE_TCP_SYN_FLAG) {
			memcpy(seen[at].addrs, data + 26, 8);
			memcpy(seen[at].ports, tcp, 4);
		}
	}
	return n;
}

static void
mark_batch(void)
{
	if (num_marks > BATCHES)
		return;
	marks[num_marks].cycles = feed_cpu_cycles();
	marks[num_marks].conns = conn_workers[0].table.count;
	num_marks++;
}

static uint16_t
feed_tcp(struct feed *f, char *data)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(data + 34);
	uint64_t flow = conns_done + phase_next;

	if (phases[phase].dev != f - feeds || (phase == PHASE_SYN && conns_done == (uint64_t)BATCHES * BATCH))
		return 0;
	memcpy(data, f->template, 60);
	if (phases[phase].dev == DEV_CLIENT) {
		ip->src_addr = rte_cpu_to_be_32(0x0a000001 + ((uint32_t)flow >> 14) % 65536);
		tcp->src_port = rte_cpu_to_be_16((uint16_t)(1024 + (flow & 16383)));
	} else {
		ip->src_addr = seen[phase_next].addrs[1];
		ip->dst_addr = seen[phase_next].addrs[0];
		tcp->src_port = seen[phase_next].ports[1];
		tcp->dst_port = seen[phase_next].ports[0];
	}
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	tcp->sent_seq = rte_cpu_to_be_32(phase_next);
	tcp->tcp_flags = phases[phase].flags;
	if (++phase_next == BATCH) {
		phase_next = 0;
		if (++phase == PHASE_COUNT) {
			phase = PHASE_SYN;
			conns_done += BATCH;
			mark_batch();
		}
	}
	return 60;
}

/*
 * Cycles per connection: the lowest of all windows of whole batches in which at least as many connections
 * ended as began. So one cannot be low because connections that began in it are left for the next to end.
 */
static double
lowest_window(void)
{
	double lowest = 0;

	for (uint32_t i = 0; i + WINDOW_BATCHES < num_marks; i++) {
		for (uint32_t j = i + WINDOW_BATCHES; j < num_marks; j++) {
			if (marks[j].conns <= marks[i].conns)
				keep_lowest(&lowest, (double)(marks[j].cycles - marks[i].cycles) /
							     ((j - i) * BATCH));
		}
	}
	return lowest;
}

static void
bench_new_conn(void)
{
	struct rte_ether_addr mac;
	uint64_t opened, drops;
	double cycles;

	if (!is_wanted("dp-new-conn"))
		return;
	start_daemon(IPPROTO_TCP, DPVS_FWD_FULLNAT, DEV_SERVER);
	/*
	 * Not the usual 120 s: connections have to end while others begin, before two million a second have filled
	 * the table; but not because the worker lost its CPU.
	 */
	conn_workers[0].timeout_ms[DPVS_CONN_TIME_WAIT] = 350;
	g_assert_cmpint(rte_eth_macaddr_get(DEV_SERVER, &mac), ==, 0);
	feed_template(&feeds[DEV_SERVER], mac.addr_bytes, IPPROTO_TCP, 0, 0);
	g_assert_nonnull(rte_eth_add_tx_callback(DEV_SERVER, 0, tx_note, NULL));
	drops = harness_drops();
	opened = harness_stat("conn", "new");

	keep_lowest(&new_conn.floor, measure_floor(BATCH) * PHASE_COUNT);
	num_marks = 0;
	conns_done = 0;
	phase = PHASE_SYN;
	phase_next = 0;
	feeds[DEV_SERVER].fn = feed_tcp;
	atomic_store(&feeds[DEV_SERVER].running, 1);
	feed_run(&feeds[DEV_CLIENT], feed_tcp, (uint64_t)BATCHES * BATCH * PHASE_COUNT_CLIENT);
	atomic_store(&feeds[DEV_SERVER].running, 0);
	opened = harness_stat("conn", "new") - opened;
	if (harness_drops() != drops || opened != (uint64_t)BATCHES * BATCH)
		fail("dp-new-conn", harness_drops() - drops);
	cycles = lowest_window();
	g_assert_cmpfloat(cycles, >, 0);
	keep_lowest(&new_conn.value, cycles);
	stop_daemon(DEV_SERVER);
}

static void
bench_conn_bytes(void)
{
	struct conn_table t;

	if (!is_wanted("conn-bytes"))
		return;
	g_assert_cmpint(conn_table_init(&t, CONN_MAX), ==, 0);
	report("conn-bytes", conn_table_bytes(&t), "bytes", KEY_BYTES);
	conn_table_fini(&t);
}

int
main(int argc, char **argv)
{
	(void)argc;
	/* What tests/run-test passes to every program. */
	for (wanted = argv + 1; *wanted != NULL && (*wanted)[0] == '-'; wanted++)
		;
	if (g_getenv("RUNTIME_DIRECTORY") == NULL) {
		char dir[] = "/tmp/dpvs-bench.XXXXXX";

		g_setenv("RUNTIME_DIRECTORY", mkdtemp(dir), TRUE);
	}
	bench_conn_bytes();
	start_eal();
	start_floor();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int mode = 0; mode < G_N_ELEMENTS(modes); mode++)
			bench_mode(mode);
		bench_new_conn();
	}
	report_modes();
	if (new_conn.value != 0)
		report("dp-new-conn", new_conn.value, "cycles/connection", new_conn.floor);
	stop_floor();
	rte_eal_cleanup();
	return 0;
}
