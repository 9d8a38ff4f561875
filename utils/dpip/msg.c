/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip msg: messages between lcores, counted by type; and a message to each, to see that it answers.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

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
	uint64_t mean = m->rtts ? m->rtt_ns_total / m->rtts : 0;
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
	writer_uint(&d->w, "rtts", m->rtts);
	writer_uint(&d->w, "rtt_ns_total", m->rtt_ns_total);
	writer_uint(&d->w, "rtt_ns_mean", mean);
	writer_uint(&d->w, "rtt_ns_p99", m->rtt_ns_p99);
	writer_uint(&d->w, "rtt_ns_max", m->rtt_ns_max);
	writer_text(&d->w, " %9.1f %9.1f %9.1f\n", (double)mean / 1000, (double)m->rtt_ns_p99 / 1000,
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
	to->rtts += from->rtts;
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
	bool known = false;
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
		known |= v[MSG_LCORE].given && v[MSG_LCORE].num == m.lcore;
		if (!wanted(v, &m))
			continue;
		if (per_lcore)
			rows[count++] = m;
		else
			sum_up(rows, &count, &m);
	}
	if (v[MSG_LCORE].given && !known) {
		error_line("Lcore %" PRIu64 " does not exist.", v[MSG_LCORE].num);
		rc = EXIT_REFUSED;
	} else if (count == 0 && v[MSG_NAME].given) {
		rc = show_none("Message type", v[MSG_NAME].text);
	}
	if (rc) {
		free(rows);
		dpvs_reply_free(reply);
		return rc;
	}
	show_open(d);
	writer_text(&d->w, "%4s %-20s %-4s%s %9s %9s %9s %9s %9s %9s %9s %9s %9s\n", "TYPE", "NAME",
		    "PRIO", per_lcore ? " LCORE" : "", "SENT", "RECEIVED", "REPLIED", "FAILED",
		    "TIMEDOUT", "LATE", "MEAN-US", "P99-US", "MAX-US");
	for (uint32_t i = 0; i < count; i++) {
		char name[sizeof(m.name)];

		show_type(d, &rows[i], show_copy(rows[i].name, sizeof(name), name), per_lcore);
	}
	show_close(d);
	free(rows);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static const struct dpip_word ping_words[] = {
	{ "answered", DPVS_PING_ANSWERED },
	{ "stopped", DPVS_PING_STOPPED },
	{ "timeout", DPVS_PING_TIMEOUT },
	{ "not-sent", DPVS_PING_NOT_SENT },
	{},
};

static const struct dpip_word role_words[] = {
	{ "main", DPVS_LCORE_MAIN },
	{ "worker", DPVS_LCORE_WORKER },
	{},
};

enum { PING_LCORE, PING_COUNT, PING_TIMEOUT };

static const struct dpip_param ping_params[] = {
	[PING_LCORE] = { .name = "lcore", .kind = DPIP_UINT, .max = 65535 },
	[PING_COUNT] = { .name = "count", .kind = DPIP_UINT, .min = 1, .max = 1000000 },
	[PING_TIMEOUT] = { .name = "timeout", .metavar = "MS", .kind = DPIP_UINT, .min = 1, .max = 10000 },
	{},
};

/** struct pinged: what one lcore has answered. */
struct pinged {
	struct dpvs_ping last;
	uint64_t sent;
	uint64_t answered;
	uint64_t ns_total;
	uint64_t ns_min;
	uint64_t ns_max;
};

static void
count_ping(struct pinged *p, const struct dpvs_ping *answer)
{
	p->last = *answer;
	p->sent++;
	if (answer->state != DPVS_PING_ANSWERED)
		return;
	if (p->answered == 0 || answer->rtt_ns < p->ns_min)
		p->ns_min = answer->rtt_ns;
	if (answer->rtt_ns > p->ns_max)
		p->ns_max = answer->rtt_ns;
	p->answered++;
	p->ns_total += answer->rtt_ns;
}

static void
show_pinged(struct dpip *d, const struct pinged *p)
{
	const char *role = show_word(role_words, p->last.role), *state = show_word(ping_words, p->last.state);
	uint64_t mean = p->answered ? p->ns_total / p->answered : 0;
	char text[sizeof(p->last.text)];
	bool up = p->last.state == DPVS_PING_ANSWERED;

	show_copy(p->last.text, sizeof(text), text);
	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "lcore", p->last.lcore);
	writer_str(&d->w, "role", role ? role : "unknown");
	writer_str(&d->w, "state", state ? state : "unknown");
	writer_uint(&d->w, "sent", p->sent);
	writer_uint(&d->w, "answered", p->answered);
	writer_uint(&d->w, "rtt_ns_min", p->ns_min);
	writer_uint(&d->w, "rtt_ns_mean", mean);
	writer_uint(&d->w, "rtt_ns_max", p->ns_max);
	writer_str(&d->w, "text", text);
	writer_text(&d->w, "%5" PRIu32 " %-6s ", p->last.lcore, role ? role : "?");
	show_colored(d, up ? WRITER_UP : WRITER_DOWN, state ? state : "?", 8);
	writer_text(&d->w, " %8" PRIu64 " %8" PRIu64 " %9.1f %9.1f %9.1f  %s\n", p->sent, p->answered,
		    (double)p->ns_min / 1000, (double)mean / 1000, (double)p->ns_max / 1000, text);
	writer_close_object(&d->w);
}

static int
msg_ping(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_ping ask = { .timeout_ms = (uint32_t)v[PING_TIMEOUT].num }, answer;
	uint64_t rounds = v[PING_COUNT].given ? v[PING_COUNT].num : 1;
	struct pinged *lcores = NULL;
	uint32_t count = 0, silent = 0;
	int rc = EXIT_OK;

	if (v[PING_LCORE].given) {
		ask.flags = DPVS_PING_ONE;
		ask.lcore = (uint32_t)v[PING_LCORE].num;
	}
	memcpy(ask.text, "dpip", sizeof("dpip"));
	for (uint64_t i = 0; i < rounds; i++) {
		struct dpvs_reply *reply;

		rc = session_get(d, DPVS_GET_PING, &ask, sizeof(ask), &reply);
		if (rc)
			break;
		if (!lcores) {
			count = dpvs_reply_count(reply);
			lcores = calloc(count + 1, sizeof(*lcores));
		}
		/* Lcores do not come and go. */
		for (uint32_t k = 0; lcores && k < count && k < dpvs_reply_count(reply); k++) {
			dpvs_reply_record(reply, k, &answer, sizeof(answer));
			count_ping(&lcores[k], &answer);
		}
		dpvs_reply_free(reply);
		if (!lcores) {
			error_print("out of memory");
			rc = EXIT_USAGE;
			break;
		}
	}
	if (rc) {
		free(lcores);
		return rc;
	}
	show_open(d);
	writer_text(&d->w, "%5s %-6s %-8s %8s %8s %9s %9s %9s  %s\n", "LCORE", "ROLE", "STATE", "SENT",
		    "ANSWERED", "MIN-US", "MEAN-US", "MAX-US", "TEXT");
	for (uint32_t i = 0; i < count; i++) {
		show_pinged(d, &lcores[i]);
		silent += lcores[i].answered < lcores[i].sent;
	}
	show_close(d);
	free(lcores);
	if (silent == 0)
		return EXIT_OK;
	writer_finish(&d->w);
	error_print("%" PRIu32 " of %" PRIu32 " lcores did not answer each time.", silent, count);
	return EXIT_REFUSED;
}

static int
msg_zero(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	(void)v;
	return session_set(d, verb->id, NULL, 0);
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
	{
		.name = "ping",
		.help = "Asks each lcore for an answer; exit code 2 when one does not give it.",
		.params = ping_params,
		.run = msg_ping,
		.flags = DPIP_SHOW,
	},
	{
		.name = "zero",
		.help = "Sets the counters of messages, and the times of lcores in their handlers, to zero.",
		.run = msg_zero,
		.id = DPVS_SET_MSG_ZERO,
		.flags = DPIP_ALONE,
	},
	{},
};

const struct dpip_object msg_object = {
	.name = "msg",
	.help = "messages between lcores",
	.verbs = msg_verbs,
};
