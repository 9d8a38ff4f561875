/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts EAL for a test program: no huge pages, no PCI, no shared configuration, a runtime folder of its
 * own, lcores that float over whatever CPUs the process may use (so one CPU is enough). EAL starts once
 * in a process: one program is one EAL set-up.
 *
 * When EAL cannot start, the program ends as a skipped test ("1..0 # SKIP reason"), or as a failed one
 * when DPVS_TEST_REQUIRE contains "eal". Call these from main() before g_test_run().
 *
 * Thread-safety: main thread only.
 */
#ifndef TEST_EAL_H
#define TEST_EAL_H

/**
 * test_eal_init: EAL with lcores 0 to @nlcores - 1 (0 is main) and 64 MB of memory.
 * Returns 0; does not return when EAL cannot start.
 */
int test_eal_init(unsigned int nlcores);

/**
 * test_eal_init_args: the same with @mem_mb megabytes and further EAL arguments (@extra: NULL-ended,
 * may be NULL), for example "--vdev", "net_ring0". rte_lpm and rte_fib need at least 96 MB.
 */
int test_eal_init_args(unsigned int nlcores, unsigned int mem_mb, const char *const *extra);

/** test_eal_fini: waits for the workers to return and ends EAL. Call it last in main(). */
void test_eal_fini(void);

/** test_eal_cpus: number of CPUs this process may use. */
unsigned int test_eal_cpus(void);

#endif
