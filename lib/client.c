/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half of the control socket: connect, send requests, put the parts of an answer together.
 * Only libc, so that a tool starts fast and runs where DPDK is not installed. Every
 * wait has a deadline: poll(), or SO_RCVTIMEO for the first bytes of an answer, which takes one system call less; while a request is being written, answers
 * that come meanwhile are read into memory, so that a client that pipelines without reading cannot
 * lock itself up against a daemon that waits for it to read.
 */
#include <dpvsctrl/client.h>

#include <dpvsctrl/wire.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/** A request that has no answer yet. */
struct expected {
	uint32_t seq;
	uint32_t id;
	uint32_t type;
};

struct dpvs_client {
	char *path;
	int fd; /* -1 after a failure of the connection */
	unsigned int timeout_ms;
	uint32_t next_seq; /* 0 is left out: a message with seq 0 speaks of the connection */
	uint32_t error_index;
	int unreachable;

	struct expected *expected; /* ring of unanswered requests */
	size_t expected_size;      /* power of two, or 0 */
	size_t expected_head;
	size_t expected_count;

	unsigned char *rx; /* bytes received, not yet consumed: rx_start to rx_end */
	size_t rx_size;
	size_t rx_start;
	size_t rx_end;

	char error[1024];
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

static int fail(struct dpvs_client *c, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Notes why a call failed. Returns @err. */
static int
fail(struct dpvs_client *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return err;
}

static void
disconnect(struct dpvs_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->expected_count = 0;
	c->rx_start = 0;
	c->rx_end = 0;
}

/* Forgets the last error: what every call that may fail does first. */
static void
begin(struct dpvs_client *c)
{
	c->error[0] = '\0';
	c->error_index = UINT32_MAX;
	c->unreachable = 0;
}

/* A time on the monotonic clock, in milliseconds; INT64_MAX: never. */
static int64_t
deadline_in(unsigned int timeout_ms)
{
	struct timespec ts;

	if (timeout_ms == 0)
		return INT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + timeout_ms;
}

/* Waits for one of @events. Returns 0, -ETIMEDOUT, or the errno of poll(). */
static int
wait_for(struct dpvs_client *c, short events, int64_t deadline, short *ret_events)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	int timeout = -1;
	int n;

	for (;;) {
		if (deadline != INT64_MAX) {
			int64_t left = deadline - (deadline_in(1) - 1);

			timeout = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
		}
		n = poll(&pfd, 1, timeout);
		if (n > 0) {
			*ret_events = pfd.revents;
			return 0;
		}
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/*
 * ---- connection
 */

static int
connect_failed(struct dpvs_client *c, int err)
{
	c->unreachable = 1;
	switch (err) {
	case ENOENT:
		return fail(c, -ENOENT, "cannot reach the daemon: no socket %s; is dpvsd running?",
			    c->path);
	case ECONNREFUSED:
		return fail(c, -ECONNREFUSED,
			    "cannot reach the daemon: nobody listens on %s; is dpvsd running?",
			    c->path);
	case EACCES:
	case EPERM:
		return fail(c, -EACCES,
			    "cannot reach the daemon: no permission for %s; be root or of its group",
			    c->path);
	case EAGAIN:
	case ETIMEDOUT:
		return fail(c, -ETIMEDOUT,
			    "cannot reach the daemon: %s did not accept a connection within %u ms",
			    c->path, c->timeout_ms);
	default:
		return fail(c, -err, "cannot reach the daemon on %s: %s", c->path, strerror(err));
	}
}

int
dpvs_client_open(const char *path, unsigned int timeout_ms, struct dpvs_client **ret_client)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct dpvs_client *c;

	*ret_client = NULL;
	if (path == NULL || path[0] == '\0')
		path = getenv("DPVS_SOCKET");
	if (path == NULL || path[0] == '\0')
		path = DPVS_SOCKET_DEFAULT;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->fd = -1;
	c->next_seq = 1;
	c->timeout_ms = timeout_ms;
	begin(c);
	c->path = strdup(path);
	if (c->path == NULL) {
		free(c);
		return -ENOMEM;
	}
	*ret_client = c;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		c->unreachable = 1;
		return fail(c, -ENAMETOOLONG, "the socket's path is longer than %zu bytes: %s",
			    sizeof(addr.sun_path) - 1, path);
	}
	memcpy(addr.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return connect_failed(c, errno);

	/* connect() waits while the daemon's backlog is full; this bounds the wait. And that of rx_fill(). */
	if (timeout_ms > 0) {
		struct timeval tv = { timeout_ms / 1000, (timeout_ms % 1000) * 1000 };

		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	}
	while (connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		if (err == EINTR)
			continue;
		disconnect(c);
		return connect_failed(c, err);
	}
	return 0;
}

void
dpvs_client_close(struct dpvs_client *c)
{
	if (c == NULL)
		return;
	disconnect(c);
	free(c->path);
	free(c->expected);
	free(c->rx);
	free(c);
}

int
dpvs_client_fd(const struct dpvs_client *c)
{
	return c->fd;
}

const char *
dpvs_client_path(const struct dpvs_client *c)
{
	return c->path;
}

const char *
dpvs_client_error(const struct dpvs_client *c)
{
	return c == NULL ? "out of memory" : c->error;
}

uint32_t
dpvs_client_error_index(const struct dpvs_client *c)
{
	return c->error_index;
}

int
dpvs_client_unreachable(const struct dpvs_client *c)
{
	return c == NULL || c->unreachable;
}

/*
 * ---- receiving
 */

/* Makes room for @need more bytes after rx_end. */
static int
rx_reserve(struct dpvs_client *c, size_t need)
{
	size_t used = c->rx_end - c->rx_start;
	size_t size = c->rx_size > 0 ? c->rx_size : 16384;
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

/*
 * Reads what is there; @flags: MSG_DONTWAIT, or 0 to wait for it, at most c->timeout_ms. Returns bytes read, 0 when
 * nothing came, or -ECONNRESET, -ENOMEM, ...
 */
static ssize_t
rx_fill(struct dpvs_client *c, int flags)
{
	ssize_t n;
	int rc;

	rc = rx_reserve(c, 16384);
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

/* Copies the daemon's text: one line, no control characters (it may end on a terminal). */
static void
set_error_text(struct dpvs_client *c, int err, const char *text, uint32_t len)
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
static int
lost(struct dpvs_client *c, int err)
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
			set_error_text(c, reply.errcode, text, reply.errstr_len);
			disconnect(c);
			return reply.errcode;
		}
	}
	disconnect(c);
	switch (err) {
	case -ETIMEDOUT:
		return fail(c, err, "the daemon on %s did not answer within %u ms", c->path,
			    c->timeout_ms);
	case -EPIPE:
	case -ECONNRESET:
		return fail(c, -ECONNRESET, "the daemon on %s closed the connection", c->path);
	case -ENOMEM:
		return fail(c, err, "out of memory");
	default:
		return fail(c, err, "the connection to the daemon on %s failed: %s", c->path,
			    strerror(-err));
	}
}

/* The daemon said something that is not the protocol. */
static int
garbled(struct dpvs_client *c, const char *what)
{
	c->unreachable = 1;
	disconnect(c);
	return fail(c, -EPROTO, "what listens on %s does not speak our protocol: %s", c->path, what);
}

static int
other_version(struct dpvs_client *c, uint32_t theirs)
{
	c->unreachable = 1;
	disconnect(c);
	return fail(c, -EPROTONOSUPPORT,
		    "the daemon on %s speaks protocol version %u.%u, this program %u.%u", c->path,
		    theirs >> 16, theirs & 0xffff, DPVS_PROTO_VERSION >> 16,
		    DPVS_PROTO_VERSION & 0xffff);
}

/* Waits until @need bytes are in rx. @deadline is c->timeout_ms from now when there are none yet. */
static int
rx_wait(struct dpvs_client *c, size_t need, int64_t deadline)
{
	int flags = c->rx_start == c->rx_end ? 0 : MSG_DONTWAIT;
	short events;
	ssize_t n;
	int rc;

	while (c->rx_end - c->rx_start < need) {
		n = rx_fill(c, flags);
		flags = MSG_DONTWAIT;
		if (n > 0)
			continue;
		rc = n < 0 ? (int)n : wait_for(c, POLLIN, deadline, &events);
		if (rc < 0)
			return lost(c, rc);
	}
	return 0;
}

/* Appends the records of one part. */
static int
reply_append(struct dpvs_reply *r, const struct dpvs_sock_body *body, const void *records)
{
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
	memcpy(r->records + r->used, records, bytes);
	r->used += bytes;
	r->record_size = body->record_size;
	r->count += body->count;
	return 0;
}

/*
 * Receives one part of the answer to @want into @r. Returns 0 or the failure of the connection;
 * *ret_part tells the rest.
 */
static int
receive_part(struct dpvs_client *c, const struct expected *want, struct dpvs_reply *r,
	     struct dpvs_sock_reply *ret_part)
{
	int64_t deadline = deadline_in(c->timeout_ms);
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	const void *records;
	const char *text;
	size_t total;
	int rc;

	rc = rx_wait(c, sizeof(msg), deadline);
	if (rc < 0)
		return rc;
	memcpy(&msg, c->rx + c->rx_start, sizeof(msg));
	if (msg.version >> 16 != DPVS_PROTO_VERSION >> 16)
		return other_version(c, msg.version);
	if (msg.len > DPVS_BODY_MAX + sizeof(struct dpvs_sock_reply) + DPVS_ERRSTR_MAX)
		return garbled(c, "an answer is too long");
	total = sizeof(msg) + (size_t)msg.len;
	rc = rx_wait(c, total, deadline);
	if (rc < 0)
		return rc;
	if (msg.seq == 0)
		return lost(c, -ECONNRESET);
	if (msg.seq != want->seq || msg.id != want->id || msg.type != want->type)
		return garbled(c, "an answer to another request");
	rc = dpvs_wire_check_reply(c->rx + c->rx_start + sizeof(msg), msg.len, ret_part, &text,
				   &body, &records);
	if (rc < 0)
		return garbled(c, "an answer whose sizes do not add up");
	if (ret_part->errcode < 0 && (ret_part->flags & DPVS_REPLY_MORE) != 0)
		return garbled(c, "a refusal that is not the end of its answer");
	if (ret_part->errcode < 0) {
		c->error_index = ret_part->index;
		set_error_text(c, ret_part->errcode, text, ret_part->errstr_len);
	}
	rc = reply_append(r, &body, records);
	if (rc == -EBADMSG)
		return garbled(c, "the parts of an answer do not fit together");
	if (rc < 0)
		return lost(c, rc);
	r->generation = ret_part->generation;
	r->flags |= ret_part->flags & ~DPVS_REPLY_MORE;
	c->rx_start += total;
	if (c->rx_start == c->rx_end) {
		c->rx_start = 0;
		c->rx_end = 0;
	}
	return 0;
}

int
dpvs_client_receive(struct dpvs_client *c, uint32_t *ret_seq, struct dpvs_reply **ret_reply)
{
	struct dpvs_sock_reply part;
	struct expected want;
	struct dpvs_reply *r;
	int rc;

	if (ret_reply != NULL)
		*ret_reply = NULL;
	begin(c);
	if (c->expected_count == 0) {
		if (c->fd < 0) {
			c->unreachable = 1;
			return fail(c, -ENOTCONN, "not connected to %s", c->path);
		}
		return fail(c, -EINVAL, "no request is waiting for an answer");
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return lost(c, -ENOMEM);
	want = c->expected[c->expected_head];
	do {
		rc = receive_part(c, &want, r, &part);
	} while (rc == 0 && (part.flags & DPVS_REPLY_MORE) != 0);
	if (rc == 0) {
		c->expected_head = (c->expected_head + 1) & (c->expected_size - 1);
		c->expected_count--;
		rc = part.errcode;
		if (ret_seq != NULL)
			*ret_seq = want.seq;
	}
	if (rc == 0 && ret_reply != NULL)
		*ret_reply = r;
	else
		dpvs_reply_free(r);
	return rc;
}

/*
 * ---- sending
 */

/* Makes room for one more unanswered request. */
static int
expected_reserve(struct dpvs_client *c)
{
	size_t size = c->expected_size > 0 ? c->expected_size * 2 : 16;
	struct expected *p;
	size_t i;

	if (c->expected_count < c->expected_size)
		return 0;
	p = calloc(size, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	for (i = 0; i < c->expected_count; i++)
		p[i] = c->expected[(c->expected_head + i) & (c->expected_size - 1)];
	free(c->expected);
	c->expected = p;
	c->expected_size = size;
	c->expected_head = 0;
	return 0;
}

/* Writes all of @iov; reads what comes meanwhile. */
static int
send_all(struct dpvs_client *c, struct iovec *iov, size_t iovcnt)
{
	int64_t deadline = deadline_in(c->timeout_ms);

	while (iovcnt > 0) {
		struct msghdr mh = { .msg_iov = iov, .msg_iovlen = iovcnt };
		ssize_t n = sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		short events;
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
			int err = -errno;

			/* It may have said why before it hung up. */
			while (rx_fill(c, MSG_DONTWAIT) > 0)
				;
			return err;
		}
		if (n < 0) {
			rc = wait_for(c, POLLIN | POLLOUT, deadline, &events);
			if (rc < 0)
				return rc;
			if ((events & POLLIN) != 0) {
				ssize_t got = rx_fill(c, MSG_DONTWAIT);

				if (got < 0)
					return (int)got;
			}
			continue;
		}
		deadline = deadline_in(c->timeout_ms);
		while (iovcnt > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			iovcnt--;
		}
		if (iovcnt > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int
dpvs_client_send(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
		 uint32_t record_size, uint32_t count, uint32_t *ret_seq)
{
	uint64_t bytes = (uint64_t)record_size * count;
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
	} head;
	struct iovec iov[2];
	int rc;

	begin(c);
	if (c->fd < 0) {
		c->unreachable = 1;
		return fail(c, -ENOTCONN, "not connected to %s", c->path);
	}
	if (type != DPVS_SOCKOPT_GET && type != DPVS_SOCKOPT_SET)
		return fail(c, -EINVAL, "type %u is neither GET nor SET", type);
	if (record_size > DPVS_RECORD_MAX || (record_size == 0 && count > 0) ||
	    (records == NULL && count > 0))
		return fail(c, -EINVAL, "records of %u bytes cannot be sent", record_size);
	if (bytes > DPVS_BODY_MAX - sizeof(head.body))
		return fail(c, -EMSGSIZE, "%u records of %u bytes are more than a request holds",
			    count, record_size);
	if (expected_reserve(c) < 0)
		return fail(c, -ENOMEM, "out of memory");

	memset(&head, 0, sizeof(head));
	head.msg.version = DPVS_PROTO_VERSION;
	head.msg.id = id;
	head.msg.type = type;
	head.msg.seq = c->next_seq;
	head.msg.len = count > 0 ? sizeof(head.body) + bytes : 0;
	head.body.record_size = record_size;
	head.body.count = count;
	iov[0].iov_base = &head;
	iov[0].iov_len = count > 0 ? sizeof(head) : sizeof(head.msg);
	iov[1].iov_base = (void *)(uintptr_t)records;
	iov[1].iov_len = (size_t)bytes;
	rc = send_all(c, iov, count > 0 ? 2 : 1);
	if (rc < 0)
		return lost(c, rc);

	c->expected[(c->expected_head + c->expected_count) & (c->expected_size - 1)] =
		(struct expected){ .seq = head.msg.seq, .id = id, .type = type };
	c->expected_count++;
	if (ret_seq != NULL)
		*ret_seq = head.msg.seq;
	if (++c->next_seq == 0)
		c->next_seq = 1;
	return 0;
}

/* One request, its answer. */
static int
call(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records, uint32_t record_size,
     uint32_t count, struct dpvs_reply **ret_reply)
{
	int rc;

	if (c->expected_count > 0) {
		begin(c);
		return fail(c, -EBUSY, "earlier requests are waiting for their answers");
	}
	rc = dpvs_client_send(c, type, id, records, record_size, count, NULL);
	if (rc < 0)
		return rc;
	return dpvs_client_receive(c, NULL, ret_reply);
}

int
dpvs_client_get(struct dpvs_client *c, uint32_t id, const void *record, uint32_t record_size,
		struct dpvs_reply **ret_reply)
{
	*ret_reply = NULL;
	return call(c, DPVS_SOCKOPT_GET, id, record, record_size, record != NULL ? 1 : 0, ret_reply);
}

int
dpvs_client_set(struct dpvs_client *c, uint32_t id, const void *records, uint32_t record_size,
		uint32_t count)
{
	return call(c, DPVS_SOCKOPT_SET, id, records, record_size, count, NULL);
}

/*
 * ---- answers
 */

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
