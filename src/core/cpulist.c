/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See cpulist.h.
 */
#include "core/cpulist.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

static int
cpulist_number(const char **text)
{
	unsigned long n = 0;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); (*text)++) {
		n = n * 10 + (unsigned long)(**text - '0');
		if (n >= CPULIST_MAX)
			return -EINVAL;
	}
	return (int)n;
}

int
cpulist_parse(const char *text, unsigned int *cpus)
{
	int first, last, count = 0;

	for (;;) {
		first = last = cpulist_number(&text);
		if (first >= 0 && *text == '-') {
			text++;
			last = cpulist_number(&text);
		}
		if (first < 0 || last < first)
			return -EINVAL;
		for (; first <= last; first++) {
			if (count == CPULIST_MAX)
				return -EINVAL;
			cpus[count++] = (unsigned int)first;
		}
		if (*text == '\0')
			return count;
		if (*text++ != ',')
			return -EINVAL;
	}
}

int
cpulist_allowed(unsigned int *cpus)
{
	cpu_set_t set;
	int cpu, count = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (cpu = 0; cpu < CPU_SETSIZE && cpu < CPULIST_MAX; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[count++] = (unsigned int)cpu;
	return count;
}
