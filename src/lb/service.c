/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual services as workers see them, and the descriptor of the module: look-up by virtual address,
 * look-up of NAT servers, choice of a server, and what a worker does when a commit changes these. The
 * truth and the control handlers are on the main lcore, see truth.h for who does what.
 *
 * A worker's copy is three things: the replica of the table of services (pointers to objects that main
 * built and will free when all workers have the next), the replica of the table of NAT servers, and one
 * scheduler state per slot of a service.
 */
#include "lb/service.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/service.h>

#include "core/change.h"
#include "core/conf.h"
#include "core/reserve.h"
#include "core/stats_ctl.h"
#include "lb/replica.h"
#include "lb/sched.h"
#include "lb/sched/mh.h"
#include "lb/truth.h"
#include "module.h"

/* 512: a small set-up never grows its tables; 8 KiB for each worker. */
#define TABLE_CAPACITY 256

/* Milliseconds between looks for servers whose last connection has gone. */
#define REAP_MS 250

/* Milliseconds between slices of the estimator; see lb_stats.c. */
#define RATES_MS 20

static struct replica services;
static struct replica nat_servers;

/* By worker, then by service.index. Worker: rw. */
static struct sched_lcore *sched_lcores[WORKERS_MAX];
static size_t sched_lcore_size;

/* What a worker's table of NAT servers has as value: only whether there is one counts. */
static const char nat_server;

/* Packet path. */

const struct service *
service_lookup(uint8_t af, uint8_t proto, const union ip_addr *vip, rte_be16_t port)
{
	if (af == AF_INET)
		return addr_table_find4(replica_of(&services, REPLICA_IP4), vip->ip4, proto, port);
	return addr_table_find6(replica_of(&services, REPLICA_IP6), vip, proto, port);
}

bool
service_by_reply(uint8_t af, uint8_t proto, const union ip_addr *addr, rte_be16_t port)
{
	if (af == AF_INET)
		return addr_table_find4(replica_of(&nat_servers, REPLICA_IP4), addr->ip4, proto, port) != NULL;
	return addr_table_find6(replica_of(&nat_servers, REPLICA_IP6), addr, proto, port) != NULL;
}

const struct dest *
service_schedule(const struct service *svc, const struct flow *flow)
{
	return svc->sched->pick(svc, &sched_lcores[lcore_me()->worker][svc->index], flow);
}

/* Operations of a commit: made on main, applied on each worker. */

/** struct service_op: a service is published, replaced or taken away. */
struct service_op {
	struct replica_op table; /**< value: struct service */
	bool start; /**< the scheduler begins anew */
};

/** Values of struct dest_op.kind. */
enum {
	DEST_OP_REPLY,
	DEST_OP_GENERATIONS,
};

/** struct dest_op: what DPVS_MSG_DEST carries. */
struct dest_op {
	uint32_t kind;
	uint32_t count;
	union {
		struct replica_op table;
		uint32_t pair[1][2]; /**< @count of slot, generation */
	};
};

/* 16: pairs in one operation, each a cache miss; a worker counts operations to limit its time on them. */
#define GENERATIONS_MAX 16u

int
service_room(struct change *c, uint8_t af)
{
	return replica_room(c, &services, af);
}

int
dest_publish_room(struct change *c, uint8_t af)
{
	return replica_room(c, &nat_servers, af);
}

int
service_publish(struct change *c, const struct addr_key *key, const struct service *svc, bool start)
{
	struct service_op *op = change_op(c, DPVS_MSG_SERVICE, sizeof(*op));

	if (op == NULL)
		return -ENOMEM;
	op->start = start;
	return replica_set(c, &services, &op->table, key, svc);
}

int
dest_publish_reply(struct change *c, const struct addr_key *key, bool there)
{
	struct dest_op *op = change_op(c, DPVS_MSG_DEST, sizeof(*op));

	if (op == NULL)
		return -ENOMEM;
	op->kind = DEST_OP_REPLY;
	op->count = 1;
	return replica_set(c, &nat_servers, &op->table, key, there ? &nat_server : NULL);
}

int
dest_publish_generations(struct change *c, const uint32_t (*pairs)[2], uint32_t count)
{
	for (uint32_t done = 0; done < count;) {
		uint32_t n = count - done < GENERATIONS_MAX ? count - done : GENERATIONS_MAX;
		uint32_t len = (uint32_t)(offsetof(struct dest_op, pair) + n * sizeof(pairs[0]));
		struct dest_op *op = change_op(c, DPVS_MSG_DEST, len);

		if (op == NULL)
			return -ENOMEM;
		op->kind = DEST_OP_GENERATIONS;
		op->count = n;
		memcpy(op->pair, pairs + done, n * sizeof(pairs[0]));
		done += n;
	}
	return 0;
}

static void
service_apply(const void *data, uint32_t len)
{
	const struct service_op *op = data;
	const struct service *svc = op->table.value;
	unsigned int worker = lcore_me()->worker;

	(void)len;
	replica_apply(&services, &op->table);
	if (svc != NULL && op->start) {
		struct sched_lcore *state = &sched_lcores[worker][svc->index];

		*state = (struct sched_lcore){ 0 };
		if (svc->sched->start != NULL)
			svc->sched->start(svc, state, worker, lcore_worker_count());
	}
}

static void
dest_apply(const void *data, uint32_t len)
{
	const struct dest_op *op = data;

	(void)len;
	if (op->kind == DEST_OP_REPLY) {
		replica_apply(&nat_servers, &op->table);
		return;
	}
	for (uint32_t i = 0; i < op->count; i++)
		dest_lcore(op->pair[i][0])->generation = op->pair[i][1];
}

/* For digests. */

const struct replica *
service_replica(void)
{
	return &services;
}

const struct replica *
dest_reply_replica(void)
{
	return &nat_servers;
}

/* Start and end. */

static void
service_fini(void)
{
	stats_set_dests(NULL);
	lb_get_fini();
	vs_table_fini();
	dest_fini();
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		reserve_free(sched_lcores[i], sched_lcore_size);
		sched_lcores[i] = NULL;
	}
	replica_fini(&nat_servers);
	replica_fini(&services);
}

static int
service_init(const struct conf *conf)
{
	uint32_t max_services = (uint32_t)conf_uint(conf, "service", "max-services");
	uint32_t max_dests = (uint32_t)conf_uint(conf, "service", "max-dests");
	int err;

	mh_set_slots((uint32_t)conf_uint(conf, "service", "mh-table-size"));
	timeouts_init();
	stats_set_dests(dest_take);
	err = replica_init(&services, TABLE_CAPACITY);
	if (err == 0)
		err = replica_init(&nat_servers, TABLE_CAPACITY);
	sched_lcore_size = (size_t)max_services * sizeof(struct sched_lcore);
	for (unsigned int i = 0; err == 0 && i < lcore_worker_count(); i++)
		err = reserve_new(sched_lcore_size, (void **)&sched_lcores[i]);
	if (err == 0)
		err = dest_init(max_dests);
	if (err == 0)
		err = vs_table_init(max_services);
	if (err != 0)
		service_fini();
	return err;
}

/* Tables. */

static const struct conf_key service_conf[] = {
	{
		.name = "max-services",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 1u << 20,
		.def = 65536,
		.help = "Virtual services that fit; address space is reserved for them, memory is taken by use.",
	},
	{
		.name = "max-dests",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 1u << 22,
		.def = 262144,
		.help = "Real servers that fit, over all services, removed ones with connections included.",
	},
	{
		.name = "mh-table-size",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = MH_SLOTS_MIN,
		.max = MH_SLOTS_MAX,
		.def = MH_SLOTS_DEFAULT,
		.help = "Slots in the table of each service with scheduler mh, brought up to a prime; servers "
			"get equal shares when there are 100 slots for each.",
	},
	{},
};

static const struct module_sockopt service_sockopts[] = {
	{ .name = "service-flush", .id = DPVS_SET_SERVICE_FLUSH, .set = service_ctl_flush },
	{
		.name = "service-zero",
		.id = DPVS_SET_SERVICE_ZERO,
		.record_size = sizeof(struct dpvs_service_key),
		.request = service_ctl_zero,
		.max_records = 1024,
	},
	{
		.name = "service-add",
		.id = DPVS_SET_SERVICE_ADD,
		.record_size = sizeof(struct dpvs_service_conf),
		.need_record = true,
		.set = service_ctl_add,
	},
	{
		.name = "service-edit",
		.id = DPVS_SET_SERVICE_EDIT,
		.record_size = sizeof(struct dpvs_service_conf),
		.need_record = true,
		.set = service_ctl_edit,
	},
	{
		.name = "service-del",
		.id = DPVS_SET_SERVICE_DEL,
		.record_size = sizeof(struct dpvs_service_conf),
		.need_record = true,
		.set = service_ctl_del,
	},
	{
		.name = "dest-add",
		.id = DPVS_SET_DEST_ADD,
		.record_size = sizeof(struct dpvs_dest_conf),
		.need_record = true,
		.set = dest_ctl_add,
	},
	{
		.name = "dest-edit",
		.id = DPVS_SET_DEST_EDIT,
		.record_size = sizeof(struct dpvs_dest_conf),
		.need_record = true,
		.set = dest_ctl_edit,
	},
	{
		.name = "dest-del",
		.id = DPVS_SET_DEST_DEL,
		.record_size = sizeof(struct dpvs_dest_conf),
		.need_record = true,
		.set = dest_ctl_del,
	},
	{
		.name = "service-garp",
		.id = DPVS_SET_SERVICE_GARP,
		.record_size = sizeof(struct dpvs_service_key),
		.need_record = true,
		.set = service_ctl_garp,
		.alone = true,
	},
	{
		.name = "timeouts-set",
		.id = DPVS_SET_TIMEOUTS,
		.record_size = sizeof(struct dpvs_timeouts),
		.need_record = true,
		.set = timeouts_ctl_set,
	},
	{ .name = "service-version", .id = DPVS_GET_LB_VERSION, .get = service_get_version },
	{ .name = "service-info", .id = DPVS_GET_LB_INFO, .get = service_get_info },
	{
		.name = "services",
		.id = DPVS_GET_SERVICES,
		.record_size = sizeof(struct dpvs_service_key),
		.get = service_get_all,
	},
	{
		.name = "service",
		.id = DPVS_GET_SERVICE,
		.record_size = sizeof(struct dpvs_service_key),
		.need_record = true,
		.get = service_get_one,
	},
	{
		.name = "dests",
		.id = DPVS_GET_DESTS,
		.record_size = sizeof(struct dpvs_service_key),
		.get = service_get_dests,
	},
	{ .name = "timeouts", .id = DPVS_GET_TIMEOUTS, .get = timeouts_get },
	{},
};

static const struct dpvs_msg_type service_msgs[] = {
	{
		.type = DPVS_MSG_SERVICE,
		.name = "service",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = service_apply,
	},
	{
		.type = DPVS_MSG_DEST,
		.name = "dest",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = dest_apply,
	},
	{
		.type = DPVS_MSG_LB_TIMEOUTS,
		.name = "timeouts",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_commit = timeouts_apply,
	},
	{},
};

static const struct module_job service_jobs[] = {
	{ .name = "service-rates", .when = JOB_MAIN, .period_ms = RATES_MS, .fn = service_job_rates },
	{ .name = "dest-reap", .when = JOB_MAIN, .period_ms = REAP_MS, .fn = dest_job_reap },
	{},
};

static const char *const service_after[] = { "netif", "ifaddr", NULL };

const struct module service_module = {
	.name = "service",
	.after = service_after,
	.conf = service_conf,
	.sockopts = service_sockopts,
	.msgs = service_msgs,
	.jobs = service_jobs,
	.digests = service_digests,
	.init = service_init,
	.events = lb_events,
	.sync = service_sync,
	.fini = service_fini,
};
