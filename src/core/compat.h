/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the DPDK releases that we build with (22.11 to 24.11), in one place.
 *
 * Thread-safety: macros only.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <rte_version.h>

/*
 * From 24.11 on an IPv6 address is a struct rte_ipv6_addr in rte_rib6 and in struct rte_ipv6_hdr; before
 * it was an array of 16 bytes. Headers are read through "&ip->src_addr" as 16 bytes, which fits both.
 */
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
#define COMPAT_IP6(bytes) ((const struct rte_ipv6_addr *)(const void *)(bytes))
#define COMPAT_IP6_RET(bytes) ((struct rte_ipv6_addr *)(void *)(bytes))
#else
#define COMPAT_IP6(bytes) ((const uint8_t *)(const void *)(bytes))
#define COMPAT_IP6_RET(bytes) ((uint8_t *)(void *)(bytes))
#endif

#endif
