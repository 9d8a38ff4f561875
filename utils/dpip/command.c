/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one command: finds object and verb, reads all words, and only then asks the daemon.
 */
#include "dpip/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dpip/args.h"
#include "dpip/session.h"
#include "dpip/show.h"
#include "dpip/table.h"

/** struct round: what daemon_repeat() needs to call a verb. */
struct round {
	struct dpip *d;
	const struct dpip_verb *verb;
	const struct dpip_value *values;
	double last_s; /**< when the round before began */
};

static unsigned int
writer_flags(const struct options *o)
{
	unsigned int flags = 0;

	if (o->json)
		flags |= WRITER_JSON;
	if (o->json && o->pretty)
		flags |= WRITER_PRETTY;
	if (o->oneline)
		flags |= WRITER_ONELINE;
	if (!o->json && color_wanted(o->color, stdout))
		flags |= WRITER_COLOR;
	return flags;
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
run_once(void *ctx)
{
	struct round *r = ctx;
	struct dpip *d = r->d;
	double now = now_s();
	int rc;

	d->elapsed_s = d->round ? now - r->last_s : 0;
	r->last_s = now;
	/* Rounds are told apart, but not where somebody reads line by line. */
	if (d->round && !d->opts.json && !d->opts.oneline)
		putchar('\n');
	writer_init(&d->w, stdout, writer_flags(&d->opts));
	rc = r->verb->run(d, r->verb, r->values);
	d->round++;
	if (rc || !(r->verb->flags & DPIP_SHOW))
		return rc;
	if (writer_finish(&d->w)) {
		error_print("cannot write the output");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static bool
is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "-help") == 0 ||
	       strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
help(char *const *words)
{
	const struct dpip_object *object;

	if (!words[0]) {
		table_help(stdout);
		return EXIT_OK;
	}
	object = table_find_object(words[0], NULL, 0);
	if (!object) {
		error_line("Object \"%.64s\" is unknown, try \"dpip help\".", words[0]);
		return EXIT_USAGE;
	}
	table_help_object(stdout, object);
	return EXIT_OK;
}

static const struct dpip_object *
pick_object(const char *word)
{
	char others[256];
	const struct dpip_object *object = table_find_object(word, others, sizeof(others));

	if (object && !object->verbs) {
		error_line("Object \"%s\" is not supported by this build.", object->name);
		return NULL;
	}
	if (!object && others[0])
		error_line("Object \"%.64s\" is ambiguous: %s.", word, others);
	else if (!object)
		error_line("Object \"%.64s\" is unknown, try \"dpip help\".", word);
	return object;
}

static const struct dpip_verb *
pick_verb(const struct dpip_object *object, const char *word)
{
	char others[256];
	const struct dpip_verb *verb;

	if (!word)
		return object->verbs;
	verb = table_find_verb(object, word, others, sizeof(others));
	if (verb && !verb->run) {
		error_line("Command \"%s %s\" is not supported by this build.", object->name,
			   verb->name);
		return NULL;
	}
	if (!verb && others[0])
		error_line("Command \"%.64s\" is ambiguous: %s.", word, others);
	else if (!verb)
		error_line("Command \"%.64s\" is unknown, try \"dpip %s help\".", word,
			   object->name);
	return verb;
}

/* The port that the command names, for errors about it. */
static const char *
named_device(const struct dpip_verb *verb, const struct dpip_value *values)
{
	for (size_t i = 0; i < args_count(verb->params); i++)
		if (verb->params[i].kind == DPIP_DEV && values[i].given)
			return values[i].text;
	return NULL;
}

bool
command_waits(char *const *words)
{
	const struct dpip_object *object = table_find_object(words[0], NULL, 0);
	const struct dpip_verb *verb;

	if (!object || !object->verbs)
		return false;
	if (words[1] && is_help(words[1]))
		return false;
	verb = words[1] ? table_find_verb(object, words[1], NULL, 0) : object->verbs;
	return verb && (verb->flags & (DPIP_SHOW | DPIP_ALONE));
}

int
command_run(struct dpip *d, char *const *words)
{
	struct dpip_value values[DPIP_PARAMS_MAX];
	const struct dpip_object *object;
	const struct dpip_verb *verb;
	struct round round = { .d = d, .values = values };
	char err[512];
	int rc;

	if (is_help(words[0]))
		return help(words + 1);
	object = pick_object(words[0]);
	if (!object)
		return EXIT_USAGE;
	if (words[1] && is_help(words[1])) {
		table_help_object(stdout, object);
		return EXIT_OK;
	}
	verb = pick_verb(object, words[1]);
	if (!verb)
		return EXIT_USAGE;
	if (args_parse(verb->params, words[1] ? words + 2 : words + 1, d->opts.family, values, err,
		       sizeof(err))) {
		error_line("%s", err);
		return EXIT_USAGE;
	}
	if ((verb->flags & DPIP_FOLLOW) && d->in_batch) {
		error_line("Error: \"%s\" cannot stand in a batch.", object->name);
		return EXIT_USAGE;
	}
	if ((d->opts.interval_s || (d->opts.count && !(verb->flags & DPIP_FOLLOW))) &&
	    !(verb->flags & DPIP_SHOW)) {
		error_line("Error: --interval and --count only go with what is shown.");
		return EXIT_USAGE;
	}
	d->dev = named_device(verb, values);
	d->alone = verb->flags & DPIP_ALONE;
	d->round = 0;
	round.verb = verb;
	if (verb->flags & DPIP_FOLLOW)
		return run_once(&round);
	/* --count alone: each second. */
	if (d->opts.count && !d->opts.interval_s)
		d->opts.interval_s = 1;
	rc = daemon_repeat(d->opts.interval_s, d->opts.count, run_once, &round);
	session_keep(d, NULL);
	return rc;
}
