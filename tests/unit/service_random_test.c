/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random requests about services, servers and local addresses, applied by workers in random order, against
 * a model that is nothing but arrays. After each request the listing equals the model (so a refused one
 * changed nothing); when all workers have applied all, each of them sees what the model says; a connection
 * that is held always finds its server there or gone as it should, never another one in its slot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "fake_core.h"
#include "lb/laddr.h"
#include "lb/sched.h"
#include "lb/service.h"
#include "lb_records.h"
#include "module.h"

#define WORKERS 3
#define VIPS 6
#define DESTS 6 /* addresses and ports that servers may have, for each VIP */
#define LADDRS 3
#define CONNS 40
#define STEPS 20000

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };
static const char *const scheds[] = { "rr", "wrr", "lc", "wlc", "mh" };

/** struct mdest, mservice, model: what is configured. Lists are in order, as indices. */
struct mdest {
	bool there;
	uint8_t fwd;
	uint32_t weight;
};

struct mservice {
	bool there;
	unsigned int sched;
	uint32_t sched_flags;
	uint32_t timeout;
	struct mdest dest[DESTS];
	unsigned int dests[DESTS];
	unsigned int num_dests;
	unsigned int laddrs[LADDRS];
	unsigned int num_laddrs;
};

struct model {
	struct mservice service[VIPS];
	unsigned int services[VIPS];
	unsigned int num_services;
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

static struct model model;
static struct held conns[CONNS];
static GRand *rnd;
static bool full_ring; /* this request is refused at the end, if it is not before */

static unsigned int
below(unsigned int n)
{
	return (unsigned int)g_rand_int_range(rnd, 0, (gint32)n);
}

static const char *
vip_text(unsigned int v)
{
	return v % 2 != 0 ? "2001:db8:1::100" : "192.0.2.100";
}

static struct dpvs_service_key
vip_key(unsigned int v)
{
	return rec_key(vip_text(v), (uint16_t)(80 + v / 4), v / 2 % 2 != 0 ? IPPROTO_UDP : IPPROTO_TCP);
}

static struct dpvs_dest_conf
dest_conf(unsigned int v, unsigned int d)
{
	struct dpvs_service_key key = vip_key(v);
	/* Ports differ from the service's, but for one in three. */
	struct dpvs_dest_conf conf = rec_dest(&key, v % 2 != 0 ? "2001:db8:2::10" : "198.51.100.10",
					      d % 3 == 0 ? key.port : (uint16_t)(8000 + d), 0, 0);

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(10 + d / 3);
	return conf;
}

static struct dpvs_laddr_conf
laddr_conf(unsigned int v, unsigned int l)
{
	struct dpvs_service_key key = vip_key(v);
	struct dpvs_laddr_conf conf =
		rec_laddr(&key, v % 2 != 0 ? "2001:db8:2::201" : "198.51.100.201", l == 0 ? "lan1" : "lan0");

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(1 + l);
	return conf;
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

/* The model's side of each request: what it changes, and its answer. */

static int
model_service(struct model *m, uint32_t id, unsigned int v, const struct dpvs_service_conf *conf)
{
	struct mservice *s = &m->service[v];
	uint32_t set = id == DPVS_SET_SERVICE_ADD ? UINT32_MAX : conf->set;
	unsigned int sched;
	uint32_t flags;

	if (id == DPVS_SET_SERVICE_ADD && s->there)
		return -EEXIST;
	if (id != DPVS_SET_SERVICE_ADD && !s->there)
		return -ESRCH;
	if (id == DPVS_SET_SERVICE_DEL) {
		memset(s, 0, sizeof(*s));
		list_remove(m->services, &m->num_services, v);
		return 0;
	}
	sched = s->sched;
	flags = s->sched_flags;
	if ((set & DPVS_SERVICE_SET_SCHED) != 0) {
		for (sched = 0; sched < G_N_ELEMENTS(scheds); sched++) {
			if (strcmp(scheds[sched], conf->sched) == 0)
				break;
		}
		if (sched == G_N_ELEMENTS(scheds))
			return -ENOENT;
		if (sched != 4)
			flags = 0;
	}
	if ((set & DPVS_SERVICE_SET_SCHED_FLAGS) != 0)
		flags = conf->sched_flags;
	if (flags != 0 && sched != 4)
		return -EINVAL;
	if (id == DPVS_SET_SERVICE_ADD) {
		memset(s, 0, sizeof(*s));
		s->there = true;
		m->services[m->num_services++] = v;
	}
	s->sched = sched;
	s->sched_flags = flags;
	if ((set & DPVS_SERVICE_SET_CONN_TIMEOUT) != 0)
		s->timeout = conf->conn_timeout_s;
	return 0;
}

static int
model_dest(struct model *m, uint32_t id, unsigned int v, unsigned int d, const struct dpvs_dest_conf *conf)
{
	struct mservice *s = &m->service[v];
	struct mdest new = s->dest[d];

	if (!s->there)
		return -ESRCH;
	if (id == DPVS_SET_DEST_ADD && s->dest[d].there)
		return -EEXIST;
	if (id != DPVS_SET_DEST_ADD && !s->dest[d].there)
		return -ENOENT;
	if (id == DPVS_SET_DEST_DEL) {
		s->dest[d].there = false;
		list_remove(s->dests, &s->num_dests, d);
		return 0;
	}
	new.there = true;
	if (id == DPVS_SET_DEST_ADD || (conf->set & DPVS_DEST_SET_FWD) != 0)
		new.fwd = conf->fwd;
	if (id == DPVS_SET_DEST_ADD || (conf->set & DPVS_DEST_SET_WEIGHT) != 0)
		new.weight = conf->weight;
	if (new.fwd == DPVS_FWD_TUNNEL || (new.fwd == DPVS_FWD_DR && d % 3 != 0))
		return -EOPNOTSUPP;
	if (new.weight > 65535)
		return -EINVAL;
	s->dest[d] = new;
	if (id == DPVS_SET_DEST_ADD)
		s->dests[s->num_dests++] = d;
	return 0;
}

static int
model_laddr(struct model *m, uint32_t id, unsigned int v, unsigned int l)
{
	struct mservice *s = &m->service[v];

	if (!s->there)
		return -ESRCH;
	if (id == DPVS_SET_LADDR_FLUSH) {
		s->num_laddrs = 0;
		return 0;
	}
	if (id == DPVS_SET_LADDR_ADD) {
		if (list_has(s->laddrs, s->num_laddrs, l))
			return -EEXIST;
		s->laddrs[s->num_laddrs++] = l;
		return 0;
	}
	if (!list_has(s->laddrs, s->num_laddrs, l))
		return -ENOENT;
	list_remove(s->laddrs, &s->num_laddrs, l);
	return 0;
}

/* Requests of one to four records. */

static int
expect(int err)
{
	return err == 0 && full_ring ? -ENOBUFS : err;
}

static void
request_service(void)
{
	static const uint32_t ids[] = { DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT,
					DPVS_SET_SERVICE_EDIT, DPVS_SET_SERVICE_DEL };
	uint32_t id = ids[below(G_N_ELEMENTS(ids))];
	struct dpvs_service_conf confs[4];
	struct model next = model;
	uint32_t n = 1 + below(4);
	int err = 0;

	for (uint32_t i = 0; i < n; i++) {
		unsigned int v = below(VIPS);
		struct dpvs_service_key key = vip_key(v);

		confs[i] = rec_service(vip_text(v), key.port, key.proto, scheds[below(5)]);
		if (below(20) == 0)
			strcpy(confs[i].sched, "sed");
		confs[i].set = below(8);
		confs[i].set = (confs[i].set & 1) | (confs[i].set & 2) << 1 | (confs[i].set & 4) << 2;
		confs[i].sched_flags = strcmp(confs[i].sched, "mh") == 0 || below(10) == 0 ? below(4) : 0;
		confs[i].conn_timeout_s = below(100);
		if (err == 0)
			err = model_service(&next, id, v, &confs[i]);
	}
	g_assert_cmpint(fake_set(id, confs, n), ==, expect(err));
	if (err == 0)
		model = next;
}

static void
request_dest(void)
{
	static const uint32_t ids[] = { DPVS_SET_DEST_ADD, DPVS_SET_DEST_ADD, DPVS_SET_DEST_EDIT,
					DPVS_SET_DEST_DEL };
	static const uint8_t fwds[] = { DPVS_FWD_NAT, DPVS_FWD_FULLNAT, DPVS_FWD_DR };
	uint32_t id = ids[below(G_N_ELEMENTS(ids))];
	struct dpvs_dest_conf confs[4];
	struct model next = model;
	uint32_t n = 1 + below(4);
	int err = 0;

	for (uint32_t i = 0; i < n; i++) {
		unsigned int v = below(VIPS);
		unsigned int d = below(DESTS);

		confs[i] = dest_conf(v, d);
		confs[i].fwd = d % 3 == 0 || below(10) == 0 ? fwds[below(3)] : fwds[below(2)];
		if (below(30) == 0)
			confs[i].fwd = DPVS_FWD_TUNNEL;
		confs[i].weight = below(4) == 0 ? 0 : below(30) == 0 ? 70000 : 1 + below(10);
		confs[i].set = id == DPVS_SET_DEST_ADD ? 3 : below(4);
		if (err == 0)
			err = model_dest(&next, id, v, d, &confs[i]);
	}
	g_assert_cmpint(fake_set(id, confs, n), ==, expect(err));
	if (err == 0)
		model = next;
}

static void
request_laddr(void)
{
	static const uint32_t ids[] = { DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_ADD, DPVS_SET_LADDR_DEL };
	uint32_t id = ids[below(G_N_ELEMENTS(ids))];
	struct dpvs_laddr_conf confs[4];
	struct model next = model;
	uint32_t n = 1 + below(4);
	int err = 0;

	if (below(10) == 0) {
		unsigned int v = below(VIPS);
		struct dpvs_service_key key = vip_key(v);

		err = model_laddr(&next, DPVS_SET_LADDR_FLUSH, v, 0);
		g_assert_cmpint(fake_set(DPVS_SET_LADDR_FLUSH, &key, 1), ==, expect(err));
		if (err == 0)
			model = next;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		unsigned int v = below(VIPS);
		unsigned int l = below(LADDRS);

		confs[i] = laddr_conf(v, l);
		if (err == 0)
			err = model_laddr(&next, id, v, l);
	}
	g_assert_cmpint(fake_set(id, confs, n), ==, expect(err));
	if (err == 0)
		model = next;
}

static void
request(void)
{
	unsigned int kind = below(100);

	if (kind == 0) {
		memset(&model, 0, sizeof(model));
		g_assert_cmpint(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0), ==, expect(0));
	} else if (kind < 30) {
		request_service();
	} else if (kind < 80) {
		request_dest();
	} else {
		request_laddr();
	}
}

/* Checks. */

static void
check_listing(void)
{
	int err;
	g_autoptr(GArray) services = fake_get(DPVS_GET_SERVICES, NULL, &err);
	g_autoptr(GArray) dests = fake_get(DPVS_GET_DESTS, NULL, &err);
	g_autoptr(GArray) laddrs = fake_get(DPVS_GET_LADDRS, NULL, &err);
	unsigned int d = 0;
	unsigned int l = 0;

	g_assert_cmpuint(services->len, ==, model.num_services);
	for (unsigned int i = 0; i < model.num_services; i++) {
		unsigned int v = model.services[i];
		const struct mservice *s = &model.service[v];
		const struct dpvs_service_info *info =
			&g_array_index(services, struct dpvs_service_info, i);
		struct dpvs_service_key key = vip_key(v);

		g_assert_cmpmem(&info->conf.key, sizeof(key), &key, sizeof(key));
		g_assert_cmpstr(info->conf.sched, ==, scheds[s->sched]);
		g_assert_cmpuint(info->conf.sched_flags, ==, s->sched_flags);
		g_assert_cmpuint(info->conf.conn_timeout_s, ==, s->timeout);
		g_assert_cmpuint(info->num_dests, ==, s->num_dests);
		g_assert_cmpuint(info->num_laddrs, ==, s->num_laddrs);
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
			g_assert_true(svc->sched == sched_by_name(scheds[s->sched]));
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
			g_assert_cmpuint(fake_held(conf.addr.family, &ip), ==, 0);
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
			bool full = below(10) == 0;
			struct model before = model;

			fake_fail_commits(full);
			full_ring = full;
			request();
			full_ring = false;
			fake_fail_commits(0);
			if (full)
				model = before;
			check_listing();
		} else if (kind < 60) {
			fake_deliver(below(WORKERS));
		} else if (kind < 90) {
			traffic();
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

			record.service = rec_service(vip_text(v), key.port, key.proto, scheds[below(5)]);
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
