/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET 8206: do the copies that workers forward by hold what they should? See digest.h for how tables are
 * summed up; a module names its tables in .digests.
 *
 * Thread-safety: main lcore only, but for the handler of the message.
 */
#ifndef VERIFY_H
#define VERIFY_H

struct module;
extern const struct module verify_module;

#endif
