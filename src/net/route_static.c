/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static routes, which are those of operators, by their port and by their source address: for what becomes of them when
 * addresses come and go (route_addr.c).
 */
#include <sys/socket.h>

#include <glib.h>

#include "core/change.h"
#include "net/addr.h"
#include "net/netif.h"
#include "net/route_priv.h"
#include "net/route_table.h"

/** struct source: static routes that have the same source; zero: none. */
struct source {
	struct htable_node node;
	union ip_addr addr;
	struct route_list routes;
};

/** struct statics: the static routes of one family. */
struct statics {
	struct htable sources; /**< struct source */
	struct route_list by_port[NETIF_MAX];
};

static struct statics statics[2];

static struct statics *
statics_of(uint8_t af)
{
	return &statics[af == AF_INET6];
}

static struct source *
source_find(const struct statics *st, const union ip_addr *addr)
{
	uint32_t hash = addr_hash(0, addr);

	for (struct htable_node *n = htable_first(&st->sources, hash); n != NULL; n = n->next) {
		struct source *src = htable_object(n, struct source, node);

		if (n->hash == hash && addr_equal(&src->addr, addr))
			return src;
	}
	return NULL;
}

void
route_static_attach(struct route *r)
{
	struct statics *st = statics_of(r->af);
	struct source *src = source_find(st, &r->src);

	if (src == NULL) {
		src = g_new0(struct source, 1);
		src->addr = r->src;
		TAILQ_INIT(&src->routes);
		htable_add(&st->sources, &src->node, addr_hash(0, &src->addr));
	}
	TAILQ_INSERT_TAIL(&src->routes, r, src_link);
	TAILQ_INSERT_TAIL(&st->by_port[r->port], r, port_link);
}

void
route_static_detach(struct route *r)
{
	struct statics *st = statics_of(r->af);
	struct source *src = source_find(st, &r->src);

	TAILQ_REMOVE(&src->routes, r, src_link);
	if (TAILQ_EMPTY(&src->routes)) {
		htable_remove(&st->sources, &src->node);
		g_free(src);
	}
	TAILQ_REMOVE(&st->by_port[r->port], r, port_link);
}

int
route_flush_port(struct change *c, uint8_t af, uint16_t port)
{
	struct route *r;
	int ret = 0;

	while (ret == 0 && (r = TAILQ_LAST(&statics_of(af)->by_port[port], route_list)) != NULL) {
		ret = route_remove(c, r);
		if (ret == 0 && change_slice_over())
			return CHANGE_MORE;
	}
	return ret;
}

const struct route_list *
route_list_of_port(uint8_t af, uint16_t port)
{
	return &statics_of(af)->by_port[port];
}

const struct route_list *
route_list_of_source(uint8_t af, const union ip_addr *addr)
{
	const struct source *src = source_find(statics_of(af), addr);

	return src != NULL ? &src->routes : NULL;
}

int
route_statics_init(uint32_t max)
{
	int err = 0;

	for (unsigned int i = 0; err == 0 && i < G_N_ELEMENTS(statics); i++) {
		err = htable_init(&statics[i].sources, max);
		for (unsigned int p = 0; p < NETIF_MAX; p++)
			TAILQ_INIT(&statics[i].by_port[p]);
	}
	return err;
}

void
route_statics_fini(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(statics); i++) {
		struct htable_iter iter = { 0 };
		struct htable_node *n;

		while ((n = htable_next(&statics[i].sources, &iter)) != NULL)
			g_free(htable_object(n, struct source, node));
		htable_fini(&statics[i].sources);
	}
}
