/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what a subscriber is told, and in which order; slow, many and hostile subscribers.
 */
#include <errno.h>
#include <glib.h>
#include <sys/socket.h>

#include "events.h"
#include "harness.h"

static void
test_subscribe(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	g_assert_true(l->answered);
	g_assert_cmpuint(l->generation, >, 0);
	g_assert_cmpuint(l->restarts, ==, 0);
	listener_free(l);
	/* Only what was asked for. */
	l = listener_new(DPVS_EVENT_SERVICE);
	listener_wait(l, listener_is_synced);
	g_assert_cmpuint(l->serial, ==, 1);
	g_assert_cmpuint(l->generation, ==, 0);
	listener_free(l);
	harness_stop();
}

static void
test_refused(void)
{
	struct dpvs_event_filter filter = { .kinds = 1u << 20 };
	struct listener *a, *b;

	harness_start(1, "[event]\nmax-subscribers = 1\n");
	g_assert_cmpint(harness_set(DPVS_GET_EVENTS, &filter, sizeof(filter), 1), ==, -EOPNOTSUPP);
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EINVAL);
	filter = (struct dpvs_event_filter){ .pad = 1 };
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EINVAL);
	a = listener_new(0);
	listener_wait(a, listener_is_synced);
	filter.pad = 0;
	g_assert_cmpint(harness_get(DPVS_GET_EVENTS, &filter, sizeof(filter), NULL), ==, -EBUSY);
	/* The place is free again when it has hung up, although there is nothing to tell it. */
	listener_free(a);
	harness_pump(50);
	b = listener_new(0);
	listener_wait(b, listener_is_synced);
	listener_free(b);
	harness_stop();
}

/* What follows a subscription ends it; a closed sending half does not. */
static void
test_one_way(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	g_assert_cmpint(shutdown(l->fd, SHUT_WR), ==, 0);
	listener_wait(l, listener_is_synced);
	harness_pump(50);
	listener_read(l, SIZE_MAX);
	g_assert_false(l->closed);
	listener_free(l);

	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	g_assert_cmpint(send(l->fd, "x", 1, MSG_NOSIGNAL), ==, 1);
	listener_wait(l, listener_is_closed);
	g_assert_cmpint(l->error, ==, -EPROTO);
	listener_free(l);

	/* At once, behind the request. */
	l = listener_new(0);
	g_assert_cmpint(send(l->fd, "0123456789012345678901234", 25, MSG_NOSIGNAL), ==, 25);
	listener_wait(l, listener_is_closed);
	g_assert_true(l->answered);
	g_assert_cmpint(l->error, ==, -EPROTO);
	listener_free(l);
	harness_stop();
}

/* The daemon ends. */
static void
test_end(void)
{
	struct listener *l;

	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	harness_stop();
	listener_wait(l, listener_is_closed);
	listener_free(l);
	harness_start(1, NULL);
	l = listener_new(0);
	listener_wait(l, listener_is_synced);
	listener_free(l);
	harness_stop();
}

int
main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	harness_init(2);
	g_test_add_func("/event/subscribe", test_subscribe);
	g_test_add_func("/event/refused", test_refused);
	g_test_add_func("/event/one-way", test_one_way);
	g_test_add_func("/event/end", test_end);
	ret = g_test_run();
	harness_fini();
	return ret;
}
