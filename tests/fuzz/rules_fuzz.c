/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that ipvsadm -R reads: an error line for each wrong input, records of their right size for the others.
 */
#include <netdb.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/service.h>

#include "common/error.h"
#include "common/words.h"
#include "fuzz.h"
#include "ipvsadm/restore.h"

/* In place of libc's, which asks a name server: one name is known, and no input waits for a network. */
struct found {
	struct addrinfo info;
	struct sockaddr_storage addr;
};

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list)
{
	struct found *f;

	FUZZ_CHECK(name != NULL && service == NULL && hints != NULL);
	if (strcmp(name, "localhost") != 0)
		return EAI_NONAME;
	f = calloc(1, sizeof(*f));
	FUZZ_CHECK(f != NULL);
	f->info.ai_family = hints->ai_family;
	f->info.ai_addr = (struct sockaddr *)&f->addr;
	f->info.ai_addrlen = sizeof(f->addr);
	f->addr.ss_family = (sa_family_t)hints->ai_family;
	*ret_list = &f->info;
	return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
	free(list);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	error_set_program("ipvsadm");
	return 0;
}

static uint32_t last_line;

static int
check_rule(void *arg, const struct change *change, enum command command, uint32_t line)
{
	(void)arg;
	FUZZ_CHECK(line > last_line);
	last_line = line;
	FUZZ_CHECK(change->record_size <= sizeof(change->record));
	fuzz_touch(&change->record, change->record_size);
	FUZZ_CHECK(command_name(command) != NULL);
	return 0;
}

/* The quick way to read a line and the one for every line are of the same opinion. */
static void
compare(char *text)
{
	static char name[] = "ipvsadm";
	static struct cmdline quick, slow;
	static struct problem quick_problem, slow_problem;
	char *words[WORDS_MAX + 2];
	const char *why;
	int argc = words_split(text, words + 1, &why);
	int rc;

	if (argc < 0)
		return;
	words[0] = name;
	rc = cmdline_parse(argc + 1, words, &quick, &quick_problem);
	FUZZ_CHECK(cmdline_parse_any(argc + 1, words, &slow, &slow_problem) == rc);
	if (rc < 0) {
		FUZZ_CHECK(quick_problem.exit_code == slow_problem.exit_code);
		FUZZ_CHECK(quick_problem.no_command == slow_problem.no_command);
		FUZZ_CHECK(strcmp(quick_problem.text, slow_problem.text) == 0);
		return;
	}
	cmdline_clear(&quick);
	cmdline_clear(&slow);
	FUZZ_CHECK(memcmp(&quick, &slow, sizeof(quick)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int before = error_count();
	char *text, *line, *rest;
	FILE *file;
	int rc;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_CHECK(file != NULL);
	last_line = 0;
	rc = rules_read(file, check_rule, NULL);
	fclose(file);
	FUZZ_CHECK(rc >= 0 && (rc != 0) == (error_count() > before));
	text = fuzz_text(data, size);
	rest = text;
	while ((line = strsep(&rest, "\n")))
		compare(line);
	free(text);
	return 0;
}
