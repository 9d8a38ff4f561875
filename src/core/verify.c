/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See verify.h. One run at a time serves all who ask before it begins. It begins when no client's change is
 * being prepared: the workers are asked by a multicast (DPVS_MSG_VERIFY) to sum up their copies as of the
 * present generation, each in slices between its packets; meanwhile main sums up the truth, in slices
 * too. When a change came in between, on main or on a worker, all of it is done again.
 */
#include "core/verify.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>
#include <dpvsctrl/server.h>
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <stdatomic.h>
#include <string.h>

#include "core/change.h"
#include "core/ctl.h"
#include "core/digest.h"
#include "core/lcore.h"
#include "core/sysinfo.h"
#include "module.h"

enum {
	TABLES_MAX = 24,
	MAIN_SLICE_US = 500,
	TICK_MS = 1,
};

/** struct sums: of all tables, as one lcore has them. */
struct sums {
	uint64_t sum[TABLES_MAX];
	uint64_t entries[TABLES_MAX];
};

/** struct verify_lcore: a worker's part of a run. Worker: rw; main reads the sums of a run that is done. */
struct verify_lcore {
	uint64_t serial; /* of the run that it works at */
	uint32_t table;
	struct digest digest;
	struct sums sums;
	_Atomic uint64_t done; /* serial of the run that sums are of; release by the worker, acquire by main */
};

/** struct verify_msg: payload of DPVS_MSG_VERIFY. */
struct verify_msg {
	uint64_t serial;
	uint64_t sequence; /* change_sequence() to sum up */
};

/** struct table: which tables there are. */
struct table {
	const char *module;
	const struct module_digest *digest;
};

/* Constant while workers run. */
static struct table tables[TABLES_MAX];
static uint32_t num_tables;

static struct verify_lcore lcores[WORKERS_MAX];

/** struct run: the present one. Main only. */
static struct {
	guint timer;          /* 0: none is under way */
	gint64 end_us;        /* the last of the deadlines of those who are served */
	uint64_t serial;
	uint64_t sequence;    /* that all is as of */
	uint64_t generation;  /* the same, as shown */
	uint64_t touches;     /* change_touches() when it began */
	bool asked;           /* workers are at it */
	bool answered;
	bool again;           /* a change came in between */
	uint32_t table;
	bool copy;            /* main's own copies, after the truth */
	struct digest digest;
	struct sums truth;
	struct sums main_copy;
} run;

/** struct asker: a request. */
struct asker {
	struct dpvs_req *req;
	gint64 end_us; /* its deadline */
};

static GQueue waiting = G_QUEUE_INIT; /* struct asker, for the next run */
static GQueue served = G_QUEUE_INIT;  /* for this one */

/* ---- on a worker ---- */

static void
verify_on_worker(struct dpvs_msg *msg)
{
	const struct verify_msg *ask = dpvs_msg_data(msg);
	struct verify_lcore *own = &lcores[lcore_me()->worker];
	uint64_t sequence = change_sequence_of(rte_lcore_id());

	if (own->serial != ask->serial) {
		own->serial = ask->serial;
		own->table = 0;
		own->digest = (struct digest){ 0 };
	}
	if (sequence < ask->sequence) {
		dpvs_msg_defer(msg); /* it is on its way here */
		return;
	}
	/* A commit that is half applied leaves the number as it was, and tables that are of none. */
	if (sequence > ask->sequence || change_applying()) {
		dpvs_msg_set_status(msg, -EAGAIN);
		return;
	}
	while (own->table < num_tables) {
		if (!tables[own->table].digest->copy(&own->digest)) {
			own->sums.sum[own->table] = own->digest.sum;
			own->sums.entries[own->table] = own->digest.entries;
			own->table++;
			own->digest = (struct digest){ 0 };
		}
		if (own->table < num_tables && dpvs_msg_slice_over()) {
			dpvs_msg_defer(msg);
			return;
		}
	}
	atomic_store_explicit(&own->done, ask->serial, memory_order_release);
}

/* ---- the answer ---- */

/* @sums: NULL: not known. */
static void
verify_add_lcore(struct dpvs_req *req, uint32_t lcore, uint32_t role, const struct sums *sums)
{
	struct dpvs_verify_table_info info;
	uint32_t i;

	for (i = 0; i < num_tables; i++) {
		if (role == DPVS_LCORE_MAIN && !tables[i].digest->main_copy)
			continue;
		info = (struct dpvs_verify_table_info){ .lcore = lcore, .role = role,
							.generation = run.generation };
		g_strlcpy(info.module, tables[i].module, sizeof(info.module));
		g_strlcpy(info.table, tables[i].digest->name, sizeof(info.table));
		info.expected_entries = run.truth.entries[i];
		info.expected_digest = run.truth.sum[i];
		if (sums != NULL) {
			info.entries = sums->entries[i];
			info.digest = sums->sum[i];
		}
		if (sums == NULL)
			info.state = DPVS_VERIFY_UNKNOWN;
		else if (info.entries != info.expected_entries || info.digest != info.expected_digest)
			info.state = DPVS_VERIFY_DIFFERENT;
		dpvs_req_add(req, &info, sizeof(info));
	}
}

/* @err: 0, or why @a is told nothing. */
static void
verify_tell(struct asker *a, int err)
{
	unsigned int i;
	bool done;

	if (err == 0)
		verify_add_lcore(a->req, rte_get_main_lcore(), DPVS_LCORE_MAIN, &run.main_copy);
	for (i = 0; err == 0 && i < lcore_worker_count(); i++) {
		done = atomic_load_explicit(&lcores[i].done, memory_order_acquire) == run.serial;
		verify_add_lcore(a->req, lcore_of_worker(i), DPVS_LCORE_WORKER, done ? &lcores[i].sums : NULL);
	}
	if (err == -EAGAIN)
		dpvs_req_error(a->req, err, "the configuration changes all the time; try again");
	else if (err == -ETIMEDOUT)
		dpvs_req_error(a->req, err, "tables are being compared for others, who wait longer; try again");
	else if (err < 0)
		dpvs_req_error(a->req, err, "the workers cannot be asked now; try again");
	dpvs_req_end(a->req, err);
	g_free(a);
}

static gboolean verify_tick(gpointer arg);
static void verify_go_on(void);

static void
verify_start(void)
{
	struct asker *a;

	run.end_us = 0;
	while ((a = g_queue_pop_head(&waiting)) != NULL) {
		run.end_us = MAX(run.end_us, a->end_us);
		g_queue_push_tail(&served, a);
	}
	run.asked = false;
	run.timer = g_timeout_add(TICK_MS, verify_tick, NULL);
	verify_go_on();
}

/* @err: 0, or why nobody is told anything. */
static void
verify_end(int err)
{
	struct asker *a;

	/* Who asks again at once, when told, is one that waits: this is still under way. */
	while ((a = g_queue_pop_head(&served)) != NULL)
		verify_tell(a, err);
	if (run.timer != 0)
		g_source_remove(run.timer);
	run.timer = 0;
	run.serial++; /* answers to what was asked are late from here on */
	if (err != -ECANCELED && !g_queue_is_empty(&waiting))
		verify_start();
}

/* ---- the run ---- */

static void
verify_answered(struct dpvs_msg *msg, int status, void *arg)
{
	if ((uint64_t)(uintptr_t)arg != run.serial || run.timer == 0)
		return;
	run.answered = true;
	/* Who has not answered in time is shown as unknown; the others' sums count. */
	if (status != 0 && status != -ETIMEDOUT)
		run.again = true;
	else
		verify_go_on();
}

static int
verify_ask(void)
{
	gint64 left_ms = (run.end_us - g_get_monotonic_time()) / 1000;
	struct dpvs_msg *msg;
	struct verify_msg *ask;
	int err;

	run.serial++;
	run.sequence = change_sequence();
	run.generation = change_generation();
	run.touches = change_touches();
	run.answered = false;
	run.again = false;
	run.table = 0;
	run.copy = false;
	run.digest = (struct digest){ 0 };
	msg = dpvs_msg_new(DPVS_MSG_VERIFY, sizeof(*ask));
	if (msg == NULL)
		return -ENOBUFS;
	ask = dpvs_msg_data(msg);
	*ask = (struct verify_msg){ .serial = run.serial, .sequence = run.sequence };
	err = dpvs_msg_multicast(msg, (uint32_t)MAX(left_ms, 1), verify_answered, (void *)(uintptr_t)run.serial);
	if (err < 0)
		dpvs_msg_free(msg);
	return err;
}

/* Sums up main's part, for a while. Returns false: there is more. */
static bool
verify_main(void)
{
	const uint64_t slice = rte_get_tsc_hz() / 1000000 * MAIN_SLICE_US;
	uint64_t start = rte_rdtsc();

	while (run.table < num_tables) {
		const struct module_digest *t = tables[run.table].digest;
		struct sums *sums = run.copy ? &run.main_copy : &run.truth;

		while (run.copy ? t->copy(&run.digest) : t->truth(&run.digest)) {
			if (rte_rdtsc() - start >= slice)
				return false;
		}
		sums->sum[run.table] = run.digest.sum;
		sums->entries[run.table] = run.digest.entries;
		run.digest = (struct digest){ 0 };
		run.copy = t->main_copy && !run.copy;
		run.table += !run.copy;
	}
	return true;
}

/* Must the workers be asked, for the first time or again? */
static bool
verify_must_ask(void)
{
	return !run.asked || run.again || change_touches() != run.touches;
}

/* Does what can be done now. */
static void
verify_go_on(void)
{
	int err;

	if (change_busy())
		return;
	if (verify_must_ask()) {
		err = verify_ask();
		run.asked = err == 0;
		if (err < 0)
			return; /* pool or rings may have room soon */
	}
	if (verify_main() && run.answered && !run.again)
		verify_end(0);
}

/* Takes those out of @queue whose deadline is over at @now, and tells them what there is, or @err. */
static void
verify_expire(GQueue *queue, gint64 now, int err)
{
	GList *link, *next;
	struct asker *a;

	for (link = queue->head; link != NULL; link = next) {
		next = link->next;
		a = link->data;
		if (a->end_us > now)
			continue;
		g_queue_delete_link(queue, link);
		verify_tell(a, err);
	}
}

static gboolean
verify_tick(gpointer arg)
{
	gint64 now = g_get_monotonic_time();
	bool moves = change_busy() || verify_must_ask();
	guint timer = run.timer;

	verify_expire(&waiting, now, -ETIMEDOUT);
	/* What is missing when the workers' time is over may be main's part; that ends by itself. */
	if (run.end_us > now && (moves || run.table == num_tables))
		verify_expire(&served, now, moves ? -EAGAIN : 0);
	if (run.end_us <= now && moves)
		verify_end(-EAGAIN);
	else
		verify_go_on();
	/* The end removes this source, and may have begun another run. */
	return timer == run.timer ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static int
verify_get(struct dpvs_req *req, const void *record)
{
	struct asker *a = g_new(struct asker, 1);

	a->req = req;
	a->end_us = g_get_monotonic_time() + ctl_deadline_ms(req) * INT64_C(1000);
	g_queue_push_tail(&waiting, a);
	if (run.timer == 0)
		verify_start();
	return DPVS_REQ_PENDING;
}

/* ---- start and end ---- */

static int
verify_init(const struct conf *conf)
{
	const struct module *const *m;
	const struct module_digest *d;

	num_tables = 0;
	memset(lcores, 0, sizeof(lcores));
	memset(&run, 0, sizeof(run));
	run.serial = 1;
	for (m = sysinfo_modules_all(); m != NULL && *m != NULL; m++) {
		for (d = (*m)->digests; d != NULL && d->name != NULL; d++) {
			if (num_tables == TABLES_MAX)
				return -E2BIG;
			tables[num_tables++] = (struct table){ .module = (*m)->name, .digest = d };
		}
	}
	return 0;
}

static void
verify_stop(void)
{
	struct asker *a;

	while ((a = g_queue_pop_head(&waiting)) != NULL)
		g_queue_push_tail(&served, a);
	verify_end(-ECANCELED);
}

static const struct module_sockopt verify_sockopts[] = {
	{ .name = "verify-tables", .id = DPVS_GET_VERIFY_TABLES, .get = verify_get },
	{},
};

static const struct dpvs_msg_type verify_msgs[] = {
	{
		.type = DPVS_MSG_VERIFY,
		.name = "verify",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_worker = verify_on_worker,
	},
	{},
};

const struct module verify_module = {
	.name = "verify",
	.sockopts = verify_sockopts,
	.msgs = verify_msgs,
	.init = verify_init,
	.stop = verify_stop,
};
