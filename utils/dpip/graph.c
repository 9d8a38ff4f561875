/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip graph: the steps of a packet's way, what each costs, and a drawing of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "dpip/show.h"

enum { GRAPH_NODE, GRAPH_LCORE, GRAPH_ALL };

static const struct dpip_word all_word[] = {
	{ "all", 1 },
	{},
};

static const struct dpip_param show_params[] = {
	[GRAPH_NODE] = {
		.name = "node",
		.metavar = "NODE",
		.kind = DPIP_TEXT,
		.max = 63,
		.flags = DPIP_POSITIONAL,
	},
	[GRAPH_LCORE] = {
		.name = "lcore",
		.kind = DPIP_UINT,
		.max = 65535,
	},
	[GRAPH_ALL] = {
		.name = "all",
		.kind = DPIP_CHOICE,
		.words = all_word,
		.flags = DPIP_BARE,
	},
	{},
};

/** struct nodes: nodes of the graph, those of the same name put together unless asked for by lcore.
 */
struct nodes {
	struct dpvs_graph_node_info *rows;
	uint32_t count;
};

/* Is @word one of the blank-separated @words? */
static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += len)
		if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* rte_graph names a clone after its parent, with a hyphen between. */
static void
cut_clone(char *name)
{
	name[strcspn(name, "-")] = '\0';
}

/* Takes out words that repeat, and what follows the hyphen in each. */
static void
cut_next(char *next)
{
	char copy[sizeof(((struct dpvs_graph_node_info *)0)->next)];
	char *save, *out = next;

	memcpy(copy, next, sizeof(copy));
	*out = '\0';
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		size_t len;

		cut_clone(word);
		if (has_word(next, word))
			continue;
		len = strlen(word);
		if (out != next)
			*out++ = ' ';
		memcpy(out, word, len + 1);
		out += len;
	}
}

static void
read_node(const struct dpvs_reply *reply, uint32_t index, struct dpvs_graph_node_info *n)
{
	struct dpvs_graph_node_info raw;

	dpvs_reply_record(reply, index, &raw, sizeof(raw));
	*n = raw;
	show_copy(raw.name, sizeof(n->name), n->name);
	show_copy(raw.next, sizeof(n->next), n->next);
}

/* Takes off what the node had done on this lcore when the round before was shown. */
static void
subtract_before(const struct dpip *d, uint32_t index, struct dpvs_graph_node_info *n)
{
	struct dpvs_graph_node_info b;
	uint32_t count = dpvs_reply_count(d->before);

	/* Nodes keep their places unless the graph was rebuilt: look there first. */
	for (uint32_t i = 0; i < count; i++) {
		read_node(d->before, (index + i) % count, &b);
		if (b.lcore != n->lcore || strcmp(b.name, n->name) != 0)
			continue;
		/* A rebuilt graph counts from zero. */
		if (b.calls > n->calls)
			return;
		n->calls -= b.calls;
		n->pkts -= b.pkts;
		n->cycles -= b.cycles;
		return;
	}
}

static void
add_node(struct nodes *nodes, const struct dpvs_graph_node_info *n, bool per_lcore)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		struct dpvs_graph_node_info *to = &nodes->rows[i];

		if (strcmp(to->name, n->name) != 0 || (per_lcore && to->lcore != n->lcore))
			continue;
		to->calls += n->calls;
		to->pkts += n->pkts;
		to->cycles += n->cycles;
		return;
	}
	nodes->rows[nodes->count++] = *n;
}

/* Exit code; on success @nodes->rows is to be freed. */
static int
collect(struct dpip *d, const struct dpip_value *v, bool per_lcore, bool clones,
	struct nodes *nodes)
{
	struct dpvs_graph_node_info n;
	struct dpvs_reply *reply;
	int rc = session_get(d, DPVS_GET_GRAPH, NULL, 0, &reply);

	if (rc)
		return rc;
	nodes->count = 0;
	nodes->rows = calloc(dpvs_reply_count(reply) + 1, sizeof(n));
	if (!nodes->rows) {
		error_print("out of memory");
		dpvs_reply_free(reply);
		return EXIT_USAGE;
	}
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		read_node(reply, i, &n);
		subtract_before(d, i, &n);
		if (!clones) {
			cut_clone(n.name);
			cut_next(n.next);
		}
		if (v && ((v[GRAPH_NODE].given && !show_matches(v[GRAPH_NODE].text, n.name)) ||
			  (v[GRAPH_LCORE].given && v[GRAPH_LCORE].num != n.lcore)))
			continue;
		add_node(nodes, &n, per_lcore);
	}
	session_keep(d, reply);
	return EXIT_OK;
}

static void
write_next(struct dpip *d, const char *next)
{
	char copy[sizeof(((struct dpvs_graph_node_info *)0)->next)];
	char *save;

	show_copy(next, sizeof(copy), copy);
	writer_open_array(&d->w, "next");
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		writer_str(&d->w, NULL, word);
	writer_close_array(&d->w);
}

static void
write_ratio(struct dpip *d, const char *key, uint64_t part, uint64_t of, int width)
{
	if (of == 0) {
		writer_null(&d->w, key);
		writer_text(&d->w, " %*s", width, "-");
		return;
	}
	writer_double(&d->w, key, (double)part / (double)of);
	writer_text(&d->w, " %*.1f", width, (double)part / (double)of);
}

static void
show_node(struct dpip *d, const struct dpvs_graph_node_info *n, bool per_lcore, uint64_t all_cycles)
{
	char calls[FORMAT_NUMBER_SIZE], pkts[FORMAT_NUMBER_SIZE];

	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "node", n->name);
	show_colored(d, WRITER_NAME, n->name, 24);
	if (per_lcore) {
		writer_uint(&d->w, "lcore", n->lcore);
		writer_text(&d->w, " %5" PRIu32, n->lcore);
	}
	writer_uint(&d->w, "calls", n->calls);
	writer_uint(&d->w, "packets", n->pkts);
	writer_uint(&d->w, "cycles", n->cycles);
	writer_text(&d->w, " %14s %14s", show_number(d, n->calls, calls),
		    show_number(d, n->pkts, pkts));
	write_ratio(d, "packets_per_call", n->pkts, n->calls, 10);
	write_ratio(d, "cycles_per_packet", n->cycles, n->pkts, 10);
	writer_text(&d->w, " %5.1f%%\n",
		    all_cycles ? 100.0 * (double)n->cycles / (double)all_cycles : 0);
	write_next(d, n->next);
	writer_close_object(&d->w);
}

static int
graph_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	bool per_lcore = d->opts.details || v[GRAPH_LCORE].given;
	bool clones = d->opts.details || (v[GRAPH_NODE].given && strchr(v[GRAPH_NODE].text, '-'));
	uint64_t all_cycles = 0;
	struct nodes nodes;
	int rc = collect(d, v, per_lcore, clones, &nodes);

	if (rc)
		return rc;
	if (nodes.count == 0 && v[GRAPH_NODE].given)
		rc = show_none("Node", v[GRAPH_NODE].text);
	if (nodes.count == 0 && v[GRAPH_LCORE].given && rc == EXIT_OK) {
		error_line("Lcore %" PRIu64 " has no graph, or no such node.", v[GRAPH_LCORE].num);
		rc = EXIT_REFUSED;
	}
	if (rc) {
		free(nodes.rows);
		return rc;
	}
	for (uint32_t i = 0; i < nodes.count; i++)
		all_cycles += nodes.rows[i].cycles;
	show_open(d);
	writer_text(&d->w, "%-24s%s %14s %14s %10s %10s %6s\n", "NODE", per_lcore ? " LCORE" : "",
		    "CALLS", "PACKETS", "PKTS/CALL", "CYC/PKT", "CYCLES");
	for (uint32_t i = 0; i < nodes.count; i++)
		if (nodes.rows[i].calls || v[GRAPH_ALL].given || v[GRAPH_NODE].given)
			show_node(d, &nodes.rows[i], per_lcore, all_cycles);
	show_close(d);
	free(nodes.rows);
	return EXIT_OK;
}

/* Packets start in nodes that no other one leads to. */
static bool
is_source(const struct nodes *nodes, const char *name)
{
	for (uint32_t i = 0; i < nodes->count; i++)
		if (has_word(nodes->rows[i].next, name))
			return false;
	return true;
}

static const char *
fill_color(const struct nodes *nodes, const char *name)
{
	if (is_source(nodes, name))
		return "#d8f0d8";
	if (strncmp(name, "port_tx", 7) == 0)
		return "#d5e4f6";
	if (strncmp(name, "lb", 2) == 0 || strncmp(name, "xmit_", 5) == 0)
		return "#fdf0cf";
	return strcmp(name, "drop") == 0 ? "#f6d5d5" : "#ffffff";
}

/*
 * Most nodes can drop: edges to "drop" would hide all others. A red border says the same; -d draws
 * them.
 */
static void
draw_node(struct dpip *d, const struct nodes *nodes, const struct dpvs_graph_node_info *n)
{
	bool drops = !d->opts.details && has_word(n->next, "drop");
	char copy[sizeof(n->next)], number[FORMAT_NUMBER_SIZE];
	char *save;

	writer_text(&d->w, "\t\"%s\" [fillcolor=\"%s\"%s", n->name, fill_color(nodes, n->name),
		    drops ? ", color=\"#c04040\"" : "");
	if (d->opts.statistics) {
		writer_text(&d->w, ", label=\"%s\\n%s packets", n->name,
			    show_number(d, n->pkts, number));
		if (n->pkts)
			writer_text(&d->w, "\\n%.0f cycles each",
				    (double)n->cycles / (double)n->pkts);
		writer_text(&d->w, "\"");
	}
	writer_text(&d->w, "];\n");
	show_copy(n->next, sizeof(copy), copy);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (!drops || strcmp(word, "drop") != 0)
			writer_text(&d->w, "\t\"%s\" -> \"%s\";\n", n->name, word);
	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "node", n->name);
	write_next(d, n->next);
	writer_close_object(&d->w);
}

static int
graph_dot(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct nodes nodes;
	int rc = collect(d, NULL, false, d->opts.details > 0, &nodes);

	if (rc)
		return rc;
	show_open(d);
	writer_text(&d->w,
		    "digraph dpvsd {\n\trankdir=LR;\n\tfontname=\"sans-serif\";\n"
		    "\tnode [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\"];\n");
	for (uint32_t i = 0; i < nodes.count; i++) {
		if (strcmp(nodes.rows[i].name, "drop") != 0 || d->opts.details ||
		    writer_is_json(&d->w))
			draw_node(d, &nodes, &nodes.rows[i]);
		/* No edge of the graph: the way over a ring to the graph of another worker. */
		if (strcmp(nodes.rows[i].name, "handover") == 0)
			writer_text(&d->w, "\t\"handover\" -> \"handover_rx\" [style=dashed, "
					   "constraint=false];\n");
	}
	if (!d->opts.details)
		writer_text(
			&d->w,
			"\tlabel=\"green: packets start here; red border: packets may be dropped "
			"here; dashed: to another worker\";\n");
	writer_text(&d->w, "}\n");
	show_close(d);
	free(nodes.rows);
	return EXIT_OK;
}

static const struct dpip_verb graph_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Nodes that ran: calls, packets, cycles for each packet, share of all "
			"cycles; "
			"summed over workers, ports and queues, with -d apart; with all also nodes "
			"that "
			"never ran.",
		.params = show_params,
		.run = graph_show,
		.flags = DPIP_SHOW,
	},
	{
		.name = "dot",
		.help = "The running graph as a drawing for Graphviz; with -s packets and cycles "
			"in it, with -d "
			"each port and queue apart and edges to drop.",
		.run = graph_dot,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object graph_object = {
	.name = "graph",
	.help = "the packet graph and what its nodes cost",
	.verbs = graph_verbs,
};
