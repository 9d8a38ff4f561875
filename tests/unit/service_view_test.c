/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What readers see of services while changes are prepared in slices, undone or confirmed: counters that do not
 * jump, lists that others change in between, large changes that show only as a whole. Random requests of
 * all kinds are in service_random_test.c.
 */
#include <errno.h>
#include <string.h>

#include <dpvsctrl/wire.h>
#include <glib.h>

#include "core/change.h"
#include "fake_core.h"
#include "lb/laddr.h"
#include "lb/truth.h"
#include "lb_records.h"
#include "module.h"

#define WORKERS 3
#define SERVERS 3

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };

static struct dpvs_service_conf svc;
static struct dpvs_dest_conf dests[SERVERS];

/* What readers should see now. */
static uint32_t want_dests;
static uint64_t want_conns[SERVERS]; /* of servers, in the order in which they are listed */
static uint64_t want_total;
static unsigned int turns;

static void
setup(void)
{
	fake_start(WORKERS, modules);
	svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	for (unsigned int i = 0; i < SERVERS; i++) {
		dests[i] = rec_dest(&svc.key, "198.51.100.10", 80, DPVS_FWD_NAT, 1);
		dests[i].addr.bytes[3] = (uint8_t)(11 + i);
	}
	turns = 0;
}

static void
teardown(void)
{
	fake_between(NULL);
	fake_mode(0);
	lb_get_slice = 8192;
	fake_stop();
}

static GArray *
get(uint32_t id)
{
	int err;
	GArray *a = fake_get(id, NULL, &err);

	g_assert_nonnull(a);
	return a;
}

static uint32_t
number(uint32_t id)
{
	g_autoptr(GArray) a = get(id);

	return a->len;
}

/* A reader has a turn. */
static void
look(void)
{
	g_autoptr(GArray) services = get(DPVS_GET_SERVICES);
	g_autoptr(GArray) listed = get(DPVS_GET_DESTS);

	turns++;
	g_assert_cmpuint(services->len, ==, 1);
	g_assert_cmpuint(g_array_index(services, struct dpvs_service_info, 0).num_dests, ==, want_dests);
	g_assert_cmpuint(g_array_index(services, struct dpvs_service_info, 0).stats.conns, ==, want_total);
	g_assert_cmpuint(listed->len, ==, want_dests);
	for (guint i = 0; i < listed->len; i++)
		g_assert_cmpuint(g_array_index(listed, struct dpvs_dest_info, i).stats.conns, ==, want_conns[i]);
}

/* Each worker applies all, operation by operation, and readers look after each. */
static void
deliver_and_look(void)
{
	for (unsigned int w = 0; w < WORKERS; w++) {
		while (fake_deliver(w))
			look();
	}
}

/* A service with three servers that have counted 10, 200 and 3000. */
static void
start_counted(void)
{
	setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &svc, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, dests, SERVERS), ==, 0);
	fake_sync();
	want_dests = SERVERS;
	want_total = 0;
	for (uint32_t i = 0, n = 10; i < SERVERS; i++, n *= i == 1 ? 20 : 15) {
		dest_lcores[i % WORKERS][i].conns += n;
		want_conns[i] = n;
		want_total += n;
	}
	look();
}

static void
test_removed(void)
{
	start_counted();
	fake_between(look);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, &dests[1], 1), ==, 0);
	g_assert_cmpuint(turns, >, 2);
	/* Committed: it is not there any more, what it counted is. */
	want_dests = 2;
	want_conns[1] = want_conns[2];
	look();
	deliver_and_look();
	/* Back again, at the end, from nothing. */
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &dests[1], 1), ==, 0);
	want_dests = 3;
	want_conns[2] = 0;
	look();
	deliver_and_look();
	/* Gone, and back before the workers have confirmed that. */
	g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, &dests[2], 1), ==, 0);
	want_dests = 2;
	want_conns[1] = 0;
	look();
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &dests[2], 1), ==, 0);
	want_dests = 3;
	look();
	deliver_and_look();
	teardown();
}

/* Removed and added by one change: in its place, and its counters begin anew when that is confirmed. */
static void
test_relisted(void)
{
	const struct fake_part parts[] = { { DPVS_SET_DEST_DEL, &dests[1], 1 }, { DPVS_SET_DEST_ADD, &dests[1], 1 } };
	uint64_t before;

	start_counted();
	fake_between(look);
	fake_fail_commits(1);
	g_assert_cmpint(fake_txn(parts, 2), ==, -ENOBUFS);
	look();
	g_assert_cmpint(fake_txn(parts, 2), ==, 0);
	look();
	before = want_conns[1];
	fake_between(NULL);
	fake_sync();
	want_conns[1] = 0;
	look();
	/* What the workers count from now on is its own. */
	dest_lcores[0][1].conns += 5;
	want_conns[1] += 5;
	want_total += 5;
	g_assert_cmpuint(before, ==, 200);
	look();
	teardown();
}

/* The service likewise, with all that it had. */
static void
test_service_relisted(void)
{
	const struct fake_part parts[] = {
		{ DPVS_SET_SERVICE_DEL, &svc, 1 },
		{ DPVS_SET_SERVICE_ADD, &svc, 1 },
		{ DPVS_SET_DEST_ADD, dests, 2 },
	};

	start_counted();
	fake_between(look);
	fake_fail_commits(1);
	g_assert_cmpint(fake_txn(parts, 3), ==, -ENOBUFS);
	look();
	g_assert_cmpint(fake_txn(parts, 2), ==, 0);
	fake_between(NULL);
	fake_sync();
	want_dests = 0;
	want_total = 0;
	look();
	g_assert_cmpint(fake_txn(parts, 3), ==, 0);
	fake_sync();
	want_dests = 2;
	want_conns[0] = 0;
	want_conns[1] = 0;
	look();
	teardown();
}

/* Refused at any operation, and undone in slices: nobody ever sees anything of it. */
static void
test_refused(void)
{
	const struct fake_part parts[] = {
		{ DPVS_SET_DEST_DEL, &dests[0], 1 },     { DPVS_SET_SERVICE_FLUSH, NULL, 0 },
		{ DPVS_SET_SERVICE_ADD, &svc, 1 },       { DPVS_SET_DEST_ADD, &dests[2], 1 },
		{ DPVS_SET_DEST_ADD, &dests[0], 1 },
	};
	unsigned int n = 0;
	int err;

	start_counted();
	fake_between(look);
	do {
		fake_fail_after(++n);
		err = fake_txn(parts, G_N_ELEMENTS(parts));
		fake_fail_after(0);
		g_assert_true(err == 0 || err == -ENOMEM);
		if (err != 0)
			look();
	} while (err != 0);
	g_assert_cmpuint(n, >, 2);
	fake_between(NULL);
	fake_sync();
	want_dests = 2;
	want_total = 0;
	want_conns[0] = 0;
	want_conns[1] = 0;
	look();
	teardown();
}

static void
confirm(void)
{
	fake_between(NULL);
	fake_sync();
}

/* A local address whose removal is confirmed while another change uses it, which is refused then: it goes. */
static void
test_laddr_refused(void)
{
	struct dpvs_laddr_conf la;
	struct dpvs_service_conf none;
	const struct fake_part parts[] = { { DPVS_SET_LADDR_ADD, &la, 1 }, { DPVS_SET_SERVICE_DEL, &none, 1 } };

	setup();
	la = rec_laddr(&svc.key, "198.51.100.200", "lan0");
	none = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &svc, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &la, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, la.addr.bytes), ==, IFADDR_HELD);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_DEL, &la, 1), ==, 0);
	fake_between(confirm);
	g_assert_cmpint(fake_txn(parts, 2), ==, -ESRCH);
	fake_job("laddr-reap");
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, la.addr.bytes), ==, IFADDR_NOT_HELD);
	/* Not confirmed in between: likewise. */
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &la, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_DEL, &la, 1), ==, 0);
	g_assert_cmpint(fake_txn(parts, 2), ==, -ESRCH);
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, la.addr.bytes), ==, IFADDR_LINGERS);
	fake_job("laddr-reap");
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, la.addr.bytes), ==, IFADDR_NOT_HELD);
	teardown();
}

/* A service with so many servers that its counters are summed up in slices, with others in between. */
static void
test_sum(void)
{
	const uint32_t n = 300;
	g_autofree struct dpvs_dest_conf *many = g_new0(struct dpvs_dest_conf, n);
	g_autoptr(GArray) a = NULL;
	struct dpvs_req *req;
	unsigned int slices = 1;
	uint64_t total = 0;
	uint32_t flags;
	int err;

	setup();
	for (uint32_t i = 0; i < n; i++)
		many[i] = rec_dest(&svc.key, "198.51.100.11", (uint16_t)(1000 + i), DPVS_FWD_NAT, 1);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &svc, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, many, n), ==, 0);
	fake_sync();
	for (uint32_t i = 0; i < n; i++) {
		dest_lcores[i % WORKERS][i].in_pkts = i;
		total += i;
	}
	lb_get_slice = 160; /* 20 servers */
	req = fake_get_begin(DPVS_GET_SERVICES, NULL);
	for (; fake_get_waits(req); slices++) {
		/* The first servers go while they are summed up, and are confirmed to be gone. */
		if (slices % 3 == 0 && slices < 16) {
			g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, &many[slices / 3], 1), ==, 0);
			fake_sync();
		}
		fake_get_more(req);
	}
	g_assert_cmpuint(slices, >, 15);
	a = fake_get_end(req, &err, &flags);
	g_assert_cmpuint(a->len, ==, 1);
	g_assert_cmpuint(g_array_index(a, struct dpvs_service_info, 0).stats.in_pkts, ==, total);
	g_assert_cmpuint(flags & DPVS_REPLY_CHANGED, ==, DPVS_REPLY_CHANGED);
	g_clear_pointer(&a, g_array_unref);

	/* They come and go all the time: it is summed up nevertheless. */
	slices = 0;
	req = fake_get_begin(DPVS_GET_SERVICES, NULL);
	for (; fake_get_waits(req); slices++) {
		g_assert_cmpint(fake_set(slices % 2 != 0 ? DPVS_SET_DEST_ADD : DPVS_SET_DEST_DEL, &many[n - 1], 1),
				==, 0);
		fake_sync();
		g_assert_cmpuint(slices, <, 100);
		fake_get_more(req);
	}
	a = fake_get_end(req, &err, &flags);
	g_assert_cmpuint(g_array_index(a, struct dpvs_service_info, 0).stats.in_pkts, ==, total);
	teardown();
}

/* A client that stops reading holds its place, not what was there; one that hangs up leaves nothing. */
static void
test_list_of_gone(void)
{
	struct dpvs_service_conf confs[10];
	g_autoptr(GArray) a = NULL;
	struct dpvs_req *req, *other;
	uint32_t flags;
	int err;

	fake_conf("service", "max-services", 10);
	setup();
	for (unsigned int i = 0; i < 10; i++)
		confs[i] = rec_service("192.0.2.100", (uint16_t)(1 + i), IPPROTO_TCP, "rr");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, confs, 10), ==, 0);
	fake_sync();
	lb_get_slice = 27; /* three services */
	req = fake_get_begin(DPVS_GET_SERVICES, NULL);
	other = fake_get_begin(DPVS_GET_SERVICES, NULL);
	fake_get_more(other);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	fake_sync();
	/* There is room for as many again. */
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &confs[2], 8), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, confs, 2), ==, 0);
	fake_sync();
	fake_get_cancel(other);
	a = fake_get_end(req, &err, &flags);
	g_assert_cmpint(err, ==, 0);
	g_assert_cmpuint(flags & DPVS_REPLY_CHANGED, ==, DPVS_REPLY_CHANGED);
	g_assert_cmpuint(a->len, ==, 3 + 10);
	g_assert_cmpuint(g_array_index(a, struct dpvs_service_info, 3).conf.key.port, ==, 3);
	g_assert_cmpuint(g_array_index(a, struct dpvs_service_info, 12).conf.key.port, ==, 2);
	/* The daemon ends while a client is in the middle. */
	req = fake_get_begin(DPVS_GET_SERVICES, NULL);
	g_assert_true(fake_get_waits(req));
	teardown();
	g_assert_false(fake_get_waits(req));
	g_assert_null(fake_get_end(req, &err, &flags));
	g_assert_cmpint(err, ==, -ESHUTDOWN);
}

static uint32_t want_services;
static uint32_t want_servers;

static void
count_all(void)
{
	if (turns++ % 64 != 0)
		return;
	g_assert_cmpuint(number(DPVS_GET_SERVICES), ==, want_services);
	g_assert_cmpuint(number(DPVS_GET_DESTS), ==, want_servers);
}

/* More than the workers' tables hold at first: they grow in slices, again when that was undone. */
static void
test_large(void)
{
	const uint32_t n = 1500;
	g_autofree struct dpvs_service_conf *services = g_new0(struct dpvs_service_conf, n);
	g_autofree struct dpvs_dest_conf *servers = g_new0(struct dpvs_dest_conf, n);
	const struct fake_part parts[] = { { DPVS_SET_SERVICE_ADD, services, n }, { DPVS_SET_DEST_ADD, servers, n } };
	uint32_t least;

	setup();
	for (uint32_t i = 0; i < n; i++) {
		services[i] = rec_service(i % 2 != 0 ? "2001:db8:1::" : "192.0.2.100", (uint16_t)(1 + i),
					  IPPROTO_TCP, "wlc");
		servers[i] = rec_dest(&services[i].key, i % 2 != 0 ? "2001:db8:2::" : "198.51.100.11",
				      (uint16_t)(1 + i), DPVS_FWD_NAT, 1);
	}
	want_services = 0;
	want_servers = 0;
	fake_between(count_all);
	fake_fail_commits(1);
	g_assert_cmpint(fake_txn(parts, 2), ==, -ENOBUFS);
	turns = 1;
	g_assert_cmpint(fake_txn(parts, 2), ==, 0);
	/*
	 * A turn after each record, service, 64 slots (those that are there, those that are gone). The tables of
	 * services and of servers, of each family, grow from 256 to 512 and 1,024 keys, twice as many slots,
	 * copied 256 at a time: two parts, then four.
	 */
	least = 2 * n + n + 2 * ((n + 63) / 64) + 2 * 2 * ((2 - 1) + (4 - 1));
	g_assert_cmpuint(turns, >, least);
	want_services = n;
	want_servers = n;
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		fake_be(w);
		for (uint32_t i = 0; i < n; i++) {
			const struct service *s;
			union ip_addr ip;

			memcpy(&ip, services[i].key.vip.bytes, sizeof(ip));
			s = service_lookup(services[i].key.vip.family, IPPROTO_TCP, &ip,
					   rte_cpu_to_be_16(services[i].key.port));
			g_assert_nonnull(s);
			g_assert_cmpuint(s->num_dests, ==, 1);
			g_assert_true(service_by_reply(s->af, IPPROTO_TCP, &s->dests[0].addr, s->dests[0].port));
		}
	}
	/* The same again: nothing is done. */
	fake_mode(CHANGE_UNCHANGED);
	g_assert_cmpint(fake_txn(parts, 2), ==, 0);
	g_assert_cmpuint(fake_changes(), ==, 1);
	/* A sync that names half of them. */
	fake_mode(CHANGE_UNCHANGED | CHANGE_REPLACE | CHANGE_SYNC);
	{
		const struct fake_part half[] = { { DPVS_SET_SERVICE_ADD, services, n / 2 },
						  { DPVS_SET_DEST_ADD, servers, n / 4 } };

		g_assert_cmpint(fake_txn(half, 2), ==, 0);
	}
	want_services = n / 2;
	want_servers = n / 4;
	fake_sync();
	/* And all go, others having their turn after each. */
	turns = 1;
	fake_mode(0);
	fake_fail_commits(1);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, -ENOBUFS);
	g_assert_cmpuint(turns, >, n / 2);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	want_services = 0;
	want_servers = 0;
	fake_sync();
	fake_between(NULL);
	g_assert_cmpuint(number(DPVS_GET_SERVICES), ==, 0);
	/* Each worker has tables of its own, also after they grew: one that has not heard of a service has it not. */
	fake_between(NULL);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, services, 1), ==, 0);
	while (fake_deliver(0))
		;
	for (unsigned int w = 0; w < WORKERS; w++) {
		union ip_addr ip;

		fake_be(w);
		memcpy(&ip, services[0].key.vip.bytes, sizeof(ip));
		g_assert_cmpint(service_lookup(AF_INET, IPPROTO_TCP, &ip, rte_cpu_to_be_16(services[0].key.port)) == NULL,
				==, w != 0);
	}
	fake_sync();
	teardown();
}

static void
deliver_all(void)
{
	fake_sync();
}

/* How many more places where a slice may end are passed before the workers confirm. */
static unsigned int wait_turns;

static void
confirm_later(void)
{
	if (wait_turns > 0 && --wait_turns == 0)
		fake_sync();
}

/* Where a flush goes on is just what the confirmation of an earlier change takes away. */
static void
test_flush_among_gone(void)
{
	struct dpvs_service_conf confs[6];
	struct dpvs_dest_conf servers[6];

	setup();
	for (unsigned int i = 6; i-- > 0;) {
		confs[i] = rec_service("192.0.2.100", (uint16_t)(1 + i), IPPROTO_TCP, "rr");
		servers[i] = rec_dest(&confs[5].key, "198.51.100.11", (uint16_t)(1 + i), DPVS_FWD_NAT, 1);
	}
	for (unsigned int round = 0; round < 2; round++) {
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, confs, 6), ==, 0);
		g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, servers, 6), ==, 0);
		fake_sync();
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_DEL, &confs[1], 3), ==, 0);
		g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, &servers[1], 4), ==, 0);
		fake_between(deliver_all);
		fake_fail_commits(1);
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, -ENOBUFS);
		g_assert_cmpuint(number(DPVS_GET_SERVICES), ==, 3);
		g_assert_cmpuint(number(DPVS_GET_DESTS), ==, 2);
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
		g_assert_cmpuint(number(DPVS_GET_SERVICES), ==, 0);
		fake_between(NULL);
		fake_sync();
		while (fake_job("dest-reap") == 0)
			fake_sync();
	}
	teardown();
}

/* The same for a sync, which takes away each server that is left, and no other: where it goes on is what just left. */
static void
test_sync_among_gone(void)
{
	struct dpvs_dest_conf servers[6];
	const struct fake_part parts[] = { { DPVS_SET_SERVICE_ADD, &svc, 1 }, { DPVS_SET_DEST_ADD, &servers[5], 1 } };

	setup();
	for (unsigned int i = 0; i < 6; i++)
		servers[i] = rec_dest(&svc.key, "198.51.100.11", (uint16_t)(1 + i), DPVS_FWD_NAT, 1);
	for (unsigned int gone = 0; gone < 5; gone++) {
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &svc, 1), ==, 0);
		g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, servers, 6), ==, 0);
		fake_sync();
		g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, &servers[gone], 1), ==, 0);
		/* Confirmed at each place where a slice may end, the sync's among them. */
		for (unsigned int w = 0; w + 1 < WORKERS; w++) {
			while (fake_deliver(w))
				;
		}
		wait_turns = 2 + gone; /* the two adds, and the servers before it */
		fake_between(confirm_later);
		fake_mode(CHANGE_SYNC | CHANGE_REPLACE | CHANGE_UNCHANGED);
		g_assert_cmpint(fake_txn(parts, 2), ==, 0);
		fake_mode(0);
		g_assert_cmpuint(wait_turns, ==, 0);
		fake_between(NULL);
		g_assert_cmpuint(number(DPVS_GET_DESTS), ==, 1);
		fake_sync();
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
		fake_sync();
		while (fake_job("dest-reap") == 0)
			fake_sync();
	}
	teardown();
}

/*
 * The slot of a local address that has gone is another one's only when all workers know, or they would count for the
 * new one what connections of the old one do; and what the old one has counted is not the new one's.
 */
static void
test_laddr_slot(void)
{
	struct dpvs_laddr_conf one, two;
	g_autoptr(GArray) a = NULL;
	uint32_t slot;
	int err;

	fake_conf("laddr", "max", 1);
	setup();
	one = rec_laddr(&svc.key, "198.51.100.201", "lan0");
	two = rec_laddr(&svc.key, "198.51.100.202", "lan0");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &svc, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &one, 1), ==, 0);
	fake_sync();
	fake_be(1);
	slot = laddr_find(AF_INET, (const union ip_addr *)one.addr.bytes);
	for (unsigned int i = 0; i < 7; i++)
		laddr_miss(slot);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_DEL, &one, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_job("laddr-reap"), ==, 0);
	while (fake_deliver(0))
		;
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &two, 1), ==, -ENOSPC);
	fake_sync();
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &two, 1), ==, 0);
	fake_sync();
	fake_be(1);
	g_assert_cmpuint(laddr_find(AF_INET, (const union ip_addr *)two.addr.bytes), ==, slot);
	a = fake_get(DPVS_GET_LADDRS, &svc.key, &err);
	g_assert_cmpuint(a->len, ==, 1);
	g_assert_cmpuint(g_array_index(a, struct dpvs_laddr_info, 0).port_misses, ==, 0);
	teardown();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/view/removed server", test_removed);
	g_test_add_func("/service/view/server removed and added", test_relisted);
	g_test_add_func("/service/view/service removed and added", test_service_relisted);
	g_test_add_func("/service/view/refused", test_refused);
	g_test_add_func("/service/view/local address refused", test_laddr_refused);
	g_test_add_func("/service/view/sum in slices", test_sum);
	g_test_add_func("/service/view/list of what is gone", test_list_of_gone);
	g_test_add_func("/service/view/large", test_large);
	g_test_add_func("/service/view/flush among what is gone", test_flush_among_gone);
	g_test_add_func("/service/view/sync among what is gone", test_sync_among_gone);
	g_test_add_func("/service/view/slot of a local address", test_laddr_slot);
	return g_test_run();
}
