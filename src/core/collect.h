/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of the workers, taken or zeroed by the workers themselves, between two packets: a multicast asks all of
 * them, each does it at one point of its loop, the client is answered when all have. For what must be consistent;
 * whoever only wants to read counters reads them (core/stats.h).
 *
 * What a worker takes goes where its module has room for that, one place for each worker, which the answer hands
 * over to main. One question is under way at a time; requests that need many take turns, question by question.
 *
 * Thread-safety: main lcore only, but for collect_kind.take(): each worker.
 */
#ifndef COLLECT_H
#define COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/server.h>

/** Bytes that a question may have. */
#define COLLECT_PAYLOAD 480u

/** What a worker does with its counters. */
enum {
	COLLECT_SNAPSHOT,
	COLLECT_ZERO,
};

/** struct collect_kind: a question. */
struct collect_kind {
	uint32_t msg;     /**< message type, whose .on_worker is collect_on_worker() */
	const char *what; /**< for messages: "counters" */
	/** On a worker: does what @payload says. Short: some microseconds. */
	void (*take)(const void *payload);
};

/** struct collect_job: a request under way. */
struct collect_job {
	const struct collect_kind *kind;
	struct dpvs_req *req;
	/**
	 * Writes the next question into payload and len, and returns 1; or 0: that was all, the client is
	 * answered with what dpvs_req_add() put in; or a negative errno. @answered: all workers have done the last question.
	 */
	int (*next)(struct collect_job *job, bool answered);
	void (*end)(struct collect_job *job); /**< frees arg; may be NULL */
	void *arg;
	/**
	 * There is one question, and what workers were asked to do stays, late ones will do it too: past the deadline next()
	 * is called all the same, and the client is told -EINPROGRESS. Else -ETIMEDOUT ends it.
	 */
	bool kept;
	uint32_t len;
	uint8_t payload[COLLECT_PAYLOAD] __attribute__((aligned(8)));
	GList link;
	gint64 end_us;
};

/** collect_start: for a handler, which returns what this returns: DPVS_REQ_PENDING. @job is copied. */
int collect_start(const struct collect_job *job);

/** collect_register, collect_unregister: @kind can be asked for; from init() and fini(). */
void collect_register(const struct collect_kind *kind);
void collect_unregister(const struct collect_kind *kind);

/** collect_on_worker: handler of the message types. */
void collect_on_worker(struct dpvs_msg *msg);

/** collect_stop: workers are about to end: what waits is refused. */
void collect_stop(void);

#endif
