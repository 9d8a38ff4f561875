/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server half of the control socket: the lock file that decides which daemon is live, the listening
 * socket, and one GSource for all connections. The source watches an epoll descriptor, so that a turn
 * of the main loop costs what the active clients cost, however many idle ones there are. One turn
 * serves each ready client a bounded amount.
 */
#include "server_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <dpvsctrl/client.h>

enum {
	TURN_EVENTS = 64,
	TURN_ACCEPTS = 16,
	BACKLOG = 1024,
	FIRST_PASSED_FD = 3, /* of systemd's LISTEN_FDS */
	TICK_S = 1,
	SPIN_US = 20,      /* looked for the next request before the loop goes to sleep */
	SPIN_TURN_US = 100, /* and after so long the other sources of the loop come first */
	SPIN_NEED_MIN = 4, /* requests that came so soon, before it is tried */
	SPIN_NEED_MAX = 64,
};

/** struct server_source: our GSource. */
struct server_source {
	GSource base;
	struct dpvs_server *server;
	gpointer tag;
};

/*
 * ---- who connects
 */

/* Does the peer belong to @gid, by its group or a supplementary one? */
static bool
peer_in_group(int fd, const struct ucred *cred, gid_t gid)
{
	socklen_t size = 64 * sizeof(gid_t);
	bool found = false;
	gid_t *groups;

	if (cred->gid == gid)
		return true;
	groups = g_malloc(size);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0 && errno == ERANGE) {
		/* size now says how much it takes */
		groups = g_realloc(groups, size);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
			size = 0;
	}
	for (socklen_t i = 0; i < size / sizeof(gid_t) && !found; i++)
		found = groups[i] == gid;
	g_free(groups);
	return found;
}

/* Takes one connection. Returns false when there is none, or none can be taken now. */
static bool
server_accept(struct dpvs_server *s)
{
	socklen_t size = sizeof(struct ucred);
	struct ucred cred;
	struct client *c;
	bool may_set;
	int fd;

	fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && s->spare_fd >= 0) {
		/* Out of descriptors: turn one caller away rather than spin on a ready listener. */
		close(s->spare_fd);
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return false;
	}
	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) {
		close(fd);
		return true;
	}
	may_set = cred.uid == 0 || cred.uid == geteuid() ||
		  (s->has_group && peer_in_group(fd, &cred, s->group));
	c = client_new(s, fd, cred.uid, cred.pid, may_set);
	if (c == NULL) {
		close(fd);
		return true;
	}
	if (s->lru.length > s->params.max_clients) {
		char text[96];

		g_snprintf(text, sizeof(text), "the daemon serves its most clients already (%u)",
			   s->params.max_clients);
		client_refuse(c, -EBUSY, text);
		client_flush(c);
		client_drop(c);
	}
	return true;
}

/*
 * ---- the event source
 */

void
server_reap(struct dpvs_server *s)
{
	while (s->graveyard != NULL) {
		struct client *c = s->graveyard->data;

		s->graveyard = g_slist_delete_link(s->graveyard, s->graveyard);
		client_free(c);
	}
}

static gboolean
source_prepare(GSource *base, gint *timeout)
{
	struct server_source *src = (struct server_source *)base;

	*timeout = -1;
	return src->server->runnable.length > 0;
}

static gboolean
source_check(GSource *base)
{
	struct server_source *src = (struct server_source *)base;

	return src->server->runnable.length > 0 || g_source_query_unix_fd(base, src->tag) != 0;
}

/* Serves the clients that epoll names, then those that have something to do anyway. Returns how many were named. */
static int
server_turn(struct dpvs_server *s)
{
	struct epoll_event events[TURN_EVENTS];
	unsigned int turns = s->runnable.length;
	int i, n;

	n = epoll_wait(s->epoll_fd, events, TURN_EVENTS, 0);
	s->now_us = g_get_monotonic_time();
	for (i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (c != NULL) {
			client_event(c, events[i].events);
			continue;
		}
		for (unsigned int k = 0; k < TURN_ACCEPTS && server_accept(s); k++)
			;
	}
	for (; turns > 0 && s->runnable.length > 0; turns--) {
		GList *link = g_queue_pop_head_link(&s->runnable);
		struct client *c = link->data;

		c->runnable = false;
		client_run(c);
	}
	if (n > 0)
		s->served_us = g_get_monotonic_time();
	return n;
}

/*
 * A client that sends one request after another has the next one ready a few microseconds after it got its answer,
 * sooner than a thread falls asleep and wakes. So where the last requests came that soon the next one is
 * looked for before the loop sleeps. Looking in vain costs SPIN_US; then it takes four times as many quick requests
 * until it is tried again, so that where it cannot work (client and daemon on one CPU) it is not
 * done.
 */
static void
server_spin(struct dpvs_server *s, gint64 start_us)
{
	unsigned int hits = 0;

	while (s->quick >= s->spin_need && s->runnable.length == 0 && s->now_us - start_us < SPIN_TURN_US) {
		if (server_turn(s) > 0) {
			if (++hits == SPIN_NEED_MIN)
				s->spin_need = SPIN_NEED_MIN;
		} else if (s->now_us - s->served_us > SPIN_US) {
			s->quick = 0;
			if (hits < SPIN_NEED_MIN)
				s->spin_need = MIN(s->spin_need * 4, SPIN_NEED_MAX);
		}
	}
}

static gboolean
source_dispatch(GSource *base, GSourceFunc fn, gpointer data)
{
	struct dpvs_server *s = ((struct server_source *)base)->server;
	gint64 before_us = s->served_us;

	(void)fn;
	(void)data;
	s->in_turn = true;
	if (server_turn(s) > 0) {
		s->quick = s->now_us - before_us <= SPIN_US ? MIN(s->quick + 1, SPIN_NEED_MAX) : s->quick / 2;
		server_spin(s, s->now_us);
	}
	s->in_turn = false;
	server_reap(s);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

/*
 * Ends the clients that have been silent for too long, the longest silent come first; and those that have
 * an answer and do not read it.
 */
static gboolean
server_tick(gpointer arg)
{
	struct dpvs_server *s = arg;
	gint64 now = g_get_monotonic_time();
	gint64 before = now - (gint64)s->params.idle_timeout_s * G_USEC_PER_SEC;
	gint64 stalled = now - (gint64)s->params.stall_timeout_s * G_USEC_PER_SEC;
	unsigned int left = s->lru.length;
	struct client *w;

	while ((w = g_queue_peek_head(&s->writers)) != NULL && w->wrote_us <= stalled)
		client_drop(w);

	for (; left > 0 && s->lru.length > 0; left--) {
		GList *head = g_queue_peek_head_link(&s->lru);
		struct client *c = head->data;

		if (c->active_us > before)
			break;
		if (c->req == NULL || (c->req->stream && c->out_head != NULL)) {
			client_drop(c);
			continue;
		}
		/* It waits for us, not we for it. */
		g_queue_unlink(&s->lru, head);
		g_queue_push_tail_link(&s->lru, head);
	}
	server_reap(s);
	return G_SOURCE_CONTINUE;
}

/*
 * ---- start
 */

static int explain(char **ret_error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int
explain(char **ret_error, int err, const char *format, ...)
{
	va_list args;

	if (ret_error == NULL)
		return err;
	va_start(args, format);
	if (vasprintf(ret_error, format, args) < 0)
		*ret_error = NULL;
	va_end(args);
	return err;
}

/*
 * Takes the lock. A daemon that ends removes its lock file, so a lock that was won on a file that is no
 * longer there under its name is worth nothing: try again.
 */
static int
take_lock(struct dpvs_server *s, char **ret_error)
{
	struct stat mine, there;
	char pid[16] = "";
	ssize_t n;

	for (;;) {
		s->lock_fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (s->lock_fd < 0)
			return explain(ret_error, -errno, "cannot open lock file %s: %s",
				       s->lock_path, g_strerror(errno));
		if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
			int err = errno;

			if (err != EWOULDBLOCK)
				return explain(ret_error, -err, "cannot lock %s: %s", s->lock_path,
					       g_strerror(err));
			n = read(s->lock_fd, pid, sizeof(pid) - 1);
			pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
			return explain(ret_error, -EADDRINUSE,
				       "another daemon%s%s%s has the socket %s",
				       pid[0] != '\0' ? " (pid " : "", pid,
				       pid[0] != '\0' ? ")" : "", s->path);
		}
		if (fstat(s->lock_fd, &mine) == 0 && stat(s->lock_path, &there) == 0 &&
		    mine.st_dev == there.st_dev && mine.st_ino == there.st_ino)
			break;
		close(s->lock_fd);
	}
	s->locked = true;
	g_snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	/* The number is for people; without it the lock holds as well. */
	if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, strlen(pid), 0) < 0)
		return 0;
	return 0;
}

/* A listening socket that systemd passed: the first of LISTEN_FDS. Returns -1 when there is none. */
static int
passed_socket(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	bool ours = pid != NULL && fds != NULL && strtol(pid, NULL, 10) == getpid() &&
		    strtol(fds, NULL, 10) >= 1;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours ? FIRST_PASSED_FD : -1;
}

static int
take_passed(struct dpvs_server *s, int fd, char **ret_error)
{
	socklen_t size = sizeof(int);
	int listens = 0, domain = 0, type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
		return explain(ret_error, -EINVAL,
			       "the socket that systemd passed is not a listening UNIX stream socket");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return explain(ret_error, -errno, "cannot use the socket that systemd passed: %s",
			       g_strerror(errno));
	s->listen_fd = fd;
	s->activated = true;
	return 0;
}

/* Removes what a dead daemon left. We hold the lock: nobody live is behind it. */
static int
remove_stale(struct dpvs_server *s, char **ret_error)
{
	struct stat st;

	if (lstat(s->path, &st) < 0)
		return errno == ENOENT ? 0 :
					 explain(ret_error, -errno, "cannot look at %s: %s", s->path,
						 g_strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return explain(ret_error, -EEXIST, "%s exists and is not a socket; remove it",
			       s->path);
	if (unlink(s->path) < 0)
		return explain(ret_error, -errno, "cannot remove the stale socket %s: %s", s->path,
			       g_strerror(errno));
	return 0;
}

static int
make_socket(struct dpvs_server *s, char **ret_error)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int rc, err;

	rc = remove_stale(s, ret_error);
	if (rc < 0)
		return rc;
	memcpy(addr.sun_path, s->path, strlen(s->path));
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listen_fd < 0)
		return explain(ret_error, -errno, "cannot make a socket: %s", g_strerror(errno));
	/* Nobody but us until owner and mode are right. */
	mask = umask(0177);
	rc = bind(s->listen_fd, (struct sockaddr *)&addr, sizeof(addr));
	err = errno;
	umask(mask);
	if (rc < 0)
		return explain(ret_error, -err, "cannot bind %s: %s", s->path, g_strerror(err));
	if (stat(s->path, &st) == 0) {
		s->sock_dev = st.st_dev;
		s->sock_ino = st.st_ino;
	}
	if (s->has_group && chown(s->path, (uid_t)-1, s->group) < 0)
		return explain(ret_error, -errno, "cannot give %s to group %s: %s", s->path,
			       s->params.group, g_strerror(errno));
	if (chmod(s->path, s->params.mode) < 0)
		return explain(ret_error, -errno, "cannot set the mode of %s: %s", s->path,
			       g_strerror(errno));
	if (listen(s->listen_fd, BACKLOG) < 0)
		return explain(ret_error, -errno, "cannot listen on %s: %s", s->path,
			       g_strerror(errno));
	return 0;
}

static int
find_group(struct dpvs_server *s, char **ret_error)
{
	struct group *gr;

	if (s->params.group == NULL)
		return 0;
	errno = 0;
	gr = getgrnam(s->params.group);
	if (gr == NULL)
		return explain(ret_error, -EINVAL, "there is no group %s", s->params.group);
	s->group = gr->gr_gid;
	s->has_group = true;
	return 0;
}

static void
set_defaults(struct dpvs_server_params *p)
{
	if (p->mode == 0)
		p->mode = 0660;
	if (p->max_clients == 0)
		p->max_clients = 4096;
	if (p->max_inflight == 0)
		p->max_inflight = 256;
	if (p->idle_timeout_s == 0)
		p->idle_timeout_s = 600;
	if (p->stall_timeout_s == 0)
		p->stall_timeout_s = 60;
	if (p->max_request == 0 || p->max_request > DPVS_BODY_MAX)
		p->max_request = DPVS_BODY_MAX;
	if (p->max_pending == 0)
		p->max_pending = 64 << 20;
}

static int
server_start(struct dpvs_server *s, char **ret_error)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	struct server_source *src;
	int passed, rc;

	if (strlen(s->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return explain(ret_error, -ENAMETOOLONG, "the socket's path is too long: %s", s->path);
	rc = find_group(s, ret_error);
	if (rc < 0)
		return rc;
	rc = take_lock(s, ret_error);
	if (rc < 0)
		return rc;
	passed = passed_socket();
	rc = passed >= 0 ? take_passed(s, passed, ret_error) : make_socket(s, ret_error);
	if (rc < 0)
		return rc;
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &ev) < 0)
		return explain(ret_error, -errno, "cannot watch the socket: %s", g_strerror(errno));

	s->source = g_source_new(&source_funcs, sizeof(struct server_source));
	src = (struct server_source *)s->source;
	src->server = s;
	src->tag = g_source_add_unix_fd(s->source, s->epoll_fd, G_IO_IN);
	g_source_set_name(s->source, "sockopt");
	g_source_attach(s->source, NULL);
	s->tick = g_timeout_add_seconds(TICK_S, server_tick, s);
	return 0;
}

int
dpvs_server_new(const struct dpvs_server_params *params, struct dpvs_server **ret_server,
		char **ret_error)
{
	struct dpvs_server *s = g_new0(struct dpvs_server, 1);
	int rc;

	*ret_server = NULL;
	if (ret_error != NULL)
		*ret_error = NULL;
	s->params = *params;
	set_defaults(&s->params);
	s->path = g_strdup(params->path != NULL ? params->path : DPVS_SOCKET_DEFAULT);
	s->params.path = s->path;
	s->params.group = g_strdup(params->group);
	s->lock_path = g_strconcat(s->path, ".lock", NULL);
	s->lock_fd = -1;
	s->listen_fd = -1;
	s->epoll_fd = -1;
	s->spare_fd = -1;
	s->spin_need = SPIN_NEED_MIN;
	g_queue_init(&s->lru);
	g_queue_init(&s->runnable);
	g_queue_init(&s->writers);
	g_queue_init(&s->reqs);
	rc = server_start(s, ret_error);
	if (rc < 0) {
		dpvs_server_free(s);
		return rc;
	}
	*ret_server = s;
	return 0;
}

void
dpvs_server_free(struct dpvs_server *s)
{
	struct stat st, mine;
	GList *link;

	if (s == NULL)
		return;
	if (s->source != NULL) {
		g_source_destroy(s->source);
		g_source_unref(s->source);
	}
	if (s->tick != 0)
		g_source_remove(s->tick);
	while ((link = g_queue_peek_head_link(&s->lru)) != NULL)
		client_drop(link->data);
	while ((link = g_queue_pop_head_link(&s->reqs)) != NULL)
		((struct dpvs_req *)link->data)->server = NULL;
	server_reap(s);
	g_free(s->spare_chunk);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	/* Only what we made, and only if it is still that. */
	if (s->listen_fd >= 0) {
		if (!s->activated && s->sock_ino != 0 && lstat(s->path, &st) == 0 &&
		    st.st_dev == s->sock_dev && st.st_ino == s->sock_ino)
			unlink(s->path);
		close(s->listen_fd);
	}
	/* The lock file of the daemon that is live is not ours to remove, though somebody has removed ours. */
	if (s->locked && fstat(s->lock_fd, &mine) == 0 && lstat(s->lock_path, &st) == 0 &&
	    st.st_dev == mine.st_dev && st.st_ino == mine.st_ino)
		unlink(s->lock_path);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	g_free(s->lock_path);
	g_free(s->path);
	g_free((char *)(uintptr_t)s->params.group);
	g_free(s);
}
