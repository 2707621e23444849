// SPDX-License-Identifier: Apache-2.0
//
// An object that the service has loaded into its program already: it writes a line for each
// connection that it sees accepted.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int accept(int fd, struct sockaddr *address, socklen_t *size)
{
	static int (*next)(int, struct sockaddr *, socklen_t *);
	int client;

	if (!next)
		next = dlsym(RTLD_NEXT, "accept");
	client = next(fd, address, size);
	if (client >= 0 && write(2, "other object\n", 13) < 0)
		abort();
	return client;
}
