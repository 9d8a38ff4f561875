/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client on libdpvsctrl: prints the virtual services of a running dpvsd. Needs neither DPDK nor GLib.
 *
 *   cc client.c $(pkg-config --cflags --libs libdpvsctrl)
 */
#include <arpa/inet.h>
#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/wire.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

static void
print_service(const struct dpvs_service_info *info)
{
	const struct dpvs_service_key *key = &info->conf.key;
	char vip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(key->vip.family, key->vip.bytes, vip, sizeof(vip));
	printf(key->vip.family == AF_INET6 ? "%s [%s]:%u" : "%s %s:%u",
	       key->proto == IPPROTO_TCP ? "tcp" : "udp", vip, key->port);
	/* A field of text that is full has no NUL. */
	printf(" %.*s, %" PRIu32 " servers, %" PRIu64 " connections\n",
	       (int)sizeof(info->conf.sched), info->conf.sched, info->num_dests, info->stats.conns);
}

int
main(void)
{
	struct dpvs_client *client;
	struct dpvs_reply *reply = NULL;
	uint32_t i;
	int err;

	err = dpvs_client_open(NULL, 2000, &client);
	if (err == 0)
		err = dpvs_client_get(client, DPVS_GET_SERVICES, NULL, 0, &reply);
	if (err < 0)
		fprintf(stderr, "client: %s\n", dpvs_client_error(client));
	for (i = 0; i < dpvs_reply_count(reply); i++) {
		struct dpvs_service_info info;

		/* An older daemon's record is filled up with zeros, a newer one's cut. */
		if (dpvs_reply_record(reply, i, &info, sizeof(info)) == 0)
			print_service(&info);
	}
	if (dpvs_reply_flags(reply) & DPVS_REPLY_CHANGED)
		fprintf(stderr, "client: the services changed while they were listed\n");
	dpvs_reply_free(reply);
	dpvs_client_close(client);
	return err < 0;
}
