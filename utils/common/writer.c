/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text or JSON as it comes; see writer.h.
 */
#include "common/writer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/format.h"

static const char *const color_codes[WRITER_COLOR_COUNT] = {
	[WRITER_NAME] = "\033[36m", [WRITER_MAC] = "\033[33m",	[WRITER_INET] = "\033[35m",
	[WRITER_INET6] = "\033[34m", [WRITER_UP] = "\033[32m", [WRITER_DOWN] = "\033[31m",
};

bool
color_wanted(const char *mode, FILE *file)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");

	if (strcmp(mode, "always") == 0)
		return true;
	if (strcmp(mode, "auto") != 0)
		return false;
	return isatty(fileno(file)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void
writer_init(struct writer *w, FILE *file, unsigned int flags)
{
	memset(w, 0, sizeof(*w));
	w->file = file;
	w->flags = flags;
}

bool
writer_is_json(const struct writer *w)
{
	return w->flags & WRITER_JSON;
}

int
writer_finish(struct writer *w)
{
	assert(w->depth == 0);
	if (writer_is_json(w))
		fputc('\n', w->file);
	if (fflush(w->file) != 0 || ferror(w->file))
		return -EIO;
	return 0;
}

static void
indent(struct writer *w)
{
	unsigned int i;

	if (!(w->flags & WRITER_PRETTY))
		return;
	fputc('\n', w->file);
	for (i = 0; i < w->depth; i++)
		fputs("    ", w->file);
}

/* Length of the UTF-8 sequence at @s, 0 when it is none (overlong, surrogate, cut short). */
static unsigned int
utf8_len(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int len, i;
	uint32_t cp;

	if (s[0] < 0x80)
		return 1;
	len = s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc0 && s[0] < 0xe0 ? 2 : 0;
	if (len == 0)
		return 0;
	cp = s[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3fu);
	}
	return cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) ? 0 : len;
}

static void
quoted(struct writer *w, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *plain;

	putc_unlocked('"', w->file);
	while (*s) {
		unsigned int len;

		/* What needs nothing goes out in one piece: that is nearly everything. */
		for (plain = s; *s >= ' ' && *s < 0x7f && *s != '"' && *s != '\\'; s++)
			;
		if (s > plain)
			fwrite(plain, 1, (size_t)(s - plain), w->file);
		if (*s == '\0')
			break;
		len = utf8_len(s);
		if (len == 0) {
			fputs("\\ufffd", w->file);
			s++;
		} else if (*s == '"' || *s == '\\') {
			fprintf(w->file, "\\%c", *s++);
		} else if (*s < ' ' || *s == 0x7f) {
			fprintf(w->file, "\\u%04x", *s++);
		} else {
			fwrite(s, 1, len, w->file);
			s += len;
		}
	}
	putc_unlocked('"', w->file);
}

/* printf() is half the time of a long listing. */
static void
digits(struct writer *w, uint64_t value)
{
	char buf[20];
	char *p = buf + sizeof(buf);

	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	fwrite(p, 1, (size_t)(buf + sizeof(buf) - p), w->file);
}

/* Comma, indentation and key of the next value. */
static void
begin_value(struct writer *w, const char *key)
{
	if (w->depth > 0) {
		if (w->has_items[w->depth - 1])
			putc_unlocked(',', w->file);
		w->has_items[w->depth - 1] = true;
		indent(w);
		assert(w->is_array[w->depth - 1] == (key == NULL));
	}
	if (key) {
		quoted(w, key);
		fputs(w->flags & WRITER_PRETTY ? ": " : ":", w->file);
	}
}

static void
open_level(struct writer *w, const char *key, bool is_array)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	assert(w->depth < WRITER_DEPTH_MAX);
	putc_unlocked(is_array ? '[' : '{', w->file);
	w->is_array[w->depth] = is_array;
	w->has_items[w->depth] = false;
	w->depth++;
}

static void
close_level(struct writer *w, bool is_array)
{
	if (!writer_is_json(w))
		return;
	assert(w->depth > 0 && w->is_array[w->depth - 1] == is_array);
	w->depth--;
	if (w->has_items[w->depth])
		indent(w);
	putc_unlocked(is_array ? ']' : '}', w->file);
}

void
writer_open_object(struct writer *w, const char *key)
{
	open_level(w, key, false);
}

void
writer_close_object(struct writer *w)
{
	close_level(w, false);
}

void
writer_open_array(struct writer *w, const char *key)
{
	open_level(w, key, true);
}

void
writer_close_array(struct writer *w)
{
	close_level(w, true);
}

void
writer_str(struct writer *w, const char *key, const char *value)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	if (value)
		quoted(w, value);
	else
		fputs("null", w->file);
}

void
writer_uint(struct writer *w, const char *key, uint64_t value)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	digits(w, value);
}

void
writer_int(struct writer *w, const char *key, int64_t value)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	if (value < 0)
		putc_unlocked('-', w->file);
	digits(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void
writer_bool(struct writer *w, const char *key, bool value)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	fputs(value ? "true" : "false", w->file);
}

void
writer_double(struct writer *w, const char *key, double value)
{
	if (!writer_is_json(w))
		return;
	begin_value(w, key);
	/* JSON has no word for infinity and not-a-number. */
	if (value - value != 0)
		fputs("null", w->file);
	else
		fprintf(w->file, "%.3f", value);
}

void
writer_null(struct writer *w, const char *key)
{
	writer_str(w, key, NULL);
}

void
writer_addr(struct writer *w, const char *key, const struct dpvs_addr *addr)
{
	char buf[FORMAT_ADDR_SIZE];

	writer_str(w, key, addr->family ? format_addr(addr, buf) : NULL);
}

void
writer_mac(struct writer *w, const char *key, const uint8_t mac[6])
{
	char buf[FORMAT_MAC_SIZE];

	writer_str(w, key, format_mac(mac, buf));
}

void
writer_text(struct writer *w, const char *format, ...)
{
	va_list ap;

	if (writer_is_json(w))
		return;
	va_start(ap, format);
	vfprintf(w->file, format, ap);
	va_end(ap);
}

void
writer_color(struct writer *w, enum writer_color color, const char *format, ...)
{
	bool painted = w->flags & WRITER_COLOR;
	va_list ap;

	if (writer_is_json(w))
		return;
	if (painted)
		fputs(color_codes[color], w->file);
	va_start(ap, format);
	vfprintf(w->file, format, ap);
	va_end(ap);
	if (painted)
		fputs("\033[0m", w->file);
}

void
writer_break(struct writer *w)
{
	writer_text(w, "%s", w->flags & WRITER_ONELINE ? "\\" : "\n");
}

void
writer_pair_str(struct writer *w, const char *key, const char *label, const char *value)
{
	writer_str(w, key, value);
	writer_text(w, "%s %s ", label, value ? value : "-");
}

void
writer_pair_uint(struct writer *w, const char *key, const char *label, uint64_t value)
{
	writer_uint(w, key, value);
	writer_text(w, "%s %" PRIu64 " ", label, value);
}

void
writer_pair_addr(struct writer *w, const char *key, const char *label, const struct dpvs_addr *addr)
{
	char buf[FORMAT_ADDR_SIZE];

	writer_addr(w, key, addr);
	writer_text(w, "%s ", label);
	writer_color(w, addr->family == 10 ? WRITER_INET6 : WRITER_INET, "%s",
		     addr->family ? format_addr(addr, buf) : "-");
	writer_text(w, " ");
}
