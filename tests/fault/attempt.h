/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request, or one transaction, while points fail as was set before; and all of what is promised after it.
 *
 * Thread-safety: the main thread only.
 */
#ifndef FAULT_ATTEMPT_H
#define FAULT_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/** struct attempt: what a client asks for. */
struct attempt {
	struct op ops[4];
	unsigned int count;
	bool txn;
	uint32_t mode;
};

/** struct attempt_counts: what became of them. */
struct attempt_counts {
	uint64_t all;
	uint64_t in_force;
	uint64_t unconfirmed; /**< of these; at first */
	uint64_t refused;
	uint64_t lost;        /**< without an answer */
};

/** attempt_begin: of the program; requests are drawn with @seed. attempt_end: of it. */
void attempt_begin(uint32_t seed);
void attempt_end(void);

GRand *attempt_rand(void);
unsigned int attempt_below(unsigned int n);

/** attempt_model: what the daemon has now. */
struct model *attempt_model(void);
const struct attempt_counts *attempt_counts(void);

/** attempt_random: draws one; @txns of 100 are transactions. */
void attempt_random(struct attempt *a, unsigned int txns);

/** attempt_expect: what becomes of @a without faults: 0 and the model then, or the error. */
int attempt_expect(const struct attempt *a, struct model *ret_next);

/** attempt_carry_out: @a, and nothing else. */
int attempt_carry_out(const struct attempt *a, bool *ret_unknown);

/**
 * attempt_try: @a while points fail as was set; then none does. The listing is compared, with @workers also what they
 * have. Returns whether @a is in force.
 */
bool attempt_try(const struct attempt *a, bool workers);

/** attempt_tell: @a in words, and what failed last. */
char *attempt_tell(const struct attempt *a, int rc);

#endif
