/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See stats_ctl.h. Counters never go back: to zero them is to note where they are. Each lcore notes that itself,
 * between two packets, so nothing that is counted meanwhile is lost, and all its counters begin at one point.
 */
#include "core/stats_ctl.h"

#include <dpvsctrl/proto/daemon.h>
#include <rte_lcore.h>
#include <string.h>

#include "core/change.h"
#include "core/lcore.h"
#include "core/stats.h"
#include "core/sysinfo.h"
#include "module.h"

/* By lcore: its generation when it took its counters. Written by that lcore, read by main when it has answered. */
static uint64_t generations[RTE_MAX_LCORE];

/* Any lcore: its own. */
static void
take_modules(uint32_t action)
{
	unsigned int lcore = rte_lcore_id();

	generations[lcore] = lcore_me()->worker == UINT32_MAX ? change_generation() : change_generation_of(lcore);
	for (const struct module *const *m = sysinfo_modules_all(); m != NULL && *m != NULL; m++) {
		if ((*m)->stats != NULL)
			stats_take((*m)->stats_block, action == COLLECT_ZERO);
	}
}

static void (*take_dests)(const void *payload);

void
stats_set_dests(void (*take)(const void *payload))
{
	take_dests = take;
}

static void
take(const void *payload)
{
	const struct stats_ask *ask = payload;

	if (ask->what == STATS_OF_MODULES)
		take_modules(ask->action);
	else if (take_dests != NULL)
		take_dests(payload);
}

/* ---- the requests ---- */

static void
add_lcore(struct dpvs_req *req, unsigned int lcore)
{
	struct dpvs_stat_lcore_info info;

	for (const struct module *const *m = sysinfo_modules_all(); m != NULL && *m != NULL; m++) {
		for (unsigned int i = 0; (*m)->stats != NULL && (*m)->stats[i].name != NULL; i++) {
			memset(&info, 0, sizeof(info));
			g_strlcpy(info.module, (*m)->name, sizeof(info.module));
			g_strlcpy(info.name, (*m)->stats[i].name, sizeof(info.name));
			info.kind = (*m)->stats[i].kind;
			info.lcore = lcore;
			info.generation = generations[lcore];
			info.value = stats_taken((*m)->stats_block, i, lcore);
			dpvs_req_add(req, &info, sizeof(info));
		}
	}
}

static int
next(struct collect_job *job, bool answered)
{
	struct stats_ask ask = { .what = STATS_OF_MODULES, .action = (uint32_t)(uintptr_t)job->arg };

	if (!answered) {
		memcpy(job->payload, &ask, sizeof(ask));
		job->len = sizeof(ask);
		return 1;
	}
	take_modules(ask.action); /* main's own */
	if (ask.action == COLLECT_ZERO)
		return 0;
	add_lcore(job->req, rte_get_main_lcore());
	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		add_lcore(job->req, lcore_of_worker(i));
	return 0;
}

static int
start(struct dpvs_req *req, uint32_t action)
{
	const struct collect_job job = {
		.kind = &stats_collect,
		.req = req,
		.next = next,
		.kept = action == COLLECT_ZERO,
		.arg = (void *)(uintptr_t)action,
	};

	return collect_start(&job);
}

int
stats_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count)
{
	(void)records;
	(void)count;
	return start(req, COLLECT_ZERO);
}

int
stats_ctl_snapshot(struct dpvs_req *req, const void *record)
{
	(void)record;
	return start(req, COLLECT_SNAPSHOT);
}

const struct collect_kind stats_collect = {
	.msg = DPVS_MSG_STATS_GET,
	.what = "counters",
	.take = take,
};

const struct dpvs_msg_type stats_msgs[] = {
	{
		.type = DPVS_MSG_STATS_GET,
		.name = "stats-get",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = collect_on_worker,
	},
	{},
};
