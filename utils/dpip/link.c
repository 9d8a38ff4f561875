/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip link: ports.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"
#include "dpip/show.h"

enum { SHOW_DEV, SHOW_UP };

static const struct dpip_word up_word[] = {
	{ "up", 1 },
	{},
};

static const struct dpip_param show_params[] = {
	[SHOW_DEV] = {
		.name = "dev",
		.metavar = "DEV | cpu | cpuN",
		.kind = DPIP_DEV,
		.flags = DPIP_POSITIONAL,
	},
	[SHOW_UP] = {
		.name = "up",
		.kind = DPIP_CHOICE,
		.words = up_word,
		.flags = DPIP_BARE,
	},
	{},
};

enum { SET_DEV, SET_STATE, SET_MTU, SET_ADDR, SET_PROMISC, SET_ALLMULTICAST };

static const struct dpip_word state_words[] = {
	{ "up", 1 },
	{ "down", 0 },
	{},
};

static const struct dpip_word switch_words[] = {
	{ "on", 1 },
	{ "off", 0 },
	{},
};

static const struct dpip_param set_params[] = {
	[SET_DEV] = {
		.name = "dev",
		.kind = DPIP_DEV,
		.flags = DPIP_POSITIONAL | DPIP_REQUIRED,
	},
	[SET_STATE] = {
		.name = "up|down",
		.kind = DPIP_CHOICE,
		.words = state_words,
		.flags = DPIP_BARE,
	},
	[SET_MTU] = {
		.name = "mtu",
		.kind = DPIP_UINT,
		.min = 68, /* RFC 791: what every IPv4 module can forward */
		.max = 65535,
	},
	[SET_ADDR] = {
		.name = "addr",
		.alias = "address",
		.kind = DPIP_MAC,
	},
	[SET_PROMISC] = {
		.name = "promisc",
		.kind = DPIP_CHOICE,
		.words = switch_words,
	},
	[SET_ALLMULTICAST] = {
		.name = "allmulticast",
		.kind = DPIP_CHOICE,
		.words = switch_words,
	},
	{ .name = "tc-egress", .kind = DPIP_CHOICE, .words = switch_words, .flags = DPIP_LATER },
	{ .name = "tc-ingress", .kind = DPIP_CHOICE, .words = switch_words, .flags = DPIP_LATER },
	{ .name = "kernel", .kind = DPIP_CHOICE, .words = switch_words, .flags = DPIP_LATER },
	{},
};

static const struct dpip_word steering_words[] = {
	{ "handover", DPVS_STEER_HANDOVER },
	{ "rss", DPVS_STEER_RSS },
	{},
};

static const struct dpip_word offload_words[] = {
	{ "rx-ip-csum", DPVS_PORT_RX_IP_CSUM },
	{ "rx-l4-csum", DPVS_PORT_RX_L4_CSUM },
	{ "tx-ip-csum", DPVS_PORT_TX_IP_CSUM },
	{ "tx-l4-csum", DPVS_PORT_TX_L4_CSUM },
	{ "rss", DPVS_PORT_RSS },
	{},
};

/* Both formats: how the port is driven and how replies find their worker. */
static void
show_driver(struct dpip *d, const struct dpvs_port_info *port)
{
	const char *steering = show_word(steering_words, port->steering);
	char driver[sizeof(port->driver)];
	char buf[FORMAT_NUMBER_SIZE];

	writer_pair_str(&d->w, "driver", "driver", show_copy(port->driver, sizeof(driver), driver));
	/* 0: the driver does not know, or there is no link; UINT32_MAX: DPDK's "unknown". */
	if (port->link_mbps && port->link_mbps != UINT32_MAX) {
		writer_uint(&d->w, "speed_mbps", port->link_mbps);
		writer_text(&d->w, "speed %" PRIu32 "Mbit/s ", port->link_mbps);
		writer_pair_str(&d->w, "duplex", "duplex", port->full_duplex ? "full" : "half");
	} else {
		writer_null(&d->w, "speed_mbps");
		writer_null(&d->w, "duplex");
	}
	writer_pair_uint(&d->w, "rx_queues", "rx_queues", port->rx_queues);
	writer_pair_uint(&d->w, "tx_queues", "tx_queues", port->tx_queues);
	writer_pair_str(&d->w, "steering", "steering", steering ? steering : "unknown");
	writer_uint(&d->w, "handed_over", port->handed_over);
	writer_text(&d->w, "handed_over %s ", show_number(d, port->handed_over, buf));
}

static void
show_details(struct dpip *d, const struct dpvs_port_info *port)
{
	char device[sizeof(port->device)];

	writer_pair_str(&d->w, "device", "device", show_copy(port->device, sizeof(device), device));
	if (port->socket == UINT8_MAX) {
		writer_null(&d->w, "numa");
		writer_text(&d->w, "numa any ");
	} else {
		writer_pair_uint(&d->w, "numa", "numa", port->socket);
	}
	writer_pair_uint(&d->w, "rx_desc", "rx_desc", port->rx_desc);
	writer_pair_uint(&d->w, "tx_desc", "tx_desc", port->tx_desc);
	writer_open_array(&d->w, "offloads");
	writer_text(&d->w, "offloads");
	for (const struct dpip_word *o = offload_words; o->name; o++) {
		if (!(port->offloads & o->value))
			continue;
		writer_str(&d->w, NULL, o->name);
		writer_text(&d->w, " %s", o->name);
	}
	if (port->offloads == 0)
		writer_text(&d->w, " none");
	writer_close_array(&d->w);
}

static void
show_statistics(struct dpip *d, const struct dpvs_port_info *port)
{
	static const char *const rx_names[] = { "bytes", "packets", "errors", "missed", "nombuf" };
	static const char *const tx_names[] = { "bytes", "packets", "errors", "dropped" };
	const uint64_t rx[] = { port->rx_bytes, port->rx_pkts, port->rx_errors, port->rx_missed,
				port->rx_nombuf };
	const uint64_t tx[] = { port->tx_bytes, port->tx_pkts, port->tx_errors, port->tx_dropped };

	writer_open_object(&d->w, "stats64");
	writer_open_object(&d->w, "rx");
	for (size_t i = 0; i < 5; i++)
		writer_uint(&d->w, rx_names[i], rx[i]);
	writer_close_object(&d->w);
	writer_open_object(&d->w, "tx");
	for (size_t i = 0; i < 4; i++)
		writer_uint(&d->w, tx_names[i], tx[i]);
	writer_close_object(&d->w);
	writer_close_object(&d->w);
	if (writer_is_json(&d->w))
		return;
	show_counters(d, "RX:", rx_names, rx, 5);
	show_counters(d, "TX:", tx_names, tx, 4);
}

static void
show_port(struct dpip *d, const struct dpvs_port_info *port)
{
	writer_open_object(&d->w, NULL);
	show_port_head(d, port);
	show_port_address(d, port);
	writer_break(&d->w);
	writer_text(&d->w, "    ");
	show_driver(d, port);
	if (d->opts.details || writer_is_json(&d->w)) {
		writer_break(&d->w);
		writer_text(&d->w, "    ");
		show_details(d, port);
	}
	if (d->opts.statistics)
		show_statistics(d, port);
	writer_text(&d->w, "\n");
	writer_close_object(&d->w);
}

static void
show_port_brief(struct dpip *d, const struct dpvs_port_info *port)
{
	char mac[FORMAT_MAC_SIZE];

	show_port_name_state(d, port);
	writer_color(&d->w, WRITER_MAC, "%s", format_mac(port->mac, mac));
	writer_text(&d->w, " ");
	show_port_flags(d, port);
	writer_text(&d->w, "\n");
}

/* "cpu" and "cpu3" are no ports: DPVS shows its lcores under these names. */
static bool
is_cpu(const char *word, int64_t *ret_cpu)
{
	uint32_t cpu;

	if (strncmp(word, "cpu", 3) != 0)
		return false;
	*ret_cpu = -1;
	if (word[3] == '\0')
		return true;
	if (parse_u32(word + 3, "cpu", 0, 65535, &cpu, NULL))
		return false;
	*ret_cpu = cpu;
	return true;
}

static int
link_show(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_port_ref ref = { 0 };
	struct dpvs_port_info port;
	struct dpvs_reply *reply;
	int64_t cpu;
	int rc;

	if (v[SHOW_DEV].given && is_cpu(v[SHOW_DEV].text, &cpu))
		return show_lcores(d, cpu, -1);
	if (v[SHOW_DEV].given)
		snprintf(ref.name, sizeof(ref.name), "%s", v[SHOW_DEV].text);
	rc = session_get(d, DPVS_GET_PORT_EXT, &ref, sizeof(ref), &reply);
	if (rc)
		return rc;
	show_open(d);
	for (uint32_t i = 0; i < dpvs_reply_count(reply); i++) {
		dpvs_reply_record(reply, i, &port, sizeof(port));
		if (v[SHOW_UP].given && !(port.flags & DPVS_PORT_UP))
			continue;
		if (d->opts.brief && !writer_is_json(&d->w))
			show_port_brief(d, &port);
		else
			show_port(d, &port);
	}
	show_close(d);
	dpvs_reply_free(reply);
	return EXIT_OK;
}

static int
link_set(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct dpvs_port_conf conf = { 0 };

	snprintf(conf.name, sizeof(conf.name), "%s", v[SET_DEV].text);
	if (v[SET_STATE].given) {
		conf.set |= DPVS_PORT_SET_UP;
		conf.up = (uint8_t)v[SET_STATE].num;
	}
	if (v[SET_MTU].given) {
		conf.set |= DPVS_PORT_SET_MTU;
		conf.mtu = (uint32_t)v[SET_MTU].num;
	}
	if (v[SET_ADDR].given) {
		conf.set |= DPVS_PORT_SET_MAC;
		memcpy(conf.mac, v[SET_ADDR].mac, sizeof(conf.mac));
	}
	if (v[SET_PROMISC].given) {
		conf.set |= DPVS_PORT_SET_PROMISC;
		conf.promisc = (uint8_t)v[SET_PROMISC].num;
	}
	if (v[SET_ALLMULTICAST].given) {
		conf.set |= DPVS_PORT_SET_ALLMULTICAST;
		conf.allmulticast = (uint8_t)v[SET_ALLMULTICAST].num;
	}
	if (conf.set == 0) {
		error_line(
			"Not enough information: what to set is missing, try \"dpip link help\".");
		return EXIT_USAGE;
	}
	return session_set(d, DPVS_SET_NETIF_PORT, &conf, sizeof(conf));
}

static const struct dpip_verb link_verbs[] = {
	{
		.name = "show",
		.aliases = "list lst",
		.help = "Ports; with -s their counters, with -d queues and offloads. cpu: lcores.",
		.params = show_params,
		.run = link_show,
		.flags = DPIP_SHOW,
	},
	{
		.name = "set",
		.aliases = "change",
		.help = "Change a port.",
		.params = set_params,
		.run = link_set,
		.flags = DPIP_VERB_FIRST,
	},
	{ .name = "add", .help = "Make a bond." },
	{ .name = "del", .aliases = "delete", .help = "Remove a bond." },
	{},
};

const struct dpip_object link_object = {
	.name = "link",
	.help = "ports",
	.verbs = link_verbs,
	.flags = DPIP_FIRST,
};
