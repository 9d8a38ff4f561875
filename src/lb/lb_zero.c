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

/* Slots or servers looked at for one question. */
#define SCAN 8192u

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
	uint64_t last;       /**< order of its last server that was asked for; 0: none yet */
	uint32_t slot;       /**< of all: goes on here */
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

/* The next servers of all. Returns false: there are no more. */
static bool
collect_all(struct zero_job *z)
{
	uint32_t used = dest_slots_used();
	uint32_t scanned = 0;

	for (; z->slot < used && z->count < PART && (scanned < SCAN || z->count == 0); z->slot++, scanned++) {
		const struct rs *rs = dest_slot(z->slot);

		if (rs != NULL && rs->vs != NULL)
			put(z, rs);
	}
	return z->count > 0;
}

/* The same of the services that were named. */
static bool
collect_named(struct zero_job *z)
{
	for (; z->service < z->services->len && z->count < PART; z->service++) {
		const struct vs *vs = g_ptr_array_index(z->services, z->service);
		const struct rs *rs;

		TAILQ_FOREACH (rs, &vs->dests, link) {
			if (rs->order <= z->last)
				continue;
			if (z->count == PART)
				return true; /* this one goes on */
			put(z, rs);
			z->last = rs->order;
		}
		z->last = 0;
	}
	return z->count > 0;
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

static int
next(struct collect_job *job, bool answered)
{
	struct zero_job *z = job->arg;
	struct zero_ask ask = { .ask = { .what = STATS_OF_DESTS, .action = COLLECT_ZERO } };
	struct vs *vs;

	if (answered)
		set_zero(z);
	z->count = 0;
	if (z->services != NULL ? collect_named(z) : collect_all(z)) {
		ask.count = z->count;
		memcpy(ask.slots, z->slots, sizeof(z->slots));
		memcpy(job->payload, &ask, sizeof(ask));
		job->len = sizeof(ask);
		return 1;
	}
	for (guint i = 0; z->services != NULL && i < z->services->len; i++)
		forget_retired(g_ptr_array_index(z->services, i));
	if (z->services == NULL)
		TAILQ_FOREACH (vs, vs_all(), link)
			forget_retired(vs);
	return 0;
}

static void
end(struct collect_job *job)
{
	struct zero_job *z = job->arg;

	if (z->services != NULL)
		g_ptr_array_unref(z->services);
	g_free(z);
}

int
service_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct dpvs_service_key *keys = records;
	static const struct dpvs_service_key all;
	struct zero_job *z = g_new0(struct zero_job, 1);
	struct collect_job job = { .kind = &stats_collect, .req = req, .next = next, .end = end, .arg = z };
	bool any = count == 0;

	for (uint32_t i = 0; i < count; i++)
		any = any || memcmp(&keys[i], &all, sizeof(all)) == 0;
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
		if (!any)
			g_ptr_array_add(z->services, vs_ref(vs));
	}
	return collect_start(&job);
}
