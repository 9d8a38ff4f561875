/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds of what is there, in each mode and of each family, by transactions over the socket of the whole daemon:
 * the same succeeds and moves nothing, something else is refused or takes its place; and what a sync removes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>

#include "core/change.h"
#include "harness.h"
#include "lb_records.h"
#include "peer.h"

/** union conf: a record of any family. */
union conf {
	struct dpvs_service_conf service;
	struct dpvs_dest_conf dest;
	struct dpvs_laddr_conf laddr;
	struct dpvs_addr_conf addr;
	struct dpvs_route_conf route;
	struct dpvs_neigh_conf neigh;
};

/** struct item: an add, and the same with another value in it. */
struct item {
	const char *what;
	uint32_t id;
	uint32_t size;
	union conf first;
	union conf other;
	int replaced; /* what an add of the other one with REPLACE is told */
	bool fills;   /* .defaults: the first one, spelled differently */
	union conf defaults;
};

static struct dpvs_service_conf svc;

static int
commit(struct peer *p, uint32_t flags, const struct item *items, unsigned int count, bool other)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_txn_begin b = { .flags = flags };

	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1), ==, 0);
	for (unsigned int i = 0; i < count; i++)
		peer_put_set(out, items[i].id, other ? &items[i].other : &items[i].first, items[i].size, 1);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_APPEND, out->data, 1, out->len), ==, 0);
	return peer_set(p, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
}

/* In an order in which each finds what it needs. */
static GArray *
all_items(void)
{
	GArray *a = g_array_new(FALSE, TRUE, sizeof(struct item));
	struct item i;

	svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "wlc");
	i = (struct item){ .what = "addr", .id = DPVS_SET_ADDR_ADD, .size = sizeof(i.first.addr) };
	i.first.addr = (struct dpvs_addr_conf){ .addr = rec_addr("192.0.2.1"), .dev = "dpdk0", .plen = 24 };
	i.other = i.first;
	i.other.addr.plen = 25;
	i.fills = true;
	i.defaults = i.first;
	i.defaults.addr.broadcast = rec_addr("192.0.2.255");
	i.defaults.addr.valid_lft_s = DPVS_LFT_FOREVER;
	i.defaults.addr.preferred_lft_s = DPVS_LFT_FOREVER;
	g_array_append_val(a, i);

	i = (struct item){ .what = "addr6", .id = DPVS_SET_ADDR_ADD, .size = sizeof(i.first.addr) };
	i.first.addr = (struct dpvs_addr_conf){ .addr = rec_addr("2001:db8:1::1"), .dev = "dpdk0", .plen = 64 };
	i.other = i.first;
	i.other.addr.plen = 96;
	g_array_append_val(a, i);

	i = (struct item){ .what = "addr6 for an hour", .id = DPVS_SET_ADDR_ADD, .size = sizeof(i.first.addr) };
	i.first.addr = (struct dpvs_addr_conf){ .addr = rec_addr("2001:db8:1::5"), .dev = "dpdk0", .plen = 64 };
	i.other = i.first;
	i.other.addr.valid_lft_s = 3600;
	g_array_append_val(a, i);

	i = (struct item){ .what = "route", .id = DPVS_SET_ROUTE_ADD, .size = sizeof(i.first.route) };
	i.first.route = (struct dpvs_route_conf){
		.dst = rec_addr("203.0.113.0"), .via = rec_addr("192.0.2.2"), .plen = 24,
	};
	i.other = i.first;
	i.other.route.via = rec_addr("192.0.2.3");
	i.fills = true;
	i.defaults = i.first;
	i.defaults.route.type = DPVS_ROUTE_UNICAST;
	strcpy(i.defaults.route.dev, "dpdk0");
	g_array_append_val(a, i);

	i = (struct item){ .what = "route6", .id = DPVS_SET_ROUTE6, .size = sizeof(i.first.route) };
	i.first.route = (struct dpvs_route_conf){
		.dst = rec_addr("2001:db8:f::"), .via = rec_addr("2001:db8:1::2"), .plen = 48,
	};
	i.other = i.first;
	i.other.route.mtu = 1400;
	g_array_append_val(a, i);

	i = (struct item){ .what = "neigh", .id = DPVS_SET_NEIGH_ADD, .size = sizeof(i.first.neigh) };
	i.first.neigh = (struct dpvs_neigh_conf){
		.addr = rec_addr("192.0.2.9"), .dev = "dpdk0", .mac = { 2, 0, 0, 0, 0, 9 },
	};
	i.other = i.first;
	i.other.neigh.mac[5] = 10;
	g_array_append_val(a, i);

	i = (struct item){ .what = "service", .id = DPVS_SET_SERVICE_ADD, .size = sizeof(svc) };
	i.first.service = svc;
	i.other = i.first;
	i.other.service.conn_timeout_s = 60;
	i.fills = true;
	i.defaults = i.first;
	i.defaults.service.sched[0] = '\0';
	i.defaults.service.set = 0;
	g_array_append_val(a, i);

	i = (struct item){ .what = "dest", .id = DPVS_SET_DEST_ADD, .size = sizeof(i.first.dest) };
	i.first.dest = rec_dest(&svc.key, "198.51.100.11", 80, DPVS_FWD_DR, 1);
	i.other = i.first;
	i.other.dest.weight = 0;
	i.fills = true;
	i.defaults = i.first;
	i.defaults.dest.set = 0;
	i.defaults.dest.fwd = 0;
	i.defaults.dest.weight = 0;
	g_array_append_val(a, i);

	i = (struct item){ .what = "laddr", .id = DPVS_SET_LADDR_ADD, .size = sizeof(i.first.laddr) };
	i.first.laddr = rec_laddr(&svc.key, "198.51.100.200", "dpdk0");
	i.other = i.first;
	strcpy(i.other.laddr.dev, "dpdk1");
	i.replaced = -EINVAL;
	g_array_append_val(a, i);
	return a;
}

static void
test_modes(void)
{
	g_autoptr(GArray) items = all_items();
	struct peer *p;
	uint64_t generation;

	harness_start(2, NULL);
	p = peer_new();
	g_assert_cmpint(commit(p, 0, (void *)items->data, items->len, false), ==, 0);
	for (guint i = 0; i < items->len; i++) {
		struct item *item = &g_array_index(items, struct item, i);

		g_test_message("%s", item->what);
		generation = change_generation();
		/* The same. */
		g_assert_cmpint(commit(p, 0, item, 1, false), ==, -EEXIST);
		g_assert_null(strstr(p->a.text, "differs"));
		g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, item, 1, false), ==, 0);
		g_assert_cmpint(commit(p, DPVS_TXN_REPLACE, item, 1, false), ==, 0);
		if (item->fills) {
			struct item same = *item;

			same.first = item->defaults;
			g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, &same, 1, false), ==, 0);
		}
		g_assert_cmpuint(change_generation(), ==, generation);
		/* Something else. */
		g_assert_cmpint(commit(p, 0, item, 1, true), ==, -EEXIST);
		g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, item, 1, true), ==, -EEXIST);
		g_assert_cmpuint(change_generation(), ==, generation);
		g_assert_cmpint(commit(p, DPVS_TXN_REPLACE, item, 1, true), ==, item->replaced);
		g_assert_cmpuint(change_generation(), ==, generation + (item->replaced == 0));
		/* And back. */
		g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, item, 1, false), ==,
				item->replaced == 0 ? -EEXIST : 0);
		g_assert_cmpint(commit(p, DPVS_TXN_REPLACE, item, 1, false), ==, 0);
		g_assert_cmpuint(change_generation(), ==, generation + (item->replaced == 0 ? 2 : 0));
	}
	/* All at once. */
	generation = change_generation();
	g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, (void *)items->data, items->len, false), ==, 0);
	g_assert_cmpint(commit(p, DPVS_TXN_SYNC, (void *)items->data, items->len, false), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation);
	peer_free(p);
	harness_stop();
}

/* What a route or an address that the daemon itself has made is, no mode replaces. */
static void
test_kernel_route(void)
{
	g_autoptr(GArray) items = all_items();
	struct item item = { .id = DPVS_SET_ROUTE_ADD, .size = sizeof(item.first.route) };
	struct peer *p;

	harness_start(2, NULL);
	p = peer_new();
	g_assert_cmpint(commit(p, 0, (void *)items->data, 1, false), ==, 0);
	item.first.route = (struct dpvs_route_conf){ .dst = rec_addr("192.0.2.0"), .dev = "dpdk0", .plen = 24 };
	g_assert_cmpint(commit(p, DPVS_TXN_UNCHANGED, &item, 1, false), ==, -EEXIST);
	g_assert_cmpint(commit(p, DPVS_TXN_REPLACE, &item, 1, false), ==, -EEXIST);
	peer_free(p);
	harness_stop();
}

/* Services, servers and local addresses that were not named go; addresses, routes, neighbours stay. */
static void
test_sync(void)
{
	g_autoptr(GArray) items = all_items();
	struct item more[4], other[3];
	struct peer *p;
	uint32_t addrs, routes, neighs;
	struct item *first = (void *)items->data;

	harness_start(2, NULL);
	p = peer_new();
	g_assert_cmpint(commit(p, 0, first, items->len, false), ==, 0);
	addrs = peer_listed(p, DPVS_GET_ADDRS);
	routes = peer_listed(p, DPVS_GET_ROUTES);
	neighs = peer_listed(p, DPVS_GET_NEIGHS);
	more[0] = first[6];
	more[0].first.service = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	more[1] = first[7];
	more[1].first.dest = rec_dest(&more[0].first.service.key, "198.51.100.11", 80, DPVS_FWD_DR, 1);
	more[2] = first[7];
	more[2].first.dest = rec_dest(&svc.key, "198.51.100.12", 80, DPVS_FWD_DR, 1);
	more[3] = first[8];
	more[3].first.laddr = rec_laddr(&svc.key, "198.51.100.201", "dpdk0");
	g_assert_cmpint(commit(p, 0, more, 4, false), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 2);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, 3);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_LADDRS), ==, 2);
	/* A sync that is refused removes nothing. */
	more[3].first.laddr = rec_laddr(&svc.key, "198.51.100.202", "none");
	g_assert_cmpint(commit(p, DPVS_TXN_SYNC, more, 4, false), ==, -ENODEV);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, 3);
	/* What was named stays as it is. */
	g_assert_cmpint(commit(p, DPVS_TXN_SYNC, first + 6, 3, false), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 1);
	g_assert_cmpmem(((struct dpvs_service_info *)p->a.record)->conf.key.vip.bytes, 16, svc.key.vip.bytes, 16);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, 1);
	g_assert_cmpmem(((struct dpvs_dest_info *)p->a.record)->conf.addr.bytes, 16,
			first[7].first.dest.addr.bytes, 16);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_LADDRS), ==, 1);
	/* And becomes what it was named as: a sync replaces by itself. */
	memcpy(other, first + 6, sizeof(other));
	other[1].first.dest.weight += 5;
	g_assert_cmpint(commit(p, DPVS_TXN_SYNC, other, 3, false), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_DESTS), ==, 1);
	g_assert_cmpuint(((struct dpvs_dest_info *)p->a.record)->conf.weight, ==, other[1].first.dest.weight);
	/* The local address leaves its port some time later. */
	for (unsigned int i = 0; i < 10000 && peer_listed(p, DPVS_GET_ADDRS) > addrs; i++)
		harness_pump(1);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_ADDRS), ==, addrs);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_ROUTES), ==, routes);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_NEIGHS), ==, neighs);
	peer_free(p);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/modes/each family", test_modes);
	g_test_add_func("/modes/kernel route", test_kernel_route);
	g_test_add_func("/modes/sync", test_sync);
	harness_init(2);
	rc = g_test_run();
	harness_fini();
	return rc;
}
