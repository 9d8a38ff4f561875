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

/** command_shows: is it a command that only shows something? Says nothing when it is none at all. */
bool command_shows(char *const *words);

#endif
