/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start and stop of the whole daemon, for main.c and for tests that run it inside themselves. Between the
 * two the caller runs (or pumps) the default GMainContext.
 *
 * Thread-safety: the main thread only.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

/** Exit codes of dpvsd, and what daemon_start() returns. */
enum daemon_exit {
	DAEMON_OK = 0,
	DAEMON_FAILED = 1, /**< a failure at run time */
	DAEMON_USAGE = 2,  /**< command line */
	DAEMON_CONF = 3,   /**< configuration file */
	DAEMON_EAL = 4,    /**< DPDK, huge pages, ports */
};

/** struct daemon_params: what the command line says. */
struct daemon_params {
	const char *conf_path; /**< NULL: no file, all defaults */
	const char *conf_text; /**< instead of a file (tests); NULL: none */
	const char *socket;    /**< NULL: from the configuration */
	char *const *eal_args; /**< NULL-ended; may be NULL */
	bool eal_running;      /**< EAL is up already and stays up (tests); workers are all its other lcores */
};

/** daemon_start: on failure everything is undone and the reason is logged. */
enum daemon_exit daemon_start(const struct daemon_params *params);
void daemon_stop(void);

/** daemon_check: reads and checks the configuration only; errors go to stderr, one a line. */
enum daemon_exit daemon_check(const char *conf_path);

#endif
