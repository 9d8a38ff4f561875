/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See collect.h. Messages of one ring are handled in order, so when the answer to a question is there, no worker is at
 * an older one any more: a worker that was late for a request that timed out spoils nothing of the next one.
 */
#include "core/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/ctl.h"
#include "core/lcore.h"

/* By message type; written by main while no worker runs. */
static const struct collect_kind *kinds[DPVS_MSG_TYPE_COUNT];

static GQueue jobs = G_QUEUE_INIT; /* the first has the next question, or the one under way */
static const struct collect_job *asked; /* whose question is under way; NULL: none is */
static bool in_end;
static guint expiry;      /* timer: some of the jobs that wait may be over */
static gint64 expiry_us;  /* when */

/** struct collect_msg: a message's payload. */
struct collect_msg {
	uint32_t kind; /* its type */
	uint32_t pad;
	uint8_t payload[COLLECT_PAYLOAD];
};

void
collect_register(const struct collect_kind *kind)
{
	kinds[kind->msg] = kind;
}

void
collect_unregister(const struct collect_kind *kind)
{
	kinds[kind->msg] = NULL;
}

void
collect_on_worker(struct dpvs_msg *msg)
{
	const struct collect_msg *m = dpvs_msg_data(msg);

	kinds[m->kind]->take(m->payload);
}

static void collect_go(void);

static void
collect_end(struct collect_job *job, int err)
{
	g_queue_unlink(&jobs, &job->link);
	if (job->end != NULL)
		job->end(job);
	dpvs_req_end(job->req, err);
	g_free(job);
}

static void
collect_answered(struct dpvs_msg *msg, int status, void *arg)
{
	struct collect_job *job = g_queue_peek_head(&jobs);
	int err;

	if (job == NULL || asked != arg)
		return; /* collect_stop() */
	asked = NULL;
	if (status == -ETIMEDOUT && job->kept) {
		err = job->next(job, true);
		if (err == 0)
			err = dpvs_req_error(job->req, -EINPROGRESS, "done, but a worker has not confirmed it yet");
		collect_end(job, err);
		collect_go();
		return;
	}
	if (status == -ETIMEDOUT) {
		dpvs_req_error(job->req, -ETIMEDOUT, "a worker has not dealt with the %s in time", job->kind->what);
		collect_end(job, -ETIMEDOUT);
		collect_go();
		return;
	}
	err = status != 0 ? status : job->next(job, true);
	if (err <= 0)
		collect_end(job, err);
	else
		g_queue_push_tail_link(&jobs, g_queue_pop_head_link(&jobs)); /* others have their turn */
	collect_go();
}

static int
collect_over(struct collect_job *job)
{
	return dpvs_req_error(job->req, -ETIMEDOUT, "the %s could not be dealt with in time", job->kind->what);
}

static gboolean collect_expire(gpointer arg);

/* Those that wait are ended in time also when the question before them is one that waits for longer. */
static void
collect_watch(gint64 end_us)
{
	gint64 left_us;

	if (expiry != 0 && expiry_us <= end_us)
		return;
	left_us = MAX(end_us - g_get_monotonic_time(), 0);
	if (expiry != 0)
		g_source_remove(expiry);
	expiry_us = end_us;
	expiry = g_timeout_add((guint)((left_us + 999) / 1000), collect_expire, NULL);
}

static gboolean
collect_expire(gpointer arg)
{
	gint64 now = g_get_monotonic_time();
	struct collect_job *job;
	GList *link, *next;

	(void)arg;
	expiry = 0;
	in_end = true;
	for (link = jobs.head; link != NULL; link = next) {
		job = link->data;
		next = link->next;
		if (job == asked)
			continue; /* its message has a deadline */
		if (job->end_us <= now)
			collect_end(job, collect_over(job));
		else
			collect_watch(job->end_us);
	}
	in_end = false;
	collect_go();
	return G_SOURCE_REMOVE;
}

static int
collect_ask(struct collect_job *job)
{
	gint64 left_ms = (job->end_us - g_get_monotonic_time()) / 1000;
	struct collect_msg *m;
	struct dpvs_msg *msg;
	int err;

	if (left_ms <= 0)
		return collect_over(job);
	if (dpvs_req_cancelled(job->req))
		return -ECANCELED;
	msg = dpvs_msg_new(job->kind->msg, (uint32_t)(sizeof(*m) - COLLECT_PAYLOAD) + job->len);
	if (msg == NULL)
		return -ENOBUFS;
	m = dpvs_msg_data(msg);
	m->kind = job->kind->msg;
	m->pad = 0;
	memcpy(m->payload, job->payload, job->len);
	err = dpvs_msg_multicast(msg, (uint32_t)left_ms, collect_answered, job);
	if (err < 0)
		dpvs_msg_free(msg);
	else
		asked = job;
	return err;
}

/* Asks the next question, of this request or the next one. */
static void
collect_go(void)
{
	struct collect_job *job;
	int err;

	while (asked == NULL && !in_end && (job = g_queue_peek_head(&jobs)) != NULL) {
		err = job->len > 0 ? 1 : job->next(job, false);
		if (err > 0)
			err = collect_ask(job);
		if (asked != NULL)
			return;
		in_end = true; /* the end of a request may begin another */
		collect_end(job, err);
		in_end = false;
	}
}

int
collect_start(const struct collect_job *job)
{
	struct collect_job *own = g_memdup2(job, sizeof(*job));

	own->link.data = own;
	own->len = 0;
	own->end_us = g_get_monotonic_time() + ctl_deadline_ms(own->req) * INT64_C(1000);
	g_queue_push_tail_link(&jobs, &own->link);
	if (jobs.length == 2) /* the first one was alone */
		collect_watch(((const struct collect_job *)g_queue_peek_head(&jobs))->end_us);
	if (jobs.length >= 2)
		collect_watch(own->end_us);
	collect_go();
	return DPVS_REQ_PENDING;
}

void
collect_stop(void)
{
	in_end = true;
	while (!g_queue_is_empty(&jobs))
		collect_end(g_queue_peek_head(&jobs), -ESHUTDOWN);
	in_end = false;
	asked = NULL;
	if (expiry != 0)
		g_source_remove(expiry);
	expiry = 0;
}
