/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the commands of a file, one a line, over one connection. Changes are gathered into one transaction of the
 * daemon, which is committed at the end of the file: all lines or none. What is to be shown after a change waits until
 * that is in force. With -force each command is a change of its own, and an error does not end the batch.
 */
#include "dpip/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/words.h"
#include "dpip/command.h"
#include "dpip/session.h"

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

/** struct origin: the line that a request of the transaction comes from. */
struct origin {
	unsigned int line;
	char *dev; /* the port that it names, or NULL */
};

/** struct later: a line that is to be run when the changes before it are in force. */
struct later {
	unsigned int line;
	char *text;
};

/** struct batch: a run of a file. */
struct batch {
	struct dpip *d;
	const char *name; /* of the file, for messages */
	struct dpvs_txn *txn; /* NULL: no change yet, or -force */
	unsigned int line;    /* that is being run */
	struct origin *origins;
	size_t num_origins;
	size_t size_origins;
	struct later *later;
	size_t num_later;
	size_t size_later;
};

/* Makes room for one more in a growing list. */
static int
reserve(void *list, size_t *size, size_t count, size_t item)
{
	size_t bigger = *size ? *size * 2 : 64;
	void *p;

	if (count < *size)
		return 0;
	p = realloc(*(void **)list, bigger * item);
	if (!p)
		return -ENOMEM;
	*(void **)list = p;
	*size = bigger;
	return 0;
}

static int
no_memory(void)
{
	error_line("Error: out of memory.");
	return EXIT_USAGE;
}

/* A line failed. Returns what the batch ends with. */
static int
line_failed(const struct batch *b, unsigned int line, int rc)
{
	error_line("Command failed %s:%u", b->name, line);
	return rc == EXIT_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_USAGE;
}

/* Says why the transaction failed, and which line is to blame. */
static int
txn_failed(struct batch *b, int err, bool committing)
{
	uint32_t index = dpvs_client_error_index(b->d->client);
	const struct origin *origin = index < b->num_origins ? &b->origins[index] : NULL;
	int rc;

	b->d->dev = origin ? origin->dev : NULL;
	rc = session_failed(b->d, err);
	if (origin)
		return line_failed(b, origin->line, rc);
	if (!committing)
		return line_failed(b, b->line, rc);
	if (rc == EXIT_UNREACHABLE)
		error_line("Whether the changes of %s are in force is not known.", b->name);
	else if (err != -EINPROGRESS)
		error_line("Commands failed %s: nothing was changed", b->name);
	return rc == EXIT_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_USAGE;
}

/* Takes a change into the transaction: what session_set() does in a batch. */
static int
batch_set(struct dpip *d, uint32_t id, const void *record, uint32_t size)
{
	struct batch *b = d->batch;
	struct origin origin = { .line = b->line };
	uint32_t index;
	int rc;

	if (!b->txn) {
		rc = session_open(d);
		if (rc)
			return rc;
		rc = dpvs_txn_begin(d->client, 0, 0, &b->txn);
		if (rc == -EOPNOTSUPP) {
			error_print("this dpvsd has no transactions; with -force each line is a change of its own");
			return EXIT_REFUSED;
		}
		if (rc < 0)
			return session_failed(d, rc);
	}
	if (reserve(&b->origins, &b->size_origins, b->num_origins, sizeof(*b->origins)) < 0)
		return no_memory();
	if (d->dev) {
		origin.dev = strdup(d->dev);
		if (!origin.dev)
			return no_memory();
	}
	b->origins[b->num_origins++] = origin;
	rc = dpvs_txn_set(b->txn, id, record, size, record ? 1 : 0);
	if (rc == 0)
		return EXIT_OK;
	/* It may be the failure of a line that went out before. */
	index = dpvs_client_error_index(d->client);
	if (index < b->num_origins) {
		b->line = b->origins[index].line;
		d->dev = b->origins[index].dev;
	}
	return session_failed(d, rc);
}

static int
run_line(struct batch *b, char *line)
{
	struct dpip *d = b->d;
	struct options saved = d->opts;
	char *words[WORDS_MAX + 1];
	const char *why;
	char err[512];
	int n, rc;

	if (words_split(line, words, &why) < 0) {
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

/*
 * A line that shows something is not run in the middle of a transaction: what it would show is neither what there was
 * nor what there will be. Nor is one that sets counters to zero, which cannot be taken back.
 */
static int
put_aside(struct batch *b, const char *line, bool *ret_aside)
{
	char *copy, *words[WORDS_MAX + 1];
	struct options opts = b->d->opts;
	const char *why;
	char err[512];
	int n;

	*ret_aside = false;
	if (!b->txn)
		return EXIT_OK;
	copy = strdup(line);
	if (!copy)
		return no_memory();
	n = words_split(copy, words, &why) > 0 ? options_parse(words, true, &opts, err, sizeof(err)) : -EINVAL;
	*ret_aside = n >= 0 && words[n] && command_waits(words + n);
	free(copy);
	if (!*ret_aside)
		return EXIT_OK;
	if (reserve(&b->later, &b->size_later, b->num_later, sizeof(*b->later)) < 0)
		return no_memory();
	copy = strdup(line);
	if (!copy)
		return no_memory();
	b->later[b->num_later++] = (struct later){ .line = b->line, .text = copy };
	return EXIT_OK;
}

/* Runs the commands of @file up to the first that fails, or with -force all. */
static int
run_file(struct batch *b, FILE *file, const char *path)
{
	unsigned int line_no = 0, first;
	int result = EXIT_OK;
	size_t size = 0;
	char *buf = NULL;
	ssize_t len;

	while ((len = read_command(file, &buf, &size, &line_no, &first)) > 0) {
		bool aside;
		int rc;

		b->line = first;
		rc = put_aside(b, buf, &aside);
		if (rc == EXIT_OK && !aside)
			rc = run_line(b, buf);
		if (rc == EXIT_OK)
			continue;
		result = line_failed(b, b->line, rc);
		if (rc == EXIT_UNREACHABLE || !b->d->opts.force)
			break;
	}
	if (len < 0) {
		error_line("Error: %s.", len == -ENOMEM ? "out of memory" : "a byte 0 is not text");
		result = line_failed(b, line_no, EXIT_USAGE);
	} else if (ferror(file)) {
		error_line("Cannot read file \"%s\": %s.", path, strerror(errno));
		result = EXIT_USAGE;
	}
	free(buf);
	return result;
}

/* Carries the changes out, and shows what was to be shown after them. */
static int
finish(struct batch *b)
{
	int rc;

	daemon_patient_commit(b->d->client);
	rc = dpvs_txn_commit(b->txn, NULL);
	b->txn = NULL;
	b->d->batch = NULL;
	b->d->set = NULL;
	if (rc < 0)
		return txn_failed(b, rc, true);
	for (size_t i = 0; i < b->num_later; i++) {
		rc = run_line(b, b->later[i].text);
		if (rc != EXIT_OK)
			return line_failed(b, b->later[i].line, rc);
	}
	return EXIT_OK;
}

int
batch_run(struct dpip *d, const char *path)
{
	struct batch b = { .d = d, .name = strcmp(path, "-") == 0 ? "(standard input)" : path };
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int result;

	if (!file) {
		error_line("Cannot open file \"%s\" for reading: %s.", path, strerror(errno));
		return EXIT_USAGE;
	}
	d->opts.batch = NULL;
	d->in_batch = true;
	if (!d->opts.force) {
		d->batch = &b;
		d->set = batch_set;
	}
	result = run_file(&b, file, path);
	if (result == EXIT_OK && b.txn)
		result = finish(&b);
	dpvs_txn_abort(b.txn);
	d->in_batch = false;
	d->batch = NULL;
	d->set = NULL;
	for (size_t i = 0; i < b.num_origins; i++)
		free(b.origins[i].dev);
	for (size_t i = 0; i < b.num_later; i++)
		free(b.later[i].text);
	free(b.origins);
	free(b.later);
	if (file != stdin)
		fclose(file);
	return result;
}
