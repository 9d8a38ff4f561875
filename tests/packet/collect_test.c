/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that workers take or zero themselves (messages 8, 11, 12), and what a worker has of the neighbours (18), while
 * packets pass: nothing is lost, and what is taken is of one point between two packets.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/service.h>

#include "core/lcore.h"
#include "harness.h"
#include "lbtest.h"

#define WORKERS 2
#define PORT    53
#define LEN     18
#define BURST   400
#define ROUNDS  150

static uint64_t sent;

/* A burst of datagrams of equal length, from a client for each worker, into the queues of both. */
static void
burst(unsigned int count)
{
	struct pk p = {
		.af = AF_INET,
		.proto = IPPROTO_UDP,
		.dst = lb_addr(AF_INET, NET_CLIENT, HOST_VIP),
		.dport = PORT,
		.len = LEN,
	};

	for (unsigned int i = 0; i < count; i++) {
		p.src = lb_addr(AF_INET, NET_FAR, 70 + i % 8);
		p.sport = (uint16_t)(3000 + i % 8);
		harness_inject(PORT_CLIENT, i % WORKERS, pk_make(PORT_CLIENT, &p));
	}
	sent += count;
}

/* Empties what was forwarded, so that there is room for more. */
static void
drain(void)
{
	struct rte_mbuf *pkts[256];
	unsigned int n;

	harness_settle();
	for (uint16_t port = PORT_CLIENT; port <= PORT_SERVER; port++)
		while ((n = harness_collect(port, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0)
			harness_free(pkts, n);
}

/* A GET that may meet a machine too busy for its deadline. */
static struct dpvs_reply *
get(uint32_t id)
{
	struct dpvs_reply *reply = NULL;
	int err = -ETIMEDOUT;

	for (unsigned int i = 0; i < 200 && err == -ETIMEDOUT; i++)
		err = harness_get(id, NULL, 0, &reply);
	g_assert_cmpint(err, ==, 0);
	return reply;
}

static void
setup(uint8_t fwd)
{
	lb_start(NULL);
	lb_service(AF_INET, IPPROTO_UDP, PORT, "rr");
	if (fwd == DPVS_FWD_FULLNAT)
		lb_laddr(AF_INET, IPPROTO_UDP, PORT, 0);
	lb_dest(AF_INET, IPPROTO_UDP, PORT, fwd, 0, PORT);
	sent = 0;
}

/* ipvsadm -Z while packets pass: the counters of a server begin at the same packet. */
static void
test_service_zero(void)
{
	struct dpvs_service_key key = lb_key(AF_INET, IPPROTO_UDP, PORT);
	struct dpvs_service_key other = lb_key(AF_INET, IPPROTO_UDP, PORT + 1);
	struct dpvs_dest_info info;
	uint64_t per_pkt;
	unsigned int between = 0;

	setup(DPVS_FWD_DR);
	burst(16);
	drain();
	info = lb_dest_info(AF_INET, IPPROTO_UDP, PORT, 0);
	g_assert_cmpuint(info.stats.in_pkts, ==, 16);
	per_pkt = info.stats.in_bytes / 16;
	g_assert_cmpuint(per_pkt, >=, LEN);

	for (unsigned int i = 0; i < ROUNDS; i++) {
		burst(BURST);
		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ZERO, &key, i % 2 == 0 ? sizeof(key) : 0, i % 2 == 0), ==, 0);
		drain();
		info = lb_dest_info(AF_INET, IPPROTO_UDP, PORT, 0);
		g_assert_cmpuint(info.stats.in_pkts, <=, BURST);
		g_assert_cmpuint(info.stats.in_bytes, ==, info.stats.in_pkts * per_pkt);
		between += info.stats.in_pkts > 0 && info.stats.in_pkts < BURST;
	}
	g_test_message("%u of %u times in the middle of a burst", between, ROUNDS);
	/* At rest all is counted from there on, and another service is not touched. */
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1), ==, 0);
	burst(BURST);
	drain();
	g_assert_cmpuint(lb_dest_info(AF_INET, IPPROTO_UDP, PORT, 0).stats.in_pkts, ==, BURST);
	lb_service(AF_INET, IPPROTO_UDP, PORT + 1, "rr");
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ZERO, &other, sizeof(other), 1), ==, 0);
	g_assert_cmpuint(lb_dest_info(AF_INET, IPPROTO_UDP, PORT, 0).stats.in_pkts, ==, BURST);
	other.port = PORT + 2;
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ZERO, &other, sizeof(other), 1), ==, -ESRCH);
	lb_stop();
}

/* A service with more servers than one question holds. */
static void
test_service_zero_many(void)
{
	struct dpvs_service_key key = lb_key(AF_INET, IPPROTO_UDP, PORT);
	struct dpvs_dest_info info;
	struct dpvs_reply *reply;
	uint64_t pkts = 0;

	lb_start(NULL);
	lb_service(AF_INET, IPPROTO_UDP, PORT, "rr");
	for (unsigned int i = 0; i < 250; i++) {
		struct dpvs_dest_conf conf = {
			.svc = key,
			.addr = lb_wire_addr(AF_INET, NET_SERVER, i % LB_SERVERS + HOST_SERVER),
			.port = (uint16_t)(1000 + i),
			.fwd = DPVS_FWD_NAT,
			.set = DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT,
			.weight = 1,
		};

		g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, &conf, sizeof(conf), 1), ==, 0);
	}
	for (unsigned int i = 0; i < 1000; i++) {
		struct pk p = {
			.af = AF_INET,
			.proto = IPPROTO_UDP,
			.src = lb_addr(AF_INET, NET_FAR, 70 + i),
			.dst = lb_addr(AF_INET, NET_CLIENT, HOST_VIP),
			.sport = (uint16_t)(3000 + i),
			.dport = PORT,
			.len = LEN,
		};

		harness_inject(PORT_CLIENT, i % WORKERS, pk_make(PORT_CLIENT, &p));
		if (i % 200 == 199)
			drain();
	}
	for (unsigned int round = 0; round < 2; round++) {
		pkts = 0;
		reply = get(DPVS_GET_DESTS);
		for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
			dpvs_reply_record(reply, i, &info, sizeof(info));
			pkts += info.stats.in_pkts;
		}
		g_assert_cmpuint(dpvs_reply_count(reply), ==, 250);
		dpvs_reply_free(reply);
		g_assert_cmpuint(pkts, ==, round == 0 ? 1000 : 0);
		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1), ==, 0);
	}
	lb_stop();
}

/* Named counters: to zero, and as each lcore takes them. */
static void
test_stats(void)
{
	struct dpvs_stat_lcore_info info;
	struct dpvs_reply *reply;

	setup(DPVS_FWD_DR);
	burst(32);
	drain();
	g_assert_cmpuint(harness_stat("port", "rx"), >=, 32);
	for (unsigned int i = 0; i < ROUNDS / 2; i++) {
		uint64_t rx[RTE_MAX_LCORE] = { 0 }, tx[RTE_MAX_LCORE] = { 0 }, drops[RTE_MAX_LCORE] = { 0 };
		uint64_t out[RTE_MAX_LCORE] = { 0 }, in[RTE_MAX_LCORE] = { 0 };

		g_assert_cmpint(harness_set(DPVS_SET_STATS_ZERO, NULL, 0, 0), ==, 0);
		g_assert_cmpuint(harness_stat("port", "rx"), <=, 0);
		burst(BURST);
		reply = get(DPVS_GET_STATS_SNAPSHOT);
		for (uint32_t k = 0; k < dpvs_reply_count(reply); k++) {
			dpvs_reply_record(reply, k, &info, sizeof(info));
			g_assert_cmpuint(info.lcore, <=, WORKERS);
			g_assert_cmpuint(info.generation, ==, dpvs_reply_generation(reply));
			if (strcmp(info.module, "port") == 0 && strcmp(info.name, "rx") == 0)
				rx[info.lcore] = info.value;
			else if (strcmp(info.module, "port") == 0 && strcmp(info.name, "tx") == 0)
				tx[info.lcore] = info.value;
			else if (strcmp(info.module, "handover") == 0 && strcmp(info.name, "out") == 0)
				out[info.lcore] = info.value;
			else if (strcmp(info.module, "handover") == 0 && strcmp(info.name, "in") == 0)
				in[info.lcore] = info.value;
			else if (info.kind == DPVS_STAT_DROP)
				drops[info.lcore] += info.value;
		}
		dpvs_reply_free(reply);
		/* Between two packets what came in has gone out, or was dropped, or is another worker's. */
		for (unsigned int w = 0; w < WORKERS; w++) {
			unsigned int lcore = lcore_of_worker(w);

			g_assert_cmpuint(rx[lcore] + in[lcore], ==, tx[lcore] + drops[lcore] + out[lcore]);
		}
		drain();
		g_assert_cmpuint(harness_stat("port", "rx"), ==, BURST);
	}
	lb_stop();
}

/* The same of lcores. */
static void
test_lcores(void)
{
	struct dpvs_lcore_info info;
	struct dpvs_reply *reply;

	setup(DPVS_FWD_DR);
	burst(32);
	drain();
	for (unsigned int i = 0; i < ROUNDS / 2; i++) {
		uint64_t rx = 0;

		g_assert_cmpint(harness_set(DPVS_SET_LCORE_ZERO, NULL, 0, 0), ==, 0);
		burst(BURST);
		reply = get(DPVS_GET_LCORE_SNAPSHOT);
		g_assert_cmpuint(dpvs_reply_count(reply), ==, 1 + WORKERS);
		for (uint32_t k = 0; k < dpvs_reply_count(reply); k++) {
			dpvs_reply_record(reply, k, &info, sizeof(info));
			g_assert_cmpuint(info.generation, ==, dpvs_reply_generation(reply));
			g_assert_cmpuint(info.rx_pkts + info.handed_in, ==,
					 info.tx_pkts + info.drops + info.handed_out);
		}
		dpvs_reply_free(reply);
		drain();
		reply = get(DPVS_GET_LCORE_STATS);
		for (uint32_t k = 0; k < dpvs_reply_count(reply); k++) {
			dpvs_reply_record(reply, k, &info, sizeof(info));
			rx += info.rx_pkts;
		}
		dpvs_reply_free(reply);
		g_assert_cmpuint(rx, ==, BURST);
	}
	lb_stop();
}

/* Pools of ports: each worker has blocks for the connections that it owns. */
static void
test_laddr_pools(void)
{
	struct dpvs_laddr_pool_info info;
	struct dpvs_reply *reply;
	uint64_t conns = 0;

	setup(DPVS_FWD_FULLNAT);
	burst(64);
	drain();
	reply = get(DPVS_GET_LADDR_POOLS);
	g_assert_cmpuint(dpvs_reply_count(reply), ==, WORKERS);
	for (uint32_t i = 0; i < WORKERS; i++) {
		struct dpvs_addr want = lb_wire_addr(AF_INET, NET_SERVER, HOST_LADDR);

		dpvs_reply_record(reply, i, &info, sizeof(info));
		g_assert_cmpmem(&info.addr, sizeof(info.addr), &want, sizeof(want));
		g_assert_cmpstr(info.dev, ==, "dpdk1");
		g_assert_cmpuint(info.conns > 0, ==, info.blocks > info.idle_blocks);
		g_assert_cmpuint(info.port_misses, ==, 0);
		conns += info.conns;
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(conns, ==, 8); /* clients */
	g_assert_cmpint(harness_set(DPVS_SET_LADDR_ZERO, NULL, 0, 0), ==, 0);
	lb_stop();
}

/* What workers have of the neighbours: all of them the same entries; who used one, what waits where. */
static void
test_neigh_replicas(void)
{
	struct dpvs_neigh_replica_info info;
	struct dpvs_neigh_conf filter = { .dev = "dpdk1" };
	struct dpvs_addr server = lb_wire_addr(AF_INET, NET_SERVER, HOST_SERVER);
	struct dpvs_addr nobody = lb_wire_addr(AF_INET, NET_SERVER, 99);
	struct pk p = {
		.af = AF_INET,
		.proto = IPPROTO_UDP,
		.src = lb_addr(AF_INET, NET_FAR, 70),
		.dst = lb_addr(AF_INET, NET_SERVER, 99),
		.sport = 1,
		.dport = 2,
		.len = LEN,
	};
	unsigned int usable = 0, used = 0, permanent = 0;
	uint32_t held = 0;
	struct dpvs_neigh_conf conf;
	struct dpvs_reply *reply;

	setup(DPVS_FWD_DR);
	reply = get(DPVS_GET_NEIGHS);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &conf, sizeof(conf));
		permanent += conf.state == DPVS_NEIGH_PERMANENT;
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(permanent, >, 16); /* more than one slice */
	burst(16);
	for (unsigned int i = 0; i < 3; i++)
		lb_send(PORT_CLIENT, 1, &p);
	drain();
	reply = get(DPVS_GET_NEIGH_REPLICAS);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		usable += (info.flags & DPVS_NEIGH_REPLICA_USABLE) != 0;
		if (memcmp(&info.addr, &server, sizeof(server)) == 0)
			used += (info.flags & DPVS_NEIGH_REPLICA_USED) != 0;
		if (memcmp(&info.addr, &nobody, sizeof(nobody)) == 0) {
			g_assert_cmpuint(info.lcore, ==, lcore_of_worker(1));
			held += info.held;
		}
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(usable, ==, permanent * WORKERS);
	g_assert_cmpuint(used, ==, WORKERS);
	g_assert_cmpuint(held, ==, 3);
	/* Of one port, of one family. */
	filter.addr.family = AF_INET6;
	g_assert_cmpint(harness_get(DPVS_GET_NEIGH_REPLICAS, &filter, sizeof(filter), &reply), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(reply), >, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		g_assert_cmpstr(info.dev, ==, "dpdk1");
		g_assert_cmpuint(info.addr.family, ==, AF_INET6);
	}
	dpvs_reply_free(reply);
	g_strlcpy(filter.dev, "nowhere", sizeof(filter.dev));
	g_assert_cmpint(harness_get(DPVS_GET_NEIGH_REPLICAS, &filter, sizeof(filter), &reply), ==, -ENODEV);
	drain();
	harness_stop(); /* with what waits for an answer that will not come */
}

int
main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/collect/service-zero", test_service_zero);
	g_test_add_func("/collect/service-zero-many", test_service_zero_many);
	g_test_add_func("/collect/stats", test_stats);
	g_test_add_func("/collect/lcores", test_lcores);
	g_test_add_func("/collect/laddr-pools", test_laddr_pools);
	g_test_add_func("/collect/neigh-replicas", test_neigh_replicas);
	ret = g_test_run();
	harness_fini();
	return ret;
}
