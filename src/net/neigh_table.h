/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's table of neighbours as neigh.c has it and neigh_ctl.c, the requests, changes it.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NET_NEIGH_TABLE_H
#define NET_NEIGH_TABLE_H

#include <glib.h>
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

/** neigh_digests: the table for dpip verify. */
extern const struct module_digest neigh_digests[];

/** neigh_set_permanent: an operator's entry for @key takes the place of any other. */
int neigh_set_permanent(struct change *c, const struct neigh_key *key, const uint8_t *mac);

/** neigh_remove: takes @n out. */
int neigh_remove(struct change *c, struct neigh *n);

#endif
