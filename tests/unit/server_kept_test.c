/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server keeps for a connection and what it tells on it, where a mistake costs nothing at once: bytes that
 * count against all clients, what handlers left with one that hung up, answers to one that has said all it had to say,
 * which record is blamed, and that a refusal has no records.
 */
#include "server_priv.h"
#include "sock_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIST 16384u /* records of 1 KiB: more than sockets hold, less than makes the server hang up */

/** struct asked: a request for a list. */
struct asked {
	struct dpvs_sock_msg msg;
	struct dpvs_sock_body body;
	struct item item;
};

static const struct asked list = {
	.msg = { DPVS_PROTO_VERSION, ID_LIST, DPVS_SOCKOPT_GET, 5, 8 + sizeof(struct item) },
	.body = { sizeof(struct item), 1 },
	.item = { .value = LIST },
};

/* ---- a client that hangs up before it has read */

#define ID_KEEP 4712

static const int key;
static unsigned int kept;

static void
kept_free(void *data)
{
	g_assert_true(data == &kept);
	kept--;
}

static int
on_keep(struct dpvs_req *req, const void *records, uint32_t count)
{
	kept++;
	return dpvs_req_set_client_data(req, &key, &kept, kept_free);
}

static const struct dpvs_sockopt keep_opt = {
	.name = "keep", .id = ID_KEEP, .type = DPVS_SOCKOPT_GET, .fn = on_keep,
};

/* Nothing of it stays: neither what handlers had left with it, nor the bytes it had not read. */
static void
test_unread(void)
{
	static const struct dpvs_sock_msg keep = { DPVS_PROTO_VERSION, ID_KEEP, DPVS_SOCKOPT_GET, 4, 0 };
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

	start_server(NULL);
	g_assert_cmpint(dpvs_sockopt_register(&keep_opt), ==, 0);
	for (unsigned int i = 0; i < 3; i++) {
		int fd = raw_connect();

		raw_write(fd, &keep, sizeof(keep));
		raw_write(fd, &list, sizeof(list));
		while ((kept == 0 || server->pending == 0) && g_get_monotonic_time() < end)
			g_main_context_iteration(NULL, FALSE);
		g_assert_cmpuint(kept, ==, 1);
		g_assert_cmpuint(server->pending, >, LIST * 512);
		close(fd);
		while (server->lru.length > 0 && g_get_monotonic_time() < end)
			g_main_context_iteration(NULL, FALSE);
		g_assert_cmpuint(server->lru.length, ==, 0);
		g_assert_cmpuint(kept, ==, 0);
		g_assert_cmpuint(server->pending, ==, 0);
	}
	g_assert_cmpint(dpvs_sockopt_unregister(&keep_opt), ==, 0);
	stop_server();
}

/* ---- a client that has said all and reads slowly */

static void
client_last_word(void *arg)
{
	struct dpvs_sock_msg msg;
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	uint32_t records = 0;
	char record[1024];
	int fd = raw_connect();

	raw_write(fd, &list, sizeof(list));
	shutdown(fd, SHUT_WR);
	do {
		g_assert_true(raw_read(fd, &msg, sizeof(msg)));
		g_assert_true(raw_read(fd, &reply, sizeof(reply)));
		g_assert_cmpint(reply.errcode, ==, 0);
		g_assert_true(raw_read(fd, &body, sizeof(body)));
		g_assert_cmpuint(body.record_size, ==, sizeof(record));
		for (uint32_t i = 0; i < body.count; i++, records++) {
			g_assert_true(raw_read(fd, record, sizeof(record)));
			g_assert_cmpmem(record, sizeof(records), &records, sizeof(records));
		}
	} while ((reply.flags & DPVS_REPLY_MORE) != 0);
	g_assert_cmpuint(records, ==, LIST);
	g_assert_false(raw_read(fd, record, 1));
	close(fd);
}

static void
test_last_word(void)
{
	start_server(NULL);
	run_client(client_last_word, NULL);
	stop_server();
}

/* ---- refusals */

#define ID_CHANGES_MIND 4713

static int
on_changes_mind(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct item item = { .value = 1 };

	for (unsigned int i = 0; i < 3; i++)
		dpvs_req_add(req, &item, sizeof(item));
	return dpvs_req_error(req, -ENOSPC, "changed its mind");
}

static const struct dpvs_sockopt changes_mind_opt = {
	.name = "changes-mind", .id = ID_CHANGES_MIND, .type = DPVS_SOCKOPT_GET, .fn = on_changes_mind,
};

static void
client_refused(void *arg)
{
	static const struct dpvs_sock_msg q = { DPVS_PROTO_VERSION, ID_CHANGES_MIND, DPVS_SOCKOPT_GET, 4, 0 };
	struct longer {
		struct item item;
		uint32_t unknown[2];
	} items[5] = { 0 };
	char text[DPVS_ERRSTR_MAX + 1];
	struct dpvs_sock_msg msg;
	struct dpvs_reply *reply;
	struct dpvs_client *c;
	int fd = raw_connect();

	raw_write(fd, &q, sizeof(q));
	g_assert_cmpint(raw_reply(fd, &msg, text), ==, -ENOSPC);
	g_assert_cmpstr(text, ==, "changed its mind");
	/* And that was all of it. */
	g_assert_cmpuint(msg.len, ==, sizeof(struct dpvs_sock_reply) + 16);
	close(fd);

	/* The first one that has what this daemon does not know. */
	c = open_client(20000);
	for (uint32_t bad = 0; bad < G_N_ELEMENTS(items); bad++) {
		memset(items, 0, sizeof(items));
		for (uint32_t i = bad; i < G_N_ELEMENTS(items); i++)
			items[i].unknown[1] = 1;
		g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_ECHO, items, sizeof(items[0]),
						 G_N_ELEMENTS(items), NULL), ==, 0);
		g_assert_cmpint(dpvs_client_receive(c, NULL, &reply), ==, -E2BIG);
		g_assert_cmpuint(dpvs_client_error_index(c), ==, bad);
	}
	dpvs_client_close(c);
}

static void
test_refused(void)
{
	start_server(NULL);
	g_assert_cmpint(dpvs_sockopt_register(&changes_mind_opt), ==, 0);
	run_client(client_refused, NULL);
	g_assert_cmpint(dpvs_sockopt_unregister(&changes_mind_opt), ==, 0);
	stop_server();
}

int
main(int argc, char **argv)
{
	fixture_init(&argc, &argv);
	g_test_add_func("/server/unread", test_unread);
	g_test_add_func("/server/last word", test_last_word);
	g_test_add_func("/server/refused", test_refused);
	return fixture_run();
}
