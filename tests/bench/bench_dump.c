/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A million connections listed over the control socket, from the tables of the workers of the real daemon to a
 * client that reads record by record. Floor: as many bytes through a socket of the same kind between the same two
 * threads, by write() and read(). Both in turn, since a shared machine changes its speed; the median of the rounds.
 */
#include "bench.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/netif.h>

#include "conns.h"
#include "harness.h"

enum {
	WORKERS = 2,
	CONNS = 1000000,
	ROUNDS = 7,
	CHUNK = 256 << 10, /* a part of an answer */
};

#define BYTES ((size_t)CONNS * sizeof(struct dpvs_conn_info))

static int floor_fds[2]; /* client, server */
static char *bytes;      /* as many as the list has, since it does not come out of a cache either */
static uint64_t floors[ROUNDS], values[ROUNDS];
static gint done;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static gboolean
write_bytes(gpointer arg)
{
	for (size_t left = BYTES; left > 0;) {
		ssize_t n = write(floor_fds[1], bytes + BYTES - left, MIN(left, (size_t)CHUNK));

		if (n <= 0)
			g_error("write");
		left -= (size_t)n;
	}
	return G_SOURCE_REMOVE;
}

static void
read_bytes(void)
{
	static char chunk[CHUNK];

	g_idle_add_full(G_PRIORITY_DEFAULT, write_bytes, NULL, NULL);
	for (size_t left = BYTES; left > 0;) {
		ssize_t n = read(floor_fds[0], chunk, sizeof(chunk));

		if (n <= 0)
			g_error("read");
		left -= (size_t)n;
	}
}

static void
list(struct dpvs_client *c)
{
	struct dpvs_conn_filter all = { .vip_port = CONNS_VIP_PORT };
	struct dpvs_conn_info info;
	struct dpvs_stream *s;
	unsigned int n = 0;
	int rc = dpvs_stream_open(c, DPVS_GET_CONNS, &all, sizeof(all), &s);

	while (rc >= 0 && (rc = dpvs_stream_next(s, &info, sizeof(info))) > 0)
		n++;
	if (rc < 0 || n != CONNS)
		g_error("list: %s", dpvs_client_error(c));
	dpvs_stream_close(s);
}

static gpointer
client_thread(gpointer arg)
{
	struct dpvs_client *c;

	if (dpvs_client_open(harness_socket(), 60000, &c) < 0)
		g_error("open");
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();

		read_bytes();
		floors[i] = now_ns() - start;
		start = now_ns();
		list(c);
		values[i] = now_ns() - start;
	}
	dpvs_client_close(c);
	g_atomic_int_set(&done, 1);
	g_main_context_wakeup(NULL);
	return NULL;
}

static void
print_handlers(void)
{
	struct dpvs_lcore_info info;
	struct dpvs_reply *reply;

	if (harness_get(DPVS_GET_LCORE_STATS, NULL, 0, &reply) < 0)
		return;
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (info.role == DPVS_LCORE_WORKER)
			fprintf(stderr, "lcore %u: handlers of a loop: p50 %.1f us, p99.9 %.1f us, worst %.1f us\n", info.id,
				(double)info.handler_ns_p50 / 1000, (double)info.handler_ns_p999 / 1000,
				(double)info.handler_ns_max / 1000);
	}
	dpvs_reply_free(reply);
}

int
main(int argc, char **argv)
{
	GThread *thread;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	harness_start(1, "[control]\nget-deadline = 1000\n");
	conns_fill(CONNS / WORKERS);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, floor_fds) < 0)
		g_error("socketpair");
	bytes = g_malloc(BYTES);
	memset(bytes, 1, BYTES);
	thread = g_thread_new("client", client_thread, NULL);
	while (!g_atomic_int_get(&done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	print_handlers();
	bench_report("dump-conns", (double)BYTES * 1000 / (double)bench_quantile(values, ROUNDS, 50), "MB/s",
		     (double)BYTES * 1000 / (double)bench_quantile(floors, ROUNDS, 50));
	close(floor_fds[0]);
	close(floor_fds[1]);
	harness_stop();
	harness_fini();
	g_free(bytes);
	return 0;
}
