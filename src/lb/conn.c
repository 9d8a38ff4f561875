/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: how they begin and end, who owns them, and the module conn. What is asked about them over
 * the socket is in conn_ctrl.c, the table itself in conn_table.c.
 */
#include "lb/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <rte_branch_prediction.h>
#include <rte_random.h>

#include <dpvsctrl/proto/daemon.h>

#include "core/conf.h"
#include "core/sysinfo.h"
#include "lb/conn_ctrl.h"
#include "lb/csum.h"
#include "lb/laddr.h"
#include "lb/laddr_port.h"
#include "lb/lb_input.h"
#include "lb/timeouts.h"
#include "lb/xmit/xmit.h"
#include "module.h"
#include "net/rss.h"

/* Local addresses tried for one connection. */
#define LADDR_TRIES 8
/* Connections and wheel slots that one loop looks at: some 10 us at most. */
#define EXPIRE_BUDGET 64
/* By how much a reused port's sequence numbers begin behind the old ones: more than any unscaled window. */
#define SEQ_GAP 0x20000

struct conn_worker conn_workers[WORKERS_MAX];
struct stats_block conn_stats;

static uint64_t owner_seed[4];
static unsigned int owner_workers;
static uint32_t conn_max;

/* Time-outs that nobody changes, in seconds; those of lb/timeouts.h come on top. */
static const uint32_t state_timeout_s[DPVS_CONN_STATE_COUNT] = {
	[DPVS_CONN_NONE] = 2,
	[DPVS_CONN_ESTABLISHED] = 900,
	[DPVS_CONN_SYN_SENT] = 120,
	[DPVS_CONN_SYN_RECV] = 60,
	[DPVS_CONN_FIN_WAIT] = 120,
	[DPVS_CONN_TIME_WAIT] = 120,
	[DPVS_CONN_CLOSE] = 10,
	[DPVS_CONN_CLOSE_WAIT] = 60,
	[DPVS_CONN_LAST_ACK] = 30,
	[DPVS_CONN_LISTEN] = 120,
	[DPVS_CONN_SYNACK] = 120,
	[DPVS_CONN_UDP] = 300,
};

uint16_t
flow_owner(uint8_t af, const union ip_addr *client, rte_be16_t port)
{
	uint64_t hash;

	if (owner_workers <= 1)
		return 0;
	if (af == AF_INET) {
		hash = conn_mix(client->ip4 ^ owner_seed[0], port ^ owner_seed[1]);
	} else {
		hash = conn_mix(client->u64[0] ^ owner_seed[0], client->u64[1] ^ owner_seed[1]);
		hash = conn_mix(hash ^ port, owner_seed[2]);
	}
	hash = conn_mix(hash, owner_seed[3]);
	return (uint16_t)((hash >> 32) * owner_workers >> 32);
}

uint32_t
conn_capacity(void)
{
	return conn_max * owner_workers;
}

static uint32_t
ms_of(uint32_t seconds)
{
	return seconds > CONN_TIMEOUT_MAX_MS / 1000 ? CONN_TIMEOUT_MAX_MS : seconds * 1000;
}

struct conn_worker *
conn_self(void)
{
	const struct lcore_self *me = lcore_me();
	struct conn_worker *w = &conn_workers[me->worker];
	const struct lb_timeouts *to = lb_timeouts();

	w->now_ms = (uint32_t)me->now_ms;
	w->timeout_ms[DPVS_CONN_ESTABLISHED] = ms_of(to->tcp_s);
	w->timeout_ms[DPVS_CONN_FIN_WAIT] = ms_of(to->tcp_fin_s);
	w->timeout_ms[DPVS_CONN_UDP] = ms_of(to->udp_s);
	return w;
}

void
conn_set_state(struct conn_worker *w, struct conn *c, uint8_t state)
{
	/* As in LVS: UDP has no state that says it is over, so its connections count as active. */
	bool active = state == DPVS_CONN_ESTABLISHED || state == DPVS_CONN_UDP;

	c->state = state;
	if (active != ((c->flags & CONN_F_ACTIVE) != 0)) {
		c->flags ^= CONN_F_ACTIVE;
		dest_count(c->dest, active ? 1 : -1, active ? -1 : 1);
	}
}

static bool
conn_lookup(const struct conn_table *t, const struct conn *c, unsigned int dir, uint32_t *ret_ref)
{
	if (c->af == AF_INET) {
		struct conn_key4 key = conn_tuple_key4(&c->tuple[dir], c->tuple[dir].dport, c->proto);

		*ret_ref = conn_find4(t, &key);
	} else {
		struct conn_key6 key =
			conn_key6(&conn_addrs6(t, c)->dir[dir], &c->tuple[dir].sport, c->proto);

		*ret_ref = conn_find6(t, &key);
	}
	return *ret_ref != CONN_NONE;
}

/* Sets where the server sends its answers, but for the port. */
static void
set_local(const struct conn_table *t, struct conn *c, const union ip_addr *addr)
{
	if (c->af == AF_INET)
		c->tuple[CONN_OUT].dst = addr->ip4;
	else
		conn_addrs6(t, c)->dir[CONN_OUT].dst = *addr;
}

/*
 * The server may still have the port of @old in TIME_WAIT. It takes a SYN then that lies beyond what it has
 * seen and carries no older timestamp (RFC 1122 4.2.2.13, RFC 6191): shift the new client's numbers there,
 * and leave the timestamp out, which only compares within one client.
 */
static void
succeed_old(struct conn *c, const struct conn *old, uint32_t isn)
{
	if (c->proto != IPPROTO_TCP)
		return;
	c->flags |= CONN_F_NO_TS;
	if ((int32_t)(isn - old->seq_end) > 0)
		return;
	c->flags |= CONN_F_SEQ;
	c->seq_delta = old->seq_end + SEQ_GAP - isn;
}

static int
open_fnat(struct conn_worker *w, const struct service *svc, struct conn *c, uint32_t isn,
	  enum conn_stat *ret_stat)
{
	struct conn_table *t = &w->table;
	uint32_t turn = w->laddr_turn++;
	uint16_t rx_port = UINT16_MAX;
	struct pkt_meta unused;

	/* Answers come back the way that packets go out. */
	c->net_gen = net_generation();
	if (rss_any() && xmit_resolve(t, c, CONN_IN, &unused) &&
	    rss_serves(c->out_port[CONN_IN], (uint16_t)w->index))
		rx_port = c->out_port[CONN_IN];
	*ret_stat = svc->num_laddrs == 0 ? CONN_STAT_NO_LADDR : CONN_STAT_NO_PORT;
	for (uint32_t i = 0; i < svc->num_laddrs && i < LADDR_TRIES; i++) {
		const struct service_laddr *laddr = &svc->laddrs[(turn + i) % svc->num_laddrs];
		struct conn *old;
		int err;

		set_local(t, c, &laddr->addr);
		err = laddr_port_alloc(t, w->index, laddr->index, c, rx_port, &old);
		if (err == -EAGAIN) {
			laddr_miss(laddr->index);
			continue;
		}
		/* Ours first, so that the block does not become idle in between. */
		laddr_port_take(w->index, laddr->index, c->tuple[CONN_OUT].dport);
		laddr_hold(laddr->index);
		c->flags |= CONN_F_LPORT;
		c->laddr = laddr->index;
		if (err == -EADDRINUSE) {
			succeed_old(c, old, isn);
			conn_close(t, old);
			stats_inc(&conn_stats, CONN_STAT_PORT_REUSED);
		}
		return 0;
	}
	return -EAGAIN;
}

/* Two clients' sides of one client port that go to one server by NAT cannot be told apart on the way back. */
static int
open_nat(struct conn_worker *w, struct conn *c, enum conn_stat *ret_stat)
{
	struct conn_table *t = &w->table;
	struct conn *old;
	uint32_t ref;

	if (!conn_lookup(t, c, CONN_OUT, &ref))
		return 0;
	old = &t->conns[ref >> 1];
	if (old->state == DPVS_CONN_TIME_WAIT || old->state == DPVS_CONN_CLOSE) {
		conn_close(t, old);
		return 0;
	}
	*ret_stat = CONN_STAT_REPLY_CLASH;
	return -EADDRINUSE;
}

static void
set_deltas(const struct conn_table *t, struct conn *c)
{
	const struct conn_tuple *in = &c->tuple[CONN_IN], *out = &c->tuple[CONN_OUT];
	uint64_t from, to;

	if (c->af == AF_INET) {
		from = csum_words(&in->src, 8);
		to = csum_words(&out->src, 8);
		c->l3_delta = csum_delta(from, to);
	} else {
		const struct conn_addrs6 *a = conn_addrs6(t, c);

		from = csum_words(&a->dir[CONN_IN], sizeof(a->dir[0]));
		to = csum_words(&a->dir[CONN_OUT], sizeof(a->dir[0]));
	}
	c->l4_delta = csum_delta(from + csum_words(&in->sport, 4), to + csum_words(&out->sport, 4));
}

static void
port_put(struct conn_worker *w, struct conn *c)
{
	if ((c->flags & CONN_F_LPORT) == 0)
		return;
	laddr_port_free(w->index, c->laddr, c->tuple[CONN_OUT].dport);
	laddr_put(c->laddr);
}

struct conn *
conn_open(struct conn_worker *w, const struct service *svc, const struct dest *dest,
	  const struct flow *flow, uint32_t isn, enum conn_stat *ret_stat)
{
	struct conn_table *t = &w->table;
	struct conn *c = conn_alloc(t);

	if (unlikely(c == NULL)) {
		*ret_stat = CONN_STAT_TABLE_FULL;
		return NULL;
	}
	c->af = flow->af;
	c->proto = flow->proto;
	c->fwd = dest->fwd;
	c->dest = dest->index;
	c->dest_gen = dest->generation;
	c->neigh[CONN_IN] = NEIGH_NONE;
	c->neigh[CONN_OUT] = NEIGH_NONE;
	c->tuple[CONN_IN].sport = flow->client_port;
	c->tuple[CONN_IN].dport = flow->vip_port;
	c->tuple[CONN_OUT].sport = dest->port;
	if (flow->af == AF_INET) {
		c->tuple[CONN_IN].src = flow->client.ip4;
		c->tuple[CONN_IN].dst = flow->vip.ip4;
		c->tuple[CONN_OUT].src = dest->addr.ip4;
	} else {
		struct conn_addrs6 *a = conn_addrs6(t, c);

		a->dir[CONN_IN].src = flow->client;
		a->dir[CONN_IN].dst = flow->vip;
		a->dir[CONN_OUT].src = dest->addr;
	}
	c->own_ms = ms_of(svc->conn_timeout_s);

	if (c->fwd == DPVS_FWD_FULLNAT) {
		if (open_fnat(w, svc, c, isn, ret_stat) != 0)
			goto err_conn;
	} else {
		set_local(t, c, &flow->client);
		c->tuple[CONN_OUT].dport = flow->client_port;
		if (c->fwd != DPVS_FWD_DR && open_nat(w, c, ret_stat) != 0)
			goto err_conn;
	}
	set_deltas(t, c);
	*ret_stat = CONN_STAT_TABLE_FULL;
	if (conn_link(t, c, CONN_IN) != 0)
		goto err_port;
	c->flags |= CONN_F_IN_KEY;
	if (c->fwd != DPVS_FWD_DR) {
		if (conn_link(t, c, CONN_OUT) != 0)
			goto err_link;
		c->flags |= CONN_F_OUT_KEY;
	}
	dest_hold(c->dest);
	dest_lcore(c->dest)->conns++;
	dest_count(c->dest, 0, 1);
	conn_set_state(w, c, flow->proto == IPPROTO_UDP ? DPVS_CONN_UDP : DPVS_CONN_NONE);
	c->last_ms = w->now_ms;
	c->timeout_ms = conn_timeout(w, c);
	conn_timer_set(t, c);
	stats_inc(&conn_stats, CONN_STAT_NEW);
	return c;

err_link:
	conn_unlink(t, c, CONN_IN);
err_port:
	port_put(w, c);
err_conn:
	conn_free(t, c);
	return NULL;
}

void
conn_close(struct conn_table *t, struct conn *c)
{
	struct conn_worker *w = container_of(t, struct conn_worker, table);

	conn_timer_del(t, c);
	if ((c->flags & CONN_F_IN_KEY) != 0)
		conn_unlink(t, c, CONN_IN);
	if ((c->flags & CONN_F_OUT_KEY) != 0)
		conn_unlink(t, c, CONN_OUT);
	port_put(w, c);
	if ((c->flags & CONN_F_ACTIVE) != 0)
		dest_count(c->dest, -1, 0);
	else
		dest_count(c->dest, 0, -1);
	dest_put(c->dest);
	conn_free(t, c);
}

void
conn_succeed(struct conn_table *t, struct conn *c)
{
	/* Room for the successor comes first. */
	if (c->state != DPVS_CONN_TIME_WAIT || (c->flags & CONN_F_LPORT) == 0 || t->count >= t->max) {
		conn_close(t, c);
		return;
	}
	conn_unlink(t, c, CONN_IN);
	c->flags &= (uint16_t)~CONN_F_IN_KEY;
}

static int
conn_job_expire(void)
{
	struct conn_worker *w = conn_self();
	unsigned int ended = conn_timer_run(&w->table, w->now_ms, EXPIRE_BUDGET, conn_close);

	conn_table_settle(&w->table);
	if (ended == 0)
		return -EAGAIN;
	stats_add(&conn_stats, CONN_STAT_EXPIRED, ended);
	return 0;
}

static int
conn_job_ports(void)
{
	return laddr_port_tidy(lcore_me()->worker) ? 0 : -EAGAIN;
}

static uint64_t
conn_worker_count(unsigned int index)
{
	return __atomic_load_n(&conn_workers[index].table.count, __ATOMIC_RELAXED);
}

static void
conn_mem(struct dpvs_mem_info *ret_info)
{
	ret_info->size = conn_capacity();
	ret_info->in_use = 0;
	for (unsigned int i = 0; i < owner_workers; i++)
		ret_info->in_use += conn_worker_count(i);
	ret_info->failures = stats_sum(&conn_stats, CONN_STAT_TABLE_FULL);
	ret_info->obj_bytes = (uint64_t)(conn_table_bytes(&conn_workers[0].table) + 0.5);
}

static int
conn_start(void)
{
	rss_learn();
	return 0;
}

static void
conn_fini(void)
{
	rss_forget();
	conn_ctrl_fini();
	sysinfo_set_conns(NULL);
	mem_unregister("conn");
	laddr_port_fini();
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		conn_table_fini(&conn_workers[i].table);
}

static int
conn_init(const struct conf *conf)
{
	int err;

	owner_workers = lcore_worker_count();
	conn_max = (uint32_t)conf_uint(conf, "conn", "max");
	if (getrandom(owner_seed, sizeof(owner_seed), 0) != (ssize_t)sizeof(owner_seed)) {
		for (unsigned int i = 0; i < RTE_DIM(owner_seed); i++)
			owner_seed[i] = rte_rand();
	}
	for (unsigned int i = 0; i < owner_workers; i++) {
		struct conn_worker *w = &conn_workers[i];

		w->index = i;
		xmit_forget(i);
		for (unsigned int s = 0; s < DPVS_CONN_STATE_COUNT; s++)
			w->timeout_ms[s] = state_timeout_s[s] * 1000;
		err = conn_table_init(&w->table, conn_max);
		if (err != 0)
			goto err_tables;
	}
	err = laddr_port_init(laddr_max(), owner_workers);
	if (err != 0)
		goto err_tables;
	mem_register("conn", conn_mem);
	sysinfo_set_conns(conn_worker_count);
	return 0;

err_tables:
	for (unsigned int i = 0; i < owner_workers; i++)
		conn_table_fini(&conn_workers[i].table);
	return err;
}

static const struct conf_key conn_conf[] = {
	{
		.name = "max",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 16,
		.max = 1u << 28,
		.def = 1u << 20,
		.unit = "connections",
		.help = "Connections that each worker has room for; memory is used as they come.",
	},
	{},
};

static const struct module_job conn_jobs[] = {
	{ .name = "conn-expire", .when = JOB_LOOP, .fn = conn_job_expire },
	{ .name = "laddr-ports", .when = JOB_SLOW, .period_ms = 500, .fn = conn_job_ports },
	{},
};

static const struct module_stat conn_stats_table[CONN_STAT_COUNT + 1] = {
	[CONN_STAT_NEW] = { "new", DPVS_STAT_EVENT, "Connections made." },
	[CONN_STAT_EXPIRED] = { "expired", DPVS_STAT_EVENT, "Connections ended by their time-out." },
	[CONN_STAT_PORT_REUSED] = { "port-reused", DPVS_STAT_EVENT,
				    "Local ports taken over from a connection in TIME_WAIT or CLOSE." },
	[CONN_STAT_HANDED] = { "handed", DPVS_STAT_EVENT,
			       "Packets handed to the worker that owns their connection." },
	[CONN_STAT_NO_SERVER] = { "no-server", DPVS_STAT_EVENT,
				  "Packets refused by ICMP because the service has no usable server." },
	[CONN_STAT_NOT_SYN] = { "not-syn", DPVS_STAT_EVENT,
				"TCP packets to a service without a connection that do not begin one." },
	[CONN_STAT_ICMP_ERROR] = { "icmp-error", DPVS_STAT_EVENT,
				   "ICMP errors translated for a connection." },
	[CONN_STAT_TOO_BIG] = { "too-big", DPVS_STAT_EVENT,
				"Packets refused by ICMP because they are longer than the way on allows." },
	[CONN_STAT_TTL] = { "ttl", DPVS_STAT_EVENT,
			    "Packets refused by ICMP because their time to live ended here." },
	[CONN_STAT_NO_ROUTE] = { "no-route", DPVS_STAT_EVENT,
				 "Packets refused by ICMP because there is no way to server or client." },
	[CONN_STAT_TABLE_FULL] = { "table-full", DPVS_STAT_DROP,
				   "New connections refused because the table was full." },
	[CONN_STAT_NO_LADDR] = { "no-laddr", DPVS_STAT_DROP,
				 "New connections refused because the service has no local address." },
	[CONN_STAT_NO_PORT] = { "no-port", DPVS_STAT_DROP,
				"New connections refused because no local port was free." },
	[CONN_STAT_REPLY_CLASH] = { "reply-clash", DPVS_STAT_DROP,
				    "New connections refused: their replies would look like those "
				    "of another one of that client port and server." },
	[CONN_STAT_DEST_GONE] = { "server-gone", DPVS_STAT_DROP,
				  "Packets of connections whose server was removed." },
	[CONN_STAT_SHORT_L4] = { "short-l4", DPVS_STAT_DROP,
				 "Packets to a service too short for their TCP or UDP header." },
	[CONN_STAT_BAD_L4] = { "bad-l4", DPVS_STAT_DROP,
			       "Packets to a service with a wrong TCP header length or UDP length." },
	[CONN_STAT_BAD_ICMP] = { "bad-icmp", DPVS_STAT_DROP,
				 "ICMP errors of a connection with a wrong checksum." },
};

static const char *const conn_after[] = { "service", "laddr", "route", "neigh", NULL };

static struct rte_node_register *const conn_nodes[] = {
	&lb4_input_node,  &lb6_input_node, &xmit_fnat4_node, &xmit_fnat6_node, &xmit_nat4_node,
	&xmit_nat6_node, &xmit_dr4_node,  &xmit_dr6_node,   NULL,
};

const struct module conn_module = {
	.name = "conn",
	.after = conn_after,
	.conf = conn_conf,
	.sockopts = conn_sockopts,
	.msgs = conn_msgs,
	.jobs = conn_jobs,
	.stats = conn_stats_table,
	.stats_block = &conn_stats,
	.nodes = conn_nodes,
	.init = conn_init,
	.start = conn_start,
	.fini = conn_fini,
};
