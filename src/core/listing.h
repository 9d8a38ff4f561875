/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers a GET with the objects of a list (core/event.h), however many there are: in slices of some 100 us of main's
 * time, each when the client has read most of the one before. The place is kept by a marker in the list, so objects
 * may come and go meanwhile; then the answer says that the table changed. The order is that of the list. Listed is
 * what is committed (event_node_shown()).
 *
 * Thread-safety: main lcore only.
 */
#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

struct dpvs_req;

/** So many objects are listed in one go: what has no more may have an order of its own, in a handler of its own. */
#define LISTING_SLICE 512

/** Longest filter. */
#define LISTING_FILTER_SIZE 256

/** struct listing_type: what is listed; copied. */
struct listing_type {
	struct event_nodes *list;
	/** Writes the record of an object, at most DPVS_EVENT_DATA_SIZE bytes. Returns its size. */
	uint32_t (*record)(const struct event_node *node, void *data);
	/** Does the client want it? */
	bool (*fits)(const struct event_node *node, const void *filter);
	/** Another number when the list has changed without a change of the configuration; may be NULL. */
	uint64_t (*moves)(void);
};

/**
 * listing_answer: answers @req with what fits @filter (copied, @size bytes); for a handler to return. Returns 0,
 * DPVS_REQ_PENDING or -ENOMEM.
 */
int listing_answer(struct dpvs_req *req, const struct listing_type *type, const void *filter, uint32_t size);

/** listing_stop: clients are gone, lists are about to: takes the markers out of them. */
void listing_stop(void);

#endif
