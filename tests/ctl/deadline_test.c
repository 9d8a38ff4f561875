/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines: what a client can ask for, and that a request which needs a worker that does not come back ends in
 * time while all others go on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include <glib.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/wire.h>

#include "core/change_priv.h"
#include "core/lcore.h"
#include "harness.h"
#include "lb/conn.h"
#include "lb_records.h"
#include "peer.h"

#define WORKERS 2

static void
start(const char *conf)
{
	harness_start(1, conf);
	harness_pump(1);
}

/* What a client asks for by its HELLO, and that it is its own business. */
static void
test_deadlines(void)
{
	struct dpvs_hello_info ask = { .get_deadline_ms = 75, .set_deadline_ms = 3000 }, is;
	struct peer *p, *q;

	start("[control]\nget-deadline = 40\nset-deadline = 1500\n");
	p = peer_new();
	q = peer_new();
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, 0);
	memcpy(&is, p->a.record, sizeof(is));
	g_assert_cmpuint(is.get_deadline_ms, ==, 75);
	g_assert_cmpuint(is.set_deadline_ms, ==, 3000);
	ask = (struct dpvs_hello_info){ .set_deadline_ms = 4000 };
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, 0);
	memcpy(&is, p->a.record, sizeof(is));
	g_assert_cmpuint(is.get_deadline_ms, ==, 75);
	g_assert_cmpuint(is.set_deadline_ms, ==, 4000);
	ask.get_deadline_ms = UINT32_MAX;
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, -EINVAL);
	/* A record of the size before deadlines were. */
	ask.get_deadline_ms = 0;
	g_assert_cmpint(peer_call(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, 88, 1), ==, 0);
	memcpy(&is, q->a.record, sizeof(is));
	g_assert_cmpuint(is.get_deadline_ms, ==, 40);
	g_assert_cmpuint(is.set_deadline_ms, ==, 1500);
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

/* One that a connection is looked for whose owner is worker @w. */
static struct dpvs_conn_filter
conn_of(unsigned int w)
{
	union ip_addr client = rec_ip("192.0.2.10");
	struct dpvs_conn_filter f = {
		.client = rec_addr("192.0.2.10"), .vip = rec_addr("192.0.2.100"), .vip_port = 80, .proto = IPPROTO_TCP,
		.client_port = 1024,
	};

	while (flow_owner(AF_INET, &client, g_htons(f.client_port)) != w)
		f.client_port++;
	return f;
}

/* How many tables of worker @w are listed as unknown, because it has not answered in time. */
static unsigned int
unknown_of(struct peer *p, unsigned int w, bool ask)
{
	struct dpvs_verify_table_info info;
	unsigned int n = 0;

	p->records = g_byte_array_new();
	if (ask)
		g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_VERIFY_TABLES, NULL, 0, 0), ==, 0);
	else
		g_assert_cmpint(peer_answer(p), ==, 0);
	g_assert_cmpuint(p->records->len, >, 0);
	for (guint at = 0; at < p->records->len; at += sizeof(info)) {
		memcpy(&info, p->records->data + at, sizeof(info));
		n += info.lcore == lcore_of_worker(w) && info.state == DPVS_VERIFY_UNKNOWN;
	}
	g_byte_array_unref(g_steal_pointer(&p->records));
	return n;
}

/*
 * A worker that does not come back: what needs it is told so at its deadline, a question after 50 ms, a change
 * when its client wants; everything else goes on.
 */
static void
test_stopped_worker(void)
{
	static const struct dpvs_msg_type type = { .type = 120, .name = "test", .on_commit = on_commit };
	struct dpvs_conn_filter stopped, runs;
	struct dpvs_service_conf svc = rec_service("192.0.2.100", 80, IPPROTO_TCP, "rr");
	struct dpvs_hello_info ask = { .set_deadline_ms = 100 };
	g_autoptr(GByteArray) out = g_byte_array_new();
	struct peer *p, *q, *r;
	unsigned int answers = 0;
	struct change *c;
	bool set_over = false, get_over = false;
	gint64 early;

	start("[control]\nget-deadline = 50\n");
	stopped = conn_of(0);
	runs = conn_of(1);
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	p = peer_new();
	q = peer_new();
	r = peer_new();
	g_assert_cmpint(peer_call(q, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, 0);
	/* Patient, because this machine may be slow: only the worker that is stopped is to be missed. */
	ask = (struct dpvs_hello_info){ .get_deadline_ms = 60000 };
	g_assert_cmpint(peer_call(r, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, 0);
	atomic_store(&hold, true);
	c = change_begin();
	g_assert_nonnull(change_op(c, 120, 8));
	g_assert_cmpint(change_commit(c), ==, 0);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_CONN, &stopped, sizeof(stopped), 1);
	peer_write(p, out->data, out->len);
	g_byte_array_set_size(out, 0);
	peer_put_set(out, DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1);
	peer_write(q, out->data, out->len);
	while (!set_over || !get_over) {
		g_assert_cmpint(peer_call(r, DPVS_SOCKOPT_GET, DPVS_GET_CONN, &runs, sizeof(runs), 1), ==, -ESRCH);
		answers++;
		set_over |= peer_poll(q);
		get_over |= peer_poll(p);
	}
	g_assert_cmpint(p->a.err, ==, -ETIMEDOUT);
	g_assert_cmpint(q->a.err, ==, -EINPROGRESS);
	g_assert_nonnull(strstr(q->a.text, "worker 0"));
	g_assert_cmpuint(answers, >, 0);
	/* Who compares tables waits as long as it wants to, too: for 50 ms, or until the worker is back. */
	g_assert_cmpuint(unknown_of(p, 0, true), >, 0);
	g_byte_array_set_size(out, 0);
	peer_put(out, DPVS_SOCKOPT_GET, DPVS_GET_VERIFY_TABLES, NULL, 0, 0);
	peer_write(r, out->data, out->len);
	early = g_get_monotonic_time() + 1500 * 1000;
	/* Who waits long keeps nobody else waiting. */
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_VERIFY_TABLES, NULL, 0, 0), ==, -ETIMEDOUT);
	g_assert_false(peer_poll(r));
	while (g_get_monotonic_time() < early) {
		g_assert_false(peer_poll(r));
		g_main_context_iteration(NULL, FALSE);
	}
	atomic_store(&hold, false);
	g_assert_cmpuint(unknown_of(r, 0, false), ==, 0);
	ask = (struct dpvs_hello_info){ .get_deadline_ms = 60000 };
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &ask, sizeof(ask), 1), ==, 0);
	/* It is committed all the same, and the late answer disturbs nobody. */
	while (change_in_flight() > 0)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(change_unconfirmed(lcore_of_worker(0)), ==, 0);
	g_assert_cmpuint(peer_listed(q, DPVS_GET_SERVICES), ==, 1);
	g_assert_cmpint(peer_call(p, DPVS_SOCKOPT_GET, DPVS_GET_CONN, &stopped, sizeof(stopped), 1), ==, -ESRCH);
	peer_free(r);
	peer_free(q);
	peer_free(p);
	g_assert_cmpint(dpvs_msg_type_unregister(120), ==, 0);
	harness_stop();
}

/*
 * Who waits long for a worker that does not come back keeps nobody waiting longer than that one wants: neither with
 * questions to all workers nor with lists of connections.
 */
static void
test_patient(void)
{
	static const struct dpvs_msg_type type = { .type = 120, .name = "test", .on_commit = on_commit };
	static const struct {
		uint32_t type, id;
		unsigned int peers; /* that fill what workers are asked at once */
	} asked[] = {
		{ DPVS_SOCKOPT_GET, DPVS_GET_STATS_SNAPSHOT, 1 },
		{ DPVS_SOCKOPT_GET, DPVS_GET_CONNS, 2 },
	};
	const struct dpvs_hello_info patient = { .get_deadline_ms = 60000 };
	struct peer *first[2], *second, *third;
	bool second_over, third_over;
	struct change *c;

	start("[control]\nget-deadline = 50\n");
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	second = peer_new();
	third = peer_new();
	for (size_t k = 0; k < G_N_ELEMENTS(asked); k++) {
		g_autoptr(GByteArray) out = g_byte_array_new();
		unsigned int i;

		atomic_store(&hold, true);
		c = change_begin();
		g_assert_nonnull(change_op(c, 120, 8));
		g_assert_cmpint(change_commit(c), ==, 0);
		peer_put(out, asked[k].type, asked[k].id, NULL, 0, 0);
		for (i = 0; i < asked[k].peers; i++) {
			first[i] = peer_new();
			g_assert_cmpint(peer_call(first[i], DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &patient, sizeof(patient), 1),
					==, 0);
			peer_write(first[i], out->data, out->len);
		}
		harness_pump(10);
		peer_write(second, out->data, out->len);
		peer_write(third, out->data, out->len);
		second_over = third_over = false;
		while (!second_over || !third_over) {
			g_main_context_iteration(NULL, TRUE);
			second_over |= peer_poll(second);
			third_over |= peer_poll(third);
			for (i = 0; i < asked[k].peers; i++)
				g_assert_false(peer_poll(first[i]));
		}
		g_assert_cmpint(second->a.err, ==, -ETIMEDOUT);
		g_assert_cmpint(third->a.err, ==, -ETIMEDOUT);
		/* The patient are answered when it is back, and the others again. */
		atomic_store(&hold, false);
		for (i = 0; i < asked[k].peers; i++) {
			g_assert_cmpint(peer_answer(first[i]), ==, 0);
			peer_free(first[i]);
		}
		g_assert_cmpint(peer_call(second, DPVS_SOCKOPT_GET, DPVS_GET_HELLO, &patient, sizeof(patient), 1), ==, 0);
		g_assert_cmpint(peer_call(second, asked[k].type, asked[k].id, NULL, 0, 0), ==, 0);
		peer_free(second);
		second = peer_new();
		while (change_in_flight() > 0)
			g_main_context_iteration(NULL, FALSE);
	}
	peer_free(second);
	peer_free(third);
	g_assert_cmpint(dpvs_msg_type_unregister(120), ==, 0);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/deadline/asked for", test_deadlines);
	g_test_add_func("/deadline/stopped worker", test_stopped_worker);
	g_test_add_func("/deadline/patient", test_patient);
	rc = g_test_run();
	harness_fini();
	return rc;
}
