/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SET 208: tells the neighbours where a virtual address is: a gratuitous ARP request (RFC 5227 section 3)
 * for IPv4, an unsolicited neighbour advertisement (RFC 4861 section 7.2.6) for IPv6, on the port that has
 * the address. Sent when the change takes effect; a lost frame is repeated by whoever asks again.
 */
#include <errno.h>
#include <string.h>

#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "core/change.h"
#include "core/graph.h"
#include "core/log.h"
#include "lb/truth.h"
#include "net/ifaddr.h"
#include "net/netif.h"

/** struct garp_na: an unsolicited neighbour advertisement with its option. */
struct garp_na {
	struct nd_neighbor_advert na;
	struct nd_opt_hdr opt;
	struct rte_ether_addr lladdr;
};

static_assert(sizeof(struct garp_na) == 32, "as in the packet");

static bool
make_arp(struct rte_mbuf *m, const struct rte_ether_addr *mac, rte_be32_t addr)
{
	const uint16_t len = sizeof(struct rte_ether_hdr) + sizeof(struct rte_arp_hdr);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, len);
	struct rte_arp_hdr *arp;

	if (eth == NULL)
		return false;
	arp = (struct rte_arp_hdr *)(eth + 1);
	memset(&eth->dst_addr, 0xff, sizeof(eth->dst_addr));
	eth->src_addr = *mac;
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
	*arp = (struct rte_arp_hdr){
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = sizeof(addr),
		.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST),
		.arp_data = { .arp_sha = *mac, .arp_sip = addr, .arp_tip = addr },
	};
	return true;
}

static bool
make_na(struct rte_mbuf *m, const struct rte_ether_addr *mac, const union ip_addr *addr)
{
	static const struct rte_ether_addr all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
	static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };
	const uint16_t len = sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv6_hdr) + sizeof(struct garp_na);
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, len);
	struct rte_ipv6_hdr *ip;
	struct garp_na *na;

	if (eth == NULL)
		return false;
	ip = (struct rte_ipv6_hdr *)(eth + 1);
	na = (struct garp_na *)(ip + 1);
	eth->dst_addr = all_nodes_mac;
	eth->src_addr = *mac;
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6);
	memset(ip, 0, sizeof(*ip));
	ip->vtc_flow = RTE_BE32(6u << 28);
	ip->payload_len = RTE_BE16(sizeof(*na));
	ip->proto = IPPROTO_ICMPV6;
	ip->hop_limits = 255;
	memcpy((uint8_t *)ip + offsetof(struct rte_ipv6_hdr, src_addr), addr, 16);
	memcpy((uint8_t *)ip + offsetof(struct rte_ipv6_hdr, dst_addr), all_nodes, 16);
	memset(na, 0, sizeof(*na));
	na->na.nd_na_hdr.icmp6_type = ND_NEIGHBOR_ADVERT;
	na->na.nd_na_hdr.icmp6_data32[0] = ND_NA_FLAG_OVERRIDE;
	memcpy(&na->na.nd_na_target, addr, 16);
	na->opt.nd_opt_type = ND_OPT_TARGET_LINKADDR;
	na->opt.nd_opt_len = 1;
	na->lladdr = *mac;
	na->na.nd_na_hdr.icmp6_cksum = rte_ipv6_udptcp_cksum(ip, na);
	return true;
}

static void
send_garp(void *arg)
{
	struct vs *vs = arg;
	int port = ifaddr_port_of(vs->key.af, &vs->key.addr);
	const struct netif *netif = port < 0 ? NULL : netif_get((uint16_t)port);
	struct rte_mbuf *m = netif == NULL ? NULL : rte_pktmbuf_alloc(graph_pool());
	char text[KEY_TEXT_SIZE];
	int err = -ENOBUFS;

	if (m != NULL) {
		if (vs->key.af == AF_INET ? make_arp(m, &netif->mac, vs->key.addr.ip4)
					  : make_na(m, &netif->mac, &vs->key.addr))
			err = netif_xmit((uint16_t)port, m);
		else
			rte_pktmbuf_free(m);
	}
	if (err != 0)
		log_warning("service", "gratuitous ARP for %s was not sent: %s", key_text(&vs->key, text),
			    g_strerror(-err));
	vs_unref(vs);
}

int
service_ctl_garp(struct change *c, const void *record)
{
	char text[KEY_TEXT_SIZE];
	struct vs *vs;
	int err = vs_require(c, record, &vs);

	if (err != 0)
		return err;
	if (ifaddr_port_of(vs->key.af, &vs->key.addr) < 0)
		return change_error(c, -EADDRNOTAVAIL, "no port has the address of %s; add it with dpip addr add",
				    key_text(&vs->key, text));
	change_undo(c, vs_unref, vs_ref(vs));
	change_done(c, send_garp, vs);
	return 0;
}
