/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time-outs that an operator may change: the truth, SET and GET 8100, and each worker's copy.
 */
#include "lb/timeouts.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/msg.h>
#include <dpvsctrl/server.h>

#include "core/change.h"
#include "core/digest.h"
#include "lb/truth.h"

/* Longest time-out in seconds: LVS lets an int of jiffies, ours ends where a silent client surely has gone. */
#define TIMEOUT_MAX_S (31u * 86400)

struct lb_timeouts lb_timeouts_of[WORKERS_MAX];

/* LVS's defaults. */
static const struct dpvs_timeouts defaults = { .tcp_s = 900, .tcp_fin_s = 120, .udp_s = 300 };

static struct dpvs_timeouts truth;
static struct dpvs_timeouts committed; /* what the change @set_by found */
static uint64_t set_by; /* serial of the last change of them; 0: none */

static void
copy_to(struct lb_timeouts *to, const struct dpvs_timeouts *from)
{
	to->tcp_s = from->tcp_s;
	to->tcp_fin_s = from->tcp_fin_s;
	to->udp_s = from->udp_s;
}

void
timeouts_init(void)
{
	truth = defaults;
	set_by = 0;
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		copy_to(&lb_timeouts_of[i], &defaults);
}

void
timeouts_apply(const void *data, uint32_t len)
{
	(void)len;
	copy_to(&lb_timeouts_of[lcore_me()->worker], data);
}

static void
undo(void *arg)
{
	truth = *(struct dpvs_timeouts *)arg;
	g_free(arg);
}

int
timeouts_ctl_set(struct change *c, const void *record)
{
	const struct dpvs_timeouts *new = record;
	struct dpvs_timeouts *before;
	struct dpvs_timeouts *op;

	if (new->tcp_s > TIMEOUT_MAX_S || new->tcp_fin_s > TIMEOUT_MAX_S || new->udp_s > TIMEOUT_MAX_S)
		return change_error(c, -EINVAL, "a time-out is at most %u seconds", TIMEOUT_MAX_S);
	if (new->pad != 0)
		return change_error(c, -EINVAL, "the request sets time-outs that are not known here");
	before = g_new(struct dpvs_timeouts, 1);
	*before = truth;
	change_undo(c, undo, before);
	change_done(c, g_free, before);
	if (set_by != change_serial(c))
		committed = truth;
	set_by = change_serial(c);
	if (new->tcp_s != 0)
		truth.tcp_s = new->tcp_s;
	if (new->tcp_fin_s != 0)
		truth.tcp_fin_s = new->tcp_fin_s;
	if (new->udp_s != 0)
		truth.udp_s = new->udp_s;
	if (memcmp(&truth, before, sizeof(truth)) == 0)
		return 0;
	op = change_op(c, DPVS_MSG_LB_TIMEOUTS, sizeof(*op));
	if (op == NULL)
		return -ENOMEM;
	*op = truth;
	return 0;
}

int
timeouts_get(struct dpvs_req *req, const void *record)
{
	(void)record;
	dpvs_req_add(req, change_hides(set_by) ? &committed : &truth, sizeof(truth));
	return 0;
}

bool
timeouts_digest_copy(struct digest *d)
{
	const struct lb_timeouts *t = lb_timeouts();

	digest_add(d, digest_u64(digest_u64(digest_u64(0, t->tcp_s), t->tcp_fin_s), t->udp_s));
	return false;
}

bool
timeouts_digest_truth(struct digest *d)
{
	digest_add(d, digest_u64(digest_u64(digest_u64(0, truth.tcp_s), truth.tcp_fin_s), truth.udp_s));
	return false;
}
