/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the control socket: a server in the default main context of this thread with a few
 * request types, clients in threads or processes of their own, raw access for rude ones.
 */
#ifndef SOCK_FIXTURE_H
#define SOCK_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <dpvsctrl/client.h>
#include <dpvsctrl/server.h>
#include <dpvsctrl/wire.h>

/** struct item: the record of the test's requests. */
struct item {
	uint32_t value;
	uint32_t extra;
	char text[24];
};

enum {
	ID_ECHO = 9000,   /* GET: the records come back */
	ID_LIST = 9001,   /* GET: value says how many records of 1 KiB to answer */
	ID_LATER = 9002,  /* GET: answered by a timer after value ms */
	ID_STREAM = 9003, /* GET: value records of 1 KiB, paced by the reader */
	ID_NOTHING = 9004, /* GET: takes no record */
	ID_STORE = 9100,  /* SET: stores; value 13 is refused */
};

extern char *dir;
extern char *path;
extern struct dpvs_server *server;
extern unsigned int stored;
extern unsigned int audits;
extern int audit_result;
extern unsigned int later_ended;
extern unsigned int stream_cancelled;
extern size_t stream_backlog_max;
extern uint64_t generation;
extern unsigned int child_ended;
extern const struct dpvs_sockopt fixture_opts[6];

/* Registers the request types, makes a folder; fixture_run() runs the tests and checks that no descriptor leaked. */
void fixture_init(int *argc, char ***argv);
int fixture_run(void);

void start_server(const struct dpvs_server_params *extra);
void stop_server(void);
/* Serves until *@counter is @target, or for @ms. */
void serve_until(const unsigned int *counter, unsigned int target, unsigned int ms);
/* A client function in a thread, or in a process (0: well), while this thread serves. */
void run_client(void (*fn)(void *arg), void *arg);
void run_process(int (*fn)(void));
void on_child(GPid pid, gint status, gpointer arg);
unsigned int open_fds(void);

struct dpvs_client *open_client(unsigned int timeout_ms);
int raw_connect(void);
void raw_write(int fd, const void *buf, size_t len);
/* Reads exactly @len bytes; returns false when the peer closed before the first. */
bool raw_read(int fd, void *buf, size_t len);
/* Reads one reply and gives its code; the text goes to @text (DPVS_ERRSTR_MAX + 1 bytes). */
int raw_reply(int fd, struct dpvs_sock_msg *ret_msg, char *text);

/* A client function that tries a bit of everything. */
void client_basic(void *arg);

#endif
