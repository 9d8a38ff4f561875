/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip verify: do all workers forward by the same configuration?
 */
#include <inttypes.h>
#include <time.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/netif.h>

#include "dpip/show.h"

/* A change takes a moment, and neighbours that are learned are changes too: only who is still behind what
 * was there at first, after this many looks, is behind. */
enum {
	LOOKS = 11,
	LOOK_PAUSE_MS = 100,
};

/* Wanted: each worker has confirmed what there was at the first look. */
static bool
is_behind(const struct dpvs_verify_info *i, uint64_t generation)
{
	return i->role != DPVS_LCORE_MAIN && i->generation < generation;
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

/* How many of the workers in @reply are behind @generation. */
static uint32_t
count_behind(const struct dpvs_reply *reply, uint64_t generation)
{
	struct dpvs_verify_info info;
	uint32_t behind = 0;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		behind += is_behind(&info, generation);
	}
	return behind;
}

static uint64_t
main_generation(const struct dpvs_reply *reply)
{
	uint64_t generation = dpvs_reply_generation(reply);
	struct dpvs_verify_info info;

	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		if (info.role == DPVS_LCORE_MAIN)
			generation = info.generation;
	}
	return generation;
}

static int
verify_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000L };
	uint32_t workers = 0, behind = 0;
	struct dpvs_verify_info info;
	struct dpvs_reply *reply;
	uint64_t generation = 0;

	for (int look = 0; look < LOOKS; look++) {
		int rc = session_get(d, DPVS_GET_VERIFY, NULL, 0, &reply);

		if (rc)
			return rc;
		if (look == 0)
			generation = main_generation(reply);
		behind = count_behind(reply, generation);
		if (behind == 0 || look + 1 == LOOKS)
			break;
		dpvs_reply_free(reply);
		nanosleep(&pause, NULL);
	}
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &info, sizeof(info));
		workers += info.role != DPVS_LCORE_MAIN;
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
