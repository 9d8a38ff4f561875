/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One change for the daemon, and what its refusal is called: the original's words, which scripts look
 * for; where the original has none, the daemon's own sentence.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "ipvsadm/ipvsadm.h"

#define ON(command) (1u << (command))
#define SERVER_COMMANDS (ON(CMD_ADD_SERVER) | ON(CMD_EDIT_SERVER) | ON(CMD_DEL_SERVER))
#define LADDR_COMMANDS (ON(CMD_ADD_LADDR) | ON(CMD_DEL_LADDR) | ON(CMD_GET_LADDR))
#define ALL_COMMANDS (~0u)

static const struct {
	int err;
	uint32_t commands;
	const char *text;
} refusals[] = {
	{ EEXIST, ON(CMD_ADD), "Service already exists" },
	{ ENOENT, ON(CMD_ADD) | ON(CMD_EDIT), "Scheduler or persistence engine not found" },
	{ ESRCH, ON(CMD_EDIT) | ON(CMD_DEL) | ON(CMD_ZERO) | ON(CMD_LIST) | ON(CMD_SAVE), "No such service" },
	{ ENOENT, ON(CMD_LIST), "No such service" },
	{ ESRCH, SERVER_COMMANDS, "Service not defined" },
	{ EEXIST, ON(CMD_ADD_SERVER), "Destination already exists" },
	{ ENOENT, ON(CMD_EDIT_SERVER) | ON(CMD_DEL_SERVER), "No such destination" },
	{ ESRCH, LADDR_COMMANDS, "Service not defined" },
	{ EEXIST, ON(CMD_ADD_LADDR), "Local address already exists" },
	{ ENOENT, ON(CMD_DEL_LADDR), "No such local address" },
	{ EPERM, ALL_COMMANDS, "Permission denied (you must be root)" },
	{ EACCES, ALL_COMMANDS, "Permission denied (you must be root)" },
	{ ENOMEM, ALL_COMMANDS, "Memory allocation problem" },
};

/* What is said to have been tried, where the original has no words for a refusal. */
static const char *const attempts[CMD_COUNT] = {
	[CMD_LIST] = "list",
	[CMD_ADD] = "add the service",
	[CMD_EDIT] = "edit the service",
	[CMD_DEL] = "delete the service",
	[CMD_FLUSH] = "clear the table",
	[CMD_ADD_SERVER] = "add the real server",
	[CMD_EDIT_SERVER] = "edit the real server",
	[CMD_DEL_SERVER] = "delete the real server",
	[CMD_SET] = "set the time-outs",
	[CMD_RESTORE] = "restore the rules",
	[CMD_SAVE] = "save the rules",
	[CMD_ZERO] = "zero the counters",
	[CMD_ADD_LADDR] = "add the local address",
	[CMD_DEL_LADDR] = "delete the local address",
	[CMD_GET_LADDR] = "list the local addresses",
	[CMD_HELP] = "help",
	[CMD_VERSION] = "tell the version",
	[CMD_OTHER] = "do this",
};

void
refusal_text(enum command command, int err, const char *why, const char *prefix,
	     struct problem *ret_problem)
{
	size_t i;

	ret_problem->exit_code = IPVSADM_REFUSED;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].err == -err && (refusals[i].commands & ON(command)))
			break;
	if (i < sizeof(refusals) / sizeof(refusals[0]))
		snprintf(ret_problem->text, sizeof(ret_problem->text), "%s", refusals[i].text);
	else if (err == -EINPROGRESS)
		/* Not refused: it is done, and one worker is late. */
		snprintf(ret_problem->text, sizeof(ret_problem->text), "%s%s; dpip verify shows when it has",
			 prefix, *why ? why : "committed, but a worker has not confirmed it yet");
	else
		snprintf(ret_problem->text, sizeof(ret_problem->text), "%scannot %s: %s", prefix,
			 attempts[command], *why ? why : strerror(-err));
}

static void
fill_service(const struct cmdline *line, struct dpvs_service_conf *conf)
{
	conf->key = line->svc;
	if (line->command == CMD_DEL)
		return;
	if (has_option(line, OPT_SCHEDULER)) {
		conf->set |= DPVS_SERVICE_SET_SCHED;
		memcpy(conf->sched, line->sched, sizeof(conf->sched));
	}
	if (has_option(line, OPT_SCHED_FLAGS)) {
		conf->set |= DPVS_SERVICE_SET_SCHED_FLAGS;
		conf->sched_flags = line->sched_flags;
	}
	if (has_option(line, OPT_CONN_TIMEOUT)) {
		conf->set |= DPVS_SERVICE_SET_CONN_TIMEOUT;
		conf->conn_timeout_s = line->conn_timeout_s;
	}
}

static void
fill_dest(const struct cmdline *line, struct dpvs_dest_conf *conf)
{
	conf->svc = line->svc;
	conf->addr = line->server;
	conf->port = line->server_port;
	if (line->command == CMD_DEL_SERVER)
		return;
	if (has_option(line, OPT_FORWARD)) {
		conf->set |= DPVS_DEST_SET_FWD;
		conf->fwd = line->fwd;
	} else if (line->command == CMD_ADD_SERVER) {
		conf->fwd = DPVS_FWD_DR;
	}
	if (has_option(line, OPT_WEIGHT)) {
		conf->set |= DPVS_DEST_SET_WEIGHT;
		conf->weight = line->weight;
	} else if (line->command == CMD_ADD_SERVER) {
		conf->weight = 1;
	}
	if (has_option(line, OPT_UTHRESHOLD)) {
		conf->set |= DPVS_DEST_SET_UTHRESH;
		conf->uthresh = line->uthresh;
	}
	if (has_option(line, OPT_LTHRESHOLD)) {
		conf->set |= DPVS_DEST_SET_LTHRESH;
		conf->lthresh = line->lthresh;
	}
}

static void
fill_laddr(const struct cmdline *line, struct dpvs_laddr_conf *conf)
{
	conf->svc = line->svc;
	conf->addr = line->laddr;
	memcpy(conf->dev, line->ifname, sizeof(conf->dev));
}

bool
change_from_line(const struct cmdline *line, struct change *ret_change)
{
	static const uint32_t ids[CMD_COUNT] = {
		[CMD_ADD] = DPVS_SET_SERVICE_ADD,	  [CMD_EDIT] = DPVS_SET_SERVICE_EDIT,
		[CMD_DEL] = DPVS_SET_SERVICE_DEL,	  [CMD_FLUSH] = DPVS_SET_SERVICE_FLUSH,
		[CMD_ZERO] = DPVS_SET_SERVICE_ZERO,	  [CMD_ADD_SERVER] = DPVS_SET_DEST_ADD,
		[CMD_EDIT_SERVER] = DPVS_SET_DEST_EDIT,	  [CMD_DEL_SERVER] = DPVS_SET_DEST_DEL,
		[CMD_ADD_LADDR] = DPVS_SET_LADDR_ADD,	  [CMD_DEL_LADDR] = DPVS_SET_LADDR_DEL,
		[CMD_SET] = DPVS_SET_TIMEOUTS,
	};
	struct change change;

	if (ids[line->command] == 0)
		return false;
	memset(&change, 0, sizeof(change));
	change.id = ids[line->command];
	switch (change.id) {
	case DPVS_SET_SERVICE_ADD:
	case DPVS_SET_SERVICE_EDIT:
	case DPVS_SET_SERVICE_DEL:
		change.record_size = sizeof(change.record.service);
		fill_service(line, &change.record.service);
		break;
	case DPVS_SET_DEST_ADD:
	case DPVS_SET_DEST_EDIT:
	case DPVS_SET_DEST_DEL:
		change.record_size = sizeof(change.record.dest);
		fill_dest(line, &change.record.dest);
		break;
	case DPVS_SET_LADDR_ADD:
	case DPVS_SET_LADDR_DEL:
		change.record_size = sizeof(change.record.laddr);
		fill_laddr(line, &change.record.laddr);
		break;
	case DPVS_SET_SERVICE_ZERO:
		change.record_size = sizeof(change.record.key);
		change.record.key = line->svc;
		break;
	case DPVS_SET_TIMEOUTS:
		change.record_size = sizeof(change.record.timeouts);
		change.record.timeouts = line->timeouts;
		break;
	default: /* flush: no record */
		break;
	}
	*ret_change = change;
	return true;
}

int
apply_run(struct dpvs_client *client, const struct cmdline *line)
{
	struct problem problem;
	struct change change;
	int rc;

	if (!change_from_line(line, &change))
		return IPVSADM_INTERNAL;
	rc = dpvs_client_set(client, change.id, &change.record, change.record_size,
			     change.record_size ? 1 : 0);
	if (rc == 0)
		return IPVSADM_OK;
	refusal_text(line->command, rc, dpvs_client_error(client), "ipvsadm: ", &problem);
	error_line("%s", problem.text);
	return dpvs_client_unreachable(client) ? IPVSADM_USAGE : problem.exit_code;
}
