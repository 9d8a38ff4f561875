/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays of a fixed largest size of which little may ever be used: address space is reserved, zero memory
 * comes with the first touch (so a worker's array is on the worker's NUMA node).
 *
 * Thread-safety: main lcore only.
 */
#ifndef RESERVE_H
#define RESERVE_H

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ /* as gcc says it */
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

/** reserve_new: @size bytes, zero, page-aligned. Returns 0 or -ENOMEM. */
static inline int
reserve_new(size_t size, void **ret_mem)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	*ret_mem = mem;
	return 0;
}

/** reserve_free: (nullable). */
static inline void
reserve_free(void *mem, size_t size)
{
	if (mem != NULL)
		munmap(mem, size);
}

/**
 * reserve_roots, reserve_no_roots: around the life of memory that may have the only pointers to objects on the
 * heap. LeakSanitizer does not look into what mmap() gave, and would take these objects for leaks.
 */
static inline void
reserve_roots(const void *mem, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__lsan_register_root_region(mem, size);
#else
	(void)mem;
	(void)size;
#endif
}

static inline void
reserve_no_roots(const void *mem, size_t size)
{
#ifdef __SANITIZE_ADDRESS__
	__lsan_unregister_root_region(mem, size);
#else
	(void)mem;
	(void)size;
#endif
}

#endif
