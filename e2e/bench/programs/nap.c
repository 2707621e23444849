/*
 * A program of inetd that takes as many milliseconds as its client asks for: it reads a
 * line with a number, sleeps, says hello and ends.
 */
#include <time.h>

#include "bare.h"

static int run(int argc, char **argv, char **environment)
{
	char line[64];
	long n = 0, got;

	(void)argc;
	(void)argv;
	(void)environment;
	while (n < (long)sizeof line - 1 && (n == 0 || line[n - 1] != '\n')) {
		got = call(SYS_read, 0, (long)(line + n), (long)sizeof line - 1 - n, 0, 0, 0);
		if (got <= 0)
			return 1;
		n += got;
	}
	line[n] = '\0';
	n = number(line);
	struct timespec t = { n / 1000, n % 1000 * 1000000 };
	call(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
	return call(SYS_write, 1, (long)"hello\n", 6, 0, 0, 0) != 6;
}
