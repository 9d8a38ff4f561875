/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See eal.h. EAL's start is all command line: this file writes that line. Without huge pages EAL wants
 * --no-huge with --no-shconf (--in-memory is refused there), with them --in-memory, which leaves no file
 * behind that a crash could turn stale.
 */
#include "core/eal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib.h>
#include <inttypes.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/conf.h"
#include "core/cpulist.h"
#include "core/log.h"
#include "module.h"

enum {
	HUGE_AUTO,
	HUGE_YES,
	HUGE_NO,
};

enum {
	PCI_AUTO,
	PCI_YES,
	PCI_NO,
};

static char *eal_dir;

/* ---- DPDK's log ---- */

static void
eal_log_line(const char *line)
{
	switch (rte_log_cur_msg_loglevel()) {
	case RTE_LOG_EMERG:
	case RTE_LOG_ALERT:
	case RTE_LOG_CRIT:
	case RTE_LOG_ERR:
		log_error("dpdk", "%s", line);
		break;
	case RTE_LOG_WARNING:
		log_warning("dpdk", "%s", line);
		break;
	case RTE_LOG_NOTICE:
		log_info("dpdk", "%s", line);
		break;
	default:
		log_debug("dpdk", "%s", line);
	}
}

/* A cookie stream: libc calls it under the stream's lock, so the half line needs none. */
static ssize_t
eal_log_write(void *cookie, const char *buf, size_t size)
{
	static char line[512];
	static size_t len;
	size_t i;

	for (i = 0; i < size; i++) {
		if (buf[i] == '\n' || len == sizeof(line) - 1) {
			line[len] = '\0';
			if (len > 0)
				eal_log_line(line);
			len = 0;
		}
		if (buf[i] != '\n')
			line[len++] = buf[i];
	}
	return (ssize_t)size;
}

void
eal_log_open(void)
{
	static const cookie_io_functions_t io = { .write = eal_log_write };
	static FILE *stream;

	if (stream != NULL)
		return;
	stream = fopencookie(NULL, "w", io);
	if (stream == NULL)
		return; /* DPDK goes on to stderr by itself */
	setvbuf(stream, NULL, _IOLBF, 0);
	rte_openlog_stream(stream);
}

/* ---- the command line ---- */

/* Free huge pages of the default size, in MiB. */
static uint64_t
eal_huge_free(void)
{
	g_autofree char *text = NULL;
	const char *p;
	uint64_t pages, kib;

	if (!g_file_get_contents("/proc/meminfo", &text, NULL, NULL))
		return 0;
	p = strstr(text, "HugePages_Free:");
	pages = p != NULL ? strtoull(p + strlen("HugePages_Free:"), NULL, 10) : 0;
	p = strstr(text, "Hugepagesize:");
	kib = p != NULL ? strtoull(p + strlen("Hugepagesize:"), NULL, 10) : 0;
	return pages * kib / 1024;
}

/* Did the caller give this option ("--lcores") or its short form ("-l")? */
static bool
eal_given(char *const *args, const char *name)
{
	size_t len = strlen(name);

	for (; args != NULL && *args != NULL; args++) {
		if (name[1] != '-' && strncmp(*args, name, len) == 0)
			return true;
		if (strncmp(*args, name, len) == 0 && ((*args)[len] == '\0' || (*args)[len] == '='))
			return true;
	}
	return false;
}

static int
eal_cpus(const struct conf *conf, const char *key, unsigned int *cpus)
{
	const char *text = conf_string(conf, "lcore", key);
	unsigned int allowed[CPULIST_MAX];
	int count, nallowed = cpulist_allowed(allowed), i, j;

	if (strcmp(text, "auto") == 0)
		return 0;
	count = cpulist_parse(text, cpus); /* checked when it was loaded */
	for (i = 0; i < count; i++) {
		for (j = 0; j < nallowed && allowed[j] != cpus[i]; j++)
			;
		if (j == nallowed) {
			log_error("eal", "lcore.%s: this process may not use CPU %u; give CPUs that "
				  "\"taskset -p $$\" lists", key, cpus[i]);
			return -EINVAL;
		}
	}
	return count;
}

/* Main is lcore 0, workers are 1 and up; several may share a CPU. */
static int
eal_lcores(const struct conf *conf, GPtrArray *argv)
{
	g_autoptr(GString) map = g_string_new("--lcores=");
	unsigned int main_cpu[CPULIST_MAX], cpus[CPULIST_MAX], allowed[CPULIST_MAX];
	unsigned int workers = (unsigned int)conf_uint(conf, "lcore", "workers"), i;
	int nmain, ncpus, nallowed, j;

	nallowed = cpulist_allowed(allowed);
	nmain = eal_cpus(conf, "main-cpu", main_cpu);
	ncpus = eal_cpus(conf, "worker-cpus", cpus);
	if (nmain < 0 || ncpus < 0 || nallowed == 0)
		return -EINVAL;
	if (nmain == 0)
		main_cpu[0] = allowed[0];
	if (ncpus == 0) {
		/* Main's comes last: it is used when workers outnumber the others. */
		for (j = 0; j < nallowed; j++)
			if (allowed[j] != main_cpu[0])
				cpus[ncpus++] = allowed[j];
		cpus[ncpus++] = main_cpu[0];
	}
	g_string_append_printf(map, "0@%u", main_cpu[0]);
	for (i = 0; i < workers; i++)
		g_string_append_printf(map, ",%u@%u", i + 1, cpus[i % (unsigned int)ncpus]);
	g_ptr_array_add(argv, g_strdup(map->str));
	g_ptr_array_add(argv, g_strdup("--main-lcore=0"));
	return 0;
}

static void
eal_memory(const struct conf *conf, GPtrArray *argv, char *const *args)
{
	uint64_t mib = conf_uint(conf, "eal", "memory");
	unsigned int huge = conf_choice(conf, "eal", "huge-pages");
	bool given = eal_given(args, "--no-huge") || eal_given(args, "--in-memory") ||
		     eal_given(args, "--huge-dir") || eal_given(args, "--huge-unlink") ||
		     eal_given(args, "--legacy-mem");

	if (!given) {
		if (huge == HUGE_AUTO)
			huge = eal_huge_free() >= mib ? HUGE_YES : HUGE_NO;
		if (huge == HUGE_YES) {
			g_ptr_array_add(argv, g_strdup("--in-memory"));
		} else {
			g_ptr_array_add(argv, g_strdup("--no-huge"));
			g_ptr_array_add(argv, g_strdup("--no-shconf"));
		}
		log_info("eal", "%s huge pages, %" PRIu64 " MiB", huge == HUGE_YES ? "with" : "without", mib);
		/* Physical addresses need privilege; nothing here asks for them without huge pages. */
		if (huge == HUGE_NO && !eal_given(args, "--iova-mode"))
			g_ptr_array_add(argv, g_strdup("--iova-mode=va"));
	}
	if (!eal_given(args, "-m") && !eal_given(args, "--socket-mem"))
		g_ptr_array_add(argv, g_strdup_printf("-m%" PRIu64, mib));
}

/* Probing PCI devices touches hardware: only when a port may be one. */
static bool
eal_wants_pci(const struct conf *conf)
{
	unsigned int choice = conf_choice(conf, "eal", "pci"), i;
	const char *section, *device;

	if (choice != PCI_AUTO)
		return choice == PCI_YES;
	for (i = 0; (section = conf_instance(conf, "port", i)) != NULL; i++) {
		/* "0000:3b:00.0", "3b:00.0"; virtual devices have names. */
		device = conf_string(conf, section, "device");
		if (g_ascii_isxdigit(device[0]) && device[strspn(device, "0123456789abcdefABCDEF")] == ':')
			return true;
	}
	return i == 0;
}

static int
eal_command_line(const struct conf *conf, char *const *args, GPtrArray *argv)
{
	const char *extra = conf_string(conf, "eal", "args");
	g_auto(GStrv) words = NULL;
	char **w;
	int err;

	g_ptr_array_add(argv, g_strdup("dpvsd"));
	if (!eal_given(args, "--lcores") && !eal_given(args, "-l") && !eal_given(args, "-c")) {
		err = eal_lcores(conf, argv);
		if (err < 0)
			return err;
	}
	eal_memory(conf, argv, args);
	if (!eal_given(args, "--file-prefix"))
		g_ptr_array_add(argv, g_strdup_printf("--file-prefix=%s",
						      conf_string(conf, "eal", "file-prefix")));
	if (!conf_bool(conf, "eal", "telemetry") && !eal_given(args, "--telemetry") &&
	    !eal_given(args, "--no-telemetry"))
		g_ptr_array_add(argv, g_strdup("--no-telemetry"));
	if (!eal_wants_pci(conf) && !eal_given(args, "--no-pci") && !eal_given(args, "-a") &&
	    !eal_given(args, "--allow"))
		g_ptr_array_add(argv, g_strdup("--no-pci"));
	if (extra != NULL && g_shell_parse_argv(extra, NULL, &words, NULL))
		for (w = words; *w != NULL; w++)
			g_ptr_array_add(argv, g_strdup(*w));
	for (; args != NULL && *args != NULL; args++)
		g_ptr_array_add(argv, g_strdup(*args));
	return 0;
}

/* ---- start and stop ---- */

static int
eal_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	remove(path);
	return 0;
}

static int
eal_make_dir(const char *dir)
{
	struct stat st;

	/* What a killed daemon left is ours to remove: the caller holds the socket's lock. */
	nftw(dir, eal_remove, 8, FTW_DEPTH | FTW_PHYS);
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		log_error("eal", "%s: cannot be made: %s", dir, g_strerror(errno));
		return -errno;
	}
	if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		log_error("eal", "%s: not a directory of ours of mode 0700; remove it", dir);
		return -EPERM;
	}
	return 0;
}

/* EAL prints its usage to stdout when an argument is wrong; stdout is not ours to fill. */
static int
eal_init_quietly(GPtrArray *argv)
{
	int saved, null, rc;

	fflush(stdout);
	saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0 && saved >= 0)
		dup2(null, STDOUT_FILENO);
	rc = rte_eal_init((int)argv->len, (char **)argv->pdata);
	rc = rc < 0 ? -rte_errno : 0;
	fflush(stdout);
	if (null >= 0 && saved >= 0)
		dup2(saved, STDOUT_FILENO);
	if (null >= 0)
		close(null);
	if (saved >= 0)
		close(saved);
	return rc;
}

int
eal_start(const struct conf *conf, const char *dir, char *const *args)
{
	static GPtrArray *argv; /* EAL keeps pointers into it */
	g_autoptr(GPtrArray) work = NULL;
	g_autofree char *text = NULL;
	int err;

	argv = g_ptr_array_new_with_free_func(g_free);

	err = eal_make_dir(dir);
	if (err < 0)
		return err;
	eal_dir = g_strdup(dir);
	g_setenv("RUNTIME_DIRECTORY", dir, TRUE);
	err = eal_command_line(conf, args, argv);
	if (err < 0)
		goto err_dir;
	/* EAL permutes what it is given: it gets a copy of the pointers. */
	work = g_ptr_array_copy(argv, NULL, NULL);
	g_ptr_array_set_free_func(work, NULL);
	g_ptr_array_add(argv, NULL);
	text = g_strjoinv(" ", (char **)argv->pdata);
	log_debug("eal", "%s", text);
	g_ptr_array_add(work, NULL);
	g_ptr_array_set_size(work, (int)work->len - 1);
	err = eal_init_quietly(work);
	if (err == 0)
		return 0;
	log_error("eal", "DPDK does not start: %s; it was called as: %s", g_strerror(-err), text);
err_dir:
	nftw(eal_dir, eal_remove, 8, FTW_DEPTH | FTW_PHYS);
	g_clear_pointer(&eal_dir, g_free);
	return err;
}

void
eal_stop(void)
{
	rte_eal_cleanup();
	if (eal_dir != NULL)
		nftw(eal_dir, eal_remove, 8, FTW_DEPTH | FTW_PHYS);
	g_clear_pointer(&eal_dir, g_free);
}

/* ---- keys ---- */

static void
eal_check(struct conf *conf)
{
	const char *extra = conf_string(conf, "eal", "args");
	g_auto(GStrv) words = NULL;

	if (extra != NULL && strspn(extra, " \t") != strlen(extra) &&
	    !g_shell_parse_argv(extra, NULL, &words, NULL))
		conf_error(conf, "eal", "args", "a quote is left open; quote as in a shell");
}

static const char *const eal_huge_choices[] = { "auto", "yes", "no", NULL };

static const char *const eal_pci_choices[] = { "auto", "yes", "no", NULL };

static const struct conf_key eal_conf[] = {
	{
		.name = "huge-pages",
		.type = CONF_CHOICE,
		.choices = eal_huge_choices,
		.def_str = "auto",
		.help = "Use huge pages; auto: when enough of them are free.",
	},
	{
		.name = "memory",
		.type = CONF_UINT,
		.min = 64,
		.max = 1048576,
		.def = 1024,
		.unit = "MiB",
		.help = "Memory for packets, connections and tables; without huge pages it is taken as it is used.",
	},
	{
		.name = "file-prefix",
		.type = CONF_STRING,
		.min = 1,
		.max = 32,
		.def_str = "dpvsd",
		.help = "Prefix of the names of DPDK's own files in the runtime directory.",
	},
	{
		.name = "telemetry",
		.type = CONF_BOOL,
		.def = 0,
		.help = "Open DPDK's telemetry socket in the runtime directory.",
	},
	{
		.name = "pci",
		.type = CONF_CHOICE,
		.choices = eal_pci_choices,
		.def_str = "auto",
		.help = "Take the PCI devices that are bound to a user-space driver; auto: when a port names one, or no port is named.",
	},
	{
		.name = "args",
		.type = CONF_STRING,
		.max = 1024,
		.help = "Further arguments for DPDK, quoted as in a shell.",
	},
	{},
};

const struct module eal_module = {
	.name = "eal",
	.conf = eal_conf,
	.check = eal_check,
};
