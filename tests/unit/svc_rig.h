/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of services share: services at two virtual addresses, requests for them, and what is seen of them.
 *
 * Thread-safety: one thread.
 */
#ifndef SVC_RIG_H
#define SVC_RIG_H

#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/proto/service.h>

#include "lb/service.h"

#define WORKERS 3
#define VIP "192.0.2.100"
#define VIP6 "2001:db8:1::100"
#define RS1 "198.51.100.11"
#define RS2 "198.51.100.12"

extern struct dpvs_service_key svc_vip;  /**< VIP:80 TCP; from svc_setup() on */
extern struct dpvs_service_key svc_vip6; /**< [VIP6]:80 TCP */

/** svc_setup: WORKERS workers, played by this thread (fake_core.h), no services. The test ends with fake_stop(). */
void svc_setup(void);

/** svc_add: a SET of a service, with @sched and defaults. */
int svc_add(const char *addr, uint16_t port, uint8_t proto, const char *sched);
int svc_del(const struct dpvs_service_key *key);

/** svc_dest: the SET @id of a server of svc_vip, or of svc_vip6 if @addr is of IPv6. svc_laddr: of a local address. */
int svc_dest(uint32_t id, const char *addr, uint16_t port, uint8_t fwd, uint32_t weight);
int svc_laddr(uint32_t id, const char *addr, const char *dev);

/** svc_listing: all that can be listed, as one string of bytes. */
GByteArray *svc_listing(void);

/** svc_count_of: how many records the GET @id has. */
uint32_t svc_count_of(uint32_t id, const void *filter);

/** svc_dest_info: the @i-th server of svc_vip. svc_info: a service. */
struct dpvs_dest_info svc_dest_info(unsigned int i);
struct dpvs_service_info svc_info(const struct dpvs_service_key *key);

/** svc_lookup: what @worker finds, or NULL. svc_schedule: the server that it chooses for svc_vip, or NULL. */
const struct service *svc_lookup(unsigned int worker, const char *addr, uint16_t port, uint8_t proto);
const struct dest *svc_schedule(unsigned int worker);

/** svc_count_conns: @worker counts @n connections of a slot. */
void svc_count_conns(unsigned int worker, uint32_t index, uint64_t n);

#endif
