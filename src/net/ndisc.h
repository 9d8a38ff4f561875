/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 neighbour discovery (RFC 4861): the node ndisc_input, and what the main lcore sends.
 *
 * Thread-safety: ndisc_solicit(), ndisc_announce(): main lcore.
 */
#ifndef NET_NDISC_H
#define NET_NDISC_H

#include <stdint.h>

#include "core/pkt.h"

struct module;
extern const struct module ndisc_module;

/** ndisc_solicit: asks for @target on @port; @mac (nullable): only there. 0 or negative errno. */
int ndisc_solicit(uint16_t port, const union ip_addr *target, const uint8_t *mac);

/** ndisc_announce: tells everybody that @addr is here (RFC 4861 7.2.6). */
int ndisc_announce(uint16_t port, const union ip_addr *addr);

#endif
