/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services that there are: the table by key, the list in the order of adding, their slots, and how they come, change
 * and go. What is done to the truth is done at once, with a note that takes it back; what workers get of it is
 * built before the commit (lb_build.c).
 */
#include <stdlib.h>
#include <string.h>

#include "lb/slots.h"
#include "lb/truth.h"

/** struct vs_note: a service as it was before a record changed it. */
struct vs_note {
	struct vs *vs; /**< counted */
	struct vs_conf conf;
	uint64_t relisted;
};

/** struct vs_number: how many services there are. */
struct vs_number {
	uint32_t now;
	uint32_t before;    /**< before the change of serial @by */
	uint64_t by;
};

/** struct vs_walk: where a request that goes through all services goes on. */
struct vs_walk {
	uint64_t serial; /**< of its change; 0: none does */
	struct vs *next; /**< moved on when it goes */
};

static struct htable table; /* by key */
static struct vs_list list = TAILQ_HEAD_INITIALIZER(list);
static struct slots slots;
static struct vs_number number;
static struct vs_walk walk;

/* The table and the list. */

int
vs_table_init(uint32_t max)
{
	slots_init(&slots, max);
	return htable_init(&table, max);
}

struct vs *
vs_lookup(const struct addr_key *key)
{
	guint hash = addr_key_hash(key);

	for (struct htable_node *n = htable_first(&table, hash); n != NULL; n = n->next) {
		struct vs *vs = container_of(n, struct vs, node);

		if (n->hash == hash && addr_key_equal(&vs->key, key))
			return vs;
	}
	return NULL;
}

static void
table_add(struct vs *vs)
{
	htable_add(&table, &vs->node, addr_key_hash(&vs->key));
	vs->in_table = true;
}

void
vs_hide_key(struct vs *vs)
{
	if (vs->in_table)
		htable_remove(&table, &vs->node);
	vs->in_table = false;
}

static void
vs_free(struct vs *vs)
{
	if (walk.next == vs)
		walk.next = TAILQ_NEXT(vs, link);
	TAILQ_REMOVE(&list, vs, link);
	free(vs);
}

struct vs *
vs_ref(struct vs *vs)
{
	vs->refs++;
	return vs;
}

void
vs_unref(void *arg)
{
	struct vs *vs = arg;

	if (--vs->refs == 0)
		vs_free(vs);
}

void
vs_table_fini(void)
{
	struct vs *vs;

	while ((vs = TAILQ_FIRST(&list)) != NULL) {
		build_discard(vs);
		laddr_discard(vs);
		vs_free(vs);
	}
	htable_fini(&table);
	slots_fini(&slots);
	number = (struct vs_number){ 0 };
	walk = (struct vs_walk){ 0 };
}

const struct vs_list *
vs_all(void)
{
	return &list;
}

uint32_t
vs_count(void)
{
	return change_hides(number.by) ? number.before : number.now;
}

static void
set_listed(struct vs *vs, bool listed)
{
	vs->listed = listed;
	if (listed)
		event_node_add(&vs_nodes, &vs->event);
	else
		event_node_del(&vs_nodes, &vs->event);
}

static void
count(struct change *c, uint32_t n)
{
	if (number.by != change_serial(c)) {
		number.by = change_serial(c);
		number.before = number.now;
	}
	number.now += n;
}

struct vs *
vs_find(const struct addr_key *key)
{
	struct vs *vs = vs_lookup(key);

	return vs != NULL && vs->listed ? vs : NULL;
}

/* How they come, change and go. */

/* Nobody will find it any more; who holds it still does. */
static void
forget(struct vs *vs)
{
	vs_hide_key(vs);
	slots_put(&slots, vs->index);
	vs->index = SLOT_NONE;
	vs_unref(vs);
}

static void
new_undo(void *arg)
{
	struct vs *vs = arg;

	set_listed(vs, false);
	number.now--;
	forget(vs);
}

int
vs_new(struct change *c, const struct addr_key *key, const struct vs_conf *conf)
{
	struct vs *vs = calloc(1, sizeof(*vs));
	int err;

	if (vs == NULL)
		return -ENOMEM;
	err = slots_get(&slots, &vs->index);
	if (err != 0) {
		free(vs);
		return change_error(c, err, "no room for another service; raise max-services in section "
					    "[service]");
	}
	vs->key = *key;
	vs->conf = *conf;
	vs->refs = 1;
	set_listed(vs, true);
	vs->named = change_serial(c);
	TAILQ_INIT(&vs->dests);
	TAILQ_INIT(&vs->laddrs);
	TAILQ_INIT(&vs->cursors);
	TAILQ_INSERT_TAIL(&list, vs, link);
	table_add(vs);
	count(c, 1);
	change_undo(c, new_undo, vs);
	vs_emit(c, DPVS_EVENT_OP_ADD, vs);
	build_service(c, vs);
	return 0;
}

static struct vs_note *
note_new(struct vs *vs)
{
	struct vs_note *note = g_new(struct vs_note, 1);

	*note = (struct vs_note){ .vs = vs_ref(vs), .conf = vs->conf, .relisted = vs->relisted };
	return note;
}

static void
note_free(void *arg)
{
	struct vs_note *note = arg;

	vs_unref(note->vs);
	g_free(note);
}

static void
relist_undo(void *arg)
{
	struct vs_note *note = arg;

	set_listed(note->vs, false);
	note->vs->conf = note->conf;
	note->vs->relisted = note->relisted;
	number.now--;
	note_free(note);
}

static void
relist_done(void *arg)
{
	struct vs_note *note = arg;

	memset(&note->vs->retired, 0, sizeof(note->vs->retired));
	note->vs->sums_epoch++;
	note_free(note);
}

void
vs_relist(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	struct vs_note *note = note_new(vs);

	set_listed(vs, true);
	vs->conf = *conf;
	vs->named = change_serial(c);
	vs->relisted = change_serial(c);
	count(c, 1);
	change_undo(c, relist_undo, note);
	change_done(c, relist_done, note);
	vs_emit(c, DPVS_EVENT_OP_ADD, vs);
	build_service(c, vs);
}

static void
edit_undo(void *arg)
{
	struct vs_note *note = arg;

	note->vs->conf = note->conf;
	note_free(note);
}

void
vs_edit(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	struct vs_note *note;

	if (vs_conf_equal(&vs->conf, conf))
		return;
	note = note_new(vs);
	vs->conf = *conf;
	change_undo(c, edit_undo, note);
	change_done(c, note_free, note);
	vs_emit(c, DPVS_EVENT_OP_CHANGE, vs);
	build_service(c, vs);
}

static void
del_undo(void *arg)
{
	struct vs *vs = arg;

	set_listed(vs, true);
	vs->removals--;
	number.now++;
}

static void
del_done(void *arg)
{
	struct vs *vs = arg;

	vs->removals--;
	if (!vs->listed && vs->removals == 0)
		forget(vs);
}

int
vs_del(struct change *c, struct vs *vs)
{
	int err = laddr_unlink_all(c, vs, 0);

	if (err == 0)
		err = dest_unlink_all(c, vs, 0);
	if (err != 0)
		return err;
	set_listed(vs, false);
	vs->removals++;
	vs->removed = change_serial(c);
	count(c, UINT32_MAX); /* less 1 */
	change_undo(c, del_undo, vs);
	change_done(c, del_done, vs);
	vs_emit(c, DPVS_EVENT_OP_DEL, vs);
	build_service(c, vs);
	return 0;
}

int
vs_each(struct change *c, int (*fn)(struct change *c, struct vs *vs))
{
	if (walk.serial != change_serial(c)) {
		walk.serial = change_serial(c);
		walk.next = TAILQ_FIRST(&list);
	}
	while (walk.next != NULL) {
		struct vs *vs = walk.next;
		int err = vs->listed ? fn(c, vs) : 0;

		if (err != 0)
			return err;
		walk.next = TAILQ_NEXT(vs, link);
		if (walk.next != NULL && change_slice_over())
			return CHANGE_MORE;
	}
	walk.serial = 0;
	return 0;
}
