/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See conns.h. A message asks a worker for some of them at a time: a table belongs to its worker.
 */
#include "conns.h"

#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_byteorder.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/service.h>

#include "core/lcore.h"
#include "harness.h"
#include "lb/conn.h"
#include "lb_records.h"

enum {
	MSG_FILL = DPVS_MSG_TYPE_COUNT - 1,
	SOME = 20000,    /* made for a message */
	PATIENCE_MS = 60000,
};

/** struct fill: what the message carries. */
struct fill {
	uint32_t from;
	uint32_t to;
};

static unsigned int answered;

static void
fill_some(struct dpvs_msg *msg)
{
	struct conn_worker *w = &conn_workers[lcore_me()->worker];
	union ip_addr vip = rec_ip(CONNS_VIP), dest = rec_ip(CONNS_DEST);
	struct fill fill;

	memcpy(&fill, dpvs_msg_data(msg), sizeof(fill));
	for (uint32_t i = fill.from; i < fill.to; i++) {
		struct conn *c = conn_alloc(&w->table);
		struct conn_tuple *in, *out;

		if (c == NULL) {
			dpvs_msg_set_status(msg, -ENOSPC);
			return;
		}
		in = &c->tuple[CONN_IN];
		out = &c->tuple[CONN_OUT];
		c->af = AF_INET;
		c->proto = IPPROTO_UDP;
		c->state = DPVS_CONN_UDP;
		c->fwd = DPVS_FWD_DR;
		in->src = rte_cpu_to_be_32((10u << 24 | lcore_me()->worker << 16) + (i >> 8));
		in->sport = rte_cpu_to_be_16((uint16_t)(1024 + (i & 255)));
		memcpy(&in->dst, &vip, sizeof(in->dst));
		in->dport = rte_cpu_to_be_16(CONNS_VIP_PORT);
		memcpy(&out->src, &dest, sizeof(out->src));
		out->sport = in->dport;
		out->dst = in->src;
		out->dport = in->sport;
		c->last_ms = (uint32_t)lcore_me()->now_ms;
		c->timeout_ms = 3600 * 1000;
		if (conn_link(&w->table, c, CONN_IN) != 0) {
			dpvs_msg_set_status(msg, -ENOSPC);
			return;
		}
	}
}

static void
filled(struct dpvs_msg *msg, int status, void *arg)
{
	g_assert_cmpint(status, ==, 0);
	answered++;
}

void
conns_fill(uint32_t count)
{
	static const struct dpvs_msg_type type = {
		.type = MSG_FILL,
		.name = "test-fill",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = fill_some,
	};
	struct fill fill;

	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	for (fill.from = 0; fill.from < count; fill.from = fill.to) {
		fill.to = MIN(fill.from + SOME, count);
		answered = 0;
		for (unsigned int w = 0; w < harness_workers(); w++) {
			struct dpvs_msg *msg = dpvs_msg_new(MSG_FILL, sizeof(fill));

			g_assert_nonnull(msg);
			memcpy(dpvs_msg_data(msg), &fill, sizeof(fill));
			g_assert_cmpint(dpvs_msg_request(msg, lcore_of_worker(w), PATIENCE_MS, filled, NULL), ==, 0);
		}
		while (answered < harness_workers())
			g_main_context_iteration(NULL, TRUE);
	}
	g_assert_cmpint(dpvs_msg_type_unregister(MSG_FILL), ==, 0);
	/* What this took is not what handlers take; a loop is counted at its end. */
	harness_settle();
	dpvs_msg_zero_counters();
}
