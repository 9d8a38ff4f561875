/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums of TCP, UDP and ICMPv6 with their pseudo header, for packets in any number of segments and
 * with any extension headers (DPDK's functions take the IPv6 payload length for the length behind them).
 *
 * Thread-safety: pure functions.
 */
#ifndef NET_L4_H
#define NET_L4_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

/**
 * l4_sum: the checksum, not inverted, from the upper-layer header at m->l3_len to the end of the packet
 * whose IP header is at the start of @m: 0xffff when the packet's own checksum is right.
 */
uint16_t l4_sum(const struct rte_mbuf *m, uint8_t af, uint8_t proto);

/** l4_sum_ok: is the checksum right? Believes the port when it has checked. A UDP packet may have none. */
bool l4_sum_ok(const struct rte_mbuf *m, uint8_t af, uint8_t proto);

#endif
