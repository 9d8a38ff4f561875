/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registries: sockopt (type, id) -> handler, and message type -> handler. GLib hash tables that own
 * nothing: what is registered stays where the caller has it, until it is unregistered.
 *
 * Thread-safety: main lcore only. Workers never look here; each has a flat array that REG messages fill.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdint.h>

struct dpvs_msg_type;
struct dpvs_sockopt;

/** registry_sockopt: the handler of (@type, @id), or NULL. */
const struct dpvs_sockopt *registry_sockopt(uint32_t type, uint32_t id);

/** registry_msg_add: returns 0 or -EEXIST. */
int registry_msg_add(const struct dpvs_msg_type *type);

/** registry_msg_del: returns 0 or -ENOENT. */
int registry_msg_del(uint32_t type);

/** registry_msg: the registered type, or NULL. */
const struct dpvs_msg_type *registry_msg(uint32_t type);

/** registry_msg_clear: forgets all message types (end of msg). */
void registry_msg_clear(void);

#endif
