/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of families of our own (ids from 8000): who the daemon is and what it is doing.
 *
 *   GET 8000 hello
 *   GET 8200 message types    8201 graph nodes    8202 memory pools    8203 counters    8204 verify
 *   GET 8205 ping of lcores   8207 counters of each lcore, taken by itself
 *   SET 8200 message counters to zero   8203 counters to zero
 */
#ifndef DPVSCTRL_PROTO_DAEMON_H
#define DPVSCTRL_PROTO_DAEMON_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_GET_HELLO = 8000,
	DPVS_GET_MSG_TYPES = 8200,
	DPVS_GET_GRAPH = 8201,
	DPVS_GET_MEM = 8202,
	DPVS_GET_STATS = 8203,
	DPVS_GET_VERIFY = 8204,
	DPVS_GET_PING = 8205,
	DPVS_GET_VERIFY_TABLES = 8206,
	DPVS_GET_STATS_SNAPSHOT = 8207,

	DPVS_SET_MSG_ZERO = 8200,
	DPVS_SET_STATS_ZERO = 8203,
};

/** Bits of struct dpvs_hello_info.features. */
enum {
	DPVS_FEATURE_TRANSACTIONS = 1u << 0, /**< 8001 to 8004 */
};

/**
 * struct dpvs_hello_info: answer of 8000. The request may carry the same record, of which the daemon looks at
 * the two deadlines.
 */
struct dpvs_hello_info {
	uint32_t proto_version; /**< DPVS_PROTO_VERSION */
	uint32_t features;      /**< DPVS_FEATURE_* */
	uint64_t max_request;   /**< bytes of body that a request may have */
	uint32_t max_inflight;  /**< requests of one connection that may be unanswered */
	uint32_t pid;
	char version[32]; /**< of the program, "0.1.0" */
	char name[32];    /**< of the program, "dpvsd" */
	uint32_t get_deadline_ms; /**< longest wait of a GET for a worker; in a request: for this connection, 0: as it is */
	uint32_t set_deadline_ms; /**< longest wait of a SET for its turn, and for the workers; likewise */
};

static_assert(sizeof(struct dpvs_hello_info) == 96, "wire format");

/** struct dpvs_msg_type_info: a message type on one lcore. */
struct dpvs_msg_type_info {
	char name[32];
	uint32_t type;
	uint32_t lcore;
	uint32_t prio; /**< 0 high, 1 norm, 2 low */
	uint32_t pad;
	uint64_t sent;
	uint64_t received;
	uint64_t replied;
	uint64_t send_failed; /**< ring or pool was full */
	uint64_t timed_out;
	uint64_t late; /**< answers after their deadline, dropped */
	uint64_t rtt_ns_total;
	uint64_t rtt_ns_max;
	uint64_t rtt_ns_p99;
	uint64_t rtts; /**< round trips, of which rtt_ns_total is the sum */
};

static_assert(sizeof(struct dpvs_msg_type_info) == 128, "wire format");

/** struct dpvs_graph_node_info: a graph node on one lcore. next is a space-separated list of node names. */
struct dpvs_graph_node_info {
	char name[64];
	char next[448];
	uint32_t lcore;
	uint32_t pad;
	uint64_t calls;
	uint64_t pkts;
	uint64_t cycles;
};

static_assert(sizeof(struct dpvs_graph_node_info) == 544, "wire format");

/** struct dpvs_mem_info: a pool or table of fixed size. */
struct dpvs_mem_info {
	char name[32];
	uint64_t size;     /**< objects that fit */
	uint64_t in_use;
	uint64_t obj_bytes;
	uint64_t failures; /**< times that it was empty */
};

static_assert(sizeof(struct dpvs_mem_info) == 64, "wire format");

/** Kinds of counters. */
enum {
	DPVS_STAT_EVENT = 0,
	DPVS_STAT_DROP = 1, /**< packets dropped for this reason */
};

/** struct dpvs_stat_info: a counter, summed over the lcores. */
struct dpvs_stat_info {
	char module[24];
	char name[40];
	char help[112];
	uint32_t kind; /**< DPVS_STAT_* */
	uint32_t pad;
	uint64_t value;
};

static_assert(sizeof(struct dpvs_stat_info) == 192, "wire format");

/** struct dpvs_stat_lcore_info: a counter of one lcore; all of one lcore were taken at one point, by itself. */
struct dpvs_stat_lcore_info {
	char module[24];
	char name[40];
	uint32_t kind; /**< DPVS_STAT_* */
	uint32_t lcore;
	uint64_t generation; /**< that the lcore had reached at that point */
	uint64_t value;
};

static_assert(sizeof(struct dpvs_stat_lcore_info) == 88, "wire format");

/** struct dpvs_verify_info: the generation of main (lcore of main) and of each worker. */
struct dpvs_verify_info {
	uint32_t lcore;
	uint32_t role;
	uint64_t generation;
	uint64_t unconfirmed; /**< changes committed that this worker has not confirmed */
};

static_assert(sizeof(struct dpvs_verify_info) == 24, "wire format");

/** What 8206 found out about a table. */
enum {
	DPVS_VERIFY_EQUAL = 0,
	DPVS_VERIFY_DIFFERENT = 1,
	DPVS_VERIFY_UNKNOWN = 2, /**< the worker has not answered in time */
};

/**
 * struct dpvs_verify_table_info: the copy that one lcore has of one table, and what it should hold. Digests are sums
 * of hashes that mean nothing outside of this answer.
 */
struct dpvs_verify_table_info {
	char module[24];
	char table[24];
	uint32_t lcore;
	uint32_t role;  /**< DPVS_LCORE_* */
	uint32_t state; /**< DPVS_VERIFY_* */
	uint32_t pad;
	uint64_t generation; /**< that all of it is as of */
	uint64_t entries;
	uint64_t digest;
	uint64_t expected_entries;
	uint64_t expected_digest;
};

static_assert(sizeof(struct dpvs_verify_table_info) == 104, "wire format");

/** Bits of the flags of struct dpvs_ping in a request. */
enum {
	DPVS_PING_ONE = 1, /**< only the lcore of the record */
};

/** What became of a ping. */
enum {
	DPVS_PING_ANSWERED = 1,
	DPVS_PING_STOPPED = 2,  /**< its thread does not run: it was not asked */
	DPVS_PING_TIMEOUT = 3,  /**< no answer in time */
	DPVS_PING_NOT_SENT = 4, /**< its ring is full, or no message was free */
};

/**
 * struct dpvs_ping: request of 8205, and an answer to it for each lcore asked, in order of their ids. It
 * goes through the message HELLO, to the main lcore too. A record of zeros asks all lcores.
 */
struct dpvs_ping {
	uint32_t flags;      /**< in a request: DPVS_PING_*; in an answer zero */
	uint32_t lcore;      /**< in a request: with DPVS_PING_ONE */
	uint32_t timeout_ms; /**< in a request: 0: 50; at most 10000. In an answer: what it was */
	uint32_t role;       /**< in an answer, as all that follows: DPVS_LCORE_* (netif.h) */
	uint32_t state;      /**< DPVS_PING_ANSWERED and so on */
	uint32_t pad;
	uint64_t rtt_ns; /**< until the answer was there; 0 without one */
	char text[64];   /**< in a request: any text; in an answer: what the lcore made of it */
};

static_assert(sizeof(struct dpvs_ping) == 96, "wire format");

#ifdef __cplusplus
}
#endif

#endif
