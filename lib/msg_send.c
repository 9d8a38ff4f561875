/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sender's side of messages: unicast, multicast, commit, the answers that come back, deadlines.
 *
 * A sender's requests that wait are in a list of its own lcore, first deadline first. When a deadline
 * passes, the request leaves the list, done() is called with -ETIMEDOUT, and nothing else happens: the
 * object belongs to the receiver until it comes back. When it does, late, it is known by its mark, is
 * counted and returns to the pool. An object that never comes back stays missing in the pool, where
 * dpvs_msg_pool_get() shows it; it can do no harm.
 */
#include "msg_priv.h"

#include <errno.h>

#include "fault_point.h"

static const uint8_t ring_of_prio[DPVS_MSG_PRIO_COUNT] = {
	[DPVS_MSG_PRIO_HIGH] = RING_HIGH,
	[DPVS_MSG_PRIO_NORM] = RING_NORM,
	[DPVS_MSG_PRIO_LOW] = RING_LOW,
};

static int
send_failed(struct lcore_msg *me, const struct dpvs_msg *msg, int err)
{
	count_add(&msg_counters(me, msg->type)->send_failed, 1);
	return err;
}

/* Puts a unicast on a ring of @lcore, whose bell is to be rung then. */
static int
put_unicast(struct lcore_msg *me, struct dpvs_msg *msg, uint32_t lcore)
{
	struct lcore_msg *to = lcore < RTE_MAX_LCORE ? msg_sys.lcores[lcore] : NULL;
	struct rte_ring *ring;

	if (to == NULL)
		return send_failed(me, msg, -ENODEV);
	ring = to->rings[ring_of_prio[msg->prio]];
	if (FAULT_POINT("msg.ring") || msg_ring_full(ring) || rte_ring_enqueue(ring, msg) != 0)
		return send_failed(me, msg, -ENOBUFS);
	return 0;
}

/* Files a request just sent under its deadline. Most time-outs are alike, so the place is near the end. */
static void
pending_add(struct lcore_msg *me, struct dpvs_msg *msg, uint32_t timeout_ms)
{
	uint64_t ms = timeout_ms > 0 ? timeout_ms : msg_sys.timeout_ms;
	struct dpvs_msg *before;

	msg->sent = rte_rdtsc();
	msg->deadline = msg->sent + ms * (msg_sys.tsc_hz / 1000);
	before = TAILQ_LAST(&me->pending, msg_list);
	while (before != NULL && before->deadline > msg->deadline)
		before = TAILQ_PREV(before, msg_list, pending);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&me->pending, before, msg, pending);
	else
		TAILQ_INSERT_HEAD(&me->pending, msg, pending);
	msg->is_pending = true;
	if (before == NULL && me->worker == UINT32_MAX)
		msg_source_deadline(msg->deadline);
}

static void
pending_del(struct lcore_msg *me, struct dpvs_msg *msg)
{
	if (msg->is_pending)
		TAILQ_REMOVE(&me->pending, msg, pending);
	msg->is_pending = false;
}

int
dpvs_msg_send(struct dpvs_msg *msg, uint32_t lcore)
{
	struct lcore_msg *me = msg_me();
	uint32_t type = msg->type;
	int rc;

	rc = put_unicast(me, msg, lcore);
	if (rc < 0)
		return rc;
	msg_ring_bell(&msg_sys.lcores[lcore]->bell);
	count_add(&msg_counters(me, type)->sent, 1);
	return 0;
}

int
dpvs_msg_request(struct dpvs_msg *msg, uint32_t lcore, uint32_t timeout_ms, dpvs_msg_done_fn done,
		 void *arg)
{
	struct lcore_msg *me = msg_me();
	uint32_t type = msg->type;
	int rc;

	msg->flags |= DPVS_MSG_F_REPLY;
	rc = put_unicast(me, msg, lcore);
	if (rc < 0) {
		msg->flags &= ~DPVS_MSG_F_REPLY;
		return rc;
	}
	/* What is the sender's may be written while the receiver has the rest, and the time read: that need not wait. */
	msg->done = done;
	msg->arg = arg;
	pending_add(me, msg, timeout_ms);
	/* Last: who is woken may be given our CPU at once, and its handler's time has to be in that of the answer. */
	msg_ring_bell(&msg_sys.lcores[lcore]->bell);
	count_add(&msg_counters(me, type)->sent, 1);
	return 0;
}

/* Makes @msg ready to be on the rings of all workers at once. */
static void
multicast_prepare(struct dpvs_msg *msg, dpvs_msg_done_fn done, void *arg)
{
	struct reply_slot *slots = msg_slots(msg);
	uint32_t i;

	for (i = 0; i < msg_sys.nworkers; i++)
		slots[i] = (struct reply_slot){ 0 };
	msg->flags |= DPVS_MSG_F_REPLY | DPVS_MSG_F_MULTICAST;
	msg->done = done;
	msg->arg = arg;
	atomic_store_explicit(&msg->refs, msg_sys.nworkers, memory_order_relaxed);
}

/* Without workers the answer is there at once: it takes the way of all answers. */
static void
multicast_put(struct lcore_msg *me, struct dpvs_msg *msg, unsigned int ring)
{
	uint32_t type = msg->type;
	uint32_t i;

	if (msg_sys.nworkers == 0)
		msg_answer(me, msg);
	for (i = 0; i < msg_sys.nworkers; i++) {
		struct lcore_msg *to = msg_sys.lcores[msg_sys.workers[i]];

		/* See msg_priv.h: there is room. */
		if (rte_ring_enqueue(to->rings[ring], msg) != 0)
			rte_panic("message ring of lcore %u overflows\n", to->lcore);
		msg_ring_bell(&to->bell);
	}
	count_add(&msg_counters(me, type)->sent, 1);
}

int
dpvs_msg_multicast(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done, void *arg)
{
	struct lcore_msg *me = msg_me();

	if (me->worker != UINT32_MAX)
		return send_failed(me, msg, -EPERM);
	if (FAULT_POINT("msg.multicast") || msg_sys.multicasts >= MULTICAST_MAX)
		return send_failed(me, msg, -ENOBUFS);
	msg_sys.multicasts++;
	multicast_prepare(msg, done, arg);
	pending_add(me, msg, timeout_ms);
	multicast_put(me, msg, ring_of_prio[msg->prio]);
	return 0;
}

int
dpvs_msg_commit_reserve(void)
{
	if (FAULT_POINT("msg.commit") || msg_sys.reserved + msg_sys.commits >= COMMIT_MAX)
		return -ENOBUFS;
	msg_sys.reserved++;
	return 0;
}

void
dpvs_msg_commit_release(void)
{
	if (msg_sys.reserved > 0)
		msg_sys.reserved--;
}

void
dpvs_msg_commit(struct dpvs_msg *msg, uint32_t timeout_ms, dpvs_msg_done_fn done,
		dpvs_msg_done_fn late, void *arg)
{
	struct lcore_msg *me = msg_me();

	if (msg_sys.reserved == 0)
		rte_panic("dpvs_msg_commit() without dpvs_msg_commit_reserve()\n");
	msg_sys.reserved--;
	msg_sys.commits++;
	multicast_prepare(msg, done, arg);
	msg->is_commit = true;
	msg->late = late;
	pending_add(me, msg, timeout_ms);
	multicast_put(me, msg, RING_COMMIT);
}

/* The receiver has finished with @msg: back to whom it came from. */
void
msg_answer(struct lcore_msg *me, struct dpvs_msg *msg)
{
	struct lcore_msg *to = msg_sys.lcores[msg->sender];

	(void)me;
	/* The ring is larger than the pool; nothing can be in the way but a preempted producer. */
	while (rte_ring_enqueue(to->rings[RING_REPLY], msg) != 0)
		rte_pause();
	msg_ring_bell(&to->bell);
}

/* Of a multicast: what the first worker that refused says. */
static int
multicast_status(const struct dpvs_msg *msg)
{
	const struct reply_slot *slots = msg_slots(msg);
	uint32_t i;

	for (i = 0; i < msg_sys.nworkers; i++) {
		if (slots[i].status != 0)
			return slots[i].status;
	}
	return 0;
}

static void
take_reply(struct lcore_msg *me, struct dpvs_msg *msg, uint64_t now)
{
	int status = msg->status;

	if ((msg->flags & DPVS_MSG_F_MULTICAST) != 0) {
		status = multicast_status(msg);
		msg->status = status;
		if (msg->is_commit)
			msg_sys.commits--;
		else
			msg_sys.multicasts--;
	}
	if (msg->expired) {
		count_add(&msg_counters(me, msg->type)->late, 1);
		msg_release(me, msg);
		return;
	}
	pending_del(me, msg);
	/* A request of a done() before this one may be younger than @now. */
	msg_count_rtt(me, msg->type, RTE_MAX(now, msg->sent) - msg->sent);
	if (msg->done != NULL)
		msg->done(msg, status, msg->arg);
	msg_release(me, msg);
}

/* @now: TSC of a moment ago. */
unsigned int
msg_take_replies(struct lcore_msg *me, unsigned int budget, uint64_t now)
{
	struct dpvs_msg *msg;
	unsigned int n;

	for (n = 0; n < budget && (msg = msg_take(me, RING_REPLY)) != NULL; n++)
		take_reply(me, msg, now);
	return n;
}

void
msg_check_deadlines(struct lcore_msg *me, uint64_t now)
{
	struct dpvs_msg *msg;

	while ((msg = TAILQ_FIRST(&me->pending)) != NULL && msg->deadline <= now) {
		pending_del(me, msg);
		count_add(&msg_counters(me, msg->type)->timed_out, 1);
		if (msg->is_commit) {
			/* Committed is committed: done() comes when the last worker has it. */
			if (msg->late != NULL)
				msg->late(NULL, -ETIMEDOUT, msg->arg);
			continue;
		}
		msg->expired = true;
		if (msg->done != NULL)
			msg->done(NULL, -ETIMEDOUT, msg->arg);
	}
}

/* At the end: nobody will answer, and who waits may hold something. */
void
msg_cancel_pending(struct lcore_msg *me)
{
	struct dpvs_msg *msg;

	msg_take_replies(me, UINT32_MAX, rte_rdtsc());
	while ((msg = TAILQ_FIRST(&me->pending)) != NULL) {
		pending_del(me, msg);
		if (msg->done != NULL)
			msg->done(NULL, -ECANCELED, msg->arg);
	}
}
