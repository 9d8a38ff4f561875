/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/wire.c: what passes the checks of a header, a body, a reply, a record keeps what they promise.
 */
#include <errno.h>

#include <dpvsctrl/wire.h>

#include "fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static void
check_header(const uint8_t *data, size_t size)
{
	struct dpvs_sock_msg msg;
	int rc;

	if (size < sizeof(msg))
		return;
	memcpy(&msg, data, sizeof(msg));
	rc = dpvs_wire_check_header(&msg);
	FUZZ_CHECK(rc == 0 || rc == -EPROTONOSUPPORT || rc == -EBADMSG || rc == -EMSGSIZE);
	if (rc == 0)
		FUZZ_CHECK(msg.len <= DPVS_BODY_MAX && msg.type <= DPVS_SOCKOPT_SET &&
			   msg.version >> 16 == DPVS_PROTO_VERSION >> 16);
}

static void
check_body(const uint8_t *data, size_t size)
{
	struct dpvs_sock_body body;

	if (dpvs_wire_check_body(data, size, &body) != 0)
		return;
	FUZZ_CHECK(body.record_size <= DPVS_RECORD_MAX);
	if (size == 0)
		FUZZ_CHECK(body.count == 0 && body.record_size == 0);
	else
		FUZZ_CHECK((uint64_t)body.record_size * body.count + sizeof(body) == size);
}

static void
check_reply(const uint8_t *data, size_t size)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	const void *records;
	const char *text;

	if (dpvs_wire_check_reply(data, size, &reply, &text, &body, &records) != 0)
		return;
	FUZZ_CHECK(reply.errcode <= 0 && reply.errstr_len <= DPVS_ERRSTR_MAX);
	FUZZ_CHECK((const uint8_t *)text >= data && (const uint8_t *)text + reply.errstr_len <= data + size);
	fuzz_touch(text, reply.errstr_len);
	FUZZ_CHECK((records != NULL) == (body.count > 0));
	if (records != NULL) {
		FUZZ_CHECK((const uint8_t *)records + (uint64_t)body.record_size * body.count == data + size);
		fuzz_touch(records, (size_t)body.record_size * body.count);
	}
}

/* The first byte says how long the record is that the reader knows. */
static void
check_record(const uint8_t *data, size_t size)
{
	uint32_t know, have;
	uint8_t *record;

	if (size == 0)
		return;
	know = data[0];
	have = (uint32_t)size - 1;
	record = malloc(know + 1);
	FUZZ_CHECK(record != NULL);
	record[know] = 0x5a;
	if (dpvs_wire_get_record(data + 1, have, record, know) == 0) {
		for (uint32_t i = 0; i < (have > know ? have : know); i++)
			FUZZ_CHECK((i < know ? record[i] : 0) == (i < have ? data[1 + i] : 0));
	}
	FUZZ_CHECK(record[know] == 0x5a);
	free(record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_header(data, size);
	check_body(data, size);
	check_reply(data, size);
	check_record(data, size);
	return 0;
}
