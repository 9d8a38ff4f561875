/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request on the control socket costs: one after another, pipelined, and a long list. The server
 * runs in this thread's main loop as in the daemon, the client in a thread of its own, on another CPU if there
 * is one. Floors: the same two threads with bare read() and write() over a socket of the same kind, as many bytes
 * in as many calls. Floor and value take turns in short windows, since a shared machine changes its speed; the
 * figure is the lowest decile of the windows' medians.
 */
#include "bench.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

enum {
	ID_NOTHING = 9000,
	ID_LIST = 9001,
	WINDOWS = 60,
	ROUNDS = 200,     /* requests of a window, one after another */
	BATCHES = 25,     /* of a window, pipelined */
	INFLIGHT = 32,
	LISTED = 10000,   /* records of a list, about as many as a large site has services */
	RECORD = 160,     /* of a service */
	LISTS = 20,
	REQUEST = 24,     /* bytes of the smallest request and answer */
	ANSWER = 48,
};

/** struct echo: what the server's thread does for a floor. */
struct echo {
	unsigned int requests; /* to be answered, then it ends */
	size_t bulk;           /* bytes to be written at once instead; 0: answers */
};

static char *path;
static int floor_fds[2]; /* client, server */
static gint done;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
must(int rc)
{
	if (rc < 0)
		g_error("%s", g_strerror(-rc));
}

/* The calling thread stays on the @which-th CPU that this process may use, if there are two. */
static void
pin(unsigned int which)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) < 0 || CPU_COUNT(&all) < 2)
		return;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && which-- == 0)
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void
write_all(int fd, const void *buf, size_t size)
{
	for (size_t done_bytes = 0; done_bytes < size;) {
		ssize_t n = write(fd, (const char *)buf + done_bytes, size - done_bytes);

		if (n <= 0)
			g_error("write");
		done_bytes += (size_t)n;
	}
}

/*
 * ---- floors
 */

/* The server's thread: as many answers as there were requests in what was read, in one write. */
static gboolean
echo_serve(gpointer arg)
{
	const struct echo *e = arg;
	static char in[INFLIGHT * REQUEST], out[LISTED * RECORD];
	unsigned int served = 0;
	size_t have = 0;

	if (e->bulk > 0) {
		write_all(floor_fds[1], out, e->bulk);
		return G_SOURCE_REMOVE;
	}
	while (served < e->requests) {
		ssize_t n = read(floor_fds[1], in + have, sizeof(in) - have);
		unsigned int whole;

		if (n <= 0)
			g_error("read");
		have += (size_t)n;
		whole = (unsigned int)(have / REQUEST);
		have %= REQUEST;
		if (whole > 0)
			write_all(floor_fds[1], out, (size_t)whole * ANSWER);
		served += whole;
	}
	return G_SOURCE_REMOVE;
}

/* The client's thread: @batch requests in a write each, then their answers. */
static void
echo_batch(unsigned int batch)
{
	static char buf[INFLIGHT * ANSWER];
	size_t want = (size_t)batch * ANSWER;

	for (unsigned int i = 0; i < batch; i++)
		write_all(floor_fds[0], buf, REQUEST);
	while (want > 0) {
		ssize_t n = read(floor_fds[0], buf, want);

		if (n <= 0)
			g_error("read");
		want -= (size_t)n;
	}
}

/* Nanoseconds of a batch, the median of a window. */
static uint64_t
floor_window(unsigned int batch, unsigned int rounds)
{
	struct echo e = { .requests = (rounds + 1) * batch };
	uint64_t samples[ROUNDS];

	g_idle_add_full(G_PRIORITY_DEFAULT, echo_serve, &e, NULL);
	echo_batch(batch); /* until it is there */
	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t start = now_ns();

		echo_batch(batch);
		samples[i] = now_ns() - start;
	}
	return bench_quantile(samples, rounds, 50);
}

/* Nanoseconds until @bulk bytes have come. */
static uint64_t
floor_bulk(size_t bulk)
{
	static char buf[LISTED * RECORD];
	struct echo e = { .bulk = bulk };
	uint64_t start = now_ns();

	g_idle_add_full(G_PRIORITY_DEFAULT, echo_serve, &e, NULL);
	while (bulk > 0) {
		ssize_t n = read(floor_fds[0], buf, bulk);

		if (n <= 0)
			g_error("read");
		bulk -= (size_t)n;
	}
	return now_ns() - start;
}

/*
 * ---- values
 */

static int
on_nothing(struct dpvs_req *req, const void *records, uint32_t count)
{
	(void)req;
	(void)records;
	(void)count;
	return 0;
}

static int
on_list(struct dpvs_req *req, const void *records, uint32_t count)
{
	char record[RECORD] = { 0 };

	(void)records;
	(void)count;
	for (uint32_t i = 0; i < LISTED; i++) {
		memcpy(record, &i, sizeof(i));
		dpvs_req_add(req, record, sizeof(record));
	}
	return 0;
}

static const struct dpvs_sockopt opts[] = {
	{ .name = "nothing", .id = ID_NOTHING, .type = DPVS_SOCKOPT_GET, .fn = on_nothing },
	{ .name = "list", .id = ID_LIST, .type = DPVS_SOCKOPT_GET, .fn = on_list },
};

static uint64_t
value_window(struct dpvs_client *c, unsigned int batch, unsigned int rounds)
{
	uint64_t samples[ROUNDS];
	struct dpvs_reply *r;

	for (unsigned int i = 0; i < rounds; i++) {
		uint64_t start = now_ns();

		if (batch == 1) {
			must(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r));
			dpvs_reply_free(r);
		} else {
			for (unsigned int k = 0; k < batch; k++)
				must(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_NOTHING, NULL, 0, 0, NULL));
			for (unsigned int k = 0; k < batch; k++)
				must(dpvs_client_receive(c, NULL, NULL));
		}
		samples[i] = now_ns() - start;
	}
	return bench_quantile(samples, rounds, 50);
}

static void
bench_requests(struct dpvs_client *c, const char *name, unsigned int batch, unsigned int rounds)
{
	uint64_t floors[WINDOWS], values[WINDOWS];

	for (unsigned int i = 0; i < WINDOWS; i++) {
		floors[i] = floor_window(batch, rounds);
		values[i] = value_window(c, batch, rounds);
	}
	bench_report(name, (double)bench_quantile(values, WINDOWS, 10) / batch / 1000, "us",
		     (double)bench_quantile(floors, WINDOWS, 10) / batch / 1000);
}

static void
bench_list(struct dpvs_client *c)
{
	uint64_t floors[LISTS], values[LISTS];
	struct dpvs_reply *r;

	for (unsigned int i = 0; i < LISTS; i++) {
		uint64_t start;

		floors[i] = floor_bulk(LISTED * RECORD);
		start = now_ns();
		must(dpvs_client_get(c, ID_LIST, NULL, 0, &r));
		values[i] = now_ns() - start;
		if (dpvs_reply_count(r) != LISTED)
			g_error("list");
		dpvs_reply_free(r);
	}
	bench_report("sockopt-list", (double)bench_quantile(values, LISTS, 10) / 1000, "us",
		     (double)bench_quantile(floors, LISTS, 10) / 1000);
}

static gpointer
client_thread(gpointer arg)
{
	struct dpvs_client *c;

	(void)arg;
	pin(1);
	must(dpvs_client_open(path, 60000, &c));
	bench_requests(c, "sockopt-rtt", 1, ROUNDS);
	bench_requests(c, "sockopt-pipelined", INFLIGHT, BATCHES);
	bench_list(c);
	dpvs_client_close(c);
	g_atomic_int_set(&done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

int
main(void)
{
	g_autofree char *dir = g_dir_make_tmp("dpvs-bench.XXXXXX", NULL);
	struct dpvs_server_params params = { 0 };
	struct dpvs_server *server;
	char *error = NULL;
	GThread *thread;

	path = g_strconcat(dir, "/ctrl", NULL);
	params.path = path;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, floor_fds) < 0)
		g_error("socketpair");
	if (dpvs_server_new(&params, &server, &error) < 0)
		g_error("%s", error);
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		must(dpvs_sockopt_register(&opts[i]));
	thread = g_thread_new("client", client_thread, NULL);
	pin(0);
	while (!g_atomic_int_get(&done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	dpvs_server_free(server);
	close(floor_fds[0]);
	close(floor_fds[1]);
	rmdir(dir);
	g_free(path);
	return 0;
}
