/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: requests are gathered into appends of about a megabyte, which are sent without waiting for their
 * answers. The first failure of any of them is kept; what was staged is thrown away then instead of committed.
 */
#include "client_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dpvsctrl/proto/txn.h>

enum {
	APPEND_MAX = 1 << 20, /* bytes of an append */
	WINDOW = 4,           /* appends on their way */
};

struct dpvs_txn {
	struct dpvs_client *client;
	size_t used;                /* bytes of buf */
	size_t last;                /* where the request that is gathered starts; SIZE_MAX: none is */
	uint32_t id;                /* its id, ... */
	struct dpvs_sock_body body; /* ... its records */
	int rc;      /* the first failure, with what the client said */
	int unreachable;
	uint32_t index;
	char error[sizeof(((struct dpvs_client *)NULL)->error)];
	unsigned char buf[APPEND_MAX];
};

int
dpvs_txn_begin(struct dpvs_client *c, uint32_t flags, uint64_t generation, struct dpvs_txn **ret_txn)
{
	struct dpvs_txn_begin begin = { .flags = flags, .generation = generation };
	struct dpvs_txn *txn;
	int rc;

	*ret_txn = NULL;
	client_begin(c);
	rc = client_usable(c);
	if (rc < 0)
		return rc;
	/* Not calloc(): most of the buffer may never be touched. */
	txn = malloc(sizeof(*txn));
	if (txn == NULL)
		return client_fail(c, -ENOMEM, "out of memory");
	rc = client_call(c, DPVS_SOCKOPT_SET, DPVS_SET_TXN_BEGIN, &begin, sizeof(begin), 1, NULL);
	if (rc < 0) {
		free(txn);
		return rc;
	}
	txn->client = c;
	txn->used = 0;
	txn->last = SIZE_MAX;
	txn->rc = 0;
	c->busy = "a transaction is open";
	*ret_txn = txn;
	return 0;
}

/* Keeps the first failure, as the client tells it now. Returns it. */
static int
failed(struct dpvs_txn *txn, int rc)
{
	if (txn->rc == 0) {
		txn->rc = rc;
		txn->unreachable = txn->client->unreachable;
		txn->index = txn->client->error_index;
		memcpy(txn->error, txn->client->error, sizeof(txn->error));
	}
	return txn->rc;
}

/* Makes the client say what it said of the first failure. Returns that. */
static int
tell_failure(struct dpvs_txn *txn)
{
	struct dpvs_client *c = txn->client;

	c->unreachable = txn->unreachable;
	c->error_index = txn->index;
	memcpy(c->error, txn->error, sizeof(c->error));
	return txn->rc;
}

/* Receives answers until at most @left are missing. */
static int
collect(struct dpvs_txn *txn, size_t left)
{
	while (txn->client->expected_count > left) {
		int rc = client_receive(txn->client, NULL, NULL);

		if (rc < 0)
			failed(txn, rc);
		if (txn->client->fd < 0)
			break;
	}
	return txn->rc;
}

/* Writes the head of the request that is being gathered, now that it is known how many records it has. */
static void
seal(struct dpvs_txn *txn)
{
	struct dpvs_sock_msg msg = {
		.version = DPVS_PROTO_VERSION,
		.id = txn->id,
		.type = DPVS_SOCKOPT_SET,
		.seq = 1,
		.len = txn->used - txn->last - sizeof(msg),
	};

	memcpy(txn->buf + txn->last, &msg, sizeof(msg));
	if (msg.len > 0)
		memcpy(txn->buf + txn->last + sizeof(msg), &txn->body, sizeof(txn->body));
	txn->last = SIZE_MAX;
}

/* Sends what was gathered. */
static int
flush(struct dpvs_txn *txn)
{
	int rc;

	if (txn->used == 0)
		return txn->rc;
	if (txn->last != SIZE_MAX)
		seal(txn);
	rc = client_send(txn->client, DPVS_SOCKOPT_SET, DPVS_SET_TXN_APPEND, txn->buf, 1,
			 (uint32_t)txn->used, NULL);
	txn->used = 0;
	return rc < 0 ? failed(txn, rc) : collect(txn, WINDOW);
}

/* Makes @id the request that is gathered, with room for @bytes; goes on with it when it is. */
static int
open_request(struct dpvs_txn *txn, uint32_t id, uint32_t record_size, size_t bytes)
{
	size_t head = sizeof(struct dpvs_sock_msg) + (record_size > 0 ? sizeof(struct dpvs_sock_body) : 0);
	bool same = txn->last != SIZE_MAX && record_size > 0 && txn->id == id &&
		    txn->body.record_size == record_size;

	if (same && APPEND_MAX - txn->used >= bytes)
		return 0;
	if (txn->last != SIZE_MAX)
		seal(txn);
	if (APPEND_MAX - txn->used < head + bytes) {
		int rc = flush(txn);

		if (rc < 0)
			return rc;
	}
	txn->id = id;
	txn->body = (struct dpvs_sock_body){ .record_size = record_size };
	txn->last = txn->used;
	txn->used += head;
	return 0;
}

int
dpvs_txn_set(struct dpvs_txn *txn, uint32_t id, const void *records, uint32_t record_size,
	     uint32_t count)
{
	struct dpvs_client *c = txn->client;
	const unsigned char *from = records;

	client_begin(c);
	if (txn->rc < 0)
		return tell_failure(txn);
	if (record_size > DPVS_RECORD_MAX || (record_size == 0 && count > 0) ||
	    (records == NULL && count > 0))
		return failed(txn, client_fail(c, -EINVAL, "records of %u bytes cannot be sent",
					       record_size));
	if (count == 0 && open_request(txn, id, 0, 0) < 0)
		return tell_failure(txn);
	while (count > 0) {
		size_t room;
		uint32_t n;

		if (open_request(txn, id, record_size, record_size) < 0)
			return tell_failure(txn);
		room = (APPEND_MAX - txn->used) / record_size;
		n = count < room ? count : (uint32_t)room;
		memcpy(txn->buf + txn->used, from, (size_t)n * record_size);
		txn->used += (size_t)n * record_size;
		txn->body.count += n;
		from += (size_t)n * record_size;
		count -= n;
	}
	return 0;
}

/* Throws away what the daemon has staged, if it can still be told. */
static void
drop(struct dpvs_txn *txn)
{
	struct dpvs_client *c = txn->client;

	while (c->fd >= 0 && c->expected_count > 0)
		client_receive(c, NULL, NULL);
	if (c->fd >= 0)
		client_call(c, DPVS_SOCKOPT_SET, DPVS_SET_TXN_ABORT, NULL, 0, 0, NULL);
}

int
dpvs_txn_commit(struct dpvs_txn *txn, uint64_t *ret_generation)
{
	struct dpvs_client *c = txn->client;
	struct dpvs_reply *reply = NULL;
	int rc;

	client_begin(c);
	rc = txn->rc < 0 ? txn->rc : flush(txn);
	if (rc == 0)
		rc = collect(txn, 0);
	c->busy = NULL;
	if (rc < 0) {
		drop(txn);
		tell_failure(txn);
		free(txn);
		return rc;
	}
	rc = client_call(c, DPVS_SOCKOPT_SET, DPVS_SET_TXN_COMMIT, NULL, 0, 0, &reply);
	if (rc == 0 && ret_generation != NULL)
		*ret_generation = dpvs_reply_generation(reply);
	dpvs_reply_free(reply);
	free(txn);
	return rc;
}

void
dpvs_txn_abort(struct dpvs_txn *txn)
{
	if (txn == NULL)
		return;
	txn->client->busy = NULL;
	drop(txn);
	client_begin(txn->client);
	free(txn);
}
