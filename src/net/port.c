/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See port.h. A worker has a tx queue of its own where the device has enough of them; on other devices
 * (one pair of queues, several workers) workers share queues under a lock. That is the only lock of the
 * packet path; the counter tx-shared tells how often a burst went that way.
 */
#include "net/port.h"

#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <glib.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_spinlock.h>
#include <sched.h>
#include <stdio.h>

#include "core/graph_priv.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/stats.h"
#include "module.h"
#include "net/eth.h"
#include "net/netif.h"

enum {
	STAT_RX,
	STAT_TX,
	STAT_TX_SHARED,
	STAT_TX_FULL,
	STAT_TX_DOWN,
	STAT_TX_SEGMENTS,
};

enum {
	TX_NEXT_DROP,
};

/* In rte_node.ctx of a port_rx clone. */
struct port_rx_ctx {
	uint16_t port;
	uint16_t queue;
};

/* In rte_node.ctx of a port_tx clone. */
struct port_tx_ctx {
	uint16_t port;
	uint16_t queue;
	bool segments;        /* the device takes packets of several segments */
	rte_spinlock_t *lock; /* NULL: the queue is this worker's alone */
};

_Static_assert(sizeof(struct port_tx_ctx) <= RTE_NODE_CTX_SZ, "the context is all that a node has");

/* worker: rw, main: ro */
struct port_lcore {
	uint64_t tx_dropped[NETIF_MAX];
} __rte_cache_aligned;

/* Set before workers run. */
static struct port_queues ports[NETIF_MAX];
static rte_node_t tx_nodes[NETIF_MAX];
static uint16_t port_top; /* highest port id plus one */

static struct port_lcore port_lcores[WORKERS_MAX];
static rte_spinlock_t tx_locks[NETIF_MAX][WORKERS_MAX];
static struct stats_block stats;

/* ---- node port_rx ---- */

static uint16_t
port_rx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	const struct port_rx_ctx *ctx = (const struct port_rx_ctx *)node->ctx;
	struct rte_mbuf **pkts = (struct rte_mbuf **)node->objs;
	uint16_t i, n;

	n = rte_eth_rx_burst(ctx->port, ctx->queue, pkts, GRAPH_BURST);
	if (n == 0)
		return 0;
	/* Not all drivers do it (net_ring hands out what was put in). */
	for (i = 0; i < n; i++)
		pkts[i]->port = ctx->port;
	lcore_me()->pkts += n;
	stats_add(&stats, STAT_RX, n);
	node->idx = n;
	rte_node_next_stream_move(graph, node, 0);
	return n;
}

static int
port_rx_init(const struct rte_graph *graph, struct rte_node *node)
{
	struct port_rx_ctx *ctx = (struct port_rx_ctx *)node->ctx;

	return sscanf(node->name, "port_rx-%hu-%hu", &ctx->port, &ctx->queue) == 2 ? 0 : -EINVAL;
}

static struct rte_node_register port_rx_node = {
	.name = "port_rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = port_rx_process,
	.init = port_rx_init,
	.nb_edges = 1,
	.next_nodes = { "eth_input" },
};

/* ---- node port_tx ---- */

static void
port_tx_lock(rte_spinlock_t *lock)
{
	unsigned int spins = 0;

	/* The holder may be preempted by us when lcores outnumber CPUs: then let it run. */
	while (!rte_spinlock_trylock(lock)) {
		if (++spins % 256 == 0)
			sched_yield();
		rte_pause();
	}
}

/* Brings packets of several segments into one; those that do not fit go to drop. Returns how many remain. */
static uint16_t
port_tx_linearize(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	uint16_t i, n = 0;
	struct rte_mbuf *m;

	for (i = 0; i < count; i++) {
		m = objs[i];
		if (m->nb_segs == 1 || rte_pktmbuf_linearize(m) == 0) {
			objs[n++] = m;
		} else {
			stats_inc(&stats, STAT_TX_SEGMENTS);
			rte_node_enqueue_x1(graph, node, TX_NEXT_DROP, m);
		}
	}
	return n;
}

static uint16_t
port_tx_send(const struct port_tx_ctx *ctx, struct rte_mbuf **pkts, uint16_t count)
{
	uint16_t sent = 0, n;

	do {
		n = rte_eth_tx_burst(ctx->port, ctx->queue, &pkts[sent], (uint16_t)(count - sent));
		sent = (uint16_t)(sent + n);
	} while (n > 0 && sent < count);
	return sent;
}

static uint16_t
port_tx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	const struct port_tx_ctx *ctx = (const struct port_tx_ctx *)node->ctx;
	uint16_t n = count, sent;

	if (unlikely(!netif_get(ctx->port)->up)) {
		stats_add(&stats, STAT_TX_DOWN, count);
		rte_node_enqueue(graph, node, TX_NEXT_DROP, objs, count);
		return count;
	}
	if (!ctx->segments)
		n = port_tx_linearize(graph, node, objs, count);
	if (ctx->lock != NULL) {
		port_tx_lock(ctx->lock);
		sent = port_tx_send(ctx, (struct rte_mbuf **)objs, n);
		rte_spinlock_unlock(ctx->lock);
		stats_inc(&stats, STAT_TX_SHARED);
	} else {
		sent = port_tx_send(ctx, (struct rte_mbuf **)objs, n);
	}
	stats_add(&stats, STAT_TX, sent);
	if (unlikely(sent < n)) {
		stats_add(&stats, STAT_TX_FULL, (uint64_t)(n - sent));
		port_lcores[lcore_me()->worker].tx_dropped[ctx->port] += (uint64_t)(n - sent);
		rte_node_enqueue(graph, node, TX_NEXT_DROP, &objs[sent], (uint16_t)(n - sent));
	}
	return count;
}

static int
port_tx_init(const struct rte_graph *graph, struct rte_node *node)
{
	struct port_tx_ctx *ctx = (struct port_tx_ctx *)node->ctx;
	const struct port_queues *q;
	unsigned int worker;

	if (sscanf(graph->name, "worker-%u", &worker) != 1 ||
	    sscanf(node->name, "port_tx-%hu", &ctx->port) != 1 || ctx->port >= NETIF_MAX)
		return -EINVAL;
	q = &ports[ctx->port];
	ctx->queue = (uint16_t)(worker % q->tx_queues);
	ctx->segments = q->tx_segments;
	ctx->lock = q->tx_queues < lcore_worker_count() ? &tx_locks[ctx->port][ctx->queue] : NULL;
	return 0;
}

static struct rte_node_register port_tx_node_base = {
	.name = "port_tx",
	.process = port_tx_process,
	.init = port_tx_init,
	.nb_edges = 1,
	.next_nodes = { [TX_NEXT_DROP] = "drop" },
};

/* ---- clones ---- */

/* A clone by its full name; one of an earlier start in this process is used again. */
static rte_node_t
port_clone(const struct rte_node_register *base, const char *suffix)
{
	g_autofree char *name = g_strdup_printf("%s-%s", base->name, suffix);
	rte_node_t id;

	id = rte_node_from_name(name);
	return id != RTE_NODE_ID_INVALID ? id : rte_node_clone(base->id, suffix);
}

unsigned int
port_rx_worker(uint16_t port, uint16_t queue)
{
	/* Ports with one queue each do not all end on the first worker. */
	return (unsigned int)(port + queue) % lcore_worker_count();
}

int
port_nodes_add(const struct port_queues *queues)
{
	char suffix[32], name[RTE_NODE_NAMESIZE];
	uint16_t q;

	ports[queues->port] = *queues;
	snprintf(suffix, sizeof(suffix), "%u", queues->port);
	tx_nodes[queues->port] = port_clone(&port_tx_node_base, suffix);
	if (tx_nodes[queues->port] == RTE_NODE_ID_INVALID)
		return -ENOMEM;
	for (q = 0; q < queues->rx_queues; q++) {
		snprintf(suffix, sizeof(suffix), "%u-%u", queues->port, q);
		if (port_clone(&port_rx_node, suffix) == RTE_NODE_ID_INVALID)
			return -ENOMEM;
		snprintf(name, sizeof(name), "port_rx-%s", suffix);
		graph_source(port_rx_worker(queues->port, q), name);
	}
	if (queues->port >= port_top)
		port_top = (uint16_t)(queues->port + 1);
	return 0;
}

int
port_nodes_done(void)
{
	char names[NETIF_MAX][RTE_NODE_NAMESIZE];
	const char *list[NETIF_MAX];
	unsigned int i;

	for (i = 0; i < port_top; i++) {
		/* A gap in the port ids leads nowhere: nobody has such an out_port. */
		if (ports[i].tx_queues == 0)
			snprintf(names[i], sizeof(names[i]), "drop");
		else
			snprintf(names[i], sizeof(names[i]), "port_tx-%u", i);
		list[i] = names[i];
	}
	return graph_tx_ports(list, port_top);
}

void
port_nodes_fini(void)
{
	unsigned int i;

	for (i = 0; i < NETIF_MAX; i++)
		ports[i] = (struct port_queues){ 0 };
	for (i = 0; i < WORKERS_MAX; i++)
		port_lcores[i] = (struct port_lcore){ 0 };
	port_top = 0;
}

uint32_t
port_tx_node(uint16_t port)
{
	return tx_nodes[port];
}

/* ---- counts ---- */

uint64_t
port_tx_dropped(uint16_t port)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < lcore_worker_count(); i++)
		sum += __atomic_load_n(&port_lcores[i].tx_dropped[port], __ATOMIC_RELAXED);
	return sum;
}

uint64_t
port_rx_pkts(unsigned int index)
{
	return stats_lcore(&stats, STAT_RX, lcore_of_worker(index));
}

uint64_t
port_tx_pkts(unsigned int index)
{
	return stats_lcore(&stats, STAT_TX, lcore_of_worker(index));
}

static const struct module_stat port_stats[] = {
	[STAT_RX] = { "rx", DPVS_STAT_EVENT, "Packets taken from ports." },
	[STAT_TX] = { "tx", DPVS_STAT_EVENT, "Packets given to ports." },
	[STAT_TX_SHARED] = { "tx-shared", DPVS_STAT_EVENT,
			     "Bursts sent under a lock: the device has fewer tx queues than there are workers." },
	[STAT_TX_FULL] = { "tx-full", DPVS_STAT_DROP, "Packets that the device did not take." },
	[STAT_TX_DOWN] = { "tx-down", DPVS_STAT_DROP, "Packets for a port that is down." },
	[STAT_TX_SEGMENTS] = { "tx-segments", DPVS_STAT_DROP,
			       "Packets of several segments that the device cannot send and no buffer holds." },
	{},
};

static struct rte_node_register *const port_nodes[] = { &port_rx_node, &port_tx_node_base, NULL };
static const char *const port_after[] = { "graph", NULL };

const struct module port_module = {
	.name = "port",
	.after = port_after,
	.stats = port_stats,
	.stats_block = &stats,
	.nodes = port_nodes,
};
