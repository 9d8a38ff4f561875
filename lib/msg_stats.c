/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted: of each message type, and the time that a lcore spends on messages.
 *
 * A lcore writes its own numbers and nobody else's, so to zero them is its own work too: main raises
 * msg_sys.zero_wanted, each lcore follows when it next counts, and who reads in between is told zeros.
 */
#include "msg_priv.h"

#include <errno.h>
#include <string.h>

/* The step of a histogram that @value falls into. */
static unsigned int
hist_step(uint64_t value, unsigned int sub_bits, unsigned int steps)
{
	unsigned int log2, step;

	if (value < (1u << sub_bits))
		return (unsigned int)value;
	log2 = 63 - (unsigned int)__builtin_clzll(value);
	step = (log2 << sub_bits) +
	       (unsigned int)((value >> (log2 - sub_bits)) & ((1u << sub_bits) - 1)) -
	       ((sub_bits - 1) << sub_bits);
	return RTE_MIN(step, steps - 1);
}

/* The largest value of a step. */
static uint64_t
hist_step_max(unsigned int step, unsigned int sub_bits)
{
	unsigned int log2, sub;

	if (step < (1u << sub_bits))
		return step;
	step += (sub_bits - 1) << sub_bits;
	log2 = step >> sub_bits;
	sub = step & ((1u << sub_bits) - 1);
	return (1ull << log2) + ((uint64_t)(sub + 1) << (log2 - sub_bits)) - 1;
}

/* Halves all steps when one is full, which leaves the quantiles what they are. */
static void
hist_halve(_Atomic uint32_t *hist, unsigned int steps)
{
	unsigned int i;

	for (i = 0; i < steps; i++)
		atomic_store_explicit(&hist[i], atomic_load_explicit(&hist[i], memory_order_relaxed) / 2,
				      memory_order_relaxed);
}

static void
hist_add(_Atomic uint32_t *hist, unsigned int step, unsigned int steps)
{
	uint32_t n = atomic_load_explicit(&hist[step], memory_order_relaxed) + 1;

	atomic_store_explicit(&hist[step], n, memory_order_relaxed);
	if (n == UINT32_MAX)
		hist_halve(hist, steps);
}

/* The value that @per_mille of 1,000 do not exceed; 0 of an empty histogram. */
static uint64_t
hist_quantile(const _Atomic uint32_t *hist, unsigned int sub_bits, unsigned int steps,
	      unsigned int per_mille)
{
	uint64_t total = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < steps; i++)
		total += atomic_load_explicit(&hist[i], memory_order_relaxed);
	if (total == 0)
		return 0;
	for (i = 0; i < steps - 1; i++) {
		sum += atomic_load_explicit(&hist[i], memory_order_relaxed);
		if (sum * 1000 >= total * per_mille)
			break;
	}
	return hist_step_max(i, sub_bits);
}

static uint64_t
to_ns(uint64_t cycles)
{
	return (uint64_t)((double)cycles * msg_sys.ns_per_cycle);
}

static void
count_max(_Atomic uint64_t *max, uint64_t value)
{
	if (value > atomic_load_explicit(max, memory_order_relaxed))
		atomic_store_explicit(max, value, memory_order_relaxed);
}

void
msg_count_rtt(struct lcore_msg *me, uint32_t type, uint64_t cycles)
{
	struct type_counters *c = msg_counters(me, type);

	count_add(&c->rtts, 1);
	count_add(&c->rtt_total, cycles);
	count_max(&c->rtt_max, cycles);
	hist_add(c->rtt_hist, hist_step(cycles, RTT_SUB_BITS, RTT_STEPS), RTT_STEPS);
}

void
dpvs_msg_count_operations(uint32_t type, uint32_t count)
{
	struct lcore_msg *me = msg_me();
	struct type_counters *c = msg_counters(me, type);

	if (me->worker == UINT32_MAX) {
		count_add(&c->sent, count);
		return;
	}
	count_add(&c->received, count);
	count_add(&c->replied, count);
}

void
dpvs_msg_count_confirmed(uint32_t type, uint64_t cycles)
{
	msg_count_rtt(msg_me(), type, cycles);
}

void
msg_count_handlers(struct lcore_msg *me, uint64_t cycles)
{
	struct handler_times *h = &me->handlers;

	msg_follow_zero(me);
	count_add(&h->loops, 1);
	count_add(&h->total, cycles);
	count_max(&h->max, cycles);
	hist_add(h->hist, hist_step(cycles, HANDLER_SUB_BITS, HANDLER_STEPS), HANDLER_STEPS);
}

void
msg_zero_own(struct lcore_msg *me)
{
	/* What main has read before it wanted zeros, it has read before this. */
	uint32_t wanted = atomic_load_explicit(&msg_sys.zero_wanted, memory_order_acquire);

	memset(me->counters, 0, sizeof(me->counters));
	memset(&me->handlers, 0, sizeof(me->handlers));
	atomic_store_explicit(&me->zeroed, wanted, memory_order_release);
}

void
dpvs_msg_zero_counters(void)
{
	atomic_fetch_add_explicit(&msg_sys.zero_wanted, 1, memory_order_release);
}

/* Whose numbers are to be told; NULL: zeros. */
static const struct lcore_msg *
counted(uint32_t lcore)
{
	const struct lcore_msg *lc = msg_sys.lcores[lcore];

	return atomic_load_explicit(&lc->zeroed, memory_order_acquire) ==
			       atomic_load_explicit(&msg_sys.zero_wanted, memory_order_relaxed) ?
		       lc :
		       NULL;
}

int
dpvs_msg_get_counters(uint32_t type, uint32_t lcore, struct dpvs_msg_counters *ret_counters)
{
	const struct type_counters *c;
	const struct lcore_msg *lc;

	if (dpvs_msg_type_lookup(type) == NULL)
		return -ENOENT;
	if (lcore >= RTE_MAX_LCORE || msg_sys.lcores[lcore] == NULL)
		return -ENODEV;
	*ret_counters = (struct dpvs_msg_counters){ 0 };
	lc = counted(lcore);
	if (lc == NULL)
		return 0;
	c = &lc->counters[type];
	*ret_counters = (struct dpvs_msg_counters){
		.sent = atomic_load_explicit(&c->sent, memory_order_relaxed),
		.received = atomic_load_explicit(&c->received, memory_order_relaxed),
		.replied = atomic_load_explicit(&c->replied, memory_order_relaxed),
		.send_failed = atomic_load_explicit(&c->send_failed, memory_order_relaxed),
		.timed_out = atomic_load_explicit(&c->timed_out, memory_order_relaxed),
		.late = atomic_load_explicit(&c->late, memory_order_relaxed),
		.rtts = atomic_load_explicit(&c->rtts, memory_order_relaxed),
		.rtt_ns_total = to_ns(atomic_load_explicit(&c->rtt_total, memory_order_relaxed)),
		.rtt_ns_max = to_ns(atomic_load_explicit(&c->rtt_max, memory_order_relaxed)),
	};
	ret_counters->rtt_ns_p99 = RTE_MIN(to_ns(hist_quantile(c->rtt_hist, RTT_SUB_BITS, RTT_STEPS, 990)),
					   ret_counters->rtt_ns_max);
	return 0;
}

int
dpvs_msg_get_handler_times(uint32_t lcore, struct dpvs_msg_handler_times *ret_times)
{
	const struct handler_times *h;
	const struct lcore_msg *lc;

	if (lcore >= RTE_MAX_LCORE || msg_sys.lcores[lcore] == NULL)
		return -ENODEV;
	*ret_times = (struct dpvs_msg_handler_times){ 0 };
	lc = counted(lcore);
	if (lc == NULL)
		return 0;
	h = &lc->handlers;
	*ret_times = (struct dpvs_msg_handler_times){
		.loops = atomic_load_explicit(&h->loops, memory_order_relaxed),
		.ns_total = to_ns(atomic_load_explicit(&h->total, memory_order_relaxed)),
		.ns_max = to_ns(atomic_load_explicit(&h->max, memory_order_relaxed)),
	};
	ret_times->ns_p50 = RTE_MIN(to_ns(hist_quantile(h->hist, HANDLER_SUB_BITS, HANDLER_STEPS, 500)),
				    ret_times->ns_max);
	ret_times->ns_p999 = RTE_MIN(to_ns(hist_quantile(h->hist, HANDLER_SUB_BITS, HANDLER_STEPS, 999)),
				     ret_times->ns_max);
	return 0;
}
