/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6: the nodes ip6_input, ip6_route, ip6_local, ip6_forward, ip6_route_out, ip6_output.
 *
 * Thread-safety: worker lcore.
 */
#ifndef NET_IPV6_H
#define NET_IPV6_H

#include <rte_graph.h>

struct module;
extern const struct module ipv6_module;
extern struct rte_node_register ip6_input_node;
extern struct stats_block ip6_stats_block;

/** Counters of the module, in the order of its table. */
enum {
	IP6_STAT_SHORT,
	IP6_STAT_BAD_VERSION,
	IP6_STAT_BAD_LENGTH,
	IP6_STAT_MARTIAN_SOURCE,
	IP6_STAT_MARTIAN_DESTINATION,
	IP6_STAT_TRUNCATED,
	IP6_STAT_TOO_MANY_HEADERS,
	IP6_STAT_UNKNOWN_OPTION,
	IP6_STAT_NO_FORWARD,
	IP6_STAT_LINK_LOCAL,
	IP6_STAT_MULTICAST,
	IP6_STAT_NO_LISTENER,
	IP6_STAT_NO_NEXT_HEADER,
	IP6_STAT_BAD_L4,
	IP6_STAT_RESET_LIMITED,
	IP6_STAT_OUT_NO_ROUTE,
	IP6_STAT_OUT_LOCAL,
	IP6_STAT_FORWARDED,
	IP6_STAT_PARAMETER,
	IP6_STAT_NO_ROUTE,
	IP6_STAT_HOPS_EXCEEDED,
	IP6_STAT_TOO_BIG,
	IP6_STAT_PORT_UNREACHABLE,
	IP6_STAT_PROTOCOL_UNREACHABLE,
	IP6_STAT_RESET,
};

#endif
