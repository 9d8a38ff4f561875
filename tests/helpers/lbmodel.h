/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What services, servers and local addresses should be after requests: arrays, and the rules of each request.
 *
 * They come from a small world, so that requests meet what others left: VIPs of both families, servers and local addresses
 * that services share.
 *
 * Thread-safety: one thread.
 */
#ifndef LBMODEL_H
#define LBMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/service.h>

#define VIPS 6
#define DESTS 6 /* addresses and ports that servers may have, for each VIP */
#define LADDRS 3
#define SCHEDS 5
#define LBMODEL_LADDR 201 /* last byte of the first local address */

/**
 * struct mdest, mservice, lbmodel: what is configured. Lists are in order, as indices. What a transaction takes
 * away keeps its place in the lists (but for local addresses) until its end: see lbmodel_end().
 */
struct mdest {
	bool there;
	bool named;
	uint8_t fwd;
	uint32_t weight;
};

struct mservice {
	bool there;
	bool named;
	unsigned int sched;
	uint32_t sched_flags;
	uint32_t timeout;
	struct mdest dest[DESTS];
	unsigned int dests[DESTS];
	unsigned int num_dests;
	unsigned int laddrs[LADDRS];
	bool laddr_named[LADDRS];
	unsigned int num_laddrs;
};

struct lbmodel {
	struct mservice service[VIPS];
	unsigned int services[VIPS];
	unsigned int num_services;
	unsigned int laddr_lives[VIPS][LADDRS]; /* how often it was taken away */
	unsigned int mode; /* of the change: bits of CHANGE_* */
	bool changed; /* anything, by the change */
};

/** Names by mservice.sched; the last one takes flags. */
extern const char *const lbmodel_scheds[SCHEDS];

/** lbmodel_ports: which the local addresses are on, the first on [1], the others on [0]; defined by the program. */
extern const char *const lbmodel_ports[2];

/** The virtual address, server, local address of a number. */
const char *vip_text(unsigned int v);
struct dpvs_service_key vip_key(unsigned int v);
struct dpvs_dest_conf dest_conf(unsigned int v, unsigned int d);
struct dpvs_laddr_conf laddr_conf(unsigned int v, unsigned int l);

bool list_has(const unsigned int *list, unsigned int count, unsigned int value);

/**
 * lbmodel_begin, lbmodel_end: around the records of a change of @mode, bits of CHANGE_*; lbmodel_sync: before the end, what a
 * sync removes.
 */
void lbmodel_begin(struct lbmodel *m, unsigned int mode);
void lbmodel_sync(struct lbmodel *m);
void lbmodel_end(struct lbmodel *m);

/** lbmodel_service, lbmodel_dest, lbmodel_laddr: a record. Return what a client is told. lbmodel_flush: all services go. */
int lbmodel_service(struct lbmodel *m, uint32_t id, unsigned int v, const struct dpvs_service_conf *conf);
int lbmodel_dest(struct lbmodel *m, uint32_t id, unsigned int v, unsigned int d, const struct dpvs_dest_conf *conf);
int lbmodel_laddr(struct lbmodel *m, uint32_t id, unsigned int v, unsigned int l);
void lbmodel_flush(struct lbmodel *m);

#endif
