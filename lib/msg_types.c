/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message types: the registry on the main lcore, the flat table of each lcore that REG and UNREG keep,
 * and the built-in types.
 */
#include "msg_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "registry.h"

/** struct reg_data: payload of REG and UNREG. */
struct reg_data {
	struct dpvs_msg_type desc; /* by value: the sender's copy may go away */
};

/* Descriptors that came by REG from a worker: the registry needs a place for them. Main lcore only. */
static GHashTable *copies;

/*
 * ---- the flat tables
 */

static void
table_set(struct lcore_msg *lc, const struct dpvs_msg_type *desc)
{
	lc->types[desc->type] = *desc;
}

static void
table_clear(struct lcore_msg *lc, uint32_t type)
{
	memset(&lc->types[type], 0, sizeof(lc->types[type]));
}

static void
reg_done(struct dpvs_msg *msg, int status, void *arg)
{
	uint32_t type = GPOINTER_TO_UINT(arg);

	(void)msg;
	(void)status;
	msg_sys.unconfirmed[type]--;
}

/*
 * Brings a change of the tables to all lcores: directly where no worker runs, by message where one does.
 * Either all workers are told, or none.
 */
static int
spread(const struct dpvs_msg_type *desc, uint32_t how)
{
	struct dpvs_msg *msgs[RTE_MAX_LCORE] = { NULL };
	uint32_t i;
	int rc = 0;

	for (i = 0; i < msg_sys.nworkers && rc == 0; i++) {
		struct reg_data *data;

		if (rte_eal_get_lcore_state(msg_sys.workers[i]) != RUNNING)
			continue;
		msgs[i] = dpvs_msg_new(how, sizeof(*data));
		if (msgs[i] == NULL) {
			rc = -ENOBUFS;
			break;
		}
		data = dpvs_msg_data(msgs[i]);
		data->desc = *desc;
		if (msg_ring_full(msg_sys.lcores[msg_sys.workers[i]]->rings[RING_NORM]))
			rc = -ENOBUFS;
	}
	for (i = 0; i < msg_sys.nworkers; i++) {
		if (rc == 0 && msgs[i] == NULL) {
			if (how == DPVS_MSG_REG)
				table_set(msg_sys.lcores[msg_sys.workers[i]], desc);
			else
				table_clear(msg_sys.lcores[msg_sys.workers[i]], desc->type);
			continue;
		}
		/* It will be handled, however late: who waits for that must hear of it. */
		if (rc == 0 && dpvs_msg_request(msgs[i], msg_sys.workers[i], UINT32_MAX, reg_done,
						GUINT_TO_POINTER(desc->type)) == 0) {
			msg_sys.unconfirmed[desc->type]++;
			continue;
		}
		dpvs_msg_free(msgs[i]);
	}
	return rc;
}

int
dpvs_msg_type_register(const struct dpvs_msg_type *type)
{
	struct lcore_msg *main_lc;
	int rc;

	if (type == NULL || msg_sys.pool == NULL || type->name == NULL || type->type == 0 ||
	    type->type >= DPVS_MSG_TYPE_COUNT || type->prio >= DPVS_MSG_PRIO_COUNT)
		return -EINVAL;
	rc = registry_msg_add(type);
	if (rc < 0)
		return rc;
	rc = spread(type, DPVS_MSG_REG);
	if (rc < 0) {
		registry_msg_del(type->type);
		return rc;
	}
	main_lc = msg_sys.lcores[msg_sys.main_lcore];
	table_set(main_lc, type);
	atomic_store_explicit(&msg_sys.prio[type->type], type->prio, memory_order_relaxed);
	return 0;
}

int
dpvs_msg_type_unregister(uint32_t type)
{
	const struct dpvs_msg_type *desc = dpvs_msg_type_lookup(type);
	int rc;

	if (desc == NULL)
		return -ENOENT;
	rc = spread(desc, DPVS_MSG_UNREG);
	if (rc < 0)
		return rc;
	registry_msg_del(type);
	table_clear(msg_sys.lcores[msg_sys.main_lcore], type);
	if (copies != NULL)
		g_hash_table_remove(copies, GUINT_TO_POINTER(type));
	return 0;
}

unsigned int
dpvs_msg_type_unconfirmed(uint32_t type)
{
	return type < DPVS_MSG_TYPE_COUNT ? msg_sys.unconfirmed[type] : 0;
}

const struct dpvs_msg_type *
dpvs_msg_type_lookup(uint32_t type)
{
	return type < DPVS_MSG_TYPE_COUNT ? registry_msg(type) : NULL;
}

/*
 * ---- built-in types
 */

static void
reg_on_worker(struct dpvs_msg *msg)
{
	const struct reg_data *data = dpvs_msg_data(msg);

	if (dpvs_msg_len(msg) != sizeof(*data) || data->desc.type >= DPVS_MSG_TYPE_COUNT)
		dpvs_msg_set_status(msg, -EINVAL);
	else
		table_set(msg_me(), &data->desc);
}

/* A worker asks: the type is registered everywhere. */
static void
reg_on_main(struct dpvs_msg *msg)
{
	const struct reg_data *data = dpvs_msg_data(msg);
	struct dpvs_msg_type *copy;
	int rc;

	if (dpvs_msg_len(msg) != sizeof(*data)) {
		dpvs_msg_set_status(msg, -EINVAL);
		return;
	}
	copy = g_memdup2(&data->desc, sizeof(data->desc));
	rc = dpvs_msg_type_register(copy);
	if (rc < 0) {
		g_free(copy);
	} else {
		if (copies == NULL)
			copies = g_hash_table_new_full(NULL, NULL, NULL, g_free);
		g_hash_table_insert(copies, GUINT_TO_POINTER(copy->type), copy);
	}
	dpvs_msg_set_status(msg, rc);
}

static void
unreg_on_worker(struct dpvs_msg *msg)
{
	const struct reg_data *data = dpvs_msg_data(msg);

	if (dpvs_msg_len(msg) != sizeof(*data) || data->desc.type >= DPVS_MSG_TYPE_COUNT)
		dpvs_msg_set_status(msg, -EINVAL);
	else
		table_clear(msg_me(), data->desc.type);
}

static void
unreg_on_main(struct dpvs_msg *msg)
{
	const struct reg_data *data = dpvs_msg_data(msg);

	if (dpvs_msg_len(msg) != sizeof(*data))
		dpvs_msg_set_status(msg, -EINVAL);
	else
		dpvs_msg_set_status(msg, dpvs_msg_type_unregister(data->desc.type));
}

int
dpvs_msg_reg_send(uint32_t how, const struct dpvs_msg_type *type, dpvs_msg_done_fn done, void *arg)
{
	struct reg_data *data;
	struct dpvs_msg *msg;
	int rc;

	if (how != DPVS_MSG_REG && how != DPVS_MSG_UNREG)
		return -EINVAL;
	msg = dpvs_msg_new(how, sizeof(*data));
	if (msg == NULL)
		return -ENOBUFS;
	data = dpvs_msg_data(msg);
	data->desc = *type;
	rc = dpvs_msg_request(msg, msg_sys.main_lcore, 0, done, arg);
	if (rc < 0)
		dpvs_msg_free(msg);
	return rc;
}

/* Answers the text in kind and says who we are. */
static void
hello(struct dpvs_msg *msg)
{
	struct dpvs_msg_hello *h = dpvs_msg_data(msg);
	const struct lcore_msg *me = msg_me();
	char text[sizeof(h->text)];

	if (dpvs_msg_len(msg) < sizeof(*h)) {
		dpvs_msg_set_status(msg, -EINVAL);
		return;
	}
	h->text[sizeof(h->text) - 1] = '\0';
	snprintf(text, sizeof(text), "lcore %u heard: %.40s", me->lcore, h->text);
	memcpy(h->text, text, sizeof(text));
	h->lcore = me->lcore;
	h->role = me->worker == UINT32_MAX ? DPVS_MSG_ROLE_MAIN : DPVS_MSG_ROLE_WORKER;
	h->state = DPVS_MSG_STATE_RUNNING;
	h->worker = me->worker;
}

void
dpvs_msg_set_silent(uint32_t lcore, int silent)
{
	if (lcore < RTE_MAX_LCORE && msg_sys.lcores[lcore] != NULL)
		msg_sys.silent[lcore] = silent != 0;
}

static void
get_all_slave_id(struct dpvs_msg *msg)
{
	struct dpvs_msg_workers *list = dpvs_msg_data(msg);
	uint32_t i;

	memset(list, 0, sizeof(*list));
	list->main_lcore = msg_sys.main_lcore;
	list->count = msg_sys.nworkers;
	for (i = 0; i < msg_sys.nworkers; i++) {
		uint32_t lcore = msg_sys.workers[i];

		list->workers[i] = (struct dpvs_msg_worker){
			.lcore = lcore,
			.role = DPVS_MSG_ROLE_WORKER,
			.state = rte_eal_get_lcore_state(lcore) != RUNNING ? DPVS_MSG_STATE_STOPPED :
				 msg_sys.silent[lcore]		       ? DPVS_MSG_STATE_SILENT :
									 DPVS_MSG_STATE_RUNNING,
		};
	}
	dpvs_msg_set_len(msg, (uint32_t)(sizeof(*list) + list->count * sizeof(list->workers[0])));
}

static const struct dpvs_msg_type built_in[] = {
	{
		.type = DPVS_MSG_REG,
		.name = "reg",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_main = reg_on_main,
		.on_worker = reg_on_worker,
	},
	{
		.type = DPVS_MSG_UNREG,
		.name = "unreg",
		.prio = DPVS_MSG_PRIO_NORM,
		.on_main = unreg_on_main,
		.on_worker = unreg_on_worker,
	},
	{
		.type = DPVS_MSG_HELLO,
		.name = "hello",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_main = hello,
		.on_worker = hello,
	},
	{
		.type = DPVS_MSG_GET_ALL_SLAVE_ID,
		.name = "get-all-slave-id",
		.prio = DPVS_MSG_PRIO_LOW,
		.on_main = get_all_slave_id,
	},
};

/* REG, UNREG, HELLO, GET_ALL_SLAVE_ID. */
int
msg_types_init(void)
{
	unsigned int i;
	int rc;

	for (i = 0; i < DPVS_MSG_TYPE_COUNT; i++)
		atomic_store_explicit(&msg_sys.prio[i], DPVS_MSG_PRIO_NORM, memory_order_relaxed);
	for (i = 0; i < RTE_DIM(built_in); i++) {
		rc = dpvs_msg_type_register(&built_in[i]);
		if (rc < 0) {
			msg_types_fini();
			return rc;
		}
	}
	return 0;
}

void
msg_types_fini(void)
{
	registry_msg_clear();
	g_clear_pointer(&copies, g_hash_table_unref);
}
