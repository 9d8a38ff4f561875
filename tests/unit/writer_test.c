/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * utils/common/writer: the same calls as JSON, indented JSON and text.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/writer.h"

struct output {
	struct writer writer;
	char *text;
	size_t size;
};

static void
output_open(struct output *out, unsigned int flags)
{
	writer_init(&out->writer, open_memstream(&out->text, &out->size), flags);
}

static void
output_is(struct output *out, const char *wanted)
{
	g_assert_cmpint(writer_finish(&out->writer), ==, 0);
	fclose(out->writer.file);
	g_assert_cmpstr(out->text, ==, wanted);
	free(out->text);
}

static void
write_sample(struct writer *w)
{
	static const struct dpvs_addr addr = { .family = 2, .bytes = { 192, 0, 2, 1 } };
	static const struct dpvs_addr none;
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	writer_open_array(w, NULL);
	writer_open_object(w, NULL);
	writer_pair_str(w, "name", "name", "dpdk0");
	writer_pair_uint(w, "mtu", "mtu", 1500);
	writer_pair_addr(w, "addr", "inet", &addr);
	writer_break(w);
	writer_int(w, "minus", -1);
	writer_int(w, "least", INT64_MIN);
	writer_uint(w, "zero", 0);
	writer_uint(w, "big", UINT64_MAX);
	writer_bool(w, "up", true);
	writer_null(w, "nothing");
	writer_addr(w, "none", &none);
	writer_mac(w, "mac", mac);
	writer_double(w, "half", 0.5);
	writer_double(w, "nan", NAN);
	writer_open_array(w, "empty");
	writer_close_array(w);
	writer_open_object(w, "sub");
	writer_uint(w, "x", 1);
	writer_close_object(w);
	writer_text(w, "%s\n", "end");
	writer_close_object(w);
	writer_uint(w, NULL, 2);
	writer_close_array(w);
}

static void
test_json(void)
{
	struct output out;

	output_open(&out, WRITER_JSON);
	write_sample(&out.writer);
	output_is(&out,
		  "[{\"name\":\"dpdk0\",\"mtu\":1500,\"addr\":\"192.0.2.1\",\"minus\":-1,"
		  "\"least\":-9223372036854775808,\"zero\":0,"
		  "\"big\":18446744073709551615,\"up\":true,\"nothing\":null,\"none\":null,"
		  "\"mac\":\"02:00:00:00:00:01\",\"half\":0.500,\"nan\":null,\"empty\":[],\"sub\":{\"x\":1}},2]\n");
	output_open(&out, WRITER_JSON);
	writer_open_array(&out.writer, NULL);
	writer_close_array(&out.writer);
	output_is(&out, "[]\n");
}

static void
test_pretty(void)
{
	struct output out;

	output_open(&out, WRITER_JSON | WRITER_PRETTY);
	writer_open_array(&out.writer, NULL);
	writer_open_object(&out.writer, NULL);
	writer_uint(&out.writer, "a", 1);
	writer_open_array(&out.writer, "b");
	writer_close_array(&out.writer);
	writer_close_object(&out.writer);
	writer_close_array(&out.writer);
	output_is(&out, "[\n    {\n        \"a\": 1,\n        \"b\": []\n    }\n]\n");
}

static void
test_text(void)
{
	struct output out;

	output_open(&out, 0);
	write_sample(&out.writer);
	output_is(&out, "name dpdk0 mtu 1500 inet 192.0.2.1 \nend\n");
	output_open(&out, WRITER_ONELINE);
	write_sample(&out.writer);
	output_is(&out, "name dpdk0 mtu 1500 inet 192.0.2.1 \\end\n");
	output_open(&out, WRITER_COLOR);
	writer_color(&out.writer, WRITER_NAME, "%s", "dpdk0");
	output_is(&out, "\033[36mdpdk0\033[0m");
	output_open(&out, WRITER_JSON | WRITER_COLOR);
	writer_str(&out.writer, NULL, "x");
	writer_color(&out.writer, WRITER_NAME, "%s", "dpdk0");
	output_is(&out, "\"x\"\n");
}

/* Strings come from users and from the network: whatever they hold, JSON stays JSON. */
static void
test_strings(void)
{
	static const struct {
		const char *value;
		const char *wanted;
	} cases[] = {
		{ "a\"b\\c", "\"a\\\"b\\\\c\"\n" },
		{ "\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\"\n" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"\n" },
		{ "\xff", "\"\\ufffd\"\n" },
		{ "\xc3", "\"\\ufffd\"\n" },
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"\n" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n" },
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n" },
		{ "", "\"\"\n" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct output out;

		output_open(&out, WRITER_JSON);
		writer_str(&out.writer, NULL, cases[i].value);
		output_is(&out, cases[i].wanted);
	}
}

static void
test_full_disk(void)
{
	FILE *full = fopen("/dev/full", "w");
	struct writer w;

	if (!full) {
		g_test_skip("no /dev/full here");
		return;
	}
	writer_init(&w, full, WRITER_JSON);
	writer_str(&w, NULL, "x");
	g_assert_cmpint(writer_finish(&w), ==, -EIO);
	fclose(full);
}

static void
test_color_wanted(void)
{
	FILE *file = tmpfile();

	g_assert_nonnull(file);
	g_assert_true(color_wanted("always", file));
	g_assert_false(color_wanted("never", file));
	g_assert_false(color_wanted("auto", file));
	fclose(file);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/writer/json", test_json);
	g_test_add_func("/writer/pretty", test_pretty);
	g_test_add_func("/writer/text", test_text);
	g_test_add_func("/writer/strings", test_strings);
	g_test_add_func("/writer/full disk", test_full_disk);
	g_test_add_func("/writer/color", test_color_wanted);
	return g_test_run();
}
