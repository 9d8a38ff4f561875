/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked about connections over the socket (family conn): tables of the module's descriptor.
 *
 * Thread-safety: constant.
 */
#ifndef CONN_CTRL_H
#define CONN_CTRL_H

#include "module.h"

extern const struct module_sockopt conn_sockopts[];
extern const struct dpvs_msg_type conn_msgs[];

/** conn_ctrl_fini: frees what lists left behind; workers have ended. */
void conn_ctrl_fini(void);

#endif
