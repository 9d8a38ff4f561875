/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests whose handler asks for each record (DPVS_SOCKOPT_BY_RECORD): they are kept as they came, however short their
 * records are and however long the handler takes.
 */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "sock_fixture.h"

#define ID_EACH 9101  /* SET: asks for its records one by one, by and by */
#define MANY    1000000u

static unsigned int got;       /* records so far, over all requests */
static uint64_t sum;           /* of their values */
static uint32_t last_extra;
static size_t held;            /* heap, when the last request began */
static size_t per_turn = 1000; /* records in a turn of the loop */

/* A request under way. */
struct each {
	struct dpvs_req *req;
	uint32_t count;
	uint32_t next;
};

static size_t
heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static gboolean
each_turn(gpointer arg)
{
	struct each *e = arg;
	struct item item;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < per_turn && e->next < MAX(e->count, 1u); i++, e->next++) {
		memset(&item, 0xff, sizeof(item));
		rc = dpvs_req_record(e->req, e->next, &item);
		if (rc == 0) {
			got++;
			sum += item.value;
			last_extra = item.extra;
		}
	}
	if (rc == 0 && e->next < e->count)
		return G_SOURCE_CONTINUE;
	if (rc == 0)
		g_assert_cmpint(dpvs_req_record(e->req, MAX(e->count, 1u), &item), ==, -EINVAL);
	dpvs_req_end(e->req, rc);
	g_free(e);
	return G_SOURCE_REMOVE;
}

static int
on_each(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct each *e = g_new0(struct each, 1);

	g_assert_null(records);
	held = heap();
	*e = (struct each){ .req = req, .count = count };
	g_idle_add_full(G_PRIORITY_DEFAULT, each_turn, e, NULL);
	return DPVS_REQ_PENDING;
}

static int
on_whole(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct item item;

	g_assert_nonnull(records);
	g_assert_cmpint(dpvs_req_record(req, 0, &item), ==, -EINVAL);
	held = heap();
	got += count;
	sum = ((const struct item *)records)[count - 1].value;
	return 0;
}

static const struct dpvs_sockopt each_opt = {
	.name = "each",
	.id = ID_EACH,
	.type = DPVS_SOCKOPT_SET,
	.record_size = sizeof(struct item),
	.max_records = 4 * MANY,
	.flags = DPVS_SOCKOPT_BY_RECORD,
	.fn = on_each,
};

static const struct dpvs_sockopt whole_opt = {
	.name = "whole",
	.id = ID_EACH + 1,
	.type = DPVS_SOCKOPT_SET,
	.record_size = sizeof(struct item),
	.min_records = 1,
	.max_records = MANY,
	.fn = on_whole,
};

static void
start(void)
{
	got = 0;
	sum = 0;
	last_extra = 7;
	start_server(NULL);
}

/* A million records of four bytes would be 32 MB in the handler's size. */
static void
client_tiny(void *arg)
{
	struct dpvs_client *c = open_client(60000);
	g_autofree uint32_t *values = g_new(uint32_t, MANY);

	for (uint32_t i = 0; i < MANY; i++)
		values[i] = i;
	g_assert_cmpint(dpvs_client_set(c, ID_EACH, values, sizeof(values[0]), MANY), ==, 0);
	dpvs_client_close(c);
}

static void
test_tiny(void)
{
	size_t before;

	start();
	per_turn = 20000;
	before = heap() + MANY * sizeof(uint32_t); /* the client's own */
	run_client(client_tiny, NULL);
	g_assert_cmpuint(got, ==, MANY);
	g_assert_cmpuint(sum, ==, (uint64_t)MANY * (MANY - 1) / 2);
	g_assert_cmpuint(last_extra, ==, 0);
	/* As many bytes as came, once. */
	g_assert_cmpuint(held, <, before + MANY * sizeof(uint32_t) + (1 << 20));
	stop_server();
}

/* A large request whose records need nothing done to them is not copied either. */
static void
client_whole(void *arg)
{
	struct dpvs_client *c = open_client(60000);
	g_autofree struct item *items = g_new0(struct item, MANY / 4);

	items[MANY / 4 - 1].value = 5;
	g_assert_cmpint(dpvs_client_set(c, ID_EACH + 1, items, sizeof(items[0]), MANY / 4), ==, 0);
	dpvs_client_close(c);
}

static void
test_whole(void)
{
	size_t before;

	start();
	before = heap() + MANY / 4 * sizeof(struct item);
	run_client(client_whole, NULL);
	g_assert_cmpuint(got, ==, MANY / 4);
	g_assert_cmpuint(sum, ==, 5);
	g_assert_cmpuint(held, <, before + MANY / 4 * sizeof(struct item) + (1 << 20));
	stop_server();
}

/* Longer records, whose tails are zero but for one. */
static void
client_longer(void *arg)
{
	struct dpvs_client *c = open_client(60000);
	struct {
		struct item item;
		uint32_t more;
		uint32_t pad;
	} longer[300] = { 0 };

	g_assert_cmpint(dpvs_client_set(c, ID_EACH, longer, sizeof(longer[0]), 300), ==, 0);
	longer[217].more = 1;
	g_assert_cmpint(dpvs_client_set(c, ID_EACH, longer, sizeof(longer[0]), 300), ==, -E2BIG);
	g_assert_cmpuint(dpvs_client_error_index(c), ==, 217);
	g_assert_nonnull(strstr(dpvs_client_error(c), "40 bytes, known are 32"));
	/* No record: one that is zero. */
	g_assert_cmpint(dpvs_client_set(c, ID_EACH, NULL, 0, 0), ==, 0);
	dpvs_client_close(c);
}

static void
test_longer(void)
{
	start();
	per_turn = 100;
	run_client(client_longer, NULL);
	g_assert_cmpuint(got, ==, 300 + 217 + 1);
	stop_server();
}

/* Several requests of one connection, large and small, in one piece: what is kept is not disturbed by what follows. */
static const uint32_t counts[] = { 3, 20000, 1, 30000, 70, 12000, 2 };

static void
client_pipelined(void *arg)
{
	struct dpvs_client *c = open_client(60000);
	g_autofree uint32_t *values = g_new(uint32_t, 30000);
	uint32_t seq;

	for (uint32_t i = 0; i < 30000; i++)
		values[i] = i;
	for (unsigned int i = 0; i < G_N_ELEMENTS(counts); i++)
		g_assert_cmpint(dpvs_client_send(c, DPVS_SOCKOPT_SET, ID_EACH, values, sizeof(values[0]), counts[i], &seq),
				==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(counts); i++) {
		struct dpvs_reply *r;

		g_assert_cmpint(dpvs_client_receive(c, &seq, &r), ==, 0);
		dpvs_reply_free(r);
	}
	dpvs_client_close(c);
}

static void
test_pipelined(void)
{
	uint64_t want = 0;

	start();
	per_turn = 3000;
	run_client(client_pipelined, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(counts); i++)
		want += (uint64_t)counts[i] * (counts[i] - 1) / 2;
	g_assert_cmpuint(sum, ==, want);
	stop_server();
}

/* Flags that nobody knows. */
static void
test_flags(void)
{
	struct dpvs_sockopt odd = each_opt;

	odd.id = ID_EACH + 2;
	odd.flags = 1u << 31;
	g_assert_cmpint(dpvs_sockopt_register(&odd), ==, -EINVAL);
}

int
main(int argc, char **argv)
{
	int rc;

	fixture_init(&argc, &argv);
	g_assert_cmpint(dpvs_sockopt_register(&each_opt), ==, 0);
	g_assert_cmpint(dpvs_sockopt_register(&whole_opt), ==, 0);
	g_test_add_func("/record/tiny", test_tiny);
	g_test_add_func("/record/whole", test_whole);
	g_test_add_func("/record/longer", test_longer);
	g_test_add_func("/record/pipelined", test_pipelined);
	g_test_add_func("/record/flags", test_flags);
	rc = fixture_run();
	g_assert_cmpint(dpvs_sockopt_unregister(&each_opt), ==, 0);
	g_assert_cmpint(dpvs_sockopt_unregister(&whole_opt), ==, 0);
	return rc;
}
