/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services, real servers and local addresses: errors, atomic requests, what workers see and when, slots of
 * servers that are removed while connections hold them, counters. The workers are played by this thread
 * (fake_core.h).
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/conn.h>

#include "fake_core.h"
#include "lb/reserve.h"
#include "lb/laddr.h"
#include "lb/sched.h"
#include "lb/service.h"
#include "lb/timeouts.h"
#include "lb_records.h"
#include "module.h"

#define WORKERS 3
#define VIP "192.0.2.100"
#define VIP6 "2001:db8:1::100"
#define RS1 "198.51.100.11"
#define RS2 "198.51.100.12"

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };

static struct dpvs_service_key vip;  /* VIP:80 TCP */
static struct dpvs_service_key vip6; /* [VIP6]:80 TCP */

static void
setup(void)
{
	fake_start(WORKERS, modules);
	vip = rec_key(VIP, 80, IPPROTO_TCP);
	vip6 = rec_key(VIP6, 80, IPPROTO_TCP);
}

static int
add_service(const char *addr, uint16_t port, uint8_t proto, const char *sched)
{
	struct dpvs_service_conf conf = rec_service(addr, port, proto, sched);

	return fake_set(DPVS_SET_SERVICE_ADD, &conf, 1);
}

static int
del_service(const struct dpvs_service_key *key)
{
	struct dpvs_service_conf conf = { .key = *key };

	return fake_set(DPVS_SET_SERVICE_DEL, &conf, 1);
}

static int
dest(uint32_t id, const char *addr, uint16_t port, uint8_t fwd, uint32_t weight)
{
	struct dpvs_dest_conf conf =
		rec_dest(strchr(addr, ':') != NULL ? &vip6 : &vip, addr, port, fwd, weight);

	return fake_set(id, &conf, 1);
}

static int
laddr(uint32_t id, const char *addr, const char *dev)
{
	struct dpvs_laddr_conf conf = rec_laddr(strchr(addr, ':') != NULL ? &vip6 : &vip, addr, dev);

	return fake_set(id, &conf, 1);
}

/* All that can be listed, as one string of bytes. */
static GByteArray *
listing(void)
{
	static const uint32_t ids[] = { DPVS_GET_SERVICES, DPVS_GET_DESTS, DPVS_GET_LADDRS, DPVS_GET_TIMEOUTS };
	GByteArray *all = g_byte_array_new();
	int err;

	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		g_autoptr(GArray) a = fake_get(ids[i], NULL, &err);

		g_assert_nonnull(a);
		g_byte_array_append(all, (uint8_t *)a->data, a->len * g_array_get_element_size(a));
	}
	return all;
}

static uint32_t
count_of(uint32_t id, const void *filter)
{
	int err = 0;
	g_autoptr(GArray) a = fake_get(id, filter, &err);

	g_assert_cmpint(err, ==, 0);
	return a->len;
}

static struct dpvs_dest_info
dest_info(unsigned int i)
{
	int err;
	g_autoptr(GArray) a = fake_get(DPVS_GET_DESTS, &vip, &err);

	g_assert_nonnull(a);
	g_assert_cmpuint(i, <, a->len);
	return g_array_index(a, struct dpvs_dest_info, i);
}

static struct dpvs_service_info
service_info(const struct dpvs_service_key *key)
{
	int err;
	g_autoptr(GArray) a = fake_get(DPVS_GET_SERVICE, key, &err);

	g_assert_nonnull(a);
	return g_array_index(a, struct dpvs_service_info, 0);
}

static const struct service *
lookup(unsigned int worker, const char *addr, uint16_t port, uint8_t proto)
{
	union ip_addr ip = rec_ip(addr);

	fake_be(worker);
	return service_lookup(strchr(addr, ':') != NULL ? AF_INET6 : AF_INET, proto, &ip,
			      rte_cpu_to_be_16(port));
}

static const struct dest *
schedule(unsigned int worker)
{
	struct flow flow = { .client = rec_ip("203.0.113.1"), .af = AF_INET };
	const struct service *svc = lookup(worker, VIP, 80, IPPROTO_TCP);

	g_assert_nonnull(svc);
	return service_schedule(svc, &flow);
}

/* A worker counts @n connections of a slot. */
static void
count(unsigned int worker, uint32_t index, uint64_t n)
{
	struct dest_lcore *dl;

	fake_be(worker);
	dl = dest_lcore(index);
	dl->conns += n;
	dl->in_pkts += 10 * n;
	dl->out_pkts += 9 * n;
	dl->in_bytes += 1000 * n;
	dl->out_bytes += 900 * n;
}

/* Services. */

static void
test_add(void)
{
	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, ""), ==, 0);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_UDP, "rr"), ==, 0);
	g_assert_cmpint(add_service(VIP6, 80, IPPROTO_TCP, "mh"), ==, 0);
	g_assert_null(lookup(0, VIP, 80, IPPROTO_TCP)); /* nobody has applied it */
	while (fake_deliver(1))
		;
	g_assert_nonnull(lookup(1, VIP, 80, IPPROTO_TCP));
	g_assert_null(lookup(2, VIP, 80, IPPROTO_TCP));
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		const struct service *svc = lookup(w, VIP, 80, IPPROTO_TCP);

		g_assert_true(svc->sched == &sched_wlc); /* LVS's default */
		g_assert_cmpuint(svc->proto, ==, IPPROTO_TCP);
		g_assert_true(lookup(w, VIP, 80, IPPROTO_UDP)->sched == &sched_rr);
		g_assert_true(lookup(w, VIP6, 80, IPPROTO_TCP)->sched == &sched_mh);
		g_assert_null(lookup(w, VIP, 81, IPPROTO_TCP));
		g_assert_null(lookup(w, "192.0.2.101", 80, IPPROTO_TCP));
		g_assert_null(lookup(w, VIP6, 80, IPPROTO_UDP));
	}
	g_assert_cmpstr(service_info(&vip).conf.sched, ==, "wlc");
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

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	fake_sync();
	before = listing();
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad_services); i++) {
		g_autoptr(GByteArray) after = NULL;

		conf = rec_service(VIP, 80, IPPROTO_TCP, "rr");
		bad_services[i].spoil(&conf);
		g_test_message("%s", bad_services[i].why);
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, bad_services[i].err);
		g_assert_cmpstr(fake_error_text(), !=, "");
		after = listing();
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

	setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, -ESRCH);
	conf.sched_flags = DPVS_SCHED_MH_PORT | DPVS_SCHED_MH_FALLBACK;
	conf.conn_timeout_s = 77;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, &conf, 1), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 3), ==, 0);

	/* Only what is named changes. */
	conf = rec_service(VIP, 80, IPPROTO_TCP, "rr");
	conf.set = DPVS_SERVICE_SET_CONN_TIMEOUT;
	conf.conn_timeout_s = 78;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = lookup(2, VIP, 80, IPPROTO_TCP);
	g_assert_true(svc->sched == &sched_mh);
	g_assert_cmpuint(svc->sched_flags, ==, DPVS_SCHED_MH_PORT | DPVS_SCHED_MH_FALLBACK);
	g_assert_cmpuint(svc->conn_timeout_s, ==, 78);
	g_assert_cmpuint(svc->num_dests, ==, 1);

	conf.set = DPVS_SERVICE_SET_SCHED_FLAGS;
	conf.sched_flags = DPVS_SCHED_MH_PORT;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	g_assert_cmpuint(service_info(&vip).conf.sched_flags, ==, DPVS_SCHED_MH_PORT);

	/* Another scheduler does not keep flags that it does not know. */
	conf.set = DPVS_SERVICE_SET_SCHED;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = lookup(0, VIP, 80, IPPROTO_TCP);
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
	setup();
	g_assert_cmpint(del_service(&vip), ==, -ESRCH);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(del_service(&vip), ==, 0);
	g_assert_nonnull(lookup(0, VIP, 80, IPPROTO_TCP)); /* until it is applied */
	fake_sync();
	g_assert_null(lookup(0, VIP, 80, IPPROTO_TCP));
	g_assert_cmpint(del_service(&vip), ==, -ESRCH);
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, NULL), ==, 0);

	/* Flush, also of nothing. */
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(add_service(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	fake_sync();
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, NULL), ==, 0);
	g_assert_null(lookup(0, VIP6, 80, IPPROTO_TCP));
	fake_stop();
}

static void
test_list(void)
{
	struct dpvs_service_key filter = { .proto = IPPROTO_UDP };
	struct dpvs_lb_info info;
	g_autoptr(GArray) a = NULL;
	int err = 0;

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(add_service(VIP, 53, IPPROTO_UDP, "rr"), ==, 0);
	g_assert_cmpint(add_service(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, "2001:db8:2::11", 80, DPVS_FWD_NAT, 1), ==, 0);
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, NULL), ==, 3);
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, &filter), ==, 1);
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, &vip6), ==, 1);
	g_assert_cmpuint(count_of(DPVS_GET_DESTS, NULL), ==, 2);
	g_assert_cmpuint(count_of(DPVS_GET_DESTS, &vip6), ==, 1);
	filter = vip;
	filter.port = 81;
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, &filter), ==, 0);
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

/* Servers. */

static void
test_dest_add(void)
{
	static const char *const bad6[] = { "::", "::1", "ff02::1", "fe80::1", "febf::1", "::ffff:192.0.2.1" };
	struct dpvs_dest_conf conf;
	struct dpvs_dest_info info;

	setup();
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, -ESRCH);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_EDIT, RS1, 80, DPVS_FWD_DR, 1), ==, -ENOENT);
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS1, 80, DPVS_FWD_DR, 1), ==, -ENOENT);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_DR, 1), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 9), ==, -EEXIST);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 8080, DPVS_FWD_NAT, 65535), ==, 0);

	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 8080, DPVS_FWD_DR, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_TUNNEL, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_SNAT, 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, 77, 1), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 65536), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 0, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, "0.0.0.0", 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, "224.0.0.1", 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, VIP, 8080, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(add_service(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (unsigned int i = 0; i < G_N_ELEMENTS(bad6); i++)
		g_assert_cmpint(dest(DPVS_SET_DEST_ADD, bad6[i], 80, DPVS_FWD_NAT, 1), ==, -EINVAL);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, "::2", 80, DPVS_FWD_NAT, 1), ==, 0);
	conf = rec_dest(&vip, "2001:db8::1", 80, DPVS_FWD_NAT, 1);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EOPNOTSUPP);
	conf = rec_dest(&vip, RS2, 80, DPVS_FWD_NAT, 1);
	conf.uthresh = 10;
	conf.set |= DPVS_DEST_SET_UTHRESH;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EOPNOTSUPP);
	conf = rec_dest(&vip, RS2, 80, DPVS_FWD_NAT, 1);
	conf.set |= 1u << 30;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, -EINVAL);
	g_assert_cmpuint(count_of(DPVS_GET_DESTS, &vip), ==, 2);

	/* What is not given has its default: DR, weight 1. */
	conf = rec_dest(&vip, RS2, 80, 0, 0);
	conf.set = 0;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, 0);
	info = dest_info(2);
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

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 5), ==, 0);
	fake_sync();
	before = *schedule(0);
	g_assert_true(dest_is_there(before.index, before.generation));
	conf = rec_dest(&vip, RS1, 80, DPVS_FWD_FULLNAT, 0);
	conf.set = DPVS_DEST_SET_WEIGHT;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = lookup(1, VIP, 80, IPPROTO_TCP);
	g_assert_cmpuint(svc->dests[0].weight, ==, 0);
	g_assert_cmpuint(svc->dests[0].last_weight, ==, 5);
	g_assert_cmpuint(svc->dests[0].fwd, ==, DPVS_FWD_NAT);
	g_assert_cmpuint(svc->dests[0].index, ==, before.index);
	g_assert_cmpuint(svc->dests[0].generation, ==, before.generation);
	g_assert_true(dest_is_there(before.index, before.generation)); /* drains */
	g_assert_null(schedule(1));

	conf.set = DPVS_DEST_SET_FWD;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
	fake_sync();
	svc = lookup(1, VIP, 80, IPPROTO_TCP);
	g_assert_cmpuint(svc->dests[0].fwd, ==, DPVS_FWD_FULLNAT);
	g_assert_cmpuint(svc->dests[0].weight, ==, 0);
	conf.fwd = DPVS_FWD_TUNNEL;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, -EOPNOTSUPP);
	conf.set = 0;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, &conf, 1), ==, 0);
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

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "wrr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 5), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 5), ==, 0);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, "198.51.100.201", "lan0"), ==, 0);
	fake_sync();
	for (unsigned int i = 0; i < 2; i++)
		count(i, lookup(0, VIP, 80, IPPROTO_TCP)->dests[i].index, 7 + i);
	before = listing();

	for (unsigned int i = 0; i < 5; i++)
		confs[i] = rec_dest(&vip, "198.51.100.20", (uint16_t)(100 + i % 4), DPVS_FWD_NAT, i);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 5), ==, -EEXIST);
	confs[0] = rec_dest(&vip, RS1, 80, 0, 0);
	confs[1] = rec_dest(&vip, RS2, 80, 0, 0);
	confs[2] = rec_dest(&vip, RS1, 80, 0, 0);
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

	after = listing();
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

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "wrr"), ==, 0);
	for (unsigned int i = 0; i < 40; i++)
		confs[i] = rec_dest(&vip, RS1, (uint16_t)(100 + i), DPVS_FWD_NAT, 1);
	for (unsigned int n = 1; err == -ENOMEM; n++) {
		fake_fail_after(n);
		err = fake_set(DPVS_SET_DEST_ADD, confs, 40);
		fake_fail_after(0);
		g_assert_cmpuint(count_of(DPVS_GET_DESTS, &vip), ==, err == 0 ? 40 : 0);
	}
	g_assert_cmpint(err, ==, 0);
	fake_sync();
	fake_fail_commits(1);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, -ENOBUFS);
	g_assert_cmpuint(count_of(DPVS_GET_DESTS, NULL), ==, 40);
	err = -ENOMEM;
	for (unsigned int n = 1; err == -ENOMEM; n++) {
		fake_fail_after(n);
		err = fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0);
		fake_fail_after(0);
		g_assert_cmpuint(count_of(DPVS_GET_DESTS, NULL), ==, err == 0 ? 0 : 40);
	}
	fake_stop();
}

/* Slots. */

static void
test_remove_held(void)
{
	struct dest d;

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	d = *schedule(1);
	dest_hold(d.index);
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
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
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(schedule(0)->index, !=, d.index);
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS2, 80, 0, 0), ==, 0);

	/* It comes back, by another request, even of another service of the same address: connections go on. */
	g_assert_cmpint(del_service(&vip), ==, 0);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 4), ==, 0);
	fake_sync();
	g_assert_cmpuint(schedule(2)->index, ==, d.index);
	g_assert_true(dest_is_there(d.index, d.generation));

	/* It goes, its last connection too: the slot is free, under another generation. */
	g_assert_cmpint(del_service(&vip), ==, 0);
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
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (unsigned int i = 0; i < 2; i++)
		g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, (uint16_t)(90 + i), DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	for (unsigned int w = 0; w < WORKERS; w++) {
		fake_be(w);
		g_assert_false(dest_is_there(d.index, d.generation));
	}
	g_assert_cmpuint(lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index, <, 2);
	g_assert_cmpuint(lookup(0, VIP, 80, IPPROTO_TCP)->dests[1].index, <, 2);
	fake_stop();
}

/* Removed and added again in one request, or one after the other with a slow worker. */
static void
test_revive(void)
{
	struct dpvs_dest_conf conf;
	struct dest d;

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	d = *schedule(0);
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	while (fake_deliver(0))
		;
	fake_be(0);
	g_assert_false(dest_is_there(d.index, d.generation));
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_job("dest-reap"), ==, -EAGAIN);
	for (unsigned int w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(schedule(w)->index, ==, d.index);
		g_assert_true(dest_is_there(d.index, d.generation));
	}

	/* A refused revival leaves it in the trash. */
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	fake_sync();
	{
		struct dpvs_dest_conf two[2] = {
			rec_dest(&vip, RS1, 80, DPVS_FWD_DR, 7),
			rec_dest(&vip, RS1, 80, DPVS_FWD_DR, 7),
		};

		g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, two, 2), ==, -EEXIST);
	}
	fake_sync();
	g_assert_false(dest_is_there(d.index, d.generation));
	g_assert_cmpint(fake_job("dest-reap"), ==, 0);
	fake_sync();
	conf = rec_dest(&vip, RS1, 80, DPVS_FWD_DR, 7);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, &conf, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(schedule(0)->generation, !=, d.generation);
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
	setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 2), ==, -ENOSPC);
	g_assert_cmpuint(count_of(DPVS_GET_SERVICES, NULL), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, 0);
	for (unsigned int i = 0; i < 300; i++)
		confs[i] = rec_dest(&vip, RS1, (uint16_t)(1 + i), DPVS_FWD_NAT, 1);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 261), ==, -ENOSPC); /* max-dests */
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 252), ==, -ENOSPC); /* mh-table-size */
	g_assert_nonnull(strstr(fake_error_text(), "mh-table-size"));
	g_assert_cmpuint(count_of(DPVS_GET_DESTS, NULL), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, confs, 251), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, -ENOSPC); /* not confirmed yet */
	fake_sync();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, two, 1), ==, 0);
	fake_stop();
}

/* Counters. */

static void
test_counters(void)
{
	struct dpvs_service_info svc;
	uint32_t first;

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS2, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	first = lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index;
	count(0, first, 1);
	count(2, first, 2);
	count(1, lookup(0, VIP, 80, IPPROTO_TCP)->dests[1].index, 4);
	fake_be(2);
	for (unsigned int i = 0; i < 8; i++)
		dest_count(first, i < 3, i >= 3);
	g_assert_cmpuint(dest_info(0).stats.conns, ==, 3);
	g_assert_cmpuint(dest_info(0).active_conns, ==, 3);
	g_assert_cmpuint(dest_info(0).inactive_conns, ==, 5);
	g_assert_cmpuint(dest_info(1).stats.out_bytes, ==, 3600);
	g_assert_cmpuint(service_info(&vip).stats.conns, ==, 7);

	/* A server that goes leaves what it has counted to its service, to the last packet. */
	g_assert_cmpint(dest(DPVS_SET_DEST_DEL, RS1, 80, 0, 0), ==, 0);
	count(0, first, 1); /* a worker that has not heard of it */
	fake_sync();
	svc = service_info(&vip);
	g_assert_cmpuint(svc.stats.conns, ==, 8);
	g_assert_cmpuint(svc.stats.in_bytes, ==, 8000);
	g_assert_cmpuint(svc.num_dests, ==, 1);

	/* It comes back with counters of 0. */
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(dest_info(1).stats.conns, ==, 0);
	g_assert_cmpuint(service_info(&vip).stats.conns, ==, 8);

	/* Zeroing: of one service, of another, of all. */
	g_assert_cmpint(add_service(VIP6, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &vip6, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(service_info(&vip).stats.conns, ==, 8);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &vip, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(service_info(&vip).stats.conns, ==, 0);
	count(0, first, 5);
	g_assert_cmpuint(service_info(&vip).stats.in_pkts, ==, 50);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, NULL, 0), ==, 0);
	fake_sync();
	g_assert_cmpuint(service_info(&vip).stats.in_pkts, ==, 0);
	vip6.port = 81;
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, &vip6, 1), ==, -ESRCH);
	fake_stop();
}

static void
test_rates(void)
{
	uint32_t index;
	uint64_t cps;

	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, 80, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	index = lookup(0, VIP, 80, IPPROTO_TCP)->dests[0].index;
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates"); /* first sample */
	g_assert_cmpuint(service_info(&vip).rates.cps, ==, 0);
	count(1, index, 1000);
	g_usleep(20000);
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates");
	cps = service_info(&vip).rates.cps;
	/* At most a quarter of 1000 in 20 ms; a slow machine sees less. */
	g_assert_cmpuint(cps, >, 0);
	g_assert_cmpuint(cps, <=, 12500);
	g_assert_cmpuint(service_info(&vip).rates.in_bps / 1000, <=, cps + 1);
	g_usleep(1000);
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates");
	g_assert_cmpuint(service_info(&vip).rates.cps, <, cps); /* falls by a quarter */
	g_assert_cmpuint(service_info(&vip).rates.cps, >=, cps / 2);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ZERO, NULL, 0), ==, 0);
	g_assert_cmpuint(service_info(&vip).rates.cps, ==, 0);
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

	setup();
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, -ESRCH);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(add_service(VIP, 81, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l1, "nosuch"), ==, -ENODEV);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, VIP, "lan0"), ==, -EINVAL);
	conf = rec_laddr(&vip, "2001:db8::1", "lan0");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL);
	conf = rec_laddr(&vip, l1, "lan0");
	memset(conf.dev, 'x', sizeof(conf.dev));
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_DEL, l1, "lan0"), ==, -ENOENT);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, 0);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, -EEXIST);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l2, "lan1"), ==, 0);
	conf = rec_laddr(&other, l1, "lan1");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, -EINVAL); /* it is on lan0 */
	conf = rec_laddr(&other, l1, "lan0");
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_HELD); /* shared */
	slot = lookup(1, VIP, 80, IPPROTO_TCP)->laddrs[0].index;
	g_assert_cmpuint(lookup(1, VIP, 80, IPPROTO_TCP)->num_laddrs, ==, 2);
	g_assert_cmpuint(lookup(1, VIP, 81, IPPROTO_TCP)->laddrs[0].index, ==, slot);
	fake_be(2);
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, slot);
	g_assert_cmpuint(laddr_find(AF_INET, &(union ip_addr){ .ip4 = 1 }), ==, LADDR_NONE);
	laddr_hold(slot);
	laddr_miss(slot);
	a = fake_get(DPVS_GET_LADDRS, &vip, &err);
	g_assert_cmpuint(a->len, ==, 2);
	info = g_array_index(a, struct dpvs_laddr_info, 0);
	g_assert_cmpstr(info.conf.dev, ==, "lan0");
	g_assert_cmpuint(info.conns, ==, 1);
	g_assert_cmpuint(info.port_misses, ==, 1);
	g_assert_cmpuint(count_of(DPVS_GET_LADDRS, NULL), ==, 3);

	/* It goes from both services; a connection keeps address and slot. */
	g_assert_cmpint(laddr(DPVS_SET_LADDR_DEL, l1, "lan1"), ==, -ENOENT);
	g_assert_cmpint(laddr(DPVS_SET_LADDR_DEL, l1, "lan0"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_FLUSH, &other, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(fake_job("laddr-reap"), ==, -EAGAIN);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_LINGERS);
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, slot);
	g_assert_cmpuint(lookup(0, VIP, 81, IPPROTO_TCP)->num_laddrs, ==, 0);

	/* It comes back into its slot, and goes for good with the last connection. */
	g_assert_cmpint(laddr(DPVS_SET_LADDR_ADD, l1, "lan0"), ==, 0);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_HELD);
	fake_sync();
	g_assert_cmpuint(lookup(0, VIP, 80, IPPROTO_TCP)->laddrs[1].index, ==, slot);
	g_assert_cmpint(del_service(&vip), ==, 0);
	fake_sync();
	fake_be(2);
	laddr_put(slot);
	g_assert_cmpint(fake_job("laddr-reap"), ==, 0);
	fake_sync();
	g_assert_cmpuint(laddr_find(AF_INET, &ip1), ==, LADDR_NONE);
	g_assert_cmpint(fake_held(AF_INET, &ip1), ==, IFADDR_NOT_HELD);
	fake_stop();
}

static void
test_timeouts(void)
{
	struct dpvs_timeouts t = { .udp_s = 10 };
	g_autoptr(GArray) a = NULL;
	int err;

	setup();
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

	setup();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &vip, 1), ==, -ESRCH);
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(add_service("192.0.2.7", 80, IPPROTO_TCP, "rr"), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &vip, 1), ==, -EADDRNOTAVAIL);
	g_assert_cmpint(fake_set(DPVS_SET_LADDR_ADD, &conf, 1), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_GARP, &vip, 1), ==, 0);
	fake_sync();
	g_assert_cmpuint(fake_announced(), ==, 1);
	fake_stop();
}

#ifdef __SANITIZE_ADDRESS__
/* What is reached through tables that mmap() gave is no leak: LeakSanitizer knows these tables. */
static void
test_reached(void)
{
	setup();
	g_assert_cmpint(add_service(VIP, 80, IPPROTO_TCP, "rr"), ==, 0);
	for (uint16_t port = 8000; port < 8032; port++)
		g_assert_cmpint(dest(DPVS_SET_DEST_ADD, RS1, port, DPVS_FWD_NAT, 1), ==, 0);
	fake_sync();
	g_assert_cmpint(__lsan_do_recoverable_leak_check(), ==, 0);
	fake_stop();
}
#endif

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
	g_test_add_func("/timeouts/set", test_timeouts);
	g_test_add_func("/service/announce", test_announce);
	return g_test_run();
}
