/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nobody waits for anybody: with all kinds of bad clients connected and one worker stopped for half a second, every
 * request that does not need that worker is answered, the other workers lose no packet, and what the stopped
 * worker's queue lost is counted. A signal handler that sleeps stops the worker's thread, and no other.
 */
#include <dirent.h>
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>
#include <rte_mbuf.h>

#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/service.h>

#include "crowd.h"
#include "harness.h"
#include "lb/conn.h"
#include "lb_records.h"
#include "net.h"

enum {
	WORKERS = 3,
	STOPPED = 1,      /* the worker that stops */
	STOP_MS = 500,
	AROUND_MS = 200,  /* of traffic before and after */
	VIP_PORT = 80,
	FEED_OTHERS = 2,  /* packets for each worker each millisecond */
	FEED_STOPPED = 16, /* more than its queue holds until it is back */
	/* What all those clients together may cost: far less than a buffer for each would be. */
	MEMORY_MAX = 32 << 20,
};

/** struct lane: the traffic of one worker. */
struct lane {
	uint16_t sport; /* of a client whose connections it owns */
	uint64_t offered;
	uint64_t lost; /* its queue was full */
	uint64_t sent; /* by the daemon */
};

static struct lane lanes[WORKERS];
static bool feeding;
static size_t memory_max;
static atomic_int stops, stops_over;

static void
sleep_here(int sig)
{
	struct timespec left = { STOP_MS / 1000, STOP_MS % 1000 * 1000000L };

	atomic_fetch_add(&stops, 1);
	while (nanosleep(&left, &left) != 0)
		;
	atomic_fetch_add(&stops_over, 1);
}

static void
stop_worker(void)
{
	struct dpvs_lcore_info info;
	struct dpvs_reply *reply;
	unsigned int worker = 0;

	signal(SIGUSR2, sleep_here);
	g_assert_cmpint(harness_get(DPVS_GET_LCORE_BASIC, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		g_assert_cmpint(dpvs_reply_record(reply, i, &info, sizeof(info)), ==, 0);
		if (info.role == DPVS_LCORE_WORKER && worker++ == STOPPED)
			break;
	}
	dpvs_reply_free(reply);
	g_assert_cmpint(tgkill(getpid(), (pid_t)info.pid, SIGUSR2), ==, 0);
}

static size_t
memory_now(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static unsigned int
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	g_assert_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* A client of each worker. */
static void
choose_clients(void)
{
	union ip_addr client = rec_ip("192.0.2.10");

	for (unsigned int w = 0; w < WORKERS; w++)
		for (uint16_t port = 1024; lanes[w].sport == 0; port++)
			if (flow_owner(AF_INET, &client, g_htons(port)) == w)
				lanes[w].sport = port;
}

static void
take_sent(void)
{
	struct rte_mbuf *pkts[64];
	unsigned int n;

	while ((n = harness_collect(1, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0) {
		for (unsigned int i = 0; i < n; i++) {
			uint16_t sport = g_ntohs(*rte_pktmbuf_mtod_offset(pkts[i], uint16_t *, L4_4));

			for (unsigned int w = 0; w < WORKERS; w++)
				lanes[w].sent += lanes[w].sport == sport && rte_pktmbuf_pkt_len(pkts[i]) > L4_4;
		}
		harness_free(pkts, n);
	}
}

static gboolean
feed(gpointer arg)
{
	static struct frame f;

	for (unsigned int w = 0; w < WORKERS && feeding; w++) {
		frame_udp(&f, "192.0.2.10", "192.0.2.100", lanes[w].sport, VIP_PORT, 18);
		for (unsigned int i = 0; i < (w == STOPPED ? FEED_STOPPED : FEED_OTHERS); i++) {
			struct rte_mbuf *m = harness_frame(f.b, f.len);

			lanes[w].offered++;
			if (!harness_offer(0, w, m)) {
				lanes[w].lost++;
				rte_pktmbuf_free(m);
			}
		}
	}
	take_sent();
	memory_max = MAX(memory_max, memory_now());
	return G_SOURCE_CONTINUE;
}

static void
iterate_for(unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;

	while (g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
}

static uint64_t
all_sent(void)
{
	uint64_t sent = 0;

	for (unsigned int w = 0; w < WORKERS; w++)
		sent += lanes[w].sent;
	return sent;
}

static void
test_crowd(void)
{
	struct dpvs_service_conf svc = rec_service("192.0.2.100", VIP_PORT, IPPROTO_UDP, "rr");
	struct dpvs_dest_conf dest = rec_dest(&svc.key, "198.51.100.11", VIP_PORT, DPVS_FWD_DR, 1);
	struct crowd_result r;
	size_t memory_before;
	unsigned int fds_before;
	guint timer;
	uint64_t accepted = 0, drops;
	gint64 end;

	net_up("[graph]\nmbufs = 32767\n");
	g_assert_cmpint(harness_set(DPVS_SET_SERVICE_ADD, &svc, sizeof(svc), 1), ==, 0);
	g_assert_cmpint(harness_set(DPVS_SET_DEST_ADD, &dest, sizeof(dest), 1), ==, 0);
	choose_clients();
	harness_pump(50); /* until the clients of the requests above are gone */
	fds_before = open_fds();
	memory_before = memory_now();
	memory_max = memory_before;
	timer = g_timeout_add(1, feed, NULL);

	crowd_start(harness_socket());
	end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	while (!crowd_ready()) {
		g_main_context_iteration(NULL, TRUE);
		g_assert_cmpint(g_get_monotonic_time(), <, end);
	}
	drops = harness_drops();
	feeding = true;
	iterate_for(AROUND_MS);
	stop_worker();
	while (atomic_load(&stops) == 0)
		g_main_context_iteration(NULL, FALSE);
	crowd_measure(true);
	dest.weight = 2;
	crowd_set(&dest, sizeof(dest));
	while (atomic_load(&stops_over) == 0)
		g_main_context_iteration(NULL, TRUE);
	crowd_measure(false);
	end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	while (!crowd_set_done() && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, TRUE);
	iterate_for(AROUND_MS);
	feeding = false;

	/*
	 * Everything that a queue took comes out, or was dropped with a reason: when the stopped worker goes on it
	 * sends all that had gathered, perhaps more than the port's queue takes before this thread empties it.
	 */
	for (unsigned int w = 0; w < WORKERS; w++)
		accepted += lanes[w].offered - lanes[w].lost;
	end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	while (all_sent() + harness_drops() - drops < accepted && g_get_monotonic_time() < end)
		iterate_for(20);
	drops = harness_drops() - drops;
	crowd_stop(&r);
	g_source_remove(timer);

	g_test_message("%u idle clients; %" G_GUINT64_FORMAT " requests, %" G_GUINT64_FORMAT " of them while a worker "
		       "stood still: p99 %" G_GUINT64_FORMAT " us, worst %" G_GUINT64_FORMAT " us, %" G_GUINT64_FORMAT
		       " over 50 ms", r.idle, r.requests, r.measured, r.p99_us, r.max_us, r.over_50ms);
	g_test_message("the SET that needs it: %d after %" G_GUINT64_FORMAT " us; %" G_GUINT64_FORMAT " requests nobody "
		       "read, %u bytes dripped; memory %zu to at most %zu", r.set_result, r.set_us, r.unread_asked,
		       r.dripped, memory_before, memory_max);
	for (unsigned int w = 0; w < WORKERS; w++)
		g_test_message("worker %u: %" G_GUINT64_FORMAT " offered, %" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT
			       " lost by its queue", w, lanes[w].offered, lanes[w].sent, lanes[w].lost);
	g_test_message("%" G_GUINT64_FORMAT " dropped, all told by counters", drops);
	for (unsigned int w = 0; w < WORKERS; w++) {
		uint64_t dropped = w == STOPPED ? drops : 0;

		g_assert_cmpuint(lanes[w].sent + dropped, ==, lanes[w].offered - lanes[w].lost);
		if (w != STOPPED)
			g_assert_cmpuint(lanes[w].lost, ==, 0);
	}
	g_assert_cmpuint(lanes[STOPPED].lost, >, 0);
	/* Had one of them waited for the worker, it would have taken as long as that stood still. */
	g_assert_cmpuint(r.measured, >, CROWD_BUSY);
	g_assert_cmpuint(r.max_us, <, STOP_MS * 1000);
	g_assert_cmpint(r.set_result, ==, 0);
	g_assert_cmpuint(r.unread_asked, >, 0);
	g_assert_cmpuint(memory_max - memory_before, <, MEMORY_MAX);

	end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
	while (open_fds() > fds_before && g_get_monotonic_time() < end)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(open_fds(), ==, fds_before);
	net_down();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	harness_init(WORKERS);
	g_test_add_func("/ctl/safety/crowd", test_crowd);
	rc = g_test_run();
	harness_fini();
	return rc;
}
