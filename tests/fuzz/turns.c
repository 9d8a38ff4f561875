/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers that take turns with main on its thread: core/lcore.c a second time, with a worker's loop that is left
 * after each round. A fuzz target that waited for real workers would wait for the scheduler of the machine, several
 * times for each change; here an answer costs what its code costs, and the same input takes the same way again.
 *
 * Each turn of the main loop begins with one round of each worker: messages, jobs, graph. What is one per lcore is
 * changed around it; worker N's lcore is taken (DPDK has it as running), its thread sleeps. The linker takes
 * these symbols instead of those of libdpvsd.la, as in tests/fault.
 */
#include <dpvsctrl/msg.h>
#include <glib.h>
#include <pthread.h>
#include <rte_graph_worker.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <semaphore.h>
#include <sys/resource.h>

#include "core/graph_priv.h"
#include "msg_priv.h"
#include "net/route.h"

static int turns_launch(lcore_function_t *fn, void *arg, unsigned int lcore);
static enum rte_lcore_state_t turns_state(unsigned int lcore);
static int turns_wait(unsigned int lcore);

static void turns_sleep(uint32_t timeout_us);
static int turns_usage(int who, struct rusage *ret_usage);

#define dpvs_msg_sleep		 turns_sleep
#define getrusage		 turns_usage
#define rte_eal_remote_launch	 turns_launch
#define rte_eal_get_lcore_state	 turns_state
#define rte_eal_wait_lcore	 turns_wait
#include "core/lcore.c"
#undef dpvs_msg_sleep
#undef getrusage
#undef rte_eal_remote_launch
#undef rte_eal_get_lcore_state
#undef rte_eal_wait_lcore

/* So long the main loop may sleep while workers have jobs that are due by the time. */
#define TURN_MS 1

/** struct identity: what a thread has as a lcore. */
struct identity {
	unsigned int lcore;
	struct lcore_self self;
	uint32_t net_generation;
};

/** struct turn_worker: a worker between its turns. */
struct turn_worker {
	struct identity identity;
	sem_t end; /* its thread sleeps until then */
	bool runs;
};

static struct turn_worker turn_workers[WORKERS_MAX];
static GSource *source;

/* The calling thread becomes @new. */
static void
become(const struct identity *new)
{
	RTE_PER_LCORE(_lcore_id) = new->lcore;
	*lcore_me() = new->self;
	RTE_PER_LCORE(net_generation_count) = new->net_generation;
	msg_self = (struct msg_self){ 0 }; /* to be looked up again */
}

static struct identity
who_am_i(void)
{
	return (struct identity){
		.lcore = rte_lcore_id(),
		.self = *lcore_me(),
		.net_generation = net_generation(),
	};
}

/* The last job of a round: no further one. */
static int
turns_stop(void)
{
	atomic_store_explicit(&stopping, true, memory_order_relaxed);
	return -EAGAIN;
}

static const struct module_job stop_job = { .name = "turns-stop", .when = JOB_LOOP, .fn = turns_stop };

static void
turns_round(unsigned int index)
{
	struct turn_worker *t = &turn_workers[index];
	struct identity me = who_am_i();

	become(&t->identity);
	atomic_store_explicit(&stopping, false, memory_order_relaxed);
	worker_loop(&workers[index], graph_of_worker(index));
	t->identity = who_am_i();
	become(&me);
}

/* System calls whose outcome means nothing here, so one in many is enough. */
static bool
turns_rarely(void)
{
	static unsigned int calls;

	return ++calls % 64 == 0;
}

/* A worker that has nothing to do does not keep the others waiting. */
static void
turns_sleep(uint32_t timeout_us)
{
	(void)timeout_us;
	if (turns_rarely())
		dpvs_msg_sleep(0);
}

static int
turns_usage(int who, struct rusage *ret_usage)
{
	return turns_rarely() ? getrusage(who, ret_usage) : -1;
}

/* What workers answer rings main's bell, so that the main loop does not sleep after this. */
static gboolean
turns_prepare(GSource *base, gint *timeout)
{
	(void)base;
	for (unsigned int i = 0; i < worker_count; i++)
		if (turn_workers[i].runs)
			turns_round(i);
	*timeout = TURN_MS;
	return FALSE;
}

static GSourceFuncs turns_funcs = { .prepare = turns_prepare };

static int
turns_thread(void *arg)
{
	struct turn_worker *t = arg;

	while (sem_wait(&t->end) < 0)
		;
	return 0;
}

/* @fn is worker_main(): its parts but for the loop are here. */
static int
turns_launch(lcore_function_t *fn, void *arg, unsigned int lcore)
{
	unsigned int index = (unsigned int)(uintptr_t)arg, last = 0;
	struct turn_worker *t = &turn_workers[index];
	struct identity me = who_am_i();
	int err;

	(void)fn;
	while (loop_jobs[last] != NULL)
		last++;
	if (last == 0 || loop_jobs[last - 1] != &stop_job) {
		if (last == LCORE_JOBS_MAX)
			return -E2BIG;
		loop_jobs[last] = &stop_job;
		loop_jobs[last + 1] = NULL;
	}
	sem_init(&t->end, 0, 0);
	err = rte_eal_remote_launch(turns_thread, t, lcore);
	if (err < 0)
		return err;
	t->identity = (struct identity){
		.lcore = lcore,
		.self = { .worker = index, .now_tsc = rte_rdtsc(), .now_ms = lcore_now_ms() },
	};
	become(&t->identity);
	err = worker_init();
	t->identity = who_am_i();
	become(&me);
	t->runs = err == 0;
	atomic_store_explicit(&workers[index].state, err < 0 ? err : WORKER_RUNNING, memory_order_release);
	if (source == NULL) {
		source = g_source_new(&turns_funcs, sizeof(*source));
		/* Before that of messages, which is to see the answers in the same turn. */
		g_source_set_priority(source, G_PRIORITY_HIGH);
		g_source_attach(source, NULL);
	}
	return 0;
}

/* lcore_stop() need not wait for a loop that never runs by itself. */
static enum rte_lcore_state_t
turns_state(unsigned int lcore)
{
	(void)lcore;
	return WAIT;
}

static int
turns_wait(unsigned int lcore)
{
	for (unsigned int i = 0; i < worker_count; i++) {
		if (worker_lcores[i] == lcore && rte_eal_get_lcore_state(lcore) == RUNNING) {
			turn_workers[i].runs = false;
			sem_post(&turn_workers[i].end);
		}
	}
	if (source != NULL) {
		g_source_destroy(source);
		g_clear_pointer(&source, g_source_unref);
	}
	return rte_eal_wait_lcore(lcore);
}
