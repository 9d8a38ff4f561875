/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tools' way to the daemon; see daemon.h.
 */
#include "common/daemon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/error.h"

uint64_t
daemon_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
sleep_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

int
daemon_open(const struct daemon_opts *opts, struct dpvs_client **ret_client,
	    char why[DAEMON_TEXT_SIZE])
{
	uint64_t deadline = daemon_now_ms() + (uint64_t)opts->wait_s * 1000;
	unsigned int timeout_ms = DAEMON_TIMEOUT_MS;
	struct dpvs_client *client;
	int rc;

	*ret_client = NULL;
	if (opts->wait_s > timeout_ms / 1000)
		timeout_ms = opts->wait_s > UINT32_MAX / 1000 ? UINT32_MAX : opts->wait_s * 1000;
	for (;;) {
		client = NULL;
		rc = dpvs_client_open(opts->socket, timeout_ms, &client);
		if (rc == 0) {
			*ret_client = client;
			return 0;
		}
		/* Only these mean "not there yet". */
		if ((rc != -ENOENT && rc != -ECONNREFUSED) || daemon_now_ms() >= deadline)
			break;
		dpvs_client_close(client);
		sleep_ms(50);
	}
	snprintf(why, DAEMON_TEXT_SIZE, "%s", client ? dpvs_client_error(client) : strerror(-rc));
	dpvs_client_close(client);
	return rc;
}

void
daemon_be_patient(struct dpvs_client *client)
{
	/* When this fails, the question itself will say why. */
	(void)dpvs_client_deadlines(client, DAEMON_PATIENCE_MS, 0);
}

void
daemon_patient_commit(struct dpvs_client *client)
{
	dpvs_client_set_timeout(client, DAEMON_COMMIT_TIMEOUT_MS);
	/* A daemon that does not take it has deadlines of its own. */
	(void)dpvs_client_deadlines(client, 0, DAEMON_COMMIT_WAIT_MS);
}

int
daemon_connect(const struct daemon_opts *opts, struct dpvs_client **ret_client)
{
	char why[DAEMON_TEXT_SIZE];
	int rc = daemon_open(opts, ret_client, why);

	if (rc < 0)
		error_print("%s", why);
	return rc;
}

int
daemon_repeat(unsigned int interval_s, unsigned int count, int (*fn)(void *ctx), void *ctx)
{
	uint64_t next = daemon_now_ms();
	unsigned int done;

	for (done = 1;; done++) {
		uint64_t now;
		int rc = fn(ctx);

		if (rc != 0 || interval_s == 0 || done == count)
			return rc;
		/* From the start, not from the end of the last output: no drift; a slow output skips turns. */
		now = daemon_now_ms();
		do
			next += (uint64_t)interval_s * 1000;
		while (next < now);
		sleep_ms(next - now);
	}
}
