/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as operators see them: states and time-outs step by step, what servers are counted for,
 * drained and removed servers, a full table, lists.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_tcp.h>

#include <dpvsctrl/proto/route.h>

#include "harness.h"
#include "lb/conn.h"
#include "lbtest.h"

#define PORT 80
#define CONN_MAX 64

enum {
	S = RTE_TCP_SYN_FLAG,
	A = RTE_TCP_ACK_FLAG,
	F = RTE_TCP_FIN_FLAG,
	R = RTE_TCP_RST_FLAG,
};

/** struct step: a packet and what the list of connections shows after it. */
struct step {
	bool reply;
	uint8_t flags;
	uint8_t state;
	uint32_t timeout_s;
	bool active;
};

static const struct step closes[] = {
	{ false, S, DPVS_CONN_SYN_RECV, 60, false },
	{ true, S | A, DPVS_CONN_SYN_RECV, 60, false },
	{ false, A, DPVS_CONN_ESTABLISHED, 900, true },
	{ true, A, DPVS_CONN_ESTABLISHED, 900, true },
	{ true, F | A, DPVS_CONN_FIN_WAIT, 120, false },
	{ false, A, DPVS_CONN_FIN_WAIT, 120, false },
	{ false, F | A, DPVS_CONN_TIME_WAIT, 120, false },
	{ true, A, DPVS_CONN_TIME_WAIT, 120, false },
};

static const struct step breaks[] = {
	{ false, S, DPVS_CONN_SYN_RECV, 60, false },
	{ true, S | A, DPVS_CONN_SYN_RECV, 60, false },
	{ false, A, DPVS_CONN_ESTABLISHED, 900, true },
	{ false, F | A, DPVS_CONN_CLOSE_WAIT, 60, false },
	{ true, R, DPVS_CONN_CLOSE, 10, false },
};

static uint16_t next_sport = 4000;

static void
service(uint8_t af, uint8_t proto, unsigned int servers)
{
	lb_service(af, proto, PORT, "rr");
	for (unsigned int n = 0; n < servers; n++)
		lb_dest(af, proto, PORT, DPVS_FWD_FULLNAT, n, PORT);
	lb_laddr(af, proto, PORT, 0);
}

static struct pk
client(uint8_t af, uint8_t proto, uint8_t flags)
{
	return (struct pk){
		.af = af,
		.proto = proto,
		.src = lb_addr(af, NET_CLIENT, HOST_CLIENT),
		.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
		.sport = next_sport++,
		.dport = PORT,
		.flags = flags,
	};
}

/* Ends what a test has left in the table: the daemon is stopped and started. */
static void
fresh(void)
{
	lb_stop();
	lb_start("[conn]\nmax=64\n");
}

static void
check_steps(uint8_t af, const struct step *steps, unsigned int n)
{
	struct pk in = client(af, IPPROTO_TCP, 0), out = { 0 };
	unsigned int ins = 0, outs = 0;

	service(af, IPPROTO_TCP, 1);
	for (unsigned int i = 0; i < n; i++) {
		struct pk reply = lb_reverse(&out);
		struct dpvs_conn_info conn;
		struct dpvs_dest_info dest;

		if (steps[i].reply) {
			reply.flags = steps[i].flags;
			lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
			outs++;
		} else {
			in.flags = steps[i].flags;
			out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
			ins++;
		}
		conn = lb_conn();
		dest = lb_dest_info(af, IPPROTO_TCP, PORT, 0);
		g_assert_cmpuint(conn.state, ==, steps[i].state);
		g_assert_cmpuint(conn.expire_ms, <=, steps[i].timeout_s * 1000);
		g_assert_cmpuint(conn.expire_ms, >, steps[i].timeout_s * 1000 - 5000);
		g_assert_cmpuint(dest.active_conns, ==, steps[i].active);
		g_assert_cmpuint(dest.inactive_conns, ==, !steps[i].active);
		g_assert_cmpuint(dest.stats.in_pkts, ==, ins);
		g_assert_cmpuint(dest.stats.out_pkts, ==, outs);
		g_assert_cmpuint(conn.in_pkts, ==, ins);
		g_assert_cmpuint(conn.out_pkts, ==, outs);
	}
	fresh();
}

static void
test_steps(gconstpointer data)
{
	check_steps(lb_test_af(data), closes, G_N_ELEMENTS(closes));
	check_steps(lb_test_af(data), breaks, G_N_ELEMENTS(breaks));
}

/* A client that comes again with the port of a connection that is over gets a new one. */
static void
test_again(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_TCP, S), out, reply;

	service(af, IPPROTO_TCP, 2);
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	/* The same SYN again is the same connection. */
	reply = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	g_assert_cmpuint(reply.sport, ==, out.sport);
	g_assert_cmpuint(lb_conn_count(), ==, 1);
	reply = lb_reverse(&out);
	reply.flags = R;
	lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
	g_assert_cmpuint(lb_conn().state, ==, DPVS_CONN_CLOSE);
	reply = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	g_assert_cmphex(reply.to.addr_bytes[5], !=, out.to.addr_bytes[5]);
	g_assert_cmpuint(lb_conn().state, ==, DPVS_CONN_SYN_RECV);
	fresh();
}

/* Two packets of one new flow in one vector make one connection. */
static void
test_burst(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_UDP, 0);
	struct rte_mbuf *pkts[40];

	service(af, IPPROTO_UDP, 2);
	for (unsigned int i = 0; i < G_N_ELEMENTS(pkts); i++)
		lb_send(PORT_CLIENT, 0, &in);
	g_assert_cmpuint(lb_collect(PORT_SERVER, pkts, G_N_ELEMENTS(pkts), 5000), ==, G_N_ELEMENTS(pkts));
	harness_free(pkts, G_N_ELEMENTS(pkts));
	g_assert_cmpuint(lb_conn().in_pkts, ==, G_N_ELEMENTS(pkts));
	fresh();
}

/* route_add_id: the request that adds a route, or takes it away. */
static uint32_t
route_add_id(uint8_t af, struct dpvs_route_conf *route, bool add)
{
	route->op = af == AF_INET6 && !add ? DPVS_ROUTE_OP_DEL : DPVS_ROUTE_OP_ADD;
	return af == AF_INET6 ? DPVS_SET_ROUTE6 : add ? DPVS_SET_ROUTE_ADD : DPVS_SET_ROUTE_DEL;
}

/*
 * A reset and the next SYN of one client port, often in one vector: the SYN's connection must not take the
 * place of the one that the reset still goes out by.
 */
static void
test_reset_then_syn(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_TCP, S), out, last;

	service(af, IPPROTO_TCP, 2);
	last = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	for (unsigned int i = 0; i < 200; i++) {
		struct pk reply = lb_reverse(&last);
		struct dpvs_route_conf route = {
			.dst = lb_wire_addr(af, NET_CLIENT, HOST_CLIENT + 1),
			.via = lb_wire_addr(af, NET_CLIENT, HOST_ROUTER),
			.plen = af == AF_INET ? 32 : 128,
		};

		reply.flags = S | A;
		lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
		in.flags = A;
		lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
		/* Routes move: the reset, whose connection has ended by then, looks its way up anew. */
		g_assert_cmpint(harness_set(route_add_id(af, &route, i % 2 == 0), &route, sizeof(route), 1), ==, 0);
		in.flags = R;
		lb_send(PORT_CLIENT, 0, &in);
		in.flags = S;
		lb_send(PORT_CLIENT, 0, &in);
		out = lb_recv(PORT_SERVER);
		g_assert_cmpuint(out.flags, ==, R);
		g_assert_cmpmem(&out.dst, sizeof(out.dst), &last.dst, sizeof(last.dst));
		last = lb_recv(PORT_SERVER);
		g_assert_cmpuint(last.flags, ==, S);
		/* Round robin: the other server. */
		g_assert_cmpint(memcmp(&out.dst, &last.dst, sizeof(out.dst)), !=, 0);
	}
	fresh();
}

/* In one vector: a SYN ends an old connection and gets none; the packet behind it must not find the old one. */
static void
test_ended_in_vector(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_TCP, S), out, reply;

	service(af, IPPROTO_TCP, 1);
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	reply = lb_reverse(&out);
	reply.flags = R;
	lb_forward(PORT_SERVER, 0, &reply, PORT_CLIENT);
	lb_dest_weight(af, IPPROTO_TCP, PORT, DPVS_FWD_FULLNAT, 0, PORT, 0);
	lb_send(PORT_CLIENT, 0, &in);
	in.flags = A;
	lb_send(PORT_CLIENT, 0, &in);
	out = lb_recv(PORT_CLIENT);
	g_assert_cmpuint(out.proto, ==, af == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	out = lb_recv(PORT_CLIENT);
	g_assert_cmpuint(out.flags & R, ==, R);
	lb_none();
	g_assert_cmpuint(lb_conn_count(), ==, 0);
	fresh();
}

/* Weight 0 keeps what there is and takes nothing new. */
static void
test_drain(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_UDP, 0), out, other;

	service(af, IPPROTO_UDP, 1);
	lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	lb_dest_weight(af, IPPROTO_UDP, PORT, DPVS_FWD_FULLNAT, 0, PORT, 0);
	out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	g_assert_cmphex(out.to.addr_bytes[5], ==, HOST_SERVER);
	other = client(af, IPPROTO_UDP, 0);
	out = lb_forward(PORT_CLIENT, 0, &other, PORT_CLIENT);
	g_assert_cmpuint(out.proto, ==, af == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	lb_dest(af, IPPROTO_UDP, PORT, DPVS_FWD_FULLNAT, 1, PORT);
	out = lb_forward(PORT_CLIENT, 0, &other, PORT_SERVER);
	g_assert_cmphex(out.to.addr_bytes[5], ==, HOST_SERVER + 1);
	fresh();
}

/* Packets of a removed server's connections are dropped by name; a new SYN finds another server. */
static void
test_removed(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in[2] = { client(af, IPPROTO_TCP, S), client(af, IPPROTO_TCP, S) }, out[2], reply;
	unsigned int gone;

	service(af, IPPROTO_TCP, 2);
	for (unsigned int i = 0; i < 2; i++)
		out[i] = lb_forward(PORT_CLIENT, 0, &in[i], PORT_SERVER);
	gone = out[0].to.addr_bytes[5] - HOST_SERVER;
	lb_dest_del(af, IPPROTO_TCP, PORT, gone, PORT);
	in[0].flags = A;
	lb_drops(PORT_CLIENT, 0, &in[0], "conn", "server-gone");
	reply = lb_reverse(&out[0]);
	reply.flags = A;
	lb_drops(PORT_SERVER, 0, &reply, "conn", "server-gone");
	/* The other server's connection does not notice. */
	in[1].flags = A;
	lb_forward(PORT_CLIENT, 0, &in[1], PORT_SERVER);
	in[0].flags = S;
	reply = lb_forward(PORT_CLIENT, 0, &in[0], PORT_SERVER);
	g_assert_cmphex(reply.to.addr_bytes[5], ==, out[1].to.addr_bytes[5]);
	fresh();
}

/* A full table refuses the new and keeps the old. */
static void
test_full(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk first = client(af, IPPROTO_TCP, S), in;

	service(af, IPPROTO_TCP, 1);
	lb_forward(PORT_CLIENT, 0, &first, PORT_SERVER);
	for (unsigned int i = 1; i < CONN_MAX; i++) {
		in = client(af, IPPROTO_TCP, S);
		lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	}
	for (unsigned int i = 0; i < 10; i++) {
		in = client(af, IPPROTO_TCP, S);
		lb_drops(PORT_CLIENT, 0, &in, "conn", "table-full");
	}
	first.flags = A;
	lb_forward(PORT_CLIENT, 0, &first, PORT_SERVER);
	g_assert_cmpuint(lb_conn_count(), ==, CONN_MAX);
	fresh();
}

/* No key is left of connections that have ended. */
static void
check_no_keys(void)
{
	const struct conn_table *t = &conn_workers[0].table;

	for (uint32_t b = 0; b < t->over_end; b++) {
		for (unsigned int e = 0; e < CONN_BUCKET_ENTRIES; e++)
			g_assert_cmpuint(t->buckets[b].ref[e], ==, CONN_NONE);
	}
}

/* Connections end by themselves, and with them all that they held. */
static void
test_expire(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct pk in = client(af, IPPROTO_TCP, S);
	struct dpvs_dest_info dest;
	gint64 end;

	service(af, IPPROTO_TCP, 1);
	/* Else the test would take a minute. */
	conn_workers[0].timeout_ms[DPVS_CONN_SYN_RECV] = 200;
	lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	g_assert_cmpuint(lb_conn_count(), ==, 1);
	end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
	while (lb_conn_count() > 0 && g_get_monotonic_time() < end)
		harness_pump(20);
	g_assert_cmpuint(lb_conn_count(), ==, 0);
	check_no_keys();
	g_assert_cmpuint(harness_stat("conn", "expired"), ==, 1);
	dest = lb_dest_info(af, IPPROTO_TCP, PORT, 0);
	g_assert_cmpuint(dest.active_conns + dest.inactive_conns, ==, 0);
	g_assert_cmpuint(dest.stats.conns, ==, 1);
	fresh();
}

static uint32_t
count_list(const struct dpvs_conn_filter *filter, struct dpvs_conn_info *ret_last)
{
	struct dpvs_reply *reply = NULL;
	uint32_t n;

	g_assert_cmpint(harness_get(DPVS_GET_CONNS, filter, sizeof(*filter), &reply), ==, 0);
	n = dpvs_reply_count(reply);
	if (n > 0)
		g_assert_cmpint(dpvs_reply_record(reply, n - 1, ret_last, sizeof(*ret_last)), ==, 0);
	dpvs_reply_free(reply);
	return n;
}

static void
test_list(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	struct dpvs_conn_filter filter = { 0 };
	struct dpvs_conn_info info;
	struct dpvs_reply *reply = NULL;
	struct pk in;
	uint32_t n, all = 0;

	service(af, IPPROTO_UDP, 3);
	for (unsigned int i = 0; i < 30; i++) {
		in = client(af, IPPROTO_UDP, 0);
		lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	}
	g_assert_cmpuint(count_list(&filter, &info), ==, 30);
	filter.dest = lb_wire_addr(af, NET_SERVER, HOST_SERVER + 1);
	g_assert_cmpuint(count_list(&filter, &info), ==, 10);
	g_assert_cmpmem(&info.dest, sizeof(info.dest), &filter.dest, sizeof(filter.dest));
	g_assert_cmpuint(info.fwd, ==, DPVS_FWD_FULLNAT);
	g_assert_cmpuint(info.laddr.family, ==, af);
	filter.proto = IPPROTO_TCP;
	g_assert_cmpuint(count_list(&filter, &info), ==, 0);
	filter = (struct dpvs_conn_filter){ .client_port = in.sport };
	g_assert_cmpuint(count_list(&filter, &info), ==, 1);
	filter = (struct dpvs_conn_filter){ .state_plus_one = DPVS_CONN_UDP + 1 };
	g_assert_cmpuint(count_list(&filter, &info), ==, 30);

	/* Page by page. */
	filter = (struct dpvs_conn_filter){ .limit = 7 };
	while ((n = count_list(&filter, &info)) > 0) {
		all += n;
		filter.cursor = info.cursor;
	}
	g_assert_cmpuint(all, ==, 30);

	/* One. */
	filter = (struct dpvs_conn_filter){
		.client = lb_wire_addr(af, NET_CLIENT, HOST_CLIENT),
		.vip = lb_wire_addr(af, NET_CLIENT, HOST_VIP),
		.client_port = in.sport,
		.vip_port = PORT,
		.proto = IPPROTO_UDP,
	};
	g_assert_cmpint(harness_get(DPVS_GET_CONN, &filter, sizeof(filter), &reply), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(reply), ==, 1);
	dpvs_reply_free(reply);
	filter.client_port = 1;
	g_assert_cmpint(harness_get(DPVS_GET_CONN, &filter, sizeof(filter), &reply), ==, -ESRCH);
	filter.vip.family = 0;
	g_assert_cmpint(harness_get(DPVS_GET_CONN, &filter, sizeof(filter), &reply), ==, -EINVAL);
	filter = (struct dpvs_conn_filter){ .cursor = 1ull << 40 };
	g_assert_cmpint(harness_get(DPVS_GET_CONNS, &filter, sizeof(filter), &reply), ==, -EINVAL);
	filter = (struct dpvs_conn_filter){ .state_plus_one = 99 };
	g_assert_cmpint(harness_get(DPVS_GET_CONNS, &filter, sizeof(filter), &reply), ==, -EINVAL);
	fresh();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	lb_test_add("/packet/conn/states", test_steps, 0);
	lb_test_add("/packet/conn/again", test_again, 0);
	lb_test_add("/packet/conn/burst", test_burst, 0);
	lb_test_add("/packet/conn/ended in a vector", test_ended_in_vector, 0);
	lb_test_add("/packet/conn/reset then syn", test_reset_then_syn, 0);
	lb_test_add("/packet/conn/drain", test_drain, 0);
	lb_test_add("/packet/conn/removed server", test_removed, 0);
	lb_test_add("/packet/conn/full", test_full, 0);
	lb_test_add("/packet/conn/expire", test_expire, 0);
	lb_test_add("/packet/conn/list", test_list, 0);
	harness_init(1);
	lb_start("[conn]\nmax=64\n");
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
