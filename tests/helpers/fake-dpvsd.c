/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon that forwards nothing: answers dpip's requests out of constant tables, so that tests can
 * hold every byte of its output to what is wanted. fake-dpvsd SOCKET; prints "ready", then each
 * change that it is asked for. The port "nodev" does not exist; worker 2 is behind when FAKE_BEHIND
 * is set.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <glib-unix.h>
#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "fake-event.h"
#include "fake-lb.h"

static unsigned int round_no; /* counters move with each answer */

static struct dpvs_addr
addr(const char *text)
{
	struct dpvs_addr a = { 0 };

	if (!text)
		return a;
	a.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	g_assert_cmpint(inet_pton(a.family, text, a.bytes), ==, 1);
	return a;
}

static const char *
text(const struct dpvs_addr *a)
{
	static char bufs[4][INET6_ADDRSTRLEN];
	static unsigned int next;
	char *buf = bufs[next++ % 4];

	if (a->family == 0)
		return "-";
	return inet_ntop(a->family, a->bytes, buf, INET6_ADDRSTRLEN);
}

static int
no_device(struct dpvs_req *req, const char *dev)
{
	if (strcmp(dev, "nodev") == 0)
		return dpvs_req_error(req, -ENODEV, "there is no port \"%s\"", dev);
	return 0;
}

static int
get_ports(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const struct dpvs_port_info ports[] = {
		{
			.name = "dpdk0",
			.driver = "net_af_packet",
			.device = "eth_af_packet0",
			.index = 0,
			.mtu = 1500,
			.flags = DPVS_PORT_UP | DPVS_PORT_RUNNING | DPVS_PORT_PROMISC,
			.offloads = 0,
			.link_mbps = 10000,
			.rx_queues = 2,
			.tx_queues = 3,
			.rx_desc = 1024,
			.tx_desc = 512,
			.mac = { 0x02, 0, 0, 0, 0, 0x01 },
			.socket = 255,
			.steering = DPVS_STEER_HANDOVER,
			.full_duplex = 1,
			.rx_pkts = 1234567,
			.rx_bytes = 123456789012,
			.tx_pkts = 7,
			.tx_bytes = 420,
			.tx_dropped = 3,
			.handed_over = 99,
		},
		{
			.name = "dpdk1",
			.driver = "mlx5_pci",
			.device = "0000:01:00.0",
			.index = 1,
			.mtu = 9000,
			.flags = DPVS_PORT_UP,
			.offloads = DPVS_PORT_TX_IP_CSUM | DPVS_PORT_RSS,
			.rx_queues = 2,
			.tx_queues = 3,
			.rx_desc = 4096,
			.tx_desc = 4096,
			.mac = { 0x02, 0, 0, 0, 0, 0x02 },
			.socket = 1,
			.steering = DPVS_STEER_RSS,
		},
	};
	const struct dpvs_port_ref *ref = records;

	if (no_device(req, ref->name))
		return -ENODEV;
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
		if (ref->name[0] == '\0' || strcmp(ref->name, ports[i].name) == 0)
			dpvs_req_add(req, &ports[i], sizeof(ports[i]));
	return 0;
}

static int
get_lcores(struct dpvs_req *req, const void *records, uint32_t count)
{
	uint64_t n = ++round_no;

	for (uint32_t i = 0; i < 3; i++) {
		struct dpvs_lcore_info l = {
			.id = i,
			.role = i ? DPVS_LCORE_WORKER : DPVS_LCORE_MAIN,
			.cpu = i / 2,
			.pid = 1000 + i,
			.rx_queues = i ? 2 : 0,
			.generation = 12,
			.loops = i ? 1000 * n : 0,
			.busy_cycles = i ? 250 * n * n : 0,
			.idle_cycles = i ? 750 * n : 0,
			.sleeps = i ? 5 : 0,
			.msgs = 17,
			.rx_pkts = i ? 100 * i : 0,
			.tx_pkts = i ? 90 * i : 0,
			.drops = i ? 10 * i : 0,
			.handed_out = i == 1 ? 4 : 0,
			.handed_in = i == 2 ? 4 : 0,
			.conns = i ? 20 : 0,
			.nivcsw = 2,
			.handler_loops = 1000,
			.handler_ns_p50 = 1500,
			.handler_ns_p999 = 9000,
			.handler_ns_max = 48000,
		};

		dpvs_req_add(req, &l, sizeof(l));
	}
	return 0;
}

static int
get_addrs(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const struct {
		const char *addr, *brd, *dev;
		uint8_t plen, scope;
		uint16_t flags;
		uint32_t valid, preferred;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.255", "dpdk0", 24, DPVS_SCOPE_GLOBAL, 0, DPVS_LFT_FOREVER,
		  DPVS_LFT_FOREVER },
		{ "198.51.100.201", NULL, "dpdk0", 32, DPVS_SCOPE_HOST, DPVS_ADDR_LADDR, 600, 300 },
		{ "fe80::ff:fe00:1", NULL, "dpdk0", 64, DPVS_SCOPE_LINK, DPVS_ADDR_LINKLOCAL,
		  DPVS_LFT_FOREVER, DPVS_LFT_FOREVER },
	};
	const struct dpvs_addr_conf *filter = records;

	if (no_device(req, filter->dev))
		return -ENODEV;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct dpvs_addr_conf a = {
			.addr = addr(rows[i].addr),
			.broadcast = addr(rows[i].brd),
			.plen = rows[i].plen,
			.scope = rows[i].scope,
			.flags = rows[i].flags,
			.valid_lft_s = rows[i].valid,
			.preferred_lft_s = rows[i].preferred,
		};

		g_strlcpy(a.dev, rows[i].dev, sizeof(a.dev));
		if ((filter->addr.family == 0 || filter->addr.family == a.addr.family) &&
		    (filter->dev[0] == '\0' || strcmp(filter->dev, a.dev) == 0))
			dpvs_req_add(req, &a, sizeof(a));
	}
	return 0;
}

static int
get_routes(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const struct {
		const char *dst, *via, *src, *dev;
		uint8_t plen, scope, type, proto;
		uint32_t mtu, metric;
	} rows[] = {
		{ "0.0.0.0", "192.0.2.254", NULL, "dpdk0", 0, DPVS_SCOPE_GLOBAL, DPVS_ROUTE_UNICAST,
		  DPVS_ROUTE_PROTO_STATIC, 1400, 5 },
		{ "192.0.2.0", NULL, "192.0.2.1", "dpdk0", 24, DPVS_SCOPE_LINK, DPVS_ROUTE_UNICAST,
		  DPVS_ROUTE_PROTO_KERNEL, 0, 0 },
		{ "192.0.2.1", NULL, "192.0.2.1", "dpdk0", 32, DPVS_SCOPE_HOST, DPVS_ROUTE_LOCAL,
		  DPVS_ROUTE_PROTO_KERNEL, 0, 0 },
		{ "2001:db8::", "fe80::1", NULL, "dpdk1", 32, DPVS_SCOPE_GLOBAL, DPVS_ROUTE_UNICAST,
		  DPVS_ROUTE_PROTO_STATIC, 0, 0 },
	};
	const struct dpvs_route_conf *filter = records;

	if (no_device(req, filter->dev))
		return -ENODEV;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct dpvs_route_conf r = {
			.dst = addr(rows[i].dst),
			.via = addr(rows[i].via),
			.src = addr(rows[i].src),
			.plen = rows[i].plen,
			.scope = rows[i].scope,
			.type = rows[i].type,
			.proto = rows[i].proto,
			.mtu = rows[i].mtu,
			.metric = rows[i].metric,
		};

		g_strlcpy(r.dev, rows[i].dev, sizeof(r.dev));
		if (filter->dst.family == r.dst.family &&
		    (filter->dev[0] == '\0' || strcmp(filter->dev, r.dev) == 0))
			dpvs_req_add(req, &r, sizeof(r));
	}
	return 0;
}

static int
get_lookup(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_route_conf *key = records;
	struct dpvs_route_conf r = {
		.dst = key->dst,
		.via = addr("192.0.2.254"),
		.src = addr("192.0.2.1"),
		.dev = "dpdk0",
		.plen = key->plen,
		.type = DPVS_ROUTE_UNICAST,
		.proto = DPVS_ROUTE_PROTO_STATIC,
	};

	if (key->dst.family != AF_INET || key->plen != 32)
		return dpvs_req_error(req, -ENETUNREACH, "no route leads to %s", text(&key->dst));
	dpvs_req_add(req, &r, sizeof(r));
	return 0;
}

static int
get_neighs(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_neigh_conf *filter = records;
	struct dpvs_neigh_conf rows[] = {
		{
			.addr = addr("192.0.2.254"),
			.dev = "dpdk0",
			.mac = { 2, 0, 0, 0, 0, 0xfe },
			.state = DPVS_NEIGH_REACHABLE,
			.age_ms = 61000,
		},
		{ .addr = addr("192.0.2.9"),
		  .dev = "dpdk0",
		  .state = DPVS_NEIGH_FAILED,
		  .age_ms = 10 },
		{
			.addr = addr("fe80::9"),
			.dev = "dpdk1",
			.mac = { 2, 0, 0, 0, 0, 9 },
			.state = DPVS_NEIGH_PERMANENT,
		},
	};

	if (no_device(req, filter->dev))
		return -ENODEV;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if ((filter->addr.family == 0 || filter->addr.family == rows[i].addr.family) &&
		    (filter->dev[0] == '\0' || strcmp(filter->dev, rows[i].dev) == 0))
			dpvs_req_add(req, &rows[i], sizeof(rows[i]));
	return 0;
}

static int
get_conns(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_conn_filter *f = records;
	const char *many = getenv("FAKE_CONNS");
	struct dpvs_conn_info rows[] = {
		{
			.client = addr("192.0.2.10"),
			.vip = addr("192.0.2.100"),
			.laddr = addr("198.51.100.201"),
			.dest = addr("198.51.100.11"),
			.client_port = 40000,
			.vip_port = 80,
			.laddr_port = 1025,
			.dest_port = 8080,
			.proto = IPPROTO_TCP,
			.state = DPVS_CONN_ESTABLISHED,
			.fwd = DPVS_FWD_FULLNAT,
			.lcore = 1,
			.expire_ms = 899000,
			.in_pkts = 10,
			.out_pkts = 8,
			.in_bytes = 1000,
			.out_bytes = 1500000,
		},
		{
			.client = addr("2001:db8:1::10"),
			.vip = addr("2001:db8:1::100"),
			.dest = addr("2001:db8:2::11"),
			.client_port = 53000,
			.vip_port = 53,
			.dest_port = 53,
			.proto = IPPROTO_UDP,
			.state = DPVS_CONN_UDP,
			.fwd = DPVS_FWD_DR,
			.lcore = 2,
			.expire_ms = 900,
			.in_pkts = 1,
		},
	};

	printf("conns client %s:%u vip %s:%u dest %s:%u proto %u state %u limit %" PRIu32 "\n",
	       text(&f->client), f->client_port, text(&f->vip), f->vip_port, text(&f->dest),
	       f->dest_port, f->proto, f->state_plus_one, f->limit);
	fflush(stdout);
	/* FAKE_CONNS: so many, for lists that do not fit in one answer. */
	if (many) {
		for (uint32_t i = 0; i < (uint32_t)atoi(many) && (f->limit == 0 || i < f->limit); i++)
			dpvs_req_add(req, &rows[i % 2], sizeof(rows[0]));
		return 0;
	}
	for (uint32_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if ((f->proto == 0 || f->proto == rows[i].proto) && (f->limit == 0 || i < f->limit))
			dpvs_req_add(req, &rows[i], sizeof(rows[i]));
	return 0;
}

static int
get_msgs(struct dpvs_req *req, const void *records, uint32_t count)
{
	for (uint32_t i = 0; i < 6; i++) {
		struct dpvs_msg_type_info m = {
			.type = i / 3 ? 6 : 3,
			.lcore = i % 3,
			.prio = i / 3 ? 1 : 2,
			.sent = i % 3 ? 0 : 20,
			.received = i % 3 ? 10 : 0,
			.replied = i % 3 ? 10 : 0,
			.late = i == 0,
			.rtts = i % 3 ? 0 : 20,
			.rtt_ns_total = i % 3 ? 0 : 50000,
			.rtt_ns_p99 = 4000 + 100 * i,
			.rtt_ns_max = 9000 + 1000 * i,
		};

		g_strlcpy(m.name, i / 3 ? "route-add" : "hello", sizeof(m.name));
		dpvs_req_add(req, &m, sizeof(m));
	}
	return 0;
}

static int
get_graph(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const char *const nodes[][2] = {
		{ "port_rx-0-0", "eth_input" },
		{ "port_rx-1-0", "eth_input" },
		{ "eth_input", "ip4_input drop" },
		{ "ip4_input", "port_tx-0 port_tx-1 drop" },
		{ "port_tx-0", "drop" },
		{ "port_tx-1", "drop" },
		{ "drop", "" },
	};
	uint64_t n = ++round_no;

	for (uint32_t lcore = 1; lcore < 3; lcore++) {
		for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++) {
			struct dpvs_graph_node_info g = { .lcore = lcore };

			g_strlcpy(g.name, nodes[i][0], sizeof(g.name));
			g_strlcpy(g.next, nodes[i][1], sizeof(g.next));
			if (strcmp(g.name, "drop") != 0) {
				g.calls = 10 * n;
				g.pkts = 100 * n;
				g.cycles = 2500 * n * lcore;
			}
			dpvs_req_add(req, &g, sizeof(g));
		}
	}
	return 0;
}

static int
get_mem(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const struct dpvs_mem_info rows[] = {
		{ .name = "mbuf", .size = 65535, .in_use = 1024, .obj_bytes = 2304 },
		{ .name = "conn.worker1",
		  .size = 1048576,
		  .in_use = 1048576,
		  .obj_bytes = 192,
		  .failures = 12 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		dpvs_req_add(req, &rows[i], sizeof(rows[i]));
	return 0;
}

static int
get_stats(struct dpvs_req *req, const void *records, uint32_t count)
{
	static const struct dpvs_stat_info rows[] = {
		{ .module = "ipv4",
		  .name = "bad-csum",
		  .help = "Header checksum is wrong.",
		  .kind = 1,
		  .value = 12 },
		{ .module = "ipv4",
		  .name = "rx",
		  .help = "Packets that came in.",
		  .value = 1500000 },
		{ .module = "neigh",
		  .name = "hold-drop",
		  .help = "The hold queue was full.",
		  .kind = 1 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		dpvs_req_add(req, &rows[i], sizeof(rows[i]));
	return 0;
}

static int
get_verify(struct dpvs_req *req, const void *records, uint32_t count)
{
	static unsigned int asked;
	const char *lag = getenv("FAKE_BEHIND"); /* for how many requests; "" for ever */
	bool late = lag != NULL && (*lag == '\0' || asked < (unsigned int)atoi(lag));

	asked++;
	for (uint32_t i = 0; i < 3; i++) {
		bool behind = i == 2 && late;
		struct dpvs_verify_info v = {
			.lcore = i,
			.role = i ? DPVS_LCORE_WORKER : DPVS_LCORE_MAIN,
			.generation = behind ? 11 : 12,
			.unconfirmed = behind,
		};

		dpvs_req_add(req, &v, sizeof(v));
	}
	return 0;
}

static int
get_verify_tables(struct dpvs_req *req, const void *records, uint32_t count)
{
	const char *state = getenv("FAKE_TABLES"); /* of one table of worker 2 */

	for (uint32_t i = 0; i < 3; i++) {
		struct dpvs_verify_table_info t = {
			.module = "service",
			.table = "services",
			.lcore = i,
			.role = i ? DPVS_LCORE_WORKER : DPVS_LCORE_MAIN,
			.generation = 12,
			.entries = 3,
			.expected_entries = 3,
			.digest = 0xfeed,
			.expected_digest = 0xfeed,
		};

		dpvs_req_add(req, &t, sizeof(t));
		g_strlcpy(t.module, "route", sizeof(t.module));
		g_strlcpy(t.table, "routes", sizeof(t.table));
		if (i == 2 && state != NULL) {
			t.state = (uint32_t)atoi(state);
			t.entries = t.state == DPVS_VERIFY_UNKNOWN ? 0 : 4;
		}
		dpvs_req_add(req, &t, sizeof(t));
	}
	return 0;
}

static int
set_port(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_port_conf *c = records;

	if (no_device(req, c->name))
		return -ENODEV;
	printf("port %s set %#x mtu %" PRIu32 " mac %02x:%02x up %u promisc %u allmulticast %u\n",
	       c->name, c->set, c->mtu, c->mac[0], c->mac[5], c->up, c->promisc, c->allmulticast);
	fflush(stdout);
	return 0;
}

static int
set_addr(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_addr_conf *c = records;

	if (no_device(req, c->dev))
		return -ENODEV;
	if (dpvs_req_sockopt(req)->id == DPVS_SET_ADDR_ADD &&
	    strcmp(text(&c->addr), "192.0.2.1") == 0)
		return dpvs_req_error(req, -EEXIST, "192.0.2.1 is on port dpdk0 already");
	printf("%s %s/%u brd %s dev %s scope %u flags %u valid %" PRIu32 " preferred %" PRIu32 "\n",
	       dpvs_req_sockopt(req)->name, text(&c->addr), c->plen, text(&c->broadcast), c->dev,
	       c->scope, c->flags, c->valid_lft_s, c->preferred_lft_s);
	fflush(stdout);
	return 0;
}

static int
flush_addr(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_addr_conf *c = records;

	if (no_device(req, c->dev))
		return -ENODEV;
	printf("addr-flush family %u dev %s\n", c->addr.family, c->dev);
	fflush(stdout);
	return 0;
}

static int
set_route(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_route_conf *c = records;

	if (no_device(req, c->dev))
		return -ENODEV;
	printf("%s op %u dst %s/%u via %s dev %s src %s scope %u type %u mtu %" PRIu32
	       " metric %" PRIu32 "\n",
	       dpvs_req_sockopt(req)->name, c->op, text(&c->dst), c->plen, text(&c->via), c->dev,
	       text(&c->src), c->scope, c->type, c->mtu, c->metric);
	fflush(stdout);
	return 0;
}

static int
set_neigh(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_neigh_conf *c = records;

	if (no_device(req, c->dev))
		return -ENODEV;
	printf("%s %s family %u mac %02x:%02x dev %s flags %u\n", dpvs_req_sockopt(req)->name,
	       text(&c->addr), c->addr.family, c->mac[0], c->mac[5], c->dev, c->flags);
	fflush(stdout);
	return 0;
}

#define GET(gid, type_, handler)                                                                   \
	{                                                                                          \
		.name = #gid, .id = gid, .type = DPVS_SOCKOPT_GET, .record_size = sizeof(type_),   \
		.max_records = 1, .fn = handler                                                    \
	}
#define SET(title, sid, type_, handler)                                                            \
	{                                                                                          \
		.name = title, .id = sid, .type = DPVS_SOCKOPT_SET, .record_size = sizeof(type_),  \
		.max_records = 64, .fn = handler                                                   \
	}

static const struct dpvs_sockopt opts[] = {
	GET(DPVS_GET_PORT_LIST, struct dpvs_port_ref, get_ports),
	GET(DPVS_GET_PORT_BASIC, struct dpvs_port_ref, get_ports),
	GET(DPVS_GET_PORT_EXT, struct dpvs_port_ref, get_ports),
	GET(DPVS_GET_LCORE_STATS, uint32_t, get_lcores),
	GET(DPVS_GET_ADDRS, struct dpvs_addr_conf, get_addrs),
	GET(DPVS_GET_ROUTES, struct dpvs_route_conf, get_routes),
	GET(DPVS_GET_ROUTES6, struct dpvs_route_conf, get_routes),
	GET(DPVS_GET_ROUTE_LOOKUP, struct dpvs_route_conf, get_lookup),
	GET(DPVS_GET_NEIGHS, struct dpvs_neigh_conf, get_neighs),
	GET(DPVS_GET_CONNS, struct dpvs_conn_filter, get_conns),
	GET(DPVS_GET_CONN, struct dpvs_conn_filter, get_conns),
	GET(DPVS_GET_MSG_TYPES, uint32_t, get_msgs),
	GET(DPVS_GET_GRAPH, uint32_t, get_graph),
	GET(DPVS_GET_MEM, uint32_t, get_mem),
	GET(DPVS_GET_STATS, uint32_t, get_stats),
	GET(DPVS_GET_VERIFY, uint32_t, get_verify),
	GET(DPVS_GET_VERIFY_TABLES, uint32_t, get_verify_tables),
	SET("port-set", DPVS_SET_NETIF_PORT, struct dpvs_port_conf, set_port),
	SET("addr-add", DPVS_SET_ADDR_ADD, struct dpvs_addr_conf, set_addr),
	SET("addr-del", DPVS_SET_ADDR_DEL, struct dpvs_addr_conf, set_addr),
	SET("addr-set", DPVS_SET_ADDR_SET, struct dpvs_addr_conf, set_addr),
	SET("addr-flush", DPVS_SET_ADDR_FLUSH, struct dpvs_addr_conf, flush_addr),
	SET("route-add", DPVS_SET_ROUTE_ADD, struct dpvs_route_conf, set_route),
	SET("route-del", DPVS_SET_ROUTE_DEL, struct dpvs_route_conf, set_route),
	SET("route-set", DPVS_SET_ROUTE_SET, struct dpvs_route_conf, set_route),
	SET("route-flush", DPVS_SET_ROUTE_FLUSH, struct dpvs_route_conf, set_route),
	SET("route6", DPVS_SET_ROUTE6, struct dpvs_route_conf, set_route),
	SET("route6-flush", DPVS_SET_ROUTE6_FLUSH, struct dpvs_route_conf, set_route),
	SET("neigh-add", DPVS_SET_NEIGH_ADD, struct dpvs_neigh_conf, set_neigh),
	SET("neigh-del", DPVS_SET_NEIGH_DEL, struct dpvs_neigh_conf, set_neigh),
	SET("neigh-flush", DPVS_SET_NEIGH_FLUSH, struct dpvs_neigh_conf, set_neigh),
};

/* FAKE_TXN: the daemon has transactions, and says of each commit that a worker is late. */
static int
txn(struct dpvs_req *req, const void *records, uint32_t count)
{
	if (dpvs_req_sockopt(req)->id == DPVS_SET_TXN_COMMIT)
		return dpvs_req_error(req, -EINPROGRESS, "reason 115");
	return 0;
}

static const struct dpvs_sockopt txn_opts[] = {
	SET("txn-begin", DPVS_SET_TXN_BEGIN, struct dpvs_txn_begin, txn),
	{ .name = "txn-append", .id = DPVS_SET_TXN_APPEND, .type = DPVS_SOCKOPT_SET, .record_size = 1,
	  .min_records = 1, .max_records = DPVS_TXN_APPEND_MAX, .fn = txn },
	{ .name = "txn-commit", .id = DPVS_SET_TXN_COMMIT, .type = DPVS_SOCKOPT_SET, .fn = txn },
	{ .name = "txn-abort", .id = DPVS_SET_TXN_ABORT, .type = DPVS_SOCKOPT_SET, .fn = txn },
};

static gboolean
quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

int
main(int argc, char **argv)
{
	struct dpvs_server_params params = { .path = argc > 1 ? argv[1] : NULL };
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	struct dpvs_server *server;
	char *error = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		g_assert_cmpint(dpvs_sockopt_register(&opts[i]), ==, 0);
	for (size_t i = 0; getenv("FAKE_TXN") && i < G_N_ELEMENTS(txn_opts); i++)
		g_assert_cmpint(dpvs_sockopt_register(&txn_opts[i]), ==, 0);
	for (const struct dpvs_sockopt *opt = fake_lb_opts; opt->name; opt++)
		g_assert_cmpint(dpvs_sockopt_register(opt), ==, 0);
	g_assert_cmpint(dpvs_sockopt_register(&fake_event_opt), ==, 0);
	if (dpvs_server_new(&params, &server, &error)) {
		fprintf(stderr, "fake-dpvsd: %s\n", error);
		free(error);
		return 1;
	}
	g_unix_signal_add(SIGTERM, quit, loop);
	puts("ready");
	fflush(stdout);
	g_main_loop_run(loop);
	dpvs_server_free(server);
	return 0;
}
