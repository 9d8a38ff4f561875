/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command line into struct cmdline. popt splits it; everything that the daemon need not be asked about
 * is checked here, with the original's words. The command comes first, then its options; what is ours and
 * long only (--socket, --wait, --json ...) may also stand before the command.
 */
#include <ctype.h>
#include <popt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/parse.h"
#include "ipvsadm/ipvsadm.h"

/* What popt returns for an option: its letter, or one of these. */
enum {
	VAL_SET = 256,
	VAL_START_DAEMON,
	VAL_STOP_DAEMON,
	VAL_SCTP,
	VAL_PE,
	VAL_TUN_TYPE,
	VAL_TUN_PORT,
	VAL_TUN_CSUM,
	VAL_MCAST_INTERFACE,
	VAL_MCAST_GROUP,
	VAL_MCAST_PORT,
	VAL_MCAST_TTL,
	VAL_SYNC_MAXLEN,
	VAL_SYNCID,
	VAL_SCHED_FLAGS,
	VAL_FULLNAT,
	VAL_TIMEOUT,
	VAL_DAEMON,
	VAL_STATS,
	VAL_RATE,
	VAL_THRESHOLDS,
	VAL_PERSISTENT_CONN,
	VAL_TUN_INFO,
	VAL_NOSORT,
	VAL_SORT,
	VAL_EXACT,
	VAL_CONN_TIMEOUT,
	VAL_OTHER,     /* of DPVS, without a value */
	VAL_OTHER_ARG, /* likewise, with a value */
	/* These may stand before the command. */
	VAL_JSON,
	VAL_PRETTY,
	VAL_SOCKET,
	VAL_WAIT,
	VAL_INTERVAL,
	VAL_COUNT,
};

#define NO POPT_ARG_NONE, NULL
#define STR POPT_ARG_STRING, NULL
#define OPTIONAL (POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL), NULL

/* The letter -b is given to one of the first two by the command, see cmdline_parse(). */
static const struct poptOption option_table[] = {
	{ "sched-flags", '\0', STR, VAL_SCHED_FLAGS, NULL, NULL },
	{ "fullnat", '\0', NO, VAL_FULLNAT, NULL, NULL },
	{ "add-service", 'A', NO, 'A', NULL, NULL },
	{ "edit-service", 'E', NO, 'E', NULL, NULL },
	{ "delete-service", 'D', NO, 'D', NULL, NULL },
	{ "clear", 'C', NO, 'C', NULL, NULL },
	{ "list", 'L', NO, 'L', NULL, NULL },
	{ NULL, 'l', NO, 'L', NULL, NULL },
	{ "zero", 'Z', NO, 'Z', NULL, NULL },
	{ "add-server", 'a', NO, 'a', NULL, NULL },
	{ "edit-server", 'e', NO, 'e', NULL, NULL },
	{ "delete-server", 'd', NO, 'd', NULL, NULL },
	{ "set", '\0', NO, VAL_SET, NULL, NULL },
	{ "restore", 'R', NO, 'R', NULL, NULL },
	{ "save", 'S', NO, 'S', NULL, NULL },
	{ "start-daemon", '\0', NO, VAL_START_DAEMON, NULL, NULL },
	{ "stop-daemon", '\0', NO, VAL_STOP_DAEMON, NULL, NULL },
	{ "add-laddr", 'P', NO, 'P', NULL, NULL },
	{ "del-laddr", 'Q', NO, 'Q', NULL, NULL },
	{ "get-laddr", 'G', NO, 'G', NULL, NULL },
	{ "help", 'h', NO, 'h', NULL, NULL },
	{ "version", 'v', NO, 'v', NULL, NULL },
	{ "tcp-service", 't', STR, 't', NULL, NULL },
	{ "udp-service", 'u', STR, 'u', NULL, NULL },
	{ "sctp-service", '\0', STR, VAL_SCTP, NULL, NULL },
	{ "fwmark-service", 'f', STR, 'f', NULL, NULL },
	{ "icmp-service", 'q', STR, 'q', NULL, NULL },
	{ "icmpv6-service", '1', STR, '1', NULL, NULL },
	{ "ipv6", '6', NO, '6', NULL, NULL },
	{ "scheduler", 's', STR, 's', NULL, NULL },
	{ "persistent", 'p', OPTIONAL, 'p', NULL, NULL },
	{ "netmask", 'M', STR, 'M', NULL, NULL },
	{ "pe", '\0', STR, VAL_PE, NULL, NULL },
	{ "ops", 'o', NO, 'o', NULL, NULL },
	{ "real-server", 'r', STR, 'r', NULL, NULL },
	{ "gatewaying", 'g', NO, 'g', NULL, NULL },
	{ "ipip", 'i', NO, 'i', NULL, NULL },
	{ "masquerading", 'm', NO, 'm', NULL, NULL },
	{ "snat", 'J', NO, 'J', NULL, NULL },
	{ "tun-type", '\0', STR, VAL_TUN_TYPE, NULL, NULL },
	{ "tun-port", '\0', STR, VAL_TUN_PORT, NULL, NULL },
	{ "tun-nocsum", '\0', NO, VAL_TUN_CSUM, NULL, NULL },
	{ "tun-csum", '\0', NO, VAL_TUN_CSUM, NULL, NULL },
	{ "tun-remcsum", '\0', NO, VAL_TUN_CSUM, NULL, NULL },
	{ "weight", 'w', STR, 'w', NULL, NULL },
	{ "u-threshold", 'x', STR, 'x', NULL, NULL },
	{ "l-threshold", 'y', STR, 'y', NULL, NULL },
	{ "numeric", 'n', NO, 'n', NULL, NULL },
	{ "connection", 'c', NO, 'c', NULL, NULL },
	{ "timeout", '\0', NO, VAL_TIMEOUT, NULL, NULL },
	{ "daemon", '\0', NO, VAL_DAEMON, NULL, NULL },
	{ "stats", '\0', NO, VAL_STATS, NULL, NULL },
	{ "rate", '\0', NO, VAL_RATE, NULL, NULL },
	{ "thresholds", '\0', NO, VAL_THRESHOLDS, NULL, NULL },
	{ "persistent-conn", '\0', NO, VAL_PERSISTENT_CONN, NULL, NULL },
	{ "tun-info", '\0', NO, VAL_TUN_INFO, NULL, NULL },
	{ "nosort", '\0', NO, VAL_NOSORT, NULL, NULL },
	{ "sort", '\0', NO, VAL_SORT, NULL, NULL },
	{ "exact", '\0', NO, VAL_EXACT, NULL, NULL },
	{ "syncid", '\0', STR, VAL_SYNCID, NULL, NULL },
	{ "mcast-interface", '\0', STR, VAL_MCAST_INTERFACE, NULL, NULL },
	{ "mcast-group", '\0', STR, VAL_MCAST_GROUP, NULL, NULL },
	{ "mcast-port", '\0', STR, VAL_MCAST_PORT, NULL, NULL },
	{ "mcast-ttl", '\0', STR, VAL_MCAST_TTL, NULL, NULL },
	{ "sync-maxlen", '\0', STR, VAL_SYNC_MAXLEN, NULL, NULL },
	{ "laddr", 'z', STR, 'z', NULL, NULL },
	{ "ifname", 'F', STR, 'F', NULL, NULL },
	{ "conn-timeout", '\0', STR, VAL_CONN_TIMEOUT, NULL, NULL },
	/* Commands and options that DPVS users know and this build does not have. */
	{ "add-blklst", 'U', NO, 'U', NULL, NULL },
	{ "del-blklst", 'V', NO, 'V', NULL, NULL },
	{ "get-blklst", 'B', NO, 'B', NULL, NULL },
	{ "add-whtlst", 'O', NO, 'O', NULL, NULL },
	{ "del-whtlst", 'Y', NO, 'Y', NULL, NULL },
	{ "get-whtlst", 'W', NO, 'W', NULL, NULL },
	{ "blklst", 'k', STR, VAL_OTHER_ARG, NULL, NULL },
	{ "whtlst", '2', STR, VAL_OTHER_ARG, NULL, NULL },
	{ "match", 'H', STR, 'H', NULL, NULL },
	{ "synproxy", 'j', STR, VAL_OTHER_ARG, NULL, NULL },
	{ "hash-target", '\0', STR, VAL_OTHER_ARG, NULL, NULL },
	{ "proxy-protocol", '\0', STR, VAL_OTHER_ARG, NULL, NULL },
	{ "expire-quiescent", '\0', NO, VAL_OTHER, NULL, NULL },
	{ "quic", '\0', NO, VAL_OTHER, NULL, NULL },
	/* Ours. */
	{ "json", '\0', NO, VAL_JSON, NULL, NULL },
	{ "pretty", '\0', NO, VAL_PRETTY, NULL, NULL },
	{ "socket", '\0', STR, VAL_SOCKET, NULL, NULL },
	{ "wait", '\0', STR, VAL_WAIT, NULL, NULL },
	{ "interval", '\0', STR, VAL_INTERVAL, NULL, NULL },
	{ "count", '\0', STR, VAL_COUNT, NULL, NULL },
	POPT_TABLEEND,
};

#define TABLE_SIZE (sizeof(option_table) / sizeof(option_table[0]))

int
problem_set(struct problem *problem, int exit_code, const char *format, ...)
{
	va_list ap;

	problem->exit_code = exit_code;
	va_start(ap, format);
	vsnprintf(problem->text, sizeof(problem->text), format, ap);
	va_end(ap);
	return -1;
}

static int
try_help(struct problem *problem)
{
	return problem_set(problem, IPVSADM_REFUSED,
			   "Try `ipvsadm -h' or 'ipvsadm --help' for more information.");
}

/* Notes the first thing that this build does not have; reported when the rest of the line is right. */
static void
mark_other(struct cmdline *line, const char *kind, const char *name)
{
	if (line->other)
		return;
	line->other_kind = kind;
	line->other = name;
}

static int
set_option(struct cmdline *line, enum option option, struct problem *problem)
{
	if (has_option(line, option))
		return problem_set(problem, IPVSADM_USAGE, "multiple '%s' options specified",
				   option_name(option));
	line->options |= UINT64_C(1) << option;
	return 0;
}

/* The original takes decimal digits only. */
static int
parse_number(const char *word, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	if (strspn(word, "0123456789") != strlen(word))
		return -1;
	return parse_u32(word, "number", min, max, ret_value, NULL);
}

static int
set_service(struct cmdline *line, uint8_t proto, const char *arg, struct problem *problem)
{
	bool has_port;

	if (set_option(line, OPT_SERVICE, problem) < 0)
		return -1;
	line->svc.proto = proto;
	if (service_addr_parse(arg, proto, &line->svc.vip, &line->svc.port, &has_port) < 0)
		return problem_set(problem, IPVSADM_USAGE,
				   "illegal virtual server address[:port] specified");
	return 0;
}

static int
set_timeout(const char *word, uint32_t min, uint32_t *ret_s, struct problem *problem)
{
	if (parse_number(word, min, TIMEOUT_MAX_S, ret_s) < 0)
		return problem_set(problem, IPVSADM_USAGE, "invalid timeout value `%s' specified", word);
	return 0;
}

static int
set_forward(struct cmdline *line, uint8_t fwd, const char *other, struct problem *problem)
{
	line->fwd = fwd;
	if (other)
		mark_other(line, "forwarding method", other);
	return set_option(line, OPT_FORWARD, problem);
}

static int
set_threshold(struct cmdline *line, enum option option, const char *arg, uint32_t *ret_value,
	      struct problem *problem)
{
	if (set_option(line, option, problem) < 0)
		return -1;
	if (parse_number(arg, 0, INT32_MAX, ret_value) < 0)
		return problem_set(problem, IPVSADM_USAGE, "illegal %c_threshold specified",
				   option_name(option)[0]);
	/* 0 is "no threshold", which every build has. */
	if (*ret_value != 0)
		mark_other(line, "option", option_name(option));
	return 0;
}

/* An option that is checked no further because this build does not have it. */
static int
set_other(struct cmdline *line, enum option option, struct problem *problem)
{
	mark_other(line, "option", option_name(option));
	return set_option(line, option, problem);
}

static int
set_seconds(const char *name, const char *word, uint32_t min, uint32_t *ret_s,
	    struct problem *problem)
{
	if (parse_number(word, min, TIMEOUT_MAX_S, ret_s) < 0)
		return problem_set(problem, IPVSADM_USAGE, "invalid %s value `%s' specified", name, word);
	return 0;
}

/* An option that came with LVS. Returns 0, -1, or 1: not one of these. */
static int
handle_lvs_option(struct cmdline *line, int val, const char *arg, struct problem *problem)
{
	bool has_port;

	switch (val) {
	case 't':
		return set_service(line, IPPROTO_TCP, arg, problem);
	case 'u':
		return set_service(line, IPPROTO_UDP, arg, problem);
	case VAL_SCTP:
		mark_other(line, "option", "sctp-service");
		return set_service(line, IPPROTO_SCTP, arg, problem);
	case 'f':
		if (parse_number(arg, 1, UINT32_MAX, &line->svc.fwmark) < 0)
			return problem_set(problem, IPVSADM_USAGE, "invalid fwmark value `%s' specified",
					   arg);
		mark_other(line, "option", "fwmark-service");
		return set_option(line, OPT_SERVICE, problem);
	case '6':
		if (line->svc.fwmark == 0)
			return problem_set(problem, IPVSADM_USAGE, "-6 used before -f");
		return 0;
	case 's':
		snprintf(line->sched, sizeof(line->sched), "%s", arg);
		return set_option(line, OPT_SCHEDULER, problem);
	case 'p': {
		uint32_t seconds;

		if (arg && set_timeout(arg, 1, &seconds, problem) < 0)
			return -1;
		return set_other(line, OPT_PERSISTENT, problem);
	}
	case 'M':
		return set_other(line, OPT_NETMASK, problem);
	case VAL_PE:
		return set_other(line, OPT_PE, problem);
	case 'o':
		return set_other(line, OPT_OPS, problem);
	case 'r':
		if (set_option(line, OPT_SERVER, problem) < 0)
			return -1;
		if (service_addr_parse(arg, line->svc.proto ? line->svc.proto : IPPROTO_TCP, &line->server,
				       &line->server_port, &has_port) < 0)
			return problem_set(problem, IPVSADM_USAGE,
					   "illegal real server address[:port] specified");
		line->server_port_given = has_port;
		return 0;
	case 'g':
		return set_forward(line, DPVS_FWD_DR, NULL, problem);
	case 'm':
		return set_forward(line, DPVS_FWD_NAT, NULL, problem);
	case 'i':
		return set_forward(line, DPVS_FWD_TUNNEL, "ipip", problem);
	case VAL_TUN_TYPE:
		return set_other(line, OPT_TUN_TYPE, problem);
	case VAL_TUN_PORT:
		return set_other(line, OPT_TUN_PORT, problem);
	case VAL_TUN_CSUM:
		return set_other(line, OPT_TUN_CSUM, problem);
	case 'w':
		if (set_option(line, OPT_WEIGHT, problem) < 0)
			return -1;
		if (parse_number(arg, 0, WEIGHT_MAX, &line->weight) < 0)
			return problem_set(problem, IPVSADM_USAGE, "illegal weight specified");
		return 0;
	case 'x':
		return set_threshold(line, OPT_UTHRESHOLD, arg, &line->uthresh, problem);
	case 'y':
		return set_threshold(line, OPT_LTHRESHOLD, arg, &line->lthresh, problem);
	case VAL_SYNCID:
		return set_other(line, OPT_SYNCID, problem);
	case VAL_MCAST_INTERFACE:
		return set_other(line, OPT_MCAST_INTERFACE, problem);
	case VAL_MCAST_GROUP:
		return set_other(line, OPT_MCAST_GROUP, problem);
	case VAL_MCAST_PORT:
		return set_other(line, OPT_MCAST_PORT, problem);
	case VAL_MCAST_TTL:
		return set_other(line, OPT_MCAST_TTL, problem);
	case VAL_SYNC_MAXLEN:
		return set_other(line, OPT_SYNC_MAXLEN, problem);
	case VAL_SCHED_FLAGS:
		return set_option(line, OPT_SCHED_FLAGS, problem);
	default:
		return 1;
	}
}

/* An option that only says how to list. Returns 0, -1, or 1: not one of these. */
static int
handle_list_option(struct cmdline *line, int val, struct problem *problem)
{
	static const struct {
		int val;
		enum option option;
	} plain[] = {
		{ 'n', OPT_NUMERIC },
		{ 'c', OPT_CONNECTION },
		{ VAL_TIMEOUT, OPT_TIMEOUT },
		{ VAL_DAEMON, OPT_DAEMON },
		{ VAL_STATS, OPT_STATS },
		{ VAL_RATE, OPT_RATE },
		{ VAL_THRESHOLDS, OPT_THRESHOLDS },
		{ VAL_PERSISTENT_CONN, OPT_PERSISTENT_CONN },
		{ VAL_TUN_INFO, OPT_TUN_INFO },
		{ VAL_NOSORT, OPT_NOSORT },
		{ VAL_EXACT, OPT_EXACT },
		{ VAL_JSON, OPT_JSON },
		{ VAL_PRETTY, OPT_PRETTY },
	};

	if (val == VAL_SORT)
		return 0;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].val == val)
			return set_option(line, plain[i].option, problem);
	return 1;
}

/* An option that LVS does not have. Returns 0 or -1. */
static int
handle_our_option(struct cmdline *line, int val, const char *arg, struct problem *problem)
{
	struct parse_err err;
	uint32_t number;

	switch (val) {
	case VAL_FULLNAT:
		return set_forward(line, DPVS_FWD_FULLNAT, NULL, problem);
	case 'J':
		return set_forward(line, DPVS_FWD_SNAT, "snat", problem);
	case 'q':
	case '1':
	case 'H':
		mark_other(line, "option",
			   val == 'q'	? "icmp-service" :
			   val == '1'	? "icmpv6-service" :
					  "match");
		return set_option(line, OPT_SERVICE, problem);
	case 'z':
		if (set_option(line, OPT_LADDR, problem) < 0)
			return -1;
		if (parse_addr(arg, 0, &line->laddr, NULL) < 0)
			return problem_set(problem, IPVSADM_USAGE, "illegal local address `%.60s' specified",
					   arg);
		return 0;
	case 'F':
		if (set_option(line, OPT_IFNAME, problem) < 0)
			return -1;
		if (parse_ifname(arg, line->ifname, &err) < 0)
			return problem_set(problem, IPVSADM_USAGE, "%s", err.text);
		return 0;
	case VAL_CONN_TIMEOUT:
		if (set_option(line, OPT_CONN_TIMEOUT, problem) < 0)
			return -1;
		return set_timeout(arg, 0, &line->conn_timeout_s, problem);
	case VAL_SOCKET:
		free(line->socket);
		line->socket = strdup(arg);
		line->daemon.socket = line->socket;
		return 0;
	case VAL_WAIT:
		if (set_seconds("wait", arg, 0, &number, problem) < 0)
			return -1;
		line->daemon.wait_s = number;
		return 0;
	case VAL_INTERVAL:
		if (set_option(line, OPT_INTERVAL, problem) < 0)
			return -1;
		return set_seconds("interval", arg, 1, &line->interval_s, problem);
	case VAL_COUNT:
		if (set_option(line, OPT_REPEAT, problem) < 0)
			return -1;
		if (parse_number(arg, 1, UINT32_MAX, &line->repeat) < 0)
			return problem_set(problem, IPVSADM_USAGE, "invalid count value `%.60s' specified",
					   arg);
		return 0;
	default:
		return set_option(line, OPT_OTHER, problem);
	}
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

/* Is the command -a or -e? It decides what -b means; it is the first word that may not come before it. */
static bool
is_server_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--socket") == 0 || strcmp(word, "--wait") == 0 ||
		    strcmp(word, "--interval") == 0 || strcmp(word, "--count") == 0) {
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
	if (line->other && strcmp(line->other, "ipip") != 0 && line->svc.fwmark == 0 &&
	    (has_option(line, OPT_TUN_TYPE) || has_option(line, OPT_TUN_PORT) ||
	     has_option(line, OPT_TUN_CSUM)) && line->fwd != DPVS_FWD_TUNNEL)
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
	bool has_command = false, any = false;
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
			rc = handle_lvs_option(line, val, arg, problem);
			if (rc > 0)
				rc = handle_list_option(line, val, problem);
			if (rc > 0) {
				if (val == VAL_OTHER || val == VAL_OTHER_ARG)
					mark_other(line, "option",
						   poptBadOption(ctx, POPT_BADOPTION_NOALIAS));
				rc = handle_our_option(line, val, arg, problem);
			}
			any = true;
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
	if (val < -1 && val == POPT_ERROR_BADOPT && !has_command && !any)
		return try_help(problem);
	if (val < -1)
		return problem_set(problem, IPVSADM_REFUSED, "%s: %s",
				   poptBadOption(ctx, POPT_BADOPTION_NOALIAS), poptStrerror(val));
	if (!has_command && poptPeekArg(ctx))
		return try_help(problem);
	return 0;
}

int
cmdline_parse(int argc, char **argv, struct cmdline *ret_line, struct problem *problem)
{
	struct poptOption table[TABLE_SIZE];
	struct cmdline line = { 0 };
	char *sched_flags = NULL;
	poptContext ctx;
	int rc;

	memcpy(table, option_table, sizeof(table));
	table[is_server_command(argc, argv) ? 1 : 0].shortName = 'b';
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
