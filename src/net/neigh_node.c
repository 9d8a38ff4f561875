/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers' half of the neighbour table: a replica with ready-made Ethernet headers, changed by commit;
 * the node neigh_output, which writes them; the node neigh_hold, where packets wait for an answer.
 *
 * Indices are main's: the same in all replicas. A waiting packet keeps its next hop, never an index.
 */
#include "net/neigh.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/neigh.h>

#include "core/conf.h"
#include "core/digest.h"
#include "core/graph.h"
#include "core/lcore.h"
#include "core/stats.h"
#include "net/addr.h"
#include "net/bucket.h"
#include "net/icmp.h"
#include "net/neigh_priv.h"
#include "net/netif.h"
#include "net/node.h"
#include "net/route.h"

/** Cursor of a listing: from here on places in the list of those that packets wait for. */
#define NEIGH_CURSOR_WAITING 0x80000000u

/** Places looked at for one slice. */
#define NEIGH_SLICE_LOOKS 64

enum {
	NEIGH_OUTPUT_NEXT_DROP,
	NEIGH_OUTPUT_NEXT_HOLD,
	NEIGH_OUTPUT_NEXT_COUNT,
};
_Static_assert(NEIGH_OUTPUT_NEXT_COUNT == GRAPH_TX_EDGE, "core/graph.h says where ports begin");

enum {
	NEIGH_HOLD_NEXT_DROP,
	NEIGH_HOLD_NEXT_COUNT,
};

/** struct neigh_slot: an entry as neigh_output needs it; two to a cache line. Owner: its worker. */
struct neigh_slot {
	uint8_t hdr[RTE_ETHER_HDR_LEN];
	uint16_t edge;        /**< of neigh_output; drop when the slot is free */
	_Atomic uint8_t used; /**< worker: sets; main: reads and clears (relaxed: a hint about age) */
	uint8_t live;
	uint16_t port;
	uint8_t pad[12];
};
_Static_assert(sizeof(struct neigh_slot) == 32, "two to a cache line");

/** struct neigh_pending: a next hop that packets wait for. */
struct neigh_pending {
	struct neigh_key key;
	uint64_t since_ms;
	uint64_t asked_ms; /**< when main was asked last; 0: never */
	uint32_t count;    /**< packets; 0: the place is free */
	struct rte_mbuf **packets;
};

/** struct neigh_lcore: the replica of one worker. Main: makes it; then the worker's own. */
struct neigh_lcore {
	struct neigh_slot *slots;
	struct rte_hash *hash;    /**< key to index */
	struct rte_hash *waiting; /**< key to place in pending */
	struct neigh_pending *pending;
	struct rte_mbuf **packets;
	struct bucket input;
	rte_node_t drop;
} __rte_cache_aligned;

static struct neigh_lcore lcores[WORKERS_MAX];

/* Main: rw at init; workers: ro. */
static uint32_t slots_max;
static uint32_t pending_max;
static uint32_t hold_max;
static uint32_t input_rate;
static uint32_t wait_ms;
static uint32_t retrans_ms;

static struct neigh_lcore *
neigh_me(void)
{
	return &lcores[lcore_me()->worker];
}

static struct neigh_key
neigh_key_of(uint16_t port, uint8_t af, const union ip_addr *addr)
{
	return (struct neigh_key){ .addr = *addr, .port = port, .af = af };
}

uint32_t
neigh_find(uint16_t port, uint8_t af, const union ip_addr *addr)
{
	struct neigh_key key = neigh_key_of(port, af, addr);
	void *data;

	if (rte_hash_lookup_data(neigh_me()->hash, &key, &data) < 0)
		return NEIGH_NONE;
	return (uint32_t)(uintptr_t)data;
}

static void
neigh_slot_write(struct neigh_slot *slot, uint16_t port, uint8_t af, const uint8_t *mac)
{
	rte_be16_t type = rte_cpu_to_be_16(af == AF_INET ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	const struct netif *nif = netif_get(port);

	memcpy(&slot->hdr[0], mac, 6);
	if (nif != NULL)
		memcpy(&slot->hdr[6], &nif->mac, 6);
	memcpy(&slot->hdr[12], &type, 2);
	slot->port = port;
	slot->edge = GRAPH_TX_EDGE + port;
	slot->live = 1;
}

void
neigh_port_changed(uint16_t port)
{
	const struct netif *nif = netif_get(port);
	struct neigh_lcore *me = neigh_me();

	for (uint32_t i = 0; nif != NULL && i < slots_max; i++) {
		if (me->slots[i].live && me->slots[i].port == port)
			memcpy(&me->slots[i].hdr[6], &nif->mac, 6);
	}
}

/* --- packet path --- */

/** neigh_output_to: writes the header of @index in front of @m. */
static __rte_always_inline uint16_t
neigh_output_to(struct neigh_slot *slots, uint32_t index, struct rte_mbuf *m)
{
	struct neigh_slot *slot = &slots[index];
	uint8_t *hdr;
	uint64_t a;
	uint64_t b;

	if (unlikely(rte_pktmbuf_headroom(m) < RTE_ETHER_HDR_LEN)) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_NO_ROOM);
		return NEIGH_OUTPUT_NEXT_DROP;
	}
	/* 14 bytes as two stores of 8 that overlap in two bytes. */
	memcpy(&a, &slot->hdr[0], 8);
	memcpy(&b, &slot->hdr[6], 8);
	m->data_off -= RTE_ETHER_HDR_LEN;
	m->data_len += RTE_ETHER_HDR_LEN;
	m->pkt_len += RTE_ETHER_HDR_LEN;
	hdr = rte_pktmbuf_mtod(m, uint8_t *);
	memcpy(hdr, &a, 8);
	memcpy(hdr + 6, &b, 8);

	atomic_store_explicit(&slot->used, 1, memory_order_relaxed);
	return slot->edge;
}

/** neigh_output_unknown: a packet without an index: look the next hop up, or a frame of our own. */
static __rte_noinline uint16_t
neigh_output_unknown(struct neigh_slot *slots, struct rte_mbuf *m)
{
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t index;

	if (meta->out_port >= netif_count()) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_BAD_PORT);
		return NEIGH_OUTPUT_NEXT_DROP;
	}
	if (meta->flags & PKT_F_FRAME)
		return GRAPH_TX_EDGE + meta->out_port;
	index = neigh_find(meta->out_port, meta->af, &meta->nexthop);
	if (index == NEIGH_NONE)
		return NEIGH_OUTPUT_NEXT_HOLD;
	return neigh_output_to(slots, index, m);
}

static __rte_always_inline uint16_t
neigh_output_one(void *with, struct rte_mbuf *m)
{
	struct neigh_slot *slots = with;
	uint32_t index = pkt_meta(m)->neigh;

	if (unlikely(index >= slots_max))
		return neigh_output_unknown(slots, m);
	return neigh_output_to(slots, index, m);
}

static uint16_t
neigh_output_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	struct neigh_slot *slots = neigh_me()->slots;
	uint32_t index = pkt_meta(objs[0])->neigh;
	uint16_t likely_next = GRAPH_TX_EDGE;

	/* Most vectors leave through one port: guess that of the first packet. */
	if (likely(index < slots_max))
		likely_next = slots[index].edge;
	return node_each_with(graph, node, objs, count, slots, neigh_output_one, likely_next);
}

/** neigh_ask: asks main to resolve; a failure is made good by the next packet. */
static void
neigh_ask(struct neigh_pending *p, uint64_t now_ms)
{
	struct dpvs_msg *msg;

	if (p->asked_ms != 0 && now_ms - p->asked_ms < retrans_ms)
		return;
	msg = dpvs_msg_new(DPVS_MSG_NEIGH_RESOLVE, sizeof(p->key));
	if (msg != NULL) {
		memcpy(dpvs_msg_data(msg), &p->key, sizeof(p->key));
		if (dpvs_msg_send(msg, rte_get_main_lcore()) == 0) {
			p->asked_ms = now_ms;
			stats_inc(&neigh_stats_block, NEIGH_STAT_RESOLVE_SENT);
			return;
		}
		dpvs_msg_free(msg);
	}
	stats_inc(&neigh_stats_block, NEIGH_STAT_MSG_FAILED);
}

static uint16_t
neigh_hold_one(struct rte_mbuf *m)
{
	struct neigh_lcore *me = neigh_me();
	struct pkt_meta *meta = pkt_meta(m);
	struct neigh_key key = neigh_key_of(meta->out_port, meta->af, &meta->nexthop);
	uint64_t now_ms = lcore_me()->now_ms;
	struct neigh_pending *p;
	int32_t place;

	place = rte_hash_lookup(me->waiting, &key);
	if (place < 0) {
		place = rte_hash_add_key(me->waiting, &key);
		if (place < 0) {
			stats_inc(&neigh_stats_block, NEIGH_STAT_PENDING_FULL);
			return NEIGH_HOLD_NEXT_DROP;
		}
		p = &me->pending[place];
		p->key = key;
		p->since_ms = now_ms;
		p->asked_ms = 0;
		p->count = 0;
	}

	p = &me->pending[place];
	neigh_ask(p, now_ms);
	if (p->count == hold_max) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_HOLD_FULL);
		return NEIGH_HOLD_NEXT_DROP;
	}
	p->packets[p->count++] = m;
	stats_inc(&neigh_stats_block, NEIGH_STAT_HELD);
	return NODE_KEPT;
}

static uint16_t
neigh_hold_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, neigh_hold_one, NODE_KEPT);
}

/** neigh_release: packets that waited go on; with @failed they are refused. */
static void
neigh_release(struct neigh_lcore *me, struct neigh_pending *p, bool failed)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct rte_mbuf *m = p->packets[i];
		struct pkt_meta *meta = pkt_meta(m);

		if (!failed) {
			stats_inc(&neigh_stats_block, NEIGH_STAT_RELEASED);
			graph_inject(neigh_output_node.id, m);
		} else if (meta->flags & PKT_F_FORWARD) {
			stats_inc(&neigh_stats_block, NEIGH_STAT_REFUSED);
			graph_inject(icmp_unreachable(m, ICMP_UNREACHABLE_HOST), m);
		} else {
			stats_inc(&neigh_stats_block, NEIGH_STAT_UNRESOLVED);
			graph_inject(me->drop, m);
		}
	}
	p->count = 0;
	rte_hash_del_key(me->waiting, &p->key);
}

void
neigh_input(uint16_t port, uint8_t af, const union ip_addr *addr, const uint8_t *mac, uint8_t kind)
{
	struct neigh_key key = neigh_key_of(port, af, addr);
	struct neigh_lcore *me = neigh_me();
	struct neigh_input_msg *in;
	struct dpvs_msg *msg;
	void *data;

	/* What does not answer us matters only when it is news. */
	if (kind != NEIGH_INPUT_ANSWER) {
		if (rte_hash_lookup_data(me->hash, &key, &data) >= 0) {
			const struct neigh_slot *slot = &me->slots[(uintptr_t)data];

			if (mac == NULL || memcmp(slot->hdr, mac, 6) == 0)
				return;
		} else if (kind == NEIGH_INPUT_GRATUITOUS && rte_hash_lookup(me->waiting, &key) < 0) {
			return;
		}
	}
	if (!bucket_take(&me->input, lcore_me()->now_ms, input_rate, input_rate / 4 + 1)) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_INPUT_LIMITED);
		return;
	}

	msg = dpvs_msg_new(DPVS_MSG_NEIGH_INPUT, sizeof(*in));
	if (msg == NULL) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_MSG_FAILED);
		return;
	}
	in = dpvs_msg_data(msg);
	*in = (struct neigh_input_msg){ .key = key, .kind = kind, .has_mac = mac != NULL };
	if (mac != NULL)
		memcpy(in->mac, mac, sizeof(in->mac));
	if (dpvs_msg_send(msg, rte_get_main_lcore()) != 0) {
		dpvs_msg_free(msg);
		stats_inc(&neigh_stats_block, NEIGH_STAT_MSG_FAILED);
		return;
	}
	stats_inc(&neigh_stats_block, NEIGH_STAT_INPUT_SENT);
}

/* --- messages and jobs --- */

void
neigh_worker_on_commit(const void *data, uint32_t len)
{
	const struct neigh_op *op = data;
	struct neigh_lcore *me = neigh_me();
	int32_t place;

	(void)len;
	place = rte_hash_lookup(me->waiting, &op->key);
	if (op->action == NEIGH_OP_FAIL) {
		if (place >= 0)
			neigh_release(me, &me->pending[place], true);
		return;
	}
	if (op->action == NEIGH_OP_DEL) {
		rte_hash_del_key(me->hash, &op->key);
		me->slots[op->index].live = 0;
		me->slots[op->index].edge = NEIGH_OUTPUT_NEXT_DROP;
		net_generation_bump();
		return;
	}

	if (!me->slots[op->index].live) {
		/* Cannot fail: there are as many keys as indices, and buckets are chained. */
		int ret = rte_hash_add_key_data(me->hash, &op->key, (void *)(uintptr_t)op->index);

		RTE_VERIFY(ret == 0);
		net_generation_bump();
	}
	neigh_slot_write(&me->slots[op->index], op->key.port, op->key.af, op->mac);
	if (place >= 0)
		neigh_release(me, &me->pending[place], false);
}

/** neigh_worker_digest: by positions of the hash table, which are as many as there may be keys. */
bool
neigh_worker_digest(struct digest *d)
{
	const struct neigh_lcore *me = neigh_me();
	void *data;
	void *key;

	for (unsigned int n = 0; n < DIGEST_STEP / 4 && d->pos < slots_max; n++, d->pos++) {
		const struct neigh_slot *slot;

		if (rte_hash_get_key_with_position(me->hash, (int32_t)d->pos, &key) < 0 ||
		    rte_hash_lookup_data(me->hash, key, &data) < 0)
			continue;
		slot = &me->slots[(uintptr_t)data];
		digest_add(d, neigh_digest(key, (uint32_t)(uintptr_t)data, &slot->hdr[0], &slot->hdr[6]) +
				      (slot->live == 0 || slot->port != ((struct neigh_key *)key)->port));
	}
	return d->pos < slots_max;
}

/** neigh_worker_job: main answers each question; this is for the question that got lost. */
int
neigh_worker_job(void)
{
	struct neigh_lcore *me = neigh_me();
	uint64_t now_ms = lcore_me()->now_ms;
	int ret = -EAGAIN;

	if (rte_hash_count(me->waiting) == 0)
		return ret;
	for (uint32_t i = 0; i < pending_max; i++) {
		struct neigh_pending *p = &me->pending[i];

		if (p->count > 0 && now_ms - p->since_ms > wait_ms) {
			neigh_release(me, p, true);
			ret = 0;
		}
	}
	return ret;
}

bool
neigh_worker_used(uint32_t index)
{
	bool used = false;

	for (unsigned int w = 0; w < lcore_worker_count(); w++) {
		_Atomic uint8_t *flag = &lcores[w].slots[index].used;

		/* Partner: neigh_output_to(). */
		if (atomic_load_explicit(flag, memory_order_relaxed)) {
			atomic_store_explicit(flag, 0, memory_order_relaxed);
			used = true;
		}
	}
	return used;
}

static struct rte_hash *
neigh_hash_new(const char *what, unsigned int worker, int socket, uint32_t entries, uint8_t flags)
{
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters params = {
		.name = name,
		.entries = entries,
		.key_len = sizeof(struct neigh_key),
		.socket_id = socket,
		.extra_flag = flags,
	};

	snprintf(name, sizeof(name), "%s-%u", what, worker);
	return rte_hash_create(&params);
}

/* --- what main may ask --- */

static bool
neigh_wanted(const struct neigh_slice_ask *ask, const struct neigh_key *key)
{
	return (ask->any_port || key->port == ask->port) && (ask->af == 0 || key->af == ask->af);
}

/* The entry at place @pos of the copy, or NULL. */
static const struct neigh_key *
neigh_at(const struct neigh_lcore *me, uint32_t pos, uint32_t *ret_index)
{
	void *key;
	void *data;

	if (rte_hash_get_key_with_position(me->hash, (int32_t)pos, &key) < 0 ||
	    rte_hash_lookup_data(me->hash, key, &data) < 0)
		return NULL;
	*ret_index = (uint32_t)(uintptr_t)data;
	return key;
}

/*
 * A slice: the cursor is a place in the hash table, then, from NEIGH_CURSOR_WAITING on, one in the list of those that
 * packets wait for.
 */
void
neigh_worker_slice(struct dpvs_msg *msg)
{
	const struct neigh_lcore *me = neigh_me();
	struct neigh_slice_ask ask = *(const struct neigh_slice_ask *)dpvs_msg_data(msg);
	struct neigh_slice *slice = dpvs_msg_data(msg);
	uint32_t room = (dpvs_msg_room(msg) - (uint32_t)sizeof(*slice)) / (uint32_t)sizeof(slice->entries[0]);
	uint32_t count = 0;
	unsigned int looks = 0;
	bool waiting = ask.cursor >= NEIGH_CURSOR_WAITING;
	uint32_t pos = waiting ? ask.cursor - NEIGH_CURSOR_WAITING : ask.cursor;

	for (; !waiting && pos < slots_max && count < room && looks < NEIGH_SLICE_LOOKS; pos++, looks++) {
		const struct neigh_key *key;
		uint32_t index;

		key = neigh_at(me, pos, &index);
		if (key == NULL || !neigh_wanted(&ask, key))
			continue;
		slice->entries[count] = (struct neigh_replica){ .key = *key, .flags = DPVS_NEIGH_REPLICA_USABLE };
		memcpy(slice->entries[count].mac, me->slots[index].hdr, sizeof(slice->entries[count].mac));
		if (atomic_load_explicit(&me->slots[index].used, memory_order_relaxed))
			slice->entries[count].flags |= DPVS_NEIGH_REPLICA_USED;
		count++;
	}
	if (!waiting && pos == slots_max) {
		waiting = true;
		pos = 0;
	}
	for (; waiting && pos < pending_max && count < room && looks < NEIGH_SLICE_LOOKS; pos++, looks++) {
		const struct neigh_pending *p = &me->pending[pos];

		if (p->count == 0 || !neigh_wanted(&ask, &p->key))
			continue;
		slice->entries[count++] = (struct neigh_replica){
			.key = p->key,
			.held = p->count,
			.waiting_ms = (uint32_t)(lcore_me()->now_ms - p->since_ms),
		};
	}
	slice->count = count;
	slice->cursor = !waiting ? pos : pos < pending_max ? pos + NEIGH_CURSOR_WAITING : 0;
	dpvs_msg_set_len(msg, (uint32_t)sizeof(*slice) + count * (uint32_t)sizeof(slice->entries[0]));
}

int
neigh_worker_init(const struct conf *conf, uint32_t max)
{
	slots_max = max;
	pending_max = (uint32_t)conf_uint(conf, "neigh", "pending");
	hold_max = (uint32_t)conf_uint(conf, "neigh", "hold-queue");
	input_rate = (uint32_t)conf_uint(conf, "neigh", "input-rate");
	retrans_ms = (uint32_t)conf_uint(conf, "neigh", "retrans-time");
	/* Longer than main tries. */
	wait_ms = retrans_ms * ((uint32_t)conf_uint(conf, "neigh", "probes") + 1) + 1000;

	for (unsigned int w = 0; w < lcore_worker_count(); w++) {
		struct neigh_lcore *lc = &lcores[w];
		int socket = (int)lcore_numa(lcore_of_worker(w));

		lc->slots = rte_zmalloc_socket("neigh", max * sizeof(*lc->slots), RTE_CACHE_LINE_SIZE,
					       socket);
		lc->pending = rte_zmalloc_socket("neigh", pending_max * sizeof(*lc->pending), 0, socket);
		lc->packets = rte_zmalloc_socket("neigh",
						 (size_t)pending_max * hold_max * sizeof(*lc->packets), 0,
						 socket);
		lc->hash = neigh_hash_new("neigh", w, socket, max, RTE_HASH_EXTRA_FLAGS_EXT_TABLE);
		lc->waiting = neigh_hash_new("neigh-hold", w, socket, pending_max, 0);
		if (lc->slots == NULL || lc->pending == NULL || lc->packets == NULL || lc->hash == NULL ||
		    lc->waiting == NULL)
			return -ENOMEM;
		for (uint32_t i = 0; i < pending_max; i++)
			lc->pending[i].packets = &lc->packets[(size_t)i * hold_max];
	}
	return 0;
}

void
neigh_worker_fini(void)
{
	for (unsigned int w = 0; w < WORKERS_MAX; w++) {
		struct neigh_lcore *lc = &lcores[w];

		for (uint32_t i = 0; lc->pending != NULL && i < pending_max; i++)
			rte_pktmbuf_free_bulk(lc->pending[i].packets, lc->pending[i].count);
		rte_hash_free(lc->hash);
		rte_hash_free(lc->waiting);
		rte_free(lc->packets);
		rte_free(lc->pending);
		rte_free(lc->slots);
		*lc = (struct neigh_lcore){ 0 };
	}
}

int
neigh_worker_lcore_init(void)
{
	neigh_me()->drop = rte_node_from_name("drop");
	return 0;
}

struct rte_node_register neigh_output_node = {
	.name = "neigh_output",
	.process = neigh_output_process,
	.nb_edges = NEIGH_OUTPUT_NEXT_COUNT, /* core/graph.c adds those to port_tx */
	.next_nodes = {
		[NEIGH_OUTPUT_NEXT_DROP] = "drop",
		[NEIGH_OUTPUT_NEXT_HOLD] = "neigh_hold",
	},
};

struct rte_node_register neigh_hold_node = {
	.name = "neigh_hold",
	.process = neigh_hold_process,
	.nb_edges = NEIGH_HOLD_NEXT_COUNT,
	.next_nodes = {
		[NEIGH_HOLD_NEXT_DROP] = "drop",
	},
};
