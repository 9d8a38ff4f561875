/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -R: rules from standard input, all or none.
 *
 * First every line is parsed; a wrong one is named by its number, and if there is any nothing is sent. Then
 * the changes go out in few requests: lines of the same kind are one request, and adding lines are gathered
 * by kind (services, servers, local addresses) as long as that changes nothing about their meaning. A
 * request is atomic. When one is refused, what the others did is taken back: the configuration as it was
 * before the first request is compared with the one that is there now, and the difference is applied.
 * With --replace the same comparison finds what is to be done in the first place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "ipvsadm/restore.h"

/** Most words of a rule, well above what one can have. */
#define WORDS_MAX 64

/** Records in one request; 16 MiB of body hold more. */
#define BATCH_MAX 32768u

/** What is compared to take changes back. */
#define SNAPSHOT (CONFIG_DESTS | CONFIG_LADDRS | CONFIG_TIMEOUTS | CONFIG_SORT | CONFIG_WHOLE)

/** struct batch: lines of one kind on their way; indices into struct rules. */
struct batch {
	uint32_t *lines;
	uint32_t count;
	uint32_t size;
};

/* Splits @text in place: blanks separate, quotes and backslash as in a shell. Returns the number of words or
 * -1: a quote is not closed, or too many words. */
static int
split_words(char *text, char **words)
{
	int count = 0;
	char *in = text, *out = text;

	for (;;) {
		char quote = '\0';

		in += strspn(in, " \t\r\n");
		if (*in == '\0' || *in == '#')
			return count;
		if (count == WORDS_MAX)
			return -1;
		words[count++] = out;
		for (; *in && (quote || !strchr(" \t\r\n", *in)); in++) {
			if (quote ? *in == quote : *in == '"' || *in == '\'')
				quote = quote ? '\0' : *in;
			else if (*in == '\\' && quote != '\'' && in[1])
				*out++ = *++in;
			else
				*out++ = *in;
		}
		if (quote)
			return -1;
		/* Past the blank before its place is written: out never overtakes in. */
		if (*in)
			in++;
		*out++ = '\0';
	}
}

static int
add_rule(struct rules *rules, const struct cmdline *line, uint32_t number)
{
	struct rule_line *item;

	if (rules->count == rules->size) {
		uint32_t size = rules->size ? rules->size * 2 : 1024;
		void *items = realloc(rules->items, size * sizeof(*rules->items));

		if (!items)
			return -ENOMEM;
		rules->items = items;
		rules->size = size;
	}
	item = &rules->items[rules->count];
	item->command = line->command;
	item->number = number;
	if (!change_from_line(line, &item->change))
		return -EINVAL;
	rules->count++;
	return 0;
}

/* One line of the input. Returns 0 or an exit code after an error line. */
static int
read_rule(char *text, uint32_t number, struct rules *rules)
{
	char *words[WORDS_MAX + 2];
	struct problem problem;
	struct cmdline line;
	char name[] = "ipvsadm";
	char **argv = words;
	const char *base;
	int argc, rc;

	argc = split_words(text, words + 1);
	if (argc == 0)
		return 0;
	if (argc < 0) {
		error_print("-:%u: a quote is not closed, or the line has too many words", number);
		return IPVSADM_USAGE;
	}
	base = strrchr(words[1], '/');
	base = base ? base + 1 : words[1];
	if (strcmp(base, name) == 0) {
		argv++;
		argc--;
	}
	argv[0] = name;
	argv[argc + 1] = NULL;
	if (cmdline_parse(argc + 1, argv, &line, &problem) < 0) {
		error_print("-:%u: %s", number,
			    problem.no_command ? "a rule starts with a command" : problem.text);
		return problem.no_command ? IPVSADM_USAGE : problem.exit_code;
	}
	rc = add_rule(rules, &line, number);
	if (rc == -EINVAL)
		error_print("-:%u: the '%s' command is no rule", number, command_name(line.command));
	else if (rc < 0)
		error_print("-:%u: Memory allocation problem", number);
	cmdline_clear(&line);
	return rc == -EINVAL ? IPVSADM_USAGE : rc < 0 ? IPVSADM_INTERNAL : 0;
}

int
rules_read(FILE *file, struct rules *rules)
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
			rc = read_rule(text, number, rules);
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

/* The service that a rule is about; NULL: all. */
static const struct dpvs_service_key *
rule_key(const struct rule_line *rule)
{
	switch (rule->change.id) {
	case DPVS_SET_SERVICE_FLUSH:
	case DPVS_SET_TIMEOUTS:
		return NULL;
	default:
		/* Every record starts with the key. */
		return &rule->change.record.key;
	}
}

static int
batch_add(struct batch *batch, uint32_t line)
{
	if (batch->count == batch->size) {
		uint32_t size = batch->size ? batch->size * 2 : 1024;
		void *lines = realloc(batch->lines, size * sizeof(*batch->lines));

		if (!lines)
			return -ENOMEM;
		batch->lines = lines;
		batch->size = size;
	}
	batch->lines[batch->count++] = line;
	return 0;
}

/* Sends one batch as one request. Returns 0 or a negative errno; @ret_line: the rule to blame. */
static int
batch_send(struct dpvs_client *client, const struct rules *rules, const struct batch *batch,
	   uint32_t *ret_line)
{
	const struct rule_line *first = &rules->items[batch->lines[0]];
	uint32_t size = first->change.record_size, blamed;
	char *records = calloc(batch->count, size ? size : 1);
	int rc;

	if (!records)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch->count; i++)
		memcpy(records + (size_t)i * size, &rules->items[batch->lines[i]].change.record, size);
	rc = dpvs_client_set(client, first->change.id, records, size, size ? batch->count : 0);
	free(records);
	if (rc < 0) {
		blamed = dpvs_client_error_index(client);
		*ret_line = batch->lines[blamed < batch->count ? blamed : 0];
	}
	return rc;
}

/** struct keyset: hashes of the services that gathered servers and local addresses belong to. */
struct keyset {
	uint64_t *slots; /* 0: free */
	uint32_t size;   /* a power of two */
	uint32_t count;
};

static uint64_t
key_hash(const struct dpvs_service_key *key)
{
	const uint8_t *bytes = (const uint8_t *)key;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(*key); i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash ? hash : 1;
}

/* The slot of @hash, or the free one where it goes. */
static uint64_t *
keyset_slot(const struct keyset *set, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (set->size - 1);

	while (set->slots[i] && set->slots[i] != hash)
		i = (i + 1) & (set->size - 1);
	return &set->slots[i];
}

/* Two services with the same hash only cost an early request. */
static bool
keyset_has(const struct keyset *set, const struct dpvs_service_key *key)
{
	return set->count && *keyset_slot(set, key_hash(key));
}

static int
keyset_add(struct keyset *set, const struct dpvs_service_key *key)
{
	uint64_t hash = key_hash(key);
	uint64_t *slot;

	if (set->count * 2 >= set->size) {
		struct keyset grown = { .size = set->size ? set->size * 2 : 1024, .count = set->count };

		grown.slots = calloc(grown.size, sizeof(*grown.slots));
		if (!grown.slots)
			return -ENOMEM;
		for (uint32_t i = 0; i < set->size; i++)
			if (set->slots[i])
				*keyset_slot(&grown, set->slots[i]) = set->slots[i];
		free(set->slots);
		*set = grown;
	}
	slot = keyset_slot(set, hash);
	set->count += *slot == 0;
	*slot = hash;
	return 0;
}

static void
keyset_clear(struct keyset *set)
{
	if (set->slots)
		memset(set->slots, 0, set->size * sizeof(*set->slots));
	set->count = 0;
}

/* Batches in the order in which they are sent; the last is for everything that does not add. */
enum {
	BATCH_SERVICES,
	BATCH_LADDRS,
	BATCH_SERVERS, /* after the local addresses that full-NAT servers need */
	BATCH_OTHER,
	BATCH_COUNT,
};

/** struct sender: what is gathered and what was done. */
struct sender {
	struct dpvs_client *client;
	const struct rules *rules;
	struct batch batches[BATCH_COUNT];
	struct keyset children; /* services of the gathered servers and local addresses */
	unsigned int done;      /* requests that the daemon took */
	bool late;              /* one of them is not confirmed by a worker yet */
	uint32_t sent;          /* rules in them */
	uint64_t start_ms;      /* when the first went out */
	bool shown;             /* a line of progress stands on the terminal */
};

/* A long restore tells how far it is, if somebody looks: after the first second, on a terminal only. */
static void
show_progress(struct sender *sender)
{
	uint64_t spent_ms = daemon_now_ms() - sender->start_ms;
	uint32_t rest = sender->rules->count - sender->sent;
	uint64_t rate;

	if (spent_ms < 1000 || rest == 0 || !isatty(STDERR_FILENO))
		return;
	rate = sender->sent * UINT64_C(1000) / spent_ms;
	fprintf(stderr, "\r%u of %u rules, %" PRIu64 " per second, %" PRIu64 " s left \033[K", sender->sent,
		sender->rules->count, rate, rest / (rate ? rate : 1) + 1);
	sender->shown = true;
}

static void
end_progress(struct sender *sender)
{
	if (sender->shown)
		fputs("\r\033[K", stderr);
	sender->shown = false;
}

static int
flush(struct sender *sender, uint32_t *ret_line)
{
	for (unsigned int i = 0; i < BATCH_COUNT; i++) {
		struct batch *batch = &sender->batches[i];
		int rc;

		if (batch->count == 0)
			continue;
		if (sender->done == 0)
			sender->start_ms = daemon_now_ms();
		rc = batch_send(sender->client, sender->rules, batch, ret_line);
		/* Committed all the same. */
		if (rc == -EINPROGRESS)
			sender->late = true;
		else if (rc < 0)
			return rc;
		sender->done++;
		sender->sent += batch->count;
		batch->count = 0;
		show_progress(sender);
	}
	keyset_clear(&sender->children);
	return 0;
}

static unsigned int
batch_of(const struct rule_line *rule)
{
	switch (rule->change.id) {
	case DPVS_SET_SERVICE_ADD:
		return BATCH_SERVICES;
	case DPVS_SET_DEST_ADD:
		return BATCH_SERVERS;
	case DPVS_SET_LADDR_ADD:
		return BATCH_LADDRS;
	default:
		return BATCH_OTHER;
	}
}

/* Must what is gathered go out before @rule can be gathered? */
static bool
must_flush(const struct sender *sender, const struct rule_line *rule, unsigned int kind)
{
	const struct batch *other = &sender->batches[BATCH_OTHER];

	if (sender->batches[kind].count == BATCH_MAX)
		return true;
	if (kind == BATCH_OTHER) {
		for (unsigned int i = 0; i < BATCH_OTHER; i++)
			if (sender->batches[i].count)
				return true;
		return other->count &&
		       (sender->rules->items[other->lines[0]].change.id != rule->change.id ||
			rule->change.id == DPVS_SET_SERVICE_FLUSH ||
			rule->change.id == DPVS_SET_SERVICE_ZERO || rule->change.id == DPVS_SET_TIMEOUTS);
	}
	/* A service added after its servers were: sent in this order, so that it is refused. */
	return other->count || (kind == BATCH_SERVICES && keyset_has(&sender->children, rule_key(rule)));
}

static int
send_rules(struct sender *sender, uint32_t *ret_line)
{
	for (uint32_t i = 0; i < sender->rules->count; i++) {
		const struct rule_line *rule = &sender->rules->items[i];
		unsigned int kind = batch_of(rule);
		int rc = 0;

		*ret_line = i;
		if (must_flush(sender, rule, kind))
			rc = flush(sender, ret_line);
		if (rc == 0 && (kind == BATCH_SERVERS || kind == BATCH_LADDRS))
			rc = keyset_add(&sender->children, rule_key(rule));
		if (rc == 0)
			rc = batch_add(&sender->batches[kind], i);
		if (rc < 0)
			return rc;
	}
	return flush(sender, ret_line);
}

/* Makes the configuration what it was. Returns 0 or a negative errno. */
static int
undo(struct dpvs_client *client, const struct config *before)
{
	struct changes changes = { 0 };
	struct rules rules = { 0 };
	struct sender sender = { .client = client, .rules = &rules };
	struct config now;
	uint32_t line;
	int rc = config_fetch(client, NULL, SNAPSHOT, &now);

	if (rc == 0)
		rc = config_diff(&now, before, &changes);
	if (rc == 0 && changes.count) {
		rules.items = calloc(changes.count, sizeof(*rules.items));
		if (!rules.items)
			rc = -ENOMEM;
		else
			rules.count = changes.count;
	}
	for (uint32_t i = 0; i < rules.count; i++)
		rules.items[i].change = changes.items[i];
	if (rc == 0)
		rc = send_rules(&sender, &line);
	for (unsigned int i = 0; i < BATCH_COUNT; i++)
		free(sender.batches[i].lines);
	free(sender.children.slots);
	free(rules.items);
	free(changes.items);
	config_free(&now);
	return rc;
}

static int
report(struct dpvs_client *client, const struct sender *sender, const struct config *before, int err,
       const char *why, uint32_t line)
{
	static const struct rule_line none = { .command = CMD_RESTORE };
	const struct rule_line *rule = line < sender->rules->count ? &sender->rules->items[line] : &none;
	bool unreachable = dpvs_client_unreachable(client);
	struct problem problem;
	char place[24] = "";
	int rc = 0;

	refusal_text(rule->command, err, why, "", &problem);
	if (sender->done)
		rc = unreachable ? -ECONNRESET : undo(client, before);
	/* What --replace clears or deletes comes from no line of the input. */
	if (rule->number)
		snprintf(place, sizeof(place), "-:%u: ", rule->number);
	if (rc == 0)
		error_print("%s%s; nothing was changed", place, problem.text);
	else
		error_print("%s%s; rules before it are in force (%s)", place, problem.text, strerror(-rc));
	return unreachable ? IPVSADM_USAGE : IPVSADM_REFUSED;
}

/* Carries @rules out, or what is different from them; reports and takes back what fails. */
static int
carry_out(struct dpvs_client *client, struct rules *rules, bool replace)
{
	static const struct cmdline clear = { .command = CMD_FLUSH };
	struct rules plan = { 0 };
	struct sender sender = { .client = client, .rules = rules };
	struct config before = { 0 };
	uint32_t line = 0;
	int exit_code = IPVSADM_OK;
	int rc = config_fetch(client, NULL, SNAPSHOT, &before);

	if (rc == 0 && replace) {
		rc = replace_plan(rules, &before, &plan);
		if (rc == 0) {
			sender.rules = &plan;
		} else if (rc == -EOPNOTSUPP) {
			/* In front of all others. */
			rc = add_rule(rules, &clear, 0);
			if (rc == 0) {
				struct rule_line first = rules->items[rules->count - 1];

				memmove(rules->items + 1, rules->items,
					(rules->count - 1) * sizeof(*rules->items));
				rules->items[0] = first;
			}
		}
	}
	if (rc == 0)
		rc = send_rules(&sender, &line);
	end_progress(&sender);
	if (rc < 0) {
		exit_code = report(client, &sender, &before, rc,
				   *before.error ? before.error : dpvs_client_error(client), line);
	} else if (sender.late) {
		error_print("the rules are committed, but a worker has not confirmed them yet; dpip verify "
			    "shows when it has");
		exit_code = IPVSADM_REFUSED;
	}
	for (unsigned int i = 0; i < BATCH_COUNT; i++)
		free(sender.batches[i].lines);
	free(sender.children.slots);
	free(plan.items);
	config_free(&before);
	return exit_code;
}

int
restore_run(struct dpvs_client *client, const struct cmdline *options)
{
	bool replace = has_option(options, OPT_REPLACE);
	struct rules rules = { 0 };
	int exit_code = rules_read(stdin, &rules);

	if (exit_code == 0 && (rules.count || replace))
		exit_code = carry_out(client, &rules, replace);
	free(rules.items);
	return exit_code;
}
