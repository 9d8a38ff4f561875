/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core/ctl.c and start-up need of core/change.c; modules need change.h only.
 *
 * Thread-safety: main lcore only.
 */
#ifndef CHANGE_PRIV_H
#define CHANGE_PRIV_H

#include "core/change.h"

struct module;
extern const struct module change_module; /* the message COMMIT */

/**
 * change_end_fn: how a committed change ended: 0, all workers have applied it; -EINPROGRESS, the deadline
 * has passed (called again with 0 later). @c is valid during the call.
 */
typedef void (*change_end_fn)(struct change *c, int status, void *arg);

/** change_begin_client: a change that a client asked for, with change_mode() @mode; change_busy() until it ends. */
struct change *change_begin_client(unsigned int mode);

/** change_commit_async: as change_commit(); @end is called once or twice later, never when this failed. */
int change_commit_async(struct change *c, change_end_fn end, void *arg);

/**
 * change_prepare: runs what change_before_commit() noted and has not run yet; change_commit_async() does it
 * too. Returns 0, or the error of a note: the caller abandons the change.
 */
int change_prepare(struct change *c);

/** change_no_end: the end function of @c is not called any more. */
void change_no_end(struct change *c);

/** change_has_ops: is there anything that workers have to apply? */
int change_has_ops(const struct change *c);

/** change_error_text: what change_error() set, or NULL. */
const char *change_error_text(const struct change *c);

/** change_late_worker: the first worker index that has not confirmed @c, or -1. */
int change_late_worker(const struct change *c);

/** change_in_flight: how many committed changes wait for workers. */
unsigned int change_in_flight(void);

/** change_fini: workers have ended: what they had not confirmed is done now. */
void change_fini(void);

#endif
