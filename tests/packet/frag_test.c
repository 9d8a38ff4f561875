/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments through the whole daemon, IPv4 and IPv6: put together on whatever worker they arrive and in any
 * order, sent on as the path needs; overlapping, broken and late ones go, and the sender hears of it.
 */
#include <glib.h>
#include <string.h>

#include "harness.h"
#include "net.h"

#define WORKERS 3

static struct frame in, part, out[64];
static uint32_t next_id = 100;

static const char *
host(bool v6)
{
	return v6 ? "2001:db8:1::10" : "192.0.2.10";
}

static const char *
us(bool v6)
{
	return v6 ? "2001:db8:1::100" : "192.0.2.100";
}

static const char *
server(bool v6)
{
	return v6 ? "2001:db8:2::11" : "198.51.100.11";
}

/** send_part: one fragment, to worker @worker. */
static void
send_part(uint32_t id, uint32_t first, uint32_t end, bool more, unsigned int worker)
{
	frame_frag(&part, &in, id, first, end, more);
	harness_inject(0, worker % WORKERS, harness_frame(part.b, part.len));
}

/** l4_len: of the packet @in. */
static uint32_t
l4_len(bool v6)
{
	return in.len - (v6 ? L4_6 : L4_4);
}

/** send_parts: all of @in in fragments of @unit bytes, in an order and on workers that @seed chooses. */
static void
send_parts(bool v6, uint32_t unit, uint32_t seed)
{
	uint32_t count = (l4_len(v6) + unit - 1) / unit;
	g_autofree uint32_t *order = g_new(uint32_t, count);
	g_autoptr(GRand) rnd = g_rand_new_with_seed(seed);
	uint32_t id = next_id++;

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; seed != 0 && i > 1; i--) {
		uint32_t k = (uint32_t)g_rand_int_range(rnd, 0, (gint32)i);
		uint32_t t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = order[i] * unit;

		send_part(id, first, MIN(first + unit, l4_len(v6)), order[i] + 1 < count,
			  (unsigned int)g_rand_int_range(rnd, 0, WORKERS));
	}
	harness_settle();
	harness_settle(); /* handed over, perhaps */
}

/** joined: puts the fragments in out[0] to out[n - 1] together; returns the length of the payload. */
static uint32_t
joined(unsigned int n, bool v6, uint8_t *ret_payload)
{
	uint32_t total = 0;
	uint32_t have = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t at = v6 ? L4_6 + 8 : L4_4;
		uint16_t field = be16_at(&out[i], v6 ? L4_6 + 2 : L3 + 6);
		uint32_t first = v6 ? field & 0xfff8 : (field & 0x1fff) * 8u;
		bool more = v6 ? field & 1 : field & 0x2000;
		uint32_t len = out[i].len - at;

		g_assert_cmpuint(first + len, <=, 9000);
		memcpy(ret_payload + first, out[i].b + at, len);
		have += len;
		if (!more)
			total = first + len;
	}
	g_assert_cmpuint(have, ==, total);
	return total;
}

/** test_echo: an echo request in fragments is answered in fragments. */
static void
test_echo(const void *arg)
{
	static const size_t sizes[] = { 1500, 2000, 2048, 4000, 8000 };
	static uint8_t payload[9000];
	bool v6 = arg != NULL;

	net_up(NULL);
	for (uint32_t seed = 0; seed < 8; seed++) {
		for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
			uint32_t at = v6 ? L4_6 : L4_4;
			unsigned int n;
			uint32_t len;

			frame_echo(&in, host(v6), us(v6), sizes[i]);
			send_parts(v6, seed % 2 ? 1240 : 1448, seed);
			n = net_take(out, G_N_ELEMENTS(out), 2, 2000);
			g_assert_cmpuint(n, >=, 2);
			len = joined(n, v6, payload);
			g_assert_cmpuint(len, ==, sizes[i] + 8);
			g_assert_cmpuint(payload[0], ==, v6 ? 129 : 0);
			g_assert_cmpmem(payload + 4, len - 4, in.b + at + 4, len - 4);
			for (unsigned int k = 0; k < n; k++) {
				g_assert_cmpuint(out[k].len, <=, 1514);
				g_assert_true(addr_at(&out[k], L3 + (v6 ? 8 : 12), us(v6)));
				g_assert_true(addr_at(&out[k], L3 + (v6 ? 24 : 16), host(v6)));
				g_assert_true(v6 ? out[k].b[L3 + 6] == 44 : frame_sums_ok(&out[k]));
			}
		}
	}
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	g_assert_cmpuint(harness_drops(), ==, 0);
	net_down();
}

/** test_forward: fragments that pass through come out not longer than they came in, and say the same. */
static void
test_forward(const void *arg)
{
	static uint8_t payload[9000];
	bool v6 = arg != NULL;
	unsigned int n;

	net_up(NULL);
	frame_udp(&in, host(v6), server(v6), 1000, 2000, 4000);
	send_parts(v6, 1000, 1);
	n = net_take(out, G_N_ELEMENTS(out), 4, 2000);
	g_assert_cmpuint(joined(n, v6, payload), ==, 4008);
	g_assert_cmpmem(payload, 4008, in.b + (v6 ? L4_6 : L4_4), 4008);
	for (unsigned int i = 0; i < n; i++) {
		g_assert_cmpuint(out[i].port, ==, 1);
		g_assert_cmpuint(out[i].len, <=, (v6 ? L4_6 + 8 : L4_4) + 1000);
		g_assert_cmpuint(out[i].b[L3 + (v6 ? 7 : 8)], ==, 63);
	}

	/* What fits the path leaves in one piece. */
	frame_udp(&in, host(v6), server(v6), 1000, 2000, 1000);
	send_parts(v6, 504, 2);
	n = net_take(out, G_N_ELEMENTS(out), 1, 2000);
	g_assert_cmpuint(n, ==, 1);
	g_assert_cmpuint(out[0].len, ==, in.len);
	g_assert_true(frame_sums_ok(&out[0]));
	g_assert_cmpmem(out[0].b + (v6 ? L4_6 : L4_4), 1008, in.b + (v6 ? L4_6 : L4_4), 1008);

	/* A whole packet that is too long: IPv4 is cut, with its options; IPv6 is refused. */
	g_assert_cmpint(v6 ? net_route("2001:db8:9::/64", server(true), "dpdk1", 1280)
			   : net_route("203.0.113.0/24", server(false), "dpdk1", 600), ==, 0);
	if (v6) {
		frame_udp(&in, host(v6), "2001:db8:9::1", 1000, 2000, 1400);
		g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
		g_assert_cmpuint(out[0].port, ==, 0);
		g_assert_cmpuint(out[0].b[L4_6], ==, 2);
		g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, 1280);
		g_assert_cmpuint(out[0].len, ==, L3 + 1280);
		g_assert_true(frame_sums_ok(&out[0]));
		/* Fragments longer than the path takes likewise. */
		frame_udp(&in, host(v6), "2001:db8:9::1", 1000, 2000, 2800);
		send_parts(v6, 1400, 0);
		n = net_take(out, G_N_ELEMENTS(out), 1, 2000);
		g_assert_cmpuint(n, ==, 1);
		g_assert_cmpuint(out[0].b[L4_6], ==, 2);
	} else {
		frame_udp(&in, host(v6), "203.0.113.1", 1000, 2000, 1400);
		n = net_send(&in, out, G_N_ELEMENTS(out));
		g_assert_cmpuint(n, ==, 3);
		g_assert_cmpuint(joined(n, v6, payload), ==, 1408);
		g_assert_cmpmem(payload, 1408, in.b + L4_4, 1408);
		for (unsigned int i = 0; i < n; i++) {
			g_assert_cmpuint(out[i].len, <=, L3 + 600);
			g_assert_true(frame_sums_ok(&out[i]));
		}

		/* Of the options only those with the copy bit are in all fragments (RFC 791 3.1). */
		frame_udp(&in, host(v6), "203.0.113.1", 1000, 2000, 1400);
		in.b[L3] = 0x48;
		memcpy(in.b + L4_4, "\x07\x07\x04\0\0\0\0" "\x94\x04\0\0" "\0", 12); /* record route, router alert */
		frame_fix(&in);
		n = net_send(&in, out, G_N_ELEMENTS(out));
		g_assert_cmpuint(n, ==, 3);
		for (unsigned int i = 0; i < n; i++) {
			bool first = (be16_at(&out[i], L3 + 6) & 0x1fff) == 0;

			g_assert_cmpuint(out[i].b[L3], ==, first ? 0x48 : 0x46);
			g_assert_cmpuint(out[i].b[L4_4], ==, first ? 0x07 : 0x94);
			g_assert_true(frame_sums_ok(&out[i]));
		}
	}
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	net_down();
}

/* RFC 5722, and the same for IPv4: which sets of fragments are a datagram. The whole is 64 bytes. */
static void
test_overlap(const void *arg)
{
	static const struct {
		const char *name;
		const char *counter; /* of frag; NULL: it arrives */
		struct {
			uint32_t first, end;
			bool more;
		} parts[4];
	} cases[] = {
		{ "two halves", NULL, { { 0, 32, true }, { 32, 64, false } } },
		{ "last first", NULL, { { 32, 64, false }, { 0, 32, true } } },
		{ "one comes twice", "duplicate", { { 0, 32, true }, { 0, 32, true }, { 32, 64, false } } },
		{ "the last comes twice", "duplicate", { { 32, 64, false }, { 32, 64, false }, { 0, 32, true } } },
		{ "overlap by eight", "overlap", { { 0, 40, true }, { 32, 64, false } } },
		{ "overlap from below", "overlap", { { 32, 64, false }, { 0, 40, true } } },
		{ "one inside another", "overlap", { { 0, 48, true }, { 8, 16, true }, { 48, 64, false } } },
		{ "one around another", "overlap", { { 8, 16, true }, { 0, 48, true }, { 48, 64, false } } },
		{ "same start, longer", "overlap", { { 0, 16, true }, { 0, 32, true }, { 32, 64, false } } },
		{ "behind the end", "overlap", { { 32, 48, false }, { 48, 64, true }, { 0, 32, true } } },
		{ "two ends", "overlap", { { 32, 48, false }, { 32, 64, false }, { 0, 32, true } } },
		{ "an end before what is there", "overlap", { { 40, 64, true }, { 16, 24, false }, { 0, 16, true } } },
		{ "good ones after an overlap", "overlap", { { 0, 40, true }, { 32, 64, false }, { 0, 32, true }, { 32, 64, false } } },
	};
	bool v6 = arg != NULL;

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool arrives = cases[i].counter == NULL || strcmp(cases[i].counter, "duplicate") == 0;
		uint64_t before = cases[i].counter != NULL ? harness_stat("frag", cases[i].counter) : 0;
		uint32_t id = next_id++;

		g_test_message("%s", cases[i].name);
		frame_udp(&in, host(v6), server(v6), 1000, 2000, 56);
		for (unsigned int p = 0; p < 4 && cases[i].parts[p].end != 0; p++) {
			send_part(id, cases[i].parts[p].first, cases[i].parts[p].end, cases[i].parts[p].more, p);
			harness_settle();
		}
		harness_settle();
		g_assert_cmpuint(net_take(out, G_N_ELEMENTS(out), 0, 0), ==, arrives);
		if (arrives)
			g_assert_cmpmem(out[0].b + (v6 ? L4_6 : L4_4), 64, in.b + (v6 ? L4_6 : L4_4), 64);
		if (cases[i].counter != NULL)
			g_assert_cmpuint(harness_stat("frag", cases[i].counter), >, before);
		g_assert_cmpuint(harness_mbufs(), ==, 0);
	}
	net_down();
}

static void
test_bad(void)
{
	net_up(NULL);
	frame_udp(&in, host(false), server(false), 1000, 2000, 1000);
	send_part(1, 0, 100, true, 0); /* not a multiple of 8 */
	send_part(2, 8, 8, false, 0);  /* empty */
	harness_settle();
	g_assert_cmpuint(harness_stat("frag", "bad-length"), ==, 2);
	frame_frag(&part, &in, 3, 0, 1000, false);
	part.b[L3 + 6] = 0x1f; /* the last 8 bytes that an offset can name: the ping of death */
	part.b[L3 + 7] = 0xff;
	frame_fix(&part);
	g_assert_cmpuint(net_send(&part, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("frag", "too-long"), ==, 1);

	/* IPv6 says what is wrong (RFC 8200 4.5). */
	frame_udp(&in, host(true), server(true), 1000, 2000, 1000);
	frame_frag(&part, &in, 4, 0, 100, true);
	g_assert_cmpuint(net_send(&part, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].b[L4_6], ==, 4);
	g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, 4);
	frame_frag(&part, &in, 5, 0, 1000, false);
	part.b[L4_6 + 2] = 0xff;
	part.b[L4_6 + 3] = 0xf8;
	g_assert_cmpuint(net_send(&part, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].b[L4_6], ==, 4);
	g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, 42);
	/* The first must have all headers (RFC 7112). */
	frame_tcp(&in, host(true), server(true), 1, 2, 0x10, 1, 1, 100);
	frame_frag(&part, &in, 6, 0, 16, true);
	g_assert_cmpuint(net_send(&part, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("frag", "bad-headers"), ==, 1);
	/* A fragment header on a whole packet means nothing (RFC 6946). */
	frame_udp(&in, host(true), server(true), 1000, 2000, 100);
	frame_frag(&part, &in, 7, 0, 108, false);
	g_assert_cmpuint(net_send(&part, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].len, ==, in.len);
	g_assert_true(frame_sums_ok(&out[0]));
	/* Neighbour discovery does not come in fragments (RFC 6980). */
	{
		static const uint8_t mac[6] = { HOST_MAC };

		frame_nd(&in, 135, 0, host(true), "2001:db8:1::1", "2001:db8:1::1", mac);
		send_part(8, 0, 24, true, 0);
		send_part(8, 24, 32, false, 0);
		harness_settle();
		harness_settle();
		g_assert_cmpuint(net_take(out, G_N_ELEMENTS(out), 0, 0), ==, 0);
		g_assert_cmpuint(harness_stat("ndisc", "fragmented"), ==, 1);
	}
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	net_down();
}

/** test_timeout: the rest does not come; with the first fragment there the sender hears of it. */
static void
test_timeout(const void *arg)
{
	bool v6 = arg != NULL;
	uint32_t at = v6 ? L4_6 : L4_4;

	net_up("[frag]\ntimeout=1\ntimeout6=1\n");
	frame_udp(&in, host(v6), server(v6), 1000, 2000, 1000);
	send_part(1, 0, 504, true, 0);
	send_part(2, 504, 1008, false, 1);
	send_part(3, 0, 504, true, 2);
	send_part(3, 800, 1008, false, 0);
	harness_settle();
	g_assert_cmpuint(harness_mbufs(), ==, 4);
	g_assert_cmpuint(net_take(out, G_N_ELEMENTS(out), 2, 4000), ==, 2);
	for (unsigned int i = 0; i < 2; i++) {
		g_assert_cmpuint(out[i].port, ==, 0);
		g_assert_cmpuint(out[i].b[at], ==, v6 ? 3 : 11);
		g_assert_cmpuint(out[i].b[at + 1], ==, 1);
		g_assert_true(frame_sums_ok(&out[i]));
	}
	harness_pump(300);
	g_assert_cmpuint(harness_stat("frag", "answered"), ==, 2);
	g_assert_cmpuint(harness_stat("frag", "timeout"), ==, 2);
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	net_down();
}

/** test_limits: memory for fragments has an end; the oldest give way. */
static void
test_limits(void)
{
	net_up("[frag]\nmax-datagrams=16\nmax-fragments=128\ntimeout=2\n");
	frame_udp(&in, host(false), server(false), 1000, 2000, 1000);
	for (uint32_t id = 0; id < 300; id++)
		send_part(id, 0, 504, true, id);
	harness_settle();
	harness_settle();
	g_assert_cmpuint(harness_mbufs(), <=, 16 * WORKERS);
	g_assert_cmpuint(harness_stat("frag", "evicted") + harness_mbufs(), ==, 300);
	/* New ones find room. */
	send_part(1000, 0, 504, true, 0);
	send_part(1000, 504, 1008, false, 1);
	g_assert_cmpuint(net_take(out, G_N_ELEMENTS(out), 1, 1000), ==, 1);

	/* A datagram in too many. */
	frame_udp(&in, host(false), server(false), 1000, 2000, 1192);
	for (uint32_t i = 0; i < 129; i++)
		send_part(2000, i * 8, i * 8 + 8, true, 0);
	harness_settle();
	harness_settle();
	g_assert_cmpuint(harness_stat("frag", "too-many") + harness_stat("frag", "evicted"), >=, 129);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_data_func("/packet/frag/echo", NULL, test_echo);
	g_test_add_data_func("/packet/frag/echo6", "6", test_echo);
	g_test_add_data_func("/packet/frag/forward", NULL, test_forward);
	g_test_add_data_func("/packet/frag/forward6", "6", test_forward);
	g_test_add_data_func("/packet/frag/overlap", NULL, test_overlap);
	g_test_add_data_func("/packet/frag/overlap6", "6", test_overlap);
	g_test_add_func("/packet/frag/bad", test_bad);
	g_test_add_data_func("/packet/frag/timeout", NULL, test_timeout);
	g_test_add_data_func("/packet/frag/timeout6", "6", test_timeout);
	g_test_add_func("/packet/frag/limits", test_limits);
	rc = g_test_run();
	harness_fini();
	return rc;
}
