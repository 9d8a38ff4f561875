/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services and servers by the ten thousand, in few requests: all are there, and no step is quadratic.
 */
#include <string.h>

#include <glib.h>

#include "fake_core.h"
#include "lb/service.h"
#include "lb_records.h"
#include "svc_rig.h"

static void
check_bulk(const struct dpvs_service_conf *services, uint32_t count_services, uint32_t num_dests)
{
	for (uint32_t i = 0; i < count_services; i++) {
		const struct service *svc;
		union ip_addr ip;

		memcpy(&ip, services[i].key.vip.bytes, sizeof(ip));
		fake_be(i % WORKERS);
		svc = service_lookup(AF_INET, IPPROTO_TCP, &ip, RTE_BE16(80));
		g_assert_nonnull(svc);
		g_assert_cmpmem(&svc->vip, sizeof(ip), &ip, sizeof(ip));
		g_assert_cmpuint(svc->num_dests, ==, num_dests);
	}
}

/* Size: 20,000 services with 10 servers each, one request; listed; deleted. */
static void
test_bulk(void)
{
	const uint32_t num_services = 20000;
	const uint32_t per_service = 10;
	g_autofree struct dpvs_service_conf *services = g_new0(struct dpvs_service_conf, num_services);
	g_autofree struct dpvs_dest_conf *dests =
		g_new0(struct dpvs_dest_conf, (size_t)num_services * per_service);
	gint64 start;

	svc_setup();
	for (uint32_t i = 0; i < num_services; i++) {
		services[i] = rec_service(VIP, 80, IPPROTO_TCP, "wrr");
		services[i].key.vip.bytes[2] = (uint8_t)(i >> 8);
		services[i].key.vip.bytes[3] = (uint8_t)i;
		for (uint32_t j = 0; j < per_service; j++) {
			/* Servers of a service are far from each other in the request. */
			struct dpvs_dest_conf *d = &dests[(size_t)j * num_services + i];

			*d = rec_dest(&services[i].key, RS1, (uint16_t)(1000 + j), DPVS_FWD_NAT, 1 + j);
			d->addr.bytes[2] = (uint8_t)(i >> 8);
			d->addr.bytes[3] = (uint8_t)(1 + i % 250);
		}
	}
	start = g_get_monotonic_time();
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, services, 1000), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_ADD, services + 1000, num_services - 1000), ==, 0);
	g_test_message("20,000 services prepared in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	fake_sync();
	check_bulk(services, num_services, 0);
	start = g_get_monotonic_time();
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, dests, num_services * per_service), ==, 0);
	g_test_message("200,000 servers prepared in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	start = g_get_monotonic_time();
	fake_sync();
	g_test_message("applied by %d workers in %.1f ms", WORKERS, (g_get_monotonic_time() - start) / 1e3);
	check_bulk(services, num_services, per_service);
	start = g_get_monotonic_time();
	for (unsigned int i = 0; i < 100; i++)
		fake_job("service-rates");
	g_test_message("rates of all in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	start = g_get_monotonic_time();
	g_assert_cmpuint(svc_count_of(DPVS_GET_SERVICES, NULL), ==, num_services);
	g_test_message("services listed in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	start = g_get_monotonic_time();
	g_assert_cmpuint(svc_count_of(DPVS_GET_DESTS, NULL), ==, num_services * per_service);
	g_test_message("servers listed in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	g_assert_cmpuint(fake_changes(), ==, 3);
	start = g_get_monotonic_time();
	g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, dests, num_services * per_service), ==, 0);
	g_test_message("200,000 servers removed in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	fake_sync();
	while (fake_job("dest-reap") == 0)
		fake_sync();
	fake_stop();
}

/* A service with 30,000 servers: no step is quadratic. */
static void
test_large_service(void)
{
	const uint32_t n = 30000;
	g_autofree struct dpvs_dest_conf *dests = g_new0(struct dpvs_dest_conf, n);
	gint64 start;

	svc_setup();
	g_assert_cmpint(svc_add(VIP, 80, IPPROTO_TCP, "wrr"), ==, 0);
	for (uint32_t i = 0; i < n; i++)
		dests[i] = rec_dest(&svc_vip, RS1, (uint16_t)(1 + i), DPVS_FWD_NAT, 1 + i);
	start = g_get_monotonic_time();
	g_assert_cmpint(fake_set(DPVS_SET_DEST_ADD, dests, n), ==, 0);
	fake_sync();
	g_assert_cmpuint(svc_lookup(1, VIP, 80, IPPROTO_TCP)->num_dests, ==, n);
	for (uint32_t i = 0; i < n; i++)
		dests[i].weight = 7;
	g_assert_cmpint(fake_set(DPVS_SET_DEST_EDIT, dests, n), ==, 0);
	g_assert_cmpint(fake_set(DPVS_SET_DEST_DEL, dests, n), ==, 0);
	fake_sync();
	g_test_message("added, edited and removed in %.1f ms", (g_get_monotonic_time() - start) / 1e3);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 20000000);
	fake_stop();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/bulk/20,000 services", test_bulk);
	g_test_add_func("/service/bulk/30,000 servers of one", test_large_service);
	return g_test_run();
}
