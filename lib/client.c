/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half of the control socket: connect, send requests, ask and wait. Only libc, so that a tool
 * starts fast and runs where DPDK is not installed. Every wait has a deadline: poll(), or SO_RCVTIMEO for
 * the first bytes of an answer, which takes one system call less. While a request is being written, answers
 * that come meanwhile are read into memory, so that a client that pipelines without reading cannot lock
 * itself up against a daemon that waits for it to read.
 */
#include "client_priv.h"

#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int
client_fail(struct dpvs_client *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->error, sizeof(c->error), format, args);
	va_end(args);
	return err;
}

void
client_disconnect(struct dpvs_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->expected_count = 0;
	c->rx_start = 0;
	c->rx_end = 0;
	c->frame.size = 0;
}

void
client_begin(struct dpvs_client *c)
{
	c->error[0] = '\0';
	c->error_index = UINT32_MAX;
	c->unreachable = 0;
}

int
client_usable(struct dpvs_client *c)
{
	if (c->fd < 0) {
		c->unreachable = 1;
		return client_fail(c, -ENOTCONN, "not connected to %s", c->path);
	}
	if (c->busy != NULL)
		return client_fail(c, -EBUSY, "the connection is busy: %s", c->busy);
	return 0;
}

int64_t
client_deadline(unsigned int timeout_ms)
{
	struct timespec ts;

	if (timeout_ms == 0)
		return DEADLINE_NEVER;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + timeout_ms;
}

int
client_wait(struct dpvs_client *c, short events, int64_t deadline, short *ret_events)
{
	struct pollfd pfd = { .fd = c->fd, .events = events };
	int timeout = -1;
	int n;

	for (;;) {
		if (deadline != DEADLINE_NEVER) {
			int64_t left = deadline - (client_deadline(1) - 1);

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
		return client_fail(c, -ENOENT,
				   "cannot reach the daemon: no socket %s; is dpvsd running?", c->path);
	case ECONNREFUSED:
		return client_fail(c, -ECONNREFUSED,
				   "cannot reach the daemon: nobody listens on %s; is dpvsd running?",
				   c->path);
	case EACCES:
	case EPERM:
		return client_fail(c, -EACCES,
				   "cannot reach the daemon: no permission for %s; be root or of its group",
				   c->path);
	case EAGAIN:
	case ETIMEDOUT:
		return client_fail(c, -ETIMEDOUT,
				   "cannot reach the daemon: %s did not accept a connection within %u ms",
				   c->path, c->timeout_ms);
	default:
		return client_fail(c, -err, "cannot reach the daemon on %s: %s", c->path, strerror(err));
	}
}

static void
bound_wait(struct dpvs_client *c, int option)
{
	struct timeval tv = { c->timeout_ms / 1000, (c->timeout_ms % 1000) * 1000 };

	setsockopt(c->fd, SOL_SOCKET, option, &tv, sizeof(tv));
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
	client_begin(c);
	c->path = strdup(path);
	if (c->path == NULL) {
		free(c);
		return -ENOMEM;
	}
	*ret_client = c;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		c->unreachable = 1;
		return client_fail(c, -ENAMETOOLONG, "the socket's path is longer than %zu bytes: %s",
				   sizeof(addr.sun_path) - 1, path);
	}
	memcpy(addr.sun_path, path, strlen(path));
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return connect_failed(c, errno);

	/* connect() waits while the daemon's backlog is full; this bounds the wait. And that for answers. */
	if (timeout_ms > 0) {
		bound_wait(c, SO_SNDTIMEO);
		bound_wait(c, SO_RCVTIMEO);
	}
	while (connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		if (err == EINTR)
			continue;
		client_disconnect(c);
		return connect_failed(c, err);
	}
	return 0;
}

void
dpvs_client_close(struct dpvs_client *c)
{
	if (c == NULL)
		return;
	client_disconnect(c);
	free(c->path);
	free(c->expected);
	free(c->rx);
	free(c);
}

void
dpvs_client_set_timeout(struct dpvs_client *c, unsigned int timeout_ms)
{
	c->timeout_ms = timeout_ms;
	if (c->fd >= 0)
		bound_wait(c, SO_RCVTIMEO);
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
	int64_t deadline = client_deadline(c->timeout_ms);

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
			while (client_fill(c) > 0)
				;
			return err;
		}
		if (n < 0) {
			rc = client_wait(c, POLLIN | POLLOUT, deadline, &events);
			if (rc < 0)
				return rc;
			if ((events & POLLIN) != 0) {
				ssize_t got = client_fill(c);

				if (got < 0)
					return (int)got;
			}
			continue;
		}
		deadline = client_deadline(c->timeout_ms);
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
client_send(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
	    uint32_t record_size, uint32_t count, uint32_t *ret_seq)
{
	uint64_t bytes = (uint64_t)record_size * count;
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
	} head;
	struct iovec iov[2];
	int rc;

	if (type != DPVS_SOCKOPT_GET && type != DPVS_SOCKOPT_SET)
		return client_fail(c, -EINVAL, "type %u is neither GET nor SET", type);
	if (record_size > DPVS_RECORD_MAX || (record_size == 0 && count > 0) ||
	    (records == NULL && count > 0))
		return client_fail(c, -EINVAL, "records of %u bytes cannot be sent", record_size);
	if (bytes > DPVS_BODY_MAX - sizeof(head.body))
		return client_fail(c, -EMSGSIZE, "%u records of %u bytes are more than a request holds",
				   count, record_size);
	if (expected_reserve(c) < 0)
		return client_fail(c, -ENOMEM, "out of memory");

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
		return client_lost(c, rc);

	c->expected[(c->expected_head + c->expected_count) & (c->expected_size - 1)] =
		(struct expected){ .seq = head.msg.seq, .id = id, .type = type };
	c->expected_count++;
	if (ret_seq != NULL)
		*ret_seq = head.msg.seq;
	if (++c->next_seq == 0)
		c->next_seq = 1;
	return 0;
}

int
dpvs_client_send(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
		 uint32_t record_size, uint32_t count, uint32_t *ret_seq)
{
	int rc;

	client_begin(c);
	rc = client_usable(c);
	return rc < 0 ? rc : client_send(c, type, id, records, record_size, count, ret_seq);
}

int
client_call(struct dpvs_client *c, uint32_t type, uint32_t id, const void *records,
	    uint32_t record_size, uint32_t count, struct dpvs_reply **ret_reply)
{
	int rc;

	if (c->expected_count > 0)
		return client_fail(c, -EBUSY, "earlier requests are waiting for their answers");
	rc = client_send(c, type, id, records, record_size, count, NULL);
	return rc < 0 ? rc : client_receive(c, NULL, ret_reply);
}

int
dpvs_client_get(struct dpvs_client *c, uint32_t id, const void *record, uint32_t record_size,
		struct dpvs_reply **ret_reply)
{
	int rc;

	*ret_reply = NULL;
	client_begin(c);
	rc = client_usable(c);
	return rc < 0 ? rc :
			client_call(c, DPVS_SOCKOPT_GET, id, record, record_size, record != NULL ? 1 : 0,
				    ret_reply);
}

int
dpvs_client_deadlines(struct dpvs_client *c, uint32_t get_ms, uint32_t set_ms)
{
	struct dpvs_hello_info hello = { .get_deadline_ms = get_ms, .set_deadline_ms = set_ms };
	struct dpvs_reply *reply;
	int rc = dpvs_client_get(c, DPVS_GET_HELLO, &hello, sizeof(hello), &reply);

	dpvs_reply_free(reply);
	return rc;
}

int
dpvs_client_set(struct dpvs_client *c, uint32_t id, const void *records, uint32_t record_size,
		uint32_t count)
{
	int rc;

	client_begin(c);
	rc = client_usable(c);
	return rc < 0 ? rc : client_call(c, DPVS_SOCKOPT_SET, id, records, record_size, count, NULL);
}
