/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lb4_input and lb6_input do with the few packets that are not just data of a connection.
 */
#include "lb/lb_input.h"

#include "lb/laddr.h"
#include "lb/laddr_port.h"

const uint8_t lb_next_of[8] = {
	[DPVS_FWD_NAT] = LB_NEXT_NAT,
	[1] = LB_NEXT_DROP,
	[DPVS_FWD_TUNNEL] = LB_NEXT_DROP,
	[DPVS_FWD_DR] = LB_NEXT_DR,
	[4] = LB_NEXT_DROP,
	[DPVS_FWD_FULLNAT] = LB_NEXT_FNAT,
	[DPVS_FWD_SNAT] = LB_NEXT_DROP,
	[7] = LB_NEXT_DROP,
};

unsigned int
lb_drop(enum conn_stat stat)
{
	stats_inc(&conn_stats, stat);
	return LB_NEXT_DROP;
}

int
lb_steer(const struct flow *flow, const struct service **ret_svc)
{
	uint32_t laddr;

	*ret_svc = service_lookup(flow->af, flow->proto, &flow->vip, flow->vip_port);
	if (*ret_svc != NULL)
		return flow_owner(flow->af, &flow->client, flow->client_port);
	laddr = laddr_find(flow->af, &flow->vip);
	if (laddr != LADDR_NONE) {
		uint8_t owner = laddr_port_owner(laddr, flow->vip_port);

		return owner != LADDR_OWNER_NONE ? owner : -1;
	}
	if (service_by_reply(flow->af, flow->proto, &flow->client, flow->client_port))
		return flow_owner(flow->af, &flow->vip, flow->vip_port);
	return -1;
}

unsigned int
lb_handover(struct pkt_meta *meta, unsigned int owner, uint8_t af)
{
	if ((meta->flags & PKT_F_HANDED) != 0)
		return LB_NEXT_ROUTE;
	meta->worker = (uint16_t)owner;
	meta->target = af == AF_INET ? HANDOVER_LB4 : HANDOVER_LB6;
	stats_inc(&conn_stats, CONN_STAT_HANDED);
	return LB_NEXT_HANDOVER;
}

static unsigned int
no_server(struct pkt_meta *meta, uint8_t af)
{
	stats_inc(&conn_stats, CONN_STAT_NO_SERVER);
	/* Destination unreachable, port unreachable. */
	meta->icmp_type = af == AF_INET ? 3 : 1;
	meta->icmp_code = af == AF_INET ? 3 : 4;
	meta->icmp_info = 0;
	return LB_NEXT_ERROR;
}

unsigned int
lb_miss(struct conn_worker *w, struct rte_mbuf *m, struct pkt_meta *meta, const struct flow *flow,
	const void *l4, uint32_t *ret_ref)
{
	const struct service *svc;
	const struct dest *dest;
	enum conn_stat stat;
	struct conn *c;
	uint32_t isn = 0;
	int owner = lb_steer(flow, &svc), bad;

	if (owner < 0)
		return LB_NEXT_ROUTE;
	if ((uint32_t)owner != w->index)
		return lb_handover(meta, (unsigned int)owner, flow->af);
	if (svc == NULL)
		return LB_NEXT_ROUTE;

	bad = lb_check_l4(flow->proto, l4, m->data_len - m->l3_len, m->pkt_len - m->l3_len);
	if (bad != 0)
		return lb_drop((enum conn_stat)bad);
	if (flow->proto == IPPROTO_TCP) {
		const struct rte_tcp_hdr *tcp = l4;
		uint8_t flags = RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG | RTE_TCP_FIN_FLAG;

		/* As in LVS it goes to our own stack then, which answers with a reset. */
		if ((tcp->tcp_flags & flags) != RTE_TCP_SYN_FLAG) {
			stats_inc(&conn_stats, CONN_STAT_NOT_SYN);
			return LB_NEXT_ROUTE;
		}
		isn = rte_be_to_cpu_32(tcp->sent_seq);
	}
	dest = service_schedule(svc, flow);
	if (dest == NULL)
		return no_server(meta, flow->af);
	c = conn_open(w, svc, dest, flow, isn, &stat);
	if (c == NULL)
		return lb_drop(stat);
	*ret_ref = conn_index(&w->table, c) << 1 | CONN_IN;
	return LB_NEXT_COUNT;
}

/* A SYN of a client whose old connection is over, or whose server has gone. */
static bool
begins_anew(const struct conn *c, unsigned int dir, uint8_t flags)
{
	if (dir != CONN_IN ||
	    (flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG | RTE_TCP_RST_FLAG)) != RTE_TCP_SYN_FLAG)
		return false;
	return c->state == DPVS_CONN_TIME_WAIT || c->state == DPVS_CONN_CLOSE ||
	       !dest_is_there(c->dest, c->dest_gen);
}

bool
lb_tcp(struct conn_worker *w, struct conn *c, unsigned int dir, const struct rte_tcp_hdr *tcp,
       uint32_t len)
{
	uint8_t state;

	if (begins_anew(c, dir, tcp->tcp_flags)) {
		conn_succeed(&w->table, c);
		return false;
	}
	if (!dest_is_there(c->dest, c->dest_gen))
		return true;
	state = tcp_next_state(dir, c->fwd == DPVS_FWD_DR, c->state, tcp->tcp_flags);
	if (state != c->state)
		conn_set_state(w, c, state);
	if (dir == CONN_IN)
		c->seq_end = tcp_seq_end(tcp, len) + c->seq_delta;
	return true;
}
