/*
 * Open load: clients that come when they come, whether or not the ones before them have
 * been answered. One process, one epoll set, a timer for the next arrival, so that a
 * service that falls behind meets a queue that grows, as it does in the field. A closed
 * loop (load.c) cannot show that: its clients wait for each other.
 *
 *   open TO SEED HOLD TEXT MILLISECONDS:RATE[-RATE]...
 *
 * TO is ADDRESS:PORT or the path of a Unix socket. Arrivals are a Poisson process whose
 * rate (a second) is that of the segments in turn, from the first to the second RATE in a
 * line. How long a request is to take is drawn for each: exponentially with a mean of
 * HOLD milliseconds, as the formulas assume; it replaces @@@@@ in the request on stdin.
 * The same SEED gives the same arrivals and times, so that two services can be compared.
 *
 * It prints CLOCK_MONOTONIC in nanoseconds when it begins, and at the end a line for each
 * request, in the order of arrival, in microseconds:
 *
 *   ARRIVAL LATE TOOK HOLD OK
 *
 * ARRIVAL is the time drawn, since the beginning. Everything counts from there: TOOK has
 * the time in it that this program was LATE itself. A request has failed (OK 0) when its
 * answer has not TEXT near its start, or when none had come 20 s after the last arrival.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 256, MOST = 1 << 20, DIGITS = 5 };
static const long PATIENCE = 20 * 1000 * 1000, RETRY = 2000;

struct client {
	long arrival, begun, took; /* took < 0: under way */
	int fd, sent, ok, got;
	unsigned hold; /* milliseconds */
	char head[HEAD];
};

static struct sockaddr_storage address;
static socklen_t address_size;
static char request[65536], *digits;
static size_t request_size;
static const char *text;
static struct client *clients[MOST];
static int count, active, waiting, set, timer; /* waiting: those before it have been begun */
static long start;
static uint64_t seed, expired;

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000 - start;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Uniform in (0, 1]: splitmix64. */
static double uniform(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return ((double)((z ^ (z >> 31)) >> 11) + 1) / 9007199254740992.0;
}

/* All arrivals of a segment that begins then. They are drawn at its highest rate, and
 * each is kept with the share of it that the rate has at that time. */
static void draw(long begin, const char *segment, double hold)
{
	double ms, from, to, t = 0;
	int n = sscanf(segment, "%lf:%lf-%lf", &ms, &from, &to);

	if (n < 2)
		die(segment);
	if (n == 2)
		to = from;
	double most = from > to ? from : to;
	for (;;) {
		t += -log(uniform()) * 1e3 / most;
		if (t >= ms)
			return;
		double kept = uniform(), drawn = -log(uniform()) * hold;
		if (kept * most > from + (to - from) * t / ms)
			continue;
		if (count == MOST)
			die("too many requests");
		struct client *c = clients[count++] = calloc(1, sizeof *c);
		if (!c)
			die("calloc");
		c->arrival = begin + (long)(t * 1e3);
		c->hold = drawn < 99999 ? (unsigned)(drawn + 0.5) : 99999;
		c->took = -1;
	}
}

static void resolve(const char *to)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_un *un = (struct sockaddr_un *)&address;
	const char *colon = strrchr(to, ':');
	char host[64];

	if (to[0] == '/') {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof un->sun_path, "%s", to);
		address_size = sizeof *un;
		return;
	}
	snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - to) : 0, to);
	in->sin_family = AF_INET;
	in->sin_port = htons((unsigned short)atoi(colon ? colon + 1 : ""));
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		die(to);
	address_size = sizeof *in;
}

static void end(struct client *c, int good)
{
	c->took = now() - c->arrival;
	c->ok = good && memmem(c->head, (size_t)c->got, text, strlen(text)) != NULL;
	close(c->fd);
	active--;
}

/* A connection that is not there yet says so by EAGAIN, and is tried again. */
static int send_request(struct client *c)
{
	char number[DIGITS + 1];

	if (digits) {
		snprintf(number, sizeof number, "%05u", c->hold);
		memcpy(digits, number, DIGITS);
	}
	c->sent = send(c->fd, request, request_size, MSG_NOSIGNAL) == (ssize_t)request_size;
	return c->sent || errno == EAGAIN || errno == ENOTCONN;
}

/* Connects. 0: a Unix socket's queue is full, where another client would wait in
 * connect(2). */
static int begin(struct client *c)
{
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&address, address_size) < 0 && errno != EINPROGRESS) {
		int full = errno == EAGAIN;
		close(fd);
		if (full)
			return 0;
		if (errno == EADDRNOTAVAIL)
			die("connect");
		fd = -1;
	}
	c->fd = fd;
	c->begun = now();
	active++;
	if (fd < 0 || !send_request(c)) {
		end(c, 0);
		return 1;
	}
	struct epoll_event e = { .events = EPOLLIN | (c->sent ? 0 : EPOLLOUT), .data.ptr = c };
	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
	return 1;
}

/* Begins all whose time has come, and sets the timer for the next. */
static void arrive(void)
{
	struct itimerspec at = { 0 };
	long next = 0, t = now();

	while (waiting < count && clients[waiting]->arrival <= t) {
		if (!begin(clients[waiting])) {
			next = t + RETRY;
			break;
		}
		waiting++;
	}
	if (!next && waiting < count)
		next = clients[waiting]->arrival;
	if (!next)
		return;
	next += start;
	at.it_value = (struct timespec){ .tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000 };
	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0)
		die("timerfd_settime");
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
		int room = HEAD - c->got;
		ssize_t n = recv(c->fd, room > 0 ? c->head + c->got : rest, room > 0 ? (size_t)room : sizeof rest, 0);
		if (n > 0) {
			if (room > 0)
				c->got += (int)n;
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			return;
		end(c, n == 0 && c->got > 0);
		return;
	}
}

static void prepare(int argc, char **argv)
{
	struct rlimit files;
	long begins = 0;
	ssize_t n;

	resolve(argv[1]);
	seed = strtoull(argv[2], NULL, 10);
	text = argv[4];
	for (int i = 5; i < argc; i++) {
		draw(begins, argv[i], atof(argv[3]));
		begins += atol(argv[i]) * 1000;
	}
	while ((n = read(0, request + request_size, sizeof request - request_size)) > 0)
		request_size += (size_t)n;
	digits = memmem(request, request_size, "@@@@@", DIGITS);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	setpriority(PRIO_PROCESS, 0, -15); /* where that may be: its lateness is nobody's */
	set = epoll_create1(EPOLL_CLOEXEC);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	if (set < 0 || timer < 0 || epoll_ctl(set, EPOLL_CTL_ADD, timer, &e) < 0)
		die("start");
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];

	if (argc < 6) {
		fprintf(stderr, "usage: open TO SEED HOLD TEXT MILLISECONDS:RATE[-RATE]...\n");
		return 64;
	}
	prepare(argc, argv);
	start = now();
	printf("%ld\n", start * 1000);
	fflush(stdout);
	arrive();
	while (count > 0 && (waiting < count || active > 0)) {
		int found = epoll_wait(set, events, 256, 1000);
		if (found < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < found; i++)
			if (events[i].data.ptr)
				ready(events[i].data.ptr, events[i].events);
			else if (read(timer, &expired, sizeof expired) > 0)
				arrive();
		if (now() - clients[count - 1]->arrival > PATIENCE)
			break;
	}
	for (int i = 0; i < count; i++) {
		struct client *c = clients[i];
		if (c->took < 0)
			c->took = now() - c->arrival;
		if (c->begun == 0)
			c->begun = now();
		printf("%ld %ld %ld %u %d\n", c->arrival, c->begun - c->arrival, c->took, c->hold * 1000, c->ok);
	}
	return 0;
}
