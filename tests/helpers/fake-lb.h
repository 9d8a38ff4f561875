/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fake-dpvsd answers to ipvsadm; see fake-lb.c.
 *
 * Thread-safety: one thread.
 */
#ifndef FAKE_LB_H
#define FAKE_LB_H

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

/** fake_lb_opts: ends with an entry without a name. */
extern const struct dpvs_sockopt fake_lb_opts[];

#endif
