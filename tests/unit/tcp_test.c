/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP: states, sequence numbers, options; and checksums that follow by difference.
 */
#include "lb/proto/tcp.h"

#include <glib.h>
#include <string.h>

#include <rte_byteorder.h>

#include <dpvsctrl/proto/conn.h>

#include "lb/conn_table.h"
#include "lb/csum.h"

enum {
	S = RTE_TCP_SYN_FLAG,
	A = RTE_TCP_ACK_FLAG,
	F = RTE_TCP_FIN_FLAG,
	R = RTE_TCP_RST_FLAG,
	P = RTE_TCP_PSH_FLAG,
};

/** struct state_step: a packet and the state after it. */
struct state_step {
	unsigned int dir;
	uint8_t flags;
	uint8_t state;
};

/** struct state_case: a life of a connection. */
struct state_case {
	const char *name;
	bool one_way;
	struct state_step steps[10];
};

static const struct state_case state_cases[] = {
	{ "client closes", false, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_OUT, S | A, DPVS_CONN_SYN_RECV },
		{ CONN_IN, A, DPVS_CONN_ESTABLISHED },
		{ CONN_OUT, A | P, DPVS_CONN_ESTABLISHED },
		{ CONN_IN, F | A, DPVS_CONN_CLOSE_WAIT },
		{ CONN_OUT, A, DPVS_CONN_CLOSE_WAIT },
		{ CONN_OUT, F | A, DPVS_CONN_TIME_WAIT },
		{ CONN_IN, A, DPVS_CONN_TIME_WAIT },
	} },
	{ "server closes", false, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_OUT, S | A, DPVS_CONN_SYN_RECV },
		{ CONN_IN, A, DPVS_CONN_ESTABLISHED },
		{ CONN_OUT, F | A, DPVS_CONN_FIN_WAIT },
		{ CONN_IN, A, DPVS_CONN_FIN_WAIT },
		{ CONN_IN, F | A, DPVS_CONN_TIME_WAIT },
		{ CONN_OUT, A, DPVS_CONN_TIME_WAIT },
	} },
	{ "server refuses", false, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_OUT, R | A, DPVS_CONN_CLOSE },
	} },
	{ "client breaks off", false, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_OUT, S | A, DPVS_CONN_SYN_RECV },
		{ CONN_IN, A, DPVS_CONN_ESTABLISHED },
		{ CONN_IN, R, DPVS_CONN_CLOSE },
	} },
	{ "direct routing: client closes", true, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_IN, A, DPVS_CONN_ESTABLISHED },
		{ CONN_IN, F | A, DPVS_CONN_FIN_WAIT },
		{ CONN_IN, A, DPVS_CONN_FIN_WAIT },
	} },
	{ "retransmitted SYN, data without flags", false, {
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_IN, S, DPVS_CONN_SYN_RECV },
		{ CONN_IN, A | P, DPVS_CONN_ESTABLISHED },
		{ CONN_IN, P, DPVS_CONN_ESTABLISHED },
		{ CONN_IN, S, DPVS_CONN_ESTABLISHED },
	} },
};

static void
test_states(gconstpointer data)
{
	const struct state_case *c = data;
	uint8_t state = DPVS_CONN_NONE;

	for (unsigned int i = 0; i < G_N_ELEMENTS(c->steps) && c->steps[i].flags != 0; i++) {
		state = tcp_next_state(c->steps[i].dir, c->one_way, state, c->steps[i].flags);
		g_assert_cmpuint(state, ==, c->steps[i].state);
	}
}

/** struct segment: a TCP header with options and some data, with a right checksum (no pseudo header). */
struct segment {
	struct rte_tcp_hdr tcp;
	uint8_t rest[48];
};

static uint16_t
sum_of(const struct segment *s)
{
	return csum_fold(csum_words(s, sizeof(*s)));
}

static struct segment
make(uint8_t flags, const uint8_t *options, unsigned int len)
{
	struct segment s = {
		.tcp = {
			.sent_seq = rte_cpu_to_be_32(0xfffffff0),
			.recv_ack = rte_cpu_to_be_32(5),
			.data_off = (uint8_t)((5 + len / 4) << 4),
			.tcp_flags = flags,
		},
	};

	g_assert_cmpuint(len % 4, ==, 0);
	memset(s.rest, 0xab, sizeof(s.rest));
	if (len > 0)
		memcpy(s.rest, options, len);
	s.tcp.cksum = (uint16_t)~sum_of(&s);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);
	return s;
}

static void
test_check(void)
{
	struct segment s = make(A, NULL, 0);

	g_assert_true(tcp_check(&s.tcp, 20));
	g_assert_false(tcp_check(&s.tcp, 19));
	s.tcp.data_off = 0x40;
	g_assert_false(tcp_check(&s.tcp, 100));
	s.tcp.data_off = 0x60;
	g_assert_false(tcp_check(&s.tcp, 23));
	g_assert_true(tcp_check(&s.tcp, 24));
	s = make(S | F, NULL, 0);
	g_assert_cmphex(tcp_seq_end(&s.tcp, 20 + 30), ==, 0x10);
}

static void
test_mss(void)
{
	static const uint8_t aligned[] = { 2, 4, 0x05, 0xb4, 4, 2, 1, 0 };
	static const uint8_t odd[] = { 1, 2, 4, 0x05, 0xb4, 1, 1, 0 };
	static const uint8_t small[] = { 2, 4, 0x02, 0x18 };
	static const uint8_t broken[] = { 1, 2, 40, 0x05 };
	static const uint8_t zero[] = { 8, 0, 2, 4 };
	struct segment s, before;

	s = make(S, aligned, sizeof(aligned));
	tcp_syn_options(&s.tcp, 1400, false);
	g_assert_cmphex(s.rest[2] << 8 | s.rest[3], ==, 1400);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);

	s = make(S, odd, sizeof(odd));
	tcp_syn_options(&s.tcp, 1399, false);
	g_assert_cmphex(s.rest[3] << 8 | s.rest[4], ==, 1399);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);

	/* Small enough, cut off, or of length 0: left alone. */
	before = s = make(S, small, sizeof(small));
	tcp_syn_options(&s.tcp, 1400, true);
	g_assert_cmpmem(&s, sizeof(s), &before, sizeof(before));
	before = s = make(S, broken, sizeof(broken));
	tcp_syn_options(&s.tcp, 100, true);
	g_assert_cmpmem(&s, sizeof(s), &before, sizeof(before));
	before = s = make(S, zero, sizeof(zero));
	tcp_syn_options(&s.tcp, 100, true);
	g_assert_cmpmem(&s, sizeof(s), &before, sizeof(before));
}

static void
test_timestamp(void)
{
	static const uint8_t linux_syn[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 };
	static const uint8_t odd[] = { 1, 8, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 };
	struct segment s = make(S, linux_syn, sizeof(linux_syn));

	tcp_syn_options(&s.tcp, 1460, true);
	for (unsigned int i = 6; i < 16; i++)
		g_assert_cmpuint(s.rest[i], ==, 1);
	g_assert_cmpmem(s.rest, 6, linux_syn, 6);
	g_assert_cmpmem(s.rest + 16, 4, linux_syn + 16, 4);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);

	s = make(S, odd, sizeof(odd));
	tcp_syn_options(&s.tcp, 1460, true);
	for (unsigned int i = 0; i < 11; i++)
		g_assert_cmpuint(s.rest[i], ==, 1);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);
}

static void
test_shift(void)
{
	static const uint8_t sack[] = { 1, 1, 5, 18, 0, 0, 0, 10, 0, 0, 0, 20, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1 };
	struct segment s = make(A, sack, sizeof(sack)), before = s;
	rte_be32_t edge;

	tcp_shift_seq(&s.tcp, 0x20);
	g_assert_cmphex(rte_be_to_cpu_32(s.tcp.sent_seq), ==, 0x10);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);
	tcp_shift_ack(&s.tcp, 6);
	g_assert_cmphex(rte_be_to_cpu_32(s.tcp.recv_ack), ==, 0xffffffff);
	memcpy(&edge, s.rest + 4, 4);
	g_assert_cmphex(rte_be_to_cpu_32(edge), ==, 4);
	memcpy(&edge, s.rest + 16, 4);
	g_assert_cmphex(rte_be_to_cpu_32(edge), ==, 0xfffffffb);
	g_assert_cmphex(sum_of(&s), ==, 0xffff);
	tcp_shift_seq(&s.tcp, -0x20u);
	tcp_shift_ack(&s.tcp, -6u);
	g_assert_cmpmem(s.rest, sizeof(s.rest), before.rest, sizeof(before.rest));

	/* Without ACK the field means nothing. */
	s = before = make(S, NULL, 0);
	tcp_shift_ack(&s.tcp, 6);
	g_assert_cmpmem(&s, sizeof(s), &before, sizeof(before));
}

/* A difference applied forth and back, on right and on wrong checksums. */
static void
test_csum(void)
{
	for (unsigned int i = 0; i < 100000; i++) {
		uint16_t words[8], sum, csum, delta, wrong = (uint16_t)g_test_rand_int();
		uint64_t from, to;

		for (unsigned int j = 0; j < 8; j++)
			words[j] = (uint16_t)g_test_rand_int();
		csum = (uint16_t)~csum_fold(csum_words(words, 16));
		from = csum_words(words, 8);
		for (unsigned int j = 0; j < 4; j++)
			words[j] = i % 7 == 0 ? 0 : (uint16_t)g_test_rand_int();
		to = csum_words(words, 8);
		delta = csum_delta(from, to);
		sum = csum_fold(csum_words(words, 16));
		g_assert_cmphex(csum_fold((uint64_t)sum + csum_apply(csum, delta)), ==, 0xffff);
		g_assert_cmphex(csum_fold((uint64_t)csum_apply(csum_apply(wrong, delta), (uint16_t)~delta)) % 0xffff,
				==, wrong % 0xffff);
	}
	g_assert_cmphex(csum_change32(0x1234, 0xdeadbeef, 0xdeadbeef), ==, 0x1234);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(state_cases); i++) {
		g_autofree char *path = g_strdup_printf("/tcp/states/%s", state_cases[i].name);

		g_test_add_data_func(path, &state_cases[i], test_states);
	}
	g_test_add_func("/tcp/check", test_check);
	g_test_add_func("/tcp/mss", test_mss);
	g_test_add_func("/tcp/timestamp", test_timestamp);
	g_test_add_func("/tcp/shift", test_shift);
	g_test_add_func("/csum/difference", test_csum);
	return g_test_run();
}
