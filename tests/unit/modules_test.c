/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of modules: the one that is built is sound, and every way to spoil it is found.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "core/log.h"
#include "core/stats.h"
#include "module.h"
#include "modules.h"

static int
get(struct dpvs_req *req, const void *record)
{
	return 0;
}

static int
set(struct change *c, const void *record)
{
	return 0;
}

static struct stats_block block;
static const char *const after_a[] = { "a", NULL };
static const char *const after_none[] = { "nobody", NULL };
static const struct module_sockopt get_7[] = { { .name = "seven", .id = 7, .get = get }, {} };
static const struct module_sockopt get_7_too[] = { { .name = "sept", .id = 7, .get = get }, {} };
static const struct module_sockopt set_7[] = { { .name = "set-seven", .id = 7, .set = set }, {} };
static const struct module_sockopt same_name[] = { { .name = "seven", .id = 8, .get = get }, {} };
static const struct module_sockopt both[] = { { .name = "both", .id = 9, .get = get, .set = set }, {} };
static const struct module_sockopt neither[] = { { .name = "neither", .id = 9 }, {} };
static const struct dpvs_msg_type msg_100[] = { { .type = 100, .name = "hundred" }, {} };
static const struct dpvs_msg_type msg_100_too[] = { { .type = 100, .name = "cent" }, {} };
static const struct module_stat one_stat[] = { { "one", DPVS_STAT_EVENT, "One." }, {} };
static const struct module_stat twice_stat[] = { { "one", DPVS_STAT_EVENT, "One." },
						 { "one", DPVS_STAT_DROP, "Again." },
						 {} };

static const struct module a = { .name = "a", .sockopts = get_7, .msgs = msg_100 };

static const struct {
	const char *what;
	int wanted;
	struct module b; /* behind a */
} cases[] = {
	{ "another module", 0, { .name = "b" } },
	{ "builds on an earlier one", 0, { .name = "b", .after = after_a } },
	{ "SET and GET are two number spaces", 0, { .name = "b", .sockopts = set_7 } },
	{ "counters", 0, { .name = "b", .stats = one_stat, .stats_block = &block } },
	{ "the same name", -EINVAL, { .name = "a" } },
	{ "builds on nobody", -EINVAL, { .name = "b", .after = after_none } },
	{ "the same GET", -EINVAL, { .name = "b", .sockopts = get_7_too } },
	{ "the same name of a request", -EINVAL, { .name = "b", .sockopts = same_name } },
	{ "a request with two handlers", -EINVAL, { .name = "b", .sockopts = both } },
	{ "a request without handler", -EINVAL, { .name = "b", .sockopts = neither } },
	{ "the same message", -EINVAL, { .name = "b", .msgs = msg_100_too } },
	{ "counters of one name", -EINVAL, { .name = "b", .stats = twice_stat, .stats_block = &block } },
	{ "counters without a place", -EINVAL, { .name = "b", .stats = one_stat } },
};

static void
test_check(void)
{
	const struct module *list[3] = { &a, NULL, NULL };
	unsigned int i;

	for (i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].what);
		list[1] = &cases[i].b;
		g_assert_cmpint(modules_check(list), ==, cases[i].wanted);
	}
	/* The order counts: what a module builds on comes first. */
	list[0] = &cases[1].b;
	list[1] = &a;
	g_assert_cmpint(modules_check(list), ==, -EINVAL);
}

/* Names fit the records that show them, and every table entry says what it is. */
static void
test_list(void)
{
	const struct module *const *m;
	const struct module_stat *s;
	const struct conf_key *k;

	g_assert_cmpint(modules_check(modules_all()), ==, 0);
	for (m = modules_all(); *m != NULL; m++) {
		g_assert_cmpuint(strlen((*m)->name), <, sizeof(((struct dpvs_stat_info *)0)->module));
		for (s = (*m)->stats; s != NULL && s->name != NULL; s++) {
			g_test_message("%s.%s", (*m)->name, s->name);
			g_assert_cmpuint(strlen(s->name), <, sizeof(((struct dpvs_stat_info *)0)->name));
			g_assert_cmpuint(strlen(s->help), <, sizeof(((struct dpvs_stat_info *)0)->help));
			g_assert_true(g_str_has_suffix(s->help, "."));
		}
		for (k = (*m)->conf; k != NULL && k->name != NULL; k++) {
			g_test_message("%s.%s", (*m)->name, k->name);
			g_assert_nonnull(k->help);
			g_assert_true(g_str_has_suffix(k->help, "."));
			if (k->type == CONF_UINT) {
				g_assert_cmpuint(k->min, <=, k->def);
				g_assert_cmpuint(k->def, <=, k->max);
			}
			if (k->type == CONF_CHOICE)
				g_assert_true(g_strv_contains(k->choices, k->def_str));
		}
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init();
	g_test_add_func("/modules/check", test_check);
	g_test_add_func("/modules/list", test_list);
	return g_test_run();
}
