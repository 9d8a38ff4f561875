/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node eth_input: what follows the Ethernet header decides where a packet goes.
 *
 * Thread-safety: worker lcores.
 */
#ifndef ETH_H
#define ETH_H

struct module;
extern const struct module eth_module;

#endif
