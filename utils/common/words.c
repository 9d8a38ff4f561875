/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of a file cut into words; see words.h.
 */
#include "common/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
words_split(char *line, char *ret_words[], const char **ret_why)
{
	char *in = line, *out = line;
	int n = 0;

	for (;;) {
		char quote = '\0';

		while (is_blank(*in))
			in++;
		if (*in == '\0' || *in == '#')
			break;
		if (n == WORDS_MAX) {
			*ret_why = "too many words";
			return -EINVAL;
		}
		ret_words[n++] = out;
		/* What is written never overtakes what is read. */
		for (; *in && (quote || !is_blank(*in)); in++) {
			if (*in == '\\' && in[1] && quote != '\'')
				*out++ = *++in;
			else if (quote && *in == quote)
				quote = '\0';
			else if (!quote && (*in == '"' || *in == '\''))
				quote = *in;
			else
				*out++ = *in;
		}
		if (quote) {
			*ret_why = "a quote is not closed";
			return -EINVAL;
		}
		if (*in)
			in++;
		*out++ = '\0';
	}
	ret_words[n] = NULL;
	return n;
}
