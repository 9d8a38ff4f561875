/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of schedulers, each in its own file below sched/, and the table of usable servers that several
 * of them pick from.
 */
#include "lb/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/service.h"
#include "lb/sched/ready.h"

static const struct sched_ops *const scheds[] = {
	&sched_rr, &sched_wrr, &sched_lc, &sched_wlc, &sched_mh,
};

const struct sched_ops *
sched_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(scheds) / sizeof(scheds[0]); i++) {
		if (strcmp(scheds[i]->name, name) == 0)
			return scheds[i];
	}
	return NULL;
}

int
sched_build_ready(const struct service *svc, void **ret_table)
{
	struct sched_ready *ready = malloc(sizeof(*ready) + svc->num_dests * sizeof(ready->dest[0]));

	if (ready == NULL)
		return -ENOMEM;
	ready->count = 0;
	for (uint32_t i = 0; i < svc->num_dests; i++) {
		if (svc->dests[i].weight > 0)
			ready->dest[ready->count++] = i;
	}
	*ret_table = ready;
	return 0;
}
