/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `service`: virtual services and their real servers.
 *
 *   SET 200 flush (no record)         201 zero (key; family 0: all)   202 add     203 edit
 *       204 del (conf, key only)      205 add dest   206 edit dest    207 del dest
 *       208 send gratuitous ARP for a VIP (key)
 *   GET 200 version  201 info  202 services (key filter; family 0: all)  203 one service (key)
 *       204 dests (key filter; family 0: the dests of all services, in the order of 202)
 *
 * Errors of SET, as in LVS: -EEXIST service or dest is there; -ESRCH service is not there;
 * -ENOENT dest (205..207) or scheduler (202, 203) is not there; -EINVAL anything wrong in a field;
 * -EOPNOTSUPP a combination that this build cannot forward; -ENOSPC a table is full;
 * -EADDRNOTAVAIL (208) no port has the virtual address.
 */
#ifndef DPVSCTRL_PROTO_SERVICE_H
#define DPVSCTRL_PROTO_SERVICE_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_SERVICE_FLUSH = 200,
	DPVS_SET_SERVICE_ZERO = 201,
	DPVS_SET_SERVICE_ADD = 202,
	DPVS_SET_SERVICE_EDIT = 203,
	DPVS_SET_SERVICE_DEL = 204,
	DPVS_SET_DEST_ADD = 205,
	DPVS_SET_DEST_EDIT = 206,
	DPVS_SET_DEST_DEL = 207,
	DPVS_SET_SERVICE_GARP = 208,

	DPVS_GET_LB_VERSION = 200,
	DPVS_GET_LB_INFO = 201,
	DPVS_GET_SERVICES = 202,
	DPVS_GET_SERVICE = 203,
	DPVS_GET_DESTS = 204,
};

/** How packets reach a real server; values of struct dpvs_dest_conf.fwd. */
enum {
	DPVS_FWD_NAT = 0,     /**< destination translated (ipvsadm -m, "Masq") */
	DPVS_FWD_TUNNEL = 2,  /**< IP in IP (-i, "Tunnel"); not in this build */
	DPVS_FWD_DR = 3,      /**< direct routing (-g, "Route") */
	DPVS_FWD_FULLNAT = 5, /**< source and destination translated (-b, "FullNat") */
	DPVS_FWD_SNAT = 6,    /**< source translated (-J); not in this build */
};

/**
 * struct dpvs_service_key: names a service.
 * @vip: virtual address; family 0 where a filter means "all"
 * @port: virtual port, host order
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @fwmark: 0; other values are not in this build
 */
struct dpvs_service_key {
	struct dpvs_addr vip;
	uint16_t port;
	uint8_t proto;
	uint8_t pad;
	uint32_t fwmark;
};

static_assert(sizeof(struct dpvs_service_key) == 28, "wire format");

/** Bits of struct dpvs_service_conf.set: which members an edit changes (an add takes the rest as default). */
enum {
	DPVS_SERVICE_SET_SCHED = 1u << 0,
	DPVS_SERVICE_SET_FLAGS = 1u << 1,
	DPVS_SERVICE_SET_SCHED_FLAGS = 1u << 2,
	DPVS_SERVICE_SET_PERSIST = 1u << 3,
	DPVS_SERVICE_SET_CONN_TIMEOUT = 1u << 4,
};

/** Bits of struct dpvs_service_conf.sched_flags. */
enum {
	DPVS_SCHED_MH_FALLBACK = 1u << 0, /**< mh-fallback: next server where the first has weight 0 */
	DPVS_SCHED_MH_PORT = 1u << 1,     /**< mh-port: source port in the hash */
};

/**
 * struct dpvs_service_conf: what an operator sets of a service.
 * @key: which service
 * @set: DPVS_SERVICE_SET_* bits
 * @sched: scheduler: rr wrr lc wlc mh; empty in an add: wlc
 * @flags: zero in this build
 * @sched_flags: DPVS_SCHED_* bits
 * @persist_s: persistence in seconds; zero in this build
 * @persist_plen: prefix length of the persistence mask; zero in this build
 * @conn_timeout_s: idle time-out of established connections; 0: the protocol's own
 */
struct dpvs_service_conf {
	struct dpvs_service_key key;
	uint32_t set;
	char sched[DPVS_SCHED_NAME_SIZE];
	uint32_t flags;
	uint32_t sched_flags;
	uint32_t persist_s;
	uint32_t persist_plen;
	uint32_t conn_timeout_s;
	uint32_t pad;
};

static_assert(sizeof(struct dpvs_service_conf) == 72, "wire format");

/** struct dpvs_lb_stats: counters since the start or the last zeroing; "in" is towards the server. */
struct dpvs_lb_stats {
	uint64_t conns;
	uint64_t in_pkts;
	uint64_t out_pkts;
	uint64_t in_bytes;
	uint64_t out_bytes;
};

/** struct dpvs_lb_rates: estimated rates per second, of the daemon's own estimator (2 s steps, LVS's weights). */
struct dpvs_lb_rates {
	uint64_t cps;
	uint64_t in_pps;
	uint64_t out_pps;
	uint64_t in_bps;
	uint64_t out_bps;
};

/** struct dpvs_service_info: one service as listed by 202 and 203. */
struct dpvs_service_info {
	struct dpvs_service_conf conf;
	uint32_t num_dests;
	uint32_t num_laddrs;
	struct dpvs_lb_stats stats;
	struct dpvs_lb_rates rates;
};

static_assert(sizeof(struct dpvs_service_info) == 160, "wire format");

/** Bits of struct dpvs_dest_conf.set. */
enum {
	DPVS_DEST_SET_FWD = 1u << 0,
	DPVS_DEST_SET_WEIGHT = 1u << 1,
	DPVS_DEST_SET_UTHRESH = 1u << 2,
	DPVS_DEST_SET_LTHRESH = 1u << 3,
};

/**
 * struct dpvs_dest_conf: what an operator sets of a real server.
 * @svc: the service it belongs to
 * @addr: address of the server; its family equals the VIP's in this build
 * @port: port of the server, host order; DR needs the service's port
 * @fwd: DPVS_FWD_*
 * @set: DPVS_DEST_SET_* bits; an add takes what is not given as default (DR, weight 1)
 * @weight: 0 to 65535; 0 drains: no new connections
 * @uthresh: zero in this build
 * @lthresh: zero in this build
 */
struct dpvs_dest_conf {
	struct dpvs_service_key svc;
	struct dpvs_addr addr;
	uint16_t port;
	uint8_t fwd;
	uint8_t pad;
	uint32_t set;
	uint32_t weight;
	uint32_t uthresh;
	uint32_t lthresh;
};

static_assert(sizeof(struct dpvs_dest_conf) == 68, "wire format");

/** struct dpvs_dest_info: one real server as listed by 204. */
struct dpvs_dest_info {
	struct dpvs_dest_conf conf;
	uint32_t active_conns;   /**< established, or UDP */
	uint32_t inactive_conns; /**< any other state */
	uint32_t persist_conns;  /**< persistence templates */
	struct dpvs_lb_stats stats;
	struct dpvs_lb_rates rates;
};

static_assert(sizeof(struct dpvs_dest_info) == 160, "wire format");

/** struct dpvs_lb_info: answer of 200 and 201. */
struct dpvs_lb_info {
	uint32_t version;      /**< of the IPVS interface spoken: 0x010201 */
	uint32_t conn_size;    /**< connections that fit in all tables together ("size=" of ipvsadm) */
	uint32_t num_services;
	uint32_t num_workers;
};

static_assert(sizeof(struct dpvs_lb_info) == 16, "wire format");

#ifdef __cplusplus
}
#endif

#endif
