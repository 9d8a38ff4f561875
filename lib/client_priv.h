/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the client half share: the connection, and how requests go out and parts of answers come in.
 *
 *   client.c        opens, sends, asks          client_recv.c    receives; answers as a whole
 *   client_stream.c answers record by record; events             client_txn.c     transactions
 *
 * Thread-safety: as client.h says.
 */
#ifndef CLIENT_PRIV_H
#define CLIENT_PRIV_H

#include <sys/types.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/wire.h>

/** struct expected: a request that has no answer yet. */
struct expected {
	uint32_t seq;
	uint32_t id;
	uint32_t type;
};

/** struct part: one part of an answer, still in the client's rx; client_consume() lets it go. */
struct part {
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	const unsigned char *records; /* NULL without */
	size_t size;                  /* bytes of it, header included */
};

struct dpvs_client {
	char *path;
	int fd; /* -1 after a failure of the connection */
	unsigned int timeout_ms;
	uint32_t next_seq; /* 0 is left out: a message with seq 0 speaks of the connection */
	uint32_t error_index;
	int unreachable;
	const char *busy; /* what the connection is used for as a whole; NULL: for requests as they come */

	struct expected *expected; /* ring of unanswered requests */
	size_t expected_size;      /* power of two, or 0 */
	size_t expected_head;
	size_t expected_count;

	unsigned char *rx; /* bytes received, not yet consumed: rx_start to rx_end */
	size_t rx_size;
	size_t rx_start;
	size_t rx_end;

	struct expected events; /* the subscription; id 0: there is none */
	struct part frame;      /* of events, at rx_start; size 0: none */
	uint32_t frame_next;    /* the event to be given out next */

	char error[1024];
};

/** A deadline that never comes. */
#define DEADLINE_NEVER INT64_MAX

/* client.c */

/** client_begin: forgets the last error: what every call that may fail does first. */
void client_begin(struct dpvs_client *c);

/** client_fail: notes why a call failed (printf). Returns @err. */
int client_fail(struct dpvs_client *c, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** client_usable: 0, or an error when the connection is lost or used for something else. */
int client_usable(struct dpvs_client *c);

void client_disconnect(struct dpvs_client *c);

/** client_deadline: so many milliseconds from now on the monotonic clock; 0: DEADLINE_NEVER. */
int64_t client_deadline(unsigned int timeout_ms);

/** client_wait: waits for one of @events. Returns 0, -ETIMEDOUT, or the errno of poll(). */
int client_wait(struct dpvs_client *c, short events, int64_t deadline, short *ret_events);

/** client_send: as dpvs_client_send(), whatever the connection is used for. */
int client_send(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
		uint32_t record_size, uint32_t count, uint32_t *ret_seq);

/** client_call: one request and its answer; nothing else may be unanswered. */
int client_call(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
		uint32_t record_size, uint32_t count, struct dpvs_reply **ret_reply);

/* client_recv.c */

/** client_fill: reads what is there. Returns bytes, 0: nothing now, or -ECONNRESET, -ENOMEM, ... */
ssize_t client_fill(struct dpvs_client *c);

/** client_lost: the connection failed with @err; it is closed, and the daemon's last words are told. Returns an errno. */
int client_lost(struct dpvs_client *c, int err);

/** client_garbled: the daemon said something that is not the protocol; the connection is closed. Returns -EPROTO. */
int client_garbled(struct dpvs_client *c, const char *what);

/** client_set_error: the daemon's text, @len bytes, as the error @err. */
void client_set_error(struct dpvs_client *c, int err, const char *text, uint32_t len);

/**
 * client_peek_part: waits until the next part is in rx and takes it apart; it must answer @want.
 * @flags: MSG_DONTWAIT; or 0 when @deadline is the client's time-out from now, which saves a poll()
 * @ret_text: (out): of a refusal, part.reply.errstr_len bytes
 * Returns 0; -ETIMEDOUT as it is, nothing was lost; any other after the connection was closed.
 */
int client_peek_part(struct dpvs_client *c, const struct expected *want, int64_t deadline,
		     int flags, struct part *ret_part, const char **ret_text);

/** client_consume: lets the first @size bytes of rx go. */
void client_consume(struct dpvs_client *c, size_t size);

/**
 * client_receive_part: one part of the answer to the oldest request; a refusal is noted. After the last part the
 * request is answered. Returns 0 or a failure of the connection; ret_part->reply tells the rest.
 */
int client_receive_part(struct dpvs_client *c, struct part *ret_part);

/** client_receive: as dpvs_client_receive(), whatever the connection is used for. */
int client_receive(struct dpvs_client *c, uint32_t *ret_seq, struct dpvs_reply **ret_reply);

#endif
