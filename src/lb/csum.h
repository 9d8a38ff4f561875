/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums changed by the difference (RFC 1624, equation 3): a wrong checksum stays wrong, so nothing that
 * was damaged on the way looks sound behind us. Sums are made of words as they lie in memory.
 *
 * Thread-safety: pure functions.
 */
#ifndef CSUM_H
#define CSUM_H

#include <stdint.h>
#include <string.h>

/** csum_fold: a sum of 16-bit words as 16 bits. */
static inline uint16_t
csum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16 & UINT16_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/** csum_words: sum of @len bytes, a multiple of 2. */
static inline uint64_t
csum_words(const void *data, unsigned int len)
{
	const char *p = data;
	uint64_t sum = 0;
	uint32_t word;
	uint16_t half;

	for (; len >= 4; len -= 4, p += 4) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len >= 2) {
		memcpy(&half, p, sizeof(half));
		sum += half;
	}
	return sum;
}

/** csum_delta: what a checksum gains when @from becomes @to, both sums of words. */
static inline uint16_t
csum_delta(uint64_t from, uint64_t to)
{
	return csum_fold((uint64_t)(uint16_t)~csum_fold(from) + csum_fold(to));
}

/** csum_apply: checksum @csum after a gain of @delta. */
static inline uint16_t
csum_apply(uint16_t csum, uint32_t delta)
{
	uint32_t sum = (uint16_t)~csum + delta;

	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)~sum;
}

/** csum_change32: checksum @csum after the 32-bit word @from became @to. */
static inline uint16_t
csum_change32(uint16_t csum, uint32_t from, uint32_t to)
{
	return csum_apply(csum, csum_delta(from, to));
}

#endif
