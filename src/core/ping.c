/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ping.h. Each lcore gets a HELLO of its own, so one that is stuck delays nothing but the answer of
 * who asked, until the deadline. An lcore whose thread does not run is not asked: its message would lie
 * in the ring until it does.
 */
#include "core/ping.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/server.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <string.h>

#include "core/lcore.h"

#define TIMEOUT_MS     50
#define TIMEOUT_MS_MAX 10000

/** struct ping: a request under way. */
struct ping {
	struct dpvs_req *req;
	GArray *answers;      /* struct dpvs_ping, by lcore id; does not grow once the first is sent */
	unsigned int waiting; /* HELLOs unanswered, and one for who sends them */
};

/** struct ping_one: of one lcore. */
struct ping_one {
	struct ping *ping;
	guint index; /* in answers */
	uint64_t sent;
};

static void
ping_unref(struct ping *p)
{
	guint i;

	if (--p->waiting > 0)
		return;
	for (i = 0; i < p->answers->len; i++)
		dpvs_req_add(p->req, &g_array_index(p->answers, struct dpvs_ping, i),
			     sizeof(struct dpvs_ping));
	dpvs_req_end(p->req, 0);
	g_array_unref(p->answers);
	g_free(p);
}

static void
ping_done(struct dpvs_msg *msg, int status, void *arg)
{
	struct ping_one *one = arg;
	struct dpvs_ping *answer = &g_array_index(one->ping->answers, struct dpvs_ping, one->index);
	const struct dpvs_msg_hello *hello;

	if (status == 0 && msg != NULL) {
		hello = dpvs_msg_data(msg);
		answer->state = DPVS_PING_ANSWERED;
		answer->rtt_ns = (uint64_t)((double)(rte_rdtsc() - one->sent) * 1e9 /
					    (double)rte_get_tsc_hz());
		memcpy(answer->text, hello->text, sizeof(answer->text));
	} else {
		answer->state = DPVS_PING_TIMEOUT;
	}
	ping_unref(one->ping);
	g_free(one);
}

static void
ping_send(struct ping *p, guint index, const struct dpvs_ping *want)
{
	struct dpvs_ping *answer = &g_array_index(p->answers, struct dpvs_ping, index);
	struct dpvs_msg_hello hello = { .lcore = answer->lcore };
	struct ping_one *one;
	struct dpvs_msg *msg;

	if (answer->role == DPVS_LCORE_WORKER && rte_eal_get_lcore_state(answer->lcore) != RUNNING) {
		answer->state = DPVS_PING_STOPPED;
		return;
	}
	answer->state = DPVS_PING_NOT_SENT;
	msg = dpvs_msg_new(DPVS_MSG_HELLO, sizeof(hello));
	if (msg == NULL)
		return;
	memcpy(hello.text, want->text, sizeof(hello.text));
	memcpy(dpvs_msg_data(msg), &hello, sizeof(hello));
	one = g_new(struct ping_one, 1);
	*one = (struct ping_one){ .ping = p, .index = index, .sent = rte_rdtsc() };
	if (dpvs_msg_request(msg, answer->lcore, answer->timeout_ms, ping_done, one) < 0) {
		dpvs_msg_free(msg);
		g_free(one);
	} else {
		p->waiting++;
	}
}

static void
ping_add(struct ping *p, const struct dpvs_ping *want, unsigned int lcore, uint32_t role)
{
	struct dpvs_ping answer = {
		.lcore = lcore,
		.role = role,
		.timeout_ms = want->timeout_ms != 0 ? want->timeout_ms : TIMEOUT_MS,
	};

	if ((want->flags & DPVS_PING_ONE) == 0 || want->lcore == lcore)
		g_array_append_val(p->answers, answer);
}

static gint
ping_compare(gconstpointer a, gconstpointer b)
{
	const struct dpvs_ping *x = a, *y = b;

	return x->lcore < y->lcore ? -1 : x->lcore > y->lcore;
}

int
ping_ctl_get(struct dpvs_req *req, const void *record)
{
	const struct dpvs_ping *want = record;
	struct ping *p;
	guint i;

	if ((want->flags & ~(uint32_t)DPVS_PING_ONE) != 0)
		return dpvs_req_error(req, -EINVAL, "unknown flags 0x%" PRIx32, want->flags);
	if (want->timeout_ms > TIMEOUT_MS_MAX)
		return dpvs_req_error(req, -EINVAL, "%" PRIu32 " ms is too long a time to wait; at most %d",
				      want->timeout_ms, TIMEOUT_MS_MAX);
	p = g_new0(struct ping, 1);
	p->req = req;
	p->answers = g_array_new(FALSE, FALSE, sizeof(struct dpvs_ping));
	ping_add(p, want, rte_get_main_lcore(), DPVS_LCORE_MAIN);
	for (i = 0; i < lcore_worker_count(); i++)
		ping_add(p, want, lcore_of_worker(i), DPVS_LCORE_WORKER);
	if (p->answers->len == 0) {
		g_array_unref(p->answers);
		g_free(p);
		return dpvs_req_error(req, -ENODEV, "there is no lcore %" PRIu32, want->lcore);
	}
	g_array_sort(p->answers, ping_compare);
	p->waiting = 1;
	for (i = 0; i < p->answers->len; i++)
		ping_send(p, i, want);
	ping_unref(p);
	return DPVS_REQ_PENDING;
}
