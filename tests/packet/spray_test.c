/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several workers: packets of many flows arrive on any worker in any order, in all forwarding modes, both
 * directions; none is lost, doubled or translated twice, and each flow keeps its server and local port.
 * Then connections by the ten thousands from one client through one local address, twice at once.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "harness.h"
#include "lb/laddr_port.h"
#include "lbtest.h"

#define WORKERS 3
#define PORT 80
#define SERVERS 4
#define FLOWS 300
#define ROUNDS 8
/* On their way at once: less than a ring holds. */
#define BATCH 512

/** struct sprayed: a flow, and what has been seen of it. */
struct sprayed {
	struct pk in;    /* as the client sends it */
	struct pk at_server; /* as the server sees it; len 0: not yet */
	uint8_t seen[ROUNDS];
};

static struct sprayed flows[FLOWS];

static unsigned int
any_worker(void)
{
	return (unsigned int)g_test_rand_int_range(0, WORKERS);
}

static void
services(uint8_t af, uint8_t proto, uint8_t fwd, unsigned int servers)
{
	lb_service(af, proto, PORT, "rr");
	for (unsigned int n = 0; n < servers; n++)
		lb_dest(af, proto, PORT, fwd, n, PORT);
	if (fwd == DPVS_FWD_FULLNAT)
		lb_laddr(af, proto, PORT, 0);
}

/* Which flow and round a packet belongs to is in its payload. */
static uint64_t
mark(uint32_t flow, uint32_t round)
{
	return (uint64_t)round << 32 | flow | 0xabull << 56;
}

static struct sprayed *
flow_of(const struct pk *p, uint32_t *ret_round)
{
	uint32_t flow = (uint32_t)p->mark;

	*ret_round = (uint32_t)(p->mark >> 32) & 0xffff;
	g_assert_cmphex(p->mark >> 56, ==, 0xab);
	g_assert_cmpuint(flow, <, FLOWS);
	g_assert_cmpuint(*ret_round, <, ROUNDS);
	return &flows[flow];
}

static void
check_at_server(const struct pk *p, uint8_t fwd)
{
	uint32_t round;
	struct sprayed *f = flow_of(p, &round);
	bool nat = fwd == DPVS_FWD_NAT, dr = fwd == DPVS_FWD_DR;

	g_assert_true(p->l3_ok && p->l4_ok);
	g_assert_cmpuint(p->ttl, ==, 63);
	g_assert_cmpuint(++f->seen[round], ==, 1);
	if (nat || dr) {
		g_assert_cmpmem(&p->src, sizeof(p->src), &f->in.src, sizeof(p->src));
		g_assert_cmpuint(p->sport, ==, f->in.sport);
	} else {
		lb_assert_addr(p->src, p->af, NET_SERVER, HOST_LADDR);
	}
	g_assert_cmpint(dr, ==, memcmp(&p->dst, &f->in.dst, sizeof(p->dst)) == 0);
	if (f->at_server.len == 0) {
		f->at_server = *p;
	} else {
		g_assert_cmpmem(&p->src, sizeof(p->src), &f->at_server.src, sizeof(p->src));
		g_assert_cmpmem(&p->dst, sizeof(p->dst), &f->at_server.dst, sizeof(p->dst));
		g_assert_cmpuint(p->sport, ==, f->at_server.sport);
		g_assert_cmpmem(&p->to, sizeof(p->to), &f->at_server.to, sizeof(p->to));
	}
}

static void
check_at_client(const struct pk *p)
{
	uint32_t round;
	struct sprayed *f = flow_of(p, &round);

	g_assert_true(p->l3_ok && p->l4_ok);
	g_assert_cmpuint(p->ttl, ==, 63);
	g_assert_cmpuint(++f->seen[round], ==, 1);
	g_assert_cmpmem(&p->src, sizeof(p->src), &f->in.dst, sizeof(p->src));
	g_assert_cmpmem(&p->dst, sizeof(p->dst), &f->in.src, sizeof(p->dst));
	g_assert_cmpuint(p->sport, ==, f->in.dport);
	g_assert_cmpuint(p->dport, ==, f->in.sport);
}

/* Sends @total packets that @make gives, in batches, and checks each that comes out. */
static void
pass(uint16_t in, uint16_t out, uint8_t fwd, const uint32_t *order, unsigned int total)
{
	struct rte_mbuf *pkts[BATCH];

	for (unsigned int done = 0; done < total;) {
		unsigned int n = MIN(total - done, BATCH);

		for (unsigned int i = 0; i < n; i++) {
			uint32_t flow = order[done + i] % FLOWS, round = order[done + i] / FLOWS;
			struct pk p = in == PORT_CLIENT ? flows[flow].in : lb_reverse(&flows[flow].at_server);

			p.mark = mark(flow, round);
			if (in == PORT_SERVER)
				p.flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
			lb_send(in, any_worker(), &p);
		}
		g_assert_cmpuint(lb_collect(out, pkts, n, 10000), ==, n);
		for (unsigned int i = 0; i < n; i++) {
			struct pk p = pk_parse(pkts[i]);

			if (out == PORT_SERVER)
				check_at_server(&p, fwd);
			else
				check_at_client(&p);
		}
		harness_free(pkts, n);
		done += n;
	}
	lb_none();
	for (unsigned int i = 0; i < FLOWS; i++) {
		for (unsigned int r = 0; r < ROUNDS; r++)
			g_assert_cmpuint(flows[i].seen[r], ==, 1);
		memset(flows[i].seen, 0, sizeof(flows[i].seen));
	}
}

static void
shuffle(uint32_t *order, unsigned int n)
{
	for (unsigned int i = n; i > 1; i--) {
		unsigned int j = (unsigned int)g_test_rand_int_range(0, (int)i);
		uint32_t x = order[i - 1];

		order[i - 1] = order[j];
		order[j] = x;
	}
}

static void
test_spray(gconstpointer data)
{
	uint8_t af = lb_test_af(data), fwd = (uint8_t)(lb_test_arg(data) & 15);
	uint8_t proto = (lb_test_arg(data) & 16) != 0 ? IPPROTO_TCP : IPPROTO_UDP;
	g_autofree uint32_t *order = g_new(uint32_t, FLOWS * ROUNDS);
	uint64_t drops = harness_drops();

	memset(flows, 0, sizeof(flows));
	services(af, proto, fwd, SERVERS);
	for (unsigned int i = 0; i < FLOWS; i++) {
		flows[i].in = (struct pk){
			.af = af,
			.proto = proto,
			.src = lb_addr(af, NET_FAR, 1 + i % 50),
			.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
			.sport = (uint16_t)(1024 + i + fwd * 2000),
			.dport = PORT,
			.flags = RTE_TCP_SYN_FLAG,
			.len = 40,
		};
	}
	for (unsigned int i = 0; i < FLOWS * ROUNDS; i++)
		order[i] = i;
	shuffle(order, FLOWS * ROUNDS);
	pass(PORT_CLIENT, PORT_SERVER, fwd, order, FLOWS * ROUNDS);
	if (fwd != DPVS_FWD_DR) {
		shuffle(order, FLOWS * ROUNDS);
		pass(PORT_SERVER, PORT_CLIENT, fwd, order, FLOWS * ROUNDS);
	}
	g_assert_cmpuint(lb_conn_count(), ==, FLOWS);
	g_assert_cmpuint(harness_drops(), ==, drops);
	g_assert_cmpuint(harness_stat("handover", "in"), >, 0);
	g_assert_cmpuint(harness_stat("handover", "in"), ==, harness_stat("handover", "out"));
	lb_stop();
	lb_start(NULL);
}

/*
 * ---- datagrams in fragments
 */

#define DATAGRAM 1900
#define PART 600 /* bytes of a fragment; a multiple of 8 */

static unsigned int
ip_len(uint8_t af)
{
	return af == AF_INET ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

/* @whole in fragments, each to a worker of its own, the last one first. */
static void
send_fragments(const struct rte_mbuf *whole, uint8_t af, uint16_t id)
{
	const uint8_t *frame = rte_pktmbuf_mtod(whole, const uint8_t *);
	unsigned int hlen = 14 + ip_len(af), len = whole->pkt_len - hlen;

	for (int at = (int)((len - 1) / PART * PART); at >= 0; at -= PART) {
		unsigned int n = MIN(PART, len - (unsigned int)at), more = (unsigned int)at + n < len;
		uint8_t buf[2048], *data = buf + hlen;

		memcpy(buf, frame, hlen);
		if (af == AF_INET) {
			struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(buf + 14);

			ip->packet_id = rte_cpu_to_be_16(id);
			ip->fragment_offset = rte_cpu_to_be_16((uint16_t)((unsigned int)at / 8 | more << 13));
			ip->total_length = rte_cpu_to_be_16((uint16_t)(n + sizeof(*ip)));
			ip->hdr_checksum = 0;
			ip->hdr_checksum = rte_ipv4_cksum(ip);
		} else {
			struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(buf + 14);
			const uint8_t ext[8] = { ip->proto, 0, (uint8_t)(at >> 8), (uint8_t)(at | (int)more), 0, 0,
						 (uint8_t)(id >> 8), (uint8_t)id };

			ip->proto = IPPROTO_FRAGMENT;
			ip->payload_len = rte_cpu_to_be_16((uint16_t)(n + sizeof(ext)));
			memcpy(data, ext, sizeof(ext));
			data += sizeof(ext);
		}
		memcpy(data, frame + hlen + at, n);
		harness_inject(PORT_CLIENT, any_worker(), harness_frame(buf, (size_t)(data - buf) + n));
	}
}

/* What comes out of the server's port, whether whole or in fragments, as one packet. */
static struct pk
recv_joined(uint8_t af, unsigned int l4_len)
{
	unsigned int hlen = 14 + ip_len(af), got = 0;
	uint8_t buf[2048];
	struct rte_mbuf *m;
	struct pk p;

	while (got < l4_len) {
		uint8_t flat[2048];
		const uint8_t *frame, *data;
		unsigned int at = 0, n;

		g_assert_cmpuint(lb_collect(PORT_SERVER, &m, 1, 10000), ==, 1);
		g_assert_true(pk_parse(m).l3_ok);
		frame = rte_pktmbuf_read(m, 0, m->pkt_len, flat);
		data = frame + hlen;
		n = m->pkt_len - hlen;
		memcpy(buf, frame, hlen);
		if (af == AF_INET) {
			struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(buf + 14);

			at = (rte_be_to_cpu_16(ip->fragment_offset) & RTE_IPV4_HDR_OFFSET_MASK) * 8u;
			ip->fragment_offset = 0;
			ip->total_length = rte_cpu_to_be_16((uint16_t)(l4_len + sizeof(*ip)));
			ip->hdr_checksum = 0;
			ip->hdr_checksum = rte_ipv4_cksum(ip);
		} else {
			struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(buf + 14);

			if (ip->proto == IPPROTO_FRAGMENT) {
				at = (data[2] << 8 | data[3]) & 0xfff8u;
				ip->proto = data[0];
				data += 8;
				n -= 8;
			}
			ip->payload_len = rte_cpu_to_be_16((uint16_t)l4_len);
		}
		g_assert_cmpuint(at + n, <=, l4_len);
		memcpy(buf + hlen + at, data, n);
		got += n;
		harness_free(&m, 1);
	}
	g_assert_cmpuint(got, ==, l4_len);
	m = harness_frame(buf, hlen + l4_len);
	p = pk_parse(m);
	harness_free(&m, 1);
	return p;
}

/* Only the first fragment has ports; whoever gets which, the server sees the datagram, rightly translated. */
static void
test_fragments(gconstpointer data)
{
	uint8_t af = lb_test_af(data), fwd = (uint8_t)lb_test_arg(data);

	services(af, IPPROTO_UDP, fwd, 1);
	for (unsigned int i = 0; i < 50; i++) {
		struct pk in = {
			.af = af,
			.proto = IPPROTO_UDP,
			.src = lb_addr(af, NET_FAR, 1 + i),
			.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
			.sport = (uint16_t)(20000 + i),
			.dport = PORT,
			.len = DATAGRAM,
			.mark = i * 0x0101010101ull,
		};
		struct rte_mbuf *whole = pk_make(PORT_CLIENT, &in);
		struct pk out;

		send_fragments(whole, af, (uint16_t)(i + 1));
		harness_free(&whole, 1);
		out = recv_joined(af, DATAGRAM + 8);
		g_assert_true(out.l4_ok);
		g_assert_cmpuint(out.mark, ==, in.mark);
		g_assert_cmpuint(out.len, ==, DATAGRAM);
		g_assert_cmpuint(out.dport, ==, PORT);
		if (fwd == DPVS_FWD_FULLNAT)
			lb_assert_addr(out.src, af, NET_SERVER, HOST_LADDR);
		else
			g_assert_cmpuint(out.sport, ==, in.sport);
	}
	lb_none();
	g_assert_cmpuint(lb_conn_count(), ==, 50);
	lb_stop();
	lb_start(NULL);
}

/*
 * ---- many connections of one client
 */

#define MANY 70000
#define STEP 500

/** struct side: a connection as the server knows it. */
struct side {
	uint16_t port;
	uint32_t end; /* of the client's sequence numbers */
	bool used;
};

/* By server and local port: what that server still has in TIME_WAIT. */
static struct side sides[2][65536];

static struct pk
syn(uint8_t af, uint32_t i, uint32_t isn)
{
	static const uint8_t opts[] = { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7 };
	struct pk p = {
		.af = af,
		.proto = IPPROTO_TCP,
		/* One client has 65,536 ports, so it comes from two addresses. */
		.src = lb_addr(af, NET_FAR, 9 + i / 35000),
		.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
		.sport = (uint16_t)(10000 + i % 35000),
		.dport = PORT,
		.flags = RTE_TCP_SYN_FLAG,
		.seq = isn,
		.opts_len = sizeof(opts),
	};

	memcpy(p.opts, opts, sizeof(opts));
	return p;
}

static bool
has_timestamp(const struct pk *p)
{
	return p->opts[6] == 8 && p->opts[7] == 10;
}

/* What a server says to a SYN for a connection that it has in TIME_WAIT (RFC 6191, as Linux does it). */
static void
server_takes(const struct pk *p, unsigned int *ret_shifted)
{
	unsigned int server = p->to.addr_bytes[5] - HOST_SERVER;
	struct side *s = &sides[server][p->sport];

	g_assert_cmpuint(server, <, 2);
	g_assert_true(p->l3_ok && p->l4_ok);
	if (s->used) {
		g_assert_false(has_timestamp(p));
		g_assert_cmpint((int32_t)(p->seq - s->end), >, 0);
		(*ret_shifted)++;
	}
	s->used = true;
	s->end = p->seq + 1;
}

/* One round: each connection is opened, answered and closed by both, and stays in TIME_WAIT. */
static void
open_many(uint8_t af, uint32_t isn, unsigned int *ret_shifted)
{
	struct rte_mbuf *pkts[STEP];
	struct pk at_server[STEP], p;

	*ret_shifted = 0;
	for (uint32_t base = 0; base < MANY; base += STEP) {
		for (unsigned int i = 0; i < STEP; i++) {
			p = syn(af, base + i, isn);
			p.mark = i;
			lb_send(PORT_CLIENT, any_worker(), &p);
		}
		g_assert_cmpuint(lb_collect(PORT_SERVER, pkts, STEP, 10000), ==, STEP);
		for (unsigned int i = 0; i < STEP; i++) {
			p = pk_parse(pkts[i]);
			g_assert_cmpuint(p.mark, <, STEP);
			at_server[p.mark] = p;
			server_takes(&p, ret_shifted);
		}
		harness_free(pkts, STEP);

		/* The answer acknowledges what the client sent, whatever the server saw. */
		for (unsigned int i = 0; i < STEP; i++) {
			p = lb_reverse(&at_server[i]);
			p.flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
			p.ack = at_server[i].seq + 1;
			p.seq = 77;
			p.mark = i;
			lb_send(PORT_SERVER, any_worker(), &p);
		}
		g_assert_cmpuint(lb_collect(PORT_CLIENT, pkts, STEP, 10000), ==, STEP);
		for (unsigned int i = 0; i < STEP; i++) {
			p = pk_parse(pkts[i]);
			g_assert_true(p.l4_ok);
			g_assert_cmphex(p.ack, ==, isn + 1);
			g_assert_cmphex(p.seq, ==, 77);
		}
		harness_free(pkts, STEP);

		for (unsigned int side = 0; side < 2; side++) {
			for (unsigned int i = 0; i < STEP; i++) {
				p = side == 0 ? syn(af, base + i, isn + 1) : lb_reverse(&at_server[i]);
				p.flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG;
				p.opts_len = 0;
				lb_send(side == 0 ? PORT_CLIENT : PORT_SERVER, any_worker(), &p);
			}
			g_assert_cmpuint(lb_collect(side == 0 ? PORT_SERVER : PORT_CLIENT, pkts, STEP, 10000), ==,
					 STEP);
			for (unsigned int i = 0; side == 0 && i < STEP; i++) {
				unsigned int server;

				p = pk_parse(pkts[i]);
				server = p.to.addr_bytes[5] - HOST_SERVER;
				/* In step with what its SYN was shifted by. */
				g_assert_cmphex(p.seq, ==, sides[server][p.sport].end);
				sides[server][p.sport].end = p.seq + 8 + 1;
			}
			harness_free(pkts, STEP);
		}
	}
}

static void
test_many(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	uint64_t drops = harness_drops();
	unsigned int shifted;

	memset(sides, 0, sizeof(sides));
	services(af, IPPROTO_TCP, DPVS_FWD_FULLNAT, 2);
	open_many(af, 0x80000000, &shifted);
	g_assert_cmpuint(shifted, ==, 0);
	g_assert_cmpuint(lb_conn_count(), ==, MANY);
	/* At once again, with numbers that lie before the old ones: ports run out, all get one. */
	open_many(af, 0x7f000000, &shifted);
	g_assert_cmpuint(shifted, >, 0);
	g_assert_cmpuint(harness_stat("conn", "no-port"), ==, 0);
	g_assert_cmpuint(harness_drops(), ==, drops);
	lb_stop();
	lb_start(NULL);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned int arg;
	} modes[] = {
		{ "dr/udp", DPVS_FWD_DR },
		{ "nat/udp", DPVS_FWD_NAT },
		{ "nat/tcp", DPVS_FWD_NAT | 16 },
		{ "fnat/udp", DPVS_FWD_FULLNAT },
		{ "fnat/tcp", DPVS_FWD_FULLNAT | 16 },
	};
	int rc;

	g_test_init(&argc, &argv, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *path = g_strconcat("/packet/spray/", modes[i].name, NULL);

		lb_test_add(path, test_spray, modes[i].arg);
	}
	lb_test_add("/packet/spray/fragments/fnat", test_fragments, DPVS_FWD_FULLNAT);
	lb_test_add("/packet/spray/fragments/nat", test_fragments, DPVS_FWD_NAT);
	lb_test_add("/packet/spray/fragments/dr", test_fragments, DPVS_FWD_DR);
	lb_test_add("/packet/spray/many connections twice", test_many, 0);
	harness_init(WORKERS);
	lb_start(NULL);
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
