/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The family `route6`: IPv6 routes. The table itself is in route_table.c; room for it is made by the
 * module route (key route.max-routes counts for each family).
 */
#include <errno.h>

#include <dpvsctrl/proto/route.h>

#include "core/change.h"
#include "core/digest.h"
#include "module.h"
#include "net/addr.h"
#include "net/route.h"
#include "net/route_table.h"

static int
route6_ctl_set(struct change *c, const void *record)
{
	const struct dpvs_route_conf *conf = record;

	switch (conf->op) {
	case DPVS_ROUTE_OP_ADD:
		return route_table_add(c, AF_INET6, conf, 0);
	case DPVS_ROUTE_OP_DEL:
		return route_table_del(c, AF_INET6, conf);
	case DPVS_ROUTE_OP_SET:
		return route_table_add(c, AF_INET6, conf, 1);
	default:
		return change_error(c, -EINVAL, "unknown operation %u", conf->op);
	}
}

static int
route6_ctl_flush(struct change *c, const void *record)
{
	return route_table_flush(c, AF_INET6, record);
}

static int
route6_ctl_list(struct dpvs_req *req, const void *record)
{
	return route_table_list(req, AF_INET6, record);
}

static const char *const route6_after[] = { "route", NULL };

static const struct module_sockopt route6_sockopts[] = {
	{
		.name = "route6-set",
		.id = DPVS_SET_ROUTE6,
		.record_size = sizeof(struct dpvs_route_conf),
		.need_record = true,
		.set = route6_ctl_set,
	},
	{
		.name = "route6-flush",
		.id = DPVS_SET_ROUTE6_FLUSH,
		.record_size = sizeof(struct dpvs_route_conf),
		.set = route6_ctl_flush,
	},
	{
		.name = "route6-list",
		.id = DPVS_GET_ROUTES6,
		.record_size = sizeof(struct dpvs_route_conf),
		.get = route6_ctl_list,
	},
	{ 0 },
};

static const struct dpvs_msg_type route6_msgs[] = {
	{
		.type = DPVS_MSG_ROUTE6,
		.name = "route6",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = route_table_on_commit,
	},
	{ 0 },
};

static const struct module_digest route6_digests[] = {
	{ .name = "routes", .copy = route_digest6_copy, .truth = route_digest6_truth },
	{ 0 },
};

const struct module route6_module = {
	.name = "route6",
	.after = route6_after,
	.sockopts = route6_sockopts,
	.msgs = route6_msgs,
	.digests = route6_digests,
};
