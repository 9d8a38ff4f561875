/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See check.h.
 */
#include "check.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_tcp.h>

#include <dpvsctrl/proto/daemon.h>

#include "attempt.h"
#include "client.h"
#include "core/change_priv.h"
#include "fault_point.h"
#include "harness.h"
#include "lb/truth.h"
#include "lb_records.h"
#include "msg_priv.h"
#include "net.h"

void
check_listing(const struct model *m, const char *when)
{
	g_autofree char *want = model_text(m);
	g_autofree char *got = listing_text();

	if (strcmp(want, got) == 0)
		return;
	g_test_message("%s: wanted\n%s", when, want);
	g_test_message("got\n%s", got);
	g_assert_cmpstr(got, ==, want);
}

void
check_workers(const char *when)
{
	struct dpvs_verify_table_info info;
	struct dpvs_reply *reply = NULL;
	unsigned int bad = 0;

	g_assert_cmpint(client_get(DPVS_GET_VERIFY_TABLES, &reply), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(reply), >, WORKERS * 8);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (info.state == DPVS_VERIFY_EQUAL)
			continue;
		bad++;
		g_test_message("%s: %s.%s of lcore %u: state %u, %" G_GUINT64_FORMAT " entries, expected %" G_GUINT64_FORMAT,
			       when, info.module, info.table, info.lcore, info.state, info.entries,
			       info.expected_entries);
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(bad, ==, 0);
}

void
check_settle(void)
{
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	while ((change_in_flight() > 0 || change_busy() || change_waiting() > 0 || msg_sys.commits > 0) &&
	       g_get_monotonic_time() < end)
		harness_pump(1);
	g_assert_cmpuint(change_in_flight(), ==, 0);
	g_assert_cmpuint(change_waiting(), ==, 0);
	g_assert_cmpuint(msg_sys.commits, ==, 0);
	g_assert_cmpuint(msg_sys.reserved, ==, 0);
}

void
check_take_packets(void)
{
	struct rte_mbuf *pkts[64];
	unsigned int n;

	for (uint16_t port = 0; port < PORTS; port++) {
		while ((n = harness_collect(port, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0)
			harness_free(pkts, n);
	}
}

void
check_must(uint32_t id, const void *record, uint32_t size)
{
	struct op op = { .id = id, .size = size, .count = record != NULL };
	bool unknown;
	int rc;

	if (record != NULL)
		memcpy(op.service, record, size);
	rc = client_set(&op, &unknown);
	if (rc != -EINPROGRESS) /* the machine is slow: it is in force all the same */
		g_assert_cmpint(rc, ==, 0);
}

static uint64_t
entries_of(const char *module, const char *table)
{
	struct dpvs_verify_table_info info;
	struct dpvs_reply *reply = NULL;
	uint64_t n = UINT64_MAX;

	g_assert_cmpint(client_get(DPVS_GET_VERIFY_TABLES, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (strcmp(info.module, module) == 0 && strcmp(info.table, table) == 0)
			n = info.entries;
	}
	dpvs_reply_free(reply);
	return n;
}

void
check_clean_up(struct model *m, GRand *rnd)
{
	struct dpvs_timeouts timeouts = { .tcp_s = 900, .tcp_fin_s = 120, .udp_s = 300 };
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	struct dpvs_addr_conf none = { 0 };
	struct op base[8];

	check_must(DPVS_SET_SERVICE_FLUSH, NULL, 0);
	check_must(DPVS_SET_ROUTE_FLUSH, NULL, sizeof(struct dpvs_route_conf));
	check_must(DPVS_SET_ROUTE6_FLUSH, NULL, sizeof(struct dpvs_route_conf));
	check_must(DPVS_SET_ADDR_FLUSH, &none, sizeof(none));
	check_must(DPVS_SET_TIMEOUTS, &timeouts, sizeof(timeouts));
	for (unsigned int n = 0; n < NEIGHS; n++) {
		struct op op = { 0 };

		if (m->neigh[n] == 0)
			continue;
		do {
			op_random(rnd, &op);
		} while (op.id != DPVS_SET_NEIGH_DEL || op.count != 1 || op.what[0] != n);
		check_must(op.id, op.neigh, op.size);
	}
	for (unsigned int p = 0; p < PORTS; p++) {
		struct dpvs_port_conf port = { .set = 7, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, (uint8_t)p }, .up = 1 };

		g_snprintf(port.name, sizeof(port.name), "dpdk%u", p);
		check_must(DPVS_SET_NETIF_PORT, &port, sizeof(port));
	}
	for (unsigned int i = 0, n = model_base(base); i < n; i++)
		check_must(base[i].id, base[i].addr, base[i].size);
	model_init(m);
	check_listing(m, "after everything was taken away");
	while ((entries_of("laddr", "addresses") > 0 || entries_of("service", "nat-servers") > 0) &&
	       g_get_monotonic_time() < end)
		harness_pump(10);
	g_assert_cmpuint(entries_of("laddr", "addresses"), ==, 0);
	g_assert_cmpuint(entries_of("service", "nat-servers"), ==, 0);
	g_assert_cmpuint(entries_of("service", "services"), ==, 0);
	g_assert_cmpuint(entries_of("service", "servers"), ==, 0);
	check_settle();
	check_workers("after everything was taken away");
	/* Also those that nobody can find any more: who counted one has given it back. */
	while (!TAILQ_EMPTY(vs_all()) && g_get_monotonic_time() < end)
		harness_pump(10);
	g_assert_true(TAILQ_EMPTY(vs_all()));
}

/* Is check_service()'s there? Its connections last longer than a test should. */
static bool has_service;

void
check_service(void)
{
	struct dpvs_neigh_conf neigh = { .addr = rec_addr("198.51.100.11"), .mac = { 2, 0, 0, 0, 9, 1 }, .dev = "dpdk1" };
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_dest_conf dest = rec_dest(&svc.key, "198.51.100.11", 8002, DPVS_FWD_NAT, 1);

	if (has_service)
		return;
	has_service = true;
	check_clean_up(attempt_model(), attempt_rand());
	check_must(DPVS_SET_NEIGH_ADD, &neigh, sizeof(neigh));
	check_must(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc));
	check_must(DPVS_SET_DEST_ADD, &dest, sizeof(dest));
	check_settle();
	harness_pump(100);
	check_take_packets();
}

static bool
is_tcp(const struct rte_mbuf *m)
{
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

	return b[12] == 0x08 && b[13] == 0x00 && b[23] == IPPROTO_TCP;
}

unsigned int
check_connect(unsigned int worker, unsigned int count, uint16_t first_port)
{
	struct rte_mbuf *pkts[64];
	struct frame f;
	unsigned int n, seen = 0;

	g_assert_cmpuint(count, <=, G_N_ELEMENTS(pkts));
	for (unsigned int i = 0; i < count; i++) {
		frame_tcp(&f, "192.0.2.77", "192.0.2.100", (uint16_t)(first_port + i), 80, RTE_TCP_SYN_FLAG, 1, 0, 0);
		harness_inject(0, worker, harness_frame(f.b, f.len));
	}
	/* Announcements may come between them. */
	while (seen < count && (n = harness_collect(1, pkts, G_N_ELEMENTS(pkts), 1, 20000)) > 0) {
		for (unsigned int i = 0; i < n; i++)
			seen += is_tcp(pkts[i]);
		harness_free(pkts, n);
	}
	return seen;
}

void
check_measure(struct held *ret)
{
	struct rte_malloc_socket_stats stats;
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	struct dpvs_msg_pool_info pool;

	/* Announcements wait for their turn, and a watchdog's question may be under way. */
	do {
		check_take_packets();
		harness_pump(5);
		dpvs_msg_pool_get(&pool);
		ret->msgs = pool.in_use;
		ret->mbufs = harness_mbufs();
	} while ((ret->msgs > 0 || ret->mbufs > 0) && g_get_monotonic_time() < end);
	ret->rte_bytes = 0;
	if (rte_malloc_get_socket_stats(0, &stats) == 0)
		ret->rte_bytes = stats.heap_allocsz_bytes;
	ret->heap = mallinfo2().uordblks;
}

uint64_t
check_times_failed(const char *name)
{
	struct fault_site sites[FAULT_SITES];
	unsigned int n = fault_sites(sites);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += strcmp(sites[i].name, name) == 0 || g_str_has_suffix(sites[i].file, name) ? sites[i].failed : 0;
	return sum;
}
