/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection table against rte_hash: cycles to find the connection of a packet and to note that it was
 * used, for vectors of 64 packets of random flows. Both tables hold the two keys of each connection; the
 * value is ours, the floor is rte_hash (16-byte keys, CRC, bulk look-up, then the connections prefetched).
 */
#include <glib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_prefetch.h>

#include "lb/conn_table.h"

#define VECTOR 64
#define PACKETS (1u << 20)
#define RUNS 9

static const struct {
	const char *name;
	uint32_t flows;
} sizes[] = { { "1k", 1000 }, { "16k", 16000 }, { "1m", 1000000 } };

static struct conn_key4 *keys;
static uint32_t order[PACKETS];

static void
make_conn(struct conn *c, uint32_t n)
{
	c->af = AF_INET;
	c->proto = IPPROTO_UDP;
	c->tuple[CONN_IN].src = rte_cpu_to_be_32(0x0a000000 + n / 4096);
	c->tuple[CONN_IN].dst = rte_cpu_to_be_32(0xc0000264);
	c->tuple[CONN_IN].sport = rte_cpu_to_be_16((uint16_t)(n % 4096 + 1024));
	c->tuple[CONN_IN].dport = rte_cpu_to_be_16(80);
	c->tuple[CONN_OUT].src = rte_cpu_to_be_32(0xc633640b + n % 32);
	c->tuple[CONN_OUT].dst = rte_cpu_to_be_32(0xc63364c9);
	c->tuple[CONN_OUT].sport = rte_cpu_to_be_16(80);
	c->tuple[CONN_OUT].dport = rte_cpu_to_be_16((uint16_t)(n / 32 + 1024));
}

static uint64_t
cpu_cycles(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)((double)((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) *
			  (double)rte_get_tsc_hz() / 1e9);
}

static void
ours(struct conn_table *t)
{
	struct conn_key4 k[VECTOR];
	uint32_t refs[VECTOR];

	for (uint32_t i = 0; i < PACKETS; i += VECTOR) {
		for (unsigned int j = 0; j < VECTOR; j++)
			k[j] = keys[order[i + j]];
		conn_find4_bulk(t, k, VECTOR, refs);
		for (unsigned int j = 0; j < VECTOR; j++) {
			struct conn *c = &t->conns[refs[j] >> 1];

			c->last_ms = i;
			c->pkts[refs[j] & 1]++;
		}
	}
}

static void
theirs(struct rte_hash *hash)
{
	struct conn_key4 k[VECTOR];
	const void *where[VECTOR];
	void *data[VECTOR];
	uint64_t hits;

	for (uint32_t i = 0; i < PACKETS; i += VECTOR) {
		for (unsigned int j = 0; j < VECTOR; j++) {
			k[j] = keys[order[i + j]];
			where[j] = &k[j];
		}
		rte_hash_lookup_bulk_data(hash, where, VECTOR, &hits, data);
		g_assert_cmphex(hits, ==, UINT64_MAX);
		for (unsigned int j = 0; j < VECTOR; j++)
			rte_prefetch0(data[j]);
		for (unsigned int j = 0; j < VECTOR; j++) {
			struct conn *c = data[j];

			c->last_ms = i;
			c->pkts[0]++;
		}
	}
}

static void
bench(const char *name, uint32_t flows)
{
	struct rte_hash_parameters params = {
		.name = name,
		.entries = 2 * flows + 64,
		.key_len = sizeof(struct conn_key4),
		.hash_func = rte_hash_crc,
	};
	double best[2] = { 1e9, 1e9 };
	struct rte_hash *hash = rte_hash_create(&params);
	struct conn_table t;

	g_assert_nonnull(hash);
	g_assert_cmpint(conn_table_init(&t, flows), ==, 0);
	for (uint32_t i = 0; i < flows; i++) {
		struct conn *c = conn_alloc(&t);
		struct conn_key4 out;

		make_conn(c, i);
		g_assert_cmpint(conn_link(&t, c, CONN_IN), ==, 0);
		g_assert_cmpint(conn_link(&t, c, CONN_OUT), ==, 0);
		keys[i] = conn_key4(&c->tuple[CONN_IN].src, &c->tuple[CONN_IN].sport, c->proto);
		out = conn_key4(&c->tuple[CONN_OUT].src, &c->tuple[CONN_OUT].sport, c->proto);
		g_assert_cmpint(rte_hash_add_key_data(hash, &keys[i], c), ==, 0);
		g_assert_cmpint(rte_hash_add_key_data(hash, &out, c), ==, 0);
	}
	srand(1);
	for (uint32_t i = 0; i < PACKETS; i++)
		order[i] = (uint32_t)(((uint64_t)rand() << 31 ^ (uint64_t)rand()) % flows);
	for (unsigned int run = 0; run < RUNS; run++) {
		uint64_t start = cpu_cycles(), middle, end;

		ours(&t);
		middle = cpu_cycles();
		theirs(hash);
		end = cpu_cycles();
		best[0] = MIN(best[0], (double)(middle - start) / PACKETS);
		best[1] = MIN(best[1], (double)(end - middle) / PACKETS);
	}
	printf("{\"bench\":\"conn-lookup-%s\",\"value\":%.1f,\"unit\":\"cycles/packet\",\"floor\":%.1f,\"ratio\":%.2f}\n",
	       name, best[0], best[1], best[0] / best[1]);
	fflush(stdout);
	conn_table_fini(&t);
	rte_hash_free(hash);
}

int
main(void)
{
	char *args[] = { "bench", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "512",
			 "--iova-mode=va", "--log-level=lib.eal:error", "--lcores", "0@0", NULL };

	if (rte_eal_init(G_N_ELEMENTS(args) - 1, args) < 0)
		g_error("EAL does not start");
	keys = g_new(struct conn_key4, 1000000);
	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++)
		bench(sizes[i].name, sizes[i].flows);
	g_free(keys);
	rte_eal_cleanup();
	return 0;
}
