/* SPDX-License-Identifier: 0BSD
 *
 * An example worker: answers each request with a line of JSON about itself.
 * C99, Linux, no library. What availd asks for is in report(), hand_over() and
 * main(); run it under NonBlocking=yes, or a worker that loses the race for a
 * connection waits inside accept4() for the next one. become_worker() is for
 * --template=worker alone, with which workers are forks of one process.
 *
 *   cc -O2 -static -o /usr/local/libexec/http-c worker.c
 *   availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-c
 *   curl http://127.0.0.1:8080/
 *   curl http://127.0.0.1:8080/sleep?ms=5000
 */
#define _GNU_SOURCE /* accept4, strsep */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 64 };

/* Sends one line to availd, if there is one. A worker goes on if it fails. While availd
 * hangs or is away its socket may have no room: that is waited for once, not each time. */
static void report(const char *line)
{
	static int sender = -1, away;
	const struct timeval patience = { .tv_sec = 5 };
	ssize_t sent;
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = to ? strlen(to) : 0;

	if (n < 2 || n >= sizeof a.sun_path)
		return;
	if (sender < 0) {
		sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		setsockopt(sender, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	}
	memcpy(a.sun_path, to, n);
	if (to[0] == '@') /* an abstract name has no file and no NUL at its end */
		a.sun_path[0] = '\0';
	do
		sent = sendto(sender, line, strlen(line), MSG_NOSIGNAL | away, (struct sockaddr *)&a,
		              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	while (sent < 0 && errno == EINTR);
	away = sent < 0 && errno == EAGAIN ? MSG_DONTWAIT : 0;
}

/* Sends one packet to availd. A worker that cannot be heard is none. */
static void answer(int channel, const char *what, unsigned long long number, const char *why)
{
	char text[256];
	int n = snprintf(text, sizeof text, "%s=%llu%s%s", what, number, *why ? " " : "", why);

	while (send(channel, text, (size_t)n, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(1);
}

/* Returns in a worker. The template stays in here, and forks one for each order. */
static void become_worker(void)
{
	const char *fd = getenv("AVAILD_TEMPLATE_FD");
	char order[4097], pid[24], *line, *rest = order;
	unsigned long long number;
	int channel;

	if (!fd)
		return; /* there is none, this process is the worker */
	channel = atoi(fd);
	unsetenv("AVAILD_TEMPLATE_FD");
	answer(channel, "READY", 1, "");
	for (;;) {
		ssize_t n = recv(channel, order, sizeof order - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			exit(0); /* the end: availd wants no more */
		order[n] = '\0';
		if (sscanf(order, "FORK=%llu", &number) != 1)
			continue;
		pid_t middle = fork(), worker = middle == 0 ? fork() : 0;
		if (middle < 0 || worker < 0)
			answer(channel, "FAILED", number, strerror(errno));
		if (middle > 0)
			while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
				;
		if (middle == 0 && worker == 0)
			break;
		if (middle == 0)
			_exit(0); /* the worker becomes availd's child */
	}
	for (strsep(&rest, "\n"); (line = strsep(&rest, "\n"));) {
		char *value = strchr(line, '=');
		if (value) {
			*value++ = '\0';
			setenv(line, value, 1);
		}
	}
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	answer(channel, "BORN", number, "");
	close(channel);
}

/* The number of listening sockets that were meant for this process. */
static int hand_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int n = fds ? atoi(fds) : 0;

	if (!pid || strtol(pid, NULL, 10) != (long)getpid() || n < 1 || n > MOST)
		return 0;
	for (int fd = FIRST; fd < FIRST + n; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return n;
}

/* Reads up to the end of the head. Returns 0 when the client has gone, is
 * silent for ten seconds, or talks too much. */
static int read_head(int client, char *head, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n = recv(client, head + used, size - 1 - used, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		head[used += (size_t)n] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return 1;
	}
	return 0;
}

static void send_all(int client, const char *text, size_t left)
{
	while (left > 0) {
		ssize_t n = send(client, text, left, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

/* Answers one request. The worker is this client's until it returns. */
static void serve(int client)
{
	struct timeval patience = { .tv_sec = 10 };
	const char *generation = getenv("AVAILD_GENERATION"), *stress = getenv("AVAILD_STRESS");
	char head[8192], body[128], text[512];
	unsigned ms;

	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (!read_head(client, head, sizeof head))
		return;
	if (sscanf(head, "%*15s /sleep?ms=%5u ", &ms) == 1)
		poll(NULL, 0, ms > 60000 ? 60000 : (int)ms);
	int n = snprintf(body, sizeof body, "{\"pid\":%ld,\"generation\":%llu,\"stress\":%s}\n", (long)getpid(),
	                 strtoull(generation ? generation : "0", NULL, 10),
	                 stress && strcmp(stress, "yes") == 0 ? "true" : "false");
	n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	             "Content-Length: %d\r\nConnection: close\r\n\r\n%s", n, body);
	send_all(client, text, (size_t)n);
}

/* Takes one connection and serves it. Returns 0 when there is none after all:
 * another worker was faster, or the client has gone. */
static int take_one(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return 0;
	report("X_AVAILD=busy");
	serve(client);
	close(client);
	report("X_AVAILD=idle");
	return 1;
}

/* Puts a descriptor into the set. */
static void watch(int set, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0) {
		perror("epoll_ctl");
		exit(1);
	}
}

/* EPOLLEXCLUSIVE: each connection wakes one idle worker, not all of them, and
 * that is who joined the socket's line first. Whoever has served goes to its
 * end: otherwise a service with few requests would use its oldest worker only,
 * and never ask a new version that is tested. But it stays for 20 ms, as the
 * next worker's memory is in no cache of the processor. */
static void take_turns(int set, int n)
{
	static struct timespec first; /* served since it joined; 0 = none */
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (first.tv_sec == 0)
		first = now;
	if ((now.tv_sec - first.tv_sec) * 1000 + (now.tv_nsec - first.tv_nsec) / 1000000 < 20)
		return;
	first.tv_sec = 0;
	for (int fd = FIRST; fd < FIRST + n; fd++) {
		epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
		watch(set, fd, EPOLLIN | EPOLLEXCLUSIVE);
	}
}

/* As each connection wakes one idle worker, one that leaves may have been woken for a connection that nobody else will
 * be woken for. It takes its sockets out of the kernel's sight first, by
 * closing the set, and then serves one more connection if there is one. */
static int leave(int set, int n)
{
	struct pollfd waiting[MOST];

	close(set);
	for (int i = 0; i < n; i++)
		waiting[i] = (struct pollfd){ .fd = FIRST + i, .events = POLLIN };
	if (poll(waiting, (nfds_t)n, 0) > 0)
		for (int i = 0; i < n; i++)
			if (waiting[i].revents && take_one(FIRST + i))
				break;
	return 0;
}

int main(int argc, char **argv)
{
	become_worker();
	int n = hand_over(), set = epoll_create1(EPOLL_CLOEXEC);
	sigset_t term;

	if (argc < 1 || n == 0) {
		fprintf(stderr, "no sockets: start me with: availd run --listen 127.0.0.1:8080 -- %s\n",
		        argc < 1 ? "COMMAND" : argv[0]);
		return 1;
	}
	/* A descriptor for the signal: with a handler, a worker that always finds
	 * a connection ready would never hear of it (the signal is only delivered
	 * by an epoll_pwait() that has nothing to return). */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	int told = signalfd(-1, &term, SFD_CLOEXEC);
	if (told < 0) {
		perror("signalfd");
		return 1;
	}
	watch(set, told, EPOLLIN);
	for (int i = 0; i < n; i++)
		watch(set, FIRST + i, EPOLLIN | EPOLLEXCLUSIVE);

	report("READY=1");
	for (;;) {
		struct epoll_event ready;

		/* One at a time: descriptors that are always ready take turns. */
		if (epoll_wait(set, &ready, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("epoll_wait");
			return 1;
		}
		if (ready.data.fd == told)
			return leave(set, n);
		take_one(ready.data.fd);
		take_turns(set, n);
	}
}
