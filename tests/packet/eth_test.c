/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What enters a port: frames that are none of ours are dropped, each under its own name, on whatever worker
 * they arrive; a port that is down takes and gives nothing; a daemon started twice is as good as new.
 */
#include <glib.h>
#include <string.h>

#include <dpvsctrl/proto/netif.h>

#include "core/graph.h"
#include "harness.h"
#include "net/netif.h"

#define WORKERS 2

/* To port 0, from a host. */
#define TO_PORT0 0x02, 0, 0, 0, 0, 0
#define TO_OTHER 0x02, 0, 0, 0, 0, 9
#define FROM     0x02, 0, 0, 0, 1, 1

static const struct {
	const char *name;
	const char *counter; /* of module eth */
	uint8_t bytes[60];
	size_t len;
} frames[] = {
	{ "an Ethernet header cut short", "short", { TO_PORT0, FROM, 0x08 }, 13 },
	{ "nothing at all", "short", { 0 }, 0 },
	{ "for another station", "other-mac", { TO_OTHER, FROM, 0x08, 0x00 }, 60 },
	{ "VLAN tag", "vlan", { TO_PORT0, FROM, 0x81, 0x00, 0x00, 0x01 }, 60 },
	{ "QinQ tag", "vlan", { TO_PORT0, FROM, 0x88, 0xa8, 0x00, 0x01 }, 60 },
	{ "LLDP", "ethertype", { 0x01, 0x80, 0xc2, 0, 0, 0x0e, FROM, 0x88, 0xcc }, 60 },
	{ "802.3 length", "ethertype", { TO_PORT0, FROM, 0x00, 0x2e }, 60 },
};

static void
test_drops(void)
{
	uint64_t before, all;
	unsigned int i, w;

	harness_start(1, NULL);
	for (i = 0; i < G_N_ELEMENTS(frames); i++) {
		for (w = 0; w < WORKERS; w++) {
			g_test_message("%s, worker %u", frames[i].name, w);
			before = harness_stat("eth", frames[i].counter);
			all = harness_drops();
			harness_inject(0, w, harness_frame(frames[i].bytes, frames[i].len));
			harness_settle();
			g_assert_cmpuint(harness_stat("eth", frames[i].counter), ==, before + 1);
			g_assert_cmpuint(harness_drops(), ==, all + 1);
			g_assert_cmpuint(harness_mbufs(), ==, 0);
		}
	}
	harness_stop();
}

/* A vector of mixed frames must not lose or double any. */
static void
test_mixed(void)
{
	unsigned int i, n = 0;
	uint64_t all;

	harness_start(1, NULL);
	all = harness_drops();
	for (i = 0; i < 500; i++) {
		n++;
		harness_inject(0, i % WORKERS,
			       harness_frame(frames[i % G_N_ELEMENTS(frames)].bytes,
					     frames[i % G_N_ELEMENTS(frames)].len));
	}
	harness_settle();
	g_assert_cmpuint(harness_drops(), ==, all + n);
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	harness_stop();
}

static void
set_up(bool up)
{
	struct dpvs_port_conf conf = { .name = "dpdk0", .set = DPVS_PORT_SET_UP, .up = up };

	g_assert_cmpint(harness_set(DPVS_SET_NETIF_PORT, &conf, sizeof(conf), 1), ==, 0);
}

/* What main sends goes through a worker; a port that is down drops it by name. */
static void
test_down(void)
{
	static const uint8_t frame[60] = { TO_OTHER, TO_PORT0, 0x08, 0x06 };
	struct rte_mbuf *pkts[4];
	unsigned int n;

	if (rte_node_from_name("neigh_output") == RTE_NODE_ID_INVALID) {
		g_test_skip("no module brings neigh_output, so no way leads to ports");
		return;
	}
	harness_start(1, NULL);
	g_assert_cmpint(netif_xmit(0, harness_frame(frame, sizeof(frame))), ==, 0);
	n = harness_collect(0, pkts, G_N_ELEMENTS(pkts), 1, 1000);
	g_assert_cmpuint(n, ==, 1);
	g_assert_cmpmem(rte_pktmbuf_mtod(pkts[0], void *), pkts[0]->data_len, frame, sizeof(frame));
	harness_free(pkts, n);

	set_up(false);
	g_assert_cmpint(netif_xmit(0, harness_frame(frame, sizeof(frame))), ==, 0);
	harness_inject(0, 0, harness_frame(frames[2].bytes, frames[2].len));
	harness_settle();
	g_assert_cmpuint(harness_collect(0, pkts, G_N_ELEMENTS(pkts), 0, 0), ==, 0);
	g_assert_cmpuint(harness_stat("port", "tx-down"), ==, 1);
	g_assert_cmpuint(harness_stat("eth", "port-down"), ==, 1);

	set_up(true);
	g_assert_cmpint(netif_xmit(0, harness_frame(frame, sizeof(frame))), ==, 0);
	n = harness_collect(0, pkts, G_N_ELEMENTS(pkts), 1, 1000);
	g_assert_cmpuint(n, ==, 1);
	harness_free(pkts, n);
	g_assert_cmpuint(harness_mbufs(), ==, 0);
	harness_stop();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/eth/drops", test_drops);
	g_test_add_func("/packet/eth/mixed", test_mixed);
	g_test_add_func("/packet/eth/down", test_down);
	return g_test_run();
}
