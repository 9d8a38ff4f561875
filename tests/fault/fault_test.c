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
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <rte_malloc.h>
#include <rte_tcp.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/txn.h>

#include "client.h"
#include "core/change_priv.h"
#include "core/lcore.h"
#include "fault_point.h"
#include "harness.h"
#include "lb_records.h"
#include "model.h"
#include "msg_priv.h"
#include "net.h"

#define WORKERS 3


/* What has room for the world of the model, and little more: what leaks is soon missed. */
static const char conf[] = "[control]\nset-deadline = 60\n"
			   "[service]\nmax-services = 12\nmax-dests = 64\nmh-table-size = 251\n"
			   "[laddr]\nmax = 6\n"
			   "[route]\nmax-routes = 64\n"
			   "[ifaddr]\nmax-addrs = 24\n"
			   "[neigh]\nmax-entries = 64\n";

/** struct attempt: what a client asks for. */
struct attempt {
	struct op ops[4];
	unsigned int count;
	bool txn;
	uint32_t mode;
};

static struct model model;
static GRand *rnd;
static uint64_t attempts, refused, committed, unconfirmed, lost;

static unsigned int
below(unsigned int n)
{
	return (unsigned int)g_rand_int_range(rnd, 0, (gint32)n);
}

/* ---- what holds after each request ---- */

static void
assert_listing(const struct model *m, const char *when)
{
	g_autofree char *want = model_text(m);
	g_autofree char *got = listing_text();

	if (strcmp(want, got) == 0)
		return;
	g_test_message("%s: wanted\n%s", when, want);
	g_test_message("got\n%s", got);
	g_assert_cmpstr(got, ==, want);
}

static void
assert_workers(const char *when)
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

/* Changes are over, and the messages that they took have been given back. */
static void
settle(void)
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

static void
take_packets(void)
{
	struct rte_mbuf *pkts[64];
	unsigned int n;

	for (uint16_t port = 0; port < PORTS; port++) {
		while ((n = harness_collect(port, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0)
			harness_free(pkts, n);
	}
}

/* ---- a request ---- */

static int
carry_out(const struct attempt *a, bool *ret_unknown)
{
	attempts++;
	if (a->txn)
		return client_txn(a->ops, a->count, a->mode, ret_unknown);
	return client_set(&a->ops[0], ret_unknown);
}

static int
expect(const struct attempt *a, struct model *next, bool *ret_unsure)
{
	int err = 0;

	*next = model;
	*ret_unsure = false;
	model_unname(next);
	for (unsigned int i = 0; i < a->count && err == 0; i++)
		err = model_apply(next, &a->ops[i], a->txn ? a->mode : 0, ret_unsure);
	if (err == 0 && a->txn && (a->mode & DPVS_TXN_SYNC) != 0)
		model_sync(next);
	model_unname(next);
	return err;
}

static char *
tell(const struct attempt *a, int rc)
{
	GString *s = g_string_new(a->txn ? "transaction" : "request");

	for (unsigned int i = 0; i < a->count; i++)
		g_string_append_printf(s, " %s(%u)", op_name(a->ops[i].id), a->ops[i].count);
	g_string_append_printf(s, " mode %u: %d", a->mode, rc);
	if (fault_last() != NULL)
		g_string_append_printf(s, ", the %u. point failed: %s at %s:%d", (unsigned int)fault_passed(),
				       fault_last()->name, fault_last()->file, fault_last()->line);
	return g_string_free(s, FALSE);
}

/* Carries out @a while points fail as was set; then all of what is promised. Returns whether it is in force. */
static bool
try(const struct attempt *a, bool workers)
{
	uint64_t generation = change_generation();
	g_autofree char *when = NULL;
	struct model next;
	bool unknown = false, unsure, in_force, moves;
	uint64_t faults;
	int expected, rc;

	expected = expect(a, &next, &unsure);
	rc = carry_out(a, &unknown);
	faults = fault_failed();
	when = tell(a, rc);
	fault_off();
	moves = change_generation() != generation;

	in_force = rc == 0 || rc == -EINPROGRESS;
	if (unknown) {
		g_autofree char *with = model_text(&next);
		g_autofree char *got = listing_text();

		lost++;
		in_force = expected == 0 && strcmp(with, got) == 0;
	} else if (in_force) {
		if (expected != 0)
			g_test_message("%s: should have been refused", when);
		g_assert_cmpint(expected, ==, 0);
	} else if (faults == 0 && !unsure && rc != -ETIMEDOUT && (a->mode & DPVS_TXN_CHECK_GENERATION) == 0) {
		if (expected == 0)
			g_test_message("%s (%s): should have been done", when, client_error());
		g_assert_cmpint(expected, <, 0);
	}
	committed += in_force;
	unconfirmed += rc == -EINPROGRESS;
	refused += !in_force;
	/* What the daemon does by itself does not move the generation, nor does what is refused. */
	if (!in_force && moves)
		g_test_message("%s: the generation moved", when);
	g_assert_false(!in_force && moves);
	if (in_force)
		model = next;
	assert_listing(&model, when);
	if (workers) {
		settle();
		assert_workers(when);
	}
	return in_force;
}

static void
random_attempt(struct attempt *a, unsigned int txns)
{
	static const uint32_t modes[] = { 0, DPVS_TXN_UNCHANGED, DPVS_TXN_REPLACE, DPVS_TXN_SYNC,
					  DPVS_TXN_CHECK_GENERATION };

	memset(a, 0, sizeof(*a));
	a->txn = below(100) < txns;
	a->count = a->txn ? 1 + below(4) : 1;
	a->mode = a->txn ? modes[below(G_N_ELEMENTS(modes))] : 0;
	for (unsigned int i = 0; i < a->count; i++)
		op_random(rnd, &a->ops[i]);
}

/* ---- single faults, everywhere ---- */

/* What is leaked in so many requests is at least one block of 16 bytes each. */
#define REPEATS 30

/* Returns -1: it was not refused this time, because there were fewer points. */
static int64_t
heap_after(const struct attempt *a, uint64_t n, unsigned int times)
{
	bool unknown = false, unsure;
	struct model next;
	int rc;

	for (unsigned int i = 0; i < times; i++) {
		expect(a, &next, &unsure);
		fault_nth(n);
		rc = carry_out(a, &unknown);
		fault_off();
		if (rc == 0 || rc == -EINPROGRESS) {
			model = next;
			return -1;
		}
		g_assert_false(unknown);
	}
	settle();
	return (int64_t)mallinfo2().uordblks;
}

/*
 * The same failure, again and again: the heap does not grow, but when something else came in between, which it does
 * not each time. Returns false: @a is in force now.
 */
static bool
repeat(const struct attempt *a, uint64_t n, const char *when)
{
	int64_t before = heap_after(a, n, 10), after = -1;
	unsigned int i;

	for (i = 0; i < 3 && before >= 0; i++) {
		after = heap_after(a, n, REPEATS);
		if (after < before + REPEATS * 16)
			break;
		g_test_message("%s: %u times are %" G_GINT64_FORMAT " bytes", when, REPEATS, after - before);
		before = after;
	}
	g_assert_cmpuint(i, <, 3);
	return after >= 0;
}

/* @a fails at each point that it passes, one after another, until it passes them all. @leaks: look for them. */
static void
sweep(const struct attempt *a, bool leaks)
{
	for (uint64_t n = 1; n < 2000; n++) {
		uint64_t before = committed;
		bool failed;

		fault_nth(n);
		try(a, true);
		failed = fault_failed() > 0;
		if (committed != before || !failed)
			return;
		if (leaks) {
			g_autofree char *when = tell(a, 0);

			if (!repeat(a, n, when))
				return;
		}
	}
	g_assert_not_reached();
}

static void
test_single(void)
{
	static const uint32_t ids[] = {
		DPVS_SET_SERVICE_FLUSH, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT, DPVS_SET_SERVICE_DEL,
		DPVS_SET_DEST_ADD,	DPVS_SET_DEST_EDIT,   DPVS_SET_DEST_DEL,     DPVS_SET_LADDR_ADD,
		DPVS_SET_LADDR_DEL,	DPVS_SET_LADDR_FLUSH, DPVS_SET_ADDR_ADD,     DPVS_SET_ADDR_DEL,
		DPVS_SET_ADDR_SET,	DPVS_SET_ROUTE_ADD,   DPVS_SET_ROUTE_DEL,    DPVS_SET_ROUTE_SET,
		DPVS_SET_ROUTE_FLUSH,	DPVS_SET_ROUTE6,      DPVS_SET_ROUTE6_FLUSH, DPVS_SET_NEIGH_ADD,
		DPVS_SET_NEIGH_DEL,	DPVS_SET_NEIGH_FLUSH, DPVS_SET_NETIF_PORT,   DPVS_SET_TIMEOUTS,
	};
	unsigned int kinds = 0, done = 0;
	GHashTable *swept = g_hash_table_new(NULL, NULL);
	struct attempt a;
	struct model next;
	bool unsure;

	/* Until each kind of request was in force three times, with each single fault before that. */
	for (unsigned int i = 0; i < 20000 && done < G_N_ELEMENTS(ids); i++) {
		gpointer id;

		change_set_slice(below(2) ? 1000 : 0);
		random_attempt(&a, 0);
		id = GUINT_TO_POINTER(a.ops[0].id);
		kinds = GPOINTER_TO_UINT(g_hash_table_lookup(swept, id));
		if (expect(&a, &next, &unsure) != 0)
			continue;
		if (kinds >= 3) {
			/* Others may need what it does. */
			fault_off();
			try(&a, false);
			continue;
		}
		sweep(&a, kinds == 0);
		g_hash_table_insert(swept, id, GUINT_TO_POINTER(kinds + 1));
		done += kinds + 1 == 3;
		take_packets();
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		kinds = GPOINTER_TO_UINT(g_hash_table_lookup(swept, GUINT_TO_POINTER(ids[i])));
		if (kinds < 3)
			g_test_message("%s: %u", op_name(ids[i]), kinds);
		g_assert_cmpuint(kinds, >=, 3);
	}
	g_hash_table_unref(swept);
	for (unsigned int i = 0; i < 12; i++) {
		do {
			random_attempt(&a, 100);
		} while (expect(&a, &next, &unsure) != 0);
		sweep(&a, i % 3 == 0);
		take_packets();
	}
	change_set_slice(1000);
	g_test_message("%" G_GUINT64_FORMAT " requests, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT " lost",
		       attempts, refused, lost);
}

/* ---- rounds: random faults, then everything away ---- */

/** struct held: what must be the same at the end of each round. */
struct held {
	uint64_t msgs;
	uint64_t mbufs;
	uint64_t rte_bytes;
	uint64_t heap;
};

static void
must(uint32_t id, const void *record, uint32_t size)
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

/* Away with all that the model has but what it began with, and wait until the daemon has forgotten it. */
static void
clean_up(void)
{
	struct dpvs_timeouts timeouts = { .tcp_s = 900, .tcp_fin_s = 120, .udp_s = 300 };
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	struct dpvs_addr_conf none = { 0 };
	struct op base[8];

	must(DPVS_SET_SERVICE_FLUSH, NULL, 0);
	must(DPVS_SET_ROUTE_FLUSH, NULL, sizeof(struct dpvs_route_conf));
	must(DPVS_SET_ROUTE6_FLUSH, NULL, sizeof(struct dpvs_route_conf));
	must(DPVS_SET_ADDR_FLUSH, &none, sizeof(none));
	must(DPVS_SET_TIMEOUTS, &timeouts, sizeof(timeouts));
	for (unsigned int n = 0; n < NEIGHS; n++) {
		struct op op = { 0 };

		if (model.neigh[n] == 0)
			continue;
		do {
			op_random(rnd, &op);
		} while (op.id != DPVS_SET_NEIGH_DEL || op.count != 1 || op.what[0] != n);
		must(op.id, op.neigh, op.size);
	}
	for (unsigned int p = 0; p < PORTS; p++) {
		struct dpvs_port_conf port = { .set = 7, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, (uint8_t)p }, .up = 1 };

		g_snprintf(port.name, sizeof(port.name), "dpdk%u", p);
		must(DPVS_SET_NETIF_PORT, &port, sizeof(port));
	}
	for (unsigned int i = 0, n = model_base(base); i < n; i++)
		must(base[i].id, base[i].addr, base[i].size);
	model_init(&model);
	assert_listing(&model, "after everything was taken away");
	while ((entries_of("laddr", "addresses") > 0 || entries_of("service", "nat-servers") > 0) &&
	       g_get_monotonic_time() < end)
		harness_pump(10);
	g_assert_cmpuint(entries_of("laddr", "addresses"), ==, 0);
	g_assert_cmpuint(entries_of("service", "nat-servers"), ==, 0);
	g_assert_cmpuint(entries_of("service", "services"), ==, 0);
	g_assert_cmpuint(entries_of("service", "servers"), ==, 0);
	settle();
	assert_workers("after everything was taken away");
}

static void
measure(struct held *ret)
{
	struct rte_malloc_socket_stats stats;
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	struct dpvs_msg_pool_info pool;

	/* Announcements wait for their turn, and a watchdog's question may be under way. */
	do {
		take_packets();
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

static void
hold_and_try(void)
{
	unsigned int worker = below(WORKERS), n = 1 + below(2);
	unsigned int how = below(2) ? FAULT_HOLD_MSGS : FAULT_HOLD_LOOP;
	struct attempt a;

	fault_hold(worker, how);
	for (unsigned int i = 0; i < n; i++) {
		random_attempt(&a, 30);
		fault_off();
		try(&a, false);
	}
	fault_hold(worker, FAULT_HOLD_NONE);
	settle();
	assert_listing(&model, "when the worker goes on");
	assert_workers("when the worker goes on");
}

/* One client goes away in the middle of a transaction: nothing of it is ever seen. */
static void
leave_and_look(void)
{
	struct attempt a;

	random_attempt(&a, 100);
	client_leave(a.ops, a.count);
	harness_pump(1);
	assert_listing(&model, "after a client left its transaction");
}

static void
round_of(unsigned int steps)
{
	static const uint32_t rates[] = { 0, 0, 3000, 10000, 30000, 100000 };
	struct attempt a;

	for (unsigned int i = 0; i < steps; i++) {
		unsigned int kind = below(100);

		change_set_slice(below(2) ? 1000 : 0);
		fault_workers(g_rand_int(rnd), below(2) ? 200000 : 0);
		if (kind < 2) {
			hold_and_try();
		} else if (kind < 5) {
			leave_and_look();
		} else {
			random_attempt(&a, 30);
			fault_random(g_rand_int(rnd), rates[below(G_N_ELEMENTS(rates))]);
			try(&a, true);
		}
		if (i % 50 == 0)
			take_packets();
	}
	fault_workers(0, 0);
	change_set_slice(1000);
}

static void
test_random(void)
{
	const char *env = getenv("FAULT_RUNS");
	unsigned int runs = env != NULL ? (unsigned int)strtoul(env, NULL, 0) : 5000;
	unsigned int rounds = MAX(runs / 250, 4u);
	struct held first = { 0 }, now = { 0 };

	for (unsigned int r = 0; r < rounds; r++) {
		round_of(runs / rounds);
		clean_up();
		measure(&now);
		g_assert_cmpuint(now.msgs, ==, 0);
		g_assert_cmpuint(now.mbufs, ==, 0);
		/* After two rounds whatever is kept for later has been made. */
		if (r == 1)
			first = now;
		if (r < 2)
			continue;
		g_assert_cmpuint(now.rte_bytes, ==, first.rte_bytes);
		g_assert_cmpuint(now.heap, <, first.heap + 96 * 1024);
	}
	g_test_message("%" G_GUINT64_FORMAT " requests: %" G_GUINT64_FORMAT " in force, %" G_GUINT64_FORMAT
		       " of them unconfirmed at first, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT
		       " with a lost answer; heap %" G_GINT64_FORMAT " bytes in %u rounds",
		       attempts, committed, unconfirmed, refused, lost, (gint64)(now.heap - first.heap), rounds - 2);
	g_assert_cmpuint(committed, >, attempts / 10);
	g_assert_cmpuint(unconfirmed, >, 0);
}

/* ---- questions ---- */

/* Each question while one point fails: an answer, or a refusal; and then it is answered. */
static void
test_questions(void)
{
	static const uint32_t ids[] = {
		DPVS_GET_LB_INFO,   DPVS_GET_SERVICES,	DPVS_GET_DESTS,	 DPVS_GET_LADDRS,	 DPVS_GET_ROUTES,
		DPVS_GET_ADDRS,	    DPVS_GET_NEIGHS,	DPVS_GET_CONNS,	 DPVS_GET_ROUTES6,	 DPVS_GET_LCORE_STATS,
		DPVS_GET_PORT_LIST, DPVS_GET_MSG_TYPES, DPVS_GET_MEM,	 DPVS_GET_STATS,	 DPVS_GET_VERIFY,
		DPVS_GET_GRAPH,	    DPVS_GET_PING,	DPVS_GET_VERIFY_TABLES,
	};
	struct dpvs_reply *reply;
	uint64_t answered = 0, refusals = 0;
	bool failed;
	int rc;

	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		for (uint64_t n = 1; n < 2000; n++) {
			fault_nth(n);
			rc = client_get(ids[i], &reply);
			failed = fault_failed() > 0;
			fault_off();
			dpvs_reply_free(reply);
			answered += rc == 0;
			refusals += rc != 0;
			if (!failed)
				break;
		}
		g_assert_cmpint(rc, ==, 0);
	}
	g_test_message("%" G_GUINT64_FORMAT " answers, %" G_GUINT64_FORMAT " refusals", answered, refusals);
	g_assert_cmpuint(refusals, >, 0);
	assert_listing(&model, "after questions");
	settle();
	assert_workers("after questions");
}

static uint64_t
times_failed(const char *name)
{
	struct fault_site sites[FAULT_SITES];
	unsigned int n = fault_sites(sites);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += strcmp(sites[i].name, name) == 0 ? sites[i].failed : 0;
	return sum;
}

/* What the daemon does by itself, at its own times: announcements, questions to workers. */
static void
test_by_itself(void)
{
	gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	struct attempt add = { .count = 1, .ops[0] = { .id = DPVS_SET_ADDR_ADD, .size = sizeof(struct dpvs_addr_conf),
						       .count = 1 } };
	struct attempt del;

	add.ops[0].addr[0] = (struct dpvs_addr_conf){ .addr = rec_addr("203.0.113.1"), .plen = 24, .dev = "dpdk0" };
	del = add;
	del.ops[0].id = DPVS_SET_ADDR_DEL;
	clean_up();
	while ((times_failed("mbuf") == 0 || times_failed("msg.ring") == 0) && g_get_monotonic_time() < end) {
		fault_off();
		g_assert_true(try(&add, true));
		fault_random(g_rand_int(rnd), 500000);
		harness_pump(50);
		fault_off();
		g_assert_true(try(&del, true));
	}
	take_packets();
}

/* ---- a worker that has not confirmed ---- */

/* Sends @count connection attempts to the service by worker @worker. Returns how many reached the server. */
static unsigned int
connect_by(unsigned int worker, unsigned int count, uint16_t first_port)
{
	struct rte_mbuf *pkts[64];
	struct frame f;
	unsigned int n;

	g_assert_cmpuint(count, <=, G_N_ELEMENTS(pkts));
	for (unsigned int i = 0; i < count; i++) {
		frame_tcp(&f, "192.0.2.77", "192.0.2.100", (uint16_t)(first_port + i), 80, RTE_TCP_SYN_FLAG, 1, 0, 0);
		harness_inject(0, worker, harness_frame(f.b, f.len));
	}
	n = harness_collect(1, pkts, G_N_ELEMENTS(pkts), count, 20000);
	harness_free(pkts, n);
	return n;
}

/*
 * A worker forwards, but does not look at its messages, while the service it forwards for is changed, again and
 * again: it goes on by what it has, so nothing of that may be gone. Memory that is freed is overwritten here.
 */
static void
test_unconfirmed(void)
{
	struct dpvs_neigh_conf neigh = { .addr = rec_addr("198.51.100.11"), .mac = { 2, 0, 0, 0, 9, 1 }, .dev = "dpdk1" };
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_dest_conf dest = rec_dest(&svc.key, "198.51.100.11", 8002, DPVS_FWD_NAT, 1);
	struct op op = { .id = DPVS_SET_SERVICE_EDIT, .size = sizeof(svc), .count = 1 };
	uint16_t port = 1000;
	bool unknown;
	int rc;

	clean_up();
	must(DPVS_SET_NEIGH_ADD, &neigh, sizeof(neigh));
	must(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc));
	must(DPVS_SET_DEST_ADD, &dest, sizeof(dest));
	settle();
	harness_pump(100);
	take_packets();
	g_assert_cmpuint(connect_by(0, 12, port), ==, 12);
	for (unsigned int w = 0; w < WORKERS; w++) {
		fault_hold(w, FAULT_HOLD_MSGS);
		for (unsigned int i = 0; i < 4; i++) {
			op.service[0] = rec_service("192.0.2.100", 80, IPPROTO_TCP, i % 2 ? "wrr" : "mh");
			op.service[0].set |= DPVS_SERVICE_SET_CONN_TIMEOUT;
			op.service[0].conn_timeout_s = 10 + i + w * 10;
			rc = client_set(&op, &unknown);
			g_assert_cmpint(rc, ==, -EINPROGRESS);
			harness_pump(2); /* the notes of it, if they ran now */
			g_assert_cmpuint(connect_by(w, 12, port += 12), ==, 12);
		}
		fault_hold(w, FAULT_HOLD_NONE);
		settle();
		assert_workers("when the worker has confirmed");
		g_assert_cmpuint(connect_by(w, 12, port += 12), ==, 12);
	}
}

/* Each kind of point was there, and failed. */
static void
test_covered(void)
{
	static const char *const names[] = { "calloc",	"malloc",     "aligned_alloc", "g_try_malloc", "g_try_malloc0",
					     "change.op", "change.reserve", "change.msg",    "change.slice", "msg.pool",
					     "msg.commit", "msg.multicast", "msg.ring", "mbuf", "txn.begin" };
	struct fault_site sites[FAULT_SITES];
	unsigned int n = fault_sites(sites), failed = 0;

	for (unsigned int i = 0; i < n; i++)
		failed += sites[i].failed > 0;
	g_test_message("%u points in the sources were passed, %u of them failed", n, failed);
	for (unsigned int k = 0; k < G_N_ELEMENTS(names); k++) {
		if (times_failed(names[k]) == 0)
			g_test_message("no %s has failed", names[k]);
		g_assert_cmpuint(times_failed(names[k]), >, 0);
	}
	g_assert_cmpuint(failed * 10, >=, n * 9);
}

static void
set_up(void)
{
	struct op base[8];

	harness_start(PORTS, conf);
	fault_off();
	client_start();
	for (unsigned int i = 0, n = model_base(base); i < n; i++)
		must(base[i].id, base[i].addr, base[i].size);
	model_init(&model);
	assert_listing(&model, "at the beginning");
}

int
main(int argc, char **argv)
{
	const char *env = getenv("FAULT_SEED");
	uint32_t seed = env != NULL ? (uint32_t)strtoul(env, NULL, 0) : 1;
	int rc;

	g_test_init(&argc, &argv, NULL);
	g_test_message("FAULT_SEED=%u", seed);
	mallopt(M_PERTURB, 0x6b);
	rnd = g_rand_new_with_seed(seed);
	harness_init(WORKERS);
	set_up();
	g_test_add_func("/fault/single", test_single);
	g_test_add_func("/fault/questions", test_questions);
	g_test_add_func("/fault/by-itself", test_by_itself);
	g_test_add_func("/fault/random", test_random);
	g_test_add_func("/fault/unconfirmed", test_unconfirmed);
	g_test_add_func("/fault/covered", test_covered);
	rc = g_test_run();
	fault_off();
	client_stop();
	harness_stop();
	harness_fini();
	g_rand_free(rnd);
	return rc;
}
