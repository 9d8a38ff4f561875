/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP (RFC 826, 5227): the node arp_input, and what the main lcore sends.
 *
 * Thread-safety: arp_request(), arp_announce(): main lcore.
 */
#ifndef NET_ARP_H
#define NET_ARP_H

#include <stdint.h>

#include "core/pkt.h"

struct module;
extern const struct module arp_module;

/** arp_request: asks for @target on @port; @mac (nullable): only there. 0 or negative errno. */
int arp_request(uint16_t port, const union ip_addr *target, const uint8_t *mac);

/** arp_announce: tells everybody that @addr is here (RFC 5227 2.3). */
int arp_announce(uint16_t port, const union ip_addr *addr);

#endif
