/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The family `route`: IPv4 routes, and the look-up request that serves both families. The table itself
 * is in route_table.c.
 */
#include "net/route.h"

#include <rte_common.h>

#include <dpvsctrl/proto/route.h>

#include "core/change.h"
#include "core/digest.h"
#include "core/conf.h"
#include "module.h"
#include "net/addr.h"
#include "net/route_priv.h"
#include "net/route_table.h"

static int
route_ctl_add(struct change *c, const void *record)
{
	return route_table_add(c, AF_INET, record, 0);
}

static int
route_ctl_del(struct change *c, const void *record)
{
	return route_table_del(c, AF_INET, record);
}

static int
route_ctl_set(struct change *c, const void *record)
{
	return route_table_add(c, AF_INET, record, 1);
}

static int
route_ctl_flush(struct change *c, const void *record)
{
	return route_table_flush(c, AF_INET, record);
}

static int
route_ctl_list(struct dpvs_req *req, const void *record)
{
	return route_table_list(req, AF_INET, record);
}

static int
route_ctl_lookup(struct dpvs_req *req, const void *record)
{
	return route_table_get(req, record);
}

static int
route_init(const struct conf *conf)
{
	return route_table_init((uint32_t)conf_uint(conf, "route", "max-routes"));
}

static const char *const route_after[] = { "netif", NULL };

static const struct conf_key route_conf[] = {
	{
		.name = "max-routes",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 16,
		.max = 1u << 20,
		.def = 4096,
		.help = "Routes of each family, those that addresses bring included.",
	},
	{ 0 },
};

static const struct module_sockopt route_sockopts[] = {
	{
		.name = "route-add",
		.id = DPVS_SET_ROUTE_ADD,
		.record_size = sizeof(struct dpvs_route_conf),
		.need_record = true,
		.set = route_ctl_add,
	},
	{
		.name = "route-del",
		.id = DPVS_SET_ROUTE_DEL,
		.record_size = sizeof(struct dpvs_route_conf),
		.need_record = true,
		.set = route_ctl_del,
	},
	{
		.name = "route-set",
		.id = DPVS_SET_ROUTE_SET,
		.record_size = sizeof(struct dpvs_route_conf),
		.need_record = true,
		.set = route_ctl_set,
	},
	{
		.name = "route-flush",
		.id = DPVS_SET_ROUTE_FLUSH,
		.record_size = sizeof(struct dpvs_route_conf),
		.set = route_ctl_flush,
	},
	{
		.name = "route-list",
		.id = DPVS_GET_ROUTES,
		.record_size = sizeof(struct dpvs_route_conf),
		.get = route_ctl_list,
	},
	{
		.name = "route-lookup",
		.id = DPVS_GET_ROUTE_LOOKUP,
		.record_size = sizeof(struct dpvs_route_conf),
		.need_record = true,
		.get = route_ctl_lookup,
	},
	{ 0 },
};

static const struct dpvs_msg_type route_msgs[] = {
	{
		.type = DPVS_MSG_ROUTE_ADD,
		.name = "route-add",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = route_table_on_commit,
	},
	{
		.type = DPVS_MSG_ROUTE_DEL,
		.name = "route-del",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = route_table_on_commit,
	},
	{ 0 },
};

static const struct module_digest route_digests[] = {
	{ .name = "routes", .copy = route_digest4_copy, .truth = route_digest4_truth },
	{ 0 },
};

const struct module route_module = {
	.name = "route",
	.after = route_after,
	.conf = route_conf,
	.sockopts = route_sockopts,
	.msgs = route_msgs,
	.digests = route_digests,
	.events = route_events,
	.init = route_init,
	.fini = route_table_fini,
};
