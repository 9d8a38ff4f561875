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

void
sched_build_free(struct sched_build *b)
{
	free(b->table);
	free(b->state);
	*b = (struct sched_build){ 0 };
}

int
sched_build_ready(struct sched_build *b)
{
	const struct service *svc = b->svc;
	struct sched_ready *ready = b->table;
	uint32_t left = SCHED_STEP;

	if (ready == NULL) {
		ready = malloc(sizeof(*ready) + svc->num_dests * sizeof(ready->dest[0]));
		if (ready == NULL)
			return -ENOMEM;
		ready->count = 0;
		b->table = ready;
	}
	for (; b->next < svc->num_dests; b->next++) {
		if (left-- == 0)
			return SCHED_MORE;
		if (svc->dests[b->next].weight > 0)
			ready->dest[ready->count++] = b->next;
	}
	return 0;
}
