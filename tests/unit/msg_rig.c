/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers and messages for the tests of messages, see msg_rig.h. */
#include "msg_rig.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

struct msg_rig rig;

static _Atomic bool stop;
static _Atomic unsigned int running;

static int
worker(void *arg)
{
	unsigned int me = rte_lcore_id();

	(void)arg;
	while (!atomic_load(&stop)) {
		unsigned int n = 0;

		if (!atomic_load(&rig.hold[me])) {
			atomic_store(&rig.held[me], false);
			atomic_fetch_add(&rig.loop_no[me], 1);
			n = dpvs_msg_process();
		} else {
			atomic_store(&rig.held[me], true);
		}
		if (n == 0 && atomic_load(&rig.sleepy) && !atomic_load(&rig.hold[me]))
			dpvs_msg_sleep(RIG_SLEEP_US);
		else if (n == 0)
			sched_yield();
	}
	atomic_fetch_sub(&running, 1);
	return 0;
}

void
rig_start_workers(void)
{
	atomic_store(&stop, false);
	atomic_store(&running, RIG_WORKERS);
	g_assert_cmpint(rte_eal_mp_remote_launch(worker, NULL, SKIP_MAIN), ==, 0);
}

static void
stop_workers(void)
{
	unsigned int lcore;

	atomic_store(&stop, true);
	RTE_LCORE_FOREACH_WORKER(lcore)
		dpvs_msg_ring_doorbell(lcore);
	rte_eal_mp_wait_lcore();
	/* EAL waits too, but ThreadSanitizer cannot see how. */
	g_assert_cmpuint(atomic_load(&running), ==, 0);
}

void
rig_set_hold(unsigned int lcore, bool on)
{
	atomic_store(&rig.hold[lcore], on);
	dpvs_msg_ring_doorbell(lcore);
	while (atomic_load(&rig.held[lcore]) != on) {
		dpvs_msg_ring_doorbell(lcore);
		sched_yield();
	}
}

static gboolean
on_timeout(gpointer arg)
{
	g_error("nothing happened for %d ms", RIG_WAIT_MS);
	return G_SOURCE_REMOVE;
}

void
rig_wait_for(const unsigned int *flag, unsigned int value)
{
	guint id = g_timeout_add(RIG_WAIT_MS, on_timeout, NULL);

	while (*flag < value)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(id);
}

/* Says what every type has counted on every lcore. */
static void
show(void)
{
	struct dpvs_msg_counters c;
	struct dpvs_msg_pool_info info;

	for (uint32_t type = 0; type < DPVS_MSG_TYPE_COUNT; type++) {
		for (uint32_t lcore = 0; lcore < RIG_LCORES; lcore++) {
			if (dpvs_msg_get_counters(type, lcore, &c) < 0 || c.sent + c.received + c.send_failed == 0)
				continue;
			fprintf(stderr, "type %u lcore %u: sent %lu received %lu replied %lu failed %lu timed out %lu late %lu\n",
				type, lcore, c.sent, c.received, c.replied, c.send_failed, c.timed_out, c.late);
		}
	}
	dpvs_msg_pool_get(&info);
	fprintf(stderr, "pool: %lu of %lu in use, empty %lu times; answers %u %u %u, failed %u\n", info.in_use, info.size,
		info.failures, rig.answers[1], rig.answers[2], rig.answers[3], rig.ask_failed);
}

void
rig_wait_counted(const _Atomic unsigned int *counter, unsigned int value)
{
	gint64 end = g_get_monotonic_time() + RIG_WAIT_MS * 1000;

	while (atomic_load(counter) < value) {
		if (g_get_monotonic_time() >= end)
			show();
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		if (!g_main_context_iteration(NULL, FALSE))
			sched_yield();
	}
}

uint64_t
rig_in_use(void)
{
	struct dpvs_msg_pool_info info;

	dpvs_msg_pool_get(&info);
	return info.in_use;
}

void
rig_wait_pool_empty(void)
{
	gint64 end = g_get_monotonic_time() + RIG_WAIT_MS * 1000;

	while (rig_in_use() > 0) {
		g_assert_cmpint(g_get_monotonic_time(), <, end);
		g_main_context_iteration(NULL, FALSE);
		sched_yield();
	}
}

/* ---- handlers */

static void
on_double(struct dpvs_msg *msg)
{
	uint64_t *v = dpvs_msg_data(msg);

	g_assert_cmpuint(dpvs_msg_len(msg), ==, sizeof(*v));
	g_assert_cmpuint(dpvs_msg_flags(msg) & DPVS_MSG_F_REPLY, !=, 0);
	*v *= 2;
	if (*v == 26)
		dpvs_msg_set_status(msg, -ERANGE);
}

static void
on_count(struct dpvs_msg *msg)
{
	atomic_fetch_add(&rig.counted[rte_lcore_id()], 1);
	if (dpvs_msg_flags(msg) & DPVS_MSG_F_MULTICAST) {
		dpvs_msg_set_reply_u64(msg, 1000 + rte_lcore_id());
		if (dpvs_msg_len(msg) == 4 && rte_lcore_id() == 2)
			dpvs_msg_set_status(msg, -EDOM);
	}
}

static __thread unsigned int slices; /* of the commit under way */

static void
on_commit(struct dpvs_msg *msg)
{
	const uint32_t *want = dpvs_msg_data(msg);

	if (++slices < *want) {
		atomic_fetch_add(&rig.loops_deferred, 1);
		dpvs_msg_defer(msg);
		return;
	}
	slices = 0;
	atomic_fetch_add(&rig.counted[rte_lcore_id()], 1);
}

static void
on_pieces(struct dpvs_msg *msg)
{
	uint64_t start = rte_rdtsc(), now = start;

	if (atomic_load(&rig.order_loop) == atomic_load(&rig.loop_no[rte_lcore_id()]))
		start = atomic_load(&rig.order_tsc); /* what came before in this loop counts */
	for (; !dpvs_msg_slice_over(); now = rte_rdtsc())
		atomic_store(&rig.slice_seen, MAX(atomic_load(&rig.slice_seen), now - start));
	on_commit(msg);
}

static void
ask_done(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_cmpuint(rte_lcore_id(), ==, GPOINTER_TO_UINT(arg));
	if (status != 0 || *(uint64_t *)dpvs_msg_data(msg) != 42)
		atomic_fetch_add(&rig.ask_failed, 1);
	atomic_fetch_add(&rig.answers[rte_lcore_id()], 1);
}

static void
on_ask(struct dpvs_msg *msg)
{
	struct dpvs_msg *q = dpvs_msg_new(T_DOUBLE, sizeof(uint64_t));

	if (q == NULL) {
		atomic_fetch_add(&rig.ask_failed, 1);
		return;
	}
	*(uint64_t *)dpvs_msg_data(q) = 21;
	if (dpvs_msg_request(q, rte_get_main_lcore(), RIG_WAIT_MS, ask_done,
			     GUINT_TO_POINTER(rte_lcore_id())) < 0) {
		atomic_fetch_add(&rig.ask_failed, 1);
		dpvs_msg_free(q);
	}
}

static void
on_order(struct dpvs_msg *msg)
{
	uint64_t start = rte_rdtsc();

	atomic_store(&rig.order_tsc, start);
	atomic_store(&rig.order_loop, atomic_load(&rig.loop_no[rte_lcore_id()]));
	while (atomic_load(&rig.slow) && rte_rdtsc() - start < 10 * (rte_get_tsc_hz() / 1000000))
		;
	/* One worker alone; who sees the new length sees what is there. */
	rig.order[atomic_load(&rig.order_len)] = *(uint32_t *)dpvs_msg_data(msg);
	atomic_fetch_add(&rig.order_len, 1);
}

static void
on_drop(struct dpvs_msg *msg)
{
	atomic_fetch_add(&rig.dropped, 1);
}

const struct dpvs_msg_type rig_late_type = {
	.type = T_LATE,
	.name = "late",
	.prio = DPVS_MSG_PRIO_NORM,
	.on_worker = on_count,
	.on_main = on_count,
};

static void
reg_done(struct dpvs_msg *msg, int status, void *arg)
{
	atomic_store(&rig.reg_status, status);
	atomic_fetch_add(&rig.reg_answers, 1);
}

static void
on_reg(struct dpvs_msg *msg)
{
	const uint32_t *how = dpvs_msg_data(msg);

	if (dpvs_msg_reg_send(*how, &rig_late_type, reg_done, NULL) < 0)
		atomic_store(&rig.reg_status, -1);
}

static const struct dpvs_msg_type types[] = {
	{ .type = T_DOUBLE, .name = "double", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_double, .on_worker = on_double },
	{ .type = T_COUNT, .name = "count", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_count, .on_worker = on_count },
	{ .type = T_COMMIT, .name = "commit", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_commit },
	{ .type = T_ASK, .name = "ask", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_ask },
	{ .type = T_HIGH, .name = "high", .prio = DPVS_MSG_PRIO_HIGH, .on_worker = on_order },
	{ .type = T_NORM, .name = "norm", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_order },
	{ .type = T_LOW, .name = "low", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_order },
	{ .type = T_DROP, .name = "drop", .prio = DPVS_MSG_PRIO_NORM, .on_drop = on_drop },
	{ .type = T_MUTE, .name = "mute", .prio = DPVS_MSG_PRIO_NORM },
	{ .type = T_PIECES, .name = "pieces", .prio = DPVS_MSG_PRIO_LOW, .on_worker = on_pieces },
	{ .type = T_REG, .name = "reg-through-main", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_reg },
};

/* ---- answers on main */

void
rig_done(struct dpvs_msg *msg, int status, void *arg)
{
	rig.done_calls++;
	rig.done_status = status;
	rig.done_flags = msg != NULL ? dpvs_msg_flags(msg) : DPVS_MSG_F_TIMEOUT;
	rig.done_value = msg != NULL && dpvs_msg_len(msg) == 8 ? *(uint64_t *)dpvs_msg_data(msg) : 0;
	g_assert_true(arg == &rig.done_calls);
}

struct dpvs_msg *
rig_new_u64(uint32_t type, uint64_t v)
{
	struct dpvs_msg *msg = dpvs_msg_new(type, sizeof(v));

	g_assert_nonnull(msg);
	memcpy(dpvs_msg_data(msg), &v, sizeof(v));
	return msg;
}

struct dpvs_msg *
rig_new_u32(uint32_t type, uint32_t v)
{
	struct dpvs_msg *msg = dpvs_msg_new(type, sizeof(v));

	g_assert_nonnull(msg);
	memcpy(dpvs_msg_data(msg), &v, sizeof(v));
	return msg;
}

void
rig_setup_slice(uint32_t slice_us)
{
	struct dpvs_msg_params params = { .pool_size = RIG_POOL, .slice_us = slice_us };

	g_assert_cmpint(dpvs_msg_init(&params), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		g_assert_cmpint(dpvs_msg_type_register(&types[i]), ==, 0);
	memset(rig.counted, 0, sizeof(rig.counted));
	memset(rig.answers, 0, sizeof(rig.answers));
	atomic_store(&rig.order_len, 0);
	atomic_store(&rig.dropped, 0);
	atomic_store(&rig.loops_deferred, 0);
	atomic_store(&rig.ask_failed, 0);
	atomic_store(&rig.sleepy, true);
	rig.done_calls = 0;
}

void
rig_setup(void)
{
	rig_setup_slice(0);
}

void
rig_teardown(void)
{
	stop_workers();
	dpvs_msg_fini();
}
