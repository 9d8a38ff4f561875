/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lcores: one main, the rest workers. Workers have a compact index, 0 to lcore_worker_count() - 1, for
 * arrays of per-worker state.
 *
 * A worker's loop: walk its graph, handle a bounded number of messages, run jobs; when nothing came for a
 * while, back off to short sleeps that a doorbell ends (key lcore.idle).
 *
 * Thread-safety: each function says.
 */
#ifndef LCORE_H
#define LCORE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_per_lcore.h>

/** Most workers; of per-worker arrays. */
#define WORKERS_MAX 128

/** Most jobs that workers run. */
#define LCORE_JOBS_MAX 32

/** lcore_worker_count: any lcore; constant while workers run. */
unsigned int lcore_worker_count(void);

/** lcore_of_worker: lcore id of worker @index. Any lcore. */
unsigned int lcore_of_worker(unsigned int index);

/**
 * lcore_cpu, lcore_numa: where lcore @lcore runs. DPDK's own look-ups take lcore ids for CPU numbers, which
 * they are not here. Any lcore.
 */
unsigned int lcore_cpu(unsigned int lcore);
unsigned int lcore_numa(unsigned int lcore);

/** struct lcore_self: the calling lcore's own state. */
struct lcore_self {
	uint32_t worker;  /**< own worker index; on the main lcore UINT32_MAX */
	uint32_t pkts;    /**< packets received in this loop; rx nodes add, the loop reads to tell busy from idle */
	uint64_t now_tsc; /**< TSC at the start of this loop */
	uint64_t now_ms;  /**< milliseconds since the daemon started, monotonic, at the start of this loop */
};

/** lcore_now_ms: as lcore_self.now_ms, read now. Any lcore. */
uint64_t lcore_now_ms(void);

/*
 * In the program itself, never in a shared library: said here, its address takes no look into a table of offsets.
 * It also keeps gcc's UndefinedBehaviorSanitizer right, which asks the flags of an addition whether that address
 * is null; the linker makes an addition that changes no flags of it when it finds out where the variable is.
 */
RTE_DECLARE_PER_LCORE(struct lcore_self, lcore_self) __attribute__((tls_model("local-exec")));

static inline struct lcore_self *
lcore_me(void)
{
	return &RTE_PER_LCORE(lcore_self);
}

struct conf;
struct module;
extern const struct module lcore_module; /* keys and the watchdog */

/** lcore_setup: numbers the workers (all lcores of EAL but main) and reads the keys. Main only, after EAL. */
int lcore_setup(const struct conf *conf);

/**
 * lcore_launch: starts the loop of each worker and waits until each has run @init. Main only.
 * @modules: NULL-ended, whose jobs the workers run.
 * Returns: 0, or what @init returned on a worker; then all workers have ended again.
 */
int lcore_launch(int (*init)(void), const struct module *const *modules);

/** lcore_stop: ends all loops and waits for them. Main only; harmless when nothing runs. */
void lcore_stop(void);

/** struct lcore_counters: of one worker's loop, or of main. */
struct lcore_counters {
	uint64_t loops;
	uint64_t busy_cycles;
	uint64_t idle_cycles;
	uint64_t sleeps;
	uint64_t nivcsw; /**< involuntary context switches */
	uint32_t tid;    /**< thread id */
};

/** lcore_counters: of worker @index. Main only. */
void lcore_counters(unsigned int index, struct lcore_counters *ret_counters);

#endif
