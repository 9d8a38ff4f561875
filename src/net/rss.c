/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See rss.h.
 */
#include "net/rss.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_thash.h>

#include "core/lcore.h"
#include "net/netif.h"
#include "net/port.h"

/* Of a port; main writes it before .known, which workers read first. */
struct rss_port {
	_Atomic bool known;
	struct rss_conf conf;
	uint32_t key[RSS_KEY_SIZE / 4]; /* as rte_softrss_be() wants it */
	bool serves[WORKERS_MAX];
};

static struct rss_port rss_ports[NETIF_MAX];
static _Atomic bool rss_known;

void
rss_set(uint16_t port, const struct rss_conf *conf)
{
	struct rss_port *p = &rss_ports[port];

	p->conf = *conf;
	memset(p->serves, 0, sizeof(p->serves));
	for (unsigned int i = 0; i < conf->reta_size; i++)
		p->serves[conf->workers[i]] = true;
	rte_convert_rss_key((const uint32_t *)(const void *)p->conf.key, p->key, RSS_KEY_SIZE);
	/* Release: rss_worker() reads the rest after it. */
	atomic_store_explicit(&p->known, true, memory_order_release);
	atomic_store_explicit(&rss_known, true, memory_order_relaxed);
}

void
rss_forget(void)
{
	for (unsigned int i = 0; i < NETIF_MAX; i++)
		atomic_store_explicit(&rss_ports[i].known, false, memory_order_relaxed);
	atomic_store_explicit(&rss_known, false, memory_order_relaxed);
}

bool
rss_any(void)
{
	return atomic_load_explicit(&rss_known, memory_order_relaxed);
}

bool
rss_serves(uint16_t port, uint16_t worker)
{
	/* Acquire: rss_set(). */
	return port < NETIF_MAX && atomic_load_explicit(&rss_ports[port].known, memory_order_acquire) &&
	       rss_ports[port].serves[worker];
}

/* Returns false: the device has no redirection table, or one that we cannot follow. */
static bool
learn_reta(uint16_t port, const struct rte_eth_dev_info *info, struct rss_conf *conf)
{
	struct rte_eth_rss_reta_entry64 reta[RSS_RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];

	if (info->reta_size == 0 || info->reta_size > RSS_RETA_MAX || !rte_is_power_of_2(info->reta_size))
		return false;
	memset(reta, 0xff, sizeof(reta)); /* all entries are asked for */
	if (rte_eth_dev_rss_reta_query(port, reta, info->reta_size) != 0)
		return false;
	conf->reta_size = info->reta_size;
	for (unsigned int i = 0; i < conf->reta_size; i++) {
		uint16_t queue = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];

		if (queue >= info->nb_rx_queues)
			return false;
		conf->workers[i] = (uint8_t)port_rx_worker(port, queue);
	}
	return true;
}

void
rss_learn(void)
{
	for (uint16_t port = 0; port < netif_count(); port++) {
		struct rss_conf conf = { 0 };
		struct rte_eth_rss_conf hash = { .rss_key = conf.key, .rss_key_len = sizeof(conf.key) };
		struct rte_eth_dev_info info;

		if (netif_get(port) == NULL || rte_eth_dev_info_get(port, &info) != 0 ||
		    info.nb_rx_queues <= 1 || info.hash_key_size != RSS_KEY_SIZE)
			continue;
		if (rte_eth_dev_rss_hash_conf_get(port, &hash) != 0 || hash.rss_hf == 0)
			continue;
		conf.hash_types = hash.rss_hf;
		if (learn_reta(port, &info, &conf))
			rss_set(port, &conf);
	}
}

uint16_t
rss_worker(uint16_t port, uint8_t af, uint8_t proto, const union ip_addr *src, const union ip_addr *dst,
	   rte_be16_t sport, rte_be16_t dport)
{
	const struct rss_port *p = &rss_ports[port];
	uint64_t need = proto == IPPROTO_TCP ?
				(af == AF_INET ? RTE_ETH_RSS_NONFRAG_IPV4_TCP : RTE_ETH_RSS_NONFRAG_IPV6_TCP) :
				(af == AF_INET ? RTE_ETH_RSS_NONFRAG_IPV4_UDP : RTE_ETH_RSS_NONFRAG_IPV6_UDP);
	unsigned int words = af == AF_INET ? 1 : 4, n = 0;
	uint32_t tuple[9];

	if (port >= NETIF_MAX || !atomic_load_explicit(&p->known, memory_order_acquire) ||
	    (p->conf.hash_types & need) == 0)
		return RSS_UNKNOWN;
	for (unsigned int i = 0; i < words; i++)
		tuple[n++] = rte_be_to_cpu_32(src->u32[i]);
	for (unsigned int i = 0; i < words; i++)
		tuple[n++] = rte_be_to_cpu_32(dst->u32[i]);
	tuple[n++] = (uint32_t)rte_be_to_cpu_16(sport) << 16 | rte_be_to_cpu_16(dport);
	return p->conf.workers[rte_softrss_be(tuple, n, (const uint8_t *)p->key) & (p->conf.reta_size - 1u)];
}
