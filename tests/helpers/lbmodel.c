/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual services of a world in which many meet: see lbmodel.h. */
#include "lbmodel.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "core/change.h"
#include "lb_records.h"

const char *const lbmodel_scheds[SCHEDS] = { "rr", "wrr", "lc", "wlc", "mh" };

const char *
vip_text(unsigned int v)
{
	return v % 2 != 0 ? "2001:db8:1::100" : "192.0.2.100";
}

struct dpvs_service_key
vip_key(unsigned int v)
{
	return rec_key(vip_text(v), (uint16_t)(80 + v / 4), v / 2 % 2 != 0 ? IPPROTO_UDP : IPPROTO_TCP);
}

struct dpvs_dest_conf
dest_conf(unsigned int v, unsigned int d)
{
	struct dpvs_service_key key = vip_key(v);
	/* Ports differ from the service's, but for one in three. */
	struct dpvs_dest_conf conf = rec_dest(&key, v % 2 != 0 ? "2001:db8:2::10" : "198.51.100.10",
					      d % 3 == 0 ? key.port : (uint16_t)(8000 + d), 0, 0);

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(10 + d / 3);
	return conf;
}

struct dpvs_laddr_conf
laddr_conf(unsigned int v, unsigned int l)
{
	struct dpvs_service_key key = vip_key(v);
	struct dpvs_laddr_conf conf =
		rec_laddr(&key, v % 2 != 0 ? "2001:db8:2::c9" : "198.51.100.201", lbmodel_ports[l == 0]);

	conf.addr.bytes[v % 2 != 0 ? 15 : 3] = (uint8_t)(LBMODEL_LADDR + l);
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

bool
list_has(const unsigned int *list, unsigned int count, unsigned int value)
{
	for (unsigned int i = 0; i < count; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

static void
laddrs_gone(struct lbmodel *m, unsigned int v)
{
	struct mservice *s = &m->service[v];

	for (unsigned int i = 0; i < s->num_laddrs; i++)
		m->laddr_lives[v][s->laddrs[i]]++;
	s->num_laddrs = 0;
}

/* The model's side of each request: what it changes, and its answer. */

int
lbmodel_service(struct lbmodel *m, uint32_t id, unsigned int v, const struct dpvs_service_conf *conf)
{
	struct mservice *s = &m->service[v];
	bool add = id == DPVS_SET_SERVICE_ADD;
	uint32_t set = add ? UINT32_MAX : conf != NULL ? conf->set : 0;
	uint32_t timeout = s->timeout;
	unsigned int sched = s->sched;
	uint32_t flags = s->sched_flags;
	bool equal;

	if (add && s->there && m->mode == 0)
		return -EEXIST;
	if (!add && !s->there)
		return -ESRCH;
	if (id == DPVS_SET_SERVICE_DEL) {
		s->there = false;
		laddrs_gone(m, v);
		for (unsigned int d = 0; d < DESTS; d++)
			s->dest[d].there = false;
		m->changed = true;
		return 0;
	}
	if ((set & DPVS_SERVICE_SET_SCHED) != 0) {
		for (sched = 0; sched < G_N_ELEMENTS(lbmodel_scheds); sched++) {
			if (strcmp(lbmodel_scheds[sched], conf->sched) == 0)
				break;
		}
		if (sched == G_N_ELEMENTS(lbmodel_scheds))
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
	equal = s->there && sched == s->sched && flags == s->sched_flags && timeout == s->timeout;
	if (add && s->there && !equal && (m->mode & CHANGE_REPLACE) == 0)
		return -EEXIST;
	if (add && !s->there && !list_has(m->services, m->num_services, v))
		m->services[m->num_services++] = v;
	s->there = true;
	s->named |= add;
	s->sched = sched;
	s->sched_flags = flags;
	s->timeout = timeout;
	m->changed |= !equal;
	return 0;
}

int
lbmodel_dest(struct lbmodel *m, uint32_t id, unsigned int v, unsigned int d, const struct dpvs_dest_conf *conf)
{
	struct mservice *s = &m->service[v];
	struct mdest new = s->dest[d];
	bool add = id == DPVS_SET_DEST_ADD;
	bool equal;

	if (!s->there)
		return -ESRCH;
	if (add && s->dest[d].there && m->mode == 0)
		return -EEXIST;
	if (!add && !s->dest[d].there)
		return -ENOENT;
	if (id == DPVS_SET_DEST_DEL) {
		s->dest[d].there = false;
		m->changed = true;
		return 0;
	}
	new.there = true;
	new.named |= add;
	if (add || (conf->set & DPVS_DEST_SET_FWD) != 0)
		new.fwd = conf->fwd;
	if (add || (conf->set & DPVS_DEST_SET_WEIGHT) != 0)
		new.weight = conf->weight;
	if (new.fwd == DPVS_FWD_TUNNEL || (new.fwd == DPVS_FWD_DR && d % 3 != 0))
		return -EOPNOTSUPP;
	if (new.weight > 65535)
		return -EINVAL;
	equal = s->dest[d].there && new.fwd == s->dest[d].fwd && new.weight == s->dest[d].weight;
	if (add && s->dest[d].there && !equal && (m->mode & CHANGE_REPLACE) == 0)
		return -EEXIST;
	s->dest[d] = new;
	if (!list_has(s->dests, s->num_dests, d))
		s->dests[s->num_dests++] = d;
	m->changed |= !equal;
	return 0;
}

int
lbmodel_laddr(struct lbmodel *m, uint32_t id, unsigned int v, unsigned int l)
{
	struct mservice *s = &m->service[v];
	bool there = list_has(s->laddrs, s->num_laddrs, l);

	if (!s->there)
		return -ESRCH;
	if (id == DPVS_SET_LADDR_FLUSH) {
		m->changed |= s->num_laddrs > 0;
		laddrs_gone(m, v);
		return 0;
	}
	if (id == DPVS_SET_LADDR_ADD) {
		if (there && m->mode == 0)
			return -EEXIST;
		if (!there)
			s->laddrs[s->num_laddrs++] = l;
		s->laddr_named[l] = true;
		m->changed |= !there;
		return 0;
	}
	if (!there)
		return -ENOENT;
	list_remove(s->laddrs, &s->num_laddrs, l);
	m->laddr_lives[v][l]++;
	m->changed = true;
	return 0;
}

void
lbmodel_flush(struct lbmodel *m)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		if (m->service[v].there)
			lbmodel_service(m, DPVS_SET_SERVICE_DEL, v, NULL);
	}
}

void
lbmodel_begin(struct lbmodel *m, unsigned int mode)
{
	m->mode = mode;
	m->changed = false;
	for (unsigned int v = 0; v < VIPS; v++) {
		struct mservice *s = &m->service[v];

		s->named = false;
		memset(s->laddr_named, 0, sizeof(s->laddr_named));
		for (unsigned int d = 0; d < DESTS; d++)
			s->dest[d].named = false;
	}
}

/* What a sync removes. */
void
lbmodel_sync(struct lbmodel *m)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		struct mservice *s = &m->service[v];

		if (s->there && !s->named)
			lbmodel_service(m, DPVS_SET_SERVICE_DEL, v, NULL);
		for (unsigned int d = 0; s->there && d < DESTS; d++) {
			if (s->dest[d].there && !s->dest[d].named)
				lbmodel_dest(m, DPVS_SET_DEST_DEL, v, d, NULL);
		}
		for (unsigned int l = 0; s->there && l < LADDRS; l++) {
			if (list_has(s->laddrs, s->num_laddrs, l) && !s->laddr_named[l])
				lbmodel_laddr(m, DPVS_SET_LADDR_DEL, v, l);
		}
	}
}

/* What is gone loses its place. */
void
lbmodel_end(struct lbmodel *m)
{
	for (unsigned int v = 0; v < VIPS; v++) {
		struct mservice *s = &m->service[v];

		for (unsigned int d = 0; d < DESTS; d++) {
			if (!s->dest[d].there && list_has(s->dests, s->num_dests, d))
				list_remove(s->dests, &s->num_dests, d);
		}
		if (!s->there && list_has(m->services, m->num_services, v))
			list_remove(m->services, &m->num_services, v);
		if (!s->there)
			memset(s, 0, sizeof(*s));
	}
}
