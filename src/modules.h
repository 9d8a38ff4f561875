/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one ordered list of modules, and what start-up does with all of them.
 *
 * Thread-safety: main lcore only, but for modules_lcore_init(): each worker.
 */
#ifndef MODULES_H
#define MODULES_H

struct conf;
struct module;

/** modules_all: the list, NULL-ended, in the order of their init(). */
const struct module *const *modules_all(void);

/**
 * modules_check: names unique, .after earlier in the list, ids of requests and messages unique, counters
 * and nodes named once. A failure is a bug of the build; it is logged. Returns: 0 or -EINVAL.
 */
int modules_check(const struct module *const *modules);

/** modules_init: counters, message types, nodes, then init() of each; on failure all is undone. */
int modules_init(const struct conf *conf);

/** modules_lcore_init: lcore_init() of each, on the calling worker. */
int modules_lcore_init(void);

/** modules_start: start() of each, main's jobs and request types; on failure all is undone. */
int modules_start(void);

void modules_stop(void); /* undoes modules_start(); workers still run */
void modules_fini(void); /* undoes modules_init(); workers have ended */

/** modules_print: all tables, for --list-modules. */
void modules_print(void);

#endif
