/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of the family `ifaddr`: SET 400 to 403, GET 404. What they check, and what they list; the
 * table is in ifaddr.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/listing.h"
#include "module.h"
#include "net/addr.h"
#include "net/ifaddr_priv.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/wire_dev.h"

/** ifaddr_check_ip4: what only IPv4 has: net and broadcast addresses. */
static int
ifaddr_check_ip4(struct change *c, const struct dpvs_addr_conf *conf, struct ifaddr *a)
{
	uint32_t mask = a->plen < 32 ? UINT32_MAX >> a->plen : 0;
	uint32_t ip = rte_be_to_cpu_32(a->addr.ip4);
	union ip_addr net = addr_masked(AF_INET, &a->addr, a->plen);
	char text[INET6_ADDRSTRLEN];

	addr_text(AF_INET, &a->addr, text);
	if (a->plen <= 30) {
		if ((ip & mask) == 0)
			return change_error(c, -EINVAL, "%s is the address of its own net %s/%u", text,
					    text, a->plen);
		if ((ip & mask) == mask)
			return change_error(c, -EINVAL, "%s is the broadcast address of its own net",
					    text);
		a->broadcast = addr_from4(rte_cpu_to_be_32(ip | mask));
	}
	if (conf->broadcast.family == 0)
		return 0;

	union ip_addr bcast;

	if (conf->broadcast.family != AF_INET || !addr_from_wire(&conf->broadcast, &bcast))
		return change_error(c, -EINVAL, "the broadcast address is not an IPv4 address");
	if (a->plen > 30 || !addr_in_prefix(AF_INET, &bcast, &net, a->plen) ||
	    addr_equal(&bcast, &a->addr))
		return change_error(c, -EINVAL, "the broadcast address is not in the net of %s/%u", text,
				    a->plen);
	a->broadcast = bcast;
	return 0;
}

/** ifaddr_from_wire: fills @a from a record that an operator sent. */
static int
ifaddr_from_wire(struct change *c, const struct dpvs_addr_conf *conf, struct ifaddr *a)
{
	int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;
	char text[INET6_ADDRSTRLEN];
	const struct netif *nif;
	uint32_t valid;
	uint32_t preferred;
	int ret;

	ret = wire_dev_set(c, conf->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif == NULL)
		return change_error(c, -EINVAL, "say which device");
	if (!addr_from_wire(&conf->addr, &a->addr))
		return change_error(c, -EINVAL, "not an IPv4 or IPv6 address");

	a->af = conf->addr.family;
	a->port = nif->port;
	a->plen = conf->plen;
	a->scope = conf->scope;
	a->given = 1;
	a->key = rib_scoped(a->af, &a->addr, a->port);
	addr_text(a->af, &a->addr, text);

	if (!addr_is_host(a->af, &a->addr))
		return change_error(c, -EINVAL, "%s is not a unicast address that a port can have", text);
	if (a->plen == 0 || a->plen > addr_bits(a->af))
		return change_error(c, -EINVAL, "prefix length %u is not in 1 to %u", a->plen,
				    addr_bits(a->af));
	if (a->scope != DPVS_SCOPE_GLOBAL && a->scope != DPVS_SCOPE_SITE &&
	    a->scope != DPVS_SCOPE_LINK && a->scope != DPVS_SCOPE_HOST)
		return change_error(c, -EINVAL, "unknown scope %u", a->scope);
	if (addr_is_linklocal(a->af, &a->addr)) {
		a->scope = DPVS_SCOPE_LINK;
		if (a->plen < 64)
			return change_error(c, -EINVAL, "a link-local address has a /64 (RFC 4291 2.5.6)");
	}

	if (a->af == AF_INET) {
		ret = ifaddr_check_ip4(c, conf, a);
		if (ret != 0)
			return ret;
	} else if (conf->broadcast.family != 0) {
		return change_error(c, -EINVAL, "IPv6 has no broadcast");
	}

	valid = conf->valid_lft_s != 0 ? conf->valid_lft_s : DPVS_LFT_FOREVER;
	preferred = conf->preferred_lft_s;
	if (preferred == 0 || preferred == DPVS_LFT_FOREVER)
		preferred = valid;
	if (preferred > valid)
		return change_error(c, -EINVAL, "preferred_lft is longer than valid_lft");
	a->valid_until = valid == DPVS_LFT_FOREVER ? IFADDR_FOREVER : now + valid;
	a->preferred_until = preferred == DPVS_LFT_FOREVER ? IFADDR_FOREVER : now + preferred;
	return 0;
}

/* Is what an operator gave the same? A lifetime that is not for ever counts from now, so it hardly ever is. */
static bool
ifaddr_equal(const struct ifaddr *a, const struct ifaddr *b)
{
	return a->plen == b->plen && a->scope == b->scope && addr_equal(&a->broadcast, &b->broadcast) &&
	       a->valid_until == b->valid_until && a->preferred_until == b->preferred_until;
}

static int
ifaddr_add(struct change *c, const struct dpvs_addr_conf *conf, bool replace)
{
	struct ifaddr a = { 0 };
	char text[INET6_ADDRSTRLEN];
	struct ifaddr *old;
	int ret;

	ret = ifaddr_from_wire(c, conf, &a);
	if (ret != 0)
		return ret;

	old = ifaddr_find(a.port, a.af, &a.addr);
	if (old != NULL) {
		addr_text(a.af, &a.addr, text);
		if (old->port != a.port)
			return change_error(c, -EEXIST, "%s is on %s %s", text, netif_name(old->port),
					    ifaddr_is_seen(old) ? "already" : IFADDR_LINGERS_TEXT);
		if (old->given && (change_mode(c) & CHANGE_UNCHANGED) != 0 && ifaddr_equal(old, &a))
			return 0;
		if (old->given && !replace && (change_mode(c) & CHANGE_REPLACE) == 0)
			return change_error(c, -EEXIST, "%s/%u is on %s already%s", text, old->plen,
					    netif_name(old->port),
					    change_mode(c) != 0 ? ", and differs" : "");
		a.hold = old->hold;
		a.automatic = old->automatic;
	}
	return ifaddr_swap(c, old, g_memdup2(&a, sizeof(a)));
}

static int
ifaddr_ctl_add(struct change *c, const void *record)
{
	return ifaddr_add(c, record, false);
}

static int
ifaddr_ctl_set(struct change *c, const void *record)
{
	return ifaddr_add(c, record, true);
}

static int
ifaddr_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_addr_conf *conf = record;
	char text[INET6_ADDRSTRLEN];
	const struct netif *nif;
	union ip_addr addr;
	struct ifaddr *old;
	uint8_t af = conf->addr.family;
	int ret;

	ret = wire_dev_set(c, conf->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif == NULL)
		return change_error(c, -EINVAL, "say which device");
	if (!addr_from_wire(&conf->addr, &addr))
		return change_error(c, -EINVAL, "not an IPv4 or IPv6 address");

	old = ifaddr_find(nif->port, af, &addr);
	addr_text(af, &addr, text);
	if (old == NULL || old->port != nif->port || !ifaddr_is_seen(old))
		return change_error(c, -ENOENT, "%s is not on %s", text, conf->dev);
	if (!old->given)
		return change_error(c, -EBUSY, "%s is a local address of a service; delete it there",
				    text);
	if (old->plen != conf->plen)
		return change_error(c, -ENOENT, "%s/%u is not on %s, %s/%u is", text, conf->plen,
				    conf->dev, text, old->plen);
	return ifaddr_swap(c, old, ifaddr_as_held(old));
}

/* Addresses that go before others have their turn; each takes up to three routes along. */
#define FLUSH_PART 64

static int
ifaddr_ctl_flush(struct change *c, const void *record)
{
	const struct dpvs_addr_conf *filter = record;
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	const struct netif *nif;
	struct htable_iter iter = { 0 };
	struct htable_node *n;
	int ret;

	ret = wire_dev_set(c, filter->dev, &nif);
	if (ret != 0)
		return ret;
	while (list->len < FLUSH_PART && (n = htable_next(ifaddr_all(), &iter)) != NULL) {
		struct ifaddr *a = htable_object(n, struct ifaddr, node);

		if (a->given && !a->automatic && (nif == NULL || a->port == nif->port) &&
		    (filter->addr.family == 0 || filter->addr.family == a->af))
			g_ptr_array_add(list, a);
	}
	for (guint i = 0; i < list->len && ret == 0; i++)
		ret = ifaddr_swap(c, list->pdata[i], ifaddr_as_held(list->pdata[i]));
	return ret == 0 && list->len == FLUSH_PART ? CHANGE_MORE : ret;
}

static uint32_t
ifaddr_seconds_left(int64_t until, int64_t now)
{
	if (until == IFADDR_FOREVER)
		return DPVS_LFT_FOREVER;
	return until > now ? (uint32_t)(until - now) : 0;
}

void
ifaddr_to_wire(const struct ifaddr *a, int64_t now, struct dpvs_addr_conf *ret_conf)
{
	*ret_conf = (struct dpvs_addr_conf){
		.addr = addr_to_wire(a->af, &a->addr),
		.plen = a->plen,
		.scope = a->scope,
		.valid_lft_s = ifaddr_seconds_left(a->valid_until, now),
		.preferred_lft_s = ifaddr_seconds_left(a->preferred_until, now),
	};
	if (!addr_is_zero(&a->broadcast))
		ret_conf->broadcast = addr_to_wire(a->af, &a->broadcast);
	if (a->hold == IFADDR_HELD)
		ret_conf->flags |= DPVS_ADDR_LADDR;
	if (a->automatic)
		ret_conf->flags |= DPVS_ADDR_LINKLOCAL;
	g_strlcpy(ret_conf->dev, netif_name(a->port), sizeof(ret_conf->dev));
}

/** struct ifaddr_filter: what a list wants. */
struct ifaddr_filter {
	uint8_t af; /* 0: any */
	int port;   /* -1: any */
};

static bool
ifaddr_fits(const struct event_node *node, const void *filter)
{
	const struct ifaddr *a = event_object(node, struct ifaddr, event);
	const struct ifaddr_filter *f = filter;

	return ifaddr_is_seen(a) && (f->af == 0 || a->af == f->af) && (f->port < 0 || a->port == f->port);
}

/* By port, IPv4 first, nets before hosts, in order of arrival. */
static int
ifaddr_order(const void *a, const void *b)
{
	const struct ifaddr *x = *(const struct ifaddr *const *)a;
	const struct ifaddr *y = *(const struct ifaddr *const *)b;
	bool x_host = x->plen == addr_bits(x->af);
	bool y_host = y->plen == addr_bits(y->af);

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->af != y->af)
		return x->af == AF_INET ? -1 : 1;
	if (x_host != y_host)
		return x_host ? 1 : -1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int
ifaddr_ctl_list(struct dpvs_req *req, const void *record)
{
	const struct dpvs_addr_conf *filter = record;
	const struct listing_type type = {
		.list = ifaddr_events[0].list,
		.record = ifaddr_events[0].record,
		.fits = ifaddr_fits,
	};
	const struct ifaddr *few[LISTING_SLICE];
	struct ifaddr_filter f = { .af = filter->addr.family, .port = -1 };
	struct dpvs_addr_conf out;
	const struct netif *nif;
	struct event_node *node;
	unsigned int looked = 0, count = 0;
	int ret;

	ret = wire_dev_get(req, filter->dev, &nif);
	if (ret != 0)
		return ret;
	if (nif != NULL)
		f.port = nif->port;
	TAILQ_FOREACH (node, type.list, link) {
		/* More than can be listed in one go: as they come, in slices. */
		if (looked++ == LISTING_SLICE)
			return listing_answer(req, &type, &f, sizeof(f));
		if (event_node_shown(node) && ifaddr_fits(node, &f))
			few[count++] = event_object(node, struct ifaddr, event);
	}
	qsort(few, count, sizeof(few[0]), ifaddr_order);
	for (unsigned int i = 0; i < count; i++) {
		type.record(&few[i]->event, &out);
		dpvs_req_add(req, &out, sizeof(out));
	}
	return 0;
}

const struct module_sockopt ifaddr_sockopts[] = {
	{
		.name = "addr-add",
		.id = DPVS_SET_ADDR_ADD,
		.record_size = sizeof(struct dpvs_addr_conf),
		.need_record = true,
		.set = ifaddr_ctl_add,
	},
	{
		.name = "addr-del",
		.id = DPVS_SET_ADDR_DEL,
		.record_size = sizeof(struct dpvs_addr_conf),
		.need_record = true,
		.set = ifaddr_ctl_del,
	},
	{
		.name = "addr-set",
		.id = DPVS_SET_ADDR_SET,
		.record_size = sizeof(struct dpvs_addr_conf),
		.need_record = true,
		.set = ifaddr_ctl_set,
	},
	{
		.name = "addr-flush",
		.id = DPVS_SET_ADDR_FLUSH,
		.record_size = sizeof(struct dpvs_addr_conf),
		.set = ifaddr_ctl_flush,
	},
	{
		.name = "addr-list",
		.id = DPVS_GET_ADDRS,
		.record_size = sizeof(struct dpvs_addr_conf),
		.get = ifaddr_ctl_list,
	},
	{ 0 },
};
