/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services: errors, atomic requests, what workers see and when, limits, time-outs. Their servers and local addresses are
 * in dest_test.c.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/conn.h>

#include "fake_core.h"
#include "lb/sched.h"
#include "lb/service.h"
#include "lb/timeouts.h"
#include "lb_records.h"
#include "svc_rig.h"

/* Services. */

static void
test_add(void)
{
	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, ""), ==, 0);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_UDP, "rr"), ==, 0);
	g_assert_cmpint(svc_add(VIP6, 80, IPPROTO_TCP, "mh"), ==, 0);
	g_assert_null(svc_lookup(0, VIP, 80, IPPROTO_TCP)); /* nobody has applied it */
	while (fake_deliver(1))
		;
	g_assert_nonnull(svc_lookup(1, VIP, 80, IPPROTO_TCP));
	g_assert_null(svc_lookup(2, VIP, 80, IPPROTO_TCP));
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		const struct service *svc = svc_lookup(w, VIP, 80, IPPROTO_TCP);

		g_assert_true(svc->sched == &sched_wlc); /* LVS's default */
		g_assert_cmpuint(svc->proto, ==, IPPROTO_TCP);
		g_assert_true(svc_lookup(w, VIP, 80, IPPROTO_UDP)->sched == &sched_rr);
		g_assert_true(svc_lookup(w, VIP6, 80, IPPROTO_TCP)->sched == &sched_mh);
		g_assert_null(svc_lookup(w, VIP, 81, IPPROTO_TCP));
		g_assert_null(svc_lookup(w, "192.0.2.101", 80, IPPROTO_TCP));
		g_assert_null(svc_lookup(w, VIP6, 80, IPPROTO_UDP));
	}
	g_assert_cmpstr(svc_info(&svc_vip).conf.sched, ==, "wlc");
	fake_stop();
}

/** struct bad_service: an add that is refused. */
struct bad_service {
	const char *why;
	int err;
	void (*spoil)(struct dpvs_service_conf *conf);
};

static void spoil_nothing(struct dpvs_service_conf *c) { (void)c; }
static void spoil_fwmark(struct dpvs_service_conf *c) { c->key.fwmark = 7; }
static void spoil_port(struct dpvs_service_conf *c) { c->key.port = 0; }
static void spoil_sctp(struct dpvs_service_conf *c) { c->key.proto = IPPROTO_SCTP; }
static void spoil_proto(struct dpvs_service_conf *c) { c->key.proto = 99; }
static void spoil_family(struct dpvs_service_conf *c) { c->key.vip.family = 3; }
static void spoil_no_family(struct dpvs_service_conf *c) { c->key.vip.family = 0; }
static void spoil_tail(struct dpvs_service_conf *c) { c->key.vip.bytes[15] = 1; }
static void spoil_pad(struct dpvs_service_conf *c) { c->key.pad = 1; }
static void spoil_addr_pad(struct dpvs_service_conf *c) { c->key.vip.pad[1] = 1; }
static void spoil_any(struct dpvs_service_conf *c) { memset(c->key.vip.bytes, 0, 16); }
static void spoil_loopback(struct dpvs_service_conf *c) { c->key.vip.bytes[0] = 127; }
static void spoil_multicast(struct dpvs_service_conf *c) { c->key.vip.bytes[0] = 239; }
static void spoil_sched(struct dpvs_service_conf *c) { strcpy(c->sched, "nosuch"); }
static void spoil_sched_end(struct dpvs_service_conf *c) { memset(c->sched, 'r', sizeof(c->sched)); }
static void spoil_persist(struct dpvs_service_conf *c) { c->persist_s = 300; }
static void spoil_flags(struct dpvs_service_conf *c) { c->flags = 1; }
static void spoil_sched_flags(struct dpvs_service_conf *c) { c->sched_flags = DPVS_SCHED_MH_PORT; }
static void spoil_set(struct dpvs_service_conf *c) { c->set |= 1u << 31; }
static void spoil_timeout(struct dpvs_service_conf *c) { c->conn_timeout_s = 86401; }

static const struct bad_service bad_services[] = {
	{ "there already", -EEXIST, spoil_nothing },
	{ "fwmark", -EOPNOTSUPP, spoil_fwmark },
	{ "port 0", -EOPNOTSUPP, spoil_port },
	{ "SCTP", -EOPNOTSUPP, spoil_sctp },
	{ "protocol 99", -EINVAL, spoil_proto },
	{ "family 3", -EINVAL, spoil_family },
	{ "no family", -EINVAL, spoil_no_family },
	{ "bytes after an IPv4 address", -EINVAL, spoil_tail },
	{ "padding", -EINVAL, spoil_pad },
	{ "padding of the address", -EINVAL, spoil_addr_pad },
	{ "address 0.0.0.0", -EINVAL, spoil_any },
	{ "loopback", -EINVAL, spoil_loopback },
	{ "multicast", -EINVAL, spoil_multicast },
	{ "unknown scheduler", -EEXIST, spoil_sched }, /* as LVS: the service is looked for first */
	{ "scheduler without end", -EINVAL, spoil_sched_end },
	{ "persistence", -EOPNOTSUPP, spoil_persist },
	{ "flags", -EOPNOTSUPP, spoil_flags },
	{ "unknown bits", -EINVAL, spoil_set },
	{ "time-out", -EINVAL, spoil_timeout },
};

static void
test_add_errors(void)
{
	struct dpvs_service_conf conf;
	g_autoptr(GByteArray) before = NULL;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	fake_sync();
	before = svc_listing();
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad_services); i++) {
		g_autoptr(GByteArray) after = NULL;

		conf = rec_service(VIP, 80, IPPROTO_TCP, "rr");
		bad_services[i].spoil(&conf);
		g_test_message("%s", bad_services[i].why);
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, bad_services[i].err);
		g_assert_cmpstr(fake_error_text(), !=, "");
		after = svc_listing();
		g_assert_cmpmem(before->data, before->len, after->data, after->len);
	}
	conf = rec_service(VIP, 81, IPPROTO_TCP, "nosuch");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, -ENOENT);
	conf = rec_service(VIP, 81, IPPROTO_TCP, "rr");
	spoil_sched_flags(&conf);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, -EINVAL);
	g_assert_cmpuint(fake_changes(), ==, 1);
	fake_stop();
}

static void
test_edit(void)
{
	struct dpvs_service_conf conf = rec_service(VIP, 80, IPPROTO_TCP, "mh");
	const struct service *svc;
	uint64_t changes;

	svc_setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, -ESRCH);
	conf.sched_flags = DPVS_SCHED_MH_PORT | DPVS_SCHED_MH_FALLBACK;
	conf.conn_timeout_s = 77;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 3), ==, 0);

	/* Only what is named changes. */
	conf = rec_service(VIP, 80, IPPROTO_TCP, "rr");
	conf.set = DPVS_SERVICE_SET_CONN_TIMEOUT;
	conf.conn_timeout_s = 78;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = svc_lookup(2, VIP, 80, IPPROTO_TCP);
	g_assert_true(svc->sched == &sched_mh);
	g_assert_cmpuint(svc->sched_flags, ==, DPVS_SCHED_MH_PORT | DPVS_SCHED_MH_FALLBACK);
	g_assert_cmpuint(svc->conn_timeout_s, ==, 78);
	g_assert_cmpuint(svc->num_dests, ==, 1);

	conf.set = DPVS_SERVICE_SET_SCHED_FLAGS;
	conf.sched_flags = DPVS_SCHED_MH_PORT;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	g_assert_cmpuint(svc_info(&svc_vip).conf.sched_flags, ==, DPVS_SCHED_MH_PORT);

	/* Another scheduler does not keep flags that it does not know. */
	conf.set = DPVS_SERVICE_SET_SCHED;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = svc_lookup(0, VIP, 80, IPPROTO_TCP);
	g_assert_true(svc->sched == &sched_rr);
	g_assert_cmpuint(svc->sched_flags, ==, 0);
	g_assert_cmpuint(svc->conn_timeout_s, ==, 78);

	changes = fake_changes();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0); /* changes nothing */
	g_assert_cmpuint(fake_changes(), ==, changes);
	strcpy(conf.sched, "nosuch");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, -ENOENT);
	fake_stop();
}

static void
test_del(void)
{
	svc_setup();
	g_assert_cmpint(svc_del(&svc_vip), ==, -ESRCH);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(svc_del(&svc_vip), ==, 0);
	g_assert_nonnull(svc_lookup(0, VIP, 80, IPPROTO_TCP)); /* until it is applied */
	fake_sync();
	g_assert_null(svc_lookup(0, VIP, 80, IPPROTO_TCP));
	g_assert_cmpint(svc_del(&svc_vip), ==, -ESRCH);
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, NULL), ==, 0);

	/* Flush, also of nothing. */
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_add(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, NULL), ==, 0);
	g_assert_null(svc_lookup(0, VIP6, 80, IPPROTO_TCP));
	fake_stop();
}

static void
test_list(void)
{
	struct dpvs_service_key filter = { .proto = IPPROTO_UDP };
	struct dpvs_lb_info info;
	g_autoptr(GArray) a = NULL;
	int err = 0;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_add(VIP, 53, IPPROTO_UDP, "rr"), ==, 0);
	g_assert_cmpint(svc_add(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, "2001:db8:2::11", 80, DPVS_FWD_NAT, 1), ==, 0);
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, NULL), ==, 3);
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, &filter), ==, 1);
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, &svc_vip6), ==, 1);
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, NULL), ==, 2);
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, &svc_vip6), ==, 1);
	filter = svc_vip;
	filter.port = 81;
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, &filter), ==, 0);
	g_assert_null(fake_get(DPVS_GET_SERVICE, &filter, &err));
	g_assert_cmpint(err, ==, -ESRCH);
	g_assert_null(fake_get(DPVS_GET_DESTS, &filter, &err));
	g_assert_cmpint(err, ==, -ESRCH);
	filter.vip.family = 99;
	g_assert_null(fake_get(DPVS_GET_SERVICE, &filter, &err));
	g_assert_cmpint(err, ==, -EINVAL);

	a = fake_get(DPVS_GET_LB_INFO, NULL, &err);
	info = g_array_index(a, struct dpvs_lb_info, 0);
	g_assert_cmpuint(info.version, ==, 0x010201);
	g_assert_cmpuint(info.conn_size, ==, 4096);
	g_assert_cmpuint(info.num_services, ==, 3);
	g_assert_cmpuint(info.num_workers, ==, WORKERS);
	fake_stop();
}

/* One request, an error in its middle: nothing of it is there. */
static void
test_atomic(void)
{
	g_autoptr(GByteArray) before = NULL;
	g_autoptr(GByteArray) after = NULL;
	struct dpvs_dest_conf confs[5];
	struct dpvs_service_conf services[3];

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "wrr"), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 5), ==, 0);
	g_assert_cmpint(svc_dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 5), ==, 0);
	g_assert_cmpint(svc_laddr(DPVS_SET_LADDR_ADD, "198.51.100.201", "lan0"), ==, 0);
	fake_sync();
	for (unsigned int i = 0; i < 2; i++)
		svc_count_conns(i, svc_lookup(0, VIP, 80, IPPROTO_TCP)->dests[i].index, 7 + i);
	before = svc_listing();

	for (unsigned int i = 0; i < 5; i++)
		confs[i] = rec_dest(&svc_vip, "198.51.100.20", (uint16_t)(100 + i % 4), DPVS_FWD_NAT, i);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 5), ==, -EEXIST);
	confs[0] = rec_dest(&svc_vip, RS1, 80, 0, 0);
	confs[1] = rec_dest(&svc_vip, RS2, 80, 0, 0);
	confs[2] = rec_dest(&svc_vip, RS1, 80, 0, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, confs, 3), ==, -ENOENT);
	confs[0].weight = 9;
	confs[0].fwd = DPVS_FWD_FULLNAT;
	confs[1].weight = 70000;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, confs, 2), ==, -EINVAL);
	services[0] = rec_service("192.0.2.1", 80, IPPROTO_TCP, "rr");
	services[1] = rec_service(VIP6, 80, IPPROTO_TCP, "rr");
	services[2] = rec_service(VIP, 80, IPPROTO_TCP, "rr");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, services, 3), ==, -EEXIST);
	services[0] = services[2];
	services[1] = rec_service(VIP, 80, IPPROTO_TCP, "nosuch");
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, services, 2), ==, -ENOENT);
	services[1] = services[0];
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_DEL, services, 2), ==, -ESRCH);

	after = svc_listing();
	g_assert_cmpmem(before->data, before->len, after->data, after->len);
	g_assert_cmpint(fake_held(AF_INET, rec_addr("198.51.100.201").bytes), ==, IFADDR_HELD);
	fake_stop();
}

/* Out of memory wherever an operation is made: refused, nothing changed, later requests work. */
static void
test_no_memory(void)
{
	struct dpvs_dest_conf confs[40];
	int err = -ENOMEM;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "wrr"), ==, 0);
	for (unsigned int i = 0; i < 40; i++)
		confs[i] = rec_dest(&svc_vip, RS1, (uint16_t)(100 + i), DPVS_FWD_NAT, 1);
	for (unsigned int n = 1; err == -ENOMEM; n++) {
		fake_fail_after(n);
		err = fake_set(DPVS_SET_DEST_ADD, confs, 40);
		fake_fail_after(0);
		g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, &svc_vip), ==, err == 0 ? 40 : 0);
	}
	g_assert_cmpint(err, ==, 0);
	fake_sync();
	fake_fail_commits(1);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, -ENOBUFS);
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, NULL), ==, 40);
	err = -ENOMEM;
	for (unsigned int n = 1; err == -ENOMEM; n++) {
		fake_fail_after(n);
		err = fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0);
		fake_fail_after(0);
		g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, NULL), ==, err == 0 ? 0 : 40);
	}
	fake_stop();
}

static void
test_limits(void)
{
	struct dpvs_service_conf two[2] = {
		rec_service(VIP, 80, IPPROTO_TCP, "mh"),
		rec_service(VIP, 81, IPPROTO_TCP, "mh"),
	};
	struct dpvs_dest_conf confs[300];

	fake_conf("service", "max-services", 1);
	fake_conf("service", "max-dests", 260);
	fake_conf("service", "mh-table-size", 251);
	svc_setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 2), ==, -ENOSPC);
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, NULL), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, 0);
	for (unsigned int i = 0; i < 300; i++)
		confs[i] = rec_dest(&svc_vip, RS1, (uint16_t)(1 + i), DPVS_FWD_NAT, 1);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 261), ==, -ENOSPC); /* max-dests */
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 252), ==, -ENOSPC); /* mh-table-size */
	g_assert_nonnull(strstr(fake_error_text(), "mh-table-size"));
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, NULL), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 251), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, -ENOSPC); /* not confirmed yet */
	fake_sync();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, 0);
	fake_stop();
}

static void
test_timeouts(void)
{
	struct dpvs_timeouts t = { .udp_s = 10 };
	g_autoptr(GArray) a = NULL;
	int err;

	svc_setup();
	fake_be(1);
	g_assert_cmpuint(lb_timeouts()->tcp_s, ==, 900);
	g_assert_cmpuint(lb_timeouts()->tcp_fin_s, ==, 120);
	g_assert_cmpuint(lb_timeouts()->udp_s, ==, 300);
	g_assert_cmpint(fake_set(DPVS_SET_TIMEOUTS, &t, 1), ==, 0);
	g_assert_cmpuint(lb_timeouts()->udp_s, ==, 300);
	fake_sync();
	fake_be(1);
	g_assert_cmpuint(lb_timeouts()->tcp_s, ==, 900); /* 0 leaves it */
	g_assert_cmpuint(lb_timeouts()->udp_s, ==, 10);
	a = fake_get(DPVS_GET_TIMEOUTS, NULL, &err);
	g_assert_cmpuint(g_array_index(a, struct dpvs_timeouts, 0).udp_s, ==, 10);
	t.tcp_s = UINT32_MAX;
	g_assert_cmpint(fake_set(DPVS_SET_TIMEOUTS, &t, 1), ==, -EINVAL);
	fake_stop();
}

/* A virtual address is announced where it is on a port (here: as a local address of another service). */
static void
test_announce(void)
{
	struct dpvs_service_key other = rec_key("192.0.2.7", 80, IPPROTO_TCP);
	struct dpvs_laddr_conf conf = rec_laddr(&other, VIP, "lan0");

	svc_setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &svc_vip, 1), ==, -ESRCH);
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(svc_add("192.0.2.7", 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &svc_vip, 1), ==, -EADDRNOTAVAIL);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &svc_vip, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(fake_announced(), ==, 1);
	fake_stop();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/add/seen by workers", test_add);
	g_test_add_func("/service/add/refused", test_add_errors);
	g_test_add_func("/service/edit/only what is named", test_edit);
	g_test_add_func("/service/del/and flush", test_del);
	g_test_add_func("/service/list/filters", test_list);
	g_test_add_func("/service/atomic/error in the middle", test_atomic);
	g_test_add_func("/service/atomic/no memory", test_no_memory);
	g_test_add_func("/service/limits", test_limits);
	g_test_add_func("/timeouts/set", test_timeouts);
	g_test_add_func("/service/announce", test_announce);
	return g_test_run();
}
