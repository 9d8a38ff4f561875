/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a command line turned into values. Every word is checked to its last character; what is wrong
 * is told in a sentence that shows the word: `"80x" is not a port (0 to 65535)`.
 *
 * All functions return 0 or -EINVAL (-ERANGE: a number, but out of range), write the output only on success
 * and the sentence (@err may be NULL) only on failure.
 *
 * Thread-safety: any thread.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/types.h>

/** struct parse_err: why a word was refused: a sentence without capital and full stop. */
struct parse_err {
	char text[256];
};

/** parse_u64: decimal, or hexadecimal after 0x; no sign, no blanks. @what names it in the sentence: "weight". */
int parse_u64(const char *word, const char *what, uint64_t min, uint64_t max, uint64_t *ret_value,
	      struct parse_err *err);

/** parse_u32: as parse_u64(). */
int parse_u32(const char *word, const char *what, uint32_t min, uint32_t max, uint32_t *ret_value,
	      struct parse_err *err);

/** parse_port: a TCP or UDP port by number, 0 to 65535. */
int parse_port(const char *word, uint16_t *ret_port, struct parse_err *err);

/** parse_port_name: as parse_port(), but also a name of services(5) for @proto ("tcp", "udp"). */
int parse_port_name(const char *word, const char *proto, uint16_t *ret_port, struct parse_err *err);

/** parse_addr: an IPv4 (four decimal parts) or IPv6 address; @family AF_INET, AF_INET6, or 0 for either. */
int parse_addr(const char *word, int family, struct dpvs_addr *ret_addr, struct parse_err *err);

/**
 * parse_prefix: ADDR/PLEN, or ADDR alone: the whole address. "default", "any" and "all" are the prefix of
 * length 0 of @family; with @family 0 the result's family is 0 then.
 */
int parse_prefix(const char *word, int family, struct dpvs_addr *ret_addr, uint8_t *ret_plen,
		 struct parse_err *err);

/**
 * parse_addr_port: ADDR, ADDR:PORT, [ADDR6] or [ADDR6]:PORT; a bare ADDR6 too.
 * @proto: as in parse_port_name(); NULL: numbers only
 * @ret_has_port: whether there was a port; *ret_port is 0 without
 */
int parse_addr_port(const char *word, const char *proto, struct dpvs_addr *ret_addr,
		    uint16_t *ret_port, bool *ret_has_port, struct parse_err *err);

/** parse_mac: six hexadecimal bytes with colons or hyphens between. */
int parse_mac(const char *word, uint8_t ret_mac[6], struct parse_err *err);

/** parse_on_off: on|off, also yes|no, true|false, enable|disable, 1|0. */
int parse_on_off(const char *word, bool *ret_on, struct parse_err *err);

/** parse_seconds: "forever" or a number of seconds; forever is 0xffffffff. */
int parse_seconds(const char *word, const char *what, uint32_t *ret_s, struct parse_err *err);

/** parse_ifname: the name of a port: 1 to 31 characters without blanks, slashes and control characters. */
int parse_ifname(const char *word, char ret_name[DPVS_IFNAME_SIZE], struct parse_err *err);

/** addr_is_zero: family 0 or all bytes zero. */
bool addr_is_zero(const struct dpvs_addr *addr);

/** addr_cmp: orders by family, then bytes: below, equal to or above 0. */
int addr_cmp(const struct dpvs_addr *a, const struct dpvs_addr *b);

#endif
