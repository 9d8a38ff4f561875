/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SETs that change virtual services: add, edit, del, flush, and what a sync leaves; and the SET that announces a
 * virtual address. Errors and their order are those of LVS. The services themselves are in service_table.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lb/sched.h"
#include "lb/truth.h"
#include "net/ifaddr.h"

/* A day: longer than any client keeps a silent connection; below what a timer wheel holds. */
#define CONN_TIMEOUT_MAX_S 86400u

/* The service that a record names. */

int
vs_of_key(const struct dpvs_service_key *wire, struct vs **ret_vs)
{
	struct addr_key key = { .port = htons(wire->port), .proto = wire->proto };
	struct vs *vs;

	if (addr_from_wire(&wire->vip, &key.af, &key.addr) < 0 || wire->pad != 0)
		return -EINVAL;
	vs = wire->fwmark == 0 ? vs_lookup(&key) : NULL;
	if (vs == NULL || vs_view(vs) == NULL)
		return -ESRCH;
	*ret_vs = vs;
	return 0;
}

static int
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

/* Add and edit. */

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

/* What the record gives, into @conf, which holds what was. */
static int
apply_conf(struct change *c, struct vs_conf *conf, const struct dpvs_service_conf *wire, uint32_t set)
{
	const struct sched_ops *sched = conf->sched;
	uint32_t flags = conf->sched_flags;

	if ((set & DPVS_SERVICE_SET_SCHED) != 0) {
		sched = sched_by_name(wire->sched);
		if (sched == NULL)
			return change_error(c, -ENOENT,
					    "there is no scheduler \"%.16s\"; there are rr, wrr, lc, wlc, mh",
					    wire->sched);
		flags &= sched->flags; /* mh-port means nothing to rr */
	}
	if ((set & DPVS_SERVICE_SET_SCHED_FLAGS) != 0)
		flags = wire->sched_flags;
	if ((flags & ~sched->flags) != 0)
		return change_error(c, -EINVAL, "scheduler %s does not take flags 0x%x", sched->name,
				    flags & ~sched->flags);
	conf->sched = sched;
	conf->sched_flags = flags;
	if ((set & DPVS_SERVICE_SET_CONN_TIMEOUT) != 0)
		conf->conn_timeout_s = wire->conn_timeout_s;
	return 0;
}

/* An add of a service that is there. */
static int
add_present(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	char text[KEY_TEXT_SIZE];

	if (!vs_conf_equal(&vs->conf, conf) && (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "service %s is there already, and differs",
				    key_text(&vs->key, text));
	vs->named = change_serial(c);
	vs_edit(c, vs, conf);
	return 0;
}

int
service_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_service_conf *wire = record;
	struct vs_conf conf = { .sched = &sched_wlc };
	char text[KEY_TEXT_SIZE];
	uint32_t set;
	struct addr_key key;
	struct vs *vs;
	int err;

	err = vs_key(c, &wire->key, &key);
	if (err == 0)
		err = check_conf(c, wire);
	if (err != 0)
		return err;
	vs = vs_lookup(&key);
	if (vs != NULL && vs->listed && (change_mode(c) & CHANGE_UNCHANGED) == 0)
		return change_error(c, -EEXIST, "service %s is there already", key_text(&key, text));
	/* An add takes what is given, with or without its bit, and the default for the rest. */
	set = DPVS_SERVICE_SET_SCHED_FLAGS | DPVS_SERVICE_SET_CONN_TIMEOUT;
	if (wire->sched[0] != '\0')
		set |= DPVS_SERVICE_SET_SCHED;
	err = apply_conf(c, &conf, wire, set);
	if (err != 0)
		return err;
	if (vs != NULL && vs->listed)
		return add_present(c, vs, &conf);
	if (vs != NULL && vs->removed == change_serial(c)) {
		vs_relist(c, vs, &conf);
		return 0;
	}
	/* Removed by a change that not all workers have confirmed: nobody sees it, and its place in the list is old. */
	if (vs != NULL)
		vs_hide_key(vs);
	return vs_new(c, &key, &conf);
}

int
service_ctl_edit(struct change *c, const void *record)
{
	const struct dpvs_service_conf *wire = record;
	struct vs_conf conf;
	struct vs *vs;
	int err;

	err = vs_require(c, &wire->key, &vs);
	if (err == 0)
		err = check_conf(c, wire);
	if (err != 0)
		return err;
	conf = vs->conf;
	err = apply_conf(c, &conf, wire, wire->set);
	if (err == 0)
		vs_edit(c, vs, &conf);
	return err;
}

/* Removal. */

int
service_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_service_conf *wire = record;
	struct vs *vs = NULL;
	int err = vs_require(c, &wire->key, &vs);

	return err == 0 ? vs_del(c, vs) : err;
}

/* Of a service that stays, what was not named goes. */
static int
keep_named(struct change *c, struct vs *vs)
{
	int err;

	if (vs->named != change_serial(c))
		return vs_del(c, vs);
	err = laddr_unlink_all(c, vs, change_serial(c));
	return err == 0 ? dest_unlink_all(c, vs, change_serial(c)) : err;
}

int
service_ctl_flush(struct change *c, const void *record)
{
	(void)record;
	return vs_each(c, vs_del);
}

int
service_sync(struct change *c)
{
	return vs_each(c, keep_named);
}

/* Announcement. */

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
	if (ifaddr_port_of(c, vs->key.af, &vs->key.addr) < 0)
		return change_error(c, -EADDRNOTAVAIL, "no port has the address of %s; add it with dpip addr add",
				    key_text(&vs->key, text));
	change_undo(c, vs_unref, vs_ref(vs));
	change_done(c, announce, vs);
	return 0;
}
