/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests about lcores: GET 500 to 502 read what workers count while they run; GET and SET 8502 have each worker
 * take its counters itself, all at one point of its loop (message NETIF_LCORE_STATS). Counters never go back: to zero
 * them main keeps where they were.
 */
#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/netif.h>
#include <glib.h>
#include <rte_lcore.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/change.h"
#include "core/collect.h"
#include "core/handover.h"
#include "core/lcore.h"
#include "core/sysinfo.h"
#include "net/netif_priv.h"
#include "net/port.h"

/** struct counts: what a worker has counted. */
struct counts {
	uint64_t generation;
	uint64_t loops;
	uint64_t busy_cycles;
	uint64_t idle_cycles;
	uint64_t sleeps;
	uint64_t rx_pkts;
	uint64_t tx_pkts;
	uint64_t drops;
	uint64_t handed_out;
	uint64_t handed_in;
	uint64_t conns;
	uint64_t nivcsw;
};

static struct counts taken[WORKERS_MAX]; /* by each worker; main reads it when that has answered */
static struct counts zeros[WORKERS_MAX]; /* main: shown is what came after */
static uint64_t main_nivcsw_zero;

/* Main, or that worker. */
static void
count(unsigned int index, struct counts *ret_counts)
{
	unsigned int lcore = lcore_of_worker(index);
	struct lcore_counters c;

	lcore_counters(index, &c);
	*ret_counts = (struct counts){
		.generation = change_generation_of(lcore),
		.loops = c.loops,
		.busy_cycles = c.busy_cycles,
		.idle_cycles = c.idle_cycles,
		.sleeps = c.sleeps,
		.rx_pkts = port_rx_pkts(index),
		.tx_pkts = port_tx_pkts(index),
		.drops = sysinfo_drops(lcore),
		.handed_out = handover_out(index),
		.handed_in = handover_in(index),
		.conns = sysinfo_conns(index),
		.nivcsw = c.nivcsw,
	};
}

/* ---- what does not count ---- */

static uint64_t
msgs_of(unsigned int lcore)
{
	struct dpvs_msg_counters c;
	uint64_t sum = 0;
	uint32_t type;

	for (type = 0; type < DPVS_MSG_TYPE_COUNT; type++)
		if (dpvs_msg_type_lookup(type) != NULL && dpvs_msg_get_counters(type, lcore, &c) == 0)
			sum += c.received;
	return sum;
}

static void
fill_handlers(struct dpvs_lcore_info *info)
{
	struct dpvs_msg_handler_times t;

	if (dpvs_msg_get_handler_times(info->id, &t) < 0)
		return;
	info->handler_loops = t.loops;
	info->handler_ns_p50 = t.ns_p50;
	info->handler_ns_p999 = t.ns_p999;
	info->handler_ns_max = t.ns_max;
}

static uint64_t
main_nivcsw(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_nivcsw : 0;
}

static uint32_t
rx_queues_of(unsigned int index)
{
	const struct port *p;
	uint32_t n = 0;
	uint16_t i, q;

	for (i = 0; i < netif_count(); i++) {
		p = port_by_id(i);
		for (q = 0; p != NULL && q < p->rx_queues; q++)
			n += port_rx_worker(i, q) == index;
	}
	return n;
}

/* ---- answers ---- */

static void
add_main(struct dpvs_req *req)
{
	struct dpvs_lcore_info info = {
		.id = rte_get_main_lcore(),
		.role = DPVS_LCORE_MAIN,
		.pid = (uint32_t)getpid(),
		.generation = change_generation(),
	};

	info.cpu = lcore_cpu(info.id);
	info.numa = lcore_numa(info.id);
	info.msgs = msgs_of(info.id);
	fill_handlers(&info);
	info.nivcsw = main_nivcsw() - main_nivcsw_zero;
	dpvs_req_add(req, &info, sizeof(info));
}

static void
add_worker(struct dpvs_req *req, unsigned int index, const struct counts *c)
{
	struct dpvs_lcore_info info = { .id = lcore_of_worker(index), .role = DPVS_LCORE_WORKER };
	const struct counts *zero = &zeros[index];
	struct lcore_counters lc;

	lcore_counters(index, &lc);
	info.cpu = lcore_cpu(info.id);
	info.numa = lcore_numa(info.id);
	info.pid = lc.tid;
	info.rx_queues = rx_queues_of(index);
	info.msgs = msgs_of(info.id);
	fill_handlers(&info);
	info.generation = c->generation;
	info.conns = c->conns;
	info.loops = c->loops - zero->loops;
	info.busy_cycles = c->busy_cycles - zero->busy_cycles;
	info.idle_cycles = c->idle_cycles - zero->idle_cycles;
	info.sleeps = c->sleeps - zero->sleeps;
	info.rx_pkts = c->rx_pkts - zero->rx_pkts;
	info.tx_pkts = c->tx_pkts - zero->tx_pkts;
	info.drops = c->drops - zero->drops;
	info.handed_out = c->handed_out - zero->handed_out;
	info.handed_in = c->handed_in - zero->handed_in;
	info.nivcsw = c->nivcsw - zero->nivcsw;
	dpvs_req_add(req, &info, sizeof(info));
}

int
netif_ctl_get_lcore(struct dpvs_req *req, const void *record)
{
	struct counts c;

	(void)record;
	add_main(req);
	for (unsigned int i = 0; i < lcore_worker_count(); i++) {
		count(i, &c);
		add_worker(req, i, &c);
	}
	return 0;
}

/* ---- taken by the workers ---- */

static void
take(const void *payload)
{
	unsigned int worker = lcore_me()->worker;

	(void)payload; /* whether to zero is for main to know */
	count(worker, &taken[worker]);
}

static int
next(struct collect_job *job, bool answered)
{
	if (!answered) {
		job->len = sizeof(uint32_t);
		return 1;
	}
	if (job->arg != NULL) {
		memcpy(zeros, taken, sizeof(zeros));
		main_nivcsw_zero = main_nivcsw();
		return 0;
	}
	add_main(job->req);
	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		add_worker(job->req, i, &taken[i]);
	return 0;
}

static const struct collect_kind netif_lcore_collect = {
	.msg = DPVS_MSG_NETIF_LCORE_STATS,
	.what = "counters of lcores",
	.take = take,
};

int
netif_ctl_snapshot_lcore(struct dpvs_req *req, const void *record)
{
	const struct collect_job job = { .kind = &netif_lcore_collect, .req = req, .next = next };

	(void)record;
	return collect_start(&job);
}

int
netif_ctl_zero_lcore(struct dpvs_req *req, const void *records, uint32_t count_of)
{
	const struct collect_job job = { .kind = &netif_lcore_collect, .req = req, .next = next, .arg = zeros };

	(void)records;
	(void)count_of;
	return collect_start(&job);
}

void
netif_collect_init(void)
{
	memset(zeros, 0, sizeof(zeros));
	main_nivcsw_zero = 0;
	collect_register(&netif_lcore_collect);
}

void
netif_collect_fini(void)
{
	collect_unregister(&netif_lcore_collect);
}
