/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What listings share: the frame of an output, names, numbers, aligned columns, rates. See dpip.h.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>

#include "common/format.h"
#include "dpip/dpip.h"
#include "dpip/session.h"

/**
 * show_open: starts the output of a listing: the time where -t asks for it, and the outermost array of
 * JSON. Only after everything has been asked for, so that a failure prints nothing. show_close ends it.
 */
void show_open(struct dpip *d);
void show_close(struct dpip *d);

/**
 * show_time: the time in one of the two forms of iproute2's monitor, the short one with @end behind it; in JSON the
 * short one, in UTC.
 */
void show_time(struct dpip *d, const char *end);

/** show_route, show_neigh: a line of text, or the members of an object. @lookup: the answer of "route get". */
void show_route(struct dpip *d, const struct dpvs_route_conf *r, bool lookup);
void show_neigh(struct dpip *d, const struct dpvs_neigh_conf *n);

/**
 * show_sorted: the records of @reply, each of @size bytes, in the order of @compare (qsort(3)).
 * Returns: dpvs_reply_count() records, to be freed; NULL after an error line.
 */
void *show_sorted(const struct dpvs_reply *reply, uint32_t size, int (*compare)(const void *, const void *));

/** show_number: @value as -h and -iec want it. */
const char *show_number(const struct dpip *d, uint64_t value, char buf[FORMAT_NUMBER_SIZE]);

/** show_word: the name of @value in @words, or NULL. */
const char *show_word(const struct dpip_word *words, uint32_t value);

/** show_matches: is @name what @pattern says: the name, or with * and ? as in a shell? */
bool show_matches(const char *pattern, const char *name);

/**
 * show_none: nothing is called @name. To be called before show_open(). A pattern with * or ? that nothing matches is
 * no error.
 *
 * Returns: EXIT_OK for a pattern, else EXIT_REFUSED after one line on stderr: @what "@name" does not exist.
 */
int show_none(const char *what, const char *name);

/** show_copy: copies a text of the daemon that may lack its NUL, control characters taken out. */
const char *show_copy(const char *src, size_t size, char *buf);

/**
 * show_counters: a line of names and, below them, a line of values, aligned as in ip -s, each line after
 * a break and four blanks.
 */
void show_counters(struct dpip *d, const char *title, const char *const *names, const uint64_t *values,
		   size_t count);

/** show_colored: text in a colour, padded with blanks to @width outside of the colour. */
void show_colored(struct dpip *d, enum writer_color color, const char *text, int width);

/** show_addr: "label ADDR " in the family's colour, or nothing for family 0. Text only. */
void show_addr(struct dpip *d, const char *label, const struct dpvs_addr *addr);

/** show_lcores: what `lcore show` and `link show cpu` print; @cpu, @lcore: only those, -1: all. */
int show_lcores(struct dpip *d, int64_t cpu, int64_t lcore);

/** show_port_flags: <UP,LOWER_UP>. Both formats. */
void show_port_flags(struct dpip *d, const struct dpvs_port_info *port);

/** show_port_address: the MAC address, on a line of its own. Both formats. */
void show_port_address(struct dpip *d, const struct dpvs_port_info *port);

/** show_port_name_state: the first two columns of -br. Text only. */
void show_port_name_state(struct dpip *d, const struct dpvs_port_info *port);

/** show_port_head: index, name, flags, MTU, state of a port as `link` and `addr` start with. Both formats. */
void show_port_head(struct dpip *d, const struct dpvs_port_info *port);

/** show_port_state: UP or DOWN. */
const char *show_port_state(const struct dpvs_port_info *port);

/** show_device_names: names of ports, one a line, for completion; nothing when the daemon is not there. */
void show_device_names(const struct daemon_opts *opts);

#endif
