/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See conf.h. GKeyFile reads the values, but it hides what an operator must hear of: line numbers,
 * repeated keys, repeated sections. So the text is scanned here first (conf_scan.c); lines found wrong are blanked
 * before GKeyFile sees the rest, and one run reports the errors of all lines.
 */
#include "core/conf.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/conf_scan.h"
#include "module.h"

/* A checked value of the file. */
struct conf_value {
	uint64_t num; /* CONF_UINT, CONF_BOOL; CONF_CHOICE: index */
	char *str;    /* CONF_STRING */
	unsigned int line;
};

struct conf {
	const struct module *const *modules;
	char *file;
	GHashTable *values;   /* "section\nkey" -> struct conf_value */
	GPtrArray *instances; /* full names of instance sections, in the file's order */
	GHashTable *lines;    /* section -> line of its header */
	void (*report)(const char *line, void *arg);
	void *report_arg;
	unsigned int errors;
};

static void
conf_value_free(void *value)
{
	struct conf_value *v = value;

	g_free(v->str);
	g_free(v);
}

static char *
conf_value_key(const char *section, const char *key)
{
	return g_strconcat(section, "\n", key, NULL);
}

static struct conf_value *
conf_value_get(const struct conf *conf, const char *section, const char *key)
{
	g_autofree char *name = conf_value_key(section, key);

	return g_hash_table_lookup(conf->values, name);
}

static void
conf_report(struct conf *conf, unsigned int line, const char *text)
{
	g_autofree char *full = line != 0 ? g_strdup_printf("%s:%u: %s", conf->file, line, text) :
					    g_strdup_printf("%s: %s", conf->file, text);

	/* A value may have line breaks ("\\n"), and worse for a terminal. */
	for (char *p = full; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p))
			*p = ' ';
	conf->errors++;
	if (conf->report != NULL)
		conf->report(full, conf->report_arg);
}

static void __attribute__((format(printf, 3, 4)))
conf_reportf(struct conf *conf, unsigned int line, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	conf_report(conf, line, text);
}

/* Is @section "INSTANCE NAME" of @module? Then the name, else NULL. */
static const char *
conf_instance_of(const struct module *module, const char *section)
{
	size_t len;

	if (module->instance == NULL)
		return NULL;
	len = strlen(module->instance);
	if (strncmp(section, module->instance, len) != 0 || section[len] != ' ')
		return NULL;
	return section + len + 1;
}

/* The table of keys that @section has, or NULL when no module has such a section. */
static const struct conf_key *
conf_table(const struct module *const *modules, const char *section, bool *ret_instance)
{
	for (; *modules != NULL; modules++) {
		if ((*modules)->conf != NULL && strcmp((*modules)->name, section) == 0) {
			*ret_instance = false;
			return (*modules)->conf;
		}
		if (conf_instance_of(*modules, section) != NULL) {
			*ret_instance = true;
			return (*modules)->instance_conf;
		}
	}
	return NULL;
}

static const struct conf_key *
conf_key_find(const struct conf_key *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* The key that the tables of @conf have; asking for another one is a bug of the caller. */
static const struct conf_key *
conf_key_must(const struct conf *conf, const char *section, const char *key)
{
	const struct conf_key *table, *k;
	bool instance;

	table = conf_table(conf->modules, section, &instance);
	k = table != NULL ? conf_key_find(table, key) : NULL;
	if (k == NULL)
		g_error("conf: no table has the key %s.%s", section, key);
	return k;
}

/* Edit distance of two short words; how "did you mean" judges. */
static unsigned int
conf_distance(const char *a, const char *b)
{
	unsigned int row[64], i, j, diagonal, above;
	size_t len = MIN(strlen(b), G_N_ELEMENTS(row) - 1);

	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 1; *a != '\0'; a++, i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= len; j++) {
			above = row[j];
			row[j] = MIN(MIN(row[j] + 1, row[j - 1] + 1), diagonal + (*a != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len];
}

/* Keeps the closer of two candidates; a third of the word may differ. */
static void
conf_closer(const char *word, const char *candidate, unsigned int *best, const char **ret_best)
{
	unsigned int d = conf_distance(word, candidate);

	if (d < *best && d <= strlen(candidate) / 3 + 1) {
		*best = d;
		*ret_best = candidate;
	}
}

static void
conf_unknown_section(struct conf *conf, const struct scan_line *line)
{
	const struct module *const *m;
	unsigned int best = UINT_MAX;
	const char *guess = NULL, *space = strchr(line->section, ' ');
	g_autofree char *word = space != NULL ? g_strndup(line->section, space - line->section) :
						g_strdup(line->section);

	for (m = conf->modules; *m != NULL; m++) {
		if ((*m)->conf != NULL && space == NULL)
			conf_closer(word, (*m)->name, &best, &guess);
		if ((*m)->instance != NULL)
			conf_closer(word, (*m)->instance, &best, &guess);
	}
	if (guess == NULL)
		conf_reportf(conf, line->number,
			     "unknown section [%s]; dpvsd --help-config lists the sections", line->section);
	else if (space != NULL)
		conf_reportf(conf, line->number, "unknown section [%s]; did you mean [%s%s]?",
			     line->section, guess, space);
	else
		conf_reportf(conf, line->number, "unknown section [%s]; did you mean [%s%s]?",
			     line->section, guess,
			     conf_table(conf->modules, guess, &(bool){ false }) != NULL ? "" : " NAME");
}

static void
conf_unknown_key(struct conf *conf, const struct conf_key *table, const struct scan_line *line)
{
	const struct conf_key *k;
	unsigned int best = UINT_MAX;
	const char *guess = NULL;

	for (k = table; k->name != NULL; k++)
		conf_closer(line->key, k->name, &best, &guess);
	if (guess != NULL)
		conf_reportf(conf, line->number, "section [%s] has no key \"%s\"; did you mean \"%s\"?",
			     line->section, line->key, guess);
	else
		conf_reportf(conf, line->number,
			     "section [%s] has no key \"%s\"; dpvsd --help-config lists its keys",
			     line->section, line->key);
}

static int
conf_check_uint(struct conf *conf, const struct conf_key *k, const struct scan_line *line,
		const char *text, struct conf_value *v)
{
	const char *unit = k->unit != NULL ? k->unit : "";
	const char *space = k->unit != NULL ? " " : "";

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0') {
		conf_reportf(conf, line->number, "%s = %s: not a number; give a whole number from %" PRIu64
			     " to %" PRIu64 "%s%s", k->name, text, k->min, k->max, space, unit);
		return -EINVAL;
	}
	/* What does not fit 64 bits comes out as the largest number. */
	v->num = g_ascii_strtoull(text, NULL, 10);
	if (v->num < k->min || v->num > k->max) {
		conf_reportf(conf, line->number, "%s = %s: out of range; give %" PRIu64 " to %" PRIu64 "%s%s",
			     k->name, text, k->min, k->max, space, unit);
		return -ERANGE;
	}
	return 0;
}

static int
conf_check_choice(struct conf *conf, const struct conf_key *k, const struct scan_line *line,
		  const char *text, struct conf_value *v)
{
	g_autofree char *words = NULL;
	unsigned int i;

	for (i = 0; k->choices[i] != NULL; i++) {
		if (strcmp(k->choices[i], text) == 0) {
			v->num = i;
			return 0;
		}
	}
	words = g_strjoinv(", ", (char **)k->choices);
	conf_reportf(conf, line->number, "%s = %s: unknown word; give one of: %s", k->name, text, words);
	return -EINVAL;
}

static int
conf_check_value(struct conf *conf, const struct conf_key *k, const struct scan_line *line,
		 char *text, struct conf_value *v)
{
	size_t len;

	switch (k->type) {
	case CONF_UINT:
		return conf_check_uint(conf, k, line, text, v);
	case CONF_BOOL:
		v->num = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
		if (v->num || strcmp(text, "no") == 0 || strcmp(text, "false") == 0)
			return 0;
		conf_reportf(conf, line->number, "%s = %s: neither yes nor no; give one of the two", k->name,
			     text);
		return -EINVAL;
	case CONF_CHOICE:
		return conf_check_choice(conf, k, line, text, v);
	case CONF_STRING:
		len = strlen(text);
		if (len < k->min || (k->max != 0 && len > k->max)) {
			conf_reportf(conf, line->number,
				     "%s: a text of %zu bytes; give one of %" PRIu64 " to %" PRIu64 " bytes",
				     k->name, len, k->min, k->max);
			return -EINVAL;
		}
		v->str = g_strdup(text);
		return 0;
	}
	return -EINVAL;
}

/* One "key = value" line whose form is right. */
static void
conf_take_key(struct conf *conf, GKeyFile *file, const struct scan_line *line)
{
	const struct conf_key *table, *k;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = NULL;
	struct conf_value *v;
	bool instance;

	table = conf_table(conf->modules, line->section, &instance);
	if (table == NULL)
		return; /* the section's line is reported */
	k = conf_key_find(table, line->key);
	if (k == NULL) {
		conf_unknown_key(conf, table, line);
		return;
	}
	text = g_key_file_get_string(file, line->section, line->key, &error);
	if (text == NULL || error != NULL) {
		conf_reportf(conf, line->number, "%s: not UTF-8; write it in that encoding", k->name);
		return;
	}
	g_strchomp(text); /* GKeyFile keeps blanks at the end of a line */
	v = g_new0(struct conf_value, 1);
	v->line = line->number;
	if (conf_check_value(conf, k, line, text, v) < 0)
		conf_value_free(v);
	else
		g_hash_table_insert(conf->values, conf_value_key(line->section, line->key), v);
}

/* A "[section]" line whose form is right. */
static void
conf_take_section(struct conf *conf, const struct scan_line *line)
{
	const struct module *const *m;
	const char *name = NULL, *p;
	bool instance;

	if (conf_table(conf->modules, line->section, &instance) == NULL) {
		conf_unknown_section(conf, line);
		return;
	}
	g_hash_table_insert(conf->lines, g_strdup(line->section), GUINT_TO_POINTER(line->number));
	if (!instance)
		return;
	for (m = conf->modules; *m != NULL && name == NULL; m++)
		name = conf_instance_of(*m, line->section);
	for (p = name; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && strchr("._-:@", *p) == NULL)
			break;
	if (name[0] == '\0' || *p != '\0' || p - name > CONF_NAME_MAX)
		conf_reportf(conf, line->number,
			     "[%s]: not a usable name; give 1 to %d letters, digits or . _ - : @",
			     line->section, CONF_NAME_MAX);
	else
		g_ptr_array_add(conf->instances, g_strdup(line->section));
}

/* Texts without a default that an instance cannot do without (their min is above 0). */
static void
conf_check_required(struct conf *conf)
{
	const struct conf_key *k;
	const char *section;
	bool instance;
	unsigned int i;

	for (i = 0; i < conf->instances->len; i++) {
		section = g_ptr_array_index(conf->instances, i);
		for (k = conf_table(conf->modules, section, &instance); k->name != NULL; k++)
			if (k->type == CONF_STRING && k->min > 0 && k->def_str == NULL &&
			    conf_value_get(conf, section, k->name) == NULL)
				conf_reportf(conf,
					     GPOINTER_TO_UINT(g_hash_table_lookup(conf->lines, section)),
					     "section [%s] lacks the key \"%s\"; add a line \"%s = ...\" (%s)",
					     section, k->name, k->name, k->help);
	}
}

static void
conf_read(struct conf *conf, const char *text, size_t len)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(scan_line_free);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) error = NULL;
	g_autofree char *clean = scan_text(text, len, lines);
	const struct scan_line *line;
	unsigned int i;

	if (!g_key_file_load_from_data(file, clean, (gsize)-1, G_KEY_FILE_NONE, &error))
		conf_reportf(conf, 0, "%s", error->message);
	for (i = 0; i < lines->len; i++) {
		line = g_ptr_array_index(lines, i);
		if (line->error != NULL)
			conf_report(conf, line->number, line->error);
		else if (line->key == NULL)
			conf_take_section(conf, line);
		else
			conf_take_key(conf, file, line);
	}
	conf_check_required(conf);
}

int
conf_parse(const char *text, const char *name, const struct module *const *modules,
	   void (*report)(const char *line, void *arg), void *arg, struct conf **ret_conf)
{
	struct conf *conf = g_new0(struct conf, 1);
	const struct module *const *m;

	conf->modules = modules;
	conf->file = g_strdup(name);
	conf->report = report;
	conf->report_arg = arg;
	conf->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, conf_value_free);
	conf->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	conf->instances = g_ptr_array_new_with_free_func(g_free);
	conf_read(conf, text, strlen(text));
	for (m = modules; *m != NULL; m++)
		if ((*m)->check != NULL)
			(*m)->check(conf);
	if (conf->errors > 0) {
		conf_free(conf);
		return -EINVAL;
	}
	*ret_conf = conf;
	return 0;
}

int
conf_load(const char *path, const struct module *const *modules,
	  void (*report)(const char *line, void *arg), void *arg, struct conf **ret_conf)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	g_autoptr(GError) error = NULL;
	gsize len = 0;
	int err;

	if (path == NULL)
		return conf_parse("", "defaults", modules, report, arg, ret_conf);
	errno = 0;
	if (!g_file_get_contents(path, &text, &len, &error)) {
		err = errno != 0 ? errno : EIO;
		line = g_strdup_printf("%s: cannot be read: %s; give a file that can with -c", path,
				       g_strerror(err));
		report(line, arg);
		return -err;
	}
	if (strlen(text) != len) {
		line = g_strdup_printf("%s: holds a NUL byte; it is not a text file", path);
		report(line, arg);
		return -EINVAL;
	}
	return conf_parse(text, path, modules, report, arg, ret_conf);
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	g_hash_table_unref(conf->values);
	g_hash_table_unref(conf->lines);
	g_ptr_array_unref(conf->instances);
	g_free(conf->file);
	g_free(conf);
}

uint64_t
conf_uint(const struct conf *conf, const char *section, const char *key)
{
	const struct conf_key *k = conf_key_must(conf, section, key);
	const struct conf_value *v = conf_value_get(conf, section, key);

	return v != NULL ? v->num : k->def;
}

bool
conf_bool(const struct conf *conf, const char *section, const char *key)
{
	return conf_uint(conf, section, key) != 0;
}

const char *
conf_string(const struct conf *conf, const char *section, const char *key)
{
	const struct conf_key *k = conf_key_must(conf, section, key);
	const struct conf_value *v = conf_value_get(conf, section, key);

	return v != NULL ? v->str : k->def_str;
}

unsigned int
conf_choice(const struct conf *conf, const char *section, const char *key)
{
	const struct conf_key *k = conf_key_must(conf, section, key);
	const struct conf_value *v = conf_value_get(conf, section, key);
	unsigned int i;

	if (v != NULL)
		return v->num;
	for (i = 0; k->choices[i] != NULL; i++)
		if (k->def_str != NULL && strcmp(k->choices[i], k->def_str) == 0)
			return i;
	return 0;
}

bool
conf_is_set(const struct conf *conf, const char *section, const char *key)
{
	return conf_value_get(conf, section, key) != NULL;
}

void
conf_error(struct conf *conf, const char *section, const char *key, const char *format, ...)
{
	const struct conf_value *v = conf_value_get(conf, section, key);
	unsigned int line = v != NULL ? v->line :
					GPOINTER_TO_UINT(g_hash_table_lookup(conf->lines, section));
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = g_strdup_vprintf(format, ap);
	va_end(ap);
	conf_reportf(conf, line, "%s: %s", key, text);
}

const char *
conf_instance(const struct conf *conf, const char *instance, unsigned int i)
{
	size_t len = strlen(instance);
	const char *section;
	unsigned int j;

	for (j = 0; j < conf->instances->len; j++) {
		section = g_ptr_array_index(conf->instances, j);
		if (strncmp(section, instance, len) == 0 && section[len] == ' ' && i-- == 0)
			return section;
	}
	return NULL;
}

const char *
conf_instance_name(const char *section)
{
	const char *space = strchr(section, ' ');

	return space != NULL ? space + 1 : section;
}

static void
conf_print_table(const struct conf_key *k)
{
	g_autofree char *words = NULL;

	for (; k->name != NULL; k++) {
		g_clear_pointer(&words, g_free);
		switch (k->type) {
		case CONF_UINT:
			printf("%s = %" PRIu64 "\n\t%" PRIu64 " to %" PRIu64 "%s%s", k->name, k->def, k->min,
			       k->max, k->unit != NULL ? " " : "", k->unit != NULL ? k->unit : "");
			break;
		case CONF_BOOL:
			printf("%s = %s\n\tyes or no", k->name, k->def ? "yes" : "no");
			break;
		case CONF_STRING:
			printf("%s = %s\n\ttext of up to %" PRIu64 " bytes", k->name,
			       k->def_str != NULL ? k->def_str : "", k->max);
			break;
		case CONF_CHOICE:
			words = g_strjoinv(", ", (char **)k->choices);
			printf("%s = %s\n\tone of: %s", k->name, k->def_str != NULL ? k->def_str : "", words);
			break;
		}
		printf("; takes effect at %s\n\t%s\n", k->when == CONF_RELOAD ? "reload" : "start", k->help);
	}
}

void
conf_print_help(const struct module *const *modules)
{
	const char *gap = "";

	for (; *modules != NULL; modules++) {
		if ((*modules)->conf != NULL) {
			printf("%s[%s]\n", gap, (*modules)->name);
			conf_print_table((*modules)->conf);
			gap = "\n";
		}
		if ((*modules)->instance != NULL) {
			printf("%s[%s NAME]\n", gap, (*modules)->instance);
			conf_print_table((*modules)->instance_conf);
			gap = "\n";
		}
	}
}
