/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists connections (GET 1000): asks one worker after the other for slices of its table, a few slices ahead, and
 * only as fast as the client reads. A worker looks at SLICE connections for a message, applies the filter, and
 * writes those that match into memory that main gave it; so one message costs it some 5 us, whatever the size of the
 * table and however many clients list it: all lists together have at most AHEAD messages on their way to one worker.
 * When the time that its loop has for messages is over, it goes on with the slice in the next.
 *
 * A worker that does not answer within the deadline ends the lists that need it. It may still write into their slices
 * when it comes back, so these are kept until it has.
 */
#include "lb/conn_ctrl.h"

#include <errno.h>
#include <glib.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include "core/ctl.h"
#include "lb/conn.h"

enum {
	SLICE = 128,   /* connections that a worker looks at for a message */
	LOOK = 32,     /* those between two looks at the time */
	AHEAD = 2,     /* messages on their way to a worker; slices between two looks at what the client has read */
	PREFETCH = 8,  /* connections ahead of the one looked at */
	SPARE_MAX = 8, /* slices kept for the next list: memory that was touched before costs a worker less */
	LOST_MAX = 64, /* slices that workers which do not answer may keep, before lists are refused */
	SWEEP_S = 1,
};

enum slice_state {
	SLICE_ASKED,
	SLICE_FILLING, /* by the worker */
	SLICE_LEFT,    /* main waits no longer, the worker has not come to it */
	SLICE_DONE,    /* the worker does not touch it any more */
};

/** struct slice: what main and a worker share while one asks and the other answers. */
struct slice {
	_Atomic int state;              /* enum slice_state; worker: ASKED to FILLING to DONE, LEFT to DONE; main: ASKED to LEFT */
	struct dump *dump;              /* main */
	uint32_t worker;                /* main */
	struct dpvs_conn_filter filter; /* main: rw, worker: ro */
	uint32_t from;                  /* first index to look at */
	uint32_t at;                    /* worker: index to go on with */
	uint32_t end;                   /* worker: of its table */
	uint32_t changes;               /* worker: of its table, when it began */
	bool changed;                   /* worker: its table, meanwhile */
	uint32_t count;                 /* worker: records */
	struct dpvs_conn_info records[SLICE];
};

/** struct dump: a list under way; main lcore. */
struct dump {
	struct dpvs_req *req;
	struct dpvs_conn_filter filter;
	uint32_t deadline_ms;
	uint32_t worker;
	uint32_t next;     /* index of the next slice */
	uint32_t left;     /* records that the client still wants */
	uint32_t changes;  /* of the worker's table at its first slice */
	uint32_t inflight; /* slices asked for */
	uint32_t round;    /* slices still to be asked for before the client has to have read */
	bool first;        /* the next slice that comes is a worker's first */
	bool over;         /* the worker has no more */
	bool ended;        /* only slices under way keep it */
	bool queued;       /* in asked[worker].waiting */
	gint64 queued_us;  /* since when */
	GList link;
};

/** struct asked: what all lists ask of a worker. */
static struct asked {
	uint32_t inflight;
	gint64 answered_us; /* when a slice was back last */
	GQueue waiting; /* lists whose turn comes when a slice is back */
} asked[WORKERS_MAX];

static guint impatience;      /* timer: some of the lists that wait may have waited long enough */
static gint64 impatience_us;  /* when */

static GPtrArray *lost; /* slices that a worker may still write to */
static guint lost_sweep;
static struct slice *spares[SPARE_MAX];
static unsigned int spare_count;

static void dump_ask(struct dump *d);
static void dump_round(struct dpvs_req *req, void *arg);

/*
 * ---- workers
 */

/* Is @want any, or the address at @is? */
static inline bool
addr_fits(const struct dpvs_addr *want, uint8_t af, const void *is)
{
	return want->family == 0 ||
	       (want->family == af && memcmp(want->bytes, is, af == AF_INET ? 4 : 16) == 0);
}

static inline bool
port_fits(uint16_t want, rte_be16_t is)
{
	return want == 0 || rte_cpu_to_be_16(want) == is;
}

static bool
filter_fits(const struct dpvs_conn_filter *f, const struct conn_table *t, const struct conn *c)
{
	const struct conn_tuple *in = &c->tuple[CONN_IN], *out = &c->tuple[CONN_OUT];
	const struct conn_addrs6 *a = conn_addrs6(t, c);
	bool v4 = c->af == AF_INET;

	return (f->proto == 0 || f->proto == c->proto) &&
	       (f->state_plus_one == 0 || f->state_plus_one == c->state + 1) &&
	       port_fits(f->client_port, in->sport) && port_fits(f->vip_port, in->dport) &&
	       port_fits(f->dest_port, out->sport) &&
	       addr_fits(&f->client, c->af, v4 ? (const void *)&in->src : &a->dir[CONN_IN].src) &&
	       addr_fits(&f->vip, c->af, v4 ? (const void *)&in->dst : &a->dir[CONN_IN].dst) &&
	       addr_fits(&f->dest, c->af, v4 ? (const void *)&out->src : &a->dir[CONN_OUT].src);
}

/* Looks at the next connections of a slice. Returns false when some are left for the next loop. */
static bool
slice_fill(struct slice *s, const struct conn_table *t)
{
	uint32_t end = (uint32_t)RTE_MIN((uint64_t)t->fresh, (uint64_t)s->from + SLICE);

	while (s->at < end) {
		const struct conn *c = &t->conns[s->at++];

		rte_prefetch0(c + PREFETCH);
		rte_prefetch0((const char *)(c + PREFETCH) + RTE_CACHE_LINE_SIZE);
		if (c->af != 0 && (c->flags & CONN_F_LEFT) == 0 && filter_fits(&s->filter, t, c))
			conn_info_fill(t, c, &s->records[s->count++]);
		if (s->at % LOOK == 0 && s->at < end && dpvs_msg_slice_over())
			return false;
	}
	s->end = t->fresh;
	s->changed = s->changes != t->changes;
	return true;
}

void
conn_msg_get_all(struct dpvs_msg *msg)
{
	const struct conn_table *t = &conn_workers[lcore_me()->worker].table;
	int state = SLICE_ASKED;
	struct slice *s;

	memcpy(&s, dpvs_msg_data(msg), sizeof(s));
	/* Acquire: what main wrote before it sent the message. Fails when main has given up (slice_lose()). */
	if (atomic_compare_exchange_strong_explicit(&s->state, &state, SLICE_FILLING, memory_order_acquire,
						    memory_order_relaxed)) {
		s->count = 0;
		s->at = RTE_MAX(s->from, 1u);
		s->changes = t->changes;
	}
	/* Or it is in its second loop. */
	if (state != SLICE_LEFT && !slice_fill(s, t)) {
		dpvs_msg_defer(msg);
		return;
	}
	/* Release: main frees it, or reads it, from here on (lost_free(), and by way of the answer slice_done()). */
	atomic_store_explicit(&s->state, SLICE_DONE, memory_order_release);
}

/*
 * ---- main lcore: slices
 */

static struct slice *
slice_new(void)
{
	struct slice *s;

	if (spare_count > 0)
		return spares[--spare_count];
	s = g_try_new(struct slice, 1);
	/* Page faults are main's. */
	if (s != NULL)
		memset(s, 0, sizeof(*s));
	return s;
}

static void
slice_free(struct slice *s)
{
	if (spare_count < SPARE_MAX)
		spares[spare_count++] = s;
	else
		g_free(s);
}

static gboolean
lost_free(gpointer arg)
{
	for (guint i = lost != NULL ? lost->len : 0; i-- > 0;) {
		struct slice *s = lost->pdata[i];

		/* Acquire: pairs with conn_msg_get_all(). */
		if (atomic_load_explicit(&s->state, memory_order_acquire) == SLICE_DONE)
			g_free(g_ptr_array_remove_index_fast(lost, i));
	}
	if (lost != NULL && lost->len > 0)
		return G_SOURCE_CONTINUE;
	lost_sweep = 0;
	return G_SOURCE_REMOVE;
}

/* The worker may still come to @s. */
static void
slice_lose(struct slice *s)
{
	int state = SLICE_ASKED;

	/* It need not fill what nobody reads. */
	atomic_compare_exchange_strong_explicit(&s->state, &state, SLICE_LEFT, memory_order_relaxed,
						memory_order_relaxed);
	if (lost == NULL)
		lost = g_ptr_array_new();
	g_ptr_array_add(lost, s);
	if (lost_sweep == 0)
		lost_sweep = g_timeout_add_seconds(SWEEP_S, lost_free, NULL);
}

/*
 * ---- main lcore: lists
 */

static void
dump_unqueue(struct dump *d)
{
	if (d->queued)
		g_queue_unlink(&asked[d->worker].waiting, &d->link);
	d->queued = false;
}

/* Answers, and frees @d unless slices are on their way. */
static void
dump_end(struct dump *d, int err)
{
	if (!d->ended) {
		d->ended = true;
		dump_unqueue(d);
		dpvs_req_end(d->req, err);
	}
	if (d->inflight == 0)
		g_free(d);
}

static void
dump_unanswered(struct dump *d, int err)
{
	if (!d->ended)
		dpvs_req_error(d->req, err, "worker %u (lcore %u) did not answer", d->worker,
			       lcore_of_worker(d->worker));
	dump_end(d, err);
}

static gboolean waiting_expire(gpointer arg);

/* When @d has waited long enough: for its turn, unless the worker answers others meanwhile. */
static gint64
waits_until(const struct dump *d)
{
	return MAX(d->queued_us, asked[d->worker].answered_us) + d->deadline_ms * G_TIME_SPAN_MILLISECOND;
}

/* What is asked of a worker already may be for lists that wait for longer. */
static void
waiting_watch(gint64 until_us)
{
	gint64 left_us;

	if (impatience != 0 && impatience_us <= until_us)
		return;
	if (impatience != 0)
		g_source_remove(impatience);
	impatience_us = until_us;
	left_us = MAX(until_us - g_get_monotonic_time(), 0);
	impatience = g_timeout_add((guint)((left_us + 999) / 1000), waiting_expire, NULL);
}

static gboolean
waiting_expire(gpointer arg)
{
	gint64 now = g_get_monotonic_time();
	GList *link, *next;

	(void)arg;
	impatience = 0;
	for (unsigned int i = 0; i < lcore_worker_count(); i++) {
		for (link = asked[i].waiting.head; link != NULL; link = next) {
			struct dump *d = link->data;

			next = link->next;
			if (waits_until(d) <= now)
				dump_unanswered(d, -ETIMEDOUT);
			else
				waiting_watch(waits_until(d));
		}
	}
	return G_SOURCE_REMOVE;
}

/* Goes on with the list that waits longest for @worker. */
static void
asked_next(uint32_t worker)
{
	GList *link = g_queue_pop_head_link(&asked[worker].waiting);
	struct dump *d;

	if (link == NULL)
		return;
	d = link->data;
	d->queued = false;
	dump_ask(d);
}

static void
dump_take(struct dump *d, const struct slice *s)
{
	uint32_t count = MIN(s->count, d->left);

	if (d->first)
		d->changes = s->changes;
	if (s->changed || d->changes != s->changes)
		dpvs_req_set_flags(d->req, DPVS_REPLY_CHANGED);
	d->first = false;
	for (uint32_t i = 0; i < count; i++)
		dpvs_req_add(d->req, &s->records[i], sizeof(s->records[i]));
	d->left -= count;
	if ((uint64_t)s->from + SLICE >= s->end)
		d->over = true;
}

static void
slice_done(struct dpvs_msg *msg, int status, void *arg)
{
	struct slice *s = arg;
	struct dump *d = s->dump;
	uint32_t worker = s->worker;

	asked[worker].inflight--;
	d->inflight--;
	if (status != 0) {
		GList *link;

		/* Cancelled: the daemon ends, workers have. */
		if (status == -ECANCELED)
			g_free(s);
		else
			slice_lose(s);
		dump_unanswered(d, status);
		/* Those behind it would wait as long, one after another. */
		while ((link = g_queue_peek_head_link(&asked[worker].waiting)) != NULL)
			dump_unanswered(link->data, status);
		return;
	}
	asked[worker].answered_us = g_get_monotonic_time();
	if (!d->ended)
		dump_take(d, s);
	slice_free(s);
	if (d->ended || d->left == 0) {
		dump_end(d, 0);
	} else if (d->inflight == 0 && (d->over || d->round == 0)) {
		dump_unqueue(d);
		if (d->over) {
			d->worker++;
			d->next = 0;
			d->first = true;
			d->over = false;
		}
		if (d->worker >= lcore_worker_count())
			dump_end(d, 0);
		else
			dpvs_req_on_drained(d->req, dump_round, d);
	}
	asked_next(worker);
}

/* Asks for the next slice. */
static int
slice_ask(struct dump *d)
{
	struct slice *s = slice_new();
	struct dpvs_msg *msg;
	int err;

	if (s == NULL)
		return -ENOMEM;
	msg = dpvs_msg_new(DPVS_MSG_CONN_GET_ALL, sizeof(s));
	if (msg == NULL) {
		slice_free(s);
		return -ENOBUFS;
	}
	s->dump = d;
	s->worker = d->worker;
	s->filter = d->filter;
	s->from = d->next;
	memcpy(dpvs_msg_data(msg), &s, sizeof(s));
	atomic_init(&s->state, SLICE_ASKED);
	err = dpvs_msg_request(msg, lcore_of_worker(d->worker), d->deadline_ms, slice_done, s);
	if (err != 0) {
		dpvs_msg_free(msg);
		slice_free(s);
		return err;
	}
	d->next = d->next > UINT32_MAX - SLICE ? UINT32_MAX : d->next + SLICE;
	d->inflight++;
	asked[d->worker].inflight++;
	return 0;
}

/* Asks for the rest of this round, or for what there is room for: then the rest when a slice is back. */
static void
dump_ask(struct dump *d)
{
	int err = 0;

	if (dpvs_req_cancelled(d->req)) {
		dump_end(d, -ECANCELED);
		return;
	}
	while (err == 0 && !d->over && d->round > 0) {
		if (asked[d->worker].inflight >= AHEAD) {
			d->queued = true;
			d->queued_us = g_get_monotonic_time();
			g_queue_push_tail_link(&asked[d->worker].waiting, &d->link);
			waiting_watch(waits_until(d));
			return;
		}
		err = slice_ask(d);
		if (err == 0)
			d->round--;
	}
	/* What is on its way goes on with it. */
	if (err != 0 && d->inflight > 0) {
		d->round = 0;
	} else if (err != 0) {
		dpvs_req_error(d->req, err, "no message to ask a worker with is free");
		dump_end(d, err);
	}
}

/* The client has read most of what it got. */
static void
dump_round(struct dpvs_req *req, void *arg)
{
	struct dump *d = arg;

	d->round = d->left <= SLICE ? 1 : AHEAD;
	dump_ask(d);
}

int
conn_ctl_get_all(struct dpvs_req *req, const void *record)
{
	const struct dpvs_conn_filter *filter = record;
	struct dump *d;

	if (filter->cursor >> 32 >= lcore_worker_count())
		return dpvs_req_error(req, -EINVAL, "the cursor is none of this daemon's");
	if (filter->state_plus_one > DPVS_CONN_STATE_COUNT)
		return dpvs_req_error(req, -EINVAL, "there is no connection state %u",
				      filter->state_plus_one - 1u);
	if (lost != NULL && lost->len >= LOST_MAX)
		return dpvs_req_error(req, -EBUSY, "a worker has stopped answering");
	d = g_try_new0(struct dump, 1);
	if (d == NULL)
		return -ENOMEM;
	d->req = req;
	d->filter = *filter;
	d->deadline_ms = ctl_deadline_ms(req);
	d->worker = (uint32_t)(filter->cursor >> 32);
	d->next = (uint32_t)filter->cursor;
	d->left = filter->limit != 0 ? filter->limit : UINT32_MAX;
	d->first = true;
	d->link.data = d;
	dump_round(req, d);
	return DPVS_REQ_PENDING;
}

void
conn_ctrl_fini(void)
{
	if (lost_sweep != 0)
		g_source_remove(lost_sweep);
	lost_sweep = 0;
	if (impatience != 0)
		g_source_remove(impatience);
	impatience = 0;
	if (lost != NULL)
		g_ptr_array_set_free_func(lost, g_free);
	g_clear_pointer(&lost, g_ptr_array_unref);
	while (spare_count > 0)
		g_free(spares[--spare_count]);
}
