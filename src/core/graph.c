/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See graph.h and graph_priv.h. One graph per worker, made of all nodes that its sources reach. Nodes are
 * registered by call from the tables of the modules: DPDK's constructors would be lost in a convenience
 * library. DPDK 22.11 cannot take a node back: a second start in one process (tests) finds them by name.
 */
#include "core/graph_priv.h"

#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <glib.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/pkt.h"
#include "core/stats.h"
#include "core/sysinfo.h"
#include "module.h"

/* Node ids that fit; 22.11 has about 30 of its own. */
#define NODES_MAX 1024

/* Packets of a worker that went through graph_inject() into a node that its graph does not have. */
enum {
	STAT_INJECT_NO_NODE,
};

/* main: rw before workers run; workers: ro */
struct graph_worker {
	struct rte_graph *graph;
	rte_graph_t id;
	struct rte_node **nodes; /* by node id; NULL: not in this graph */
	GPtrArray *sources;
};

static struct graph_worker graphs[WORKERS_MAX];
static struct rte_mempool *pool;
static struct stats_block stats;

/* ---- packet path ---- */

static uint16_t
graph_drop(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	rte_pktmbuf_free_bulk((struct rte_mbuf **)objs, count);
	return count;
}

static struct rte_node_register graph_drop_node = {
	.name = "drop",
	.process = graph_drop,
};

void
graph_inject(rte_node_t id, struct rte_mbuf *m)
{
	const struct graph_worker *gw = &graphs[lcore_me()->worker];
	struct rte_node *node = id < NODES_MAX ? gw->nodes[id] : NULL;
	uint16_t idx;

	if (node == NULL) {
		stats_inc(&stats, STAT_INJECT_NO_NODE);
		node = gw->nodes[graph_drop_node.id];
	}
	idx = node->idx;
	__rte_node_enqueue_prologue(gw->graph, node, idx, 1);
	node->objs[idx] = m;
	node->idx = (uint16_t)(idx + 1);
}

struct rte_mempool *
graph_pool(void)
{
	return pool;
}

struct rte_graph *
graph_of_worker(unsigned int index)
{
	return graphs[index].graph;
}

/* ---- making ---- */

static bool
graph_has_node(const struct module *const *modules, const char *name)
{
	struct rte_node_register *const *n;

	for (; *modules != NULL; modules++)
		for (n = (*modules)->nodes; n != NULL && *n != NULL; n++)
			if (strcmp((*n)->name, name) == 0)
				return true;
	return false;
}

static int
graph_register_node(const struct module *const *modules, struct rte_node_register *node)
{
	size_t size = sizeof(*node) + node->nb_edges * sizeof(node->next_nodes[0]);
	g_autofree struct rte_node_register *copy = NULL;
	rte_edge_t e;

	node->id = rte_node_from_name(node->name);
	if (node->id != RTE_NODE_ID_INVALID)
		return 0;
	copy = g_memdup2(node, size);
	copy->parent_id = RTE_NODE_ID_INVALID;
	for (e = 0; e < copy->nb_edges; e++) {
		if (!graph_has_node(modules, copy->next_nodes[e])) {
			log_error("graph", "node %s leads to %s, which no module brings", copy->name,
				  copy->next_nodes[e]);
			return -ENOENT;
		}
	}
	node->id = __rte_node_register(copy);
	if (node->id == RTE_NODE_ID_INVALID || node->id >= NODES_MAX) {
		log_error("graph", "node %s cannot be registered: %s", node->name, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	return 0;
}

int
graph_register(const struct module *const *modules)
{
	const struct module *const *m;
	struct rte_node_register *const *n;
	int err;

	for (m = modules; *m != NULL; m++) {
		for (n = (*m)->nodes; n != NULL && *n != NULL; n++) {
			err = graph_register_node(modules, *n);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int
graph_source(unsigned int index, const char *name)
{
	struct graph_worker *gw = &graphs[index];

	if (gw->sources == NULL)
		gw->sources = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(gw->sources, g_strdup(name));
	return 0;
}

int
graph_tx_ports(const char *const *names, unsigned int count)
{
	rte_node_t id = rte_node_from_name("neigh_output");

	if (id == RTE_NODE_ID_INVALID || count == 0)
		return 0;
	if (rte_node_edge_update(id, GRAPH_TX_EDGE, (const char **)(uintptr_t)names, (uint16_t)count) != count)
		return -ENOMEM;
	/* Ports of an earlier start in this process. */
	rte_node_edge_shrink(id, (rte_edge_t)(GRAPH_TX_EDGE + count));
	return 0;
}

static int
graph_build_worker(unsigned int index)
{
	struct graph_worker *gw = &graphs[index];
	g_autofree const char **patterns = NULL;
	char name[RTE_GRAPH_NAMESIZE];
	struct rte_graph_param param = { 0 };
	struct rte_node *node;
	rte_graph_off_t off;
	rte_node_t count;
	unsigned int i, n = gw->sources != NULL ? gw->sources->len : 0;

	patterns = g_new0(const char *, n + 1);
	for (i = 0; i < n; i++)
		patterns[i] = g_ptr_array_index(gw->sources, i);
	patterns[n] = "handover_rx";
	param.socket_id = (int)lcore_numa(lcore_of_worker(index));
	param.node_patterns = patterns;
	param.nb_node_patterns = (uint16_t)(n + 1);
	snprintf(name, sizeof(name), "worker-%u", index);
	gw->id = rte_graph_create(name, &param);
	if (gw->id == RTE_GRAPH_ID_INVALID) {
		log_error("graph", "the graph of worker %u cannot be made: %s", index,
			  rte_strerror(rte_errno));
		return -rte_errno;
	}
	gw->graph = rte_graph_lookup(name);
	gw->nodes = g_new0(struct rte_node *, NODES_MAX);
	rte_graph_foreach_node(count, off, gw->graph, node)
		if (node->id < NODES_MAX)
			gw->nodes[node->id] = node;
	return 0;
}

int
graph_build(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < lcore_worker_count(); i++) {
		err = graph_build_worker(i);
		if (err < 0) {
			graph_destroy();
			return err;
		}
	}
	return 0;
}

void
graph_destroy(void)
{
	struct graph_worker *gw;
	unsigned int i;

	for (i = 0; i < WORKERS_MAX; i++) {
		gw = &graphs[i];
		if (gw->graph != NULL)
			rte_graph_destroy(gw->id);
		g_free(gw->nodes);
		g_clear_pointer(&gw->sources, g_ptr_array_unref);
		*gw = (struct graph_worker){ 0 };
	}
}

/* ---- the pool ---- */

static void
graph_mem(struct dpvs_mem_info *info)
{
	info->size = pool->size;
	info->in_use = rte_mempool_in_use_count(pool);
	info->obj_bytes = rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL);
}

static int
graph_init(const struct conf *conf)
{
	unsigned int count = (unsigned int)conf_uint(conf, "graph", "mbufs");
	unsigned int size = (unsigned int)conf_uint(conf, "graph", "mbuf-size");

	/* RTS: workers and main may share a CPU, and a preempted lcore must not stop the others. */
	pool = rte_pktmbuf_pool_create_by_ops("dpvs-mbuf", count, RTE_MEMPOOL_CACHE_MAX_SIZE / 2,
					      PKT_PRIV_SIZE, (uint16_t)(size + RTE_PKTMBUF_HEADROOM),
					      SOCKET_ID_ANY, "ring_mt_rts");
	if (pool == NULL) {
		log_error("graph", "no memory for %u packet buffers: %s; raise eal.memory or lower graph.mbufs",
			  count, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	mem_register("mbuf", graph_mem);
	return 0;
}

static void
graph_fini(void)
{
	if (pool == NULL)
		return;
	mem_unregister("mbuf");
	rte_mempool_free(pool);
	pool = NULL;
}

static const struct conf_key graph_conf[] = {
	{
		.name = "mbufs",
		.type = CONF_UINT,
		.min = 4095,
		.max = 16777215,
		.def = 16383,
		.unit = "packets",
		.help = "Packet buffers for all queues and workers; a power of two minus one wastes least.",
	},
	{
		.name = "mbuf-size",
		.type = CONF_UINT,
		.min = 2048,
		.max = 16384,
		.def = 2048,
		.unit = "bytes",
		.help = "Room for a frame in a packet buffer; 9,728 takes jumbo frames.",
	},
	{},
};

static const struct module_stat graph_stats[] = {
	[STAT_INJECT_NO_NODE] = { "inject-no-node", DPVS_STAT_DROP,
				  "Packets of our own for a node that this worker's graph does not have." },
	{},
};

static struct rte_node_register *const graph_nodes[] = { &graph_drop_node, NULL };

const struct module graph_module = {
	.name = "graph",
	.conf = graph_conf,
	.stats = graph_stats,
	.stats_block = &stats,
	.nodes = graph_nodes,
	.init = graph_init,
	.fini = graph_fini,
};
