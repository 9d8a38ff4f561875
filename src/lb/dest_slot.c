/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of real servers in the per-worker arrays, and all servers that have one, by their addresses.
 *
 * A slot's life: given out when a server is added; after its removal the server is kept ("trash") until no
 * worker holds the slot, then the slot is free for another one under the next generation. Adding a server
 * that is in the trash, of the same virtual address and port, takes it out again with slot and generation:
 * its old connections go on, as in LVS. This holds across `ipvsadm -C; ipvsadm -R` too, because the trash
 * does not ask for the same service, only for the same virtual address.
 *
 * Generations that servers have are odd; while one is removed, workers have the next even number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/reserve.h"
#include "lb/replica.h"
#include "lb/slots.h"
#include "lb/truth.h"

/* 512: servers in the trash looked at in one go, half a millisecond. */
#define REAP_MAX 512u

struct dest_lcore *dest_lcores[WORKERS_MAX];
struct dest_conns *dest_conns[WORKERS_MAX];

/** struct reply: how many servers in use have this address, protocol and port in mode NAT. */
struct reply {
	struct addr_key key;
	struct htable_node node;
	uint32_t count;
};

static struct htable table;    /* struct rs, by virtual and real address; those in the trash too */
static struct htable replies;  /* struct reply */
static struct rs_list trash = TAILQ_HEAD_INITIALIZER(trash);
static uint32_t trash_count;
static struct slots slots;
static struct rs **by_slot;    /* as many as slots.max */
static uint32_t *generations;  /* the last one of each slot */
static guint reap_soon;        /* GLib's source when there is more to reap, 0: none */

static uint32_t
rs_hash(const struct rs_key *key)
{
	uint64_t seed = (uint64_t)addr_key_hash(&key->vip) << 16 ^ key->port;

	return (uint32_t)(addr_table_hash6(key->addr.u64, seed) >> 32);
}

static bool
rs_equal(const struct rs_key *a, const struct rs_key *b)
{
	return a->port == b->port && a->addr.u64[0] == b->addr.u64[0] && a->addr.u64[1] == b->addr.u64[1] &&
	       addr_key_equal(&a->vip, &b->vip);
}

static void
table_add(struct rs *rs)
{
	htable_add(&table, &rs->node, rs_hash(&rs->key));
}

struct rs *
dest_slot(uint32_t index)
{
	return by_slot[index];
}

uint32_t
dest_slots_used(void)
{
	return slots.used;
}

uint32_t
dest_active_total(uint32_t index)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		total += __atomic_load_n(&dest_conns[i][index].active, __ATOMIC_RELAXED);
	return total;
}

uint32_t
dest_inactive_total(uint32_t index)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		total += __atomic_load_n(&dest_conns[i][index].inactive, __ATOMIC_RELAXED);
	return total;
}

static bool
is_held(uint32_t index)
{
	uint32_t holds = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		holds += __atomic_load_n(&dest_lcores[i][index].holds, __ATOMIC_RELAXED);
	return holds != 0;
}

/* The table of NAT servers: workers know an address as long as a server with it has its slot. */

static void
reply_key(const struct rs_key *rs, struct addr_key *ret_key)
{
	*ret_key = (struct addr_key){
		.addr = rs->addr, .port = rs->port, .proto = rs->vip.proto, .af = rs->vip.af,
	};
}

static struct reply *
reply_find(const struct addr_key *key)
{
	guint hash = addr_key_hash(key);

	for (struct htable_node *n = htable_first(&replies, hash); n != NULL; n = n->next) {
		struct reply *reply = container_of(n, struct reply, node);

		if (n->hash == hash && addr_key_equal(&reply->key, key))
			return reply;
	}
	return NULL;
}

/* Returns how many there still are. */
static uint32_t
reply_drop(struct rs *rs)
{
	struct addr_key key;
	struct reply *reply;

	reply_key(&rs->key, &key);
	reply = reply_find(&key);
	rs->replies = false;
	if (--reply->count > 0)
		return reply->count;
	htable_remove(&replies, &reply->node);
	g_free(reply);
	return 0;
}

/* Returns how many there are. */
static uint32_t
reply_count(struct rs *rs)
{
	struct addr_key key;
	struct reply *reply;

	reply_key(&rs->key, &key);
	reply = reply_find(&key);
	if (reply == NULL) {
		reply = g_new0(struct reply, 1);
		reply->key = key;
		htable_add(&replies, &reply->node, addr_key_hash(&key));
	}
	rs->replies = true;
	return ++reply->count;
}

static void
reply_hold_undo(void *rs)
{
	reply_drop(rs);
}

static void
reply_release_undo(void *rs)
{
	reply_count(rs);
}

int
dest_reply_room(struct change *c, const struct rs_key *key, uint8_t fwd)
{
	return fwd == DPVS_FWD_NAT ? dest_publish_room(c, key->vip.af) : 0;
}

int
dest_hold_reply(struct change *c, struct rs *rs)
{
	struct addr_key key;

	if (rs->conf.fwd != DPVS_FWD_NAT || rs->replies)
		return 0;
	change_undo(c, reply_hold_undo, rs);
	if (reply_count(rs) > 1)
		return 0;
	reply_key(&rs->key, &key);
	return dest_publish_reply(c, &key, true);
}

static int
reply_release(struct change *c, struct rs *rs)
{
	struct addr_key key;

	change_undo(c, reply_release_undo, rs);
	if (reply_drop(rs) > 0)
		return 0;
	reply_key(&rs->key, &key);
	return dest_publish_reply(c, &key, false);
}

bool
dest_replies_digest(struct digest *d)
{
	for (unsigned int n = 0; n < DIGEST_STEP && d->pos < replies.buckets; n++, d->pos++) {
		for (const struct htable_node *node = replies.bucket[d->pos]; node != NULL; node = node->next) {
			const struct reply *reply =
				(const struct reply *)((const char *)node - offsetof(struct reply, node));

			digest_add(d, addr_key_digest(&reply->key));
		}
	}
	return d->pos < replies.buckets;
}

/* Servers. */

struct rs *
dest_find(const struct rs_key *key)
{
	uint32_t hash = rs_hash(key);

	for (struct htable_node *n = htable_first(&table, hash); n != NULL; n = n->next) {
		struct rs *rs = container_of(n, struct rs, node);

		if (n->hash == hash && rs_equal(&rs->key, key))
			return rs;
	}
	return NULL;
}

void
dest_discard(struct rs *rs)
{
	htable_remove(&table, &rs->node);
	by_slot[rs->index] = NULL;
	slots_put(&slots, rs->index);
	free(rs);
}

int
dest_new(struct change *c, const struct rs_key *key, struct rs **ret_rs)
{
	struct rs *rs = calloc(1, sizeof(*rs));
	int err;

	if (rs == NULL)
		return -ENOMEM;
	rs->key = *key;
	err = slots_get(&slots, &rs->index);
	if (err != 0) {
		free(rs);
		return change_error(c, err,
				    "no room for another server; raise max-dests in section [service]");
	}
	/* A slot that was never used has counted nothing: its counters need not be touched. */
	if (generations[rs->index] == 0)
		generations[rs->index] = 1;
	else
		rs_reset(rs);
	rs->generation = generations[rs->index];
	by_slot[rs->index] = rs;
	table_add(rs);
	*ret_rs = rs;
	return 0;
}

/* The trash. */

void
dest_trash_put(struct rs *rs)
{
	rs->in_trash = true;
	TAILQ_INSERT_TAIL(&trash, rs, trash_link);
	trash_count++;
}

void
dest_trash_take(struct rs *rs)
{
	TAILQ_REMOVE(&trash, rs, trash_link);
	trash_count--;
	rs->in_trash = false;
}

static void
reap_done(void *arg)
{
	struct rs *rs = arg;

	/* The table may have another server of the same addresses by now, in another slot. */
	generations[rs->index] = rs->generation + 2;
	by_slot[rs->index] = NULL;
	slots_put(&slots, rs->index);
	free(rs);
}

static void
reap_undo(void *arg)
{
	struct rs *rs = arg;

	table_add(rs);
	dest_trash_put(rs);
}

/* Workers forget about @rs; its slot is free when they have. */
static int
reap(struct change *c, struct rs *rs)
{
	dest_trash_take(rs);
	htable_remove(&table, &rs->node);
	change_undo(c, reap_undo, rs);
	change_done(c, reap_done, rs);
	return rs->replies ? reply_release(c, rs) : 0;
}

static gboolean
reap_again(gpointer data)
{
	(void)data;
	reap_soon = 0;
	dest_job_reap();
	return G_SOURCE_REMOVE;
}

int
dest_job_reap(void)
{
	struct change *c = NULL;
	uint32_t left = trash_count < REAP_MAX ? trash_count : REAP_MAX;
	uint32_t reaped = 0;
	int err = 0;

	if (change_busy())
		return -EAGAIN; /* next time */
	for (; err == 0 && left > 0; left--) {
		struct rs *rs = TAILQ_FIRST(&trash);

		if (is_held(rs->index)) {
			dest_trash_take(rs);
			dest_trash_put(rs);
			continue;
		}
		if (c == NULL) {
			c = change_begin();
			change_quiet(c);
		}
		err = reap(c, rs);
		reaped++;
	}
	if (c == NULL)
		return -EAGAIN;
	if (err != 0)
		change_abandon(c);
	else
		err = change_commit(c);
	/* After a large removal the rest goes when the main loop has nothing else to do. */
	if (err == 0 && reaped == REAP_MAX && reap_soon == 0)
		reap_soon = g_idle_add(reap_again, NULL);
	return err == 0 ? 0 : -EAGAIN;
}

/* Start and end. */

int
dest_init(uint32_t max)
{
	int err;

	slots_init(&slots, max);
	err = htable_init(&table, max);
	if (err == 0)
		err = htable_init(&replies, max);
	if (err == 0)
		err = reserve_new(max * sizeof(by_slot[0]), (void **)&by_slot);
	if (err == 0)
		err = reserve_new(max * sizeof(generations[0]), (void **)&generations);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(struct dest_lcore), (void **)&dest_lcores[i]);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(struct dest_conns), (void **)&dest_conns[i]);
	return err;
}

void
dest_fini(void)
{
	TAILQ_INIT(&trash);
	trash_count = 0;
	if (reap_soon != 0)
		g_source_remove(reap_soon);
	reap_soon = 0;
	for (uint32_t i = 0; by_slot != NULL && i < slots.used; i++) {
		if (by_slot[i] != NULL && by_slot[i]->replies)
			reply_drop(by_slot[i]);
		free(by_slot[i]);
	}
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		reserve_free(dest_lcores[i], slots.max * sizeof(struct dest_lcore));
		dest_lcores[i] = NULL;
		reserve_free(dest_conns[i], slots.max * sizeof(struct dest_conns));
		dest_conns[i] = NULL;
	}
	reserve_free(by_slot, slots.max * sizeof(by_slot[0]));
	by_slot = NULL;
	reserve_free(generations, slots.max * sizeof(generations[0]));
	generations = NULL;
	htable_fini(&table);
	htable_fini(&replies);
	slots_fini(&slots);
}
