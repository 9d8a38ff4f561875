/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of services and servers, from words and to text, with names where asked for; names of
 * scheduler flags and forwarding methods.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/format.h"
#include "common/parse.h"
#include "ipvsadm/ipvsadm.h"

/* Looked-up names are kept: a listing shows an address many times, and a look-up may take seconds. */
#define NAME_CACHE_SIZE 1024u

struct cached_name {
	struct dpvs_addr addr;
	char *name; /* NULL: has none */
};

static struct cached_name name_cache[NAME_CACHE_SIZE];

/* A resolver that does not answer must not hold up a listing of thousands of addresses: after so long, in
 * all, addresses are shown as numbers. */
#define LOOKUP_MAX_MS 5000

static uint64_t lookup_ms; /* spent so far */
static bool lookup_over;  /* no more look-ups in this run */

static int
name_lookup(const char *name, struct dpvs_addr *ret_addr)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	struct dpvs_addr addr = { 0 };

	/* "192.0.2.300" is a mistyped address, no resolver needs to see it. */
	if (strspn(name, "0123456789.:") == strlen(name))
		return -1;
	for (int pass = 0; pass < 2; pass++) {
		hints.ai_family = pass == 0 ? AF_INET : AF_INET6;
		if (getaddrinfo(name, NULL, &hints, &list) != 0)
			continue;
		addr.family = (uint8_t)hints.ai_family;
		if (pass == 0)
			memcpy(addr.bytes, &((struct sockaddr_in *)list->ai_addr)->sin_addr, 4);
		else
			memcpy(addr.bytes, &((struct sockaddr_in6 *)list->ai_addr)->sin6_addr, 16);
		freeaddrinfo(list);
		*ret_addr = addr;
		return 0;
	}
	return -1;
}

int
service_addr_parse(const char *word, uint8_t proto, struct dpvs_addr *ret_addr, uint16_t *ret_port,
		   bool *ret_has_port)
{
	char number[FORMAT_NUMBER_SIZE];
	const char *proto_word = proto_name(proto, number);
	struct dpvs_addr addr;
	const char *colon = NULL;
	uint16_t port = 0;
	char host[256];
	size_t len;

	/* An IPv6 address in brackets has a port, as in the original. */
	if (word[0] == '[' || !(colon = strchr(word, ':')) || strchr(colon + 1, ':')) {
		if (parse_addr_port(word, proto_word, &addr, &port, ret_has_port, NULL) == 0) {
			if (word[0] == '[' && !*ret_has_port)
				return -1;
			goto found;
		}
		if (word[0] == '[' || colon)
			return -1;
	}
	len = colon ? (size_t)(colon - word) : strlen(word);
	if (len == 0 || len >= sizeof(host))
		return -1;
	memcpy(host, word, len);
	host[len] = '\0';
	*ret_has_port = colon != NULL;
	if (colon && parse_port_name(colon + 1, proto_word, &port, NULL) < 0)
		return -1;
	if (parse_addr(host, AF_INET, &addr, NULL) < 0 && name_lookup(host, &addr) < 0)
		return -1;
found:
	*ret_addr = addr;
	*ret_port = port;
	return 0;
}

static const char *
host_name(const struct dpvs_addr *addr)
{
	struct sockaddr_storage ss = { .ss_family = addr->family };
	struct cached_name *entry;
	uint32_t hash = addr->family;
	char host[NI_MAXHOST];
	socklen_t len;
	uint64_t start;
	int rc;

	for (unsigned int i = 0; i < sizeof(addr->bytes); i++)
		hash = hash * 31 + addr->bytes[i];
	entry = &name_cache[hash % NAME_CACHE_SIZE];
	if (addr_cmp(&entry->addr, addr) == 0)
		return entry->name;
	if (addr->family == AF_INET6) {
		memcpy(&((struct sockaddr_in6 *)&ss)->sin6_addr, addr->bytes, 16);
		len = sizeof(struct sockaddr_in6);
	} else {
		memcpy(&((struct sockaddr_in *)&ss)->sin_addr, addr->bytes, 4);
		len = sizeof(struct sockaddr_in);
	}
	free(entry->name);
	entry->addr = *addr;
	entry->name = NULL;
	if (lookup_over)
		return NULL;
	start = daemon_now_ms();
	rc = getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host), NULL, 0, NI_NAMEREQD);
	lookup_ms += daemon_now_ms() - start;
	/* EAI_AGAIN: the resolver is not there; it is not asked again. */
	lookup_over = rc == EAI_AGAIN || lookup_ms > LOOKUP_MAX_MS;
	if (rc == 0)
		entry->name = strdup(host);
	return entry->name;
}

/* Likewise for ports: each look-up would read the file again. */
#define PORT_CACHE_SIZE 256u

struct cached_port {
	bool used;
	uint8_t proto;
	uint16_t port;
	char name[64]; /* "": has none */
};

static struct cached_port port_cache[PORT_CACHE_SIZE];

static const char *
port_name(uint16_t port, uint8_t proto)
{
	struct cached_port *cached = &port_cache[(port ^ proto) % PORT_CACHE_SIZE];
	char number[FORMAT_NUMBER_SIZE];
	struct servent *entry;

	if (!cached->used || cached->port != port || cached->proto != proto) {
		entry = port ? getservbyport(htons(port), proto_name(proto, number)) : NULL;
		*cached = (struct cached_port){ .used = true, .proto = proto, .port = port };
		snprintf(cached->name, sizeof(cached->name), "%s", entry ? entry->s_name : "");
	}
	return cached->name[0] ? cached->name : NULL;
}

char *
addr_port_text(const struct dpvs_addr *addr, uint16_t port, uint8_t proto, enum naming naming,
	       char buf[NAME_SIZE])
{
	const char *host = NULL, *service = NULL;
	char numeric[FORMAT_ADDR_SIZE], digits[8];
	struct dpvs_addr again;
	uint16_t port_again;
	bool brackets, has_port;
	char number[FORMAT_NUMBER_SIZE];

	format_addr(addr, numeric);
	snprintf(digits, sizeof(digits), "%u", port);
	if (naming != NAMING_NUMERIC) {
		host = host_name(addr);
		service = port_name(port, proto);
	}
	if (naming == NAMING_SAFE && service &&
	    (parse_port_name(service, proto_name(proto, number), &port_again, NULL) < 0 ||
	     port_again != port))
		service = NULL;
	if (naming == NAMING_SAFE && host) {
		snprintf(buf, NAME_SIZE, "%.1000s:%u", host, port);
		if (service_addr_parse(buf, proto, &again, &port_again, &has_port) < 0 ||
		    addr_cmp(&again, addr) != 0)
			host = NULL;
	}
	brackets = !host && addr->family == AF_INET6;
	snprintf(buf, NAME_SIZE, "%s%.1024s%s:%s", brackets ? "[" : "", host ? host : numeric,
		 brackets ? "]" : "", service ? service : digits);
	return buf;
}

static const char *const flag_words[] = { "flag-1", "flag-2", "flag-3" };

/* What bits are called for some schedulers, in the order of the bits. */
static const struct {
	const char *sched;
	const char *words[3];
} sched_words[] = {
	{ "mh", { "mh-fallback", "mh-port", "flag-3" } },
	{ "sh", { "sh-fallback", "sh-port", "flag-3" } },
};

const char *
sched_flag_text(unsigned int bit, const char *sched)
{
	if (bit >= 3)
		return NULL;
	for (size_t i = 0; i < sizeof(sched_words) / sizeof(sched_words[0]); i++)
		if (strcmp(sched_words[i].sched, sched) == 0)
			return sched_words[i].words[bit];
	return flag_words[bit];
}

char *
sched_flags_text(uint32_t flags, const char *sched, char buf[64])
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned int bit = 0; bit < 3; bit++)
		if (flags & 1u << bit)
			used += (size_t)snprintf(buf + used, 64 - used, "%s%s", used ? "," : "",
						 sched_flag_text(bit, sched));
	return buf;
}

/* The bit that @word names, or -1: unknown, or -2: not one of @sched's. */
static int
sched_flag_bit(const char *word, const char *sched)
{
	for (int bit = 0; bit < 3; bit++) {
		if (strcmp(word, flag_words[bit]) == 0)
			return bit;
		for (size_t i = 0; i < sizeof(sched_words) / sizeof(sched_words[0]); i++)
			if (strcmp(word, sched_words[i].words[bit]) == 0)
				return !sched || strcmp(sched, sched_words[i].sched) == 0 ? bit : -2;
	}
	return -1;
}

int
sched_flags_parse(const char *word, const char *sched, uint32_t *ret_flags, struct problem *problem)
{
	uint32_t flags = 0;
	char flag[64];

	while (*word) {
		size_t len = strcspn(word, ",");
		int bit;

		snprintf(flag, sizeof(flag), "%.*s", (int)(len < 60 ? len : 60), word);
		bit = sched_flag_bit(flag, sched);
		if (bit < 0)
			return problem_set(problem, IPVSADM_USAGE, "%s scheduler flag `%s'",
					   bit == -2 ? "incompatible" : "invalid", flag);
		flags |= 1u << bit;
		word += len;
		word += *word == ',';
	}
	*ret_flags = flags;
	return 0;
}

const char *
proto_option(uint8_t proto)
{
	return proto == IPPROTO_UDP ? "-u" : proto == IPPROTO_SCTP ? "--sctp-service" : "-t";
}

static const struct {
	uint8_t fwd;
	const char *name;
	const char *option;
	const char *key;
} forwards[] = {
	{ DPVS_FWD_NAT, "Masq", "-m", "nat" },
	{ DPVS_FWD_TUNNEL, "Tunnel", "-i", "tunnel" },
	{ DPVS_FWD_DR, "Route", "-g", "dr" },
	{ DPVS_FWD_FULLNAT, "FullNat", "-b", "fullnat" },
	{ DPVS_FWD_SNAT, "SNAT", "-J", "snat" },
};

static size_t
forward_index(uint8_t fwd)
{
	size_t i;

	/* A newer daemon may know more: the first stands for all others, as LVS shows "Route". */
	for (i = 0; i < sizeof(forwards) / sizeof(forwards[0]); i++)
		if (forwards[i].fwd == fwd)
			return i;
	return 2;
}

const char *
fwd_name(uint8_t fwd)
{
	return forwards[forward_index(fwd)].name;
}

const char *
fwd_option(uint8_t fwd)
{
	return forwards[forward_index(fwd)].option;
}

const char *
fwd_key(uint8_t fwd)
{
	return forwards[forward_index(fwd)].key;
}
