// SPDX-License-Identifier: Apache-2.0
//
// A worker that knows nothing of availd, in the way that its first argument names. Each
// client sends a byte and gets the pid of who has served it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#if __has_include(<linux/seccomp.h>) // musl's compiler is given no headers of the kernel
#include <linux/filter.h>
#include <linux/seccomp.h>
#define CONFINES
#endif

static const char *mode;
static char **arguments;
static int listener = 3, served;

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
static void close_from(int fd) { syscall(SYS_close_range, fd, ~0U, 0); }

static int is(const char *name) { return !strcmp(mode, name); }

static void answer(int client)
{
	char text[32], byte;
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	if (read(client, &byte, 1) == 1 && write(client, text, n) != n)
		_exit(3);
}

static void serve(int client)
{
	pid_t child;

	if (client < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		_exit(2);
	}
	if (is("fork")) { // the child serves, and comes back for more: a stranger to the board
		child = fork();
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			answer(client);
			close(client);
			while ((client = accept(listener, NULL, NULL)) >= 0) {
				answer(client);
				close(client);
				if (++served == 3)
					_exit(0);
			}
			_exit(0);
		}
		close(client);
		waitpid(child, NULL, 0);
		return;
	}
	if (is("spawns")) { // with the variables that the worker has
		child = vfork();
		if (!child) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		waitpid(child, NULL, 0);
	}
	answer(client);
	if (is("opens")) { // so that the next client has another number, and this one is a file
		static int other = -1;
		close(client);
		if (other < 0)
			other = open("/dev/null", O_RDONLY);
		else {
			close(other);
			other = -1;
		}
		return;
	}
	close(client);
	if (is("exec-later") && ++served == 5) {
		execv("/proc/self/exe", arguments);
		_exit(4);
	}
	if (is("leaves") && ++served == 7)
		exit(0);
	if (is("closes-later") && ++served == 3)
		close_from(4);
}

static void accepts(void)
{
	for (;;)
		serve(accept(listener, NULL, NULL));
}

static void nonblocking(void) { fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK); }

static void polls(void)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	struct timespec long_time = { .tv_sec = 1000 };
	fd_set set;

	nonblocking();
	for (;;) {
		poll(&p, 1, 0); // a question, no wait
		FD_ZERO(&set);
		FD_SET(listener, &set);
		if (is("ppoll"))
			ppoll(&p, 1, &long_time, NULL);
		else if (is("select"))
			select(listener + 1, &set, NULL, NULL, NULL);
		else if (is("pselect"))
			pselect(listener + 1, &set, NULL, NULL, &long_time, NULL);
		else
			poll(&p, 1, -1);
		serve(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	}
}

static void epolls(void)
{
	struct epoll_event on = { .events = EPOLLIN }, got;
	int set = epoll_create1(0), client;

	nonblocking();
	on.data.fd = listener;
	epoll_ctl(set, EPOLL_CTL_ADD, listener, &on);
	for (;;) {
		if (is("epoll_pwait"))
			epoll_pwait(set, &got, 1, -1, NULL);
		else
			epoll_wait(set, &got, 1, -1);
		while ((client = accept4(listener, NULL, NULL, 0)) >= 0) // until EAGAIN
			serve(client);
	}
}

static void *in_thread(void *unused)
{
	accepts();
	return unused;
}

// several holds one client while it takes the next.
static void several(void)
{
	int held = -1, client;

	while ((client = accept(listener, NULL, NULL)) >= 0) {
		answer(client);
		if (held >= 0)
			close(held);
		held = client;
		shutdown(held, SHUT_WR);
	}
}

// confine allows what the loop needs, and ends the process for anything else.
#ifdef CONFINES
static void confine(void)
{
	static const int allowed[] = { SYS_accept, SYS_accept4, SYS_read, SYS_write, SYS_close, SYS_getpid, SYS_exit_group };
	enum { N = sizeof allowed / sizeof *allowed };
	struct sock_filter code[N + 3] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	struct sock_fprog filter = { .len = N + 3, .filter = code };

	for (int i = 0; i < N; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], N - i, 0);
	code[N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[N + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(5);
}
#else
static void confine(void) { _exit(6); }
#endif

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2)
		return 64;
	mode = argv[1];
	arguments = argv;
	if (!getenv("LISTEN_FDS"))
		listener = 0;
	if (is("closes")) // all but the socket
		close_from(listener + 1);
	if (is("exec") && argc == 2) {
		char *again[] = { argv[0], argv[1], "again", NULL };
		execv(argv[0], again);
		return 4;
	}
	if (is("background") && fork())
		return 0;
	if (is("copy") || is("copy-poll")) {
		int copy = fcntl(listener, F_DUPFD_CLOEXEC, 20);
		close(listener);
		listener = copy;
	}
	if (is("confined"))
		confine();
	if (is("several"))
		several();
	if (is("thread") || is("threads"))
		pthread_create(&thread, NULL, in_thread, NULL);
	if (is("thread"))
		pthread_join(thread, NULL);
	if (is("child")) { // which accepts in the place of the worker
		pid_t child = fork();
		if (child) {
			waitpid(child, NULL, 0);
			return 0;
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
	if (strstr(mode, "epoll"))
		epolls();
	if (strstr(mode, "poll") || strstr(mode, "select"))
		polls();
	accepts();
}
