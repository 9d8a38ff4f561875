/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests and questions for the tests of services, see svc_rig.h. */
#include "svc_rig.h"

#include <string.h>

#include <dpvsctrl/proto/conn.h>

#include "fake_core.h"
#include "lb/laddr.h"
#include "lb_records.h"
#include "module.h"

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };

struct dpvs_service_key svc_vip;
struct dpvs_service_key svc_vip6;

void
svc_setup(void)
{
	fake_start(WORKERS, modules);
	svc_vip = rec_key(VIP, 80, IPPROTO_TCP);
	svc_vip6 = rec_key(VIP6, 80, IPPROTO_TCP);
}

int
svc_add(const char *addr, uint16_t port, uint8_t proto, const char *sched)
{
	struct dpvs_service_conf conf = rec_service(addr, port, proto, sched);

	return fake_set(DPVS_SET_SERVICE_ADD, &conf, 1);
}

int
svc_del(const struct dpvs_service_key *key)
{
	struct dpvs_service_conf conf = { .key = *key };

	return fake_set(DPVS_SET_SERVICE_DEL, &conf, 1);
}

int
svc_dest(uint32_t id, const char *addr, uint16_t port, uint8_t fwd, uint32_t weight)
{
	struct dpvs_dest_conf conf =
		rec_dest(strchr(addr, ':') != NULL ? &svc_vip6 : &svc_vip, addr, port, fwd, weight);

	return fake_set(id, &conf, 1);
}

int
svc_laddr(uint32_t id, const char *addr, const char *dev)
{
	struct dpvs_laddr_conf conf = rec_laddr(strchr(addr, ':') != NULL ? &svc_vip6 : &svc_vip, addr, dev);

	return fake_set(id, &conf, 1);
}

GByteArray *
svc_listing(void)
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

uint32_t
svc_count_of(uint32_t id, const void *filter)
{
	int err = 0;
	g_autoptr(GArray) a = fake_get(id, filter, &err);

	g_assert_cmpint(err, ==, 0);
	return a->len;
}

struct dpvs_dest_info
svc_dest_info(unsigned int i)
{
	int err;
	g_autoptr(GArray) a = fake_get(DPVS_GET_DESTS, &svc_vip, &err);

	g_assert_nonnull(a);
	g_assert_cmpuint(i, <, a->len);
	return g_array_index(a, struct dpvs_dest_info, i);
}

struct dpvs_service_info
svc_info(const struct dpvs_service_key *key)
{
	int err;
	g_autoptr(GArray) a = fake_get(DPVS_GET_SERVICE, key, &err);

	g_assert_nonnull(a);
	return g_array_index(a, struct dpvs_service_info, 0);
}

const struct service *
svc_lookup(unsigned int worker, const char *addr, uint16_t port, uint8_t proto)
{
	union ip_addr ip = rec_ip(addr);

	fake_be(worker);
	return service_lookup(strchr(addr, ':') != NULL ? AF_INET6 : AF_INET, proto, &ip,
			      rte_cpu_to_be_16(port));
}

const struct dest *
svc_schedule(unsigned int worker)
{
	struct flow flow = { .client = rec_ip("203.0.113.1"), .af = AF_INET };
	const struct service *svc = svc_lookup(worker, VIP, 80, IPPROTO_TCP);

	g_assert_nonnull(svc);
	return service_schedule(svc, &flow);
}

void
svc_count_conns(unsigned int worker, uint32_t index, uint64_t n)
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
