/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about real servers, the SETs that change it (205 to 207), and their slots in the per-worker
 * arrays.
 *
 * A slot's life: given out when a server is added; after its removal the server is kept ("trash") until no
 * worker holds the slot, then the slot is free for another one under the next generation. Adding a server
 * that is in the trash, of the same virtual address and port, takes it out again with slot and generation:
 * its old connections go on, as in LVS. This holds across `ipvsadm -C; ipvsadm -R` too, because the trash
 * does not ask for the same service, only for the same virtual address.
 *
 * Generations that servers have are odd; while one is removed, workers have the next even number.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/change.h"
#include "core/log.h"
#include "lb/reserve.h"
#include "lb/slots.h"
#include "lb/truth.h"

#define WEIGHT_MAX 65535u

/* 4096: servers in the trash looked at in one go, about 0.2 ms with 4 workers. */
#define REAP_MAX 4096u

struct dest_lcore *dest_lcores[WORKERS_MAX];

/** struct rs_before: a server as it was before a record changed it. */
struct rs_before {
	struct rs *rs;
	struct vs *vs;   /**< removals: counted, whose it was */
	struct rs *prev; /**< removals: where it was in vs->dests; NULL: first */
	uint32_t weight;
	uint32_t last_weight;
	uint8_t fwd;
	bool in_trash;
	struct dpvs_lb_stats zero;
	struct dpvs_lb_stats retired; /**< of @vs */
};

/** struct reply: how many servers in use have this address, protocol and port in mode NAT. */
struct reply {
	struct addr_key key; /**< first member: the hash table's key */
	uint32_t count;
};

static GHashTable *table;      /* struct rs, by virtual and real address; those in the trash too */
static GHashTable *replies;    /* struct reply */
static struct rs_list trash = TAILQ_HEAD_INITIALIZER(trash);
static uint32_t trash_count;
static struct slots slots;
static struct rs **by_slot;    /* as many as slots.max */
static uint32_t *generations;  /* the last one of each slot */

static guint
rs_hash(gconstpointer v)
{
	const struct rs *rs = v;
	uint64_t seed = (uint64_t)addr_key_hash(&rs->vip) << 16 ^ rs->port;

	return (guint)(addr_table_hash6(rs->addr.u64, seed) >> 32);
}

static gboolean
rs_equal(gconstpointer va, gconstpointer vb)
{
	const struct rs *a = va;
	const struct rs *b = vb;

	return a->port == b->port && a->addr.u64[0] == b->addr.u64[0] && a->addr.u64[1] == b->addr.u64[1] &&
	       addr_key_equal(&a->vip, &b->vip);
}

int
dest_init(uint32_t max)
{
	int err = 0;

	table = g_hash_table_new(rs_hash, rs_equal);
	replies = g_hash_table_new_full(addr_key_hash, addr_key_equal, NULL, g_free);
	slots_init(&slots, max);
	err = reserve_new(max * sizeof(by_slot[0]), (void **)&by_slot);
	if (err == 0)
		err = reserve_new(max * sizeof(generations[0]), (void **)&generations);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(struct dest_lcore), (void **)&dest_lcores[i]);
	return err;
}

void
dest_fini(void)
{
	TAILQ_INIT(&trash);
	trash_count = 0;
	for (uint32_t i = 0; by_slot != NULL && i < slots.used; i++)
		free(by_slot[i]);
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		reserve_free(dest_lcores[i], slots.max * sizeof(struct dest_lcore));
		dest_lcores[i] = NULL;
	}
	reserve_free(by_slot, slots.max * sizeof(by_slot[0]));
	by_slot = NULL;
	reserve_free(generations, slots.max * sizeof(generations[0]));
	generations = NULL;
	g_clear_pointer(&table, g_hash_table_destroy);
	g_clear_pointer(&replies, g_hash_table_destroy);
	slots_fini(&slots);
}

struct rs *
dest_slot(uint32_t index)
{
	return by_slot[index];
}

uint32_t
dest_slots_used(void)
{
	return slots.used;
}

uint32_t
dest_active_total(uint32_t index)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		total += __atomic_load_n(&dest_lcores[i][index].active, __ATOMIC_RELAXED);
	return total;
}

uint32_t
dest_inactive_total(uint32_t index)
{
	uint32_t total = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		total += __atomic_load_n(&dest_lcores[i][index].inactive, __ATOMIC_RELAXED);
	return total;
}

uint64_t
dest_load(uint32_t index)
{
	uint64_t load = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++) {
		const struct dest_lcore *dl = &dest_lcores[i][index];

		load += ((uint64_t)__atomic_load_n(&dl->active, __ATOMIC_RELAXED) << 8) +
			__atomic_load_n(&dl->inactive, __ATOMIC_RELAXED);
	}
	return load;
}

static bool
is_held(uint32_t index)
{
	uint32_t holds = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		holds += __atomic_load_n(&dest_lcores[i][index].holds, __ATOMIC_RELAXED);
	return holds != 0;
}

/* The table of NAT servers: workers know an address as long as a server with it has its slot. */

static void
reply_key(const struct rs *rs, struct addr_key *ret_key)
{
	*ret_key = (struct addr_key){
		.addr = rs->addr, .port = rs->port, .proto = rs->vip.proto, .af = rs->vip.af,
	};
}

static void
reply_drop(struct rs *rs)
{
	struct addr_key key;
	struct reply *reply;

	reply_key(rs, &key);
	reply = g_hash_table_lookup(replies, &key);
	rs->replies = false;
	if (--reply->count == 0)
		g_hash_table_remove(replies, &key);
}

static void
reply_count(struct rs *rs)
{
	struct addr_key key;
	struct reply *reply;

	reply_key(rs, &key);
	reply = g_hash_table_lookup(replies, &key);
	if (reply == NULL) {
		reply = g_new0(struct reply, 1);
		reply->key = key;
		g_hash_table_insert(replies, reply, reply);
	}
	reply->count++;
	rs->replies = true;
}

static void
reply_hold_undo(void *rs)
{
	reply_drop(rs);
}

static void
reply_release_undo(void *rs)
{
	reply_count(rs);
}

/* From the first time on that @rs is in mode NAT until its slot is free: old connections stay what they are. */
static int
reply_hold(struct change *c, struct rs *rs)
{
	struct addr_key key;
	struct reply *reply;

	if (rs->fwd != DPVS_FWD_NAT || rs->replies)
		return 0;
	reply_count(rs);
	change_undo(c, reply_hold_undo, rs);
	reply_key(rs, &key);
	reply = g_hash_table_lookup(replies, &key);
	return reply->count > 1 ? 0 : dest_publish_reply(c, &key, true);
}

static int
reply_release(struct change *c, struct rs *rs)
{
	struct addr_key key;

	reply_key(rs, &key);
	reply_drop(rs);
	change_undo(c, reply_release_undo, rs);
	return g_hash_table_contains(replies, &key) ? 0 : dest_publish_reply(c, &key, false);
}

/* Servers come and go. */

static void
trash_put(struct rs *rs)
{
	rs->in_trash = true;
	TAILQ_INSERT_TAIL(&trash, rs, trash_link);
	trash_count++;
}

static void
trash_take(struct rs *rs)
{
	TAILQ_REMOVE(&trash, rs, trash_link);
	trash_count--;
	rs->in_trash = false;
}

static void
link_rs(struct rs *rs, struct vs *vs)
{
	rs->vs = vs;
	vs->num_dests++;
}

static void
unlink_rs(struct rs *rs)
{
	TAILQ_REMOVE(&rs->vs->dests, rs, link);
	rs->vs->num_dests--;
	rs->vs = NULL;
}

static void
rs_free(struct rs *rs)
{
	g_hash_table_remove(table, rs);
	by_slot[rs->index] = NULL;
	slots_put(&slots, rs->index);
	free(rs);
}

static struct rs_before *
note_before(struct rs *rs)
{
	struct rs_before *before = g_new0(struct rs_before, 1);

	before->rs = rs;
	before->weight = rs->weight;
	before->last_weight = rs->last_weight;
	before->fwd = rs->fwd;
	before->in_trash = rs->in_trash;
	before->zero = rs->zero;
	return before;
}

static void
restore(const struct rs_before *before)
{
	before->rs->weight = before->weight;
	before->rs->last_weight = before->last_weight;
	before->rs->fwd = before->fwd;
	before->rs->zero = before->zero;
}

static void
unlink_undo(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	rs->removals--;
	restore(before);
	before->vs->retired = before->retired;
	link_rs(rs, before->vs);
	if (before->prev == NULL)
		TAILQ_INSERT_HEAD(&before->vs->dests, rs, link);
	else
		TAILQ_INSERT_AFTER(&before->vs->dests, before->prev, rs, link);
	vs_unref(before->vs);
	g_free(before);
}

/* What @rs has counted since @rs->zero goes to the service that it was taken from. */
static void
retire(struct rs *rs, struct vs *vs)
{
	struct dpvs_lb_stats stats;

	rs_stats(rs, &stats);
	lb_stats_add(&vs->retired, &stats);
	rs_reset(rs);
}

static void
unlink_done(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	rs->removals--;
	if (rs->vs == NULL && rs->removals == 0) {
		retire(rs, before->vs); /* counted between the removal and the last worker's knowing */
		trash_put(rs);
	}
	vs_unref(before->vs);
	g_free(before);
}

static void
unlink_dest(struct change *c, struct rs *rs)
{
	struct rs_before *before = note_before(rs);
	struct vs *vs = rs->vs;

	before->vs = vs_ref(vs);
	before->prev = TAILQ_PREV(rs, rs_list, link);
	before->retired = vs->retired;
	retire(rs, vs);
	unlink_rs(rs);
	rs->removals++;
	change_undo(c, unlink_undo, before);
	change_done(c, unlink_done, before);
	build_service(c, vs);
	build_dest(c, rs);
}

void
dest_unlink_all(struct change *c, struct vs *vs)
{
	struct rs *rs;

	while ((rs = TAILQ_FIRST(&vs->dests)) != NULL)
		unlink_dest(c, rs);
}

/* A record: checked here, whatever it is for. */
static int
check_conf(struct change *c, const struct dpvs_dest_conf *conf, const struct vs *vs, struct rs *ret_key)
{
	const uint32_t known =
		DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT | DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	uint8_t af;

	if ((conf->set & ~known) != 0 || conf->pad != 0)
		return change_error(c, -EINVAL, "the request sets members of a server that are not known here");
	if (addr_from_wire(&conf->addr, &af, &ret_key->addr) < 0)
		return change_error(c, -EINVAL, "the server's address is malformed");
	if (!addr_is_unicast(af, &ret_key->addr))
		return change_error(c, -EINVAL, "the server's address is not a unicast address");
	if (af != vs->key.af)
		return change_error(c, -EOPNOTSUPP,
				    "servers of another address family than the virtual address are not "
				    "supported by this build");
	if (conf->port == 0)
		return change_error(c, -EINVAL, "the server's port is 0");
	ret_key->vip = vs->key;
	ret_key->port = htons(conf->port);
	return 0;
}

/* What is to be set of a server, for add and edit alike. @rs holds what was, and the new values after. */
static int
apply_conf(struct change *c, struct rs *rs, const struct dpvs_dest_conf *conf, uint32_t set)
{
	uint8_t fwd = (set & DPVS_DEST_SET_FWD) != 0 ? conf->fwd : rs->fwd;
	uint32_t weight = (set & DPVS_DEST_SET_WEIGHT) != 0 ? conf->weight : rs->weight;

	if (((set & DPVS_DEST_SET_UTHRESH) != 0 && conf->uthresh != 0) ||
	    ((set & DPVS_DEST_SET_LTHRESH) != 0 && conf->lthresh != 0))
		return change_error(c, -EOPNOTSUPP, "connection thresholds are not supported by this build");
	if (fwd == DPVS_FWD_TUNNEL || fwd == DPVS_FWD_SNAT)
		return change_error(c, -EOPNOTSUPP, "forwarding by %s is not supported by this build",
				    fwd == DPVS_FWD_TUNNEL ? "tunnel" : "SNAT");
	if (fwd != DPVS_FWD_NAT && fwd != DPVS_FWD_DR && fwd != DPVS_FWD_FULLNAT)
		return change_error(c, -EINVAL, "forwarding method %u is not known", fwd);
	if (fwd == DPVS_FWD_DR && rs->port != rs->vip.port)
		return change_error(c, -EOPNOTSUPP,
				    "direct routing does not translate ports: the server's port must be the "
				    "service's, %u", ntohs(rs->vip.port));
	if (rs->addr.u64[0] == rs->vip.addr.u64[0] && rs->addr.u64[1] == rs->vip.addr.u64[1])
		return change_error(c, -EINVAL, "the server's address is the virtual address itself");
	if (weight > WEIGHT_MAX)
		return change_error(c, -EINVAL, "a weight is at most %u, not %u", WEIGHT_MAX, weight);
	rs->fwd = fwd;
	rs->weight = weight;
	if (weight != 0)
		rs->last_weight = weight;
	return 0;
}

static void
add_undo(void *arg)
{
	struct rs *rs = arg;

	if (rs->vs != NULL)
		unlink_rs(rs);
	rs_free(rs);
}

static void
revive_undo(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	if (rs->vs != NULL)
		unlink_rs(rs);
	restore(before);
	if (before->in_trash)
		trash_put(rs);
	g_free(before);
}

static int
rs_new(struct change *c, const struct rs *key, struct rs **ret_rs)
{
	struct rs *rs = calloc(1, sizeof(*rs));
	int err;

	if (rs == NULL)
		return -ENOMEM;
	*rs = *key;
	err = slots_get(&slots, &rs->index);
	if (err != 0) {
		free(rs);
		return change_error(c, err,
				    "no room for another server; raise max-dests in section [service]");
	}
	if (generations[rs->index] == 0)
		generations[rs->index] = 1;
	rs->generation = generations[rs->index];
	by_slot[rs->index] = rs;
	g_hash_table_add(table, rs);
	change_undo(c, add_undo, rs);
	rs_reset(rs);
	*ret_rs = rs;
	return 0;
}

/* A server that was removed is taken as new, but for its slot. */
static void
revive(struct change *c, struct rs *rs)
{
	struct rs_before *before = note_before(rs);

	if (rs->in_trash)
		trash_take(rs);
	rs->last_weight = 0;
	rs_reset(rs);
	change_undo(c, revive_undo, before);
	change_done(c, g_free, before);
}

/* A full-NAT server can be added before its service has a local address; said once per service. */
static void
warn_without_laddr(const struct vs *vs, const struct rs *rs)
{
	char text[KEY_TEXT_SIZE];

	if (rs->fwd == DPVS_FWD_FULLNAT && vs->num_laddrs == 0 && vs->num_dests == 1)
		log_info("service", "%s has full-NAT servers and no local address yet: no connections until "
				    "it has one", key_text(&vs->key, text));
}

int
dest_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *conf = record;
	struct rs key = { .fwd = DPVS_FWD_DR, .weight = 1 };
	char text[KEY_TEXT_SIZE];
	uint32_t set = DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &conf->svc, &vs);
	if (err == 0)
		err = check_conf(c, conf, vs, &key);
	if (err != 0)
		return err;
	rs = g_hash_table_lookup(table, &key);
	if (rs != NULL && rs->vs != NULL)
		return change_error(c, -EEXIST, "server %s is there already",
				    addr_text(vs->key.af, &key.addr, key.port, text));

	/* An add takes what is given, with or without its bit, and the default for the rest. */
	if (conf->fwd != 0)
		set |= DPVS_DEST_SET_FWD;
	if (conf->weight != 0)
		set |= DPVS_DEST_SET_WEIGHT;
	err = apply_conf(c, &key, conf, set | conf->set);
	if (err != 0)
		return err;
	if (rs == NULL) {
		err = rs_new(c, &key, &rs);
		if (err != 0)
			return err;
	} else {
		revive(c, rs);
		rs->fwd = key.fwd;
		rs->weight = key.weight;
		rs->last_weight = key.last_weight;
	}
	link_rs(rs, vs);
	TAILQ_INSERT_TAIL(&vs->dests, rs, link);
	build_service(c, vs);
	build_dest(c, rs);
	warn_without_laddr(vs, rs);
	return reply_hold(c, rs);
}

static int
require(struct change *c, const struct dpvs_dest_conf *conf, struct rs **ret_rs)
{
	char text[KEY_TEXT_SIZE];
	struct rs key = { 0 };
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &conf->svc, &vs);
	if (err == 0)
		err = check_conf(c, conf, vs, &key);
	if (err != 0)
		return err;
	rs = g_hash_table_lookup(table, &key);
	if (rs == NULL || rs->vs == NULL)
		return change_error(c, -ENOENT, "there is no server %s",
				    addr_text(vs->key.af, &key.addr, key.port, text));
	*ret_rs = rs;
	return 0;
}

static void
edit_undo(void *arg)
{
	struct rs_before *before = arg;

	before->rs->weight = before->weight;
	before->rs->last_weight = before->last_weight;
	before->rs->fwd = before->fwd;
	g_free(before);
}

int
dest_ctl_edit(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *conf = record;
	struct rs_before *before;
	struct rs *rs;
	int err = require(c, conf, &rs);

	if (err != 0)
		return err;
	before = note_before(rs);
	change_undo(c, edit_undo, before);
	change_done(c, g_free, before);
	err = apply_conf(c, rs, conf, conf->set);
	if (err != 0)
		return err;
	if (rs->weight != before->weight || rs->fwd != before->fwd)
		build_service(c, rs->vs);
	return reply_hold(c, rs);
}

int
dest_ctl_del(struct change *c, const void *record)
{
	struct rs *rs;
	int err = require(c, record, &rs);

	if (err == 0)
		unlink_dest(c, rs);
	return err;
}

/* The trash. */

static void
reap_done(void *arg)
{
	struct rs *rs = arg;

	/* The table may have a new server of the same addresses by now: it has another slot. */
	generations[rs->index] = rs->generation + 2;
	by_slot[rs->index] = NULL;
	slots_put(&slots, rs->index);
	free(rs);
}

static void
reap_undo(void *arg)
{
	struct rs *rs = arg;

	g_hash_table_add(table, rs);
	trash_put(rs);
}

/* Workers forget about @rs; its slot is free when they have. */
static int
reap(struct change *c, struct rs *rs)
{
	trash_take(rs);
	g_hash_table_remove(table, rs);
	change_undo(c, reap_undo, rs);
	change_done(c, reap_done, rs);
	return rs->replies ? reply_release(c, rs) : 0;
}

int
dest_job_reap(void)
{
	struct change *c = NULL;
	uint32_t left = trash_count < REAP_MAX ? trash_count : REAP_MAX;
	int err = 0;

	for (; err == 0 && left > 0; left--) {
		struct rs *rs = TAILQ_FIRST(&trash);

		if (is_held(rs->index)) {
			trash_take(rs);
			trash_put(rs);
			continue;
		}
		if (c == NULL) {
			c = change_begin();
			if (c == NULL)
				return -EAGAIN;
		}
		err = reap(c, rs);
	}
	if (c == NULL)
		return -EAGAIN;
	if (err != 0)
		change_abandon(c);
	else
		err = change_commit(c);
	return err == 0 ? 0 : -EAGAIN;
}
