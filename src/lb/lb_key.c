/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of services and addresses: from wire records (hostile until checked), to wire records, to text, and
 * as keys of GLib's hash tables.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lb/truth.h"

int
addr_from_wire(const struct dpvs_addr *wire, uint8_t *ret_af, union ip_addr *ret_addr)
{
	static const uint8_t zero[16];

	if (wire->pad[0] != 0 || wire->pad[1] != 0 || wire->pad[2] != 0)
		return -EINVAL;
	if (wire->family == AF_INET) {
		if (memcmp(wire->bytes + 4, zero, 12) != 0)
			return -EINVAL;
	} else if (wire->family != AF_INET6) {
		return -EINVAL;
	}
	memcpy(ret_addr, wire->bytes, sizeof(*ret_addr));
	*ret_af = wire->family;
	return 0;
}

void
addr_to_wire(uint8_t af, const union ip_addr *addr, struct dpvs_addr *ret_wire)
{
	memset(ret_wire, 0, sizeof(*ret_wire));
	ret_wire->family = af;
	memcpy(ret_wire->bytes, addr, af == AF_INET ? 4 : 16);
}

bool
addr_is_usable(uint8_t af, const union ip_addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (af == AF_INET) {
		uint32_t ip = ntohl(addr->ip4);

		/* 0.0.0.0/8, 127.0.0.0/8 (RFC 1122 3.2.1.3), 224.0.0.0/4, 255.255.255.255. */
		return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 28 != 0xe && ip != UINT32_MAX;
	}
	if (addr->u64[0] == 0 && ntohl(addr->u32[2]) == 0 && ntohl(addr->u32[3]) <= 1)
		return false; /* :: and ::1 */
	return addr->ip6[0] != 0xff && !(addr->ip6[0] == 0xfe && (addr->ip6[1] & 0xc0) == 0x80) &&
	       memcmp(addr->ip6, mapped, sizeof(mapped)) != 0;
}

void
key_to_wire(const struct addr_key *key, struct dpvs_service_key *ret_key)
{
	memset(ret_key, 0, sizeof(*ret_key));
	addr_to_wire(key->af, &key->addr, &ret_key->vip);
	ret_key->port = ntohs(key->port);
	ret_key->proto = key->proto;
}

const char *
addr_text(uint8_t af, const union ip_addr *addr, rte_be16_t port, char buf[KEY_TEXT_SIZE])
{
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(af, addr, ip, sizeof(ip));
	snprintf(buf, KEY_TEXT_SIZE, af == AF_INET ? "%s:%u" : "[%s]:%u", ip, ntohs(port));
	return buf;
}

const char *
key_text(const struct addr_key *key, char buf[KEY_TEXT_SIZE])
{
	char addr[KEY_TEXT_SIZE];

	addr_text(key->af, &key->addr, key->port, addr);
	snprintf(buf, KEY_TEXT_SIZE, "%s %.60s", key->proto == IPPROTO_TCP ? "TCP" : "UDP", addr);
	return buf;
}

guint
addr_key_hash(gconstpointer v)
{
	const struct addr_key *key = v;
	uint64_t rest = addr_table_rest(key->proto, key->port);

	return (guint)(addr_table_hash6(key->addr.u64, rest) >> 32);
}

gboolean
addr_key_equal(gconstpointer va, gconstpointer vb)
{
	const struct addr_key *a = va;
	const struct addr_key *b = vb;

	return a->addr.u64[0] == b->addr.u64[0] && a->addr.u64[1] == b->addr.u64[1] && a->port == b->port &&
	       a->proto == b->proto && a->af == b->af;
}
