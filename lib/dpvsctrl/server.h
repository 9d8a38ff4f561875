/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server half: listen, read requests, find the handler, answer. A GSource of the default main
 * context; never blocks. (GLib types do not appear here; the caller runs a GMainLoop.)
 *
 * A request's life: header -> registry -> access, size -> handler -> reply. Handlers do not touch
 * the socket. A handler may answer later: it keeps the struct dpvs_req and ends it with
 * dpvs_req_end(). Requests of one connection are served in order; other connections are not held
 * up.
 *
 * Thread-safety: main lcore only, all of it.
 */
#ifndef DPVSCTRL_SERVER_H
#define DPVSCTRL_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct dpvs_server;
struct dpvs_req; /**< one request under way */

/** What a handler returns when it will call dpvs_req_end() later. */
#define DPVS_REQ_PENDING 1

/** Bits of struct dpvs_sockopt.flags. */
enum {
	/**
	 * The handler asks for each record with dpvs_req_record(); @records is NULL. For types whose requests may have very
	 * many: they are kept as they came, where else all of them are brought to @record_size at once, before the handler
	 * runs, at 64 MiB at most.
	 */
	DPVS_SOCKOPT_BY_RECORD = 1u << 0,
};

/**
 * struct dpvs_sockopt: a request type; tables end with an entry without a name.
 * @name: as logs and messages show it, "service-add"
 * @id: its number
 * @type: DPVS_SOCKOPT_GET or DPVS_SOCKOPT_SET; a SET needs write permission
 * @record_size: size of the handler's record; records are brought to it before the handler runs
 * @min_records: fewest records, 0 or 1; without a record the handler sees a zero one
 * @max_records: most records
 * @flags: bits of DPVS_SOCKOPT_*
 * @fn: handler; @records has @count records of record_size bytes (never NULL when record_size is
 *   not 0), valid until the request ends. Returns 0 (answer now, with what dpvs_req_add() put in),
 *   a negative errno (refused; text by dpvs_req_error()), or DPVS_REQ_PENDING
 * @data: for the handler, see dpvs_req_data()
 */
struct dpvs_sockopt {
	const char *name;
	uint32_t id;
	uint32_t type;
	uint32_t record_size;
	uint32_t min_records;
	uint32_t max_records;
	uint32_t flags;
	int (*fn)(struct dpvs_req *req, const void *records, uint32_t count);
	const void *data;
};

/** struct dpvs_server_params: see each member; zero means the default. */
struct dpvs_server_params {
	const char *path;           /**< socket; NULL: DPVS_SOCKET_DEFAULT */
	const char *group;          /**< owns the socket and may SET, besides uid 0 and the own uid */
	unsigned int mode;          /**< mode of the socket; 0: 0660 */
	unsigned int max_clients;   /**< 0: 4096 */
	unsigned int max_inflight;  /**< answers that a client may leave unread; 0: 256 */
	unsigned int idle_timeout_s;/**< a client silent for so long is closed; 0: 600 */
	unsigned int stall_timeout_s; /**< so is one that reads nothing of its answers for so long; 0: 60 */
	uint64_t max_request;       /**< bytes of body; 0: DPVS_BODY_MAX */
	uint64_t max_pending;       /**< bytes of unread answers of one client before it is dropped; 0: 64 MiB */
	uint64_t (*generation)(void); /**< fills the generation of replies; NULL: 0 */
	/** called for each SET when it ends, for the audit log; may be NULL */
	void (*audit)(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
		      const char *errstr);
};

/**
 * dpvs_server_new:
 * @params: see there; strings are copied
 * @ret_server: (out): the server; NULL on failure
 * @ret_error: (out) (nullable): a sentence on failure, to be freed with free(); NULL otherwise
 *
 * Takes the lock file (the path with ".lock"), replaces the socket of a daemon that died, listens,
 * and attaches to the default main context. A socket handed over by systemd (LISTEN_FDS) is used
 * instead, and left at the end.
 *
 * Context: main lcore. Does not block. Changes the umask for a moment: no other thread should make
 * files.
 *
 * Returns: 0, or
 *   -EADDRINUSE    a live daemon has the socket
 *   -EEXIST        the path is there and is not a socket
 *   -EINVAL        there is no such group, or systemd passed something else
 *   -ENAMETOOLONG  the path is longer than a socket's path may be
 *   -ENOENT, -EACCES, any other  of the system call that @ret_error names
 *
 * Since: 0.1
 */
int dpvs_server_new(const struct dpvs_server_params *params, struct dpvs_server **ret_server,
		    char **ret_error);

/**
 * dpvs_server_free:
 * @server: (nullable): server
 *
 * Hangs up on all clients, removes socket and lock. Requests that handlers have kept stay theirs:
 * they are ended with dpvs_req_end() as ever, and nobody hears the answer.
 *
 * Context: main lcore, not from a handler.
 *
 * Since: 0.1
 */
void dpvs_server_free(struct dpvs_server *server);

/**
 * dpvs_sockopt_register:
 * @opt: request type; not copied, must stay until it is unregistered
 *
 * Adds a request type to the registry. GET and SET ids are two number spaces.
 *
 * Context: main lcore.
 *
 * Returns: 0, or
 *   -EEXIST  the id is taken for this type
 *   -EINVAL  no name or handler, a type that is none, flags that are not known, a record of more than DPVS_RECORD_MAX bytes,
 *             more records at least than at most, a record size without records or the other way
 *             round
 *
 * Since: 0.1
 */
int dpvs_sockopt_register(const struct dpvs_sockopt *opt);

/**
 * dpvs_sockopt_unregister:
 * @opt: request type, the same pointer
 *
 * Takes it out again. Requests of this type that are pending go on: @opt has to stay until they have ended.
 *
 * Context: main lcore.
 *
 * Returns: 0, or -ENOENT: not registered. Since: 0.1
 */
int dpvs_sockopt_unregister(const struct dpvs_sockopt *opt);

/**
 * dpvs_req_data:
 * @req: request
 *
 * Context: main lcore.
 *
 * Returns: .data of the request's type. Since: 0.1
 */
const void *dpvs_req_data(const struct dpvs_req *req);

/**
 * dpvs_req_sockopt:
 * @req: request
 *
 * Context: main lcore.
 *
 * Returns: the request's type. Since: 0.1
 */
const struct dpvs_sockopt *dpvs_req_sockopt(const struct dpvs_req *req);

/**
 * dpvs_req_record:
 * @req: a request whose type has DPVS_SOCKOPT_BY_RECORD
 * @index: which record, from 0
 * @ret_record: (out): record_size bytes of the type; a shorter record is zero-extended, and of a request
 *   without records number 0 is zero
 *
 * Gives a record. When it has an unknown part that is not zero, text and record of the refusal are set.
 *
 * Context: main lcore, until dpvs_req_end().
 *
 * Returns: 0, or
 *   -E2BIG   an unknown part of the record is not zero
 *   -EINVAL  there is no such record, or the type does not have the flag
 *
 * Since: 0.1
 */
int dpvs_req_record(struct dpvs_req *req, uint32_t index, void *ret_record);

/**
 * dpvs_req_add:
 * @req: request
 * @record: copied
 * @record_size: its size in bytes, 1 to DPVS_RECORD_MAX; the same for all records of one answer
 *
 * Appends a record to the answer. Full parts are put on their way at once. What is added for a
 * client that has hung up, or to a request that ends with an error, goes nowhere.
 *
 * Context: main lcore, until dpvs_req_end().
 *
 * Since: 0.1
 */
void dpvs_req_add(struct dpvs_req *req, const void *record, uint32_t record_size);

/**
 * dpvs_req_error:
 * @req: request
 * @err: negative errno
 * @format: a sentence without the program's name and without a dot, as printf(3); cut to
 *   DPVS_ERRSTR_MAX bytes; control characters and what is no UTF-8 become "?"
 *
 * Sets the text of a refusal: return dpvs_req_error(req, -EEXIST, "...").
 *
 * Context: main lcore.
 *
 * Returns: @err. Since: 0.1
 */
int dpvs_req_error(struct dpvs_req *req, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * dpvs_req_error_index:
 * @req: request
 * @index: the record that is to blame, from 0
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_req_error_index(struct dpvs_req *req, uint32_t index);

/**
 * dpvs_req_set_flags:
 * @req: request
 * @flags: DPVS_REPLY_CHANGED
 *
 * Adds flags to the answer, from its next part on.
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_req_set_flags(struct dpvs_req *req, uint32_t flags);

/**
 * dpvs_req_uid:
 * @req: request
 *
 * Context: main lcore.
 *
 * Returns: who asks, by SO_PEERCRED. Since: 0.1
 */
uid_t dpvs_req_uid(const struct dpvs_req *req);

/**
 * dpvs_req_pid:
 * @req: request
 *
 * Context: main lcore.
 *
 * Returns: the process that connected, by SO_PEERCRED; it may have ended since. Since: 0.1
 */
pid_t dpvs_req_pid(const struct dpvs_req *req);

/**
 * dpvs_req_client_data:
 * @req: request
 * @key: address that tells whose data is meant, as given to dpvs_req_set_client_data()
 *
 * What an earlier request of the same connection has left. It goes with the connection: a handler that
 * answers later must ask again.
 *
 * Context: main lcore.
 *
 * Returns: the data, or NULL: none, or the client has hung up. Since: 0.1
 */
void *dpvs_req_client_data(const struct dpvs_req *req, const void *key);

/**
 * dpvs_req_set_client_data:
 * @req: request
 * @key: (not nullable): any address of the caller's own, for which there is one piece of data for each
 *   connection
 * @data: (nullable): what later requests of this connection shall find; NULL: nothing
 * @destroy: (nullable): called with @data when the connection ends; not when other data takes its
 *   place, which is up to the caller
 *
 * Leaves something for the connection.
 *
 * Context: main lcore.
 *
 * Returns: 0, or
 *   -ENOTCONN  the client has hung up; @data stays the caller's
 *   -ENOMEM    no memory; @data stays the caller's
 *
 * Since: 0.1
 */
int dpvs_req_set_client_data(struct dpvs_req *req, const void *key, void *data,
			     void (*destroy)(void *data));

/**
 * dpvs_req_cancelled:
 * @req: request
 *
 * A handler that answers later may stop its work when the client is gone; it still ends the request
 * with dpvs_req_end().
 *
 * Context: main lcore.
 *
 * Returns: non-zero when the client has hung up. Since: 0.1
 */
int dpvs_req_cancelled(const struct dpvs_req *req);

/**
 * dpvs_req_backlog:
 * @req: request
 *
 * Context: main lcore.
 *
 * Returns: bytes of answers that the client has not read yet. Since: 0.1
 */
size_t dpvs_req_backlog(const struct dpvs_req *req);

/**
 * dpvs_req_on_drained:
 * @req: a request whose handler returns, or returned, DPVS_REQ_PENDING
 * @fn: called once, in a turn of the main loop of its own
 * @arg: for @fn
 *
 * How a long list keeps pace with its reader: the handler adds a slice with dpvs_req_add(), asks to
 * be called when the client has read most of it, and goes on from there; after the last slice
 * dpvs_req_end(). @fn is also called when the client hangs up; see dpvs_req_cancelled().
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_req_on_drained(struct dpvs_req *req, void (*fn)(struct dpvs_req *req, void *arg), void *arg);

/**
 * dpvs_req_stream:
 * @req: a GET whose handler is running, and then returns DPVS_REQ_PENDING
 * @gone: called once when the client has hung up, or has sent something, in a turn of the main loop of its own;
 *   it ends the request
 * @arg: for @gone
 *
 * Answers the request, with what dpvs_req_add() put in, and makes its connection one-way: from here on
 * the handler sends frames with dpvs_req_stream_send(), until the client hangs up or dpvs_req_end(), which
 * closes the connection when all is written (with an error: after a frame that carries it).
 * dpvs_req_backlog() and dpvs_req_on_drained() keep pace with the reader; what waits to be called by the
 * latter is not called any more once @gone is. A client that sends anything is told so in a last frame and disconnected; one
 * that does not read for the idle time-out of the server, too. A client may close its sending half.
 *
 * Context: main lcore.
 *
 * Returns: 0, or
 *   -EINVAL    not a GET, or a stream already
 *   -ENOMEM    there was no memory for the answer
 *   -ENOTCONN  the client has hung up
 *
 * Since: 0.1
 */
int dpvs_req_stream(struct dpvs_req *req, void (*gone)(struct dpvs_req *req, void *arg), void *arg);

/**
 * dpvs_req_stream_send:
 * @req: a request after dpvs_req_stream()
 * @flags: DPVS_REPLY_MORE or 0
 * @generation: what the frame shall say of the generation
 * @records: (nullable): @count records, copied
 * @record_size: size of each in bytes, at most DPVS_RECORD_MAX
 * @count: how many; at most 8 MiB in all
 *
 * Sends one frame: the head and body of an answer, of type DPVS_SOCKOPT_EVENT. A client whose unread bytes grow
 * beyond max_pending of struct dpvs_server_params is dropped: look at dpvs_req_backlog() first.
 *
 * Context: main lcore. Does not block.
 *
 * Returns: 0, or
 *   -EINVAL    no stream, or too much
 *   -ENOTCONN  the client has hung up, or was dropped
 *
 * Since: 0.1
 */
int dpvs_req_stream_send(struct dpvs_req *req, uint32_t flags, uint64_t generation, const void *records,
		     uint32_t record_size, uint32_t count);

/**
 * dpvs_req_end:
 * @req: a request whose handler returns, or returned, DPVS_REQ_PENDING; gone after this
 * @err: 0, or a negative errno; its text by dpvs_req_error()
 *
 * Answers. The client's next request may be served from here on.
 *
 * Context: main lcore; also in the handler itself, which then still returns DPVS_REQ_PENDING.
 *
 * Since: 0.1
 */
void dpvs_req_end(struct dpvs_req *req, int err);

#ifdef __cplusplus
}
#endif

#endif
