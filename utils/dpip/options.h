/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of dpip: iproute2's short ones, and long ones for everyone. One table drives reading, help and
 * completion. See dpip.h.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/daemon.h"

/** struct options: what the command line asks for. */
struct options {
	bool json;
	bool pretty;
	bool brief;
	bool oneline;
	bool human; /**< big numbers shortened */
	bool iec;   /**< in powers of 1024 */
	bool numeric;
	bool timestamp;
	bool timestamp_short;
	bool force;
	bool help;
	bool version;
	bool complete;
	unsigned int statistics; /**< times that -s was given */
	unsigned int details;    /**< times that -d was given */
	int family;              /**< AF_INET, AF_INET6; 0: not said */
	const char *color;       /**< always, auto or never */
	const char *batch;       /**< file, "-", or NULL */
	unsigned int interval_s; /**< 0: not said */
	unsigned int count;      /**< 0: not said */
	struct daemon_opts daemon;
};

/**
 * options_parse: reads the options in front of a command.
 * @words: NULL-ended
 * @in_batch: only those that make sense for one line of a batch
 * @err: one line that says what is wrong, when it is
 * Returns: the number of words that were options, or -EINVAL.
 */
int options_parse(char *const *words, bool in_batch, struct options *opts, char *err, size_t err_size);

/** options_help: the list of options, for help. */
void options_help(FILE *file);

/**
 * options_skip: for completion: passes over the options in front of a command.
 * Returns: the first word after them; NULL when the last word is part of an option, whose possible words
 * have been printed then.
 */
char *const *options_skip(FILE *file, char *const *words);

#endif
