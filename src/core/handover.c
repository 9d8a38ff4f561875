/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See handover.h. The rings are RTS: a producer that is preempted between claiming and filling a slot does
 * not stop the other producers, which matters when lcores outnumber CPUs.
 *
 * A worker whose packets another one does not take asks main who is there (GET_ALL_SLAVE_ID), and goes on asking as
 * long as one is away: what is lost because a worker stands still is counted apart from what it is too slow for.
 */
#include "core/handover.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring.h>
#include <stdbool.h>
#include <stdio.h>

#include "core/conf.h"
#include "core/graph.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "module.h"

/* How often a worker asks main who is there, at most. */
#define ASK_MS 100

/* Ports whose packets are counted apart. */
#define PORTS_MAX 32

enum {
	STAT_OUT,
	STAT_IN,
	STAT_FULL,
	STAT_AWAY,
	STAT_AGAIN,
	STAT_NO_WORKER,
	STAT_NO_TARGET,
};

enum {
	NEXT_DROP,
	NEXT_TARGET, /* the first of HANDOVER_COUNT */
};

/* worker: rw, main: ro */
struct handover_lcore {
	uint64_t ports[PORTS_MAX];
	bool away[WORKERS_MAX]; /* workers that are stopped or silent, as main said */
	bool ask;               /* there is a reason to ask */
	bool asked;             /* and no answer yet */
} __rte_cache_aligned;

static struct rte_ring *rings[WORKERS_MAX];
static struct handover_lcore handover_lcores[WORKERS_MAX];
static struct stats_block stats;

/* ---- node handover ---- */

static unsigned int
handover_drop(struct rte_graph *graph, struct rte_node *node, unsigned int stat, void **objs,
	      unsigned int count)
{
	if (count > 0) {
		stats_add(&stats, stat, count);
		rte_node_enqueue(graph, node, NEXT_DROP, objs, (uint16_t)count);
	}
	return count;
}

/* Sends those of @objs that go to the worker of the first; moves the others to the front, in order. */
static unsigned int
handover_one_worker(struct rte_graph *graph, struct rte_node *node, void **objs, unsigned int count)
{
	struct handover_lcore *own = &handover_lcores[lcore_me()->worker];
	uint16_t worker = pkt_meta(objs[0])->worker;
	void *out[RTE_GRAPH_BURST_SIZE];
	unsigned int i, n = 0, rest = 0, sent;
	struct pkt_meta *meta;
	uint16_t ports[RTE_GRAPH_BURST_SIZE];

	for (i = 0; i < count; i++) {
		meta = pkt_meta(objs[i]);
		if (meta->worker != worker || n == RTE_DIM(out)) {
			objs[rest++] = objs[i];
		} else if (meta->flags & PKT_F_HANDED) {
			/* Two workers that disagree on the owner must not play ball. */
			handover_drop(graph, node, STAT_AGAIN, &objs[i], 1);
		} else {
			meta->flags |= PKT_F_HANDED;
			ports[n] = meta->in_port;
			out[n++] = objs[i];
		}
	}
	if (n == 0)
		return rest;
	if (worker >= lcore_worker_count()) {
		handover_drop(graph, node, STAT_NO_WORKER, out, n);
		return rest;
	}
	sent = rte_ring_enqueue_burst(rings[worker], out, n, NULL);
	dpvs_msg_ring_doorbell(lcore_of_worker(worker));
	/* From here on the packets sent are the other's. */
	for (i = 0; i < sent; i++)
		if (ports[i] < PORTS_MAX)
			own->ports[ports[i]]++;
	stats_add(&stats, STAT_OUT, sent);
	if (unlikely(sent < n)) {
		own->ask = true;
		handover_drop(graph, node, own->away[worker] ? STAT_AWAY : STAT_FULL, &out[sent], n - sent);
	}
	return rest;
}

static uint16_t
handover_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	unsigned int rest = count;

	while (rest > 0)
		rest = handover_one_worker(graph, node, objs, rest);
	return count;
}

static struct rte_node_register handover_node = {
	.name = "handover",
	.process = handover_process,
	.nb_edges = 1,
	.next_nodes = { [NEXT_DROP] = "drop" },
};

/* ---- node handover_rx ---- */

static uint16_t
handover_rx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	struct rte_ring *ring = rings[lcore_me()->worker];
	unsigned int i, n;
	uint8_t target, first;
	bool same = true;

	n = rte_ring_sc_dequeue_burst(ring, node->objs, GRAPH_BURST, NULL);
	if (n == 0)
		return 0;
	lcore_me()->pkts += n;
	stats_add(&stats, STAT_IN, n);
	first = pkt_meta(node->objs[0])->target;
	for (i = 1; i < n; i++)
		same &= pkt_meta(node->objs[i])->target == first;
	if (same && first < HANDOVER_COUNT) {
		node->idx = (uint16_t)n;
		rte_node_next_stream_move(graph, node, (rte_edge_t)(NEXT_TARGET + first));
		return (uint16_t)n;
	}
	for (i = 0; i < n; i++) {
		target = pkt_meta(node->objs[i])->target;
		if (target < HANDOVER_COUNT)
			rte_node_enqueue_x1(graph, node, (rte_edge_t)(NEXT_TARGET + target), node->objs[i]);
		else
			handover_drop(graph, node, STAT_NO_TARGET, &node->objs[i], 1);
	}
	return (uint16_t)n;
}

static struct rte_node_register handover_rx_node = {
	.name = "handover_rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = handover_rx_process,
	.nb_edges = NEXT_TARGET + HANDOVER_COUNT,
	.next_nodes = {
		[NEXT_DROP] = "drop",
		[NEXT_TARGET + HANDOVER_LB4] = "lb4_input",
		[NEXT_TARGET + HANDOVER_LB6] = "lb6_input",
		[NEXT_TARGET + HANDOVER_FRAG] = "ip4_reass",
		[NEXT_TARGET + HANDOVER_FRAG6] = "ip6_reass",
	},
};

/* ---- who is there ---- */

static void
handover_told(struct dpvs_msg *msg, int status, void *arg)
{
	struct handover_lcore *own = &handover_lcores[lcore_me()->worker];
	const struct dpvs_msg_workers *list;
	uint32_t i;

	own->asked = false;
	if (status != 0 || msg == NULL)
		return;
	list = dpvs_msg_data(msg);
	own->ask = false;
	/* In the order of the workers' indexes. */
	for (i = 0; i < list->count && i < WORKERS_MAX; i++) {
		own->away[i] = list->workers[i].state != DPVS_MSG_STATE_RUNNING;
		own->ask |= own->away[i];
	}
}

static int
handover_ask(void)
{
	struct handover_lcore *own = &handover_lcores[lcore_me()->worker];
	struct dpvs_msg *msg;

	if (!own->ask || own->asked)
		return -EAGAIN;
	msg = dpvs_msg_new(DPVS_MSG_GET_ALL_SLAVE_ID, 0);
	if (msg == NULL)
		return -EAGAIN;
	if (dpvs_msg_request(msg, rte_get_main_lcore(), 0, handover_told, NULL) < 0) {
		dpvs_msg_free(msg);
		return -EAGAIN;
	}
	own->asked = true;
	return 0;
}

/* ---- counts ---- */

uint64_t
handover_out(unsigned int index)
{
	return stats_lcore(&stats, STAT_OUT, lcore_of_worker(index));
}

uint64_t
handover_in(unsigned int index)
{
	return stats_lcore(&stats, STAT_IN, lcore_of_worker(index));
}

uint64_t
handover_of_port(uint16_t port)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < lcore_worker_count() && port < PORTS_MAX; i++)
		sum += __atomic_load_n(&handover_lcores[i].ports[port], __ATOMIC_RELAXED);
	return sum;
}

/* ---- start and end ---- */

static void
handover_fini(void)
{
	struct rte_mbuf *m;
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++) {
		while (rings[i] != NULL && rte_ring_dequeue(rings[i], (void **)&m) == 0)
			rte_pktmbuf_free(m);
		rte_ring_free(rings[i]);
		rings[i] = NULL;
		handover_lcores[i] = (struct handover_lcore){ 0 };
	}
}

static int
handover_init(const struct conf *conf)
{
	unsigned int size = (unsigned int)conf_uint(conf, "handover", "ring-size");
	char name[RTE_RING_NAMESIZE];
	unsigned int i;

	for (i = 0; i < lcore_worker_count(); i++) {
		snprintf(name, sizeof(name), "handover-%u", i);
		rings[i] = rte_ring_create(name, rte_align32pow2(size + 1),
					   (int)lcore_numa(lcore_of_worker(i)),
					   RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
		if (rings[i] == NULL) {
			log_error("handover", "no ring for worker %u: %s", i, rte_strerror(rte_errno));
			handover_fini();
			return -ENOMEM;
		}
	}
	return 0;
}

static const struct conf_key handover_conf[] = {
	{
		.name = "ring-size",
		.type = CONF_UINT,
		.min = 255,
		.max = 65535,
		.def = 2047,
		.unit = "packets",
		.help = "Packets that may wait to be taken by another worker.",
	},
	{},
};

static const struct module_stat handover_stats[] = {
	[STAT_OUT] = { "out", DPVS_STAT_EVENT, "Packets given to another worker." },
	[STAT_IN] = { "in", DPVS_STAT_EVENT, "Packets taken from another worker." },
	[STAT_FULL] = { "full", DPVS_STAT_DROP, "Packets dropped because the other worker's ring was full." },
	[STAT_AWAY] = { "away", DPVS_STAT_DROP,
			"Packets dropped because the other worker's ring was full and it does not run or answer." },
	[STAT_AGAIN] = { "again", DPVS_STAT_DROP, "Packets that were to be handed over a second time." },
	[STAT_NO_WORKER] = { "no-worker", DPVS_STAT_DROP, "Packets for a worker that does not exist." },
	[STAT_NO_TARGET] = { "no-target", DPVS_STAT_DROP, "Packets that did not say at which node to go on." },
	{},
};

static const struct module_job handover_jobs[] = {
	{ .name = "handover-ask", .when = JOB_SLOW, .period_ms = ASK_MS, .fn = handover_ask },
	{},
};

static struct rte_node_register *const handover_nodes[] = { &handover_node, &handover_rx_node, NULL };
static const char *const handover_after[] = { "graph", NULL };

const struct module handover_module = {
	.name = "handover",
	.after = handover_after,
	.conf = handover_conf,
	.jobs = handover_jobs,
	.stats = handover_stats,
	.stats_block = &stats,
	.nodes = handover_nodes,
	.init = handover_init,
	.fini = handover_fini,
};
