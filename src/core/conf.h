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

/** conf_is_set: does the file give the key (else its default holds)? */
bool conf_is_set(const struct conf *conf, const char *section, const char *key);

/** conf_error: for check() hooks: the value of @key is wrong; say why, then ";" and the cure. */
void conf_error(struct conf *conf, const char *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

struct module;

/**
 * conf_load: reads and checks @path (NULL: all defaults) against the tables of @modules (NULL-ended).
 * @report is called once for each error with a line "FILE:LINE: what is wrong; cure".
 * Returns: 0, -ENOENT or another reason why @path cannot be read (reported too), -EINVAL (errors).
 */
int conf_load(const char *path, const struct module *const *modules,
	      void (*report)(const char *line, void *arg), void *arg, struct conf **ret_conf);

/** conf_parse: the same from memory; @name stands for the file in messages. */
int conf_parse(const char *text, const char *name, const struct module *const *modules,
	       void (*report)(const char *line, void *arg), void *arg, struct conf **ret_conf);

void conf_free(struct conf *conf); /* takes NULL */

/** conf_print_help: the table of all keys, for --help-config. */
void conf_print_help(const struct module *const *modules);

#endif
