/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The services' lists of local addresses, and the SETs that change them: add, del, flush. An address is made with the
 * first service that gets it (laddr_slot.c). Handlers change the truth at once and leave notes that take it back.
 */
#include <errno.h>
#include <string.h>

#include <dpvsctrl/proto/laddr.h>

#include "lb/laddr_priv.h"
#include "lb/truth.h"
#include "module.h"
#include "net/ifaddr.h"
#include "net/netif.h"

/* Hash buckets for the addresses of all services; more addresses make them slower, nothing else. */
#define LINKS_MAX (1u << 20)

/** struct vl_place: an address in a service's list, and where it was. Its service is counted. */
struct vl_place {
	struct vs_laddr *vl;
	struct vs_laddr *prev; /**< NULL: it was first */
};

static struct htable links; /* struct vs_laddr, by service and address */
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes);

int
laddr_links_init(void)
{
	return htable_init(&links, LINKS_MAX);
}

void
laddr_links_fini(void)
{
	htable_fini(&links);
}

static uint32_t
link_hash(const struct vs *vs, const struct laddr *la)
{
	uint64_t key[2] = { (uintptr_t)vs, (uintptr_t)la };

	return (uint32_t)(addr_table_hash6(key, 0) >> 32);
}

static void
link_add(struct vs_laddr *vl)
{
	vl->vs->num_laddrs++;
	vl->laddr->users++;
	htable_add(&links, &vl->node, link_hash(vl->vs, vl->laddr));
	event_node_add(&nodes, &vl->event);
}

static void
link_remove(struct vs_laddr *vl)
{
	TAILQ_REMOVE(&vl->vs->laddrs, vl, link);
	vl->vs->num_laddrs--;
	vl->laddr->users--;
	htable_remove(&links, &vl->node);
	event_node_del(&nodes, &vl->event);
}

static struct vs_laddr *
find_in(const struct vs *vs, const struct laddr *la)
{
	uint32_t hash;

	if (la == NULL)
		return NULL;
	hash = link_hash(vs, la);
	for (struct htable_node *n = htable_first(&links, hash); n != NULL; n = n->next) {
		struct vs_laddr *vl = container_of(n, struct vs_laddr, node);

		if (vl->vs == vs && vl->laddr == la)
			return vl;
	}
	return NULL;
}

void
laddr_describe(const struct vs_laddr *vl, struct service_laddr *ret_laddr)
{
	const struct laddr *la = vl->laddr;

	*ret_laddr = (struct service_laddr){
		.addr = la->key.addr, .index = la->index, .order = vl->order, .port = la->port,
	};
}

static uint32_t
laddr_record(const struct event_node *node, void *data)
{
	const struct vs_laddr *vl = event_object(node, struct vs_laddr, event);
	struct dpvs_laddr_info *info = data;

	memset(info, 0, sizeof(*info));
	key_to_wire(&vl->vs->key, &info->conf.svc);
	addr_to_wire(vl->laddr->key.af, &vl->laddr->key.addr, &info->conf.addr);
	g_strlcpy(info->conf.dev, netif_name(vl->laddr->port), sizeof(info->conf.dev));
	return sizeof(*info);
}

const struct module_event laddr_events[] = {
	{ .kind = DPVS_EVENT_LADDR, .list = &nodes, .record = laddr_record },
	{},
};

static void
emit(struct change *c, uint32_t op, const struct vs_laddr *vl)
{
	struct dpvs_laddr_info info;

	if (event_wanted(DPVS_EVENT_LADDR))
		event_emit(c, DPVS_EVENT_LADDR, op, &info, laddr_record(&vl->event, &info));
}

static void
link_undo(void *arg)
{
	struct vs_laddr *vl = arg;

	link_remove(vl);
	vs_unref(vl->vs);
	g_free(vl);
}

static int
link_laddr(struct change *c, struct vs *vs, struct laddr *la)
{
	struct vs_laddr *vl;
	int err;

	if (la->users == 0) {
		err = ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_HELD);
		if (err != 0)
			return err;
	}
	vl = g_new0(struct vs_laddr, 1);
	laddr_use(c, la);
	*vl = (struct vs_laddr){
		.vs = vs, .laddr = la, .named = change_serial(c), .order = ++vs->last_laddr,
	};
	TAILQ_INSERT_TAIL(&vs->laddrs, vl, link);
	link_add(vl);
	change_undo(c, link_undo, vl);
	change_done(c, vs_unref, vs_ref(vs));
	emit(c, DPVS_EVENT_OP_ADD, vl);
	build_service(c, vs);
	return 0;
}

static void
unlink_undo(void *arg)
{
	struct vl_place *place = arg;
	struct vs_laddr *vl = place->vl;

	if (place->prev == NULL)
		TAILQ_INSERT_HEAD(&vl->vs->laddrs, vl, link);
	else
		TAILQ_INSERT_AFTER(&vl->vs->laddrs, place->prev, vl, link);
	link_add(vl);
	vl->laddr->removals--;
	vs_unref(vl->vs);
	g_free(place);
}

static void
unlink_done(void *arg)
{
	struct vl_place *place = arg;
	struct laddr *la = place->vl->laddr;

	la->removals--;
	laddr_settle(la);
	vs_unref(place->vl->vs);
	g_free(place->vl);
	g_free(place);
}

static int
unlink_laddr(struct change *c, struct vs_laddr *vl)
{
	struct vl_place *place = g_new0(struct vl_place, 1);
	struct laddr *la = vl->laddr;

	vs_ref(vl->vs);
	place->vl = vl;
	place->prev = TAILQ_PREV(vl, vs_laddr_list, link);
	link_remove(vl);
	la->removals++;
	change_undo(c, unlink_undo, place);
	change_done(c, unlink_done, place);
	emit(c, DPVS_EVENT_OP_DEL, vl);
	build_service(c, vl->vs);
	return la->users == 0 ? ifaddr_hold(c, la->port, la->key.af, &la->key.addr, IFADDR_LINGERS) : 0;
}

int
laddr_unlink_all(struct change *c, struct vs *vs, uint64_t keep)
{
	struct vs_laddr *next;
	int err;

	for (struct vs_laddr *vl = TAILQ_FIRST(&vs->laddrs); vl != NULL; vl = next) {
		next = TAILQ_NEXT(vl, link);
		if (keep != 0 && vl->named == keep)
			continue;
		err = unlink_laddr(c, vl);
		if (err != 0)
			return err;
		if (next != NULL && change_slice_over())
			return CHANGE_MORE;
	}
	return 0;
}

void
laddr_discard(struct vs *vs)
{
	struct vs_laddr *vl;

	while ((vl = TAILQ_FIRST(&vs->laddrs)) != NULL) {
		TAILQ_REMOVE(&vs->laddrs, vl, link);
		g_free(vl);
	}
}

/* Control handlers. */

/* Service and address of a record. */
static int
check_record(struct change *c, const struct dpvs_laddr_conf *conf, struct vs **ret_vs,
	     struct addr_key *ret_key)
{
	struct addr_key key = { 0 };
	struct vs *vs;
	int err = vs_require(c, &conf->svc, &vs);

	if (err != 0)
		return err;
	if (memchr(conf->dev, 0, sizeof(conf->dev)) == NULL)
		return change_error(c, -EINVAL, "the port's name is too long");
	if (addr_from_wire(&conf->addr, &key.af, &key.addr) < 0)
		return change_error(c, -EINVAL, "the local address is malformed");
	if (key.af != vs->key.af)
		return change_error(c, -EINVAL, "a local address has the address family of the service");
	if (!addr_is_usable(key.af, &key.addr))
		return change_error(c, -EINVAL, "the local address is one that no packet may have: "
				    "unspecified, loopback, link-local, multicast or broadcast");
	*ret_vs = vs;
	*ret_key = key;
	return 0;
}

int
laddr_ctl_add(struct change *c, const void *record)
{
	const struct dpvs_laddr_conf *conf = record;
	const struct netif *netif;
	struct addr_key key;
	struct vs_laddr *vl;
	struct laddr *la;
	struct vs *vs;
	int err = check_record(c, conf, &vs, &key);

	if (err != 0)
		return err;
	netif = netif_by_name(conf->dev);
	if (netif == NULL)
		return change_error(c, -ENODEV, "there is no port \"%s\"", conf->dev);
	if (memcmp(&key.addr, &vs->key.addr, sizeof(key.addr)) == 0)
		return change_error(c, -EINVAL, "the local address is the virtual address itself");
	la = laddr_by_key(&key);
	vl = find_in(vs, la);
	if (vl != NULL && (change_mode(c) & CHANGE_UNCHANGED) == 0)
		return change_error(c, -EEXIST, "the service has this local address already");
	if (vl != NULL && la->port != netif->port && (change_mode(c) & CHANGE_REPLACE) == 0)
		return change_error(c, -EEXIST, "the service has this local address already, on port %s",
				    netif_name(la->port));
	/* Not even a replacing add moves it to another port: other services and connections may use it. */
	if (la != NULL && la->port != netif->port)
		return change_error(c, -EINVAL, "this local address is on port %s%s", netif_name(la->port),
				    la->users > 0 ? "" : " until its last connection has ended");
	if (vl != NULL) {
		vl->named = change_serial(c);
		return 0;
	}
	if (la == NULL)
		err = laddr_room(c, key.af);
	if (la == NULL && err == 0)
		err = laddr_new(c, &key, netif->port, &la);
	return err == 0 ? link_laddr(c, vs, la) : err;
}

int
laddr_ctl_del(struct change *c, const void *record)
{
	const struct dpvs_laddr_conf *conf = record;
	struct addr_key key;
	struct vs_laddr *vl;
	struct vs *vs;
	int err = check_record(c, conf, &vs, &key);

	if (err != 0)
		return err;
	if (conf->dev[0] != '\0' && netif_by_name(conf->dev) == NULL)
		return change_error(c, -ENODEV, "there is no port \"%s\"", conf->dev);
	vl = find_in(vs, laddr_by_key(&key));
	if (vl == NULL)
		return change_error(c, -ENOENT, "the service has no such local address");
	if (conf->dev[0] != '\0' && strcmp(conf->dev, netif_name(vl->laddr->port)) != 0)
		return change_error(c, -ENOENT, "this local address is on port %s",
				    netif_name(vl->laddr->port));
	return unlink_laddr(c, vl);
}

int
laddr_ctl_flush(struct change *c, const void *record)
{
	struct vs *vs;
	int err = vs_require(c, record, &vs);

	return err == 0 ? laddr_unlink_all(c, vs, 0) : err;
}
