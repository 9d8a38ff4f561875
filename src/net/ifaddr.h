/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses on ports. Local addresses of full-NAT services are addresses too (the port answers ARP and ND
 * for them): src/lb/laddr.c brings and takes them inside its own change.
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

/** ifaddr_hold: the address exists on @port as long as somebody holds it (counted; /32 or /128). */
int ifaddr_hold(struct change *c, uint16_t port, uint8_t af, const union ip_addr *addr);
int ifaddr_release(struct change *c, uint16_t port, uint8_t af, const union ip_addr *addr);

/** ifaddr_is_local: is @addr an address of @port (UINT16_MAX: of any port; not for link-local ones)? */
bool ifaddr_is_local(uint16_t port, uint8_t af, const union ip_addr *addr);

/** ifaddr_port_of: (main) the port that has @addr, or -1. For gratuitous ARP. */
int ifaddr_port_of(uint8_t af, const union ip_addr *addr);

/**
 * ifaddr_announce: sends a gratuitous ARP or an unsolicited neighbour advertisement for @addr soon (they
 * are paced). Returns 0 or -ENOENT: not an address of ours.
 */
int ifaddr_announce(uint8_t af, const union ip_addr *addr);

/**
 * ifaddr_source: the address of ours that packets to @nexthop on @port should have as their source, or
 * zero: there is none. One of the same net first, then of the port, then of any port.
 */
void ifaddr_source(uint8_t af, uint16_t port, const union ip_addr *nexthop, union ip_addr *ret_src);

/** ifaddr_linklocal: the link-local IPv6 address of @port; false: it has none. */
bool ifaddr_linklocal(uint16_t port, union ip_addr *ret_addr);

#endif
