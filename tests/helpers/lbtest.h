/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small network around the daemon of a test program (harness.h): port 0 looks at clients, port 1 at
 * servers; addresses, routes and neighbours are set as an operator would. Packets are described by struct
 * pk, made from it and taken apart into it again, checksums checked.
 *
 * Networks, each with an IPv4 and an IPv6 form, by their number:
 *   NET_CLIENT  192.0.2.0/24     2001:db8:1::/64   on port 0: director 1, VIP 100, client 10
 *   NET_SERVER  198.51.100.0/24  2001:db8:2::/64   on port 1: director 1, servers 11 to 42, local addresses 201...
 *   NET_FAR     10.0.0.0/8       2001:db8:a::/48   behind router 254 on port 0: many clients
 *
 * Thread-safety: the main thread only.
 */
#ifndef LBTEST_H
#define LBTEST_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/proto/conn.h>
#include <glib.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "core/pkt.h"

#define PORT_CLIENT 0
#define PORT_SERVER 1

enum {
	NET_CLIENT,
	NET_SERVER,
	NET_FAR,
};

enum {
	HOST_DIRECTOR = 1,
	HOST_CLIENT = 10,
	HOST_SERVER = 11, /* and the following */
	HOST_VIP = 100,
	HOST_LADDR = 201, /* and the following */
	HOST_ROUTER = 254,
};

#define LB_SERVERS 32

/** struct pk: a packet; zero members take the defaults of pk_make(). Ports and numbers in host order. */
struct pk {
	uint8_t af;
	uint8_t proto; /* 0: UDP */
	union ip_addr src;
	union ip_addr dst;
	uint16_t sport;
	uint16_t dport;
	uint8_t flags; /* RTE_TCP_*_FLAG */
	uint8_t ttl;   /* 0: 64 */
	bool df;
	bool no_csum;  /* UDP without checksum */
	uint16_t csum_error; /* added to the L4 checksum */
	uint16_t len;  /* of the payload; at least 8, which carry .mark */
	uint16_t short_by; /* bytes that are cut off the end of the frame */
	uint32_t seq;
	uint32_t ack;
	uint64_t mark; /* first bytes of the payload */
	uint8_t opts[40]; /* of TCP */
	uint8_t opts_len;
	/* Only by pk_parse(): */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint32_t icmp_info; /* MTU */
	bool l3_ok;    /* header checksum is right */
	bool l4_ok;
	bool fragment;
	struct rte_ether_addr to;
	struct rte_ether_addr from;
	uint8_t quoted[128]; /* of an ICMP error: the IP packet it is about, as far as it is there */
	uint16_t quoted_len;
};

/** lb_addr: host @host of network NET_*. */
union ip_addr lb_addr(uint8_t af, unsigned int net, uint32_t host);
struct dpvs_addr lb_wire_addr(uint8_t af, unsigned int net, uint32_t host);

/**
 * lb_start: harness_start() with two ports, then lb_setup(): addresses, routes, neighbours on ports dpdk0 and
 * dpdk1. lb_stop: harness_stop().
 */
void lb_start(const char *conf);
void lb_setup(void);
void lb_stop(void);

/** lb_service: @proto service VIP:@port with scheduler @sched; lb_service_del: takes it away. */
struct dpvs_service_key lb_key(uint8_t af, uint8_t proto, uint16_t port);
void lb_service(uint8_t af, uint8_t proto, uint16_t port, const char *sched);
void lb_service_del(uint8_t af, uint8_t proto, uint16_t port);

/** lb_dest: server HOST_SERVER + @n at @dport, with weight 1. lb_dest_weight, lb_dest_del: change it. */
void lb_dest(uint8_t af, uint8_t proto, uint16_t port, uint8_t fwd, unsigned int n, uint16_t dport);
void lb_dest_weight(uint8_t af, uint8_t proto, uint16_t port, uint8_t fwd, unsigned int n, uint16_t dport,
		    uint32_t weight);
void lb_dest_del(uint8_t af, uint8_t proto, uint16_t port, unsigned int n, uint16_t dport);

/** lb_laddr: local address HOST_LADDR + @n for a service. */
void lb_laddr(uint8_t af, uint8_t proto, uint16_t port, unsigned int n);

/** lb_dest_info: server HOST_SERVER + @n of a service as GET 204 lists it. */
struct dpvs_dest_info lb_dest_info(uint8_t af, uint8_t proto, uint16_t port, unsigned int n);

/** lb_conn: the only connection there is; fails the test if there is another number than one. */
struct dpvs_conn_info lb_conn(void);

/** lb_conn_count: how many connections there are now, by GET 8202. */
uint64_t lb_conn_count(void);

/** pk_make: the frame of @p for @port. pk_parse: @m as a struct pk; not freed. */
struct rte_mbuf *pk_make(uint16_t port, const struct pk *p);
struct pk pk_parse(const struct rte_mbuf *m);

/** pk_icmp: an ICMP error from @src to @dst about @about, a packet as pk_parse() gave it. */
struct rte_mbuf *pk_icmp(uint16_t port, uint8_t af, const union ip_addr *src, const union ip_addr *dst,
			 uint8_t type, uint8_t code, uint32_t info, const struct rte_mbuf *about);

/** lb_send: @p arrives on @port at @worker; lb_recv: the next packet out of @port, parsed, or a failure. */
void lb_send(uint16_t port, unsigned int worker, const struct pk *p);
struct pk lb_recv(uint16_t port);

/**
 * lb_collect: waits until @want packets came out of @port, at most @wait_ms; ARP, ND and the like are passed
 * over. Returns how many; free them with harness_free().
 */
unsigned int lb_collect(uint16_t port, struct rte_mbuf **pkts, unsigned int want, unsigned int wait_ms);

/** lb_forward: lb_send() on @in and lb_recv() on @out. */
struct pk lb_forward(uint16_t in, unsigned int worker, const struct pk *p, uint16_t out);

/** lb_none: settles; fails the test if anything was sent. */
void lb_none(void);

/** lb_drops: @p is dropped under the counter "@name" of module @module, and nothing else happens. */
void lb_drops(uint16_t port, unsigned int worker, const struct pk *p, const char *module, const char *name);

/** lb_reverse: an answer to @p: addresses and ports exchanged, a fresh packet otherwise. */
struct pk lb_reverse(const struct pk *p);

/**
 * lb_test_add: test "@path/ipv4" and "@path/ipv6"; lb_test_af() and lb_test_arg() take @data apart into the
 * address family and @arg.
 */
void lb_test_add(const char *path, void (*fn)(gconstpointer data), unsigned int arg);
uint8_t lb_test_af(gconstpointer data);
unsigned int lb_test_arg(gconstpointer data);

#define lb_assert_addr(a, af, net, host)                                                       \
	do {                                                                                   \
		union ip_addr lb_want = lb_addr((af), (net), (host));                          \
		g_assert_cmpmem(&(a), sizeof(lb_want), &lb_want, sizeof(lb_want));             \
	} while (0)

#endif
