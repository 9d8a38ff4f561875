/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of the daemon when a worker hangs: it ends all the same, says which worker, and says that it failed.
 */
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <rte_lcore.h>

#include <dpvsctrl/proto/netif.h>

#include "harness.h"

#define WORKERS 2

/* A worker that never comes back. */
static void
hang(int sig)
{
	for (;;)
		pause();
}

static void
hang_worker(void)
{
	struct dpvs_lcore_info info;
	struct dpvs_reply *reply;

	signal(SIGUSR2, hang);
	g_assert_cmpint(harness_get(DPVS_GET_LCORE_BASIC, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		if (info.role == DPVS_LCORE_WORKER)
			break;
	}
	dpvs_reply_free(reply);
	g_assert_cmpint(tgkill(getpid(), (pid_t)info.pid, SIGUSR2), ==, 0);
}

static void
test_hung(void)
{
	if (g_test_subprocess()) {
		harness_start(1, NULL);
		hang_worker();
		harness_stop();
		return;
	}
	g_test_trap_subprocess(NULL, 60 * G_USEC_PER_SEC, 0);
	g_test_trap_assert_failed();
	g_test_trap_assert_stderr("*worker 0*does not end*");
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/packet/stop/hung worker", test_hung);
	rc = g_test_run();
	harness_fini();
	return rc;
}
