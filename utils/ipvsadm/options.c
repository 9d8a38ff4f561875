/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options one by one: what popt is to know of each, and its value checked and put into struct cmdline,
 * with the original's words for what is wrong.
 */
#include "ipvsadm/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"

#define NO POPT_ARG_NONE, NULL
#define STR POPT_ARG_STRING, NULL
#define OPTIONAL (POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL), NULL

const struct poptOption option_table[OPTION_TABLE_SIZE] = {
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
	{ "blklst", 'k', STR, VAL_BLKLST, NULL, NULL },
	{ "whtlst", '2', STR, VAL_WHTLST, NULL, NULL },
	{ "match", 'H', STR, 'H', NULL, NULL },
	{ "synproxy", 'j', STR, VAL_SYNPROXY, NULL, NULL },
	{ "hash-target", '\0', STR, VAL_HASH_TARGET, NULL, NULL },
	{ "proxy-protocol", '\0', STR, VAL_PROXY_PROTOCOL, NULL, NULL },
	{ "expire-quiescent", '\0', NO, VAL_EXPIRE_QUIESCENT, NULL, NULL },
	{ "quic", '\0', NO, VAL_QUIC, NULL, NULL },
	/* Ours. */
	{ "json", '\0', NO, VAL_JSON, NULL, NULL },
	{ "pretty", '\0', NO, VAL_PRETTY, NULL, NULL },
	{ "socket", '\0', STR, VAL_SOCKET, NULL, NULL },
	{ "wait", '\0', STR, VAL_WAIT, NULL, NULL },
	{ "interval", '\0', STR, VAL_INTERVAL, NULL, NULL },
	{ "count", '\0', STR, VAL_COUNT, NULL, NULL },
	{ "replace", '\0', NO, VAL_REPLACE, NULL, NULL },
	{ "sync", '\0', NO, VAL_SYNC, NULL, NULL },
	POPT_TABLEEND,
};

static_assert(sizeof(option_table) / sizeof(option_table[0]) == OPTION_TABLE_SIZE, "count them");

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

void
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

int
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
		{ VAL_REPLACE, OPT_REPLACE },
		{ VAL_SYNC, OPT_SYNC },
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
		/* An option of DPVS: its long name is in the table. */
		for (const struct poptOption *option = option_table; option->longName || option->shortName; option++)
			if (option->val == val)
				mark_other(line, "option", option->longName);
		line->options |= UINT64_C(1) << OPT_OTHER;
		return 0;
	}
}

int
handle_option(struct cmdline *line, int val, const char *arg, struct problem *problem)
{
	int rc = handle_lvs_option(line, val, arg, problem);

	if (rc > 0)
		rc = handle_list_option(line, val, problem);
	if (rc > 0)
		rc = handle_our_option(line, val, arg, problem);
	return rc;
}
