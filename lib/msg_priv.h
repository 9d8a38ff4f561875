/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the message system share: msg.c (pool, rings, doorbells, start and end), msg_send.c
 * (sending, answers, deadlines), msg_process.c (receiving, sleeping), msg_types.c (types, the built-in
 * ones) and msg_stats.c (counters).
 *
 * Way of a message: dpvs_msg_new() takes an object of msg_pool; a send puts it on a ring of the receiver,
 * by priority; the receiver runs the handler and puts the same object on the reply ring of the sender, or
 * back into the pool when nobody waits. A multicast object is on the rings of all workers at once; the
 * last one to finish puts it on the sender's reply ring.
 *
 * Why nothing overflows. An object is on at most one ring of a lcore at a time. A reply ring has more
 * slots than the pool has objects: answering cannot fail. A request ring takes unicasts up to ring_soft
 * messages; the slots above that are for multicasts, of which the main lcore keeps at most
 * MULTICAST_MAX unanswered, and for senders that looked at the level at the same moment, at most one for
 * each lcore: a multicast that was admitted cannot fail half-way. The commit ring has a slot for each
 * of COMMIT_MAX reservations.
 *
 * Thread-safety: struct lcore_msg says for each field who writes it.
 */
#ifndef MSG_PRIV_H
#define MSG_PRIV_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include <dpvsctrl/msg.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ /* as gcc says it */
#endif
#endif

enum {
	MULTICAST_MAX = 256, /* unanswered at once; a stuck worker makes further ones fail */
	COMMIT_MAX = 256,    /* reserved and unanswered at once */
	COMMIT_RING = 512,   /* next power of two above COMMIT_MAX */
	SLICE_US = 20,       /* a worker that has handled messages for so long goes back to its packets */
	MAIN_BUDGET = 64,    /* messages the main lcore handles before its other sources have their turn */

	/* Histograms of TSC cycles: 2^SUB_BITS steps for each power of two, the last step for all above. */
	RTT_SUB_BITS = 2,
	RTT_STEPS = 168, /* up to 2^43 cycles, most of an hour */
	HANDLER_SUB_BITS = 4,
	HANDLER_STEPS = 560, /* up to 2^38 cycles, a minute */
};

/** The rings of a lcore: requests in the order in which they are served, then answers. */
enum {
	RING_HIGH,
	RING_COMMIT, /* workers only */
	RING_NORM,
	RING_LOW,
	REQUEST_RINGS,
	RING_REPLY = REQUEST_RINGS, /* answers to own requests */
	RING_COUNT,
};

/** Values of struct doorbell.state. */
enum {
	BELL_QUIET, /* awake, nothing rang since it last looked */
	BELL_ARMED, /* asleep or about to be: who rings has to write the eventfd */
	BELL_RUNG,  /* rang since it last looked */
};

/**
 * struct doorbell: how a lcore is woken. Who puts something on a ring fences and sets BELL_RUNG, unless
 * it is set; if that took away BELL_ARMED it writes the eventfd. Who goes to sleep moves QUIET to ARMED;
 * if it finds RUNG it clears that and does not sleep. Either the sender sees ARMED, or the sleeper sees
 * RUNG, or it clears RUNG before it looks at its rings and then sees what is on them. So a bell that
 * rings while the lcore is awake is not lost either: the next attempt to sleep ends at once.
 */
struct doorbell {
	_Atomic uint32_t state; /* BELL_* */
	int efd;
};

/** struct reply_slot: what one worker answers to a multicast. */
struct reply_slot {
	uint64_t value;
	int32_t status;
	uint32_t answered;
};

/**
 * struct dpvs_msg: an object of msg_pool. What comes first belongs to the sender all the time, also while
 * the receiver has the rest: so a deadline can pass without touching what is under way. The rest belongs
 * to whoever has the message (of a multicast: read-only while it is under way, but for @refs). A small
 * payload is in the cache line of the header: a message is one line that goes from CPU to CPU. A line in
 * between keeps the sender's out of the pair that CPUs fetch together.
 */
struct dpvs_msg {
	TAILQ_ENTRY(dpvs_msg) pending; /* by deadline */
	uint64_t deadline;             /* TSC */
	uint64_t sent;                 /* TSC */
	dpvs_msg_done_fn done;
	dpvs_msg_done_fn late; /* of a commit */
	void *arg;
	bool is_pending; /* in the list */
	bool expired;    /* done() has been called with -ETIMEDOUT */
	bool is_commit;

	unsigned char apart[RTE_CACHE_LINE_SIZE] __rte_cache_aligned;

	uint32_t type __rte_cache_aligned;
	uint32_t len; /* payload, bytes */
	uint32_t seq; /* counts per sending lcore */
	uint32_t flags;
	uint32_t sender; /* lcore id */
	int32_t status;
	/* Multicast: workers that have not finished. In the pool 0, stored with release, loaded with acquire. */
	_Atomic uint32_t refs;
	uint32_t prio;
	unsigned char data[]; /* msg_sys.data_size bytes, then the reply slots */
};

static_assert(offsetof(struct dpvs_msg, data) % 32 == 0, "what msg.h says of the payload's alignment");

/** struct type_counters: of one type on one lcore. Written by that lcore alone, read by any. */
struct type_counters {
	_Atomic uint64_t sent;
	_Atomic uint64_t received;
	_Atomic uint64_t replied;
	_Atomic uint64_t send_failed;
	_Atomic uint64_t timed_out;
	_Atomic uint64_t late;
	_Atomic uint64_t rtts;
	_Atomic uint64_t rtt_total; /* TSC cycles: whoever reads turns them into nanoseconds */
	_Atomic uint64_t rtt_max;
	_Atomic uint32_t rtt_hist[RTT_STEPS];
};

/** struct handler_times: loops of one lcore that handled messages. Written by that lcore alone. */
struct handler_times {
	_Atomic uint64_t loops;
	_Atomic uint64_t total; /* TSC cycles */
	_Atomic uint64_t max;
	_Atomic uint32_t hist[HANDLER_STEPS];
};

TAILQ_HEAD(msg_list, dpvs_msg);

/**
 * struct look: all of its own that a lcore reads to know whether there is something to do; one cache line.
 * @tail: where the producers of a ring say how far it is filled; of a ring that is not there &no_ring
 * @taken: how far it was emptied
 * @deferred: messages to go on with
 */
struct look {
	const _Atomic uint32_t *tail[RING_COUNT];
	uint32_t taken[RING_COUNT];
	uint32_t deferred;
} __rte_cache_aligned;

static_assert(sizeof(struct look) == RTE_CACHE_LINE_SIZE, "one line");

/**
 * struct lcore_msg: one lcore's part of the message system. CPUs fetch lines in pairs: what others write, what they
 * only read, and what is the lcore's own are a pair apart each.
 */
struct lcore_msg {
	uint32_t lcore;  /* constant */
	uint32_t worker; /* index among the workers; UINT32_MAX: main. Constant */
	struct rte_ring *rings[RING_COUNT]; /* any lcore puts, own takes. Constant */

	struct doorbell bell __rte_aligned(2 * RTE_CACHE_LINE_SIZE); /* any lcore */

	/* own lcore only */
	struct look look __rte_aligned(2 * RTE_CACHE_LINE_SIZE);
	struct dpvs_msg *deferred[REQUEST_RINGS]; /* to go on with in the next loop */
	uint32_t resume;   /* request ring to go on with when @cut */
	bool cut;          /* the last loop ended because its time was over */
	uint32_t looks;    /* for nothing, since the deadlines were last compared with the time */
	bool unheard;      /* a deadline is over, but answers had come that were not taken yet: */
	uint32_t heard;    /* when .look.taken is here, they are */
	struct dpvs_msg *current; /* whose handler runs */
	bool defer;               /* it asked to be called again */
	uint64_t limit;           /* TSC at which this loop's time for messages is over */
	uint32_t next_seq;
	struct rte_mempool_cache *cache; /* own objects of msg_pool */
	struct msg_list pending; /* own requests that wait for an answer, first deadline first */
	struct dpvs_msg_type types[DPVS_MSG_TYPE_COUNT]; /* .name NULL: none. Before launch: main */
	_Atomic uint32_t zeroed; /* msg_sys.zero_wanted when the numbers below were last set to zero */
	struct type_counters counters[DPVS_MSG_TYPE_COUNT];
	struct handler_times handlers;
};

/** struct msg_sys: all of it; constant while workers run but for what is marked. */
struct msg_sys {
	struct rte_mempool *pool;
	struct lcore_msg *lcores[RTE_MAX_LCORE]; /* NULL: not enabled */
	uint32_t workers[RTE_MAX_LCORE];         /* lcore id by worker index */
	uint32_t nworkers;
	uint32_t main_lcore;
	uint32_t data_size;
	uint32_t budget;
	uint64_t slice; /* TSC cycles after which a worker handles no further message in a loop */
	uint32_t timeout_ms;
	uint32_t ring_soft; /* unicasts on one request ring */
	uint64_t tsc_hz;
	double ns_per_cycle;
	uint64_t epoch; /* another one after each dpvs_msg_init(); 0: none */
	_Atomic uint64_t pool_failures;
	_Atomic uint32_t prio[DPVS_MSG_TYPE_COUNT]; /* main: rw, workers: ro */
	_Atomic uint32_t zero_wanted;               /* main: rw, workers: ro */

	/* main lcore only; apart from what workers read with every message */
	struct _GSource *source __rte_aligned(2 * RTE_CACHE_LINE_SIZE);
	uint64_t armed;      /* TSC for which the source's ready time is set; 0: none */
	uint32_t multicasts; /* unanswered */
	uint32_t commits;    /* unanswered */
	uint32_t reserved;   /* slots promised to dpvs_msg_commit() */
	bool silent[RTE_MAX_LCORE]; /* as dpvs_msg_set_silent() was told */
	uint32_t unconfirmed[DPVS_MSG_TYPE_COUNT]; /* REG and UNREG on their way */
};

extern struct msg_sys msg_sys;

/**
 * struct msg_self: where the calling lcore's part is. rte_lcore_id() in a shared library calls
 * __tls_get_addr(), which costs more than all the rest of an empty look for messages; these few bytes of
 * our own may be of the kind that needs no call, and still leave the library fit for dlopen(3).
 */
struct msg_self {
	struct lcore_msg *me;
	uint64_t epoch; /* msg_sys.epoch when it was looked up */
};

extern __thread struct msg_self msg_self __attribute__((tls_model("initial-exec")));

struct lcore_msg *msg_find_self(void);

/** msg_me: the calling lcore's part; NULL: not a lcore, or not initialised. */
static inline struct lcore_msg *
msg_me(void)
{
	return msg_self.epoch == msg_sys.epoch ? msg_self.me : msg_find_self();
}

/* Adds to a counter that only this lcore writes. */
static inline void
count_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline struct reply_slot *
msg_slots(const struct dpvs_msg *msg)
{
	return (struct reply_slot *)(uintptr_t)(msg->data + msg_sys.data_size);
}

/**
 * msg_ring_full: has a request ring as many messages as unicasts may make it have? Not rte_ring_count():
 * that masks the difference of two ends that it reads one after the other, and calls a ring full when the
 * reader was preempted in between and messages went through meanwhile.
 */
static inline bool
msg_ring_full(const struct rte_ring *ring)
{
	uint32_t prod = __atomic_load_n(&ring->prod.tail, __ATOMIC_RELAXED);
	uint32_t cons = __atomic_load_n(&ring->cons.tail, __ATOMIC_RELAXED);

	return (int32_t)(prod - cons) >= (int32_t)msg_sys.ring_soft;
}

/*
 * ThreadSanitizer tells atomics apart by their address: what producers of an RTS ring release with all 8
 * bytes of its tail, the consumer acquires with the upper 4. This load shows it that the two are one word. And it
 * does not know fences: of other rings the load is what msg_prefetch() has a fence for.
 */
static inline void
msg_ring_acquire(const struct rte_ring *ring)
{
#ifdef __SANITIZE_THREAD__
	if (ring->prod.sync_type == RTE_RING_SYNC_MT_RTS)
		(void)__atomic_load_n(&ring->rts_prod.tail.raw, __ATOMIC_ACQUIRE);
	else
		(void)__atomic_load_n(&ring->prod.tail, __ATOMIC_ACQUIRE);
#else
	(void)ring;
#endif
}

/* Is there something in ring @i? Says nothing about what: see msg_take(). */
static inline uint32_t
msg_has(const struct look *look, unsigned int i)
{
	return atomic_load_explicit(look->tail[i], memory_order_relaxed) ^ look->taken[i];
}

/* Is there a request to handle, or to go on with? */
static inline bool
msg_has_requests(const struct lcore_msg *me)
{
	const struct look *look = &me->look;

	static_assert(REQUEST_RINGS == 4, "all of them");
	return (look->deferred | msg_has(look, 0) | msg_has(look, 1) | msg_has(look, 2) | msg_has(look, 3)) != 0;
}

/* Is there anything for @me to do? This is what nearly every loop of a worker asks: a line of its own, five of rings. */
static inline bool
msg_has_work(const struct lcore_msg *me)
{
	return ((uint32_t)msg_has_requests(me) | msg_has(&me->look, RING_REPLY)) != 0;
}

/* Is the first deadline of own requests over at @now, TSC? */
static inline bool
msg_is_late(const struct lcore_msg *me, uint64_t now)
{
	const struct dpvs_msg *first = TAILQ_FIRST(&me->pending);

	return first != NULL && first->deadline <= now;
}

/* Of ring @i, in which there is something: has the header of the first message brought here. */
static inline void
msg_prefetch(const struct lcore_msg *me, unsigned int i)
{
	const struct rte_ring *ring = me->rings[i];
	struct dpvs_msg *const *slots = (struct dpvs_msg *const *)(ring + 1);

	msg_ring_acquire(ring);
	rte_atomic_thread_fence(memory_order_acquire);
	rte_prefetch0(&slots[me->look.taken[i] & ring->mask]->type);
}

/* The next message of ring @i, NULL if there is none. */
static inline struct dpvs_msg *
msg_take(struct lcore_msg *me, unsigned int i)
{
	void *msg;

	if (msg_has(&me->look, i) == 0)
		return NULL;
	msg_ring_acquire(me->rings[i]);
	if (rte_ring_sc_dequeue(me->rings[i], &msg) != 0)
		return NULL;
	me->look.taken[i]++;
	return msg;
}

/* msg.c */
void msg_release(struct lcore_msg *me, struct dpvs_msg *msg);

/* msg_send.c */
void msg_answer(struct lcore_msg *me, struct dpvs_msg *msg);
unsigned int msg_take_replies(struct lcore_msg *me, unsigned int budget, uint64_t now);
void msg_check_deadlines(struct lcore_msg *me, uint64_t now);
void msg_cancel_pending(struct lcore_msg *me);

/* msg_process.c */
void msg_ring_bell(struct doorbell *bell);
int msg_source_start(void);
void msg_source_stop(void);
void msg_source_deadline(uint64_t deadline);

/* msg_types.c */
int msg_types_init(void);
void msg_types_fini(void);

/* msg_stats.c */
void msg_count_rtt(struct lcore_msg *me, uint32_t type, uint64_t cycles);
void msg_count_handlers(struct lcore_msg *me, uint64_t cycles);
void msg_zero_own(struct lcore_msg *me);

/* To be called before own numbers change: sets them to zero if main wants that. */
static inline void
msg_follow_zero(struct lcore_msg *me)
{
	if (unlikely(atomic_load_explicit(&msg_sys.zero_wanted, memory_order_relaxed) !=
		     atomic_load_explicit(&me->zeroed, memory_order_relaxed)))
		msg_zero_own(me);
}

static inline struct type_counters *
msg_counters(struct lcore_msg *me, uint32_t type)
{
	msg_follow_zero(me);
	return &me->counters[type];
}

#endif
