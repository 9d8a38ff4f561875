/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A main() for fuzz targets where libFuzzer is not: runs each file of tests/fuzz/corpus/TARGET, then mutations
 * of each, always the same ones. Prints TAP, a point for each file.
 *
 *   TARGET_fuzz [FILE...]      these files alone, without mutations: to look into a finding
 *
 * FUZZ_ROUNDS: mutations of each file, 50 unless told.
 */
#include <glib.h>

#include "fuzz.h"

/* Longest input that a mutation makes. */
#define INPUT_MAX 65536

static unsigned int points;
static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint32_t
random_below(uint32_t bound)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % bound;
}

/* The input goes in in memory of its own size. */
static void
run(const void *data, size_t size)
{
	void *copy = fuzz_copy(data, size);

	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* One change: a byte, a bit, a number at its edges, bytes more or less, bytes twice. */
static void
mutate(GByteArray *input)
{
	static const uint8_t edges[][4] = {
		{ 0, 0, 0, 0 },	      { 0xff, 0xff, 0xff, 0xff }, { 0xff, 0xff, 0xff, 0x7f },
		{ 0, 0, 0, 0x80 },    { 1, 0, 0, 0 },		  { 0, 0x10, 0, 0 },
		{ 0xf8, 0xff, 0xff, 0 }, { 0, 0, 1, 0 },
	};
	uint32_t at = random_below(input->len + 1);
	uint32_t rest = input->len - at;
	uint32_t some = 1 + random_below(8);
	uint8_t bytes[8];

	switch (random_below(6)) {
	case 0:
		if (rest > 0)
			input->data[at] = (uint8_t)random_below(256);
		break;
	case 1:
		if (rest > 0)
			input->data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 2:
		if (rest >= 4)
			memcpy(input->data + at, edges[random_below(G_N_ELEMENTS(edges))], 4);
		break;
	case 3:
		g_byte_array_set_size(input, at);
		break;
	case 4:
		if (rest > 0)
			g_byte_array_remove_range(input, at, MIN(rest, some));
		break;
	default:
		rest = MIN(rest, some);
		if (rest > 0 && input->len + rest <= INPUT_MAX) {
			memcpy(bytes, input->data + at, rest);
			g_byte_array_append(input, bytes, rest);
		}
		break;
	}
}

static void
replay(const char *file, unsigned int rounds)
{
	g_autofree char *data = NULL, *name = g_path_get_basename(file);
	g_autoptr(GError) error = NULL;
	gsize size;

	if (!g_file_get_contents(file, &data, &size, &error)) {
		printf("not ok %u - %s: %s\n", ++points, name, error->message);
		return;
	}
	run(data, size);
	for (unsigned int i = 0; i < rounds; i++) {
		g_autoptr(GByteArray) input = g_byte_array_new();

		g_byte_array_append(input, (const guint8 *)data, (guint)size);
		for (uint32_t n = 1 + random_below(4); n > 0; n--)
			mutate(input);
		run(input->data, input->len);
	}
	printf("ok %u - %s\n", ++points, name);
	fflush(stdout);
}

/* "tests/fuzz/corpus/wire" for the program "wire_fuzz". */
static char *
corpus_of(const char *program)
{
	g_autofree char *name = g_path_get_basename(program);
	const char *target = g_str_has_prefix(name, "lt-") ? name + 3 : name;
	char *end = strstr(name, "_fuzz");

	if (end != NULL)
		*end = '\0';
	return g_test_build_filename(G_TEST_DIST, "tests", "fuzz", "corpus", target, NULL);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
main(int argc, char **argv)
{
	const char *rounds_text = g_getenv("FUZZ_ROUNDS");
	unsigned int rounds = rounds_text != NULL ? (unsigned int)strtoul(rounds_text, NULL, 10) : 50;
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = NULL;
	const char *name;
	int i;

	for (i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			g_ptr_array_add(files, g_strdup(argv[i]));
	if (files->len > 0) {
		rounds = 0;
	} else {
		g_autofree char *corpus = NULL;
		int none = 1;
		char **test_argv = argv;

		/* Only so that the folder of the sources is known. */
		g_test_init(&none, &test_argv, NULL);
		corpus = corpus_of(argv[0]);
		dir = g_dir_open(corpus, 0, NULL);
		while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
			g_ptr_array_add(files, g_build_filename(corpus, name, NULL));
		g_ptr_array_sort(files, by_name);
	}
	LLVMFuzzerInitialize(&argc, &argv);
	for (i = 0; i < (int)files->len; i++)
		replay(files->pdata[i], rounds);
	if (points == 0)
		printf("not ok %u - there is a corpus\n", ++points);
	printf("1..%u\n", points);
	return 0;
}
