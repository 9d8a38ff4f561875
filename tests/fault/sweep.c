/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One fault at a time, at each point that a request, a question, a connection passes.
 */
#include <errno.h>
#include <malloc.h>

#include <dpvsctrl/proto/daemon.h>

#include "attempt.h"
#include "check.h"
#include "client.h"
#include "core/change_priv.h"
#include "fault_point.h"
#include "parts.h"

/* What is leaked in so many requests is at least one block of 16 bytes each. */
#define REPEATS 30

/* Returns -1: it was not refused this time, because there were fewer points. */
static int64_t
heap_after(const struct attempt *a, uint64_t n, unsigned int times)
{
	bool unknown = false;
	struct model next;
	int rc;

	for (unsigned int i = 0; i < times; i++) {
		attempt_expect(a, &next);
		fault_nth(n);
		rc = attempt_carry_out(a, &unknown);
		fault_off();
		if (rc == 0 || rc == -EINPROGRESS) {
			*attempt_model() = next;
			return -1;
		}
		g_assert_false(unknown);
	}
	check_settle();
	return (int64_t)mallinfo2().uordblks;
}

/*
 * The same failure, again and again: the heap does not grow, but when something else came in between, which it does
 * not each time. Returns false: @a is in force now.
 */
static bool
repeat(const struct attempt *a, uint64_t n, const char *when)
{
	int64_t before = heap_after(a, n, 10), after = -1;
	unsigned int i;

	for (i = 0; i < 3 && before >= 0; i++) {
		after = heap_after(a, n, REPEATS);
		if (after < before + REPEATS * 16)
			break;
		g_test_message("%s: %u times are %" G_GINT64_FORMAT " bytes", when, REPEATS, after - before);
		before = after;
	}
	g_assert_cmpuint(i, <, 3);
	return after >= 0;
}

/* @a fails at each point that it passes, one after another, until it passes them all. @leaks: look for them. */
static void
sweep(const struct attempt *a, bool leaks)
{
	for (uint64_t n = 1; n < 2000; n++) {
		uint64_t before = attempt_counts()->in_force;
		bool failed;

		fault_nth(n);
		attempt_try(a, true);
		failed = fault_failed() > 0;
		if (attempt_counts()->in_force != before || !failed)
			return;
		if (leaks) {
			g_autofree char *when = attempt_tell(a, 0);

			if (!repeat(a, n, when))
				return;
		}
	}
	g_assert_not_reached();
}

void
test_single(void)
{
	static const uint32_t ids[] = {
		DPVS_SET_SERVICE_FLUSH, DPVS_SET_SERVICE_ADD, DPVS_SET_SERVICE_EDIT, DPVS_SET_SERVICE_DEL,
		DPVS_SET_DEST_ADD,	DPVS_SET_DEST_EDIT,   DPVS_SET_DEST_DEL,     DPVS_SET_LADDR_ADD,
		DPVS_SET_LADDR_DEL,	DPVS_SET_LADDR_FLUSH, DPVS_SET_ADDR_ADD,     DPVS_SET_ADDR_DEL,
		DPVS_SET_ADDR_SET,	DPVS_SET_ROUTE_ADD,   DPVS_SET_ROUTE_DEL,    DPVS_SET_ROUTE_SET,
		DPVS_SET_ROUTE_FLUSH,	DPVS_SET_ROUTE6,      DPVS_SET_ROUTE6_FLUSH, DPVS_SET_NEIGH_ADD,
		DPVS_SET_NEIGH_DEL,	DPVS_SET_NEIGH_FLUSH, DPVS_SET_NETIF_PORT,   DPVS_SET_TIMEOUTS,
		DPVS_SET_SERVICE_GARP,	DPVS_SET_MSG_ZERO,
	};
	unsigned int kinds = 0, done = 0;
	GHashTable *swept = g_hash_table_new(NULL, NULL);
	struct attempt a;
	struct model next;

	/* Until each kind of request was in force three times, with each single fault before that. */
	for (unsigned int i = 0; i < 20000 && done < G_N_ELEMENTS(ids); i++) {
		gpointer id;

		change_set_slice(attempt_below(2) ? 1000 : 0);
		attempt_random(&a, 0);
		id = GUINT_TO_POINTER(a.ops[0].id);
		kinds = GPOINTER_TO_UINT(g_hash_table_lookup(swept, id));
		if (attempt_expect(&a, &next) != 0)
			continue;
		if (kinds >= 3) {
			/* Others may need what it does. */
			fault_off();
			attempt_try(&a, false);
			continue;
		}
		sweep(&a, kinds == 0);
		g_hash_table_insert(swept, id, GUINT_TO_POINTER(kinds + 1));
		done += kinds + 1 == 3;
		check_take_packets();
	}
	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		kinds = GPOINTER_TO_UINT(g_hash_table_lookup(swept, GUINT_TO_POINTER(ids[i])));
		if (kinds < 3)
			g_test_message("%s: %u", op_name(ids[i]), kinds);
		g_assert_cmpuint(kinds, >=, 3);
	}
	g_hash_table_unref(swept);
	for (unsigned int i = 0; i < 12; i++) {
		do {
			attempt_random(&a, 100);
		} while (attempt_expect(&a, &next) != 0);
		sweep(&a, i % 3 == 0);
		check_take_packets();
	}
	change_set_slice(1000);
	g_test_message("%" G_GUINT64_FORMAT " requests, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT " lost",
		       attempt_counts()->all, attempt_counts()->refused, attempt_counts()->lost);
}

/* ---- connections ---- */

/* A client comes, and asks, while one point fails: it is answered, refused or left alone, and so is the next one. */
void
test_connections(void)
{
	struct dpvs_reply *reply;
	uint64_t refusals = 0;
	bool failed = true;
	int rc = -1;

	for (uint64_t n = 1; n < 2000 && failed; n++) {
		client_hang_up();
		fault_nth(n);
		rc = client_get(DPVS_GET_LB_INFO, &reply);
		failed = fault_failed() > 0;
		fault_off();
		dpvs_reply_free(reply);
		refusals += rc != 0;
	}
	g_assert_cmpint(rc, ==, 0);
	g_assert_false(failed);
	g_assert_cmpuint(refusals, >, 0);
	check_listing(attempt_model(), "after connections");
}

/* ---- questions ---- */

/* Each question while one point fails: an answer, or a refusal; and then it is answered. */
void
test_questions(void)
{
	static const uint32_t ids[] = {
		DPVS_GET_LB_INFO,   DPVS_GET_SERVICES,	DPVS_GET_DESTS,	 DPVS_GET_LADDRS,	 DPVS_GET_ROUTES,
		DPVS_GET_ADDRS,	    DPVS_GET_NEIGHS,	DPVS_GET_CONNS,	 DPVS_GET_ROUTES6,	 DPVS_GET_LCORE_STATS,
		DPVS_GET_PORT_LIST, DPVS_GET_MSG_TYPES, DPVS_GET_MEM,	 DPVS_GET_STATS,	 DPVS_GET_VERIFY,
		DPVS_GET_GRAPH,	    DPVS_GET_PING,	DPVS_GET_VERIFY_TABLES,
	};
	struct dpvs_reply *reply;
	uint64_t answered = 0, refusals = 0;
	bool failed;
	int rc;

	for (unsigned int i = 0; i < G_N_ELEMENTS(ids); i++) {
		for (uint64_t n = 1; n < 2000; n++) {
			fault_nth(n);
			rc = client_get(ids[i], &reply);
			failed = fault_failed() > 0;
			fault_off();
			dpvs_reply_free(reply);
			answered += rc == 0;
			refusals += rc != 0;
			if (!failed)
				break;
		}
		g_assert_cmpint(rc, ==, 0);
	}
	g_test_message("%" G_GUINT64_FORMAT " answers, %" G_GUINT64_FORMAT " refusals", answered, refusals);
	g_assert_cmpuint(refusals, >, 0);
	check_listing(attempt_model(), "after questions");
	check_settle();
	check_workers("after questions");
}
