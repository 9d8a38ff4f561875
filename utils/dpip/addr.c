/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip addr: addresses on ports.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/laddr.h>

#include "dpip/show.h"

enum { ADDR_PREFIX, ADDR_DEV, ADDR_BROADCAST, ADDR_VALID, ADDR_PREFERRED, ADDR_SCOPE };

static const struct dpip_word scope_words[] = {
	{ "global", DPVS_SCOPE_GLOBAL },
	{ "site", DPVS_SCOPE_SITE },
	{ "link", DPVS_SCOPE_LINK },
	{ "host", DPVS_SCOPE_HOST },
	{},
};

static const struct dpip_param add_params[] = {
	[ADDR_PREFIX] = {
		.name = "local",
		.kind = DPIP_PREFIX,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[ADDR_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
		.flags = DPIP_REQUIRED,
	},
	[ADDR_BROADCAST] = {
		.name = "broadcast",
		.alias = "brd",
		.kind = DPIP_ADDR,
	},
	[ADDR_VALID] = {
		.name = "valid_lft",
		.kind = DPIP_LIFETIME,
	},
	[ADDR_PREFERRED] = {
		.name = "preferred_lft",
		.alias = "prefered_lft", /* what DPVS and old manuals of ip write */
		.kind = DPIP_LIFETIME,
	},
	[ADDR_SCOPE] = {
		.name = "scope",
		.kind = DPIP_CHOICE,
		.words = scope_words,
	},
	{ .name = "peer", .kind = DPIP_ADDR, .flags = DPIP_LATER },
	{ .name = "label", .kind = DPIP_TEXT, .max = 63, .flags = DPIP_LATER },
	{},
};

/* What a delete needs. */
static const struct dpip_param del_params[] = {
	[ADDR_PREFIX] = {
		.name = "local",
		.kind = DPIP_PREFIX,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[ADDR_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
		.flags = DPIP_REQUIRED,
	},
	{},
};

static const struct dpip_param show_params[] = {
	{ .name = "dev", .kind = DPIP_DEV, .flags = DPIP_POSITIONAL },
	{},
};

static const struct dpip_param flush_params[] = {
	{ .name = "dev", .kind = DPIP_DEV, .flags = DPIP_POSITIONAL | DPIP_REQUIRED },
	{},
};

static void
pair_lifetime(struct dpip *d, const char *key, const char *label, uint32_t seconds)
{
	writer_uint(&d->w, key, seconds);
	if (seconds == DPVS_LFT_FOREVER)
		writer_text(&d->w, "%s forever ", label);
	else
		writer_text(&d->w, "%s %" PRIu32 "sec ", label, seconds);
}

/* "inet 192.0.2.1/24 brd 192.0.2.255 scope global dpdk0" and its life times. Both formats. */
static void
show_one(struct dpip *d, const struct dpvs_addr_conf *a, const char *dev)
{
	bool inet6 = a->addr.family == AF_INET6;
	const char *scope = show_word(scope_words, a->scope);
	char buf[FORMAT_ADDR_SIZE];
	char number[FORMAT_NUMBER_SIZE];

	if (!scope || d->opts.numeric)
		scope = format_number(a->scope, FORMAT_PLAIN, number);
	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "family", inet6 ? "inet6" : "inet");
	writer_addr(&d->w, "local", &a->addr);
	writer_uint(&d->w, "prefixlen", a->plen);
	if (!inet6)
		writer_addr(&d->w, "broadcast", &a->broadcast);
	writer_str(&d->w, "scope", scope);
	writer_text(&d->w, "    %s ", inet6 ? "inet6" : "inet");
	writer_color(&d->w, inet6 ? WRITER_INET6 : WRITER_INET, "%s", format_addr(&a->addr, buf));
	writer_text(&d->w, "/%u ", a->plen);
	show_addr(d, "brd", &a->broadcast);
	writer_text(&d->w, "scope %s ", scope);
	writer_open_array(&d->w, "flags");
	if (a->flags & DPVS_ADDR_LADDR) {
		writer_str(&d->w, NULL, "laddr");
		writer_text(&d->w, "laddr ");
	}
	if (a->flags & DPVS_ADDR_LINKLOCAL) {
		writer_str(&d->w, NULL, "auto");
		writer_text(&d->w, "auto ");
	}
	writer_close_array(&d->w);
	writer_text(&d->w, "%s", dev);
	writer_break(&d->w);
	writer_text(&d->w, "       ");
	pair_lifetime(d, "valid_life_time", "valid_lft", a->valid_lft_s);
	pair_lifetime(d, "preferred_life_time", "preferred_lft", a->preferred_lft_s);
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

/* The addresses of a port; @reply lists those of all. Returns how many there are. */
static unsigned int
walk(struct dpip *d, const struct dpvs_port_info *port, const struct dpvs_reply *reply,
     void (*fn)(struct dpip *d, const struct dpvs_addr_conf *a, const struct dpvs_port_info *port))
{
	struct dpvs_addr_conf a;
	unsigned int n = 0;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &a, sizeof(a));
		if (strncmp(a.dev, port->name, sizeof(a.dev)) != 0 ||
		    (d->opts.family && a.addr.family != d->opts.family))
			continue;
		if (fn)
			fn(d, &a, port);
		n++;
	}
	return n;
}

static void
print_full(struct dpip *d, const struct dpvs_addr_conf *a, const struct dpvs_port_info *port)
{
	char dev[DPVS_IFNAME_SIZE];

	show_copy(a->dev, sizeof(dev), dev);
	if (d->opts.oneline && !writer_is_json(&d->w)) {
		writer_text(&d->w, "%" PRIu32 ": ", port->index);
		writer_color(&d->w, WRITER_NAME, "%s", dev);
	}
	show_one(d, a, dev);
}

static void
print_brief(struct dpip *d, const struct dpvs_addr_conf *a, const struct dpvs_port_info *port)
{
	char buf[FORMAT_ADDR_SIZE];

	writer_color(&d->w, a->addr.family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr(&a->addr, buf));
	writer_text(&d->w, "/%u ", a->plen);
}

static void
show_port_addrs(struct dpip *d, const struct dpvs_port_info *port, const struct dpvs_reply *addrs)
{
	/* As ip does: with a family only ports that have such addresses. */
	if (d->opts.family && walk(d, port, addrs, NULL) == 0)
		return;
	if (d->opts.brief && !writer_is_json(&d->w)) {
		show_port_name_state(d, port);
		walk(d, port, addrs, print_brief);
		writer_text(&d->w, "\n");
		return;
	}
	if (d->opts.oneline && !writer_is_json(&d->w)) {
		walk(d, port, addrs, print_full);
		return;
	}
	writer_open_object(&d->w, NULL);
	show_port_head(d, port);
	if (!d->opts.family || writer_is_json(&d->w))
		show_port_address(d, port);
	writer_text(&d->w, "\n");
	writer_open_array(&d->w, "addr_info");
	walk(d, port, addrs, print_full);
	writer_close_array(&d->w);
	writer_close_object(&d->w);
}

static int
addr_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_addr_conf filter = { .addr.family = (uint8_t)d->opts.family };
	struct dpvs_reply *ports = NULL, *addrs = NULL;
	struct dpvs_port_ref ref = { 0 };
	struct dpvs_port_info port;
	int rc;

	if (v[0].given) {
		snprintf(ref.name, sizeof(ref.name), "%s", v[0].text);
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	}
	rc = session_get(d, DPVS_GET_PORT_BASIC, &ref, sizeof(ref), &ports);
	if (rc == EXIT_OK)
		rc = session_get(d, DPVS_GET_ADDRS, &filter, sizeof(filter), &addrs);
	if (rc == EXIT_OK) {
		show_open(d);
		for (uint32_t i = 0; i < dpvs_reply_count(ports); i++) {
			dpvs_reply_record(ports, i, &port, sizeof(port));
			show_port_addrs(d, &port, addrs);
		}
		show_close(d);
	}
	dpvs_reply_free(ports);
	dpvs_reply_free(addrs);
	return rc;
}

static int
addr_change(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_addr_conf conf = {
		.addr = v[ADDR_PREFIX].addr,
		.plen = v[ADDR_PREFIX].plen,
	};

	snprintf(conf.dev, sizeof(conf.dev), "%s", v[ADDR_DEV].text);
	if (verb->params == del_params)
		return session_set(d, verb->id, &conf, sizeof(conf));
	if (v[ADDR_BROADCAST].given) {
		if (v[ADDR_BROADCAST].addr.family != AF_INET || conf.addr.family != AF_INET) {
			error_line("Error: \"broadcast\" is for IPv4 addresses only.");
			return EXIT_USAGE;
		}
		conf.broadcast = v[ADDR_BROADCAST].addr;
	}
	conf.valid_lft_s = v[ADDR_VALID].given ? (uint32_t)v[ADDR_VALID].num : DPVS_LFT_FOREVER;
	conf.preferred_lft_s =
		v[ADDR_PREFERRED].given ? (uint32_t)v[ADDR_PREFERRED].num : conf.valid_lft_s;
	if (conf.preferred_lft_s > conf.valid_lft_s) {
		error_line("Error: \"preferred_lft\" is longer than \"valid_lft\".");
		return EXIT_USAGE;
	}
	conf.scope = (uint8_t)v[ADDR_SCOPE].num;
	return session_set(d, verb->id, &conf, sizeof(conf));
}

static int
addr_flush(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_addr_conf filter = { .addr.family = (uint8_t)d->opts.family };

	snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	return session_set(d, verb->id, &filter, sizeof(filter));
}

/* Local addresses of services, as the workers have them. */
static int
addr_pools(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	char addr[FORMAT_ADDR_SIZE], dev[DPVS_IFNAME_SIZE];
	struct dpvs_laddr_pool_info p;
	struct dpvs_reply *reply;
	int rc = session_ask_workers(d, verb->id, NULL, 0, &reply);

	(void)v;
	if (rc)
		return rc;
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &p, sizeof(p));
		show_copy(p.dev, sizeof(dev), dev);
		writer_open_object(&d->w, NULL);
		writer_addr(&d->w, "local", &p.addr);
		writer_color(&d->w, p.addr.family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
			     format_addr(&p.addr, addr));
		writer_text(&d->w, " ");
		writer_pair_str(&d->w, "dev", "dev", dev);
		writer_pair_uint(&d->w, "lcore", "lcore", p.lcore);
		writer_pair_uint(&d->w, "blocks", "blocks", p.blocks);
		writer_pair_uint(&d->w, "idle_blocks", "idle", p.idle_blocks);
		writer_pair_uint(&d->w, "connections", "connections", p.conns);
		writer_pair_uint(&d->w, "port_misses", "misses", p.port_misses);
		writer_uint(&d->w, "generation", p.generation);
		writer_text(&d->w, "\n");
		writer_close_object(&d->w);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
addr_zero_pools(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	(void)v;
	return session_set(d, verb->id, NULL, 0);
}

static const struct dpip_verb addr_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Ports and their addresses.",
		.params = show_params,
		.run = addr_show,
		.flags = DPIP_SHOW | DPIP_VERB_FIRST,
	},
	{
		.name = "add",
		.help = "Add an address to a port.",
		.params = add_params,
		.run = addr_change,
		.id = DPVS_SET_ADDR_ADD,
	},
	{
		.name = "set",
		.aliases = "change replace",
		.help = "Change an address, or add it.",
		.params = add_params,
		.run = addr_change,
		.id = DPVS_SET_ADDR_SET,
	},
	{
		.name = "del",
		.aliases = "delete",
		.help = "Remove an address.",
		.params = del_params,
		.run = addr_change,
		.id = DPVS_SET_ADDR_DEL,
	},
	{
		.name = "flush",
		.help = "Remove all addresses of a port; with -4 or -6 those of one family.",
		.params = flush_params,
		.run = addr_flush,
		.id = DPVS_SET_ADDR_FLUSH,
	},
	{
		.name = "pools",
		.help = "Ports of local addresses of services on each worker.",
		.run = addr_pools,
		.id = DPVS_GET_LADDR_POOLS,
		.flags = DPIP_SHOW,
	},
	{
		.name = "zero-pools",
		.help = "Sets the numbers of connections that found no port to zero.",
		.run = addr_zero_pools,
		.id = DPVS_SET_LADDR_ZERO,
		.flags = DPIP_ALONE,
	},
	{},
};

const struct dpip_object addr_object = {
	.name = "addr",
	.aliases = "address",
	.help = "addresses on ports",
	.verbs = addr_verbs,
	.flags = DPIP_FIRST,
};
