/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See client.h.
 */
#include "client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "harness.h"

enum kind {
	GET,
	SET,
	TXN,
	LEAVE,
	HANG_UP,
	DEADLINES,
	END,
};

/** struct job: for the thread. */
struct job {
	enum kind kind;
	uint32_t id;
	const struct op *ops;
	unsigned int count;
	uint32_t mode; /* or deadline */
	struct dpvs_reply *reply;
	int result;
	bool unknown;
	gint done;
};

static GThread *thread;
static GAsyncQueue *queue;
static char error_text[512];
static uint32_t error_index;

static const void *
records_of(const struct op *op)
{
	return op->count > 0 ? op->service : NULL; /* the first member of the union: they all begin there */
}

static int
run_txn(struct dpvs_client *client, const struct job *job)
{
	struct dpvs_txn *txn = NULL;
	int rc = dpvs_txn_begin(client, job->mode, 0, &txn);

	for (unsigned int i = 0; rc == 0 && i < job->count; i++)
		dpvs_txn_set(txn, job->ops[i].id, records_of(&job->ops[i]), job->ops[i].size, job->ops[i].count);
	if (rc < 0)
		return rc;
	if (job->kind == TXN)
		return dpvs_txn_commit(txn, NULL);
	/* The connection is gone at once, not after an orderly end. */
	shutdown(dpvs_client_fd(client), SHUT_RDWR);
	dpvs_txn_abort(txn);
	return 0;
}

static int
run(struct dpvs_client **client, struct job *job)
{
	struct dpvs_client *leaving = NULL;
	int rc = 0;

	if (job->kind == LEAVE) {
		rc = dpvs_client_open(harness_socket(), 20000, &leaving);
		if (rc == 0)
			run_txn(leaving, job);
		dpvs_client_close(leaving);
		return rc;
	}
	if (job->kind == HANG_UP) {
		dpvs_client_close(*client);
		*client = NULL;
		return 0;
	}
	/* A daemon that cannot have another client says so by closing the connection. */
	if (*client == NULL)
		rc = dpvs_client_open(harness_socket(), 20000, client);
	if (rc == 0 && job->kind == DEADLINES)
		rc = dpvs_client_deadlines(*client, job->mode, 0);
	else if (rc == 0 && job->kind == GET)
		rc = dpvs_client_get(*client, job->id, NULL, 0, &job->reply);
	else if (rc == 0 && job->kind == SET)
		rc = dpvs_client_set(*client, job->ops->id, records_of(job->ops), job->ops->size, job->ops->count);
	else if (rc == 0)
		rc = run_txn(*client, job);
	error_text[0] = '\0';
	if (rc < 0) {
		g_strlcpy(error_text, dpvs_client_error(*client), sizeof(error_text));
		error_index = dpvs_client_error_index(*client);
		job->unknown = dpvs_client_unreachable(*client) != 0;
	}
	if (job->unknown) {
		dpvs_client_close(*client);
		*client = NULL;
	}
	return rc;
}

static gpointer
client_main(gpointer arg)
{
	struct dpvs_client *client = NULL;
	struct job *job;

	(void)arg;
	while ((job = g_async_queue_pop(queue))->kind != END) {
		job->result = run(&client, job);
		g_atomic_int_set(&job->done, 1);
	}
	dpvs_client_close(client);
	g_atomic_int_set(&job->done, 1);
	return NULL;
}

static int
carry_out(struct job *job)
{
	g_async_queue_push(queue, job);
	while (!g_atomic_int_get(&job->done)) {
		harness_pump(0);
		g_thread_yield();
	}
	return job->result;
}

void
client_start(void)
{
	queue = g_async_queue_new();
	thread = g_thread_new("client", client_main, NULL);
}

void
client_stop(void)
{
	struct job job = { .kind = END };

	carry_out(&job);
	g_thread_join(thread);
	g_async_queue_unref(queue);
}

int
client_get(uint32_t id, struct dpvs_reply **ret_reply)
{
	struct job job = { .kind = GET, .id = id };
	int rc = carry_out(&job);

	*ret_reply = job.reply;
	return rc;
}

int
client_set(const struct op *op, bool *ret_unknown)
{
	struct job job = { .kind = SET, .ops = op };
	int rc = carry_out(&job);

	*ret_unknown = job.unknown;
	return rc;
}

int
client_txn(const struct op *ops, unsigned int count, uint32_t mode, bool *ret_unknown)
{
	struct job job = { .kind = TXN, .ops = ops, .count = count, .mode = mode };
	int rc = carry_out(&job);

	*ret_unknown = job.unknown;
	return rc;
}

int
client_get_deadline(uint32_t ms)
{
	struct job job = { .kind = DEADLINES, .mode = ms };

	return carry_out(&job);
}

void
client_hang_up(void)
{
	struct job job = { .kind = HANG_UP };

	carry_out(&job);
}

void
client_leave(const struct op *ops, unsigned int count)
{
	struct job job = { .kind = LEAVE, .ops = ops, .count = count };

	carry_out(&job);
}

const char *
client_error(void)
{
	return error_text;
}

uint32_t
client_error_index(void)
{
	return error_index;
}
