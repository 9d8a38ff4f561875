/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipvsadm: the tool of Linux Virtual Server, for dpvsd. What its files share.
 *
 *   main.c     runs one command line       help.c  -h, --version
 *   cmdline.c, options.c  words into struct cmdline
 *   rules.c    which option goes with which command
 *   service.c  addresses, names of flags      apply.c  one change, and what a refusal is called
 *   config.c   the daemon's whole configuration: fetched, sorted
 *   list.c     -L, -G     conns.c  -L -c      save.c  -S       restore.c  -R
 *
 * Texts, layouts and exit codes are those of ipvsadm 1.31, which scripts read.
 *
 * Thread-safety: one thread.
 */
#ifndef IPVSADM_H
#define IPVSADM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/service.h>

#include "common/daemon.h"

/** Exit codes of the original. */
enum {
	IPVSADM_OK = 0,
	IPVSADM_INTERNAL = 1,  /**< also: the one service to be listed is not there */
	IPVSADM_USAGE = 2,     /**< bad argument; the daemon cannot be reached */
	IPVSADM_REFUSED = 255, /**< the daemon said no; unknown option */
};

/** Commands; the first is what no command means. */
enum command {
	CMD_LIST,
	CMD_ADD,
	CMD_EDIT,
	CMD_DEL,
	CMD_FLUSH,
	CMD_ADD_SERVER,
	CMD_EDIT_SERVER,
	CMD_DEL_SERVER,
	CMD_SET,
	CMD_RESTORE,
	CMD_SAVE,
	CMD_ZERO,
	CMD_ADD_LADDR,
	CMD_DEL_LADDR,
	CMD_GET_LADDR,
	CMD_HELP,
	CMD_VERSION,
	CMD_OTHER, /**< of LVS or DPVS, but not in this build; see struct cmdline.other */
	CMD_COUNT,
};

/** Options, in the order in which the original looks at them. */
enum option {
	OPT_NUMERIC,
	OPT_CONNECTION,
	OPT_SERVICE,
	OPT_SCHEDULER,
	OPT_PERSISTENT,
	OPT_NETMASK,
	OPT_SERVER,
	OPT_FORWARD,
	OPT_WEIGHT,
	OPT_UTHRESHOLD,
	OPT_LTHRESHOLD,
	OPT_MCAST_INTERFACE,
	OPT_TIMEOUT,
	OPT_DAEMON,
	OPT_STATS,
	OPT_RATE,
	OPT_THRESHOLDS,
	OPT_PERSISTENT_CONN,
	OPT_NOSORT,
	OPT_SYNCID,
	OPT_EXACT,
	OPT_OPS,
	OPT_PE,
	OPT_SCHED_FLAGS,
	OPT_MCAST_GROUP,
	OPT_MCAST_PORT,
	OPT_MCAST_TTL,
	OPT_SYNC_MAXLEN,
	OPT_TUN_INFO,
	OPT_TUN_TYPE,
	OPT_TUN_PORT,
	OPT_TUN_CSUM,
	/* Ours. */
	OPT_LADDR,
	OPT_IFNAME,
	OPT_CONN_TIMEOUT,
	OPT_JSON,
	OPT_PRETTY,
	OPT_INTERVAL,
	OPT_REPEAT,
	OPT_REPLACE,
	OPT_SYNC,
	OPT_OTHER, /**< of DPVS, but not in this build */
	OPT_COUNT,
};

/** Longest weight that the daemon takes. */
#define WEIGHT_MAX 65535u
/** Longest time-out that the original takes: 31 days, in seconds. */
#define TIMEOUT_MAX_S (31u * 86400)

/** struct problem: why a command line or a line of a file cannot be done. */
struct problem {
	int exit_code;
	bool no_command; /**< the line does not start with a command that is known */
	char text[1280];
};

/** problem_set (options.c): fills @problem (printf) and returns -1. */
int problem_set(struct problem *problem, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** struct cmdline: one command line, checked. Which members count, the bits of @options tell. */
struct cmdline {
	enum command command;
	const char *other;      /**< name of an option, command or service that is not in this build; NULL */
	const char *other_kind; /**< "option", "command", ... for its message */
	uint64_t options;       /**< 1 << OPT_* */
	struct dpvs_service_key svc;
	char sched[DPVS_SCHED_NAME_SIZE];
	uint32_t sched_flags;
	uint32_t conn_timeout_s;
	struct dpvs_addr server;
	uint16_t server_port;   /**< the service's when none was given */
	bool server_port_given;
	uint8_t fwd;
	uint32_t weight;
	uint32_t uthresh;
	uint32_t lthresh;
	struct dpvs_addr laddr;
	char ifname[DPVS_IFNAME_SIZE];
	struct dpvs_timeouts timeouts;
	unsigned int interval_s;
	unsigned int repeat;
	struct daemon_opts daemon;
	char *socket; /**< what daemon.socket points to */
};

static inline bool
has_option(const struct cmdline *line, enum option option)
{
	return line->options & UINT64_C(1) << option;
}

/* cmdline.c */

/**
 * cmdline_parse: @argv[0] is the program. Returns 0, or -1 with @problem filled.
 * cmdline_parse_any: the same the slow way, for every line that popt understands: for tests.
 * cmdline_clear: frees what @line holds.
 */
int cmdline_parse(int argc, char **argv, struct cmdline *ret_line, struct problem *problem);
int cmdline_parse_any(int argc, char **argv, struct cmdline *ret_line, struct problem *problem);
void cmdline_clear(struct cmdline *line);

/* help.c */

/** The ipvsadm whose interface this is. */
#define IPVSADM_LEVEL "1.31"

/** help_print: the text of -h; version_print: the line of --version; on stdout. */
void help_print(void);
void version_print(void);

/* rules.c */

/** rules_check: does every option go with the command, and is none missing? Returns 0 or -1. */
int rules_check(const struct cmdline *line, struct problem *problem);

/** command_name, option_name: as messages show them. */
const char *command_name(enum command command);
const char *option_name(enum option option);

/* service.c */

/** Longest result of service_name() and server_name(). */
#define NAME_SIZE 1100

/**
 * service_addr_parse: host:port of a virtual service or real server; host is an address or a name, an IPv6
 * address is in brackets; port is a number or a name of services(5).
 * Returns 0 or -1.
 */
int service_addr_parse(const char *word, uint8_t proto, struct dpvs_addr *ret_addr,
		       uint16_t *ret_port, bool *ret_has_port);

/** How addresses and ports are shown. */
enum naming {
	NAMING_NUMERIC,
	NAMING_RESOLVE, /**< names where there are any */
	NAMING_SAFE,    /**< names that mean the same address when they are read again */
};

/** addr_port_text: "192.0.2.1:80" or with names. Returns @buf. */
char *addr_port_text(const struct dpvs_addr *addr, uint16_t port, uint8_t proto, enum naming naming,
		     char buf[NAME_SIZE]);

/** sched_flags_parse: "mh-port,mh-fallback" for @sched (nullable: any). Returns 0 or -1. */
int sched_flags_parse(const char *word, const char *sched, uint32_t *ret_flags,
		      struct problem *problem);

/** sched_flags_text: "mh-fallback,mh-port", "" without flags. Returns @buf. */
char *sched_flags_text(uint32_t flags, const char *sched, char buf[64]);

/** sched_flag_text: the name of one bit, or NULL: for lists. */
const char *sched_flag_text(unsigned int bit, const char *sched);

/** proto_option: "-t", "-u". */
const char *proto_option(uint8_t proto);

/** fwd_name: "Masq"; fwd_option: "-m"; fwd_key: "nat", for JSON. */
const char *fwd_name(uint8_t fwd);
const char *fwd_option(uint8_t fwd);
const char *fwd_key(uint8_t fwd);

/* apply.c */

/** A change as records for the daemon. */
struct change {
	uint32_t id;
	uint32_t record_size;
	union {
		struct dpvs_service_conf service;
		struct dpvs_dest_conf dest;
		struct dpvs_laddr_conf laddr;
		struct dpvs_timeouts timeouts;
		struct dpvs_service_key key;
	} record;
};

/** change_from_line: the request of a changing command line; false for commands that change nothing. */
bool change_from_line(const struct cmdline *line, struct change *ret_change);

/**
 * refusal_text: what a refusal (@err, negative errno) of @command is called; where the original has no
 * words for it, @prefix, what was tried, and @why, the daemon's sentence.
 */
void refusal_text(enum command command, int err, const char *why, const char *prefix,
		  struct problem *ret_problem);

/** apply_run: sends one changing command line. Returns the exit code; prints what is wrong. */
int apply_run(struct dpvs_client *client, const struct cmdline *line);

/* config.c */

/** struct config: the configuration and counters of the daemon at one moment. */
struct config {
	struct dpvs_lb_info info;
	struct dpvs_timeouts timeouts;
	struct dpvs_service_info *services;
	struct dpvs_dest_info *dests;     /**< of one service next to each other, services in their order */
	struct dpvs_laddr_info *laddrs;   /**< likewise */
	uint32_t num_services;
	uint32_t num_dests;
	uint32_t num_laddrs;
	char error[1024]; /**< why a fetch failed */
};

/** What config_fetch() asks for; services always. */
enum {
	CONFIG_INFO = 1u << 0,
	CONFIG_DESTS = 1u << 1,
	CONFIG_LADDRS = 1u << 2,
	CONFIG_TIMEOUTS = 1u << 3,
	CONFIG_SORT = 1u << 4, /**< by protocol, address, port; else as the daemon has them */
	CONFIG_WHOLE = 1u << 5, /**< ask again when it changed between the answers */
};

/**
 * config_fetch: asks the daemon, in one go.
 * @key: (nullable): only this service
 * Returns 0 or a negative errno; @ret_config is to be freed in any case.
 */
int config_fetch(struct dpvs_client *client, const struct dpvs_service_key *key, unsigned int what,
		 struct config *ret_config);

void config_free(struct config *config);

/** config_dests, config_laddrs: those of service @index; @ret_count says how many. */
const struct dpvs_dest_info *config_dests(const struct config *config, uint32_t index,
					  uint32_t *ret_count);
const struct dpvs_laddr_info *config_laddrs(const struct config *config, uint32_t index,
					    uint32_t *ret_count);

/** key_cmp: orders as listings do. */
int key_cmp(const struct dpvs_service_key *a, const struct dpvs_service_key *b);

/* the commands; each returns the exit code */
int list_run(struct dpvs_client *client, const struct cmdline *line);
int list_laddrs_run(struct dpvs_client *client, const struct cmdline *line);
int list_conns_run(struct dpvs_client *client, const struct cmdline *line);
int save_run(struct dpvs_client *client, const struct cmdline *line);
int restore_run(struct dpvs_client *client, const struct cmdline *line);

#endif
