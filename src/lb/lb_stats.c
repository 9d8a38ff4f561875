/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters and rates of services and servers. Workers count by server, each on its own cache lines, and
 * never go back; the main lcore sums, and zeroing is an offset that it keeps. A service's counters are its
 * servers' and what servers that it no longer has had counted.
 *
 * Rates are those of LVS: every 2 s the rate since the last sample moves the shown one by a quarter of the
 * difference. Each server has its own 2 s; in each fiftieth of a second one slice of the slots is due, so
 * 400,000 servers cost the main loop pieces of about a millisecond.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include "lb/truth.h"

/* Slices of the slots: 100 of RATES_MS are the 2 s. */
#define SLICES 100u

static_assert(sizeof(struct dpvs_lb_stats) == LB_STATS_COUNT * sizeof(uint64_t), "five counters");
static_assert(sizeof(struct dpvs_lb_rates) == sizeof(struct dpvs_lb_stats), "one rate for each counter");

static uint32_t next_slice;

/* A slot's counters over all workers, less nothing. */
static void
dest_sum(uint32_t index, struct dpvs_lb_stats *ret_sum)
{
	struct dpvs_lb_stats sum = { 0 };

	for (unsigned int i = 0; i < lcore_worker_count(); i++) {
		const struct dest_lcore *dl = &dest_lcores[i][index];

		sum.conns += __atomic_load_n(&dl->conns, __ATOMIC_RELAXED);
		sum.in_pkts += __atomic_load_n(&dl->in_pkts, __ATOMIC_RELAXED);
		sum.out_pkts += __atomic_load_n(&dl->out_pkts, __ATOMIC_RELAXED);
		sum.in_bytes += __atomic_load_n(&dl->in_bytes, __ATOMIC_RELAXED);
		sum.out_bytes += __atomic_load_n(&dl->out_bytes, __ATOMIC_RELAXED);
	}
	*ret_sum = sum;
}

void
lb_stats_add(struct dpvs_lb_stats *to, const struct dpvs_lb_stats *n)
{
	to->conns += n->conns;
	to->in_pkts += n->in_pkts;
	to->out_pkts += n->out_pkts;
	to->in_bytes += n->in_bytes;
	to->out_bytes += n->out_bytes;
}

void
rs_stats(const struct rs *rs, struct dpvs_lb_stats *ret_stats)
{
	dest_sum(rs->index, ret_stats);
	ret_stats->conns -= rs->zero.conns;
	ret_stats->in_pkts -= rs->zero.in_pkts;
	ret_stats->out_pkts -= rs->zero.out_pkts;
	ret_stats->in_bytes -= rs->zero.in_bytes;
	ret_stats->out_bytes -= rs->zero.out_bytes;
}

void
lb_rates(const float rate[LB_STATS_COUNT], struct dpvs_lb_rates *ret_rates)
{
	*ret_rates = (struct dpvs_lb_rates){
		.cps = (uint64_t)(rate[0] + 0.5f),
		.in_pps = (uint64_t)(rate[1] + 0.5f),
		.out_pps = (uint64_t)(rate[2] + 0.5f),
		.in_bps = (uint64_t)(rate[3] + 0.5f),
		.out_bps = (uint64_t)(rate[4] + 0.5f),
	};
}

void
vs_sum_start(const struct vs *vs, struct lb_sum *ret_sum)
{
	*ret_sum = (struct lb_sum){ .stats = vs->retired };
}

/*
 * The list, not what readers see: servers whose removal is not confirmed yet still count, those that are
 * not committed yet have counted nothing. So the sum neither falls nor jumps when servers come and go.
 */
const struct rs *
vs_sum_part(const struct vs *vs, const struct rs *from, uint32_t max, struct lb_sum *sum)
{
	const struct rs *rs = from != NULL ? from : TAILQ_FIRST(&vs->dests);
	struct dpvs_lb_stats stats;

	for (; rs != NULL && max > 0; rs = TAILQ_NEXT(rs, link), max--) {
		rs_stats(rs, &stats);
		lb_stats_add(&sum->stats, &stats);
		for (unsigned int i = 0; i < LB_STATS_COUNT; i++)
			sum->rate[i] += rs->rate[i];
	}
	return rs;
}

void
rs_reset(struct rs *rs)
{
	struct dpvs_lb_stats sum;

	dest_sum(rs->index, &sum);
	rs_zero(rs, &sum);
}

void
rs_zero(struct rs *rs, const struct dpvs_lb_stats *zero)
{
	rs->zero = *zero;
	rs->sampled = rs->zero;
	rs->sampled_us = 0;
	memset(rs->rate, 0, sizeof(rs->rate));
}

void
rs_retire(struct rs *rs)
{
	struct dpvs_lb_stats stats;

	rs_stats(rs, &stats);
	lb_stats_add(&rs->vs->retired, &stats);
	rs->vs->sums_epoch++;
	rs_reset(rs);
}

/* The estimator. */

static void
sample(struct rs *rs, uint64_t now_us)
{
	struct dpvs_lb_stats sum;
	uint64_t counts[LB_STATS_COUNT];
	uint64_t before[LB_STATS_COUNT];
	float per_s;

	dest_sum(rs->index, &sum);
	if (rs->sampled_us != 0 && now_us > rs->sampled_us) {
		memcpy(counts, &sum, sizeof(counts));
		memcpy(before, &rs->sampled, sizeof(before));
		per_s = 1e6f / (float)(now_us - rs->sampled_us);
		for (unsigned int i = 0; i < LB_STATS_COUNT; i++) {
			float rate = (float)(counts[i] - before[i]) * per_s;

			rs->rate[i] += (rate - rs->rate[i]) / 4;
		}
	}
	rs->sampled = sum;
	rs->sampled_us = now_us;
}

int
service_job_rates(void)
{
	uint64_t now_us = (uint64_t)g_get_monotonic_time();
	uint32_t used = dest_slots_used();
	uint32_t slice = next_slice;

	next_slice = (slice + 1) % SLICES;
	for (uint32_t i = slice; i < used; i += SLICES) {
		struct rs *rs = dest_slot(i);

		if (rs != NULL && rs->listed)
			sample(rs, now_us);
	}
	return used > slice ? 0 : -EAGAIN;
}
