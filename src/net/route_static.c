/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static routes, which are those of operators, by their port and by their source address: a route that was given no
 * source has the best address of its port, chosen anew when addresses come and go.
 */
#include <sys/socket.h>

#include <glib.h>

#include "core/change.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/netif.h"
#include "net/route_priv.h"
#include "net/route_table.h"

/** struct source: static routes that have the same source; zero: none. */
struct source {
	union ip_addr addr;
	struct route_list routes;
};

/** struct statics: the static routes of one family. */
struct statics {
	GHashTable *sources; /**< set of struct source */
	struct route_list by_port[NETIF_MAX];
};

static struct statics statics[2];

static struct statics *
statics_of(uint8_t af)
{
	return &statics[af == AF_INET6];
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

void
route_static_attach(struct route *r)
{
	struct statics *st = statics_of(r->af);
	struct source key = { .addr = r->src };
	struct source *src = g_hash_table_lookup(st->sources, &key);

	if (src == NULL) {
		src = g_new0(struct source, 1);
		src->addr = r->src;
		TAILQ_INIT(&src->routes);
		g_hash_table_add(st->sources, src);
	}
	TAILQ_INSERT_TAIL(&src->routes, r, src_link);
	TAILQ_INSERT_TAIL(&st->by_port[r->port], r, port_link);
}

void
route_static_detach(struct route *r)
{
	struct statics *st = statics_of(r->af);
	struct source key = { .addr = r->src };
	struct source *src = g_hash_table_lookup(st->sources, &key);

	TAILQ_REMOVE(&src->routes, r, src_link);
	if (TAILQ_EMPTY(&src->routes))
		g_hash_table_remove(st->sources, src);
	TAILQ_REMOVE(&st->by_port[r->port], r, port_link);
}

int
route_flush_port(struct change *c, uint8_t af, uint16_t port, bool in_slices)
{
	struct route *r;
	int ret = 0;

	while (ret == 0 && (r = TAILQ_LAST(&statics_of(af)->by_port[port], route_list)) != NULL) {
		ret = route_remove(c, r);
		if (ret == 0 && in_slices && change_slice_over())
			return CHANGE_MORE;
	}
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
	return route_swap(c, r, new);
}

/** source_first: the first of the routes whose source is @addr, or NULL. */
static struct route *
source_first(const struct statics *st, const union ip_addr *addr)
{
	struct source key = { .addr = *addr };
	struct source *src = g_hash_table_lookup(st->sources, &key);

	return src != NULL ? TAILQ_FIRST(&src->routes) : NULL;
}

/** source_gone: the routes whose source was @addr. */
static int
source_gone(struct change *c, uint8_t af, const union ip_addr *addr)
{
	struct route *r;
	int ret = 0;

	while (ret == 0 && (r = source_first(statics_of(af), addr)) != NULL)
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

	for (r = source_first(statics_of(af), &none); r != NULL && ret == 0; r = next) {
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
	for (r = TAILQ_FIRST(&statics_of(af)->by_port[port]); r != NULL && ret == 0; r = next) {
		next = TAILQ_NEXT(r, port_link);
		if (!r->src_given && (what == ROUTE_ADDR_CHANGED ||
				      ifaddr_is_better(af, port, addr, &r->src, r->has_via ? &r->via : &r->dst)))
			ret = route_choose(c, r);
	}
	return ret;
}

void
route_statics_init(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(statics); i++) {
		statics[i].sources = g_hash_table_new_full(source_hash, source_equal, g_free, NULL);
		for (unsigned int p = 0; p < NETIF_MAX; p++)
			TAILQ_INIT(&statics[i].by_port[p]);
	}
}

void
route_statics_fini(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(statics); i++)
		g_clear_pointer(&statics[i].sources, g_hash_table_destroy);
}
