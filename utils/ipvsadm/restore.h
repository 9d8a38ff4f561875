/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading rules, for restore.c and for what tests it.
 *
 * Thread-safety: one thread.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include <stdio.h>

#include "ipvsadm/ipvsadm.h"

/**
 * rule_fn: takes a rule: the change that line @line (from 1) asks for with @command.
 * Returns: 0, or an exit code after an error line, which ends the reading.
 */
typedef int rule_fn(void *arg, const struct change *change, enum command command, uint32_t line);

/**
 * rules_read: calls @fn for the rules of @file, in their order, up to the first that is wrong; an error line for each
 * that is.
 * Returns: 0 or the exit code of the first that is wrong, or of @fn.
 */
int rules_read(FILE *file, rule_fn *fn, void *arg);

#endif
