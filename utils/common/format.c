/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values turned into text; see format.h.
 */
#include "common/format.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/parse.h"

static const struct {
	uint8_t proto;
	const char *name;
} proto_names[] = {
	{ IPPROTO_TCP, "tcp" },	  { IPPROTO_UDP, "udp" },	    { IPPROTO_SCTP, "sctp" },
	{ IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "ipv6-icmp" },
};

char *
format_addr(const struct dpvs_addr *addr, char buf[FORMAT_ADDR_SIZE])
{
	buf[0] = '\0';
	if (addr->family == AF_INET || addr->family == AF_INET6)
		inet_ntop(addr->family, addr->bytes, buf, FORMAT_ADDR_SIZE);
	return buf;
}

char *
format_prefix(const struct dpvs_addr *addr, uint8_t plen, char buf[FORMAT_ADDR_SIZE])
{
	size_t len;

	format_addr(addr, buf);
	len = strlen(buf);
	snprintf(buf + len, FORMAT_ADDR_SIZE - len, "/%u", plen);
	return buf;
}

char *
format_addr_port(const struct dpvs_addr *addr, uint16_t port, char buf[FORMAT_ADDR_PORT_SIZE])
{
	char host[FORMAT_ADDR_SIZE];

	format_addr(addr, host);
	snprintf(buf, FORMAT_ADDR_PORT_SIZE, addr->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
	return buf;
}

char *
format_mac(const uint8_t mac[6], char buf[FORMAT_MAC_SIZE])
{
	snprintf(buf, FORMAT_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

char *
format_number(uint64_t value, enum format_units units, char buf[FORMAT_NUMBER_SIZE])
{
	static const char letters[] = "KMGTPE";
	uint64_t base = units == FORMAT_IEC ? 1024 : 1000;
	uint64_t unit = base;
	unsigned int i = 0;
	double shown;

	if (units == FORMAT_PLAIN || value < base) {
		snprintf(buf, FORMAT_NUMBER_SIZE, "%" PRIu64, value);
		return buf;
	}
	while (value / unit >= base && i + 1 < sizeof(letters) - 1) {
		unit *= base;
		i++;
	}
	shown = (double)value / (double)unit;
	snprintf(buf, FORMAT_NUMBER_SIZE, "%.*f%c%s", shown < 10 ? 2 : shown < 100 ? 1 : 0, shown,
		 units == FORMAT_SI && i == 0 ? 'k' : letters[i], units == FORMAT_IEC ? "i" : "");
	return buf;
}

char *
format_duration(uint64_t ms, char buf[FORMAT_NUMBER_SIZE])
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, FORMAT_NUMBER_SIZE, "%" PRIu64 "ms", ms);
	else if (s < 60)
		snprintf(buf, FORMAT_NUMBER_SIZE, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(buf, FORMAT_NUMBER_SIZE, "%um%02us", (unsigned int)(s / 60),
			 (unsigned int)(s % 60));
	else if (s < 86400)
		snprintf(buf, FORMAT_NUMBER_SIZE, "%uh%02um", (unsigned int)(s / 3600),
			 (unsigned int)(s / 60 % 60));
	else
		snprintf(buf, FORMAT_NUMBER_SIZE, "%" PRIu64 "d%02uh", s / 86400,
			 (unsigned int)(s / 3600 % 24));
	return buf;
}

const char *
proto_name(uint8_t proto, char buf[FORMAT_NUMBER_SIZE])
{
	size_t i;

	for (i = 0; i < sizeof(proto_names) / sizeof(proto_names[0]); i++)
		if (proto_names[i].proto == proto)
			return proto_names[i].name;
	snprintf(buf, FORMAT_NUMBER_SIZE, "%u", proto);
	return buf;
}

int
proto_parse(const char *word, uint8_t *ret_proto)
{
	uint32_t number;
	size_t i;

	for (i = 0; i < sizeof(proto_names) / sizeof(proto_names[0]); i++) {
		if (strcmp(proto_names[i].name, word) == 0) {
			*ret_proto = proto_names[i].proto;
			return 0;
		}
	}
	if (parse_u32(word, "protocol", 0, 255, &number, NULL) < 0)
		return -EINVAL;
	*ret_proto = (uint8_t)number;
	return 0;
}

char *
format_host_port(const struct dpvs_addr *addr, uint16_t port, uint8_t proto,
		 char buf[FORMAT_NAME_SIZE])
{
	struct sockaddr_storage ss = { 0 };
	char host[1025], number[FORMAT_NUMBER_SIZE];
	bool named = false;
	struct servent *entry;

	if (addr->family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;

		sin6->sin6_family = AF_INET6;
		memcpy(&sin6->sin6_addr, addr->bytes, 16);
		named = getnameinfo((struct sockaddr *)sin6, sizeof(*sin6), host, sizeof(host), NULL, 0,
				    NI_NAMEREQD) == 0;
	} else if (addr->family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

		sin->sin_family = AF_INET;
		memcpy(&sin->sin_addr, addr->bytes, 4);
		named = getnameinfo((struct sockaddr *)sin, sizeof(*sin), host, sizeof(host), NULL, 0,
				    NI_NAMEREQD) == 0;
	}
	if (!named)
		format_addr(addr, host);
	entry = port ? getservbyport(htons(port), proto_name(proto, number)) : NULL;
	if (entry)
		snprintf(buf, FORMAT_NAME_SIZE, "%.1000s:%.60s", host, entry->s_name);
	else
		snprintf(buf, FORMAT_NAME_SIZE,
			 !named && addr->family == AF_INET6 ? "[%.1000s]:%u" : "%.1000s:%u", host, port);
	if (entry && !named && addr->family == AF_INET6)
		snprintf(buf, FORMAT_NAME_SIZE, "[%.1000s]:%.60s", host, entry->s_name);
	return buf;
}
