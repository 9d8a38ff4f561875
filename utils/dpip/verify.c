/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip verify: do all workers forward by the same configuration? First by its number, then by what is in the
 * tables that they look things up in, as the daemon compares them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include "dpip/show.h"

/* A change takes a moment, and neighbours that are learned are changes too: only who is still behind what
 * was there at first, after this many looks, is behind. */
enum {
	LOOKS = 11,
	LOOK_PAUSE_MS = 100,
};

/* Wanted: each worker has confirmed what there was at the first look. */
static bool
is_behind(const struct dpvs_verify_info *i, uint64_t generation)
{
	return i->role != DPVS_LCORE_MAIN && i->generation < generation;
}

static const char *
table_state(const struct dpvs_verify_table_info *t)
{
	return t->state == DPVS_VERIFY_EQUAL ? "ok" : t->state == DPVS_VERIFY_DIFFERENT ? "different" : "unknown";
}

/* The tables of @lcore: all of them in JSON and with -d, else those that are not what they should be. */
static void
show_tables(struct dpip *d, const struct dpvs_reply *tables, uint32_t lcore)
{
	struct dpvs_verify_table_info t;
	char module[sizeof(t.module) + 1];
	char table[sizeof(t.table) + 1];

	writer_open_array(&d->w, "tables");
	for (uint32_t i = 0; tables != NULL && i < dpvs_reply_count(tables); i++) {
		dpvs_reply_record(tables, i, &t, sizeof(t));
		if (t.lcore != lcore || (t.state == DPVS_VERIFY_EQUAL && d->opts.details == 0 && !d->opts.json))
			continue;
		writer_open_object(&d->w, NULL);
		show_copy(t.module, sizeof(t.module), module);
		show_copy(t.table, sizeof(t.table), table);
		writer_str(&d->w, "module", module);
		writer_str(&d->w, "table", table);
		writer_break(&d->w);
		writer_text(&d->w, "    %s %s ", module, table);
		writer_pair_uint(&d->w, "entries", "entries", t.entries);
		writer_pair_uint(&d->w, "expected", "expected", t.expected_entries);
		writer_str(&d->w, "state", table_state(&t));
		writer_color(&d->w, t.state == DPVS_VERIFY_EQUAL ? WRITER_UP : WRITER_DOWN, "%s", table_state(&t));
		writer_close_object(&d->w);
	}
	writer_close_array(&d->w);
}

/* How many tables of @lcore (of all: UINT32_MAX) are in @state. */
static uint32_t
count_tables(const struct dpvs_reply *tables, uint32_t lcore, uint32_t state)
{
	struct dpvs_verify_table_info t;
	uint32_t n = 0;

	for (uint32_t i = 0; tables != NULL && i < dpvs_reply_count(tables); i++) {
		dpvs_reply_record(tables, i, &t, sizeof(t));
		n += (lcore == UINT32_MAX || t.lcore == lcore) && t.state == state;
	}
	return n;
}

static void
show_one(struct dpip *d, const struct dpvs_verify_info *i, const struct dpvs_reply *tables, bool behind)
{
	const char *role = i->role == DPVS_LCORE_MAIN ? "main" : "worker";
	const char *state = "ok";

	if (behind)
		state = "behind";
	else if (count_tables(tables, i->lcore, DPVS_VERIFY_DIFFERENT) > 0)
		state = "different";
	else if (count_tables(tables, i->lcore, DPVS_VERIFY_UNKNOWN) > 0)
		state = "unknown";
	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "lcore", i->lcore);
	writer_text(&d->w, "%" PRIu32 ": ", i->lcore);
	writer_str(&d->w, "role", role);
	writer_color(&d->w, WRITER_NAME, "%s", role);
	writer_text(&d->w, " ");
	writer_pair_uint(&d->w, "generation", "generation", i->generation);
	writer_pair_uint(&d->w, "unconfirmed", "unconfirmed", i->unconfirmed);
	writer_str(&d->w, "state", state);
	writer_color(&d->w, strcmp(state, "ok") == 0 ? WRITER_UP : WRITER_DOWN, "%s", state);
	show_tables(d, tables, i->lcore);
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

/* How many of the workers in @reply are behind @generation. */
static uint32_t
count_behind(const struct dpvs_reply *reply, uint64_t generation)
{
	struct dpvs_verify_info info;
	uint32_t behind = 0;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		behind += is_behind(&info, generation);
	}
	return behind;
}

static uint64_t
main_generation(const struct dpvs_reply *reply)
{
	uint64_t generation = dpvs_reply_generation(reply);
	struct dpvs_verify_info info;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (info.role == DPVS_LCORE_MAIN)
			generation = info.generation;
	}
	return generation;
}

/* A daemon that is older than this request is no failure: then the numbers are all there is. */
static int
get_tables(struct dpip *d, struct dpvs_reply **ret_tables)
{
	*ret_tables = NULL;
	daemon_be_patient(d->client);
	if (dpvs_client_get(d->client, DPVS_GET_VERIFY_TABLES, NULL, 0, ret_tables) != -EOPNOTSUPP &&
	    *ret_tables == NULL)
		return session_ask_workers(d, DPVS_GET_VERIFY_TABLES, NULL, 0, ret_tables);
	return EXIT_OK;
}

static int
verify_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000L };
	uint32_t workers = 0, behind = 0, different, unknown;
	struct dpvs_verify_info info;
	struct dpvs_reply *reply, *tables;
	uint64_t generation = 0;
	int rc;

	for (int look = 0; look < LOOKS; look++) {
		rc = session_get(d, DPVS_GET_VERIFY, NULL, 0, &reply);

		if (rc)
			return rc;
		if (look == 0)
			generation = main_generation(reply);
		behind = count_behind(reply, generation);
		if (behind == 0 || look + 1 == LOOKS)
			break;
		dpvs_reply_free(reply);
		nanosleep(&pause, NULL);
	}
	rc = get_tables(d, &tables);
	if (rc) {
		dpvs_reply_free(reply);
		return rc;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		workers += info.role != DPVS_LCORE_MAIN;
		show_one(d, &info, tables, is_behind(&info, generation));
	}
	show_close(d);
	different = count_tables(tables, UINT32_MAX, DPVS_VERIFY_DIFFERENT);
	unknown = count_tables(tables, UINT32_MAX, DPVS_VERIFY_UNKNOWN);
	dpvs_reply_free(tables);
	dpvs_reply_free(reply);
	if (behind == 0 && different == 0 && unknown == 0)
		return EXIT_OK;
	writer_finish(&d->w);
	if (behind > 0)
		error_print("%" PRIu32 " of %" PRIu32 " workers are not at generation %" PRIu64 ".", behind,
			    workers, generation);
	else if (different > 0)
		error_print("%" PRIu32 " tables are not what they should be: restart dpvsd, and report this.",
			    different);
	else
		error_print("a worker does not say what its tables hold.");
	return EXIT_REFUSED;
}

static const struct dpip_verb verify_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "The generation of the configuration on each lcore, and tables that differ; exit "
			"code 2 when a worker is behind, or a table is not what it should be.",
		.run = verify_show,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object verify_object = {
	.name = "verify",
	.help = "do all workers have the same configuration?",
	.verbs = verify_verbs,
};
