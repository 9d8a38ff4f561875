/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See modules.h. Modules register nothing themselves: here every table of every descriptor is handed to
 * the part of the daemon that serves it, in the order of the list; the way back is the reverse.
 */
#include "modules.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/proto/daemon.h>
#include <errno.h>
#include <glib.h>
#include <rte_graph.h>
#include <stdio.h>
#include <string.h>

#include "core/change_priv.h"
#include "core/ctl.h"
#include "core/eal.h"
#include "core/event_priv.h"
#include "core/graph_priv.h"
#include "core/handover.h"
#include "core/lcore.h"
#include "core/log.h"
#include "core/stats.h"
#include "core/sysinfo.h"
#include "core/txn.h"
#include "core/verify.h"
#include "lb/conn.h"
#include "lb/laddr.h"
#include "lb/service.h"
#include "module.h"
#include "net/arp.h"
#include "net/eth.h"
#include "net/frag.h"
#include "net/icmp.h"
#include "net/ifaddr.h"
#include "net/ipv4.h"
#include "net/ipv6.h"
#include "net/ndisc.h"
#include "net/neigh.h"
#include "net/netif.h"
#include "net/port.h"
#include "net/route.h"

static const struct module *const modules[] = {
	/* core */
	&eal_module,
	&lcore_module,
	&ctl_module,
	&change_module,
	&event_module,
	&graph_module,
	&handover_module,
	&sysinfo_module,
	&txn_module,
	&verify_module,
	/* net */
	&port_module,
	&netif_module,
	&eth_module,
	&route_module,
	&route6_module,
	&ifaddr_module,
	&neigh_module,
	&arp_module,
	&icmp_module,
	&icmp6_module,
	&ndisc_module,
	&frag_module,
	&ipv4_module,
	&ipv6_module,
	/* lb */
	&service_module,
	&laddr_module,
	&conn_module,
	NULL,
};

/* How far start-up came, so that a failure undoes exactly that. */
static unsigned int inited;  /* modules whose tables are registered and init() ran */
static unsigned int started; /* modules whose start() ran */
static GSList *timers;       /* ids of main's jobs */

const struct module *const *
modules_all(void)
{
	return modules;
}

/* ---- checks ---- */

/* Notes "@kind @what" as taken by @module; says so when it was taken. */
static int
modules_claim(GHashTable *taken, const struct module *module, const char *kind, const char *what)
{
	char *key = g_strdup_printf("%s %s", kind, what);
	const struct module *first = g_hash_table_lookup(taken, key);

	if (first == NULL) {
		g_hash_table_insert(taken, key, (void *)(uintptr_t)module);
		return 0;
	}
	log_error("modules", "%s: module %s has it already, module %s too", key, first->name, module->name);
	g_free(key);
	return -EINVAL;
}

static int
modules_claim_id(GHashTable *taken, const struct module *module, const char *kind, uint32_t id)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", id);
	return modules_claim(taken, module, kind, text);
}

static int
modules_check_tables(GHashTable *taken, const struct module *m)
{
	g_autofree char *stat_kind = g_strconcat("counter ", m->name, ".", NULL);
	const struct module_sockopt *o;
	const struct dpvs_msg_type *t;
	const struct module_stat *s;
	struct rte_node_register *const *n;
	int err = 0;

	for (o = m->sockopts; o != NULL && o->name != NULL; o++) {
		err |= modules_claim(taken, m, "request name", o->name);
		err |= modules_claim_id(taken, m, o->get != NULL ? "GET" : "SET", o->id);
		if ((o->get != NULL) + (o->set != NULL) + (o->request != NULL) != 1) {
			log_error("modules", "request %s: needs a get, a set or a request handler", o->name);
			err = -EINVAL;
		}
	}
	for (t = m->msgs; t != NULL && t->name != NULL; t++)
		err |= modules_claim_id(taken, m, "message", t->type);
	for (s = m->stats; s != NULL && s->name != NULL; s++)
		err |= modules_claim(taken, m, stat_kind, s->name);
	if (m->stats != NULL && m->stats_block == NULL) {
		log_error("modules", "module %s: counters without a stats_block", m->name);
		err = -EINVAL;
	}
	for (n = m->nodes; n != NULL && *n != NULL; n++)
		err |= modules_claim(taken, m, "node", (*n)->name);
	return err < 0 ? -EINVAL : 0;
}

int
modules_check(const struct module *const *list)
{
	g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) earlier = g_hash_table_new(g_str_hash, g_str_equal);
	const char *const *after;
	int err = 0;

	for (; *list != NULL; list++) {
		err |= modules_claim(taken, *list, "module", (*list)->name);
		for (after = (*list)->after; after != NULL && *after != NULL; after++) {
			if (g_hash_table_contains(earlier, *after))
				continue;
			log_error("modules", "module %s builds on %s, which is not before it in the list",
				  (*list)->name, *after);
			err = -EINVAL;
		}
		g_hash_table_add(earlier, (void *)(uintptr_t)(*list)->name);
		err |= modules_check_tables(taken, *list);
	}
	return err < 0 ? -EINVAL : 0;
}

/* ---- init and fini ---- */

static void
modules_unregister_msgs(const struct module *m)
{
	const struct dpvs_msg_type *t;

	for (t = m->msgs; t != NULL && t->name != NULL; t++)
		dpvs_msg_type_unregister(t->type);
}

static int
modules_init_one(const struct module *m, const struct conf *conf)
{
	const struct dpvs_msg_type *t;
	int err;

	event_add_module(m);
	err = stats_module_init(m);
	for (t = m->msgs; err == 0 && t != NULL && t->name != NULL; t++)
		err = dpvs_msg_type_register(t);
	if (err == 0 && m->init != NULL)
		err = m->init(conf);
	if (err == 0)
		return 0;
	log_error("modules", "module %s cannot start: %s", m->name, g_strerror(-err));
	if (m->fini != NULL)
		m->fini();
	modules_unregister_msgs(m);
	stats_module_fini(m);
	event_remove_module(m);
	return err;
}

int
modules_init(const struct conf *conf)
{
	int err;

	err = modules_check(modules);
	if (err == 0)
		err = graph_register(modules);
	if (err < 0)
		return err;
	for (inited = 0; modules[inited] != NULL; inited++) {
		err = modules_init_one(modules[inited], conf);
		if (err < 0) {
			modules_fini();
			return err;
		}
	}
	return 0;
}

void
modules_fini(void)
{
	const struct module *m;

	while (inited > 0) {
		m = modules[--inited];
		if (m->fini != NULL)
			m->fini();
		modules_unregister_msgs(m);
		stats_module_fini(m);
		event_remove_module(m);
	}
}

int
modules_lcore_init(void)
{
	const struct module *const *m;
	int err;

	for (m = modules; *m != NULL; m++) {
		err = (*m)->lcore_init != NULL ? (*m)->lcore_init() : 0;
		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- start and stop ---- */

static gboolean
modules_job(gpointer arg)
{
	const struct module_job *job = arg;

	job->fn();
	return G_SOURCE_CONTINUE;
}

static int
modules_start_one(const struct module *m)
{
	const struct module_job *job;
	int err;

	err = m->start != NULL ? m->start() : 0;
	if (err == 0) {
		err = ctl_register(m);
		if (err < 0 && m->stop != NULL)
			m->stop();
	}
	if (err < 0) {
		log_error("modules", "module %s cannot start: %s", m->name, g_strerror(-err));
		return err;
	}
	for (job = m->jobs; job != NULL && job->name != NULL; job++)
		if (job->when == JOB_MAIN)
			timers = g_slist_prepend(timers,
						 GUINT_TO_POINTER(g_timeout_add(job->period_ms, modules_job,
										(void *)(uintptr_t)job)));
	return 0;
}

int
modules_start(void)
{
	int err;

	for (started = 0; modules[started] != NULL; started++) {
		err = modules_start_one(modules[started]);
		if (err < 0) {
			modules_stop();
			return err;
		}
	}
	return 0;
}

void
modules_stop(void)
{
	const struct module *m;

	for (; timers != NULL; timers = g_slist_delete_link(timers, timers))
		g_source_remove(GPOINTER_TO_UINT(timers->data));
	while (started > 0) {
		m = modules[--started];
		ctl_unregister(m);
		if (m->stop != NULL)
			m->stop();
	}
}

/* ---- --list-modules ---- */

static void
modules_print_one(const struct module *m)
{
	const char *const *after;
	const struct conf_key *k;
	const struct module_sockopt *o;
	const struct dpvs_msg_type *t;
	const struct module_job *j;
	const struct module_stat *s;
	struct rte_node_register *const *n;

	printf("module %s\n", m->name);
	for (after = m->after; after != NULL && *after != NULL; after++)
		printf("\tafter %s\n", *after);
	for (k = m->conf; k != NULL && k->name != NULL; k++)
		printf("\tkey %s.%s: %s\n", m->name, k->name, k->help);
	for (k = m->instance_conf; k != NULL && k->name != NULL; k++)
		printf("\tkey %s NAME.%s: %s\n", m->instance, k->name, k->help);
	for (o = m->sockopts; o != NULL && o->name != NULL; o++)
		printf("\t%s %u %s, record of %u bytes\n", o->get != NULL ? "get" : "set", o->id, o->name,
		       o->record_size);
	for (t = m->msgs; t != NULL && t->name != NULL; t++)
		printf("\tmessage %u %s\n", t->type, t->name);
	for (j = m->jobs; j != NULL && j->name != NULL; j++)
		printf("\tjob %s: %s, %u ms\n", j->name,
		       j->when == JOB_MAIN ? "main" : j->when == JOB_SLOW ? "workers" : "workers, each loop",
		       j->period_ms);
	for (s = m->stats; s != NULL && s->name != NULL; s++)
		printf("\t%s %s.%s: %s\n", s->kind == DPVS_STAT_DROP ? "drop" : "counter", m->name, s->name,
		       s->help);
	for (n = m->nodes; n != NULL && *n != NULL; n++)
		printf("\tnode %s\n", (*n)->name);
}

void
modules_print(void)
{
	const struct module *const *m;

	for (m = modules; *m != NULL; m++)
		modules_print_one(*m);
}
