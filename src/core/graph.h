/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet graph of each worker (rte_graph). Node functions live with their modules; this holds what
 * they share, and the nodes that belong to none: port_rx (source, a clone per port and queue), port_tx
 * (a clone per port), handover (to another worker), handover_rx (source), drop.
 *
 * Names of nodes and who brings them:
 *   port_rx -> eth_input -> arp_input | ip4_input | ip6_input | drop
 *   ip4_input -> lb4_input | ip4_reass | drop          (every valid IPv4 packet passes lb4_input)
 *   lb4_input -> xmit_* | ip4_route | handover | icmp4_error | drop   (no connection, no service: ip4_route)
 *   ip4_route -> ip4_local | ip4_forward | drop
 *   ip4_local -> icmp4_input | icmp4_error | drop
 *   ip4_forward -> ip4_output | icmp4_error | drop     (TTL)
 *   ip4_output -> neigh_output | ip4_frag | icmp4_error (MTU); in: pkt_meta out_port, neigh/nexthop, mtu
 *   icmp4_error -> ip4_route_out                        (makes the error from the packet, rate-limited)
 *   ip4_route_out -> ip4_output                         (route look-up for packets of our own)
 *   neigh_output -> port_tx | neigh_hold | drop         (writes the Ethernet header)
 *   and the same with 6; ndisc_input hangs below icmp6_input. ip4_local -> ip4_route_out (a TCP reset);
 *   ip6_input -> ip6_local (multicast); arp_input, ndisc_input -> neigh_output (answers, PKT_F_FRAME).
 *
 * Edges must lead to nodes that some module brings.
 *
 * The nodes port_rx, port_tx and eth_input live in src/net (they know ports); handover, handover_rx and
 * drop in src/core.
 *
 * Thread-safety: node functions run on the worker that owns the graph.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdint.h>

#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_mbuf.h>

/** Longest vector that rx nodes take at once. */
#define GRAPH_BURST 64

/**
 * Of the edges of neigh_output the one to port_tx of port 0; port p follows at GRAPH_TX_EDGE + p. The
 * edges before it are its own (drop, neigh_hold); core/graph.c adds these when it clones port_tx.
 */
#define GRAPH_TX_EDGE 2

/**
 * graph_inject: puts a packet of our own into a node of the calling worker's graph, to be walked in its
 * next walk. Worker lcore only. @node is the registered struct rte_node_register's .id.
 */
void graph_inject(rte_node_t node, struct rte_mbuf *m);

/**
 * graph_pool: the mbuf pool for packets of our own (and all rx queues). Any lcore. Its mbufs have
 * PKT_PRIV_SIZE bytes of private area.
 */
struct rte_mempool *graph_pool(void);

#endif
