/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of fragments against chance: whatever comes in whatever order, each fragment is given back exactly
 * once, what is complete has no gap and no overlap, and limits hold. And the sums that packets are checked by.
 */
#include <glib.h>
#include <string.h>

#include <rte_ip.h>

#include "net/addr.h"
#include "net/frag_table.h"

#define MAX_FRAGMENTS 300

/* The table never looks into a packet: numbers do. */
static uint8_t given_back[100000];
static unsigned int drops[FRAG_DROP_COUNT];
static unsigned int expired;

static struct rte_mbuf *
packet(uintptr_t number)
{
	return (struct rte_mbuf *)(number + 1);
}

static void
back(struct rte_mbuf *m)
{
	g_assert_cmpuint(given_back[(uintptr_t)m - 1]++, ==, 0);
}

static void
on_drop(struct rte_mbuf *m, enum frag_drop why)
{
	back(m);
	drops[why]++;
}

static void
on_expired(struct rte_mbuf *m)
{
	back(m);
	expired++;
}

static struct frag_table *
table_new(uint32_t datagrams, uint32_t fragments)
{
	struct frag_table_params params = {
		.max_datagrams = datagrams,
		.max_fragments = fragments,
		.timeout_ms = 1000,
		.seed = 7,
		.drop = on_drop,
		.expired = on_expired,
	};
	struct frag_table *t = frag_table_new(&params);

	g_assert_nonnull(t);
	memset(given_back, 0, sizeof(given_back));
	memset(drops, 0, sizeof(drops));
	expired = 0;
	return t;
}

static struct frag_key
key_of(uint32_t id)
{
	return (struct frag_key){ .src = addr_from4(1), .dst = addr_from4(2), .id = id, .proto = 17 };
}

/** take: all of a complete datagram. */
static void
take(struct frag_table *t, struct frag_queue *q)
{
	uint32_t at = 0;

	for (uint16_t i = 0; i < q->num_parts; i++) {
		g_assert_cmpuint(q->parts[i].first, ==, at);
		g_assert_cmpuint(q->parts[i].end, >, at);
		at = q->parts[i].end;
		back(q->parts[i].m);
	}
	g_assert_cmpuint(at, ==, q->total);
	frag_table_done(t, q);
}

static void
test_chance(void)
{
	g_autoptr(GRand) rnd = g_rand_new_with_seed(3);
	struct frag_table *t = table_new(16, MAX_FRAGMENTS);
	unsigned int complete = 0;
	uintptr_t n = 0;
	uint64_t now = 5000;

	for (; n < sizeof(given_back); n++) {
		struct frag_key key = key_of((uint32_t)g_rand_int_range(rnd, 0, 40));
		uint32_t first = 8 * (uint32_t)g_rand_int_range(rnd, 0, 4);
		bool more = g_rand_int_range(rnd, 0, 3) > 0;
		uint32_t len = g_rand_int_range(rnd, 0, 8) > 0 ? 8 : 16;
		struct frag_queue *q = frag_table_add(t, &key, packet(n), first, first + len, more, 28, now);

		if (q != NULL) {
			take(t, q);
			complete++;
		}
		g_assert_cmpuint(frag_table_held(t), <=, MAX_FRAGMENTS);
		g_assert_cmpuint(frag_table_count(t), <=, 16);
		now += (uint64_t)g_rand_int_range(rnd, 0, 30);
		if (n % 50 == 0)
			frag_table_expire(t, now);
	}
	frag_table_expire(t, now + 1000);
	g_assert_cmpuint(frag_table_held(t), ==, 0);
	g_assert_cmpuint(frag_table_count(t), ==, 0);
	for (n = 0; n < sizeof(given_back); n++)
		g_assert_cmpuint(given_back[n], ==, 1);
	g_assert_cmpuint(complete, >, 100);
	for (unsigned int i = 0; i < FRAG_DROP_COUNT; i++)
		g_assert_true(drops[i] > 0 || i == FRAG_DROP_TOO_MANY);
	g_assert_cmpuint(expired, >, 0);
	frag_table_free(t);
}

/** test_orders: four fragments in each of the 24 orders, then any of them once more in between. */
static void
test_orders(void)
{
	for (unsigned int order = 0; order < 256; order++) {
		unsigned int p[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };
		unsigned int seen = 1u << p[0] | 1u << p[1] | 1u << p[2] | 1u << p[3];
		struct frag_table *t = table_new(4, 100);
		struct frag_key key = key_of(order);
		struct frag_queue *q = NULL;
		unsigned int have = 0;

		for (unsigned int i = 0; i < 4; i++) {
			bool again = have & 1u << p[i];

			g_assert_null(q);
			q = frag_table_add(t, &key, packet(i), p[i] * 1480, p[i] * 1480 + (p[i] == 3 ? 5 : 1480), p[i] != 3,
					   1500, 1);
			g_assert_cmpuint(given_back[i], ==, again); /* a double goes at once, alone */
			have |= 1u << p[i];
		}
		g_assert_cmpint(q != NULL, ==, seen == 15);
		if (q != NULL) {
			g_assert_cmpuint(q->total, ==, 3 * 1480 + 5);
			g_assert_cmpuint(q->largest, ==, 1500);
			take(t, q);
		}
		frag_table_expire(t, 2000);
		frag_table_free(t);
	}
}

/** test_late: the number of a datagram whose time is over may be used by another. */
static void
test_late(void)
{
	struct frag_table *t = table_new(4, 100);
	struct frag_key key = key_of(1);
	struct frag_queue *q;

	g_assert_null(frag_table_add(t, &key, packet(0), 0, 800, true, 820, 100));
	g_assert_null(frag_table_add(t, &key, packet(1), 0, 1000, true, 1020, 1100));
	g_assert_cmpuint(drops[FRAG_DROP_TIMEOUT], ==, 1);
	q = frag_table_add(t, &key, packet(2), 1000, 1100, false, 120, 1101);
	g_assert_nonnull(q);
	g_assert_cmpuint(q->largest, ==, 1020);
	take(t, q);
	frag_table_free(t);
}

static void
test_prefixes(void)
{
	union ip_addr a = { .ip6 = { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	for (unsigned int plen = 0; plen <= 128; plen++) {
		union ip_addr m = addr_masked(AF_INET6, &a, (uint8_t)plen);

		for (unsigned int bit = 0; bit < 128; bit++) {
			unsigned int want = bit < plen ? a.ip6[bit / 8] >> (7 - bit % 8) & 1 : 0;

			g_assert_cmpuint(m.ip6[bit / 8] >> (7 - bit % 8) & 1, ==, want);
		}
		g_assert_true(addr_in_prefix(AF_INET6, &a, &m, (uint8_t)plen));
	}
	for (unsigned int plen = 0; plen <= 32; plen++) {
		union ip_addr b = addr_from4(UINT32_MAX);
		union ip_addr m = addr_masked(AF_INET, &b, (uint8_t)plen);

		g_assert_cmphex(rte_be_to_cpu_32(m.ip4), ==, plen == 0 ? 0 : UINT32_MAX << (32 - plen));
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/frag/table/chance", test_chance);
	g_test_add_func("/frag/table/orders", test_orders);
	g_test_add_func("/frag/table/late", test_late);
	g_test_add_func("/addr/prefixes", test_prefixes);
	return g_test_run();
}
