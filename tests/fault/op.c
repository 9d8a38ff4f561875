/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random requests of every family: see model.h.
 */
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "lb_records.h"
#include "model.h"
#include "world.h"

static unsigned int
below(GRand *rnd, unsigned int n)
{
	return (unsigned int)g_rand_int_range(rnd, 0, (gint32)n);
}

#define PICK(rnd, list) ((list)[below(rnd, G_N_ELEMENTS(list))])

static void
random_service(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT,
					DPVS_SET_SERVICE_DEL };

	op->id = PICK(rnd, ids);
	op->size = sizeof(op->service[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_service_conf *conf = &op->service[i];
		unsigned int sched = below(rnd, 5);

		op->what[i] = below(rnd, VIPS);
		*conf = (struct dpvs_service_conf){ .key = vip_key(op->what[i]) };
		g_strlcpy(conf->sched, below(rnd, 25) == 0 ? "sed" : lbmodel_scheds[sched], sizeof(conf->sched));
		conf->set = PICK(rnd, ((const uint32_t[]){ DPVS_SERVICE_SET_SCHED, DPVS_SERVICE_SET_CONN_TIMEOUT,
							   DPVS_SERVICE_SET_SCHED | DPVS_SERVICE_SET_SCHED_FLAGS }));
		conf->sched_flags = sched == 4 ? below(rnd, 4) : 0;
		conf->conn_timeout_s = below(rnd, 3) * 10;
	}
}

static void
random_garp(GRand *rnd, struct op *op)
{
	op->id = DPVS_SET_SERVICE_GARP;
	op->size = sizeof(op->key[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		op->what[i] = below(rnd, VIPS);
		op->key[i] = vip_key(op->what[i]);
	}
}

static void
random_dest(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_DEST_ADD, DPVS_SET_DEST_ADD, DPVS_SET_DEST_EDIT, DPVS_SET_DEST_DEL };
	static const uint8_t fwds[] = { DPVS_FWD_NAT, DPVS_FWD_FULLNAT, DPVS_FWD_DR };

	op->id = PICK(rnd, ids);
	op->size = sizeof(op->dest[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_dest_conf *conf = &op->dest[i];

		op->what[i] = below(rnd, VIPS);
		op->part[i] = below(rnd, DESTS);
		*conf = dest_conf(op->what[i], op->part[i]);
		conf->fwd = op->part[i] % 3 == 0 ? PICK(rnd, fwds) : fwds[below(rnd, 2)];
		if (below(rnd, 40) == 0)
			conf->fwd = DPVS_FWD_TUNNEL;
		conf->weight = below(rnd, 40) == 0 ? 70000 : below(rnd, 4);
		conf->set = op->id == DPVS_SET_DEST_ADD ? 3 : 1 + below(rnd, 3);
	}
}

static void
random_laddr(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_DEL,
					DPVS_SET_LADDR_FLUSH };

	op->id = PICK(rnd, ids);
	op->size = op->id == DPVS_SET_LADDR_FLUSH ? sizeof(op->key[0]) : sizeof(op->laddr[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		op->what[i] = below(rnd, VIPS);
		op->part[i] = below(rnd, LADDRS);
		if (op->id == DPVS_SET_LADDR_FLUSH)
			op->key[i] = vip_key(op->what[i]);
		else
			op->laddr[i] = laddr_conf(op->what[i], op->part[i]);
	}
}

static void
random_addr(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_ADDR_ADD, DPVS_SET_ADDR_SET, DPVS_SET_ADDR_DEL };

	op->id = PICK(rnd, ids);
	op->size = sizeof(op->addr[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_addr_conf *conf = &op->addr[i];
		unsigned int a = below(rnd, ADDRS);

		op->what[i] = a;
		*conf = (struct dpvs_addr_conf){ .addr = rec_addr(world_addrs[a].text), .plen = world_addrs[a].plen };
		if (conf->plen < 32 && below(rnd, 3) == 0)
			conf->plen++;
		world_dev(world_addrs[a].port, conf->dev);
	}
}

static void
random_route(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_ROUTE_ADD, DPVS_SET_ROUTE_ADD, DPVS_SET_ROUTE_SET, DPVS_SET_ROUTE_DEL };
	static const unsigned int v4[] = { 0, 1, 2, 3, 6 };
	bool six = below(rnd, 3) == 0;

	op->id = six ? DPVS_SET_ROUTE6 : PICK(rnd, ids);
	if (below(rnd, 15) == 0)
		op->id = six ? DPVS_SET_ROUTE6_FLUSH : DPVS_SET_ROUTE_FLUSH;
	op->size = sizeof(op->route[0]);
	if (op->id == DPVS_SET_ROUTE_FLUSH || op->id == DPVS_SET_ROUTE6_FLUSH)
		op->count = 1;
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_route_conf *conf = &op->route[i];
		const struct world_route *w;

		op->what[i] = six ? 4 + below(rnd, 2) : PICK(rnd, v4);
		w = &world_routes[op->what[i]];
		memset(conf, 0, sizeof(*conf));
		if (op->id == DPVS_SET_ROUTE_FLUSH || op->id == DPVS_SET_ROUTE6_FLUSH)
			return;
		conf->dst = rec_addr(w->dst);
		conf->plen = w->plen;
		if (w->via != NULL)
			conf->via = rec_addr(w->via);
		if (w->src_given)
			conf->src = rec_addr(w->src);
		world_dev(w->port, conf->dev);
		conf->metric = w->metric;
		conf->mtu = below(rnd, 2) * 1400;
		conf->op = (uint8_t)below(rnd, 3);
		if (!six)
			conf->op = 0;
	}
}

static void
random_neigh(GRand *rnd, struct op *op)
{
	static const uint32_t ids[] = { DPVS_SET_NEIGH_ADD, DPVS_SET_NEIGH_ADD, DPVS_SET_NEIGH_DEL };

	op->id = below(rnd, 20) == 0 ? DPVS_SET_NEIGH_FLUSH : PICK(rnd, ids);
	op->size = sizeof(op->neigh[0]);
	if (op->id == DPVS_SET_NEIGH_FLUSH) {
		op->count = 0;
		return;
	}
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_neigh_conf *conf = &op->neigh[i];
		unsigned int n = below(rnd, NEIGHS);

		op->what[i] = n;
		*conf = (struct dpvs_neigh_conf){
			.addr = rec_addr(world_neighs[n].text),
			.mac = { 2, 0, 0, 0, 9, (uint8_t)(1 + below(rnd, 3)) },
			.flags = below(rnd, 2) ? DPVS_NEIGH_REPLACE : 0,
		};
		world_dev(world_neighs[n].port, conf->dev);
	}
}

static void
random_port(GRand *rnd, struct op *op)
{
	op->id = DPVS_SET_NETIF_PORT;
	op->size = sizeof(op->port[0]);
	for (uint32_t i = 0; i < op->count; i++) {
		struct dpvs_port_conf *conf = &op->port[i];

		op->what[i] = below(rnd, PORTS);
		*conf = (struct dpvs_port_conf){
			.set = 1 + below(rnd, 7), /* up, mtu, mac */
			.mtu = below(rnd, 10) == 0 ? 60 : 1400 + 50 * below(rnd, 3),
			.mac = { 2, 0, 0, 0, 0, (uint8_t)below(rnd, 4) },
			.up = (uint8_t)below(rnd, 2),
		};
		world_dev(op->what[i], conf->name);
	}
}

void
op_random(GRand *rnd, struct op *op)
{
	unsigned int kind = below(rnd, 100);

	memset(op, 0, sizeof(*op));
	op->count = below(rnd, 2) ? 1 : 1 + below(rnd, RECORDS_MAX);
	if (kind < 2) {
		op->id = below(rnd, 3) == 0 ? DPVS_SET_MSG_ZERO : DPVS_SET_SERVICE_FLUSH;
		op->count = 0;
	} else if (kind < 4) {
		random_garp(rnd, op);
	} else if (kind < 20) {
		random_service(rnd, op);
	} else if (kind < 45) {
		random_dest(rnd, op);
	} else if (kind < 57) {
		random_laddr(rnd, op);
	} else if (kind < 70) {
		random_addr(rnd, op);
	} else if (kind < 82) {
		random_route(rnd, op);
	} else if (kind < 92) {
		random_neigh(rnd, op);
	} else if (kind < 97) {
		random_port(rnd, op);
	} else {
		op->id = DPVS_SET_TIMEOUTS;
		op->size = sizeof(op->timeouts);
		op->count = 1;
		op->timeouts.tcp_s = below(rnd, 10) == 0 ? 40u * 86400 : below(rnd, 3) * 60;
		op->timeouts.udp_s = below(rnd, 3) * 60;
	}
}

const char *
op_name(uint32_t id)
{
	static const struct {
		uint32_t id;
		const char *name;
	} names[] = {
		{ DPVS_SET_SERVICE_FLUSH, "service-flush" }, { DPVS_SET_SERVICE_ADD, "service-add" },
		{ DPVS_SET_SERVICE_EDIT, "service-edit" },   { DPVS_SET_SERVICE_DEL, "service-del" },
		{ DPVS_SET_DEST_ADD, "dest-add" },	     { DPVS_SET_DEST_EDIT, "dest-edit" },
		{ DPVS_SET_DEST_DEL, "dest-del" },	     { DPVS_SET_LADDR_ADD, "laddr-add" },
		{ DPVS_SET_LADDR_DEL, "laddr-del" },	     { DPVS_SET_LADDR_FLUSH, "laddr-flush" },
		{ DPVS_SET_ADDR_ADD, "addr-add" },	     { DPVS_SET_ADDR_DEL, "addr-del" },
		{ DPVS_SET_ADDR_SET, "addr-set" },	     { DPVS_SET_ADDR_FLUSH, "addr-flush" },
		{ DPVS_SET_ROUTE_ADD, "route-add" },	     { DPVS_SET_ROUTE_DEL, "route-del" },
		{ DPVS_SET_ROUTE_SET, "route-set" },	     { DPVS_SET_ROUTE_FLUSH, "route-flush" },
		{ DPVS_SET_ROUTE6, "route6-set" },	     { DPVS_SET_ROUTE6_FLUSH, "route6-flush" },
		{ DPVS_SET_NEIGH_ADD, "neigh-add" },	     { DPVS_SET_NEIGH_DEL, "neigh-del" },
		{ DPVS_SET_NEIGH_FLUSH, "neigh-flush" },     { DPVS_SET_NETIF_PORT, "port-set" },
		{ DPVS_SET_TIMEOUTS, "timeouts-set" },	     { DPVS_SET_SERVICE_GARP, "service-garp" },
		{ DPVS_SET_MSG_ZERO, "msg-zero" },
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(names); i++) {
		if (names[i].id == id)
			return names[i].name;
	}
	return "?";
}
