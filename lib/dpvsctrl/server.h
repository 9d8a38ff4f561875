/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server half: listen, read requests, find the handler, answer. A GSource of the default main
 * context; never blocks. (GLib types do not appear here; the caller runs a GMainLoop.)
 *
 * A request's life: header -> registry -> access, size -> handler -> reply. Handlers do not touch the
 * socket. A handler may answer later: it keeps the struct dpvs_req and ends it with dpvs_req_end().
 * Requests of one connection are served in order; other connections are not held up.
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

/**
 * struct dpvs_sockopt: a request type; tables end with an entry without a name.
 * @name: as logs and messages show it, "service-add"
 * @id: its number
 * @type: DPVS_SOCKOPT_GET or DPVS_SOCKOPT_SET; a SET needs write permission
 * @record_size: size of the handler's record; records are brought to it before the handler runs
 * @min_records: fewest records, 0 or 1; without a record the handler sees a zero one
 * @max_records: most records
 * @fn: handler; @records has @count records of record_size bytes (never NULL when record_size is not 0).
 *   Returns 0 (answer now, with what dpvs_req_add() put in), a negative errno (refused; text by
 *   dpvs_req_error()), or DPVS_REQ_PENDING
 * @data: for the handler, see dpvs_req_data()
 */
struct dpvs_sockopt {
	const char *name;
	uint32_t id;
	uint32_t type;
	uint32_t record_size;
	uint32_t min_records;
	uint32_t max_records;
	int (*fn)(struct dpvs_req *req, const void *records, uint32_t count);
	const void *data;
};

/** struct dpvs_server_params: see each member; zero means the default. */
struct dpvs_server_params {
	const char *path;           /**< socket; NULL: DPVS_SOCKET_DEFAULT */
	const char *group;          /**< group that owns the socket and may SET; NULL: none but uid 0 */
	unsigned int mode;          /**< mode of the socket; 0: 0660 */
	unsigned int max_clients;   /**< 0: 4096 */
	unsigned int max_inflight;  /**< requests of one client read ahead; 0: 256 */
	unsigned int idle_timeout_s;/**< a client silent for so long is closed; 0: 600 */
	uint64_t max_request;       /**< bytes of body; 0: DPVS_BODY_MAX */
	uint64_t max_pending;       /**< bytes of unread answers of one client before it is dropped; 0: 64 MiB */
	uint64_t (*generation)(void); /**< fills the generation of replies; NULL: 0 */
	/** called for each SET when it ends, for the audit log; may be NULL */
	void (*audit)(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
		      const char *errstr);
};

/**
 * dpvs_server_new: takes the lock file (@path + ".lock"), replaces a stale socket, listens, and attaches
 * to the default main context. A socket handed over by systemd (LISTEN_FDS) is taken instead.
 * @ret_error (out): a sentence on failure, to be freed with free()
 * Returns: 0, or -EADDRINUSE (a live daemon has @path), -EACCES, -ENOENT (no such directory), ... Since: 0.1
 */
int dpvs_server_new(const struct dpvs_server_params *params, struct dpvs_server **ret_server,
		    char **ret_error);

/** dpvs_server_free: (nullable): ends clients and pending requests, removes socket and lock. Since: 0.1 */
void dpvs_server_free(struct dpvs_server *server);

/** dpvs_sockopt_register: adds a type to the registry. Returns: 0, -EEXIST, -EINVAL. Since: 0.1 */
int dpvs_sockopt_register(const struct dpvs_sockopt *opt);

/** dpvs_sockopt_unregister: takes it out again. Returns: 0, -ENOENT. Since: 0.1 */
int dpvs_sockopt_unregister(const struct dpvs_sockopt *opt);

/** dpvs_req_data: the .data of the request's type. Since: 0.1 */
const void *dpvs_req_data(const struct dpvs_req *req);

/** dpvs_req_sockopt: the request's type. Since: 0.1 */
const struct dpvs_sockopt *dpvs_req_sockopt(const struct dpvs_req *req);

/** dpvs_req_add: appends a record to the answer; all of one answer have the same size. Since: 0.1 */
void dpvs_req_add(struct dpvs_req *req, const void *record, uint32_t record_size);

/** dpvs_req_error: sets the error text (printf), a sentence without the program's name. Returns @err. Since: 0.1 */
int dpvs_req_error(struct dpvs_req *req, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** dpvs_req_error_index: says which record is to blame. Since: 0.1 */
void dpvs_req_error_index(struct dpvs_req *req, uint32_t index);

/** dpvs_req_set_flags: DPVS_REPLY_CHANGED. Since: 0.1 */
void dpvs_req_set_flags(struct dpvs_req *req, uint32_t flags);

/** dpvs_req_uid: who asks, by SO_PEERCRED. Since: 0.1 */
uid_t dpvs_req_uid(const struct dpvs_req *req);

/**
 * dpvs_req_cancelled: non-zero when the client has hung up: a handler that answers later may stop its
 * work, and still ends the request with dpvs_req_end(). Since: 0.1
 */
int dpvs_req_cancelled(const struct dpvs_req *req);

/** dpvs_req_backlog: bytes of answers that the client has not read yet. Since: 0.1 */
size_t dpvs_req_backlog(const struct dpvs_req *req);

/**
 * dpvs_req_on_drained:
 * @req: a request whose handler returned DPVS_REQ_PENDING
 * @fn: called once, in a turn of the main loop of its own
 * @arg: for @fn
 *
 * How a long list keeps pace with its reader: the handler adds a slice with dpvs_req_add() (full parts are
 * sent at once), asks to be called when the client has read most of it, and goes on from there; after
 * the last slice dpvs_req_end(). @fn is also called when the client hangs up; see dpvs_req_cancelled().
 *
 * Since: 0.1
 */
void dpvs_req_on_drained(struct dpvs_req *req, void (*fn)(struct dpvs_req *req, void *arg), void *arg);

/** dpvs_req_end: answers a request whose handler returned DPVS_REQ_PENDING; @req is gone after it. Since: 0.1 */
void dpvs_req_end(struct dpvs_req *req, int err);

#ifdef __cplusplus
}
#endif

#endif
