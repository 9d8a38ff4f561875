/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl.h. A SET of many records is one change: each record goes through the module's handler, in order;
 * the first refusal undoes all before it and names its record. The client is answered when all workers have
 * applied the change.
 */
#include "core/ctl.h"

#include <dpvsctrl/client.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>
#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/change_priv.h"
#include "core/conf.h"
#include "core/lcore.h"
#include "core/log.h"
#include "module.h"

/* Most records of one request; the longest body bounds them before this does. */
#define RECORDS_MAX (1u << 22)

static struct dpvs_server *server;
static GHashTable *registered; /* const struct module * -> GArray of struct dpvs_sockopt */

/* ---- requests ---- */

static int
ctl_get(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct module_sockopt *opt = dpvs_req_data(req);

	return opt->get(req, opt->record_size != 0 ? records : NULL);
}

static void
ctl_set_end(struct change *c, int status, void *arg)
{
	struct dpvs_req *req = arg;
	int worker;

	if (status == 0) {
		dpvs_req_end(req, 0);
		return;
	}
	worker = change_late_worker(c);
	if (worker >= 0)
		dpvs_req_error(req, status, "committed, but worker %d (lcore %u) has not confirmed it yet",
			       worker, lcore_of_worker((unsigned int)worker));
	change_no_end(c);
	dpvs_req_end(req, status);
}

static int
ctl_set(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct module_sockopt *opt = dpvs_req_data(req);
	struct change *c = change_begin_client(0);
	const char *record = records;
	uint32_t i = 0;
	int err = 0;

	/* Without a record there is still one call: flush takes none, others see zeroes. */
	do {
		err = opt->set(c, opt->record_size != 0 ? record + (size_t)i * opt->record_size : NULL);
	} while (err == CHANGE_MORE || (err == 0 && ++i < count));
	if (err < 0 && count > 0)
		dpvs_req_error_index(req, i);
	if (err == 0)
		err = change_prepare(c);
	if (err < 0) {
		if (change_error_text(c) != NULL)
			dpvs_req_error(req, err, "%s", change_error_text(c));
		change_abandon(c);
		return err;
	}
	if (!change_has_ops(c)) {
		change_commit(c);
		return 0;
	}
	err = change_commit_async(c, ctl_set_end, req);
	if (err < 0)
		return dpvs_req_error(req, err, "too many changes under way; try again");
	return DPVS_REQ_PENDING;
}

static void
ctl_audit(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
	  const char *errstr)
{
	if (result == 0)
		log_info("control", "%s by uid %u pid %d, %u records: done", opt->name, uid, pid, count);
	else
		log_notice("control", "%s by uid %u pid %d, %u records: %s%s%s", opt->name, uid, pid, count,
			   g_strerror(-result), errstr != NULL && errstr[0] != '\0' ? ": " : "",
			   errstr != NULL ? errstr : "");
}

/* ---- tables ---- */

int
ctl_register(const struct module *module)
{
	const struct module_sockopt *m;
	struct dpvs_sockopt *opts;
	unsigned int count = 0, i;
	int err = 0;

	for (m = module->sockopts; m != NULL && m->name != NULL; m++)
		count++;
	if (count == 0)
		return 0;
	if (registered == NULL)
		registered = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	opts = g_new0(struct dpvs_sockopt, count + 1);
	g_hash_table_insert(registered, (void *)(uintptr_t)module, opts);
	for (i = 0; i < count && err == 0; i++) {
		m = &module->sockopts[i];
		opts[i] = (struct dpvs_sockopt){
			.name = m->name,
			.id = m->id,
			.type = m->get != NULL ? DPVS_SOCKOPT_GET : DPVS_SOCKOPT_SET,
			.record_size = m->record_size,
			.min_records = m->need_record ? 1 : 0,
			.max_records = m->record_size == 0 ? 0 : m->get != NULL ? 1 : RECORDS_MAX,
			.fn = m->get != NULL ? ctl_get : ctl_set,
			.data = m,
		};
		err = dpvs_sockopt_register(&opts[i]);
		if (err < 0) {
			log_error("control", "request type %s (%s %u): %s", m->name,
				  m->get != NULL ? "GET" : "SET", m->id, g_strerror(-err));
			opts[i].name = NULL;
			ctl_unregister(module);
		}
	}
	return err;
}

void
ctl_unregister(const struct module *module)
{
	struct dpvs_sockopt *opts = registered != NULL ? g_hash_table_lookup(registered, module) : NULL;
	unsigned int i;

	if (opts == NULL)
		return;
	for (i = 0; opts[i].name != NULL; i++)
		dpvs_sockopt_unregister(&opts[i]);
	g_hash_table_remove(registered, module);
	if (g_hash_table_size(registered) == 0)
		g_clear_pointer(&registered, g_hash_table_unref);
}

/* ---- the socket ---- */

const char *
ctl_path(const struct conf *conf, const char *given)
{
	return given != NULL ? given : conf_string(conf, "control", "socket");
}

int
ctl_open(const struct conf *conf, const char *path)
{
	const char *group = conf_string(conf, "control", "group");
	struct dpvs_server_params params = {
		.path = path,
		.group = group,
		.max_clients = (unsigned int)conf_uint(conf, "control", "max-clients"),
		.idle_timeout_s = (unsigned int)conf_uint(conf, "control", "idle-timeout"),
		.generation = change_generation,
		.audit = ctl_audit,
	};
	g_autofree char *dir = g_path_get_dirname(path);
	char *error = NULL;
	int err;

	if (group == NULL || group[0] == '\0' || getgrnam(group) == NULL) {
		if (group != NULL && conf_is_set(conf, "control", "group"))
			log_warning("control", "there is no group %s: only root may change things", group);
		params.group = NULL;
	}
	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		log_debug("control", "%s: %s", dir, g_strerror(errno));
	err = dpvs_server_new(&params, &server, &error);
	if (err < 0)
		log_error("control", "%s", error != NULL ? error : g_strerror(-err));
	free(error);
	return err;
}

void
ctl_close(void)
{
	/* Requests under way outlive the server: change_fini() ends them. */
	dpvs_server_free(server);
	server = NULL;
}

static const struct conf_key ctl_conf[] = {
	{
		.name = "socket",
		.type = CONF_STRING,
		.min = 1,
		.max = 107,
		.def_str = DPVS_SOCKET_DEFAULT,
		.help = "The control socket; --socket wins over it.",
	},
	{
		.name = "group",
		.type = CONF_STRING,
		.max = 32,
		.def_str = "dpvs",
		.help = "Group that owns the socket and may change things, besides root.",
	},
	{
		.name = "max-clients",
		.type = CONF_UINT,
		.min = 1,
		.max = 65535,
		.def = 4096,
		.help = "Connections to the socket at once.",
	},
	{
		.name = "idle-timeout",
		.type = CONF_UINT,
		.min = 1,
		.max = 86400,
		.def = 600,
		.unit = "s",
		.help = "A client that is silent for so long is disconnected.",
	},
	{},
};

const struct module ctl_module = {
	.name = "control",
	.conf = ctl_conf,
};
