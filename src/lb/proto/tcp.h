/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP as the load balancer sees it: states of a connection, sequence numbers, options of a SYN.
 *
 * Thread-safety: pure functions on the caller's packet.
 */
#ifndef TCP_H
#define TCP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_tcp.h>

/** tcp_check: is there a whole header in the @len bytes from @tcp on, options included? */
static inline bool
tcp_check(const struct rte_tcp_hdr *tcp, uint32_t len)
{
	uint32_t hlen;

	if (len < sizeof(*tcp))
		return false;
	hlen = (uint32_t)(tcp->data_off >> 4) * 4;
	return hlen >= sizeof(*tcp) && hlen <= len;
}

/**
 * tcp_next_state: state (DPVS_CONN_*) after a packet of direction @dir (CONN_*) with flags @flags.
 * @one_way: the server's packets do not pass here (direct routing).
 */
uint8_t tcp_next_state(unsigned int dir, bool one_way, uint8_t state, uint8_t flags);

/** tcp_is_plain: neither SYN, FIN nor RST, as most packets are. */
static inline bool
tcp_is_plain(uint8_t flags)
{
	return (flags & (RTE_TCP_SYN_FLAG | RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)) == 0;
}

/** tcp_seq_end: sequence number after the segment @tcp of @len bytes, header included; host order. */
uint32_t tcp_seq_end(const struct rte_tcp_hdr *tcp, uint32_t len);

/**
 * tcp_syn_options: lowers the MSS option to @mss and, with @drop_ts, overwrites the timestamp option by
 * padding; the checksum follows.
 */
void tcp_syn_options(struct rte_tcp_hdr *tcp, uint16_t mss, bool drop_ts);

/**
 * tcp_shift_seq: adds @delta to the sequence number. tcp_shift_ack: takes @delta from the acknowledgement
 * and from the edges of SACK blocks. The checksum follows.
 */
void tcp_shift_seq(struct rte_tcp_hdr *tcp, uint32_t delta);
void tcp_shift_ack(struct rte_tcp_hdr *tcp, uint32_t delta);

#endif
