/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip without a daemon: options, words of commands, lines of batches, the tables themselves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include "dpip/args.h"
#include "common/words.h"
#include "dpip/options.h"
#include "dpip/table.h"

/* The words of @line, which is changed. */
static char **
words_of(char *line)
{
	static char *words[WORDS_MAX + 1];
	const char *why;

	g_assert_cmpint(words_split(line, words, &why), >=, 0);
	return words;
}

static void
test_options_values(void)
{
	char line[] =
		"-6 -s -st -d -j -p --interval 5 --count=3 -c=auto --socket /x -N -iec link show";
	struct options o = { 0 };
	char err[256];

	g_assert_cmpint(options_parse(words_of(line), false, &o, err, sizeof(err)), ==, 14);
	g_assert_cmpint(o.family, ==, AF_INET6);
	g_assert_cmpuint(o.statistics, ==, 2);
	g_assert_cmpuint(o.details, ==, 1);
	g_assert_true(o.json && o.pretty && o.numeric && o.iec);
	g_assert_cmpuint(o.interval_s, ==, 5);
	g_assert_cmpuint(o.count, ==, 3);
	g_assert_cmpstr(o.color, ==, "auto");
	g_assert_cmpstr(o.daemon.socket, ==, "/x");
}

/* What an abbreviation means, as in iproute2. */
static void
test_options_short(void)
{
	char line[] = "-b f -br -fo -f inet -h -V -t -ts -o -c x";
	struct options o = { 0 };
	char err[256];

	g_assert_cmpint(options_parse(words_of(line), false, &o, err, sizeof(err)), ==, 12);
	g_assert_cmpstr(o.batch, ==, "f");
	g_assert_true(o.brief && o.force && o.human && o.version && o.oneline);
	g_assert_true(o.timestamp && o.timestamp_short);
	g_assert_false(o.help);
	g_assert_cmpint(o.family, ==, AF_INET);
	g_assert_cmpstr(o.color, ==, "always");
}

static void
test_options_bad(void)
{
	static const struct {
		const char *line;
		const char *err;
		bool in_batch;
	} rows[] = {
		{ "-zz link", "Option \"-zz\" is unknown, try \"dpip -help\".", false },
		{ "--jsonx link", "Option \"--jsonx\" is unknown, try \"dpip -help\".", false },
		{ "-json=1 link", "Option \"-json=1\" is unknown, try \"dpip -help\".", false },
		{ "-n ns link", "Option \"-netns\" is not supported by this build.", false },
		{ "-B", "Option \"-B\" is not supported by this build.", false },
		{ "-f link", "Error: \"link\" is not a family (inet | inet6).", false },
		{ "-c=blue", "Error: \"blue\" is not a color mode (always | auto | never).",
		  false },
		{ "--interval 0", "Error: \"0\" is not a valid \"--interval\" (1 to 86400).",
		  false },
		{ "--interval 1x", "Error: \"1x\" is not a valid \"--interval\" (1 to 86400).",
		  false },
		{ "--wait", "Option \"-wait\" needs a value: SEC.", false },
		{ "--count -1", "Error: \"-1\" is not a valid \"--count\" (1 to 1000000000).",
		  false },
		{ "-b f", "Option \"-batch\" cannot stand in a line of a batch.", true },
		{ "-j", "Option \"-json\" cannot stand in a line of a batch.", true },
		{ "--socket /x", "Option \"-socket\" cannot stand in a line of a batch.", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct options o = { 0 };
		char err[256] = "";
		char line[128];

		g_strlcpy(line, rows[i].line, sizeof(line));
		g_assert_cmpint(
			options_parse(words_of(line), rows[i].in_batch, &o, err, sizeof(err)), ==,
			-EINVAL);
		g_assert_cmpstr(err, ==, rows[i].err);
	}
}

static void
test_batch_split(void)
{
	static const struct {
		const char *line;
		const char *words; /* joined with | */
	} rows[] = {
		{ "", "" },
		{ "  \t ", "" },
		{ "# only a comment", "" },
		{ "link show # tail", "link|show" },
		{ "link show#no", "link|show#no" },
		{ "  a\tb  c ", "a|b|c" },
		{ "\"a b\" 'c \" d' e\\ f", "a b|c \" d|e f" },
		{ "a\"b c\"d", "ab cd" },
		{ "'' x", "|x" },
		{ "a\\\\b '\\n'", "a\\b|\\n" },
		{ "trailing\\", "trailing\\" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *line = g_strdup(rows[i].line);
		g_autofree char *joined = g_strjoinv("|", words_of(line));

		g_assert_cmpstr(joined, ==, rows[i].words);
	}
}

static void
test_batch_split_bad(void)
{
	char *words[WORDS_MAX + 1];
	char quote[] = "a 'b c", many[4 * WORDS_MAX];
	const char *why = NULL;

	g_assert_cmpint(words_split(quote, words, &why), ==, -EINVAL);
	g_assert_cmpstr(why, ==, "a quote is not closed");
	memset(many, 'x', sizeof(many));
	for (size_t i = 1; i < sizeof(many); i += 2)
		many[i] = ' ';
	many[sizeof(many) - 1] = '\0';
	g_assert_cmpint(words_split(many, words, &why), ==, -EINVAL);
	g_assert_cmpstr(why, ==, "too many words");
}

/* Parses "OBJECT VERB WORDS..." as command.c does. */
static int
parse(const char *text, int family, struct dpip_value *v, char *err, size_t size)
{
	static char line[512];
	const struct dpip_object *object;
	const struct dpip_verb *verb;
	char **words;

	g_strlcpy(line, text, sizeof(line));
	words = words_of(line);
	object = table_find_object(words[0], NULL, 0);
	g_assert_nonnull(object);
	verb = table_find_verb(object, words[1], NULL, 0);
	g_assert_nonnull(verb);
	return args_parse(verb->params, words + 2, family, v, err, size);
}

static void
test_args_values(void)
{
	struct dpip_value v[DPIP_PARAMS_MAX];
	char err[256];

	g_assert_cmpint(
		parse("addr add 192.0.2.1/24 dev dpdk0 prefered_lft 60 valid_lft forever sc host",
		      0, v, err, sizeof(err)),
		==, 0);
	g_assert_cmpint(v[0].addr.family, ==, AF_INET);
	g_assert_cmpuint(v[0].plen, ==, 24);
	g_assert_cmpstr(v[1].text, ==, "dpdk0");
	g_assert_false(v[2].given);
	g_assert_cmpuint(v[3].num, ==, UINT32_MAX);
	g_assert_cmpuint(v[4].num, ==, 60);
	g_assert_cmpuint(v[5].num, ==, 254);

	/* A port may be named like the beginning of a keyword, or, after its keyword, like one. */
	g_assert_cmpint(parse("link set m mtu 1500 up", 0, v, err, sizeof(err)), ==, 0);
	g_assert_cmpstr(v[0].text, ==, "m");
	g_assert_cmpuint(v[2].num, ==, 1500);
	g_assert_cmpuint(v[1].num, ==, 1);
	g_assert_cmpint(parse("link set dev mtu mtu 1500 down", 0, v, err, sizeof(err)), ==, 0);
	g_assert_cmpstr(v[0].text, ==, "mtu");
	g_assert_true(v[1].given && v[1].num == 0);

	g_assert_cmpint(parse("route add default via 2001:db8::1", 0, v, err, sizeof(err)), ==, 0);
	g_assert_cmpuint(v[0].addr.family, ==, 0);
	g_assert_cmpuint(v[0].plen, ==, 0);
	g_assert_cmpuint(v[1].addr.family, ==, AF_INET6);

	g_assert_cmpint(
		parse("conn show client [2001:db8::1]:443 state estab", 0, v, err, sizeof(err)), ==,
		0);
	g_assert_cmpuint(v[0].port, ==, 443);
	g_assert_cmpuint(v[4].num, ==, 1);
}

static void
test_args_bad(void)
{
	static const struct {
		const char *line;
		const char *err;
	} rows[] = {
		{ "addr add", "Not enough information: PREFIX is required." },
		{ "addr add 192.0.2.1/24",
		  "Not enough information: \"dev\" argument is required." },
		{ "addr add 192.0.2.1/24 dev", "Error: the value of \"dev\" is missing." },
		{ "addr add 192.0.2.1/33 dev x",
		  "Error: \"192.0.2.1/33\" has no valid prefix length (0 to 32)." },
		{ "addr add default dev x", "Error: \"default\" is not an IP prefix." },
		{ "addr add 192.0.2/24 dev x", "Error: \"192.0.2/24\" is not an IP prefix." },
		{ "addr add 192.0.2.1/24 dev x dev y",
		  "Error: either \"dev\" is duplicate, or \"dev\" is a garbage." },
		{ "addr add 192.0.2.1/24 dev x 192.0.2.2/24",
		  "Error: \"192.0.2.2/24\" is a garbage, nothing more is expected here." },
		{ "addr add 192.0.2.1/24 dev x valid_lft 0",
		  "Error: \"0\" is not a valid \"valid_lft\" (1 or more seconds, or "
		  "\"forever\")." },
		{ "addr add 192.0.2.1/24 dev x scope planet",
		  "Error: \"planet\" is not a valid \"scope\" (global | site | link | host)." },
		{ "addr add 192.0.2.1/24 dev x label y",
		  "Error: \"label\" is not supported by this build." },
		{ "link set x mtu 67", "Error: \"67\" is not a valid \"mtu\" (68 to 65535)." },
		{ "link set x mtu 1500x",
		  "Error: \"1500x\" is not a valid \"mtu\" (68 to 65535)." },
		{ "link set x up down",
		  "Error: either \"up|down\" is duplicate, or \"down\" is a garbage." },
		{ "link set x addr 02:00:00:00:00",
		  "Error: \"02:00:00:00:00\" is not a MAC address." },
		{ "link set x promisc maybe",
		  "Error: \"maybe\" is not a valid \"promisc\" (on | off)." },
		{ "link set x kernel on", "Error: \"kernel\" is not supported by this build." },
		{ "route get 192.0.2.0/24", "Error: \"192.0.2.0/24\" is not an IP address." },
		{ "neigh add 192.0.2.9 dev x",
		  "Not enough information: \"lladdr\" argument is required." },
		{ "conn show client 192.0.2.1:70000",
		  "Error: \"70000\" is not a port (0 to 65535)." },
		{ "conn show proto sctp", "Error: \"sctp\" is not a valid \"proto\" (tcp | udp)." },
		{ "conn show limit 0", "Error: \"0\" is not a valid \"limit\" (1 to 4294967295)." },
		{ "link show a b", "Error: \"b\" is a garbage, nothing more is expected here." },
	};
	struct dpip_value v[DPIP_PARAMS_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char err[256] = "";

		if (parse(rows[i].line, 0, v, err, sizeof(err)) == 0)
			g_error("accepted: %s", rows[i].line);
		g_assert_cmpstr(err, ==, rows[i].err);
	}
}

static void
test_args_family(void)
{
	struct dpip_value v[DPIP_PARAMS_MAX];
	char err[256];

	g_assert_cmpint(parse("addr add 192.0.2.1/24 dev x", AF_INET6, v, err, sizeof(err)), <, 0);
	g_assert_cmpint(parse("route add default dev x", AF_INET6, v, err, sizeof(err)), ==, 0);
	g_assert_cmpuint(v[0].addr.family, ==, AF_INET6);
}

static void
test_table_abbreviations(void)
{
	static const struct {
		const char *object;
		const char *verb;
		const char *object_name;
		const char *verb_name;
	} rows[] = {
		{ "a", "s", "addr", "show" },	     { "address", "lst", "addr", "show" },
		{ "l", "s", "link", "set" },	     { "l", "sh", "link", "show" },
		{ "r", "replace", "route", "set" },  { "r", "d", "route", "del" },
		{ "neighbour", "c", "neigh", NULL }, { "n", "change", "neigh", "replace" },
		{ "c", "c", "conn", "count" },	     { "lc", "s", "lcore", "show" },
		{ "g", "d", "graph", "dot" },	     { "st", "drop", "stats", "drop" },
		{ "ver", "show", "verify", "show" }, { "m", NULL, NULL, NULL },
		{ "x", NULL, NULL, NULL },	     { "", NULL, NULL, NULL },
		{ "addr", "", "addr", NULL },	     { "addr", "x", "addr", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char others[256];
		const struct dpip_object *o =
			table_find_object(rows[i].object, others, sizeof(others));
		const struct dpip_verb *v;

		g_assert_cmpstr(o ? o->name : NULL, ==, rows[i].object_name);
		if (!o || !rows[i].verb)
			continue;
		v = table_find_verb(o, rows[i].verb, others, sizeof(others));
		g_assert_cmpstr(v ? v->name : NULL, ==, rows[i].verb_name);
	}
}

/* What the code that walks the tables relies on. */
static void
test_table_sane(void)
{
	for (const struct dpip_object *const *o = table_objects(); *o; o++) {
		g_assert_cmpint(strlen((*o)->help), >, 0);
		for (const struct dpip_verb *v = (*o)->verbs; v && v->name; v++) {
			g_assert_nonnull(v->help);
			g_assert_cmpuint(args_count(v->params), <=, DPIP_PARAMS_MAX);
			for (const struct dpip_param *p = v->params; p && p->name; p++) {
				g_assert_true((p->kind == DPIP_CHOICE) == (p->words != NULL));
				if (p->kind == DPIP_TEXT || p->kind == DPIP_UINT)
					g_assert_cmpuint(p->max, >, p->min);
				if (p->flags & DPIP_BARE)
					g_assert_cmpint(p->kind, ==, DPIP_CHOICE);
			}
		}
	}
}

/* What completion offers for @line, with blanks between; the last word is the one to complete. */
static char *
offers(const char *line, bool *ret_devices)
{
	g_autofree char *copy = g_strdup(line);
	g_auto(GStrv) words = g_strsplit(copy, " ", -1);
	g_autofree char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	table_complete(file, words, ret_devices);
	fclose(file);
	g_strdelimit(text, "\n", ' ');
	return g_strdup(g_strchomp(text));
}

static void
test_complete(void)
{
	static const struct {
		const char *line;
		const char *words;
		bool devices;
	} rows[] = {
		{ "addr ", "show add set del flush pools zero-pools help", false },
		{ "-s -6 a", "link addr route neigh conn lcore stats graph msg mem verify monitor help",
		  false },
		{ "-f ", "inet inet6", false },
		{ "--socket ", "", false },
		{ "addr show ", "dev", true },
		{ "addr add 192.0.2.1/24 dev ", "", true },
		{ "addr add 192.0.2.1/24 dev x scope ", "global site link host", false },
		{ "link set x ", "up down mtu addr promisc allmulticast", false },
		{ "link set x up promisc ", "on off", false },
		{ "route add ", "default to via dev src mtu metric scope", false },
		{ "vlan ", "", false },
		{ "nonsense ", "", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		bool devices;
		g_autofree char *got = offers(rows[i].line, &devices);

		g_assert_cmpstr(got, ==, rows[i].words);
		g_assert_cmpint(devices, ==, rows[i].devices);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dpip/options/values", test_options_values);
	g_test_add_func("/dpip/options/short", test_options_short);
	g_test_add_func("/dpip/options/bad", test_options_bad);
	g_test_add_func("/dpip/batch/split", test_batch_split);
	g_test_add_func("/dpip/batch/split bad", test_batch_split_bad);
	g_test_add_func("/dpip/args/values", test_args_values);
	g_test_add_func("/dpip/args/bad", test_args_bad);
	g_test_add_func("/dpip/args/family", test_args_family);
	g_test_add_func("/dpip/table/abbreviations", test_table_abbreviations);
	g_test_add_func("/dpip/table/sane", test_table_sane);
	g_test_add_func("/dpip/complete", test_complete);
	return g_test_run();
}
