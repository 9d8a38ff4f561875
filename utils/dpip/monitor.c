/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpip monitor: follows what is changed, a line for each change, until it is interrupted or the daemon ends.
 */
#include "dpip/monitor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dpip/session.h"
#include "dpip/show.h"

/* A word that stands alone for each kind: several may be followed. */
#define KIND(word, bit)                                                                            \
	static const struct dpip_word word##_words[] = { { #word, bit }, {} }

KIND(service, DPVS_EVENT_SERVICE);
KIND(dest, DPVS_EVENT_DEST);
KIND(laddr, DPVS_EVENT_LADDR);
KIND(link, DPVS_EVENT_LINK);
KIND(addr, DPVS_EVENT_ADDR);
KIND(route, DPVS_EVENT_ROUTE);
KIND(neigh, DPVS_EVENT_NEIGH);
KIND(generation, DPVS_EVENT_GENERATION);
KIND(present, 1);

enum { MONITOR_DEV, MONITOR_PRESENT, MONITOR_KINDS };

#define BARE(word)                                                                                 \
	{                                                                                          \
		.name = #word, .kind = DPIP_CHOICE, .words = word##_words, .flags = DPIP_BARE      \
	}

static const struct dpip_param params[] = {
	[MONITOR_DEV] = { .name = "dev", .kind = DPIP_DEV },
	[MONITOR_PRESENT] = BARE(present),
	[MONITOR_KINDS] = BARE(service),
	BARE(dest),
	BARE(laddr),
	BARE(link),
	BARE(addr),
	BARE(route),
	BARE(neigh),
	BARE(generation),
	{},
};

static const struct dpip_param all_params[] = {
	[MONITOR_DEV] = { .name = "dev", .kind = DPIP_DEV },
	[MONITOR_PRESENT] = BARE(present),
	{},
};

/** struct follow: what is followed, and how far it is. */
struct follow {
	const char *dev;
	bool present;  /* also what there is */
	bool synced;   /* all that there was has come */
	uint64_t left; /* lines to be printed; UINT64_MAX: no end */
};

/* One event. Returns EXIT_OK or what ends it. */
static int
take(struct dpip *d, struct follow *f, const struct dpvs_event *event)
{
	bool control = event->kind == DPVS_EVENT_CONTROL;

	if (control && event->op == DPVS_EVENT_OP_SYNCED) {
		f->synced = true;
		if (!f->present)
			return EXIT_OK;
	} else if (control && event->op == DPVS_EVENT_OP_MISSED) {
		f->synced = false;
	} else if (event->op == DPVS_EVENT_OP_PRESENT && !f->present) {
		return EXIT_OK;
	} else if (!control && !monitor_wanted(d, event, f->dev)) {
		return EXIT_OK;
	}
	writer_init(&d->w, stdout, d->w.flags & ~(unsigned int)WRITER_PRETTY);
	monitor_show(d, event);
	if (writer_finish(&d->w)) {
		error_print("cannot write the output");
		return EXIT_USAGE;
	}
	if (f->left != UINT64_MAX)
		f->left--;
	return EXIT_OK;
}

/* Waits for an event, or a signal: returns false then. */
static bool
wait_for_event(int fd, int signals)
{
	struct signalfd_siginfo info;
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	/* What is read does not come again when signals are no longer blocked. */
	return !fds[1].revents || read(signals, &info, sizeof(info)) <= 0;
}

static int
follow(struct dpip *d, struct follow *f, int signals)
{
	struct dpvs_event event;
	int rc;

	while (f->left > 0) {
		rc = dpvs_client_next_event(d->client, &event, 0);
		if (rc == -EAGAIN) {
			if (!wait_for_event(dpvs_client_fd(d->client), signals))
				return EXIT_OK;
			continue;
		}
		if (rc < 0)
			return session_failed(d, rc);
		rc = take(d, f, &event);
		if (rc != EXIT_OK)
			return rc;
	}
	return EXIT_OK;
}

static int
monitor(struct dpip *d, const struct dpip_verb *verb, const struct dpip_value *v)
{
	struct follow f = {
		.dev = v[MONITOR_DEV].given ? v[MONITOR_DEV].text : NULL,
		.present = v[MONITOR_PRESENT].given,
		.left = d->opts.count ? d->opts.count : UINT64_MAX,
	};
	uint32_t kinds = verb->id;
	sigset_t set, old;
	int signals, rc;

	for (size_t i = MONITOR_KINDS; verb->params == params && params[i].name; i++)
		if (v[i].given)
			kinds |= (uint32_t)v[i].num;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	/* A connection of its own: it can do nothing else any more. */
	session_close(d);
	d->dev = NULL;
	rc = session_open(d);
	if (rc == EXIT_OK) {
		rc = dpvs_client_subscribe(d->client, kinds);
		rc = rc < 0 ? session_failed(d, rc) : follow(d, &f, signals);
	}
	session_close(d);
	close(signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

#define VERB(word, bit, text)                                                                      \
	{                                                                                          \
		.name = word, .help = text, .params = params, .run = monitor, .id = bit,           \
		.flags = DPIP_FOLLOW                                                               \
	}

static const struct dpip_verb monitor_verbs[] = {
	{
		.name = "all",
		.help = "A line for each change, until interrupted; with present first what there is. --count ends "
			"it after so many lines.",
		.params = all_params,
		.run = monitor,
		.flags = DPIP_FOLLOW,
	},
	VERB("service", DPVS_EVENT_SERVICE, "The same of virtual services, and of other kinds that are named."),
	VERB("dest", DPVS_EVENT_DEST, "Of real servers."),
	VERB("laddr", DPVS_EVENT_LADDR, "Of local addresses."),
	VERB("link", DPVS_EVENT_LINK, "Of ports."),
	VERB("addr", DPVS_EVENT_ADDR, "Of addresses."),
	VERB("route", DPVS_EVENT_ROUTE, "Of routes."),
	VERB("neigh", DPVS_EVENT_NEIGH, "Of neighbours."),
	VERB("generation", DPVS_EVENT_GENERATION, "Of the generation of the configuration."),
	{},
};

const struct dpip_object monitor_object = {
	.name = "monitor",
	.help = "follow changes",
	.verbs = monitor_verbs,
};
