/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip route: routes, IPv4 and IPv6. As in ip the family of a list is IPv4 unless -6 is given, that
 * of a change follows from its addresses.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/route.h>

#include "common/parse.h"
#include "dpip/show.h"

enum { ROUTE_DST, ROUTE_VIA, ROUTE_DEV, ROUTE_SRC, ROUTE_MTU, ROUTE_METRIC, ROUTE_SCOPE };

/* DPVS's word for routes of packets that go to the kernel; no rtnetlink value. */
#define SCOPE_KERNEL 0x100

static const struct dpip_word scope_words[] = {
	{ "global", DPVS_SCOPE_GLOBAL }, { "site", DPVS_SCOPE_SITE }, { "link", DPVS_SCOPE_LINK },
	{ "host", DPVS_SCOPE_HOST },	 { "kernel", SCOPE_KERNEL },  {},
};

static const struct dpip_word proto_words[] = {
	{ "kernel", DPVS_ROUTE_PROTO_KERNEL },
	{ "static", DPVS_ROUTE_PROTO_STATIC },
	{},
};

static const struct dpip_word type_words[] = {
	{ "unicast", DPVS_ROUTE_UNICAST },
	{ "local", DPVS_ROUTE_LOCAL },
	{ "broadcast", DPVS_ROUTE_BROADCAST },
	{},
};

static const struct dpip_param change_params[] = {
	[ROUTE_DST] = {
		.name = "to",
		.metavar = "{ PREFIX | default }",
		.kind = DPIP_ROUTE,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[ROUTE_VIA] = {
		.name = "via",
		.kind = DPIP_ADDR,
	},
	[ROUTE_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
	},
	[ROUTE_SRC] = {
		.name = "src",
		.kind = DPIP_ADDR,
	},
	[ROUTE_MTU] = {
		.name = "mtu",
		.kind = DPIP_UINT,
		.min = 68,
		.max = 65535,
	},
	[ROUTE_METRIC] = {
		.name = "metric",
		.kind = DPIP_UINT,
		.max = UINT32_MAX,
	},
	[ROUTE_SCOPE] = {
		.name = "scope",
		.kind = DPIP_CHOICE,
		.words = scope_words,
	},
	{ .name = "table", .kind = DPIP_TEXT, .max = 31, .flags = DPIP_LATER },
	{ .name = "nexthop", .kind = DPIP_TEXT, .max = 31, .flags = DPIP_LATER },
	{},
};

static const struct dpip_param dev_params[] = {
	{ .name = "dev", .kind = DPIP_DEV },
	{},
};

static const struct dpip_param get_params[] = {
	{ .name = "to", .kind = DPIP_ADDR, .flags = DPIP_POSITIONAL | DPIP_REQUIRED },
	{ .name = "dev", .alias = "oif", .kind = DPIP_DEV },
	{},
};

static const char *
word_or_number(const struct dpip *d, const struct dpip_word *words, uint32_t value,
	       char buf[FORMAT_NUMBER_SIZE])
{
	const char *word = show_word(words, value);

	return word && !d->opts.numeric ? word : format_number(value, FORMAT_PLAIN, buf);
}

/* "default", else the prefix; without its length where it is a whole address. */
static const char *
format_dst(const struct dpvs_route_conf *r, char buf[FORMAT_ADDR_SIZE])
{
	if (r->plen == 0)
		return "default";
	if (r->plen == (r->dst.family == AF_INET6 ? 128 : 32))
		return format_addr(&r->dst, buf);
	return format_prefix(&r->dst, r->plen, buf);
}

/* @lookup: the answer of "get", which says where a packet goes, not who made the route. */
void
show_route(struct dpip *d, const struct dpvs_route_conf *r, bool lookup)
{
	char dst[FORMAT_ADDR_SIZE], dev[DPVS_IFNAME_SIZE], number[FORMAT_NUMBER_SIZE];
	const char *type = word_or_number(d, type_words, r->type, number);

	writer_str(&d->w, "type", type);
	if (r->type != DPVS_ROUTE_UNICAST || d->opts.details)
		writer_text(&d->w, "%s ", type);
	writer_str(&d->w, "dst", format_dst(r, dst));
	writer_color(&d->w, r->dst.family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_dst(r, dst));
	writer_text(&d->w, " ");
	writer_addr(&d->w, "gateway", &r->via);
	show_addr(d, "via", &r->via);
	show_copy(r->dev, sizeof(dev), dev);
	writer_str(&d->w, "dev", dev);
	writer_text(&d->w, "dev ");
	writer_color(&d->w, WRITER_NAME, "%s", dev);
	writer_text(&d->w, " ");
	if (!lookup) {
		writer_pair_str(&d->w, "protocol", "proto",
				word_or_number(d, proto_words, r->proto, number));
		writer_str(&d->w, "scope", word_or_number(d, scope_words, r->scope, number));
		if (r->scope != DPVS_SCOPE_GLOBAL || d->opts.details)
			writer_text(&d->w, "scope %s ",
				    word_or_number(d, scope_words, r->scope, number));
	}
	writer_addr(&d->w, "prefsrc", &r->src);
	show_addr(d, "src", &r->src);
	writer_uint(&d->w, "metric", r->metric);
	if (r->metric)
		writer_text(&d->w, "metric %" PRIu32 " ", r->metric);
	writer_uint(&d->w, "mtu", r->mtu);
	if (r->mtu)
		writer_text(&d->w, "mtu %" PRIu32 " ", r->mtu);
	writer_text(&d->w, "\n");
}

static void
show_object(struct dpip *d, const struct dpvs_route_conf *r, bool lookup)
{
	writer_open_object(&d->w, NULL);
	show_route(d, r, lookup);
	writer_close_object(&d->w);
}

/* By destination, then the longer prefix, then as they are used. */
static int
compare(const void *a, const void *b)
{
	const struct dpvs_route_conf *r = a, *s = b;
	int order = addr_cmp(&r->dst, &s->dst);

	if (order == 0)
		order = r->plen - s->plen;
	if (order == 0 && r->metric != s->metric)
		order = r->metric < s->metric ? -1 : 1;
	return order ? order : strncmp(r->dev, s->dev, sizeof(r->dev));
}

static int
route_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_route_conf filter = { 0 };
	struct dpvs_route_conf *routes;
	struct dpvs_reply *reply;
	int rc;

	filter.dst.family = d->opts.family == AF_INET6 ? AF_INET6 : AF_INET;
	if (v[0].given)
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	rc = session_get(d, d->opts.family == AF_INET6 ? DPVS_GET_ROUTES6 : DPVS_GET_ROUTES,
			 &filter, sizeof(filter), &reply);
	if (rc)
		return rc;
	routes = show_sorted(reply, sizeof(*routes), compare);
	if (!routes) {
		dpvs_reply_free(reply);
		return EXIT_USAGE;
	}
	show_open(d);
	/* As ip's main table: what the daemon made for its own addresses only with -d. */
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++)
		if (routes[i].type == DPVS_ROUTE_UNICAST || d->opts.details)
			show_object(d, &routes[i], false);
	show_close(d);
	free(routes);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

/* The family of a change: the destination's; "default" takes that of the other addresses. */
static int
change_family(const struct dpip *d, const struct dpip_value *v)
{
	int family = v[ROUTE_DST].addr.family;

	if (family == 0)
		family = v[ROUTE_VIA].given   ? v[ROUTE_VIA].addr.family
			 : v[ROUTE_SRC].given ? v[ROUTE_SRC].addr.family
			 : d->opts.family     ? d->opts.family
					      : AF_INET;
	if ((v[ROUTE_VIA].given && v[ROUTE_VIA].addr.family != family) ||
	    (v[ROUTE_SRC].given && v[ROUTE_SRC].addr.family != family)) {
		error_line("Error: the addresses of a route are all IPv4 or all IPv6.");
		return -1;
	}
	return family;
}

static int
route_change(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	static const uint8_t ops[] = {
		[DPVS_SET_ROUTE_ADD - DPVS_SET_ROUTE_ADD] = DPVS_ROUTE_OP_ADD,
		[DPVS_SET_ROUTE_DEL - DPVS_SET_ROUTE_ADD] = DPVS_ROUTE_OP_DEL,
		[DPVS_SET_ROUTE_SET - DPVS_SET_ROUTE_ADD] = DPVS_ROUTE_OP_SET,
	};
	int family = change_family(d, v);
	struct dpvs_route_conf conf = {
		.dst = v[ROUTE_DST].addr,
		.via = v[ROUTE_VIA].addr,
		.src = v[ROUTE_SRC].addr,
		.plen = v[ROUTE_DST].plen,
		.type = DPVS_ROUTE_UNICAST,
		.op = ops[verb->id - DPVS_SET_ROUTE_ADD],
		.mtu = (uint32_t)v[ROUTE_MTU].num,
		.metric = (uint32_t)v[ROUTE_METRIC].num,
	};

	if (family < 0)
		return EXIT_USAGE;
	if (v[ROUTE_SCOPE].given && v[ROUTE_SCOPE].num == SCOPE_KERNEL) {
		error_line("Error: \"scope kernel\" is not supported by this build.");
		return EXIT_USAGE;
	}
	if (verb->id != DPVS_SET_ROUTE_DEL && !v[ROUTE_VIA].given && !v[ROUTE_DEV].given) {
		error_line("Not enough information: \"via\" or \"dev\" argument is required.");
		return EXIT_USAGE;
	}
	conf.dst.family = (uint8_t)family;
	conf.scope = v[ROUTE_SCOPE].given ? (uint8_t)v[ROUTE_SCOPE].num
		     : v[ROUTE_VIA].given ? DPVS_SCOPE_GLOBAL
					  : DPVS_SCOPE_LINK;
	if (v[ROUTE_DEV].given)
		snprintf(conf.dev, sizeof(conf.dev), "%s", v[ROUTE_DEV].text);
	return session_set(d, family == AF_INET6 ? DPVS_SET_ROUTE6 : verb->id, &conf, sizeof(conf));
}

static int
route_get(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_route_conf key = {
		.dst = v[0].addr,
		.plen = v[0].addr.family == AF_INET6 ? 128 : 32,
	};
	struct dpvs_route_conf r;
	struct dpvs_reply *reply;
	int rc;

	/* Link-local destinations exist on each port anew. */
	if (v[1].given)
		snprintf(key.dev, sizeof(key.dev), "%s", v[1].text);
	rc = session_get(d, DPVS_GET_ROUTE_LOOKUP, &key, sizeof(key), &reply);
	if (rc)
		return rc;
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &r, sizeof(r));
		show_object(d, &r, true);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
route_flush(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	bool inet6 = d->opts.family == AF_INET6;
	struct dpvs_route_conf filter = { .dst.family = inet6 ? AF_INET6 : AF_INET };

	if (v[0].given)
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	return session_set(d, inet6 ? DPVS_SET_ROUTE6_FLUSH : DPVS_SET_ROUTE_FLUSH, &filter,
			   sizeof(filter));
}

static const struct dpip_verb route_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "IPv4 routes, with -6 IPv6 routes; with -d also local and broadcast ones.",
		.params = dev_params,
		.run = route_show,
		.flags = DPIP_SHOW | DPIP_VERB_FIRST,
	},
	{
		.name = "add",
		.help = "Add a route.",
		.params = change_params,
		.run = route_change,
		.id = DPVS_SET_ROUTE_ADD,
	},
	{
		.name = "set",
		.aliases = "change replace",
		.help = "Change a route, or add it.",
		.params = change_params,
		.run = route_change,
		.id = DPVS_SET_ROUTE_SET,
	},
	{
		.name = "del",
		.aliases = "delete",
		.help = "Remove a route.",
		.params = change_params,
		.run = route_change,
		.id = DPVS_SET_ROUTE_DEL,
	},
	{
		.name = "get",
		.help = "Which way a packet to ADDR would take.",
		.params = get_params,
		.run = route_get,
		.flags = DPIP_SHOW,
	},
	{
		.name = "flush",
		.help = "Remove the static IPv4 routes, with -6 the IPv6 ones; of one port.",
		.params = dev_params,
		.run = route_flush,
	},
	{},
};

const struct dpip_object route_object = {
	.name = "route",
	.help = "routes",
	.verbs = route_verbs,
	.flags = DPIP_FIRST,
};
