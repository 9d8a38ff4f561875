/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client and server half against each other, and the client against what is not our daemon.
 */
#include "sock_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_register(void)
{
	struct dpvs_sockopt bad = fixture_opts[0];

	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, -EEXIST);
	g_assert_cmpint(dpvs_sockopt_unregister(&bad), ==, -ENOENT);
	bad.id = 1;
	bad.type = 5;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, -EINVAL);
	bad.type = DPVS_SOCKOPT_GET;
	bad.min_records = bad.max_records + 1;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, -EINVAL);
	bad.min_records = 0;
	bad.record_size = DPVS_RECORD_MAX + 1;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, -EINVAL);
	bad.record_size = 8;
	bad.fn = NULL;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, -EINVAL);
	/* The two number spaces. */
	bad = fixture_opts[5];
	bad.id = ID_ECHO;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, 0);
	g_assert_cmpint(dpvs_sockopt_unregister(&bad), ==, 0);
	g_assert_cmpint(dpvs_sockopt_unregister(&bad), ==, -ENOENT);
}

static void
test_basic(void)
{
	start_server(NULL);
	stored = 0;
	audits = 0;
	run_client(client_basic, NULL);
	g_assert_cmpuint(stored, ==, 300);
	/* Each change that was asked for, also the refused ones. */
	g_assert_cmpuint(audits, ==, 3);
	g_assert_cmpint(audit_result, ==, -EINVAL);
	stop_server();
}


/* ---- pipelining */

static void
client_pipeline(void *arg)
{
	struct dpvs_client *c = open_client(20000);
	struct dpvs_reply *r;
	uint32_t first = 0, seq;

	/* Answers come in order, also behind one that takes its time. */
	for (uint32_t i = 0; i < 1000; i++) {
		struct item item = { .value = i % 100 == 50 ? 3 : i };

		g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, i % 100 == 50 ? ID_LATER : ID_ECHO,
						 &item, sizeof(item), 1, &seq), ==, 0);
		if (i == 0)
			first = seq;
	}
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, -EBUSY);
	for (uint32_t i = 0; i < 1000; i++) {
		struct item item;

		g_assert_cmpint(dpvs_client_receive(c, &seq, &r), ==, 0);
		g_assert_cmpuint(seq, ==, first + i);
		dpvs_reply_record(r, 0, &item, sizeof(item));
		g_assert_cmpuint(item.value, ==, i % 100 == 50 ? 77 : i);
		dpvs_reply_free(r);
	}
	g_assert_cmpint(dpvs_client_receive(c, NULL, NULL), ==, -EINVAL);

	/* A refused one does not disturb the others. */
	for (uint32_t i = 0; i < 100; i++) {
		struct item item = { .value = i == 40 ? 13 : i };

		g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_SET, ID_STORE, &item, sizeof(item), 1,
						 NULL), ==, 0);
	}
	for (uint32_t i = 0; i < 100; i++)
		g_assert_cmpint(dpvs_client_receive(c, NULL, NULL), ==,
				i == 40 || i == 13 ? -EEXIST : 0);

	/* 60 MB of answers to requests sent without reading: neither side locks up. */
	for (uint32_t i = 0; i < 60; i++) {
		struct item item = { .value = 1000 };

		g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_LIST, &item, sizeof(item), 1,
						 NULL), ==, 0);
	}
	for (uint32_t i = 0; i < 60; i++) {
		g_assert_cmpint(dpvs_client_receive(c, NULL, &r), ==, 0);
		g_assert_cmpuint(dpvs_reply_count(r), ==, 1000);
		dpvs_reply_free(r);
	}
	dpvs_client_close(c);
}

static void
test_pipeline(void)
{
	struct dpvs_server_params params = { .max_inflight = 4 };

	start_server(NULL);
	run_client(client_pipeline, NULL);
	stop_server();
	start_server(&params);
	run_client(client_pipeline, NULL);
	stop_server();
}

/* Requests as large as they may be, records of other sizes. */
static void
client_bulk(void *arg)
{
	struct dpvs_client *c = open_client(20000);
	g_autofree struct item *items = g_new0(struct item, 100001);
	struct dpvs_reply *r;
	struct item item;

	for (uint32_t i = 0; i < 100001; i++)
		items[i].value = i;
	g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, sizeof(items[0]), 100000,
					 NULL), ==, 0);
	g_assert_cmpint(dpvs_client_receive(c, NULL, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 100000);
	dpvs_reply_record(r, 99999, &item, sizeof(item));
	g_assert_cmpuint(item.value, ==, 99999);
	dpvs_reply_free(r);
	dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, sizeof(items[0]), 100001, NULL);
	g_assert_cmpint(dpvs_client_receive(c, NULL, &r), ==, -EMSGSIZE);
	g_assert_cmpstr(dpvs_client_error(c), ==, "echo takes at most 100000 records, not 100001");
	/* Never leaves this side. */
	g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, sizeof(items[0]),
					 1000000, NULL), ==, -EMSGSIZE);
	g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, 5000, 1, NULL), ==,
			-EINVAL);
	g_assert_cmpint(dpvs_client_send(c, 2, ID_ECHO, items, 8, 1, NULL), ==, -EINVAL);
	/* Many records of one byte, each of which the handler sees in full. */
	memset(items, 7, 100000);
	g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, 1, 100000, NULL), ==, 0);
	g_assert_cmpint(dpvs_client_receive(c, NULL, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 100000);
	dpvs_reply_record(r, 4711, &item, sizeof(item));
	g_assert_cmpuint(item.value, ==, 7);
	dpvs_reply_free(r);
	dpvs_client_close(c);
}

static void
test_bulk(void)
{
	start_server(NULL);
	run_client(client_bulk, NULL);
	stop_server();
}

/* ---- a long list, at the reader's pace */

static void
client_stream(void *arg)
{
	struct dpvs_client *c = open_client(20000);
	struct item item = { .value = 30000 };
	struct dpvs_reply *r;
	uint32_t v;

	g_assert_cmpint(dpvs_client_get(c, ID_STREAM, &item, sizeof(item), &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 30000);
	for (uint32_t i = 0; i < 30000; i++) {
		dpvs_reply_record(r, i, &v, sizeof(v));
		g_assert_cmpuint(v, ==, i);
	}
	dpvs_reply_free(r);
	dpvs_client_close(c);
}

/* Asks for a long list, reads a bit of it and goes away. */
static void
client_stream_hangup(void *arg)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		struct item item;
	} q = {
		.msg = { DPVS_PROTO_VERSION, ID_STREAM, DPVS_SOCKOPT_GET, 1, 8 + sizeof(struct item) },
		.body = { sizeof(struct item), 1 },
		.item = { .value = 1000000 },
	};
	char buf[4096];
	int fd = raw_connect();

	raw_write(fd, &q, sizeof(q));
	g_assert_true(raw_read(fd, buf, sizeof(buf)));
	close(fd);
}

static void
test_stream(void)
{
	struct dpvs_server_params params = { .max_pending = 2 << 20 };

	start_server(&params);
	stream_backlog_max = 0;
	run_client(client_stream, NULL);
	g_assert_cmpuint(stream_backlog_max, <, 256 << 10);
	stream_cancelled = 0;
	run_client(client_stream_hangup, NULL);
	serve_until(&stream_cancelled, 1, 10000);
	g_assert_cmpuint(stream_cancelled, ==, 1);
	stop_server();
}

/* ---- the client against what is not our daemon */

/** struct fake: a listener that answers each connection with the same bytes. */
struct fake {
	int fd;
	const void *answer;
	size_t size;
};

static gpointer
fake_thread(gpointer arg)
{
	struct fake *f = arg;
	unsigned char buf[256];
	int fd = accept(f->fd, NULL, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(read(fd, buf, sizeof(buf)), >, 0);
	if (f->size > 0)
		raw_write(fd, f->answer, f->size);
	/* Until the client leaves. */
	if (f->answer == NULL || f->size > 0)
		while (read(fd, buf, sizeof(buf)) > 0)
			;
	close(fd);
	return NULL;
}

/* One call against a fake daemon; the connection is of no use after it. */
static void
against(const void *answer, size_t size, int want, const char *text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fake f = { .answer = answer, .size = size };
	struct dpvs_client *c;
	struct dpvs_reply *r;
	GThread *thread;

	f.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(addr.sun_path, path);
	g_assert_cmpint(bind(f.fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(listen(f.fd, 1), ==, 0);
	thread = g_thread_new("fake", fake_thread, &f);
	c = open_client(300);
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, want);
	g_assert_null(r);
	g_test_message("%s", dpvs_client_error(c));
	g_assert_nonnull(strstr(dpvs_client_error(c), text));
	g_assert_null(strchr(dpvs_client_error(c), '\n'));
	g_assert_null(strchr(dpvs_client_error(c), '\033'));
	g_assert_true(dpvs_client_unreachable(c));
	g_assert_cmpint(dpvs_client_fd(c), ==, -1);
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, -ENOTCONN);
	dpvs_client_close(c);
	g_thread_join(thread);
	close(f.fd);
	unlink(path);
}

static void
test_client_errors(void)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_reply reply;
		char text[16];
	} a = {
		.msg = { DPVS_PROTO_VERSION, ID_NOTHING, DPVS_SOCKOPT_GET, 1, 24 },
	};
	g_autofree char *long_path = g_strnfill(200, 'x');
	struct dpvs_client *c;
	int fd;

	g_assert_cmpint(dpvs_client_open(path, 1000, &c), ==, -ENOENT);
	g_assert_nonnull(strstr(dpvs_client_error(c), "is dpvsd running?"));
	g_assert_true(dpvs_client_unreachable(c));
	g_assert_cmpstr(dpvs_client_path(c), ==, path);
	dpvs_client_close(c);
	g_assert_cmpint(dpvs_client_open(long_path, 1000, &c), ==, -ENAMETOOLONG);
	dpvs_client_close(c);
	g_setenv("DPVS_SOCKET", path, TRUE);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	strcpy(addr.sun_path, path);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(dpvs_client_open(NULL, 1000, &c), ==, -ECONNREFUSED);
	g_assert_nonnull(strstr(dpvs_client_error(c), "nobody listens"));
	dpvs_client_close(c);
	/* A backlog that nobody takes from: connect() has a deadline too. */
	g_assert_cmpint(listen(fd, 0), ==, 0);
	struct dpvs_client *waiting = open_client(1000);
	g_assert_cmpint(dpvs_client_open(NULL, 200, &c), ==, -ETIMEDOUT);
	g_assert_nonnull(strstr(dpvs_client_error(c), "within 200 ms"));
	dpvs_client_close(c);
	dpvs_client_close(waiting);
	close(fd);
	unlink(path);
	g_unsetenv("DPVS_SOCKET");
	dpvs_client_close(NULL);
	g_assert_cmpstr(dpvs_client_error(NULL), ==, "out of memory");

	against(NULL, 0, -ETIMEDOUT, "did not answer within 300 ms");
	against("", 0, -ECONNRESET, "closed the connection");
	against(&a, 30, -ETIMEDOUT, "did not answer"); /* half an answer */
	a.msg.version = 0x00030002;
	against(&a, 48, -EPROTONOSUPPORT, "speaks protocol version 3.2, this program 2.0");
	a.msg.version = DPVS_PROTO_VERSION;
	a.msg.seq = 77;
	against(&a, 48, -EPROTO, "an answer to another request");
	a.msg.seq = 1;
	a.msg.len = 1ull << 60;
	against(&a, 48, -EPROTO, "too long");
	a.msg.len = 24;
	a.reply.errstr_len = 9;
	against(&a, 48, -EPROTO, "do not add up");
	a.reply.errstr_len = 0;
	a.reply.flags = DPVS_REPLY_MORE;
	against(&a, 48, -ETIMEDOUT, "did not answer");
	/* Says why it hangs up, with a text that tries to play with the terminal. */
	a.reply.flags = 0;
	a.msg.seq = 0;
	a.msg.len = 24 + 16;
	a.reply.errcode = -EBUSY;
	a.reply.errstr_len = 13;
	memcpy(a.text, "go\033[31m\naway!", 13);
	against(&a, 24 + 24 + 16, -EBUSY, "go [31m away!");
}

int
main(int argc, char **argv)
{
	fixture_init(&argc, &argv);
	g_test_add_func("/client_server/register", test_register);
	g_test_add_func("/client_server/basic", test_basic);
	g_test_add_func("/client_server/pipeline", test_pipeline);
	g_test_add_func("/client_server/bulk", test_bulk);
	g_test_add_func("/client_server/stream", test_stream);
	g_test_add_func("/client_server/client errors", test_client_errors);
	return fixture_run();
}
