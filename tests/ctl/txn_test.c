/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions over the socket of the whole daemon: all or nothing across families, who is told what, what may
 * not be staged, what is left when a client goes; and that others are served while a large one is prepared.
 * Clients are descriptors of this thread, which runs the main loop turn by turn: what is served when is counted.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/event.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/wire.h>

#include "core/change_priv.h"
#include "core/lcore.h"
#include "core/log.h"
#include "daemon.h"
#include "harness.h"
#include "lb_records.h"
#include "overwrite.h"
#include "peer.h"

#define WORKERS   2
#define MANY      100000 /* servers of the large transaction */
#define MANY_EACH 2000   /* of one service */
#define QUOTA     "65536"
#define QUOTA_ALL "98304"

static int
begin(struct peer *p, uint32_t flags)
{
	struct dpvs_txn_begin b = { .flags = flags };

	return peer_set(p, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1);
}

/* Stages what is in @requests, and empties it. */
static int
append(struct peer *p, GByteArray *requests)
{
	int err = peer_set(p, DPVS_SET_TXN_APPEND, requests->data, 1, requests->len);

	g_byte_array_set_size(requests, 0);
	return err;
}

static int
commit(struct peer *p)
{
	return peer_set(p, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
}

/* A service, two servers, a local address, an address, a route and a neighbour, as many requests: 7 records. */
static void
put_families(GByteArray *out)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_dest_conf dests[2] = {
		rec_dest(&svc.key, "198.51.100.11", 80, DPVS_FWD_FULLNAT, 1),
		rec_dest(&svc.key, "198.51.100.12", 80, DPVS_FWD_FULLNAT, 2),
	};
	struct dpvs_laddr_conf laddr = rec_laddr(&svc.key, "198.51.100.200", "dpdk0");
	struct dpvs_addr_conf addr = { .addr = rec_addr("192.0.2.1"), .dev = "dpdk0", .plen = 24 };
	struct dpvs_route_conf route = {
		.dst = rec_addr("203.0.113.0"), .via = rec_addr("192.0.2.2"), .dev = "dpdk0", .plen = 24,
	};
	struct dpvs_neigh_conf neigh = { .addr = rec_addr("192.0.2.9"), .dev = "dpdk0", .mac = { 2, 0, 0, 0, 0, 9 } };

	peer_put_set(out, DPVS_SET_ADDR_ADD, &addr, sizeof(addr), 1);
	peer_put_set(out, DPVS_SET_ROUTE_ADD, &route, sizeof(route), 1);
	peer_put_set(out, DPVS_SET_NEIGH_ADD, &neigh, sizeof(neigh), 1);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	peer_put_set(out, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), 2);
	peer_put_set(out, DPVS_SET_LADDR_ADD, &laddr, sizeof(laddr), 1);
}

static const uint32_t lists[] = { DPVS_GET_ADDRS, DPVS_GET_ROUTES,   DPVS_GET_NEIGHS,
				  DPVS_GET_SERVICES, DPVS_GET_DESTS, DPVS_GET_LADDRS };

static void
count_all(struct peer *p, uint32_t *counts)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(lists); i++)
		counts[i] = peer_listed(p, lists[i]);
}

static void
start(const char *conf)
{
	harness_start(1, conf);
	harness_pump(1);
}

/* All families at once: one generation for all of it. */
static void
test_all(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	uint32_t before[G_N_ELEMENTS(lists)], after[G_N_ELEMENTS(lists)];
	struct dpvs_hello_info hello;
	struct peer *p;
	uint64_t generation;

	start(NULL);
	p = peer_new();
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, NULL, 0, 0), ==, 0);
	memcpy(&hello, p->a.record, sizeof(hello));
	g_assert_cmpuint(hello.features & DPVS_FEATURE_TRANSACTIONS, ==, DPVS_FEATURE_TRANSACTIONS);
	count_all(p, before);
	generation = change_generation();
	g_assert_cmpint(begin(p, 0), ==, 0);
	put_families(out);
	g_assert_cmpint(append(p, out), ==, 0);
	count_all(p, after);
	g_assert_cmpmem(before, sizeof(before), after, sizeof(after));
	g_assert_cmpuint(change_generation(), ==, generation);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(p->a.generation, ==, generation + 1);
	count_all(p, after);
	for (unsigned int i = 0; i < G_N_ELEMENTS(lists); i++)
		g_assert_cmpuint(after[i], >, before[i]);
	/* It is over. */
	g_assert_cmpint(commit(p), ==, -ENOENT);
	peer_free(p);
	harness_stop();
}

/* The last record of the last request is refused: nothing is left of any family; the index counts over all. */
static void
test_refused(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_service_conf svc = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	struct dpvs_service_conf bad[2] = { svc, rec_service("192.0.2.102", 80, IPPROTO_TCP, "none") };
	uint32_t before[G_N_ELEMENTS(lists)], after[G_N_ELEMENTS(lists)];
	struct peer *p;
	uint64_t generation;

	start(NULL);
	p = peer_new();
	count_all(p, before);
	generation = change_generation();
	g_assert_cmpint(begin(p, 0), ==, 0);
	put_families(out);
	g_assert_cmpint(append(p, out), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0); /* without a record, counts as one */
	peer_put_set(out, DPVS_SET_SERVICE_ADD, bad, sizeof(svc), 2);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, -ENOENT);
	g_assert_cmpuint(p->a.index, ==, 7 + 1 + 1);
	g_assert_nonnull(strstr(p->a.text, "none"));
	g_assert_cmpuint(change_generation(), ==, generation);
	g_assert_false(change_busy());
	count_all(p, after);
	g_assert_cmpmem(before, sizeof(before), after, sizeof(after));
	/* And the same without the bad one goes. */
	g_assert_cmpint(begin(p, 0), ==, 0);
	put_families(out);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	peer_free(p);
	harness_stop();
}

/* Begin twice, the rest without begin, abort; a transaction belongs to its connection. */
static void
test_life(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_txn_begin odd = { .flags = 1u << 4 };
	struct peer *p, *q;

	start(NULL);
	p = peer_new();
	q = peer_new();
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, -ENOENT);
	g_assert_cmpint(commit(p), ==, -ENOENT);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, -ENOENT);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &odd, sizeof(odd), 1), ==, -EINVAL);
	odd = (struct dpvs_txn_begin){ .pad = 1 };
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &odd, sizeof(odd), 1), ==, -EINVAL);
	g_assert_cmpint(begin(p, 0), ==, 0);
	g_assert_cmpint(begin(p, 0), ==, -EALREADY);
	g_assert_cmpint(begin(q, 0), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, 0);
	g_assert_cmpint(commit(p), ==, -ENOENT);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 0);
	/* Empty: nothing happens. */
	g_assert_cmpint(commit(q), ==, 0);
	/* A client that goes away leaves nothing. */
	g_assert_cmpint(begin(q, 0), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(q, out), ==, 0);
	peer_free(q);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 0);
	/* One that has said commit has said it. */
	q = peer_new();
	g_assert_cmpint(begin(q, 0), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(q, out), ==, 0);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_write(q, out->data, out->len);
	shutdown(q->fd, SHUT_WR);
	g_assert_cmpint(peer_answer(q), ==, 0);
	peer_free(q);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 1);
	peer_free(p);
	harness_stop();
}

/* Everything in one write, as a tool does it. */
static void
test_pipelined(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autoptr(GByteArray) inner = g_byte_array_new();
	struct dpvs_txn_begin b = { 0 };
	struct peer *p;

	start(NULL);
	p = peer_new();
	peer_put_set(out, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1);
	for (unsigned int i = 0; i < 50; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.100", (uint16_t)(1000 + i), IPPROTO_UDP, "wlc");

		g_byte_array_set_size(inner, 0);
		peer_put_set(inner, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		peer_put_set(out, DPVS_SET_TXN_APPEND, inner->data, 1, inner->len);
	}
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_SERVICES, NULL, 0, 0);
	peer_write(p, out->data, out->len);
	for (unsigned int i = 0; i < 52; i++)
		g_assert_cmpint(peer_answer(p), ==, 0);
	g_assert_cmpint(peer_answer(p), ==, 0);
	g_assert_cmpuint(p->a.count, ==, 50);
	peer_free(p);
	harness_stop();
}

/* What an append refuses, and that it is staged whole or not at all. */
static void
test_bad_bytes(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_service_key key = rec_key("192.0.2.100", 80, IPPROTO_TCP);
	struct dpvs_txn_begin b = { 0 };
	uint8_t longer[sizeof(svc) + 8] = { 0 };
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_sock_msg *msg;
	struct peer *p;
	guint whole;

	start(NULL);
	p = peer_new();
	g_assert_cmpint(begin(p, 0), ==, 0);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_APPEND, NULL, 0, 0), ==, -EINVAL);

	peer_put_set(out, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	peer_put_set(out, DPVS_SET_SERVICE_GARP, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	peer_put_set(out, DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	peer_put_set(out, 4711, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_SERVICES, NULL, 0, 0);
	g_assert_cmpint(append(p, out), ==, -EBADMSG);
	peer_put(out, 7, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, -EBADMSG);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, NULL, 0, 0);
	g_assert_cmpint(append(p, out), ==, -EINVAL);
	peer_put_set(out, DPVS_SET_SERVICE_FLUSH, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EINVAL);
	/* The record to blame is counted as a commit counts, over all appends; what was refused before does not count. */
	peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	g_assert_cmpuint(p->a.index, ==, 3);
	peer_put_set(out, DPVS_SET_SERVICE_ZERO, &key, sizeof(key), 1);
	g_assert_cmpint(append(p, out), ==, -EOPNOTSUPP);
	g_assert_cmpuint(p->a.index, ==, 2);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, 0);
	g_assert_cmpint(begin(p, 0), ==, 0);
	/* A longer record of a newer client: fine while what is not known here is zero. */
	memcpy(longer, &svc, sizeof(svc));
	longer[sizeof(longer) - 1] = 1;
	peer_put_set(out, DPVS_SET_SERVICE_ADD, longer, sizeof(longer), 1);
	g_assert_cmpint(append(p, out), ==, -E2BIG);
	/* Another version, a body that is not as long as it says, and each piece of a request. */
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	((struct dpvs_sock_msg *)out->data)->version = 0x00030000;
	g_assert_cmpint(append(p, out), ==, -EPROTONOSUPPORT);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	((struct dpvs_sock_msg *)out->data)->len--;
	g_assert_cmpint(append(p, out), ==, -EBADMSG);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	((struct dpvs_sock_msg *)out->data)->len = UINT64_MAX - 8;
	g_assert_cmpint(append(p, out), ==, -EMSGSIZE);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	whole = out->len;
	for (guint len = 1; len < whole; len++) {
		peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		g_byte_array_set_size(out, whole + len);
		g_assert_cmpint(append(p, out), ==, -EBADMSG);
		peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		g_assert_cmpuint(out->len, ==, whole);
	}
	/* None of the good halves was staged. */
	g_byte_array_set_size(out, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 0);

	/* Shorter and longer records are what they are by themselves. */
	g_assert_cmpint(begin(p, 0), ==, 0);
	longer[sizeof(longer) - 1] = 0;
	peer_put_set(out, DPVS_SET_SERVICE_ADD, longer, sizeof(longer), 1);
	peer_put_set(out, DPVS_SET_SERVICE_DEL, &key, sizeof(key), 1);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc) - 4, 1);
	msg = (struct dpvs_sock_msg *)out->data;
	msg->seq = 0;
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 1);
	peer_free(p);
	harness_stop();
}

/* A client's own limit, that of all, and that what is staged is given back. */
static void
test_quota(void)
{
	static uint8_t flood[1 << 20];
	struct dpvs_service_conf svc[256];
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct peer *p, *q;

	start("[control]\ntransaction-bytes = " QUOTA "\ntransactions-bytes = " QUOTA_ALL "\n");
	for (unsigned int i = 0; i < G_N_ELEMENTS(svc); i++)
		svc[i] = rec_service("192.0.2.100", (uint16_t)(1000 + i), IPPROTO_UDP, "rr");
	p = peer_new();
	q = peer_new();
	/* What is refused costs nothing, however often. */
	g_assert_cmpint(begin(p, 0), ==, 0);
	for (unsigned int i = 0; i < 50; i++) {
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc) / 4);
		g_byte_array_append(out, flood, 1);
		g_assert_cmpint(append(p, out), ==, -EBADMSG);
	}
	peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, 0);
	for (unsigned int round = 0; round < 3; round++) {
		g_assert_cmpint(begin(p, 0), ==, 0);
		for (unsigned int i = 0; i < 3; i++) {
			peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
			g_assert_cmpint(append(p, out), ==, 0);
		}
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		g_assert_cmpint(append(p, out), ==, -EDQUOT);
		g_assert_nonnull(strstr(p->a.text, QUOTA));
		g_assert_cmpint(begin(q, 0), ==, 0);
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		g_assert_cmpint(append(q, out), ==, 0);
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		g_assert_cmpint(append(q, out), ==, -EDQUOT);
		g_assert_nonnull(strstr(q->a.text, QUOTA_ALL));
		switch (round) {
		case 0:
			g_assert_cmpint(peer_set(p, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, 0);
			break;
		case 1:
			/* Three times the same: refused, and over. */
			g_assert_cmpint(commit(p), ==, -EEXIST);
			g_assert_cmpuint(p->a.index, ==, 256);
			break;
		default:
			peer_free(p);
			p = peer_new();
			break;
		}
		/* What p had is free for q. */
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), G_N_ELEMENTS(svc));
		g_assert_cmpint(append(q, out), ==, 0);
		g_assert_cmpint(peer_set(q, DPVS_SET_TXN_ABORT, NULL, 0, 0), ==, 0);
	}
	/* Requests that are almost nothing cost memory, too. */
	g_assert_cmpint(begin(p, 0), ==, 0);
	while (out->len < 2000 * sizeof(struct dpvs_sock_msg))
		peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	g_assert_cmpint(append(p, out), ==, -EDQUOT);
	/* More than any append may have. */
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_APPEND, flood, 1, sizeof(flood) + 0), ==, -EDQUOT);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* What is charged is what is held, whatever the sizes of what is staged: as much as the quota, and no more. */
static void
test_charged(void)
{
	/* Bytes of an append: the smallest, two that do not fit into the rest of a block, and one with a block of its own. */
	static const guint sizes[] = { 0, 7000, 33000, 200000 };
	const size_t quota = 8 << 20;
	struct dpvs_service_conf svc[4000];
	struct mallinfo2 before, after;
	struct peer *p;

	start("[control]\ntransaction-bytes = 8388608\n");
	for (unsigned int i = 0; i < G_N_ELEMENTS(svc); i++)
		svc[i] = rec_service("192.0.2.100", (uint16_t)(1000 + i), IPPROTO_UDP, "rr");
	for (unsigned int k = 0; k < G_N_ELEMENTS(sizes); k++) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		uint64_t staged = 0;
		guint len;
		int err;

		p = peer_new();
		g_assert_cmpint(begin(p, DPVS_TXN_UNCHANGED), ==, 0);
		before = mallinfo2();
		do {
			if (sizes[k] == 0)
				peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
			else
				peer_put_set(out, DPVS_SET_SERVICE_ADD, svc, sizeof(svc[0]), sizes[k] / sizeof(svc[0]));
			/* Tiny requests many at a time, or it takes for ever; but not so many that they have a block of their own. */
			while (sizes[k] == 0 && out->len < 8000)
				peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
			len = out->len;
			err = append(p, out);
			staged += err == 0 ? len : 0;
		} while (err == 0);
		g_assert_cmpint(err, ==, -EDQUOT);
		after = mallinfo2();
		/* Beside it, what reads and answers needs. */
		g_assert_cmpuint(after.uordblks + after.hblkhd, <, before.uordblks + before.hblkhd + quota + (600 << 10));
		/* And most of the quota is for what a client stages; of tiny requests there is a list as long as they are. */
		g_assert_cmpuint(staged, >, sizes[k] == 0 ? quota / 3 : quota * 7 / 8 - sizes[k]);
		peer_free(p);
	}
	harness_stop();
}

/* What is refused is not kept: appends that are wrong at their end, each longer than all before. */
static void
test_refused_memory(void)
{
	enum { APPENDS = 200, SHORTEST = 200 << 10, BOUND = 8 << 20 };
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct mallinfo2 before, after;
	struct peer *p;

	start(NULL);
	p = peer_new();
	g_assert_cmpint(begin(p, DPVS_TXN_UNCHANGED), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	before = mallinfo2();
	for (guint i = 0; i < APPENDS; i++) {
		guint good;

		peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		good = out->len;
		g_byte_array_set_size(out, SHORTEST + i * 64);
		memset(out->data + good, 0xff, out->len - good);
		g_assert_cmpint(append(p, out), ==, -EPROTONOSUPPORT);
	}
	after = mallinfo2();
	g_assert_cmpuint(after.uordblks + after.hblkhd, <, before.uordblks + before.hblkhd + BOUND);
	/* What was staged before is as it was, and more can follow. */
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	svc.key.port = 81;
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 2);
	peer_free(p);
	harness_stop();
}

static void
test_generation(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_service_conf other = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	struct dpvs_txn_begin b = { .flags = DPVS_TXN_CHECK_GENERATION };
	struct peer *p, *q;
	uint64_t generation;

	start(NULL);
	p = peer_new();
	q = peer_new();
	g_assert_cmpint(begin(p, DPVS_TXN_CHECK_GENERATION), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(peer_set(q, DPVS_SET_SERVICE_ADD, &other, sizeof(other), 1), ==, 0);
	g_assert_cmpint(commit(p), ==, -EAGAIN);
	g_assert_cmpuint(p->a.index, ==, UINT32_MAX);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 1);
	/* What the client has read earlier counts, not when it began. */
	b.generation = p->a.generation - 1;
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1), ==, 0);
	g_assert_cmpint(commit(p), ==, -EAGAIN);
	b.generation = p->a.generation;
	g_assert_cmpint(peer_set(p, DPVS_SET_TXN_BEGIN, &b, sizeof(b), 1), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 2);
	/* The same again, unchanged: the generation stays; different: only with REPLACE. */
	generation = change_generation();
	g_assert_cmpint(begin(p, DPVS_TXN_UNCHANGED), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation);
	g_strlcpy(svc.sched, "wlc", sizeof(svc.sched));
	g_assert_cmpint(begin(p, DPVS_TXN_UNCHANGED), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, -EEXIST);
	g_assert_cmpuint(p->a.index, ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation);
	g_assert_cmpint(begin(p, DPVS_TXN_REPLACE), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 2);
	/* SYNC takes away the other one. */
	g_assert_cmpint(begin(p, DPVS_TXN_SYNC), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	g_assert_cmpint(commit(p), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 2);
	g_assert_cmpuint(peer_listed(p, DPVS_GET_SERVICES), ==, 1);
	g_assert_cmpmem(((struct dpvs_service_info *)p->a.record)->conf.key.vip.bytes, 16, svc.key.vip.bytes, 16);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* Stages services with @MANY servers. */
static void
stage_many(struct peer *p)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	g_autofree struct dpvs_dest_conf *dests = g_new0(struct dpvs_dest_conf, MANY_EACH);

	g_assert_cmpint(begin(p, 0), ==, 0);
	for (unsigned int i = 0; i < MANY / MANY_EACH; i++) {
		struct dpvs_service_conf svc = rec_service("192.0.2.100", (uint16_t)(1000 + i), IPPROTO_UDP, "rr");

		peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
		for (unsigned int d = 0; d < MANY_EACH; d++) {
			dests[d] = rec_dest(&svc.key, "198.51.100.0", 80, DPVS_FWD_NAT, 1);
			dests[d].addr.bytes[1] = (uint8_t)(51 + i);
			dests[d].addr.bytes[2] = (uint8_t)(d >> 8);
			dests[d].addr.bytes[3] = (uint8_t)d;
		}
		peer_put_set(out, DPVS_SET_DEST_ADD, dests, sizeof(dests[0]), MANY_EACH);
		g_assert_cmpint(append(p, out), ==, 0);
	}
}

/*
 * While a large transaction is prepared, another client's questions are answered, each within some turns of the
 * loop, and show nothing of it; a change waits for its turn.
 */
static void
test_large(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_service_conf one = rec_service("192.0.2.101", 80, IPPROTO_TCP, "rr");
	unsigned int turns = 0, answers = 0;
	struct peer *p, *q, *r;
	uint64_t generation, slices;

	start("[control]\nset-deadline = 120000\n[service]\nmax-dests = 131072\n");
	p = peer_new();
	q = peer_new();
	r = peer_new();
	stage_many(p);
	generation = change_generation();
	slices = harness_stat("change", "slices");
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_SERVICES, NULL, 0, 0);
	peer_write(q, out->data, out->len);
	g_byte_array_set_size(out, 0);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_write(p, out->data, out->len);
	while (!change_busy())
		g_main_context_iteration(NULL, FALSE);
	g_byte_array_set_size(out, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &one, sizeof(one), 1);
	peer_write(r, out->data, out->len);
	g_byte_array_set_size(out, 0);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_SERVICES, NULL, 0, 0);
	while (change_generation() == generation) {
		g_main_context_iteration(NULL, FALSE);
		turns++;
		if (change_generation() != generation || !peer_poll(q))
			continue;
		g_assert_cmpint(q->a.err, ==, 0);
		g_assert_cmpuint(q->a.count, ==, 0);
		g_assert_cmpuint(q->a.generation, ==, generation);
		answers++;
		peer_write(q, out->data, out->len);
	}
	g_assert_false(peer_poll(r));
	g_assert_cmpint(peer_answer(p), ==, 0);
	g_assert_cmpint(peer_answer(q), ==, 0);
	g_assert_cmpint(peer_answer(r), ==, 0);
	g_test_message("%u turns, %u answers", turns, answers);
	g_assert_cmpuint(turns, >=, 5);
	g_assert_cmpuint(answers * 3 + 3, >=, turns);
	g_assert_cmpuint(harness_stat("change", "slices"), >, slices + turns / 2);
	g_assert_cmpuint(peer_listed(q, DPVS_GET_SERVICES), ==, MANY / MANY_EACH + 1);
	g_assert_cmpuint(peer_listed(q, DPVS_GET_DESTS), ==, MANY);
	g_assert_cmpuint(harness_stat("change", "waited"), >=, 1);
	peer_free(r);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

/* A large one that is refused at its end: others see nothing, ever. */
static void
test_large_refused(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct dpvs_service_conf again = rec_service("192.0.2.100", 1000, IPPROTO_UDP, "rr");
	unsigned int turns = 0, answers = 0;
	struct peer *p, *q;

	start("[control]\nset-deadline = 120000\n[service]\nmax-dests = 131072\n");
	p = peer_new();
	q = peer_new();
	stage_many(p);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &again, sizeof(again), 1);
	g_assert_cmpint(append(p, out), ==, 0);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_write(p, out->data, out->len);
	g_byte_array_set_size(out, 0);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_SERVICES, NULL, 0, 0);
	peer_write(q, out->data, out->len);
	while (!peer_poll(p)) {
		g_main_context_iteration(NULL, FALSE);
		turns++;
		if (!peer_poll(q))
			continue;
		g_assert_cmpuint(q->a.count, ==, 0);
		answers++;
		peer_write(q, out->data, out->len);
	}
	g_assert_cmpint(peer_answer(q), ==, 0);
	g_assert_cmpint(p->a.err, ==, -EEXIST);
	g_assert_cmpuint(p->a.index, ==, MANY + MANY / MANY_EACH);
	g_assert_cmpuint(answers * 3 + 3, >=, turns);
	g_assert_cmpuint(peer_listed(q, DPVS_GET_SERVICES), ==, 0);
	g_assert_cmpuint(peer_listed(q, DPVS_GET_DESTS), ==, 0);
	peer_free(q);
	peer_free(p);
	harness_stop();
}

static _Atomic bool hold; /* worker 0 does not come back from a commit while it is set */

static void
on_commit(const void *data, uint32_t len)
{
	while (lcore_me()->worker == 0 && atomic_load(&hold))
		;
}

/* Ends the daemon. Returns what it logged meanwhile. */
static char *
stop_logged(void)
{
	int log = memfd_create("log", MFD_CLOEXEC), old = dup(STDERR_FILENO);
	char *text;
	off_t len;

	g_assert_cmpint(log, >=, 0);
	g_assert_cmpint(dup2(log, STDERR_FILENO), ==, STDERR_FILENO);
	log_set_level(LOG_LEVEL_INFO);
	daemon_stop();
	g_assert_cmpint(dup2(old, STDERR_FILENO), ==, STDERR_FILENO);
	len = lseek(log, 0, SEEK_END);
	text = g_malloc0((gsize)len + 1);
	g_assert_cmpint(pread(log, text, (size_t)len, 0), ==, len);
	close(old);
	close(log);
	return text;
}

/*
 * The daemon ends while a change waits for the workers, one is in the middle, one waits for its turn and somebody
 * follows events: each is told what became of it.
 */
static void
test_end(void)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	static const struct dpvs_msg_type type = { .type = 120, .name = "test", .on_commit = on_commit };
	g_autofree char *log = NULL;
	struct change *c;
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_event_filter filter = { .kinds = 0 };
	struct peer *p, *q, *large, *watcher;

	start("[service]\nmax-dests = 131072\n[control]\nset-deadline = 60000\n");
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	p = peer_new();
	q = peer_new();
	large = peer_new();
	watcher = peer_new();
	g_assert_cmpint(peer_set(p, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	stage_many(large);
	g_assert_cmpint(peer_call(watcher, DPVS_SOCKOPT_GET, DPVS_GET_EVENTS, &filter, sizeof(filter), 1), ==, 0);
	harness_pump(5);
	g_assert_cmpuint(change_unacknowledged(), ==, 0);
	/* Its end is seen by nobody but daemon_stop(). */
	atomic_store(&hold, true);
	c = change_begin();
	g_assert_nonnull(change_op(c, type.type, 8));
	g_assert_cmpint(change_commit(c), ==, 0);
	peer_put_set(out, DPVS_SET_SERVICE_FLUSH, NULL, 0, 0);
	peer_write(p, out->data, out->len);
	while (change_unacknowledged() < 2)
		g_main_context_iteration(NULL, FALSE);
	g_byte_array_set_size(out, 0);
	peer_put_set(out, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	peer_write(large, out->data, out->len);
	while (!change_busy())
		g_main_context_iteration(NULL, FALSE);
	g_byte_array_set_size(out, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	peer_write(q, out->data, out->len);
	while (change_waiting() == 0)
		g_main_context_iteration(NULL, FALSE);
	atomic_store(&hold, false);
	log = stop_logged();
	g_assert_true(peer_poll(p));
	g_assert_cmpint(p->a.err, ==, 0);
	/* Its type is known to its end, though types have been taken from the server by then. */
	g_assert_nonnull(strstr(log, "service-flush by uid"));
	g_assert_nonnull(strstr(log, "service-add by uid"));
	g_assert_true(peer_poll(large));
	g_assert_cmpint(large->a.err, ==, -ESHUTDOWN);
	g_assert_true(peer_poll(q));
	g_assert_cmpint(q->a.err, ==, -ESHUTDOWN);
	/* No record is to blame. */
	g_assert_cmpuint(large->a.index, ==, UINT32_MAX);
	g_assert_cmpuint(q->a.index, ==, UINT32_MAX);
	while (watcher->a.err == 0)
		g_assert_true(peer_poll(watcher));
	g_assert_cmpint(watcher->a.err, ==, -ESHUTDOWN);
	peer_free(watcher);
	peer_free(large);
	peer_free(q);
	peer_free(p);
}

int
main(int argc, char **argv)
{
	int rc;

	overwrite_freed(argv);
	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/txn/all families", test_all);
	g_test_add_func("/txn/refused", test_refused);
	g_test_add_func("/txn/life", test_life);
	g_test_add_func("/txn/pipelined", test_pipelined);
	g_test_add_func("/txn/bad bytes", test_bad_bytes);
	g_test_add_func("/txn/quota", test_quota);
	g_test_add_func("/txn/charged", test_charged);
	g_test_add_func("/txn/refused, memory", test_refused_memory);
	g_test_add_func("/txn/generation", test_generation);
	g_test_add_func("/txn/large", test_large);
	g_test_add_func("/txn/large, refused", test_large_refused);
	g_test_add_func("/txn/end of the daemon", test_end);
	rc = g_test_run();
	harness_fini();
	return rc;
}
