/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of local addresses, for full-NAT. Ports 1024 to 65535 of an address are cut into blocks of
 * LADDR_BLOCK_PORTS; a block belongs to one worker, which claims it with one compare-and-swap when it
 * needs more ports and gives it back when no connection uses it. So any worker can tell from an address
 * and a port who owns the connection: laddr_port_owner().
 *
 * A port is unique per (local address, real server): the owner's connection table is the record of what is
 * taken, and a cursor for each pair of local address and server walks the worker's blocks, so that the port
 * used longest ago comes first. Local addresses are the slots of lb/laddr.h.
 *
 * Thread-safety
 *   main lcore, while workers do not run: laddr_port_init(), laddr_port_fini()
 *   worker lcore: laddr_port_alloc(), laddr_port_free(), laddr_port_tidy()
 *   any lcore: laddr_port_owner(), laddr_port_blocks()
 */
#ifndef LADDR_PORT_H
#define LADDR_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

struct conn;
struct conn_table;

#define LADDR_BLOCK_PORTS 64
#define LADDR_PORT_FIRST 1024
#define LADDR_BLOCKS ((65536 - LADDR_PORT_FIRST) / LADDR_BLOCK_PORTS)

/** No worker owns the port. */
#define LADDR_OWNER_NONE UINT8_MAX

/** laddr_port_init: tables of @num_laddrs slots for @num_workers workers. Returns 0 or -ENOMEM. */
int laddr_port_init(uint32_t num_laddrs, unsigned int num_workers);
void laddr_port_fini(void);

/**
 * laddr_port_alloc: a port of slot @laddr for connection @c of table @t and worker @worker, which has af,
 * proto and the CONN_OUT key (server, local address) but for the port; fills the port in. @rx_port: where
 * answers arrive; if it is known how it spreads packets (net/rss.h), one is chosen that brings them to this
 * worker; UINT16_MAX: any will do. Returns
 *   0          the port is free
 *   -EADDRINUSE no free port, but one whose connection may be replaced: *ret_old, in state TIME_WAIT or
 *              CLOSE, which the caller ends; the port is filled in already
 *   -EAGAIN    all are taken; other workers are asked to give up idle blocks
 * laddr_port_take: counts the port of @c as used, after the old connection has ended. laddr_port_free:
 * undoes it.
 */
int laddr_port_alloc(struct conn_table *t, unsigned int worker, uint32_t laddr, struct conn *c,
		     uint16_t rx_port, struct conn **ret_old);
void laddr_port_take(unsigned int worker, uint32_t laddr, rte_be16_t port);
void laddr_port_free(unsigned int worker, uint32_t laddr, rte_be16_t port);

/** laddr_port_tidy: gives back idle blocks that other workers wait for; a slow job. True: gave one back. */
bool laddr_port_tidy(unsigned int worker);

/** laddr_port_owner: worker that owns @port of slot @laddr, or LADDR_OWNER_NONE. */
uint8_t laddr_port_owner(uint32_t laddr, rte_be16_t port);

/** laddr_port_blocks: blocks of slot @laddr that worker @worker owns. */
uint32_t laddr_port_blocks(unsigned int worker, uint32_t laddr);

/** laddr_port_idle: those of them that no connection uses. On that worker. */
uint32_t laddr_port_idle(unsigned int worker, uint32_t laddr);

#endif
