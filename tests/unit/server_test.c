/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server against clients that are rude, slow, many, gone or not allowed, and against other daemons.
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

/* Asks for much and reads nothing. */
static void
client_no_reader(void *arg)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		struct item item;
	} q = {
		.msg = { DPVS_PROTO_VERSION, ID_LIST, DPVS_SOCKOPT_GET, 5, 8 + sizeof(struct item) },
		.body = { sizeof(struct item), 1 },
		.item = { .value = 10000 },
	};
	struct pollfd pfd = { .events = POLLIN };
	char buf[65536];
	size_t total = 0;
	ssize_t n;

	pfd.fd = raw_connect();
	raw_write(pfd.fd, &q, sizeof(q));
	/* The answer of 10 MB is more than this server keeps: it hangs up. */
	g_assert_cmpint(poll(&pfd, 1, 20000), ==, 1);
	while ((n = read(pfd.fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	g_assert_cmpuint(total, <, 2 << 20);
	close(pfd.fd);

	/* Small requests without end: from some point on they are not even read. */
	pfd.fd = raw_connect();
	fcntl(pfd.fd, F_SETFL, O_NONBLOCK);
	q.item.value = 1;
	total = 0;
	for (unsigned int idle = 0; idle < 200;) {
		n = send(pfd.fd, &q, sizeof(q), MSG_NOSIGNAL);
		if (n > 0) {
			total += (size_t)n;
			idle = 0;
		} else {
			idle++;
			g_usleep(1000);
		}
		g_assert_cmpuint(total, <, 32 << 20);
	}
	close(pfd.fd);
}

static void
test_no_reader(void)
{
	struct dpvs_server_params params = { .max_pending = 1 << 20 };

	start_server(&params);
	run_client(client_no_reader, NULL);
	run_client(client_bytewise, NULL);
	stop_server();
}

/* Hangs up while its request is pending; more requests wait behind it. */
static void
client_hangup(void *arg)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		struct item item;
	} q = {
		.msg = { DPVS_PROTO_VERSION, ID_LATER, DPVS_SOCKOPT_GET, 5, 8 + sizeof(struct item) },
		.body = { sizeof(struct item), 1 },
		.item = { .value = 30 },
	};

	for (unsigned int i = 0; i < 20; i++) {
		int fd = raw_connect();

		raw_write(fd, &q, sizeof(q));
		raw_write(fd, &q, sizeof(q));
		if (i % 2 == 0)
			g_usleep(2000);
		close(fd);
	}
}

static void
test_hangup(void)
{
	struct dpvs_req_wait {
		unsigned int from;
	} w = { later_ended };

	start_server(NULL);
	run_client(client_hangup, NULL);
	/* Those that were begun before the client left end without one. */
	serve_until(&later_ended, w.from + 5, 5000);
	g_assert_cmpuint(later_ended, >=, w.from + 5);
	run_client(client_hangup, NULL);
	/* The server goes first; the handlers still end their requests. */
	w.from = later_ended;
	stop_server();
	serve_until(&later_ended, w.from + 20, 200);
}

/* Says all it has to say, closes its half, and still hears all answers. */
static void
client_half_close(void *arg)
{
	struct dpvs_sock_msg q = { DPVS_PROTO_VERSION, ID_NOTHING, 0, 1, 0 };
	char text[DPVS_ERRSTR_MAX + 1];
	struct dpvs_sock_msg msg;
	int fd = raw_connect();

	for (q.seq = 1; q.seq <= 100; q.seq++)
		raw_write(fd, &q, sizeof(q));
	raw_write(fd, &q, 10); /* and a bit of one more */
	shutdown(fd, SHUT_WR);
	for (uint32_t i = 1; i <= 100; i++) {
		g_assert_cmpint(raw_reply(fd, &msg, text), ==, 0);
		g_assert_cmpuint(msg.seq, ==, i);
	}
	g_assert_false(raw_read(fd, &msg, 1));
	close(fd);
}

static void
test_half_close(void)
{
	start_server(NULL);
	run_client(client_half_close, NULL);
	stop_server();
}

/* ---- limits */

static void
client_too_many(void *arg)
{
	struct dpvs_client *c[4];
	struct dpvs_reply *r;

	for (unsigned int i = 0; i < 4; i++)
		c[i] = open_client(5000);
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_cmpint(dpvs_client_get(c[i], ID_NOTHING, NULL, 0, &r), ==, 0);
		dpvs_reply_free(r);
	}
	g_assert_cmpint(dpvs_client_get(c[3], ID_NOTHING, NULL, 0, &r), ==, -EBUSY);
	g_assert_cmpstr(dpvs_client_error(c[3]), ==, "the daemon serves its most clients already (3)");
	g_assert_true(dpvs_client_unreachable(c[3]));
	g_assert_cmpint(dpvs_client_get(c[3], ID_NOTHING, NULL, 0, &r), ==, -ENOTCONN);
	for (unsigned int i = 0; i < 4; i++)
		dpvs_client_close(c[i]);
}

static void
test_too_many(void)
{
	struct dpvs_server_params params = { .max_clients = 3 };

	start_server(&params);
	run_client(client_too_many, NULL);
	stop_server();
}

/* Silent clients are let go; one whose request is pending is not silent. */
static void
client_idle(void *arg)
{
	struct dpvs_client *busy = open_client(20000);
	struct item item = { .value = 3500 };
	struct dpvs_reply *r;
	char byte;
	int fd = raw_connect();
	int half = raw_connect();

	raw_write(half, "x", 1);
	g_assert_cmpint(dpvs_client_get(busy, ID_LATER, &item, sizeof(item), &r), ==, 0);
	dpvs_reply_free(r);
	g_assert_false(raw_read(fd, &byte, 1));
	g_assert_false(raw_read(half, &byte, 1));
	dpvs_client_close(busy);
	close(fd);
	close(half);
}

static void
test_idle(void)
{
	struct dpvs_server_params params = { .idle_timeout_s = 1 };

	start_server(&params);
	run_client(client_idle, NULL);
	stop_server();
}

/** struct ask: a request with an item. */
struct ask {
	struct dpvs_sock_msg msg;
	struct dpvs_sock_body body;
	struct item item;
};

static struct ask
ask_stream(uint32_t records)
{
	return (struct ask){
		.msg = { DPVS_PROTO_VERSION, ID_STREAM, DPVS_SOCKOPT_GET, 5, 8 + sizeof(struct item) },
		.body = { sizeof(struct item), 1 },
		.item = { .value = records },
	};
}

/* Has the peer hung up, within some seconds? Reads nothing. */
static bool
hung_up(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	return poll(&pfd, 1, 20000) == 1 && (pfd.revents & (POLLRDHUP | POLLHUP)) != 0;
}

/* Who asks for a long list and reads nothing of it is let go, who reads a little now and then is not. */
static void
client_stalled(void *arg)
{
	struct ask q = ask_stream(100000);
	struct dpvs_sock_msg nothing = { DPVS_PROTO_VERSION, ID_NOTHING, DPVS_SOCKOPT_GET, 6, 0 };
	int stalled = raw_connect(), pipelining = raw_connect(), slow = raw_connect();
	g_autofree char *buf = g_malloc(512 << 10);
	gint64 end = g_get_monotonic_time() + 4 * G_USEC_PER_SEC;
	size_t got = 0;

	raw_write(stalled, &q, sizeof(q));
	raw_write(slow, &q, sizeof(q));
	/* No request of this one is under way: all are answered, or wait. */
	for (unsigned int full = 0; full < 200;) {
		if (send(pipelining, &nothing, sizeof(nothing), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
			full = 0;
		} else {
			full++;
			g_usleep(1000);
		}
	}
	while (g_get_monotonic_time() < end) {
		ssize_t n = recv(slow, buf, 512 << 10, 0);

		g_assert_cmpint(n, >, 0);
		got += (size_t)n;
		g_usleep(100000);
	}
	g_assert_cmpuint(got, >, 1 << 20);
	g_assert_true(hung_up(stalled));
	g_assert_true(hung_up(pipelining));
	close(slow);
	close(stalled);
	close(pipelining);
}

static void
test_stalled(void)
{
	struct dpvs_server_params params = { .stall_timeout_s = 1 };
	unsigned int cancelled = stream_cancelled;

	start_server(&params);
	run_client(client_stalled, NULL);
	serve_until(&stream_cancelled, cancelled + 2, 5000);
	g_assert_cmpuint(stream_cancelled, >=, cancelled + 2);
	stop_server();
}

/* However long an answer is, who reads it gets it, and the server never holds much of it. */
static void
client_long(void *arg)
{
	struct ask q = ask_stream(80 << 10);
	struct dpvs_sock_reply reply;
	struct dpvs_sock_msg msg;
	g_autofree char *buf = g_malloc(1 << 20);
	uint64_t total = 0;
	int fd = raw_connect();

	raw_write(fd, &q, sizeof(q));
	do {
		g_assert_true(raw_read(fd, &msg, sizeof(msg)));
		g_assert_cmpuint(msg.len, <=, 1 << 20);
		g_assert_true(raw_read(fd, buf, msg.len));
		memcpy(&reply, buf, sizeof(reply));
		g_assert_cmpint(reply.errcode, ==, 0);
		total += msg.len;
	} while ((reply.flags & DPVS_REPLY_MORE) != 0);
	g_assert_cmpuint(total, >, 80 << 20);
	close(fd);
}

static void
test_long(void)
{
	struct dpvs_server_params params = { .max_pending = 2 << 20 };

	start_server(&params);
	stream_backlog_max = 0;
	run_client(client_long, NULL);
	g_assert_cmpuint(stream_backlog_max, <=, 2 << 20);
	stop_server();
}

/* A daemon may take shorter requests than the protocol allows. */
static void
client_max_request(void *arg)
{
	struct dpvs_client *c = open_client(20000);
	struct item items[200] = { 0 };

	g_assert_cmpint(dpvs_client_set(c, ID_STORE, items, sizeof(items[0]), 100), ==, 0);
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, items, sizeof(items[0]), 200), ==, -EMSGSIZE);
	g_assert_nonnull(strstr(dpvs_client_error(c), "the most is 4096"));
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, items, sizeof(items[0]), 100), ==, 0);
	dpvs_client_close(c);
}

static void
test_max_request(void)
{
	struct dpvs_server_params params = { .max_request = 4096 };

	start_server(&params);
	run_client(client_max_request, NULL);
	stop_server();
}

/* ---- who is live */

static void
test_second(void)
{
	struct dpvs_server_params params = { .path = path };
	struct dpvs_server *second;
	g_autofree char *want = g_strdup_printf("another daemon (pid %d) has the socket %s",
						(int)getpid(), path);
	char *error;

	start_server(NULL);
	g_assert_cmpint(dpvs_server_new(&params, &second, &error), ==, -EADDRINUSE);
	g_assert_null(second);
	g_assert_cmpstr(error, ==, want);
	free(error);
	run_client(client_basic, NULL);
	stop_server();
	/* The lock is free again. */
	start_server(NULL);
	run_client(client_basic, NULL);
	stop_server();
}

static void
test_stale(void)
{
	struct dpvs_server_params params = { .path = path };
	struct dpvs_server *s;
	struct stat st;
	char *error;
	int status;
	pid_t pid;

	/* A daemon that died without a word. */
	pid = fork();
	if (pid == 0) {
		start_server(NULL);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpint(access(path, F_OK), ==, 0);
	start_server(NULL);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 07777, ==, 0660);
	run_client(client_basic, NULL);
	stop_server();

	/* What is not a socket is not ours to remove. */
	g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
	g_assert_cmpint(dpvs_server_new(&params, &s, &error), ==, -EEXIST);
	g_assert_nonnull(strstr(error, "is not a socket"));
	free(error);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, 4);
	g_assert_cmpint(unlink(path), ==, 0);

	/* Nor is a socket that came after ours. */
	start_server(NULL);
	unlink(path);
	g_assert_true(g_file_set_contents(path, "new", -1, NULL));
	dpvs_server_free(server);
	server = NULL;
	g_assert_cmpint(unlink(path), ==, 0);

	params.path = "/nonexistent/folder/socket";
	g_assert_cmpint(dpvs_server_new(&params, &s, &error), ==, -ENOENT);
	g_assert_nonnull(strstr(error, "/nonexistent/folder/socket.lock"));
	free(error);
	params.path = path;
	params.group = "no-such-group-here";
	g_assert_cmpint(dpvs_server_new(&params, &s, &error), ==, -EINVAL);
	g_assert_cmpstr(error, ==, "there is no group no-such-group-here");
	free(error);
}

/* Owner, group and mode are those asked for, whatever umask the daemon was started with, which stays. */
static void
test_umask(void)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	static const unsigned int modes[] = { 0600, 0660, 0666 };
	mode_t mine = umask(0);

	for (unsigned int i = 0; i < G_N_ELEMENTS(masks); i++) {
		for (unsigned int k = 0; k < G_N_ELEMENTS(modes); k++) {
			struct dpvs_server_params params = { .path = path, .mode = modes[k] };
			struct stat st;

			umask(masks[i]);
			start_server(&params);
			g_assert_cmpuint(umask(masks[i]), ==, masks[i]);
			g_assert_cmpint(stat(path, &st), ==, 0);
			g_assert_cmpuint(st.st_mode & 07777, ==, modes[k]);
			g_assert_cmpuint(st.st_uid, ==, geteuid());
			stop_server();
		}
	}
	umask(mine);
}

static void
test_activation(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char byte, number[16];
	int up[2], status, fd;
	pid_t pid;

	g_assert_cmpint(pipe(up), ==, 0);
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(addr.sun_path, path);
		if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 5) < 0)
			_exit(1);
		dup2(up[1], 100);
		dup2(fd, 3);
		g_snprintf(number, sizeof(number), "%d", (int)getpid());
		g_setenv("LISTEN_PID", number, TRUE);
		g_setenv("LISTEN_FDS", "1", TRUE);
		start_server(NULL);
		if (g_getenv("LISTEN_FDS") != NULL || (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0)
			_exit(2);
		generation = 4711;
		if (write(100, "x", 1) != 1)
			_exit(3);
		serve_until(&audits, audits + 2, 10000);
		dpvs_server_free(server);
		/* systemd's socket stays. */
		_exit(access(path, F_OK) == 0 ? 0 : 4);
	}
	g_assert_cmpint(read(up[0], &byte, 1), ==, 1);
	close(up[0]);
	close(up[1]);
	struct item item = { .value = 1 };
	struct dpvs_client *c = open_client(5000);
	struct dpvs_reply *r;
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_generation(r), ==, 4711);
	dpvs_reply_free(r);
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, &item, sizeof(item), 1), ==, 0);
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, &item, sizeof(item), 1), ==, 0);
	dpvs_client_close(c);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	unlink(path);

	/* Something else in that place is refused. */
	pid = fork();
	if (pid == 0) {
		struct dpvs_server_params params = { .path = path };
		struct dpvs_server *s;
		char *error;

		fd = open("/dev/null", O_RDONLY);
		dup2(fd, 3);
		g_snprintf(number, sizeof(number), "%d", (int)getpid());
		g_setenv("LISTEN_PID", number, TRUE);
		g_setenv("LISTEN_FDS", "1", TRUE);
		_exit(dpvs_server_new(&params, &s, &error) == -EINVAL &&
				      strstr(error, "systemd") != NULL ?
			      0 :
			      1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

/* ---- permission: needs root to become somebody else */

/* Runs as nobody, with group @gid besides: exit code tells which call went wrong. */
static int
as_nobody(gid_t gid, int want_set)
{
	struct item item = { .value = 1 };
	struct dpvs_client *c;
	struct dpvs_reply *r;

	if (setgroups(gid != 0, &gid) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (dpvs_client_open(path, 5000, &c) < 0)
		return 2;
	if (dpvs_client_get(c, ID_NOTHING, NULL, 0, &r) < 0)
		return 3;
	dpvs_reply_free(r);
	if (dpvs_client_set(c, ID_STORE, &item, sizeof(item), 1) != want_set)
		return 4;
	if (want_set < 0 && strstr(dpvs_client_error(c), "no permission for store: needs uid 0 or group") == NULL)
		return 5;
	/* The connection goes on. */
	if (dpvs_client_get(c, ID_NOTHING, NULL, 0, &r) < 0)
		return 6;
	dpvs_reply_free(r);
	dpvs_client_close(c);
	return 0;
}

static void
audit_any(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
	  const char *errstr)
{
	g_assert_cmpuint(uid, ==, 65534);
	audits++;
	audit_result = result;
}


static void
test_permission(void)
{
	struct dpvs_server_params params = {
		.path = path, .mode = 0666, .group = "daemon", .audit = audit_any
	};
	static const int wants[] = { -EPERM, 0 };
	const struct group *gr = getgrnam("daemon");
	char *error;
	pid_t pid;

	if (geteuid() != 0 || gr == NULL) {
		g_test_skip("needs root and a group daemon");
		return;
	}
	g_assert_cmpint(chmod(dir, 0755), ==, 0);
	g_assert_cmpint(dpvs_server_new(&params, &server, &error), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(wants); i++) {
		audits = 0;
		child_ended = 0;
		pid = fork();
		if (pid == 0)
			_exit(as_nobody(wants[i] == 0 ? gr->gr_gid : 0, wants[i]));
		g_child_watch_add(pid, on_child, NULL);
		serve_until(&child_ended, 1, 10000);
		g_assert_cmpuint(child_ended, ==, 1);
		g_assert_cmpuint(audits, ==, 1);
		g_assert_cmpint(audit_result, ==, wants[i]);
	}
	/* A socket that one may not open. */
	g_assert_cmpint(chmod(path, 0600), ==, 0);
	child_ended = 0;
	pid = fork();
	if (pid == 0) {
		struct dpvs_client *c;

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		_exit(dpvs_client_open(path, 1000, &c) == -EACCES &&
				      strstr(dpvs_client_error(c), "no permission") != NULL ?
			      0 :
			      2);
	}
	g_child_watch_add(pid, on_child, NULL);
	serve_until(&child_ended, 1, 10000);
	g_assert_cmpuint(child_ended, ==, 1);
	stop_server();
}

/* Opens more connections than the daemon has descriptors. */
static int
use_up_descriptors(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int fds[200];

	for (unsigned int i = 0; i < G_N_ELEMENTS(fds); i++)
		fds[i] = raw_connect();
	/* The last ones were turned away. */
	pfd.fd = fds[G_N_ELEMENTS(fds) - 1];
	return poll(&pfd, 1, 10000) == 1 ? 0 : 1;
}

static void
test_descriptors(void)
{
	struct rlimit limit;
	rlim_t before;
	pid_t pid;

	start_server(NULL);
	getrlimit(RLIMIT_NOFILE, &limit);
	before = limit.rlim_cur;
	pid = fork();
	if (pid == 0)
		_exit(use_up_descriptors());
	limit.rlim_cur = open_fds() + 40;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	child_ended = 0;
	g_child_watch_add(pid, on_child, NULL);
	serve_until(&child_ended, 1, 20000);
	g_assert_cmpuint(child_ended, ==, 1);
	limit.rlim_cur = before;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	run_client(client_basic, NULL);
	stop_server();
}

int
main(int argc, char **argv)
{
	fixture_init(&argc, &argv);
	g_test_add_func("/server/rude", test_rude);
	g_test_add_func("/server/garbage", test_garbage);
	g_test_add_func("/server/bytewise", test_bytewise);
	g_test_add_func("/server/no reader", test_no_reader);
	g_test_add_func("/server/hangup", test_hangup);
	g_test_add_func("/server/half close", test_half_close);
	g_test_add_func("/server/too many", test_too_many);
	g_test_add_func("/server/idle", test_idle);
	g_test_add_func("/server/stalled", test_stalled);
	g_test_add_func("/server/long", test_long);
	g_test_add_func("/server/max request", test_max_request);
	g_test_add_func("/server/second daemon", test_second);
	g_test_add_func("/server/stale", test_stale);
	g_test_add_func("/server/umask", test_umask);
	g_test_add_func("/server/activation", test_activation);
	g_test_add_func("/server/permission", test_permission);
	g_test_add_func("/server/descriptors", test_descriptors);
	return fixture_run();
}
