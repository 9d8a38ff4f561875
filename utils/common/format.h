/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values turned into text: addresses, MAC addresses, numbers, times; and names of ports and protocols.
 * Each function writes to the caller's buffer and returns it.
 *
 * Thread-safety: any thread, but for the names (getservbyport() and its like): one thread.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <dpvsctrl/types.h>

#define FORMAT_ADDR_SIZE 48      /**< IPv6 address or prefix */
#define FORMAT_ADDR_PORT_SIZE 64 /**< [IPv6]:port */
#define FORMAT_MAC_SIZE 18
#define FORMAT_NUMBER_SIZE 24
#define FORMAT_NAME_SIZE 1088 /**< host name, colon, service name */

/** format_addr: "192.0.2.1", "2001:db8::1"; family 0: "". */
char *format_addr(const struct dpvs_addr *addr, char buf[FORMAT_ADDR_SIZE]);

/** format_prefix: "192.0.2.0/24"; always with its length. */
char *format_prefix(const struct dpvs_addr *addr, uint8_t plen, char buf[FORMAT_ADDR_SIZE]);

/** format_addr_port: "192.0.2.1:80", "[2001:db8::1]:80". */
char *format_addr_port(const struct dpvs_addr *addr, uint16_t port, char buf[FORMAT_ADDR_PORT_SIZE]);

/** format_mac: "02:00:00:00:00:01". */
char *format_mac(const uint8_t mac[6], char buf[FORMAT_MAC_SIZE]);

/** How format_number() shortens. */
enum format_units {
	FORMAT_PLAIN, /**< every digit */
	FORMAT_SI,    /**< 1.5M: powers of 1000 */
	FORMAT_IEC,   /**< 1.5Mi: powers of 1024 */
};

/** format_number: "1234567", "1.23M", "1.18Mi". */
char *format_number(uint64_t value, enum format_units units, char buf[FORMAT_NUMBER_SIZE]);

/** format_duration: "850ms", "12s", "3m05s", "2h03m", "4d02h". */
char *format_duration(uint64_t ms, char buf[FORMAT_NUMBER_SIZE]);

/** proto_name: "tcp", "udp", "sctp", "icmp", "ipv6-icmp"; else the number, in @buf. */
const char *proto_name(uint8_t proto, char buf[FORMAT_NUMBER_SIZE]);

/** proto_parse: the reverse, names or numbers. Returns: 0 or -EINVAL. */
int proto_parse(const char *word, uint8_t *ret_proto);

/**
 * format_host_port: as format_addr_port(), but with the host's name (a reverse look-up, which may take
 * its time) and the port's name where there are any.
 */
char *format_host_port(const struct dpvs_addr *addr, uint16_t port, uint8_t proto,
		       char buf[FORMAT_NAME_SIZE]);

#endif
