/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message STATS_GET and the requests on it: named counters, as workers take or zero them (core/collect.h).
 *
 * Thread-safety: main lcore only, but for what runs on a worker.
 */
#ifndef STATS_CTL_H
#define STATS_CTL_H

#include "core/collect.h"

/** What a question of STATS_GET is about. */
enum {
	STATS_OF_MODULES,
	STATS_OF_DESTS, /**< slots of servers, by stats_set_dests() */
};

/** struct stats_ask: a question; what follows is its own affair. */
struct stats_ask {
	uint32_t what;   /**< STATS_OF_* */
	uint32_t action; /**< COLLECT_* */
};

extern const struct collect_kind stats_collect;
extern const struct dpvs_msg_type stats_msgs[];

/** stats_set_dests: who answers on a worker for STATS_OF_DESTS; NULL: nobody. */
void stats_set_dests(void (*take)(const void *payload));

/* SET 8203, GET 8207 */
int stats_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count);
int stats_ctl_snapshot(struct dpvs_req *req, const void *record);

#endif
