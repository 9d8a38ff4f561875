/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an address that comes, changes or goes does to the static routes of operators: they choose their source again,
 * or go (doc/network.md has the rules). There may be very many, so this is left to change_then(): route by route, before the
 * next record.
 */
#include <errno.h>

#include <glib.h>

#include "core/change.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/route_priv.h"
#include "net/route_table.h"

/** enum stage: which routes are looked at. */
enum stage {
	STAGE_FLUSH,  /* it was the last address of the port: all of the port's */
	STAGE_SOURCE, /* those that had the address as their source; when one came: those that have none, of any port */
	STAGE_PORT,   /* when one came or changed: those of the port */
	STAGE_OVER,
};

/** struct work: how far the work for one address is. Only its change moves routes meanwhile. */
struct work {
	union ip_addr addr;
	struct route *next; /**< of the list of this stage */
	struct route *last; /**< where that list ended when the stage began: what is changed goes to its end */
	enum stage stage;
	enum route_addr what;
	uint16_t port;
	uint8_t af;
};

static const union ip_addr none;

static const union ip_addr *
work_source(const struct work *w)
{
	return w->what == ROUTE_ADDR_GONE || w->what == ROUTE_ADDR_LAST ? &w->addr : &none;
}

/** work_list: the routes of the stage of @w, NULL: it has none. */
static const struct route_list *
work_list(const struct work *w)
{
	switch (w->stage) {
	case STAGE_SOURCE:
		return route_list_of_source(w->af, work_source(w));
	case STAGE_PORT:
		if (w->what == ROUTE_ADDR_CAME || w->what == ROUTE_ADDR_CHANGED)
			return route_list_of_port(w->af, w->port);
		return NULL;
	default:
		return NULL;
	}
}

static void
work_begin(struct work *w, enum stage stage)
{
	const struct route_list *list;

	w->stage = stage;
	list = work_list(w);
	w->next = list != NULL ? TAILQ_FIRST(list) : NULL;
	w->last = list != NULL ? TAILQ_LAST(list, route_list) : NULL;
}

/** work_next: the route to be looked at next, NULL: no more in this stage. */
static struct route *
work_next(struct work *w)
{
	struct route *r = w->next;

	if (r == NULL || r == w->last)
		w->next = NULL;
	else
		w->next = w->stage == STAGE_SOURCE ? TAILQ_NEXT(r, src_link) : TAILQ_NEXT(r, port_link);
	return r;
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

static int
work_on(struct change *c, const struct work *w, struct route *r)
{
	if (w->stage == STAGE_SOURCE)
		return r->src_given && r->af == AF_INET ? route_remove(c, r) : route_choose(c, r);
	if (r->src_given)
		return 0;
	if (w->what == ROUTE_ADDR_CHANGED ||
	    ifaddr_is_better(w->af, w->port, &w->addr, &r->src, r->has_via ? &r->via : &r->dst))
		return route_choose(c, r);
	return 0;
}

static int
work_run(struct change *c, void *arg)
{
	struct work *w = arg;
	struct route *r;
	int ret;

	if (w->stage == STAGE_FLUSH) {
		if (w->what == ROUTE_ADDR_LAST) {
			ret = route_flush_port(c, w->af, w->port);
			if (ret != 0)
				return ret;
		}
		work_begin(w, STAGE_SOURCE);
	}
	while (w->stage != STAGE_OVER) {
		r = work_next(w);
		if (r == NULL) {
			work_begin(w, w->stage + 1);
			continue;
		}
		ret = work_on(c, w, r);
		if (ret != 0)
			return ret;
		if (change_slice_over())
			return CHANGE_MORE;
	}
	return 0;
}

int
route_addr_changed(struct change *c, uint8_t af, uint16_t port, const union ip_addr *addr, enum route_addr what)
{
	struct work w = { .addr = *addr, .what = what, .port = port, .af = af };
	struct work *left;

	/* Most have no route that is concerned. */
	if (TAILQ_EMPTY(route_list_of_port(af, port)) && route_list_of_source(af, work_source(&w)) == NULL)
		return 0;
	left = change_then(c, work_run, sizeof(w));
	if (left == NULL)
		return -ENOMEM;
	*left = w;
	return 0;
}
