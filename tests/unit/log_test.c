/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who does not read the log keeps nobody waiting, and learns what is missing: src/core/log_out.c. */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"

enum {
	HELD = 1 << 20, /* as in log_out.c */
};

static int real_stderr;

/* The log goes to @fd, or back to where it went. */
static void
log_to(int fd)
{
	g_assert_cmpint(dup2(fd >= 0 ? fd : real_stderr, STDERR_FILENO), ==, STDERR_FILENO);
}

/* What there is to read at @fd, while the main loop runs, until @end is in it. */
static GString *
read_until(int fd, const char *end)
{
	GString *all = g_string_new(NULL);
	char buf[16384];
	ssize_t n;

	do {
		g_main_context_iteration(NULL, FALSE);
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			g_string_append_len(all, buf, n);
		else
			g_usleep(100);
	} while (strstr(all->str + (all->len > 20000 ? all->len - 20000 : 0), end) == NULL);
	return all;
}

/* Lines "number N" of @all, which have to be in order; with a gap where a line tells of one. */
static unsigned int
check_lines(const GString *all, unsigned int *ret_missing)
{
	g_auto(GStrv) lines = g_strsplit(all->str, "\n", -1);
	unsigned int next = 0, seen = 0, n;

	*ret_missing = 0;
	for (char **l = lines; *l != NULL && **l != '\0'; l++) {
		const char *number = strstr(*l, "number ");

		g_assert_true(g_str_has_prefix(*l, "dpvsd["));
		if (sscanf(*l, "dpvsd[%*d]: WARNING log: nobody took the lines that are missing here: %u", &n) == 1) {
			*ret_missing += n;
			next += n;
			continue;
		}
		if (number == NULL)
			continue; /* the one that ends it */
		g_assert_cmpint(sscanf(number, "number %u", &n), ==, 1);
		g_assert_cmpuint(n, ==, next);
		next++;
		seen++;
	}
	return seen;
}

/* @fds: what nobody reads at first, and what the log goes to. */
static void
check_stuck(const int *fds)
{
	unsigned int missing, i, many;
	GString *all, *rest;

	g_assert_cmpint(fcntl(fds[0], F_SETFL, O_NONBLOCK), ==, 0);
	log_to(fds[1]);
	/* More than a pipe holds, less than is held. */
	for (i = 0; i < 5000; i++)
		log_error("test", "number %u of a line that is about as long as one that says who changed what", i);
	log_error("test", "first end");
	all = read_until(fds[0], "first end\n");
	g_assert_cmpuint(check_lines(all, &missing), ==, 5000);
	g_assert_cmpuint(missing, ==, 0);
	g_string_free(all, TRUE);
	/* More than that. */
	many = 3 * HELD / 80;
	for (i = 0; i < many; i++)
		log_error("test", "number %u of a line that is about as long as one that says who changed what", i);
	all = read_until(fds[0], "are missing here");
	log_error("test", "second end");
	rest = read_until(fds[0], "second end\n");
	g_string_append(all, rest->str);
	g_string_free(rest, TRUE);
	i = check_lines(all, &missing);
	g_assert_cmpuint(missing, >, 0);
	g_assert_cmpuint(i, >, HELD / 120);
	g_assert_cmpuint(i + missing, ==, many);
	g_string_free(all, TRUE);
	/* And then it is as before. */
	log_error("test", "third end");
	all = read_until(fds[0], "third end\n");
	g_assert_null(strstr(all->str, "missing"));
	g_string_free(all, TRUE);
	log_to(-1);
	close(fds[0]);
	close(fds[1]);
}

static void
test_pipe(void)
{
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	check_stuck(fds);
}

static void
test_socket(void)
{
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
	check_stuck(fds);
}

/* A device that is full takes nothing; when there is space again, what was lost is told. */
static void
test_full(void)
{
	g_autofree char *path = g_strdup_printf("%s/dpvs-log-%d", g_get_tmp_dir(), (int)getpid());
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	g_autofree char *text = NULL;

	g_assert_cmpint(full, >=, 0);
	g_assert_cmpint(fd, >=, 0);
	log_to(full);
	for (unsigned int i = 0; i < 7; i++)
		log_error("test", "number %u", i);
	log_to(fd);
	log_error("test", "number 7");
	log_to(-1);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "missing here: 7\n"));
	g_assert_nonnull(strstr(text, "number 7\n"));
	unlink(path);
	close(fd);
	close(full);
}

/* Who ends gives its reader some time, but not for ever. */
static void
test_finish(void)
{
	int fds[2];

	g_assert_cmpint(pipe(fds), ==, 0);
	log_to(fds[1]);
	for (unsigned int i = 0; i < 2000; i++)
		log_error("test", "number %u of a line that is about as long as one that says who changed what", i);
	log_finish();
	close(fds[0]);
	log_finish(); /* nobody reads any more: nothing to wait for */
	log_to(-1);
	close(fds[1]);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	log_init();
	real_stderr = dup(STDERR_FILENO);
	g_test_add_func("/log/pipe", test_pipe);
	g_test_add_func("/log/socket", test_socket);
	g_test_add_func("/log/full", test_full);
	g_test_add_func("/log/finish", test_finish);
	return g_test_run();
}
