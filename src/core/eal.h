/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts and ends DPDK's EAL as the sections [eal] and [lcore] of the configuration want it: with or
 * without huge pages, with a private runtime directory, and with its log in ours.
 *
 * Thread-safety: main lcore only.
 */
#ifndef EAL_H
#define EAL_H

struct conf;
struct module;
extern const struct module eal_module; /* keys only */

/** eal_log_open: from now on DPDK's log goes to core/log.h. */
void eal_log_open(void);

/**
 * eal_start: @dir is a directory for EAL's own files (made, mode 0700); @args are further arguments,
 * NULL-ended, that win over ours; may be NULL.
 * Returns: 0 or negative errno, logged.
 */
int eal_start(const struct conf *conf, const char *dir, char *const *args);

/** eal_stop: ends EAL and removes the directory. */
void eal_stop(void);

#endif
