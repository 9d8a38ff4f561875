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

#include "lb/sched.h"
#include "lb/slots.h"
#include "lb/truth.h"
#include "net/ifaddr.h"

/* A day: longer than any client keeps a silent connection; below what a timer wheel holds. */
#define CONN_TIMEOUT_MAX_S 86400u

/** struct vs_note: a service as it was before a record changed it. */
struct vs_note {
	struct vs *vs; /**< counted */
	struct vs_conf conf;
	uint64_t relisted;
};

/** struct vs_number: how many services there are. */
struct vs_number {
	uint32_t now;
	uint32_t before;    /**< before the change of serial @by */
	uint64_t by;
};

/** struct vs_walk: where a request that goes through all services goes on. */
struct vs_walk {
	uint64_t serial; /**< of its change; 0: none does */
	struct vs *next; /**< moved on when it goes */
};

static struct htable table; /* by key */
static struct vs_list list = TAILQ_HEAD_INITIALIZER(list);
static struct slots slots;
static struct vs_number number;
static struct vs_walk walk;

/* The table and the list. */

int
vs_table_init(uint32_t max)
{
	slots_init(&slots, max);
	return htable_init(&table, max);
}

static struct vs *
find(const struct addr_key *key)
{
	guint hash = addr_key_hash(key);

	for (struct htable_node *n = htable_first(&table, hash); n != NULL; n = n->next) {
		struct vs *vs = container_of(n, struct vs, node);

		if (n->hash == hash && addr_key_equal(&vs->key, key))
			return vs;
	}
	return NULL;
}

static void
table_add(struct vs *vs)
{
	htable_add(&table, &vs->node, addr_key_hash(&vs->key));
	vs->in_table = true;
}

static void
table_remove(struct vs *vs)
{
	if (vs->in_table)
		htable_remove(&table, &vs->node);
	vs->in_table = false;
}

static void
vs_free(struct vs *vs)
{
	if (walk.next == vs)
		walk.next = TAILQ_NEXT(vs, link);
	TAILQ_REMOVE(&list, vs, link);
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
		build_discard(vs);
		laddr_discard(vs);
		vs_free(vs);
	}
	htable_fini(&table);
	slots_fini(&slots);
	number = (struct vs_number){ 0 };
	walk = (struct vs_walk){ 0 };
}

const struct vs_list *
vs_all(void)
{
	return &list;
}

uint32_t
vs_count(void)
{
	return change_hides(number.by) ? number.before : number.now;
}

static void
set_listed(struct vs *vs, bool listed)
{
	vs->listed = listed;
	if (listed)
		event_node_add(&vs_nodes, &vs->event);
	else
		event_node_del(&vs_nodes, &vs->event);
}

static void
count(struct change *c, uint32_t n)
{
	if (number.by != change_serial(c)) {
		number.by = change_serial(c);
		number.before = number.now;
	}
	number.now += n;
}

struct vs *
vs_find(const struct addr_key *key)
{
	struct vs *vs = find(key);

	return vs != NULL && vs->listed ? vs : NULL;
}

int
vs_of_key(const struct dpvs_service_key *wire, struct vs **ret_vs)
{
	struct addr_key key = { .port = htons(wire->port), .proto = wire->proto };
	struct vs *vs;

	if (addr_from_wire(&wire->vip, &key.af, &key.addr) < 0 || wire->pad != 0)
		return -EINVAL;
	vs = wire->fwmark == 0 ? find(&key) : NULL;
	if (vs == NULL || vs_view(vs) == NULL)
		return -ESRCH;
	*ret_vs = vs;
	return 0;
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

static bool
conf_equal(const struct vs_conf *a, const struct vs_conf *b)
{
	return a->sched == b->sched && a->sched_flags == b->sched_flags &&
	       a->conn_timeout_s == b->conn_timeout_s;
}

/* Add. */

/* Nobody will find it any more; who holds it still does. */
static void
forget(struct vs *vs)
{
	table_remove(vs);
	slots_put(&slots, vs->index);
	vs->index = SLOT_NONE;
	vs_unref(vs);
}

static void
new_undo(void *arg)
{
	struct vs *vs = arg;

	set_listed(vs, false);
	number.now--;
	forget(vs);
}

static int
new(struct change *c, const struct addr_key *key, const struct vs_conf *conf)
{
	struct vs *vs = calloc(1, sizeof(*vs));
	int err;

	if (vs == NULL)
		return -ENOMEM;
	err = slots_get(&slots, &vs->index);
	if (err != 0) {
		free(vs);
		return change_error(c, err, "no room for another service; raise max-services in section "
					    "[service]");
	}
	vs->key = *key;
	vs->conf = *conf;
	vs->refs = 1;
	set_listed(vs, true);
	vs->named = change_serial(c);
	TAILQ_INIT(&vs->dests);
	TAILQ_INIT(&vs->laddrs);
	TAILQ_INIT(&vs->cursors);
	TAILQ_INSERT_TAIL(&list, vs, link);
	table_add(vs);
	count(c, 1);
	change_undo(c, new_undo, vs);
	vs_emit(c, DPVS_EVENT_OP_ADD, vs);
	build_service(c, vs);
	return 0;
}

static struct vs_note *
note_new(struct vs *vs)
{
	struct vs_note *note = g_new(struct vs_note, 1);

	*note = (struct vs_note){ .vs = vs_ref(vs), .conf = vs->conf, .relisted = vs->relisted };
	return note;
}

static void
note_free(void *arg)
{
	struct vs_note *note = arg;

	vs_unref(note->vs);
	g_free(note);
}

static void
relist_undo(void *arg)
{
	struct vs_note *note = arg;

	set_listed(note->vs, false);
	note->vs->conf = note->conf;
	note->vs->relisted = note->relisted;
	number.now--;
	note_free(note);
}

static void
relist_done(void *arg)
{
	struct vs_note *note = arg;

	memset(&note->vs->retired, 0, sizeof(note->vs->retired));
	note->vs->sums_epoch++;
	note_free(note);
}

/* Removed and added by one change: readers still see it as it was, so it stays where it is. */
static void
relist(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	struct vs_note *note = note_new(vs);

	set_listed(vs, true);
	vs->conf = *conf;
	vs->named = change_serial(c);
	vs->relisted = change_serial(c);
	count(c, 1);
	change_undo(c, relist_undo, note);
	change_done(c, relist_done, note);
	vs_emit(c, DPVS_EVENT_OP_ADD, vs);
	build_service(c, vs);
}

static void
edit_undo(void *arg)
{
	struct vs_note *note = arg;

	note->vs->conf = note->conf;
	note_free(note);
}

static void
edit(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	struct vs_note *note;

	if (conf_equal(&vs->conf, conf))
		return;
	note = note_new(vs);
	vs->conf = *conf;
	change_undo(c, edit_undo, note);
	change_done(c, note_free, note);
	vs_emit(c, DPVS_EVENT_OP_CHANGE, vs);
	build_service(c, vs);
}

/* An add of a service that is there. */
static int
add_present(struct change *c, struct vs *vs, const struct vs_conf *conf)
{
	char text[KEY_TEXT_SIZE];

	if (!conf_equal(&vs->conf, conf) && (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "service %s is there already, and differs",
				    key_text(&vs->key, text));
	vs->named = change_serial(c);
	edit(c, vs, conf);
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
	vs = find(&key);
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
		relist(c, vs, &conf);
		return 0;
	}
	/* Removed by a change that not all workers have confirmed: nobody sees it, and its place in the list is old. */
	if (vs != NULL)
		table_remove(vs);
	return new(c, &key, &conf);
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
		edit(c, vs, &conf);
	return err;
}

/* Removal. */

static void
del_undo(void *arg)
{
	struct vs *vs = arg;

	set_listed(vs, true);
	vs->removals--;
	number.now++;
}

static void
del_done(void *arg)
{
	struct vs *vs = arg;

	vs->removals--;
	if (!vs->listed && vs->removals == 0)
		forget(vs);
}

/* Returns 0, or CHANGE_MORE: not all servers are removed yet. */
static int
del(struct change *c, struct vs *vs)
{
	int err = laddr_unlink_all(c, vs, 0);

	if (err == 0)
		err = dest_unlink_all(c, vs, 0);
	if (err != 0)
		return err;
	set_listed(vs, false);
	vs->removals++;
	vs->removed = change_serial(c);
	count(c, UINT32_MAX); /* less 1 */
	change_undo(c, del_undo, vs);
	change_done(c, del_done, vs);
	vs_emit(c, DPVS_EVENT_OP_DEL, vs);
	build_service(c, vs);
	return 0;
}

int
service_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_service_conf *wire = record;
	struct vs *vs = NULL;
	int err = vs_require(c, &wire->key, &vs);

	return err == 0 ? del(c, vs) : err;
}

/* Of a service that stays, what was not named goes. */
static int
keep_named(struct change *c, struct vs *vs)
{
	int err;

	if (vs->named != change_serial(c))
		return del(c, vs);
	err = laddr_unlink_all(c, vs, change_serial(c));
	return err == 0 ? dest_unlink_all(c, vs, change_serial(c)) : err;
}

/* Calls @fn for all that are there, in slices. */
static int
each(struct change *c, int (*fn)(struct change *c, struct vs *vs))
{
	if (walk.serial != change_serial(c)) {
		walk.serial = change_serial(c);
		walk.next = TAILQ_FIRST(&list);
	}
	while (walk.next != NULL) {
		struct vs *vs = walk.next;
		int err = vs->listed ? fn(c, vs) : 0;

		if (err != 0)
			return err;
		walk.next = TAILQ_NEXT(vs, link);
		if (walk.next != NULL && change_slice_over())
			return CHANGE_MORE;
	}
	walk.serial = 0;
	return 0;
}

int
service_ctl_flush(struct change *c, const void *record)
{
	(void)record;
	return each(c, del);
}

int
service_sync(struct change *c)
{
	return each(c, keep_named);
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
