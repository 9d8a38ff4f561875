/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of local addresses: unique per address and server over all workers, used longest ago first, taken
 * over from connections that have ended, and moved between workers. One thread plays the workers.
 */
#include "lb/laddr_port.h"

#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <rte_byteorder.h>
#include <rte_ethdev.h>

#include <dpvsctrl/proto/conn.h>

#include "core/lcore.h"
#include "lb/conn_table.h"
#include "net/netif.h"
#include "net/port.h"
#include "net/rss.h"

#define WORKERS 3
#define LADDRS 8
#define PORTS (LADDR_BLOCKS * LADDR_BLOCK_PORTS)

RTE_DEFINE_PER_LCORE(struct lcore_self, lcore_self);

/* In place of net/: there are no ports to learn from. */
const struct netif *
netif_get(uint16_t port)
{
	return NULL;
}

uint16_t
netif_count(void)
{
	return 0;
}

unsigned int
port_rx_worker(uint16_t port, uint16_t queue)
{
	return 0;
}

static struct conn_table tables[WORKERS];
static uint16_t rx_port = UINT16_MAX;

static void
start(uint32_t max)
{
	lcore_me()->now_ms = 1000;
	g_assert_cmpint(laddr_port_init(LADDRS, WORKERS), ==, 0);
	for (unsigned int w = 0; w < WORKERS; w++)
		g_assert_cmpint(conn_table_init(&tables[w], max), ==, 0);
}

static void
stop(void)
{
	for (unsigned int w = 0; w < WORKERS; w++)
		conn_table_fini(&tables[w]);
	laddr_port_fini();
}

static void
end(unsigned int w, uint32_t laddr, struct conn *c)
{
	conn_unlink(&tables[w], c, CONN_OUT);
	laddr_port_free(w, laddr, c->tuple[CONN_OUT].dport);
	conn_free(&tables[w], c);
}

/* What conn_open() does. Returns what laddr_port_alloc() said. */
static int
begin(unsigned int w, uint32_t laddr, uint32_t server, uint8_t af, struct conn **ret_conn)
{
	struct conn *c = conn_alloc(&tables[w]), *old = NULL;
	int err;

	g_assert_nonnull(c);
	c->af = af;
	c->proto = IPPROTO_TCP;
	c->state = DPVS_CONN_ESTABLISHED;
	c->tuple[CONN_OUT].sport = rte_cpu_to_be_16(80);
	if (af == AF_INET) {
		c->tuple[CONN_OUT].src = server;
		c->tuple[CONN_OUT].dst = laddr + 1;
	} else {
		memset(conn_addrs6(&tables[w], c), 0, sizeof(struct conn_addrs6));
		conn_addrs6(&tables[w], c)->dir[CONN_OUT].src.u32[3] = server;
		conn_addrs6(&tables[w], c)->dir[CONN_OUT].dst.u32[3] = laddr + 1;
	}
	err = laddr_port_alloc(&tables[w], w, laddr, c, rx_port, &old);
	if (err == -EAGAIN) {
		conn_free(&tables[w], c);
		return err;
	}
	laddr_port_take(w, laddr, c->tuple[CONN_OUT].dport);
	if (err == -EADDRINUSE) {
		g_assert_nonnull(old);
		g_assert_cmpuint(old->tuple[CONN_OUT].dport, ==, c->tuple[CONN_OUT].dport);
		end(w, laddr, old);
	}
	g_assert_cmpint(conn_link(&tables[w], c, CONN_OUT), ==, 0);
	g_assert_cmpuint(laddr_port_owner(laddr, c->tuple[CONN_OUT].dport), ==, w);
	*ret_conn = c;
	return err;
}

static unsigned int
port_of(const struct conn *c)
{
	return rte_be_to_cpu_16(c->tuple[CONN_OUT].dport);
}

/* One port serves every server; to one server each port is used once, then the oldest comes again. */
static void
test_order(void)
{
	struct conn *c, *other;
	unsigned int first, count = 0;

	start(1000);
	g_assert_cmpuint(laddr_port_owner(0, rte_cpu_to_be_16(5000)), ==, LADDR_OWNER_NONE);
	g_assert_cmpuint(laddr_port_owner(0, rte_cpu_to_be_16(80)), ==, LADDR_OWNER_NONE);
	g_assert_cmpint(begin(0, 0, 1, AF_INET, &c), ==, 0);
	first = port_of(c);
	g_assert_cmpuint(first, >=, LADDR_PORT_FIRST);
	g_assert_cmpint(begin(0, 0, 2, AF_INET, &other), ==, 0);
	end(0, 0, other);
	/* Free again, but used a moment ago: the others first. */
	end(0, 0, c);
	do {
		g_assert_cmpint(begin(0, 0, 1, AF_INET, &c), ==, 0);
		end(0, 0, c);
		count++;
	} while (port_of(c) != first);
	g_assert_cmpuint(count, ==, LADDR_BLOCK_PORTS);
	stop();
}

static void
fill(uint8_t af)
{
	g_autofree uint8_t *owner = g_new0(uint8_t, 65536);
	GPtrArray *all[WORKERS];
	GArray *ports = g_array_new(FALSE, FALSE, sizeof(rte_be16_t));
	unsigned int count = 0, refused = 0, reused = 0;

	start(PORTS + 100);
	for (unsigned int w = 0; w < WORKERS; w++)
		all[w] = g_ptr_array_new();
	while (refused < 10 * WORKERS) {
		struct conn *c;
		unsigned int w = count % WORKERS;

		if (begin(w, 3, 1, af, &c) != 0) {
			refused++;
			count++;
			continue;
		}
		count++;
		g_assert_cmpuint(owner[port_of(c)], ==, 0);
		owner[port_of(c)] = (uint8_t)(w + 1);
		g_ptr_array_add(all[w], c);
	}
	g_assert_cmpuint(all[0]->len + all[1]->len + all[2]->len, ==, PORTS);
	g_assert_cmpuint(laddr_port_blocks(0, 3) + laddr_port_blocks(1, 3) + laddr_port_blocks(2, 3), ==,
			 LADDR_BLOCKS);

	/* They end: each port can be taken over at once, in the order of their age from where the search is. */
	for (unsigned int w = 0; w < WORKERS; w++) {
		for (unsigned int i = 0; i < all[w]->len; i++)
			((struct conn *)all[w]->pdata[i])->state = i % 2 != 0 ? DPVS_CONN_TIME_WAIT : DPVS_CONN_CLOSE;
	}
	for (unsigned int i = 0; i < all[1]->len; i++)
		g_array_append_val(ports, ((struct conn *)all[1]->pdata[i])->tuple[CONN_OUT].dport);
	for (unsigned int i = 0, at = 0; i < all[1]->len; i++, at = (at + 1) % ports->len) {
		struct conn *c;

		g_assert_cmpint(begin(1, 3, 1, af, &c), ==, -EADDRINUSE);
		while (i == 0 && g_array_index(ports, rte_be16_t, at) != c->tuple[CONN_OUT].dport)
			at++;
		g_assert_cmpuint(g_array_index(ports, rte_be16_t, at), ==, c->tuple[CONN_OUT].dport);
		all[1]->pdata[at] = c;
		reused++;
	}
	g_array_unref(ports);
	g_assert_cmpuint(reused, >, PORTS / WORKERS / 2);

	/* When all have gone, most blocks are given back, and another worker can have them. */
	for (unsigned int w = 0; w < WORKERS; w++) {
		for (unsigned int i = 0; i < all[w]->len; i++)
			end(w, 3, all[w]->pdata[i]);
		g_assert_cmpuint(tables[w].count, ==, 0);
		g_ptr_array_unref(all[w]);
	}
	g_assert_cmpuint(laddr_port_blocks(0, 3) + laddr_port_blocks(1, 3) + laddr_port_blocks(2, 3), <, 100);
	stop();
}

static void
test_fill4(void)
{
	fill(AF_INET);
}

static void
test_fill6(void)
{
	fill(AF_INET6);
}

/* A worker that has all blocks gives up what is above its share when another one needs ports. */
static void
test_move(void)
{
	GPtrArray *all = g_ptr_array_new();
	struct conn *c;

	start(PORTS + 100);
	while (begin(0, 0, 1, AF_INET, &c) == 0)
		g_ptr_array_add(all, c);
	g_assert_cmpuint(all->len, ==, PORTS);
	g_assert_cmpint(begin(2, 0, 1, AF_INET, &c), ==, -EAGAIN);
	g_assert_false(laddr_port_tidy(0));
	/* Half of the connections end, one in two: blocks become idle only as the rest goes. */
	for (unsigned int i = 0; i < all->len; i++) {
		if (i % (2 * LADDR_BLOCK_PORTS) < LADDR_BLOCK_PORTS)
			end(0, 0, all->pdata[i]);
	}
	g_assert_cmpuint(laddr_port_blocks(0, 0), <, LADDR_BLOCKS);
	g_assert_cmpint(begin(2, 0, 1, AF_INET, &c), ==, 0);
	g_assert_cmpuint(laddr_port_owner(0, c->tuple[CONN_OUT].dport), ==, 2);
	end(2, 0, c);
	/* Draining blocks give no ports to their owner any more, and go when they are idle. */
	laddr_port_tidy(0);
	g_assert_cmpuint(laddr_port_blocks(0, 0), <=, LADDR_BLOCKS / 2 + 1);
	for (unsigned int i = 0; i < all->len; i++) {
		if (i % (2 * LADDR_BLOCK_PORTS) >= LADDR_BLOCK_PORTS)
			end(0, 0, all->pdata[i]);
	}
	laddr_port_tidy(0);
	g_assert_cmpuint(laddr_port_blocks(0, 0), ==, 0);
	g_ptr_array_unref(all);
	stop();
}

/* Nobody asks for ports any more: idle blocks stay where they are. */
static void
test_tidy_idle(void)
{
	struct conn *c;

	start(100);
	g_assert_cmpint(begin(0, 0, 1, AF_INET, &c), ==, 0);
	end(0, 0, c);
	lcore_me()->now_ms += 60000;
	g_assert_false(laddr_port_tidy(0));
	g_assert_cmpuint(laddr_port_blocks(0, 0), ==, 1);
	stop();
}

/* A port that spreads answers: they arrive where the connection is. The key and hashes are Microsoft's. */
static void
test_rss(gconstpointer data)
{
	static const uint8_t key[RSS_KEY_SIZE] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
		0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
		0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
	};
	uint8_t af = (uint8_t)GPOINTER_TO_UINT(data);
	const union ip_addr src = { .ip4 = rte_cpu_to_be_32(0x420995bb) };
	const union ip_addr dst = { .ip4 = rte_cpu_to_be_32(0xa18e6450) };
	struct rss_conf conf = {
		.hash_types = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP,
		.reta_size = 128,
	};
	unsigned int home = 0;
	struct conn *c;

	memcpy(conf.key, key, sizeof(key));
	for (unsigned int i = 0; i < conf.reta_size; i++)
		conf.workers[i] = (uint8_t)(i % WORKERS);
	rss_set(2, &conf);
	/* 66.9.149.187:2794 to 161.142.100.80:1766 hashes to 51ccc178. */
	g_assert_cmpuint(rss_worker(2, AF_INET, IPPROTO_TCP, &src, &dst, rte_cpu_to_be_16(2794), rte_cpu_to_be_16(1766)),
			 ==, (0x51ccc178 & 127) % WORKERS);
	g_assert_cmpuint(rss_worker(2, AF_INET, IPPROTO_UDP, &src, &dst, 1, 2), ==, RSS_UNKNOWN);
	g_assert_cmpuint(rss_worker(1, AF_INET, IPPROTO_TCP, &src, &dst, 1, 2), ==, RSS_UNKNOWN);

	start(10000);
	rx_port = 2;
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int w = i % WORKERS;
		union ip_addr rs = { .ip4 = 1 }, la = { .ip4 = 1 };

		g_assert_cmpint(begin(w, 0, 1, af, &c), ==, 0);
		if (af == AF_INET6) {
			rs = conn_addrs6(&tables[w], c)->dir[CONN_OUT].src;
			la = conn_addrs6(&tables[w], c)->dir[CONN_OUT].dst;
		}
		home += rss_worker(2, af, IPPROTO_TCP, &rs, &la, c->tuple[CONN_OUT].sport,
				   c->tuple[CONN_OUT].dport) == w;
	}
	/* A third would by chance. */
	g_test_message("%u of 3000 come home", home);
	g_assert_cmpuint(home, >, 3000 * 85 / 100);
	/* A table that never leads to us: ports are given all the same. */
	g_assert_true(rss_serves(2, 0));
	memset(conf.workers, WORKERS, sizeof(conf.workers));
	rss_set(2, &conf);
	g_assert_false(rss_serves(2, 0));
	for (unsigned int i = 0; i < 100; i++)
		g_assert_cmpint(begin(0, 1, 1, af, &c), ==, 0);
	rx_port = UINT16_MAX;
	rss_forget();
	g_assert_false(rss_any());
	stop();
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/laddr-port/order", test_order);
	g_test_add_func("/laddr-port/fill/ipv4", test_fill4);
	g_test_add_func("/laddr-port/fill/ipv6", test_fill6);
	g_test_add_func("/laddr-port/move", test_move);
	g_test_add_func("/laddr-port/tidy/nobody asks", test_tidy_idle);
	g_test_add_data_func("/laddr-port/rss/ipv4", GUINT_TO_POINTER(AF_INET), test_rss);
	g_test_add_data_func("/laddr-port/rss/ipv6", GUINT_TO_POINTER(AF_INET6), test_rss);
	return g_test_run();
}
