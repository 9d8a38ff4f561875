/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of transactions: many SET requests, of any families, that take effect together or not at all.
 * One transaction for each connection; it ends with the connection.
 *
 *   SET 8001 begin    8002 append    8003 commit    8004 abort
 *
 * The body of an append has records of one byte: whole SET requests (header and body), one after another, as they
 * would be sent alone. They are staged; commit carries them out.
 */
#ifndef DPVSCTRL_PROTO_TXN_H
#define DPVSCTRL_PROTO_TXN_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_TXN_BEGIN = 8001,
	DPVS_SET_TXN_APPEND = 8002,
	DPVS_SET_TXN_COMMIT = 8003,
	DPVS_SET_TXN_ABORT = 8004,
};

/** Bits of struct dpvs_txn_begin.flags. */
enum {
	DPVS_TXN_CHECK_GENERATION = 1u << 0, /**< commit fails with -EAGAIN if the configuration was changed meanwhile */
	DPVS_TXN_UNCHANGED = 1u << 1, /**< to add what is there, and equal, is no error and changes nothing */
	DPVS_TXN_REPLACE = 1u << 2,   /**< to add what is there, but different, changes it; implies UNCHANGED */
	/** What the transaction adds is all there is at its end, of services, their servers and local addresses; implies
	 *  REPLACE. */
	DPVS_TXN_SYNC = 1u << 3,
};

/** struct dpvs_txn_begin: how the transaction is carried out. */
struct dpvs_txn_begin {
	uint32_t flags; /**< DPVS_TXN_* */
	uint32_t pad;
	uint64_t generation; /**< for DPVS_TXN_CHECK_GENERATION; 0: the one at begin */
};

static_assert(sizeof(struct dpvs_txn_begin) == 16, "wire format");

#ifdef __cplusplus
}
#endif

#endif
