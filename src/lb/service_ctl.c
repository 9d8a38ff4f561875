/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about virtual services, and the SETs that change it: add, edit, del, flush; and
 * the SET that announces a virtual address. Errors and their
 * order are those of LVS. Handlers change the truth at once and leave notes that take it back; what workers
 * get of it is built before the commit (lb_build.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/change.h"
#include "lb/sched.h"
#include "lb/slots.h"
#include "lb/truth.h"
#include "net/ifaddr.h"

/* A day: longer than any client keeps a silent connection; below what a timer wheel holds. */
#define CONN_TIMEOUT_MAX_S 86400u

/** struct vs_before: what an edit changed. */
struct vs_before {
	struct vs *vs; /**< counted */
	const struct sched_ops *sched;
	uint32_t sched_flags;
	uint32_t conn_timeout_s;
};

/** struct vs_place: where a deleted service was in the list. */
struct vs_place {
	struct vs *vs;   /**< with the table's count */
	struct vs *prev; /**< NULL: it was first */
};

static GHashTable *table; /* struct vs, keyed by its first member */
static struct vs_list list = TAILQ_HEAD_INITIALIZER(list);
static struct slots slots;

int
vs_table_init(uint32_t max)
{
	table = g_hash_table_new(addr_key_hash, addr_key_equal);
	slots_init(&slots, max);
	return 0;
}

static void
vs_free(struct vs *vs)
{
	slots_put(&slots, vs->index);
	free(vs);
}

struct vs *
vs_ref(struct vs *vs)
{
	vs->refs++;
	return vs;
}

void
vs_unref(void *arg)
{
	struct vs *vs = arg;

	if (--vs->refs == 0)
		vs_free(vs);
}

void
vs_table_fini(void)
{
	struct vs *vs;

	while ((vs = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, vs, link);
		build_discard(vs);
		laddr_discard(vs);
		vs_unref(vs);
	}
	g_clear_pointer(&table, g_hash_table_destroy);
	slots_fini(&slots);
}

const struct vs_list *
vs_all(void)
{
	return &list;
}

uint32_t
vs_count(void)
{
	return g_hash_table_size(table);
}

struct vs *
vs_find(const struct addr_key *key)
{
	return g_hash_table_lookup(table, key);
}

int
vs_key(struct change *c, const struct dpvs_service_key *wire, struct addr_key *ret_key)
{
	struct addr_key key = { .port = htons(wire->port), .proto = wire->proto };

	if (wire->fwmark != 0)
		return change_error(c, -EOPNOTSUPP, "services of a firewall mark are not supported by this build");
	if (addr_from_wire(&wire->vip, &key.af, &key.addr) < 0 || wire->pad != 0)
		return change_error(c, -EINVAL, "the virtual address is malformed");
	if (!addr_is_usable(key.af, &key.addr))
		return change_error(c, -EINVAL, "the virtual address is one that no packet may have: "
				    "unspecified, loopback, link-local, multicast or broadcast");
	if (wire->proto == IPPROTO_SCTP || wire->proto == IPPROTO_ICMP || wire->proto == IPPROTO_ICMPV6)
		return change_error(c, -EOPNOTSUPP,
				    "services of protocol %u are not supported by this build; use TCP or UDP",
				    wire->proto);
	if (wire->proto != IPPROTO_TCP && wire->proto != IPPROTO_UDP)
		return change_error(c, -EINVAL, "protocol %u is neither TCP nor UDP", wire->proto);
	if (wire->port == 0)
		return change_error(c, -EOPNOTSUPP,
				    "services of all ports (port 0) are not supported by this build");
	*ret_key = key;
	return 0;
}

int
vs_require(struct change *c, const struct dpvs_service_key *wire, struct vs **ret_vs)
{
	char text[KEY_TEXT_SIZE];
	struct addr_key key;
	struct vs *vs;
	int err = vs_key(c, wire, &key);

	if (err != 0)
		return err;
	vs = vs_find(&key);
	if (vs == NULL)
		return change_error(c, -ESRCH, "there is no service %s", key_text(&key, text));
	*ret_vs = vs;
	return 0;
}

/* The members of a record that have no place in this build, and bits nobody knows. */
static int
check_conf(struct change *c, const struct dpvs_service_conf *conf)
{
	const uint32_t known = DPVS_SERVICE_SET_SCHED | DPVS_SERVICE_SET_FLAGS | DPVS_SERVICE_SET_SCHED_FLAGS |
			       DPVS_SERVICE_SET_PERSIST | DPVS_SERVICE_SET_CONN_TIMEOUT;

	if ((conf->set & ~known) != 0 || conf->pad != 0)
		return change_error(c, -EINVAL, "the request sets members of a service that are not known here");
	if (memchr(conf->sched, 0, sizeof(conf->sched)) == NULL)
		return change_error(c, -EINVAL, "the scheduler's name is too long");
	if (conf->persist_s != 0 || conf->persist_plen != 0)
		return change_error(c, -EOPNOTSUPP, "persistence is not supported by this build");
	if (conf->flags != 0)
		return change_error(c, -EOPNOTSUPP, "flags 0x%x of a service are not supported by this build",
				    conf->flags);
	if (conf->conn_timeout_s > CONN_TIMEOUT_MAX_S)
		return change_error(c, -EINVAL, "a connection time-out is at most %u seconds, not %u",
				    CONN_TIMEOUT_MAX_S, conf->conn_timeout_s);
	return 0;
}

/* Changes what the record gives; @vs is in no table yet, or a note keeps what it was. */
static int
apply_conf(struct change *c, struct vs *vs, const struct dpvs_service_conf *conf, uint32_t set)
{
	const struct sched_ops *sched = vs->sched;
	uint32_t flags = vs->sched_flags;

	if ((set & DPVS_SERVICE_SET_SCHED) != 0) {
		sched = sched_by_name(conf->sched);
		if (sched == NULL)
			return change_error(c, -ENOENT,
					    "there is no scheduler \"%.16s\"; there are rr, wrr, lc, wlc, mh",
					    conf->sched);
		flags &= sched->flags; /* mh-port means nothing to rr */
	}
	if ((set & DPVS_SERVICE_SET_SCHED_FLAGS) != 0)
		flags = conf->sched_flags;
	if ((flags & ~sched->flags) != 0)
		return change_error(c, -EINVAL, "scheduler %s does not take flags 0x%x", sched->name,
				    flags & ~sched->flags);
	vs->sched = sched;
	vs->sched_flags = flags;
	if ((set & DPVS_SERVICE_SET_CONN_TIMEOUT) != 0)
		vs->conn_timeout_s = conf->conn_timeout_s;
	return 0;
}

static void
link_vs(struct vs *vs, struct vs *prev, bool last)
{
	g_hash_table_insert(table, vs, vs);
	vs->listed = true;
	if (last)
		TAILQ_INSERT_TAIL(&list, vs, link);
	else if (prev == NULL)
		TAILQ_INSERT_HEAD(&list, vs, link);
	else
		TAILQ_INSERT_AFTER(&list, prev, vs, link);
}

static void
unlink_vs(struct vs *vs)
{
	g_hash_table_remove(table, vs);
	vs->listed = false;
	TAILQ_REMOVE(&list, vs, link);
}

static void
add_undo(void *arg)
{
	unlink_vs(arg);
	vs_unref(arg);
}

int
service_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_service_conf *conf = record;
	char text[KEY_TEXT_SIZE];
	uint32_t set = conf->set;
	struct addr_key key;
	struct vs *vs;
	int err;

	err = vs_key(c, &conf->key, &key);
	if (err == 0)
		err = check_conf(c, conf);
	if (err != 0)
		return err;
	if (vs_find(&key) != NULL)
		return change_error(c, -EEXIST, "service %s is there already", key_text(&key, text));

	vs = calloc(1, sizeof(*vs));
	if (vs == NULL)
		return -ENOMEM;
	vs->key = key;
	vs->sched = &sched_wlc;
	TAILQ_INIT(&vs->dests);
	TAILQ_INIT(&vs->laddrs);
	/* An add takes what is given, with or without its bit, and the default for the rest. */
	set = DPVS_SERVICE_SET_SCHED_FLAGS | DPVS_SERVICE_SET_CONN_TIMEOUT;
	if (conf->sched[0] != '\0')
		set |= DPVS_SERVICE_SET_SCHED;
	err = apply_conf(c, vs, conf, set);
	if (err == 0) {
		err = slots_get(&slots, &vs->index);
		if (err != 0)
			change_error(c, err, "no room for another service; raise max-services in section "
					     "[service]");
	}
	if (err != 0) {
		free(vs);
		return err;
	}
	vs->refs = 1;
	link_vs(vs, NULL, true);
	change_undo(c, add_undo, vs);
	build_service(c, vs);
	return 0;
}

static void
before_done(void *arg)
{
	struct vs_before *before = arg;

	vs_unref(before->vs);
	g_free(before);
}

static void
edit_undo(void *arg)
{
	struct vs_before *before = arg;

	before->vs->sched = before->sched;
	before->vs->sched_flags = before->sched_flags;
	before->vs->conn_timeout_s = before->conn_timeout_s;
	before_done(before);
}

int
service_ctl_edit(struct change *c, const void *record)
{
	const struct dpvs_service_conf *conf = record;
	struct vs_before *before;
	struct vs *vs;
	int err;

	err = vs_require(c, &conf->key, &vs);
	if (err == 0)
		err = check_conf(c, conf);
	if (err != 0)
		return err;
	before = g_new0(struct vs_before, 1);
	*before = (struct vs_before){
		.vs = vs_ref(vs),
		.sched = vs->sched,
		.sched_flags = vs->sched_flags,
		.conn_timeout_s = vs->conn_timeout_s,
	};
	change_undo(c, edit_undo, before);
	change_done(c, before_done, before);
	err = apply_conf(c, vs, conf, conf->set);
	if (err == 0 && (vs->sched != before->sched || vs->sched_flags != before->sched_flags ||
			 vs->conn_timeout_s != before->conn_timeout_s))
		build_service(c, vs);
	return err;
}

static void
place_done(void *arg)
{
	struct vs_place *place = arg;

	vs_unref(place->vs);
	g_free(place);
}

static void
del_undo(void *arg)
{
	struct vs_place *place = arg;

	link_vs(place->vs, place->prev, false);
	g_free(place);
}

static void
del(struct change *c, struct vs *vs)
{
	struct vs_place *place = g_new0(struct vs_place, 1);

	dest_unlink_all(c, vs);
	laddr_unlink_all(c, vs);
	place->vs = vs;
	place->prev = TAILQ_PREV(vs, vs_list, link);
	unlink_vs(vs);
	change_undo(c, del_undo, place);
	change_done(c, place_done, place);
	build_service(c, vs);
}

int
service_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_service_conf *conf = record;
	struct vs *vs = NULL;
	int err = vs_require(c, &conf->key, &vs);

	if (err != 0)
		return err;
	del(c, vs);
	return 0;
}

int
service_ctl_flush(struct change *c, const void *record)
{
	struct vs *vs;

	(void)record;
	while ((vs = TAILQ_FIRST(&list)) != NULL)
		del(c, vs);
	return 0;
}

static void
announce(void *arg)
{
	struct vs *vs = arg;

	ifaddr_announce(vs->key.af, &vs->key.addr); /* the address may have gone meanwhile: then there is none */
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
	change_done(c, announce, vs);
	return 0;
}
