/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports as the main lcore knows them: shared by netif.c (start and end), netif_dev.c (the device behind a
 * port) and netif_ctl.c (requests).
 *
 * Thread-safety: main lcore only.
 */
#ifndef NETIF_PRIV_H
#define NETIF_PRIV_H

#include <dpvsctrl/types.h>

#include <rte_ethdev.h>

#include "core/change.h"
#include "core/event.h"
#include "module.h"
#include "net/netif.h"

struct dpvs_port_info;

/** struct port_settings: what SET 501 changes. */
struct port_settings {
	struct netif netif; /**< what workers get a copy of */
	bool allmulticast;
	bool promisc;
};

/** struct port: a port and its device. */
struct port {
	bool used;
	bool hotplugged; /**< we made the device, so we take it away */
	struct rte_eth_link link; /**< as last looked at, logged and told */
	struct event_node event;
	char name[DPVS_IFNAME_SIZE];
	char device[64]; /**< EAL's name */
	char driver[DPVS_IFNAME_SIZE];
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint16_t mtu_max;   /**< what device and packet buffers take */
	uint32_t offloads;  /**< DPVS_PORT_TX_IP_CSUM ... */
	bool tx_segments;   /**< the device takes packets of several segments */
	struct port_settings set;    /**< as they are, or will be with the change that is being prepared */
	struct port_settings before; /**< what the change @set_by found */
	uint64_t set_by;    /**< serial of the last change of them; 0: none */
};

/** struct port_want: what the configuration asks for; zero: the default. */
struct port_want {
	uint16_t queues;
	uint16_t rx_desc;
	uint16_t tx_desc;
	uint16_t mtu;
	bool promisc;
	bool has_mac;
	struct rte_ether_addr mac;
};

/** port_by_id: NULL when there is none. */
struct port *port_by_id(uint16_t id);
struct port *port_by_name(const char *name);

/** port_settings: of @p as @c has them; NULL: as they are committed. */
static inline const struct port_settings *
port_settings(const struct change *c, const struct port *p)
{
	return c == NULL && change_hides(p->set_by) ? &p->before : &p->set;
}

/** port_device_find: makes the device of @devargs when it is not there yet. Logs its failure. */
int port_device_find(const char *name, const char *devargs, uint16_t *ret_id, bool *ret_hotplugged);

/** port_device_start: configures queues and offloads, and starts the device of @p (its id is set). Logs. */
int port_device_start(struct port *p, const struct port_want *want);
void port_device_stop(struct port *p);

extern struct event_nodes netif_nodes;
extern const struct module_event netif_events[];

/**
 * netif_emit_if: subscribers are told what @c (NULL: the device by itself) made of @p, if it is not what @before
 * (NULL: it is in any case) says.
 */
void netif_emit_if(struct change *c, const struct port *p, const struct dpvs_port_info *before);

/* Changes of a running device; negative errno, and a text in @ret_error that is not to be freed. */
int port_set_mtu(struct port *p, uint32_t mtu, const char **ret_error);
int port_set_mac(struct port *p, const struct rte_ether_addr *mac, const char **ret_error);
int port_set_promisc(struct port *p, bool on, const char **ret_error);
int port_set_allmulticast(struct port *p, bool on, const char **ret_error);

extern const struct module_sockopt netif_sockopts[]; /* netif_ctl.c */

/* netif_lcore.c */
struct dpvs_req;
int netif_ctl_get_lcore(struct dpvs_req *req, const void *record);
int netif_ctl_snapshot_lcore(struct dpvs_req *req, const void *record);
int netif_ctl_zero_lcore(struct dpvs_req *req, const void *records, uint32_t count);
void netif_collect_init(void);
void netif_collect_fini(void);

#endif
