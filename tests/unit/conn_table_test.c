/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection table alone: look-up of both keys, IPv4 and IPv6, overflow, a full table, the wheel.
 */
#include "lb/conn_table.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>

static struct conn *
make4(struct conn_table *t, uint32_t n)
{
	struct conn *c = conn_alloc(t);

	if (c == NULL)
		return NULL;
	c->af = AF_INET;
	c->proto = IPPROTO_TCP;
	c->tuple[CONN_IN].src = htonl(0x0a000000 + n / 50000);
	c->tuple[CONN_IN].dst = htonl(0xc0000264);
	c->tuple[CONN_IN].sport = htons((uint16_t)(n % 50000 + 1024));
	c->tuple[CONN_IN].dport = htons(80);
	c->tuple[CONN_OUT].src = htonl(0xc633640b);
	c->tuple[CONN_OUT].dst = htonl(0xc63364c9 + n / 60000);
	c->tuple[CONN_OUT].sport = htons(8080);
	c->tuple[CONN_OUT].dport = htons((uint16_t)(n % 60000 + 1024));
	return c;
}

static struct conn *
make6(struct conn_table *t, uint32_t n)
{
	struct conn *c = make4(t, n);
	struct conn_addrs6 *a;

	if (c == NULL)
		return NULL;
	c->af = AF_INET6;
	a = conn_addrs6(t, c);
	memset(a, 0, sizeof(*a));
	for (int dir = 0; dir < 2; dir++) {
		a->dir[dir].src.u32[0] = htonl(0x20010db8);
		a->dir[dir].src.u32[3] = c->tuple[dir].src;
		a->dir[dir].dst.u32[0] = htonl(0x20010db8);
		a->dir[dir].dst.u32[3] = c->tuple[dir].dst;
	}
	memset(&c->tuple[0].src, 0, 8);
	memset(&c->tuple[1].src, 0, 8);
	return c;
}

static struct conn_key4
key4(const struct conn *c, unsigned int dir)
{
	return conn_key4(&c->tuple[dir].src, &c->tuple[dir].sport, c->proto);
}

static struct conn_key6
key6(const struct conn_table *t, const struct conn *c, unsigned int dir)
{
	return conn_key6(&conn_addrs6(t, c)->dir[dir], &c->tuple[dir].sport, c->proto);
}

static void
test_find(void)
{
	enum { N = 20000 };
	struct conn_table t;
	struct conn *all[N];

	g_assert_cmpint(conn_table_init(&t, N), ==, 0);
	for (uint32_t i = 0; i < N; i++) {
		all[i] = i % 2 != 0 ? make6(&t, i) : make4(&t, i);
		g_assert_nonnull(all[i]);
		g_assert_cmpint(conn_link(&t, all[i], CONN_IN), ==, 0);
		g_assert_cmpint(conn_link(&t, all[i], CONN_OUT), ==, 0);
	}
	g_assert_cmpuint(t.count, ==, N);
	g_assert_null(conn_alloc(&t));

	for (uint32_t i = 0; i < N; i += 2) {
		struct conn_key4 k[2] = { key4(all[i], CONN_IN), key4(all[i], CONN_OUT) };
		struct conn_key6 k6[3] = { key6(&t, all[i + 1], CONN_OUT), key6(&t, all[i + 1], CONN_IN) };
		uint32_t ref[3];

		conn_find4_bulk(&t, k, 2, ref);
		g_assert_cmpuint(ref[0], ==, conn_index(&t, all[i]) << 1 | CONN_IN);
		g_assert_cmpuint(ref[1], ==, conn_index(&t, all[i]) << 1 | CONN_OUT);
		g_assert_cmpuint(conn_find4(&t, &k[1]), ==, ref[1]);

		k6[2] = k6[1];
		k6[2].src.ip6[7] ^= 1;
		conn_find6_bulk(&t, k6, 3, ref);
		g_assert_cmpuint(ref[0], ==, conn_index(&t, all[i + 1]) << 1 | CONN_OUT);
		g_assert_cmpuint(ref[1], ==, conn_index(&t, all[i + 1]) << 1 | CONN_IN);
		g_assert_cmpuint(ref[2], ==, CONN_NONE);
		g_assert_cmpuint(conn_find6(&t, &k6[0]), ==, ref[0]);

		k[0].rest ^= (uint64_t)(IPPROTO_TCP ^ IPPROTO_UDP) << 32;
		g_assert_cmpuint(conn_find4(&t, &k[0]), ==, CONN_NONE);
	}

	for (uint32_t i = 0; i < N; i++) {
		struct conn_key4 k = key4(all[i], CONN_IN);

		conn_unlink(&t, all[i], CONN_IN);
		if (i % 2 == 0)
			g_assert_cmpuint(conn_find4(&t, &k), ==, CONN_NONE);
		conn_unlink(&t, all[i], CONN_OUT);
		conn_free(&t, all[i]);
	}
	g_assert_cmpuint(t.count, ==, 0);
	for (uint64_t b = 0; b < t.over_end; b++) {
		for (unsigned int e = 0; e < CONN_BUCKET_ENTRIES; e++)
			g_assert_cmpuint(t.buckets[b].ref[e], ==, CONN_NONE);
		if (b <= t.mask)
			g_assert_cmpuint(t.buckets[b].next, ==, 0);
	}
	conn_table_fini(&t);
}

/* Keys that all fall into one bucket fill the chain, then are refused, and nothing else suffers. */
static void
test_overflow(void)
{
	struct conn_table t;
	struct conn *all[200], *refused = NULL;
	unsigned int n = 0;

	g_assert_cmpint(conn_table_init(&t, 200), ==, 0);
	t.seed[3] = 0; /* a broken hash: every key gets 0 */
	for (uint32_t i = 0; i < 200; i++) {
		all[n] = make4(&t, i);
		if (conn_link(&t, all[n], CONN_IN) == 0) {
			n++;
		} else {
			refused = all[n];
			break;
		}
	}
	g_assert_nonnull(refused);
	g_assert_cmpuint(n, ==, CONN_BUCKET_ENTRIES * (1 + t.over_end - (uint32_t)(t.mask + 1)));
	for (unsigned int i = 0; i < n; i++) {
		struct conn_key4 k = key4(all[i], CONN_IN);
		uint32_t ref;

		conn_find4_bulk(&t, &k, 1, &ref);
		g_assert_cmpuint(ref, ==, conn_index(&t, all[i]) << 1);
	}
	/* From the front, so that holes are filled from the back. */
	for (unsigned int i = 0; i < n; i++) {
		conn_unlink(&t, all[i], CONN_IN);
		for (unsigned int j = 0; j < n; j++) {
			struct conn_key4 k = key4(all[j], CONN_IN);

			g_assert_cmpuint(conn_find4(&t, &k), ==,
					 j <= i ? CONN_NONE : conn_index(&t, all[j]) << 1);
		}
	}
	g_assert_cmpuint(t.buckets[0].next, ==, 0);
	conn_table_fini(&t);
}

/* The fullest bucket of many regular keys is about as full as chance makes it. */
static void
test_spread(void)
{
	enum { N = 1 << 16 };
	struct conn_table t;
	unsigned int overflow = 0;

	g_assert_cmpint(conn_table_init(&t, N), ==, 0);
	for (uint32_t i = 0; i < N; i++) {
		struct conn *c = make4(&t, i);

		g_assert_cmpint(conn_link(&t, c, CONN_IN), ==, 0);
		g_assert_cmpint(conn_link(&t, c, CONN_OUT), ==, 0);
	}
	for (uint64_t b = 0; b <= t.mask; b++)
		overflow += t.buckets[b].next != 0;
	/* Load 4 of 8: Poisson says 2.1 %. */
	g_assert_cmpuint(overflow, <, (t.mask + 1) * 3 / 100);
	g_assert_cmpfloat(conn_table_bytes(&t), <=, 320.0);
	conn_table_fini(&t);
}

static unsigned int ended_count;
static uint32_t ended_at;
static uint32_t wheel_now;

static void
wheel_end(struct conn_table *t, struct conn *c)
{
	g_assert_cmpint((int32_t)(wheel_now - c->last_ms - c->timeout_ms), >=, 0);
	ended_count++;
	ended_at = wheel_now;
	conn_free(t, c);
}

static void
wheel_until(struct conn_table *t, uint32_t end_ms)
{
	for (; (int32_t)(end_ms - wheel_now) > 0; wheel_now += 100)
		conn_timer_run(t, wheel_now, 64, wheel_end);
}

/* Starts shortly before the clock's 32 bits wrap. */
static void
test_wheel(void)
{
	struct conn_table t;
	struct conn *c, *other;
	uint32_t start = UINT32_MAX - 30000;

	g_assert_cmpint(conn_table_init(&t, 16), ==, 0);
	wheel_now = start;
	t.tick = start >> CONN_TICK_SHIFT;
	c = make4(&t, 1);
	c->last_ms = start;
	c->timeout_ms = 60000;
	conn_timer_set(&t, c);
	ended_count = 0;
	wheel_until(&t, start + 50000);
	g_assert_cmpuint(ended_count, ==, 0);
	c->last_ms = wheel_now; /* used: lives on */
	wheel_until(&t, start + 109000);
	g_assert_cmpuint(ended_count, ==, 0);
	wheel_until(&t, start + 111000);
	g_assert_cmpuint(ended_count, ==, 1);
	g_assert_cmpint((int32_t)(ended_at - (start + 110000)), <=, 400);

	/* A time-out longer than the wheel, one that gets shorter, one that is deleted between others. */
	start = wheel_now;
	ended_count = 0;
	c = make4(&t, 2);
	c->last_ms = start;
	c->timeout_ms = 3 * 1048576;
	conn_timer_set(&t, c);
	for (int i = 0; i < 3; i++) {
		other = make4(&t, 3 + (uint32_t)i);
		other->last_ms = start;
		other->timeout_ms = 900000;
		conn_timer_set(&t, other);
		if (i == 1) {
			conn_timer_del(&t, other);
			conn_free(&t, other);
		}
	}
	other->timeout_ms = 10000;
	conn_timer_set(&t, other);
	wheel_until(&t, start + 10500);
	g_assert_cmpuint(ended_count, ==, 1);
	wheel_until(&t, start + 899000);
	g_assert_cmpuint(ended_count, ==, 1);
	wheel_until(&t, start + 901000);
	g_assert_cmpuint(ended_count, ==, 2);
	wheel_until(&t, start + 3 * 1048576 - 1000);
	g_assert_cmpuint(ended_count, ==, 2);
	wheel_until(&t, start + 3 * 1048576 + 1000);
	g_assert_cmpuint(ended_count, ==, 3);
	g_assert_cmpuint(t.count, ==, 0);
	conn_table_fini(&t);
}

/* A worker that slept long catches up in bounded steps. */
static void
test_wheel_budget(void)
{
	enum { N = 1000 };
	struct conn_table t;
	unsigned int runs = 0;

	g_assert_cmpint(conn_table_init(&t, N), ==, 0);
	for (uint32_t i = 0; i < N; i++) {
		struct conn *c = make4(&t, i);

		c->timeout_ms = 1000 + i % 7 * 100;
		conn_timer_set(&t, c);
	}
	ended_count = 0;
	wheel_now = 5000;
	while (t.count > 0) {
		g_assert_cmpuint(conn_timer_run(&t, wheel_now, 64, wheel_end), <=, 64);
		runs++;
	}
	g_assert_cmpuint(ended_count, ==, N);
	g_assert_cmpuint(runs, >=, N / 64);
	g_assert_cmpuint(runs, <=, (N + 40) / 64 + 1);
	conn_table_fini(&t);
}

/* Random connections begin, are used, get longer and shorter time-outs, are closed: each ends in its time. */
static void
test_wheel_random(void)
{
	enum { N = 300, STEPS = 20000 };
	struct conn_table t;
	struct conn *conns[N] = { NULL };
	uint64_t due[N] = { 0 }, now = 0;
	unsigned int ended = 0;

	g_assert_cmpint(conn_table_init(&t, N), ==, 0);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t i = g_test_rand_int_range(0, N);
		struct conn *c = conns[i];

		if (c == NULL) {
			c = conns[i] = make4(&t, i);
			c->last_ms = (uint32_t)now;
			c->timeout_ms = (uint32_t)g_test_rand_int_range(1, 200000);
			conn_timer_set(&t, c);
		} else if (step % 16 == 0) {
			conn_timer_del(&t, c);
			conn_free(&t, c);
			conns[i] = NULL;
		} else {
			uint32_t timeout = (uint32_t)g_test_rand_int_range(1, 200000), before = c->timeout_ms;

			/* As conn_count() does it. */
			c->last_ms = (uint32_t)now;
			c->timeout_ms = timeout;
			if (timeout < before)
				conn_timer_sooner(&t, c);
		}
		if (conns[i] != NULL)
			due[i] = now + conns[i]->timeout_ms;
		now += (uint32_t)g_test_rand_int_range(0, 50);
		wheel_now = (uint32_t)now;
		ended_count = 0;
		conn_timer_run(&t, wheel_now, 2 * N, wheel_end);
		ended += ended_count;
		for (i = 0; i < N; i++) {
			if (conns[i] == NULL)
				continue;
			if ((conns[i]->flags & CONN_F_LEFT) != 0) {
				g_assert_cmpuint(due[i], <=, now);
				conns[i] = NULL;
			} else {
				/* What is over is found within two ticks. */
				g_assert_cmpuint(now, <, due[i] + (2 << CONN_TICK_SHIFT));
			}
		}
		conn_table_settle(&t);
	}
	g_assert_cmpuint(ended, >, 100);
	conn_table_fini(&t);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/conn-table/find", test_find);
	g_test_add_func("/conn-table/overflow", test_overflow);
	g_test_add_func("/conn-table/spread", test_spread);
	g_test_add_func("/conn-table/wheel", test_wheel);
	g_test_add_func("/conn-table/wheel-random", test_wheel_random);
	g_test_add_func("/conn-table/wheel/budget", test_wheel_budget);
	return g_test_run();
}
