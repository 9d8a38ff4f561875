/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tools' way to the daemon: which socket, how long to wait, what to say when it is not there; and
 * repeating an output (--interval, --count).
 *
 * Thread-safety: one thread.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdint.h>

#include <dpvsctrl/client.h>

/** How long an answer may take when --wait does not say more, in milliseconds. */
#define DAEMON_TIMEOUT_MS 10000u

/** How long the daemon may wait for a worker, in milliseconds. */
#define DAEMON_PATIENCE_MS 5000u

/** How long the answer to a transaction may take, which may be large: milliseconds. */
#define DAEMON_COMMIT_TIMEOUT_MS 120000u

/** How long a transaction may wait for the changes of others, and then for the workers: milliseconds. */
#define DAEMON_COMMIT_WAIT_MS 30000u

/** struct daemon_opts: what the command line says about the connection. */
struct daemon_opts {
	const char *socket;    /**< --socket; NULL: DPVS_SOCKET, else the default */
	unsigned int wait_s;   /**< --wait: how long to wait for the daemon to be there, 0: not at all */
};

/** Size of what daemon_open() says. */
#define DAEMON_TEXT_SIZE 1024

/**
 * daemon_open: connects; with wait_s it tries again until the daemon is there or the time is over.
 * @ret_client (out): NULL on failure
 * @why (out): on failure one line that says what was tried, why it failed, and the cure
 * Returns: 0 or a negative errno.
 */
int daemon_open(const struct daemon_opts *opts, struct dpvs_client **ret_client,
		char why[DAEMON_TEXT_SIZE]);

/** daemon_patient_commit: before the commit of @client's transaction, which may be behind somebody else's large one. */
void daemon_patient_commit(struct dpvs_client *client);

/**
 * daemon_be_patient: for questions to workers: the daemon may take DAEMON_PATIENCE_MS instead of its 50 ms to ask one, so
 * that people on a busy machine get an answer. A daemon that does not want that is asked all the same.
 */
void daemon_be_patient(struct dpvs_client *client);

/** daemon_connect: as daemon_open(), but says on stderr why it failed. */
int daemon_connect(const struct daemon_opts *opts, struct dpvs_client **ret_client);

/** daemon_now_ms: the monotonic clock, in milliseconds. */
uint64_t daemon_now_ms(void);

/**
 * daemon_repeat: calls @fn at once and then every @interval_s seconds, @count times in all (0: for ever;
 * without an interval once). Ends early when @fn returns non-zero, and returns that.
 */
int daemon_repeat(unsigned int interval_s, unsigned int count, int (*fn)(void *ctx), void *ctx);

#endif
