/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of objects: finding objects and verbs by name or abbreviation, help and completion out of the
 * tables. See dpip.h.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>

#include "dpip/dpip.h"

/** table_objects: all objects, NULL-ended, in the order in which help lists them. */
const struct dpip_object *const *table_objects(void);

/**
 * table_find_object: by name, other name, or an abbreviation that fits no other object.
 * @ret_others: (nullable): when NULL is returned: the names that the word may mean, or ""
 */
const struct dpip_object *table_find_object(const char *word, char *ret_others, size_t size);

/** table_find_verb: as table_find_object(). */
const struct dpip_verb *table_find_verb(const struct dpip_object *object, const char *word, char *ret_others,
					size_t size);

/** table_help: usage of the program. */
void table_help(FILE *file);

/** table_help_object: usage of one object. */
void table_help_object(FILE *file, const struct dpip_object *object);

/**
 * table_complete: prints what may stand in the place of the last of @words, one word a line. "DEV" at the
 * start of a line announces that names of ports may stand there (the caller knows them).
 */
void table_complete(FILE *file, char *const *words, bool *ret_devices);

#endif
