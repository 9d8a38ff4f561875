/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See daemon.h. The order of start-up, top to bottom, in one function; the labels at its end are the order
 * of the stop. The socket is taken first, so that a second daemon is refused before it touches anything;
 * requests are answered when the caller's main loop runs, which is when all is up.
 */
#include "daemon.h"

#include <dpvsctrl/msg.h>
#include <glib.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include "core/change_priv.h"
#include "core/conf.h"
#include "core/ctl.h"
#include "core/eal.h"
#include "core/graph_priv.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/sysinfo.h"
#include "modules.h"

/* How long the stop waits for workers to confirm what is committed. */
#define STOP_WAIT_US (2 * G_USEC_PER_SEC)

static struct conf *conf;
static bool eal_ours;

static void
daemon_report(const char *line, void *arg)
{
	fprintf(stderr, "%s\n", line);
}

static int
daemon_read_conf(const struct daemon_params *params)
{
	if (params->conf_text != NULL)
		return conf_parse(params->conf_text, "(text)", modules_all(), daemon_report, NULL, &conf);
	return conf_load(params->conf_path, modules_all(), daemon_report, NULL, &conf);
}

enum daemon_exit
daemon_check(const char *conf_path)
{
	struct conf *checked = NULL;
	int err = conf_load(conf_path, modules_all(), daemon_report, NULL, &checked);

	conf_free(checked);
	return err < 0 ? DAEMON_CONF : DAEMON_OK;
}

/*
 * The heap keeps what was freed, for the next change: to give it back, the kernel takes 80 us for each megabyte, all that is
 * at the end of the heap in one go, wherever the free() happens to be. Blocks of a megabyte and more have mappings of their own,
 * which grow without being copied, and go when they are freed. Small blocks are joined with their neighbours when they are
 * freed: glibc else collects them, and joins all, hundreds of thousands after a flush, in the next call that has to do with a
 * block of some size, whoever makes it: 10 ms and more.
 */
static void
keep_heap(void)
{
#ifdef M_TRIM_THRESHOLD
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_MXFAST, 0);
#endif
}

enum daemon_exit
daemon_start(const struct daemon_params *params)
{
	const struct dpvs_msg_params msg_params = { 0 };
	enum daemon_exit exit_code = DAEMON_FAILED;
	g_autofree char *eal_dir = NULL;
	const char *socket;

	keep_heap();
	log_init();
	eal_log_open();
	if (daemon_read_conf(params) < 0)
		return DAEMON_CONF;
	socket = ctl_path(conf, params->socket);
	if (ctl_open(conf, socket) < 0)
		goto err_conf;
	eal_dir = g_strconcat(socket, ".dpdk", NULL);
	eal_ours = !params->eal_running;
	if (eal_ours && eal_start(conf, eal_dir, params->eal_args) < 0) {
		exit_code = DAEMON_EAL;
		goto err_ctl;
	}
	if (lcore_setup(conf) < 0) {
		exit_code = DAEMON_EAL;
		goto err_eal;
	}
	if (dpvs_msg_init(&msg_params) < 0) {
		log_error("msg", "no memory for messages; raise eal.memory");
		goto err_eal;
	}
	sysinfo_set_modules(modules_all());
	change_set_modules(modules_all());
	if (modules_init(conf) < 0) {
		exit_code = DAEMON_EAL;
		goto err_msg;
	}
	if (graph_build() < 0)
		goto err_modules;
	if (lcore_launch(modules_lcore_init, modules_all()) < 0)
		goto err_graph;
	if (modules_start() < 0)
		goto err_lcore;
	log_notice("dpvsd", "started: version %s, %u workers, socket %s", PACKAGE_VERSION,
		   lcore_worker_count(), socket);
	return DAEMON_OK;

err_lcore:
	lcore_stop();
	change_fini();
err_graph:
	graph_destroy();
err_modules:
	modules_fini();
err_msg:
	dpvs_msg_fini();
err_eal:
	if (eal_ours)
		eal_stop();
err_ctl:
	ctl_close();
	ctl_fini();
err_conf:
	conf_free(conf);
	conf = NULL;
	return exit_code;
}

void
daemon_stop(void)
{
	gint64 end = g_get_monotonic_time() + STOP_WAIT_US;

	change_queue_stop();
	modules_stop();
	/* Workers confirm what is committed, as long as they live. */
	while (change_in_flight() > 0 && g_get_monotonic_time() < end)
		if (dpvs_msg_process_main() == 0)
			g_usleep(100);
	lcore_stop();
	ctl_close();
	change_fini();
	graph_destroy();
	modules_fini();
	dpvs_msg_fini();
	ctl_fini();
	if (eal_ours)
		eal_stop();
	conf_free(conf);
	conf = NULL;
	log_notice("dpvsd", "stopped");
}
