/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that a wire record names.
 *
 * Thread-safety: main lcore only.
 */
#ifndef NET_WIRE_DEV_H
#define NET_WIRE_DEV_H

struct change;
struct dpvs_req;
struct netif;

/**
 * wire_dev_set, wire_dev_get: find the port that @dev, of DPVS_IFNAME_SIZE bytes, names; *ret_nif is NULL
 * when it is empty. Return 0, -EINVAL (without an end), -ENODEV; the text is in @c or @req.
 */
int wire_dev_set(struct change *c, const char *dev, const struct netif **ret_nif);
int wire_dev_get(struct dpvs_req *req, const char *dev, const struct netif **ret_nif);

#endif
