/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash table of main: right with any number of objects, and no addition or removal is much work, however many there
 * are: what one addition moves is counted.
 */
#include <glib.h>
#include <string.h>

#include "core/htable.h"

#define MANY 200000u

/** struct thing: an object in a table. */
struct thing {
	uint32_t key;
	unsigned int seen;
	struct htable_node node;
};

static uint32_t
hash_of(uint32_t key)
{
	key = (key ^ key >> 16) * 0x85ebca6bu;
	return key ^ key >> 13;
}

static struct thing *
find(const struct htable *t, uint32_t key)
{
	for (struct htable_node *n = htable_first(t, hash_of(key)); n != NULL; n = n->next) {
		struct thing *thing = htable_object(n, struct thing, node);

		if (thing->key == key)
			return thing;
	}
	return NULL;
}

/* Nodes in the bucket that the next addition splits. */
static unsigned int
to_be_moved(const struct htable *t)
{
	unsigned int count = 0;

	for (const struct htable_node *n = t->bucket[t->buckets - t->low]; n != NULL; n = n->next)
		count++;
	return count;
}

static unsigned int
count_all(struct htable *t)
{
	struct htable_iter iter = { 0 };
	struct htable_node *n;
	unsigned int count = 0;

	while ((n = htable_next(t, &iter)) != NULL) {
		htable_object(n, struct thing, node)->seen++;
		count++;
	}
	return count;
}

/* @max: what the table is made for; more is slower, not wrong. */
static void
test_many(gconstpointer max)
{
	g_autofree struct thing *things = g_new0(struct thing, MANY);
	struct htable_iter iter = { 0 };
	struct htable_node *n;
	struct htable t;

	g_assert_cmpint(htable_init(&t, GPOINTER_TO_UINT(max)), ==, 0);
	g_assert_cmpuint(count_all(&t), ==, 0);
	for (uint32_t i = 0; i < MANY; i++) {
		things[i].key = i;
		if (t.max >= MANY && t.used + 1 > t.buckets)
			g_assert_cmpuint(to_be_moved(&t), <, 32);
		htable_add(&t, &things[i].node, hash_of(i));
		if (t.max < MANY && i == MANY / 10)
			break; /* buckets are long then */
	}
	g_assert_cmpuint(count_all(&t), ==, t.used);
	for (uint32_t i = 0; i < t.used; i++) {
		g_assert_true(find(&t, i) == &things[i]);
		g_assert_cmpuint(things[i].seen, ==, 1);
	}
	g_assert_null(find(&t, MANY));

	/* Every second one goes, found by a walk; the rest by key. */
	while ((n = htable_next(&t, &iter)) != NULL) {
		struct thing *thing = htable_object(n, struct thing, node);

		if (thing->key % 2 != 0)
			continue;
		htable_remove(&t, n);
		memset(thing, 0xff, sizeof(*thing)); /* as if it were freed */
	}
	for (uint32_t i = 0; i < t.used * 2; i++) {
		struct thing *thing = find(&t, i);

		g_assert_true(i % 2 == 0 ? thing == NULL : thing == &things[i]);
	}
	for (uint32_t i = 1; t.used > 0; i += 2)
		htable_remove(&t, &things[i].node);
	g_assert_cmpuint(count_all(&t), ==, 0);
	htable_fini(&t);
	htable_fini(&t);
	g_assert_cmpuint(count_all(&t), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/htable/many", GUINT_TO_POINTER(MANY), test_many);
	g_test_add_data_func("/htable/more than it is made for", GUINT_TO_POINTER(100), test_many);
	return g_test_run();
}
