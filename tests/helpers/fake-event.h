/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fake-dpvsd tells of events; see fake-event.c.
 *
 * Thread-safety: one thread.
 */
#ifndef FAKE_EVENT_H
#define FAKE_EVENT_H

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

extern const struct dpvs_sockopt fake_event_opt;

#endif
