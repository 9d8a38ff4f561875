/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look-up table of which every worker has a copy, changed by commit. Main has one too: what the workers
 * have when all changes sent so far are applied. Room is made before the commit: when a key does not fit,
 * main builds a larger table for each worker, filled, and the operation carries it; so a worker never
 * allocates, and its part of the work is one insertion.
 *
 *   err = replica_room(c, &table, af)                      optional
 *   op = change_op(c, DPVS_MSG_..., sizeof(*op));          op has a struct replica_op
 *   replica_set(c, &table, op, &key, value)                notes undo and done in the change
 *   on_commit: replica_apply(&table, op)
 *
 * Thread-safety: replica_of(), replica_apply(): worker lcore. The rest: main lcore.
 */
#ifndef REPLICA_H
#define REPLICA_H

#include "core/digest.h"
#include "core/lcore.h"
#include "lb/addr_table.h"

struct change;

/** Tables per family: IPv4, IPv6. */
enum {
	REPLICA_IP4,
	REPLICA_IP6,
	REPLICA_FAMILIES,
};

/** struct replica_tables: one table for main and each worker, of one family. */
struct replica_tables {
	struct addr_table *main;
	unsigned int count;          /**< of @worker */
	struct addr_table *worker[]; /**< by worker index */
};

/** struct replica_lcore: the calling worker's copy. Worker: rw; main: only while no worker runs. */
struct replica_lcore {
	struct addr_table *table[REPLICA_FAMILIES];
} __attribute__((aligned(64)));

/** struct replica_grown: larger tables on their way. */
struct replica_grown {
	struct replica_tables *tables; /**< NULL: none */
	uint32_t copied;               /**< slots of the present tables that they have */
	bool sent;                     /**< no: the next replica_op carries them */
};

/** struct replica: a static of its user, zero at first. */
struct replica {
	struct replica_tables *latest[REPLICA_FAMILIES]; /**< main: as of the last change */
	struct replica_grown grown[REPLICA_FAMILIES];
	struct replica_lcore lcore[WORKERS_MAX];
};

/** struct replica_op: what a worker applies; stable memory of a change. */
struct replica_op {
	struct addr_key key;
	const void *value;             /**< NULL: remove @key */
	struct replica_tables *grown;  /**< taken first; NULL: there is room */
};

/** replica_init: tables for @capacity keys of each family. Returns 0 or -ENOMEM. */
int replica_init(struct replica *r, uint32_t capacity);
void replica_fini(struct replica *r);

/**
 * replica_room: makes room for one more key of family @af, in slices: main's and all workers' tables of
 * 100,000 keys take longer to fill than others should wait. To be called by who may return CHANGE_MORE, right
 * before replica_set(), which else makes the room in one go. Returns 0, -ENOMEM or CHANGE_MORE.
 */
int replica_room(struct change *c, struct replica *r, uint8_t af);

/**
 * replica_set: @key gets @value (NULL: goes), for main at once and for workers by @op, which is filled in.
 * Returns 0 or -ENOMEM (then nothing is changed, and @op does nothing).
 */
int replica_set(struct change *c, struct replica *r, struct replica_op *op, const struct addr_key *key,
		const void *value);

/** replica_apply: (worker) does what @op says to the calling worker's copy. */
void replica_apply(struct replica *r, const struct replica_op *op);

/** replica_of: the calling worker's table of a family. */
static inline const struct addr_table *
replica_of(const struct replica *r, unsigned int family)
{
	return r->lcore[lcore_me()->worker].table[family];
}

/** addr_key_digest: for entries with a key. */
static inline uint64_t
addr_key_digest(const struct addr_key *key)
{
	uint64_t hash = digest_bytes(0, &key->addr, sizeof(key->addr));

	return digest_u64(hash, (uint64_t)key->port << 32 | (uint64_t)key->proto << 16 | key->af);
}

/**
 * replica_step: (any lcore) goes on, from d->pos, through the calling worker's copy, on main through main's as of
 * the last change. Returns 1: there is an entry; 0: none here, but there is more to look at; -1: that was all.
 */
int replica_step(const struct replica *r, struct digest *d, struct addr_key *ret_key, const void **ret_value);

#endif
