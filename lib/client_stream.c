/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records as they come: answers that are too long to be kept, and events. Memory holds one part at a time.
 */
#include "client_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/event.h>

struct dpvs_stream {
	struct dpvs_client *client;
	struct part part; /* at rx_start; size 0: none */
	uint32_t next;    /* record of it that comes next */
	uint32_t record_size;
	bool ended;
	int rc; /* of the end */
	uint32_t flags;
	uint64_t generation;
};

/* One record of @part, as long as the caller knows it. */
static void
copy_record(const struct part *part, uint32_t index, void *dst, uint32_t dst_size)
{
	uint32_t size = part->body.record_size;
	uint32_t both = size < dst_size ? size : dst_size;

	memcpy(dst, part->records + (size_t)index * size, both);
	memset((char *)dst + both, 0, dst_size - both);
}

int
dpvs_stream_open(struct dpvs_client *c, uint32_t id, const void *record, uint32_t record_size,
		 struct dpvs_stream **ret_stream)
{
	struct dpvs_stream *s;
	int rc;

	*ret_stream = NULL;
	client_begin(c);
	rc = client_usable(c);
	if (rc < 0)
		return rc;
	if (c->expected_count > 0)
		return client_fail(c, -EBUSY, "earlier requests are waiting for their answers");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return client_fail(c, -ENOMEM, "out of memory");
	s->client = c;
	rc = client_send(c, DPVS_SOCKOPT_GET, id, record, record_size, record != NULL ? 1 : 0, NULL);
	if (rc < 0) {
		free(s);
		return rc;
	}
	c->busy = "a list is being read";
	*ret_stream = s;
	return 0;
}

static int
stream_end(struct dpvs_stream *s, int rc)
{
	s->ended = true;
	s->rc = rc;
	s->part.size = 0;
	s->client->busy = NULL;
	return rc;
}

/* The next part with its checks. Returns 0 or the end of the stream. */
static int
stream_part(struct dpvs_stream *s)
{
	struct dpvs_client *c = s->client;
	int rc;

	rc = client_receive_part(c, &s->part);
	if (rc < 0)
		return stream_end(s, rc);
	s->next = 0;
	s->generation = s->part.reply.generation;
	s->flags |= s->part.reply.flags & ~DPVS_REPLY_MORE;
	if (s->part.reply.errcode < 0) {
		client_consume(c, s->part.size);
		return stream_end(s, s->part.reply.errcode);
	}
	if (s->part.body.count > 0) {
		if (s->record_size != 0 && s->record_size != s->part.body.record_size)
			return stream_end(s, client_garbled(c, "the parts of an answer do not fit together"));
		s->record_size = s->part.body.record_size;
	}
	return 0;
}

int
dpvs_stream_next(struct dpvs_stream *s, void *dst, uint32_t dst_size)
{
	struct dpvs_client *c = s->client;
	int rc;

	if (s->ended)
		return s->rc;
	client_begin(c);
	while (s->part.size == 0 || s->next == s->part.body.count) {
		if (s->part.size > 0) {
			bool more = (s->part.reply.flags & DPVS_REPLY_MORE) != 0;

			client_consume(c, s->part.size);
			s->part.size = 0;
			if (!more)
				return stream_end(s, 0);
		}
		rc = stream_part(s);
		if (rc < 0)
			return rc;
	}
	copy_record(&s->part, s->next++, dst, dst_size);
	return 1;
}

uint64_t
dpvs_stream_generation(const struct dpvs_stream *s)
{
	return s->generation;
}

uint32_t
dpvs_stream_flags(const struct dpvs_stream *s)
{
	return s->flags;
}

void
dpvs_stream_close(struct dpvs_stream *s)
{
	if (s == NULL)
		return;
	if (!s->ended) {
		if (s->part.size > 0 && (s->part.reply.flags & DPVS_REPLY_MORE) == 0)
			client_consume(s->client, s->part.size);
		else
			client_disconnect(s->client);
		stream_end(s, 0);
	}
	free(s);
}

int
dpvs_client_subscribe(struct dpvs_client *c, uint32_t kinds)
{
	struct dpvs_event_filter filter = { .kinds = kinds };
	uint32_t seq;
	int rc;

	client_begin(c);
	rc = client_usable(c);
	if (rc < 0)
		return rc;
	seq = c->next_seq;
	rc = client_call(c, DPVS_SOCKOPT_GET, DPVS_GET_EVENTS, &filter, sizeof(filter), 1, NULL);
	if (rc < 0)
		return rc;
	c->events = (struct expected){ .seq = seq, .id = DPVS_GET_EVENTS, .type = DPVS_SOCKOPT_EVENT };
	c->busy = "it is subscribed to events";
	return 0;
}

/* -EAGAIN says that there is no event yet. A daemon that ends it all with this reason has closed the connection. */
static int
ended(int err)
{
	return err == -EAGAIN ? -ECONNRESET : err;
}

/* The next frame that has events. */
static int
next_frame(struct dpvs_client *c, int64_t deadline)
{
	const char *text;
	int rc;

	do {
		client_consume(c, c->frame.size);
		c->frame.size = 0;
		c->frame_next = 0;
		rc = client_peek_part(c, &c->events, deadline, MSG_DONTWAIT, &c->frame, &text);
		if (rc < 0) {
			c->frame.size = 0;
			/* A daemon that hangs up may give the same reason: then there is no connection any more. */
			return rc == -ETIMEDOUT && c->fd >= 0 ? client_fail(c, -EAGAIN, "there is no event") : ended(rc);
		}
		if (c->frame.reply.errcode < 0) {
			rc = c->frame.reply.errcode;
			client_set_error(c, rc, text, c->frame.reply.errstr_len);
			c->unreachable = 1;
			client_disconnect(c);
			return ended(rc);
		}
	} while (c->frame.body.count == 0);
	return 0;
}

int
dpvs_client_next_event(struct dpvs_client *c, struct dpvs_event *ret_event, int timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? DEADLINE_NEVER :
			   timeout_ms > 0 ? client_deadline((unsigned int)timeout_ms) :
					    0;
	uint32_t room;
	int rc;

	client_begin(c);
	if (c->events.id == 0)
		return client_fail(c, -EINVAL, "the connection is not subscribed to events");
	if (c->fd < 0) {
		c->unreachable = 1;
		return client_fail(c, -ENOTCONN, "not connected to %s", c->path);
	}
	if (c->frame.size == 0 || c->frame_next == c->frame.body.count) {
		rc = next_frame(c, deadline);
		if (rc < 0)
			return rc;
	}
	copy_record(&c->frame, c->frame_next++, ret_event, sizeof(*ret_event));
	/* A newer daemon's record may be longer than ours, but not than it says. */
	room = c->frame.body.record_size > offsetof(struct dpvs_event, data) ?
		       c->frame.body.record_size - (uint32_t)offsetof(struct dpvs_event, data) :
		       0;
	if (ret_event->len > room)
		return client_garbled(c, "an event is longer than its record");
	if (ret_event->len > sizeof(ret_event->data))
		ret_event->len = sizeof(ret_event->data);
	return 0;
}
