/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of dpip: its options, its connection, its output. See dpip.h.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/client.h>

#include "common/error.h"
#include "common/writer.h"
#include "dpip/options.h"

struct batch;

/** struct dpip: the state of a run. */
struct dpip {
	struct options opts;
	struct dpvs_client *client; /**< NULL before the first request */
	struct dpvs_stream *stream; /**< a list that is being read, or NULL */
	struct writer w;            /**< of the command that runs */
	const char *dev;            /**< the port that the command names, or NULL */
	unsigned int round;         /**< of a repeated show, from 0 */
	double elapsed_s;           /**< since the round before */
	struct dpvs_reply *before;  /**< what the round before was answered, see session_keep() */
	bool in_batch;
	bool alone;                 /**< the command that runs is DPIP_ALONE */
	struct batch *batch;        /**< that gathers changes, or NULL */
	/** What session_set() does in it. */
	int (*set)(struct dpip *d, uint32_t id, const void *record, uint32_t size);
};

/**
 * session_get: asks the daemon; connects when that has not happened yet.
 * @ret_reply (out): NULL on failure; free with dpvs_reply_free()
 * Returns: EXIT_OK, or EXIT_REFUSED or EXIT_UNREACHABLE after one line on stderr.
 */
int session_get(struct dpip *d, uint32_t id, const void *record, uint32_t size, struct dpvs_reply **ret_reply);

/** session_ask_workers: as session_get(), for what workers answer: gives them more time than the daemon's 50 ms. */
int session_ask_workers(struct dpip *d, uint32_t id, const void *record, uint32_t size, struct dpvs_reply **ret_reply);

/**
 * session_stream: asks for a list that may be too long to be kept. session_next(): the next record of it; *ret_more is
 * false when there is none. session_end(): after the last one, or before.
 * Returns: as session_get().
 */
int session_stream(struct dpip *d, uint32_t id, const void *record, uint32_t size);
int session_next(struct dpip *d, void *record, uint32_t size, bool *ret_more);
void session_end(struct dpip *d);

/** session_set: changes something, in a batch with all its other lines; as session_get(). */
int session_set(struct dpip *d, uint32_t id, const void *record, uint32_t size);

/** session_open: connects when that has not happened yet. Returns EXIT_OK, or EXIT_UNREACHABLE after an error line. */
int session_open(struct dpip *d);

/** session_failed: says on stderr why a call on d->client failed with @rc. Returns EXIT_REFUSED or EXIT_UNREACHABLE. */
int session_failed(struct dpip *d, int rc);

/**
 * session_keep: keeps @reply for the next round, which can say what changed since: d->before. Takes it,
 * frees the one kept before; NULL: only that.
 */
void session_keep(struct dpip *d, struct dpvs_reply *reply);

/** session_close: closes the connection, if any. */
void session_close(struct dpip *d);

#endif
