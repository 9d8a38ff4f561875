/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module: one family of the daemon, as one constant descriptor of tables at the bottom of its file.
 * src/modules.c holds the ordered list and does every registration; modules register nothing themselves.
 *
 * Stages: conf is loaded and checked -> init() of each module in order (main lcore, after EAL, before
 * ports start) -> graph nodes registered -> ports started -> workers launched, each runs lcore_init() of
 * each module in order -> start() of each (main lcore) -> the socket listens. Stop is the reverse; fini()
 * also undoes a half-done init(). When a hook fails, all before it is undone and dpvsd ends with the
 * module's name and the reason.
 *
 * Thread-safety: descriptors are constant. Hooks run on the main lcore, lcore_init() on its worker.
 */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dpvsctrl/msg.h>
#include <dpvsctrl/server.h>

struct change;
struct conf;
struct module_digest;
struct module_event;
struct rte_node_register;
struct stats_block;

/** What kind of value a configuration key has. */
enum conf_type {
	CONF_UINT,   /**< whole number, min to max */
	CONF_BOOL,   /**< yes or no */
	CONF_STRING, /**< any text of at most max bytes; min bytes at least */
	CONF_CHOICE, /**< one of the words of .choices */
};

/** When a changed value takes effect. */
enum conf_when {
	CONF_START,
	CONF_RELOAD,
};

/** struct conf_key: a configuration key; tables end with a nameless entry. */
struct conf_key {
	const char *name; /**< lower case, hyphens */
	enum conf_type type;
	enum conf_when when;
	uint64_t min;
	uint64_t max;
	uint64_t def;        /**< CONF_UINT, CONF_BOOL: default */
	const char *def_str; /**< CONF_STRING, CONF_CHOICE: default; NULL: none */
	const char *const *choices; /**< NULL-ended */
	const char *unit;    /**< "s", "bytes", ...; NULL: none */
	const char *help;    /**< one sentence */
};

/** struct module_sockopt: a request type of the family; tables end with a nameless entry. Give get, set or request. */
struct module_sockopt {
	const char *name;     /**< "service-add" */
	uint32_t id;          /**< SET and GET ids are two number spaces */
	uint32_t record_size; /**< sizeof the wire record; 0: takes none */
	bool need_record;     /**< refuse a request without one; else the handler sees a zero record */
	/** GET: answers with dpvs_req_add(); returns 0, negative errno, DPVS_REQ_PENDING. */
	int (*get)(struct dpvs_req *req, const void *record);
	/**
	 * SET: called once for each record, in order; see core/change.h. The record is valid during the call.
	 * Returns 0, negative errno, or CHANGE_MORE: to be called again with the same record, when others have
	 * had their turn.
	 */
	int (*set)(struct change *c, const void *record);
	bool alone; /**< SET: not in a transaction, because its effect cannot be taken back */
	/** A SET that is no change of its own: as struct dpvs_sockopt.fn, with at most .max_records records. */
	int (*request)(struct dpvs_req *req, const void *records, uint32_t count);
	uint32_t max_records;
};

/** Which lcores run a job, and how often. */
enum job_when {
	JOB_LOOP, /**< workers: every loop */
	JOB_SLOW, /**< workers: every .period_ms */
	JOB_MAIN, /**< main lcore: every .period_ms, a GLib timer */
};

/** struct module_job: periodic work; tables end with a nameless entry. */
struct module_job {
	const char *name;
	enum job_when when;
	uint32_t period_ms;
	/** Returns 0 when it did something, -EAGAIN when there was nothing to do (counts as idle). */
	int (*fn)(void);
};

/** struct module_stat: a counter; its index in the table is its id; tables end with a nameless entry. */
struct module_stat {
	const char *name;
	uint32_t kind; /**< DPVS_STAT_EVENT or DPVS_STAT_DROP: a DROP counts each packet sent to the node "drop" */
	const char *help; /**< one sentence */
};

/** struct module: the descriptor. Tables and hooks that a module does not have are NULL. */
struct module {
	const char *name;         /**< conf section, log domain, stats prefix */
	const char *const *after; /**< modules this one builds on; NULL-ended */

	const struct conf_key *conf;
	const char *instance;                 /**< sections "[INSTANCE NAME]" of this module, e.g. "port" */
	const struct conf_key *instance_conf; /**< their keys */
	const struct module_sockopt *sockopts;
	const struct dpvs_msg_type *msgs;
	const struct module_job *jobs;
	const struct module_event *events; /**< see core/event.h */
	const struct module_stat *stats;
	struct stats_block *stats_block; /**< where its counters live; filled before init() */
	struct rte_node_register *const *nodes; /**< NULL-ended; .id is filled on registration */
	const struct module_digest *digests; /**< tables that workers have copies of: core/digest.h */

	/** Checks across keys, before anything starts: conf_error() for each thing wrong. May be NULL. */
	void (*check)(struct conf *conf);
	int (*init)(const struct conf *conf);
	int (*lcore_init)(void);
	int (*start)(void);
	/**
	 * Main lcore: removes what the transaction @c, whose change_mode() has CHANGE_SYNC, did not name by an
	 * add. After the records, before the notes of change_before_commit(). Returns as a SET handler.
	 */
	int (*sync)(struct change *c);
	void (*stop)(void); /**< main lcore, workers still run; undoes start() */
	void (*fini)(void); /**< workers have ended; undoes init() */
};

#endif
