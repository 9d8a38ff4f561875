/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked about connections over the socket (family conn): tables of the module's descriptor, and what
 * conn_ctrl.c (one connection) and conn_dump.c (lists) share.
 *
 * Thread-safety: the tables are constant; the rest as it says.
 */
#ifndef CONN_CTRL_H
#define CONN_CTRL_H

#include "module.h"

struct conn;
struct conn_table;
struct dpvs_conn_info;

extern const struct module_sockopt conn_sockopts[];
extern const struct dpvs_msg_type conn_msgs[];

/** conn_info_fill: the wire's record of @c. The worker that owns @t. */
void conn_info_fill(const struct conn_table *t, const struct conn *c, struct dpvs_conn_info *info);

/** conn_ctl_get_all: GET 1000; main lcore. conn_msg_get_all: CONN_GET_ALL; workers. */
int conn_ctl_get_all(struct dpvs_req *req, const void *record);
void conn_msg_get_all(struct dpvs_msg *msg);

/** conn_ctrl_fini: frees what lists left behind; workers have ended. */
void conn_ctrl_fini(void);

#endif
