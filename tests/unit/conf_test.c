/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: values, defaults, sections of instances, one error for each wrong thing, and any
 * garbage. tests/ctl/check.t has the texts of all errors.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "core/conf.h"
#include "module.h"

static const char *const colours[] = { "red", "green", "blue", NULL };

static const struct conf_key things_conf[] = {
	{ .name = "count", .type = CONF_UINT, .min = 1, .max = 100, .def = 7, .unit = "s", .help = "A number." },
	{ .name = "huge", .type = CONF_UINT, .max = UINT64_MAX, .help = "Any number." },
	{ .name = "flag", .type = CONF_BOOL, .def = 1, .help = "A switch." },
	{ .name = "colour", .type = CONF_CHOICE, .choices = colours, .def_str = "green", .help = "A word." },
	{ .name = "text", .type = CONF_STRING, .max = 10, .def_str = "none", .help = "A text." },
	{ .name = "free", .type = CONF_STRING, .max = 10, .help = "Another." },
	{},
};

static const struct conf_key box_conf[] = {
	{ .name = "label", .type = CONF_STRING, .min = 1, .max = 10, .help = "Must be there." },
	{ .name = "size", .type = CONF_UINT, .max = 9, .def = 3, .help = "A number." },
	{},
};

static void
things_check(struct conf *conf)
{
	if (conf_uint(conf, "things", "count") == 13)
		conf_error(conf, "things", "count", "%d brings bad luck; take another", 13);
}

static const struct module things = {
	.name = "things",
	.conf = things_conf,
	.instance = "box",
	.instance_conf = box_conf,
	.check = things_check,
};
static const struct module quiet = { .name = "quiet" };
static const struct module *const modules[] = { &quiet, &things, NULL };

static GPtrArray *errors;

static void
report(const char *line, void *arg)
{
	g_test_message("%s", line);
	g_ptr_array_add(errors, g_strdup(line));
}

/* The configuration of @text, which must be right. */
static struct conf *
good(const char *text)
{
	struct conf *conf = NULL;

	g_ptr_array_set_size(errors, 0);
	g_assert_cmpint(conf_parse(text, "t", modules, report, NULL, &conf), ==, 0);
	g_assert_cmpuint(errors->len, ==, 0);
	return conf;
}

/* @text has exactly one error, which begins like that. */
static void
bad(const char *text, const char *error)
{
	struct conf *conf = (struct conf *)&things;

	g_ptr_array_set_size(errors, 0);
	g_assert_cmpint(conf_parse(text, "t", modules, report, NULL, &conf), ==, -EINVAL);
	g_assert_true(conf == (struct conf *)&things);
	g_assert_cmpuint(errors->len, ==, 1);
	g_assert_true(g_str_has_prefix(errors->pdata[0], error));
	g_assert_nonnull(strchr(errors->pdata[0], ';')); /* the cure */
}

static void
test_defaults(void)
{
	struct conf *conf = good("");

	g_assert_cmpuint(conf_uint(conf, "things", "count"), ==, 7);
	g_assert_true(conf_bool(conf, "things", "flag"));
	g_assert_cmpuint(conf_choice(conf, "things", "colour"), ==, 1);
	g_assert_cmpstr(conf_string(conf, "things", "text"), ==, "none");
	g_assert_null(conf_string(conf, "things", "free"));
	g_assert_null(conf_instance(conf, "box", 0));
	g_assert_false(conf_is_set(conf, "things", "count"));
	conf_free(conf);
	conf_free(NULL);
}

static void
test_values(void)
{
	struct conf *conf = good("# first\n[things]\ncount = 100 \n huge=18446744073709551615\nflag=no\n"
				 "colour = blue\ntext = a\\sb # c\nfree=\n");

	g_assert_cmpuint(conf_uint(conf, "things", "count"), ==, 100);
	g_assert_cmpuint(conf_uint(conf, "things", "huge"), ==, UINT64_MAX);
	g_assert_false(conf_bool(conf, "things", "flag"));
	g_assert_cmpuint(conf_choice(conf, "things", "colour"), ==, 2);
	g_assert_cmpstr(conf_string(conf, "things", "text"), ==, "a b # c");
	g_assert_cmpstr(conf_string(conf, "things", "free"), ==, "");
	g_assert_true(conf_is_set(conf, "things", "count"));
	conf_free(conf);
}

static void
test_instances(void)
{
	struct conf *conf = good("[box b2]\nlabel = x\nsize = 0\n[things]\n[box a.1]\nlabel = y\n");

	g_assert_cmpstr(conf_instance(conf, "box", 0), ==, "box b2");
	g_assert_cmpstr(conf_instance(conf, "box", 1), ==, "box a.1");
	g_assert_null(conf_instance(conf, "box", 2));
	g_assert_null(conf_instance(conf, "bo", 0));
	g_assert_cmpstr(conf_instance_name("box a.1"), ==, "a.1");
	g_assert_cmpuint(conf_uint(conf, "box b2", "size"), ==, 0);
	g_assert_cmpuint(conf_uint(conf, "box a.1", "size"), ==, 3);
	g_assert_cmpstr(conf_string(conf, "box a.1", "label"), ==, "y");
	conf_free(conf);
}

static void
test_errors(void)
{
	bad("\n[things]\ncount = 0\n", "t:3: count = 0: out of range");
	bad("[things]\ncount = 101", "t:2: count = 101: out of range");
	bad("[things]\ncount = -1", "t:2: count = -1: not a number");
	bad("[things]\ncount = 0x10", "t:2: count = 0x10: not a number");
	bad("[things]\ncount =", "t:2: count = : not a number");
	bad("[things]\ncount = 1 2", "t:2: count = 1 2: not a number");
	bad("[things]\ncount = 18446744073709551617", "t:2: count = 18446744073709551617: out of range");
	bad("[things]\ncount = 1\\n\\t\x1b[2J", "t:2: count = 1   [2J: not a number");
	bad("[things]\nflag = on", "t:2: flag = on: neither yes nor no");
	bad("[things]\ncolour = pink", "t:2: colour = pink: unknown word; give one of: red, green, blue");
	bad("[things]\ntext = 12345678901", "t:2: text: a text of 11 bytes");
	bad("[things]\ntext = \\q", "t:2: text: a backslash");
	bad("[things]\ntext = \xff", "t:2: text: not UTF-8");
	bad("[things]\ncuont = 3", "t:2: section [things] has no key \"cuont\"; did you mean \"count\"?");
	bad("[things]\nzzz = 3", "t:2: section [things] has no key \"zzz\"; dpvsd --help-config");
	bad("[thinks]\ncount = 3", "t:1: unknown section [thinks]; did you mean [things]?");
	bad("[bax b]\nlabel = 3", "t:1: unknown section [bax b]; did you mean [box b]?");
	bad("[box]\nlabel = 3", "t:1: unknown section [box]; did you mean [box NAME]?");
	bad("[quiet]\n", "t:1: unknown section [quiet]");
	bad("[box a]\nsize = 1", "t:1: section [box a] lacks the key \"label\"");
	bad("[box a b]\nlabel = 3", "t:1: [box a b]: not a usable name");
	bad("[box ]\nlabel = 3", "t:1: [box ]: not a usable name");
	bad("[things]\ncount = 3\ncount = 3", "t:3: key \"count\" is given at line 2 already");
	bad("[things]\n[box a]\nlabel = 1\n[things]", "t:4: section [things] stands at line 1 already");
	bad("count = 3\n[things]", "t:1: key \"count\" stands in no section");
	bad("[things\ncount = 3", "t:1: [things: not a section");
	bad("[]\ncount = 3", "t:1: []: not a section");
	bad("[things]\n= 3", "t:2: = 3: neither a section nor a key");
	bad("[things]\ncount", "t:2: count: neither a section nor a key");
	bad("[things]\ncount[de] = 3", "t:2: count[de]: not a key");
	bad("[things]\ncount = 13", "t:2: count: 13 brings bad luck");
}

static void
test_file(void)
{
	struct conf *conf = NULL;

	g_ptr_array_set_size(errors, 0);
	g_assert_cmpint(conf_load("/nonexistent/file", modules, report, NULL, &conf), ==, -ENOENT);
	g_assert_cmpuint(errors->len, ==, 1);
	g_assert_cmpint(conf_load(NULL, modules, report, NULL, &conf), ==, 0);
	conf_free(conf);
}

/* Whatever the bytes are: an answer, no crash, no leak. */
static void
test_garbage(void)
{
	static const char *const words[] = { "[things]", "[box a]", "[", "]", "=", "count", "label", "\n", "\n",
					     "\\", "\xc3", "#", " ", "7", "\t", "\r", "text=\\", "[box " };
	struct conf *conf;
	unsigned int i, j;

	for (i = 0; i < 5000; i++) {
		g_autoptr(GString) text = g_string_new(NULL);

		for (j = 0; j < 30; j++)
			g_string_append(text, words[g_test_rand_int_range(0, G_N_ELEMENTS(words))]);
		g_ptr_array_set_size(errors, 0);
		if (conf_parse(text->str, "t", modules, report, NULL, &conf) == 0)
			conf_free(conf);
		else
			g_assert_cmpuint(errors->len, >, 0);
	}
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	errors = g_ptr_array_new_with_free_func(g_free);
	g_test_add_func("/conf/defaults", test_defaults);
	g_test_add_func("/conf/values", test_values);
	g_test_add_func("/conf/instances", test_instances);
	g_test_add_func("/conf/errors", test_errors);
	g_test_add_func("/conf/file", test_file);
	g_test_add_func("/conf/garbage", test_garbage);
	rc = g_test_run();
	g_ptr_array_unref(errors);
	return rc;
}
