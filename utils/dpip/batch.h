/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the commands of a file. See dpip.h.
 */
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>

struct dpip;

/**
 * batch_run: runs the commands of file @path ("-": standard input), one a line, over one connection: their changes
 * together, or none when one fails; with d->opts.force each by itself, on and on. A daemon out of reach always ends it.
 * Returns: EXIT_OK, EXIT_USAGE (a line failed), EXIT_UNREACHABLE.
 */
int batch_run(struct dpip *d, const char *path);

#endif
