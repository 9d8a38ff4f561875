/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers see what is committed. A transaction that adds, changes and removes hundreds of objects of each family is
 * prepared, a step in each turn of the main loop, while clients ask for everything that can be listed or looked up,
 * again and again, and subscribers come: each answer is what was before, or, when its generation is the next one,
 * what is afterwards; also while a transaction that is refused at its end is undone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>

#include "core/change_priv.h"
#include "events.h"
#include "harness.h"
#include "lb_records.h"
#include "peer.h"

#define WORKERS 2
#define MANY    600u /* of each family; more than fit into one slice of a list */
#define PART    200u /* of them are changed, so many removed, and as many new ones come */

#define CONF \
	"[control]\nset-deadline = 600000\nget-deadline = 600000\n[route]\nmax-routes = 8192\n" \
	"[ifaddr]\nmax-addrs = 4096\n[neigh]\nmax-entries = 4096\n"

#define KINDS (DPVS_EVENT_ADDR | DPVS_EVENT_ROUTE | DPVS_EVENT_NEIGH | DPVS_EVENT_LINK | DPVS_EVENT_LADDR)

/** struct view: a question, and the two answers that it may have. */
struct view {
	const char *name;
	uint32_t id;
	const char *dst; /* of a look-up */
	struct peer *peer;
	GBytes *before;
	GPtrArray *next; /* GBytes: answers with the generation of the commit */
	bool asked;
	unsigned int answers; /* while it was being prepared, or undone */
};

static struct view views[] = {
	{ .name = "addresses", .id = DPVS_GET_ADDRS },
	{ .name = "routes", .id = DPVS_GET_ROUTES },
	{ .name = "IPv6 routes", .id = DPVS_GET_ROUTES6 },
	{ .name = "neighbours", .id = DPVS_GET_NEIGHS },
	{ .name = "ports", .id = DPVS_GET_PORT_BASIC },
	{ .name = "time-outs", .id = DPVS_GET_TIMEOUTS },
	{ .name = "pools", .id = DPVS_GET_LADDR_POOLS },
	{ .name = "local addresses", .id = DPVS_GET_LADDRS },
	{ .name = "to a route that goes", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "100.64.0.1" },
	{ .name = "to one that changes", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "100.64.250.1" },
	{ .name = "to a longer one that comes", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "100.65.244.1" },
	{ .name = "to an address that comes", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "10.1.8.1" },
	{ .name = "through a port without address", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "100.80.0.1" },
	{ .name = "to an IPv6 route that goes", .id = DPVS_GET_ROUTE_LOOKUP, .dst = "2001:db8:100::1" },
};

/* ---- records ---- */

static struct dpvs_addr_conf
addr(const char *text, uint8_t plen, const char *dev)
{
	struct dpvs_addr_conf conf = { .addr = rec_addr(text), .plen = plen };

	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return conf;
}

static struct dpvs_addr_conf
host(unsigned int i)
{
	g_autofree char *text = g_strdup_printf("10.1.%u.%u", i / 100, 1 + i % 100);

	return addr(text, 32, "dpdk0");
}

static struct dpvs_route_conf
route(unsigned int i, uint32_t mtu)
{
	g_autofree char *text = g_strdup_printf("100.%u.%u.0", 64 + i / 256, i % 256);
	struct dpvs_route_conf conf = { .dst = rec_addr(text), .plen = 24, .via = rec_addr("10.0.0.2"), .mtu = mtu };

	return conf;
}

static struct dpvs_route_conf
route6(unsigned int i, uint8_t op)
{
	g_autofree char *text = g_strdup_printf("2001:db8:%x::", 0x100 + i);
	struct dpvs_route_conf conf = { .dst = rec_addr(text), .plen = 48, .via = rec_addr("2001:db8::2"), .op = op };

	return conf;
}

static struct dpvs_neigh_conf
neigh(unsigned int i, uint8_t mac, uint8_t flags)
{
	g_autofree char *text = g_strdup_printf("10.0.%u.%u", 1 + i / 100, 1 + i % 100);
	struct dpvs_neigh_conf conf = {
		.addr = rec_addr(text), .mac = { 2, 0, 0, 0, 1, mac }, .flags = flags, .dev = "dpdk0",
	};

	return conf;
}

/* ---- a transaction ---- */

static void
stage(struct peer *p, GByteArray *out)
{
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_APPEND, out->data, 1, out->len), ==, 0);
	g_byte_array_set_size(out, 0);
}

static void
begin(struct peer *p)
{
	struct dpvs_txn_begin b = { 0 };

	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1), ==, 0);
}

#define PUT(out, id, ...)                                                   \
	do {                                                                \
		__auto_type put_record = (__VA_ARGS__);                     \
		peer_put_set(out, id, &put_record, sizeof(put_record), 1); \
	} while (0)

/* What is there before: three ports with addresses, routes of each sort, neighbours, a local address. */
static void
set_up(struct peer *p)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	g_autoptr(GByteArray) out = g_byte_array_new();

	begin(p);
	PUT(out, DPVS_SET_ADDR_ADD, addr("10.0.0.1", 16, "dpdk0"));
	PUT(out, DPVS_SET_ADDR_ADD, addr("2001:db8::1", 64, "dpdk0"));
	PUT(out, DPVS_SET_ADDR_ADD, addr("10.2.0.1", 16, "dpdk1"));
	PUT(out, DPVS_SET_ADDR_ADD, addr("10.3.0.1", 16, "dpdk2"));
	for (unsigned int i = 0; i < MANY; i++) {
		struct dpvs_route_conf through2 = {
			.dst = { .family = AF_INET, .bytes = { 100, 80, (uint8_t)(i / 200), (uint8_t)(i % 200) } },
			.plen = 32, .via = rec_addr("10.3.0.2"),
		};

		PUT(out, DPVS_SET_ADDR_ADD, host(i));
		PUT(out, DPVS_SET_ROUTE_ADD, route(i, 0));
		PUT(out, DPVS_SET_ROUTE6, route6(i, DPVS_ROUTE_OP_ADD));
		PUT(out, DPVS_SET_NEIGH_ADD, neigh(i, 1, 0));
		if (i < PART)
			PUT(out, DPVS_SET_ROUTE_ADD, through2);
	}
	PUT(out, DPVS_SET_ROUTE_ADD, (struct dpvs_route_conf){ .dst = rec_addr("0.0.0.0"), .via = rec_addr("10.2.0.2") });
	PUT(out, DPVS_SET_SERVICE_ADD, svc);
	PUT(out, DPVS_SET_LADDR_ADD, rec_laddr(&svc.key, "10.2.0.200", "dpdk1"));
	stage(p, out);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_COMMIT, NULL, 0, 0), ==, 0);
}

/* What is changed: something of everything is added, changed, removed. */
static void
stage_all(struct peer *p, bool refused)
{
	struct dpvs_service_key svc = rec_key("192.0.2.100", 80, IPPROTO_TCP);
	struct dpvs_route_conf longer = { .dst = rec_addr("100.65.244.0"), .plen = 28, .via = rec_addr("10.2.0.9") };
	struct dpvs_port_conf port = {
		.name = "dpdk1", .set = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU, .mtu = 1400, .up = 0,
	};
	g_autoptr(GByteArray) out = g_byte_array_new();

	begin(p);
	PUT(out, DPVS_SET_NETIF_PORT, port);
	port.mtu = 1300; /* twice */
	PUT(out, DPVS_SET_NETIF_PORT, port);
	PUT(out, DPVS_SET_TIMEOUTS, (struct dpvs_timeouts){ .tcp_s = 77 });
	PUT(out, DPVS_SET_TIMEOUTS, (struct dpvs_timeouts){ .udp_s = 78 });
	PUT(out, DPVS_SET_LADDR_ADD, rec_laddr(&svc, "10.2.0.201", "dpdk1"));
	PUT(out, DPVS_SET_LADDR_DEL, rec_laddr(&svc, "10.2.0.200", "dpdk1"));
	PUT(out, DPVS_SET_ADDR_DEL, addr("10.3.0.1", 16, "dpdk2")); /* the last one: its routes go, too */
	for (unsigned int i = 0; i < PART; i++) {
		PUT(out, DPVS_SET_ADDR_DEL, host(i));
		PUT(out, DPVS_SET_ADDR_SET, addr(i % 2 ? "10.1.3.1" : "10.1.3.2", i % 4 < 2 ? 32 : 31, "dpdk0"));
		PUT(out, DPVS_SET_ADDR_ADD, host(MANY + 200 + i));
		PUT(out, DPVS_SET_ROUTE_DEL, route(i, 0));
		PUT(out, DPVS_SET_ROUTE_SET, route(PART + i, 1000));
		PUT(out, DPVS_SET_ROUTE_ADD, route(MANY + i, 0));
		PUT(out, DPVS_SET_ROUTE6, route6(i, DPVS_ROUTE_OP_DEL));
		PUT(out, DPVS_SET_ROUTE6, route6(MANY + i, DPVS_ROUTE_OP_ADD));
		PUT(out, DPVS_SET_NEIGH_DEL, neigh(i, 0, 0));
		PUT(out, DPVS_SET_NEIGH_ADD, neigh(PART + i, 2, DPVS_NEIGH_REPLACE));
		PUT(out, DPVS_SET_NEIGH_ADD, neigh(MANY + i, 3, 0));
	}
	/* There and back: of these nothing is to be seen, before or after. */
	PUT(out, DPVS_SET_ADDR_ADD, host(0));
	PUT(out, DPVS_SET_ADDR_DEL, host(0));
	PUT(out, DPVS_SET_ROUTE_ADD, route(0, 0));
	PUT(out, DPVS_SET_ROUTE_DEL, route(0, 0));
	PUT(out, DPVS_SET_NEIGH_ADD, neigh(0, 9, 0));
	PUT(out, DPVS_SET_NEIGH_DEL, neigh(0, 0, 0));
	PUT(out, DPVS_SET_ROUTE_ADD, longer);
	/* All routes that have the first address as their source choose the second. */
	PUT(out, DPVS_SET_ADDR_ADD, addr("10.0.0.3", 16, "dpdk0"));
	PUT(out, DPVS_SET_ADDR_DEL, addr("10.0.0.1", 16, "dpdk0"));
	if (refused)
		PUT(out, DPVS_SET_ROUTE_DEL, route(0, 0));
	stage(p, out);
}

/* ---- readers ---- */

static void
ask(struct view *v)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_route_conf query = { 0 };

	g_byte_array_set_size(v->peer->records, 0);
	if (v->dst != NULL) {
		query.dst = rec_addr(v->dst);
		peer_put(out, DPVS_SOCKOPT_GET, v->id, &query, sizeof(query), 1);
	} else {
		peer_put(out, DPVS_SOCKOPT_GET, v->id, NULL, 0, 0);
	}
	peer_write(v->peer, out->data, out->len);
	v->asked = true;
}

static int
by_bytes(const void *a, const void *b, void *size)
{
	return memcmp(a, b, *(const size_t *)size);
}

/* What an answer says of the configuration, in an order of our own: without what workers count. */
static GBytes *
answer_of(const struct view *v)
{
	const struct peer *p = v->peer;
	size_t size = p->a.count > 0 ? p->records->len / p->a.count : 1;
	GByteArray *all = g_byte_array_new();

	g_byte_array_append(all, (const guint8 *)&p->a.err, sizeof(p->a.err));
	g_byte_array_append(all, p->records->data, p->records->len);
	for (uint32_t i = 0; i < p->a.count; i++) {
		uint8_t *record = all->data + sizeof(p->a.err) + i * size;
		struct dpvs_port_info port, kept_port = { 0 };
		struct dpvs_laddr_pool_info pool, kept_pool = { 0 };

		if (v->id == DPVS_GET_PORT_BASIC) {
			memcpy(&port, record, sizeof(port));
			memcpy(kept_port.name, port.name, sizeof(port.name));
			kept_port.mtu = port.mtu;
			kept_port.flags = port.flags;
			memcpy(record, &kept_port, sizeof(kept_port));
		} else if (v->id == DPVS_GET_LADDR_POOLS) {
			memcpy(&pool, record, sizeof(pool));
			kept_pool.addr = pool.addr;
			memcpy(record, &kept_pool, sizeof(kept_pool));
		}
	}
	qsort_r(all->data + sizeof(p->a.err), p->a.count, size, by_bytes, &size);
	return g_byte_array_free_to_bytes(all);
}

static GBytes *
read_one(struct view *v)
{
	ask(v);
	peer_answer(v->peer);
	v->asked = false;
	return answer_of(v);
}

/* An answer has come while the transaction, which began at @generation, was under way. */
static void
look(struct view *v, uint64_t generation)
{
	g_autoptr(GBytes) answer = answer_of(v);

	if (v->peer->a.generation == generation) {
		if (!g_bytes_equal(answer, v->before))
			g_test_message("%s: half of a transaction", v->name);
		g_assert_true(g_bytes_equal(answer, v->before));
		v->answers += change_busy();
	} else if ((v->peer->a.flags & DPVS_REPLY_CHANGED) == 0) {
		g_ptr_array_add(v->next, g_steal_pointer(&answer));
	}
}

static void
readers_start(void)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(views); i++) {
		views[i].peer = peer_new();
		views[i].peer->records = g_byte_array_new();
		views[i].before = read_one(&views[i]);
		views[i].next = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
		views[i].answers = 0;
	}
}

/* It is over: what is there now is what the answers after the commit have said. */
static void
readers_end(bool refused)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(views); i++) {
		struct view *v = &views[i];
		g_autoptr(GBytes) after = NULL;

		if (v->asked)
			peer_answer(v->peer);
		after = read_one(v);
		g_test_message("%s: %u answers, %u after the commit, %zu and %zu bytes", v->name, v->answers,
			       v->next->len, g_bytes_get_size(v->before), g_bytes_get_size(after));
		g_assert_cmpint(g_bytes_equal(after, v->before), ==, refused);
		g_assert_cmpuint(v->answers, >=, 20);
		/* A pool that was removed is there until the daemon has seen that no connection uses it. */
		for (guint n = 0; n < v->next->len && v->id != DPVS_GET_LADDR_POOLS; n++)
			g_assert_true(g_bytes_equal(v->next->pdata[n], after));
		g_ptr_array_unref(v->next);
		g_bytes_unref(v->before);
		g_byte_array_unref(v->peer->records);
		peer_free(v->peer);
	}
}

/* What a subscriber knows whenever it may believe that it knows all: never half of it. */
static struct {
	guint before;
	guint others; /* settled with another number of objects: the transaction, once */
} settled;

static void
subscriber_settled(struct listener *l, void *arg)
{
	(void)arg;
	settled.others += l->synced && g_hash_table_size(l->objects) != settled.before;
}

static bool
has_all(struct listener *l)
{
	return l->generation == change_generation();
}

static void
subscriber_end(struct listener *l)
{
	g_autofree char *differs = NULL;
	GHashTable *state;
	uint64_t generation;

	listener_wait(l, has_all);
	state = listener_state(KINDS, &generation);
	differs = listener_difference(l->objects, state);
	g_assert_cmpstr(differs, ==, NULL);
	g_hash_table_unref(state);
	listener_free(l);
}

static void
run(gconstpointer arg)
{
	const bool refused = arg != NULL;
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct listener *old, *new = NULL;
	uint64_t generation;
	unsigned int turns = 0;
	struct peer *p;

	harness_start(3, CONF);
	p = peer_new();
	set_up(p);
	stage_all(p, refused);
	readers_start();
	old = listener_new(KINDS | DPVS_EVENT_GENERATION);
	listener_wait(old, listener_is_synced);
	settled.before = g_hash_table_size(old->objects);
	settled.others = 0;
	old->settled = subscriber_settled;
	generation = change_generation();

	change_set_slice(0);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_write(p, out->data, out->len);
	while (!peer_poll(p)) {
		g_main_context_iteration(NULL, FALSE);
		turns++;
		if (new == NULL && turns > PART && change_busy()) {
			new = listener_new(KINDS | DPVS_EVENT_GENERATION);
			new->settled = subscriber_settled;
		}
		for (unsigned int i = 0; i < G_N_ELEMENTS(views); i++) {
			struct view *v = &views[i];

			if (v->asked && peer_poll(v->peer)) {
				look(v, generation);
				v->asked = false;
			}
			if (!v->asked && turns % G_N_ELEMENTS(views) == i)
				ask(v);
		}
	}
	g_test_message("%u turns", turns);
	g_assert_cmpint(p->a.err, ==, refused ? -ESRCH : 0);
	g_assert_cmpuint(change_generation(), ==, generation + !refused);
	change_set_slice(1000);
	g_assert_nonnull(new);
	readers_end(refused);
	subscriber_end(old);
	subscriber_end(new);
	/* The change for the one, the present state for the other. */
	g_assert_cmpuint(settled.others, ==, refused ? 0 : 2);
	peer_free(p);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_data_func("/view/committed", NULL, run);
	g_test_add_data_func("/view/refused", "refused", run);
	rc = g_test_run();
	harness_fini();
	return rc;
}
