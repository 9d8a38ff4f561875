/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the harness's daemon in the test's own thread, on a descriptor that does not block: whoever waits for
 * an answer runs the main loop turn by turn, so that what is served when can be counted.
 *
 * Thread-safety: the thread of the main loop.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/wire.h>

/** struct answer: the last part of an answer. */
struct answer {
	int err;
	uint32_t index;
	uint64_t generation;
	uint32_t count; /* records, over all parts */
	uint32_t flags; /* DPVS_REPLY_*, of all parts */
	char text[DPVS_ERRSTR_MAX + 1];
	uint8_t record[512]; /* the first one */
};

/** struct peer: a client of this thread. */
struct peer {
	int fd;
	GByteArray *in;
	uint32_t count;
	uint32_t flags;
	GByteArray *records; /* of the last answer, or the one that comes; kept when not NULL */
	struct answer a;
};

/** peer_new: connects. peer_free: hangs up, and lets the daemon see that. */
struct peer *peer_new(void);
void peer_free(struct peer *p);

/** peer_put: appends a request to @out, with @count records of @size bytes. peer_put_set: a SET. */
void peer_put(GByteArray *out, uint32_t type, uint32_t id, const void *records, uint32_t size, uint32_t count);
void peer_put_set(GByteArray *out, uint32_t id, const void *records, uint32_t size, uint32_t count);

/** peer_write: sends all of it. */
void peer_write(struct peer *p, const void *bytes, size_t len);

/** peer_poll: takes what came. Returns true when an answer is whole: it is in p->a. */
bool peer_poll(struct peer *p);

/** peer_answer: the next answer, into p->a. Returns its errcode. */
int peer_answer(struct peer *p);

/** peer_call: a request and its answer. peer_set: a SET. peer_listed: how many records GET @id lists. */
int peer_call(struct peer *p, uint32_t type, uint32_t id, const void *records, uint32_t size, uint32_t count);
int peer_set(struct peer *p, uint32_t id, const void *records, uint32_t size, uint32_t count);
uint32_t peer_listed(struct peer *p, uint32_t id);

#endif
