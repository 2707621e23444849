/*
 * A worker that takes no clients and only reports: chatter FIFO PAIRS
 *
 * It is ready and idle, and writes its pid to FIFO. By SIGUSR1 it reports PAIRS
 * jobs, a busy and an idle each, with pauses in which availd falls asleep, and
 * writes its pid again. SIGTERM ends it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int sender = -1, fifo = -1;

static void report(const char *line)
{
	if (send(sender, line, strlen(line), MSG_NOSIGNAL) < 0) /* blocks while availd has no room */
		exit(1);
}

static void tell(void)
{
	int pid = (int)getpid();

	if (write(fifo, &pid, sizeof pid) != sizeof pid)
		exit(1);
}

static void talk(int pairs)
{
	const struct timespec pause = { 0, 100000 };

	for (int i = 0; i < 2 * pairs; i++) {
		report(i % 2 ? "X_AVAILD=idle" : "X_AVAILD=busy");
		nanosleep(&pause, NULL);
	}
	tell();
}

int main(int argc, char **argv)
{
	const char *to = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = to ? strlen(to) : 0;
	sigset_t wanted;
	int sig;

	if (argc != 3 || n < 2 || n >= sizeof a.sun_path)
		return 1;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	sigaddset(&wanted, SIGTERM);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	prctl(PR_SET_TIMERSLACK, 1);
	memcpy(a.sun_path, to, n);
	if (to[0] == '@')
		a.sun_path[0] = '\0';
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sender < 0 || connect(sender, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return 1;
	if ((fifo = open(argv[1], O_WRONLY | O_CLOEXEC)) < 0)
		return 1;
	report("READY=1\nX_AVAILD=busy");
	report("X_AVAILD=idle"); /* one that has worked may end */
	tell();
	while (sigwait(&wanted, &sig) == 0 && sig == SIGUSR1)
		talk(atoi(argv[2]));
	return 0;
}
