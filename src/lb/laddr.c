/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Family laddr: local addresses of full-NAT services. Here is what workers have of them, and the descriptor of the
 * module: workers know an address by the services that have it (service.laddrs) and by a replica of the table of all of
 * them, which replies are looked up in. The main lcore owns the addresses (laddr_slot.c) and the services' lists of
 * them (laddr_ctl.c).
 */
#include "lb/laddr.h"

#include <errno.h>
#include <sys/socket.h>

#include <dpvsctrl/proto/laddr.h>

#include "core/collect.h"
#include "core/conf.h"
#include "lb/laddr_priv.h"
#include "lb/replica.h"
#include "lb/truth.h"
#include "module.h"

/* 64: a small set-up never grows its tables. */
#define TABLE_CAPACITY 64

/* Milliseconds between looks for addresses whose last connection has gone. */
#define REAP_MS 250

static struct replica by_addr; /* value: slot + 1 */

/* Packet path. */

uint32_t
laddr_find(uint8_t af, const union ip_addr *addr)
{
	const void *value = af == AF_INET
				    ? addr_table_find4(replica_of(&by_addr, REPLICA_IP4), addr->ip4, 0, 0)
				    : addr_table_find6(replica_of(&by_addr, REPLICA_IP6), addr, 0, 0);

	return (uint32_t)(uintptr_t)value - 1; /* none: LADDR_NONE */
}

static void
laddr_apply(const void *data, uint32_t len)
{
	(void)len;
	replica_apply(&by_addr, data);
}

int
laddr_room(struct change *c, uint8_t af)
{
	return replica_room(c, &by_addr, af);
}

int
laddr_publish(struct change *c, const struct laddr *la, bool there)
{
	struct replica_op *op = change_op(c, DPVS_MSG_LADDR, sizeof(*op));

	if (op == NULL)
		return -ENOMEM;
	return replica_set(c, &by_addr, op, &la->key, there ? (const void *)(uintptr_t)(la->index + 1) : NULL);
}

/* Digests. */

static bool
laddr_digest_copy(struct digest *d)
{
	struct addr_key key;
	const void *value;
	int found = replica_step(&by_addr, d, &key, &value);

	if (found > 0)
		digest_add(d, digest_u64(addr_key_digest(&key), (uintptr_t)value));
	return found >= 0;
}

static const struct module_digest laddr_digests[] = {
	{ .name = "addresses", .copy = laddr_digest_copy, .truth = laddr_digest_truth, .main_copy = true },
	{},
};

/* Start and end. */

static void
laddr_module_fini(void)
{
	collect_unregister(&laddr_collect);
	laddr_links_fini();
	laddr_slots_fini();
	replica_fini(&by_addr);
}

static int
laddr_module_init(const struct conf *conf)
{
	int err = laddr_slots_init((uint32_t)conf_uint(conf, "laddr", "max"));

	if (err == 0)
		err = laddr_links_init();
	if (err == 0)
		err = replica_init(&by_addr, TABLE_CAPACITY);
	collect_register(&laddr_collect);
	if (err != 0)
		laddr_module_fini();
	return err;
}

/* Tables. */

static const struct conf_key laddr_conf[] = {
	{
		.name = "max",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 65536,
		.def = 1024,
		.help = "Local addresses that fit, each counted once however many services share it.",
	},
	{},
};

static const struct module_sockopt laddr_sockopts[] = {
	{
		.name = "laddr-add",
		.id = DPVS_SET_LADDR_ADD,
		.record_size = sizeof(struct dpvs_laddr_conf),
		.need_record = true,
		.set = laddr_ctl_add,
	},
	{
		.name = "laddr-del",
		.id = DPVS_SET_LADDR_DEL,
		.record_size = sizeof(struct dpvs_laddr_conf),
		.need_record = true,
		.set = laddr_ctl_del,
	},
	{
		.name = "laddr-flush",
		.id = DPVS_SET_LADDR_FLUSH,
		.record_size = sizeof(struct dpvs_service_key),
		.need_record = true,
		.set = laddr_ctl_flush,
	},
	{
		.name = "laddrs",
		.id = DPVS_GET_LADDRS,
		.record_size = sizeof(struct dpvs_service_key),
		.get = laddr_get,
	},
	{ .name = "laddr-pools", .id = DPVS_GET_LADDR_POOLS, .get = laddr_ctl_pools },
	{ .name = "laddr-zero", .id = DPVS_SET_LADDR_ZERO, .request = laddr_ctl_zero },
	{},
};

static const struct dpvs_msg_type laddr_msgs[] = {
	{
		.type = DPVS_MSG_LADDR,
		.name = "laddr",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = laddr_apply,
	},
	{
		.type = DPVS_MSG_SAPOOL_STATS,
		.name = "sapool-stats",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = collect_on_worker,
	},
	{},
};

static const struct module_job laddr_jobs[] = {
	{ .name = "laddr-reap", .when = JOB_MAIN, .period_ms = REAP_MS, .fn = laddr_job_reap },
	{},
};

static const char *const laddr_after[] = { "ifaddr", "service", NULL };

const struct module laddr_module = {
	.name = "laddr",
	.after = laddr_after,
	.conf = laddr_conf,
	.sockopts = laddr_sockopts,
	.msgs = laddr_msgs,
	.jobs = laddr_jobs,
	.digests = laddr_digests,
	.events = laddr_events,
	.init = laddr_module_init,
	.fini = laddr_module_fini,
};
