/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token bucket: how often a worker may do something that costs others (ICMP errors, messages to main).
 *
 * Thread-safety: the lcore that owns the bucket.
 */
#ifndef NET_BUCKET_H
#define NET_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/** struct bucket: full at start, as last_ms is 0. */
struct bucket {
	uint64_t last_ms;
	uint64_t milli; /**< thousandths of a token; a rate per second adds @rate of them each millisecond */
};

/** bucket_take: takes a token; false: there is none. @rate tokens a second, at most @burst kept. */
static inline bool
bucket_take(struct bucket *b, uint64_t now_ms, uint32_t rate, uint32_t burst)
{
	uint64_t full = (uint64_t)burst * 1000;

	if (b->last_ms == 0 || now_ms - b->last_ms >= 1000000)
		b->milli = full;
	else
		b->milli += (now_ms - b->last_ms) * rate;
	if (b->milli > full)
		b->milli = full;
	b->last_ms = now_ms;

	if (b->milli < 1000)
		return false;
	b->milli -= 1000;
	return true;
}

#endif
