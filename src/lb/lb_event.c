/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of services and servers (core/event.h): what a subscriber is told of them. What is counted is left to the
 * GETs: it changes with every packet.
 */
#include <arpa/inet.h>

#include "core/event.h"
#include "lb/sched.h"
#include "lb/truth.h"

struct event_nodes vs_nodes = TAILQ_HEAD_INITIALIZER(vs_nodes);
struct event_nodes rs_nodes = TAILQ_HEAD_INITIALIZER(rs_nodes);

static uint32_t
vs_record(const struct event_node *node, void *data)
{
	const struct vs *vs = event_object(node, struct vs, event);
	struct dpvs_service_info *info = data;

	memset(info, 0, sizeof(*info));
	key_to_wire(&vs->key, &info->conf.key);
	g_strlcpy(info->conf.sched, vs->conf.sched->name, sizeof(info->conf.sched));
	info->conf.sched_flags = vs->conf.sched_flags;
	info->conf.conn_timeout_s = vs->conf.conn_timeout_s;
	return sizeof(*info);
}

void
vs_emit(struct change *c, uint32_t op, const struct vs *vs)
{
	struct dpvs_service_info info;

	if (event_wanted(DPVS_EVENT_SERVICE))
		event_emit(c, DPVS_EVENT_SERVICE, op, &info, vs_record(&vs->event, &info));
}

static uint32_t
rs_record(const struct event_node *node, void *data)
{
	const struct rs *rs = event_object(node, struct rs, event);
	struct dpvs_dest_info *info = data;

	memset(info, 0, sizeof(*info));
	key_to_wire(&rs->key.vip, &info->conf.svc);
	addr_to_wire(rs->key.vip.af, &rs->key.addr, &info->conf.addr);
	info->conf.port = ntohs(rs->key.port);
	info->conf.fwd = rs->conf.fwd;
	info->conf.weight = rs->conf.weight;
	return sizeof(*info);
}

void
rs_emit(struct change *c, uint32_t op, const struct rs *rs)
{
	struct dpvs_dest_info info;

	if (event_wanted(DPVS_EVENT_DEST))
		event_emit(c, DPVS_EVENT_DEST, op, &info, rs_record(&rs->event, &info));
}

const struct module_event lb_events[] = {
	{ .kind = DPVS_EVENT_SERVICE, .list = &vs_nodes, .record = vs_record },
	{ .kind = DPVS_EVENT_DEST, .list = &rs_nodes, .record = rs_record },
	{},
};
