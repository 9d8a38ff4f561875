/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Subscribers (GET 8010): each reads the log of event.c at its own pace. A new one is given the present state first,
 * in slices, and before each slice the log up to its end: so what it has been told is never older than a change
 * that it is told of later. One that the log has left behind is told how much it missed and begins again.
 *
 * The present state is read only while no change is being prepared. A subscriber that comes or is at it during one
 * waits for its end; so it neither sees what may be taken back, nor misses what such a change emitted before it came.
 */
#include "core/event_priv.h"

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/change.h"
#include "core/conf.h"
#include "core/stats.h"
#include "core/sysinfo.h"
#include "module.h"

enum {
	STEP_EVENTS = 128,        /* events in a frame: about 35 KiB */
	BACKLOG_MAX = 256 << 10,  /* bytes in the socket's queue from which a subscriber waits for its reader */
	TURN_US = 400,            /* of main's time, then others have theirs */
};

enum {
	STAT_PUBLISHED,
	STAT_SENT,
	STAT_MISSED,
	STAT_RESTARTS,
};

/** struct sub: a subscriber. */
struct sub {
	struct dpvs_req *req;
	GList link;       /* in subs */
	GList work_link;  /* in ready or blocked */
	GQueue *work;     /* which; NULL: neither */
	uint32_t kinds;
	bool reading;     /* waits for its reader */
	bool listing;     /* the present state is not complete; next: source, marker */
	bool marked;      /* marker is in the list of source */
	bool begun;       /* false: the present state is to begin, batch is NULL */
	bool missed;      /* with !begun: the log has left it behind */
	guint source;
	struct event_node marker;
	struct event_batch *batch; /* what it reads; NULL: it has read all */
	const struct event_piece *piece; /* of the batch */
	uint32_t offset;  /* in the piece */
	uint64_t left;    /* events of the batch still to be sent */
	uint64_t serial;
	uint64_t seen[EVENT_KINDS]; /* of event_totals() */
};

static GQueue subs = G_QUEUE_INIT;
static GQueue ready = G_QUEUE_INIT;   /* they have something to do */
static GQueue blocked = G_QUEUE_INIT; /* they wait for the end of a change's preparation */
static guint pump_source;
static guint subs_max;
static struct stats_block stats;

/* What is to be sent in the next frame, and how many. */
static struct dpvs_event frame[STEP_EVENTS];
static uint32_t frame_count;

/* ---- queues ---- */

static gboolean sub_pump(gpointer arg);

static void
sub_move(struct sub *s, GQueue *to)
{
	if (s->work == to)
		return;
	if (s->work != NULL)
		g_queue_unlink(s->work, &s->work_link);
	s->work = to;
	if (to != NULL)
		g_queue_push_tail_link(to, &s->work_link);
	if (to == &ready && pump_source == 0)
		pump_source = g_idle_add_full(G_PRIORITY_DEFAULT, sub_pump, NULL, NULL);
}

static void
sub_drained(struct dpvs_req *req, void *arg)
{
	struct sub *s = arg;

	(void)req;
	s->reading = false;
	sub_move(s, &ready);
}

/* ---- places in the log ---- */

static uint64_t
matching(const struct sub *s, const struct event_batch *b)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < EVENT_KINDS; i++)
		sum += s->kinds & 1u << i ? b->counts[i] : 0;
	return sum;
}

/* Goes on with @b, or with the first batch from it on that is of interest; NULL: there is none. */
static void
sub_enter(struct sub *s, struct event_batch *b)
{
	if (s->batch != NULL)
		s->batch->readers--;
	for (; b != NULL; b = TAILQ_NEXT(b, link)) {
		s->left = matching(s, b);
		if (s->left > 0)
			break;
	}
	s->batch = b;
	s->piece = b != NULL ? b->first : NULL;
	s->offset = 0;
	if (b != NULL)
		b->readers++;
}

static void
sub_unmark(struct sub *s)
{
	const struct module_event *e;

	if (!s->marked)
		return;
	e = g_ptr_array_index(event_sources(), s->source);
	event_node_del(e->list, &s->marker);
	s->marked = false;
}

/* The log has left @s behind. */
static void
sub_lose(struct sub *s)
{
	sub_enter(s, NULL);
	sub_unmark(s);
	s->begun = false;
	s->missed = true;
	s->listing = true;
	if (!s->reading)
		sub_move(s, &ready);
}

void
event_sub_published(struct event_batch *b)
{
	for (unsigned int i = 0; i < EVENT_KINDS; i++)
		stats_add(&stats, STAT_PUBLISHED, b->counts[i]);
	for (GList *l = subs.head; l != NULL; l = l->next) {
		struct sub *s = l->data;

		if (!s->begun || matching(s, b) == 0)
			continue;
		if (b->lost) {
			sub_lose(s);
			continue;
		}
		if (s->batch == NULL)
			sub_enter(s, b);
		if (!s->reading)
			sub_move(s, &ready);
	}
}

void
event_sub_dropped(const struct event_batch *b)
{
	for (GList *l = subs.head; l != NULL && b->readers > 0; l = l->next) {
		struct sub *s = l->data;

		if (s->batch == b)
			sub_lose(s);
	}
}

/* ---- what is sent ---- */

static void
put(struct sub *s, uint32_t kind, uint32_t op, const void *data, uint32_t len)
{
	struct dpvs_event *e = &frame[frame_count++];

	e->serial = ++s->serial;
	e->kind = kind;
	e->op = op;
	e->len = len;
	e->pad = 0;
	if (data != NULL)
		memcpy(e->data, data, len);
	memset(e->data + len, 0, sizeof(e->data) - len);
}

/* Sends what was put. Returns false when the subscriber is gone, or has to read first. */
static bool
sub_send(struct sub *s, uint32_t flags, uint64_t generation)
{
	int err = 0;

	if (frame_count > 0)
		err = dpvs_req_stream_send(s->req, flags, generation, frame, sizeof(frame[0]), frame_count);
	stats_add(&stats, STAT_SENT, frame_count);
	frame_count = 0;
	if (err == -ENOTCONN)
		return false;
	if (dpvs_req_backlog(s->req) < BACKLOG_MAX)
		return true;
	s->reading = true;
	dpvs_req_on_drained(s->req, sub_drained, s);
	return false;
}

/* A frame of the batch that @s reads. */
static bool
sub_read(struct sub *s)
{
	uint64_t generation = s->batch->generation;
	uint32_t flags;

	while (frame_count < STEP_EVENTS && s->left > 0) {
		const struct event_head *head;

		if (s->offset == s->piece->used) {
			s->piece = s->piece->next;
			s->offset = 0;
		}
		head = (const struct event_head *)(const void *)(s->piece->data + s->offset);
		s->offset += (uint32_t)sizeof(*head) + ((head->len + 7u) & ~7u);
		if ((s->kinds & head->kind) == 0)
			continue;
		put(s, head->kind, head->op, head + 1, head->len);
		s->seen[g_bit_nth_lsf(head->kind, -1)]++;
		s->left--;
	}
	flags = s->left > 0 ? DPVS_REPLY_MORE : 0;
	if (s->left == 0) {
		sub_enter(s, TAILQ_NEXT(s->batch, link));
		event_log_trim();
	}
	return sub_send(s, flags, generation);
}

/* The present state begins, for the first time or again. */
static void
sub_begin(struct sub *s)
{
	const uint64_t *totals = event_totals();
	uint64_t missed = 0;

	for (unsigned int i = 0; i < EVENT_KINDS; i++) {
		if (s->kinds & 1u << i)
			missed += totals[i] - s->seen[i];
		s->seen[i] = totals[i];
	}
	if (s->missed) {
		put(s, DPVS_EVENT_CONTROL, DPVS_EVENT_OP_MISSED, &missed, sizeof(missed));
		stats_add(&stats, STAT_MISSED, missed);
		stats_inc(&stats, STAT_RESTARTS);
	}
	s->missed = false;
	s->begun = true;
	s->listing = true;
	s->source = 0;
}

/* Puts objects of one table, as many as fit. Returns false when there are more. */
static bool
list_table(struct sub *s, const struct module_event *e)
{
	struct event_node *node, *last;
	uint8_t data[DPVS_EVENT_DATA_SIZE];
	uint32_t len;

	if (!s->marked)
		TAILQ_INSERT_HEAD(e->list, &s->marker, link);
	s->marked = true;
	last = &s->marker;
	for (node = TAILQ_NEXT(last, link); node != NULL && frame_count < STEP_EVENTS; node = TAILQ_NEXT(node, link)) {
		last = node;
		len = event_node_shown(node) ? e->record(node, data) : 0;
		if (len > 0)
			put(s, e->kind, DPVS_EVENT_OP_PRESENT, data, len);
	}
	if (last != &s->marker) {
		TAILQ_REMOVE(e->list, &s->marker, link);
		TAILQ_INSERT_AFTER(e->list, last, &s->marker, link);
	}
	if (node != NULL)
		return false;
	sub_unmark(s);
	return true;
}

/* A frame of the present state. */
static bool
sub_list(struct sub *s)
{
	const GPtrArray *sources = event_sources();
	uint64_t generation = change_generation();

	for (; sources != NULL && s->source < sources->len; s->source++) {
		const struct module_event *e = g_ptr_array_index(sources, s->source);

		if ((s->kinds & e->kind) != 0 && !list_table(s, e))
			return sub_send(s, 0, generation);
	}
	if (frame_count + 2 > STEP_EVENTS)
		return sub_send(s, 0, generation);
	if (s->kinds & DPVS_EVENT_GENERATION)
		put(s, DPVS_EVENT_GENERATION, DPVS_EVENT_OP_PRESENT, &generation, sizeof(generation));
	put(s, DPVS_EVENT_CONTROL, DPVS_EVENT_OP_SYNCED, NULL, 0);
	s->listing = false;
	return sub_send(s, 0, generation);
}

/* One frame for @s; then it is in the queue where it belongs. */
static void
sub_step(struct sub *s)
{
	bool more = true;

	if (s->batch != NULL) {
		more = sub_read(s);
	} else if (s->listing) {
		if (change_busy()) {
			sub_move(s, &blocked);
			return;
		}
		if (!s->begun)
			sub_begin(s);
		more = sub_list(s);
	}
	if (!more || (s->batch == NULL && !s->listing)) {
		sub_move(s, NULL);
	} else if (s->work == &ready) {
		/* Behind the others. */
		g_queue_unlink(&ready, &s->work_link);
		g_queue_push_tail_link(&ready, &s->work_link);
	}
}

static gboolean
sub_pump(gpointer arg)
{
	gint64 end = g_get_monotonic_time() + TURN_US;

	(void)arg;
	while (!g_queue_is_empty(&ready) && g_get_monotonic_time() < end)
		sub_step(g_queue_peek_head(&ready));
	if (!g_queue_is_empty(&ready))
		return G_SOURCE_CONTINUE;
	pump_source = 0;
	return G_SOURCE_REMOVE;
}

void
event_resume(void)
{
	struct sub *s;

	if (g_queue_is_empty(&blocked) || change_busy())
		return;
	while ((s = g_queue_peek_head(&blocked)) != NULL)
		sub_move(s, &ready);
	/* The next change may begin before the loop turns, so one frame now: who lists gets on in any case. */
	sub_step(g_queue_peek_head(&ready));
}

/* ---- life ---- */

static void
count_kinds(void)
{
	event_kinds = 0;
	for (const GList *l = subs.head; l != NULL; l = l->next)
		event_kinds |= ((const struct sub *)l->data)->kinds;
	if (event_kinds == 0)
		event_log_clear();
}

static void
sub_end(struct sub *s, int err)
{
	struct dpvs_req *req = s->req;

	sub_unmark(s);
	sub_enter(s, NULL);
	sub_move(s, NULL);
	g_queue_unlink(&subs, &s->link);
	g_free(s);
	event_log_trim();
	count_kinds();
	dpvs_req_end(req, err);
}

static void
sub_gone(struct dpvs_req *req, void *arg)
{
	(void)req;
	sub_end(arg, 0);
}

static int
event_ctl_subscribe(struct dpvs_req *req, const void *record)
{
	const struct dpvs_event_filter *filter = record;
	struct sub *s;
	int err;

	if ((filter->kinds & ~EVENT_KINDS_ALL) != 0 || filter->pad != 0)
		return dpvs_req_error(req, -EINVAL, "events of kinds 0x%x are not known here",
				      filter->kinds & ~EVENT_KINDS_ALL);
	if (subs.length >= subs_max)
		return dpvs_req_error(req, -EBUSY, "the daemon has its most subscribers already (%u, key "
				      "event.max-subscribers)", subs_max);
	s = g_new0(struct sub, 1);
	s->req = req;
	s->kinds = filter->kinds != 0 ? filter->kinds : EVENT_KINDS_ALL;
	s->listing = true;
	s->marker.marker = true;
	s->link.data = s;
	s->work_link.data = s;
	err = dpvs_req_stream(req, sub_gone, s);
	if (err < 0) {
		g_free(s);
		return err;
	}
	g_queue_push_tail_link(&subs, &s->link);
	count_kinds();
	sub_move(s, &ready);
	return DPVS_REQ_PENDING;
}

static void
event_mem(struct dpvs_mem_info *info)
{
	event_log_mem(info);
	info->failures = stats_sum(&stats, STAT_RESTARTS);
}

static int
event_init(const struct conf *conf)
{
	event_log_set_max(conf_uint(conf, "event", "backlog"));
	subs_max = (guint)conf_uint(conf, "event", "max-subscribers");
	mem_register("event-log", event_mem);
	return 0;
}

static void
event_stop(void)
{
	struct sub *s;

	while ((s = g_queue_peek_head(&subs)) != NULL) {
		dpvs_req_error(s->req, -ESHUTDOWN, "the daemon ends");
		sub_end(s, -ESHUTDOWN);
	}
	if (pump_source != 0)
		g_source_remove(pump_source);
	pump_source = 0;
}

static void
event_fini(void)
{
	mem_unregister("event-log");
}

static const struct conf_key event_conf[] = {
	{
		.name = "backlog",
		.type = CONF_UINT,
		.min = 64 << 10,
		.max = 1 << 30,
		.def = 16 << 20,
		.unit = "bytes",
		.help = "Events kept for subscribers that have not read them yet, for all of them together.",
	},
	{
		.name = "max-subscribers",
		.type = CONF_UINT,
		.min = 1,
		.max = 4096,
		.def = 256,
		.help = "Connections that may be told of events at once.",
	},
	{},
};

static const struct module_sockopt event_sockopts[] = {
	{
		.name = "events",
		.id = DPVS_GET_EVENTS,
		.record_size = sizeof(struct dpvs_event_filter),
		.get = event_ctl_subscribe,
	},
	{},
};

static const struct module_stat event_stats[] = {
	[STAT_PUBLISHED] = { "published", DPVS_STAT_EVENT, "Events that somebody had subscribed to." },
	[STAT_SENT] = { "sent", DPVS_STAT_EVENT, "Events sent, to each subscriber, with the present state." },
	[STAT_MISSED] = { "missed", DPVS_STAT_EVENT, "Events that subscribers were too slow for." },
	[STAT_RESTARTS] = { "restarts", DPVS_STAT_EVENT,
			    "Times that a slow subscriber was given the present state again." },
	{},
};

const struct module event_module = {
	.name = "event",
	.conf = event_conf,
	.sockopts = event_sockopts,
	.stats = event_stats,
	.stats_block = &stats,
	.init = event_init,
	.stop = event_stop,
	.fini = event_fini,
};
