/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of local addresses; see laddr_port.h. Shared by the workers is one byte per block, its owner.
 * What a worker knows of its own blocks is its own: the list of blocks that it allocates from, and how many
 * connections use each.
 */
#include "lb/laddr_port.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <rte_byteorder.h>

#include <dpvsctrl/proto/conn.h>

#include "core/lcore.h"
#include "lb/conn_find.h"
#include "net/rss.h"

/* Ports looked at before a further block is claimed: as many as one brings. */
#define PROBE_CLAIM LADDR_BLOCK_PORTS
/* Ports looked at in all for one connection; the next one goes on from there. */
#define PROBE_MAX 256
/* Blocks claimed for one connection. */
#define CLAIMS_MAX 8
/* Free ports passed over because their answers would come to another worker. */
#define FAR_MAX (2 * LADDR_BLOCK_PORTS)
/* Idle blocks that a worker keeps while nobody else asks for them. */
#define IDLE_KEEP 16
/* For how long others remember that a worker found no port, ms. */
#define WANTED_MS 3000
/* Cursors of a worker. Pairs of local address and server that fall on one share it, which is harmless. */
#define CURSORS 4096

/* Of one local address, shared. */
struct laddr_shared {
	_Atomic uint8_t owner[LADDR_BLOCKS]; /* worker + 1; 0: nobody. Claimed by CAS, cleared by the owner */
	_Atomic uint32_t wanted_ms;          /* when a worker last found no port; 0: never */
};

/* Of one local address on one worker. */
struct laddr_mine {
	uint16_t active; /* blocks[0] to [active - 1] give ports */
	uint16_t num;    /* the others up to [num - 1] only wait until they are idle */
	uint16_t idle;   /* how many of the num no connection uses */
	uint16_t hint;   /* where to look for the next free block */
	uint16_t blocks[LADDR_BLOCKS];
	uint16_t place[LADDR_BLOCKS]; /* of a block in blocks[] */
	uint32_t used[LADDR_BLOCKS];  /* connections on ports of a block */
};

struct laddr_worker {
	struct laddr_mine *mine; /* [num_laddrs], touched when used */
	uint8_t *have;           /* [num_laddrs] is there any block? so that the slow job touches no more */
	uint32_t *cursors;       /* [CURSORS] position in the active ports */
};

static struct laddr_shared *laddr_shared;
static struct laddr_worker laddr_workers[WORKERS_MAX];
static uint32_t laddr_count;
static unsigned int laddr_num_workers;

int
laddr_port_init(uint32_t num_laddrs, unsigned int num_workers)
{
	laddr_shared = calloc(num_laddrs, sizeof(*laddr_shared));
	if (laddr_shared == NULL)
		return -ENOMEM;
	laddr_count = num_laddrs;
	laddr_num_workers = num_workers;
	for (unsigned int i = 0; i < num_workers; i++) {
		struct laddr_worker *w = &laddr_workers[i];

		w->mine = calloc(num_laddrs, sizeof(*w->mine));
		w->have = calloc(num_laddrs, sizeof(*w->have));
		w->cursors = calloc(CURSORS, sizeof(*w->cursors));
		if (w->mine == NULL || w->have == NULL || w->cursors == NULL) {
			laddr_port_fini();
			return -ENOMEM;
		}
	}
	return 0;
}

void
laddr_port_fini(void)
{
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		free(laddr_workers[i].mine);
		free(laddr_workers[i].have);
		free(laddr_workers[i].cursors);
	}
	memset(laddr_workers, 0, sizeof(laddr_workers));
	free(laddr_shared);
	laddr_shared = NULL;
	laddr_count = 0;
}

static unsigned int
block_of(rte_be16_t port)
{
	return (unsigned int)(rte_be_to_cpu_16(port) - LADDR_PORT_FIRST) / LADDR_BLOCK_PORTS;
}

uint8_t
laddr_port_owner(uint32_t laddr, rte_be16_t port)
{
	uint8_t owner;

	if (rte_be_to_cpu_16(port) < LADDR_PORT_FIRST || laddr >= laddr_count)
		return LADDR_OWNER_NONE;
	/* Relaxed: it only says where to send a packet; the owner's table decides. */
	owner = atomic_load_explicit(&laddr_shared[laddr].owner[block_of(port)], memory_order_relaxed);
	return owner != 0 ? owner - 1 : LADDR_OWNER_NONE;
}

uint32_t
laddr_port_blocks(unsigned int worker, uint32_t laddr)
{
	return laddr_workers[worker].mine[laddr].num;
}

uint32_t
laddr_port_idle(unsigned int worker, uint32_t laddr)
{
	return laddr_workers[worker].mine[laddr].idle;
}

static bool
is_wanted(const struct laddr_shared *s)
{
	uint32_t wanted = atomic_load_explicit(&s->wanted_ms, memory_order_relaxed);

	/* Signed: it may lie a millisecond ahead. */
	return wanted != 0 && (int32_t)((uint32_t)lcore_me()->now_ms - wanted) < WANTED_MS;
}

static void
mine_swap(struct laddr_mine *m, unsigned int a, unsigned int b)
{
	uint16_t block = m->blocks[a];

	m->blocks[a] = m->blocks[b];
	m->blocks[b] = block;
	m->place[m->blocks[a]] = (uint16_t)a;
	m->place[m->blocks[b]] = (uint16_t)b;
}

/* An idle block leaves the worker; also one of those that give ports. */
static void
block_release(unsigned int worker, uint32_t laddr, unsigned int block)
{
	struct laddr_mine *m = &laddr_workers[worker].mine[laddr];

	if (m->place[block] < m->active)
		mine_swap(m, m->place[block], --m->active);
	mine_swap(m, m->place[block], --m->num);
	m->idle--;
	/* Release: whoever claims it next (acquire in block_claim()) sees our connections gone. */
	atomic_store_explicit(&laddr_shared[laddr].owner[block], 0, memory_order_release);
}

/* Makes another block give ports; it is the last of the active ones then. */
static bool
block_claim(unsigned int worker, uint32_t laddr)
{
	struct laddr_mine *m = &laddr_workers[worker].mine[laddr];
	struct laddr_shared *s = &laddr_shared[laddr];

	if (m->active < m->num) {
		m->active++;
		return true;
	}
	for (unsigned int i = 0; i < LADDR_BLOCKS; i++) {
		unsigned int block = (m->hint + i) % LADDR_BLOCKS;
		uint8_t nobody = 0;

		if (atomic_load_explicit(&s->owner[block], memory_order_relaxed) != 0 ||
		    !atomic_compare_exchange_strong_explicit(&s->owner[block], &nobody,
							     (uint8_t)(worker + 1), memory_order_acquire,
							     memory_order_relaxed))
			continue;
		m->blocks[m->num] = (uint16_t)block;
		m->place[block] = m->num;
		m->num++;
		m->active++;
		m->idle++;
		/* Onwards, so that a block just given back rests longest. */
		m->hint = (uint16_t)((block + 1) % LADDR_BLOCKS);
		laddr_workers[worker].have[laddr] = 1;
		return true;
	}
	return false;
}

static rte_be16_t
port_at(const struct laddr_mine *m, uint32_t pos)
{
	return rte_cpu_to_be_16((uint16_t)(LADDR_PORT_FIRST +
					   m->blocks[pos / LADDR_BLOCK_PORTS] * LADDR_BLOCK_PORTS +
					   pos % LADDR_BLOCK_PORTS));
}

/* Who has each of @n ports from @pos on towards the server of @c. */
static void
ports_find(const struct conn_table *t, const struct laddr_mine *m, const struct conn *c, uint32_t pos,
	   unsigned int n, uint32_t *ret_refs)
{
	const struct conn_tuple *tuple = &c->tuple[CONN_OUT];

	if (c->af == AF_INET) {
		struct conn_key4 keys[CONN_BULK];

		for (unsigned int i = 0; i < n; i++)
			keys[i] = conn_tuple_key4(tuple, port_at(m, pos + i), c->proto);
		conn_find4_bulk(t, keys, n, ret_refs);
	} else {
		struct conn_key6 keys[CONN_BULK];

		for (unsigned int i = 0; i < n; i++) {
			rte_be16_t ports[2] = { tuple->sport, port_at(m, pos + i) };

			keys[i] = conn_key6(&conn_addrs6(t, c)->dir[CONN_OUT], ports, c->proto);
		}
		conn_find6_bulk(t, keys, n, ret_refs);
	}
}

/*
 * The port that the next connection to the server of @c gets is mostly the one behind: its bucket is asked
 * for now, and then there is no waiting for it, neither to see that the port is free nor to take it.
 */
static void
next_prefetch(const struct conn_table *t, const struct laddr_mine *m, const struct conn *c, uint32_t pos)
{
	const struct conn_tuple *tuple = &c->tuple[CONN_OUT];

	if (pos >= (uint32_t)m->active * LADDR_BLOCK_PORTS)
		pos = 0;
	if (c->af == AF_INET) {
		struct conn_key4 key = conn_tuple_key4(tuple, port_at(m, pos), c->proto);

		conn_want4(t, &key);
	} else {
		rte_be16_t ports[2] = { tuple->sport, port_at(m, pos) };
		struct conn_key6 key = conn_key6(&conn_addrs6(t, c)->dir[CONN_OUT], ports, c->proto);

		conn_want6(t, &key);
	}
}

static uint32_t *
cursor_of(const struct conn_table *t, unsigned int worker, uint32_t laddr, const struct conn *c)
{
	const struct conn_tuple *tuple = &c->tuple[CONN_OUT];
	uint64_t hash;

	if (c->af == AF_INET) {
		struct conn_key4 key = conn_tuple_key4(tuple, 0, c->proto);

		hash = conn_hash4(t->seed, &key);
	} else {
		rte_be16_t ports[2] = { tuple->sport, 0 };
		struct conn_key6 key = conn_key6(&conn_addrs6(t, c)->dir[CONN_OUT], ports, c->proto);

		hash = conn_hash6(t->seed, &key);
	}
	return &laddr_workers[worker].cursors[(hash + laddr) % CURSORS];
}

static bool
is_replaceable(const struct conn *c)
{
	return c->state == DPVS_CONN_TIME_WAIT || c->state == DPVS_CONN_CLOSE;
}

/* Do answers to @port on @rx_port come to @worker? */
static bool
comes_home(const struct conn_table *t, unsigned int worker, const struct conn *c, uint16_t rx_port,
	   rte_be16_t port)
{
	const struct conn_tuple *tuple = &c->tuple[CONN_OUT];
	union ip_addr src = { .ip4 = tuple->src }, dst = { .ip4 = tuple->dst };
	uint16_t to;

	if (c->af != AF_INET) {
		src = conn_addrs6(t, c)->dir[CONN_OUT].src;
		dst = conn_addrs6(t, c)->dir[CONN_OUT].dst;
	}
	to = rss_worker(rx_port, c->af, c->proto, &src, &dst, tuple->sport, port);
	return to == RSS_UNKNOWN || to == worker;
}

/* A block brings free ports, so one is enough; but perhaps none whose answers come home (@far were seen). */
static bool
may_claim(const struct laddr_mine *m, unsigned int claims, unsigned int far)
{
	if (far == 0)
		return claims == 0;
	/* For that alone, no more blocks than the others leave. */
	return claims < CLAIMS_MAX && m->num < LADDR_BLOCKS / laddr_num_workers;
}

int
laddr_port_alloc(struct conn_table *t, unsigned int worker, uint32_t laddr, struct conn *c,
		 uint16_t rx_port, struct conn **ret_old)
{
	struct laddr_mine *m = &laddr_workers[worker].mine[laddr];
	uint32_t *cursor = cursor_of(t, worker, laddr, c);
	uint32_t refs[CONN_BULK], old = CONN_NONE, ports = (uint32_t)m->active * LADDR_BLOCK_PORTS;
	uint32_t old_pos = 0, far_pos = 0;
	unsigned int probed = 0, far = 0, n;
	unsigned int claims = 0;

	/* The first port is mostly free. After that, look at many at once. */
	for (n = 1;; n = CONN_BULK / 2) {
		uint32_t pos = *cursor < ports ? *cursor : 0;
		unsigned int most = probed < PROBE_CLAIM ? PROBE_CLAIM : PROBE_MAX;

		n = RTE_MIN(n, RTE_MIN(ports - pos, RTE_MIN(most, ports) - probed));
		if (n == 0) {
			if (may_claim(m, claims, far) && block_claim(worker, laddr)) {
				claims++;
				*cursor = ports;
				ports += LADDR_BLOCK_PORTS;
				probed = 0;
				far = 0;
				continue;
			}
			if (far > 0 || probed >= RTE_MIN(PROBE_MAX, ports))
				break;
			claims = CLAIMS_MAX; /* there is none; do not ask again */
			probed = RTE_MAX(probed, PROBE_CLAIM);
			continue;
		}
		ports_find(t, m, c, pos, n, refs);
		for (unsigned int i = 0; i < n; i++) {
			if (refs[i] == CONN_NONE) {
				uint32_t take = pos + i;

				if (rx_port != UINT16_MAX &&
				    !comes_home(t, worker, c, rx_port, port_at(m, take))) {
					if (far++ == 0)
						far_pos = take;
					if (far < FAR_MAX)
						continue;
					take = far_pos;
				}
				*cursor = take + 1;
				c->tuple[CONN_OUT].dport = port_at(m, take);
				next_prefetch(t, m, c, take + 1);
				return 0;
			}
			if (old == CONN_NONE && is_replaceable(&t->conns[refs[i] >> 1])) {
				old = refs[i];
				old_pos = pos + i;
			}
		}
		*cursor = pos + n;
		probed += n;
		/* Nothing to claim any more, so the oldest that has ended must do. */
		if (claims > 0 && far == 0 && old != CONN_NONE)
			break;
	}
	if (far > 0) {
		*cursor = far_pos + 1;
		c->tuple[CONN_OUT].dport = port_at(m, far_pos);
		return 0;
	}
	if (old != CONN_NONE) {
		*cursor = old_pos + 1;
		*ret_old = &t->conns[old >> 1];
		c->tuple[CONN_OUT].dport = port_at(m, old_pos);
		return -EADDRINUSE;
	}
	/* 0 means never: skip it. */
	atomic_store_explicit(&laddr_shared[laddr].wanted_ms, (uint32_t)lcore_me()->now_ms | 1,
			      memory_order_relaxed);
	return -EAGAIN;
}

void
laddr_port_take(unsigned int worker, uint32_t laddr, rte_be16_t port)
{
	struct laddr_mine *m = &laddr_workers[worker].mine[laddr];

	if (m->used[block_of(port)]++ == 0)
		m->idle--;
}

void
laddr_port_free(unsigned int worker, uint32_t laddr, rte_be16_t port)
{
	struct laddr_mine *m = &laddr_workers[worker].mine[laddr];
	unsigned int block = block_of(port);

	if (--m->used[block] > 0)
		return;
	m->idle++;
	if (m->idle > IDLE_KEEP || m->place[block] >= m->active)
		block_release(worker, laddr, block);
}

bool
laddr_port_tidy(unsigned int worker)
{
	struct laddr_worker *w = &laddr_workers[worker];
	unsigned int share = LADDR_BLOCKS / laddr_num_workers;
	bool gave = false;

	for (uint32_t laddr = 0; laddr < laddr_count; laddr++) {
		struct laddr_mine *m;

		if (!w->have[laddr] || !is_wanted(&laddr_shared[laddr]))
			continue;
		m = &w->mine[laddr];
		for (unsigned int i = m->num; i-- > 0 && m->idle > 0;) {
			if (m->used[m->blocks[i]] == 0) {
				block_release(worker, laddr, m->blocks[i]);
				gave = true;
			}
		}
		/* More than the fair share: the rest gives no more ports and goes when it is idle. */
		if (m->active > share)
			m->active = (uint16_t)share;
	}
	return gave;
}
