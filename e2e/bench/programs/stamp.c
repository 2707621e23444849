/*
 * A worker that says when its first instructions ran: it reads the monotonic
 * clock, sends its one client eight bytes of nanoseconds, and ends. Its client
 * is descriptor 0, or comes from the listening socket 3.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "bare.h"

static const char *variable(char **environment, const char *name)
{
	for (; *environment; environment++) {
		const char *have = *environment, *want = name;
		while (*want && *have == *want)
			have++, want++;
		if (!*want && *have == '=')
			return have + 1;
	}
	return NULL;
}

/* One datagram to availd that says all of it: ready, and busy. */
static void report(const char *to)
{
	static const char line[] = "READY=1\nX_AVAILD=busy";
	struct sockaddr_un a;
	unsigned long n = 0;

	a.sun_family = AF_UNIX;
	for (; to && to[n] && n < sizeof a.sun_path; n++)
		a.sun_path[n] = to[n];
	if (n < 2 || n == sizeof a.sun_path)
		return;
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	long fd = call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	if (fd >= 0)
		call(SYS_sendto, fd, (long)line, sizeof line - 1, MSG_NOSIGNAL, (long)&a, (long)(offsetof(struct sockaddr_un, sun_path) + n));
}

static int run(int argc, char **argv, char **environment)
{
	struct timespec t;
	long client = 0;

	(void)argc, (void)argv;
	call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0, 0, 0, 0);
	int64_t stamp = t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
	const char *pid = variable(environment, "LISTEN_PID");
	if (pid) {
		if (number(pid) != call(SYS_getpid, 0, 0, 0, 0, 0, 0))
			return 1;
		client = call(SYS_accept4, 3, 0, 0, SOCK_CLOEXEC, 0, 0);
		report(variable(environment, "NOTIFY_SOCKET"));
	}
	return call(SYS_write, client, (long)&stamp, sizeof stamp, 0, 0, 0) != sizeof stamp;
}
