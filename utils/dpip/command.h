/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one command. See dpip.h.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>

struct dpip;

/**
 * command_run: runs the command of @words (object, verb, arguments; NULL-ended) with d->opts.
 * Returns: exit code; the error has been printed then.
 */
int command_run(struct dpip *d, char *const *words);

/** command_waits: does it wait, in a batch, for the changes before it? Says nothing when it is no command at all. */
bool command_waits(char *const *words);

#endif
