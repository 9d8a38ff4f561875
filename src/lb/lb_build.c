/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From truth to what workers get, once per change: control handlers only note which services and servers
 * they changed; before the commit each of these services is built anew as one object, however many records
 * named it, and the slots of its servers are published. In this order, so that a worker that applies them
 * one by one never gives a connection to a server that it takes for removed:
 *   slots of servers that are there, services, slots of servers that are gone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/change.h"
#include "lb/sched.h"
#include "lb/truth.h"

/** struct build: what one change has changed. */
struct build {
	struct change *change;
	uint64_t serial;   /**< written to vs.noted and rs.noted: in the list already */
	GPtrArray *services; /**< struct vs, counted */
	GPtrArray *dests;  /**< struct rs; not counted: a server of a change lives as long as the change is made */
};

/** struct build_note: an object that took the place of another. */
struct build_note {
	struct vs *vs; /**< counted */
	struct service *before;
	struct service *after;
};

/* The change that is being made; changes are made one after another. */
static struct build *current;
static uint64_t last_serial;

static void
build_free(void *arg)
{
	struct build *b = arg;

	if (current == b)
		current = NULL;
	g_ptr_array_free(b->services, TRUE);
	g_ptr_array_free(b->dests, TRUE);
	g_free(b);
}

static void
service_free(struct service *svc)
{
	if (svc == NULL)
		return;
	free((void *)(uintptr_t)svc->sched_table);
	free(svc);
}

void
build_discard(struct vs *vs)
{
	service_free(vs->published);
	vs->published = NULL;
}

/* The object for workers: header, servers and local addresses in one piece of memory. */
static int
service_new(const struct vs *vs, struct service **ret_svc)
{
	size_t size = sizeof(struct service) + vs->num_dests * sizeof(struct dest) +
		      vs->num_laddrs * sizeof(struct service_laddr);
	struct service *svc = aligned_alloc(64, (size + 63) & ~(size_t)63);
	struct dest *dest;
	struct service_laddr *laddr;
	struct vs_laddr *vl;
	struct rs *rs;
	void *table = NULL;
	int err;

	if (svc == NULL)
		return -ENOMEM;
	dest = (struct dest *)(svc + 1);
	laddr = (struct service_laddr *)(dest + vs->num_dests);
	*svc = (struct service){
		.index = vs->index,
		.vip = vs->key.addr,
		.port = vs->key.port,
		.af = vs->key.af,
		.proto = vs->key.proto,
		.conn_timeout_s = vs->conn_timeout_s,
		.sched_flags = vs->sched_flags,
		.sched = vs->sched,
		.num_dests = vs->num_dests,
		.num_laddrs = vs->num_laddrs,
		.dests = dest,
		.laddrs = laddr,
	};
	TAILQ_FOREACH (rs, &vs->dests, link) {
		*dest++ = (struct dest){
			.index = rs->index,
			.generation = rs->generation,
			.addr = rs->addr,
			.port = rs->port,
			.af = vs->key.af,
			.fwd = rs->fwd,
			.weight = rs->weight,
			.last_weight = rs->last_weight,
		};
	}
	TAILQ_FOREACH (vl, &vs->laddrs, link)
		laddr_describe(vl->laddr, laddr++);

	err = svc->sched->build(svc, &table);
	if (err != 0) {
		free(svc);
		return err;
	}
	svc->sched_table = table;
	*ret_svc = svc;
	return 0;
}

static void
note_undo(void *arg)
{
	struct build_note *note = arg;

	note->vs->published = note->before;
	service_free(note->after);
	vs_unref(note->vs);
	free(note);
}

static void
note_done(void *arg)
{
	struct build_note *note = arg;

	service_free(note->before);
	vs_unref(note->vs);
	free(note);
}

static int
build_one(struct change *c, struct vs *vs)
{
	struct service *before = vs->published;
	struct service *after = NULL;
	struct build_note *note;
	int err;

	if (!vs->listed && before == NULL)
		return 0; /* came and went in this change */
	note = calloc(1, sizeof(*note));
	if (note == NULL)
		return -ENOMEM;
	if (vs->listed) {
		err = service_new(vs, &after);
		if (err != 0) {
			char text[KEY_TEXT_SIZE];

			free(note);
			if (err == -ENOSPC)
				change_error(c, err,
					     "service %s has more servers than scheduler %s has slots; "
					     "raise mh-table-size in section [service]",
					     key_text(&vs->key, text), vs->sched->name);
			return err;
		}
	}
	*note = (struct build_note){ .vs = vs_ref(vs), .before = before, .after = after };
	vs->published = after;
	change_undo(c, note_undo, note);
	change_done(c, note_done, note);
	return service_publish(c, &vs->key, after,
			       before == NULL || (after != NULL && before->sched != after->sched));
}

/* Publishes the slots of servers that are there, or of those that are gone. */
static int
build_slots(struct change *c, const struct build *b, bool there)
{
	uint32_t (*pairs)[2] = malloc((b->dests->len + 1) * sizeof(pairs[0]));
	uint32_t count = 0;
	int err;

	if (pairs == NULL)
		return -ENOMEM;
	for (guint i = 0; i < b->dests->len; i++) {
		const struct rs *rs = g_ptr_array_index(b->dests, i);

		if ((rs->vs != NULL) != there)
			continue;
		pairs[count][0] = rs->index;
		/* Servers have odd generations, so this one is nobody's. */
		pairs[count++][1] = there ? rs->generation : rs->generation + 1;
	}
	err = dest_publish_generations(c, (const uint32_t (*)[2])pairs, count);
	free(pairs);
	return err;
}

static int
build_run(struct change *c, void *arg)
{
	struct build *b = arg;
	int err;

	current = NULL; /* who changes something from here on gets a build of his own */
	err = build_slots(c, b, true);
	for (guint i = 0; err == 0 && i < b->services->len; i++)
		err = build_one(c, g_ptr_array_index(b->services, i));
	if (err == 0)
		err = build_slots(c, b, false);
	return err;
}

static struct build *
build_of(struct change *c)
{
	if (current != NULL && current->change == c)
		return current;
	g_assert(current == NULL);
	current = g_malloc0(sizeof(*current));
	current->change = c;
	current->serial = ++last_serial;
	current->services = g_ptr_array_new_with_free_func(vs_unref);
	current->dests = g_ptr_array_new();
	change_undo(c, build_free, current);
	change_done(c, build_free, current);
	change_before_commit(c, build_run, current);
	return current;
}

void
build_service(struct change *c, struct vs *vs)
{
	struct build *b = build_of(c);

	if (vs->noted == b->serial)
		return;
	vs->noted = b->serial;
	g_ptr_array_add(b->services, vs_ref(vs));
}

void
build_dest(struct change *c, struct rs *rs)
{
	struct build *b = build_of(c);

	if (rs->noted == b->serial)
		return;
	rs->noted = b->serial;
	g_ptr_array_add(b->dests, rs);
}
