/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of clients' changes, on real workers: slices, order, the way back, deadlines, who waits for whom.
 * With slices of one step each, what happens in which turn of the main loop is counted, not timed.
 */
#include <errno.h>
#include <glib.h>
#include <stdatomic.h>
#include <string.h>

#include <dpvsctrl/msg.h>

#include "core/change_priv.h"
#include "core/lcore.h"
#include "harness.h"

#define WORKERS 2
#define TYPE    120 /* no module has it */
#define JOBS    300

/* What a worker was told, in order. Written by the worker, read by main after the acknowledgement. */
static uint32_t applied[WORKERS][JOBS + 1];
static uint32_t applied_count[WORKERS];
static _Atomic bool hold; /* workers wait in a commit while it is set */

static GString *trace;
static unsigned int turn; /* of the main loop */
static unsigned int last_turn;
static bool stuck; /* jobs do not come to their end */
static bool one_by_one; /* slices are of one step */

/* A client's change as these tests have it: @steps records, of which number @refuse is refused. */
struct work {
	char name;
	unsigned int steps;
	unsigned int refuse; /* from 1; 0: none */
	unsigned int ops;
	unsigned int before; /* turns that its note before the commit needs */
	bool visible;
	unsigned int done;
	int status; /* 1: not ended */
	struct change_job job;
};

static void
on_commit(const void *data, uint32_t len)
{
	unsigned int w = lcore_me()->worker;

	while (atomic_load(&hold))
		;
	g_assert_cmpuint(len, ==, sizeof(uint32_t));
	applied[w][applied_count[w]++ % G_N_ELEMENTS(applied[w])] = *(const uint32_t *)data;
}

static const struct dpvs_msg_type type = { .type = TYPE, .name = "test", .on_commit = on_commit };

/* Steps are in turns of their own. */
static void
trace_turn(const char *what, char name)
{
	g_string_append_printf(trace, "%s%c ", what, name);
	if (one_by_one)
		g_assert_cmpuint(turn, >, last_turn);
	last_turn = turn;
}

static void
undo_note(void *arg)
{
	trace_turn("-", (char)(uintptr_t)arg);
}

static void
done_note(void *arg)
{
	trace_turn("~", (char)(uintptr_t)arg);
}

static int
before_note(struct change *c, void *arg)
{
	struct work *w = arg;

	trace_turn("=", w->name);
	g_assert_cmpuint(change_preparing(), ==, change_serial(c));
	return w->before-- > 1 ? CHANGE_MORE : 0;
}

static void
add_op(struct change *c, uint32_t value)
{
	uint32_t *op = change_op(c, TYPE, sizeof(*op));

	g_assert_nonnull(op);
	*op = value;
}

static int
work_step(struct change *c, void *arg)
{
	struct work *w = arg;
	unsigned int n = ++w->done;

	trace_turn("+", w->name);
	g_assert_true(change_busy());
	g_assert_cmpuint(change_preparing(), ==, change_serial(c));
	if (stuck) {
		w->done--;
		return CHANGE_MORE;
	}
	if (n == w->refuse)
		return change_error(c, -EEXIST, "no %c", w->name);
	change_undo(c, undo_note, (void *)(uintptr_t)w->name);
	change_done(c, done_note, (void *)(uintptr_t)w->name);
	if (n <= w->ops)
		add_op(c, n * 256 + (unsigned char)w->name);
	if (n == 1 && w->visible)
		change_visible(c);
	if (n == 1 && w->before > 0)
		change_before_commit(c, before_note, w);
	return n < w->steps ? CHANGE_MORE : 0;
}

static void
work_end(struct change *c, int status, void *arg)
{
	struct work *w = arg;

	g_assert_cmpint(w->status, ==, 1);
	w->status = status;
	g_string_append_printf(trace, "%c:%d ", w->name, status);
	if (status == -EEXIST)
		g_assert_nonnull(strchr(change_error_text(c), w->name));
}

static void
submit(struct work *w)
{
	w->done = 0;
	w->status = 1;
	w->job.step = work_step;
	w->job.end = work_end;
	w->job.arg = w;
	if (w->job.deadline_ms == 0)
		w->job.deadline_ms = 60000;
	change_submit(&w->job);
}

static void
next_turn(void)
{
	turn++;
	g_main_context_iteration(NULL, FALSE);
}

static void
wait_until(const int *status)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

	while ((*status == 1 || change_in_flight() > 0 || change_busy()) && g_get_monotonic_time() < end)
		next_turn();
	g_assert_cmpint(*status, !=, 1);
	g_assert_cmpuint(change_in_flight(), ==, 0);
}

static void
setup(unsigned int slice_us)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

	harness_start(1, NULL);
	while (change_in_flight() > 0 && g_get_monotonic_time() < end)
		next_turn(); /* modules may change things at start */
	g_assert_cmpint(dpvs_msg_type_register(&type), ==, 0);
	memset(applied, 0, sizeof(applied));
	memset(applied_count, 0, sizeof(applied_count));
	g_string_truncate(trace, 0);
	turn = 1;
	last_turn = 0;
	stuck = false;
	change_set_slice(slice_us);
	one_by_one = slice_us == 0;
	next_turn();
}

static void
teardown(void)
{
	one_by_one = false;
	g_assert_cmpint(dpvs_msg_type_unregister(TYPE), ==, 0);
	harness_stop();
}

/* Every step, every note in a turn of its own; others have theirs in between. */
static void
test_slices(void)
{
	struct work w = { .name = 'a', .steps = 3, .ops = 2, .before = 2 };
	uint64_t generation;

	setup(0);
	generation = change_generation();
	submit(&w);
	g_assert_true(change_busy());
	g_assert_cmpuint(change_generation(), ==, generation);
	wait_until(&w.status);
	g_assert_cmpstr(trace->str, ==, "+a +a +a =a =a a:0 ~a ~a ~a ");
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_false(change_busy());
	g_assert_cmpuint(change_preparing(), ==, 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		g_assert_cmpuint(applied_count[i], ==, 2);
		g_assert_cmpuint(applied[i][0], ==, 256 + 'a');
		g_assert_cmpuint(applied[i][1], ==, 512 + 'a');
	}
	teardown();
}

/* Whoever came first is first; the next one begins when the notes of the one before have run. */
static void
test_order(void)
{
	struct work a = { .name = 'a', .steps = 2, .ops = 1 };
	struct work b = { .name = 'b', .steps = 1 };
	struct work c = { .name = 'c', .steps = 2, .refuse = 2, .ops = 1 };
	struct work d = { .name = 'd', .steps = 1, .ops = 1 };

	setup(0);
	submit(&a);
	submit(&b);
	submit(&c);
	submit(&d);
	g_assert_cmpuint(change_waiting(), ==, 3);
	wait_until(&d.status);
	/* When the workers acknowledge a is up to them; the rest is not. */
	g_assert_cmpint(a.status, ==, 0);
	g_assert_nonnull(strstr(trace->str, "a:0 "));
	for (const char *gone[] = { "a:0 ", "~a ", "~a ", "b:0 ", "~b ", NULL }, **g = gone; *g != NULL; g++) {
		char *at = strstr(trace->str, *g);

		if (at != NULL)
			g_string_erase(trace, at - trace->str, (gssize)strlen(*g));
	}
	g_assert_cmpstr(trace->str, ==, "+a +a +b +c +c -c c:-17 +d d:0 ~d ");
	g_assert_cmpuint(applied_count[0], ==, 2);
	g_assert_cmpuint(applied[0][1], ==, 256 + 'd');
	teardown();
}

/* The way back has slices too, and the client hears of it at its end. */
static void
test_undo(void)
{
	struct work w = { .name = 'a', .steps = 4, .refuse = 4, .ops = 3 };
	uint64_t generation;

	setup(0);
	generation = change_generation();
	submit(&w);
	wait_until(&w.status);
	g_assert_cmpstr(trace->str, ==, "+a +a +a +a -a -a -a a:-17 ");
	g_assert_cmpuint(harness_stat("change", "undone"), ==, 1);
	g_assert_cmpuint(change_generation(), ==, generation);
	harness_settle();
	g_assert_cmpuint(applied_count[0], ==, 0);
	teardown();
}

/* ---- what a handler leaves to be done after it ---- */

/** struct left: so many parts; the last of them may be refused, or leave something itself. */
struct left {
	char name;
	unsigned int parts;
	bool refused;
	bool leaves;
};

static bool again; /* the handler wants to be called again, once */

static int
left_run(struct change *c, void *arg)
{
	struct left *left = arg;

	trace_turn("*", left->name);
	if (--left->parts > 0)
		return CHANGE_MORE;
	if (left->refused)
		return change_error(c, -EEXIST, "no a");
	change_undo(c, undo_note, (void *)(uintptr_t)left->name);
	if (left->leaves) {
		struct left *other = change_then(c, left_run, sizeof(*other));

		*other = (struct left){ .name = 'z', .parts = 1 };
	}
	return 0;
}

/* Leaves what @record, an array, says, up to the one without a name. */
static int
left_handler(struct change *c, const void *record)
{
	trace_turn("+", 'a');
	for (const struct left *l = record; l->name != '\0'; l++) {
		struct left *left = change_then(c, left_run, sizeof(*left));

		g_assert_nonnull(left);
		g_assert_cmpuint((uintptr_t)left % 8, ==, 0);
		for (unsigned int i = 0; i < sizeof(*left); i++)
			g_assert_cmpuint(((const unsigned char *)left)[i], ==, 0);
		*left = *l;
	}
	change_undo(c, undo_note, (void *)(uintptr_t)'a');
	if (again) {
		again = false;
		return CHANGE_MORE;
	}
	return 0;
}

static int
left_before(struct change *c, void *arg)
{
	struct left *left;

	(void)arg;
	trace_turn("=", 'a');
	left = change_then(c, left_run, sizeof(*left));
	*left = (struct left){ .name = 'y', .parts = 2 };
	return 0;
}

/* Two records: the first leaves what w->job.mode says, an index of records[]; the second nothing. */
static const struct left records[][3] = {
	{ { .name = 'x', .parts = 2 }, { .name = 'w', .parts = 1 } },
	{ { .name = 'x', .parts = 1, .leaves = true }, { .name = 'w', .parts = 1 } },
	{ { .name = 'x', .parts = 1 }, { .name = 'w', .parts = 2, .refused = true } },
};

static unsigned int left_number;
static unsigned int left_record;

static int
left_step(struct change *c, void *arg)
{
	static const struct left nothing[1];
	int ret = change_record(c, left_handler, left_record == 0 ? records[left_number] : nothing);

	(void)arg;
	if (ret != 0)
		return ret;
	if (left_record++ == 0)
		return CHANGE_MORE;
	change_before_commit(c, left_before, NULL);
	return 0;
}

/* It is done after the handler and before the next record; it can refuse that, and is undone with it. */
static void
test_then(void)
{
	static const char *const want[] = {
		"+a *x *x *w +a =a *y *y a:0 ",
		"+a *x *w *z +a =a *y *y a:0 ",
		"+a *x *w *w -x -a a:-17 ",
		/* The handler is called again when what it has left is done. */
		"+a *x *x *w +a *x *x *w +a =a *y *y a:0 ",
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(want); i++) {
		struct work w = { .name = 'a', .status = 1 };

		setup(0);
		left_number = i % G_N_ELEMENTS(records);
		left_record = 0;
		again = i == 3;
		w.job = (struct change_job){ .step = left_step, .end = work_end, .arg = &w, .deadline_ms = 60000 };
		change_submit(&w.job);
		wait_until(&w.status);
		g_assert_cmpstr(trace->str, ==, want[i]);
		teardown();
	}
}

/* In a change of the daemon's own it is done at the commit, before the notes of that. */
static void
test_then_own(void)
{
	struct change *c;

	setup(1000);
	c = change_begin();
	g_assert_cmpint(left_handler(c, records[0]), ==, 0);
	change_before_commit(c, left_before, NULL);
	g_assert_cmpstr(trace->str, ==, "+a ");
	g_assert_cmpint(change_commit(c), ==, 0);
	g_assert_cmpstr(trace->str, ==, "+a *x *x *w =a *y *y ");

	g_string_truncate(trace, 0);
	c = change_begin();
	g_assert_cmpint(left_handler(c, records[2]), ==, 0);
	g_assert_cmpint(change_commit(c), ==, -EEXIST);
	g_assert_cmpstr(trace->str, ==, "+a *x *w *w -x -a ");
	teardown();
}

/* A short change of somebody who finds nobody before him is committed when change_submit() returns. */
static void
test_at_once(void)
{
	struct work w = { .name = 'a', .steps = 1, .ops = 1 };
	uint64_t generation;
	unsigned int before;

	setup(1000000);
	generation = change_generation();
	before = turn;
	submit(&w);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_cmpuint(turn, ==, before);
	wait_until(&w.status);
	g_assert_cmpint(w.status, ==, 0);
	teardown();
}

/* Nothing for workers, nothing to see: the generation stays. What can be seen moves it, on all workers. */
static void
test_generation(void)
{
	struct work unchanged = { .name = 'a', .steps = 2 };
	struct work visible = { .name = 'b', .steps = 2, .visible = true };
	uint64_t generation;

	setup(0);
	generation = change_generation();
	submit(&unchanged);
	wait_until(&unchanged.status);
	g_assert_cmpint(unchanged.status, ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation);
	submit(&visible);
	wait_until(&visible.status);
	g_assert_cmpint(visible.status, ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	for (unsigned int i = 0; i < WORKERS; i++)
		g_assert_cmpuint(change_unconfirmed(lcore_of_worker(i)), ==, 0);
	teardown();
}

/* Whose turn does not come in time is refused, and nothing of it was done; who can wait longer waits. */
static void
test_deadline(void)
{
	struct work first = { .name = 'a', .steps = 1 };
	struct work late = { .name = 'b', .steps = 1, .ops = 1, .job.deadline_ms = 20 };
	struct work later = { .name = 'd', .steps = 1, .ops = 1, .job.deadline_ms = 200 };
	struct work patient = { .name = 'c', .steps = 1, .ops = 1 };

	setup(0);
	stuck = true;
	submit(&first);
	submit(&late);
	submit(&later);
	submit(&patient);
	while (late.status == 1)
		next_turn();
	g_assert_cmpint(late.status, ==, -ETIMEDOUT);
	g_assert_cmpuint(late.done, ==, 0);
	/* The end of one wait does not make the others endless. */
	for (gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	     later.status == 1 && g_get_monotonic_time() < end;)
		next_turn();
	g_assert_cmpint(later.status, ==, -ETIMEDOUT);
	g_assert_null(strstr(trace->str, "+b"));
	g_assert_cmpint(first.status, ==, 1);
	g_assert_cmpint(patient.status, ==, 1);
	stuck = false;
	wait_until(&patient.status);
	g_assert_cmpint(first.status, ==, 0);
	g_assert_cmpint(patient.status, ==, 0);
	g_assert_cmpuint(harness_stat("change", "expired"), ==, 2);
	teardown();
}

/* The queue waits for workers that are far behind, instead of refusing; the daemon's own changes have room left. */
static void
test_workers_behind(void)
{
	static struct work works[JOBS];
	struct change *own;
	unsigned int begun = 0;

	setup(1000000);
	atomic_store(&hold, true);
	for (unsigned int i = 0; i < JOBS; i++) {
		works[i] = (struct work){ .name = (char)('a' + i % 26), .steps = 1, .ops = 1 };
		submit(&works[i]);
	}
	for (unsigned int i = 0; i < 1000; i++)
		next_turn();
	for (unsigned int i = 0; i < JOBS; i++)
		begun += works[i].done;
	g_assert_cmpuint(begun, >, 100);
	g_assert_cmpuint(begun, <, JOBS);
	g_assert_cmpuint(change_waiting(), ==, JOBS - begun);
	own = change_begin();
	add_op(own, 7);
	g_assert_cmpint(change_commit(own), ==, 0);
	atomic_store(&hold, false);
	wait_until(&works[JOBS - 1].status);
	for (unsigned int i = 0; i < JOBS; i++)
		g_assert_cmpint(works[i].status, ==, 0);
	for (unsigned int w = 0; w < WORKERS; w++) {
		g_assert_cmpuint(applied_count[w], ==, JOBS + 1);
		for (unsigned int i = 0; i < begun; i++)
			g_assert_cmpuint(applied[w][i], ==, 256 + 'a' + i % 26);
		g_assert_cmpuint(applied[w][begun], ==, 7);
		for (unsigned int i = begun + 1; i < JOBS; i++)
			g_assert_cmpuint(applied[w][i], ==, 256 + 'a' + (i - 1) % 26);
	}
	teardown();
}

/*
 * Workers are so far behind, by changes of the daemon's own, that a client's first change cannot even be begun: its time runs out
 * all the same, while nothing else happens in the main loop.
 */
static void
test_deadline_first(void)
{
	struct work late = { .name = 'a', .steps = 1, .job.deadline_ms = 20 };
	struct work stops = { .name = 'b', .steps = 1 };
	unsigned int own = 0;

	setup(1000000);
	change_queue_fini(); /* no client has changed anything yet */
	atomic_store(&hold, true);
	while (change_unacknowledged() < 192) {
		struct change *c = change_begin();

		add_op(c, 7);
		g_assert_cmpint(change_commit(c), ==, 0);
		own++;
	}
	submit(&late);
	g_assert_cmpint(late.status, ==, 1);
	for (gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	     late.status == 1 && g_get_monotonic_time() < end;)
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(late.status, ==, -ETIMEDOUT);
	g_assert_cmpuint(late.done, ==, 0);
	g_assert_cmpuint(change_unacknowledged(), ==, own);
	atomic_store(&hold, false);
	submit(&stops);
	wait_until(&stops.status);
	teardown();
}

/* What the daemon changes by itself need not wait, if it has nothing to do with what is prepared. */
static void
test_own(void)
{
	struct work w = { .name = 'a', .steps = 2, .ops = 1 };
	struct change *own;
	uint64_t generation;

	setup(0);
	generation = change_generation();
	submit(&w);
	g_assert_true(change_busy());
	own = change_begin();
	add_op(own, 7);
	g_assert_cmpuint(change_serial(own), !=, change_preparing());
	g_assert_cmpint(change_commit(own), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_true(change_busy());
	wait_until(&w.status);
	g_assert_cmpuint(change_generation(), ==, generation + 2);
	g_assert_cmpuint(applied[0][0], ==, 7);
	g_assert_cmpuint(applied[0][1], ==, 256 + 'a');
	teardown();
}

/* The daemon ends: half-done things are undone, what waits is told. */
static void
test_stop(void)
{
	struct work a = { .name = 'a', .steps = 3, .ops = 1 };
	struct work b = { .name = 'b', .steps = 1 };

	setup(0);
	submit(&a);
	submit(&b);
	while (a.done < 2)
		next_turn();
	g_assert_cmpint(a.status, ==, 1);
	one_by_one = false; /* no more */
	change_queue_stop();
	g_assert_cmpint(a.status, ==, -ESHUTDOWN);
	g_assert_cmpint(b.status, ==, -ESHUTDOWN);
	g_assert_false(change_busy());
	submit(&b);
	g_assert_cmpint(b.status, ==, -ESHUTDOWN);
	g_assert_cmpuint(b.done, ==, 0);
	teardown();
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	trace = g_string_new(NULL);
	harness_init(WORKERS);
	g_test_add_func("/queue/slices", test_slices);
	g_test_add_func("/queue/order", test_order);
	g_test_add_func("/queue/undo", test_undo);
	g_test_add_func("/queue/then", test_then);
	g_test_add_func("/queue/then, of the daemon's own", test_then_own);
	g_test_add_func("/queue/at once", test_at_once);
	g_test_add_func("/queue/generation", test_generation);
	g_test_add_func("/queue/deadline", test_deadline);
	g_test_add_func("/queue/deadline of the first", test_deadline_first);
	g_test_add_func("/queue/workers behind", test_workers_behind);
	g_test_add_func("/queue/own", test_own);
	g_test_add_func("/queue/stop", test_stop);
	rc = g_test_run();
	harness_fini();
	g_string_free(trace, TRUE);
	return rc;
}
