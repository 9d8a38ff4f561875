/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of family laddr share:
 *
 *   laddr.c       what workers have; the module
 *   laddr_slot.c  the addresses and their slots, and those that only connections hold
 *   laddr_ctl.c   the services' lists of addresses: SET 100 to 102
 *   laddr_pool.c  the workers' pools of ports: GET and SET 8103
 *
 * Thread-safety: main lcore only.
 */
#ifndef LADDR_PRIV_H
#define LADDR_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/event.h"
#include "core/htable.h"
#include "lb/addr_table.h"

struct change;
struct collect_kind;
struct digest;
struct dpvs_req;

/** struct laddr: a local address and its slot. */
struct laddr {
	struct addr_key key; /**< port and protocol 0 */
	uint16_t port;       /**< the netif that has it */
	uint32_t index;
	uint32_t users;    /**< services */
	uint32_t removals; /**< from services, not confirmed by all workers */
	uint64_t added;    /**< serial of the change that made it */
	bool in_trash;
	TAILQ_ENTRY(laddr) trash_link;
	struct htable_node node;
};

/** struct laddr_id: a local address and its slot. */
struct laddr_id {
	struct addr_key key;
	uint32_t index;
	uint16_t port;
};

/* laddr.c */
/** laddr_room: for laddr_publish() of one more address. Returns 0, CHANGE_MORE or -ENOMEM. */
int laddr_room(struct change *c, uint8_t af);
/** laddr_publish: workers look the address of @la up, or do not any more. Returns 0 or -ENOMEM. */
int laddr_publish(struct change *c, const struct laddr *la, bool there);

/* laddr_slot.c */
int laddr_slots_init(uint32_t max);
void laddr_slots_fini(void);
/** laddr_by_key: the address, also one that is in the trash, or NULL. */
struct laddr *laddr_by_key(const struct addr_key *key);
/** laddr_new: an address that has no user yet. Returns 0, -ENOMEM, -ENOSPC; the change has the text. */
int laddr_new(struct change *c, const struct addr_key *key, uint16_t port, struct laddr **ret_laddr);
/** laddr_use: before @la gets a user: it is not in the trash any more, until @c is undone. */
void laddr_use(struct change *c, struct laddr *la);
/** laddr_settle: a removal is confirmed or an add undone: @la goes to the trash if nothing keeps it elsewhere. */
void laddr_settle(struct laddr *la);
int laddr_job_reap(void);
bool laddr_digest_truth(struct digest *d);
/**
 * laddr_at: the address that has slot @index as of the last commit, or false. laddr_slots_used: slots from here on
 * were never used.
 */
bool laddr_at(uint32_t index, struct laddr_id *ret_id);
uint32_t laddr_slots_used(void);
/** laddr_is: is it still so? */
bool laddr_is(const struct laddr_id *id);
/** laddr_zero_of, laddr_zero_set: where worker @worker's port_misses of slot @index begin to count. */
uint64_t laddr_zero_of(uint32_t index, unsigned int worker);
void laddr_zero_set(uint32_t index, unsigned int worker, uint64_t misses);

/* laddr_ctl.c */
extern const struct module_event laddr_events[];
int laddr_links_init(void);
void laddr_links_fini(void);
int laddr_ctl_add(struct change *c, const void *record);
int laddr_ctl_del(struct change *c, const void *record);
int laddr_ctl_flush(struct change *c, const void *record);

/* laddr_pool.c */
extern const struct collect_kind laddr_collect;
int laddr_ctl_pools(struct dpvs_req *req, const void *record);
int laddr_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count);

#endif
