/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of messages between real lcores share: three workers that float over whatever CPUs there are, so that
 * main and workers often share one, and the messages that they understand. A worker sleeps for up to ten seconds when it
 * has nothing to do: a doorbell that is lost makes a test fail, not slow.
 *
 * Thread-safety: main lcore only; workers write the members of struct msg_rig that are atomic.
 */
#ifndef MSG_RIG_H
#define MSG_RIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_lcore.h>

#include <dpvsctrl/msg.h>

enum {
	RIG_LCORES = 4,
	RIG_WORKERS = RIG_LCORES - 1,
	RIG_POOL = 255,
	RIG_SLEEP_US = 10 * 1000 * 1000,
	RIG_WAIT_MS = 20000,

	T_DOUBLE = 100,  /* worker: doubles a u64 */
	T_COUNT = 101,   /* any: counts */
	T_COMMIT = 102,  /* worker: takes payload's number of loops */
	T_ASK = 103,     /* worker: asks main (T_DOUBLE there), counts the answer */
	T_HIGH = 104,
	T_NORM = 105,
	T_LOW = 106,
	T_LATE = 107,    /* registered while workers run */
	T_DROP = 108,    /* on_drop counts */
	T_MUTE = 109,    /* nobody handles it */
	T_REG = 110,     /* worker: registers T_LATE through main */
	T_PIECES = 111,  /* worker: goes on until its time is over, in payload's number of loops */
};

/** struct msg_rig: what is asked of the workers, and what came of it. */
struct msg_rig {
	_Atomic bool hold[RTE_MAX_LCORE]; /**< workers that do not look at their messages, */
	_Atomic bool held[RTE_MAX_LCORE]; /**< and know it */
	_Atomic bool sleepy;
	_Atomic bool slow;                /**< T_HIGH and its like take 10 us */
	_Atomic unsigned int counted[RTE_MAX_LCORE];
	_Atomic unsigned int answers[RTE_MAX_LCORE];
	_Atomic unsigned int ask_failed;
	_Atomic unsigned int dropped;
	_Atomic unsigned int loops_deferred;
	_Atomic unsigned int order_len;
	uint32_t order[64];
	_Atomic uint64_t loop_no[RTE_MAX_LCORE];
	_Atomic uint64_t order_tsc;       /**< when the last of T_HIGH and its like began, */
	_Atomic uint64_t order_loop;      /**< and in which loop */
	_Atomic uint64_t slice_seen;      /**< cycles of its loop's time gone when there was some left, at most */
	_Atomic unsigned int reg_answers;
	_Atomic int reg_status;
	/* of the last answer on main */
	unsigned int done_calls;
	int done_status;
	uint64_t done_value;
	uint32_t done_flags;
};

extern struct msg_rig rig;

/** rig_late_type: T_LATE; on lcores that know it, counted like T_COUNT. */
extern const struct dpvs_msg_type rig_late_type;

/** rig_setup, rig_setup_slice: messages with all types but T_LATE; @slice_us of a loop for them, 0: the default. */
void rig_setup(void);
void rig_setup_slice(uint32_t slice_us);
void rig_start_workers(void);
/** rig_teardown: ends the workers, and messages. */
void rig_teardown(void);

/** rig_set_hold: holds a worker, or lets it go, and waits until it knows. */
void rig_set_hold(unsigned int lcore, bool on);
/** rig_wait_for: runs the main loop until *@flag is @value. */
void rig_wait_for(const unsigned int *flag, unsigned int value);
/** rig_wait_counted: runs the main loop without sleeping until an atomic of the workers is @value. */
void rig_wait_counted(const _Atomic unsigned int *counter, unsigned int value);
/** rig_wait_pool_empty: everything has come home. rig_in_use: messages that have not. */
void rig_wait_pool_empty(void);
uint64_t rig_in_use(void);

struct dpvs_msg *rig_new_u64(uint32_t type, uint64_t v);
struct dpvs_msg *rig_new_u32(uint32_t type, uint32_t v);
/** rig_done: a callback that notes the answer in the rig; @arg is &rig.done_calls. */
void rig_done(struct dpvs_msg *msg, int status, void *arg);

#endif
