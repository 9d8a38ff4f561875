/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of events: what there is, then each change as it is committed.
 *
 *   GET 8010 subscribe
 *
 * After its answer the connection is one-way: frames of type DPVS_SOCKOPT_EVENT with id and seq of the subscription
 * and the head and body of an answer, whose records are struct dpvs_event.
 */
#ifndef DPVSCTRL_PROTO_EVENT_H
#define DPVSCTRL_PROTO_EVENT_H

#include <dpvsctrl/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_GET_EVENTS = 8010,
};

/** Kinds of events: bits of struct dpvs_event_filter.kinds, one of them in struct dpvs_event.kind. */
enum {
	DPVS_EVENT_GENERATION = 1u << 0, /**< data: u64, the generation */
	DPVS_EVENT_SERVICE = 1u << 1,    /**< struct dpvs_service_info */
	DPVS_EVENT_DEST = 1u << 2,       /**< struct dpvs_dest_info */
	DPVS_EVENT_ADDR = 1u << 3,       /**< struct dpvs_addr_conf */
	DPVS_EVENT_ROUTE = 1u << 4,      /**< struct dpvs_route_conf */
	DPVS_EVENT_NEIGH = 1u << 5,      /**< struct dpvs_neigh_conf */
	DPVS_EVENT_LINK = 1u << 6,       /**< struct dpvs_port_info */
	DPVS_EVENT_LADDR = 1u << 7,      /**< struct dpvs_laddr_info */
	DPVS_EVENT_CONTROL = 1u << 8,    /**< of the subscription itself, always sent */
};

/** What happened. */
enum {
	DPVS_EVENT_OP_PRESENT = 1, /**< part of the present state */
	DPVS_EVENT_OP_ADD = 2,
	DPVS_EVENT_OP_CHANGE = 3,
	DPVS_EVENT_OP_DEL = 4,
	DPVS_EVENT_OP_SYNCED = 5, /**< CONTROL: the present state is complete, changes follow */
	DPVS_EVENT_OP_MISSED = 6, /**< CONTROL: events were dropped (data: u64, how many), forget all: the present state follows again */
};

#define DPVS_EVENT_DATA_SIZE 256

/** struct dpvs_event_filter: what to subscribe to. */
struct dpvs_event_filter {
	uint32_t kinds; /**< DPVS_EVENT_* bits; 0: all */
	uint32_t pad;
};

static_assert(sizeof(struct dpvs_event_filter) == 8, "wire format");

/** struct dpvs_event: one event. */
struct dpvs_event {
	uint64_t serial; /**< 1, 2, 3 ... */
	uint32_t kind;   /**< DPVS_EVENT_* */
	uint32_t op;     /**< DPVS_EVENT_OP_* */
	uint32_t len;    /**< bytes of data that are used */
	uint32_t pad;
	uint8_t data[DPVS_EVENT_DATA_SIZE]; /**< the record that the family's GET lists */
};

static_assert(sizeof(struct dpvs_event) == 280, "wire format");

#ifdef __cplusplus
}
#endif

#endif
