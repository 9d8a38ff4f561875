/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments: the nodes ip4_reass and ip6_reass (frag_reass.c) make datagrams of them before the load
 * balancer sees them; ip4_frag and ip6_frag (frag_out.c) make fragments of what is longer than the path
 * takes. All fragments of a datagram meet on one worker.
 *
 * Thread-safety: worker lcore.
 */
#ifndef NET_FRAG_H
#define NET_FRAG_H

#include <rte_graph.h>

struct module;
extern const struct module frag_module;

/* Shared by the files of the module. */

/** Counters, in the order of the module's table; the first are enum frag_drop. */
enum {
	FRAG_STAT_OVERLAP,
	FRAG_STAT_DUPLICATE,
	FRAG_STAT_TOO_MANY,
	FRAG_STAT_EVICTED,
	FRAG_STAT_TIMEOUT,
	FRAG_STAT_BAD_LENGTH,
	FRAG_STAT_TOO_LONG,
	FRAG_STAT_BAD_HEADERS,
	FRAG_STAT_OUT_TOO_MANY,
	FRAG_STAT_OUT_NO_MBUF,
	FRAG_STAT_RECEIVED,
	FRAG_STAT_REASSEMBLED,
	FRAG_STAT_ANSWERED,
	FRAG_STAT_PARAMETER,
	FRAG_STAT_HANDED_OVER,
	FRAG_STAT_FRAGMENTED,
	FRAG_STAT_SENT,
};
extern struct stats_block frag_stats_block;

extern struct rte_node_register ip4_frag_node;
extern struct rte_node_register ip6_frag_node;

/** frag_out_init: identification numbers start anywhere. */
void frag_out_init(void);

#endif
