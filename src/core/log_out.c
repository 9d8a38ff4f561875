/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where lines of the log go. Main must not wait for whoever reads them: a pipe or a journal that is stuck would
 * stop the control plane, and with it ARP and ND. What is not taken now is held, up to HELD_MAX bytes, and written
 * when there is room; what is beyond that is counted, and a line says so where the others are missing.
 *
 * Thread-safety: any thread.
 */
#include "core/log_out.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Once a pipe says that there is room, so many bytes are taken without waiting. */
#define WRITE_MAX PIPE_BUF

#define HELD_MAX  (1u << 20)
#define FINISH_MS 1000

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static GMutex lock; /* all of these */
static GString *held; /* whole lines, but for what was written of the first one; NULL: none yet */
static size_t held_start;
static uint64_t lost; /* lines, after those that are held */
static guint source;

/* As write(2), but never waits: then -1 and EAGAIN. */
static ssize_t
write_now(const char *text, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	do {
		n = send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0 || errno != ENOTSOCK)
			continue;
		if (poll(&pfd, 1, 0) > 0) {
			n = write(STDERR_FILENO, text, len);
		} else {
			n = -1;
			errno = EAGAIN;
		}
	} while (n < 0 && errno == EINTR);
	return n;
}

static bool
is_held(void)
{
	return held != NULL && held->len > held_start;
}

static void
hold(const char *text, size_t len)
{
	if (held == NULL)
		held = g_string_new(NULL);
	if (held->len - held_start + len > HELD_MAX) {
		lost++;
		return;
	}
	if (held->len + len > 2 * HELD_MAX) {
		g_string_erase(held, 0, (gssize)held_start);
		held_start = 0;
	}
	g_string_append_len(held, text, (gssize)len);
}

/* One line, which nothing waits before. Returns false: nothing of it was taken, try later. */
static bool
put(const char *line, size_t len)
{
	ssize_t n = write_now(line, len);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		lost++; /* no space on the device, or nobody reads any more */
	else if ((size_t)n < len)
		hold(line + n, len - (size_t)n);
	return true;
}

/* How much of what is held goes in one write: whole lines, as many as surely are taken. */
static size_t
next_piece(void)
{
	const char *text = held->str + held_start;
	size_t len = held->len - held_start;
	const char *end;

	if (len <= WRITE_MAX)
		return len;
	end = memrchr(text, '\n', WRITE_MAX);
	return end != NULL ? (size_t)(end - text) + 1 : WRITE_MAX;
}

/* Writes what waits. Returns false: there is more. */
static bool
flush(void)
{
	char line[128];
	ssize_t n;
	int len;

	while (is_held()) {
		size_t piece = next_piece();

		n = write_now(held->str + held_start, piece);
		if (n < 0 && errno == EAGAIN)
			return false;
		for (size_t i = 0; n < 0 && i < piece; i++)
			lost += held->str[held_start + i] == '\n';
		held_start += n < 0 ? piece : (size_t)n;
	}
	if (held != NULL)
		g_string_truncate(held, 0);
	held_start = 0;
	if (lost == 0)
		return true;
	len = snprintf(line, sizeof(line), "dpvsd[%ld]: WARNING log: nobody took the lines that are missing here: %" PRIu64 "\n",
		       (long)getpid(), lost);
	n = write_now(line, (size_t)len);
	if (n < 0)
		return errno != EAGAIN; /* of a full device nothing tells when there is room: the next line tries */
	lost = 0;
	if (n < len)
		hold(line + n, (size_t)(len - n));
	return !is_held();
}

static gboolean
on_room(gint fd, GIOCondition condition, gpointer arg)
{
	gboolean more;

	(void)fd;
	(void)condition;
	(void)arg;
	g_mutex_lock(&lock);
	more = !flush();
	if (!more)
		source = 0;
	g_mutex_unlock(&lock);
	return more;
}

void
log_out(const char *line, size_t len)
{
	bool waits;

	g_mutex_lock(&lock);
	waits = !flush();
	if (lost > 0)
		lost++; /* none comes before the line that tells of those */
	else if (waits || !put(line, len))
		hold(line, len);
	if ((waits || is_held()) && source == 0)
		source = g_unix_fd_add(STDERR_FILENO, G_IO_OUT, on_room, NULL);
	g_mutex_unlock(&lock);
}

void
log_out_finish(void)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	gint64 end = g_get_monotonic_time() + FINISH_MS * 1000, left;

	g_mutex_lock(&lock);
	while (!flush() && (left = end - g_get_monotonic_time()) > 0)
		poll(&pfd, 1, (int)(left / 1000) + 1);
	if (source != 0)
		g_source_remove(source);
	source = 0;
	g_mutex_unlock(&lock);
}

int
log_out_journal(const GLogField *fields, size_t count)
{
	const struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	static int fd = -1;
	GString *text;
	ssize_t n = -1;

	g_mutex_lock(&lock);
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The order of lines is kept: none overtakes those that are held. */
	if (fd >= 0 && !is_held()) {
		text = g_string_new(NULL);
		for (size_t i = 0; i < count; i++) {
			size_t from;

			g_string_append_printf(text, "%s=", fields[i].key);
			from = text->len;
			g_string_append_len(text, fields[i].value, fields[i].length);
			/* A line ends the field. */
			for (char *p = text->str + from; p < text->str + text->len; p++)
				if (*p == '\n')
					*p = ' ';
			g_string_append_c(text, '\n');
		}
		n = sendto(fd, text->str, text->len, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof(to));
		g_string_free(text, TRUE);
	}
	g_mutex_unlock(&lock);
	return n < 0 ? -EAGAIN : 0;
}
