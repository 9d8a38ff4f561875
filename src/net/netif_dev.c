/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See netif_priv.h: the device behind a port. Drivers differ in what they offer; what is missing is done
 * without (and shown by `dpip link`), never a reason not to start.
 */
#include <errno.h>
#include <glib.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <string.h>

#include <dpvsctrl/proto/netif.h>

#include "core/graph.h"
#include "core/lcore.h"
#include "core/log.h"
#include "net/netif_priv.h"

/* Smallest MTU that IPv4 allows (RFC 791); IPv6 wants 1280, which the IPv6 module watches. */
#define MTU_MIN 68

/* Virtual devices that spread packets over all the queues they have, whether anybody polls them or not. */
static const char *const port_fixed_queues[] = { "net_af_packet", "net_af_xdp", "net_ring", "net_pcap", NULL };

/* ---- finding ---- */

int
port_device_find(const char *name, const char *devargs, uint16_t *ret_id, bool *ret_hotplugged)
{
	g_autofree char *device = g_strndup(devargs, strcspn(devargs, ","));
	int err;

	*ret_hotplugged = false;
	if (rte_eth_dev_get_port_by_name(device, ret_id) == 0)
		return 0;
	err = rte_dev_probe(devargs);
	if (err == -EFAULT) {
		/* DPDK's errno for "no bus takes it": Bad address would lead astray. */
		log_error("netif",
			  "port %s: no driver takes the device \"%s\"; check its name, and that the package of its driver "
			  "is installed (librte-net-..., dpdk)",
			  name, devargs);
		return -ENODEV;
	}
	if (err < 0 && err != -EEXIST) {
		log_error("netif", "port %s: the device \"%s\" cannot be made: %s; see what DPDK says above",
			  name, devargs, g_strerror(-err));
		return err;
	}
	if (rte_eth_dev_get_port_by_name(device, ret_id) != 0) {
		log_error("netif", "port %s: DPDK took \"%s\", but there is no Ethernet device %s", name,
			  devargs, device);
		return -ENODEV;
	}
	*ret_hotplugged = true;
	return 0;
}

/* ---- configuration ---- */

static bool
port_has_fixed_queues(const char *driver)
{
	unsigned int i;

	for (i = 0; port_fixed_queues[i] != NULL; i++)
		if (strcmp(driver, port_fixed_queues[i]) == 0)
			return true;
	return false;
}

static int
port_choose_queues(struct port *p, const struct port_want *want, const struct rte_eth_dev_info *info)
{
	unsigned int workers = lcore_worker_count();

	if (want->queues > info->max_rx_queues) {
		log_error("netif", "port %s: %u queues are asked for, the device %s has %u; "
			  "lower \"queues\" or give the device more", p->name, want->queues, p->device,
			  info->max_rx_queues);
		return -EINVAL;
	}
	if (want->queues != 0)
		p->rx_queues = want->queues;
	else if (port_has_fixed_queues(p->driver))
		p->rx_queues = info->max_rx_queues;
	else
		p->rx_queues = (uint16_t)RTE_MIN(info->max_rx_queues, workers);
	p->tx_queues = (uint16_t)RTE_MIN(info->max_tx_queues, workers);
	if (strcmp(p->driver, "net_tap") == 0)
		p->tx_queues = p->rx_queues; /* it insists on pairs */
	if (p->rx_queues == 0 || p->tx_queues == 0) {
		log_error("netif", "port %s: the device %s has no queues", p->name, p->device);
		return -EINVAL;
	}
	if (p->rx_queues > 1 && want->queues != 0 && want->queues < info->max_rx_queues &&
	    port_has_fixed_queues(p->driver))
		log_warning("netif", "port %s: the device has %u rx queues; packets in the others are lost",
			    p->name, info->max_rx_queues);
	/* The driver asks for it (PACKET_FANOUT_FLAG_DEFRAG) with one queue too. */
	if (strcmp(p->driver, "net_af_packet") == 0)
		log_notice("netif", "port %s: Linux puts IPv4 fragments together before this driver sees them; "
			   "datagrams longer than framesz or graph.mbuf-size are lost", p->name);
	return 0;
}

static void
port_choose_offloads(struct port *p, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	const uint64_t tx_l4 = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t rx_l4 = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	const uint64_t rss = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;

	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) {
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
		p->offloads |= DPVS_PORT_TX_IP_CSUM;
	}
	if ((info->tx_offload_capa & tx_l4) == tx_l4) {
		conf->txmode.offloads |= tx_l4;
		p->offloads |= DPVS_PORT_TX_L4_CSUM;
	}
	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) {
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
		p->tx_segments = true;
	}
	if (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM) {
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
		p->offloads |= DPVS_PORT_RX_IP_CSUM;
	}
	if ((info->rx_offload_capa & rx_l4) == rx_l4) {
		conf->rxmode.offloads |= rx_l4;
		p->offloads |= DPVS_PORT_RX_L4_CSUM;
	}
	if (p->rx_queues > 1 && (info->flow_type_rss_offloads & rss) != 0) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & rss;
		p->offloads |= DPVS_PORT_RSS;
	}
}

static int
port_setup_queues(struct port *p)
{
	int socket = rte_eth_dev_socket_id(p->set.netif.port), err = 0;
	uint16_t q;

	for (q = 0; q < p->rx_queues && err == 0; q++)
		err = rte_eth_rx_queue_setup(p->set.netif.port, q, p->rx_desc, (unsigned int)socket, NULL,
					     graph_pool());
	for (q = 0; q < p->tx_queues && err == 0; q++)
		err = rte_eth_tx_queue_setup(p->set.netif.port, q, p->tx_desc, (unsigned int)socket, NULL);
	if (err < 0)
		log_error("netif", "port %s: the queues of %s cannot be set up: %s", p->name, p->device,
			  g_strerror(-err));
	return err;
}

static int
port_configure(struct port *p, const struct port_want *want)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t room = (uint16_t)(rte_pktmbuf_data_room_size(graph_pool()) - RTE_PKTMBUF_HEADROOM -
				   RTE_ETHER_HDR_LEN);
	int err;

	err = rte_eth_dev_info_get(p->set.netif.port, &info);
	if (err < 0)
		goto out;
	g_strlcpy(p->driver, info.driver_name, sizeof(p->driver));
	err = port_choose_queues(p, want, &info);
	if (err < 0)
		return err;
	port_choose_offloads(p, &info, &conf);
	p->mtu_max = info.max_mtu != 0 ? RTE_MIN(info.max_mtu, room) : room;
	if (want->mtu > p->mtu_max) {
		log_error("netif", "port %s: mtu %u is more than device and packet buffers take (%u); "
			  "lower it or raise graph.mbuf-size", p->name, want->mtu, p->mtu_max);
		return -EINVAL;
	}
	conf.rxmode.mtu = want->mtu != 0 ? want->mtu : RTE_MIN(RTE_ETHER_MTU, p->mtu_max);
	err = rte_eth_dev_configure(p->set.netif.port, p->rx_queues, p->tx_queues, &conf);
	if (err < 0)
		goto out;
	p->rx_desc = want->rx_desc;
	p->tx_desc = want->tx_desc;
	/* Drivers without limits leave the numbers as they are. */
	rte_eth_dev_adjust_nb_rx_tx_desc(p->set.netif.port, &p->rx_desc, &p->tx_desc);
	p->set.netif.mtu = (uint16_t)conf.rxmode.mtu;
	return port_setup_queues(p);
out:
	log_error("netif", "port %s: the device %s cannot be configured: %s", p->name, p->device,
		  g_strerror(-err));
	return err;
}

static void
port_choose_mac(struct port *p, const struct port_want *want)
{
	static const struct rte_ether_addr zero;
	struct rte_ether_addr mac;
	const char *error;

	if (rte_eth_macaddr_get(p->set.netif.port, &p->set.netif.mac) < 0 ||
	    rte_is_same_ether_addr(&p->set.netif.mac, &zero))
		/* net_ring has none: a local one, by port. */
		p->set.netif.mac = (struct rte_ether_addr){ { 0x02, 0, 0, 0, 0, (uint8_t)p->set.netif.port } };
	mac = want->mac;
	if (want->has_mac && port_set_mac(p, &mac, &error) < 0)
		log_warning("netif", "port %s: %s", p->name, error);
}

int
port_device_start(struct port *p, const struct port_want *want)
{
	const char *error;
	int err;

	err = port_configure(p, want);
	if (err < 0)
		return err;
	err = rte_eth_dev_start(p->set.netif.port);
	if (err < 0) {
		log_error("netif", "port %s: the device %s cannot be started: %s", p->name, p->device,
			  g_strerror(-err));
		return err;
	}
	port_choose_mac(p, want);
	/* Neighbour discovery lives on multicast; software devices without the switch see all anyway. */
	port_set_allmulticast(p, true, &error);
	if (want->promisc && port_set_promisc(p, true, &error) < 0)
		log_warning("netif", "port %s: %s", p->name, error);
	return 0;
}

void
port_device_stop(struct port *p)
{
	struct rte_eth_dev_info info;
	struct rte_device *dev = NULL;

	if (rte_eth_dev_info_get(p->set.netif.port, &info) == 0)
		dev = info.device;
	rte_eth_dev_stop(p->set.netif.port);
	if (!p->hotplugged)
		return; /* EAL's, or a test's: it may be started again */
	rte_eth_dev_close(p->set.netif.port);
	if (dev != NULL)
		rte_dev_remove(dev);
}

/* ---- changes ---- */

int
port_set_mtu(struct port *p, uint32_t mtu, const char **ret_error)
{
	int err;

	if (mtu < MTU_MIN || mtu > p->mtu_max) {
		*ret_error = "MTU out of range";
		return -ERANGE;
	}
	err = rte_eth_dev_set_mtu(p->set.netif.port, (uint16_t)mtu);
	/* A device without the switch takes what fits; then it is our own limit alone. */
	if (err < 0 && err != -ENOTSUP) {
		*ret_error = "the device refuses this MTU";
		return err;
	}
	p->set.netif.mtu = (uint16_t)mtu;
	return 0;
}

int
port_set_mac(struct port *p, const struct rte_ether_addr *mac, const char **ret_error)
{
	struct rte_ether_addr copy = *mac;
	int err;

	if (!rte_is_valid_assigned_ether_addr(mac)) {
		*ret_error = "not a unicast MAC address";
		return -EINVAL;
	}
	err = rte_eth_dev_default_mac_addr_set(p->set.netif.port, &copy);
	if (err == -ENOTSUP)
		err = 0; /* software devices receive whatever comes */
	if (err < 0) {
		*ret_error = "the device refuses this MAC address";
		return err;
	}
	p->set.netif.mac = *mac;
	return 0;
}

int
port_set_promisc(struct port *p, bool on, const char **ret_error)
{
	int err = on ? rte_eth_promiscuous_enable(p->set.netif.port) : rte_eth_promiscuous_disable(p->set.netif.port);

	if (err < 0) {
		*ret_error = "the device has no promiscuous mode to switch";
		return err;
	}
	p->set.promisc = on;
	return 0;
}

int
port_set_allmulticast(struct port *p, bool on, const char **ret_error)
{
	int err = on ? rte_eth_allmulticast_enable(p->set.netif.port) : rte_eth_allmulticast_disable(p->set.netif.port);

	if (err < 0) {
		*ret_error = "the device has no all-multicast mode to switch";
		return err;
	}
	p->set.allmulticast = on;
	return 0;
}
