/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is freed is overwritten, so that who reads it still is noticed without AddressSanitizer, too.
 *
 * Thread-safety: before any thread is started.
 */
#ifndef OVERWRITE_H
#define OVERWRITE_H

#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/**
 * overwrite_freed: from main(), first. Begins the program again, as small pieces are overwritten only without glibc's
 * caches of threads, which can be turned off only at its start.
 */
static inline void
overwrite_freed(char **argv)
{
	if (getenv("GLIBC_TUNABLES") == NULL && setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1) == 0)
		execv("/proc/self/exe", argv); /* where it cannot: large pieces only */
	mallopt(M_PERTURB, 0x6b);
}

#endif
