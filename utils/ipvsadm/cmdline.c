/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command line into struct cmdline. popt splits it unless it is a plain one; everything that the daemon need not be asked about
 * is checked here, with the original's words. The command comes first, then its options; what is ours and
 * long only (--socket, --wait, --json ...) may also stand before the command.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ipvsadm/options.h"

/* No command, or one that is not known: the original's answer to all of it. */
static int
try_help(struct problem *problem)
{
	problem->no_command = true;
	return problem_set(problem, IPVSADM_REFUSED,
			   "Try `ipvsadm -h' or 'ipvsadm --help' for more information.");
}

/* Commands: what popt returns and what it means here. */
static const struct {
	int val;
	enum command command;
	const char *other;
} command_vals[] = {
	{ 'A', CMD_ADD, NULL },
	{ 'E', CMD_EDIT, NULL },
	{ 'D', CMD_DEL, NULL },
	{ 'C', CMD_FLUSH, NULL },
	{ 'L', CMD_LIST, NULL },
	{ 'Z', CMD_ZERO, NULL },
	{ 'a', CMD_ADD_SERVER, NULL },
	{ 'e', CMD_EDIT_SERVER, NULL },
	{ 'd', CMD_DEL_SERVER, NULL },
	{ VAL_SET, CMD_SET, NULL },
	{ 'R', CMD_RESTORE, NULL },
	{ 'S', CMD_SAVE, NULL },
	{ 'P', CMD_ADD_LADDR, NULL },
	{ 'Q', CMD_DEL_LADDR, NULL },
	{ 'G', CMD_GET_LADDR, NULL },
	{ 'h', CMD_HELP, NULL },
	{ 'v', CMD_VERSION, NULL },
	{ VAL_START_DAEMON, CMD_OTHER, "start-daemon" },
	{ VAL_STOP_DAEMON, CMD_OTHER, "stop-daemon" },
	{ 'U', CMD_OTHER, "add-blklst" },
	{ 'V', CMD_OTHER, "del-blklst" },
	{ 'B', CMD_OTHER, "get-blklst" },
	{ 'O', CMD_OTHER, "add-whtlst" },
	{ 'Y', CMD_OTHER, "del-whtlst" },
	{ 'W', CMD_OTHER, "get-whtlst" },
};

static bool
set_command(struct cmdline *line, int val)
{
	for (size_t i = 0; i < sizeof(command_vals) / sizeof(command_vals[0]); i++) {
		if (command_vals[i].val != val)
			continue;
		line->command = command_vals[i].command;
		if (command_vals[i].other)
			mark_other(line, "command", command_vals[i].other);
		return true;
	}
	return false;
}

static bool
is_command(int val)
{
	struct cmdline scratch = { 0 };

	return set_command(&scratch, val);
}

static bool
may_come_first(int val)
{
	return val >= VAL_JSON && val <= VAL_COUNT;
}

/* Those of them that have a value. */
static bool
names_first_option(const char *word)
{
	static const char *const names[] = { "--socket", "--wait", "--interval", "--count" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0)
			return true;
	return false;
}

/* Is the command -a or -e? It decides what -b means; it is the first word that may not come before it. */
static bool
is_server_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (names_first_option(word)) {
			i++;
			continue;
		}
		if (strcmp(word, "--add-server") == 0 || strcmp(word, "--edit-server") == 0)
			return true;
		if (word[0] == '-' && word[1] == '-')
			continue;
		return word[0] == '-' && (word[1] == 'a' || word[1] == 'e');
	}
	return false;
}

/* What only the whole line shows to be wrong. */
static int
check_line(struct cmdline *line, const char *sched_flags, struct problem *problem)
{
	bool is_server = line->command == CMD_ADD_SERVER || line->command == CMD_EDIT_SERVER ||
			 line->command == CMD_DEL_SERVER;
	const char *sched = has_option(line, OPT_SCHEDULER) ? line->sched :
			    line->command == CMD_ADD	    ? "wlc" :
							      NULL;

	if (line->command != CMD_OTHER && rules_check(line, problem) < 0)
		return -1;
	if (sched_flags && sched_flags_parse(sched_flags, sched, &line->sched_flags, problem) < 0)
		return -1;
	if (has_option(line, OPT_OPS) && line->svc.proto == IPPROTO_TCP)
		return problem_set(problem, IPVSADM_USAGE,
				   "One-Packet Scheduling is only for UDP virtual services");
	if (is_server && line->fwd != DPVS_FWD_TUNNEL &&
	    (has_option(line, OPT_TUN_TYPE) || has_option(line, OPT_TUN_PORT) ||
	     has_option(line, OPT_TUN_CSUM)))
		return problem_set(problem, IPVSADM_USAGE,
				   "Tunnel options conflict with forward method");
	if (line->other)
		return problem_set(problem, IPVSADM_USAGE, "The '%s' %s is not supported by this build",
				   line->other, line->other_kind);
	if ((line->command == CMD_ADD || line->command == CMD_EDIT) && line->svc.port == 0)
		return problem_set(problem, IPVSADM_USAGE, "Zero port specified for non-persistent service");
	if (is_server && line->server.family != line->svc.vip.family)
		return problem_set(problem, IPVSADM_USAGE,
				   "Different address family is allowed only for tunneling servers");
	if (is_server && !line->server_port_given)
		line->server_port = line->svc.port;
	return 0;
}

/* What is left without a dash: three time-outs of --set, nothing else. */
static int
take_words(struct cmdline *line, poptContext ctx, struct problem *problem)
{
	uint32_t *values[] = { &line->timeouts.tcp_s, &line->timeouts.tcp_fin_s, &line->timeouts.udp_s };
	const char *word;

	if (line->command == CMD_SET) {
		for (unsigned int i = 0; i < 3; i++) {
			word = poptGetArg(ctx);
			if (!word)
				return problem_set(problem, IPVSADM_USAGE,
						   "--set option requires 3 timeout values");
			if (set_timeout(word, 0, values[i], problem) < 0)
				return -1;
		}
	}
	if (line->command == CMD_OTHER)
		return 0;
	word = poptGetArg(ctx);
	if (word)
		return problem_set(problem, IPVSADM_USAGE, "unexpected argument %s", word);
	return 0;
}

/* The options one after another. @ret_sched_flags: their word, to be checked with the scheduler. */
static int
take_options(struct cmdline *line, poptContext ctx, char **ret_sched_flags, struct problem *problem)
{
	bool has_command = false;
	int val;

	while ((val = poptGetNextOpt(ctx)) >= 0) {
		char *arg = poptGetOptArg(ctx);
		int rc = 0;

		if (is_command(val)) {
			if (has_command)
				rc = problem_set(problem, IPVSADM_USAGE, "invalid option `%s'",
						 poptBadOption(ctx, POPT_BADOPTION_NOALIAS));
			set_command(line, val);
			has_command = true;
		} else if (!has_command && !may_come_first(val)) {
			rc = try_help(problem);
		} else {
			rc = handle_option(line, val, arg, problem);
			if (val == VAL_SCHED_FLAGS && rc == 0) {
				free(*ret_sched_flags);
				*ret_sched_flags = arg;
				arg = NULL;
			}
		}
		free(arg);
		if (rc < 0)
			return -1;
		/* What stands after -h or --version does not matter. */
		if (line->command == CMD_HELP || line->command == CMD_VERSION)
			return 0;
	}
	if (val < -1 && !has_command &&
	    !names_first_option(poptBadOption(ctx, POPT_BADOPTION_NOALIAS)))
		return try_help(problem);
	if (val < -1)
		return problem_set(problem, IPVSADM_REFUSED, "%s: %s",
				   poptBadOption(ctx, POPT_BADOPTION_NOALIAS), poptStrerror(val));
	if (!has_command && poptPeekArg(ctx))
		return try_help(problem);
	return 0;
}

/* Letters of plain lines, with a value and without. */
#define PLAIN_VALUES "tusrwzF"
#define PLAIN_FLAGS "gm"

/*
 * The lines that -S writes by the hundred thousand, in which every option is a letter of its own and its value the
 * next word, need no popt, which takes many times as long: @line is filled as it would do. Returns 0, -1 with @problem
 * filled, or 1: not one of these.
 */
static int
parse_plain(int argc, char **argv, struct cmdline *line, struct problem *problem)
{
	const char *sched_flags = NULL;
	bool is_server, has_value;

	if (argc < 2 || argv[1][0] != '-' || !strchr("AEDaedPQ", argv[1][1]) || argv[1][1] == '\0' ||
	    argv[1][2] != '\0')
		return 1;
	set_command(line, argv[1][1]);
	is_server = argv[1][1] == 'a' || argv[1][1] == 'e';
	for (int i = 2; i < argc; i += 1 + has_value) {
		char letter = argv[i][0] == '-' ? argv[i][1] : '\0';
		int val = letter;

		if (letter == '\0' || argv[i][2] != '\0')
			return 1;
		has_value = strchr(PLAIN_VALUES, letter) || (letter == 'b' && !is_server);
		if (letter == 'b')
			val = is_server ? VAL_FULLNAT : VAL_SCHED_FLAGS;
		else if (!has_value && !strchr(PLAIN_FLAGS, letter))
			return 1;
		if (has_value && (i + 1 == argc || argv[i + 1][0] == '-'))
			return 1;
		if (handle_option(line, val, has_value ? argv[i + 1] : NULL, problem) < 0)
			return -1;
		if (val == VAL_SCHED_FLAGS)
			sched_flags = argv[i + 1];
	}
	return check_line(line, sched_flags, problem);
}

int
cmdline_parse(int argc, char **argv, struct cmdline *ret_line, struct problem *problem)
{
	int rc;

	problem->no_command = false;
	memset(ret_line, 0, sizeof(*ret_line));
	rc = parse_plain(argc, argv, ret_line, problem);
	return rc > 0 ? cmdline_parse_any(argc, argv, ret_line, problem) : rc;
}

int
cmdline_parse_any(int argc, char **argv, struct cmdline *ret_line, struct problem *problem)
{
	struct poptOption table[OPTION_TABLE_SIZE];
	struct cmdline line = { 0 };
	char *sched_flags = NULL;
	poptContext ctx;
	int rc;

	problem->no_command = false;
	memcpy(table, option_table, sizeof(table));
	table[is_server_command(argc, argv) ? PLACE_FULLNAT : PLACE_SCHED_FLAGS].shortName = 'b';
	/* A negative time-out is no ICMPv6 service. */
	if (argc > 1 && strcmp(argv[1], "--set") == 0)
		for (size_t i = 0; i < OPTION_TABLE_SIZE; i++)
			if (isdigit((unsigned char)table[i].shortName))
				table[i].shortName = '\0';
	ctx = poptGetContext("ipvsadm", argc, (const char **)argv, table, 0);
	if (!ctx)
		return problem_set(problem, IPVSADM_INTERNAL, "Memory allocation problem");
	rc = take_options(&line, ctx, &sched_flags, problem);
	if (rc == 0 && line.command != CMD_HELP && line.command != CMD_VERSION) {
		rc = take_words(&line, ctx, problem);
		if (rc == 0)
			rc = check_line(&line, sched_flags, problem);
	}
	free(sched_flags);
	poptFreeContext(ctx);
	if (rc < 0)
		cmdline_clear(&line);
	else
		*ret_line = line;
	return rc;
}

void
cmdline_clear(struct cmdline *line)
{
	free(line->socket);
	line->socket = NULL;
	line->daemon.socket = NULL;
}
