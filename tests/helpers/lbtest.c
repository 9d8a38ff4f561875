/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lbtest.h.
 */
#include "lbtest.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>

#include "harness.h"

#define WAIT_MS 5000

static const char *const devs[] = { "dpdk0", "dpdk1" };

union ip_addr
lb_addr(uint8_t af, unsigned int net, uint32_t host)
{
	static const uint32_t nets4[] = { 0xc0000200, 0xc6336400, 0x0a000000 };
	static const uint32_t nets6[] = { 0x00010000, 0x00020000, 0x000a0000 };
	union ip_addr a = { 0 };

	if (af == AF_INET) {
		a.ip4 = rte_cpu_to_be_32(nets4[net] + host);
	} else {
		a.u32[0] = rte_cpu_to_be_32(0x20010db8);
		a.u32[1] = rte_cpu_to_be_32(nets6[net]);
		a.u32[3] = rte_cpu_to_be_32(host);
	}
	return a;
}

struct dpvs_addr
lb_wire_addr(uint8_t af, unsigned int net, uint32_t host)
{
	union ip_addr a = lb_addr(af, net, host);
	struct dpvs_addr w = { .family = af };

	memcpy(w.bytes, &a, af == AF_INET ? 4 : 16);
	return w;
}

static void
set(uint32_t id, const void *record, uint32_t size)
{
	int err = harness_set(id, record, size, 1);

	if (err != 0)
		g_error("SET %u: %d %s", id, err, harness_error());
}

static void
add_addr(uint8_t af, unsigned int net, uint32_t host, uint8_t plen4, uint8_t plen6)
{
	struct dpvs_addr_conf conf = {
		.addr = lb_wire_addr(af, net, host),
		.plen = af == AF_INET ? plen4 : plen6,
	};

	g_strlcpy(conf.dev, devs[net], sizeof(conf.dev));
	set(DPVS_SET_ADDR_ADD, &conf, sizeof(conf));
}

static void
add_neigh(uint8_t af, unsigned int net, uint32_t host)
{
	struct dpvs_neigh_conf conf = {
		.addr = lb_wire_addr(af, net, host),
		.mac = { 0x02, 0, 0, 1, (uint8_t)net, (uint8_t)host },
	};

	g_strlcpy(conf.dev, devs[net], sizeof(conf.dev));
	set(DPVS_SET_NEIGH_ADD, &conf, sizeof(conf));
}

void
lb_start(const char *conf)
{
	harness_start(2, conf);
	lb_setup();
}

void
lb_setup(void)
{
	static const uint8_t afs[] = { AF_INET, AF_INET6 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(afs); i++) {
		uint8_t af = afs[i];
		struct dpvs_route_conf far = {
			.dst = lb_wire_addr(af, NET_FAR, 0),
			.via = lb_wire_addr(af, NET_CLIENT, HOST_ROUTER),
			.dev = "dpdk0",
			.plen = af == AF_INET ? 8 : 48,
		};

		add_addr(af, NET_CLIENT, HOST_DIRECTOR, 24, 64);
		add_addr(af, NET_CLIENT, HOST_VIP, 32, 128);
		add_addr(af, NET_SERVER, HOST_DIRECTOR, 24, 64);
		set(af == AF_INET ? DPVS_SET_ROUTE_ADD : DPVS_SET_ROUTE6, &far, sizeof(far));
		add_neigh(af, NET_CLIENT, HOST_CLIENT);
		add_neigh(af, NET_CLIENT, HOST_ROUTER);
		for (unsigned int n = 0; n < LB_SERVERS; n++)
			add_neigh(af, NET_SERVER, HOST_SERVER + n);
	}
	harness_settle();
}

void
lb_stop(void)
{
	gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
	uint64_t used;

	/* The daemon may be in the middle of its own talk; nothing else may stay. */
	do {
		lb_none();
		used = harness_mbufs();
	} while (used > 0 && g_get_monotonic_time() < end);
	g_assert_cmpuint(used, ==, 0);
	harness_stop();
}

struct dpvs_service_key
lb_key(uint8_t af, uint8_t proto, uint16_t port)
{
	return (struct dpvs_service_key){
		.vip = lb_wire_addr(af, NET_CLIENT, HOST_VIP),
		.port = port,
		.proto = proto,
	};
}

void
lb_service(uint8_t af, uint8_t proto, uint16_t port, const char *sched)
{
	struct dpvs_service_conf conf = { .key = lb_key(af, proto, port), .set = DPVS_SERVICE_SET_SCHED };

	g_strlcpy(conf.sched, sched, sizeof(conf.sched));
	set(DPVS_SET_SERVICE_ADD, &conf, sizeof(conf));
}

void
lb_service_del(uint8_t af, uint8_t proto, uint16_t port)
{
	struct dpvs_service_conf conf = { .key = lb_key(af, proto, port) };

	set(DPVS_SET_SERVICE_DEL, &conf, sizeof(conf));
}

static struct dpvs_dest_conf
dest_conf(uint8_t af, uint8_t proto, uint16_t port, uint8_t fwd, unsigned int n, uint16_t dport)
{
	return (struct dpvs_dest_conf){
		.svc = lb_key(af, proto, port),
		.addr = lb_wire_addr(af, NET_SERVER, HOST_SERVER + n),
		.port = dport,
		.fwd = fwd,
		.set = DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT,
		.weight = 1,
	};
}

void
lb_dest(uint8_t af, uint8_t proto, uint16_t port, uint8_t fwd, unsigned int n, uint16_t dport)
{
	struct dpvs_dest_conf conf = dest_conf(af, proto, port, fwd, n, dport);

	set(DPVS_SET_DEST_ADD, &conf, sizeof(conf));
}

void
lb_dest_weight(uint8_t af, uint8_t proto, uint16_t port, uint8_t fwd, unsigned int n, uint16_t dport,
	       uint32_t weight)
{
	struct dpvs_dest_conf conf = dest_conf(af, proto, port, fwd, n, dport);

	conf.weight = weight;
	set(DPVS_SET_DEST_EDIT, &conf, sizeof(conf));
}

void
lb_dest_del(uint8_t af, uint8_t proto, uint16_t port, unsigned int n, uint16_t dport)
{
	struct dpvs_dest_conf conf = dest_conf(af, proto, port, 0, n, dport);

	conf.set = 0;
	set(DPVS_SET_DEST_DEL, &conf, sizeof(conf));
}

void
lb_laddr(uint8_t af, uint8_t proto, uint16_t port, unsigned int n)
{
	struct dpvs_laddr_conf conf = {
		.svc = lb_key(af, proto, port),
		.addr = lb_wire_addr(af, NET_SERVER, HOST_LADDR + n),
		.dev = "dpdk1",
	};

	set(DPVS_SET_LADDR_ADD, &conf, sizeof(conf));
}

struct dpvs_dest_info
lb_dest_info(uint8_t af, uint8_t proto, uint16_t port, unsigned int n)
{
	struct dpvs_service_key key = lb_key(af, proto, port);
	struct dpvs_addr want = lb_wire_addr(af, NET_SERVER, HOST_SERVER + n);
	struct dpvs_dest_info info;
	struct dpvs_reply *reply = NULL;

	g_assert_cmpint(harness_get(DPVS_GET_DESTS, &key, sizeof(key), &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++) {
		if (memcmp(&info.conf.addr, &want, sizeof(want)) == 0) {
			dpvs_reply_free(reply);
			return info;
		}
	}
	g_error("server %u is not listed", n);
}

struct dpvs_conn_info
lb_conn(void)
{
	struct dpvs_conn_info info;
	struct dpvs_reply *reply = NULL;

	g_assert_cmpint(harness_get(DPVS_GET_CONNS, NULL, 0, &reply), ==, 0);
	g_assert_cmpuint(dpvs_reply_count(reply), ==, 1);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &info, sizeof(info)), ==, 0);
	dpvs_reply_free(reply);
	return info;
}

uint64_t
lb_conn_count(void)
{
	struct dpvs_reply *reply = NULL;
	struct dpvs_mem_info info;
	uint64_t count = UINT64_MAX;

	g_assert_cmpint(harness_get(DPVS_GET_MEM, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &info, sizeof(info)) == 0; i++) {
		if (strcmp(info.name, "conn") == 0)
			count = info.in_use;
	}
	dpvs_reply_free(reply);
	return count;
}

/*
 * ---- packets
 */

static uint16_t
l4_sum(const void *ip, uint8_t af, const void *l4, uint32_t len, uint8_t proto)
{
	uint64_t sum = rte_raw_cksum(l4, len);

	if (af == AF_INET)
		sum += rte_raw_cksum((const char *)ip + 12, 8);
	else
		sum += rte_raw_cksum((const char *)ip + 8, 32);
	sum += rte_cpu_to_be_16((uint16_t)len);
	sum += rte_cpu_to_be_16(proto);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
put_ip(char *ip, uint8_t af, const union ip_addr *src, const union ip_addr *dst, uint8_t proto, uint8_t ttl,
       bool df, uint32_t len)
{
	if (af == AF_INET) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

		*h = (struct rte_ipv4_hdr){
			.version_ihl = 0x45,
			.total_length = rte_cpu_to_be_16((uint16_t)(len + sizeof(*h))),
			.packet_id = rte_cpu_to_be_16(0x1234),
			.fragment_offset = df ? rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG) : 0,
			.time_to_live = ttl,
			.next_proto_id = proto,
			.src_addr = src->ip4,
			.dst_addr = dst->ip4,
		};
		h->hdr_checksum = rte_ipv4_cksum(h);
	} else {
		struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)ip;

		memset(h, 0, sizeof(*h));
		h->vtc_flow = rte_cpu_to_be_32(0x60000000);
		h->payload_len = rte_cpu_to_be_16((uint16_t)len);
		h->proto = proto;
		h->hop_limits = ttl;
		memcpy(&h->src_addr, src, 16);
		memcpy(&h->dst_addr, dst, 16);
	}
}

static char *
put_ether(char *frame, uint16_t port, uint8_t af)
{
	const uint8_t macs[12] = { 0x02, 0, 0, 0, 0, (uint8_t)port, 0x02, 0, 0, 1, (uint8_t)port, HOST_ROUTER };
	rte_be16_t type = rte_cpu_to_be_16(af == AF_INET ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);

	memcpy(frame, macs, sizeof(macs));
	memcpy(frame + 12, &type, 2);
	return frame + 14;
}

static uint32_t
ip_size(uint8_t af)
{
	return af == AF_INET ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

struct rte_mbuf *
pk_make(uint16_t port, const struct pk *p)
{
	uint8_t proto = p->proto != 0 ? p->proto : IPPROTO_UDP;
	uint32_t hlen = proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) :
					       sizeof(struct rte_tcp_hdr) + p->opts_len;
	uint32_t len = hlen + MAX(p->len, 8u);
	char frame[9000] = { 0 };
	char *ip = put_ether(frame, port, p->af), *l4 = ip + ip_size(p->af);
	uint16_t csum;

	g_assert_cmpuint(len, <, sizeof(frame) - 100);
	put_ip(ip, p->af, &p->src, &p->dst, proto, p->ttl != 0 ? p->ttl : 64, p->df, len);
	for (uint32_t i = hlen; i < len; i++)
		l4[i] = (char)(i * 7);
	memcpy(l4 + hlen, &p->mark, sizeof(p->mark));
	if (proto == IPPROTO_UDP) {
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)l4;

		udp->src_port = rte_cpu_to_be_16(p->sport);
		udp->dst_port = rte_cpu_to_be_16(p->dport);
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)len);
		udp->dgram_cksum = 0;
		csum = (uint16_t)~l4_sum(ip, p->af, l4, len, proto);
		if (!p->no_csum)
			udp->dgram_cksum = (uint16_t)((csum != 0 ? csum : 0xffff) + p->csum_error);
	} else {
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)l4;

		*tcp = (struct rte_tcp_hdr){
			.src_port = rte_cpu_to_be_16(p->sport),
			.dst_port = rte_cpu_to_be_16(p->dport),
			.sent_seq = rte_cpu_to_be_32(p->seq),
			.recv_ack = rte_cpu_to_be_32(p->ack),
			.data_off = (uint8_t)((hlen / 4) << 4),
			.tcp_flags = p->flags,
			.rx_win = rte_cpu_to_be_16(8192),
		};
		memcpy(tcp + 1, p->opts, p->opts_len);
		csum = (uint16_t)~l4_sum(ip, p->af, l4, len, proto);
		tcp->cksum = (uint16_t)(csum + p->csum_error);
	}
	return harness_frame(frame, 14 + ip_size(p->af) + len - p->short_by);
}

static void
parse_icmp(struct pk *p, const uint8_t *icmp, uint32_t len)
{
	uint32_t info;

	p->icmp_type = icmp[0];
	p->icmp_code = icmp[1];
	memcpy(&info, icmp + 4, sizeof(info));
	p->icmp_info = rte_be_to_cpu_32(info);
	p->quoted_len = (uint16_t)MIN(len - 8, sizeof(p->quoted));
	memcpy(p->quoted, icmp + 8, p->quoted_len);
}

struct pk
pk_parse(const struct rte_mbuf *m)
{
	uint8_t flat[9216];
	const uint8_t *frame = rte_pktmbuf_read(m, 0, m->pkt_len, flat), *ip = frame + 14, *l4;
	struct pk p = { .af = (ip[0] >> 4) == 4 ? AF_INET : AF_INET6, .l3_ok = true };
	uint32_t len, hlen;
	uint16_t port;

	g_assert_nonnull(frame);
	memcpy(&p.to, frame, 6);
	memcpy(&p.from, frame + 6, 6);
	g_assert_cmphex(frame[12] << 8 | frame[13], ==, p.af == AF_INET ? 0x0800 : 0x86dd);
	if (p.af == AF_INET) {
		const struct rte_ipv4_hdr *h = (const struct rte_ipv4_hdr *)ip;
		uint16_t frag = rte_be_to_cpu_16(h->fragment_offset);

		p.src.ip4 = h->src_addr;
		p.dst.ip4 = h->dst_addr;
		p.proto = h->next_proto_id;
		p.ttl = h->time_to_live;
		p.df = (frag & RTE_IPV4_HDR_DF_FLAG) != 0;
		p.fragment = (frag & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) != 0;
		p.l3_ok = rte_raw_cksum(h, rte_ipv4_hdr_len(h)) == 0xffff;
		len = rte_be_to_cpu_16(h->total_length) - rte_ipv4_hdr_len(h);
		l4 = ip + rte_ipv4_hdr_len(h);
	} else {
		const struct rte_ipv6_hdr *h = (const struct rte_ipv6_hdr *)ip;

		memcpy(&p.src, &h->src_addr, 16);
		memcpy(&p.dst, &h->dst_addr, 16);
		p.proto = h->proto;
		p.ttl = h->hop_limits;
		p.fragment = h->proto == IPPROTO_FRAGMENT;
		len = rte_be_to_cpu_16(h->payload_len);
		l4 = ip + sizeof(*h);
	}
	g_assert_cmpuint(m->pkt_len, ==, (uint32_t)(l4 - frame) + len);
	if (p.fragment)
		return p;
	if (p.proto == IPPROTO_ICMP) {
		p.l4_ok = rte_raw_cksum(l4, len) == 0xffff;
		parse_icmp(&p, l4, len);
		return p;
	}
	p.l4_ok = l4_sum(ip, p.af, l4, len, p.proto) == 0xffff;
	if (p.proto == IPPROTO_ICMPV6) {
		parse_icmp(&p, l4, len);
		return p;
	}
	memcpy(&port, l4, 2);
	p.sport = rte_be_to_cpu_16(port);
	memcpy(&port, l4 + 2, 2);
	p.dport = rte_be_to_cpu_16(port);
	if (p.proto == IPPROTO_UDP) {
		hlen = sizeof(struct rte_udp_hdr);
		p.no_csum = ((const struct rte_udp_hdr *)l4)->dgram_cksum == 0;
		if (p.no_csum)
			p.l4_ok = true;
	} else {
		const struct rte_tcp_hdr *tcp = (const struct rte_tcp_hdr *)l4;

		hlen = (uint32_t)(tcp->data_off >> 4) * 4;
		p.flags = tcp->tcp_flags;
		p.seq = rte_be_to_cpu_32(tcp->sent_seq);
		p.ack = rte_be_to_cpu_32(tcp->recv_ack);
		p.opts_len = (uint8_t)(hlen - sizeof(*tcp));
		memcpy(p.opts, tcp + 1, p.opts_len);
	}
	p.len = (uint16_t)(len - hlen);
	memcpy(&p.mark, l4 + hlen, sizeof(p.mark));
	return p;
}

struct rte_mbuf *
pk_icmp(uint16_t port, uint8_t af, const union ip_addr *src, const union ip_addr *dst, uint8_t type,
	uint8_t code, uint32_t info, const struct rte_mbuf *about)
{
	uint8_t proto = af == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	uint32_t quote = MIN(about->pkt_len - 14, 68u), len = 8 + quote;
	char frame[256] = { 0 };
	char *ip = put_ether(frame, port, af), *icmp = ip + ip_size(af);
	uint16_t csum;

	put_ip(ip, af, src, dst, proto, 64, false, len);
	icmp[0] = (char)type;
	icmp[1] = (char)code;
	info = rte_cpu_to_be_32(info);
	memcpy(icmp + 4, &info, 4);
	memcpy(icmp + 8, rte_pktmbuf_mtod_offset(about, char *, 14), quote);
	csum = af == AF_INET ? rte_raw_cksum(icmp, len) : l4_sum(ip, af, icmp, len, proto);
	csum = (uint16_t)~csum;
	memcpy(icmp + 2, &csum, 2);
	return harness_frame(frame, 14 + ip_size(af) + len);
}

void
lb_send(uint16_t port, unsigned int worker, const struct pk *p)
{
	harness_inject(port, worker, pk_make(port, p));
}

/* ARP, ND and multicast listeners: the daemon's own talk, not what tests look at. */
static bool
is_neighbourly(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	if (frame[12] == 0x08 && frame[13] == 0x06)
		return true;
	if (frame[12] != 0x86 || frame[13] != 0xdd)
		return false;
	return frame[20] == IPPROTO_HOPOPTS ||
	       (frame[20] == IPPROTO_ICMPV6 && frame[54] >= 130 && frame[54] <= 143);
}

unsigned int
lb_collect(uint16_t port, struct rte_mbuf **pkts, unsigned int want, unsigned int wait_ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)wait_ms * 1000;
	unsigned int n = 0, got;

	do {
		got = harness_collect(port, &pkts[n], want - n, 0, 0);
		for (unsigned int i = 0; i < got; i++) {
			struct rte_mbuf *m = pkts[n];

			if (is_neighbourly(m)) {
				rte_pktmbuf_free(m);
				memmove(&pkts[n], &pkts[n + 1], (got - i - 1) * sizeof(*pkts));
			} else {
				n++;
			}
		}
		if (got == 0)
			harness_pump(1);
	} while (n < want && (got > 0 || g_get_monotonic_time() < end));
	return n;
}

struct pk
lb_recv(uint16_t port)
{
	struct rte_mbuf *m;
	struct pk p;

	g_assert_cmpuint(lb_collect(port, &m, 1, WAIT_MS), ==, 1);
	p = pk_parse(m);
	harness_free(&m, 1);
	return p;
}

struct pk
lb_forward(uint16_t in, unsigned int worker, const struct pk *p, uint16_t out)
{
	lb_send(in, worker, p);
	return lb_recv(out);
}

void
lb_none(void)
{
	struct rte_mbuf *m;

	harness_settle();
	g_assert_cmpuint(lb_collect(PORT_CLIENT, &m, 1, 0), ==, 0);
	g_assert_cmpuint(lb_collect(PORT_SERVER, &m, 1, 0), ==, 0);
}

void
lb_drops(uint16_t port, unsigned int worker, const struct pk *p, const char *module, const char *name)
{
	uint64_t before = harness_stat(module, name), all = harness_drops();

	lb_send(port, worker, p);
	lb_none();
	g_assert_cmpuint(harness_stat(module, name), ==, before + 1);
	g_assert_cmpuint(harness_drops(), ==, all + 1);
}

struct pk
lb_reverse(const struct pk *p)
{
	return (struct pk){
		.af = p->af,
		.proto = p->proto,
		.src = p->dst,
		.dst = p->src,
		.sport = p->dport,
		.dport = p->sport,
	};
}

void
lb_test_add(const char *path, void (*fn)(gconstpointer data), unsigned int arg)
{
	g_autofree char *path4 = g_strconcat(path, "/ipv4", NULL);
	g_autofree char *path6 = g_strconcat(path, "/ipv6", NULL);

	g_test_add_data_func(path4, GUINT_TO_POINTER(AF_INET | arg << 8), fn);
	g_test_add_data_func(path6, GUINT_TO_POINTER(AF_INET6 | arg << 8), fn);
}

uint8_t
lb_test_af(gconstpointer data)
{
	return (uint8_t)GPOINTER_TO_UINT(data);
}

unsigned int
lb_test_arg(gconstpointer data)
{
	return GPOINTER_TO_UINT(data) >> 8;
}
