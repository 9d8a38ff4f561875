/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which option goes with which command: one table. A command that is not there for an option makes it
 * illegal; messages and their order are the original's.
 */
#include "ipvsadm/ipvsadm.h"

#define ON(command) (1u << (command))
#define SERVICES (ON(CMD_ADD) | ON(CMD_EDIT))
#define SERVERS (ON(CMD_ADD_SERVER) | ON(CMD_EDIT_SERVER))
#define LADDRS (ON(CMD_ADD_LADDR) | ON(CMD_DEL_LADDR))
#define LISTS (ON(CMD_LIST) | ON(CMD_GET_LADDR))

static const char *const commands[CMD_COUNT] = {
	[CMD_LIST] = "list",
	[CMD_ADD] = "add-service",
	[CMD_EDIT] = "edit-service",
	[CMD_DEL] = "delete-service",
	[CMD_FLUSH] = "flush",
	[CMD_ADD_SERVER] = "add-server",
	[CMD_EDIT_SERVER] = "edit-server",
	[CMD_DEL_SERVER] = "delete-server",
	[CMD_SET] = "set",
	[CMD_RESTORE] = "restore",
	[CMD_SAVE] = "save",
	[CMD_ZERO] = "zero",
	[CMD_ADD_LADDR] = "add-laddr",
	[CMD_DEL_LADDR] = "del-laddr",
	[CMD_GET_LADDR] = "get-laddr",
	[CMD_HELP] = "help",
	[CMD_VERSION] = "version",
	[CMD_OTHER] = "other",
};

/** struct rule: commands that need an option and that may have it, bits 1 << CMD_*. */
struct rule {
	const char *name;
	uint32_t needed;
	uint32_t allowed;
};

static const struct rule rules[OPT_COUNT] = {
	[OPT_NUMERIC] = { "numeric", 0, LISTS | ON(CMD_SAVE) },
	[OPT_CONNECTION] = { "connection", 0, ON(CMD_LIST) },
	[OPT_SERVICE] = { "service-address",
			  SERVICES | SERVERS | LADDRS | ON(CMD_DEL) | ON(CMD_DEL_SERVER),
			  LISTS | ON(CMD_ZERO) },
	[OPT_SCHEDULER] = { "scheduler", 0, SERVICES },
	[OPT_PERSISTENT] = { "persistent", 0, SERVICES },
	[OPT_NETMASK] = { "netmask", 0, SERVICES },
	[OPT_SERVER] = { "real-server", SERVERS | ON(CMD_DEL_SERVER), 0 },
	[OPT_FORWARD] = { "forwarding-method", 0, SERVERS },
	[OPT_WEIGHT] = { "weight", 0, SERVERS },
	[OPT_UTHRESHOLD] = { "u-threshold", 0, SERVERS },
	[OPT_LTHRESHOLD] = { "l-threshold", 0, SERVERS },
	[OPT_MCAST_INTERFACE] = { "mcast-interface", 0, 0 },
	[OPT_TIMEOUT] = { "timeout", 0, ON(CMD_LIST) },
	[OPT_DAEMON] = { "daemon", 0, ON(CMD_LIST) },
	[OPT_STATS] = { "stats", 0, ON(CMD_LIST) },
	[OPT_RATE] = { "rate", 0, ON(CMD_LIST) },
	[OPT_THRESHOLDS] = { "thresholds", 0, ON(CMD_LIST) },
	[OPT_PERSISTENT_CONN] = { "persistent-conn", 0, ON(CMD_LIST) },
	[OPT_NOSORT] = { "nosort", 0, LISTS },
	[OPT_SYNCID] = { "syncid", 0, ON(CMD_LIST) },
	[OPT_EXACT] = { "exact", 0, ON(CMD_LIST) },
	[OPT_OPS] = { "ops", 0, SERVICES },
	[OPT_PE] = { "pe", 0, SERVICES },
	[OPT_SCHED_FLAGS] = { "sched-flags", 0, SERVICES },
	[OPT_MCAST_GROUP] = { "mcast-group", 0, 0 },
	[OPT_MCAST_PORT] = { "mcast-port", 0, 0 },
	[OPT_MCAST_TTL] = { "mcast-ttl", 0, 0 },
	[OPT_SYNC_MAXLEN] = { "sync-maxlen", 0, 0 },
	[OPT_TUN_INFO] = { "tun-info", 0, ON(CMD_LIST) },
	[OPT_TUN_TYPE] = { "tun-type", 0, SERVERS },
	[OPT_TUN_PORT] = { "tun-port", 0, SERVERS },
	[OPT_TUN_CSUM] = { "tun-csum", 0, SERVERS },
	[OPT_LADDR] = { "laddr", LADDRS, 0 },
	[OPT_IFNAME] = { "ifname", ON(CMD_ADD_LADDR), ON(CMD_DEL_LADDR) },
	[OPT_CONN_TIMEOUT] = { "conn-timeout", 0, SERVICES },
	[OPT_JSON] = { "json", 0, LISTS },
	[OPT_PRETTY] = { "pretty", 0, LISTS },
	[OPT_INTERVAL] = { "interval", 0, LISTS },
	[OPT_REPEAT] = { "count", 0, LISTS },
	[OPT_REPLACE] = { "replace", 0, ON(CMD_RESTORE) },
	[OPT_SYNC] = { "sync", 0, ON(CMD_RESTORE) },
	[OPT_OTHER] = { "other", 0, ~0u },
};

/* Of these a listing shows one. */
static const enum option views[] = { OPT_CONNECTION, OPT_SERVICE, OPT_TIMEOUT, OPT_DAEMON };

const char *
command_name(enum command command)
{
	return commands[command];
}

const char *
option_name(enum option option)
{
	return rules[option].name;
}

static int
check_list(const struct cmdline *line, struct problem *problem)
{
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (!has_option(line, views[i]))
			continue;
		if (first)
			return problem_set(problem, IPVSADM_USAGE,
					   "The option '%s' conflicts with the '%s' option in the '%s' command",
					   option_name(views[i]), first, command_name(line->command));
		first = option_name(views[i]);
	}
	if ((has_option(line, OPT_CONNECTION) || has_option(line, OPT_TIMEOUT) ||
	     has_option(line, OPT_DAEMON)) &&
	    (has_option(line, OPT_STATS) || has_option(line, OPT_RATE) ||
	     has_option(line, OPT_THRESHOLDS) ||
	     (has_option(line, OPT_PERSISTENT_CONN) && !has_option(line, OPT_CONNECTION))))
		return problem_set(problem, IPVSADM_USAGE, "options conflicts in the list command");
	return 0;
}

int
rules_check(const struct cmdline *line, struct problem *problem)
{
	uint32_t command = ON(line->command);

	for (unsigned int i = 0; i < OPT_COUNT; i++) {
		const struct rule *rule = &rules[i];
		bool given = has_option(line, i);

		if (!given && (rule->needed & command))
			return problem_set(problem, IPVSADM_USAGE,
					   "You need to supply the '%s' option for the '%s' command",
					   rule->name, command_name(line->command));
		if (given && !((rule->needed | rule->allowed) & command))
			return problem_set(problem, IPVSADM_USAGE,
					   "Illegal '%s' option with the '%s' command", rule->name,
					   command_name(line->command));
	}
	if (has_option(line, OPT_REPEAT) && !has_option(line, OPT_INTERVAL))
		return problem_set(problem, IPVSADM_USAGE,
				   "You need to supply the 'interval' option for the 'count' option");
	if (line->command == CMD_LIST)
		return check_list(line, problem);
	return 0;
}
