/*
 * The smallest program of inetd: says hello to its client and ends, after as
 * many milliseconds as it is told.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc > 1) {
		long ms = atol(argv[1]);
		struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
		nanosleep(&t, NULL);
	}
	return write(1, "hello\n", 6) != 6;
}
