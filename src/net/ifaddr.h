/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses on ports. Local addresses of full-NAT services are addresses too (the port answers ARP and ND
 * for them): src/lb/laddr_ctl.c brings and takes them inside its own change.
 *
 * One that was a local address lingers while connections use it: the port goes on to answer for it, but
 * it is not in lists, brings no events, and is nobody's source. That it comes to an end moves no generation.
 *
 * An address brings its routes (local, connected, broadcast) in the same change; workers know addresses
 * by these routes alone. An address is on one port; only IPv6 link-local ones may be on several.
 *
 * Thread-safety: main lcore only, but for ifaddr_is_local(): worker lcore.
 */
#ifndef IFADDR_H
#define IFADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

struct change;
struct module;
extern const struct module ifaddr_module;

/** Why an address that lingers is in the way. */
#define IFADDR_LINGERS_TEXT "until the last connection of a former local address has ended"

/** Why an address is there, but for an operator who gave it. */
enum ifaddr_hold {
	IFADDR_NOT_HELD,
	IFADDR_LINGERS, /**< it was held, and connections use it */
	IFADDR_HELD,    /**< as a local address */
};

/**
 * ifaddr_hold: the address is on @port from now on because of @hold (as /32 or /128 if nobody gave it), or for that
 * reason no more. One that is not there can become IFADDR_HELD only.
 */
int ifaddr_hold(struct change *c, uint16_t port, uint8_t af, const union ip_addr *addr, enum ifaddr_hold hold);

/** ifaddr_is_local: is @addr an address of @port (UINT16_MAX: of any port; not for link-local ones)? */
bool ifaddr_is_local(uint16_t port, uint8_t af, const union ip_addr *addr);

/*
 * (main) What follows is answered as the change @c has it, NULL: as of the last commit.
 */

/** ifaddr_port_of: the port that has @addr, or -1; also one that lingers. */
int ifaddr_port_of(const struct change *c, uint8_t af, const union ip_addr *addr);

/**
 * ifaddr_source: the address of ours that packets to @nexthop on @port should have as their source, or
 * zero: there is none. One of the same net first, then of the port, then of any port.
 */
void ifaddr_source(const struct change *c, uint8_t af, uint16_t port, const union ip_addr *nexthop,
		   union ip_addr *ret_src);

/** ifaddr_is_listed: (in a change) is @addr on a port, and does not just linger? */
bool ifaddr_is_listed(uint8_t af, const union ip_addr *addr);

/** ifaddr_is_better: (in a change) is @addr, which @port has, a better source for @nexthop than @src? */
bool ifaddr_is_better(uint8_t af, uint16_t port, const union ip_addr *addr, const union ip_addr *src,
		      const union ip_addr *nexthop);

/*
 * (main) These are for what is sent: of the last commit.
 */

/** ifaddr_linklocal: the link-local IPv6 address of @port; false: it has none. */
bool ifaddr_linklocal(uint16_t port, union ip_addr *ret_addr);

/**
 * ifaddr_announce: sends a gratuitous ARP or an unsolicited neighbour advertisement for @addr soon (they
 * are paced), unless it has gone by then. Returns 0 or -ENOENT: not an address of ours.
 */
int ifaddr_announce(uint8_t af, const union ip_addr *addr);

#endif
