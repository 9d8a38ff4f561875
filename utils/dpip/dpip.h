/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of dpip share: the tables of objects, verbs and parameters, and the state of a run.
 *
 *   main.c      options, one command, batches, repeated shows
 *   table.c     the list of objects; finds objects and verbs; help and completion out of the tables
 *   args.c      reads the words of a command as the tables of its verb say
 *   show.c      what listings share: names of states, numbers, blocks, rounds
 *   OBJECT.c    one object each: its tables, what it asks the daemon, how it prints the answer
 *
 * A command is checked to its last word before the daemon hears of it.
 *
 * Thread-safety: dpip has one thread.
 */
#ifndef DPIP_H
#define DPIP_H

#include <stdbool.h>
#include <stdint.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/types.h>

/** Kinds of parameters: what their words may be. */
enum dpip_kind {
	DPIP_TEXT,     /**< any word of at most .max characters */
	DPIP_DEV,      /**< name of a port */
	DPIP_ADDR,     /**< address, IPv4 or IPv6 */
	DPIP_PREFIX,   /**< ADDR[/LEN] */
	DPIP_ROUTE,    /**< ADDR[/LEN] | default */
	DPIP_ADDRPORT, /**< ADDR[:PORT], [ADDR6]:PORT, ADDR6 */
	DPIP_MAC,      /**< xx:xx:xx:xx:xx:xx */
	DPIP_UINT,     /**< .min to .max */
	DPIP_LIFETIME, /**< forever | seconds */
	DPIP_CHOICE,   /**< one of .words */
};

/** Bits of struct dpip_param.flags. */
enum {
	DPIP_REQUIRED = 1u << 0,
	DPIP_POSITIONAL = 1u << 1, /**< the keyword may be left out */
	DPIP_BARE = 1u << 2,       /**< has no keyword: its value stands alone */
	DPIP_LATER = 1u << 3,      /**< known, but this build does not do it */
};

/** struct dpip_word: a word of a choice. The list ends with a nameless one. */
struct dpip_word {
	const char *name;
	uint32_t value;
};

/** struct dpip_param: a parameter of a verb. The list ends with a nameless one. */
struct dpip_param {
	const char *name;    /**< keyword */
	const char *alias;   /**< another spelling, or NULL */
	const char *metavar; /**< how help writes the value; NULL: made from the kind */
	enum dpip_kind kind;
	unsigned int flags; /**< DPIP_REQUIRED ... */
	uint64_t min;
	uint64_t max;
	const struct dpip_word *words;
};

#define DPIP_PARAMS_MAX 16

/** struct dpip_value: what was given for a parameter. */
struct dpip_value {
	bool given;
	bool has_plen; /**< a prefix length was written */
	uint8_t plen;
	uint8_t mac[6];
	uint16_t port; /**< 0: none was written */
	uint64_t num;  /**< number, value of the choice, seconds */
	struct dpvs_addr addr;
	const char *text; /**< the word itself; lives as long as the command */
};

struct dpip;

/** Bits of struct dpip_verb.flags. */
enum {
	DPIP_SHOW = 1u << 0, /**< only reads: may be repeated (--interval) */
	DPIP_VERB_FIRST = 1u << 1, /**< as DPIP_FIRST */
	/** No part of a transaction: in a batch it is done when the changes before it are in force, as a show is. */
	DPIP_ALONE = 1u << 3,
	DPIP_FOLLOW = 1u << 2, /**< goes on until it is interrupted; --count is its own affair */
};

/** struct dpip_verb: what can be done with an object. The list ends with a nameless one. */
struct dpip_verb {
	const char *name;
	const char *aliases; /**< other names, separated by spaces, or NULL */
	const char *help;    /**< one sentence */
	const struct dpip_param *params;
	/** Returns EXIT_OK or another exit code of common/error.h; the error has been printed then. */
	int (*run)(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v);
	uint32_t id; /**< SET or GET id, for functions that serve several verbs */
	unsigned int flags;
};

/** Bits of struct dpip_object.flags. */
enum {
	DPIP_FIRST = 1u << 0, /**< takes an abbreviation that others could claim too, as in ip */
};

/** struct dpip_object: a thing to show or change. verbs NULL: known, but not in this build. */
struct dpip_object {
	const char *name;
	const char *aliases;
	const char *help;
	const struct dpip_verb *verbs; /**< the first one is what happens without a verb */
	unsigned int flags;
};

extern const struct dpip_object addr_object;
extern const struct dpip_object conn_object;
extern const struct dpip_object graph_object;
extern const struct dpip_object lcore_object;
extern const struct dpip_object link_object;
extern const struct dpip_object mem_object;
extern const struct dpip_object monitor_object;
extern const struct dpip_object msg_object;
extern const struct dpip_object neigh_object;
extern const struct dpip_object route_object;
extern const struct dpip_object stats_object;
extern const struct dpip_object verify_object;

#endif
