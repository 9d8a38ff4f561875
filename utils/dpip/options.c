/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of dpip. As in iproute2 a word may start with one or two hyphens and may be cut short;
 * where a beginning fits several options, the first of the table is meant.
 */
#include "dpip/options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "common/parse.h"

enum option_id {
	OPT_BATCH,
	OPT_BRIEF,
	OPT_COLOR,
	OPT_COUNT,
	OPT_DETAILS,
	OPT_FAMILY,
	OPT_FORCE,
	OPT_HELP,
	OPT_HUMAN,
	OPT_IEC,
	OPT_INET,
	OPT_INET6,
	OPT_INTERVAL,
	OPT_JSON,
	OPT_NUMERIC,
	OPT_ONELINE,
	OPT_PRETTY,
	OPT_SOCKET,
	OPT_STATISTICS,
	OPT_TIMESTAMP,
	OPT_TSHORT,
	OPT_VERSION,
	OPT_WAIT,
	OPT_COMPLETE,
	OPT_LATER,
};

/** struct option_row: one option. */
struct option_row {
	const char *name;  /**< without hyphens */
	const char *value; /**< how help writes its value; NULL: it has none */
	const char *help;  /**< NULL: not listed */
	enum option_id id;
	bool in_batch;
};

/* The order decides what an abbreviation means. */
static const struct option_row rows[] = {
	{ "4", NULL, "IPv4 only", OPT_INET, true },
	{ "6", NULL, "IPv6 only; routes: IPv6 instead of IPv4", OPT_INET6, true },
	{ "family", "inet|inet6", "the same by name", OPT_FAMILY, true },
	{ "json", NULL, "output as JSON", OPT_JSON, false },
	{ "pretty", NULL, "JSON in lines and with indentation", OPT_PRETTY, false },
	{ "statistics", NULL, "with counters", OPT_STATISTICS, true },
	{ "details", NULL, "with everything that is known", OPT_DETAILS, true },
	{ "batch", "FILE", "commands from FILE, or from standard input with -", OPT_BATCH, false },
	{ "brief", NULL, "a short table", OPT_BRIEF, true },
	{ "oneline", NULL, "each record on one line", OPT_ONELINE, true },
	{ "force", NULL, "each line of a batch by itself, also after an error", OPT_FORCE, false },
	{ "human-readable", NULL, "1.5M instead of 1500000", OPT_HUMAN, true },
	{ "help", NULL, "this help", OPT_HELP, false },
	{ "iec", NULL, "as -human-readable, in powers of 1024", OPT_IEC, true },
	{ "Numeric", NULL, "numbers instead of names", OPT_NUMERIC, true },
	{ "timestamp", NULL, "print the time before each output", OPT_TIMESTAMP, false },
	{ "tshort", NULL, "the same in ISO 8601", OPT_TSHORT, false },
	{ "color", NULL, "colours; -color=always|auto|never", OPT_COLOR, false },
	{ "socket", "PATH",
	  "the daemon's socket (default: $DPVS_SOCKET, else " DPVS_SOCKET_DEFAULT ")", OPT_SOCKET,
	  false },
	{ "wait", "SEC", "how long to wait for the daemon to be there", OPT_WAIT, false },
	{ "interval", "SEC", "repeat what is shown", OPT_INTERVAL, false },
	{ "count", "N", "how often to repeat", OPT_COUNT, false },
	{ "version", NULL, "print the version; also -V", OPT_VERSION, false },
	{ "Version", NULL, NULL, OPT_VERSION, false },
	/* What the completion script asks with. */
	{ "complete", NULL, NULL, OPT_COMPLETE, false },
	/* Of iproute2, refused with a clear text. */
	{ "ts", NULL, NULL, OPT_TSHORT, false },
	{ "netns", NULL, NULL, OPT_LATER, false },
	{ "resolve", NULL, NULL, OPT_LATER, false },
	{ "rcvbuf", NULL, NULL, OPT_LATER, false },
	{ "loops", NULL, NULL, OPT_LATER, false },
	{ "all", NULL, NULL, OPT_LATER, false },
	{ "echo", NULL, NULL, OPT_LATER, false },
	{ "0", NULL, NULL, OPT_LATER, false },
	{ "B", NULL, NULL, OPT_LATER, false },
	{ "M", NULL, NULL, OPT_LATER, false },
	{},
};

static int __attribute__((format(printf, 3, 4)))
refuse(char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The option that @word (after its hyphens, up to @len) names. */
static const struct option_row *
find_row(const char *word, size_t len)
{
	for (const struct option_row *r = rows; r->name; r++)
		if (strlen(r->name) == len && memcmp(r->name, word, len) == 0)
			return r;
	for (const struct option_row *r = rows; r->name; r++)
		if (len && r->help && strncmp(r->name, word, len) == 0)
			return r;
	for (const struct option_row *r = rows; r->name; r++)
		if (len && strncmp(r->name, word, len) == 0)
			return r;
	return NULL;
}

static int
set_family(const char *name, struct options *opts, char *err, size_t size)
{
	if (strcmp(name, "inet") == 0)
		opts->family = AF_INET;
	else if (strcmp(name, "inet6") == 0)
		opts->family = AF_INET6;
	else
		return refuse(err, size, "Error: \"%.64s\" is not a family (inet | inet6).", name);
	return 0;
}

static int
set_color(const char *mode, struct options *opts, char *err, size_t size)
{
	if (!mode)
		mode = "always";
	if (strcmp(mode, "always") != 0 && strcmp(mode, "auto") != 0 && strcmp(mode, "never") != 0)
		return refuse(err, size,
			      "Error: \"%.64s\" is not a color mode (always | auto | never).",
			      mode);
	opts->color = mode;
	return 0;
}

static int
set_number(const char *word, const char *what, unsigned int max, unsigned int *ret, char *err,
	   size_t size)
{
	struct parse_err why;
	uint32_t value;
	char name[32];

	snprintf(name, sizeof(name), "valid \"--%s\"", what);
	if (parse_u32(word, name, 1, max, &value, &why))
		return refuse(err, size, "Error: %s.", why.text);
	*ret = value;
	return 0;
}

static int
apply(const struct option_row *row, const char *value, struct options *opts, char *err, size_t size)
{
	switch (row->id) {
	case OPT_BATCH:
		opts->batch = value;
		break;
	case OPT_BRIEF:
		opts->brief = true;
		break;
	case OPT_COLOR:
		return set_color(value, opts, err, size);
	case OPT_COUNT:
		return set_number(value, "count", 1000000000, &opts->count, err, size);
	case OPT_DETAILS:
		opts->details++;
		break;
	case OPT_FAMILY:
		return set_family(value, opts, err, size);
	case OPT_FORCE:
		opts->force = true;
		break;
	case OPT_HELP:
		opts->help = true;
		break;
	case OPT_HUMAN:
		opts->human = true;
		break;
	case OPT_IEC:
		opts->iec = true;
		break;
	case OPT_INET:
		opts->family = AF_INET;
		break;
	case OPT_INET6:
		opts->family = AF_INET6;
		break;
	case OPT_INTERVAL:
		return set_number(value, "interval", 86400, &opts->interval_s, err, size);
	case OPT_JSON:
		opts->json = true;
		break;
	case OPT_NUMERIC:
		opts->numeric = true;
		break;
	case OPT_ONELINE:
		opts->oneline = true;
		break;
	case OPT_PRETTY:
		opts->pretty = true;
		break;
	case OPT_SOCKET:
		opts->daemon.socket = value;
		break;
	case OPT_STATISTICS:
		opts->statistics++;
		break;
	case OPT_TSHORT:
		opts->timestamp_short = true;
		/* fall through */
	case OPT_TIMESTAMP:
		opts->timestamp = true;
		break;
	case OPT_VERSION:
		opts->version = true;
		break;
	case OPT_WAIT:
		return set_number(value, "wait", 86400, &opts->daemon.wait_s, err, size);
	case OPT_COMPLETE:
		opts->complete = true;
		break;
	case OPT_LATER:
		return refuse(err, size, "Option \"-%s\" is not supported by this build.",
			      row->name);
	}
	return 0;
}

int
options_parse(char *const *words, bool in_batch, struct options *opts, char *err, size_t err_size)
{
	int n;

	for (n = 0; words[n] && words[n][0] == '-' && words[n][1] != '\0' && !opts->complete; n++) {
		const char *name = words[n] + (words[n][1] == '-' ? 2 : 1);
		const char *value = strchr(name, '=');
		const struct option_row *row;
		int rc;

		if (*name == '\0')
			return n + 1;
		row = find_row(name, value ? (size_t)(value - name) : strlen(name));
		if (value)
			value++;
		if (!row || (value && !row->value && row->id != OPT_COLOR))
			return refuse(err, err_size,
				      "Option \"%.64s\" is unknown, try \"dpip -help\".", words[n]);
		if (in_batch && !row->in_batch && row->id != OPT_LATER)
			return refuse(err, err_size,
				      "Option \"-%s\" cannot stand in a line of a batch.",
				      row->name);
		if (row->value && !value) {
			value = words[n + 1];
			if (!value)
				return refuse(err, err_size, "Option \"-%s\" needs a value: %s.",
					      row->name, row->value);
			n++;
		}
		rc = apply(row, value, opts, err, err_size);
		if (rc)
			return rc;
	}
	return n;
}

void
options_help(FILE *file)
{
	for (const struct option_row *r = rows; r->name; r++) {
		char left[48];
		size_t len = 1;

		if (!r->help)
			continue;
		while (find_row(r->name, len) != r)
			len++;
		if (r->name[1] == '\0')
			snprintf(left, sizeof(left), "-%s", r->name);
		else
			snprintf(left, sizeof(left), "-%.*s, --%s%s%s", (int)len, r->name, r->name,
				 r->value ? " " : "", r->value ? r->value : "");
		fprintf(file, "         %-28s %s\n", left, r->help);
	}
}

char *const *
options_skip(FILE *file, char *const *words)
{
	for (; *words && words[0][0] == '-' && words[1]; words++) {
		const char *name = words[0] + (words[0][1] == '-' ? 2 : 1);
		const struct option_row *row = find_row(name, strlen(name));

		if (!row || !row->value)
			continue;
		words++;
		if (words[1])
			continue;
		if (row->id == OPT_FAMILY)
			fputs("inet\ninet6\n", file);
		return NULL;
	}
	if (!*words || words[0][0] != '-')
		return words;
	for (const struct option_row *r = rows; r->name; r++)
		if (r->help)
			fprintf(file, "%s%s\n", strlen(r->name) > 1 ? "--" : "-", r->name);
	return NULL;
}
