/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and routes as an operator changes them: what is refused and with which error, that a refused
 * request changes nothing on any worker, and that packets take the way that the tables say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "harness.h"
#include "net.h"

#define WORKERS 2
#define ADD  DPVS_SET_ADDR_ADD
#define DEL  DPVS_SET_ADDR_DEL
#define SET  DPVS_SET_ADDR_SET

static const uint8_t gw_mac[6] = { 0x02, 0, 0, 0, 7, 1 };
static const uint8_t gw2_mac[6] = { 0x02, 0, 0, 0, 7, 2 };
static struct frame in, out[8];

static void
test_addr_errors(void)
{
	static const struct {
		const char *name;
		uint32_t id;
		const char *prefix;
		const char *dev;
		int result;
	} cases[] = {
		{ "add", ADD, "192.0.2.1/24", "dpdk0", 0 },
		{ "add again", ADD, "192.0.2.1/24", "dpdk0", -EEXIST },
		{ "with another prefix", ADD, "192.0.2.1/25", "dpdk0", -EEXIST },
		{ "on another port", ADD, "192.0.2.1/24", "dpdk1", -EEXIST },
		{ "set changes the prefix", SET, "192.0.2.1/25", "dpdk0", 0 },
		{ "del with the old prefix", DEL, "192.0.2.1/24", "dpdk0", -ENOENT },
		{ "del on another port", DEL, "192.0.2.1/25", "dpdk1", -ENOENT },
		{ "del", DEL, "192.0.2.1/25", "dpdk0", 0 },
		{ "del again", DEL, "192.0.2.1/25", "dpdk0", -ENOENT },
		{ "set adds", SET, "192.0.2.1/24", "dpdk0", 0 },
		{ "a second of the net", ADD, "192.0.2.2/24", "dpdk0", 0 },
		{ "a host address", ADD, "192.0.2.100/32", "dpdk0", 0 },
		{ "/31", ADD, "203.0.113.0/31", "dpdk1", 0 },
		{ "/30", ADD, "203.0.113.5/30", "dpdk1", 0 },
		{ "address of the net", ADD, "198.51.100.0/24", "dpdk1", -EINVAL },
		{ "broadcast of the net", ADD, "198.51.100.255/24", "dpdk1", -EINVAL },
		{ "prefix length 0", ADD, "198.51.100.1/0", "dpdk1", -EINVAL },
		{ "prefix length 33", ADD, "198.51.100.1/33", "dpdk1", -EINVAL },
		{ "0.0.0.0", ADD, "0.0.0.0/24", "dpdk1", -EINVAL },
		{ "loopback", ADD, "127.0.0.1/8", "dpdk1", -EINVAL },
		{ "multicast", ADD, "224.0.0.1/24", "dpdk1", -EINVAL },
		{ "class E", ADD, "250.0.0.1/24", "dpdk1", -EINVAL },
		{ "no such device", ADD, "198.51.100.1/24", "dpdk9", -ENODEV },
		{ "no device", ADD, "198.51.100.1/24", "", -EINVAL },
		{ "IPv6", ADD, "2001:db8::1/64", "dpdk0", 0 },
		{ "IPv6 again", ADD, "2001:db8::1/64", "dpdk0", -EEXIST },
		{ "IPv6 /129", ADD, "2001:db8::2/129", "dpdk0", -EINVAL },
		{ "IPv6 multicast", ADD, "ff02::1/64", "dpdk0", -EINVAL },
		{ "IPv6 unspecified", ADD, "::/64", "dpdk0", -EINVAL },
		{ "IPv6 loopback", ADD, "::1/128", "dpdk0", -EINVAL },
		{ "IPv4 mapped", ADD, "::ffff:192.0.2.9/128", "dpdk0", -EINVAL },
		{ "link-local", ADD, "fe80::1/64", "dpdk0", 0 },
		{ "the same on another port", ADD, "fe80::1/64", "dpdk1", 0 },
		{ "link-local /16", ADD, "fe80::2/16", "dpdk1", -EINVAL },
		{ "del of a link-local one", DEL, "fe80::1/64", "dpdk0", 0 },
		{ "the other is still there", DEL, "fe80::1/64", "dpdk1", 0 },
	};
	struct dpvs_addr_conf two[2] = { 0 };
	struct dpvs_addr_conf conf = { 0 };

	net_start(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		g_assert_cmpint(net_addr_try(cases[i].id, cases[i].prefix, cases[i].dev), ==, cases[i].result);
		g_assert_cmpint(harness_error()[0] != '\0', ==, cases[i].result != 0);
	}

	/* What no prefix text can say. */
	g_strlcpy(conf.dev, "dpdk0", sizeof(conf.dev));
	conf.plen = 24;
	conf.addr.family = 7;
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);
	conf.addr = (struct dpvs_addr){ .family = 2, .bytes = { 10, 0, 0, 1, 1 } };
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);
	conf.addr.bytes[4] = 0;
	conf.scope = 7;
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);
	conf.scope = 0;
	conf.broadcast = (struct dpvs_addr){ .family = 2, .bytes = { 10, 0, 1, 255 } };
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);
	conf.broadcast.family = 0;
	conf.valid_lft_s = 5;
	conf.preferred_lft_s = 6;
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);
	memset(conf.dev, 'x', sizeof(conf.dev));
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, -EINVAL);

	/* All or none: the second is wrong, so the first is not there either. */
	two[0].addr = (struct dpvs_addr){ .family = 2, .bytes = { 10, 0, 0, 1 } };
	two[0].plen = 24;
	g_strlcpy(two[0].dev, "dpdk0", sizeof(two[0].dev));
	two[1] = two[0];
	g_assert_cmpint(harness_set(ADD, two, sizeof(two[0]), 2), ==, -EEXIST);
	g_assert_cmpuint(harness_error_index(), ==, 1);
	g_assert_cmpint(net_addr_try(DEL, "10.0.0.1/24", "dpdk0"), ==, -ENOENT);
	net_quiet();
	frame_echo(&in, "192.0.2.10", "10.0.0.1", 10);
	net_send(&in, out, G_N_ELEMENTS(out));
	g_assert_cmpuint(harness_stat("icmp", "echo"), ==, 0);
	net_down();
}

/** count_of: records that a GET lists, of port @dev (nullable). */
static uint32_t
count_of(uint32_t id, const char *dev)
{
	struct dpvs_reply *reply;
	uint32_t count;

	if (id == DPVS_GET_ADDRS) {
		struct dpvs_addr_conf filter = { 0 };

		g_strlcpy(filter.dev, dev != NULL ? dev : "", sizeof(filter.dev));
		g_assert_cmpint(harness_get(id, &filter, sizeof(filter), &reply), ==, 0);
	} else {
		struct dpvs_route_conf filter = { 0 };

		g_strlcpy(filter.dev, dev != NULL ? dev : "", sizeof(filter.dev));
		g_assert_cmpint(harness_get(id, &filter, sizeof(filter), &reply), ==, 0);
	}
	count = dpvs_reply_count(reply);
	dpvs_reply_free(reply);
	return count;
}

static void
test_addr_life(void)
{
	struct dpvs_addr_conf conf = { 0 };
	uint32_t routes;
	uint32_t routes6;

	net_up(NULL);
	routes = count_of(DPVS_GET_ROUTES, NULL);
	routes6 = count_of(DPVS_GET_ROUTES6, NULL);

	/* An address brings its routes and takes them along, many times. */
	for (unsigned int i = 0; i < 50; i++) {
		net_addr("10.1.2.3/16", "dpdk0");
		net_addr("2001:db8:7::1/64", "dpdk0");
		g_assert_cmpuint(count_of(DPVS_GET_ROUTES, NULL), ==, routes + 3);
		g_assert_cmpuint(count_of(DPVS_GET_ROUTES6, NULL), ==, routes6 + 2);
		g_assert_cmpint(net_addr_try(DEL, "10.1.2.3/16", "dpdk0"), ==, 0);
		g_assert_cmpint(net_addr_try(DEL, "2001:db8:7::1/64", "dpdk0"), ==, 0);
	}
	g_assert_cmpuint(count_of(DPVS_GET_ROUTES, NULL), ==, routes);
	g_assert_cmpuint(count_of(DPVS_GET_ROUTES6, NULL), ==, routes6);

	/* Two of one net: with the first goes its route, the net stays with the other. */
	net_addr("192.0.2.2/24", "dpdk0");
	g_assert_cmpint(net_addr_try(DEL, "192.0.2.1/24", "dpdk0"), ==, 0);
	net_quiet();
	frame_echo(&in, "192.0.2.10", "192.0.2.2", 10);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	frame_echo(&in, "192.0.2.10", "192.0.2.1", 10);
	net_send(&in, out, G_N_ELEMENTS(out));
	g_assert_cmpuint(harness_stat("icmp", "echo"), ==, 1); /* it is somebody else's, if anybody's */

	/* One second to live. */
	conf.addr = (struct dpvs_addr){ .family = 2, .bytes = { 10, 9, 9, 9 } };
	conf.plen = 32;
	conf.valid_lft_s = 1;
	g_strlcpy(conf.dev, "dpdk0", sizeof(conf.dev));
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, 0);
	net_quiet();
	frame_echo(&in, "192.0.2.10", "10.9.9.9", 10);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	for (unsigned int i = 0; i < 400 && harness_stat("ifaddr", "expired") == 0; i++)
		harness_pump(10);
	harness_settle();
	g_assert_cmpint(net_addr_try(DEL, "10.9.9.9/32", "dpdk0"), ==, -ENOENT);
	net_send(&in, out, G_N_ELEMENTS(out));
	g_assert_cmpuint(harness_stat("ipv4", "no-route"), ==, 1);

	/* Flush leaves the link-local address. */
	memset(&conf, 0, sizeof(conf));
	g_strlcpy(conf.dev, "dpdk0", sizeof(conf.dev));
	g_assert_cmpint(harness_set(DPVS_SET_ADDR_FLUSH, &conf, sizeof(conf), 1), ==, 0);
	g_assert_cmpuint(count_of(DPVS_GET_ADDRS, "dpdk0"), ==, 1);
	g_assert_cmpuint(count_of(DPVS_GET_ADDRS, "dpdk1"), ==, 3);
	net_down();
}

/** route: one request about a route. */
static int
route(uint32_t id, uint8_t op, const char *prefix, const char *via, const char *dev, const char *src,
      uint32_t metric)
{
	g_auto(GStrv) part = g_strsplit(prefix, "/", 2);
	bool v6 = strchr(prefix, ':') != NULL;
	struct dpvs_route_conf conf = { .op = op, .metric = metric };
	struct frame f = { 0 };
	uint32_t at = v6 ? L3 + 24 : L3 + 16;
	uint32_t len = v6 ? 16 : 4;

	frame_udp(&f, v6 ? "::1" : "127.0.0.1", part[0], 1, 1, 0);
	conf.dst.family = v6 ? 10 : 2;
	memcpy(conf.dst.bytes, f.b + at, len);
	conf.plen = (uint8_t)g_ascii_strtoull(part[1], NULL, 10);
	if (via != NULL) {
		frame_udp(&f, strchr(via, ':') ? "::1" : "127.0.0.1", via, 1, 1, 0);
		conf.via.family = strchr(via, ':') ? 10 : 2;
		memcpy(conf.via.bytes, f.b + (strchr(via, ':') ? L3 + 24 : L3 + 16), strchr(via, ':') ? 16 : 4);
	}
	if (src != NULL) {
		frame_udp(&f, v6 ? "::1" : "127.0.0.1", src, 1, 1, 0);
		conf.src.family = v6 ? 10 : 2;
		memcpy(conf.src.bytes, f.b + at, len);
	}
	if (dev != NULL)
		g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return harness_set(v6 ? DPVS_SET_ROUTE6 : id, &conf, sizeof(conf), 1);
}

static void
test_route_errors(void)
{
	static const struct {
		const char *name;
		uint32_t id;
		uint8_t op;
		const char *prefix;
		const char *via;
		const char *dev;
		const char *src;
		uint32_t metric;
		int result;
	} cases[] = {
		{ "add", 300, 0, "10.0.0.0/8", "192.0.2.10", NULL, NULL, 0, 0 },
		{ "add again", 300, 0, "10.0.0.0/8", "192.0.2.10", NULL, NULL, 0, -EEXIST },
		{ "another gateway, same metric", 300, 0, "10.0.0.0/8", "192.0.2.11", NULL, NULL, 0, -EEXIST },
		{ "another metric", 300, 0, "10.0.0.0/8", "192.0.2.11", NULL, NULL, 5, 0 },
		{ "set replaces", 302, 0, "10.0.0.0/8", "192.0.2.12", NULL, NULL, 0, 0 },
		{ "set adds", 302, 0, "10.1.0.0/16", "192.0.2.12", NULL, NULL, 0, 0 },
		{ "default", 300, 0, "0.0.0.0/0", "192.0.2.10", NULL, NULL, 0, 0 },
		{ "on link", 300, 0, "172.16.0.0/24", NULL, "dpdk1", NULL, 0, 0 },
		{ "gateway of an on-link route", 300, 0, "172.17.0.0/24", "172.16.0.1", NULL, NULL, 0, 0 },
		{ "gateway behind a gateway", 300, 0, "172.18.0.0/24", "10.0.0.1", NULL, NULL, 0, -ENETUNREACH },
		{ "gateway on another device", 300, 0, "172.18.0.0/24", "192.0.2.10", "dpdk1", NULL, 0, -ENETUNREACH },
		{ "gateway is us", 300, 0, "172.18.0.0/24", "192.0.2.1", NULL, NULL, 0, -EINVAL },
		{ "gateway is broadcast", 300, 0, "172.18.0.0/24", "192.0.2.255", NULL, NULL, 0, -EINVAL },
		{ "gateway is multicast", 300, 0, "172.18.0.0/24", "224.0.0.1", NULL, NULL, 0, -EINVAL },
		{ "gateway of the other family", 300, 0, "172.18.0.0/24", "2001:db8:1::10", NULL, NULL, 0, -EINVAL },
		{ "neither device nor gateway", 300, 0, "172.18.0.0/24", NULL, NULL, NULL, 0, -EINVAL },
		{ "no such device", 300, 0, "172.18.0.0/24", NULL, "dpdk9", NULL, 0, -ENODEV },
		{ "bits behind the prefix", 300, 0, "172.18.0.1/24", NULL, "dpdk0", NULL, 0, -EINVAL },
		{ "prefix length 33", 300, 0, "172.18.0.0/33", NULL, "dpdk0", NULL, 0, -EINVAL },
		{ "multicast", 300, 0, "224.0.0.0/4", NULL, "dpdk0", NULL, 0, -EINVAL },
		{ "source that is ours", 300, 0, "172.19.0.0/24", NULL, "dpdk0", "192.0.2.100", 0, 0 },
		{ "source that is not", 300, 0, "172.20.0.0/24", NULL, "dpdk0", "192.0.2.55", 0, -EINVAL },
		{ "over a connected one", 300, 0, "192.0.2.0/24", "192.0.2.10", NULL, NULL, 0, -EEXIST },
		{ "beside a connected one", 300, 0, "192.0.2.0/24", "192.0.2.10", NULL, NULL, 9, 0 },
		{ "del of a connected one", 301, 0, "198.51.100.0/24", NULL, NULL, NULL, 0, -EPERM },
		{ "del, wrong gateway", 301, 0, "10.1.0.0/16", "192.0.2.99", NULL, NULL, 0, -ESRCH },
		{ "del, wrong device", 301, 0, "10.1.0.0/16", NULL, "dpdk1", NULL, 0, -ESRCH },
		{ "del", 301, 0, "10.1.0.0/16", NULL, NULL, NULL, 0, 0 },
		{ "del again", 301, 0, "10.1.0.0/16", NULL, NULL, NULL, 0, -ESRCH },
		{ "del by metric", 301, 0, "10.0.0.0/8", NULL, NULL, NULL, 5, 0 },
		{ "IPv6 add", 0, 0, "2001:db8:5::/48", "2001:db8:1::10", NULL, NULL, 0, 0 },
		{ "IPv6 add again", 0, 0, "2001:db8:5::/48", "2001:db8:1::10", NULL, NULL, 0, -EEXIST },
		{ "IPv6 set", 0, 2, "2001:db8:5::/48", "2001:db8:2::11", NULL, NULL, 0, 0 },
		{ "IPv6 default by a link-local gateway", 0, 0, "::/0", "fe80::9", "dpdk1", NULL, 0, 0 },
		{ "link-local gateway, no device", 0, 0, "2001:db8:6::/48", "fe80::9", NULL, NULL, 0, -EINVAL },
		{ "link-local destination", 0, 0, "fe80::/64", NULL, "dpdk0", NULL, 0, -EINVAL },
		{ "IPv6 bits behind the prefix", 0, 0, "2001:db8:5::1/48", NULL, "dpdk0", NULL, 0, -EINVAL },
		{ "IPv6 del", 0, 1, "2001:db8:5::/48", NULL, NULL, NULL, 0, 0 },
		{ "IPv6 del again", 0, 1, "2001:db8:5::/48", NULL, NULL, NULL, 0, -ESRCH },
		{ "unknown operation", 0, 7, "2001:db8:5::/48", NULL, "dpdk0", NULL, 0, -EINVAL },
	};
	struct dpvs_route_conf conf = { 0 };
	uint32_t before;

	net_up(NULL);
	before = count_of(DPVS_GET_ROUTES, NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		g_assert_cmpint(route(cases[i].id, cases[i].op, cases[i].prefix, cases[i].via, cases[i].dev, cases[i].src,
				      cases[i].metric), ==, cases[i].result);
		g_assert_cmpint(harness_error()[0] != '\0', ==, cases[i].result != 0);
	}

	/* The address that a route has as its source goes, and the route with it, as with Linux. */
	g_assert_cmpint(net_addr_try(DEL, "192.0.2.100/32", "dpdk0"), ==, 0);
	g_assert_cmpint(route(301, 0, "172.19.0.0/24", NULL, NULL, NULL, 0), ==, -ESRCH);
	net_addr("192.0.2.100/32", "dpdk0");

	conf.dst.family = 2;
	g_assert_cmpint(harness_set(DPVS_SET_ROUTE_FLUSH, &conf, sizeof(conf), 1), ==, 0);
	g_assert_cmpuint(count_of(DPVS_GET_ROUTES, NULL), ==, before);
	net_down();
}

/** way: sends a packet to @dst; the MAC address that it leaves to, in its last byte; 0: an error comes back. */
static uint8_t
way(const char *dst)
{
	frame_udp(&in, strchr(dst, ':') ? "2001:db8:1::10" : "192.0.2.10", dst, 1, 2, 20);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	return out[0].b[4] == 7 ? out[0].b[5] : out[0].b[5] == 0x11 ? 0x11 : 0;
}

static void
test_lookup(void)
{
	struct dpvs_route_conf query = { .dst = { .family = 2, .bytes = { 10, 1, 2, 3 } }, .plen = 32 };
	struct dpvs_route_conf answer;
	struct dpvs_reply *reply;

	net_up(NULL);
	net_neigh("198.51.100.71", "dpdk1", gw_mac);
	net_neigh("198.51.100.72", "dpdk1", gw2_mac);
	net_neigh("2001:db8:2::71", "dpdk1", gw_mac);
	net_neigh("fe80::72", "dpdk1", gw2_mac);

	/* The longest prefix wins, then the lowest metric. */
	g_assert_cmpuint(way("10.1.2.3"), ==, 0);
	g_assert_cmpint(route(300, 0, "0.0.0.0/0", "198.51.100.11", NULL, NULL, 0), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 0x11);
	g_assert_cmpint(route(300, 0, "10.0.0.0/8", "198.51.100.71", NULL, NULL, 0), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 1);
	g_assert_cmpint(route(300, 0, "10.1.2.3/32", "198.51.100.72", NULL, NULL, 10), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 2);
	g_assert_cmpuint(way("10.1.2.4"), ==, 1);
	g_assert_cmpint(route(300, 0, "10.1.2.3/32", "198.51.100.11", NULL, NULL, 5), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 0x11);
	g_assert_cmpint(route(301, 0, "10.1.2.3/32", NULL, NULL, NULL, 5), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 2);

	g_assert_cmpint(harness_get(DPVS_GET_ROUTE_LOOKUP, &query, sizeof(query), &reply), ==, 0);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &answer, sizeof(answer)), ==, 0);
	g_assert_cmpuint(answer.via.bytes[3], ==, 72);
	g_assert_cmpuint(answer.src.bytes[3], ==, 1); /* 198.51.100.1 */
	g_assert_cmpstr(answer.dev, ==, "dpdk1");
	g_assert_cmpuint(answer.mtu, ==, 1500);
	dpvs_reply_free(reply);

	g_assert_cmpint(route(301, 0, "10.1.2.3/32", NULL, NULL, NULL, 0), ==, 0);
	g_assert_cmpint(route(301, 0, "10.0.0.0/8", NULL, NULL, NULL, 0), ==, 0);
	g_assert_cmpuint(way("10.1.2.3"), ==, 0x11);

	g_assert_cmpint(route(0, 0, "2001:db8:5::/48", "2001:db8:2::71", NULL, NULL, 0), ==, 0);
	g_assert_cmpuint(way("2001:db8:5::1"), ==, 1);
	g_assert_cmpint(route(0, 0, "2001:db8:5:1::/64", "fe80::72", "dpdk1", NULL, 0), ==, 0);
	g_assert_cmpuint(way("2001:db8:5:1::1"), ==, 2);
	g_assert_cmpuint(way("2001:db8:5:2::1"), ==, 1);
	g_assert_cmpint(route(0, 1, "2001:db8:5:1::/64", NULL, NULL, NULL, 0), ==, 0);
	g_assert_cmpuint(way("2001:db8:5:1::1"), ==, 1);

	query.dst.family = 2;
	query.dst.bytes[0] = 0;
	query.plen = 8;
	g_assert_cmpint(harness_get(DPVS_GET_ROUTE_LOOKUP, &query, sizeof(query), &reply), ==, -EINVAL);
	net_down();
}

/** test_model: random changes; each look-up on the workers says what a plain list says. */
static void
test_model(void)
{
	struct {
		uint32_t net;
		uint8_t plen;
		uint8_t via; /* 0: not there */
	} model[64] = { 0 };
	g_autoptr(GRand) rnd = g_rand_new_with_seed(7);

	net_up(NULL);
	net_neigh("198.51.100.71", "dpdk1", gw_mac);
	net_neigh("198.51.100.72", "dpdk1", gw2_mac);
	for (unsigned int i = 0; i < G_N_ELEMENTS(model); i++) {
		model[i].plen = (uint8_t)g_rand_int_range(rnd, 9, 33);
		model[i].net = (0x0a000000u | (g_rand_int(rnd) & 0x00030303)) & ~(uint32_t)(0xffffffffull >> model[i].plen);
		for (unsigned int k = 0; k < i; k++) {
			if (model[k].net == model[i].net && model[k].plen == model[i].plen)
				model[i].plen = 0; /* no use */
		}
	}
	for (unsigned int round = 0; round < 400; round++) {
		unsigned int i = (unsigned int)g_rand_int_range(rnd, 0, G_N_ELEMENTS(model));
		uint32_t ip = 0x0a000000u | (g_rand_int(rnd) & 0x00030303);
		uint8_t want = 0;
		uint8_t best = 0;
		char text[32];

		if (model[i].plen != 0) {
			snprintf(text, sizeof(text), "%u.%u.%u.%u/%u", model[i].net >> 24, model[i].net >> 16 & 255,
				 model[i].net >> 8 & 255, model[i].net & 255, model[i].plen);
			if (model[i].via != 0) {
				g_assert_cmpint(route(301, 0, text, NULL, NULL, NULL, 0), ==, 0);
				model[i].via = 0;
			} else {
				model[i].via = (uint8_t)g_rand_int_range(rnd, 1, 3);
				g_assert_cmpint(route(300, 0, text, model[i].via == 1 ? "198.51.100.71" : "198.51.100.72",
						      NULL, NULL, 0), ==, 0);
			}
		}
		for (unsigned int k = 0; k < G_N_ELEMENTS(model); k++) {
			if (model[k].via != 0 && model[k].plen > best &&
			    (ip & ~(uint32_t)(0xffffffffull >> model[k].plen)) == model[k].net) {
				best = model[k].plen;
				want = model[k].via;
			}
		}
		snprintf(text, sizeof(text), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
		g_assert_cmpuint(way(text), ==, want);
	}
	net_down();
}

/** test_full: a table that is full refuses, and takes again when there is room. */
static void
test_full(void)
{
	unsigned int added = 0;
	char text[32];
	size_t heap;

	net_start("[route]\nmax-routes=32\n");
	net_addr("192.0.2.1/24", "dpdk0");
	for (;; added++) {
		snprintf(text, sizeof(text), "10.0.%u.0/24", added);
		if (route(300, 0, text, "192.0.2.10", NULL, NULL, 0) != 0)
			break;
	}
	g_assert_cmpuint(added, ==, 29);
	/* An address needs three; it is refused and leaves nothing. */
	g_assert_cmpint(route(301, 0, "10.0.0.0/24", NULL, NULL, NULL, 0), ==, 0);
	g_assert_cmpint(net_addr_try(ADD, "172.16.0.1/24", "dpdk1"), ==, -ENOSPC);
	g_assert_cmpint(route(300, 0, "10.0.0.0/24", "192.0.2.10", NULL, NULL, 0), ==, 0);
	g_assert_cmpint(route(300, 0, "10.9.0.0/24", "192.0.2.10", NULL, NULL, 0), ==, -ENOSPC);
	/* Nor does it keep what it refuses. */
	heap = mallinfo2().uordblks;
	for (unsigned int i = 0; i < 2000; i++)
		g_assert_cmpint(route(300, 0, "10.9.0.0/24", "192.0.2.10", NULL, NULL, 0), ==, -ENOSPC);
	g_assert_cmpuint(mallinfo2().uordblks, <, heap + (64 << 10));
	net_down();
}

/** statics: the static routes of a family, "DST/LEN SRC" each. */
static char *
statics(bool v6)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct dpvs_route_conf conf;
	struct dpvs_reply *reply;
	char dst[INET6_ADDRSTRLEN], src[INET6_ADDRSTRLEN];

	g_assert_cmpint(harness_get(v6 ? DPVS_GET_ROUTES6 : DPVS_GET_ROUTES, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &conf, sizeof(conf)), ==, 0);
		if (conf.proto != DPVS_ROUTE_PROTO_STATIC)
			continue;
		inet_ntop(conf.dst.family, conf.dst.bytes, dst, sizeof(dst));
		g_strlcpy(src, "-", sizeof(src));
		if (conf.src.family != 0)
			inet_ntop(conf.src.family, conf.src.bytes, src, sizeof(src));
		g_string_append_printf(text, "%s%s/%u %s", text->len > 0 ? ", " : "", dst, conf.plen, src);
	}
	dpvs_reply_free(reply);
	return g_strdup(text->str);
}

#define ASSERT_STATICS(v6, want)                      \
	do {                                          \
		g_autofree char *now = statics(v6);   \
		g_assert_cmpstr(now, ==, want);       \
	} while (0)

/** test_address_goes: what becomes of static routes; as Linux 6.18 does with the same commands of ip. */
static void
test_address_goes(void)
{
	struct dpvs_addr_conf conf = {
		.addr = { .family = 2, .bytes = { 192, 0, 2, 1 } }, .dev = "dpdk0", .plen = 24, .valid_lft_s = 1,
	};
	gint64 end;

	net_start(NULL);
	net_addr("192.0.2.1/24", "dpdk0");
	net_addr("198.51.100.1/24", "dpdk0");
	net_addr("10.9.9.9/32", "dpdk1");
	g_assert_cmpint(route(300, 0, "10.1.0.0/16", "192.0.2.254", NULL, NULL, 0), ==, 0);
	g_assert_cmpint(route(300, 0, "10.2.0.0/16", NULL, "dpdk0", NULL, 0), ==, 0);
	g_assert_cmpint(route(300, 0, "10.3.0.0/16", "198.51.100.254", NULL, "192.0.2.1", 0), ==, 0);
	g_assert_cmpint(route(300, 0, "10.4.0.0/16", NULL, "dpdk0", "10.9.9.9", 0), ==, 0);
	g_assert_cmpint(route(300, 0, "10.5.0.0/16", NULL, "dpdk1", NULL, 0), ==, 0);
	g_assert_cmpint(net_addr_try(DEL, "192.0.2.1/24", "dpdk0"), ==, 0);
	ASSERT_STATICS(false, "10.4.0.0/16 10.9.9.9, 10.5.0.0/16 10.9.9.9, 10.1.0.0/16 198.51.100.1, "
			      "10.2.0.0/16 198.51.100.1");
	g_assert_cmpint(net_addr_try(DEL, "198.51.100.1/24", "dpdk0"), ==, 0);
	ASSERT_STATICS(false, "10.5.0.0/16 10.9.9.9");

	/* A port without an address has the source of another one, until that is gone, too. */
	g_assert_cmpint(route(300, 0, "10.6.0.0/16", NULL, "dpdk0", NULL, 0), ==, 0);
	ASSERT_STATICS(false, "10.5.0.0/16 10.9.9.9, 10.6.0.0/16 10.9.9.9");
	g_assert_cmpint(net_addr_try(DEL, "10.9.9.9/32", "dpdk1"), ==, 0);
	ASSERT_STATICS(false, "10.6.0.0/16 -");
	net_addr("10.9.9.9/32", "dpdk1");
	ASSERT_STATICS(false, "10.6.0.0/16 10.9.9.9");

	/* The last one's time is over. */
	g_assert_cmpint(harness_set(ADD, &conf, sizeof(conf), 1), ==, 0);
	ASSERT_STATICS(false, "10.6.0.0/16 192.0.2.1");
	end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (count_of(DPVS_GET_ADDRS, "dpdk0") > 1 && g_get_monotonic_time() < end)
		harness_pump(20);
	ASSERT_STATICS(false, "");

	net_addr("2001:db8::1/64", "dpdk0");
	net_addr("2001:db8:1::1/64", "dpdk0");
	g_assert_cmpint(route(0, 0, "2001:db8:a::/48", "2001:db8::fe", NULL, NULL, 0), ==, 0);
	g_assert_cmpint(route(0, 0, "2001:db8:b::/48", NULL, "dpdk0", NULL, 0), ==, 0);
	g_assert_cmpint(route(0, 0, "2001:db8:c::/48", "2001:db8:1::fe", NULL, "2001:db8::1", 0), ==, 0);
	g_assert_cmpint(net_addr_try(DEL, "2001:db8::1/64", "dpdk0"), ==, 0);
	ASSERT_STATICS(true, "2001:db8:a::/48 2001:db8:1::1, 2001:db8:b::/48 2001:db8:1::1, "
			     "2001:db8:c::/48 2001:db8:1::1");
	g_assert_cmpint(net_addr_try(DEL, "2001:db8:1::1/64", "dpdk0"), ==, 0);
	ASSERT_STATICS(true, "2001:db8:a::/48 -, 2001:db8:b::/48 -, 2001:db8:c::/48 -");
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/addr/errors", test_addr_errors);
	g_test_add_func("/packet/addr/life", test_addr_life);
	g_test_add_func("/packet/route/errors", test_route_errors);
	g_test_add_func("/packet/route/lookup", test_lookup);
	g_test_add_func("/packet/route/model", test_model);
	g_test_add_func("/packet/route/full", test_full);
	g_test_add_func("/packet/route/address goes", test_address_goes);
	rc = g_test_run();
	harness_fini();
	return rc;
}
