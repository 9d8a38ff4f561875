/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EAL for test programs; see eal.h.
 */
#include "eal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_log.h>

static char **volatile kept_argv;
static char *own_dir; /* made by us because nobody gave a runtime folder */

unsigned int
test_eal_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

/* The CPUs this process may use, "0,1,4", as --lcores takes them. */
static char *
cpu_list(void)
{
	GString *list = g_string_new(NULL);
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set))
			g_string_append_printf(list, "%s%d", list->len > 0 ? "," : "", cpu);
	}
	return g_string_free(list, FALSE);
}

static _Noreturn void
skip(const char *reason)
{
	const char *require = getenv("DPVS_TEST_REQUIRE");

	if (require != NULL && strstr(require, "eal") != NULL) {
		printf("Bail out! EAL is required and did not start: %s\n", reason);
		fflush(stdout);
		exit(1);
	}
	printf("1..0 # SKIP EAL did not start: %s\n", reason);
	fflush(stdout);
	exit(0);
}

static void
remove_own_dir(void)
{
	char *cmd[] = { (char *)"rm", (char *)"-rf", own_dir, NULL };

	if (own_dir != NULL)
		g_spawn_sync(NULL, cmd, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
			     NULL);
}

int
test_eal_init_args(unsigned int nlcores, unsigned int mem_mb, const char *const *extra)
{
	GPtrArray *argv = g_ptr_array_new();
	char *cpus = cpu_list();
	char **given;
	int rc;

	if (getenv("RUNTIME_DIRECTORY") == NULL) {
		own_dir = g_dir_make_tmp("dpvs-eal.XXXXXX", NULL);
		if (own_dir == NULL)
			skip("no temporary folder");
		g_setenv("RUNTIME_DIRECTORY", own_dir, TRUE);
		g_setenv("XDG_RUNTIME_DIR", own_dir, TRUE);
		atexit(remove_own_dir);
	}

	g_ptr_array_add(argv, g_strdup("test"));
	g_ptr_array_add(argv, g_strdup("--no-huge"));
	g_ptr_array_add(argv, g_strdup("--no-pci"));
	g_ptr_array_add(argv, g_strdup("--no-shconf"));
	g_ptr_array_add(argv, g_strdup("--no-telemetry"));
	g_ptr_array_add(argv, g_strdup("--iova-mode=va"));
	g_ptr_array_add(argv, g_strdup("--log-level=*:error"));
	g_ptr_array_add(argv, g_strdup("-m"));
	g_ptr_array_add(argv, g_strdup_printf("%u", mem_mb));
	g_ptr_array_add(argv, g_strdup_printf("--file-prefix=test%d", (int)getpid()));
	g_ptr_array_add(argv, g_strdup("--lcores"));
	if (nlcores > 1)
		g_ptr_array_add(argv, g_strdup_printf("(0-%u)@(%s)", nlcores - 1, cpus));
	else
		g_ptr_array_add(argv, g_strdup_printf("0@(%s)", cpus));
	for (; extra != NULL && *extra != NULL; extra++)
		g_ptr_array_add(argv, g_strdup(*extra));
	g_ptr_array_add(argv, NULL);
	g_free(cpus);

	/* EAL's log also goes to syslog unless it has a stream of its own; stdout belongs to TAP. */
	rte_openlog_stream(stderr);
	/* EAL puts strings of its own into the array that it gets. */
	given = g_memdup2(argv->pdata, argv->len * sizeof(*argv->pdata));
	rc = rte_eal_init((int)argv->len - 1, given);
	g_free(given);
	if (rc < 0)
		skip(access("/sys/devices/system/cpu", F_OK) < 0 ? "no /sys/devices/system/cpu" :
								   rte_strerror(rte_errno));
	/* EAL keeps pointers into the strings: they live as long as the process. */
	kept_argv = (char **)g_ptr_array_free(argv, FALSE);
	return 0;
}

int
test_eal_init(unsigned int nlcores)
{
	return test_eal_init_args(nlcores, 64, NULL);
}

void
test_eal_fini(void)
{
	rte_eal_mp_wait_lcore();
	rte_eal_cleanup();
}
