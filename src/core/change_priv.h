/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core/ctl.c, core/txn.c and start-up need of changes; modules need change.h only. At the end what
 * change.c (notes, operations, commits) and change_queue.c (clients' changes, slice by slice) share.
 *
 * Thread-safety: main lcore only.
 */
#ifndef CHANGE_PRIV_H
#define CHANGE_PRIV_H

#include <dpvsctrl/msg.h>
#include <glib.h>

#include "core/change.h"
#include "core/segs.h"

struct dpvs_msg;
struct event_batch;
struct module;
extern const struct module change_module; /* the message COMMIT */

/**
 * struct change_job: what a client wants to be done, as one change.
 * @step: the next record; calls handlers by change_record(). Returns 0: that was the last; CHANGE_MORE: there is
 *   another, or this one needs another turn; or a negative errno: refused
 * @end: called once, how it went: 0, all workers have applied it; -EINPROGRESS, it is committed but a worker
 *   did not confirm it in time (change_late_worker()); -ETIMEDOUT, its turn did not come in time, nothing
 *   was done; another negative errno: refused, nothing is changed. @c is valid during the call
 * @arg: for both
 * @mode: bits of CHANGE_*
 * @deadline_ms: longest wait for its turn, and, after the commit, for the workers
 */
struct change_job {
	int (*step)(struct change *c, void *arg);
	void (*end)(struct change *c, int status, void *arg);
	void *arg;
	unsigned int mode;
	uint32_t deadline_ms;
};

/**
 * change_submit: carries @job out, at once when there is nothing else to do, else when its turn comes; @end
 * may be called before this returns. Jobs are begun in the order in which they were submitted.
 */
void change_submit(const struct change_job *job);

/**
 * change_record: a part of what @handler makes of @record: the handler itself, or something that it has left to
 * change_then(). Returns 0: it is over with both; CHANGE_MORE: to be called again; or a negative errno.
 */
int change_record(struct change *c, int (*handler)(struct change *c, const void *record), const void *record);

/** change_queue_stop: the daemon ends: what is under way is undone, what waits is refused, with -ESHUTDOWN. */
void change_queue_stop(void);

/** change_set_modules: whose .sync is called. */
void change_set_modules(const struct module *const *modules);

/** change_set_slice: longest slice; 0: each step is a slice of its own, for tests. */
void change_set_slice(unsigned int us);

/** change_events: what @c has emitted, for core/event.c. */
struct event_batch **change_events(struct change *c);

/** change_error_text: what change_error() set, or NULL. */
const char *change_error_text(const struct change *c);

/** change_late_worker: the first worker index that has not confirmed @c, or -1. */
int change_late_worker(const struct change *c);

/** change_in_flight: how many changes are committed and not yet done with, their notes too. */
unsigned int change_in_flight(void);

/** change_waiting: how many jobs wait for their turn. */
unsigned int change_waiting(void);

/** change_fini: workers have ended: what they had not confirmed is done now. */
void change_fini(void);

/*
 * ---- between change.c and change_queue.c
 */

/* How far a client's change is. */
enum change_phase {
	CHANGE_WAITS,
	CHANGE_RECORDS,
	CHANGE_SYNCS,
	CHANGE_BEFORE,
	CHANGE_UNDOES,
};

/* main: rw until it is committed, then workers read ops and generation. */
struct change {
	struct segs undo;     /* struct change_note */
	struct segs done;     /* struct change_note */
	struct change_work *then; /* of change_then(), the first; its memory is in chunks */
	struct change_work **then_end;
	bool again;           /* the handler that left them is to be called again */
	struct segs before;   /* struct change_prepare_note */
	uint32_t before_next; /* how many of before have run */
	uint32_t done_next;   /* how many of done have run */
	struct segs ops;      /* struct change_operation */
	uint32_t ops_of[DPVS_MSG_TYPE_COUNT]; /* how many of them are of which type */
	uint64_t committed_tsc;
	GPtrArray *chunks; /* memory of the operations */
	uint32_t chunk_size;
	uint32_t chunk_used;
	char *error;
	struct event_batch *events; /* emitted, not published */
	bool visible; /* change_visible() */
	bool quiet;   /* change_quiet() */
	uint64_t serial;
	uint64_t sequence;
	uint64_t generation;
	struct dpvs_msg *msg; /* the commit, for which a slot is reserved; NULL: not yet, or sent */
	GList link;           /* in the queue, in in_flight, or in those whose done notes run */
	const struct change *follows; /* without operations: its notes run after those of this one; NULL: at once */

	/* of a client; .job.step is NULL in the daemon's own */
	struct change_job job;
	enum change_phase phase;
	guint module; /* whose .sync is next */
	int status;   /* why it is undone */
	int64_t expires_us;
};

/** change_touch: for change_touches(): one that waited begins. */
void change_touch(void);

/** change_reserve: a slot in the commit ring of each worker. Returns 0 or -ENOBUFS. */
int change_reserve(struct change *c);

/** change_then_step: a part of what was left to change_then(). Returns 0: nothing is left; else as the note. */
int change_then_step(struct change *c);

/** change_prepare_step: runs the next note of change_before_commit(). Returns 0: that was all; else as the note. */
int change_prepare_step(struct change *c);

/** change_undo_step: runs the next undo note. Returns false: there is none. */
bool change_undo_step(struct change *c);

/** change_shrink: gives back some of the memory of @c, whose notes are over. Returns false: it holds no more. */
bool change_shrink(struct change *c);

/**
 * change_done_step: runs the next done note of those that are acknowledged, or gives back some of their memory. Returns
 * false: there is nothing left.
 */
bool change_done_step(void);

/** change_go: commits, with the slot that change_reserve() got. Cannot fail. */
void change_go(struct change *c);

/** change_free: with all that it holds, a reserved slot too. */
void change_free(struct change *c);

/** change_end: tells who wants to know, once. */
void change_end(struct change *c, int status);

/** change_has_done: has change_done_step() anything to do? */
bool change_has_done(void);

/** change_unacknowledged: changes that workers have not all confirmed. */
unsigned int change_unacknowledged(void);

/** change_msg_commit: on a worker: the next operations of a commit. */
void change_msg_commit(struct dpvs_msg *msg);

/** change_queue_fini: for change_fini(). */
void change_queue_fini(void);

/** change_work: runs what can be run now, as long as this turn of the main loop has time for it. */
void change_work(void);

#endif
