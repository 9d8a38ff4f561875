/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See attempt.h.
 */
#include "attempt.h"

#include <errno.h>
#include <string.h>

#include <dpvsctrl/proto/txn.h>

#include "check.h"
#include "client.h"
#include "core/change.h"
#include "fault_point.h"

static struct model model;
static GRand *rnd;
static struct attempt_counts counts;

void
attempt_begin(uint32_t seed)
{
	rnd = g_rand_new_with_seed(seed);
	model_init(&model);
}

void
attempt_end(void)
{
	g_clear_pointer(&rnd, g_rand_free);
}

GRand *
attempt_rand(void)
{
	return rnd;
}

unsigned int
attempt_below(unsigned int n)
{
	return (unsigned int)g_rand_int_range(rnd, 0, (gint32)n);
}

struct model *
attempt_model(void)
{
	return &model;
}

const struct attempt_counts *
attempt_counts(void)
{
	return &counts;
}

int
attempt_carry_out(const struct attempt *a, bool *ret_unknown)
{
	counts.all++;
	if (a->txn)
		return client_txn(a->ops, a->count, a->mode, ret_unknown);
	return client_set(&a->ops[0], ret_unknown);
}

int
attempt_expect(const struct attempt *a, struct model *ret_next)
{
	int err = 0;

	*ret_next = model;
	model_begin(ret_next, a->txn ? a->mode : 0);
	for (unsigned int i = 0; i < a->count && err == 0; i++)
		err = a->txn ? model_append(&a->ops[i]) : 0;
	for (unsigned int i = 0; i < a->count && err == 0; i++)
		err = model_apply(ret_next, &a->ops[i]);
	model_end(ret_next);
	return err;
}

char *
attempt_tell(const struct attempt *a, int rc)
{
	GString *s = g_string_new(a->txn ? "transaction" : "request");

	for (unsigned int i = 0; i < a->count; i++)
		g_string_append_printf(s, " %s(%u)", op_name(a->ops[i].id), a->ops[i].count);
	g_string_append_printf(s, " mode %u: %d", a->mode, rc);
	if (fault_last() != NULL)
		g_string_append_printf(s, ", the %u. point failed: %s at %s:%d", (unsigned int)fault_passed(),
				       fault_last()->name, fault_last()->file, fault_last()->line);
	return g_string_free(s, FALSE);
}

bool
attempt_try(const struct attempt *a, bool workers)
{
	uint64_t generation = change_generation();
	g_autofree char *when = NULL;
	struct model next;
	bool unknown = false, in_force, moves;
	uint64_t faults;
	int expected, rc;

	expected = attempt_expect(a, &next);
	rc = attempt_carry_out(a, &unknown);
	faults = fault_failed();
	when = attempt_tell(a, rc);
	fault_off();
	moves = change_generation() != generation;

	in_force = rc == 0 || rc == -EINPROGRESS;
	if (unknown) {
		g_autofree char *with = model_text(&next);
		g_autofree char *got = listing_text();

		counts.lost++;
		in_force = expected == 0 && strcmp(with, got) == 0;
	} else if (in_force) {
		if (expected != 0)
			g_test_message("%s: should have been refused", when);
		g_assert_cmpint(expected, ==, 0);
	} else if (faults == 0 && rc != -ETIMEDOUT) {
		if (expected != rc)
			g_test_message("%s (%s): should have been %d", when, client_error(), expected);
		g_assert_cmpint(expected, ==, rc);
	}
	counts.in_force += in_force;
	counts.unconfirmed += rc == -EINPROGRESS;
	counts.refused += !in_force;
	/* What the daemon does by itself does not move the generation, nor does what is refused. */
	if (!in_force && moves)
		g_test_message("%s: the generation moved", when);
	g_assert_false(!in_force && moves);
	if (in_force)
		model = next;
	check_listing(&model, when);
	if (workers) {
		check_settle();
		check_workers(when);
	}
	return in_force;
}

void
attempt_random(struct attempt *a, unsigned int txns)
{
	static const uint32_t modes[] = { 0, DPVS_TXN_UNCHANGED, DPVS_TXN_REPLACE, DPVS_TXN_SYNC,
					  DPVS_TXN_CHECK_GENERATION };

	memset(a, 0, sizeof(*a));
	a->txn = attempt_below(100) < txns;
	a->count = a->txn ? 1 + attempt_below(4) : 1;
	a->mode = a->txn ? modes[attempt_below(G_N_ELEMENTS(modes))] : 0;
	for (unsigned int i = 0; i < a->count; i++)
		op_random(rnd, &a->ops[i]);
}
