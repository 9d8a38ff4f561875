/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file (GKeyFile form), checked against the tables of the modules before anything
 * starts: all errors of a file are found in one run, each with line and cure.
 *
 * Thread-safety: main lcore only. Workers read plain fields that init() hooks copied.
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stdint.h>

struct conf;

/* Values of "[MODULE]"; section and key must be in a table (else it aborts: a bug). */
uint64_t conf_uint(const struct conf *conf, const char *section, const char *key);
bool conf_bool(const struct conf *conf, const char *section, const char *key);
const char *conf_string(const struct conf *conf, const char *section, const char *key); /* NULL: not set */
unsigned int conf_choice(const struct conf *conf, const char *section, const char *key); /* index */

/*
 * Sections "[port NAME]": conf_instance(conf, "port", i) gives the i-th section's full name ("port lan0"),
 * in the file's order, NULL after the last; use it as @section above. conf_instance_name() gives "lan0".
 */
const char *conf_instance(const struct conf *conf, const char *instance, unsigned int i);
const char *conf_instance_name(const char *section);

#endif
