/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the connection tables of a daemon in the harness: connections that no packet made and none will end.
 *
 * Thread-safety: the main thread only.
 */
#ifndef TEST_CONNS_H
#define TEST_CONNS_H

#include <stdint.h>

/** What each of them has; client and port tell them apart. */
#define CONNS_VIP "192.0.2.100"
#define CONNS_VIP_PORT 443
#define CONNS_DEST "198.51.100.11"

/**
 * conns_fill: @count UDP connections for each worker; [conn] max must have room. Number I of worker W is from client
 * 10.W.(I >> 16).((I >> 8) & 255), that is (10 << 24 | W << 16) + (I >> 8) as a number, and port 1024 + (I & 255).
 */
void conns_fill(uint32_t count);

#endif
