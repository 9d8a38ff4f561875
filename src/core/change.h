/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of the configuration: all of it takes effect, on all workers, or none.
 *
 * The main lcore owns the truth (GLib hash tables of each module). A SET handler works record by record:
 * it validates a record, changes the truth, and notes in the change (1) how to undo that, (2) what each
 * worker has to apply, (3) what to do when all workers have applied it. All of this may fail; then the
 * undo notes run in reverse order and the client is told which record and why. When every record went
 * well the change is committed: one multicast message in a slot reserved beforehand carries the list of
 * operations to each worker, which applies them in order, in bounded slices per loop, and acknowledges.
 * This cannot fail. The client is answered when all workers have acknowledged. Clients' changes are prepared
 * in slices of about a millisecond, one change after another (doc/core.md).
 *
 *   int neigh_ctl_add(struct change *c, const void *record)
 *   {
 *           ... validate ...                          return change_error(c, -EEXIST, "...");
 *           g_hash_table_insert(neighs, ...);
 *           change_undo(c, neigh_undo_add, n);
 *           op = change_op(c, DPVS_MSG_NEIGH_UPDATE, sizeof(*op));
 *           if (op == NULL) return -ENOMEM;           (the undo note is already there)
 *           change_done(c, neigh_free, old);          (nobody uses it any more)
 *           return 0;
 *   }
 *
 * Thread-safety: main lcore only, but for change_generation_of().
 */
#ifndef CHANGE_H
#define CHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct change;

/** Bits of change_mode(); those that another one implies are set, too. */
enum {
	CHANGE_UNCHANGED = 1u << 0, /**< to add what is there and equal is no error */
	CHANGE_REPLACE = 1u << 1,   /**< to add what is there and differs changes it */
	CHANGE_SYNC = 1u << 2,      /**< what is not added will be removed, by the modules' .sync */
};

/**
 * CHANGE_MORE: what a SET handler, a .sync, or a note of change_then() or change_before_commit() returns when it has
 * done a part and wants to be called again, after other clients had their turn.
 */
#define CHANGE_MORE 1

/** change_mode: what the client asked for, bits of CHANGE_*; 0 outside transactions. */
unsigned int change_mode(const struct change *c);

/** change_serial: a number that no other change has, never 0: to mark what a change has touched. */
uint64_t change_serial(const struct change *c);

/**
 * change_touches: moves with each change that begins, whatever becomes of it, and with what is freed after one: who
 * looks at the truth in pieces sees by it that the truth may have moved between two of them.
 */
uint64_t change_touches(void);

/**
 * change_preparing: the serial of the change that is being prepared in slices, or undone, at this moment;
 * else 0.
 */
uint64_t change_preparing(void);

/**
 * change_hides: was something done by the change that is being prepared? @serial: what who did it has left there,
 * 0: nobody. It is not committed then: readers leave out what was added and show what was before.
 */
static inline bool
change_hides(uint64_t serial)
{
	return serial != 0 && serial == change_preparing();
}

/**
 * change_busy: is a client's change being prepared, or undone? Then changes of the daemon's own, and whatever
 * else alters the truth by itself, wait for the next tick, unless it cannot meet what the client's change has
 * in its notes: who marks what a change has touched with change_serial() can know that better.
 */
bool change_busy(void);

/**
 * change_slice_over: has the slice lasted long enough? For loops in who may return CHANGE_MORE; they do something
 * in each call before they ask.
 */
bool change_slice_over(void);

/**
 * change_visible: the change alters something that a client can see although no worker has to know: the
 * generation moves. Implied by change_op().
 */
void change_visible(struct change *c);

/**
 * change_quiet: the change is no one's doing (a neighbour was learned, a slot is free again): the generation of
 * the configuration does not move.
 */
void change_quiet(struct change *c);

/** change_undo: @fn(@arg) runs if the change is abandoned, in reverse order of the notes. */
void change_undo(struct change *c, void (*fn)(void *arg), void *arg);

/**
 * change_done: @fn(@arg) runs when all workers have applied the change, in order; not run when abandoned. Others
 * may have their turns between two notes of one change.
 */
void change_done(struct change *c, void (*fn)(void *arg), void *arg);

/**
 * change_op: an operation for the workers: each calls the .on_commit of message type @type with the
 * @len bytes that the caller writes at the returned address (8-byte aligned, stable until the change
 * ends, shared by all workers, read-only for them). Returns NULL when out of memory.
 */
void *change_op(struct change *c, uint32_t type, uint32_t len);

/**
 * change_then: @fn(@c, its memory) runs when the SET handler, .sync or note that is at work has returned, before
 * another one is called, and before it is called again if that was with CHANGE_MORE: for the part of its work that
 * may be long, wherever it comes up. What @fn says counts as what the handler says. Several run in the order of the
 * calls; @fn may call this, too. In changes of the daemon's own it runs at change_commit(). Returns @len zero bytes
 * for @fn, 8-byte aligned, that live as long as @c; NULL: out of memory, and the text is set.
 */
void *change_then(struct change *c, int (*fn)(struct change *c, void *work), uint32_t len);

/**
 * change_before_commit: @fn(@c, @arg) runs once all records went well, in order of the notes, before the
 * operations are sent; for work that is done once for many records (a worker's object of a service). It may
 * use the functions above, this one too, and fail: then the change is abandoned, and no record in
 * particular is to blame. Not run when the change is abandoned earlier. One that returns CHANGE_MORE is called
 * again.
 */
void change_before_commit(struct change *c, int (*fn)(struct change *c, void *arg), void *arg);

/** change_error: sets the text of the refusal. Returns @err. */
int change_error(struct change *c, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Changes that no client asked for (an ARP answer, a configuration file): begin, call the same functions
 * as a SET handler, then commit or abandon. change_commit() can fail only with -ENOBUFS (too many changes
 * under way) or with the error of a change_before_commit() note; then it has abandoned the change. A change
 * without operations, and not change_visible(), moves no generation. They have no slices: they are short.
 */
struct change *change_begin(void);
int change_commit(struct change *c);
void change_abandon(struct change *c);

/**
 * change_generation: of the configuration: each committed change adds one, but quiet ones. What a client that
 * asks whether somebody else was at work compares.
 */
uint64_t change_generation(void);

/** change_generation_of: the last generation that worker @lcore has applied. Any lcore. */
uint64_t change_generation_of(unsigned int lcore);

/** change_sequence, change_sequence_of: the same, and quiet changes count as well: what is in the tables. */
uint64_t change_sequence(void);
uint64_t change_sequence_of(unsigned int lcore);

/** change_applying: (worker) is a commit half applied on the calling worker? */
bool change_applying(void);

/** change_unconfirmed: committed changes that worker @lcore has not confirmed. */
uint64_t change_unconfirmed(unsigned int lcore);

#endif
