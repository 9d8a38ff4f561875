/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real servers and local addresses of services: errors, what workers see, slots of those that are removed while
 * connections hold them, counters.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include "core/reserve.h"
#include "fake_core.h"
#include "lb/laddr.h"
#include "lb/service.h"
#include "lb_records.h"
#include "svc_rig.h"

/* Servers. */

static void
test_dest_add(void)
{
	static const char *const bad6[] = { "::", "::1", "ff02::1", "fe80::1", "febf::1", "::ffff:192.0.2.1" };
	struct dpvs_dest_conf conf;
	struct dpvs_dest_info info;

	svc_setup();
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, -ESRCH);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_EDIT, RS1, 80, DPVS_FWD_DR, 1), ==, -ENOENT);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS1, 80, DPVS_FWD_DR, 1), ==, -ENOENT);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 9), ==, -EEXIST);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 8080, DPVS_FWD_NAT, 65535), ==, 0);

	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 8080, DPVS_FWD_DR, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_TUNNEL, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_SNAT, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, 77, 1), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 65536), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 0, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, "0.0.0.0", 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, "224.0.0.1", 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, VIP, 8080, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(svc_add(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad6); i++)
		g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, bad6[i], 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, "::2", 80, DPVS_FWD_NAT, 1), ==, 0);
	conf = rec_dest(&svc_vip, "2001:db8::1", 80, DPVS_FWD_NAT, 1);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EOPNOTSUPP);
	conf = rec_dest(&svc_vip, RS2, 80, DPVS_FWD_NAT, 1);
	conf.uthresh = 10;
	conf.set |= DPVS_DEST_SET_UTHRESH;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EOPNOTSUPP);
	conf = rec_dest(&svc_vip, RS2, 80, DPVS_FWD_NAT, 1);
	conf.set |= 1u << 30;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EINVAL);
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, &svc_vip), ==, 2);

	/* What is not given has its default: DR, weight 1. */
	conf = rec_dest(&svc_vip, RS2, 80, 0, 0);
	conf.set = 0;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, 0);
	info = svc_dest_info(2);
	g_assert_cmpuint(info.conf.fwd, ==, DPVS_FWD_DR);
	g_assert_cmpuint(info.conf.weight, ==, 1);
	fake_stop();
}

static void
test_dest_edit(void)
{
	struct dpvs_dest_conf conf;
	struct dest before;
	const struct service *svc;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 5), ==, 0);
	fake_sync();
	before = *svc_schedule(0);
	g_assert_true(dest_is_there(before.index, before.generation));
	conf = rec_dest(&svc_vip, RS1, 80, DPVS_FWD_FULLNAT, 0);
	conf.set = DPVS_DEST_SET_WEIGHT;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = svc_lookup(1, VIP, 80, IPPROTO_TCP);
	g_assert_cmpuint(svc->dests[0].weight, ==, 0);
	g_assert_cmpuint(svc->dests[0].last_weight, ==, 5);
	g_assert_cmpuint(svc->dests[0].fwd, ==, DPVS_FWD_NAT);
	g_assert_cmpuint(svc->dests[0].index, ==, before.index);
	g_assert_cmpuint(svc->dests[0].generation, ==, before.generation);
	g_assert_true(dest_is_there(before.index, before.generation)); /* drains */
	g_assert_null(svc_schedule(1));

	conf.set = DPVS_DEST_SET_FWD;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = svc_lookup(1, VIP, 80, IPPROTO_TCP);
	g_assert_cmpuint(svc->dests[0].fwd, ==, DPVS_FWD_FULLNAT);
	g_assert_cmpuint(svc->dests[0].weight, ==, 0);
	conf.fwd = DPVS_FWD_TUNNEL;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, -EOPNOTSUPP);
	conf.set = 0;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
	fake_stop();
}

/* Slots. */

static void
test_remove_held(void)
{
	struct dest d;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	d = *svc_schedule(1);
	dest_hold(d.index);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	g_assert_true(dest_is_there(d.index, d.generation));
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		union ip_addr ip = rec_ip(RS1);

		fake_be(w);
		g_assert_false(dest_is_there(d.index, d.generation));
		g_assert_true(service_by_reply(AF_INET, IPPROTO_TCP, &ip, RTE_BE16(80)));
		g_assert_false(service_by_reply(AF_INET, IPPROTO_UDP, &ip, RTE_BE16(80)));
	}

	/* Its slot is nobody else's. */
	g_assert_cmpint(fake_job("dest-reap"), ==, -EAGAIN);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_schedule(0)->index, !=, d.index);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS2, 80, 0, 0), ==, 0);

	/* It comes back, by another request, even of another service of the same address: connections go on. */
	g_assert_cmpint(svc_del(&svc_vip), ==, 0);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 4), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_schedule(2)->index, ==, d.index);
	g_assert_true(dest_is_there(d.index, d.generation));

	/* It goes, its last connection too: the slot is free, under another generation. */
	g_assert_cmpint(svc_del(&svc_vip), ==, 0);
	fake_sync();
	fake_be(1);
	dest_put(d.index);
	g_assert_cmpint(fake_job("dest-reap"), ==, 0);
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		union ip_addr ip = rec_ip(RS1);

		fake_be(w);
		g_assert_false(service_by_reply(AF_INET, IPPROTO_TCP, &ip, RTE_BE16(80)));
	}
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (unsigned int i = 0; i < 2; i++)
		g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, (uint16_t)(90 + i), DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		fake_be(w);
		g_assert_false(dest_is_there(d.index, d.generation));
	}
	g_assert_cmpuint(svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index, <, 2);
	g_assert_cmpuint(svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[1].index, <, 2);
	fake_stop();
}

/* Removed and added again in one request, or one after the other with a slow worker. */
static void
test_revive(void)
{
	struct dpvs_dest_conf conf;
	struct dest d;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	d = *svc_schedule(0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	while (fake_deliver(0))
		;
	fake_be(0);
	g_assert_false(dest_is_there(d.index, d.generation));
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_job("dest-reap"), ==, -EAGAIN);
	for (unsigned int w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(svc_schedule(w)->index, ==, d.index);
		g_assert_true(dest_is_there(d.index, d.generation));
	}

	/* A refused revival leaves it in the trash. */
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	fake_sync();
	{
		struct dpvs_dest_conf two[2] = {
			rec_dest(&svc_vip, RS1, 80, DPVS_FWD_DR, 7),
			rec_dest(&svc_vip, RS1, 80, DPVS_FWD_DR, 7),
		};

		g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, two, 2), ==, -EEXIST);
	}
	fake_sync();
	g_assert_false(dest_is_there(d.index, d.generation));
	g_assert_cmpint(fake_job("dest-reap"), ==, 0);
	fake_sync();
	conf = rec_dest(&svc_vip, RS1, 80, DPVS_FWD_DR, 7);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_schedule(0)->generation, !=, d.generation);
	fake_stop();
}

#ifdef __SANITIZE_ADDRESS__
/* What is reached through tables that mmap() gave is no leak: LeakSanitizer knows these tables. */
static void
test_reached(void)
{
	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (uint16_t port = 8000; port < 8032; port++)
		g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, port, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(__lsan_do_recoverable_leak_check(), ==, 0);
	fake_stop();
}
#endif

/* Counters. */

static void
test_counters(void)
{
	struct dpvs_service_info svc;
	uint32_t first;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	first = svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index;
	svc_count_conns(0, first, 1);
	svc_count_conns(2, first, 2);
	svc_count_conns(1, svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[1].index, 4);
	fake_be(2);
	for (unsigned int i = 0; i < 8; i++)
		dest_count(first, i < 3, i >= 3);
	g_assert_cmpuint(svc_dest_info(0).stats.conns, ==, 3);
	g_assert_cmpuint(svc_dest_info(0).active_conns, ==, 3);
	g_assert_cmpuint(svc_dest_info(0).inactive_conns, ==, 5);
	g_assert_cmpuint(svc_dest_info(1).stats.out_bytes, ==, 3600);
	g_assert_cmpuint(svc_info(&svc_vip).stats.conns, ==, 7);

	/* A server that goes leaves what it has counted to its service, to the last packet. */
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	svc_count_conns(0, first, 1); /* a worker that has not heard of it */
	fake_sync();
	svc = svc_info(&svc_vip);
	g_assert_cmpuint(svc.stats.conns, ==, 8);
	g_assert_cmpuint(svc.stats.in_bytes, ==, 8000);
	g_assert_cmpuint(svc.num_dests, ==, 1);

	/* It comes back with counters of 0. */
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_dest_info(1).stats.conns, ==, 0);
	g_assert_cmpuint(svc_info(&svc_vip).stats.conns, ==, 8);

	/* Zeroing: of one service, of another, of all. */
	g_assert_cmpint(svc_add(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &svc_vip6, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_info(&svc_vip).stats.conns, ==, 8);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &svc_vip, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_info(&svc_vip).stats.conns, ==, 0);
	svc_count_conns(0, first, 5);
	g_assert_cmpuint(svc_info(&svc_vip).stats.in_pkts, ==, 50);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, NULL, 0), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_info(&svc_vip).stats.in_pkts, ==, 0);
	svc_vip6.port = 81;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &svc_vip6, 1), ==, -ESRCH);
	fake_stop();
}

static void
test_rates(void)
{
	uint32_t index;
	uint64_t cps;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	index = svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index;
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates"); /* first sample */
	g_assert_cmpuint(svc_info(&svc_vip).rates.cps, ==, 0);
	svc_count_conns(1, index, 1000);
	g_usleep(20000);
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates");
	cps = svc_info(&svc_vip).rates.cps;
	/* At most a quarter of 1000 in 20 ms; a slow machine sees less. */
	g_assert_cmpuint(cps, >, 0);
	g_assert_cmpuint(cps, <=, 12500);
	g_assert_cmpuint(svc_info(&svc_vip).rates.in_bps / 1000, <=, cps + 1);
	g_usleep(1000);
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates");
	g_assert_cmpuint(svc_info(&svc_vip).rates.cps, <, cps); /* falls by a quarter */
	g_assert_cmpuint(svc_info(&svc_vip).rates.cps, >=, cps / 2);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, NULL, 0), ==, 0);
	g_assert_cmpuint(svc_info(&svc_vip).rates.cps, ==, 0);
	fake_stop();
}

/* Local addresses. */

static void
test_laddr(void)
{
	const char *l1 = "198.51.100.201";
	const char *l2 = "198.51.100.202";
	union ip_addr ip1 = rec_ip(l1);
	struct dpvs_service_key other = rec_key(VIP, 81, IPPROTO_TCP);
	struct dpvs_laddr_conf conf;
	struct dpvs_laddr_info info;
	g_autoptr(GArray) a = NULL;
	uint32_t slot;
	int err;

	svc_setup();
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, -ESRCH);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_add(VIP, 81, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l1, "nosuch"), ==, -ENODEV);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, VIP, "lan0"), ==, -EINVAL);
	conf = rec_laddr(&svc_vip, "2001:db8::1", "lan0");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL);
	conf = rec_laddr(&svc_vip, l1, "lan0");
	memset(conf.dev, 'x', sizeof(conf.dev));
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_DEL, l1, "lan0"), ==, -ENOENT);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, 0);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, -EEXIST);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l2, "lan1"), ==, 0);
	conf = rec_laddr(&other, l1, "lan1");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL); /* it is on lan0 */
	conf = rec_laddr(&other, l1, "lan0");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_HELD); /* shared */
	slot = svc_lookup(1, VIP, 80, IPPROTO_TCP)->laddrs[0].index;
	g_assert_cmpuint(svc_lookup(1, VIP, 80, IPPROTO_TCP)->num_laddrs, ==, 2);
	g_assert_cmpuint(svc_lookup(1, VIP, 81, IPPROTO_TCP)->laddrs[0].index, ==, slot);
	fake_be(2);
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, slot);
	g_assert_cmpuint(laddr_find(AF_INET, &(union ip_addr){ .ip4 = 1 }), ==, LADDR_NONE);
	laddr_hold(slot);
	laddr_miss(slot);
	a = fake_get(DPVS_GET_LADDRS, &svc_vip, &err);
	g_assert_cmpuint(a->len, ==, 2);
	info = g_array_index(a, struct dpvs_laddr_info, 0);
	g_assert_cmpstr(info.conf.dev, ==, "lan0");
	g_assert_cmpuint(info.conns, ==, 1);
	g_assert_cmpuint(info.port_misses, ==, 1);
	g_assert_cmpuint(svc_count_of(DPVS_GET_LADDRS, NULL), ==, 3);

	/* It goes from both services; a connection keeps address and slot. */
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_DEL, l1, "lan1"), ==, -ENOENT);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_DEL, l1, "lan0"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_FLUSH, &other, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_job("laddr-reap"), ==, -EAGAIN);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_LINGERS);
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, slot);
	g_assert_cmpuint(svc_lookup(0, VIP, 81, IPPROTO_TCP)->num_laddrs, ==, 0);

	/* It comes back into its slot, and goes for good with the last connection. */
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, 0);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_HELD);
	fake_sync();
	g_assert_cmpuint(svc_lookup(0, VIP, 80, IPPROTO_TCP)->laddrs[1].index, ==, slot);
	g_assert_cmpint(svc_del(&svc_vip), ==, 0);
	fake_sync();
	fake_be(2);
	laddr_put(slot);
	g_assert_cmpint(fake_job("laddr-reap"), ==, 0);
	fake_sync();
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, LADDR_NONE);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_NOT_HELD);
	fake_stop();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/counters/sums, removal, zeroing", test_counters);
	g_test_add_func("/service/counters/rates", test_rates);
	g_test_add_func("/dest/add/refused and defaults", test_dest_add);
	g_test_add_func("/dest/edit/only what is named", test_dest_edit);
	g_test_add_func("/dest/slot/removed while held", test_remove_held);
	g_test_add_func("/dest/slot/revived", test_revive);
#ifdef __SANITIZE_ADDRESS__
	g_test_add_func("/dest/reached by LeakSanitizer", test_reached);
#endif
	g_test_add_func("/laddr/add, share, remove while used", test_laddr);
	return g_test_run();
}
