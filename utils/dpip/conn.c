/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip conn: the connection table.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

#include <dpvsctrl/proto/conn.h>
#include <dpvsctrl/proto/netif.h>

#include "dpip/show.h"

enum { CONN_CLIENT, CONN_VIP, CONN_DEST, CONN_PROTO, CONN_STATE, CONN_LIMIT };

static const struct dpip_word proto_words[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{},
};

static const struct dpip_word state_words[] = {
	{ "NONE", DPVS_CONN_NONE },
	{ "ESTABLISHED", DPVS_CONN_ESTABLISHED },
	{ "SYN_SENT", DPVS_CONN_SYN_SENT },
	{ "SYN_RECV", DPVS_CONN_SYN_RECV },
	{ "FIN_WAIT", DPVS_CONN_FIN_WAIT },
	{ "TIME_WAIT", DPVS_CONN_TIME_WAIT },
	{ "CLOSE", DPVS_CONN_CLOSE },
	{ "CLOSE_WAIT", DPVS_CONN_CLOSE_WAIT },
	{ "LAST_ACK", DPVS_CONN_LAST_ACK },
	{ "LISTEN", DPVS_CONN_LISTEN },
	{ "SYNACK", DPVS_CONN_SYNACK },
	{ "UDP", DPVS_CONN_UDP },
	{},
};

static const struct dpip_word fwd_words[] = {
	{ "nat", DPVS_FWD_NAT },	 { "tunnel", DPVS_FWD_TUNNEL }, { "dr", DPVS_FWD_DR },
	{ "fullnat", DPVS_FWD_FULLNAT }, { "snat", DPVS_FWD_SNAT },	{},
};

static const struct dpip_param show_params[] = {
	[CONN_CLIENT] = {
		.name = "client",
		.kind = DPIP_ADDRPORT,
	},
	[CONN_VIP] = {
		.name = "vip",
		.kind = DPIP_ADDRPORT,
	},
	[CONN_DEST] = {
		.name = "dest",
		.alias = "rs",
		.kind = DPIP_ADDRPORT,
	},
	[CONN_PROTO] = {
		.name = "proto",
		.kind = DPIP_CHOICE,
		.words = proto_words,
	},
	[CONN_STATE] = {
		.name = "state",
		.metavar = "STATE",
		.kind = DPIP_CHOICE,
		.words = state_words,
	},
	[CONN_LIMIT] = {
		.name = "limit",
		.kind = DPIP_UINT,
		.min = 1,
		.max = UINT32_MAX,
	},
	{},
};

/* The first entries are those of show_params. */
static const struct dpip_param get_params[] = {
	[CONN_CLIENT] = {
		.name = "client",
		.metavar = "ADDR:PORT",
		.kind = DPIP_ADDRPORT,
		.flags = DPIP_REQUIRED,
	},
	[CONN_VIP] = {
		.name = "vip",
		.metavar = "ADDR:PORT",
		.kind = DPIP_ADDRPORT,
		.flags = DPIP_REQUIRED,
	},
	[CONN_DEST] = {
		.name = "proto",
		.kind = DPIP_CHOICE,
		.words = proto_words,
		.flags = DPIP_REQUIRED,
	},
	{},
};

static void
pair_end(struct dpip *d, const char *key, const char *port_key, const char *label,
	 const struct dpvs_addr *addr, uint16_t port)
{
	char buf[FORMAT_ADDR_PORT_SIZE];

	writer_addr(&d->w, key, addr);
	if (addr->family)
		writer_uint(&d->w, port_key, port);
	else
		writer_null(&d->w, port_key);
	if (addr->family == 0 || writer_is_json(&d->w))
		return;
	writer_text(&d->w, "%s ", label);
	writer_color(&d->w, addr->family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr_port(addr, port, buf));
	writer_text(&d->w, " ");
}

static void
show_conn(struct dpip *d, const struct dpvs_conn_info *c)
{
	char proto[FORMAT_NUMBER_SIZE], number[FORMAT_NUMBER_SIZE];
	const char *state = show_word(state_words, c->state);
	const char *fwd = show_word(fwd_words, c->fwd);
	const char *name = d->opts.numeric ? format_number(c->proto, FORMAT_PLAIN, proto)
					   : proto_name(c->proto, proto);

	writer_open_object(&d->w, NULL);
	writer_str(&d->w, "proto", name);
	writer_text(&d->w, "%s ", name);
	pair_end(d, "client", "client_port", "client", &c->client, c->client_port);
	pair_end(d, "vip", "vip_port", "vip", &c->vip, c->vip_port);
	pair_end(d, "laddr", "laddr_port", "laddr", &c->laddr, c->laddr_port);
	pair_end(d, "dest", "dest_port", "dest", &c->dest, c->dest_port);
	writer_pair_str(&d->w, "fwd", "fwd", fwd ? fwd : "unknown");
	writer_pair_str(&d->w, "state", "state", state ? state : "unknown");
	writer_uint(&d->w, "expire_ms", c->expire_ms);
	writer_text(&d->w, "expires %s ", format_duration(c->expire_ms, number));
	writer_pair_uint(&d->w, "lcore", "lcore", c->lcore);
	writer_uint(&d->w, "in_packets", c->in_pkts);
	writer_uint(&d->w, "in_bytes", c->in_bytes);
	writer_uint(&d->w, "out_packets", c->out_pkts);
	writer_uint(&d->w, "out_bytes", c->out_bytes);
	if (d->opts.statistics) {
		writer_break(&d->w);
		writer_text(&d->w, "    in %s packets", show_number(d, c->in_pkts, number));
		writer_text(&d->w, " %s bytes", show_number(d, c->in_bytes, number));
		writer_text(&d->w, " out %s packets", show_number(d, c->out_pkts, number));
		writer_text(&d->w, " %s bytes", show_number(d, c->out_bytes, number));
	}
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

static void
show_conn_brief(struct dpip *d, const struct dpvs_conn_info *c)
{
	char client[FORMAT_ADDR_PORT_SIZE], vip[FORMAT_ADDR_PORT_SIZE], dest[FORMAT_ADDR_PORT_SIZE];
	char proto[FORMAT_NUMBER_SIZE];
	const char *state = show_word(state_words, c->state);

	writer_text(&d->w, "%-4s %-11s %s %s %s\n", proto_name(c->proto, proto),
		    state ? state : "unknown", format_addr_port(&c->client, c->client_port, client),
		    format_addr_port(&c->vip, c->vip_port, vip),
		    format_addr_port(&c->dest, c->dest_port, dest));
}

/** struct walk: what to do with each connection of a list. */
struct walk {
	void (*begin)(struct dpip *d); /**< before the first one, when the first answer is there; or
					  NULL */
	void (*each)(struct dpip *d, const struct dpvs_conn_info *c); /**< or NULL */
	uint64_t count;
};

static int
walk(struct dpip *d, const struct dpip_value *v, struct walk *w)
{
	uint64_t limit = v[CONN_LIMIT].num;
	struct dpvs_conn_filter filter = {
		.client = v[CONN_CLIENT].addr,
		.vip = v[CONN_VIP].addr,
		.dest = v[CONN_DEST].addr,
		.client_port = v[CONN_CLIENT].port,
		.vip_port = v[CONN_VIP].port,
		.dest_port = v[CONN_DEST].port,
		.proto = (uint8_t)v[CONN_PROTO].num,
		.state_plus_one = v[CONN_STATE].given ? (uint8_t)(v[CONN_STATE].num + 1) : 0,
		/* -4 and -6: the filter of the request has no word for them. */
		.limit = d->opts.family ? 0 : (uint32_t)limit,
	};
	struct dpvs_conn_info c;
	bool first = true;
	int rc = session_open(d);

	if (rc)
		return rc;
	daemon_be_patient(d->client);
	w->count = 0;
	rc = session_stream(d, DPVS_GET_CONNS, &filter, sizeof(filter));
	while (rc == EXIT_OK) {
		bool more;

		rc = session_next(d, &c, sizeof(c), &more);
		if (rc)
			break;
		if (first && w->begin)
			w->begin(d);
		first = false;
		if (!more)
			break;
		if (d->opts.family && c.client.family != d->opts.family)
			continue;
		if (w->each)
			w->each(d, &c);
		if (++w->count == limit)
			break;
	}
	session_end(d);
	return rc;
}

static void
show_either(struct dpip *d, const struct dpvs_conn_info *c)
{
	if (d->opts.brief && !writer_is_json(&d->w))
		show_conn_brief(d, c);
	else
		show_conn(d, c);
}

static int
conn_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct walk w = { .begin = show_open, .each = show_either };
	int rc = walk(d, v, &w);

	if (rc == EXIT_OK)
		show_close(d);
	return rc;
}

static int
conn_get(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_conn_filter filter = {
		.client = v[CONN_CLIENT].addr,
		.vip = v[CONN_VIP].addr,
		.client_port = v[CONN_CLIENT].port,
		.vip_port = v[CONN_VIP].port,
		.proto = (uint8_t)v[CONN_DEST].num,
	};
	static const int ends[] = { CONN_CLIENT, CONN_VIP };
	struct dpvs_conn_info c;
	struct dpvs_reply *reply;
	int rc;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (v[ends[i]].port)
			continue;
		error_line("Error: \"%s\" has no port, write ADDR:PORT.", v[ends[i]].text);
		return EXIT_USAGE;
	}
	if (filter.client.family != filter.vip.family) {
		error_line("Error: the addresses of a connection are all IPv4 or all IPv6.");
		return EXIT_USAGE;
	}
	rc = session_ask_workers(d, DPVS_GET_CONN, &filter, sizeof(filter), &reply);
	if (rc)
		return rc;
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &c, sizeof(c));
		show_either(d, &c);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

/* All of them: what the lcores count, without a walk over the table. */
static int
count_all(struct dpip *d, uint64_t *ret_count)
{
	struct dpvs_lcore_info lcore;
	struct dpvs_reply *reply;
	int rc = session_get(d, DPVS_GET_LCORE_STATS, NULL, 0, &reply);

	if (rc)
		return rc;
	*ret_count = 0;
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &lcore, sizeof(lcore));
		*ret_count += lcore.conns;
	}
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
conn_count(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	bool filtered = d->opts.family != 0;
	char number[FORMAT_NUMBER_SIZE];
	struct walk w = { 0 };
	int rc;

	for (int i = CONN_CLIENT; i <= CONN_LIMIT; i++)
		filtered |= v[i].given;
	rc = filtered ? walk(d, v, &w) : count_all(d, &w.count);
	if (rc)
		return rc;
	show_open(d);
	writer_open_object(&d->w, NULL);
	writer_uint(&d->w, "count", w.count);
	writer_text(&d->w, "%s\n", show_number(d, w.count, number));
	writer_close_object(&d->w);
	show_close(d);
	return EXIT_OK;
}

static const struct dpip_verb conn_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Connections; with -s their packets and bytes.",
		.params = show_params,
		.run = conn_show,
		.flags = DPIP_SHOW,
	},
	{
		.name = "get",
		.help = "One connection.",
		.params = get_params,
		.run = conn_get,
		.flags = DPIP_SHOW,
	},
	{
		.name = "count",
		.help = "How many there are.",
		.params = show_params,
		.run = conn_count,
		.flags = DPIP_SHOW,
	},
	{},
};

const struct dpip_object conn_object = {
	.name = "conn",
	.help = "connections",
	.verbs = conn_verbs,
	.flags = DPIP_FIRST,
};
