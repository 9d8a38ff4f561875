/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages between lcores: one pool shared by all (msg_pool), rings per lcore (msg_ring), flat
 * tables of handlers on each worker. No DPDK type appears here; the library uses rte_mempool and
 * rte_ring inside.
 *
 * Ownership: dpvs_msg_new() gives a message to the caller; a send that returns 0 gives it away; a
 * send that fails leaves it with the caller. A handler owns nothing: the library frees or answers
 * the message when the handler returns. An answer reuses the request's object, so answering cannot
 * fail.
 *
 * Thread-safety
 *   main lcore only: dpvs_msg_init(), dpvs_msg_fini(), dpvs_msg_type_register(),
 *   dpvs_msg_multicast(), dpvs_msg_commit() and its reservation, dpvs_msg_process_main(),
 *   dpvs_msg_get_counters(), dpvs_msg_get_handler_times(), dpvs_msg_zero_counters(),
 *   dpvs_msg_pool_get()
 *   worker lcore only: dpvs_msg_process(), dpvs_msg_sleep()
 *   any lcore (EAL threads only): dpvs_msg_new(), dpvs_msg_free(), dpvs_msg_send(),
 *   dpvs_msg_request(), dpvs_msg_reg_send(), and what looks into a message
 *   any thread: dpvs_msg_ring_doorbell()
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
	DPVS_MSG_NEIGH_UPDATE = 66,  /**< in a commit: neighbour entry */
	DPVS_MSG_NEIGH_RESOLVE = 67, /**< worker to main: an unknown next hop */
	DPVS_MSG_NEIGH_INPUT = 68,   /**< worker to main: what an ARP or ND packet said */
	DPVS_MSG_SERVICE = 69,       /**< in a commit: service */
	DPVS_MSG_DEST = 70,          /**< in a commit: real server */
	DPVS_MSG_LADDR = 71,         /**< in a commit: local address */
	DPVS_MSG_LB_TIMEOUTS = 72,   /**< in a commit: protocol time-outs */
	DPVS_MSG_PORT = 73,          /**< in a commit: port state */
	DPVS_MSG_VERIFY = 74,        /**< main to all: sum up the tables, see src/core/verify.c */
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
 * @msg: read it with dpvs_msg_data(); answer by writing dpvs_msg_reply_data() or
 *   dpvs_msg_set_status() Runs on the receiving lcore; must be short and must not block.
 */
typedef void (*dpvs_msg_fn)(struct dpvs_msg *msg);

/**
 * struct dpvs_msg_type: a message type; tables end with an entry without a name.
 * @type: DPVS_MSG_*
 * @name: as `dpip msg` shows it, "route-add"
 * @prio: DPVS_MSG_PRIO_*
 * @on_main: handler on the main lcore, NULL: none
 * @on_worker: handler on workers, unicast and multicast alike; NULL: none
 * @on_commit: part of a commit (src/core/change.h): applies @data on this worker; cannot fail;
 *   NULL: none
 * @on_drop: gives back what the payload holds (a packet buffer) when a unicast finds no handler or
 *   is still on a ring at the end; runs on the receiver, at the end on the main lcore; NULL:
 *   nothing to do
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
	DPVS_MSG_STATE_SILENT = 2, /**< its thread runs, but it does not answer; see dpvs_msg_set_silent() */
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
	uint32_t slice_us;    /**< a worker begins no further message in a loop after so long; 0: 20 */
};

/**
 * dpvs_msg_init:
 * @params: (nullable): NULL: all defaults
 *
 * Makes pool, rings and doorbells for main and all enabled lcores, registers
 * the built-in types (REG, UNREG, HELLO, GET_ALL_SLAVE_ID) and attaches a source to the default
 * main context.
 *
 * Context: main lcore, after rte_eal_init(), before workers are launched.
 *
 * Returns: 0, or
 *   -EEXIST  second call
 *   -EINVAL  a pool of more than 2^20 messages, or a payload of more than 64 KiB
 *   -ENOMEM  DPDK has no memory for it
 *
 * Since: 0.1
 */
int dpvs_msg_init(const struct dpvs_msg_params *params);

/**
 * dpvs_msg_fini:
 *
 * Drains all rings: what a unicast holds is given back by its type's on_drop, requests of the main
 * lcore that wait end with -ECANCELED. Then frees everything. Does nothing without dpvs_msg_init().
 *
 * Context: main lcore, after the workers have ended.
 *
 * Since: 0.1
 */
void dpvs_msg_fini(void);

/**
 * dpvs_msg_type_register:
 * @type: not copied, must stay until it is unregistered
 *
 * Adds a type to the registry and to the flat table of each lcore: directly where no worker runs,
 * by REG where one does.
 *
 * Context: main lcore.
 *
 * Returns: 0, or
 *   -EEXIST  the number is taken
 *   -EINVAL  no name, number 0 or not below DPVS_MSG_TYPE_COUNT, an unknown priority, no
 *             dpvs_msg_init()
 *   -ENOBUFS a running worker cannot be told now; nothing was changed
 *
 * Since: 0.1
 */
int dpvs_msg_type_register(const struct dpvs_msg_type *type);

/**
 * dpvs_msg_type_unregister:
 * @type: number
 *
 * Takes a type out of the registry and, by UNREG, out of the tables.
 *
 * Context: main lcore.
 *
 * Returns: 0, or
 *   -ENOENT  not registered
 *   -ENOBUFS a running worker cannot be told now; nothing was changed
 *
 * Since: 0.1
 */
int dpvs_msg_type_unregister(uint32_t type);

/**
 * dpvs_msg_type_unconfirmed:
 * @type: number
 *
 * Until it is 0 a message of high priority may overtake the registration and find no handler, and a
 * handler that was taken out may still be called.
 *
 * Context: main lcore.
 *
 * Returns: registrations of this type, and ends of one, that workers have not confirmed yet. Since:
 *   0.1
 */
unsigned int dpvs_msg_type_unconfirmed(uint32_t type);

/**
 * dpvs_msg_reg_send:
 * @how: DPVS_MSG_REG or DPVS_MSG_UNREG
 * @type: copied, but for its name
 * @done: (nullable): gets the status of dpvs_msg_type_register() or dpvs_msg_type_unregister()
 * @arg: for @done
 *
 * A worker's way to register: asks the main lcore, which does it everywhere.
 *
 * Context: any lcore.
 *
 * Returns: 0, -EINVAL (@how), or as dpvs_msg_request(). Since: 0.1
 */
int dpvs_msg_reg_send(uint32_t how, const struct dpvs_msg_type *type, dpvs_msg_done_fn done, void *arg);

/**
 * dpvs_msg_new:
 * @type: DPVS_MSG_*
 * @len: bytes of payload, which is not cleared
 *
 * Takes a message from the pool. It is the caller's until a send returns 0.
 *
 * Context: any lcore.
 *
 * Returns: the message, or NULL: the pool is empty, @len is more than it holds, or this is no
 *   lcore; counted. Since: 0.1
 */
struct dpvs_msg *dpvs_msg_new(uint32_t type, uint32_t len);

/**
 * dpvs_msg_free:
 * @msg: (nullable): message that was not sent
 *
 * Context: any lcore.
 *
 * Since: 0.1
 */
void dpvs_msg_free(struct dpvs_msg *msg);

/*
 * What is in a message. Context: who has it: the sender before, the handler, done().
 * Of a multicast under way the handler reads only; its answer is dpvs_msg_set_status() and
 * dpvs_msg_set_reply_u64(). Since: 0.1, all of them.
 */
void *dpvs_msg_data(struct dpvs_msg *msg);             /**< its payload, aligned to 32 bytes */
uint32_t dpvs_msg_len(const struct dpvs_msg *msg);     /**< of its payload, bytes */
void dpvs_msg_set_len(struct dpvs_msg *msg, uint32_t len); /**< of an answer written over the payload */
uint32_t dpvs_msg_room(const struct dpvs_msg *msg);    /**< most bytes an answer may have */
uint32_t dpvs_msg_sender(const struct dpvs_msg *msg);  /**< lcore id */
uint32_t dpvs_msg_seq(const struct dpvs_msg *msg);     /**< counts the messages of its sender */
uint32_t dpvs_msg_flags(const struct dpvs_msg *msg);   /**< DPVS_MSG_F_* */
int dpvs_msg_status(const struct dpvs_msg *msg);       /**< of an answer: 0 or negative errno */
void dpvs_msg_set_status(struct dpvs_msg *msg, int status); /**< by a handler */

/**
 * dpvs_msg_send:
 * @msg: given away when this returns 0
 * @lcore: to whom
 *
 * One way, no answer.
 *
 * Context: any lcore. Never blocks.
 *
 * Returns: 0, or
 *   -ENOBUFS the ring there is full; @msg is still the caller's
 *   -ENODEV  there is no such lcore; @msg is still the caller's
 *
 * Since: 0.1
 */
int dpvs_msg_send(struct dpvs_msg *msg, uint32_t lcore);

/**
 * dpvs_msg_request:
 * @msg: given away when this returns 0
 * @lcore: to whom
 * @timeout_ms: deadline, in milliseconds of wall-clock time; 0: the default
 * @done: (nullable): called once, on the calling lcore, in its dpvs_msg_process() or main loop
 * @arg: for @done
 *
 * Unicast with an answer. Past the deadline @done is called with NULL and -ETIMEDOUT; the message
 * stays with the receiver, and when it comes back it is counted as late and dropped. Without a
 * handler there the status is
 * -EOPNOTSUPP and the flag DPVS_MSG_F_UNKNOWN set.
 *
 * Context: any lcore. Never blocks.
 *
 * Returns: as dpvs_msg_send(). Since: 0.1
 */
int dpvs_msg_request(struct dpvs_msg *msg, uint32_t lcore, uint32_t timeout_ms, dpvs_msg_done_fn done,
		     void *arg);

/**
 * dpvs_msg_multicast:
 * @msg: given away when this returns 0
 * @timeout_ms: deadline, in milliseconds of wall-clock time; 0: the default
 * @done: (nullable): called once, when all workers have answered, or with NULL and -ETIMEDOUT
 * @arg: for @done
 *
 * To all workers, one object, one reply slot per worker: a status and up to 8 bytes, which @done
 * reads with dpvs_msg_reply_status() and dpvs_msg_reply_u64(). All workers get it, or none.
 *
 * Context: main lcore. Never blocks.
 *
 * Returns: 0, or
 *   -ENOBUFS 256 multicasts are unanswered; @msg is still the caller's
 *   -EPERM   called on a worker; @msg is still the caller's
 *
 * Since: 0.1
 */
int dpvs_msg_multicast(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done, void *arg);

/* The slots of a multicast. Since: 0.1, all of them. */
void dpvs_msg_set_reply_u64(struct dpvs_msg *msg, uint64_t value); /**< by a worker's handler: its slot */
uint64_t dpvs_msg_reply_u64(const struct dpvs_msg *msg, uint32_t lcore); /**< 0: no worker, or not set */
int dpvs_msg_reply_status(const struct dpvs_msg *msg, uint32_t lcore);   /**< -ENODEV: no worker */
int dpvs_msg_answered(const struct dpvs_msg *msg, uint32_t lcore); /**< non-zero when that worker has answered */

/**
 * dpvs_msg_commit_reserve:
 *
 * Reserves one slot in the commit ring of every worker, for one dpvs_msg_commit().
 *
 * Context: main lcore.
 *
 * Returns: 0, or -ENOBUFS: 256 are reserved or unanswered. Since: 0.1
 */
int dpvs_msg_commit_reserve(void);

/**
 * dpvs_msg_commit_release:
 *
 * Gives a reservation back that is not needed after all.
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_msg_commit_release(void);

/**
 * dpvs_msg_commit:
 * @msg: given away
 * @timeout_ms: deadline for @late, in milliseconds of wall-clock time; 0: the default
 * @done: (nullable): called once, when all workers have acknowledged, however long that takes
 * @late: (nullable): called once, with NULL and -ETIMEDOUT, when the deadline passed before
 * @arg: for both
 *
 * Sends a multicast in the reserved slot; cannot fail. Workers serve commits in order, after
 * messages of high priority and before all others.
 *
 * Context: main lcore, after dpvs_msg_commit_reserve().
 *
 * Since: 0.1
 */
void dpvs_msg_commit(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done,
		     dpvs_msg_done_fn late, void *arg);

/**
 * dpvs_msg_defer:
 * @msg: the message that the calling handler got
 *
 * By a handler that needs more loops: it is called again in the next loop, before other messages of
 * its ring, and the message is not answered yet.
 *
 * Context: handlers.
 *
 * Since: 0.1
 */
void dpvs_msg_defer(struct dpvs_msg *msg);

/**
 * dpvs_msg_slice_over:
 *
 * Is the time (.slice_us) that the calling worker has for messages in this loop over? A handler that may have
 * much to do asks after every piece of some microseconds, and defers what is left when it is. The time runs for all
 * messages of a loop together, so the answer may be yes the first time that a handler asks: do a piece before.
 *
 * Context: handlers on worker lcores; elsewhere the answer is no.
 *
 * Returns: 1: it is over; 0: not. Since: 0.1
 */
int dpvs_msg_slice_over(void);

/**
 * dpvs_msg_process:
 *
 * Takes answers to own requests, looks at deadlines, and handles
 * messages up to the budget, highest priority first; each priority has at least one handled. No
 * further one is begun when its time (.slice_us) is over; the next call goes on there. A few cycles when there
 * is nothing.
 *
 * Context: worker lcore, in every loop.
 *
 * Returns: number handled, answers included. Since: 0.1
 */
unsigned int dpvs_msg_process(void);

/**
 * dpvs_msg_process_main:
 *
 * The same for the main lcore. A source of the default main context calls it; who runs no main
 * loop may.
 *
 * Context: main lcore.
 *
 * Returns: number handled, answers included. Since: 0.1
 */
unsigned int dpvs_msg_process_main(void);

/**
 * dpvs_msg_process_at:
 * @tsc: TSC, read just before
 *
 * The same as dpvs_msg_process() or, on the main lcore, dpvs_msg_process_main(), for a loop that reads
 * the TSC each time it begins: to read it again would come between a message and its answer.
 * An older @tsc makes deadlines pass late, round trips look short and handlers look long by as much.
 * With one of the future deadlines pass early, and a worker's handlers may take longer by as much before its loop goes on.
 *
 * Context: main or worker lcore, at the beginning of every loop.
 *
 * Returns: number handled, answers included. Since: 0.1
 */
unsigned int dpvs_msg_process_at(uint64_t tsc);

/**
 * dpvs_msg_sleep:
 * @timeout_us: longest sleep, in microseconds
 *
 * Puts the calling worker to sleep until its doorbell rings. Returns at once when a message is
 * there, or when the bell rang since the last sleep: the caller then looks at whatever else it
 * waits for.
 *
 * Context: worker lcore. Blocks.
 *
 * Since: 0.1
 */
void dpvs_msg_sleep(uint32_t timeout_us);

/**
 * dpvs_msg_ring_doorbell:
 * @lcore: whom to wake; nothing happens when there is no such lcore
 *
 * For rings and flags that are not messages (hand-over of packets, end of the workers): write them
 * first, then ring. Cheap while @lcore is awake: a fence and a load.
 *
 * Context: any thread.
 *
 * Since: 0.1
 */
void dpvs_msg_ring_doorbell(uint32_t lcore);

/**
 * dpvs_msg_set_silent:
 * @lcore: a worker; nothing happens when there is no such lcore
 * @silent: non-zero: it does not answer
 *
 * For who watches the workers: what GET_ALL_SLAVE_ID tells of one, until this is called again.
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_msg_set_silent(uint32_t lcore, int silent);

/**
 * struct dpvs_msg_counters: of one type on one lcore.
 * @sent: messages, requests and multicasts given away
 * @received: messages that the handler here has finished
 * @replied: of those, answered
 * @send_failed: sends refused, and messages that the pool did not have
 * @timed_out: requests whose deadline passed
 * @late: answers that came after that, dropped
 * @rtt_ns_total: sum of the round trips of requests, in nanoseconds
 * @rtt_ns_max: longest
 * @rtt_ns_p99: 99 of 100 are at most this long, to a quarter
 * @rtts: how many round trips that were
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
	uint64_t rtts;
};

/**
 * dpvs_msg_get_counters:
 * @type: number
 * @lcore: whose
 * @ret_counters: (out): the counters
 *
 * Context: main lcore.
 *
 * Returns: 0, -ENOENT (type not registered), -ENODEV (no such lcore). Since: 0.1
 */
int dpvs_msg_get_counters(uint32_t type, uint32_t lcore, struct dpvs_msg_counters *ret_counters);

/**
 * dpvs_msg_count_operations:
 * @type: number, registered
 * @count: so many operations of it
 *
 * A commit carries operations of several types, and is counted as one message of its own type. Who makes commits
 * counts the operations, too: on the main lcore as sent, when they are; on a worker as received and answered, when it has
 * applied them.
 *
 * Context: main lcore, workers. Since: 0.1
 */
void dpvs_msg_count_operations(uint32_t type, uint32_t count);

/**
 * dpvs_msg_count_confirmed:
 * @type: number, registered
 * @cycles: TSC cycles from the commit until all workers had confirmed it
 *
 * Counts the round trip of a commit for a type that it had operations of.
 *
 * Context: main lcore. Since: 0.1
 */
void dpvs_msg_count_confirmed(uint32_t type, uint64_t cycles);

/**
 * struct dpvs_msg_handler_times: what one lcore spends on messages: handlers, answers, deadlines.
 * @loops: calls of dpvs_msg_process() that handled something
 * @ns_total: their time, in nanoseconds; what the kernel took the CPU away for included
 * @ns_p50: half of them are at most this long, to a sixteenth
 * @ns_p999: 999 of 1,000 are at most this long, to a sixteenth
 * @ns_max: longest
 */
struct dpvs_msg_handler_times {
	uint64_t loops;
	uint64_t ns_total;
	uint64_t ns_p50;
	uint64_t ns_p999;
	uint64_t ns_max;
};

/**
 * dpvs_msg_get_handler_times:
 * @lcore: whose
 * @ret_times: (out): the times
 *
 * Context: main lcore.
 *
 * Returns: 0, or -ENODEV (no such lcore). Since: 0.1
 */
int dpvs_msg_get_handler_times(uint32_t lcore, struct dpvs_msg_handler_times *ret_times);

/**
 * dpvs_msg_zero_counters:
 *
 * Sets what dpvs_msg_get_counters() and dpvs_msg_get_handler_times() tell to zero, of all lcores. Each lcore
 * does it when it next counts; until then it is told as zero.
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_msg_zero_counters(void);

/**
 * dpvs_msg_type_lookup:
 * @type: number
 *
 * Context: main lcore.
 *
 * Returns: the registered type, or NULL. Since: 0.1
 */
const struct dpvs_msg_type *dpvs_msg_type_lookup(uint32_t type);

/** struct dpvs_msg_pool_info: the state of msg_pool. */
struct dpvs_msg_pool_info {
	uint64_t size;      /**< messages in all */
	uint64_t in_use;    /**< taken now */
	uint64_t obj_bytes; /**< of one message */
	uint64_t failures;  /**< times that it could not give one */
};

/**
 * dpvs_msg_pool_get:
 * @ret_info: (out): the pool; all zero without dpvs_msg_init()
 *
 * Context: main lcore.
 *
 * Since: 0.1
 */
void dpvs_msg_pool_get(struct dpvs_msg_pool_info *ret_info);

#ifdef __cplusplus
}
#endif

#endif
