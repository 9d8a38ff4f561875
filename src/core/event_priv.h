/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What event.c (the log of what was published), event_sub.c (who reads it), core/change.c and modules.c share.
 *
 * Thread-safety: main lcore only.
 */
#ifndef EVENT_PRIV_H
#define EVENT_PRIV_H

#include "core/event.h"

#include <glib.h>

struct dpvs_mem_info;

/** Kinds, as indices: bit i of DPVS_EVENT_*. */
#define EVENT_KINDS 9u
#define EVENT_KINDS_ALL ((1u << EVENT_KINDS) - 1)

/** struct event_head: an event in a batch; its record follows, padded to 8 bytes. */
struct event_head {
	uint32_t kind;
	uint32_t op;
	uint32_t len;
	uint32_t pad;
};

/** struct event_piece: some events of a batch; pieces are never moved: megabytes are not copied in one go. */
struct event_piece {
	struct event_piece *next;
	uint32_t size; /**< bytes of @data */
	uint32_t used;
	unsigned char data[]; /**< struct event_head, record, ... */
};

/** struct event_batch: what one change publishes. */
struct event_batch {
	TAILQ_ENTRY(event_batch) link; /**< in the log */
	struct event_piece *first;     /**< NULL: there are none, or lost */
	struct event_piece *last;
	size_t size;                   /**< bytes of all pieces */
	uint64_t generation;           /**< after the change */
	uint32_t readers;              /**< subscribers that are in it */
	bool lost;                     /**< it was too much, or no memory: only counted */
	uint32_t counts[EVENT_KINDS];
};

TAILQ_HEAD(event_log, event_batch);

/**
 * event_publish: what @batch (nullable) has, and the new generation (0: it is the old one), is committed. Takes *@batch.
 */
void event_publish(struct event_batch **batch, uint64_t generation);

/** event_discard: the change was abandoned. Takes *@batch. */
void event_discard(struct event_batch **batch);

/** event_resume: no change is being prepared any more: who waited for that goes on, for a moment. */
void event_resume(void);

/** event_add_module, event_remove_module: its table of struct module_event. */
void event_add_module(const struct module *module);
void event_remove_module(const struct module *module);

/* event.c, for event_sub.c */

/** event_log_trim: frees batches at the start of the log that nobody reads. */
void event_log_trim(void);
void event_log_clear(void);

/** event_log_set_max: bytes that the log may hold. */
void event_log_set_max(size_t max);

/** event_log_mem: how full it is, in bytes. */
void event_log_mem(struct dpvs_mem_info *ret_info);

/** event_totals: events published so far while somebody wanted their kind, by kind. */
const uint64_t *event_totals(void);

/** event_sources: tables of all modules, of struct module_event *. */
const GPtrArray *event_sources(void);

/* event_sub.c, for event.c */

/** event_sub_published: @batch is at the end of the log. event_sub_dropped: it leaves the log, read or not. */
void event_sub_published(struct event_batch *batch);
void event_sub_dropped(const struct event_batch *batch);

#endif
