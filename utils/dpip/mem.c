/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip mem: pools and tables of fixed size.
 */
#include <string.h>

#include <dpvsctrl/proto/daemon.h>

#include "dpip/show.h"

static const struct dpip_param show_params[] = {
	{ .name = "name", .kind = DPIP_TEXT, .max = 31, .flags = DPIP_POSITIONAL },
	{},
};

static void
show_pool(struct dpip *d, const struct dpvs_mem_info *m, const char *name)
{
	char size[FORMAT_NUMBER_SIZE], used[FORMAT_NUMBER_SIZE], object[FORMAT_NUMBER_SIZE];
	char bytes[FORMAT_NUMBER_SIZE], failures[FORMAT_NUMBER_SIZE];
	double percent = m->size ? 100.0 * (double)m->in_use / (double)m->size : 0;

	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "name", name);
	writer_uint(&d->w, "size", m->size);
	writer_uint(&d->w, "in_use", m->in_use);
	writer_uint(&d->w, "object_bytes", m->obj_bytes);
	writer_uint(&d->w, "total_bytes", m->size * m->obj_bytes);
	writer_uint(&d->w, "failures", m->failures);
	writer_close_object(&d->w);
	writer_color(&d->w, WRITER_NAME, "%-24s", name);
	writer_text(&d->w, " %10s %10s %5.1f%% %8s %12s ", show_number(d, m->size, size),
		    show_number(d, m->in_use, used), percent, show_number(d, m->obj_bytes, object),
		    show_number(d, m->size * m->obj_bytes, bytes));
	if (m->failures)
		writer_color(&d->w, WRITER_DOWN, "%10s", show_number(d, m->failures, failures));
	else
		writer_text(&d->w, "%10s", "0");
	writer_text(&d->w, "\n");
}

static int
mem_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_mem_info m;
	struct dpvs_reply *reply;
	char name[sizeof(m.name)];
	bool found = false;
	int rc = session_get(d, DPVS_GET_MEM, NULL, 0, &reply);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &m, sizeof(m));
		found |= !v[0].given || show_matches(v[0].text, show_copy(m.name, sizeof(name), name));
	}
	if (v[0].given && !found)
		rc = show_none("Pool", v[0].text);
	if (rc) {
		dpvs_reply_free(reply);
		return rc;
	}
	show_open(d);
	writer_text(&d->w, "%-24s %10s %10s %6s %8s %12s %10s\n", "NAME", "SIZE", "IN-USE", "USE",
		    "OBJECT", "BYTES", "FAILURES");
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &m, sizeof(m));
		show_copy(m.name, sizeof(name), name);
		if (!v[0].given || show_matches(v[0].text, name))
			show_pool(d, &m, name);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static const struct dpip_verb mem_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Pools and tables of fixed size: what fits, what is in use, how often one "
			"was empty.",
		.params = show_params,
		.run = mem_show,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object mem_object = {
	.name = "mem",
	.help = "pools and tables",
	.verbs = mem_verbs,
};
