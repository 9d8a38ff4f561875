/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See event.h. What a change emits is collected in a batch; the commit puts the batch at the end of a log that all
 * subscribers read, each at its own pace (event_sub.c). So a commit costs the same however many subscribers there
 * are, and memory for those that are slow is bounded once, not for each: when the log is too long its oldest batches go,
 * and who had not read them is told that it missed something.
 */
#include "core/event_priv.h"

#include <dpvsctrl/proto/daemon.h>
#include <string.h>

#include "core/change_priv.h"
#include "module.h"

/* A batch begins with room for some events; its pieces double, up to this and to a sixteenth of the log. */
#define PIECE_FIRST 1024u
#define PIECE_MAX   (64u << 10)

uint32_t event_kinds;

static struct event_log event_batches = TAILQ_HEAD_INITIALIZER(event_batches);
static size_t log_bytes;
static size_t log_max = 16 << 20;
static uint64_t totals[EVENT_KINDS];
static GPtrArray *sources;

/* ---- batches ---- */

static void
batch_empty(struct event_batch *b)
{
	struct event_piece *p;

	while ((p = b->first) != NULL) {
		b->first = p->next;
		g_free(p);
	}
	b->last = NULL;
	b->size = 0;
}

static void
batch_free(struct event_batch *b)
{
	if (b == NULL)
		return;
	batch_empty(b);
	g_free(b);
}

/* Room for @len bytes at the end; NULL: there is none, and what was there is given up too. */
static void *
batch_reserve(struct event_batch *b, uint32_t len)
{
	uint32_t size = (uint32_t)CLAMP(b->size, PIECE_FIRST, MIN(PIECE_MAX, log_max / 16));
	struct event_piece *p = b->last;

	if (b->lost)
		return NULL;
	if (p == NULL || p->size - p->used < len) {
		p = b->size + size <= log_max ? g_try_malloc(sizeof(*p) + size) : NULL;
		if (p == NULL) {
			b->lost = true;
			batch_empty(b);
			return NULL;
		}
		*p = (struct event_piece){ .size = size };
		if (b->last == NULL)
			b->first = p;
		else
			b->last->next = p;
		b->last = p;
		b->size += size;
	}
	p->used += len;
	return p->data + p->used - len;
}

static void
batch_append(struct event_batch **batch, uint32_t kind, uint32_t op, const void *record, uint32_t len)
{
	const struct event_head head = { .kind = kind, .op = op, .len = len };
	uint32_t padded = (len + 7u) & ~7u;
	unsigned char *p;

	if (*batch == NULL)
		*batch = g_new0(struct event_batch, 1);
	(*batch)->counts[g_bit_nth_lsf(kind, -1)]++;
	p = batch_reserve(*batch, (uint32_t)sizeof(head) + padded);
	if (p == NULL)
		return;
	memcpy(p, &head, sizeof(head));
	memcpy(p + sizeof(head), record, len);
	memset(p + sizeof(head) + len, 0, padded - len);
}

void
event_emit(struct change *c, uint32_t kind, uint32_t op, const void *record, uint32_t len)
{
	struct event_batch *own = NULL;

	if (!event_wanted(kind))
		return;
	if (len > DPVS_EVENT_DATA_SIZE)
		g_error("event: a record of %u bytes of kind %u", len, kind);
	batch_append(c != NULL ? change_events(c) : &own, kind, op, record, len);
	if (c == NULL)
		event_publish(&own, 0);
}

void
event_discard(struct event_batch **batch)
{
	batch_free(*batch);
	*batch = NULL;
}

/* ---- the log ---- */

static void
log_drop(struct event_batch *b)
{
	event_sub_dropped(b);
	TAILQ_REMOVE(&event_batches, b, link);
	log_bytes -= b->size;
	batch_free(b);
}

void
event_log_trim(void)
{
	struct event_batch *b;

	while ((b = TAILQ_FIRST(&event_batches)) != NULL && b->readers == 0)
		log_drop(b);
}

void
event_log_clear(void)
{
	struct event_batch *b;

	while ((b = TAILQ_FIRST(&event_batches)) != NULL)
		log_drop(b);
}

void
event_log_set_max(size_t max)
{
	log_max = max;
}

void
event_log_mem(struct dpvs_mem_info *ret_info)
{
	ret_info->size = log_max;
	ret_info->in_use = log_bytes;
	ret_info->obj_bytes = 1;
}

const uint64_t *
event_totals(void)
{
	return totals;
}

void
event_publish(struct event_batch **batch, uint64_t generation)
{
	struct event_batch *b;
	unsigned int i;

	if (generation != 0 && event_wanted(DPVS_EVENT_GENERATION))
		batch_append(batch, DPVS_EVENT_GENERATION, DPVS_EVENT_OP_CHANGE, &generation,
			     sizeof(generation));
	b = *batch;
	*batch = NULL;
	if (b == NULL || event_kinds == 0) {
		batch_free(b);
		return;
	}
	b->generation = change_generation();
	for (i = 0; i < EVENT_KINDS; i++)
		totals[i] += b->counts[i];
	TAILQ_INSERT_TAIL(&event_batches, b, link);
	log_bytes += b->size;
	event_sub_published(b);
	if (b->lost)
		log_drop(b);
	while (log_bytes > log_max)
		log_drop(TAILQ_FIRST(&event_batches));
	event_log_trim();
}

/* ---- the modules' tables ---- */

const GPtrArray *
event_sources(void)
{
	return sources;
}

void
event_add_module(const struct module *module)
{
	const struct module_event *e;

	for (e = module->events; e != NULL && e->list != NULL; e++) {
		if (sources == NULL)
			sources = g_ptr_array_new();
		TAILQ_INIT(e->list);
		g_ptr_array_add(sources, (void *)(uintptr_t)e);
	}
}

void
event_remove_module(const struct module *module)
{
	const struct module_event *e;

	for (e = module->events; e != NULL && e->list != NULL; e++)
		g_ptr_array_remove(sources, (void *)(uintptr_t)e);
	if (sources != NULL && sources->len == 0)
		g_clear_pointer(&sources, g_ptr_array_unref);
}
