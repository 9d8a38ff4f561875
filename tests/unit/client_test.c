/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client half alone: streams, transactions and events, with a thread that plays the daemon and answers what the
 * test tells it to. What it is asked is kept, byte for byte.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/event.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/wire.h>

static char *dir, *path;
static int listener;

/** struct peer: the daemon's side of one connection. */
struct peer {
	GThread *thread;
	int fd;
	GArray *ids;          /* what was asked for, in order */
	GByteArray *appended; /* bodies of appends, one after another */
	uint32_t refuse_id;   /* the first request of this id is refused, ... */
	unsigned int refuse_after; /* ... after so many of it */
	int refuse_with;
	uint32_t refuse_index;
	bool refuse_all;      /* and all that follow, each with an index one higher */
	const GByteArray *extra; /* sent behind the answer to the first request */
	unsigned int parts;      /* of the answer to a GET; each has 3 records of 4 bytes */
	bool hang_up;            /* after the first answer and @extra */
};

static void
put_frame(GByteArray *to, uint32_t type, uint32_t id, uint32_t seq, int errcode, uint32_t flags, const char *text,
	  uint32_t index, const void *records, uint32_t record_size, uint32_t count)
{
	uint32_t text_len = text ? (uint32_t)strlen(text) : 0, padded = (text_len + 7) & ~7u;
	struct dpvs_sock_reply reply = {
		.errcode = errcode, .flags = flags, .index = index, .errstr_len = text_len, .generation = 5,
	};
	struct dpvs_sock_body body = { .record_size = record_size, .count = count };
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION, .id = id, .type = type, .seq = seq,
		.len = sizeof(reply) + padded + (count ? sizeof(body) + (uint64_t)record_size * count : 0),
	};
	char zero[8] = { 0 };

	g_byte_array_append(to, (void *)&msg, sizeof(msg));
	g_byte_array_append(to, (void *)&reply, sizeof(reply));
	if (text)
		g_byte_array_append(to, (const void *)text, text_len);
	g_byte_array_append(to, (void *)zero, padded - text_len);
	if (count) {
		g_byte_array_append(to, (void *)&body, sizeof(body));
		g_byte_array_append(to, records, record_size * count);
	}
}

static bool
read_all(int fd, void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void
answer(struct peer *p, const struct dpvs_sock_msg *msg)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	uint32_t records[3] = { 1, 2, 3 };

	if (msg->id == p->refuse_id && p->refuse_after-- == 0) {
		if (!p->refuse_all)
			p->refuse_id = 0;
		p->refuse_after = 0;
		put_frame(out, msg->type, msg->id, msg->seq, p->refuse_with, 0, "not so", p->refuse_index, NULL, 0, 0);
		p->refuse_index += p->refuse_all;
	} else if (msg->type == DPVS_SOCKOPT_GET && p->parts > 0) {
		for (unsigned int i = 1; i <= p->parts; i++)
			put_frame(out, msg->type, msg->id, msg->seq, 0,
				  (i < p->parts ? DPVS_REPLY_MORE : 0) | (i == 2 ? DPVS_REPLY_CHANGED : 0), NULL,
				  UINT32_MAX, records, 4, 3);
	} else {
		put_frame(out, msg->type, msg->id, msg->seq, 0, 0, NULL, UINT32_MAX, NULL, 0, 0);
	}
	if (p->extra)
		g_byte_array_append(out, p->extra->data, p->extra->len);
	p->extra = NULL;
	for (size_t done = 0; done < out->len;) {
		ssize_t n = send(p->fd, out->data + done, out->len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

static gpointer
peer_main(gpointer arg)
{
	struct peer *p = arg;
	struct dpvs_sock_msg msg;

	p->fd = accept(listener, NULL, NULL);
	while (read_all(p->fd, &msg, sizeof(msg))) {
		g_autofree char *body = g_malloc(msg.len + 1);

		g_assert_true(read_all(p->fd, body, msg.len));
		g_array_append_val(p->ids, msg.id);
		if (msg.id == DPVS_SET_TXN_APPEND)
			g_byte_array_append(p->appended, (guint8 *)body + 8, (guint)msg.len - 8);
		answer(p, &msg);
		if (p->hang_up)
			break;
	}
	close(p->fd);
	return NULL;
}

static struct dpvs_client *
start(struct peer *p)
{
	struct dpvs_client *c;

	p->ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	p->appended = g_byte_array_new();
	p->thread = g_thread_new("peer", peer_main, p);
	g_assert_cmpint(dpvs_client_open(path, 60000, &c), ==, 0);
	return c;
}

static void
stop(struct peer *p, struct dpvs_client *c)
{
	dpvs_client_close(c);
	g_thread_join(p->thread);
	g_array_unref(p->ids);
	g_byte_array_unref(p->appended);
}

static uint32_t
asked(const struct peer *p, guint i)
{
	return i < p->ids->len ? g_array_index(p->ids, uint32_t, i) : 0;
}

/* ---- streams */

static void
test_stream(void)
{
	struct peer p = { .parts = 3 };
	struct dpvs_client *c = start(&p);
	struct dpvs_reply *r;
	struct dpvs_stream *s;
	uint64_t wide;
	uint16_t narrow;
	uint32_t value;

	for (int round = 0; round < 2; round++) {
		g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, 0);
		g_assert_cmpint(dpvs_client_get(c, 202, NULL, 0, &r), ==, -EBUSY);
		g_assert_cmpint(dpvs_client_receive(c, NULL, NULL), ==, -EBUSY);
		for (uint32_t i = 0; i < 9; i++) {
			g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, 1);
			g_assert_cmpuint(value, ==, i % 3 + 1);
			g_assert_cmpuint(dpvs_stream_flags(s), ==, i < 3 ? 0 : DPVS_REPLY_CHANGED);
		}
		g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, 0);
		g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, 0);
		g_assert_cmpuint(dpvs_stream_generation(s), ==, 5);
		dpvs_stream_close(s);
	}
	/* Records of another version. */
	p.parts = 1;
	g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, 0);
	memset(&wide, 0xff, sizeof(wide));
	g_assert_cmpint(dpvs_stream_next(s, &wide, sizeof(wide)), ==, 1);
	g_assert_cmpuint(wide, ==, 1);
	g_assert_cmpint(dpvs_stream_next(s, &narrow, sizeof(narrow)), ==, 1);
	g_assert_cmpuint(narrow, ==, 2);
	/* Closed in the last part: the connection is as good as before. */
	dpvs_stream_close(s);
	g_assert_cmpint(dpvs_client_get(c, 202, NULL, 0, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 3);
	dpvs_reply_free(r);
	/* Closed with parts to come: of no use any more. */
	p.parts = 2;
	g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, 0);
	g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, 1);
	dpvs_stream_close(s);
	dpvs_stream_close(NULL);
	g_assert_cmpint(dpvs_client_fd(c), ==, -1);
	g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, -ENOTCONN);
	g_assert_null(s);
	stop(&p, c);
}

static void
test_stream_errors(void)
{
	struct peer p = { .refuse_id = 202, .refuse_with = -ESRCH, .refuse_index = 0 };
	struct peer gone = { .hang_up = true, .parts = 0 };
	struct dpvs_client *c = start(&p);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	struct dpvs_stream *s;
	uint32_t value, record = 7;
	uint16_t half[2] = { 1, 2 };

	g_assert_cmpint(dpvs_stream_open(c, 202, &record, 0, &s), ==, -EINVAL);
	g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, 300, NULL, 0, 0, NULL), ==, 0);
	g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, -EBUSY);
	g_assert_cmpint(dpvs_client_receive(c, NULL, NULL), ==, 0);
	g_assert_cmpint(dpvs_stream_open(c, 202, NULL, 0, &s), ==, 0);
	g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, -ESRCH);
	g_assert_cmpstr(dpvs_client_error(c), ==, "not so");
	g_assert_cmpint(dpvs_client_unreachable(c), ==, 0);
	g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, -ESRCH);
	dpvs_stream_close(s);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, 0);
	stop(&p, c);

	/* Parts that do not fit together. */
	put_frame(bytes, DPVS_SOCKOPT_GET, 202, 2, 0, DPVS_REPLY_MORE, NULL, UINT32_MAX, &record, 4, 1);
	put_frame(bytes, DPVS_SOCKOPT_GET, 202, 2, 0, 0, NULL, UINT32_MAX, half, 2, 2);
	gone.extra = bytes;
	c = start(&gone);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, 0);
	/* The answer came before the question; the question may not leave any more. */
	if (dpvs_stream_open(c, 202, NULL, 0, &s) == 0) {
		g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, 1);
		g_assert_cmpint(dpvs_stream_next(s, &value, sizeof(value)), ==, -EPROTO);
		g_assert_cmpint(dpvs_client_unreachable(c), ==, 1);
		dpvs_stream_close(s);
	}
	g_assert_cmpint(dpvs_client_fd(c), ==, -1);
	stop(&gone, c);
}

/* ---- answers */

/* An answer of parts is one; many requests on their way, now more, now less, get each its own. */
static void
test_answers(void)
{
	struct peer p = { .parts = 3 };
	struct dpvs_client *c = start(&p);
	struct dpvs_reply *r;
	uint32_t sent[200], seq, value, first = 0, last = 0;

	g_assert_cmpint(dpvs_client_get(c, 202, NULL, 0, &r), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(r), ==, 9);
	g_assert_cmpint(dpvs_reply_record(r, 8, &value, sizeof(value)), ==, 0);
	g_assert_cmpuint(value, ==, 3);
	/* The second one says so, not the last. */
	g_assert_cmpuint(dpvs_reply_flags(r), ==, DPVS_REPLY_CHANGED);
	dpvs_reply_free(r);
	while (first < G_N_ELEMENTS(sent)) {
		for (unsigned int i = 0; i < 13 && last < G_N_ELEMENTS(sent); i++, last++)
			g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_SET, 300 + last, NULL, 0, 0, &sent[last]),
					==, 0);
		for (unsigned int i = 0; i < 5 && first < last; i++, first++) {
			g_assert_cmpint(dpvs_client_receive(c, &seq, NULL), ==, 0);
			g_assert_cmpuint(seq, ==, sent[first]);
		}
	}
	stop(&p, c);
}

/* ---- transactions */

/* The requests inside of what was appended: checks their bytes, counts. */
static guint
count_appended(const GByteArray *appended, uint32_t id, uint32_t *ret_requests)
{
	guint records = 0;

	*ret_requests = 0;
	for (guint at = 0; at < appended->len;) {
		struct dpvs_sock_body body = { 0 };
		struct dpvs_sock_msg msg;

		g_assert_cmpuint(appended->len - at, >=, sizeof(msg));
		memcpy(&msg, appended->data + at, sizeof(msg));
		g_assert_cmpint(dpvs_wire_check_header(&msg), ==, 0);
		g_assert_cmpuint(msg.type, ==, DPVS_SOCKOPT_SET);
		g_assert_cmpuint(appended->len - at - sizeof(msg), >=, msg.len);
		g_assert_cmpint(dpvs_wire_check_body(appended->data + at + sizeof(msg), msg.len, &body), ==, 0);
		if (msg.id == id) {
			records += body.count;
			(*ret_requests)++;
		}
		at += (guint)(sizeof(msg) + msg.len);
	}
	return records;
}

static void
test_txn(void)
{
	struct peer p = { 0 };
	struct dpvs_client *c = start(&p);
	struct dpvs_service_conf service = { .key = { .port = 80 } };
	struct dpvs_dest_conf *dests = g_new0(struct dpvs_dest_conf, 100000);
	struct dpvs_txn *txn;
	uint64_t generation = 0;
	uint32_t requests;
	guint before;

	g_assert_cmpint(dpvs_txn_begin(c, DPVS_TXN_REPLACE, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, -EBUSY);
	/* One request for neighbours of a kind. */
	for (unsigned int i = 0; i < 10; i++)
		g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, &service, sizeof(service), 1), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, &service, sizeof(service), 1), ==, 0);
	/* More than an append holds: several. */
	for (uint32_t i = 0; i < 100000; i++)
		dests[i].weight = i;
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 100000), ==, 0);
	g_assert_cmpint(dpvs_txn_commit(txn, &generation), ==, 0);
	g_assert_cmpuint(generation, ==, 5);
	g_assert_cmpuint(asked(&p, 0), ==, DPVS_SET_TXN_BEGIN);
	g_assert_cmpuint(asked(&p, 1), ==, DPVS_SET_TXN_APPEND);
	g_assert_cmpuint(p.ids->len, ==, 2 + (100000 * sizeof(*dests) + (1 << 20) - 1) / (1 << 20));
	g_assert_cmpuint(asked(&p, p.ids->len - 1), ==, DPVS_SET_TXN_COMMIT);
	g_assert_cmpuint(count_appended(p.appended, DPVS_SET_SERVICE_ADD, &requests), ==, 11);
	g_assert_cmpuint(requests, ==, 2);
	count_appended(p.appended, DPVS_SET_SERVICE_FLUSH, &requests);
	g_assert_cmpuint(requests, ==, 2);
	g_assert_cmpuint(count_appended(p.appended, DPVS_SET_DEST_ADD, &requests), ==, 100000);

	/* Nothing in it; the connection goes on. */
	before = p.ids->len;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, 0);
	g_assert_cmpuint(p.ids->len - before, ==, 2);
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, &service, sizeof(service), 1), ==, 0);
	dpvs_txn_abort(txn);
	dpvs_txn_abort(NULL);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, 0);
	g_assert_cmpuint(asked(&p, p.ids->len - 2), ==, DPVS_SET_TXN_ABORT);
	g_free(dests);
	stop(&p, c);
}

static void
test_txn_refused(void)
{
	struct peer p = { 0 };
	struct dpvs_client *c = start(&p);
	struct dpvs_dest_conf *dests = g_new0(struct dpvs_dest_conf, 100000);
	struct dpvs_txn *txn;
	int rc;

	/* The daemon has none. */
	p.refuse_id = DPVS_SET_TXN_BEGIN;
	p.refuse_with = -EOPNOTSUPP;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, -EOPNOTSUPP);
	g_assert_null(txn);
	/* At the commit. */
	p.refuse_id = DPVS_SET_TXN_COMMIT;
	p.refuse_with = -EEXIST;
	p.refuse_index = 12345;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 100000), ==, 0);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -EEXIST);
	g_assert_cmpstr(dpvs_client_error(c), ==, "not so");
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 12345);
	/* An append of many: no commit, and the first failure is told to the end. */
	p.refuse_id = DPVS_SET_TXN_APPEND;
	p.refuse_after = 2;
	p.refuse_with = -EDQUOT;
	p.refuse_index = 777;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	rc = 0;
	for (unsigned int i = 0; i < 5 && rc == 0; i++)
		rc = dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 100000);
	g_assert_cmpint(rc, ==, -EDQUOT);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 1), ==, -EDQUOT);
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 777);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -EDQUOT);
	g_assert_cmpstr(dpvs_client_error(c), ==, "not so");
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 777);
	g_assert_cmpuint(asked(&p, p.ids->len - 1), ==, DPVS_SET_TXN_ABORT);
	/* All of a few, whose answers are only read by the commit. */
	p.refuse_id = DPVS_SET_TXN_APPEND;
	p.refuse_all = true;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), (3 << 20) / sizeof(*dests)), ==, 0);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -EDQUOT);
	g_assert_cmpuint(p.refuse_index, >, 778);
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 777);
	p.refuse_all = false;
	p.refuse_index = 777;
	/* The last append, whose answer is only read by the commit. */
	p.refuse_id = DPVS_SET_TXN_APPEND;
	p.refuse_after = 0;
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 1), ==, 0);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -EDQUOT);
	g_assert_cmpuint(asked(&p, p.ids->len - 1), ==, DPVS_SET_TXN_ABORT);
	/* What cannot be sent at all. */
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, 300, dests, DPVS_RECORD_MAX + 1, 1), ==, -EINVAL);
	g_assert_cmpint(dpvs_txn_set(txn, 300, NULL, 4, 1), ==, -EINVAL);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -EINVAL);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, 0);
	g_free(dests);
	stop(&p, c);
}

static void
test_txn_lost(void)
{
	struct peer p = { .hang_up = true };
	struct dpvs_client *c = start(&p);
	struct dpvs_dest_conf *dests = g_new0(struct dpvs_dest_conf, 100000);
	struct dpvs_txn *txn;

	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, 0);
	g_assert_cmpint(dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(*dests), 100000), ==, -ECONNRESET);
	g_assert_cmpint(dpvs_client_unreachable(c), ==, 1);
	g_assert_cmpint(dpvs_txn_commit(txn, NULL), ==, -ECONNRESET);
	g_assert_cmpint(dpvs_client_unreachable(c), ==, 1);
	g_assert_cmpint(dpvs_txn_begin(c, 0, 0, &txn), ==, -ENOTCONN);
	g_free(dests);
	stop(&p, c);
}

/* ---- events */

static void
put_events(GByteArray *to, uint32_t seq, const struct dpvs_event *events, uint32_t size, uint32_t count)
{
	put_frame(to, DPVS_SOCKOPT_EVENT, DPVS_GET_EVENTS, seq, 0, 0, NULL, UINT32_MAX, events, size, count);
}

static void
test_events(void)
{
	struct dpvs_event events[3] = {
		{ .serial = 1, .kind = DPVS_EVENT_LINK, .op = DPVS_EVENT_OP_PRESENT, .len = 4, .data = "abc" },
		{ .serial = 2, .kind = DPVS_EVENT_CONTROL, .op = DPVS_EVENT_OP_SYNCED },
		{ .serial = 3, .kind = DPVS_EVENT_ROUTE, .op = DPVS_EVENT_OP_DEL, .len = 256 },
	};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	char longer[sizeof(events[0]) + 64] = { 0 };
	struct peer p = { .extra = bytes };
	struct dpvs_client *c;
	struct dpvs_event ev;

	put_events(bytes, 1, events, sizeof(events[0]), 2);
	put_events(bytes, 1, NULL, 0, 0);
	put_events(bytes, 1, events + 2, sizeof(events[0]), 1);
	/* Of an older daemon, and of a newer one with more data. */
	put_events(bytes, 1, events, offsetof(struct dpvs_event, data) + 4, 1);
	memcpy(longer, &events[0], sizeof(events[0]));
	((struct dpvs_event *)(void *)longer)->len = 300;
	put_events(bytes, 1, (void *)longer, sizeof(longer), 1);
	c = start(&p);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 0), ==, -EINVAL);
	g_assert_cmpint(dpvs_client_subscribe(c, 0), ==, 0);
	g_assert_cmpint(dpvs_client_set(c, 300, NULL, 0, 0), ==, -EBUSY);
	g_assert_cmpint(dpvs_client_subscribe(c, 0), ==, -EBUSY);
	for (unsigned int i = 0; i < 3; i++) {
		g_assert_cmpint(dpvs_client_next_event(c, &ev, -1), ==, 0);
		g_assert_cmpmem(&ev, sizeof(ev), &events[i], sizeof(events[i]));
	}
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 60000), ==, 0);
	g_assert_cmpmem(&ev, sizeof(ev), &events[0], sizeof(events[0]));
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 60000), ==, 0);
	g_assert_cmpuint(ev.len, ==, 256);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 0), ==, -EAGAIN);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 10), ==, -EAGAIN);
	g_assert_cmpint(dpvs_client_fd(c), >=, 0);
	/* Half a frame is not lost by a wait that was too short. */
	g_byte_array_set_size(bytes, 0);
	put_events(bytes, 1, events, sizeof(events[0]), 1);
	g_assert_cmpint(send(p.fd, bytes->data, 100, 0), ==, 100);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 10), ==, -EAGAIN);
	g_assert_cmpint(send(p.fd, bytes->data + 100, bytes->len - 100, 0), ==, (ssize_t)bytes->len - 100);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, 60000), ==, 0);
	g_assert_cmpmem(&ev, sizeof(ev), &events[0], sizeof(events[0]));
	shutdown(p.fd, SHUT_RDWR);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, -1), ==, -ECONNRESET);
	g_assert_cmpint(dpvs_client_next_event(c, &ev, -1), ==, -ENOTCONN);
	stop(&p, c);
}

/* Frames that a daemon never sends, each behind a good event. */
static void
test_events_bad(void)
{
	struct dpvs_event event = { .serial = 1, .kind = DPVS_EVENT_LINK, .op = DPVS_EVENT_OP_ADD, .len = 4 };

	for (unsigned int i = 0; i < 6; i++) {
		g_autoptr(GByteArray) bytes = g_byte_array_new();
		struct peer p = { .extra = bytes };
		struct dpvs_event bad = event, ev;
		struct dpvs_client *c;

		put_events(bytes, 1, &event, sizeof(event), 1);
		bad.len = i == 0 ? 257 : 4;
		if (i <= 1)
			put_events(bytes, 1, &bad, i == 1 ? 27 : sizeof(bad), 1);
		else if (i == 2)
			put_events(bytes, 2, &bad, sizeof(bad), 1);
		else if (i == 3)
			put_frame(bytes, DPVS_SOCKOPT_GET, DPVS_GET_EVENTS, 1, 0, 0, NULL, 0, &bad, sizeof(bad), 1);
		else if (i == 4)
			put_frame(bytes, DPVS_SOCKOPT_EVENT, DPVS_GET_EVENTS, 1, -ESHUTDOWN, 0, "it ends", 0, NULL, 0, 0);
		else
			put_frame(bytes, 0, 0, 0, -ECONNABORTED, 0, "too slow", 0, NULL, 0, 0);
		c = start(&p);
		g_assert_cmpint(dpvs_client_subscribe(c, DPVS_EVENT_LINK), ==, 0);
		g_assert_cmpint(dpvs_client_next_event(c, &ev, 60000), ==, 0);
		g_assert_cmpint(dpvs_client_next_event(c, &ev, 60000), ==,
				i < 4 ? -EPROTO : i == 4 ? -ESHUTDOWN : -ECONNABORTED);
		if (i >= 4)
			g_assert_cmpstr(dpvs_client_error(c), ==, i == 4 ? "it ends" : "too slow");
		g_assert_cmpint(dpvs_client_unreachable(c), ==, 1);
		g_assert_cmpint(dpvs_client_next_event(c, &ev, 0), ==, -ENOTCONN);
		stop(&p, c);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int rc;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("dpvs-client.XXXXXX", NULL);
	path = g_build_filename(dir, "ctrl", NULL);
	g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(listen(listener, 4), ==, 0);
	g_test_add_func("/client/stream", test_stream);
	g_test_add_func("/client/stream-errors", test_stream_errors);
	g_test_add_func("/client/answers", test_answers);
	g_test_add_func("/client/txn", test_txn);
	g_test_add_func("/client/txn-refused", test_txn_refused);
	g_test_add_func("/client/txn-lost", test_txn_lost);
	g_test_add_func("/client/events", test_events);
	g_test_add_func("/client/events-bad", test_events_bad);
	rc = g_test_run();
	close(listener);
	g_unlink(path);
	g_rmdir(dir);
	g_free(path);
	g_free(dir);
	return rc;
}
