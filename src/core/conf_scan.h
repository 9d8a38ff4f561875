/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of a configuration file, for conf.c: what GKeyFile does not tell.
 *
 * Thread-safety: main lcore only.
 */
#ifndef CONF_SCAN_H
#define CONF_SCAN_H

#include <glib.h>
#include <stddef.h>

/** Longest NAME in "[port NAME]", bytes. */
#define CONF_NAME_MAX 31

/** struct scan_line: a line that is not empty and no comment. */
struct scan_line {
	unsigned int number; /**< from 1 */
	char *section;       /**< that it opens or stands in */
	char *key;           /**< NULL: a section's line */
	char *error;         /**< what is wrong with its form, and the cure; NULL: nothing */
};

/**
 * scan_text: appends a struct scan_line for each line of @text to @lines. Returns a copy of @text in which
 * the lines with an error, and keys that belong to no valid section, are blank; free with g_free().
 */
char *scan_text(const char *text, size_t len, GPtrArray *lines);

void scan_line_free(void *line);

#endif
