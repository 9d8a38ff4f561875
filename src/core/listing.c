/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long lists, slice by slice; see listing.h.
 */
#include "core/listing.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "core/change.h"

/** struct listing: an answer under way. */
struct listing {
	struct listing_type type;
	struct event_node marker; /* behind the last object looked at */
	uint64_t began;           /* state() when it began */
	GList link;               /* in listings; not when the marker is out of its list */
	bool marked;
	uint8_t filter[LISTING_FILTER_SIZE];
};

static GQueue listings = G_QUEUE_INIT;

/* Looks at LISTING_SLICE objects from @node on. Returns the next one, NULL at the end. */
static struct event_node *
slice(struct dpvs_req *req, const struct listing_type *type, const void *filter, struct event_node *node)
{
	uint64_t data[DPVS_EVENT_DATA_SIZE / sizeof(uint64_t)];

	for (unsigned int i = 0; i < LISTING_SLICE && node != NULL; i++, node = TAILQ_NEXT(node, link)) {
		if (event_node_shown(node) && type->fits(node, filter))
			dpvs_req_add(req, data, type->record(node, data));
	}
	return node;
}

static uint64_t
state(const struct listing_type *type)
{
	/* Both only grow. */
	return change_sequence() + (type->moves != NULL ? type->moves() : 0);
}

static void
unmark(struct listing *l)
{
	if (!l->marked)
		return;
	event_node_del(l->type.list, &l->marker);
	g_queue_unlink(&listings, &l->link);
	l->marked = false;
}

static void
next_slice(struct dpvs_req *req, void *arg)
{
	struct listing *l = arg;
	struct event_node *node;

	if (!dpvs_req_cancelled(req) && l->marked) {
		node = slice(req, &l->type, l->filter, TAILQ_NEXT(&l->marker, link));
		if (state(&l->type) != l->began)
			dpvs_req_set_flags(req, DPVS_REPLY_CHANGED);
		if (node != NULL) {
			event_node_del(l->type.list, &l->marker);
			TAILQ_INSERT_BEFORE(node, &l->marker, link);
			dpvs_req_on_drained(req, next_slice, l);
			return;
		}
	}
	unmark(l);
	g_free(l);
	dpvs_req_end(req, dpvs_req_cancelled(req) ? -ECANCELED : 0);
}

int
listing_answer(struct dpvs_req *req, const struct listing_type *type, const void *filter, uint32_t size)
{
	struct event_node *node = slice(req, type, filter, TAILQ_FIRST(type->list));
	struct listing *l;

	if (node == NULL)
		return 0;
	g_assert(size <= LISTING_FILTER_SIZE);
	l = g_try_new0(struct listing, 1);
	if (l == NULL)
		return -ENOMEM;
	l->type = *type;
	l->began = state(type);
	l->link.data = l;
	l->marker.marker = true;
	l->marked = true;
	memcpy(l->filter, filter, size);
	TAILQ_INSERT_BEFORE(node, &l->marker, link);
	g_queue_push_tail_link(&listings, &l->link);
	dpvs_req_on_drained(req, next_slice, l);
	return DPVS_REQ_PENDING;
}

void
listing_stop(void)
{
	struct listing *l;

	while ((l = g_queue_peek_head(&listings)) != NULL)
		unmark(l);
}
