/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fake-dpvsd tells who subscribes to events: one object of each kind as present state, a change of each sort,
 * that something was missed, and after FAKE_EVENT_END an end. FAKE_EVENT_END: "bye" ends as the daemon does, "close"
 * just hangs up; else it goes on.
 */
#include "fake-event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/event.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>

static struct dpvs_event events[32];
static uint32_t count;

static struct dpvs_addr
addr(const char *text)
{
	struct dpvs_addr a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	g_assert_cmpint(inet_pton(a.family, text, a.bytes), ==, 1);
	return a;
}

static void
add(uint32_t kinds, uint32_t kind, uint32_t op, const void *data, uint32_t len)
{
	struct dpvs_event *e = &events[count];

	if (kinds != 0 && kind != DPVS_EVENT_CONTROL && !(kinds & kind))
		return;
	*e = (struct dpvs_event){ .serial = ++count, .kind = kind, .op = op, .len = len };
	if (len)
		memcpy(e->data, data, len);
}

static void
fill(uint32_t kinds)
{
	struct dpvs_service_info service = {
		.conf = { .key = { .vip = addr("192.0.2.100"), .port = 80, .proto = IPPROTO_TCP }, .sched = "mh",
			  .sched_flags = 2, .conn_timeout_s = 60 },
	};
	struct dpvs_dest_info dest = {
		.conf = { .svc = service.conf.key, .addr = addr("198.51.100.11"), .port = 8080,
			  .fwd = DPVS_FWD_FULLNAT, .weight = 7 },
	};
	struct dpvs_laddr_info laddr = {
		.conf = { .svc = service.conf.key, .addr = addr("198.51.100.201"), .dev = "dpdk1" },
	};
	struct dpvs_addr_conf address = {
		.addr = addr("2001:db8::1"), .dev = "dpdk0", .plen = 64, .valid_lft_s = 600,
		.preferred_lft_s = DPVS_LFT_FOREVER,
	};
	struct dpvs_route_conf route = {
		.dst = addr("0.0.0.0"), .via = addr("192.0.2.254"), .dev = "dpdk0", .type = DPVS_ROUTE_UNICAST,
		.proto = DPVS_ROUTE_PROTO_STATIC,
	};
	struct dpvs_neigh_conf neigh = {
		.addr = addr("192.0.2.254"), .dev = "dpdk0", .mac = { 2, 0, 0, 0, 0, 0xfe },
		.state = DPVS_NEIGH_REACHABLE,
	};
	struct dpvs_port_info port = {
		.name = "dpdk0", .mtu = 1500, .flags = DPVS_PORT_UP | DPVS_PORT_RUNNING, .mac = { 2, 0, 0, 0, 0, 1 },
	};
	uint64_t generation = 12, missed = 3;

	count = 0;
	add(kinds, DPVS_EVENT_LINK, DPVS_EVENT_OP_PRESENT, &port, sizeof(port));
	add(kinds, DPVS_EVENT_SERVICE, DPVS_EVENT_OP_PRESENT, &service, sizeof(service));
	add(kinds, DPVS_EVENT_CONTROL, DPVS_EVENT_OP_SYNCED, NULL, 0);
	add(kinds, DPVS_EVENT_SERVICE, DPVS_EVENT_OP_ADD, &service, sizeof(service));
	add(kinds, DPVS_EVENT_LADDR, DPVS_EVENT_OP_ADD, &laddr, sizeof(laddr));
	add(kinds, DPVS_EVENT_DEST, DPVS_EVENT_OP_CHANGE, &dest, sizeof(dest));
	add(kinds, DPVS_EVENT_ADDR, DPVS_EVENT_OP_ADD, &address, sizeof(address));
	add(kinds, DPVS_EVENT_ROUTE, DPVS_EVENT_OP_DEL, &route, sizeof(route));
	add(kinds, DPVS_EVENT_NEIGH, DPVS_EVENT_OP_CHANGE, &neigh, sizeof(neigh));
	port.flags = 0;
	add(kinds, DPVS_EVENT_LINK, DPVS_EVENT_OP_CHANGE, &port, sizeof(port));
	add(kinds, DPVS_EVENT_GENERATION, DPVS_EVENT_OP_CHANGE, &generation, sizeof(generation));
	add(kinds, 1u << 20, DPVS_EVENT_OP_ADD, "of a newer daemon", 18);
	add(kinds, DPVS_EVENT_CONTROL, DPVS_EVENT_OP_MISSED, &missed, sizeof(missed));
	add(kinds, DPVS_EVENT_LINK, DPVS_EVENT_OP_PRESENT, &port, sizeof(port));
	add(kinds, DPVS_EVENT_CONTROL, DPVS_EVENT_OP_SYNCED, NULL, 0);
}

static void
gone(struct dpvs_req *req, void *arg)
{
	(void)arg;
	dpvs_req_end(req, 0);
}

static int
subscribe(struct dpvs_req *req, const void *records, uint32_t num)
{
	const struct dpvs_event_filter *filter = records;
	const char *end = getenv("FAKE_EVENT_END");
	int err;

	(void)num;
	err = dpvs_req_stream(req, gone, NULL);
	if (err < 0)
		return err;
	fill(filter->kinds);
	err = dpvs_req_stream_send(req, 0, 12, events, sizeof(events[0]), count);
	g_assert_cmpint(err, ==, 0);
	if (end != NULL)
		dpvs_req_end(req, strcmp(end, "bye") == 0 ? dpvs_req_error(req, -ESHUTDOWN, "the daemon ends") : 0);
	return DPVS_REQ_PENDING;
}

const struct dpvs_sockopt fake_event_opt = {
	.name = "subscribe",
	.id = DPVS_GET_EVENTS,
	.type = DPVS_SOCKOPT_GET,
	.record_size = sizeof(struct dpvs_event_filter),
	.max_records = 1,
	.fn = subscribe,
};
