/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registries of the control plane; see registry.h. Both tables are made on first use and live as
 * long as something is in them, so that a process that registers nothing holds nothing.
 */
#include "registry.h"

#include <dpvsctrl/msg.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

#include <errno.h>

#include <glib.h>

static GHashTable *sockopts; /* gint64 (type, id) -> const struct dpvs_sockopt * */
static GHashTable *msgs;     /* type -> const struct dpvs_msg_type * */

static gint64
sockopt_key(uint32_t type, uint32_t id)
{
	return (gint64)(((guint64)type << 32) | id);
}

int
dpvs_sockopt_register(const struct dpvs_sockopt *opt)
{
	gint64 *key;

	if (opt == NULL || opt->name == NULL || opt->fn == NULL ||
	    (opt->type != DPVS_SOCKOPT_GET && opt->type != DPVS_SOCKOPT_SET) ||
	    opt->record_size > DPVS_RECORD_MAX || opt->min_records > opt->max_records ||
	    (opt->record_size == 0) != (opt->max_records == 0) || (opt->flags & ~DPVS_SOCKOPT_BY_RECORD) != 0)
		return -EINVAL;
	if (registry_sockopt(opt->type, opt->id) != NULL)
		return -EEXIST;
	if (sockopts == NULL)
		sockopts = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	key = g_new(gint64, 1);
	*key = sockopt_key(opt->type, opt->id);
	g_hash_table_insert(sockopts, key, (gpointer)(uintptr_t)opt);
	return 0;
}

int
dpvs_sockopt_unregister(const struct dpvs_sockopt *opt)
{
	gint64 key;

	if (opt == NULL || registry_sockopt(opt->type, opt->id) != opt)
		return -ENOENT;
	key = sockopt_key(opt->type, opt->id);
	g_hash_table_remove(sockopts, &key);
	if (g_hash_table_size(sockopts) == 0)
		g_clear_pointer(&sockopts, g_hash_table_unref);
	return 0;
}

const struct dpvs_sockopt *
registry_sockopt(uint32_t type, uint32_t id)
{
	gint64 key = sockopt_key(type, id);

	return sockopts == NULL ? NULL : g_hash_table_lookup(sockopts, &key);
}

int
registry_msg_add(const struct dpvs_msg_type *type)
{
	if (registry_msg(type->type) != NULL)
		return -EEXIST;
	if (msgs == NULL)
		msgs = g_hash_table_new(g_direct_hash, g_direct_equal);
	g_hash_table_insert(msgs, GUINT_TO_POINTER(type->type), (gpointer)(uintptr_t)type);
	return 0;
}

int
registry_msg_del(uint32_t type)
{
	if (msgs == NULL || !g_hash_table_remove(msgs, GUINT_TO_POINTER(type)))
		return -ENOENT;
	return 0;
}

const struct dpvs_msg_type *
registry_msg(uint32_t type)
{
	return msgs == NULL ? NULL : g_hash_table_lookup(msgs, GUINT_TO_POINTER(type));
}

void
registry_msg_clear(void)
{
	g_clear_pointer(&msgs, g_hash_table_unref);
}
