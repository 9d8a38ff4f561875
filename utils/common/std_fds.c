/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the standard descriptors out of the hands of open() and socket(); see std_fds.h.
 */
#include "common/std_fds.h"

#include <fcntl.h>
#include <unistd.h>

void
std_fds_hold(void)
{
	int fd;

	/* open() takes the lowest place that is free: the closed ones from below. Each in the direction that
	 * nobody uses: a listing that nobody gets is an error that is told, not a success. */
	do {
		fd = open("/dev/null", O_RDONLY);
		if (fd == STDIN_FILENO || fd == STDERR_FILENO) {
			close(fd);
			fd = open("/dev/null", O_WRONLY);
		}
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}
