/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EAL helper of the tests: three lcores start whatever the number of CPUs, run and end.
 */
#include "eal.h"

#include <glib.h>
#include <rte_launch.h>
#include <rte_lcore.h>

static int
run(void *arg)
{
	(void)arg;
	return (int)rte_lcore_id();
}

static void
test_launch(void)
{
	unsigned int lcore;

	g_assert_cmpuint(rte_lcore_count(), ==, 3);
	g_assert_cmpint(rte_eal_mp_remote_launch(run, NULL, SKIP_MAIN), ==, 0);
	RTE_LCORE_FOREACH_WORKER(lcore)
		g_assert_cmpint(rte_eal_wait_lcore(lcore), ==, (int)lcore);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	test_eal_init(3);
	g_test_add_func("/eal/launch", test_launch);
	rc = g_test_run();
	test_eal_fini();
	return rc;
}
