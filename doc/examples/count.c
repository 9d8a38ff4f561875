/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Client of the example daemon (daemon.c): "count" prints each worker's sum, "count N" has N added to all.
 */
#include <dpvsctrl/client.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "count.h"

int
main(int argc, char **argv)
{
	struct dpvs_client *client;
	struct dpvs_reply *reply = NULL;
	uint32_t i;
	int err;

	err = dpvs_client_open(NULL, 2000, &client);
	if (err == 0 && argc > 1) {
		struct count_add add = { .add = (uint32_t)strtoul(argv[1], NULL, 10) };

		err = dpvs_client_set(client, COUNT_SET_ADD, &add, sizeof(add), 1);
	} else if (err == 0) {
		err = dpvs_client_get(client, COUNT_GET, NULL, 0, &reply);
	}
	if (err < 0)
		fprintf(stderr, "count: %s\n", dpvs_client_error(client));
	for (i = 0; i < dpvs_reply_count(reply); i++) {
		struct count_info info;

		if (dpvs_reply_record(reply, i, &info, sizeof(info)) == 0)
			printf("lcore %" PRIu32 ": %" PRIu64 "\n", info.lcore, info.sum);
	}
	dpvs_reply_free(reply);
	dpvs_client_close(client);
	return err < 0;
}
