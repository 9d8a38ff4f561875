/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who decides whether a fault point fails: see fault_point.h. Each thread has a setting of its own; the
 * workers share one. In a daemon that was built with fault points and is run by hand, the environment
 * decides: DPVS_FAULT_RATE (of 1,000,000, all threads) and DPVS_FAULT_SEED.
 */
#include "fault_point.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_lcore.h>

/* As many workers can be held up. */
#define WORKERS 128

/* What a thread's points do. */
enum {
	MODE_SHARED, /* as fault_workers() says */
	MODE_OFF,
	MODE_NTH,
	MODE_RANDOM,
};

/** struct setting: of one thread. */
struct setting {
	unsigned int mode;
	uint32_t rate;
	uint64_t nth;
	uint64_t state; /* of the random numbers; never 0 when used */
	uint64_t passed;
	uint64_t failed;
	const struct fault_site *last;
};

static __thread struct setting own;
static _Atomic uint64_t shared_seed;
static _Atomic uint32_t shared_rate;
static _Atomic uint32_t holds[WORKERS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_site sites[FAULT_SITES]; /* under the lock */
static unsigned int num_sites;

static void
read_environment(void)
{
	const char *rate = getenv("DPVS_FAULT_RATE");
	const char *seed = getenv("DPVS_FAULT_SEED");

	if (rate != NULL)
		fault_workers(seed != NULL ? strtoull(seed, NULL, 0) : 1, (uint32_t)strtoul(rate, NULL, 0));
}

static void
set(unsigned int mode, uint32_t rate, uint64_t nth, uint64_t seed)
{
	/* Seeds that are near each other give numbers that are not. */
	seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	own = (struct setting){ .mode = mode, .rate = rate, .nth = nth, .state = seed | 1 };
}

void
fault_nth(uint64_t n)
{
	set(MODE_NTH, 0, n, 0);
}

void
fault_random(uint64_t seed, uint32_t rate)
{
	set(MODE_RANDOM, rate, 0, seed);
}

void
fault_off(void)
{
	own.mode = MODE_OFF;
}

uint64_t
fault_passed(void)
{
	return own.passed;
}

uint64_t
fault_failed(void)
{
	return own.failed;
}

const struct fault_site *
fault_last(void)
{
	return own.last;
}

void
fault_workers(uint64_t seed, uint32_t rate)
{
	atomic_store_explicit(&shared_seed, seed + 1, memory_order_relaxed);
	atomic_store_explicit(&shared_rate, rate, memory_order_relaxed);
}

static bool
is_due(uint32_t rate)
{
	/* xorshift64 */
	own.state ^= own.state << 13;
	own.state ^= own.state >> 7;
	own.state ^= own.state << 17;
	return own.state % 1000000 < rate;
}

static void
note(const char *name, const char *file, int line, bool fail)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < num_sites; i++) {
		if (sites[i].line == line && strcmp(sites[i].file, file) == 0 &&
		    strcmp(sites[i].name, name) == 0)
			break;
	}
	if (i < FAULT_SITES) {
		if (i == num_sites)
			sites[num_sites++] = (struct fault_site){ .name = name, .file = file, .line = line };
		sites[i].passed++;
		sites[i].failed += fail;
		if (fail)
			own.last = &sites[i];
	}
	pthread_mutex_unlock(&lock);
}

bool
fault_point(const char *name, const char *file, int line)
{
	unsigned int lcore;
	uint32_t rate;
	bool fail;

	pthread_once(&once, read_environment);
	if (own.mode == MODE_OFF)
		return false;
	if (own.mode == MODE_SHARED) {
		rate = atomic_load_explicit(&shared_rate, memory_order_relaxed);
		lcore = rte_lcore_id();
		if (rate == 0 || lcore == LCORE_ID_ANY)
			return false;
		if (own.state == 0) {
			set(MODE_SHARED, 0, 0,
			    atomic_load_explicit(&shared_seed, memory_order_relaxed) + lcore);
		}
		fail = is_due(rate);
	} else if (own.mode == MODE_NTH) {
		fail = own.passed + 1 == own.nth;
	} else {
		fail = is_due(own.rate);
	}
	own.passed++;
	own.failed += fail;
	note(name, file, line, fail);
	return fail;
}

void
fault_hold(unsigned int worker, unsigned int how)
{
	if (worker < WORKERS)
		atomic_store_explicit(&holds[worker], how, memory_order_release);
}

bool
fault_held(unsigned int worker)
{
	uint32_t how = worker < WORKERS ? atomic_load_explicit(&holds[worker], memory_order_acquire) : 0;

	while (how == FAULT_HOLD_LOOP) {
		usleep(100);
		how = atomic_load_explicit(&holds[worker], memory_order_acquire);
	}
	return how == FAULT_HOLD_MSGS;
}

unsigned int
fault_sites(struct fault_site ret_sites[FAULT_SITES])
{
	unsigned int n;

	pthread_mutex_lock(&lock);
	n = num_sites;
	memcpy(ret_sites, sites, n * sizeof(sites[0]));
	pthread_mutex_unlock(&lock);
	return n;
}
