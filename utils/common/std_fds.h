/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors 0, 1 and 2, when the caller closed some of them.
 *
 * Thread-safety: one thread, at the start of main().
 */
#ifndef STD_FDS_H
#define STD_FDS_H

/**
 * std_fds_hold: takes the places of closed standard descriptors, so that no file and no socket opened
 * later gets one of them and with it what is printed. What is then read or printed there fails with EBADF.
 */
void std_fds_hold(void);

#endif
