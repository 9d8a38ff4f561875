/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the commands of a file. See dpip.h.
 */
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>

struct dpip;

/** Most words of one line of a batch. */
#define BATCH_WORDS_MAX 64

/**
 * batch_split: cuts @line into words, in place: blanks part them, '...' and "..." keep blanks together,
 * a backslash takes the next character as it is, '#' at the start of a word begins a comment.
 * @ret_words (out): BATCH_WORDS_MAX + 1 pointers into @line, NULL-ended
 * @ret_why (out): what is wrong, when it is
 * Returns: the number of words, or -EINVAL.
 */
int batch_split(char *line, char *ret_words[], const char **ret_why);

/**
 * batch_run: runs the commands of file @path ("-": standard input), one a line, over one connection.
 * Stops at the first that fails unless d->opts.force; a daemon out of reach always ends it.
 * Returns: EXIT_OK, EXIT_USAGE (a line failed), EXIT_UNREACHABLE.
 */
int batch_run(struct dpip *d, const char *path);

#endif
