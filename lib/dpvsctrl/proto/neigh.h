/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `neigh`: ARP and ND entries.
 *
 *   SET 601 add (flags: replace)  602 del  8610 flush (addr.family and dev are a filter; learned ones)
 *   GET 600 (addr.family, addr and dev are a filter; zero: all)
 *
 * Errors: -EEXIST; -ENOENT; -ENODEV; -EINVAL; -ENOSPC.
 */
#ifndef DPVSCTRL_PROTO_NEIGH_H
#define DPVSCTRL_PROTO_NEIGH_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_GET_NEIGHS = 600,
	DPVS_SET_NEIGH_ADD = 601,
	DPVS_SET_NEIGH_DEL = 602,
	DPVS_SET_NEIGH_FLUSH = 8610,
	DPVS_GET_NEIGH_REPLICAS = 8600,
};

/** Neighbour states; values and names of rtnetlink. */
enum {
	DPVS_NEIGH_INCOMPLETE = 0x01,
	DPVS_NEIGH_REACHABLE = 0x02,
	DPVS_NEIGH_STALE = 0x04,
	DPVS_NEIGH_DELAY = 0x08,
	DPVS_NEIGH_PROBE = 0x10,
	DPVS_NEIGH_FAILED = 0x20,
	DPVS_NEIGH_PERMANENT = 0x80,
};

/** Bits of struct dpvs_neigh_conf.flags. */
enum {
	DPVS_NEIGH_REPLACE = 1u << 0, /**< in an add: replace an entry that is there */
};

/** struct dpvs_neigh_conf: one entry; also what 600 lists. */
struct dpvs_neigh_conf {
	struct dpvs_addr addr;
	char dev[DPVS_IFNAME_SIZE];
	uint8_t mac[6];
	uint8_t state; /**< DPVS_NEIGH_*; only reported: what an operator adds is permanent */
	uint8_t flags;
	uint32_t age_ms; /**< since it was last confirmed; only reported */
};

static_assert(sizeof(struct dpvs_neigh_conf) == 64, "wire format");

/** Bits of struct dpvs_neigh_replica_info.flags. */
enum {
	DPVS_NEIGH_REPLICA_USABLE = 1u << 0, /**< the worker has a MAC address for it */
	DPVS_NEIGH_REPLICA_USED = 1u << 1,   /**< it has sent to it since the daemon looked last */
};

/** struct dpvs_neigh_replica_info: an entry as one worker has it; answer of 8600. */
struct dpvs_neigh_replica_info {
	struct dpvs_addr addr;
	char dev[DPVS_IFNAME_SIZE];
	uint8_t mac[6];
	uint8_t pad[2];
	uint32_t lcore;
	uint32_t flags;      /**< DPVS_NEIGH_REPLICA_* */
	uint32_t held;       /**< packets that wait there for an answer */
	uint32_t waiting_ms; /**< since when, if any */
};

static_assert(sizeof(struct dpvs_neigh_replica_info) == 76, "wire format");

#ifdef __cplusplus
}
#endif

#endif
