/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients' changes: one queue, one change prepared at a time, in slices. A slice is what one turn of the main
 * loop may spend on changes (SLICE_US); between slices the socket, messages and timers have their turns.
 * Everything about a change that may be long is made of steps that fit: a record, a part of a module's sync,
 * a note before the commit, an undo note, a done note. Who finds nobody before it is served at once, in
 * the turn in which its request was read.
 *
 * A change gets its slot in the commit rings before its first step, so that a change that was prepared can be
 * committed. When workers are so far behind that there is none, the queue waits for them.
 */
#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <rte_cycles.h>

#include "core/change_priv.h"
#include "core/event_priv.h"
#include "core/stats.h"
#include "module.h"

#define SLICE_US 1000

/* Unacknowledged commits from which clients wait; the rest of the commit rings is for the daemon's own. */
#define CLIENTS_IN_FLIGHT 192

enum {
	STAT_SLICES,
	STAT_WAITED,
	STAT_EXPIRED,
	STAT_UNDONE,
};

static struct stats_block stats;

static GQueue queue = G_QUEUE_INIT; /* jobs that wait for their turn */
static int64_t queue_expires_us = INT64_MAX; /* none of them expires before */
static struct change *preparing;    /* a client's change between its first step and its commit */
static const struct module *const *modules;
static GSource *source;
static bool working;  /* a slice is under way */
static bool stopping; /* no slices any more: all is done at once */
static uint64_t slice_cycles;
static uint64_t slice_end = UINT64_MAX; /* TSC; of the slice under way */
static uint64_t turn_used;              /* cycles that this turn of the main loop has spent on changes */
static unsigned int slice_us = SLICE_US;

void
change_set_modules(const struct module *const *list)
{
	modules = list;
}

void
change_set_slice(unsigned int us)
{
	slice_us = us;
	slice_cycles = rte_get_tsc_hz() / 1000000 * us;
}

uint64_t
change_preparing(void)
{
	return preparing != NULL ? preparing->serial : 0;
}

bool
change_busy(void)
{
	return preparing != NULL;
}

bool
change_slice_over(void)
{
	return slice_end != UINT64_MAX && rte_rdtsc() >= slice_end;
}

unsigned int
change_waiting(void)
{
	return queue.length;
}

/* ---- one change ---- */

/* The next part of what modules remove because a client named it not. */
static int
sync_step(struct change *c)
{
	const struct module *m;
	int err;

	if ((c->job.mode & CHANGE_SYNC) == 0 || modules == NULL)
		return 0;
	m = modules[c->module];
	if (m == NULL)
		return 0;
	err = m->sync != NULL ? m->sync(c) : 0;
	if (err != 0)
		return err;
	c->module++;
	return CHANGE_MORE;
}

/* It is refused, as a whole: back to what was. */
static void
refuse(struct change *c, int err)
{
	c->status = err;
	c->phase = CHANGE_UNDOES;
	stats_inc(&stats, STAT_UNDONE);
}

/* The last step of @c was made. */
static void
leave(struct change *c)
{
	preparing = NULL;
	if (c->phase == CHANGE_BEFORE) {
		change_go(c);
	} else {
		change_end(c, c->status);
		change_free(c);
	}
	event_resume();
}

/* The next step of the change that is being prepared. */
static void
step(void)
{
	struct change *c = preparing;
	int err;

	switch (c->phase) {
	case CHANGE_RECORDS:
		err = c->job.step(c, c->job.arg);
		break;
	case CHANGE_SYNCS:
		err = change_then_step(c);
		if (err == 0)
			err = sync_step(c);
		break;
	case CHANGE_BEFORE:
		err = change_then_step(c);
		if (err == 0)
			err = change_prepare_step(c);
		if (err == 0)
			leave(c);
		break;
	default:
		if (!change_undo_step(c) && !change_shrink(c))
			leave(c);
		return;
	}
	if (err < 0)
		refuse(c, err);
	else if (err == 0 && preparing == c)
		c->phase++;
}

/* ---- the queue ---- */

/* A change that was not begun. */
static void
turn_away(struct change *c, int err)
{
	g_queue_unlink(&queue, &c->link);
	change_end(c, err);
	change_free(c);
}

static void
expire(void)
{
	int64_t now;
	GList *link, *next;

	if (queue_expires_us == INT64_MAX)
		return;
	now = g_get_monotonic_time();
	if (now < queue_expires_us)
		return;
	queue_expires_us = INT64_MAX;
	for (link = queue.head; link != NULL; link = next) {
		struct change *c = link->data;

		next = link->next;
		if (c->expires_us > now) {
			queue_expires_us = MIN(queue_expires_us, c->expires_us);
			continue;
		}
		stats_inc(&stats, STAT_EXPIRED);
		change_error(c, -ETIMEDOUT, "its turn did not come within %u ms; nothing was done",
			     c->job.deadline_ms);
		turn_away(c, -ETIMEDOUT);
	}
}

/* Begins the next change. Returns false: there is none, or the workers have to come closer first. */
static bool
begin_next(void)
{
	struct change *c = g_queue_peek_head(&queue);
	int err;

	if (c == NULL || change_unacknowledged() >= CLIENTS_IN_FLIGHT)
		return false;
	err = change_reserve(c);
	if (err < 0) {
		change_error(c, err, "too many changes under way; try again");
		turn_away(c, err);
		return true;
	}
	g_queue_unlink(&queue, &c->link);
	preparing = c;
	change_touch();
	c->phase = CHANGE_RECORDS;
	return true;
}

/* Is there anything to do that does not wait for workers? */
static bool
has_work(void)
{
	return preparing != NULL || change_has_done() ||
	       (queue.length > 0 && change_unacknowledged() < CLIENTS_IN_FLIGHT);
}

static gboolean
source_prepare(GSource *base, gint *timeout)
{
	int64_t left;

	turn_used = 0;
	*timeout = -1;
	if (queue_expires_us != INT64_MAX) {
		left = (queue_expires_us - g_source_get_time(base)) / 1000 + 1;
		*timeout = (gint)CLAMP(left, 0, 60000);
	}
	return has_work();
}

static gboolean
source_check(GSource *base)
{
	return has_work() || g_source_get_time(base) >= queue_expires_us;
}

static gboolean
source_dispatch(GSource *base, GSourceFunc fn, gpointer data)
{
	(void)base;
	(void)fn;
	(void)data;
	expire();
	change_work();
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

/* From the first change on: it also tells when a turn of the main loop begins. */
static void
ensure_source(void)
{
	if (source != NULL)
		return;
	change_set_slice(slice_us);
	source = g_source_new(&source_funcs, sizeof(GSource));
	g_source_set_name(source, "changes");
	g_source_attach(source, NULL);
}

void
change_work(void)
{
	uint64_t start;

	if (working || !has_work())
		return;
	ensure_source();
	if (!stopping && turn_used > 0 && turn_used >= slice_cycles)
		return; /* with the next turn */
	working = true;
	start = rte_rdtsc();
	slice_end = stopping ? UINT64_MAX - 1 : start + slice_cycles - turn_used;
	stats_inc(&stats, STAT_SLICES);
	do {
		/* What is over goes first: what it held may be needed by the next one. */
		if (change_done_step())
			continue;
		if (preparing != NULL)
			step();
		else if (!begin_next())
			break;
	} while (!change_slice_over());
	slice_end = UINT64_MAX;
	turn_used += rte_rdtsc() - start;
	working = false;
}

void
change_submit(const struct change_job *job)
{
	struct change *c = change_begin();
	const GList *link = &c->link;

	c->job = *job;
	if (stopping) {
		change_error(c, -ESHUTDOWN, "the daemon is ending");
		change_end(c, -ESHUTDOWN);
		change_free(c);
		return;
	}
	ensure_source(); /* also when workers are so far behind that nothing can be begun now: it has to expire */
	c->expires_us = g_get_monotonic_time() + job->deadline_ms * INT64_C(1000);
	g_queue_push_tail_link(&queue, &c->link);
	change_work();
	if (queue.tail == link) {
		queue_expires_us = MIN(queue_expires_us, c->expires_us);
		stats_inc(&stats, STAT_WAITED);
	}
}

void
change_queue_stop(void)
{
	GList *link;

	stopping = true;
	if (preparing != NULL && preparing->phase != CHANGE_UNDOES) {
		change_error(preparing, -ESHUTDOWN, "the daemon is ending");
		refuse(preparing, -ESHUTDOWN);
	}
	while (preparing != NULL)
		step();
	while ((link = g_queue_peek_head_link(&queue)) != NULL) {
		change_error(link->data, -ESHUTDOWN, "the daemon is ending");
		turn_away(link->data, -ESHUTDOWN);
	}
	change_work();
}

void
change_queue_fini(void)
{
	if (source != NULL) {
		g_source_destroy(source);
		g_clear_pointer(&source, g_source_unref);
	}
	queue_expires_us = INT64_MAX;
	turn_used = 0;
	slice_us = SLICE_US;
	stopping = false;
}

static const struct dpvs_msg_type change_msgs[] = {
	{
		.type = DPVS_MSG_COMMIT,
		.name = "commit",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_worker = change_msg_commit,
	},
	{},
};

static const struct module_stat change_stats[] = {
	[STAT_SLICES] = { "slices", DPVS_STAT_EVENT, "Turns of the main loop, or parts of one, spent on changes." },
	[STAT_WAITED] = { "waited", DPVS_STAT_EVENT, "Changes of clients that could not begin at once." },
	[STAT_EXPIRED] = { "expired", DPVS_STAT_EVENT, "Changes refused because their turn did not come in time." },
	[STAT_UNDONE] = { "undone", DPVS_STAT_EVENT, "Changes of clients that were refused and undone." },
	{},
};

const struct module change_module = {
	.name = "change",
	.msgs = change_msgs,
	.stats = change_stats,
	.stats_block = &stats,
};
