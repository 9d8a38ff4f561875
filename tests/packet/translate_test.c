/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT and full-NAT: what comes out for what goes in, both directions, IPv4 and IPv6.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_tcp.h>

#include "harness.h"
#include "lbtest.h"

#define PORT 80
#define DPORT 8080

enum verdict {
	FORWARD,
	REFUSE, /* an ICMP error to the client */
	RESET,  /* a TCP reset to the client */
	DROP,
	CUT, /* in fragments (IPv4), refused (IPv6) */
};

/** struct row: a packet of a client, and what becomes of it. */
struct row {
	const char *name;
	struct pk in;
	enum verdict verdict;
	uint8_t icmp4[2]; /* type, code */
	uint8_t icmp6[2];
	const char *counter; /* of module conn */
};

#define SYN RTE_TCP_SYN_FLAG
#define MSS_1460 { 2, 4, 0x05, 0xb4, 1, 1, 4, 2 }

static const struct row rows[] = {
	{ .name = "UDP", .in = { .proto = IPPROTO_UDP, .len = 18 } },
	{ .name = "UDP, odd length", .in = { .proto = IPPROTO_UDP, .len = 33 } },
	{ .name = "UDP, as long as fits", .in = { .proto = IPPROTO_UDP, .len = 1440, .df = true } },
	{ .name = "UDP, wrong checksum stays wrong", .in = { .proto = IPPROTO_UDP, .len = 20, .csum_error = 2 } },
	{ .name = "UDP, last hop but one", .in = { .proto = IPPROTO_UDP, .len = 20, .ttl = 2 } },
	{ .name = "UDP, hops used up", .in = { .proto = IPPROTO_UDP, .len = 20, .ttl = 1 }, REFUSE,
	  { 11, 0 }, { 3, 0 }, "ttl" },
	{ .name = "UDP, too long, not to be cut", .in = { .proto = IPPROTO_UDP, .len = 1600, .df = true },
	  REFUSE, { 3, 4 }, { 2, 0 }, "too-big" },
	{ .name = "UDP, too long", .in = { .proto = IPPROTO_UDP, .len = 1600 }, CUT, { 0 }, { 2, 0 } },
	{ .name = "SYN", .in = { .proto = IPPROTO_TCP, .flags = SYN, .len = 8 } },
	{ .name = "SYN with options",
	  .in = { .proto = IPPROTO_TCP, .flags = SYN, .len = 8, .opts = { 2, 4, 0x05, 0x50, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7 }, .opts_len = 20 } },
	{ .name = "ACK without connection", .in = { .proto = IPPROTO_TCP, .flags = RTE_TCP_ACK_FLAG, .len = 8 },
	  RESET, .counter = "not-syn" },
	{ .name = "SYN and ACK without connection",
	  .in = { .proto = IPPROTO_TCP, .flags = SYN | RTE_TCP_ACK_FLAG, .len = 8 }, RESET, .counter = "not-syn" },
};

static uint8_t fwd;

/* The address family and the forwarding mode of a test. */
static uint8_t
begin(gconstpointer data)
{
	fwd = (uint8_t)lb_test_arg(data);
	return lb_test_af(data);
}

static void
services(uint8_t af)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (unsigned int i = 0; i < G_N_ELEMENTS(protos); i++) {
		lb_service(af, protos[i], PORT, "rr");
		lb_dest(af, protos[i], PORT, fwd, 0, DPORT);
		if (fwd == DPVS_FWD_FULLNAT)
			lb_laddr(af, protos[i], PORT, 0);
	}
}

static void
services_del(uint8_t af)
{
	lb_service_del(af, IPPROTO_TCP, PORT);
	lb_service_del(af, IPPROTO_UDP, PORT);
}

/* What the server sees of @in, which came as @out. */
static void
check_to_server(const struct pk *in, const struct pk *out)
{
	lb_assert_addr(out->dst, in->af, NET_SERVER, HOST_SERVER);
	g_assert_cmpuint(out->dport, ==, DPORT);
	if (fwd == DPVS_FWD_FULLNAT) {
		lb_assert_addr(out->src, in->af, NET_SERVER, HOST_LADDR);
		g_assert_cmpuint(out->sport, >=, 1024);
	} else {
		lb_assert_addr(out->src, in->af, NET_CLIENT, HOST_CLIENT);
		g_assert_cmpuint(out->sport, ==, in->sport);
	}
	g_assert_cmpuint(out->proto, ==, in->proto);
	g_assert_cmpuint(out->ttl, ==, (in->ttl != 0 ? in->ttl : 64) - 1);
	g_assert_cmpuint(out->len, ==, MAX(in->len, 8));
	g_assert_cmpuint(out->mark, ==, in->mark);
	g_assert_cmpuint(out->no_csum, ==, in->no_csum);
	g_assert_cmpuint(out->flags, ==, in->flags);
	g_assert_cmpuint(out->seq, ==, in->seq);
	g_assert_cmpmem(out->opts, out->opts_len, in->opts, in->opts_len);
	g_assert_true(out->l3_ok);
	g_assert_cmpint(out->l4_ok, ==, in->csum_error == 0);
	/* The server's address, not the broadcast one. */
	g_assert_cmphex(out->to.addr_bytes[5], ==, HOST_SERVER);
}

static void
check_to_client(const struct pk *request, const struct pk *in, const struct pk *out)
{
	lb_assert_addr(out->src, in->af, NET_CLIENT, HOST_VIP);
	lb_assert_addr(out->dst, in->af, NET_CLIENT, HOST_CLIENT);
	g_assert_cmpuint(out->sport, ==, PORT);
	g_assert_cmpuint(out->dport, ==, request->sport);
	g_assert_cmpuint(out->ttl, ==, 63);
	g_assert_cmpuint(out->mark, ==, in->mark);
	g_assert_cmpuint(out->no_csum, ==, in->no_csum);
	g_assert_true(out->l3_ok);
	g_assert_cmpint(out->l4_ok, ==, in->csum_error == 0);
	g_assert_cmphex(out->to.addr_bytes[5], ==, HOST_CLIENT);
}

static struct pk
from_client(uint8_t af, const struct pk *p, uint16_t sport)
{
	struct pk in = *p;

	in.af = af;
	in.src = lb_addr(af, NET_CLIENT, HOST_CLIENT);
	in.dst = lb_addr(af, NET_CLIENT, HOST_VIP);
	/* As in LVS a connection goes on when its server comes back: each mode has client ports of its own. */
	in.sport = (uint16_t)(sport + fwd * 1000);
	in.dport = PORT;
	in.mark = g_test_rand_int();
	if (in.proto == IPPROTO_TCP)
		in.seq = (uint32_t)g_test_rand_int();
	return in;
}

static void
refused(const struct row *row, const struct pk *in)
{
	const uint8_t *icmp = in->af == AF_INET ? row->icmp4 : row->icmp6;
	struct pk out = lb_forward(PORT_CLIENT, 0, in, PORT_CLIENT);

	g_assert_cmpuint(out.proto, ==, in->af == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	g_assert_cmpuint(out.icmp_type, ==, icmp[0]);
	g_assert_cmpuint(out.icmp_code, ==, icmp[1]);
	g_assert_true(out.l4_ok);
	lb_assert_addr(out.dst, in->af, NET_CLIENT, HOST_CLIENT);
	/* It quotes the client's own packet. */
	if (in->af == AF_INET)
		g_assert_cmpmem(&out.quoted[16], 4, &in->dst, 4);
	else
		g_assert_cmpmem(&out.quoted[24], 16, &in->dst, 16);
	if (strcmp(row->name, "UDP, too long, not to be cut") == 0)
		g_assert_cmpuint(in->af == AF_INET ? out.icmp_info & 0xffff : out.icmp_info, ==, 1500);
}

static void
fragments(const struct pk *in)
{
	struct rte_mbuf *pkts[2];
	struct pk first;

	lb_send(PORT_CLIENT, 0, in);
	g_assert_cmpuint(lb_collect(PORT_SERVER, pkts, 2, 5000), ==, 2);
	for (unsigned int i = 0; i < 2; i++) {
		first = pk_parse(pkts[i]);
		g_assert_true(first.fragment);
		g_assert_true(first.l3_ok);
		lb_assert_addr(first.dst, in->af, NET_SERVER, HOST_SERVER);
	}
	harness_free(pkts, 2);
}

static void
test_table(gconstpointer data)
{
	uint8_t af = begin(data);

	services(af);
	for (unsigned int i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct pk in = from_client(af, &rows[i].in, (uint16_t)(2000 + i)), out, reply;
		uint64_t before = rows[i].counter != NULL ? harness_stat("conn", rows[i].counter) : 0;

		g_test_message("%s", rows[i].name);
		switch (rows[i].verdict) {
		case FORWARD:
			out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
			check_to_server(&in, &out);
			reply = lb_reverse(&out);
			reply.len = in.len;
			reply.csum_error = in.csum_error;
			reply.flags = SYN | RTE_TCP_ACK_FLAG;
			reply.mark = g_test_rand_int();
			out = lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
			check_to_client(&in, &reply, &out);
			break;
		case CUT:
			if (af == AF_INET) {
				fragments(&in);
				break;
			}
			/* fallthrough */
		case REFUSE:
			refused(&rows[i], &in);
			break;
		case RESET:
			out = lb_forward(PORT_CLIENT, 0, &in, PORT_CLIENT);
			g_assert_cmpuint(out.flags & RTE_TCP_RST_FLAG, !=, 0);
			break;
		case DROP:
			lb_drops(PORT_CLIENT, 0, &in, "conn", rows[i].counter);
			break;
		}
		lb_none();
		if (rows[i].counter != NULL)
			g_assert_cmpuint(harness_stat("conn", rows[i].counter), ==, before + 1);
	}
	services_del(af);
}

/* UDP without a checksum keeps none; so it is for IPv6, where only tunnels do that (RFC 6936). */
static void
test_no_checksum(gconstpointer data)
{
	uint8_t af = begin(data);
	const struct pk p = { .proto = IPPROTO_UDP, .no_csum = true, .len = 20 };
	struct pk in = from_client(af, &p, 3000), out, reply;

	services(af);
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	check_to_server(&in, &out);
	reply = lb_reverse(&out);
	reply.no_csum = true;
	out = lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
	check_to_client(&in, &reply, &out);
	services_del(af);
}

/* A checksum that becomes 0 on the way is sent as 0xffff: 0 means none. */
static void
test_zero_checksum(gconstpointer data)
{
	uint8_t af = begin(data);
	const struct pk p = { .proto = IPPROTO_UDP, .len = 20 };
	struct pk in = from_client(af, &p, 3001), out;
	unsigned int seen = 0;

	services(af);
	/* One mark in 65,536 does it: two bytes of the payload take all values. */
	for (uint32_t i = 0; i < 65536; i += 64) {
		struct rte_mbuf *pkts[64];
		unsigned int n;

		for (uint32_t j = 0; j < 64; j++) {
			in.mark = i + j;
			lb_send(PORT_CLIENT, 0, &in);
		}
		n = lb_collect(PORT_SERVER, pkts, 64, 5000);
		g_assert_cmpuint(n, ==, 64);
		for (uint32_t j = 0; j < 64; j++) {
			uint16_t csum;

			out = pk_parse(pkts[j]);
			g_assert_true(out.l4_ok);
			g_assert_false(out.no_csum);
			memcpy(&csum, rte_pktmbuf_mtod_offset(pkts[j], char *, 14 + (af == AF_INET ? 20 : 40) + 6), 2);
			seen += csum == 0xffff;
		}
		harness_free(pkts, n);
	}
	g_assert_cmpuint(seen, >=, 1);
	services_del(af);
}

/* A SYN that promises more than the ways on both sides take is lowered, either direction. */
static void
test_mss(gconstpointer data)
{
	uint8_t af = begin(data);
	const struct pk p = { .proto = IPPROTO_TCP, .flags = SYN, .opts = { 2, 4, 0x23, 0x00 }, .opts_len = 4 };
	struct pk in = from_client(af, &p, 3002), out, reply;
	unsigned int want = af == AF_INET ? 1460 : 1440;

	services(af);
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	g_assert_cmpuint(out.opts[2] << 8 | out.opts[3], ==, want);
	g_assert_true(out.l4_ok);
	reply = lb_reverse(&out);
	reply.flags = SYN | RTE_TCP_ACK_FLAG;
	memcpy(reply.opts, p.opts, 4);
	reply.opts_len = 4;
	out = lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
	g_assert_cmpuint(out.opts[2] << 8 | out.opts[3], ==, want);
	g_assert_true(out.l4_ok);
	services_del(af);
}

/* Headers that lie about their length are dropped by name, before anything is made of them. */
static void
test_broken(gconstpointer data)
{
	uint8_t af = begin(data);
	uint32_t ip = 14 + (af == AF_INET ? 20 : 40);
	const struct pk tcp = { .proto = IPPROTO_TCP, .flags = SYN }, udp = { .proto = IPPROTO_UDP };
	struct pk in;
	struct rte_mbuf *m;
	uint64_t bad, drops;

	services(af);
	bad = harness_stat("conn", "bad-l4");
	drops = harness_drops();

	in = from_client(af, &tcp, 3003);
	m = pk_make(PORT_CLIENT, &in);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, ip + 12) = 0x40; /* header of 16 bytes */
	harness_inject(PORT_CLIENT, 0, m);
	m = pk_make(PORT_CLIENT, &in);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, ip + 12) = 0xf0; /* longer than the packet */
	harness_inject(PORT_CLIENT, 0, m);
	in = from_client(af, &udp, 3004);
	m = pk_make(PORT_CLIENT, &in);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, ip + 5) = 7; /* shorter than its header */
	harness_inject(PORT_CLIENT, 0, m);
	m = pk_make(PORT_CLIENT, &in);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, ip + 4) = 1; /* longer than the packet */
	harness_inject(PORT_CLIENT, 0, m);
	lb_none();
	g_assert_cmpuint(harness_stat("conn", "bad-l4"), ==, bad + 4);
	g_assert_cmpuint(harness_drops(), ==, drops + 4);
	services_del(af);
}

/* Servers with no way to them: the client hears it. */
static void
test_no_server(gconstpointer data)
{
	uint8_t af = begin(data);
	const struct pk p = { .proto = IPPROTO_UDP };
	struct pk in = from_client(af, &p, 3005), out;

	lb_service(af, IPPROTO_UDP, PORT, "rr");
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_CLIENT);
	g_assert_cmpuint(out.icmp_type, ==, af == AF_INET ? 3 : 1);
	g_assert_cmpuint(out.icmp_code, ==, af == AF_INET ? 3 : 4);
	lb_service_del(af, IPPROTO_UDP, PORT);
}

static void
add_all(const char *mode, unsigned int arg)
{
	static const struct {
		const char *name;
		void (*fn)(gconstpointer data);
	} tests[] = {
		{ "table", test_table },
		{ "zero checksum", test_zero_checksum },
		{ "no checksum", test_no_checksum },
		{ "mss", test_mss },
		{ "broken", test_broken },
		{ "no server", test_no_server },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/packet/%s/%s", mode, tests[i].name);

		lb_test_add(path, tests[i].fn, arg);
	}
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	add_all("fnat", DPVS_FWD_FULLNAT);
	add_all("nat", DPVS_FWD_NAT);
	/* One daemon for all; each test takes away what it added. */
	harness_init(1);
	lb_start(NULL);
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
