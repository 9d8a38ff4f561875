/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one command line of ipvsadm. What is wrong with the line itself is said before the daemon is asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/std_fds.h"
#include "ipvsadm/ipvsadm.h"

static int
run(struct dpvs_client *client, const struct cmdline *line)
{
	switch (line->command) {
	case CMD_LIST:
		return has_option(line, OPT_CONNECTION) ? list_conns_run(client, line) :
							  list_run(client, line);
	case CMD_GET_LADDR:
		return list_laddrs_run(client, line);
	case CMD_SAVE:
		return save_run(client, line);
	case CMD_RESTORE:
		return restore_run(client, line);
	default:
		return apply_run(client, line);
	}
}

int
main(int argc, char **argv)
{
	struct dpvs_client *client;
	struct problem problem;
	struct cmdline line;
	char why[DAEMON_TEXT_SIZE];
	int rc;

	std_fds_hold();
	error_set_program("ipvsadm");
	if (cmdline_parse(argc, argv, &line, &problem) < 0) {
		error_line("%s", problem.text);
		return problem.exit_code;
	}
	if (line.command == CMD_HELP || line.command == CMD_VERSION) {
		if (line.command == CMD_HELP)
			help_print();
		else
			version_print();
		cmdline_clear(&line);
		if (fflush(stdout) == 0)
			return IPVSADM_OK;
		error_print("cannot write: %s", strerror(errno));
		return IPVSADM_INTERNAL;
	}
	rc = daemon_open(&line.daemon, &client, why);
	if (rc < 0) {
		/* Scripts look for these words of the original. */
		if (rc == -EACCES)
			error_print("Permission denied (you must be root): %s", why);
		else
			error_print("%s", why);
		cmdline_clear(&line);
		return IPVSADM_USAGE;
	}
	rc = run(client, &line);
	dpvs_client_close(client);
	cmdline_clear(&line);
	return rc;
}
