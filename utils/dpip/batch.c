/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the commands of a file, one a line, over one connection. Each command is a change of its
 * own: what came before the line that failed has happened.
 */
#include "dpip/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpip/command.h"
#include "dpip/session.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
batch_split(char *line, char *ret_words[], const char **ret_why)
{
	char *in = line, *out = line;
	int n = 0;

	for (;;) {
		char quote = '\0';

		while (is_blank(*in))
			in++;
		if (*in == '\0' || *in == '#')
			break;
		if (n == BATCH_WORDS_MAX) {
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

/* Takes the newline off, and a backslash before it: true when the command goes on in the next line.
 */
static bool
chop(char *line, size_t *len)
{
	size_t slashes = 0;

	while (*len && (line[*len - 1] == '\n' || line[*len - 1] == '\r'))
		(*len)--;
	while (slashes < *len && line[*len - 1 - slashes] == '\\')
		slashes++;
	if (slashes % 2)
		line[*len - 1] = ' ';
	line[*len] = '\0';
	return slashes % 2;
}

/*
 * Reads a command, which may go over several lines, into *buf.
 * Returns: its length, 0 at the end of the file, -ENOMEM, -EINVAL for a byte 0, which no word can
 * hold.
 */
static ssize_t
read_command(FILE *file, char **buf, size_t *size, unsigned int *line_no, unsigned int *ret_first)
{
	char *line = NULL;
	size_t line_size = 0, used = 0;
	bool more = true;
	ssize_t got = 0;

	*ret_first = *line_no + 1;
	while (more && (got = getline(&line, &line_size, file)) > 0) {
		size_t len = (size_t)got;

		(*line_no)++;
		if (memchr(line, '\0', len)) {
			free(line);
			return -EINVAL;
		}
		more = chop(line, &len);
		if (used + len + 2 > *size) {
			char *bigger = realloc(*buf, used + len + 2);

			if (!bigger) {
				free(line);
				return -ENOMEM;
			}
			*buf = bigger;
			*size = used + len + 2;
		}
		memcpy(*buf + used, line, len);
		used += len;
		(*buf)[used++] = ' ';
		(*buf)[used] = '\0';
	}
	free(line);
	return (ssize_t)used;
}

static int
run_line(struct dpip *d, char *line)
{
	struct options saved = d->opts;
	char *words[BATCH_WORDS_MAX + 1];
	const char *why;
	char err[512];
	int n, rc;

	if (batch_split(line, words, &why) < 0) {
		error_line("Error: %s.", why);
		return EXIT_USAGE;
	}
	if (!words[0])
		return EXIT_OK;
	n = options_parse(words, true, &d->opts, err, sizeof(err));
	if (n < 0) {
		error_line("%s", err);
		rc = EXIT_USAGE;
	} else if (!words[n]) {
		error_line("Error: an object is missing after the options.");
		rc = EXIT_USAGE;
	} else {
		rc = command_run(d, words + n);
	}
	d->opts = saved;
	return rc;
}

int
batch_run(struct dpip *d, const char *path)
{
	const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	unsigned int line_no = 0, first;
	int result = EXIT_OK;
	size_t size = 0;
	char *buf = NULL;
	ssize_t len;

	if (!file) {
		error_line("Cannot open file \"%s\" for reading: %s.", path, strerror(errno));
		return EXIT_USAGE;
	}
	d->opts.batch = NULL;
	while ((len = read_command(file, &buf, &size, &line_no, &first)) > 0) {
		int rc = run_line(d, buf);

		if (rc == EXIT_OK)
			continue;
		error_line("Command failed %s:%u", name, first);
		result = rc == EXIT_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_USAGE;
		if (rc == EXIT_UNREACHABLE || !d->opts.force)
			break;
	}
	if (len < 0) {
		error_line("Error: %s.", len == -ENOMEM ? "out of memory" : "a byte 0 is not text");
		error_line("Command failed %s:%u", name, line_no);
		result = EXIT_USAGE;
	} else if (ferror(file)) {
		error_line("Cannot read file \"%s\": %s.", path, strerror(errno));
		result = EXIT_USAGE;
	}
	if (file != stdin)
		fclose(file);
	free(buf);
	return result;
}
