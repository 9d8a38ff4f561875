/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes as dpip verify compares them: the ribs of workers, and what route_table.c says that they should hold.
 */
#include <glib.h>
#include <sys/socket.h>

#include "core/digest.h"
#include "net/route_priv.h"
#include "net/route_table.h"

static void
add(struct digest *d, const union ip_addr *dst, uint8_t plen, uint32_t slot, const struct route_info *info)
{
	uint64_t hash = digest_bytes(0, dst, sizeof(*dst));

	hash = digest_u64(hash, (uint64_t)slot << 8 | plen);
	hash = digest_bytes(hash, &info->via, sizeof(info->via));
	hash = digest_bytes(hash, &info->src, sizeof(info->src));
	digest_add(d, digest_u64(hash, (uint64_t)info->port << 48 | (uint64_t)info->mtu << 32 |
					       (uint64_t)info->type << 8 | info->has_via));
}

static bool
copy(struct digest *d, uint8_t af)
{
	const struct route_info *info;
	union ip_addr dst = { 0 };
	uint32_t slot;
	uint8_t plen;

	for (unsigned int n = 0; n < DIGEST_STEP / 4; n++) {
		info = rib_next(route_rib(), af, &d->pos, &d->last, &dst, &plen, &slot);
		if (info == NULL)
			return false;
		add(d, &dst, plen, slot, info);
	}
	return true;
}

static bool
truth(struct digest *d, uint8_t af)
{
	static struct htable_iter iter; /* one digest is made at a time */

	if (d->pos++ == 0)
		iter = (struct htable_iter){ 0 };
	for (unsigned int n = 0; n < DIGEST_STEP; n++) {
		const struct htable_node *node = htable_next(route_prefixes(af), &iter);
		const struct prefix *p;
		struct route_info info;

		if (node == NULL)
			return false;
		p = htable_object(node, struct prefix, node);
		if (TAILQ_EMPTY(&p->routes))
			continue;
		info = route_info_of(TAILQ_FIRST(&p->routes));
		add(d, &p->dst, p->plen, p->slot, &info);
	}
	return true;
}

bool
route_digest4_copy(struct digest *d)
{
	return copy(d, AF_INET);
}

bool
route_digest4_truth(struct digest *d)
{
	return truth(d, AF_INET);
}

bool
route_digest6_copy(struct digest *d)
{
	return copy(d, AF_INET6);
}

bool
route_digest6_truth(struct digest *d)
{
	return truth(d, AF_INET6);
}
