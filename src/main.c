/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpvsd: reads the command line, starts the daemon (daemon.c), runs the main loop until a signal ends it.
 */
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <locale.h>
#include <rte_version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/log.h"
#include "core/notify.h"
#include "daemon.h"
#include "modules.h"

#define CONF_DEFAULT SYSCONFDIR "/dpvs/dpvsd.conf"

static gchar *conf_path, *socket_path;
static gboolean check, help_config, list_modules, version, verbose;

static const GOptionEntry options[] = {
	{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &conf_path, "Configuration file (" CONF_DEFAULT ")", "FILE" },
	{ "socket", 0, 0, G_OPTION_ARG_FILENAME, &socket_path, "Control socket", "PATH" },
	{ "check", 0, 0, G_OPTION_ARG_NONE, &check, "Check the configuration file and end", NULL },
	{ "help-config", 0, 0, G_OPTION_ARG_NONE, &help_config, "Print all keys of the configuration and end",
	  NULL },
	{ "list-modules", 0, 0, G_OPTION_ARG_NONE, &list_modules, "Print what each module brings and end",
	  NULL },
	{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Log for debugging", NULL },
	{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print versions and end", NULL },
	{ NULL },
};

static gboolean
main_quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

/* A terminal that goes away is no reason to stop forwarding. */
static gboolean
main_hangup(gpointer arg)
{
	log_notice("dpvsd", "SIGHUP: this build does not reload its configuration; nothing changed");
	return G_SOURCE_CONTINUE;
}

/* Scripts send these to other daemons, to make them open their logs again; left alone they would end this one. */
static gboolean
main_unused(gpointer name)
{
	log_notice("dpvsd", "%s has no meaning here; nothing changed", (const char *)name);
	return G_SOURCE_CONTINUE;
}

/* The file given must exist; the default one need not. */
static const char *
main_conf_path(void)
{
	if (conf_path != NULL)
		return conf_path;
	return g_file_test(CONF_DEFAULT, G_FILE_TEST_EXISTS) ? CONF_DEFAULT : NULL;
}

/* Splits "ours -- EAL's": GOption would stop at "--" and leave it in place. */
static int
main_parse(int *argc, char ***argv, char ***ret_eal_args)
{
	g_autoptr(GOptionContext) context = g_option_context_new("[-- EAL-ARGS]");
	g_autoptr(GError) error = NULL;
	int i, ours = *argc;

	for (i = 1; i < *argc; i++) {
		if (strcmp((*argv)[i], "--") == 0) {
			ours = i;
			*ret_eal_args = &(*argv)[i + 1];
			break;
		}
	}
	g_option_context_add_main_entries(context, options, NULL);
	g_option_context_set_summary(context, "dpvsd is a layer-4 load balancer on DPDK. It stays in the foreground.");
	if (!g_option_context_parse(context, &ours, argv, &error)) {
		fprintf(stderr, "dpvsd: %s\nTry 'dpvsd --help'.\n", error->message);
		return -1;
	}
	if (ours > 1) {
		fprintf(stderr, "dpvsd: unexpected argument \"%s\"; DPDK's arguments go behind \"--\"\nTry 'dpvsd --help'.\n",
			(*argv)[1]);
		return -1;
	}
	return 0;
}

static void
main_tell(const char *lines)
{
	int err = notify_manager(lines);

	if (err < 0)
		log_warning("dpvsd", "cannot tell the service manager (NOTIFY_SOCKET): %s", g_strerror(-err));
}

static int
main_run(char **eal_args)
{
	struct daemon_params params = {
		.conf_path = main_conf_path(),
		.socket = socket_path,
		.eal_args = eal_args,
	};
	GMainLoop *loop;
	int code;

	signal(SIGPIPE, SIG_IGN);
	/* Before the start: a signal that comes during it ends the daemon cleanly when it is up. */
	loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, main_quit, loop);
	g_unix_signal_add(SIGINT, main_quit, loop);
	g_unix_signal_add(SIGHUP, main_hangup, NULL);
	g_unix_signal_add(SIGUSR1, main_unused, "SIGUSR1");
	g_unix_signal_add(SIGUSR2, main_unused, "SIGUSR2");
	code = daemon_start(&params);
	if (code != DAEMON_OK) {
		g_main_loop_unref(loop);
		return code;
	}
	main_tell("READY=1\nSTATUS=Ready");
	g_main_loop_run(loop);
	main_tell("STOPPING=1");
	g_main_loop_unref(loop);
	daemon_stop();
	return DAEMON_OK;
}

/* Closed standard descriptors would be the next sockets and doorbells, and what is logged would go there. */
static void
main_hold_std_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	char **eal_args = NULL;
	int code;

	main_hold_std_fds();
	setlocale(LC_ALL, "");
	if (main_parse(&argc, &argv, &eal_args) < 0)
		return DAEMON_USAGE;
	log_init();
	if (verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (version) {
#ifdef DPVS_FAULT_INJECTION
		puts("dpvsd, built with fault injection: not for use");
#endif
		printf("dpvsd, %s\n%s, built for %s\n", PACKAGE_STRING, rte_version(), RTE_VER_PREFIX
		       " " G_STRINGIFY(RTE_VER_YEAR) "." G_STRINGIFY(RTE_VER_MONTH) "." G_STRINGIFY(RTE_VER_MINOR));
		return DAEMON_OK;
	}
	if (help_config) {
		conf_print_help(modules_all());
		return DAEMON_OK;
	}
	if (list_modules) {
		modules_print();
		return DAEMON_OK;
	}
	if (check)
		return daemon_check(main_conf_path());
	code = main_run(eal_args);
	log_finish();
	return code;
}
