/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's bytes: header, reply header, body, records. No socket, no allocation.
 * doc/protocol.md is the text of this file.
 *
 *   request:  struct dpvs_sock_msg, then len bytes: nothing, or a body
 *   reply:    struct dpvs_sock_msg (id, type, seq echoed), struct dpvs_sock_reply, errstr, a body
 *   body:     struct dpvs_sock_body, then count records of record_size bytes
 *
 * Thread-safety: pure functions and plain data, any thread.
 */
#ifndef DPVSCTRL_WIRE_H
#define DPVSCTRL_WIRE_H

#include <stddef.h>

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version this library speaks: major in the upper 16 bits. */
#define DPVS_PROTO_VERSION 0x00020000u

/** Longest body of a request or of one part of a reply, in bytes. */
#define DPVS_BODY_MAX (16u << 20)

/** Largest record, in bytes. */
#define DPVS_RECORD_MAX 4096u

/** Longest error text, in bytes, without an ending NUL. */
#define DPVS_ERRSTR_MAX 512u

/** Values of struct dpvs_sock_msg.type. */
enum {
	DPVS_SOCKOPT_GET = 0,
	DPVS_SOCKOPT_SET = 1,
	DPVS_SOCKOPT_EVENT = 2,
};

/** struct dpvs_sock_msg: the header of a request, a reply or an event (DPVS's layout on LP64, its padding used as seq). */
struct dpvs_sock_msg {
	uint32_t version; /**< DPVS_PROTO_VERSION */
	uint32_t id;
	uint32_t type; /**< DPVS_SOCKOPT_* */
	uint32_t seq;  /**< chosen by the client, echoed */
	uint64_t len;  /**< bytes that follow */
};

static_assert(sizeof(struct dpvs_sock_msg) == 24, "wire format");
static_assert(offsetof(struct dpvs_sock_msg, len) == 16, "wire format");

/** Bits of struct dpvs_sock_reply.flags. */
enum {
	DPVS_REPLY_MORE = 1u << 0,    /**< another part of this reply follows */
	DPVS_REPLY_CHANGED = 1u << 1, /**< the table changed while it was listed */
};

/** struct dpvs_sock_reply: what follows the header of a reply. */
struct dpvs_sock_reply {
	int32_t errcode; /**< 0 or a negative errno of Linux */
	uint32_t flags;  /**< DPVS_REPLY_* */
	uint32_t index;  /**< the record that was refused, from 0; 0xffffffff: none in particular */
	uint32_t errstr_len; /**< bytes of text that follow, before zero padding to a multiple of 8 */
	uint64_t generation; /**< of the configuration when the reply was made */
};

static_assert(sizeof(struct dpvs_sock_reply) == 24, "wire format");

/** struct dpvs_sock_body: announces records. */
struct dpvs_sock_body {
	uint32_t record_size; /**< 1 to DPVS_RECORD_MAX; 0 only when count is 0 */
	uint32_t count;
};

static_assert(sizeof(struct dpvs_sock_body) == 8, "wire format");

/**
 * dpvs_wire_check_header:
 * @msg: 24 bytes as received
 *
 * Checks version, type and len of a request's header.
 *
 * Returns: 0, or -EPROTONOSUPPORT (another major version), -EBADMSG (unknown type),
 *   -EMSGSIZE (len over DPVS_BODY_MAX). Since: 0.1
 */
int dpvs_wire_check_header(const struct dpvs_sock_msg *msg);

/**
 * dpvs_wire_check_body:
 * @buf: the bytes after the header (requests) or after the padded errstr (replies)
 * @len: how many there are
 * @ret_body: (out): the body's announcement; zero for an empty body
 *
 * Checks that @len bytes are exactly one body, or empty.
 *
 * Returns: 0, or -EBADMSG (sizes do not add up, record_size 0 with records or over DPVS_RECORD_MAX).
 * Since: 0.1
 */
int dpvs_wire_check_body(const void *buf, uint64_t len, struct dpvs_sock_body *ret_body);

/**
 * dpvs_wire_get_record:
 * @src: one record as received
 * @src_size: its size
 * @dst: where the record goes as the receiver knows it
 * @dst_size: the receiver's size
 *
 * Copies a record of another version: a shorter one is zero-extended, a longer one must have a zero tail.
 *
 * Returns: 0, or -E2BIG (an unknown part is not zero). Since: 0.1
 */
int dpvs_wire_get_record(const void *src, uint32_t src_size, void *dst, uint32_t dst_size);

/**
 * dpvs_wire_check_reply:
 * @buf: the bytes after the header of a reply
 * @len: how many
 * @ret_reply: (out): reply header
 * @ret_errstr: (out): start of the text in @buf, @ret_reply->errstr_len bytes, not NUL-ended
 * @ret_body: (out): the body's announcement
 * @ret_records: (out): first record in @buf, NULL without records
 *
 * Takes a reply apart.
 *
 * Returns: 0, or -EBADMSG. Since: 0.1
 */
int dpvs_wire_check_reply(const void *buf, uint64_t len, struct dpvs_sock_reply *ret_reply,
			  const char **ret_errstr, struct dpvs_sock_body *ret_body,
			  const void **ret_records);

#ifdef __cplusplus
}
#endif

#endif
