/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what a subscriber is told, and in which order; slow, many and hostile subscribers.
 */
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <rte_ethdev.h>

#include "core/change_priv.h"
#include "core/event.h"
#include "events.h"
#include "harness.h"
#include "lb_records.h"

static void
test_subscribe(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	g_assert_true(l->answered);
	g_assert_cmpuint(l->generation, >, 0);
	g_assert_cmpuint(l->restarts, ==, 0);
	listener_free(l);
	/* Only what was asked for. */
	l = listener_new(DPVS_EVENT_SERVICE);
	listener_wait(l, listener_is_synced);
	g_assert_cmpuint(l->serial, ==, 1);
	g_assert_cmpuint(l->generation, ==, 0);
	listener_free(l);
	harness_stop();
}

static void
test_refused(void)
{
	struct dpvs_event_filter filter = { .kinds = 1u << 20 };
	struct listener *a, *b;

	harness_start(1, "[event]\nmax-subscribers = 1\n");
	g_assert_cmpint(harness_set(DPVS_GET_EVENTS, &filter, sizeof(filter), 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EINVAL);
	filter = (struct dpvs_event_filter){ .pad = 1 };
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EINVAL);
	a = listener_new(0);
	listener_wait(a, listener_is_synced);
	filter.pad = 0;
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EBUSY);
	/* The place is free again when it has hung up, although there is nothing to tell it. */
	listener_free(a);
	harness_pump(50);
	b = listener_new(0);
	listener_wait(b, listener_is_synced);
	listener_free(b);
	harness_stop();
}

/* What follows a subscription ends it; a closed sending half does not. */
static void
test_one_way(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	g_assert_cmpint(shutdown(l->fd, SHUT_WR), ==, 0);
	listener_wait(l, listener_is_synced);
	harness_pump(50);
	listener_read(l, SIZE_MAX);
	g_assert_false(l->closed);
	listener_free(l);

	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	g_assert_cmpint(send(l->fd, "x", 1, MSG_NOSIGNAL), ==, 1);
	listener_wait(l, listener_is_closed);
	g_assert_cmpint(l->error, ==, -EPROTO);
	listener_free(l);

	/* At once, behind the request. */
	l = listener_new(0);
	g_assert_cmpint(send(l->fd, "0123456789012345678901234", 25, MSG_NOSIGNAL), ==, 25);
	listener_wait(l, listener_is_closed);
	g_assert_true(l->answered);
	g_assert_cmpint(l->error, ==, -EPROTO);
	listener_free(l);
	harness_stop();
}

/* The daemon ends. */
static void
test_end(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	harness_stop();
	listener_wait(l, listener_is_closed);
	listener_free(l);
	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	listener_free(l);
	harness_stop();
}

/* ---- many, and bad ones ---- */

#define MANY 64

static void
add_services(unsigned int first, unsigned int count, unsigned int dests)
{
	for (unsigned int i = first; i < first + count; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.200", (uint16_t)(1000 + i), IPPROTO_TCP, "rr");
		g_autofree struct dpvs_dest_conf *conf = g_new0(struct dpvs_dest_conf, dests);

		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
		for (unsigned int k = 0; k < dests; k++) {
			g_autofree char *addr = g_strdup_printf("172.16.%u.%u", k / 250, 1 + k % 250);

			conf[k] = rec_dest(&svc.key, addr, svc.key.port, DPVS_FWD_DR, 1);
		}
		g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, conf, sizeof(conf[0]), dests), ==, 0);
	}
}

static uint64_t
log_bytes(void)
{
	struct dpvs_mem_info info;
	struct dpvs_reply *reply;
	uint64_t bytes = UINT64_MAX;

	g_assert_cmpint(harness_get(DPVS_GET_MEM, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (strcmp(info.name, "event-log") == 0)
			bytes = info.in_use;
	}
	dpvs_reply_free(reply);
	g_assert_cmpuint(bytes, !=, UINT64_MAX);
	return bytes;
}

/* What is published is kept once for all of them, and each is told all. */
static void
test_many(void)
{
	struct listener *l[MANY];
	uint64_t published, serial = 0, generation;
	struct dpvs_reply *reply;

	harness_start(1, NULL);
	for (unsigned int i = 0; i < MANY; i++)
		l[i] = listener_new(i % 4 == 3 ? DPVS_EVENT_GENERATION | DPVS_EVENT_SERVICE : 0);
	for (unsigned int i = 0; i < MANY; i++)
		listener_wait(l[i], listener_is_synced);
	published = harness_stat("event", "published");
	/* Nobody reads: so much that the sockets do not take it all. */
	add_services(0, 24, 200);
	published = harness_stat("event", "published") - published;
	g_assert_cmpuint(published, >=, 24 * 201);
	g_assert_cmpuint(log_bytes(), <=, 2 * published * (sizeof(struct dpvs_event) + 16));
	g_assert_cmpint(harness_get(DPVS_GET_LB_INFO, NULL, 0, &reply), ==, 0);
	dpvs_reply_free(reply);
	generation = 0;
	for (unsigned int i = 0; i < MANY; i++) {
		gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

		while ((i == 0 || l[i]->generation < generation) && g_get_monotonic_time() < end) {
			if (listener_read(l[i], SIZE_MAX) == 0)
				harness_pump(1);
			if (i == 0 && l[0]->events[DPVS_EVENT_OP_ADD] == 24 * 201) {
				generation = l[0]->generation;
				serial = l[0]->serial;
				break;
			}
		}
		g_assert_cmpuint(l[i]->restarts, ==, 0);
		g_assert_cmpuint(l[i]->generation, >=, generation);
		g_assert_cmpuint(l[i]->events[DPVS_EVENT_OP_ADD], ==, i % 4 == 3 ? 24 : 24 * 201);
		if (i % 4 != 3)
			g_assert_cmpuint(l[i]->serial, >=, serial);
	}
	/* All is read: nothing is kept. */
	g_assert_cmpuint(log_bytes(), ==, 0);
	for (unsigned int i = 0; i < MANY; i++)
		listener_free(l[i]);
	harness_stop();
}

static bool
is_equal(struct listener *l)
{
	uint64_t generation;
	GHashTable *want = listener_state(0xfe, &generation);
	g_autofree char *difference = generation != 0 ? listener_difference(l->objects, want) : g_strdup("");

	g_hash_table_unref(want);
	return difference == NULL;
}

/* Events of changes that it was told. */
static uint64_t
told_of(const struct listener *l)
{
	return l->events[DPVS_EVENT_OP_ADD] + l->events[DPVS_EVENT_OP_CHANGE] + l->events[DPVS_EVENT_OP_DEL];
}

static bool
has_begun_again(struct listener *l)
{
	return l->restarts > 0 && listener_is_synced(l);
}

/* A change whose events are more than the log holds: who follows is told that it missed something, and has all then. */
static void
test_too_many(void)
{
	struct listener *l;
	uint64_t published, told;

	harness_start(1, "[event]\nbacklog = 65536\n");
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	g_assert_cmpuint(l->restarts, ==, 0);
	published = harness_stat("event", "published");
	told = told_of(l);
	/* These are told, and not among those that it misses. */
	add_services(1, 2, 20);
	listener_wait(l, is_equal);
	add_services(0, 1, 1000);
	listener_wait(l, has_begun_again);
	g_assert_cmpuint(l->restarts, ==, 1);
	listener_wait(l, is_equal);
	g_assert_cmpuint(log_bytes(), ==, 0);
	g_assert_cmpuint(harness_stat("event", "published") - published, ==, told_of(l) - told + l->missed);
	listener_free(l);
	harness_stop();
}

static bool stuck; /* the change under way does not get on */

static int
stuck_step(struct change *c, void *arg)
{
	return stuck ? CHANGE_MORE : change_error(c, -EEXIST, "refused");
}

/* Who comes while a change is prepared gets the present state when it is over, also when it is refused. */
static void
test_in_the_middle(void)
{
	struct change_job job = { .step = stuck_step, .deadline_ms = 60000 };
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	struct listener *l;

	harness_start(1, NULL);
	stuck = true;
	change_submit(&job);
	g_assert_true(change_busy());
	l = listener_new(0);
	while (!l->answered && g_get_monotonic_time() < end) {
		harness_pump(1);
		listener_read(l, SIZE_MAX);
	}
	harness_pump(20);
	listener_read(l, SIZE_MAX);
	g_assert_true(l->answered);
	g_assert_false(l->synced);
	stuck = false;
	listener_wait(l, listener_is_synced);
	listener_free(l);
	/* And when the last one has gone, nothing is collected any more. */
	while (event_wanted(UINT32_MAX) && g_get_monotonic_time() < end)
		harness_pump(1);
	g_assert_false(event_wanted(UINT32_MAX));
	harness_stop();
}

/* A subscriber has nothing to say, and may have nothing to read for long. */
static void
test_silent(void)
{
	struct listener *l;

	harness_start(1, "[control]\nidle-timeout = 1\n");
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	harness_pump(3500); /* who is silent for a second is found at most a second later */
	add_services(0, 1, 1);
	listener_wait(l, is_equal);
	g_assert_false(l->closed);
	listener_free(l);
	harness_stop();
}

/* Who never reads, says nonsense, or goes in the middle costs the others nothing. */
static void
test_bad(void)
{
	struct listener *good, *bad[12];

	harness_start(1, "[event]\nbacklog = 65536\n");
	add_services(0, 4, 200);
	good = listener_new(0);
	listener_wait(good, listener_is_synced);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++)
		bad[i] = listener_new(0);
	for (unsigned int round = 0; round < 12; round++) {
		uint64_t adds = good->events[DPVS_EVENT_OP_ADD];

		/* In the middle of the present state, of a frame, of a change. */
		listener_read(bad[round], round * 5000);
		if (round % 3 == 0)
			g_assert_cmpint(send(bad[round]->fd, "nonsense", 8, MSG_NOSIGNAL), ==, 8);
		add_services(10 + round, 1, 200);
		if (round % 3 == 1)
			shutdown(bad[round]->fd, SHUT_RDWR);
		listener_wait(good, listener_is_synced);
		for (unsigned int i = 0; i < 60000 && good->events[DPVS_EVENT_OP_ADD] < adds + 201; i++)
			if (listener_read(good, SIZE_MAX) == 0)
				harness_pump(1);
		g_assert_cmpuint(good->events[DPVS_EVENT_OP_ADD], ==, adds + 201);
		g_assert_cmpuint(log_bytes(), <=, 65536);
	}
	g_assert_cmpuint(good->restarts, ==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad); i++)
		listener_free(bad[i]);
	listener_free(good);
	harness_stop();
}

/* ---- what happens without a request ---- */

static bool
has_del(struct listener *l)
{
	return l->events[DPVS_EVENT_OP_DEL] >= 3; /* the address, two or three routes */
}

/* The link, an address whose time is over, addresses that services bring. */
static void
test_by_itself(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.1", 80, IPPROTO_TCP, "rr");
	struct dpvs_laddr_conf laddr = rec_laddr(&svc.key, "198.51.100.1", "dpdk0");
	struct dpvs_addr_conf addr = { .addr = rec_addr("10.1.0.1"), .plen = 24, .dev = "dpdk0", .valid_lft_s = 1 };
	struct listener *l;
	uint64_t changes;

	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	changes = l->events[DPVS_EVENT_OP_CHANGE];
	g_assert_cmpint(rte_eth_dev_set_link_down(0), ==, 0);
	listener_wait(l, is_equal);
	g_assert_cmpuint(l->events[DPVS_EVENT_OP_CHANGE], >, changes);
	g_assert_cmpint(rte_eth_dev_set_link_up(0), ==, 0);
	listener_wait(l, is_equal);

	g_assert_cmpint(harness_set(DPVS_SET_ADDR_ADD, &addr, sizeof(addr), 1), ==, 0);
	listener_wait(l, has_del);
	listener_wait(l, is_equal);

	/* A local address brings an address and its route, which stay until the trash is emptied. */
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_LADDR_ADD, &laddr, sizeof(laddr), 1), ==, 0);
	listener_wait(l, is_equal);
	changes = l->events[DPVS_EVENT_OP_DEL];
	g_assert_cmpint(harness_set(DPVS_SET_LADDR_DEL, &laddr, sizeof(laddr), 1), ==, 0);
	while (l->events[DPVS_EVENT_OP_DEL] < changes + 3)
		if (listener_read(l, SIZE_MAX) == 0)
			harness_pump(1);
	listener_wait(l, is_equal);
	listener_free(l);
	harness_stop();
}

/* An ARP request for @target from @ip. */
static struct rte_mbuf *
arp_request(uint8_t last, uint8_t mac)
{
	uint8_t frame[60] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 9, mac, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1,
		2, 0, 0, 0, 9, mac, 10, 1, 0, last, 0, 0, 0, 0, 0, 0, 10, 1, 0, 1,
	};

	return harness_frame(frame, sizeof(frame));
}

/* Neighbours that were learned, changed, forgotten. */
static void
test_neighbours(void)
{
	struct dpvs_addr_conf addr = { .addr = rec_addr("10.1.0.1"), .plen = 24, .dev = "dpdk0" };
	struct dpvs_neigh_conf none = { 0 };
	struct listener *l;

	harness_start(1, NULL);
	g_assert_cmpint(harness_set(DPVS_SET_ADDR_ADD, &addr, sizeof(addr), 1), ==, 0);
	l = listener_new(DPVS_EVENT_NEIGH | DPVS_EVENT_GENERATION);
	listener_wait(l, listener_is_synced);
	g_assert_cmpuint(g_hash_table_size(l->objects), ==, 0);
	for (unsigned int i = 0; i < 20; i++) {
		harness_inject(0, i % 2, arp_request((uint8_t)(2 + i % 10), (uint8_t)i));
		harness_settle();
	}
	for (unsigned int i = 0; i < 60000 && l->events[DPVS_EVENT_OP_CHANGE] < 10; i++)
		if (listener_read(l, SIZE_MAX) == 0)
			harness_pump(1);
	g_assert_cmpuint(g_hash_table_size(l->objects), ==, 10);
	g_assert_cmpuint(l->events[DPVS_EVENT_OP_ADD], ==, 10);
	for (unsigned int round = 0; round < 2; round++) {
		GHashTable *want;
		uint64_t generation;

		want = listener_state(DPVS_EVENT_NEIGH, &generation);
		g_assert_null(listener_difference(l->objects, want));
		g_hash_table_unref(want);
		g_assert_cmpint(harness_set(DPVS_SET_NEIGH_FLUSH, &none, sizeof(none), 1), ==, 0);
		for (unsigned int i = 0; i < 60000 && l->events[DPVS_EVENT_OP_DEL] < 10; i++)
			if (listener_read(l, SIZE_MAX) == 0)
				harness_pump(1);
		g_assert_cmpuint(g_hash_table_size(l->objects), ==, 0);
	}
	listener_free(l);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	harness_init(2);
	g_test_add_func("/event/subscribe", test_subscribe);
	g_test_add_func("/event/refused", test_refused);
	g_test_add_func("/event/one-way", test_one_way);
	g_test_add_func("/event/end", test_end);
	g_test_add_func("/event/many", test_many);
	g_test_add_func("/event/in the middle", test_in_the_middle);
	g_test_add_func("/event/silent", test_silent);
	g_test_add_func("/event/bad", test_bad);
	g_test_add_func("/event/too many", test_too_many);
	g_test_add_func("/event/by-itself", test_by_itself);
	g_test_add_func("/event/neighbours", test_neighbours);
	ret = g_test_run();
	harness_fini();
	return ret;
}
