/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nobody waits for anybody: what is long takes many turns of the main loop, and others are served in between. With slices of
 * one step each, slices are counted, not time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <glib.h>
#include <rte_lcore.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/server.h>

#include "core/change_priv.h"
#include "harness.h"
#include "lb_records.h"
#include "peer.h"

#define WORKERS 2
#define SERVERS 5000
#define LADDRS  1000
#define RECORDS 500

/* One turn of the main loop. Returns true when the answer of @p is there. */
static bool
turn(struct peer *p)
{
	g_main_context_iteration(NULL, FALSE);
	return peer_poll(p);
}

static void
ask(struct peer *p, uint32_t type, uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	g_autoptr(GByteArray) out = g_byte_array_new();

	peer_put(out, type, id, records, size, count);
	peer_write(p, out->data, out->len);
}

static struct dpvs_service_key
key(void)
{
	return rec_key("192.0.2.100", 80, IPPROTO_TCP);
}

static struct dpvs_addr
address(uint32_t n)
{
	struct dpvs_addr addr = { .family = AF_INET };
	uint32_t ip = htonl(0xc6120001 + n);

	memcpy(addr.bytes, &ip, sizeof(ip));
	return addr;
}

static struct dpvs_dest_conf
dest(uint32_t n)
{
	struct dpvs_service_key svc = key();
	struct dpvs_dest_conf conf = rec_dest(&svc, "198.18.0.0", 80, DPVS_FWD_DR, 1 + n * 7919 % 101);

	conf.addr = address(n);
	return conf;
}

/* One service with many servers. */
static void
setup(struct peer *p)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	g_autofree struct dpvs_dest_conf *dests = g_new(struct dpvs_dest_conf, SERVERS);

	for (uint32_t i = 0; i < SERVERS; i++)
		dests[i] = dest(i);
	g_assert_cmpint(peer_set(p, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	g_assert_cmpint(peer_set(p, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), SERVERS), ==, 0);
}

static void
start(void)
{
	harness_start(1, NULL);
	harness_pump(1);
}

/* Records shorter than the daemon's: each is brought to its size when its turn comes. */
static void
test_records(void)
{
	const size_t size = offsetof(struct dpvs_service_conf, sched) + sizeof(((struct dpvs_service_conf *)0)->sched);
	g_autofree uint8_t *records = g_malloc(RECORDS * size);
	struct peer *p, *q;
	uint64_t slices;
	unsigned int served = 0;

	g_assert_cmpuint(size, <, sizeof(struct dpvs_service_conf));
	start();
	p = peer_new();
	q = peer_new();
	for (unsigned int i = 0; i < RECORDS; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.100", (uint16_t)(1 + i), IPPROTO_UDP, "rr");

		memcpy(records + i * size, &svc, size);
	}
	slices = harness_stat("change", "slices");
	change_set_slice(0);
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_SERVICE_ADD, records, (uint32_t)size, RECORDS);
	ask(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, NULL, 0, 0);
	while (!turn(p)) {
		if (peer_poll(q)) {
			served++;
			ask(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, NULL, 0, 0);
		}
	}
	g_assert_cmpint(p->a.err, ==, 0);
	peer_answer(q);
	change_set_slice(1000);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, RECORDS);
	g_assert_cmpuint(harness_stat("change", "slices") - slices, >=, RECORDS);
	g_assert_cmpuint(served, >=, RECORDS / 2);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* One record, for which an object of thousands of servers has to be built. */
static void
test_one_service(void)
{
	/* It is copied in parts of 256; servers are sorted, or dealt out to slots, 1,024 at a time. */
	static const struct {
		const char *sched;
		uint32_t slices;
	} cases[] = {
		{ "wrr", SERVERS / 256 + SERVERS * 15 / 1024 },
		{ "lc", SERVERS / 256 + SERVERS / 1024 },
		{ "mh", SERVERS / 256 + (SERVERS * 15 + 16381) / 1024 },
	};
	struct peer *p;

	start();
	p = peer_new();
	setup(p);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, cases[i].sched);
		uint64_t slices = harness_stat("change", "slices");

		change_set_slice(0);
		g_assert_cmpint(peer_set(p, DPVS_SET_SERVICE_EDIT, &svc, sizeof(svc), 1), ==, 0);
		change_set_slice(1000);
		g_assert_cmpuint(harness_stat("change", "slices") - slices, >=, cases[i].slices);
		g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, SERVERS);
		g_assert_cmpuint(harness_stat("change", "undone"), ==, 0);
	}
	peer_free(p);
	harness_stop();
}

/* Servers that the same change has removed, and some that an earlier one has, in the list of the service that is built. */
static void
test_holes(void)
{
	g_autofree struct dpvs_dest_conf *dests = g_new(struct dpvs_dest_conf, SERVERS);
	struct peer *p, *q;

	start();
	p = peer_new();
	q = peer_new();
	setup(p);
	for (uint32_t i = 0; i < SERVERS; i++)
		dests[i] = dest(i);
	change_set_slice(0);
	/* All but the last 100, in two requests under way at the same time; then the first 100 come back. */
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_DEST_DEL, dests, sizeof(dests[0]), SERVERS / 2);
	ask(q, DPVS_SOCKOPT_SET, DPVS_SET_DEST_DEL, dests + SERVERS / 2, sizeof(dests[0]), SERVERS / 2 - 100);
	while (!turn(p))
		;
	g_assert_cmpint(p->a.err, ==, 0);
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), 100);
	g_assert_cmpint(peer_answer(q), ==, 0);
	g_assert_cmpint(peer_answer(p), ==, 0);
	change_set_slice(1000);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, 200);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* Asks questions that all workers answer. Returns how many were answered before @p had its answer. */
static unsigned int
asked_meanwhile(struct peer *p, struct peer *q)
{
	unsigned int served = 0;

	ask(q, DPVS_SOCKOPT_GET, DPVS_GET_STATS_SNAPSHOT, NULL, 0, 0);
	while (!turn(p)) {
		if (!peer_poll(q))
			continue;
		g_assert_cmpint(q->a.err, ==, 0);
		served++;
		ask(q, DPVS_SOCKOPT_GET, DPVS_GET_STATS_SNAPSHOT, NULL, 0, 0);
	}
	/* It may have come in the same turn as the other one; what came later does not count. */
	if (peer_poll(q))
		served++;
	else
		peer_answer(q);
	return served;
}

/* The counters of one service with thousands of servers begin at zero; who asks for others' counters need not wait. */
static void
test_zero(void)
{
	struct dpvs_service_key svc[2] = { key(), key() };
	struct peer *p, *q;

	start();
	p = peer_new();
	q = peer_new();
	setup(p);
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_SERVICE_ZERO, svc, sizeof(svc[0]), 2);
	g_assert_cmpuint(asked_meanwhile(p, q), >=, 1);
	g_assert_cmpint(p->a.err, ==, 0);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* Meanwhile servers go, in the order in which they are asked for, and come back. */
static void
test_zero_moves(void)
{
	struct dpvs_service_key svc = key();
	struct dpvs_dest_conf dests[200];
	struct peer *p, *q;

	start();
	p = peer_new();
	q = peer_new();
	setup(p);
	for (unsigned int round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < G_N_ELEMENTS(dests); i++)
			dests[i] = dest(round * G_N_ELEMENTS(dests) + i);
		ask(p, DPVS_SOCKOPT_SET, DPVS_SET_SERVICE_ZERO, &svc, sizeof(svc), 1);
		g_main_context_iteration(NULL, FALSE);
		g_assert_cmpint(peer_set(q, DPVS_SET_DEST_DEL, dests, sizeof(dests[0]), G_N_ELEMENTS(dests)), ==, 0);
		if (round % 2 == 0)
			g_assert_cmpint(peer_set(q, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), G_N_ELEMENTS(dests)),
					==, 0);
		g_assert_cmpint(peer_answer(p), ==, 0);
	}
	/* The service goes. */
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_SERVICE_ZERO, &svc, sizeof(svc), 1);
	g_main_context_iteration(NULL, FALSE);
	g_assert_cmpint(peer_set(q, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0), ==, 0);
	g_assert_cmpint(peer_answer(p), ==, 0);
	/* So does the client. */
	setup(q);
	ask(p, DPVS_SOCKOPT_SET, DPVS_SET_SERVICE_ZERO, &svc, sizeof(svc), 1);
	g_main_context_iteration(NULL, FALSE);
	peer_free(p);
	g_assert_cmpint(peer_set(q, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0), ==, 0);
	peer_free(q);
	harness_stop();
}

/* Many local addresses: what each worker has of them is told in parts, each address once. */
static void
test_pools(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	g_autofree struct dpvs_laddr_conf *laddrs = g_new(struct dpvs_laddr_conf, LADDRS);
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	struct dpvs_laddr_pool_info info;
	struct dpvs_reply *reply;
	struct peer *p, *q;

	start();
	p = peer_new();
	q = peer_new();
	g_assert_cmpint(peer_set(p, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	for (uint32_t i = 0; i < LADDRS; i++) {
		laddrs[i] = rec_laddr(&svc.key, "198.18.0.0", "dpdk0");
		laddrs[i].addr = address(i);
	}
	g_assert_cmpint(peer_set(p, DPVS_SET_LADDR_ADD, laddrs, sizeof(laddrs[0]), LADDRS), ==, 0);
	ask(p, DPVS_SOCKOPT_GET, DPVS_GET_LADDR_POOLS, NULL, 0, 0);
	g_assert_cmpuint(asked_meanwhile(p, q), >=, 1);
	g_assert_cmpint(p->a.err, ==, 0);
	g_assert_cmpuint(p->a.count, ==, LADDRS * WORKERS);
	g_assert_cmpint(harness_get(DPVS_GET_LADDR_POOLS, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++) {
		uint32_t ip;

		memcpy(&ip, info.addr.bytes, sizeof(ip));
		ip = ntohl(ip) - 0xc6120001;
		g_assert_cmpuint(ip, <, LADDRS);
		g_assert_true(g_hash_table_add(seen, GUINT_TO_POINTER(ip * RTE_MAX_LCORE + info.lcore)));
	}
	g_assert_cmpuint(g_hash_table_size(seen), ==, LADDRS * WORKERS);
	dpvs_reply_free(reply);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* ---- addresses and routes ---- */

static struct dpvs_addr_conf
port_addr(const char *ip, uint8_t plen, const char *dev)
{
	struct dpvs_addr_conf conf = { .plen = plen, .addr.family = AF_INET };

	g_assert_cmpint(inet_pton(AF_INET, ip, conf.addr.bytes), ==, 1);
	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return conf;
}

/* How many static routes have @src (NULL: none) as their source; @total: how many there are. */
static uint32_t
routes_from(const char *src, uint32_t *total)
{
	struct dpvs_route_conf conf;
	struct dpvs_reply *reply;
	uint8_t bytes[16] = { 0 };
	uint32_t count = 0;

	*total = 0;
	if (src != NULL)
		g_assert_cmpint(inet_pton(AF_INET, src, bytes), ==, 1);
	g_assert_cmpint(harness_get(DPVS_GET_ROUTES, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &conf, sizeof(conf)) == 0; i++) {
		if (conf.proto != DPVS_ROUTE_PROTO_STATIC)
			continue;
		++*total;
		count += memcmp(conf.src.bytes, bytes, sizeof(bytes)) == 0;
	}
	dpvs_reply_free(reply);
	return count;
}

/* One change of an address of a port with many routes: as many slices, others are served, the outcome is @want's. */
static void
one_address(struct peer *p, struct peer *q, uint32_t id, struct dpvs_addr_conf conf, const char *want, uint32_t left)
{
	uint64_t slices = harness_stat("change", "slices");
	unsigned int served = 0;
	uint32_t total;

	change_set_slice(0);
	ask(p, DPVS_SOCKOPT_SET, id, &conf, sizeof(conf), 1);
	ask(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, NULL, 0, 0);
	while (!turn(p)) {
		if (peer_poll(q)) {
			served++;
			ask(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, NULL, 0, 0);
		}
	}
	peer_answer(q);
	change_set_slice(1000);
	g_assert_cmpint(p->a.err, ==, 0);
	g_assert_cmpuint(harness_stat("change", "slices") - slices, >=, RECORDS);
	g_assert_cmpuint(served, >=, RECORDS / 2);
	g_assert_cmpuint(routes_from(want, &total), ==, left);
	g_assert_cmpuint(total, ==, left);
}

/* What was freed is no work that waits for somebody: glibc does not keep small blocks for joining them all at once. */
static void
no_free_blocks_apart(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
	void *blocks[RECORDS];

	harness_settle();
	for (unsigned int i = 0; i < G_N_ELEMENTS(blocks); i++)
		blocks[i] = g_malloc(48);
	for (unsigned int i = 0; i < G_N_ELEMENTS(blocks); i++)
		g_free(blocks[i]);
	g_assert_cmpuint(mallinfo2().fsmblks, ==, 0);
#endif
}

/* One address comes, changes, goes: what it does to hundreds of routes is not one step. */
static void
test_address(void)
{
	struct dpvs_addr_conf first = port_addr("192.0.2.1", 24, "dpdk0");
	struct dpvs_addr_conf second = port_addr("192.0.2.2", 24, "dpdk0");
	g_autofree struct dpvs_route_conf *routes = g_new0(struct dpvs_route_conf, RECORDS);
	struct dpvs_addr_conf both[2];
	struct peer *p, *q;
	uint32_t total;

	start();
	p = peer_new();
	q = peer_new();
	for (uint32_t i = 0; i < RECORDS; i++) {
		routes[i] = (struct dpvs_route_conf){ .dst = address(i << 8), .plen = 24 };
		routes[i].dst.bytes[3] = 0;
		g_strlcpy(routes[i].dev, "dpdk0", sizeof(routes[i].dev));
	}
	g_assert_cmpint(peer_set(p, DPVS_SET_ROUTE_ADD, routes, sizeof(routes[0]), RECORDS), ==, 0);
	g_assert_cmpuint(routes_from(NULL, &total), ==, RECORDS);

	one_address(p, q, DPVS_SET_ADDR_ADD, first, "192.0.2.1", RECORDS);
	one_address(p, q, DPVS_SET_ADDR_ADD, second, "192.0.2.1", RECORDS);
	first.plen = 32;
	one_address(p, q, DPVS_SET_ADDR_SET, first, "192.0.2.2", RECORDS);
	one_address(p, q, DPVS_SET_ADDR_DEL, second, "192.0.2.1", RECORDS);
	one_address(p, q, DPVS_SET_ADDR_ADD, second, "192.0.2.2", RECORDS);

	/* Refused at its second record, when the first one has moved all routes. */
	both[0] = second;
	both[1] = port_addr("192.0.2.3", 24, "dpdk0");
	g_assert_cmpint(peer_set(p, DPVS_SET_ADDR_DEL, both, sizeof(both[0]), 2), ==, -ENOENT);
	g_assert_cmpuint(p->a.index, ==, 1);
	g_assert_cmpuint(routes_from("192.0.2.2", &total), ==, RECORDS);
	g_assert_cmpuint(total, ==, RECORDS);

	/* No route has anything to do with the first; all go with the last one. */
	g_assert_cmpint(peer_set(p, DPVS_SET_ADDR_DEL, &first, sizeof(first), 1), ==, 0);
	one_address(p, q, DPVS_SET_ADDR_DEL, second, NULL, 0);
	no_free_blocks_apart();
	peer_free(q);
	peer_free(p);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/turns/records", test_records);
	g_test_add_func("/turns/one service", test_one_service);
	g_test_add_func("/turns/holes", test_holes);
	g_test_add_func("/turns/zero", test_zero);
	g_test_add_func("/turns/zero while servers come and go", test_zero_moves);
	g_test_add_func("/turns/pools", test_pools);
	g_test_add_func("/turns/address", test_address);
	rc = g_test_run();
	harness_fini();
	return rc;
}
