/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `conn`: the connection table.
 *
 *   GET 1000 all (filter)        1001 one (filter that names proto, client and VIP)
 *   SET 8100 time-outs           GET 8100 time-outs
 */
#ifndef DPVSCTRL_PROTO_CONN_H
#define DPVSCTRL_PROTO_CONN_H

#include <dpvsctrl/proto/service.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_GET_CONNS = 1000,
	DPVS_GET_CONN = 1001,
	DPVS_SET_TIMEOUTS = 8100,
	DPVS_GET_TIMEOUTS = 8100,
};

/** Connection states; names as LVS prints them: NONE ESTABLISHED SYN_SENT ... UDP. */
enum {
	DPVS_CONN_NONE = 0,
	DPVS_CONN_ESTABLISHED,
	DPVS_CONN_SYN_SENT,
	DPVS_CONN_SYN_RECV,
	DPVS_CONN_FIN_WAIT,
	DPVS_CONN_TIME_WAIT,
	DPVS_CONN_CLOSE,
	DPVS_CONN_CLOSE_WAIT,
	DPVS_CONN_LAST_ACK,
	DPVS_CONN_LISTEN,
	DPVS_CONN_SYNACK,
	DPVS_CONN_UDP,
	DPVS_CONN_STATE_COUNT,
};

/** struct dpvs_conn_filter: what to list; zero members match everything. Ports in host order. */
struct dpvs_conn_filter {
	struct dpvs_addr client;
	struct dpvs_addr vip;
	struct dpvs_addr dest;
	uint16_t client_port;
	uint16_t vip_port;
	uint16_t dest_port;
	uint8_t proto;
	uint8_t state_plus_one; /**< DPVS_CONN_* + 1, or 0 for any */
	uint32_t limit;         /**< 0: no limit */
	uint64_t cursor;        /**< 0, or where to go on */
};

static_assert(sizeof(struct dpvs_conn_filter) == 80, "wire format");

/** struct dpvs_conn_info: one connection. Ports in host order. */
struct dpvs_conn_info {
	struct dpvs_addr client;
	struct dpvs_addr vip;
	struct dpvs_addr laddr; /**< what the server sees; full-NAT only, else family 0 */
	struct dpvs_addr dest;
	uint16_t client_port;
	uint16_t vip_port;
	uint16_t laddr_port;
	uint16_t dest_port;
	uint8_t proto;
	uint8_t state; /**< DPVS_CONN_* */
	uint8_t fwd;   /**< DPVS_FWD_* */
	uint8_t pad;
	uint32_t lcore;     /**< the worker that owns it */
	uint64_t expire_ms; /**< time left */
	uint64_t in_pkts;
	uint64_t out_pkts;
	uint64_t in_bytes;
	uint64_t out_bytes;
	uint64_t cursor; /**< for struct dpvs_conn_filter, to go on behind this one */
};

static_assert(sizeof(struct dpvs_conn_info) == 144, "wire format");

/** struct dpvs_timeouts: ipvsadm --set; seconds; 0 in a SET leaves the value as it is. */
struct dpvs_timeouts {
	uint32_t tcp_s;
	uint32_t tcp_fin_s;
	uint32_t udp_s;
	uint32_t pad;
};

static_assert(sizeof(struct dpvs_timeouts) == 16, "wire format");

#ifdef __cplusplus
}
#endif

#endif
