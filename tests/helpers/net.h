/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small network around the daemon in a harness, and packets for it.
 *
 *   host 192.0.2.10, 2001:db8:1::10 -- dpdk0 [daemon] dpdk1 -- server 198.51.100.11, 2001:db8:2::11
 *
 * dpdk0 has 192.0.2.1/24, 2001:db8:1::1/64, the VIPs 192.0.2.100/32 and 2001:db8:1::100/128; dpdk1 has
 * 198.51.100.1/24 and 2001:db8:2::1/64. Host and server are permanent neighbours.
 *
 * Thread-safety: the main thread only.
 */
#ifndef TEST_NET_H
#define TEST_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_MAC   0x02, 0, 0, 0, 1, 0x10
#define SERVER_MAC 0x02, 0, 0, 0, 2, 0x11
#define PORT0_MAC  0x02, 0, 0, 0, 0, 0
#define PORT1_MAC  0x02, 0, 0, 0, 0, 1

/** Offsets in frames. */
#define L3 14
#define L4_4 (L3 + 20)
#define L4_6 (L3 + 40)

/** struct frame: a frame, sent or received. */
struct frame {
	uint16_t port;
	uint32_t len;
	uint8_t b[10000];
};

/** net_up: starts daemon and network; net_down: stops it. @conf as harness_start(). */
void net_up(const char *conf);
void net_down(void);

/** net_start: the daemon with two ports and no address. */
void net_start(const char *conf);

/** Requests; all but the last fail the test when refused. */
void net_addr(const char *prefix, const char *dev);
void net_neigh(const char *addr, const char *dev, const uint8_t *mac);
int net_route(const char *prefix, const char *via, const char *dev, uint32_t mtu);
int net_addr_try(uint32_t id, const char *prefix, const char *dev);

/** net_quiet: waits for announcements to be over and throws away what was sent. */
void net_quiet(void);

/** net_send: @f arrives on f->port, at worker after worker; *ret gets what was sent, at most @max. */
unsigned int net_send(const struct frame *f, struct frame *ret, unsigned int max);

/** net_take: what was sent meanwhile; waits up to @timeout_ms for @want frames. */
unsigned int net_take(struct frame *ret, unsigned int max, unsigned int want, unsigned int timeout_ms);

/*
 * Frames to dpdk0 from the host. Payload: @len bytes of @payload; NULL: a pattern. Checksums are right.
 */
void frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto, const void *payload,
	       size_t len);
void frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t proto, const void *payload,
	       size_t len);
void frame_udp(struct frame *f, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t len);
void frame_tcp(struct frame *f, const char *src, const char *dst, uint16_t sport, uint16_t dport, uint8_t flags,
	       uint32_t seq, uint32_t ack, size_t len);
void frame_echo(struct frame *f, const char *src, const char *dst, size_t len);
void frame_arp(struct frame *f, uint16_t op, const uint8_t *sha, const char *sip, const char *tip);

/** frame_nd: a solicitation or advertisement; @mac (nullable) in the option. */
void frame_nd(struct frame *f, uint8_t type, uint32_t flags, const char *src, const char *dst,
	      const char *target, const uint8_t *mac);

/** frame_fix: the header checksum of an IPv4 frame again, after a change. */
void frame_fix(struct frame *f);

/** frame_frag: fragment of the payload of @whole: bytes @first to @end - 1; @more. IPv4 and IPv6. */
void frame_frag(struct frame *f, const struct frame *whole, uint32_t id, uint32_t first, uint32_t end, bool more);

/** frame_sums_ok: are all checksums of a frame that the daemon sent right? */
bool frame_sums_ok(const struct frame *f);

uint16_t be16_at(const struct frame *f, uint32_t at);
uint32_t be32_at(const struct frame *f, uint32_t at);
bool addr_at(const struct frame *f, uint32_t at, const char *addr);

#endif
