/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -L -c: the connection table, in the original's layout.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>

#include "common/error.h"
#include "common/format.h"
#include "common/writer.h"
#include "ipvsadm/ipvsadm.h"

static const char *const states[DPVS_CONN_STATE_COUNT] = {
	[DPVS_CONN_NONE] = "NONE",
	[DPVS_CONN_ESTABLISHED] = "ESTABLISHED",
	[DPVS_CONN_SYN_SENT] = "SYN_SENT",
	[DPVS_CONN_SYN_RECV] = "SYN_RECV",
	[DPVS_CONN_FIN_WAIT] = "FIN_WAIT",
	[DPVS_CONN_TIME_WAIT] = "TIME_WAIT",
	[DPVS_CONN_CLOSE] = "CLOSE",
	[DPVS_CONN_CLOSE_WAIT] = "CLOSE_WAIT",
	[DPVS_CONN_LAST_ACK] = "LAST_ACK",
	[DPVS_CONN_LISTEN] = "LISTEN",
	[DPVS_CONN_SYNACK] = "SYNACK",
	[DPVS_CONN_UDP] = "UDP",
};

struct conns {
	struct dpvs_client *client;
	const struct cmdline *line;
	struct writer writer;
	enum naming naming;
};

static void
json_conn(struct writer *w, const struct dpvs_conn_info *conn, const char *state)
{
	char proto[FORMAT_NUMBER_SIZE];

	writer_open_object(w, NULL);
	writer_str(w, "protocol", proto_name(conn->proto, proto));
	writer_uint(w, "expire_ms", conn->expire_ms);
	writer_str(w, "state", state);
	writer_str(w, "forward", fwd_key(conn->fwd));
	writer_addr(w, "source_address", &conn->client);
	writer_uint(w, "source_port", conn->client_port);
	writer_addr(w, "virtual_address", &conn->vip);
	writer_uint(w, "virtual_port", conn->vip_port);
	writer_addr(w, "local_address", &conn->laddr);
	writer_uint(w, "local_port", conn->laddr_port);
	writer_addr(w, "destination_address", &conn->dest);
	writer_uint(w, "destination_port", conn->dest_port);
	writer_uint(w, "lcore", conn->lcore);
	writer_uint(w, "in_packets", conn->in_pkts);
	writer_uint(w, "out_packets", conn->out_pkts);
	writer_uint(w, "in_bytes", conn->in_bytes);
	writer_uint(w, "out_bytes", conn->out_bytes);
	writer_close_object(w);
}

static void
conn_row(struct conns *conns, const struct dpvs_conn_info *conn, const char *state)
{
	char client[NAME_SIZE], vip[NAME_SIZE], dest[NAME_SIZE];
	char proto[FORMAT_NUMBER_SIZE], expire[FORMAT_NUMBER_SIZE];
	uint64_t seconds = conn->expire_ms / 1000;

	snprintf(expire, sizeof(expire), "%02" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
	addr_port_text(&conn->client, conn->client_port, conn->proto, conns->naming, client);
	addr_port_text(&conn->vip, conn->vip_port, conn->proto, conns->naming, vip);
	addr_port_text(&conn->dest, conn->dest_port, conn->proto, conns->naming, dest);
	writer_text(&conns->writer, "%-3s %-6s %-11s %-18s %-18s %s\n",
		    conn->proto == IPPROTO_TCP ? "TCP" :
		    conn->proto == IPPROTO_UDP ? "UDP" :
						 proto_name(conn->proto, proto),
		    expire, state, client, vip, dest);
}

/* The list ends here. Returns the exit code. */
static int
failed(struct conns *conns, struct dpvs_stream *stream, int err)
{
	struct problem problem;
	int exit_code = dpvs_client_unreachable(conns->client) ? IPVSADM_USAGE : IPVSADM_INTERNAL;

	refusal_text(CMD_LIST, err, dpvs_client_error(conns->client), "ipvsadm: ", &problem);
	error_line("%s", problem.text);
	dpvs_stream_close(stream);
	return exit_code;
}

static int
list_conns(void *arg)
{
	struct conns *conns = arg;
	struct writer *w = &conns->writer;
	struct dpvs_conn_info conn;
	struct dpvs_stream *stream;
	int rc;

	daemon_be_patient(conns->client);
	/* Millions of them: each is printed when it comes. */
	rc = dpvs_stream_open(conns->client, DPVS_GET_CONNS, NULL, 0, &stream);
	if (rc == 0)
		rc = dpvs_stream_next(stream, &conn, sizeof(conn));
	if (rc < 0)
		return failed(conns, stream, rc);
	writer_text(w, "IPVS connection entries\n");
	writer_text(w, "pro expire %-11s %-18s %-18s %s\n", "state", "source", "virtual", "destination");
	writer_open_array(w, NULL);
	for (; rc > 0; rc = dpvs_stream_next(stream, &conn, sizeof(conn))) {
		const char *state = conn.state < DPVS_CONN_STATE_COUNT ? states[conn.state] : "ERR!";

		if (writer_is_json(w))
			json_conn(w, &conn, state);
		else
			conn_row(conns, &conn, state);
	}
	writer_close_array(w);
	if (rc < 0) {
		writer_finish(w);
		return failed(conns, stream, rc);
	}
	dpvs_stream_close(stream);
	if (writer_finish(w) == 0)
		return IPVSADM_OK;
	error_print("cannot write the output: %s", strerror(errno));
	return IPVSADM_INTERNAL;
}

int
list_conns_run(struct dpvs_client *client, const struct cmdline *line)
{
	struct conns conns = { .client = client, .line = line };

	conns.naming = has_option(line, OPT_NUMERIC) ? NAMING_NUMERIC : NAMING_RESOLVE;
	writer_init(&conns.writer, stdout,
		    (has_option(line, OPT_JSON) ? WRITER_JSON : 0) |
			    (has_option(line, OPT_PRETTY) ? WRITER_JSON | WRITER_PRETTY : 0));
	return daemon_repeat(line->interval_s, line->repeat, list_conns, &conns);
}
