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

#include "core/log.h"
#include "lb/sched.h"
#include "lb/truth.h"

/* 64: servers between two looks at the clock. */
#define SERVERS 64u

/** Values of struct build.step. */
enum {
	BUILD_THERE,    /**< slots of servers that are there */
	BUILD_SERVICES,
	BUILD_GONE,     /**< slots of servers that are gone */
	BUILD_END,
};

/**
 * struct build: what one change has changed. Services and servers are not counted: those that a change has
 * touched exist until it ends, by its notes.
 */
struct build {
	struct change *change;
	uint64_t serial;     /**< written to vs.noted and rs.noted: in the list already */
	GPtrArray *services; /**< struct vs */
	GPtrArray *dests;    /**< struct rs */
	unsigned int step;
	guint next;          /**< in the array of this step */
	uint32_t no_laddr;   /**< services with full-NAT servers and no local address, */
	const struct vs *no_laddr_first; /**< and one of them */
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
		.conn_timeout_s = vs->conf.conn_timeout_s,
		.sched_flags = vs->conf.sched_flags,
		.sched = vs->conf.sched,
		.num_dests = vs->num_dests,
		.num_laddrs = vs->num_laddrs,
		.dests = dest,
		.laddrs = laddr,
	};
	TAILQ_FOREACH (rs, &vs->dests, link) {
		if (!rs->listed)
			continue;
		*dest++ = (struct dest){
			.index = rs->index,
			.generation = rs->generation,
			.addr = rs->key.addr,
			.port = rs->key.port,
			.af = vs->key.af,
			.fwd = rs->conf.fwd,
			.weight = rs->conf.weight,
			.last_weight = rs->last_weight,
		};
	}
	TAILQ_FOREACH (vl, &vs->laddrs, link)
		laddr_describe(vl, laddr++);

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
	struct vs *vs = note->vs;

	vs->published = note->before;
	vs->published_by = 0;
	vs->before = NULL;
	service_free(note->after);
	vs_unref(vs);
	free(note);
}

static void
note_done(void *arg)
{
	struct build_note *note = arg;

	if (note->vs->before == note->before)
		note->vs->before = NULL;
	service_free(note->before);
	vs_unref(note->vs);
	free(note);
}

/* A full-NAT server can be added before its service has a local address; said once per change. */
static void
check_laddr(struct build *b, const struct vs *vs, const struct service *svc)
{
	uint32_t i = 0;

	while (i < svc->num_dests && svc->dests[i].fwd != DPVS_FWD_FULLNAT)
		i++;
	if (svc->num_laddrs > 0 || i == svc->num_dests)
		return;
	b->no_laddr++;
	b->no_laddr_first = vs;
}

static int
build_one(struct change *c, struct build *b, struct vs *vs)
{
	struct service *before = vs->published;
	struct service *after = NULL;
	struct build_note *note;
	int err;

	if (!vs->listed && before == NULL)
		return 0; /* came and went in this change */
	if (before == NULL) {
		err = service_room(c, vs->key.af);
		if (err != 0)
			return err;
	}
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
					     key_text(&vs->key, text), vs->conf.sched->name);
			return err;
		}
		check_laddr(b, vs, after);
	}
	*note = (struct build_note){ .vs = vs_ref(vs), .before = before, .after = after };
	vs->published = after;
	vs->published_by = change_serial(c);
	vs->before = before;
	change_undo(c, note_undo, note);
	change_done(c, note_done, note);
	return service_publish(c, &vs->key, after,
			       before == NULL || (after != NULL && before->sched != after->sched));
}

/* Publishes some slots of servers that are there, or of those that are gone. */
static int
build_slots(struct change *c, struct build *b, bool there)
{
	uint32_t pairs[SERVERS][2];
	uint32_t count = 0;
	guint end = MIN(b->next + SERVERS, b->dests->len);

	for (; b->next < end; b->next++) {
		const struct rs *rs = g_ptr_array_index(b->dests, b->next);

		if (rs->listed != there)
			continue;
		pairs[count][0] = rs->index;
		/* Servers have odd generations, so this one is nobody's. */
		pairs[count++][1] = there ? rs->generation : rs->generation + 1;
	}
	return dest_publish_generations(c, (const uint32_t (*)[2])pairs, count);
}

/* One service, or some slots. */
static int
build_some(struct change *c, struct build *b)
{
	int err;

	if (b->step != BUILD_SERVICES)
		return build_slots(c, b, b->step == BUILD_THERE);
	err = build_one(c, b, g_ptr_array_index(b->services, b->next));
	if (err == 0)
		b->next++;
	return err;
}

static int
build_run(struct change *c, void *arg)
{
	struct build *b = arg;
	char text[KEY_TEXT_SIZE];
	int err;

	current = NULL; /* for the next change; nothing of this one changes services from here on */
	for (; b->step < BUILD_END; b->step++, b->next = 0) {
		guint len = b->step == BUILD_SERVICES ? b->services->len : b->dests->len;

		while (b->next < len) {
			err = build_some(c, b);
			if (err != 0)
				return err;
			if (change_slice_over())
				return CHANGE_MORE;
		}
	}
	if (b->no_laddr > 0)
		log_info("service", "%s%s full-NAT servers and no local address yet: no connections until then",
			 key_text(&b->no_laddr_first->key, text),
			 b->no_laddr > 1 ? " and other services have" : " has");
	return 0;
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
	current->services = g_ptr_array_new();
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
	g_ptr_array_add(b->services, vs);
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
