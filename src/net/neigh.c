/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The family `neigh`, the main lcore's half: what becomes of neighbours in the course of time, with the states
 * of RFC 4861 7.3.2 for ARP too. The table is in neigh_table.c. Workers have replicas (neigh_node.c) of the
 * entries that can be used; an entry has an index as long as it is in them.
 *
 * A worker asks for a next hop (NEIGH_RESOLVE): the entry becomes incomplete and is asked for by
 * broadcast. ARP and ND packets arrive as NEIGH_INPUT. An entry that was not confirmed for a while is
 * stale; when a worker uses it then, it is asked again, by unicast, and goes when nobody answers.
 */
#include "net/neigh.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/neigh.h>

#include "core/change.h"
#include "core/conf.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/arp.h"
#include "net/ndisc.h"
#include "net/neigh_priv.h"
#include "net/neigh_table.h"
#include "net/netif.h"

/** Probes that one run of the job may send; at ten runs a second it keeps up with 640 entries a second. */
#define PROBE_BURST 64

/** Messages of workers that may wait for a change to be ready. */
#define POSTPONED_MAX 1024

/** struct neigh_postponed: a message that waits. */
struct neigh_postponed {
	bool resolve; /**< NEIGH_RESOLVE, which has a key only; else NEIGH_INPUT */
	struct neigh_input_msg in;
};

static GQueue postponed = G_QUEUE_INIT;
static int64_t reachable_ms;
static int64_t delay_ms;
static int64_t retrans_ms;
static int64_t gc_stale_ms;
static int64_t failed_ms;
static uint32_t probes_max;
struct stats_block neigh_stats_block;

/** neigh_probe: asks for @n, by unicast when its MAC address is known. */
static void
neigh_probe(struct neigh *n)
{
	const uint8_t *mac = n->state == DPVS_NEIGH_PROBE ? n->mac : NULL;

	if (n->key.af == AF_INET)
		(void)arp_request(n->key.port, &n->key.addr, mac);
	else
		(void)ndisc_solicit(n->key.port, &n->key.addr, mac);
	/* What could not be sent counts too: the time-out is the same. */
	n->probes++;
	n->next_ms = neigh_now() + retrans_ms;
	stats_inc(&neigh_stats_block, NEIGH_STAT_PROBES);
}

static bool
neigh_key_valid(const struct neigh_key *key)
{
	return netif_get(key->port) != NULL && addr_is_host(key->af, &key->addr);
}

/* --- messages --- */

static void
neigh_resolve(const struct neigh_key *key)
{
	struct neigh *n;

	n = g_hash_table_lookup(neigh_all(), key);
	if (n == NULL && neigh_key_valid(key)) {
		n = neigh_new(key);
		if (n == NULL)
			return; /* the worker gives up by itself */
		n->state = DPVS_NEIGH_FAILED;
	}
	/* Other states: it is on its way to the worker, or being asked for. */
	if (n == NULL || n->state != DPVS_NEIGH_FAILED)
		return;
	neigh_set_state(n, DPVS_NEIGH_INCOMPLETE, 0);
	neigh_tell(NULL, n);
	neigh_probe(n);
}

static void
neigh_heard(const struct neigh_input_msg *in)
{
	bool answer = in->kind == NEIGH_INPUT_ANSWER || in->kind == NEIGH_INPUT_NO_OVERRIDE;
	struct neigh *n = g_hash_table_lookup(neigh_all(), &in->key);
	const uint8_t *mac = in->has_mac ? in->mac : NULL;
	bool same;

	if (n == NULL) {
		if (in->kind != NEIGH_INPUT_CLAIM || mac == NULL || !neigh_key_valid(&in->key))
			return;
		n = neigh_new(&in->key);
		if (n == NULL)
			return;
		n->state = DPVS_NEIGH_FAILED;
	}
	if (n->state == DPVS_NEIGH_PERMANENT)
		return;
	if (mac == NULL) {
		/* An answer to a unicast question need not repeat the MAC address (RFC 4861 4.4). */
		if (n->index == NEIGH_NONE)
			return;
		mac = n->mac;
	}

	same = n->index != NEIGH_NONE && memcmp(n->mac, mac, sizeof(n->mac)) == 0;
	if (in->kind == NEIGH_INPUT_NO_OVERRIDE && n->index != NEIGH_NONE && !same) {
		/* RFC 4861 7.2.5: doubt what is known, but keep it. */
		if (n->state == DPVS_NEIGH_REACHABLE) {
			neigh_set_state(n, DPVS_NEIGH_STALE, 0);
			neigh_tell(NULL, n);
		}
		return;
	}
	/* When it cannot be published it is as if the packet had been lost. */
	if (!answer && !same)
		(void)neigh_learn(n, mac, DPVS_NEIGH_STALE, 0);
	else if (answer && neigh_learn(n, mac, DPVS_NEIGH_REACHABLE, neigh_now() + reachable_ms) == 0)
		n->confirmed_ms = neigh_now();
}

/*
 * A client's change that was prepared half-way has entries of this table in its notes: what arrives meanwhile
 * waits. Changes that leave the neighbours alone are not waited for, however long they take.
 */

static void
neigh_take_postponed(void)
{
	struct neigh_postponed *p;

	while ((p = g_queue_pop_head(&postponed)) != NULL) {
		if (p->resolve)
			neigh_resolve(&p->in.key);
		else
			neigh_heard(&p->in);
		g_free(p);
	}
}

/** neigh_postpone: keeps what a worker sent until the table is free. Returns false: it is. */
static bool
neigh_postpone(const struct neigh_key *key, const struct neigh_input_msg *in)
{
	struct neigh_postponed *p;

	if (!neigh_held()) {
		neigh_take_postponed();
		return false;
	}
	if (postponed.length >= POSTPONED_MAX) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_POSTPONED_LOST);
		return true;
	}
	p = g_new0(struct neigh_postponed, 1);
	p->resolve = in == NULL;
	if (in != NULL)
		p->in = *in;
	else
		p->in.key = *key;
	g_queue_push_tail(&postponed, p);
	stats_inc(&neigh_stats_block, NEIGH_STAT_POSTPONED);
	return true;
}

static void
neigh_msg_resolve(struct dpvs_msg *msg)
{
	const struct neigh_key *key = dpvs_msg_data(msg);

	if (!neigh_postpone(key, NULL))
		neigh_resolve(key);
}

static void
neigh_msg_input(struct dpvs_msg *msg)
{
	const struct neigh_input_msg *in = dpvs_msg_data(msg);

	if (!neigh_postpone(&in->key, in))
		neigh_heard(in);
}

/* --- ageing --- */

/** neigh_age: lets the time pass for @n. Returns false: the entry is over. */
static bool
neigh_age(struct neigh *n, unsigned int *probes)
{
	int64_t t = neigh_now();

	switch (n->state) {
	case DPVS_NEIGH_REACHABLE:
		if (t >= n->next_ms) {
			neigh_set_state(n, DPVS_NEIGH_STALE, 0);
			(void)neigh_worker_used(n->index); /* only use from here on counts */
			neigh_tell(NULL, n);
		}
		return true;
	case DPVS_NEIGH_STALE:
		if (neigh_worker_used(n->index)) {
			neigh_set_state(n, DPVS_NEIGH_DELAY, t + delay_ms);
			neigh_tell(NULL, n);
		} else if (t - n->state_ms >= gc_stale_ms) {
			return neigh_forget(n, true) != 0;
		}
		return true;
	case DPVS_NEIGH_DELAY:
		if (t < n->next_ms)
			return true;
		neigh_set_state(n, DPVS_NEIGH_PROBE, 0);
		neigh_tell(NULL, n);
		/* fall through */
	case DPVS_NEIGH_INCOMPLETE:
	case DPVS_NEIGH_PROBE:
		if (t < n->next_ms || *probes >= PROBE_BURST)
			return true;
		if (n->probes < probes_max) {
			neigh_probe(n);
			(*probes)++;
			return true;
		}
		if ((n->state == DPVS_NEIGH_PROBE ? neigh_forget(n, false) : neigh_refuse(n)) != 0)
			return true; /* again with the next run */
		stats_inc(&neigh_stats_block, NEIGH_STAT_FAILED);
		return true;
	case DPVS_NEIGH_FAILED:
		if (t - n->state_ms < failed_ms)
			return true;
		neigh_tell_gone(NULL, n);
		return false;
	default:
		return true;
	}
}

static int
neigh_job_age(void)
{
	unsigned int probes = 0;
	GHashTableIter iter;
	gpointer value;

	if (neigh_held())
		return -EAGAIN; /* with the next run */
	neigh_take_postponed();
	g_hash_table_iter_init(&iter, neigh_all());
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct neigh *n = value;

		if (neigh_age(n, &probes))
			continue;
		neigh_goes(n);
		g_hash_table_iter_remove(&iter);
	}
	return probes > 0 ? 0 : -EAGAIN;
}

/* --- start and end --- */

static int
neigh_init(const struct conf *conf)
{
	uint32_t max = (uint32_t)conf_uint(conf, "neigh", "max-entries");

	reachable_ms = (int64_t)conf_uint(conf, "neigh", "reachable-time") * 1000;
	delay_ms = (int64_t)conf_uint(conf, "neigh", "delay-time") * 1000;
	retrans_ms = (int64_t)conf_uint(conf, "neigh", "retrans-time");
	gc_stale_ms = (int64_t)conf_uint(conf, "neigh", "gc-stale-time") * 1000;
	failed_ms = (int64_t)conf_uint(conf, "neigh", "failed-time") * 1000;
	probes_max = (uint32_t)conf_uint(conf, "neigh", "probes");

	neigh_table_init(max);
	return neigh_worker_init(conf, max);
}

static void
neigh_fini(void)
{
	neigh_worker_fini();
	g_queue_clear_full(&postponed, g_free);
	neigh_table_fini();
}

static const char *const neigh_after[] = { "netif", "ifaddr", NULL };

static const struct conf_key neigh_conf[] = {
	{
		.name = "max-entries",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 64,
		.max = 1u << 20,
		.def = 4096,
		.help = "Neighbours of all ports.",
	},
	{
		.name = "reachable-time",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 3600,
		.def = 30,
		.unit = "s",
		.help = "Time after an answer in which a neighbour is not asked again.",
	},
	{
		.name = "delay-time",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 60,
		.def = 5,
		.unit = "s",
		.help = "Time between the first use of a stale entry and the question whether it is still there.",
	},
	{
		.name = "retrans-time",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 100,
		.max = 10000,
		.def = 1000,
		.unit = "ms",
		.help = "Time between two questions for one neighbour.",
	},
	{
		.name = "probes",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 20,
		.def = 3,
		.help = "Questions without an answer after which a neighbour has failed.",
	},
	{
		.name = "gc-stale-time",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 86400,
		.def = 600,
		.unit = "s",
		.help = "Time after which a stale entry that nobody uses goes.",
	},
	{
		.name = "failed-time",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 3600,
		.def = 10,
		.unit = "s",
		.help = "Time for which a failed entry is still listed.",
	},
	{
		.name = "pending",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 8,
		.max = 65536,
		.def = 256,
		.help = "Unresolved next hops that packets may wait for, on each worker.",
	},
	{
		.name = "hold-queue",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 256,
		.def = 16,
		.unit = "packets",
		.help = "Packets that may wait for one next hop, on each worker.",
	},
	{
		.name = "input-rate",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 10,
		.max = 100000,
		.def = 1000,
		.unit = "1/s",
		.help = "ARP and ND packets that each worker may pass to the main lcore.",
	},
	{ 0 },
};

static const struct dpvs_msg_type neigh_msgs[] = {
	{
		.type = DPVS_MSG_NEIGH_UPDATE,
		.name = "neigh-update",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = neigh_worker_on_commit,
	},
	{
		.type = DPVS_MSG_NEIGH_RESOLVE,
		.name = "neigh-resolve",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_main = neigh_msg_resolve,
	},
	{
		.type = DPVS_MSG_NEIGH_INPUT,
		.name = "neigh-input",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_main = neigh_msg_input,
	},
	{
		.type = DPVS_MSG_NEIGH_GET,
		.name = "neigh-get",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = neigh_worker_slice,
	},
	{ 0 },
};

static const struct module_job neigh_jobs[] = {
	{ .name = "neigh-age", .when = JOB_MAIN, .period_ms = 100, .fn = neigh_job_age },
	{ .name = "neigh-pending", .when = JOB_SLOW, .period_ms = 500, .fn = neigh_worker_job },
	{ 0 },
};

static const struct module_stat neigh_stats[] = {
	[NEIGH_STAT_NO_ROOM] = { "no-room", DPVS_STAT_DROP, "No room for an Ethernet header." },
	[NEIGH_STAT_PENDING_FULL] = { "pending-full", DPVS_STAT_DROP,
				      "Too many unresolved next hops (key neigh.pending)." },
	[NEIGH_STAT_HOLD_FULL] = { "hold-full", DPVS_STAT_DROP,
				   "Too many packets wait for this next hop (key neigh.hold-queue)." },
	[NEIGH_STAT_UNRESOLVED] = { "unresolved", DPVS_STAT_DROP,
				    "Packets of our own whose next hop did not answer." },
	[NEIGH_STAT_BAD_PORT] = { "bad-port", DPVS_STAT_DROP, "No such port to leave through." },
	[NEIGH_STAT_HELD] = { "held", DPVS_STAT_EVENT, "Packets that waited for a next hop." },
	[NEIGH_STAT_RELEASED] = { "released", DPVS_STAT_EVENT,
				  "Waiting packets that went on when the next hop answered." },
	[NEIGH_STAT_REFUSED] = { "refused", DPVS_STAT_EVENT,
				 "Waiting packets answered with host unreachable." },
	[NEIGH_STAT_RESOLVE_SENT] = { "resolve-sent", DPVS_STAT_EVENT,
				      "Next hops that workers asked the main lcore for." },
	[NEIGH_STAT_INPUT_SENT] = { "input-sent", DPVS_STAT_EVENT,
				    "ARP and ND packets passed to the main lcore." },
	[NEIGH_STAT_INPUT_LIMITED] = { "input-limited", DPVS_STAT_EVENT,
				       "ARP and ND packets not passed on (key neigh.input-rate)." },
	[NEIGH_STAT_MSG_FAILED] = { "msg-failed", DPVS_STAT_EVENT,
				    "Messages to the main lcore that found no room." },
	[NEIGH_STAT_POSTPONED] = { "postponed", DPVS_STAT_EVENT,
				   "Messages of workers that waited for a change of neighbours to be ready." },
	[NEIGH_STAT_POSTPONED_LOST] = { "postponed-lost", DPVS_STAT_EVENT,
					"Messages of workers for which there was no room to wait." },
	[NEIGH_STAT_PROBES] = { "probes", DPVS_STAT_EVENT, "ARP requests and neighbour solicitations sent." },
	[NEIGH_STAT_TABLE_FULL] = { "table-full", DPVS_STAT_EVENT,
				    "Neighbours not learned (key neigh.max-entries)." },
	[NEIGH_STAT_FAILED] = { "failed", DPVS_STAT_EVENT, "Neighbours that did not answer." },
	{ 0 },
};


static struct rte_node_register *const neigh_nodes[] = { &neigh_output_node, &neigh_hold_node, NULL };

const struct module neigh_module = {
	.name = "neigh",
	.after = neigh_after,
	.conf = neigh_conf,
	.sockopts = neigh_sockopts,
	.msgs = neigh_msgs,
	.jobs = neigh_jobs,
	.digests = neigh_digests,
	.events = neigh_events,
	.stats = neigh_stats,
	.stats_block = &neigh_stats_block,
	.nodes = neigh_nodes,
	.init = neigh_init,
	.lcore_init = neigh_worker_lcore_init,
	.fini = neigh_fini,
};
