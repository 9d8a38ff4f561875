/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many TCP connections at once, for tests in the lab.
 *
 *   manyconn server PORT ID               answers each byte with ID (one letter); closes first on 'q'
 *   manyconn open ADDRESS PORT,PORT N     opens N connections over the ports in turn, has a byte answered on each, and
 *                                         when all are open lets the server close them; prints how it went
 *   manyconn ping ADDRESS PORT N FILE     keeps N connections and pings each ten times a second until there is a FILE;
 *                                         prints for each server "ID: N connections, N alive", alive: it still answers
 *
 * epoll; as many processes as the limit of open files asks for. No dependency on the rest of the tree.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 512

/* 256: connections under way at once; more would only queue in the listen backlog. */
#define IN_FLIGHT 256

/* 240 s: a quiet machine needs ten, one that is ten times overcommitted a hundred; lost SYNs back off to 64 s. */
#define OPEN_LIMIT_MS 240000

/* 3 s: when nothing new has answered for so long, nothing more will. */
#define QUIET_MS 3000

struct conn {
	int fd;
	char server; /* ID that answered; 0: none yet */
	bool done;
	int64_t answered_ms; /* last answer */
};

static int epfd;

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
watch(int fd, uint32_t events, void *ptr, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = ptr };

	if (epoll_ctl(epfd, op, fd, &ev) != 0)
		die("epoll_ctl");
}

/* Connections that one process can have. */
static unsigned int
raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		die("getrlimit");
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	/* 64: what is open besides */
	return lim.rlim_cur > 1000064 ? 1000000 : (unsigned int)lim.rlim_cur - 64;
}

/* A process full of connections leaves new ones to the others. */
static int
server(uint16_t port, char id, unsigned int limit)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event ev[EVENTS];
	unsigned int conns = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 4096) != 0)
		die("listen");
	/* 70,000: what the largest test opens */
	for (unsigned int room = limit; room < 70000 && fork() != 0; room += limit)
		;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	watch(fd, EPOLLIN, NULL, EPOLL_CTL_ADD);
	for (;;) {
		int n = epoll_wait(epfd, ev, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int c = (int)(intptr_t)ev[i].data.ptr;
			char byte;

			if (c == 0) {
				while (conns < limit && (c = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
					watch(c, EPOLLIN, (void *)(intptr_t)c, EPOLL_CTL_ADD);
					conns++;
				}
				if (conns == limit)
					watch(fd, 0, NULL, EPOLL_CTL_MOD);
				continue;
			}
			if (read(c, &byte, 1) == 1 && byte != 'q' && write(c, &id, 1) == 1)
				continue;
			close(c);
			if (conns-- == limit)
				watch(fd, EPOLLIN, NULL, EPOLL_CTL_MOD);
		}
	}
}

static int
dial(const char *address, uint16_t port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool v4 = inet_pton(AF_INET, address, &a4.sin_addr) == 1;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		die("socket");
	if (!v4 && inet_pton(AF_INET6, address, &a6.sin6_addr) != 1)
		die(address);
	rc = v4 ? connect(fd, (struct sockaddr *)&a4, sizeof(a4)) :
		  connect(fd, (struct sockaddr *)&a6, sizeof(a6));
	if (rc != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Has the server end every connection. Returns how many did not see that end. */
static unsigned int
close_all(struct conn *conns, unsigned int count)
{
	struct epoll_event ev[EVENTS];
	int64_t limit = now_ms() + OPEN_LIMIT_MS;
	unsigned int asked = 0, open = 0;

	while ((asked < count || open > 0) && now_ms() < limit) {
		int n;

		for (; asked < count && open < IN_FLIGHT; asked++)
			if (conns[asked].fd >= 0 && write(conns[asked].fd, "q", 1) == 1)
				open++;
		n = epoll_wait(epfd, ev, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			char byte;

			if (c->fd < 0 || read(c->fd, &byte, 1) > 0)
				continue;
			close(c->fd);
			c->fd = -1;
			open--;
		}
	}
	return open + count - asked;
}

/*
 * One process's share of open_many(). Tells how many were answered, and keeps all open until the parent
 * closes its end of @hold: the parent waits for the others' shares.
 */
static void
open_share(const char *address, const uint16_t *port, unsigned int num_ports, unsigned int count, int tell,
	   int hold)
{
	struct conn *conns = calloc(count, sizeof(*conns));
	unsigned int started = 0, answered = 0, failed = 0;
	int64_t limit = now_ms() + OPEN_LIMIT_MS;
	struct epoll_event ev[EVENTS];
	char byte;

	if (conns == NULL)
		die("calloc");
	epfd = epoll_create1(EPOLL_CLOEXEC);
	while (answered + failed < count && now_ms() < limit) {
		int n;

		while (started < count && started - answered - failed < IN_FLIGHT) {
			struct conn *c = &conns[started];

			c->fd = dial(address, port[started++ % num_ports]);
			if (c->fd >= 0)
				watch(c->fd, EPOLLOUT, c, EPOLL_CTL_ADD);
			else
				failed++;
		}
		n = epoll_wait(epfd, ev, EVENTS, 1000);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;

			if (c->done)
				continue;
			if ((ev[i].events & EPOLLOUT) && write(c->fd, "p", 1) == 1) {
				watch(c->fd, EPOLLIN, c, EPOLL_CTL_MOD);
			} else if ((ev[i].events & EPOLLIN) && read(c->fd, &byte, 1) == 1) {
				c->done = true;
				answered++;
			} else {
				if (failed == 0)
					perror("manyconn: a connection failed");
				close(c->fd);
				c->fd = -1;
				c->done = true;
				failed++;
			}
		}
	}
	if (answered + failed < count)
		fprintf(stderr, "manyconn: %u connections got no answer in %d s\n",
			count - answered - failed, OPEN_LIMIT_MS / 1000);
	if (write(tell, &answered, sizeof(answered)) != sizeof(answered) || read(hold, &byte, 1) != 0)
		die("pipe");
	answered = close_all(conns, started);
	if (write(tell, &answered, sizeof(answered)) != sizeof(answered))
		die("pipe");
	exit(0);
}

static int
open_many(const char *address, char *ports, unsigned int count, unsigned int limit)
{
	unsigned int answered = 0, unclosed = 0, n, num_ports = 0, shares = (count + limit - 1) / limit;
	int tell[2], hold[2];
	uint16_t port[16];

	for (char *p = strtok(ports, ","); p != NULL && num_ports < 16; p = strtok(NULL, ","))
		port[num_ports++] = (uint16_t)atoi(p);
	if (num_ports == 0 || pipe(tell) != 0 || pipe(hold) != 0)
		die("pipe");
	for (unsigned int i = 0; i < shares; i++) {
		n = count * (i + 1) / shares - count * i / shares;
		if (fork() == 0) {
			close(hold[1]);
			open_share(address, port, num_ports, n, tell[1], hold[0]);
		}
	}
	close(tell[1]); /* a share that dies is an end of file */
	for (unsigned int i = 0; i < shares && read(tell[0], &n, sizeof(n)) == sizeof(n); i++)
		answered += n;
	close(hold[1]);
	for (unsigned int i = 0; i < shares && read(tell[0], &n, sizeof(n)) == sizeof(n); i++)
		unclosed += n;
	while (wait(NULL) > 0)
		;
	printf("%u answered, %u failed, %u not closed\n", answered, count - answered, unclosed);
	return answered == count && unclosed == 0 ? 0 : 1;
}

static int
ping_many(const char *address, uint16_t port, unsigned int count, const char *file)
{
	struct conn *conns = calloc(count, sizeof(*conns));
	int64_t limit = now_ms() + OPEN_LIMIT_MS, next = 0, asked = INT64_MAX, news = 0;
	struct epoll_event ev[EVENTS];

	if (conns == NULL)
		die("calloc");
	for (unsigned int i = 0; i < count; i++) {
		conns[i].fd = dial(address, port);
		if (conns[i].fd < 0)
			die("connect");
		watch(conns[i].fd, EPOLLIN, &conns[i], EPOLL_CTL_ADD);
	}
	while (now_ms() < limit && (asked == INT64_MAX || now_ms() < news + QUIET_MS)) {
		int n;

		if (asked == INT64_MAX && access(file, F_OK) == 0)
			asked = news = now_ms();
		if (now_ms() >= next) {
			for (unsigned int i = 0; i < count; i++)
				if (conns[i].fd >= 0 && write(conns[i].fd, "p", 1) < 0 && errno != EAGAIN) {
					close(conns[i].fd);
					conns[i].fd = -1;
				}
			next = now_ms() + 100;
		}
		n = epoll_wait(epfd, ev, EVENTS, 50);
		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			char byte;

			if (c->fd < 0)
				continue;
			if (read(c->fd, &byte, 1) == 1) {
				c->server = byte;
				if (c->answered_ms <= asked && now_ms() > asked)
					news = now_ms();
				c->answered_ms = now_ms();
			} else {
				close(c->fd);
				c->fd = -1;
			}
		}
	}
	for (int id = 1; id < 128; id++) {
		unsigned int all = 0, alive = 0;

		for (unsigned int i = 0; i < count; i++) {
			if (conns[i].server != id)
				continue;
			all++;
			if (conns[i].fd >= 0 && conns[i].answered_ms > asked)
				alive++;
		}
		if (all > 0)
			printf("%c: %u connections, %u alive\n", id, all, alive);
	}
	free(conns);
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned int limit = raise_limit();

	signal(SIGPIPE, SIG_IGN);
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (argc == 4 && strcmp(argv[1], "server") == 0)
		return server((uint16_t)atoi(argv[2]), argv[3][0], limit);
	if (argc == 5 && strcmp(argv[1], "open") == 0)
		return open_many(argv[2], argv[3], (unsigned int)atoi(argv[4]), limit);
	if (argc == 6 && strcmp(argv[1], "ping") == 0)
		return ping_many(argv[2], (uint16_t)atoi(argv[3]), (unsigned int)atoi(argv[4]), argv[5]);
	fprintf(stderr, "usage: manyconn server PORT ID | open ADDRESS PORTS N | ping ADDRESS PORT N FILE\n");
	return 2;
}
