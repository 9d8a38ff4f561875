/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for src/core and src/net under the control side of a module: one thread plays the main lcore
 * and all workers. A SET runs the module's own handler; what it sends to the workers is queued for each of
 * them and applied when the test says so, one operation at a time if it likes, so that every order in which
 * workers may see a change can be tried. No EAL, no daemon.
 *
 * A program that links this gets these functions in place of the daemon's: change_*(), lcore_*(), conf_*(),
 * netif_by_name(), netif_name(), netif_get(), ifaddr_hold(),
 * ifaddr_port_of(), ifaddr_announce(), conn_capacity(), log_*(), dpvs_req_*().
 *
 * Thread-safety: one thread.
 */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "net/ifaddr.h"

struct module;

/** fake_start: @workers workers, no changes; runs init() of @modules (NULL-ended). fake_stop: runs fini(). */
void fake_start(unsigned int workers, const struct module *const *modules);
void fake_stop(void);

/** fake_workers: how many workers there are, for tests without modules. */
void fake_workers(unsigned int workers);

/** fake_conf: value of a key for the next fake_start(); others have their defaults. */
void fake_conf(const char *section, const char *key, uint64_t value);

/**
 * fake_set: a request of @count records, as the server would hand it to the module. Returns what the
 * client would be told; 0: committed, but no worker has applied it yet. fake_error_text: of the last one.
 */
int fake_set(uint32_t id, const void *records, uint32_t count);
const char *fake_error_text(void);

/** struct fake_part: a request of a transaction. */
struct fake_part {
	uint32_t id;
	const void *records;
	uint32_t count;
};

/** fake_txn: the same with several requests as one change. */
int fake_txn(const struct fake_part *parts, unsigned int count);

/** fake_mode: what change_mode() says in the requests that follow: bits of CHANGE_*. */
void fake_mode(unsigned int bits);

/**
 * fake_between: @fn is called wherever a slice of the preparation of a fake_set() may end: after each record,
 * each part of one, each step back; and between the notes of a change that is confirmed. With one, change_slice_over() is always true. NULL: nobody is called.
 */
void fake_between(void (*fn)(void));

/** fake_get: the answer's records, each of g_array_get_element_size() bytes; NULL: refused with *ret_err. */
GArray *fake_get(uint32_t id, const void *record, int *ret_err);

/**
 * fake_get_begin: the same slice by slice: the first one is made. fake_get_more: makes the next one; false: it
 * was the last. fake_get_end: makes all that are left; *ret_flags: DPVS_REPLY_*. fake_get_cancel: the client
 * hangs up.
 */
struct dpvs_req;
struct dpvs_req *fake_get_begin(uint32_t id, const void *record);
bool fake_get_more(struct dpvs_req *req);
/** fake_get_waits: is there a next one? */
bool fake_get_waits(const struct dpvs_req *req);
GArray *fake_get_end(struct dpvs_req *req, int *ret_err, uint32_t *ret_flags);
void fake_get_cancel(struct dpvs_req *req);

/** fake_deliver: @worker applies its next operation; false: it has none. Acknowledged changes are ended. */
bool fake_deliver(unsigned int worker);

/** fake_sync: all workers apply all. */
void fake_sync(void);

/** fake_be: the functions of a worker that are called next are worker @worker's. */
void fake_be(unsigned int worker);

/** fake_fail_after: the @n-th change_op() from now on fails; 0: none does. */
void fake_fail_after(unsigned int n);

/** fake_fail_commits: the next @n commits find the rings full. */
void fake_fail_commits(unsigned int n);

/** fake_announced: addresses announced so far. */
unsigned int fake_announced(void);

/** fake_held: what an address is on its port for. */
enum ifaddr_hold fake_held(uint8_t af, const void *addr);

/** fake_job: runs the module's job of that name once. */
int fake_job(const char *name);

/** fake_changes: changes committed so far. */
uint64_t fake_changes(void);

#endif
