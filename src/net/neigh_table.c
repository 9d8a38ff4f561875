/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's table of neighbours, see neigh_table.h: the entries, their indices in the replicas, how both
 * change, with or without a client, and what subscribers are told of it.
 */
#include "net/neigh_table.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/neigh.h>

#include "core/change.h"
#include "core/stats.h"
#include "core/sysinfo.h"
#include "net/addr.h"
#include "net/neigh_priv.h"

static GHashTable *neighs;
static uint64_t touched; /* serial of the last client's change that took or put entries */
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes);
static uint64_t moves; /* entries that came and went without a change */
static uint32_t neighs_max;
static uint32_t *free_indices;
static uint32_t num_free;

static guint
neigh_hash(gconstpointer data)
{
	const struct neigh_key *key = data;

	return addr_hash(key->port * 2u + (key->af == AF_INET6), &key->addr);
}

static gboolean
neigh_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(struct neigh_key)) == 0;
}

GHashTable *
neigh_all(void)
{
	return neighs;
}

uint64_t
neigh_moves(void)
{
	return moves;
}

bool
neigh_held(void)
{
	return change_hides(touched);
}

void
neigh_goes(struct neigh *n)
{
	event_node_del(&nodes, &n->event);
	moves++;
}

void
neigh_set_state(struct neigh *n, uint8_t state, int64_t next_ms)
{
	n->state = state;
	n->state_ms = neigh_now();
	n->next_ms = next_ms;
	n->probes = 0;
}

/* --- events --- */

static uint32_t
neigh_record(const struct event_node *node, void *data)
{
	neigh_to_wire(event_object(node, struct neigh, event), data);
	return sizeof(struct dpvs_neigh_conf);
}

void
neigh_tell(struct change *c, struct neigh *n)
{
	static const uint8_t none[6];
	const uint8_t *mac = n->index != NEIGH_NONE ? n->mac : none;
	uint32_t op = n->told ? DPVS_EVENT_OP_CHANGE : DPVS_EVENT_OP_ADD;
	struct dpvs_neigh_conf conf;

	if (n->told && n->told_state == n->state && memcmp(n->told_mac, mac, sizeof(n->told_mac)) == 0)
		return;
	n->told = true;
	n->told_state = n->state;
	memcpy(n->told_mac, mac, sizeof(n->told_mac));
	if (event_wanted(DPVS_EVENT_NEIGH))
		event_emit(c, DPVS_EVENT_NEIGH, op, &conf, neigh_record(&n->event, &conf));
}

void
neigh_tell_gone(struct change *c, const struct neigh *n)
{
	struct dpvs_neigh_conf conf;

	if (event_wanted(DPVS_EVENT_NEIGH))
		event_emit(c, DPVS_EVENT_NEIGH, DPVS_EVENT_OP_DEL, &conf, neigh_record(&n->event, &conf));
}

/** neigh_restore: what was to become of @n, and was perhaps told with a change, did not come about. */
static void
neigh_restore(struct neigh *n, const struct neigh *old)
{
	struct event_node event = n->event; /* others may have moved around it */

	*n = *old;
	n->event = event;
	n->told_state = 0;
	neigh_tell(NULL, n);
}

/* --- changes of the daemon's own --- */

static int
neigh_op(struct change *c, const struct neigh *n, uint32_t index, uint8_t action)
{
	struct neigh_op *op = change_op(c, DPVS_MSG_NEIGH_UPDATE, sizeof(*op));

	if (op == NULL)
		return change_error(c, -ENOMEM, "out of memory");
	*op = (struct neigh_op){ .key = n->key, .index = index, .action = action };
	memcpy(op->mac, n->mac, sizeof(op->mac));
	return 0;
}

/**
 * neigh_publish: a change of its own, for what no client asked for: workers do @action to entry @index, subscribers
 * are told of @n as it is now, or that it is no more (@over). On failure neither was done.
 */
static int
neigh_publish(struct neigh *n, uint32_t index, uint8_t action, bool over)
{
	struct change *c = change_begin();
	int ret;

	if (c == NULL)
		return -ENOMEM;
	change_quiet(c);
	ret = neigh_op(c, n, index, action);
	if (ret != 0) {
		change_abandon(c);
		return ret;
	}
	if (over)
		neigh_tell_gone(c, n);
	else
		neigh_tell(c, n);
	return change_commit(c);
}

int
neigh_learn(struct neigh *n, const uint8_t *mac, uint8_t state, int64_t next_ms)
{
	struct neigh old = *n;
	int ret;

	if (n->index != NEIGH_NONE && memcmp(n->mac, mac, sizeof(n->mac)) == 0) {
		neigh_set_state(n, state, next_ms);
		neigh_tell(NULL, n);
		return 0;
	}
	memcpy(n->mac, mac, sizeof(n->mac));
	if (n->index == NEIGH_NONE)
		n->index = free_indices[--num_free]; /* as many as there may be entries */
	if (state == DPVS_NEIGH_STALE)
		(void)neigh_worker_used(n->index); /* only use from here on counts */
	neigh_set_state(n, state, next_ms);
	ret = neigh_publish(n, n->index, NEIGH_OP_SET, false);
	if (ret != 0) {
		if (old.index == NEIGH_NONE)
			free_indices[num_free++] = n->index;
		neigh_restore(n, &old);
	}
	return ret;
}

int
neigh_forget(struct neigh *n, bool over)
{
	struct neigh old = *n;
	int ret;

	if (n->index == NEIGH_NONE) {
		if (over)
			neigh_tell_gone(NULL, n);
		return 0;
	}
	n->index = NEIGH_NONE;
	if (!over)
		neigh_set_state(n, DPVS_NEIGH_FAILED, 0);
	ret = neigh_publish(n, old.index, NEIGH_OP_DEL, over);
	if (ret == 0)
		free_indices[num_free++] = old.index;
	else
		neigh_restore(n, &old);
	return ret;
}

int
neigh_refuse(struct neigh *n)
{
	struct neigh old = *n;
	int ret;

	neigh_set_state(n, DPVS_NEIGH_FAILED, 0);
	ret = neigh_publish(n, n->index, NEIGH_OP_FAIL, false);
	if (ret != 0)
		neigh_restore(n, &old);
	return ret;
}

/** neigh_evict: makes room: the entry that is missed least goes. Returns false: all are in use. */
static bool
neigh_evict(void)
{
	struct neigh *worst = NULL;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, neighs);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct neigh *n = value;

		if (n->state == DPVS_NEIGH_FAILED) {
			worst = n;
			break;
		}
		if (n->state == DPVS_NEIGH_STALE && (worst == NULL || n->state_ms < worst->state_ms))
			worst = n;
	}
	if (worst == NULL || neigh_forget(worst, true) != 0)
		return false;
	neigh_goes(worst);
	g_hash_table_remove(neighs, &worst->key);
	return true;
}

struct neigh *
neigh_new(const struct neigh_key *key)
{
	struct neigh *n;

	if (g_hash_table_size(neighs) >= neighs_max && !neigh_evict()) {
		stats_inc(&neigh_stats_block, NEIGH_STAT_TABLE_FULL);
		return NULL;
	}
	n = g_new0(struct neigh, 1);
	n->key = *key;
	n->index = NEIGH_NONE;
	n->confirmed_ms = neigh_now();
	g_hash_table_insert(neighs, &n->key, n);
	moves++;
	event_node_add(&nodes, &n->event);
	return n;
}

/* --- what requests change --- */

/* Undo of a SET: the table as it was. */

static void
neigh_undo_insert(void *arg)
{
	struct neigh *n = arg;

	g_hash_table_steal(neighs, &n->key);
	event_node_del(&nodes, &n->event);
	g_free(n);
}

static void
neigh_undo_take(void *arg)
{
	struct neigh *n = arg;

	g_hash_table_insert(neighs, &n->key, n);
	event_node_keep(&n->event);
}

static void
neigh_done_take(void *arg)
{
	struct neigh *n = arg;

	event_node_del(&nodes, &n->event);
	g_free(n);
}

/** neigh_take: @n leaves the table; readers see it until the commit. */
static void
neigh_take(struct change *c, struct neigh *n)
{
	g_hash_table_steal(neighs, &n->key);
	event_node_take(c, &n->event);
	change_undo(c, neigh_undo_take, n);
	change_done(c, neigh_done_take, n);
}

static void
neigh_undo_index_taken(void *arg)
{
	free_indices[num_free++] = (uint32_t)(uintptr_t)arg;
}

/*
 * It is the last one again: who else takes or gives indices waits (neigh_held()), and an entry is evicted only when
 * the table is full, so when all that this change gave were taken.
 */
static void
neigh_undo_index_given(void *arg)
{
	uint32_t index = (uint32_t)(uintptr_t)arg;

	g_assert(num_free > 0 && free_indices[num_free - 1] == index);
	num_free--;
}

int
neigh_set_permanent(struct change *c, const struct neigh_key *key, const uint8_t *mac)
{
	struct neigh *old = g_hash_table_lookup(neighs, key);
	struct neigh *n;

	touched = change_serial(c);
	if (old == NULL && g_hash_table_size(neighs) >= neighs_max && !neigh_evict())
		return change_error(c, -ENOSPC, "the neighbour table is full (%u, key neigh.max-entries)",
				    neighs_max);
	if (old != NULL)
		neigh_take(c, old);
	n = g_new0(struct neigh, 1);
	n->key = *key;
	n->confirmed_ms = neigh_now();
	memcpy(n->mac, mac, sizeof(n->mac));
	neigh_set_state(n, DPVS_NEIGH_PERMANENT, 0);
	if (old != NULL && old->index != NEIGH_NONE) {
		n->index = old->index;
	} else {
		n->index = free_indices[--num_free];
		change_undo(c, neigh_undo_index_taken, (void *)(uintptr_t)n->index);
	}
	n->told = old != NULL;
	g_hash_table_insert(neighs, &n->key, n);
	event_node_bring(c, &nodes, &n->event);
	change_undo(c, neigh_undo_insert, n);
	neigh_tell(c, n);
	return neigh_op(c, n, n->index, NEIGH_OP_SET);
}

int
neigh_remove(struct change *c, struct neigh *n)
{
	uint8_t action = n->index != NEIGH_NONE ? NEIGH_OP_DEL : NEIGH_OP_FAIL;
	uint32_t index = n->index;

	touched = change_serial(c);
	neigh_tell_gone(c, n);
	neigh_take(c, n);
	if (n->index != NEIGH_NONE) {
		free_indices[num_free++] = n->index;
		change_undo(c, neigh_undo_index_given, (void *)(uintptr_t)n->index);
	}
	return neigh_op(c, n, index, action);
}

/* --- start and end --- */

static void
neigh_mem(struct dpvs_mem_info *info)
{
	info->size = neighs_max;
	info->in_use = g_hash_table_size(neighs);
	info->obj_bytes = sizeof(struct neigh);
	info->failures = stats_sum(&neigh_stats_block, NEIGH_STAT_TABLE_FULL);
}
void
neigh_table_init(uint32_t max)
{
	neighs_max = max;
	neighs = g_hash_table_new_full(neigh_hash, neigh_equal, NULL, g_free);
	free_indices = g_new(uint32_t, neighs_max);
	num_free = neighs_max;
	for (uint32_t i = 0; i < neighs_max; i++)
		free_indices[i] = neighs_max - 1 - i;
	mem_register("neigh", neigh_mem);
}

void
neigh_table_fini(void)
{
	if (neighs == NULL)
		return;
	mem_unregister("neigh");
	touched = 0;
	g_hash_table_destroy(neighs);
	neighs = NULL;
	g_free(free_indices);
	free_indices = NULL;
}

const struct module_event neigh_events[] = {
	{ .kind = DPVS_EVENT_NEIGH, .list = &nodes, .record = neigh_record },
	{ 0 },
};
