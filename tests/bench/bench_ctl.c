/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request on the control socket costs: one after another, pipelined, and a long list. The server
 * runs in this thread's main loop as in the daemon, the client in a thread of its own. Floors: a thread that reads
 * a request and writes an answer of the same sizes with blocking calls; and memory copied through a
 * socket of the same kind.
 */
#include "bench.h"

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
	ROUNDS = 5000,
	WINDOW = 64,      /* requests under way at once */
	LISTED = 10000,   /* records of a list, about as many as a large site has services */
	RECORD = 160,     /* of a service */
	LISTS = 20,
	REQUEST = 24,     /* bytes of the smallest request and answer */
	ANSWER = 48,
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* All of @size bytes, blocking. */
static void
transfer(int fd, void *buf, size_t size, ssize_t (*fn)(int, void *, size_t))
{
	for (size_t done = 0; done < size;) {
		ssize_t n = fn(fd, (char *)buf + done, size - done);

		if (n <= 0)
			g_error("socket");
		done += (size_t)n;
	}
}

static ssize_t
write_some(int fd, void *buf, size_t size)
{
	return write(fd, buf, size);
}

/** struct peer: the other side of a floor. */
struct peer {
	int fd;
	size_t bulk; /* bytes to send at once; 0: answer ROUNDS requests */
};

static gpointer
peer_thread(gpointer arg)
{
	const struct peer *p = arg;
	g_autofree char *buf = g_malloc0(MAX(p->bulk, ANSWER));

	if (p->bulk > 0) {
		for (unsigned int i = 0; i < LISTS; i++)
			transfer(p->fd, buf, p->bulk, write_some);
		return NULL;
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		transfer(p->fd, buf, REQUEST, read);
		transfer(p->fd, buf, ANSWER, write_some);
	}
	return NULL;
}

/* Nanoseconds of one round, or of @bulk bytes received. */
static double
floor_ns(size_t bulk)
{
	static uint64_t samples[ROUNDS];
	unsigned int rounds = bulk > 0 ? LISTS : ROUNDS;
	g_autofree char *buf = g_malloc0(MAX(bulk, ANSWER));
	struct peer p = { .bulk = bulk };
	GThread *thread;
	uint64_t start;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		g_error("socketpair");
	p.fd = fds[1];
	thread = g_thread_new("peer", peer_thread, &p);
	for (unsigned int i = 0; i < rounds; i++) {
		start = now_ns();
		if (bulk == 0)
			transfer(fds[0], buf, REQUEST, write_some);
		transfer(fds[0], buf, bulk > 0 ? bulk : ANSWER, read);
		samples[i] = now_ns() - start;
	}
	g_thread_join(thread);
	close(fds[0]);
	close(fds[1]);
	return (double)bench_quantile(samples, rounds, 50);
}

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

static char *path;
static gint done;

static void
must(int rc)
{
	if (rc < 0)
		g_error("%s", g_strerror(-rc));
}

static gpointer
client_thread(gpointer arg)
{
	static uint64_t samples[ROUNDS];
	const double *floors = arg;
	struct dpvs_client *c;
	struct dpvs_reply *r;
	uint64_t start;

	must(dpvs_client_open(path, 60000, &c));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		start = now_ns();
		must(dpvs_client_get(c, ID_NOTHING, NULL, 0, &r));
		samples[i] = now_ns() - start;
		dpvs_reply_free(r);
	}
	bench_report("ctl-get-rtt", (double)bench_quantile(samples, ROUNDS, 50) / 1000, "us",
		     floors[0] / 1000);
	for (unsigned int i = 0; i < ROUNDS / WINDOW; i++) {
		start = now_ns();
		for (unsigned int k = 0; k < WINDOW; k++)
			must(dpvs_client_send(c, DPVS_SOCKOPT_GET, ID_NOTHING, NULL, 0, 0, NULL));
		for (unsigned int k = 0; k < WINDOW; k++)
			must(dpvs_client_receive(c, NULL, NULL));
		samples[i] = now_ns() - start;
	}
	bench_report("ctl-get-pipelined",
		     (double)bench_quantile(samples, ROUNDS / WINDOW, 50) / WINDOW / 1000, "us",
		     floors[0] / 1000);
	for (unsigned int i = 0; i < LISTS; i++) {
		start = now_ns();
		must(dpvs_client_get(c, ID_LIST, NULL, 0, &r));
		samples[i] = now_ns() - start;
		if (dpvs_reply_count(r) != LISTED)
			g_error("list");
		dpvs_reply_free(r);
	}
	bench_report("ctl-list-10k", (double)bench_quantile(samples, LISTS, 50) / 1000, "us",
		     floors[1] / 1000);
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
	double floors[2] = { floor_ns(0), floor_ns(LISTED * RECORD) };
	char *error = NULL;
	GThread *thread;

	path = g_strconcat(dir, "/ctrl", NULL);
	params.path = path;
	if (dpvs_server_new(&params, &server, &error) < 0)
		g_error("%s", error);
	for (size_t i = 0; i < G_N_ELEMENTS(opts); i++)
		must(dpvs_sockopt_register(&opts[i]));
	thread = g_thread_new("client", client_thread, floors);
	while (!g_atomic_int_get(&done))
		g_main_context_iteration(NULL, TRUE);
	g_thread_join(thread);
	dpvs_server_free(server);
	rmdir(dir);
	g_free(path);
	return 0;
}
