/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: the section [control] of the configuration, and the tables module.sockopts as the
 * library's server wants them.
 *
 * Thread-safety: main lcore only.
 */
#ifndef CTL_H
#define CTL_H

struct conf;
struct module;
extern const struct module ctl_module; /* keys only */

/** ctl_path: the socket: @given (may be NULL), else the configuration's. */
const char *ctl_path(const struct conf *conf, const char *given);

/**
 * ctl_open: takes the socket, so that a second daemon is refused before it does anything; requests are
 * served when the main loop runs. Returns: 0 or negative errno, logged.
 */
int ctl_open(const struct conf *conf, const char *path);
void ctl_close(void);

/** ctl_register: all request types of @module. ctl_unregister: harmless for one not registered. */
int ctl_register(const struct module *module);
void ctl_unregister(const struct module *module);

#endif
