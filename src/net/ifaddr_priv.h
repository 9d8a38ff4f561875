/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of addresses as ifaddr.c has it, ifaddr_ctl.c, the requests, changes it, and ifaddr_source.c chooses from it.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NET_IFADDR_PRIV_H
#define NET_IFADDR_PRIV_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/event.h"
#include "core/htable.h"
#include "core/pkt.h"
#include "module.h"
#include "net/ifaddr.h"

#define IFADDR_FOREVER INT64_MAX

/** struct ifaddr: an address. Immutable once in the table, but for its places in lists. */
struct ifaddr {
	union ip_addr key;       /**< addr, scoped: see rib.h */
	union ip_addr addr;
	union ip_addr broadcast; /**< zero: none */
	int64_t valid_until;     /**< seconds of the monotonic clock, or IFADDR_FOREVER */
	int64_t preferred_until;
	uint64_t seq;            /**< order of arrival; kept by successors */
	GList *link;             /**< in the port's list */
	struct htable_node node;    /**< in the table of those that are there */
	struct htable_node left;    /**< in that of those that were taken, if it is */
	TAILQ_ENTRY(ifaddr) mortal; /**< with those whose time ends, if it does */
	struct event_node event;
	struct route *local;     /**< the routes that it brought; NULL: none */
	struct route *net;
	struct route *bcast;
	enum ifaddr_hold hold;
	uint16_t port;
	uint8_t af;
	uint8_t plen;
	uint8_t scope;
	uint8_t given;           /**< by an operator, or made at start */
	uint8_t automatic;       /**< link-local, made from the MAC address */
	uint8_t deprecated;      /**< not to be a source when there is another */
};

/** ifaddr_is_seen: what lingers is not, whoever looks. */
static inline bool
ifaddr_is_seen(const struct ifaddr *a)
{
	return a->given || a->hold == IFADDR_HELD;
}

/** struct port_addrs: addresses of one port and family in order of arrival; also those that readers still see. */
struct port_addrs {
	GQueue nets;    /**< with a prefix shorter than the address */
	GQueue hosts;   /**< /32, /128 */
	uint32_t count; /**< of those that can be seen and were not taken */
};

extern const struct module_sockopt ifaddr_sockopts[];

/** ifaddr_port_addrs: those of @port. */
const struct port_addrs *ifaddr_port_addrs(uint16_t port, uint8_t af);

/** ifaddr_find: the address on @port, which counts for link-local ones only, as the change in hand has it, or NULL. */
struct ifaddr *ifaddr_find(uint16_t port, uint8_t af, const union ip_addr *addr);

/** ifaddr_swap: @new takes the place of @old; either may be NULL. @new is from the heap and taken. */
int ifaddr_swap(struct change *c, struct ifaddr *old, struct ifaddr *new);

/** ifaddr_as_held: what is left of @a when the operator takes it back: a host address, or NULL. */
struct ifaddr *ifaddr_as_held(const struct ifaddr *a);

struct dpvs_addr_conf;

/** ifaddr_to_wire: @a as listed; @now: seconds of the monotonic clock. */
void ifaddr_to_wire(const struct ifaddr *a, int64_t now, struct dpvs_addr_conf *ret_conf);

/** ifaddr_events: the list of all, and its records. */
struct module_event;
extern const struct module_event ifaddr_events[];

/** ifaddr_all: all of them, by their .node. */
const struct htable *ifaddr_all(void);

#endif
