/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least loaded of the servers of a service, for lc and wlc: of few by looking at all, of many by a tree
 * for each worker; doc/services.md says how and how exact that is.
 *
 * Thread-safety: least_build(): main lcore. least_pick(): worker lcore, which writes its own tree.
 */
#ifndef LEAST_H
#define LEAST_H

#include <stdbool.h>

struct dest;
struct sched_build;
struct service;

enum {
	/** Servers x workers up to which all are looked at. */
	LEAST_EXACT = 128,
	/** Servers whose load is read anew with each choice. */
	LEAST_REFRESH = 8,
	/** Servers that a choice asks at most. */
	LEAST_CHECKS = 8,
};

/** least_build: a .build of struct sched_ops; @weighted: loads are divided by weights. Returns 0, SCHED_MORE or -ENOMEM. */
int least_build(struct sched_build *b, bool weighted);

/** least_pick: the usable server with the least load, NULL: there is none. */
const struct dest *least_pick(const struct service *svc);

#endif
