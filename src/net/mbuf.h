/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in several segments: cut, gathered, summed.
 *
 * Thread-safety: the lcore that has the packet.
 */
#ifndef NET_MBUF_H
#define NET_MBUF_H

#include <stdint.h>

#include <rte_mbuf.h>

/** mbuf_cut: leaves the first @len bytes of @m; it has at least so many. */
void mbuf_cut(struct rte_mbuf *m, uint32_t len);

/**
 * mbuf_gather: brings as much of the packet into its first segment as fits there. (rte_pktmbuf_linearize()
 * does all or nothing.)
 */
void mbuf_gather(struct rte_mbuf *m);

/** mbuf_sum: the Internet checksum, not inverted, over @len bytes from offset @off on, added to @sum. */
uint16_t mbuf_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint32_t sum);

#endif
