/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about packets that the load balancer sent: they go to the end that sent the packet, told in
 * the addresses that this end knows.
 *
 * Thread-safety: worker lcore.
 */
#ifndef LB_ICMP_H
#define LB_ICMP_H

struct conn_worker;
struct pkt_meta;
struct rte_mbuf;

/**
 * lb_icmp4, lb_icmp6: a packet that is neither TCP nor UDP. Returns an edge (LB_NEXT_*): all but errors
 * about a connection go on untouched.
 */
unsigned int lb_icmp4(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta);
unsigned int lb_icmp6(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta);

#endif
