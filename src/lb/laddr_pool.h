/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What laddr.c and laddr_pool.c, requests about the workers' pools of ports, share.
 *
 * Thread-safety: main lcore only.
 */
#ifndef LADDR_POOL_H
#define LADDR_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "lb/addr_table.h"

struct collect_kind;
struct dpvs_req;
extern const struct collect_kind laddr_collect;

/** struct laddr_id: a local address and its slot. */
struct laddr_id {
	struct addr_key key;
	uint32_t index;
	uint16_t port;
};

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

int laddr_ctl_pools(struct dpvs_req *req, const void *record);
int laddr_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count);

#endif
