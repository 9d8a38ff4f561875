/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of the configuration that is nothing but arrays: what a request changes, and what the listings of
 * the daemon should show. Requests are drawn from a small world: services with their servers and local
 * addresses, addresses on two ports, routes through them, neighbours, ports, time-outs.
 *
 * Thread-safety: the main thread only.
 */
#ifndef FAULT_MODEL_H
#define FAULT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>

#include "lbmodel.h"

enum {
	ADDRS = 8,
	ROUTES = 7,
	NEIGHS = 4,
	PORTS = 2,
	RECORDS_MAX = 4,
};

/** struct op: a request of one to four records of one id. @what: which things of the model they are about. */
struct op {
	uint32_t id;
	uint32_t size;
	uint32_t count;
	unsigned int what[RECORDS_MAX];
	unsigned int part[RECORDS_MAX]; /**< the server, or local address, of service .what */
	union {
		struct dpvs_service_conf service[RECORDS_MAX];
		struct dpvs_dest_conf dest[RECORDS_MAX];
		struct dpvs_laddr_conf laddr[RECORDS_MAX];
		struct dpvs_service_key key[RECORDS_MAX];
		struct dpvs_addr_conf addr[RECORDS_MAX];
		struct dpvs_route_conf route[RECORDS_MAX];
		struct dpvs_neigh_conf neigh[RECORDS_MAX];
		struct dpvs_port_conf port[RECORDS_MAX];
		struct dpvs_timeouts timeouts;
	};
};

struct model {
	struct lbmodel lb;
	uint8_t addr_plen[ADDRS];    /* 0: not there */
	bool route[ROUTES];
	uint32_t route_mtu[ROUTES];
	uint8_t neigh[NEIGHS];       /* last byte of its MAC address; 0: not there */
	struct dpvs_timeouts timeouts;
	uint32_t mtu[PORTS];
	bool up[PORTS];
	uint8_t mac[PORTS];          /* last byte */
};

/** model_init: as the daemon starts, with one address of each family on each port. */
void model_init(struct model *m);

/** model_base: the requests that make the daemon so; the caller carries them out. Returns how many. */
unsigned int model_base(struct op ops[8]);

/** model_begin, model_end: around what is applied of a request, or of a transaction with DPVS_TXN_* @mode. */
void model_begin(struct model *m, uint32_t mode);
void model_end(struct model *m);

/**
 * model_apply: carries @op out. Returns 0, or a negative value: refused at some record, for that reason; then @m is not to
 * be used.
 */
int model_apply(struct model *m, const struct op *op);

/** model_append: may @op be in a transaction? 0, or why it is refused before anything is done. */
int model_append(const struct op *op);

/** op_random: a request; one in some is refused for what it says. */
void op_random(GRand *rnd, struct op *op);

/** model_text: the listings that the daemon should show. */
char *model_text(const struct model *m);

/** listing_text: the listings that the daemon shows, in the same form. */
char *listing_text(void);

/** op_name: for messages. */
const char *op_name(uint32_t id);

#endif
