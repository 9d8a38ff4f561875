/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client and server half against each other: the server runs in the default main context of this
 * thread, clients in threads of their own, some with the library, some as rude as a raw socket can be.
 */
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

#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

/** struct item: the record of the test's requests. */
struct item {
	uint32_t value;
	uint32_t extra;
	char text[24];
};

enum {
	ID_ECHO = 9000,   /* GET: the records come back */
	ID_LIST = 9001,   /* GET: value says how many records of 1 KiB to answer */
	ID_LATER = 9002,  /* GET: answered by a timer after value ms */
	ID_STREAM = 9003, /* GET: value records of 1 KiB, paced by the reader */
	ID_NOTHING = 9004, /* GET: takes no record */
	ID_STORE = 9100,  /* SET: stores; value 13 is refused */
};

static char *dir;
static char *path;
static struct dpvs_server *server;
static unsigned int stored;
static unsigned int audits;
static int audit_result;
static unsigned int later_ended;
static unsigned int stream_cancelled;
static size_t stream_backlog_max;
static uint64_t generation;

static uint64_t
get_generation(void)
{
	return generation;
}

static void
audit(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
      const char *errstr)
{
	g_assert_cmpuint(uid, ==, geteuid());
	g_assert_cmpint(pid, >, 0);
	g_assert_nonnull(opt->name);
	g_assert_nonnull(errstr);
	audits++;
	audit_result = result;
}

static int
on_echo(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	for (uint32_t i = 0; i < count; i++)
		dpvs_req_add(req, &item[i], sizeof(*item));
	return 0;
}

static int
on_list(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;
	char big[1024];

	for (uint32_t i = 0; i < item->value; i++) {
		memset(big, (int)i, sizeof(big));
		memcpy(big, &i, sizeof(i));
		dpvs_req_add(req, big, sizeof(big));
	}
	dpvs_req_set_flags(req, DPVS_REPLY_CHANGED);
	return 0;
}

static gboolean
later_done(gpointer arg)
{
	struct dpvs_req *req = arg;
	struct item item = { .value = 77 };

	later_ended++;
	dpvs_req_add(req, &item, sizeof(item));
	dpvs_req_end(req, 0);
	return G_SOURCE_REMOVE;
}

static int
on_later(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	if (item->value == 0) { /* ends before the handler returns */
		later_done(req);
		return DPVS_REQ_PENDING;
	}
	g_timeout_add(item->value, later_done, req);
	return DPVS_REQ_PENDING;
}

/** struct stream: a list sent slice by slice. */
struct stream {
	uint32_t next;
	uint32_t count;
};

static void
stream_slice(struct dpvs_req *req, void *arg)
{
	struct stream *st = arg;
	char big[1024] = { 0 };
	uint32_t i;

	if (dpvs_req_cancelled(req)) {
		stream_cancelled++;
		g_free(st);
		dpvs_req_end(req, -ECANCELED);
		return;
	}
	stream_backlog_max = MAX(stream_backlog_max, dpvs_req_backlog(req));
	for (i = 0; i < 512 && st->next < st->count; i++) {
		memcpy(big, &st->next, sizeof(st->next));
		dpvs_req_add(req, big, sizeof(big));
		st->next++;
	}
	if (st->next < st->count) {
		dpvs_req_on_drained(req, stream_slice, st);
		return;
	}
	g_free(st);
	dpvs_req_end(req, 0);
}

static int
on_stream(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;
	struct stream *st = g_new0(struct stream, 1);

	st->count = item->value;
	dpvs_req_on_drained(req, stream_slice, st);
	return DPVS_REQ_PENDING;
}

static int
on_nothing(struct dpvs_req *req, const void *records, uint32_t count)
{
	g_assert_null(records);
	g_assert_cmpuint(count, ==, 0);
	g_assert_cmpstr(dpvs_req_data(req), ==, "data");
	return 0;
}

static int
on_store(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	for (uint32_t i = 0; i < count; i++) {
		if (item[i].value == 13) {
			dpvs_req_error_index(req, i);
			return dpvs_req_error(req, -EEXIST, "value %u is unlucky", item[i].value);
		}
	}
	stored += count;
	generation++;
	return 0;
}

static const struct dpvs_sockopt opts[] = {
	{
		.name = "echo",
		.id = ID_ECHO,
		.type = DPVS_SOCKOPT_GET,
		.record_size = sizeof(struct item),
		.min_records = 1,
		.max_records = 100000,
		.fn = on_echo,
	},
	{
		.name = "list",
		.id = ID_LIST,
		.type = DPVS_SOCKOPT_GET,
		.record_size = sizeof(struct item),
		.max_records = 1,
		.fn = on_list,
	},
	{
		.name = "later",
		.id = ID_LATER,
		.type = DPVS_SOCKOPT_GET,
		.record_size = sizeof(struct item),
		.max_records = 1,
		.fn = on_later,
	},
	{
		.name = "stream",
		.id = ID_STREAM,
		.type = DPVS_SOCKOPT_GET,
		.record_size = sizeof(struct item),
		.max_records = 1,
		.fn = on_stream,
	},
	{
		.name = "nothing",
		.id = ID_NOTHING,
		.type = DPVS_SOCKOPT_GET,
		.fn = on_nothing,
		.data = "data",
	},
	{
		.name = "store",
		.id = ID_STORE,
		.type = DPVS_SOCKOPT_SET,
		.record_size = sizeof(struct item),
		.min_records = 1,
		.max_records = 1000,
		.fn = on_store,
	},
};

static void
start_server(const struct dpvs_server_params *extra)
{
	struct dpvs_server_params params = extra != NULL ? *extra : (struct dpvs_server_params){ 0 };
	char *error = NULL;
	int rc;

	params.path = path;
	params.generation = get_generation;
	params.audit = audit;
	rc = dpvs_server_new(&params, &server, &error);
	g_assert_cmpstr(error, ==, NULL);
	g_assert_cmpint(rc, ==, 0);
}

static void
stop_server(void)
{
	dpvs_server_free(server);
	server = NULL;
	g_assert_cmpint(access(path, F_OK), ==, -1);
}

/** struct job: a client function in a thread, while this thread serves. */
struct job {
	void (*fn)(void *arg);
	void *arg;
	gint done;
};

static gpointer
job_thread(gpointer arg)
{
	struct job *job = arg;

	job->fn(job->arg);
	g_atomic_int_set(&job->done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void
run_client(void (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };
	GThread *thread = g_thread_new("client", job_thread, &job);

	while (!g_atomic_int_get(&job.done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
}

/* Serves until @done or for @ms. */
static void
serve_until(const unsigned int *counter, unsigned int target, unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;

	while (*counter < target && g_get_monotonic_time() < end) {
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	}
}

static struct dpvs_client *
open_client(unsigned int timeout_ms)
{
	struct dpvs_client *c;
	int rc = dpvs_client_open(path, timeout_ms, &c);

	g_assert_cmpstr(dpvs_client_error(c), ==, "");
	g_assert_cmpint(rc, ==, 0);
	return c;
}

static int
raw_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	strcpy(addr.sun_path, path);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	return fd;
}

static void
raw_write(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		g_assert_cmpint(n, >, 0);
		p += n;
		len -= (size_t)n;
	}
}

/* Reads exactly @len bytes; returns false when the peer closed before the first. */
static bool
raw_read(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t got = 0;

	while (got < len) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		g_assert_cmpint(poll(&pfd, 1, 20000), ==, 1);
		n = read(fd, p + got, len - got);
		if (n <= 0 && got == 0)
			return false;
		g_assert_cmpint(n, >, 0);
		got += (size_t)n;
	}
	return true;
}

/* Reads one reply and gives its code; the text goes to @text (DPVS_ERRSTR_MAX + 1 bytes). */
static int
raw_reply(int fd, struct dpvs_sock_msg *ret_msg, char *text)
{
	unsigned char buf[65536];
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	const char *errstr;
	const void *records;

	g_assert_true(raw_read(fd, ret_msg, sizeof(*ret_msg)));
	g_assert_cmpuint(ret_msg->version, ==, DPVS_PROTO_VERSION);
	g_assert_cmpuint(ret_msg->len, <=, sizeof(buf));
	g_assert_true(raw_read(fd, buf, ret_msg->len));
	g_assert_cmpint(dpvs_wire_check_reply(buf, ret_msg->len, &reply, &errstr, &body, &records), ==,
			0);
	memcpy(text, errstr, reply.errstr_len);
	text[reply.errstr_len] = '\0';
	return reply.errcode;
}

static unsigned int
open_fds(void)
{
	GDir *d = g_dir_open("/proc/self/fd", 0, NULL);
	unsigned int n = 0;

	if (d == NULL)
		return 0;
	while (g_dir_read_name(d) != NULL)
		n++;
	g_dir_close(d);
	return n;
}

/* ---- the library's client */

static void
client_basic(void *arg)
{
	struct item item = { .value = 5, .text = "hello" };
	struct item many[300] = { 0 };
	struct dpvs_client *c = open_client(5000);
	struct dpvs_reply *r;
	unsigned char wide[64] = { 1 };
	uint32_t half = 9;

	g_assert_cmpint(dpvs_client_get(c, ID_ECHO, &item, sizeof(item), &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 1);
	memset(&item, 0, sizeof(item));
	g_assert_cmpint(dpvs_reply_record(r, 0, &item, sizeof(item)), ==, 0);
	g_assert_cmpuint(item.value, ==, 5);
	g_assert_cmpstr(item.text, ==, "hello");
	g_assert_cmpint(dpvs_reply_record(r, 1, &item, sizeof(item)), ==, -ERANGE);
	dpvs_reply_free(r);

	/* A shorter record is zero-extended, a longer one must have a zero tail. */
	g_assert_cmpint(dpvs_client_get(c, ID_ECHO, &half, sizeof(half), &r), ==, 0);
	g_assert_cmpint(dpvs_reply_record(r, 0, &item, sizeof(item)), ==, 0);
	g_assert_cmpuint(item.value, ==, 9);
	g_assert_cmpuint(item.extra, ==, 0);
	dpvs_reply_free(r);
	g_assert_cmpint(dpvs_client_get(c, ID_ECHO, wide, sizeof(wide), &r), ==, 0);
	dpvs_reply_free(r);
	wide[63] = 1;
	g_assert_cmpint(dpvs_client_get(c, ID_ECHO, wide, sizeof(wide), &r), ==, -E2BIG);
	g_assert_null(r);
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 0);
	g_assert_nonnull(strstr(dpvs_client_error(c), "does not know"));

	/* Many parts are put together. */
	item.value = 5000;
	g_assert_cmpint(dpvs_client_get(c, ID_LIST, &item, sizeof(item), &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 5000);
	g_assert_cmpuint(dpvs_reply_flags(r), ==, DPVS_REPLY_CHANGED);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t v;

		dpvs_reply_record(r, i, &v, sizeof(v));
		g_assert_cmpuint(v, ==, i);
	}
	dpvs_reply_free(r);

	/* SET: all or none, and who is to blame. */
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, many, sizeof(many[0]), 300), ==, 0);
	many[298].value = 13;
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, many, sizeof(many[0]), 300), ==, -EEXIST);
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 298);
	g_assert_cmpstr(dpvs_client_error(c), ==, "value 13 is unlucky");
	g_assert_false(dpvs_client_unreachable(c));

	/* What is refused, and the connection goes on. */
	g_assert_cmpint(dpvs_client_set(c, 4711, &item, sizeof(item), 1), ==, -EOPNOTSUPP);
	g_assert_cmpstr(dpvs_client_error(c), ==, "SET 4711 is not supported by this build");
	g_assert_cmpint(dpvs_client_get(c, ID_STORE, NULL, 0, &r), ==, -EOPNOTSUPP);
	g_assert_cmpint(dpvs_client_get(c, ID_ECHO, NULL, 0, &r), ==, -EINVAL);
	g_assert_cmpstr(dpvs_client_error(c), ==, "echo needs a record");
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, &item, sizeof(item), &r), ==, -EINVAL);
	g_assert_cmpstr(dpvs_client_error(c), ==, "nothing takes no record");
	g_assert_cmpint(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 0);
	g_assert_cmpuint(dpvs_reply_generation(r), ==, generation);
	dpvs_reply_free(r);

	item.value = 0;
	g_assert_cmpint(dpvs_client_get(c, ID_LATER, &item, sizeof(item), &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 1);
	dpvs_reply_free(r);
	dpvs_client_close(c);
}

static void
test_basic(void)
{
	start_server(NULL);
	stored = 0;
	audits = 0;
	run_client(client_basic, NULL);
	g_assert_cmpuint(stored, ==, 300);
	g_assert_cmpuint(audits, ==, 2);
	g_assert_cmpint(audit_result, ==, -EEXIST);
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

static unsigned int child_ended;

static void
on_child(GPid pid, gint status, gpointer arg)
{
	g_assert_cmpint(status, ==, 0);
	child_ended++;
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

/* Runs @fn in a process of its own while this one serves. */
static void
run_process(int (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	child_ended = 0;
	g_child_watch_add(pid, on_child, NULL);
	serve_until(&child_ended, 1, 20000);
	g_assert_cmpuint(child_ended, ==, 1);
}

static int
do_nothing(void)
{
	return 0;
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

static void
test_register(void)
{
	struct dpvs_sockopt bad = opts[0];

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
	bad = opts[5];
	bad.id = ID_ECHO;
	g_assert_cmpint(dpvs_sockopt_register(&bad), ==, 0);
	g_assert_cmpint(dpvs_sockopt_unregister(&bad), ==, 0);
	g_assert_cmpint(dpvs_sockopt_unregister(&bad), ==, -ENOENT);
}

int
main(int argc, char **argv)
{
	unsigned int fds;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("dpvs-cs.XXXXXX", NULL);
	path = g_strconcat(dir, "/ctrl", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		g_assert_cmpint(dpvs_sockopt_register(&opts[i]), ==, 0);
	/* GLib opens descriptors of its own on first use, also to watch children. */
	run_process(do_nothing);
	fds = open_fds();
	g_test_add_func("/client_server/register", test_register);
	g_test_add_func("/client_server/basic", test_basic);
	g_test_add_func("/client_server/pipeline", test_pipeline);
	g_test_add_func("/client_server/bulk", test_bulk);
	g_test_add_func("/client_server/stream", test_stream);
	g_test_add_func("/client_server/rude", test_rude);
	g_test_add_func("/client_server/garbage", test_garbage);
	g_test_add_func("/client_server/bytewise", test_bytewise);
	g_test_add_func("/client_server/no reader", test_no_reader);
	g_test_add_func("/client_server/hangup", test_hangup);
	g_test_add_func("/client_server/half close", test_half_close);
	g_test_add_func("/client_server/too many", test_too_many);
	g_test_add_func("/client_server/idle", test_idle);
	g_test_add_func("/client_server/second daemon", test_second);
	g_test_add_func("/client_server/stale", test_stale);
	g_test_add_func("/client_server/activation", test_activation);
	g_test_add_func("/client_server/permission", test_permission);
	g_test_add_func("/client_server/client errors", test_client_errors);
	g_test_add_func("/client_server/descriptors", test_descriptors);
	rc = g_test_run();
	g_assert_cmpuint(open_fds(), ==, fds);
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		g_assert_cmpint(dpvs_sockopt_unregister(&opts[i]), ==, 0);
	g_assert_cmpint(rmdir(dir), ==, 0);
	g_free(path);
	g_free(dir);
	return rc;
}
