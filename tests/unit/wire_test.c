/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's bytes: golden vectors that pin the layout, and lengths made to mislead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/wire.h>

/* GET 200, seq 7, a body of 12 bytes. */
static const unsigned char golden_header[24] = {
	0x00, 0x00, 0x02, 0x00, 0xc8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x07, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* -EEXIST, record 2, generation 0x0102030405060708, "exists", one record of four bytes. */
static const unsigned char golden_reply[24 + 8 + 8 + 4] = {
	0xef, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00,
	0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 'e',  'x',  'i',  's',  't',  's',
	0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0xaa, 0xbb, 0xcc, 0xdd,
};

static void
test_golden(void)
{
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION, .id = 200, .type = DPVS_SOCKOPT_GET, .seq = 7, .len = 12
	};
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	const void *records;
	const char *text;

	g_assert_cmpmem(&msg, sizeof(msg), golden_header, sizeof(golden_header));
	g_assert_cmpint(dpvs_wire_check_header(&msg), ==, 0);

	g_assert_cmpint(dpvs_wire_check_reply(golden_reply, sizeof(golden_reply), &reply, &text, &body,
					      &records), ==, 0);
	g_assert_cmpint(reply.errcode, ==, -EEXIST);
	g_assert_cmpuint(reply.flags, ==, DPVS_REPLY_CHANGED);
	g_assert_cmpuint(reply.index, ==, 2);
	g_assert_cmpuint(reply.errstr_len, ==, 6);
	g_assert_cmpuint(reply.generation, ==, 0x0102030405060708ull);
	g_assert_true(text == (const char *)golden_reply + 24);
	g_assert_cmpuint(body.record_size, ==, 4);
	g_assert_cmpuint(body.count, ==, 1);
	g_assert_true(records == golden_reply + 40);
}

static void
test_header(void)
{
	static const struct {
		struct dpvs_sock_msg msg;
		int want;
	} cases[] = {
		{ { 0x00020000, 1, 0, 1, 0 }, 0 },
		{ { 0x0002ffff, 1, 1, 1, 0 }, 0 },
		{ { 0x00020000, 1, 1, 1, DPVS_BODY_MAX }, 0 },
		{ { 0x00020000, 1, 1, 1, DPVS_BODY_MAX + 1ull }, -EMSGSIZE },
		{ { 0x00020000, 1, 1, 1, UINT64_MAX }, -EMSGSIZE },
		{ { 0x00020000, 1, 2, 1, 0 }, -EBADMSG },
		{ { 0x00020000, 1, UINT32_MAX, 1, 0 }, -EBADMSG },
		{ { 0x00010000, 1, 0, 1, 0 }, -EPROTONOSUPPORT },
		{ { 0x00030000, 1, 0, 1, 0 }, -EPROTONOSUPPORT },
		{ { 0, 1, 9, 1, UINT64_MAX }, -EPROTONOSUPPORT },
		{ { 2, 1, 0, 1, 0 }, -EPROTONOSUPPORT },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(dpvs_wire_check_header(&cases[i].msg), ==, cases[i].want);
}

static void
test_body(void)
{
	static const struct {
		uint32_t record_size;
		uint32_t count;
		uint64_t len;
		int want;
	} cases[] = {
		{ 4, 2, 16, 0 },
		{ 4, 0, 8, 0 },
		{ 0, 0, 8, 0 },
		{ 1, 1, 9, 0 },
		{ DPVS_RECORD_MAX, 1, 8 + DPVS_RECORD_MAX, 0 },
		{ DPVS_RECORD_MAX + 1, 1, 9 + DPVS_RECORD_MAX, -EBADMSG },
		{ DPVS_RECORD_MAX + 1, 0, 8, -EBADMSG },
		{ 4, 2, 15, -EBADMSG },
		{ 4, 2, 17, -EBADMSG },
		{ 4, 2, 7, -EBADMSG },
		{ 0, 1, 8, -EBADMSG },
		{ 4, UINT32_MAX, 16, -EBADMSG },
		/* 2^32 and 2^33: what a 32-bit product would call 0 */
		{ 4, 0x40000000, 8, -EBADMSG },
		{ 2048, 0x400000, 8, -EBADMSG },
		{ UINT32_MAX, UINT32_MAX, 16, -EBADMSG },
	};
	unsigned char buf[8 + DPVS_RECORD_MAX + 16];
	struct dpvs_sock_body body;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		memset(buf, 0, sizeof(buf));
		memcpy(buf, &cases[i].record_size, 4);
		memcpy(buf + 4, &cases[i].count, 4);
		memset(&body, 0x55, sizeof(body));
		g_assert_cmpint(dpvs_wire_check_body(buf, cases[i].len, &body), ==, cases[i].want);
		if (cases[i].want == 0) {
			g_assert_cmpuint(body.record_size, ==, cases[i].record_size);
			g_assert_cmpuint(body.count, ==, cases[i].count);
		} else {
			g_assert_cmpuint(body.record_size, ==, 0x55555555);
		}
	}
	g_assert_cmpint(dpvs_wire_check_body(NULL, 0, &body), ==, 0);
	g_assert_cmpuint(body.record_size, ==, 0);
	g_assert_cmpuint(body.count, ==, 0);
	for (uint64_t len = 1; len < 8; len++)
		g_assert_cmpint(dpvs_wire_check_body(buf, len, &body), ==, -EBADMSG);
}

static void
test_record(void)
{
	unsigned char src[16], dst[16];

	for (uint32_t from = 0; from <= 16; from++) {
		for (uint32_t to = 0; to <= 15; to++) {
			memset(src, 0, sizeof(src));
			memset(src, 0xab, MIN(from, to));
			memset(dst, 0x77, sizeof(dst));
			g_assert_cmpint(dpvs_wire_get_record(src, from, dst, to), ==, 0);
			for (uint32_t i = 0; i < 16; i++)
				g_assert_cmpuint(dst[i], ==,
						 i >= to ? 0x77 : i < from ? 0xab : 0);
			/* Any byte of an unknown tail. */
			for (uint32_t i = to; i < from; i++) {
				src[i] = 1;
				g_assert_cmpint(dpvs_wire_get_record(src, from, dst, to), ==, -E2BIG);
				src[i] = 0;
			}
		}
	}
	g_assert_cmpint(dpvs_wire_get_record(NULL, 0, NULL, 0), ==, 0);
}

static void
test_reply(void)
{
	unsigned char buf[24 + 520 + 8];
	struct dpvs_sock_reply reply, out;
	struct dpvs_sock_body body;
	const void *records;
	const char *text;

	for (uint32_t text_len = 0; text_len <= DPVS_ERRSTR_MAX + 1; text_len++) {
		size_t padded = (text_len + 7) / 8 * 8;

		memset(buf, 0, sizeof(buf));
		reply = (struct dpvs_sock_reply){ .errcode = -1, .errstr_len = text_len };
		memcpy(buf, &reply, sizeof(reply));
		memset(buf + 24, 'x', text_len);
		g_assert_cmpint(dpvs_wire_check_reply(buf, 24 + padded, &out, &text, &body, &records),
				==, text_len <= DPVS_ERRSTR_MAX ? 0 : -EBADMSG);
		if (text_len > DPVS_ERRSTR_MAX)
			break;
		g_assert_null(records);
		if (padded > 0)
			g_assert_cmpint(dpvs_wire_check_reply(buf, 24 + padded - 1, &out, &text, &body,
							      &records), ==, -EBADMSG);
		if (padded > text_len) { /* padding is zero */
			buf[24 + padded - 1] = 1;
			g_assert_cmpint(dpvs_wire_check_reply(buf, 24 + padded, &out, &text, &body,
							      &records), ==, -EBADMSG);
		}
	}
	for (uint64_t len = 0; len < 24; len++)
		g_assert_cmpint(dpvs_wire_check_reply(buf, len, &out, &text, &body, &records), ==,
				-EBADMSG);
	reply = (struct dpvs_sock_reply){ .errcode = 5 };
	memcpy(buf, &reply, sizeof(reply));
	g_assert_cmpint(dpvs_wire_check_reply(buf, 24, &out, &text, &body, &records), ==, -EBADMSG);
	for (int i = 0; i < 2; i++) {
		reply = (struct dpvs_sock_reply){ .errcode = i == 0 ? -4096 : INT32_MIN };
		memcpy(buf, &reply, sizeof(reply));
		g_assert_cmpint(dpvs_wire_check_reply(buf, 24, &out, &text, &body, &records), ==,
				-EBADMSG);
	}
	reply = (struct dpvs_sock_reply){ .errstr_len = UINT32_MAX };
	memcpy(buf, &reply, sizeof(reply));
	g_assert_cmpint(dpvs_wire_check_reply(buf, 24, &out, &text, &body, &records), ==, -EBADMSG);
}

/* Any bytes at all: what is accepted lies inside of them. Each buffer ends where the memory does. */
static void
test_random(void)
{
	for (unsigned int round = 0; round < 200000; round++) {
		size_t len = (size_t)g_test_rand_int_range(0, 96);
		unsigned char *buf = malloc(len > 0 ? len : 1);
		struct dpvs_sock_reply reply;
		struct dpvs_sock_body body;
		const void *records;
		const char *text;

		for (size_t i = 0; i < len; i++)
			buf[i] = g_test_rand_int_range(0, 4) > 0 ?
					 (unsigned char)(g_test_rand_int_range(0, 3) * 8) :
					 (unsigned char)g_test_rand_int_range(0, 256);
		if (dpvs_wire_check_body(buf, len, &body) == 0 && len > 0)
			g_assert_cmpuint(8 + (uint64_t)body.record_size * body.count, ==, len);
		if (dpvs_wire_check_reply(buf, len, &reply, &text, &body, &records) == 0) {
			g_assert_cmpuint(24 + reply.errstr_len, <=, len);
			if (records != NULL)
				g_assert_true((const unsigned char *)records +
						      (size_t)body.record_size * body.count ==
					      buf + len);
		}
		free(buf);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wire/golden", test_golden);
	g_test_add_func("/wire/header", test_header);
	g_test_add_func("/wire/body", test_body);
	g_test_add_func("/wire/record", test_record);
	g_test_add_func("/wire/reply", test_reply);
	g_test_add_func("/wire/random", test_random);
	return g_test_run();
}
