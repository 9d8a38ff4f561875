/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a message costs, against a bare rte_ring (or a bare eventfd where lcores sleep) in the same run,
 * and what it costs a worker to look for messages: in every loop, or in a periodic job.
 *
 * Value and floor are measured in turn, in windows of some hundred round trips between the same two
 * threads, each on a CPU of its own. A window's figure is the median of its round trips; what is reported is
 * the lowest decile of the windows: other programs, and a host that changes its speed, only ever add, and
 * they add to both. A host that moves both CPUs to one core, or back, in the middle of a run makes another machine of
 * it: windows whose floor is less than half or more than twice the median window's are told apart (struct pair).
 * Where in a large CPU's cache a line has its home makes up to a factor of two, for good: all is done in several
 * places in memory, and what is reported is the mean of them.
 * An empty poll yields its CPU when main and worker share one.
 */
#include "bench.h"
#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include <dpvsctrl/msg.h>

enum {
	T_ECHO = 100,
	T_ONEWAY = 101,
	T_MULTI = 102,
	T_TO_MAIN = 103,
	PAYLOAD = 32,
	ROUNDS = 500, /* in one window */
	PLACES = 8,
	WINDOWS = 51,     /* in each place, at most */
	WINDOWS_MIN = 11, /* when the machine is so busy that they take more than PLACE_S */
	PLACE_S = 2,
	SLEEP_ROUNDS = 50,
	SLEEP_WINDOWS = 201,
	ONEWAYS = 500, /* in one batch: less than a ring holds */
	BATCHES = 201,
	WORKERS_MOST = 8,
	LOOP_WORK_CYCLES = 3000, /* about what a burst of 32 packets takes */
	PERIODIC_ROUNDS = 50000,
	PERIODIC_WINDOW = 10,
	PERIODIC_MS = 400, /* how long each period is measured */
};

/* What workers do. */
enum {
	PHASE_STOP,
	PHASE_RING, /* answer what comes on a bare ring */
	PHASE_MSG,  /* handle messages */
};

/* Workers look at these all the time: nothing that main writes may be near. */
static struct {
	_Atomic unsigned int phase;
	_Atomic bool stop;
	_Atomic uint64_t oneways __rte_aligned(2 * RTE_CACHE_LINE_SIZE); /* a worker writes it */
} shared __rte_aligned(2 * RTE_CACHE_LINE_SIZE);

static bool share_cpu;
static double ns_per_cycle;
static unsigned int nworkers, first_worker; /* how many; a lcore id */

/* Both halves of a ping-pong wait like this. */
static inline void
relax(void)
{
	if (share_cpu)
		sched_yield();
	else
		rte_pause();
}

/* Main and each worker on a CPU of its own. */
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

static double
decile(uint64_t *windows, unsigned int count)
{
	return (double)bench_quantile(windows, count, 10) * ns_per_cycle;
}

/* ---- handlers */

static void
on_echo(struct dpvs_msg *msg)
{
	*(volatile uint64_t *)dpvs_msg_data(msg) += 1;
}

static void
on_oneway(struct dpvs_msg *msg)
{
	(void)msg;
	atomic_store_explicit(&shared.oneways, atomic_load_explicit(&shared.oneways, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static void
on_multi(struct dpvs_msg *msg)
{
	dpvs_msg_set_reply_u64(msg, *(volatile uint64_t *)dpvs_msg_data(msg));
}

static unsigned int main_handled;

static void
on_to_main(struct dpvs_msg *msg)
{
	*(volatile uint64_t *)dpvs_msg_data(msg) += 1;
	main_handled++;
}

static const struct dpvs_msg_type types[] = {
	{ .type = T_ECHO, .name = "echo", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_echo },
	{ .type = T_ONEWAY, .name = "oneway", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_oneway },
	{ .type = T_MULTI, .name = "multi", .prio = DPVS_MSG_PRIO_NORM, .on_worker = on_multi },
	{ .type = T_TO_MAIN, .name = "to-main", .prio = DPVS_MSG_PRIO_NORM, .on_main = on_to_main },
};

static uint64_t answered; /* the value that came back; 0: none yet */

static void
done(struct dpvs_msg *msg, int status, void *arg)
{
	(void)arg;
	if (status == 0 && msg != NULL)
		answered = *(volatile uint64_t *)dpvs_msg_data(msg);
}

static void
request(unsigned int lcore, uint64_t value)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_ECHO, PAYLOAD);

	if (msg == NULL)
		g_error("no message");
	*(volatile uint64_t *)dpvs_msg_data(msg) = value;
	if (dpvs_msg_request(msg, lcore, 60000, done, NULL) < 0)
		g_error("cannot send");
}

static uint64_t
request_rtt(uint64_t value)
{
	uint64_t start = rte_rdtsc();

	answered = 0;
	request(first_worker, value);
	while (answered == 0) {
		if (dpvs_msg_process_at(rte_rdtsc()) == 0)
			relax();
	}
	if (answered != value + 1)
		g_error("wrong answer");
	return rte_rdtsc() - start;
}

/* ---- bare rings: in the mode of the message rings, one line of payload each way */

static struct rte_ring *there[WORKERS_MOST], *back; /* of the place in use */

/** struct payload: what goes over the bare rings; apart from others, as CPUs fetch lines in pairs. */
struct payload {
	volatile uint64_t value;
} __rte_aligned(2 * RTE_CACHE_LINE_SIZE);

static struct payload payloads[PLACES];
static struct payload *payload = &payloads[0]; /* of the place in use */

static void
make_rings(unsigned int place)
{
	const unsigned int mode = RING_F_MP_RTS_ENQ | RING_F_SC_DEQ;
	char name[RTE_RING_NAMESIZE];
	unsigned int i;

	for (i = 0; i < nworkers; i++) {
		snprintf(name, sizeof(name), "there%u_%u", i, place);
		there[i] = rte_ring_create(name, 2048, 0, mode);
	}
	snprintf(name, sizeof(name), "back_%u", place);
	back = rte_ring_create(name, 4096, 0, mode);
	if (back == NULL)
		g_error("no ring");
	payload = &payloads[place];
}

static struct payload *
take_back(void)
{
	void *obj;

	while (rte_ring_dequeue(back, &obj) != 0)
		relax();
	return obj;
}

static uint64_t
ring_rtt(uint64_t value)
{
	uint64_t start = rte_rdtsc();

	payload->value = value;
	rte_ring_enqueue(there[0], payload);
	if (take_back()->value != value + 1)
		g_error("wrong answer");
	return rte_rdtsc() - start;
}

static uint64_t
ring_multicast(uint64_t value)
{
	uint64_t start = rte_rdtsc();
	unsigned int i;

	payload->value = value;
	for (i = 0; i < nworkers; i++)
		rte_ring_enqueue(there[i], payload);
	for (i = 0; i < nworkers; i++)
		take_back();
	return rte_rdtsc() - start;
}

static uint64_t
ring_oneways(void)
{
	uint64_t start = rte_rdtsc();
	unsigned int i;

	for (i = 0; i < ONEWAYS; i++)
		rte_ring_enqueue(there[0], payload);
	for (i = 0; i < ONEWAYS; i++)
		take_back();
	return rte_rdtsc() - start;
}

/* ---- messages, all sides awake */

static int
spinning_worker(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	unsigned int now;
	void *obj;

	pin(index + 1);
	while ((now = atomic_load_explicit(&shared.phase, memory_order_relaxed)) != PHASE_STOP) {
		while (now == PHASE_RING && atomic_load_explicit(&shared.phase, memory_order_relaxed) == now) {
			if (rte_ring_dequeue(there[index], &obj) == 0) {
				((struct payload *)obj)->value++;
				rte_ring_enqueue(back, obj);
			} else {
				relax();
			}
		}
		while (now == PHASE_MSG && atomic_load_explicit(&shared.phase, memory_order_relaxed) == now) {
			/* As dpvsd's worker does: its loop reads the time anyhow. */
			if (dpvs_msg_process_at(rte_rdtsc()) == 0)
				relax();
		}
	}
	return 0;
}

static void
run_workers(lcore_function_t *fn)
{
	unsigned int lcore;
	uintptr_t index = 0;

	RTE_LCORE_FOREACH_WORKER(lcore)
		rte_eal_remote_launch(fn, (void *)index++, lcore);
}

static uint64_t
multicast_rtt(uint64_t value)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_MULTI, PAYLOAD);
	uint64_t start = rte_rdtsc();

	answered = 0;
	if (msg == NULL)
		g_error("no message");
	*(volatile uint64_t *)dpvs_msg_data(msg) = value;
	if (dpvs_msg_multicast(msg, 60000, done, NULL) < 0)
		g_error("cannot send");
	while (answered == 0) {
		if (dpvs_msg_process_at(rte_rdtsc()) == 0)
			relax();
	}
	return rte_rdtsc() - start;
}

static uint64_t
msg_oneways(void)
{
	uint64_t start = rte_rdtsc();
	unsigned int i;

	atomic_store(&shared.oneways, 0);
	for (i = 0; i < ONEWAYS; i++) {
		struct dpvs_msg *msg = dpvs_msg_new(T_ONEWAY, PAYLOAD);

		if (msg == NULL || dpvs_msg_send(msg, first_worker) < 0)
			g_error("cannot send");
	}
	while (atomic_load_explicit(&shared.oneways, memory_order_relaxed) < ONEWAYS)
		relax();
	return rte_rdtsc() - start;
}

/** struct pair: what is compared, window by window, place by place. */
struct pair {
	uint64_t value[PLACES][WINDOWS];
	uint64_t floor[PLACES][WINDOWS];
};

/** struct mean: of figures of the places that have one. */
struct mean {
	double value;
	double floor;
	unsigned int windows;
	unsigned int places;
};

static void
mean_add(struct mean *mean, uint64_t *value, uint64_t *floor, unsigned int windows)
{
	if (windows == 0)
		return;
	mean->value += decile(value, windows);
	mean->floor += decile(floor, windows);
	mean->windows += windows;
	mean->places++;
}

/* The median window's floor, of all places. */
static uint64_t
median_floor(const struct pair *pair, const unsigned int *counts)
{
	static uint64_t all[PLACES * WINDOWS];
	unsigned int n = 0, p;

	for (p = 0; p < PLACES; p++) {
		memcpy(&all[n], pair->floor[p], counts[p] * sizeof(all[0]));
		n += counts[p];
	}
	return bench_quantile(all, n, 50);
}

/*
 * The result of those windows that are on the machine that most are on, and beside it how many were not, and theirs.
 */
static void
report_pair(const char *name, const struct pair *pair, const unsigned int *counts)
{
	const uint64_t median = median_floor(pair, counts);
	uint64_t value[2][WINDOWS], floor[2][WINDOWS];
	struct mean most = { 0 }, other = { 0 };
	unsigned int n[2], p, w, apart;

	for (p = 0; p < PLACES; p++) {
		n[0] = n[1] = 0;
		for (w = 0; w < counts[p]; w++) {
			apart = 2 * pair->floor[p][w] < median || pair->floor[p][w] > 2 * median;
			value[apart][n[apart]] = pair->value[p][w];
			floor[apart][n[apart]++] = pair->floor[p][w];
		}
		mean_add(&most, value[0], floor[0], n[0]);
		mean_add(&other, value[1], floor[1], n[1]);
	}
	printf("{\"bench\":\"%s\",\"value\":%.2f,\"unit\":\"ns\",\"floor\":%.2f,\"ratio\":%.2f,\"windows\":%u,"
	       "\"other_windows\":%u", name, most.value / most.places, most.floor / most.places,
	       most.value / most.floor, most.windows, other.windows);
	if (other.windows > 0)
		printf(",\"other_value\":%.2f,\"other_floor\":%.2f", other.value / other.places,
		       other.floor / other.places);
	printf("}\n");
	fflush(stdout);
}

static uint64_t
median_of(uint64_t (*round_trip)(uint64_t value))
{
	uint64_t samples[ROUNDS];
	unsigned int i;

	/* The first ones of a window bring lines and predictors into shape. */
	for (i = 0; i < ROUNDS; i++)
		samples[i] = round_trip(i + 1);
	return bench_quantile(samples, ROUNDS, 50);
}

static struct pair unicast, multicast, oneway;

static void
one_window(unsigned int p, unsigned int w)
{
	atomic_store(&shared.phase, PHASE_RING);
	unicast.floor[p][w] = median_of(ring_rtt);
	multicast.floor[p][w] = median_of(ring_multicast);
	oneway.floor[p][w] = ring_oneways() / ONEWAYS;
	atomic_store(&shared.phase, PHASE_MSG);
	unicast.value[p][w] = median_of(request_rtt);
	multicast.value[p][w] = median_of(multicast_rtt);
	oneway.value[p][w] = msg_oneways() / ONEWAYS;
}

/* Rings and messages where none have been yet. */
static void
new_place(unsigned int place)
{
	unsigned int i;

	if (place > 0) {
		dpvs_msg_fini();
		/* What was given back would be taken again: a page and a line of it are kept. */
		if (rte_malloc("place", 4096 * place + RTE_CACHE_LINE_SIZE, 0) == NULL)
			g_error("no memory");
	}
	if (dpvs_msg_init(NULL) < 0)
		g_error("dpvs_msg_init");
	for (i = 0; i < RTE_DIM(types); i++)
		dpvs_msg_type_register(&types[i]);
	make_rings(place);
}

static void
bench_awake(void)
{
	unsigned int counts[PLACES], p, w;
	uint64_t end;

	for (p = 0; p < PLACES; p++) {
		new_place(p);
		end = rte_rdtsc() + PLACE_S * rte_get_tsc_hz();
		atomic_store(&shared.phase, PHASE_RING);
		run_workers(spinning_worker);
		for (w = 0; w < WINDOWS && (w < WINDOWS_MIN || rte_rdtsc() < end); w++)
			one_window(p, w);
		counts[p] = w;
		atomic_store(&shared.phase, PHASE_STOP);
		rte_eal_mp_wait_lcore();
	}
	report_pair("msg-unicast-rtt", &unicast, counts);
	report_pair("msg-multicast", &multicast, counts);
	report_pair("msg-oneway", &oneway, counts);
}

/* ---- a worker asks main, which sleeps in its loop; the worker sleeps until the answer is there */

static int fd_there, fd_back;
static uint64_t sleep_floor[SLEEP_WINDOWS], sleep_value[SLEEP_WINDOWS];

static void
bell(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		g_error("eventfd");
}

static void
wait_bell(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		g_error("eventfd");
}

static void
ask_main(void)
{
	struct dpvs_msg *msg = dpvs_msg_new(T_TO_MAIN, PAYLOAD);

	if (msg == NULL)
		g_error("no message");
	answered = 0;
	*(volatile uint64_t *)dpvs_msg_data(msg) = 1;
	if (dpvs_msg_request(msg, rte_get_main_lcore(), 60000, done, NULL) < 0)
		g_error("cannot send");
	while (answered == 0) {
		if (dpvs_msg_process() == 0)
			dpvs_msg_sleep(1000000);
	}
}

static int
asking_worker(void *arg)
{
	uint64_t samples[SLEEP_ROUNDS], start;
	unsigned int w, i;

	if (arg != NULL) /* only the first */
		return 0;
	pin(1);
	for (w = 0; w < SLEEP_WINDOWS; w++) {
		for (i = 0; i < SLEEP_ROUNDS; i++) {
			start = rte_rdtsc();
			bell(fd_there);
			wait_bell(fd_back);
			samples[i] = rte_rdtsc() - start;
		}
		sleep_floor[w] = bench_quantile(samples, SLEEP_ROUNDS, 50);
		for (i = 0; i < SLEEP_ROUNDS; i++) {
			start = rte_rdtsc();
			ask_main();
			samples[i] = rte_rdtsc() - start;
		}
		sleep_value[w] = bench_quantile(samples, SLEEP_ROUNDS, 50);
	}
	return 0;
}

static void
bench_main_loop(void)
{
	unsigned int w, i;

	fd_there = eventfd(0, 0);
	fd_back = eventfd(0, 0);
	run_workers(asking_worker);
	for (w = 0; w < SLEEP_WINDOWS; w++) {
		for (i = 0; i < SLEEP_ROUNDS; i++) {
			wait_bell(fd_there);
			bell(fd_back);
		}
		main_handled = 0;
		while (main_handled < SLEEP_ROUNDS)
			g_main_context_iteration(NULL, TRUE);
	}
	rte_eal_mp_wait_lcore();
	bench_report("msg-main-rtt", decile(sleep_value, SLEEP_WINDOWS), "ns",
		     decile(sleep_floor, SLEEP_WINDOWS));
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
	void *obj;

	pin(1);
	while (!atomic_load_explicit(&shared.stop, memory_order_relaxed)) {
		now = rte_rdtsc();
		while (rte_rdtsc() - now < LOOP_WORK_CYCLES)
			rte_pause();
		if (atomic_load_explicit(&shared.phase, memory_order_relaxed) == PHASE_RING) {
			if (rte_ring_dequeue(there[0], &obj) == 0) {
				((struct payload *)obj)->value++;
				rte_ring_enqueue(back, obj);
			}
		} else if (period == 0) {
			dpvs_msg_process_at(rte_rdtsc());
		} else if (now >= next) {
			next = now + period;
			dpvs_msg_process_at(rte_rdtsc());
		}
		if (share_cpu)
			sched_yield();
	}
	return 0;
}

/* The floor: a bare ring that the same loop looks at every time. */
static void
bench_period(uint32_t period_us)
{
	static uint64_t values[PERIODIC_ROUNDS], floors[PERIODIC_ROUNDS];
	struct loop_arg la = { .period_us = period_us };
	unsigned int n = 0, i;
	uint64_t end;
	char name[64];

	atomic_store(&shared.stop, false);
	atomic_store(&shared.phase, PHASE_RING);
	rte_eal_remote_launch(loop_worker, &la, first_worker);
	end = rte_rdtsc() + PERIODIC_MS * (rte_get_tsc_hz() / 1000);
	while (n < PERIODIC_ROUNDS && rte_rdtsc() < end) {
		atomic_store(&shared.phase, PHASE_RING);
		for (i = 0; i < PERIODIC_WINDOW; i++)
			floors[n + i] = ring_rtt(n + i + 1);
		atomic_store(&shared.phase, PHASE_MSG);
		for (i = 0; i < PERIODIC_WINDOW; i++)
			values[n + i] = request_rtt(n + i + 1);
		n += PERIODIC_WINDOW;
	}
	atomic_store(&shared.stop, true);
	rte_eal_wait_lcore(first_worker);
	if (period_us == 0)
		snprintf(name, sizeof(name), "msg-rtt-every-loop");
	else
		snprintf(name, sizeof(name), "msg-rtt-every-%uus", period_us);
	bench_report(name, (double)bench_quantile(values, n, 50) * ns_per_cycle, "ns",
		     (double)bench_quantile(floors, n, 50) * ns_per_cycle);
	g_strlcat(name, "-p99", sizeof(name));
	bench_report(name, (double)bench_quantile(values, n, 99) * ns_per_cycle, "ns",
		     (double)bench_quantile(floors, n, 99) * ns_per_cycle);
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
	struct rte_ring *rings[5] = { there[0], back, there[0], back, there[0] };
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
	static const uint32_t periods_us[] = { 0, 100, 1000, 10000 };
	unsigned int i, cpus = test_eal_cpus();
	struct cost cost;

	(void)argc;
	(void)argv;
	share_cpu = cpus < 2;
	nworkers = share_cpu ? 1 : MIN(cpus - 1, (unsigned int)WORKERS_MOST);
	test_eal_init(nworkers + 1);
	ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
	first_worker = rte_get_next_lcore(-1, 1, 0);
	pin(0);

	bench_awake();
	bench_main_loop();
	for (i = 0; i < RTE_DIM(periods_us); i++)
		bench_period(periods_us[i]);
	rte_eal_remote_launch(cost_worker, &cost, first_worker);
	rte_eal_wait_lcore(first_worker);
	bench_report("msg-loop-cost-every-loop", cost.every_loop, "cycles", cost.rings);
	bench_report("msg-loop-cost-periodic", cost.periodic, "cycles", cost.rings);
	dpvs_msg_fini();
	test_eal_fini();
	return 0;
}
