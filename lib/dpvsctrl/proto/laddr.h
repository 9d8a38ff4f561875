/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire records of the family `laddr`: local (source) addresses of full-NAT services.
 *
 *   SET 100 add  101 del  102 flush (key of the service)        GET 103 (key filter; family 0: all)
 *
 * Errors: -ESRCH no such service; -EEXIST, -ENOENT as they say; -ENODEV no such port;
 * -EINVAL family differs from the VIP's.
 */
#ifndef DPVSCTRL_PROTO_LADDR_H
#define DPVSCTRL_PROTO_LADDR_H

#include <dpvsctrl/proto/service.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	DPVS_SET_LADDR_ADD = 100,
	DPVS_SET_LADDR_DEL = 101,
	DPVS_SET_LADDR_FLUSH = 102,
	DPVS_GET_LADDRS = 103,
	DPVS_GET_LADDR_POOLS = 8103,
	DPVS_SET_LADDR_ZERO = 8103,
};

/** struct dpvs_laddr_conf: a local address of a service, and the port that answers ARP or ND for it. */
struct dpvs_laddr_conf {
	struct dpvs_service_key svc;
	struct dpvs_addr addr;
	char dev[DPVS_IFNAME_SIZE];
};

static_assert(sizeof(struct dpvs_laddr_conf) == 80, "wire format");

/** struct dpvs_laddr_info: one local address as listed. */
struct dpvs_laddr_info {
	struct dpvs_laddr_conf conf;
	uint64_t conns;       /**< connections that use it now, over all services that share it */
	uint64_t port_misses; /**< connections refused because no port was free */
};

static_assert(sizeof(struct dpvs_laddr_info) == 96, "wire format");

/** struct dpvs_laddr_pool_info: the ports of a local address on one worker; answer of 8103. */
struct dpvs_laddr_pool_info {
	struct dpvs_addr addr;
	char dev[DPVS_IFNAME_SIZE];
	uint32_t lcore;
	uint32_t blocks;      /**< blocks of 64 ports that it has */
	uint32_t idle_blocks; /**< of them, without a connection */
	uint32_t conns;       /**< connections of this worker that use the address */
	uint32_t pad;
	uint64_t port_misses; /**< connections refused because no port was free; SET 8103: zero */
	uint64_t generation;  /**< that the worker had reached when it said so */
};

static_assert(sizeof(struct dpvs_laddr_pool_info) == 88, "wire format");

#ifdef __cplusplus
}
#endif

#endif
