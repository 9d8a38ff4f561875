/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small daemon on libdpvsctrl: every worker lcore has a sum of its own, which nobody else touches. A client's
 * request becomes a message to all workers; their answers become the answer to the client. No lock anywhere.
 *
 *   daemon EAL-ARGUMENTS -- SOCKET
 *
 * EAL comes first, then the messages, then the workers, and the socket last: who is let in finds everything
 * ready. The end is the same backwards.
 */
#include <dpvsctrl/msg.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>
#include <errno.h>
#include <glib-unix.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"

/* Our message: types up to 63 belong to the library, from 64 on to the daemon that uses it. */
enum { MSG_COUNT = 100 };

static bool stop;                      /* main writes, workers read */
static uint64_t sums[RTE_MAX_LCORE];   /* [lcore]: that worker reads and writes */

/* ---- workers ---- */

/* On each worker: adds what the message carries and answers with the sum. */
static void
on_count(struct dpvs_msg *msg)
{
	const uint32_t *add = dpvs_msg_data(msg);

	sums[rte_lcore_id()] += *add;
	dpvs_msg_set_reply_u64(msg, sums[rte_lcore_id()]);
}

static int
worker_main(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		/* A real worker polls its ports here, and sleeps only when it has nothing to do. */
		if (dpvs_msg_process() == 0)
			dpvs_msg_sleep(100000);
	}
	return 0;
}

static const struct dpvs_msg_type count_type = {
	.type = MSG_COUNT,
	.name = "count",
	.prio = DPVS_MSG_PRIO_NORM,
	.on_worker = on_count,
};

/* ---- requests ---- */

/* On the main lcore, once: all workers have answered, or the deadline passed and there is no message. */
static void
count_done(struct dpvs_msg *msg, int status, void *arg)
{
	struct dpvs_req *req = arg;
	unsigned int lcore;

	if (msg == NULL || status < 0) {
		dpvs_req_end(req, dpvs_req_error(req, status, "the workers did not answer in time"));
		return;
	}
	if (dpvs_req_sockopt(req)->type == DPVS_SOCKOPT_GET) {
		RTE_LCORE_FOREACH_WORKER(lcore) {
			struct count_info info = { .lcore = lcore, .sum = dpvs_msg_reply_u64(msg, lcore) };

			dpvs_req_add(req, &info, sizeof(info));
		}
	}
	dpvs_req_end(req, 0);
}

/* Asks all workers; the request stays open until count_done(). */
static int
count_ask(struct dpvs_req *req, uint32_t add)
{
	struct dpvs_msg *msg = dpvs_msg_new(MSG_COUNT, sizeof(add));
	int err;

	if (msg == NULL)
		return dpvs_req_error(req, -ENOBUFS, "all messages are in use");
	memcpy(dpvs_msg_data(msg), &add, sizeof(add));
	err = dpvs_msg_multicast(msg, 0, count_done, req);
	if (err < 0) {
		dpvs_msg_free(msg); /* a send that failed leaves it with us */
		return dpvs_req_error(req, err, "too much is waiting for the workers");
	}
	return DPVS_REQ_PENDING;
}

static int
count_get(struct dpvs_req *req, const void *records, uint32_t count)
{
	(void)records;
	(void)count;
	return count_ask(req, 0);
}

static int
count_set_add(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct count_add *add = records;

	(void)count; /* the server saw to it that it is 1 */
	if (add->add == 0 || add->add > COUNT_ADD_MAX || add->pad != 0) {
		dpvs_req_error_index(req, 0);
		return dpvs_req_error(req, -EINVAL, "cannot add %u: 1 to %u", add->add, COUNT_ADD_MAX);
	}
	return count_ask(req, add->add);
}

static const struct dpvs_sockopt sockopts[] = {
	{
		.name = "count",
		.id = COUNT_GET,
		.type = DPVS_SOCKOPT_GET,
		.fn = count_get,
	},
	{
		.name = "count-add",
		.id = COUNT_SET_ADD,
		.type = DPVS_SOCKOPT_SET,
		.record_size = sizeof(struct count_add),
		.min_records = 1,
		.max_records = 1,
		.fn = count_set_add,
	},
};

/* ---- start and end ---- */

static _Noreturn void
die(const char *what, int err)
{
	fprintf(stderr, "daemon: %s: %s\n", what, strerror(-err));
	exit(1);
}

static gboolean
on_signal(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct dpvs_server_params params = { 0 };
	struct dpvs_server *server;
	GMainLoop *loop;
	char *error = NULL;
	unsigned int lcore;
	size_t i;
	int rc;

	rc = rte_eal_init(argc, argv);
	if (rc < 0)
		die("EAL does not start", -rte_errno);
	params.path = rc + 1 < argc ? argv[rc + 1] : NULL;

	rc = dpvs_msg_init(NULL);
	if (rc == 0)
		rc = dpvs_msg_type_register(&count_type);
	if (rc < 0)
		die("messages", rc);
	rc = rte_eal_mp_remote_launch(worker_main, NULL, SKIP_MAIN);
	if (rc < 0)
		die("workers", rc);

	for (i = 0; i < RTE_DIM(sockopts); i++) {
		rc = dpvs_sockopt_register(&sockopts[i]);
		if (rc < 0)
			die(sockopts[i].name, rc);
	}
	rc = dpvs_server_new(&params, &server, &error);
	if (rc < 0)
		die(error, rc);

	loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, on_signal, loop);
	g_unix_signal_add(SIGINT, on_signal, loop);
	printf("serving\n");
	fflush(stdout);
	g_main_loop_run(loop);
	g_main_loop_unref(loop);

	dpvs_server_free(server);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	RTE_LCORE_FOREACH_WORKER(lcore)
		dpvs_msg_ring_doorbell(lcore);
	rte_eal_mp_wait_lcore();
	/* Requests that still wait for workers end here, by count_done() with -ECANCELED. */
	dpvs_msg_fini();
	for (i = 0; i < RTE_DIM(sockopts); i++)
		dpvs_sockopt_unregister(&sockopts[i]);
	rte_eal_cleanup();
	printf("ended\n");
	return 0;
}
