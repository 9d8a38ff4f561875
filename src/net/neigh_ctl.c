/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of the family `neigh`: SET 601, 602, 8610, GET 600. The table is in neigh.c.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>
#include <rte_ether.h>

#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/listing.h"
#include "module.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/neigh_table.h"
#include "net/netif.h"
#include "net/wire_dev.h"

static int
neigh_ctl_key(struct change *c, const struct dpvs_neigh_conf *conf, struct neigh_key *ret_key)
{
	const struct netif *nif;
	union ip_addr addr;
	int ret;

	ret = wire_dev_set(c, conf->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif == NULL)
		return change_error(c, -EINVAL, "say which device");
	if (!addr_from_wire(&conf->addr, &addr) || !addr_is_host(conf->addr.family, &addr))
		return change_error(c, -EINVAL, "not an address that a neighbour can have");
	*ret_key = (struct neigh_key){ .addr = addr, .port = nif->port, .af = conf->addr.family };
	return 0;
}

static int
neigh_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_neigh_conf *conf = record;
	const struct rte_ether_addr *mac = (const struct rte_ether_addr *)conf->mac;
	char text[INET6_ADDRSTRLEN];
	struct neigh_key key;
	struct neigh *old;
	int ret;

	ret = neigh_ctl_key(c, conf, &key);
	if (ret != 0)
		return ret;
	if (!rte_is_valid_assigned_ether_addr(mac))
		return change_error(c, -EINVAL, "not the MAC address of one station");
	if (conf->flags & ~DPVS_NEIGH_REPLACE)
		return change_error(c, -EINVAL, "unknown flags 0x%x", conf->flags);
	addr_text(key.af, &key.addr, text);
	if (ifaddr_port_of(c, key.af, &key.addr) == key.port)
		return change_error(c, -EINVAL, "%s is an address of our own", text);

	old = g_hash_table_lookup(neigh_all(), &key);
	if (old != NULL && (change_mode(c) & CHANGE_UNCHANGED) != 0 && old->state == DPVS_NEIGH_PERMANENT &&
	    memcmp(old->mac, conf->mac, sizeof(old->mac)) == 0)
		return 0;
	/* A failed or incomplete entry is a question, not an entry. */
	if (old != NULL && old->index != NEIGH_NONE && !(conf->flags & DPVS_NEIGH_REPLACE) &&
	    (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "there is an entry for %s on %s%s", text, conf->dev,
				    change_mode(c) != 0 ? ", and it differs" : "");
	return neigh_set_permanent(c, &key, conf->mac);
}

static int
neigh_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_neigh_conf *conf = record;
	char text[INET6_ADDRSTRLEN];
	struct neigh_key key;
	struct neigh *n;
	int ret;

	ret = neigh_ctl_key(c, conf, &key);
	if (ret != 0)
		return ret;
	n = g_hash_table_lookup(neigh_all(), &key);
	if (n == NULL)
		return change_error(c, -ENOENT, "there is no entry for %s on %s",
				    addr_text(key.af, &key.addr, text), conf->dev);
	return neigh_remove(c, n);
}

/* Entries that go before others have their turn. */
#define FLUSH_PART 256

static int
neigh_ctl_flush(struct change *c, const void *record)
{
	const struct dpvs_neigh_conf *filter = record;
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	const struct netif *nif;
	GHashTableIter iter;
	gpointer value;
	int ret;

	ret = wire_dev_set(c, filter->dev, &nif);
	if (ret != 0)
		return ret;
	g_hash_table_iter_init(&iter, neigh_all());
	while (list->len < FLUSH_PART && g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct neigh *n = value;

		if (n->state != DPVS_NEIGH_PERMANENT && (nif == NULL || n->key.port == nif->port) &&
		    (filter->addr.family == 0 || filter->addr.family == n->key.af))
			g_ptr_array_add(list, value);
	}
	for (guint i = 0; i < list->len && ret == 0; i++)
		ret = neigh_remove(c, list->pdata[i]);
	return ret == 0 && list->len == FLUSH_PART ? CHANGE_MORE : ret;
}

void
neigh_to_wire(const struct neigh *n, struct dpvs_neigh_conf *ret_conf)
{
	*ret_conf = (struct dpvs_neigh_conf){
		.addr = addr_to_wire(n->key.af, &n->key.addr),
		.state = n->state,
	};
	if (n->index != NEIGH_NONE)
		memcpy(ret_conf->mac, n->mac, sizeof(ret_conf->mac));
	g_strlcpy(ret_conf->dev, netif_name(n->key.port), sizeof(ret_conf->dev));
}

/** struct neigh_filter: what a list wants. */
struct neigh_filter {
	union ip_addr addr; /* zero: any */
	uint8_t af;         /* 0: any */
	int port;           /* -1: any */
};

static bool
neigh_fits(const struct event_node *node, const void *filter)
{
	const struct neigh *n = event_object(node, struct neigh, event);
	const struct neigh_filter *f = filter;

	return (f->port < 0 || n->key.port == f->port) && (f->af == 0 || n->key.af == f->af) &&
	       (addr_is_zero(&f->addr) || addr_equal(&f->addr, &n->key.addr));
}

static int
neigh_ctl_list(struct dpvs_req *req, const void *record)
{
	const struct dpvs_neigh_conf *conf = record;
	const struct listing_type type = {
		.list = neigh_events[0].list,
		.record = neigh_events[0].record,
		.fits = neigh_fits,
		.moves = neigh_moves,
	};
	struct neigh_filter f = { .af = conf->addr.family, .port = -1 };
	const struct netif *nif;
	int ret;

	ret = wire_dev_get(req, conf->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif != NULL)
		f.port = nif->port;
	if (conf->addr.family != 0 && !addr_from_wire(&conf->addr, &f.addr))
		return dpvs_req_error(req, -EINVAL, "not an IPv4 or IPv6 address");
	return listing_answer(req, &type, &f, sizeof(f));
}

const struct module_sockopt neigh_sockopts[] = {
	{
		.name = "neigh-add",
		.id = DPVS_SET_NEIGH_ADD,
		.record_size = sizeof(struct dpvs_neigh_conf),
		.need_record = true,
		.set = neigh_ctl_add,
	},
	{
		.name = "neigh-del",
		.id = DPVS_SET_NEIGH_DEL,
		.record_size = sizeof(struct dpvs_neigh_conf),
		.need_record = true,
		.set = neigh_ctl_del,
	},
	{
		.name = "neigh-flush",
		.id = DPVS_SET_NEIGH_FLUSH,
		.record_size = sizeof(struct dpvs_neigh_conf),
		.set = neigh_ctl_flush,
	},
	{
		.name = "neigh-list",
		.id = DPVS_GET_NEIGHS,
		.record_size = sizeof(struct dpvs_neigh_conf),
		.get = neigh_ctl_list,
	},
	{
		.name = "neigh-replicas",
		.id = DPVS_GET_NEIGH_REPLICAS,
		.record_size = sizeof(struct dpvs_neigh_conf),
		.get = neigh_ctl_replicas,
	},
	{ 0 },
};
