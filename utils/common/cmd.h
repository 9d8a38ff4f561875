/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of commands: one table drives look-up (with abbreviations), help and completion. And a walk
 * over the words that follow a command.
 *
 *   static const struct cmd addr_verbs[] = {
 *           { "show", "list lst", "", "[dev DEV]", "list addresses", addr_show },
 *           { "add", NULL, NULL, "PREFIX dev DEV", "add an address", addr_add },
 *           {},
 *   };
 *   return cmd_run(addr_verbs, "dpip addr", ctx, argc, argv);
 *
 * Thread-safety: any thread; tables are constant.
 */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stdio.h>

/**
 * struct cmd: one command; tables end with an entry without a name.
 * @name: full word
 * @aliases: other full words, with blanks between; may be NULL; abbreviated like the name
 * @abbrev: the shortest abbreviation that means this one although others begin with it too ("l" for link
 *   beside lcore); longer ones as well. "": also meant when no word is given. NULL: none
 * @args: grammar of what follows, for help; may be NULL
 * @help: one line
 * @fn: runs it with the words after it; returns the exit code
 */
struct cmd {
	const char *name;
	const char *aliases;
	const char *abbrev;
	const char *args;
	const char *help;
	int (*fn)(void *ctx, int argc, char **argv);
};

/**
 * cmd_find: the command that @word names: exactly, or by an unambiguous beginning.
 * @ret_ambiguous (out, nullable): set when several begin with @word and none is preferred
 * Returns: the entry or NULL.
 */
const struct cmd *cmd_find(const struct cmd *table, const char *word, bool *ret_ambiguous);

/** cmd_default: the entry whose abbrev is "", or NULL. */
const struct cmd *cmd_default(const struct cmd *table);

/**
 * cmd_run: finds argv[0] and runs it with what follows; without words the default. "help" (also abbreviated,
 * when no command has the same beginning), "-h" and "--help" print the help of the table, "help WORD" one entry.
 * @prefix: words before, for help and errors: "dpip addr"
 * Returns: the command's exit code; EXIT_USAGE after an unknown or ambiguous word, with one line on stderr.
 */
int cmd_run(const struct cmd *table, const char *prefix, void *ctx, int argc, char **argv);

/** cmd_help: the table as a help text; @only (nullable): only that entry. */
void cmd_help(const struct cmd *table, const char *prefix, const struct cmd *only, FILE *file);

/** word_is: @word is @full or an abbreviation of it, at least one character. */
bool word_is(const char *word, const char *full);

/**
 * word_pick: the index of the one of @words (NULL-ended) that @word names, exactly or by an unambiguous
 * beginning; a beginning that fits several names the first of them when @first is set.
 * Returns: the index, -ENOENT or -EEXIST (ambiguous).
 */
int word_pick(const char *word, const char *const *words, bool first);

/** struct args: the words still to be read. */
struct args {
	int argc;
	char **argv;
};

/** args_next: the next word, or NULL when there is none. */
const char *args_next(struct args *args);

/** args_peek: the next word without taking it. */
const char *args_peek(const struct args *args);

/**
 * args_value: the word that must follow the keyword @keyword; NULL, with an error line, when there is none.
 */
const char *args_value(struct args *args, const char *keyword);

/** args_take: takes the next word when it is @full or an abbreviation of it. */
bool args_take(struct args *args, const char *full);

#endif
