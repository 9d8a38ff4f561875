/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services, servers and NAT servers as dpip verify compares them: what a worker looks up, and what the truth
 * says that it should find. A service's hash has its object's address in it, because all workers must have
 * the same object, and all that is in the object but the scheduler's table: that is built from the rest,
 * and lies at one address for all.
 */
#include <glib.h>

#include "core/digest.h"
#include "lb/replica.h"
#include "lb/service.h"
#include "lb/truth.h"

/* Where services_truth() stands, in d->sub; d->last is the service, d->pos the next server or address. */
enum {
	AT_BEGIN,
	AT_DESTS,
	AT_LADDRS,
	AT_END,
};

static uint64_t
head_hash(const void *object, const struct addr_key *key, uint32_t index, uint32_t timeout_s, uint32_t flags,
	  const struct sched_ops *sched, uint32_t num_dests, uint32_t num_laddrs)
{
	uint64_t hash = digest_u64(addr_key_digest(key), (uintptr_t)object);

	hash = digest_u64(hash, (uint64_t)index << 32 | timeout_s);
	hash = digest_u64(hash, (uintptr_t)sched);
	hash = digest_u64(hash, flags);
	return digest_u64(hash, (uint64_t)num_dests << 32 | num_laddrs);
}

static uint64_t
dest_hash(uint64_t hash, const struct dest *dest)
{
	hash = digest_u64(hash, (uint64_t)dest->index << 32 | dest->generation);
	hash = digest_bytes(hash, &dest->addr, sizeof(dest->addr));
	hash = digest_u64(hash, (uint64_t)dest->port << 16 | (uint64_t)dest->af << 8 | dest->fwd);
	return digest_u64(hash, (uint64_t)dest->weight << 32 | dest->last_weight);
}

static uint64_t
laddr_hash(uint64_t hash, const struct service_laddr *laddr)
{
	return digest_u64(digest_bytes(hash, &laddr->addr, sizeof(laddr->addr)), laddr->index);
}

/* Services as a worker looks them up. d->sub: the servers and addresses of d->last that are done. */
static bool
services_copy(struct digest *d)
{
	const struct service *svc = d->last;
	struct addr_key key;
	const void *value;
	int found;

	if (svc == NULL) {
		found = replica_step(service_replica(), d, &key, &value);
		if (found > 0) {
			svc = value;
			d->last = svc;
			d->sub = 0;
			d->hash = head_hash(svc, &key, svc->index, svc->conn_timeout_s, svc->sched_flags,
					    svc->sched, svc->num_dests, svc->num_laddrs);
		}
		return found >= 0;
	}
	for (unsigned int n = 0; n < DIGEST_STEP / 4; n++, d->sub++) {
		if (d->sub < svc->num_dests) {
			d->hash = dest_hash(d->hash, &svc->dests[d->sub]);
		} else if (d->sub < (uint64_t)svc->num_dests + svc->num_laddrs) {
			d->hash = laddr_hash(d->hash, &svc->laddrs[d->sub - svc->num_dests]);
		} else {
			digest_add(d, d->hash);
			d->last = NULL;
			break;
		}
	}
	return true;
}

static void
truth_begin(struct digest *d, const struct vs *vs)
{
	while (vs != NULL && !vs->listed)
		vs = TAILQ_NEXT(vs, link);
	d->last = vs;
	d->sub = vs != NULL ? AT_DESTS : AT_END;
	if (vs == NULL)
		return;
	d->pos = (uintptr_t)TAILQ_FIRST(&vs->dests);
	d->hash = head_hash(vs->published, &vs->key, vs->index, vs->conf.conn_timeout_s, vs->conf.sched_flags,
			    vs->conf.sched, vs->num_dests, vs->num_laddrs);
}

/* Services as they should be. */
static bool
services_truth(struct digest *d)
{
	const struct vs *vs = d->last;

	if (d->sub == AT_BEGIN)
		truth_begin(d, TAILQ_FIRST(vs_all()));
	for (unsigned int n = 0; vs != NULL && d->sub == AT_DESTS && n < DIGEST_STEP; n++) {
		const struct rs *rs = (const struct rs *)(uintptr_t)d->pos;
		struct dest dest;

		if (rs == NULL) {
			d->sub = AT_LADDRS;
			d->pos = (uintptr_t)TAILQ_FIRST(&vs->laddrs);
			break;
		}
		dest = (struct dest){ .index = rs->index, .generation = rs->generation, .addr = rs->key.addr,
				      .port = rs->key.port, .af = vs->key.af, .fwd = rs->conf.fwd,
				      .weight = rs->conf.weight, .last_weight = rs->last_weight };
		if (rs->listed)
			d->hash = dest_hash(d->hash, &dest);
		d->pos = (uintptr_t)TAILQ_NEXT(rs, link);
	}
	for (unsigned int n = 0; vs != NULL && d->sub == AT_LADDRS && n < DIGEST_STEP; n++) {
		const struct vs_laddr *vl = (const struct vs_laddr *)(uintptr_t)d->pos;
		struct service_laddr laddr;

		if (vl == NULL) {
			digest_add(d, d->hash);
			truth_begin(d, TAILQ_NEXT(vs, link));
			break;
		}
		laddr_describe(vl, &laddr);
		d->hash = laddr_hash(d->hash, &laddr);
		d->pos = (uintptr_t)TAILQ_NEXT(vl, link);
	}
	return d->sub != AT_END;
}

/* Slots of servers that are there: those with an odd generation, see dest_slot.c. */
static bool
dests_copy(struct digest *d)
{
	const struct dest_lcore *lcore = dest_lcores[lcore_me()->worker];
	uint32_t used = dest_slots_used();

	for (unsigned int n = 0; n < DIGEST_STEP && d->pos < used; n++, d->pos++) {
		if (lcore[d->pos].generation % 2 != 0)
			digest_add(d, digest_u64(d->pos, lcore[d->pos].generation));
	}
	return d->pos < used;
}

static bool
dests_truth(struct digest *d)
{
	uint32_t used = dest_slots_used();

	for (unsigned int n = 0; n < DIGEST_STEP && d->pos < used; n++, d->pos++) {
		const struct rs *rs = dest_slot((uint32_t)d->pos);

		if (rs != NULL && rs->listed)
			digest_add(d, digest_u64(d->pos, rs->generation));
	}
	return d->pos < used;
}

static bool
replies_copy(struct digest *d)
{
	struct addr_key key;
	const void *value;
	int found = replica_step(dest_reply_replica(), d, &key, &value);

	if (found > 0)
		digest_add(d, addr_key_digest(&key));
	return found >= 0;
}

const struct module_digest service_digests[] = {
	{ .name = "services", .copy = services_copy, .truth = services_truth, .main_copy = true },
	{ .name = "servers", .copy = dests_copy, .truth = dests_truth },
	{ .name = "nat-servers", .copy = replies_copy, .truth = dest_replies_digest, .main_copy = true },
	{ .name = "timeouts", .copy = timeouts_digest_copy, .truth = timeouts_digest_truth },
	{},
};
