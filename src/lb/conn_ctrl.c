/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists connections: GET 1000 asks one worker after the other for slices of its table, GET 1001 asks the
 * owner for one connection. Nothing waits: the main lcore goes on with the answer of each message, and only
 * as fast as the client reads; a worker looks at a bounded number of connections for a message.
 */
#include "lb/conn_ctrl.h"

#include <errno.h>
#include <glib.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <rte_byteorder.h>

#include <dpvsctrl/wire.h>

#include "core/ctl.h"
#include "lb/conn.h"

/* Connections of one slice, and how many a worker looks at for it: some 20 us. */
#define SLICE_RECORDS 128
#define SLICE_LOOKS 512
/* Slices that may be lost to workers that do not answer before lists are refused. */
#define LOST_MAX 64

enum slice_state {
	SLICE_ASKED,
	SLICE_FILLING, /* by the worker */
	SLICE_LEFT,    /* main waits no longer */
};

/* What main and a worker share while one asks and the other answers. */
struct slice {
	_Atomic int state;              /* enum slice_state; worker: ASKED to FILLING, main: ASKED to LEFT */
	struct dpvs_conn_filter filter; /* main: rw, worker: ro */
	uint32_t from;                  /* first index to look at */
	uint32_t limit;                 /* most records */
	uint32_t next;                  /* worker: where to go on; 0: that was all */
	uint32_t changes;               /* worker: of its table */
	uint32_t count;                 /* worker: records */
	struct dpvs_conn_info records[SLICE_RECORDS];
};

/* A list under way; main lcore. */
struct dump {
	struct dpvs_req *req;
	struct slice *slice;
	uint32_t worker;
	uint32_t left;    /* records that the client still wants */
	uint32_t changes; /* of the worker's table at its first slice */
	bool first;       /* the next slice is a worker's first */
};

/* Slices that a worker may still write to; freed when workers have ended, by the end of the process. */
static GPtrArray *lost_slices;

static void dump_ask(struct dpvs_req *req, void *arg);

static void
info_addr(struct dpvs_addr *to, uint8_t af, const void *addr)
{
	memset(to, 0, sizeof(*to));
	to->family = af;
	memcpy(to->bytes, addr, af == AF_INET ? 4 : 16);
}

static void
info_fill(const struct conn_table *t, const struct conn *c, struct dpvs_conn_info *info)
{
	const struct conn_addrs6 *a = conn_addrs6(t, c);
	const struct conn_tuple *in = &c->tuple[CONN_IN], *out = &c->tuple[CONN_OUT];
	int32_t left = (int32_t)(c->last_ms + c->timeout_ms - (uint32_t)lcore_me()->now_ms);
	bool v4 = c->af == AF_INET;

	memset(info, 0, sizeof(*info));
	info_addr(&info->client, c->af, v4 ? (const void *)&in->src : &a->dir[CONN_IN].src);
	info_addr(&info->vip, c->af, v4 ? (const void *)&in->dst : &a->dir[CONN_IN].dst);
	info_addr(&info->dest, c->af, v4 ? (const void *)&out->src : &a->dir[CONN_OUT].src);
	info->client_port = rte_be_to_cpu_16(in->sport);
	info->vip_port = rte_be_to_cpu_16(in->dport);
	info->dest_port = rte_be_to_cpu_16(out->sport);
	if (c->fwd == DPVS_FWD_FULLNAT) {
		info_addr(&info->laddr, c->af, v4 ? (const void *)&out->dst : &a->dir[CONN_OUT].dst);
		info->laddr_port = rte_be_to_cpu_16(out->dport);
	}
	info->proto = c->proto;
	info->state = c->state;
	info->fwd = c->fwd;
	info->lcore = rte_lcore_id();
	info->expire_ms = left > 0 ? (uint64_t)left : 0;
	info->in_pkts = c->pkts[CONN_IN];
	info->out_pkts = c->pkts[CONN_OUT];
	info->in_bytes = c->bytes[CONN_IN];
	info->out_bytes = c->bytes[CONN_OUT];
	info->cursor = (uint64_t)lcore_me()->worker << 32 | (conn_index(t, c) + 1);
}

static bool
addr_differs(const struct dpvs_addr *want, const struct dpvs_addr *is)
{
	return want->family != 0 && memcmp(want, is, sizeof(*want)) != 0;
}

static bool
filter_matches(const struct dpvs_conn_filter *f, const struct dpvs_conn_info *info)
{
	return !(addr_differs(&f->client, &info->client) || addr_differs(&f->vip, &info->vip) ||
		 addr_differs(&f->dest, &info->dest) ||
		 (f->client_port != 0 && f->client_port != info->client_port) ||
		 (f->vip_port != 0 && f->vip_port != info->vip_port) ||
		 (f->dest_port != 0 && f->dest_port != info->dest_port) ||
		 (f->proto != 0 && f->proto != info->proto) ||
		 (f->state_plus_one != 0 && f->state_plus_one != info->state + 1));
}

/*
 * ---- workers
 */

static void
conn_msg_get_all(struct dpvs_msg *msg)
{
	const struct conn_table *t = &conn_workers[lcore_me()->worker].table;
	int asked = SLICE_ASKED;
	struct slice *s;
	uint32_t i, end;

	memcpy(&s, dpvs_msg_data(msg), sizeof(s));
	/* Acquire: what main wrote before it sent the message; fails when main has given up (dump_done()). */
	if (!atomic_compare_exchange_strong_explicit(&s->state, &asked, SLICE_FILLING,
						     memory_order_acquire, memory_order_relaxed))
		return;
	end = RTE_MIN(t->fresh, s->from + SLICE_LOOKS);
	s->count = 0;
	for (i = RTE_MAX(s->from, 1u); i < end && s->count < s->limit; i++) {
		const struct conn *c = &t->conns[i];

		if (c->af == 0 || (c->flags & CONN_F_LEFT) != 0)
			continue;
		info_fill(t, c, &s->records[s->count]);
		if (filter_matches(&s->filter, &s->records[s->count]))
			s->count++;
	}
	s->next = i < t->fresh ? i : 0;
	s->changes = t->changes;
}

static void
conn_msg_get(struct dpvs_msg *msg)
{
	const struct conn_table *t = &conn_workers[lcore_me()->worker].table;
	struct dpvs_conn_filter f;
	struct dpvs_conn_info info;
	rte_be16_t ports[2];
	uint32_t ref;

	memcpy(&f, dpvs_msg_data(msg), sizeof(f));
	ports[0] = rte_cpu_to_be_16(f.client_port);
	ports[1] = rte_cpu_to_be_16(f.vip_port);
	if (f.client.family == AF_INET) {
		uint8_t addrs[8];
		struct conn_key4 key;

		memcpy(addrs, f.client.bytes, 4);
		memcpy(addrs + 4, f.vip.bytes, 4);
		key = conn_key4(addrs, ports, f.proto);
		ref = conn_find4(t, &key);
	} else {
		uint8_t addrs[32];
		struct conn_key6 key;

		memcpy(addrs, f.client.bytes, 16);
		memcpy(addrs + 16, f.vip.bytes, 16);
		key = conn_key6(addrs, ports, f.proto);
		ref = conn_find6(t, &key);
	}
	/* The key of a client, not that of a server which happens to look alike. */
	if (ref == CONN_NONE || (ref & 1) != CONN_IN) {
		dpvs_msg_set_status(msg, -ESRCH);
		return;
	}
	info_fill(t, &t->conns[ref >> 1], &info);
	memcpy(dpvs_msg_data(msg), &info, sizeof(info));
	dpvs_msg_set_len(msg, sizeof(info));
}

/*
 * ---- main lcore
 */

static void
dump_end(struct dump *d, int err)
{
	struct dpvs_req *req = d->req;

	g_free(d->slice);
	g_free(d);
	dpvs_req_end(req, err);
}

static void
dump_done(struct dpvs_msg *msg, int status, void *arg)
{
	struct dump *d = arg;
	struct slice *s = d->slice;

	if (status != 0) {
		int asked = SLICE_ASKED;

		/* The worker may still come to it, so the memory stays; it only must not be written any more. */
		atomic_compare_exchange_strong_explicit(&s->state, &asked, SLICE_LEFT, memory_order_relaxed,
							memory_order_relaxed);
		g_ptr_array_add(lost_slices, s);
		d->slice = NULL;
		dpvs_req_error(d->req, status, "worker on lcore %u did not answer",
			       lcore_of_worker(d->worker));
		dump_end(d, status);
		return;
	}
	if (d->first)
		d->changes = s->changes;
	else if (d->changes != s->changes)
		dpvs_req_set_flags(d->req, DPVS_REPLY_CHANGED);
	d->first = false;
	for (uint32_t i = 0; i < s->count; i++)
		dpvs_req_add(d->req, &s->records[i], sizeof(s->records[i]));
	d->left -= s->count;
	s->from = s->next;
	if (s->next == 0) {
		d->worker++;
		d->first = true;
	}
	if (d->left == 0 || d->worker >= lcore_worker_count()) {
		dump_end(d, 0);
		return;
	}
	dpvs_req_on_drained(d->req, dump_ask, d);
}

static int
dump_send(struct dump *d)
{
	struct slice *s = d->slice;
	struct dpvs_msg *msg = dpvs_msg_new(DPVS_MSG_CONN_GET_ALL, sizeof(s));
	int err;

	if (msg == NULL)
		return -ENOBUFS;
	s->limit = MIN(d->left, SLICE_RECORDS);
	memcpy(dpvs_msg_data(msg), &s, sizeof(s));
	atomic_store_explicit(&s->state, SLICE_ASKED, memory_order_release);
	err = dpvs_msg_request(msg, lcore_of_worker(d->worker), ctl_deadline_ms(d->req), dump_done, d);
	if (err != 0)
		dpvs_msg_free(msg);
	return err;
}

static void
dump_ask(struct dpvs_req *req, void *arg)
{
	struct dump *d = arg;
	int err = dpvs_req_cancelled(req) ? -ECANCELED : dump_send(d);

	if (err != 0)
		dump_end(d, err);
}

static int
conn_ctl_get_all(struct dpvs_req *req, const void *record)
{
	const struct dpvs_conn_filter *filter = record;
	struct dump *d;
	int err;

	if (filter->cursor >> 32 >= lcore_worker_count())
		return dpvs_req_error(req, -EINVAL, "the cursor is none of this daemon's");
	if (filter->state_plus_one > DPVS_CONN_STATE_COUNT)
		return dpvs_req_error(req, -EINVAL, "there is no connection state %u",
				      filter->state_plus_one - 1u);
	if (lost_slices == NULL)
		lost_slices = g_ptr_array_new();
	if (lost_slices->len >= LOST_MAX)
		return dpvs_req_error(req, -EBUSY, "a worker has stopped answering");
	d = g_new0(struct dump, 1);
	d->slice = g_new0(struct slice, 1);
	d->slice->filter = *filter;
	d->slice->from = (uint32_t)filter->cursor;
	d->req = req;
	d->worker = (uint32_t)(filter->cursor >> 32);
	d->left = filter->limit != 0 ? filter->limit : UINT32_MAX;
	d->first = true;
	err = dump_send(d);
	if (err == 0)
		return DPVS_REQ_PENDING;
	g_free(d->slice);
	g_free(d);
	return dpvs_req_error(req, err, "no message to ask a worker with is free");
}

static void
get_done(struct dpvs_msg *msg, int status, void *arg)
{
	struct dpvs_req *req = arg;
	struct dpvs_conn_info info;

	if (status == -ESRCH) {
		dpvs_req_error(req, status, "there is no such connection");
	} else if (status != 0 || msg == NULL) {
		dpvs_req_error(req, status, "the worker that owns it did not answer");
	} else {
		memcpy(&info, dpvs_msg_data(msg), sizeof(info));
		dpvs_req_add(req, &info, sizeof(info));
	}
	dpvs_req_end(req, status);
}

static int
conn_ctl_get(struct dpvs_req *req, const void *record)
{
	const struct dpvs_conn_filter *f = record;
	union ip_addr client = { 0 };
	struct dpvs_msg *msg;
	int err;

	if ((f->client.family != AF_INET && f->client.family != AF_INET6) ||
	    f->vip.family != f->client.family || f->proto == 0)
		return dpvs_req_error(req, -EINVAL,
				      "name protocol, client and virtual address, with their ports");
	memcpy(&client, f->client.bytes, f->client.family == AF_INET ? 4 : 16);
	msg = dpvs_msg_new(DPVS_MSG_CONN_GET, sizeof(struct dpvs_conn_info));
	if (msg == NULL)
		return dpvs_req_error(req, -ENOBUFS, "no message to ask a worker with is free");
	memcpy(dpvs_msg_data(msg), f, sizeof(*f));
	err = dpvs_msg_request(msg,
			       lcore_of_worker(flow_owner(f->client.family, &client,
							  rte_cpu_to_be_16(f->client_port))),
			       ctl_deadline_ms(req), get_done, req);
	if (err == 0)
		return DPVS_REQ_PENDING;
	dpvs_msg_free(msg);
	return dpvs_req_error(req, err, "the message to the worker was not taken");
}

void
conn_ctrl_fini(void)
{
	if (lost_slices == NULL)
		return;
	g_ptr_array_set_free_func(lost_slices, g_free);
	g_ptr_array_unref(lost_slices);
	lost_slices = NULL;
}

const struct module_sockopt conn_sockopts[] = {
	{
		.name = "conn-list",
		.id = DPVS_GET_CONNS,
		.record_size = sizeof(struct dpvs_conn_filter),
		.get = conn_ctl_get_all,
	},
	{
		.name = "conn-get",
		.id = DPVS_GET_CONN,
		.record_size = sizeof(struct dpvs_conn_filter),
		.need_record = true,
		.get = conn_ctl_get,
	},
	{},
};

const struct dpvs_msg_type conn_msgs[] = {
	{
		.type = DPVS_MSG_CONN_GET_ALL,
		.name = "conn-get-all",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = conn_msg_get_all,
	},
	{
		.type = DPVS_MSG_CONN_GET,
		.name = "conn-get",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = conn_msg_get,
	},
	{},
};
