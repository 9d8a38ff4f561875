/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's routes. A prefix has a list of routes, the best first: the lowest metric, then local
 * before broadcast before unicast, then the oldest. The best of each prefix is in the workers' ribs, by commit;
 * main looks up in its table, length by length, as the change in hand or the last commit has it.
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

/** struct source: static routes that have the same source; zero: none. */
struct source {
	union ip_addr addr;
	struct route_list routes;
};

/** struct family: the routes of one family. Main lcore only. */
struct family {
	GHashTable *prefixes; /**< set of struct prefix */
	GHashTable *sources;  /**< set of struct source */
	struct route_list statics[NETIF_MAX]; /**< routes of operators, by port */
	uint32_t lengths[129]; /**< prefixes of each length */
	uint32_t *slots;      /**< stack of free slots */
	uint32_t num_slots;
	uint32_t num_routes;
};

static struct family families[2];
static uint64_t next_seq;
static uint32_t routes_max;
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes); /* both families */

static struct rib *ribs[WORKERS_MAX]; /* main: rw at init and fini; a worker: its own */

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

const struct rib *
route_rib(void)
{
	return ribs[lcore_me()->worker];
}

static guint
addr_hash(guint h, const union ip_addr *addr)
{
	for (unsigned int i = 0; i < 4; i++)
		h = (h ^ addr->u32[i]) * 0x9e3779b1u; /* 2^32 / golden ratio */
	return h ^ h >> 15;
}

static guint
prefix_hash(gconstpointer key)
{
	const struct prefix *p = key;

	return addr_hash(p->plen, &p->dst);
}

static gboolean
prefix_equal(gconstpointer a, gconstpointer b)
{
	const struct prefix *p = a;
	const struct prefix *q = b;

	return p->plen == q->plen && addr_equal(&p->dst, &q->dst);
}

static guint
source_hash(gconstpointer key)
{
	return addr_hash(0, &((const struct source *)key)->addr);
}

static gboolean
source_equal(gconstpointer a, gconstpointer b)
{
	return addr_equal(&((const struct source *)a)->addr, &((const struct source *)b)->addr);
}

struct prefix *
prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	struct prefix key = { .dst = *dst, .af = af, .plen = plen };

	return g_hash_table_lookup(family_of(af)->prefixes, &key);
}

/* The better one first. */
static int
route_compare(const struct route *r, const struct route *s)
{
	/* DPVS_ROUTE_UNICAST, _LOCAL, _BROADCAST */
	static const int rank[] = { 0, 3, 1, 2 };

	if (r->metric != s->metric)
		return r->metric < s->metric ? -1 : 1;
	if (r->type != s->type)
		return rank[r->type] - rank[s->type];
	return r->seq < s->seq ? -1 : r->seq > s->seq;
}

/** prefix_best: the best route of @p, as @c has it; NULL: as of the last commit. NULL: it has none. */
static const struct route *
prefix_best(const struct change *c, const struct prefix *p)
{
	const struct route *best = TAILQ_FIRST(&p->routes);
	const struct route *r;

	if (c != NULL || change_preparing() == 0)
		return best;
	while (best != NULL && !event_node_shown(&best->event))
		best = TAILQ_NEXT(best, link);
	TAILQ_FOREACH (r, &p->leaving, link)
		if (event_node_shown(&r->event) && (best == NULL || route_compare(r, best) < 0))
			best = r;
	return best;
}

const struct route *
route_find(const struct change *c, uint8_t af, const union ip_addr *dst)
{
	const struct family *f = family_of(af);

	for (int plen = addr_bits(af); plen >= 0; plen--) {
		const struct route *best;
		const struct prefix *p;
		union ip_addr net;

		if (f->lengths[plen] == 0)
			continue;
		net = addr_masked(af, dst, (uint8_t)plen);
		p = prefix_find(af, &net, (uint8_t)plen);
		best = p != NULL ? prefix_best(c, p) : NULL;
		if (best != NULL)
			return best;
	}
	return NULL;
}

struct route_info
route_info_of(const struct route *r)
{
	struct route_info info = { 0 };

	info.via = r->via;
	info.src = r->src;
	info.port = r->port;
	info.mtu = r->mtu;
	info.type = r->type;
	info.has_via = r->has_via;
	return info;
}

/** prefix_set: what workers get of @p is what its best route says. Returns false: it was so before. */
static bool
prefix_set(struct prefix *p)
{
	const struct route *best = TAILQ_FIRST(&p->routes);
	struct route_info info = { 0 };

	if (best != NULL)
		info = route_info_of(best);
	if ((best != NULL) == p->in_rib && memcmp(&info, &p->info, sizeof(info)) == 0)
		return false;
	p->in_rib = best != NULL;
	p->info = info;
	return true;
}

/** prefix_sync: brings the best route of @p to the workers. */
static int
prefix_sync(struct change *c, struct prefix *p)
{
	struct route_op *op;
	uint32_t type;

	if (!prefix_set(p))
		return 0;
	type = p->af == AF_INET6 ? DPVS_MSG_ROUTE6 : p->in_rib ? DPVS_MSG_ROUTE_ADD : DPVS_MSG_ROUTE_DEL;
	op = change_op(c, type, sizeof(*op));
	if (op == NULL)
		return change_error(c, -ENOMEM, "out of memory");
	*op = (struct route_op){
		.dst = p->dst,
		.slot = p->slot,
		.af = p->af,
		.plen = p->plen,
		.del = !p->in_rib,
		.info = p->info,
	};
	return 0;
}

static struct prefix *
prefix_get(uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	struct prefix *p = prefix_find(af, dst, plen);

	if (p != NULL)
		return p;
	p = g_new0(struct prefix, 1);
	p->dst = *dst;
	p->af = af;
	p->plen = plen;
	TAILQ_INIT(&p->routes);
	TAILQ_INIT(&p->leaving);
	g_hash_table_add(family_of(af)->prefixes, p);
	family_of(af)->lengths[plen]++;
	return p;
}

/** prefix_settle: a route of @p is gone for good, and @p with the last one. */
static void
prefix_settle(struct prefix *p)
{
	struct family *f = family_of(p->af);

	if (!TAILQ_EMPTY(&p->routes) || !TAILQ_EMPTY(&p->leaving))
		return;
	f->lengths[p->plen]--;
	g_hash_table_remove(f->prefixes, p);
}

/** static_attach, static_detach: the lists of static routes. */
static void
static_attach(struct family *f, struct route *r)
{
	struct source key = { .addr = r->src };
	struct source *src = g_hash_table_lookup(f->sources, &key);

	if (src == NULL) {
		src = g_new0(struct source, 1);
		src->addr = r->src;
		TAILQ_INIT(&src->routes);
		g_hash_table_add(f->sources, src);
	}
	TAILQ_INSERT_TAIL(&src->routes, r, src_link);
	TAILQ_INSERT_TAIL(&f->statics[r->port], r, port_link);
}

static void
static_detach(struct family *f, struct route *r)
{
	struct source key = { .addr = r->src };
	struct source *src = g_hash_table_lookup(f->sources, &key);

	TAILQ_REMOVE(&src->routes, r, src_link);
	if (TAILQ_EMPTY(&src->routes))
		g_hash_table_remove(f->sources, src);
	TAILQ_REMOVE(&f->statics[r->port], r, port_link);
}

static void
route_attach(struct route *r)
{
	struct family *f = family_of(r->af);
	struct prefix *p = prefix_get(r->af, &r->dst, r->plen);
	struct route *after = TAILQ_LAST(&p->routes, route_list);

	if (after == NULL)
		p->slot = f->slots[--f->num_slots]; /* one for each route that may exist */
	while (after != NULL && route_compare(r, after) < 0)
		after = TAILQ_PREV(after, route_list, link);
	if (after != NULL)
		TAILQ_INSERT_AFTER(&p->routes, after, r, link);
	else
		TAILQ_INSERT_HEAD(&p->routes, r, link);
	r->prefix = p;
	if (r->proto == DPVS_ROUTE_PROTO_STATIC)
		static_attach(f, r);
	f->num_routes++;
}

/** route_detach: takes @r out; the slot of its prefix is free with its last route. */
static void
route_detach(struct route *r)
{
	struct family *f = family_of(r->af);
	struct prefix *p = r->prefix;

	TAILQ_REMOVE(&p->routes, r, link);
	if (r->proto == DPVS_ROUTE_PROTO_STATIC)
		static_detach(f, r);
	f->num_routes--;
	/*
	 * The slot may be taken again by the same change: workers apply its operations in order,
	 * and notes are undone in reverse order, which gives back the same slots.
	 */
	if (TAILQ_EMPTY(&p->routes))
		f->slots[f->num_slots++] = p->slot;
}

static void
route_undo_put(void *arg)
{
	struct route *r = arg;

	route_detach(r);
	event_node_del(&nodes, &r->event);
	prefix_set(r->prefix);
	prefix_settle(r->prefix);
	g_free(r);
}

static void
route_undo_take(void *arg)
{
	struct route *r = arg;

	TAILQ_REMOVE(&r->prefix->leaving, r, link);
	route_attach(r);
	event_node_keep(&r->event);
	prefix_set(r->prefix);
}

static void
route_done_take(void *arg)
{
	struct route *r = arg;

	TAILQ_REMOVE(&r->prefix->leaving, r, link);
	event_node_del(&nodes, &r->event);
	prefix_settle(r->prefix);
	g_free(r);
}

static uint32_t
route_record(const struct event_node *node, void *data)
{
	const struct route *r = event_object(node, struct route, event);

	if (r->hidden)
		return 0;
	route_to_wire(r, data);
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

/* put, take: without the ribs. */

static int
put(struct change *c, struct route *r)
{
	if (family_of(r->af)->num_routes >= routes_max) {
		g_free(r);
		return change_error(c, -ENOSPC, "the route table is full (%u, key route.max-routes)",
				    routes_max);
	}
	route_attach(r);
	event_node_bring(c, &nodes, &r->event);
	change_undo(c, route_undo_put, r);
	return 0;
}

static void
take(struct change *c, struct route *r)
{
	route_detach(r);
	TAILQ_INSERT_TAIL(&r->prefix->leaving, r, link);
	event_node_take(c, &r->event);
	change_undo(c, route_undo_take, r);
	change_done(c, route_done_take, r);
}

/** swap: @new, from the heap, takes the place of @old, to the same destination; subscribers are told if it differs. */
static int
swap(struct change *c, struct route *old, struct route *new)
{
	struct dpvs_route_conf was, is;
	int ret;

	if (new->hidden)
		route_emit(c, DPVS_EVENT_OP_DEL, old);
	take(c, old);
	ret = put(c, new);
	if (ret == 0)
		ret = prefix_sync(c, new->prefix);
	if (ret != 0)
		return ret;
	if (old->hidden || new->hidden) {
		route_emit(c, DPVS_EVENT_OP_ADD, new);
		return 0;
	}
	route_to_wire(old, &was);
	route_to_wire(new, &is);
	if (memcmp(&was, &is, sizeof(is)) != 0)
		route_emit(c, DPVS_EVENT_OP_CHANGE, new);
	return 0;
}

int
route_insert(struct change *c, struct route *r)
{
	int ret;

	r->seq = next_seq++;
	ret = put(c, r);
	if (ret == 0)
		ret = prefix_sync(c, r->prefix);
	if (ret == 0)
		route_emit(c, DPVS_EVENT_OP_ADD, r);
	return ret;
}

int
route_remove(struct change *c, struct route *r)
{
	route_emit(c, DPVS_EVENT_OP_DEL, r);
	take(c, r);
	return prefix_sync(c, r->prefix);
}

int
route_replace(struct change *c, struct route *old, struct route *new)
{
	new->seq = next_seq++;
	return swap(c, old, new);
}

int
route_flush_port(struct change *c, uint8_t af, uint16_t port, bool in_slices)
{
	struct route *r;
	int ret = 0;

	while (ret == 0 && (r = TAILQ_LAST(&family_of(af)->statics[port], route_list)) != NULL) {
		ret = route_remove(c, r);
		if (ret == 0 && in_slices && change_slice_over())
			return CHANGE_MORE;
	}
	return ret;
}

int
route_add_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type,
		 uint16_t port, const union ip_addr *src, struct route **ret_route)
{
	struct route *r = g_new0(struct route, 1);
	int ret;

	r->af = af;
	r->dst = rib_scoped(af, dst, port);
	r->plen = plen;
	r->src = *src;
	r->port = port;
	r->type = type;
	r->proto = DPVS_ROUTE_PROTO_KERNEL;
	r->scope = type == DPVS_ROUTE_LOCAL ? DPVS_SCOPE_HOST : DPVS_SCOPE_LINK;
	ret = route_insert(c, r);
	if (ret == 0)
		*ret_route = r;
	return ret;
}

int
route_del_kernel(struct change *c, struct route *route)
{
	return route_remove(c, route);
}

int
route_show_kernel(struct change *c, struct route *route, bool shown, struct route **ret_route)
{
	struct route *new = g_memdup2(route, sizeof(*route));
	int ret;

	new->hidden = !shown;
	ret = swap(c, route, new);
	if (ret == 0)
		*ret_route = new;
	return ret;
}

/** route_choose: the same route, with the source that is the best one now. */
static int
route_choose(struct change *c, struct route *r)
{
	struct route *new;
	union ip_addr src;

	ifaddr_source(c, r->af, r->port, r->has_via ? &r->via : &r->dst, &src);
	if (!r->src_given && addr_equal(&src, &r->src))
		return 0;
	new = g_memdup2(r, sizeof(*r));
	new->src = src;
	new->src_given = 0;
	return swap(c, r, new);
}

/** source_first: the first of the routes whose source is @addr, or NULL. */
static struct route *
source_first(const struct family *f, const union ip_addr *addr)
{
	struct source key = { .addr = *addr };
	struct source *src = g_hash_table_lookup(f->sources, &key);

	return src != NULL ? TAILQ_FIRST(&src->routes) : NULL;
}

/** source_gone: the routes whose source was @addr. */
static int
source_gone(struct change *c, uint8_t af, const union ip_addr *addr)
{
	struct route *r;
	int ret = 0;

	while (ret == 0 && (r = source_first(family_of(af), addr)) != NULL)
		ret = r->src_given && af == AF_INET ? route_remove(c, r) : route_choose(c, r);
	return ret;
}

/** sourceless_choose: the routes that found none, on any port. */
static int
sourceless_choose(struct change *c, uint8_t af)
{
	static const union ip_addr none;
	struct route *r, *next;
	int ret = 0;

	for (r = source_first(family_of(af), &none); r != NULL && ret == 0; r = next) {
		next = TAILQ_NEXT(r, src_link);
		ret = route_choose(c, r);
	}
	return ret;
}

int
route_addr_changed(struct change *c, uint8_t af, uint16_t port, const union ip_addr *addr, enum route_addr what)
{
	struct route *r, *next;
	int ret;

	if (what == ROUTE_ADDR_GONE)
		return source_gone(c, af, addr);
	ret = sourceless_choose(c, af);
	/* A route that is changed goes to the end of the list, and may be looked at again: for nothing, but once. */
	for (r = TAILQ_FIRST(&family_of(af)->statics[port]); r != NULL && ret == 0; r = next) {
		next = TAILQ_NEXT(r, port_link);
		if (!r->src_given && (what == ROUTE_ADDR_CHANGED ||
				      ifaddr_is_better(af, port, addr, &r->src, r->has_via ? &r->via : &r->dst)))
			ret = route_choose(c, r);
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

		f->prefixes = g_hash_table_new_full(prefix_hash, prefix_equal, g_free, NULL);
		f->sources = g_hash_table_new_full(source_hash, source_equal, g_free, NULL);
		for (unsigned int p = 0; p < NETIF_MAX; p++)
			TAILQ_INIT(&f->statics[p]);
		f->slots = calloc(max, sizeof(*f->slots));
		if (f->slots == NULL)
			return -ENOMEM;
		f->num_slots = max;
		for (uint32_t s = 0; s < max; s++)
			f->slots[s] = max - 1 - s;
	}

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
		while (g_hash_table_iter_next(&iter, &key, NULL)) {
			struct prefix *p = key;
			struct route *r;

			/* No change is under way any more, so nothing is leaving. */
			while ((r = TAILQ_FIRST(&p->routes)) != NULL) {
				TAILQ_REMOVE(&p->routes, r, link);
				g_free(r);
			}
		}
		g_hash_table_destroy(f->prefixes);
		g_hash_table_destroy(f->sources);
		free(f->slots);
		*f = (struct family){ 0 };
	}
}
