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

#include <glib.h>
#include <rte_lcore.h>
#include <rte_memory.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/lcore.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/route.h"

/** struct prefix: key of the hash tables, and the routes that share it. Addresses are scoped (rib.h). */
struct prefix {
	union ip_addr dst;
	uint8_t af;
	uint8_t plen;
	uint16_t in_rib;        /**< info is what ribs have or get with the change under way */
	uint32_t slot;
	struct route_info info;
	GPtrArray *routes;      /**< struct route, best first */
};

/** struct route: one route. */
struct route {
	struct prefix *prefix;  /**< NULL while out of the table */
	union ip_addr dst;
	union ip_addr via;
	union ip_addr src;      /**< zero: none */
	uint64_t seq;           /**< order of arrival */
	uint32_t metric;
	uint16_t port;
	uint16_t mtu;           /**< 0: the port's */
	uint8_t af;
	uint8_t plen;
	uint8_t type;
	uint8_t proto;
	uint8_t scope;
	uint8_t has_via;
	uint8_t src_given;      /**< by the operator */
};

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

/* Index WORKERS_MAX is main's. Main: rw at init and fini; a worker: its own. */
static struct rib *ribs[WORKERS_MAX + 1];

RTE_DEFINE_PER_LCORE(uint32_t, net_generation_count);

static struct family *
family_of(uint8_t af)
{
	return &families[af == AF_INET6];
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

static struct prefix *
prefix_find(uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	struct prefix key = { .dst = *dst, .af = af, .plen = plen };

	return g_hash_table_lookup(family_of(af)->prefixes, &key);
}

static gint
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

/** route_insert: @r, from the heap, into the table; it is the table's from here on. */
static int
route_insert(struct change *c, struct route *r)
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
route_remove(struct change *c, struct route *r)
{
	int ret = route_detach(c, r);

	change_undo(c, route_undo_remove, r);
	change_done(c, g_free, r);
	return ret;
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

int
route_del_kernel(struct change *c, uint8_t af, const union ip_addr *dst, uint8_t plen, uint8_t type,
		 uint16_t port, const union ip_addr *src)
{
	union ip_addr scoped = rib_scoped(af, dst, port);
	struct prefix *p = prefix_find(af, &scoped, plen);

	for (guint i = 0; p != NULL && i < p->routes->len; i++) {
		struct route *r = p->routes->pdata[i];

		if (r->proto == DPVS_ROUTE_PROTO_KERNEL && r->type == type && r->port == port &&
		    addr_equal(&r->src, src))
			return route_remove(c, r);
	}
	return change_error(c, -ESRCH, "the address has no route");
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
		change_undo(c, route_undo_src, u);
		change_done(c, g_free, u);
		ret = prefix_sync(c, r->prefix);
	}
	return ret;
}

/** port_from_wire: the port that @dev names; -1: none is named. */
static int
port_from_wire(struct change *c, const char *dev, int *ret_port)
{
	const struct netif *nif;

	if (memchr(dev, '\0', DPVS_IFNAME_SIZE) == NULL)
		return change_error(c, -EINVAL, "the name of the device has no end");
	if (dev[0] == '\0') {
		*ret_port = -1;
		return 0;
	}
	nif = netif_by_name(dev);
	if (nif == NULL)
		return change_error(c, -ENODEV, "there is no device \"%s\"", dev);
	*ret_port = nif->port;
	return 0;
}

/** dst_from_wire: checks family, length and host bits of a destination. */
static int
dst_from_wire(struct change *c, uint8_t af, const struct dpvs_route_conf *conf, union ip_addr *ret_dst)
{
	char text[INET6_ADDRSTRLEN];
	union ip_addr dst;
	union ip_addr masked;

	if (conf->dst.family != af || !addr_from_wire(&conf->dst, &dst))
		return change_error(c, -EINVAL, "the destination is not an %s address",
				    af == AF_INET ? "IPv4" : "IPv6");
	if (conf->plen > addr_bits(af))
		return change_error(c, -EINVAL, "prefix length %u is more than %u", conf->plen,
				    addr_bits(af));
	masked = addr_masked(af, &dst, conf->plen);
	if (!addr_equal(&masked, &dst))
		return change_error(c, -EINVAL, "the destination has bits behind its prefix; use %s/%u",
				    addr_text(af, &masked, text), conf->plen);
	if (addr_is_multicast(af, &dst) && conf->plen > 0)
		return change_error(c, -EINVAL, "multicast is not routed");
	*ret_dst = dst;
	return 0;
}

/** via_check: the gateway of @r must be a neighbour on r->port (-1 in @port: it says which port). */
static int
via_check(struct change *c, struct route *r, int port)
{
	char text[INET6_ADDRSTRLEN];
	const struct route_info *info;
	union ip_addr scoped;

	addr_text(r->af, &r->via, text);
	if (!addr_is_host(r->af, &r->via))
		return change_error(c, -EINVAL, "%s cannot be a gateway", text);
	if (addr_is_linklocal(r->af, &r->via) && port < 0)
		return change_error(c, -EINVAL, "gateway %s is link-local: name the device", text);

	scoped = rib_scoped(r->af, &r->via, port < 0 ? 0 : (uint16_t)port);
	info = rib_lookup(ribs[WORKERS_MAX], r->af, &scoped);
	if (info != NULL && info->type != DPVS_ROUTE_UNICAST)
		return change_error(c, -EINVAL, "gateway %s is an address of our own", text);
	if (info == NULL || info->has_via || (port >= 0 && info->port != port))
		return change_error(c, -ENETUNREACH, "gateway %s is not on a net of %s", text,
				    port >= 0 ? netif_name((uint16_t)port) : "any device");
	r->port = info->port;
	return 0;
}

/** route_from_wire: fills @r from a record that an operator sent. */
static int
route_from_wire(struct change *c, uint8_t af, const struct dpvs_route_conf *conf, struct route *r)
{
	uint32_t mtu_min = af == AF_INET ? 68 : 1280; /* RFC 791, RFC 8200 */
	char text[INET6_ADDRSTRLEN];
	int port;
	int ret;

	ret = port_from_wire(c, conf->dev, &port);
	if (ret == 0)
		ret = dst_from_wire(c, af, conf, &r->dst);
	if (ret != 0)
		return ret;
	if (conf->type != 0 && conf->type != DPVS_ROUTE_UNICAST)
		return change_error(c, -EINVAL,
				    "only unicast routes can be added; addresses bring local ones");
	if (conf->scope != DPVS_SCOPE_GLOBAL && conf->scope != DPVS_SCOPE_SITE &&
	    conf->scope != DPVS_SCOPE_LINK && conf->scope != DPVS_SCOPE_HOST)
		return change_error(c, -EINVAL, "unknown scope %u", conf->scope);
	if (conf->mtu != 0 && (conf->mtu < mtu_min || conf->mtu > UINT16_MAX))
		return change_error(c, -EINVAL, "mtu %u is not in %u to %u", conf->mtu, mtu_min,
				    UINT16_MAX);
	if (addr_is_linklocal(af, &r->dst))
		return change_error(c, -EINVAL, "link-local destinations are not routed");

	r->af = af;
	r->plen = conf->plen;
	r->type = DPVS_ROUTE_UNICAST;
	r->proto = DPVS_ROUTE_PROTO_STATIC;
	r->mtu = (uint16_t)conf->mtu;
	r->metric = conf->metric;
	r->scope = conf->scope;

	if (conf->via.family != 0) {
		if (conf->via.family != af || !addr_from_wire(&conf->via, &r->via))
			return change_error(c, -EINVAL, "gateway and destination are of two families");
		r->has_via = 1;
		ret = via_check(c, r, port);
		if (ret != 0)
			return ret;
	} else if (port < 0) {
		return change_error(c, -EINVAL, "say which device or which gateway");
	} else {
		r->port = (uint16_t)port;
		if (af == AF_INET && r->scope == DPVS_SCOPE_GLOBAL)
			r->scope = DPVS_SCOPE_LINK;
	}

	if (conf->src.family != 0) {
		if (conf->src.family != af || !addr_from_wire(&conf->src, &r->src))
			return change_error(c, -EINVAL, "source and destination are of two families");
		if (ifaddr_port_of(af, &r->src) < 0)
			return change_error(c, -EINVAL, "source %s is not an address of ours",
					    addr_text(af, &r->src, text));
		r->src_given = 1;
	} else {
		ifaddr_source(af, r->port, r->has_via ? &r->via : &r->dst, &r->src);
	}
	return 0;
}

int
route_table_add(struct change *c, uint8_t af, const struct dpvs_route_conf *conf, int replace)
{
	char text[INET6_ADDRSTRLEN];
	struct route new = { 0 };
	struct prefix *p;
	int ret;

	ret = route_from_wire(c, af, conf, &new);
	if (ret != 0)
		return ret;

	p = prefix_find(af, &new.dst, new.plen);
	for (guint i = 0; p != NULL && i < p->routes->len; i++) {
		struct route *old = p->routes->pdata[i];

		if (old->metric != new.metric)
			continue;
		addr_text(af, &new.dst, text);
		if (old->proto == DPVS_ROUTE_PROTO_KERNEL)
			return change_error(c, -EEXIST, "%s/%u comes with an address on %s", text,
					    new.plen, netif_name(old->port));
		if (!replace)
			return change_error(c, -EEXIST, "there is a route to %s/%u with metric %u", text,
					    new.plen, new.metric);
		ret = route_remove(c, old);
		if (ret != 0)
			return ret;
		break;
	}
	return route_insert(c, g_memdup2(&new, sizeof(new)));
}

/** route_matches: does an operator who wrote @conf mean @r? What was not given matches all. */
static bool
route_matches(const struct route *r, const struct dpvs_route_conf *conf, int port)
{
	union ip_addr via;

	if (port >= 0 && r->port != port)
		return false;
	if (conf->metric != 0 && r->metric != conf->metric)
		return false;
	if (conf->via.family != 0 && (!addr_from_wire(&conf->via, &via) || conf->via.family != r->af ||
				      !r->has_via || !addr_equal(&via, &r->via)))
		return false;
	return true;
}

int
route_table_del(struct change *c, uint8_t af, const struct dpvs_route_conf *conf)
{
	char text[INET6_ADDRSTRLEN];
	bool kernel = false;
	struct prefix *p;
	union ip_addr dst;
	int port;
	int ret;

	ret = port_from_wire(c, conf->dev, &port);
	if (ret == 0)
		ret = dst_from_wire(c, af, conf, &dst);
	if (ret != 0)
		return ret;

	p = prefix_find(af, &dst, conf->plen);
	for (guint i = 0; p != NULL && i < p->routes->len; i++) {
		struct route *r = p->routes->pdata[i];

		if (!route_matches(r, conf, port))
			continue;
		if (r->proto == DPVS_ROUTE_PROTO_STATIC)
			return route_remove(c, r);
		kernel = true;
	}
	if (kernel)
		return change_error(c, -EPERM, "the route comes with an address; delete the address");
	return change_error(c, -ESRCH, "there is no such route to %s/%u", addr_text(af, &dst, text),
			    conf->plen);
}

int
route_table_flush(struct change *c, uint8_t af, const struct dpvs_route_conf *filter)
{
	GPtrArray *statics = family_of(af)->statics;
	int port;
	int ret;

	ret = port_from_wire(c, filter->dev, &port);
	for (guint i = statics->len; i-- > 0 && ret == 0;) {
		struct route *r = statics->pdata[i];

		if (port < 0 || r->port == port)
			ret = route_remove(c, r);
	}
	return ret;
}

/** route_unscoped: what an operator knows as @dst. */
static union ip_addr
route_unscoped(uint8_t af, const union ip_addr *dst)
{
	return rib_scoped(af, dst, 0);
}

static gint
list_compare(gconstpointer a, gconstpointer b)
{
	const struct route *r = *(struct route *const *)a;
	const struct route *s = *(struct route *const *)b;
	int d = memcmp(&r->dst, &s->dst, sizeof(r->dst));

	if (d != 0)
		return d;
	if (r->plen != s->plen)
		return r->plen - s->plen;
	return route_compare(a, b);
}

int
route_table_list(struct dpvs_req *req, uint8_t af, const struct dpvs_route_conf *filter)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	const struct netif *nif = NULL;
	GHashTableIter iter;
	gpointer key;

	if (memchr(filter->dev, '\0', DPVS_IFNAME_SIZE) == NULL)
		return dpvs_req_error(req, -EINVAL, "the name of the device has no end");
	if (filter->dev[0] != '\0') {
		nif = netif_by_name(filter->dev);
		if (nif == NULL)
			return dpvs_req_error(req, -ENODEV, "there is no device \"%s\"", filter->dev);
	}

	g_hash_table_iter_init(&iter, family_of(af)->prefixes);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		struct prefix *p = key;

		for (guint i = 0; i < p->routes->len; i++)
			g_ptr_array_add(list, p->routes->pdata[i]);
	}
	g_ptr_array_sort(list, list_compare);

	for (guint i = 0; i < list->len; i++) {
		const struct route *r = list->pdata[i];
		union ip_addr dst = route_unscoped(af, &r->dst);
		struct dpvs_route_conf out = {
			.dst = addr_to_wire(af, &dst),
			.plen = r->plen,
			.scope = r->scope,
			.type = r->type,
			.proto = r->proto,
			.mtu = r->mtu,
			.metric = r->metric,
		};

		if (nif != NULL && r->port != nif->port)
			continue;
		if (r->has_via)
			out.via = addr_to_wire(af, &r->via);
		if (!addr_is_zero(&r->src))
			out.src = addr_to_wire(af, &r->src);
		g_strlcpy(out.dev, netif_name(r->port), sizeof(out.dev));
		dpvs_req_add(req, &out, sizeof(out));
	}
	return 0;
}

int
route_table_get(struct dpvs_req *req, const struct dpvs_route_conf *query)
{
	uint8_t af = query->dst.family;
	const struct route_info *info;
	const struct netif *nif = NULL;
	struct dpvs_route_conf out;
	char text[INET6_ADDRSTRLEN];
	union ip_addr dst;
	union ip_addr scoped;

	if (!addr_from_wire(&query->dst, &dst))
		return dpvs_req_error(req, -EINVAL, "the destination is not an address");
	if (query->plen != 0 && query->plen != addr_bits(af))
		return dpvs_req_error(req, -EINVAL, "a look-up takes an address, not a prefix");
	if (memchr(query->dev, '\0', DPVS_IFNAME_SIZE) == NULL)
		return dpvs_req_error(req, -EINVAL, "the name of the device has no end");
	if (query->dev[0] != '\0') {
		nif = netif_by_name(query->dev);
		if (nif == NULL)
			return dpvs_req_error(req, -ENODEV, "there is no device \"%s\"", query->dev);
	}

	scoped = rib_scoped(af, &dst, nif != NULL ? nif->port : 0);
	info = rib_lookup(ribs[WORKERS_MAX], af, &scoped);
	if (info == NULL)
		return dpvs_req_error(req, -ENETUNREACH, "no route to %s", addr_text(af, &dst, text));

	nif = netif_get(info->port);
	out = (struct dpvs_route_conf){
		.dst = addr_to_wire(af, &dst),
		.plen = addr_bits(af),
		.type = info->type,
		.mtu = info->mtu,
	};
	if (nif != NULL && (out.mtu == 0 || out.mtu > nif->mtu))
		out.mtu = nif->mtu;
	if (info->has_via)
		out.via = addr_to_wire(af, &info->via);
	if (!addr_is_zero(&info->src))
		out.src = addr_to_wire(af, &info->src);
	g_strlcpy(out.dev, netif_name(info->port), sizeof(out.dev));
	dpvs_req_add(req, &out, sizeof(out));
	return 0;
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
