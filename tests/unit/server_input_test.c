/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server makes of any bytes at all: an error of its own for each kind of wrong input, in any pieces.
 */
#include "sock_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- rude clients */

/** struct expect: what is sent raw, and what comes back. */
struct expect {
	const char *name;
	struct dpvs_sock_msg msg;
	const void *body;
	size_t body_size;
	int errcode;
	const char *text; /* a part of it */
	bool closed;      /* the daemon ends the connection after the answer */
};

static const uint32_t body_wrong_sum[] = { 32, 2, 0, 0, 0, 0, 0, 0, 0, 0 };
static const uint32_t body_zero_size[] = { 0, 5 };
static const uint32_t body_huge_size[] = { 0xffffffff, 0xffffffff };
static const unsigned char body_short[] = { 1, 2, 3 };
static const unsigned char body_long[70000];

static const struct expect rude[] = {
	{ "version 1", { 0x00010000, ID_NOTHING, 0, 9, 0 }, NULL, 0, -EPROTONOSUPPORT,
	  "speaks protocol version 2.0, the request has 1.0", true },
	{ "version 3 with a body", { 0x00030001, 1, 2, 3, ~0ull }, NULL, 0, -EPROTONOSUPPORT,
	  "the request has 3.1", true },
	{ "later minor version", { 0x00020007, ID_NOTHING, 0, 9, 0 }, NULL, 0, 0, "", false },
	{ "type 2", { DPVS_PROTO_VERSION, ID_NOTHING, 2, 9, 0 }, NULL, 0, -EBADMSG,
	  "type 2 is neither GET (0) nor SET (1)", false },
	{ "type 7 with a body", { DPVS_PROTO_VERSION, ID_NOTHING, 7, 9, 70000 }, body_long, 70000,
	  -EBADMSG, "type 7", false },
	{ "unknown id", { DPVS_PROTO_VERSION, 12345, 0, 9, 0 }, NULL, 0, -EOPNOTSUPP,
	  "GET 12345 is not supported by this build", false },
	{ "unknown id with a body", { DPVS_PROTO_VERSION, 12345, 1, 9, 70000 }, body_long, 70000,
	  -EOPNOTSUPP, "SET 12345", false },
	{ "huge len", { DPVS_PROTO_VERSION, ID_NOTHING, 0, 9, ~0ull }, NULL, 0, -EMSGSIZE,
	  "18446744073709551615 bytes", true },
	{ "len one too long", { DPVS_PROTO_VERSION, ID_ECHO, 0, 9, DPVS_BODY_MAX + 1 }, NULL, 0,
	  -EMSGSIZE, "the most is 16777216", true },
	{ "body too long for the id", { DPVS_PROTO_VERSION, ID_LIST, 0, 9, 70000 }, body_long, 70000,
	  -EMSGSIZE, "too long for list; the most is 4104", false },
	{ "body without room", { DPVS_PROTO_VERSION, ID_LIST, 0, 9, 3 }, body_short, 3, -EBADMSG,
	  "the sizes in the body of list do not add up", false },
	{ "body of another length", { DPVS_PROTO_VERSION, ID_ECHO, 0, 9, 40 }, body_wrong_sum, 40,
	  -EBADMSG, "do not add up", false },
	{ "records without size", { DPVS_PROTO_VERSION, ID_ECHO, 0, 9, 8 }, body_zero_size, 8,
	  -EBADMSG, "do not add up", false },
	{ "records too large", { DPVS_PROTO_VERSION, ID_ECHO, 0, 9, 8 }, body_huge_size, 8, -EBADMSG,
	  "do not add up", false },
};

static void
client_rude(void *arg)
{
	char text[DPVS_ERRSTR_MAX + 1];
	struct dpvs_sock_msg msg, ok = { DPVS_PROTO_VERSION, ID_NOTHING, 0, 10, 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(rude); i++) {
		const struct expect *e = &rude[i];
		int fd = raw_connect();
		int rc;

		raw_write(fd, &e->msg, sizeof(e->msg));
		if (e->body_size > 0)
			raw_write(fd, e->body, e->body_size);
		rc = raw_reply(fd, &msg, text);
		g_test_message("%s: %d %s", e->name, rc, text);
		g_assert_cmpint(rc, ==, e->errcode);
		g_assert_nonnull(strstr(text, e->text));
		g_assert_cmpuint(msg.id, ==, e->msg.id);
		g_assert_cmpuint(msg.type, ==, e->msg.type);
		g_assert_cmpuint(msg.seq, ==, e->msg.seq);
		if (e->closed) {
			g_assert_false(raw_read(fd, &msg, 1));
		} else {
			/* The connection goes on where it was. */
			raw_write(fd, &ok, sizeof(ok));
			g_assert_cmpint(raw_reply(fd, &msg, text), ==, 0);
			g_assert_cmpuint(msg.seq, ==, 10);
		}
		close(fd);
	}
}

static void
test_rude(void)
{
	start_server(NULL);
	run_client(client_rude, NULL);
	stop_server();
}

/* What the protocol says to a header and @len zero bytes behind it; *ret_closed: and ends the connection. */
static int
wanted_answer(const struct dpvs_sock_msg *m, bool *ret_closed)
{
	bool known = (m->type == DPVS_SOCKOPT_GET && m->id == ID_NOTHING) ||
		     (m->type == DPVS_SOCKOPT_SET && m->id == ID_STORE);

	*ret_closed = m->version >> 16 != 2 || m->len > DPVS_BODY_MAX;
	if (m->version >> 16 != 2)
		return -EPROTONOSUPPORT;
	if (m->type > DPVS_SOCKOPT_SET)
		return -EBADMSG;
	if (m->len > DPVS_BODY_MAX)
		return -EMSGSIZE;
	if (!known)
		return -EOPNOTSUPP;
	if (m->id == ID_NOTHING && m->len > sizeof(struct dpvs_sock_body) + DPVS_RECORD_MAX)
		return -EMSGSIZE;
	if (m->len != 0 && m->len != sizeof(struct dpvs_sock_body))
		return -EBADMSG;
	return m->id == ID_STORE ? -EINVAL : 0; /* needs a record */
}

/* Every kind of version, id, type and length with every other. */
static void
client_sweep(void *arg)
{
	static const uint32_t versions[] = { 0, 1, 0x00010000, 0x0001ffff, 0x00020000, 0x00020001, 0x0002ffff,
					     0x00030000, 0x02000000, UINT32_MAX };
	static const uint32_t ids[] = { 0, 1, ID_NOTHING, ID_STORE, 12345, INT32_MAX, UINT32_MAX };
	static const uint32_t types[] = { DPVS_SOCKOPT_GET, DPVS_SOCKOPT_SET, DPVS_SOCKOPT_EVENT, 3, 256, INT32_MAX,
					  UINT32_MAX };
	static const uint64_t lens[] = { 0, 1, 7, 8, 9, 24, 4104, 4105, 5000, DPVS_BODY_MAX - 1, DPVS_BODY_MAX,
					 DPVS_BODY_MAX + 1, UINT32_MAX, 1ull << 32, 1ull << 63, UINT64_MAX };
	static const unsigned char zeros[5000];
	struct dpvs_sock_msg after = { DPVS_PROTO_VERSION, ID_NOTHING, DPVS_SOCKOPT_GET, 77, 0 };
	const size_t all = G_N_ELEMENTS(versions) * G_N_ELEMENTS(ids) * G_N_ELEMENTS(types) * G_N_ELEMENTS(lens);
	char text[DPVS_ERRSTR_MAX + 1];
	int fd = raw_connect();

	for (size_t i = 0; i < all; i++) {
		size_t rest = i;
		struct dpvs_sock_msg msg, m = { .seq = (uint32_t)i + 1 };
		bool closed;
		int want, rc;

		m.version = versions[rest % G_N_ELEMENTS(versions)];
		rest /= G_N_ELEMENTS(versions);
		m.id = ids[rest % G_N_ELEMENTS(ids)];
		rest /= G_N_ELEMENTS(ids);
		m.type = types[rest % G_N_ELEMENTS(types)];
		rest /= G_N_ELEMENTS(types);
		m.len = lens[rest];
		want = wanted_answer(&m, &closed);
		/* A good header with a long body: the answer comes when the body has. */
		if (m.len > sizeof(zeros) && want == -EBADMSG && !closed && m.type <= DPVS_SOCKOPT_SET)
			continue;
		raw_write(fd, &m, sizeof(m));
		if (!closed && m.len <= sizeof(zeros))
			raw_write(fd, zeros, m.len);
		rc = raw_reply(fd, &msg, text);
		if (rc != want)
			g_error("version %x id %u type %u len %" G_GUINT64_FORMAT ": %d (%s), not %d", m.version, m.id, m.type,
				m.len, rc, text, want);
		g_assert_cmpuint(msg.version, ==, DPVS_PROTO_VERSION);
		g_assert_cmpuint(msg.id, ==, m.id);
		g_assert_cmpuint(msg.type, ==, m.type);
		g_assert_cmpuint(msg.seq, ==, m.seq);
		g_assert_cmpint(rc == 0, ==, text[0] == '\0');
		if (closed)
			g_assert_false(raw_read(fd, &msg, 1));
		if (closed || m.len > sizeof(zeros)) {
			close(fd);
			fd = raw_connect();
			continue;
		}
		raw_write(fd, &after, sizeof(after));
		g_assert_cmpint(raw_reply(fd, &msg, text), ==, 0);
		g_assert_cmpuint(msg.seq, ==, after.seq);
	}
	close(fd);
}

static void
test_sweep(void)
{
	start_server(NULL);
	run_client(client_sweep, NULL);
	stop_server();
}

/* Random bytes, headers with random fields, connections cut anywhere: nothing but errors may come back. */
static void
client_garbage(void *arg)
{
	for (unsigned int round = 0; round < 600; round++) {
		unsigned char buf[2048];
		struct dpvs_sock_msg msg = {
			.version = DPVS_PROTO_VERSION,
			.id = (uint32_t)g_test_rand_int_range(8998, 9110),
			.type = (uint32_t)g_test_rand_int_range(0, 3),
			.len = (uint64_t)g_test_rand_int_range(0, 600),
		};
		int size = g_test_rand_int_range(1, sizeof(buf));
		int fd = raw_connect();

		for (int i = 0; i < size; i++)
			buf[i] = (unsigned char)g_test_rand_int_range(0, g_test_rand_bit() ? 4 : 256);
		if (round % 3 > 0)
			memcpy(buf, &msg, MIN((size_t)size, sizeof(msg)));
		if (send(fd, buf, (size_t)size, MSG_NOSIGNAL) > 0 && round % 2 == 0) {
			shutdown(fd, SHUT_WR);
			while (read(fd, buf, sizeof(buf)) > 0)
				;
		}
		close(fd);
	}
}

static void
test_garbage(void)
{
	start_server(NULL);
	stored = 0;
	run_client(client_garbage, NULL);
	run_client(client_basic, NULL);
	stop_server();
}

/* One byte at a time in both directions. */
static void
client_bytewise(void *arg)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		struct item item;
	} q = {
		.msg = { DPVS_PROTO_VERSION, ID_ECHO, DPVS_SOCKOPT_GET, 5, 8 + sizeof(struct item) },
		.body = { sizeof(struct item), 1 },
		.item = { .value = 99 },
	};
	struct dpvs_client *fast = open_client(5000);
	struct dpvs_reply *r;
	unsigned char answer[24 + 24 + 8 + sizeof(struct item)];
	int small = 1;
	int fd = raw_connect();

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (size_t i = 0; i < sizeof(q); i++) {
		raw_write(fd, (char *)&q + i, 1);
		g_usleep(500);
		/* Others are served meanwhile. */
		g_assert_cmpint(dpvs_client_get(fast, ID_NOTHING, NULL, 0, &r), ==, 0);
		dpvs_reply_free(r);
	}
	for (size_t i = 0; i < sizeof(answer); i++)
		g_assert_true(raw_read(fd, answer + i, 1));
	g_assert_cmpuint(((struct item *)(answer + 56))->value, ==, 99);
	dpvs_client_close(fast);
	close(fd);
}

static void
test_bytewise(void)
{
	start_server(NULL);
	run_client(client_bytewise, NULL);
	stop_server();
}

int
main(int argc, char **argv)
{
	fixture_init(&argc, &argv);
	g_test_add_func("/server/rude", test_rude);
	g_test_add_func("/server/sweep", test_sweep);
	g_test_add_func("/server/garbage", test_garbage);
	g_test_add_func("/server/bytewise", test_bytewise);
	return fixture_run();
}
