/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which worker a port's receive-side scaling will give a packet: key and table of the device, learnt when
 * ports have started, and the Toeplitz hash in software. Who may choose a port number (full-NAT) can choose
 * one whose answers arrive where the connection is; where it fails, answers are handed over as ever.
 *
 * Thread-safety: rss_learn(), rss_set(), rss_forget(): main lcore. rss_worker(), rss_any(), rss_serves(): any lcore.
 */
#ifndef RSS_H
#define RSS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/pkt.h"

/** The port does not spread such packets by their ports, or nobody knows how. */
#define RSS_UNKNOWN UINT16_MAX

/** Largest redirection table, and shortest key: 4-tuples of IPv6 need 40 bytes. */
#define RSS_RETA_MAX 512
#define RSS_KEY_SIZE 40

/** struct rss_conf: how a port spreads packets. */
struct rss_conf {
	uint8_t key[RSS_KEY_SIZE];
	uint64_t hash_types;          /**< RTE_ETH_RSS_* */
	uint16_t reta_size;           /**< a power of two */
	uint8_t workers[RSS_RETA_MAX]; /**< worker index of each entry */
};

/** rss_learn: asks the devices of all ports; those that do not tell stay unknown. */
void rss_learn(void);

/** rss_set: the same from @conf, for port @port. rss_forget: forgets all. */
void rss_set(uint16_t port, const struct rss_conf *conf);
void rss_forget(void);

/** rss_any: is there a port of which something is known? rss_serves: does @port give @worker anything? */
bool rss_any(void);
bool rss_serves(uint16_t port, uint16_t worker);

/** rss_worker: the worker that gets a packet from @src:@sport to @dst:@dport on @port, or RSS_UNKNOWN. */
uint16_t rss_worker(uint16_t port, uint8_t af, uint8_t proto, const union ip_addr *src,
		    const union ip_addr *dst, rte_be16_t sport, rte_be16_t dport);

#endif
