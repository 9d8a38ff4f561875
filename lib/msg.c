/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message system's memory: msg_pool, the rings of each lcore, the doorbells; start, end, and the
 * functions that look into a message. msg_priv.h has the picture.
 */
#include "msg_priv.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "fault_point.h"

enum {
	DEFAULT_POOL = 4095, /* one less than a power of two is what rte_mempool holds best */
	DEFAULT_DATA = 512,
	DEFAULT_BUDGET = 8,
	DEFAULT_TIMEOUT_MS = 2000,
	CACHE_MAX = 32, /* objects that a lcore may keep to itself */
	POOL_MAX = 1 << 20,
	DATA_MAX = 64 << 10,
};

struct msg_sys msg_sys;
__thread struct msg_self msg_self;

struct lcore_msg *
msg_find_self(void)
{
	unsigned int id = rte_lcore_id();
	struct lcore_msg *me = id < RTE_MAX_LCORE ? msg_sys.lcores[id] : NULL;

	/* A thread that is no lcore may become one. */
	if (me != NULL)
		msg_self = (struct msg_self){ .me = me, .epoch = msg_sys.epoch };
	return me;
}

/*
 * ---- start and end
 */

/*
 * The NUMA node of @lcore. rte_lcore_to_socket_id() tells that of the CPU whose number is the lcore's,
 * which need not be the CPU that it runs on (--lcores 1@40).
 */
static int
lcore_socket(uint32_t lcore)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	unsigned int cpu;

	/* EAL has noted the nodes of CPUs under lcore id = CPU number. */
	for (cpu = 0; cpu < CPU_SETSIZE && cpu < RTE_MAX_LCORE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			return (int)rte_lcore_to_socket_id(cpu);
	}
	return SOCKET_ID_ANY;
}

/*
 * Without huge pages, memory that nobody has written to is not there yet, though it reads as zeros: page faults
 * (10 to 15 us each on a virtual machine) are for the start, not for a worker's loop.
 */
static void
touch(void *memory, size_t size)
{
	memset(memory, 0, size);
}

static struct rte_ring *
make_ring(const char *what, uint32_t lcore, uint32_t slots, unsigned int flags)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "msg_%s_%u", what, lcore);
	/* A ring of n slots holds n - 1. */
	ring = rte_ring_create(name, rte_align32pow2(slots + 1), lcore_socket(lcore), flags);
	if (ring != NULL)
		touch(ring + 1, ring->size * sizeof(void *));
	return ring;
}

static void
lcore_free(struct lcore_msg *lc)
{
	unsigned int i;

	if (lc == NULL)
		return;
	for (i = 0; i < RING_COUNT; i++)
		rte_ring_free(lc->rings[i]);
	if (lc->bell.efd >= 0)
		close(lc->bell.efd);
	rte_free(lc);
}

/* What the slots of a ring are for; see msg_priv.h. */
static bool
make_rings(struct lcore_msg *lc, uint32_t pool_size)
{
	/* Rings of requests and answers stay usable when a producer is preempted in the middle. */
	const unsigned int many = RING_F_MP_RTS_ENQ | RING_F_SC_DEQ;
	static const _Atomic uint32_t no_ring;
	uint32_t slots = msg_sys.ring_soft + MULTICAST_MAX + RTE_MAX_LCORE;
	unsigned int i;

	lc->rings[RING_HIGH] = make_ring("high", lc->lcore, slots, many);
	lc->rings[RING_NORM] = make_ring("norm", lc->lcore, slots, many);
	lc->rings[RING_LOW] = make_ring("low", lc->lcore, slots, many);
	lc->rings[RING_REPLY] = make_ring("reply", lc->lcore, pool_size + 1, many);
	if (lc->worker != UINT32_MAX)
		lc->rings[RING_COMMIT] = make_ring("commit", lc->lcore, COMMIT_RING - 1,
						   RING_F_SP_ENQ | RING_F_SC_DEQ);
	for (i = 0; i < RING_COUNT; i++) {
		struct rte_ring *ring = lc->rings[i];

		if (ring == NULL && (i != RING_COMMIT || lc->worker != UINT32_MAX))
			return false;
		/* The same place whichever way its producers synchronise. */
		lc->look.tail[i] = ring == NULL ? &no_ring :
						(const _Atomic uint32_t *)(uintptr_t)&ring->prod.tail;
	}
	return true;
}

static struct lcore_msg *
lcore_new(uint32_t lcore, uint32_t worker, uint32_t pool_size)
{
	struct lcore_msg *lc;

	lc = rte_zmalloc_socket("msg_lcore", sizeof(*lc), alignof(struct lcore_msg), lcore_socket(lcore));
	if (lc == NULL)
		return NULL;
	touch(lc, sizeof(*lc));
	lc->lcore = lcore;
	lc->worker = worker;
	lc->next_seq = 1;
	lc->cache = rte_mempool_default_cache(msg_sys.pool, lcore);
	TAILQ_INIT(&lc->pending);
	lc->bell.efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (lc->bell.efd < 0 || !make_rings(lc, pool_size)) {
		lcore_free(lc);
		return NULL;
	}
	return lc;
}

static void
pool_init_obj(struct rte_mempool *pool, void *arg, void *obj, unsigned int index)
{
	struct dpvs_msg *msg = obj;

	(void)pool;
	(void)arg;
	(void)index;
	atomic_init(&msg->refs, 0);
}

static int
pool_new(uint32_t size)
{
	uint32_t obj = sizeof(struct dpvs_msg) + msg_sys.data_size +
		       msg_sys.nworkers * (uint32_t)sizeof(struct reply_slot);
	uint32_t lcores = msg_sys.nworkers + 1;
	/* What idle lcores keep in their caches is lost to the others: an eighth at most. */
	uint32_t cache = RTE_MIN(size / (8 * lcores), (uint32_t)CACHE_MAX);
	struct rte_mempool *pool;

	pool = rte_mempool_create_empty("msg_pool", size, obj, cache, 0,
					(int)rte_socket_id(), 0);
	if (pool == NULL)
		return -ENOMEM;
	if (rte_mempool_set_ops_byname(pool, "ring_mt_rts", NULL) < 0 ||
	    rte_mempool_populate_default(pool) < 0) {
		rte_mempool_free(pool);
		return -ENOMEM;
	}
	rte_mempool_obj_iter(pool, pool_init_obj, NULL);
	msg_sys.pool = pool;
	return 0;
}

/* Frees all that msg_init() made, whether it was all or part. */
static void
free_all(void)
{
	unsigned int i;

	for (i = 0; i < RTE_MAX_LCORE; i++) {
		lcore_free(msg_sys.lcores[i]);
		msg_sys.lcores[i] = NULL;
	}
	rte_mempool_free(msg_sys.pool);
	memset(&msg_sys, 0, sizeof(msg_sys));
}

int
dpvs_msg_init(const struct dpvs_msg_params *params)
{
	static const struct dpvs_msg_params none;
	static uint64_t epochs;
	uint32_t pool_size, lcore, i;
	int rc;

	if (msg_sys.pool != NULL)
		return -EEXIST;
	if (params == NULL)
		params = &none;
	pool_size = params->pool_size > 0 ? params->pool_size : DEFAULT_POOL;
	if (pool_size > POOL_MAX || params->data_size > DATA_MAX)
		return -EINVAL;
	msg_sys.epoch = ++epochs;
	msg_sys.main_lcore = rte_get_main_lcore();
	msg_sys.nworkers = 0;
	RTE_LCORE_FOREACH_WORKER(lcore)
		msg_sys.workers[msg_sys.nworkers++] = lcore;
	msg_sys.budget = params->budget > 0 ? params->budget : DEFAULT_BUDGET;
	msg_sys.timeout_ms = params->timeout_ms > 0 ? params->timeout_ms : DEFAULT_TIMEOUT_MS;
	msg_sys.tsc_hz = rte_get_tsc_hz();
	msg_sys.slice = msg_sys.tsc_hz / 1000000 * (params->slice_us > 0 ? params->slice_us : SLICE_US);
	msg_sys.ns_per_cycle = 1e9 / (double)msg_sys.tsc_hz;
	/* A quarter of the pool: one lcore that is stuck leaves three for the others. */
	msg_sys.ring_soft = RTE_MAX(pool_size / 4, 16u);
	msg_sys.data_size = params->data_size > 0 ? params->data_size : DEFAULT_DATA;
	/* The list of all workers has to fit. */
	msg_sys.data_size = RTE_MAX(msg_sys.data_size,
				    (uint32_t)(sizeof(struct dpvs_msg_workers) +
					       msg_sys.nworkers * sizeof(struct dpvs_msg_worker)));
	msg_sys.data_size = RTE_ALIGN_CEIL(msg_sys.data_size, 8u);

	rc = pool_new(pool_size);
	if (rc < 0)
		goto err;
	rc = -ENOMEM;
	msg_sys.lcores[msg_sys.main_lcore] = lcore_new(msg_sys.main_lcore, UINT32_MAX, pool_size);
	if (msg_sys.lcores[msg_sys.main_lcore] == NULL)
		goto err;
	for (i = 0; i < msg_sys.nworkers; i++) {
		lcore = msg_sys.workers[i];
		msg_sys.lcores[lcore] = lcore_new(lcore, i, pool_size);
		if (msg_sys.lcores[lcore] == NULL)
			goto err;
	}
	rc = msg_types_init();
	if (rc < 0)
		goto err;
	rc = msg_source_start();
	if (rc < 0) {
		msg_types_fini();
		goto err;
	}
	return 0;

err:
	free_all();
	return rc;
}

/* Messages that nobody will handle: their owners may have something to give back. */
static void
drain(struct lcore_msg *lc)
{
	struct dpvs_msg *msg;
	unsigned int i;

	for (i = 0; i < REQUEST_RINGS; i++) {
		for (;;) {
			msg = lc->deferred[i];
			lc->deferred[i] = NULL;
			if (msg == NULL)
				msg = msg_take(lc, i);
			if (msg == NULL)
				break;
			/* A multicast is on other rings too and owns nothing. */
			if ((msg->flags & DPVS_MSG_F_MULTICAST) == 0 &&
			    lc->types[msg->type].on_drop != NULL)
				lc->types[msg->type].on_drop(msg);
		}
	}
}

void
dpvs_msg_fini(void)
{
	unsigned int i;

	if (msg_sys.pool == NULL)
		return;
	msg_source_stop();
	for (i = 0; i < RTE_MAX_LCORE; i++) {
		if (msg_sys.lcores[i] != NULL)
			drain(msg_sys.lcores[i]);
	}
	msg_cancel_pending(msg_sys.lcores[msg_sys.main_lcore]);
	msg_types_fini();
	free_all();
}

/*
 * ---- one message
 */

struct dpvs_msg *
dpvs_msg_new(uint32_t type, uint32_t len)
{
	struct lcore_msg *me = msg_me();
	struct dpvs_msg *msg;
	void *obj;

	if (me == NULL || type >= DPVS_MSG_TYPE_COUNT)
		return NULL;
	if (len > msg_sys.data_size || FAULT_POINT("msg.pool") ||
	    rte_mempool_generic_get(msg_sys.pool, &obj, 1, me->cache) < 0) {
		count_add(&msg_counters(me, type)->send_failed, 1);
		atomic_fetch_add_explicit(&msg_sys.pool_failures, 1, memory_order_relaxed);
		return NULL;
	}
	msg = obj;
	/* What its last user did to it comes before what we do, however it came here. */
	if (atomic_load_explicit(&msg->refs, memory_order_acquire) != 0)
		rte_panic("message %p came out of the pool while somebody has it\n", obj);
	msg->type = type;
	msg->len = len;
	msg->seq = me->next_seq++;
	msg->flags = 0;
	msg->sender = me->lcore;
	msg->status = 0;
	atomic_store_explicit(&msg->refs, 1, memory_order_relaxed);
	msg->prio = atomic_load_explicit(&msg_sys.prio[type], memory_order_relaxed);
	msg->done = NULL;
	msg->late = NULL;
	msg->arg = NULL;
	msg->is_pending = false;
	msg->expired = false;
	msg->is_commit = false;
	return msg;
}

void
msg_release(struct lcore_msg *me, struct dpvs_msg *msg)
{
	void *obj = msg;

	atomic_store_explicit(&msg->refs, 0, memory_order_release);
	rte_mempool_generic_put(msg_sys.pool, &obj, 1, me->cache);
}

void
dpvs_msg_free(struct dpvs_msg *msg)
{
	struct lcore_msg *me = msg_me();

	if (msg != NULL && me != NULL)
		msg_release(me, msg);
}

void *
dpvs_msg_data(struct dpvs_msg *msg)
{
	return msg->data;
}

uint32_t
dpvs_msg_len(const struct dpvs_msg *msg)
{
	return msg->len;
}

void
dpvs_msg_set_len(struct dpvs_msg *msg, uint32_t len)
{
	msg->len = RTE_MIN(len, msg_sys.data_size);
}

uint32_t
dpvs_msg_room(const struct dpvs_msg *msg)
{
	(void)msg;
	return msg_sys.data_size;
}

uint32_t
dpvs_msg_sender(const struct dpvs_msg *msg)
{
	return msg->sender;
}

uint32_t
dpvs_msg_seq(const struct dpvs_msg *msg)
{
	return msg->seq;
}

uint32_t
dpvs_msg_flags(const struct dpvs_msg *msg)
{
	return msg->flags;
}

int
dpvs_msg_status(const struct dpvs_msg *msg)
{
	return msg->status;
}

/* The slot that the calling worker answers a multicast in. */
static struct reply_slot *
own_slot(struct dpvs_msg *msg)
{
	struct lcore_msg *me = msg_me();

	if ((msg->flags & DPVS_MSG_F_MULTICAST) == 0 || me == NULL || me->worker == UINT32_MAX)
		return NULL;
	return &msg_slots(msg)[me->worker];
}

void
dpvs_msg_set_status(struct dpvs_msg *msg, int status)
{
	struct reply_slot *slot = own_slot(msg);

	if (slot != NULL)
		slot->status = status;
	else
		msg->status = status;
}

void
dpvs_msg_set_reply_u64(struct dpvs_msg *msg, uint64_t value)
{
	struct reply_slot *slot = own_slot(msg);

	if (slot != NULL)
		slot->value = value;
}

/* The slot of worker @lcore, NULL if there is none. */
static const struct reply_slot *
slot_of(const struct dpvs_msg *msg, uint32_t lcore)
{
	const struct lcore_msg *lc = lcore < RTE_MAX_LCORE ? msg_sys.lcores[lcore] : NULL;

	if ((msg->flags & DPVS_MSG_F_MULTICAST) == 0 || lc == NULL || lc->worker == UINT32_MAX)
		return NULL;
	return &msg_slots(msg)[lc->worker];
}

uint64_t
dpvs_msg_reply_u64(const struct dpvs_msg *msg, uint32_t lcore)
{
	const struct reply_slot *slot = slot_of(msg, lcore);

	return slot == NULL ? 0 : slot->value;
}

int
dpvs_msg_reply_status(const struct dpvs_msg *msg, uint32_t lcore)
{
	const struct reply_slot *slot = slot_of(msg, lcore);

	return slot == NULL ? -ENODEV : slot->status;
}

int
dpvs_msg_answered(const struct dpvs_msg *msg, uint32_t lcore)
{
	const struct reply_slot *slot = slot_of(msg, lcore);

	return slot != NULL && slot->answered;
}

void
dpvs_msg_pool_get(struct dpvs_msg_pool_info *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	if (msg_sys.pool == NULL)
		return;
	ret_info->size = msg_sys.pool->size;
	ret_info->in_use = rte_mempool_in_use_count(msg_sys.pool);
	ret_info->obj_bytes = msg_sys.pool->elt_size;
	ret_info->failures = atomic_load_explicit(&msg_sys.pool_failures, memory_order_relaxed);
}
