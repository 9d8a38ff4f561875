/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random changes of everything that there are events of, and subscribers that keep a model: after each change,
 * and at each synced, a model is what the GETs say. Refused and abandoned changes among them; subscribers that come
 * in the middle, want some kinds only, read slowly. --seed of g_test repeats a run; EVENT_OPS is how many changes (default 1500).
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>

#include "core/change.h"
#include "core/change_priv.h"
#include "events.h"
#include "harness.h"
#include "lb_records.h"

#define PORTS 2
#define BURST 24 /* most records of one request */

#define STATE_KINDS                                                                                   \
	(DPVS_EVENT_SERVICE | DPVS_EVENT_DEST | DPVS_EVENT_LADDR | DPVS_EVENT_ADDR | DPVS_EVENT_ROUTE | \
	 DPVS_EVENT_NEIGH | DPVS_EVENT_LINK)

static unsigned int ops = 1500;
static unsigned int done_well;
static unsigned int done_badly;

static int
pick(int n)
{
	return g_test_rand_int_range(0, n);
}

static const char *
dev(void)
{
	return pick(30) == 0 ? "nowhere" : pick(2) == 0 ? "dpdk0" : "dpdk1";
}

static struct dpvs_service_key
random_key(void)
{
	g_autofree char *vip = pick(4) == 0 ? g_strdup_printf("2001:db8::%d", 1 + pick(3)) :
					      g_strdup_printf("192.0.2.%d", 1 + pick(4));

	return rec_key(vip, (uint16_t)(80 + pick(2)), pick(3) == 0 ? IPPROTO_UDP : IPPROTO_TCP);
}

static struct dpvs_service_conf
random_service(void)
{
	static const char *const scheds[] = { "rr", "wrr", "wlc", "mh", "none" };
	struct dpvs_service_conf conf = { .key = random_key(), .set = DPVS_SERVICE_SET_SCHED };

	g_strlcpy(conf.sched, scheds[pick(40) == 0 ? 4 : pick(4)], sizeof(conf.sched));
	if (pick(2) == 0) {
		conf.set |= DPVS_SERVICE_SET_CONN_TIMEOUT;
		conf.conn_timeout_s = (uint32_t)pick(3) * 60;
	}
	return conf;
}

static struct dpvs_dest_conf
random_dest(const struct dpvs_service_key *svc)
{
	g_autofree char *addr = svc->vip.family == AF_INET6 ? g_strdup_printf("2001:db8:1::%d", 1 + pick(6)) :
							      g_strdup_printf("198.51.100.%d", 1 + pick(6));
	uint8_t fwd = pick(3) == 0 ? DPVS_FWD_DR : DPVS_FWD_FULLNAT;

	return rec_dest(svc, addr, svc->port, fwd, (uint32_t)pick(4));
}

static struct dpvs_laddr_conf
random_laddr(const struct dpvs_service_key *svc)
{
	int n = 1 + pick(4);
	g_autofree char *addr = svc->vip.family == AF_INET6 ? g_strdup_printf("2001:db8:2::%d", n) :
							      g_strdup_printf("198.51.100.%d", 100 + n);

	return rec_laddr(svc, addr, n % 2 == 0 ? "dpdk0" : "dpdk1");
}

/* What is named as the last argument of set(): id, records, how many. */
static int
set(uint32_t id, const void *records, uint32_t size, uint32_t count)
{
	int err = harness_set(id, records, size, count);

	if (err == 0)
		done_well++;
	else
		done_badly++;
	return err;
}

static void
change_services(void)
{
	static const uint32_t ids[] = { DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT,
					DPVS_SET_SERVICE_DEL };
	struct dpvs_service_conf conf[4];
	uint32_t n = 1 + (uint32_t)pick(3);

	for (uint32_t i = 0; i < n; i++)
		conf[i] = random_service();
	if (pick(60) == 0)
		set(DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	else
		set(ids[pick(4)], conf, sizeof(conf[0]), n);
}

static void
change_dests(void)
{
	static const uint32_t ids[] = { DPVS_SET_DEST_ADD, DPVS_SET_DEST_ADD, DPVS_SET_DEST_EDIT, DPVS_SET_DEST_DEL };
	struct dpvs_service_key key = random_key();
	struct dpvs_dest_conf conf[BURST];
	uint32_t n = 1 + (uint32_t)pick(3);

	for (uint32_t i = 0; i < n; i++)
		conf[i] = random_dest(&key);
	set(ids[pick(4)], conf, sizeof(conf[0]), n);
}

static void
change_laddrs(void)
{
	struct dpvs_service_key key = random_key();
	struct dpvs_laddr_conf conf = random_laddr(&key);

	if (pick(8) == 0)
		set(DPVS_SET_LADDR_FLUSH, &key, sizeof(key), 1);
	else
		set(pick(3) == 0 ? DPVS_SET_LADDR_DEL : DPVS_SET_LADDR_ADD, &conf, sizeof(conf), 1);
}

static void
change_addrs(void)
{
	static const uint32_t ids[] = { DPVS_SET_ADDR_ADD, DPVS_SET_ADDR_ADD, DPVS_SET_ADDR_DEL, DPVS_SET_ADDR_SET };
	struct dpvs_addr_conf conf = { .plen = 24 };
	bool six = pick(3) == 0;
	int n = pick(4);
	g_autofree char *addr = six ? g_strdup_printf("2001:db8:%d::1", n) : g_strdup_printf("10.0.%d.1", n);

	conf.addr = rec_addr(addr);
	if (six)
		conf.plen = 64;
	if (pick(5) == 0)
		conf.valid_lft_s = 1000;
	g_strlcpy(conf.dev, dev(), sizeof(conf.dev));
	if (pick(20) == 0) {
		memset(&conf.addr, 0, sizeof(conf.addr));
		set(DPVS_SET_ADDR_FLUSH, &conf, sizeof(conf), 1);
	} else {
		set(ids[pick(4)], &conf, sizeof(conf), 1);
	}
}

static void
change_routes(void)
{
	static const uint32_t ids[] = { DPVS_SET_ROUTE_ADD, DPVS_SET_ROUTE_ADD, DPVS_SET_ROUTE_DEL, DPVS_SET_ROUTE_SET };
	struct dpvs_route_conf conf = { .plen = 24, .metric = (uint32_t)pick(2) };
	bool six = pick(3) == 0;
	int n = pick(6);
	g_autofree char *dst = six ? g_strdup_printf("2001:db8:f%d::", n) : g_strdup_printf("203.0.%d.0", n);
	g_autofree char *via = six ? g_strdup_printf("2001:db8:%d::2", pick(4)) : g_strdup_printf("10.0.%d.2", pick(4));

	conf.dst = rec_addr(dst);
	if (six)
		conf.plen = 48;
	if (pick(2) == 0)
		conf.via = rec_addr(via);
	else
		g_strlcpy(conf.dev, dev(), sizeof(conf.dev));
	conf.op = (uint8_t)(six ? pick(3) : 0);
	if (pick(20) == 0) {
		conf = (struct dpvs_route_conf){ 0 };
		set(six ? DPVS_SET_ROUTE6_FLUSH : DPVS_SET_ROUTE_FLUSH, &conf, sizeof(conf), 1);
	} else {
		set(six ? DPVS_SET_ROUTE6 : ids[pick(4)], &conf, sizeof(conf), 1);
	}
}

static void
change_neighs(void)
{
	struct dpvs_neigh_conf conf = { .mac = { 2, 0, 0, 0, 1, (uint8_t)pick(4) } };
	g_autofree char *addr = pick(3) == 0 ? g_strdup_printf("fe80::%d", 1 + pick(4)) : g_strdup_printf("10.0.0.%d", 2 + pick(4));

	conf.addr = rec_addr(addr);
	g_strlcpy(conf.dev, dev(), sizeof(conf.dev));
	if (pick(3) == 0) {
		set(DPVS_SET_NEIGH_DEL, &conf, sizeof(conf), 1);
		return;
	}
	conf.flags = pick(2) == 0 ? DPVS_NEIGH_REPLACE : 0;
	set(DPVS_SET_NEIGH_ADD, &conf, sizeof(conf), 1);
}

static void
change_port(void)
{
	struct dpvs_port_conf conf = { .set = pick(2) == 0 ? DPVS_PORT_SET_MTU : DPVS_PORT_SET_UP };

	g_strlcpy(conf.name, dev(), sizeof(conf.name));
	conf.mtu = pick(8) == 0 ? 10 : 1400 + (uint32_t)pick(3) * 20;
	conf.up = pick(2) == 0;
	set(DPVS_SET_NETIF_PORT, &conf, sizeof(conf), 1);
}

/* struct transaction: many families at once, with every mode. */
struct transaction {
	gint done;
	int result;
};

static gpointer
run_transaction(gpointer arg)
{
	static const uint32_t modes[] = { 0, DPVS_TXN_UNCHANGED, DPVS_TXN_REPLACE, DPVS_TXN_SYNC };
	struct transaction *t = arg;
	struct dpvs_client *client = NULL;
	struct dpvs_txn *txn = NULL;

	t->result = dpvs_client_open(harness_socket(), 20000, &client);
	if (t->result == 0)
		t->result = dpvs_txn_begin(client, modes[pick(4)], 0, &txn);
	for (int i = pick(4); t->result == 0 && i >= 0; i--) {
		struct dpvs_service_conf svc = random_service();
		struct dpvs_dest_conf dests[BURST];
		struct dpvs_laddr_conf laddr = random_laddr(&svc.key);
		uint32_t n = 1 + (uint32_t)pick(4);

		for (uint32_t k = 0; k < n; k++)
			dests[k] = random_dest(&svc.key);
		t->result = dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		if (t->result == 0)
			t->result = dpvs_txn_set(txn, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), n);
		if (t->result == 0 && pick(2) == 0)
			t->result = dpvs_txn_set(txn, DPVS_SET_LADDR_ADD, &laddr, sizeof(laddr), 1);
		/* What was added goes again, or the other way round. */
		if (t->result == 0 && pick(6) == 0)
			t->result = dpvs_txn_set(txn, DPVS_SET_SERVICE_DEL, &svc, sizeof(svc), 1);
		if (t->result == 0 && pick(6) == 0)
			t->result = dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	}
	if (t->result == 0)
		t->result = dpvs_txn_commit(txn, NULL);
	else
		dpvs_txn_abort(txn);
	dpvs_client_close(client);
	g_atomic_int_set(&t->done, 1);
	return NULL;
}

/* Where a subscriber is to be put that comes while a change is being prepared; NULL: none is to. */
static struct listener **comes;

static void
change_by_transaction(void)
{
	struct transaction t = { 0 };
	GThread *thread = g_thread_new("transaction", run_transaction, &t);

	while (!g_atomic_int_get(&t.done)) {
		g_main_context_iteration(NULL, FALSE); /* one turn, so that a change is seen half-way */
		if (comes != NULL && change_busy()) {
			*comes = listener_new(0);
			comes = NULL;
		}
		g_usleep(20);
	}
	g_thread_join(thread);
	if (t.result == 0)
		done_well++;
	else
		done_badly++;
}

static void
change_something(void)
{
	static void (*const what[])(void) = {
		change_services, change_dests, change_dests, change_dests, change_laddrs,	  change_laddrs,
		change_addrs,	 change_addrs, change_routes, change_neighs, change_by_transaction, change_port,
	};

	what[pick(G_N_ELEMENTS(what))]();
}

/* ---- models ---- */

/* The daemon's state, all of one generation: it moves for what clients do only, and they do nothing now. */
static GHashTable *
state(uint32_t kinds, uint64_t *ret_generation)
{
	GHashTable *objects = listener_state(kinds, ret_generation);

	g_assert_cmpuint(change_generation(), ==, *ret_generation);
	return objects;
}

/* @l is told of all that was committed, and has what the daemon has. */
static void
check_model(struct listener *l)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	g_autofree char *difference = NULL;
	uint64_t generation;
	GHashTable *want = state(l->kinds & STATE_KINDS, &generation);

	while (l->generation < generation || !l->synced || l->within) {
		if (listener_read(l, SIZE_MAX) == 0)
			harness_pump(1);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	g_assert_cmpuint(l->generation, ==, generation);
	difference = listener_difference(l->objects, want);
	if (difference != NULL) {
		g_test_message("generation %" PRIu64 ": %s", generation, difference);
		g_assert_not_reached();
	}
	g_hash_table_unref(want);
}

/* ---- the tests ---- */

static void
start(const char *more)
{
	g_autofree char *conf = g_strconcat("[service]\nmax-services = 64\nmax-dests = 4096\n", more, NULL);

	harness_start(PORTS, conf);
	harness_pump(50);
}

/* Each change by itself: exactly what it did is told. */
static void
test_each(void)
{
	struct listener *all, *some = NULL;

	done_well = done_badly = 0;
	start("");
	all = listener_new(0);
	listener_wait(all, listener_is_synced);
	for (unsigned int i = 0; i < ops; i++) {
		change_something();
		check_model(all);
		if (some != NULL)
			check_model(some);
		if (i % 50 == 49) {
			if (some != NULL)
				listener_free(some);
			some = listener_new(DPVS_EVENT_GENERATION | DPVS_EVENT_SERVICE | (uint32_t)pick(256));
			listener_wait(some, listener_is_synced);
		}
	}
	g_assert_cmpuint(all->restarts, ==, 0);
	/* Both kinds were tried, and much was told. */
	g_assert_cmpuint(done_well, >, ops / 5);
	g_assert_cmpuint(done_badly, >, ops / 10);
	g_assert_cmpuint(all->events[DPVS_EVENT_OP_ADD], >, ops / 5);
	g_assert_cmpuint(all->events[DPVS_EVENT_OP_CHANGE], >, ops / 20);
	g_assert_cmpuint(all->events[DPVS_EVENT_OP_DEL], >, ops / 20);
	g_test_message("%u changes, %u refused; %" PRIu64 " events, last generation %" PRIu64, done_well,
		       done_badly, all->serial, all->generation);
	if (some != NULL)
		listener_free(some);
	listener_free(all);
	harness_stop();
}

/* Sum over the objects, whatever their order. */
static uint64_t
digest(GHashTable *objects)
{
	GHashTableIter iter;
	gpointer key, value;
	uint64_t sum = 1;

	g_hash_table_iter_init(&iter, objects);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		uint64_t h = g_bytes_hash(key);
		gsize size;
		const guint8 *data = g_bytes_get_data(value, &size);

		for (gsize i = 0; i < size; i++)
			h = (h ^ data[i]) * 0x100000001b3;
		sum += h ^ h >> 29;
	}
	return sum;
}

/** struct history: digests of the states that were. */
struct history {
	GHashTable *by_generation;
	unsigned int compared;
};

static void
compare_with_history(struct listener *l, void *arg)
{
	struct history *h = arg;
	const uint64_t *want = g_hash_table_lookup(h->by_generation, &l->generation);

	if (want == NULL)
		return;
	g_assert_cmpuint(digest(l->objects), ==, *want);
	h->compared++;
}

static void
remember(struct history *h)
{
	uint64_t generation;
	GHashTable *objects = state(STATE_KINDS, &generation);
	uint64_t *pair = g_new(uint64_t, 2);

	pair[0] = generation;
	pair[1] = digest(objects);
	g_hash_table_replace(h->by_generation, pair, g_memdup2(&pair[1], sizeof(*pair)));
	g_hash_table_unref(objects);
}

/* Many servers, so that the present state takes many slices. */
static void
fill(unsigned int services, unsigned int dests)
{
	g_autofree struct dpvs_dest_conf *conf = g_new(struct dpvs_dest_conf, dests);

	for (unsigned int i = 0; i < services; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.200", (uint16_t)(1000 + i), IPPROTO_TCP, "rr");

		g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
		for (unsigned int k = 0; k < dests; k++) {
			g_autofree char *addr = g_strdup_printf("172.16.%u.%u", k / 200, 1 + k % 200);

			conf[k] = rec_dest(&svc.key, addr, svc.key.port, DPVS_FWD_DR, 1);
		}
		g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, conf, sizeof(conf[0]), dests), ==, 0);
	}
}

/* A change of what is listed: taken away, changed, added again, in the first, the middle, the last service. */
static void
change_filled(unsigned int services, unsigned int dests)
{
	struct dpvs_service_key key = rec_key("192.0.2.200", (uint16_t)(1000 + (unsigned int)pick((int)services)), IPPROTO_TCP);
	unsigned int k = (unsigned int)pick((int)dests);
	g_autofree char *addr = g_strdup_printf("172.16.%u.%u", k / 200, 1 + k % 200);
	struct dpvs_dest_conf conf = rec_dest(&key, addr, key.port, DPVS_FWD_DR, 1 + (uint32_t)pick(9));
	static const uint32_t ids[] = { DPVS_SET_DEST_ADD, DPVS_SET_DEST_EDIT, DPVS_SET_DEST_DEL };
	struct dpvs_dest_conf taken_back[2] = { conf, conf };

	if (pick(2) == 0) {
		set(ids[pick(3)], &conf, sizeof(conf), 1);
		return;
	}
	/* Removed, and not removed after all: the second record is refused. */
	taken_back[1].port++;
	set(DPVS_SET_DEST_DEL, taken_back, sizeof(conf), 2);
}

/* Changes while subscribers are being given the present state: at synced, and after each change from there on, they have what was. */
static void
test_during_present(void)
{
	struct history h = { g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free), 0 };
	struct listener *l[3];
	unsigned int spread = 0;

	start("");
	fill(10, 400);
	for (unsigned int i = 0; i < G_N_ELEMENTS(l); i++) {
		l[i] = listener_new(0);
		l[i]->settled = compare_with_history;
		l[i]->settled_arg = &h;
	}
	remember(&h);
	for (unsigned int i = 0; i < 200; i++) {
		bool before = l[0]->synced;

		if (pick(3) == 0)
			change_something();
		else
			change_filled(10, 400);
		remember(&h);
		for (unsigned int k = 0; k < G_N_ELEMENTS(l); k++)
			listener_read(l[k], (size_t)20000 * (k + 1));
		spread += !before;
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(l); i++) {
		check_model(l[i]);
		g_assert_cmpuint(l[i]->syncs, ==, 1);
		g_assert_cmpuint(l[i]->restarts, ==, 0);
		listener_free(l[i]);
	}
	/* It was as meant: many changes fell into the listing, and many states were compared. */
	g_assert_cmpuint(spread, >, 20);
	g_assert_cmpuint(h.compared, >, 10);
	g_hash_table_unref(h.by_generation);
	harness_stop();
}

/* Large changes, prepared in the smallest slices, while others subscribe: what is not committed is not seen. */
static void
test_during_prepare(void)
{
	struct history h = { g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free), 0 };
	struct listener *l = NULL;
	unsigned int syncs = 0;

	start("");
	change_set_slice(0);
	fill(3, 100);
	for (unsigned int i = 0; i < 150; i++) {
		remember(&h);
		comes = l == NULL ? &l : NULL;
		change_by_transaction();
		remember(&h);
		if (l == NULL)
			continue; /* it was over too soon */
		l->settled = compare_with_history;
		l->settled_arg = &h;
		listener_read(l, SIZE_MAX);
		if (l->synced && pick(3) == 0) {
			check_model(l);
			listener_free(l);
			l = NULL;
			syncs++;
		}
	}
	g_assert_cmpuint(syncs, >, 10);
	g_assert_cmpuint(h.compared, >, 10);
	comes = NULL;
	if (l != NULL)
		listener_free(l);
	g_hash_table_unref(h.by_generation);
	harness_stop();
}

/* Who does not read is told how much it missed, begins again, and is right in the end. */
static void
test_slow(void)
{
	struct listener *slow, *fast;
	uint64_t generation = 0;

	start("[event]\nbacklog = 65536\n");
	fill(4, 400);
	slow = listener_new(0);
	fast = listener_new(0);
	listener_wait(slow, listener_is_synced);
	listener_wait(fast, listener_is_synced);
	/* Far more than socket buffers and the log hold. */
	for (unsigned int i = 0; i < 300; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.201", 80, IPPROTO_TCP, "rr");
		struct dpvs_dest_conf conf[BURST];

		set(i % 2 == 0 ? DPVS_SET_SERVICE_ADD : DPVS_SET_SERVICE_DEL, &svc, sizeof(svc), 1);
		for (unsigned int k = 0; k < BURST; k++) {
			struct dpvs_service_key key = rec_key("192.0.2.200", 1000 + i % 4, IPPROTO_TCP);
			g_autofree char *addr = g_strdup_printf("172.16.0.%u", 1 + k);

			conf[k] = rec_dest(&key, addr, key.port, DPVS_FWD_DR, 2 + i);
		}
		g_assert_cmpint(set(DPVS_SET_DEST_EDIT, conf, sizeof(conf[0]), BURST), ==, 0);
		while (fast->generation < change_generation())
			if (listener_read(fast, SIZE_MAX) == 0)
				harness_pump(1);
		if (i % 50 == 0)
			check_model(fast);
	}
	check_model(fast);
	g_assert_cmpuint(fast->restarts, ==, 0);
	/* The daemon has kept what the sockets take and what the log may hold, not more. */
	g_assert_cmpuint(slow->syncs, ==, 1);
	generation = slow->generation;
	check_model(slow);
	g_assert_cmpuint(slow->restarts, >=, 1);
	g_assert_cmpuint(slow->missed, >, 100);
	g_assert_cmpuint(slow->generation, >, generation);
	/* Told or missed: no event of those that the other one has is unaccounted for. */
	g_assert_cmpuint(harness_stat("event", "missed"), ==, slow->missed);
	g_assert_cmpuint(harness_stat("event", "restarts"), ==, slow->restarts);
	listener_free(slow);
	listener_free(fast);

	/* A change that is more than the log: all begin again. */
	fast = listener_new(0);
	listener_wait(fast, listener_is_synced);
	g_assert_cmpint(set(DPVS_SET_SERVICE_FLUSH, NULL, 0, 0), ==, 0);
	check_model(fast);
	g_assert_cmpuint(fast->restarts, ==, 1);
	g_assert_cmpuint(fast->missed, >, 1600);
	listener_free(fast);
	harness_stop();
}

int
main(int argc, char **argv)
{
	const char *n = getenv("EVENT_OPS");
	int ret;

	g_test_init(&argc, &argv, NULL);
	if (n != NULL)
		ops = (unsigned int)strtoul(n, NULL, 10);
	harness_init(2);
	g_test_add_func("/event-random/each", test_each);
	g_test_add_func("/event-random/during-present", test_during_present);
	g_test_add_func("/event-random/during-prepare", test_during_prepare);
	g_test_add_func("/event-random/slow", test_slow);
	ret = g_test_run();
	harness_fini();
	return ret;
}
