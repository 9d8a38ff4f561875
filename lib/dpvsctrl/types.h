/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types that every wire record uses. Only C and POSIX; neither DPDK nor GLib.
 *
 * Rules of all records (doc/protocol.md): fixed-width fields, explicit padding that is zero, no
 * pointers, no bit-fields, no enum members. Integers are in host order (little endian on the wire;
 * big-endian machines are refused at configure time), addresses are bytes in network order. Records
 * grow at the end only: a shorter record is zero-extended, a longer one is accepted when the tail
 * that the receiver does not know is zero.
 *
 * Thread-safety: plain data.
 */
#ifndef DPVSCTRL_TYPES_H
#define DPVSCTRL_TYPES_H

#include <assert.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Size of a port (device) name with its ending NUL. */
#define DPVS_IFNAME_SIZE 32

/** Size of a scheduler name with its ending NUL. */
#define DPVS_SCHED_NAME_SIZE 16

/**
 * struct dpvs_addr:
 * @family: AF_INET (2), AF_INET6 (10), or 0 for "no address"
 * @pad: zero
 * @bytes: the address in network order; IPv4 in the first four bytes, the rest zero
 *
 * An IPv4 or IPv6 address.
 */
struct dpvs_addr {
	uint8_t family;
	uint8_t pad[3];
	uint8_t bytes[16];
};

static_assert(sizeof(struct dpvs_addr) == 20, "wire format");

#ifdef __cplusplus
}
#endif

#endif
