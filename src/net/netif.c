/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See netif.h. The main lcore owns struct port; each worker has a copy of the part that packets need
 * (struct netif), changed by commit. netif_dev.c deals with devices, port.c with graph nodes, netif_ctl.c
 * with requests.
 */
#include "net/netif.h"

#include <dpvsctrl/msg.h>
#include <errno.h>
#include <glib.h>
#include <rte_ethdev.h>
#include <string.h>

#include "core/collect.h"
#include "core/conf.h"
#include "core/digest.h"
#include "core/graph.h"
#include "core/lcore.h"
#include "core/log.h"
#include "module.h"
#include "net/neigh.h"
#include "net/netif_priv.h"
#include "net/port.h"
#include "net/route.h"

/* What DPVS_MSG_MASTER_XMIT carries. */
struct netif_xmit_msg {
	struct rte_mbuf *m;
	uint16_t port;
};

static struct port ports[NETIF_MAX]; /* main: rw; by ethdev port id */
struct event_nodes netif_nodes = TAILQ_HEAD_INITIALIZER(netif_nodes);
static uint16_t port_top;            /* highest id plus one; constant while workers run */

static struct netif netif_copies[WORKERS_MAX][NETIF_MAX]; /* each worker: rw its own */

/* ---- any lcore ---- */

const struct netif *
netif_get(uint16_t port)
{
	uint32_t worker = lcore_me()->worker;

	if (port >= port_top || !ports[port].used)
		return NULL;
	return worker != UINT32_MAX ? &netif_copies[worker][port] : &port_settings(NULL, &ports[port])->netif;
}

uint16_t
netif_count(void)
{
	return port_top;
}

/* ---- main ---- */

struct port *
port_by_id(uint16_t id)
{
	return id < port_top && ports[id].used ? &ports[id] : NULL;
}

struct port *
port_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < port_top; i++)
		if (ports[i].used && strcmp(ports[i].name, name) == 0)
			return &ports[i];
	return NULL;
}

const struct netif *
netif_by_name(const char *name)
{
	const struct port *p = port_by_name(name);

	return p != NULL ? netif_get(p->set.netif.port) : NULL;
}

const char *
netif_name(uint16_t port)
{
	const struct port *p = port_by_id(port);

	return p != NULL ? p->name : NULL;
}

int
netif_xmit(uint16_t port, struct rte_mbuf *m)
{
	struct dpvs_msg *msg;
	struct netif_xmit_msg *x;
	int err;

	if (port_by_id(port) == NULL) {
		rte_pktmbuf_free(m);
		return -ENODEV;
	}
	msg = dpvs_msg_new(DPVS_MSG_MASTER_XMIT, sizeof(*x));
	if (msg == NULL) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	x = dpvs_msg_data(msg);
	x->m = m;
	x->port = port;
	err = dpvs_msg_send(msg, lcore_of_worker(port_rx_worker(port, 0)));
	if (err < 0) {
		dpvs_msg_free(msg);
		rte_pktmbuf_free(m);
	}
	return err;
}

/* ---- on a worker ---- */

static void
netif_msg_xmit(struct dpvs_msg *msg)
{
	const struct netif_xmit_msg *x = dpvs_msg_data(msg);

	graph_inject(port_tx_node(x->port), x->m);
}

static void
netif_msg_xmit_drop(struct dpvs_msg *msg)
{
	const struct netif_xmit_msg *x = dpvs_msg_data(msg);

	rte_pktmbuf_free(x->m);
}

static void
netif_commit_port(const void *data, uint32_t len)
{
	const struct netif *netif = data;
	struct netif *copy = &netif_copies[lcore_me()->worker][netif->port];
	bool other_mac = !rte_is_same_ether_addr(&copy->mac, &netif->mac);

	*copy = *netif;
	if (other_mac)
		neigh_port_changed(netif->port);
	net_generation_bump();
}

static int
netif_lcore_init(void)
{
	for (unsigned int i = 0; i < port_top; i++)
		netif_copies[lcore_me()->worker][i] = ports[i].set.netif;
	return 0;
}

/* ---- digests ---- */

static void
netif_digest_add(struct digest *d, const struct netif *netif)
{
	uint64_t hash = digest_bytes(0, &netif->mac, sizeof(netif->mac));

	digest_add(d, digest_u64(digest_u64(digest_u64(hash, netif->port), netif->mtu), netif->up));
}

static bool
netif_digest_copy(struct digest *d)
{
	uint16_t i;

	for (i = 0; i < port_top; i++)
		if (netif_get(i) != NULL)
			netif_digest_add(d, netif_get(i));
	return false;
}

static bool
netif_digest_truth(struct digest *d)
{
	uint16_t i;

	for (i = 0; i < port_top; i++)
		if (ports[i].used)
			netif_digest_add(d, &ports[i].set.netif);
	return false;
}

static const struct module_digest netif_digests[] = {
	{ .name = "ports", .copy = netif_digest_copy, .truth = netif_digest_truth },
	{},
};

/* ---- jobs ---- */

static int
netif_job_link(void)
{
	struct rte_eth_link link;
	unsigned int i;

	for (i = 0; i < port_top; i++) {
		struct rte_eth_link *known = &ports[i].link;
		bool turned;

		if (!ports[i].used || rte_eth_link_get_nowait((uint16_t)i, &link) < 0 ||
		    (known->link_status == link.link_status && known->link_speed == link.link_speed &&
		     known->link_duplex == link.link_duplex))
			continue;
		turned = known->link_status != link.link_status;
		*known = link;
		netif_emit_if(NULL, &ports[i], NULL);
		if (turned)
			log_notice("netif", "port %s: link is %s", ports[i].name,
				   link.link_status == RTE_ETH_LINK_UP ? "up" : "down");
	}
	return 0;
}

/* ---- start and end ---- */

static int
netif_add(const char *name, uint16_t id, bool hotplugged, const struct port_want *want)
{
	struct port_queues queues = { 0 };
	struct port *p;
	int err;

	if (id >= NETIF_MAX) {
		log_error("netif", "port %s: more than %d devices; give fewer", name, NETIF_MAX);
		return -E2BIG;
	}
	p = &ports[id];
	if (p->used) {
		log_error("netif", "port %s: its device %s is port %s already; give each device one port", name,
			  p->device, p->name);
		return -EEXIST;
	}
	*p = (struct port){ .hotplugged = hotplugged, .set = { .netif = { .port = id, .up = true } } };
	g_strlcpy(p->name, name, sizeof(p->name));
	if (rte_eth_dev_get_name_by_port(id, p->device) < 0)
		return -ENODEV;
	p->used = true; /* from here on netif_fini() stops it */
	if (id >= port_top)
		port_top = (uint16_t)(id + 1);
	err = port_device_start(p, want);
	if (err < 0)
		return err;
	queues.port = id;
	queues.rx_queues = p->rx_queues;
	queues.tx_queues = p->tx_queues;
	queues.tx_segments = p->tx_segments;
	err = port_nodes_add(&queues);
	if (err < 0)
		return err;
	event_node_add(&netif_nodes, &p->event);
	log_notice("netif", "port %s: %s (%s), %u rx and %u tx queues, MTU %u, MAC " RTE_ETHER_ADDR_PRT_FMT,
		   p->name, p->device, p->driver, p->rx_queues, p->tx_queues, p->set.netif.mtu,
		   RTE_ETHER_ADDR_BYTES(&p->set.netif.mac));
	return 0;
}

static void
netif_want(const struct conf *conf, const char *section, struct port_want *want)
{
	const char *mac = conf_string(conf, section, "mac");

	*want = (struct port_want){
		.queues = (uint16_t)conf_uint(conf, section, "queues"),
		.rx_desc = (uint16_t)conf_uint(conf, section, "rx-descriptors"),
		.tx_desc = (uint16_t)conf_uint(conf, section, "tx-descriptors"),
		.mtu = (uint16_t)conf_uint(conf, section, "mtu"),
		.promisc = conf_bool(conf, section, "promiscuous"),
	};
	want->has_mac = mac != NULL && rte_ether_unformat_addr(mac, &want->mac) == 0;
}

static int
netif_add_all_devices(void)
{
	static const struct port_want want = { .rx_desc = 1024, .tx_desc = 1024 };
	unsigned int i = 0;
	char name[16];
	uint16_t id;
	int err;

	RTE_ETH_FOREACH_DEV(id) {
		snprintf(name, sizeof(name), "dpdk%u", i++);
		err = netif_add(name, id, false, &want);
		if (err < 0)
			return err;
	}
	return 0;
}

static void
netif_fini(void)
{
	unsigned int i;

	netif_collect_fini();
	for (i = 0; i < NETIF_MAX; i++) {
		if (ports[i].used)
			port_device_stop(&ports[i]);
		ports[i] = (struct port){ 0 };
	}
	port_top = 0;
	port_nodes_fini();
}

static int
netif_init(const struct conf *conf)
{
	struct port_want want;
	const char *section;
	bool hotplugged;
	unsigned int i;
	uint16_t id;
	int err = 0;

	netif_collect_init();
	for (i = 0; (section = conf_instance(conf, "port", i)) != NULL && err == 0; i++) {
		netif_want(conf, section, &want);
		err = port_device_find(conf_instance_name(section), conf_string(conf, section, "device"), &id,
				       &hotplugged);
		if (err == 0)
			err = netif_add(conf_instance_name(section), id, hotplugged, &want);
	}
	if (i == 0)
		err = netif_add_all_devices();
	if (err == 0)
		err = port_nodes_done();
	if (err < 0)
		return err; /* the caller runs netif_fini() */
	if (port_top == 0)
		log_warning("netif", "no port: nothing will be forwarded; add a section [port NAME]");
	return 0;
}

/* ---- tables ---- */

static void
netif_check(struct conf *conf)
{
	g_autoptr(GHashTable) devices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const char *section, *device, *mac, *other;
	struct rte_ether_addr addr;
	unsigned int i, mtu;
	char *key;

	for (i = 0; (section = conf_instance(conf, "port", i)) != NULL; i++) {
		mac = conf_string(conf, section, "mac");
		if (mac != NULL && (rte_ether_unformat_addr(mac, &addr) != 0 ||
				    !rte_is_valid_assigned_ether_addr(&addr)))
			conf_error(conf, section, "mac",
				   "\"%s\" is no MAC address of a station; write \"02:00:00:00:00:01\"", mac);
		mtu = (unsigned int)conf_uint(conf, section, "mtu");
		if (mtu != 0 && mtu < 68)
			conf_error(conf, section, "mtu", "%u is below what IPv4 needs; give 68 or more, or 0", mtu);
		device = conf_string(conf, section, "device");
		if (device == NULL)
			continue;
		key = g_strndup(device, strcspn(device, ","));
		other = g_hash_table_lookup(devices, key);
		if (other != NULL)
			conf_error(conf, section, "device",
				   "section [%s] has the device %s already; give each device one port", other,
				   key);
		g_hash_table_insert(devices, key, (void *)(uintptr_t)section);
	}
	if (i > NETIF_MAX)
		conf_error(conf, conf_instance(conf, "port", NETIF_MAX), "device", "more than %d ports; give fewer",
			   NETIF_MAX);
}

static const struct conf_key netif_port_conf[] = {
	{
		.name = "device",
		.type = CONF_STRING,
		.min = 1,
		.max = 256,
		.help = "The device as DPDK names it, with its arguments: a PCI address, or a virtual device such as net_af_packet0,iface=eth1.",
	},
	{
		.name = "queues",
		.type = CONF_UINT,
		.max = 128,
		.def = 0,
		.help = "Receive queues; 0: one for each worker as far as the device has them.",
	},
	{
		.name = "rx-descriptors",
		.type = CONF_UINT,
		.min = 32,
		.max = 16384,
		.def = 1024,
		.unit = "packets",
		.help = "Length of a receive queue.",
	},
	{
		.name = "tx-descriptors",
		.type = CONF_UINT,
		.min = 32,
		.max = 16384,
		.def = 1024,
		.unit = "packets",
		.help = "Length of a transmit queue.",
	},
	{
		.name = "mtu",
		.type = CONF_UINT,
		.max = 9702,
		.def = 0,
		.unit = "bytes",
		.help = "Largest IP packet; 0: 1500.",
	},
	{
		.name = "mac",
		.type = CONF_STRING,
		.max = 17,
		.help = "MAC address; without it the device's own.",
	},
	{
		.name = "promiscuous",
		.type = CONF_BOOL,
		.def = 0,
		.help = "Receive frames for other stations too (they are counted and dropped).",
	},
	{},
};

static const struct dpvs_msg_type netif_msgs[] = {
	{
		.type = DPVS_MSG_MASTER_XMIT,
		.name = "master-xmit",
		.prio = DPVS_MSG_PRIO_HIGH,
		.on_worker = netif_msg_xmit,
		.on_drop = netif_msg_xmit_drop,
	},
	{
		.type = DPVS_MSG_NETIF_LCORE_STATS,
		.name = "netif-lcore-stats",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = collect_on_worker,
	},
	{ .type = DPVS_MSG_PORT, .name = "port", .prio = DPVS_MSG_PRIO_NORM, .on_commit = netif_commit_port },
	{},
};

static const struct module_job netif_jobs[] = {
	{ .name = "netif-link", .when = JOB_MAIN, .period_ms = 1000, .fn = netif_job_link },
	{},
};

static const char *const netif_after[] = { "graph", "handover", "port", NULL };

const struct module netif_module = {
	.name = "netif",
	.after = netif_after,
	.instance = "port",
	.instance_conf = netif_port_conf,
	.sockopts = netif_sockopts,
	.msgs = netif_msgs,
	.jobs = netif_jobs,
	.digests = netif_digests,
	.events = netif_events,
	.check = netif_check,
	.init = netif_init,
	.lcore_init = netif_lcore_init,
	.fini = netif_fini,
};
