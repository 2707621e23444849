/*
 * Takes as much of a processor's time as it is told, and then becomes another program: a
 * worker that is slow to start because it reads and compiles, whatever it is.
 *
 *   burn MILLISECONDS COMMAND [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec used;

	if (argc < 3) {
		fprintf(stderr, "usage: burn MILLISECONDS COMMAND...\n");
		return 64;
	}
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < atol(argv[1]));
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
