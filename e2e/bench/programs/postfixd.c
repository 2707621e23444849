/*
 * The C example as a daemon of Postfix's master(8): the same loop and the same
 * answer, with Postfix's status records in the place of datagrams. Listening
 * socket 6, status channel 5, native integers {pid, generation, available}. Named
 * postfixd-50, it takes 50 ms to start: master has no arguments for it.
 */
#define main example_main /* of which nothing is used but what serves a client */
#include "../../../examples/http-c/worker.c"
#undef main

enum { STATUS = 5, LISTENER = 6 };

static int generation;

static int say(int available)
{
	int record[3] = { (int)getpid(), generation, available };

	return write(STATUS, record, sizeof record) == sizeof record;
}

int main(int argc, char **argv)
{
	struct pollfd waiting[2] = { { .fd = LISTENER, .events = POLLIN }, { .fd = STATUS, .events = POLLIN } };
	const char *octal = getenv("GENERATION");

	const char *nap = argc > 0 ? strrchr(argv[0], '-') : NULL;

	poll(NULL, 0, nap ? atoi(nap + 1) : 0);
	generation = octal ? (int)strtol(octal, NULL, 8) : 0;
	fcntl(LISTENER, F_SETFD, FD_CLOEXEC);
	for (;;) {
		if (poll(waiting, 2, -1) < 0)
			continue;
		if (waiting[1].revents) /* master has gone, or wants another one */
			return 0;
		int client = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		if (!say(0))
			return 0;
		serve(client);
		close(client);
		if (!say(1))
			return 0;
	}
}
