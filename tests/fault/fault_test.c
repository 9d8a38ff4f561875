/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon under faults. Requests of every family, alone and in transactions, are carried out while
 * allocations fail, the pool of messages is empty, rings and commit slots are full, workers are slow or
 * stand still: one fault at each point that a request passes, then several at random. After each request
 *   - what the daemon lists is what the model has: all of the request if the client was told so, else nothing;
 *   - all workers have what the truth says (GET 8206);
 * and at the end of each round, when all is taken away again, nothing is left: messages, commit slots, packet
 * buffers, memory, slots of services, servers, local addresses, routes, neighbours.
 *
 * FAULT_SEED=N begins elsewhere, FAULT_RUNS=N goes on for N random requests; both are told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <rte_tcp.h>

#include "attempt.h"
#include "check.h"
#include "client.h"
#include "fault_point.h"
#include "harness.h"
#include "lb_records.h"
#include "model.h"
#include "net.h"
#include "overwrite.h"
#include "parts.h"

/* What has room for the world of the model, and little more: what leaks is soon missed. */
static const char conf[] = "[control]\nset-deadline = 60\n"
			   "[service]\nmax-services = 16\nmax-dests = 64\nmh-table-size = 251\n"
			   "[laddr]\nmax = 8\n"
			   "[route]\nmax-routes = 64\n"
			   "[ifaddr]\nmax-addrs = 24\n"
			   "[neigh]\nmax-entries = 64\n";

/* What the daemon does by itself, at its own times: announcements, questions to workers. */
static void
test_by_itself(void)
{
	gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	struct attempt add = { .count = 1, .ops[0] = { .id = DPVS_SET_ADDR_ADD, .size = sizeof(struct dpvs_addr_conf),
						       .count = 2 } };
	struct attempt del;

	/* Of both families: world_addrs[0] and [4]. */
	add.ops[0].addr[0] = (struct dpvs_addr_conf){ .addr = rec_addr("203.0.113.1"), .plen = 24, .dev = "dpdk0" };
	add.ops[0].addr[1] = (struct dpvs_addr_conf){ .addr = rec_addr("2001:db8:f::1"), .plen = 64, .dev = "dpdk0" };
	add.ops[0].what[1] = 4;
	del = add;
	del.ops[0].id = DPVS_SET_ADDR_DEL;
	check_clean_up(attempt_model(), attempt_rand());
	while ((check_times_failed("src/net/arp.c") == 0 || check_times_failed("src/net/ndisc.c") == 0 ||
		check_times_failed("msg.ring") == 0) && g_get_monotonic_time() < end) {
		fault_off();
		g_assert_true(attempt_try(&add, true));
		fault_random(g_rand_int(attempt_rand()), 500000);
		harness_pump(50);
		fault_off();
		g_assert_true(attempt_try(&del, true));
	}
	check_take_packets();
}

/* ---- a worker that has not confirmed ---- */

/*
 * A worker forwards, but does not look at its messages, while the service it forwards for is changed, again and
 * again: it goes on by what it has, so nothing of that may be gone. Memory that is freed is overwritten here.
 */
static void
test_unconfirmed(void)
{
	struct op op = { .id = DPVS_SET_SERVICE_EDIT, .size = sizeof(struct dpvs_service_conf), .count = 1 };
	uint16_t port = 1000;
	bool unknown;
	int rc;

	check_service();
	g_assert_cmpuint(check_connect(0, 12, port), ==, 12);
	for (unsigned int w = 0; w < WORKERS; w++) {
		fault_hold(w, FAULT_HOLD_MSGS);
		for (unsigned int i = 0; i < 4; i++) {
			op.service[0] = rec_service("192.0.2.100", 80, IPPROTO_TCP, i % 2 ? "wrr" : "mh");
			op.service[0].set |= DPVS_SERVICE_SET_CONN_TIMEOUT;
			op.service[0].conn_timeout_s = 10 + i + w * 10;
			rc = client_set(&op, &unknown);
			g_assert_cmpint(rc, ==, -EINPROGRESS);
			harness_pump(2); /* the notes of it, if they ran now */
			g_assert_cmpuint(check_connect(w, 12, port += 12), ==, 12);
		}
		fault_hold(w, FAULT_HOLD_NONE);
		check_settle();
		check_workers("when the worker has confirmed");
		g_assert_cmpuint(check_connect(w, 12, port += 12), ==, 12);
	}
}

/* Each kind of point was there, and failed. */
static void
test_covered(void)
{
	static const char *const names[] = { "calloc",	"malloc",     "aligned_alloc", "g_try_malloc", "g_try_malloc0",
					     "change.op", "change.then", "change.reserve", "change.msg",    "change.slice", "msg.pool",
					     "msg.commit", "msg.multicast", "msg.ring", "mbuf", "txn.begin" };
	struct fault_site sites[FAULT_SITES];
	unsigned int n = fault_sites(sites), failed = 0;

	for (unsigned int i = 0; i < n; i++) {
		failed += sites[i].failed > 0;
		if (sites[i].failed == 0)
			g_test_message("%s at %s:%d was passed %" G_GUINT64_FORMAT " times and never failed",
				       sites[i].name, sites[i].file, sites[i].line, sites[i].passed);
	}
	g_test_message("%u points in the sources were passed, %u of them failed", n, failed);
	for (unsigned int k = 0; k < G_N_ELEMENTS(names); k++) {
		if (check_times_failed(names[k]) == 0)
			g_test_message("no %s has failed", names[k]);
		g_assert_cmpuint(check_times_failed(names[k]), >, 0);
	}
	g_assert_cmpuint(failed, ==, n);
}

static void
set_up(void)
{
	struct op base[8];

	harness_start(PORTS, conf);
	fault_off();
	client_start();
	for (unsigned int i = 0, n = model_base(base); i < n; i++)
		check_must(base[i].id, base[i].addr, base[i].size);
	check_listing(attempt_model(), "at the beginning");
}

int
main(int argc, char **argv)
{
	const char *env = getenv("FAULT_SEED");
	uint32_t seed = env != NULL ? (uint32_t)strtoul(env, NULL, 0) : 1;
	int rc;

	overwrite_freed(argv);
	g_test_init(&argc, &argv, NULL);
	g_test_message("FAULT_SEED=%u", seed);
	attempt_begin(seed);
	harness_init(WORKERS);
	set_up();
	g_test_add_func("/fault/single", test_single);
	g_test_add_func("/fault/questions", test_questions);
	g_test_add_func("/fault/connections", test_connections);
	g_test_add_func("/fault/by-itself", test_by_itself);
	g_test_add_func("/fault/random", test_random);
	g_test_add_func("/fault/unconfirmed", test_unconfirmed);
	g_test_add_func("/fault/zero", test_zero);
	g_test_add_func("/fault/covered", test_covered);
	rc = g_test_run();
	fault_off();
	client_stop();
	harness_stop();
	harness_fini();
	attempt_end();
	return rc;
}
