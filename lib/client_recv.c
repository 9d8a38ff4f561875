/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says: bytes into one growing buffer, parts of answers out of it, each checked before anything is
 * believed; and answers put together from their parts. A daemon that says anything at all costs an error, and memory
 * in proportion to what it really sent.
 */
#include "client_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RX_FIRST = 16384,   /* bytes of the buffer for a start: most answers are small */
	RX_STEP = 1u << 18, /* bytes read at once of a long part, as they come from our daemon */
};

struct dpvs_reply {
	uint64_t generation;
	uint32_t flags;
	uint32_t record_size;
	uint32_t count;
	size_t used; /* bytes */
	size_t size;
	unsigned char *records;
};

/* Makes room for @need more bytes after rx_end. */
static int
rx_reserve(struct dpvs_client *c, size_t need)
{
	size_t used = c->rx_end - c->rx_start;
	size_t size = c->rx_size > 0 ? c->rx_size : RX_FIRST;
	unsigned char *p;

	if (c->rx_size - c->rx_end >= need)
		return 0;
	if (c->rx_start > 0) {
		memmove(c->rx, c->rx + c->rx_start, used);
		c->rx_start = 0;
		c->rx_end = used;
		if (c->rx_size - used >= need)
			return 0;
	}
	while (size - used < need) {
		if (size > SIZE_MAX / 2)
			return -ENOMEM;
		size *= 2;
	}
	p = realloc(c->rx, size);
	if (p == NULL)
		return -ENOMEM;
	c->rx = p;
	c->rx_size = size;
	return 0;
}

/* As client_fill(), with room for @room bytes; @flags 0: waits for the first, at most c->timeout_ms. */
static ssize_t
rx_fill(struct dpvs_client *c, size_t room, int flags)
{
	ssize_t n;
	int rc;

	rc = rx_reserve(c, room);
	if (rc < 0)
		return rc;
	n = recv(c->fd, c->rx + c->rx_end, c->rx_size - c->rx_end, flags);
	if (n > 0) {
		c->rx_end += (size_t)n;
		return n;
	}
	if (n == 0)
		return -ECONNRESET;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
}

ssize_t
client_fill(struct dpvs_client *c)
{
	return rx_fill(c, RX_FIRST, MSG_DONTWAIT);
}

void
client_consume(struct dpvs_client *c, size_t size)
{
	c->rx_start += size;
	if (c->rx_start == c->rx_end) {
		c->rx_start = 0;
		c->rx_end = 0;
	}
}

/* One line, no control characters: it may end on a terminal. */
void
client_set_error(struct dpvs_client *c, int err, const char *text, uint32_t len)
{
	uint32_t i;

	if (len == 0) {
		snprintf(c->error, sizeof(c->error), "%s", strerror(-err));
		return;
	}
	for (i = 0; i < len && i < sizeof(c->error) - 1; i++) {
		unsigned char ch = (unsigned char)text[i];

		c->error[i] = ch < 0x20 || ch == 0x7f ? ' ' : (char)ch;
	}
	c->error[i] = '\0';
}

/*
 * The connection is of no use any more. What the daemon said last explains it best: a message with
 * sequence number 0 that says why it closes.
 */
int
client_lost(struct dpvs_client *c, int err)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	const char *text;
	const void *records;

	c->unreachable = 1;
	if (c->rx_end - c->rx_start >= sizeof(msg)) {
		memcpy(&msg, c->rx + c->rx_start, sizeof(msg));
		if (msg.seq == 0 && msg.len <= c->rx_end - c->rx_start - sizeof(msg) &&
		    dpvs_wire_check_reply(c->rx + c->rx_start + sizeof(msg), msg.len, &reply, &text,
					  &body, &records) == 0 &&
		    reply.errcode < 0) {
			client_set_error(c, reply.errcode, text, reply.errstr_len);
			client_disconnect(c);
			return reply.errcode;
		}
	}
	client_disconnect(c);
	switch (err) {
	case -ETIMEDOUT:
		return client_fail(c, err, "the daemon on %s did not answer within %u ms", c->path,
				   c->timeout_ms);
	case -EPIPE:
	case -ECONNRESET:
		return client_fail(c, -ECONNRESET, "the daemon on %s closed the connection", c->path);
	case -ENOMEM:
		return client_fail(c, err, "out of memory");
	default:
		return client_fail(c, err, "the connection to the daemon on %s failed: %s", c->path,
				   strerror(-err));
	}
}

int
client_garbled(struct dpvs_client *c, const char *what)
{
	c->unreachable = 1;
	client_disconnect(c);
	return client_fail(c, -EPROTO, "what listens on %s does not speak our protocol: %s", c->path,
			   what);
}

static int
other_version(struct dpvs_client *c, uint32_t theirs)
{
	c->unreachable = 1;
	client_disconnect(c);
	return client_fail(c, -EPROTONOSUPPORT,
			   "the daemon on %s speaks protocol version %u.%u, this program %u.%u", c->path,
			   theirs >> 16, theirs & 0xffff, DPVS_PROTO_VERSION >> 16,
			   DPVS_PROTO_VERSION & 0xffff);
}

/*
 * Waits until @need bytes are in rx. @flags: of the first read, see client_peek_part(). Returns 0, -ETIMEDOUT, or what
 * client_lost() says.
 */
static int
rx_wait(struct dpvs_client *c, size_t need, int64_t deadline, int flags)
{
	short events;
	ssize_t n;
	int rc;

	while (c->rx_end - c->rx_start < need) {
		size_t missing = need - (c->rx_end - c->rx_start);

		/* Not all that is announced at once: it may never come. */
		n = rx_fill(c, missing < RX_FIRST ? RX_FIRST : missing < RX_STEP ? missing : RX_STEP,
			    flags);
		flags = MSG_DONTWAIT;
		if (n > 0)
			continue;
		rc = n < 0 ? (int)n : client_wait(c, POLLIN, deadline, &events);
		if (rc == -ETIMEDOUT)
			return rc;
		if (rc < 0)
			return client_lost(c, rc);
	}
	return 0;
}

int
client_peek_part(struct dpvs_client *c, const struct expected *want, int64_t deadline, int flags,
		 struct part *ret_part, const char **ret_text)
{
	struct dpvs_sock_msg msg;
	const void *records;
	int rc;

	rc = rx_wait(c, sizeof(msg), deadline, c->rx_start == c->rx_end ? flags : MSG_DONTWAIT);
	if (rc < 0)
		return rc;
	memcpy(&msg, c->rx + c->rx_start, sizeof(msg));
	if (msg.version >> 16 != DPVS_PROTO_VERSION >> 16)
		return other_version(c, msg.version);
	if (msg.len > DPVS_BODY_MAX + sizeof(struct dpvs_sock_reply) + DPVS_ERRSTR_MAX)
		return client_garbled(c, "an answer is too long");
	ret_part->size = sizeof(msg) + (size_t)msg.len;
	rc = rx_wait(c, ret_part->size, deadline, MSG_DONTWAIT);
	if (rc < 0)
		return rc;
	if (msg.seq == 0)
		return client_lost(c, -ECONNRESET);
	if (msg.seq != want->seq || msg.id != want->id || msg.type != want->type)
		return client_garbled(c, "an answer to another request");
	rc = dpvs_wire_check_reply(c->rx + c->rx_start + sizeof(msg), msg.len, &ret_part->reply,
				   ret_text, &ret_part->body, &records);
	if (rc < 0)
		return client_garbled(c, "an answer whose sizes do not add up");
	ret_part->records = records;
	return 0;
}

int
client_receive_part(struct dpvs_client *c, struct part *ret_part)
{
	const char *text;
	int rc;

	rc = client_peek_part(c, &c->expected[c->expected_head], client_deadline(c->timeout_ms), 0,
			      ret_part, &text);
	if (rc == -ETIMEDOUT)
		return client_lost(c, rc);
	if (rc < 0)
		return rc;
	if (ret_part->reply.errcode < 0 && (ret_part->reply.flags & DPVS_REPLY_MORE) != 0)
		return client_garbled(c, "a refusal that is not the end of its answer");
	if (ret_part->reply.errcode < 0) {
		c->error_index = ret_part->reply.index;
		client_set_error(c, ret_part->reply.errcode, text, ret_part->reply.errstr_len);
	}
	if ((ret_part->reply.flags & DPVS_REPLY_MORE) == 0) {
		c->expected_head = (c->expected_head + 1) & (c->expected_size - 1);
		c->expected_count--;
	}
	return 0;
}

/* Appends the records of one part. */
static int
reply_append(struct dpvs_reply *r, const struct part *part)
{
	const struct dpvs_sock_body *body = &part->body;
	size_t bytes = (size_t)body->record_size * body->count;

	if (body->count == 0)
		return 0;
	if (r->count > 0 && r->record_size != body->record_size)
		return -EBADMSG;
	if (body->count > UINT32_MAX - r->count)
		return -EBADMSG;
	if (r->size - r->used < bytes) {
		size_t size = r->size > SIZE_MAX / 2 - bytes ? SIZE_MAX : r->size * 2 + bytes;
		unsigned char *p = realloc(r->records, size);

		if (p == NULL)
			return -ENOMEM;
		r->records = p;
		r->size = size;
	}
	memcpy(r->records + r->used, part->records, bytes);
	r->used += bytes;
	r->record_size = body->record_size;
	r->count += body->count;
	return 0;
}

int
client_receive(struct dpvs_client *c, uint32_t *ret_seq, struct dpvs_reply **ret_reply)
{
	struct dpvs_reply *r;
	struct part part;
	uint32_t seq;
	int rc;

	if (c->expected_count == 0)
		return client_fail(c, -EINVAL, "no request is waiting for an answer");
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return client_lost(c, -ENOMEM);
	seq = c->expected[c->expected_head].seq;
	do {
		int err;

		rc = client_receive_part(c, &part);
		if (rc < 0)
			break;
		err = reply_append(r, &part);
		if (err < 0) {
			rc = err == -EBADMSG ? client_garbled(c, "the parts of an answer do not fit together") :
					       client_lost(c, err);
			break;
		}
		r->generation = part.reply.generation;
		r->flags |= part.reply.flags & ~DPVS_REPLY_MORE;
		client_consume(c, part.size);
	} while ((part.reply.flags & DPVS_REPLY_MORE) != 0);
	if (rc == 0) {
		rc = part.reply.errcode;
		if (ret_seq != NULL)
			*ret_seq = seq;
	}
	if (rc == 0 && ret_reply != NULL)
		*ret_reply = r;
	else
		dpvs_reply_free(r);
	return rc;
}

int
dpvs_client_receive(struct dpvs_client *c, uint32_t *ret_seq, struct dpvs_reply **ret_reply)
{
	int rc;

	if (ret_reply != NULL)
		*ret_reply = NULL;
	client_begin(c);
	rc = client_usable(c);
	return rc < 0 ? rc : client_receive(c, ret_seq, ret_reply);
}

uint32_t
dpvs_reply_count(const struct dpvs_reply *r)
{
	return r == NULL ? 0 : r->count;
}

int
dpvs_reply_record(const struct dpvs_reply *r, uint32_t index, void *dst, uint32_t dst_size)
{
	uint32_t both;

	if (r == NULL || index >= r->count)
		return -ERANGE;
	both = r->record_size < dst_size ? r->record_size : dst_size;
	memcpy(dst, r->records + (size_t)index * r->record_size, both);
	memset((char *)dst + both, 0, dst_size - both);
	return 0;
}

uint64_t
dpvs_reply_generation(const struct dpvs_reply *r)
{
	return r == NULL ? 0 : r->generation;
}

uint32_t
dpvs_reply_flags(const struct dpvs_reply *r)
{
	return r == NULL ? 0 : r->flags;
}

void
dpvs_reply_free(struct dpvs_reply *r)
{
	if (r == NULL)
		return;
	free(r->records);
	free(r);
}
