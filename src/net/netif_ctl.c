/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of the family netif: ports and lcores.
 */
#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/netif.h>
#include <errno.h>
#include <glib.h>
#include <rte_ethdev.h>
#include <string.h>

#include "core/change.h"
#include "core/event.h"
#include "core/handover.h"
#include "core/lcore.h"
#include "core/stats.h"
#include "net/netif_priv.h"
#include "net/port.h"

/* ---- a port as it is listed, without counters; looks at the link ---- */

static void
netif_to_wire(const struct change *c, const struct port *p, struct dpvs_port_info *ret_info)
{
	const struct port_settings *set = port_settings(c, p);
	struct dpvs_port_info info = { 0 };
	struct rte_eth_link link;
	int socket = rte_eth_dev_socket_id(set->netif.port);

	g_strlcpy(info.name, p->name, sizeof(info.name));
	g_strlcpy(info.driver, p->driver, sizeof(info.driver));
	g_strlcpy(info.device, p->device, sizeof(info.device));
	info.index = set->netif.port;
	info.mtu = set->netif.mtu;
	info.offloads = p->offloads;
	info.rx_queues = p->rx_queues;
	info.tx_queues = p->tx_queues;
	info.rx_desc = p->rx_desc;
	info.tx_desc = p->tx_desc;
	memcpy(info.mac, &set->netif.mac, sizeof(info.mac));
	info.socket = socket < 0 ? UINT8_MAX : (uint8_t)socket;
	info.steering = DPVS_STEER_HANDOVER;
	info.flags = (set->netif.up ? DPVS_PORT_UP : 0) | (set->promisc ? DPVS_PORT_PROMISC : 0) |
		     (set->allmulticast ? DPVS_PORT_ALLMULTICAST : 0);
	if (rte_eth_link_get_nowait(set->netif.port, &link) == 0) {
		if (link.link_status == RTE_ETH_LINK_UP)
			info.flags |= DPVS_PORT_RUNNING;
		if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
			info.link_mbps = link.link_speed;
		info.full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
	}
	*ret_info = info;
}

/* ---- SET 501 ---- */

/* A port before a record; given to netif_undo(). */
struct netif_before {
	struct port *p;
	struct port_settings set;
};

static void
netif_undo(void *arg)
{
	struct netif_before *before = arg;
	const struct port_settings *set = &before->set;
	struct port *p = before->p;
	const char *error;

	if (p->set.netif.mtu != set->netif.mtu)
		port_set_mtu(p, set->netif.mtu, &error);
	if (!rte_is_same_ether_addr(&p->set.netif.mac, &set->netif.mac))
		port_set_mac(p, &set->netif.mac, &error);
	if (p->set.promisc != set->promisc)
		port_set_promisc(p, set->promisc, &error);
	if (p->set.allmulticast != set->allmulticast)
		port_set_allmulticast(p, set->allmulticast, &error);
	p->set = *set;
	g_free(before);
}

static int
netif_apply(struct port *p, const struct dpvs_port_conf *conf, const char **ret_error)
{
	struct rte_ether_addr mac;
	int err = 0;

	memcpy(&mac, conf->mac, sizeof(mac));
	if (conf->set & DPVS_PORT_SET_MTU)
		err = port_set_mtu(p, conf->mtu, ret_error);
	if (err == 0 && (conf->set & DPVS_PORT_SET_MAC))
		err = port_set_mac(p, &mac, ret_error);
	if (err == 0 && (conf->set & DPVS_PORT_SET_PROMISC))
		err = port_set_promisc(p, conf->promisc, ret_error);
	if (err == 0 && (conf->set & DPVS_PORT_SET_ALLMULTICAST))
		err = port_set_allmulticast(p, conf->allmulticast, ret_error);
	if (err == 0 && (conf->set & DPVS_PORT_SET_UP))
		p->set.netif.up = conf->up;
	return err;
}

static int
netif_ctl_set_port(struct change *c, const void *record)
{
	const uint32_t known = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU | DPVS_PORT_SET_MAC |
			       DPVS_PORT_SET_PROMISC | DPVS_PORT_SET_ALLMULTICAST;
	const struct dpvs_port_conf *conf = record;
	struct netif_before *before;
	struct dpvs_port_info was;
	const char *error = NULL;
	struct netif *op;
	struct port *p;
	int err;

	if (memchr(conf->name, '\0', sizeof(conf->name)) == NULL || conf->up > 1 || conf->promisc > 1 ||
	    conf->allmulticast > 1 || (conf->set & ~known) != 0)
		return change_error(c, -EINVAL, "malformed port record");
	p = port_by_name(conf->name);
	if (p == NULL)
		return change_error(c, -ENODEV, "there is no port \"%s\"", conf->name);
	if (conf->set == 0)
		return change_error(c, -EINVAL, "port %s: nothing to change is given", conf->name);
	if (event_wanted(DPVS_EVENT_LINK))
		netif_to_wire(c, p, &was);
	before = g_new(struct netif_before, 1);
	*before = (struct netif_before){ p, p->set };
	change_undo(c, netif_undo, before);
	if (p->set_by != change_serial(c))
		p->before = p->set;
	p->set_by = change_serial(c);
	err = netif_apply(p, conf, &error);
	if (err == -ERANGE && (conf->set & DPVS_PORT_SET_MTU))
		return change_error(c, err, "port %s: MTU %u is out of range, 68 to %u", p->name, conf->mtu,
				    p->mtu_max);
	if (err == -EINVAL)
		return change_error(c, err, "port %s: %s", p->name, error);
	if (err < 0)
		return change_error(c, err, "port %s: %s: %s", p->name, error, g_strerror(-err));
	op = change_op(c, DPVS_MSG_PORT, sizeof(*op));
	if (op == NULL)
		return -ENOMEM;
	*op = p->set.netif;
	netif_emit_if(c, p, &was);
	change_done(c, g_free, before);
	return 0;
}

/* ---- GET 503 to 506 ---- */

static uint32_t
netif_record(const struct event_node *node, void *data)
{
	netif_to_wire(NULL, event_object(node, struct port, event), data);
	return sizeof(struct dpvs_port_info);
}

void
netif_emit_if(struct change *c, const struct port *p, const struct dpvs_port_info *before)
{
	struct dpvs_port_info info;

	if (!event_wanted(DPVS_EVENT_LINK))
		return;
	netif_to_wire(c, p, &info);
	if (before == NULL || memcmp(before, &info, sizeof(info)) != 0)
		event_emit(c, DPVS_EVENT_LINK, DPVS_EVENT_OP_CHANGE, &info, sizeof(info));
}

const struct module_event netif_events[] = {
	{ .kind = DPVS_EVENT_LINK, .list = &netif_nodes, .record = netif_record },
	{},
};

static void
netif_add_info(struct dpvs_req *req, const struct port *p)
{
	struct dpvs_port_info info;
	struct rte_eth_stats st;

	netif_to_wire(NULL, p, &info);
	if (rte_eth_stats_get(p->set.netif.port, &st) == 0) {
		info.rx_pkts = st.ipackets;
		info.rx_bytes = st.ibytes;
		info.rx_errors = st.ierrors;
		info.rx_missed = st.imissed;
		info.rx_nombuf = st.rx_nombuf;
		info.tx_pkts = st.opackets;
		info.tx_bytes = st.obytes;
		info.tx_errors = st.oerrors;
	}
	info.tx_dropped = port_tx_dropped(p->set.netif.port);
	info.handed_over = handover_of_port(p->set.netif.port);
	dpvs_req_add(req, &info, sizeof(info));
}

static int
netif_ctl_get_port(struct dpvs_req *req, const void *record)
{
	const struct dpvs_port_ref *ref = record;
	const struct port *p;
	uint16_t i;

	if (memchr(ref->name, '\0', sizeof(ref->name)) == NULL)
		return dpvs_req_error(req, -EINVAL, "malformed port name");
	if (ref->name[0] != '\0') {
		p = port_by_name(ref->name);
		if (p == NULL)
			return dpvs_req_error(req, -ENODEV, "there is no port \"%s\"", ref->name);
		netif_add_info(req, p);
		return 0;
	}
	for (i = 0; i < netif_count(); i++)
		if ((p = port_by_id(i)) != NULL)
			netif_add_info(req, p);
	return 0;
}

/* ---- tables ---- */

#define PORT_GET(request, number)                                                       \
	{                                                                               \
		.name = request, .id = number, .record_size = sizeof(struct dpvs_port_ref), \
		.get = netif_ctl_get_port,                                              \
	}

const struct module_sockopt netif_sockopts[] = {
	{
		.name = "port-set",
		.id = DPVS_SET_NETIF_PORT,
		.record_size = sizeof(struct dpvs_port_conf),
		.need_record = true,
		.set = netif_ctl_set_port,
	},
	{ .name = "lcore-mask", .id = DPVS_GET_LCORE_MASK, .get = netif_ctl_get_lcore },
	{ .name = "lcore-basic", .id = DPVS_GET_LCORE_BASIC, .get = netif_ctl_get_lcore },
	{ .name = "lcore-stats", .id = DPVS_GET_LCORE_STATS, .get = netif_ctl_get_lcore },
	{ .name = "lcore-snapshot", .id = DPVS_GET_LCORE_SNAPSHOT, .get = netif_ctl_snapshot_lcore },
	{ .name = "lcore-zero", .id = DPVS_SET_LCORE_ZERO, .request = netif_ctl_zero_lcore },
	PORT_GET("port-list", DPVS_GET_PORT_LIST),
	PORT_GET("port-basic", DPVS_GET_PORT_BASIC),
	PORT_GET("port-stats", DPVS_GET_PORT_STATS),
	PORT_GET("port-ext", DPVS_GET_PORT_EXT),
	{},
};
