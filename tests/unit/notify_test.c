/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager hears: src/core/notify.c. */
#include <errno.h>
#include <glib.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/notify.h"

/* A manager's socket at @path; '@' begins an abstract name. */
static int
manager(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	g_assert_cmpint(fd, >=, 0);
	memcpy(addr.sun_path, path, strlen(path));
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	g_assert_cmpint(bind(fd, (struct sockaddr *)&addr,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))), ==, 0);
	return fd;
}

static void
check_told(const char *path)
{
	int fd = manager(path);
	char buf[64] = "";

	g_setenv("NOTIFY_SOCKET", path, TRUE);
	g_assert_cmpint(notify_manager("READY=1\nSTATUS=x"), ==, 0);
	g_assert_cmpint(recv(fd, buf, sizeof(buf) - 1, 0), ==, 16);
	g_assert_cmpstr(buf, ==, "READY=1\nSTATUS=x");
	close(fd);
}

static void
test_path(void)
{
	g_autofree char *path = g_build_filename(g_getenv("TEST_DIR"), "notify", NULL);

	check_told(path);
	unlink(path);
	/* The manager went away. */
	g_assert_cmpint(notify_manager("READY=1"), ==, -ENOENT);
}

static void
test_abstract(void)
{
	g_autofree char *name = g_strdup_printf("@dpvs-notify-test-%d", (int)getpid());

	check_told(name);
}

static void
test_nobody(void)
{
	g_unsetenv("NOTIFY_SOCKET");
	g_assert_cmpint(notify_manager("READY=1"), ==, 0);
	g_setenv("NOTIFY_SOCKET", "", TRUE);
	g_assert_cmpint(notify_manager("READY=1"), ==, 0);
	g_setenv("NOTIFY_SOCKET", "relative", TRUE);
	g_assert_cmpint(notify_manager("READY=1"), ==, -EINVAL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/notify/path", test_path);
	g_test_add_func("/notify/abstract name", test_abstract);
	g_test_add_func("/notify/nobody", test_nobody);
	return g_test_run();
}
