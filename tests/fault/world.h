/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The things that the requests of the fault test are about; shared by model.c, listing.c and op.c.
 *
 * Thread-safety: constant.
 */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

struct world_addr {
	const char *text;
	uint8_t plen;
	unsigned int port;
};

struct world_route {
	const char *dst;
	uint8_t plen;
	const char *via; /* NULL: none */
	unsigned int port;
	const char *src;
	uint32_t metric;
	bool src_given; /* by the request */
};

extern const struct world_addr world_base[4];
extern const struct world_addr world_addrs[ADDRS];
extern const struct world_route world_routes[ROUTES];
extern const struct world_addr world_neighs[NEIGHS];

void world_dev(unsigned int port, char dev[DPVS_IFNAME_SIZE]);

/** world_sort: appends sorted lines. */
void world_sort(GPtrArray *lines, GString *out);

#endif
