/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes as workers have them: each a rib of its own, in which is the best route of each prefix (route_table.c), by
 * commit. A route_lookup() is one look into it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <glib.h>
#include <rte_per_lcore.h>

#include <dpvsctrl/msg.h>

#include "core/change.h"
#include "core/lcore.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/route.h"
#include "net/route_priv.h"
#include "net/route_table.h"

/** struct route_op: what a commit brings to a worker. */
struct route_op {
	union ip_addr dst;
	uint32_t slot;
	uint8_t af;
	uint8_t plen;
	uint8_t del;
	uint8_t pad;
	struct route_info info;
};

static struct rib *ribs[WORKERS_MAX]; /* main: rw at init and fini; a worker: its own */

RTE_DEFINE_PER_LCORE(uint32_t, net_generation_count);

const struct rib *
route_rib(void)
{
	return ribs[lcore_me()->worker];
}

int
route_publish(struct change *c, const struct prefix *p)
{
	uint32_t type = p->af == AF_INET6 ? DPVS_MSG_ROUTE6 : p->in_rib ? DPVS_MSG_ROUTE_ADD : DPVS_MSG_ROUTE_DEL;
	struct route_op *op = change_op(c, type, sizeof(*op));

	if (op == NULL)
		return change_error(c, -ENOMEM, "out of memory");
	*op = (struct route_op){
		.dst = p->dst,
		.slot = p->slot,
		.af = p->af,
		.plen = p->plen,
		.del = !p->in_rib,
		.info = p->info,
	};
	return 0;
}

void
route_table_on_commit(const void *data, uint32_t len)
{
	const struct route_op *op = data;
	struct rib *rib = ribs[lcore_me()->worker];

	(void)len;
	if (op->del)
		rib_del(rib, op->af, &op->dst, op->plen);
	else
		rib_set(rib, op->af, &op->dst, op->plen, op->slot, &op->info);
	net_generation_bump();
}

bool
route_lookup_on(uint16_t port, uint8_t af, const union ip_addr *dst, struct route_result *ret_result)
{
	union ip_addr scoped = rib_scoped(af, dst, port);
	const struct route_info *info = rib_lookup(ribs[lcore_me()->worker], af, &scoped);
	const struct netif *nif;

	if (info == NULL)
		return false;
	nif = netif_get(info->port);
	if (nif == NULL)
		return false;

	ret_result->type = info->type;
	ret_result->port = info->port;
	ret_result->mtu = info->mtu != 0 && info->mtu < nif->mtu ? info->mtu : nif->mtu;
	ret_result->nexthop = info->has_via ? info->via : *dst;
	ret_result->src = info->src;
	return true;
}

bool
route_lookup(uint8_t af, const union ip_addr *dst, struct route_result *ret_result)
{
	return route_lookup_on(0, af, dst, ret_result);
}

int
route_ribs_init(uint32_t max)
{
	for (unsigned int w = 0; w < lcore_worker_count(); w++) {
		char name[8];

		snprintf(name, sizeof(name), "%u", w);
		ribs[w] = rib_new(name, (int)lcore_numa(lcore_of_worker(w)), max);
		if (ribs[w] == NULL)
			return -ENOMEM;
	}
	return 0;
}

void
route_ribs_fini(void)
{
	for (unsigned int w = 0; w < G_N_ELEMENTS(ribs); w++) {
		rib_free(ribs[w]);
		ribs[w] = NULL;
	}
}
