/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See change.h. A commit is one multicast (DPVS_MSG_COMMIT) that carries the address of the change; the
 * list of operations is constant from then on and shared by all workers. A worker applies a slice per loop
 * and acknowledges when it has applied all. Commits reach each worker in the order they were made.
 */
#include "core/change_priv.h"

#include <dpvsctrl/msg.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <rte_common.h>
#include <rte_lcore.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "core/lcore.h"
#include "core/log.h"
#include "module.h"

/* Operations that a worker applies per loop: some microseconds, so that its queues do not fill. */
#define CHANGE_SLICE 64

/* Something to be done when the change ends. */
struct change_note {
	void (*fn)(void *arg);
	void *arg;
};

/* Something to be done before the commit. */
struct change_prepare_note {
	int (*fn)(struct change *c, void *arg);
	void *arg;
};

/* An operation of the workers. */
struct change_operation {
	void (*apply)(const void *data, uint32_t len);
	void *data;
	uint32_t len;
};

/* main: rw until it is committed, then workers read ops and generation. */
struct change {
	GArray *undo;
	GArray *done;
	GArray *before;
	guint prepared; /* how many of before have run */
	GArray *ops;
	char *error;
	unsigned int mode; /* CHANGE_* */
	bool visible;      /* change_visible() */
	uint64_t serial;
	uint64_t generation;
	change_end_fn end;
	void *end_arg;
	GList link; /* in in_flight */
};

/* worker: rw, main: ro; a cache line each */
struct change_lcore {
	_Atomic uint64_t generation; /* release by the worker, acquire by who asks */
	uint32_t applied;            /* operations of the commit under way; worker only */
} __rte_cache_aligned;

static struct change_lcore change_lcores[RTE_MAX_LCORE];
static GQueue in_flight = G_QUEUE_INIT;
static uint64_t generation;
static uint64_t serials;         /* given out so far */
static struct change *preparing; /* a client's change between its first record and its commit */

/* ---- on a worker ---- */

static void
change_msg_commit(struct dpvs_msg *msg)
{
	const struct change *c = *(const struct change *const *)dpvs_msg_data(msg);
	struct change_lcore *own = &change_lcores[rte_lcore_id()];
	uint32_t end = RTE_MIN(own->applied + CHANGE_SLICE, c->ops->len);
	const struct change_operation *op;

	for (; own->applied < end; own->applied++) {
		op = &g_array_index(c->ops, struct change_operation, own->applied);
		op->apply(op->data, op->len);
	}
	if (own->applied < c->ops->len) {
		dpvs_msg_defer(msg);
		return;
	}
	own->applied = 0;
	atomic_store_explicit(&own->generation, c->generation, memory_order_release);
}

/* ---- notes ---- */

static void
change_note(GArray *notes, void (*fn)(void *arg), void *arg)
{
	struct change_note note = { fn, arg };

	g_array_append_val(notes, note);
}

void
change_undo(struct change *c, void (*fn)(void *arg), void *arg)
{
	change_note(c->undo, fn, arg);
}

void
change_done(struct change *c, void (*fn)(void *arg), void *arg)
{
	change_note(c->done, fn, arg);
}

void
change_before_commit(struct change *c, int (*fn)(struct change *c, void *arg), void *arg)
{
	struct change_prepare_note note = { fn, arg };

	g_array_append_val(c->before, note);
}

int
change_prepare(struct change *c)
{
	/* By index, and a copy: a note may add notes. */
	while (c->prepared < c->before->len) {
		struct change_prepare_note note =
			g_array_index(c->before, struct change_prepare_note, c->prepared++);
		int err;

		do {
			err = note.fn(c, note.arg);
		} while (err == CHANGE_MORE);
		if (err < 0)
			return err;
	}
	return 0;
}

void *
change_op(struct change *c, uint32_t type, uint32_t len)
{
	const struct dpvs_msg_type *t = dpvs_msg_type_lookup(type);
	struct change_operation op;

	if (t == NULL || t->on_commit == NULL)
		g_error("change: message type %u takes no part in commits", type);
	op.apply = t->on_commit;
	op.len = len;
	op.data = g_try_malloc0(MAX(len, 1));
	if (op.data == NULL) {
		change_error(c, -ENOMEM, "out of memory");
		return NULL;
	}
	g_array_append_val(c->ops, op);
	return op.data;
}

int
change_error(struct change *c, int err, const char *format, ...)
{
	va_list ap;

	g_free(c->error);
	va_start(ap, format);
	c->error = g_strdup_vprintf(format, ap);
	va_end(ap);
	return err;
}

const char *
change_error_text(const struct change *c)
{
	return c->error;
}

int
change_has_ops(const struct change *c)
{
	return c->ops->len > 0 || c->visible;
}

void
change_visible(struct change *c)
{
	c->visible = true;
}

unsigned int
change_mode(const struct change *c)
{
	return c->mode;
}

uint64_t
change_serial(const struct change *c)
{
	return c->serial;
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
	return false; /* a change is prepared in one go */
}

struct change *
change_begin_client(unsigned int mode)
{
	preparing = change_begin();
	preparing->mode = mode;
	return preparing;
}

/* ---- life ---- */

struct change *
change_begin(void)
{
	struct change *c = g_new0(struct change, 1);

	c->undo = g_array_new(FALSE, FALSE, sizeof(struct change_note));
	c->done = g_array_new(FALSE, FALSE, sizeof(struct change_note));
	c->before = g_array_new(FALSE, FALSE, sizeof(struct change_prepare_note));
	c->ops = g_array_new(FALSE, FALSE, sizeof(struct change_operation));
	c->link.data = c;
	c->serial = ++serials;
	return c;
}

static void
change_free(struct change *c)
{
	guint i;

	for (i = 0; i < c->ops->len; i++)
		g_free(g_array_index(c->ops, struct change_operation, i).data);
	g_array_unref(c->ops);
	g_array_unref(c->undo);
	g_array_unref(c->done);
	g_array_unref(c->before);
	g_free(c->error);
	g_free(c);
}

/* It is committed, or was undone. */
static void
change_prepared(const struct change *c)
{
	if (preparing == c)
		preparing = NULL;
}

void
change_abandon(struct change *c)
{
	struct change_note *note;
	guint i;

	for (i = c->undo->len; i > 0; i--) {
		note = &g_array_index(c->undo, struct change_note, i - 1);
		note->fn(note->arg);
	}
	change_prepared(c);
	change_free(c);
}

static void
change_run_done(struct change *c)
{
	struct change_note *note;
	guint i;

	/* By index: a note may free things, but it may not add notes. */
	for (i = 0; i < c->done->len; i++) {
		note = &g_array_index(c->done, struct change_note, i);
		note->fn(note->arg);
	}
}

static void
change_finish(struct change *c)
{
	g_queue_unlink(&in_flight, &c->link);
	change_run_done(c);
	if (c->end != NULL)
		c->end(c, 0, c->end_arg);
	change_free(c);
}

static void
change_acknowledged(struct dpvs_msg *msg, int status, void *arg)
{
	/* After change_fini() the end of the messages calls for what is gone. Acknowledged are the oldest. */
	if (g_queue_find(&in_flight, arg) == NULL)
		return;
	/* Reads with acquire what each worker stored with release when it had applied all of it. */
	if (change_late_worker(arg) >= 0)
		log_error("change", "acknowledged by a worker that has not applied it");
	change_finish(arg);
}

int
change_late_worker(const struct change *c)
{
	unsigned int i;

	for (i = 0; i < lcore_worker_count(); i++)
		if (change_generation_of(lcore_of_worker(i)) < c->generation)
			return (int)i;
	return -1;
}

static void
change_late(struct dpvs_msg *msg, int status, void *arg)
{
	struct change *c = arg;
	int worker = change_late_worker(c);

	log_error("change", "generation %" PRIu64 " is committed, but worker %d has not confirmed it yet",
		  c->generation, worker);
	if (c->end != NULL)
		c->end(c, -EINPROGRESS, c->end_arg);
}

/* Nothing for workers to apply, but its notes may free what an earlier change still shows to them. */
static void
change_commit_empty(struct change *c)
{
	struct change *last = g_queue_peek_tail(&in_flight);

	change_prepared(c);
	if (last != NULL) {
		g_array_append_vals(last->done, c->done->data, c->done->len);
		g_array_set_size(c->done, 0);
	}
	change_run_done(c);
	if (c->end != NULL)
		c->end(c, 0, c->end_arg);
	change_free(c);
}

int
change_commit_async(struct change *c, change_end_fn end, void *arg)
{
	struct dpvs_msg *msg;
	int err;

	c->end = end;
	c->end_arg = arg;
	err = change_prepare(c);
	if (err < 0) {
		change_abandon(c);
		return err;
	}
	if (!change_has_ops(c)) {
		change_commit_empty(c);
		return 0;
	}
	err = dpvs_msg_commit_reserve();
	if (err < 0) {
		change_abandon(c);
		return err;
	}
	msg = dpvs_msg_new(DPVS_MSG_COMMIT, sizeof(c));
	if (msg == NULL) {
		dpvs_msg_commit_release();
		change_abandon(c);
		return -ENOBUFS;
	}
	*(struct change **)dpvs_msg_data(msg) = c;
	c->generation = ++generation;
	change_prepared(c);
	g_queue_push_tail_link(&in_flight, &c->link);
	dpvs_msg_commit(msg, 0, change_acknowledged, change_late, c);
	return 0;
}

int
change_commit(struct change *c)
{
	return change_commit_async(c, NULL, NULL);
}

unsigned int
change_in_flight(void)
{
	return g_queue_get_length(&in_flight);
}

void
change_no_end(struct change *c)
{
	c->end = NULL;
}

void
change_fini(void)
{
	unsigned int i;

	while (!g_queue_is_empty(&in_flight))
		change_finish(g_queue_peek_head(&in_flight));
	generation = 0;
	for (i = 0; i < RTE_MAX_LCORE; i++) {
		atomic_store_explicit(&change_lcores[i].generation, 0, memory_order_relaxed);
		change_lcores[i].applied = 0;
	}
}

/* ---- generations ---- */

uint64_t
change_generation(void)
{
	return generation;
}

uint64_t
change_generation_of(unsigned int lcore)
{
	return atomic_load_explicit(&change_lcores[lcore].generation, memory_order_acquire);
}

uint64_t
change_unconfirmed(unsigned int lcore)
{
	return generation - change_generation_of(lcore);
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

const struct module change_module = {
	.name = "change",
	.msgs = change_msgs,
};
