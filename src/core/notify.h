/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the service manager how far we are, as sd_notify(3) does, without its library.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

/**
 * notify_manager: sends lines such as "READY=1\nSTATUS=...". Returns: 0, also when there is nobody to tell
 * (no NOTIFY_SOCKET in the environment); negative errno.
 */
int notify_manager(const char *lines);

#endif
