/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault points: where memory can run out, a pool be empty, a ring be full, the code asks
 *
 *   if (FAULT_POINT("change.op") || (p = g_try_malloc(size)) == NULL)
 *           return -ENOMEM;
 *
 * A daemon built without -DDPVS_FAULT_INJECTION has the constant false there, and no code.
 *
 * Thread-safety: any lcore.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

#define FAULT_POINT(name) false

#endif
