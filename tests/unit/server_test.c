/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server against clients that are gone or not allowed, and against other daemons.
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

/* ---- what handlers leave with a connection */

#define ID_COUNT 4711

static const int key_a, key_b;
static unsigned int kept_live; /* pieces of data */

static void
kept_free(void *data)
{
	kept_live--;
	g_free(data);
}

/* How often this connection has asked; each third time it is forgotten. */
static int
on_count(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct item *a = dpvs_req_client_data(req, &key_a);
	struct item *b = dpvs_req_client_data(req, &key_b);

	g_assert_true((a == NULL) == (b == NULL));
	if (a == NULL) {
		a = g_new0(struct item, 1);
		b = g_new0(struct item, 1);
		kept_live += 2;
		g_assert_cmpint(dpvs_req_set_client_data(req, &key_a, a, kept_free), ==, 0);
		g_assert_cmpint(dpvs_req_set_client_data(req, &key_b, b, kept_free), ==, 0);
		b->value = 100;
	}
	g_assert_cmpint(dpvs_req_pid(req), ==, getpid());
	a->value++;
	b->value++;
	g_assert_cmpuint(a->value + 100, ==, b->value);
	dpvs_req_add(req, a, sizeof(*a));
	if (a->value == 3) {
		/* It is ours to free then. */
		g_assert_cmpint(dpvs_req_set_client_data(req, &key_a, NULL, NULL), ==, 0);
		g_assert_cmpint(dpvs_req_set_client_data(req, &key_b, NULL, NULL), ==, 0);
		kept_free(a);
		kept_free(b);
	}
	return 0;
}

static const struct dpvs_sockopt count_opt = {
	.name = "count", .id = ID_COUNT, .type = DPVS_SOCKOPT_GET, .fn = on_count,
};

static void
client_data(void *arg)
{
	static const uint32_t wanted[] = { 1, 2, 3, 1, 2 };
	struct dpvs_client *c[2];
	struct dpvs_reply *reply;
	struct item item;

	for (unsigned int i = 0; i < 2; i++)
		g_assert_cmpint(dpvs_client_open(path, 10000, &c[i]), ==, 0);
	for (unsigned int i = 0; i < 2 * G_N_ELEMENTS(wanted); i++) {
		g_assert_cmpint(dpvs_client_get(c[i % 2], ID_COUNT, NULL, 0, &reply), ==, 0);
		g_assert_cmpint(dpvs_reply_record(reply, 0, &item, sizeof(item)), ==, 0);
		g_assert_cmpuint(item.value, ==, wanted[i / 2]);
		dpvs_reply_free(reply);
	}
	dpvs_client_close(c[0]);
	dpvs_client_close(c[1]);
}

/* Each connection has its own, for each key; it goes with the connection, or with the server. */
static void
test_client_data(void)
{
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	struct dpvs_client *left;

	start_server(NULL);
	g_assert_cmpint(dpvs_sockopt_register(&count_opt), ==, 0);
	run_client(client_data, NULL);
	while (kept_live > 0 && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(kept_live, ==, 0);
	g_assert_cmpint(dpvs_client_open(path, 10000, &left), ==, 0);
	g_assert_cmpint(dpvs_client_send(left, DPVS_SOCKOPT_GET, ID_COUNT, NULL, 0, 0, NULL), ==, 0);
	while (kept_live == 0 && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(kept_live, ==, 2);
	g_assert_cmpint(dpvs_sockopt_unregister(&count_opt), ==, 0);
	stop_server();
	g_assert_cmpuint(kept_live, ==, 0);
	dpvs_client_close(left);
}

/* ---- texts */

/* Quotes what a client may have sent; the last character is cut in two. */
static int
on_quote(struct dpvs_req *req, const void *records, uint32_t count)
{
	g_autofree char *fill = g_strnfill(DPVS_ERRSTR_MAX - 13, 'x');

	return dpvs_req_error(req, -ENODEV, "\"\xff\n\x1b[1m\303\244\"%s\303\244\303\244", fill);
}

static const struct dpvs_sockopt quote_opt = {
	.name = "quote", .id = ID_COUNT, .type = DPVS_SOCKOPT_GET, .fn = on_quote,
};

static void
client_quote(void *arg)
{
	struct dpvs_sock_msg q = { DPVS_PROTO_VERSION, ID_COUNT, 0, 1, 0 };
	char text[DPVS_ERRSTR_MAX + 1];
	struct dpvs_sock_msg msg;
	int fd = raw_connect();

	raw_write(fd, &q, sizeof(q));
	g_assert_cmpint(raw_reply(fd, &msg, text), ==, -ENODEV);
	g_assert_true(g_str_has_prefix(text, "\"???[1m\303\244\"xxx"));
	g_assert_true(g_str_has_suffix(text, "xxx\303\244?"));
	g_assert_cmpuint(strlen(text), ==, DPVS_ERRSTR_MAX);
	close(fd);
}

static void
test_quote(void)
{
	start_server(NULL);
	g_assert_cmpint(dpvs_sockopt_register(&quote_opt), ==, 0);
	run_client(client_quote, NULL);
	g_assert_cmpint(dpvs_sockopt_unregister(&quote_opt), ==, 0);
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

/* Somebody has removed socket and lock of one that lives: the next one's are not its to remove when it ends. */
static void
test_removed(void)
{
	g_autofree char *lock = g_strconcat(path, ".lock", NULL);
	struct dpvs_server_params params = { .path = path };
	struct dpvs_server *first, *third;
	char *error;

	g_assert_cmpint(dpvs_server_new(&params, &first, NULL), ==, 0);
	g_assert_cmpint(unlink(path), ==, 0);
	g_assert_cmpint(unlink(lock), ==, 0);
	start_server(NULL);
	dpvs_server_free(first);
	g_assert_cmpint(dpvs_server_new(&params, &third, &error), ==, -EADDRINUSE);
	free(error);
	run_client(client_basic, NULL);
	stop_server();
	g_assert_cmpint(access(lock, F_OK), ==, -1);
	g_assert_cmpint(access(path, F_OK), ==, -1);
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

/* Runs as nobody, with group @gid (0: none) and many others besides: exit code tells which call went wrong. */
static int
as_nobody(gid_t gid, int want_set)
{
	gid_t groups[100]; /* more than a server expects */
	struct item item = { .value = 1 };
	struct dpvs_client *c;
	struct dpvs_reply *r;

	for (unsigned int i = 0; i < G_N_ELEMENTS(groups); i++)
		groups[i] = 100000 + i;
	/* The kernel sorts them: it is neither the first nor the last. */
	groups[0] = 0;
	groups[1] = gid != 0 ? gid : groups[1];
	if (setgroups(G_N_ELEMENTS(groups), groups) < 0 || setresgid(65534, 65534, 65534) < 0 ||
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
	g_test_add_func("/server/hangup", test_hangup);
	g_test_add_func("/server/half close", test_half_close);
	g_test_add_func("/server/client data", test_client_data);
	g_test_add_func("/server/quote", test_quote);
	g_test_add_func("/server/second daemon", test_second);
	g_test_add_func("/server/removed", test_removed);
	g_test_add_func("/server/stale", test_stale);
	g_test_add_func("/server/umask", test_umask);
	g_test_add_func("/server/activation", test_activation);
	g_test_add_func("/server/permission", test_permission);
	g_test_add_func("/server/descriptors", test_descriptors);
	return fixture_run();
}
