/*
 * A pool without a supervisor, for comparison: a listening socket and as many
 * workers as were asked for, for as long as this process lives.
 *
 *   prefork PORT WORKERS COMMAND [ARGUMENT...]
 *
 * The workers get the socket as they would from availd, except that nobody
 * listens to their reports.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void work(int listener, char **command)
{
	char pid[16];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (listener != 3)
		dup2(listener, 3);
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	unsetenv("NOTIFY_SOCKET");
	execv(command[0], command);
	die(command[0]);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	sigset_t term;
	int one = 1, sig, workers;

	if (argc < 4 || (workers = atoi(argv[2])) < 1) {
		fprintf(stderr, "usage: prefork PORT WORKERS COMMAND...\n");
		return 64;
	}
	address.sin_port = htons((unsigned short)atoi(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
		die("listen");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	for (int i = 0; i < workers; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			work(listener, argv + 3);
	}
	sigwait(&term, &sig); /* the workers go with us */
	return 0;
}
