/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client may cost the server: how many, how long, how many bytes, how long without reading.
 */
#include "sock_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Others are served as before. */
static void
client_other(void *arg)
{
	struct dpvs_client *c = open_client(20000);
	struct dpvs_reply *r;

	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, 0);
	dpvs_reply_free(r);
	dpvs_client_close(c);
}

static void
test_no_reader(void)
{
	struct dpvs_server_params params = { .max_pending = 1 << 20 };

	start_server(&params);
	run_client(client_no_reader, NULL);
	run_client(client_other, NULL);
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

int
main(int argc, char **argv)
{
	fixture_init(&argc, &argv);
	g_test_add_func("/server/no reader", test_no_reader);
	g_test_add_func("/server/too many", test_too_many);
	g_test_add_func("/server/idle", test_idle);
	g_test_add_func("/server/stalled", test_stalled);
	g_test_add_func("/server/long", test_long);
	g_test_add_func("/server/max request", test_max_request);
	return fixture_run();
}
