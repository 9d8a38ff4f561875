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

/* 64: slots of servers between two looks at the clock. PART: servers, or addresses, of a service that is built. */
#define SERVERS 64u
#define PART    256u

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

	/* The object of a service that is being built; others may have their turns before it is complete. */
	struct service *half;            /**< NULL: none is */
	const struct rs *last;           /**< of its list, looked at; stays in its place until the change is over */
	const struct vs_laddr *last_laddr;
	uint32_t num_dests;              /**< so many it has */
	uint32_t num_laddrs;
	bool fullnat;                    /**< one of them is of that mode */
	struct sched_build table;
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
service_free(struct service *svc)
{
	if (svc == NULL)
		return;
	free((void *)(uintptr_t)svc->sched_table);
	free(svc);
}

/* Gives up what is half built. */
static void
drop_half(struct build *b)
{
	service_free(b->half);
	b->half = NULL;
	sched_build_free(&b->table);
}

static void
build_free(void *arg)
{
	struct build *b = arg;

	if (current == b)
		current = NULL;
	drop_half(b);
	g_ptr_array_free(b->services, TRUE);
	g_ptr_array_free(b->dests, TRUE);
	g_free(b);
}

void
build_discard(struct vs *vs)
{
	service_free(vs->published);
	vs->published = NULL;
}

/* The object for workers: header, servers and local addresses in one piece of memory. */
static int
service_begin(struct build *b, const struct vs *vs)
{
	size_t size = sizeof(struct service) + vs->num_dests * sizeof(struct dest) +
		      vs->num_laddrs * sizeof(struct service_laddr);
	struct service *svc = aligned_alloc(64, (size + 63) & ~(size_t)63);
	struct dest *dests;

	if (svc == NULL)
		return -ENOMEM;
	dests = (struct dest *)(svc + 1);
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
		.dests = dests,
		.laddrs = (struct service_laddr *)(dests + vs->num_dests),
	};
	b->half = svc;
	b->last = NULL;
	b->last_laddr = NULL;
	b->num_dests = 0;
	b->num_laddrs = 0;
	b->fullnat = false;
	b->table = (struct sched_build){ .svc = svc };
	return 0;
}

/* Some more servers of @vs, from its list. Returns true when they are all there. */
static bool
add_dests(struct build *b, const struct vs *vs)
{
	const struct rs *rs = b->last == NULL ? TAILQ_FIRST(&vs->dests) : TAILQ_NEXT(b->last, link);
	struct dest *dests = (struct dest *)(b->half + 1);
	uint32_t n = 0;

	for (; b->num_dests < b->half->num_dests; rs = TAILQ_NEXT(rs, link)) {
		/* What an earlier change has removed may go any time: no place to go on from, and there are few. */
		if (!rs->listed && rs->removed != change_serial(b->change))
			continue;
		if (n++ == PART)
			return false;
		b->last = rs;
		if (!rs->listed)
			continue;
		dests[b->num_dests++] = (struct dest){
			.index = rs->index,
			.generation = rs->generation,
			.addr = rs->key.addr,
			.port = rs->key.port,
			.af = vs->key.af,
			.fwd = rs->conf.fwd,
			.weight = rs->conf.weight,
			.last_weight = rs->last_weight,
		};
		b->fullnat = b->fullnat || rs->conf.fwd == DPVS_FWD_FULLNAT;
	}
	return true;
}

/* The same of its local addresses. */
static bool
add_laddrs(struct build *b, const struct vs *vs)
{
	struct service_laddr *laddrs =
		(struct service_laddr *)((struct dest *)(b->half + 1) + b->half->num_dests);

	for (uint32_t n = 0; b->num_laddrs < b->half->num_laddrs; n++) {
		if (n == PART)
			return false;
		b->last_laddr = b->last_laddr == NULL ? TAILQ_FIRST(&vs->laddrs) : TAILQ_NEXT(b->last_laddr, link);
		laddr_describe(b->last_laddr, &laddrs[b->num_laddrs++]);
	}
	return true;
}

/* Goes on with the object of @vs. Returns 0: b->half is complete; CHANGE_MORE; or why it cannot be. */
static int
service_step(struct build *b, const struct vs *vs)
{
	int err;

	if (b->half == NULL) {
		err = service_begin(b, vs);
		if (err != 0)
			return err;
	}
	if (!add_dests(b, vs) || !add_laddrs(b, vs))
		return CHANGE_MORE;
	err = b->half->sched->build(&b->table);
	if (err != 0)
		return err == SCHED_MORE ? CHANGE_MORE : err;
	b->half->sched_table = b->table.table;
	b->table = (struct sched_build){ 0 };
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
check_laddr(struct build *b, const struct vs *vs)
{
	if (!b->fullnat || b->half->num_laddrs > 0)
		return;
	b->no_laddr++;
	b->no_laddr_first = vs;
}

/* Goes on with @vs. Returns 0: over; CHANGE_MORE, or why it cannot be. */
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
	if (vs->listed) {
		err = service_step(b, vs);
		if (err == -ENOSPC) {
			char text[KEY_TEXT_SIZE];

			change_error(c, err,
				     "service %s has more servers than scheduler %s has slots; "
				     "raise mh-table-size in section [service]",
				     key_text(&vs->key, text), vs->conf.sched->name);
		}
		if (err != 0)
			return err;
	}
	note = calloc(1, sizeof(*note));
	if (note == NULL)
		return -ENOMEM;
	if (vs->listed) {
		check_laddr(b, vs);
		after = b->half;
		b->half = NULL;
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

/* Some of a service, or some slots. */
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
			if (err < 0)
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
