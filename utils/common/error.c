/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error lines of the tools; see error.h.
 */
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program = "dpvs";
static unsigned int lines;

static void print_line(const char *prefix, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

void
error_set_program(const char *name)
{
	program = name;
}

const char *
error_program(void)
{
	return program;
}

unsigned int
error_count(void)
{
	return lines;
}

/* One write for the whole line, so that lines of several programs do not mix; words of users and of the
 * daemon may hold anything, a terminal must not see it. */
static void
print_line(const char *prefix, const char *format, va_list ap)
{
	char line[2048];
	int used = 0;
	char *p;

	if (prefix)
		used = snprintf(line, 256, "%s: ", prefix);
	vsnprintf(line + used, sizeof(line) - 1 - (size_t)used, format, ap);
	for (p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	*p++ = '\n';
	*p = '\0';
	fflush(stdout);
	fputs(line, stderr);
	lines++;
}

void
error_print(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(program, format, ap);
	va_end(ap);
}

void
error_line(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(NULL, format, ap);
	va_end(ap);
}
