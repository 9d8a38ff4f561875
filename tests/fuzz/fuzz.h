/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fuzz target is: a program with these functions. With libFuzzer (--with-fuzzer) its main() calls
 * them; else replay.c does, with the files of the corpus and mutations of them.
 *
 * Thread-safety: one thread.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** LLVMFuzzerInitialize: once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** LLVMFuzzerTestOneInput: one input; ends the program when something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** FUZZ_CHECK: ends the program when @what does not hold; also where assert() is compiled out. */
#define FUZZ_CHECK(what)                                                                              \
	do {                                                                                          \
		if (!(what)) {                                                                        \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what);    \
			abort();                                                                      \
		}                                                                                     \
	} while (0)

/** fuzz_copy: @size bytes in memory of exactly that size, so that AddressSanitizer sees each step too far. */
static inline void *
fuzz_copy(const void *data, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);

	FUZZ_CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/** fuzz_text: @size bytes as a text. */
static inline char *
fuzz_text(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/** fuzz_touch: reads @size bytes, so that AddressSanitizer looks at each. */
static inline void
fuzz_touch(const void *data, size_t size)
{
	const volatile uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		(void)p[i];
}

#endif
