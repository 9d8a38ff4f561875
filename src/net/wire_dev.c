/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that a wire record names: see wire_dev.h.
 */
#include "net/wire_dev.h"

#include <errno.h>
#include <string.h>

#include <dpvsctrl/server.h>
#include <dpvsctrl/types.h>

#include "core/change.h"
#include "net/netif.h"

static int
wire_dev(const char *dev, const struct netif **ret_nif)
{
	const struct netif *nif = NULL;

	if (memchr(dev, '\0', DPVS_IFNAME_SIZE) == NULL)
		return -EINVAL;
	if (dev[0] != '\0') {
		nif = netif_by_name(dev);
		if (nif == NULL)
			return -ENODEV;
	}
	*ret_nif = nif;
	return 0;
}

int
wire_dev_set(struct change *c, const char *dev, const struct netif **ret_nif)
{
	int ret = wire_dev(dev, ret_nif);

	if (ret == -EINVAL)
		return change_error(c, ret, "the name of the device has no end");
	if (ret == -ENODEV)
		return change_error(c, ret, "there is no device \"%s\"", dev);
	return 0;
}

int
wire_dev_get(struct dpvs_req *req, const char *dev, const struct netif **ret_nif)
{
	int ret = wire_dev(dev, ret_nif);

	if (ret == -EINVAL)
		return dpvs_req_error(req, ret, "the name of the device has no end");
	if (ret == -ENODEV)
		return dpvs_req_error(req, ret, "there is no device \"%s\"", dev);
	return 0;
}
