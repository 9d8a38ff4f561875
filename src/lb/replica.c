/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-up tables replicated to the workers: see replica.h. Uses addr_table.c for the tables and
 * core/change.h to carry operations and to undo them.
 */
#include "lb/replica.h"

#include <errno.h>
#include <stdlib.h>

#include "core/change.h"

/* 256: slots copied between two looks at the clock. */
#define COPY_MAX 256u

/* What it takes to take a replica_set() back, or to clean up after it. */
struct replica_note {
	struct replica *replica;
	struct addr_key key;
	const void *before; /* value that @key had, NULL: none */
};

/* What it takes to take growth back, or to clean up after it. */
struct replica_grow_note {
	struct replica *replica;
	unsigned int family;
	struct replica_tables *before;
};

static unsigned int
family_of(uint8_t af)
{
	return af == AF_INET ? REPLICA_IP4 : REPLICA_IP6;
}

static void
tables_free(struct replica_tables *t)
{
	if (t == NULL)
		return;
	addr_table_free(t->main);
	for (unsigned int i = 0; i < t->count; i++)
		addr_table_free(t->worker[i]);
	free(t);
}

static struct replica_tables *
tables_new(uint8_t af, uint32_t capacity)
{
	unsigned int count = lcore_worker_count();
	struct replica_tables *t = calloc(1, sizeof(*t) + count * sizeof(t->worker[0]));

	if (t == NULL)
		return NULL;
	t->count = count;
	t->main = addr_table_new(af, capacity);
	if (t->main == NULL)
		goto err;
	for (unsigned int i = 0; i < count; i++) {
		t->worker[i] = addr_table_new(af, capacity);
		if (t->worker[i] == NULL)
			goto err;
	}
	return t;

err:
	tables_free(t);
	return NULL;
}

int
replica_init(struct replica *r, uint32_t capacity)
{
	for (unsigned int f = 0; f < REPLICA_FAMILIES; f++) {
		r->latest[f] = tables_new(f == REPLICA_IP4 ? AF_INET : AF_INET6, capacity);
		if (r->latest[f] == NULL) {
			replica_fini(r);
			return -ENOMEM;
		}
		r->grown[f] = (struct replica_grown){ .sent = true };
		for (unsigned int i = 0; i < r->latest[f]->count; i++)
			r->lcore[i].table[f] = r->latest[f]->worker[i];
	}
	return 0;
}

void
replica_fini(struct replica *r)
{
	for (unsigned int f = 0; f < REPLICA_FAMILIES; f++) {
		tables_free(r->latest[f]);
		r->latest[f] = NULL;
		for (unsigned int i = 0; i < WORKERS_MAX; i++)
			r->lcore[i].table[f] = NULL;
	}
}

/* Growth. */

static void
grow_undo(void *arg)
{
	struct replica_grow_note *note = arg;
	struct replica *r = note->replica;
	struct replica_grown *grown = &r->grown[note->family];

	/* They are either still being filled or the latest ones. */
	tables_free(grown->tables != NULL ? grown->tables : r->latest[note->family]);
	r->latest[note->family] = note->before;
	*grown = (struct replica_grown){ .sent = true };
	free(note);
}

static void
grow_done(void *arg)
{
	struct replica_grow_note *note = arg;

	tables_free(note->before);
	free(note);
}

static int
grow_begin(struct change *c, struct replica *r, unsigned int family)
{
	const struct replica_tables *from = r->latest[family];
	struct replica_grow_note *note = malloc(sizeof(*note));
	struct replica_tables *t = tables_new((uint8_t)from->main->af, addr_table_capacity(from->main) * 2);

	if (note == NULL || t == NULL) {
		free(note);
		tables_free(t);
		return -ENOMEM;
	}
	*note = (struct replica_grow_note){ .replica = r, .family = family, .before = r->latest[family] };
	r->grown[family] = (struct replica_grown){ .tables = t };
	change_undo(c, grow_undo, note);
	change_done(c, grow_done, note);
	return 0;
}

static bool
is_full(const struct replica_tables *t)
{
	return t->main->used >= addr_table_capacity(t->main);
}

/* Makes room for one more, @in_slices or in one go. */
static int
make_room(struct change *c, struct replica *r, unsigned int family, bool in_slices)
{
	const struct addr_table *from = r->latest[family]->main;
	struct replica_grown *grown = &r->grown[family];
	int err;

	if (!is_full(r->latest[family]))
		return 0;
	if (grown->tables == NULL) {
		err = grow_begin(c, r, family);
		if (err != 0)
			return err;
	}
	for (;;) {
		addr_table_copy(grown->tables->main, from, grown->copied, COPY_MAX);
		for (unsigned int i = 0; i < grown->tables->count; i++)
			addr_table_copy(grown->tables->worker[i], from, grown->copied, COPY_MAX);
		grown->copied += COPY_MAX;
		if (grown->copied > from->mask)
			break;
		if (in_slices && change_slice_over())
			return CHANGE_MORE;
	}
	r->latest[family] = grown->tables;
	grown->tables = NULL;
	grown->sent = false;
	return 0;
}

int
replica_room(struct change *c, struct replica *r, uint8_t af)
{
	return make_room(c, r, family_of(af), true);
}

/* Keys. */

static void
note_undo(void *arg)
{
	struct replica_note *note = arg;
	struct replica_tables *latest = note->replica->latest[family_of(note->key.af)];

	if (note->before != NULL)
		addr_table_set(latest->main, &note->key, note->before);
	else
		addr_table_remove(latest->main, &note->key);
	free(note);
}

int
replica_set(struct change *c, struct replica *r, struct replica_op *op, const struct addr_key *key,
	    const void *value)
{
	unsigned int family = family_of(key->af);
	struct replica_note *note = calloc(1, sizeof(*note));
	struct replica_tables *latest;

	*op = (struct replica_op){ .key = *key };
	if (note == NULL)
		return -ENOMEM;
	note->replica = r;
	note->key = *key;
	note->before = addr_table_find(r->latest[family]->main, key);
	if (value != NULL && note->before == NULL && make_room(c, r, family, false) != 0) {
		free(note);
		return -ENOMEM;
	}
	latest = r->latest[family];
	if (value != NULL)
		addr_table_set(latest->main, key, value);
	else
		addr_table_remove(latest->main, key);
	op->value = value;
	if (!r->grown[family].sent) {
		op->grown = latest;
		r->grown[family].sent = true;
	}
	change_undo(c, note_undo, note);
	change_done(c, free, note);
	return 0;
}

void
replica_apply(struct replica *r, const struct replica_op *op)
{
	unsigned int worker = lcore_me()->worker;
	struct addr_table **table = &r->lcore[worker].table[family_of(op->key.af)];

	if (op->grown != NULL)
		*table = op->grown->worker[worker];
	if (op->value != NULL)
		addr_table_set(*table, &op->key, op->value);
	else
		addr_table_remove(*table, &op->key);
}

int
replica_step(const struct replica *r, struct digest *d, struct addr_key *ret_key, const void **ret_value)
{
	uint32_t worker = lcore_me()->worker;
	/* Above the slot, the family. */
	const unsigned int family = (unsigned int)(d->pos >> 48);
	const struct addr_table *t;

	if (family == REPLICA_FAMILIES)
		return -1;
	t = worker == UINT32_MAX ? r->latest[family]->main : r->lcore[worker].table[family];
	for (unsigned int n = 0; n < DIGEST_STEP; n++) {
		uint64_t i = d->pos++ & ((UINT64_C(1) << 48) - 1);

		if (i > t->mask) {
			d->pos = (uint64_t)(family + 1) << 48;
			return 0;
		}
		*ret_value = addr_table_at(t, i, ret_key);
		if (*ret_value != NULL)
			return 1;
	}
	return 0;
}
