/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graph nodes of ports: port_rx (a clone per port and rx queue), port_tx (a clone per port), eth_input.
 * For src/net/netif*.c only.
 *
 * Thread-safety: main lcore only; counts are plain reads of what workers count.
 */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
#include <stdint.h>

struct module;
extern const struct module port_module; /* nodes port_rx, port_tx, eth_input and their counters */

/** struct port_queues: how a port's queues are shared out. */
struct port_queues {
	uint16_t port;
	uint16_t rx_queues;
	uint16_t tx_queues;
	bool tx_segments; /**< the device takes packets of several segments */
};

/** port_nodes_add: makes the clones for a port and gives its rx queues to workers. */
int port_nodes_add(const struct port_queues *queues);

/** port_nodes_done: tells the graph all port_tx clones; after the last port_nodes_add(). */
int port_nodes_done(void);
void port_nodes_fini(void);

/** port_tx_node: the node that sends a whole frame on @port. Any lcore. */
uint32_t port_tx_node(uint16_t port);

/** port_rx_worker: the worker index that polls queue @queue of @port. */
unsigned int port_rx_worker(uint16_t port, uint16_t queue);

uint64_t port_tx_dropped(uint16_t port);         /**< by us: the queue was full */
uint64_t port_rx_pkts(unsigned int index);       /**< taken by worker @index from all ports */
uint64_t port_tx_pkts(unsigned int index);       /**< sent by worker @index */

#endif
