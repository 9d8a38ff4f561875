/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See txn.h. What a client appends is checked like a request that is served by itself (lib/server_client.c,
 * server_req.c) and kept as it came, with a list of the requests in it. The commit is one change: its step
 * is a record, brought to the size that the handler knows when its turn comes.
 */
#include "core/txn.h"

#include <dpvsctrl/proto/txn.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "core/change_priv.h"
#include "core/ctl.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/segs.h"
#include "module.h"

/*
 * Memory for small appends is taken in blocks of at most TXN_BLOCK bytes; one that is larger than an eighth of that has its
 * own. Charged is what is held.
 */
#define TXN_BLOCK     (64u << 10)
#define TXN_BLOCK_MIN 256u

/* What holds no more is given back at once; else so many blocks in one go: of a megabyte at most, 80 us of the kernel's time. */
#define TXN_SMALL  (4u << 20)
#define TXN_BLOCKS 4u

/** struct txn_part: a staged request. */
struct txn_part {
	const struct module_sockopt *opt;
	const unsigned char *records; /* as they came, in one of .blocks */
	uint32_t record_size;         /* as they came */
	uint32_t count;
};

/** struct txn_kind: how many requests of one id are staged. */
struct txn_kind {
	const struct module_sockopt *opt;
	uint64_t requests;
	uint64_t records;
};

/** struct txn: what a client has staged; its own until the commit takes it. */
struct txn {
	uint32_t flags;
	uint64_t generation;
	GPtrArray *blocks; /* memory of what was appended */
	unsigned char *block; /* the one that has room; NULL: none */
	uint32_t block_size;
	uint32_t block_used;
	uint64_t held;     /* bytes of all blocks */
	uint32_t blocks_len; /* of them, before the append under way */
	struct segs parts; /* struct txn_part, in order */
	uint32_t records;  /* of all of them, as the commit counts: a request without records is one */
	GArray *kinds; /* struct txn_kind, in the order in which they came first */
	uint64_t bytes; /* charged */

	/* the commit */
	struct dpvs_req *req;
	uint32_t part;   /* the next one */
	uint32_t record; /* of it, the next one */
	uint32_t index;  /* over all parts */
	bool ready;      /* commit_record holds the next record */
	bool blamed;     /* the next record is why it was refused */
	GList link;      /* in dying */
};

static uint64_t quota_client;
static uint64_t quota_all;
static uint64_t staged; /* by all clients */
static GQueue dying = G_QUEUE_INIT; /* over, but their memory is not given back yet */
static guint dying_source;

/* The record of the commit under way: one change is prepared at a time. */
static _Alignas(16) unsigned char commit_record[DPVS_RECORD_MAX];

static const int client_key; /* whose address is the key of dpvs_req_client_data() */

void
txn_set_quota(uint64_t client, uint64_t all)
{
	quota_client = client;
	quota_all = all;
}

static struct txn *
txn_of(struct dpvs_req *req)
{
	return dpvs_req_client_data(req, &client_key);
}

/* The size of a block that many small appends share. */
static uint32_t
block_size(void)
{
	return (uint32_t)CLAMP(quota_client / 16, TXN_BLOCK_MIN, TXN_BLOCK);
}

/* Gives back some of its memory. Returns false: there is no more. */
static bool
txn_shrink(struct txn *txn)
{
	if (segs_drop(&txn->parts))
		return true;
	if (txn->blocks->len == 0)
		return false;
	g_ptr_array_set_size(txn->blocks, (gint)txn->blocks->len - 1);
	return true;
}

static void
txn_gone(struct txn *txn)
{
	staged -= txn->bytes;
	g_ptr_array_unref(txn->blocks);
	g_array_unref(txn->kinds);
	g_free(txn);
}

static bool
dying_step(void)
{
	struct txn *txn = g_queue_peek_head(&dying);

	if (txn == NULL)
		return false;
	if (txn_shrink(txn))
		return true;
	g_queue_unlink(&dying, &txn->link);
	txn_gone(txn);
	return true;
}

static gboolean
dying_turn(gpointer arg)
{
	(void)arg;
	for (unsigned int i = 0; i < TXN_BLOCKS; i++) {
		if (!dying_step()) {
			dying_source = 0;
			return G_SOURCE_REMOVE;
		}
	}
	return G_SOURCE_CONTINUE;
}

/* It is over. What is large is given back piece by piece, and charged to all until it has gone. */
static void
txn_free(void *arg)
{
	struct txn *txn = arg;

	while (txn->bytes <= TXN_SMALL && txn_shrink(txn))
		;
	if (txn->bytes <= TXN_SMALL) {
		txn_gone(txn);
		return;
	}
	txn->link.data = txn;
	g_queue_push_tail_link(&dying, &txn->link);
	if (dying_source == 0)
		dying_source = g_idle_add_full(G_PRIORITY_DEFAULT, dying_turn, NULL, NULL);
}

static void
txn_fini(void)
{
	while (dying_step())
		;
	if (dying_source != 0)
		g_source_remove(dying_source);
	dying_source = 0;
}

static int
no_txn(struct dpvs_req *req)
{
	return dpvs_req_error(req, -ENOENT, "this connection has no transaction; begin one with SET %u",
			      DPVS_SET_TXN_BEGIN);
}

/* ---- 8001 begin, 8004 abort ---- */

static int
txn_ctl_begin(struct dpvs_req *req, const void *records, uint32_t count)
{
	const uint32_t known = DPVS_TXN_CHECK_GENERATION | DPVS_TXN_UNCHANGED | DPVS_TXN_REPLACE | DPVS_TXN_SYNC;
	const struct dpvs_txn_begin *begin = records;
	struct txn *txn;
	int err;

	(void)count;
	if ((begin->flags & ~known) != 0 || begin->pad != 0)
		return dpvs_req_error(req, -EINVAL, "flags 0x%x of a transaction are not known here",
				      begin->flags & ~known);
	if (txn_of(req) != NULL)
		return dpvs_req_error(req, -EALREADY, "this connection has a transaction already");
	txn = g_new0(struct txn, 1);
	txn->flags = begin->flags;
	txn->generation = begin->generation != 0 ? begin->generation : change_generation();
	txn->blocks = g_ptr_array_new_with_free_func(g_free);
	txn->parts = segs_in(sizeof(struct txn_part), block_size());
	txn->kinds = g_array_new(FALSE, TRUE, sizeof(struct txn_kind));
	err = FAULT_POINT("txn.begin") ? -ENOMEM : dpvs_req_set_client_data(req, &client_key, txn, txn_free);
	if (err < 0)
		txn_free(txn);
	return err;
}

static int
txn_ctl_abort(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct txn *txn = txn_of(req);

	(void)records;
	(void)count;
	if (txn == NULL)
		return no_txn(req);
	dpvs_req_set_client_data(req, &client_key, NULL, NULL);
	txn_free(txn);
	return 0;
}

/* ---- 8002 append ---- */

/* Checks the head of the request at @p, of which @left bytes are there. Fills opt of @part, and @ret_len. */
static int
check_head(struct dpvs_req *req, const unsigned char *p, size_t left, unsigned int n, struct txn_part *part,
	   uint64_t *ret_len)
{
	struct dpvs_sock_msg msg;

	if (left < sizeof(msg))
		return dpvs_req_error(req, -EBADMSG, "request %u of the append ends within its header", n);
	memcpy(&msg, p, sizeof(msg));
	switch (dpvs_wire_check_header(&msg)) {
	case 0:
		break;
	case -EPROTONOSUPPORT:
		return dpvs_req_error(req, -EPROTONOSUPPORT, "request %u of the append has protocol version %u.%u", n,
				      msg.version >> 16, msg.version & 0xffff);
	case -EMSGSIZE:
		return dpvs_req_error(req, -EMSGSIZE, "request %u of the append is too long", n);
	default:
		return dpvs_req_error(req, -EBADMSG, "request %u of the append has type %u", n, msg.type);
	}
	if (msg.type != DPVS_SOCKOPT_SET)
		return dpvs_req_error(req, -EBADMSG, "request %u of the append is none that changes something (SET)", n);
	if (msg.len > left - sizeof(msg))
		return dpvs_req_error(req, -EBADMSG, "request %u of the append ends within its body", n);
	part->opt = ctl_find_set(msg.id);
	if (part->opt == NULL)
		return dpvs_req_error(req, -EOPNOTSUPP, "request %u of the append: SET %u is not supported by this build",
				      n, msg.id);
	if (part->opt->set == NULL || part->opt->alone)
		return dpvs_req_error(req, -EOPNOTSUPP, "request %u of the append: %s cannot be in a transaction", n,
				      part->opt->name);
	*ret_len = msg.len;
	return 0;
}

/* Checks the body of a request, and fills the rest of @part. */
static int
check_body(struct dpvs_req *req, const unsigned char *p, uint64_t len, unsigned int n, struct txn_part *part)
{
	const struct module_sockopt *opt = part->opt;
	unsigned char buf[DPVS_RECORD_MAX];
	struct dpvs_sock_body body;
	uint32_t i;

	if (dpvs_wire_check_body(p, len, &body) < 0)
		return dpvs_req_error(req, -EBADMSG, "request %u of the append: the sizes in the body of %s do not add up",
				      n, opt->name);
	if (opt->record_size == 0 && body.count > 0)
		return dpvs_req_error(req, -EINVAL, "request %u of the append: %s takes no record", n, opt->name);
	if (opt->need_record && body.count == 0)
		return dpvs_req_error(req, -EINVAL, "request %u of the append: %s needs a record", n, opt->name);
	if (body.count > ctl_max_records(opt))
		return dpvs_req_error(req, -EMSGSIZE, "request %u of the append: %s takes at most %u records", n,
				      opt->name, ctl_max_records(opt));
	part->records = p + sizeof(body);
	part->record_size = body.record_size;
	part->count = body.count;
	for (i = 0; body.record_size > opt->record_size && i < body.count; i++)
		if (dpvs_wire_get_record(part->records + (size_t)i * body.record_size, body.record_size, buf,
					 opt->record_size) < 0)
			return dpvs_req_error(req, -E2BIG,
					      "request %u of the append: record %u of %s uses fields that this daemon "
					      "does not know (%u bytes, known are %u)",
					      n, i, opt->name, body.record_size, opt->record_size);
	return 0;
}

/* Adds the requests in @len bytes at @p to @txn->parts. */
static int
take_parts(struct dpvs_req *req, struct txn *txn, const unsigned char *p, size_t len)
{
	struct txn_part part;
	size_t off = 0;
	uint64_t body = 0;
	unsigned int n;
	int err;

	for (n = 0; off < len; n++) {
		err = check_head(req, p + off, len - off, n, &part, &body);
		if (err == 0)
			err = check_body(req, p + off + sizeof(struct dpvs_sock_msg), body, n, &part);
		if (err < 0) {
			dpvs_req_error_index(req, txn->records);
			return err;
		}
		*(struct txn_part *)segs_push(&txn->parts) = part;
		txn->records += MAX(part.count, 1);
		off += sizeof(struct dpvs_sock_msg) + (size_t)body;
	}
	return 0;
}

/* Counts the parts from @from on, for the audit. */
static void
count_kinds(struct txn *txn, uint32_t from)
{
	const struct txn_part *part;
	struct txn_kind *k;
	guint i, j;

	for (i = from; i < txn->parts.len; i++) {
		part = segs_at(&txn->parts, i);
		for (j = 0; j < txn->kinds->len; j++)
			if (g_array_index(txn->kinds, struct txn_kind, j).opt == part->opt)
				break;
		if (j == txn->kinds->len)
			g_array_set_size(txn->kinds, j + 1);
		k = &g_array_index(txn->kinds, struct txn_kind, j);
		k->opt = part->opt;
		k->requests++;
		k->records += part->count;
	}
}

/* What the room for @len bytes will cost. */
static uint64_t
room_cost(const struct txn *txn, uint32_t len)
{
	if (len > block_size() / 8)
		return len;
	return txn->block != NULL && txn->block_size - txn->block_used >= len ? 0 : block_size();
}

/* Room for @len bytes; small appends share a block. NULL: no memory. */
static unsigned char *
txn_room(struct txn *txn, uint32_t len)
{
	uint32_t size = (uint32_t)room_cost(txn, len);
	unsigned char *block;

	if (size == 0)
		return txn->block + txn->block_used;
	block = g_try_malloc(size);
	if (block == NULL)
		return NULL;
	g_ptr_array_add(txn->blocks, block);
	txn->held += size;
	if (len <= block_size() / 8) {
		txn->block = block;
		txn->block_size = size;
		txn->block_used = 0;
	}
	return block;
}

static int
check_quota(struct dpvs_req *req, const struct txn *txn, uint64_t more)
{
	if (txn->bytes + more > quota_client)
		return dpvs_req_error(req, -EDQUOT,
				      "a client may stage %" G_GUINT64_FORMAT " bytes (key control.transaction-bytes)",
				      quota_client);
	if (staged + more > quota_all)
		return dpvs_req_error(req, -EDQUOT,
				      "all clients together may stage %" G_GUINT64_FORMAT
				      " bytes (key control.transactions-bytes)",
				      quota_all);
	return 0;
}

/* What was appended is refused: the block that was made for it goes, if one was, and its requests. */
static void
take_back(struct txn *txn, const struct txn *before)
{
	g_ptr_array_set_size(txn->blocks, (gint)before->blocks_len);
	while (txn->parts.len > before->parts.len)
		segs_pop(&txn->parts);
	txn->block = before->block;
	txn->block_size = before->block_size;
	txn->block_used = before->block_used;
	txn->held = before->held;
	txn->records = before->records;
}

static int
txn_ctl_append(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct txn *txn = txn_of(req);
	struct txn before;
	unsigned char *p;
	uint64_t more;
	int err;

	if (txn == NULL)
		return no_txn(req);
	err = check_quota(req, txn, room_cost(txn, count));
	if (err < 0)
		return err;
	txn->blocks_len = txn->blocks->len;
	before = *txn;
	p = txn_room(txn, count);
	if (p == NULL)
		return -ENOMEM;
	memcpy(p, records, count);
	err = take_parts(req, txn, p, count);
	/* The list of requests is memory, too, of which tiny requests need more than for themselves. */
	more = txn->held + segs_bytes(&txn->parts) - txn->bytes;
	if (err == 0)
		err = check_quota(req, txn, more);
	if (err < 0) {
		take_back(txn, &before);
		return err;
	}
	count_kinds(txn, before.parts.len);
	if (count <= block_size() / 8)
		txn->block_used += count;
	txn->bytes += more;
	staged += more;
	return 0;
}

/* ---- 8003 commit ---- */

static int
txn_step(struct change *c, void *arg)
{
	struct txn *txn = arg;
	const struct txn_part *part;
	int err;

	if (txn->part == 0 && txn->record == 0 && !txn->ready &&
	    (txn->flags & DPVS_TXN_CHECK_GENERATION) != 0 && change_generation() != txn->generation)
		return change_error(c, -EAGAIN,
				    "the configuration was changed meanwhile (generation %" G_GUINT64_FORMAT
				    ", expected was %" G_GUINT64_FORMAT ")",
				    change_generation(), txn->generation);
	if (txn->part == txn->parts.len)
		return 0;
	part = segs_at(&txn->parts, txn->part);
	if (!txn->ready) {
		/* It was checked when it was staged. */
		if (part->count > 0)
			dpvs_wire_get_record(part->records + (size_t)txn->record * part->record_size,
					     part->record_size, commit_record, part->opt->record_size);
		else
			memset(commit_record, 0, part->opt->record_size);
		txn->ready = true;
	}
	err = change_record(c, part->opt->set, part->opt->record_size != 0 ? commit_record : NULL);
	txn->blamed = err < 0;
	if (err != 0)
		return err;
	txn->ready = false;
	txn->index++;
	if (++txn->record >= part->count) {
		txn->record = 0;
		txn->part++;
	}
	return txn->part < txn->parts.len ? CHANGE_MORE : 0;
}

static void
txn_audit(const struct txn *txn, int status)
{
	const struct txn_kind *k;
	guint i;

	for (i = 0; i < txn->kinds->len; i++) {
		k = &g_array_index(txn->kinds, struct txn_kind, i);
		log_info("control",
			 "%s by uid %u pid %d, %" G_GUINT64_FORMAT " records in %" G_GUINT64_FORMAT
			 " requests of a transaction: %s",
			 k->opt->name, dpvs_req_uid(txn->req), dpvs_req_pid(txn->req), k->records, k->requests,
			 status == 0 || status == -EINPROGRESS ? "done" : "not done");
	}
}

static void
txn_end(struct change *c, int status, void *arg)
{
	struct txn *txn = arg;

	txn_audit(txn, status);
	if (txn->blamed)
		dpvs_req_error_index(txn->req, txn->index);
	ctl_end(txn->req, c, status);
	txn_free(txn);
}

static int
txn_ctl_commit(struct dpvs_req *req, const void *records, uint32_t count)
{
	struct txn *txn = txn_of(req);
	struct change_job job = {
		.step = txn_step,
		.end = txn_end,
		.arg = txn,
		.deadline_ms = ctl_deadline_ms(req),
	};

	(void)records;
	(void)count;
	if (txn == NULL)
		return no_txn(req);
	if ((txn->flags & DPVS_TXN_SYNC) != 0)
		job.mode = CHANGE_SYNC | CHANGE_REPLACE | CHANGE_UNCHANGED;
	else if ((txn->flags & DPVS_TXN_REPLACE) != 0)
		job.mode = CHANGE_REPLACE | CHANGE_UNCHANGED;
	else if ((txn->flags & DPVS_TXN_UNCHANGED) != 0)
		job.mode = CHANGE_UNCHANGED;
	/* What has begun is carried out, also when the client hangs up. */
	dpvs_req_set_client_data(req, &client_key, NULL, NULL);
	txn->req = req;
	change_submit(&job);
	return DPVS_REQ_PENDING;
}

static const struct module_sockopt txn_sockopts[] = {
	{
		.name = "txn-begin",
		.id = DPVS_SET_TXN_BEGIN,
		.record_size = sizeof(struct dpvs_txn_begin),
		.need_record = true,
		.request = txn_ctl_begin,
		.max_records = 1,
	},
	{
		.name = "txn-append",
		.id = DPVS_SET_TXN_APPEND,
		.record_size = 1,
		.need_record = true,
		.request = txn_ctl_append,
		.max_records = DPVS_TXN_APPEND_MAX,
	},
	{ .name = "txn-commit", .id = DPVS_SET_TXN_COMMIT, .request = txn_ctl_commit },
	{ .name = "txn-abort", .id = DPVS_SET_TXN_ABORT, .request = txn_ctl_abort },
	{},
};

const struct module txn_module = {
	.name = "txn",
	.sockopts = txn_sockopts,
	.fini = txn_fini,
};
