/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GET 8600: the neighbours as each worker has them: its copy of the table, what it has used of it, and the next hops that
 * packets wait for there. One worker after another is asked for a slice (message NEIGH_GET), as fast as the client reads.
 * The workers' half is neigh_worker_slice().
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/server.h>

#include "core/ctl.h"
#include "core/lcore.h"
#include "net/addr.h"
#include "net/neigh_table.h"
#include "net/netif.h"
#include "net/wire_dev.h"

/* Bytes that the client has not read, from which the next slice waits for it. */
#define BACKLOG_MAX (64u << 10)

/** struct dump: an answer on its way. */
struct dump {
	struct dpvs_req *req;
	unsigned int worker;
	struct neigh_slice_ask ask;
};

static void dump_next(struct dump *d);

static void
dump_end(struct dump *d, int err)
{
	dpvs_req_end(d->req, err);
	g_free(d);
}

static void
dump_drained(struct dpvs_req *req, void *arg)
{
	(void)req;
	dump_next(arg);
}

static void
dump_add(struct dump *d, const struct neigh_replica *r)
{
	struct dpvs_neigh_replica_info info = {
		.addr = addr_to_wire(r->key.af, &r->key.addr),
		.lcore = lcore_of_worker(d->worker),
		.flags = r->flags,
		.held = r->held,
		.waiting_ms = r->waiting_ms,
	};

	memcpy(info.mac, r->mac, sizeof(info.mac));
	if (netif_name(r->key.port) != NULL)
		g_strlcpy(info.dev, netif_name(r->key.port), sizeof(info.dev));
	dpvs_req_add(d->req, &info, sizeof(info));
}

static void
dump_answered(struct dpvs_msg *msg, int status, void *arg)
{
	const struct neigh_slice *slice;
	struct dump *d = arg;

	if (status != 0 || msg == NULL) {
		dpvs_req_error(d->req, status, "worker %u did not answer", d->worker);
		dump_end(d, status);
		return;
	}
	slice = dpvs_msg_data(msg);
	for (uint32_t i = 0; i < slice->count; i++)
		dump_add(d, &slice->entries[i]);
	d->ask.cursor = slice->cursor;
	if (slice->cursor == 0)
		d->worker++;
	if (dpvs_req_cancelled(d->req) || d->worker >= lcore_worker_count())
		dump_end(d, 0);
	else if (dpvs_req_backlog(d->req) > BACKLOG_MAX)
		dpvs_req_on_drained(d->req, dump_drained, d);
	else
		dump_next(d);
}

static void
dump_next(struct dump *d)
{
	struct dpvs_msg *msg;
	int err;

	if (dpvs_req_cancelled(d->req)) {
		dump_end(d, -ECANCELED);
		return;
	}
	msg = dpvs_msg_new(DPVS_MSG_NEIGH_GET, sizeof(d->ask));
	if (msg == NULL) {
		dump_end(d, -ENOBUFS);
		return;
	}
	memcpy(dpvs_msg_data(msg), &d->ask, sizeof(d->ask));
	err = dpvs_msg_request(msg, lcore_of_worker(d->worker), ctl_deadline_ms(d->req), dump_answered, d);
	if (err == 0)
		return;
	dpvs_msg_free(msg);
	dump_end(d, err);
}

int
neigh_ctl_replicas(struct dpvs_req *req, const void *record)
{
	const struct dpvs_neigh_conf *filter = record;
	const struct netif *nif;
	struct dump *d;
	int ret;

	ret = wire_dev_get(req, filter->dev, &nif);
	if (ret != 0)
		return ret;
	if (filter->addr.family != 0 && filter->addr.family != AF_INET && filter->addr.family != AF_INET6)
		return dpvs_req_error(req, -EINVAL, "not an IPv4 or IPv6 address");
	d = g_new0(struct dump, 1);
	d->req = req;
	d->ask.af = filter->addr.family;
	d->ask.any_port = nif == NULL;
	d->ask.port = nif != NULL ? nif->port : 0;
	dump_next(d);
	return DPVS_REQ_PENDING;
}
