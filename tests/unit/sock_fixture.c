/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See sock_fixture.h.
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

char *dir;
char *path;
struct dpvs_server *server;
unsigned int stored;
unsigned int audits;
int audit_result;
unsigned int later_ended;
unsigned int stream_cancelled;
size_t stream_backlog_max;
uint64_t generation;
unsigned int child_ended;

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

const struct dpvs_sockopt fixture_opts[6] = {
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

void
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

void
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

void
run_client(void (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg };
	GThread *thread = g_thread_new("client", job_thread, &job);

	while (!g_atomic_int_get(&job.done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
}

void
serve_until(const unsigned int *counter, unsigned int target, unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;

	while (*counter < target && g_get_monotonic_time() < end) {
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(1000);
	}
}

struct dpvs_client *
open_client(unsigned int timeout_ms)
{
	struct dpvs_client *c;
	int rc = dpvs_client_open(path, timeout_ms, &c);

	g_assert_cmpstr(dpvs_client_error(c), ==, "");
	g_assert_cmpint(rc, ==, 0);
	return c;
}

int
raw_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	strcpy(addr.sun_path, path);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	return fd;
}

void
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

bool
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

int
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

unsigned int
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

void
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
	g_assert_cmpint(dpvs_client_set(c, ID_STORE, NULL, 0, 0), ==, -EINVAL);
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

void
on_child(GPid pid, gint status, gpointer arg)
{
	g_assert_cmpint(status, ==, 0);
	child_ended++;
}

void
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

static unsigned int fds_before;

void
fixture_init(int *argc, char ***argv)
{
	signal(SIGPIPE, SIG_IGN);
	g_test_init(argc, argv, NULL);
	dir = g_dir_make_tmp("dpvs-cs.XXXXXX", NULL);
	path = g_strconcat(dir, "/ctrl", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(fixture_opts); i++)
		g_assert_cmpint(dpvs_sockopt_register(&fixture_opts[i]), ==, 0);
	/* GLib opens descriptors of its own on first use, also to watch children. */
	run_process(do_nothing);
	fds_before = open_fds();
}

int
fixture_run(void)
{
	int rc = g_test_run();

	g_assert_cmpuint(open_fds(), ==, fds_before);
	for (size_t i = 0; i < G_N_ELEMENTS(fixture_opts); i++)
		g_assert_cmpint(dpvs_sockopt_unregister(&fixture_opts[i]), ==, 0);
	g_assert_cmpint(rmdir(dir), ==, 0);
	g_free(path);
	g_free(dir);
	return rc;
}
