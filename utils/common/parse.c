/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words turned into values, each checked to its end; see parse.h.
 */
#include "common/parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void fail_text(struct parse_err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
fail_text(struct parse_err *err, const char *format, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
}

/* 0, -EINVAL: not a number, -ERANGE: does not fit in 64 bits. strtoull() would take blanks and signs. */
static int
scan_u64(const char *word, uint64_t *ret_value)
{
	unsigned int base = 10;
	uint64_t value = 0;
	bool overflow = false;

	if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
		base = 16;
		word += 2;
	}
	if (*word == '\0')
		return -EINVAL;
	for (; *word; word++) {
		unsigned int digit;

		if (*word >= '0' && *word <= '9')
			digit = (unsigned int)(*word - '0');
		else if (base == 16 && isxdigit((unsigned char)*word))
			digit = (unsigned int)(tolower((unsigned char)*word) - 'a') + 10;
		else
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / base)
			overflow = true;
		value = value * base + digit;
	}
	if (overflow)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int
parse_u64(const char *word, const char *what, uint64_t min, uint64_t max, uint64_t *ret_value,
	  struct parse_err *err)
{
	uint64_t value = 0;
	int rc = scan_u64(word, &value);

	if (rc == 0 && (value < min || value > max))
		rc = -ERANGE;
	if (rc < 0) {
		if (max == UINT64_MAX && min == 0)
			fail_text(err, "\"%.64s\" is not a %s (a number)", word, what);
		else
			fail_text(err, "\"%.64s\" is not a %s (%" PRIu64 " to %" PRIu64 ")", word, what,
				  min, max);
		return rc;
	}
	*ret_value = value;
	return 0;
}

int
parse_u32(const char *word, const char *what, uint32_t min, uint32_t max, uint32_t *ret_value,
	  struct parse_err *err)
{
	uint64_t value;
	int rc = parse_u64(word, what, min, max, &value, err);

	if (rc == 0)
		*ret_value = (uint32_t)value;
	return rc;
}

int
parse_port(const char *word, uint16_t *ret_port, struct parse_err *err)
{
	uint64_t value;
	int rc = parse_u64(word, "port", 0, 65535, &value, err);

	if (rc == 0)
		*ret_port = (uint16_t)value;
	return rc;
}

int
parse_port_name(const char *word, const char *proto, uint16_t *ret_port, struct parse_err *err)
{
	struct servent *entry;

	/* A name of services(5) has a letter in front; "80x" is a mistyped number. */
	if (isalpha((unsigned char)word[0])) {
		entry = getservbyname(word, proto);
		if (entry) {
			*ret_port = ntohs((uint16_t)entry->s_port);
			return 0;
		}
	}
	return parse_port(word, ret_port, err);
}

int
parse_addr(const char *word, int family, struct dpvs_addr *ret_addr, struct parse_err *err)
{
	struct dpvs_addr addr = { 0 };

	if (family != AF_INET6 && inet_pton(AF_INET, word, addr.bytes) == 1) {
		addr.family = AF_INET;
	} else if (family != AF_INET && inet_pton(AF_INET6, word, addr.bytes) == 1) {
		addr.family = AF_INET6;
	} else {
		fail_text(err, "\"%.64s\" is not an %s address", word,
			  family == AF_INET    ? "IPv4"
			  : family == AF_INET6 ? "IPv6"
					       : "IP");
		return -EINVAL;
	}
	*ret_addr = addr;
	return 0;
}

int
parse_prefix(const char *word, int family, struct dpvs_addr *ret_addr, uint8_t *ret_plen,
	     struct parse_err *err)
{
	const char *slash = strchr(word, '/');
	struct dpvs_addr addr = { 0 };
	char host[INET6_ADDRSTRLEN + 1];
	uint64_t plen;
	uint8_t max;

	if (strcmp(word, "default") == 0 || strcmp(word, "any") == 0 || strcmp(word, "all") == 0) {
		addr.family = (uint8_t)family;
		*ret_addr = addr;
		*ret_plen = 0;
		return 0;
	}
	snprintf(host, sizeof(host), "%.*s", slash ? (int)(slash - word) : (int)strlen(word), word);
	if (parse_addr(host, family, &addr, NULL) < 0 ||
	    (slash && (size_t)(slash - word) >= sizeof(host))) {
		fail_text(err, "\"%.64s\" is not an %s prefix", word,
			  family == AF_INET    ? "IPv4"
			  : family == AF_INET6 ? "IPv6"
					       : "IP");
		return -EINVAL;
	}
	max = addr.family == AF_INET ? 32 : 128;
	plen = max;
	if (slash && parse_u64(slash + 1, "prefix length", 0, max, &plen, NULL) < 0) {
		fail_text(err, "\"%.64s\" has no valid prefix length (0 to %u)", word, max);
		return -EINVAL;
	}
	*ret_addr = addr;
	*ret_plen = (uint8_t)plen;
	return 0;
}

int
parse_addr_port(const char *word, const char *proto, struct dpvs_addr *ret_addr, uint16_t *ret_port,
		bool *ret_has_port, struct parse_err *err)
{
	const char *host_start = word, *host_end, *port_word = NULL, *colon;
	struct dpvs_addr addr;
	char host[INET6_ADDRSTRLEN + 1];
	int family = 0;
	uint16_t port = 0;
	int rc;

	if (word[0] == '[') {
		host_start = word + 1;
		host_end = strchr(word, ']');
		if (!host_end || (host_end[1] != '\0' && host_end[1] != ':'))
			goto bad;
		if (host_end[1] == ':')
			port_word = host_end + 2;
		family = AF_INET6;
	} else {
		colon = strchr(word, ':');
		host_end = word + strlen(word);
		/* Two colons: IPv6 without brackets, which cannot have a port. */
		if (colon && !strchr(colon + 1, ':')) {
			host_end = colon;
			port_word = colon + 1;
			family = AF_INET;
		}
	}
	if ((size_t)(host_end - host_start) >= sizeof(host))
		goto bad;
	memcpy(host, host_start, (size_t)(host_end - host_start));
	host[host_end - host_start] = '\0';
	if (parse_addr(host, family, &addr, NULL) < 0)
		goto bad;
	if (port_word) {
		rc = proto ? parse_port_name(port_word, proto, &port, err) :
			     parse_port(port_word, &port, err);
		if (rc < 0)
			return rc;
	}
	*ret_addr = addr;
	*ret_port = port;
	*ret_has_port = port_word != NULL;
	return 0;
bad:
	fail_text(err, "\"%.64s\" is not an address[:port]", word);
	return -EINVAL;
}

int
parse_mac(const char *word, uint8_t ret_mac[6], struct parse_err *err)
{
	const char *p = word;
	uint8_t mac[6];
	int i;

	for (i = 0; i < 6; i++) {
		unsigned int value = 0, digits = 0;

		for (; isxdigit((unsigned char)*p) && digits < 2; p++, digits++) {
			int c = tolower((unsigned char)*p);

			value = value * 16 + (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		if (digits == 0)
			goto bad;
		mac[i] = (uint8_t)value;
		if (i < 5 && *p != ':' && *p != '-')
			goto bad;
		if (i < 5)
			p++;
	}
	if (*p != '\0')
		goto bad;
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
bad:
	fail_text(err, "\"%.64s\" is not a MAC address", word);
	return -EINVAL;
}

int
parse_on_off(const char *word, bool *ret_on, struct parse_err *err)
{
	static const char *const names[][2] = {
		{ "on", "off" }, { "yes", "no" }, { "true", "false" }, { "enable", "disable" }, { "1", "0" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(word, names[i][0]) == 0 || strcasecmp(word, names[i][1]) == 0) {
			*ret_on = strcasecmp(word, names[i][0]) == 0;
			return 0;
		}
	}
	fail_text(err, "\"%.64s\" is neither \"on\" nor \"off\"", word);
	return -EINVAL;
}

int
parse_seconds(const char *word, const char *what, uint32_t *ret_s, struct parse_err *err)
{
	if (strcmp(word, "forever") == 0) {
		*ret_s = UINT32_MAX;
		return 0;
	}
	if (parse_u32(word, what, 0, UINT32_MAX - 1, ret_s, NULL) < 0) {
		fail_text(err, "\"%.64s\" is not a %s (seconds, or \"forever\")", word, what);
		return -EINVAL;
	}
	return 0;
}

int
parse_ifname(const char *word, char ret_name[DPVS_IFNAME_SIZE], struct parse_err *err)
{
	const char *p;

	for (p = word; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '/' || *p == 0x7f)
			break;
	if (*p || p == word || p - word >= DPVS_IFNAME_SIZE) {
		fail_text(err, "\"%.64s\" is not the name of a port (1 to %d characters, no blanks)", word,
			  DPVS_IFNAME_SIZE - 1);
		return -EINVAL;
	}
	memset(ret_name, 0, DPVS_IFNAME_SIZE);
	memcpy(ret_name, word, (size_t)(p - word));
	return 0;
}

bool
addr_is_zero(const struct dpvs_addr *addr)
{
	static const uint8_t zero[16];

	return addr->family == 0 || memcmp(addr->bytes, zero, sizeof(zero)) == 0;
}

int
addr_cmp(const struct dpvs_addr *a, const struct dpvs_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
