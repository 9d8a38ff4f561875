/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of dpip: one connection for all of its requests, and what is said when one fails.
 */
#include "dpip/session.h"

#include <errno.h>
#include <poll.h>

void
session_close(struct dpip *d)
{
	dpvs_client_close(d->client);
	d->client = NULL;
}

void
session_keep(struct dpip *d, struct dpvs_reply *reply)
{
	dpvs_reply_free(d->before);
	d->before = reply;
}

/*
 * A time-out closes a connection, and the daemon ends one that is idle for long, between two rounds
 * or two lines of a batch: then something can be read although nothing was asked.
 */
static bool
is_closed(const struct dpip *d)
{
	struct pollfd p = { .fd = dpvs_client_fd(d->client), .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) > 0;
}

int
session_open(struct dpip *d)
{
	if (d->client && is_closed(d))
		session_close(d);
	if (!d->client && daemon_connect(&d->opts.daemon, &d->client))
		return EXIT_UNREACHABLE;
	return EXIT_OK;
}

int
session_failed(struct dpip *d, int rc)
{
	if (dpvs_client_unreachable(d->client)) {
		error_print("%s", dpvs_client_error(d->client));
		return EXIT_UNREACHABLE;
	}
	if (rc == -ENODEV && d->dev)
		error_line("Device \"%s\" does not exist.", d->dev);
	else
		error_print("%s", dpvs_client_error(d->client));
	return EXIT_REFUSED;
}

int
session_get(struct dpip *d, uint32_t id, const void *record, uint32_t size,
	    struct dpvs_reply **ret_reply)
{
	int rc = session_open(d);

	*ret_reply = NULL;
	if (rc)
		return rc;
	rc = dpvs_client_get(d->client, id, record, size, ret_reply);
	return rc ? session_failed(d, rc) : EXIT_OK;
}

int
session_ask_workers(struct dpip *d, uint32_t id, const void *record, uint32_t size,
		    struct dpvs_reply **ret_reply)
{
	*ret_reply = NULL;
	if (session_open(d))
		return EXIT_UNREACHABLE;
	daemon_be_patient(d->client);
	return session_get(d, id, record, size, ret_reply);
}

int
session_stream(struct dpip *d, uint32_t id, const void *record, uint32_t size)
{
	int rc = session_open(d);

	if (rc)
		return rc;
	rc = dpvs_stream_open(d->client, id, record, size, &d->stream);
	return rc ? session_failed(d, rc) : EXIT_OK;
}

int
session_next(struct dpip *d, void *record, uint32_t size, bool *ret_more)
{
	int rc = dpvs_stream_next(d->stream, record, size);

	*ret_more = rc > 0;
	return rc < 0 ? session_failed(d, rc) : EXIT_OK;
}

void
session_end(struct dpip *d)
{
	dpvs_stream_close(d->stream);
	d->stream = NULL;
}

int
session_set(struct dpip *d, uint32_t id, const void *record, uint32_t size)
{
	int rc;

	if (d->set && !d->alone)
		return d->set(d, id, record, size);
	rc = session_open(d);
	if (rc)
		return rc;
	rc = dpvs_client_set(d->client, id, record, size, record ? 1 : 0);
	return rc ? session_failed(d, rc) : EXIT_OK;
}
