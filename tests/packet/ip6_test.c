/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 through the whole daemon: what is refused and under which name, what is answered, what is forwarded.
 */
#include <glib.h>
#include <string.h>

#include "harness.h"
#include "net.h"

#define WORKERS 2
#define HOST   "2001:db8:1::10"
#define SERVER "2001:db8:2::11"
#define US     "2001:db8:1::1"
#define VIP    "2001:db8:1::100"

static struct frame in, out[8];

/** struct patch: byte @value at offset @at of the frame. */
struct patch {
	uint16_t at;
	uint8_t value;
};

/* What is done to a good UDP packet from host to server. */
static const struct {
	const char *name;
	const char *counter; /* of ipv6 */
	const char *src;
	const char *dst;
	uint32_t cut;   /* length of the frame; 0: as it is */
	uint32_t param; /* answered by a parameter problem: code << 16 | pointer; 0: dropped */
	struct patch patches[7];
} refused[] = {
	{ "no IP header at all", "short", HOST, SERVER, 14, 0, { { 0 } } },
	{ "IP header cut short", "short", HOST, SERVER, 53, 0, { { 0 } } },
	{ "version 4 in an IPv6 frame", "bad-version", HOST, SERVER, 0, 0, { { L3, 0x40 } } },
	{ "payload longer than the frame", "bad-length", HOST, SERVER, 0, 0, { { L3 + 4, 1 } } },
	{ "source multicast", "martian-source", "ff02::1", SERVER, 0, 0, { { 0 } } },
	{ "source unspecified", "martian-source", "::", SERVER, 0, 0, { { 0 } } },
	{ "source loopback", "martian-source", "::1", SERVER, 0, 0, { { 0 } } },
	{ "source mapped from IPv4", "martian-source", "::ffff:192.0.2.10", SERVER, 0, 0, { { 0 } } },
	{ "destination unspecified", "martian-destination", HOST, "::", 0, 0, { { 0 } } },
	{ "destination loopback", "martian-destination", HOST, "::1", 0, 0, { { 0 } } },
	{ "destination mapped from IPv4", "martian-destination", HOST, "::ffff:192.0.2.1", 0, 0, { { 0 } } },
	{ "multicast beyond the link", "multicast", HOST, "ff05::2", 0, 0, { { 0 } } },
	{ "UDP to a group of the link", "multicast", HOST, "ff02::1", 0, 0, { { 0 } } },
	{ "multicast on the link, unicast in IP", "multicast", HOST, SERVER, 0, 0, { { 0, 0x33 }, { 1, 0x33 } } },
	{ "link-local source to a global destination", "link-local", "fe80::10", SERVER, 0, 0, { { 0 } } },
	{ "extension header cut short", "truncated", HOST, SERVER, 0, 0, { { L3 + 6, 60 }, { L4_6, 17 }, { L4_6 + 1, 20 } } },
	{ "fragment header cut short", "truncated", HOST, SERVER, L4_6 + 4, 0, { { L3 + 5, 4 }, { L3 + 6, 44 } } },
	{ "option longer than its header", "truncated", HOST, SERVER, 0, 0,
	  { { L3 + 6, 0 }, { L4_6, 17 }, { L4_6 + 1, 0 }, { L4_6 + 2, 1 }, { L4_6 + 3, 9 } } },
	{ "option that says: drop", "unknown-option", HOST, SERVER, 0, 0,
	  { { L3 + 6, 0 }, { L4_6, 17 }, { L4_6 + 1, 0 }, { L4_6 + 2, 0x41 }, { L4_6 + 3, 4 } } },
	{ "option that says: drop and tell", "parameter", HOST, SERVER, 0, 2 << 16 | 42,
	  { { L3 + 6, 0 }, { L4_6, 17 }, { L4_6 + 1, 0 }, { L4_6 + 2, 0x81 }, { L4_6 + 3, 4 } } },
	{ "jumbo payload", "parameter", HOST, SERVER, 0, 2 << 16 | 42,
	  { { L3 + 6, 0 }, { L4_6, 17 }, { L4_6 + 1, 0 }, { L4_6 + 2, 0xc2 }, { L4_6 + 3, 4 } } },
	{ "routing header type 0", "parameter", HOST, SERVER, 0, 42,
	  { { L3 + 6, 43 }, { L4_6, 17 }, { L4_6 + 1, 0 }, { L4_6 + 2, 0 }, { L4_6 + 3, 1 } } },
	{ "hop-by-hop options behind another header", "parameter", HOST, SERVER, 0, 1 << 16 | 40,
	  { { L3 + 6, 60 }, { L4_6, 0 }, { L4_6 + 1, 0 }, { L4_6 + 2, 1 }, { L4_6 + 3, 4 }, { L4_6 + 8, 17 }, { L4_6 + 9, 0 } } },
	{ "UDP to us, wrong checksum", "bad-l4", HOST, US, 0, 0, { { L4_6 + 9, 0xaa } } },
	{ "UDP to us without a checksum", "bad-l4", HOST, US, 0, 0, { { L4_6 + 6, 0 }, { L4_6 + 7, 0 } } },
	{ "UDP to us, shorter than its header", "bad-l4", HOST, US, 61, 0, { { L3 + 5, 7 } } },
};

static void
test_refused(void)
{
	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(refused); i++) {
		uint64_t before = harness_stat("ipv6", refused[i].counter);
		uint64_t drops = harness_drops();

		g_test_message("%s", refused[i].name);
		frame_udp(&in, refused[i].src, refused[i].dst, 1000, 2000, 64);
		for (unsigned int p = 0; p < G_N_ELEMENTS(refused[i].patches); p++) {
			if (refused[i].patches[p].at != 0 || refused[i].patches[p].value != 0)
				in.b[refused[i].patches[p].at] = refused[i].patches[p].value;
		}
		if (refused[i].cut != 0)
			in.len = refused[i].cut;
		if (refused[i].param == 0) {
			g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
			g_assert_cmpuint(harness_drops(), ==, drops + 1);
		} else {
			g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
			g_assert_cmpuint(out[0].b[L4_6], ==, 4);
			g_assert_cmpuint(out[0].b[L4_6 + 1], ==, refused[i].param >> 16);
			g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, refused[i].param & 0xffff);
			g_assert_true(frame_sums_ok(&out[0]));
		}
		g_assert_cmpuint(harness_stat("ipv6", refused[i].counter), ==, before + 1);
		g_assert_cmpuint(harness_mbufs(), ==, 0);
	}

	/* Nine extension headers, each fine. */
	frame_udp(&in, HOST, SERVER, 1000, 2000, 200);
	in.b[L3 + 6] = 60;
	for (unsigned int i = 0; i < 9; i++)
		memcpy(in.b + L4_6 + 8 * i, i < 8 ? "\x3c\0\1\4\0\0\0\0" : "\x11\0\1\4\0\0\0\0", 8);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv6", "too-many-headers"), ==, 1);
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
	static const uint8_t head[14] = { SERVER_MAC, PORT1_MAC, 0x86, 0xdd };

	net_up(NULL);
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	one(1);
	g_assert_cmpmem(out[0].b, 14, head, 14);
	g_assert_cmpuint(out[0].b[L3 + 7], ==, 63);
	g_assert_cmpmem(out[0].b + L3 + 8, in.len - L3 - 8, in.b + L3 + 8, in.len - L3 - 8);

	/* Padding of the frame does not go on; harmless extension headers do. */
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	in.b[L3 + 6] = 0;
	memcpy(in.b + L4_6, "\x3b\0\5\2\0\0\1\0", 8); /* router alert, then nothing */
	in.b[L3 + 5] = 8;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpuint(out[0].len, ==, L4_6 + 8);
	net_down();

	net_up("[ipv6]\nforwarding=no\n");
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv6", "no-forward"), ==, 1);
	net_down();
}

static void
error_is(uint8_t type, uint8_t code, uint32_t info, const char *src)
{
	uint32_t quoted = MIN(in.len - L3, 1280 - 48);

	g_assert_true(addr_at(&out[0], L3 + 8, src));
	g_assert_true(addr_at(&out[0], L3 + 24, HOST));
	g_assert_cmpuint(out[0].b[L4_6], ==, type);
	g_assert_cmpuint(out[0].b[L4_6 + 1], ==, code);
	g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, info);
	g_assert_cmpuint(out[0].len, ==, L4_6 + 8 + quoted);
	g_assert_cmpmem(out[0].b + L4_6 + 8 + 40, quoted - 40, in.b + L4_6, quoted - 40);
}

static void
test_errors(void)
{
	net_up(NULL);
	frame_udp(&in, HOST, SERVER, 1000, 2000, 100);
	in.b[L3 + 7] = 1;
	one(0);
	error_is(3, 0, 0, US);
	frame_udp(&in, HOST, SERVER, 1000, 2000, 1400);
	in.b[L3 + 7] = 0;
	one(0);
	error_is(3, 0, 0, US);
	frame_udp(&in, HOST, "2001:db8:ffff::1", 1000, 2000, 100);
	one(0);
	error_is(1, 0, 0, US);
	frame_udp(&in, HOST, VIP, 1000, 2000, 100);
	one(0);
	error_is(1, 4, 0, VIP);
	frame_ip6(&in, HOST, "2001:db8:2::1", 47, NULL, 100);
	one(0);
	error_is(4, 1, 6, "2001:db8:2::1");
	g_assert_cmpint(net_route("2001:db8:9::/64", SERVER, "dpdk1", 1300), ==, 0);
	frame_udp(&in, HOST, "2001:db8:9::1", 1000, 2000, 1390);
	one(0);
	error_is(2, 0, 1300, US);

	/* Never about an error or a redirect. */
	frame_ip6(&in, HOST, "2001:db8:ffff::1", 58, "\x01\x04\0\0\0\0\0\0", 8);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	frame_ip6(&in, HOST, "2001:db8:ffff::1", 58, "\x89\x00\0\0\0\0\0\0", 8);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp6", "suppressed"), ==, 2);
	net_down();
}

static void
test_echo(void)
{
	static const uint8_t host_mac[6] = { HOST_MAC };

	net_up(NULL);
	for (size_t size = 0; size < 1400; size += 175) {
		frame_echo(&in, HOST, size % 2 ? VIP : US, size);
		one(0);
		g_assert_true(addr_at(&out[0], L3 + 8, size % 2 ? VIP : US));
		g_assert_cmpuint(out[0].len, ==, L4_6 + 8 + size);
		g_assert_cmpuint(out[0].b[L4_6], ==, 129);
		g_assert_cmpmem(out[0].b + L4_6 + 4, size + 4, in.b + L4_6 + 4, size + 4);
	}

	/* On the link: our link-local address, and all nodes. Both ports have a net fe80::/64. */
	net_neigh("fe80::10", "dpdk0", host_mac);
	frame_echo(&in, "fe80::10", "fe80::ff:fe00:0", 32);
	one(0);
	g_assert_true(addr_at(&out[0], L3 + 8, "fe80::ff:fe00:0"));
	g_assert_true(addr_at(&out[0], L3 + 24, "fe80::10"));
	frame_echo(&in, "fe80::10", "ff02::1", 32);
	one(0);
	g_assert_true(addr_at(&out[0], L3 + 8, "fe80::ff:fe00:0"));
	frame_echo(&in, HOST, "ff02::1", 32);
	one(0);
	g_assert_true(addr_at(&out[0], L3 + 8, US));
	/* That of the other port is not here. */
	frame_echo(&in, "fe80::10", "fe80::ff:fe00:1", 32);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv6", "link-local"), ==, 1);

	/* With a destination option in front; the reply has none. */
	frame_echo(&in, HOST, US, 32);
	memmove(in.b + L4_6 + 8, in.b + L4_6, 40);
	memcpy(in.b + L4_6, "\x3a\0\1\4\0\0\0\0", 8);
	in.b[L3 + 6] = 60;
	in.b[L3 + 5] += 8;
	in.len += 8;
	one(0);
	g_assert_cmpuint(out[0].b[L3 + 6], ==, 58);
	g_assert_cmpuint(out[0].len, ==, L4_6 + 40);

	frame_echo(&in, HOST, US, 32);
	in.b[L4_6 + 20] ^= 1;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp6", "bad-checksum"), ==, 1);
	net_down();
}

static void
test_reset(void)
{
	net_up(NULL);
	frame_tcp(&in, HOST, VIP, 1234, 80, 0x02, 1000, 0, 10);
	one(0);
	g_assert_cmpuint(out[0].len, ==, L4_6 + 20);
	g_assert_true(addr_at(&out[0], L3 + 8, VIP));
	g_assert_true(addr_at(&out[0], L3 + 24, HOST));
	g_assert_cmpuint(be32_at(&out[0], L4_6 + 8), ==, 1011);
	g_assert_cmpuint(out[0].b[L4_6 + 13], ==, 0x14);
	frame_tcp(&in, HOST, VIP, 1234, 80, 0x10, 1000, 555, 0);
	one(0);
	g_assert_cmpuint(be32_at(&out[0], L4_6 + 4), ==, 555);
	g_assert_cmpuint(out[0].b[L4_6 + 13], ==, 0x04);
	frame_tcp(&in, HOST, VIP, 1234, 80, 0x04, 1000, 0, 0);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("ipv6", "no-listener"), ==, 1);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/ip6/refused", test_refused);
	g_test_add_func("/packet/ip6/forward", test_forward);
	g_test_add_func("/packet/ip6/errors", test_errors);
	g_test_add_func("/packet/ip6/echo", test_echo);
	g_test_add_func("/packet/ip6/reset", test_reset);
	rc = g_test_run();
	harness_fini();
	return rc;
}
