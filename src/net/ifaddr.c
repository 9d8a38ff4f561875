/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The family `ifaddr`: addresses on ports. The main lcore has them in one hash table and in lists per
 * port; workers have only the routes that they bring (route.h). An address is there because an operator
 * gave it, or because somebody holds it (local addresses of services), or both.
 *
 * Each change of an address makes a new object that takes the place of the old one (ifaddr_swap()): so
 * there is one way to change, and one way back.
 */
#include "net/ifaddr.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "core/change_priv.h"
#include "core/conf.h"
#include "core/event.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/arp.h"
#include "net/ifaddr_priv.h"
#include "net/ndisc.h"
#include "net/netif.h"
#include "net/rib.h"
#include "net/route.h"
#include "net/route_table.h"

/** Announcements sent in one run of the job; at 20 ms between runs 1,600 a second. */
#define ANNOUNCE_BURST 32

/** struct announce: an announcement that waits for its turn. */
struct announce {
	union ip_addr addr;
	uint16_t port;
	uint8_t af;
};

/** struct aging: a change that takes addresses whose time is over, and deprecates others. */
struct aging {
	GPtrArray *due; /**< NULL: it has not begun */
	guint next;
	unsigned int expired;
};

/** Longest wait of that change for its turn, and for the workers, ms. */
#define AGING_MS 10000

enum {
	STAT_ANNOUNCED,
	STAT_ANNOUNCE_FAILED,
	STAT_EXPIRED,
};

/* All of it: main lcore only. */
static struct htable addrs;
static struct htable leaving; /* of addresses that were taken, those that readers may still have to see */
static struct port_addrs ports[NETIF_MAX][2];
static TAILQ_HEAD(, ifaddr) mortals = TAILQ_HEAD_INITIALIZER(mortals); /* those of addrs whose time ends */
static struct aging aging;
static bool aging_wanted; /* ifaddr_job_age() has submitted it */
static GQueue announces = G_QUEUE_INIT;
static struct event_nodes nodes = TAILQ_HEAD_INITIALIZER(nodes);
static uint32_t addrs_max;
static uint64_t next_seq;
static struct stats_block stats;

static bool
ifaddr_is(const struct ifaddr *a, uint8_t af, const union ip_addr *key)
{
	return a->af == af && addr_equal(&a->key, key);
}

/** ifaddr_find_left: of those that were taken, the one that readers may still have to see. */
static struct ifaddr *
ifaddr_find_left(uint8_t af, const union ip_addr *key)
{
	uint32_t hash = addr_hash(af, key);

	for (struct htable_node *n = htable_first(&leaving, hash); n != NULL; n = n->next) {
		struct ifaddr *a = htable_object(n, struct ifaddr, left);

		if (n->hash == hash && ifaddr_is(a, af, key))
			return a;
	}
	return NULL;
}

struct ifaddr *
ifaddr_find(uint16_t port, uint8_t af, const union ip_addr *addr)
{
	union ip_addr key = rib_scoped(af, addr, port);
	uint32_t hash = addr_hash(af, &key);

	for (struct htable_node *n = htable_first(&addrs, hash); n != NULL; n = n->next) {
		struct ifaddr *a = htable_object(n, struct ifaddr, node);

		if (n->hash == hash && ifaddr_is(a, af, &key))
			return a;
	}
	return NULL;
}

/* As of the last commit. */
static const struct ifaddr *
ifaddr_committed(uint16_t port, uint8_t af, const union ip_addr *addr)
{
	union ip_addr key = rib_scoped(af, addr, port);
	const struct ifaddr *a = ifaddr_find(port, af, addr);

	if (a == NULL || !event_node_shown(&a->event))
		a = ifaddr_find_left(af, &key);
	return a != NULL && event_node_shown(&a->event) ? a : NULL;
}

const struct htable *
ifaddr_all(void)
{
	return &addrs;
}

static struct port_addrs *
ifaddr_addrs_with(const struct ifaddr *a)
{
	return &ports[a->port][a->af == AF_INET6];
}

const struct port_addrs *
ifaddr_port_addrs(uint16_t port, uint8_t af)
{
	return &ports[port][af == AF_INET6];
}

static GQueue *
ifaddr_list_of(const struct ifaddr *a)
{
	struct port_addrs *p = ifaddr_addrs_with(a);

	return a->plen < addr_bits(a->af) ? &p->nets : &p->hosts;
}

static bool
ifaddr_is_mortal(const struct ifaddr *a)
{
	return a->valid_until != IFADDR_FOREVER || a->preferred_until != IFADDR_FOREVER;
}

/** ifaddr_enter, ifaddr_leave: @a is in the table of those that are there. */
static void
ifaddr_enter(struct ifaddr *a)
{
	htable_add(&addrs, &a->node, addr_hash(a->af, &a->key));
	ifaddr_addrs_with(a)->count += ifaddr_is_seen(a);
	if (ifaddr_is_mortal(a))
		TAILQ_INSERT_TAIL(&mortals, a, mortal);
}

static void
ifaddr_leave(struct ifaddr *a)
{
	htable_remove(&addrs, &a->node);
	ifaddr_addrs_with(a)->count -= ifaddr_is_seen(a);
	if (ifaddr_is_mortal(a))
		TAILQ_REMOVE(&mortals, a, mortal);
}

/** ifaddr_undo_put: takes @arg out of all lists. */
static void
ifaddr_undo_put(void *arg)
{
	struct ifaddr *a = arg;

	ifaddr_leave(a);
	event_node_del(&nodes, &a->event);
	g_queue_delete_link(ifaddr_list_of(a), a->link);
	g_free(a);
}

/** ifaddr_put: @a, which has no like in the table now, gets into it; @old: it takes the place of that. */
static void
ifaddr_put(struct change *c, struct ifaddr *a, const struct ifaddr *old)
{
	GQueue *list = ifaddr_list_of(a);
	GList *after = old != NULL && ifaddr_list_of(old) == list ? old->link : list->tail;

	while (after != NULL && ((struct ifaddr *)after->data)->seq > a->seq)
		after = after->prev;
	if (after == NULL) {
		g_queue_push_head(list, a);
		a->link = list->head;
	} else {
		g_queue_insert_after(list, after, a);
		a->link = after->next;
	}
	ifaddr_enter(a);
	event_node_bring(c, &nodes, &a->event);
	change_undo(c, ifaddr_undo_put, a);
}

/** ifaddr_left: @a, which was taken, is not for readers any more. */
static void
ifaddr_left(struct ifaddr *a)
{
	if (ifaddr_find_left(a->af, &a->key) == a)
		htable_remove(&leaving, &a->left);
}

static void
ifaddr_undo_take(void *arg)
{
	struct ifaddr *a = arg;

	ifaddr_enter(a);
	event_node_keep(&a->event);
	ifaddr_left(a);
}

static void
ifaddr_done_take(void *arg)
{
	struct ifaddr *a = arg;

	ifaddr_left(a);
	event_node_del(&nodes, &a->event);
	g_queue_delete_link(ifaddr_list_of(a), a->link);
	g_free(a);
}

/** ifaddr_take: @a leaves the table; readers see it until the commit. */
static void
ifaddr_take(struct change *c, struct ifaddr *a)
{
	struct ifaddr *before = ifaddr_find_left(a->af, &a->key);

	/* Of several that one change takes, the first is the one that is committed. */
	if (before == NULL || before->event.taken != change_serial(c)) {
		if (before != NULL)
			htable_remove(&leaving, &before->left);
		htable_add(&leaving, &a->left, addr_hash(a->af, &a->key));
	}
	ifaddr_leave(a);
	event_node_take(c, &a->event);
	change_undo(c, ifaddr_undo_take, a);
	change_done(c, ifaddr_done_take, a);
}

static void
ifaddr_done_announce(void *arg)
{
	g_queue_push_tail(&announces, arg);
}

static uint32_t
ifaddr_record(const struct event_node *node, void *data)
{
	const struct ifaddr *a = event_object(node, struct ifaddr, event);

	if (!ifaddr_is_seen(a))
		return 0;
	ifaddr_to_wire(a, g_get_monotonic_time() / G_USEC_PER_SEC, data);
	return sizeof(struct dpvs_addr_conf);
}

/** ifaddr_changed: @new takes the place of @old: if that can be seen, the generation moves and subscribers are told. */
static void
ifaddr_changed(struct change *c, const struct ifaddr *old, const struct ifaddr *new)
{
	int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;
	bool was_seen = old != NULL && ifaddr_is_seen(old);
	bool is_seen = new != NULL && ifaddr_is_seen(new);
	struct dpvs_addr_conf was, is;

	if (was_seen)
		ifaddr_to_wire(old, now, &was);
	if (is_seen)
		ifaddr_to_wire(new, now, &is);
	if (was_seen && !is_seen)
		event_emit(c, DPVS_EVENT_ADDR, DPVS_EVENT_OP_DEL, &was, sizeof(was));
	else if (is_seen && !was_seen)
		event_emit(c, DPVS_EVENT_ADDR, DPVS_EVENT_OP_ADD, &is, sizeof(is));
	else if (is_seen && (old->deprecated != new->deprecated || memcmp(&was, &is, sizeof(is)) != 0))
		event_emit(c, DPVS_EVENT_ADDR, DPVS_EVENT_OP_CHANGE, &is, sizeof(is));
	else
		return;
	change_visible(c);
}

/** ifaddr_add_net: the connected and the broadcast route of @a. */
static int
ifaddr_add_net(struct change *c, struct ifaddr *a)
{
	union ip_addr net = addr_masked(a->af, &a->addr, a->plen);
	uint8_t bits = addr_bits(a->af);
	int ret = 0;

	if (a->plen < bits)
		ret = route_add_kernel(c, a->af, &net, a->plen, DPVS_ROUTE_UNICAST, a->port, &a->addr, &a->net);
	if (ret == 0 && !addr_is_zero(&a->broadcast))
		ret = route_add_kernel(c, a->af, &a->broadcast, bits, DPVS_ROUTE_BROADCAST, a->port, &a->addr,
				       &a->bcast);
	return ret;
}

static int
ifaddr_del_net(struct change *c, const struct ifaddr *a)
{
	int ret = 0;

	if (a->net != NULL)
		ret = route_del_kernel(c, a->net);
	if (ret == 0 && a->bcast != NULL)
		ret = route_del_kernel(c, a->bcast);
	return ret;
}

/** ifaddr_swap_routes: those that @old and @new bring, and those of operators that have to do with them. */
static int
ifaddr_swap_routes(struct change *c, const struct ifaddr *old, struct ifaddr *new)
{
	bool same_net = old != NULL && new != NULL && old->plen == new->plen &&
			addr_equal(&old->broadcast, &new->broadcast);
	bool was_seen = old != NULL && ifaddr_is_seen(old);
	bool is_seen = new != NULL && ifaddr_is_seen(new);
	int ret = 0;

	if (new != NULL) {
		new->local = old != NULL ? old->local : NULL;
		new->net = same_net ? old->net : NULL;
		new->bcast = same_net ? old->bcast : NULL;
	}
	if (old != NULL && !same_net)
		ret = ifaddr_del_net(c, old);
	if (ret == 0 && new == NULL)
		ret = route_del_kernel(c, old->local);
	if (ret == 0 && old == NULL)
		ret = route_add_kernel(c, new->af, &new->addr, addr_bits(new->af), DPVS_ROUTE_LOCAL, new->port,
				       &new->addr, &new->local);
	if (ret == 0 && old != NULL && new != NULL && was_seen != is_seen)
		ret = route_show_kernel(c, old->local, is_seen, &new->local);
	if (ret == 0 && new != NULL && !same_net)
		ret = ifaddr_add_net(c, new);
	if (ret != 0)
		return ret;

	if (was_seen && !is_seen) {
		/* As with Linux: without an address the port does not speak IPv4, and has no routes. */
		bool last = old->af == AF_INET && ifaddr_addrs_with(old)->count == 0;

		return route_addr_changed(c, old->af, old->port, &old->addr, last ? ROUTE_ADDR_LAST : ROUTE_ADDR_GONE);
	}
	if (is_seen && !was_seen)
		return route_addr_changed(c, new->af, new->port, &new->addr, ROUTE_ADDR_CAME);
	if (is_seen && (!same_net || old->deprecated != new->deprecated || !old->given != !new->given))
		return route_addr_changed(c, new->af, new->port, &new->addr, ROUTE_ADDR_CHANGED);
	return 0;
}

int
ifaddr_swap(struct change *c, struct ifaddr *old, struct ifaddr *new)
{
	int ret;

	if (old == NULL && addrs.used >= addrs_max) {
		g_free(new);
		return change_error(c, -ENOSPC, "too many addresses (%u, key ifaddr.max-addrs)",
				    addrs_max);
	}
	if (new != NULL)
		new->seq = old != NULL ? old->seq : next_seq++;
	if (old != NULL)
		ifaddr_take(c, old);
	if (new != NULL)
		ifaddr_put(c, new, old);
	ifaddr_changed(c, old, new);
	ret = ifaddr_swap_routes(c, old, new);
	if (ret != 0)
		return ret;

	if (old == NULL && !new->automatic) {
		struct announce *an = g_new(struct announce, 1);

		*an = (struct announce){ .addr = new->addr, .port = new->port, .af = new->af };
		change_undo(c, g_free, an);
		change_done(c, ifaddr_done_announce, an);
	}
	return 0;
}

int
ifaddr_hold(struct change *c, uint16_t port, uint8_t af, const union ip_addr *addr, enum ifaddr_hold hold)
{
	struct ifaddr *old = ifaddr_find(port, af, addr);
	char text[INET6_ADDRSTRLEN];
	struct ifaddr *new;

	if (!addr_is_host(af, addr) || addr_is_linklocal(af, addr))
		return change_error(c, -EINVAL, "%s cannot be a local address",
				    addr_text(af, addr, text));
	if (old != NULL && old->port != port)
		return change_error(c, -EEXIST, "%s is on %s already", addr_text(af, addr, text),
				    netif_name(old->port));
	if (old == NULL && hold != IFADDR_HELD)
		return change_error(c, -ENOENT, "nobody holds %s", addr_text(af, addr, text));
	if (old != NULL && hold == IFADDR_NOT_HELD && !old->given)
		return ifaddr_swap(c, old, NULL);

	if (old != NULL) {
		new = g_memdup2(old, sizeof(*old));
	} else {
		new = g_new0(struct ifaddr, 1);
		new->key = rib_scoped(af, addr, port);
		new->addr = *addr;
		new->port = port;
		new->af = af;
		new->plen = addr_bits(af);
		new->valid_until = IFADDR_FOREVER;
		new->preferred_until = IFADDR_FOREVER;
	}
	new->hold = hold;
	return ifaddr_swap(c, old, new);
}

struct ifaddr *
ifaddr_as_held(const struct ifaddr *a)
{
	struct ifaddr *new;

	if (a->hold == IFADDR_NOT_HELD)
		return NULL;
	new = g_memdup2(a, sizeof(*a));
	new->given = 0;
	new->plen = addr_bits(a->af);
	new->scope = DPVS_SCOPE_GLOBAL;
	new->broadcast = (union ip_addr){ 0 };
	new->valid_until = IFADDR_FOREVER;
	new->preferred_until = IFADDR_FOREVER;
	new->deprecated = 0;
	return new;
}

bool
ifaddr_is_local(uint16_t port, uint8_t af, const union ip_addr *addr)
{
	struct route_result rr;

	if (!route_lookup_on(port, af, addr, &rr) || rr.type != DPVS_ROUTE_LOCAL)
		return false;
	return port == UINT16_MAX || rr.port == port;
}

int
ifaddr_port_of(const struct change *c, uint8_t af, const union ip_addr *addr)
{
	const struct ifaddr *a = c != NULL ? ifaddr_find(0, af, addr) : ifaddr_committed(0, af, addr);

	return a != NULL ? a->port : -1;
}

bool
ifaddr_is_listed(uint8_t af, const union ip_addr *addr)
{
	const struct ifaddr *a = ifaddr_find(0, af, addr);

	return a != NULL && ifaddr_is_seen(a);
}

int
ifaddr_announce(uint8_t af, const union ip_addr *addr)
{
	int port = ifaddr_port_of(NULL, af, addr);
	struct announce *an;

	if (port < 0)
		return -ENOENT;
	an = g_new(struct announce, 1);
	*an = (struct announce){ .addr = *addr, .port = (uint16_t)port, .af = af };
	g_queue_push_tail(&announces, an);
	return 0;
}

static bool
ifaddr_is_due(const struct ifaddr *a, int64_t now)
{
	return a->valid_until <= now || (a->preferred_until <= now && !a->deprecated);
}

static int
ifaddr_age(struct change *c, const void *record)
{
	struct ifaddr *old = (struct ifaddr *)(uintptr_t)record;
	struct ifaddr *new;

	if (old->valid_until <= g_get_monotonic_time() / G_USEC_PER_SEC) {
		aging.expired++;
		return ifaddr_swap(c, old, ifaddr_as_held(old));
	}
	new = g_memdup2(old, sizeof(*old));
	new->deprecated = 1;
	return ifaddr_swap(c, old, new);
}

static int
ifaddr_age_step(struct change *c, void *arg)
{
	int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;
	const struct ifaddr *a;
	int ret;

	(void)arg;
	if (aging.due == NULL) {
		aging.due = g_ptr_array_new();
		TAILQ_FOREACH (a, &mortals, mortal)
			if (ifaddr_is_due(a, now))
				g_ptr_array_add(aging.due, (void *)(uintptr_t)a);
	}
	if (aging.next == aging.due->len)
		return 0;
	ret = change_record(c, ifaddr_age, aging.due->pdata[aging.next]);
	if (ret != 0)
		return ret;
	return ++aging.next < aging.due->len ? CHANGE_MORE : 0;
}

/** ifaddr_age_end: @status: what is not done is due the next time. */
static void
ifaddr_age_end(struct change *c, int status, void *arg)
{
	(void)c;
	(void)arg;
	if (status == 0 || status == -EINPROGRESS)
		stats_add(&stats, STAT_EXPIRED, aging.expired);
	if (aging.due != NULL)
		g_ptr_array_unref(aging.due);
	aging = (struct aging){ 0 };
	aging_wanted = false;
}

/** ifaddr_job_age: like a client's change, in slices, as each may concern many routes. */
static int
ifaddr_job_age(void)
{
	static const struct change_job job = {
		.step = ifaddr_age_step,
		.end = ifaddr_age_end,
		.deadline_ms = AGING_MS,
	};
	int64_t now = g_get_monotonic_time() / G_USEC_PER_SEC;
	const struct ifaddr *a;

	if (aging_wanted)
		return -EAGAIN; /* the one before is not over */
	TAILQ_FOREACH (a, &mortals, mortal)
		if (ifaddr_is_due(a, now))
			break;
	if (a == NULL)
		return -EAGAIN;
	aging_wanted = true;
	change_submit(&job);
	return 0;
}

static int
ifaddr_job_announce(void)
{
	unsigned int count = 0;
	struct announce *an;

	while (count < ANNOUNCE_BURST && (an = g_queue_pop_head(&announces)) != NULL) {
		const struct ifaddr *a = ifaddr_committed(an->port, an->af, &an->addr);
		int ret;

		if (a != NULL && a->port == an->port) {
			ret = an->af == AF_INET ? arp_announce(an->port, &an->addr)
						: ndisc_announce(an->port, &an->addr);
			stats_inc(&stats, ret == 0 ? STAT_ANNOUNCED : STAT_ANNOUNCE_FAILED);
		}
		g_free(an);
		count++;
	}
	return count > 0 ? 0 : -EAGAIN;
}

static int
ifaddr_init(const struct conf *conf)
{
	int err;

	addrs_max = (uint32_t)conf_uint(conf, "ifaddr", "max-addrs");
	err = htable_init(&addrs, addrs_max);
	return err == 0 ? htable_init(&leaving, addrs_max) : err;
}

/** ifaddr_start: gives each port its link-local address, fe80:: and the EUI-64 of its MAC (RFC 4291 2.5.1). */
static int
ifaddr_start(void)
{
	struct change *c = change_begin();
	int ret = 0;

	if (c == NULL)
		return -ENOMEM;
	for (uint16_t port = 0; port < netif_count() && ret == 0; port++) {
		const struct netif *nif = netif_get(port);
		const uint8_t *mac;
		struct ifaddr *a;

		if (nif == NULL)
			continue;
		mac = nif->mac.addr_bytes;
		a = g_new0(struct ifaddr, 1);
		a->addr = (union ip_addr){ .ip6 = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 0x02, mac[1],
						    mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] } };
		a->key = rib_scoped(AF_INET6, &a->addr, port);
		a->port = port;
		a->af = AF_INET6;
		a->plen = 64;
		a->scope = DPVS_SCOPE_LINK;
		a->given = 1;
		a->automatic = 1;
		a->valid_until = IFADDR_FOREVER;
		a->preferred_until = IFADDR_FOREVER;
		ret = ifaddr_swap(c, NULL, a);
	}
	if (ret == 0)
		return change_commit(c);
	change_abandon(c);
	return ret;
}

static void
ifaddr_fini(void)
{
	struct htable_iter iter = { 0 };
	struct htable_node *n;

	while ((n = htable_next(&addrs, &iter)) != NULL)
		g_free(htable_object(n, struct ifaddr, node));
	htable_fini(&addrs);
	TAILQ_INIT(&mortals);
	htable_fini(&leaving);
	for (unsigned int p = 0; p < NETIF_MAX; p++) {
		for (unsigned int i = 0; i < 2; i++) {
			g_queue_clear(&ports[p][i].nets);
			g_queue_clear(&ports[p][i].hosts);
			ports[p][i].count = 0;
		}
	}
	g_queue_clear_full(&announces, g_free);
}

const struct module_event ifaddr_events[] = {
	{ .kind = DPVS_EVENT_ADDR, .list = &nodes, .record = ifaddr_record },
	{ 0 },
};

static const char *const ifaddr_after[] = { "netif", "route", "route6", NULL };

static const struct conf_key ifaddr_conf[] = {
	{
		.name = "max-addrs",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 16,
		.max = 1u << 20,
		.def = 4096,
		.help = "Addresses on all ports; each takes up to three routes (route.max-routes).",
	},
	{ 0 },
};

static const struct module_job ifaddr_jobs[] = {
	{ .name = "ifaddr-age", .when = JOB_MAIN, .period_ms = 1000, .fn = ifaddr_job_age },
	{ .name = "ifaddr-announce", .when = JOB_MAIN, .period_ms = 20, .fn = ifaddr_job_announce },
	{ 0 },
};

static const struct module_stat ifaddr_stats[] = {
	[STAT_ANNOUNCED] = { "announced", DPVS_STAT_EVENT,
			     "Gratuitous ARPs and unsolicited neighbour advertisements sent." },
	[STAT_ANNOUNCE_FAILED] = { "announce-failed", DPVS_STAT_EVENT,
				   "Announcements that could not be sent." },
	[STAT_EXPIRED] = { "expired", DPVS_STAT_EVENT, "Addresses whose valid lifetime ended." },
	{ 0 },
};

const struct module ifaddr_module = {
	.name = "ifaddr",
	.after = ifaddr_after,
	.conf = ifaddr_conf,
	.sockopts = ifaddr_sockopts,
	.jobs = ifaddr_jobs,
	.events = ifaddr_events,
	.stats = ifaddr_stats,
	.stats_block = &stats,
	.init = ifaddr_init,
	.start = ifaddr_start,
	.fini = ifaddr_fini,
};
