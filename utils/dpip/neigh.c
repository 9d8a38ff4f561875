/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip neigh: neighbours, ARP and ND.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/neigh.h>

#include "common/parse.h"
#include "dpip/show.h"

enum { NEIGH_ADDR, NEIGH_DEV, NEIGH_LLADDR };

static const struct dpip_param add_params[] = {
	[NEIGH_ADDR] = {
		.name = "to",
		.kind = DPIP_ADDR,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[NEIGH_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
		.flags = DPIP_REQUIRED,
	},
	[NEIGH_LLADDR] = {
		.name = "lladdr",
		.kind = DPIP_MAC,
		.flags = DPIP_REQUIRED,
	},
	{ .name = "nud", .kind = DPIP_TEXT, .max = 31, .flags = DPIP_LATER },
	{ .name = "proxy", .kind = DPIP_ADDR, .flags = DPIP_LATER },
	{},
};

/* The MAC address is taken too, so that a line can be repeated with del; it does not count. */
static const struct dpip_param del_params[] = {
	[NEIGH_ADDR] = {
		.name = "to",
		.kind = DPIP_ADDR,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[NEIGH_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
		.flags = DPIP_REQUIRED,
	},
	[NEIGH_LLADDR] = {
		.name = "lladdr",
		.kind = DPIP_MAC,
	},
	{},
};

static const struct dpip_param show_params[] = {
	[NEIGH_ADDR] = {
		.name = "to",
		.kind = DPIP_ADDR,
		.flags = DPIP_POSITIONAL,
	},
	[NEIGH_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
	},
	{},
};

static const struct dpip_param flush_params[] = {
	{ .name = "dev", .kind = DPIP_DEV },
	{},
};

static const struct dpip_word state_words[] = {
	{ "INCOMPLETE", DPVS_NEIGH_INCOMPLETE }, { "REACHABLE", DPVS_NEIGH_REACHABLE },
	{ "STALE", DPVS_NEIGH_STALE },		 { "DELAY", DPVS_NEIGH_DELAY },
	{ "PROBE", DPVS_NEIGH_PROBE },		 { "FAILED", DPVS_NEIGH_FAILED },
	{ "PERMANENT", DPVS_NEIGH_PERMANENT },	 {},
};

void
show_neigh(struct dpip *d, const struct dpvs_neigh_conf *n)
{
	static const uint8_t no_mac[6];
	bool known = memcmp(n->mac, no_mac, sizeof(no_mac)) != 0;
	const char *state = show_word(state_words, n->state);
	char addr[FORMAT_ADDR_SIZE], dev[DPVS_IFNAME_SIZE], mac[FORMAT_MAC_SIZE],
		age[FORMAT_NUMBER_SIZE];

	writer_addr(&d->w, "dst", &n->addr);
	writer_color(&d->w, n->addr.family == 10 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr(&n->addr, addr));
	show_copy(n->dev, sizeof(dev), dev);
	writer_str(&d->w, "dev", dev);
	writer_text(&d->w, " dev ");
	writer_color(&d->w, WRITER_NAME, "%s", dev);
	writer_text(&d->w, " ");
	writer_str(&d->w, "lladdr", known ? format_mac(n->mac, mac) : NULL);
	if (known) {
		writer_text(&d->w, "lladdr ");
		writer_color(&d->w, WRITER_MAC, "%s", format_mac(n->mac, mac));
		writer_text(&d->w, " ");
	}
	/* What an operator added is never confirmed. */
	if (n->state == DPVS_NEIGH_PERMANENT)
		writer_null(&d->w, "age_ms");
	else
		writer_uint(&d->w, "age_ms", n->age_ms);
	if (d->opts.statistics && n->state != DPVS_NEIGH_PERMANENT)
		writer_text(&d->w, "age %s ", format_duration(n->age_ms, age));
	writer_open_array(&d->w, "state");
	writer_str(&d->w, NULL, state ? state : "NONE");
	writer_close_array(&d->w);
	writer_text(&d->w, "%s\n", state ? state : "NONE");
}

/* By port, then by address. */
static int
compare(const void *a, const void *b)
{
	const struct dpvs_neigh_conf *n = a, *o = b;
	int order = strncmp(n->dev, o->dev, sizeof(n->dev));

	return order ? order : addr_cmp(&n->addr, &o->addr);
}

static int
neigh_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_neigh_conf filter = { .addr.family = (uint8_t)d->opts.family };
	struct dpvs_neigh_conf *neighs;
	struct dpvs_reply *reply;
	int rc;

	if (v[NEIGH_ADDR].given)
		filter.addr = v[NEIGH_ADDR].addr;
	if (v[NEIGH_DEV].given)
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[NEIGH_DEV].text);
	rc = session_get(d, DPVS_GET_NEIGHS, &filter, sizeof(filter), &reply);
	if (rc)
		return rc;
	neighs = show_sorted(reply, sizeof(*neighs), compare);
	if (!neighs) {
		dpvs_reply_free(reply);
		return EXIT_USAGE;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		writer_open_object(&d->w, NULL);
		show_neigh(d, &neighs[i]);
		writer_close_object(&d->w);
	}
	show_close(d);
	free(neighs);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
change(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v, uint8_t flags)
{
	struct dpvs_neigh_conf conf = { .addr = v[NEIGH_ADDR].addr, .flags = flags };

	snprintf(conf.dev, sizeof(conf.dev), "%s", v[NEIGH_DEV].text);
	if (verb->id == DPVS_SET_NEIGH_ADD)
		memcpy(conf.mac, v[NEIGH_LLADDR].mac, sizeof(conf.mac));
	return session_set(d, verb->id, &conf, sizeof(conf));
}

static int
neigh_change(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	return change(d, verb, v, 0);
}

static int
neigh_replace(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	return change(d, verb, v, DPVS_NEIGH_REPLACE);
}

static int
neigh_flush(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_neigh_conf filter = { .addr.family = (uint8_t)d->opts.family };

	if (v[0].given)
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	return session_set(d, verb->id, &filter, sizeof(filter));
}

static void
show_replica(struct dpip *d, const struct dpvs_neigh_replica_info *r)
{
	bool usable = (r->flags & DPVS_NEIGH_REPLICA_USABLE) != 0;
	bool used = (r->flags & DPVS_NEIGH_REPLICA_USED) != 0;
	char addr[FORMAT_ADDR_SIZE], dev[DPVS_IFNAME_SIZE], mac[FORMAT_MAC_SIZE];

	writer_open_object(&d->w, NULL);
	writer_pair_uint(&d->w, "lcore", "lcore", r->lcore);
	writer_addr(&d->w, "dst", &r->addr);
	writer_color(&d->w, r->addr.family == 10 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr(&r->addr, addr));
	show_copy(r->dev, sizeof(dev), dev);
	writer_text(&d->w, " ");
	writer_pair_str(&d->w, "dev", "dev", dev);
	writer_str(&d->w, "lladdr", usable ? format_mac(r->mac, mac) : NULL);
	if (usable)
		writer_text(&d->w, "lladdr %s%s", format_mac(r->mac, mac), used ? " used" : "");
	writer_bool(&d->w, "used", used);
	writer_uint(&d->w, "held", r->held);
	writer_uint(&d->w, "waiting_ms", r->waiting_ms);
	if (!usable)
		writer_text(&d->w, "held %" PRIu32 " waiting %" PRIu32 " ms", r->held, r->waiting_ms);
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

static int
neigh_replicas(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_neigh_conf filter = { .addr.family = (uint8_t)d->opts.family };
	struct dpvs_neigh_replica_info r;
	struct dpvs_reply *reply;
	int rc;

	if (v[0].given)
		snprintf(filter.dev, sizeof(filter.dev), "%s", v[0].text);
	rc = session_ask_workers(d, verb->id, &filter, sizeof(filter), &reply);
	if (rc)
		return rc;
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &r, sizeof(r));
		show_replica(d, &r);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static const struct dpip_verb neigh_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Neighbours; with -s how long ago each was confirmed.",
		.params = show_params,
		.run = neigh_show,
		.flags = DPIP_SHOW | DPIP_VERB_FIRST,
	},
	{
		.name = "add",
		.help = "Add a permanent neighbour.",
		.params = add_params,
		.run = neigh_change,
		.id = DPVS_SET_NEIGH_ADD,
	},
	{
		.name = "replace",
		.aliases = "set change",
		.help = "Change a neighbour, or add it.",
		.params = add_params,
		.run = neigh_replace,
		.id = DPVS_SET_NEIGH_ADD,
	},
	{
		.name = "del",
		.aliases = "delete",
		.help = "Remove a neighbour.",
		.params = del_params,
		.run = neigh_change,
		.id = DPVS_SET_NEIGH_DEL,
	},
	{
		.name = "flush",
		.help = "Forget learned neighbours; of one port.",
		.params = flush_params,
		.run = neigh_flush,
		.id = DPVS_SET_NEIGH_FLUSH,
	},
	{
		.name = "replicas",
		.help = "Neighbours as each worker has them; what waits for an answer there.",
		.params = flush_params,
		.run = neigh_replicas,
		.id = DPVS_GET_NEIGH_REPLICAS,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object neigh_object = {
	.name = "neigh",
	.aliases = "neighbor neighbour",
	.help = "neighbours, ARP and ND",
	.verbs = neigh_verbs,
	.flags = DPIP_FIRST,
};
