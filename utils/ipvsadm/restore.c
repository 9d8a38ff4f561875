/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -R: rules from standard input, all or none, as one transaction of the daemon. Rules go to the daemon while they are
 * read, and are carried out when all of them are right. A wrong line is named by its number; what the daemon refuses
 * comes with the number of the record, and each record's line is kept for that.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <dpvsctrl/proto/txn.h>

#include "common/error.h"
#include "common/words.h"
#include "ipvsadm/restore.h"

/* Rules between two looks at the clock. */
#define PROGRESS_STEP 16384u

/* One line of the input. Returns 0 or an exit code after an error line. @fn NULL: only to be checked. */
static int
read_rule(char *text, uint32_t number, rule_fn *fn, void *arg)
{
	char *words[WORDS_MAX + 2];
	static char name[] = "ipvsadm";
	struct problem problem;
	struct cmdline line;
	struct change change;
	char **argv = words;
	const char *base, *why;
	int argc, rc = 0;

	argc = words_split(text, words + 1, &why);
	if (argc == 0)
		return 0;
	if (argc < 0) {
		error_print("-:%u: a quote is not closed, or the line has too many words", number);
		return IPVSADM_USAGE;
	}
	if (words[1][0] != '-') {
		base = strrchr(words[1], '/');
		base = base ? base + 1 : words[1];
		if (strcmp(base, name) == 0) {
			argv++;
			argc--;
		}
	}
	argv[0] = name;
	if (cmdline_parse(argc + 1, argv, &line, &problem) < 0) {
		error_print("-:%u: %s", number,
			    problem.no_command ? "a rule starts with a command" : problem.text);
		return problem.no_command ? IPVSADM_USAGE : problem.exit_code;
	}
	if (!change_from_line(&line, &change)) {
		error_print("-:%u: the '%s' command is no rule", number, command_name(line.command));
		rc = IPVSADM_USAGE;
	} else if (fn) {
		rc = fn(arg, &change, line.command, number);
	}
	cmdline_clear(&line);
	return rc;
}

int
rules_read(FILE *file, rule_fn *fn, void *arg)
{
	int exit_code = 0;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	uint32_t number = 0;

	while ((len = getline(&text, &size, file)) >= 0) {
		int rc;

		number++;
		if (memchr(text, '\0', (size_t)len)) {
			error_print("-:%u: the line has a zero byte", number);
			rc = IPVSADM_USAGE;
		} else {
			rc = read_rule(text, number, exit_code ? NULL : fn, arg);
		}
		if (rc && exit_code == 0)
			exit_code = rc;
	}
	if (ferror(file)) {
		error_print("cannot read the rules: %s", strerror(errno));
		exit_code = IPVSADM_INTERNAL;
	}
	free(text);
	return exit_code;
}

/** struct origin: where a record of the transaction comes from. */
struct origin {
	uint32_t line;
	uint32_t command; /* enum command */
};

/** struct origins: a growing list. */
struct origins {
	struct origin *items;
	uint32_t count;
	uint32_t size;
};

/** struct zeroing: counters to be set to zero: no part of the configuration, so not of the transaction. */
struct zeroing {
	struct change *items;
	struct origins origins;
	uint32_t size;
};

/** struct restore: a transaction under way. */
struct restore {
	struct dpvs_client *client;
	struct dpvs_txn *txn; /* NULL before the first rule */
	uint32_t flags;       /* DPVS_TXN_* */
	struct origins origins;
	struct zeroing zeros;
	uint64_t start_ms;
	bool shown; /* a line of progress stands on the terminal */
};

static int
origin_add(struct origins *origins, uint32_t line, enum command command)
{
	if (origins->count == origins->size) {
		uint32_t size = origins->size ? origins->size * 2 : 1024;
		void *items = realloc(origins->items, size * sizeof(*origins->items));

		if (!items)
			return -ENOMEM;
		origins->items = items;
		origins->size = size;
	}
	origins->items[origins->count++] = (struct origin){ .line = line, .command = command };
	return 0;
}

static int
zero_add(struct zeroing *zeros, const struct change *change, uint32_t line)
{
	if (zeros->origins.count == zeros->size) {
		uint32_t size = zeros->size ? zeros->size * 2 : 16;
		void *items = realloc(zeros->items, size * sizeof(*zeros->items));

		if (!items)
			return -ENOMEM;
		zeros->items = items;
		zeros->size = size;
	}
	zeros->items[zeros->origins.count] = *change;
	return origin_add(&zeros->origins, line, CMD_ZERO);
}

/* A long restore tells how far it is, if somebody looks: after the first second, on a terminal only. */
static void
show_progress(struct restore *restore, bool read)
{
	uint32_t count = restore->origins.count;
	uint64_t spent_ms;

	if (count == 0 || (!read && count % PROGRESS_STEP) || !isatty(STDERR_FILENO))
		return;
	spent_ms = daemon_now_ms() - restore->start_ms;
	if (spent_ms < 1000)
		return;
	if (read)
		fprintf(stderr, "\r%" PRIu32 " rules read, the daemon carries them out \033[K", count);
	else
		fprintf(stderr, "\r%" PRIu32 " rules read, %" PRIu64 " per second \033[K", count,
			count * UINT64_C(1000) / spent_ms);
	restore->shown = true;
}

static void
end_progress(struct restore *restore)
{
	if (restore->shown)
		fputs("\r\033[K", stderr);
	restore->shown = false;
}

/* The error line of a transaction that failed. Returns the exit code. */
static int
report(struct restore *restore, int err, bool committing)
{
	static const struct origin none = { .command = CMD_RESTORE };
	struct dpvs_client *client = restore->client;
	uint32_t index = dpvs_client_error_index(client);
	const struct origin *origin = index < restore->origins.count ? &restore->origins.items[index] : &none;
	char place[24] = "";
	struct problem problem;

	end_progress(restore);
	if (committing && err == -EINPROGRESS) {
		error_print("the rules are committed, but a worker has not confirmed them yet; dpip verify "
			    "shows when it has");
		return IPVSADM_REFUSED;
	}
	refusal_text((enum command)origin->command, err, dpvs_client_error(client), "", &problem);
	if (committing && dpvs_client_unreachable(client)) {
		error_print("%s; ipvsadm -S shows whether the rules are in force", problem.text);
		return IPVSADM_USAGE;
	}
	if (origin->line)
		snprintf(place, sizeof(place), "-:%" PRIu32 ": ", origin->line);
	error_print("%s%s; nothing was changed", place, problem.text);
	return dpvs_client_unreachable(client) ? IPVSADM_USAGE : IPVSADM_REFUSED;
}

static int
no_memory(void)
{
	error_print("Memory allocation problem; nothing was changed");
	return IPVSADM_INTERNAL;
}

/* Begins the transaction when there is something for it. */
static int
begin(struct restore *restore)
{
	int rc;

	restore->start_ms = daemon_now_ms();
	rc = dpvs_txn_begin(restore->client, restore->flags, 0, &restore->txn);
	if (rc == -EOPNOTSUPP) {
		error_print("cannot restore the rules: this dpvsd has no transactions; use the ipvsadm that came with it");
		return IPVSADM_REFUSED;
	}
	return rc < 0 ? report(restore, rc, false) : 0;
}

static int
take_rule(void *arg, const struct change *change, enum command command, uint32_t line)
{
	struct restore *restore = arg;
	int rc = restore->txn ? 0 : begin(restore);

	if (rc)
		return rc;
	if (change->id == DPVS_SET_SERVICE_ZERO)
		return zero_add(&restore->zeros, change, line) < 0 ? no_memory() : 0;
	if (origin_add(&restore->origins, line, command) < 0)
		return no_memory();
	rc = dpvs_txn_set(restore->txn, change->id, &change->record, change->record_size,
			  change->record_size ? 1 : 0);
	if (rc < 0)
		return report(restore, rc, false);
	show_progress(restore, false);
	return 0;
}

static int
commit(struct restore *restore)
{
	int rc;

	show_progress(restore, true);
	daemon_patient_commit(restore->client);
	rc = dpvs_txn_commit(restore->txn, NULL);
	restore->txn = NULL;
	end_progress(restore);
	return rc < 0 ? report(restore, rc, true) : IPVSADM_OK;
}

/* Counters go to zero once the services are there. */
static int
set_to_zero(struct restore *restore)
{
	const struct zeroing *zeros = &restore->zeros;

	for (uint32_t i = 0; i < zeros->origins.count; i++) {
		const struct change *change = &zeros->items[i];
		struct problem problem;
		int rc = dpvs_client_set(restore->client, change->id, &change->record, change->record_size, 1);

		if (rc == 0)
			continue;
		refusal_text(CMD_ZERO, rc, dpvs_client_error(restore->client), "", &problem);
		error_print("-:%" PRIu32 ": %s; all rules that change something are in force",
			    zeros->origins.items[i].line, problem.text);
		return dpvs_client_unreachable(restore->client) ? IPVSADM_USAGE : IPVSADM_REFUSED;
	}
	return IPVSADM_OK;
}

int
restore_run(struct dpvs_client *client, const struct cmdline *options)
{
	bool sync = has_option(options, OPT_SYNC);
	struct restore restore = {
		.client = client,
		.flags = sync				 ? DPVS_TXN_SYNC :
			 has_option(options, OPT_REPLACE) ? DPVS_TXN_REPLACE :
							    DPVS_TXN_UNCHANGED,
	};
	int exit_code = rules_read(stdin, take_rule, &restore);

	/* More likely than the wish to delete all: who was to write the rules has died. */
	if (exit_code == 0 && sync && !restore.txn) {
		error_print("the input has no rules; to delete everything use \"ipvsadm -C\"; nothing was changed");
		exit_code = IPVSADM_REFUSED;
	}
	if (exit_code == 0 && restore.txn)
		exit_code = commit(&restore);
	if (exit_code == 0)
		exit_code = set_to_zero(&restore);
	end_progress(&restore);
	dpvs_txn_abort(restore.txn);
	free(restore.origins.items);
	free(restore.zeros.items);
	free(restore.zeros.origins.items);
	return exit_code;
}
