/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of objects, and what is made from their tables: the finding of words, help, completion.
 */
#include "dpip/table.h"

#include <string.h>

#include "dpip/args.h"
#include "dpip/options.h"

/* Objects that users of ip or DPVS know and this build does not have. */
#define LATER_OBJECT(word, text)                                                                   \
	static const struct dpip_object word##_object = { .name = #word, .help = text }

LATER_OBJECT(vlan, "802.1Q devices");
LATER_OBJECT(tunnel, "IPIP and GRE devices");
LATER_OBJECT(qsch, "queueing disciplines");
LATER_OBJECT(cls, "traffic classifiers");
LATER_OBJECT(ipset, "sets of addresses, nets and ports");
LATER_OBJECT(ipv6, "switches and counters of IPv6");
LATER_OBJECT(trace, "what would happen to a packet, and why");

static const struct dpip_object *const objects[] = {
	&link_object,	&addr_object,  &route_object,	&neigh_object, &conn_object,
	&lcore_object,	&stats_object, &graph_object,	&msg_object,   &mem_object,
	&verify_object, &monitor_object, &vlan_object,	&tunnel_object, &qsch_object,
	&cls_object,	&ipset_object, &ipv6_object,	&trace_object,	NULL,
};

const struct dpip_object *const *
table_objects(void)
{
	return objects;
}

/* Is @word one of the blank-separated @names? */
static bool
is_listed(const char *names, const char *word)
{
	size_t len = strlen(word);

	while (names && *names) {
		size_t n = strcspn(names, " ");

		if (n == len && memcmp(names, word, n) == 0)
			return true;
		names += n + strspn(names + n, " ");
	}
	return false;
}

/* How well a word fits a name: whole, as its beginning, or not. */
enum fit { FIT_NOT, FIT_PREFIX, FIT_WHOLE };

static enum fit
fit(const char *name, const char *aliases, const char *word)
{
	size_t len = strlen(word);

	if (strcmp(name, word) == 0 || is_listed(aliases, word))
		return FIT_WHOLE;
	return len && strncmp(name, word, len) == 0 ? FIT_PREFIX : FIT_NOT;
}

static void
add_other(char *others, size_t size, const char *name)
{
	size_t len = strlen(others);

	snprintf(others + len, size - len, "%s%s", len ? ", " : "", name);
}

const struct dpip_object *
table_find_object(const char *word, char *ret_others, size_t size)
{
	const struct dpip_object *found = NULL, *first = NULL;
	unsigned int count = 0;

	if (size)
		ret_others[0] = '\0';
	for (const struct dpip_object *const *o = objects; *o; o++) {
		switch (fit((*o)->name, (*o)->aliases, word)) {
		case FIT_WHOLE:
			return *o;
		case FIT_PREFIX:
			found = *o;
			count++;
			if ((*o)->flags & DPIP_FIRST)
				first = *o;
			if (size)
				add_other(ret_others, size, (*o)->name);
			break;
		case FIT_NOT:
			break;
		}
	}
	return count == 1 ? found : first;
}

const struct dpip_verb *
table_find_verb(const struct dpip_object *object, const char *word, char *ret_others, size_t size)
{
	const struct dpip_verb *found = NULL, *first = NULL;
	unsigned int count = 0;

	if (size)
		ret_others[0] = '\0';
	for (const struct dpip_verb *v = object->verbs; v && v->name; v++) {
		switch (fit(v->name, v->aliases, word)) {
		case FIT_WHOLE:
			return v;
		case FIT_PREFIX:
			found = v;
			count++;
			if (v->flags & DPIP_VERB_FIRST)
				first = v;
			if (size)
				add_other(ret_others, size, v->name);
			break;
		case FIT_NOT:
			break;
		}
	}
	return count == 1 ? found : first;
}

/* Widest line of help. */
#define HELP_COLUMNS 90

/* What stands for @p in a usage: "dev DEV", "[ mtu N ]", "[ up | down ]". */
static void
usage_of(const struct dpip_param *p, char *buf, size_t size)
{
	bool required = p->flags & DPIP_REQUIRED;
	bool bare = p->flags & (DPIP_BARE | DPIP_POSITIONAL);
	bool braces =
		p->kind == DPIP_CHOICE && !p->metavar && (required || !(p->flags & DPIP_BARE));
	char words[160];

	snprintf(buf, size, "%s%s%s%s%s%s%s", required ? "" : "[ ", bare ? "" : p->name,
		 bare ? "" : " ", braces ? "{ " : "", args_metavar(p, words, sizeof(words)),
		 braces ? " }" : "", required ? "" : " ]");
}

/* A sentence in lines of HELP_COLUMNS. */
static void
help_text(FILE *file, const char *text)
{
	int column = HELP_COLUMNS;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column + 1 + len > HELP_COLUMNS)
			column = fprintf(file, "\n           %.*s", len, text) - 1;
		else
			column += fprintf(file, " %.*s", len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', file);
}

static void
help_verb(FILE *file, const struct dpip_object *object, const struct dpip_verb *verb)
{
	int column = fprintf(file, "dpip %s %s", object->name, verb->name) + 7;
	int indent = column + 1;
	char text[256];

	for (const struct dpip_param *p = verb->params; p && p->name; p++) {
		if (p->flags & DPIP_LATER)
			continue;
		usage_of(p, text, sizeof(text));
		if (column + 1 + (int)strlen(text) > HELP_COLUMNS) {
			fprintf(file, "\n%*s", indent, "");
			column = indent;
		} else {
			fputc(' ', file);
			column++;
		}
		column += fprintf(file, "%s", text);
	}
	help_text(file, verb->help);
}

void
table_help_object(FILE *file, const struct dpip_object *object)
{
	const char *lead = "Usage:";

	if (!object->verbs) {
		fprintf(file, "\"%s\" (%s) is not supported by this build.\n", object->name,
			object->help);
		return;
	}
	for (const struct dpip_verb *v = object->verbs; v->name; v++) {
		if (!v->run)
			continue;
		fprintf(file, "%-6s ", lead);
		help_verb(file, object, v);
		lead = "";
	}
	fprintf(file, "See dpip-%s(8).\n", object->name);
}

void
table_help(FILE *file)
{
	fputs("Usage: dpip [ OPTIONS ] OBJECT { COMMAND | help } [ ARGUMENTS ]\n"
	      "       dpip [ OPTIONS ] -batch FILE\n"
	      "where  OBJECT := one of\n",
	      file);
	for (const struct dpip_object *const *o = objects; *o; o++) {
		if (!(*o)->verbs)
			continue;
		fprintf(file, "         %-8s", (*o)->name);
		for (const struct dpip_verb *v = (*o)->verbs; v->name; v++)
			if (v->run)
				fprintf(file, "%s%s", v == (*o)->verbs ? " { " : " | ", v->name);
		fprintf(file, " }  %s\n", (*o)->help);
	}
	fputs("       OPTIONS := any of\n", file);
	options_help(file);
	fputs("Objects, commands and keywords may be abbreviated. dpip OBJECT help explains one "
	      "object; see dpip(8).\n",
	      file);
}

/* Words for the value of @p. */
static void
complete_value(FILE *file, const struct dpip_param *p, bool *ret_devices)
{
	switch (p->kind) {
	case DPIP_DEV:
		*ret_devices = true;
		break;
	case DPIP_ROUTE:
		fputs("default\n", file);
		break;
	case DPIP_LIFETIME:
		fputs("forever\n", file);
		break;
	case DPIP_CHOICE:
		for (const struct dpip_word *w = p->words; w->name; w++)
			fprintf(file, "%s\n", w->name);
		break;
	default:
		break;
	}
}

/* Goes over the words of a verb as args_parse() does, but takes any value. */
static void
complete_params(FILE *file, const struct dpip_param *params, char *const *words, bool *ret_devices)
{
	bool given[DPIP_PARAMS_MAX] = { false };
	const struct dpip_param *p;

	for (; words[0] && words[1]; words++) {
		bool keyword;

		p = args_find(params, words[0], given, &keyword);
		if (!p)
			return;
		given[p - params] = true;
		if (!keyword)
			continue;
		words++;
		if (!words[1]) {
			complete_value(file, p, ret_devices);
			return;
		}
	}
	for (p = params; p && p->name; p++) {
		if (given[p - params] || (p->flags & DPIP_LATER))
			continue;
		if (p->flags & (DPIP_BARE | DPIP_POSITIONAL))
			complete_value(file, p, ret_devices);
		if (!(p->flags & DPIP_BARE))
			fprintf(file, "%s\n", p->name);
	}
}

void
table_complete(FILE *file, char *const *words, bool *ret_devices)
{
	const struct dpip_object *object;
	const struct dpip_verb *verb;

	*ret_devices = false;
	words = options_skip(file, words);
	if (!words || !words[0])
		return;
	if (!words[1] || (strcmp(words[0], "help") == 0 && !words[2])) {
		for (const struct dpip_object *const *o = objects; *o; o++)
			if ((*o)->verbs)
				fprintf(file, "%s\n", (*o)->name);
		if (!words[1])
			fputs("help\n", file);
		return;
	}
	object = table_find_object(words[0], NULL, 0);
	if (!object || !object->verbs)
		return;
	if (!words[2]) {
		for (const struct dpip_verb *v = object->verbs; v->name; v++)
			if (v->run)
				fprintf(file, "%s\n", v->name);
		fputs("help\n", file);
		return;
	}
	verb = table_find_verb(object, words[1], NULL, 0);
	if (verb)
		complete_params(file, verb->params, words + 2, ret_devices);
}
