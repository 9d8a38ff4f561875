/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol's bytes, checked: what comes in here is hostile until a function of this file
 * has returned 0. Pure functions on caller's memory, so that a fuzzer can call them by the million.
 */
#include <dpvsctrl/wire.h>

#include <errno.h>
#include <string.h>

/* Linux has none above. */
#define ERRNO_MAX 4095

int
dpvs_wire_check_header(const struct dpvs_sock_msg *msg)
{
	if (msg->version >> 16 != DPVS_PROTO_VERSION >> 16)
		return -EPROTONOSUPPORT;
	if (msg->type != DPVS_SOCKOPT_GET && msg->type != DPVS_SOCKOPT_SET)
		return -EBADMSG;
	if (msg->len > DPVS_BODY_MAX)
		return -EMSGSIZE;
	return 0;
}

int
dpvs_wire_check_body(const void *buf, uint64_t len, struct dpvs_sock_body *ret_body)
{
	struct dpvs_sock_body body;

	if (len == 0) {
		memset(ret_body, 0, sizeof(*ret_body));
		return 0;
	}
	if (len < sizeof(body))
		return -EBADMSG;
	memcpy(&body, buf, sizeof(body));
	if (body.record_size > DPVS_RECORD_MAX || (body.record_size == 0 && body.count != 0))
		return -EBADMSG;
	/* Both factors are 32 bits wide: the product fits in 64. */
	if ((uint64_t)body.record_size * body.count != len - sizeof(body))
		return -EBADMSG;
	*ret_body = body;
	return 0;
}

/* True when @size bytes at @p are all zero. */
static int
is_zero(const unsigned char *p, uint32_t size)
{
	unsigned char any = 0;
	uint32_t i;

	for (i = 0; i < size; i++)
		any |= p[i];
	return any == 0;
}

int
dpvs_wire_get_record(const void *src, uint32_t src_size, void *dst, uint32_t dst_size)
{
	uint32_t both = src_size < dst_size ? src_size : dst_size;

	if (src_size > dst_size &&
	    !is_zero((const unsigned char *)src + dst_size, src_size - dst_size))
		return -E2BIG;
	if (both > 0)
		memcpy(dst, src, both);
	if (dst_size > both)
		memset((unsigned char *)dst + both, 0, dst_size - both);
	return 0;
}

int
dpvs_wire_check_reply(const void *buf, uint64_t len, struct dpvs_sock_reply *ret_reply,
		      const char **ret_errstr, struct dpvs_sock_body *ret_body,
		      const void **ret_records)
{
	const unsigned char *p = buf;
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	uint64_t text_size;
	int rc;

	if (len < sizeof(reply))
		return -EBADMSG;
	memcpy(&reply, p, sizeof(reply));
	if (reply.errcode > 0 || reply.errcode < -ERRNO_MAX || reply.errstr_len > DPVS_ERRSTR_MAX)
		return -EBADMSG;
	text_size = ((uint64_t)reply.errstr_len + 7) & ~(uint64_t)7;
	if (text_size > len - sizeof(reply))
		return -EBADMSG;
	if (!is_zero(p + sizeof(reply) + reply.errstr_len, (uint32_t)(text_size - reply.errstr_len)))
		return -EBADMSG;
	rc = dpvs_wire_check_body(p + sizeof(reply) + text_size, len - sizeof(reply) - text_size,
				  &body);
	if (rc < 0)
		return rc;
	*ret_reply = reply;
	*ret_errstr = (const char *)p + sizeof(reply);
	*ret_body = body;
	*ret_records = body.count > 0 ? p + sizeof(reply) + text_size + sizeof(body) : NULL;
	return 0;
}
