/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: the section [control] of the configuration, and the tables module.sockopts as the
 * library's server wants them.
 *
 * Thread-safety: main lcore only.
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stdint.h>

struct change;
struct conf;
struct dpvs_req;
struct module;
struct module_sockopt;
extern const struct module ctl_module; /* keys only */

/** ctl_path: the socket: @given (may be NULL), else the configuration's. */
const char *ctl_path(const struct conf *conf, const char *given);

/**
 * ctl_open: takes the socket, so that a second daemon is refused before it does anything; requests are
 * served when the main loop runs. Returns: 0 or negative errno, logged.
 */
int ctl_open(const struct conf *conf, const char *path);
void ctl_close(void);

/** ctl_fini: the last request has ended. */
void ctl_fini(void);

/**
 * ctl_register: all request types of @module. ctl_unregister: harmless for one not registered; requests that are under
 * way go on.
 */
int ctl_register(const struct module *module);
void ctl_unregister(const struct module *module);

/** ctl_find_set: the SET of that id, or NULL. ctl_max_records: how many records an id takes at most. */
const struct module_sockopt *ctl_find_set(uint32_t id);
uint32_t ctl_max_records(const struct module_sockopt *opt);

/**
 * ctl_deadline_ms: how long @req may wait for a worker (GET), or for its turn and for the workers (SET):
 * what its client asked for, else the configured time. ctl_deadline_of: for the GETs or SETs of @req's client.
 */
uint32_t ctl_deadline_ms(const struct dpvs_req *req);
uint32_t ctl_deadline_of(const struct dpvs_req *req, bool set);

/** ctl_ask_deadlines: @req's client wants these from now on; 0: as it is. Returns 0, -EINVAL or -ENOMEM. */
int ctl_ask_deadlines(struct dpvs_req *req, uint32_t get_ms, uint32_t set_ms);

/** ctl_end: answers @req, whose change @c ended with @status as struct change_job.end says. */
void ctl_end(struct dpvs_req *req, struct change *c, int status);

#endif
