/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/client.c against a daemon that says anything: the first byte tells how many requests wait, the rest is
 * what comes in as their answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/wire.h>

#include "fuzz.h"

static char dir[64], path[80];
static int listener = -1;

static void
clean(void)
{
	unlink(path);
	rmdir(dir);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/dpvs-fuzz.XXXXXX");
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/ctrl", dir);
	memcpy(addr.sun_path, path, sizeof(path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_CHECK(listener >= 0);
	FUZZ_CHECK(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(listener, 4) == 0);
	atexit(clean);
	return 0;
}

/* One line, nothing that would drive a terminal. */
static void
check_error(const struct dpvs_client *c, int rc)
{
	const char *text = dpvs_client_error(c);

	FUZZ_CHECK((rc == 0) == (text[0] == '\0'));
	for (; *text != '\0'; text++)
		FUZZ_CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void
check_answer(const struct dpvs_reply *r)
{
	uint8_t wide[DPVS_RECORD_MAX + 8], narrow[3];

	for (uint32_t i = 0; i < dpvs_reply_count(r) && i < 1000; i++) {
		FUZZ_CHECK(dpvs_reply_record(r, i, wide, sizeof(wide)) == 0);
		FUZZ_CHECK(dpvs_reply_record(r, i, narrow, sizeof(narrow)) == 0);
		FUZZ_CHECK(memcmp(wide, narrow, sizeof(narrow)) == 0);
		FUZZ_CHECK(wide[DPVS_RECORD_MAX] == 0);
	}
	FUZZ_CHECK(dpvs_reply_record(r, dpvs_reply_count(r), narrow, sizeof(narrow)) == -ERANGE);
	FUZZ_CHECK((dpvs_reply_flags(r) & DPVS_REPLY_MORE) == 0);
	(void)dpvs_reply_generation(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int requests, i;
	struct dpvs_client *c;
	struct dpvs_reply *r;
	uint32_t value = 7, seq;
	int fd, rc;

	/* What does not fit into the socket's buffer would wait for somebody to read it. */
	if (size == 0 || size > 64000)
		return 0;
	requests = 1 + (data[0] & 3);
	FUZZ_CHECK(dpvs_client_open(path, 5000, &c) == 0);
	fd = accept(listener, NULL, NULL);
	FUZZ_CHECK(fd >= 0);
	for (i = 0; i < requests; i++)
		FUZZ_CHECK(dpvs_client_send(c, i & 1, 202, &value, sizeof(value), 1, NULL) == 0);
	FUZZ_CHECK(send(fd, data + 1, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size - 1);
	shutdown(fd, SHUT_WR);
	for (i = 0; i < requests; i++) {
		rc = dpvs_client_receive(c, &seq, &r);
		FUZZ_CHECK((rc == 0) == (r != NULL));
		check_error(c, rc);
		if (r != NULL)
			check_answer(r);
		dpvs_reply_free(r);
		/* A connection that was lost stays lost. */
		if (dpvs_client_fd(c) < 0)
			FUZZ_CHECK(dpvs_client_get(c, 202, NULL, 0, &r) == -ENOTCONN);
	}
	if (dpvs_client_fd(c) >= 0) {
		rc = dpvs_client_get(c, 202, NULL, 0, &r);
		check_error(c, rc);
		dpvs_reply_free(r);
	}
	dpvs_client_close(c);
	close(fd);
	return 0;
}
