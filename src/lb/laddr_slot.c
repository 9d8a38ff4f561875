/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local addresses that there are, each with its slot in the per-worker arrays. An address is on its port as long as
 * it has a slot (net/ifaddr.h), so that servers reach it until the last connection has ended, also when no service
 * has it any more: it is in the trash then. Readers do not see it: for them it goes with the change that took it from
 * its last service.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/htable.h"
#include "core/reserve.h"
#include "lb/laddr.h"
#include "lb/laddr_priv.h"
#include "lb/replica.h"
#include "lb/slots.h"
#include "lb/truth.h"
#include "net/ifaddr.h"

/* Addresses in the trash looked at in one go, below a millisecond: each takes an address and its route with it. */
#define REAP_MAX 128u

TAILQ_HEAD(laddr_list, laddr);

struct laddr_lcore *laddr_lcores[WORKERS_MAX];

static struct htable table; /* struct laddr, by key */
static struct laddr_list trash = TAILQ_HEAD_INITIALIZER(trash);
static uint32_t trash_count;
static uint64_t *misses_zero[WORKERS_MAX]; /* by worker and slot: port_misses begin to count there */
static struct slots slots;
static struct laddr **by_slot; /* those in @table; as many as slots.max */
static guint reap_soon;        /* GLib's source when there is more to reap; 0: none */

uint32_t
laddr_max(void)
{
	return slots.max;
}

/* Sums over the workers. */

static uint64_t
conns_of(uint32_t index)
{
	uint64_t conns = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		conns += __atomic_load_n(&laddr_lcores[i][index].conns, __ATOMIC_RELAXED);
	return conns;
}

static uint64_t
misses_of(uint32_t index)
{
	uint64_t misses = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		misses += __atomic_load_n(&laddr_lcores[i][index].port_misses, __ATOMIC_RELAXED);
	return misses;
}

void
laddr_counts(uint32_t index, uint64_t *ret_conns, uint64_t *ret_misses)
{
	*ret_conns = conns_of(index);
	*ret_misses = misses_of(index);
	for (unsigned int w = 0; w < lcore_worker_count(); w++)
		*ret_misses -= misses_zero[w][index];
}

/* The table and the slots. */

bool
laddr_at(uint32_t index, struct laddr_id *ret_id)
{
	const struct laddr *la = by_slot[index];

	if (la == NULL || change_hides(la->added))
		return false;
	*ret_id = (struct laddr_id){ .key = la->key, .index = la->index, .port = la->port };
	return true;
}

uint32_t
laddr_slots_used(void)
{
	return slots.used;
}

bool
laddr_is(const struct laddr_id *id)
{
	const struct laddr *la = by_slot[id->index];

	return la != NULL && addr_key_equal(&la->key, &id->key);
}

uint64_t
laddr_zero_of(uint32_t index, unsigned int worker)
{
	return misses_zero[worker][index];
}

void
laddr_zero_set(uint32_t index, unsigned int worker, uint64_t misses)
{
	misses_zero[worker][index] = misses;
}

struct laddr *
laddr_by_key(const struct addr_key *key)
{
	uint32_t hash = addr_key_hash(key);

	for (struct htable_node *n = htable_first(&table, hash); n != NULL; n = n->next) {
		struct laddr *la = htable_object(n, struct laddr, node);

		if (n->hash == hash && addr_key_equal(&la->key, key))
			return la;
	}
	return NULL;
}

bool
laddr_digest_truth(struct digest *d)
{
	for (unsigned int n = 0; n < DIGEST_STEP && d->pos < slots.used; n++) {
		const struct laddr *la = by_slot[d->pos++];

		if (la != NULL)
			digest_add(d, digest_u64(addr_key_digest(&la->key), la->index + 1));
	}
	return d->pos < slots.used;
}

/* Addresses come and go. */

static void
table_add(struct laddr *la)
{
	htable_add(&table, &la->node, addr_key_hash(&la->key));
	by_slot[la->index] = la;
}

static void
table_remove(struct laddr *la)
{
	htable_remove(&table, &la->node);
	by_slot[la->index] = NULL;
}

static void
trash_put(struct laddr *la)
{
	la->in_trash = true;
	TAILQ_INSERT_TAIL(&trash, la, trash_link);
	trash_count++;
}

static void
trash_take(struct laddr *la)
{
	la->in_trash = false;
	TAILQ_REMOVE(&trash, la, trash_link);
	trash_count--;
}

static void
laddr_free(void *arg)
{
	struct laddr *la = arg;

	slots_put(&slots, la->index);
	free(la);
}

static void
new_undo(void *arg)
{
	struct laddr *la = arg;

	table_remove(la);
	laddr_free(la);
}

int
laddr_new(struct change *c, const struct addr_key *key, uint16_t port, struct laddr **ret_laddr)
{
	struct laddr *la = calloc(1, sizeof(*la));
	int err;

	if (la == NULL)
		return -ENOMEM;
	la->key = *key;
	la->port = port;
	la->added = change_serial(c);
	err = slots_get(&slots, &la->index);
	if (err != 0) {
		free(la);
		return change_error(c, err,
				    "no room for another local address; raise max in section [laddr]");
	}
	for (unsigned int w = 0; w < lcore_worker_count(); w++)
		misses_zero[w][la->index] = __atomic_load_n(&laddr_lcores[w][la->index].port_misses, __ATOMIC_RELAXED);
	table_add(la);
	change_undo(c, new_undo, la);
	err = laddr_publish(c, la, true);
	if (err == 0)
		*ret_laddr = la;
	return err;
}

static void
untrash_undo(void *arg)
{
	trash_put(arg);
}

void
laddr_settle(struct laddr *la)
{
	if (la->users == 0 && la->removals == 0 && !la->in_trash)
		trash_put(la);
}

/*
 * Its last removal was confirmed while it had a user, which it has no more; unless that came between this note and
 * the one before, and the note of the removal has done it.
 */
static void
settle_undo(void *arg)
{
	laddr_settle(arg);
}

void
laddr_use(struct change *c, struct laddr *la)
{
	if (la->in_trash) {
		trash_take(la);
		change_undo(c, untrash_undo, la);
	} else if (la->users == 0 && la->removals > 0) {
		change_undo(c, settle_undo, la);
	}
}

/* The trash. */

static void
reap_undo(void *arg)
{
	struct laddr *la = arg;

	table_add(la);
	trash_put(la);
}

static int
reap(struct change *c, struct laddr *la)
{
	int err;

	trash_take(la);
	table_remove(la);
	change_undo(c, reap_undo, la);
	change_done(c, laddr_free, la);
	err = laddr_publish(c, la, false);
	if (err == 0)
		err = ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_NOT_HELD);
	return err;
}

static gboolean
reap_again(gpointer data)
{
	(void)data;
	reap_soon = 0;
	laddr_job_reap();
	return G_SOURCE_REMOVE;
}

int
laddr_job_reap(void)
{
	struct change *c = NULL;
	uint32_t left = MIN(trash_count, REAP_MAX);
	uint32_t reaped = 0;
	int err = 0;

	if (change_busy())
		return -EAGAIN; /* next time */
	for (; err == 0 && left > 0; left--) {
		struct laddr *la = TAILQ_FIRST(&trash);

		if (conns_of(la->index) != 0) {
			trash_take(la);
			trash_put(la);
			continue;
		}
		if (c == NULL) {
			c = change_begin();
			change_quiet(c); /* nobody has seen them since they were removed */
		}
		err = reap(c, la);
		reaped++;
	}
	if (c == NULL)
		return -EAGAIN;
	if (err != 0)
		change_abandon(c);
	else
		err = change_commit(c);
	/* The rest goes when the main loop has nothing else to do. */
	if (err == 0 && reaped == REAP_MAX && reap_soon == 0)
		reap_soon = g_idle_add(reap_again, NULL);
	return err == 0 ? 0 : -EAGAIN;
}

/* Start and end. */

void
laddr_slots_fini(void)
{
	if (reap_soon != 0)
		g_source_remove(reap_soon);
	reap_soon = 0;
	TAILQ_INIT(&trash);
	trash_count = 0;
	for (uint32_t i = 0; by_slot != NULL && i < slots.used; i++)
		free(by_slot[i]);
	htable_fini(&table);
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		reserve_free(misses_zero[i], slots.max * sizeof(misses_zero[i][0]));
		misses_zero[i] = NULL;
		reserve_free(laddr_lcores[i], slots.max * sizeof(struct laddr_lcore));
		laddr_lcores[i] = NULL;
	}
	reserve_free(by_slot, slots.max * sizeof(by_slot[0]));
	by_slot = NULL;
	slots_fini(&slots);
}

int
laddr_slots_init(uint32_t max)
{
	int err = htable_init(&table, max);

	slots_init(&slots, max);
	if (err == 0)
		err = reserve_new(max * sizeof(by_slot[0]), (void **)&by_slot);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(struct laddr_lcore), (void **)&laddr_lcores[i]);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(misses_zero[i][0]), (void **)&misses_zero[i]);
	return err;
}
