/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the three files of the server half share: server.c (listening, the event source, time-outs),
 * server_client.c (one connection: bytes in, requests, bytes out) and server_req.c (one request).
 *
 * Life of a client: made by accept, found by epoll; client_drop() takes it out of everything and leaves
 * it in the graveyard, which the event source empties at the end of its turn: code further up the
 * stack may still hold the pointer. A request that a handler keeps outlives its client (req->client
 * becomes NULL) and its server (req->server becomes NULL).
 *
 * Thread-safety: main lcore only.
 */
#ifndef SERVER_PRIV_H
#define SERVER_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

enum {
	CHUNK_SIZE = 16 << 10,  /* small answers share a chunk of this size */
	READ_AHEAD = 64 << 10,  /* bytes read beyond the request being served */
	READ_MAX = 256 << 10,   /* bytes read from one client before another one's turn */
	TAKE_MIN = 32 << 10,    /* a request of more bytes keeps the memory that it was read into */
	PART_SIZE = 256 << 10,  /* bytes of records in one part of an answer: about one socket buffer */
	BACKLOG_HIGH = 1 << 20, /* unread bytes from which a client's next request waits */
	BACKLOG_LOW = 256 << 10, /* and below which it, or a handler that waits, goes on */
	TURN_REQUESTS = 32,     /* requests of one client served before another client's turn */
	RECORDS_MAX = 64 << 20, /* bytes of records after they are brought to the handler's size */
};

/* Unread answers of all clients together; beyond it each may keep only its share. */
#define TOTAL_PENDING_MAX (512ull << 20)

/** struct chunk: bytes on their way to a client. */
struct chunk {
	struct chunk *next;
	size_t start;   /* first byte not yet written */
	size_t end;
	size_t size;
	uint32_t answers; /* whole answers that end in this chunk */
	unsigned char data[];
};

/** struct client_data: what handlers have left with a connection. */
struct client_data {
	struct client_data *next;
	const void *key;
	void *data;
	void (*destroy)(void *data);
};

/** struct client: one connection. */
struct client {
	struct dpvs_server *server;
	int fd;
	uid_t uid;
	pid_t pid;
	bool may_set;
	bool dead;     /* in the graveyard */
	bool closing;  /* close when all is written */
	bool eof;      /* the peer sends no more */
	bool runnable; /* in server->runnable */
	uint32_t events; /* that epoll watches */
	gint64 active_us;  /* when it last finished a request or read an answer */
	GList lru_link;    /* in server->lru, longest silent first */
	GList run_link;
	bool writing;      /* in server->writers */
	gint64 wrote_us;   /* when the peer last read something, or had something to read first; with writing */
	GList write_link;

	unsigned char *in; /* received, not yet consumed: in_start to in_end */
	size_t in_size;
	size_t in_start;
	size_t in_end;
	size_t in_need; /* bytes that the request at in_start has in all, as far as known */
	uint64_t skip;  /* bytes of a refused request still to be passed over */

	struct dpvs_req *req; /* under way; a client has one at a time */
	struct client_data *data;

	struct chunk *out_head;
	struct chunk *out_tail;
	size_t out_bytes;
	uint32_t out_answers; /* not wholly read by the client */
};

/** struct dpvs_req: one request. */
struct dpvs_req {
	struct client *client;      /* NULL: hung up */
	struct dpvs_server *server; /* NULL: freed */
	GList link;                 /* in server->reqs */
	const struct dpvs_sockopt *opt;
	struct dpvs_sock_msg msg;
	uid_t uid;
	pid_t pid;
	uint32_t count;
	unsigned char *memory; /* of records; NULL: there are none */
	const unsigned char *records; /* as they came; without DPVS_SOCKOPT_BY_RECORD brought to opt->record_size */
	uint32_t record_size;  /* of a record there */
	bool in_handler;
	bool ended;     /* by dpvs_req_end() inside the handler */
	bool stream;    /* answered by dpvs_req_stream(); frames follow until it ends */
	bool no_memory;
	int result;     /* with ended */

	uint32_t flags;
	uint32_t index;
	uint32_t part_record_size;
	unsigned char *part; /* records collected for the next part */
	size_t part_bytes;
	size_t part_size;

	void (*drained)(struct dpvs_req *req, void *arg); /* waits for the client to read */
	void *drained_arg;
	guint cancel_source; /* idle source that calls it after a hang-up */
	void (*gone)(struct dpvs_req *req, void *arg); /* of a stream: after a hang-up */
	void *gone_arg;

	char errstr[DPVS_ERRSTR_MAX + 1];
};

struct dpvs_server {
	struct dpvs_server_params params; /* defaults filled in; path and group are copies */
	char *path;
	char *lock_path;
	int lock_fd;
	int listen_fd;
	int epoll_fd;
	int spare_fd; /* given up for a moment when descriptors run out */
	bool locked;    /* the lock file is ours */
	bool activated; /* systemd made the socket: it is not ours to remove */
	bool in_turn;   /* the event source is at work */
	dev_t sock_dev;
	ino_t sock_ino;
	gid_t group;
	bool has_group;

	GSource *source;
	guint tick;
	gint64 now_us;          /* when this turn began; with in_turn */
	gint64 served_us;       /* when a client that epoll named was served last */
	unsigned int quick;     /* turns in a row that came soon after the one before */
	unsigned int spin_need; /* of them, before the next request is looked for */
	GQueue lru;      /* all clients */
	GQueue runnable; /* clients with something to do although no byte moves */
	GQueue writers;  /* clients with unread answers, the one that has read nothing for longest first */
	GQueue reqs;     /* all requests under way */
	GSList *graveyard;
	struct chunk *spare_chunk; /* of CHUNK_SIZE, or NULL */
	uint64_t pending; /* bytes of all clients' chunks */
};

/* server.c */
void server_reap(struct dpvs_server *s);

/* server_client.c */
struct client *client_new(struct dpvs_server *s, int fd, uid_t uid, pid_t pid, bool may_set);
void client_free(struct client *c);
void client_drop(struct client *c);
void client_event(struct client *c, uint32_t events);
void client_run(struct client *c);
void client_wake(struct client *c);
void client_reply(struct client *c, const struct dpvs_sock_msg *to, int err, uint32_t flags,
		  uint32_t index, const char *errstr, uint32_t record_size, const void *records,
		  size_t bytes);
void client_frame(struct client *c, const struct dpvs_sock_msg *to, int err, uint32_t flags,
		  const char *errstr, uint64_t generation, uint32_t record_size, const void *records,
		  size_t bytes);
void client_refuse(struct client *c, int err, const char *errstr);
void client_flush(struct client *c);
void client_watch(struct client *c);
unsigned char *client_take(struct client *c);

/* server_req.c */
void req_start(struct client *c, const struct dpvs_sockopt *opt, const struct dpvs_sock_msg *msg,
	       const struct dpvs_sock_body *body, const unsigned char *records);
void req_audit_refused(const struct client *c, const struct dpvs_sockopt *opt, uint32_t count, int err,
		       const char *errstr);
void req_hangup(struct dpvs_req *req);
void req_data_free(struct client *c);
void req_check_drained(struct dpvs_req *req);

#endif
