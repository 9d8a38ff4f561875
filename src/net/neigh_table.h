/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's table of neighbours (neigh_table.c), as neigh.c, what happens in the course of time, and
 * neigh_ctl.c, the requests, change it.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NET_NEIGH_TABLE_H
#define NET_NEIGH_TABLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/event.h"
#include "module.h"
#include "net/neigh_priv.h"

/** struct neigh: an entry. */
struct neigh {
	struct neigh_key key;
	uint8_t mac[6];
	uint8_t state;        /**< DPVS_NEIGH_* */
	uint8_t probes;       /**< sent in this state */
	uint32_t index;       /**< in the replicas; NEIGH_NONE: not there */
	int64_t confirmed_ms; /**< when it last answered, or was made */
	int64_t state_ms;     /**< when it came into this state */
	int64_t next_ms;      /**< when it is to be looked at again */
	struct event_node event;
	bool told;            /**< subscribers were told of it; the two following are what */
	uint8_t told_state;   /**< 0: it is not known what */
	uint8_t told_mac[6];
};

extern const struct module_sockopt neigh_sockopts[];

/** neigh_now: milliseconds of the monotonic clock. */
static inline int64_t
neigh_now(void)
{
	return g_get_monotonic_time() / 1000;
}

struct dpvs_neigh_conf;

/** neigh_events: the list of all, and its records. */
extern const struct module_event neigh_events[];

/** neigh_to_wire: @n as listed. */
void neigh_to_wire(const struct neigh *n, struct dpvs_neigh_conf *ret_conf);

struct dpvs_req;

/** neigh_ctl_replicas: GET 8600, neigh_replica.c. */
int neigh_ctl_replicas(struct dpvs_req *req, const void *record);

/** neigh_all: the table, struct neigh_key to struct neigh. */
GHashTable *neigh_all(void);

/** neigh_moves: another number when the table has had entries added or taken without a change (core/change.h). */
uint64_t neigh_moves(void);

/**
 * neigh_held: a client's change that was prepared half-way has entries of this table in its notes; nobody else
 * changes it now. Changes that leave the neighbours alone hold nothing, however long they take.
 */
bool neigh_held(void);

/** neigh_new: an entry without an index, in no state yet; NULL: the table is full of what is in use. */
struct neigh *neigh_new(const struct neigh_key *key);

/** neigh_goes: @n is about to be taken out of neigh_all() and freed, without a change. */
void neigh_goes(struct neigh *n);

/** neigh_set_state: from now on; to be looked at again at @next_ms. */
void neigh_set_state(struct neigh *n, uint8_t state, int64_t next_ms);

/** neigh_tell: @c has made @n what it is now; NULL: it happened without one. Nothing when that is known. */
void neigh_tell(struct change *c, struct neigh *n);

/** neigh_tell_gone: @c takes @n away. */
void neigh_tell_gone(struct change *c, const struct neigh *n);

/*
 * Changes of the daemon's own. Return 0, or a negative errno: nothing was done.
 */

/** neigh_learn: @n has @mac now, and is in @state: brings it into the replicas when they do not have it. */
int neigh_learn(struct neigh *n, const uint8_t *mac, uint8_t state, int64_t next_ms);

/**
 * neigh_forget: takes @n out of the replicas: it has failed, or is no more at all (@over). The index is free at
 * once: operations keep their order.
 */
int neigh_forget(struct neigh *n, bool over);

/** neigh_refuse: nobody answered for @n; workers give up what waits for it. */
int neigh_refuse(struct neigh *n);

/** neigh_digests: the table for dpip verify. */
extern const struct module_digest neigh_digests[];

/** neigh_set_permanent: an operator's entry for @key takes the place of any other. */
int neigh_set_permanent(struct change *c, const struct neigh_key *key, const uint8_t *mac);

/** neigh_remove: takes @n out. */
int neigh_remove(struct change *c, struct neigh *n);

/** neigh_table_init: for @max entries. */
void neigh_table_init(uint32_t max);
void neigh_table_fini(void);

#endif
