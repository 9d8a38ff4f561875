/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of commands; see cmd.h.
 */
#include "common/cmd.h"

#include <errno.h>
#include <string.h>

#include "common/error.h"

/* How @word fits the names in @list (blanks between): 2 one of them, 1 a beginning of one, 0 none. */
static int
fits(const char *word, const char *list)
{
	size_t len = strlen(word);
	int best = 0;

	while (list && *list) {
		size_t name_len = strcspn(list, " ");

		if (name_len >= len && memcmp(list, word, len) == 0) {
			if (name_len == len)
				return 2;
			best = 1;
		}
		list += name_len;
		list += strspn(list, " ");
	}
	return best;
}

const struct cmd *
cmd_find(const struct cmd *table, const char *word, bool *ret_ambiguous)
{
	const struct cmd *found = NULL;
	bool ambiguous = false;

	if (ret_ambiguous)
		*ret_ambiguous = false;
	if (*word == '\0')
		return NULL;
	for (const struct cmd *cmd = table; cmd->name; cmd++) {
		int fit = fits(word, cmd->name);
		int alias = fits(word, cmd->aliases);

		if (fit == 2 || alias == 2)
			return cmd;
		if (fit == 0 && alias == 0)
			continue;
		if (found)
			ambiguous = true;
		else
			found = cmd;
	}
	if (!ambiguous)
		return found;
	for (const struct cmd *cmd = table; cmd->name; cmd++)
		if (cmd->abbrev && *cmd->abbrev && fits(word, cmd->name) &&
		    strncmp(word, cmd->abbrev, strlen(cmd->abbrev)) == 0)
			return cmd;
	if (ret_ambiguous)
		*ret_ambiguous = true;
	return NULL;
}

const struct cmd *
cmd_default(const struct cmd *table)
{
	for (const struct cmd *cmd = table; cmd->name; cmd++)
		if (cmd->abbrev && *cmd->abbrev == '\0')
			return cmd;
	return NULL;
}

void
cmd_help(const struct cmd *table, const char *prefix, const struct cmd *only, FILE *file)
{
	const char *lead = "Usage: ";

	for (const struct cmd *cmd = table; cmd->name; cmd++) {
		if (only && cmd != only)
			continue;
		fprintf(file, "%s%s %s%s%s\n", lead, prefix, cmd->name,
			cmd->args && *cmd->args ? " " : "", cmd->args ? cmd->args : "");
		if (cmd->help)
			fprintf(file, "           %s\n", cmd->help);
		lead = "       ";
	}
}

static bool
is_help(const struct cmd *table, const char *word)
{
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0)
		return true;
	return word_is(word, "help") && !cmd_find(table, word, NULL);
}

int
cmd_run(const struct cmd *table, const char *prefix, void *ctx, int argc, char **argv)
{
	const struct cmd *cmd;
	bool ambiguous;

	if (argc == 0) {
		cmd = cmd_default(table);
		if (cmd)
			return cmd->fn(ctx, 0, argv);
		error_print("a command is missing, try \"%s help\"", prefix);
		return EXIT_USAGE;
	}
	if (is_help(table, argv[0])) {
		const struct cmd *only = argc > 1 ? cmd_find(table, argv[1], NULL) : NULL;

		if (argc > 1 && !only) {
			error_print("\"%s\" is unknown, try \"%s help\"", argv[1], prefix);
			return EXIT_USAGE;
		}
		cmd_help(table, prefix, only, stdout);
		return EXIT_OK;
	}
	cmd = cmd_find(table, argv[0], &ambiguous);
	if (cmd)
		return cmd->fn(ctx, argc - 1, argv + 1);
	if (ambiguous) {
		char names[256];
		size_t used = 0;

		names[0] = '\0';
		for (cmd = table; cmd->name && used < sizeof(names) - 1; cmd++)
			if (fits(argv[0], cmd->name) || fits(argv[0], cmd->aliases))
				used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
							 used ? ", " : "", cmd->name);
		error_print("\"%s\" is ambiguous: %s", argv[0], names);
	} else {
		error_print("\"%s\" is unknown, try \"%s help\"", argv[0], prefix);
	}
	return EXIT_USAGE;
}

bool
word_is(const char *word, const char *full)
{
	return *word && strncmp(word, full, strlen(word)) == 0;
}

int
word_pick(const char *word, const char *const *words, bool first)
{
	int found = -ENOENT;

	for (int i = 0; words[i]; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
		if (!word_is(word, words[i]))
			continue;
		if (found == -ENOENT)
			found = i;
		else if (!first)
			found = -EEXIST;
	}
	return found;
}

const char *
args_peek(const struct args *args)
{
	return args->argc > 0 ? args->argv[0] : NULL;
}

const char *
args_next(struct args *args)
{
	if (args->argc <= 0)
		return NULL;
	args->argc--;
	return *args->argv++;
}

const char *
args_value(struct args *args, const char *keyword)
{
	const char *word = args_next(args);

	if (!word)
		error_print("a value is missing after \"%s\"", keyword);
	return word;
}

bool
args_take(struct args *args, const char *full)
{
	if (args->argc <= 0 || !word_is(args->argv[0], full))
		return false;
	args_next(args);
	return true;
}
