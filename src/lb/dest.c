/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about real servers, and the SETs that change it (205 to 207). Slots and what becomes of a
 * removed server: dest_slot.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "lb/truth.h"

#define WEIGHT_MAX 65535u

/** struct rs_note: a server as it was before a record changed it. */
struct rs_note {
	struct rs *rs;
	struct rs_conf conf;
	uint32_t last_weight;
	bool fresh; /**< its service was removed and added by the same change */
};

/** struct rs_walk: where the removal of many servers of a service goes on. */
struct rs_walk {
	uint64_t serial; /**< of its change; 0: none does */
	struct vs *vs;
	struct rs *next; /**< moved on when it goes */
};

static struct rs_walk walk;
static uint64_t last_order;

/* Servers in the lists of their services. */

static void
join(struct rs *rs, struct vs *vs)
{
	rs->vs = vs_ref(vs);
	rs->order = ++last_order;
	TAILQ_INSERT_TAIL(&vs->dests, rs, link);
	vs->dests_len++;
}

static void
leave(struct rs *rs)
{
	struct vs *vs = rs->vs;
	struct vs_cursor *cur;

	if (walk.next == rs)
		walk.next = TAILQ_NEXT(rs, link);
	TAILQ_FOREACH (cur, &vs->cursors, link)
		if (cur->next == rs)
			cur->next = TAILQ_NEXT(rs, link);
	TAILQ_REMOVE(&vs->dests, rs, link);
	vs->dests_len--;
	vs->sums_epoch++;
	rs->vs = NULL;
	vs_unref(vs);
}

void
dest_cursor_set(struct vs_cursor *cur, struct vs *vs)
{
	if (cur->vs != NULL)
		TAILQ_REMOVE(&cur->vs->cursors, cur, link);
	cur->vs = vs;
	cur->next = NULL;
	if (vs == NULL)
		return;
	TAILQ_INSERT_TAIL(&vs->cursors, cur, link);
	cur->next = TAILQ_FIRST(&vs->dests);
}

static void
set_listed(struct rs *rs, bool listed)
{
	rs->listed = listed;
	rs->vs->num_dests += listed ? 1 : -1u;
	if (listed)
		event_node_add(&rs_nodes, &rs->event);
	else
		event_node_del(&rs_nodes, &rs->event);
}

/* A removal is confirmed or an add undone: @rs goes to the trash if nothing keeps it elsewhere. */
static void
dest_settle(struct rs *rs)
{
	if (rs->listed || rs->removals > 0 || rs->in_trash)
		return;
	if (rs->vs != NULL) {
		rs_retire(rs); /* also what came between the removal and the last worker's knowing */
		leave(rs);
	}
	dest_trash_put(rs);
}

/* Removal. Readers see the server until the commit, so it keeps its place, and its counters until the end. */

static void
unlink_undo(void *arg)
{
	struct rs *rs = arg;

	rs->removals--;
	set_listed(rs, true);
}

static void
unlink_done(void *arg)
{
	struct rs *rs = arg;

	rs->removals--;
	dest_settle(rs);
}

static void
unlink_dest(struct change *c, struct rs *rs)
{
	set_listed(rs, false);
	rs->removals++;
	rs->removed = change_serial(c);
	change_undo(c, unlink_undo, rs);
	change_done(c, unlink_done, rs);
	rs_emit(c, DPVS_EVENT_OP_DEL, rs);
	build_service(c, rs->vs);
	build_dest(c, rs);
}

int
dest_unlink_all(struct change *c, struct vs *vs, uint64_t keep)
{
	if (walk.serial != change_serial(c) || walk.vs != vs) {
		walk.serial = change_serial(c);
		walk.vs = vs;
		walk.next = TAILQ_FIRST(&vs->dests);
	}
	while (walk.next != NULL) {
		struct rs *rs = walk.next;

		walk.next = TAILQ_NEXT(rs, link);
		if (rs->listed && (keep == 0 || rs->named != keep))
			unlink_dest(c, rs);
		if (walk.next != NULL && change_slice_over())
			return CHANGE_MORE;
	}
	walk.serial = 0;
	return 0;
}

/* A record: checked here, whatever it is for. */
static int
check_conf(struct change *c, const struct dpvs_dest_conf *conf, const struct vs *vs, struct rs_key *ret_key)
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

/* What is to be set of a server, for add and edit alike, into @conf, which holds what was. */
static int
apply_conf(struct change *c, const struct rs_key *key, struct rs_conf *conf, const struct dpvs_dest_conf *wire,
	   uint32_t set)
{
	uint8_t fwd = (set & DPVS_DEST_SET_FWD) != 0 ? wire->fwd : conf->fwd;
	uint32_t weight = (set & DPVS_DEST_SET_WEIGHT) != 0 ? wire->weight : conf->weight;

	if (((set & DPVS_DEST_SET_UTHRESH) != 0 && wire->uthresh != 0) ||
	    ((set & DPVS_DEST_SET_LTHRESH) != 0 && wire->lthresh != 0))
		return change_error(c, -EOPNOTSUPP, "connection thresholds are not supported by this build");
	if (fwd == DPVS_FWD_TUNNEL || fwd == DPVS_FWD_SNAT)
		return change_error(c, -EOPNOTSUPP, "forwarding by %s is not supported by this build",
				    fwd == DPVS_FWD_TUNNEL ? "tunnel" : "SNAT");
	if (fwd != DPVS_FWD_NAT && fwd != DPVS_FWD_DR && fwd != DPVS_FWD_FULLNAT)
		return change_error(c, -EINVAL, "forwarding method %u is not known", fwd);
	if (fwd == DPVS_FWD_DR && key->port != key->vip.port)
		return change_error(c, -EOPNOTSUPP,
				    "direct routing does not translate ports: the server's port must be the "
				    "service's, %u", ntohs(key->vip.port));
	if (key->addr.u64[0] == key->vip.addr.u64[0] && key->addr.u64[1] == key->vip.addr.u64[1])
		return change_error(c, -EINVAL, "the server's address is the virtual address itself");
	if (weight > WEIGHT_MAX)
		return change_error(c, -EINVAL, "a weight is at most %u, not %u", WEIGHT_MAX, weight);
	*conf = (struct rs_conf){ .weight = weight, .fwd = fwd };
	return 0;
}

static bool
conf_equal(const struct rs_conf *a, const struct rs_conf *b)
{
	return a->weight == b->weight && a->fwd == b->fwd;
}

static void
set_conf(struct rs *rs, const struct rs_conf *conf)
{
	rs->conf = *conf;
	if (conf->weight != 0)
		rs->last_weight = conf->weight;
}

/* Edit. */

static struct rs_note *
note_new(struct rs *rs)
{
	struct rs_note *note = g_new(struct rs_note, 1);

	*note = (struct rs_note){ .rs = rs, .conf = rs->conf, .last_weight = rs->last_weight };
	return note;
}

static void
edit_undo(void *arg)
{
	struct rs_note *note = arg;

	note->rs->conf = note->conf;
	note->rs->last_weight = note->last_weight;
	g_free(note);
}

static int
edit(struct change *c, struct rs *rs, const struct rs_conf *conf)
{
	struct rs_note *note;
	int err;

	if (conf_equal(&rs->conf, conf))
		return 0;
	err = dest_reply_room(c, &rs->key, conf->fwd);
	if (err != 0)
		return err;
	note = note_new(rs);
	change_undo(c, edit_undo, note);
	change_done(c, g_free, note);
	set_conf(rs, conf);
	rs_emit(c, DPVS_EVENT_OP_CHANGE, rs);
	build_service(c, rs->vs);
	return dest_hold_reply(c, rs);
}

/* Add. */

static void
new_undo(void *arg)
{
	struct rs *rs = arg;

	set_listed(rs, false);
	leave(rs);
	dest_discard(rs);
}

static void
revive_undo(void *arg)
{
	struct rs *rs = arg;

	set_listed(rs, false);
	leave(rs);
	dest_settle(rs);
}

static void
relist_undo(void *arg)
{
	struct rs_note *note = arg;

	set_listed(note->rs, false);
	edit_undo(note);
}

static void
relist_done(void *arg)
{
	struct rs_note *note = arg;

	if (note->fresh)
		rs_reset(note->rs);
	else if (note->rs->vs != NULL)
		rs_retire(note->rs);
	g_free(note);
}

/* Links the server @rs, NULL: there is none of @key yet. A removed one is taken as new, but for its slot. */
static int
link_dest(struct change *c, struct vs *vs, const struct rs_key *key, struct rs **ret_rs)
{
	struct rs *rs = *ret_rs;
	struct rs_note *note;
	int err;

	if (rs == NULL) {
		err = dest_new(c, key, &rs);
		if (err != 0)
			return err;
		join(rs, vs);
		set_listed(rs, true);
		change_undo(c, new_undo, rs);
	} else if (rs->vs == vs && rs->removed == change_serial(c)) {
		/* Removed and added by one change: readers still see it as it was, so it stays where it is. */
		note = note_new(rs);
		note->fresh = vs->relisted == change_serial(c);
		set_listed(rs, true);
		change_undo(c, relist_undo, note);
		change_done(c, relist_done, note);
	} else {
		/* Nobody sees it any more, workers may still know it. */
		if (rs->vs != NULL) {
			rs_retire(rs);
			leave(rs);
		} else {
			rs_reset(rs);
		}
		if (rs->in_trash)
			dest_trash_take(rs);
		join(rs, vs);
		set_listed(rs, true);
		change_undo(c, revive_undo, rs);
	}
	rs->last_weight = 0;
	*ret_rs = rs;
	return 0;
}

/* An add of a server that is there. */
static int
add_present(struct change *c, struct rs *rs, const struct rs_conf *conf)
{
	char text[KEY_TEXT_SIZE];

	if (!conf_equal(&rs->conf, conf) && (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "server %s is there already, and differs",
				    addr_text(rs->key.vip.af, &rs->key.addr, rs->key.port, text));
	rs->named = change_serial(c);
	return edit(c, rs, conf);
}

int
dest_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *wire = record;
	struct rs_conf conf = { .fwd = DPVS_FWD_DR, .weight = 1 };
	uint32_t set = DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	char text[KEY_TEXT_SIZE];
	struct rs_key key;
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &wire->svc, &vs);
	if (err == 0)
		err = check_conf(c, wire, vs, &key);
	if (err != 0)
		return err;
	rs = dest_find(&key);
	if (rs != NULL && rs->listed && (change_mode(c) & CHANGE_UNCHANGED) == 0)
		return change_error(c, -EEXIST, "server %s is there already",
				    addr_text(vs->key.af, &key.addr, key.port, text));

	/* An add takes what is given, with or without its bit, and the default for the rest. */
	if (wire->fwd != 0)
		set |= DPVS_DEST_SET_FWD;
	if (wire->weight != 0)
		set |= DPVS_DEST_SET_WEIGHT;
	err = apply_conf(c, &key, &conf, wire, set | wire->set);
	if (err != 0)
		return err;
	if (rs != NULL && rs->listed)
		return add_present(c, rs, &conf);
	err = dest_reply_room(c, &key, conf.fwd);
	if (err == 0)
		err = link_dest(c, vs, &key, &rs);
	if (err != 0)
		return err;
	set_conf(rs, &conf);
	rs_emit(c, DPVS_EVENT_OP_ADD, rs);
	rs->named = change_serial(c);
	build_service(c, vs);
	build_dest(c, rs);
	return dest_hold_reply(c, rs);
}

static int
require(struct change *c, const struct dpvs_dest_conf *conf, struct rs **ret_rs)
{
	char text[KEY_TEXT_SIZE];
	struct rs_key key;
	struct vs *vs;
	struct rs *rs;
	int err;

	err = vs_require(c, &conf->svc, &vs);
	if (err == 0)
		err = check_conf(c, conf, vs, &key);
	if (err != 0)
		return err;
	rs = dest_find(&key);
	if (rs == NULL || !rs->listed)
		return change_error(c, -ENOENT, "there is no server %s",
				    addr_text(vs->key.af, &key.addr, key.port, text));
	*ret_rs = rs;
	return 0;
}

int
dest_ctl_edit(struct change *c, const void *record)
{
	const struct dpvs_dest_conf *wire = record;
	struct rs_conf conf;
	struct rs *rs;
	int err = require(c, wire, &rs);

	if (err != 0)
		return err;
	conf = rs->conf;
	err = apply_conf(c, &rs->key, &conf, wire, wire->set);
	return err == 0 ? edit(c, rs, &conf) : err;
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
