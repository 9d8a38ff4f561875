/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which address of a port is the source of what it sends: the best one for the next hop.
 */
#include <sys/socket.h>

#include <glib.h>

#include "core/change.h"
#include "core/event.h"
#include "net/addr.h"
#include "net/ifaddr.h"
#include "net/ifaddr_priv.h"
#include "net/netif.h"

/** ifaddr_better_source: is @a a better source for @nexthop than @best (nullable)? */
static bool
ifaddr_better_source(const struct ifaddr *a, const struct ifaddr *best, const union ip_addr *nexthop)
{
	unsigned int score[2] = { 0, 0 };
	const struct ifaddr *x[2] = { a, best };

	if (addr_is_linklocal(a->af, &a->addr) || !ifaddr_is_seen(a))
		return false;
	for (unsigned int i = 0; i < 2 && x[i] != NULL; i++) {
		union ip_addr net = addr_masked(x[i]->af, &x[i]->addr, x[i]->plen);

		score[i] = 1;
		if (x[i]->given)
			score[i] += 1;
		if (x[i]->plen < addr_bits(x[i]->af))
			score[i] += 2;
		if (addr_in_prefix(x[i]->af, nexthop, &net, x[i]->plen))
			score[i] += 4;
		if (!x[i]->deprecated)
			score[i] += 8;
	}
	return score[0] > score[1];
}

bool
ifaddr_is_better(uint8_t af, uint16_t port, const union ip_addr *addr, const union ip_addr *src,
		 const union ip_addr *nexthop)
{
	const struct ifaddr *a = ifaddr_find(port, af, addr);
	const struct ifaddr *best = ifaddr_find(port, af, src);

	if (best != NULL && (best->port != port || !ifaddr_is_seen(best)))
		best = NULL; /* one of another port is the last resort */
	return a != NULL && a != best && ifaddr_better_source(a, best, nexthop);
}

/** ifaddr_counts: is @a there, as @c (NULL: the last commit) has it? */
static bool
ifaddr_counts(const struct change *c, const struct ifaddr *a)
{
	return c != NULL ? a->event.taken == 0 : event_node_shown(&a->event);
}

static const struct ifaddr *
ifaddr_source_on(const struct change *c, uint8_t af, uint16_t port, const union ip_addr *nexthop)
{
	const struct port_addrs *p = ifaddr_port_addrs(port, af);
	const struct ifaddr *best = NULL;

	for (const GList *l = p->nets.head; l != NULL; l = l->next) {
		if (ifaddr_counts(c, l->data) && ifaddr_better_source(l->data, best, nexthop))
			best = l->data;
	}
	if (best != NULL && !best->deprecated)
		return best;
	for (const GList *l = p->hosts.head; l != NULL; l = l->next) {
		if (ifaddr_counts(c, l->data) && ifaddr_better_source(l->data, best, nexthop))
			best = l->data;
		if (best != NULL && best->given && !best->deprecated)
			break; /* no better one can follow, and there may be many */
	}
	return best;
}

void
ifaddr_source(const struct change *c, uint8_t af, uint16_t port, const union ip_addr *nexthop,
	      union ip_addr *ret_src)
{
	const struct ifaddr *a = ifaddr_source_on(c, af, port, nexthop);

	for (uint16_t p = 0; a == NULL && p < netif_count(); p++)
		a = ifaddr_source_on(c, af, p, nexthop);
	*ret_src = a != NULL ? a->addr : (union ip_addr){ 0 };
}

bool
ifaddr_linklocal(uint16_t port, union ip_addr *ret_addr)
{
	for (const GList *l = ifaddr_port_addrs(port, AF_INET6)->nets.head; l != NULL; l = l->next) {
		const struct ifaddr *a = l->data;

		if (ifaddr_counts(NULL, a) && addr_is_linklocal(AF_INET6, &a->addr)) {
			*ret_addr = a->addr;
			return true;
		}
	}
	return false;
}
