/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours through the whole daemon: ARP and ND questions answered, next hops resolved while packets wait,
 * entries that age, are probed and fail.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>

#include "core/change_priv.h"
#include "core/ctl.h"
#include "core/stats.h"
#include "harness.h"
#include "module.h"
#include "net.h"
#include "net/ifaddr.h"
#include "net/neigh_priv.h"
#include "net/neigh_table.h"

#define WORKERS 2

/** Quick times, so that a test sees an entry's whole life. */
#define QUICK "[neigh]\nretrans-time=100\nreachable-time=1\ndelay-time=1\nprobes=2\nfailed-time=1\n"

static const uint8_t host_mac[6] = { HOST_MAC };
static const uint8_t server_mac[6] = { SERVER_MAC };
static const uint8_t new_mac[6] = { 0x02, 0, 0, 0, 9, 9 };
static const uint8_t group_mac[6] = { 0x01, 0, 0x5e, 0, 0, 1 };
static struct frame in, out[64];

/** state_of: of the entry for @addr on @dev; 0: there is none. */
static uint8_t
state_of(const char *addr, const char *dev, uint8_t *ret_mac)
{
	struct dpvs_neigh_conf info;
	struct dpvs_reply *reply;
	uint8_t state = 0;

	g_assert_cmpint(harness_get(DPVS_GET_NEIGHS, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		struct frame f = { 0 };

		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		memcpy(f.b, info.addr.bytes, 16);
		if (strcmp(info.dev, dev) != 0 || (strchr(addr, ':') != NULL) != (info.addr.family == 10) ||
		    !addr_at(&f, 0, addr))
			continue;
		state = info.state;
		if (ret_mac != NULL)
			memcpy(ret_mac, info.mac, 6);
	}
	dpvs_reply_free(reply);
	return state;
}

static void
wait_state(const char *addr, const char *dev, uint8_t state)
{
	gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

	while (state_of(addr, dev, NULL) != state && g_get_monotonic_time() < end)
		harness_pump(5);
	g_assert_cmpuint(state_of(addr, dev, NULL), ==, state);
}

static void
test_arp_answers(void)
{
	static const struct {
		const char *name;
		const char *counter; /* of arp; NULL: answered */
		uint16_t op;
		const uint8_t *sha;
		const char *sip;
		const char *tip;
		uint32_t cut;
		uint16_t at; /* byte changed */
		uint8_t value;
	} cases[] = {
		{ "for the address of the port", NULL, 1, host_mac, "192.0.2.10", "192.0.2.1", 0, 0, 0 },
		{ "for the VIP", NULL, 1, host_mac, "192.0.2.10", "192.0.2.100", 0, 0, 0 },
		{ "from a station that we do not know", NULL, 1, new_mac, "192.0.2.77", "192.0.2.100", 0, 0, 0 },
		{ "a probe", NULL, 1, new_mac, "0.0.0.0", "192.0.2.100", 0, 0, 0 },
		{ "42 bytes, no padding", NULL, 1, host_mac, "192.0.2.10", "192.0.2.1", 42, 0, 0 },
		{ "for the address of another port", "others", 1, host_mac, "192.0.2.10", "198.51.100.1", 0, 0, 0 },
		{ "for somebody else", "others", 1, host_mac, "192.0.2.10", "192.0.2.55", 0, 0, 0 },
		{ "a reply that nobody asked for", "replies", 2, host_mac, "192.0.2.10", "192.0.2.1", 0, 0, 0 },
		{ "our address at another station", "conflict", 1, host_mac, "192.0.2.1", "192.0.2.1", 0, 0, 0 },
		{ "41 bytes", "bad-length", 1, host_mac, "192.0.2.10", "192.0.2.1", 41, 0, 0 },
		{ "token ring", "bad-format", 1, host_mac, "192.0.2.10", "192.0.2.1", 0, L3 + 1, 6 },
		{ "for IPX", "bad-format", 1, host_mac, "192.0.2.10", "192.0.2.1", 0, L3 + 2, 0x81 },
		{ "hardware addresses of 8 bytes", "bad-format", 1, host_mac, "192.0.2.10", "192.0.2.1", 0, L3 + 4, 8 },
		{ "protocol addresses of 16 bytes", "bad-format", 1, host_mac, "192.0.2.10", "192.0.2.1", 0, L3 + 5, 16 },
		{ "reverse ARP", "bad-format", 3, host_mac, "192.0.2.10", "192.0.2.1", 0, 0, 0 },
		{ "sent by a group", "bad-sender", 1, group_mac, "192.0.2.10", "192.0.2.1", 0, 0, 0 },
		{ "sent by multicast", "bad-sender", 1, host_mac, "224.0.0.1", "192.0.2.1", 0, 0, 0 },
		{ "sent by loopback", "bad-sender", 1, host_mac, "127.0.0.1", "192.0.2.1", 0, 0, 0 },
	};

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		static const uint8_t start[8] = { 0, 1, 8, 0, 6, 4, 0, 2 };
		static const uint8_t port0[6] = { PORT0_MAC };
		uint64_t before = cases[i].counter != NULL ? harness_stat("arp", cases[i].counter) : 0;

		g_test_message("%s", cases[i].name);
		frame_arp(&in, cases[i].op, cases[i].sha, cases[i].sip, cases[i].tip);
		if (cases[i].op == 2)
			memcpy(in.b, port0, 6);
		if (cases[i].cut != 0)
			in.len = cases[i].cut;
		if (cases[i].at != 0)
			in.b[cases[i].at] = cases[i].value;
		if (cases[i].counter != NULL) {
			g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
			g_assert_cmpuint(harness_stat("arp", cases[i].counter), ==, before + 1);
			g_assert_cmpuint(harness_mbufs(), ==, 0);
			continue;
		}
		g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
		g_assert_cmpuint(out[0].port, ==, 0);
		g_assert_cmpuint(out[0].len, ==, 42);
		g_assert_cmpmem(out[0].b, 6, cases[i].sha, 6);
		g_assert_cmpmem(out[0].b + 6, 6, port0, 6);
		g_assert_cmpmem(out[0].b + L3, 8, start, 8);
		g_assert_cmpmem(out[0].b + L3 + 8, 6, port0, 6);
		g_assert_true(addr_at(&out[0], L3 + 14, cases[i].tip));
		g_assert_cmpmem(out[0].b + L3 + 18, 6, cases[i].sha, 6);
		g_assert_true(addr_at(&out[0], L3 + 24, cases[i].sip));
	}

	/* Who asked for us can be reached, as a stale entry; who told others only cannot. */
	g_assert_cmpuint(state_of("192.0.2.77", "dpdk0", NULL), ==, DPVS_NEIGH_STALE);
	frame_arp(&in, 1, new_mac, "192.0.2.88", "192.0.2.55");
	net_send(&in, out, G_N_ELEMENTS(out));
	frame_arp(&in, 1, new_mac, "203.0.113.5", "192.0.2.1"); /* not of this net */
	net_send(&in, out, G_N_ELEMENTS(out));
	harness_pump(20);
	g_assert_cmpuint(state_of("192.0.2.88", "dpdk0", NULL), ==, 0);
	g_assert_cmpuint(state_of("203.0.113.5", "dpdk0", NULL), ==, 0);
	net_down();
}

/** asked: waits for the question for @target on port 1; returns its place in out. */
static unsigned int
asked(const char *target, bool v6)
{
	gint64 end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;

	do {
		unsigned int n = net_take(out, G_N_ELEMENTS(out), 1, 100);

		for (unsigned int i = 0; i < n; i++) {
			if (out[i].port != 1)
				continue;
			if (!v6 && be16_at(&out[i], 12) == 0x0806 && addr_at(&out[i], L3 + 24, target))
				return i;
			if (v6 && out[i].b[L4_6] == 135 && addr_at(&out[i], L4_6 + 8, target))
				return i;
		}
	} while (g_get_monotonic_time() < end);
	g_assert_not_reached();
}

/** answer: an ARP reply or a solicited NA from @addr at @mac on port 1. */
static void
answer(const char *addr, const uint8_t *mac)
{
	static const uint8_t port1[6] = { PORT1_MAC };

	if (strchr(addr, ':') != NULL) {
		frame_nd(&in, 136, 0x60000000, addr, "2001:db8:2::1", addr, mac);
	} else {
		frame_arp(&in, 2, mac, addr, "198.51.100.1");
	}
	memcpy(in.b, port1, 6);
	in.port = 1;
	harness_inject(1, 0, harness_frame(in.b, in.len));
	harness_settle();
}

static void
test_resolve(const void *arg)
{
	bool v6 = arg != NULL;
	const char *host = v6 ? "2001:db8:1::10" : "192.0.2.10";
	const char *target = v6 ? "2001:db8:2::77" : "198.51.100.77";
	uint8_t mac[6];
	unsigned int n = 0;

	net_up(NULL);
	for (unsigned int i = 0; i < 5 * WORKERS; i++) {
		frame_udp(&in, host, target, (uint16_t)(1000 + i), 2000, 100);
		harness_inject(0, i % WORKERS, harness_frame(in.b, in.len));
	}
	harness_settle();
	n = asked(target, v6);
	if (v6) {
		static const uint8_t to[6] = { 0x33, 0x33, 0xff, 0, 0, 0x77 };

		g_assert_cmpmem(out[n].b, 6, to, 6);
		g_assert_true(addr_at(&out[n], L3 + 8, "2001:db8:2::1"));
		g_assert_true(addr_at(&out[n], L3 + 24, "ff02::1:ff00:77"));
		g_assert_cmpuint(out[n].b[L3 + 7], ==, 255);
		g_assert_cmpuint(out[n].b[L4_6 + 24], ==, 1);
		g_assert_true(frame_sums_ok(&out[n]));
	} else {
		g_assert_true(addr_at(&out[n], L3 + 14, "198.51.100.1"));
		g_assert_cmpuint(out[n].b[0], ==, 0xff);
	}
	g_assert_cmpuint(state_of(target, "dpdk1", NULL), ==, DPVS_NEIGH_INCOMPLETE);
	g_assert_cmpuint(harness_mbufs(), ==, 5 * WORKERS);

	answer(target, new_mac);
	n = net_take(out, G_N_ELEMENTS(out), 5 * WORKERS, 2000);
	g_assert_cmpuint(n, ==, 5 * WORKERS);
	for (unsigned int i = 0; i < n; i++) {
		g_assert_cmpuint(out[i].port, ==, 1);
		g_assert_cmpmem(out[i].b, 6, new_mac, 6);
	}
	g_assert_cmpuint(state_of(target, "dpdk1", mac), ==, DPVS_NEIGH_REACHABLE);
	g_assert_cmpmem(mac, 6, new_mac, 6);
	g_assert_cmpuint(harness_mbufs(), ==, 0);

	/* From here on without a question. */
	frame_udp(&in, host, target, 1, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpmem(out[0].b, 6, new_mac, 6);

	/* It moved, and said so. */
	if (v6)
		frame_nd(&in, 136, 0x20000000, target, "ff02::1", target, server_mac);
	else
		frame_arp(&in, 1, server_mac, target, target);
	in.port = 1;
	net_send(&in, out, G_N_ELEMENTS(out));
	wait_state(target, "dpdk1", DPVS_NEIGH_STALE);
	frame_udp(&in, host, target, 1, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpmem(out[0].b, 6, server_mac, 6);
	net_down();
}

static void
test_unreachable(const void *arg)
{
	bool v6 = arg != NULL;
	const char *host = v6 ? "2001:db8:1::10" : "192.0.2.10";
	const char *target = v6 ? "2001:db8:2::66" : "198.51.100.66";
	unsigned int questions = 0;
	unsigned int errors = 0;
	gint64 end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;

	net_up(QUICK);
	for (unsigned int i = 0; i < 3; i++) {
		frame_udp(&in, host, target, (uint16_t)(1000 + i), 2000, 100);
		harness_inject(0, 0, harness_frame(in.b, in.len));
	}
	while (errors < 3 && g_get_monotonic_time() < end) {
		unsigned int n = net_take(out, G_N_ELEMENTS(out), 1, 100);

		for (unsigned int i = 0; i < n; i++) {
			if (out[i].port == 1) {
				questions++;
			} else {
				errors++;
				g_assert_cmpuint(out[i].b[v6 ? L4_6 : L4_4], ==, v6 ? 1 : 3);
				g_assert_cmpuint(out[i].b[(v6 ? L4_6 : L4_4) + 1], ==, v6 ? 3 : 1);
				g_assert_true(frame_sums_ok(&out[i]));
			}
		}
	}
	g_assert_cmpuint(questions, ==, 2);
	g_assert_cmpuint(errors, ==, 3);
	g_assert_cmpuint(harness_stat("neigh", "refused"), ==, 3);
	g_assert_cmpuint(state_of(target, "dpdk1", NULL), ==, DPVS_NEIGH_FAILED);
	wait_state(target, "dpdk1", 0);
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	net_down();
}

/** test_life: reachable, stale, delay, probe by unicast, failed; the packets then wait again. */
static void
test_life(void)
{
	const char *target = "198.51.100.77";
	uint64_t held, generation, sequence;
	unsigned int n;
	gint64 end;

	net_up(QUICK);
	frame_udp(&in, "192.0.2.10", target, 1, 2000, 100);
	net_send(&in, out, G_N_ELEMENTS(out));
	asked(target, false);
	generation = change_generation();
	sequence = change_sequence();
	answer(target, new_mac);
	n = net_take(out, G_N_ELEMENTS(out), 1, 1000);
	g_assert_cmpuint(n, ==, 1);
	wait_state(target, "dpdk1", DPVS_NEIGH_REACHABLE);
	/* Workers were told; the configuration is what it was. */
	g_assert_cmpuint(change_generation(), ==, generation);
	g_assert_cmpuint(change_sequence(), >, sequence);
	wait_state(target, "dpdk1", DPVS_NEIGH_STALE);

	/* Used: it is asked, by unicast; it answers. */
	frame_udp(&in, "192.0.2.10", target, 1, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	wait_state(target, "dpdk1", DPVS_NEIGH_DELAY);
	n = asked(target, false);
	g_assert_cmpmem(out[n].b, 6, new_mac, 6);
	answer(target, new_mac);
	wait_state(target, "dpdk1", DPVS_NEIGH_REACHABLE);

	/* Used again, but now it is gone. */
	wait_state(target, "dpdk1", DPVS_NEIGH_STALE);
	frame_udp(&in, "192.0.2.10", target, 1, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	wait_state(target, "dpdk1", DPVS_NEIGH_FAILED);
	while (net_take(out, G_N_ELEMENTS(out), 0, 0) > 0)
		;
	/* Main knows before the workers do; until then they send to where it was. */
	held = harness_stat("neigh", "held");
	end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	do {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		frame_udp(&in, "192.0.2.10", target, 1, 2000, 100);
		net_send(&in, out, G_N_ELEMENTS(out));
	} while (harness_stat("neigh", "held") == held);
	g_assert_cmpuint(harness_stat("neigh", "held"), ==, held + 1); /* it waited, even if not for long */
	net_down();
}

static void
test_hold_limits(void)
{
	net_up("[neigh]\nhold-queue=3\npending=8\n");
	for (unsigned int i = 0; i < 10; i++) {
		frame_udp(&in, "192.0.2.10", "198.51.100.77", (uint16_t)i, 2000, 100);
		harness_inject(0, 0, harness_frame(in.b, in.len));
	}
	harness_settle();
	g_assert_cmpuint(harness_stat("neigh", "held"), ==, 3);
	g_assert_cmpuint(harness_stat("neigh", "hold-full"), ==, 7);
	for (unsigned int i = 0; i < 40; i++) {
		g_autofree char *dst = g_strdup_printf("198.51.100.%u", 100 + i);

		frame_udp(&in, "192.0.2.10", dst, 1, 2000, 100);
		harness_inject(0, 0, harness_frame(in.b, in.len));
	}
	harness_settle();
	g_assert_cmpuint(harness_stat("neigh", "pending-full"), >=, 33);
	g_assert_cmpuint(harness_stat("neigh", "pending-full") + harness_stat("neigh", "held"), ==, 43);
	net_down();
}

static int
neigh_set(uint32_t id, const char *addr, const char *dev, const uint8_t *mac, uint8_t flags)
{
	struct dpvs_neigh_conf conf = { .flags = flags };
	struct frame f = { 0 };

	frame_udp(&f, strchr(addr, ':') != NULL ? "::1" : "127.0.0.1", addr, 1, 1, 0);
	conf.addr.family = strchr(addr, ':') != NULL ? 10 : 2;
	memcpy(conf.addr.bytes, f.b + (conf.addr.family == 2 ? L3 + 16 : L3 + 24), conf.addr.family == 2 ? 4 : 16);
	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	if (mac != NULL)
		memcpy(conf.mac, mac, 6);
	return harness_set(id, &conf, sizeof(conf), 1);
}

static void
test_control(void)
{
	static const struct {
		const char *name;
		uint32_t id;
		const char *addr;
		const char *dev;
		const uint8_t *mac;
		uint8_t flags;
		int result;
	} cases[] = {
		{ "add", DPVS_SET_NEIGH_ADD, "192.0.2.20", "dpdk0", new_mac, 0, 0 },
		{ "add again", DPVS_SET_NEIGH_ADD, "192.0.2.20", "dpdk0", new_mac, 0, -EEXIST },
		{ "replace", DPVS_SET_NEIGH_ADD, "192.0.2.20", "dpdk0", host_mac, DPVS_NEIGH_REPLACE, 0 },
		{ "the same on another port", DPVS_SET_NEIGH_ADD, "192.0.2.20", "dpdk1", new_mac, 0, 0 },
		{ "IPv6", DPVS_SET_NEIGH_ADD, "2001:db8:1::20", "dpdk0", new_mac, 0, 0 },
		{ "link-local", DPVS_SET_NEIGH_ADD, "fe80::20", "dpdk0", new_mac, 0, 0 },
		{ "our own address", DPVS_SET_NEIGH_ADD, "192.0.2.1", "dpdk0", new_mac, 0, -EINVAL },
		{ "multicast", DPVS_SET_NEIGH_ADD, "224.0.0.1", "dpdk0", new_mac, 0, -EINVAL },
		{ "MAC address of a group", DPVS_SET_NEIGH_ADD, "192.0.2.21", "dpdk0", group_mac, 0, -EINVAL },
		{ "MAC address zero", DPVS_SET_NEIGH_ADD, "192.0.2.21", "dpdk0", NULL, 0, -EINVAL },
		{ "unknown flag", DPVS_SET_NEIGH_ADD, "192.0.2.21", "dpdk0", new_mac, 0x40, -EINVAL },
		{ "no such device", DPVS_SET_NEIGH_ADD, "192.0.2.21", "dpdk7", new_mac, 0, -ENODEV },
		{ "no device", DPVS_SET_NEIGH_ADD, "192.0.2.21", "", new_mac, 0, -EINVAL },
		{ "del", DPVS_SET_NEIGH_DEL, "192.0.2.20", "dpdk0", NULL, 0, 0 },
		{ "del again", DPVS_SET_NEIGH_DEL, "192.0.2.20", "dpdk0", NULL, 0, -ENOENT },
		{ "del on the other port", DPVS_SET_NEIGH_DEL, "192.0.2.20", "dpdk1", NULL, 0, 0 },
		{ "del of what never was", DPVS_SET_NEIGH_DEL, "2001:db8:1::99", "dpdk0", NULL, 0, -ENOENT },
	};

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].name);
		g_assert_cmpint(neigh_set(cases[i].id, cases[i].addr, cases[i].dev, cases[i].mac, cases[i].flags), ==,
				cases[i].result);
		if (cases[i].result != 0)
			g_assert_cmpstr(harness_error(), !=, "");
	}

	/* A replaced entry is what packets get; a deleted one is asked for again. */
	g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, "198.51.100.11", "dpdk1", new_mac, DPVS_NEIGH_REPLACE), ==, 0);
	frame_udp(&in, "192.0.2.10", "198.51.100.11", 1, 2000, 100);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpmem(out[0].b, 6, new_mac, 6);
	g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_DEL, "198.51.100.11", "dpdk1", NULL, 0), ==, 0);
	net_send(&in, out, G_N_ELEMENTS(out));
	asked("198.51.100.11", false);
	net_down();
}

/** test_full: the table has an end; what fails or is stale gives way, what is permanent does not. */
static void
test_full(void)
{
	net_start("[neigh]\nmax-entries=64\n");
	net_addr("10.0.0.1/8", "dpdk0");
	for (unsigned int i = 0; i < 64; i++) {
		g_autofree char *addr = g_strdup_printf("10.0.1.%u", i + 1);

		g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, addr, "dpdk0", new_mac, 0), ==, 0);
	}
	g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, "10.0.2.1", "dpdk0", new_mac, 0), ==, -ENOSPC);
	g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_DEL, "10.0.1.5", "dpdk0", NULL, 0), ==, 0);
	/* Somebody asks for us: learned; the next takes its place. */
	for (unsigned int i = 0; i < 10; i++) {
		g_autofree char *addr = g_strdup_printf("10.0.3.%u", i + 1);

		frame_arp(&in, 1, host_mac, addr, "10.0.0.1");
		net_send(&in, out, G_N_ELEMENTS(out));
		wait_state(addr, "dpdk0", DPVS_NEIGH_STALE);
	}
	g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, "10.0.2.1", "dpdk0", new_mac, 0), ==, 0);
	net_down();
}

/** test_flood: whatever ARP a worker hears, main hears no more than it should. */
static void
test_flood(void)
{
	uint64_t sent;

	net_up("[neigh]\ninput-rate=10\nmax-entries=64\n");
	for (unsigned int i = 0; i < 2000; i++) {
		g_autofree char *addr = g_strdup_printf("192.0.2.%u", 20 + i % 70);

		frame_arp(&in, 1, i % 2 ? new_mac : host_mac, addr, "192.0.2.1");
		harness_inject(0, i % WORKERS, harness_frame(in.b, in.len));
		net_take(out, G_N_ELEMENTS(out), 0, 0);
	}
	harness_settle();
	while (net_take(out, G_N_ELEMENTS(out), 0, 0) > 0)
		;
	sent = harness_stat("neigh", "input-sent");
	g_assert_cmpuint(sent, >=, WORKERS);
	g_assert_cmpuint(sent, <=, 400);
	g_assert_cmpuint(harness_stat("neigh", "input-limited"), >=, 1000);
	g_assert_cmpuint(harness_stat("arp", "answered"), ==, 2000);
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	net_down();
}

static void
test_announce(void)
{
	unsigned int n;

	net_start(NULL);
	net_addr("192.0.2.1/24", "dpdk0");
	n = net_take(out, G_N_ELEMENTS(out), 1, 2000);
	g_assert_cmpuint(n, ==, 1);
	g_assert_cmpuint(out[0].b[0], ==, 0xff);
	g_assert_true(addr_at(&out[0], L3 + 14, "192.0.2.1"));
	g_assert_true(addr_at(&out[0], L3 + 24, "192.0.2.1"));

	net_addr("2001:db8:2::1/64", "dpdk1");
	n = net_take(out, G_N_ELEMENTS(out), 1, 2000);
	g_assert_cmpuint(n, ==, 1);
	g_assert_cmpuint(out[0].port, ==, 1);
	g_assert_cmpuint(out[0].b[0], ==, 0x33);
	g_assert_true(addr_at(&out[0], L3 + 24, "ff02::1"));
	g_assert_cmpuint(out[0].b[L4_6], ==, 136);
	g_assert_cmphex(be32_at(&out[0], L4_6 + 4), ==, 0x20000000);
	g_assert_true(addr_at(&out[0], L4_6 + 8, "2001:db8:2::1"));
	g_assert_true(frame_sums_ok(&out[0]));
	net_down();
}

/* RFC 4861 7.1 and 7.2: what makes a message valid, and what is answered how. */
static void
test_nd(void)
{
	static const struct {
		const char *name;
		const char *counter; /* of ndisc; NULL: answered */
		uint8_t type;
		uint32_t flags;
		const char *src;
		const char *dst;
		const char *target;
		const uint8_t *mac;
		uint16_t at; /* byte changed, checksum kept right */
		uint8_t value;
	} cases[] = {
		{ "for the address of the port", NULL, 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, 0, 0 },
		{ "for the VIP", NULL, 135, 0, "2001:db8:1::10", "ff02::1:ff00:100", "2001:db8:1::100", host_mac, 0, 0 },
		{ "by unicast", NULL, 135, 0, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:1::1", host_mac, 0, 0 },
		{ "by unicast, without an option", NULL, 135, 0, "2001:db8:1::10", "2001:db8:1::1", "2001:db8:1::1", NULL, 0, 0 },
		{ "from a link-local address", NULL, 135, 0, "fe80::10", "ff02::1:ff00:1", "2001:db8:1::1", new_mac, 0, 0 },
		{ "for our link-local address", NULL, 135, 0, "fe80::10", "ff02::1:ff00:0", "fe80::ff:fe00:0", new_mac, 0, 0 },
		{ "who wants the address for itself", NULL, 135, 0, "::", "ff02::1:ff00:100", "2001:db8:1::100", NULL, 0, 0 },
		{ "for the address of another port", "others", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:2::1", host_mac, 0, 0 },
		{ "for somebody else", "others", 135, 0, "2001:db8:1::10", "ff02::1:ff00:55", "2001:db8:1::55", host_mac, 0, 0 },
		{ "hop limit 254", "bad-hop-limit", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, L3 + 7, 254 },
		{ "code 1", "bad-format", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, L4_6 + 1, 1 },
		{ "target multicast", "bad-format", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "ff02::1", host_mac, 0, 0 },
		{ "option of length 0", "bad-format", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, L4_6 + 25, 0 },
		{ "option longer than the message", "bad-format", 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, L4_6 + 25, 9 },
		{ "nobody, but with an option", "bad-source", 135, 0, "::", "ff02::1:ff00:1", "2001:db8:1::1", host_mac, 0, 0 },
		{ "nobody, to all nodes", "bad-source", 135, 0, "::", "ff02::1", "2001:db8:1::1", NULL, 0, 0 },
		{ "solicited advertisement to all", "bad-format", 136, 0x60000000, "2001:db8:1::10", "ff02::1", "2001:db8:1::10", host_mac, 0, 0 },
		{ "advertisement from nobody", "bad-source", 136, 0x20000000, "::", "ff02::1", "2001:db8:1::10", host_mac, 0, 0 },
		{ "advertisement of our address", "conflict", 136, 0x20000000, "2001:db8:1::100", "ff02::1", "2001:db8:1::100", host_mac, 0, 0 },
		{ "redirect", "router", 137, 0, "fe80::10", "2001:db8:1::1", "2001:db8:1::10", host_mac, 0, 0 },
		{ "router advertisement", "router", 134, 0, "fe80::10", "ff02::1", "2001:db8:1::10", host_mac, 0, 0 },
	};
	static const uint8_t all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	static const uint8_t port0[6] = { PORT0_MAC };

	net_up(NULL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		uint64_t before = cases[i].counter != NULL ? harness_stat("ndisc", cases[i].counter) : 0;
		bool dad = strcmp(cases[i].src, "::") == 0;

		g_test_message("%s", cases[i].name);
		frame_nd(&in, cases[i].type, cases[i].flags, cases[i].src, cases[i].dst, cases[i].target, cases[i].mac);
		if (cases[i].at != 0) {
			/* The low byte of a word: the checksum follows in its own low byte, or the other way round. */
			uint32_t sum = (uint16_t)~be16_at(&in, L4_6 + 2);
			uint32_t shift = cases[i].at % 2 == 0 ? 8 : 0;

			if (cases[i].at >= L4_6) {
				sum += (uint32_t)(0xffff ^ (in.b[cases[i].at] << shift)) + ((uint32_t)cases[i].value << shift);
				sum = (sum & 0xffff) + (sum >> 16);
				sum = (sum & 0xffff) + (sum >> 16);
				in.b[L4_6 + 2] = (uint8_t)(~sum >> 8);
				in.b[L4_6 + 3] = (uint8_t)~sum;
			}
			in.b[cases[i].at] = cases[i].value;
		}
		if (cases[i].counter != NULL) {
			g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
			g_assert_cmpuint(harness_stat("ndisc", cases[i].counter), ==, before + 1);
			g_assert_cmpuint(harness_mbufs(), ==, 0);
			continue;
		}
		g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
		g_assert_cmpuint(out[0].port, ==, 0);
		g_assert_cmpuint(out[0].len, ==, L4_6 + 32);
		g_assert_cmpmem(out[0].b, 6, dad ? all : cases[i].mac != NULL ? cases[i].mac : host_mac, 6);
		g_assert_cmpmem(out[0].b + 6, 6, port0, 6);
		g_assert_cmpuint(out[0].b[L3 + 7], ==, 255);
		g_assert_true(addr_at(&out[0], L3 + 8, cases[i].target));
		g_assert_true(addr_at(&out[0], L3 + 24, dad ? "ff02::1" : cases[i].src));
		g_assert_cmpuint(out[0].b[L4_6], ==, 136);
		g_assert_cmphex(be32_at(&out[0], L4_6 + 4), ==, dad ? 0x20000000 : 0x60000000);
		g_assert_true(addr_at(&out[0], L4_6 + 8, cases[i].target));
		g_assert_cmpuint(out[0].b[L4_6 + 24], ==, 2);
		g_assert_cmpmem(out[0].b + L4_6 + 26, 6, port0, 6);
		g_assert_true(frame_sums_ok(&out[0]));
	}

	frame_nd(&in, 135, 0, "2001:db8:1::10", "ff02::1:ff00:1", "2001:db8:1::1", host_mac);
	in.b[L4_6 + 3] ^= 1;
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 0);
	g_assert_cmpuint(harness_stat("icmp6", "bad-checksum"), ==, 1);
	net_down();
}

/** test_mac: a port with another MAC address sends and answers with that. */
static void
test_mac(void)
{
	struct dpvs_port_conf port = { .name = "dpdk0", .set = DPVS_PORT_SET_MAC, .mac = { 0x02, 0, 0, 0, 5, 5 } };
	static const uint8_t back[6] = { PORT0_MAC };
	int err;

	net_up(NULL);
	err = harness_set(DPVS_SET_NETIF_PORT, &port, sizeof(port), 1);
	if (err == -ENOTSUP || err == -EOPNOTSUPP) {
		g_test_skip("the ring device cannot change its MAC address");
		net_down();
		return;
	}
	g_assert_cmpint(err, ==, 0);
	frame_echo(&in, "192.0.2.10", "192.0.2.1", 10);
	memcpy(in.b, port.mac, 6);
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpmem(out[0].b, 6, host_mac, 6);
	g_assert_cmpmem(out[0].b + 6, 6, port.mac, 6);
	frame_arp(&in, 1, host_mac, "192.0.2.10", "192.0.2.1");
	g_assert_cmpuint(net_send(&in, out, G_N_ELEMENTS(out)), ==, 1);
	g_assert_cmpmem(out[0].b + L3 + 8, 6, port.mac, 6);
	memcpy(port.mac, back, 6);
	g_assert_cmpint(harness_set(DPVS_SET_NETIF_PORT, &port, sizeof(port), 1), ==, 0);
	net_down();
}

/* A client's change that is half-prepared, and stays so until it may go on; then it is refused. */
static struct {
	bool touches; /* it has an entry of the table in its notes */
	bool begun;
	bool go;
	int status;
} half;

static int
half_step(struct change *c, void *arg)
{
	struct dpvs_neigh_conf conf = { .dev = "dpdk0", .mac = { 2, 0, 0, 0, 0, 66 } };
	struct frame f = { 0 };

	if (!half.begun && half.touches) {
		frame_arp(&f, 1, host_mac, "192.0.2.66", "192.0.2.1");
		conf.addr.family = 2;
		memcpy(conf.addr.bytes, f.b + L3 + 14, 4);
		g_assert_cmpint(ctl_find_set(DPVS_SET_NEIGH_ADD)->set(c, &conf), ==, 0);
	}
	half.begun = true;
	return half.go ? -ECANCELED : CHANGE_MORE;
}

static void
half_end(struct change *c, int status, void *arg)
{
	half.status = status;
}

/* Runs the main loop until there are @want entries, or @postponed messages wait. It never has nothing to do. */
static void
turns_until(unsigned int want, uint64_t postponed)
{
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	while (g_get_monotonic_time() < end && g_hash_table_size(neigh_all()) != want &&
	       stats_sum(&neigh_stats_block, NEIGH_STAT_POSTPONED) != postponed)
		g_main_context_iteration(NULL, FALSE);
}

/* What workers send while a client's change has neighbours in its notes comes afterwards; others are not waited for. */
static void
test_half_prepared(void)
{
	const struct change_job job = { .step = half_step, .end = half_end, .deadline_ms = 60000 };
	unsigned int entries;

	for (unsigned int touches = 0; touches < 2; touches++) {
		net_up(NULL);
		entries = g_hash_table_size(neigh_all());
		memset(&half, 0, sizeof(half));
		half.touches = touches;
		half.status = 1;
		change_submit(&job);
		while (!half.begun)
			g_main_context_iteration(NULL, FALSE);
		g_assert_true(change_busy());
		frame_arp(&in, 1, new_mac, "192.0.2.77", "192.0.2.100");
		harness_inject(0, 0, harness_frame(in.b, in.len));
		turns_until(entries + 1 + touches, touches ? 1 : UINT64_MAX);
		g_assert_true(change_busy());
		g_assert_cmpuint(g_hash_table_size(neigh_all()), ==, entries + 1);
		g_assert_cmpuint(stats_sum(&neigh_stats_block, NEIGH_STAT_POSTPONED), ==, touches);
		half.go = true;
		while (half.status == 1)
			g_main_context_iteration(NULL, FALSE);
		g_assert_cmpint(half.status, ==, -ECANCELED);
		wait_state("192.0.2.77", "dpdk0", DPVS_NEIGH_STALE);
		g_assert_cmpuint(state_of("192.0.2.66", "dpdk0", NULL), ==, 0);
		g_assert_cmpuint(g_hash_table_size(neigh_all()), ==, entries + 1);
		net_down();
	}
}

/* Another half-prepared change: dpdk1 gets other addresses in place of its own. */
static int
renumber_step(struct change *c, void *arg)
{
	static const struct {
		uint32_t id;
		struct dpvs_addr_conf conf;
	} sets[] = {
		{ DPVS_SET_ADDR_DEL, { .addr = { 2, { 0 }, { 198, 51, 100, 1 } }, .dev = "dpdk1", .plen = 24 } },
		{ DPVS_SET_ADDR_ADD, { .addr = { 2, { 0 }, { 198, 51, 100, 2 } }, .dev = "dpdk1", .plen = 24 } },
		{ DPVS_SET_ADDR_DEL, { .addr = { 10, { 0 }, { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 1 } },
				       .dev = "dpdk1", .plen = 64 } },
		{ DPVS_SET_ADDR_ADD, { .addr = { 10, { 0 }, { 0x20, 1, 0xd, 0xb8, 0, 2, [15] = 2 } },
				       .dev = "dpdk1", .plen = 64 } },
	};

	for (unsigned int i = 0; !half.begun && i < G_N_ELEMENTS(sets); i++)
		g_assert_cmpint(ctl_find_set(sets[i].id)->set(c, &sets[i].conf), ==, 0);
	half.begun = true;
	return half.go ? GPOINTER_TO_INT(arg) : CHANGE_MORE;
}

/** ask_for: packets to hosts of dpdk1 that nobody knows; main asks for them with @src4, @src6. */
static void
ask_for(unsigned int n, const char *src4, const char *src6)
{
	g_autofree char *host4 = g_strdup_printf("198.51.100.%u", n);
	g_autofree char *host6 = g_strdup_printf("2001:db8:2::%u", n);
	unsigned int i;

	frame_udp(&in, "192.0.2.10", host4, 1000, 2000, 100);
	harness_inject(0, 0, harness_frame(in.b, in.len));
	i = asked(host4, false);
	g_assert_true(addr_at(&out[i], L3 + 14, src4));
	frame_udp(&in, "2001:db8:1::10", host6, 1000, 2000, 100);
	harness_inject(0, 0, harness_frame(in.b, in.len));
	i = asked(host6, true);
	g_assert_true(addr_at(&out[i], L3 + 8, src6));
}

/*
 * What main asks and announces by itself while a client's change is half-prepared, it does with the addresses that
 * are committed.
 */
static void
test_half_prepared_source(void)
{
	const union ip_addr old = { .ip6 = { 198, 51, 100, 1 } }, new = { .ip6 = { 198, 51, 100, 2 } };
	static const int results[] = { -ECANCELED, 0 };

	for (unsigned int i = 0; i < G_N_ELEMENTS(results); i++) {
		const struct change_job job = {
			.step = renumber_step, .end = half_end, .arg = GINT_TO_POINTER(results[i]),
			.deadline_ms = 60000,
		};

		net_up(NULL);
		memset(&half, 0, sizeof(half));
		half.status = 1;
		change_set_slice(0);
		change_submit(&job);
		while (!half.begun)
			g_main_context_iteration(NULL, FALSE);
		ask_for(71, "198.51.100.1", "2001:db8:2::1");
		g_assert_cmpint(ifaddr_announce(AF_INET, &old), ==, 0);
		g_assert_cmpint(ifaddr_announce(AF_INET, &new), ==, -ENOENT);
		g_assert_true(change_busy());
		half.go = true;
		while (half.status == 1)
			g_main_context_iteration(NULL, FALSE);
		g_assert_cmpint(half.status, ==, results[i]);
		if (results[i] == 0)
			ask_for(72, "198.51.100.2", "2001:db8:2::2");
		else
			ask_for(72, "198.51.100.1", "2001:db8:2::1");
		g_assert_cmpint(ifaddr_announce(AF_INET, &old), ==, results[i] == 0 ? -ENOENT : 0);
		net_down();
	}
}

/* A change of a full table: some go, others come, or take their places; it is refused in the end. */
#define FULL 64

static struct {
	unsigned int left; /* steps */
	unsigned int done;
	int status;
} shuffle;

static int
shuffle_step(struct change *c, void *arg)
{
	unsigned int n = (unsigned int)g_test_rand_int_range(0, 2 * FULL);
	struct dpvs_neigh_conf conf = {
		.addr = { 2, { 0 }, { 10, 0, 5, (uint8_t)(n + 1) } },
		.dev = "dpdk0",
		.mac = { 2, 0, 0, 0, 5, (uint8_t)n },
		.flags = DPVS_NEIGH_REPLACE,
	};
	bool add = g_test_rand_int_range(0, 5) < 3;
	int err;

	(void)arg;
	if (shuffle.left-- == 0)
		return -ECANCELED;
	if (!add)
		conf.flags = 0;
	err = ctl_find_set(add ? DPVS_SET_NEIGH_ADD : DPVS_SET_NEIGH_DEL)->set(c, &conf);
	shuffle.done += err == 0;
	/* What is not there, or has no room, changes nothing. */
	g_assert_true(err == 0 || err == -ENOENT || err == -ENOSPC);
	return CHANGE_MORE;
}

static void
shuffle_end(struct change *c, int status, void *arg)
{
	shuffle.status = status;
}

/** assert_indices: no two entries have the same. Returns how many have one. */
static unsigned int
assert_indices(void)
{
	bool used[FULL] = { 0 };
	unsigned int count = 0;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, neigh_all());
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct neigh *n = value;

		if (n->index == NEIGH_NONE)
			continue;
		g_assert_cmpuint(n->index, <, FULL);
		g_assert_false(used[n->index]);
		used[n->index] = true;
		count++;
	}
	return count;
}

/**
 * test_undo_full: changes of a full table, in which stale entries give way to what a change adds, are undone, while
 * hosts ask for us: each index is of one entry, and none is lost.
 */
static void
test_undo_full(void)
{
	const struct change_job job = { .step = shuffle_step, .end = shuffle_end, .deadline_ms = 60000 };
	unsigned int evicted = 0;

	net_start("[neigh]\nmax-entries=64\n");
	net_addr("10.0.0.1/8", "dpdk0");
	for (unsigned int i = 0; i < 40; i++) {
		g_autofree char *addr = g_strdup_printf("10.0.5.%u", 1 + i);

		g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, addr, "dpdk0", new_mac, 0), ==, 0);
	}
	change_set_slice(0);
	for (unsigned int round = 0; round < 40; round++) {
		unsigned int before;

		for (unsigned int i = 0; g_hash_table_size(neigh_all()) < FULL; i++) {
			g_autofree char *addr = g_strdup_printf("10.0.%u.%u", 6 + round, i + 1);

			frame_arp(&in, 1, host_mac, addr, "10.0.0.1");
			net_send(&in, out, G_N_ELEMENTS(out));
			wait_state(addr, "dpdk0", DPVS_NEIGH_STALE);
		}
		g_assert_cmpuint(assert_indices(), ==, FULL);
		before = g_hash_table_size(neigh_all());
		shuffle.left = 100;
		shuffle.done = 0;
		shuffle.status = 1;
		change_submit(&job);
		frame_arp(&in, 1, new_mac, "10.0.200.1", "10.0.0.1");
		harness_inject(0, 0, harness_frame(in.b, in.len));
		while (shuffle.status == 1)
			g_main_context_iteration(NULL, FALSE);
		g_assert_cmpint(shuffle.status, ==, -ECANCELED);
		g_assert_cmpuint(shuffle.done, >, 20);
		evicted += before - g_hash_table_size(neigh_all());
		assert_indices();
	}
	g_test_message("%u evicted", evicted);
	g_assert_cmpuint(evicted, >, 40);
	/* All of them are there to be given out: permanent entries fill the table. */
	for (unsigned int i = 40; i < FULL; i++) {
		g_autofree char *addr = g_strdup_printf("10.0.5.%u", 1 + i);

		g_assert_cmpint(neigh_set(DPVS_SET_NEIGH_ADD, addr, "dpdk0", new_mac, 0), ==, 0);
	}
	g_assert_cmpuint(assert_indices(), ==, FULL);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/neigh/arp answers", test_arp_answers);
	g_test_add_func("/packet/neigh/nd", test_nd);
	g_test_add_func("/packet/neigh/announce", test_announce);
	g_test_add_data_func("/packet/neigh/resolve ARP", NULL, test_resolve);
	g_test_add_data_func("/packet/neigh/resolve ND", "6", test_resolve);
	g_test_add_data_func("/packet/neigh/unreachable ARP", NULL, test_unreachable);
	g_test_add_data_func("/packet/neigh/unreachable ND", "6", test_unreachable);
	g_test_add_func("/packet/neigh/life", test_life);
	g_test_add_func("/packet/neigh/hold limits", test_hold_limits);
	g_test_add_func("/packet/neigh/control", test_control);
	g_test_add_func("/packet/neigh/full", test_full);
	g_test_add_func("/packet/neigh/undo, full", test_undo_full);
	g_test_add_func("/packet/neigh/flood", test_flood);
	g_test_add_func("/packet/neigh/mac", test_mac);
	g_test_add_func("/packet/neigh/half prepared", test_half_prepared);
	g_test_add_func("/packet/neigh/half prepared, source", test_half_prepared_source);
	rc = g_test_run();
	harness_fini();
	return rc;
}
