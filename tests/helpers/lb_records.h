/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of services, servers and local addresses from text, for tests: "192.0.2.1", "2001:db8::1".
 *
 * Thread-safety: pure functions.
 */
#ifndef LB_RECORDS_H
#define LB_RECORDS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/service.h>

#include "core/pkt.h"

static inline struct dpvs_addr
rec_addr(const char *text)
{
	struct dpvs_addr a = { .family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET };

	g_assert_cmpint(inet_pton(a.family, text, a.bytes), ==, 1);
	return a;
}

static inline union ip_addr
rec_ip(const char *text)
{
	struct dpvs_addr a = rec_addr(text);
	union ip_addr ip;

	memcpy(&ip, a.bytes, sizeof(ip));
	return ip;
}

static inline struct dpvs_service_key
rec_key(const char *vip, uint16_t port, uint8_t proto)
{
	return (struct dpvs_service_key){ .vip = rec_addr(vip), .port = port, .proto = proto };
}

static inline struct dpvs_service_conf
rec_service(const char *vip, uint16_t port, uint8_t proto, const char *sched)
{
	struct dpvs_service_conf conf = { .key = rec_key(vip, port, proto), .set = DPVS_SERVICE_SET_SCHED };

	snprintf(conf.sched, sizeof(conf.sched), "%s", sched);
	return conf;
}

static inline struct dpvs_dest_conf
rec_dest(const struct dpvs_service_key *svc, const char *addr, uint16_t port, uint8_t fwd, uint32_t weight)
{
	return (struct dpvs_dest_conf){
		.svc = *svc,
		.addr = rec_addr(addr),
		.port = port,
		.fwd = fwd,
		.set = DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT,
		.weight = weight,
	};
}

static inline struct dpvs_laddr_conf
rec_laddr(const struct dpvs_service_key *svc, const char *addr, const char *dev)
{
	struct dpvs_laddr_conf conf = { .svc = *svc, .addr = rec_addr(addr) };

	snprintf(conf.dev, sizeof(conf.dev), "%s", dev);
	return conf;
}

#endif
