/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services, real servers and local addresses as the main lcore keeps them: the truth from which the objects
 * for workers (lb/service.h) are built. Private to the control side of src/lb:
 *
 *   service.c      worker's view, look-up, publication; the module
 *   service_table.c  the services, and how they come, change and go
 *   service_ctl.c  SET 200, 202 to 204, 208    dest.c     SET 205 to 207
 *   dest_slot.c    slots of servers, and those removed while connections hold them
 *   lb_key.c       keys and addresses from and to the wire
 *   lb_build.c     from truth to worker objects, once per service and change
 *   lb_digest.c    what workers have, and should have, for dpip verify
 *   lb_stats.c     sums, zeroing (SET 201), rates        lb_get.c    GET 103, 200 to 204
 *   laddr*.c       family laddr, see laddr_priv.h       timeouts.c  SET and GET 8100
 *
 * A change may be prepared in slices, with readers in between. The truth is then half changed; readers do not
 * look at it but at the object that workers have of each service (vs_view()), in which everything is that
 * can be listed. So the moment of the commit, at which change_preparing() moves on, turns what they see as a
 * whole. For them a service stays in the list and a server in its slot until its removal is confirmed by all
 * workers ("listed" says what holds for the truth), and counters move only then.
 *
 * Thread-safety: main lcore only.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <glib.h>

#include <dpvsctrl/proto/service.h>

#include "core/change.h"
#include "core/digest.h"
#include "core/event.h"
#include "core/htable.h"
#include "lb/addr_table.h"
#include "lb/service.h"

struct dpvs_req;
struct laddr;
struct replica;
struct sched_ops;

/** Members of struct dpvs_lb_stats and struct dpvs_lb_rates. */
#define LB_STATS_COUNT 5

struct rs;

/**
 * struct vs_cursor: a place in the list of servers of a service, that others may change meanwhile: moved on when the
 * server leaves the list. See dest_cursor_set().
 */
struct vs_cursor {
	struct vs *vs;         /**< NULL: nowhere */
	const struct rs *next; /**< NULL: at the end */
	TAILQ_ENTRY(vs_cursor) link; /**< in vs->cursors */
};

TAILQ_HEAD(vs_cursor_list, vs_cursor);

/** struct rs_key: what a server is found by. */
struct rs_key {
	struct addr_key vip; /**< address, port and protocol of the service */
	union ip_addr addr;
	rte_be16_t port;
};

/** struct rs_conf: what an operator sets of a server. */
struct rs_conf {
	uint32_t weight;
	uint8_t fwd;
};

/** struct rs: a real server of one virtual address. It outlives its service while connections hold its slot. */
struct rs {
	struct rs_key key;
	struct htable_node node;
	struct rs_conf conf;
	bool listed;        /**< it is there; else removed, and kept for readers, workers or connections */
	bool replies;       /**< counted in the table of NAT servers */
	bool in_trash;      /**< removed on all workers, waits for its last connection */
	uint32_t last_weight;
	uint32_t index;
	uint32_t generation;
	uint32_t removals;  /**< removals that not all workers have confirmed */
	uint64_t removed;   /**< serial of the change that removed it last */
	uint64_t named;     /**< serial of the last change that added it, or found it there by an add */
	uint64_t noted;     /**< serial of the last build that has it in its list, see lb_build.c */
	uint64_t order;     /**< place in the list; what comes later has a larger one */
	struct vs *vs;      /**< in whose list it is, counted; NULL: none */
	struct event_node event; /**< in rs_nodes while it is listed */
	TAILQ_ENTRY(rs) link; /**< in vs->dests */
	TAILQ_ENTRY(rs) trash_link;
	struct dpvs_lb_stats zero; /**< counters are shown less these */
	struct dpvs_lb_stats sampled; /**< what the estimator saw last */
	float rate[LB_STATS_COUNT];
	uint64_t sampled_us; /**< when; 0: never */
};

TAILQ_HEAD(rs_list, rs);

/** struct vs_laddr: a local address in the list of a service. */
struct vs_laddr {
	struct vs *vs;
	struct laddr *laddr;
	struct htable_node node; /**< by service and address */
	uint64_t named;          /**< as in struct rs */
	uint32_t order;
	struct event_node event;
	TAILQ_ENTRY(vs_laddr) link;
};

TAILQ_HEAD(vs_laddr_list, vs_laddr);

/** struct vs_conf: what an operator sets of a service. */
struct vs_conf {
	const struct sched_ops *sched;
	uint32_t sched_flags;
	uint32_t conn_timeout_s;
};

static inline bool
vs_conf_equal(const struct vs_conf *a, const struct vs_conf *b)
{
	return a->sched == b->sched && a->sched_flags == b->sched_flags &&
	       a->conn_timeout_s == b->conn_timeout_s;
}

/**
 * struct vs: a virtual service. Counted: the table, its servers, changes under way, and readers between two
 * slices hold it. It is in the list of all services as long as it exists, so a reader can go on from it.
 */
struct vs {
	struct addr_key key;
	struct htable_node node;
	uint32_t refs;
	uint32_t index;    /**< slot; SLOT_NONE: given back */
	bool listed;       /**< it is there; else removed, and kept for who holds it */
	bool in_table;     /**< found by its key */
	uint32_t removals; /**< as in struct rs, and the following three */
	uint64_t removed;
	uint64_t named;
	uint64_t noted;
	uint64_t relisted; /**< serial of the change that removed and added it */
	uint64_t zeroed;   /**< serial of the request for zero that names it */
	struct event_node event; /**< in vs_nodes while it is listed */
	struct vs_conf conf;
	struct rs_list dests; /**< in the order of adding; also those that are not listed any more */
	uint32_t num_dests;   /**< listed */
	uint32_t dests_len;   /**< in the list */
	struct vs_cursor_list cursors; /**< in @dests */
	uint64_t sums_epoch;  /**< moves when counters move between a server and @retired, see lb_stats.c */
	struct vs_laddr_list laddrs;
	uint32_t num_laddrs;
	uint32_t last_laddr;  /**< vs_laddr.order given out last */
	struct service *published; /**< what workers have when all changes made so far are applied; NULL: nothing */
	struct service *before;    /**< what @published took the place of */
	uint64_t published_by;     /**< serial of that change; 0: long confirmed */
	struct dpvs_lb_stats retired; /**< of servers that it had, since the last zeroing */
	TAILQ_ENTRY(vs) link;
};

TAILQ_HEAD(vs_list, vs);

/** No slot. */
#define SLOT_NONE UINT32_MAX

/** vs_view: the service as readers see it: as of the last commit. NULL: it is not there. */
static inline const struct service *
vs_view(const struct vs *vs)
{
	return change_hides(vs->published_by) ? vs->before : vs->published;
}

/* service_table.c */
int vs_table_init(uint32_t max);
void vs_table_fini(void);
/** vs_all: in the order of adding; also those that are not listed any more, or not yet committed. */
const struct vs_list *vs_all(void);
/** vs_count: as readers see it. */
uint32_t vs_count(void);
/** vs_find: the service of a key in the truth, or NULL. */
struct vs *vs_find(const struct addr_key *key);
/** vs_lookup: the same, also one that is not listed any more. */
struct vs *vs_lookup(const struct addr_key *key);
/** vs_hide_key: @vs, which is not listed any more, makes way for another one with its key. */
void vs_hide_key(struct vs *vs);
struct vs *vs_ref(struct vs *vs);
void vs_unref(void *vs);
/** vs_new: a service that is not there. Returns 0, -ENOMEM, -ENOSPC; the change has the text. */
int vs_new(struct change *c, const struct addr_key *key, const struct vs_conf *conf);
/** vs_relist: @vs, which @c removed, is there again: readers still see it as it was, so it stays where it is. */
void vs_relist(struct change *c, struct vs *vs, const struct vs_conf *conf);
/** vs_edit: @vs has @conf from here on; no change of anything if it had before. */
void vs_edit(struct change *c, struct vs *vs, const struct vs_conf *conf);
/** vs_del: with its servers and local addresses. Returns 0, negative errno, or CHANGE_MORE: they are not all removed. */
int vs_del(struct change *c, struct vs *vs);
/** vs_each: calls @fn for all that are there, in slices: returns CHANGE_MORE between them. Ends with what @fn fails with. */
int vs_each(struct change *c, int (*fn)(struct change *c, struct vs *vs));

/* service_ctl.c */
/** vs_require: the service that a record names: 0, -ESRCH, or -EINVAL, -EOPNOTSUPP for its key; the change has the text. */
int vs_require(struct change *c, const struct dpvs_service_key *key, struct vs **ret_vs);
/** vs_of_key: the same for readers: -EINVAL or -ESRCH without a text. */
int vs_of_key(const struct dpvs_service_key *key, struct vs **ret_vs);
int service_ctl_add(struct change *c, const void *record);
int service_ctl_edit(struct change *c, const void *record);
int service_ctl_del(struct change *c, const void *record);
int service_ctl_flush(struct change *c, const void *record);
int service_ctl_garp(struct change *c, const void *record);
/** service_sync: the .sync of the module: services, servers, local addresses. */
int service_sync(struct change *c);

/* lb_key.c */
/* addr_from_wire(): 0, or -EINVAL: family, or bytes past an IPv4 address. */
int addr_from_wire(const struct dpvs_addr *wire, uint8_t *ret_af, union ip_addr *ret_addr);
void addr_to_wire(uint8_t af, const union ip_addr *addr, struct dpvs_addr *ret_wire);
/**
 * addr_is_usable: false for addresses that no packet of a service may have: unspecified, loopback, multicast,
 * broadcast, link-local (IPv6: means nothing without a port), IPv4 in IPv6.
 */
bool addr_is_usable(uint8_t af, const union ip_addr *addr);
void key_to_wire(const struct addr_key *key, struct dpvs_service_key *ret_key);

/** Longest text of addr_text() and key_text(). */
#define KEY_TEXT_SIZE 72

/** addr_text: "192.0.2.1:80", "[2001:db8::1]:80"; key_text: the same after "TCP " or "UDP ". Return @buf. */
const char *addr_text(uint8_t af, const union ip_addr *addr, rte_be16_t port, char buf[KEY_TEXT_SIZE]);
const char *key_text(const struct addr_key *key, char buf[KEY_TEXT_SIZE]);

guint addr_key_hash(gconstpointer key);
gboolean addr_key_equal(gconstpointer a, gconstpointer b);

/* dest.c */
/**
 * dest_unlink_all: takes all servers from @vs, but for those with rs.named @keep (0: none has). Returns 0, or
 * CHANGE_MORE: to be called again for the same service, and for no other one before.
 */
int dest_unlink_all(struct change *c, struct vs *vs, uint64_t keep);
/** dest_cursor_set: @cur, zero at first, to the first server of @vs, whom the caller holds; NULL: nowhere any more. */
void dest_cursor_set(struct vs_cursor *cur, struct vs *vs);
int dest_ctl_add(struct change *c, const void *record);
int dest_ctl_edit(struct change *c, const void *record);
int dest_ctl_del(struct change *c, const void *record);

/* dest_slot.c */
int dest_init(uint32_t max);
void dest_fini(void);
/** dest_slot: the server in slot @index, or NULL; dest_slots_used: slots from here on were never used. */
struct rs *dest_slot(uint32_t index);
uint32_t dest_slots_used(void);
/** dest_find: the server with the addresses of @key, removed ones included, or NULL. */
struct rs *dest_find(const struct rs_key *key);
/** dest_new: a server with a slot, to be undone with dest_discard(). Returns 0, -ENOMEM, -ENOSPC. */
int dest_new(struct change *c, const struct rs_key *key, struct rs **ret_rs);
void dest_discard(struct rs *rs);
/**
 * dest_reply_room: to be called before anything is changed for a server of @fwd that dest_hold_reply() will
 * be called for: 0, -ENOMEM, or CHANGE_MORE: a table grows.
 */
int dest_reply_room(struct change *c, const struct rs_key *key, uint8_t fwd);
/**
 * dest_hold_reply: workers get to know the address of @rs as that of a NAT server, if it is one: until its
 * slot is free, also when its mode changes, because old connections stay what they are. 0 or -ENOMEM.
 */
int dest_hold_reply(struct change *c, struct rs *rs);
/** dest_trash_put: all workers know that @rs is removed; dest_trash_take: it is not any more. */
void dest_trash_put(struct rs *rs);
void dest_trash_take(struct rs *rs);
int dest_job_reap(void);

/* lb_event.c */
extern struct event_nodes vs_nodes;
extern struct event_nodes rs_nodes;
extern const struct module_event lb_events[];
/** vs_emit, rs_emit: subscribers are told that @c does @op (DPVS_EVENT_OP_*). */
void vs_emit(struct change *c, uint32_t op, const struct vs *vs);
void rs_emit(struct change *c, uint32_t op, const struct rs *rs);

/* lb_build.c */
/** build_service: the object of @vs is built anew before the commit. */
void build_service(struct change *c, struct vs *vs);
/** build_dest: workers learn whether @rs is there. */
void build_dest(struct change *c, struct rs *rs);

/** build_discard: frees what was built of @vs; workers have ended. */
void build_discard(struct vs *vs);

/* service.c: operations for the workers. 0 or -ENOMEM; room: also CHANGE_MORE, as dest_reply_room(). */
int service_room(struct change *c, uint8_t af);
int dest_publish_room(struct change *c, uint8_t af);
int service_publish(struct change *c, const struct addr_key *key, const struct service *svc, bool start);
int dest_publish_reply(struct change *c, const struct addr_key *key, bool there);
/** dest_publish_generations: @count pairs of slot and generation. */
int dest_publish_generations(struct change *c, const uint32_t (*pairs)[2], uint32_t count);

/* service.c: the tables, for lb_digest.c. */
const struct replica *service_replica(void);
const struct replica *dest_reply_replica(void);
/* dest_slot.c: the addresses of NAT servers that workers should know. */
bool dest_replies_digest(struct digest *d);

/* lb_digest.c */
extern const struct module_digest service_digests[];

/* lb_stats.c */
/** struct lb_sum: counters and rates of several servers. */
struct lb_sum {
	struct dpvs_lb_stats stats;
	float rate[LB_STATS_COUNT];
};

void lb_stats_add(struct dpvs_lb_stats *to, const struct dpvs_lb_stats *n);
void lb_rates(const float rate[LB_STATS_COUNT], struct dpvs_lb_rates *ret_rates);
/** rs_stats: as shown. */
void rs_stats(const struct rs *rs, struct dpvs_lb_stats *ret_stats);
/**
 * vs_sum_start, vs_sum_part: what a service shows is the sum over the servers in its list and what those that
 * it had had counted. A part adds @max servers from @from on, NULL: the first. Returns where to go on, or
 * NULL. Between two parts others may have their turn; the sum is worth nothing when sums_epoch has moved.
 */
void vs_sum_start(const struct vs *vs, struct lb_sum *ret_sum);
const struct rs *vs_sum_part(const struct vs *vs, const struct rs *from, uint32_t max, struct lb_sum *sum);
/** rs_reset: counters and rates of @rs are 0 from here on. rs_retire: the same; its service keeps what was counted. */
void rs_reset(struct rs *rs);
/** rs_zero: the same, but what is not in @zero was counted since. */
void rs_zero(struct rs *rs, const struct dpvs_lb_stats *zero);
void rs_retire(struct rs *rs);
int service_job_rates(void);

/* lb_zero.c */
int service_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count);
/** dest_take: on a worker: where the counters of some servers are. */
void dest_take(const void *payload);

/* lb_get.c */
int service_get_version(struct dpvs_req *req, const void *record);
int service_get_info(struct dpvs_req *req, const void *record);
int service_get_all(struct dpvs_req *req, const void *record);
int service_get_one(struct dpvs_req *req, const void *record);
int service_get_dests(struct dpvs_req *req, const void *record);
int laddr_get(struct dpvs_req *req, const void *record);
/** lb_get_slice: what a slice of a list may do, in units of looking at a service; for tests to make it less. */
extern uint32_t lb_get_slice;
/** lb_get_fini: ends the lists that are on their way; before vs_table_fini(). */
void lb_get_fini(void);

/* laddr_ctl.c */
/** laddr_unlink_all: takes all local addresses from @vs; @keep and returns as dest_unlink_all(). */
int laddr_unlink_all(struct change *c, struct vs *vs, uint64_t keep);
/** laddr_discard: frees the list of @vs; workers have ended. */
void laddr_discard(struct vs *vs);
/** laddr_describe: for the workers' object. */
void laddr_describe(const struct vs_laddr *vl, struct service_laddr *ret_laddr);

/* laddr_slot.c */
/** laddr_counts: of a slot: connections now, and connections refused since it was given out. */
void laddr_counts(uint32_t index, uint64_t *ret_conns, uint64_t *ret_misses);

/* timeouts.c */
void timeouts_init(void);
int timeouts_ctl_set(struct change *c, const void *record);
int timeouts_get(struct dpvs_req *req, const void *record);
void timeouts_apply(const void *data, uint32_t len);
bool timeouts_digest_copy(struct digest *d);
bool timeouts_digest_truth(struct digest *d);

#endif
