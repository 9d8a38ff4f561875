/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells about itself (GET 8000, 8200 to 8205; SET 8200), and what other modules add to it.
 *
 * Thread-safety: main lcore only.
 */
#ifndef SYSINFO_H
#define SYSINFO_H

#include <stdint.h>

struct dpvs_mem_info;
struct module;
extern const struct module sysinfo_module;

/**
 * mem_register: a pool or table of fixed size for GET 8202 (`dpip mem`). @name must stay valid; @fn fills
 * all members but the name. Call it in init(); mem_unregister() in fini().
 */
void mem_register(const char *name, void (*fn)(struct dpvs_mem_info *ret_info));
void mem_unregister(const char *name);

/** sysinfo_set_conns: @fn tells how many connections worker @index has (`dpip lcore`); NULL: nobody knows. */
void sysinfo_set_conns(uint64_t (*fn)(unsigned int index));
uint64_t sysinfo_conns(unsigned int index);

/** sysinfo_drops: packets that lcore @lcore dropped, for whatever reason. */
uint64_t sysinfo_drops(unsigned int lcore);

/** sysinfo_set_modules: whose counters GET 8203 shows; NULL-ended. Start-up calls it. */
void sysinfo_set_modules(const struct module *const *modules);
const struct module *const *sysinfo_modules_all(void);

#endif
