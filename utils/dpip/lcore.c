/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip lcore: the main lcore and the workers, and how busy they are.
 */
#include <inttypes.h>

#include <dpvsctrl/proto/netif.h>

#include "dpip/show.h"

static const struct dpip_param show_params[] = {
	{
		.name = "lcore",
		.metavar = "N",
		.kind = DPIP_UINT,
		.max = 65535,
		.flags = DPIP_POSITIONAL,
	},
	{},
};

static const struct dpip_word role_words[] = {
	{ "main", DPVS_LCORE_MAIN },
	{ "worker", DPVS_LCORE_WORKER },
	{},
};

/* What this lcore had done when the round before was shown; zero in the first. */
static void
find_before(const struct dpip *d, uint32_t id, struct dpvs_lcore_info *ret_before)
{
	*ret_before = (struct dpvs_lcore_info){ 0 };
	for (uint32_t i = 0; i < dpvs_reply_count(d->before); i++) {
		dpvs_reply_record(d->before, i, ret_before, sizeof(*ret_before));
		if (ret_before->id == id)
			return;
	}
	*ret_before = (struct dpvs_lcore_info){ 0 };
}

static void
pair_count(struct dpip *d, const char *key, const char *label, uint64_t value)
{
	char buf[FORMAT_NUMBER_SIZE];

	writer_uint(&d->w, key, value);
	writer_text(&d->w, "%s %s ", label, show_number(d, value, buf));
}

static void
show_lcore(struct dpip *d, const struct dpvs_lcore_info *l)
{
	const char *role = show_word(role_words, l->role);
	struct dpvs_lcore_info before;
	uint64_t busy, all;
	double percent;

	find_before(d, l->id, &before);
	busy = l->busy_cycles - before.busy_cycles;
	all = busy + l->idle_cycles - before.idle_cycles;
	percent = 100.0 * (double)busy / (double)(all ? all : 1);

	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "lcore", l->id);
	writer_text(&d->w, "%" PRIu32 ": ", l->id);
	writer_str(&d->w, "role", role ? role : "unknown");
	writer_color(&d->w, WRITER_NAME, "%s", role ? role : "unknown");
	writer_text(&d->w, " ");
	writer_pair_uint(&d->w, "cpu", "cpu", l->cpu);
	writer_pair_uint(&d->w, "numa", "numa", l->numa);
	writer_pair_uint(&d->w, "thread", "thread", l->pid);
	writer_pair_uint(&d->w, "generation", "generation", l->generation);
	writer_break(&d->w);
	writer_text(&d->w, "    ");
	/* The main lcore waits for events: it has no loop whose turns could be counted. */
	if (all == 0) {
		writer_null(&d->w, "busy_percent");
		writer_uint(&d->w, "loops", l->loops);
		writer_uint(&d->w, "sleeps", l->sleeps);
	} else {
		writer_double(&d->w, "busy_percent", percent);
		writer_text(&d->w, "busy %.1f%% ", percent);
		pair_count(d, "loops", "loops", l->loops);
		pair_count(d, "sleeps", "sleeps", l->sleeps);
	}
	pair_count(d, "messages", "messages", l->msgs);
	pair_count(d, "involuntary_switches", "preempted", l->nivcsw);
	writer_uint(&d->w, "handler_loops", l->handler_loops);
	writer_uint(&d->w, "handler_ns_p50", l->handler_ns_p50);
	writer_uint(&d->w, "handler_ns_p999", l->handler_ns_p999);
	writer_uint(&d->w, "handler_ns_max", l->handler_ns_max);
	writer_text(&d->w, "handlers p50 %.1fus p99.9 %.1fus max %.1fus ", (double)l->handler_ns_p50 / 1000,
		    (double)l->handler_ns_p999 / 1000, (double)l->handler_ns_max / 1000);
	writer_uint(&d->w, "busy_cycles", l->busy_cycles);
	writer_uint(&d->w, "idle_cycles", l->idle_cycles);
	if (l->role == DPVS_LCORE_WORKER || writer_is_json(&d->w)) {
		writer_break(&d->w);
		writer_text(&d->w, "    ");
		pair_count(d, "rx_queues", "queues", l->rx_queues);
		pair_count(d, "rx_packets", "rx", l->rx_pkts);
		pair_count(d, "tx_packets", "tx", l->tx_pkts);
		pair_count(d, "drops", "drops", l->drops);
		pair_count(d, "handed_out", "handed_out", l->handed_out);
		pair_count(d, "handed_in", "handed_in", l->handed_in);
		pair_count(d, "connections", "connections", l->conns);
	}
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

/* Of @reply, which it takes. */
static int
show_by(struct dpip *d, struct dpvs_reply *reply, int64_t cpu, int64_t lcore)
{
	struct dpvs_lcore_info l;
	bool found = false;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &l, sizeof(l));
		found |= (cpu < 0 || l.cpu == cpu) && (lcore < 0 || l.id == lcore);
	}
	if (!found && (cpu >= 0 || lcore >= 0)) {
		if (cpu >= 0)
			error_line("No lcore runs on CPU %" PRIi64 ".", cpu);
		else
			error_line("Lcore %" PRIi64 " does not exist.", lcore);
		dpvs_reply_free(reply);
		return EXIT_REFUSED;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &l, sizeof(l));
		if ((cpu < 0 || l.cpu == cpu) && (lcore < 0 || l.id == lcore))
			show_lcore(d, &l);
	}
	show_close(d);
	session_keep(d, reply);
	return EXIT_OK;
}

int
show_lcores(struct dpip *d, int64_t cpu, int64_t lcore)
{
	struct dpvs_reply *reply;
	int rc = session_get(d, DPVS_GET_LCORE_STATS, NULL, 0, &reply);

	return rc ? rc : show_by(d, reply, cpu, lcore);
}

static int
lcore_snapshot(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_reply *reply;
	int rc = session_ask_workers(d, verb->id, NULL, 0, &reply);

	return rc ? rc : show_by(d, reply, -1, v[0].given ? (int64_t)v[0].num : -1);
}

static int
lcore_zero(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	(void)v;
	return session_set(d, verb->id, NULL, 0);
}

static int
lcore_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	return show_lcores(d, -1, v[0].given ? (int64_t)v[0].num : -1);
}

static const struct dpip_verb lcore_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Lcores, their roles, CPUs and load; with --interval the load since the "
			"line before.",
		.params = show_params,
		.run = lcore_show,
		.flags = DPIP_SHOW | DPIP_VERB_FIRST,
	},
	{
		.name = "snapshot",
		.help = "The same, with the counters of each worker taken at one point between two packets.",
		.params = show_params,
		.run = lcore_snapshot,
		.id = DPVS_GET_LCORE_SNAPSHOT,
		.flags = DPIP_SHOW,
	},
	{
		.name = "zero",
		.help = "Sets the counters of lcores to zero, but for messages.",
		.run = lcore_zero,
		.id = DPVS_SET_LCORE_ZERO,
		.flags = DPIP_ALONE,
	},
	{},
};

const struct dpip_object lcore_object = {
	.name = "lcore",
	.help = "lcores and their load",
	.verbs = lcore_verbs,
};
