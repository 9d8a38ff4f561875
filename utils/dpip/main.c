/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip: shows and changes ports, addresses, routes, neighbours of a running dpvsd, and shows what
 * it is doing. This file: one command line, one command, and its rounds; batch.c runs many.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/std_fds.h"
#include "dpip/args.h"
#include "dpip/batch.h"
#include "dpip/command.h"
#include "dpip/options.h"
#include "dpip/session.h"
#include "dpip/show.h"
#include "dpip/table.h"

/* Prints the words that may come next, and the names of ports where they may; silent when the
 * daemon is not there. */
static int
complete(struct dpip *d, char *const *words)
{
	struct options opts = d->opts;
	char err[256];
	bool devices;

	/* The line may name another socket; what is wrong in it is not told yet. */
	opts.complete = false;
	options_parse(words, false, &opts, err, sizeof(err));
	table_complete(stdout, words, &devices);
	if (devices)
		show_device_names(&opts.daemon);
	return EXIT_OK;
}

/* What was printed is there, or it is said why not. */
static int
printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	error_print("cannot write the output");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	struct dpip d = { .opts = { .color = "never" } };
	char err[512];
	int n, rc;

	std_fds_hold();
	error_set_program("dpip");
	n = options_parse(argv + (argc > 0), false, &d.opts, err, sizeof(err));
	if (n < 0) {
		error_line("%s", err);
		return EXIT_USAGE;
	}
	argv += n + (argc > 0);
	if (d.opts.complete)
		return complete(&d, argv);
	if (d.opts.version) {
		printf("dpip utility, dpvs-%s\n", PACKAGE_VERSION);
		return printed();
	}
	if (d.opts.help) {
		table_help(stdout);
		return printed();
	}
	if (d.opts.batch && *argv) {
		error_line("Error: \"%.64s\" is a garbage: with -batch the commands come from the "
			   "file.",
			   *argv);
		return EXIT_USAGE;
	}
	if (d.opts.batch) {
		rc = batch_run(&d, d.opts.batch);
	} else if (*argv) {
		rc = command_run(&d, argv);
	} else {
		table_help(stderr);
		rc = EXIT_USAGE;
	}
	session_close(&d);
	return rc;
}
