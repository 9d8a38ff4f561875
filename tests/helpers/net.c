/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small network around the daemon: see net.h.
 */
#include "net.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>
#include <rte_mbuf.h>

#include "harness.h"

static unsigned int next_worker;

static struct dpvs_addr
wire_addr(const char *text)
{
	struct dpvs_addr a = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };

	g_assert_cmpint(inet_pton(a.family, text, a.bytes), ==, 1);
	return a;
}

static struct dpvs_addr
wire_prefix(const char *prefix, uint8_t *ret_plen)
{
	g_auto(GStrv) part = g_strsplit(prefix, "/", 2);

	g_assert_nonnull(part[1]);
	*ret_plen = (uint8_t)g_ascii_strtoull(part[1], NULL, 10);
	return wire_addr(part[0]);
}

int
net_addr_try(uint32_t id, const char *prefix, const char *dev)
{
	struct dpvs_addr_conf conf = { 0 };

	conf.addr = wire_prefix(prefix, &conf.plen);
	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return harness_set(id, &conf, sizeof(conf), 1);
}

void
net_addr(const char *prefix, const char *dev)
{
	g_assert_cmpint(net_addr_try(DPVS_SET_ADDR_ADD, prefix, dev), ==, 0);
}

void
net_neigh(const char *addr, const char *dev, const uint8_t *mac)
{
	struct dpvs_neigh_conf conf = { .addr = wire_addr(addr) };

	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	memcpy(conf.mac, mac, sizeof(conf.mac));
	g_assert_cmpint(harness_set(DPVS_SET_NEIGH_ADD, &conf, sizeof(conf), 1), ==, 0);
}

int
net_route(const char *prefix, const char *via, const char *dev, uint32_t mtu)
{
	struct dpvs_route_conf conf = { .mtu = mtu };

	conf.dst = wire_prefix(prefix, &conf.plen);
	if (via != NULL)
		conf.via = wire_addr(via);
	if (dev != NULL)
		g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return harness_set(conf.dst.family == AF_INET ? DPVS_SET_ROUTE_ADD : DPVS_SET_ROUTE6, &conf,
			   sizeof(conf), 1);
}

void
net_start(const char *conf)
{
	harness_start(2, conf);
}

void
net_up(const char *conf)
{
	static const uint8_t host[6] = { HOST_MAC };
	static const uint8_t server[6] = { SERVER_MAC };

	net_start(conf);
	net_addr("192.0.2.1/24", "dpdk0");
	net_addr("192.0.2.100/32", "dpdk0");
	net_addr("2001:db8:1::1/64", "dpdk0");
	net_addr("2001:db8:1::100/128", "dpdk0");
	net_addr("198.51.100.1/24", "dpdk1");
	net_addr("2001:db8:2::1/64", "dpdk1");
	net_neigh("192.0.2.10", "dpdk0", host);
	net_neigh("2001:db8:1::10", "dpdk0", host);
	net_neigh("198.51.100.11", "dpdk1", server);
	net_neigh("2001:db8:2::11", "dpdk1", server);
	net_quiet();
}

void
net_down(void)
{
	struct dpvs_neigh_conf all = { 0 };

	/* Packets that wait for a neighbour need not wait for the time-out. */
	g_assert_cmpint(harness_set(DPVS_SET_NEIGH_FLUSH, &all, sizeof(all), 1), ==, 0);
	harness_stop();
}

void
net_quiet(void)
{
	static struct frame f[64];
	uint64_t sent;

	do {
		sent = harness_stat("ifaddr", "announced");
		harness_pump(50);
		harness_settle();
	} while (harness_stat("ifaddr", "announced") != sent);
	while (net_take(f, G_N_ELEMENTS(f), 0, 0) > 0)
		;
}

unsigned int
net_take(struct frame *ret, unsigned int max, unsigned int want, unsigned int timeout_ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
	struct rte_mbuf *m[64];
	unsigned int count = 0;

	do {
		for (uint16_t port = 0; port < 2; port++) {
			unsigned int room = MIN(G_N_ELEMENTS(m), max - count);
			unsigned int n = harness_collect(port, m, room, 0, 0);

			for (unsigned int i = 0; i < n; i++) {
				struct frame *f = &ret[count++];
				const void *data;

				f->port = port;
				f->len = m[i]->pkt_len;
				g_assert_cmpuint(f->len, <=, sizeof(f->b));
				data = rte_pktmbuf_read(m[i], 0, f->len, f->b);
				if (data != f->b)
					memcpy(f->b, data, f->len);
			}
			harness_free(m, n);
		}
		if (count >= want)
			break;
		harness_pump(1);
	} while (g_get_monotonic_time() < end);
	return count;
}

/** net_mbuf: @f as one packet, of several segments when it must be. */
static struct rte_mbuf *
net_mbuf(const struct frame *f)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t at = 0; at < f->len || head == NULL; at += 2048) {
		struct rte_mbuf *m = harness_frame(f->b + at, MIN(f->len - at, 2048));

		if (head == NULL)
			head = m;
		else
			g_assert_cmpint(rte_pktmbuf_chain(head, m), ==, 0);
	}
	return head;
}

unsigned int
net_send(const struct frame *f, struct frame *ret, unsigned int max)
{
	harness_inject(f->port, next_worker++ % harness_workers(), net_mbuf(f));
	harness_settle();
	return net_take(ret, max, 0, 0);
}

/* --- frames --- */

static uint32_t
sum_of(const uint8_t *b, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	if (len & 1)
		sum += (uint32_t)b[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void
put32(uint8_t *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b + 2, v & 0xffff);
}

static bool
is_ip6(const struct frame *f)
{
	return f->b[12] == 0x86;
}

/** l4_csum_at: where the upper layer has its checksum; 0: none that we know. */
static uint32_t
l4_csum_at(uint8_t proto)
{
	return proto == IPPROTO_TCP ? 16 : proto == IPPROTO_UDP ? 6 : proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? 2 : 0;
}

static uint32_t
l4_total(const struct frame *f, uint8_t proto, uint32_t at)
{
	uint32_t len = f->len - at;
	uint32_t sum = 0;

	if (proto != IPPROTO_ICMP) {
		sum = is_ip6(f) ? sum_of(f->b + L3 + 8, 32, 0) : sum_of(f->b + L3 + 12, 8, 0);
		sum += proto + len;
	}
	return sum_of(f->b + at, len, sum);
}

static void
frame_eth(struct frame *f, uint16_t type)
{
	static const uint8_t macs[12] = { PORT0_MAC, HOST_MAC };

	f->port = 0;
	memcpy(f->b, macs, sizeof(macs));
	put16(f->b + 12, type);
}

static void
frame_payload(struct frame *f, uint32_t at, const void *payload, size_t len)
{
	g_assert_cmpuint(at + len, <=, sizeof(f->b));
	f->len = at + (uint32_t)len;
	if (payload != NULL)
		memcpy(f->b + at, payload, len);
	else
		for (size_t i = 0; i < len; i++)
			f->b[at + i] = (uint8_t)(i * 7 + (i >> 8));
}

void
frame_fix(struct frame *f)
{
	uint32_t hlen = (f->b[L3] & 0x0f) * 4u;

	put16(f->b + L3 + 10, 0);
	put16(f->b + L3 + 10, ~sum_of(f->b + L3, hlen, 0));
}

void
frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto, const void *payload, size_t len)
{
	uint8_t *ip = f->b + L3;

	frame_eth(f, 0x0800);
	frame_payload(f, L4_4, payload, len);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + (uint32_t)len);
	put16(ip + 4, 0x1234);
	ip[8] = 64;
	ip[9] = proto;
	g_assert_cmpint(inet_pton(AF_INET, src, ip + 12), ==, 1);
	g_assert_cmpint(inet_pton(AF_INET, dst, ip + 16), ==, 1);
	frame_fix(f);
}

void
frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t proto, const void *payload, size_t len)
{
	uint8_t *ip = f->b + L3;

	frame_eth(f, 0x86dd);
	frame_payload(f, L4_6, payload, len);
	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, (uint32_t)len);
	ip[6] = proto;
	ip[7] = 64;
	g_assert_cmpint(inet_pton(AF_INET6, src, ip + 8), ==, 1);
	g_assert_cmpint(inet_pton(AF_INET6, dst, ip + 24), ==, 1);
	if (ip[24] == 0xff) {
		static const uint8_t group[2] = { 0x33, 0x33 };

		memcpy(f->b, group, 2);
		memcpy(f->b + 2, ip + 36, 4);
	}
}

/** frame_any: IPv4 or IPv6 by the look of @src. Returns the offset of the upper layer. */
static uint32_t
frame_any(struct frame *f, const char *src, const char *dst, uint8_t proto, size_t len)
{
	if (strchr(src, ':') != NULL) {
		frame_ip6(f, src, dst, proto, NULL, len);
		return L4_6;
	}
	frame_ip4(f, src, dst, proto, NULL, len);
	return L4_4;
}

static void
frame_l4_sum(struct frame *f, uint8_t proto, uint32_t at)
{
	uint32_t csum = at + l4_csum_at(proto);

	put16(f->b + csum, 0);
	put16(f->b + csum, ~l4_total(f, proto, at));
}

void
frame_udp(struct frame *f, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t len)
{
	uint32_t at = frame_any(f, src, dst, IPPROTO_UDP, 8 + len);

	put16(f->b + at, sport);
	put16(f->b + at + 2, dport);
	put16(f->b + at + 4, 8 + (uint32_t)len);
	frame_l4_sum(f, IPPROTO_UDP, at);
}

void
frame_tcp(struct frame *f, const char *src, const char *dst, uint16_t sport, uint16_t dport, uint8_t flags,
	  uint32_t seq, uint32_t ack, size_t len)
{
	uint32_t at = frame_any(f, src, dst, IPPROTO_TCP, 20 + len);

	memset(f->b + at, 0, 20);
	put16(f->b + at, sport);
	put16(f->b + at + 2, dport);
	put32(f->b + at + 4, seq);
	put32(f->b + at + 8, ack);
	f->b[at + 12] = 0x50;
	f->b[at + 13] = flags;
	frame_l4_sum(f, IPPROTO_TCP, at);
}

void
frame_echo(struct frame *f, const char *src, const char *dst, size_t len)
{
	bool v6 = strchr(src, ':') != NULL;
	uint8_t proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint32_t at = frame_any(f, src, dst, proto, 8 + len);

	f->b[at] = v6 ? 128 : 8;
	f->b[at + 1] = 0;
	put16(f->b + at + 4, 0x4711);
	put16(f->b + at + 6, 1);
	frame_l4_sum(f, proto, at);
}

void
frame_arp(struct frame *f, uint16_t op, const uint8_t *sha, const char *sip, const char *tip)
{
	static const uint8_t start[6] = { 0, 1, 8, 0, 6, 4 };
	uint8_t *arp = f->b + L3;

	frame_eth(f, 0x0806);
	f->len = 60;
	memset(arp, 0, 46);
	memcpy(arp, start, sizeof(start));
	put16(arp + 6, op);
	memcpy(arp + 8, sha, 6);
	memcpy(f->b + 6, sha, 6);
	g_assert_cmpint(inet_pton(AF_INET, sip, arp + 14), ==, 1);
	g_assert_cmpint(inet_pton(AF_INET, tip, arp + 24), ==, 1);
	if (op == 1)
		memset(f->b, 0xff, 6);
}

void
frame_nd(struct frame *f, uint8_t type, uint32_t flags, const char *src, const char *dst, const char *target,
	 const uint8_t *mac)
{
	uint8_t msg[32] = { type };

	put32(msg + 4, flags);
	g_assert_cmpint(inet_pton(AF_INET6, target, msg + 8), ==, 1);
	msg[24] = type == 135 ? 1 : 2;
	msg[25] = 1;
	if (mac != NULL)
		memcpy(msg + 26, mac, 6);
	frame_ip6(f, src, dst, IPPROTO_ICMPV6, msg, mac != NULL ? 32 : 24);
	f->b[L3 + 7] = 255;
	frame_l4_sum(f, IPPROTO_ICMPV6, L4_6);
}

void
frame_frag(struct frame *f, const struct frame *whole, uint32_t id, uint32_t first, uint32_t end, bool more)
{
	*f = *whole;
	if (is_ip6(whole)) {
		uint8_t *fh = f->b + L4_6;

		memcpy(fh + 8, whole->b + L4_6 + first, end - first);
		fh[0] = whole->b[L3 + 6];
		fh[1] = 0;
		put16(fh + 2, first | more);
		put32(fh + 4, id);
		f->b[L3 + 6] = IPPROTO_FRAGMENT;
		f->len = L4_6 + 8 + end - first;
		put16(f->b + L3 + 4, 8 + end - first);
		return;
	}
	memcpy(f->b + L4_4, whole->b + L4_4 + first, end - first);
	f->len = L4_4 + end - first;
	put16(f->b + L3 + 2, 20 + end - first);
	put16(f->b + L3 + 4, id);
	put16(f->b + L3 + 6, first / 8 | (more ? 0x2000 : 0));
	frame_fix(f);
}

bool
frame_sums_ok(const struct frame *f)
{
	uint8_t proto;
	uint32_t at;

	if (is_ip6(f)) {
		proto = f->b[L3 + 6];
		at = L4_6;
	} else {
		uint32_t hlen = (f->b[L3] & 0x0f) * 4u;

		if (sum_of(f->b + L3, hlen, 0) != 0xffff)
			return false;
		proto = f->b[L3 + 9];
		at = L3 + hlen;
		if ((be16_at(f, L3 + 6) & 0x3fff) != 0)
			return true; /* a fragment: the sum is of the whole */
	}
	return l4_csum_at(proto) == 0 || l4_total(f, proto, at) == 0xffff;
}

uint16_t
be16_at(const struct frame *f, uint32_t at)
{
	return (uint16_t)(f->b[at] << 8 | f->b[at + 1]);
}

uint32_t
be32_at(const struct frame *f, uint32_t at)
{
	return (uint32_t)be16_at(f, at) << 16 | be16_at(f, at + 2);
}

bool
addr_at(const struct frame *f, uint32_t at, const char *addr)
{
	struct dpvs_addr a = wire_addr(addr);

	return memcmp(f->b + at, a.bytes, a.family == AF_INET ? 4 : 16) == 0;
}
