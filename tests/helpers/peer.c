/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See peer.h.
 */
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

struct peer *
peer_new(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct peer *p = g_new0(struct peer, 1);

	g_strlcpy(addr.sun_path, harness_socket(), sizeof(addr.sun_path));
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(p->fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	p->in = g_byte_array_new();
	return p;
}

void
peer_free(struct peer *p)
{
	close(p->fd);
	g_byte_array_unref(p->in);
	g_free(p);
	harness_pump(0);
}

/* Appends a request to @out. */
void
peer_put(GByteArray *out, uint32_t type, uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	struct dpvs_sock_body body = { .record_size = size, .count = count };
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION,
		.id = id,
		.type = type,
		.seq = 1,
		.len = count > 0 ? sizeof(body) + (uint64_t)size * count : 0,
	};

	g_byte_array_append(out, (const void *)&msg, sizeof(msg));
	if (count == 0)
		return;
	g_byte_array_append(out, (const void *)&body, sizeof(body));
	g_byte_array_append(out, records, size * count);
}

void
peer_put_set(GByteArray *out, uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	peer_put(out, DPVS_SOCKOPT_SET, id, records, size, count);
}

void
peer_write(struct peer *p, const void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(p->fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			done += (size_t)n;
		else
			g_assert_cmpint(errno, ==, EAGAIN);
		if (done < len)
			g_main_context_iteration(NULL, FALSE);
	}
}

/* Takes what came. Returns true when an answer is whole. */
bool
peer_poll(struct peer *p)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	const void *records;
	const char *text;
	uint8_t buf[65536];
	ssize_t n;

	while ((n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		g_byte_array_append(p->in, buf, (guint)n);
	while (p->in->len >= sizeof(msg)) {
		memcpy(&msg, p->in->data, sizeof(msg));
		if (p->in->len < sizeof(msg) + msg.len)
			return false;
		g_assert_cmpint(dpvs_wire_check_reply(p->in->data + sizeof(msg), msg.len, &reply, &text, &body,
						      &records), ==, 0);
		p->a.err = reply.errcode;
		p->a.index = reply.index;
		p->a.generation = reply.generation;
		memcpy(p->a.text, text, reply.errstr_len);
		p->a.text[reply.errstr_len] = '\0';
		if (p->count == 0 && records != NULL)
			memcpy(p->a.record, records, MIN(body.record_size, sizeof(p->a.record)));
		if (p->records != NULL && records != NULL)
			g_byte_array_append(p->records, records, body.record_size * body.count);
		p->count += body.count;
		p->flags |= reply.flags & ~DPVS_REPLY_MORE;
		g_byte_array_remove_range(p->in, 0, (guint)(sizeof(msg) + msg.len));
		if ((reply.flags & DPVS_REPLY_MORE) == 0) {
			p->a.count = p->count;
			p->a.flags = p->flags;
			p->count = 0;
			p->flags = 0;
			return true;
		}
	}
	return false;
}

/* The next answer. */
int
peer_answer(struct peer *p)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

	while (!peer_poll(p)) {
		g_main_context_iteration(NULL, FALSE);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	return p->a.err;
}

int
peer_call(struct peer *p, uint32_t type, uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	g_autoptr(GByteArray) out = g_byte_array_new();

	peer_put(out, type, id, records, size, count);
	peer_write(p, out->data, out->len);
	return peer_answer(p);
}

int
peer_set(struct peer *p, uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	return peer_call(p, DPVS_SOCKOPT_SET, id, records, size, count);
}

/* How many records GET @id lists. */
uint32_t
peer_listed(struct peer *p, uint32_t id)
{
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, id, NULL, 0, 0), ==, 0);
	return p->a.count;
}
