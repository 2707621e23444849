/*
 * What a start costs at least: waits for a connection, starts a program for it
 * with vfork(2) and execve(2), and waits for its end, one after the other.
 *
 *   spawned PORT inetd|listen COMMAND [ARGUMENT...]
 *
 * With inetd the connection is the program's 0 and 1; with listen the program
 * accepts it from descriptor 3 and is told its own pid by LISTEN_PID. All the
 * rest of the environment is this program's own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char listen_pid[32] = "LISTEN_PID=", listen_fds[] = "LISTEN_FDS=1";
static char *environment[1024];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The child of vfork has our memory and our stack until it executes. */
static void become(char **command, char **variables, int listener, int client)
{
	if (client >= 0) {
		dup2(client, 0);
		dup2(client, 1);
	} else {
		dup2(listener, 3);
		char digits[20], *p = digits + sizeof digits;
		long pid = getpid();
		for (*--p = '\0'; pid > 0; pid /= 10)
			*--p = (char)('0' + pid % 10);
		strcpy(listen_pid + 11, p);
	}
	execve(command[0], command, variables);
	_exit(203);
}

/* The variables of a worker that is to accept are the first two. */
static char **prepare(int listens)
{
	int n = 0;

	environment[n++] = listen_pid;
	environment[n++] = listen_fds;
	for (char **v = environ; *v && n < 1023; v++)
		environment[n++] = *v;
	return listens ? environment : environment + 2;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct epoll_event e = { .events = EPOLLIN };
	int one = 1;

	if (argc < 4) {
		fprintf(stderr, "usage: spawned PORT inetd|listen COMMAND...\n");
		return 64;
	}
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(s, (struct sockaddr *)&address, sizeof address) < 0 || listen(s, 128) < 0)
		die("listen");
	int listener = fcntl(s, F_DUPFD_CLOEXEC, 10); /* out of the way of the child's 3 */
	close(s);
	int set = epoll_create1(EPOLL_CLOEXEC);
	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, listener, &e) < 0)
		die("epoll");
	char **variables = prepare(strcmp(argv[2], "listen") == 0);
	for (;;) {
		int client = -1;
		if (epoll_wait(set, &e, 1, -1) != 1)
			continue;
		if (strcmp(argv[2], "inetd") == 0 && (client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
			continue;
		pid_t pid = vfork();
		if (pid == 0)
			become(argv + 3, variables, listener, client);
		if (pid < 0)
			die("vfork");
		if (client >= 0)
			close(client);
		waitpid(pid, NULL, 0);
	}
}
