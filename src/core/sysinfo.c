/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sysinfo.h. All of it but ping are plain reads of what workers count: asking costs the packet path nothing.
 */
#include "core/sysinfo.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/wire.h>
#include <errno.h>
#include <glib.h>
#include <rte_lcore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/change.h"
#include "core/ctl.h"
#include "core/graph_priv.h"
#include "core/lcore.h"
#include "core/ping.h"
#include "core/stats.h"
#include "core/stats_ctl.h"
#include "module.h"

/* A registered pool or table. */
struct mem {
	const char *name;
	void (*fn)(struct dpvs_mem_info *ret_info);
};

static GArray *mems;
static uint64_t (*conns_fn)(unsigned int index);
static const struct module *const *sysinfo_modules;

void
sysinfo_set_modules(const struct module *const *modules)
{
	sysinfo_modules = modules;
}

const struct module *const *
sysinfo_modules_all(void)
{
	return sysinfo_modules;
}

void
mem_register(const char *name, void (*fn)(struct dpvs_mem_info *ret_info))
{
	struct mem m = { name, fn };

	if (mems == NULL)
		mems = g_array_new(FALSE, FALSE, sizeof(struct mem));
	g_array_append_val(mems, m);
}

void
mem_unregister(const char *name)
{
	guint i;

	for (i = 0; mems != NULL && i < mems->len; i++) {
		if (strcmp(g_array_index(mems, struct mem, i).name, name) == 0) {
			g_array_remove_index(mems, i);
			break;
		}
	}
	if (mems != NULL && mems->len == 0)
		g_clear_pointer(&mems, g_array_unref);
}

void
sysinfo_set_conns(uint64_t (*fn)(unsigned int index))
{
	conns_fn = fn;
}

uint64_t
sysinfo_conns(unsigned int index)
{
	return conns_fn != NULL ? conns_fn(index) : 0;
}

uint64_t
sysinfo_drops(unsigned int lcore)
{
	const struct module *const *m;
	uint64_t sum = 0;
	unsigned int i;

	for (m = sysinfo_modules; m != NULL && *m != NULL; m++)
		for (i = 0; (*m)->stats != NULL && (*m)->stats[i].name != NULL; i++)
			if ((*m)->stats[i].kind == DPVS_STAT_DROP)
				sum += stats_lcore((*m)->stats_block, i, lcore);
	return sum;
}

/* ---- GET 8000: who is there ---- */

static int
sysinfo_ctl_hello(struct dpvs_req *req, const void *record)
{
	const struct dpvs_hello_info *asked = record;
	struct dpvs_hello_info info = {
		.proto_version = DPVS_PROTO_VERSION,
		.features = DPVS_FEATURE_TRANSACTIONS,
		.max_request = DPVS_BODY_MAX,
		.max_inflight = 256, /* the server's default, which ctl.c leaves */
		.pid = (uint32_t)getpid(),
		.version = PACKAGE_VERSION,
		.name = "dpvsd",
	};
	int err;

	err = ctl_ask_deadlines(req, asked->get_deadline_ms, asked->set_deadline_ms);
	if (err < 0)
		return err;
	info.get_deadline_ms = ctl_deadline_of(req, false);
	info.set_deadline_ms = ctl_deadline_of(req, true);
	dpvs_req_add(req, &info, sizeof(info));
	return 0;
}

/* ---- GET 8200: message types ---- */

static void
sysinfo_add_msg(struct dpvs_req *req, const struct dpvs_msg_type *type, uint32_t lcore)
{
	struct dpvs_msg_type_info info = { .type = type->type, .lcore = lcore, .prio = type->prio };
	struct dpvs_msg_counters c;

	if (dpvs_msg_get_counters(type->type, lcore, &c) < 0)
		return;
	g_strlcpy(info.name, type->name, sizeof(info.name));
	info.sent = c.sent;
	info.received = c.received;
	info.replied = c.replied;
	info.send_failed = c.send_failed;
	info.timed_out = c.timed_out;
	info.late = c.late;
	info.rtts = c.rtts;
	info.rtt_ns_total = c.rtt_ns_total;
	info.rtt_ns_max = c.rtt_ns_max;
	info.rtt_ns_p99 = c.rtt_ns_p99;
	dpvs_req_add(req, &info, sizeof(info));
}

static int
sysinfo_ctl_msg_types(struct dpvs_req *req, const void *record)
{
	const struct dpvs_msg_type *type;
	uint32_t id;
	unsigned int i;

	for (id = 0; id < DPVS_MSG_TYPE_COUNT; id++) {
		type = dpvs_msg_type_lookup(id);
		if (type == NULL)
			continue;
		sysinfo_add_msg(req, type, rte_get_main_lcore());
		for (i = 0; i < lcore_worker_count(); i++)
			sysinfo_add_msg(req, type, lcore_of_worker(i));
	}
	return 0;
}

/* ---- GET 8201: graph nodes ---- */

static void
sysinfo_add_node(struct dpvs_req *req, const struct rte_node *node, uint32_t lcore)
{
	struct dpvs_graph_node_info info = { .lcore = lcore };
	size_t used = 0, len;
	rte_edge_t e;

	g_strlcpy(info.name, node->name, sizeof(info.name));
	for (e = 0; e < node->nb_edges; e++) {
		len = strlen(node->nodes[e]->name);
		if (used + len + 2 > sizeof(info.next))
			break; /* a name is whole or not there */
		if (used > 0)
			info.next[used++] = ' ';
		memcpy(info.next + used, node->nodes[e]->name, len);
		used += len;
	}
	info.calls = __atomic_load_n(&node->total_calls, __ATOMIC_RELAXED);
	info.pkts = __atomic_load_n(&node->total_objs, __ATOMIC_RELAXED);
	info.cycles = __atomic_load_n(&node->total_cycles, __ATOMIC_RELAXED);
	dpvs_req_add(req, &info, sizeof(info));
}

static int
sysinfo_ctl_graph(struct dpvs_req *req, const void *record)
{
	const struct rte_node *node;
	const struct rte_graph *graph;
	rte_graph_off_t off;
	rte_node_t count;
	unsigned int i;

	for (i = 0; i < lcore_worker_count(); i++) {
		graph = graph_of_worker(i);
		if (graph == NULL)
			continue;
		rte_graph_foreach_node(count, off, graph, node)
			sysinfo_add_node(req, node, lcore_of_worker(i));
	}
	return 0;
}

/* ---- GET 8202: pools and tables ---- */

static int
sysinfo_ctl_mem(struct dpvs_req *req, const void *record)
{
	struct dpvs_msg_pool_info pool;
	struct dpvs_mem_info info;
	const struct mem *m;
	guint i;

	for (i = 0; mems != NULL && i < mems->len; i++) {
		m = &g_array_index(mems, struct mem, i);
		memset(&info, 0, sizeof(info));
		m->fn(&info);
		g_strlcpy(info.name, m->name, sizeof(info.name));
		dpvs_req_add(req, &info, sizeof(info));
	}
	dpvs_msg_pool_get(&pool);
	info = (struct dpvs_mem_info){
		.name = "msg",
		.size = pool.size,
		.in_use = pool.in_use,
		.obj_bytes = pool.obj_bytes,
		.failures = pool.failures,
	};
	dpvs_req_add(req, &info, sizeof(info));
	return 0;
}

/* ---- GET 8203: counters ---- */

static int
sysinfo_ctl_stats(struct dpvs_req *req, const void *record)
{
	const struct module *const *m;
	struct dpvs_stat_info info;
	unsigned int i;

	for (m = sysinfo_modules; m != NULL && *m != NULL; m++) {
		for (i = 0; (*m)->stats != NULL && (*m)->stats[i].name != NULL; i++) {
			memset(&info, 0, sizeof(info));
			g_strlcpy(info.module, (*m)->name, sizeof(info.module));
			g_strlcpy(info.name, (*m)->stats[i].name, sizeof(info.name));
			g_strlcpy(info.help, (*m)->stats[i].help, sizeof(info.help));
			info.kind = (*m)->stats[i].kind;
			info.value = stats_shown((*m)->stats_block, i);
			dpvs_req_add(req, &info, sizeof(info));
		}
	}
	return 0;
}

/* ---- GET 8204: generations ---- */

static int
sysinfo_ctl_verify(struct dpvs_req *req, const void *record)
{
	struct dpvs_verify_info info = {
		.lcore = rte_get_main_lcore(),
		.role = DPVS_LCORE_MAIN,
		.generation = change_generation(),
	};
	unsigned int i, lcore;

	dpvs_req_add(req, &info, sizeof(info));
	for (i = 0; i < lcore_worker_count(); i++) {
		lcore = lcore_of_worker(i);
		info = (struct dpvs_verify_info){
			.lcore = lcore,
			.role = DPVS_LCORE_WORKER,
			.generation = change_generation_of(lcore),
			.unconfirmed = change_unconfirmed(lcore),
		};
		dpvs_req_add(req, &info, sizeof(info));
	}
	return 0;
}

/* ---- SET 8200: message counters ---- */

static void
sysinfo_zero_msgs(void *arg)
{
	dpvs_msg_zero_counters();
}

static int
sysinfo_ctl_msg_zero(struct change *c, const void *record)
{
	/* It cannot be taken back, so it waits until nothing can refuse the change any more. */
	change_done(c, sysinfo_zero_msgs, NULL);
	return 0;
}

static const struct module_sockopt sysinfo_sockopts[] = {
	{
		.name = "hello",
		.id = DPVS_GET_HELLO,
		.record_size = sizeof(struct dpvs_hello_info),
		.get = sysinfo_ctl_hello,
	},
	{ .name = "msg-types", .id = DPVS_GET_MSG_TYPES, .get = sysinfo_ctl_msg_types },
	{ .name = "graph", .id = DPVS_GET_GRAPH, .get = sysinfo_ctl_graph },
	{ .name = "mem", .id = DPVS_GET_MEM, .get = sysinfo_ctl_mem },
	{ .name = "stats", .id = DPVS_GET_STATS, .get = sysinfo_ctl_stats },
	{ .name = "verify", .id = DPVS_GET_VERIFY, .get = sysinfo_ctl_verify },
	{
		.name = "ping",
		.id = DPVS_GET_PING,
		.record_size = sizeof(struct dpvs_ping),
		.get = ping_ctl_get,
	},
	{ .name = "stats-zero", .id = DPVS_SET_STATS_ZERO, .request = stats_ctl_zero },
	{ .name = "stats-snapshot", .id = DPVS_GET_STATS_SNAPSHOT, .get = stats_ctl_snapshot },
	{ .name = "msg-zero", .id = DPVS_SET_MSG_ZERO, .set = sysinfo_ctl_msg_zero },
	{},
};

static int
sysinfo_init(const struct conf *conf)
{
	(void)conf;
	collect_register(&stats_collect);
	return 0;
}

static void
sysinfo_fini(void)
{
	collect_unregister(&stats_collect);
}

const struct module sysinfo_module = {
	.name = "sysinfo",
	.sockopts = sysinfo_sockopts,
	.msgs = stats_msgs,
	.init = sysinfo_init,
	.stop = collect_stop,
	.fini = sysinfo_fini,
};
