/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client of the daemon in the test, on a thread of its own; the main thread runs the main loop while it waits.
 * The connection is kept from request to request, and made again when it was lost.
 *
 * Thread-safety: the main thread only.
 */
#ifndef FAULT_CLIENT_H
#define FAULT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/client.h>

#include "model.h"

void client_start(void);
void client_stop(void);

/** client_get: lists all. */
int client_get(uint32_t id, struct dpvs_reply **ret_reply);

/**
 * client_set: one request. client_txn: @count of them in one transaction with flags @mode. Returns what the daemon said;
 * *@ret_unknown: it said nothing, the connection was lost.
 */
int client_set(const struct op *op, bool *ret_unknown);
int client_txn(const struct op *ops, unsigned int count, uint32_t mode, bool *ret_unknown);

/** client_leave: begins a transaction with @ops and goes away before the commit. */
void client_leave(const struct op *ops, unsigned int count);

/** client_get_deadline: asks for one of @ms for all GETs to come, until client_hang_up(). */
int client_get_deadline(uint32_t ms);

/** client_hang_up: closes the connection; the next request makes a new one. */
void client_hang_up(void);

/** client_error: the text of the last refusal. client_error_index: its record. */
const char *client_error(void);
uint32_t client_error_index(void);

#endif
