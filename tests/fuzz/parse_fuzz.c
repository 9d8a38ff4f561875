/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the tools: each parser takes any word, and what it made of it reads the same when it is
 * written and read again.
 */
#include <arpa/inet.h>
#include <stdbool.h>

#include "common/format.h"
#include "common/parse.h"
#include "fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return 0;
}

static void
try_addresses(const char *word, int family)
{
	char text[FORMAT_ADDR_PORT_SIZE + FORMAT_ADDR_SIZE];
	struct dpvs_addr addr, again;
	uint8_t plen, plen_again;
	uint16_t port, port_again;
	struct parse_err err;
	bool has_port;

	if (parse_addr(word, family, &addr, &err) == 0) {
		FUZZ_CHECK(family == 0 || addr.family == family);
		FUZZ_CHECK(parse_addr(format_addr(&addr, text), family, &again, &err) == 0);
		FUZZ_CHECK(memcmp(&addr, &again, sizeof(addr)) == 0 && addr_cmp(&addr, &again) == 0);
	}
	if (parse_prefix(word, family, &addr, &plen, &err) == 0) {
		FUZZ_CHECK(plen <= (addr.family == AF_INET ? 32 : 128));
		if (addr.family != 0) {
			FUZZ_CHECK(parse_prefix(format_prefix(&addr, plen, text), family, &again, &plen_again,
						&err) == 0);
			FUZZ_CHECK(memcmp(&addr, &again, sizeof(addr)) == 0 && plen == plen_again);
		}
	}
	if (parse_addr_port(word, "tcp", &addr, &port, &has_port, &err) == 0) {
		FUZZ_CHECK(has_port || port == 0);
		FUZZ_CHECK(parse_addr_port(format_addr_port(&addr, port, text), NULL, &again, &port_again,
					   &has_port, &err) == 0);
		FUZZ_CHECK(has_port && memcmp(&addr, &again, sizeof(addr)) == 0 && port == port_again);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word = fuzz_text(data, size);
	char text[FORMAT_NAME_SIZE], name[DPVS_IFNAME_SIZE];
	uint8_t mac[6], mac_again[6], proto, proto_again;
	struct parse_err err;
	uint32_t u32;
	uint64_t u64;
	bool on;

	try_addresses(word, 0);
	try_addresses(word, AF_INET);
	try_addresses(word, AF_INET6);
	if (parse_u64(word, "number", 0, UINT64_MAX, &u64, &err) == 0) {
		for (int units = 0; units < 3; units++)
			format_number(u64, (enum format_units)units, text);
		format_duration(u64, text);
	}
	if (parse_u32(word, "number", 10, 1000, &u32, &err) == 0)
		FUZZ_CHECK(u32 >= 10 && u32 <= 1000);
	if (parse_seconds(word, "time", &u32, &err) == 0)
		format_duration(UINT64_C(1000) * u32, text);
	parse_on_off(word, &on, &err);
	if (parse_mac(word, mac, &err) == 0)
		FUZZ_CHECK(parse_mac(format_mac(mac, text), mac_again, &err) == 0 &&
			   memcmp(mac, mac_again, sizeof(mac)) == 0);
	if (proto_parse(word, &proto) == 0)
		FUZZ_CHECK(proto_parse(proto_name(proto, text), &proto_again) == 0 && proto == proto_again);
	if (parse_ifname(word, name, &err) == 0)
		FUZZ_CHECK(strcmp(name, word) == 0);
	free(word);
	return 0;
}
