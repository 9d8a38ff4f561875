/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the fault test that are in files of their own.
 *
 * Thread-safety: the main thread only.
 */
#ifndef FAULT_PARTS_H
#define FAULT_PARTS_H

/* sweep.c */
void test_single(void);
void test_questions(void);
void test_connections(void);

/* zero.c */
void test_zero(void);

/* rounds.c */
void test_random(void);

#endif
