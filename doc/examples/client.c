/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client on libdpvsctrl: prints the virtual services of a running dpvsd, or sets one up. Needs neither DPDK nor GLib.
 *
 *   cc client.c $(pkg-config --cflags --libs libdpvsctrl)
 *   client                            lists services
 *   client ADDRESS PORT SERVER...     a TCP service with these servers behind NAT, in one transaction
 */
#include <arpa/inet.h>
#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/service.h>
#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/wire.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int
list(struct dpvs_client *client)
{
	struct dpvs_service_info info;
	struct dpvs_stream *stream;
	int rc;

	/* As they come; dpvs_client_get() would put all of them together first. */
	rc = dpvs_stream_open(client, DPVS_GET_SERVICES, NULL, 0, &stream);
	if (rc < 0)
		return rc;
	/* An older daemon's record is filled up with zeros, a newer one's cut. */
	while ((rc = dpvs_stream_next(stream, &info, sizeof(info))) > 0)
		print_service(&info);
	if (dpvs_stream_flags(stream) & DPVS_REPLY_CHANGED)
		fprintf(stderr, "client: the services changed while they were listed\n");
	dpvs_stream_close(stream);
	return rc;
}

static int
read_addr(const char *word, struct dpvs_addr *ret_addr)
{
	memset(ret_addr, 0, sizeof(*ret_addr));
	ret_addr->family = strchr(word, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret_addr->family, word, ret_addr->bytes);
}

/* The service and its servers are there together, or none of them is. */
static int
set_up(struct dpvs_client *client, const struct dpvs_service_conf *service, char **servers, int count)
{
	struct dpvs_dest_conf dest = { .svc = service->key, .port = service->key.port, .fwd = DPVS_FWD_NAT,
				       .weight = 1, .set = DPVS_DEST_SET_FWD | DPVS_DEST_SET_WEIGHT };
	struct dpvs_txn *txn;
	int rc;

	/* What is there and different is made so; what is there and equal stays. */
	rc = dpvs_txn_begin(client, DPVS_TXN_REPLACE, 0, &txn);
	if (rc < 0)
		return rc;
	dpvs_txn_set(txn, DPVS_SET_SERVICE_ADD, service, sizeof(*service), 1);
	for (int i = 0; i < count; i++) {
		if (read_addr(servers[i], &dest.addr) != 1) {
			dpvs_txn_abort(txn);
			fprintf(stderr, "client: %s is no address\n", servers[i]);
			return -1;
		}
		dpvs_txn_set(txn, DPVS_SET_DEST_ADD, &dest, sizeof(dest), 1);
	}
	/* Failures of the calls above come to light here. Record 0 is the service. */
	rc = dpvs_txn_commit(txn, NULL);
	if (rc < 0 && dpvs_client_error_index(client) != UINT32_MAX)
		fprintf(stderr, "client: record %" PRIu32 " was refused\n", dpvs_client_error_index(client));
	return rc;
}

int
main(int argc, char **argv)
{
	struct dpvs_service_conf service = { .key = { .proto = IPPROTO_TCP } };
	struct dpvs_client *client;
	int err;

	if (argc == 2 || (argc > 2 && (read_addr(argv[1], &service.key.vip) != 1 || atoi(argv[2]) <= 0))) {
		fprintf(stderr, "usage: client [ADDRESS PORT SERVER...]\n");
		return 1;
	}
	err = dpvs_client_open(NULL, 2000, &client);
	if (err == 0 && argc == 1)
		err = list(client);
	if (err == 0 && argc > 1) {
		service.key.port = (uint16_t)atoi(argv[2]);
		err = set_up(client, &service, argv + 3, argc - 3);
	}
	if (err < 0 && dpvs_client_error(client)[0] != '\0')
		fprintf(stderr, "client: %s\n", dpvs_client_error(client));
	dpvs_client_close(client);
	return err < 0;
}
