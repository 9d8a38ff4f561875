/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET 8206: a daemon with something in every table says that all copies are as they should be; a copy that
 * was spoilt behind its back is found, on its worker and in its table.
 */
#include <glib.h>
#include <string.h>

#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>

#include "harness.h"
#include "lb/replica.h"
#include "lb/service.h"
#include "lb/timeouts.h"
#include "lb/truth.h"
#include "lb_records.h"
#include "net.h"

#define WORKERS 3

/* How many copies are in @state; the last one's names in @ret_table as "module.table". */
static unsigned int
count(uint32_t state, char ret_table[64], uint32_t *ret_lcore)
{
	struct dpvs_verify_table_info info;
	struct dpvs_reply *reply = NULL;
	unsigned int n = 0;

	g_assert_cmpint(harness_get(DPVS_GET_VERIFY_TABLES, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		if (info.state != state)
			continue;
		n++;
		g_snprintf(ret_table, 64, "%s.%s", info.module, info.table);
		*ret_lcore = info.lcore;
	}
	dpvs_reply_free(reply);
	return n;
}

/* The entries that a table has on each worker. */
static uint64_t
entries(const char *name)
{
	struct dpvs_verify_table_info info;
	struct dpvs_reply *reply = NULL;
	unsigned int workers = 0;
	uint64_t n = 0;
	char text[64];

	g_assert_cmpint(harness_get(DPVS_GET_VERIFY_TABLES, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		g_snprintf(text, sizeof(text), "%s.%s", info.module, info.table);
		if (strcmp(text, name) != 0)
			continue;
		g_assert_cmpuint(info.state, ==, DPVS_VERIFY_EQUAL);
		g_assert_cmpuint(info.entries, ==, info.expected_entries);
		n = info.entries;
		workers += info.role == DPVS_LCORE_WORKER;
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(workers, ==, WORKERS);
	return n;
}

static void
set_up(void)
{
	struct dpvs_service_conf svc[2] = {
		rec_service("192.0.2.100", 80, IPPROTO_TCP, "mh"),
		rec_service("2001:db8:1::100", 53, IPPROTO_UDP, "wrr"),
	};
	struct dpvs_dest_conf dests[3] = {
		rec_dest(&svc[0].key, "198.51.100.11", 8080, DPVS_FWD_NAT, 1),
		rec_dest(&svc[0].key, "198.51.100.12", 8080, DPVS_FWD_FULLNAT, 3),
		rec_dest(&svc[1].key, "2001:db8:2::11", 5353, DPVS_FWD_NAT, 0),
	};
	struct dpvs_laddr_conf laddr = rec_laddr(&svc[0].key, "198.51.100.201", "dpdk1");

	net_up("[neigh]\nmax-entries = 64\n");
	g_assert_cmpint(net_route("10.0.0.0/8", "192.0.2.10", "dpdk0", 0), ==, 0);
	g_assert_cmpint(net_route("0.0.0.0/0", "192.0.2.10", "dpdk0", 1400), ==, 0);
	g_assert_cmpint(net_route("::/0", "2001:db8:1::10", "dpdk0", 0), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), 2), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), 3), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_LADDR_ADD, &laddr, sizeof(laddr), 1), ==, 0);
}

static void
test_equal(void)
{
	char table[64];
	uint32_t lcore;

	g_assert_cmpuint(count(DPVS_VERIFY_DIFFERENT, table, &lcore), ==, 0);
	g_assert_cmpuint(count(DPVS_VERIFY_UNKNOWN, table, &lcore), ==, 0);
	g_assert_cmpuint(entries("service.services"), ==, 2);
	g_assert_cmpuint(entries("service.servers"), ==, 3);
	g_assert_cmpuint(entries("service.nat-servers"), ==, 2);
	g_assert_cmpuint(entries("service.timeouts"), ==, 1);
	g_assert_cmpuint(entries("laddr.addresses"), ==, 1);
	g_assert_cmpuint(entries("netif.ports"), ==, 2);
	g_assert_cmpuint(entries("neigh.entries"), ==, 4);
	/* Two nets with broadcast and address each, the VIP, the local address, two routes. */
	g_assert_cmpuint(entries("route.routes"), ==, 10);
	/* Four nets and addresses with link-local ones, the VIP, the default route. */
	g_assert_cmpuint(entries("route6.routes"), ==, 10);
}

/* Exactly one copy is spoilt now: this one. */
static void
assert_found(const char *name, unsigned int worker)
{
	char table[64] = "";
	uint32_t lcore = UINT32_MAX;

	g_assert_cmpuint(count(DPVS_VERIFY_DIFFERENT, table, &lcore), ==, 1);
	g_assert_cmpstr(table, ==, name);
	g_assert_cmpuint(lcore, ==, lcore_of_worker(worker));
}

static void
test_spoilt(void)
{
	const struct dpvs_service_key key = rec_key("192.0.2.100", 80, IPPROTO_TCP);
	const struct addr_key vip = { .addr = rec_ip("192.0.2.100"), .port = htons(key.port), .proto = key.proto,
				      .af = AF_INET };
	struct addr_table *table = service_replica()->lcore[2].table[REPLICA_IP4];
	const struct service *svc = addr_table_find(table, &vip);
	struct dest *dest = (struct dest *)(uintptr_t)&svc->dests[1];
	char name[64];
	uint32_t lcore;

	/* The workers have nothing to do, so nobody writes there now. */
	dest_lcores[1][0].generation++;
	assert_found("service.servers", 1);
	dest_lcores[1][0].generation--;

	lb_timeouts_of[0].udp_s++;
	assert_found("service.timeouts", 0);
	lb_timeouts_of[0].udp_s--;

	addr_table_remove(table, &vip);
	assert_found("service.services", 2);
	addr_table_set(table, &vip, svc);

	/* What all workers and main have in common differs for all. */
	dest->weight++;
	g_assert_cmpuint(count(DPVS_VERIFY_DIFFERENT, name, &lcore), ==, WORKERS + 1);
	g_assert_cmpstr(name, ==, "service.services");
	dest->weight--;
	test_equal();
}

/* Many changes, and clients that verify meanwhile: never a difference. */
static void
test_busy(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	char table[64];
	uint32_t lcore;

	for (unsigned int i = 0; i < 300; i++) {
		svc.key.port = (uint16_t)(1000 + i);
		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
		if (i % 10 != 0)
			continue;
		g_assert_cmpuint(count(DPVS_VERIFY_DIFFERENT, table, &lcore), ==, 0);
		g_assert_cmpuint(count(DPVS_VERIFY_UNKNOWN, table, &lcore), ==, 0);
	}
	g_assert_cmpuint(entries("service.services"), ==, 302);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	set_up();
	g_test_add_func("/verify/equal", test_equal);
	g_test_add_func("/verify/spoilt", test_spoilt);
	g_test_add_func("/verify/busy", test_busy);
	rc = g_test_run();
	net_down();
	harness_fini();
	return rc;
}
