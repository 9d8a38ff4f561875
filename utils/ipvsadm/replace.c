/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -R --replace without a break: rules that only add describe a configuration. Compared with the one that is
 * there, they give the few changes that are needed; services and servers that are in both keep their
 * connections and counters.
 */
#include "ipvsadm/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
take_service(struct config *config, const struct dpvs_service_conf *conf)
{
	struct dpvs_service_conf *service = &config->services[config->num_services++].conf;

	*service = *conf;
	service->set = 0;
	/* The daemon's default. */
	if (service->sched[0] == '\0')
		memcpy(service->sched, "wlc", sizeof("wlc"));
}

static void
take_timeouts(struct config *config, const struct dpvs_timeouts *timeouts)
{
	if (timeouts->tcp_s)
		config->timeouts.tcp_s = timeouts->tcp_s;
	if (timeouts->tcp_fin_s)
		config->timeouts.tcp_fin_s = timeouts->tcp_fin_s;
	if (timeouts->udp_s)
		config->timeouts.udp_s = timeouts->udp_s;
}

/* What @rules describe, sorted. */
static int
describe(const struct rules *rules, const struct config *before, struct config *ret_wanted)
{
	struct config *wanted = ret_wanted;

	memset(wanted, 0, sizeof(*wanted));
	wanted->timeouts = before->timeouts;
	wanted->services = calloc(rules->count + 1, sizeof(*wanted->services));
	wanted->dests = calloc(rules->count + 1, sizeof(*wanted->dests));
	wanted->laddrs = calloc(rules->count + 1, sizeof(*wanted->laddrs));
	if (!wanted->services || !wanted->dests || !wanted->laddrs)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct change *change = &rules->items[i].change;

		switch (change->id) {
		case DPVS_SET_SERVICE_ADD:
			take_service(wanted, &change->record.service);
			break;
		case DPVS_SET_DEST_ADD:
			wanted->dests[wanted->num_dests].conf = change->record.dest;
			wanted->dests[wanted->num_dests++].conf.set = 0;
			break;
		case DPVS_SET_LADDR_ADD:
			wanted->laddrs[wanted->num_laddrs++].conf = change->record.laddr;
			break;
		case DPVS_SET_TIMEOUTS:
			take_timeouts(wanted, &change->record.timeouts);
			break;
		default:
			return -EOPNOTSUPP;
		}
	}
	return config_sort(wanted, true);
}

/* Is everything there once, and belongs to a service? */
static bool
is_sound(const struct config *config)
{
	uint32_t owned_dests = 0, owned_laddrs = 0, count;

	for (uint32_t i = 0; i < config->num_services; i++) {
		if (i && key_cmp(&config->services[i - 1].conf.key, &config->services[i].conf.key) == 0)
			return false;
		config_dests(config, i, &count);
		owned_dests += count;
		config_laddrs(config, i, &count);
		owned_laddrs += count;
	}
	for (uint32_t i = 1; i < config->num_dests; i++)
		if (dest_conf_cmp(&config->dests[i - 1].conf, &config->dests[i].conf) == 0)
			return false;
	for (uint32_t i = 1; i < config->num_laddrs; i++)
		if (laddr_conf_cmp(&config->laddrs[i - 1].conf, &config->laddrs[i].conf) == 0)
			return false;
	return owned_dests == config->num_dests && owned_laddrs == config->num_laddrs;
}

/** Kinds of records, so that a change is found among the rules. */
enum kind {
	KIND_SERVICE,
	KIND_DEST,
	KIND_LADDR,
	KIND_TIMEOUTS,
};

static enum kind
kind_of(uint32_t id)
{
	switch (id) {
	case DPVS_SET_SERVICE_ADD:
	case DPVS_SET_SERVICE_EDIT:
	case DPVS_SET_SERVICE_DEL:
		return KIND_SERVICE;
	case DPVS_SET_DEST_ADD:
	case DPVS_SET_DEST_EDIT:
	case DPVS_SET_DEST_DEL:
		return KIND_DEST;
	case DPVS_SET_LADDR_ADD:
	case DPVS_SET_LADDR_DEL:
		return KIND_LADDR;
	default:
		return KIND_TIMEOUTS;
	}
}

static int
change_cmp(const struct change *a, const struct change *b)
{
	enum kind kind = kind_of(a->id);

	if (kind != kind_of(b->id))
		return kind < kind_of(b->id) ? -1 : 1;
	switch (kind) {
	case KIND_SERVICE:
		return key_cmp(&a->record.service.key, &b->record.service.key);
	case KIND_DEST:
		return dest_conf_cmp(&a->record.dest, &b->record.dest);
	case KIND_LADDR:
		return laddr_conf_cmp(&a->record.laddr, &b->record.laddr);
	default:
		return 0;
	}
}

static int
rule_cmp(const void *a, const void *b)
{
	return change_cmp(&(*(const struct rule_line *const *)a)->change,
			  &(*(const struct rule_line *const *)b)->change);
}

static enum command
command_of(uint32_t id)
{
	switch (id) {
	case DPVS_SET_SERVICE_DEL:
		return CMD_DEL;
	case DPVS_SET_DEST_DEL:
		return CMD_DEL_SERVER;
	case DPVS_SET_LADDR_DEL:
		return CMD_DEL_LADDR;
	default:
		return CMD_SET;
	}
}

/* The changes as rules, each with the line of @rules that asks for it. */
static int
number_changes(const struct rules *rules, const struct changes *changes, struct rules *ret_plan)
{
	const struct rule_line **sorted = calloc(rules->count + 1, sizeof(const struct rule_line *));
	struct rule_line *items = calloc(changes->count + 1, sizeof(*items));

	if (!sorted || !items) {
		free(sorted);
		free(items);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rules->count; i++)
		sorted[i] = &rules->items[i];
	qsort(sorted, rules->count, sizeof(*sorted), rule_cmp);
	for (uint32_t i = 0; i < changes->count; i++) {
		const struct rule_line wanted = { .change = changes->items[i] };
		const struct rule_line *key = &wanted, *const *found;

		found = bsearch(&key, sorted, rules->count, sizeof(*sorted), rule_cmp);
		items[i].change = changes->items[i];
		items[i].command = found ? (*found)->command : command_of(changes->items[i].id);
		items[i].number = found ? (*found)->number : 0;
	}
	free(sorted);
	ret_plan->items = items;
	ret_plan->count = changes->count;
	ret_plan->size = changes->count;
	return 0;
}

int
replace_plan(const struct rules *rules, const struct config *before, struct rules *ret_plan)
{
	struct changes changes = { 0 };
	struct config wanted;
	int rc = describe(rules, before, &wanted);

	if (rc == 0 && !is_sound(&wanted))
		rc = -EOPNOTSUPP;
	if (rc == 0)
		rc = config_diff(before, &wanted, &changes);
	if (rc == 0)
		rc = number_changes(rules, &changes, ret_plan);
	free(changes.items);
	config_free(&wanted);
	return rc;
}
