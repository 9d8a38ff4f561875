/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How dpip monitor prints events: "KIND OPERATION OBJECT", or an object with the members kind, op, serial and data.
 * Routes and neighbours look as they do in their own listings.
 */
#include "dpip/monitor.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>

#include "dpip/show.h"

static const struct dpip_word op_words[] = {
	{ "present", DPVS_EVENT_OP_PRESENT }, { "add", DPVS_EVENT_OP_ADD },
	{ "change", DPVS_EVENT_OP_CHANGE },   { "del", DPVS_EVENT_OP_DEL },
	{ "synced", DPVS_EVENT_OP_SYNCED },   { "missed", DPVS_EVENT_OP_MISSED },
	{},
};

static const struct dpip_word fwd_words[] = {
	{ "nat", DPVS_FWD_NAT },	 { "tunnel", DPVS_FWD_TUNNEL }, { "dr", DPVS_FWD_DR },
	{ "fullnat", DPVS_FWD_FULLNAT }, { "snat", DPVS_FWD_SNAT },	{},
};

static const struct dpip_word scope_words[] = {
	{ "global", DPVS_SCOPE_GLOBAL },
	{ "site", DPVS_SCOPE_SITE },
	{ "link", DPVS_SCOPE_LINK },
	{ "host", DPVS_SCOPE_HOST },
	{},
};

/* "tcp 192.0.2.1:80 " */
static void
show_key(struct dpip *d, const struct dpvs_service_key *key)
{
	char text[FORMAT_ADDR_PORT_SIZE], number[FORMAT_NUMBER_SIZE];
	const char *proto = proto_name(key->proto, number);

	writer_str(&d->w, "protocol", proto);
	writer_addr(&d->w, "address", &key->vip);
	writer_uint(&d->w, "port", key->port);
	writer_text(&d->w, "%s ", proto);
	writer_color(&d->w, key->vip.family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr_port(&key->vip, key->port, text));
	writer_text(&d->w, " ");
}

static void
show_service(struct dpip *d, const void *data)
{
	const struct dpvs_service_conf *c = &((const struct dpvs_service_info *)data)->conf;
	static const char *const flags[] = { "mh-fallback", "mh-port" };
	char sched[DPVS_SCHED_NAME_SIZE + 1];

	show_copy(c->sched, sizeof(c->sched), sched);
	show_key(d, &c->key);
	writer_pair_str(&d->w, "scheduler", "scheduler", sched);
	writer_open_array(&d->w, "scheduler_flags");
	for (unsigned int i = 0; i < 2; i++) {
		if (!(c->sched_flags & 1u << i))
			continue;
		writer_str(&d->w, NULL, flags[i]);
		writer_text(&d->w, "%s ", flags[i]);
	}
	writer_close_array(&d->w);
	writer_uint(&d->w, "connection_timeout_s", c->conn_timeout_s);
	if (c->conn_timeout_s)
		writer_text(&d->w, "conn-timeout %" PRIu32 " ", c->conn_timeout_s);
	writer_text(&d->w, "\n");
}

static void
show_dest(struct dpip *d, const void *data)
{
	const struct dpvs_dest_conf *c = &((const struct dpvs_dest_info *)data)->conf;
	char text[FORMAT_ADDR_PORT_SIZE], number[FORMAT_NUMBER_SIZE];
	const char *fwd = show_word(fwd_words, c->fwd);

	if (!fwd)
		fwd = format_number(c->fwd, FORMAT_PLAIN, number);
	show_key(d, &c->svc);
	writer_addr(&d->w, "server_address", &c->addr);
	writer_uint(&d->w, "server_port", c->port);
	writer_text(&d->w, "server ");
	writer_color(&d->w, c->addr.family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr_port(&c->addr, c->port, text));
	writer_text(&d->w, " ");
	writer_pair_str(&d->w, "forward", "forward", fwd);
	writer_pair_uint(&d->w, "weight", "weight", c->weight);
	writer_text(&d->w, "\n");
}

static void
show_dev(struct dpip *d, const char *from)
{
	char dev[DPVS_IFNAME_SIZE];

	show_copy(from, sizeof(dev), dev);
	writer_str(&d->w, "dev", dev);
	writer_text(&d->w, "dev ");
	writer_color(&d->w, WRITER_NAME, "%s", dev);
	writer_text(&d->w, " ");
}

static void
show_laddr(struct dpip *d, const void *data)
{
	const struct dpvs_laddr_conf *c = &((const struct dpvs_laddr_info *)data)->conf;

	show_key(d, &c->svc);
	writer_addr(&d->w, "local_address", &c->addr);
	show_addr(d, "local", &c->addr);
	show_dev(d, c->dev);
	writer_text(&d->w, "\n");
}

static void
show_address(struct dpip *d, const void *data)
{
	const struct dpvs_addr_conf *a = data;
	const char *scope = show_word(scope_words, a->scope);
	char text[FORMAT_ADDR_SIZE], number[FORMAT_NUMBER_SIZE];
	bool inet6 = a->addr.family == AF_INET6;

	if (!scope || d->opts.numeric)
		scope = format_number(a->scope, FORMAT_PLAIN, number);
	writer_str(&d->w, "family", inet6 ? "inet6" : "inet");
	writer_addr(&d->w, "local", &a->addr);
	writer_uint(&d->w, "prefixlen", a->plen);
	writer_color(&d->w, inet6 ? WRITER_INET6 : WRITER_INET, "%s", format_addr(&a->addr, text));
	writer_text(&d->w, "/%u ", a->plen);
	show_dev(d, a->dev);
	writer_pair_str(&d->w, "scope", "scope", scope);
	writer_uint(&d->w, "valid_life_time", a->valid_lft_s);
	writer_uint(&d->w, "preferred_life_time", a->preferred_lft_s);
	if (a->valid_lft_s != DPVS_LFT_FOREVER)
		writer_text(&d->w, "valid_lft %" PRIu32 "sec ", a->valid_lft_s);
	writer_text(&d->w, "\n");
}

static void
show_link(struct dpip *d, const void *data)
{
	const struct dpvs_port_info *port = data;
	char mac[FORMAT_MAC_SIZE];

	show_port_head(d, port);
	writer_mac(&d->w, "address", port->mac);
	writer_text(&d->w, "lladdr ");
	writer_color(&d->w, WRITER_MAC, "%s", format_mac(port->mac, mac));
	writer_text(&d->w, " \n");
}

static void
show_generation(struct dpip *d, const void *data)
{
	uint64_t generation;

	memcpy(&generation, data, sizeof(generation));
	writer_uint(&d->w, "generation", generation);
	writer_text(&d->w, "%" PRIu64 "\n", generation);
}

static void
show_one_route(struct dpip *d, const void *data)
{
	show_route(d, data, false);
}

static void
show_one_neigh(struct dpip *d, const void *data)
{
	show_neigh(d, data);
}

static const char *
addr_dev(const void *data)
{
	return ((const struct dpvs_addr_conf *)data)->dev;
}

static const char *
route_dev(const void *data)
{
	return ((const struct dpvs_route_conf *)data)->dev;
}

static const char *
neigh_dev(const void *data)
{
	return ((const struct dpvs_neigh_conf *)data)->dev;
}

static const char *
link_dev(const void *data)
{
	return ((const struct dpvs_port_info *)data)->name;
}

static const char *
laddr_dev(const void *data)
{
	return ((const struct dpvs_laddr_info *)data)->conf.dev;
}

/* Address, route, neighbour: their record starts with the address. */
static int
first_family(const void *data)
{
	return ((const struct dpvs_addr *)data)->family;
}

/* Service, server, local address: with the key. */
static int
key_family(const void *data)
{
	return ((const struct dpvs_service_key *)data)->vip.family;
}

const struct monitor_kind monitor_kinds[] = {
	{ "service", DPVS_EVENT_SERVICE, show_service, NULL, key_family },
	{ "dest", DPVS_EVENT_DEST, show_dest, NULL, key_family },
	{ "laddr", DPVS_EVENT_LADDR, show_laddr, laddr_dev, key_family },
	{ "link", DPVS_EVENT_LINK, show_link, link_dev, NULL },
	{ "addr", DPVS_EVENT_ADDR, show_address, addr_dev, first_family },
	{ "route", DPVS_EVENT_ROUTE, show_one_route, route_dev, first_family },
	{ "neigh", DPVS_EVENT_NEIGH, show_one_neigh, neigh_dev, first_family },
	{ "generation", DPVS_EVENT_GENERATION, show_generation, NULL, NULL },
	{},
};

static const struct monitor_kind *
find_kind(uint32_t kind)
{
	for (const struct monitor_kind *k = monitor_kinds; k->name; k++)
		if (k->kind == kind)
			return k;
	return NULL;
}

bool
monitor_wanted(const struct dpip *d, const struct dpvs_event *event, const char *dev)
{
	const struct monitor_kind *k = find_kind(event->kind);

	if (!k)
		return false;
	if (dev && (!k->dev || strncmp(k->dev(event->data), dev, DPVS_IFNAME_SIZE) != 0))
		return false;
	return !d->opts.family || !k->family || k->family(event->data) == d->opts.family;
}

void
monitor_show(struct dpip *d, const struct dpvs_event *event)
{
	const struct monitor_kind *k = find_kind(event->kind);
	const char *op = show_word(op_words, event->op);
	uint64_t missed;

	if (!k && event->kind != DPVS_EVENT_CONTROL)
		return;
	writer_open_object(&d->w, NULL);
	if (d->opts.timestamp)
		show_time(d, " ");
	writer_str(&d->w, "kind", k ? k->name : "control");
	writer_str(&d->w, "op", op ? op : "unknown");
	writer_uint(&d->w, "serial", event->serial);
	if (k) {
		writer_text(&d->w, "%s %s ", k->name, op ? op : "unknown");
		writer_open_object(&d->w, "data");
		k->show(d, event->data);
		writer_close_object(&d->w);
	} else if (event->op == DPVS_EVENT_OP_MISSED) {
		memcpy(&missed, event->data, sizeof(missed));
		writer_uint(&d->w, "missed", missed);
		writer_text(&d->w, "missed %" PRIu64 " events; what there is now follows\n", missed);
	} else {
		writer_text(&d->w, "%s\n", op ? op : "unknown");
	}
	writer_close_object(&d->w);
}
