/* SPDX-License-Identifier: 0BSD
 *
 * The example worker http-c for services with many short requests: it shows in
 * shared memory whether it is idle, where http-c sends two datagrams a request.
 * C99 with the atomic operations of GCC and Clang, Linux, no library. The board
 * is as in availd-worker(7): join() and what stands before it. Without a board
 * in the environment the datagrams do. Run it under NonBlocking=yes.
 *
 *   cc -O2 -static -o /usr/local/libexec/http-c-board worker.c
 *   availd run --listen 127.0.0.1:8080 -- /usr/local/libexec/http-c-board
 *   curl http://127.0.0.1:8080/
 *   curl http://127.0.0.1:8080/sleep?ms=5000
 */
#define _GNU_SOURCE /* accept4 */
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
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
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

/* The board, version 1. */
struct board {
	uint64_t magic;
	uint32_t version, words, lines_at, line_size;
	char gap1[64 - 24];
	uint64_t call; /* availd wants to hear of the next change */
	char gap2[64 - 8];
	uint64_t idle[64], low[64];
	char gap3[4096 - 1152];
	struct line {
		uint64_t owner, turns;
		char gap[64 - 16];
	} lines[4096];
};

static struct board *board; /* NULL: availability is reported */
static int wake, word;
static uint64_t bit;
static struct line *line;

#define ORDER __ATOMIC_SEQ_CST

static void ring(void)
{
	uint64_t one = 1;

	/* It does not block: if it is full, availd has been woken. */
	if (write(wake, &one, sizeof one) < 0)
		return;
}

/* Is the next change to be told, whatever it is? */
static int called(void)
{
	return __atomic_load_n(&board->call, ORDER) && __atomic_exchange_n(&board->call, 0, ORDER);
}

static int all_busy(void)
{
	for (int i = 0; i < 64; i++)
		if (__atomic_load_n(&board->idle[i], ORDER))
			return 0;
	return 1;
}

/* We have a job. First the bit goes, and then whoever took the last one of its
 * word looks at the others. */
static void take(void)
{
	uint64_t left, low, n;

	__atomic_fetch_add(&line->turns, 1, ORDER);
	left = __atomic_and_fetch(&board->idle[word], ~bit, ORDER);
	n = (uint64_t)__builtin_popcountll(left);
	low = __atomic_load_n(&board->low[word], ORDER);
	while (n < low && !__atomic_compare_exchange_n(&board->low[word], &low, n, 0, ORDER, ORDER))
		;
	if ((left == 0 && all_busy()) || called())
		ring();
}

/* The job is done, and nobody need know. */
static void release(void)
{
	__atomic_fetch_add(&line->turns, 1, ORDER);
	__atomic_fetch_or(&board->idle[word], bit, ORDER);
	if (called())
		ring();
}

static long number(const char *name)
{
	const char *text = getenv(name);
	return text ? strtol(text, NULL, 10) : -1;
}

/* Takes our place on the board, if we are offered one that we understand. This
 * has to come before READY=1. */
static void join(void)
{
	long fd = number("AVAILD_BOARD_FD"), slot = number("AVAILD_SLOT");
	const char *generation = getenv("AVAILD_GENERATION");
	struct board *b;
	struct stat st;

	wake = (int)number("AVAILD_WAKE_FD");
	if (fd < 0 || wake < 0 || slot < 0 || slot >= 4096 || !generation)
		return;
	if (fstat((int)fd, &st) < 0 || st.st_size < (off_t)sizeof *b)
		return;
	b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (b == MAP_FAILED)
		return;
	if (b->magic != 0x42646c6961766100 || b->version != 1) {
		munmap(b, sizeof *b);
		return;
	}
	close((int)fd);
	fcntl(wake, F_SETFD, FD_CLOEXEC);
	board = b;
	word = (int)(slot / 64);
	bit = (uint64_t)1 << slot % 64;
	line = &b->lines[slot];
	__atomic_fetch_or(&b->idle[word], bit, ORDER);
	__atomic_store_n(&line->owner, strtoull(generation, NULL, 10), ORDER);
}

static void busy(void)
{
	if (board)
		take();
	else
		report("X_AVAILD=busy");
}

static void idle(void)
{
	if (board)
		release();
	else
		report("X_AVAILD=idle");
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
	busy();
	serve(client);
	close(client);
	idle();
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

	join();
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
