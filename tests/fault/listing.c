/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon lists, by its GETs, in the form of the model: see model.h. Left out: counters, ages, link-local
 * addresses.
 */
#include <string.h>

#include "client.h"
#include "lb_records.h"
#include "model.h"
#include "world.h"

static struct dpvs_reply *
get(uint32_t id)
{
	struct dpvs_reply *reply = NULL;

	g_assert_cmpint(client_get(id, &reply), ==, 0);
	return reply;
}

static const char *
text_of(const struct dpvs_addr *addr, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(addr->family, addr->bytes, buf, INET6_ADDRSTRLEN);
}

static bool
is_linklocal(const struct dpvs_addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe;
}

static unsigned int
service_of(const struct dpvs_service_key *key)
{
	struct dpvs_service_key k;

	for (unsigned int v = 0; v < VIPS; v++) {
		k = vip_key(v);
		if (memcmp(&k, key, sizeof(k)) == 0)
			return v;
	}
	return 99;
}

static unsigned int
dest_of(unsigned int v, const struct dpvs_dest_conf *conf)
{
	for (unsigned int d = 0; v < VIPS && d < DESTS; d++) {
		struct dpvs_dest_conf k = dest_conf(v, d);

		if (memcmp(&k.addr, &conf->addr, sizeof(k.addr)) == 0 && k.port == conf->port)
			return d;
	}
	return 99;
}

static void
list_services(GString *out)
{
	struct dpvs_reply *reply = get(DPVS_GET_SERVICES);
	struct dpvs_service_info info;
	struct dpvs_dest_info dest;
	struct dpvs_laddr_info laddr;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		g_string_append_printf(out, "service %u %s flags %u timeout %u dests %u laddrs %u\n",
				       service_of(&info.conf.key), info.conf.sched, info.conf.sched_flags,
				       info.conf.conn_timeout_s, info.num_dests, info.num_laddrs);
	}
	dpvs_reply_free(reply);
	reply = get(DPVS_GET_DESTS);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		unsigned int v;

		dpvs_reply_record(reply, i, &dest, sizeof(dest));
		v = service_of(&dest.conf.svc);
		g_string_append_printf(out, "dest %u.%u fwd %u weight %u\n", v, dest_of(v, &dest.conf),
				       dest.conf.fwd, dest.conf.weight);
	}
	dpvs_reply_free(reply);
	reply = get(DPVS_GET_LADDRS);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &laddr, sizeof(laddr));
		g_string_append_printf(out, "laddr %u.%u %s\n", service_of(&laddr.conf.svc),
				       laddr.conf.addr.bytes[laddr.conf.addr.family == AF_INET ? 3 : 15] -
					       LBMODEL_LADDR,
				       laddr.conf.dev);
	}
	dpvs_reply_free(reply);
}

static void
list_addrs(GPtrArray *lines)
{
	struct dpvs_reply *reply = get(DPVS_GET_ADDRS);
	struct dpvs_addr_conf conf;
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &conf, sizeof(conf));
		if (!is_linklocal(&conf.addr))
			g_ptr_array_add(lines, g_strdup_printf("addr %s/%u %s", text_of(&conf.addr, text), conf.plen,
							       conf.dev));
	}
	dpvs_reply_free(reply);
}

static void
list_routes(uint32_t id, GPtrArray *lines)
{
	struct dpvs_reply *reply = get(id);
	struct dpvs_route_conf conf;
	char dst[INET6_ADDRSTRLEN], via[INET6_ADDRSTRLEN], src[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &conf, sizeof(conf));
		if (is_linklocal(&conf.dst))
			continue;
		g_ptr_array_add(lines, g_strdup_printf("route %s/%u type %u proto %u %s%s%s%s src %s mtu %u metric %u",
						       text_of(&conf.dst, dst), conf.plen, conf.type, conf.proto,
						       conf.via.family != 0 ? "via " : "",
						       conf.via.family != 0 ? text_of(&conf.via, via) : "",
						       conf.via.family != 0 ? " " : "", conf.dev,
						       text_of(&conf.src, src), conf.mtu, conf.metric));
	}
	dpvs_reply_free(reply);
}

static void
list_rest(GPtrArray *lines)
{
	struct dpvs_reply *reply = get(DPVS_GET_NEIGHS);
	struct dpvs_neigh_conf neigh;
	struct dpvs_timeouts timeouts;
	struct dpvs_port_info port;
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &neigh, sizeof(neigh));
		g_ptr_array_add(lines, g_strdup_printf("neigh %s %s mac %u state %u", text_of(&neigh.addr, text),
						       neigh.dev, neigh.mac[5], neigh.state));
	}
	dpvs_reply_free(reply);
	reply = get(DPVS_GET_PORT_LIST);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &port, sizeof(port));
		g_ptr_array_add(lines, g_strdup_printf("port %s mtu %u up %d mac %u", port.name, port.mtu,
						       (port.flags & DPVS_PORT_UP) != 0, port.mac[5]));
	}
	dpvs_reply_free(reply);
	reply = get(DPVS_GET_TIMEOUTS);
	g_assert_cmpint(dpvs_reply_record(reply, 0, &timeouts, sizeof(timeouts)), ==, 0);
	g_ptr_array_add(lines, g_strdup_printf("timeouts %u %u %u", timeouts.tcp_s, timeouts.tcp_fin_s,
					       timeouts.udp_s));
	dpvs_reply_free(reply);
}

char *
listing_text(void)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GString *out = g_string_new(NULL);

	list_services(out);
	list_addrs(lines);
	list_routes(DPVS_GET_ROUTES, lines);
	list_routes(DPVS_GET_ROUTES6, lines);
	list_rest(lines);
	world_sort(lines, out);
	return g_string_free(out, FALSE);
}
