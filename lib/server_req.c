/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request of the control socket: its records brought to the size that the handler knows, the
 * handler called, its answer collected and sent in parts. A handler may keep the request and end it
 * later; what it adds meanwhile goes out part by part, and dpvs_req_backlog() and dpvs_req_on_drained()
 * let it keep pace with a slow reader.
 */
#include "server_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What a client takes for an errno. */
#define ERRNO_MAX 4095

static void
req_free(struct dpvs_req *req)
{
	if (req->cancel_source != 0)
		g_source_remove(req->cancel_source);
	if (req->server != NULL)
		g_queue_unlink(&req->server->reqs, &req->link);
	if (req->client != NULL)
		req->client->req = NULL;
	g_free(req->memory);
	g_free(req->part);
	g_free(req);
}

/* Ends @req: the last part of the answer, the audit; the client's next request may follow. */
static void
req_finish(struct dpvs_req *req, int err)
{
	struct dpvs_server *s = req->server;
	struct client *c = req->client;

	if (req->no_memory) {
		err = -ENOMEM;
		g_strlcpy(req->errstr, "not enough memory for the answer", sizeof(req->errstr));
	}
	if (err > 0 || err < -ERRNO_MAX)
		err = -EINVAL;
	if (err < 0 && req->errstr[0] == '\0')
		g_strlcpy(req->errstr, g_strerror(-err), sizeof(req->errstr));
	if (err == 0)
		req->errstr[0] = '\0';
	if (s != NULL && s->params.audit != NULL && req->opt->type == DPVS_SOCKOPT_SET)
		s->params.audit(req->opt, req->uid, req->pid, req->count, err, req->errstr);
	if (c != NULL && req->stream) {
		c->req = NULL;
		req->client = NULL;
		c->closing = true;
		if (err < 0)
			client_frame(c, &req->msg, err, 0, req->errstr,
				     s->params.generation != NULL ? s->params.generation() : 0, 0, NULL, 0);
	} else if (c != NULL) {
		c->req = NULL;
		req->client = NULL;
		client_reply(c, &req->msg, err, req->flags, err < 0 ? req->index : UINT32_MAX,
			     req->errstr, req->part_record_size, req->part,
			     err == 0 ? req->part_bytes : 0);
	}
	req_free(req);
}

/* Who tried to change something is worth a line also when it goes no further. */
void
req_audit_refused(const struct client *c, const struct dpvs_sockopt *opt, uint32_t count, int err,
		  const char *errstr)
{
	if (opt->type == DPVS_SOCKOPT_SET && c->server->params.audit != NULL)
		c->server->params.audit(opt, c->uid, c->pid, count, err, errstr);
}

/* Refuses @msg before there is a struct dpvs_req. */
static void
refuse(struct client *c, const struct dpvs_sockopt *opt, const struct dpvs_sock_msg *msg,
       uint32_t count, int err, uint32_t index, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

static void
refuse(struct client *c, const struct dpvs_sockopt *opt, const struct dpvs_sock_msg *msg,
       uint32_t count, int err, uint32_t index, const char *format, ...)
{
	char text[DPVS_ERRSTR_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	req_audit_refused(c, opt, count, err, text);
	client_reply(c, msg, err, 0, index, text, 0, NULL, 0);
}

/* The text of -E2BIG. */
#define UNKNOWN "a record of %s uses fields that this daemon does not know (%u bytes, known are %u)"

/*
 * Where the records of a request stay until it ends: in the memory that it was read into if that is large, else in a copy.
 * Those that are not for DPVS_SOCKOPT_BY_RECORD are brought to the handler's size. Returns false: the client was told.
 */
static bool
keep_records(struct client *c, const struct dpvs_sock_msg *msg, struct dpvs_req *req, const unsigned char *records)
{
	const struct dpvs_sockopt *opt = req->opt;
	bool as_is = (opt->flags & DPVS_SOCKOPT_BY_RECORD) != 0 || req->record_size == opt->record_size;
	size_t size = (size_t)req->count * req->record_size;
	bool aligned = (uintptr_t)records % _Alignof(max_align_t) == 0;

	if (opt->record_size == 0 || (req->count == 0 && as_is && (opt->flags & DPVS_SOCKOPT_BY_RECORD) != 0))
		return true;
	if (as_is && size > TAKE_MIN && (aligned || (opt->flags & DPVS_SOCKOPT_BY_RECORD) != 0)) {
		req->memory = client_take(c);
		req->records = records;
	} else {
		if (!as_is || req->count == 0)
			size = (size_t)MAX(req->count, 1u) * opt->record_size;
		req->memory = as_is && req->count > 0 ? g_try_malloc(size) : g_try_malloc0(size);
		req->records = req->memory;
	}
	if (req->memory == NULL) {
		refuse(c, opt, msg, req->count, -ENOMEM, UINT32_MAX, "not enough memory for %u records", req->count);
		return false;
	}
	if (req->records == records || req->count == 0)
		return true;
	if (as_is) {
		memcpy(req->memory, records, size);
		return true;
	}
	for (uint32_t i = 0; i < req->count; i++) {
		if (dpvs_wire_get_record(records + (size_t)i * req->record_size, req->record_size,
					 req->memory + (size_t)i * opt->record_size, opt->record_size) < 0) {
			refuse(c, opt, msg, req->count, -E2BIG, i, UNKNOWN, opt->name, req->record_size,
			       opt->record_size);
			return false;
		}
	}
	req->record_size = opt->record_size;
	return true;
}

void
req_start(struct client *c, const struct dpvs_sockopt *opt, const struct dpvs_sock_msg *msg,
	  const struct dpvs_sock_body *body, const unsigned char *records)
{
	bool by_record = (opt->flags & DPVS_SOCKOPT_BY_RECORD) != 0;
	uint32_t count = body->count;
	struct dpvs_req *req;
	int rc;

	if (opt->record_size == 0 && count > 0) {
		refuse(c, opt, msg, count, -EINVAL, UINT32_MAX, "%s takes no record", opt->name);
		return;
	}
	if (count < opt->min_records) {
		refuse(c, opt, msg, count, -EINVAL, UINT32_MAX, "%s needs a record", opt->name);
		return;
	}
	if (count > opt->max_records || (!by_record && (uint64_t)count * opt->record_size > RECORDS_MAX)) {
		refuse(c, opt, msg, count, -EMSGSIZE, UINT32_MAX, "%s takes at most %u records, not %u", opt->name,
		       by_record ? opt->max_records :
				   MIN(opt->max_records, RECORDS_MAX / MAX(opt->record_size, 1u)), count);
		return;
	}
	req = g_new0(struct dpvs_req, 1);
	req->opt = opt;
	req->msg = *msg;
	req->uid = c->uid;
	req->pid = c->pid;
	req->count = count;
	req->record_size = body->record_size;
	req->index = UINT32_MAX;
	if (!keep_records(c, msg, req, records)) {
		g_free(req->memory);
		g_free(req);
		return;
	}
	req->client = c;
	req->server = c->server;
	req->link.data = req;
	g_queue_push_tail_link(&c->server->reqs, &req->link);
	c->req = req;

	req->in_handler = true;
	rc = opt->fn(req, by_record ? NULL : req->records, count);
	req->in_handler = false;
	if (req->ended)
		req_finish(req, req->result);
	else if (rc != DPVS_REQ_PENDING)
		req_finish(req, rc);
}

int
dpvs_req_record(struct dpvs_req *req, uint32_t index, void *ret_record)
{
	const struct dpvs_sockopt *opt = req->opt;
	int rc;

	if ((opt->flags & DPVS_SOCKOPT_BY_RECORD) == 0 || index >= MAX(req->count, 1u))
		return -EINVAL;
	if (req->count == 0) {
		memset(ret_record, 0, opt->record_size);
		return 0;
	}
	rc = dpvs_wire_get_record(req->records + (size_t)index * req->record_size, req->record_size, ret_record,
				  opt->record_size);
	if (rc < 0) {
		req->index = index;
		return dpvs_req_error(req, rc, UNKNOWN, opt->name, req->record_size, opt->record_size);
	}
	return 0;
}

const void *
dpvs_req_data(const struct dpvs_req *req)
{
	return req->opt->data;
}

const struct dpvs_sockopt *
dpvs_req_sockopt(const struct dpvs_req *req)
{
	return req->opt;
}

void
dpvs_req_add(struct dpvs_req *req, const void *record, uint32_t record_size)
{
	/* Nobody listens any more. */
	if (req->client == NULL || req->client->dead || req->no_memory)
		return;
	if (record_size == 0 || record_size > DPVS_RECORD_MAX ||
	    (req->part_record_size != 0 && req->part_record_size != record_size)) {
		g_return_if_reached();
	}
	req->part_record_size = record_size;
	if (req->part_bytes > 0 && req->part_bytes + record_size > PART_SIZE) {
		client_reply(req->client, &req->msg, 0, req->flags | DPVS_REPLY_MORE, UINT32_MAX, "",
			     record_size, req->part, req->part_bytes);
		req->part_bytes = 0;
		/* A part that overflowed what may be unread has taken the client away. */
		if (req->client == NULL)
			return;
	}
	if (req->part_size - req->part_bytes < record_size) {
		size_t size = MIN(MAX(req->part_size * 2, record_size * 4u), PART_SIZE + 0u);
		unsigned char *p = g_try_realloc(req->part, size);

		if (p == NULL) {
			req->no_memory = true;
			return;
		}
		req->part = p;
		req->part_size = size;
	}
	memcpy(req->part + req->part_bytes, record, record_size);
	req->part_bytes += record_size;
}

/* A text may quote what the client sent: it goes to terminals, logs and JSON all the same. */
static void
text_clean(char *text)
{
	const char *bad;

	while (!g_utf8_validate(text, -1, &bad))
		text[bad - text] = '?';
	for (; *text != '\0'; text++)
		if (g_ascii_iscntrl(*text))
			*text = '?';
}

int
dpvs_req_error(struct dpvs_req *req, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(req->errstr, sizeof(req->errstr), format, args);
	va_end(args);
	text_clean(req->errstr);
	return err;
}

void
dpvs_req_error_index(struct dpvs_req *req, uint32_t index)
{
	req->index = index;
}

void
dpvs_req_set_flags(struct dpvs_req *req, uint32_t flags)
{
	req->flags |= flags & DPVS_REPLY_CHANGED;
}

uid_t
dpvs_req_uid(const struct dpvs_req *req)
{
	return req->uid;
}

pid_t
dpvs_req_pid(const struct dpvs_req *req)
{
	return req->pid;
}

static struct client_data **
find_data(struct client *c, const void *key)
{
	struct client_data **link = &c->data;

	while (*link != NULL && (*link)->key != key)
		link = &(*link)->next;
	return link;
}

void *
dpvs_req_client_data(const struct dpvs_req *req, const void *key)
{
	const struct client_data *d = req->client != NULL ? *find_data(req->client, key) : NULL;

	return d != NULL ? d->data : NULL;
}

int
dpvs_req_set_client_data(struct dpvs_req *req, const void *key, void *data, void (*destroy)(void *data))
{
	struct client_data **link, *d;

	if (req->client == NULL || req->client->dead)
		return -ENOTCONN;
	link = find_data(req->client, key);
	d = *link;
	if (data == NULL) {
		if (d != NULL)
			*link = d->next;
		g_free(d);
		return 0;
	}
	if (d == NULL) {
		d = g_try_new0(struct client_data, 1);
		if (d == NULL)
			return -ENOMEM;
		*link = d;
	}
	d->key = key;
	d->data = data;
	d->destroy = destroy;
	return 0;
}

/* The connection ends. */
void
req_data_free(struct client *c)
{
	struct client_data *d;

	while ((d = c->data) != NULL) {
		c->data = d->next;
		if (d->destroy != NULL)
			d->destroy(d->data);
		g_free(d);
	}
}

int
dpvs_req_cancelled(const struct dpvs_req *req)
{
	return req->client == NULL;
}

size_t
dpvs_req_backlog(const struct dpvs_req *req)
{
	return req->client == NULL ? 0 : req->client->out_bytes;
}

/* Calls the function that waits, once. */
static void
req_drained(struct dpvs_req *req)
{
	void (*fn)(struct dpvs_req *, void *) = req->drained;

	req->drained = NULL;
	if (fn != NULL)
		fn(req, req->drained_arg);
}

static gboolean
req_cancel_idle(gpointer arg)
{
	struct dpvs_req *req = arg;

	req->cancel_source = 0;
	req_drained(req);
	return G_SOURCE_REMOVE;
}

void
dpvs_req_on_drained(struct dpvs_req *req, void (*fn)(struct dpvs_req *req, void *arg), void *arg)
{
	if (req->stream && req->client == NULL)
		return; /* gone() is on its way */
	req->drained = fn;
	req->drained_arg = arg;
	if (req->client != NULL)
		client_wake(req->client);
	else if (fn != NULL && req->cancel_source == 0)
		req->cancel_source = g_idle_add_full(G_PRIORITY_DEFAULT, req_cancel_idle, req, NULL);
}

void
req_check_drained(struct dpvs_req *req)
{
	if (req->drained != NULL && req->client->out_bytes < BACKLOG_LOW)
		req_drained(req);
}

/* The client is gone. Who waits for it to read learns that from a turn of the loop of its own. */
void
req_hangup(struct dpvs_req *req)
{
	req->client = NULL;
	g_clear_pointer(&req->part, g_free);
	req->part_bytes = 0;
	req->part_size = 0;
	if (req->stream) {
		req->drained = req->gone;
		req->drained_arg = req->gone_arg;
	}
	if (req->drained != NULL && req->cancel_source == 0)
		req->cancel_source = g_idle_add_full(G_PRIORITY_DEFAULT, req_cancel_idle, req, NULL);
}

int
dpvs_req_stream(struct dpvs_req *req, void (*gone)(struct dpvs_req *req, void *arg), void *arg)
{
	struct client *c = req->client;

	if (req->stream || req->ended || req->opt->type != DPVS_SOCKOPT_GET)
		return -EINVAL;
	if (req->no_memory)
		return -ENOMEM;
	if (c == NULL || c->dead)
		return -ENOTCONN;
	client_reply(c, &req->msg, 0, req->flags, UINT32_MAX, "", req->part_record_size, req->part,
		     req->part_bytes);
	if (c->dead)
		return -ENOTCONN;
	g_clear_pointer(&req->part, g_free);
	req->part_bytes = 0;
	req->part_size = 0;
	req->drained = NULL;
	req->stream = true;
	req->gone = gone;
	req->gone_arg = arg;
	client_wake(c);
	return 0;
}

int
dpvs_req_stream_send(struct dpvs_req *req, uint32_t flags, uint64_t generation, const void *records,
		 uint32_t record_size, uint32_t count)
{
	struct client *c = req->client;

	if (!req->stream || record_size > DPVS_RECORD_MAX || (uint64_t)record_size * count > DPVS_BODY_MAX / 2)
		return -EINVAL;
	if (c == NULL || c->dead)
		return -ENOTCONN;
	client_frame(c, &req->msg, 0, flags & DPVS_REPLY_MORE, "", generation, record_size, records,
		     (size_t)record_size * count);
	client_flush(c);
	client_watch(c);
	if (!c->server->in_turn)
		server_reap(c->server);
	return req->client == NULL ? -ENOTCONN : 0;
}

void
dpvs_req_end(struct dpvs_req *req, int err)
{
	struct client *c = req->client;

	if (req->in_handler) {
		req->ended = true;
		req->result = err;
		return;
	}
	req_finish(req, err);
	if (c != NULL && !c->dead) {
		client_flush(c);
		client_wake(c);
	}
	if (c != NULL && !c->server->in_turn)
		server_reap(c->server);
}
