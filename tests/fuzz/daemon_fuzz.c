/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of every family through the control socket of the whole daemon, with workers that run (harness.h).
 * A worker that crashes, a change that is never confirmed, a daemon that does not answer is a finding.
 */
#include <errno.h>
#include <stdbool.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>

#include "fuzz.h"
#include "harness.h"
#include "modules.h"
#include "requests.h"

static struct request_type sets[64], gets[64];
static unsigned int set_count, get_count;

static void
clean(void)
{
	harness_stop();
	harness_fini();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	harness_init(2);
	harness_start(2, NULL);
	set_count = request_types(modules_all(), true, sets, G_N_ELEMENTS(sets));
	get_count = request_types(modules_all(), false, gets, G_N_ELEMENTS(gets));
	atexit(clean);
	return 0;
}

static void
flush_all(void)
{
	static const struct dpvs_port_conf ports[2] = {
		{ .name = "dpdk0", .set = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU, .up = 1, .mtu = 1500 },
		{ .name = "dpdk1", .set = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU, .up = 1, .mtu = 1500 },
	};
	struct dpvs_route_conf routes = { 0 };
	struct dpvs_neigh_conf neighs = { 0 };
	struct dpvs_addr_conf addrs = { 0 };
	struct rte_mbuf *pkts[64];
	unsigned int n;

	FUZZ_CHECK(harness_set(DPVS_SET_SERVICE_FLUSH, NULL, 0, 0) == 0);
	FUZZ_CHECK(harness_set(DPVS_SET_ROUTE_FLUSH, &routes, sizeof(routes), 1) == 0);
	FUZZ_CHECK(harness_set(DPVS_SET_ROUTE6_FLUSH, &routes, sizeof(routes), 1) == 0);
	FUZZ_CHECK(harness_set(DPVS_SET_NEIGH_FLUSH, &neighs, sizeof(neighs), 1) == 0);
	FUZZ_CHECK(harness_set(DPVS_SET_ADDR_FLUSH, &addrs, sizeof(addrs), 1) == 0);
	FUZZ_CHECK(harness_set(DPVS_SET_NETIF_PORT, ports, sizeof(ports[0]), 2) == 0);
	/* What the daemon announced meanwhile. */
	for (uint16_t port = 0; port < 2; port++)
		while ((n = harness_collect(port, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0)
			harness_free(pkts, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dpvs_reply *reply;
	struct request r;
	int rc;

	while (request_next(&data, &size, sets, set_count, gets, get_count, &r)) {
		if (r.is_set) {
			rc = harness_set(r.id, r.records, r.count > 0 ? r.record_size : 0, r.count);
		} else {
			reply = NULL;
			rc = harness_get(r.id, r.count > 0 ? r.records : NULL, r.count > 0 ? r.record_size : 0,
					 &reply);
			FUZZ_CHECK((rc == 0) == (reply != NULL));
			dpvs_reply_free(reply);
		}
		if (rc < 0)
			FUZZ_CHECK(harness_error()[0] != '\0');
		FUZZ_CHECK(rc <= 0 && rc != -EPROTO && rc != -ECONNRESET && rc != -ETIMEDOUT &&
			   rc != -EINPROGRESS);
		request_clear(&r);
	}
	flush_all();
	return 0;
}
