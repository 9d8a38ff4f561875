/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiver's side of messages: rings are served by priority within a budget, handlers are called and
 * their answers sent; a worker sleeps until its doorbell rings; on the main lcore the doorbell is a
 * GSource of the default context.
 */
#include "msg_priv.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

/* Looks for nothing between two comparisons of the first deadline with the time. */
#define LOOKS 64

/*
 * The caller has put something where @bell's owner will look. Pairs with doorbell_arm(): either the fence
 * here makes us see that it is armed, or the one there makes it see what we put.
 */
void
msg_ring_bell(struct doorbell *bell)
{
	uint64_t one = 1;

	rte_atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&bell->state, memory_order_relaxed) == BELL_RUNG)
		return;
	if (atomic_exchange_explicit(&bell->state, BELL_RUNG, memory_order_seq_cst) != BELL_ARMED)
		return;
	/* It can only fail when the count is at its limit, and then the sleeper wakes anyway. */
	if (write(bell->efd, &one, sizeof(one)) < 0)
		return;
}

/* Returns true when the caller may sleep; false when the bell rang since it last looked. */
static bool
doorbell_arm(struct doorbell *bell)
{
	uint32_t quiet = BELL_QUIET;
	bool armed;

	armed = atomic_compare_exchange_strong_explicit(&bell->state, &quiet, BELL_ARMED,
							memory_order_seq_cst,
							memory_order_relaxed);
	rte_atomic_thread_fence(memory_order_seq_cst);
	return armed;
}

/* Awake: what rings from now on is news. The caller looks at its rings after this. */
static void
doorbell_clear(struct doorbell *bell)
{
	atomic_store_explicit(&bell->state, BELL_QUIET, memory_order_seq_cst);
	rte_atomic_thread_fence(memory_order_seq_cst);
}

/*
 * Takes back what was written to the eventfd, when poll() said that there is something. One who rang but
 * has not written yet wakes us once for nothing later.
 */
static void
doorbell_drain(struct doorbell *bell)
{
	uint64_t count;

	if (read(bell->efd, &count, sizeof(count)) < 0)
		return;
}

/* Calls the handler. Returns false when it wants to be called again. */
static bool
handle(struct lcore_msg *me, struct dpvs_msg *msg)
{
	const struct dpvs_msg_type *type = &me->types[msg->type];
	dpvs_msg_fn fn = me->worker == UINT32_MAX ? type->on_main : type->on_worker;
	bool multicast = (msg->flags & DPVS_MSG_F_MULTICAST) != 0;
	uint32_t number = msg->type;

	me->defer = false;
	if (fn != NULL) {
		me->current = msg;
		fn(msg);
		me->current = NULL;
		if (me->defer)
			return false;
	} else {
		dpvs_msg_set_status(msg, -EOPNOTSUPP);
		if (!multicast)
			msg->flags |= DPVS_MSG_F_UNKNOWN;
	}
	count_add(&msg_counters(me, number)->received, 1);
	if (multicast) {
		msg_slots(msg)[me->worker].answered = 1;
		count_add(&msg_counters(me, number)->replied, 1);
		/* The last one sees the slots of all the others. */
		if (atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel) == 1)
			msg_answer(me, msg);
	} else if ((msg->flags & DPVS_MSG_F_REPLY) != 0) {
		count_add(&msg_counters(me, number)->replied, 1);
		msg_answer(me, msg);
	} else {
		if (fn == NULL && type->on_drop != NULL)
			type->on_drop(msg);
		msg_release(me, msg);
	}
	return true;
}

/* Handles the next message of ring @i. Returns false when there is none. */
static bool
serve_one(struct lcore_msg *me, unsigned int i, bool *ret_deferred)
{
	struct dpvs_msg *msg = me->deferred[i];

	if (msg != NULL)
		me->look.deferred--;
	else
		msg = msg_take(me, i);
	me->deferred[i] = NULL;
	if (msg == NULL)
		return false;
	*ret_deferred = !handle(me, msg);
	if (*ret_deferred) {
		me->deferred[i] = msg;
		me->look.deferred++;
	}
	return true;
}

/*
 * Is the time of this loop over, after a message of ring @i? Then the next loop goes on with the ring
 * after it, so that slow handlers of one priority do not keep the others waiting for good.
 */
static bool
time_is_over(struct lcore_msg *me, unsigned int i, uint64_t limit, uint64_t *now)
{
	if (limit == UINT64_MAX)
		return false;
	*now = rte_rdtsc();
	if (*now < limit)
		return false;
	me->resume = (i + 1) % REQUEST_RINGS;
	me->cut = true;
	return true;
}

/*
 * Serves the request rings, high priority first, until TSC @limit. Each ring has at least one message
 * served, so that a flood of one priority slows the others but does not stop them. *@now is the time after
 * the last one when there is a limit.
 */
static unsigned int
serve_rings(struct lcore_msg *me, unsigned int budget, uint64_t limit, uint64_t *now)
{
	unsigned int total = 0, first = me->resume;
	bool deferred = false;
	unsigned int i, n;

	/* After a loop that was cut short: one of each ring, from where it stopped. */
	for (n = 0; me->cut && n < REQUEST_RINGS; n++) {
		i = (first + n) % REQUEST_RINGS;
		if (!serve_one(me, i, &deferred))
			continue;
		total++;
		if (time_is_over(me, i, limit, now))
			return total;
	}
	me->cut = false;
	for (i = 0; i < REQUEST_RINGS; i++) {
		for (n = 0; n == 0 || total < budget; n++) {
			if (!serve_one(me, i, &deferred))
				break;
			total++;
			if (time_is_over(me, i, limit, now))
				return total;
			if (deferred)
				break;
		}
	}
	return total;
}

void
dpvs_msg_defer(struct dpvs_msg *msg)
{
	struct lcore_msg *me = msg_me();

	if (me != NULL && me->current == msg)
		me->defer = true;
}

int
dpvs_msg_slice_over(void)
{
	const struct lcore_msg *me = msg_me();

	return me != NULL && me->current != NULL && rte_rdtsc() >= me->limit;
}

/*
 * Has the lines of other lcores that we are going to need brought here while we look at what comes before them: the
 * first message of each ring, and on a worker main's ring of answers, as nearly all requests are main's.
 */
static inline void
prefetch_first(const struct lcore_msg *me)
{
	const struct rte_ring *answers = msg_sys.lcores[msg_sys.main_lcore]->rings[RING_REPLY];
	unsigned int i;

	for (i = 0; i < RING_COUNT; i++) {
		if (msg_has(&me->look, i) != 0)
			msg_prefetch(me, i);
	}
	if (me->worker != UINT32_MAX) {
		rte_prefetch0(&answers->prod);
		rte_prefetch0(&answers->cons);
	}
}

/*
 * A deadline is over. Has every answer been taken that was here when that was first seen? One loop takes a bounded
 * number, and the one that is missed may be among the rest: we are late then, not who answered.
 */
static bool
all_heard(struct lcore_msg *me)
{
	if (msg_has(&me->look, RING_REPLY) != 0) {
		if (!me->unheard) {
			me->unheard = true;
			me->heard = atomic_load_explicit(me->look.tail[RING_REPLY], memory_order_relaxed);
		}
		if ((int32_t)(me->look.taken[RING_REPLY] - me->heard) < 0)
			return false;
	}
	me->unheard = false;
	return true;
}

/*
 * One look at everything: answers, deadlines, requests. @start: TSC of a moment ago. To read the time takes as
 * long as much of the rest, the longer the more loads are under way: it is read once before all of them, by a
 * caller that can, before the message came, and on workers, whose time in handlers is what packets wait for, once
 * more when answers are on their way.
 */
static unsigned int
process(struct lcore_msg *me, uint64_t start)
{
	bool worker = me->worker != UINT32_MAX;
	unsigned int budget = worker ? msg_sys.budget : MAIN_BUDGET;
	unsigned int n = 0, served = 0;
	uint64_t now = 0;

	prefetch_first(me);
	if (msg_has(&me->look, RING_REPLY) != 0)
		n = msg_take_replies(me, budget, start);
	if (msg_is_late(me, start) && all_heard(me))
		msg_check_deadlines(me, start);
	me->looks = 0;
	me->limit = worker ? start + msg_sys.slice : UINT64_MAX;
	if (msg_has_requests(me))
		served = serve_rings(me, budget, me->limit, &now);
	if (worker && n + served > 0) {
		/* CPUs may disagree a little about the time, callers more. */
		now = served > 0 ? now : rte_rdtsc();
		msg_count_handlers(me, RTE_MAX(now, start) - start);
	}
	return n + served;
}

/*
 * Nothing came: is a deadline over? They are milliseconds, so who looks for messages all the time need not
 * read the time each time.
 */
static inline bool
is_late(struct lcore_msg *me)
{
	if (TAILQ_EMPTY(&me->pending) || ++me->looks < LOOKS)
		return false;
	me->looks = 0;
	return msg_is_late(me, rte_rdtsc());
}

unsigned int
dpvs_msg_process(void)
{
	struct lcore_msg *me = msg_me();

	if (me == NULL || (!msg_has_work(me) && !is_late(me)))
		return 0;
	return process(me, rte_rdtsc());
}

unsigned int
dpvs_msg_process_main(void)
{
	struct lcore_msg *me = msg_me();

	if (me == NULL || me->worker != UINT32_MAX || (!msg_has_work(me) && !is_late(me)))
		return 0;
	return process(me, rte_rdtsc());
}

unsigned int
dpvs_msg_process_at(uint64_t tsc)
{
	struct lcore_msg *me = msg_me();

	if (me == NULL || (!msg_has_work(me) && !msg_is_late(me, tsc)))
		return 0;
	return process(me, tsc);
}

void
dpvs_msg_sleep(uint32_t timeout_us)
{
	struct timespec ts = { timeout_us / 1000000, (long)(timeout_us % 1000000) * 1000 };
	struct lcore_msg *me = msg_me();
	struct pollfd pfd;

	if (me == NULL)
		return;
	if (doorbell_arm(&me->bell) && !msg_has_work(me)) {
		pfd = (struct pollfd){ .fd = me->bell.efd, .events = POLLIN };
		if (ppoll(&pfd, 1, &ts, NULL) > 0)
			doorbell_drain(&me->bell);
	}
	doorbell_clear(&me->bell);
	me->looks = LOOKS; /* time has passed */
}

void
dpvs_msg_ring_doorbell(uint32_t lcore)
{
	struct lcore_msg *lc = lcore < RTE_MAX_LCORE ? msg_sys.lcores[lcore] : NULL;

	if (lc != NULL)
		msg_ring_bell(&lc->bell);
}

/*
 * ---- the main lcore's source
 */

/** struct msg_source: our GSource; its ready time is the first deadline. */
struct msg_source {
	GSource base;
	gpointer tag;
};

static gboolean
source_prepare(GSource *base, gint *timeout)
{
	struct lcore_msg *me = msg_sys.lcores[msg_sys.main_lcore];

	(void)base;
	*timeout = -1;
	doorbell_clear(&me->bell);
	if (!msg_has_work(me) && doorbell_arm(&me->bell) && !msg_has_work(me))
		return FALSE;
	doorbell_clear(&me->bell);
	return TRUE;
}

static gboolean
source_check(GSource *base)
{
	struct lcore_msg *me = msg_sys.lcores[msg_sys.main_lcore];
	struct msg_source *src = (struct msg_source *)base;

	if (g_source_query_unix_fd(base, src->tag) != 0)
		doorbell_drain(&me->bell);
	doorbell_clear(&me->bell);
	return msg_has_work(me);
}

/* Has the source made ready at TSC @deadline, 0: never. */
static void
source_arm(uint64_t deadline)
{
	uint64_t now = rte_rdtsc();
	gint64 wait_us = 0;

	msg_sys.armed = deadline;
	if (deadline == 0) {
		g_source_set_ready_time(msg_sys.source, -1);
		return;
	}
	if (deadline > now)
		wait_us = (gint64)((double)(deadline - now) * 1e6 / (double)msg_sys.tsc_hz) + 1;
	g_source_set_ready_time(msg_sys.source, g_get_monotonic_time() + wait_us);
}

/*
 * A request's deadline may be the first now. To set the time of a source costs a system call, so it is
 * only brought forward here; when it comes it finds that requests have been answered meanwhile, and is
 * set anew.
 */
void
msg_source_deadline(uint64_t deadline)
{
	if (msg_sys.source != NULL && (msg_sys.armed == 0 || deadline < msg_sys.armed))
		source_arm(deadline);
}

static gboolean
source_dispatch(GSource *base, GSourceFunc fn, gpointer data)
{
	const struct dpvs_msg *first;

	(void)base;
	(void)fn;
	(void)data;
	process(msg_sys.lcores[msg_sys.main_lcore], rte_rdtsc());
	/* A handler may have ended it all. */
	if (msg_sys.source != NULL && msg_sys.armed != 0 && rte_rdtsc() >= msg_sys.armed) {
		first = TAILQ_FIRST(&msg_sys.lcores[msg_sys.main_lcore]->pending);
		source_arm(first != NULL ? first->deadline : 0);
	}
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

int
msg_source_start(void)
{
	GSource *base = g_source_new(&source_funcs, sizeof(struct msg_source));
	struct msg_source *src = (struct msg_source *)base;

	src->tag = g_source_add_unix_fd(base, msg_sys.lcores[msg_sys.main_lcore]->bell.efd, G_IO_IN);
	g_source_set_name(base, "msg");
	g_source_attach(base, NULL);
	msg_sys.source = base;
	return 0;
}

void
msg_source_stop(void)
{
	if (msg_sys.source == NULL)
		return;
	g_source_destroy(msg_sys.source);
	g_source_unref(msg_sys.source);
	msg_sys.source = NULL;
}
