/*
 * A command that takes its time to start: nap MILLISECONDS COMMAND [ARGUMENT...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 64;
	long ms = atol(argv[1]);
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
