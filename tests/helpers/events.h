/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A subscriber to events that keeps a model: what it was told, by key, as doc/protocol.md says. It checks
 * everything that can be checked in what it reads (frames, serials, order) and fails the test otherwise. For programs
 * on tests/helpers/harness.h.
 *
 * Thread-safety: the main thread; reading pumps the main loop.
 */
#ifndef TESTS_EVENTS_H
#define TESTS_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/proto/event.h>

/** struct listener: the subscriber. Members are to be read. */
struct listener {
	int fd;
	uint32_t seq;
	uint32_t kinds;
	GByteArray *in;      /**< received, not yet taken apart */
	GHashTable *objects; /**< key (GBytes: kind and key members) to record (GBytes: what it tells) */
	bool answered;       /**< the answer to the subscription was there */
	bool synced;
	bool within;         /**< the last frame said that its change goes on */
	bool closed;         /**< the daemon closed the connection */
	int error;           /**< of the last frame */
	uint64_t serial;
	uint64_t generation; /**< of the last event of kind generation */
	uint64_t syncs;
	uint64_t restarts;
	uint64_t missed;
	uint64_t events[7];  /**< by op */
	uint64_t bytes;
	/** called after each frame that ends a change, and the one with synced; may be NULL */
	void (*settled)(struct listener *l, void *arg);
	void *settled_arg;
};

/** listener_new: subscribes. listener_free: hangs up. */
struct listener *listener_new(uint32_t kinds);
void listener_free(struct listener *l);

/** listener_read: takes what is there, at most @max bytes, without waiting. Returns how many. */
size_t listener_read(struct listener *l, size_t max);

/** listener_wait: reads until @done says so; fails the test after a minute. */
void listener_wait(struct listener *l, bool (*done)(struct listener *l));
bool listener_is_synced(struct listener *l);
bool listener_is_closed(struct listener *l);

/** listener_put: an object as an event or a GET tells it goes into @objects, without what is a reading. */
void listener_put(GHashTable *objects, uint32_t kind, const void *record);

/** listener_objects: an empty table as .objects is. */
GHashTable *listener_objects(void);

/** listener_state: what the daemon has, by its GETs; *ret_generation is 0 when it changed meanwhile. */
GHashTable *listener_state(uint32_t kinds, uint64_t *ret_generation);

/** listener_difference: NULL if both have the same; else what differs first. To be freed. */
char *listener_difference(GHashTable *have, GHashTable *want);

#endif
