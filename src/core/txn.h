/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: SETs 8001 to 8004. A client stages whole SET requests, checked as far as they can be without
 * carrying them out, and commits them as one change. What is staged belongs to the connection.
 *
 * Thread-safety: main lcore only.
 */
#ifndef TXN_H
#define TXN_H

#include <stdint.h>

struct module;
extern const struct module txn_module;

/** txn_set_quota: bytes that one client, and that all together, may stage. */
void txn_set_quota(uint64_t client, uint64_t all);

#endif
