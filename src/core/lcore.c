/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See lcore.h. A worker's loop walks its graph, handles some messages, runs jobs, and backs off to short
 * sleeps when nothing came for a while. A watchdog on the main lcore says HELLO to each worker every second.
 */
#include "core/lcore.h"

#include <dpvsctrl/msg.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/cpulist.h"
#include "core/fault.h"
#include "core/graph_priv.h"
#include "core/log.h"
#include "module.h"

/* How long a worker looks for work before its first sleep: longer than a sleep costs, shorter than anybody notices. */
#define SPIN_US 50

enum {
	IDLE_POLL,
	IDLE_ADAPTIVE,
};

enum {
	WORKER_STARTING = 1,
	WORKER_RUNNING = 2,
	WORKER_ENDED = 3, /* or a negative errno of its init */
};

/* worker: rw, main: ro; a cache line of its own */
struct worker {
	_Atomic int state;
	uint32_t tid;
	uint64_t loops;
	uint64_t busy_cycles;
	uint64_t idle_cycles;
	uint64_t sleeps;
	uint64_t nivcsw;
	uint64_t slow_next_ms[LCORE_JOBS_MAX];
} __rte_cache_aligned;

/* So long a worker may take to end. */
#define STOP_WAIT_US (5 * G_USEC_PER_SEC)

/* What the watchdog knows of a worker. main: rw */
struct watch {
	bool asked;
	bool silent; /* did not answer; said so */
};

RTE_DEFINE_PER_LCORE(struct lcore_self, lcore_self) = { .worker = UINT32_MAX };

static struct worker workers[WORKERS_MAX];
static struct watch watches[WORKERS_MAX];
static unsigned int worker_count;
static unsigned int worker_lcores[WORKERS_MAX];
static uint64_t start_tsc;
static _Atomic bool stopping; /* main: rw, workers: ro */

/* Constant while workers run. */
static unsigned int idle_mode;
static uint32_t sleep_max_us;
static int (*worker_init)(void);
static const struct module_job *loop_jobs[LCORE_JOBS_MAX + 1];
static const struct module_job *slow_jobs[LCORE_JOBS_MAX + 1];

unsigned int
lcore_worker_count(void)
{
	return worker_count;
}

unsigned int
lcore_of_worker(unsigned int index)
{
	return worker_lcores[index];
}

unsigned int
lcore_cpu(unsigned int lcore)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	unsigned int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return 0;
}

unsigned int
lcore_numa(unsigned int lcore)
{
	unsigned int cpu = lcore_cpu(lcore);

	/* EAL noted this at its start for lcore id = CPU number. */
	return cpu < RTE_MAX_LCORE ? rte_lcore_to_socket_id(cpu) : 0;
}

uint64_t
lcore_now_ms(void)
{
	/* Split, so that the product does not overflow after some months. */
	uint64_t tsc = rte_rdtsc() - start_tsc, hz = rte_get_tsc_hz();

	return tsc / hz * 1000 + tsc % hz * 1000 / hz;
}

/* ---- the loop ---- */

static unsigned int
worker_slow_jobs(struct worker *w, uint64_t now_ms)
{
	unsigned int i, work = 0;

	for (i = 0; slow_jobs[i] != NULL; i++) {
		if (now_ms < w->slow_next_ms[i])
			continue;
		w->slow_next_ms[i] = now_ms + slow_jobs[i]->period_ms;
		work += slow_jobs[i]->fn() != -EAGAIN;
	}
	return work;
}

static void
worker_usage(struct worker *w)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) == 0)
		__atomic_store_n(&w->nivcsw, (uint64_t)usage.ru_nivcsw, __ATOMIC_RELAXED);
}

/* Only its worker writes a counter; the relaxed store keeps main's reading whole. */
static inline void
worker_count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void
worker_loop(struct worker *w, struct rte_graph *graph)
{
	const uint64_t hz = rte_get_tsc_hz(), ms_cycles = hz / 1000;
	const uint64_t spin_cycles = hz / 1000000 * SPIN_US;
	struct lcore_self *me = lcore_me();
	uint64_t now = rte_rdtsc(), end, idle_since = 0, next_ms_tsc = 0, usage_ms = 0;
	unsigned int i, work;
	bool ms_over;
	uint32_t sleep_us = 0;

	while (!atomic_load_explicit(&stopping, memory_order_acquire)) {
		me->now_tsc = now;
		me->pkts = 0;
		work = 0;
		ms_over = now >= next_ms_tsc;
		if (ms_over) {
			me->now_ms = lcore_now_ms();
			next_ms_tsc = now + ms_cycles;
		}
		if (!FAULT_HELD((unsigned int)(w - workers)))
			work += dpvs_msg_process_at(now);
		if (ms_over) {
			work += worker_slow_jobs(w, me->now_ms);
			if (me->now_ms >= usage_ms) {
				usage_ms = me->now_ms + 1000;
				worker_usage(w);
			}
		}
		rte_graph_walk(graph);
		work += me->pkts;
		for (i = 0; loop_jobs[i] != NULL; i++)
			work += loop_jobs[i]->fn() != -EAGAIN;

		end = rte_rdtsc();
		worker_count_add(&w->loops, 1);
		if (work != 0) {
			worker_count_add(&w->busy_cycles, end - now);
			idle_since = end;
			now = end;
			sleep_us = 0;
			continue;
		}
		if (idle_mode == IDLE_ADAPTIVE && end - idle_since > spin_cycles) {
			sleep_us = RTE_MIN(sleep_us * 2 + 1, sleep_max_us);
			worker_count_add(&w->sleeps, 1);
			dpvs_msg_sleep(sleep_us);
		} else {
			rte_pause();
		}
		end = rte_rdtsc();
		worker_count_add(&w->idle_cycles, end - now);
		now = end;
	}
	/* What messages and jobs put into the graph after its last walk. */
	rte_graph_walk(graph);
}

static int
worker_main(void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	struct worker *w = &workers[index];
	char name[16];
	int err;

	snprintf(name, sizeof(name), "dpvsd-w%u", index);
	pthread_setname_np(pthread_self(), name);
	/* The kernel's slack of 50 us would double our longest sleep. */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	w->tid = (uint32_t)gettid();
	*lcore_me() = (struct lcore_self){ .worker = index, .now_tsc = rte_rdtsc(),
					   .now_ms = lcore_now_ms() };
	err = worker_init();
	if (err < 0) {
		atomic_store_explicit(&w->state, err, memory_order_release);
		lcore_me()->worker = UINT32_MAX;
		return err;
	}
	atomic_store_explicit(&w->state, WORKER_RUNNING, memory_order_release);
	worker_loop(w, graph_of_worker(index));
	atomic_store_explicit(&w->state, WORKER_ENDED, memory_order_release);
	lcore_me()->worker = UINT32_MAX;
	return 0;
}

/* ---- main's side ---- */

int
lcore_setup(const struct conf *conf)
{
	unsigned int lcore;

	worker_count = 0;
	RTE_LCORE_FOREACH_WORKER(lcore) {
		if (worker_count == WORKERS_MAX) {
			log_error("lcore", "more than %d workers; give fewer lcores", WORKERS_MAX);
			return -E2BIG;
		}
		worker_lcores[worker_count++] = lcore;
	}
	if (worker_count == 0) {
		log_error("lcore", "no worker: DPDK has one lcore only; give at least two (they may share a CPU)");
		return -EINVAL;
	}
	idle_mode = conf_choice(conf, "lcore", "idle");
	sleep_max_us = (uint32_t)conf_uint(conf, "lcore", "idle-sleep");
	start_tsc = rte_rdtsc();
	return 0;
}

static int
lcore_collect_jobs(const struct module *const *modules)
{
	const struct module_job *job;
	unsigned int nloop = 0, nslow = 0;

	for (; *modules != NULL; modules++) {
		for (job = (*modules)->jobs; job != NULL && job->name != NULL; job++) {
			if (nloop == LCORE_JOBS_MAX || nslow == LCORE_JOBS_MAX)
				return -E2BIG;
			if (job->when == JOB_LOOP)
				loop_jobs[nloop++] = job;
			else if (job->when == JOB_SLOW)
				slow_jobs[nslow++] = job;
		}
	}
	loop_jobs[nloop] = NULL;
	slow_jobs[nslow] = NULL;
	return 0;
}

int
lcore_launch(int (*init)(void), const struct module *const *modules)
{
	unsigned int i;
	int err, state;

	err = lcore_collect_jobs(modules);
	if (err < 0)
		return err;
	worker_init = init;
	atomic_store_explicit(&stopping, false, memory_order_release);
	memset(watches, 0, sizeof(watches));
	for (i = 0; i < worker_count; i++) {
		memset(&workers[i], 0, sizeof(workers[i]));
		atomic_store_explicit(&workers[i].state, WORKER_STARTING, memory_order_relaxed);
		err = rte_eal_remote_launch(worker_main, (void *)(uintptr_t)i, worker_lcores[i]);
		if (err < 0)
			goto err_stop;
	}
	for (i = 0; i < worker_count; i++) {
		while ((state = atomic_load_explicit(&workers[i].state, memory_order_acquire)) ==
		       WORKER_STARTING)
			usleep(100);
		if (state < 0) {
			err = state;
			goto err_stop;
		}
	}
	return 0;

err_stop:
	lcore_stop();
	return err;
}

/*
 * A worker that hangs must not hang the stop as well: an operator who ends the daemon wants the next one. What
 * the worker may still touch cannot be freed, so the process ends as if it was killed, which the next
 * start copes with.
 */
static void
lcore_wait_ended(unsigned int index, gint64 end)
{
	struct worker *w = &workers[index];

	if (rte_eal_get_lcore_state(worker_lcores[index]) != RUNNING)
		return;
	while (atomic_load_explicit(&w->state, memory_order_acquire) == WORKER_RUNNING) {
		if (g_get_monotonic_time() > end) {
			log_error("lcore", "worker %u (lcore %u, thread %u) does not end; leaving without it",
				  index, worker_lcores[index], (unsigned int)w->tid);
			log_finish();
			_exit(EXIT_FAILURE);
		}
		g_usleep(100);
	}
}

void
lcore_stop(void)
{
	gint64 end = g_get_monotonic_time() + STOP_WAIT_US;
	unsigned int i;

	atomic_store_explicit(&stopping, true, memory_order_release);
	for (i = 0; i < worker_count; i++)
		dpvs_msg_ring_doorbell(worker_lcores[i]);
	for (i = 0; i < worker_count; i++) {
		lcore_wait_ended(i, end);
		rte_eal_wait_lcore(worker_lcores[i]);
	}
}

void
lcore_counters(unsigned int index, struct lcore_counters *ret_counters)
{
	const struct worker *w = &workers[index];

	*ret_counters = (struct lcore_counters){
		.loops = __atomic_load_n(&w->loops, __ATOMIC_RELAXED),
		.busy_cycles = __atomic_load_n(&w->busy_cycles, __ATOMIC_RELAXED),
		.idle_cycles = __atomic_load_n(&w->idle_cycles, __ATOMIC_RELAXED),
		.sleeps = __atomic_load_n(&w->sleeps, __ATOMIC_RELAXED),
		.nivcsw = __atomic_load_n(&w->nivcsw, __ATOMIC_RELAXED),
		.tid = w->tid,
	};
}

/* ---- the watchdog ---- */

static void
lcore_hello_done(struct dpvs_msg *msg, int status, void *arg)
{
	unsigned int index = (unsigned int)(uintptr_t)arg;
	struct watch *watch = &watches[index];

	watch->asked = false;
	if (status == -ETIMEDOUT && !watch->silent) {
		watch->silent = true;
		dpvs_msg_set_silent(worker_lcores[index], true);
		log_error("lcore", "worker %u (lcore %u) does not answer", index, worker_lcores[index]);
	} else if (status == 0 && watch->silent) {
		watch->silent = false;
		dpvs_msg_set_silent(worker_lcores[index], false);
		log_notice("lcore", "worker %u (lcore %u) answers again", index, worker_lcores[index]);
	}
}

static int
lcore_watchdog(void)
{
	static const struct dpvs_msg_hello hello = { .text = "are you there" };
	struct dpvs_msg *msg;
	unsigned int i;

	for (i = 0; i < worker_count; i++) {
		if (watches[i].asked)
			continue; /* the time-out of the last one is the answer */
		msg = dpvs_msg_new(DPVS_MSG_HELLO, sizeof(hello));
		if (msg == NULL)
			return -EAGAIN;
		memcpy(dpvs_msg_data(msg), &hello, sizeof(hello));
		if (dpvs_msg_request(msg, worker_lcores[i], 0, lcore_hello_done, (void *)(uintptr_t)i) < 0)
			dpvs_msg_free(msg);
		else
			watches[i].asked = true;
	}
	return 0;
}

/* ---- keys ---- */

static void
lcore_check_cpus(struct conf *conf, const char *key, int most)
{
	const char *text = conf_string(conf, "lcore", key);
	unsigned int cpus[CPULIST_MAX];
	int count;

	if (strcmp(text, "auto") == 0)
		return;
	count = cpulist_parse(text, cpus);
	if (count < 0)
		conf_error(conf, "lcore", key, "\"%s\" is no list of CPUs; write \"2,4-7\" or \"auto\"", text);
	else if (count > most)
		conf_error(conf, "lcore", key, "\"%s\" names %d CPUs; give %d", text, count, most);
}

static void
lcore_check(struct conf *conf)
{
	lcore_check_cpus(conf, "main-cpu", 1);
	lcore_check_cpus(conf, "worker-cpus", CPULIST_MAX);
}

static const char *const lcore_idle_choices[] = { "poll", "adaptive", NULL };

static const struct conf_key lcore_conf[] = {
	{
		.name = "workers",
		.type = CONF_UINT,
		.min = 1,
		.max = WORKERS_MAX - 1,
		.def = 1,
		.help = "Number of worker lcores; they may outnumber the CPUs.",
	},
	{
		.name = "main-cpu",
		.type = CONF_STRING,
		.min = 1,
		.max = 64,
		.def_str = "auto",
		.help = "CPU of the main lcore; auto: the first that this process may use.",
	},
	{
		.name = "worker-cpus",
		.type = CONF_STRING,
		.min = 1,
		.max = 256,
		.def_str = "auto",
		.help = "CPUs of the workers, as \"2,4-7\", in turn; auto: all of this process, main's last.",
	},
	{
		.name = "idle",
		.type = CONF_CHOICE,
		.choices = lcore_idle_choices,
		.def_str = "adaptive",
		.help = "What a worker without work does: poll on, or sleep for short times (adaptive).",
	},
	{
		.name = "idle-sleep",
		.type = CONF_UINT,
		.min = 1,
		.max = 10000,
		.def = 100,
		.unit = "us",
		.help = "Longest sleep of a worker without work.",
	},
	{},
};

static const struct module_job lcore_jobs[] = {
	{ .name = "lcore-watchdog", .when = JOB_MAIN, .period_ms = 1000, .fn = lcore_watchdog },
	{},
};

const struct module lcore_module = {
	.name = "lcore",
	.conf = lcore_conf,
	.jobs = lcore_jobs,
	.check = lcore_check,
};
