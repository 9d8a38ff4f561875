/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time-outs of connections that an operator may change while the daemon runs (ipvsadm --set). Each worker
 * has its copy, changed by commit (DPVS_MSG_LB_TIMEOUTS); a change applies to a connection with its next
 * packet, as in LVS.
 *
 * Thread-safety: lb_timeouts(): worker lcore, own copy.
 */
#ifndef TIMEOUTS_H
#define TIMEOUTS_H

#include <stdint.h>

#include "core/lcore.h"

/** struct lb_timeouts: in seconds, never 0. */
struct lb_timeouts {
	uint32_t tcp_s;     /**< state ESTABLISHED; default 900 */
	uint32_t tcp_fin_s; /**< state FIN_WAIT; default 120 */
	uint32_t udp_s;     /**< UDP; default 300 */
} __attribute__((aligned(64)));

/** One copy per worker. */
extern struct lb_timeouts lb_timeouts_of[WORKERS_MAX];

static inline const struct lb_timeouts *
lb_timeouts(void)
{
	return &lb_timeouts_of[lcore_me()->worker];
}

#endif
