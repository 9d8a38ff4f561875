/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half: speak to a running daemon. Knows neither DPDK nor GLib.
 *
 *   struct dpvs_client *c;
 *   if (dpvs_client_open(NULL, 2000, &c) == 0) {
 *           struct dpvs_reply *r;
 *           if (dpvs_client_get(c, DPVS_GET_SERVICES, NULL, 0, &r) == 0)
 *                   for (uint32_t i = 0; i < dpvs_reply_count(r); i++)
 *                           dpvs_reply_record(r, i, &info, sizeof(info));
 *           else
 *                   puts(dpvs_client_error(c));
 *           dpvs_reply_free(r);
 *   }
 *   dpvs_client_close(c);
 *
 * Thread-safety: one thread at a time for each client; different clients are independent.
 */
#ifndef DPVSCTRL_CLIENT_H
#define DPVSCTRL_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where the daemon listens unless told otherwise; the environment's DPVS_SOCKET comes before it. */
#define DPVS_SOCKET_DEFAULT "/run/dpvs/dpvs_ctrl"

struct dpvs_client; /**< a connection */
struct dpvs_reply;  /**< an answer, all its parts put together */

/**
 * dpvs_client_open:
 * @path: (nullable): socket; NULL: DPVS_SOCKET of the environment, else DPVS_SOCKET_DEFAULT
 * @timeout_ms: longest wait for the connection and for each later reply, in milliseconds; 0: for ever
 * @ret_client: (out): the connection; on failure too when memory allows, so that dpvs_client_error() can
 *   explain; close with dpvs_client_close()
 *
 * Connects.
 *
 * Returns: 0, or -ENOENT or -ECONNREFUSED (daemon not running), -EACCES (no permission), -ETIMEDOUT,
 *   -ENAMETOOLONG, -ENOMEM. Since: 0.1
 */
int dpvs_client_open(const char *path, unsigned int timeout_ms, struct dpvs_client **ret_client);

/** dpvs_client_close: (nullable): closes and frees. Since: 0.1 */
void dpvs_client_close(struct dpvs_client *client);

/** dpvs_client_fd: the descriptor, for poll(2) by callers that pipeline; -1 when closed. Since: 0.1 */
int dpvs_client_fd(const struct dpvs_client *client);

/** dpvs_client_path: the socket's path. Since: 0.1 */
const char *dpvs_client_path(const struct dpvs_client *client);

/**
 * dpvs_client_error: one line that says what was tried, why it failed and, where we know, the cure:
 * of the last call on @client that failed. Never NULL. Since: 0.1
 */
const char *dpvs_client_error(const struct dpvs_client *client);

/**
 * dpvs_client_error_index: the record that the daemon refused in the last failed call, from 0;
 * 0xffffffff when it blames none. Since: 0.1
 */
uint32_t dpvs_client_error_index(const struct dpvs_client *client);

/** dpvs_client_unreachable: non-zero when the last failure was not the daemon's answer (exit code 3 of dpip). Since: 0.1 */
int dpvs_client_unreachable(const struct dpvs_client *client);

/**
 * dpvs_client_get:
 * @id: GET id of dpvsctrl/proto/
 * @record: (nullable): one request record
 * @record_size: its size in bytes
 * @ret_reply: (out): set to NULL on failure; free with dpvs_reply_free()
 *
 * Asks and waits for the whole answer, all parts.
 *
 * Context: any thread. May block, at most the client's time-out for each part.
 *
 * Returns: 0; -ETIMEDOUT, -EPROTO, -ECONNRESET (the connection is closed then); or the daemon's errno.
 * Since: 0.1
 */
int dpvs_client_get(struct dpvs_client *client, uint32_t id, const void *record, uint32_t record_size,
		    struct dpvs_reply **ret_reply);

/**
 * dpvs_client_set:
 * @id: SET id
 * @records: (nullable): @count records of @record_size bytes, one after another
 *
 * Asks for a change and waits for the answer. Many records in one call are atomic: all or none.
 *
 * Returns: as dpvs_client_get(). Since: 0.1
 */
int dpvs_client_set(struct dpvs_client *client, uint32_t id, const void *records, uint32_t record_size,
		    uint32_t count);

/**
 * dpvs_client_send: sends a request without waiting, for pipelining. @type is DPVS_SOCKOPT_GET or _SET.
 * @ret_seq (out, nullable): the sequence number that the answer will carry. Answers come in order.
 * Returns: 0 or as above. Since: 0.1
 */
int dpvs_client_send(struct dpvs_client *client, uint32_t type, uint32_t id, const void *records,
		     uint32_t record_size, uint32_t count, uint32_t *ret_seq);

/**
 * dpvs_client_receive: waits for the answer to the oldest unanswered request. @ret_reply may be NULL.
 * Returns: 0 or as above; the daemon's errno for that request. Since: 0.1
 */
int dpvs_client_receive(struct dpvs_client *client, uint32_t *ret_seq, struct dpvs_reply **ret_reply);

/** dpvs_reply_count: number of records. NULL has 0. Since: 0.1 */
uint32_t dpvs_reply_count(const struct dpvs_reply *reply);

/**
 * dpvs_reply_record: copies record @index into @dst, zero-extended or cut to @dst_size (a longer record's
 * unknown tail is ignored when reading answers). Returns: 0 or -ERANGE. Since: 0.1
 */
int dpvs_reply_record(const struct dpvs_reply *reply, uint32_t index, void *dst, uint32_t dst_size);

/** dpvs_reply_generation: generation of the configuration when the answer was made. Since: 0.1 */
uint64_t dpvs_reply_generation(const struct dpvs_reply *reply);

/** dpvs_reply_flags: DPVS_REPLY_CHANGED or 0. Since: 0.1 */
uint32_t dpvs_reply_flags(const struct dpvs_reply *reply);

/** dpvs_reply_free: (nullable). Since: 0.1 */
void dpvs_reply_free(struct dpvs_reply *reply);

#ifdef __cplusplus
}
#endif

#endif
