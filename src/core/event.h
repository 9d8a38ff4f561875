/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what a module says of its objects to those who subscribed (GET 8010; doc/protocol.md has the semantics).
 *
 * A module does two things. It says what becomes of each object, with the change that does it:
 *
 *   if (event_wanted(DPVS_EVENT_NEIGH))
 *           event_emit(c, DPVS_EVENT_NEIGH, DPVS_EVENT_OP_ADD, &conf, sizeof(conf));
 *
 * The record tells the object as it is after that step. What a change emits is published at its commit, in the order
 * of the calls; a change that is abandoned publishes nothing. Without a subscriber nothing is encoded.
 *
 * And it keeps a struct event_node of each object in a list, which its table of struct module_event names: that is
 * the present state. The order of the list means nothing. Objects may come and go between two slices of a listing.
 *
 * An object that only subscribers are to find enters the list (event_node_add()) when it enters the module's table, leaves
 * it when it leaves that, also where a change is undone: their present state is read between changes only. A list that is
 * shown at any time (core/listing.h) has objects that do not change while they are in it, and they come and go by
 *
 *   event_node_bring(c, &list, &obj->event);      undo: event_node_del(&list, &obj->event), and obj is freed
 *   event_node_take(c, &obj->event);              undo: event_node_keep(&obj->event)
 *                                                 done: event_node_del(&list, &obj->event), and obj is freed
 *
 * so that readers, who ask event_node_shown(), see what is committed.
 *
 * Thread-safety: main lcore only.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <dpvsctrl/proto/event.h>

#include "core/change.h"

struct module;
extern const struct module event_module;

/** struct event_node: an object in the list of its kind. */
struct event_node {
	TAILQ_ENTRY(event_node) link;
	uint64_t brought; /**< serial of the change that brought it; 0: none has to be told from others */
	uint64_t taken;   /**< serial of the change that took it; 0: it is there */
	bool marker;      /**< no object: how far a subscriber has come */
};

TAILQ_HEAD(event_nodes, event_node);

/** struct module_event: objects that a module tells of; tables end with an entry without a list. */
struct module_event {
	uint32_t kind;            /**< DPVS_EVENT_* */
	struct event_nodes *list; /**< all there are; emptied before init() */
	/** Writes the record of an object, at most DPVS_EVENT_DATA_SIZE bytes. Returns its size; 0: not to be told. */
	uint32_t (*record)(const struct event_node *node, void *data);
};

/** Kinds that somebody subscribed to; read it with event_wanted(). Written by event.c. */
extern uint32_t event_kinds;

/** event_wanted: is it worth while to make the record? */
static inline bool
event_wanted(uint32_t kind)
{
	return (event_kinds & kind) != 0;
}

/**
 * event_emit: @c does @op to the object that @record tells of, @len bytes of at most DPVS_EVENT_DATA_SIZE. NULL:
 * it has happened and is published at once (a state that only main knows, like that of a neighbour). Cannot fail:
 * without memory subscribers are told that they missed something.
 */
void event_emit(struct change *c, uint32_t kind, uint32_t op, const void *record, uint32_t len);

/** event_node_add: @node, not in a list now, gets into @list; also again, when its removal is undone. */
static inline void
event_node_add(struct event_nodes *list, struct event_node *node)
{
	/* At the end: who reads the list and has passed the old place still finds it. */
	TAILQ_INSERT_TAIL(list, node, link);
}

static inline void
event_node_del(struct event_nodes *list, struct event_node *node)
{
	TAILQ_REMOVE(list, node, link);
}

/** event_node_bring: the same; readers see it from the commit of @c on. */
static inline void
event_node_bring(const struct change *c, struct event_nodes *list, struct event_node *node)
{
	node->brought = change_serial(c);
	node->taken = 0;
	event_node_add(list, node);
}

/** event_node_take: readers see it until the commit of @c; it stays in the list. event_node_keep: undoes that. */
static inline void
event_node_take(const struct change *c, struct event_node *node)
{
	node->taken = change_serial(c);
}

static inline void
event_node_keep(struct event_node *node)
{
	node->taken = 0;
}

/** event_node_shown: do readers see it: is it an object, and there as of the last commit? */
static inline bool
event_node_shown(const struct event_node *node)
{
	return !node->marker && !change_hides(node->brought) && (node->taken == 0 || change_hides(node->taken));
}

/** event_object: the struct of @type whose member @member is @node. */
#define event_object(node, type, member) \
	((type *)(uintptr_t)((uintptr_t)(node) - offsetof(type, member)))

#endif
