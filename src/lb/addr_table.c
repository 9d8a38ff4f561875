/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of addr_table.h that is not on the packet path: making, filling and emptying tables.
 */
#include "lb/addr_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/reserve.h"

/* 8: smallest number of slots; less saves nothing. */
#define SLOTS_MIN 8u

/* 256 KiB: tables of so many bytes are taken from the system. */
#define LARGE (256u << 10)

static uint64_t
key4(const struct addr_key *key)
{
	return (uint64_t)addr_table_rest(key->proto, key->port) << 32 | key->addr.ip4;
}

static size_t
slot_size(const struct addr_table *t)
{
	return t->af == AF_INET ? sizeof(struct addr_slot4) : sizeof(struct addr_slot6);
}

/* Has it whole pages of its own? */
static bool
is_large(const struct addr_table *t)
{
	return (size_t)(t->mask + 1) * slot_size(t) >= LARGE;
}

static bool
is_empty(const struct addr_table *t, uint64_t i)
{
	return t->af == AF_INET ? t->slot4[i].key == 0 : t->slot6[i].rest == 0;
}

/* Where the key in slot @i would like to be. */
static uint64_t
home_of(const struct addr_table *t, uint64_t i)
{
	if (t->af == AF_INET)
		return addr_table_hash4(t->slot4[i].key) >> t->shift;
	return addr_table_hash6(t->slot6[i].addr, t->slot6[i].rest) >> t->shift;
}

static bool
is_key(const struct addr_table *t, uint64_t i, const struct addr_key *key)
{
	if (t->af == AF_INET)
		return t->slot4[i].key == key4(key);
	return t->slot6[i].rest == addr_table_rest(key->proto, key->port) &&
	       t->slot6[i].addr[0] == key->addr.u64[0] && t->slot6[i].addr[1] == key->addr.u64[1];
}

/* The slot of @key, or the empty one where it would go. */
static uint64_t
probe(const struct addr_table *t, const struct addr_key *key)
{
	uint64_t i;

	if (t->af == AF_INET)
		i = addr_table_hash4(key4(key)) >> t->shift;
	else
		i = addr_table_hash6(key->addr.u64, addr_table_rest(key->proto, key->port)) >> t->shift;
	for (i &= t->mask; !is_empty(t, i) && !is_key(t, i, key); i = (i + 1) & t->mask)
		;
	return i;
}

struct addr_table *
addr_table_new(uint8_t af, uint32_t capacity)
{
	struct addr_table *t = calloc(1, sizeof(*t));
	uint32_t slots = SLOTS_MIN;

	if (t == NULL)
		return NULL;
	while (slots / 2 < capacity && slots < 1u << 30)
		slots *= 2;
	t->af = af;
	t->mask = slots - 1;
	t->shift = 64 - (uint32_t)__builtin_ctz(slots);
	/*
	 * Cache-aligned, so that the four slots of a line are probed with one miss. Large ones are not
	 * cleared here: that takes milliseconds.
	 */
	if (is_large(t)) {
		void *mem = NULL;

		if (reserve_new((size_t)slots * slot_size(t), &mem) == 0)
			t->slot4 = mem;
	} else {
		t->slot4 = aligned_alloc(64, (size_t)slots * slot_size(t));
		if (t->slot4 != NULL)
			memset(t->slot4, 0, (size_t)slots * slot_size(t));
	}
	if (t->slot4 == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
addr_table_free(struct addr_table *t)
{
	if (t == NULL)
		return;
	if (is_large(t))
		reserve_free(t->slot4, (size_t)(t->mask + 1) * slot_size(t));
	else
		free(t->slot4);
	free(t);
}

uint32_t
addr_table_capacity(const struct addr_table *t)
{
	return (t->mask + 1) / 2;
}

void
addr_table_set(struct addr_table *t, const struct addr_key *key, const void *value)
{
	uint64_t i = probe(t, key);

	t->used += is_empty(t, i);
	if (t->af == AF_INET) {
		t->slot4[i].key = key4(key);
		t->slot4[i].value = value;
	} else {
		t->slot6[i].addr[0] = key->addr.u64[0];
		t->slot6[i].addr[1] = key->addr.u64[1];
		t->slot6[i].rest = addr_table_rest(key->proto, key->port);
		t->slot6[i].value = value;
	}
}

bool
addr_table_remove(struct addr_table *t, const struct addr_key *key)
{
	uint64_t hole = probe(t, key);

	if (is_empty(t, hole))
		return false;
	/* Moves back each follower whose home is not past the hole, so that no probe stops short. */
	for (uint64_t i = (hole + 1) & t->mask; !is_empty(t, i); i = (i + 1) & t->mask) {
		uint64_t home = home_of(t, i) & t->mask;

		if (((i - home) & t->mask) < ((i - hole) & t->mask))
			continue;
		if (t->af == AF_INET)
			t->slot4[hole] = t->slot4[i];
		else
			t->slot6[hole] = t->slot6[i];
		hole = i;
	}
	if (t->af == AF_INET)
		memset(&t->slot4[hole], 0, sizeof(t->slot4[hole]));
	else
		memset(&t->slot6[hole], 0, sizeof(t->slot6[hole]));
	t->used--;
	return true;
}

static void
key_at(const struct addr_table *t, uint64_t i, struct addr_key *ret_key)
{
	uint64_t rest;

	memset(ret_key, 0, sizeof(*ret_key));
	ret_key->af = (uint8_t)t->af;
	if (t->af == AF_INET) {
		ret_key->addr.ip4 = (uint32_t)t->slot4[i].key;
		rest = t->slot4[i].key >> 32;
	} else {
		ret_key->addr.u64[0] = t->slot6[i].addr[0];
		ret_key->addr.u64[1] = t->slot6[i].addr[1];
		rest = t->slot6[i].rest;
	}
	ret_key->port = (rte_be16_t)rest;
	ret_key->proto = (uint8_t)(rest >> 16);
}

const void *
addr_table_at(const struct addr_table *t, uint64_t i, struct addr_key *ret_key)
{
	if (is_empty(t, i))
		return NULL;
	key_at(t, i, ret_key);
	return t->af == AF_INET ? t->slot4[i].value : t->slot6[i].value;
}

void
addr_table_each(const struct addr_table *t,
		void (*fn)(const struct addr_key *key, const void *value, void *arg), void *arg)
{
	struct addr_key key;

	for (uint64_t i = 0; i <= t->mask; i++) {
		if (is_empty(t, i))
			continue;
		key_at(t, i, &key);
		fn(&key, t->af == AF_INET ? t->slot4[i].value : t->slot6[i].value, arg);
	}
}

void
addr_table_copy(struct addr_table *to, const struct addr_table *from, uint32_t first, uint32_t count)
{
	struct addr_key key;

	for (uint64_t i = first; i <= from->mask && i < (uint64_t)first + count; i++) {
		if (is_empty(from, i))
			continue;
		key_at(from, i, &key);
		addr_table_set(to, &key, from->af == AF_INET ? from->slot4[i].value : from->slot6[i].value);
	}
}
