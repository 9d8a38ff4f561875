/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See conf_scan.h. The form of a line is GKeyFile's: "[section]", "key = value", "# comment".
 */
#include "core/conf_scan.h"

#include <stdbool.h>
#include <string.h>

struct scan {
	GPtrArray *lines;
	GHashTable *seen; /* "section" and "section\nkey" -> line number */
	char *section;    /* current; NULL: none, or one with an error */
	bool skip;        /* the current section's line has an error that is reported */
};

void
scan_line_free(void *line)
{
	struct scan_line *l = line;

	g_free(l->section);
	g_free(l->key);
	g_free(l->error);
	g_free(l);
}

/* Notes @name with its line; returns the line where it stood before, or 0. */
static unsigned int
scan_seen(struct scan *s, char *name, unsigned int number)
{
	unsigned int first = GPOINTER_TO_UINT(g_hash_table_lookup(s->seen, name));

	if (first == 0)
		g_hash_table_insert(s->seen, name, GUINT_TO_POINTER(number));
	else
		g_free(name);
	return first;
}

static void
scan_section(struct scan *s, struct scan_line *l, char *text)
{
	size_t len = strlen(text);
	unsigned int first;
	const char *p;

	g_clear_pointer(&s->section, g_free);
	s->skip = true;
	if (len < 3 || text[len - 1] != ']' || strpbrk(text + 1, "[") != NULL ||
	    strchr(text, ']') != text + len - 1) {
		l->section = g_strdup("");
		l->error = g_strdup_printf("%s: not a section; write [NAME] on a line of its own", text);
		return;
	}
	for (p = text; g_ascii_isprint(*p); p++)
		;
	if (*p != '\0') {
		l->section = g_strdup("");
		l->error = g_strdup("a section with a character that is none of plain ASCII; write [NAME]");
		return;
	}
	l->section = g_strndup(text + 1, len - 2);
	first = scan_seen(s, g_strdup(l->section), l->number);
	if (first != 0)
		l->error = g_strdup_printf("section [%s] stands at line %u already; merge the two",
					   l->section, first);
	/* The keys of a repeated section are still looked at. */
	s->section = g_strdup(l->section);
	s->skip = false;
}

/* Backslashes as GKeyFile reads them; it stumbles over two wrong ones in a line. */
static bool
scan_escapes_good(const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value != '\\')
			continue;
		if (*++value == '\0' || strchr("sntr\\", *value) == NULL)
			return false;
	}
	return true;
}

static void
scan_key(struct scan *s, struct scan_line *l, char *text)
{
	char *equals = strchr(text, '='), *p;
	unsigned int first;

	l->section = g_strdup(s->section != NULL ? s->section : "");
	if (equals == NULL || equals == text) {
		l->error = g_strdup_printf("%s: neither a section nor a key; write \"key = value\"", text);
		return;
	}
	l->key = g_strchomp(g_strndup(text, equals - text));
	for (p = l->key; *p != '\0'; p++)
		if (!g_ascii_islower(*p) && !g_ascii_isdigit(*p) && *p != '-')
			break;
	if (*p != '\0' || l->key[0] == '\0')
		l->error = g_strdup_printf("%s: not a key; keys are of lower case letters, digits and hyphens",
					   l->key);
	else if (!scan_escapes_good(equals + 1))
		l->error = g_strdup_printf("%s: a backslash that begins none of \\s \\n \\t \\r \\\\; write \\\\ for one",
					   l->key);
	else if (s->section == NULL)
		l->error = g_strdup_printf("key \"%s\" stands in no section; put it below a line [NAME]", l->key);
	else {
		first = scan_seen(s, g_strconcat(s->section, "\n", l->key, NULL), l->number);
		if (first != 0)
			l->error = g_strdup_printf("key \"%s\" is given at line %u already; keep one of them",
						   l->key, first);
	}
}

char *
scan_text(const char *text, size_t len, GPtrArray *lines)
{
	struct scan s = { .lines = lines };
	char *clean = g_strndup(text, len), *line = clean, *end;
	g_autofree char *copy = NULL;
	struct scan_line *l;
	unsigned int number = 0;

	s.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (; *line != '\0'; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		number++;
		g_free(copy);
		copy = g_strstrip(g_utf8_make_valid(line, end - line));
		if (copy[0] == '\0' || copy[0] == '#')
			continue;
		l = g_new0(struct scan_line, 1);
		l->number = number;
		if (copy[0] == '[')
			scan_section(&s, l, copy);
		else
			scan_key(&s, l, copy);
		/* A repeated section stays: GKeyFile merges, its keys are checked. */
		if (l->error != NULL && !(l->key == NULL && l->section[0] != '\0' && copy[0] == '['))
			memset(line, ' ', end - line);
		if (s.skip && l->key != NULL) {
			/* One error for a broken section, not one for each of its keys. */
			memset(line, ' ', end - line);
			scan_line_free(l);
			continue;
		}
		g_ptr_array_add(lines, l);
	}
	g_hash_table_unref(s.seen);
	g_free(s.section);
	return clean;
}
