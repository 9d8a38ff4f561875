/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about real servers, and the SETs that change it (205 to 207). Slots and what becomes of a
 * removed server: dest_slot.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/change.h"
#include "core/log.h"
#include "lb/truth.h"

#define WEIGHT_MAX 65535u

/** struct rs_before: a server as it was before a record changed it. */
struct rs_before {
	struct rs *rs;
	struct vs *vs;   /**< removals: counted, whose it was */
	struct rs *prev; /**< removals: where it was in vs->dests; NULL: first */
	uint32_t weight;
	uint32_t last_weight;
	uint8_t fwd;
	bool in_trash;
	struct dpvs_lb_stats zero;
	struct dpvs_lb_stats retired; /**< of @vs */
};

/* Servers come and go. */

/* The caller puts it into the list. */
static void
link_rs(struct rs *rs, struct vs *vs)
{
	rs->vs = vs;
	vs->num_dests++;
}

static void
unlink_rs(struct rs *rs)
{
	TAILQ_REMOVE(&rs->vs->dests, rs, link);
	rs->vs->num_dests--;
	rs->vs = NULL;
}

static struct rs_before *
note_before(struct rs *rs)
{
	struct rs_before *before = g_new0(struct rs_before, 1);

	before->rs = rs;
	before->weight = rs->weight;
	before->last_weight = rs->last_weight;
	before->fwd = rs->fwd;
	before->in_trash = rs->in_trash;
	before->zero = rs->zero;
	return before;
}

static void
restore(const struct rs_before *before)
{
	before->rs->weight = before->weight;
	before->rs->last_weight = before->last_weight;
	before->rs->fwd = before->fwd;
	before->rs->zero = before->zero;
}

static void
unlink_undo(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	rs->removals--;
	restore(before);
	before->vs->retired = before->retired;
	link_rs(rs, before->vs);
	if (before->prev == NULL)
		TAILQ_INSERT_HEAD(&before->vs->dests, rs, link);
	else
		TAILQ_INSERT_AFTER(&before->vs->dests, before->prev, rs, link);
	vs_unref(before->vs);
	g_free(before);
}

/* What @rs has counted since @rs->zero goes to the service that it was taken from. */
static void
retire(struct rs *rs, struct vs *vs)
{
	struct dpvs_lb_stats stats;

	rs_stats(rs, &stats);
	lb_stats_add(&vs->retired, &stats);
	rs_reset(rs);
}

static void
unlink_done(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	rs->removals--;
	if (rs->vs == NULL && rs->removals == 0) {
		retire(rs, before->vs); /* counted between the removal and the last worker's knowing */
		dest_trash_put(rs);
	}
	vs_unref(before->vs);
	g_free(before);
}

static void
unlink_dest(struct change *c, struct rs *rs)
{
	struct rs_before *before = note_before(rs);
	struct vs *vs = rs->vs;

	before->vs = vs_ref(vs);
	before->prev = TAILQ_PREV(rs, rs_list, link);
	before->retired = vs->retired;
	retire(rs, vs);
	unlink_rs(rs);
	rs->removals++;
	change_undo(c, unlink_undo, before);
	change_done(c, unlink_done, before);
	build_service(c, vs);
	build_dest(c, rs);
}

void
dest_unlink_all(struct change *c, struct vs *vs)
{
	struct rs *rs;

	while ((rs = TAILQ_FIRST(&vs->dests)) != NULL)
		unlink_dest(c, rs);
}

/* A record: checked here, whatever it is for. */
static int
check_conf(struct change *c, const struct dpvs_dest_conf *conf, const struct vs *vs, struct rs *ret_key)
{
	const uint32_t known =
		DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT | DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	uint8_t af;

	if ((conf->set & ~known) != 0 || conf->pad != 0)
		return change_error(c, -EINVAL, "the request sets members of a server that are not known here");
	if (addr_from_wire(&conf->addr, &af, &ret_key->addr) < 0)
		return change_error(c, -EINVAL, "the server's address is malformed");
	if (!addr_is_usable(af, &ret_key->addr))
		return change_error(c, -EINVAL, "the server's address is one that no packet may have: "
				    "unspecified, loopback, link-local, multicast or broadcast");
	if (af != vs->key.af)
		return change_error(c, -EOPNOTSUPP,
				    "servers of another address family than the virtual address are not "
				    "supported by this build");
	if (conf->port == 0)
		return change_error(c, -EINVAL, "the server's port is 0");
	ret_key->vip = vs->key;
	ret_key->port = htons(conf->port);
	return 0;
}

/* What is to be set of a server, for add and edit alike. @rs holds what was, and the new values after. */
static int
apply_conf(struct change *c, struct rs *rs, const struct dpvs_dest_conf *conf, uint32_t set)
{
	uint8_t fwd = (set & DPVS_DEST_SET_FWD) != 0 ? conf->fwd : rs->fwd;
	uint32_t weight = (set & DPVS_DEST_SET_WEIGHT) != 0 ? conf->weight : rs->weight;

	if (((set & DPVS_DEST_SET_UTHRESH) != 0 && conf->uthresh != 0) ||
	    ((set & DPVS_DEST_SET_LTHRESH) != 0 && conf->lthresh != 0))
		return change_error(c, -EOPNOTSUPP, "connection thresholds are not supported by this build");
	if (fwd == DPVS_FWD_TUNNEL || fwd == DPVS_FWD_SNAT)
		return change_error(c, -EOPNOTSUPP, "forwarding by %s is not supported by this build",
				    fwd == DPVS_FWD_TUNNEL ? "tunnel" : "SNAT");
	if (fwd != DPVS_FWD_NAT && fwd != DPVS_FWD_DR && fwd != DPVS_FWD_FULLNAT)
		return change_error(c, -EINVAL, "forwarding method %u is not known", fwd);
	if (fwd == DPVS_FWD_DR && rs->port != rs->vip.port)
		return change_error(c, -EOPNOTSUPP,
				    "direct routing does not translate ports: the server's port must be the "
				    "service's, %u", ntohs(rs->vip.port));
	if (rs->addr.u64[0] == rs->vip.addr.u64[0] && rs->addr.u64[1] == rs->vip.addr.u64[1])
		return change_error(c, -EINVAL, "the server's address is the virtual address itself");
	if (weight > WEIGHT_MAX)
		return change_error(c, -EINVAL, "a weight is at most %u, not %u", WEIGHT_MAX, weight);
	rs->fwd = fwd;
	rs->weight = weight;
	if (weight != 0)
		rs->last_weight = weight;
	return 0;
}

static void
revive_undo(void *arg)
{
	struct rs_before *before = arg;
	struct rs *rs = before->rs;

	restore(before);
	if (before->in_trash)
		dest_trash_put(rs);
	g_free(before);
}

/* A server that was removed is taken as new, but for its slot. */
static void
revive(struct change *c, struct rs *rs)
{
	struct rs_before *before = note_before(rs);

	if (rs->in_trash)
		dest_trash_take(rs);
	rs->last_weight = 0;
	rs_reset(rs);
	change_undo(c, revive_undo, before);
	change_done(c, g_free, before);
}

static void
link_undo(void *rs)
{
	unlink_rs(rs);
}

/* A full-NAT server can be added before its service has a local address; said once per service. */
static void
warn_without_laddr(const struct vs *vs, const struct rs *rs)
{
	char text[KEY_TEXT_SIZE];

	if (rs->fwd == DPVS_FWD_FULLNAT && vs->num_laddrs == 0 && vs->num_dests == 1)
		log_info("service", "%s has full-NAT servers and no local address yet: no connections until "
				    "it has one", key_text(&vs->key, text));
}

int
dest_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *conf = record;
	struct rs key = { .fwd = DPVS_FWD_DR, .weight = 1 };
	char text[KEY_TEXT_SIZE];
	uint32_t set = DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &conf->svc, &vs);
	if (err == 0)
		err = check_conf(c, conf, vs, &key);
	if (err != 0)
		return err;
	rs = dest_find(&key);
	if (rs != NULL && rs->vs != NULL)
		return change_error(c, -EEXIST, "server %s is there already",
				    addr_text(vs->key.af, &key.addr, key.port, text));

	/* An add takes what is given, with or without its bit, and the default for the rest. */
	if (conf->fwd != 0)
		set |= DPVS_DEST_SET_FWD;
	if (conf->weight != 0)
		set |= DPVS_DEST_SET_WEIGHT;
	err = apply_conf(c, &key, conf, set | conf->set);
	if (err != 0)
		return err;
	if (rs == NULL) {
		err = dest_new(c, &key, &rs);
		if (err != 0)
			return err;
	} else {
		revive(c, rs);
		rs->fwd = key.fwd;
		rs->weight = key.weight;
		rs->last_weight = key.last_weight;
	}
	link_rs(rs, vs);
	TAILQ_INSERT_TAIL(&vs->dests, rs, link);
	change_undo(c, link_undo, rs);
	build_service(c, vs);
	build_dest(c, rs);
	warn_without_laddr(vs, rs);
	return dest_hold_reply(c, rs);
}

static int
require(struct change *c, const struct dpvs_dest_conf *conf, struct rs **ret_rs)
{
	char text[KEY_TEXT_SIZE];
	struct rs key = { 0 };
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &conf->svc, &vs);
	if (err == 0)
		err = check_conf(c, conf, vs, &key);
	if (err != 0)
		return err;
	rs = dest_find(&key);
	if (rs == NULL || rs->vs == NULL)
		return change_error(c, -ENOENT, "there is no server %s",
				    addr_text(vs->key.af, &key.addr, key.port, text));
	*ret_rs = rs;
	return 0;
}

static void
edit_undo(void *arg)
{
	struct rs_before *before = arg;

	before->rs->weight = before->weight;
	before->rs->last_weight = before->last_weight;
	before->rs->fwd = before->fwd;
	g_free(before);
}

int
dest_ctl_edit(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *conf = record;
	struct rs_before *before;
	struct rs *rs;
	int err = require(c, conf, &rs);

	if (err != 0)
		return err;
	before = note_before(rs);
	change_undo(c, edit_undo, before);
	change_done(c, g_free, before);
	err = apply_conf(c, rs, conf, conf->set);
	if (err != 0)
		return err;
	if (rs->weight != before->weight || rs->fwd != before->fwd)
		build_service(c, rs->vs);
	return dest_hold_reply(c, rs);
}

int
dest_ctl_del(struct change *c, const void *record)
{
	struct rs *rs;
	int err = require(c, record, &rs);

	if (err == 0)
		unlink_dest(c, rs);
	return err;
}
