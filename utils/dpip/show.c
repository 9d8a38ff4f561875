/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What listings share: the frame of an output, names, numbers, aligned columns.
 */
#include "dpip/show.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Longer than any answer of a healthy daemon, short enough not to be felt behind a tab key. */
#define NAMES_TIMEOUT_MS 200

void
show_time(struct dpip *d, const char *end)
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	if (writer_is_json(&d->w)) {
		gmtime_r(&now.tv_sec, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%06ldZ",
			 now.tv_nsec / 1000);
		writer_str(&d->w, "timestamp", text);
		return;
	}
	localtime_r(&now.tv_sec, &tm);
	if (d->opts.timestamp_short) {
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		writer_text(&d->w, "[%s.%06ld]%s", text, now.tv_nsec / 1000, end);
	} else {
		strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
		writer_text(&d->w, "Timestamp: %s %06ld usec\n", text, now.tv_nsec / 1000);
	}
}

void
show_open(struct dpip *d)
{
	if (d->opts.timestamp) {
		writer_open_object(&d->w, NULL);
		show_time(d, "\n");
	}
	writer_open_array(&d->w, d->opts.timestamp ? "data" : NULL);
}

void
show_close(struct dpip *d)
{
	writer_close_array(&d->w);
	if (d->opts.timestamp)
		writer_close_object(&d->w);
}

void *
show_sorted(const struct dpvs_reply *reply, uint32_t size,
	    int (*compare)(const void *, const void *))
{
	uint32_t count = dpvs_reply_count(reply);
	char *records = calloc(count + 1, size);

	if (!records) {
		error_print("out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		dpvs_reply_record(reply, i, records + (size_t)i * size, size);
	qsort(records, count, size, compare);
	return records;
}

const char *
show_number(const struct dpip *d, uint64_t value, char buf[FORMAT_NUMBER_SIZE])
{
	return format_number(value,
			     d->opts.iec     ? FORMAT_IEC
			     : d->opts.human ? FORMAT_SI
					     : FORMAT_PLAIN,
			     buf);
}

const char *
show_word(const struct dpip_word *words, uint32_t value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

bool
show_matches(const char *pattern, const char *name)
{
	return fnmatch(pattern, name, 0) == 0;
}

int
show_none(const char *what, const char *name)
{
	if (strpbrk(name, "*?["))
		return EXIT_OK;
	error_line("%s \"%s\" does not exist.", what, name);
	return EXIT_REFUSED;
}

const char *
show_copy(const char *src, size_t size, char *buf)
{
	size_t i;

	for (i = 0; i + 1 < size && src[i]; i++)
		buf[i] = (unsigned char)src[i] < ' ' || src[i] == 0x7f ? '?' : src[i];
	buf[i] = '\0';
	return buf;
}

void
show_counters(struct dpip *d, const char *title, const char *const *names, const uint64_t *values,
	      size_t count)
{
	char buf[FORMAT_NUMBER_SIZE];
	int width[8];

	writer_break(&d->w);
	writer_text(&d->w, "    %s ", title);
	for (size_t i = 0; i < count && i < 8; i++) {
		int name_len = (int)strlen(names[i]);
		int len = (int)strlen(show_number(d, values[i], buf));

		width[i] = len > name_len ? len : name_len;
		writer_text(&d->w, " %*s", width[i], names[i]);
	}
	writer_break(&d->w);
	writer_text(&d->w, "    %*s ", (int)strlen(title), "");
	for (size_t i = 0; i < count && i < 8; i++)
		writer_text(&d->w, " %*s", width[i], show_number(d, values[i], buf));
}

void
show_colored(struct dpip *d, enum writer_color color, const char *text, int width)
{
	int len = (int)strlen(text);

	writer_color(&d->w, color, "%s", text);
	if (len < width)
		writer_text(&d->w, "%*s", width - len, "");
}

void
show_addr(struct dpip *d, const char *label, const struct dpvs_addr *addr)
{
	char buf[FORMAT_ADDR_SIZE];

	if (addr->family == 0)
		return;
	writer_text(&d->w, "%s ", label);
	writer_color(&d->w, addr->family == AF_INET6 ? WRITER_INET6 : WRITER_INET, "%s",
		     format_addr(addr, buf));
	writer_text(&d->w, " ");
}

const char *
show_port_state(const struct dpvs_port_info *port)
{
	return (port->flags & DPVS_PORT_UP) && (port->flags & DPVS_PORT_RUNNING) ? "UP" : "DOWN";
}

void
show_port_flags(struct dpip *d, const struct dpvs_port_info *port)
{
	static const struct dpip_word names[] = {
		{ "PROMISC", DPVS_PORT_PROMISC },
		{ "ALLMULTI", DPVS_PORT_ALLMULTICAST },
		{ "UP", DPVS_PORT_UP },
		{ "LOWER_UP", DPVS_PORT_RUNNING },
		{},
	};
	const char *comma = "";

	writer_text(&d->w, "<");
	writer_open_array(&d->w, "flags");
	if ((port->flags & DPVS_PORT_UP) && !(port->flags & DPVS_PORT_RUNNING)) {
		writer_str(&d->w, NULL, "NO-CARRIER");
		writer_text(&d->w, "NO-CARRIER");
		comma = ",";
	}
	for (const struct dpip_word *f = names; f->name; f++) {
		if (!(port->flags & f->value))
			continue;
		writer_str(&d->w, NULL, f->name);
		writer_text(&d->w, "%s%s", comma, f->name);
		comma = ",";
	}
	writer_close_array(&d->w);
	writer_text(&d->w, ">");
}

void
show_port_head(struct dpip *d, const struct dpvs_port_info *port)
{
	const char *state = show_port_state(port);
	char name[DPVS_IFNAME_SIZE];

	show_copy(port->name, sizeof(name), name);
	writer_uint(&d->w, "ifindex", port->index);
	writer_str(&d->w, "ifname", name);
	writer_text(&d->w, "%" PRIu32 ": ", port->index);
	writer_color(&d->w, WRITER_NAME, "%s", name);
	writer_text(&d->w, ": ");
	show_port_flags(d, port);
	writer_text(&d->w, " ");
	writer_pair_uint(&d->w, "mtu", "mtu", port->mtu);
	writer_str(&d->w, "operstate", state);
	writer_text(&d->w, "state ");
	show_colored(d, strcmp(state, "UP") == 0 ? WRITER_UP : WRITER_DOWN, state, 0);
	writer_text(&d->w, " ");
}

void
show_port_address(struct dpip *d, const struct dpvs_port_info *port)
{
	char mac[FORMAT_MAC_SIZE];

	writer_str(&d->w, "link_type", "ether");
	writer_mac(&d->w, "address", port->mac);
	writer_break(&d->w);
	writer_text(&d->w, "    link/ether ");
	writer_color(&d->w, WRITER_MAC, "%s", format_mac(port->mac, mac));
	writer_text(&d->w, " ");
}

void
show_port_name_state(struct dpip *d, const struct dpvs_port_info *port)
{
	const char *state = show_port_state(port);
	char name[DPVS_IFNAME_SIZE];

	show_colored(d, WRITER_NAME, show_copy(port->name, sizeof(name), name), 16);
	writer_text(&d->w, " ");
	show_colored(d, strcmp(state, "UP") == 0 ? WRITER_UP : WRITER_DOWN, state, 14);
	writer_text(&d->w, " ");
}

void
show_device_names(const struct daemon_opts *opts)
{
	struct dpvs_client *client = NULL;
	struct dpvs_reply *reply = NULL;
	struct dpvs_port_info port;
	char name[DPVS_IFNAME_SIZE];

	if (dpvs_client_open(opts->socket, NAMES_TIMEOUT_MS, &client) == 0 &&
	    dpvs_client_get(client, DPVS_GET_PORT_LIST, NULL, 0, &reply) == 0)
		for (uint32_t i = 0; i < dpvs_reply_count(reply); i++)
			if (dpvs_reply_record(reply, i, &port, sizeof(port)) == 0)
				puts(show_copy(port.name, sizeof(name), name));
	dpvs_reply_free(reply);
	dpvs_client_close(client);
}
