/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See log.h. Everything goes through g_log_structured(), so that GLib's own messages and ours look alike.
 */
#include "core/log.h"

#define G_LOG_USE_STRUCTURED
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/log_out.h"

#define FIELD_MODULE "DPVS_MODULE"

static enum log_level threshold = LOG_LEVEL_INFO;

static const struct {
	GLogLevelFlags flag;
	const char *name;
	const char *priority; /* as syslog and the journal count */
} levels[] = {
	[LOG_LEVEL_ERROR] = { G_LOG_LEVEL_CRITICAL, "ERROR", "3" },
	[LOG_LEVEL_WARNING] = { G_LOG_LEVEL_WARNING, "WARNING", "4" },
	[LOG_LEVEL_NOTICE] = { G_LOG_LEVEL_MESSAGE, "NOTICE", "5" },
	[LOG_LEVEL_INFO] = { G_LOG_LEVEL_INFO, "INFO", "6" },
	[LOG_LEVEL_DEBUG] = { G_LOG_LEVEL_DEBUG, "DEBUG", "7" },
};

static enum log_level
log_level_of(GLogLevelFlags flags)
{
	unsigned int i;

	if (flags & G_LOG_LEVEL_ERROR)
		return LOG_LEVEL_ERROR;
	for (i = 0; i < G_N_ELEMENTS(levels); i++)
		if (flags & levels[i].flag)
			return i;
	return LOG_LEVEL_DEBUG;
}

static GLogWriterOutput
log_writer(GLogLevelFlags flags, const GLogField *fields, gsize count, gpointer arg)
{
	const char *module = "glib", *message = "";
	enum log_level level = log_level_of(flags);
	char line[2048];
	gsize i;
	int len;

	if (level > threshold)
		return G_LOG_WRITER_HANDLED;
	if (g_log_writer_is_journald(STDERR_FILENO) && log_out_journal(fields, count) == 0)
		return G_LOG_WRITER_HANDLED;
	for (i = 0; i < count; i++) {
		if (strcmp(fields[i].key, FIELD_MODULE) == 0)
			module = fields[i].value;
		else if (strcmp(fields[i].key, "MESSAGE") == 0)
			message = fields[i].value;
		else if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
			module = fields[i].value;
	}
	/* One write() for a line: lines of several processes do not mix. */
	len = snprintf(line, sizeof(line), "dpvsd[%ld]: %s %s: %s\n", (long)getpid(), levels[level].name,
		       module, message);
	if (len >= (int)sizeof(line)) {
		len = sizeof(line) - 1;
		line[len - 1] = '\n';
	}
	log_out(line, (size_t)len);
	return G_LOG_WRITER_HANDLED;
}

void
log_init(void)
{
	static gsize once;

	/* GLib takes a writer only once in a process. */
	if (g_once_init_enter(&once)) {
		g_log_set_writer_func(log_writer, NULL, NULL);
		g_once_init_leave(&once, 1);
	}
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

void
log_finish(void)
{
	log_out_finish();
}

static void __attribute__((format(printf, 3, 0)))
log_va(enum log_level level, const char *module, const char *format, va_list ap)
{
	g_autofree char *text = NULL;

	if (level > threshold)
		return;
	text = g_strdup_vprintf(format, ap);

	const GLogField fields[] = {
		{ "MESSAGE", text, -1 },
		{ "PRIORITY", levels[level].priority, -1 },
		{ "SYSLOG_IDENTIFIER", "dpvsd", -1 },
		{ FIELD_MODULE, module, -1 },
	};
	g_log_structured_array(levels[level].flag, fields, G_N_ELEMENTS(fields));
}

#define LOG_FUNCTION(name, level)                          \
	void name(const char *module, const char *format, ...) \
	{                                                  \
		va_list ap;                                \
                                                           \
		va_start(ap, format);                      \
		log_va(level, module, format, ap);         \
		va_end(ap);                                \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
