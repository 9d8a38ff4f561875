/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One lcore's routes: see rib.h.
 */
#include "net/rib.h"

#include <stdio.h>

#include <rte_malloc.h>
#include <rte_rib.h>
#include <rte_rib6.h>

#include "core/compat.h"
#include "net/addr.h"

struct rib {
	struct rte_rib *rib4;
	struct rte_rib6 *rib6;
	struct route_info *info4; /**< by slot */
	struct route_info *info6;
};

union ip_addr
rib_scoped(uint8_t af, const union ip_addr *dst, uint16_t port)
{
	union ip_addr r = *dst;

	if (addr_is_linklocal(af, dst)) {
		r.ip6[2] = port >> 8;
		r.ip6[3] = port & 0xff;
	}
	return r;
}

void
rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	rte_rib_free(rib->rib4);
	rte_rib6_free(rib->rib6);
	rte_free(rib->info4);
	rte_free(rib->info6);
	rte_free(rib);
}

struct rib *
rib_new(const char *name, int socket, uint32_t max)
{
	struct rte_rib_conf conf4 = { .max_nodes = (int)(2 * max) };
	struct rte_rib6_conf conf6 = { .max_nodes = (int)(2 * max) };
	char text[32];
	struct rib *rib;

	rib = rte_zmalloc_socket("rib", sizeof(*rib), 0, socket);
	if (rib == NULL)
		return NULL;

	rib->info4 = rte_zmalloc_socket("rib", max * sizeof(*rib->info4), RTE_CACHE_LINE_SIZE, socket);
	rib->info6 = rte_zmalloc_socket("rib", max * sizeof(*rib->info6), RTE_CACHE_LINE_SIZE, socket);
	snprintf(text, sizeof(text), "rib4-%s", name);
	rib->rib4 = rte_rib_create(text, socket, &conf4);
	snprintf(text, sizeof(text), "rib6-%s", name);
	rib->rib6 = rte_rib6_create(text, socket, &conf6);
	if (rib->info4 == NULL || rib->info6 == NULL || rib->rib4 == NULL || rib->rib6 == NULL) {
		rib_free(rib);
		return NULL;
	}
	return rib;
}

void
rib_set(struct rib *rib, uint8_t af, const union ip_addr *dst, uint8_t plen, uint32_t slot,
	const struct route_info *info)
{
	if (af == AF_INET) {
		uint32_t ip = rte_be_to_cpu_32(dst->ip4);
		struct rte_rib_node *node = rte_rib_lookup_exact(rib->rib4, ip, plen);

		if (node == NULL)
			node = rte_rib_insert(rib->rib4, ip, plen);
		RTE_VERIFY(node != NULL); /* two nodes for each slot are there */
		rte_rib_set_nh(node, slot);
		rib->info4[slot] = *info;
	} else {
		struct rte_rib6_node *node = rte_rib6_lookup_exact(rib->rib6, COMPAT_IP6(dst), plen);

		if (node == NULL)
			node = rte_rib6_insert(rib->rib6, COMPAT_IP6(dst), plen);
		RTE_VERIFY(node != NULL);
		rte_rib6_set_nh(node, slot);
		rib->info6[slot] = *info;
	}
}

void
rib_del(struct rib *rib, uint8_t af, const union ip_addr *dst, uint8_t plen)
{
	if (af == AF_INET)
		rte_rib_remove(rib->rib4, rte_be_to_cpu_32(dst->ip4), plen);
	else
		rte_rib6_remove(rib->rib6, COMPAT_IP6(dst), plen);
}

const struct route_info *
rib_lookup(const struct rib *rib, uint8_t af, const union ip_addr *dst)
{
	uint64_t slot;

	if (af == AF_INET) {
		struct rte_rib_node *node = rte_rib_lookup(rib->rib4, rte_be_to_cpu_32(dst->ip4));

		if (node == NULL || rte_rib_get_nh(node, &slot) != 0)
			return NULL;
		return &rib->info4[slot];
	}

	struct rte_rib6_node *node = rte_rib6_lookup(rib->rib6, COMPAT_IP6(dst));

	if (node == NULL || rte_rib6_get_nh(node, &slot) != 0)
		return NULL;
	return &rib->info6[slot];
}

static const struct route_info *
rib_next4(const struct rib *rib, uint64_t *state, const void **last, union ip_addr *ret_dst, uint8_t *ret_plen,
	  uint64_t *ret_slot)
{
	struct rte_rib_node *node = (struct rte_rib_node *)(uintptr_t)*last;
	uint32_t ip;

	/* The walk leaves out the default route. */
	if (*state == 0) {
		*state = 1;
		node = rte_rib_lookup_exact(rib->rib4, 0, 0);
		if (node == NULL)
			return rib_next4(rib, state, last, ret_dst, ret_plen, ret_slot);
	} else {
		node = rte_rib_get_nxt(rib->rib4, 0, 0, node, RTE_RIB_GET_NXT_ALL);
		if (node == NULL)
			return NULL;
		*last = node;
	}
	rte_rib_get_ip(node, &ip);
	rte_rib_get_depth(node, ret_plen);
	rte_rib_get_nh(node, ret_slot);
	*ret_dst = (union ip_addr){ .ip4 = rte_cpu_to_be_32(ip) };
	return &rib->info4[*ret_slot];
}

static const struct route_info *
rib_next6(const struct rib *rib, uint64_t *state, const void **last, union ip_addr *ret_dst, uint8_t *ret_plen,
	  uint64_t *ret_slot)
{
	struct rte_rib6_node *node = (struct rte_rib6_node *)(uintptr_t)*last;
	static const union ip_addr zero;

	if (*state == 0) {
		*state = 1;
		node = rte_rib6_lookup_exact(rib->rib6, COMPAT_IP6(&zero), 0);
		if (node == NULL)
			return rib_next6(rib, state, last, ret_dst, ret_plen, ret_slot);
	} else {
		node = rte_rib6_get_nxt(rib->rib6, COMPAT_IP6(&zero), 0, node, RTE_RIB6_GET_NXT_ALL);
		if (node == NULL)
			return NULL;
		*last = node;
	}
	rte_rib6_get_ip(node, COMPAT_IP6_RET(ret_dst));
	rte_rib6_get_depth(node, ret_plen);
	rte_rib6_get_nh(node, ret_slot);
	return &rib->info6[*ret_slot];
}

const struct route_info *
rib_next(const struct rib *rib, uint8_t af, uint64_t *state, const void **last, union ip_addr *ret_dst,
	 uint8_t *ret_plen, uint32_t *ret_slot)
{
	const struct route_info *info;
	uint64_t slot = 0;

	info = af == AF_INET ? rib_next4(rib, state, last, ret_dst, ret_plen, &slot) :
			       rib_next6(rib, state, last, ret_dst, ret_plen, &slot);
	*ret_slot = (uint32_t)slot;
	return info;
}
