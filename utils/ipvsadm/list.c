/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -L and -G: services with their servers, and local addresses. The text is the original's to the last
 * blank; JSON has every field whatever the view.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/format.h"
#include "common/writer.h"
#include "ipvsadm/ipvsadm.h"

/** What the text of a listing shows of each server. */
enum view {
	VIEW_DEFAULT,
	VIEW_STATS,
	VIEW_RATE,
	VIEW_THRESHOLDS,
	VIEW_PERSISTENT,
	VIEW_TUNNEL,
};

/** struct listing: one run of -L or -G, repeated with --interval. */
struct listing {
	struct dpvs_client *client;
	const struct cmdline *line;
	struct writer writer;
	enum view view;
	enum naming naming;
};

static void
listing_init(struct listing *listing, struct dpvs_client *client, const struct cmdline *line)
{
	unsigned int flags = (has_option(line, OPT_JSON) ? WRITER_JSON : 0) |
			     (has_option(line, OPT_PRETTY) ? WRITER_JSON | WRITER_PRETTY : 0);

	memset(listing, 0, sizeof(*listing));
	listing->client = client;
	listing->line = line;
	listing->naming = has_option(line, OPT_NUMERIC) ? NAMING_NUMERIC : NAMING_RESOLVE;
	listing->view = has_option(line, OPT_STATS)	     ? VIEW_STATS :
			has_option(line, OPT_RATE)	     ? VIEW_RATE :
			has_option(line, OPT_THRESHOLDS)     ? VIEW_THRESHOLDS :
			has_option(line, OPT_PERSISTENT_CONN) ? VIEW_PERSISTENT :
			has_option(line, OPT_TUN_INFO)	     ? VIEW_TUNNEL :
							       VIEW_DEFAULT;
	writer_init(&listing->writer, stdout, flags);
}

/* The end of each listing: 0, or an exit code when the output could not be written. */
static int
listing_end(struct listing *listing)
{
	if (writer_finish(&listing->writer) == 0)
		return IPVSADM_OK;
	error_print("cannot write the output: %s", strerror(errno));
	return IPVSADM_INTERNAL;
}

static int
fetch_failed(struct listing *listing, int rc, const char *why)
{
	struct problem problem;

	refusal_text(listing->line->command, rc, why, "ipvsadm: ", &problem);
	error_line("%s", problem.text);
	return dpvs_client_unreachable(listing->client) ? IPVSADM_USAGE : IPVSADM_INTERNAL;
}

/* Nine columns, with the letter of the thousands when it would be longer; --exact never shortens. */
static void
large_number(struct writer *w, uint64_t value, bool exact)
{
	if (exact)
		writer_text(w, " %8" PRIu64, value);
	else if (value < UINT64_C(100000000))
		writer_text(w, "%9" PRIu64, value);
	else if (value < UINT64_C(1000000000))
		writer_text(w, "%8" PRIu64 "K", value / 1000);
	else if (value < UINT64_C(100000000000))
		writer_text(w, "%8" PRIu64 "M", value / 1000000);
	else if (value < UINT64_C(100000000000000))
		writer_text(w, "%8" PRIu64 "G", value / UINT64_C(1000000000));
	else
		writer_text(w, "%8" PRIu64 "T", value / UINT64_C(1000000000000));
}

static void
counter_columns(struct listing *listing, const struct dpvs_lb_stats *stats,
		const struct dpvs_lb_rates *rates)
{
	struct writer *w = &listing->writer;
	bool exact = has_option(listing->line, OPT_EXACT);

	large_number(w, rates ? rates->cps : stats->conns, exact);
	large_number(w, rates ? rates->in_pps : stats->in_pkts, exact);
	large_number(w, rates ? rates->out_pps : stats->out_pkts, exact);
	large_number(w, rates ? rates->in_bps : stats->in_bytes, exact);
	large_number(w, rates ? rates->out_bps : stats->out_bytes, exact);
	writer_text(w, "\n");
}

static void
title(struct listing *listing)
{
	struct writer *w = &listing->writer;

	switch (listing->view) {
	case VIEW_STATS:
	case VIEW_RATE:
		if (listing->view == VIEW_STATS)
			writer_text(w, "%-33s %8s %8s %8s %8s %8s\n", "Prot LocalAddress:Port", "Conns",
				    "InPkts", "OutPkts", "InBytes", "OutBytes");
		else
			writer_text(w, "%-33s %8s %8s %8s %8s %8s\n", "Prot LocalAddress:Port", "CPS",
				    "InPPS", "OutPPS", "InBPS", "OutBPS");
		writer_text(w, "  -> RemoteAddress:Port\n");
		break;
	case VIEW_THRESHOLDS:
		writer_text(w, "%-33s %-10s %-10s %-10s %-10s\n", "Prot LocalAddress:Port", "Uthreshold",
			    "Lthreshold", "ActiveConn", "InActConn");
		writer_text(w, "  -> RemoteAddress:Port\n");
		break;
	case VIEW_PERSISTENT:
		writer_text(w, "%-33s %-9s %-11s %-10s %-10s\n", "Prot LocalAddress:Port", "Weight",
			    "PersistConn", "ActiveConn", "InActConn");
		writer_text(w, "  -> RemoteAddress:Port\n");
		break;
	case VIEW_TUNNEL:
		writer_text(w, "Prot LocalAddress:Port Scheduler Flags\n"
			       "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n");
		break;
	case VIEW_DEFAULT:
		writer_text(w, "Prot LocalAddress:Port Scheduler Flags\n"
			       "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n");
		break;
	}
}

static void
service_row(struct listing *listing, const struct dpvs_service_info *svc)
{
	const struct dpvs_service_conf *conf = &svc->conf;
	struct writer *w = &listing->writer;
	char name[NAME_SIZE], proto[FORMAT_NUMBER_SIZE], flags[64];
	const char *shown = proto_name(conf->key.proto, proto);
	char where[NAME_SIZE + 8];
	char upper[8];
	size_t i;

	for (i = 0; shown[i] && i < sizeof(upper) - 1; i++)
		upper[i] = shown[i] >= 'a' && shown[i] <= 'z' ? (char)(shown[i] - 32) : shown[i];
	upper[i] = '\0';
	snprintf(where, sizeof(where), "%-4s %s", upper,
		 addr_port_text(&conf->key.vip, conf->key.port, conf->key.proto, listing->naming, name));
	if (listing->view == VIEW_STATS || listing->view == VIEW_RATE) {
		writer_text(w, "%-33s", where);
		counter_columns(listing, &svc->stats, listing->view == VIEW_RATE ? &svc->rates : NULL);
		return;
	}
	writer_text(w, "%s %.*s", where, DPVS_SCHED_NAME_SIZE, conf->sched);
	if (conf->sched_flags & 7)
		writer_text(w, " (%s)", sched_flags_text(conf->sched_flags, conf->sched, flags));
	if (conf->persist_s)
		writer_text(w, " persistent %u", conf->persist_s);
	writer_text(w, "\n");
}

static void
dest_row(struct listing *listing, const struct dpvs_dest_info *dest)
{
	const struct dpvs_dest_conf *conf = &dest->conf;
	struct writer *w = &listing->writer;
	char name[NAME_SIZE];

	writer_text(w, "  -> %-28s",
		    addr_port_text(&conf->addr, conf->port, conf->svc.proto, listing->naming, name));
	switch (listing->view) {
	case VIEW_STATS:
	case VIEW_RATE:
		counter_columns(listing, &dest->stats, listing->view == VIEW_RATE ? &dest->rates : NULL);
		return;
	case VIEW_THRESHOLDS:
		writer_text(w, " %-10u %-10u %-10u %-10u\n", conf->uthresh, conf->lthresh,
			    dest->active_conns, dest->inactive_conns);
		return;
	case VIEW_PERSISTENT:
		writer_text(w, " %-9u %-11u %-10u %-10u\n", conf->weight, dest->persist_conns,
			    dest->active_conns, dest->inactive_conns);
		return;
	case VIEW_TUNNEL:
		writer_text(w, " %-7s %-13s", fwd_name(conf->fwd),
			    conf->fwd == DPVS_FWD_TUNNEL ? "ipip" : "n/a");
		break;
	case VIEW_DEFAULT:
		writer_text(w, " %-7s", fwd_name(conf->fwd));
		break;
	}
	writer_text(w, " %-6u %-10u %-10u\n", conf->weight, dest->active_conns, dest->inactive_conns);
}

static void
json_counters(struct writer *w, const struct dpvs_lb_stats *stats, const struct dpvs_lb_rates *rates)
{
	writer_open_object(w, "stats");
	writer_uint(w, "connections", stats->conns);
	writer_uint(w, "in_packets", stats->in_pkts);
	writer_uint(w, "out_packets", stats->out_pkts);
	writer_uint(w, "in_bytes", stats->in_bytes);
	writer_uint(w, "out_bytes", stats->out_bytes);
	writer_close_object(w);
	writer_open_object(w, "rates");
	writer_uint(w, "connections_per_s", rates->cps);
	writer_uint(w, "in_packets_per_s", rates->in_pps);
	writer_uint(w, "out_packets_per_s", rates->out_pps);
	writer_uint(w, "in_bytes_per_s", rates->in_bps);
	writer_uint(w, "out_bytes_per_s", rates->out_bps);
	writer_close_object(w);
}

static void
json_key(struct writer *w, const struct dpvs_service_key *key)
{
	char proto[FORMAT_NUMBER_SIZE];

	writer_str(w, "protocol", proto_name(key->proto, proto));
	writer_addr(w, "address", &key->vip);
	writer_uint(w, "port", key->port);
}

static void
json_dest(struct writer *w, const struct dpvs_dest_info *dest)
{
	writer_open_object(w, NULL);
	writer_addr(w, "address", &dest->conf.addr);
	writer_uint(w, "port", dest->conf.port);
	writer_str(w, "forward", fwd_key(dest->conf.fwd));
	writer_uint(w, "weight", dest->conf.weight);
	writer_uint(w, "upper_threshold", dest->conf.uthresh);
	writer_uint(w, "lower_threshold", dest->conf.lthresh);
	writer_uint(w, "active_connections", dest->active_conns);
	writer_uint(w, "inactive_connections", dest->inactive_conns);
	writer_uint(w, "persistent_connections", dest->persist_conns);
	json_counters(w, &dest->stats, &dest->rates);
	writer_close_object(w);
}

static void
json_service(struct writer *w, const struct config *config, uint32_t index)
{
	const struct dpvs_service_info *svc = &config->services[index];
	const struct dpvs_dest_info *dests;
	const struct dpvs_laddr_info *laddrs;
	uint32_t num_dests, num_laddrs;

	writer_open_object(w, NULL);
	json_key(w, &svc->conf.key);
	writer_str(w, "scheduler", svc->conf.sched);
	writer_open_array(w, "scheduler_flags");
	for (unsigned int bit = 0; bit < 3; bit++)
		if (svc->conf.sched_flags & 1u << bit)
			writer_str(w, NULL, sched_flag_text(bit, svc->conf.sched));
	writer_close_array(w);
	writer_uint(w, "persistent_s", svc->conf.persist_s);
	writer_uint(w, "connection_timeout_s", svc->conf.conn_timeout_s);
	json_counters(w, &svc->stats, &svc->rates);
	writer_open_array(w, "local_addresses");
	laddrs = config_laddrs(config, index, &num_laddrs);
	for (uint32_t i = 0; i < num_laddrs; i++) {
		writer_open_object(w, NULL);
		writer_addr(w, "address", &laddrs[i].conf.addr);
		writer_str(w, "device", laddrs[i].conf.dev);
		writer_close_object(w);
	}
	writer_close_array(w);
	writer_open_array(w, "servers");
	dests = config_dests(config, index, &num_dests);
	for (uint32_t i = 0; i < num_dests; i++)
		json_dest(w, &dests[i]);
	writer_close_array(w);
	writer_close_object(w);
}

static int
list_services(void *arg)
{
	struct listing *listing = arg;
	const struct cmdline *line = listing->line;
	struct writer *w = &listing->writer;
	bool one = has_option(line, OPT_SERVICE);
	unsigned int what = CONFIG_DESTS | (one ? 0 : CONFIG_INFO) |
			    (writer_is_json(w) ? CONFIG_LADDRS : 0) |
			    (has_option(line, OPT_NOSORT) ? 0 : CONFIG_SORT);
	struct config config;
	int rc = config_fetch(listing->client, one ? &line->svc : NULL, what, &config);

	if (rc < 0) {
		rc = fetch_failed(listing, rc, config.error);
		config_free(&config);
		return rc;
	}
	if (!one)
		writer_text(w, "IP Virtual Server version %u.%u.%u (size=%u)\n",
			    config.info.version >> 16 & 0xff, config.info.version >> 8 & 0xff,
			    config.info.version & 0xff, config.info.conn_size);
	title(listing);
	writer_open_array(w, NULL);
	for (uint32_t i = 0; i < config.num_services; i++) {
		const struct dpvs_dest_info *dests;
		uint32_t num_dests;

		if (writer_is_json(w)) {
			json_service(w, &config, i);
			continue;
		}
		service_row(listing, &config.services[i]);
		dests = config_dests(&config, i, &num_dests);
		for (uint32_t j = 0; j < num_dests; j++)
			dest_row(listing, &dests[j]);
	}
	writer_close_array(w);
	config_free(&config);
	return listing_end(listing);
}

static int
list_timeouts(void *arg)
{
	struct listing *listing = arg;
	struct writer *w = &listing->writer;
	struct dpvs_reply *reply = NULL;
	struct dpvs_timeouts timeouts;
	int rc = dpvs_client_get(listing->client, DPVS_GET_TIMEOUTS, NULL, 0, &reply);

	if (rc == 0 && dpvs_reply_record(reply, 0, &timeouts, sizeof(timeouts)) < 0)
		rc = -EPROTO;
	dpvs_reply_free(reply);
	if (rc < 0)
		return fetch_failed(listing, rc, dpvs_client_error(listing->client));
	writer_text(w, "Timeout (tcp tcpfin udp): %u %u %u\n", timeouts.tcp_s, timeouts.tcp_fin_s,
		    timeouts.udp_s);
	writer_open_object(w, NULL);
	writer_uint(w, "tcp_s", timeouts.tcp_s);
	writer_uint(w, "tcp_fin_s", timeouts.tcp_fin_s);
	writer_uint(w, "udp_s", timeouts.udp_s);
	writer_close_object(w);
	return listing_end(listing);
}

/* There are no synchronisation daemons in this build, so the list of those that run is empty. */
static int
list_daemons(void *arg)
{
	struct listing *listing = arg;

	writer_open_array(&listing->writer, NULL);
	writer_close_array(&listing->writer);
	return listing_end(listing);
}

static int
list_laddrs(void *arg)
{
	struct listing *listing = arg;
	const struct cmdline *line = listing->line;
	struct writer *w = &listing->writer;
	bool one = has_option(line, OPT_SERVICE);
	struct config config;
	int rc = config_fetch(listing->client, one ? &line->svc : NULL,
			      CONFIG_LADDRS | (has_option(line, OPT_NOSORT) ? 0 : CONFIG_SORT), &config);

	if (rc < 0) {
		rc = fetch_failed(listing, rc, config.error);
		config_free(&config);
		return rc;
	}
	writer_text(w, "Prot %-28s %-5s %-28s %-15s %-10s %s\n", "VIP:VPORT", "TOTAL", "SNAT_IP", "DEV",
		    "CONFLICTS", "CONNS");
	writer_open_array(w, NULL);
	for (uint32_t i = 0; i < config.num_services; i++) {
		const struct dpvs_service_key *key = &config.services[i].conf.key;
		const struct dpvs_laddr_info *laddrs;
		char name[NAME_SIZE], addr[FORMAT_ADDR_SIZE], proto[FORMAT_NUMBER_SIZE];
		uint32_t count;

		laddrs = config_laddrs(&config, i, &count);
		for (uint32_t j = 0; j < count; j++) {
			const struct dpvs_laddr_info *laddr = &laddrs[j];

			writer_text(w, "%-4s %-28s %-5u %-28s %-15s %-10" PRIu64 " %" PRIu64 "\n",
				    key->proto == IPPROTO_TCP ? "TCP" :
				    key->proto == IPPROTO_UDP ? "UDP" :
								proto_name(key->proto, proto),
				    addr_port_text(&key->vip, key->port, key->proto, listing->naming, name),
				    count, format_addr(&laddr->conf.addr, addr), laddr->conf.dev,
				    laddr->port_misses, laddr->conns);
			writer_open_object(w, NULL);
			json_key(w, key);
			writer_addr(w, "local_address", &laddr->conf.addr);
			writer_str(w, "device", laddr->conf.dev);
			writer_uint(w, "connections", laddr->conns);
			writer_uint(w, "conflicts", laddr->port_misses);
			writer_close_object(w);
		}
	}
	writer_close_array(w);
	config_free(&config);
	return listing_end(listing);
}

int
list_run(struct dpvs_client *client, const struct cmdline *line)
{
	struct listing listing;

	listing_init(&listing, client, line);
	return daemon_repeat(line->interval_s, line->repeat,
			     has_option(line, OPT_TIMEOUT) ? list_timeouts :
			     has_option(line, OPT_DAEMON)  ? list_daemons :
							     list_services,
			     &listing);
}

int
list_laddrs_run(struct dpvs_client *client, const struct cmdline *line)
{
	struct listing listing;

	listing_init(&listing, client, line);
	return daemon_repeat(line->interval_s, line->repeat, list_laddrs, &listing);
}
