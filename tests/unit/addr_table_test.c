/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The look-up tables of src/lb: against GLib's hash table, with few possible keys so that runs of taken
 * slots grow, meet and are cut again all the time; and what a look-up costs.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include <rte_cycles.h>

#include "lb/addr_table.h"

#define KEYS 64

static struct addr_key
key_of(uint8_t af, uint32_t n)
{
	struct addr_key key = { .af = af, .proto = n % 2 != 0 ? 6 : 17, .port = (rte_be16_t)(n / 2 % 4) };

	if (af == AF_INET)
		key.addr.ip4 = n / 8 + 1;
	else
		key.addr.u64[n % 3 != 0] = n / 8 + 1;
	return key;
}

static void
count_one(const struct addr_key *key, const void *value, void *arg)
{
	const uintptr_t *there = arg;
	uintptr_t n = (uintptr_t)value & 0xffff;
	struct addr_key wanted = key_of(key->af, (uint32_t)n);

	g_assert_cmpmem(key, sizeof(*key), &wanted, sizeof(wanted));
	g_assert_cmpuint(there[n], ==, (uintptr_t)value);
}

static void
test_random(gconstpointer family)
{
	uint8_t af = (uint8_t)GPOINTER_TO_INT(family);
	struct addr_table *t = addr_table_new(af, KEYS / 2);
	struct addr_table *copy;
	uintptr_t there[KEYS] = { 0 };
	uint32_t used = 0;

	g_assert_cmpuint(addr_table_capacity(t), ==, KEYS / 2);
	for (unsigned int i = 1; i < 50000; i++) {
		uint32_t n = (uint32_t)g_test_rand_int_range(0, KEYS);
		struct addr_key key = key_of(af, n);

		if (g_test_rand_bit() != 0 && (used < KEYS / 2 || there[n] != 0)) {
			used += there[n] == 0;
			there[n] = (uintptr_t)i << 16 | n;
			addr_table_set(t, &key, (void *)there[n]);
		} else {
			g_assert_cmpint(addr_table_remove(t, &key), ==, there[n] != 0);
			used -= there[n] != 0;
			there[n] = 0;
		}
		g_assert_cmpuint(t->used, ==, used);
		for (uint32_t j = 0; j < KEYS; j++) {
			key = key_of(af, j);
			g_assert_cmpuint((uintptr_t)addr_table_find(t, &key), ==, there[j]);
		}
	}
	addr_table_each(t, count_one, there);
	copy = addr_table_new(af, KEYS);
	for (uint32_t first = 0; first <= t->mask; first += 100)
		addr_table_copy(copy, t, first, 100);
	g_assert_cmpuint(copy->used, ==, used);
	addr_table_each(copy, count_one, there);
	addr_table_free(copy);
	addr_table_free(t);
	addr_table_free(NULL);
}

/* Cycles for a hit and a miss, 1,000 services in a table for 1,024; printed, not judged. */
static void
test_cost(gconstpointer family)
{
	uint8_t af = (uint8_t)GPOINTER_TO_INT(family);
	struct addr_table *t = addr_table_new(af, 1024);
	struct addr_key keys[2000];
	uint64_t cycles[2];
	uintptr_t sum = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		keys[i] = (struct addr_key){ .af = af, .proto = 6, .port = 80 };
		keys[i].addr.u32[af == AF_INET ? 0 : 3] = (uint32_t)g_test_rand_int();
		if (i < 1000)
			addr_table_set(t, &keys[i], t);
	}
	for (unsigned int miss = 0; miss < 2; miss++) {
		uint64_t start = rte_rdtsc();

		for (unsigned int round = 0; round < 100; round++) {
			for (unsigned int i = 0; i < 1000; i++)
				sum += (uintptr_t)addr_table_find(t, &keys[1000 * miss + i]) != 0;
		}
		cycles[miss] = (rte_rdtsc() - start) / 100000;
	}
	g_assert_cmpuint(sum, >=, 100000);
	g_test_message("%s: hit %u cycles, miss %u cycles", af == AF_INET ? "IPv4" : "IPv6",
		       (unsigned int)cycles[0], (unsigned int)cycles[1]);
	addr_table_free(t);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/addr_table/random/ipv4", GINT_TO_POINTER(AF_INET), test_random);
	g_test_add_data_func("/addr_table/random/ipv6", GINT_TO_POINTER(AF_INET6), test_random);
	g_test_add_data_func("/addr_table/cost/ipv4", GINT_TO_POINTER(AF_INET), test_cost);
	g_test_add_data_func("/addr_table/cost/ipv6", GINT_TO_POINTER(AF_INET6), test_cost);
	return g_test_run();
}
