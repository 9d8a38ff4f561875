/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An input as a sequence of requests: which type, how many records, their bytes. So that requests meet (an
 * edit the service that was added), a request may ask that its addresses and names are taken from a few.
 *
 *   bytes 0, 1   id, little endian; one that there is not stands for another
 *   byte 2       REQUEST_* and, in the low two bits, the number of records
 *   then         the records; what the input lacks is zero
 *
 * Thread-safety: pure functions.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "module.h"

enum {
	REQUEST_COUNT = 3,     /**< mask: number of records */
	REQUEST_FEW = 1 << 2,  /**< addresses and names out of a few */
	REQUEST_DELIVER = 1 << 3, /**< a worker applies an operation afterwards */
	REQUEST_TXN = 1 << 4,     /**< in a transaction, bits 5 and 6 say of which kind */
	REQUEST_GET = 1 << 7,     /**< GET instead of SET */
};

/** struct request_type: a row of a module's table. */
struct request_type {
	uint32_t id;
	uint32_t record_size;
};

/** struct request: one of them. */
struct request {
	uint32_t id;
	uint32_t record_size;
	uint32_t count;
	unsigned int flags;
	bool is_set;
	uint8_t *records; /**< memory of exactly the size; never NULL */
};

/** request_types: the SET or GET types of @modules. Returns how many. */
static inline unsigned int
request_types(const struct module *const *modules, bool set, struct request_type *ret, unsigned int max)
{
	unsigned int count = 0;

	for (; *modules != NULL; modules++) {
		const struct module_sockopt *s = (*modules)->sockopts;

		for (; s != NULL && s->name != NULL; s++) {
			if ((set ? s->set == NULL : s->get == NULL))
				continue;
			FUZZ_CHECK(count < max);
			ret[count++] = (struct request_type){ s->id, s->record_size };
		}
	}
	return count;
}

/*
 * Where a record has an address there is a family in front: a byte that is 2, 10 or, from a mutation, something
 * else, then three that are zero. From there on the address is one of four; a name that begins with 'd' is
 * a port's.
 */
static inline void
request_few(uint8_t *record, uint32_t size)
{
	static const uint8_t net4[3] = { 192, 0, 2 };
	static const uint8_t net6[15] = { 0x20, 0x01, 0x0d, 0xb8 };

	for (uint32_t i = 0; i + 20 <= size; i += 4) {
		uint8_t *p = record + i;

		if (p[1] != 0 || p[2] != 0 || p[3] != 0 || (p[0] != AF_INET && p[0] != AF_INET6))
			continue;
		if (p[0] == AF_INET) {
			memcpy(p + 4, net4, sizeof(net4));
			p[7] &= 3;
			memset(p + 8, 0, 12);
		} else {
			memcpy(p + 4, net6, sizeof(net6));
			p[19] &= 3;
		}
		i += 16;
	}
	for (uint32_t i = 0; i + 8 <= size; i += 4)
		if (record[i] == 'd' && record[i + 1] == 'p') {
			memcpy(record + i, "dpdk", 4);
			record[i + 4] = (uint8_t)('0' + (record[i + 4] & 1));
			record[i + 5] = '\0';
		}
}

/** request_next: takes a request from the front of the input. Returns false at its end. */
static inline bool
request_next(const uint8_t **data, size_t *size, const struct request_type *sets, unsigned int set_count,
	     const struct request_type *gets, unsigned int get_count, struct request *ret)
{
	const struct request_type *type;
	unsigned int count, id, i;
	size_t bytes, have;

	if (*size < 3)
		return false;
	id = (*data)[0] | (unsigned int)(*data)[1] << 8;
	ret->flags = (*data)[2];
	ret->is_set = (ret->flags & REQUEST_GET) == 0;
	type = ret->is_set ? sets : gets;
	count = ret->is_set ? set_count : get_count;
	for (i = 0; i < count && type[i].id != id; i++)
		;
	type += i < count ? i : id % count;
	ret->id = type->id;
	ret->record_size = type->record_size;
	ret->count = type->record_size == 0 ? 0 : (ret->flags & REQUEST_COUNT);
	if (!ret->is_set && ret->count > 1)
		ret->count = 1;
	*data += 3;
	*size -= 3;
	bytes = (size_t)ret->count * ret->record_size;
	have = bytes < *size ? bytes : *size;
	ret->records = calloc(1, bytes > 0 ? bytes : 1);
	FUZZ_CHECK(ret->records != NULL);
	if (have > 0)
		memcpy(ret->records, *data, have);
	*data += have;
	*size -= have;
	for (i = 0; (ret->flags & REQUEST_FEW) != 0 && i < ret->count; i++)
		request_few(ret->records + (size_t)i * ret->record_size, ret->record_size);
	return true;
}

static inline void
request_clear(struct request *r)
{
	free(r->records);
	r->records = NULL;
}

#endif
