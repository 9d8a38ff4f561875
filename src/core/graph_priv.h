/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The making of the graphs: what start-up, the lcore loop and src/net/port.c need of core/graph.c; other
 * modules need graph.h only.
 *
 * Thread-safety: main lcore only, but for graph_of_worker(): any lcore while workers run.
 */
#ifndef GRAPH_PRIV_H
#define GRAPH_PRIV_H

#include "core/graph.h"

struct module;
extern const struct module graph_module; /* pool, node drop */

/** graph_register: registers the nodes of all @modules (NULL-ended) and fills their ids. */
int graph_register(const struct module *const *modules);

/** graph_source: a node that has no other way into the graph of worker @index: its port_rx clones. */
int graph_source(unsigned int index, const char *name);

/** graph_tx_ports: the clones of port_tx, in the order of ports: appended to the edges of neigh_output. */
int graph_tx_ports(const char *const *names, unsigned int count);

/** graph_build: makes the graph of each worker. graph_destroy: also forgets sources. */
int graph_build(void);
void graph_destroy(void);

struct rte_graph *graph_of_worker(unsigned int index);

#endif
