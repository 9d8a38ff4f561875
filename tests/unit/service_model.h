/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What services, servers and local addresses should be after requests: arrays, and the rules of each request.
 *
 * Thread-safety: one thread.
 */
#ifndef SERVICE_MODEL_H
#define SERVICE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/service.h>

#define VIPS 6
#define DESTS 6 /* addresses and ports that servers may have, for each VIP */
#define LADDRS 3
#define SCHEDS 5

/**
 * struct mdest, mservice, model: what is configured. Lists are in order, as indices. What a transaction takes
 * away keeps its place in the lists (but for local addresses) until its end: see model_end().
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

struct model {
	struct mservice service[VIPS];
	unsigned int services[VIPS];
	unsigned int num_services;
	unsigned int laddr_lives[VIPS][LADDRS]; /* how often it was taken away */
	bool changed; /* anything, by the transaction */
};

/** Names by mservice.sched; the last one takes flags. */
extern const char *const scheds[SCHEDS];

/** txn_mode: of the request or transaction that is tried: bits of CHANGE_*. */
extern unsigned int txn_mode;

/** The virtual address, server, local address of a number. */
const char *vip_text(unsigned int v);
struct dpvs_service_key vip_key(unsigned int v);
struct dpvs_dest_conf dest_conf(unsigned int v, unsigned int d);
struct dpvs_laddr_conf laddr_conf(unsigned int v, unsigned int l);

bool list_has(const unsigned int *list, unsigned int count, unsigned int value);

/** model_begin, model_end: around the records of a change; model_sync: before the end, what a sync removes. */
void model_begin(struct model *m);
void model_sync(struct model *m);
void model_end(struct model *m);

/** model_service, model_dest, model_laddr: a record. Return what a client is told. */
int model_service(struct model *m, uint32_t id, unsigned int v, const struct dpvs_service_conf *conf);
int model_dest(struct model *m, uint32_t id, unsigned int v, unsigned int d, const struct dpvs_dest_conf *conf);
int model_laddr(struct model *m, uint32_t id, unsigned int v, unsigned int l);

#endif
