/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes lines of the log to stderr, or to the journal, without ever waiting for who reads them (core/log.h is for
 * everybody else).
 *
 * Thread-safety: any thread.
 */
#ifndef LOG_OUT_H
#define LOG_OUT_H

#include <stddef.h>

#include <glib.h>

/** log_out: a line of at most 2,047 bytes, its line break included; written later, or counted as lost, when nobody takes it now. */
void log_out(const char *line, size_t len);

/** log_out_journal: fields to the journal; -EAGAIN: it does not take them now, or is not there. */
int log_out_journal(const GLogField *fields, size_t count);

/** log_out_finish: the process ends: waits a second at most until what is held was taken. */
void log_out_finish(void);

#endif
