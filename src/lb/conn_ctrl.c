/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked about connections: GET 1001 asks the owner for one, GET 1000 lists them (conn_dump.c). Nothing
 * waits: the main lcore goes on with the answer of each message.
 */
#include "lb/conn_ctrl.h"

#include <errno.h>
#include <glib.h>
#include <sys/socket.h>

#include <rte_byteorder.h>

#include <dpvsctrl/server.h>

#include "core/ctl.h"
#include "lb/conn.h"

/*
 * ---- workers
 */

static void
info_addr(struct dpvs_addr *to, uint8_t af, const void *addr)
{
	memset(to, 0, sizeof(*to));
	to->family = af;
	memcpy(to->bytes, addr, af == AF_INET ? 4 : 16);
}

void
conn_info_fill(const struct conn_table *t, const struct conn *c, struct dpvs_conn_info *info)
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
	conn_info_fill(t, &t->conns[ref >> 1], &info);
	memcpy(dpvs_msg_data(msg), &info, sizeof(info));
	dpvs_msg_set_len(msg, sizeof(info));
}

/*
 * ---- main lcore
 */

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
