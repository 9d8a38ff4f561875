/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GETs of family service: what is configured, and what it has counted. Services are listed in the
 * order of adding, servers likewise within their service; workers are not asked, their counters are read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <dpvsctrl/server.h>

#include "lb/conn.h"
#include "lb/sched.h"
#include "lb/truth.h"

/* IPVS 1.2.1: what a client of the kernel's IPVS would be told. */
#define IPVS_VERSION 0x010201u

int
service_get_info(struct dpvs_req *req, const void *record)
{
	struct dpvs_lb_info info = {
		.version = IPVS_VERSION,
		.conn_size = conn_capacity(),
		.num_services = vs_count(),
		.num_workers = lcore_worker_count(),
	};

	(void)record;
	dpvs_req_add(req, &info, sizeof(info));
	return 0;
}

int
service_get_version(struct dpvs_req *req, const void *record)
{
	return service_get_info(req, record);
}

static void
add_service(struct dpvs_req *req, const struct vs *vs)
{
	struct dpvs_service_info info = { 0 };

	key_to_wire(&vs->key, &info.conf.key);
	snprintf(info.conf.sched, sizeof(info.conf.sched), "%s", vs->sched->name);
	info.conf.sched_flags = vs->sched_flags;
	info.conf.conn_timeout_s = vs->conn_timeout_s;
	info.num_dests = vs->num_dests;
	info.num_laddrs = vs->num_laddrs;
	vs_stats(vs, &info.stats);
	vs_rates(vs, &info.rates);
	dpvs_req_add(req, &info, sizeof(info));
}

static void
add_dests(struct dpvs_req *req, const struct vs *vs)
{
	struct dpvs_dest_info info = { 0 };
	const struct rs *rs;

	key_to_wire(&vs->key, &info.conf.svc);
	TAILQ_FOREACH (rs, &vs->dests, link) {
		addr_to_wire(vs->key.af, &rs->addr, &info.conf.addr);
		info.conf.port = ntohs(rs->port);
		info.conf.fwd = rs->fwd;
		info.conf.weight = rs->weight;
		info.active_conns = dest_active_total(rs->index);
		info.inactive_conns = dest_inactive_total(rs->index);
		rs_stats(rs, &info.stats);
		rs_rates(rs, &info.rates);
		dpvs_req_add(req, &info, sizeof(info));
	}
}

/* Does a key name one service, rather than filter? */
static bool
is_full(const struct dpvs_service_key *key)
{
	return key->vip.family != 0 && key->port != 0 && key->proto != 0;
}

/* Calls @add for the services that a record asks for. A full key that names none is an error, as in LVS. */
static int
each(struct dpvs_req *req, const struct dpvs_service_key *filter,
     void (*add)(struct dpvs_req *req, const struct vs *vs))
{
	const struct vs *vs;
	struct vs *one;
	int err;

	if (is_full(filter)) {
		err = vs_of_key(filter, &one);
		if (err == 0)
			add(req, one);
		return err;
	}
	TAILQ_FOREACH (vs, vs_all(), link) {
		if (key_matches(vs, filter))
			add(req, vs);
	}
	return 0;
}

int
service_get_all(struct dpvs_req *req, const void *record)
{
	int err = each(req, record, add_service);

	return err == -ESRCH ? 0 : err; /* a filter that nothing fits */
}

int
service_get_one(struct dpvs_req *req, const void *record)
{
	struct vs *vs;
	int err = vs_of_key(record, &vs);

	if (err == 0)
		add_service(req, vs);
	else if (err == -ESRCH)
		dpvs_req_error(req, err, "there is no such service");
	else
		dpvs_req_error(req, err, "the key does not name a service");
	return err;
}

int
service_get_dests(struct dpvs_req *req, const void *record)
{
	int err = each(req, record, add_dests);

	if (err == -ESRCH)
		dpvs_req_error(req, err, "there is no such service");
	return err;
}
