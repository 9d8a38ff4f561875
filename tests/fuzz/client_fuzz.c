/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half against a daemon that says anything: bits 0 and 1 of the first byte tell how many requests wait,
 * bits 2 and 3 what the connection is for (requests, a list, a transaction, events); the rest is what comes in.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/event.h>
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

/* Answers to requests that were sent together. */
static void
try_requests(struct dpvs_client *c, unsigned int requests)
{
	struct dpvs_reply *r;
	uint32_t seq;
	int rc;

	for (unsigned int i = 0; i < requests; i++) {
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
}

/* Lists, each read to its end or closed after @records. */
static void
try_streams(struct dpvs_client *c, unsigned int records)
{
	uint8_t record[DPVS_RECORD_MAX + 8];
	struct dpvs_stream *s;
	unsigned int i;
	int rc;

	while (dpvs_stream_open(c, 202, NULL, 0, &s) == 0) {
		for (i = 0, rc = 1; rc > 0 && (records == 3 || i < records); i++) {
			rc = dpvs_stream_next(s, record, sizeof(record));
			FUZZ_CHECK(rc <= 1);
			check_error(c, rc < 0 ? rc : 0);
			if (rc == 1)
				FUZZ_CHECK(record[DPVS_RECORD_MAX] == 0);
		}
		if (rc <= 0)
			FUZZ_CHECK(dpvs_stream_next(s, record, 1) == rc);
		FUZZ_CHECK((dpvs_stream_flags(s) & DPVS_REPLY_MORE) == 0);
		(void)dpvs_stream_generation(s);
		dpvs_stream_close(s);
	}
}

/* Transactions with a few changes, every fourth given up. */
static void
try_txns(struct dpvs_client *c, unsigned int sets)
{
	uint32_t values[3] = { 1, 2, 3 };
	uint64_t generation;
	struct dpvs_txn *t;
	int rc, set_rc = 0;

	for (unsigned int i = 0; i < 100 && dpvs_client_fd(c) >= 0; i++) {
		rc = dpvs_txn_begin(c, i, 0, &t);
		check_error(c, rc);
		FUZZ_CHECK((rc == 0) == (t != NULL));
		if (rc < 0)
			continue;
		for (unsigned int k = 0; k < sets; k++)
			set_rc = dpvs_txn_set(t, 200 + k / 2, values, sizeof(values[0]), k & 3);
		if (i % 4 == 3) {
			dpvs_txn_abort(t);
			continue;
		}
		rc = dpvs_txn_commit(t, &generation);
		check_error(c, rc);
		FUZZ_CHECK(set_rc == 0 || rc == set_rc);
	}
}

static void
try_events(struct dpvs_client *c)
{
	struct dpvs_event event;
	int rc;

	rc = dpvs_client_subscribe(c, 0);
	check_error(c, rc);
	if (rc < 0) {
		FUZZ_CHECK(dpvs_client_next_event(c, &event, 0) == -EINVAL);
		return;
	}
	while (rc == 0) {
		rc = dpvs_client_next_event(c, &event, -1);
		check_error(c, rc);
		if (rc == 0)
			FUZZ_CHECK(event.len <= sizeof(event.data));
	}
	/* The daemon has hung up: there is no waiting for more. */
	FUZZ_CHECK(rc != -EAGAIN);
	FUZZ_CHECK(dpvs_client_next_event(c, &event, 0) == -ENOTCONN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int requests;
	struct dpvs_client *c;
	uint32_t value = 7;
	int fd;

	/* What does not fit into the socket's buffer would wait for somebody to read it. */
	if (size == 0 || size > 64000)
		return 0;
	requests = 1 + (data[0] & 3);
	FUZZ_CHECK(dpvs_client_open(path, 5000, &c) == 0);
	fd = accept(listener, NULL, NULL);
	FUZZ_CHECK(fd >= 0);
	if ((data[0] >> 2 & 3) == 0)
		for (unsigned int i = 0; i < requests; i++)
			FUZZ_CHECK(dpvs_client_send(c, i & 1, 202, &value, sizeof(value), 1, NULL) == 0);
	FUZZ_CHECK(send(fd, data + 1, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size - 1);
	shutdown(fd, SHUT_WR);
	switch (data[0] >> 2 & 3) {
	case 0:
		try_requests(c, requests);
		break;
	case 1:
		try_streams(c, requests - 1);
		break;
	case 2:
		try_txns(c, requests - 1);
		break;
	default:
		try_events(c);
		break;
	}
	dpvs_client_close(c);
	close(fd);
	return 0;
}
