/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET 8205: asks lcores whether they are there, over their message rings.
 *
 * Thread-safety: main lcore only.
 */
#ifndef PING_H
#define PING_H

struct dpvs_req;

/** ping_ctl_get: handler of GET 8205; @record is a struct dpvs_ping. */
int ping_ctl_get(struct dpvs_req *req, const void *record);

#endif
