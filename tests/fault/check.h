/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds whatever fails: what the daemon lists is what the model has, workers have what the truth says, and
 * when all is taken away nothing is left.
 *
 * Thread-safety: the main thread only.
 */
#ifndef FAULT_CHECK_H
#define FAULT_CHECK_H

#include <stdint.h>

#include "model.h"

/** Workers of the daemon. */
#define WORKERS 3

/** check_listing: the daemon lists what @m has. check_workers: and all workers have it. @when: for the message. */
void check_listing(const struct model *m, const char *when);
void check_workers(const char *when);

/** check_settle: waits until changes are over, and the messages that they took have been given back. */
void check_settle(void);

/** check_take_packets: what was sent is thrown away. */
void check_take_packets(void);

/** check_must: a request that nothing is wrong with. */
void check_must(uint32_t id, const void *record, uint32_t size);

/**
 * check_clean_up: away with all that @m, drawn with @rnd, has but what it began with; waits until the daemon has
 * forgotten it. @m is as it began.
 */
void check_clean_up(struct model *m, GRand *rnd);

/**
 * check_service: a service that forwards from dpdk0 to dpdk1, 192.0.2.100:80, and nothing else but what there was in the
 * beginning; the model does not have it, and it stays.
 */
void check_service(void);

/**
 * check_connect: sends @count connection attempts to that service by worker @worker, from ports beginning at @first_port.
 * Returns how many reached the server.
 */
unsigned int check_connect(unsigned int worker, unsigned int count, uint16_t first_port);

/** struct held: what must be the same at the end of each round. */
struct held {
	uint64_t msgs;
	uint64_t mbufs;
	uint64_t rte_bytes;
	uint64_t heap;
};

/** check_measure: what is held when nothing is under way. */
void check_measure(struct held *ret);

/** check_times_failed: how often points of that name, or in that file, have failed so far. */
uint64_t check_times_failed(const char *name);

#endif
