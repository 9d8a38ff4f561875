/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a message costs, against a bare rte_ring (or a bare eventfd where lcores sleep) in the same run,
 * and what it costs a worker to look for messages: in every loop, or in a periodic job.
 *
 * Round trips are medians of single ones: on a machine with other work to do the mean says more about
 * the scheduler. An empty poll yields its CPU when main and worker share one.
 */
#include "bench.h"
#include "eal.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include <dpvsctrl/msg.h>

enum {
	T_ECHO = 100,
	T_ONEWAY = 101,
	ROUNDS = 50000,
	SLEEP_ROUNDS = 5000,
	ONEWAYS = 500, /* in one batch: less than a ring holds */
	BATCHES = 201,
	LOOP_WORK_CYCLES = 3000, /* about what a burst of 32 packets takes */
	PERIODIC_MS = 400,       /* how long each period is measured */
};

static _Atomic bool stop;
static _Atomic uint64_t oneways;
static bool share_cpu;
static double ns_per_cycle;

/* Both halves of a ping-pong wait like this. */
static inline void
relax(void)
{
	if (share_cpu)
		sched_yield();
	else
		rte_pause();
}

static void
pin(unsigned int cpu)
{
	cpu_set_t all, one;
	unsigned int i, n = 0;

	if (share_cpu || sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	for (i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all) && n++ == cpu) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			rte_thread_set_affinity(&one);
			return;
		}
	}
}

static void
on_echo(struct dpvs_msg *msg)
{
	(void)msg;
}

static void
on_oneway(struct dpvs_msg *msg)
{
	(void)msg;
	atomic_store_explicit(&oneways, atomic_load_explicit(&oneways, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static const struct dpvs_msg_type types[] = {
	{ .type = T_ECHO, .name = "echo", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_echo },
	{ .type = T_ONEWAY, .name = "oneway", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_oneway },
};

static unsigned int answered;

static void
done(struct dpvs_msg *msg, int status, void *arg)
{
	(void)msg;
	(void)arg;
	answered += status == 0;
}

static void
request(unsigned int lcore)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_ECHO, 64);

	if (msg == NULL || dpvs_msg_request(msg, lcore, 60000, done, NULL) < 0)
		g_error("cannot send");
}

/* ---- a bare ring each way */

static struct rte_ring *there, *back;

static int
ring_worker(void *arg)
{
	void *obj;

	(void)arg;
	pin(1);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (rte_ring_sc_dequeue(there, &obj) == 0)
			rte_ring_sp_enqueue(back, obj);
		else
			relax();
	}
	return 0;
}

static double
bench_ring(unsigned int lcore, uint64_t *samples, double *ret_oneway_ns)
{
	uint64_t start, batch[BATCHES];
	unsigned int b, i;
	void *obj;

	there = rte_ring_create("there", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	back = rte_ring_create("back", 1024, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	atomic_store(&stop, false);
	rte_eal_remote_launch(ring_worker, NULL, lcore);
	for (i = 0; i < ROUNDS; i++) {
		start = rte_rdtsc();
		rte_ring_sp_enqueue(there, &start);
		while (rte_ring_sc_dequeue(back, &obj) != 0)
			relax();
		samples[i] = rte_rdtsc() - start;
	}
	for (b = 0; b < BATCHES; b++) {
		start = rte_rdtsc();
		for (i = 0; i < ONEWAYS; i++)
			rte_ring_sp_enqueue(there, &start);
		for (i = 0; i < ONEWAYS;) {
			if (rte_ring_sc_dequeue(back, &obj) == 0)
				i++;
			else
				relax();
		}
		batch[b] = rte_rdtsc() - start;
	}
	*ret_oneway_ns = (double)bench_quantile(batch, BATCHES, 50) * ns_per_cycle / ONEWAYS;
	atomic_store(&stop, true);
	rte_eal_wait_lcore(lcore);
	return (double)bench_quantile(samples, ROUNDS, 50) * ns_per_cycle;
}

/* ---- messages, both sides awake */

static int
msg_worker(void *arg)
{
	(void)arg;
	pin(1);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (dpvs_msg_process() == 0)
			relax();
	}
	return 0;
}

static void
bench_awake(unsigned int lcore, uint64_t *samples, double ring_ns, double ring_oneway_ns)
{
	uint64_t start, batch[BATCHES];
	unsigned int b, i;

	atomic_store(&stop, false);
	rte_eal_remote_launch(msg_worker, NULL, lcore);
	for (i = 0; i < ROUNDS; i++) {
		answered = 0;
		start = rte_rdtsc();
		request(lcore);
		while (answered == 0) {
			if (dpvs_msg_process_main() == 0)
				relax();
		}
		samples[i] = rte_rdtsc() - start;
	}
	bench_report("msg-unicast-rtt", (double)bench_quantile(samples, ROUNDS, 50) * ns_per_cycle, "ns",
		     ring_ns);

	for (b = 0; b < BATCHES; b++) {
		atomic_store(&oneways, 0);
		start = rte_rdtsc();
		for (i = 0; i < ONEWAYS; i++) {
			struct dpvs_msg *msg = dpvs_msg_new(T_ONEWAY, 64);

			if (msg == NULL || dpvs_msg_send(msg, lcore) < 0)
				g_error("cannot send");
		}
		while (atomic_load_explicit(&oneways, memory_order_relaxed) < ONEWAYS)
			relax();
		batch[b] = rte_rdtsc() - start;
	}
	bench_report("msg-oneway",
		     (double)bench_quantile(batch, BATCHES, 50) * ns_per_cycle / ONEWAYS, "ns",
		     ring_oneway_ns);
	atomic_store(&stop, true);
	rte_eal_wait_lcore(lcore);
}

/* ---- both sides asleep */

static int fd_there, fd_back;

static int
eventfd_worker(void *arg)
{
	struct pollfd pfd = { .fd = fd_there, .events = POLLIN };
	uint64_t v;

	(void)arg;
	pin(1);
	while (poll(&pfd, 1, -1) == 1 && read(fd_there, &v, sizeof(v)) == sizeof(v) &&
	       !atomic_load(&stop)) {
		v = 1;
		if (write(fd_back, &v, sizeof(v)) < 0)
			return -1;
	}
	return 0;
}

static int
sleepy_worker(void *arg)
{
	(void)arg;
	pin(1);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		if (dpvs_msg_process() == 0)
			dpvs_msg_sleep(1000000);
	}
	return 0;
}

static void
bench_asleep(unsigned int lcore, uint64_t *samples)
{
	struct pollfd pfd = { .events = POLLIN };
	double floor_ns;
	uint64_t start, v;
	unsigned int i;

	fd_there = eventfd(0, EFD_NONBLOCK);
	fd_back = eventfd(0, EFD_NONBLOCK);
	pfd.fd = fd_back;
	atomic_store(&stop, false);
	rte_eal_remote_launch(eventfd_worker, NULL, lcore);
	for (i = 0; i < SLEEP_ROUNDS; i++) {
		start = rte_rdtsc();
		v = 1;
		if (write(fd_there, &v, sizeof(v)) < 0 || poll(&pfd, 1, -1) < 1 ||
		    read(fd_back, &v, sizeof(v)) < 0)
			g_error("eventfd");
		samples[i] = rte_rdtsc() - start;
	}
	floor_ns = (double)bench_quantile(samples, SLEEP_ROUNDS, 50) * ns_per_cycle;
	atomic_store(&stop, true);
	v = 1;
	if (write(fd_there, &v, sizeof(v)) < 0)
		g_error("eventfd");
	rte_eal_wait_lcore(lcore);

	atomic_store(&stop, false);
	rte_eal_remote_launch(sleepy_worker, NULL, lcore);
	for (i = 0; i < SLEEP_ROUNDS; i++) {
		answered = 0;
		start = rte_rdtsc();
		request(lcore);
		while (answered == 0)
			g_main_context_iteration(NULL, TRUE);
		samples[i] = rte_rdtsc() - start;
	}
	bench_report("msg-unicast-rtt-asleep",
		     (double)bench_quantile(samples, SLEEP_ROUNDS, 50) * ns_per_cycle, "ns", floor_ns);
	atomic_store(&stop, true);
	dpvs_msg_ring_doorbell(lcore);
	rte_eal_wait_lcore(lcore);
}

/* ---- every loop, or periodic */

/** struct loop_arg: a worker's loop with LOOP_WORK_CYCLES of work in it. */
struct loop_arg {
	uint32_t period_us; /* between looks for messages; 0: every loop */
};

static int
loop_worker(void *arg)
{
	const struct loop_arg *la = arg;
	const uint64_t period = la->period_us * (rte_get_tsc_hz() / 1000000);
	uint64_t next = 0, now;

	pin(1);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		now = rte_rdtsc();
		while (rte_rdtsc() - now < LOOP_WORK_CYCLES)
			rte_pause();
		if (period == 0) {
			dpvs_msg_process();
		} else if (now >= next) {
			next = now + period;
			dpvs_msg_process();
		}
		if (share_cpu)
			sched_yield();
	}
	return 0;
}

static void
bench_period(unsigned int lcore, uint64_t *samples, uint32_t period_us, double ring_ns)
{
	struct loop_arg la = { .period_us = period_us };
	uint64_t start, end;
	unsigned int n = 0;
	char name[64];

	atomic_store(&stop, false);
	rte_eal_remote_launch(loop_worker, &la, lcore);
	end = rte_rdtsc() + PERIODIC_MS * (rte_get_tsc_hz() / 1000);
	while (n < ROUNDS && rte_rdtsc() < end) {
		answered = 0;
		start = rte_rdtsc();
		request(lcore);
		while (answered == 0) {
			if (dpvs_msg_process_main() == 0)
				relax();
		}
		samples[n++] = rte_rdtsc() - start;
	}
	atomic_store(&stop, true);
	rte_eal_wait_lcore(lcore);
	if (period_us == 0)
		snprintf(name, sizeof(name), "msg-rtt-every-loop");
	else
		snprintf(name, sizeof(name), "msg-rtt-every-%uus", period_us);
	bench_report(name, (double)bench_quantile(samples, n, 50) * ns_per_cycle, "ns", ring_ns);
	g_strlcat(name, "-p99", sizeof(name));
	bench_report(name, (double)bench_quantile(samples, n, 99) * ns_per_cycle, "ns", ring_ns);
}

/** struct cost: cycles that an empty look takes. */
struct cost {
	double every_loop;
	double periodic;
	double rings; /* what a look at five rings takes */
};

static int
cost_worker(void *arg)
{
	enum { LOOPS = 20000 };
	struct rte_ring *rings[5] = { there, back, there, back, there };
	uint64_t samples[3][BATCHES], start, next = UINT64_MAX;
	struct cost *cost = arg;
	unsigned int b, i, k;
	volatile uint64_t now = 0;
	void *obj;

	pin(1);
	for (b = 0; b < BATCHES; b++) {
		start = rte_rdtsc();
		for (i = 0; i < LOOPS; i++)
			dpvs_msg_process();
		samples[0][b] = rte_rdtsc() - start;
		/* The loop has the time already: one comparison. */
		start = rte_rdtsc();
		for (i = 0; i < LOOPS; i++) {
			if (now >= next)
				dpvs_msg_process();
		}
		samples[1][b] = rte_rdtsc() - start;
		start = rte_rdtsc();
		for (i = 0; i < LOOPS; i++) {
			for (k = 0; k < RTE_DIM(rings); k++)
				rte_ring_sc_dequeue(rings[k], &obj);
		}
		samples[2][b] = rte_rdtsc() - start;
	}
	/* The same instructions each time: what is above the fastest batches is somebody else's. */
	cost->every_loop = (double)bench_quantile(samples[0], BATCHES, 5) / LOOPS;
	cost->periodic = (double)bench_quantile(samples[1], BATCHES, 5) / LOOPS;
	cost->rings = (double)bench_quantile(samples[2], BATCHES, 5) / LOOPS;
	return 0;
}

int
main(int argc, char **argv)
{
	static uint64_t samples[ROUNDS];
	static const uint32_t periods_us[] = { 0, 100, 1000, 10000 };
	double ring_ns, ring_oneway_ns;
	unsigned int lcore, i;
	struct cost cost;

	(void)argc;
	(void)argv;
	test_eal_init(2);
	share_cpu = test_eal_cpus() < 2;
	ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
	lcore = rte_get_next_lcore(-1, 1, 0);
	if (dpvs_msg_init(NULL) < 0)
		g_error("dpvs_msg_init");
	for (i = 0; i < RTE_DIM(types); i++)
		dpvs_msg_type_register(&types[i]);
	pin(0);

	ring_ns = bench_ring(lcore, samples, &ring_oneway_ns);
	bench_awake(lcore, samples, ring_ns, ring_oneway_ns);
	bench_asleep(lcore, samples);
	for (i = 0; i < RTE_DIM(periods_us); i++)
		bench_period(lcore, samples, periods_us[i], ring_ns);
	rte_eal_remote_launch(cost_worker, &cost, lcore);
	rte_eal_wait_lcore(lcore);
	bench_report("msg-loop-cost-every-loop", cost.every_loop, "cycles", cost.rings);
	bench_report("msg-loop-cost-periodic", cost.periodic, "cycles", cost.rings);
	dpvs_msg_fini();
	test_eal_fini();
	return 0;
}
