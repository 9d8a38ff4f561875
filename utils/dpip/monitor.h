/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What monitor.c follows and monitor_show.c prints. See dpip.h.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include <stdbool.h>

#include <dpvsctrl/proto/event.h>

#include "dpip/dpip.h"

/** struct monitor_kind: a kind of events. The list ends with a nameless one. */
struct monitor_kind {
	const char *name;
	uint32_t kind; /**< DPVS_EVENT_* */
	/** Prints the object that @data tells of: a line of text, or the members of an object. */
	void (*show)(struct dpip *d, const void *data);
	/** The port that it is of; NULL: of none. Points into @data, up to DPVS_IFNAME_SIZE bytes. */
	const char *(*dev)(const void *data);
	/** AF_INET, AF_INET6; 0: of neither. */
	int (*family)(const void *data);
};

extern const struct monitor_kind monitor_kinds[];

/** monitor_show: prints one event as a line; nothing of kinds that this dpip does not know. */
void monitor_show(struct dpip *d, const struct dpvs_event *event);

/** monitor_wanted: is the event about port @dev (NULL: any) and d->opts.family (0: any)? */
bool monitor_wanted(const struct dpip *d, const struct dpvs_event *event, const char *dev);

#endif
