/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See change.h. A commit is one multicast (DPVS_MSG_COMMIT) that carries the address of the change; the
 * list of operations is constant from then on and shared by all workers. A worker applies a slice per loop
 * and acknowledges when it has applied all. Commits reach each worker in the order they were made. When all
 * have acknowledged, the done notes run, slice by slice like everything that clients cause (change_queue.c).
 */
#include <dpvsctrl/msg.h>
#include <errno.h>
#include <inttypes.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "core/change_priv.h"
#include "core/event_priv.h"
#include "core/fault.h"
#include "core/lcore.h"
#include "core/log.h"
#include "module.h"

/* Operations after which a worker looks at the time: it takes as long to read as a short operation. */
#define CHANGE_LOOK 4

/* Memory for operations is taken in pieces of this size, after a first one for the many changes of one operation. */
#define CHUNK_SIZE (64u << 10)
#define CHUNK_FIRST 1024u

/* Something to be done when the change ends. */
struct change_note {
	void (*fn)(void *arg);
	void *arg;
};

/* Something that a handler has left to be done after it. */
struct change_work {
	struct change_work *next;
	int (*fn)(struct change *c, void *work);
	_Alignas(8) unsigned char data[];
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
	uint32_t type;
};

/* worker: rw, main: ro; a cache line each */
struct change_lcore {
	_Atomic uint64_t sequence;   /* release by the worker, acquire by who asks */
	_Atomic uint64_t generation; /* that of the change with this sequence number */
	uint32_t applied;            /* operations of the commit under way; worker only */
} __rte_cache_aligned;

static struct change_lcore change_lcores[RTE_MAX_LCORE];
static GQueue in_flight = G_QUEUE_INIT; /* committed, not acknowledged by all; the oldest first */
static GQueue empty = G_QUEUE_INIT;     /* nothing for workers, but those before are not acknowledged */
static GQueue finishing = G_QUEUE_INIT; /* acknowledged by all, done notes and memory are left */
static uint64_t sequence;   /* of the last commit */
static uint64_t generation; /* of the configuration */
static uint64_t serials; /* given out so far */
static uint64_t touches; /* changes begun, whatever became of them */

/* By main as sent, by a worker as applied. */
static void
change_count(uint32_t type, uint32_t count)
{
	if (count > 0)
		dpvs_msg_count_operations(type, count);
}

/* ---- on a worker ---- */

void
change_msg_commit(struct dpvs_msg *msg)
{
	const struct change *c = *(const struct change *const *)dpvs_msg_data(msg);
	struct change_lcore *own = &change_lcores[rte_lcore_id()];
	uint32_t look = FAULT_POINT("change.slice") ? 1 : CHANGE_LOOK;
	uint32_t type = 0, from = own->applied; /* operations of one type, not counted yet */
	const struct change_operation *op;

	while (own->applied < c->ops.len) {
		op = segs_at(&c->ops, own->applied);
		if (op->type != type) {
			change_count(type, own->applied - from);
			type = op->type;
			from = own->applied;
		}
		op->apply(op->data, op->len);
		own->applied++;
		if (own->applied % look == 0 && (look == 1 || dpvs_msg_slice_over()))
			break;
	}
	change_count(type, own->applied - from);
	if (own->applied < c->ops.len) {
		dpvs_msg_defer(msg);
		return;
	}
	own->applied = 0;
	atomic_store_explicit(&own->generation, c->generation, memory_order_relaxed);
	atomic_store_explicit(&own->sequence, c->sequence, memory_order_release);
}

/* ---- notes ---- */

static void
change_note(struct segs *notes, void (*fn)(void *arg), void *arg)
{
	*(struct change_note *)segs_push(notes) = (struct change_note){ fn, arg };
}

void
change_undo(struct change *c, void (*fn)(void *arg), void *arg)
{
	change_note(&c->undo, fn, arg);
}

void
change_done(struct change *c, void (*fn)(void *arg), void *arg)
{
	change_note(&c->done, fn, arg);
}

void
change_before_commit(struct change *c, int (*fn)(struct change *c, void *arg), void *arg)
{
	*(struct change_prepare_note *)segs_push(&c->before) = (struct change_prepare_note){ fn, arg };
}

int
change_prepare_step(struct change *c)
{
	struct change_prepare_note note;
	int err;

	if (c->before_next == c->before.len)
		return 0;
	/* A copy: a note may add notes. */
	note = *(struct change_prepare_note *)segs_at(&c->before, c->before_next);
	err = note.fn(c, note.arg);
	if (err == 0)
		c->before_next++;
	return err == 0 && (c->before_next < c->before.len || c->then != NULL) ? CHANGE_MORE : err;
}

bool
change_undo_step(struct change *c)
{
	struct change_note note;

	if (c->undo.len == 0)
		return false;
	note = *(struct change_note *)segs_at(&c->undo, c->undo.len - 1);
	segs_pop(&c->undo);
	note.fn(note.arg);
	return true;
}

/* ---- operations ---- */

/* @len zero bytes that live as long as @c, or NULL. */
static void *
change_alloc(struct change *c, uint32_t len)
{
	uint32_t size;
	void *chunk;

	len = RTE_ALIGN_CEIL(RTE_MAX(len, 1u), 8u);
	if (c->chunk_size - c->chunk_used < len) {
		size = RTE_MAX(len, c->chunks->len == 0 ? CHUNK_FIRST : CHUNK_SIZE);
		chunk = g_try_malloc0(size);
		if (chunk == NULL)
			return NULL;
		g_ptr_array_add(c->chunks, chunk);
		c->chunk_size = size;
		c->chunk_used = 0;
	}
	chunk = (char *)g_ptr_array_index(c->chunks, c->chunks->len - 1) + c->chunk_used;
	c->chunk_used += len;
	return chunk;
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
	op.type = type;
	op.data = FAULT_POINT("change.op") ? NULL : change_alloc(c, len);
	if (op.data == NULL) {
		change_error(c, -ENOMEM, "out of memory");
		return NULL;
	}
	*(struct change_operation *)segs_push(&c->ops) = op;
	c->ops_of[type]++;
	return op.data;
}

void
change_quiet(struct change *c)
{
	c->quiet = true;
}

void
change_visible(struct change *c)
{
	c->visible = true;
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

struct event_batch **
change_events(struct change *c)
{
	return &c->events;
}

unsigned int
change_mode(const struct change *c)
{
	return c->job.mode;
}

uint64_t
change_serial(const struct change *c)
{
	return c->serial;
}

uint64_t
change_touches(void)
{
	return touches;
}

void
change_touch(void)
{
	touches++;
}

/* ---- what handlers leave to be done after them ---- */

void *
change_then(struct change *c, int (*fn)(struct change *c, void *work), uint32_t len)
{
	struct change_work *work = FAULT_POINT("change.then") ? NULL : change_alloc(c, sizeof(*work) + len);

	if (work == NULL) {
		change_error(c, -ENOMEM, "out of memory");
		return NULL;
	}
	work->fn = fn;
	*c->then_end = work;
	c->then_end = &work->next;
	return work->data;
}

int
change_then_step(struct change *c)
{
	struct change_work *work = c->then;
	int err;

	if (work == NULL)
		return 0;
	err = work->fn(c, work->data);
	if (err != 0)
		return err;
	c->then = work->next;
	if (c->then == NULL)
		c->then_end = &c->then;
	return c->then != NULL ? CHANGE_MORE : 0;
}

int
change_record(struct change *c, int (*handler)(struct change *c, const void *record), const void *record)
{
	int err;

	if (c->then != NULL) {
		err = change_then_step(c);
		return err == 0 && c->again ? CHANGE_MORE : err;
	}
	err = handler(c, record);
	c->again = err == CHANGE_MORE;
	return err == 0 && c->then != NULL ? CHANGE_MORE : err;
}

/* ---- life ---- */

struct change *
change_begin(void)
{
	struct change *c = g_new0(struct change, 1);

	c->undo = segs_of(sizeof(struct change_note));
	c->done = segs_of(sizeof(struct change_note));
	c->then_end = &c->then;
	c->before = segs_of(sizeof(struct change_prepare_note));
	c->ops = segs_of(sizeof(struct change_operation));
	c->chunks = g_ptr_array_new_with_free_func(g_free);
	c->link.data = c;
	c->serial = ++serials;
	touches++;
	return c;
}

int
change_reserve(struct change *c)
{
	int err = FAULT_POINT("change.reserve") ? -ENOBUFS : dpvs_msg_commit_reserve();

	if (err < 0)
		return err;
	c->msg = FAULT_POINT("change.msg") ? NULL : dpvs_msg_new(DPVS_MSG_COMMIT, sizeof(c));
	if (c->msg != NULL)
		return 0;
	dpvs_msg_commit_release();
	return -ENOBUFS;
}

bool
change_shrink(struct change *c)
{
	if (segs_drop(&c->undo) || segs_drop(&c->before) || segs_drop(&c->ops) || segs_drop(&c->done))
		return true;
	if (c->chunks->len == 0)
		return false;
	g_ptr_array_set_size(c->chunks, (gint)c->chunks->len - 1);
	return true;
}

void
change_free(struct change *c)
{
	if (c->msg != NULL) {
		dpvs_msg_free(c->msg);
		dpvs_msg_commit_release();
	}
	while (change_shrink(c))
		;
	g_ptr_array_unref(c->chunks);
	event_discard(&c->events);
	g_free(c->error);
	g_free(c);
}

void
change_end(struct change *c, int status)
{
	void (*end)(struct change *c, int status, void *arg) = c->job.end;

	c->job.end = NULL;
	if (end != NULL)
		end(c, status, c->job.arg);
}

void
change_abandon(struct change *c)
{
	while (change_undo_step(c))
		;
	change_free(c);
}

/* Runs the next done note of @c, which has one. */
static void
change_done_next(struct change *c)
{
	struct change_note note = *(struct change_note *)segs_at(&c->done, c->done_next++);

	touches++;
	note.fn(note.arg);
}

bool
change_has_done(void)
{
	return finishing.length > 0;
}

bool
change_done_step(void)
{
	struct change *c = g_queue_peek_head(&finishing);

	if (c == NULL)
		return false;
	if (c->done_next < c->done.len) {
		change_done_next(c);
	} else if (!change_shrink(c)) {
		g_queue_unlink(&finishing, &c->link);
		change_free(c);
	}
	return true;
}

/* What is over: @c, and those without operations that came after it. */
static void
change_finish(struct change *c)
{
	struct change *next;

	g_queue_unlink(&in_flight, &c->link);
	g_queue_push_tail_link(&finishing, &c->link);
	while ((next = g_queue_peek_head(&empty)) != NULL && next->follows == c) {
		g_queue_unlink(&empty, &next->link);
		g_queue_push_tail_link(&finishing, &next->link);
	}
}

/* All workers have it. Who waits hears of it first; then what is not needed any more can go. */
static void
change_acknowledged_by_all(struct change *c)
{
	change_finish(c);
	change_end(c, 0);
	change_work();
}

static void
change_count_confirmed(const struct change *c)
{
	uint64_t cycles = rte_rdtsc() - c->committed_tsc;
	uint32_t type;

	for (type = 0; type < DPVS_MSG_TYPE_COUNT; type++)
		if (c->ops_of[type] > 0)
			dpvs_msg_count_confirmed(type, cycles);
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
	if (status == 0)
		change_count_confirmed(arg);
	change_acknowledged_by_all(arg);
}

int
change_late_worker(const struct change *c)
{
	unsigned int i;

	for (i = 0; i < lcore_worker_count(); i++)
		if (change_sequence_of(lcore_of_worker(i)) < c->sequence)
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
	change_end(c, -EINPROGRESS);
}

/* Nothing for workers to apply, but its notes may free what an earlier change still shows to them. */
static void
change_go_empty(struct change *c)
{
	event_publish(&c->events, 0);
	c->follows = g_queue_peek_tail(&in_flight);
	if (c->follows != NULL || c->job.step != NULL) {
		g_queue_push_tail_link(c->follows != NULL ? &empty : &finishing, &c->link);
		change_end(c, 0);
		return;
	}
	/* One of the daemon's own is short, and its maker may not be ready for others'. */
	while (c->done_next < c->done.len)
		change_done_next(c);
	change_free(c);
}

void
change_go(struct change *c)
{
	struct dpvs_msg *msg = c->msg;
	uint32_t type;

	if (c->ops.len == 0 && !c->visible) {
		change_go_empty(c);
		return;
	}
	c->msg = NULL;
	*(struct change **)dpvs_msg_data(msg) = c;
	c->sequence = ++sequence;
	if (!c->quiet)
		generation++;
	c->generation = generation;
	event_publish(&c->events, c->quiet ? 0 : generation);
	g_queue_push_tail_link(&in_flight, &c->link);
	for (type = 0; type < DPVS_MSG_TYPE_COUNT; type++)
		change_count(type, c->ops_of[type]);
	c->committed_tsc = rte_rdtsc();
	dpvs_msg_commit(msg, c->job.deadline_ms, change_acknowledged, change_late, c);
}

int
change_commit(struct change *c)
{
	int err;

	do {
		err = change_then_step(c);
		if (err == 0)
			err = change_prepare_step(c);
	} while (err == CHANGE_MORE);
	if (err == 0 && (c->ops.len > 0 || c->visible))
		err = change_reserve(c);
	if (err < 0) {
		change_abandon(c);
		return err;
	}
	change_go(c);
	return 0;
}

unsigned int
change_in_flight(void)
{
	return in_flight.length + empty.length + finishing.length;
}

unsigned int
change_unacknowledged(void)
{
	return in_flight.length;
}

void
change_fini(void)
{
	unsigned int i;
	struct change *c;

	while ((c = g_queue_peek_head(&in_flight)) != NULL) {
		change_finish(c);
		change_end(c, 0);
	}
	while (change_done_step())
		;
	change_queue_fini();
	sequence = 0;
	generation = 0;
	for (i = 0; i < RTE_MAX_LCORE; i++) {
		atomic_store_explicit(&change_lcores[i].sequence, 0, memory_order_relaxed);
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
	return atomic_load_explicit(&change_lcores[lcore].generation, memory_order_relaxed);
}

uint64_t
change_sequence(void)
{
	return sequence;
}

uint64_t
change_sequence_of(unsigned int lcore)
{
	return atomic_load_explicit(&change_lcores[lcore].sequence, memory_order_acquire);
}

bool
change_applying(void)
{
	return change_lcores[rte_lcore_id()].applied > 0;
}

uint64_t
change_unconfirmed(unsigned int lcore)
{
	return sequence - change_sequence_of(lcore);
}
