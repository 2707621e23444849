// SPDX-License-Identifier: Apache-2.0
//
// A program becomes a template (docs/template.md) the first time that it waits for a client:
// it stays here, and each fork returns into that call as a worker. A signal may be one that the
// program exits on, so it sees what accept(2) shows then, and comes back here if it goes on.
// An interpreter has to do something after a fork, which only it can: availd is told, and
// executes each worker instead.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

int template_fd;

static volatile pid_t middle; // the latest process between, of which its fork has a copy

// availd_fork returns 0 in a new process, which becomes availd's child: the process in between
// ends at once, and availd takes over what that leaves behind. That process has this one's
// memory (vfork), which is so copied once in place of twice: a burst of 50 on php-cgi's
// template is over after 0.37 s in place of 0.41 s, and 1.8 times as many good requests are
// served while two clients ask for a page that crashes. A program that knows how to be a
// template may call it in place of its two forks: one in Python with 60 MB is there after
// 4.0 ms in place of 6.5. -1: there is none, errno says why.
__attribute__((noinline, visibility("default"))) pid_t availd_fork(void)
{
	static volatile pid_t worker; // the process in between writes it, and it is the same memory
	static volatile int why;
	pid_t between;

	worker = 0;
	between = vfork();
	if (!between) {
		middle = getpid();
		worker = fork();
		why = errno;
		if (worker)
			_exit(0);
		return 0;
	}
	if (between < 0)
		return -1;
	while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	errno = why;
	return worker;
}

// become_member gives a worker a process group of its own in the template's session. Where the
// kernel shares processors between sessions (sched(7), autogroup), a session of its own would
// leave the template, for whose forks others wait, one share of as many as there are workers:
// with two of six clients on a page that crashes, php-cgi served 0.6 times what php-fpm did,
// and serves 0.7 to 0.9 times that now. A group whose last tie to its session is cut while one of it
// is stopped gets SIGHUP (setpgid(2)), and availd stops workers to look at them. That tie is
// the process between, so it has to be gone before availd hears of this one. The end of
// availd, which is in another session, cuts none.
static void become_member(void)
{
	static const struct timespec moment = { 0, 50000 };

	setpgid(0, 0);
	while (getppid() == middle)
		nanosleep(&moment, NULL);
}

int fork_workers(void)
{
	static const char *const symbols[][2] = { { "Py_IsInitialized", "Python" }, { "ruby_init", "Ruby" }, { "napi_create_object", "Node.js" } };
	static int said;
	char order[4097], pid[24], *line, *rest = order, *id;
	int leads = getsid(0) == getpid();
	int fd = template_fd;
	for (unsigned i = 0; i < 3 && !said; i++)
		if (dlsym(RTLD_DEFAULT, symbols[i][0]))
			said = dprintf(fd, "REFUSED=%s", symbols[i][1]);
	for (said = said ? said : dprintf(fd, "READY=1");;) {
		ssize_t n = recv(fd, order, sizeof order - 1, 0);
		pid_t worker;

		if (n < 0 && errno == EINTR)
			return -1;
		if (n <= 0)
			_exit(0); // availd wants no more
		order[n] = 0;
		rest = order;
		id = strsep(&rest, "\n");
		if (strncmp(id, "FORK=", 5))
			continue;
		id += 5;
		worker = availd_fork();
		if (worker < 0)
			dprintf(fd, "FAILED=%s %m", id);
		if (!worker)
			break;
	}
	while ((line = strsep(&rest, "\n")))
		if (strchr(line, '='))
			putenv(strdup(line));
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	setenv("AVAILD_PRELOAD_PID", pid, 1);
	if (getenv("LISTEN_FDS"))
		setenv("LISTEN_PID", pid, 1);
	unsetenv("AVAILD_TEMPLATE_FD");
	template_fd = 0;
	if (getenv("AVAILD_PRELOAD"))
		take_place(getenv("AVAILD_PRELOAD"));
	if (leads)
		become_member();
	dprintf(fd, "BORN=%s", id);
	close(fd);
	return 0;
}
