/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * utils/common: words into values, values into text.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "common/format.h"
#include "common/parse.h"

/* Words that are no number, or out of range; each must be in the message. */
static void
test_number_bad(void)
{
	static const char *const words[] = {
		"", "-1", "+1", " 1", "1 ", "80x", "x80", "0x", "0xg", "1.5", "70000", "65536",
		"18446744073709551616", "99999999999999999999999", "1e3",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		struct parse_err err = { "" };
		uint16_t port = 7;
		g_autofree char *quoted = g_strdup_printf("\"%s\"", words[i]);

		g_assert_cmpint(parse_port(words[i], &port, &err), <, 0);
		g_assert_cmpuint(port, ==, 7);
		g_assert_nonnull(strstr(err.text, quoted));
		g_assert_nonnull(strstr(err.text, "(0 to 65535)"));
		g_assert_cmpint(parse_port(words[i], &port, NULL), <, 0);
	}
}

static void
test_number_good(void)
{
	uint16_t port;
	uint64_t value;
	uint32_t small;

	g_assert_cmpint(parse_port("0", &port, NULL), ==, 0);
	g_assert_cmpuint(port, ==, 0);
	g_assert_cmpint(parse_port("65535", &port, NULL), ==, 0);
	g_assert_cmpuint(port, ==, 65535);
	g_assert_cmpint(parse_port("00080", &port, NULL), ==, 0);
	g_assert_cmpuint(port, ==, 80);
	g_assert_cmpint(parse_u64("18446744073709551615", "number", 0, UINT64_MAX, &value, NULL), ==, 0);
	g_assert_cmpuint(value, ==, UINT64_MAX);
	g_assert_cmpint(parse_u64("0xFf", "number", 0, 255, &value, NULL), ==, 0);
	g_assert_cmpuint(value, ==, 255);
	g_assert_cmpint(parse_u32("0", "weight", 1, 5, &small, NULL), ==, -ERANGE);
	g_assert_cmpint(parse_u32("6", "weight", 1, 5, &small, NULL), ==, -ERANGE);
	g_assert_cmpint(parse_u32("5", "weight", 1, 5, &small, NULL), ==, 0);
	g_assert_cmpint(parse_u32("five", "weight", 1, 5, &small, NULL), ==, -EINVAL);
}

static void
test_addr(void)
{
	static const char *const bad[] = {
		"", "192.0.2", "192.0.2.1.1", "192.0.2.256", "192.0.2.01x", "192.0.2.1/24", "::g", "2001:db8::1::2",
		" 192.0.2.1", "192.0.2.1 ", "localhost", "[::1]",
	};
	struct dpvs_addr addr, zero = { 0 };
	char buf[FORMAT_ADDR_SIZE];

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct parse_err err = { "" };

		g_assert_cmpint(parse_addr(bad[i], 0, &addr, &err), ==, -EINVAL);
		g_assert_nonnull(strstr(err.text, "is not an IP address"));
	}
	g_assert_cmpint(parse_addr("192.0.2.1", 0, &addr, NULL), ==, 0);
	g_assert_cmpuint(addr.family, ==, AF_INET);
	g_assert_cmpstr(format_addr(&addr, buf), ==, "192.0.2.1");
	/* What an IPv4 address does not need is zero: records are compared as bytes. */
	g_assert_cmpmem(addr.bytes + 4, 12, zero.bytes, 12);
	g_assert_cmpint(parse_addr("2001:DB8:0::1", 0, &addr, NULL), ==, 0);
	g_assert_cmpstr(format_addr(&addr, buf), ==, "2001:db8::1");
	g_assert_cmpint(parse_addr("2001:db8::1", AF_INET, &addr, NULL), <, 0);
	g_assert_cmpint(parse_addr("192.0.2.1", AF_INET6, &addr, NULL), <, 0);
	g_assert_true(addr_is_zero(&zero));
	g_assert_false(addr_is_zero(&addr));
}

static void
test_prefix(void)
{
	static const char *const bad[] = {
		"192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/24x", "/24", "192.0.2.0/24/8",
		"300.0.2.0/24", "11111111111111111111111111111111111111111111111111111111111111111111111/8",
	};
	struct dpvs_addr addr;
	char buf[FORMAT_ADDR_SIZE];
	uint8_t plen;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(parse_prefix(bad[i], 0, &addr, &plen, NULL), <, 0);
	g_assert_cmpint(parse_prefix("192.0.2.0/24", 0, &addr, &plen, NULL), ==, 0);
	g_assert_cmpstr(format_prefix(&addr, plen, buf), ==, "192.0.2.0/24");
	g_assert_cmpint(parse_prefix("2001:db8::1", 0, &addr, &plen, NULL), ==, 0);
	g_assert_cmpuint(plen, ==, 128);
	g_assert_cmpint(parse_prefix("default", AF_INET6, &addr, &plen, NULL), ==, 0);
	g_assert_cmpuint(addr.family, ==, AF_INET6);
	g_assert_cmpuint(plen, ==, 0);
	g_assert_cmpint(parse_prefix("192.0.2.0/24", AF_INET6, &addr, &plen, NULL), <, 0);
}

static void
test_addr_port(void)
{
	static const struct {
		const char *word;
		const char *addr; /* NULL: refused */
		uint16_t port;
		bool has_port;
	} cases[] = {
		{ "192.0.2.1:80", "192.0.2.1", 80, true },
		{ "192.0.2.1", "192.0.2.1", 0, false },
		{ "192.0.2.1:0", "192.0.2.1", 0, true },
		{ "[2001:db8::1]:443", "2001:db8::1", 443, true },
		{ "[2001:db8::1]", "2001:db8::1", 0, false },
		{ "2001:db8::1", "2001:db8::1", 0, false },
		{ "192.0.2.1:", NULL, 0, false },
		{ "192.0.2.1:80x", NULL, 0, false },
		{ "192.0.2.1:-1", NULL, 0, false },
		{ "192.0.2.1:70000", NULL, 0, false },
		{ "[192.0.2.1]:80", NULL, 0, false },
		{ "[2001:db8::1]80", NULL, 0, false },
		{ "[2001:db8::1", NULL, 0, false },
		{ "[2001:db8::1]:", NULL, 0, false },
		{ ":80", NULL, 0, false },
		{ "", NULL, 0, false },
		{ "[]:80", NULL, 0, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct dpvs_addr addr;
		char buf[FORMAT_ADDR_SIZE];
		uint16_t port;
		bool has_port;
		int rc = parse_addr_port(cases[i].word, NULL, &addr, &port, &has_port, NULL);

		g_test_message("%s", cases[i].word);
		if (!cases[i].addr) {
			g_assert_cmpint(rc, <, 0);
			continue;
		}
		g_assert_cmpint(rc, ==, 0);
		g_assert_cmpstr(format_addr(&addr, buf), ==, cases[i].addr);
		g_assert_cmpuint(port, ==, cases[i].port);
		g_assert_cmpint(has_port, ==, cases[i].has_port);
	}
}

static void
test_mac(void)
{
	static const char *const bad[] = {
		"", "02:00:00:00:00", "02:00:00:00:00:01:02", "02:00:00:00:00:0g", "020:0:0:0:0:1", "02 00 00 00 00 01",
		"02:00:00:00:00:", "02:00:00:00:00:01 ",
	};
	uint8_t mac[6];
	char buf[FORMAT_MAC_SIZE];

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(parse_mac(bad[i], mac, NULL), ==, -EINVAL);
	g_assert_cmpint(parse_mac("02:AB:0:00:00:1", mac, NULL), ==, 0);
	g_assert_cmpstr(format_mac(mac, buf), ==, "02:ab:00:00:00:01");
	g_assert_cmpint(parse_mac("02-ab-00-00-00-01", mac, NULL), ==, 0);
}

static void
test_words(void)
{
	char name[DPVS_IFNAME_SIZE];
	uint32_t seconds;
	bool on;

	g_assert_cmpint(parse_on_off("on", &on, NULL), ==, 0);
	g_assert_true(on);
	g_assert_cmpint(parse_on_off("Disable", &on, NULL), ==, 0);
	g_assert_false(on);
	g_assert_cmpint(parse_on_off("maybe", &on, NULL), <, 0);
	g_assert_cmpint(parse_seconds("forever", "time", &seconds, NULL), ==, 0);
	g_assert_cmpuint(seconds, ==, UINT32_MAX);
	g_assert_cmpint(parse_seconds("4294967295", "time", &seconds, NULL), <, 0);
	g_assert_cmpint(parse_ifname("dpdk0.100", name, NULL), ==, 0);
	g_assert_cmpint(parse_ifname("", name, NULL), <, 0);
	g_assert_cmpint(parse_ifname("a b", name, NULL), <, 0);
	g_assert_cmpint(parse_ifname("a/b", name, NULL), <, 0);
	g_assert_cmpint(parse_ifname("1234567890123456789012345678901", name, NULL), ==, 0);
	g_assert_cmpint(parse_ifname("12345678901234567890123456789012", name, NULL), <, 0);
}

static void
test_format_number(void)
{
	char buf[FORMAT_NUMBER_SIZE];

	g_assert_cmpstr(format_number(999, FORMAT_SI, buf), ==, "999");
	g_assert_cmpstr(format_number(1500, FORMAT_SI, buf), ==, "1.50k");
	g_assert_cmpstr(format_number(1500000, FORMAT_SI, buf), ==, "1.50M");
	g_assert_cmpstr(format_number(1048576, FORMAT_IEC, buf), ==, "1.00Mi");
	g_assert_cmpstr(format_number(UINT64_MAX, FORMAT_SI, buf), ==, "18.4E");
	g_assert_cmpstr(format_number(UINT64_MAX, FORMAT_PLAIN, buf), ==, "18446744073709551615");
	g_assert_cmpstr(format_duration(850, buf), ==, "850ms");
	g_assert_cmpstr(format_duration(185000, buf), ==, "3m05s");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/parse/number/bad", test_number_bad);
	g_test_add_func("/parse/number/good", test_number_good);
	g_test_add_func("/parse/addr", test_addr);
	g_test_add_func("/parse/prefix", test_prefix);
	g_test_add_func("/parse/addr-port", test_addr_port);
	g_test_add_func("/parse/mac", test_mac);
	g_test_add_func("/parse/words", test_words);
	g_test_add_func("/format/number", test_format_number);
	return g_test_run();
}
