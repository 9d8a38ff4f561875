/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server half of lib/ against a client that says anything, in pieces of any size: what it answers is
 * well-formed, it comes to an end, and nothing stays behind. The first byte says how large the pieces are, and
 * how often the last bytes come again: so a request can be long without an input that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <stdbool.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "fuzz.h"

/* Turns after which a connection that has nothing more to say must have ended. */
#define TURNS_MAX 200000

/* Bytes that come again: a record. */
#define TAIL sizeof(struct item)
#define TOTAL_MAX 300000

/** struct item: the record of all request types here. */
struct item {
	uint32_t value;
	uint32_t extra;
	char text[24];
};

static char *dir, *path;
static struct dpvs_server *server;

/* Bytes of lists that one input may still get: thousands of requests for long ones would take seconds. */
static size_t list_left;

static bool
list_more(size_t bytes)
{
	if (bytes > list_left)
		return false;
	list_left -= bytes;
	return true;
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
	char big[1024] = { 0 };

	for (uint32_t i = 0; count > 0 && i < item->value % 256 && list_more(sizeof(big)); i++)
		dpvs_req_add(req, big, sizeof(big));
	dpvs_req_set_flags(req, DPVS_REPLY_CHANGED);
	return 0;
}

static gboolean
later_done(gpointer arg)
{
	struct dpvs_req *req = arg;
	struct item item = { .value = 77 };

	dpvs_req_add(req, &item, sizeof(item));
	dpvs_req_end(req, 0);
	return G_SOURCE_REMOVE;
}

static int
on_later(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	if (count > 0 && item->value == 0)
		later_done(req);
	else
		g_idle_add(later_done, req);
	return DPVS_REQ_PENDING;
}

/* A list in slices that waits for the reader; the slices left are in @arg. */
static void
stream_slice(struct dpvs_req *req, void *arg)
{
	unsigned int left = GPOINTER_TO_UINT(arg);
	char big[1024] = { 0 };

	if (dpvs_req_cancelled(req)) {
		dpvs_req_end(req, -ECANCELED);
		return;
	}
	for (unsigned int i = 0; left > 0 && i < 256 && list_more(sizeof(big)); i++)
		dpvs_req_add(req, big, sizeof(big));
	if (left == 0)
		dpvs_req_end(req, 0);
	else
		dpvs_req_on_drained(req, stream_slice, GUINT_TO_POINTER(left - 1));
}

static int
on_stream(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	dpvs_req_on_drained(req, stream_slice, GUINT_TO_POINTER(count > 0 ? item->value % 5 : 0));
	return DPVS_REQ_PENDING;
}

static int
on_store(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct item *item = records;

	fuzz_touch(records, count * sizeof(*item));
	for (uint32_t i = 0; i < count; i++) {
		if (item[i].value == 13) {
			dpvs_req_error_index(req, i);
			return dpvs_req_error(req, -EEXIST, "value %u of \"%.24s\" is unlucky", item[i].value,
					      item[i].text);
		}
	}
	return 0;
}

static int
on_nothing(struct dpvs_req *req, const void *records, uint32_t count)
{
	FUZZ_CHECK(count == 0);
	return 0;
}

/* Each record from the request as it came, in memory of exactly its size. */
static int
each_record(struct dpvs_req *req, uint32_t count)
{
	struct item *item = malloc(sizeof(*item));
	int rc = 0;

	FUZZ_CHECK(item != NULL);
	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		rc = dpvs_req_record(req, i, item);
		FUZZ_CHECK(rc == 0 || rc == -E2BIG);
		if (rc == 0 && item->value == 13)
			rc = dpvs_req_error(req, -EEXIST, "value %u is unlucky", item->value);
	}
	FUZZ_CHECK(dpvs_req_record(req, count > 0 ? count : 1, item) == -EINVAL);
	free(item);
	return rc;
}

/** struct later: a request whose records are looked at when the client may have sent more, or gone. */
struct later {
	struct dpvs_req *req;
	uint32_t count;
};

static gboolean
each_later(gpointer arg)
{
	g_autofree struct later *l = arg;

	dpvs_req_end(l->req, each_record(l->req, l->count));
	return G_SOURCE_REMOVE;
}

static int
on_each(struct dpvs_req *req, const void *records, uint32_t count)
{
	FUZZ_CHECK(records == NULL);
	return each_record(req, count);
}

static int
on_each_later(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct later *l = g_new0(struct later, 1);

	FUZZ_CHECK(records == NULL);
	*l = (struct later){ req, count };
	g_idle_add(each_later, l);
	return DPVS_REQ_PENDING;
}

static const struct dpvs_sockopt opts[] = {
	{ "echo", 9000, DPVS_SOCKOPT_GET, sizeof(struct item), 1, 100000, 0, on_echo, NULL },
	{ "list", 9001, DPVS_SOCKOPT_GET, sizeof(struct item), 0, 1, 0, on_list, NULL },
	{ "later", 9002, DPVS_SOCKOPT_GET, sizeof(struct item), 0, 1, 0, on_later, NULL },
	{ "stream", 9003, DPVS_SOCKOPT_GET, sizeof(struct item), 0, 1, 0, on_stream, NULL },
	{ "nothing", 9004, DPVS_SOCKOPT_GET, 0, 0, 0, 0, on_nothing, NULL },
	{ "store", 9100, DPVS_SOCKOPT_SET, sizeof(struct item), 1, 4000, 0, on_store, NULL },
	{ "each", 9101, DPVS_SOCKOPT_SET, sizeof(struct item), 0, 100000, DPVS_SOCKOPT_BY_RECORD, on_each, NULL },
	{ "later", 9102, DPVS_SOCKOPT_SET, sizeof(struct item), 0, 9999, DPVS_SOCKOPT_BY_RECORD, on_each_later, NULL },
};

static void
clean(void)
{
	dpvs_server_free(server);
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		dpvs_sockopt_unregister(&opts[i]);
	rmdir(dir);
	g_free(path);
	g_free(dir);
}

static void
audit(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result, const char *errstr)
{
	FUZZ_CHECK(opt->type == DPVS_SOCKOPT_SET && result <= 0 && strlen(errstr) <= DPVS_ERRSTR_MAX);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct dpvs_server_params params = { .max_inflight = 8, .audit = audit };

	signal(SIGPIPE, SIG_IGN);
	dir = g_dir_make_tmp("dpvs-fuzz.XXXXXX", NULL);
	FUZZ_CHECK(dir != NULL);
	path = g_build_filename(dir, "ctrl", NULL);
	params.path = path;
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		FUZZ_CHECK(dpvs_sockopt_register(&opts[i]) == 0);
	FUZZ_CHECK(dpvs_server_new(&params, &server, NULL) == 0);
	atexit(clean);
	return 0;
}

/* Takes whole replies from the front of @in, and looks at each. */
static void
check_replies(GByteArray *in)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	const void *records;
	const char *text;
	guint at = 0;

	while (in->len - at >= sizeof(msg)) {
		memcpy(&msg, in->data + at, sizeof(msg));
		FUZZ_CHECK(msg.version == DPVS_PROTO_VERSION && msg.len <= DPVS_BODY_MAX + 1024);
		if (in->len - at - sizeof(msg) < msg.len)
			break;
		FUZZ_CHECK(dpvs_wire_check_reply(in->data + at + sizeof(msg), msg.len, &reply, &text, &body,
						 &records) == 0);
		FUZZ_CHECK(reply.errcode != 0 || reply.errstr_len == 0);
		FUZZ_CHECK(memchr(text, '\0', reply.errstr_len) == NULL);
		at += (guint)(sizeof(msg) + msg.len);
	}
	if (at > 0)
		g_byte_array_remove_range(in, 0, at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Bytes in all: so much that the server keeps the memory, that it does not read on, that it reads in several turns. */
	static const size_t totals[8] = { [5] = 40000, [6] = 80000, [7] = TOTAL_MAX };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static uint8_t buf[256 << 10];
	GByteArray *in;
	unsigned int turns;
	size_t piece, total, at = 1;
	const uint8_t *out = data;
	bool open = true, reset = false, hang_up;
	int fd;

	if (size == 0)
		return 0;
	/* The low bits say how large the pieces are, the next three how much is sent, the highest that nobody waits for answers. */
	hang_up = (data[0] & 0x80) != 0;
	total = size > TAIL ? MAX(size, totals[data[0] >> 4 & 7]) : size;
	piece = (size_t)1 << (data[0] & 15);
	if (total > size) {
		static uint8_t longer[TOTAL_MAX];

		piece = MAX(piece, 4096);
		memcpy(longer, data, size);
		for (size_t i = size, n; i < total; i += n) {
			n = MIN(i - (size - TAIL), total - i);
			memcpy(longer + i, longer + size - TAIL, n);
		}
		out = longer;
	}
	list_left = 4 << 20;
	in = g_byte_array_new();
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	for (turns = 0; open; turns++) {
		ssize_t n;

		FUZZ_CHECK(turns < TURNS_MAX);
		if (at < total) {
			n = send(fd, out + at, MIN(piece, total - at), MSG_NOSIGNAL);
			if (n > 0)
				at += (size_t)n;
			else if (n < 0 && errno != EAGAIN)
				at = total; /* it does not listen any more */
			if (at >= total && hang_up)
				break;
			if (at >= total)
				shutdown(fd, SHUT_WR);
		} else if (turns == 0) {
			shutdown(fd, SHUT_WR);
		}
		g_main_context_iteration(NULL, FALSE);
		n = recv(fd, buf, sizeof(buf), 0);
		if (n > 0)
			g_byte_array_append(in, buf, (guint)n);
		reset = n < 0 && errno != EAGAIN;
		open = n != 0 && !reset;
		check_replies(in);
	}
	/* It closed after a whole answer, or with bytes of ours unread. */
	FUZZ_CHECK(hang_up || reset || in->len == 0);
	g_byte_array_unref(in);
	close(fd);
	for (turns = 0; turns < 4 || g_main_context_pending(NULL); turns++)
		g_main_context_iteration(NULL, FALSE);
	return 0;
}
