/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random requests about services, servers and local addresses, alone and in transactions of each mode, applied
 * by workers in random order, against a model that is nothing but arrays. After each request, and wherever
 * others have a turn while it is prepared or undone, the listing equals the model (so a refused one changed
 * nothing, and none is seen before it is whole); when nothing changed, no message was sent; when all workers
 * have applied all, each of them sees what the model says; a list that is made in small slices names once what
 * is there all the time, and nothing that never was; a connection that is held always finds its server there
 * or gone as it should, never another one in its slot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/wire.h>
#include <glib.h>

#include "fake_core.h"
#include "lb/laddr.h"
#include "lb/sched.h"
#include "lb/service.h"
#include "lb/truth.h"
#include "lb_records.h"
#include "module.h"
#include "lbmodel.h"

#define WORKERS 3
#define CONNS 40
#define STEPS 50000
#define PARTS 8
#define LISTS 3

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };
const char *const lbmodel_ports[2] = { "lan0", "lan1" };

/* Of the request or transaction that is tried: bits of CHANGE_*. */
static unsigned int txn_mode;

/** struct part: a request, as the test has made it. */
struct part {
	uint32_t id;
	uint32_t n;
	union {
		struct dpvs_service_conf services[4];
		struct dpvs_dest_conf dests[4];
		struct dpvs_laddr_conf laddrs[4];
		struct dpvs_service_key key;
	};
};

/** struct seen: an item of a list: its life, and how often it was listed. */
struct seen {
	bool there;     /* when the list was begun */
	bool ever;      /* at any time since */
	bool lost;      /* removed since */
	unsigned int listed;
};

/** struct mlist: a list on its way. */
struct mlist {
	struct dpvs_req *req;
	uint32_t id;
	uint64_t generation;
	bool changed; /* the generation had moved when the last slice was made */
	struct seen service[VIPS];
	struct seen dest[VIPS][DESTS];
	struct seen laddr[VIPS][LADDRS];
	unsigned int laddr_lives[VIPS][LADDRS];
};

/** struct held: a connection. */
struct held {
	bool there;
	unsigned int worker;
	unsigned int vip;
	unsigned int dest;
	uint32_t index;
	uint32_t generation;
	uint32_t laddr;
	bool has_laddr;
};

static struct lbmodel model;
static struct held conns[CONNS];
static GRand *rnd;
static struct mlist mlists[LISTS];

static unsigned int
below(unsigned int n)
{
	return (unsigned int)g_rand_int_range(rnd, 0, (gint32)n);
}

/* Requests of one to four records. */

/* As the service is now, so that an add of it is "unchanged"; or anything. */
static struct dpvs_service_conf
any_service(unsigned int v)
{
	const struct mservice *s = &model.service[v];
	struct dpvs_service_key key = vip_key(v);
	struct dpvs_service_conf conf = rec_service(vip_text(v), key.port, key.proto, lbmodel_scheds[below(5)]);

	if (s->there && txn_mode != 0 && below(3) != 0) {
		snprintf(conf.sched, sizeof(conf.sched), "%s", lbmodel_scheds[s->sched]);
		conf.sched_flags = s->sched_flags;
		conf.conn_timeout_s = s->timeout;
		return conf;
	}
	if (below(20) == 0)
		strcpy(conf.sched, "sed");
	conf.set = below(8);
	conf.set = (conf.set & 1) | (conf.set & 2) << 1 | (conf.set & 4) << 2;
	conf.sched_flags = strcmp(conf.sched, "mh") == 0 || below(10) == 0 ? below(4) : 0;
	conf.conn_timeout_s = below(100);
	return conf;
}

static int
make_service(struct part *p, struct lbmodel *next)
{
	static const uint32_t ids[] = { DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT,
					DPVS_SET_SERVICE_EDIT, DPVS_SET_SERVICE_DEL };
	int err = 0;

	p->id = (txn_mode & CHANGE_SYNC) != 0 ? DPVS_SET_SERVICE_ADD : ids[below(G_N_ELEMENTS(ids))];
	for (uint32_t i = 0; i < p->n; i++) {
		unsigned int v = below(VIPS);

		/* Mostly one that fits, so that long transactions go well, too. */
		for (unsigned int n = below(8); n > 0 && next->service[v].there == (p->id == DPVS_SET_SERVICE_ADD); n--)
			v = below(VIPS);

		p->services[i] = any_service(v);
		if (err == 0)
			err = lbmodel_service(next, p->id, v, &p->services[i]);
	}
	return err;
}

static struct dpvs_dest_conf
any_dest(unsigned int v, unsigned int d, uint32_t id)
{
	static const uint8_t fwds[] = { DPVS_FWD_NAT, DPVS_FWD_FULLNAT, DPVS_FWD_DR };
	const struct mdest *is = &model.service[v].dest[d];
	struct dpvs_dest_conf conf = dest_conf(v, d);

	conf.set = id == DPVS_SET_DEST_ADD ? 3 : below(4);
	if (is->there && txn_mode != 0 && below(3) != 0) {
		conf.fwd = is->fwd;
		conf.weight = is->weight;
		return conf;
	}
	conf.fwd = d % 3 == 0 || below(10) == 0 ? fwds[below(3)] : fwds[below(2)];
	if (below(30) == 0)
		conf.fwd = DPVS_FWD_TUNNEL;
	conf.weight = below(4) == 0 ? 0 : below(30) == 0 ? 70000 : 1 + below(10);
	return conf;
}

static int
make_dest(struct part *p, struct lbmodel *next)
{
	static const uint32_t ids[] = { DPVS_SET_DEST_ADD, DPVS_SET_DEST_ADD, DPVS_SET_DEST_EDIT,
					DPVS_SET_DEST_DEL };
	int err = 0;

	p->id = (txn_mode & CHANGE_SYNC) != 0 ? DPVS_SET_DEST_ADD : ids[below(G_N_ELEMENTS(ids))];
	for (uint32_t i = 0; i < p->n; i++) {
		unsigned int v = below(VIPS);
		unsigned int d = below(DESTS);

		for (unsigned int n = below(30);
		     n > 0 && (!next->service[v].there ||
			       next->service[v].dest[d].there == (p->id == DPVS_SET_DEST_ADD)); n--) {
			v = below(VIPS);
			d = below(DESTS);
		}
		p->dests[i] = any_dest(v, d, p->id);
		if (err == 0)
			err = lbmodel_dest(next, p->id, v, d, &p->dests[i]);
	}
	return err;
}

static int
make_laddr(struct part *p, struct lbmodel *next)
{
	static const uint32_t ids[] = { DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_DEL };
	int err = 0;

	if (below(10) == 0) {
		unsigned int v = below(VIPS);

		p->id = DPVS_SET_LADDR_FLUSH;
		p->n = 1;
		p->key = vip_key(v);
		return lbmodel_laddr(next, DPVS_SET_LADDR_FLUSH, v, 0);
	}
	p->id = ids[below(G_N_ELEMENTS(ids))];
	for (uint32_t i = 0; i < p->n; i++) {
		unsigned int v = below(VIPS);
		unsigned int l = below(LADDRS);

		for (unsigned int n = below(30);
		     n > 0 && (!next->service[v].there ||
			       list_has(next->service[v].laddrs, next->service[v].num_laddrs, l) ==
				       (p->id == DPVS_SET_LADDR_ADD)); n--) {
			v = below(VIPS);
			l = below(LADDRS);
		}
		p->laddrs[i] = laddr_conf(v, l);
		if (err == 0)
			err = lbmodel_laddr(next, p->id, v, l);
	}
	return err;
}

/* Returns what the model says to it. */
static int
make_part(struct part *p, struct lbmodel *next)
{
	unsigned int kind = below(100);

	p->n = 1 + below(4);
	if (kind == 0) {
		p->id = DPVS_SET_SERVICE_FLUSH;
		p->n = 0;
		for (unsigned int v = 0; v < VIPS; v++) {
			if (next->service[v].there)
				lbmodel_service(next, DPVS_SET_SERVICE_DEL, v, NULL);
		}
		return 0;
	}
	return kind < 30 ? make_service(p, next) : kind < 80 ? make_dest(p, next) : make_laddr(p, next);
}

static void update_lists(void);

/* One request, or a transaction of several; it may also meet a full ring, or fail in the middle. */
static void
request(void)
{
	static const unsigned int modes[] = { 0, CHANGE_UNCHANGED, CHANGE_UNCHANGED | CHANGE_REPLACE,
					      CHANGE_UNCHANGED | CHANGE_REPLACE | CHANGE_SYNC };
	struct part parts[PARTS];
	struct fake_part fake[PARTS];
	struct lbmodel next = model;
	bool full = below(10) == 0;
	bool fails = below(10) == 0;
	unsigned int count = 1;
	uint64_t changes = fake_changes();
	int err = 0;
	int got;

	txn_mode = modes[below(10) < 6 ? 0 : 1 + below(7) / 3];
	if (txn_mode != 0 || below(3) == 0)
		count = 1 + below((txn_mode & CHANGE_SYNC) != 0 ? PARTS : 4);
	lbmodel_begin(&next, txn_mode);
	for (unsigned int i = 0; i < count; i++) {
		if (err == 0)
			err = make_part(&parts[i], &next);
		else
			parts[i] = parts[i - 1];
		fake[i] = (struct fake_part){ parts[i].id, &parts[i].services, parts[i].n };
	}
	if (err == 0 && (txn_mode & CHANGE_SYNC) != 0)
		lbmodel_sync(&next);
	if (err == 0 && full)
		err = -ENOBUFS;

	fake_fail_commits(full);
	if (fails)
		fake_fail_after(1 + below(6));
	fake_mode(txn_mode);
	got = fake_txn(fake, count);
	fake_mode(0);
	fake_fail_after(0);
	fake_fail_commits(0);
	if (got == 0 || !fails || got != -ENOMEM)
		g_assert_cmpint(got, ==, err);
	if (got != 0 || !next.changed)
		g_assert_cmpuint(fake_changes(), ==, changes);
	if (got != 0)
		return;
	lbmodel_end(&next);
	model = next;
	update_lists();
}

/* Checks. */

/* A local address is one on its port, for readers, exactly as long as a service has it. */
static void
check_ports(void)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		for (unsigned int l = 0; l < LADDRS; l++) {
			struct dpvs_laddr_conf conf = laddr_conf(v, l);
			bool used = false;

			for (unsigned int i = 0; i < VIPS; i++) {
				const struct mservice *s = &model.service[i];
				struct dpvs_laddr_conf other = laddr_conf(i, l);

				used |= memcmp(&other.addr, &conf.addr, sizeof(conf.addr)) == 0 &&
					list_has(s->laddrs, s->num_laddrs, l);
			}
			g_assert_cmpint(fake_held(conf.addr.family, conf.addr.bytes) == IFADDR_HELD, ==, used);
		}
	}
}

static void
check_listing(void)
{
	int err;
	struct dpvs_lb_info info;
	g_autoptr(GArray) all = fake_get(DPVS_GET_LB_INFO, NULL, &err);
	g_autoptr(GArray) services = fake_get(DPVS_GET_SERVICES, NULL, &err);
	g_autoptr(GArray) dests = fake_get(DPVS_GET_DESTS, NULL, &err);
	g_autoptr(GArray) laddrs = fake_get(DPVS_GET_LADDRS, NULL, &err);
	unsigned int d = 0;
	unsigned int l = 0;

	info = g_array_index(all, struct dpvs_lb_info, 0);
	g_assert_cmpuint(info.num_services, ==, model.num_services);
	g_assert_cmpuint(services->len, ==, model.num_services);
	for (unsigned int i = 0; i < model.num_services; i++) {
		unsigned int v = model.services[i];
		const struct mservice *s = &model.service[v];
		const struct dpvs_service_info *si =
			&g_array_index(services, struct dpvs_service_info, i);
		struct dpvs_service_key key = vip_key(v);
		g_autoptr(GArray) one = fake_get(DPVS_GET_SERVICE, &key, &err);

		g_assert_cmpmem(one->data, sizeof(*si), si, sizeof(*si));
		g_assert_cmpmem(&si->conf.key, sizeof(key), &key, sizeof(key));
		g_assert_cmpstr(si->conf.sched, ==, lbmodel_scheds[s->sched]);
		g_assert_cmpuint(si->conf.sched_flags, ==, s->sched_flags);
		g_assert_cmpuint(si->conf.conn_timeout_s, ==, s->timeout);
		g_assert_cmpuint(si->num_dests, ==, s->num_dests);
		g_assert_cmpuint(si->num_laddrs, ==, s->num_laddrs);
		for (unsigned int j = 0; j < s->num_dests; j++) {
			const struct dpvs_dest_info *di = &g_array_index(dests, struct dpvs_dest_info, d++);
			struct dpvs_dest_conf conf = dest_conf(v, s->dests[j]);

			g_assert_cmpmem(&di->conf.addr, sizeof(conf.addr), &conf.addr, sizeof(conf.addr));
			g_assert_cmpuint(di->conf.port, ==, conf.port);
			g_assert_cmpuint(di->conf.fwd, ==, s->dest[s->dests[j]].fwd);
			g_assert_cmpuint(di->conf.weight, ==, s->dest[s->dests[j]].weight);
		}
		for (unsigned int j = 0; j < s->num_laddrs; j++) {
			const struct dpvs_laddr_info *li =
				&g_array_index(laddrs, struct dpvs_laddr_info, l++);
			struct dpvs_laddr_conf conf = laddr_conf(v, s->laddrs[j]);

			g_assert_cmpmem(&li->conf, sizeof(conf), &conf, sizeof(conf));
		}
	}
	g_assert_cmpuint(dests->len, ==, d);
	g_assert_cmpuint(laddrs->len, ==, l);
}

/* Lists in slices. */

static void
see(struct seen *seen, bool there)
{
	seen->ever |= there;
	seen->lost |= !there;
}

/* The model has changed. */
static void
update_lists(void)
{
	for (unsigned int i = 0; i < LISTS; i++) {
		for (unsigned int v = 0; v < VIPS; v++) {
			const struct mservice *s = &model.service[v];

			see(&mlists[i].service[v], s->there);
			for (unsigned int d = 0; d < DESTS; d++)
				see(&mlists[i].dest[v][d], s->dest[d].there);
			for (unsigned int l = 0; l < LADDRS; l++) {
				see(&mlists[i].laddr[v][l], list_has(s->laddrs, s->num_laddrs, l));
				/* One that goes and comes back in a transaction does not keep its place. */
				mlists[i].laddr[v][l].lost |=
					mlists[i].laddr_lives[v][l] != model.laddr_lives[v][l];
			}
		}
	}
}

static void
list_begin(struct mlist *l)
{
	static const uint32_t ids[] = { DPVS_GET_SERVICES, DPVS_GET_DESTS, DPVS_GET_LADDRS };

	memset(l, 0, sizeof(*l));
	memcpy(l->laddr_lives, model.laddr_lives, sizeof(l->laddr_lives));
	l->id = ids[below(3)];
	for (unsigned int v = 0; v < VIPS; v++) {
		const struct mservice *s = &model.service[v];

		l->service[v].there = s->there;
		for (unsigned int d = 0; d < DESTS; d++)
			l->dest[v][d].there = s->dest[d].there;
		for (unsigned int a = 0; a < LADDRS; a++)
			l->laddr[v][a].there = list_has(s->laddrs, s->num_laddrs, a);
	}
	update_lists();
	for (unsigned int v = 0; v < VIPS; v++) {
		l->service[v].lost = false;
		for (unsigned int d = 0; d < DESTS; d++)
			l->dest[v][d].lost = false;
		for (unsigned int a = 0; a < LADDRS; a++)
			l->laddr[v][a].lost = false;
	}
	l->generation = fake_changes();
	lb_get_slice = 1 + below(30);
	l->req = fake_get_begin(l->id, NULL);
}

static void
check_seen(const struct seen *seen)
{
	if (seen->there && !seen->lost)
		g_assert_cmpuint(seen->listed, ==, 1);
	if (!seen->ever)
		g_assert_cmpuint(seen->listed, ==, 0);
}

static unsigned int
vip_of(const struct dpvs_service_key *wire)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		struct dpvs_service_key key = vip_key(v);

		if (memcmp(&key, wire, sizeof(key)) == 0)
			return v;
	}
	g_assert_not_reached();
}

static void
count_listed(struct mlist *l, const void *record)
{
	const struct dpvs_service_info *service = record;
	const struct dpvs_dest_info *dest = record;
	const struct dpvs_laddr_info *laddr = record;
	unsigned int v;

	if (l->id == DPVS_GET_SERVICES) {
		l->service[vip_of(&service->conf.key)].listed++;
	} else if (l->id == DPVS_GET_DESTS) {
		v = vip_of(&dest->conf.svc);
		for (unsigned int d = 0; d < DESTS; d++) {
			struct dpvs_dest_conf conf = dest_conf(v, d);

			l->dest[v][d].listed += memcmp(&conf.addr, &dest->conf.addr, sizeof(conf.addr)) == 0 &&
						conf.port == dest->conf.port;
		}
	} else {
		v = vip_of(&laddr->conf.svc);
		for (unsigned int a = 0; a < LADDRS; a++) {
			struct dpvs_laddr_conf conf = laddr_conf(v, a);

			l->laddr[v][a].listed += memcmp(&conf, &laddr->conf, sizeof(conf)) == 0;
		}
	}
}

/* All of it has been said. */
static void
list_end(struct mlist *l)
{
	uint32_t flags;
	int err;
	g_autoptr(GArray) records = fake_get_end(l->req, &err, &flags);

	l->req = NULL;
	g_assert_cmpint(err, ==, 0);
	g_assert_cmpint((flags & DPVS_REPLY_CHANGED) != 0, ==, l->changed);
	for (guint i = 0; i < records->len; i++)
		count_listed(l, records->data + i * g_array_get_element_size(records));
	for (unsigned int v = 0; v < VIPS; v++) {
		if (l->id == DPVS_GET_SERVICES)
			check_seen(&l->service[v]);
		for (unsigned int d = 0; d < DESTS && l->id == DPVS_GET_DESTS; d++)
			check_seen(&l->dest[v][d]);
		for (unsigned int a = 0; a < LADDRS && l->id == DPVS_GET_LADDRS; a++)
			check_seen(&l->laddr[v][a]);
	}
}

/* A client begins a list, reads on, or hangs up. */
static void
lists(void)
{
	struct mlist *l = &mlists[below(LISTS)];

	if (l->req == NULL) {
		list_begin(l);
		if (!fake_get_waits(l->req))
			list_end(l);
		return;
	}
	if (below(50) == 0) {
		fake_get_cancel(l->req);
		l->req = NULL;
		return;
	}
	lb_get_slice = 1 + below(30);
	l->changed = fake_changes() != l->generation;
	if (!fake_get_more(l->req))
		list_end(l);
}

static const struct service *
lookup(unsigned int v)
{
	struct dpvs_service_key key = vip_key(v);
	union ip_addr ip = rec_ip(vip_text(v));

	return service_lookup(key.vip.family, key.proto, &ip, rte_cpu_to_be_16(key.port));
}

/* All workers have applied all: each sees what the model says. */
static void
check_workers(void)
{
	for (unsigned int w = 0; w < WORKERS; w++) {
		fake_be(w);
		for (unsigned int v = 0; v < VIPS; v++) {
			const struct mservice *s = &model.service[v];
			const struct service *svc = lookup(v);

			g_assert_cmpint(svc != NULL, ==, s->there);
			if (svc == NULL)
				continue;
			g_assert_true(svc->sched == sched_by_name(lbmodel_scheds[s->sched]));
			g_assert_cmpuint(svc->sched_flags, ==, s->sched_flags);
			g_assert_cmpuint(svc->conn_timeout_s, ==, s->timeout);
			g_assert_cmpuint(svc->num_dests, ==, s->num_dests);
			g_assert_cmpuint(svc->num_laddrs, ==, s->num_laddrs);
			for (unsigned int j = 0; j < s->num_dests; j++) {
				const struct dest *dest = &svc->dests[j];
				struct dpvs_dest_conf conf = dest_conf(v, s->dests[j]);

				g_assert_cmpmem(&dest->addr, 16, conf.addr.bytes, 16);
				g_assert_cmpuint(rte_be_to_cpu_16(dest->port), ==, conf.port);
				g_assert_cmpuint(dest->weight, ==, s->dest[s->dests[j]].weight);
				g_assert_cmpuint(dest->fwd, ==, s->dest[s->dests[j]].fwd);
				g_assert_true(dest_is_there(dest->index, dest->generation));
				if (dest->fwd == DPVS_FWD_NAT)
					g_assert_true(service_by_reply(dest->af, svc->proto, &dest->addr,
								       dest->port));
			}
			for (unsigned int j = 0; j < s->num_laddrs; j++) {
				struct dpvs_laddr_conf conf = laddr_conf(v, s->laddrs[j]);

				g_assert_cmpmem(&svc->laddrs[j].addr, 16, conf.addr.bytes, 16);
				g_assert_cmpuint(laddr_find(svc->af, &svc->laddrs[j].addr), ==,
						 svc->laddrs[j].index);
			}
		}
	}
}

/* A held connection has the slot to itself: whoever else has it is the same server of the same VIP. */
static void
check_held(bool synced)
{
	for (unsigned int i = 0; i < CONNS; i++) {
		const struct held *c = &conns[i];
		const struct mdest *d;

		if (!c->there)
			continue;
		fake_be(c->worker);
		d = &model.service[c->vip].dest[c->dest];
		if (synced)
			g_assert_cmpint(dest_is_there(c->index, c->generation), ==,
					model.service[c->vip].there && d->there);
		for (unsigned int v = 0; v < VIPS; v++) {
			const struct service *svc = lookup(v);

			for (uint32_t j = 0; svc != NULL && j < svc->num_dests; j++) {
				struct dpvs_dest_conf conf = dest_conf(c->vip, c->dest);

				if (svc->dests[j].index != c->index)
					continue;
				g_assert_cmpuint(v, ==, c->vip);
				g_assert_cmpuint(svc->dests[j].generation, ==, c->generation);
				g_assert_cmpmem(&svc->dests[j].addr, 16, conf.addr.bytes, 16);
			}
		}
		if (c->has_laddr)
			g_assert_cmpuint(laddr_lcores[c->worker][c->laddr].conns, >, 0);
	}
}

/* Opens or ends a connection. */
static void
traffic(void)
{
	struct held *c = &conns[below(CONNS)];
	struct flow flow = { .client = { .ip4 = g_rand_int(rnd) } };
	const struct service *svc;
	const struct dest *dest;

	if (c->there) {
		fake_be(c->worker);
		dest_put(c->index);
		if (c->has_laddr)
			laddr_put(c->laddr);
		memset(c, 0, sizeof(*c));
		return;
	}
	c->worker = below(WORKERS);
	c->vip = below(VIPS);
	fake_be(c->worker);
	svc = lookup(c->vip);
	dest = svc == NULL ? NULL : service_schedule(svc, &flow);
	if (dest == NULL)
		return;
	g_assert_cmpuint(dest->weight, >, 0);
	for (c->dest = 0; c->dest < DESTS; c->dest++) {
		struct dpvs_dest_conf conf = dest_conf(c->vip, c->dest);

		if (memcmp(conf.addr.bytes, &dest->addr, 16) == 0 &&
		    conf.port == rte_be_to_cpu_16(dest->port))
			break;
	}
	g_assert_cmpuint(c->dest, <, DESTS);
	c->there = true;
	c->index = dest->index;
	c->generation = dest->generation;
	/* A worker that has the service has its servers: the connection is not born dead. */
	g_assert_true(dest_is_there(c->index, c->generation));
	dest_hold(c->index);
	if (svc->num_laddrs > 0) {
		c->has_laddr = true;
		c->laddr = svc->laddrs[below(svc->num_laddrs)].index;
		laddr_hold(c->laddr);
	}
}

/* Whoever has a turn while a change is prepared, undone or ended: sees what was committed last. */
static void
between(void)
{
	switch (below(8)) {
	case 0:
	case 1:
		check_listing();
		break;
	case 2:
	case 3:
		fake_deliver(below(WORKERS));
		break;
	case 4:
		traffic();
		break;
	case 5:
		fake_job("dest-reap");
		fake_job("laddr-reap");
		break;
	default:
		lists();
		break;
	}
}

static void
end_all(void)
{
	union ip_addr ip;

	for (unsigned int i = 0; i < CONNS; i++) {
		if (!conns[i].there)
			continue;
		fake_be(conns[i].worker);
		dest_put(conns[i].index);
		if (conns[i].has_laddr)
			laddr_put(conns[i].laddr);
	}
	memset(conns, 0, sizeof(conns));
	memset(&model, 0, sizeof(model));
	g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, 0);
	fake_sync();
	while (fake_job("dest-reap") == 0 || fake_job("laddr-reap") == 0)
		fake_sync();
	check_workers();
	/* Nothing is left on ports or with workers. */
	for (unsigned int v = 0; v < 2; v++) {
		for (unsigned int l = 0; l < LADDRS; l++) {
			struct dpvs_laddr_conf conf = laddr_conf(v, l);

			memcpy(&ip, conf.addr.bytes, sizeof(ip));
			g_assert_cmpint(fake_held(conf.addr.family, &ip), ==, IFADDR_NOT_HELD);
			g_assert_cmpuint(laddr_find(conf.addr.family, &ip), ==, LADDR_NONE);
		}
		for (unsigned int d = 0; d < DESTS; d++) {
			struct dpvs_dest_conf conf = dest_conf(v, d);

			memcpy(&ip, conf.addr.bytes, sizeof(ip));
			g_assert_false(service_by_reply(conf.addr.family, IPPROTO_TCP, &ip,
							rte_cpu_to_be_16(conf.port)));
		}
	}
}

static void
test_random(void)
{
	guint32 seed = g_test_rand_int();

	rnd = g_rand_new_with_seed(seed);
	g_test_message("seed %u", seed);
	/* Few slots, so that they are used again all the time; a small Maglev table, for speed. */
	fake_conf("service", "max-dests", VIPS * DESTS + CONNS);
	fake_conf("service", "mh-table-size", 251);
	fake_start(WORKERS, modules);
	for (unsigned int i = 0; i < STEPS; i++) {
		unsigned int kind = below(100);

		if (kind < 20) {
			fake_between(below(2) == 0 ? between : NULL);
			request();
			fake_between(NULL);
			check_listing();
			check_ports();
		} else if (kind < 60) {
			fake_deliver(below(WORKERS));
		} else if (kind < 80) {
			traffic();
		} else if (kind < 90) {
			lists();
		} else if (kind < 95) {
			fake_job("dest-reap");
			fake_job("laddr-reap");
		} else if (kind < 98) {
			fake_fail_after(1 + below(6));
			fake_job("dest-reap");
			fake_job("laddr-reap");
			fake_fail_after(0);
		} else {
			fake_sync();
			check_workers();
			check_held(true);
			check_listing();
		}
		check_held(false);
	}
	for (unsigned int i = 0; i < LISTS; i++) {
		if (mlists[i].req == NULL)
			continue;
		fake_get_cancel(mlists[i].req);
		mlists[i].req = NULL;
	}
	end_all();
	fake_stop();
	g_rand_free(rnd);
}

/* Good records with some bytes changed: whatever comes of them, nothing breaks and nothing is left. */
static void
test_garbage(void)
{
	static const uint32_t ids[] = {
		DPVS_SET_SERVICE_ZERO, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT, DPVS_SET_SERVICE_DEL,
		DPVS_SET_DEST_ADD,     DPVS_SET_DEST_EDIT,   DPVS_SET_DEST_DEL,	    DPVS_SET_SERVICE_GARP,
		DPVS_SET_LADDR_ADD,    DPVS_SET_LADDR_DEL,   DPVS_SET_LADDR_FLUSH,
	};
	unsigned int done = 0;
	int err;

	rnd = g_rand_new_with_seed(g_test_rand_int());
	fake_conf("service", "mh-table-size", 251);
	fake_start(WORKERS, modules);
	for (unsigned int i = 0; i < STEPS; i++) {
		uint32_t id = ids[below(G_N_ELEMENTS(ids))];
		unsigned int v = below(VIPS);
		union {
			struct dpvs_service_conf service;
			struct dpvs_dest_conf dest;
			struct dpvs_laddr_conf laddr;
			uint8_t bytes[256];
		} record = { .bytes = { 0 } };
		size_t size;
		GArray *listed;

		if (id >= DPVS_SET_DEST_ADD && id <= DPVS_SET_DEST_DEL) {
			record.dest = dest_conf(v, below(DESTS));
			record.dest.set = 3;
			size = sizeof(record.dest);
		} else if (id < DPVS_SET_SERVICE_FLUSH) {
			record.laddr = laddr_conf(v, below(LADDRS));
			size = sizeof(record.laddr);
		} else {
			struct dpvs_service_key key = vip_key(v);

			record.service = rec_service(vip_text(v), key.port, key.proto, lbmodel_scheds[below(5)]);
			size = sizeof(record.service);
		}
		for (unsigned int n = below(4); n > 0; n--)
			record.bytes[below((unsigned int)size)] =
				below(2) != 0 ? (uint8_t)below(256) : (uint8_t)(1u << below(8));
		done += fake_set(id, &record, 1) == 0;
		listed = fake_get(below(2) != 0 ? DPVS_GET_SERVICE : DPVS_GET_DESTS, &record, &err);
		g_clear_pointer(&listed, g_array_unref);
		if (below(10) == 0)
			fake_sync();
	}
	g_assert_cmpuint(done, >, STEPS / 10);
	end_all();
	fake_stop();
	g_rand_free(rnd);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/service/random/against a model", test_random);
	g_test_add_func("/service/random/garbage", test_garbage);
	return g_test_run();
}
