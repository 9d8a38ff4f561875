/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses on ports. Local addresses of full-NAT services are addresses too (the port answers ARP and ND
 * for them): src/lb/laddr.c brings and takes them inside its own change.
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

/** ifaddr_is_local: is @addr an address of @port (UINT16_MAX: of any port)? */
bool ifaddr_is_local(uint16_t port, uint8_t af, const union ip_addr *addr);

/** ifaddr_port_of: (main) the port that has @addr, or -1. For gratuitous ARP. */
int ifaddr_port_of(uint8_t af, const union ip_addr *addr);

#endif
