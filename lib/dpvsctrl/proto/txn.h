/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of transactions: many SET requests, of any families, that take effect together or not at all.
 *
 *   SET 8001 begin    8002 append    8003 commit    8004 abort
 *
 * A connection has one transaction at most, and it is gone with the connection. The records of 8002 are
 * single bytes: together they are whole SET requests, each as it would be sent by itself (header, body).
 * What may not be in a transaction: 8001 to 8004 themselves, and what cannot be taken back.
 *
 * Errors: -EALREADY begin: there is a transaction; -ENOENT append, commit, abort: there is none; -EDQUOT
 * append: more bytes than a client, or all together, may stage; -EBADMSG, -EOPNOTSUPP, -EINVAL, -EMSGSIZE,
 * -E2BIG append: as for the request by itself, with its number in the text; -EAGAIN commit: the generation
 * has moved and the client asked for that check; else commit fails as the refused request would.
 */
#ifndef DPVSCTRL_PROTO_TXN_H
#define DPVSCTRL_PROTO_TXN_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most bytes of one append. */
#define DPVS_TXN_APPEND_MAX (1u << 20)

enum {
	DPVS_SET_TXN_BEGIN = 8001,
	DPVS_SET_TXN_APPEND = 8002,
	DPVS_SET_TXN_COMMIT = 8003,
	DPVS_SET_TXN_ABORT = 8004,
};

/** Bits of struct dpvs_txn_begin.flags. */
enum {
	DPVS_TXN_CHECK_GENERATION = 1u << 0, /**< the commit fails if the configuration was changed meanwhile */
	DPVS_TXN_UNCHANGED = 1u << 1,        /**< to add what is there and equal is no error */
	DPVS_TXN_REPLACE = 1u << 2,          /**< to add what is there and differs changes it; implies UNCHANGED */
	/** what the transaction did not add is removed: services, their servers, local addresses; implies REPLACE */
	DPVS_TXN_SYNC = 1u << 3,
};

/** struct dpvs_txn_begin: request of 8001. */
struct dpvs_txn_begin {
	uint32_t flags;      /**< DPVS_TXN_* */
	uint32_t pad;        /**< zero */
	uint64_t generation; /**< CHECK_GENERATION: the one to find at the commit; 0: the one at begin */
};

static_assert(sizeof(struct dpvs_txn_begin) == 16, "wire format");

#ifdef __cplusplus
}
#endif

#endif
