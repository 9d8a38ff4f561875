/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct routing: the packet reaches the server as the client sent it, one hop less, by the server's
 * Ethernet address; answers do not pass here.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_tcp.h>

#include "harness.h"
#include "lbtest.h"

#define PORT 80

/** struct row: a packet of a client; the ICMP error that refuses it, or 0: it is forwarded. */
struct row {
	const char *name;
	struct pk in;
	uint8_t icmp4[2]; /* type, code */
	uint8_t icmp6[2];
};

static const struct row rows[] = {
	{ "UDP", { .proto = IPPROTO_UDP, .len = 18 } },
	{ "UDP, wrong checksum stays wrong", { .proto = IPPROTO_UDP, .len = 19, .csum_error = 7 } },
	{ "UDP without checksum", { .proto = IPPROTO_UDP, .len = 18, .no_csum = true } },
	{ "UDP, last hop but one", { .proto = IPPROTO_UDP, .len = 18, .ttl = 2 } },
	{ "UDP, hops used up", { .proto = IPPROTO_UDP, .len = 18, .ttl = 1 }, { 11, 0 }, { 3, 0 } },
	{ "UDP, too long", { .proto = IPPROTO_UDP, .len = 1600, .df = true }, { 3, 4 }, { 2, 0 } },
	{ "SYN, options as they were",
	  { .proto = IPPROTO_TCP, .flags = RTE_TCP_SYN_FLAG, .opts = { 2, 4, 0x23, 0x00, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1 }, .opts_len = 16 } },
};

static void
test_table(gconstpointer data)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };
	uint8_t af = lb_test_af(data);

	for (unsigned int i = 0; i < G_N_ELEMENTS(protos); i++) {
		lb_service(af, protos[i], PORT, "rr");
		lb_dest(af, protos[i], PORT, DPVS_FWD_DR, 3, PORT);
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		const uint8_t *icmp = af == AF_INET ? rows[i].icmp4 : rows[i].icmp6;
		struct pk in = rows[i].in, out;

		g_test_message("%s", rows[i].name);
		in.af = af;
		in.src = lb_addr(af, NET_FAR, 77);
		in.dst = lb_addr(af, NET_CLIENT, HOST_VIP);
		in.sport = (uint16_t)(2000 + i);
		in.dport = PORT;
		in.mark = g_test_rand_int();
		if (icmp[0] != 0) {
			out = lb_forward(PORT_CLIENT, 0, &in, PORT_CLIENT);
			g_assert_cmpuint(out.icmp_type, ==, icmp[0]);
			g_assert_cmpuint(out.icmp_code, ==, icmp[1]);
			g_assert_true(out.l4_ok);
			lb_assert_addr(out.dst, af, NET_FAR, 77);
			g_assert_cmphex(out.to.addr_bytes[5], ==, HOST_ROUTER);
		} else {
			out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
			g_assert_cmpmem(&out.src, sizeof(out.src), &in.src, sizeof(in.src));
			g_assert_cmpmem(&out.dst, sizeof(out.dst), &in.dst, sizeof(in.dst));
			g_assert_cmpuint(out.sport, ==, in.sport);
			g_assert_cmpuint(out.dport, ==, PORT);
			g_assert_cmpuint(out.ttl, ==, (in.ttl != 0 ? in.ttl : 64) - 1);
			g_assert_cmpuint(out.mark, ==, in.mark);
			g_assert_cmpuint(out.no_csum, ==, in.no_csum);
			g_assert_cmpmem(out.opts, out.opts_len, in.opts, in.opts_len);
			g_assert_true(out.l3_ok);
			g_assert_cmpint(out.l4_ok, ==, in.csum_error == 0);
			g_assert_cmphex(out.to.addr_bytes[5], ==, HOST_SERVER + 3);
			g_assert_cmphex(out.from.addr_bytes[5], ==, PORT_SERVER);
		}
		lb_none();
	}
	lb_service_del(af, IPPROTO_TCP, PORT);
	lb_service_del(af, IPPROTO_UDP, PORT);
}

/* What a server is counted for: IP bytes, without Ethernet. */
static void
test_counters(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = {
		.af = af,
		.src = lb_addr(af, NET_FAR, 78),
		.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
		.sport = 5000,
		.dport = PORT + 1,
		.len = 100,
	};
	struct dpvs_dest_info info;

	lb_service(af, IPPROTO_UDP, PORT + 1, "rr");
	lb_dest(af, IPPROTO_UDP, PORT + 1, DPVS_FWD_DR, 0, PORT + 1);
	for (unsigned int i = 0; i < 5; i++)
		lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	info = lb_dest_info(af, IPPROTO_UDP, PORT + 1, 0);
	g_assert_cmpuint(info.stats.conns, ==, 1);
	g_assert_cmpuint(info.stats.in_pkts, ==, 5);
	g_assert_cmpuint(info.stats.in_bytes, ==, 5 * (100 + 8 + (af == AF_INET ? 20 : 40)));
	g_assert_cmpuint(info.stats.out_pkts, ==, 0);
	g_assert_cmpuint(info.active_conns, ==, 1);
	g_assert_cmpuint(info.inactive_conns, ==, 0);
	lb_service_del(af, IPPROTO_UDP, PORT + 1);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	lb_test_add("/packet/dr/table", test_table, 0);
	lb_test_add("/packet/dr/counters", test_counters, 0);
	harness_init(1);
	lb_start(NULL);
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
