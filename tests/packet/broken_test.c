/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thousand broken packets of all kinds, on all workers at once: nothing falls over, each packet is explained
 * (dropped under a name, answered, or eaten by ARP and ND), and all buffers come home.
 */
#include <glib.h>
#include <string.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/daemon.h>

#include "harness.h"
#include "net.h"

#define WORKERS 3
#define PACKETS 1000

static struct frame in, whole, out[64];

/** struct totals: how many packets of buffers and messages are in use. */
struct totals {
	uint64_t mbufs;
	uint64_t msgs;
};

static struct totals
totals(void)
{
	struct dpvs_reply *reply;
	struct dpvs_mem_info info;
	struct totals t = { 0 };

	g_assert_cmpint(harness_get(DPVS_GET_MEM, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (strcmp(info.name, "mbuf") == 0)
			t.mbufs = info.in_use;
		else if (strstr(info.name, "msg") != NULL)
			t.msgs = info.in_use;
	}
	dpvs_reply_free(reply);
	return t;
}

/** graph_packets: packets that node @name has walked, all workers. */
static uint64_t
graph_packets(const char *name)
{
	struct dpvs_graph_node_info info;
	struct dpvs_reply *reply;
	uint64_t sum = 0;

	g_assert_cmpint(harness_get(DPVS_GET_GRAPH, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (strcmp(info.name, name) == 0)
			sum += info.pkts;
	}
	dpvs_reply_free(reply);
	return sum;
}

/** break_one: packet @i: a good one of some kind, then broken in some way that @rnd chooses. */
static void
break_one(unsigned int i, GRand *rnd)
{
	static const uint8_t mac[6] = { HOST_MAC };
	bool v6 = g_rand_boolean(rnd);
	const char *src = v6 ? "2001:db8:1::10" : "192.0.2.10";
	const char *us = v6 ? "2001:db8:1::100" : "192.0.2.100";
	const char *server = v6 ? "2001:db8:2::11" : "198.51.100.11";
	uint32_t at = v6 ? L4_6 : L4_4;

	switch (i % 12) {
	case 0: /* unknown port of the VIP */
		frame_udp(&in, src, us, 1000, (uint16_t)g_rand_int_range(rnd, 1, 65536), 100);
		break;
	case 1:
		frame_tcp(&in, src, us, 1000, 81, (uint8_t)g_rand_int(rnd), 1, 2, 10);
		break;
	case 2: /* short */
		frame_udp(&in, src, server, 1000, 2000, 100);
		in.len = (uint32_t)g_rand_int_range(rnd, 0, (gint32)in.len);
		break;
	case 3: /* checksums */
		frame_tcp(&in, src, us, 1000, 80, 2, 1, 2, 10);
		in.b[at + 16] ^= 0x55;
		if (!v6)
			in.b[L3 + 10] ^= (uint8_t)g_rand_int_range(rnd, 0, 2);
		break;
	case 4: /* lengths */
		frame_udp(&in, src, us, 1000, 2000, 100);
		in.b[L3 + (v6 ? 5 : 3)] = (uint8_t)g_rand_int(rnd);
		in.b[L3 + (v6 ? 4 : 2)] = (uint8_t)g_rand_int_range(rnd, 0, 3);
		if (!v6)
			frame_fix(&in);
		break;
	case 5: /* version, header length */
		frame_udp(&in, src, us, 1000, 2000, 100);
		in.b[L3] = (uint8_t)g_rand_int(rnd);
		if (!v6)
			frame_fix(&in);
		break;
	case 6: /* martians */
		frame_udp(&in, v6 ? "ff02::9" : g_rand_boolean(rnd) ? "127.0.0.1" : "255.255.255.255", us, 1, 2, 10);
		break;
	case 7: /* overlapping fragments, two to a datagram */
		frame_udp(&whole, src, server, 1000, 2000, 120);
		frame_frag(&in, &whole, i / 24, i / 12 % 2 * 32, 64, i / 12 % 2 == 0);
		break;
	case 8: /* any protocol, with any extension headers */
		frame_ip6(&in, "2001:db8:1::10", "2001:db8:1::1", (uint8_t)g_rand_int(rnd), NULL, 200);
		in.b[L4_6] = (uint8_t)g_rand_int(rnd);
		in.b[L4_6 + 1] = (uint8_t)g_rand_int_range(rnd, 0, 4);
		break;
	case 9: /* options */
		frame_udp(&in, "192.0.2.10", server[0] == '1' ? server : "198.51.100.11", 1, 2, 100);
		in.b[L3] = (uint8_t)(0x40 | g_rand_int_range(rnd, 6, 16));
		for (unsigned int b = 0; b < 40; b++)
			in.b[L4_4 + b] = (uint8_t)g_rand_int_range(rnd, 0, 150);
		frame_fix(&in);
		break;
	case 10:
		if (v6)
			frame_nd(&in, 135, 0, src, "ff02::1:ff00:1", "2001:db8:1::1", mac);
		else
			frame_arp(&in, 1, mac, src, "192.0.2.1");
		in.b[g_rand_int_range(rnd, L3, (gint32)in.len)] = (uint8_t)g_rand_int(rnd);
		break;
	default: /* noise behind an Ethernet header */
		frame_udp(&in, src, us, 1, 2, (size_t)g_rand_int_range(rnd, 0, 1400));
		for (uint32_t b = L3; b < in.len; b++)
			in.b[b] = (uint8_t)g_rand_int(rnd);
		if (g_rand_boolean(rnd))
			in.b[L3] = v6 ? 0x60 : 0x45;
		break;
	}
}

/** count_named: the sum of counters "module.name". */
static uint64_t
count_named(const char *const *names)
{
	uint64_t sum = 0;

	for (; *names != NULL; names++) {
		g_auto(GStrv) part = g_strsplit(*names, ".", 2);

		sum += harness_stat(part[0], part[1]);
	}
	return sum;
}

static void
test_thousand(void)
{
	/* Packets that are read and are not answered and not dropped. */
	static const char *const eaten[] = { "arp.replies", "arp.others", "ndisc.others", "ndisc.router",
					     "arp.conflict", "ndisc.conflict", "ndisc.advertisements", NULL };
	static const char *const probes[] = { "neigh.probes", NULL };
	g_autoptr(GRand) rnd = g_rand_new_with_seed(42);
	uint64_t sent = 0;
	uint64_t drops;
	struct totals before;
	struct totals after;
	gint64 end;

	net_up("[icmp]\nrate=100000\nburst=100000\n[frag]\ntimeout=1\ntimeout6=1\n"
	       "[neigh]\nretrans-time=100\nprobes=1\n");
	before = totals();
	drops = harness_drops();
	g_assert_cmpuint(drops, ==, graph_packets("drop"));
	for (unsigned int i = 0; i < PACKETS; i++) {
		break_one(i, rnd);
		harness_inject(0, (unsigned int)g_rand_int_range(rnd, 0, WORKERS), harness_frame(in.b, in.len));
		if (i % 50 == 49) {
			harness_settle();
			sent += net_take(out, G_N_ELEMENTS(out), 0, 0);
		}
	}

	/* What waits, for fragments or neighbours, has its end. */
	end = g_get_monotonic_time() + 6 * G_USEC_PER_SEC;
	do {
		harness_pump(50);
		harness_settle();
		sent += net_take(out, G_N_ELEMENTS(out), 0, 0);
		after = totals();
	} while ((after.mbufs != before.mbufs || after.msgs != before.msgs) && g_get_monotonic_time() < end);
	g_assert_cmpuint(after.mbufs, ==, before.mbufs);
	g_assert_cmpuint(after.msgs, ==, before.msgs);

	drops = harness_drops() - drops;
	g_test_message("%u packets: %u dropped, %u sent, %u eaten", PACKETS, (unsigned int)drops,
		       (unsigned int)(sent - count_named(probes)), (unsigned int)count_named(eaten));
	g_assert_cmpuint(harness_drops(), ==, graph_packets("drop"));
	g_assert_cmpuint(drops, >, PACKETS / 2);
	/* All are explained: dropped, answered or passed on, eaten; fragments that became one are fewer. */
	g_assert_cmpuint(drops + sent - count_named(probes) + count_named(eaten), ==, PACKETS);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/broken/thousand", test_thousand);
	rc = g_test_run();
	harness_fini();
	return rc;
}
