/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl.h. A SET of many records is one change: each record goes through the module's handler, in order;
 * the first refusal undoes all before it and names its record. The client is answered when all workers have
 * applied the change. When its turn comes is up to change_queue.c.
 */
#include "core/ctl.h"

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/txn.h>
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
#include "core/listing.h"
#include "core/log.h"
#include "core/txn.h"
#include "module.h"

/* Most records of one request: each is a step at least, and shorter ones than four bytes say nothing. */
#define RECORDS_MAX (1u << 22)

#define DEADLINE_MAX_MS 600000u

static struct dpvs_server *server;
static GHashTable *registered; /* const struct module * -> array of struct dpvs_sockopt */
static GHashTable *sets;       /* id -> const struct module_sockopt * */
static GPtrArray *retired;     /* arrays of modules that have stopped: requests under way still use them */
static uint32_t get_deadline_ms;
static uint32_t set_deadline_ms;

/* ---- requests ---- */

static int
ctl_get(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct module_sockopt *opt = dpvs_req_data(req);

	return opt->get(req, opt->record_size != 0 ? records : NULL);
}

/* A SET under way. */
struct ctl_set {
	struct dpvs_req *req;
	const struct module_sockopt *opt;
	uint32_t count;
	uint32_t next;
	bool ready;  /* .record is number .next */
	bool blamed; /* number .next is why it was refused */
	_Alignas(16) unsigned char record[];
};

static int
ctl_set_step(struct change *c, void *arg)
{
	struct ctl_set *set = arg;
	int err = 0;

	/* Without a record there is still one call: flush takes none, others see zeroes. */
	if (set->opt->record_size != 0 && !set->ready)
		err = dpvs_req_record(set->req, set->next, set->record);
	set->ready = true;
	if (err == 0)
		err = change_record(c, set->opt->set, set->opt->record_size != 0 ? set->record : NULL);
	set->blamed = err < 0 && set->count > 0;
	if (err != 0)
		return err;
	set->ready = false;
	return ++set->next < set->count ? CHANGE_MORE : 0;
}

void
ctl_end(struct dpvs_req *req, struct change *c, int status)
{
	int worker;

	if (status == -EINPROGRESS) {
		worker = change_late_worker(c);
		/* It may have come to it in this moment; then all is well. */
		if (worker < 0)
			status = 0;
		else
			dpvs_req_error(req, status, "committed, but worker %d (lcore %u) has not confirmed it yet",
				       worker, lcore_of_worker((unsigned int)worker));
	} else if (status < 0 && change_error_text(c) != NULL) {
		dpvs_req_error(req, status, "%s", change_error_text(c));
	}
	dpvs_req_end(req, status);
}

static void
ctl_set_end(struct change *c, int status, void *arg)
{
	struct ctl_set *set = arg;

	if (set->blamed)
		dpvs_req_error_index(set->req, set->next);
	ctl_end(set->req, c, status);
	g_free(set);
}

static int
ctl_set(struct dpvs_req *req, const void *records, uint32_t count)
{
	const struct module_sockopt *opt = dpvs_req_data(req);
	struct ctl_set *set = g_malloc(sizeof(*set) + opt->record_size);
	struct change_job job = {
		.step = ctl_set_step,
		.end = ctl_set_end,
		.arg = set,
		.deadline_ms = ctl_deadline_ms(req),
	};

	(void)records;
	*set = (struct ctl_set){ .req = req, .opt = opt, .count = count };
	change_submit(&job);
	return DPVS_REQ_PENDING;
}

/* ---- deadlines ---- */

/* What a client has asked for, in milliseconds; 0: nothing. */
struct ctl_client {
	uint32_t get_ms;
	uint32_t set_ms;
};

uint32_t
ctl_deadline_ms(const struct dpvs_req *req)
{
	bool set = dpvs_req_sockopt(req)->type == DPVS_SOCKOPT_SET;

	return ctl_deadline_of(req, set);
}

uint32_t
ctl_deadline_of(const struct dpvs_req *req, bool set)
{
	const struct ctl_client *own = dpvs_req_client_data(req, &server);
	uint32_t asked = own == NULL ? 0 : set ? own->set_ms : own->get_ms;

	return asked != 0 ? asked : set ? set_deadline_ms : get_deadline_ms;
}

int
ctl_ask_deadlines(struct dpvs_req *req, uint32_t get_ms, uint32_t set_ms)
{
	struct ctl_client *own = dpvs_req_client_data(req, &server);

	if (get_ms > DEADLINE_MAX_MS || set_ms > DEADLINE_MAX_MS)
		return dpvs_req_error(req, -EINVAL, "a deadline is at most %u ms", DEADLINE_MAX_MS);
	if (get_ms == 0 && set_ms == 0)
		return 0;
	if (own == NULL) {
		own = g_new0(struct ctl_client, 1);
		if (dpvs_req_set_client_data(req, &server, own, g_free) < 0) {
			g_free(own);
			return -ENOMEM;
		}
	}
	if (get_ms != 0)
		own->get_ms = get_ms;
	if (set_ms != 0)
		own->set_ms = set_ms;
	return 0;
}

static void
ctl_audit(const struct dpvs_sockopt *opt, uid_t uid, pid_t pid, uint32_t count, int result,
	  const char *errstr)
{
	if (result == 0 && opt->id == DPVS_SET_TXN_APPEND)
		return; /* the commit says what was in it */
	if (result == 0)
		log_info("control", "%s by uid %u pid %d, %u records: done", opt->name, uid, pid, count);
	else
		log_notice("control", "%s by uid %u pid %d, %u records: %s%s%s", opt->name, uid, pid, count,
			   g_strerror(-result), errstr != NULL && errstr[0] != '\0' ? ": " : "",
			   errstr != NULL ? errstr : "");
}

/* ---- tables ---- */

uint32_t
ctl_max_records(const struct module_sockopt *m)
{
	if (m->record_size == 0)
		return 0;
	return m->get != NULL ? 1 : m->request != NULL ? m->max_records : RECORDS_MAX;
}

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
	if (registered == NULL) {
		registered = g_hash_table_new_full(NULL, NULL, NULL, g_free);
		sets = g_hash_table_new(NULL, NULL);
	}
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
			.max_records = ctl_max_records(m),
			.flags = m->set != NULL && m->record_size != 0 ? DPVS_SOCKOPT_BY_RECORD : 0,
			.fn = m->get != NULL ? ctl_get : m->set != NULL ? ctl_set : m->request,
			.data = m,
		};
		err = dpvs_sockopt_register(&opts[i]);
		if (err < 0) {
			log_error("control", "request type %s (%s %u): %s", m->name,
				  m->get != NULL ? "GET" : "SET", m->id, g_strerror(-err));
			opts[i].name = NULL;
			ctl_unregister(module);
			return err;
		}
		if (m->get == NULL)
			g_hash_table_insert(sets, GUINT_TO_POINTER(m->id), (void *)(uintptr_t)m);
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
	for (i = 0; opts[i].name != NULL; i++) {
		dpvs_sockopt_unregister(&opts[i]);
		if (opts[i].type == DPVS_SOCKOPT_SET)
			g_hash_table_remove(sets, GUINT_TO_POINTER(opts[i].id));
	}
	g_hash_table_steal(registered, module);
	if (retired == NULL)
		retired = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(retired, opts);
	if (g_hash_table_size(registered) == 0) {
		g_clear_pointer(&registered, g_hash_table_unref);
		g_clear_pointer(&sets, g_hash_table_unref);
	}
}

const struct module_sockopt *
ctl_find_set(uint32_t id)
{
	return sets != NULL ? g_hash_table_lookup(sets, GUINT_TO_POINTER(id)) : NULL;
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
		.stall_timeout_s = (unsigned int)conf_uint(conf, "control", "stall-timeout"),
		.generation = change_generation,
		.audit = ctl_audit,
	};
	g_autofree char *dir = g_path_get_dirname(path);
	char *error = NULL;
	int err;

	get_deadline_ms = (uint32_t)conf_uint(conf, "control", "get-deadline");
	set_deadline_ms = (uint32_t)conf_uint(conf, "control", "set-deadline");
	txn_set_quota(conf_uint(conf, "control", "transaction-bytes"),
		      conf_uint(conf, "control", "transactions-bytes"));
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
	listing_stop();
}

void
ctl_fini(void)
{
	g_clear_pointer(&retired, g_ptr_array_unref);
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
	{
		.name = "stall-timeout",
		.type = CONF_UINT,
		.min = 1,
		.max = 86400,
		.def = 60,
		.unit = "s",
		.help = "A client that has answers and reads nothing of them for so long is disconnected.",
	},
	{
		.name = "get-deadline",
		.type = CONF_UINT,
		.min = 1,
		.max = DEADLINE_MAX_MS,
		.def = 50,
		.unit = "ms",
		.help = "How long a question waits for a worker, unless its client asked for something else.",
	},
	{
		.name = "set-deadline",
		.type = CONF_UINT,
		.min = 1,
		.max = DEADLINE_MAX_MS,
		.def = 2000,
		.unit = "ms",
		.help = "How long a change waits for its turn, and for the workers, unless its client asked for something else.",
	},
	{
		.name = "transaction-bytes",
		.type = CONF_UINT,
		.min = 4096,
		.max = 1ull << 40,
		.def = 64 << 20,
		.unit = "bytes",
		.help = "What one client may stage in a transaction.",
	},
	{
		.name = "transactions-bytes",
		.type = CONF_UINT,
		.min = 4096,
		.max = 1ull << 40,
		.def = 256 << 20,
		.unit = "bytes",
		.help = "What all clients together may stage in transactions.",
	},
	{},
};

const struct module ctl_module = {
	.name = "control",
	.conf = ctl_conf,
};
