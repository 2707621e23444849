/*
 * The smallest program of inetd: says hello to its client and ends, after as
 * many milliseconds as it is told.
 */
#include <time.h>

#include "bare.h"

static int run(int argc, char **argv, char **environment)
{
	(void)environment;
	if (argc > 1) {
		long ms = number(argv[1]);
		struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
		call(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
	}
	return call(SYS_write, 1, (long)"hello\n", 6, 0, 0, 0) != 6;
}
