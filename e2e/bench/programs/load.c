/*
 * A closed loop of clients of one address, as light as it can be: one process,
 * one epoll set, some 25 us a request. Each client connects, sends the request
 * that is on stdin, and reads to the end of the connection.
 *
 *   load ADDRESS PORT CLIENTS MILLISECONDS TEXT
 *
 * For 0 milliseconds each client has one request. A request has failed when its
 * answer has not TEXT near its start, or when it took two minutes. It prints
 *
 *   OK FAILED ELAPSED P50 P99 SLOWEST
 *
 * times in microseconds; ELAPSED is from the first connect to the last answer,
 * SLOWEST may be of a failed one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120 * 1000 * 1000, HEAD = 512, MOST = 20000 };

struct client {
	int fd; /* -1 = none */
	int sent;
	long begin;
	size_t got;
	char head[HEAD];
};

static struct sockaddr_in address;
static char request[65536];
static size_t request_size;
static const char *text;
static int set;
static struct client *clients;
static int most, active;
static long ok, failed, first, last, until, *took;
static size_t room;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void begin(struct client *c);

static void end(struct client *c, int good)
{
	long t = now();

	if (good && *text)
		good = memmem(c->head, c->got < HEAD ? c->got : HEAD, text, strlen(text)) != NULL;
	if ((size_t)(ok + failed) == room) {
		room = room ? 2 * room : 65536;
		took = realloc(took, room * sizeof *took);
		if (!took)
			die("realloc");
	}
	took[ok + failed] = t - c->begin;
	if (good)
		ok++;
	else
		failed++;
	last = t;
	close(c->fd);
	c->fd = -1;
	active--;
	if (t < until)
		begin(c);
}

/* Sends the request; a connection that is not there yet says so by EAGAIN. */
static int send_request(struct client *c)
{
	ssize_t n = request_size ? send(c->fd, request, request_size, MSG_NOSIGNAL) : 0;

	c->sent = n == (ssize_t)request_size;
	return c->sent || errno == EAGAIN || errno == ENOTCONN;
}

static void begin(struct client *c)
{
	c->begin = now();
	c->got = 0;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	active++;
	if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
		if (errno == EADDRNOTAVAIL)
			die("connect");
		end(c, 0);
		return;
	}
	if (!send_request(c)) {
		end(c, 0);
		return;
	}
	struct epoll_event e = { .events = EPOLLIN | (c->sent ? 0 : EPOLLOUT), .data.ptr = c };
	if (epoll_ctl(set, EPOLL_CTL_ADD, c->fd, &e) < 0)
		die("epoll_ctl");
}

static void ready(struct client *c, unsigned events)
{
	char rest[65536];

	if (!c->sent && events & EPOLLOUT) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
		if (!send_request(c)) {
			end(c, 0);
			return;
		}
		if (c->sent)
			epoll_ctl(set, EPOLL_CTL_MOD, c->fd, &e);
	}
	while (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		char *to = c->got < HEAD ? c->head + c->got : rest;
		ssize_t n = recv(c->fd, to, c->got < HEAD ? HEAD - c->got : sizeof rest, 0);
		if (n > 0) {
			c->got += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		end(c, n == 0 && c->got > 0);
		return;
	}
}

static void give_up(void)
{
	long t = now();

	for (int i = 0; i < most; i++)
		if (clients[i].fd >= 0 && t - clients[i].begin > PATIENCE)
			end(&clients[i], 0);
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	struct rlimit files;
	ssize_t n;

	if (argc != 6 || (most = atoi(argv[3])) < 1 || most > MOST) {
		fprintf(stderr, "usage: load ADDRESS PORT CLIENTS MILLISECONDS TEXT\n");
		return 64;
	}
	address.sin_family = AF_INET;
	address.sin_port = htons((unsigned short)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
		die(argv[1]);
	text = argv[5];
	while ((n = read(0, request + request_size, sizeof request - request_size)) > 0)
		request_size += (size_t)n;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	clients = calloc((size_t)most, sizeof *clients);
	set = epoll_create1(EPOLL_CLOEXEC);
	if (!clients || set < 0)
		die("start");
	first = now();
	until = first + atol(argv[4]) * 1000;
	for (int i = 0; i < most; i++)
		begin(&clients[i]);
	while (active > 0) {
		int found = epoll_wait(set, events, 256, 1000);
		if (found < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < found; i++)
			ready(events[i].data.ptr, events[i].events);
		if (found <= 0)
			give_up();
	}
	long done = ok + failed;
	qsort(took, (size_t)done, sizeof *took, compare);
	printf("%ld %ld %ld %ld %ld %ld\n", ok, failed, last - first, took[done / 2], took[done * 99 / 100], took[done - 1]);
	return 0;
}
