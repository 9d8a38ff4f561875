/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of the control plane: lines "dpvsd[pid]: LEVEL module: message" on stderr (never stdout), or
 * structured fields when stderr is the journal. What DPDK logs comes here too (core/eal.c). Nobody waits for who
 * reads it (core/log_out.c).
 *
 * Thread-safety: any thread that is not a worker. Workers count, they do not log.
 */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_LEVEL_ERROR, /**< does not work, and somebody has to act */
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE, /**< rare and worth keeping: started, port up */
	LOG_LEVEL_INFO,   /**< each change */
	LOG_LEVEL_DEBUG,
};

/** log_init: takes over GLib's log writer; may be called again. */
void log_init(void);

/** log_finish: the process ends: gives who reads the log a second to take what it has not yet. */
void log_finish(void);

/** log_set_level: the least important level that is still written. */
void log_set_level(enum log_level level);

void log_error(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warning(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_notice(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *module, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
