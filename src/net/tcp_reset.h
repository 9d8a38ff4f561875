/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP reset that answers a segment for which there is no connection and no listener.
 *
 * Thread-safety: worker lcore.
 */
#ifndef NET_TCP_RESET_H
#define NET_TCP_RESET_H

#include <rte_mbuf.h>

/** Verdicts of tcp_reset(). */
enum tcp_reset_verdict {
	TCP_RESET_MADE,
	TCP_RESET_NONE, /**< the segment is a reset itself */
	TCP_RESET_BAD,  /**< the segment is too short or its checksum is wrong */
};

/**
 * tcp_reset: turns the packet @m, which came to one of our addresses, into the reset that RFC 9293 3.10.7.1
 * asks for: to be sent by ip4_route_out or ip6_route_out. pkt_meta.af and l3_len are those of ip4_input.
 */
enum tcp_reset_verdict tcp_reset(struct rte_mbuf *m);

#endif
