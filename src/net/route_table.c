/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main lcore's routes. A prefix has a list of routes, the best first: the lowest metric, then local
 * before broadcast before unicast, then the oldest. The best of each prefix is in the workers' ribs (route_rib.c), by
 * commit; main looks up in its table, length by length, as the change in hand or the last commit has it.
 *
 * Room in the workers' ribs is kept by counting: a prefix takes a slot here, before commit, and there
 * are as many slots as every rib can hold.
 */
#include "net/route_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/route.h>

#include "core/change.h"
#include "core/event.h"
#include "net/addr.h"
#include "net/rib.h"
#include "net/route.h"
#include "net/route_priv.h"

/** struct family: the routes of one family. Main lcore only. */
struct family {
	struct htable prefixes; /**< struct prefix */
	uint32_t lengths[129]; /**< prefixes of each length */
	uint32_t *slots;      /**< stack of free slots */
	uint32_t num_slots;
	uint32_t num_routes;
};

static struct family families[2];
static uint64_t next_seq;
static uint32_t routes_max;
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes); /* both families */

static struct family *
family_of(uint8_t af)
{
	return &families[af == AF_INET6];
}

const struct htable *
route_prefixes(uint8_t af)
{
	return &family_of(af)->prefixes;
}

struct prefix *
prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	uint32_t hash = addr_hash(plen, dst);

	for (struct htable_node *n = htable_first(&family_of(af)->prefixes, hash); n != NULL; n = n->next) {
		struct prefix *p = htable_object(n, struct prefix, node);

		if (n->hash == hash && p->plen == plen && addr_equal(&p->dst, dst))
			return p;
	}
	return NULL;
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
	return prefix_set(p) ? route_publish(c, p) : 0;
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
	htable_add(&family_of(af)->prefixes, &p->node, addr_hash(plen, dst));
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
	htable_remove(&f->prefixes, &p->node);
	g_free(p);
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
		route_static_attach(r);
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
		route_static_detach(r);
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

int
route_swap(struct change *c, struct route *old, struct route *new)
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
	return route_swap(c, old, new);
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
	ret = route_swap(c, route, new);
	if (ret == 0)
		*ret_route = new;
	return ret;
}

const struct module_event route_events[] = {
	{ .kind = DPVS_EVENT_ROUTE, .list = &nodes, .record = route_record },
	{ 0 },
};

int
route_table_init(uint32_t max)
{
	int err = route_statics_init(max);

	routes_max = max;
	for (unsigned int i = 0; err == 0 && i < G_N_ELEMENTS(families); i++) {
		struct family *f = &families[i];

		err = htable_init(&f->prefixes, max);
		if (err != 0)
			break;
		f->slots = calloc(max, sizeof(*f->slots));
		if (f->slots == NULL)
			return -ENOMEM;
		f->num_slots = max;
		for (uint32_t s = 0; s < max; s++)
			f->slots[s] = max - 1 - s;
	}
	return err == 0 ? route_ribs_init(max) : err;
}

void
route_table_fini(void)
{
	route_ribs_fini();
	for (unsigned int i = 0; i < G_N_ELEMENTS(families); i++) {
		struct family *f = &families[i];
		struct htable_iter iter = { 0 };
		struct htable_node *n;

		while ((n = htable_next(&f->prefixes, &iter)) != NULL) {
			struct prefix *p = htable_object(n, struct prefix, node);
			struct route *r;

			/* No change is under way any more, so nothing is leaving. */
			while ((r = TAILQ_FIRST(&p->routes)) != NULL) {
				TAILQ_REMOVE(&p->routes, r, link);
				g_free(r);
			}
			g_free(p);
		}
		htable_fini(&f->prefixes);
		free(f->slots);
		*f = (struct family){ 0 };
	}
	route_statics_fini();
}
