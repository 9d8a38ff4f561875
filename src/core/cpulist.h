/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of CPUs as the configuration writes them: "2,4-7".
 *
 * Thread-safety: pure functions.
 */
#ifndef CPULIST_H
#define CPULIST_H

/** Highest CPU number plus one. */
#define CPULIST_MAX 1024

/**
 * cpulist_parse: writes the CPUs of @text to @cpus in the order given, at most CPULIST_MAX.
 * Returns: how many, or -EINVAL.
 */
int cpulist_parse(const char *text, unsigned int *cpus);

/** cpulist_allowed: the CPUs that this process may use, ascending. Returns how many. */
int cpulist_allowed(unsigned int *cpus);

#endif
