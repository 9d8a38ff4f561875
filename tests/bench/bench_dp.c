/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TSC cycles that a worker of the daemon spends on a packet of a connection: direct routing, NAT and
 * full-NAT with 1 to 1,000,000 flows in random order; and on a whole TCP connection. Everything is the
 * daemon's own: its graph, its loop, its timers; only the packets come from a callback (feed.h).
 *
 * The floor is the same feed on the same kind of port and CPU, with a loop that exchanges MAC addresses.
 * Values are the lowest decile over windows of 16,384 packets: other programs on the machine only ever add.
 *
 * Arguments: names of benches, such as dp-dr-1k; none: all. Huge pages are used when the machine has them
 * or, as root, when it can be asked for some for the time of the run.
 */
#include <glib.h>
#include <inttypes.h>
#include <netinet/in.h>
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
#define MEASURE_PKTS 4000000

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

static _Atomic int floor_stop;

static int
floor_loop(void *arg)
{
	struct rte_mbuf *pkts[64];

	(void)arg;
	while (!floor_stop) {
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
	return 0;
}

static double
measure_floor(uint32_t flows)
{
	struct feed *f = &feeds[DEV_FLOOR];
	double cycles;

	f->flows = flows;
	floor_stop = 0;
	rte_eal_remote_launch(floor_loop, NULL, 1);
	cycles = feed_run(f, feed_udp_random, MEASURE_PKTS);
	floor_stop = 1;
	rte_eal_wait_lcore(1);
	return cycles;
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
	g_error("%s: %" PRIu64 " packets dropped, %" PRIu64 " connections", name, drops, lb_conn_count());
}

static void
start_daemon(uint8_t proto, uint8_t fwd, unsigned int server)
{
	g_autofree char *conf = g_strdup_printf("[lcore]\nidle=poll\n"
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
bench_mode(const struct mode *mode, const double *floors)
{
	struct feed *f = &feeds[DEV_CLIENT];
	bool any = false;

	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *name = g_strdup_printf("dp-%s-%s", mode->name, sizes[i].name);

		any |= is_wanted(name);
	}
	if (!any)
		return;
	start_daemon(IPPROTO_UDP, mode->fwd, DEV_QUIET);
	f->next = 0;
	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *name = g_strdup_printf("dp-%s-%s", mode->name, sizes[i].name);
		uint64_t drops;
		double cycles;

		if (!is_wanted(name))
			continue;
		/* Each flow once, so that its connection is there. */
		f->flows = sizes[i].flows;
		drops = harness_drops();
		feed_run(f, feed_udp_all, f->flows - f->next);
		cycles = feed_run(f, feed_udp_random, MEASURE_PKTS);
		if (harness_drops() != drops || lb_conn_count() != sizes[i].flows)
			fail(name, harness_drops() - drops);
		report(name, cycles, "cycles/packet", floors[i]);
	}
	stop_daemon(DEV_QUIET);
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

static enum phase phase;
static uint32_t phase_next;
static uint64_t conns_done;
static uint64_t conns_limit;

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

static uint16_t
feed_tcp(struct feed *f, char *data)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + 14);
	struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(data + 34);
	uint64_t flow = conns_done + phase_next;

	if (phases[phase].dev != f - feeds || (phase == PHASE_SYN && conns_done >= conns_limit))
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
		}
	}
	return 60;
}

static void
bench_new_conn(double floor)
{
	struct rte_ether_addr mac;
	uint64_t expired, opened, drops;
	double per_packet;
	unsigned int n = 1 << 20;

	if (!is_wanted("dp-new-conn"))
		return;
	start_daemon(IPPROTO_TCP, DPVS_FWD_FULLNAT, DEV_SERVER);
	/* Not the usual 120 s: connections have to end while others begin. */
	conn_workers[0].timeout_ms[DPVS_CONN_TIME_WAIT] = 300;
	g_assert_cmpint(rte_eth_macaddr_get(DEV_SERVER, &mac), ==, 0);
	feed_template(&feeds[DEV_SERVER], mac.addr_bytes, IPPROTO_TCP, 0, 0);
	g_assert_nonnull(rte_eth_add_tx_callback(DEV_SERVER, 0, tx_note, NULL));
	drops = harness_drops();
	/* Whole rounds of all phases. */
	feeds[DEV_CLIENT].window_pkts = BATCH * 4;

	/* Twice: the first run touches the memory of the table. */
	for (int run = 0; run < 2; run++) {
		opened = harness_stat("conn", "new");
		conns_limit = conns_done + n;
		feeds[DEV_SERVER].fn = feed_tcp;
		atomic_store(&feeds[DEV_SERVER].running, 1);
		per_packet = feed_run(&feeds[DEV_CLIENT], feed_tcp, (uint64_t)n * 4);
		atomic_store(&feeds[DEV_SERVER].running, 0);
		opened = harness_stat("conn", "new") - opened;
		expired = harness_stat("conn", "expired");
	}
	if (harness_drops() != drops || opened != n || expired == 0)
		fail("dp-new-conn", harness_drops() - drops);
	/* Windows count the client's packets, four of the six of a connection; their time has it all. */
	report("dp-new-conn", per_packet * 4, "cycles/connection", floor * PHASE_COUNT);
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
	double floors[G_N_ELEMENTS(sizes)];
	struct rte_ether_addr mac;
	union ip_addr vip;

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
	start_floor_port();
	feed_attach(&feeds[DEV_FLOOR], DEV_FLOOR);
	g_assert_cmpint(rte_eth_macaddr_get(DEV_FLOOR, &mac), ==, 0);
	vip = lb_addr(AF_INET, NET_CLIENT, HOST_VIP);
	feed_template(&feeds[DEV_FLOOR], mac.addr_bytes, IPPROTO_UDP, vip.ip4, VIP_PORT);
	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++)
		floors[i] = measure_floor(sizes[i].flows);
	rte_eth_dev_stop(DEV_FLOOR);

	for (unsigned int i = 0; i < G_N_ELEMENTS(modes); i++)
		bench_mode(&modes[i], floors);
	bench_new_conn(floors[2]);
	rte_eal_cleanup();
	return 0;
}
