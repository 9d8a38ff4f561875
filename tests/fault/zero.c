/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that zero counters. They change no configuration and have no way back: workers are asked where their
 * counters are, and that is taken off from then on. So each is tried while one point after another fails, and what was
 * refused has zeroed nothing.
 */
#include <errno.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "attempt.h"
#include "check.h"
#include "client.h"
#include "fault_point.h"
#include "harness.h"
#include "lb/laddr.h"
#include "lb/laddr_priv.h"
#include "lb_records.h"
#include "parts.h"

/** struct zero: a request. */
struct zero {
	const char *name;
	uint32_t id;
	bool named;             /**< for the service */
	bool own;               /**< each lcore notes by itself where its counters are, and what it noted stays */
	void (*count)(void);    /**< makes it count something */
	uint64_t (*sum)(void);  /**< of what it zeroes */
};

static uint16_t next_port = 30000;

static struct dpvs_reply *
get(uint32_t id)
{
	struct dpvs_reply *reply = NULL;

	g_assert_cmpint(client_get(id, &reply), ==, 0);
	return reply;
}

static void
forward(void)
{
	for (unsigned int w = 0; w < WORKERS; w++)
		g_assert_cmpuint(check_connect(w, 2, next_port += 2), ==, 2);
	check_take_packets();
}

static uint64_t
packets_of_services(void)
{
	struct dpvs_reply *reply = get(DPVS_GET_SERVICES);
	struct dpvs_service_info info;
	uint64_t sum = 0;

	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++)
		sum += info.stats.in_pkts + info.stats.conns;
	dpvs_reply_free(reply);
	return sum;
}

/* As workers would, of the one address that there is; there is no traffic that takes 64,512 ports. */
static void
miss_ports(void)
{
	struct laddr_id id = { 0 };
	unsigned int found = 0;

	for (uint32_t i = 0; i < laddr_slots_used(); i++)
		found += laddr_at(i, &id);
	g_assert_cmpuint(found, ==, 1);
	g_assert_true(laddr_at(id.index, &id) && laddr_is(&id));
	laddr_lcores[0][id.index].port_misses += 3;
	laddr_lcores[WORKERS - 1][id.index].port_misses += 4;
}

static uint64_t
misses_of_laddrs(void)
{
	struct dpvs_reply *reply = get(DPVS_GET_LADDR_POOLS);
	struct dpvs_laddr_pool_info info;
	uint64_t sum = 0;

	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++)
		sum += info.port_misses;
	dpvs_reply_free(reply);
	return sum;
}

static uint64_t
packets_of_lcores(void)
{
	struct dpvs_reply *reply = get(DPVS_GET_LCORE_STATS);
	struct dpvs_lcore_info info;
	uint64_t sum = 0;

	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++)
		sum += info.rx_pkts;
	dpvs_reply_free(reply);
	return sum;
}

static uint64_t
new_connections(void)
{
	return harness_stat("conn", "new");
}

/* Main counts what it sends, workers what they receive. */
static uint64_t
commits(void)
{
	struct dpvs_reply *reply = get(DPVS_GET_MSG_TYPES);
	struct dpvs_msg_type_info info;
	uint64_t sum = 0;

	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++) {
		if (strcmp(info.name, "commit") == 0)
			sum += info.sent + info.received;
	}
	dpvs_reply_free(reply);
	return sum;
}

static void
commit(void)
{
	struct dpvs_timeouts timeouts = { .udp_s = 200 };

	timeouts.udp_s += commits() % 2; /* another one each time */
	check_must(DPVS_SET_TIMEOUTS, &timeouts, sizeof(timeouts));
	timeouts.udp_s = 300;
	check_must(DPVS_SET_TIMEOUTS, &timeouts, sizeof(timeouts));
	check_settle();
}

static const struct zero zeros[] = {
	{ "service-zero of all", DPVS_SET_SERVICE_ZERO, false, false, forward, packets_of_services },
	{ "service-zero of one", DPVS_SET_SERVICE_ZERO, true, false, forward, packets_of_services },
	{ "laddr-zero", DPVS_SET_LADDR_ZERO, false, false, miss_ports, misses_of_laddrs },
	{ "lcore-zero", DPVS_SET_LCORE_ZERO, false, false, forward, packets_of_lcores },
	{ "stats-zero", DPVS_SET_STATS_ZERO, false, true, forward, new_connections },
	{ "msg-zero", DPVS_SET_MSG_ZERO, false, true, commit, commits },
};

static void
sweep_zero(const struct zero *z)
{
	struct op op = { .id = z->id };
	unsigned int refused = 0;
	bool unknown, failed = true;
	uint64_t before, after;
	int rc = -1;

	if (z->named) {
		op.size = sizeof(op.key[0]);
		op.count = 1;
		op.key[0] = rec_key("192.0.2.100", 80, IPPROTO_TCP);
	}
	for (uint64_t n = 1; n < 2000 && failed; n++) {
		z->count();
		before = z->sum();
		g_assert_cmpuint(before, >, 0);
		fault_nth(n);
		rc = client_set(&op, &unknown);
		failed = fault_failed() > 0;
		fault_off();
		check_settle();
		after = z->sum();
		g_test_message("%s, point %" G_GUINT64_FORMAT "%s: %d; %" G_GUINT64_FORMAT " were %" G_GUINT64_FORMAT,
			       z->name, n, failed ? " failed" : "", rc, after, before);
		refused += rc != 0;
		if (rc == 0)
			g_assert_cmpuint(after, ==, 0);
		else if (!unknown)
			g_assert_cmpuint(after, ==, before);
	}
	g_assert_cmpint(rc, ==, 0);
	g_assert_false(failed);
	g_assert_cmpuint(refused, >, 0);
}

/*
 * A worker that does not look at its messages has not said where its counters are: nobody says it in its place, so the
 * request is refused, in time, and zeroes nothing, not even of the others; or all others, main too, have done it, the client is
 * told who has not, and that worker does it when it comes to it. A snapshot is refused.
 */
static void
hold_zero(const struct zero *z, unsigned int worker)
{
	struct op op = { .id = z->id };
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	uint64_t before;
	bool unknown;

	z->count();
	before = z->sum();
	fault_hold(worker, FAULT_HOLD_MSGS);
	g_assert_cmpint(client_set(&op, &unknown), ==, z->own ? -EINPROGRESS : -ETIMEDOUT);
	fault_hold(worker, FAULT_HOLD_NONE);
	check_settle();
	while (z->own && z->sum() != 0 && g_get_monotonic_time() < end)
		harness_pump(1);
	g_assert_cmpuint(z->sum(), ==, z->own ? 0 : before);
}

static void
hold_snapshots(unsigned int worker)
{
	static const uint32_t ids[] = { DPVS_GET_STATS_SNAPSHOT, DPVS_GET_LCORE_SNAPSHOT, DPVS_GET_LADDR_POOLS,
					DPVS_GET_NEIGH_REPLICAS };

	g_assert_cmpint(client_get_deadline(60), ==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		struct dpvs_reply *reply = NULL;

		fault_hold(worker, FAULT_HOLD_MSGS);
		g_assert_cmpint(client_get(ids[i], &reply), ==, -ETIMEDOUT);
		fault_hold(worker, FAULT_HOLD_NONE);
		dpvs_reply_free(reply);
	}
	client_hang_up();
	check_settle();
}

void
test_zero(void)
{
	struct dpvs_service_key key = rec_key("192.0.2.100", 80, IPPROTO_TCP);
	struct dpvs_laddr_conf la = rec_laddr(&key, "198.51.100.201", "dpdk1");

	check_service();
	check_must(DPVS_SET_LADDR_ADD, &la, sizeof(la));
	for (unsigned int i = 0; i < G_N_ELEMENTS(zeros); i++) {
		if (!zeros[i].named && zeros[i].id != DPVS_SET_MSG_ZERO)
			hold_zero(&zeros[i], i % WORKERS);
		sweep_zero(&zeros[i]);
	}
	for (unsigned int w = 0; w < WORKERS; w++)
		hold_snapshots(w);
}
