/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of the scheduler mh.
 *
 * Thread-safety: main lcore only, before any service is built.
 */
#ifndef MH_H
#define MH_H

#include <stdint.h>

/** Slots of a table: the default of key service.mh-table-size, and its limits. */
enum {
	MH_SLOTS_DEFAULT = 16381,
	MH_SLOTS_MIN = 251,
	MH_SLOTS_MAX = 1048573,
};

/** mh_set_slots: slots of tables built from now on: the next prime from @slots. */
void mh_set_slots(uint32_t slots);
uint32_t mh_get_slots(void);

#endif
