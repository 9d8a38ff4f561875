/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See crowd.h. One thread with one poll() over the busy clients; the others need no attention.
 */
#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/wire.h>

/* What the busy ones ask in turn: nothing that a worker has to answer. */
static const uint32_t asked[] = {
	DPVS_GET_HELLO, DPVS_GET_SERVICES, DPVS_GET_LCORE_BASIC, DPVS_GET_VERIFY, DPVS_GET_PORT_LIST,
	DPVS_GET_LB_INFO,
};

/** struct busy: a client with one request under way. */
struct busy {
	int fd;
	unsigned int turn;
	gint64 start_us;
	bool counts; /* the request under way is measured */
	unsigned int answers;
	size_t have;
	size_t want; /* bytes of the part that comes */
	unsigned char buf[512 << 10];
};

static GThread *thread;
static char *socket_path;
static gint is_ready, measuring, ending, ended, set_state; /* of a SET: 0 none, 1 wanted, 2 sent, 3 done */
static unsigned char set_record[DPVS_RECORD_MAX];
static uint32_t set_size;
static struct crowd_result result;
static GArray *samples;
static struct busy busy[CROWD_BUSY];
static struct busy setter;

static int
crowd_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_strlcpy(addr.sun_path, socket_path, sizeof(addr.sun_path));
	g_assert_cmpint(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	return fd;
}

static void
busy_ask(struct busy *b, uint32_t type, uint32_t id, const void *record, uint32_t size)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		unsigned char record[DPVS_RECORD_MAX];
	} out = {
		.msg = { DPVS_PROTO_VERSION, id, type, ++b->turn, size > 0 ? sizeof(out.body) + size : 0 },
		.body = { size, 1 },
	};
	ssize_t bytes = (ssize_t)(sizeof(out.msg) + out.msg.len);

	if (size > 0)
		memcpy(out.record, record, size);
	b->counts = g_atomic_int_get(&measuring) != 0;
	b->have = 0;
	b->want = sizeof(out.msg);
	b->start_us = g_get_monotonic_time();
	g_assert_cmpint(send(b->fd, &out, (size_t)bytes, MSG_NOSIGNAL), ==, bytes);
}

/* Takes what came. Returns true when the answer is complete: its code in *@ret_code. */
static bool
busy_take(struct busy *b, int *ret_code)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_msg msg;
	ssize_t n = recv(b->fd, b->buf + b->have, MIN(b->want, sizeof(b->buf)) - b->have, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	g_assert_cmpint(n, >, 0);
	b->have += (size_t)n;
	if (b->have < b->want)
		return false;
	memcpy(&msg, b->buf, sizeof(msg));
	g_assert_cmpuint(msg.seq, ==, b->turn);
	b->want = sizeof(msg) + msg.len;
	g_assert_cmpuint(b->want, <=, sizeof(b->buf));
	if (b->have < b->want)
		return busy_take(b, ret_code);
	memcpy(&reply, b->buf + sizeof(msg), sizeof(reply));
	b->have = 0;
	b->want = sizeof(msg);
	*ret_code = reply.errcode;
	return (reply.flags & DPVS_REPLY_MORE) == 0;
}

static void
busy_next(struct busy *b)
{
	busy_ask(b, DPVS_SOCKOPT_GET, asked[b->turn % G_N_ELEMENTS(asked)], NULL, 0);
}

static void
busy_answered(struct busy *b, int code)
{
	uint64_t us = (uint64_t)(g_get_monotonic_time() - b->start_us);

	g_assert_cmpint(code, ==, 0);
	result.requests++;
	b->answers++;
	if (!b->counts)
		return;
	g_array_append_val(samples, us);
	result.measured++;
	result.over_50ms += us > 50000;
	result.max_us = MAX(result.max_us, us);
}

/* The SET that needs all workers. */
static void
setter_turn(void)
{
	int code;

	if (g_atomic_int_get(&set_state) == 1) {
		busy_ask(&setter, DPVS_SOCKOPT_SET, DPVS_SET_DEST_EDIT, set_record, set_size);
		g_atomic_int_set(&set_state, 2);
	} else if (g_atomic_int_get(&set_state) == 2 && busy_take(&setter, &code)) {
		result.set_result = code;
		result.set_us = (uint64_t)(g_get_monotonic_time() - setter.start_us);
		g_atomic_int_set(&set_state, 3);
	}
}

/* As many as the limit of descriptors allows: two of each connection are in this process. */
static unsigned int
idle_count(void)
{
	struct rlimit limit;

	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	limit.rlim_cur = limit.rlim_max;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
	g_assert_cmpuint(limit.rlim_cur, >, 600);
	return (unsigned int)MIN((limit.rlim_cur - 500) / 2, (rlim_t)CROWD_IDLE);
}

static gint
compare(gconstpointer a, gconstpointer b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static gpointer
crowd_thread(gpointer arg)
{
	struct dpvs_sock_msg half = { DPVS_PROTO_VERSION, DPVS_GET_HELLO, DPVS_SOCKOPT_GET, 1, 0 };
	struct dpvs_sock_msg ask = { DPVS_PROTO_VERSION, DPVS_GET_STATS, DPVS_SOCKOPT_GET, 1, 0 };
	int silent = crowd_connect(), drip = crowd_connect(), unread = crowd_connect();
	g_autofree int *idle = g_new(int, CROWD_IDLE);
	struct pollfd fds[CROWD_BUSY + 1];
	gint64 drip_us = 0;
	unsigned int i;

	g_assert_cmpint(send(silent, &half, 10, MSG_NOSIGNAL), ==, 10);
	for (i = 0; i < result.idle; i++)
		idle[i] = crowd_connect();
	setter.fd = crowd_connect();
	for (i = 0; i < CROWD_BUSY; i++) {
		busy[i].fd = crowd_connect();
		busy[i].turn = i;
		busy_next(&busy[i]);
		fds[i] = (struct pollfd){ .fd = busy[i].fd, .events = POLLIN };
	}
	fds[CROWD_BUSY] = (struct pollfd){ .fd = setter.fd, .events = POLLIN };
	while (!g_atomic_int_get(&ending)) {
		gint64 now = g_get_monotonic_time();
		bool all = true;

		if (now - drip_us >= G_USEC_PER_SEC) {
			g_assert_cmpint(send(drip, (char *)&half + result.dripped % sizeof(half), 1, MSG_NOSIGNAL), ==, 1);
			result.dripped++;
			drip_us = now;
		}
		while (send(unread, &ask, sizeof(ask), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(ask))
			result.unread_asked++;
		poll(fds, G_N_ELEMENTS(fds), 20);
		for (i = 0; i < CROWD_BUSY; i++) {
			int code;

			if ((fds[i].revents & POLLIN) != 0 && busy_take(&busy[i], &code)) {
				busy_answered(&busy[i], code);
				busy_next(&busy[i]);
			}
			all &= busy[i].answers >= 10;
		}
		setter_turn();
		if (all)
			g_atomic_int_set(&is_ready, 1);
	}
	for (i = 0; i < result.idle; i++)
		close(idle[i]);
	for (i = 0; i < CROWD_BUSY; i++)
		close(busy[i].fd);
	close(setter.fd);
	close(silent);
	close(drip);
	close(unread);
	g_array_sort(samples, compare);
	if (samples->len > 0)
		result.p99_us = g_array_index(samples, uint64_t, (samples->len - 1) * 99 / 100);
	g_atomic_int_set(&ended, 1);
	return NULL;
}

void
crowd_start(const char *path)
{
	memset(&result, 0, sizeof(result));
	g_free(socket_path);
	socket_path = g_strdup(path);
	g_clear_pointer(&samples, g_array_unref);
	samples = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	is_ready = measuring = ending = ended = set_state = 0;
	result.idle = idle_count();
	thread = g_thread_new("crowd", crowd_thread, NULL);
}

bool
crowd_ready(void)
{
	return g_atomic_int_get(&is_ready) != 0;
}

void
crowd_measure(bool on)
{
	g_atomic_int_set(&measuring, on);
}

void
crowd_set(const void *record, uint32_t size)
{
	memcpy(set_record, record, size);
	set_size = size;
	g_atomic_int_set(&set_state, 1);
}

bool
crowd_set_done(void)
{
	return g_atomic_int_get(&set_state) == 3;
}

void
crowd_stop(struct crowd_result *ret)
{
	g_atomic_int_set(&ending, 1);
	while (!g_atomic_int_get(&ended))
		if (!g_main_context_iteration(NULL, FALSE))
			g_usleep(100);
	g_thread_join(thread);
	*ret = result;
}
