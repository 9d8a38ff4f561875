/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output of the tools: text or JSON, by one interface, written as it comes (a dump of a million
 * connections is never held in memory).
 *
 * A caller says both: fields by the JSON functions, layout by the text functions, pairs by those that do
 * both. In text mode the JSON functions print nothing, in JSON mode the text functions print nothing:
 *
 *   writer_open_object(w, NULL);
 *   writer_str(w, "name", name);            writer_text(w, "%s: ", name);
 *   writer_pair_uint(w, "mtu", "mtu", 1500);          (text: "mtu 1500 ")
 *   writer_close_object(w);                 writer_text(w, "\n");
 *
 * JSON: keys in snake_case, numbers as numbers, [] when nothing matches; one document per run. Strings are
 * valid UTF-8 whatever they hold. A key is NULL in an array and for the outermost value.
 *
 * Thread-safety: one thread for each writer.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <dpvsctrl/types.h>

/** Bits for writer_init(). */
enum {
	WRITER_JSON = 1u << 0,
	WRITER_PRETTY = 1u << 1,  /**< JSON with newlines and 4 blanks of indentation */
	WRITER_COLOR = 1u << 2,   /**< see color_wanted() */
	WRITER_ONELINE = 1u << 3, /**< writer_break() prints a backslash */
};

/** What writer_color() paints, in iproute2's colours. */
enum writer_color {
	WRITER_NAME,  /**< port names: cyan */
	WRITER_MAC,   /**< yellow */
	WRITER_INET,  /**< IPv4: magenta */
	WRITER_INET6, /**< IPv6: blue */
	WRITER_UP,    /**< good states: green */
	WRITER_DOWN,  /**< bad states: red */
	WRITER_COLOR_COUNT,
};

#define WRITER_DEPTH_MAX 16

/** struct writer: where the document is; members belong to writer.c, flags may be read. */
struct writer {
	FILE *file;
	unsigned int flags;             /**< WRITER_* */
	unsigned int depth;             /**< open objects and arrays */
	bool is_array[WRITER_DEPTH_MAX];
	bool has_items[WRITER_DEPTH_MAX];
};

/** color_wanted: @mode "always", "never", or "auto": a terminal, NO_COLOR not set, TERM not dumb. */
bool color_wanted(const char *mode, FILE *file);

void writer_init(struct writer *w, FILE *file, unsigned int flags);

/** writer_is_json: for callers that do different work for each. */
bool writer_is_json(const struct writer *w);

/**
 * writer_finish: ends the document (JSON: newline) and flushes. Everything must be closed.
 * Returns: 0 or -EIO: something could not be written (full disk, closed pipe).
 */
int writer_finish(struct writer *w);

/* JSON only. */
void writer_open_object(struct writer *w, const char *key);
void writer_close_object(struct writer *w);
void writer_open_array(struct writer *w, const char *key);
void writer_close_array(struct writer *w);
void writer_str(struct writer *w, const char *key, const char *value); /**< NULL: null */
void writer_uint(struct writer *w, const char *key, uint64_t value);
void writer_int(struct writer *w, const char *key, int64_t value);
void writer_bool(struct writer *w, const char *key, bool value);
void writer_double(struct writer *w, const char *key, double value); /**< three decimals */
void writer_null(struct writer *w, const char *key);
void writer_addr(struct writer *w, const char *key, const struct dpvs_addr *addr); /**< family 0: null */
void writer_mac(struct writer *w, const char *key, const uint8_t mac[6]);

/* Text only. */
void writer_text(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void writer_color(struct writer *w, enum writer_color color, const char *format, ...)
	__attribute__((format(printf, 3, 4))); /**< writer_text() in a colour */
void writer_break(struct writer *w); /**< a new line inside a record; with WRITER_ONELINE a backslash */

/* Both: JSON "key":value, text "label value ". */
void writer_pair_str(struct writer *w, const char *key, const char *label, const char *value);
void writer_pair_uint(struct writer *w, const char *key, const char *label, uint64_t value);
void writer_pair_addr(struct writer *w, const char *key, const char *label,
		      const struct dpvs_addr *addr);

#endif
