/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 through the whole daemon: what is refused and under which name, what is answered, what is forwarded.
 */
#include <glib.h>
#include <string.h>

#include <dpvsctrl/proto/addr.h>

#include "harness.h"
#include "net.h"

#define WORKERS 2
#define HOST   "192.0.2.10"
#define SERVER "198.51.100.11"

static struct frame in, out[8];

/** struct patch: byte @value at offset @at of the frame. */
struct patch {
	uint16_t at;
	uint8_t value;
};

/* What is done to a good UDP packet from host to server, and the counter that it must move. */
static const struct {
	const char *name;
	const char *module;
	const char *counter;
	const char *src;
	const char *dst;
	uint32_t cut; /* length of the frame; 0: as it is */
	bool fix;     /* the header checksum is to be right */
	struct patch patches[6];
} refused[] = {
	{ "no IP header at all", "ipv4", "short", HOST, SERVER, 14, false, { { 0 } } },
	{ "IP header cut short", "ipv4", "short", HOST, SERVER, 33, false, { { 0 } } },
	{ "version 6 in an IPv4 frame", "ipv4", "bad-version", HOST, SERVER, 0, true, { { L3, 0x65 } } },
	{ "version 0", "ipv4", "bad-version", HOST, SERVER, 0, true, { { L3, 0x05 } } },
	{ "header length 16", "ipv4", "bad-header-length", HOST, SERVER, 0, false, { { L3, 0x44 } } },
	{ "header longer than the packet", "ipv4", "bad-header-length", HOST, SERVER, 50, false, { { L3, 0x4f } } },
	{ "total length less than the header", "ipv4", "bad-length", HOST, SERVER, 0, true, { { L3 + 3, 19 } } },
	{ "total length more than the frame", "ipv4", "bad-length", HOST, SERVER, 0, true, { { L3 + 2, 9 } } },
	{ "header checksum off by one", "ipv4", "bad-checksum", HOST, SERVER, 0, false, { { L3 + 8, 63 } } },
	{ "source 0.0.0.0", "ipv4", "martian-source", "0.0.0.0", SERVER, 0, false, { { 0 } } },
	{ "source 0.1.2.3", "ipv4", "martian-source", "0.1.2.3", SERVER, 0, false, { { 0 } } },
	{ "source loopback", "ipv4", "martian-source", "127.0.0.1", SERVER, 0, false, { { 0 } } },
	{ "source multicast", "ipv4", "martian-source", "224.0.0.1", SERVER, 0, false, { { 0 } } },
	{ "source class E", "ipv4", "martian-source", "240.0.0.1", SERVER, 0, false, { { 0 } } },
	{ "source broadcast", "ipv4", "martian-source", "255.255.255.255", SERVER, 0, false, { { 0 } } },
	{ "destination 0.0.0.0", "ipv4", "martian-destination", HOST, "0.0.0.0", 0, false, { { 0 } } },
	{ "destination loopback", "ipv4", "martian-destination", HOST, "127.0.0.1", 0, false, { { 0 } } },
	{ "destination class E", "ipv4", "martian-destination", HOST, "240.0.0.1", 0, false, { { 0 } } },
	{ "destination multicast", "ipv4", "multicast", HOST, "224.0.0.5", 0, false, { { 0 } } },
	{ "limited broadcast", "ipv4", "broadcast", HOST, "255.255.255.255", 0, false, { { 0 } } },
	{ "broadcast of a connected net", "ipv4", "broadcast", HOST, "198.51.100.255", 0, false, { { 0 } } },
	{ "broadcast on the link, unicast in IP", "ipv4", "broadcast", HOST, SERVER, 0, false,
	  { { 0, 0xff }, { 1, 0xff }, { 2, 0xff }, { 3, 0xff }, { 4, 0xff }, { 5, 0xff } } },
	{ "option longer than the header", "ipv4", "bad-option", HOST, SERVER, 0, true,
	  { { L3, 0x46 }, { L4_4, 7 }, { L4_4 + 1, 9 }, { L4_4 + 2, 4 }, { L4_4 + 3, 0 } } },
	{ "option of length 1", "ipv4", "bad-option", HOST, SERVER, 0, true,
	  { { L3, 0x46 }, { L4_4, 7 }, { L4_4 + 1, 1 }, { L4_4 + 2, 4 }, { L4_4 + 3, 0 } } },
	{ "loose source route", "ipv4", "source-route", HOST, SERVER, 0, true,
	  { { L3, 0x46 }, { L4_4, 131 }, { L4_4 + 1, 3 }, { L4_4 + 2, 4 }, { L4_4 + 3, 0 } } },
	{ "strict source route behind a no-op", "ipv4", "source-route", HOST, SERVER, 0, true,
	  { { L3, 0x46 }, { L4_4, 1 }, { L4_4 + 1, 137 }, { L4_4 + 2, 2 }, { L4_4 + 3, 0 } } },
	{ "link-local destination", "ipv4", "no-forward", HOST, "169.254.0.9", 0, false, { { 0 } } },
	{ "UDP to us, wrong checksum", "ipv4", "bad-l4", HOST, "192.0.2.1", 0, false, { { L4_4 + 9, 0xaa } } },
	{ "UDP to us, shorter than its header", "ipv4", "bad-l4", HOST, "192.0.2.1", 41, true, { { L3 + 3, 27 } } },
};

static void
test_refused(void)
{
	net_up(NULL);
	g_assert_cmpint(net_route("169.254.0.0/16", NULL, "dpdk1", 0), ==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(refused); i++) {
		uint64_t before = harness_stat(refused[i].module, refused[i].counter);
		uint64_t drops = harness_drops();

		g_test_message("%s", refused[i].name);
		frame_udp(&in, refused[i].src, refused[i].dst, 1000, 2000, 32);
		for (unsigned int p = 0; p < G_N_ELEMENTS(refused[i].patches); p++) {
			if (refused[i].patches[p].at != 0 || refused[i].patches[p].value != 0)
				in.b[refused[i].patches[p].at] = refused[i].patches[p].value;
		}
		if (refused[i].cut != 0)
			in.len = refused[i].cut;
		if (refused[i].fix)
			frame_fix(&in);
		g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
		g_assert_cmpuint(harness_stat(refused[i].module, refused[i].counter), ==, before + 1);
		g_assert_cmpuint(harness_drops(), ==, drops + 1);
		g_assert_cmpuint(harness_mbufs(), ==, 0);
	}
	net_down();
}

/** one: sends @in, which must be answered by or become one good frame on @port. */
static void
one(uint16_t port)
{
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].port, ==, port);
	g_assert_true(frame_sums_ok(&out[0]));
}

static void
test_forward(void)
{
	static const uint8_t head[14] = { SERVER_MAC, PORT1_MAC, 0x08, 0x00 };

	net_up(NULL);
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	one(1);
	g_assert_cmpmem(out[0].b, 14, head, 14);
	g_assert_cmpuint(out[0].len, ==, in.len);
	g_assert_cmpuint(out[0].b[L3 + 8], ==, 63);
	g_assert_cmpmem(out[0].b + L3 + 12, in.len - L3 - 12, in.b + L3 + 12, in.len - L3 - 12);

	/* Each TTL: the checksum must follow over all carries. */
	for (unsigned int ttl = 2; ttl < 256; ttl++) {
		in.b[L3 + 8] = (uint8_t)ttl;
		in.b[L3 + 4] = (uint8_t)(ttl * 31);
		frame_fix(&in);
		one(1);
		g_assert_cmpuint(out[0].b[L3 + 8], ==, ttl - 1);
	}

	/* Padding of short frames does not go on. */
	frame_udp(&in, HOST, SERVER, 1000, 2000, 1);
	in.len = 60;
	one(1);
	g_assert_cmpuint(out[0].len, ==, L4_4 + 9);

	/* Options pass. */
	frame_udp(&in, HOST, SERVER, 1000, 2000, 40);
	in.b[L3] = 0x46;
	memcpy(in.b + L4_4, "\x94\x04\x00\x00", 4); /* router alert */
	frame_fix(&in);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].b[L3], ==, 0x46);
	net_down();

	net_up("[ipv4]\nforwarding=no\n");
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv4", "no-forward"), ==, 1);
	net_down();
}

/** error_is: out[0] is an ICMP error about @in, from @src. */
static void
error_is(uint8_t type, uint8_t code, const char *src)
{
	uint32_t quoted = MIN(in.len - L3, 548);

	g_assert_true(addr_at(&out[0], L3 + 12, src));
	g_assert_true(addr_at(&out[0], L3 + 16, HOST));
	g_assert_cmpuint(out[0].b[L3 + 9], ==, 1);
	g_assert_cmpuint(out[0].b[L4_4], ==, type);
	g_assert_cmpuint(out[0].b[L4_4 + 1], ==, code);
	g_assert_cmpuint(out[0].len, ==, L4_4 + 8 + quoted);
	g_assert_cmpmem(out[0].b + L4_4 + 8 + 20, quoted - 20, in.b + L4_4, quoted - 20);
}

static void
test_errors(void)
{
	net_up(NULL);
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	in.b[L3 + 8] = 1;
	frame_fix(&in);
	one(0);
	error_is(11, 0, "192.0.2.1");

	frame_udp(&in, HOST, SERVER, 1000, 2000, 1200);
	in.b[L3 + 8] = 0;
	frame_fix(&in);
	one(0);
	error_is(11, 0, "192.0.2.1");
	g_assert_cmpuint(out[0].len, ==, L3 + 576);

	frame_udp(&in, HOST, "203.0.113.1", 1000, 2000, 100);
	one(0);
	error_is(3, 0, "192.0.2.1");

	/* What is for us answers from the address that was asked. */
	frame_udp(&in, HOST, "192.0.2.100", 1000, 2000, 100);
	one(0);
	error_is(3, 3, "192.0.2.100");
	frame_ip4(&in, HOST, "198.51.100.1", 47, NULL, 100);
	one(0);
	error_is(3, 2, "198.51.100.1");

	/* Too big: the MTU of the route, of the port. */
	g_assert_cmpint(net_route("198.51.100.128/25", SERVER, "dpdk1", 1000), ==, 0);
	frame_udp(&in, HOST, "198.51.100.200", 1000, 2000, 1100);
	in.b[L3 + 6] = 0x40;
	frame_fix(&in);
	one(0);
	error_is(3, 4, "192.0.2.1");
	g_assert_cmpuint(be16_at(&out[0], L4_4 + 6), ==, 1000);

	/* Never about these. */
	frame_ip4(&in, HOST, "203.0.113.1", 1, "\x03\x01\0\0\0\0\0\0", 8);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp", "suppressed"), ==, 1);
	frame_ip4(&in, HOST, "203.0.113.1", 1, "\x08\x00", 2);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp", "suppressed"), ==, 2);

	/* Not to ourselves, and not to where no route leads. */
	frame_udp(&in, "192.0.2.1", "203.0.113.1", 1000, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv4", "out-local"), ==, 1);
	frame_udp(&in, "203.0.113.2", "203.0.113.1", 1000, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv4", "out-no-route"), ==, 1);
	net_down();
}

static void
test_limit(void)
{
	unsigned int answers = 0;

	net_up("[icmp]\nrate=1\nburst=3\n");
	frame_udp(&in, HOST, "203.0.113.1", 1000, 2000, 10);
	for (unsigned int i = 0; i < 100; i++)
		answers += net_send(&in, out, G_N_ELEMENTS(out));
	/* Three of each worker, and one a second. */
	g_assert_cmpuint(answers, >=, 3 * WORKERS);
	g_assert_cmpuint(answers, <=, 3 * WORKERS + 12);
	g_assert_cmpuint(harness_stat("icmp", "limited"), ==, 100 - answers);
	net_down();
}

static void
test_echo(void)
{
	static const size_t sizes[] = { 0, 1, 56, 1000, 1472 };

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(sizes); i++) {
		frame_echo(&in, HOST, i % 2 ? "192.0.2.100" : "192.0.2.1", sizes[i]);
		one(0);
		g_assert_true(addr_at(&out[0], L3 + 12, i % 2 ? "192.0.2.100" : "192.0.2.1"));
		g_assert_true(addr_at(&out[0], L3 + 16, HOST));
		g_assert_cmpuint(out[0].len, ==, L4_4 + 8 + sizes[i]);
		g_assert_cmpuint(out[0].b[L4_4], ==, 0);
		g_assert_cmpmem(out[0].b + L4_4 + 4, sizes[i] + 4, in.b + L4_4 + 4, sizes[i] + 4);
	}

	/* The reply has no options, and the address of the other port answers too. */
	frame_echo(&in, HOST, "198.51.100.1", 40);
	memmove(in.b + L4_4 + 4, in.b + L4_4, 48);
	memcpy(in.b + L4_4, "\x94\x04\x00\x00", 4);
	in.b[L3] = 0x46;
	in.b[L3 + 3] += 4;
	in.len += 4;
	frame_fix(&in);
	one(0);
	g_assert_cmpuint(out[0].b[L3], ==, 0x45);
	g_assert_cmpuint(out[0].len, ==, L4_4 + 48);

	frame_echo(&in, HOST, "192.0.2.1", 40);
	in.b[L4_4 + 20] ^= 1;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp", "bad-checksum"), ==, 1);
	frame_ip4(&in, HOST, "192.0.2.1", 1, "\x08\x00\xf7\xff", 4);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp", "short"), ==, 1);
	net_down();
}

/* RFC 9293 3.10.7.1: the answer of a host that has no such connection. */
static void
test_reset(void)
{
	static const struct {
		const char *name;
		uint8_t flags;
		uint32_t seq;
		uint32_t ack;
		size_t len;
		int ret_flags; /* -1: no answer */
		uint32_t ret_seq;
		uint32_t ret_ack;
	} cases[] = {
		{ "SYN", 0x02, 1000, 0, 0, 0x14, 0, 1001 },
		{ "SYN at the end of the numbers", 0x02, UINT32_MAX, 0, 0, 0x14, 0, 0 },
		{ "SYN with data", 0x02, 1000, 0, 10, 0x14, 0, 1011 },
		{ "data without ACK", 0x00, 5, 0, 100, 0x14, 0, 105 },
		{ "FIN without ACK", 0x01, 5, 0, 0, 0x14, 0, 6 },
		{ "ACK", 0x10, 5, 77, 0, 0x04, 77, 0 },
		{ "FIN and ACK with data", 0x11, 5, 78, 100, 0x04, 78, 0 },
		{ "SYN and ACK", 0x12, 5, 79, 0, 0x04, 79, 0 },
		{ "RST", 0x04, 5, 0, 0, -1, 0, 0 },
		{ "RST and ACK", 0x14, 5, 6, 0, -1, 0, 0 },
	};

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		frame_tcp(&in, HOST, "192.0.2.100", 1234, 80, cases[i].flags, cases[i].seq, cases[i].ack,
			  cases[i].len);
		if (cases[i].ret_flags < 0) {
			g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
			continue;
		}
		one(0);
		g_assert_cmpuint(out[0].len, ==, L4_4 + 20);
		g_assert_true(addr_at(&out[0], L3 + 12, "192.0.2.100"));
		g_assert_true(addr_at(&out[0], L3 + 16, HOST));
		g_assert_cmpuint(be16_at(&out[0], L4_4), ==, 80);
		g_assert_cmpuint(be16_at(&out[0], L4_4 + 2), ==, 1234);
		g_assert_cmpuint(be32_at(&out[0], L4_4 + 4), ==, cases[i].ret_seq);
		g_assert_cmpuint(be32_at(&out[0], L4_4 + 8), ==, cases[i].ret_ack);
		g_assert_cmpuint(out[0].b[L4_4 + 13], ==, cases[i].ret_flags);
	}
	g_assert_cmpuint(harness_stat("ipv4", "no-listener"), ==, 2);

	frame_tcp(&in, HOST, "192.0.2.100", 1234, 80, 0x02, 1, 0, 0);
	in.b[L4_4 + 4] ^= 1;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	frame_tcp(&in, HOST, "192.0.2.100", 1234, 80, 0x02, 1, 0, 0);
	in.b[L4_4 + 12] = 0x40;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv4", "bad-l4"), ==, 2);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/ip4/refused", test_refused);
	g_test_add_func("/packet/ip4/forward", test_forward);
	g_test_add_func("/packet/ip4/errors", test_errors);
	g_test_add_func("/packet/ip4/limit", test_limit);
	g_test_add_func("/packet/ip4/echo", test_echo);
	g_test_add_func("/packet/ip4/reset", test_reset);
	rc = g_test_run();
	harness_fini();
	return rc;
}
