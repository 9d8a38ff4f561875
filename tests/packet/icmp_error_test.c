/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about packets of connections, from both sides and in all forwarding modes: they reach the end
 * that sent the packet, on whatever worker they arrive, quoting what that end had sent.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "harness.h"
#include "lbtest.h"

#define PORT 80
#define DPORT 8080
#define WORKERS 2

static uint16_t next_sport = 3000;

/** struct flow_test: a connection, and the packets of it that passed. */
struct flow_test {
	uint8_t af;
	uint8_t fwd;
	uint8_t proto;
	struct pk in;             /* as the client sent it */
	struct rte_mbuf *to_server; /* as it left */
	struct rte_mbuf *to_client;
	struct pk reply;          /* as the server sent it */
};

static struct rte_mbuf *
take(uint16_t port)
{
	struct rte_mbuf *m;

	g_assert_cmpuint(lb_collect(port, &m, 1, 5000), ==, 1);
	return m;
}

static struct flow_test
start(uint8_t af, uint8_t fwd, uint8_t proto)
{
	struct flow_test t = {
		.af = af,
		.fwd = fwd,
		.proto = proto,
		.in = {
			.af = af,
			.proto = proto,
			.src = lb_addr(af, NET_CLIENT, HOST_CLIENT),
			.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
			.sport = next_sport++,
			.dport = PORT,
			.flags = RTE_TCP_SYN_FLAG,
			.seq = 1000,
		},
	};
	struct pk out;

	lb_service(af, proto, PORT, "rr");
	lb_dest(af, proto, PORT, fwd, 0, fwd == DPVS_FWD_DR ? PORT : DPORT);
	if (fwd == DPVS_FWD_FULLNAT)
		lb_laddr(af, proto, PORT, 0);
	lb_send(PORT_CLIENT, 0, &t.in);
	t.to_server = take(PORT_SERVER);
	out = pk_parse(t.to_server);
	t.reply = lb_reverse(&out);
	t.reply.flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG;
	if (fwd != DPVS_FWD_DR) {
		lb_send(PORT_SERVER, 0, &t.reply);
		t.to_client = take(PORT_CLIENT);
	}
	return t;
}

static void
end(struct flow_test *t)
{
	rte_pktmbuf_free(t->to_server);
	rte_pktmbuf_free(t->to_client);
	lb_service_del(t->af, t->proto, PORT);
	lb_none();
}

static void
check_quote(const struct pk *error, const struct pk *sent)
{
	uint32_t at = error->af == AF_INET ? 20 : 40;
	uint16_t ports[2];

	if (error->af == AF_INET) {
		g_assert_cmpmem(&error->quoted[12], 4, &sent->src, 4);
		g_assert_cmpmem(&error->quoted[16], 4, &sent->dst, 4);
		g_assert_cmphex(rte_raw_cksum(error->quoted, 20), ==, 0xffff);
	} else {
		g_assert_cmpmem(&error->quoted[8], 16, &sent->src, 16);
		g_assert_cmpmem(&error->quoted[24], 16, &sent->dst, 16);
	}
	memcpy(ports, &error->quoted[at], 4);
	g_assert_cmpuint(rte_be_to_cpu_16(ports[0]), ==, sent->sport);
	g_assert_cmpuint(rte_be_to_cpu_16(ports[1]), ==, sent->dport);
	g_assert_cmpuint(error->quoted_len, >=, at + 8);
	g_assert_true(error->l3_ok);
	g_assert_true(error->l4_ok);
	g_assert_cmpuint(error->ttl, ==, 63);
	/* The whole packet is quoted here: its checksum has to be that of what was sent. */
	if (error->quoted_len >= at + 20 + 8 || sent->proto == IPPROTO_UDP) {
		struct rte_mbuf *m = pk_make(0, sent);
		unsigned int csum = sent->proto == IPPROTO_UDP ? 6 : 16;
		uint8_t want[2];

		memcpy(want, rte_pktmbuf_mtod_offset(m, char *, 14 + at + csum), 2);
		g_assert_cmpmem(&error->quoted[at + csum], 2, want, 2);
		rte_pktmbuf_free(m);
	}
}

static void
check(uint8_t af, uint8_t fwd, uint8_t proto)
{
	struct flow_test t = start(af, fwd, proto);
	union ip_addr router_behind = lb_addr(af, NET_SERVER, 99), router_far = lb_addr(af, NET_FAR, 99);
	struct pk out, about;

	for (unsigned int w = 0; w < WORKERS; w++) {
		/* From behind us, about what went to the server. */
		about = pk_parse(t.to_server);
		harness_inject(PORT_SERVER, w,
			       pk_icmp(PORT_SERVER, af, &router_behind, &about.src, af == AF_INET ? 3 : 2,
				       af == AF_INET ? 4 : 0, 1280, t.to_server));
		if (fwd == DPVS_FWD_DR) {
			/* It goes straight to the client: forwarded like any packet, not translated. */
			out = lb_recv(PORT_CLIENT);
			lb_assert_addr(out.dst, af, NET_CLIENT, HOST_CLIENT);
			g_assert_cmpmem(&out.src, sizeof(out.src), &router_behind, sizeof(router_behind));
		} else {
			out = lb_recv(PORT_CLIENT);
			lb_assert_addr(out.dst, af, NET_CLIENT, HOST_CLIENT);
			lb_assert_addr(out.src, af, NET_CLIENT, HOST_VIP);
			g_assert_cmpuint(out.icmp_type, ==, af == AF_INET ? 3 : 2);
			g_assert_cmpuint(out.icmp_info, ==, 1280);
			check_quote(&out, &t.in);
		}

		/* From the client's side, about what went to the client. */
		if (fwd == DPVS_FWD_DR) {
			/* The server's own packet, which did not pass here, from the VIP to the client. */
			struct pk direct = lb_reverse(&t.in);
			struct rte_mbuf *m = pk_make(PORT_CLIENT, &direct);

			harness_inject(PORT_CLIENT, w,
				       pk_icmp(PORT_CLIENT, af, &router_far, &t.in.dst, af == AF_INET ? 3 : 1,
					       1, 0, m));
			rte_pktmbuf_free(m);
			out = lb_recv(PORT_SERVER);
			g_assert_cmpmem(&out.dst, sizeof(out.dst), &t.in.dst, sizeof(t.in.dst));
			check_quote(&out, &direct);
		} else {
			about = pk_parse(t.to_client);
			harness_inject(PORT_CLIENT, w,
				       pk_icmp(PORT_CLIENT, af, &router_far, &about.src, af == AF_INET ? 3 : 1,
					       1, 0, t.to_client));
			out = lb_recv(PORT_SERVER);
			lb_assert_addr(out.dst, af, NET_SERVER, HOST_SERVER);
			if (fwd == DPVS_FWD_FULLNAT)
				lb_assert_addr(out.src, af, NET_SERVER, HOST_LADDR);
			else
				g_assert_cmpmem(&out.src, sizeof(out.src), &router_far, sizeof(router_far));
			g_assert_cmpuint(out.icmp_code, ==, 1);
			check_quote(&out, &t.reply);
		}
		g_assert_cmphex(out.to.addr_bytes[5], ==, HOST_SERVER);
	}
	end(&t);
}

static void
test_modes(gconstpointer data)
{
	static const uint8_t fwds[] = { DPVS_FWD_FULLNAT, DPVS_FWD_NAT, DPVS_FWD_DR };
	uint8_t af = lb_test_af(data);

	for (unsigned int i = 0; i < G_N_ELEMENTS(fwds); i++) {
		g_test_message("forwarding mode %u", fwds[i]);
		check(af, fwds[i], IPPROTO_TCP);
		check(af, fwds[i], IPPROTO_UDP);
	}
}

/* Damaged, cut off, about later fragments, about strangers: no packet to anybody of the connection. */
static void
test_refused(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct flow_test t = start(af, DPVS_FWD_FULLNAT, IPPROTO_UDP);
	union ip_addr router = lb_addr(af, NET_SERVER, 99);
	struct pk about = pk_parse(t.to_server);
	uint64_t bad = harness_stat("conn", "bad-icmp"), good = harness_stat("conn", "icmp-error");
	uint32_t icmp = 14 + (af == AF_INET ? 20 : 40);
	struct rte_mbuf *m;

	m = pk_icmp(PORT_SERVER, af, &router, &about.src, af == AF_INET ? 3 : 1, 1, 0, t.to_server);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, icmp + 4) ^= 1; /* checksum wrong */
	harness_inject(PORT_SERVER, 0, m);
	harness_settle();
	g_assert_cmpuint(harness_stat("conn", "bad-icmp"), ==, bad + 1);

	/* A redirect is no error about a connection. */
	m = pk_icmp(PORT_SERVER, af, &router, &about.src, af == AF_INET ? 5 : 137, 1, 0, t.to_server);
	harness_inject(PORT_SERVER, 0, m);
	harness_settle();
	g_assert_cmpuint(harness_stat("conn", "icmp-error"), ==, good);
	end(&t);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	lb_test_add("/packet/icmp error/modes", test_modes, 0);
	lb_test_add("/packet/icmp error/refused", test_refused, 0);
	harness_init(WORKERS);
	lb_start(NULL);
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
