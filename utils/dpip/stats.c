/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip stats: named counters; among them one for each reason why packets are dropped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "dpip/show.h"

static const struct dpip_param show_params[] = {
	{
		.name = "name",
		.metavar = "MODULE | MODULE.NAME",
		.kind = DPIP_TEXT,
		.max = 63,
		.flags = DPIP_POSITIONAL,
	},
	{},
};

/** struct counter: a counter as dpip names it. */
struct counter {
	char module[24];
	char name[40];
	char full[64]; /**< "module.name" */
	char help[112];
	bool drop;
	uint64_t value;
};

static void
read_counter(const struct dpvs_reply *reply, uint32_t index, struct counter *c)
{
	struct dpvs_stat_info info;

	dpvs_reply_record(reply, index, &info, sizeof(info));
	show_copy(info.module, sizeof(c->module), c->module);
	show_copy(info.name, sizeof(c->name), c->name);
	show_copy(info.help, sizeof(c->help), c->help);
	snprintf(c->full, sizeof(c->full), "%.23s.%.39s", c->module, c->name);
	c->drop = info.kind == DPVS_STAT_DROP;
	c->value = info.value;
}

/* The value in the round before; counters keep their places as long as the daemon runs. */
static bool
value_before(const struct dpip *d, uint32_t index, const struct counter *now, uint64_t *ret_value)
{
	struct counter then;

	if (index >= dpvs_reply_count(d->before))
		return false;
	read_counter(d->before, index, &then);
	*ret_value = then.value;
	return strcmp(then.full, now->full) == 0;
}

static void
show_counter(struct dpip *d, uint32_t index, const struct counter *c)
{
	char number[FORMAT_NUMBER_SIZE];
	uint64_t before;

	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "module", c->module);
	writer_str(&d->w, "name", c->name);
	writer_str(&d->w, "kind", c->drop ? "drop" : "event");
	writer_uint(&d->w, "value", c->value);
	show_colored(d, WRITER_NAME, c->full, 36);
	writer_text(&d->w, " %14s ", show_number(d, c->value, number));
	if (d->elapsed_s > 0) {
		bool known = value_before(d, index, c, &before);
		double rate = known ? (double)(c->value - before) / d->elapsed_s : 0;

		writer_double(&d->w, "per_second", rate);
		writer_text(&d->w, "%12.1f/s ", rate);
	}
	writer_str(&d->w, "help", c->help);
	if (c->drop)
		writer_color(&d->w, WRITER_DOWN, "drop");
	if (d->opts.statistics)
		writer_text(&d->w, "%s %s", c->drop ? "" : "    ", c->help);
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

static bool
named(const struct dpip_value *v, const struct counter *c)
{
	return !v[0].given || show_matches(v[0].text, c->module) || show_matches(v[0].text, c->full) ||
	       show_matches(v[0].text, c->name);
}

static bool
wanted(const struct dpip *d, const struct dpip_value *v, const struct counter *c, bool only_drops)
{
	return (!only_drops || c->drop) && named(v, c) && (c->value || d->opts.details);
}

static int
show(struct dpip *d, const struct dpip_value *v, bool only_drops)
{
	struct dpvs_reply *reply;
	struct counter c;
	bool found = false;
	int rc = session_get(d, DPVS_GET_STATS, NULL, 0, &reply);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < dpvs_reply_count(reply) && !found; i++) {
		read_counter(reply, i, &c);
		found = named(v, &c);
	}
	if (v[0].given && !found)
		rc = show_none("Counter", v[0].text);
	if (rc) {
		dpvs_reply_free(reply);
		return rc;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		read_counter(reply, i, &c);
		if (wanted(d, v, &c, only_drops))
			show_counter(d, i, &c);
	}
	show_close(d);
	session_keep(d, reply);
	return EXIT_OK;
}

static int
stats_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	return show(d, v, false);
}

static int
stats_drop(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	return show(d, v, true);
}

static void
read_lcore_counter(const struct dpvs_reply *reply, uint32_t index, struct dpvs_stat_lcore_info *ret_info,
		   struct counter *c)
{
	dpvs_reply_record(reply, index, ret_info, sizeof(*ret_info));
	show_copy(ret_info->module, sizeof(c->module), c->module);
	show_copy(ret_info->name, sizeof(c->name), c->name);
	snprintf(c->full, sizeof(c->full), "%.23s.%.39s", c->module, c->name);
	c->drop = ret_info->kind == DPVS_STAT_DROP;
	c->value = ret_info->value;
}

/* What each lcore has counted, as it took it itself. */
static int
stats_snapshot(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_stat_lcore_info info;
	struct dpvs_reply *reply;
	struct counter c = { 0 };
	bool found = false;
	int rc = session_ask_workers(d, verb->id, NULL, 0, &reply);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < dpvs_reply_count(reply) && !found; i++) {
		read_lcore_counter(reply, i, &info, &c);
		found = named(v, &c);
	}
	if (v[0].given && !found)
		rc = show_none("Counter", v[0].text);
	if (rc) {
		dpvs_reply_free(reply);
		return rc;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		read_lcore_counter(reply, i, &info, &c);
		if (!wanted(d, v, &c, false))
			continue;
		writer_open_object(&d->w, NULL);
		writer_pair_uint(&d->w, "lcore", "lcore", info.lcore);
		writer_pair_uint(&d->w, "generation", "generation", info.generation);
		writer_str(&d->w, "module", c.module);
		writer_str(&d->w, "name", c.name);
		writer_str(&d->w, "kind", c.drop ? "drop" : "event");
		writer_uint(&d->w, "value", c.value);
		writer_text(&d->w, "%s %" PRIu64, c.full, c.value);
		writer_text(&d->w, "\n");
		writer_close_object(&d->w);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
stats_zero(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	(void)v;
	return session_set(d, verb->id, NULL, 0);
}

static const struct dpip_verb stats_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Counters that are not zero; with -d all, with -s what each counts.",
		.params = show_params,
		.run = stats_show,
		.flags = DPIP_SHOW | DPIP_VERB_FIRST,
	},
	{
		.name = "drop",
		.help = "The same, only reasons why packets were dropped.",
		.params = show_params,
		.run = stats_drop,
		.flags = DPIP_SHOW,
	},
	{
		.name = "snapshot",
		.help = "The counters of each lcore, all of one lcore taken at one point between two packets.",
		.params = show_params,
		.run = stats_snapshot,
		.id = DPVS_GET_STATS_SNAPSHOT,
		.flags = DPIP_SHOW,
	},
	{
		.name = "zero",
		.help = "Sets all counters to zero.",
		.run = stats_zero,
		.id = DPVS_SET_STATS_ZERO,
		.flags = DPIP_ALONE,
	},
	{},
};

const struct dpip_object stats_object = {
	.name = "stats",
	.help = "named counters and drops",
	.verbs = stats_verbs,
};
