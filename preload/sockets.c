// SPDX-License-Identifier: Apache-2.0
//
// Which descriptors are the sockets that were handed over. A program may duplicate them, as
// socket.fromfd of Python does: all numbers of a socket have one cookie.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>

#include "preload.h"

#define SOME 16

static int first, listeners;
static uint64_t cookies[SOME];
static int copies[SOME], n_copies; // other numbers of the sockets
static struct { int set, fd; } watched[SOME]; // epoll sets that one of them is in
static int n_watched;

void say(const char *what)
{
	if (getenv("AVAILD_PRELOAD_DEBUG"))
		dprintf(2, "availd-preload: %s\n", what);
}

long number(const char **text)
{
	const char *from = *text;
	long n = 0;
	while (**text >= '0' && **text <= '9' && n < 1L << 58)
		n = 10 * n + *(*text)++ - '0';
	*text += **text == ' ';
	return *text == from ? -1 : n;
}

void know_sockets(long number_of_first, const char *count)
{
	first = number_of_first;
	listeners = number(&count);
	for (int i = 0; i < listeners && i < SOME; i++)
		getsockopt(first + i, SOL_SOCKET, SO_COOKIE, &cookies[i], &(socklen_t){ sizeof *cookies });
}

int listens(int fd, int learns)
{
	uint64_t cookie;
	int kept = errno, found = fd >= first && fd - first < listeners;
	for (int i = 0; i < n_copies; i++)
		found |= copies[i] == fd;
	if (found || n_copies == SOME || !learns)
		return found;
	if (!getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &(socklen_t){ sizeof cookie }))
		for (int i = 0; i < listeners && i < SOME; i++)
			found |= cookies[i] == cookie;
	if (found)
		copies[n_copies++] = fd;
	errno = kept;
	return found;
}

void watch(int set, int fd, int is)
{
	int i = 0;
	while (i < n_watched && (watched[i].fd != fd || watched[i].set != set))
		i++;
	if (is && i == n_watched && i < SOME)
		n_watched++;
	else if (!is && i < n_watched)
		watched[i] = watched[--n_watched];
	if (is && i < SOME) {
		watched[i].set = set;
		watched[i].fd = fd;
	}
}

int in_epoll(int set)
{
	int i = 0;
	while (i < n_watched && watched[i].set != set)
		i++;
	return i < n_watched;
}

int in_poll(const struct pollfd *fds, nfds_t n, int learns)
{
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].events & POLLIN && listens(fds[i].fd, learns))
			return 1;
	return 0;
}

int in_select(int n, const fd_set *in, int learns)
{
	for (int fd = 0; in && fd < n; fd++)
		if (FD_ISSET(fd, in) && listens(fd, learns))
			return 1;
	return 0;
}
