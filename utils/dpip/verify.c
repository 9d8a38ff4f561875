/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip verify: do all workers forward by the same configuration?
 */
#include <inttypes.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include "dpip/show.h"

/* Wanted: each worker at main's generation, nothing unconfirmed. */
static bool
is_behind(const struct dpvs_verify_info *i, uint64_t generation)
{
	return i->role != DPVS_LCORE_MAIN && (i->generation != generation || i->unconfirmed);
}

static void
show_one(struct dpip *d, const struct dpvs_verify_info *i, bool behind)
{
	const char *role = i->role == DPVS_LCORE_MAIN ? "main" : "worker";

	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "lcore", i->lcore);
	writer_text(&d->w, "%" PRIu32 ": ", i->lcore);
	writer_str(&d->w, "role", role);
	writer_color(&d->w, WRITER_NAME, "%s", role);
	writer_text(&d->w, " ");
	writer_pair_uint(&d->w, "generation", "generation", i->generation);
	writer_pair_uint(&d->w, "unconfirmed", "unconfirmed", i->unconfirmed);
	writer_str(&d->w, "state", behind ? "behind" : "ok");
	writer_color(&d->w, behind ? WRITER_DOWN : WRITER_UP, "%s", behind ? "behind" : "ok");
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

static int
verify_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	uint32_t workers = 0, behind = 0;
	struct dpvs_verify_info info;
	struct dpvs_reply *reply;
	uint64_t generation;
	int rc = session_get(d, DPVS_GET_VERIFY, NULL, 0, &reply);

	if (rc)
		return rc;
	generation = dpvs_reply_generation(reply);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (info.role == DPVS_LCORE_MAIN)
			generation = info.generation;
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		workers += info.role != DPVS_LCORE_MAIN;
		behind += is_behind(&info, generation);
		show_one(d, &info, is_behind(&info, generation));
	}
	show_close(d);
	dpvs_reply_free(reply);
	if (behind == 0)
		return EXIT_OK;
	writer_finish(&d->w);
	error_print("%" PRIu32 " of %" PRIu32 " workers are not at generation %" PRIu64 ".", behind,
		    workers, generation);
	return EXIT_REFUSED;
}

static const struct dpip_verb verify_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "The generation of the configuration on each lcore; exit code 2 when a "
			"worker is behind.",
		.run = verify_show,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object verify_object = {
	.name = "verify",
	.help = "do all workers have the same configuration?",
	.verbs = verify_verbs,
};
