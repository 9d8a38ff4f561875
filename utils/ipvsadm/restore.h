/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What restore.c and replace.c share: reading rules, and the rules that were read.
 *
 * Thread-safety: one thread.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include <stdio.h>

#include "ipvsadm/ipvsadm.h"

/** struct rule_line: a parsed line of the input. */
struct rule_line {
	struct change change;
	enum command command;
	uint32_t number; /**< in the input, from 1; 0: of no line */
};

/** struct rules: all of them, in their order. */
struct rules {
	struct rule_line *items;
	uint32_t count;
	uint32_t size;
};

/**
 * rules_read: appends the rules of @file to @rules; an error line for each that is wrong. Free @rules->items.
 * Returns: 0 or the exit code of the first that is wrong.
 */
int rules_read(FILE *file, struct rules *rules);

/**
 * replace_plan: the changes that turn @before into what @rules say, so that what is the same in both is not
 * touched. Each change carries command and number of the line that it comes from.
 * Returns 0; -EOPNOTSUPP when @rules do more than add, or not once each: they are to be carried out one after
 * another then, which also tells what is wrong with them; -ENOMEM.
 */
int replace_plan(const struct rules *rules, const struct config *before, struct rules *ret_plan);

#endif
