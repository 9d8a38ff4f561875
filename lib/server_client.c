/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of the control socket: bytes are collected until a request is whole, requests are
 * served one after another, answers wait in chunks until the client reads them.
 *
 * What a client can cost is bounded everywhere: a body is read only after its header was found good
 * (known id, permission, a length that this id can have), and memory for it grows with the bytes that
 * really came; a client that does not read is not served further; one turn of the loop reads, serves and
 * writes a bounded amount for each client. A request that is refused by its header is passed over and
 * the connection goes on; only one whose length cannot be believed ends it.
 */
#include "server_priv.h"

#include "registry.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	IN_SIZE = 4 << 10,       /* what an idle client may keep; a request that needs more grows it */
	FLUSH_IOVS = 16,
	TURN_BYTES = 1 << 20,    /* written to one client before another one's turn */
};

struct client *
client_new(struct dpvs_server *s, int fd, uid_t uid, pid_t pid, bool may_set)
{
	struct client *c = g_new0(struct client, 1);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->server = s;
	c->fd = fd;
	c->uid = uid;
	c->pid = pid;
	c->may_set = may_set;
	c->events = EPOLLIN;
	c->in_need = sizeof(struct dpvs_sock_msg);
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		g_free(c);
		return NULL;
	}
	c->active_us = g_get_monotonic_time();
	c->lru_link.data = c;
	c->run_link.data = c;
	c->write_link.data = c;
	g_queue_push_tail_link(&s->lru, &c->lru_link);
	return c;
}

void
client_free(struct client *c)
{
	struct chunk *chunk;

	while ((chunk = c->out_head) != NULL) {
		c->out_head = chunk->next;
		g_free(chunk);
	}
	g_free(c->in);
	g_free(c);
}

void
client_drop(struct client *c)
{
	struct dpvs_server *s = c->server;

	if (c->dead)
		return;
	c->dead = true;
	if (c->req != NULL)
		req_hangup(c->req);
	c->req = NULL;
	req_data_free(c);
	if (c->runnable)
		g_queue_unlink(&s->runnable, &c->run_link);
	c->runnable = false;
	g_queue_unlink(&s->lru, &c->lru_link);
	if (c->writing)
		g_queue_unlink(&s->writers, &c->write_link);
	c->writing = false;
	s->pending -= c->out_bytes;
	close(c->fd); /* which takes it out of epoll */
	c->fd = -1;
	s->graveyard = g_slist_prepend(s->graveyard, c);
}

/* Has its turn in the next round of the loop even if no byte moves. */
void
client_wake(struct client *c)
{
	if (c->runnable || c->dead)
		return;
	c->runnable = true;
	g_queue_push_tail_link(&c->server->runnable, &c->run_link);
}

static void
client_active(struct client *c)
{
	struct dpvs_server *s = c->server;

	c->active_us = s->in_turn ? s->now_us : g_get_monotonic_time();
	if (s->lru.tail == &c->lru_link)
		return;
	g_queue_unlink(&s->lru, &c->lru_link);
	g_queue_push_tail_link(&s->lru, &c->lru_link);
}

/*
 * ---- out
 */

/* Notes how long the peer has had unread answers without reading any: server_tick() looks at that. */
static void
client_progress(struct client *c, bool moved)
{
	struct dpvs_server *s = c->server;

	if (c->writing && (moved || c->out_head == NULL)) {
		g_queue_unlink(&s->writers, &c->write_link);
		c->writing = false;
	}
	if (c->writing || c->out_head == NULL)
		return;
	c->writing = true;
	c->wrote_us = s->in_turn ? s->now_us : g_get_monotonic_time();
	g_queue_push_tail_link(&s->writers, &c->write_link);
}

/* The last one of the usual size is kept for the next answer. */
static void
chunk_free(struct dpvs_server *s, struct chunk *chunk)
{
	if (s->spare_chunk == NULL && chunk->size == CHUNK_SIZE)
		s->spare_chunk = chunk;
	else
		g_free(chunk);
}

/* Room for @size bytes at the end of what goes out; NULL: the client was dropped. */
static unsigned char *
out_reserve(struct client *c, size_t size)
{
	struct dpvs_server *s = c->server;
	struct chunk *chunk = c->out_tail;
	uint64_t most = s->params.max_pending;

	if (s->pending > TOTAL_PENDING_MAX)
		most = MIN(most, TOTAL_PENDING_MAX / MAX(s->lru.length, 1u));
	if (c->out_bytes + size > most) {
		client_drop(c);
		return NULL;
	}
	if (chunk == NULL || chunk->size - chunk->end < size) {
		size_t room = MAX(size, CHUNK_SIZE);

		chunk = room == CHUNK_SIZE ? g_steal_pointer(&s->spare_chunk) : NULL;
		if (chunk == NULL)
			chunk = g_try_malloc(sizeof(*chunk) + room);
		if (chunk == NULL) {
			client_drop(c);
			return NULL;
		}
		memset(chunk, 0, sizeof(*chunk));
		chunk->size = room;
		if (c->out_tail != NULL)
			c->out_tail->next = chunk;
		else
			c->out_head = chunk;
		c->out_tail = chunk;
	}
	chunk->end += size;
	c->out_bytes += size;
	s->pending += size;
	return chunk->data + chunk->end - size;
}

static uint64_t
generation_now(const struct client *c)
{
	return c->server->params.generation != NULL ? c->server->params.generation() : 0;
}

/* Puts what looks like a reply on its way; returns false when it could not, then the client was dropped. */
static bool
put_reply(struct client *c, const struct dpvs_sock_msg *to, uint32_t type, int err, uint32_t flags,
	  uint32_t index, const char *errstr, uint64_t generation, uint32_t record_size,
	  const void *records, size_t bytes)
{
	size_t text = MIN(strlen(errstr), DPVS_ERRSTR_MAX);
	size_t padded = (text + 7) & ~(size_t)7;
	struct dpvs_sock_reply reply = {
		.errcode = err,
		.flags = flags,
		.index = index,
		.errstr_len = (uint32_t)text,
		.generation = generation,
	};
	struct dpvs_sock_body body = {
		.record_size = record_size,
		.count = record_size > 0 ? (uint32_t)(bytes / record_size) : 0,
	};
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION,
		.id = to->id,
		.type = type,
		.seq = to->seq,
		.len = sizeof(reply) + padded + (bytes > 0 ? sizeof(body) + bytes : 0),
	};
	unsigned char *p;

	if (c->dead)
		return false;
	p = out_reserve(c, sizeof(msg) + (size_t)msg.len);
	if (p == NULL)
		return false;
	memcpy(p, &msg, sizeof(msg));
	p += sizeof(msg);
	memcpy(p, &reply, sizeof(reply));
	p += sizeof(reply);
	memcpy(p, errstr, text);
	memset(p + text, 0, padded - text);
	p += padded;
	if (bytes > 0) {
		memcpy(p, &body, sizeof(body));
		memcpy(p + sizeof(body), records, bytes);
	}
	return true;
}

/* Puts a reply, or a part of one, on its way. */
void
client_reply(struct client *c, const struct dpvs_sock_msg *to, int err, uint32_t flags,
	     uint32_t index, const char *errstr, uint32_t record_size, const void *records,
	     size_t bytes)
{
	if (put_reply(c, to, to->type, err, flags, index, errstr, generation_now(c), record_size, records,
		      bytes) && (flags & DPVS_REPLY_MORE) == 0) {
		c->out_tail->answers++;
		c->out_answers++;
	}
}

/* Puts a frame of a stream on its way. */
void
client_frame(struct client *c, const struct dpvs_sock_msg *to, int err, uint32_t flags,
	     const char *errstr, uint64_t generation, uint32_t record_size, const void *records,
	     size_t bytes)
{
	(void)put_reply(c, to, DPVS_SOCKOPT_EVENT, err, flags, UINT32_MAX, errstr, generation, record_size,
			records, bytes);
}

/* Says why the connection ends: a reply to nobody's request. */
void
client_refuse(struct client *c, int err, const char *errstr)
{
	struct dpvs_sock_msg nobody = { .seq = 0 };

	c->closing = true;
	client_reply(c, &nobody, err, 0, UINT32_MAX, errstr, 0, NULL, 0);
}

void
client_flush(struct client *c)
{
	struct iovec iov[FLUSH_IOVS];
	struct chunk *chunk;
	size_t moved = 0;

	while (!c->dead && c->out_head != NULL && moved < TURN_BYTES) {
		struct msghdr mh = { .msg_iov = iov };
		ssize_t n;

		for (chunk = c->out_head; chunk != NULL && mh.msg_iovlen < FLUSH_IOVS;
		     chunk = chunk->next) {
			iov[mh.msg_iovlen].iov_base = chunk->data + chunk->start;
			iov[mh.msg_iovlen++].iov_len = chunk->end - chunk->start;
		}
		n = mh.msg_iovlen == 1 ?
			    send(c->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT) :
			    sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n < 0) {
			client_drop(c);
			return;
		}
		moved += (size_t)n;
		c->out_bytes -= (size_t)n;
		c->server->pending -= (size_t)n;
		while (n > 0) {
			size_t left;

			chunk = c->out_head;
			left = chunk->end - chunk->start;
			if ((size_t)n < left) {
				chunk->start += (size_t)n;
				break;
			}
			n -= (ssize_t)left;
			c->out_answers -= chunk->answers;
			c->out_head = chunk->next;
			if (c->out_head == NULL)
				c->out_tail = NULL;
			chunk_free(c->server, chunk);
		}
	}
	if (!c->dead) {
		if (moved > 0)
			client_active(c);
		client_progress(c, moved > 0);
	}
	if (!c->dead && c->out_head == NULL && c->closing && c->req == NULL)
		client_drop(c);
}

/*
 * ---- in
 */

/* Makes room to read; no more than @need bytes, which are more than there are, from in_start on. */
static bool
in_reserve(struct client *c, size_t need)
{
	size_t used = c->in_end - c->in_start;
	size_t size;
	unsigned char *p;

	if (c->in_start > 0) {
		memmove(c->in, c->in + c->in_start, used);
		c->in_start = 0;
		c->in_end = used;
	}
	/* Memory follows what came, not what was announced: twice that, and a bit to begin with. */
	if (c->in_size > used)
		return true;
	size = MIN(need, MAX(2 * used, IN_SIZE));
	p = g_try_realloc(c->in, size);
	if (p == NULL)
		return false;
	c->in = p;
	c->in_size = size;
	return true;
}

/*
 * Gives away the memory that was read into, for the request at its start, which was consumed; what came after it stays,
 * in memory of its own. Returns NULL when there is none for that.
 */
unsigned char *
client_take(struct client *c)
{
	size_t rest = c->in_end - c->in_start;
	unsigned char *p = rest > 0 ? g_try_malloc(rest) : NULL, *in = c->in;

	if (rest > 0 && p == NULL)
		return NULL;
	if (rest > 0)
		memcpy(p, c->in + c->in_start, rest);
	c->in = p;
	c->in_size = c->in_end = rest;
	c->in_start = 0;
	return in;
}

/* How many bytes from in_start on may be in memory now. */
static size_t
in_limit(const struct client *c)
{
	return MAX(c->in_need, READ_AHEAD);
}

static bool
wants_input(const struct client *c)
{
	return !c->eof && !c->closing && (c->skip > 0 || c->in_end - c->in_start < in_limit(c));
}

/* Reads once. */
static void
client_read(struct client *c)
{
	ssize_t n;

	if (!wants_input(c))
		return;
	if (!in_reserve(c, in_limit(c))) {
		client_refuse(c, -ENOMEM, "the daemon has no memory for this request");
		return;
	}
	/* Who writes as fast as we read would keep us here. */
	do {
		n = recv(c->fd, c->in + c->in_end, MIN(c->in_size - c->in_end, (size_t)READ_MAX), MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		c->in_end += (size_t)n;
	else if (n == 0)
		c->eof = true;
	else if (errno != EAGAIN && errno != EWOULDBLOCK)
		client_drop(c);
}

static bool
can_serve(const struct client *c)
{
	return !c->dead && !c->closing && c->req == NULL && c->out_bytes < BACKLOG_HIGH &&
	       c->out_answers < c->server->params.max_inflight;
}

static void refuse(struct client *c, const struct dpvs_sock_msg *msg, int err, const char *format,
		   ...) __attribute__((format(printf, 4, 5)));

/* Answers a request that goes no further, and passes over its body or ends the connection. */
static void
refuse(struct client *c, const struct dpvs_sock_msg *msg, int err, const char *format, ...)
{
	char text[DPVS_ERRSTR_MAX + 1];
	va_list args;

	va_start(args, format);
	g_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (err == -EPROTONOSUPPORT || msg->len > DPVS_BODY_MAX)
		c->closing = true;
	else
		c->skip = msg->len;
	c->in_start += sizeof(*msg);
	c->in_need = sizeof(*msg);
	client_reply(c, msg, err, 0, UINT32_MAX, text, 0, NULL, 0);
}

/* Checks a header against everything that is known without the body. Returns its type or NULL. */
static const struct dpvs_sockopt *
check_header(struct client *c, const struct dpvs_sock_msg *msg)
{
	const char *verb = msg->type == DPVS_SOCKOPT_SET ? "SET" : "GET";
	const struct dpvs_server_params *params = &c->server->params;
	const struct dpvs_sockopt *opt;
	uint64_t most;

	switch (dpvs_wire_check_header(msg)) {
	case 0:
		break;
	case -EPROTONOSUPPORT:
		refuse(c, msg, -EPROTONOSUPPORT,
		       "this daemon speaks protocol version %u.%u, the request has %u.%u",
		       DPVS_PROTO_VERSION >> 16, DPVS_PROTO_VERSION & 0xffff, msg->version >> 16,
		       msg->version & 0xffff);
		return NULL;
	case -EMSGSIZE:
		refuse(c, msg, -EMSGSIZE,
		       "a body of %" G_GUINT64_FORMAT " bytes is too long; the most is %u", msg->len,
		       DPVS_BODY_MAX);
		return NULL;
	default:
		refuse(c, msg, -EBADMSG, "type %u is neither GET (0) nor SET (1)", msg->type);
		return NULL;
	}
	opt = registry_sockopt(msg->type, msg->id);
	if (opt == NULL) {
		refuse(c, msg, -EOPNOTSUPP, "%s %u is not supported by this build", verb, msg->id);
		return NULL;
	}
	if (msg->type == DPVS_SOCKOPT_SET && !c->may_set) {
		char text[128];

		g_snprintf(text, sizeof(text), "no permission for %s: needs uid 0%s%s", opt->name,
			   params->group != NULL ? " or group " : "",
			   params->group != NULL ? params->group : "");
		req_audit_refused(c, opt, 0, -EPERM, text);
		refuse(c, msg, -EPERM, "%s", text);
		return NULL;
	}
	/* One record at least, so that a type that takes none can say so. */
	most = sizeof(struct dpvs_sock_body) +
	       (uint64_t)MAX(opt->max_records, 1u) * DPVS_RECORD_MAX;
	most = MIN(most, params->max_request);
	if (msg->len > most) {
		req_audit_refused(c, opt, 0, -EMSGSIZE, "the body is too long");
		refuse(c, msg, -EMSGSIZE,
		       "a body of %" G_GUINT64_FORMAT " bytes is too long for %s; the most is %"
		       G_GUINT64_FORMAT, msg->len, opt->name, most);
		return NULL;
	}
	return opt;
}

/* Passes over the body of a refused request, as far as it has come. */
static void
client_skip(struct client *c)
{
	size_t n = (size_t)MIN(c->skip, (uint64_t)(c->in_end - c->in_start));

	c->skip -= n;
	c->in_start += n;
}

/*
 * Serves what is in memory, a bounded number of requests. Returns true when more bytes have to come
 * first, false when something of ours is in the way (a request under way, answers not read, the turn).
 */
static bool
client_serve(struct client *c)
{
	const struct dpvs_sockopt *opt;
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	unsigned int turn;
	size_t have;

	for (turn = 0; client_skip(c), can_serve(c); turn++) {
		have = c->in_end - c->in_start;
		if (have < sizeof(msg))
			return true;
		if (turn == TURN_REQUESTS)
			return false;
		memcpy(&msg, c->in + c->in_start, sizeof(msg));
		opt = check_header(c, &msg);
		if (opt == NULL)
			continue;
		c->in_need = sizeof(msg) + (size_t)msg.len;
		if (have < c->in_need)
			return true;
		c->in_start += c->in_need;
		c->in_need = sizeof(msg);
		client_active(c);
		if (dpvs_wire_check_body(c->in + c->in_start - msg.len, msg.len, &body) < 0) {
			c->in_start -= (size_t)msg.len + sizeof(msg);
			req_audit_refused(c, opt, 0, -EBADMSG, "the sizes in the body do not add up");
			refuse(c, &msg, -EBADMSG, "the sizes in the body of %s do not add up",
			       opt->name);
			continue;
		}
		req_start(c, opt, &msg, &body, c->in + c->in_start - msg.len + sizeof(body));
	}
	return false;
}

/*
 * A client has nothing to say on a connection that is one-way; whatever it is, there is no telling what it
 * expects. What it was sent stays, then it is told, then the connection ends.
 */
static void
client_interrupted(struct client *c)
{
	struct dpvs_req *req = c->req;

	client_frame(c, &req->msg, -EPROTO, 0, "the connection is one-way: nothing may follow the subscription",
		     generation_now(c), 0, NULL, 0);
	if (c->dead)
		return;
	c->closing = true;
	c->in_start = c->in_end = 0;
	c->req = NULL;
	req_hangup(req);
}

/* Tells epoll what this client waits for. */
void
client_watch(struct client *c)
{
	struct epoll_event ev = { .data.ptr = c };

	if (c->dead)
		return;
	if (wants_input(c))
		ev.events |= EPOLLIN;
	if (c->out_head != NULL)
		ev.events |= EPOLLOUT;
	if (ev.events == c->events)
		return;
	c->events = ev.events;
	if (epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		client_drop(c);
}

/* One turn of a client: serve, write, wait for what is missing. */
void
client_run(struct client *c)
{
	bool starved;

	if (c->dead)
		return;
	starved = client_serve(c);
	if (!c->dead && c->req != NULL && c->req->stream && c->in_end > c->in_start)
		client_interrupted(c);
	if (c->in_start == c->in_end) {
		c->in_start = 0;
		c->in_end = 0;
		if (c->in_size > IN_SIZE) {
			g_clear_pointer(&c->in, g_free);
			c->in_size = 0;
		}
	}
	client_flush(c);
	if (!c->dead && c->req != NULL && c->req->drained != NULL)
		req_check_drained(c->req);
	/* What was in the way may be gone now, and nothing but us knows. */
	if (!starved && can_serve(c) && c->in_end > c->in_start)
		client_wake(c);
	/* The peer has said all and heard all. */
	if (!c->dead && c->eof && c->req == NULL && c->out_head == NULL && !c->runnable)
		client_drop(c);
	client_watch(c);
}

void
client_event(struct client *c, uint32_t events)
{
	if (c->dead)
		return;
	if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		/* Nobody is there to read an answer. */
		client_drop(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		client_flush(c);
	if ((events & EPOLLIN) != 0 && !c->dead)
		client_read(c);
	client_run(c);
}
