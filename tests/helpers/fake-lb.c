/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of fake-dpvsd that ipvsadm asks: constant services, servers and local addresses with counters
 * of every length. Every change of a service or server is refused with its service's port as errno: over
 * UDP with a text, over TCP without; port 1000 and above is taken.
 */
#include "fake-lb.h"

#include <netinet/in.h>
#include <stdio.h>

#include <arpa/inet.h>

#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/service.h>

static struct dpvs_service_key
key(uint8_t proto, const char *vip, uint16_t port)
{
	struct dpvs_service_key k = { .port = port, .proto = proto };

	k.vip.family = inet_pton(AF_INET, vip, k.vip.bytes) == 1 ? AF_INET : AF_INET6;
	if (k.vip.family == AF_INET6)
		inet_pton(AF_INET6, vip, k.vip.bytes);
	return k;
}

static int
get_info(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_lb_info info = { .version = 0x010201, .conn_size = 4096, .num_services = 3 };

	dpvs_req_add(req, &info, sizeof(info));
	return 0;
}

static int
get_services(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_service_info services[] = {
		{
			.conf = { .key = key(IPPROTO_UDP, "2001:db8:1:2:3:4:5:6", 65535),
				  .sched = "mh",
				  .sched_flags = DPVS_SCHED_MH_PORT },
			.num_dests = 1,
		},
		{
			.conf = { .key = key(IPPROTO_TCP, "192.0.2.100", 80), .sched = "wlc", .conn_timeout_s = 77 },
			.num_dests = 2,
			.stats = { 99999999, 100000000, 999999999, 1000000000, UINT64_C(99999999999) },
			.rates = { 1, 2, 3, UINT64_C(100000000000), UINT64_C(99999999999999) },
		},
		{
			.conf = { .key = key(IPPROTO_TCP, "192.0.2.99", 443), .sched = "rr", .sched_flags = 5 },
			.stats = { 1, 2, 3, UINT64_C(100000000000000), UINT64_MAX },
		},
	};

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		dpvs_req_add(req, &services[i], sizeof(services[i]));
	return 0;
}

static int
get_dests(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_dest_info dests[] = {
		{
			.conf = { .svc = key(IPPROTO_TCP, "192.0.2.100", 80),
				  .addr = key(0, "198.51.100.12", 0).vip,
				  .port = 8080,
				  .fwd = DPVS_FWD_FULLNAT,
				  .weight = 65535,
				  .uthresh = 1000,
				  .lthresh = 100 },
			.active_conns = 4294967295,
			.inactive_conns = 7,
			.persist_conns = 3,
			.stats = { 1, 2, 3, 4, 5 },
		},
		{
			.conf = { .svc = key(IPPROTO_UDP, "2001:db8:1:2:3:4:5:6", 65535),
				  .addr = key(0, "2001:db8:2:2:3:4:5:6", 0).vip,
				  .port = 65535,
				  .fwd = DPVS_FWD_TUNNEL,
				  .weight = 1 },
		},
		{
			.conf = { .svc = key(IPPROTO_TCP, "192.0.2.100", 80),
				  .addr = key(0, "198.51.100.11", 0).vip,
				  .port = 80,
				  .fwd = DPVS_FWD_NAT },
		},
	};

	for (size_t i = 0; i < sizeof(dests) / sizeof(dests[0]); i++)
		dpvs_req_add(req, &dests[i], sizeof(dests[i]));
	return 0;
}

static int
get_laddrs(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_laddr_info laddrs[] = {
		{ .conf = { .svc = key(IPPROTO_TCP, "192.0.2.100", 80),
			    .addr = key(0, "198.51.100.202", 0).vip,
			    .dev = "dpdk1" },
		  .conns = UINT64_C(12345678901),
		  .port_misses = 5 },
		{ .conf = { .svc = key(IPPROTO_TCP, "192.0.2.100", 80),
			    .addr = key(0, "198.51.100.201", 0).vip,
			    .dev = "dpdk1" } },
	};

	for (size_t i = 0; i < sizeof(laddrs) / sizeof(laddrs[0]); i++)
		dpvs_req_add(req, &laddrs[i], sizeof(laddrs[i]));
	return 0;
}

static int
get_timeouts(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_timeouts timeouts = { .tcp_s = 900, .tcp_fin_s = 120, .udp_s = 300 };

	dpvs_req_add(req, &timeouts, sizeof(timeouts));
	return 0;
}

static int
refuse(struct dpvs_req *req, const void *records, uint32_t count)
{
	/* The key is the first member of each record. */
	const struct dpvs_service_key *k = records;

	if (k->port >= 1000)
		return 0;
	if (k->proto == IPPROTO_UDP)
		return dpvs_req_error(req, -k->port, "reason %u", k->port);
	return -k->port;
}

#define GET(gid, handler)                                                                          \
	{                                                                                          \
		.name = #gid, .id = gid, .type = DPVS_SOCKOPT_GET,                                 \
		.record_size = sizeof(struct dpvs_service_key), .max_records = 1, .fn = handler    \
	}
#define SET(sid, type_)                                                                            \
	{                                                                                          \
		.name = #sid, .id = sid, .type = DPVS_SOCKOPT_SET, .record_size = sizeof(type_),   \
		.min_records = 1, .max_records = 64, .fn = refuse                                  \
	}

const struct dpvs_sockopt fake_lb_opts[] = {
	GET(DPVS_GET_LB_INFO, get_info),
	GET(DPVS_GET_SERVICES, get_services),
	GET(DPVS_GET_DESTS, get_dests),
	GET(DPVS_GET_LADDRS, get_laddrs),
	GET(DPVS_GET_TIMEOUTS, get_timeouts),
	SET(DPVS_SET_SERVICE_ADD, struct dpvs_service_conf),
	SET(DPVS_SET_SERVICE_EDIT, struct dpvs_service_conf),
	SET(DPVS_SET_SERVICE_DEL, struct dpvs_service_conf),
	SET(DPVS_SET_SERVICE_ZERO, struct dpvs_service_key),
	SET(DPVS_SET_DEST_ADD, struct dpvs_dest_conf),
	SET(DPVS_SET_DEST_EDIT, struct dpvs_dest_conf),
	SET(DPVS_SET_DEST_DEL, struct dpvs_dest_conf),
	SET(DPVS_SET_LADDR_ADD, struct dpvs_laddr_conf),
	SET(DPVS_SET_LADDR_DEL, struct dpvs_laddr_conf),
	{ 0 },
};
