/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two halves of the neighbour table share: neigh.c (main lcore) and neigh_node.c (workers), and
 * what ARP and ND tell them.
 *
 * Thread-safety: neigh_input(): worker lcore; neigh_worker_used(): main lcore; the rest as said.
 */
#ifndef NET_NEIGH_PRIV_H
#define NET_NEIGH_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_graph.h>

#include "core/pkt.h"

struct conf;
struct digest;
struct dpvs_msg;

/** struct neigh_key: who; also a key of rte_hash, so without padding that is not zero. */
struct neigh_key {
	union ip_addr addr;
	uint16_t port;
	uint8_t af;
	uint8_t pad[5];
};

/** What a commit does to a worker's replica. */
enum {
	NEIGH_OP_SET,  /**< entry @index is usable with @mac; packets that wait for it go */
	NEIGH_OP_DEL,  /**< entry @index is no more */
	NEIGH_OP_FAIL, /**< nobody answered: packets that wait for it are refused */
};

/** struct neigh_op: a part of a commit, DPVS_MSG_NEIGH_UPDATE. */
struct neigh_op {
	struct neigh_key key;
	uint32_t index;
	uint8_t action; /**< NEIGH_OP_* */
	uint8_t mac[6];
	uint8_t pad;
};

/** What a packet said about a neighbour. */
enum {
	NEIGH_INPUT_ANSWER,      /**< an answer to what we asked: it can be reached */
	NEIGH_INPUT_CLAIM,       /**< it asked for one of our addresses: it will want an answer */
	NEIGH_INPUT_GRATUITOUS,  /**< it told everybody */
	NEIGH_INPUT_NO_OVERRIDE, /**< ND: an answer that must not replace a MAC address that is known */
};

/** struct neigh_input_msg: DPVS_MSG_NEIGH_INPUT. The key alone is DPVS_MSG_NEIGH_RESOLVE. */
struct neigh_input_msg {
	struct neigh_key key;
	uint8_t mac[6];
	uint8_t kind; /**< NEIGH_INPUT_* */
	uint8_t has_mac;
};

/** struct neigh_slice_ask: DPVS_MSG_NEIGH_GET, the question. */
struct neigh_slice_ask {
	uint32_t cursor; /**< 0: from the start */
	uint16_t port;
	uint8_t any_port;
	uint8_t af;      /**< 0: both */
};

/** struct neigh_replica: an entry as a worker has it. */
struct neigh_replica {
	struct neigh_key key;
	uint8_t mac[6];
	uint8_t flags; /**< DPVS_NEIGH_REPLICA_* */
	uint8_t pad;
	uint32_t held;
	uint32_t waiting_ms;
};

/** struct neigh_slice: the answer, in the same message. */
struct neigh_slice {
	uint32_t cursor; /**< where to go on; 0: that was all */
	uint32_t count;
	struct neigh_replica entries[];
};

/** Counters of the module, in the order of its table. */
enum {
	NEIGH_STAT_NO_ROOM,
	NEIGH_STAT_PENDING_FULL,
	NEIGH_STAT_HOLD_FULL,
	NEIGH_STAT_UNRESOLVED,
	NEIGH_STAT_BAD_PORT,
	NEIGH_STAT_HELD,
	NEIGH_STAT_RELEASED,
	NEIGH_STAT_REFUSED,
	NEIGH_STAT_RESOLVE_SENT,
	NEIGH_STAT_INPUT_SENT,
	NEIGH_STAT_INPUT_LIMITED,
	NEIGH_STAT_MSG_FAILED,
	NEIGH_STAT_POSTPONED,
	NEIGH_STAT_POSTPONED_LOST,
	NEIGH_STAT_PROBES,
	NEIGH_STAT_TABLE_FULL,
	NEIGH_STAT_FAILED,
};
extern struct stats_block neigh_stats_block;

extern struct rte_node_register neigh_output_node;
extern struct rte_node_register neigh_hold_node;

/** neigh_input: tells main what a packet said, when it can matter; limited per worker. @mac nullable. */
void neigh_input(uint16_t port, uint8_t af, const union ip_addr *addr, const uint8_t *mac, uint8_t kind);

/** neigh_digest: an entry that can be used, for dpip verify. @src: the port's MAC address. */
uint64_t neigh_digest(const struct neigh_key *key, uint32_t index, const uint8_t *mac, const uint8_t *src);

/** neigh_worker_used: was entry @index used by any worker since the last call? */
bool neigh_worker_used(uint32_t index);

/* Hooks of the workers' half, called by neigh.c. */
int neigh_worker_init(const struct conf *conf, uint32_t max);
void neigh_worker_fini(void);
int neigh_worker_lcore_init(void);
int neigh_worker_job(void);
bool neigh_worker_digest(struct digest *d);
void neigh_worker_slice(struct dpvs_msg *msg);
void neigh_worker_on_commit(const void *data, uint32_t len);

#endif
