/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GETs of families service and laddr: what is configured, and what it has counted. Services are listed in
 * the order of adding, servers and local addresses likewise within their service. All of it is read from what
 * was committed last (vs_view()); workers are not asked, their counters are read.
 *
 * A list is made in slices, and the next one when the client has read most of the last: so main serves others
 * in between and one client costs little memory, however long the list is. Where a list goes on: at a service,
 * which the list holds and which stays in its place while anybody does; in a service behind the server or
 * address with the last number. So what is there all the time is listed, once, whatever comes and goes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "lb/conn.h"
#include "lb/sched.h"
#include "lb/truth.h"
#include "net/netif.h"

/* IPVS 1.2.1: what a client of the kernel's IPVS would be told. */
#define IPVS_VERSION 0x010201u

/*
 * Units of a slice: looking at a service is worth 1, reading the counters of a server, a cache line of each
 * worker, is worth COST. In all less than a millisecond, and 160 KiB of answers.
 */
#define SLICE 8192u
#define COST  8u

/* Sums over the servers of a service are begun anew when servers come or go; after so many times, in one go. */
#define SUMS_MAX 16u

/** struct list: an answer on its way. */
struct list {
	struct dpvs_req *req;
	/** Lists @vs, whose object is @svc, or goes on with it. Returns false when the slice is over. */
	bool (*add)(struct list *l, const struct vs *vs, const struct service *svc);
	struct dpvs_service_key filter;
	bool one;        /**< the filter names one service */
	struct vs *vs;   /**< goes on here, counted; NULL: all is said */
	uint32_t left;   /**< of the slice */
	uint64_t last;   /**< order of the last server or address of @vs that was listed; 0: none yet */
	uint64_t generation;
	const struct rs *sum_next; /**< goes on here with the sum over the servers of @vs */
	struct lb_sum sum;
	uint64_t sum_epoch;
	uint32_t sums;   /**< how often it was begun; 0: not for this service */
	TAILQ_ENTRY(list) link;
};

TAILQ_HEAD(list_list, list);

uint32_t lb_get_slice = SLICE;

/* Those that wait for their clients. */
static struct list_list lists = TAILQ_HEAD_INITIALIZER(lists);

/* Answers of one record. */

int
service_get_info(struct dpvs_req *req, const void *record)
{
	struct dpvs_lb_info info = {
		.version = IPVS_VERSION,
		.conn_size = conn_capacity(),
		.num_services = vs_count(),
		.num_workers = lcore_worker_count(),
	};

	(void)record;
	dpvs_req_add(req, &info, sizeof(info));
	return 0;
}

int
service_get_version(struct dpvs_req *req, const void *record)
{
	return service_get_info(req, record);
}

/* Services. */

/* Sums up the counters of @vs. Returns false when the slice is over before. */
static bool
add_sum(struct list *l, const struct vs *vs)
{
	uint32_t max;

	if (l->sums == 0 || l->sum_epoch != vs->sums_epoch) {
		vs_sum_start(vs, &l->sum);
		l->sum_next = NULL;
		l->sum_epoch = vs->sums_epoch;
		l->sums++;
	}
	max = l->sums > SUMS_MAX ? UINT32_MAX : l->left / COST + 1;
	l->left -= MIN(l->left, vs->dests_len * COST);
	l->sum_next = vs_sum_part(vs, l->sum_next, max, &l->sum);
	return l->sum_next == NULL;
}

static bool
add_service(struct list *l, const struct vs *vs, const struct service *svc)
{
	struct dpvs_service_info info = { 0 };

	if (!add_sum(l, vs))
		return false;
	key_to_wire(&vs->key, &info.conf.key);
	g_strlcpy(info.conf.sched, svc->sched->name, sizeof(info.conf.sched));
	info.conf.sched_flags = svc->sched_flags;
	info.conf.conn_timeout_s = svc->conn_timeout_s;
	info.num_dests = svc->num_dests;
	info.num_laddrs = svc->num_laddrs;
	info.stats = l->sum.stats;
	lb_rates(l->sum.rate, &info.rates);
	dpvs_req_add(l->req, &info, sizeof(info));
	l->left -= MIN(l->left, COST);
	return true;
}

/* Servers. */

static uint64_t
order_of(const struct service *svc, uint32_t i)
{
	return dest_slot(svc->dests[i].index)->order;
}

/* The first server behind the one with order @last. */
static uint32_t
dest_behind(const struct service *svc, uint64_t last)
{
	uint32_t low = 0;
	uint32_t high = svc->num_dests;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (order_of(svc, middle) <= last)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
add_dests(struct list *l, const struct vs *vs, const struct service *svc)
{
	const uint32_t first = l->last == 0 ? 0 : dest_behind(svc, l->last);
	struct dpvs_dest_info info = { 0 };

	key_to_wire(&vs->key, &info.conf.svc);
	for (uint32_t i = first; i < svc->num_dests; i++) {
		const struct dest *dest = &svc->dests[i];
		const struct rs *rs = dest_slot(dest->index);

		if (l->left == 0 && i > first)
			return false;
		addr_to_wire(dest->af, &dest->addr, &info.conf.addr);
		info.conf.port = ntohs(dest->port);
		info.conf.fwd = dest->fwd;
		info.conf.weight = dest->weight;
		info.active_conns = dest_active_total(dest->index);
		info.inactive_conns = dest_inactive_total(dest->index);
		rs_stats(rs, &info.stats);
		lb_rates(rs->rate, &info.rates);
		dpvs_req_add(l->req, &info, sizeof(info));
		l->left -= MIN(l->left, COST);
		l->last = rs->order;
	}
	return true;
}

/* Local addresses. */

static uint32_t
laddr_behind(const struct service *svc, uint64_t last)
{
	uint32_t low = 0;
	uint32_t high = svc->num_laddrs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (svc->laddrs[middle].order <= last)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
add_laddrs(struct list *l, const struct vs *vs, const struct service *svc)
{
	const uint32_t first = laddr_behind(svc, l->last);
	struct dpvs_laddr_info info = { 0 };

	key_to_wire(&vs->key, &info.conf.svc);
	for (uint32_t i = first; i < svc->num_laddrs; i++) {
		const struct service_laddr *laddr = &svc->laddrs[i];

		if (l->left == 0 && i > first)
			return false;
		addr_to_wire(svc->af, &laddr->addr, &info.conf.addr);
		memset(info.conf.dev, 0, sizeof(info.conf.dev));
		g_strlcpy(info.conf.dev, netif_name(laddr->port), sizeof(info.conf.dev));
		laddr_counts(laddr->index, &info.conns, &info.port_misses);
		dpvs_req_add(l->req, &info, sizeof(info));
		l->left -= MIN(l->left, COST);
		l->last = laddr->order;
	}
	return true;
}

/* Lists. */

/* Does @vs fit a filter? Members that are zero fit everything. */
static bool
key_matches(const struct vs *vs, const struct dpvs_service_key *filter)
{
	struct dpvs_service_key key;

	key_to_wire(&vs->key, &key);
	return filter->fwmark == 0 &&
	       (filter->vip.family == 0 || memcmp(&filter->vip, &key.vip, sizeof(key.vip)) == 0) &&
	       (filter->port == 0 || filter->port == key.port) &&
	       (filter->proto == 0 || filter->proto == key.proto);
}

/* On to the next service, or to the end. */
static void
next(struct list *l)
{
	struct vs *vs = l->vs;

	l->vs = l->one ? NULL : TAILQ_NEXT(vs, link);
	l->last = 0;
	l->sums = 0;
	if (l->vs != NULL)
		vs_ref(l->vs);
	vs_unref(vs);
}

/* One slice. Returns false when there is more. */
static bool
list_slice(struct list *l)
{
	l->left = lb_get_slice;
	while (l->vs != NULL) {
		const struct service *svc = vs_view(l->vs);

		if (l->left == 0)
			return false;
		l->left--;
		if (svc != NULL && (l->one || key_matches(l->vs, &l->filter)) && !l->add(l, l->vs, svc))
			return false;
		next(l);
	}
	return true;
}

static void
list_free(struct list *l)
{
	TAILQ_REMOVE(&lists, l, link);
	if (l->vs != NULL)
		vs_unref(l->vs);
	g_free(l);
}

static void
list_go_on(struct dpvs_req *req, void *arg)
{
	struct list *l = arg;

	if (!dpvs_req_cancelled(req)) {
		if (change_generation() != l->generation)
			dpvs_req_set_flags(req, DPVS_REPLY_CHANGED);
		if (!list_slice(l)) {
			dpvs_req_on_drained(req, list_go_on, l);
			return;
		}
	}
	list_free(l);
	dpvs_req_end(req, 0);
}

void
lb_get_fini(void)
{
	struct list *l;

	while ((l = TAILQ_FIRST(&lists)) != NULL) {
		struct dpvs_req *req = l->req;

		dpvs_req_on_drained(req, NULL, NULL);
		list_free(l);
		dpvs_req_end(req, -ESHUTDOWN);
	}
}

/* Does a key name one service, rather than filter? */
static bool
is_full(const struct dpvs_service_key *key)
{
	return key->vip.family != 0 && key->port != 0 && key->proto != 0;
}

/* The services that a record asks for. A full key that names none is an error, as in LVS. */
static int
list_new(struct dpvs_req *req, const struct dpvs_service_key *filter, bool one,
	 bool (*add)(struct list *l, const struct vs *vs, const struct service *svc))
{
	struct list first = {
		.req = req, .add = add, .filter = *filter, .one = one, .generation = change_generation(),
	};
	struct list *l;
	int err;

	if (one) {
		err = vs_of_key(filter, &first.vs);
		if (err != 0)
			return err;
	} else {
		first.vs = TAILQ_FIRST(vs_all());
	}
	if (first.vs != NULL)
		vs_ref(first.vs);
	if (list_slice(&first))
		return 0;
	l = g_memdup2(&first, sizeof(first));
	TAILQ_INSERT_TAIL(&lists, l, link);
	dpvs_req_on_drained(req, list_go_on, l);
	return DPVS_REQ_PENDING;
}

int
service_get_all(struct dpvs_req *req, const void *record)
{
	int err = list_new(req, record, is_full(record), add_service);

	return err == -ESRCH ? 0 : err; /* a filter that nothing fits */
}

int
service_get_one(struct dpvs_req *req, const void *record)
{
	int err = list_new(req, record, true, add_service);

	if (err == -ESRCH)
		dpvs_req_error(req, err, "there is no such service");
	else if (err < 0)
		dpvs_req_error(req, err, "the key does not name a service");
	return err;
}

int
service_get_dests(struct dpvs_req *req, const void *record)
{
	int err = list_new(req, record, is_full(record), add_dests);

	if (err == -ESRCH)
		dpvs_req_error(req, err, "there is no such service");
	return err;
}

int
laddr_get(struct dpvs_req *req, const void *record)
{
	return list_new(req, record, false, add_laddrs);
}
