/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `netif`: ports, queues, lcores.
 *
 *   SET 501 port (struct dpvs_port_conf)
 *   GET 500 lcore mask, 501 lcore basic, 502 lcore statistics: struct dpvs_lcore_info each
 *       503 port list, 504 port basic, 505 port statistics, 506 extended info: struct dpvs_port_info
 *           (request: struct dpvs_port_ref; empty name: all ports)
 *   GET 8502 lcore statistics, taken by each worker at one point: struct dpvs_lcore_info
 *   SET 8502 lcore statistics to zero
 *   500 as SET (lcore) and 502, 507 (bonds) come with their issues.
 */
#ifndef DPVSCTRL_PROTO_NETIF_H
#define DPVSCTRL_PROTO_NETIF_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_NETIF_PORT = 501,
	DPVS_GET_LCORE_MASK = 500,
	DPVS_GET_LCORE_BASIC = 501,
	DPVS_GET_LCORE_STATS = 502,
	DPVS_GET_PORT_LIST = 503,
	DPVS_GET_PORT_BASIC = 504,
	DPVS_GET_PORT_STATS = 505,
	DPVS_GET_PORT_EXT = 506,
	DPVS_GET_LCORE_SNAPSHOT = 8502,
	DPVS_SET_LCORE_ZERO = 8502,
};

/** struct dpvs_port_ref: names a port. */
struct dpvs_port_ref {
	char name[DPVS_IFNAME_SIZE];
};

/** Bits of struct dpvs_port_conf.set. */
enum {
	DPVS_PORT_SET_UP = 1u << 0,
	DPVS_PORT_SET_MTU = 1u << 1,
	DPVS_PORT_SET_MAC = 1u << 2,
	DPVS_PORT_SET_PROMISC = 1u << 3,
	DPVS_PORT_SET_ALLMULTICAST = 1u << 4,
};

/** struct dpvs_port_conf: a change of a port; only members named in @set count. */
struct dpvs_port_conf {
	char name[DPVS_IFNAME_SIZE];
	uint32_t set;
	uint32_t mtu;
	uint8_t mac[6];
	uint8_t up;
	uint8_t promisc;
	uint8_t allmulticast;
	uint8_t pad[3];
};

static_assert(sizeof(struct dpvs_port_conf) == 52, "wire format");

/** Bits of struct dpvs_port_info.flags. */
enum {
	DPVS_PORT_UP = 1u << 0,      /**< administratively up */
	DPVS_PORT_RUNNING = 1u << 1, /**< link is up */
	DPVS_PORT_PROMISC = 1u << 2,
	DPVS_PORT_ALLMULTICAST = 1u << 3,
};

/** Bits of struct dpvs_port_info.offloads. */
enum {
	DPVS_PORT_TX_IP_CSUM = 1u << 0,
	DPVS_PORT_TX_L4_CSUM = 1u << 1,
	DPVS_PORT_RX_IP_CSUM = 1u << 2,
	DPVS_PORT_RX_L4_CSUM = 1u << 3,
	DPVS_PORT_RSS = 1u << 4,
};

/** How replies of full-NAT find their worker; values of struct dpvs_port_info.steering. */
enum {
	DPVS_STEER_HANDOVER = 0, /**< by software, over the hand-over rings */
	DPVS_STEER_RSS = 1,      /**< local ports chosen so that RSS brings the reply home */
};

/** struct dpvs_port_info: a port; answer of 503 to 506. */
struct dpvs_port_info {
	char name[DPVS_IFNAME_SIZE];
	char driver[DPVS_IFNAME_SIZE];
	char device[64]; /**< EAL's name */
	uint32_t index;
	uint32_t mtu;
	uint32_t flags;    /**< DPVS_PORT_UP ... */
	uint32_t offloads; /**< DPVS_PORT_TX_IP_CSUM ... */
	uint32_t link_mbps;
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint8_t mac[6];
	uint8_t socket; /**< NUMA node; 255: any */
	uint8_t steering;
	uint8_t full_duplex;
	uint8_t pad[3];
	uint64_t rx_pkts;
	uint64_t rx_bytes;
	uint64_t rx_errors;
	uint64_t rx_missed; /**< lost by the device, queues were full */
	uint64_t rx_nombuf;
	uint64_t tx_pkts;
	uint64_t tx_bytes;
	uint64_t tx_errors;
	uint64_t tx_dropped;  /**< by us: the tx queue was full */
	uint64_t handed_over; /**< packets that arrived here on another worker than their connection's */
};

static_assert(sizeof(struct dpvs_port_info) == 248, "wire format");

/** Roles of an lcore. */
enum {
	DPVS_LCORE_MAIN = 1,
	DPVS_LCORE_WORKER = 2,
};

/** struct dpvs_lcore_info: an lcore; answer of 500 to 502. */
struct dpvs_lcore_info {
	uint32_t id;
	uint32_t role; /**< DPVS_LCORE_* */
	uint32_t cpu;
	uint32_t numa;
	uint32_t pid; /**< thread id */
	uint32_t rx_queues;
	uint64_t generation; /**< last change that it has applied */
	uint64_t loops;
	uint64_t busy_cycles;
	uint64_t idle_cycles;
	uint64_t sleeps;
	uint64_t msgs;
	uint64_t rx_pkts;
	uint64_t tx_pkts;
	uint64_t drops;
	uint64_t handed_out; /**< packets given to other workers */
	uint64_t handed_in;  /**< packets taken from other workers */
	uint64_t conns;
	uint64_t nivcsw; /**< involuntary context switches */
	/* Loops in which it handled messages, and the time that each of them spent on that. SET 8200: zero. */
	uint64_t handler_loops;
	uint64_t handler_ns_p50;
	uint64_t handler_ns_p999;
	uint64_t handler_ns_max;
};

static_assert(sizeof(struct dpvs_lcore_info) == 160, "wire format");

#ifdef __cplusplus
}
#endif

#endif
