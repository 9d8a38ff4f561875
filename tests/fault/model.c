/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of the configuration: see model.h. What the daemon lists is in listing.c.
 */
#include "model.h"

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/txn.h>
#include <errno.h>
#include <string.h>

#include "core/change.h"
#include "lb_records.h"
#include "world.h"

static const uint32_t timeouts_default[3] = { 900, 120, 300 };

/* ---- the world ---- */

const char *const lbmodel_ports[2] = { "dpdk0", "dpdk1" };

/* These are there from the beginning and stay. */
const struct world_addr world_base[4] = {
	{ "192.0.2.1", 24, 0 }, { "2001:db8:1::1", 64, 0 }, { "198.51.100.1", 24, 1 }, { "2001:db8:2::1", 64, 1 },
};
const struct world_addr world_addrs[ADDRS] = {
	{ "203.0.113.1", 24, 0 }, { "203.0.113.2", 24, 0 },    { "10.1.0.1", 16, 1 },
	{ "10.9.9.9", 32, 1 },    { "2001:db8:f::1", 64, 0 },  { "2001:db8:e::1", 128, 1 },
	{ "192.0.2.100", 32, 0 }, { "2001:db8:1::100", 128, 0 }, /* of the services */
};
const struct world_route world_routes[ROUTES] = {
	{ "172.16.0.0", 12, "192.0.2.254", 0, "192.0.2.1", 0, false },
	{ "172.16.0.0", 12, "198.51.100.254", 1, "198.51.100.1", 10, false },
	{ "172.20.0.0", 16, NULL, 1, "198.51.100.1", 0, false },
	{ "0.0.0.0", 0, "198.51.100.254", 1, "198.51.100.1", 0, false },
	{ "2001:db8:100::", 40, "2001:db8:1::fe", 0, "2001:db8:1::1", 0, false },
	{ "::", 0, "2001:db8:2::fe", 1, "2001:db8:2::1", 0, false },
	{ "172.30.0.0", 16, NULL, 0, "203.0.113.1", 0, true }, /* with a source that may go */
};
const struct world_addr world_neighs[NEIGHS] = {
	{ "192.0.2.10", 0, 0 }, { "192.0.2.11", 0, 0 }, { "2001:db8:1::10", 0, 0 }, { "198.51.100.11", 0, 1 },
};

/* The route whose source is address 0. */
#define ROUTE_OF_ADDR 6

/* The address that services 0 and 2 have; the next one is that of 1 and 3. */
#define ADDR_OF_VIP 6

void
world_dev(unsigned int port, char dev[DPVS_IFNAME_SIZE])
{
	g_snprintf(dev, DPVS_IFNAME_SIZE, "dpdk%u", port);
}

/* ---- the model ---- */

void
model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->timeouts = (struct dpvs_timeouts){ .tcp_s = timeouts_default[0], .tcp_fin_s = timeouts_default[1],
					      .udp_s = timeouts_default[2] };
	for (unsigned int p = 0; p < PORTS; p++) {
		m->mtu[p] = 1500;
		m->up[p] = true;
		m->mac[p] = (uint8_t)p;
	}
}

unsigned int
model_base(struct op ops[8])
{
	for (unsigned int i = 0; i < 4; i++) {
		ops[i] = (struct op){ .id = DPVS_SET_ADDR_ADD, .size = sizeof(struct dpvs_addr_conf), .count = 1 };
		ops[i].addr[0].addr = rec_addr(world_base[i].text);
		ops[i].addr[0].plen = world_base[i].plen;
		world_dev(world_base[i].port, ops[i].addr[0].dev);
	}
	return 4;
}

/* What an add finds there may be the same, or something else. */
static bool
may_add(const struct model *m, bool equal)
{
	return (m->lb.mode & (equal ? CHANGE_UNCHANGED : CHANGE_REPLACE)) != 0;
}

static int
apply_addr(struct model *m, uint32_t id, unsigned int a, const struct dpvs_addr_conf *conf)
{
	if (id == DPVS_SET_ADDR_DEL) {
		if (m->addr_plen[a] == 0 || m->addr_plen[a] != conf->plen)
			return -ENOENT;
		m->addr_plen[a] = 0;
		if (a == 0)
			m->route[ROUTE_OF_ADDR] = false;
		return 0;
	}
	if (id == DPVS_SET_ADDR_ADD && m->addr_plen[a] != 0 && !may_add(m, m->addr_plen[a] == conf->plen))
		return -EEXIST;
	m->addr_plen[a] = conf->plen;
	return 0;
}

static int
apply_route(struct model *m, const struct op *op, unsigned int i)
{
	const struct dpvs_route_conf *conf = &op->route[i];
	unsigned int r = op->what[i];
	bool del = op->id == DPVS_SET_ROUTE_DEL || (op->id == DPVS_SET_ROUTE6 && conf->op == DPVS_ROUTE_OP_DEL);
	bool set = op->id == DPVS_SET_ROUTE_SET || (op->id == DPVS_SET_ROUTE6 && conf->op == DPVS_ROUTE_OP_SET);

	if (del) {
		if (!m->route[r])
			return -ESRCH;
		m->route[r] = false;
		return 0;
	}
	if (r == ROUTE_OF_ADDR && m->addr_plen[0] == 0)
		return -EINVAL;
	if (m->route[r] && !set && !may_add(m, m->route_mtu[r] == conf->mtu))
		return -EEXIST;
	m->route[r] = true;
	m->route_mtu[r] = conf->mtu;
	return 0;
}

static int
apply_neigh(struct model *m, uint32_t id, unsigned int n, const struct dpvs_neigh_conf *conf)
{
	if (id == DPVS_SET_NEIGH_DEL) {
		if (m->neigh[n] == 0)
			return -ENOENT;
		m->neigh[n] = 0;
		return 0;
	}
	if (m->neigh[n] != 0 && (conf->flags & DPVS_NEIGH_REPLACE) == 0 && !may_add(m, m->neigh[n] == conf->mac[5]))
		return -EEXIST;
	m->neigh[n] = conf->mac[5];
	return 0;
}

static int
apply_port(struct model *m, unsigned int p, const struct dpvs_port_conf *conf)
{
	if ((conf->set & DPVS_PORT_SET_MTU) != 0 && conf->mtu < 68)
		return -ERANGE;
	if ((conf->set & DPVS_PORT_SET_MTU) != 0)
		m->mtu[p] = conf->mtu;
	if ((conf->set & DPVS_PORT_SET_UP) != 0)
		m->up[p] = conf->up;
	if ((conf->set & DPVS_PORT_SET_MAC) != 0)
		m->mac[p] = conf->mac[5];
	return 0;
}

static int
apply_one(struct model *m, const struct op *op, unsigned int i)
{
	switch (op->id) {
	case DPVS_SET_SERVICE_FLUSH:
		lbmodel_flush(&m->lb);
		return 0;
	case DPVS_SET_SERVICE_ADD:
	case DPVS_SET_SERVICE_EDIT:
	case DPVS_SET_SERVICE_DEL:
		return lbmodel_service(&m->lb, op->id, op->what[i], &op->service[i]);
	case DPVS_SET_SERVICE_GARP:
		if (!m->lb.service[op->what[i]].there)
			return -ESRCH;
		return m->addr_plen[ADDR_OF_VIP + op->what[i] % 2] != 0 ? 0 : -EADDRNOTAVAIL;
	case DPVS_SET_MSG_ZERO:
		return 0; /* see zero.c */
	case DPVS_SET_DEST_ADD:
	case DPVS_SET_DEST_EDIT:
	case DPVS_SET_DEST_DEL:
		return lbmodel_dest(&m->lb, op->id, op->what[i], op->part[i], &op->dest[i]);
	case DPVS_SET_LADDR_ADD:
	case DPVS_SET_LADDR_DEL:
	case DPVS_SET_LADDR_FLUSH:
		return lbmodel_laddr(&m->lb, op->id, op->what[i], op->part[i]);
	case DPVS_SET_ADDR_ADD:
	case DPVS_SET_ADDR_DEL:
	case DPVS_SET_ADDR_SET:
		return apply_addr(m, op->id, op->what[i], &op->addr[i]);
	case DPVS_SET_ROUTE_FLUSH:
		memset(m->route, 0, 4 * sizeof(m->route[0]));
		m->route[ROUTE_OF_ADDR] = false;
		return 0;
	case DPVS_SET_ROUTE6_FLUSH:
		m->route[4] = m->route[5] = false;
		return 0;
	case DPVS_SET_ROUTE_ADD:
	case DPVS_SET_ROUTE_DEL:
	case DPVS_SET_ROUTE_SET:
	case DPVS_SET_ROUTE6:
		return apply_route(m, op, i);
	case DPVS_SET_NEIGH_ADD:
	case DPVS_SET_NEIGH_DEL:
		return apply_neigh(m, op->id, op->what[i], &op->neigh[i]);
	case DPVS_SET_NEIGH_FLUSH:
		return 0; /* only those that were learned */
	case DPVS_SET_NETIF_PORT:
		return apply_port(m, op->what[i], &op->port[i]);
	case DPVS_SET_TIMEOUTS:
		if (op->timeouts.tcp_s > 31u * 86400)
			return -EINVAL;
		m->timeouts.tcp_s = op->timeouts.tcp_s != 0 ? op->timeouts.tcp_s : m->timeouts.tcp_s;
		m->timeouts.udp_s = op->timeouts.udp_s != 0 ? op->timeouts.udp_s : m->timeouts.udp_s;
		return 0;
	default:
		g_assert_not_reached();
	}
}

int
model_apply(struct model *m, const struct op *op)
{
	unsigned int i = 0;
	int err;

	do {
		err = apply_one(m, op, i);
	} while (err == 0 && ++i < op->count);
	return err;
}

void
model_begin(struct model *m, uint32_t mode)
{
	unsigned int bits = 0;

	if ((mode & DPVS_TXN_SYNC) != 0)
		bits = CHANGE_SYNC | CHANGE_REPLACE | CHANGE_UNCHANGED;
	else if ((mode & DPVS_TXN_REPLACE) != 0)
		bits = CHANGE_REPLACE | CHANGE_UNCHANGED;
	else if ((mode & DPVS_TXN_UNCHANGED) != 0)
		bits = CHANGE_UNCHANGED;
	lbmodel_begin(&m->lb, bits);
}

void
model_end(struct model *m)
{
	if ((m->lb.mode & CHANGE_SYNC) != 0)
		lbmodel_sync(&m->lb);
	lbmodel_end(&m->lb);
}

int
model_append(const struct op *op)
{
	/* It cannot be taken back. */
	return op->id == DPVS_SET_SERVICE_GARP ? -EOPNOTSUPP : 0;
}

/* ---- what it lists ---- */

static void
add_line(GPtrArray *lines, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
add_line(GPtrArray *lines, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	g_ptr_array_add(lines, g_strdup_vprintf(format, ap));
	va_end(ap);
}

static void
text_of_services(const struct lbmodel *m, GString *out)
{
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		g_string_append_printf(out, "service %u %s flags %u timeout %u dests %u laddrs %u\n", v,
				       lbmodel_scheds[s->sched], s->sched_flags, s->timeout, s->num_dests,
				       s->num_laddrs);
	}
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		for (unsigned int d = 0; d < s->num_dests; d++)
			g_string_append_printf(out, "dest %u.%u fwd %u weight %u\n", v, s->dests[d],
					       s->dest[s->dests[d]].fwd, s->dest[s->dests[d]].weight);
	}
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		for (unsigned int l = 0; l < s->num_laddrs; l++)
			g_string_append_printf(out, "laddr %u.%u dpdk%d\n", v, s->laddrs[l],
					       s->laddrs[l] == 0);
	}
}

/* An address, and the routes that come with it. */
static void
lines_of_addr(GPtrArray *lines, const char *text, uint8_t plen, unsigned int port)
{
	uint8_t bits = strchr(text, ':') != NULL ? 128 : 32;
	union ip_addr net = rec_ip(text);
	union ip_addr broadcast = net;
	char buf[INET6_ADDRSTRLEN];
	int af = bits == 128 ? AF_INET6 : AF_INET;

	add_line(lines, "addr %s/%u dpdk%u", text, plen, port);
	add_line(lines, "route %s/%u type 2 proto 2 dpdk%u src %s mtu 0 metric 0", text, bits, port, text);
	if (plen == bits)
		return;
	for (unsigned int b = plen; b < bits; b++) {
		((uint8_t *)&net)[b / 8] &= (uint8_t) ~(0x80u >> b % 8);
		((uint8_t *)&broadcast)[b / 8] |= (uint8_t)(0x80u >> b % 8);
	}
	inet_ntop(af, &net, buf, sizeof(buf));
	add_line(lines, "route %s/%u type 1 proto 2 dpdk%u src %s mtu 0 metric 0", buf, plen, port, text);
	inet_ntop(af, &broadcast, buf, sizeof(buf));
	if (af == AF_INET)
		add_line(lines, "route %s/32 type 3 proto 2 dpdk%u src %s mtu 0 metric 0", buf, port, text);
}

/* Those of services, each once. */
static void
lines_of_laddrs(const struct lbmodel *m, GPtrArray *lines)
{
	bool told[2][LADDRS] = { 0 };

	for (unsigned int v = 0; v < VIPS; v++) {
		const struct mservice *s = &m->service[v];

		for (unsigned int i = 0; i < s->num_laddrs; i++) {
			unsigned int l = s->laddrs[i];
			struct dpvs_laddr_conf conf = laddr_conf(v, l);
			char text[INET6_ADDRSTRLEN];

			if (told[v % 2][l])
				continue;
			told[v % 2][l] = true;
			inet_ntop(conf.addr.family, conf.addr.bytes, text, sizeof(text));
			lines_of_addr(lines, text, conf.addr.family == AF_INET ? 32 : 128, l == 0);
		}
	}
}

static void
lines_of_routes(const struct model *m, GPtrArray *lines)
{
	for (unsigned int r = 0; r < ROUTES; r++) {
		const struct world_route *w = &world_routes[r];

		if (!m->route[r])
			continue;
		if (w->via != NULL)
			add_line(lines, "route %s/%u type 1 proto 4 via %s dpdk%u src %s mtu %u metric %u", w->dst,
				 w->plen, w->via, w->port, w->src, m->route_mtu[r], w->metric);
		else
			add_line(lines, "route %s/%u type 1 proto 4 dpdk%u src %s mtu %u metric %u", w->dst, w->plen,
				 w->port, w->src, m->route_mtu[r], w->metric);
	}
}

static gint
by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
world_sort(GPtrArray *lines, GString *out)
{
	g_ptr_array_sort(lines, by_text);
	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(out, "%s\n", (char *)lines->pdata[i]);
}

char *
model_text(const struct model *m)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GString *out = g_string_new(NULL);

	text_of_services(&m->lb, out);
	for (unsigned int a = 0; a < G_N_ELEMENTS(world_base); a++)
		lines_of_addr(lines, world_base[a].text, world_base[a].plen, world_base[a].port);
	for (unsigned int a = 0; a < ADDRS; a++) {
		if (m->addr_plen[a] != 0)
			lines_of_addr(lines, world_addrs[a].text, m->addr_plen[a], world_addrs[a].port);
	}
	lines_of_laddrs(&m->lb, lines);
	lines_of_routes(m, lines);
	for (unsigned int n = 0; n < NEIGHS; n++) {
		if (m->neigh[n] != 0)
			add_line(lines, "neigh %s dpdk%u mac %u state 128", world_neighs[n].text,
				 world_neighs[n].port, m->neigh[n]);
	}
	for (unsigned int p = 0; p < PORTS; p++)
		add_line(lines, "port dpdk%u mtu %u up %d mac %u", p, m->mtu[p], m->up[p], m->mac[p]);
	add_line(lines, "timeouts %u %u %u", m->timeouts.tcp_s, m->timeouts.tcp_fin_s, m->timeouts.udp_s);
	world_sort(lines, out);
	return g_string_free(out, FALSE);
}
