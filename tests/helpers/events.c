/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See events.h.
 */
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/neigh.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/wire.h>

#include "harness.h"

#define WAIT_S 60

/* ---- records ---- */

/* Appends what names an object. */
static void
key_of(GByteArray *key, uint32_t kind, const void *record)
{
	const struct dpvs_service_info *service = record;
	const struct dpvs_dest_info *dest = record;
	const struct dpvs_laddr_info *laddr = record;
	const struct dpvs_addr_conf *addr = record;
	const struct dpvs_route_conf *route = record;
	const struct dpvs_neigh_conf *neigh = record;
	const struct dpvs_port_info *port = record;

#define KEY(member) g_byte_array_append(key, (const guint8 *)&(member), sizeof(member))
	KEY(kind);
	switch (kind) {
	case DPVS_EVENT_SERVICE:
		KEY(service->conf.key);
		break;
	case DPVS_EVENT_DEST:
		KEY(dest->conf.svc);
		KEY(dest->conf.addr);
		KEY(dest->conf.port);
		break;
	case DPVS_EVENT_LADDR:
		KEY(laddr->conf.svc);
		KEY(laddr->conf.addr);
		break;
	case DPVS_EVENT_ADDR:
		KEY(addr->addr);
		KEY(addr->dev);
		break;
	case DPVS_EVENT_ROUTE:
		KEY(route->dst);
		KEY(route->plen);
		KEY(route->proto);
		KEY(route->metric);
		if (route->proto == DPVS_ROUTE_PROTO_KERNEL) {
			KEY(route->type);
			KEY(route->dev);
			KEY(route->src);
		}
		break;
	case DPVS_EVENT_NEIGH:
		KEY(neigh->addr);
		KEY(neigh->dev);
		break;
	case DPVS_EVENT_LINK:
		KEY(port->name);
		break;
	default:
		g_error("an event of kind %u", kind);
	}
#undef KEY
}

static uint32_t
size_of(uint32_t kind)
{
	switch (kind) {
	case DPVS_EVENT_SERVICE:
		return sizeof(struct dpvs_service_info);
	case DPVS_EVENT_DEST:
		return sizeof(struct dpvs_dest_info);
	case DPVS_EVENT_LADDR:
		return sizeof(struct dpvs_laddr_info);
	case DPVS_EVENT_ADDR:
		return sizeof(struct dpvs_addr_conf);
	case DPVS_EVENT_ROUTE:
		return sizeof(struct dpvs_route_conf);
	case DPVS_EVENT_NEIGH:
		return sizeof(struct dpvs_neigh_conf);
	case DPVS_EVENT_LINK:
		return sizeof(struct dpvs_port_info);
	case DPVS_EVENT_GENERATION:
		return sizeof(uint64_t);
	default:
		return 0;
	}
}

/* Zeroes what is a reading and not a state. */
static void
clear_readings(uint32_t kind, void *record)
{
	struct dpvs_service_info *service = record;
	struct dpvs_dest_info *dest = record;
	struct dpvs_laddr_info *laddr = record;
	struct dpvs_addr_conf *addr = record;
	struct dpvs_neigh_conf *neigh = record;
	struct dpvs_port_info *port = record;

	switch (kind) {
	case DPVS_EVENT_SERVICE:
		memset(&service->num_dests, 0, sizeof(*service) - sizeof(service->conf));
		break;
	case DPVS_EVENT_DEST:
		memset(&dest->active_conns, 0, sizeof(*dest) - sizeof(dest->conf));
		break;
	case DPVS_EVENT_LADDR:
		memset(&laddr->conns, 0, sizeof(*laddr) - sizeof(laddr->conf));
		break;
	case DPVS_EVENT_ADDR:
		/* Whether it ends and whether it is deprecated is a state; the seconds are not. */
		addr->valid_lft_s = addr->valid_lft_s == DPVS_LFT_FOREVER;
		addr->preferred_lft_s = addr->preferred_lft_s == 0 ? 0 : 1;
		break;
	case DPVS_EVENT_NEIGH:
		neigh->age_ms = 0;
		break;
	case DPVS_EVENT_LINK:
		memset(&port->rx_pkts, 0, sizeof(*port) - offsetof(struct dpvs_port_info, rx_pkts));
		break;
	}
}

void
listener_put(GHashTable *objects, uint32_t kind, const void *record)
{
	GByteArray *key = g_byte_array_new();
	void *copy = g_memdup2(record, size_of(kind));

	key_of(key, kind, record);
	clear_readings(kind, copy);
	g_hash_table_replace(objects, g_byte_array_free_to_bytes(key), g_bytes_new_take(copy, size_of(kind)));
}

GHashTable *
listener_objects(void)
{
	return g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
				     (GDestroyNotify)g_bytes_unref);
}

/* ---- the connection ---- */

struct listener *
listener_new(uint32_t kinds)
{
	struct {
		struct dpvs_sock_msg msg;
		struct dpvs_sock_body body;
		struct dpvs_event_filter filter;
	} request = {
		.msg = {
			.version = DPVS_PROTO_VERSION,
			.id = DPVS_GET_EVENTS,
			.type = DPVS_SOCKOPT_GET,
			.seq = 7,
			.len = sizeof(struct dpvs_sock_body) + sizeof(struct dpvs_event_filter),
		},
		.body = { .record_size = sizeof(struct dpvs_event_filter), .count = 1 },
		.filter = { .kinds = kinds },
	};
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct listener *l = g_new0(struct listener, 1);

	g_strlcpy(addr.sun_path, harness_socket(), sizeof(addr.sun_path));
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(l->fd, >=, 0);
	g_assert_cmpint(connect(l->fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
	g_assert_cmpint(send(l->fd, &request, sizeof(request), MSG_NOSIGNAL), ==, sizeof(request));
	l->seq = request.msg.seq;
	l->kinds = kinds != 0 ? kinds : UINT32_MAX;
	l->in = g_byte_array_new();
	l->objects = listener_objects();
	return l;
}

void
listener_free(struct listener *l)
{
	close(l->fd);
	g_byte_array_unref(l->in);
	g_hash_table_unref(l->objects);
	g_free(l);
}

static void
take_control(struct listener *l, const struct dpvs_event *e)
{
	uint64_t missed;

	if (e->op == DPVS_EVENT_OP_SYNCED) {
		g_assert_cmpuint(e->len, ==, 0);
		g_assert_false(l->synced);
		l->synced = true;
		l->syncs++;
		return;
	}
	g_assert_cmpuint(e->op, ==, DPVS_EVENT_OP_MISSED);
	g_assert_cmpuint(e->len, ==, sizeof(missed));
	memcpy(&missed, e->data, sizeof(missed));
	g_assert_cmpuint(missed, >, 0);
	l->missed += missed;
	l->restarts++;
	l->synced = false;
	g_hash_table_remove_all(l->objects);
}

static void
take_event(struct listener *l, const struct dpvs_event *e)
{
	static const uint8_t zero[DPVS_EVENT_DATA_SIZE];
	uint64_t generation;
	GByteArray *key;
	GBytes *bytes;

	g_assert_cmpuint(e->serial, ==, l->serial + 1);
	g_assert_cmpuint(e->pad, ==, 0);
	g_assert_cmpuint(e->len, <=, sizeof(e->data));
	g_assert_cmpmem(e->data + e->len, sizeof(e->data) - e->len, zero, sizeof(e->data) - e->len);
	l->serial = e->serial;
	if (e->op < G_N_ELEMENTS(l->events))
		l->events[e->op]++;
	if (e->kind == DPVS_EVENT_CONTROL) {
		take_control(l, e);
		return;
	}
	g_assert_cmpuint(e->kind & l->kinds, ==, e->kind);
	g_assert_cmpuint(e->len, ==, size_of(e->kind));
	g_assert_cmpuint(e->op, >=, DPVS_EVENT_OP_PRESENT);
	g_assert_cmpuint(e->op, <=, DPVS_EVENT_OP_DEL);
	if (e->op == DPVS_EVENT_OP_PRESENT)
		g_assert_false(l->synced);
	if (e->kind == DPVS_EVENT_GENERATION) {
		memcpy(&generation, e->data, sizeof(generation));
		if (e->op == DPVS_EVENT_OP_CHANGE)
			g_assert_cmpuint(generation, >, l->generation);
		l->generation = generation;
		return;
	}
	if (e->op != DPVS_EVENT_OP_DEL) {
		listener_put(l->objects, e->kind, e->data);
		return;
	}
	key = g_byte_array_new();
	key_of(key, e->kind, e->data);
	bytes = g_byte_array_free_to_bytes(key);
	if (!g_hash_table_remove(l->objects, bytes))
		g_assert_false(l->synced);
	g_bytes_unref(bytes);
}

static void
take_frame(struct listener *l, const struct dpvs_sock_msg *msg, const guint8 *data)
{
	struct dpvs_sock_reply reply;
	struct dpvs_sock_body body;
	const char *text;
	const void *records;
	struct dpvs_event e;

	g_assert_cmpuint(msg->version, ==, DPVS_PROTO_VERSION);
	g_assert_cmpuint(msg->id, ==, DPVS_GET_EVENTS);
	g_assert_cmpuint(msg->seq, ==, l->seq);
	g_assert_cmpint(dpvs_wire_check_reply(data, msg->len, &reply, &text, &body, &records), ==, 0);
	l->error = reply.errcode;
	if (!l->answered) {
		g_assert_cmpuint(msg->type, ==, DPVS_SOCKOPT_GET);
		g_assert_cmpuint(body.count, ==, 0);
		l->answered = reply.errcode == 0;
		return;
	}
	g_assert_cmpuint(msg->type, ==, DPVS_SOCKOPT_EVENT);
	g_assert_cmpuint(body.count > 0, ==, reply.errcode == 0);
	for (uint32_t i = 0; i < body.count; i++) {
		g_assert_cmpuint(body.record_size, ==, sizeof(e));
		memcpy(&e, (const char *)records + i * sizeof(e), sizeof(e));
		take_event(l, &e);
	}
	l->within = (reply.flags & DPVS_REPLY_MORE) != 0;
	if (l->synced && !l->within && reply.errcode == 0 && l->settled != NULL)
		l->settled(l, l->settled_arg);
}

size_t
listener_read(struct listener *l, size_t max)
{
	guint8 buf[16384];
	struct dpvs_sock_msg msg;
	size_t total = 0;
	gsize at = 0;
	ssize_t n;

	while (total < max) {
		n = recv(l->fd, buf, MIN(sizeof(buf), max - total), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET)) {
			l->closed = true;
			break;
		}
		if (n < 0) {
			g_assert_cmpint(errno, ==, EAGAIN);
			break;
		}
		total += (size_t)n;
		g_byte_array_append(l->in, buf, (guint)n);
	}
	l->bytes += total;
	while (l->in->len - at >= sizeof(msg)) {
		memcpy(&msg, l->in->data + at, sizeof(msg));
		g_assert_cmpuint(msg.len, <=, DPVS_BODY_MAX + 1024);
		if (l->in->len - at < sizeof(msg) + msg.len)
			break;
		take_frame(l, &msg, l->in->data + at + sizeof(msg));
		at += sizeof(msg) + (gsize)msg.len;
	}
	g_byte_array_remove_range(l->in, 0, (guint)at);
	return total;
}

void
listener_wait(struct listener *l, bool (*done)(struct listener *l))
{
	gint64 end = g_get_monotonic_time() + WAIT_S * G_USEC_PER_SEC;

	while (!done(l) && g_get_monotonic_time() < end) {
		if (listener_read(l, SIZE_MAX) == 0)
			harness_pump(1);
	}
	g_assert_true(done(l));
}

bool
listener_is_synced(struct listener *l)
{
	return l->synced;
}

bool
listener_is_closed(struct listener *l)
{
	return l->closed;
}

/* ---- what the daemon has ---- */

GHashTable *
listener_state(uint32_t kinds, uint64_t *ret_generation)
{
	static const struct {
		uint32_t kind;
		uint32_t id;
	} gets[] = {
		{ DPVS_EVENT_LINK, DPVS_GET_PORT_LIST },   { DPVS_EVENT_ADDR, DPVS_GET_ADDRS },
		{ DPVS_EVENT_ROUTE, DPVS_GET_ROUTES },    { DPVS_EVENT_ROUTE, DPVS_GET_ROUTES6 },
		{ DPVS_EVENT_NEIGH, DPVS_GET_NEIGHS }, { DPVS_EVENT_SERVICE, DPVS_GET_SERVICES },
		{ DPVS_EVENT_DEST, DPVS_GET_DESTS }, { DPVS_EVENT_LADDR, DPVS_GET_LADDRS },
	};
	GHashTable *objects = listener_objects();
	uint64_t generation = 0;
	bool same = true;
	uint8_t record[DPVS_EVENT_DATA_SIZE];

	for (unsigned int i = 0; i < G_N_ELEMENTS(gets); i++) {
		struct dpvs_reply *reply;

		if ((kinds & gets[i].kind) == 0)
			continue;
		g_assert_cmpint(harness_get(gets[i].id, NULL, 0, &reply), ==, 0);
		for (uint32_t k = 0; k < dpvs_reply_count(reply); k++) {
			g_assert_cmpint(dpvs_reply_record(reply, k, record, size_of(gets[i].kind)), ==, 0);
			listener_put(objects, gets[i].kind, record);
		}
		same = same && (generation == 0 || dpvs_reply_generation(reply) == generation);
		generation = dpvs_reply_generation(reply);
		dpvs_reply_free(reply);
	}
	*ret_generation = same ? generation : 0;
	return objects;
}

static char *
describe(const char *what, GBytes *key, GBytes *record)
{
	GString *s = g_string_new(what);
	const guint8 *data;
	gsize size;

	for (unsigned int i = 0; i < 2; i++) {
		data = g_bytes_get_data(i == 0 ? key : record, &size);
		g_string_append(s, i == 0 ? " key" : " record");
		for (gsize k = 0; k < size; k++)
			g_string_append_printf(s, "%s%02x", k % 4 == 0 ? " " : "", data[k]);
	}
	return g_string_free(s, FALSE);
}

char *
listener_difference(GHashTable *have, GHashTable *want)
{
	GHashTableIter iter;
	gpointer key, value, other;

	g_hash_table_iter_init(&iter, want);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		other = g_hash_table_lookup(have, key);
		if (other == NULL)
			return describe("not told of", key, value);
		if (!g_bytes_equal(value, other)) {
			g_autofree char *a = describe("told", key, other);
			g_autofree char *b = describe("is", key, value);

			return g_strdup_printf("%s\n%s", a, b);
		}
	}
	g_hash_table_iter_init(&iter, have);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (!g_hash_table_contains(want, key))
			return describe("not there any more", key, value);
	return NULL;
}
