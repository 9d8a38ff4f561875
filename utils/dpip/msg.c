/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip msg: messages between lcores, counted by type.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "dpip/show.h"

enum { MSG_NAME, MSG_LCORE };

static const struct dpip_param show_params[] = {
	[MSG_NAME] = {
		.name = "name",
		.kind = DPIP_TEXT,
		.max = 31,
		.flags = DPIP_POSITIONAL,
	},
	[MSG_LCORE] = {
		.name = "lcore",
		.kind = DPIP_UINT,
		.max = 65535,
	},
	{},
};

static const struct dpip_word prio_words[] = {
	{ "high", 0 },
	{ "norm", 1 },
	{ "low", 2 },
	{},
};

static void
show_type(struct dpip *d, const struct dpvs_msg_type_info *m, const char *name, bool with_lcore)
{
	const uint64_t counts[] = { m->sent,	    m->received,  m->replied,
				    m->send_failed, m->timed_out, m->late };
	static const char *const keys[] = { "sent",	   "received",	"replied",
					    "send_failed", "timed_out", "late" };
	const char *prio = show_word(prio_words, m->prio);
	char buf[FORMAT_NUMBER_SIZE];

	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "type", m->type);
	writer_str(&d->w, "name", name);
	writer_str(&d->w, "priority", prio ? prio : "unknown");
	writer_text(&d->w, "%4" PRIu32 " ", m->type);
	writer_color(&d->w, WRITER_NAME, "%-20s", name);
	writer_text(&d->w, " %-4s", prio ? prio : "?");
	if (with_lcore) {
		writer_uint(&d->w, "lcore", m->lcore);
		writer_text(&d->w, " %5" PRIu32, m->lcore);
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		writer_uint(&d->w, keys[i], counts[i]);
		writer_text(&d->w, " %9s", show_number(d, counts[i], buf));
	}
	writer_uint(&d->w, "rtt_ns_total", m->rtt_ns_total);
	writer_uint(&d->w, "rtt_ns_p99", m->rtt_ns_p99);
	writer_uint(&d->w, "rtt_ns_max", m->rtt_ns_max);
	writer_text(&d->w, " %9.1f %9.1f\n", (double)m->rtt_ns_p99 / 1000,
		    (double)m->rtt_ns_max / 1000);
	writer_close_object(&d->w);
}

/* Adds @from to the entry of the same type, or appends it. */
static void
sum_up(struct dpvs_msg_type_info *sums, uint32_t *count, const struct dpvs_msg_type_info *from)
{
	struct dpvs_msg_type_info *to = sums;

	while (to < sums + *count && to->type != from->type)
		to++;
	if (to == sums + *count) {
		*to = *from;
		(*count)++;
		return;
	}
	to->sent += from->sent;
	to->received += from->received;
	to->replied += from->replied;
	to->send_failed += from->send_failed;
	to->timed_out += from->timed_out;
	to->late += from->late;
	to->rtt_ns_total += from->rtt_ns_total;
	/* The slowest lcore's: percentiles do not add. */
	if (to->rtt_ns_p99 < from->rtt_ns_p99)
		to->rtt_ns_p99 = from->rtt_ns_p99;
	if (to->rtt_ns_max < from->rtt_ns_max)
		to->rtt_ns_max = from->rtt_ns_max;
}

static bool
wanted(const struct dpip_value *v, const struct dpvs_msg_type_info *m)
{
	char name[sizeof(m->name)];

	show_copy(m->name, sizeof(name), name);
	return (!v[MSG_NAME].given || show_matches(v[MSG_NAME].text, name)) &&
	       (!v[MSG_LCORE].given || v[MSG_LCORE].num == m->lcore);
}

static int
msg_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	bool per_lcore = d->opts.details || v[MSG_LCORE].given;
	struct dpvs_msg_type_info *rows, m;
	struct dpvs_reply *reply;
	uint32_t count = 0;
	int rc = session_get(d, DPVS_GET_MSG_TYPES, NULL, 0, &reply);

	if (rc)
		return rc;
	rows = calloc(dpvs_reply_count(reply) + 1, sizeof(*rows));
	if (!rows) {
		error_print("out of memory");
		dpvs_reply_free(reply);
		return EXIT_USAGE;
	}
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &m, sizeof(m));
		if (!wanted(v, &m))
			continue;
		if (per_lcore)
			rows[count++] = m;
		else
			sum_up(rows, &count, &m);
	}
	show_open(d);
	writer_text(&d->w, "%4s %-20s %-4s%s %9s %9s %9s %9s %9s %9s %9s %9s\n", "TYPE", "NAME",
		    "PRIO", per_lcore ? " LCORE" : "", "SENT", "RECEIVED", "REPLIED", "FAILED",
		    "TIMEDOUT", "LATE", "P99-US", "MAX-US");
	for (uint32_t i = 0; i < count; i++) {
		char name[sizeof(m.name)];

		show_type(d, &rows[i], show_copy(rows[i].name, sizeof(name), name), per_lcore);
	}
	show_close(d);
	free(rows);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static const struct dpip_verb msg_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Messages by type, summed over lcores; with -d each lcore's.",
		.params = show_params,
		.run = msg_show,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object msg_object = {
	.name = "msg",
	.help = "messages between lcores",
	.verbs = msg_verbs,
};
