/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET and SET 8103: the pool of ports of each local address, as each worker has it. Workers take what they know of
 * their own blocks and connections themselves, some addresses at a time (message SAPOOL_STATS), so what one worker says of an
 * address is of one point between two packets.
 */
#include <string.h>

#include <dpvsctrl/proto/laddr.h>

#include "core/change.h"
#include "core/collect.h"
#include "lb/laddr.h"
#include "lb/laddr_port.h"
#include "lb/laddr_priv.h"
#include "lb/truth.h"
#include "net/netif.h"

/* Addresses in one question, and slots looked at for it. */
#define PART 64u
#define SCAN 4096u

/** struct pool_ask: a question. */
struct pool_ask {
	uint32_t count;
	uint32_t slots[PART];
};

/** struct pool: what a worker says of an address. */
struct pool {
	uint32_t conns;
	uint16_t blocks;
	uint16_t idle;
	uint64_t port_misses;
};

/** struct pool_job: a request. An address keeps its slot, so what is there all the time is told once. */
struct pool_job {
	uint32_t slot;  /**< goes on here */
	uint32_t count; /**< in the question under way */
	struct laddr_id ids[PART];
	bool zero;
};

/* Written by each worker for itself, read by main when it has answered. */
static struct pool taken[WORKERS_MAX][PART];
static uint64_t generations[WORKERS_MAX];

static void
take(const void *payload)
{
	const struct pool_ask *ask = payload;
	unsigned int worker = lcore_me()->worker;

	generations[worker] = change_generation_of(lcore_of_worker(worker));
	for (uint32_t i = 0; i < ask->count; i++) {
		const struct laddr_lcore *ll = &laddr_lcores[worker][ask->slots[i]];

		taken[worker][i] = (struct pool){
			.conns = ll->conns,
			.port_misses = ll->port_misses,
			.blocks = (uint16_t)laddr_port_blocks(worker, ask->slots[i]),
			.idle = (uint16_t)laddr_port_idle(worker, ask->slots[i]),
		};
	}
}

static void
add(struct dpvs_req *req, const struct laddr_id *id, unsigned int worker, const struct pool *p)
{
	struct dpvs_laddr_pool_info info = {
		.lcore = lcore_of_worker(worker),
		.blocks = p->blocks,
		.idle_blocks = p->idle,
		.conns = p->conns,
		.port_misses = p->port_misses - laddr_zero_of(id->index, worker),
		.generation = generations[worker],
	};

	addr_to_wire(id->key.af, &id->key.addr, &info.addr);
	g_strlcpy(info.dev, netif_name(id->port), sizeof(info.dev));
	dpvs_req_add(req, &info, sizeof(info));
}

/* What the workers have said. */
static void
tell(struct collect_job *job, const struct pool_job *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct laddr_id *id = &p->ids[i];

		/* Its slot may have changed hands meanwhile. */
		if (!laddr_is(id))
			continue;
		for (unsigned int w = 0; w < lcore_worker_count(); w++) {
			if (p->zero)
				laddr_zero_set(id->index, w, taken[w][i].port_misses);
			else
				add(job->req, id, w, &taken[w][i]);
		}
	}
}

/* One question more, also when it is for no address: so others have their turn. */
static int
next(struct collect_job *job, bool answered)
{
	struct pool_job *p = job->arg;
	struct pool_ask ask = { 0 };
	uint32_t used = laddr_slots_used();

	if (answered)
		tell(job, p);
	if (p->slot >= used)
		return 0;
	p->count = 0;
	for (uint32_t n = 0; n < SCAN && p->slot < used && p->count < PART; n++, p->slot++) {
		if (laddr_at(p->slot, &p->ids[p->count]))
			ask.slots[p->count++] = p->slot;
	}
	ask.count = p->count;
	memcpy(job->payload, &ask, sizeof(ask));
	job->len = sizeof(ask);
	return 1;
}

static void
end(struct collect_job *job)
{
	g_free(job->arg);
}

static int
start(struct dpvs_req *req, bool zero)
{
	struct pool_job *p = g_new0(struct pool_job, 1);
	const struct collect_job job = {
		.kind = &laddr_collect,
		.req = req,
		.next = next,
		.end = end,
		.arg = p,
	};

	p->zero = zero;
	return collect_start(&job);
}

int
laddr_ctl_pools(struct dpvs_req *req, const void *record)
{
	(void)record;
	return start(req, false);
}

int
laddr_ctl_zero(struct dpvs_req *req, const void *records, uint32_t count)
{
	(void)records;
	(void)count;
	return start(req, true);
}

static_assert(sizeof(struct pool_ask) <= COLLECT_PAYLOAD, "fits");

const struct collect_kind laddr_collect = {
	.msg = DPVS_MSG_SAPOOL_STATS,
	.what = "pools of local addresses",
	.take = take,
};
