/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of every family through the control socket of the whole daemon (harness.h). The client is a source of
 * the same main loop and the workers take their turns in it (turns.c): nothing waits for another thread. A worker
 * that crashes, a change that is never confirmed, an answer that is malformed or does not come is a finding.
 *
 * FUZZ_FAMILY: only the requests of this module ("route"), so that all inputs are for its records. FUZZ_WORKERS: 2
 * unless told.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/event.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/wire.h>

#include "fuzz.h"
#include "harness.h"
#include "modules.h"
#include "requests.h"

#define TYPES 96
/* Of one input: what is long is to have more in its records, not hundreds of lists asked for with three bytes. */
#define REQUESTS_MAX 16
/* How long an answer may take; a sanitizer on a machine that does other things is slow. */
#define PATIENCE_S 30

static struct request_type sets[TYPES], gets[TYPES];
static unsigned int set_count, get_count;
static int fd = -1;
static guint source;
static uint32_t seq;

/* The answer under way. */
static GByteArray *in;
static size_t want; /* bytes of the part that is coming; 0: the answer is complete */
static int result;
static bool one_way; /* it is that to a subscription: events follow */

/* Looks at what came: parts, one after another. */
static void
take_parts(void)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	struct dpvs_sock_msg msg;
	const void *records;
	const char *text;

	while (want > 0 && in->len >= want) {
		memcpy(&msg, in->data, sizeof(msg));
		FUZZ_CHECK(msg.version == DPVS_PROTO_VERSION && msg.seq == seq);
		FUZZ_CHECK(msg.len >= sizeof(reply) && msg.len < DPVS_BODY_MAX + 1024);
		if (in->len < sizeof(msg) + msg.len) {
			want = sizeof(msg) + msg.len;
			return;
		}
		FUZZ_CHECK(dpvs_wire_check_reply(in->data + sizeof(msg), msg.len, &reply, &text, &body,
						 &records) == 0);
		FUZZ_CHECK((reply.errcode < 0) == (reply.errstr_len > 0));
		FUZZ_CHECK(reply.errcode == 0 || (reply.flags & DPVS_REPLY_MORE) == 0);
		if (records != NULL)
			fuzz_touch(records, (size_t)body.record_size * body.count);
		want = (reply.flags & DPVS_REPLY_MORE) != 0 ? sizeof(msg) : 0;
		result = reply.errcode;
		g_byte_array_remove_range(in, 0, (guint)(sizeof(msg) + msg.len));
	}
	FUZZ_CHECK(want > 0 || in->len == 0 || (one_way && result == 0));
}

static gboolean
on_bytes(gint socket_fd, GIOCondition condition, gpointer arg)
{
	static uint8_t buf[65536];
	ssize_t n = recv(socket_fd, buf, sizeof(buf), MSG_DONTWAIT);

	FUZZ_CHECK(n > 0);
	FUZZ_CHECK(want > 0);
	g_byte_array_append(in, buf, (guint)n);
	take_parts();
	return G_SOURCE_CONTINUE;
}

static void
open_connection(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	in = g_byte_array_new();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_strlcpy(addr.sun_path, harness_socket(), sizeof(addr.sun_path));
	FUZZ_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_bytes, NULL);
}

static void
close_connection(void)
{
	g_source_remove(source);
	close(fd);
	g_byte_array_unref(in);
}

static void
clean(void)
{
	close_connection();
	harness_stop();
	harness_fini();
}

/* One request and its answer. */
static int
call(bool set, uint32_t id, const void *records, uint32_t record_size, uint32_t count)
{
	size_t bytes = (size_t)record_size * count;
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		uint8_t records[4 * DPVS_RECORD_MAX];
	} out = {
		.msg = {
			.version = DPVS_PROTO_VERSION,
			.id = id,
			.type = set ? DPVS_SOCKOPT_SET : DPVS_SOCKOPT_GET,
			.len = count > 0 ? sizeof(out.body) + bytes : 0,
		},
		.body = { .record_size = record_size, .count = count },
	};
	gint64 end = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;

	FUZZ_CHECK(bytes <= sizeof(out.records));
	if (++seq == 0)
		seq = 1;
	out.msg.seq = seq;
	if (bytes > 0)
		memcpy(out.records, records, bytes);
	want = sizeof(out.msg);
	one_way = !set && id == DPVS_GET_EVENTS;
	FUZZ_CHECK(send(fd, &out, sizeof(out.msg) + out.msg.len, MSG_NOSIGNAL) ==
		   (ssize_t)(sizeof(out.msg) + out.msg.len));
	while (want > 0) {
		g_main_context_iteration(NULL, TRUE);
		FUZZ_CHECK(g_get_monotonic_time() < end);
	}
	if (one_way && result == 0) {
		close_connection();
		open_connection();
	}
	return result;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *family = getenv("FUZZ_FAMILY"), *workers = getenv("FUZZ_WORKERS");
	/*
	 * Small tables: an input can fill them, and a list does not have to look at thousands of empty places. Long
	 * deadlines: at low priority the whole process may stand still for seconds.
	 */
	static const char conf[] = "[control]\nget-deadline = 30000\nset-deadline = 30000\n"
				   "[route]\nmax-routes = 128\n"
				   "[ifaddr]\nmax-addrs = 16\n"
				   "[neigh]\nmax-entries = 64\npending = 32\n"
				   "[service]\nmax-services = 64\nmax-dests = 256\n"
				   "[conn]\nmax = 1024\n";
	const struct module *only[] = { NULL, NULL };
	const struct module *const *modules = modules_all();

	harness_init(workers != NULL ? (unsigned int)strtoul(workers, NULL, 10) : 2);
	harness_start(2, conf);
	for (unsigned int i = 0; family != NULL && modules[i] != NULL; i++)
		if (strcmp(modules[i]->name, family) == 0)
			only[0] = modules[i];
	FUZZ_CHECK(family == NULL || only[0] != NULL);
	if (family != NULL)
		modules = only;
	set_count = request_types(modules, true, sets, TYPES);
	get_count = request_types(modules, false, gets, TYPES);
	FUZZ_CHECK(set_count + get_count > 0);
	open_connection();
	atexit(clean);
	return 0;
}

/* The same request as all of a transaction: unchanged, replace or sync, or none of them. */
static int
call_txn(const struct request *r)
{
	static const uint32_t flags[4] = { 0, DPVS_TXN_UNCHANGED, DPVS_TXN_REPLACE, DPVS_TXN_SYNC };
	struct dpvs_txn_begin begin = { .flags = flags[r->flags >> 5 & 3] };
	struct dpvs_sock_body body = { .record_size = r->record_size, .count = r->count };
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION,
		.id = r->id,
		.type = DPVS_SOCKOPT_SET,
		.len = r->count > 0 ? sizeof(body) + (uint64_t)r->record_size * r->count : 0,
	};
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	int rc;

	g_byte_array_append(bytes, (const void *)&msg, sizeof(msg));
	if (r->count > 0) {
		g_byte_array_append(bytes, (const void *)&body, sizeof(body));
		g_byte_array_append(bytes, r->records, r->record_size * r->count);
	}
	FUZZ_CHECK(call(true, DPVS_SET_TXN_BEGIN, &begin, sizeof(begin), 1) == 0);
	rc = call(true, DPVS_SET_TXN_APPEND, bytes->data, 1, bytes->len);
	FUZZ_CHECK(rc == 0 || rc == -EOPNOTSUPP || rc == -EINVAL);
	if (rc == 0)
		return call(true, DPVS_SET_TXN_COMMIT, NULL, 0, 0);
	FUZZ_CHECK(call(true, DPVS_SET_TXN_ABORT, NULL, 0, 0) == 0);
	return rc;
}

static const struct dpvs_port_conf ports_as_before[2] = {
	{ .name = "dpdk0", .set = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU, .up = 1, .mtu = 1500 },
	{ .name = "dpdk1", .set = DPVS_PORT_SET_UP | DPVS_PORT_SET_MTU, .up = 1, .mtu = 1500 },
};
static const struct dpvs_route_conf all_routes;
static const struct dpvs_neigh_conf all_neighs;
static const struct dpvs_addr_conf all_addrs;

/** struct flush: takes back what inputs of a family have done. */
static const struct flush {
	const char *family;
	uint32_t id;
	const void *records;
	uint32_t record_size;
	uint32_t count;
} flushes[] = {
	{ "service", DPVS_SET_SERVICE_FLUSH, NULL, 0, 0 },
	{ "route", DPVS_SET_ROUTE_FLUSH, &all_routes, sizeof(all_routes), 1 },
	{ "route6", DPVS_SET_ROUTE6_FLUSH, &all_routes, sizeof(all_routes), 1 },
	{ "neigh", DPVS_SET_NEIGH_FLUSH, &all_neighs, sizeof(all_neighs), 1 },
	{ "ifaddr", DPVS_SET_ADDR_FLUSH, &all_addrs, sizeof(all_addrs), 1 },
	{ "netif", DPVS_SET_NETIF_PORT, ports_as_before, sizeof(ports_as_before[0]), 2 },
};

static void
flush_all(void)
{
	const char *family = getenv("FUZZ_FAMILY");
	struct rte_mbuf *pkts[64];
	unsigned int n;

	for (unsigned int i = 0; i < G_N_ELEMENTS(flushes); i++) {
		const struct flush *f = &flushes[i];

		if (family == NULL || strcmp(family, f->family) == 0)
			FUZZ_CHECK(call(true, f->id, f->records, f->record_size, f->count) == 0);
	}
	/* What the daemon announced meanwhile. */
	for (uint16_t port = 0; port < 2; port++)
		while ((n = harness_collect(port, pkts, G_N_ELEMENTS(pkts), 0, 0)) > 0)
			harness_free(pkts, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool changed = false, hurried = false;
	unsigned int requests = 0;
	struct request r;
	int rc;

	/* A family without SETs, or without GETs, has none to choose from. */
	while (size > 2 && requests < REQUESTS_MAX) {
		bool is_set = (data[2] & REQUEST_GET) == 0;

		if ((is_set ? set_count : get_count) == 0) {
			data++;
			size--;
			continue;
		}
		requests++;
		FUZZ_CHECK(request_next(&data, &size, sets, set_count, gets, get_count, &r));
		if (r.is_set && (r.flags & REQUEST_TXN) != 0)
			rc = call_txn(&r);
		else
			rc = call(r.is_set, r.id, r.records, r.record_size, r.count);
		/* A hello may ask for a deadline of a millisecond: from then on too late is an answer, too. */
		hurried |= !r.is_set && r.id == DPVS_GET_HELLO && rc == 0;
		changed |= r.is_set && (rc == 0 || rc == -EINPROGRESS);
		FUZZ_CHECK(rc <= 0 && rc != -EPROTO && (hurried || (rc != -ETIMEDOUT && rc != -EINPROGRESS)));
		request_clear(&r);
	}
	if (hurried) {
		close_connection();
		open_connection();
	}
	if (changed)
		flush_all();
	return 0;
}
