/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services, real servers and local addresses as the main lcore keeps them: the truth from which the objects
 * for workers (lb/service.h) are built. Private to the control side of src/lb:
 *
 *   service.c      worker's view, look-up, publication; the module
 *   service_ctl.c  SET 200, 202 to 204, 208    dest.c     SET 205 to 207
 *   dest_slot.c    slots of servers, and those removed while connections hold them
 *   lb_key.c       keys and addresses from and to the wire
 *   lb_build.c     from truth to worker objects, once per service and change
 *   lb_stats.c     sums, zeroing (SET 201), rates        lb_get.c    GET 200 to 204
 *   laddr.c        family laddr           timeouts.c   SET and GET 8100
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

#include "lb/addr_table.h"
#include "lb/service.h"

struct change;
struct dpvs_req;
struct laddr;
struct sched_ops;

/** Members of struct dpvs_lb_stats and struct dpvs_lb_rates. */
#define LB_STATS_COUNT 5

/** struct rs: a real server of one virtual address. It outlives its service while connections hold its slot. */
struct rs {
	struct addr_key vip; /**< address, port and protocol of the service */
	union ip_addr addr;
	rte_be16_t port;
	uint8_t fwd;
	bool replies;       /**< counted in the table of NAT servers */
	bool in_trash;      /**< removed on all workers, waits for its last connection */
	uint32_t weight;
	uint32_t last_weight;
	uint32_t index;
	uint32_t generation;
	uint32_t removals;  /**< removals that not all workers have confirmed */
	uint64_t noted;     /**< serial of the last build that has it in its list, see lb_build.c */
	struct vs *vs;      /**< NULL: removed */
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
	struct laddr *laddr;
	TAILQ_ENTRY(vs_laddr) link;
};

TAILQ_HEAD(vs_laddr_list, vs_laddr);

/** struct vs: a virtual service. Counted: the table, changes under way and removals of servers hold it. */
struct vs {
	struct addr_key key; /**< first member: the hash table's key */
	uint32_t refs;
	uint32_t index;
	bool listed; /**< in the table of services */
	uint64_t noted; /**< serial of the last build that has it in its list, see lb_build.c */
	const struct sched_ops *sched;
	uint32_t sched_flags;
	uint32_t conn_timeout_s;
	struct rs_list dests; /**< in the order of adding */
	uint32_t num_dests;
	struct vs_laddr_list laddrs;
	uint32_t num_laddrs;
	struct service *published; /**< what workers have when all changes sent are applied; NULL: nothing */
	struct dpvs_lb_stats retired; /**< of servers that it had, since the last zeroing */
	TAILQ_ENTRY(vs) link;
};

TAILQ_HEAD(vs_list, vs);

/* service_ctl.c */
int vs_table_init(uint32_t max);
void vs_table_fini(void);
const struct vs_list *vs_all(void);
uint32_t vs_count(void);
/** vs_find: the service of a key, or NULL. */
struct vs *vs_find(const struct addr_key *key);
/** vs_key: checks a key that names one service. Returns 0, -EINVAL, -EOPNOTSUPP; the change has the text. */
int vs_key(struct change *c, const struct dpvs_service_key *key, struct addr_key *ret_key);
/** vs_require: the service that a record names: 0, -ESRCH, or as vs_key(). */
int vs_require(struct change *c, const struct dpvs_service_key *key, struct vs **ret_vs);
/** vs_of_key: the same for GET: -EINVAL or -ESRCH without a text of the change. */
int vs_of_key(const struct dpvs_service_key *key, struct vs **ret_vs);
struct vs *vs_ref(struct vs *vs);
void vs_unref(void *vs);
int service_ctl_add(struct change *c, const void *record);
int service_ctl_edit(struct change *c, const void *record);
int service_ctl_del(struct change *c, const void *record);
int service_ctl_flush(struct change *c, const void *record);
int service_ctl_garp(struct change *c, const void *record);

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
/** dest_unlink_all: takes all servers from @vs. */
void dest_unlink_all(struct change *c, struct vs *vs);
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
struct rs *dest_find(const struct rs *key);
/** dest_new: a server like @key, with a slot. Returns 0, -ENOMEM, -ENOSPC. */
int dest_new(struct change *c, const struct rs *key, struct rs **ret_rs);
/**
 * dest_hold_reply: workers get to know the address of @rs as that of a NAT server, if it is one: until its
 * slot is free, also when its mode changes, because old connections stay what they are. 0 or -ENOMEM.
 */
int dest_hold_reply(struct change *c, struct rs *rs);
/** dest_trash_put: all workers know that @rs is removed; dest_trash_take: it is not any more. */
void dest_trash_put(struct rs *rs);
void dest_trash_take(struct rs *rs);
int dest_job_reap(void);

/* lb_build.c */
/** build_service: the object of @vs is built anew before the commit. */
void build_service(struct change *c, struct vs *vs);
/** build_dest: workers learn whether @rs is there. */
void build_dest(struct change *c, struct rs *rs);

/** build_discard: frees what was built of @vs; workers have ended. */
void build_discard(struct vs *vs);

/* service.c: operations for the workers. 0 or -ENOMEM. */
int service_publish(struct change *c, const struct addr_key *key, const struct service *svc, bool start);
int dest_publish_reply(struct change *c, const struct addr_key *key, bool there);
/** dest_publish_generations: @count pairs of slot and generation. */
int dest_publish_generations(struct change *c, const uint32_t (*pairs)[2], uint32_t count);

/* lb_stats.c */
/** dest_sum: a slot's counters over all workers, less nothing. */
void dest_sum(uint32_t index, struct dpvs_lb_stats *ret_sum);
void lb_stats_add(struct dpvs_lb_stats *to, const struct dpvs_lb_stats *n);
/** rs_stats, rs_rates: as shown. vs_stats, vs_rates: summed over the servers, counters of removed ones included. */
void rs_stats(const struct rs *rs, struct dpvs_lb_stats *ret_stats);
void rs_rates(const struct rs *rs, struct dpvs_lb_rates *ret_rates);
void vs_stats(const struct vs *vs, struct dpvs_lb_stats *ret_stats);
void vs_rates(const struct vs *vs, struct dpvs_lb_rates *ret_rates);
/** rs_reset: counters and rates of @rs are 0 from here on. */
void rs_reset(struct rs *rs);
int service_ctl_zero(struct change *c, const void *record);
int service_job_rates(void);

/* lb_get.c */
int service_get_version(struct dpvs_req *req, const void *record);
int service_get_info(struct dpvs_req *req, const void *record);
int service_get_all(struct dpvs_req *req, const void *record);
int service_get_one(struct dpvs_req *req, const void *record);
int service_get_dests(struct dpvs_req *req, const void *record);
/** key_matches: does @vs fit a filter? Members that are zero fit everything. */
bool key_matches(const struct vs *vs, const struct dpvs_service_key *filter);

/* laddr.c */
/** laddr_unlink_all: takes all local addresses from @vs. */
void laddr_unlink_all(struct change *c, struct vs *vs);
/** laddr_discard: frees the list of @vs; workers have ended. */
void laddr_discard(struct vs *vs);
/** laddr_describe: address and slot, for the workers' object. */
void laddr_describe(const struct laddr *laddr, struct service_laddr *ret_laddr);

/* timeouts.c */
void timeouts_init(void);
int timeouts_ctl_set(struct change *c, const void *record);
int timeouts_get(struct dpvs_req *req, const void *record);
void timeouts_apply(const void *data, uint32_t len);

#endif
