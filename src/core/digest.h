/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digests: what `dpip verify` compares. A table that each worker has a copy of is summed up by the worker,
 * and what the copy should hold by the main lcore, from the truth and not from a copy; both give the same
 * number when all is well. An entry is a hash of all its members, the table the sum of those, so that the
 * order in which a table keeps its entries does not matter.
 *
 * Thread-safety: the lcore that owns the struct digest.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** struct digest: of one table, and how far it is. All zero at first. */
struct digest {
	uint64_t sum;
	uint64_t entries;
	/* For the function alone: where it stands. */
	uint64_t pos;
	uint64_t sub;
	uint64_t hash;
	const void *last;
};

/**
 * struct module_digest: a table with copies; tables of these end with a nameless entry.
 *
 * Each function does a step of at most some microseconds (about 64 entries looked at) and returns whether there is
 * more to do. Between two steps of one digest the table does not change: who calls sees to that.
 */
struct module_digest {
	const char *name;   /**< "services" */
	/** Worker: sums up the calling worker's copy; with @main_copy also called on main, for main's own copy. */
	bool (*copy)(struct digest *d);
	/** Main: sums up what each copy should hold. */
	bool (*truth)(struct digest *d);
	bool main_copy;
};

/** Entries looked at in one step. */
#define DIGEST_STEP 64

/** digest_u64: @hash and one more value. */
static inline uint64_t
digest_u64(uint64_t hash, uint64_t value)
{
	/* 2^64 / golden ratio, and the finaliser's constant of Murmur3: each bit reaches each bit. */
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 32;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 29;
}

/** digest_bytes: @hash and @len bytes without padding in them. */
static inline uint64_t
digest_bytes(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = digest_u64(hash, word);
	}
	word = len;
	memcpy(&word, p, len);
	return digest_u64(hash, word ^ (uint64_t)len << 56);
}

/** digest_add: an entry is complete. */
static inline void
digest_add(struct digest *d, uint64_t hash)
{
	d->sum += hash;
	d->entries++;
}

#endif
