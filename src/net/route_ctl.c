/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an operator may ask of routes, the same in both families: checks, and lists. The table is in
 * route_table.c; the requests are in route.c and route6.c.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/listing.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/route_priv.h"
#include "net/route_table.h"
#include "net/wire_dev.h"

/** port_from_wire: the port that @dev names; -1: none is named. */
static int
port_from_wire(struct change *c, const char *dev, int *ret_port)
{
	const struct netif *nif;
	int ret = wire_dev_set(c, dev, &nif);

	if (ret == 0)
		*ret_port = nif != NULL ? nif->port : -1;
	return ret;
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
	if (addr_is_loopback(af, &dst))
		return change_error(c, -EINVAL, "loopback addresses are not routed");
	*ret_dst = dst;
	return 0;
}

/** via_check: the gateway of @r must be a neighbour on r->port (-1 in @port: it says which port). */
static int
via_check(struct change *c, struct route *r, int port)
{
	char text[INET6_ADDRSTRLEN];
	const struct route *to;
	union ip_addr scoped;

	addr_text(r->af, &r->via, text);
	if (!addr_is_host(r->af, &r->via))
		return change_error(c, -EINVAL, "%s cannot be a gateway", text);
	if (addr_is_linklocal(r->af, &r->via) && port < 0)
		return change_error(c, -EINVAL, "gateway %s is link-local: name the device", text);

	scoped = rib_scoped(r->af, &r->via, port < 0 ? 0 : (uint16_t)port);
	to = route_find(c, r->af, &scoped);
	if (to != NULL && to->type != DPVS_ROUTE_UNICAST)
		return change_error(c, -EINVAL, "gateway %s is an address of our own", text);
	if (to == NULL || to->has_via || (port >= 0 && to->port != port))
		return change_error(c, -ENETUNREACH, "gateway %s is not on a net of %s", text,
				    port >= 0 ? netif_name((uint16_t)port) : "any device");
	r->port = to->port;
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
		if (!ifaddr_is_listed(af, &r->src))
			return change_error(c, -EINVAL, "source %s is not an address of ours",
					    addr_text(af, &r->src, text));
		r->src_given = 1;
	} else {
		ifaddr_source(c, af, r->port, r->has_via ? &r->via : &r->dst, &r->src);
	}
	return 0;
}

/* Two static routes of one prefix and metric. */
static bool
route_equal(const struct route *a, const struct route *b)
{
	return a->port == b->port && a->mtu == b->mtu && a->scope == b->scope && a->has_via == b->has_via &&
	       addr_equal(&a->via, &b->via) && a->src_given == b->src_given && addr_equal(&a->src, &b->src);
}

static struct route *
first_of(const struct prefix *p)
{
	return p != NULL ? TAILQ_FIRST(&p->routes) : NULL;
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
	for (struct route *old = first_of(p); old != NULL; old = TAILQ_NEXT(old, link)) {
		if (old->metric != new.metric)
			continue;
		addr_text(af, &new.dst, text);
		if (old->proto == DPVS_ROUTE_PROTO_KERNEL)
			return change_error(c, -EEXIST, "%s/%u comes with an address on %s%s", text, new.plen,
					    netif_name(old->port), old->hidden ? " " IFADDR_LINGERS_TEXT : "");
		if ((change_mode(c) & CHANGE_UNCHANGED) != 0 && route_equal(old, &new))
			return 0;
		if (!replace && (change_mode(c) & CHANGE_REPLACE) == 0)
			return change_error(c, -EEXIST, "there is a route to %s/%u with metric %u%s", text,
					    new.plen, new.metric,
					    change_mode(c) != 0 ? ", and it differs" : "");
		return route_replace(c, old, g_memdup2(&new, sizeof(new)));
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
	for (struct route *r = first_of(p); r != NULL; r = TAILQ_NEXT(r, link)) {
		if (!route_matches(r, conf, port))
			continue;
		if (r->proto == DPVS_ROUTE_PROTO_STATIC)
			return route_remove(c, r);
		kernel = kernel || !r->hidden;
	}
	if (kernel)
		return change_error(c, -EPERM, "the route comes with an address; delete the address");
	return change_error(c, -ESRCH, "there is no such route to %s/%u", addr_text(af, &dst, text),
			    conf->plen);
}

int
route_table_flush(struct change *c, uint8_t af, const struct dpvs_route_conf *filter)
{
	int port;
	int ret = port_from_wire(c, filter->dev, &port);

	if (ret == 0 && port >= 0)
		return route_flush_port(c, af, (uint16_t)port);
	for (uint16_t p = 0; p < netif_count() && ret == 0; p++)
		ret = route_flush_port(c, af, p);
	return ret;
}

void
route_to_wire(const struct route *r, struct dpvs_route_conf *ret_conf)
{
	union ip_addr dst = rib_scoped(r->af, &r->dst, 0); /* as an operator knows it */

	*ret_conf = (struct dpvs_route_conf){
		.dst = addr_to_wire(r->af, &dst),
		.plen = r->plen,
		.scope = r->scope,
		.type = r->type,
		.proto = r->proto,
		.mtu = r->mtu,
		.metric = r->metric,
	};
	if (r->has_via)
		ret_conf->via = addr_to_wire(r->af, &r->via);
	if (!addr_is_zero(&r->src))
		ret_conf->src = addr_to_wire(r->af, &r->src);
	g_strlcpy(ret_conf->dev, netif_name(r->port), sizeof(ret_conf->dev));
}

/** struct route_filter: what a list wants. */
struct route_filter {
	uint8_t af;
	int port; /* -1: any */
};

static bool
route_fits(const struct event_node *node, const void *filter)
{
	const struct route *r = event_object(node, struct route, event);
	const struct route_filter *f = filter;

	return !r->hidden && r->af == f->af && (f->port < 0 || r->port == f->port);
}

int
route_table_list(struct dpvs_req *req, uint8_t af, const struct dpvs_route_conf *filter)
{
	const struct listing_type type = {
		.list = route_events[0].list,
		.record = route_events[0].record,
		.fits = route_fits,
	};
	struct route_filter f = { .af = af, .port = -1 };
	const struct netif *nif;
	int ret;

	ret = wire_dev_get(req, filter->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif != NULL)
		f.port = nif->port;
	return listing_answer(req, &type, &f, sizeof(f));
}

int
route_table_get(struct dpvs_req *req, const struct dpvs_route_conf *query)
{
	uint8_t af = query->dst.family;
	const struct route *r;
	const struct netif *nif;
	struct dpvs_route_conf out;
	char text[INET6_ADDRSTRLEN];
	union ip_addr dst;
	union ip_addr scoped;
	int ret;

	if (!addr_from_wire(&query->dst, &dst))
		return dpvs_req_error(req, -EINVAL, "the destination is not an address");
	if (query->plen != 0 && query->plen != addr_bits(af))
		return dpvs_req_error(req, -EINVAL, "a look-up takes an address, not a prefix");
	ret = wire_dev_get(req, query->dev, &nif);
	if (ret != 0)
		return ret;

	scoped = rib_scoped(af, &dst, nif != NULL ? nif->port : 0);
	r = route_find(NULL, af, &scoped);
	if (r == NULL)
		return dpvs_req_error(req, -ENETUNREACH, "no route to %s", addr_text(af, &dst, text));

	nif = netif_get(r->port);
	out = (struct dpvs_route_conf){
		.dst = addr_to_wire(af, &dst),
		.plen = addr_bits(af),
		.type = r->type,
		.mtu = r->mtu,
	};
	if (nif != NULL && (out.mtu == 0 || out.mtu > nif->mtu))
		out.mtu = nif->mtu;
	if (r->has_via)
		out.via = addr_to_wire(af, &r->via);
	if (!addr_is_zero(&r->src))
		out.src = addr_to_wire(af, &r->src);
	g_strlcpy(out.dev, netif_name(r->port), sizeof(out.dev));
	dpvs_req_add(req, &out, sizeof(out));
	return 0;
}

