/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See fake_core.h.
 */
#include "fake_core.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/change.h"
#include "core/collect.h"
#include "core/conf.h"
#include "core/event.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/stats_ctl.h"
#include "lb/conn.h"
#include "lb/laddr_port.h"
#include "module.h"
#include "net/netif.h"

/** struct fake_note: something to run when a change ends. */
struct fake_note {
	void (*fn)(void *arg);
	void *arg;
};

/** struct fake_before: something to run before the commit. */
struct fake_before {
	int (*fn)(struct change *c, void *arg);
	void *arg;
};

/** struct fake_op: an operation. */
struct fake_op {
	void (*apply)(const void *data, uint32_t len);
	void *data;
	uint32_t len;
};

struct change {
	GArray *undo;
	GArray *done;
	GArray *before;
	GArray *ops;
	char *error;
	uint64_t serial;
	bool visible;
	unsigned int applied[WORKERS_MAX];
};

/** struct fake_reply: what a GET handler adds to. */
struct dpvs_req {
	GArray *records;
	uint32_t flags;
	void (*drained)(struct dpvs_req *req, void *arg);
	void *drained_arg;
	int err;
	bool ended; /* by dpvs_req_end() */
	bool cancelled;
};

RTE_DEFINE_PER_LCORE(struct lcore_self, lcore_self) = { .worker = UINT32_MAX };

static const struct module *const *modules;
static unsigned int worker_count;
static GQueue in_flight = G_QUEUE_INIT;
static GHashTable *conf_values; /* "section.key" -> value */
static GHashTable *held;        /* bytes of an address -> enum ifaddr_hold */
static char *error_text;
static unsigned int fail_after;
static uint64_t generation;
static unsigned int announced;
static unsigned int fail_commits;
static unsigned int mode;
static uint64_t serials;
static struct change *preparing;
static void (*between)(void);
static const struct netif netifs[2] = { { .port = 0, .mtu = 1500 }, { .port = 1, .mtu = 1500 } };

/* core/lcore.h */

unsigned int
lcore_worker_count(void)
{
	return worker_count;
}

unsigned int
lcore_of_worker(unsigned int index)
{
	return index + 1;
}

/* core/change.h */

unsigned int
change_mode(const struct change *c)
{
	(void)c;
	return mode;
}

uint64_t
change_serial(const struct change *c)
{
	return c->serial;
}

uint64_t
change_preparing(void)
{
	return preparing != NULL ? preparing->serial : 0;
}

bool
change_busy(void)
{
	return preparing != NULL;
}

bool
change_slice_over(void)
{
	return between != NULL;
}

void
change_visible(struct change *c)
{
	c->visible = true;
}

static void
note(GArray *notes, void (*fn)(void *arg), void *arg)
{
	struct fake_note n = { fn, arg };

	g_array_append_val(notes, n);
}

void
change_undo(struct change *c, void (*fn)(void *arg), void *arg)
{
	note(c->undo, fn, arg);
}

void
change_done(struct change *c, void (*fn)(void *arg), void *arg)
{
	note(c->done, fn, arg);
}

void
change_before_commit(struct change *c, int (*fn)(struct change *c, void *arg), void *arg)
{
	struct fake_before b = { fn, arg };

	g_array_append_val(c->before, b);
}

void *
change_op(struct change *c, uint32_t type, uint32_t len)
{
	struct fake_op op = { .len = len };

	if (fail_after != 0 && --fail_after == 0)
		return NULL;
	for (unsigned int m = 0; modules[m] != NULL; m++) {
		for (const struct dpvs_msg_type *t = modules[m]->msgs; t->name != NULL; t++) {
			if (t->type == type)
				op.apply = t->on_commit;
		}
	}
	g_assert_nonnull(op.apply);
	op.data = g_malloc0(len);
	g_array_append_val(c->ops, op);
	return op.data;
}

int
change_error(struct change *c, int err, const char *format, ...)
{
	va_list ap;

	g_free(c->error);
	va_start(ap, format);
	c->error = g_strdup_vprintf(format, ap);
	va_end(ap);
	return err;
}

struct change *
change_begin(void)
{
	struct change *c = g_new0(struct change, 1);

	c->undo = g_array_new(FALSE, FALSE, sizeof(struct fake_note));
	c->done = g_array_new(FALSE, FALSE, sizeof(struct fake_note));
	c->before = g_array_new(FALSE, FALSE, sizeof(struct fake_before));
	c->ops = g_array_new(FALSE, FALSE, sizeof(struct fake_op));
	c->serial = ++serials;
	return c;
}

/* Who is not part of a change has a turn. What he does himself is not interrupted. */
static void
others_turn(void)
{
	static bool inside;

	if (between == NULL || inside)
		return;
	inside = true;
	between();
	inside = false;
}

/* Where a slice may end. */
static void
slice_ends(const struct change *c)
{
	if (preparing == c)
		others_turn();
}

static void
change_free(struct change *c)
{
	if (preparing == c)
		preparing = NULL;
	for (guint i = 0; i < c->ops->len; i++)
		g_free(g_array_index(c->ops, struct fake_op, i).data);
	g_array_unref(c->undo);
	g_array_unref(c->done);
	g_array_unref(c->before);
	g_array_unref(c->ops);
	g_free(error_text);
	error_text = c->error;
	g_free(c);
}

void
change_abandon(struct change *c)
{
	for (guint i = c->undo->len; i > 0; i--) {
		struct fake_note n = g_array_index(c->undo, struct fake_note, i - 1);

		n.fn(n.arg);
		slice_ends(c);
	}
	change_free(c);
}

static bool
is_acknowledged(const struct change *c)
{
	for (unsigned int w = 0; w < worker_count; w++) {
		if (c->applied[w] < c->ops->len)
			return false;
	}
	return true;
}

static void
end_acknowledged(void)
{
	static bool inside; /* who has a turn between two notes does not begin with the next change */
	struct change *c;

	if (inside)
		return;
	inside = true;
	while ((c = g_queue_peek_head(&in_flight)) != NULL && is_acknowledged(c)) {
		g_queue_pop_head(&in_flight);
		for (guint i = 0; i < c->done->len; i++) {
			struct fake_note n = g_array_index(c->done, struct fake_note, i);

			n.fn(n.arg);
			others_turn();
		}
		change_free(c);
	}
	inside = false;
}

int
change_commit(struct change *c)
{
	for (guint i = 0; i < c->before->len; i++) {
		struct fake_before b = g_array_index(c->before, struct fake_before, i);
		int err;

		while ((err = b.fn(c, b.arg)) == CHANGE_MORE)
			slice_ends(c);
		slice_ends(c);
		if (err != 0) {
			change_abandon(c);
			return err;
		}
	}
	if (fail_commits > 0) {
		fail_commits--;
		change_abandon(c);
		return -ENOBUFS;
	}
	generation += c->ops->len > 0 || c->visible;
	if (preparing == c)
		preparing = NULL;
	g_queue_push_tail(&in_flight, c);
	if (c->ops->len == 0)
		end_acknowledged();
	return 0;
}

/* Here the generation is the number of changes, quiet ones included. */
void
change_quiet(struct change *c)
{
}

uint64_t
change_generation(void)
{
	return generation;
}

uint64_t
fake_changes(void)
{
	return generation;
}

/* core/conf.h: the defaults of the modules' tables, or what the test said. */

void
fake_conf(const char *section, const char *key, uint64_t value)
{
	if (conf_values == NULL)
		conf_values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_hash_table_insert(conf_values, g_strdup_printf("%s.%s", section, key),
			    g_memdup2(&value, sizeof(value)));
}

uint64_t
conf_uint(const struct conf *conf, const char *section, const char *key)
{
	g_autofree char *name = g_strdup_printf("%s.%s", section, key);
	const uint64_t *value = conf_values == NULL ? NULL : g_hash_table_lookup(conf_values, name);

	(void)conf;
	if (value != NULL)
		return *value;
	for (unsigned int m = 0; modules[m] != NULL; m++) {
		if (strcmp(modules[m]->name, section) != 0)
			continue;
		for (const struct conf_key *k = modules[m]->conf; k->name != NULL; k++) {
			if (strcmp(k->name, key) == 0)
				return k->def;
		}
	}
	g_assert_not_reached();
}

/* net/netif.h, net/ifaddr.h, lb/conn.h: two ports, "lan0" and "lan1". */

const struct netif *
netif_by_name(const char *name)
{
	return strcmp(name, "lan0") == 0 ? &netifs[0] : strcmp(name, "lan1") == 0 ? &netifs[1] : NULL;
}

const char *
netif_name(uint16_t port)
{
	return port == 0 ? "lan0" : "lan1";
}

const struct netif *
netif_get(uint16_t port)
{
	return port < 2 ? &netifs[port] : NULL;
}

int
ifaddr_port_of(const struct change *c, uint8_t af, const union ip_addr *addr)
{
	return fake_held(af, addr) != IFADDR_NOT_HELD ? 0 : -1;
}

int
ifaddr_announce(uint8_t af, const union ip_addr *addr)
{
	announced += ifaddr_port_of(NULL, af, addr) >= 0;
	return 0;
}

uint32_t
conn_capacity(void)
{
	return 4096;
}

/** struct fake_hold: to undo with. */
struct fake_hold {
	GBytes *addr;
	enum ifaddr_hold before;
};

static void
set_held(GBytes *addr, enum ifaddr_hold hold)
{
	g_hash_table_insert(held, g_bytes_ref(addr), GINT_TO_POINTER(hold));
}

static void
hold_free(void *arg)
{
	struct fake_hold *note = arg;

	g_bytes_unref(note->addr);
	g_free(note);
}

static void
hold_undo(void *arg)
{
	struct fake_hold *note = arg;

	set_held(note->addr, note->before);
	hold_free(note);
}

int
ifaddr_hold(struct change *c, uint16_t port, uint8_t af, const union ip_addr *addr, enum ifaddr_hold hold)
{
	struct fake_hold *note = g_new0(struct fake_hold, 1);

	(void)port;
	*note = (struct fake_hold){ .addr = g_bytes_new(addr, af == AF_INET ? 4 : 16), .before = fake_held(af, addr) };
	/* Held, then for old connections only, then gone; each is a step that something was done for. */
	g_assert_cmpint(note->before, !=, hold);
	if (note->before == IFADDR_NOT_HELD)
		g_assert_cmpint(hold, ==, IFADDR_HELD);
	set_held(note->addr, hold);
	change_undo(c, hold_undo, note);
	change_done(c, hold_free, note);
	return 0;
}

enum ifaddr_hold
fake_held(uint8_t af, const void *addr)
{
	g_autoptr(GBytes) key = g_bytes_new(addr, af == AF_INET ? 4 : 16);

	return (enum ifaddr_hold)GPOINTER_TO_INT(g_hash_table_lookup(held, key));
}

/* dpvsctrl/server.h */

void
dpvs_req_add(struct dpvs_req *req, const void *record, uint32_t record_size)
{
	if (req->records == NULL)
		req->records = g_array_new(FALSE, FALSE, record_size);
	g_assert_cmpuint(g_array_get_element_size(req->records), ==, record_size);
	g_array_append_vals(req->records, record, 1);
}

int
dpvs_req_error(struct dpvs_req *req, int err, const char *format, ...)
{
	(void)req;
	(void)format;
	return err;
}

void
dpvs_req_set_flags(struct dpvs_req *req, uint32_t flags)
{
	req->flags |= flags;
}

int
dpvs_req_cancelled(const struct dpvs_req *req)
{
	return req->cancelled;
}

void
dpvs_req_on_drained(struct dpvs_req *req, void (*fn)(struct dpvs_req *req, void *arg), void *arg)
{
	req->drained = fn;
	req->drained_arg = arg;
}

void
dpvs_req_end(struct dpvs_req *req, int err)
{
	g_assert_null(req->drained);
	req->err = err;
	req->ended = true;
}

/* core/log.h */

static void log_message(const char *module, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void
log_message(const char *module, const char *format, va_list ap)
{
	g_autofree char *text = g_strdup_vprintf(format, ap);

	g_test_message("%s: %s", module, text);
}

void
log_info(const char *module, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_message(module, format, ap);
	va_end(ap);
}

void
log_warning(const char *module, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_message(module, format, ap);
	va_end(ap);
}

/* The test's side. */

void
fake_workers(unsigned int workers)
{
	worker_count = workers;
}

uint64_t
change_generation_of(unsigned int lcore)
{
	(void)lcore;
	return change_generation();
}

/* lb/laddr_port.h: no worker has ports. */

uint32_t
laddr_port_blocks(unsigned int worker, uint32_t laddr)
{
	(void)worker;
	(void)laddr;
	return 0;
}

uint32_t
laddr_port_idle(unsigned int worker, uint32_t laddr)
{
	(void)worker;
	(void)laddr;
	return 0;
}

/* core/collect.h, core/stats_ctl.h: workers are asked at once. */

static void (*take_dests)(const void *payload);

static void
take_stats(const void *payload)
{
	take_dests(payload);
}

const struct collect_kind stats_collect = { .msg = DPVS_MSG_STATS_GET, .what = "counters", .take = take_stats };

void
stats_set_dests(void (*take)(const void *payload))
{
	take_dests = take;
}

void
collect_register(const struct collect_kind *kind)
{
	(void)kind;
}

void
collect_unregister(const struct collect_kind *kind)
{
	(void)kind;
}

void
collect_on_worker(struct dpvs_msg *msg)
{
	(void)msg;
}

int
collect_start(const struct collect_job *start)
{
	struct collect_job job = *start;
	uint32_t self = lcore_me()->worker;
	int err = job.next(&job, false);

	while (err > 0) {
		for (unsigned int w = 0; w < worker_count; w++) {
			fake_be(w);
			job.kind->take(job.payload);
		}
		fake_be(self);
		err = job.next(&job, true);
	}
	if (job.end != NULL)
		job.end(&job);
	dpvs_req_end(job.req, err);
	return DPVS_REQ_PENDING;
}

void
dpvs_req_error_index(struct dpvs_req *req, uint32_t index)
{
	(void)req;
	(void)index;
}

/* Nobody subscribes. */
uint32_t event_kinds;

void
event_emit(struct change *c, uint32_t kind, uint32_t op, const void *record, uint32_t len)
{
	(void)c;
	(void)kind;
	(void)op;
	(void)record;
	(void)len;
}

void
fake_start(unsigned int workers, const struct module *const *mods)
{
	for (const struct module *const *m = mods; *m != NULL; m++)
		for (const struct module_event *e = (*m)->events; e != NULL && e->list != NULL; e++)
			TAILQ_INIT(e->list);
	modules = mods;
	worker_count = workers;
	generation = 0;
	mode = 0;
	between = NULL;
	held = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
	for (unsigned int m = 0; modules[m] != NULL; m++)
		g_assert_cmpint(modules[m]->init(NULL), ==, 0);
}

void
fake_stop(void)
{
	unsigned int m = 0;

	fake_sync();
	while (modules[m] != NULL)
		m++;
	while (m-- > 0)
		modules[m]->fini();
	g_clear_pointer(&held, g_hash_table_destroy);
	g_clear_pointer(&conf_values, g_hash_table_destroy);
	g_clear_pointer(&error_text, g_free);
}

static const struct module_sockopt *
sockopt(uint32_t id, bool set)
{
	for (unsigned int m = 0; modules[m] != NULL; m++) {
		for (const struct module_sockopt *s = modules[m]->sockopts; s->name != NULL; s++) {
			if (s->id == id && (s->get == NULL) == set)
				return s;
		}
	}
	g_assert_not_reached();
}

/* Hands the records of @part to the module, in order. */
static int
set_part(struct change *c, const struct fake_part *part)
{
	static const uint8_t zero[512];
	const struct module_sockopt *s = sockopt(part->id, true);
	const uint8_t *record = part->count == 0 ? zero : part->records;
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < MAX(part->count, 1); i++, record += s->record_size) {
		while ((err = s->set(c, record)) == CHANGE_MORE)
			slice_ends(c);
		slice_ends(c);
	}
	return err;
}

int
fake_txn(const struct fake_part *parts, unsigned int count)
{
	struct change *c = change_begin();
	int err = 0;

	preparing = c;
	for (unsigned int i = 0; err == 0 && i < count; i++)
		err = set_part(c, &parts[i]);
	for (unsigned int m = 0; err == 0 && (mode & CHANGE_SYNC) != 0 && modules[m] != NULL; m++) {
		while (modules[m]->sync != NULL && (err = modules[m]->sync(c)) == CHANGE_MORE)
			slice_ends(c);
		slice_ends(c);
	}
	if (err == 0)
		return change_commit(c);
	change_abandon(c);
	return err;
}

int
fake_set(uint32_t id, const void *records, uint32_t count)
{
	struct fake_part part = { .id = id, .records = records, .count = count };
	const struct module_sockopt *s = sockopt(id, true);
	struct dpvs_req req = { 0 };
	int err;

	if (s->request == NULL)
		return fake_txn(&part, 1);
	err = s->request(&req, records, count);
	return err == DPVS_REQ_PENDING ? req.err : err;
}

void
fake_mode(unsigned int bits)
{
	mode = bits;
}

void
fake_between(void (*fn)(void))
{
	between = fn;
}

const char *
fake_error_text(void)
{
	return error_text == NULL ? "" : error_text;
}

struct dpvs_req *
fake_get_begin(uint32_t id, const void *record)
{
	static const uint8_t zero[512];
	struct dpvs_req *req = g_new0(struct dpvs_req, 1);
	int err;

	err = sockopt(id, false)->get(req, record == NULL ? zero : record);

	/* A handler may end its request before it returns, as in the server. */
	if (err != DPVS_REQ_PENDING || !req->ended)
		req->err = err;
	g_assert_true((req->err == DPVS_REQ_PENDING) == (req->drained != NULL));
	return req;
}

bool
fake_get_more(struct dpvs_req *req)
{
	void (*fn)(struct dpvs_req *, void *) = req->drained;

	req->drained = NULL;
	if (fn != NULL)
		fn(req, req->drained_arg);
	return req->drained != NULL;
}

bool
fake_get_waits(const struct dpvs_req *req)
{
	return req->drained != NULL;
}

void
fake_get_cancel(struct dpvs_req *req)
{
	req->cancelled = true;
	g_assert_false(fake_get_more(req));
	g_clear_pointer(&req->records, g_array_unref);
	g_free(req);
}

GArray *
fake_get_end(struct dpvs_req *req, int *ret_err, uint32_t *ret_flags)
{
	GArray *records;

	while (fake_get_more(req))
		;
	records = req->records != NULL ? req->records : g_array_new(FALSE, FALSE, 1);
	*ret_err = req->err;
	*ret_flags = req->flags;
	if (req->err != 0)
		g_clear_pointer(&records, g_array_unref);
	g_free(req);
	return records;
}

GArray *
fake_get(uint32_t id, const void *record, int *ret_err)
{
	uint32_t flags;
	int err;
	GArray *records = fake_get_end(fake_get_begin(id, record), &err, &flags);

	if (err != 0)
		*ret_err = err;
	return records;
}

void
fake_be(unsigned int worker)
{
	lcore_me()->worker = worker;
}

bool
fake_deliver(unsigned int worker)
{
	for (GList *l = in_flight.head; l != NULL; l = l->next) {
		struct change *c = l->data;
		struct fake_op *op;

		if (c->applied[worker] == c->ops->len)
			continue;
		op = &g_array_index(c->ops, struct fake_op, c->applied[worker]++);
		fake_be(worker);
		op->apply(op->data, op->len);
		end_acknowledged();
		return true;
	}
	return false;
}

void
fake_sync(void)
{
	for (unsigned int w = 0; w < worker_count; w++) {
		while (fake_deliver(w))
			;
	}
	end_acknowledged();
}

void
fake_fail_after(unsigned int n)
{
	fail_after = n;
}

int
fake_job(const char *name)
{
	for (unsigned int m = 0; modules[m] != NULL; m++) {
		for (const struct module_job *j = modules[m]->jobs; j->name != NULL; j++) {
			if (strcmp(j->name, name) == 0)
				return j->fn();
		}
	}
	g_assert_not_reached();
}

void
fake_fail_commits(unsigned int n)
{
	fail_commits = n;
}

unsigned int
fake_announced(void)
{
	return announced;
}
