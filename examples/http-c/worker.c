/* SPDX-License-Identifier: 0BSD
 *
 * An example worker: answers each request with a line of JSON about itself.
 * C99, Linux, no library. What availd asks for is in report(), hand_over() and
 * main(); run it under NonBlocking=yes, or a worker that loses the race for a
 * connection waits inside accept4() for the next one.
 *
 *   cc -O2 -static -o /usr/local/libexec/http-c worker.c
 *   availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-c
 *   curl http://127.0.0.1:8080/
 *   curl http://127.0.0.1:8080/sleep?ms=5000
 */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 64 };

/* Sends one line to availd, if there is one. A worker goes on if it fails. */
static void report(const char *line)
{
	static int sender = -1;
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = to ? strlen(to) : 0;

	if (n < 2 || n >= sizeof a.sun_path)
		return;
	if (sender < 0)
		sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, to, n);
	if (to[0] == '@') /* an abstract name has no file and no NUL at its end */
		a.sun_path[0] = '\0';
	while (sendto(sender, line, strlen(line), MSG_NOSIGNAL, (struct sockaddr *)&a,
	              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0 && errno == EINTR)
		;
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

int main(int argc, char **argv)
{
	struct pollfd waiting[1 + MOST];
	int n = hand_over();
	sigset_t term;

	if (argc < 1 || n == 0) {
		fprintf(stderr, "no sockets: start me with: availd run --listen 127.0.0.1:8080 -- %s\n",
		        argc < 1 ? "COMMAND" : argv[0]);
		return 1;
	}
	/* A descriptor for the signal: with ppoll() and a handler, a worker that
	 * always finds a connection ready would never hear of it (the signal is
	 * only delivered by a ppoll() that has nothing to return). */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	waiting[0] = (struct pollfd){ .fd = signalfd(-1, &term, SFD_CLOEXEC), .events = POLLIN };
	if (waiting[0].fd < 0) {
		perror("signalfd");
		return 1;
	}
	for (int i = 0; i < n; i++)
		waiting[1 + i] = (struct pollfd){ .fd = FIRST + i, .events = POLLIN };

	report("READY=1");
	for (unsigned turn = 0;; turn++) { /* busy sockets take turns */
		if (poll(waiting, (nfds_t)(1 + n), -1) < 0) {
			if (errno == EINTR)
				continue;
			perror("poll");
			return 1;
		}
		if (waiting[0].revents)
			return 0; /* what is in the queue stays there for the others */
		struct pollfd *ready = &waiting[1 + turn % (unsigned)n];
		if (!ready->revents)
			continue;
		int client = accept4(ready->fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue; /* another worker was faster, or the client has gone */
		report("X_AVAILD=busy");
		serve(client);
		close(client);
		report("X_AVAILD=idle");
	}
}
