/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -S: the configuration as lines for -R. Nothing that an operator can set is left out: what equals the
 * default of a fresh daemon is not written, as in the original.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/format.h"
#include "ipvsadm/ipvsadm.h"

/* LVS's time-outs, which a daemon starts with. */
static const struct dpvs_timeouts default_timeouts = { .tcp_s = 900, .tcp_fin_s = 120, .udp_s = 300 };

static void
save_service(const struct dpvs_service_conf *conf, const char *service)
{
	char flags[64];

	printf("-A %s -s %.*s", service, DPVS_SCHED_NAME_SIZE, conf->sched);
	if (conf->persist_s)
		printf(" -p %u", conf->persist_s);
	if (conf->sched_flags & 7)
		printf(" -b %s", sched_flags_text(conf->sched_flags, conf->sched, flags));
	if (conf->conn_timeout_s)
		printf(" --conn-timeout %u", conf->conn_timeout_s);
	putchar('\n');
}

static void
save_dest(const struct dpvs_dest_conf *conf, const char *service, enum naming naming)
{
	char name[NAME_SIZE];

	printf("-a %s -r %s %s -w %u", service,
	       addr_port_text(&conf->addr, conf->port, conf->svc.proto, naming, name),
	       fwd_option(conf->fwd), conf->weight);
	if (conf->uthresh)
		printf(" -x %u", conf->uthresh);
	if (conf->lthresh)
		printf(" -y %u", conf->lthresh);
	putchar('\n');
}

int
save_run(struct dpvs_client *client, const struct cmdline *line)
{
	enum naming naming = has_option(line, OPT_NUMERIC) ? NAMING_NUMERIC : NAMING_SAFE;
	char service[NAME_SIZE + 32], name[NAME_SIZE], addr[FORMAT_ADDR_SIZE];
	struct config config;
	int rc = config_fetch(client, NULL,
			      CONFIG_DESTS | CONFIG_LADDRS | CONFIG_TIMEOUTS | CONFIG_SORT | CONFIG_WHOLE,
			      &config);

	if (rc < 0) {
		struct problem problem;

		refusal_text(CMD_SAVE, rc, config.error, "ipvsadm: ", &problem);
		error_line("%s", problem.text);
		config_free(&config);
		return dpvs_client_unreachable(client) ? IPVSADM_USAGE : IPVSADM_INTERNAL;
	}
	if (memcmp(&config.timeouts, &default_timeouts, sizeof(default_timeouts)) != 0)
		printf("--set %u %u %u\n", config.timeouts.tcp_s, config.timeouts.tcp_fin_s,
		       config.timeouts.udp_s);
	for (uint32_t i = 0; i < config.num_services; i++) {
		const struct dpvs_service_conf *conf = &config.services[i].conf;
		const struct dpvs_dest_info *dests;
		const struct dpvs_laddr_info *laddrs;
		uint32_t count;

		snprintf(service, sizeof(service), "%s %s", proto_option(conf->key.proto),
			 addr_port_text(&conf->key.vip, conf->key.port, conf->key.proto, naming, name));
		save_service(conf, service);
		laddrs = config_laddrs(&config, i, &count);
		for (uint32_t j = 0; j < count; j++)
			printf("-P %s -z %s -F %.*s\n", service, format_addr(&laddrs[j].conf.addr, addr),
			       DPVS_IFNAME_SIZE, laddrs[j].conf.dev);
		dests = config_dests(&config, i, &count);
		for (uint32_t j = 0; j < count; j++)
			save_dest(&dests[j].conf, service, naming);
	}
	config_free(&config);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return IPVSADM_OK;
	error_print("cannot write the rules: %s", strerror(errno));
	return IPVSADM_INTERNAL;
}
