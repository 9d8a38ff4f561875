/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What benches share: one line of JSON for each result, and order statistics of samples.
 *
 * Thread-safety: any thread, no state.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** bench_report: prints a result; @floor is what the same run needs for the bare minimum. */
static inline void
bench_report(const char *name, double value, const char *unit, double floor)
{
	/* Seconds are few. */
	int digits = value < 10 ? 4 : 2;

	printf("{\"bench\":\"%s\",\"value\":%.*f,\"unit\":\"%s\",\"floor\":%.*f,\"ratio\":%.2f}\n", name,
	       digits, value, unit, digits, floor, floor > 0 ? value / floor : 0);
	fflush(stdout);
}

static inline int
bench_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/** bench_quantile: sorts @samples; the one below which @percent of them lie. */
static inline uint64_t
bench_quantile(uint64_t *samples, size_t count, unsigned int percent)
{
	qsort(samples, count, sizeof(*samples), bench_compare);
	return samples[(count - 1) * percent / 100];
}

#endif
