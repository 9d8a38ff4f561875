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
struct dpvs_stream; /**< an answer that is read record by record */
struct dpvs_txn;    /**< changes that will take effect together */
struct dpvs_event;  /**< dpvsctrl/proto/event.h */

/**
 * dpvs_client_open:
 * @path: (nullable): socket; NULL: DPVS_SOCKET of the environment, else DPVS_SOCKET_DEFAULT
 * @timeout_ms: longest wait for the connection and for each part of an answer, in milliseconds; 0:
 *   for ever
 * @ret_client: (out): the connection; on failure too when memory allows, so that
 *   dpvs_client_error() can explain; to be closed with dpvs_client_close() in both cases
 *
 * Connects to a daemon.
 *
 * Context: any thread. Blocks for @timeout_ms at most.
 *
 * Returns: 0, or
 *   -ENOENT        there is no such socket: the daemon does not run
 *   -ECONNREFUSED  nobody listens on it: the daemon died
 *   -EACCES        no permission for the socket
 *   -ETIMEDOUT     the daemon does not take connections
 *   -ENAMETOOLONG  @path is longer than a socket's path may be (107 bytes)
 *   -ENOMEM        and @ret_client may be NULL
 *   any other      of socket(2) or connect(2)
 *
 * Since: 0.1
 */
int dpvs_client_open(const char *path, unsigned int timeout_ms, struct dpvs_client **ret_client);

/**
 * dpvs_client_close:
 * @client: (nullable): connection
 *
 * Closes and frees. Answers that were not received are lost; a request that the daemon has begun is
 * carried out.
 *
 * Context: any thread. Does not block.
 *
 * Since: 0.1
 */
void dpvs_client_close(struct dpvs_client *client);

/**
 * dpvs_client_set_timeout:
 * @client: connection
 * @timeout_ms: as in dpvs_client_open()
 *
 * Sets how long later calls wait.
 *
 * Context: any thread.
 *
 * Since: 0.1
 */
void dpvs_client_set_timeout(struct dpvs_client *client, unsigned int timeout_ms);

/**
 * dpvs_client_fd:
 * @client: connection
 *
 * For poll(2) by callers that pipeline or that are subscribed to events: readable means that
 * dpvs_client_receive() or dpvs_client_next_event() has something to read.
 *
 * Context: any thread.
 *
 * Returns: the descriptor, which stays the client's; -1 after the connection was lost. Since: 0.1
 */
int dpvs_client_fd(const struct dpvs_client *client);

/**
 * dpvs_client_path:
 * @client: connection
 *
 * Context: any thread.
 *
 * Returns: the path of the socket, valid as long as @client. Since: 0.1
 */
const char *dpvs_client_path(const struct dpvs_client *client);

/**
 * dpvs_client_error:
 * @client: (nullable): connection
 *
 * What the last call on @client that failed tried, why it failed and, where we know, the cure: one
 * line without control characters, without the program's name. When the daemon refused, its own
 * words.
 *
 * Context: any thread.
 *
 * Returns: the text, never NULL; "" after a call that went well; valid until the next call. Since:
 *   0.1
 */
const char *dpvs_client_error(const struct dpvs_client *client);

/**
 * dpvs_client_error_index:
 * @client: connection
 *
 * Context: any thread.
 *
 * Returns: the record that the daemon refused in the last failed call, from 0; 0xffffffff when it
 *   blames none. Since: 0.1
 */
uint32_t dpvs_client_error_index(const struct dpvs_client *client);

/**
 * dpvs_client_unreachable:
 * @client: (nullable): connection
 *
 * Tells "the daemon said no" from "there is no daemon" (exit code 3 of dpip).
 *
 * Context: any thread.
 *
 * Returns: non-zero when the last failure was not the daemon's answer to the request. Since: 0.1
 */
int dpvs_client_unreachable(const struct dpvs_client *client);

/**
 * dpvs_client_deadlines:
 * @client: connection without unanswered requests
 * @get_ms: how long the daemon waits for a worker that a GET needs, in milliseconds; 0: as it is
 * @set_ms: how long a SET waits for its turn, and after its commit for all workers; 0: as it is
 *
 * Asks the daemon for deadlines, for all requests of this connection that follow. Without it they are what
 * the daemon's configuration says, 50 ms and 2000 ms by default. What is longer than the client's own
 * time-out is of no use.
 *
 * Context: any thread. Blocks, at most the client's time-out.
 *
 * Returns: 0; -EINVAL: more than 600000; else as dpvs_client_get(). Since: 0.1
 */
int dpvs_client_deadlines(struct dpvs_client *client, uint32_t get_ms, uint32_t set_ms);

/**
 * dpvs_client_get:
 * @client: connection without unanswered requests
 * @id: GET id of dpvsctrl/proto/
 * @record: (nullable): one request record, usually a filter; not kept
 * @record_size: its size in bytes, at most DPVS_RECORD_MAX
 * @ret_reply: (out): the answer; NULL on failure; free with dpvs_reply_free()
 *
 * Asks and waits for the whole answer, all its parts.
 *
 * Context: any thread. Blocks, at most the client's time-out for each part.
 *
 * Returns: 0, or
 *   -EINVAL           @record_size is 0 or too large
 *   -EBUSY            requests sent with dpvs_client_send() wait for their answers, or the connection has
 *                     a stream, a transaction or a subscription
 *   -ENOTCONN         the connection was lost before
 *   -ETIMEDOUT        no answer in time; the connection is closed
 *   -ECONNRESET       the daemon closed the connection
 *   -EPROTO           what came does not follow the protocol; the connection is closed
 *   -EPROTONOSUPPORT  the daemon speaks another version; the connection is closed
 *   -ENOMEM           no memory; the connection is closed if the answer was under way
 *   any other         the daemon's errno; dpvs_client_error() has its text
 *
 * Since: 0.1
 */
int dpvs_client_get(struct dpvs_client *client, uint32_t id, const void *record, uint32_t record_size,
		    struct dpvs_reply **ret_reply);

/**
 * dpvs_client_set:
 * @client: connection without unanswered requests
 * @id: SET id of dpvsctrl/proto/
 * @records: (nullable): @count records of @record_size bytes, one after another; not kept
 * @record_size: size of each in bytes, at most DPVS_RECORD_MAX
 * @count: how many; 0 when the id takes none
 *
 * Asks for a change and waits for the answer. Many records in one call are one change: all take
 * effect on all workers, or none; dpvs_client_error_index() tells which record was refused.
 *
 * Context: any thread. Blocks, at most the client's time-out.
 *
 * Returns: as dpvs_client_get(), and -EMSGSIZE when the records are more than a request holds
 *   (DPVS_BODY_MAX). Since: 0.1
 */
int dpvs_client_set(struct dpvs_client *client, uint32_t id, const void *records, uint32_t record_size,
		    uint32_t count);

/**
 * dpvs_client_send:
 * @client: connection
 * @type: DPVS_SOCKOPT_GET or DPVS_SOCKOPT_SET
 * @id: id of that type
 * @records: (nullable): @count records of @record_size bytes; not kept
 * @record_size: size of each in bytes, at most DPVS_RECORD_MAX
 * @count: how many
 * @ret_seq: (out) (nullable): sequence number that the answer will carry
 *
 * Sends a request without waiting for its answer, for pipelining. Answers come in order; those that
 * come while this call writes are kept in memory for dpvs_client_receive(), so neither side can
 * lock the other up.
 *
 * Context: any thread. Blocks while the daemon takes nothing, at most the client's time-out.
 *
 * Returns: 0, or as dpvs_client_set(). Since: 0.1
 */
int dpvs_client_send(struct dpvs_client *client, uint32_t type, uint32_t id, const void *records,
		     uint32_t record_size, uint32_t count, uint32_t *ret_seq);

/**
 * dpvs_client_receive:
 * @client: connection
 * @ret_seq: (out) (nullable): sequence number of the request that was answered, also when it was
 *   refused
 * @ret_reply: (out) (nullable): the answer; NULL on failure; free with dpvs_reply_free()
 *
 * Waits for the whole answer to the oldest unanswered request.
 *
 * Context: any thread. Blocks, at most the client's time-out for each part.
 *
 * Returns: as dpvs_client_get() for that request; -EINVAL when no request waits. Since: 0.1
 */
int dpvs_client_receive(struct dpvs_client *client, uint32_t *ret_seq, struct dpvs_reply **ret_reply);

/**
 * dpvs_reply_count:
 * @reply: (nullable): an answer
 *
 * Context: any thread.
 *
 * Returns: number of records; 0 for NULL. Since: 0.1
 */
uint32_t dpvs_reply_count(const struct dpvs_reply *reply);

/**
 * dpvs_reply_record:
 * @reply: (nullable): an answer
 * @index: which record, from 0
 * @dst: where it goes
 * @dst_size: size of the record as the caller knows it, in bytes
 *
 * Copies a record. One of an older daemon is zero-extended; what a newer one knows more is left
 * out.
 *
 * Context: any thread.
 *
 * Returns: 0, or -ERANGE: there is no such record. Since: 0.1
 */
int dpvs_reply_record(const struct dpvs_reply *reply, uint32_t index, void *dst, uint32_t dst_size);

/**
 * dpvs_reply_generation:
 * @reply: (nullable): an answer
 *
 * Context: any thread.
 *
 * Returns: generation of the configuration when the answer was made; 0 for NULL. Since: 0.1
 */
uint64_t dpvs_reply_generation(const struct dpvs_reply *reply);

/**
 * dpvs_reply_flags:
 * @reply: (nullable): an answer
 *
 * Context: any thread.
 *
 * Returns: DPVS_REPLY_CHANGED when the table changed while it was listed, else 0. Since: 0.1
 */
uint32_t dpvs_reply_flags(const struct dpvs_reply *reply);

/**
 * dpvs_reply_free:
 * @reply: (nullable): an answer
 *
 * Context: any thread.
 *
 * Since: 0.1
 */
void dpvs_reply_free(struct dpvs_reply *reply);

/**
 * dpvs_stream_open:
 * @client: connection without unanswered requests
 * @id: GET id of dpvsctrl/proto/
 * @record: (nullable): one request record, usually a filter; not kept
 * @record_size: its size in bytes, at most DPVS_RECORD_MAX
 * @ret_stream: (out): the answer; NULL on failure; to be closed with dpvs_stream_close()
 *
 * Asks as dpvs_client_get(), for an answer that may be too long to be kept: memory holds one part of
 * it at a time, and the daemon makes the rest as it is read. Until the stream has ended or is closed
 * the connection does nothing else.
 *
 * Context: any thread. Blocks while the daemon takes nothing, at most the client's time-out.
 *
 * Returns: 0, or as dpvs_client_send(); -EBUSY when requests wait for their answers. Since: 0.1
 */
int dpvs_stream_open(struct dpvs_client *client, uint32_t id, const void *record, uint32_t record_size,
		     struct dpvs_stream **ret_stream);

/**
 * dpvs_stream_next:
 * @stream: an answer
 * @dst: where the record goes
 * @dst_size: size of the record as the caller knows it, in bytes
 *
 * Copies the next record, as dpvs_reply_record(). Whether all went well is known at the end only.
 *
 * Context: any thread. Blocks, at most the client's time-out for each part.
 *
 * Returns: 1, a record was copied; 0, that was all; or as dpvs_client_get(). Since: 0.1
 */
int dpvs_stream_next(struct dpvs_stream *stream, void *dst, uint32_t dst_size);

/**
 * dpvs_stream_generation:
 * @stream: an answer
 *
 * Context: any thread.
 *
 * Returns: generation of the configuration when the last part so far was made; 0 before the first.
 *   Since: 0.1
 */
uint64_t dpvs_stream_generation(const struct dpvs_stream *stream);

/**
 * dpvs_stream_flags:
 * @stream: an answer
 *
 * Context: any thread.
 *
 * Returns: DPVS_REPLY_CHANGED when the table changed while it was listed, as far as is known by now,
 *   else 0. Since: 0.1
 */
uint32_t dpvs_stream_flags(const struct dpvs_stream *stream);

/**
 * dpvs_stream_close:
 * @stream: (nullable): an answer
 *
 * Frees it; before dpvs_client_close(). When parts of it are still to come they are of no use to the next
 * request: the connection is closed.
 *
 * Context: any thread. Does not block.
 *
 * Since: 0.1
 */
void dpvs_stream_close(struct dpvs_stream *stream);

/**
 * dpvs_txn_begin:
 * @client: connection without unanswered requests
 * @flags: DPVS_TXN_* of dpvsctrl/proto/txn.h
 * @generation: for DPVS_TXN_CHECK_GENERATION: what the caller has read, see dpvs_reply_generation(); 0: the
 *   one there is now
 * @ret_txn: (out): the transaction; NULL on failure; to be ended with dpvs_txn_commit() or
 *   dpvs_txn_abort(), and before dpvs_client_close()
 *
 * Begins a transaction: the SETs that follow, of any families, take effect together or not at all.
 * Until it ends the connection does nothing else.
 *
 * Context: any thread. Blocks, at most the client's time-out.
 *
 * Returns: 0, or as dpvs_client_set(); -EOPNOTSUPP when the daemon has no transactions. Since: 0.1
 */
int dpvs_txn_begin(struct dpvs_client *client, uint32_t flags, uint64_t generation,
		   struct dpvs_txn **ret_txn);

/**
 * dpvs_txn_set:
 * @txn: transaction
 * @id: SET id of dpvsctrl/proto/
 * @records: (nullable): @count records of @record_size bytes, one after another; not kept
 * @record_size: size of each in bytes, at most DPVS_RECORD_MAX
 * @count: how many; 0 when the id takes none
 *
 * Adds a change. Changes are gathered and sent about a megabyte at a time, without waiting for
 * answers: a failure may be one of an earlier call. After a failure nothing more is staged, and the
 * commit fails in the same way; callers that do not need to know early need not look.
 *
 * Context: any thread. Blocks while the daemon takes nothing, at most the client's time-out.
 *
 * Returns: 0, or as dpvs_client_set(); -EOPNOTSUPP also when @id does not take part in transactions;
 *   -EDQUOT or -ENOMEM when the daemon keeps no more. Since: 0.1
 */
int dpvs_txn_set(struct dpvs_txn *txn, uint32_t id, const void *records, uint32_t record_size,
		 uint32_t count);

/**
 * dpvs_txn_commit:
 * @txn: transaction; freed in any case
 * @ret_generation: (out) (nullable): of the configuration with the changes; written on success only
 *
 * Carries out all changes, in their order. When one is refused none has happened, and
 * dpvs_client_error_index() tells which: the number of its record, counted from 0 over all calls of
 * dpvs_txn_set().
 *
 * Context: any thread. Blocks, at most the client's time-out for each of the answers that are missing.
 *
 * Returns: 0, or
 *   -EAGAIN       the configuration was changed meanwhile (DPVS_TXN_CHECK_GENERATION)
 *   -EINPROGRESS  committed, but a worker has not confirmed it yet
 *   any other     the first failure of dpvs_txn_set(), or as dpvs_client_set()
 *
 * Since: 0.1
 */
int dpvs_txn_commit(struct dpvs_txn *txn, uint64_t *ret_generation);

/**
 * dpvs_txn_abort:
 * @txn: (nullable): transaction; freed
 *
 * Drops all changes. dpvs_client_error() is "" afterwards.
 *
 * Context: any thread. Blocks, at most the client's time-out for each of the answers that are missing.
 *
 * Since: 0.1
 */
void dpvs_txn_abort(struct dpvs_txn *txn);

/**
 * dpvs_client_subscribe:
 * @client: connection without unanswered requests
 * @kinds: DPVS_EVENT_* bits of dpvsctrl/proto/event.h; 0: all
 *
 * Makes it a connection on which the daemon tells what there is and then each change, in order. There
 * is no way back: close it.
 *
 * Context: any thread. Blocks, at most the client's time-out.
 *
 * Returns: 0, or as dpvs_client_get(); -EOPNOTSUPP when the daemon has no events. Since: 0.1
 */
int dpvs_client_subscribe(struct dpvs_client *client, uint32_t kinds);

/**
 * dpvs_client_next_event:
 * @client: connection after dpvs_client_subscribe()
 * @ret_event: (out): the event
 * @timeout_ms: longest wait for it, in milliseconds; 0: only what is there; -1: for ever
 *
 * Takes the next event. Several may have been read at once: before waiting for dpvs_client_fd() with
 * poll(2), call it with @timeout_ms 0 until it returns -EAGAIN.
 *
 * Context: any thread. Blocks for @timeout_ms at most.
 *
 * Returns: 0, or
 *   -EAGAIN      there was none in time; the connection stays
 *   -EINVAL      the connection is not subscribed
 *   -ENOTCONN    the connection was lost before
 *   -ECONNRESET  the daemon closed the connection
 *   -EPROTO      what came does not follow the protocol; the connection is closed
 *   -ENOMEM      no memory; the connection is closed
 *   any other    the daemon ended the subscription; dpvs_client_error() has its text
 *
 * Since: 0.1
 */
int dpvs_client_next_event(struct dpvs_client *client, struct dpvs_event *ret_event, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
