/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What options.c and cmdline.c share: the table of options for popt and what it returns for each.
 *
 * Thread-safety: one thread.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <popt.h>

#include "ipvsadm/ipvsadm.h"

/* What popt returns for an option: its letter, or one of these. */
enum {
	VAL_SET = 256,
	VAL_START_DAEMON,
	VAL_STOP_DAEMON,
	VAL_SCTP,
	VAL_PE,
	VAL_TUN_TYPE,
	VAL_TUN_PORT,
	VAL_TUN_CSUM,
	VAL_MCAST_INTERFACE,
	VAL_MCAST_GROUP,
	VAL_MCAST_PORT,
	VAL_MCAST_TTL,
	VAL_SYNC_MAXLEN,
	VAL_SYNCID,
	VAL_SCHED_FLAGS,
	VAL_FULLNAT,
	VAL_TIMEOUT,
	VAL_DAEMON,
	VAL_STATS,
	VAL_RATE,
	VAL_THRESHOLDS,
	VAL_PERSISTENT_CONN,
	VAL_TUN_INFO,
	VAL_NOSORT,
	VAL_SORT,
	VAL_EXACT,
	VAL_CONN_TIMEOUT,
	VAL_REPLACE,
	VAL_SYNC,
	/* Options of DPVS that this build does not have. */
	VAL_BLKLST,
	VAL_WHTLST,
	VAL_SYNPROXY,
	VAL_HASH_TARGET,
	VAL_PROXY_PROTOCOL,
	VAL_EXPIRE_QUIESCENT,
	VAL_QUIC,
	/* These may stand before the command. */
	VAL_JSON,
	VAL_PRETTY,
	VAL_SOCKET,
	VAL_WAIT,
	VAL_INTERVAL,
	VAL_COUNT,
};

/** Entries of option_table, the ending one included. */
#define OPTION_TABLE_SIZE 91u

/** Places of the two options that share the letter -b; the command gives it to one of them. */
enum {
	PLACE_SCHED_FLAGS,
	PLACE_FULLNAT,
};

/** option_table: every option of LVS, and ours; the letter -b is not given out yet. */
extern const struct poptOption option_table[OPTION_TABLE_SIZE];

/** mark_other: notes the first thing that this build does not have; reported when the rest is right. */
void mark_other(struct cmdline *line, const char *kind, const char *name);

/** set_timeout: a time-out of at least @min and at most TIMEOUT_MAX_S seconds. Returns 0 or -1. */
int set_timeout(const char *word, uint32_t min, uint32_t *ret_s, struct problem *problem);

/** handle_option: @val as popt returned it, with its value. Returns 0 or -1. */
int handle_option(struct cmdline *line, int val, const char *arg, struct problem *problem);

#endif
