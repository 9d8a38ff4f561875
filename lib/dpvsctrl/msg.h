/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between lcores: one pool shared by all (msg_pool), rings per lcore (msg_ring), flat tables of
 * handlers on each worker. No DPDK type appears here; the library uses rte_mempool and rte_ring inside.
 *
 * Ownership: dpvs_msg_new() gives a message to the caller; a send that returns 0 gives it away; a send
 * that fails leaves it with the caller. A handler owns nothing: the library frees or answers the message
 * when the handler returns. An answer reuses the request's object, so answering cannot fail.
 *
 * Thread-safety
 *   main lcore only: dpvs_msg_init(), dpvs_msg_fini(), dpvs_msg_type_register(), dpvs_msg_multicast(),
 *     dpvs_msg_commit() and its reservation, dpvs_msg_process_main(), dpvs_msg_get_counters()
 *   worker lcore only: dpvs_msg_process(), dpvs_msg_sleep()
 *   any lcore (EAL threads only): dpvs_msg_new(), dpvs_msg_free(), dpvs_msg_send(), dpvs_msg_request(),
 *     dpvs_msg_reg_send(), dpvs_msg_ring_doorbell(), dpvs_msg_pool_get() and what looks into a message
 */
#ifndef DPVSCTRL_MSG_H
#define DPVSCTRL_MSG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Message types: those below 64 are DPVS's. */
enum {
	DPVS_MSG_REG = 1,
	DPVS_MSG_UNREG = 2,
	DPVS_MSG_HELLO = 3,
	DPVS_MSG_GET_ALL_SLAVE_ID = 4,
	DPVS_MSG_MASTER_XMIT = 5,
	DPVS_MSG_ROUTE_ADD = 6,
	DPVS_MSG_ROUTE_DEL = 7,
	DPVS_MSG_NETIF_LCORE_STATS = 8,
	DPVS_MSG_BLKLST_ADD = 9,
	DPVS_MSG_BLKLST_DEL = 10,
	DPVS_MSG_STATS_GET = 11,
	DPVS_MSG_SAPOOL_STATS = 12,
	DPVS_MSG_TC_STATS = 13,
	DPVS_MSG_CONN_GET = 14,
	DPVS_MSG_CONN_GET_ALL = 15,
	DPVS_MSG_IPV6_STATS = 16,
	DPVS_MSG_ROUTE6 = 17,
	DPVS_MSG_NEIGH_GET = 18,

	DPVS_MSG_COMMIT = 64,        /**< main to all: a change, see src/core/change.h */
	DPVS_MSG_IFADDR = 65,        /**< in a commit: addresses */
	DPVS_MSG_NEIGH_UPDATE = 66,  /**< in a commit: neighbour entry */
	DPVS_MSG_NEIGH_RESOLVE = 67, /**< worker to main: an unknown next hop */
	DPVS_MSG_NEIGH_INPUT = 68,   /**< worker to main: what an ARP or ND packet said */
	DPVS_MSG_SERVICE = 69,       /**< in a commit: service */
	DPVS_MSG_DEST = 70,          /**< in a commit: real server */
	DPVS_MSG_LADDR = 71,         /**< in a commit: local address */
	DPVS_MSG_LB_TIMEOUTS = 72,   /**< in a commit: protocol time-outs */
	DPVS_MSG_PORT = 73,          /**< in a commit: port state */
	DPVS_MSG_GRAPH = 74,         /**< main to one: swap the graph */
	DPVS_MSG_TYPE_COUNT = 128,   /**< types are below this */
};

/** Priorities; the highest is served first. */
enum {
	DPVS_MSG_PRIO_HIGH = 0,
	DPVS_MSG_PRIO_NORM = 1,
	DPVS_MSG_PRIO_LOW = 2,
	DPVS_MSG_PRIO_COUNT,
};

/** Flags of dpvs_msg_request() and of a message. */
enum {
	DPVS_MSG_F_REPLY = 1u << 0, /**< the sender waits for an answer */
	DPVS_MSG_F_MULTICAST = 1u << 1,
	DPVS_MSG_F_TIMEOUT = 1u << 2, /**< ended by its deadline */
	DPVS_MSG_F_UNKNOWN = 1u << 3, /**< no handler there */
};

struct dpvs_msg;

/**
 * dpvs_msg_done_fn: called on the sender's lcore when the answer is there, or with -ETIMEDOUT.
 * @msg: the answer (data written by the handler); NULL after a time-out
 * @status: what the handler set; of a multicast: that of the first worker whose status is not 0
 */
typedef void (*dpvs_msg_done_fn)(struct dpvs_msg *msg, int status, void *arg);

/**
 * dpvs_msg_fn: a handler.
 * @msg: read it with dpvs_msg_data(); answer by writing dpvs_msg_reply_data() or dpvs_msg_set_status()
 * Runs on the receiving lcore; must be short and must not block.
 */
typedef void (*dpvs_msg_fn)(struct dpvs_msg *msg);

/**
 * struct dpvs_msg_type: a message type; tables end with an entry without a name.
 * @type: DPVS_MSG_*
 * @name: as `dpip msg` shows it, "route-add"
 * @prio: DPVS_MSG_PRIO_*
 * @on_main: handler on the main lcore, NULL: none
 * @on_worker: handler on workers, unicast and multicast alike; NULL: none
 * @on_commit: part of a commit (src/core/change.h): applies @data on this worker; cannot fail; NULL: none
 * @on_drop: gives back what the payload holds (a packet buffer) when a unicast finds no handler or is
 *   still on a ring at the end; runs on the receiver, at the end on the main lcore; NULL: nothing to do
 */
struct dpvs_msg_type {
	uint32_t type;
	const char *name;
	uint32_t prio;
	dpvs_msg_fn on_main;
	dpvs_msg_fn on_worker;
	void (*on_commit)(const void *data, uint32_t len);
	dpvs_msg_fn on_drop;
};

/** Roles and states of lcores in answers to HELLO and GET_ALL_SLAVE_ID. */
enum {
	DPVS_MSG_ROLE_MAIN = 0,
	DPVS_MSG_ROLE_WORKER = 1,

	DPVS_MSG_STATE_STOPPED = 0,
	DPVS_MSG_STATE_RUNNING = 1,
};

/** struct dpvs_msg_hello: payload of HELLO; the answer has the same form. */
struct dpvs_msg_hello {
	char text[64];   /**< any text; the answer says who heard it */
	uint32_t lcore;  /**< of who answers */
	uint32_t role;   /**< DPVS_MSG_ROLE_* */
	uint32_t state;  /**< DPVS_MSG_STATE_* */
	uint32_t worker; /**< index among the workers; 0xffffffff: main */
};

/** struct dpvs_msg_worker: one worker in the answer to GET_ALL_SLAVE_ID. */
struct dpvs_msg_worker {
	uint32_t lcore;
	uint32_t role;  /**< DPVS_MSG_ROLE_* */
	uint32_t state; /**< DPVS_MSG_STATE_* */
};

/** struct dpvs_msg_workers: answer to GET_ALL_SLAVE_ID, which carries nothing. */
struct dpvs_msg_workers {
	uint32_t main_lcore;
	uint32_t count;
	struct dpvs_msg_worker workers[];
};

/** struct dpvs_msg_params: see each member; zero means the default. */
struct dpvs_msg_params {
	uint32_t pool_size;   /**< messages in the pool; 0: 4095 */
	uint32_t data_size;   /**< payload that fits in a message, bytes, answers too; 0: 512 */
	uint32_t budget;      /**< messages a worker handles per loop; 0: 8 */
	uint32_t timeout_ms;  /**< default deadline; 0: 2000 */
};

/**
 * dpvs_msg_init: makes pool, rings and doorbells for main and all enabled lcores and
 * registers the built-in types (REG, UNREG, HELLO, GET_ALL_SLAVE_ID).
 * Context: main lcore, after rte_eal_init(), before workers are launched.
 * Returns: 0, -ENOMEM, -EEXIST (second call). Since: 0.1
 */
int dpvs_msg_init(const struct dpvs_msg_params *params);

/** dpvs_msg_fini: drains all rings, then frees them and the pool. Workers must have ended. Since: 0.1 */
void dpvs_msg_fini(void);

/**
 * dpvs_msg_type_register: adds a type to the registry (GLib hash table) and, when workers run, to the flat
 * table of each worker by REG. Returns: 0, -EEXIST, -EINVAL (type not below DPVS_MSG_TYPE_COUNT). Since: 0.1
 */
int dpvs_msg_type_register(const struct dpvs_msg_type *type);

/** dpvs_msg_type_unregister: takes it out (UNREG). Returns: 0, -ENOENT, -ENOBUFS. Since: 0.1 */
int dpvs_msg_type_unregister(uint32_t type);

/**
 * dpvs_msg_type_unconfirmed: workers that have not yet confirmed a registration or its end. Until it is 0
 * a message of high priority may overtake the registration and find no handler, and a handler that was
 * taken out may still be called. Since: 0.1
 */
unsigned int dpvs_msg_type_unconfirmed(uint32_t type);

/**
 * dpvs_msg_reg_send: a worker's way to register: REG or UNREG (@how) to the main lcore, which does it
 * everywhere; @done gets its status. @type is copied, its name is not. Returns: as dpvs_msg_request(),
 * -EINVAL. Since: 0.1
 */
int dpvs_msg_reg_send(uint32_t how, const struct dpvs_msg_type *type, dpvs_msg_done_fn done, void *arg);

/** dpvs_msg_new: a message of @type with room for @len bytes, or NULL: pool empty or @len too long; counted. Since: 0.1 */
struct dpvs_msg *dpvs_msg_new(uint32_t type, uint32_t len);

/** dpvs_msg_free: (nullable): gives up a message that was not sent. Since: 0.1 */
void dpvs_msg_free(struct dpvs_msg *msg);

void *dpvs_msg_data(struct dpvs_msg *msg);             /**< its payload */
uint32_t dpvs_msg_len(const struct dpvs_msg *msg);     /**< of its payload, bytes */
void dpvs_msg_set_len(struct dpvs_msg *msg, uint32_t len); /**< of an answer written over the payload */
uint32_t dpvs_msg_room(const struct dpvs_msg *msg);    /**< most bytes an answer may have */
uint32_t dpvs_msg_sender(const struct dpvs_msg *msg);  /**< lcore id */
uint32_t dpvs_msg_seq(const struct dpvs_msg *msg);     /**< sequence number */
uint32_t dpvs_msg_flags(const struct dpvs_msg *msg);   /**< DPVS_MSG_F_* */
int dpvs_msg_status(const struct dpvs_msg *msg);       /**< of an answer: 0 or negative errno */
void dpvs_msg_set_status(struct dpvs_msg *msg, int status); /**< by a handler */

/** dpvs_msg_send: one way, no answer. Returns: 0, -ENOBUFS (ring full), -ENODEV (no such lcore). Never blocks. Since: 0.1 */
int dpvs_msg_send(struct dpvs_msg *msg, uint32_t lcore);

/**
 * dpvs_msg_request: unicast with an answer. @timeout_ms 0: the default. A late answer is counted and dropped.
 * @done runs on the calling lcore, in its dpvs_msg_process() or main loop. Returns: as dpvs_msg_send(). Since: 0.1
 */
int dpvs_msg_request(struct dpvs_msg *msg, uint32_t lcore, uint32_t timeout_ms, dpvs_msg_done_fn done,
		     void *arg);

/**
 * dpvs_msg_multicast: to all workers, one object, one reply slot per worker. The handler's reply, at most
 * 8 bytes, is stored with dpvs_msg_set_reply_u64(); @done reads it with dpvs_msg_reply_u64().
 * All or none: on failure nothing was sent. Since: 0.1
 */
int dpvs_msg_multicast(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done, void *arg);

void dpvs_msg_set_reply_u64(struct dpvs_msg *msg, uint64_t value); /**< by a worker's handler: its slot */
uint64_t dpvs_msg_reply_u64(const struct dpvs_msg *msg, uint32_t lcore);
int dpvs_msg_reply_status(const struct dpvs_msg *msg, uint32_t lcore); /**< that worker's status; -ENODEV: no worker */
int dpvs_msg_answered(const struct dpvs_msg *msg, uint32_t lcore); /**< non-zero when that worker has answered */

/**
 * dpvs_msg_commit_reserve: reserves one slot in the commit ring of every worker. Returns: 0 or -ENOBUFS. Since: 0.1
 * dpvs_msg_commit: sends a multicast in the reserved slot; cannot fail. @done is called when all workers
 *   have acknowledged, however long that takes; @late is called once with @arg when the deadline passed before.
 */
int dpvs_msg_commit_reserve(void);
void dpvs_msg_commit_release(void);
void dpvs_msg_commit(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done,
		     dpvs_msg_done_fn late, void *arg);

/**
 * dpvs_msg_defer: called by a worker's handler that needs more loops: the handler is called again in the
 * next loop, before other messages of its ring, and the message is not answered yet. Since: 0.1
 */
void dpvs_msg_defer(struct dpvs_msg *msg);

/**
 * dpvs_msg_process: handles up to the budget of messages of the calling
 * worker, highest priority first. Returns: number handled. Since: 0.1
 */
unsigned int dpvs_msg_process(void);

/**
 * dpvs_msg_process_main: the same for the main lcore; a GSource of the default context calls it, tests
 * without a loop may. Returns: number handled. Since: 0.1
 */
unsigned int dpvs_msg_process_main(void);

/**
 * dpvs_msg_sleep: puts the calling worker to sleep until its doorbell rings, at most @timeout_us.
 * Arms, fences, looks at its rings again, then waits. Returns at once when something is there. Since: 0.1
 */
void dpvs_msg_sleep(uint32_t timeout_us);

/** dpvs_msg_ring_doorbell: wakes @lcore when it sleeps (for hand-over rings and stop flags). Since: 0.1 */
void dpvs_msg_ring_doorbell(uint32_t lcore);

/**
 * struct dpvs_msg_counters: of one type on one lcore; and dpvs_msg_get_counters() which reads them.
 */
struct dpvs_msg_counters {
	uint64_t sent;
	uint64_t received;
	uint64_t replied;
	uint64_t send_failed;
	uint64_t timed_out;
	uint64_t late;
	uint64_t rtt_ns_total;
	uint64_t rtt_ns_max;
	uint64_t rtt_ns_p99;
};

/** dpvs_msg_get_counters: Returns: 0, -ENOENT (type not registered), -ENODEV. Since: 0.1 */
int dpvs_msg_get_counters(uint32_t type, uint32_t lcore, struct dpvs_msg_counters *ret_counters);

/** dpvs_msg_type_lookup: (nullable): the registered type. Main lcore only. Since: 0.1 */
const struct dpvs_msg_type *dpvs_msg_type_lookup(uint32_t type);

/** struct dpvs_msg_pool_info and dpvs_msg_pool_get(): the state of msg_pool. Since: 0.1 */
struct dpvs_msg_pool_info {
	uint64_t size;
	uint64_t in_use;
	uint64_t obj_bytes;
	uint64_t failures;
};
void dpvs_msg_pool_get(struct dpvs_msg_pool_info *ret_info);

#ifdef __cplusplus
}
#endif

#endif
