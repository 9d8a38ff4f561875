/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change of many services costs who asks for it: whole runs of ipvsadm, from its start to its end, against the
 * daemon, which has one worker and two idle ports. Floor of a restore and of a flush: a process that reads the same
 * file, splits it into words, and sends it to somebody who only reads; of a listing: one that receives as many bytes as
 * the records have and writes as many as the listing has; of a start: /bin/true. Value and floor
 * take turns; the figures are medians of the runs.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/service.h>

enum {
	FEW = 10000,        /* services with 2 servers each */
	MANY = 20000,       /* services with 10 servers each */
	ROUNDS_FEW = 7,
	ROUNDS_MANY = 3,
	ROUNDS_START = 200,
	BUFFER = 1 << 18,
};

extern char **environ;

static char dir[] = "/tmp/dpvs-bench.XXXXXX";
static char sink_path[64], socket_path[64], few_path[64], many_path[64], none_path[64], conf_path[64];
static const char *ipvsadm = "utils/ipvsadm/ipvsadm";
static pid_t daemon_pid = -1;
static int sink_fd;

static void
clean(void)
{
	const char *const paths[] = { sink_path, socket_path, few_path, many_path, none_path, conf_path };

	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, NULL, 0);
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		unlink(paths[i]);
	rmdir(dir);
}

static void
die(const char *what)
{
	fprintf(stderr, "bench_tools: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Starts a program with @in as standard input. */
static pid_t
start(const char *const argv[], const char *in, const char *err)
{
	posix_spawn_file_actions_t files;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, in, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	if (err)
		posix_spawn_file_actions_addopen(&files, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	errno = posix_spawn(&pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ);
	if (errno)
		die(argv[0]);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

/* Runs a program to its end. Returns its nanoseconds. */
static uint64_t
run(const char *const argv[], const char *in)
{
	uint64_t begin = now_ns();
	pid_t pid = start(argv, in, NULL);
	int status;

	if (waitpid(pid, &status, 0) < 0 || status != 0) {
		errno = EPROTO;
		die(argv[0]);
	}
	return now_ns() - begin;
}

/* ---- floors ---- */

static struct sockaddr_un
address(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return addr;
}

static void
write_all(int fd, const char *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, buf + done, len - done);

		if (n <= 0)
			die("write");
		done += (size_t)n;
	}
}

/* The other end: a number of bytes to send, else reads to the end; then says so with a byte. */
static void *
sink(void *arg)
{
	char *buf = calloc(1, BUFFER);
	int fd;

	(void)arg;
	while ((fd = accept(sink_fd, NULL, NULL)) >= 0) {
		uint64_t wanted;

		if (read(fd, &wanted, sizeof(wanted)) != sizeof(wanted))
			die("sink");
		for (; wanted > 0; wanted -= wanted < BUFFER ? wanted : BUFFER)
			write_all(fd, buf, wanted < BUFFER ? wanted : BUFFER);
		while (read(fd, buf, BUFFER) > 0)
			;
		write_all(fd, "", 1);
		close(fd);
	}
	free(buf);
	return NULL;
}

static int
sink_open(const char *path, uint64_t wanted)
{
	struct sockaddr_un addr = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die(path);
	write_all(fd, (char *)&wanted, sizeof(wanted));
	return fd;
}

static void
sink_close(int fd)
{
	char done;

	shutdown(fd, SHUT_WR);
	if (read(fd, &done, 1) != 1)
		die("sink");
	close(fd);
}

/* The floor of a restore, as a process: standard input to the sink @path. */
static int
floor_restore(const char *path)
{
	static char out[BUFFER];
	size_t size = 0, used = 0;
	int fd = sink_open(path, 0);
	char *line = NULL;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		char *rest = line, *word;

		while ((word = strsep(&rest, " \n"))) {
			size_t n = strlen(word);

			if (used + n + 1 > sizeof(out)) {
				write_all(fd, out, used);
				used = 0;
			}
			memcpy(out + used, word, n + 1);
			used += n + 1;
		}
	}
	write_all(fd, out, used);
	sink_close(fd);
	free(line);
	return 0;
}

/* The floor of a listing: @in bytes from the sink, @out bytes to standard output. */
static int
floor_list(const char *path, uint64_t in, uint64_t out)
{
	static char buf[BUFFER];
	int fd = sink_open(path, in);

	while (in > 0) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			die("floor");
		in -= (uint64_t)n;
	}
	for (; out > 0; out -= out < sizeof(buf) ? out : sizeof(buf))
		write_all(1, buf, out < sizeof(buf) ? out : sizeof(buf));
	sink_close(fd);
	return 0;
}

/* ---- measured ---- */

static double
median_of(uint64_t *samples, size_t count)
{
	return (double)bench_quantile(samples, count, 50) / 1e9;
}

/* Nanoseconds of the floor of a restore of @file. */
static uint64_t
restore_floor(const char *file)
{
	const char *const argv[] = { "/proc/self/exe", "--restore", sink_path, NULL };

	return run(argv, file);
}

static void
bench_few(void)
{
	const char *const restore[] = { ipvsadm, "-R", NULL }, *const list[] = { ipvsadm, "-l", "-n", NULL };
	const char *const flush[] = { ipvsadm, "-C", NULL };
	uint64_t restores[ROUNDS_FEW], lists[ROUNDS_FEW], flushes[ROUNDS_FEW];
	uint64_t restore_floors[ROUNDS_FEW], list_floors[ROUNDS_FEW], flush_floors[ROUNDS_FEW];
	char in[24], out[24];
	const char *const list_floor[] = { "/proc/self/exe", "--list", sink_path, in, out, NULL };

	/* A row has 27 bytes and more, a server's 68. */
	snprintf(in, sizeof(in), "%zu",
		 FEW * (sizeof(struct dpvs_service_info) + 2 * sizeof(struct dpvs_dest_info)));
	snprintf(out, sizeof(out), "%u", FEW * (24 + 2 * 70));
	for (unsigned int i = 0; i < ROUNDS_FEW; i++) {
		restore_floors[i] = restore_floor(few_path);
		restores[i] = run(restore, few_path);
		list_floors[i] = run(list_floor, "/dev/null");
		lists[i] = run(list, "/dev/null");
		flush_floors[i] = restore_floor(none_path);
		flushes[i] = run(flush, "/dev/null");
	}
	bench_report("bulk-services", median_of(restores, ROUNDS_FEW), "s", median_of(restore_floors, ROUNDS_FEW));
	bench_report("dump-services", median_of(lists, ROUNDS_FEW), "s", median_of(list_floors, ROUNDS_FEW));
	bench_report("flush-services", median_of(flushes, ROUNDS_FEW), "s", median_of(flush_floors, ROUNDS_FEW));
}

static void
bench_many(void)
{
	const char *const restore[] = { ipvsadm, "-R", NULL }, *const flush[] = { ipvsadm, "-C", NULL };
	uint64_t first[ROUNDS_MANY], again[ROUNDS_MANY], floors[ROUNDS_MANY];
	double floor;

	for (unsigned int i = 0; i < ROUNDS_MANY; i++) {
		floors[i] = restore_floor(many_path);
		first[i] = run(restore, many_path);
		again[i] = run(restore, many_path);
		run(flush, "/dev/null");
	}
	floor = median_of(floors, ROUNDS_MANY);
	bench_report("bulk-servers", median_of(first, ROUNDS_MANY), "s", floor);
	bench_report("bulk-noop", median_of(again, ROUNDS_MANY), "s", floor);
}

static void
bench_start(void)
{
	const char *const add[] = { ipvsadm, "-A", "-t", "192.0.2.1:80", "-s", "rr", NULL };
	const char *const del[] = { ipvsadm, "-D", "-t", "192.0.2.1:80", NULL };
	const char *const nothing[] = { "/bin/true", NULL };
	uint64_t starts[ROUNDS_START], floors[ROUNDS_START];

	for (unsigned int i = 0; i < ROUNDS_START; i++) {
		floors[i] = run(nothing, "/dev/null");
		starts[i] = run(add, "/dev/null");
		run(del, "/dev/null");
	}
	bench_report("ipvsadm-start", median_of(starts, ROUNDS_START) * 1e3, "ms",
		     median_of(floors, ROUNDS_START) * 1e3);
}

/* ---- what is around them ---- */

static void
write_rules(const char *path, unsigned int services, unsigned int servers)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(path);
	for (unsigned int i = 0; i < services; i++) {
		char vip[32];

		snprintf(vip, sizeof(vip), "10.%u.%u.%u:80", i >> 16, i >> 8 & 255, i & 255);
		fprintf(file, "-A -t %s -s wlc\n", vip);
		for (unsigned int k = 1; k <= servers; k++)
			fprintf(file, "-a -t %s -r 198.51.100.%u:8080 -m -w %u\n", vip, k, k);
	}
	if (fclose(file) != 0)
		die(path);
}

static void
start_daemon(void)
{
	const char *const argv[] = { "src/dpvsd", "--socket", socket_path, "-c", conf_path, NULL };
	FILE *file = fopen(conf_path, "w");
	struct dpvs_client *c = NULL;
	struct dpvs_reply *r = NULL;
	int rc = -ENOENT;

	if (!file)
		die(conf_path);
	fputs("[eal]\nhuge-pages = no\npci = no\n[graph]\nmbufs = 8191\n"
	      "[port dpdk0]\ndevice = net_ring0\n[port dpdk1]\ndevice = net_ring1\n", file);
	if (fclose(file) != 0)
		die(conf_path);
	daemon_pid = start(argv, "/dev/null", "/dev/null");
	for (unsigned int tries = 0; rc == -ENOENT && tries < 600; tries++) {
		const struct timespec pause = { 0, 100000000 };

		nanosleep(&pause, NULL);
		dpvs_client_close(c);
		rc = dpvs_client_open(socket_path, 60000, &c);
		if (waitpid(daemon_pid, NULL, WNOHANG) == daemon_pid) {
			daemon_pid = -1;
			break;
		}
	}
	if (rc == 0)
		rc = dpvs_client_get(c, DPVS_GET_HELLO, NULL, 0, &r);
	dpvs_reply_free(r);
	dpvs_client_close(c);
	if (rc < 0) {
		errno = -rc;
		die("src/dpvsd");
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_un addr;
	pthread_t thread;

	if (argc == 3 && strcmp(argv[1], "--restore") == 0)
		return floor_restore(argv[2]);
	if (argc == 5 && strcmp(argv[1], "--list") == 0)
		return floor_list(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	if (!mkdtemp(dir))
		die(dir);
	atexit(clean);
	signal(SIGPIPE, SIG_IGN);
	snprintf(sink_path, sizeof(sink_path), "%s/sink", dir);
	snprintf(socket_path, sizeof(socket_path), "%s/ctrl", dir);
	snprintf(few_path, sizeof(few_path), "%s/few", dir);
	snprintf(many_path, sizeof(many_path), "%s/many", dir);
	snprintf(none_path, sizeof(none_path), "%s/none", dir);
	snprintf(conf_path, sizeof(conf_path), "%s/conf", dir);
	setenv("DPVS_SOCKET", socket_path, 1);
	write_rules(few_path, FEW, 2);
	write_rules(many_path, MANY, 10);
	write_rules(none_path, 0, 0);
	addr = address(sink_path);
	sink_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sink_fd < 0 || bind(sink_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(sink_fd, 4) < 0)
		die(sink_path);
	if (pthread_create(&thread, NULL, sink, NULL) != 0)
		die("thread");
	start_daemon();
	bench_start();
	bench_few();
	bench_many();
	return 0;
}
