/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's configuration: fetched in one go (the requests are sent together, the answers read in
 * order) and sorted as listings show it.
 */
#include "ipvsadm/ipvsadm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/wire.h>

#include "common/parse.h"

int
key_cmp(const struct dpvs_service_key *a, const struct dpvs_service_key *b)
{
	int rc;

	/* Services of a firewall mark come last; IPv6 after IPv4, whatever the protocol, as in LVS. */
	if (a->fwmark != b->fwmark)
		return a->fwmark < b->fwmark ? -1 : 1;
	if (a->vip.family != b->vip.family)
		return a->vip.family < b->vip.family ? -1 : 1;
	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	rc = addr_cmp(&a->vip, &b->vip);
	if (rc == 0 && a->port != b->port)
		rc = a->port < b->port ? -1 : 1;
	return rc;
}

static int
service_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct dpvs_service_info *)a)->conf.key,
		       &((const struct dpvs_service_info *)b)->conf.key);
}

static int
dest_conf_cmp(const struct dpvs_dest_conf *a, const struct dpvs_dest_conf *b)
{
	int rc = key_cmp(&a->svc, &b->svc);

	if (rc == 0)
		rc = addr_cmp(&a->addr, &b->addr);
	if (rc == 0 && a->port != b->port)
		rc = a->port < b->port ? -1 : 1;
	return rc;
}

static int
dest_cmp(const void *a, const void *b)
{
	return dest_conf_cmp(&((const struct dpvs_dest_info *)a)->conf,
			     &((const struct dpvs_dest_info *)b)->conf);
}

static int
laddr_conf_cmp(const struct dpvs_laddr_conf *a, const struct dpvs_laddr_conf *b)
{
	int rc = key_cmp(&a->svc, &b->svc);

	return rc ? rc : addr_cmp(&a->addr, &b->addr);
}

static int
laddr_cmp(const void *a, const void *b)
{
	return laddr_conf_cmp(&((const struct dpvs_laddr_info *)a)->conf,
			      &((const struct dpvs_laddr_info *)b)->conf);
}

/* The records of @reply as an array of our own size of record. */
static int
take_records(struct dpvs_reply *reply, uint32_t size, void **ret_records, uint32_t *ret_count)
{
	uint32_t count = dpvs_reply_count(reply);
	char *records = calloc(count ? count : 1, size);

	if (!records)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		dpvs_reply_record(reply, i, records + (size_t)i * size, size);
	*ret_records = records;
	*ret_count = count;
	return 0;
}

/* One question and where its answer goes. */
struct question {
	unsigned int what; /* CONFIG_*; 0: always */
	uint32_t id;
	bool keyed;
	uint32_t size;
};

static const struct question questions[] = {
	{ 0, DPVS_GET_SERVICES, true, sizeof(struct dpvs_service_info) },
	{ CONFIG_DESTS, DPVS_GET_DESTS, true, sizeof(struct dpvs_dest_info) },
	{ CONFIG_LADDRS, DPVS_GET_LADDRS, true, sizeof(struct dpvs_laddr_info) },
	{ CONFIG_INFO, DPVS_GET_LB_INFO, false, sizeof(struct dpvs_lb_info) },
	{ CONFIG_TIMEOUTS, DPVS_GET_TIMEOUTS, false, sizeof(struct dpvs_timeouts) },
};

#define NUM_QUESTIONS (sizeof(questions) / sizeof(questions[0]))

static int
take_answer(struct config *config, const struct question *question, struct dpvs_reply *reply)
{
	switch (question->id) {
	case DPVS_GET_SERVICES:
	case DPVS_GET_SERVICE:
		return take_records(reply, question->size, (void **)&config->services,
				    &config->num_services);
	case DPVS_GET_DESTS:
		return take_records(reply, question->size, (void **)&config->dests, &config->num_dests);
	case DPVS_GET_LADDRS:
		return take_records(reply, question->size, (void **)&config->laddrs,
				    &config->num_laddrs);
	case DPVS_GET_LB_INFO:
		return dpvs_reply_record(reply, 0, &config->info, sizeof(config->info)) < 0 ? -EPROTO : 0;
	default:
		return dpvs_reply_record(reply, 0, &config->timeouts, sizeof(config->timeouts)) < 0 ?
			       -EPROTO :
			       0;
	}
}

/* How sort_records() compares: records and, where they are equal, their places. */
struct order {
	const char *records;
	uint32_t size;
	int (*cmp)(const void *a, const void *b);
};

static int
order_cmp(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	uint32_t ia = *(const uint32_t *)a, ib = *(const uint32_t *)b;
	int rc = order->cmp(order->records + (size_t)ia * order->size,
			    order->records + (size_t)ib * order->size);

	return rc ? rc : ia < ib ? -1 : ia > ib;
}

/* Sorts, keeping the order of what compares equal. */
static int
sort_records(void **records, uint32_t count, uint32_t size, int (*cmp)(const void *, const void *))
{
	struct order order = { .records = *records, .size = size, .cmp = cmp };
	uint32_t *places;
	char *sorted;

	if (count < 2)
		return 0;
	places = calloc(count, sizeof(*places));
	sorted = calloc(count, size);
	if (!places || !sorted) {
		free(places);
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		places[i] = i;
	qsort_r(places, count, sizeof(*places), order_cmp, &order);
	for (uint32_t i = 0; i < count; i++)
		memcpy(sorted + (size_t)i * size, order.records + (size_t)places[i] * size, size);
	free(places);
	free(*records);
	*records = sorted;
	return 0;
}

static int
dest_service_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct dpvs_dest_info *)a)->conf.svc,
		       &((const struct dpvs_dest_info *)b)->conf.svc);
}

static int
laddr_service_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct dpvs_laddr_info *)a)->conf.svc,
		       &((const struct dpvs_laddr_info *)b)->conf.svc);
}

/* Servers and local addresses are grouped by service in any case, so that they can be found. */
static int
config_sort(struct config *config, bool all)
{
	int rc = 0;

	if (all)
		rc = sort_records((void **)&config->services, config->num_services,
				  sizeof(*config->services), service_cmp);
	if (rc == 0)
		rc = sort_records((void **)&config->dests, config->num_dests, sizeof(*config->dests),
				  all ? dest_cmp : dest_service_cmp);
	if (rc == 0)
		rc = sort_records((void **)&config->laddrs, config->num_laddrs, sizeof(*config->laddrs),
				  all ? laddr_cmp : laddr_service_cmp);
	return rc;
}

/* @ret_mixed: the answers are not of one generation. */
static int
fetch_once(struct dpvs_client *client, const struct dpvs_service_key *key, unsigned int what,
	   struct config *ret_config, bool *ret_mixed)
{
	uint64_t generation = UINT64_MAX;
	int rc = 0;
	size_t sent;

	*ret_mixed = false;
	memset(ret_config, 0, sizeof(*ret_config));
	for (sent = 0; sent < NUM_QUESTIONS; sent++) {
		const struct question *question = &questions[sent];
		uint32_t id = question->id;

		if (question->what && !(what & question->what))
			continue;
		if (key && id == DPVS_GET_SERVICES)
			id = DPVS_GET_SERVICE;
		rc = dpvs_client_send(client, DPVS_SOCKOPT_GET, id, key && question->keyed ? key : NULL,
				      key && question->keyed ? sizeof(*key) : 0,
				      key && question->keyed ? 1 : 0, NULL);
		if (rc < 0) {
			snprintf(ret_config->error, sizeof(ret_config->error), "%s",
				 dpvs_client_error(client));
			return rc;
		}
	}
	for (size_t i = 0; i < NUM_QUESTIONS; i++) {
		const struct question *question = &questions[i];
		struct dpvs_reply *reply = NULL;
		int this_rc;

		if (question->what && !(what & question->what))
			continue;
		this_rc = dpvs_client_receive(client, NULL, &reply);
		if (this_rc == 0)
			this_rc = take_answer(ret_config, question, reply);
		if (reply) {
			if (generation == UINT64_MAX)
				generation = dpvs_reply_generation(reply);
			*ret_mixed |= generation != dpvs_reply_generation(reply) ||
				      (dpvs_reply_flags(reply) & DPVS_REPLY_CHANGED);
		}
		dpvs_reply_free(reply);
		/* The first error says most: without the service its servers are not there either. */
		if (rc == 0 && this_rc < 0) {
			snprintf(ret_config->error, sizeof(ret_config->error), "%s",
				 dpvs_client_error(client));
			rc = this_rc;
		}
		if (this_rc < 0 && dpvs_client_unreachable(client))
			return rc;
	}
	if (rc == 0)
		rc = config_sort(ret_config, what & CONFIG_SORT);
	return rc;
}

int
config_fetch(struct dpvs_client *client, const struct dpvs_service_key *key, unsigned int what,
	     struct config *ret_config)
{
	bool mixed;
	int rc = fetch_once(client, key, what, ret_config, &mixed);

	/* Not for ever: a daemon that learns neighbours all the time still has one configuration. */
	for (int tries = 0; rc == 0 && mixed && (what & CONFIG_WHOLE) && tries < 5; tries++) {
		config_free(ret_config);
		rc = fetch_once(client, key, what, ret_config, &mixed);
	}
	return rc;
}

void
config_free(struct config *config)
{
	free(config->services);
	free(config->dests);
	free(config->laddrs);
	memset(config, 0, sizeof(*config));
}

/* The records of service @key in an array that is sorted by service. */
static const void *
find_run(const void *records, uint32_t count, uint32_t size, size_t key_offset,
	 const struct dpvs_service_key *key, uint32_t *ret_count)
{
	const char *base = records;
	uint32_t low = 0, high = count, end;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (key_cmp((const void *)(base + (size_t)mid * size + key_offset), key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < count; end++)
		if (key_cmp((const void *)(base + (size_t)end * size + key_offset), key) != 0)
			break;
	*ret_count = end - low;
	return end > low ? base + (size_t)low * size : NULL;
}

const struct dpvs_dest_info *
config_dests(const struct config *config, uint32_t index, uint32_t *ret_count)
{
	return find_run(config->dests, config->num_dests, sizeof(*config->dests),
			offsetof(struct dpvs_dest_info, conf.svc), &config->services[index].conf.key,
			ret_count);
}

const struct dpvs_laddr_info *
config_laddrs(const struct config *config, uint32_t index, uint32_t *ret_count)
{
	return find_run(config->laddrs, config->num_laddrs, sizeof(*config->laddrs),
			offsetof(struct dpvs_laddr_info, conf.svc), &config->services[index].conf.key,
			ret_count);
}
