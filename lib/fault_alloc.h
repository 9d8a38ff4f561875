/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes each call of an allocator that may fail a fault point. In a build with fault injection the compiler
 * reads this before each source file (-include), so the sources do not know of it; first come the headers
 * that declare what is replaced. GLib's g_malloc() and what is built on it abort: they are no points.
 *
 * Thread-safety: any thread.
 */
#ifndef FAULT_ALLOC_H
#define FAULT_ALLOC_H

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "fault_point.h"

#define malloc(size) (FAULT_POINT("malloc") ? NULL : (malloc)(size))
#define calloc(n, size) (FAULT_POINT("calloc") ? NULL : (calloc)(n, size))
#define realloc(p, size) (FAULT_POINT("realloc") ? NULL : (realloc)(p, size))
#define aligned_alloc(align, size) (FAULT_POINT("aligned_alloc") ? NULL : (aligned_alloc)(align, size))

#undef g_try_malloc
#undef g_try_malloc0
#undef g_try_malloc_n
#undef g_try_malloc0_n
#undef g_try_realloc
#undef g_try_realloc_n
#define g_try_malloc(size) (FAULT_POINT("g_try_malloc") ? NULL : (g_try_malloc)(size))
#define g_try_malloc0(size) (FAULT_POINT("g_try_malloc0") ? NULL : (g_try_malloc0)(size))
#define g_try_malloc_n(n, size) (FAULT_POINT("g_try_malloc_n") ? NULL : (g_try_malloc_n)(n, size))
#define g_try_malloc0_n(n, size) (FAULT_POINT("g_try_malloc0_n") ? NULL : (g_try_malloc0_n)(n, size))
#define g_try_realloc(p, size) (FAULT_POINT("g_try_realloc") ? NULL : (g_try_realloc)(p, size))
#define g_try_realloc_n(p, n, size) (FAULT_POINT("g_try_realloc_n") ? NULL : (g_try_realloc_n)(p, n, size))

#define rte_malloc(what, size, align) (FAULT_POINT("rte_malloc") ? NULL : (rte_malloc)(what, size, align))
#define rte_zmalloc(what, size, align) (FAULT_POINT("rte_zmalloc") ? NULL : (rte_zmalloc)(what, size, align))
#define rte_malloc_socket(what, size, align, socket) \
	(FAULT_POINT("rte_malloc_socket") ? NULL : (rte_malloc_socket)(what, size, align, socket))
#define rte_zmalloc_socket(what, size, align, socket) \
	(FAULT_POINT("rte_zmalloc_socket") ? NULL : (rte_zmalloc_socket)(what, size, align, socket))
#define rte_pktmbuf_alloc(pool) (FAULT_POINT("mbuf") ? NULL : (rte_pktmbuf_alloc)(pool))

#endif
