/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client stages: core/txn.c alone, with a few request types of this file's own in place of the daemon's.
 * The input is a byte of flags, then appends: two bytes of length and that many bytes, hostile ones; a length of
 * 0xffff commits, or aborts, and begins again. Checked is that what a handler sees is what a reader that was written
 * for this test alone finds in the bytes, in order, that an append is staged whole or not at all, that
 * the index of a refusal counts calls, and that all memory is given back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

#include <glib.h>

#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "core/change_priv.h"
#include "core/ctl.h"
#include "core/log.h"
#include "core/txn.h"
#include "fuzz.h"
#include "module.h"

enum {
	QUOTA = 3000,
	RECORDS_MOST = 5, /* of the type that has a limit */
	REFUSED = 0xee,   /* a record that begins with it is refused */
	SLOW = 0xdd,      /* one that begins with it needs a second call */
};

struct dpvs_req {
	int unused;
};

/* A call that the handler of type @id has to see next; the record is @size bytes. */
struct expected {
	uint32_t id;
	uint32_t size;
	uint8_t record[64];
};

static struct dpvs_req req;
static void *data;
static void (*destroy)(void *data);
static GArray *expected; /* of what is staged */
static guint next;
static bool slow_done;
static uint32_t refused_index;
static uint32_t generation = 7;

/* ---- the types ---- */

static int
handler(uint32_t id, const uint8_t *record, uint32_t size)
{
	const struct expected *e;

	FUZZ_CHECK(next < expected->len);
	e = &g_array_index(expected, struct expected, next);
	FUZZ_CHECK(e->id == id && e->size == size);
	FUZZ_CHECK((record == NULL) == (size == 0));
	if (size > 0) {
		FUZZ_CHECK(memcmp(record, e->record, size) == 0);
		if (record[0] == SLOW && !slow_done) {
			slow_done = true;
			return CHANGE_MORE;
		}
		if (record[0] == REFUSED)
			return -EEXIST;
	}
	slow_done = false;
	next++;
	return 0;
}

static int
set_16(struct change *c, const void *record)
{
	(void)c;
	return handler(1, record, 16);
}

static int
set_64(struct change *c, const void *record)
{
	(void)c;
	return handler(2, record, 64);
}

static int
set_none(struct change *c, const void *record)
{
	(void)c;
	return handler(3, record, 0);
}

static const struct module_sockopt types[] = {
	{ .name = "one", .id = 1, .record_size = 16, .need_record = true, .set = set_16 },
	{ .name = "two", .id = 2, .record_size = 64, .set = set_64 },
	{ .name = "three", .id = 3, .set = set_none },
	{ .name = "four", .id = 4, .record_size = 16, .set = set_16, .alone = true },
};

const struct module_sockopt *
ctl_find_set(uint32_t id)
{
	return id >= 1 && id <= G_N_ELEMENTS(types) ? &types[id - 1] : NULL;
}

uint32_t
ctl_max_records(const struct module_sockopt *m)
{
	return m->record_size == 0 ? 0 : m->id == 1 ? RECORDS_MOST : 1u << 20;
}

/* ---- what core/txn.c uses of the daemon ---- */

uint32_t
ctl_deadline_ms(const struct dpvs_req *r)
{
	(void)r;
	return 2000;
}

uint64_t
change_generation(void)
{
	return generation;
}

int
change_error(struct change *c, int err, const char *format, ...)
{
	(void)c;
	(void)format;
	return err;
}

int
dpvs_req_error(struct dpvs_req *r, int err, const char *format, ...)
{
	char text[DPVS_ERRSTR_MAX + 1];
	va_list args;

	(void)r;
	va_start(args, format);
	FUZZ_CHECK(g_vsnprintf(text, sizeof(text), format, args) > 0);
	va_end(args);
	return err;
}

void
dpvs_req_error_index(struct dpvs_req *r, uint32_t index)
{
	(void)r;
	refused_index = index;
}

uid_t
dpvs_req_uid(const struct dpvs_req *r)
{
	(void)r;
	return 0;
}

pid_t
dpvs_req_pid(const struct dpvs_req *r)
{
	(void)r;
	return 1;
}

void *
dpvs_req_client_data(const struct dpvs_req *r, const void *key)
{
	(void)r;
	(void)key;
	return data;
}

int
dpvs_req_set_client_data(struct dpvs_req *r, const void *key, void *new_data, void (*new_destroy)(void *data))
{
	(void)r;
	(void)key;
	data = new_data;
	destroy = new_destroy;
	return 0;
}

void
log_info(const char *module, const char *format, ...)
{
	(void)module;
	(void)format;
}

static int status;

void
ctl_end(struct dpvs_req *r, struct change *c, int err)
{
	(void)r;
	(void)c;
	status = err;
}

int
change_record(struct change *c, int (*set)(struct change *c, const void *record), const void *record)
{
	return set(c, record);
}

void
change_submit(const struct change_job *job)
{
	int err;

	refused_index = UINT32_MAX;
	while ((err = job->step(NULL, job->arg)) == CHANGE_MORE)
		;
	job->end(NULL, err, job->arg);
}

/* ---- the same, read by itself ---- */

static uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Adds the calls that the @len bytes at @p mean. Returns false when they are not fit to be staged. */
static bool
expect(const uint8_t *p, size_t len)
{
	static const uint32_t sizes[] = { 0, 16, 64, 0 };
	guint before = expected->len;

	while (len > 0) {
		uint32_t id, size, count, body_size, i, b;
		uint64_t body;

		if (len < 24 || u32(p) >> 16 != 2 || u32(p + 8) != 1)
			break;
		id = u32(p + 4);
		body = u32(p + 16) | (uint64_t)u32(p + 20) << 32;
		if (body > len - 24 || id < 1 || id > 3)
			break;
		if (body > 0 && body < 8)
			break;
		size = body > 0 ? u32(p + 24) : 0;
		count = body > 0 ? u32(p + 28) : 0;
		body_size = sizes[id];
		if (body > 0 && (size > 4096 || (size == 0 && count > 0) || (uint64_t)size * count != body - 8))
			break;
		if ((body_size == 0 && count > 0) || (id == 1 && (count == 0 || count > RECORDS_MOST)))
			break;
		for (i = 0; i < (count > 0 ? count : 1); i++) {
			struct expected e = { .id = id, .size = body_size };

			for (b = 0; count > 0 && b < size; b++) {
				uint8_t byte = p[32 + (size_t)i * size + b];

				if (b < body_size)
					e.record[b] = byte;
				else if (byte != 0)
					goto bad;
			}
			g_array_append_val(expected, e);
		}
		p += 24 + body;
		len -= 24 + (size_t)body;
	}
	if (len == 0)
		return true;
bad:
	g_array_set_size(expected, before);
	return false;
}

/* ---- the client ---- */

static int
call(uint32_t id, const void *records, uint32_t count)
{
	const struct module_sockopt *s = txn_module.sockopts;

	while (s->id != id)
		s++;
	return s->request(&req, records, count);
}

static void
begin(uint8_t flags)
{
	struct dpvs_txn_begin b = { .flags = flags & 0x0f };

	FUZZ_CHECK(call(DPVS_SET_TXN_BEGIN, &b, 1) == 0);
	FUZZ_CHECK(call(DPVS_SET_TXN_BEGIN, &b, 1) == -EALREADY);
	g_array_set_size(expected, 0);
	next = 0;
	slow_done = false;
}

static void
finish(bool commit, bool moved)
{
	guint i;

	if (!commit) {
		FUZZ_CHECK(call(DPVS_SET_TXN_ABORT, NULL, 0) == 0);
	} else {
		generation += moved;
		FUZZ_CHECK(call(DPVS_SET_TXN_COMMIT, NULL, 0) == DPVS_REQ_PENDING);
		for (i = 0; i < expected->len; i++) {
			const struct expected *e = &g_array_index(expected, struct expected, i);

			if (e->size > 0 && e->record[0] == REFUSED)
				break;
		}
		if (status == -EAGAIN) {
			FUZZ_CHECK(moved && next == 0 && refused_index == UINT32_MAX);
		} else if (i < expected->len) {
			FUZZ_CHECK(status == -EEXIST && next == i && refused_index == i);
		} else {
			FUZZ_CHECK(status == 0 && next == i && refused_index == UINT32_MAX);
		}
	}
	FUZZ_CHECK(data == NULL);
	FUZZ_CHECK(call(DPVS_SET_TXN_COMMIT, NULL, 0) == -ENOENT);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	txn_set_quota(QUOTA, QUOTA);
	expected = g_array_new(FALSE, TRUE, sizeof(struct expected));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint8_t flags = size > 0 ? input[0] : 0;

	if (size > 0) {
		input++;
		size--;
	}
	begin(flags);
	while (size >= 2) {
		size_t len = input[0] | (size_t)input[1] << 8;
		void *copy;
		guint before = expected->len;
		bool fit;
		int err;

		input += 2;
		size -= 2;
		if (len == 0xffff) {
			finish((flags & 0x10) != 0, (flags & 0x20) != 0);
			flags = (uint8_t)(flags >> 1 | flags << 7);
			begin(flags);
			continue;
		}
		len = MIN(len, size);
		if (len == 0)
			continue; /* the server asks for a record */
		copy = fuzz_copy(input, len);
		fit = expect(input, len);
		err = call(DPVS_SET_TXN_APPEND, copy, (uint32_t)len);
		FUZZ_CHECK(err <= 0);
		if (err == -EDQUOT) /* fit or not, there was no room for it */
			g_array_set_size(expected, before);
		else
			FUZZ_CHECK((err == 0) == fit);
		free(copy);
		input += len;
		size -= len;
	}
	if ((flags & 0x40) != 0) {
		finish(true, false);
	} else {
		/* The client hangs up. */
		destroy(data);
		data = NULL;
	}
	/* All of the quota is free again: ten such requests fill 256 bytes, and a piece of their list, 240. */
	begin(0);
	while ((expected->len / 10 + 1) * 496 <= QUOTA) {
		static const uint8_t flush[24] = { 0, 0, 2, 0, 3, 0, 0, 0, 1 };

		FUZZ_CHECK(expect(flush, sizeof(flush)));
		FUZZ_CHECK(call(DPVS_SET_TXN_APPEND, flush, sizeof(flush)) == 0);
	}
	finish(true, false);
	return 0;
}
