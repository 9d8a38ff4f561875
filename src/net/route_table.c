/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's routes. A prefix has a list of routes, the best first: the lowest metric, then local
 * before broadcast before unicast, then the oldest. The best of each prefix is in the ribs: main's at
 * once (undone when the change is abandoned), the workers' by commit.
 *
 * Room in the workers' ribs is kept by counting: a prefix takes a slot here, before commit, and there
 * are as many slots as every rib can hold.
 */
#include "net/route_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/event.h"
#include "core/lcore.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/route.h"
#include "net/route_priv.h"

/** struct route_op: what a commit brings to a worker. */
struct route_op {
	union ip_addr dst;
	uint32_t slot;
	uint8_t af;
	uint8_t plen;
	uint8_t del;
	uint8_t pad;
	struct route_info info;
};

/** struct family: the routes of one family. Main lcore only. */
struct family {
	GHashTable *prefixes; /**< set of struct prefix */
	GPtrArray *statics;   /**< routes of operators */
	uint32_t *slots;      /**< stack of free slots */
	uint32_t num_slots;
	uint32_t num_routes;
};

static struct family families[2];
static uint64_t next_seq;
static uint32_t routes_max;
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes); /* both families */

/* Index WORKERS_MAX is main's. Main: rw at init and fini; a worker: its own. */
static struct rib *ribs[WORKERS_MAX + 1];

RTE_DEFINE_PER_LCORE(uint32_t, net_generation_count);

static struct family *
family_of(uint8_t af)
{
	return &families[af == AF_INET6];
}

GHashTable *
route_prefixes(uint8_t af)
{
	return family_of(af)->prefixes;
}

const GPtrArray *
route_statics(uint8_t af)
{
	return family_of(af)->statics;
}

const struct route_info *
route_lookup_main(uint8_t af, const union ip_addr *dst)
{
	return rib_lookup(ribs[WORKERS_MAX], af, dst);
}

const struct rib *
route_rib(void)
{
	uint32_t worker = lcore_me()->worker;

	return ribs[worker == UINT32_MAX ? WORKERS_MAX : worker];
}

static guint
prefix_hash(gconstpointer key)
{
	const struct prefix *p = key;
	guint h = p->plen;

	for (unsigned int i = 0; i < 4; i++)
		h = (h ^ p->dst.u32[i]) * 0x9e3779b1u; /* 2^32 / golden ratio */
	return h ^ h >> 15;
}

static gboolean
prefix_equal(gconstpointer a, gconstpointer b)
{
	const struct prefix *p = a;
	const struct prefix *q = b;

	return p->plen == q->plen && addr_equal(&p->dst, &q->dst);
}

static void
prefix_free(gpointer data)
{
	struct prefix *p = data;

	g_ptr_array_free(p->routes, TRUE);
	g_free(p);
}

struct prefix *
prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	struct prefix key = { .dst = *dst, .af = af, .plen = plen };

	return g_hash_table_lookup(family_of(af)->prefixes, &key);
}

gint
route_compare(gconstpointer a, gconstpointer b)
{
	/* DPVS_ROUTE_UNICAST, _LOCAL, _BROADCAST */
	static const int rank[] = { 0, 3, 1, 2 };
	const struct route *r = *(struct route *const *)a;
	const struct route *s = *(struct route *const *)b;

	if (r->metric != s->metric)
		return r->metric < s->metric ? -1 : 1;
	if (r->type != s->type)
		return rank[r->type] - rank[s->type];
	return r->seq < s->seq ? -1 : r->seq > s->seq;
}

/** prefix_sync: brings the best route of @p to main's rib and, with @c, to the workers. */
static int
prefix_sync(struct change *c, struct prefix *p)
{
	struct route_info info = { 0 };
	struct route_op *op;
	bool has = p->routes->len > 0;
	uint32_t type;

	if (has) {
		const struct route *best = p->routes->pdata[0];

		info.via = best->via;
		info.src = best->src;
		info.port = best->port;
		info.mtu = best->mtu;
		info.type = best->type;
		info.has_via = best->has_via;
	}
	if (has == p->in_rib && memcmp(&info, &p->info, sizeof(info)) == 0)
		return 0;

	if (has)
		rib_set(ribs[WORKERS_MAX], p->af, &p->dst, p->plen, p->slot, &info);
	else
		rib_del(ribs[WORKERS_MAX], p->af, &p->dst, p->plen);
	p->in_rib = has;
	p->info = info;
	if (c == NULL)
		return 0;

	type = p->af == AF_INET6 ? DPVS_MSG_ROUTE6 : has ? DPVS_MSG_ROUTE_ADD : DPVS_MSG_ROUTE_DEL;
	op = change_op(c, type, sizeof(*op));
	if (op == NULL)
		return change_error(c, -ENOMEM, "out of memory");
	*op = (struct route_op){
		.dst = p->dst,
		.slot = p->slot,
		.af = p->af,
		.plen = p->plen,
		.del = !has,
		.info = info,
	};
	return 0;
}

static void
route_attach(struct route *r)
{
	struct family *f = family_of(r->af);
	struct prefix *p = prefix_find(r->af, &r->dst, r->plen);

	if (p == NULL) {
		p = g_new0(struct prefix, 1);
		p->dst = r->dst;
		p->af = r->af;
		p->plen = r->plen;
		p->routes = g_ptr_array_new();
		p->slot = f->slots[--f->num_slots]; /* one for each route that may exist */
		g_hash_table_add(f->prefixes, p);
	}
	r->prefix = p;
	if (!r->hidden)
		event_node_add(&nodes, &r->event);
	g_ptr_array_add(p->routes, r);
	g_ptr_array_sort(p->routes, route_compare);
	if (r->proto == DPVS_ROUTE_PROTO_STATIC)
		g_ptr_array_add(f->statics, r);
	f->num_routes++;
}

/** route_detach: takes @r out and tells the ribs; the prefix ends with its last route. */
static int
route_detach(struct change *c, struct route *r)
{
	struct family *f = family_of(r->af);
	struct prefix *p = r->prefix;
	int ret;

	g_ptr_array_remove(p->routes, r);
	if (r->proto == DPVS_ROUTE_PROTO_STATIC)
		g_ptr_array_remove(f->statics, r);
	r->prefix = NULL;
	if (!r->hidden)
		event_node_del(&nodes, &r->event);
	f->num_routes--;
	ret = prefix_sync(c, p);
	if (p->routes->len == 0) {
		/*
		 * The slot may be taken again by the same change: workers apply its operations in order,
		 * and notes are undone in reverse order, which gives back the same slots.
		 */
		f->slots[f->num_slots++] = p->slot;
		g_hash_table_remove(f->prefixes, p);
	}
	return ret;
}

static void
route_undo_insert(void *arg)
{
	struct route *r = arg;

	(void)route_detach(NULL, r);
	g_free(r);
}

static void
route_undo_remove(void *arg)
{
	struct route *r = arg;

	route_attach(r);
	(void)prefix_sync(NULL, r->prefix);
}

static uint32_t
route_record(const struct event_node *node, void *data)
{
	route_to_wire(event_object(node, struct route, event), data);
	return sizeof(struct dpvs_route_conf);
}

static void
route_emit(struct change *c, uint32_t op, const struct route *r)
{
	struct dpvs_route_conf conf;

	if (r->hidden)
		return;
	change_visible(c); /* also when another route to the same net is used */
	if (event_wanted(DPVS_EVENT_ROUTE))
		event_emit(c, DPVS_EVENT_ROUTE, op, &conf, route_record(&r->event, &conf));
}

static int
put(struct change *c, struct route *r)
{
	if (family_of(r->af)->num_routes >= routes_max) {
		g_free(r);
		return change_error(c, -ENOSPC, "the route table is full (%u, key route.max-routes)",
				    routes_max);
	}
	r->seq = next_seq++;
	route_attach(r);
	change_undo(c, route_undo_insert, r);
	return prefix_sync(c, r->prefix);
}

static int
take(struct change *c, struct route *r)
{
	int ret = route_detach(c, r);

	change_undo(c, route_undo_remove, r);
	change_done(c, g_free, r);
	return ret;
}

int
route_insert(struct change *c, struct route *r)
{
	int ret = put(c, r);

	if (ret == 0)
		route_emit(c, DPVS_EVENT_OP_ADD, r);
	return ret;
}

int
route_remove(struct change *c, struct route *r)
{
	route_emit(c, DPVS_EVENT_OP_DEL, r);
	return take(c, r);
}

int
route_replace(struct change *c, struct route *old, struct route *new)
{
	struct dpvs_route_conf was, is;
	int ret = take(c, old);

	if (ret != 0) {
		g_free(new);
		return ret;
	}
	ret = put(c, new);
	if (ret != 0)
		return ret;
	route_to_wire(old, &was);
	route_to_wire(new, &is);
	if (memcmp(&was, &is, sizeof(is)) != 0)
		route_emit(c, DPVS_EVENT_OP_CHANGE, new);
	return 0;
}

int
route_add_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type,
		 uint16_t port, const union ip_addr *src)
{
	struct route *r = g_new0(struct route, 1);

	r->af = af;
	r->dst = rib_scoped(af, dst, port);
	r->plen = plen;
	r->src = *src;
	r->port = port;
	r->type = type;
	r->proto = DPVS_ROUTE_PROTO_KERNEL;
	r->scope = type == DPVS_ROUTE_LOCAL ? DPVS_SCOPE_HOST : DPVS_SCOPE_LINK;
	return route_insert(c, r);
}

/** kernel_find: the route that an address brought, or NULL with the text in @c. */
static struct route *
kernel_find(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type, uint16_t port,
	    const union ip_addr *src)
{
	union ip_addr scoped = rib_scoped(af, dst, port);
	struct prefix *p = prefix_find(af, &scoped, plen);

	for (guint i = 0; p != NULL && i < p->routes->len; i++) {
		struct route *r = p->routes->pdata[i];

		if (r->proto == DPVS_ROUTE_PROTO_KERNEL && r->type == type && r->port == port &&
		    addr_equal(&r->src, src))
			return r;
	}
	change_error(c, -ESRCH, "the address has no route");
	return NULL;
}

int
route_del_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type,
		 uint16_t port, const union ip_addr *src)
{
	struct route *r = kernel_find(c, af, dst, plen, type, port, src);

	return r != NULL ? route_remove(c, r) : -ESRCH;
}

static void
route_show(struct route *r)
{
	r->hidden = 0;
	event_node_add(&nodes, &r->event);
}

static void
route_hide(struct route *r)
{
	event_node_del(&nodes, &r->event);
	r->hidden = 1;
}

static void
route_undo_show(void *arg)
{
	route_hide(arg);
}

static void
route_undo_hide(void *arg)
{
	route_show(arg);
}

int
route_show_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type, uint16_t port,
		  const union ip_addr *src, bool shown)
{
	struct route *r = kernel_find(c, af, dst, plen, type, port, src);

	if (r == NULL)
		return -ESRCH;
	if (shown) {
		route_show(r);
		change_undo(c, route_undo_show, r);
		route_emit(c, DPVS_EVENT_OP_ADD, r);
	} else {
		route_emit(c, DPVS_EVENT_OP_DEL, r);
		route_hide(r);
		change_undo(c, route_undo_hide, r);
	}
	return 0;
}

/** struct src_undo: the source that a route had. */
struct src_undo {
	struct route *route;
	union ip_addr src;
};

static void
route_undo_src(void *arg)
{
	struct src_undo *u = arg;

	u->route->src = u->src;
	(void)prefix_sync(NULL, u->route->prefix);
	g_free(u);
}

int
route_addrs_changed(struct change *c, uint8_t af, uint16_t port, const union ip_addr *gone)
{
	GPtrArray *statics = family_of(af)->statics;
	int ret = 0;

	for (guint i = statics->len; i-- > 0 && ret == 0;) {
		struct route *r = statics->pdata[i];
		struct src_undo *u;
		union ip_addr src;

		if (r->src_given) {
			if (gone != NULL && addr_equal(&r->src, gone))
				ret = route_remove(c, r);
			continue;
		}
		if (r->port != port)
			continue;
		ifaddr_source(af, port, r->has_via ? &r->via : &r->dst, &src);
		if (addr_equal(&src, &r->src))
			continue;
		u = g_new(struct src_undo, 1);
		*u = (struct src_undo){ .route = r, .src = r->src };
		r->src = src;
		route_emit(c, DPVS_EVENT_OP_CHANGE, r);
		change_undo(c, route_undo_src, u);
		change_done(c, g_free, u);
		ret = prefix_sync(c, r->prefix);
	}
	return ret;
}

void
route_table_on_commit(const void *data, uint32_t len)
{
	const struct route_op *op = data;
	struct rib *rib = ribs[lcore_me()->worker];

	(void)len;
	if (op->del)
		rib_del(rib, op->af, &op->dst, op->plen);
	else
		rib_set(rib, op->af, &op->dst, op->plen, op->slot, &op->info);
	net_generation_bump();
}

bool
route_lookup_on(uint16_t port, uint8_t af, const union ip_addr *dst, struct route_result *ret_result)
{
	union ip_addr scoped = rib_scoped(af, dst, port);
	const struct route_info *info = rib_lookup(ribs[lcore_me()->worker], af, &scoped);
	const struct netif *nif;

	if (info == NULL)
		return false;
	nif = netif_get(info->port);
	if (nif == NULL)
		return false;

	ret_result->type = info->type;
	ret_result->port = info->port;
	ret_result->mtu = info->mtu != 0 && info->mtu < nif->mtu ? info->mtu : nif->mtu;
	ret_result->nexthop = info->has_via ? info->via : *dst;
	ret_result->src = info->src;
	return true;
}

bool
route_lookup(uint8_t af, const union ip_addr *dst, struct route_result *ret_result)
{
	return route_lookup_on(0, af, dst, ret_result);
}

const struct module_event route_events[] = {
	{ .kind = DPVS_EVENT_ROUTE, .list = &nodes, .record = route_record },
	{ 0 },
};

int
route_table_init(uint32_t max)
{
	routes_max = max;
	for (unsigned int i = 0; i < G_N_ELEMENTS(families); i++) {
		struct family *f = &families[i];

		f->prefixes = g_hash_table_new_full(prefix_hash, prefix_equal, prefix_free, NULL);
		f->statics = g_ptr_array_new();
		f->slots = calloc(max, sizeof(*f->slots));
		if (f->slots == NULL)
			return -ENOMEM;
		f->num_slots = max;
		for (uint32_t s = 0; s < max; s++)
			f->slots[s] = max - 1 - s;
	}

	ribs[WORKERS_MAX] = rib_new("main", SOCKET_ID_ANY, max);
	if (ribs[WORKERS_MAX] == NULL)
		return -ENOMEM;
	for (unsigned int w = 0; w < lcore_worker_count(); w++) {
		char name[8];

		snprintf(name, sizeof(name), "%u", w);
		ribs[w] = rib_new(name, (int)lcore_numa(lcore_of_worker(w)), max);
		if (ribs[w] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void
route_table_fini(void)
{
	for (unsigned int w = 0; w < G_N_ELEMENTS(ribs); w++) {
		rib_free(ribs[w]);
		ribs[w] = NULL;
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(families); i++) {
		struct family *f = &families[i];
		GHashTableIter iter;
		gpointer key;

		if (f->prefixes == NULL)
			continue;
		g_hash_table_iter_init(&iter, f->prefixes);
		while (g_hash_table_iter_next(&iter, &key, NULL))
			g_ptr_array_set_free_func(((struct prefix *)key)->routes, g_free);
		g_hash_table_destroy(f->prefixes);
		g_ptr_array_free(f->statics, TRUE);
		free(f->slots);
		*f = (struct family){ 0 };
	}
}
