/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SET 201: the counters of services begin at zero. Workers are asked where the counters of a server are, a few
 * servers at a time, and take that between two packets (message STATS_GET); the sum is what main subtracts from then on.
 * So the five counters of a server begin at the same packet, on each worker.
 */
#include <errno.h>
#include <string.h>

#include <dpvsctrl/server.h>

#include "core/stats_ctl.h"
#include "lb/truth.h"

/* Servers in one question: some microseconds of a worker's time. */
#define PART 100u

/* Slots looked at for one question, and services forgotten about in one go. */
#define SCAN 4096u

/** struct zero_ask: a question. */
struct zero_ask {
	struct stats_ask ask;
	uint32_t count;
	uint32_t slots[PART];
};

static_assert(sizeof(struct zero_ask) <= COLLECT_PAYLOAD, "fits");

/** struct zero_job: a request. */
struct zero_job {
	GPtrArray *services; /**< struct vs, counted; NULL: all */
	guint service;       /**< the one that is next, or under way */
	struct vs_cursor at; /**< in its list of servers */
	uint32_t slot;       /**< of all: goes on here */
	bool forgets;        /**< servers are done, what services had of those they lost is next: */
	struct vs *forget;   /**< of all: of this one, counted; NULL: at the end */
	uint32_t count;      /**< in the question under way */
	uint32_t slots[PART];
	uint32_t generations[PART]; /**< of the slots */
};

/* Written by each worker for itself, read by main when it has answered. */
static struct dpvs_lb_stats taken[WORKERS_MAX][PART];

void
dest_take(const void *payload)
{
	const struct zero_ask *ask = payload;
	unsigned int worker = lcore_me()->worker;

	for (uint32_t i = 0; i < ask->count; i++) {
		const struct dest_lcore *dl = &dest_lcores[worker][ask->slots[i]];

		taken[worker][i] = (struct dpvs_lb_stats){
			.conns = dl->conns,
			.in_pkts = dl->in_pkts,
			.out_pkts = dl->out_pkts,
			.in_bytes = dl->in_bytes,
			.out_bytes = dl->out_bytes,
		};
	}
}

static void
put(struct zero_job *z, const struct rs *rs)
{
	z->slots[z->count] = rs->index;
	z->generations[z->count++] = rs->generation;
}

/* The next servers of all. Returns false: there are no more. There may be none among those looked at. */
static bool
collect_all(struct zero_job *z)
{
	uint32_t used = dest_slots_used();
	uint32_t end = MIN(z->slot + SCAN, used);

	if (z->slot >= used)
		return false;
	for (; z->slot < end && z->count < PART; z->slot++) {
		const struct rs *rs = dest_slot(z->slot);

		if (rs != NULL && rs->vs != NULL)
			put(z, rs);
	}
	return true;
}

/* The same of the services that were named. */
static bool
collect_named(struct zero_job *z)
{
	if (z->service >= z->services->len)
		return false;
	while (z->count < PART && z->service < z->services->len) {
		struct vs *vs = g_ptr_array_index(z->services, z->service);

		if (z->at.vs != vs)
			dest_cursor_set(&z->at, vs);
		for (; z->at.next != NULL && z->count < PART; z->at.next = TAILQ_NEXT(z->at.next, link))
			put(z, z->at.next);
		if (z->at.next == NULL) {
			dest_cursor_set(&z->at, NULL);
			z->service++;
		}
	}
	return true;
}

/* What the workers have taken is where the servers begin; not one whose slot has changed hands meanwhile. */
static void
set_zero(const struct zero_job *z)
{
	for (uint32_t i = 0; i < z->count; i++) {
		struct rs *rs = dest_slot(z->slots[i]);
		struct dpvs_lb_stats sum = { 0 };

		if (rs == NULL || rs->vs == NULL || rs->generation != z->generations[i])
			continue;
		for (unsigned int w = 0; w < lcore_worker_count(); w++)
			lb_stats_add(&sum, &taken[w][i]);
		rs_zero(rs, &sum);
	}
}

static void
forget_retired(struct vs *vs)
{
	memset(&vs->retired, 0, sizeof(vs->retired));
	vs->sums_epoch++;
}

/* What services had of servers they have no more: of some. Returns false when that was all. */
static bool
forget_some(struct zero_job *z)
{
	if (z->services != NULL) {
		for (guint i = 0; i < z->services->len; i++)
			forget_retired(g_ptr_array_index(z->services, i));
		return false;
	}
	if (!z->forgets && !TAILQ_EMPTY(vs_all()))
		z->forget = vs_ref(TAILQ_FIRST(vs_all()));
	z->forgets = true;
	for (uint32_t i = 0; i < SCAN && z->forget != NULL; i++) {
		struct vs *vs = z->forget;

		forget_retired(vs);
		z->forget = TAILQ_NEXT(vs, link);
		if (z->forget != NULL)
			vs_ref(z->forget);
		vs_unref(vs);
	}
	return z->forget != NULL;
}

/* One question more, also when it is for no server: so others have their turn. */
static int
next(struct collect_job *job, bool answered)
{
	struct zero_job *z = job->arg;
	struct zero_ask ask = { .ask = { .what = STATS_OF_DESTS, .action = COLLECT_ZERO } };

	if (answered)
		set_zero(z);
	z->count = 0;
	if (z->forgets || !(z->services != NULL ? collect_named(z) : collect_all(z))) {
		if (!forget_some(z))
			return 0;
	}
	ask.count = z->count;
	memcpy(ask.slots, z->slots, z->count * sizeof(z->slots[0]));
	memcpy(job->payload, &ask, sizeof(ask));
	job->len = sizeof(ask);
	return 1;
}

static void
end(struct collect_job *job)
{
	struct zero_job *z = job->arg;

	dest_cursor_set(&z->at, NULL);
	if (z->forget != NULL)
		vs_unref(z->forget);
	if (z->services != NULL)
		g_ptr_array_unref(z->services);
	g_free(z);
}

int
service_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_service_key *keys = records;
	static const struct dpvs_service_key all;
	static uint64_t serial;
	struct zero_job *z = g_new0(struct zero_job, 1);
	struct collect_job job = { .kind = &stats_collect, .req = req, .next = next, .end = end, .arg = z };
	bool any = count == 0;

	for (uint32_t i = 0; i < count; i++)
		any = any || memcmp(&keys[i], &all, sizeof(all)) == 0;
	serial++;
	if (!any)
		z->services = g_ptr_array_new_with_free_func(vs_unref);
	for (uint32_t i = 0; i < count; i++) {
		struct vs *vs;
		int err;

		if (memcmp(&keys[i], &all, sizeof(all)) == 0)
			continue;
		err = vs_of_key(&keys[i], &vs);
		if (err < 0) {
			end(&job);
			dpvs_req_error_index(req, i);
			return dpvs_req_error(req, err, err == -ESRCH ? "there is no such service" :
									"the key does not name a service");
		}
		if (!any && vs->zeroed != serial)
			g_ptr_array_add(z->services, vs_ref(vs));
		vs->zeroed = serial;
	}
	return collect_start(&job);
}
