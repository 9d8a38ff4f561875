/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a file cut into words, as a shell would.
 *
 * Thread-safety: any thread.
 */
#ifndef WORDS_H
#define WORDS_H

/** Most words of a line, well above what a command can have. */
#define WORDS_MAX 64

/**
 * words_split: cuts @line into words, in place: blanks part them, '...' and "..." keep blanks together, a
 * backslash takes the next character as it is, '#' at the start of a word begins a comment.
 * @ret_words (out): WORDS_MAX + 1 pointers into @line, NULL-ended
 * @ret_why (out): what is wrong, when it is
 * Returns: the number of words, or -EINVAL.
 */
int words_split(char *line, char *ret_words[], const char **ret_why);

#endif
