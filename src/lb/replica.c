/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-up tables replicated to the workers: see replica.h. Uses addr_table.c for the tables and
 * core/change.h to carry operations and to undo them.
 */
#include "lb/replica.h"

#include <errno.h>
#include <stdlib.h>

#include "core/change.h"

/* What it takes to take a replica_set() back, or to clean up after it. */
struct replica_note {
	struct replica *replica;
	struct addr_key key;
	const void *before;            /* value that @key had, NULL: none */
	struct replica_tables *before_grow; /* NULL: did not grow */
};

static unsigned int
family_of(const struct addr_key *key)
{
	return key->af == AF_INET ? REPLICA_IP4 : REPLICA_IP6;
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

const void *
replica_find(const struct replica *r, const struct addr_key *key)
{
	return addr_table_find(r->latest[family_of(key)]->main, key);
}

/* A larger set of tables with what the present ones hold, or NULL. */
static struct replica_tables *
grow(const struct replica_tables *from)
{
	struct replica_tables *t =
		tables_new((uint8_t)from->main->af, addr_table_capacity(from->main) * 2);

	if (t == NULL)
		return NULL;
	addr_table_copy(t->main, from->main);
	for (unsigned int i = 0; i < t->count; i++)
		addr_table_copy(t->worker[i], from->main);
	return t;
}

static void
note_undo(void *arg)
{
	struct replica_note *note = arg;
	struct replica_tables **latest = &note->replica->latest[family_of(&note->key)];

	if (note->before_grow != NULL) {
		tables_free(*latest);
		*latest = note->before_grow;
	} else if (note->before != NULL) {
		addr_table_set((*latest)->main, &note->key, note->before);
	} else {
		addr_table_remove((*latest)->main, &note->key);
	}
	free(note);
}

static void
note_done(void *arg)
{
	struct replica_note *note = arg;

	tables_free(note->before_grow);
	free(note);
}

int
replica_set(struct change *c, struct replica *r, struct replica_op *op, const struct addr_key *key,
	    const void *value)
{
	struct replica_tables **latest = &r->latest[family_of(key)];
	struct replica_note *note = calloc(1, sizeof(*note));
	struct replica_tables *grown = NULL;

	*op = (struct replica_op){ .key = *key };
	if (note == NULL)
		return -ENOMEM;
	note->replica = r;
	note->key = *key;
	note->before = addr_table_find((*latest)->main, key);
	if (value != NULL && note->before == NULL &&
	    (*latest)->main->used >= addr_table_capacity((*latest)->main)) {
		grown = grow(*latest);
		if (grown == NULL) {
			free(note);
			return -ENOMEM;
		}
		note->before_grow = *latest;
		*latest = grown;
	}
	if (value != NULL)
		addr_table_set((*latest)->main, key, value);
	else
		addr_table_remove((*latest)->main, key);
	op->value = value;
	op->grown = grown;
	change_undo(c, note_undo, note);
	change_done(c, note_done, note);
	return 0;
}

void
replica_apply(struct replica *r, const struct replica_op *op)
{
	unsigned int worker = lcore_me()->worker;
	struct addr_table **table = &r->lcore[worker].table[family_of(&op->key)];

	if (op->grown != NULL)
		*table = op->grown->worker[worker];
	if (op->value != NULL)
		addr_table_set(*table, &op->key, op->value);
	else
		addr_table_remove(*table, &op->key);
}
