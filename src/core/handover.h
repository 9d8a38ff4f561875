/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handing packets to the worker that owns their connection: a ring per worker, the node "handover" that
 * fills the rings of others (pkt_meta.worker, pkt_meta.target say where to), the source node "handover_rx" that empties
 * the own one.
 *
 * Thread-safety: the counts: main lcore (plain reads of what workers count).
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdint.h>

struct module;
extern const struct module handover_module;

/** handover_out, handover_in: packets that worker @index gave away and took. */
uint64_t handover_out(unsigned int index);
uint64_t handover_in(unsigned int index);

/** handover_of_port: packets handed over that came in on @port. */
uint64_t handover_of_port(uint16_t port);

#endif
