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
	struct source key = { .addr = *addr };
	const struct source *src = g_hash_table_lookup(statics_of(af)->sources, &key);

	return src != NULL ? &src->routes : NULL;
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
