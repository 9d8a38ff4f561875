/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tools say when something is wrong: one line on standard error with the program's name, what
 * was tried, why it failed and, where known, the cure. And the exit codes of dpip.
 *
 * Thread-safety: one thread; the tools have no other.
 */
#ifndef ERROR_H
#define ERROR_H

/** Exit codes of dpip; ipvsadm has LVS's own, see ipvsadm/ipvsadm.h. */
enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,       /**< wrong command line */
	EXIT_REFUSED = 2,     /**< the daemon said no */
	EXIT_UNREACHABLE = 3, /**< no daemon, no permission, no answer */
};

/** error_set_program: the name in front of each line; kept, not copied. */
void error_set_program(const char *name);

/** error_program: that name. */
const char *error_program(void);

/** error_print: "program: text"; control characters of the text become '?', the newline is added. */
void error_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** error_line: as error_print(), but without the name in front: for texts that scripts look for. */
void error_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** error_count: lines printed so far. */
unsigned int error_count(void);

#endif
