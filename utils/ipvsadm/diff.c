/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes that turn one configuration into another: what a restore that fails half-way needs to take
 * back what it did. Both sides are sorted, so one pass over each table finds the differences. What is
 * deleted comes first, then what is added, services before what belongs to them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "ipvsadm/ipvsadm.h"

static struct change *
change_add(struct changes *changes, uint32_t id, uint32_t record_size)
{
	struct change *change;

	if (changes->count == changes->size) {
		uint32_t size = changes->size ? changes->size * 2 : 64;
		void *items = realloc(changes->items, size * sizeof(*changes->items));

		if (!items)
			return NULL;
		changes->items = items;
		changes->size = size;
	}
	change = &changes->items[changes->count++];
	memset(change, 0, sizeof(*change));
	change->id = id;
	change->record_size = record_size;
	return change;
}

static int
service_change(struct changes *changes, uint32_t id, const struct dpvs_service_conf *conf)
{
	struct change *change = change_add(changes, id, sizeof(*conf));

	if (!change)
		return -ENOMEM;
	if (id == DPVS_SET_SERVICE_DEL) {
		change->record.service.key = conf->key;
		return 0;
	}
	change->record.service = *conf;
	change->record.service.set = DPVS_SERVICE_SET_SCHED | DPVS_SERVICE_SET_SCHED_FLAGS |
				     DPVS_SERVICE_SET_CONN_TIMEOUT;
	return 0;
}

static int
dest_change(struct changes *changes, uint32_t id, const struct dpvs_dest_conf *conf)
{
	struct change *change = change_add(changes, id, sizeof(*conf));

	if (!change)
		return -ENOMEM;
	change->record.dest = *conf;
	change->record.dest.set = id == DPVS_SET_DEST_DEL ?
					  0 :
					  DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT |
						  DPVS_DEST_SET_UTHRESH | DPVS_DEST_SET_LTHRESH;
	return 0;
}

static int
laddr_change(struct changes *changes, uint32_t id, const struct dpvs_laddr_conf *conf)
{
	struct change *change = change_add(changes, id, sizeof(*conf));

	if (!change)
		return -ENOMEM;
	change->record.laddr = *conf;
	return 0;
}

static bool
service_differs(const struct dpvs_service_conf *a, const struct dpvs_service_conf *b)
{
	return memcmp(a->sched, b->sched, sizeof(a->sched)) != 0 || a->sched_flags != b->sched_flags ||
	       a->conn_timeout_s != b->conn_timeout_s;
}

static bool
dest_differs(const struct dpvs_dest_conf *a, const struct dpvs_dest_conf *b)
{
	return a->fwd != b->fwd || a->weight != b->weight || a->uthresh != b->uthresh ||
	       a->lthresh != b->lthresh;
}

/** What a pass over two sorted tables looks for. */
enum pass {
	PASS_DEL,
	PASS_ADD,
	PASS_EDIT,
};

static int
diff_services(const struct config *from, const struct config *to, enum pass pass,
	      struct changes *changes)
{
	uint32_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < from->num_services || j < to->num_services)) {
		int cmp = i == from->num_services ? 1 :
			  j == to->num_services	  ? -1 :
						    key_cmp(&from->services[i].conf.key,
							    &to->services[j].conf.key);

		if (cmp < 0 && pass == PASS_DEL)
			rc = service_change(changes, DPVS_SET_SERVICE_DEL, &from->services[i].conf);
		if (cmp > 0 && pass == PASS_ADD)
			rc = service_change(changes, DPVS_SET_SERVICE_ADD, &to->services[j].conf);
		if (cmp == 0 && pass == PASS_EDIT &&
		    service_differs(&from->services[i].conf, &to->services[j].conf))
			rc = service_change(changes, DPVS_SET_SERVICE_EDIT, &to->services[j].conf);
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

static int
service_key_cmp(const void *key, const void *service)
{
	return key_cmp(key, &((const struct dpvs_service_info *)service)->conf.key);
}

/* What belongs to a service that goes, goes with it. */
static bool
has_service(const struct config *config, const struct dpvs_service_key *key)
{
	return config->num_services && bsearch(key, config->services, config->num_services,
					       sizeof(*config->services), service_key_cmp);
}

static int
diff_dests(const struct config *from, const struct config *to, enum pass pass, struct changes *changes)
{
	uint32_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < from->num_dests || j < to->num_dests)) {
		int cmp = i == from->num_dests ? 1 :
			  j == to->num_dests   ? -1 :
						 dest_conf_cmp(&from->dests[i].conf, &to->dests[j].conf);

		if (cmp < 0 && pass == PASS_DEL && has_service(to, &from->dests[i].conf.svc))
			rc = dest_change(changes, DPVS_SET_DEST_DEL, &from->dests[i].conf);
		if (cmp > 0 && pass == PASS_ADD)
			rc = dest_change(changes, DPVS_SET_DEST_ADD, &to->dests[j].conf);
		if (cmp == 0 && pass == PASS_EDIT &&
		    dest_differs(&from->dests[i].conf, &to->dests[j].conf))
			rc = dest_change(changes, DPVS_SET_DEST_EDIT, &to->dests[j].conf);
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

static int
diff_laddrs(const struct config *from, const struct config *to, enum pass pass,
	    struct changes *changes)
{
	uint32_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < from->num_laddrs || j < to->num_laddrs)) {
		int cmp = i == from->num_laddrs ? 1 :
			  j == to->num_laddrs	? -1 :
						  laddr_conf_cmp(&from->laddrs[i].conf, &to->laddrs[j].conf);

		if (cmp < 0 && pass == PASS_DEL && has_service(to, &from->laddrs[i].conf.svc))
			rc = laddr_change(changes, DPVS_SET_LADDR_DEL, &from->laddrs[i].conf);
		if (cmp > 0 && pass == PASS_ADD)
			rc = laddr_change(changes, DPVS_SET_LADDR_ADD, &to->laddrs[j].conf);
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

int
config_diff(const struct config *from, const struct config *to, struct changes *ret_changes)
{
	static const enum pass passes[] = { PASS_DEL, PASS_ADD, PASS_EDIT };
	struct changes changes = { 0 };
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < 3; i++) {
		rc = diff_services(from, to, passes[i], &changes);
		if (rc == 0)
			rc = diff_dests(from, to, passes[i], &changes);
		if (rc == 0 && passes[i] != PASS_EDIT)
			rc = diff_laddrs(from, to, passes[i], &changes);
	}
	if (rc == 0 && memcmp(&from->timeouts, &to->timeouts, sizeof(to->timeouts)) != 0) {
		struct change *change = change_add(&changes, DPVS_SET_TIMEOUTS, sizeof(to->timeouts));

		if (change)
			change->record.timeouts = to->timeouts;
		else
			rc = -ENOMEM;
	}
	if (rc < 0)
		free(changes.items);
	else
		*ret_changes = changes;
	return rc;
}
