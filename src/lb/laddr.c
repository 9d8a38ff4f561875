/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Family laddr: local addresses of full-NAT services. The main lcore owns them; workers know an address by
 * the services that have it (service.laddrs) and by a replica of the table of all of them, which replies
 * are looked up in. An address is on its port as long as it has a slot (net/ifaddr.h), so that servers
 * reach it until the last connection has ended, also when no service has it any more. Readers do not see it then:
 * for them it goes with the change that took it from its last service.
 */
#include "lb/laddr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/laddr.h>

#include "core/collect.h"
#include "core/conf.h"
#include "lb/laddr_pool.h"
#include "lb/replica.h"
#include "lb/reserve.h"
#include "lb/slots.h"
#include "lb/truth.h"
#include "module.h"
#include "net/ifaddr.h"
#include "net/netif.h"

/* 64: a small set-up never grows its tables. */
#define TABLE_CAPACITY 64

/* Hash buckets for the addresses of all services; more addresses make them slower, nothing else. */
#define LINKS_MAX (1u << 20)

/* Addresses in the trash looked at in one go, below a millisecond: each takes an address and its route with it. */
#define REAP_MAX 128u

/* Milliseconds between looks for addresses whose last connection has gone. */
#define REAP_MS 250

/** struct laddr: a local address and its slot. */
struct laddr {
	struct addr_key key; /**< first member: the hash table's key; port and protocol 0 */
	uint16_t port;       /**< the netif that has it */
	uint32_t index;
	uint32_t users;    /**< services */
	uint32_t removals; /**< from services, not confirmed by all workers */
	uint64_t added;    /**< serial of the change that made it */
	bool in_trash;
	TAILQ_ENTRY(laddr) trash_link;
};

/** struct vl_place: an address in a service's list, and where it was. Its service is counted. */
struct vl_place {
	struct vs_laddr *vl;
	struct vs_laddr *prev; /**< NULL: it was first */
};

TAILQ_HEAD(laddr_list, laddr);

struct laddr_lcore *laddr_lcores[WORKERS_MAX];

static struct replica by_addr; /* value: slot + 1 */
static GHashTable *table;      /* struct laddr */
static struct htable links;    /* struct vs_laddr, by service and address */
static struct laddr_list trash = TAILQ_HEAD_INITIALIZER(trash);
static uint32_t trash_count;
static uint64_t *misses_zero[WORKERS_MAX]; /* by worker and slot: port_misses begin to count there */
static struct slots slots;
static struct laddr **by_slot; /* those in @table; as many as slots.max */
static guint reap_soon;        /* GLib's source when there is more to reap; 0: none */
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes);

uint32_t
laddr_max(void)
{
	return slots.max;
}

/* Packet path. */

uint32_t
laddr_find(uint8_t af, const union ip_addr *addr)
{
	const void *value = af == AF_INET
				    ? addr_table_find4(replica_of(&by_addr, REPLICA_IP4), addr->ip4, 0, 0)
				    : addr_table_find6(replica_of(&by_addr, REPLICA_IP6), addr, 0, 0);

	return (uint32_t)(uintptr_t)value - 1; /* none: LADDR_NONE */
}

static void
laddr_apply(const void *data, uint32_t len)
{
	(void)len;
	replica_apply(&by_addr, data);
}

static int
publish(struct change *c, const struct laddr *la, bool there)
{
	struct replica_op *op = change_op(c, DPVS_MSG_LADDR, sizeof(*op));

	if (op == NULL)
		return -ENOMEM;
	return replica_set(c, &by_addr, op, &la->key, there ? (const void *)(uintptr_t)(la->index + 1) : NULL);
}

/* Sums over the workers. */

static uint64_t
conns_of(uint32_t index)
{
	uint64_t conns = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		conns += __atomic_load_n(&laddr_lcores[i][index].conns, __ATOMIC_RELAXED);
	return conns;
}

static uint64_t
misses_of(uint32_t index)
{
	uint64_t misses = 0;

	for (unsigned int i = 0; i < lcore_worker_count(); i++)
		misses += __atomic_load_n(&laddr_lcores[i][index].port_misses, __ATOMIC_RELAXED);
	return misses;
}

/* For laddr_pool.c. */

bool
laddr_at(uint32_t index, struct laddr_id *ret_id)
{
	const struct laddr *la = by_slot[index];

	if (la == NULL || change_hides(la->added))
		return false;
	*ret_id = (struct laddr_id){ .key = la->key, .index = la->index, .port = la->port };
	return true;
}

uint32_t
laddr_slots_used(void)
{
	return slots.used;
}

bool
laddr_is(const struct laddr_id *id)
{
	const struct laddr *la = by_slot[id->index];

	return la != NULL && addr_key_equal(&la->key, &id->key);
}

uint64_t
laddr_zero_of(uint32_t index, unsigned int worker)
{
	return misses_zero[worker][index];
}

void
laddr_zero_set(uint32_t index, unsigned int worker, uint64_t misses)
{
	misses_zero[worker][index] = misses;
}

/* Addresses come and go. */

void
laddr_counts(uint32_t index, uint64_t *ret_conns, uint64_t *ret_misses)
{
	*ret_conns = conns_of(index);
	*ret_misses = misses_of(index);
	for (unsigned int w = 0; w < lcore_worker_count(); w++)
		*ret_misses -= misses_zero[w][index];
}

void
laddr_describe(const struct vs_laddr *vl, struct service_laddr *ret_laddr)
{
	const struct laddr *la = vl->laddr;

	*ret_laddr = (struct service_laddr){
		.addr = la->key.addr, .index = la->index, .order = vl->order, .port = la->port,
	};
}

static void
table_add(struct laddr *la)
{
	g_hash_table_add(table, la);
	by_slot[la->index] = la;
}

static void
table_remove(struct laddr *la)
{
	g_hash_table_remove(table, la);
	by_slot[la->index] = NULL;
}

static void
trash_put(struct laddr *la)
{
	la->in_trash = true;
	TAILQ_INSERT_TAIL(&trash, la, trash_link);
	trash_count++;
}

static void
trash_take(struct laddr *la)
{
	la->in_trash = false;
	TAILQ_REMOVE(&trash, la, trash_link);
	trash_count--;
}

static void
laddr_free(void *arg)
{
	struct laddr *la = arg;

	slots_put(&slots, la->index);
	free(la);
}

static void
new_undo(void *arg)
{
	struct laddr *la = arg;

	table_remove(la);
	laddr_free(la);
}

static int
laddr_new(struct change *c, const struct addr_key *key, uint16_t port, struct laddr **ret_laddr)
{
	struct laddr *la = calloc(1, sizeof(*la));
	int err;

	if (la == NULL)
		return -ENOMEM;
	la->key = *key;
	la->port = port;
	la->added = change_serial(c);
	err = slots_get(&slots, &la->index);
	if (err != 0) {
		free(la);
		return change_error(c, err,
				    "no room for another local address; raise max in section [laddr]");
	}
	for (unsigned int w = 0; w < lcore_worker_count(); w++)
		misses_zero[w][la->index] = __atomic_load_n(&laddr_lcores[w][la->index].port_misses, __ATOMIC_RELAXED);
	table_add(la);
	change_undo(c, new_undo, la);
	err = publish(c, la, true);
	if (err == 0)
		*ret_laddr = la;
	return err;
}

static void
untrash_undo(void *arg)
{
	trash_put(arg);
}

static uint32_t
link_hash(const struct vs *vs, const struct laddr *la)
{
	uint64_t key[2] = { (uintptr_t)vs, (uintptr_t)la };

	return (uint32_t)(addr_table_hash6(key, 0) >> 32);
}

static void
link_add(struct vs_laddr *vl)
{
	vl->vs->num_laddrs++;
	vl->laddr->users++;
	htable_add(&links, &vl->node, link_hash(vl->vs, vl->laddr));
	event_node_add(&nodes, &vl->event);
}

static void
link_remove(struct vs_laddr *vl)
{
	TAILQ_REMOVE(&vl->vs->laddrs, vl, link);
	vl->vs->num_laddrs--;
	vl->laddr->users--;
	htable_remove(&links, &vl->node);
	event_node_del(&nodes, &vl->event);
}

static uint32_t
laddr_record(const struct event_node *node, void *data)
{
	const struct vs_laddr *vl = event_object(node, struct vs_laddr, event);
	struct dpvs_laddr_info *info = data;

	memset(info, 0, sizeof(*info));
	key_to_wire(&vl->vs->key, &info->conf.svc);
	addr_to_wire(vl->laddr->key.af, &vl->laddr->key.addr, &info->conf.addr);
	g_strlcpy(info->conf.dev, netif_name(vl->laddr->port), sizeof(info->conf.dev));
	return sizeof(*info);
}

static void
emit(struct change *c, uint32_t op, const struct vs_laddr *vl)
{
	struct dpvs_laddr_info info;

	if (event_wanted(DPVS_EVENT_LADDR))
		event_emit(c, DPVS_EVENT_LADDR, op, &info, laddr_record(&vl->event, &info));
}

static void
link_undo(void *arg)
{
	struct vs_laddr *vl = arg;

	link_remove(vl);
	vs_unref(vl->vs);
	g_free(vl);
}

/*
 * Its last removal was confirmed while it had a user, which it has no more; unless that came between this note and
 * the one before, and unlink_done() has done it.
 */
static void
settle_undo(void *arg)
{
	struct laddr *la = arg;

	if (la->users == 0 && la->removals == 0 && !la->in_trash)
		trash_put(la);
}

static int
link_laddr(struct change *c, struct vs *vs, struct laddr *la)
{
	struct vs_laddr *vl;
	int err;

	if (la->users == 0) {
		err = ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_HELD);
		if (err != 0)
			return err;
	}
	vl = g_new0(struct vs_laddr, 1);
	if (la->in_trash) {
		trash_take(la);
		change_undo(c, untrash_undo, la);
	} else if (la->users == 0 && la->removals > 0) {
		change_undo(c, settle_undo, la);
	}
	*vl = (struct vs_laddr){
		.vs = vs, .laddr = la, .named = change_serial(c), .order = ++vs->last_laddr,
	};
	TAILQ_INSERT_TAIL(&vs->laddrs, vl, link);
	link_add(vl);
	change_undo(c, link_undo, vl);
	change_done(c, vs_unref, vs_ref(vs));
	emit(c, DPVS_EVENT_OP_ADD, vl);
	build_service(c, vs);
	return 0;
}

static void
unlink_undo(void *arg)
{
	struct vl_place *place = arg;
	struct vs_laddr *vl = place->vl;

	if (place->prev == NULL)
		TAILQ_INSERT_HEAD(&vl->vs->laddrs, vl, link);
	else
		TAILQ_INSERT_AFTER(&vl->vs->laddrs, place->prev, vl, link);
	link_add(vl);
	vl->laddr->removals--;
	vs_unref(vl->vs);
	g_free(place);
}

static void
unlink_done(void *arg)
{
	struct vl_place *place = arg;
	struct laddr *la = place->vl->laddr;

	la->removals--;
	if (la->users == 0 && la->removals == 0)
		trash_put(la);
	vs_unref(place->vl->vs);
	g_free(place->vl);
	g_free(place);
}

static int
unlink_laddr(struct change *c, struct vs_laddr *vl)
{
	struct vl_place *place = g_new0(struct vl_place, 1);
	struct laddr *la = vl->laddr;

	vs_ref(vl->vs);
	place->vl = vl;
	place->prev = TAILQ_PREV(vl, vs_laddr_list, link);
	link_remove(vl);
	la->removals++;
	change_undo(c, unlink_undo, place);
	change_done(c, unlink_done, place);
	emit(c, DPVS_EVENT_OP_DEL, vl);
	build_service(c, vl->vs);
	return la->users == 0 ? ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_LINGERS) : 0;
}

int
laddr_unlink_all(struct change *c, struct vs *vs, uint64_t keep)
{
	struct vs_laddr *next;
	int err;

	for (struct vs_laddr *vl = TAILQ_FIRST(&vs->laddrs); vl != NULL; vl = next) {
		next = TAILQ_NEXT(vl, link);
		if (keep != 0 && vl->named == keep)
			continue;
		err = unlink_laddr(c, vl);
		if (err != 0)
			return err;
		if (next != NULL && change_slice_over())
			return CHANGE_MORE;
	}
	return 0;
}

void
laddr_discard(struct vs *vs)
{
	struct vs_laddr *vl;

	while ((vl = TAILQ_FIRST(&vs->laddrs)) != NULL) {
		TAILQ_REMOVE(&vs->laddrs, vl, link);
		g_free(vl);
	}
}

/* Control handlers. */

/* Service and address of a record. */
static int
check_record(struct change *c, const struct dpvs_laddr_conf *conf, struct vs **ret_vs,
	     struct addr_key *ret_key)
{
	struct addr_key key = { 0 };
	struct vs *vs;
	int err = vs_require(c, &conf->svc, &vs);

	if (err != 0)
		return err;
	if (memchr(conf->dev, 0, sizeof(conf->dev)) == NULL)
		return change_error(c, -EINVAL, "the port's name is too long");
	if (addr_from_wire(&conf->addr, &key.af, &key.addr) < 0)
		return change_error(c, -EINVAL, "the local address is malformed");
	if (key.af != vs->key.af)
		return change_error(c, -EINVAL, "a local address has the address family of the service");
	if (!addr_is_usable(key.af, &key.addr))
		return change_error(c, -EINVAL, "the local address is one that no packet may have: "
				    "unspecified, loopback, link-local, multicast or broadcast");
	*ret_vs = vs;
	*ret_key = key;
	return 0;
}

static struct vs_laddr *
find_in(const struct vs *vs, const struct laddr *la)
{
	uint32_t hash;

	if (la == NULL)
		return NULL;
	hash = link_hash(vs, la);
	for (struct htable_node *n = htable_first(&links, hash); n != NULL; n = n->next) {
		struct vs_laddr *vl = container_of(n, struct vs_laddr, node);

		if (vl->vs == vs && vl->laddr == la)
			return vl;
	}
	return NULL;
}

static int
laddr_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_laddr_conf *conf = record;
	const struct netif *netif;
	struct addr_key key;
	struct vs_laddr *vl;
	struct laddr *la;
	struct vs *vs;
	int err = check_record(c, conf, &vs, &key);

	if (err != 0)
		return err;
	netif = netif_by_name(conf->dev);
	if (netif == NULL)
		return change_error(c, -ENODEV, "there is no port \"%s\"", conf->dev);
	if (memcmp(&key.addr, &vs->key.addr, sizeof(key.addr)) == 0)
		return change_error(c, -EINVAL, "the local address is the virtual address itself");
	la = g_hash_table_lookup(table, &key);
	vl = find_in(vs, la);
	if (vl != NULL && (change_mode(c) & CHANGE_UNCHANGED) == 0)
		return change_error(c, -EEXIST, "the service has this local address already");
	if (vl != NULL && la->port != netif->port && (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "the service has this local address already, on port %s",
				    netif_name(la->port));
	/* Not even a replacing add moves it to another port: other services and connections may use it. */
	if (la != NULL && la->port != netif->port)
		return change_error(c, -EINVAL, "this local address is on port %s%s", netif_name(la->port),
				    la->users > 0 ? "" : " until its last connection has ended");
	if (vl != NULL) {
		vl->named = change_serial(c);
		return 0;
	}
	if (la == NULL)
		err = laddr_new(c, &key, netif->port, &la);
	return err == 0 ? link_laddr(c, vs, la) : err;
}

static int
laddr_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_laddr_conf *conf = record;
	struct addr_key key;
	struct vs_laddr *vl;
	struct vs *vs;
	int err = check_record(c, conf, &vs, &key);

	if (err != 0)
		return err;
	if (conf->dev[0] != '\0' && netif_by_name(conf->dev) == NULL)
		return change_error(c, -ENODEV, "there is no port \"%s\"", conf->dev);
	vl = find_in(vs, g_hash_table_lookup(table, &key));
	if (vl == NULL)
		return change_error(c, -ENOENT, "the service has no such local address");
	if (conf->dev[0] != '\0' && strcmp(conf->dev, netif_name(vl->laddr->port)) != 0)
		return change_error(c, -ENOENT, "this local address is on port %s",
				    netif_name(vl->laddr->port));
	return unlink_laddr(c, vl);
}

static int
laddr_ctl_flush(struct change *c, const void *record)
{
	struct vs *vs;
	int err = vs_require(c, record, &vs);

	return err == 0 ? laddr_unlink_all(c, vs, 0) : err;
}

/* The trash. */

static int laddr_job_reap(void);

static void
reap_undo(void *arg)
{
	struct laddr *la = arg;

	table_add(la);
	trash_put(la);
}

static int
reap(struct change *c, struct laddr *la)
{
	int err;

	trash_take(la);
	table_remove(la);
	change_undo(c, reap_undo, la);
	change_done(c, laddr_free, la);
	err = publish(c, la, false);
	if (err == 0)
		err = ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_NOT_HELD);
	return err;
}

static gboolean
reap_again(gpointer data)
{
	(void)data;
	reap_soon = 0;
	laddr_job_reap();
	return G_SOURCE_REMOVE;
}

static int
laddr_job_reap(void)
{
	struct change *c = NULL;
	uint32_t left = MIN(trash_count, REAP_MAX);
	uint32_t reaped = 0;
	int err = 0;

	if (change_busy())
		return -EAGAIN; /* next time */
	for (; err == 0 && left > 0; left--) {
		struct laddr *la = TAILQ_FIRST(&trash);

		if (conns_of(la->index) != 0) {
			trash_take(la);
			trash_put(la);
			continue;
		}
		if (c == NULL) {
			c = change_begin();
			change_quiet(c); /* nobody has seen them since they were removed */
		}
		err = reap(c, la);
		reaped++;
	}
	if (c == NULL)
		return -EAGAIN;
	if (err != 0)
		change_abandon(c);
	else
		err = change_commit(c);
	/* The rest goes when the main loop has nothing else to do. */
	if (err == 0 && reaped == REAP_MAX && reap_soon == 0)
		reap_soon = g_idle_add(reap_again, NULL);
	return err == 0 ? 0 : -EAGAIN;
}

/* Digests. */

static bool
laddr_digest_copy(struct digest *d)
{
	struct addr_key key;
	const void *value;
	int found = replica_step(&by_addr, d, &key, &value);

	if (found > 0)
		digest_add(d, digest_u64(addr_key_digest(&key), (uintptr_t)value));
	return found >= 0;
}

static bool
laddr_digest_truth(struct digest *d)
{
	static GHashTableIter iter;
	gpointer data;

	if (d->pos++ == 0)
		g_hash_table_iter_init(&iter, table);
	for (unsigned int n = 0; n < DIGEST_STEP; n++) {
		const struct laddr *la;

		if (!g_hash_table_iter_next(&iter, &data, NULL))
			return false;
		la = data;
		digest_add(d, digest_u64(addr_key_digest(&la->key), la->index + 1));
	}
	return true;
}

static const struct module_digest laddr_digests[] = {
	{ .name = "addresses", .copy = laddr_digest_copy, .truth = laddr_digest_truth, .main_copy = true },
	{},
};

/* Start and end. */

static void
laddr_module_fini(void)
{
	GHashTableIter iter;
	gpointer la;

	collect_unregister(&laddr_collect);
	if (reap_soon != 0)
		g_source_remove(reap_soon);
	reap_soon = 0;
	TAILQ_INIT(&trash);
	trash_count = 0;
	htable_fini(&links);
	if (table != NULL) {
		g_hash_table_iter_init(&iter, table);
		while (g_hash_table_iter_next(&iter, &la, NULL))
			free(la);
	}
	g_clear_pointer(&table, g_hash_table_destroy);
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		reserve_free(misses_zero[i], slots.max * sizeof(misses_zero[i][0]));
		misses_zero[i] = NULL;
		reserve_free(laddr_lcores[i], slots.max * sizeof(struct laddr_lcore));
		laddr_lcores[i] = NULL;
	}
	reserve_free(by_slot, slots.max * sizeof(by_slot[0]));
	by_slot = NULL;
	slots_fini(&slots);
	replica_fini(&by_addr);
}

static int
laddr_module_init(const struct conf *conf)
{
	uint32_t max = (uint32_t)conf_uint(conf, "laddr", "max");
	int err;

	table = g_hash_table_new(addr_key_hash, addr_key_equal);
	slots_init(&slots, max);
	err = htable_init(&links, LINKS_MAX);
	if (err == 0)
		err = replica_init(&by_addr, TABLE_CAPACITY);
	if (err == 0)
		err = reserve_new(max * sizeof(by_slot[0]), (void **)&by_slot);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(struct laddr_lcore), (void **)&laddr_lcores[i]);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(max * sizeof(misses_zero[i][0]), (void **)&misses_zero[i]);
	collect_register(&laddr_collect);
	if (err != 0)
		laddr_module_fini();
	return err;
}

/* Tables. */

static const struct conf_key laddr_conf[] = {
	{
		.name = "max",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 65536,
		.def = 1024,
		.help = "Local addresses that fit, each counted once however many services share it.",
	},
	{},
};

static const struct module_sockopt laddr_sockopts[] = {
	{
		.name = "laddr-add",
		.id = DPVS_SET_LADDR_ADD,
		.record_size = sizeof(struct dpvs_laddr_conf),
		.need_record = true,
		.set = laddr_ctl_add,
	},
	{
		.name = "laddr-del",
		.id = DPVS_SET_LADDR_DEL,
		.record_size = sizeof(struct dpvs_laddr_conf),
		.need_record = true,
		.set = laddr_ctl_del,
	},
	{
		.name = "laddr-flush",
		.id = DPVS_SET_LADDR_FLUSH,
		.record_size = sizeof(struct dpvs_service_key),
		.need_record = true,
		.set = laddr_ctl_flush,
	},
	{
		.name = "laddrs",
		.id = DPVS_GET_LADDRS,
		.record_size = sizeof(struct dpvs_service_key),
		.get = laddr_get,
	},
	{ .name = "laddr-pools", .id = DPVS_GET_LADDR_POOLS, .get = laddr_ctl_pools },
	{ .name = "laddr-zero", .id = DPVS_SET_LADDR_ZERO, .request = laddr_ctl_zero },
	{},
};

static const struct dpvs_msg_type laddr_msgs[] = {
	{
		.type = DPVS_MSG_LADDR,
		.name = "laddr",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = laddr_apply,
	},
	{
		.type = DPVS_MSG_SAPOOL_STATS,
		.name = "sapool-stats",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = collect_on_worker,
	},
	{},
};

static const struct module_job laddr_jobs[] = {
	{ .name = "laddr-reap", .when = JOB_MAIN, .period_ms = REAP_MS, .fn = laddr_job_reap },
	{},
};

static const struct module_event laddr_events[] = {
	{ .kind = DPVS_EVENT_LADDR, .list = &nodes, .record = laddr_record },
	{},
};

static const char *const laddr_after[] = { "ifaddr", "service", NULL };

const struct module laddr_module = {
	.name = "laddr",
	.after = laddr_after,
	.conf = laddr_conf,
	.sockopts = laddr_sockopts,
	.msgs = laddr_msgs,
	.jobs = laddr_jobs,
	.digests = laddr_digests,
	.events = laddr_events,
	.init = laddr_module_init,
	.fini = laddr_module_fini,
};
