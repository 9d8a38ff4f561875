/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of the configuration: see model.h. What the daemon lists is in listing.c.
 */
#include "model.h"

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/txn.h>
#include <errno.h>
#include <string.h>

#include "lb_records.h"
#include "world.h"

static const uint32_t timeouts_default[3] = { 900, 120, 300 };

/* ---- the world ---- */

const char *const world_scheds[5] = { "rr", "wrr", "lc", "wlc", "mh" };

/* The first four are there from the beginning and stay. */
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

struct dpvs_service_key
world_key(unsigned int v)
{
	return rec_key(v % 2 != 0 ? "2001:db8:1::100" : "192.0.2.100", 80, v / 2 != 0 ? IPPROTO_UDP : IPPROTO_TCP);
}

/* Server 0 has the service's port, so that direct routing can have it. */
struct dpvs_dest_conf
world_dest(unsigned int v, unsigned int d)
{
	struct dpvs_service_key key = world_key(v);
	struct dpvs_dest_conf conf = rec_dest(&key, v % 2 != 0 ? "2001:db8:2::10" : "198.51.100.10",
					      d == 0 ? key.port : (uint16_t)(8000 + d), 0, 0);

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(10 + d / 2);
	return conf;
}

struct dpvs_laddr_conf
world_laddr(unsigned int v, unsigned int l)
{
	struct dpvs_service_key key = world_key(v);
	struct dpvs_laddr_conf conf =
		rec_laddr(&key, v % 2 != 0 ? "2001:db8:2::c9" : "198.51.100.201", "dpdk1");

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(WORLD_LADDR + l);
	return conf;
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

static void
list_remove(unsigned int *list, unsigned int *count, unsigned int value)
{
	unsigned int i = 0;

	while (list[i] != value)
		i++;
	memmove(&list[i], &list[i + 1], (--*count - i) * sizeof(list[0]));
}

static bool
list_has(const unsigned int *list, unsigned int count, unsigned int value)
{
	for (unsigned int i = 0; i < count; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

/* What an add finds there: may it be the same, may it be something else? */
static bool
may_be_equal(uint32_t mode)
{
	return (mode & (DPVS_TXN_UNCHANGED | DPVS_TXN_REPLACE | DPVS_TXN_SYNC)) != 0;
}

static bool
may_differ(uint32_t mode)
{
	return (mode & (DPVS_TXN_REPLACE | DPVS_TXN_SYNC)) != 0;
}

static bool
may_add(uint32_t mode, bool equal)
{
	return equal ? may_be_equal(mode) : may_differ(mode);
}

static void
service_remove(struct model *m, unsigned int v)
{
	memset(&m->service[v], 0, sizeof(m->service[v]));
	list_remove(m->services, &m->num_services, v);
}

static int
apply_service(struct model *m, uint32_t id, unsigned int v, const struct dpvs_service_conf *conf, uint32_t mode)
{
	struct mservice *s = &m->service[v];
	uint32_t set = conf->set;
	unsigned int sched = s->sched;
	uint32_t flags = s->sched_flags;
	uint32_t timeout = s->timeout;

	if (id != DPVS_SET_SERVICE_ADD && !s->there)
		return -ESRCH;
	if (id == DPVS_SET_SERVICE_DEL) {
		service_remove(m, v);
		return 0;
	}
	if (id == DPVS_SET_SERVICE_ADD) {
		if (s->there && !may_be_equal(mode))
			return -EEXIST;
		set = UINT32_MAX;
		flags = 0;
	}
	if ((set & DPVS_SERVICE_SET_SCHED) != 0) {
		for (sched = 0; sched < G_N_ELEMENTS(world_scheds); sched++) {
			if (strcmp(world_scheds[sched], conf->sched) == 0)
				break;
		}
		if (sched == G_N_ELEMENTS(world_scheds))
			return -ENOENT;
		if (sched != 4)
			flags = 0;
	}
	if ((set & DPVS_SERVICE_SET_SCHED_FLAGS) != 0)
		flags = conf->sched_flags;
	if (flags != 0 && sched != 4)
		return -EINVAL;
	if ((set & DPVS_SERVICE_SET_CONN_TIMEOUT) != 0)
		timeout = conf->conn_timeout_s;
	if (id == DPVS_SET_SERVICE_ADD && s->there && !may_differ(mode) &&
	    (s->sched != sched || s->sched_flags != flags || s->timeout != timeout))
		return -EEXIST;
	if (!s->there)
		m->services[m->num_services++] = v;
	s->there = true;
	s->named = s->named || id == DPVS_SET_SERVICE_ADD;
	s->sched = sched;
	s->sched_flags = flags;
	s->timeout = timeout;
	return 0;
}

static int
apply_dest(struct model *m, uint32_t id, unsigned int v, unsigned int d, const struct dpvs_dest_conf *conf,
	   uint32_t mode)
{
	struct mservice *s = &m->service[v];
	bool there = s->there && list_has(s->dests, s->num_dests, d);
	uint8_t fwd = s->fwd[d];
	uint32_t weight = s->weight[d];

	if (!s->there)
		return -ESRCH;
	if (id == DPVS_SET_DEST_ADD && there && !may_be_equal(mode))
		return -EEXIST;
	if (id != DPVS_SET_DEST_ADD && !there)
		return -ENOENT;
	if (id == DPVS_SET_DEST_DEL) {
		list_remove(s->dests, &s->num_dests, d);
		s->dest_named[d] = false;
		return 0;
	}
	if (id == DPVS_SET_DEST_ADD || (conf->set & DPVS_DEST_SET_FWD) != 0)
		fwd = conf->fwd;
	if (id == DPVS_SET_DEST_ADD || (conf->set & DPVS_DEST_SET_WEIGHT) != 0)
		weight = conf->weight;
	if (fwd == DPVS_FWD_TUNNEL || (fwd == DPVS_FWD_DR && d != 0))
		return -EOPNOTSUPP;
	if (weight > 65535)
		return -EINVAL;
	if (id == DPVS_SET_DEST_ADD && there && !may_differ(mode) &&
	    (fwd != s->fwd[d] || weight != s->weight[d]))
		return -EEXIST;
	s->fwd[d] = fwd;
	s->weight[d] = weight;
	if (id == DPVS_SET_DEST_ADD)
		s->dest_named[d] = true;
	if (!there)
		s->dests[s->num_dests++] = d;
	return 0;
}

static int
apply_laddr(struct model *m, uint32_t id, unsigned int v, unsigned int l, uint32_t mode)
{
	struct mservice *s = &m->service[v];
	bool there = list_has(s->laddrs, s->num_laddrs, l);

	if (!s->there)
		return -ESRCH;
	if (id == DPVS_SET_LADDR_FLUSH) {
		s->num_laddrs = 0;
		memset(s->laddr_named, 0, sizeof(s->laddr_named));
	} else if (id == DPVS_SET_LADDR_ADD) {
		if (there && !may_be_equal(mode))
			return -EEXIST;
		s->laddr_named[l] = true;
		if (!there)
			s->laddrs[s->num_laddrs++] = l;
	} else if (there) {
		list_remove(s->laddrs, &s->num_laddrs, l);
		s->laddr_named[l] = false;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int
apply_addr(struct model *m, uint32_t id, unsigned int a, const struct dpvs_addr_conf *conf, uint32_t mode)
{
	if (id == DPVS_SET_ADDR_DEL) {
		if (m->addr_plen[a] == 0 || m->addr_plen[a] != conf->plen)
			return -ENOENT;
		m->addr_plen[a] = 0;
		if (a == 0)
			m->route[ROUTE_OF_ADDR] = false;
		return 0;
	}
	if (id == DPVS_SET_ADDR_ADD && m->addr_plen[a] != 0 && !may_add(mode, m->addr_plen[a] == conf->plen))
		return -EEXIST;
	m->addr_plen[a] = conf->plen;
	return 0;
}

static int
apply_route(struct model *m, const struct op *op, unsigned int i, uint32_t mode)
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
	if (m->route[r] && !set && !may_add(mode, m->route_mtu[r] == conf->mtu))
		return -EEXIST;
	m->route[r] = true;
	m->route_mtu[r] = conf->mtu;
	return 0;
}

static int
apply_neigh(struct model *m, uint32_t id, unsigned int n, const struct dpvs_neigh_conf *conf, uint32_t mode)
{
	if (id == DPVS_SET_NEIGH_DEL) {
		if (m->neigh[n] == 0)
			return -ENOENT;
		m->neigh[n] = 0;
		return 0;
	}
	if (m->neigh[n] != 0 && (conf->flags & DPVS_NEIGH_REPLACE) == 0 && !may_add(mode, m->neigh[n] == conf->mac[5]))
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
apply_one(struct model *m, const struct op *op, unsigned int i, uint32_t mode)
{
	switch (op->id) {
	case DPVS_SET_SERVICE_FLUSH:
		while (m->num_services > 0)
			service_remove(m, m->services[0]);
		return 0;
	case DPVS_SET_SERVICE_ADD:
	case DPVS_SET_SERVICE_EDIT:
	case DPVS_SET_SERVICE_DEL:
		return apply_service(m, op->id, op->what[i], &op->service[i], mode);
	case DPVS_SET_SERVICE_GARP:
		if (!m->service[op->what[i]].there)
			return -ESRCH;
		return m->addr_plen[ADDR_OF_VIP + op->what[i] % 2] != 0 ? 0 : -EADDRNOTAVAIL;
	case DPVS_SET_MSG_ZERO:
		return 0; /* see zero.c */
	case DPVS_SET_DEST_ADD:
	case DPVS_SET_DEST_EDIT:
	case DPVS_SET_DEST_DEL:
		return apply_dest(m, op->id, op->what[i], op->part[i], &op->dest[i], mode);
	case DPVS_SET_LADDR_ADD:
	case DPVS_SET_LADDR_DEL:
	case DPVS_SET_LADDR_FLUSH:
		return apply_laddr(m, op->id, op->what[i], op->part[i], mode);
	case DPVS_SET_ADDR_ADD:
	case DPVS_SET_ADDR_DEL:
	case DPVS_SET_ADDR_SET:
		return apply_addr(m, op->id, op->what[i], &op->addr[i], mode);
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
		return apply_route(m, op, i, mode);
	case DPVS_SET_NEIGH_ADD:
	case DPVS_SET_NEIGH_DEL:
		return apply_neigh(m, op->id, op->what[i], &op->neigh[i], mode);
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
model_apply(struct model *m, const struct op *op, uint32_t mode)
{
	unsigned int i = 0;
	int err;

	do {
		err = apply_one(m, op, i, mode);
	} while (err == 0 && ++i < op->count);
	return err;
}

int
model_append(const struct op *op)
{
	/* It cannot be taken back. */
	return op->id == DPVS_SET_SERVICE_GARP ? -EOPNOTSUPP : 0;
}

void
model_unname(struct model *m)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		m->service[v].named = false;
		memset(m->service[v].dest_named, 0, sizeof(m->service[v].dest_named));
		memset(m->service[v].laddr_named, 0, sizeof(m->service[v].laddr_named));
	}
}

void
model_sync(struct model *m)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		struct mservice *s = &m->service[v];

		if (!s->there)
			continue;
		if (!s->named) {
			service_remove(m, v);
			continue;
		}
		for (unsigned int d = 0; d < DESTS; d++) {
			if (!s->dest_named[d] && list_has(s->dests, s->num_dests, d))
				list_remove(s->dests, &s->num_dests, d);
		}
		for (unsigned int l = 0; l < LADDRS; l++) {
			if (!s->laddr_named[l] && list_has(s->laddrs, s->num_laddrs, l))
				list_remove(s->laddrs, &s->num_laddrs, l);
		}
	}
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
text_of_services(const struct model *m, GString *out)
{
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		g_string_append_printf(out, "service %u %s flags %u timeout %u dests %u laddrs %u\n", v,
				       world_scheds[s->sched], s->sched_flags, s->timeout, s->num_dests,
				       s->num_laddrs);
	}
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		for (unsigned int d = 0; d < s->num_dests; d++)
			g_string_append_printf(out, "dest %u.%u fwd %u weight %u\n", v, s->dests[d],
					       s->fwd[s->dests[d]], s->weight[s->dests[d]]);
	}
	for (unsigned int i = 0; i < m->num_services; i++) {
		unsigned int v = m->services[i];
		const struct mservice *s = &m->service[v];

		for (unsigned int l = 0; l < s->num_laddrs; l++)
			g_string_append_printf(out, "laddr %u.%u dpdk1\n", v, s->laddrs[l]);
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
lines_of_laddrs(const struct model *m, GPtrArray *lines)
{
	bool told[2][LADDRS] = { 0 };

	for (unsigned int v = 0; v < VIPS; v++) {
		const struct mservice *s = &m->service[v];

		for (unsigned int i = 0; i < s->num_laddrs; i++) {
			unsigned int l = s->laddrs[i];
			struct dpvs_laddr_conf conf = world_laddr(v, l);
			char text[INET6_ADDRSTRLEN];

			if (told[v % 2][l])
				continue;
			told[v % 2][l] = true;
			inet_ntop(conf.addr.family, conf.addr.bytes, text, sizeof(text));
			lines_of_addr(lines, text, conf.addr.family == AF_INET ? 32 : 128, 1);
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

	text_of_services(m, out);
	for (unsigned int a = 0; a < G_N_ELEMENTS(world_base); a++)
		lines_of_addr(lines, world_base[a].text, world_base[a].plen, world_base[a].port);
	for (unsigned int a = 0; a < ADDRS; a++) {
		if (m->addr_plen[a] != 0)
			lines_of_addr(lines, world_addrs[a].text, m->addr_plen[a], world_addrs[a].port);
	}
	lines_of_laddrs(m, lines);
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
